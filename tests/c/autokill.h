/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Whether the kernel ends a process with its pidfd (CLONE_PIDFD_AUTOKILL, 7.1). */
#ifndef AUTOKILL_H
#define AUTOKILL_H

#include "util.h"

struct clone_flags {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

/* Asks for a cgroup by a number that is no descriptor: EBADF from a kernel that knows the flags, else EINVAL. */
static int kernel_has_it(void)
{
	int fd;
	struct clone_flags a = { .flags = 0x1000 | 7ULL << 34 | 2ULL << 32, .pidfd = (uintptr_t)&fd, .cgroup = INT_MAX };
	CHECK_EQ(syscall(SYS_clone3, &a, sizeof a), -1);
	CHECK(errno == EBADF || errno == EINVAL);
	return errno == EBADF;
}

#endif

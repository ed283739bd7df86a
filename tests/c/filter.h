/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Seccomp filters that refuse system calls. */
#ifndef FILTER_H
#define FILTER_H

#include "util.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>

struct rule {
	long nr;
	uint32_t action;
};

#define REFUSE(e) (SECCOMP_RET_ERRNO | ((uint32_t)(e) & SECCOMP_RET_DATA))
/* An errno that no kernel code on these ways returns by itself. */
#define ODD EDOTDOT

/* Install a filter; with `no_copy`, clone(2) without CLONE_VM is refused as well. */
UNUSED static void filter(const struct rule *rules, int n, int no_copy)
{
	struct sock_filter f[64];
	int k = 0;
	f[k++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (int i = 0; i < n; i++) {
		f[k++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)rules[i].nr, 0, 1);
		f[k++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, rules[i].action);
	}
	if (no_copy) {
		f[k++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3);
		f[k++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						      offsetof(struct seccomp_data, args[0]));
		f[k++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_VM, 1, 0);
		f[k++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, REFUSE(EPERM));
	}
	f[k++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog p = { .len = (unsigned short)k, .filter = f };
	CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p), 0);
}

UNUSED static void refuse(long nr, int err)
{
	struct rule r = { nr, REFUSE(err) };
	filter(&r, 1, 0);
}

/* Refuse a system call where the low half of argument n, under the mask, is (or is not) this value. */
UNUSED static void refuse_argument(long nr, unsigned n, unsigned mask, unsigned value, int is, int err)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 4),
		/* Little-endian. */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * n),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, is ? 0 : 1, is ? 1 : 0),
		BPF_STMT(BPF_RET | BPF_K, REFUSE(err)),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { .len = sizeof f / sizeof *f, .filter = f };
	CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p), 0);
}

/* Whether the kernel has PIDFD_GET_INFO (6.13). */
UNUSED static int has_get_info(void)
{
	uint64_t info[8] = { 0 };
	int self = sys_pidfd_open(getpid());
	int r = ioctl(self, 0xc040ff0b, info); /* the first size of its structure */
	close(self);
	return r == 0;
}

/* Without PIDFD_GET_INFO (linux/pidfd.h), whatever the size of its structure, as before 6.13. */
UNUSED static void without_get_info(void)
{
	refuse_argument(SYS_ioctl, 1, 0xffff, 0xff0b, 1, ENOTTY);
}

/* Without the scopes of pidfd_send_signal(2), as before 6.9. */
UNUSED static void without_scopes(void)
{
	refuse_argument(SYS_pidfd_send_signal, 3, ~0U, 0, 0, EINVAL);
}

#endif

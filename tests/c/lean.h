/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the tests of PROCFD_PIDFD share. */
#ifndef LEAN_H
#define LEAN_H

#include "filter.h"
#include "util.h"

UNUSED static int lean(void)
{
	return ctx_flags(PROCFD_PIDFD);
}

/* How many descriptors there are, once the library has let go of contexts of before. */
UNUSED static int settled(void)
{
	for (int i = 0; i < 3; i++)
		close(lean());
	return tap_fds(NULL, 0);
}

UNUSED static int is_pidfd_of(int fd, pid_t pid)
{
	return pid_in_fdinfo(fd) == pid;
}

UNUSED static int wait_by_kernel(int pidfd)
{
	siginfo_t si = { 0 };
	CHECK_EQ(waitid((idtype_t)3 /* P_PIDFD */, (id_t)pidfd, &si, WEXITED), 0);
	CHECK_EQ(si.si_code, CLD_EXITED);
	return si.si_status;
}

UNUSED static short events_of(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLPRI | POLLRDHUP };
	CHECK(poll(&p, 1, 0) >= 0);
	return p.revents;
}

UNUSED static void no_children(void)
{
	CHECK_ERR(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
}

#define SAYS(words)                                                                            \
	do {                                                                                   \
		if (!strstr(procfd_error_message(), words))                                    \
			FAIL("wanted \"%s\", got \"%s\"", words, procfd_error_message());      \
	} while (0)

#endif

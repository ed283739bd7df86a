/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which system call fails how, and the stage that must then be told. */
#ifndef PLAUSIBLE_H
#define PLAUSIBLE_H

#include "scenarios.h"

#include <sys/socket.h>

enum how { NOTHING, FAIL_CALL, KILL_CALLER, KILL_CREATOR, TAKE_NUMBER };

/* The `nth` call of the number `nr` of the task that is the `task`th to appear. */
struct point {
	int task, nth;
	long nr;
	unsigned long args[6];
	int one_byte; /* sendmsg(2) of a byte, without descriptors */
	enum how how;
	int err;
	/* The creator's numbers below 64 that are open, and of these the ones that the call uses. */
	uint64_t open, used;
	int number; /* the one that is taken */
	enum with with;
};

/*
 * Calls that cannot fail with valid arguments, or whose failure no caller can answer. --impossible lets
 * them fail too: docs/reliability.md says what that leaves.
 */
static int impossible;

static int cannot_fail(const struct scenario *s, const struct point *p)
{
	static const long always[] = { SYS_exit, SYS_exit_group, SYS_rt_sigreturn, SYS_restart_syscall,
				       SYS_brk, SYS_futex, SYS_munmap, SYS_rt_sigprocmask,
				       SYS_rt_sigaction, SYS_getpid, SYS_gettid, SYS_getppid, SYS_getuid,
				       SYS_geteuid, SYS_getgid, SYS_getegid, SYS_umask, SYS_sched_yield };
	for (size_t i = 0; i < sizeof always / sizeof *always; i++)
		if (always[i] == p->nr)
			return 1;
	if (impossible)
		return 0;
	switch (p->nr) {
	case SYS_fstat: case SYS_timerfd_gettime: case SYS_capget: case SYS_clock_gettime:
		return 1;
	case SYS_fcntl: /* the same */
		return p->args[1] == F_GETFL || p->args[1] == F_GETFD;
	case SYS_getsockopt: /* as fstat, the proof that a number is still the library's own */
		return p->args[1] == SOL_SOCKET;
	case SYS_prctl:
		return p->args[0] == PR_GET_DUMPABLE || p->args[0] == PR_SET_DUMPABLE;
	case SYS_sendmsg: /* the kernel has always that much memory; the child of a fork is released with it */
		return p->one_byte;
	case SYS_dup3: /* of one open descriptor over another */
		return s->start == start_fork && p->task == 0;
	case SYS_read: /* the same byte's */
		return s->start == start_fork && p->task > 0 && p->args[2] <= 2;
	case SYS_signalfd4: /* the init ends the program then; "time limit, built-in init" looks at the status */
		return s->ends == BY_POLICY;
	case SYS_waitid: /* it does not sleep, so that no signal ends it */
		return (p->args[3] & WNOHANG) != 0;
	default:
		return 0;
	}
}

/* Up to three errnos, ended by 0. */
static const int *errnos_of(long nr)
{
	static const int table[] = { EMFILE, ENFILE, ENOMEM, 0 }, memory[] = { ENOMEM, 0 },
			 clones[] = { EAGAIN, ENOMEM, EPERM, 0 }, sending[] = { ENOBUFS, ETOOMANYREFS, EPERM, 0 },
			 receiving[] = { ENOMEM, EINTR, 0 }, transfer[] = { EINTR, EIO, EPERM, 0 },
			 waiting[] = { EINTR, 0 }, ids[] = { EPERM, EAGAIN, 0 },
			 programs[] = { EACCES, ENOMEM, 0 }, closing[] = { EINTR, EIO, 0 },
			 other[] = { EPERM, ENOMEM, 0 };
	switch (nr) {
	case SYS_socketpair: case SYS_socket: case SYS_pipe2: case SYS_openat: case SYS_dup: case SYS_dup3:
	case SYS_memfd_create: case SYS_epoll_create1: case SYS_pidfd_open: case SYS_signalfd4:
		return table;
	case SYS_mmap: case SYS_mprotect:
		return memory;
	case SYS_clone3: case SYS_clone: case SYS_vfork: case SYS_fork:
		return clones;
	case SYS_sendmsg: case SYS_sendto:
		return sending;
	case SYS_recvmsg: case SYS_recvfrom:
		return receiving;
	case SYS_read: case SYS_write: case SYS_pread64: case SYS_pwrite64:
		return transfer;
	case SYS_wait4: case SYS_waitid: case SYS_poll: case SYS_ppoll: case SYS_epoll_pwait:
		return waiting;
	case SYS_setresuid: case SYS_setresgid: case SYS_setgroups:
		return ids;
	case SYS_execve: case SYS_execveat:
		return programs;
	case SYS_close:
		return closing;
	default:
		return other;
	}
}

/* The stage with which a failed call of the child has to be told; PROC_STAGE_NONE where it may be passed over. */
static unsigned stage_of(const struct scenario *s, long nr)
{
	for (const struct told *t = s->told; t->stage; t++)
		if (t->nr == nr)
			return t->stage;
	return PROC_STAGE_NONE;
}

#endif

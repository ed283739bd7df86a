/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The system calls of a function, counted by ptrace(2). */
#ifndef COUNTED_H
#define COUNTED_H

#include "util.h"

#include <sys/ptrace.h>

#ifndef PTRACE_GET_SYSCALL_INFO
#define PTRACE_GET_SYSCALL_INFO 0x420e
#endif

enum { MOST = 1024 };

/* struct ptrace_syscall_info, as far as an entry goes. */
struct entered {
	uint8_t op, pad[3];
	uint32_t arch;
	uint64_t ip, sp, nr, args[6];
};

static int calls[MOST];

static void count(pid_t pid)
{
	struct entered e = { 0 };
	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof e, &e) <= 0)
		FAIL("PTRACE_GET_SYSCALL_INFO");
	if (e.op == 1 && e.nr < MOST)
		calls[e.nr]++;
}

/* The calls between two getpriority(2) of the process, and of the children that it makes, up to their execve. */
static int calls_of(void (*f)(void))
{
#ifndef __GLIBC__
	/* So the library proves its descriptors by calls that it leaves out with glibc. */
	SKIP("this C library does not tell whether a program has threads");
#endif
	memset(calls, 0, sizeof calls);
	pid_t pid = fork();
	if (pid == 0) {
		alarm(CHILD_LIFE);
		if (ptrace(PTRACE_TRACEME, 0, 0, 0))
			_exit(TAP_SKIPPED);
		f(); /* what a process does once */
		f();
		raise(SIGSTOP);
		syscall(SYS_getpriority, PRIO_PROCESS, 0);
		f();
		syscall(SYS_getpriority, PRIO_PROCESS, 0);
		_exit(0);
	}
	int st, all = 0;
	/* Exits of children that were not traced yet, and SIGCHLD. */
	for (;;) {
		CHECK_EQ(waitpid(pid, &st, 0), pid);
		if (WIFEXITED(st))
			SKIP("ptrace is not allowed");
		CHECK(WIFSTOPPED(st));
		if (WSTOPSIG(st) == SIGSTOP)
			break;
		ptrace(PTRACE_CONT, pid, 0, WSTOPSIG(st));
	}
	CHECK_EQ(ptrace(PTRACE_SETOPTIONS, pid, 0,
			PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
				PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL),
		 0);
	CHECK_EQ(ptrace(PTRACE_SYSCALL, pid, 0, 0), 0);
	for (;;) {
		pid_t who = waitpid(-1, &st, __WALL);
		CHECK(who > 0);
		if (!WIFSTOPPED(st)) {
			if (who == pid)
				break;
			continue;
		}
		int sig = WSTOPSIG(st), event = st >> 16;
		if (sig == (SIGTRAP | 0x80)) {
			count(who);
			sig = 0;
		} else if (event || sig == SIGSTOP) {
			sig = 0;
		}
		if (event == PTRACE_EVENT_EXEC)
			ptrace(PTRACE_DETACH, who, 0, 0);
		else
			ptrace(PTRACE_SYSCALL, who, 0, sig);
	}
	CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 0);
	CHECK_EQ(calls[SYS_getpriority], 2);
	calls[SYS_getpriority] = calls[SYS_exit_group] = 0;
	for (int i = 0; i < MOST; i++)
		all += calls[i];
	return all;
}

#endif

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How many system calls a start of a lean context makes, counted by ptrace(2): those of the creator, and of the
 * child up to its execve(2). */
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

static void ended(int pidfd)
{
	siginfo_t si = { 0 };
	if (syscall(SYS_waitid, 3 /* P_PIDFD */, pidfd, &si, WEXITED, NULL) || si.si_status || close(pidfd))
		_exit(91);
}

static int raw_child(void *arg)
{
	(void)arg;
	char *argv[] = { (char *)"true", NULL };
	execve("/bin/true", argv, environ);
	_exit(127);
}

static void raw(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	int pidfd = -1;
	if (clone(raw_child, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, NULL, &pidfd) < 0)
		_exit(92);
	ended(pidfd);
}

static const char *const argv_true[] = { "/bin/true", NULL };

static void spawned(void)
{
	struct procfd_spawn options = { .flags = PROCFD_PIDFD };
	int fd = procfd_spawn(argv_true, &options, sizeof options);
	if (fd < 0)
		_exit(93);
	ended(fd);
}

static void opened(void)
{
	int fd = process_open(PROCFD_PIDFD);
	if (process_config(fd, PROC_SET_EXEC, 0, argv_true[0], 0) || process_config(fd, PROC_CREATE, 0, NULL, 0) < 0)
		_exit(94);
	ended(fd);
}

static void waited(void)
{
	struct procfd_wait w = { 0 };
	struct procfd_spawn options = { .flags = PROCFD_PIDFD };
	int fd = procfd_spawn(argv_true, &options, sizeof options);
	if (process_manage(fd, PROC_WAIT, 0, &w, sizeof w) || w.status || close(fd))
		_exit(95);
}

/* Sixty contexts that nothing has started yet. */
static void beside_others(void)
{
	static int have;
	while (have < 60)
		if (process_open(PROCFD_PIDFD) >= 0)
			have++;
	opened();
}

static void the_calls_of_a_start(void)
{
	int bare = calls_of(raw);
	CHECK_EQ(bare, 4);
	int spawn = calls_of(spawned), open = calls_of(opened), wait = calls_of(waited);
	int beside = calls_of(beside_others);
	diag("raw %d; procfd_spawn %d, with PROC_WAIT %d; process_open to close %d, beside 60 contexts %d", bare,
	     spawn, wait, open, beside);
	CHECK(spawn <= bare + 5);
}

TAP_MAIN(CASE(the_calls_of_a_start))

// SPDX-License-Identifier: MIT OR Apache-2.0
/* A watcher that is lost with many procfds: each call of the library gives a few of them to the new one. */
#include "watcher.h"

#include <sys/ptrace.h>

enum { MANY = 400, AT_ONCE = 16 };

/* PTRACE_GET_SYSCALL_INFO, as the C library's ptrace() takes it. */
#ifdef __GLIBC__
#define SYSCALL_INFO (enum __ptrace_request)0x420e
#else
#define SYSCALL_INFO 0x420e
#endif

/* What a call makes for one that it gives, and for all else: for a look at others, and the start of a watcher. */
enum { FOR_EACH = 12, BESIDES = 250 };

static int target;

/* A context takes three descriptors here, and many systems give a program 1,024. */
static void room_for_many(void)
{
	struct rlimit l;
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &l), 0);
	if (l.rlim_cur < 4 * MANY)
		l.rlim_cur = l.rlim_max < 4 * MANY ? l.rlim_max : 4 * MANY;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &l), 0);
}

static int attached(void)
{
	int fd = ctx();
	CHECK(process_config(fd, PROC_ATTACH, (uint64_t)target, NULL, 0) > 0);
	return fd;
}

/* A call between two getpriority(2). */
static void one_call(void)
{
	syscall(SYS_getpriority, PRIO_PROCESS, 0);
	int fd = process_open(PROCFD_NO_WATCH);
	syscall(SYS_getpriority, PRIO_PROCESS, 0);
	CHECK(fd >= 0);
	close(fd);
}

static void creator(void)
{
	static int fds[MANY];
	room_for_many();
	pid_t pid = fork();
	if (pid == 0) {
		alarm(CHILD_LIFE);
		for (;;)
			pause();
	}
	CHECK((target = sys_pidfd_open(pid)) >= 0);
	for (int i = 0; i < MANY; i++)
		fds[i] = attached();
	kill_watcher();
	if (ptrace(PTRACE_TRACEME, 0, 0, 0))
		SKIP("ptrace is not allowed");
	raise(SIGSTOP);
	for (int i = 0; i < MANY / AT_ONCE + 2; i++)
		one_call();
	raise(SIGSTOP);
	watcher();
	CHECK_EQ(kill(pid, SIGKILL), 0);
	for (int i = 0; i < MANY; i++)
		CHECK_HUNG_UP(fds[i]);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

/* The most system calls that the process makes between two marks, up to its second SIGSTOP. */
static int most_calls(pid_t pid, int *marks)
{
	int status, stops = 0, n = 0, most = 0, entry = 0;
	*marks = 0;
	for (;;) {
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		if (!WIFSTOPPED(status)) {
			CHECK(WIFEXITED(status));
			if (WEXITSTATUS(status) == TAP_SKIPPED)
				SKIP("ptrace is not allowed");
			CHECK_EQ(WEXITSTATUS(status), 0);
			return most;
		}
		int sig = WSTOPSIG(status);
		if (sig == SIGSTOP) {
			if (++stops == 1)
				CHECK_EQ(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL), 0);
			else
				CHECK_EQ(ptrace(PTRACE_DETACH, pid, 0, 0), 0);
			if (stops == 2)
				continue;
			sig = 0;
		} else if (sig == (SIGTRAP | 0x80)) {
			uint64_t info[11] = { 0 };
			sig = 0;
			entry = !entry;
			if (entry) {
				/* struct ptrace_syscall_info: the number is behind op, arch, ip and sp. */
				CHECK(ptrace(SYSCALL_INFO, pid, (void *)sizeof info, info) > 0);
				n++;
				if (info[3] == SYS_getpriority) {
					most = ++*marks % 2 == 0 && n > most ? n : most;
					n = 0;
				}
			}
		}
		ptrace(PTRACE_SYSCALL, pid, 0, sig);
	}
}

static void a_few_at_each_call(void)
{
	int marks;
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		alarm(CHILD_LIFE);
		creator();
		_exit(0);
	}
	int most = most_calls(pid, &marks);
	diag("at most %d system calls in one call, of %d", most, marks / 2);
	CHECK_EQ(marks, 2 * (MANY / AT_ONCE + 2));
	CHECK(most > AT_ONCE);
	CHECK(most <= AT_ONCE * FOR_EACH + BESIDES);
}

/* A policy that is changed before its process's turn comes reaches the new watcher. */
static void a_change_comes_first(void)
{
	struct procfd_close then = { .second_signal = SIGKILL, .delay_ns = 1000000 };
	int fds[3 * AT_ONCE], last = 3 * AT_ONCE - 1;
	for (int i = 0; i < last; i++)
		fds[i] = staying();
	fds[last] = ctx();
	struct out o = set_output(fds[last]);
	set_child(fds[last], "ready");
	SET(fds[last], PROC_SET_SIGIGNORE, 1ULL << (SIGTERM - 1));
	SET(fds[last], PROC_SET_CLOSE, SIGTERM);
	create(fds[last]);
	close(o.w);
	read_ready(o.r);
	close(o.r);
	int pidfd = process_info(fds[last], PROC_INFO_PIDFD, 0, NULL, 0);
	kill_watcher();
	CHECK_EQ(process_manage(fds[last], PROC_SET_CLOSE, SIGTERM, &then, sizeof then), 0);
	close(fds[last]);
	CHECK_ENDS(pidfd);
	close(pidfd);
	for (int i = 0; i < last; i++)
		finish(fds[i]);
}

TAP_MAIN(COLD(a_few_at_each_call), COLD(a_change_comes_first))

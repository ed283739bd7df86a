/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How many system calls a start of a lean context makes, counted by ptrace(2): those of the creator, and of the
 * child up to its execve(2). */
#include "counted.h"

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
	/* On a busy machine the creator goes on before the kernel says that its child has executed, and looks again. */
	int spawn = calls_of(spawned);
	for (int i = 0; i < 20 && spawn > bare + 5; i++)
		spawn = calls_of(spawned);
	for (int i = 0; spawn > bare + 5 && i < MOST; i++)
		if (calls[i])
			diag("system call %d: %d", i, calls[i]);
	int open = calls_of(opened), wait = calls_of(waited);
	int beside = calls_of(beside_others);
	diag("raw %d; procfd_spawn %d, with PROC_WAIT %d; process_open to close %d, beside 60 contexts %d", bare,
	     spawn, wait, open, beside);
	CHECK(spawn <= bare + 5);
}

TAP_MAIN(CASE(the_calls_of_a_start))

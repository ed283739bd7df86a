// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A program whose standard streams are closed from before its first call of the library. tests/calls/run follows each
 * descriptor that strace sees the library get: one below 3 is moved by the next calls of its thread.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <procfd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int err;

static int checked(long result, const char *what)
{
	if (result < 0) {
		dprintf(err, "%s: %s\n", what, procfd_error_message());
		exit(1);
	}
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) >= 0) {
			dprintf(err, "%s has left something at %d\n", what, fd);
			exit(1);
		}
	return (int)result;
}

#define DO(call) checked(call, #call)

static int opened(uint64_t flags, const char *program)
{
	int fd = DO(process_open(flags));
	DO(process_config(fd, PROC_SET_EXEC, 0, (void *)program, 0));
	return fd;
}

static int sleeper(int fd)
{
	static const char *const argv[] = { "sleep", "60", NULL };
	DO(process_config(fd, PROC_SET_ARGV, 0, (void *)argv, 0));
	DO(process_config(fd, PROC_SET_CLOSE, SIGKILL, NULL, 0));
	return fd;
}

static void run(int fd)
{
	struct procfd_wait w = { 0 };
	DO(process_config(fd, PROC_CREATE, 0, NULL, 0));
	DO(process_manage(fd, PROC_WAIT, 0, &w, sizeof w));
	if (w.what != PROC_EXITED || w.status != 0) {
		dprintf(err, "true ends with %u, %d\n", w.what, w.status);
		exit(1);
	}
	close(fd);
}

#define FIELDS                                                                                          \
	(PROC_FIELD_IDS | PROC_FIELD_CREDS | PROC_FIELD_COMM | PROC_FIELD_MEMORY | PROC_FIELD_MEMORY_PARTS | \
	 PROC_FIELD_MEMORY_DETAIL | PROC_FIELD_SIGNALS | PROC_FIELD_IO | PROC_FIELD_FDS | PROC_FIELD_LIMITS | \
	 PROC_FIELD_MOUNTS | PROC_FIELD_NAMESPACES | PROC_FIELD_OOM | PROC_FIELD_USAGE | PROC_FIELD_SWITCHES)

static void ask(int fd)
{
	static struct procfd_info info;
	static char text[65536];
	static const uint32_t lists[] = { PROC_INFO_CHILDREN, PROC_INFO_DESCENDANTS, PROC_INFO_THREADS, PROC_INFO_FDS };
	static const uint32_t texts[] = { PROC_INFO_EXE,  PROC_INFO_CWD,    PROC_INFO_ARGV, PROC_INFO_ENVIRON,
					  PROC_INFO_MAPS, PROC_INFO_CGROUP, PROC_INFO_MOUNTS };
	DO(process_info(fd, PROC_INFO, FIELDS, &info, sizeof info));
	close(DO(process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0)));
	close(DO(process_info(fd, PROC_INFO_NSFD, CLONE_NEWNS, NULL, 0)));
	/* Some need a right or a file that there may not be. */
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		(void)!process_info(fd, lists[i], 0, text, sizeof text);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		(void)!process_info(fd, texts[i], 0, text, sizeof text);
	checked(0, "questions");
}

int main(void)
{
	static const char *const true_argv[] = { "true", NULL };
	uint64_t user = geteuid() ? CLONE_NEWUSER : 0;
	int pipes[3], fd, other;

	err = fcntl(2, F_DUPFD_CLOEXEC, 500);
	for (int i = 0; i < 3; i++)
		close(i);
	syscall(SYS_getppid);

	run(opened(0, "/bin/true"));
	run(opened(PROCFD_NO_WATCH, "/bin/true"));
	run(opened(PROCFD_PIDFD, "/bin/true"));

	fd = opened(PROCFD_NO_WATCH, "/bin/true");
	DO(process_config(fd, PROC_SET_FLAG, CLONE_NEWPID | user, NULL, 0));
	DO(process_config(fd, PROC_SET_INIT, 1, NULL, 0));
	run(fd);

	fd = opened(PROCFD_NO_WATCH, "/bin/true");
	close(DO(process_config(fd, PROC_FD_PIPE, PROC_PIPE_TO_CHILD | 5, NULL, 0)));
	DO(process_config(fd, PROC_FD_DATA, 6, "text", 4));
	other = DO(process_config(fd, PROC_SET_PTY, 0, NULL, 0));
	run(fd);
	close(other);

	/* The watcher's second part of a policy, and what a holder asks and does. */
	fd = sleeper(opened(0, "/bin/sleep"));
	struct procfd_close policy = { .second_signal = SIGKILL, .delay_ns = 1000000 };
	DO(process_config(fd, PROC_SET_CLOSE, SIGTERM, &policy, sizeof policy));
	DO(process_config(fd, PROC_SET_FLAG, CLONE_NEWPID | CLONE_NEWUTS | user, NULL, 0));
	DO(process_config(fd, PROC_CREATE, 0, NULL, 0));
	ask(fd);
	DO(process_manage(fd, PROC_SET_CLOSE, SIGKILL, NULL, 0));
	close(DO(process_info(fd, PROC_INFO_NSFD, CLONE_NEWUTS, NULL, 0)));
	/* An intermediate process joins its pid namespace. */
	int pidfd = DO(process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0));
	other = opened(PROCFD_NO_WATCH, "/bin/true");
	DO(process_config(other, PROC_JOIN_FD, CLONE_NEWPID | CLONE_NEWUTS | user, &pidfd, sizeof pidfd));
	run(other);
	close(pidfd);
	DO(process_manage(fd, PROC_KILL_TREE, SIGKILL, &(struct procfd_kill_tree){ 0 }, sizeof(struct procfd_kill_tree)));
	close(fd);

	fd = DO(process_open(0));
	int pid = fork();
	if (pid == 0) {
		syscall(SYS_close_range, 0u, ~0u, 0u);
		pause();
	}
	/* A number of the test's own. */
	int target = (int)syscall(SYS_pidfd_open, pid, 0), above = fcntl(target, F_DUPFD_CLOEXEC, 3);
	if (target < 3)
		close(target), target = above;
	DO(process_config(fd, PROC_ATTACH, (uint64_t)target, NULL, 0));
	kill(pid, SIGKILL);
	close(fd);

	struct procfd_spawn o = { .pipes = pipes, .stdio = { PROCFD_STDIO_PIPE, PROCFD_STDIO_PIPE, PROCFD_STDIO_NULL } };
	fd = DO(procfd_spawn(true_argv, &o, sizeof o));
	close(pipes[0]);
	close(pipes[1]);
	close(fd);
	DO(process_open_pid(getpid(), 0));
	syscall(SYS_getppid);
	return 0;
}

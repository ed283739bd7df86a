/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The proposal's examples as ioctls: open, configure, create, signal, wait, ask. Of procfd.h the
 * numbers and structures alone: the program does not link with the library.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <procfd.h>

#define IO(command) (PROCFD_IOC_ARG + (command))
#define IOW(command) (PROCFD_IOC_DATA + (command))

#define MUST(condition)                                                                        \
	do {                                                                                   \
		if (!(condition)) {                                                            \
			fprintf(stderr, "%d: %s: %s\n", __LINE__, #condition, strerror(errno)); \
			exit(1);                                                               \
		}                                                                              \
	} while (0)

static int process_open_by_ioctl(void)
{
	int proc = open("/proc", O_DIRECTORY | O_CLOEXEC);
	MUST(proc >= 0);
	int fd = ioctl(proc, PROCFD_IOC_OPEN, 0UL);
	MUST(fd >= 0);
	close(proc);
	return fd;
}

static void set_program(int fd, const char *const *argv)
{
	struct procfd_ioctl_arg path = { .data = (void *)argv[0] }, list = { .data = (void *)argv };
	MUST(ioctl(fd, IOW(PROC_SET_EXEC), &path) == 0);
	MUST(ioctl(fd, IOW(PROC_SET_ARGV), &list) == 0);
}

static void wait_for(int fd, unsigned what, int status)
{
	struct procfd_wait w = { .timeout_ns = 20000000000ULL };
	struct procfd_ioctl_arg arg = { .data = &w, .size = sizeof w };
	MUST(ioctl(fd, IOW(PROC_WAIT), &arg) == 0);
	MUST(w.what == what && w.status == status);
}

static void exits(void)
{
	const char *const argv[] = { "/bin/sh", "-c", "exit $((3 + $1))", "sh", "4", NULL };
	int fd = process_open_by_ioctl();
	set_program(fd, argv);
	MUST(ioctl(fd, IO(PROC_CREATE), 0UL) > 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	MUST(poll(&p, 1, 20000) == 1);
	wait_for(fd, PROC_EXITED, 7);
	MUST(ioctl(fd, IO(PROC_INFO_STATE), 0UL) == PROC_STATE_EXITED);
	close(fd);
}

static void is_signalled(void)
{
	const char *const argv[] = { "/bin/sleep", "100", NULL };
	int fd = process_open_by_ioctl();
	set_program(fd, argv);
	int pid = ioctl(fd, IO(PROC_CREATE), 0UL);
	MUST(pid > 0);
	MUST(ioctl(fd, IO(PROC_INFO_PID), 0UL) == pid);
	MUST(ioctl(fd, PROC_FD_SIGNAL, SIGTERM) == 0);
	wait_for(fd, PROC_KILLED, SIGTERM);
	close(fd);
}

static void ends_with_its_descriptor(void)
{
	const char *const argv[] = { "/bin/sleep", "100", NULL };
	int fd = process_open_by_ioctl();
	set_program(fd, argv);
	MUST(ioctl(fd, IO(PROC_SET_CLOSE), (unsigned long)SIGKILL) == 0);
	int pid = ioctl(fd, IO(PROC_CREATE), 0UL), status;
	MUST(pid > 0);
	close(fd);
	MUST(waitpid(pid, &status, 0) == pid);
	MUST(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void forks(void)
{
	int fd = process_open_by_ioctl();
	int pid = ioctl(fd, IO(PROC_CREATE), 0UL);
	MUST(pid >= 0);
	if (pid == 0)
		_exit(3);
	wait_for(fd, PROC_EXITED, 3);
	close(fd);
}

static void gets_a_namespace(void)
{
	const char *const argv[] = { "/bin/true", NULL };
	int fd = process_open_by_ioctl();
	set_program(fd, argv);
	MUST(ioctl(fd, IO(PROC_SET_FLAG), 0x10000000UL /* CLONE_NEWUSER */) == 0);
	if (ioctl(fd, IO(PROC_CREATE), 0UL) < 0)
		MUST(errno == EPERM || errno == ENOSPC || errno == EINVAL); /* not for this user here */
	else
		wait_for(fd, PROC_EXITED, 0);
	close(fd);
}

int main(void)
{
	exits();
	is_signalled();
	ends_with_its_descriptor();
	forks();
	gets_a_namespace();
	puts("done");
	return 0;
}

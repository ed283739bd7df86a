/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* procfd_ioctl: its numbers, a whole life by it, and what it says to what is not for it. */
#include "util.h"

#include <linux/ioctl.h>
#include <sys/ioctl.h>

#define IO(command) (PROCFD_IOC_ARG + (command))
#define IOW(command) (PROCFD_IOC_DATA + (command))
#define DATA(a, pointer, length)                                                               \
	(&(struct procfd_ioctl_arg){ .arg = (uint64_t)(a), .data = (void *)(pointer), .size = (length) })

/* What the kernel's own macros make of a command. */
#define FORMULA(command)                                                                       \
	_Static_assert(IO(command) == _IO(0xd0 + ((command) >> 8), (command) & 0xff) &&        \
			       IOW(command) == _IOW(0xd0 + ((command) >> 8), (command) & 0xff, \
						    struct procfd_ioctl_arg),                  \
		       #command)
FORMULA(PROC_CREATE);
FORMULA(PROC_SET_FLAG);
FORMULA(PROC_SET_INIT);
FORMULA(PROC_SIGNAL);
FORMULA(PROC_GETFD);
FORMULA(PROC_INFO);
FORMULA(PROC_INFO_ERROR);
FORMULA(0x1ff);
FORMULA(0x3ff);
_Static_assert(PROCFD_IOC_OPEN == _IO(0xd0, 1), "PROCFD_IOC_OPEN");
_Static_assert(PROC_FD_SIGNAL == _IOW('p', 1, int), "PROC_FD_SIGNAL");

static int proc(void)
{
	int fd = open("/proc", O_DIRECTORY | O_CLOEXEC);
	CHECK(fd >= 0);
	return fd;
}

static int proc_dir(pid_t pid)
{
	char path[32];
	snprintf(path, sizeof path, "/proc/%d", pid);
	int fd = open(path, O_DIRECTORY | O_CLOEXEC);
	CHECK(fd >= 0);
	return fd;
}

static pid_t sleeper(int *fd)
{
	*fd = ctx();
	set_child(*fd, "pause");
	return create(*fd);
}

static void a_whole_life(void)
{
	int root = proc();
	int fd = procfd_ioctl(root, PROCFD_IOC_OPEN, (uint64_t)PROCFD_AUTOREAP);
	CHECK(fd >= 0);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	CHECK_EQ(procfd_ioctl(fd, IO(PROC_INFO_STATE), 0UL), PROC_STATE_CONFIGURING);

	const char *argv[] = { "program", "--child", "exit", "7", NULL };
	CHECK_EQ(procfd_ioctl(fd, IO(PROC_SET_UMASK), 022UL), 0);
	CHECK_EQ(procfd_ioctl(fd, IOW(PROC_SET_EXEC), DATA(0, self_path, 0)), 0);
	CHECK_EQ(procfd_ioctl(fd, IOW(PROC_SET_ARGV), DATA(0, argv, 0)), 0);
	struct procfd_rlimit none = { 0, 0 };
	CHECK_EQ(procfd_ioctl(fd, IOW(PROC_SET_RLIMIT), DATA(RLIMIT_CORE, &none, sizeof none)), 0);
	int pid = procfd_ioctl(fd, IO(PROC_CREATE), 0UL);
	CHECK(pid > 0);
	struct procfd_wait w = { .timeout_ns = FOREVER_MS * 1000000ULL };
	CHECK_EQ(procfd_ioctl(fd, IOW(PROC_WAIT), DATA(PROC_WAIT_PEEK, &w, sizeof w)), 0);
	CHECK_EQ(w.what, PROC_EXITED);
	CHECK_EQ(w.status, 7);
	CHECK_EQ(procfd_ioctl(fd, IO(PROC_INFO_PID), 0UL), pid);
	struct procfd_info i;
	CHECK_EQ(procfd_ioctl(fd, IOW(PROC_INFO), DATA(PROC_FIELD_IDS, &i, sizeof i)), 0);
	CHECK_EQ(i.tgid, pid);
	CHECK_EQ(procfd_ioctl(fd, IO(PROC_WAIT), 0UL), 0);
	CHECK_EQ(procfd_ioctl(fd, IO(PROC_INFO_STATE), 0UL), PROC_STATE_EXITED);
	CHECK_ERR(procfd_ioctl(fd, PROC_FD_SIGNAL, SIGKILL), ESRCH);
	close(fd);
	close(root);
}

/* The proposal's snippet, by each descriptor that stands for a process. */
static void signal_by_any_descriptor(void)
{
	for (int kind = 0; kind < 4; kind++) {
		int fd;
		pid_t pid = sleeper(&fd);
		int by = kind == 0 ? proc_dir(pid) : kind == 1 ? sys_pidfd_open(pid) : dup(fd);
		CHECK_EQ(procfd_ioctl(by, PROC_FD_SIGNAL, 0), 0);
		if (kind == 3) /* what an int leaves in the upper half of a register is not looked at */
			CHECK_EQ(procfd_ioctl(by, PROC_FD_SIGNAL, 0xdeadbeef00000009UL), 0);
		else
			CHECK_EQ(procfd_ioctl(by, PROC_FD_SIGNAL, SIGKILL), 0);
		expect_killed(fd, SIGKILL);
		CHECK_ERR(procfd_ioctl(by, PROC_FD_SIGNAL, SIGKILL), ESRCH);
		CHECK_ERR(procfd_ioctl(by, PROC_FD_SIGNAL, 0), ESRCH);
		close(by);
		close(fd);
	}
}

static void signals_that_are_none(void)
{
	int fd;
	sleeper(&fd);
	CHECK_ERR(procfd_ioctl(fd, PROC_FD_SIGNAL, -1), EINVAL);
	CHECK_ERR(procfd_ioctl(fd, PROC_FD_SIGNAL, 65), EINVAL);
	CHECK_ERR(procfd_ioctl(fd, PROC_FD_SIGNAL, INT_MIN), EINVAL);
	finish(fd);
}

/* A request kept in an int is sign-extended on its way; the kernel looks at 32 bits, and so does this. */
static void upper_half_of_a_request(void)
{
	int fd = ctx();
	unsigned long high = ~0xffffffffUL;
	CHECK_EQ(procfd_ioctl(fd, high | IO(PROC_INFO_STATE), 0UL), PROC_STATE_CONFIGURING);
	close(fd);
}

/* With no program, PROC_CREATE is a fork that returns 0 in the child, through this call as well. */
static void fork_by_ioctl(void)
{
	int fd = ctx();
	int pid = procfd_ioctl(fd, IO(PROC_CREATE), 0UL);
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(5);
	expect_exit(fd, 5);
	close(fd);
}

/* The one command of two calls: before the start the one, after it the other. */
static void close_policy_by_ioctl(void)
{
	int fd = ctx();
	set_child(fd, "pause");
	CHECK_EQ(procfd_ioctl(fd, IO(PROC_SET_CLOSE), (uint64_t)SIGTERM), 0);
	pid_t pid = create(fd);
	int pidfd = sys_pidfd_open(pid);
	CHECK_EQ(procfd_ioctl(fd, IO(PROC_SET_CLOSE), (uint64_t)SIGKILL), 0);
	CHECK_ERR(procfd_ioctl(fd, IO(PROC_SET_CLOSE), 1UL << 40), EINVAL);
	CHECK_ERR(procfd_ioctl(fd, IO(PROC_SET_UMASK), 0UL), EBUSY);
	CHECK_ERR(procfd_ioctl(pidfd, IO(PROC_SET_UMASK), 0UL), ENOTTY);
	close(fd);
	CHECK_ENDS(pidfd);
	siginfo_t si;
	CHECK_EQ(waitid((idtype_t)3, (id_t)pidfd, &si, WEXITED), 0);
	CHECK_EQ(si.si_status, SIGKILL);
	close(pidfd);
}

static void errors_of_the_calls(void)
{
	int fd = ctx();
	CHECK_ERR(procfd_ioctl(fd, PROC_FD_SIGNAL, SIGKILL), ESRCH);
	CHECK_ERR(procfd_ioctl(fd, IO(PROC_WAIT), 0UL), ESRCH);
	CHECK_ERR(procfd_ioctl(fd, IO(PROC_CREATE), 1UL), EINVAL);
	CHECK_ERR(procfd_ioctl(fd, IO(0x1ff), 0UL), EINVAL);
	CHECK_ERR(procfd_ioctl(fd, IO(0x2ff), 0UL), EINVAL);
	CHECK_ERR(procfd_ioctl(fd, IO(0x3ff), 0UL), EINVAL);
	CHECK_EQ(procfd_ioctl(fd, IOW(PROC_SET_EXEC), DATA(0, "/nonexistent/program", 0)), 0);
	CHECK_ERR(procfd_ioctl(fd, IO(PROC_CREATE), 0UL), ENOENT);
	struct procfd_error e;
	CHECK_EQ(procfd_ioctl(fd, IOW(PROC_INFO_ERROR), DATA(0, &e, sizeof e)), 0);
	CHECK_EQ(e.stage, PROC_STAGE_EXEC);
	CHECK_EQ(e.saved_errno, ENOENT);
	close(fd);
}

/* A command that fails with ENOTTY itself keeps its record. */
static void enotty_of_a_step(void)
{
	int fd = ctx(), null = open("/dev/null", O_RDWR | O_CLOEXEC);
	set_child(fd, "exit", "0");
	CHECK_EQ(procfd_ioctl(fd, IO(PROC_SET_SESSION), 1UL), 0);
	CHECK_EQ(procfd_ioctl(fd, IO(PROC_SET_CTTY), (uint64_t)null), 0);
	CHECK_ERR(procfd_ioctl(fd, IO(PROC_CREATE), 0UL), ENOTTY);
	CHECK_EQ(last_error(fd).stage, PROC_STAGE_CTTY);
	close(null);
	close(fd);
}

static void the_structure(void)
{
	int fd = ctx();
	struct { struct procfd_ioctl_arg a; uint64_t tail[2]; } longer = { { 022, NULL, 0 }, { 0, 0 } };
	unsigned long base = IOW(PROC_SET_UMASK) & ~(0x3fffUL << 16);
	CHECK_EQ(procfd_ioctl(fd, base | (unsigned long)sizeof longer << 16, &longer), 0);
	longer.tail[1] = 1;
	CHECK_ERR(procfd_ioctl(fd, base | (unsigned long)sizeof longer << 16, &longer), E2BIG);
	CHECK_EQ(procfd_ioctl(fd, base | 32UL << 16, &longer), 0); /* the tail is beyond it */
	CHECK_ERR(procfd_ioctl(fd, IOW(PROC_SET_UMASK), NULL), EFAULT);
	CHECK_ERR(procfd_ioctl(fd, IOW(PROC_SET_UMASK), 16UL), EFAULT);
	CHECK_ERR(procfd_ioctl(fd, IOW(PROC_SET_UMASK), DATA(0, NULL, 8)), EINVAL);
	CHECK_ERR(procfd_ioctl(fd, IOW(PROC_SET_EXEC), DATA(0, NULL, 0)), EFAULT);
	/* A structure that ends within the pointer it begins with. */
	struct procfd_open half = { .path = "/dev/null" };
	CHECK_ERR(procfd_ioctl(fd, IOW(PROC_FD_OPEN), DATA(5, &half, 4)), EINVAL);
	CHECK_ERR(procfd_ioctl(fd, IOW(PROC_FD_OPEN), DATA(5, &half, 7)), EINVAL);
	/* Sizes and directions of no version. */
	for (unsigned long size = 1; size < sizeof(struct procfd_ioctl_arg); size++)
		CHECK_ERR(procfd_ioctl(fd, base | size << 16, &longer), ENOTTY);
	CHECK_ERR(procfd_ioctl(fd, _IOR(0xd1, 0x4a, struct procfd_ioctl_arg), &longer), ENOTTY);
	CHECK_ERR(procfd_ioctl(fd, _IOWR(0xd1, 0x4a, struct procfd_ioctl_arg), &longer), ENOTTY);
	CHECK_ERR(procfd_ioctl(fd, _IOC(_IOC_NONE, 0xd1, 0x4a, 24), &longer), ENOTTY);
	close(fd);
}

static void requests_of_others(void)
{
	static const unsigned long requests[] = {
		0, TCGETS, TIOCGWINSZ, FIONREAD, _IO('p', 1), _IOW('p', 1, void *), _IOW('p', 2, int),
		_IO(0xd0, 0), _IO(0xd0, 2), _IOW(0xd0, 1, struct procfd_ioctl_arg), _IO(0xd4, 0), _IO(0xcf, 0xff),
		0xffffffffUL,
	};
	int fd = ctx(), closed = dup(fd), root = proc();
	close(closed);
	struct winsize w;
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
		CHECK_ERR(procfd_ioctl(fd, requests[i], &w), ENOTTY);
		CHECK_ERR(procfd_ioctl(root, requests[i], &w), ENOTTY);
		CHECK_ERR(procfd_ioctl(closed, requests[i], &w), EBADF);
		CHECK_ERR(procfd_ioctl(-1, requests[i], &w), EBADF);
	}
	close(root);
	close(fd);
}

static void not_for_this_descriptor(void)
{
	static const unsigned long requests[] = {
		PROC_FD_SIGNAL, PROCFD_IOC_OPEN, IO(PROC_CREATE), IO(PROC_SET_CLOSE), IO(PROC_SIGNAL),
		IO(PROC_WAIT), IO(PROC_INFO), IO(PROC_INFO_STATE), IO(0x1ff), IO(0x2ff), IO(0x3ff),
		IOW(PROC_SET_EXEC), IOW(PROC_WAIT), IOW(PROC_INFO), IOW(PROC_INFO_ERROR),
	};
	int s[2], p[2];
	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s), 0);
	CHECK_EQ(pipe2(p, O_CLOEXEC), 0);
	int fds[] = {
		s[0], p[0], open("/dev/null", O_RDWR | O_CLOEXEC), open("/", O_DIRECTORY | O_CLOEXEC),
		open("/proc/sys", O_DIRECTORY | O_CLOEXEC), open("/proc/self/fd", O_DIRECTORY | O_CLOEXEC),
		open("/proc/self/stat", O_RDONLY | O_CLOEXEC), eventfd(0, EFD_CLOEXEC),
	};
	for (size_t f = 0; f < sizeof fds / sizeof *fds; f++) {
		CHECK(fds[f] >= 0);
		for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
			CHECK_ERR(procfd_ioctl(fds[f], requests[i], 0UL), ENOTTY);
		close(fds[f]);
		for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
			CHECK_ERR(procfd_ioctl(fds[f], requests[i], 0UL), EBADF);
	}
	close(s[1]);
	close(p[1]);
	/* /proc is for opening alone; a process is not for opening. */
	int root = proc(), self = proc_dir(getpid());
	CHECK_ERR(procfd_ioctl(root, PROC_FD_SIGNAL, 0), ENOTTY);
	CHECK_ERR(procfd_ioctl(root, IO(PROC_CREATE), 0UL), ENOTTY);
	CHECK_ERR(procfd_ioctl(root, PROCFD_IOC_OPEN, 1UL << 40), EINVAL);
	CHECK_ERR(procfd_ioctl(self, PROCFD_IOC_OPEN, 0UL), ENOTTY);
	CHECK_ERR(procfd_ioctl(self, IO(PROC_CREATE), 0UL), ENOTTY);
	CHECK_EQ(procfd_ioctl(self, IO(PROC_INFO_PID), 0UL), getpid());
	close(self);
	close(root);
}

static void another_opener_s_context(void)
{
	int fd = ctx();
	pid_t pid = fork();
	if (pid == 0) {
		CHECK_ERR(procfd_ioctl(fd, IO(PROC_SET_UMASK), 0UL), EPERM);
		CHECK_EQ(procfd_ioctl(fd, IO(PROC_INFO_STATE), 0UL), PROC_STATE_CONFIGURING);
		_exit(0);
	}
	expect_status(pid, 0);
	close(fd);
}

TAP_MAIN(CASE(a_whole_life), CASE(signal_by_any_descriptor), CASE(signals_that_are_none),
	 CASE(upper_half_of_a_request), CASE(fork_by_ioctl), CASE(close_policy_by_ioctl),
	 CASE(errors_of_the_calls), CASE(enotty_of_a_step), CASE(the_structure),
	 CASE(requests_of_others), CASE(not_for_this_descriptor), CASE(another_opener_s_context))

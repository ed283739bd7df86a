// SPDX-License-Identifier: MIT OR Apache-2.0
/* PROC_ATTACH: a procfd for a process that somebody else started. */
#include "util.h"

#include <sys/resource.h>

/* A process of the caller's own, not the library's. It is forked before there is a context: it
 * would be a holder otherwise. */
static pid_t forked(int *pidfd)
{
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		alarm(CHILD_LIFE);
		for (;;)
			pause();
	}
	*pidfd = sys_pidfd_open(pid);
	CHECK(*pidfd >= 0);
	return pid;
}

static int attach(int fd, int pidfd)
{
	return process_config(fd, PROC_ATTACH, (uint64_t)pidfd, NULL, 0);
}

static void to_a_child(void)
{
	int pidfd;
	pid_t pid = forked(&pidfd);
	int fd = ctx(), copy = dup(fd);
	CHECK_EQ(attach(fd, pidfd), pid);
	close(pidfd);
	CHECK_EQ(state(fd), PROC_STATE_RUNNING);
	CHECK_EQ(state(copy), PROC_STATE_RUNNING);
	CHECK_EQ(process_info(copy, PROC_INFO_PID, 0, NULL, 0), pid);
	CHECK(ready_within(copy, 0));
	CHECK_ERR(process_config(fd, PROC_SET_UMASK, 0, NULL, 0), EBUSY);
	CHECK_ERR(process_config(fd, PROC_CREATE, 0, NULL, 0), EBUSY);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGTERM, NULL, 0), 0);
	expect_killed(fd, SIGTERM);
	expect_killed(copy, SIGTERM);
	CHECK_EQ(state(copy), PROC_STATE_EXITED);
	close(copy);
	close(fd);
}

static void the_child_stays_the_callers(void)
{
	int pidfd;
	pid_t pid = forked(&pidfd);
	int fd = ctx();
	CHECK_EQ(attach(fd, pidfd), pid);
	close(fd);
	sweep();
	check_alive(pidfd);
	close(pidfd);
	kill_and_reap(pid);
}

static void to_any_process(void)
{
	become_nobody();
	int pidfd = sys_pidfd_open(1), fd = ctx();
	CHECK_EQ(attach(fd, pidfd), 1);
	CHECK_EQ(state(fd), PROC_STATE_RUNNING);
	CHECK_ERR(process_manage(fd, PROC_SIGNAL, SIGTERM, NULL, 0), EPERM);
	CHECK_ERR(process_manage(fd, PROC_WAIT, PROC_WAIT_NOHANG, NULL, 0), EAGAIN);
	close(fd);
	close(pidfd);
}

static void with_a_close_policy(void)
{
	int pidfd;
	pid_t pid = forked(&pidfd);
	int fd = ctx();
	SET(fd, PROC_SET_CLOSE, SIGTERM);
	CHECK_EQ(attach(fd, pidfd), pid);
	int copy = dup(fd);
	close(fd);
	check_alive(pidfd);
	close(copy);
	CHECK_ENDS(pidfd);
	int st;
	if (waitpid(pid, &st, 0) == pid)
		CHECK_EQ(WTERMSIG(st), SIGTERM);
	close(pidfd);
}

static void the_policy_may_be_changed(void)
{
	int pidfd;
	pid_t pid = forked(&pidfd);
	int fd = ctx();
	SET(fd, PROC_SET_CLOSE, SIGTERM);
	CHECK_EQ(attach(fd, pidfd), pid);
	CHECK_EQ(process_manage(fd, PROC_SET_CLOSE, 0, NULL, 0), 0);
	CHECK_EQ(process_manage(fd, PROC_SET_CLOSE, SIGUSR1, NULL, 0), 0);
	CHECK_EQ(process_manage(fd, PROC_SET_CLOSE, 0, NULL, 0), 0);
	close(fd);
	check_alive(pidfd);
	kill_and_reap(pid);
	close(pidfd);
}

static void a_policy_needs_permission(void)
{
	NEED_ROOT();
	int pidfd;
	pid_t pid = forked(&pidfd);
	CHECK_EQ(setresuid(4321, 4321, 0), 0);
	int fd = ctx();
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	CHECK_ERR(attach(fd, pidfd), EPERM);
	CHECK_EQ(last_error(fd).stage, PROC_STAGE_ATTACH);
	CHECK_EQ(state(fd), PROC_STATE_CONFIGURING);
	SET(fd, PROC_SET_CLOSE, 0); /* the context is still good */
	CHECK_EQ(attach(fd, pidfd), pid);
	close(fd);
	CHECK_EQ(setresuid(0, 0, 0), 0);
	CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0);
	check_alive(pidfd);
	kill_and_reap(pid);
	close(pidfd);
}

static void a_policy_for_somebody_elses_init(void)
{
	become_nobody();
	int pidfd = sys_pidfd_open(1), fd = ctx();
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	CHECK_EQ(attach(fd, pidfd), -1);
	CHECK(errno == EPERM || errno == EOPNOTSUPP);
	CHECK_EQ(last_error(fd).stage, PROC_STAGE_ATTACH);
	SET(fd, PROC_SET_CLOSE, 0);
	CHECK_EQ(attach(fd, pidfd), 1);
	close(fd);
	close(pidfd);
}

static void wrong_descriptors(void)
{
	int fd = ctx(), other = ctx(), file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int closed, s[2];
	socket_pair(s);
	closed = dup(file);
	close(closed);
	CHECK_ERR(attach(fd, file), EINVAL);
	CHECK_ERR(attach(fd, s[0]), EINVAL);
	CHECK_ERR(attach(fd, closed), EBADF);
	CHECK_EQ(attach(fd, other), -1); /* a procfd without a process */
	CHECK_EQ(process_config(fd, PROC_ATTACH, (uint64_t)-1, NULL, 0), -1);
	CHECK(errno == EBADF || errno == EINVAL);
	CHECK_EQ(process_config(fd, PROC_ATTACH, 1ULL << 32, NULL, 0), -1);
	CHECK(errno == EBADF || errno == EINVAL);
	CHECK_EQ(state(fd), PROC_STATE_CONFIGURING);
	set_child(fd, "exit", "4"); /* and it may still start something */
	create(fd);
	expect_exit(fd, 4);
	close(s[0]);
	close(s[1]);
	close(file);
	close(other);
	close(fd);
}

static void to_the_dead(void)
{
	int pidfd;
	pid_t pid = forked(&pidfd);
	int fd = ctx();
	kill_and_reap(pid);
	CHECK_ERR(attach(fd, pidfd), ESRCH);
	CHECK_EQ(state(fd), PROC_STATE_CONFIGURING);
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	CHECK_ERR(attach(fd, pidfd), ESRCH);
	close(pidfd);
	close(fd);
}

static void to_a_zombie(void)
{
	int pidfd, fd = ctx();
	pid_t pid = fork();
	if (pid == 0)
		_exit(9);
	pidfd = sys_pidfd_open(pid);
	CHECK_ENDS(pidfd);
	int r = attach(fd, pidfd);
	if (r == pid) {
		CHECK_EQ(state(fd), PROC_STATE_EXITED);
		expect_exit(fd, 9);
	} else {
		CHECK_EQ(errno, ESRCH);
		CHECK_EQ(waitpid(pid, NULL, 0), pid);
	}
	close(pidfd);
	close(fd);
}

static void twice(void)
{
	int pidfd;
	pid_t pid = forked(&pidfd);
	int a = ctx(), b = ctx();
	SET(b, PROC_SET_CLOSE, SIGKILL);
	CHECK_EQ(attach(a, pidfd), pid);
	CHECK_EQ(attach(b, pidfd), pid);
	CHECK_ERR(attach(a, pidfd), EBUSY);
	CHECK_EQ(process_info(a, PROC_INFO_PID, 0, NULL, 0), pid);
	close(a);
	check_alive(pidfd);
	close(b);
	CHECK_ENDS(pidfd);
	waitpid(pid, NULL, 0);
	close(pidfd);
}

static void pass_and_wait(void *arg)
{
	int fd = recv_fd(*(int *)arg);
	expect_killed(fd, SIGTERM);
}

static void it_carries_its_process(void)
{
	int s[2], pidfd;
	socket_pair(s);
	pid_t other = fork_run(pass_and_wait, &s[1]);
	pid_t pid = forked(&pidfd);
	int fd = ctx();
	CHECK_EQ(attach(fd, pidfd), pid);
	close(pidfd);
	send_fd(s[0], fd);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGTERM, NULL, 0), 0);
	expect_killed(fd, SIGTERM);
	expect_status(other, 0);
	close(fd);
	close(s[0]);
	close(s[1]);
}

static void to_the_caller_itself(void)
{
	int self = sys_pidfd_open(getpid()), fd = ctx();
	CHECK_EQ(attach(fd, self), getpid());
	CHECK_EQ(process_info(fd, PROC_INFO_PID, 0, NULL, 0), getpid());
	CHECK_ERR(process_manage(fd, PROC_WAIT, PROC_WAIT_NOHANG, NULL, 0), EAGAIN);
	close(self);
	close(fd);
}

/* Without a free descriptor it says EMFILE, whatever step finds it, and attaches once there are enough. */
static void with_few_descriptors(void)
{
	for (int watched = 0; watched < 2; watched++) {
		struct rlimit was, few;
		int pidfd, failed = 0, attached = -1;
		pid_t pid = forked(&pidfd);
		int fd = ctx_flags(watched ? 0 : PROCFD_NO_WATCH), next = dup(0);
		close(next);
		SET(fd, PROC_SET_CLOSE, SIGKILL);
		CHECK_EQ(getrlimit(RLIMIT_NOFILE, &was), 0);
		few = was;
		for (int free = 0; attached < 0; free++, failed++) {
			few.rlim_cur = (rlim_t)(next + free);
			CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
			attached = attach(fd, pidfd);
			int err = errno;
			CHECK_EQ(setrlimit(RLIMIT_NOFILE, &was), 0);
			if (attached < 0 && err != EMFILE)
				FAIL("%d free: errno %d, %s", free, err, procfd_error_message());
			check_alive(pidfd);
			CHECK(free < 20);
		}
		CHECK(failed > 1);
		CHECK_EQ(attached, pid);
		close(fd);
		ends_by(pidfd, SIGKILL);
	}
}

TAP_MAIN(CASE(to_a_child), CASE(the_child_stays_the_callers), CASE(to_any_process),
	 CASE(with_a_close_policy), CASE(the_policy_may_be_changed), CASE(a_policy_needs_permission),
	 CASE(a_policy_for_somebody_elses_init),
	 CASE(wrong_descriptors), CASE(to_the_dead), CASE(to_a_zombie), CASE(twice),
	 CASE(it_carries_its_process), CASE(to_the_caller_itself),
	 COLD(with_few_descriptors))

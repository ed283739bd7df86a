/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The watcher's part of a close policy: second signals, and the inits of pid namespaces. */
#include "watcher.h"

#define MS 1000000ULL

static void set_graceful(int fd, int first, int second, uint64_t delay)
{
	struct procfd_close c = { .second_signal = (uint32_t)second, .delay_ns = delay };
	CFG(fd, PROC_SET_CLOSE, (uint64_t)first, &c, sizeof c);
}

static int pidfd_of(int fd)
{
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	CHECK(pidfd >= 0);
	return pidfd;
}

/* Takes the policy back and closes the last procfd: the process runs on. Ends it. */
static void runs_on_when_disarmed(int fd)
{
	int pidfd = pidfd_of(fd);
	CHECK_EQ(process_manage(fd, PROC_SET_CLOSE, 0, NULL, 0), 0);
	close(fd);
	check_alive(pidfd);
	CHECK_EQ(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0), 0);
	CHECK_EQ(reap_pidfd(pidfd), SIGKILL);
	close(pidfd);
}

static void first_is_enough(void)
{
	int fd = ctx();
	set_child(fd, "pause");
	set_graceful(fd, SIGTERM, SIGKILL, 60000 * MS);
	create(fd);
	int pidfd = pidfd_of(fd);
	close(fd);
	CHECK_EQ(reap_pidfd(pidfd), SIGTERM);
	close(pidfd);
}

static void second_follows(void)
{
	int fd = ctx();
	set_child(fd, "pause");
	SET(fd, PROC_SET_SIGIGNORE, 1ULL << (SIGTERM - 1));
	set_graceful(fd, SIGTERM, SIGKILL, 50 * MS);
	create(fd);
	int pidfd = pidfd_of(fd);
	check_alive(pidfd);
	close(fd);
	CHECK_EQ(reap_pidfd(pidfd), SIGKILL);
	close(pidfd);
}

/* The creator hands the pidfd out and is killed. */
static void start_and_die(int fd, int socket)
{
	create(fd);
	send_fd(socket, pidfd_of(fd));
	kill(getpid(), SIGKILL);
}

static void second_without_the_creator(void *arg)
{
	int fd = ctx();
	set_child(fd, "pause");
	SET(fd, PROC_SET_SIGIGNORE, 1ULL << (SIGTERM - 1));
	set_graceful(fd, SIGTERM, SIGKILL, 50 * MS);
	start_and_die(fd, *(int *)arg);
}

static void creator_killed(void)
{
	ends_after_its_creator(second_without_the_creator);
}

/* The kernel's first signal does not need the watcher: dead, stopped, never started. */
static void first_without_the_watcher(void)
{
	for (int how = 0; how < 3; how++) {
		int fd = ctx_flags(how == 2 ? PROCFD_NO_WATCH : 0);
		set_child(fd, "pause");
		SET(fd, PROC_SET_CLOSE, SIGKILL);
		create(fd);
		int pidfd = pidfd_of(fd);
		pid_t w = how == 1 ? watcher() : 0;
		if (w)
			CHECK_EQ(kill(w, SIGSTOP), 0);
		if (how == 0)
			kill_watcher(); /* and waits for its end: the next start may find it alive */
		close(fd);
		CHECK_EQ(reap_pidfd(pidfd), SIGKILL);
		if (how == 1)
			CHECK_EQ(kill(w, SIGCONT), 0);
		close(pidfd);
	}
}

static void changed_later(void)
{
	int fd = ctx();
	set_child(fd, "pause");
	SET(fd, PROC_SET_SIGIGNORE, 1ULL << (SIGTERM - 1));
	set_graceful(fd, SIGKILL, SIGKILL, 1);
	create(fd);
	int pidfd = pidfd_of(fd);
	struct procfd_close c = { .second_signal = SIGUSR1, .delay_ns = 50 * MS };
	CHECK_EQ(process_manage(fd, PROC_SET_CLOSE, SIGTERM, &c, sizeof c), 0);
	close(fd);
	CHECK_EQ(reap_pidfd(pidfd), SIGUSR1);
	close(pidfd);
	/* Disarmed: neither signal comes. */
	fd = ctx();
	set_child(fd, "pause");
	set_graceful(fd, SIGTERM, SIGKILL, 1);
	create(fd);
	runs_on_when_disarmed(fd);
}

static void refused_without_the_watcher(void)
{
	int fd = ctx_flags(PROCFD_NO_WATCH);
	set_child(fd, "exit", "0");
	set_graceful(fd, SIGTERM, SIGKILL, 1);
	CREATE_FAILS(fd, EOPNOTSUPP, PROC_STAGE_PLAN, -1);
	SET(fd, PROC_SET_CLOSE, 0);
	create(fd);
	expect_exit(fd, 0);
	close(fd);
}

static void bad_values(void)
{
	int fd = ctx();
	struct procfd_close c = { .second_signal = 65, .delay_ns = 1 };
	CHECK_ERR(process_config(fd, PROC_SET_CLOSE, SIGTERM, &c, sizeof c), EINVAL);
	c = (struct procfd_close){ .delay_ns = 1 };
	CHECK_ERR(process_config(fd, PROC_SET_CLOSE, SIGTERM, &c, sizeof c), EINVAL);
	c = (struct procfd_close){ .second_signal = 9 };
	CHECK_ERR(process_config(fd, PROC_SET_CLOSE, 0, &c, sizeof c), EINVAL);
	c = (struct procfd_close){ .scope = 7 };
	CHECK_ERR(process_config(fd, PROC_SET_CLOSE, SIGTERM, &c, sizeof c), EINVAL);
	close(fd);
}

/* A pid namespace, with a user namespace where that is what it takes. */
static void set_namespace(int fd)
{
	SET(fd, PROC_SET_FLAG, CLONE_NEWPID | (geteuid() ? CLONE_NEWUSER : 0));
}

static void namespace_init(void)
{
	int fd = ctx();
	set_namespace(fd);
	set_child(fd, "pause");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	create(fd);
	int pidfd = pidfd_of(fd);
	check_alive(pidfd);
	close(fd);
	CHECK_EQ(reap_pidfd(pidfd), SIGKILL);
	close(pidfd);
}

static void doomed_with_namespace(void *arg)
{
	int fd = ctx();
	set_namespace(fd);
	set_child(fd, "pause");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	start_and_die(fd, *(int *)arg);
}

static void namespace_init_creator_killed(void)
{
	ends_after_its_creator(doomed_with_namespace);
}

static void namespace_init_changed(void)
{
	int fd = ctx();
	set_namespace(fd);
	set_child(fd, "pause");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	create(fd);
	runs_on_when_disarmed(fd);
}

static void namespace_init_without_watcher(void)
{
	int fd = ctx_flags(PROCFD_NO_WATCH);
	set_namespace(fd);
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	CREATE_FAILS(fd, EOPNOTSUPP, PROC_STAGE_PLAN, -1);
	CHECK(strstr(last_error(fd).message, "init"));
	close(fd);
}

TAP_MAIN(CASE(first_is_enough), CASE(second_follows), CASE(creator_killed),
	 CASE(first_without_the_watcher), CASE(changed_later), CASE(refused_without_the_watcher),
	 CASE(bad_values), CASE(namespace_init), CASE(namespace_init_creator_killed),
	 CASE(namespace_init_changed), CASE(namespace_init_without_watcher))

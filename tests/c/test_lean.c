/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* PROCFD_PIDFD: the descriptor keeps its number, and becomes the pidfd of the process at the start. */
#include "autokill.h"
#include "lean.h"

#include <sys/stat.h>

/* ---- the descriptor ---- */

static void it_becomes_the_pidfd(void)
{
	int before = settled(), fd = lean();
	CHECK_EQ(tap_fds(NULL, 0), before + 1);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	set_child(fd, "gate", "7");
	struct out gate = make_pipe();
	set_dup(fd, gate.r, 0);
	pid_t pid = create(fd);
	close(gate.r);
	CHECK(is_pidfd_of(fd, pid));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(tap_fds(NULL, 0), before + 2); /* and our end of the pipe */
	CHECK_EQ(events_of(fd), 0);
	CHECK_EQ(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0), 0);
	close(gate.w);
	CHECK_ENDS(fd);
	CHECK_EQ(wait_by_kernel(fd), 7);
	close(fd);
	CHECK_EQ(tap_fds(NULL, 0), before);
	no_children();
}

static void one_descriptor_for_each_process(void)
{
	enum { MANY = 40 };
	int before = settled(), fds[MANY];
	for (int i = 0; i < MANY; i++) {
		fds[i] = lean();
		set_child(fds[i], "pause");
		create(fds[i]);
		CHECK_EQ(tap_fds(NULL, 0), before + i + 1);
	}
	for (int i = 0; i < MANY; i++)
		finish(fds[i]);
	CHECK_EQ(tap_fds(NULL, 0), before);
}

static void before_the_start(void)
{
	int fd = lean();
	CHECK_EQ(state(fd), PROC_STATE_CONFIGURING);
	CHECK_EQ(events_of(fd), 0);
	CHECK_ERR(process_info(fd, PROC_INFO_PID, 0, NULL, 0), ESRCH);
	CHECK_ERR(process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0), ESRCH);
	CHECK_ERR(process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0), ESRCH);
	SAYS("not started yet");
	CHECK_ERR(process_manage(fd, PROC_WAIT, 0, NULL, 0), ESRCH);
	CHECK_ERR(process_manage(fd, PROC_SET_CLOSE, SIGKILL, NULL, 0), ESRCH);
	CHECK_EQ(last_error(fd).stage, PROC_STAGE_NONE);
	/* Nothing that a program does to it in error reaches another process. */
	CHECK_ERR(syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0), EBADF);
	CHECK_ERR(write(fd, "x", 1), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_UMASK, 0, "x", 1), EINVAL);
	CHECK_EQ(last_error(fd).stage, PROC_STAGE_CONFIG);
	SAYS("PROC_SET_UMASK");
	set_program(fd, "/bin/true", NULL);
	char plan[4096] = "";
	CHECK(process_info(fd, PROC_INFO_PLAN, 0, plan, sizeof plan) > 0);
	CHECK(strstr(plan, "execute \"/bin/true\""));
	CHECK_EQ(events_of(fd), 0);
	close(fd);
}

static void after_it_all_calls_take_it(void)
{
	int fd = lean();
	struct out o = set_output(fd);
	set_child(fd, "ready");
	pid_t pid = create(fd);
	close(o.w);
	CHECK_EQ(read_ready(o.r), pid);
	CHECK_EQ(state(fd), PROC_STATE_RUNNING);
	CHECK_EQ(process_info(fd, PROC_INFO_PID, 0, NULL, 0), pid);
	struct procfd_info info;
	CHECK_EQ(process_info(fd, PROC_INFO, PROC_FIELD_IDS, &info, sizeof info), 0);
	CHECK_EQ(info.pid, pid);
	CHECK_EQ(info.ppid, getpid());
	/* As any pidfd, it is no context. */
	CHECK_ERR(process_config(fd, PROC_SET_UMASK, 0, NULL, 0), EINVAL);
	SAYS("is no procfd");
	CHECK_ERR(process_config(fd, PROC_CREATE, 0, NULL, 0), EINVAL);
	struct procfd_error e;
	CHECK_ERR(process_info(fd, PROC_INFO_ERROR, 0, &e, sizeof e), EINVAL);
	CHECK_ERR(process_manage(fd, PROC_SET_CLOSE, SIGKILL, NULL, 0), EINVAL);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGTERM, NULL, 0), 0);
	struct procfd_wait w = wait_end(fd);
	CHECK_EQ(w.what, PROC_KILLED);
	CHECK_EQ(w.status, SIGTERM);
	CHECK(w.mask & PROC_WAIT_HAS_USAGE);
	CHECK(w.usage.maxrss > 0);
	CHECK_EQ(state(fd), PROC_STATE_EXITED);
	close(o.r);
	close(fd);
}

static void an_epoll_takes_it_after_the_start(void)
{
	int fd = lean(), ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = 7 };
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	set_child(fd, "exit", "3");
	create(fd);
	/* The entry of the placeholder has gone with it. */
	CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e), ENOENT);
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	CHECK_EQ(epoll_wait(ep, &e, 1, FOREVER_MS), 1);
	CHECK_EQ(e.data.u32, 7);
	expect_exit(fd, 3);
	close(fd);
	close(ep);
}

/* ---- what it does not do ---- */

static void what_needs_a_procfd_is_refused(void)
{
	int fd = lean();
	struct procfd_close second = { .second_signal = SIGKILL, .delay_ns = 1 };
	/* A kernel that can end the process by its pidfd takes SIGKILL: test_autokill. */
	CHECK_ERR(process_config(fd, PROC_SET_CLOSE, kernel_has_it() ? SIGTERM : SIGKILL, NULL, 0), EOPNOTSUPP);
	SAYS("PROC_SET_CLOSE: a close policy, with PROCFD_PIDFD");
	SAYS("open the context without PROCFD_PIDFD");
	CHECK_EQ(last_error(fd).stage, PROC_STAGE_CONFIG);
	CHECK_EQ(last_error(fd).saved_errno, EOPNOTSUPP);
	CHECK_ERR(process_config(fd, PROC_SET_CLOSE, SIGTERM, &second, sizeof second), EOPNOTSUPP);
	CHECK_ERR(process_config(fd, PROC_SET_CLOSE, 99, NULL, 0), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_INIT, 1, NULL, 0), EOPNOTSUPP);
	SAYS("the built-in init, with PROCFD_PIDFD");
	SET(fd, PROC_SET_CLOSE, 0);
	SET(fd, PROC_SET_INIT, 0);
	/* What was refused is not set. */
	set_child(fd, "exit", "4");
	create(fd);
	expect_exit(fd, 4);
	close(fd);

	CHECK_ERR(process_open(PROCFD_PIDFD | PROCFD_AUTOREAP), EOPNOTSUPP);
	SAYS("PROCFD_AUTOREAP does not go with PROCFD_PIDFD");
	CHECK_ERR(process_open(PROCFD_PIDFD | 0x8), EINVAL);
	SAYS("PROCFD_PIDFD, not 0xc");
	/* It has no watcher in any case. */
	fd = ctx_flags(PROCFD_PIDFD | PROCFD_NO_WATCH);
	set_child(fd, "exit", "0");
	create(fd);
	expect_exit(fd, 0);
	close(fd);
}

static void a_copy_before_the_start_is_no_context(void)
{
	int fd = lean(), copy = fcntl(fd, F_DUPFD_CLOEXEC, 100);
	CHECK_ERR(process_config(copy, PROC_SET_UMASK, 0, NULL, 0), EPERM);
	SAYS("is a copy of a placeholder (PROCFD_PIDFD)");
	CHECK_ERR(process_config(copy, PROC_CREATE, 0, NULL, 0), EPERM);
	struct procfd_error e;
	CHECK_ERR(process_info(copy, PROC_INFO_ERROR, 0, &e, sizeof e), EPERM);
	set_child(fd, "exit", "5");
	pid_t pid = create(fd);
	CHECK(is_pidfd_of(fd, pid));
	CHECK_EQ(state(copy), PROC_STATE_CONFIGURING);
	expect_exit(fd, 5);
	CHECK_EQ(events_of(copy), 0);
	close(copy);
	close(fd);

	fd = lean();
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 100);
	close(fd);
	CHECK_ERR(process_config(copy, PROC_SET_UMASK, 0, NULL, 0), EPERM);
	close(copy);
}

static void in_a_forked_copy(void *arg)
{
	int fd = *(int *)arg;
	CHECK_ERR(process_config(fd, PROC_SET_UMASK, 0, NULL, 0), EPERM);
	CHECK_ERR(process_config(fd, PROC_CREATE, 0, NULL, 0), EPERM);
	CHECK_EQ(state(fd), PROC_STATE_CONFIGURING);
	CHECK_ERR(process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0), ESRCH);
	int own = lean();
	CHECK(own != fd);
	set_child(own, "exit", "6");
	create(own);
	expect_exit(own, 6);
	close(own);
	/* The number is the copy's own to use again. */
	close(fd);
	CHECK_EQ(lean(), fd);
	set_child(fd, "exit", "8");
	create(fd);
	expect_exit(fd, 8);
}

static void a_forked_copy_has_no_context_of_it(void)
{
	int fd = lean();
	in_fork(in_a_forked_copy, &fd);
	set_child(fd, "exit", "7");
	create(fd);
	expect_exit(fd, 7);
	close(fd);
}

/* ---- failures ---- */

static void a_failed_create_keeps_the_placeholder(void)
{
	int before = settled(), fd = lean();
	for (int i = 0; i < 3; i++) {
		CFG(fd, PROC_SET_EXEC, 0, "/nonexistent/program", 0);
		CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, -1);
		CHECK_EQ(state(fd), PROC_STATE_CONFIGURING);
		CHECK_EQ(tap_fds(NULL, 0), before + 1);
		CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
		no_children();
	}
	CFG(fd, PROC_SET_CWD, 0, "/nonexistent", 0);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_CWD, 0);
	set_child(fd, "exit", "1");
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_CWD, 0);
	close(fd);
	fd = lean();
	CFG(fd, PROC_SET_EXEC, 0, "/nonexistent/program", 0);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, -1);
	set_child(fd, "exit", "9");
	CHECK(is_pidfd_of(fd, create(fd)));
	expect_exit(fd, 9);
	close(fd);
}

static void with_a_full_table(void)
{
	struct rlimit l, few;
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &l), 0);
	settled();
	int fd = lean(), taken[64], n = 0;
	set_child(fd, "exit", "2");
	few = (struct rlimit){ 64, l.rlim_max };
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
	while ((taken[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		n++;
	CHECK_EQ(errno, EMFILE);
	CHECK_ERR(process_open(PROCFD_PIDFD), EMFILE);
	/* The pidfd needs a number for a moment. */
	CREATE_FAILS(fd, EMFILE, PROC_STAGE_CLONE, -1);
	CHECK(strstr(last_error(fd).message, "RLIMIT_NOFILE is 64"));
	CHECK_EQ(state(fd), PROC_STATE_CONFIGURING);
	no_children();
	close(taken[--n]);
	create(fd);
	expect_exit(fd, 2);
	close(fd);
	while (n > 0)
		close(taken[--n]);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &l), 0);
}

/* A filter that refuses the last step: the process that was there is ended. */
static void without_dup3(void *arg)
{
	(void)arg;
	int fd = lean();
	set_child(fd, "pause");
	refuse(SYS_dup3, ODD);
	CREATE_FAILS(fd, ODD, PROC_STAGE_PUBLISH, -1);
	CHECK_EQ(state(fd), PROC_STATE_CONFIGURING);
	no_children();
}

static void without_close_range(void *arg)
{
	(void)arg;
	refuse(SYS_close_range, EPERM);
	for (int i = 0; i < 3; i++) {
		int fd = lean();
		CHECK_EQ(strcmp(fact(facts(fd), "fds"), "0 1 2"), 0);
		close(fd);
	}
}

static void without_clone3(void *arg)
{
	(void)arg;
	refuse(SYS_clone3, ENOSYS);
	int fd = lean();
	set_child(fd, "exit", "3");
	CHECK(is_pidfd_of(fd, create(fd)));
	expect_exit(fd, 3);
	close(fd);
}

static void without_timers(void *arg)
{
	long nr = *(long *)arg;
	int before = tap_fds(NULL, 0);
	refuse(nr, ODD);
	CHECK_ERR(process_open(PROCFD_PIDFD), ODD);
	CHECK_EQ(tap_fds(NULL, 0), before);
}

static void without_random(void *arg)
{
	(void)arg;
	refuse(SYS_getrandom, EPERM);
	int a = lean(), b = lean();
	set_child(a, "exit", "3");
	set_child(b, "exit", "4");
	create(a);
	create(b);
	expect_exit(b, 4);
	expect_exit(a, 3);
}

static void where_a_filter_refuses_a_call(void)
{
	long calls[] = { SYS_timerfd_create, SYS_timerfd_settime };
	in_fork(without_dup3, NULL);
	in_fork(without_close_range, NULL);
	in_fork(without_clone3, NULL);
	in_fork(without_random, NULL);
	for (int i = 0; i < 2; i++)
		in_fork(without_timers, &calls[i]);
}

TAP_MAIN(CASE(it_becomes_the_pidfd), CASE(one_descriptor_for_each_process), CASE(before_the_start),
	 CASE(after_it_all_calls_take_it), CASE(an_epoll_takes_it_after_the_start),
	 CASE(what_needs_a_procfd_is_refused), CASE(a_copy_before_the_start_is_no_context),
	 CASE(a_forked_copy_has_no_context_of_it), CASE(a_failed_create_keeps_the_placeholder),
	 CASE(with_a_full_table), CASE(where_a_filter_refuses_a_call))

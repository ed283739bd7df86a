// SPDX-License-Identifier: MIT OR Apache-2.0
/* From 7.1 on the kernel ends a process with the last copy of its pidfd: the init of a new pid namespace without a
 * watcher, with its procfd; and any process of PROCFD_PIDFD. Before, the combinations are refused. */
#include "autokill.h"

/* A context for such an init. */
static int init_context(uint64_t flags, int no_new_privs)
{
	int fd = ctx_flags(PROCFD_NO_WATCH | flags);
	set_child(fd, "pause");
	SET(fd, PROC_SET_FLAG, CLONE_NEWPID | (geteuid() ? CLONE_NEWUSER : 0));
	SET(fd, PROC_SET_NO_NEW_PRIVS, no_new_privs);
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	return fd;
}

static void refused(int fd)
{
	CREATE_FAILS(fd, EOPNOTSUPP, PROC_STAGE_PLAN, -1);
	CHECK_EQ(tap_children(NULL, 0), 0);
	close(fd);
}

/* Starts it, or sees it refused: -1. */
static int started(int *pidfd)
{
	if (geteuid())
		need_user_namespaces();
	int fd = init_context(PROCFD_AUTOREAP, 1);
	if (!kernel_has_it()) {
		refused(fd);
		return -1;
	}
	*pidfd = sys_pidfd_open(create(fd));
	CHECK(*pidfd >= 0);
	return fd;
}

static void killed(int pidfd)
{
	CHECK_ENDS(pidfd);
	struct procfd_wait w = { 0 };
	CHECK_EQ(process_manage(pidfd, PROC_WAIT, 0, &w, sizeof w), 0);
	CHECK_EQ(w.what, PROC_KILLED);
	CHECK_EQ(w.status, SIGKILL);
	CHECK_ERR(waitpid(-1, NULL, __WALL), ECHILD);
	close(pidfd);
}

static void holds(void *arg)
{
	(void)arg;
	for (;;)
		pause();
}

static void the_last_close_kills(void)
{
	int pidfd, fd = started(&pidfd);
	if (fd < 0)
		return;
	int other = dup(fd), holder = fork_run(holds, NULL);
	close(fd);
	check_alive(pidfd);
	close(other);
	check_alive(pidfd);
	kill_and_reap(holder);
	killed(pidfd);
}

static void looking_keeps_nothing(void)
{
	int pidfd, fd = started(&pidfd);
	if (fd < 0)
		return;
	for (int i = 0; i < 50; i++) {
		int one = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
		CHECK(one >= 0);
		CHECK_EQ(process_manage(one, PROC_SIGNAL, 0, NULL, 0), 0);
		close(one);
		/* The kernel has nothing to change there. */
		CHECK_ERR(process_manage(fd, PROC_SET_CLOSE, 0, NULL, 0), EOPNOTSUPP);
		check_alive(pidfd);
	}
	int kept = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	close(fd);
	killed(pidfd);
	CHECK_ENDS(kept);
	close(kept);
}

static void ended_with_7(int fd)
{
	struct procfd_wait w = { 0 };
	CHECK_EQ(process_manage(fd, PROC_WAIT, 0, &w, sizeof w), 0);
	CHECK_EQ(w.what, PROC_EXITED);
	CHECK_EQ(w.status, 7);
	CHECK_EQ(process_info(fd, PROC_INFO_STATE, 0, NULL, 0), PROC_STATE_EXITED);
	close(fd);
}

static void its_own_end(void)
{
	if (!kernel_has_it())
		return;
	if (geteuid())
		need_user_namespaces();
	for (int i = 0; i < 20; i++) {
		int fd = init_context(PROCFD_AUTOREAP, 1);
		set_child(fd, "exit", "7");
		create(fd);
		ended_with_7(fd);
	}
	CHECK_ERR(waitpid(-1, NULL, __WALL), ECHILD);
}

static void a_failed_start_leaves_nothing(void)
{
	if (!kernel_has_it())
		return;
	if (geteuid())
		need_user_namespaces();
	int fd = init_context(PROCFD_AUTOREAP, 1);
	CFG(fd, PROC_SET_EXEC, 0, "/nothing", 0);
	for (int i = 0; i < 3; i++)
		CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, -1);
	CHECK_ERR(waitpid(-1, NULL, __WALL), ECHILD);
	CHECK_EQ(process_info(fd, PROC_INFO_STATE, 0, NULL, 0), PROC_STATE_CONFIGURING);
	set_child(fd, "pause");
	int pidfd = sys_pidfd_open(create(fd));
	close(fd);
	killed(pidfd);
}

static void creator(void *arg)
{
	int pidfd, fd = started(&pidfd);
	if (fd >= 0)
		CHECK_EQ(write(*(int *)arg, &(pid_t){ process_info(fd, PROC_INFO_PID, 0, NULL, 0) }, sizeof(pid_t)),
			 (ssize_t)sizeof(pid_t));
	close(*(int *)arg);
	for (;;)
		pause();
}

static void the_creator_is_killed(void)
{
	struct out o = make_pipe();
	pid_t one = fork_run(creator, &o.w), pid;
	close(o.w);
	if (read(o.r, &pid, sizeof pid) == (ssize_t)sizeof pid) {
		int pidfd = sys_pidfd_open(pid);
		CHECK(pidfd >= 0);
		kill_and_reap(one);
		killed(pidfd);
	} else {
		kill_and_reap(one);
	}
	close(o.r);
}

/* What the kernel's mechanism does not do: the child is waited for, the signal is another, privileges may be gained. */
static void where_it_does_not_serve(void)
{
	if (geteuid())
		need_user_namespaces();
	refused(init_context(0, 1));
	int fd = init_context(PROCFD_AUTOREAP, 1);
	SET(fd, PROC_SET_CLOSE, SIGTERM);
	refused(fd);
	if (geteuid()) {
		refused(init_context(PROCFD_AUTOREAP, 0));
	} else if (kernel_has_it()) {
		fd = init_context(PROCFD_AUTOREAP, 0);
		int pidfd = sys_pidfd_open(create(fd));
		close(fd);
		killed(pidfd);
	}
}

/* ---- PROCFD_PIDFD ---- */

static int lean(const char *what)
{
	int fd = ctx_flags(PROCFD_PIDFD);
	set_child(fd, what, "7");
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	return fd;
}

/* Starts a process that ends with its pidfd. Returns a pidfd that does not count, of pidfd_open(2). */
static int start_lean(int fd)
{
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	int pidfd = sys_pidfd_open(create(fd));
	CHECK(pidfd >= 0);
	return pidfd;
}

static void lean_before_7_1(void)
{
	if (kernel_has_it())
		return;
	int fd = lean("exit");
	CHECK_ERR(process_config(fd, PROC_SET_CLOSE, SIGKILL, NULL, 0), EOPNOTSUPP);
	CHECK(strstr(procfd_error_message(), "CLONE_PIDFD_AUTOKILL (Linux 7.1)"));
	create(fd);
	expect_exit(fd, 7);
	close(fd);
}

static void lean_last_close(void)
{
	if (!kernel_has_it())
		return;
	int fd = lean("pause"), pidfd = start_lean(fd), other = dup(fd), holder = fork_run(holds, NULL);
	close(fd);
	check_alive(pidfd);
	close(other);
	check_alive(pidfd);
	kill_and_reap(holder);
	killed(pidfd);
	/* A copy that a question returned. */
	fd = lean("pause");
	pidfd = start_lean(fd);
	int one = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	CHECK(one >= 0);
	close(fd);
	check_alive(pidfd);
	close(one);
	killed(pidfd);
}

static void lean_own_end(void)
{
	if (!kernel_has_it())
		return;
	for (int i = 0; i < 20; i++) {
		int fd = lean("exit");
		SET(fd, PROC_SET_CLOSE, SIGKILL);
		create(fd);
		CHECK_ENDS(fd);
		ended_with_7(fd);
	}
	CHECK_ERR(waitpid(-1, NULL, __WALL), ECHILD);
}

static void lean_creator(void *arg)
{
	int fd = lean("pause");
	start_lean(fd);
	CHECK_EQ(write(*(int *)arg, &(pid_t){ process_info(fd, PROC_INFO_PID, 0, NULL, 0) }, sizeof(pid_t)),
		 (ssize_t)sizeof(pid_t));
	for (;;)
		pause();
}

static void lean_creator_is_killed(void)
{
	if (!kernel_has_it())
		return;
	struct out o = make_pipe();
	pid_t one = fork_run(lean_creator, &o.w), pid;
	CHECK_EQ(read(o.r, &pid, sizeof pid), (ssize_t)sizeof pid);
	int pidfd = sys_pidfd_open(pid);
	CHECK(pidfd >= 0);
	kill_and_reap(one);
	killed(pidfd);
	close(o.r);
	close(o.w);
}

static void creates_without_end(void *arg)
{
	(void)arg;
	for (;;) {
		int fd = lean("pause");
		SET(fd, PROC_SET_CLOSE, SIGKILL);
		create(fd);
		close(fd);
	}
}

/* Wherever in PROC_CREATE the creator ends: it has no child that lives on. */
static void lean_creator_is_killed_during_the_start(void)
{
	if (!kernel_has_it())
		return;
	/* What the creator leaves comes to this process. */
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	for (int i = 0; i < 20; i++) {
		pid_t one = fork_run(creates_without_end, NULL);
		usleep(5000 + 1700 * i);
		kill_and_reap(one);
		for (int n = 0; tap_children(NULL, 0) != 0; n++) {
			CHECK(n < FOREVER_MS);
			waitpid(-1, NULL, WNOHANG | __WALL);
			usleep(1000);
		}
	}
}

static void lean_with_other_settings(void)
{
	if (!kernel_has_it())
		return;
	int fd = lean("pause");
	SET(fd, PROC_START_SUSPENDED, 1);
	int pidfd = start_lean(fd);
	CHECK_EQ(process_manage(fd, PROC_RESUME, 0, NULL, 0), 0);
	check_alive(pidfd);
	close(fd);
	killed(pidfd);

	fd = lean("pause");
	SET(fd, PROC_FD_INHERIT_ALL, 1);
	pidfd = start_lean(fd);
	close(fd);
	killed(pidfd);

	fd = lean("pause");
	int copy = process_config(fd, PROC_COPY, 0, NULL, 0);
	CHECK(copy >= 0);
	close(fd);
	pidfd = start_lean(copy);
	close(copy);
	killed(pidfd);

	const char *const argv[] = { "sleep", "1000", NULL };
	struct procfd_spawn options = { .flags = PROCFD_PIDFD, .close_signal = SIGKILL };
	if (geteuid()) {
		CHECK_ERR(procfd_spawn(argv, &options, sizeof options), EOPNOTSUPP);
	} else {
		fd = procfd_spawn(argv, &options, sizeof options);
		CHECK(fd >= 0);
		pidfd = sys_pidfd_open(process_info(fd, PROC_INFO_PID, 0, NULL, 0));
		close(fd);
		killed(pidfd);
	}

	if (geteuid())
		need_user_namespaces();
	fd = lean("pause");
	SET(fd, PROC_SET_FLAG, CLONE_NEWPID | (geteuid() ? CLONE_NEWUSER : 0));
	pidfd = start_lean(fd);
	close(fd);
	killed(pidfd);
}

static void lean_failed_start(void)
{
	if (!kernel_has_it())
		return;
	int fd = lean("pause");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	CFG(fd, PROC_SET_EXEC, 0, "/nothing", 0);
	for (int i = 0; i < 3; i++)
		CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, -1);
	CHECK_ERR(waitpid(-1, NULL, __WALL), ECHILD);
	set_child(fd, "pause");
	int pidfd = sys_pidfd_open(create(fd));
	close(fd);
	killed(pidfd);
}

static void lean_where_it_does_not_serve(void)
{
	if (!kernel_has_it())
		return;
	struct procfd_close second = { .second_signal = SIGKILL, .delay_ns = 1 };
	int fd = lean("pause");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	CHECK_ERR(process_config(fd, PROC_SET_CLOSE, SIGTERM, NULL, 0), EOPNOTSUPP);
	CHECK(strstr(procfd_error_message(), "other than SIGKILL for the process alone"));
	CHECK_ERR(process_config(fd, PROC_SET_CLOSE, SIGKILL, &second, sizeof second), EOPNOTSUPP);
	CHECK_ERR(process_config(fd, PROC_SET_INIT, 1, NULL, 0), EOPNOTSUPP);
	CHECK_ERR(process_config(fd, PROC_ATTACH, (uint64_t)fd, NULL, 0), EOPNOTSUPP);
	char plan[4096];
	CHECK(process_info(fd, PROC_INFO_PLAN, 0, plan, sizeof plan) > 0);
	/* The policy of before holds. */
	int pidfd = sys_pidfd_open(create(fd));
	CHECK_ERR(process_manage(fd, PROC_SET_CLOSE, 0, NULL, 0), EINVAL);
	close(fd);
	killed(pidfd);

	fd = lean("pause");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	SET(fd, PROC_SET_NO_NEW_PRIVS, 0);
	if (geteuid()) {
		CHECK_ERR(process_info(fd, PROC_INFO_PLAN, 0, plan, sizeof plan), EOPNOTSUPP);
		refused(fd);
	} else {
		pidfd = sys_pidfd_open(create(fd));
		close(fd);
		killed(pidfd);
	}

	fd = ctx_flags(PROCFD_PIDFD);
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	refused(fd);
}

TAP_MAIN(CASE(the_last_close_kills), CASE(looking_keeps_nothing), CASE(its_own_end), CASE(a_failed_start_leaves_nothing),
	 CASE(the_creator_is_killed), CASE(where_it_does_not_serve), CASE(lean_before_7_1), CASE(lean_last_close),
	 CASE(lean_own_end), CASE(lean_creator_is_killed), CASE(lean_creator_is_killed_during_the_start),
	 CASE(lean_with_other_settings), CASE(lean_failed_start), CASE(lean_where_it_does_not_serve))

// SPDX-License-Identifier: MIT OR Apache-2.0
/* The init of a new pid namespace without a watcher: from 7.1 on the kernel ends it with the last procfd. Before, the
 * combination is refused. */
#include "util.h"

struct clone_flags {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

/* Asks for a cgroup by a number that is no descriptor: EBADF from a kernel that knows the flags, else EINVAL. */
static int kernel_has_it(void)
{
	int fd;
	struct clone_flags a = { .flags = 0x1000 | 7ULL << 34 | 2ULL << 32, .pidfd = (uintptr_t)&fd, .cgroup = INT_MAX };
	CHECK_EQ(syscall(SYS_clone3, &a, sizeof a), -1);
	CHECK(errno == EBADF || errno == EINVAL);
	return errno == EBADF;
}

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
		struct procfd_wait w = { 0 };
		CHECK_EQ(process_manage(fd, PROC_WAIT, 0, &w, sizeof w), 0);
		CHECK_EQ(w.what, PROC_EXITED);
		CHECK_EQ(w.status, 7);
		CHECK_EQ(process_info(fd, PROC_INFO_STATE, 0, NULL, 0), PROC_STATE_EXITED);
		close(fd);
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

TAP_MAIN(CASE(the_last_close_kills), CASE(looking_keeps_nothing), CASE(its_own_end), CASE(a_failed_start_leaves_nothing),
	 CASE(the_creator_is_killed), CASE(where_it_does_not_serve))

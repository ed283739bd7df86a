// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Profiles of container runtimes, old and new: which starts work where a filter refuses what they do not know, with
 * ENOSYS and with EPERM. docs/kernel-features.md has the same rows.
 */
#include "filter.h"

#define MAX 7

struct profile {
	long refused[MAX];
	int watched; /* whether a start with the watcher works: else it fails at PROC_STAGE_WATCHER */
	int init;    /* whether one with the built-in init does: else at PROC_STAGE_INIT */
	int err;
};

/* A start of a program that exits with 7. */
static int seven(uint64_t flags)
{
	int fd = ctx_flags(flags);
	set_child(fd, "exit", "7");
	return fd;
}

static void start_under(const struct profile *p, uint64_t flags)
{
	int fd = seven(flags);
	if (!flags && !p->watched) {
		CREATE_FAILS(fd, p->err, PROC_STAGE_WATCHER, -1);
		close(fd);
		return;
	}
	create(fd);
	if (!flags) {
		struct pollfd poller = { .fd = fd };
		CHECK_EQ(poll(&poller, 1, FOREVER_MS), 1);
		CHECK(poller.revents & POLLHUP);
	}
	expect_exit(fd, 7);
	if (!(flags & PROCFD_PIDFD))
		expect_exit(fd, 7);
	close(fd);
}

/* The kernel carries a close policy out, with a watcher or without. */
static void kill_on_close(void)
{
	int fd = ctx_flags(PROCFD_NO_WATCH);
	set_child(fd, "pause");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	create(fd);
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	CHECK(pidfd >= 0);
	close(fd);
	CHECK_ENDS(pidfd);
	close(pidfd);
}

static void built_in_init(const struct profile *p)
{
	int fd = seven(PROCFD_NO_WATCH);
	SET(fd, PROC_SET_FLAG, CLONE_NEWPID | (geteuid() ? CLONE_NEWUSER : 0));
	SET(fd, PROC_SET_INIT, 1);
	if (p->init) {
		create(fd);
		expect_exit(fd, 7);
	} else {
		CREATE_FAILS(fd, p->err, PROC_STAGE_INIT, -1);
	}
	close(fd);
}

/* Without a program: the pidfd is pidfd_open's, or the clone's where a filter refuses that. */
static void fork_form(void)
{
	struct out o = make_pipe();
	int fd = ctx_flags(PROCFD_NO_WATCH);
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	int pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	if (pid == 0) {
		/* The child works: its own ids, no descriptor of the parent's procfd, and a start of its own. */
		alarm(CHILD_LIFE);
		int held = fcntl(fd, F_GETFD), mine = seven(PROCFD_NO_WATCH);
		create(mine);
		expect_exit(mine, 7);
		close(mine);
		dprintf(o.w, "%d %d %d", getpid(), (int)syscall(SYS_gettid), held);
		pause();
	}
	CHECK(pid > 0);
	close(o.w);
	char text[64] = "";
	CHECK(read(o.r, text, sizeof text - 1) > 0);
	int self, thread, held;
	CHECK_EQ(sscanf(text, "%d %d %d", &self, &thread, &held), 3);
	CHECK_EQ(self, pid);
	CHECK_EQ(thread, pid);
	CHECK_EQ(held, -1);
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	CHECK(pidfd >= 0);
	close(fd);
	CHECK_ENDS(pidfd);
	close(pidfd);
	close(o.r);

	fd = ctx_flags(PROCFD_NO_WATCH);
	pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	if (pid == 0)
		_exit(9);
	CHECK(pid > 0);
	expect_exit(fd, 9);
	close(fd);
}

/* clone(2) has no CLONE_NEWTIME: its bit is part of the exit signal there. */
static void time_namespace_of_a_fork(void *arg)
{
	refuse(SYS_clone3, *(int *)arg);
	int fd = ctx_flags(PROCFD_NO_WATCH);
	SET(fd, PROC_SET_FLAG, CLONE_NEWTIME | (geteuid() ? CLONE_NEWUSER : 0));
	CREATE_FAILS(fd, *(int *)arg, PROC_STAGE_CLONE, -1);
	CHECK_ERR(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
	close(fd);
}

static void no_time_namespace_without_clone3(void)
{
	static int errnos[] = { ENOSYS, EPERM };
	for (int i = 0; i < 2; i++)
		in_fork(time_namespace_of_a_fork, &errnos[i]);
}

static void under(void *arg)
{
	const struct profile *p = arg;
	struct rule rules[MAX];
	int n = 0, can_init = 1;
	if (geteuid()) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(unshare(CLONE_NEWUSER) ? 1 : 0);
		int st;
		CHECK_EQ(waitpid(pid, &st, 0), pid);
		can_init = !st;
	}
	for (; n < MAX && p->refused[n]; n++)
		rules[n] = (struct rule){ p->refused[n], REFUSE(p->err) };
	filter(rules, n, 0);
	start_under(p, 0);
	start_under(p, PROCFD_NO_WATCH);
	start_under(p, PROCFD_PIDFD);
	kill_on_close();
	fork_form();
	if (can_init)
		built_in_init(p);
	sweep();
}

static void row(struct profile p)
{
	static const int errnos[] = { ENOSYS, EPERM };
	for (int i = 0; i < 2; i++) {
		p.err = errnos[i];
		in_fork(under, &p);
	}
}

#define ROW(name, watched, init, ...)                                      \
	static void name(void)                                             \
	{                                                                  \
		row((struct profile){ { __VA_ARGS__ }, watched, init, 0 }); \
	}
#define URING 425, 426, 427

ROW(clone3, 1, 1, SYS_clone3)
ROW(pidfd_open, 1, 1, SYS_pidfd_open)
ROW(close_range_, 1, 1, SYS_close_range)
ROW(unshare_, 1, 1, SYS_unshare)
ROW(pidfd_send_signal_, 0, 1, SYS_pidfd_send_signal)
ROW(memfd_create_, 0, 0, SYS_memfd_create)
ROW(execveat_, 0, 0, SYS_execveat)
ROW(io_uring, 1, 1, URING)
ROW(clone3_and_unshare, 1, 1, SYS_clone3, SYS_unshare)
ROW(docker_before_20_10, 1, 1, SYS_clone3, SYS_pidfd_open, SYS_close_range)
ROW(docker_without_sys_admin, 0, 0, SYS_clone3, SYS_pidfd_open, SYS_close_range, SYS_unshare)
ROW(all_of_them, 0, 0, SYS_clone3, SYS_pidfd_open, SYS_close_range, SYS_unshare, SYS_memfd_create, SYS_execveat)

TAP_MAIN(COLD(clone3), COLD(pidfd_open), COLD(close_range_), COLD(unshare_), COLD(pidfd_send_signal_),
	 COLD(memfd_create_), COLD(execveat_), COLD(io_uring), COLD(clone3_and_unshare), COLD(docker_before_20_10),
	 COLD(docker_without_sys_admin), COLD(all_of_them), COLD(no_time_namespace_without_clone3))

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Exit readiness on the procfd itself, in every process that holds it. */
#include "watcher.h"

#include <sys/select.h>

static void epoll_sees_start_and_exit(unsigned how)
{
	int fd = ctx(), ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev = { .events = EPOLLIN | how };
	struct out gate = make_pipe();
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev), 0);
	CHECK_EQ(epoll_wait(ep, &ev, 1, 0), 0);
	set_child(fd, "gate", "3");
	set_dup(fd, gate.r, 0);
	create(fd);
	CHECK_EQ(epoll_wait(ep, &ev, 1, FOREVER_MS), 1);
	CHECK_EQ(ev.events, EPOLLIN);
	close(gate.w);
	if (how & EPOLLET) {
		CHECK_EQ(epoll_wait(ep, &ev, 1, FOREVER_MS), 1);
	} else {
		CHECK_HUNG_UP(fd);
		CHECK_EQ(epoll_wait(ep, &ev, 1, 0), 1);
		CHECK_EQ(epoll_wait(ep, &ev, 1, 0), 1);
	}
	CHECK_EQ(ev.events, EPOLLIN | EPOLLHUP);
	CHECK_EQ(state(fd), PROC_STATE_EXITED);
	expect_exit(fd, 3);
	close(ep);
	close(fd);
	close(gate.r);
}

static void level_triggered(void) { epoll_sees_start_and_exit(0); }
static void edge_triggered(void) { epoll_sees_start_and_exit(EPOLLET); }

static void poll_and_select(void)
{
	int fd = staying();
	fd_set in;
	struct timeval now = { 0, 0 }, limit = { FOREVER_MS / 1000, 0 };
	CHECK_EQ(polled(fd, POLLIN, 0), POLLIN);
	FD_ZERO(&in);
	FD_SET(fd, &in);
	CHECK_EQ(select(fd + 1, &in, NULL, NULL, &now), 1);
	CHECK_NOT_HUNG_UP(fd);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGTERM, NULL, 0), 0);
	CHECK_HUNG_UP(fd);
	FD_ZERO(&in);
	FD_SET(fd, &in);
	CHECK_EQ(select(fd + 1, &in, NULL, NULL, &limit), 1);
	expect_killed(fd, SIGTERM);
	close(fd);
}

/* The holder got the descriptor before the start, and reports what it polls. */
static void holder(void *arg)
{
	int *s = arg;
	close(s[0]);
	int fd = recv_fd(s[1]);
	CHECK_EQ(write(s[1], "h", 1), 1);
	CHECK_EQ(polled(fd, POLLIN, FOREVER_MS), POLLIN);
	CHECK_EQ(write(s[1], "s", 1), 1);
	CHECK_HUNG_UP(fd);
	CHECK_EQ(state(fd), PROC_STATE_EXITED);
	CHECK_EQ(write(s[1], "e", 1), 1);
}

static char said(int s)
{
	char c = 0;
	CHECK(ready_within(s, FOREVER_MS));
	CHECK_EQ(read(s, &c, 1), 1);
	return c;
}

static void other_holder(void)
{
	int s[2];
	socket_pair(s);
	pid_t h = fork_run(holder, s);
	close(s[1]);
	int fd = ctx();
	send_fd(s[0], fd);
	CHECK_EQ(said(s[0]), 'h');
	set_child(fd, "pause");
	create(fd);
	CHECK_EQ(said(s[0]), 's');
	finish(fd);
	CHECK_EQ(said(s[0]), 'e');
	expect_status(h, 0);
	close(s[0]);
}

/* Creates, tells the child's pid, and stays to be killed. */
static void doomed_creator(void *arg)
{
	int *s = arg;
	int fd = ctx();
	send_fd(s[1], fd);
	set_child(fd, "pause");
	pid_t pid = create(fd);
	CHECK_EQ(write(s[1], &pid, sizeof pid), sizeof pid);
	child_forever();
}

static void creator_gone(void)
{
	int s[2];
	pid_t pid;
	socket_pair(s);
	pid_t creator = fork_run(doomed_creator, s);
	int fd = recv_fd(s[0]);
	CHECK_EQ(read(s[0], &pid, sizeof pid), sizeof pid);
	CHECK_EQ(watchers_of(creator, NULL), 1);
	kill_and_reap(creator);
	CHECK_NOT_HUNG_UP(fd);
	CHECK_EQ(state(fd), PROC_STATE_RUNNING);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0), 0);
	CHECK_HUNG_UP(fd);
	expect_killed(fd, SIGKILL);
	close(fd);
	close(s[0]);
	close(s[1]);
}

static void watcher_and_creator_gone(void)
{
	int s[2];
	pid_t pid, w = 0;
	socket_pair(s);
	pid_t creator = fork_run(doomed_creator, s);
	int fd = recv_fd(s[0]);
	CHECK_EQ(read(s[0], &pid, sizeof pid), sizeof pid);
	CHECK_EQ(watchers_of(creator, &w), 1);
	CHECK_EQ(kill(w, SIGKILL), 0);
	kill_and_reap(creator);
	CHECK_HUNG_UP(fd);
	CHECK_EQ(state(fd), PROC_STATE_RUNNING);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0), 0);
	expect_killed(fd, SIGKILL);
	close(fd);
	close(s[0]);
	close(s[1]);
}

static void out_of_sight(void)
{
	char path[64];
	int fd = staying();
	pid_t pid = process_info(fd, PROC_INFO_PID, 0, NULL, 0);
	watcher();
	snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
	int c = open(path, O_RDONLY | O_CLOEXEC);
	char *list = slurp(c);
	CHECK_EQ(atoi(list), pid);
	CHECK(strchr(list, ' ') && !strchr(list, ' ')[1]);
	close(c);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0), 0);
	CHECK_EQ(waitpid(-1, NULL, __WALL), pid);
	CHECK_ERR(waitpid(-1, NULL, __WALL | WNOHANG), ECHILD);
	close(fd);
}

static void keeps_nothing_of_the_creators(void)
{
	char path[64], buf[256];
	CHECK_EQ(setenv("PROCFD_TEST_SECRET", "1", 1), 0);
	int extra = open("/dev/null", O_RDONLY), fd = staying();
	pid_t w = watcher();
	snprintf(path, sizeof path, "/proc/%d/cwd", w);
	ssize_t n = readlink(path, buf, sizeof buf - 1);
	if (n > 0) { /* readable by the same user only where it is dumpable */
		buf[n] = 0;
		CHECK_STR(buf, "/");
		snprintf(path, sizeof path, "/proc/%d/environ", w);
		int e = open(path, O_RDONLY | O_CLOEXEC);
		CHECK_EQ(read(e, buf, sizeof buf), 0);
		close(e);
		snprintf(path, sizeof path, "/proc/%d/fd", w);
		DIR *d = opendir(path);
		for (struct dirent *x; d && (x = readdir(d));) {
			char link[400];
			snprintf(link, sizeof link, "%s/%.20s", path, x->d_name);
			n = readlink(link, buf, sizeof buf - 1);
			buf[n > 0 ? n : 0] = 0;
			CHECK(!strstr(buf, "null"));
		}
		if (d)
			closedir(d);
	}
	FILE *f = fopen((snprintf(path, sizeof path, "/proc/%d/stat", w), path), "re");
	int tty = -1;
	CHECK_EQ(fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %d", &tty), 1);
	CHECK_EQ(tty, 0);
	fclose(f);
	CHECK_STR(status_of(w, "Name"), "procfd-watch");
	/* "N kB" */
	CHECK(atoi(status_of(w, "VmRSS")) <= 100);
	finish(fd);
	close(extra);
}

static void killed_and_replaced(void)
{
	int one = staying(), two = staying();
	kill_watcher();
	CHECK_NOT_HUNG_UP(one);
	CHECK_EQ(state(one), PROC_STATE_RUNNING); /* any call */
	watcher();
	CHECK_EQ(process_manage(two, PROC_SIGNAL, SIGKILL, NULL, 0), 0);
	CHECK_HUNG_UP(two);
	CHECK_NOT_HUNG_UP(one);
	kill_watcher();
	int three = staying();
	CHECK_EQ(process_manage(one, PROC_SIGNAL, SIGKILL, NULL, 0), 0);
	CHECK_HUNG_UP(one);
	expect_killed(one, SIGKILL);
	expect_killed(two, SIGKILL);
	finish(three);
	close(one);
	close(two);
}

/* Processes that ended while no watcher was there are reported by the next one. */
static void ended_meanwhile(void)
{
	int fd = staying(), other = staying();
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	kill_watcher();
	CHECK_EQ(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0), 0);
	CHECK_ENDS(pidfd);
	CHECK_NOT_HUNG_UP(fd);
	CHECK_EQ(state(other), PROC_STATE_RUNNING);
	CHECK_HUNG_UP(fd);
	expect_killed(fd, SIGKILL);
	finish(other);
	close(pidfd);
	close(fd);
}

/* The same for the only one there is, and by whichever call comes next. */
static void the_only_one_ended_meanwhile(void)
{
	for (int how = 0; how < 3; how++) {
		int fd = staying(), pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
		kill_watcher();
		CHECK_EQ(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0), 0);
		CHECK_ENDS(pidfd);
		CHECK_NOT_HUNG_UP(fd);
		if (how == 0)
			close(ctx());
		else if (how == 1)
			process_config(fd, PROC_SET_UMASK, 0, NULL, 0);
		else
			process_manage(fd, PROC_SIGNAL, 0, NULL, 0);
		CHECK_HUNG_UP(fd);
		expect_killed(fd, SIGKILL);
		close(pidfd);
		close(fd);
	}
}

static void no_watch_starts_none(void)
{
	int fd = ctx_flags(PROCFD_NO_WATCH);
	set_child(fd, "exit", "0");
	create(fd);
	expect_exit(fd, 0);
	CHECK_EQ(watchers_of(getpid(), NULL), 0);
	CHECK_NOT_HUNG_UP(fd);
	CHECK_EQ(state(fd), PROC_STATE_EXITED);
	close(fd);
}

static void in_forked_child(void *arg)
{
	(void)arg;
	CHECK_EQ(watchers_of(getpid(), NULL), 0);
	int fd = staying();
	watcher();
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0), 0);
	CHECK_HUNG_UP(fd);
	expect_killed(fd, SIGKILL);
	close(fd);
}

static void creator_forks(void)
{
	int fd = staying();
	in_fork(in_forked_child, NULL);
	CHECK_NOT_HUNG_UP(fd);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0), 0);
	CHECK_HUNG_UP(fd);
	expect_killed(fd, SIGKILL);
	close(fd);
}

static pthread_barrier_t together;

static void *first_create(void *arg)
{
	(void)arg;
	int fd = ctx();
	set_child(fd, "pause");
	pthread_barrier_wait(&together);
	create(fd);
	return (void *)(intptr_t)fd;
}

static void first_creates_at_once(void)
{
	pthread_t t[8];
	void *fd[8];
	pthread_barrier_init(&together, NULL, 8);
	for (int i = 0; i < 8; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, first_create, NULL), 0);
	for (int i = 0; i < 8; i++)
		CHECK_EQ(pthread_join(t[i], &fd[i]), 0);
	watcher();
	for (int i = 0; i < 8; i++) {
		int f = (int)(intptr_t)fd[i];
		CHECK_EQ(process_manage(f, PROC_SIGNAL, SIGKILL, NULL, 0), 0);
		CHECK_HUNG_UP(f);
		expect_killed(f, SIGKILL);
		close(f);
	}
}

/* A creator that is a subreaper may be given the watcher, and must not hang on it. */
static void subreaper(void *arg)
{
	(void)arg;
	int ended = 0;
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	for (int i = 0; i < 3; i++) {
		int fd = ctx();
		set_child(fd, "exit", "0");
		create(fd);
		CHECK_HUNG_UP(fd);
		close(fd);
	}
	while (waitpid(-1, NULL, 0) > 0)
		ended++;
	CHECK_EQ(errno, ECHILD);
	CHECK(ended >= 3 && ended <= 6);
}

static void creator_is_a_subreaper(void) { in_fork(subreaper, NULL); }

static void stay(void *arg)
{
	(void)arg;
	child_forever();
}

static void attached(void)
{
	pid_t pid = fork_run(stay, NULL);
	int pidfd = sys_pidfd_open(pid), fd = ctx();
	CHECK_EQ(process_config(fd, PROC_ATTACH, (uint64_t)pidfd, NULL, 0), pid);
	CHECK_EQ(polled(fd, POLLIN, 0), POLLIN);
	CHECK_NOT_HUNG_UP(fd);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_HUNG_UP(fd);
	close(fd);
	close(pidfd);
	expect_status(pid, SIGKILL);
}

/* The watcher's hanging-up is not the close: config says EBUSY still, and the status stays. */
static void a_held_procfd_is_not_swept(void)
{
	int fd = ctx_flags(PROCFD_AUTOREAP);
	set_child(fd, "exit", "4");
	create(fd);
	CHECK_HUNG_UP(fd);
	sweep();
	CHECK_ERR(process_config(fd, PROC_SET_UMASK, 0, NULL, 0), EBUSY);
	struct procfd_wait w = wait_end(fd);
	CHECK_EQ(w.status, 4);
	CHECK(w.mask & PROC_WAIT_HAS_USAGE);
	close(fd);
	/* And a dropped one is reaped. */
	fd = ctx_flags(PROCFD_AUTOREAP);
	set_child(fd, "exit", "0");
	pid_t pid = create(fd);
	CHECK_HUNG_UP(fd);
	close(fd);
	sweep();
	CHECK_ERR(waitpid(pid, NULL, WNOHANG), ECHILD);
}

TAP_MAIN(CASE(level_triggered), CASE(edge_triggered), CASE(poll_and_select), CASE(other_holder),
	 CASE(creator_gone), CASE(watcher_and_creator_gone), CASE(out_of_sight),
	 CASE(keeps_nothing_of_the_creators), CASE(killed_and_replaced), CASE(ended_meanwhile), CASE(the_only_one_ended_meanwhile),
	 COLD(no_watch_starts_none), CASE(creator_forks), COLD(first_creates_at_once),
	 CASE(creator_is_a_subreaper), CASE(attached), CASE(a_held_procfd_is_not_swept))

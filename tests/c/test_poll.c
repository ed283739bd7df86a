// SPDX-License-Identifier: MIT OR Apache-2.0
/* Readiness of a procfd: the start, by poll, select and epoll, in the creator and elsewhere. */
#include "util.h"

#include <sys/select.h>

static int polled(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLPRI | POLLRDHUP };
	CHECK(poll(&p, 1, ms) >= 0);
	return p.revents;
}

static void nothing_before_the_start(void)
{
	int fd = ctx();
	CHECK_EQ(polled(fd, 0), 0);
	SET(fd, PROC_SET_UMASK, 0);
	CFG(fd, PROC_SET_EXEC, 0, "/nonexistent", 0);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, -1);
	CHECK_EQ(polled(fd, 0), 0);
	set_child(fd, "pause");
	create(fd);
	for (int i = 0; i < 5; i++) /* it stays */
		CHECK_EQ(polled(fd, 0), POLLIN);
	finish(fd);
}

static void by_select(void)
{
	int fd = ctx();
	fd_set r;
	struct timeval none = { 0, 0 };
	FD_ZERO(&r);
	FD_SET(fd, &r);
	CHECK_EQ(select(fd + 1, &r, NULL, NULL, &none), 0);
	set_child(fd, "pause");
	create(fd);
	FD_ZERO(&r);
	FD_SET(fd, &r);
	none = (struct timeval){ 0, 0 };
	CHECK_EQ(select(fd + 1, &r, NULL, NULL, &none), 1);
	CHECK(FD_ISSET(fd, &r));
	finish(fd);
}

static int watch(int fd, uint32_t events)
{
	int ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev = { .events = events, .data.fd = fd };
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev), 0);
	return ep;
}

static int events_now(int ep, int ms)
{
	struct epoll_event ev = { 0 };
	int n;
	while ((n = epoll_wait(ep, &ev, 1, ms)) < 0 && errno == EINTR)
		;
	CHECK(n >= 0);
	return n ? (int)ev.events : 0;
}

static void by_epoll(void)
{
	int fd = ctx(), ep = watch(fd, EPOLLIN);
	CHECK_EQ(events_now(ep, 0), 0);
	set_child(fd, "pause");
	create(fd);
	CHECK_EQ(events_now(ep, 0), EPOLLIN);
	CHECK_EQ(events_now(ep, 0), EPOLLIN);
	CHECK_EQ(state(fd), PROC_STATE_RUNNING); /* looking does not change it */
	CHECK_EQ(events_now(ep, 0), EPOLLIN);
	close(ep);
	finish(fd);
}

static void by_epoll_edge_triggered(void)
{
	int fd = ctx(), ep = watch(fd, EPOLLIN | EPOLLET);
	CHECK_EQ(events_now(ep, 0), 0);
	set_child(fd, "pause");
	create(fd);
	CHECK_EQ(events_now(ep, 0), EPOLLIN);
	CHECK_EQ(events_now(ep, 0), 0);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, 0, NULL, 0), 0);
	CHECK_EQ(events_now(ep, 0), 0);
	close(ep);
	ep = watch(fd, EPOLLIN | EPOLLONESHOT); /* registered after the start: told at once */
	CHECK_EQ(events_now(ep, 0), EPOLLIN);
	CHECK_EQ(events_now(ep, 0), 0);
	close(ep);
	finish(fd);
}

static void *wait_in_thread(void *arg)
{
	int *q = arg;
	q[1] = events_now(q[0], FOREVER_MS);
	return NULL;
}

static void a_blocked_waiter_wakes(void)
{
	int fd = ctx();
	int q[2] = { watch(fd, EPOLLIN), 0 };
	pthread_t t;
	CHECK_EQ(pthread_create(&t, NULL, wait_in_thread, q), 0);
	set_child(fd, "pause");
	create(fd);
	pthread_join(t, NULL);
	CHECK_EQ(q[1], EPOLLIN);
	close(q[0]);
	finish(fd);
}

static void many_in_one_epoll(void)
{
	enum { N = 40 };
	int ep = epoll_create1(EPOLL_CLOEXEC), fds[N], seen[N] = { 0 };
	for (int i = 0; i < N; i++) {
		fds[i] = ctx();
		struct epoll_event ev = { .events = EPOLLIN | EPOLLET, .data.u32 = (uint32_t)i };
		CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &ev), 0);
	}
	for (int i = N - 1; i >= 0; i -= 2) {
		set_child(fds[i], "pause");
		create(fds[i]);
	}
	struct epoll_event evs[N];
	int n = epoll_wait(ep, evs, N, 0);
	CHECK_EQ(n, N / 2);
	for (int i = 0; i < n; i++)
		seen[evs[i].data.u32]++;
	for (int i = 0; i < N; i++)
		CHECK_EQ(seen[i], i & 1);
	for (int i = 0; i < N; i++)
		if (i & 1)
			finish(fds[i]);
		else
			close(fds[i]);
	close(ep);
}

static void wait_elsewhere(void *arg)
{
	int fd = *(int *)arg;
	CHECK_EQ(polled(fd, 0), 0);
	int ep = watch(fd, EPOLLIN | EPOLLET);
	CHECK_EQ(write(((int *)arg)[1], "x", 1), 1);
	CHECK_EQ(events_now(ep, FOREVER_MS), EPOLLIN);
	CHECK_EQ(polled(fd, 0), POLLIN);
	CHECK_EQ(state(fd), PROC_STATE_RUNNING);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGTERM, NULL, 0), 0);
}

static void in_several_processes(void)
{
	pid_t others[3];
	struct out ready = make_pipe();
	int fd = ctx(), arg[2] = { fd, ready.w };
	char c;
	for (int i = 0; i < 3; i++)
		others[i] = fork_run(wait_elsewhere, arg);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(read(ready.r, &c, 1), 1);
	set_child(fd, "pause");
	SET(fd, PROC_SET_SIGMASK, 1ULL << (SIGTERM - 1)); /* it lives until all have seen it */
	create(fd);
	for (int i = 0; i < 3; i++)
		expect_status(others[i], 0);
	close(ready.r);
	close(ready.w);
	finish(fd);
}

static void readable_still_after_the_end(void)
{
	int fd = ctx();
	set_child(fd, "exit", "0");
	create(fd);
	expect_exit(fd, 0);
	CHECK(polled(fd, 0) & POLLIN);
	CHECK_EQ(state(fd), PROC_STATE_EXITED);
	CHECK(polled(fd, 0) & POLLIN);
	close(fd);
}

static void its_pidfd_tells_the_end(void)
{
	int fd = ctx();
	struct out gate = make_pipe();
	set_child(fd, "gate", "0");
	set_dup(fd, gate.r, 0);
	create(fd);
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	CHECK_EQ(polled(pidfd, 0), 0);
	close(gate.w);
	CHECK(polled(pidfd, FOREVER_MS) & POLLIN);
	expect_exit(fd, 0);
	close(gate.r);
	close(pidfd);
	close(fd);
}

static void not_readable_by_what_a_holder_writes(void)
{
	int fd = ctx();
	(void)!send(fd, "junk", 4, MSG_DONTWAIT | MSG_NOSIGNAL);
	CHECK_EQ(polled(fd, 0), 0);
	CHECK_EQ(state(fd), PROC_STATE_CONFIGURING);
	set_child(fd, "pause");
	create(fd);
	CHECK_EQ(polled(fd, 0), POLLIN);
	finish(fd);
}

TAP_MAIN(CASE(nothing_before_the_start), CASE(by_select), CASE(by_epoll),
	 CASE(by_epoll_edge_triggered), CASE(a_blocked_waiter_wakes), CASE(many_in_one_epoll),
	 CASE(in_several_processes), CASE(readable_still_after_the_end),
	 CASE(its_pidfd_tells_the_end), CASE(not_readable_by_what_a_holder_writes))

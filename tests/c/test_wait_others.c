// SPDX-License-Identifier: MIT OR Apache-2.0
/* PROC_WAIT by holders that are not the parent, by several at once, and on other descriptors. */
#include "util.h"

#include <sys/ptrace.h>

struct waiting {
	int fd, result, err;
	uint64_t flags, timeout;
	struct procfd_wait w;
};

/* In another process: wait on the inherited descriptor, and give the answer by shared memory. */
static void wait_here(void *arg)
{
	struct waiting *q = arg;
	q->w.timeout_ns = q->timeout;
	errno = 0;
	q->result = process_manage(q->fd, PROC_WAIT, q->flags, &q->w, sizeof q->w);
	q->err = errno;
}

static struct waiting *shared(int fd)
{
	struct waiting *q = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(q != MAP_FAILED);
	memset(q, 0, sizeof *q);
	q->fd = fd;
	q->timeout = FOREVER_MS * 1000000ULL;
	return q;
}

static void drop(struct waiting *q)
{
	munmap(q, 4096);
}

static int started(const char *mode, const char *arg, struct out *gate)
{
	int fd = ctx();
	set_child(fd, mode, arg);
	if (gate) {
		*gate = make_pipe();
		set_dup(fd, gate->r, 0);
	}
	create(fd);
	return fd;
}

static void ended(int fd)
{
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	CHECK(pidfd >= 0);
	CHECK_ENDS(pidfd);
	close(pidfd);
}

static void after_the_parent_reaped(void)
{
	int fd = started("exit", "11", NULL);
	struct waiting *q = shared(fd);
	expect_exit(fd, 11);
	in_fork(wait_here, q);
	CHECK_EQ(q->result, 0);
	CHECK_EQ(q->w.what, PROC_EXITED);
	CHECK_EQ(q->w.status, 11);
	CHECK(!(q->w.mask & PROC_WAIT_HAS_USAGE));
	drop(q);
	close(fd);
	fd = started("kill", "15", NULL);
	q = shared(fd);
	expect_killed(fd, SIGTERM);
	in_fork(wait_here, q);
	CHECK_EQ(q->w.what, PROC_KILLED);
	CHECK_EQ(q->w.status, SIGTERM);
	drop(q);
	close(fd);
}

static void blocked_until_the_end(void)
{
	struct out gate;
	int fd = started("gate", "21", &gate);
	struct waiting *q = shared(fd);
	pid_t other = fork();
	if (other == 0) {
		close(gate.w);
		wait_here(q);
		_exit(0);
	}
	close(gate.w);
	expect_exit(fd, 21);
	expect_status(other, 0);
	CHECK_EQ(q->result, 0);
	CHECK_EQ(q->w.what, PROC_EXITED);
	CHECK_EQ(q->w.status, 21);
	close(gate.r);
	drop(q);
	close(fd);
}

/* Its parent leaves it a zombie: the code is in /proc for who may trace it. */
static void a_zombie_of_another_parent(void)
{
	int fd = started("exit", "31", NULL);
	struct waiting *q = shared(fd);
	ended(fd);
	in_fork(wait_here, q);
	CHECK_EQ(q->result, 0);
	CHECK_EQ(q->w.what, PROC_EXITED);
	CHECK_EQ(q->w.status, 31);
	q->flags = PROC_WAIT_NOHANG;
	in_fork(wait_here, q);
	CHECK_EQ(q->result, 0);
	CHECK_EQ(q->w.status, 31);
	expect_exit(fd, 31); /* the parent still has it */
	drop(q);
	close(fd);
}

static void wait_as_a_stranger(void *arg)
{
	CHECK_EQ(setresgid(4321, 4321, 4321), 0);
	CHECK_EQ(setresuid(4321, 4321, 4321), 0);
	wait_here(arg);
}

static void a_zombie_that_may_not_be_read(void)
{
	NEED_ROOT();
	int fd = started("exit", "32", NULL);
	struct waiting *q = shared(fd);
	ended(fd);
	q->timeout = 20000000;
	in_fork(wait_as_a_stranger, q);
	/* Never an invented status: 0 would be one. */
	CHECK_EQ(q->result, -1);
	CHECK(q->err == ETIMEDOUT || q->err == ENODATA);
	q->flags = PROC_WAIT_NOHANG;
	in_fork(wait_as_a_stranger, q);
	CHECK_EQ(q->result, -1);
	CHECK(q->err == EAGAIN || q->err == ENODATA);
	expect_exit(fd, 32);
	q->flags = 0;
	in_fork(wait_as_a_stranger, q); /* reaped: everybody may know */
	CHECK_EQ(q->result, 0);
	CHECK_EQ(q->w.status, 32);
	drop(q);
	close(fd);
}

static void a_stranger_waits_until_it_is_reaped(void)
{
	NEED_ROOT();
	struct out gate;
	int fd = started("gate", "33", &gate);
	struct waiting *q = shared(fd);
	pid_t other = fork();
	if (other == 0) {
		close(gate.w);
		wait_as_a_stranger(q);
		_exit(0);
	}
	close(gate.w);
	ended(fd);
	expect_exit(fd, 33);
	expect_status(other, 0);
	CHECK_EQ(q->result, 0);
	CHECK_EQ(q->w.status, 33);
	close(gate.r);
	drop(q);
	close(fd);
}

static void stops_are_for_the_parent(void)
{
	struct out gate;
	int fd = started("gate", "41", &gate);
	struct waiting *q = shared(fd);
	q->timeout = 0;
	uint64_t flags[] = { PROC_WAIT_STOPPED, PROC_WAIT_CONTINUED,
			     PROC_WAIT_STOPPED | PROC_WAIT_CONTINUED };
	for (int i = 0; i < 3; i++) {
		q->flags = flags[i];
		in_fork(wait_here, q);
		CHECK_EQ(q->result, -1);
		CHECK_EQ(q->err, ECHILD);
	}
	close(gate.w);
	expect_exit(fd, 41);
	q->flags = PROC_WAIT_STOPPED; /* the end is told to everybody */
	in_fork(wait_here, q);
	CHECK_EQ(q->result, 0);
	CHECK_EQ(q->w.status, 41);
	close(gate.r);
	drop(q);
	close(fd);
}

static void timeouts_and_nohang_elsewhere(void)
{
	int fd = started("pause", NULL, NULL);
	struct waiting *q = shared(fd);
	q->timeout = 20000000;
	long long t = now_ns();
	in_fork(wait_here, q);
	CHECK(now_ns() - t >= 20000000);
	CHECK_EQ(q->result, -1);
	CHECK_EQ(q->err, ETIMEDOUT);
	q->flags = PROC_WAIT_NOHANG;
	q->timeout = 0;
	in_fork(wait_here, q);
	CHECK_EQ(q->err, EAGAIN);
	q->flags = PROC_WAIT_NOHANG | PROC_WAIT_PEEK;
	in_fork(wait_here, q);
	CHECK_EQ(q->err, EAGAIN);
	drop(q);
	finish(fd);
}

static void after_the_creator_has_gone_child(void *arg)
{
	int *sock = arg, fd = ctx();
	set_child(fd, "gate", "51");
	set_dup(fd, sock[2], 0);
	create(fd);
	send_fd(sock[1], fd);
}

static void after_the_creator_has_gone(void)
{
	int s[3];
	socket_pair(s);
	struct out gate = make_pipe();
	s[2] = gate.r;
	pid_t creator = fork();
	if (creator == 0) {
		close(gate.w);
		after_the_creator_has_gone_child(s);
		_exit(0);
	}
	int fd = recv_fd(s[0]);
	expect_status(creator, 0);
	CHECK_EQ(state(fd), PROC_STATE_RUNNING);
	close(gate.w);
	expect_exit(fd, 51); /* reaped by a reaper that is nothing to us */
	CHECK_EQ(state(fd), PROC_STATE_EXITED);
	close(gate.r);
	close(s[0]);
	close(s[1]);
	close(fd);
}

static void *wait_in_thread(void *arg)
{
	wait_here(arg);
	return NULL;
}

static void several_threads_at_once(void)
{
	enum { N = 8 };
	struct out gate;
	struct waiting q[N];
	pthread_t t[N];
	int fd = started("gate", "61", &gate);
	for (int i = 0; i < N; i++) {
		memset(&q[i], 0, sizeof q[i]);
		q[i].fd = fd;
		q[i].timeout = i & 1 ? FOREVER_MS * 1000000ULL : 0;
		CHECK_EQ(pthread_create(&t[i], NULL, wait_in_thread, &q[i]), 0);
	}
	close(gate.w);
	for (int i = 0; i < N; i++) {
		pthread_join(t[i], NULL);
		CHECK_EQ(q[i].result, 0);
		CHECK_EQ(q[i].w.what, PROC_EXITED);
		CHECK_EQ(q[i].w.status, 61);
	}
	close(gate.r);
	close(fd);
}

/* Says once it traces, and takes the status when it is let. */
static void trace(pid_t pid, int said, int let)
{
	char c = ptrace(PTRACE_SEIZE, pid, 0, 0) ? 'n' : 'y';
	siginfo_t si = { 0 };
	if (write(said, &c, 1) != 1 || c == 'n' || read(let, &c, 1) != 1)
		_exit(c == 'n' ? 0 : 1);
	_exit(waitid(P_PID, (id_t)pid, &si, WEXITED | __WALL) || si.si_status != 34);
}

/* ptrace(2): the tracer has the first claim on the status, and its parent none until it has had it. */
static void a_zombie_that_somebody_else_traces(void)
{
	struct out gate, said = make_pipe(), let = make_pipe();
	int fd = started("gate", "34", &gate);
	pid_t pid = process_info(fd, PROC_INFO_PID, 0, NULL, 0), tracer = fork();
	char c;
	if (tracer == 0) {
		close(gate.w);
		trace(pid, said.w, let.r);
	}
	CHECK_EQ(read(said.r, &c, 1), 1);
	if (c != 'y') {
		expect_status(tracer, 0);
		finish(fd);
		SKIP("a sibling may not be traced here");
	}
	close(gate.w);
	ended(fd);
	struct procfd_wait w = { .timeout_ns = 50000000 };
	CHECK_ERR(process_manage(fd, PROC_WAIT, PROC_WAIT_NOHANG, &w, sizeof w), EAGAIN);
	CHECK_ERR(process_manage(fd, PROC_WAIT, 0, &w, sizeof w), ETIMEDOUT);
	struct waiting *q = shared(fd);
	pthread_t t;
	q->timeout = 600 * SECOND; /* more than a case has: what ends the wait is no limit */
	CHECK_EQ(pthread_create(&t, NULL, wait_in_thread, q), 0);
	usleep(10000); /* it may be waiting by now; what follows holds either way */
	CHECK_EQ(write(let.w, "l", 1), 1);
	pthread_join(t, NULL);
	CHECK_EQ(q->result, 0);
	CHECK_EQ(q->w.what, PROC_EXITED);
	CHECK_EQ(q->w.status, 34);
	expect_status(tracer, 0);
	drop(q);
	close(gate.r);
	close(said.r);
	close(said.w);
	close(let.r);
	close(let.w);
	close(fd);
}

static void several_processes_at_once(void)
{
	enum { N = 6 };
	struct out gate;
	struct waiting *q[N];
	pid_t p[N];
	int fd = started("gate", "62", &gate);
	for (int i = 0; i < N; i++) {
		q[i] = shared(fd);
		p[i] = fork();
		if (p[i] == 0) {
			close(gate.w);
			wait_here(q[i]);
			_exit(0);
		}
	}
	close(gate.w);
	expect_exit(fd, 62);
	for (int i = 0; i < N; i++) {
		expect_status(p[i], 0);
		CHECK_EQ(q[i]->result, 0);
		CHECK_EQ(q[i]->w.status, 62);
		drop(q[i]);
	}
	close(gate.r);
	close(fd);
}

static void on_a_pidfd(void)
{
	int fd = started("exit", "71", NULL);
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	expect_exit(pidfd, 71);
	expect_exit(pidfd, 71);
	expect_exit(fd, 71);
	close(pidfd);
	close(fd);
	pid_t pid = fork();
	if (pid == 0)
		_exit(72);
	pidfd = sys_pidfd_open(pid);
	expect_exit(pidfd, 72);
	CHECK_ERR(waitpid(pid, NULL, 0), ECHILD);
	close(pidfd);
}

static void on_a_directory_of_proc(void)
{
	char path[64];
	int fd = started("exit", "73", NULL);
	snprintf(path, sizeof path, "/proc/%d", process_info(fd, PROC_INFO_PID, 0, NULL, 0));
	int dir = open(path, O_DIRECTORY | O_CLOEXEC);
	expect_exit(dir, 73);
	CHECK_ERR(process_manage(dir, PROC_WAIT, 0, NULL, 0), ESRCH); /* it holds no process */
	expect_exit(fd, 73);
	close(dir);
	close(fd);
}

static void not_a_child_at_all(void)
{
	struct procfd_wait w = { .timeout_ns = 5000000 };
	int pidfd = sys_pidfd_open(getpid());
	CHECK_ERR(process_manage(pidfd, PROC_WAIT, 0, &w, sizeof w), ETIMEDOUT);
	CHECK_ERR(process_manage(pidfd, PROC_WAIT, PROC_WAIT_NOHANG, &w, sizeof w), EAGAIN);
	w.timeout_ns = 0;
	CHECK_ERR(process_manage(pidfd, PROC_WAIT, PROC_WAIT_STOPPED, &w, sizeof w), ECHILD);
	close(pidfd);
	pidfd = sys_pidfd_open(getppid());
	CHECK_ERR(process_manage(pidfd, PROC_WAIT, PROC_WAIT_NOHANG, NULL, 0), EAGAIN);
	close(pidfd);
}

TAP_MAIN(CASE(after_the_parent_reaped), CASE(blocked_until_the_end),
	 CASE(a_zombie_of_another_parent), CASE(a_zombie_that_may_not_be_read),
	 CASE(a_stranger_waits_until_it_is_reaped), CASE(stops_are_for_the_parent),
	 CASE(timeouts_and_nohang_elsewhere), CASE(after_the_creator_has_gone),
	 CASE(several_threads_at_once), CASE(a_zombie_that_somebody_else_traces),
	 CASE(several_processes_at_once), CASE(on_a_pidfd),
	 CASE(on_a_directory_of_proc), CASE(not_a_child_at_all))

// SPDX-License-Identifier: MIT OR Apache-2.0
/* PROC_CHANGES: any of many processes starts, stops, continues or ends. */
#include "util.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ptrace.h>

#define SIZE sizeof(struct procfd_change)
#define STOPS (PROC_CHANGE_STOP | PROC_CHANGE_CONTINUE)

static int changes(struct procfd_change *of, size_t n, uint64_t flags, uint64_t timeout_ns)
{
	struct procfd_changes c = { .timeout_ns = timeout_ns, .entries = of, .entry_size = SIZE,
				    .count = n };
	return process_info(-1, PROC_CHANGES, flags, &c, sizeof c);
}

/* Returns how many, and waits not quite forever. */
static int any(struct procfd_change *of, size_t n)
{
	return changes(of, n, 0, FOREVER_MS * 1000000ULL);
}

#define NOTHING(of, n) CHECK_ERR(changes(of, n, PROC_WAIT_NOHANG, 0), EAGAIN)

#define IS(e, c, w, s, err)                                                                    \
	do {                                                                                   \
		CHECK_EQ((e).changed, c);                                                      \
		CHECK_EQ((e).what, w);                                                         \
		CHECK_EQ((e).status, s);                                                       \
		CHECK_EQ((e).error, err);                                                      \
	} while (0)

static int gated(const char *code, int *gate)
{
	struct out o = make_pipe();
	int fd = ctx();
	set_child(fd, "gate", code);
	set_dup(fd, o.r, 0);
	create(fd);
	close(o.r);
	*gate = o.w;
	return fd;
}

static void the_one_that_ends(void)
{
	enum { N = 5 };
	struct procfd_change e[N];
	int gate[N];
	for (int i = 0; i < N; i++) {
		char code[8];
		sprintf(code, "%d", 10 + i);
		e[i] = (struct procfd_change){ .fd = gated(code, &gate[i]), .want = PROC_CHANGE_EXIT };
	}
	NOTHING(e, N);
	CHECK_ERR(changes(e, N, 0, 1000000), ETIMEDOUT);
	close(gate[3]);
	CHECK_EQ(any(e, N), 1);
	for (int i = 0; i < N; i++)
		if (i == 3)
			IS(e[i], PROC_CHANGE_EXIT, PROC_EXITED, 13, 0);
		else
			IS(e[i], 0, 0, 0, 0);
	/* A state, told again; and not reaped. */
	CHECK_EQ(changes(e, N, PROC_WAIT_NOHANG, 0), 1);
	expect_exit(e[3].fd, 13);
	CHECK_EQ(changes(e, N, PROC_WAIT_NOHANG, 0), 1);
	IS(e[3], PROC_CHANGE_EXIT, PROC_EXITED, 13, 0);
	/* No longer wanted. */
	e[3].want = 0;
	NOTHING(e, N);
	e[3].want = PROC_CHANGE_EXIT;
	close(e[3].fd);
	e[3].fd = -1;
	NOTHING(e, N);
	CHECK_EQ(process_manage(e[0].fd, PROC_SIGNAL, SIGTERM, NULL, 0), 0);
	CHECK_EQ(any(e, N), 1);
	IS(e[0], PROC_CHANGE_EXIT, PROC_KILLED, SIGTERM, 0);
	for (int i = 0; i < N; i++) {
		if (e[i].fd < 0)
			continue;
		close(gate[i]);
		wait_end(e[i].fd);
		close(e[i].fd);
	}
}

struct later {
	int fd;
};

static void *start_later(void *arg)
{
	struct later *l = arg;
	usleep(20000);
	create(l->fd);
	return NULL;
}

static void starts(void)
{
	struct later l = { .fd = ctx() };
	set_child(l.fd, "exit", "7");
	struct procfd_change e[2] = { { .fd = l.fd, .want = PROC_CHANGE_START | PROC_CHANGE_EXIT },
				      { .fd = ctx(), .want = PROC_CHANGE_START } };
	NOTHING(e, 2);
	pthread_t t;
	CHECK_EQ(pthread_create(&t, NULL, start_later, &l), 0);
	CHECK_EQ(any(e, 2), 1);
	pthread_join(t, NULL);
	CHECK(e[0].changed & PROC_CHANGE_START);
	IS(e[1], 0, 0, 0, 0);
	/* A start that has been seen is not wanted any more. */
	e[0].want = PROC_CHANGE_EXIT;
	CHECK_EQ(any(e, 2), 1);
	IS(e[0], PROC_CHANGE_EXIT, PROC_EXITED, 7, 0);
	/* What has ended had been started. */
	e[0].want |= PROC_CHANGE_START;
	CHECK_EQ(any(e, 2), 1);
	IS(e[0], PROC_CHANGE_START | PROC_CHANGE_EXIT, PROC_EXITED, 7, 0);
	e[0].want = PROC_CHANGE_START;
	CHECK_EQ(any(e, 2), 1);
	IS(e[0], PROC_CHANGE_START, 0, 0, 0);
	wait_end(l.fd);
	close(e[0].fd);
	close(e[1].fd);
}

/* Only the end is wanted, and the process does not exist yet. */
static void the_end_of_what_has_not_started(void)
{
	struct later l = { .fd = ctx() };
	set_child(l.fd, "exit", "8");
	struct procfd_change e = { .fd = l.fd, .want = PROC_CHANGE_EXIT };
	pthread_t t;
	CHECK_EQ(pthread_create(&t, NULL, start_later, &l), 0);
	CHECK_EQ(any(&e, 1), 1);
	pthread_join(t, NULL);
	IS(e, PROC_CHANGE_EXIT, PROC_EXITED, 8, 0);
	wait_end(l.fd);
	close(l.fd);
}

static void open_and_pass(void *arg)
{
	int fd = ctx();
	send_fd(*(int *)arg, fd);
}

/* The opener has ended, and no other process can start it. */
static void what_will_never_start(void)
{
	int s[2];
	socket_pair(s);
	pid_t opener = fork_run(open_and_pass, &s[1]);
	int fd = recv_fd(s[0]);
	struct procfd_change e = { .fd = fd, .want = PROC_CHANGE_START };
	CHECK_EQ(any(&e, 1), 1);
	IS(e, 0, 0, 0, ESRCH);
	expect_status(opener, 0);
	close(fd);
	close(s[0]);
	close(s[1]);
}

static int can_wait_for_stops(int fd)
{
	struct procfd_change e = { .fd = fd, .want = STOPS };
	/* Long enough that the ring has answered, in the emulation too. */
	return !(changes(&e, 1, 0, 30000000ULL * tap_factor) < 0 && errno == EOPNOTSUPP);
}

static void stops_and_continuations(void)
{
	struct procfd_change e[3];
	int gate[3];
	for (int i = 0; i < 3; i++)
		e[i] = (struct procfd_change){ .fd = gated("0", &gate[i]),
					       .want = STOPS | PROC_CHANGE_EXIT };
	if (!can_wait_for_stops(e[0].fd)) {
		for (int i = 0; i < 3; i++)
			finish(e[i].fd);
		SKIP("no waitid of io_uring");
	}
	for (int round = 0; round < 3; round++) {
		struct procfd_change *one = &e[round];
		CHECK_ERR(changes(e, 3, 0, 1000000), ETIMEDOUT);
		CHECK_EQ(process_manage(one->fd, PROC_SIGNAL, SIGSTOP, NULL, 0), 0);
		/* A peek leaves it. */
		for (int i = 0; i < 2; i++) {
			CHECK_EQ(changes(e, 3, PROC_WAIT_PEEK, FOREVER_MS * 1000000ULL), 1);
			IS(*one, PROC_CHANGE_STOP, PROC_STOPPED, SIGSTOP, 0);
		}
		CHECK_EQ(any(e, 3), 1);
		IS(*one, PROC_CHANGE_STOP, PROC_STOPPED, SIGSTOP, 0);
		NOTHING(e, 3); /* told once */
		CHECK_EQ(process_manage(one->fd, PROC_SIGNAL, SIGCONT, NULL, 0), 0);
		CHECK_EQ(any(e, 3), 1);
		IS(*one, PROC_CHANGE_CONTINUE, PROC_CONTINUED, 0, 0);
		NOTHING(e, 3);
	}
	/* Of two kinds only the one that is wanted. */
	e[0].want = PROC_CHANGE_CONTINUE;
	CHECK_EQ(process_manage(e[0].fd, PROC_SIGNAL, SIGSTOP, NULL, 0), 0);
	/* SIGCONT takes back a stop that has not come. */
	struct procfd_wait stop = { 0 };
	CHECK_EQ(process_manage(e[0].fd, PROC_WAIT, PROC_WAIT_STOPPED | PROC_WAIT_PEEK, &stop, sizeof stop), 0);
	CHECK_ERR(changes(e, 3, 0, 5000000), ETIMEDOUT);
	CHECK_EQ(process_manage(e[0].fd, PROC_SIGNAL, SIGCONT, NULL, 0), 0);
	CHECK_EQ(any(e, 3), 1);
	IS(e[0], PROC_CHANGE_CONTINUE, PROC_CONTINUED, 0, 0);
	/* The end is told to who wants stops: none will come. */
	close(gate[0]);
	CHECK_EQ(any(e, 3), 1);
	IS(e[0], PROC_CHANGE_EXIT, PROC_EXITED, 0, 0);
	for (int i = 0; i < 3; i++) {
		if (i)
			close(gate[i]);
		wait_end(e[i].fd);
		close(e[i].fd);
	}
}

struct stopper {
	int fd, sig;
	pthread_t waiter;
};

static void *signal_later(void *arg)
{
	struct stopper *s = arg;
	usleep(20000);
	CHECK_EQ(process_manage(s->fd, PROC_SIGNAL, (uint64_t)s->sig, NULL, 0), 0);
	return NULL;
}

/* While the call sleeps, and without a limit. */
static void a_stop_wakes(void)
{
	int gate[2];
	struct procfd_change e[3] = { { .fd = gated("0", &gate[0]), .want = STOPS },
				      { .fd = gated("0", &gate[1]), .want = PROC_CHANGE_EXIT },
				      { .fd = ctx(), .want = PROC_CHANGE_START } };
	if (!can_wait_for_stops(e[0].fd)) {
		finish(e[0].fd);
		finish(e[1].fd);
		SKIP("no waitid of io_uring");
	}
	static const struct {
		int sig;
		uint32_t changed, what;
		int status;
	} steps[] = { { SIGTSTP, PROC_CHANGE_STOP, PROC_STOPPED, SIGTSTP },
		      { SIGCONT, PROC_CHANGE_CONTINUE, PROC_CONTINUED, 0 },
		      { SIGSTOP, PROC_CHANGE_STOP, PROC_STOPPED, SIGSTOP },
		      { SIGKILL, PROC_CHANGE_EXIT, PROC_KILLED, SIGKILL } };
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		struct stopper s = { .fd = e[0].fd, .sig = steps[i].sig };
		pthread_t t;
		CHECK_EQ(pthread_create(&t, NULL, signal_later, &s), 0);
		CHECK_EQ(changes(e, 3, 0, i % 2 ? 0 : FOREVER_MS * 1000000ULL), 1);
		pthread_join(t, NULL);
		IS(e[0], steps[i].changed, steps[i].what, steps[i].status, 0);
	}
	wait_end(e[0].fd);
	close(gate[0]);
	close(gate[1]);
	wait_end(e[1].fd);
	for (int i = 0; i < 3; i++)
		close(e[i].fd);
}

/* A program with stops wanted of more than one submission's worth. */
static void stops_of_many(void)
{
	enum { N = 300 };
	static struct procfd_change e[N];
	pid_t pid[N];
	int p[2];
	CHECK_EQ(pipe(p), 0);
	for (int i = 0; i < N; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		if (pid[i] == 0) {
			char c;
			close(p[1]);
			_exit(read(p[0], &c, 1) == 0 ? 3 : 4);
		}
		e[i] = (struct procfd_change){ .fd = sys_pidfd_open(pid[i]),
					       .want = STOPS | PROC_CHANGE_EXIT };
		CHECK(e[i].fd >= 0);
	}
	int able = can_wait_for_stops(e[0].fd);
	static const int which[] = { 299, 0, 255, 256, 257, 100 };
	for (size_t i = 0; able && i < sizeof which / sizeof *which; i++) {
		struct stopper s = { .fd = e[which[i]].fd, .sig = SIGSTOP };
		pthread_t t;
		CHECK_EQ(pthread_create(&t, NULL, signal_later, &s), 0);
		CHECK_EQ(any(e, N), 1);
		pthread_join(t, NULL);
		IS(e[which[i]], PROC_CHANGE_STOP, PROC_STOPPED, SIGSTOP, 0);
		kill(pid[which[i]], SIGCONT);
		CHECK_EQ(any(e, N), 1);
		IS(e[which[i]], PROC_CHANGE_CONTINUE, PROC_CONTINUED, 0, 0);
	}
	/* Where stops are EOPNOTSUPP, so is a wait for them and ends, unless one has ended before. */
	for (int i = 0; !able && i < N; i++)
		e[i].want = PROC_CHANGE_EXIT;
	close(p[1]);
	for (int left = N, told; left > 0; left -= told) {
		told = any(e, N);
		CHECK(told > 0);
		for (int i = 0; i < N; i++) {
			if (!e[i].changed)
				continue;
			IS(e[i], PROC_CHANGE_EXIT, PROC_EXITED, 3, 0);
			close(e[i].fd);
			e[i].fd = -1;
			CHECK_EQ(waitpid(pid[i], NULL, 0), pid[i]);
		}
	}
	close(p[0]);
	if (!able)
		SKIP("no waitid of io_uring");
}

static void refuse(int number)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = 4, .filter = code };
	CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog), 0);
}

static void without_io_uring_child(void *arg)
{
	(void)arg;
	refuse(SYS_io_uring_setup);
	int gate;
	struct procfd_change e = { .fd = gated("0", &gate), .want = STOPS };
	CHECK_ERR(changes(&e, 1, 0, 1000000), EOPNOTSUPP);
	CHECK_ERR(changes(&e, 1, 0, 0), EOPNOTSUPP);
	NOTHING(&e, 1);
	e.want = PROC_CHANGE_EXIT;
	CHECK_ERR(changes(&e, 1, 0, 1000000), ETIMEDOUT);
	finish(e.fd);
	close(gate);
}

static void without_io_uring(void)
{
	in_fork(without_io_uring_child, NULL);
}

/* What holders other than the parent are told. */
static void as_another(void *arg)
{
	struct procfd_change e = *(struct procfd_change *)arg;
	CHECK_EQ(any(&e, 1), 1);
	*(struct procfd_change *)arg = e;
}

static struct procfd_change *shared(int fd, uint32_t want)
{
	struct procfd_change *e =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(e != MAP_FAILED);
	*e = (struct procfd_change){ .fd = fd, .want = want };
	return e;
}

static void other_holders(void)
{
	int gate, fd = gated("21", &gate);
	struct procfd_change *e = shared(fd, PROC_CHANGE_EXIT);
	pid_t other = fork();
	if (other == 0) {
		close(gate);
		as_another(e);
		_exit(0);
	}
	close(gate);
	expect_status(other, 0);
	/* A zombie whose status its own user may read. */
	IS(*e, PROC_CHANGE_EXIT, PROC_EXITED, 21, 0);
	expect_exit(fd, 21);
	*e = (struct procfd_change){ .fd = fd, .want = PROC_CHANGE_EXIT };
	in_fork(as_another, e);
	CHECK_EQ(e->changed, PROC_CHANGE_EXIT);
	CHECK(e->error == 0 || e->error == ENODATA); /* 6.15 */
	if (!e->error)
		IS(*e, PROC_CHANGE_EXIT, PROC_EXITED, 21, 0);
	munmap(e, 4096);
	close(fd);
}

static void stops_of_anothers_child(void)
{
	struct procfd_change e[2] = { { .fd = sys_pidfd_open(getppid()), .want = STOPS },
				      { .fd = sys_pidfd_open(getpid()), .want = PROC_CHANGE_EXIT } };
	CHECK_EQ(any(e, 2), 1);
	IS(e[0], 0, 0, 0, ECHILD);
	IS(e[1], 0, 0, 0, 0);
	close(e[0].fd);
	close(e[1].fd);
}

static void as_a_stranger(void *arg)
{
	CHECK_EQ(setresgid(4321, 4321, 4321), 0);
	CHECK_EQ(setresuid(4321, 4321, 4321), 0);
	as_another(arg);
}

/* That it has ended is told at once; how is not invented. */
static void a_zombie_that_may_not_be_read(void)
{
	NEED_ROOT();
	int gate, fd = gated("33", &gate);
	struct procfd_change *e = shared(fd, PROC_CHANGE_EXIT);
	close(gate);
	in_fork(as_a_stranger, e);
	CHECK_EQ(e->changed, PROC_CHANGE_EXIT);
	CHECK_EQ(e->what, 0);
	CHECK_EQ(e->status, 0);
	CHECK(e->error == EAGAIN || e->error == ENODATA);
	expect_exit(fd, 33);
	munmap(e, 4096);
	close(fd);
}

/* The tracer of another process has its end first. */
static void a_traced_child(void)
{
	int gate, fd = gated("34", &gate);
	pid_t pid = process_info(fd, PROC_INFO_PID, 0, NULL, 0);
	struct out seized = make_pipe(), let = make_pipe();
	pid_t tracer = fork();
	if (tracer == 0) {
		close(gate);
		close(let.w);
		char c = (char)(ptrace(PTRACE_SEIZE, pid, 0, 0) == 0);
		CHECK_EQ(write(seized.w, &c, 1), 1);
		CHECK_EQ(read(let.r, &c, 1), 0);
		_exit(0);
	}
	char c;
	CHECK_EQ(read(seized.r, &c, 1), 1);
	close(gate);
	if (c) {
		struct procfd_change e = { .fd = fd, .want = PROC_CHANGE_EXIT };
		CHECK_EQ(any(&e, 1), 1);
		IS(e, PROC_CHANGE_EXIT, 0, 0, EAGAIN);
	}
	close(let.w);
	expect_status(tracer, 0);
	expect_exit(fd, 34);
	close(let.r);
	close(seized.r);
	close(seized.w);
	close(fd);
	if (!c)
		SKIP("may not trace");
}

static void other_descriptors(void)
{
	char path[64];
	int gate, fd = gated("41", &gate);
	pid_t pid = process_info(fd, PROC_INFO_PID, 0, NULL, 0);
	snprintf(path, sizeof path, "/proc/%d", pid);
	struct procfd_change e[4] = {
		{ .fd = fd, .want = PROC_CHANGE_EXIT },
		{ .fd = sys_pidfd_open(pid), .want = PROC_CHANGE_EXIT },
		{ .fd = open(path, O_DIRECTORY | O_CLOEXEC), .want = PROC_CHANGE_EXIT },
		{ .fd = open(path, O_PATH | O_CLOEXEC), .want = PROC_CHANGE_START },
	};
	CHECK_EQ(any(e, 4), 1);
	IS(e[3], PROC_CHANGE_START, 0, 0, 0);
	NOTHING(e, 3);
	close(gate);
	for (int told = 0; told < 3;) {
		told = any(e, 3);
		CHECK(told > 0);
	}
	for (int i = 0; i < 3; i++)
		IS(e[i], PROC_CHANGE_EXIT, PROC_EXITED, 41, 0);
	expect_exit(fd, 41);
	/* The directory of what is reaped knows nothing more, but that. */
	e[2].want |= PROC_CHANGE_START;
	CHECK_EQ(any(&e[2], 1), 1);
	IS(e[2], PROC_CHANGE_START | PROC_CHANGE_EXIT, 0, 0, ESRCH);
	for (int i = 0; i < 4; i++)
		close(e[i].fd);
}

static void no_processes(void)
{
	struct out o = make_pipe();
	int gate, file = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	struct procfd_change e[4] = { { .fd = o.r, .want = PROC_CHANGE_EXIT },
				      { .fd = file, .want = PROC_CHANGE_START },
				      { .fd = 1000000, .want = STOPS },
				      { .fd = gated("0", &gate), .want = PROC_CHANGE_EXIT } };
	CHECK_EQ(any(e, 4), 3);
	IS(e[0], 0, 0, 0, EINVAL);
	IS(e[1], 0, 0, 0, EINVAL);
	IS(e[2], 0, 0, 0, EBADF);
	IS(e[3], 0, 0, 0, 0);
	close(o.r);
	close(o.w);
	close(file);
	finish(e[3].fd);
	close(gate);
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void *interrupt_later(void *arg)
{
	struct stopper *s = arg;
	usleep(20000);
	/* Until it is inside the call: a handler that ran before would interrupt nothing. */
	while (pthread_kill(s->waiter, SIGUSR1) == 0 && !__atomic_load_n(&s->sig, __ATOMIC_SEQ_CST))
		usleep(5000);
	return NULL;
}

static void a_signal_handler_interrupts(void)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	int gate;
	struct procfd_change e = { .fd = gated("0", &gate), .want = PROC_CHANGE_EXIT };
	for (int i = 0; i < 2; i++) {
		struct stopper s = { .waiter = pthread_self() };
		pthread_t t;
		if (i && !can_wait_for_stops(e.fd))
			break;
		CHECK_EQ(pthread_create(&t, NULL, interrupt_later, &s), 0);
		CHECK_ERR(changes(&e, 1, 0, FOREVER_MS * 1000000ULL), EINTR);
		__atomic_store_n(&s.sig, 1, __ATOMIC_SEQ_CST);
		pthread_join(t, NULL);
		e.want |= STOPS;
	}
	finish(e.fd);
	close(gate);
}

/* A handler of the very change: the change goes before EINTR. */
static void its_own_sigchld(void)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	CHECK_EQ(sigaction(SIGCHLD, &sa, NULL), 0);
	int gate;
	struct procfd_change e = { .fd = gated("5", &gate), .want = STOPS | PROC_CHANGE_EXIT };
	if (!can_wait_for_stops(e.fd))
		e.want = PROC_CHANGE_EXIT;
	struct stopper s = { .fd = e.fd, .sig = SIGSTOP };
	pthread_t t;
	if (e.want & STOPS) {
		CHECK_EQ(pthread_create(&t, NULL, signal_later, &s), 0);
		CHECK_EQ(any(&e, 1), 1);
		pthread_join(t, NULL);
		IS(e, PROC_CHANGE_STOP, PROC_STOPPED, SIGSTOP, 0);
	}
	s.sig = SIGKILL;
	CHECK_EQ(pthread_create(&t, NULL, signal_later, &s), 0);
	CHECK_EQ(any(&e, 1), 1);
	pthread_join(t, NULL);
	IS(e, PROC_CHANGE_EXIT, PROC_KILLED, SIGKILL, 0);
	signal(SIGCHLD, SIG_DFL);
	wait_end(e.fd);
	close(e.fd);
	close(gate);
}

static void arguments(void)
{
	int gate, fd = gated("0", &gate);
	struct procfd_change e[2] = { { .fd = fd, .want = PROC_CHANGE_START } };
	struct procfd_changes c = { .entries = e, .entry_size = SIZE, .count = 1 };
	struct procfd_change none = { .fd = -1, .want = PROC_CHANGE_EXIT };
	CHECK_ERR(changes(&none, 1, 0, 1000000), ETIMEDOUT);
	CHECK_ERR(changes(NULL, 0, PROC_WAIT_NOHANG, 0), EAGAIN);
	CHECK_EQ(process_info(-1, PROC_CHANGES, 0, &c, sizeof c), 1);
	CHECK_ERR(process_info(fd, PROC_CHANGES, 0, &c, sizeof c), EINVAL);
	CHECK_ERR(process_info(-1, PROC_CHANGES, PROC_WAIT_STOPPED, &c, sizeof c), EINVAL);
	CHECK_ERR(process_info(-1, PROC_CHANGES, 0, NULL, 0), EFAULT);
	CHECK_ERR(process_info(-1, PROC_CHANGES, 0, &c, 16), EINVAL);
	e[0].want = 0x10;
	CHECK_ERR(process_info(-1, PROC_CHANGES, 0, &c, sizeof c), EINVAL);
	e[0].want = PROC_CHANGE_START;
	c.entries = NULL;
	CHECK_ERR(process_info(-1, PROC_CHANGES, 0, &c, sizeof c), EFAULT);
	c.entries = e;
	c.entry_size = 12;
	CHECK_ERR(process_info(-1, PROC_CHANGES, 0, &c, sizeof c), EINVAL);
	c.entry_size = 8;
	CHECK_ERR(process_info(-1, PROC_CHANGES, 0, &c, sizeof c), EINVAL);
	c.entry_size = SIZE;
	c.count = 1ULL << 40;
	CHECK_ERR(process_info(-1, PROC_CHANGES, 0, &c, sizeof c), E2BIG);
	c = (struct procfd_changes){ .entries = e, .entry_size = SIZE, .count = 1 };
	/* By ioctl an open /proc is the descriptor of what has none. */
	struct procfd_ioctl_arg by_ioctl = { .data = &c, .size = sizeof c };
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK_EQ(procfd_ioctl(proc, PROCFD_IOC_DATA + PROC_CHANGES, &by_ioctl), 1);
	close(proc);
	/* Shorter entries get what there is room for; longer ones zeroes. */
	struct { int32_t fd; uint32_t want, changed, what; } brief = { fd, PROC_CHANGE_START, 9, 9 };
	c = (struct procfd_changes){ .entries = &brief, .entry_size = sizeof brief, .count = 1 };
	CHECK_EQ(process_info(-1, PROC_CHANGES, 0, &c, sizeof c), 1);
	CHECK_EQ(brief.changed, PROC_CHANGE_START);
	CHECK_EQ(brief.what, 0);
	c = (struct procfd_changes){ .entries = e, .entry_size = 2 * SIZE, .count = 1 };
	memset(&e[1], 0, sizeof e[1]);
	CHECK_EQ(process_info(-1, PROC_CHANGES, 0, &c, sizeof c), 1);
	e[1].fd = 1;
	CHECK_ERR(process_info(-1, PROC_CHANGES, 0, &c, sizeof c), E2BIG);
	finish(fd);
	close(gate);
}

/* As many as a process may have descriptors, nearly. */
static void a_thousand(void)
{
	enum { N = 900 };
	static struct procfd_change e[N];
	int gate, fd = gated("0", &gate);
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0), top = 0;
	for (int i = 0; i < N; i++) {
		e[i] = (struct procfd_change){ .fd = dup(i % 2 ? fd : pidfd), .want = PROC_CHANGE_EXIT };
		if (e[i].fd < 0)
			break;
		top = i + 1;
	}
	CHECK(top > 100);
	NOTHING(e, (size_t)top);
	close(gate);
	for (int told = 0; told < top;) {
		told = any(e, (size_t)top);
		CHECK(told > 0);
	}
	for (int i = 0; i < top; i++) {
		IS(e[i], PROC_CHANGE_EXIT, PROC_EXITED, 0, 0);
		close(e[i].fd);
	}
	wait_end(fd);
	close(pidfd);
	close(fd);
}

TAP_MAIN(CASE(the_one_that_ends), CASE(starts), CASE(the_end_of_what_has_not_started),
	 CASE(what_will_never_start), CASE(stops_and_continuations), CASE(a_stop_wakes),
	 CASE(stops_of_many), CASE(without_io_uring), CASE(other_holders),
	 CASE(stops_of_anothers_child), CASE(a_zombie_that_may_not_be_read), CASE(a_traced_child),
	 CASE(other_descriptors), CASE(no_processes), CASE(a_signal_handler_interrupts),
	 CASE(its_own_sigchld), CASE(arguments), CASE(a_thousand))

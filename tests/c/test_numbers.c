/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The program closes the library's own descriptor numbers, as closefrom(3) and stray closes do, and has descriptors
 * of its own there: none of them is written to, read, closed or hidden, and everything starts again. */
#include "util.h"

#include <netinet/in.h>
#include <sys/stat.h>

#define MOST 64

enum state { FRESH, USED, OPEN, RUNS, ENDED, INIT_USED, STATES };
static const char *const state_names[] = { "nothing", "a finished use", "an open context", "a running process",
					   "an ended process", "a use of the built-in init" };
enum kind { FILES, PIPES, TCP, UNIX, PROCESSES, KINDS };
static const char *const kind_names[] = { "file", "pipe", "TCP socket", "Unix socket", "pidfd" };

/* The numbers above 2 that are open. */
static int open_numbers(int *to)
{
	int n = 0;
	for (int fd = 3; fd < 512; fd++)
		if (fcntl(fd, F_GETFD) >= 0 && n < MOST)
			to[n++] = fd;
	return n;
}

static int has(const int *numbers, int n, int fd)
{
	for (int i = 0; i < n; i++)
		if (numbers[i] == fd)
			return 1;
	return 0;
}

/* One descriptor of the program's own, and how to see whether it was touched. */
struct own {
	int fd, peer, child;
	ino_t ino;
	dev_t dev;
};

static void tcp_pair(int to[2])
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;
	int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(l >= 0);
	CHECK_EQ(bind(l, (struct sockaddr *)&a, sizeof a), 0);
	CHECK_EQ(listen(l, 1), 0);
	CHECK_EQ(getsockname(l, (struct sockaddr *)&a, &len), 0);
	to[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK_EQ(connect(to[0], (struct sockaddr *)&a, sizeof a), 0);
	to[1] = accept4(l, NULL, NULL, SOCK_CLOEXEC);
	CHECK(to[1] >= 0);
	close(l);
}

static int moved(int fd, int least)
{
	int to = fcntl(fd, F_DUPFD_CLOEXEC, least);
	CHECK(to >= 0);
	close(fd);
	return to;
}

static struct own put(int number, enum kind kind)
{
	struct own own = { .fd = number, .peer = -1 };
	int p[2] = { -1, -1 };
	struct stat st;
	switch (kind) {
	case FILES:
		p[0] = memfd_create("own", MFD_CLOEXEC);
		CHECK_EQ(write(p[0], "own", 3), 3);
		break;
	case PIPES:
		CHECK_EQ(pipe2(p, O_CLOEXEC), 0);
		p[0] = moved(p[0], 600);
		p[1] = moved(p[1], 600);
		number = p[0], p[0] = p[1], p[1] = number; /* the writing end */
		break;
	case TCP:
		tcp_pair(p);
		break;
	case PROCESSES:
		own.child = fork();
		CHECK(own.child >= 0);
		if (own.child == 0) {
			alarm(CHILD_LIFE);
			syscall(SYS_close_range, 3u, ~0u, 0u); /* a procfd, for one, which would stay open */
			for (;;)
				pause();
		}
		p[0] = sys_pidfd_open(own.child);
		break;
	default:
		CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p), 0);
	}
	p[0] = moved(p[0], 600);
	if (p[1] >= 0)
		own.peer = moved(p[1], 600);
	CHECK_EQ(dup3(p[0], own.fd, O_CLOEXEC), own.fd);
	close(p[0]);
	CHECK_EQ(fstat(own.fd, &st), 0);
	own.ino = st.st_ino;
	own.dev = st.st_dev;
	return own;
}

static void untouched(struct own *own)
{
	struct stat st;
	CHECK_EQ(fstat(own->fd, &st), 0);
	CHECK(st.st_ino == own->ino && st.st_dev == own->dev);
	if (own->child) {
		/* No signal has reached it. */
		CHECK_EQ(waitpid(own->child, NULL, WNOHANG), 0);
		return;
	}
	if (own->peer < 0) {
		CHECK_EQ(st.st_size, 3);
		CHECK_EQ(lseek(own->fd, 0, SEEK_CUR), 3);
		return;
	}
	struct pollfd p = { .fd = own->peer, .events = POLLIN };
	CHECK_EQ(poll(&p, 1, 0), 0); /* no byte, no descriptor, no end */
}

static void gone(struct own *own)
{
	if (own->child) {
		kill(own->child, SIGKILL);
		CHECK_EQ(waitpid(own->child, NULL, 0), own->child);
	}
	close(own->fd);
	if (own->peer >= 0)
		close(own->peer);
}

static uint64_t flags;

static int use(int init)
{
	int fd = ctx_flags(flags);
	set_child(fd, "exit", "7");
	if (init) {
		SET(fd, PROC_SET_FLAG, CLONE_NEWPID | (geteuid() ? CLONE_NEWUSER : 0));
		SET(fd, PROC_SET_INIT, 1);
	}
	create(fd);
	expect_exit(fd, 7);
	return fd;
}

/* Whether a close policy still kills: the process ends when its procfd is closed. */
static void kills(void)
{
	int fd = ctx_flags(flags);
	struct out o = set_output(fd);
	set_child(fd, "ready");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	create(fd);
	close(o.w);
	read_ready(o.r);
	close(fd);
	CHECK_EQ(strlen(slurp(o.r)), 0);
	close(o.r);
}

/* Whether each own descriptor can be given to a child. */
static void given(const struct own *own)
{
	int fd = ctx_flags(flags);
	set_child(fd, "exit", "3");
	set_dup(fd, own->fd, 9);
	create(fd);
	expect_exit(fd, 3);
	close(fd);
}

/* In a process of its own: brings the library into a state, closes its numbers (all, or the one at `which`), puts
 * own descriptors there, uses the library. Returns how many numbers there were. */
static int attack(enum state at, enum kind kind, int which)
{
	int before[MOST], after[MOST], n_before = open_numbers(before), held = -1;
	if (at == OPEN)
		held = ctx_flags(flags);
	else if (at == USED)
		close(use(0));
	else if (at == INIT_USED)
		close(use(1));
	else if (at == ENDED)
		held = use(0);
	else if (at == RUNS) {
		held = ctx_flags(flags);
		set_child(held, "pause");
		SET(held, PROC_SET_CLOSE, SIGKILL);
		create(held);
	}
	int pid = at == RUNS ? process_info(held, PROC_INFO_PID, 0, NULL, 0) : -1;
	int n_after = open_numbers(after), n = 0, numbers[MOST];
	for (int i = 0; i < n_after; i++)
		if (!has(before, n_before, after[i]) && after[i] != held)
			numbers[n++] = after[i];
	struct own own[MOST];
	int put_at = 0;
	for (int i = 0; i < n; i++)
		if (which < 0 || which == i) {
			close(numbers[i]);
			own[put_at++] = put(numbers[i], kind);
		}
	for (int i = 0; i < 3; i++)
		close(use(0));
	if (at == INIT_USED)
		close(use(1));
	kills();
	for (int i = 0; i < put_at; i++)
		given(&own[i]);
	if (at == OPEN) {
		/* It starts, or says why not. */
		set_child(held, "exit", "4");
		int r = process_config(held, PROC_CREATE, 0, NULL, 0), e = errno;
		if (r > 0)
			expect_exit(held, 4);
		else {
			CHECK_EQ(e, EBADF);
			CHECK(strstr(last_error(held).message, "closed"));
		}
	}
	if (at == RUNS) {
		CHECK_EQ(state(held), PROC_STATE_RUNNING);
		CHECK_EQ(process_info(held, PROC_INFO_PID, 0, NULL, 0), pid);
		CHECK_EQ(process_manage(held, PROC_SIGNAL, SIGSTOP, NULL, 0), 0);
		CHECK_EQ(process_manage(held, PROC_SIGNAL, SIGCONT, NULL, 0), 0);
		int pidfd = sys_pidfd_open(pid);
		close(held);
		held = -1;
		struct pollfd p = { .fd = pidfd, .events = POLLIN };
		CHECK_EQ(poll(&p, 1, FOREVER_MS), 1);
		close(pidfd);
	}
	if (held >= 0)
		close(held);
	/* The forked copy closes what is the library's, and nothing else. */
	int copy = fork();
	CHECK(copy >= 0);
	if (copy == 0) {
		for (int i = 0; i < put_at; i++)
			if (fcntl(own[i].fd, F_GETFD) < 0)
				_exit(1);
		close(use(0));
		_exit(0);
	}
	int status;
	CHECK_EQ(waitpid(copy, &status, 0), copy);
	CHECK_EQ(status, 0);
	for (int i = 0; i < 20; i++)
		close(ctx_flags(flags));
	for (int i = 0; i < put_at; i++)
		untouched(&own[i]);
	for (int i = 0; i < put_at; i++)
		gone(&own[i]);
	return n;
}

/* The exit status of a copy of this process. */
static int apart(int (*run)(enum state, enum kind, int), enum state at, enum kind kind, int which)
{
	int pid = fork(), status;
	CHECK(pid >= 0);
	if (pid == 0) {
		alarm(CHILD_LIFE);
		_exit(run(at, kind, which));
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) >= MOST)
		FAIL("%s, %s at number %d: status %x", state_names[at], kind_names[kind], which, status);
	return WEXITSTATUS(status);
}

static void all_at_once_and_one_by_one(void)
{
	for (int at = FRESH; at < STATES; at++)
		for (int kind = 0; kind < KINDS; kind++) {
			int n = apart(attack, at, kind, -1);
			for (int which = 0; which < n; which++)
				apart(attack, at, kind, which);
		}
}

static void with_the_watcher(void)
{
	flags = 0;
	all_at_once_and_one_by_one();
}

static void without(void)
{
	flags = PROCFD_NO_WATCH;
	all_at_once_and_one_by_one();
}

/* Standard streams that are closed at the first use, and opened after. */
static int late_streams(enum state at, enum kind kind, int which)
{
	(void)at, (void)kind, (void)which;
	flags = 0;
	int err = fcntl(2, F_DUPFD_CLOEXEC, 500);
	for (int i = 0; i < 3; i++)
		close(i);
	close(use(0));
	int held = ctx();
	for (int i = 0; i < 3; i++)
		if (fcntl(i, F_GETFD) >= 0)
			return 1;
	int null = open("/dev/null", O_RDWR);
	for (int i = 0; i < 3; i++)
		dup2(null, i);
	dup2(err, 2);
	for (int i = 0; i < 3; i++)
		close(use(0));
	kills();
	set_child(held, "exit", "5");
	create(held);
	expect_exit(held, 5);
	return 0;
}

static void streams_that_are_closed_at_the_first_use(void)
{
	CHECK_EQ(apart(late_streams, FRESH, FILES, -1), 0);
}

static atomic_int forks;

static void fork_in_handler(int sig)
{
	int e = errno, pid = fork();
	(void)sig;
	if (pid == 0)
		_exit(0);
	if (pid > 0) {
		waitpid(pid, NULL, 0);
		forks++;
	}
	errno = e;
}

/* A signal handler that forks interrupts the library at any place. */
static void a_fork_in_a_signal_handler(void)
{
	struct sigaction old, act = { .sa_handler = fork_in_handler, .sa_flags = SA_RESTART };
	CHECK_EQ(sigaction(SIGALRM, &act, &old), 0);
	struct itimerval every = { .it_interval.tv_usec = 300, .it_value.tv_usec = 300 }, never = { 0 };
	flags = PROCFD_NO_WATCH;
	CHECK_EQ(setitimer(ITIMER_REAL, &every, NULL), 0);
	for (int i = 0; i < 20000 && forks < 300; i++) {
		int fd = process_open(flags);
		CHECK(fd >= 0);
		close(fd);
	}
	CHECK_EQ(setitimer(ITIMER_REAL, &never, NULL), 0);
	CHECK_EQ(sigaction(SIGALRM, &old, NULL), 0);
	CHECK(forks > 10);
}

TAP_MAIN(COLD(with_the_watcher), COLD(without), COLD(streams_that_are_closed_at_the_first_use),
	 COLD(a_fork_in_a_signal_handler))

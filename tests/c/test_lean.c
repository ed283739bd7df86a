/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* PROCFD_PIDFD: the descriptor keeps its number, and becomes the pidfd of the process at the start. */
#include "autokill.h"
#include "filter.h"

#include <sys/stat.h>

static int lean(void)
{
	return ctx_flags(PROCFD_PIDFD);
}

/* How many descriptors there are, once the library has let go of contexts of before. */
static int settled(void)
{
	for (int i = 0; i < 3; i++)
		close(lean());
	return tap_fds(NULL, 0);
}

/* The kernel's own word for what a number is. */
static int is_pidfd_of(int fd, pid_t pid)
{
	char path[64], line[128];
	int seen = -1;
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof line, f))
		sscanf(line, "Pid: %d", &seen);
	if (f)
		fclose(f);
	return seen == pid;
}

static int wait_by_kernel(int pidfd)
{
	siginfo_t si = { 0 };
	CHECK_EQ(waitid((idtype_t)3 /* P_PIDFD */, (id_t)pidfd, &si, WEXITED), 0);
	CHECK_EQ(si.si_code, CLD_EXITED);
	return si.si_status;
}

static short events_of(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLPRI | POLLRDHUP };
	CHECK(poll(&p, 1, 0) >= 0);
	return p.revents;
}

static void no_children(void)
{
	CHECK_ERR(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
}

#define SAYS(words)                                                                            \
	do {                                                                                   \
		if (!strstr(procfd_error_message(), words))                                    \
			FAIL("wanted \"%s\", got \"%s\"", words, procfd_error_message());      \
	} while (0)

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

/* ---- a number that the program closes, and has again ---- */

enum kind { FILES, PIPES, SOCKETS, PIDFDS, KINDS };

/* A descriptor of the program's own at this number. */
static int put_at(int number, enum kind kind)
{
	int fd = -1, other = -1, pair[2];
	switch (kind) {
	case FILES:
		fd = memfd_create("own", MFD_CLOEXEC);
		CHECK_EQ(write(fd, "own", 3), 3);
		break;
	case PIPES:
		CHECK_EQ(pipe2(pair, O_CLOEXEC), 0);
		fd = pair[1], other = pair[0];
		break;
	case SOCKETS:
		CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
		fd = pair[1], other = pair[0];
		break;
	default:
		fd = sys_pidfd_open(getpid());
		break;
	}
	if (other >= 0) {
		int low = other;
		CHECK((other = fcntl(low, F_DUPFD_CLOEXEC, 200)) >= 0);
		close(low);
	}
	if (fd != number) {
		CHECK_EQ(dup3(fd, number, O_CLOEXEC), number);
		close(fd);
	}
	return other;
}

static ino_t inode(int fd)
{
	struct stat st;
	CHECK_EQ(fstat(fd, &st), 0);
	return st.st_ino;
}

static void a_number_with_another_file(enum kind kind)
{
	int fd = lean();
	set_child(fd, "pause");
	close(fd);
	int peer = put_at(fd, kind);
	ino_t ino = inode(fd);
	CHECK_ERR(process_config(fd, PROC_CREATE, 0, NULL, 0), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_UMASK, 0, NULL, 0), EINVAL);
	CHECK_EQ(inode(fd), ino);
	no_children();
	char buf[8];
	if (kind == FILES) {
		CHECK_EQ(lseek(fd, 0, SEEK_CUR), 3);
		CHECK_EQ(pread(fd, buf, sizeof buf, 0), 3);
	}
	if (peer >= 0) {
		struct pollfd p = { .fd = peer, .events = POLLIN };
		CHECK_EQ(poll(&p, 1, 0), 0);
		close(peer);
	}
	for (int i = 0; i < 4; i++) {
		int more = lean();
		set_child(more, "exit", "1");
		create(more);
		expect_exit(more, 1);
		close(more);
	}
	CHECK_EQ(inode(fd), ino);
	close(fd);
}

static void a_number_that_was_closed_and_used_again(void)
{
	for (int kind = 0; kind < KINDS; kind++)
		a_number_with_another_file((enum kind)kind);
	/* The next context has the number of the one before, and nothing of it. */
	int fd = lean();
	set_child(fd, "exit", "1");
	SET(fd, PROC_SET_UMASK, 077);
	close(fd);
	CHECK_EQ(lean(), fd);
	const char *t = facts(fd);
	CHECK(strcmp(fact(t, "umask"), "77"));
	close(fd);
	fd = lean();
	set_child(fd, "exit", "1");
	close(fd);
	CHECK_EQ(open("/dev/null", O_RDONLY | O_CLOEXEC), fd);
	int full = ctx();
	CHECK_EQ(dup3(full, fd, O_CLOEXEC), fd);
	set_child(fd, "exit", "12");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	create(fd);
	expect_exit(fd, 12);
	close(fd);
	close(full);
	/* One placeholder over another. */
	int a = lean(), b = lean();
	set_child(a, "exit", "13");
	set_child(b, "pause");
	CHECK_EQ(dup3(a, b, O_CLOEXEC), b);
	CHECK_ERR(process_config(b, PROC_CREATE, 0, NULL, 0), EPERM);
	CHECK_EQ(is_pidfd_of(a, create(a)), 1);
	expect_exit(a, 13);
	close(a);
	close(b);
	no_children();
}

struct change {
	int fd, kind, peer;
	ino_t ino;
	const char *gate;
};

/* Once the child waits in its open of the gate: another file at the number, and the child goes on. */
static void *change_it(void *arg)
{
	struct change *c = arg;
	int gate;
	/* It opens for writing only once somebody opens it for reading. */
	while ((gate = open(c->gate, O_WRONLY | O_NONBLOCK | O_CLOEXEC)) < 0 && errno == ENXIO)
		usleep(500);
	int high = fcntl(gate, F_DUPFD_CLOEXEC, 200);
	close(gate);
	return (void *)(intptr_t)high;
}

static void *close_it(void *arg)
{
	struct change *c = arg;
	usleep(50000);
	close(c->fd);
	if (c->kind >= 0) {
		c->peer = put_at(c->fd, (enum kind)c->kind);
		c->ino = inode(c->fd);
	}
	return change_it(arg);
}

static void a_number_that_changes_during_the_start(void)
{
	char gate[64];
	snprintf(gate, sizeof gate, "/tmp/procfd-lean-%d", getpid());
	unlink(gate);
	CHECK_EQ(mkfifo(gate, 0600), 0);
	for (int kind = -1; kind < PIDFDS; kind++) {
		int before = settled(), fd = lean();
		pthread_t thread;
		void *writer;
		struct change c = { fd, kind, -1, 0, gate };
		struct procfd_open o = { .path = gate, .flags = O_RDONLY };
		set_child(fd, "pause");
		CFG(fd, PROC_FD_OPEN, 0, &o, sizeof o);
		CHECK_EQ(pthread_create(&thread, NULL, close_it, &c), 0);
		CHECK_ERR(process_config(fd, PROC_CREATE, 0, NULL, 0), EBADF);
		SAYS("the placeholder was closed meanwhile");
		CHECK_EQ(pthread_join(thread, &writer), 0);
		no_children();
		if (kind < 0) {
			CHECK_ERR(fcntl(fd, F_GETFD), EBADF);
		} else {
			CHECK_EQ(inode(fd), c.ino);
			if (kind == FILES)
				CHECK_EQ(lseek(fd, 0, SEEK_CUR), 3);
			close(fd);
		}
		if (c.peer >= 0)
			close(c.peer);
		close((int)(intptr_t)writer);
		CHECK_EQ(tap_fds(NULL, 0), before);
	}
	unlink(gate);
}

/* ---- memory ---- */

static long resident_kib(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	CHECK(f && fscanf(f, "%*d %ld", &pages) == 1);
	fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* A context with 64 KiB of settings. */
static int heavy(void)
{
	static char text[65536];
	memset(text, 'x', sizeof text - 1);
	int fd = lean();
	set_program(fd, "/bin/true", text, NULL);
	return fd;
}

/* The context of a placeholder that is closed goes at a later open: many rounds take no more memory than a few. */
static void a_close_before_the_start_leaves_nothing(void)
{
	enum { MANY = 50, ROUNDS = 40 };
	int before = settled(), fds[MANY];
	long after_few = 0;
	for (int round = 0; round < ROUNDS; round++) {
		/* Closed from the last on, one by one, and all at once. */
		for (int i = 0; i < MANY; i++)
			fds[i] = heavy();
		for (int i = MANY; i-- > 0;)
			close(fds[i]);
		for (int i = 0; i < MANY; i++)
			close(heavy());
		/* Somewhere else each time, so that no number is the same again. */
		for (int i = 0; i < MANY; i++) {
			int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
			int fd = heavy();
			close(fd);
			fds[i] = null;
		}
		for (int i = 0; i < MANY; i++)
			close(fds[i]);
		if (round == 4)
			after_few = resident_kib();
	}
	CHECK_EQ(tap_fds(NULL, 0), before);
	long grown = resident_kib() - after_few;
	diag("%d contexts of 64 KiB: %ld KiB after a few, then %ld more", ROUNDS * MANY * 3, after_few, grown);
	/* What would be left is 35 rounds of 9,600 KiB. */
	CHECK(grown < 32 * 1024);
}

static void the_start_frees_the_settings(void)
{
	long first = 0;
	for (int i = 0; i < 1500; i++) {
		int fd = heavy();
		create(fd);
		expect_exit(fd, 0);
		close(fd);
		if (i == 100)
			first = resident_kib();
	}
	CHECK(resident_kib() - first < 16 * 1024);
}

/* ---- other ways to start ---- */

static void without_a_program_it_forks(void)
{
	int before = settled(), fd = lean();
	struct out o = make_pipe();
	SET(fd, PROC_SET_UMASK, 022);
	int pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	if (pid == 0) {
		/* The child does not hold it. */
		char closed = fcntl(fd, F_GETFD) < 0 && errno == EBADF ? 'y' : 'n';
		int own = process_open(PROCFD_PIDFD);
		if (own != fd || write(o.w, &closed, 1) != 1)
			_exit(99);
		_exit(21);
	}
	CHECK(pid > 0);
	CHECK(is_pidfd_of(fd, pid));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(tap_fds(NULL, 0), before + 3);
	close(o.w);
	CHECK_STR(slurp(o.r), "y");
	CHECK_EQ(wait_by_kernel(fd), 21);
	close(o.r);
	close(fd);
	no_children();
}

static void a_fork_that_fails(void)
{
	int fd = lean();
	CFG(fd, PROC_SET_CWD, 0, "/nonexistent", 0);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_CWD, 0);
	no_children();
	CHECK_EQ(state(fd), PROC_STATE_CONFIGURING);
	close(fd);
}

static void attach_and_copy(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		alarm(CHILD_LIFE);
		child_forever();
	}
	int pidfd = sys_pidfd_open(pid), fd = lean(), null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CHECK_ERR(process_config(fd, PROC_ATTACH, null, NULL, 0), EINVAL);
	CHECK_EQ(last_error(fd).stage, PROC_STAGE_ATTACH);
	CHECK_ERR(process_config(fd, PROC_ATTACH, fd, NULL, 0), ESRCH);
	close(null);
	CHECK_EQ(process_config(fd, PROC_ATTACH, (uint64_t)pidfd, NULL, 0), pid);
	CHECK(is_pidfd_of(fd, pid));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	/* Of a procfd. */
	int full = ctx(), again = lean();
	CHECK_EQ(process_config(full, PROC_ATTACH, (uint64_t)fd, NULL, 0), pid);
	CHECK_EQ(process_config(again, PROC_ATTACH, (uint64_t)full, NULL, 0), pid);
	CHECK(is_pidfd_of(again, pid));
	close(full);
	close(again);
	close(pidfd);
	finish(fd);

	int model = lean(), before = settled();
	set_child(model, "exit", "17");
	for (int i = 0; i < 20; i++) {
		int copy = process_config(model, PROC_COPY, 0, NULL, 0);
		CHECK(copy >= 0);
		CHECK_EQ(tap_fds(NULL, 0), before + 1);
		CHECK(is_pidfd_of(copy, create(copy)));
		expect_exit(copy, 17);
		close(copy);
	}
	create(model);
	expect_exit(model, 17);
	close(model);
}

static void as_ioctl_requests(void)
{
	int root = open("/proc", O_DIRECTORY | O_CLOEXEC);
	int fd = procfd_ioctl(root, PROCFD_IOC_OPEN, (uint64_t)PROCFD_PIDFD);
	CHECK(fd >= 0);
	close(root);
	struct procfd_ioctl_arg exec = { .data = (void *)"/bin/true" };
	CHECK_ERR(procfd_ioctl(fd, PROCFD_IOC_ARG + PROC_SET_CLOSE, (unsigned long)SIGTERM), EOPNOTSUPP);
	CHECK_EQ(procfd_ioctl(fd, PROCFD_IOC_DATA + PROC_SET_EXEC, &exec), 0);
	CHECK_EQ(procfd_ioctl(fd, PROCFD_IOC_ARG + PROC_INFO_STATE, 0UL), PROC_STATE_CONFIGURING);
	int pid = procfd_ioctl(fd, PROCFD_IOC_ARG + PROC_CREATE, 0UL);
	CHECK(pid > 0 && is_pidfd_of(fd, pid));
	CHECK_EQ(procfd_ioctl(fd, PROCFD_IOC_ARG + PROC_WAIT, 0UL), 0);
	CHECK_ERR(procfd_ioctl(fd, PROCFD_IOC_ARG + PROC_CREATE, 0UL), ENOTTY);
	close(fd);
}

static void in_one_call(void)
{
	const char *const argv[] = { "sh", "-c", "read x; exit 3", NULL };
	int pipes[3], before = settled();
	struct procfd_spawn options = {
		.flags = PROCFD_PIDFD,
		.stdio = { PROCFD_STDIO_PIPE },
		.pipes = pipes,
	};
	int fd = procfd_spawn(argv, &options, sizeof options);
	CHECK(fd > 2);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(tap_fds(NULL, 0), before + 2);
	CHECK(is_pidfd_of(fd, process_info(fd, PROC_INFO_PID, 0, NULL, 0)));
	close(pipes[0]);
	CHECK_EQ(wait_by_kernel(fd), 3);
	close(fd);

	options.close_signal = SIGTERM;
	CHECK_ERR(procfd_spawn(argv, &options, sizeof options), EOPNOTSUPP);
	SAYS("a close policy, with PROCFD_PIDFD");
	options = (struct procfd_spawn){ .flags = PROCFD_PIDFD | PROCFD_AUTOREAP };
	CHECK_ERR(procfd_spawn(argv, &options, sizeof options), EOPNOTSUPP);
	CHECK_ERR(process_open_pid(getpid(), PROCFD_PIDFD | PROCFD_AUTOREAP), EOPNOTSUPP);
	fd = process_open_pid(getpid(), PROCFD_PIDFD);
	CHECK(is_pidfd_of(fd, getpid()));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	CHECK_EQ(tap_fds(NULL, 0), before);
	no_children();
}

static void the_child_does_not_have_it(void)
{
	int fd = lean();
	FACT_IS(facts(fd), "fds", "0 1 2");
	close(fd);
	fd = lean();
	SET(fd, PROC_FD_INHERIT_ALL, 1);
	struct out o = set_output(fd);
	fcntl(o.w, F_SETFD, FD_CLOEXEC);
	FACT_IS(facts_into(fd, o), "fds", "0 1 2");
	close(fd);
}

/* ---- threads ---- */

static void *start_many(void *arg)
{
	for (int i = 0; i < 60; i++) {
		char code[16];
		int want = ((int)(intptr_t)arg * 37 + i) % 256;
		snprintf(code, sizeof code, "%d", want);
		int left = lean(), fd = lean();
		set_child(fd, "exit", code);
		if (i % 3 == 0) {
			CFG(left, PROC_SET_EXEC, 0, "/nonexistent", 0);
			CREATE_FAILS(left, ENOENT, PROC_STAGE_EXEC, -1);
		}
		CHECK(is_pidfd_of(fd, create(fd)));
		close(left);
		CHECK_EQ(wait_by_kernel(fd), want);
		close(fd);
	}
	return NULL;
}

static void many_threads(void)
{
	pthread_t threads[8];
	for (int i = 0; i < 8; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, start_many, (void *)(intptr_t)i), 0);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	no_children();
}

static void *create_it(void *arg)
{
	return (void *)(intptr_t)process_config(*(int *)arg, PROC_CREATE, 0, NULL, 0);
}

/* All want to start the same one: one does. */
static void one_of_many_creates(void)
{
	for (int round = 0; round < 30; round++) {
		pthread_t threads[4];
		int fd = lean(), started = 0;
		set_child(fd, "exit", "0");
		for (int i = 0; i < 4; i++)
			CHECK_EQ(pthread_create(&threads[i], NULL, create_it, &fd), 0);
		for (int i = 0; i < 4; i++) {
			void *pid;
			pthread_join(threads[i], &pid);
			started += (intptr_t)pid > 0;
		}
		CHECK_EQ(started, 1);
		CHECK_EQ(wait_by_kernel(fd), 0);
		close(fd);
		no_children();
	}
}

/* ---- signals ---- */

static atomic_int *handled_by;

static void note_who(int sig)
{
	(void)sig;
	pid_t self = (pid_t)syscall(SYS_getpid);
	if (self == handled_by[0])
		handled_by[1]++;
	else
		handled_by[2]++;
}

/* The child of a start begins without the handlers of its creator, whose memory it has. A signal to both ends the
 * child, or comes before it or after. */
static void no_handler_runs_in_the_child(void)
{
	handled_by = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	handled_by[0] = getpid();
	struct sigaction note = { .sa_handler = note_who, .sa_flags = SA_RESTART };
	CHECK_EQ(sigaction(SIGUSR1, &note, NULL), 0);
	pid_t flood = fork();
	if (flood == 0) {
		signal(SIGUSR1, SIG_IGN);
		for (;;)
			kill(0, SIGUSR1);
	}
	int started = 0, ended = 0;
	for (int i = 0; i < 400; i++) {
		int fd = lean();
		set_child(fd, "exit", "0");
		if (process_config(fd, PROC_CREATE, 0, NULL, 0) > 0) {
			struct procfd_wait w = { 0 };
			while (process_manage(fd, PROC_WAIT, 0, &w, sizeof w))
				CHECK_EQ(errno, EINTR);
			CHECK(w.what == PROC_KILLED ? w.status == SIGUSR1 : w.status == 0);
			started++;
		} else {
			CHECK_EQ(errno, ECHILD);
			CHECK_EQ(last_error(fd).stage, PROC_STAGE_CHILD_DIED);
			CHECK_EQ(state(fd), PROC_STATE_CONFIGURING);
			ended++;
		}
		close(fd);
	}
	kill_and_reap(flood);
	diag("%d started, %d ended before; %d signals handled", started, ended, handled_by[1]);
	CHECK(handled_by[1] > 0);
	CHECK_EQ(handled_by[2], 0);
	no_children();
}

TAP_MAIN(CASE(it_becomes_the_pidfd), CASE(one_descriptor_for_each_process), CASE(before_the_start),
	 CASE(after_it_all_calls_take_it), CASE(an_epoll_takes_it_after_the_start),
	 CASE(what_needs_a_procfd_is_refused), CASE(a_copy_before_the_start_is_no_context),
	 CASE(a_forked_copy_has_no_context_of_it), CASE(a_failed_create_keeps_the_placeholder),
	 CASE(with_a_full_table), CASE(where_a_filter_refuses_a_call),
	 CASE(a_number_that_was_closed_and_used_again), CASE(a_number_that_changes_during_the_start),
	 CASE(a_close_before_the_start_leaves_nothing), CASE(the_start_frees_the_settings),
	 CASE(without_a_program_it_forks), CASE(a_fork_that_fails),
	 CASE(attach_and_copy), CASE(as_ioctl_requests), CASE(in_one_call),
	 CASE(the_child_does_not_have_it), CASE(many_threads), CASE(one_of_many_creates), CASE(no_handler_runs_in_the_child))

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* PROCFD_PIDFD: numbers that the program closes and has again, and the memory of a context. */
#include "lean.h"

#include <sys/stat.h>

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
	until_the_child_sleeps();
	close(c->fd);
	if (c->kind >= 0) {
		c->peer = put_at(c->fd, (enum kind)c->kind);
		c->ino = inode(c->fd);
	}
	return change_it(arg);
}

static void a_number_that_changes_during_the_start(void)
{
	char gate[PATH_MAX], *dir = make_dir();
	snprintf(gate, sizeof gate, "%s/gate", dir);
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
	remove_tree(dir);
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

TAP_MAIN(CASE(a_number_that_was_closed_and_used_again),
	 CASE(a_number_that_changes_during_the_start),
	 CASE(a_close_before_the_start_leaves_nothing), CASE(the_start_frees_the_settings))

// SPDX-License-Identifier: MIT OR Apache-2.0
/* Pipes to and from the child, their size, descriptors with given bytes, a pseudo-terminal. */
#include "filter.h"
#include "util.h"

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int to_child(int fd, int target)
{
	int end = process_config(fd, PROC_FD_PIPE, PROC_PIPE_TO_CHILD | (unsigned)target, NULL, 0);
	CHECK(end > 2);
	CHECK_EQ(fcntl(end, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(end, F_GETFL) & O_ACCMODE, O_WRONLY);
	return end;
}

static int from_child(int fd, int target)
{
	int end = process_config(fd, PROC_FD_PIPE, PROC_PIPE_FROM_CHILD | (unsigned)target, NULL, 0);
	CHECK(end > 2);
	CHECK_EQ(fcntl(end, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(end, F_GETFL) & O_ACCMODE, O_RDONLY);
	return end;
}

static void put(int end, const char *text)
{
	CHECK_EQ(write(end, text, strlen(text)), (ssize_t)strlen(text));
	close(end);
}

static void data(int fd, int target, const char *text)
{
	CFG(fd, PROC_FD_DATA, (unsigned)target, text, strlen(text));
}

static void there_and_back(void)
{
	int fd = ctx();
	set_program(fd, "/bin/cat", (char *)NULL);
	int in = to_child(fd, 0), out = from_child(fd, 1);
	create(fd);
	put(in, "through the child");
	/* That slurp returns shows that the context has let go of the child's end. */
	CHECK_STR(slurp(out), "through the child");
	expect_exit(fd, 0);
	close(out);
	close(fd);
}

/* Targets above the streams; one at the number that the library has for another's end. */
static void any_number(void)
{
	int fd = ctx();
	int in = to_child(fd, 40), before = tap_fds(NULL, 0);
	int out = from_child(fd, 1);
	for (int n = 3; n < 30; n++)
		close(from_child(fd, n));
	CHECK_EQ(tap_fds(NULL, 0), before + 2 + 27);
	FACT_IS((set_child(fd, "facts"), create(fd), close(in), slurp(out)), "fds",
		"0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 40");
	expect_exit(fd, 0);
	close(out);
	close(fd);
}

static void ends_that_ranges_and_targets_meet(void)
{
	struct procfd_range all = { 3, UINT32_MAX };
	int fd = ctx(), out = from_child(fd, 1);
	CFG(fd, PROC_FD_CLOSE_RANGE, 0, &all, sizeof all);
	/* The kernel gives the lowest numbers, and the list has made something else of them by then. */
	for (int n = 3; n < 60; n++)
		SET(fd, PROC_FD_NULL, n);
	int in = to_child(fd, 0);
	set_program(fd, "/bin/cat", (char *)NULL);
	create(fd);
	put(in, "still there");
	CHECK_STR(slurp(out), "still there");
	expect_exit(fd, 0);
	close(out);
	close(fd);
}

static void a_context_without_a_start(void)
{
	int before = tap_fds(NULL, 0), fd = ctx();
	int in = to_child(fd, 0), out = from_child(fd, 1);
	int copy = process_config(fd, PROC_COPY, 0, NULL, 0);
	CHECK(copy >= 0);
	close(fd);
	close(copy);
	sweep();
	CHECK_STR(slurp(out), "");
	close(in);
	close(out);
	sweep();
	CHECK_EQ(tap_fds(NULL, 0), before);
}

/* The end of a pipe that the program has closed with its number; one that another file has got by now. */
static void a_lost_end(void)
{
	int fd = ctx(), in = to_child(fd, 0), end = -1;
	set_child(fd, "exit", "0");
	struct stat pipe, file;
	CHECK_EQ(fstat(in, &pipe), 0);
	for (int n = 3; n < 256; n++)
		if (n != in && fstat(n, &file) == 0 && file.st_ino == pipe.st_ino && file.st_dev == pipe.st_dev)
			end = n;
	CHECK(end > 2);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CHECK_EQ(dup3(null, end, O_CLOEXEC), end);
	CREATE_FAILS(fd, EBADF, PROC_STAGE_FD, 0);
	CHECK(strstr(last_error(fd).message, "cannot give descriptor 0 its end of the pipe") != NULL);
	close(fd);
	sweep();
	CHECK_EQ(fcntl(end, F_GETFD), FD_CLOEXEC); /* the program's own */
	close(end);
	close(null);
	close(in);
}

/* They share the end, and it is open as long as one of them is not started. */
static void copies(void)
{
	int fd = ctx(), out = from_child(fd, 1);
	set_program(fd, "/bin/echo", "one", (char *)NULL);
	int copy = process_config(fd, PROC_COPY, 0, NULL, 0);
	CHECK(copy >= 0);
	create(fd);
	expect_exit(fd, 0);
	create(copy);
	expect_exit(copy, 0);
	CHECK_STR(slurp(out), "one\none\n");
	close(copy);
	close(fd);
	close(out);
}

static void a_failure_keeps_the_pipe(void)
{
	int fd = ctx(), out = from_child(fd, 1);
	set_program(fd, "/no/such/program", (char *)NULL);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, 0);
	set_program(fd, "/bin/echo", "again", (char *)NULL);
	create(fd);
	CHECK_STR(slurp(out), "again\n");
	expect_exit(fd, 0);
	close(out);
	close(fd);
}

static void in_a_fork(void)
{
	int fd = ctx(), in = to_child(fd, 30), out = from_child(fd, 31);
	int pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	if (pid == 0) {
		char text[8] = { 0 };
		close(in);
		if (read(30, text, sizeof text) != 5 || write(31, text, 5) != 5)
			_exit(1);
		_exit(0);
	}
	CHECK(pid > 0);
	CHECK_EQ(write(in, "hello", 5), 5);
	expect_exit(fd, 0);
	CHECK_STR(slurp(out), "hello");
	close(in);
	close(out);
	close(fd);
}

static void size_of_pipes(void)
{
	int fd = ctx();
	SET(fd, PROC_FD_PIPE_SIZE, 4096);
	int small = to_child(fd, 0);
	SET(fd, PROC_FD_PIPE_SIZE, 1 << 20);
	int large = from_child(fd, 1);
	SET(fd, PROC_FD_PIPE_SIZE, 0);
	int usual = from_child(fd, 2), p[2];
	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(fcntl(small, F_GETPIPE_SZ), (int)sysconf(_SC_PAGESIZE));
	CHECK_EQ(fcntl(large, F_GETPIPE_SZ), 1 << 20);
	CHECK_EQ(fcntl(usual, F_GETPIPE_SZ), fcntl(p[0], F_GETPIPE_SZ));
	CHECK_ERR(process_config(fd, PROC_FD_PIPE_SIZE, 1ULL << 31, NULL, 0), EINVAL);
	CHECK(strstr(last_error(fd).message, "2147483648") != NULL);
	/* More than the kernel makes for anybody; and for the unprivileged. */
	SET(fd, PROC_FD_PIPE_SIZE, (1ULL << 31) - 1);
	refuse_argument(SYS_fcntl, 1, ~0u, F_SETPIPE_SZ, 1, EPERM);
	CHECK_ERR(process_config(fd, PROC_FD_PIPE, PROC_PIPE_TO_CHILD | 3, NULL, 0), EPERM);
	CHECK(strstr(last_error(fd).message, "pipe-max-size") != NULL);
	close(small);
	close(large);
	close(usual);
	close(p[0]);
	close(p[1]);
	close(fd);
}

static void bytes_at_a_number(void)
{
	int fd = ctx(), out = from_child(fd, 1);
	data(fd, 0, "from memory\n");
	data(fd, 9, "another");
	set_program(fd, "/bin/sh", "-c", "cat; cat <&9; ls -l /proc/self/fd/0 | grep -c procfd-data", (char *)NULL);
	create(fd);
	CHECK_STR(slurp(out), "from memory\nanother1\n");
	expect_exit(fd, 0);
	close(out);
	close(fd);
	fd = ctx(), out = from_child(fd, 1);
	CFG(fd, PROC_FD_DATA, 0, NULL, 0);
	set_program(fd, "/bin/cat", (char *)NULL);
	create(fd);
	CHECK_STR(slurp(out), "");
	expect_exit(fd, 0);
	close(out);
	close(fd);
}

/* Its own for each process of a template, at its beginning, and nobody can change it. */
static void bytes_are_sealed_and_not_shared(void)
{
	int template = ctx();
	data(template, 0, "line\n");
	set_program(template, "/bin/sh", "-c", "cat; echo more >>/proc/self/fd/0", (char *)NULL);
	SET(template, PROC_FD_NULL, 2);
	for (int i = 0; i < 2; i++) {
		int fd = process_config(template, PROC_COPY, 0, NULL, 0);
		CHECK(fd >= 0);
		int out = from_child(fd, 1);
		create(fd);
		CHECK_STR(slurp(out), "line\n");
		CHECK(wait_end(fd).status != 0);
		close(out);
		close(fd);
	}
	close(template);
	int fd = ctx();
	data(fd, 5, "x");
	int pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	if (pid == 0)
		_exit(fcntl(5, F_GET_SEALS) & 0xf);
	CHECK(pid > 0);
	expect_exit(fd, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	close(fd);
}

static void many_bytes(void)
{
	size_t most = 16 << 20;
	char *bytes = malloc(most + 1);
	CHECK(bytes != NULL);
	memset(bytes, 'b', most + 1);
	int fd = ctx(), out = from_child(fd, 1);
	CHECK_ERR(process_config(fd, PROC_FD_DATA, 0, bytes, most + 1), E2BIG);
	CFG(fd, PROC_FD_DATA, 0, bytes, most);
	set_program(fd, "/bin/sh", "-c", "wc -c", (char *)NULL);
	create(fd);
	CHECK_EQ(strtol(slurp(out), NULL, 10), (long)most);
	expect_exit(fd, 0);
	close(out);
	close(fd);
	free(bytes);
}

static void bytes_that_fail(void)
{
	struct procfd_rlimit limit = { .soft = 4, .hard = 4 };
	int fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_FD_NULL, 3);
	data(fd, 0, "more than four");
	CFG(fd, PROC_SET_RLIMIT, RLIMIT_FSIZE, &limit, sizeof limit);
	CREATE_FAILS(fd, EFBIG, PROC_STAGE_FD, 1);
	CHECK(strstr(last_error(fd).message, "cannot make descriptor 0 of 14 bytes") != NULL);
	close(fd);
	CHECK_ERR(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
	fd = ctx();
	set_child(fd, "exit", "0");
	data(fd, 0, "x");
	refuse(SYS_memfd_create, ODD);
	CREATE_FAILS(fd, ODD, PROC_STAGE_FD, 0);
	close(fd);
}

/* MFD_NOEXEC_SEAL is Linux 6.3. */
static void before_noexec_seal(void)
{
	refuse_argument(SYS_memfd_create, 1, 8, 8, 1, EINVAL);
	int fd = ctx(), out = from_child(fd, 1);
	data(fd, 0, "still");
	set_program(fd, "/bin/cat", (char *)NULL);
	create(fd);
	CHECK_STR(slurp(out), "still");
	expect_exit(fd, 0);
	close(out);
	close(fd);
}

/* What comes out at the master, until no process has the terminal. */
static const char *shown(int master)
{
	static char text[4096];
	size_t n = 0;
	ssize_t l;
	while ((l = read(master, text + n, sizeof text - 1 - n)) > 0)
		n += (size_t)l;
	if (l < 0)
		CHECK_EQ(errno, EIO);
	text[n] = 0;
	return text;
}

static int pty(int fd, unsigned short rows, unsigned short columns)
{
	struct winsize size = { .ws_row = rows, .ws_col = columns };
	int master = process_config(fd, PROC_SET_PTY, 0, &size, sizeof size);
	CHECK(master > 2);
	CHECK_EQ(fcntl(master, F_GETFD), FD_CLOEXEC);
	return master;
}

static void a_terminal(void)
{
	int fd = ctx(), master = pty(fd, 24, 80);
	set_program(fd, "/bin/sh", "-c", "stty size; read line; echo got $line; tty </dev/tty >/dev/null && echo own",
		    (char *)NULL);
	pid_t pid = create(fd);
	CHECK_EQ(getsid(pid), pid);
	CHECK_EQ(tcgetpgrp(master), pid); /* the foreground group */
	CHECK_EQ(write(master, "typed\n", 6), 6);
	const char *text = shown(master);
	CHECK(strstr(text, "24 80\r\n") != NULL);
	CHECK(strstr(text, "got typed\r\n") != NULL);
	CHECK(strstr(text, "own\r\n") != NULL);
	expect_exit(fd, 0);
	close(master);
	close(fd);
	CHECK_EQ(open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY) >= 0 ? 1 : 0, 0); /* not the caller's */
}

static void a_key_interrupts(void)
{
	/* Also where this program was started with both signals ignored, as nohup's shell does. */
	uint64_t both = 1ULL << (SIGINT - 1) | 1ULL << (SIGHUP - 1);
	int fd = ctx(), master = pty(fd, 0, 0);
	set_child(fd, "ready");
	SET(fd, PROC_SET_SIGDEFAULT, both);
	pid_t pid = create(fd);
	CHECK_EQ(read_ready(master), pid);
	CHECK_EQ(write(master, "\003", 1), 1);
	expect_killed(fd, SIGINT);
	close(master);
	close(fd);
	/* The end of the master hangs the session up. */
	fd = ctx(), master = pty(fd, 0, 0);
	set_child(fd, "ready");
	SET(fd, PROC_SET_SIGDEFAULT, both);
	pid = create(fd);
	CHECK_EQ(read_ready(master), pid);
	close(master);
	expect_killed(fd, SIGHUP);
	close(fd);
}

static void terminals_that_fail(void)
{
	int fd = ctx();
	set_child(fd, "exit", "0");
	CHECK_ERR(process_config(fd, PROC_SET_PTY, 1, NULL, 0), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_PTY, 0, "1234", 4), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_PTY, 0, NULL, 8), EFAULT);
	int master = process_config(fd, PROC_SET_PTY, 0, NULL, 0);
	CHECK(master > 2);
	SET(fd, PROC_SET_PGROUP, getpgrp());
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_PLAN, -1);
	close(master);
	close(fd);
	fd = ctx();
	set_child(fd, "exit", "0");
	master = pty(fd, 1, 1);
	refuse_argument(SYS_ioctl, 1, ~0u, TIOCSCTTY, 1, ODD);
	CREATE_FAILS(fd, ODD, PROC_STAGE_CTTY, 0);
	close(master);
	close(fd);
	fd = ctx();
	refuse_argument(SYS_ioctl, 1, ~0u, TIOCSPTLCK, 1, ODD);
	CHECK_ERR(process_config(fd, PROC_SET_PTY, 0, NULL, 0), ODD);
	CHECK(strstr(last_error(fd).message, "a pseudo-terminal") != NULL);
	close(fd);
}

static void a_terminal_in_namespaces(void)
{
	int fd = ctx(), master = pty(fd, 5, 6);
	SET(fd, PROC_SET_FLAG, CLONE_NEWPID | (geteuid() ? CLONE_NEWUSER : 0));
	SET(fd, PROC_SET_INIT, 1);
	set_program(fd, "/bin/sh", "-c", "stty size; echo $$", (char *)NULL);
	create(fd);
	CHECK_STR(shown(master), "5 6\r\n2\r\n");
	expect_exit(fd, 0);
	close(master);
	close(fd);
}

static void arguments(void)
{
	int fd = ctx();
	CHECK_ERR(process_config(fd, PROC_FD_PIPE, 1, NULL, 0), EINVAL);
	CHECK_ERR(process_config(fd, PROC_FD_PIPE, PROC_PIPE_TO_CHILD | PROC_PIPE_FROM_CHILD | 1, NULL, 0), EINVAL);
	CHECK_ERR(process_config(fd, PROC_FD_PIPE, PROC_PIPE_TO_CHILD | 0xffffffffu, NULL, 0), EBADF);
	CHECK_ERR(process_config(fd, PROC_FD_PIPE, PROC_PIPE_TO_CHILD, "x", 1), EINVAL);
	CHECK_ERR(process_config(fd, PROC_FD_DATA, 0, NULL, 1), EFAULT);
	CHECK_ERR(process_config(fd, PROC_FD_DATA, 1ULL << 31, "x", 1), EBADF);
	close(fd);
}

TAP_MAIN(CASE(there_and_back), CASE(any_number), CASE(ends_that_ranges_and_targets_meet),
	 CASE(a_context_without_a_start), CASE(a_lost_end), CASE(copies), CASE(a_failure_keeps_the_pipe),
	 CASE(in_a_fork), CASE(size_of_pipes), CASE(bytes_at_a_number), CASE(bytes_are_sealed_and_not_shared),
	 CASE(many_bytes), CASE(bytes_that_fail), CASE(before_noexec_seal), CASE(a_terminal),
	 CASE(a_key_interrupts), CASE(terminals_that_fail), COLD(a_terminal_in_namespaces), CASE(arguments))

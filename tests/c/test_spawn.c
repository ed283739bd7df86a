/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The calls that do several steps at once: procfd_spawn, process_open_pid, procfd_status_text. */
#define _GNU_SOURCE
#include <procfd.h>

#include "util.h"

#define SPAWN(argv, options) procfd_spawn(argv, options, sizeof *(options))

static const char *const exit_3[] = { "sh", "-c", "exit 3", NULL };

/* Fails with this errno and these words, and leaves no descriptor and no child. */
#define REFUSED(call, err, words)                                                              \
	do {                                                                                   \
		int before_ = tap_fds(NULL, 0);                                                \
		CHECK_ERR(call, err);                                                          \
		if (!strstr(procfd_error_message(), words))                                    \
			FAIL("%s: wanted \"%s\", got \"%s\"", #call, words,                    \
			     procfd_error_message());                                          \
		CHECK_EQ(tap_fds(NULL, 0), before_);                                           \
		CHECK_ERR(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);                        \
	} while (0)

/* A call of the library that keeps descriptors for itself must not count as a leak of the next. */
static void settle(void)
{
	int fd = procfd_spawn(exit_3, NULL, 0);
	CHECK(fd >= 0);
	expect_exit(fd, 3);
	close(fd);
	sweep();
}

static int spawned(const char *const *argv, const struct procfd_spawn *options)
{
	int fd = SPAWN(argv, options);
	if (fd < 0)
		FAIL("procfd_spawn: %s (%s)", strerror(errno), procfd_error_message());
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_STR(procfd_error_message(), "");
	return fd;
}

static void without_options(void)
{
	int fd = procfd_spawn(exit_3, NULL, 0);
	CHECK(fd >= 0);
	/* A procfd with a watcher: it can be polled for the exit. */
	struct pollfd p = { .fd = fd, .events = 0 };
	CHECK_EQ(poll(&p, 1, FOREVER_MS), 1);
	CHECK(p.revents & POLLHUP);
	expect_exit(fd, 3);
	close(fd);
}

static void three_pipes(void)
{
	const char *const argv[] = { "sh", "-c", "read line; echo out $line; echo err >&2", NULL };
	int pipes[3];
	struct procfd_spawn options = {
		.stdio = { PROCFD_STDIO_PIPE, PROCFD_STDIO_PIPE, PROCFD_STDIO_PIPE },
		.pipes = pipes,
	};
	int fd = spawned(argv, &options);
	for (int i = 0; i < 3; i++) {
		CHECK(pipes[i] > 2);
		CHECK_EQ(fcntl(pipes[i], F_GETFD), FD_CLOEXEC);
	}
	CHECK_EQ(write(pipes[0], "in\n", 3), 3);
	close(pipes[0]);
	/* That slurp returns shows that the library has not kept the child's ends. */
	CHECK_STR(slurp(pipes[1]), "out in\n");
	CHECK_STR(slurp(pipes[2]), "err\n");
	expect_exit(fd, 0);
	close(pipes[1]);
	close(pipes[2]);
	close(fd);
}

static void input_ends_with_our_end(void)
{
	const char *const argv[] = { "cat", NULL };
	int pipes[3];
	struct procfd_spawn options = {
		.stdio = { PROCFD_STDIO_PIPE, PROCFD_STDIO_NULL },
		.pipes = pipes,
	};
	int fd = spawned(argv, &options);
	CHECK_EQ(pipes[1], -1);
	CHECK_EQ(pipes[2], -1);
	CHECK_ERR(process_manage(fd, PROC_WAIT, PROC_WAIT_NOHANG, NULL, 0), EAGAIN);
	close(pipes[0]);
	expect_exit(fd, 0);
	close(fd);
}

static void error_goes_where_output_goes(void)
{
	const char *const argv[] = { "sh", "-c", "echo one; echo two >&2; echo three", NULL };
	int pipes[3];
	struct procfd_spawn options = {
		.stdio = { PROCFD_STDIO_NULL, PROCFD_STDIO_PIPE, PROCFD_STDIO_STDOUT },
		.pipes = pipes,
	};
	int fd = spawned(argv, &options);
	CHECK_EQ(pipes[0], -1);
	CHECK_EQ(pipes[2], -1);
	CHECK_STR(slurp(pipes[1]), "one\ntwo\nthree\n");
	expect_exit(fd, 0);
	close(pipes[1]);
	close(fd);
}

static void input_from_bytes(void)
{
	const char *const argv[] = { "cat", NULL };
	int pipes[3];
	struct procfd_spawn options = {
		.stdio = { PROCFD_STDIO_DATA, PROCFD_STDIO_PIPE },
		.pipes = pipes,
		.input = "two\nlines\n",
		.input_size = 10,
	};
	int fd = spawned(argv, &options);
	CHECK_EQ(pipes[0], -1);
	CHECK_STR(slurp(pipes[1]), "two\nlines\n");
	expect_exit(fd, 0);
	close(pipes[1]);
	close(fd);
	settle();
	options.stdio[0] = PROCFD_STDIO_NULL;
	REFUSED(SPAWN(argv, &options), EINVAL, "input is for a standard input that is PROCFD_STDIO_DATA");
	options.stdio[0] = PROCFD_STDIO_DATA;
	options.input = (const void *)1;
	REFUSED(SPAWN(argv, &options), EFAULT, "input is no address");
	options.input = argv;
	options.input_size = (16 << 20) + 1;
	REFUSED(SPAWN(argv, &options), E2BIG, "input has 16777217 bytes, above 16777216");
	options.stdio[0] = PROCFD_STDIO_PIPE;
	options.stdio[1] = PROCFD_STDIO_DATA;
	options.input = NULL;
	options.input_size = 0;
	REFUSED(SPAWN(argv, &options), EINVAL, "standard output is one of PROCFD_STDIO_*, not 5");
}

/* Descriptors of one's own; also those of the streams themselves, exchanged. */
static void streams_by_descriptor(void)
{
	const char *const argv[] = { "sh", "-c", "echo one; echo two >&2", NULL };
	struct out a = make_pipe(), b = make_pipe();
	int out = fcntl(1, F_DUPFD_CLOEXEC, 3), err = fcntl(2, F_DUPFD_CLOEXEC, 3);
	CHECK(out >= 0 && err >= 0);
	CHECK_EQ(dup2(a.w, 1), 1);
	CHECK_EQ(dup2(b.w, 2), 2);
	struct procfd_spawn options = {
		.stdio = { PROCFD_STDIO_NULL, PROCFD_STDIO_FD, PROCFD_STDIO_FD },
		.fds = { -1, 2, 1 },
	};
	int fd = SPAWN(argv, &options);
	dup2(out, 1);
	dup2(err, 2);
	close(out);
	close(err);
	close(a.w);
	close(b.w);
	CHECK(fd >= 0);
	CHECK_STR(slurp(b.r), "one\n");
	CHECK_STR(slurp(a.r), "two\n");
	expect_exit(fd, 0);
	close(a.r);
	close(b.r);
	close(fd);
}

/* A program whose own streams are closed: neither a pipe nor the procfd takes their numbers. */
static void with_closed_streams(void)
{
	const char *const argv[] = { "sh", "-c", "cat; echo err >&2", NULL };
	int pipes[3], saved[3];
	struct procfd_spawn options = {
		.stdio = { PROCFD_STDIO_PIPE, PROCFD_STDIO_PIPE, PROCFD_STDIO_PIPE },
		.pipes = pipes,
	};
	for (int i = 0; i < 3; i++) {
		saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
		close(i);
	}
	int fd = SPAWN(argv, &options), low = 0;
	for (int i = 0; i < 3; i++)
		low += fcntl(i, F_GETFD) >= 0;
	for (int i = 0; i < 3; i++)
		if (saved[i] >= 0) {
			dup2(saved[i], i);
			close(saved[i]);
		}
	CHECK(fd > 2);
	CHECK_EQ(low, 0);
	CHECK_EQ(write(pipes[0], "x", 1), 1);
	close(pipes[0]);
	CHECK_STR(slurp(pipes[1]), "x");
	CHECK_STR(slurp(pipes[2]), "err\n");
	expect_exit(fd, 0);
	close(pipes[1]);
	close(pipes[2]);
	close(fd);
}

static void program_environment_directory(void)
{
	const char *const argv[] = { "name", "-c", "echo $0 $A ${HOME-none}; pwd; echo $1", "zero", "$one", NULL };
	const char *const env[] = { "A=b", NULL };
	int pipes[3];
	struct procfd_spawn options = {
		.program = "/bin/sh",
		.env = env,
		.cwd = "/proc",
		.stdio = { 0, PROCFD_STDIO_PIPE },
		.pipes = pipes,
	};
	int fd = spawned(argv, &options);
	CHECK_STR(slurp(pipes[1]), "zero b none\n/proc\n$one\n");
	expect_exit(fd, 0);
	close(pipes[1]);
	close(fd);
}

static void the_program_is_searched(void)
{
	static const char *const none[] = { "no-such-program", NULL };
	settle();
	CHECK_EQ(setenv("PATH", "/no/such:/bin:/usr/bin", 1), 0);
	int fd = procfd_spawn(exit_3, NULL, 0);
	CHECK(fd >= 0);
	expect_exit(fd, 3);
	close(fd);
	sweep();
	REFUSED(procfd_spawn(none, NULL, 0), ENOENT, "procfd_spawn(): execute \"no-such-program\"");
	CHECK_EQ(setenv("PATH", "/no/such", 1), 0);
	REFUSED(procfd_spawn(exit_3, NULL, 0), ENOENT, "\"sh\"");
}

static void the_close_signal_ends_it(void)
{
	const char *const argv[] = { "sleep", "60", NULL };
	struct procfd_spawn options = { .close_signal = SIGTERM };
	int fd = spawned(argv, &options);
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	CHECK(pidfd >= 0);
	close(fd);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	CHECK_EQ(poll(&p, 1, FOREVER_MS), 1);
	close(pidfd);
	sweep();
	CHECK_ERR(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
}

static void without_a_watcher(void)
{
	struct procfd_spawn options = { .flags = PROCFD_NO_WATCH | PROCFD_AUTOREAP };
	int fd = spawned(exit_3, &options);
	expect_exit(fd, 3);
	close(fd);
}

/* Options of a shorter version; of a longer one, with and without something in it. */
static void other_sizes(void)
{
	struct {
		struct procfd_spawn known;
		uint64_t more;
	} longer = { .known = { .flags = PROCFD_NO_WATCH } };
	settle();
	int fd = procfd_spawn(exit_3, &longer.known, sizeof longer);
	CHECK(fd >= 0);
	expect_exit(fd, 3);
	close(fd);
	fd = procfd_spawn(exit_3, &longer.known, 8);
	CHECK(fd >= 0);
	expect_exit(fd, 3);
	close(fd);
	sweep();
	longer.more = 1;
	REFUSED(procfd_spawn(exit_3, &longer.known, sizeof longer), E2BIG, "is beyond");
	REFUSED(procfd_spawn(exit_3, &longer.known, 4), EINVAL, "size");
	REFUSED(procfd_spawn(exit_3, &longer.known, 0), EINVAL, "size");
	/* Half a pointer. */
	REFUSED(procfd_spawn(exit_3, &longer.known, 12), EINVAL, "size");
	REFUSED(procfd_spawn(exit_3, NULL, sizeof longer.known), EFAULT, "options");
}

static void bad_arguments(void)
{
	static const char *const empty[] = { NULL };
	static const char *const unnamed[] = { "", NULL };
	const char *const wild[] = { "sh", (const char *)8, NULL };
	struct procfd_spawn o = { 0 };
	int pipes[3] = { 7, 8, 9 };

	settle();
	REFUSED(procfd_spawn(NULL, NULL, 0), EFAULT, "argv");
	REFUSED(procfd_spawn(wild, NULL, 0), EFAULT, "argv");
	REFUSED(procfd_spawn(empty, NULL, 0), EINVAL, "argv");
	REFUSED(procfd_spawn(unnamed, NULL, 0), ENOENT, "the program");
	o.flags = 0x100;
	REFUSED(SPAWN(exit_3, &o), EINVAL, "0x100");
	o = (struct procfd_spawn){ .reserved = 1 };
	REFUSED(SPAWN(exit_3, &o), EINVAL, "reserved");
	o = (struct procfd_spawn){ .close_signal = 65 };
	REFUSED(SPAWN(exit_3, &o), EINVAL, "65");
	o = (struct procfd_spawn){ .close_signal = UINT32_MAX };
	REFUSED(SPAWN(exit_3, &o), EINVAL, "close_signal");
	o = (struct procfd_spawn){ .stdio = { 0, 99 } };
	REFUSED(SPAWN(exit_3, &o), EINVAL, "standard output is one of PROCFD_STDIO_*, not 99");
	o = (struct procfd_spawn){ .stdio = { 0, PROCFD_STDIO_STDOUT } };
	REFUSED(SPAWN(exit_3, &o), EINVAL, "standard output");
	o = (struct procfd_spawn){ .stdio = { PROCFD_STDIO_PIPE } };
	REFUSED(SPAWN(exit_3, &o), EFAULT, "standard input is a pipe, and pipes is NULL");
	o = (struct procfd_spawn){ .stdio = { PROCFD_STDIO_PIPE }, .pipes = (int *)8 };
	REFUSED(SPAWN(exit_3, &o), EFAULT, "pipes");
	o = (struct procfd_spawn){ .stdio = { PROCFD_STDIO_FD }, .fds = { 999 } };
	REFUSED(SPAWN(exit_3, &o), EBADF, "standard input: descriptor 999 is not open");
	o = (struct procfd_spawn){ .program = (const char *)8 };
	REFUSED(SPAWN(exit_3, &o), EFAULT, "program");
	o = (struct procfd_spawn){ .env = (const char *const *)8 };
	REFUSED(SPAWN(exit_3, &o), EFAULT, "env");
	/* The last pipe is made, and the start fails: nothing of it is left, nothing is written. */
	o = (struct procfd_spawn){
		.cwd = "/no/such",
		.stdio = { PROCFD_STDIO_PIPE, PROCFD_STDIO_PIPE, PROCFD_STDIO_PIPE },
		.pipes = pipes,
	};
	REFUSED(SPAWN(exit_3, &o), ENOENT, "change directory to \"/no/such\"");
	CHECK(pipes[0] == 7 && pipes[1] == 8 && pipes[2] == 9);
}

/* At each number of free descriptors it fails with EMFILE and leaves none, until it succeeds. */
static void at_the_descriptor_limit(void)
{
	struct rlimit l, low;
	int pipes[3], fd = -1, failures = 0;
	struct procfd_spawn options = {
		.flags = PROCFD_NO_WATCH,
		.stdio = { PROCFD_STDIO_PIPE, PROCFD_STDIO_PIPE, PROCFD_STDIO_PIPE },
		.pipes = pipes,
	};
	settle();
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &l), 0);
	low = l;
	int top = dup(0);
	close(top);
	for (int extra = 0; extra < 40 && fd < 0; extra++) {
		int before = tap_fds(NULL, 0);
		low.rlim_cur = (rlim_t)(top + extra);
		CHECK_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
		errno = 0;
		fd = SPAWN(exit_3, &options);
		int err = errno;
		CHECK_EQ(setrlimit(RLIMIT_NOFILE, &l), 0);
		if (fd < 0) {
			failures++;
			CHECK_EQ(err, EMFILE);
			/* The library's half of a context goes at the next opening. */
			sweep();
			CHECK_EQ(tap_fds(NULL, 0), before);
			CHECK_ERR(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
		}
	}
	CHECK(fd >= 0);
	CHECK(failures >= 7);
	expect_exit(fd, 3);
	for (int i = 0; i < 3; i++)
		close(pipes[i]);
	close(fd);
}

/* ---- process_open_pid ---- */

static void a_procfd_of_a_pid(void)
{
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		pause();
		_exit(0);
	}
	int fd = process_open_pid(pid, 0);
	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(state(fd), PROC_STATE_RUNNING);
	CHECK_EQ(process_info(fd, PROC_INFO_PID, 0, NULL, 0), pid);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGTERM, NULL, 0), 0);
	struct pollfd p = { .fd = fd, .events = 0 };
	CHECK_EQ(poll(&p, 1, FOREVER_MS), 1);
	CHECK(p.revents & POLLHUP);
	expect_killed(fd, SIGTERM);
	/* It was reaped: the number is nothing's. */
	CHECK_ERR(process_open_pid(pid, 0), ESRCH);
	close(fd);
}

static void not_a_pid(void)
{
	settle();
	REFUSED(process_open_pid(0, 0), EINVAL, "process_open_pid(): 0 is no pid");
	REFUSED(process_open_pid(-1, 0), EINVAL, "-1 is no pid");
	REFUSED(process_open_pid(getpid(), 0x80), EINVAL, "0x80");
	REFUSED(process_open_pid(INT_MAX, 0), ESRCH, "there is no process 2147483647");
}

/* ---- procfd_status_text ---- */

static const char *said(uint32_t what, int status)
{
	static char text[64];
	struct procfd_wait w = { .what = what, .status = status };
	memset(text, 'x', sizeof text);
	CHECK_EQ(procfd_status_text(&w, text, sizeof text), strlen(text));
	return text;
}

static void a_status_in_words(void)
{
	CHECK_STR(said(PROC_EXITED, 0), "exit code 0");
	CHECK_STR(said(PROC_EXITED, 255), "exit code 255");
	CHECK_STR(said(PROC_KILLED, SIGKILL), "killed by SIGKILL");
	CHECK_STR(said(PROC_KILLED, SIGIO), "killed by SIGIO");
	CHECK_STR(said(PROC_KILLED, 64), "killed by signal 64");
	CHECK_STR(said(PROC_DUMPED, SIGSEGV), "killed by SIGSEGV, core dumped");
	CHECK_STR(said(PROC_STOPPED, SIGTSTP), "stopped by SIGTSTP");
	CHECK_STR(said(PROC_CONTINUED, 0), "continued");
}

/* As snprintf: the whole length, and never a byte too much. */
static void a_text_that_is_cut(void)
{
	struct procfd_wait w = { .what = PROC_EXITED, .status = 3 };
	char text[16];
	for (size_t size = 0; size <= 12; size++) {
		memset(text, 'x', sizeof text);
		CHECK_EQ(procfd_status_text(&w, text, size), 11);
		if (size > 0) {
			CHECK_EQ(strlen(text), size - 1);
			CHECK(!strncmp(text, "exit code 3", size - 1));
		}
		for (size_t i = size; i < sizeof text; i++)
			CHECK_EQ(text[i], 'x');
	}
	CHECK_EQ(procfd_status_text(&w, NULL, 0), 11);
}

static void no_status(void)
{
	struct procfd_wait w = { 0 };
	char text[16] = "as before";
	settle();
	REFUSED(procfd_status_text(&w, text, sizeof text), EINVAL, "what is 0");
	w.what = 6;
	REFUSED(procfd_status_text(&w, text, sizeof text), EINVAL, "what is 6");
	w.what = PROC_EXITED;
	REFUSED(procfd_status_text(NULL, text, sizeof text), EFAULT, "wait");
	REFUSED(procfd_status_text(&w, NULL, 1), EFAULT, "text");
	CHECK_STR(text, "as before");
}

TAP_MAIN(CASE(without_options), CASE(three_pipes), CASE(input_ends_with_our_end),
	 CASE(error_goes_where_output_goes), CASE(input_from_bytes), CASE(streams_by_descriptor),
	 CASE(with_closed_streams), CASE(program_environment_directory),
	 CASE(the_program_is_searched), CASE(the_close_signal_ends_it), CASE(without_a_watcher),
	 CASE(other_sizes), CASE(bad_arguments), CASE(at_the_descriptor_limit),
	 CASE(a_procfd_of_a_pid), CASE(not_a_pid), CASE(a_status_in_words),
	 CASE(a_text_that_is_cut), CASE(no_status))

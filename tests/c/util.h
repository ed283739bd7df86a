/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the test programs share: short forms of the four calls, pipes, facts, other processes. */
#ifndef UTIL_H
#define UTIL_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "child.h"
#include "tap.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#define NOBODY 65534
#define SECOND 1000000000ULL

/* Wait, bounded, until something that must come has come. */
#define UNTIL(cond)                                                                            \
	do {                                                                                   \
		long long end_ = now_ns() + FOREVER_MS * 1000000LL;                            \
		while (!(cond)) {                                                              \
			if (now_ns() > end_)                                                   \
				FAIL("never: %s", #cond);                                      \
			usleep(1000);                                                          \
		}                                                                              \
	} while (0)

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

/* musl's refuse every call: POSIX means processes, and Linux threads. */
#define sched_getscheduler(pid) ((int)syscall(SYS_sched_getscheduler, pid))
#define sched_getparam(pid, param) ((int)syscall(SYS_sched_getparam, pid, param))
#define sched_setscheduler sys_sched_setscheduler

UNUSED static int sys_sched_setscheduler(pid_t pid, int policy, const struct sched_param *param)
{
	return (int)syscall(SYS_sched_setscheduler, pid, policy, param);
}

static char self_path[PATH_MAX] UNUSED;

UNUSED static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

UNUSED static int sys_pidfd_open(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* ---- the four calls ---- */

UNUSED static int ctx_flags(uint64_t flags)
{
	int fd = process_open(flags);
	CHECK(fd >= 0);
	return fd;
}

UNUSED static int ctx(void)
{
	return ctx_flags(0);
}

#define CFG(fd, cmd, arg, data, size) CHECK_EQ(process_config(fd, cmd, arg, data, size), 0)
#define SET(fd, cmd, arg) CFG(fd, cmd, (uint64_t)(arg), NULL, 0)

/* The program and its arguments, up to NULL. */
UNUSED static void set_program(int fd, const char *path, ...)
{
	const char *argv[64] = { path };
	va_list ap;
	va_start(ap, path);
	for (int n = 1; n < 63 && (argv[n] = va_arg(ap, const char *)); n++)
		;
	va_end(ap);
	CFG(fd, PROC_SET_EXEC, 0, path, 0);
	CFG(fd, PROC_SET_ARGV, 0, argv, 0);
}

/* This program again, as the child. */
#define set_child(fd, ...) set_program(fd, self_path, "--child", __VA_ARGS__, (char *)NULL)

UNUSED static struct procfd_error last_error(int fd)
{
	struct procfd_error e;
	memset(&e, 0xee, sizeof e);
	CHECK_EQ(process_info(fd, PROC_INFO_ERROR, 0, &e, sizeof e), 0);
	CHECK(memchr(e.message, 0, sizeof e.message));
	CHECK_EQ(e.reserved, 0);
	return e;
}

UNUSED static pid_t create(int fd)
{
	int pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	if (pid < 0) {
		int err = errno;
		struct procfd_error e = last_error(fd);
		FAIL("PROC_CREATE: errno %d (%s), stage %u, index %u: %s", err, strerror(err),
		     e.stage, e.index, e.message);
	}
	return pid;
}

/* PROC_CREATE fails with this errno, at this stage and index (-1: whichever). */
#define CREATE_FAILS(fd, err, at, which)                                                       \
	do {                                                                                   \
		errno = 0;                                                                     \
		int pid_ = process_config(fd, PROC_CREATE, 0, NULL, 0), err_ = errno;          \
		struct procfd_error pe_ = last_error(fd);                                      \
		if (pid_ != -1 || err_ != (err) || pe_.saved_errno != err_ ||                  \
		    (int)pe_.stage != (int)(at) || ((which) >= 0 && (int)pe_.index != (which))) \
			FAIL("PROC_CREATE: %d, errno %d (%s); record: stage %u, index %u, "    \
			     "errno %d: %s; wanted %s, %s, %d", pid_, err_, strerror(err_),    \
			     pe_.stage, pe_.index, pe_.saved_errno, pe_.message, #err, #at,    \
			     (int)(which));                                                    \
		if (!pe_.message[0])                                                           \
			FAIL("no message");                                                    \
	} while (0)

UNUSED static int state(int fd)
{
	return process_info(fd, PROC_INFO_STATE, 0, NULL, 0);
}

/* Wait for the end, and not forever. */
UNUSED static struct procfd_wait wait_end(int fd)
{
	struct procfd_wait w = { .timeout_ns = FOREVER_MS * 1000000ULL };
	CHECK_EQ(process_manage(fd, PROC_WAIT, 0, &w, sizeof w), 0);
	return w;
}

#define WAIT_IS(fd, how, code)                                                                 \
	do {                                                                                   \
		struct procfd_wait w_ = wait_end(fd);                                          \
		CHECK_EQ(w_.what, how);                                                        \
		CHECK_EQ(w_.status, code);                                                     \
	} while (0)

UNUSED static void expect_exit(int fd, int code)
{
	WAIT_IS(fd, PROC_EXITED, code);
}

UNUSED static void expect_killed(int fd, int sig)
{
	WAIT_IS(fd, PROC_KILLED, sig);
}

/* End the process and collect it. */
UNUSED static void finish(int fd)
{
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0), 0);
	wait_end(fd);
	CHECK_EQ(close(fd), 0);
}

/* ---- pipes ---- */

struct out {
	int r, w;
};

UNUSED static struct out make_pipe(void)
{
	int p[2];
	CHECK_EQ(pipe2(p, O_CLOEXEC), 0);
	return (struct out){ p[0], p[1] };
}

UNUSED static void set_dup(int fd, int source, int target)
{
	struct procfd_dup d = { .source = source, .target = target };
	CFG(fd, PROC_FD_DUP, 0, &d, sizeof d);
}

/* Everything up to end of file. */
UNUSED static char *slurp(int fd)
{
	static char buf[262144];
	size_t n = 0;
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int r = poll(&p, 1, FOREVER_MS);
		if (r < 0 && errno == EINTR)
			continue;
		CHECK_EQ(r, 1);
		ssize_t l = read(fd, buf + n, sizeof buf - 1 - n);
		CHECK(l >= 0);
		if (l == 0)
			break;
		n += (size_t)l;
	}
	buf[n] = 0;
	return buf;
}

/* One line, without its newline; "" at end of file. */
UNUSED static char *read_line(int fd)
{
	static char buf[4096];
	size_t n = 0;
	while (n < sizeof buf - 1) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int r = poll(&p, 1, FOREVER_MS);
		if (r < 0 && errno == EINTR)
			continue;
		CHECK_EQ(r, 1);
		ssize_t l = read(fd, buf + n, 1);
		CHECK(l >= 0);
		if (l == 0 || buf[n] == '\n')
			break;
		n++;
	}
	buf[n] = 0;
	return buf;
}

/* The pid in the "ready PID" line of a child. */
UNUSED static pid_t read_ready(int fd)
{
	int pid = -1;
	char *line = read_line(fd);
	if (sscanf(line, "ready %d", &pid) != 1)
		FAIL("wanted \"ready PID\", got \"%s\"", line);
	return pid;
}

/* Standard output of the child goes into a new pipe, whose ends are out of the way of the numbers
 * that tests use. */
UNUSED static struct out set_output(int fd)
{
	struct rlimit l;
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &l), 0);
	int above = l.rlim_cur > 750 ? 700 : (int)l.rlim_cur - 50;
	struct out low = make_pipe(), o = { fcntl(low.r, F_DUPFD_CLOEXEC, above),
					    fcntl(low.w, F_DUPFD_CLOEXEC, above) };
	CHECK(o.r >= 0 && o.w >= 0);
	close(low.r);
	close(low.w);
	set_dup(fd, o.w, 1);
	return o;
}

/* Start, with standard output in a pipe; returns the reading end. */
UNUSED static int create_with_output(int fd, pid_t *pid)
{
	struct out o = set_output(fd);
	pid_t p = create(fd);
	if (pid)
		*pid = p;
	close(o.w);
	return o.r;
}

/* Start, and what the program prints until it ends. */
UNUSED static const char *printed(int fd)
{
	int output = create_with_output(fd, NULL);
	const char *text = slurp(output);
	close(output);
	wait_end(fd);
	return text;
}

/* The same, and the context is closed. */
UNUSED static const char *printed_and_closed(int fd)
{
	const char *text = printed(fd);
	close(fd);
	return text;
}

/* A user's start is refused without no_new_privs, and succeeds with it. */
UNUSED static void needs_no_new_privs(int fd)
{
	CREATE_FAILS(fd, EPERM, PROC_STAGE_PLAN, -1);
	CHECK(strstr(last_error(fd).message, "PROC_SET_NO_NEW_PRIVS"));
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	create(fd);
	expect_exit(fd, 0);
	close(fd);
}

/* ---- facts ---- */

/* Start the child in its "facts" mode, collect what it says, see it exit with 0. Keeps fd open. */
UNUSED static const char *facts_into(int fd, struct out o)
{
	set_child(fd, "facts");
	create(fd);
	close(o.w);
	char *text = slurp(o.r);
	close(o.r);
	expect_exit(fd, 0);
	return text;
}

UNUSED static const char *facts(int fd)
{
	return facts_into(fd, set_output(fd));
}

/* The value of one key, "" when it is not there. The last eight answers stay valid. */
UNUSED static const char *fact(const char *text, const char *key)
{
	static char ring[8][8192];
	static int next;
	char *to = ring[next++ & 7];
	size_t k = strlen(key);
	for (const char *p = text; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : p)
		if (!strncmp(p, key, k) && p[k] == '=') {
			const char *v = p + k + 1, *e = strchr(v, '\n');
			size_t n = e ? (size_t)(e - v) : strlen(v);
			n = n < 8191 ? n : 8191;
			memcpy(to, v, n);
			to[n] = 0;
			return to;
		}
	to[0] = 0;
	return to;
}

UNUSED static long long fact_n(const char *text, const char *key)
{
	const char *v = fact(text, key);
	if (!*v)
		FAIL("no fact %s in:\n%.3000s", key, text);
	return strtoll(v, NULL, 10);
}

UNUSED static unsigned long long fact_x(const char *text, const char *key)
{
	return strtoull(fact(text, key), NULL, 16);
}

#define FACT_IS(text, key, want) CHECK_STR(fact(text, key), want)

/* One field of /proc/PID/status, blanks as they are; "" when there is none. */
UNUSED static const char *status_of(pid_t pid, const char *key)
{
	static char value[1024];
	char path[64], line[1024];
	value[0] = 0;
	snprintf(path, sizeof path, "/proc/%d/status", pid);
	FILE *f = fopen(path, "re");
	size_t k = strlen(key);
	while (f && fgets(line, sizeof line, f))
		if (!strncmp(line, key, k) && line[k] == ':') {
			line[strcspn(line, "\n")] = 0;
			char *v = line + k + 1;
			strcpy(value, v + strspn(v, " \t"));
			break;
		}
	if (f)
		fclose(f);
	return value;
}

/* The pid of the process that a pidfd is for, by the kernel; -1 for another descriptor. */
UNUSED static pid_t pid_in_fdinfo(int pidfd)
{
	char path[64], line[128];
	int pid = -1;
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof line, f))
		sscanf(line, "Pid: %d", &pid);
	if (f)
		fclose(f);
	return pid;
}

#include "others.h"

/* ---- the program ---- */

/* What the library keeps for dead contexts goes at the next process_open. */
UNUSED static void sweep(void)
{
	for (int i = 0; i < 2; i++) {
		int fd = process_open(0);
		if (fd >= 0)
			close(fd);
	}
}

UNUSED static void warm_up(void)
{
	int fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	create(fd);
	expect_exit(fd, 0);
	close(fd);
	/* From the first question that needs it the library keeps a descriptor of /proc. */
	struct procfd_info info;
	int self = sys_pidfd_open(getpid());
	process_info(self, PROC_INFO, PROC_FIELD_STATE, &info, sizeof info);
	close(self);
	sweep();
}

UNUSED static void find_self(void)
{
	ssize_t n = readlink("/proc/self/exe", self_path, sizeof self_path - 1);
	self_path[n > 0 ? n : 0] = 0;
	tap_warm = warm_up;
	tap_sweep = sweep;
}

#define TAP_MAIN(...)                                                                          \
	int main(int argc, char **argv)                                                        \
	{                                                                                      \
		static const struct tap_case cases[] = { __VA_ARGS__ };                        \
		if (argc > 1 && !strcmp(argv[1], "--child"))                                   \
			return child_main(argc, argv);                                         \
		find_self();                                                                   \
		return tap_main(argc, argv, cases, (int)(sizeof cases / sizeof *cases));       \
	}

#endif

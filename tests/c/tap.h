/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A small TAP harness.
 *
 * Each case runs in a process of its own, in its own process group, under a time limit. Descriptors
 * and children are counted before and after it. The runner is a subreaper: whatever process a case
 * leaves behind, at whatever depth, ends up with it, is reported and is killed.
 */
#ifndef TAP_H
#define TAP_H

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

/* No warm-up before the case: it wants to see the first use of the library in a process. */
#define TAP_COLD 0x1u

/* Descriptors the library may keep for good after its first use in a process. */
#define TAP_COLD_FDS 6

#define TAP_SKIPPED 77

/* How much slower than usual the machine is: time limits are so many times longer. An emulated guest sets it. */
static int tap_factor = 1;

/* Long enough that only "waits forever" reaches it. */
#define FOREVER_MS (20000 * tap_factor)

__attribute__((constructor)) static void tap_read_factor(void)
{
	const char *factor = getenv("PROCFD_TEST_FACTOR");
	if (factor && atoi(factor) > 0)
		tap_factor = atoi(factor);
}

struct tap_case {
	const char *name;
	void (*run)(void);
	unsigned flags;
	unsigned seconds; /* time limit, 0 for the usual one */
};

#define CASE(f) { #f, f, 0, 0 }
#define COLD(f) { #f, f, TAP_COLD, 0 }
#define SLOW(f, s) { #f, f, 0, s }

struct tap_shared {
	char reason[256];
	int privilege; /* the skip is one of privilege, not of a missing feature */
};

static struct tap_shared *tap_shared;
/* Set by util.h: use the library once, and let it drop what it kept for dead contexts. */
static void (*tap_warm)(void) UNUSED;
static void (*tap_sweep)(void) UNUSED;

__attribute__((format(printf, 1, 2))) UNUSED static void diag(const char *fmt, ...)
{
	char buf[2048];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(buf, sizeof buf, fmt, ap);
	va_end(ap);
	int saved = errno;
	dprintf(STDOUT_FILENO, "# %s\n", buf);
	errno = saved;
}

#define FAIL(...)                                     \
	do {                                          \
		diag("%s:%d:", __FILE__, __LINE__);   \
		diag(__VA_ARGS__);                    \
		_exit(1);                             \
	} while (0)

#define CHECK(cond)                                                                            \
	do {                                                                                   \
		if (!(cond))                                                                   \
			FAIL("%s (errno %d, %s)", #cond, errno, strerror(errno));              \
	} while (0)

#define CHECK_EQ(a, b)                                                                         \
	do {                                                                                   \
		long long va_ = (long long)(a), vb_ = (long long)(b);                          \
		if (va_ != vb_)                                                                \
			FAIL("%s is %lld, %s is %lld (errno %d, %s)", #a, va_, #b, vb_, errno, \
			     strerror(errno));                                                 \
	} while (0)

#define CHECK_ERR(call, want)                                                                  \
	do {                                                                                   \
		errno = 0;                                                                     \
		long long rc_ = (long long)(call);                                             \
		int e_ = errno;                                                                \
		if (rc_ != -1 || e_ != (want))                                                 \
			FAIL("%s: returned %lld, errno %d (%s); wanted -1, %s", #call, rc_,    \
			     e_, strerror(e_), #want);                                         \
	} while (0)

#define CHECK_STR(a, b)                                                                        \
	do {                                                                                   \
		const char *sa_ = (a), *sb_ = (b);                                             \
		if (!sa_ || !sb_ || strcmp(sa_, sb_))                                          \
			FAIL("%s is \"%s\", wanted \"%s\"", #a, sa_ ? sa_ : "(null)",          \
			     sb_ ? sb_ : "(null)");                                            \
	} while (0)

#define SKIP(...)                                                                              \
	do {                                                                                   \
		snprintf(tap_shared->reason, sizeof tap_shared->reason, __VA_ARGS__);          \
		_exit(TAP_SKIPPED);                                                            \
	} while (0)

/* A privilege the run does not have: never a failure, the other run covers it. */
#define NEED_ROOT()                                                                            \
	do {                                                                                   \
		if (geteuid() != 0) {                                                          \
			tap_shared->privilege = 1;                                             \
			SKIP("needs root");                                                    \
		}                                                                              \
	} while (0)

UNUSED static long long now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* A nice value `by` above the caller's own, or the highest: every user may set it, however the run was started. */
UNUSED static int nicer(int by)
{
	int higher = getpriority(PRIO_PROCESS, 0) + by;
	return higher < 19 ? higher : 19;
}

/* Open descriptors of the caller; `list`, when given, gets what each of them is. */
UNUSED static int tap_fds(char *list, size_t size)
{
	DIR *d = opendir("/proc/self/fd");
	if (!d)
		return -1;
	int n = 0;
	size_t used = 0;
	for (struct dirent *e; (e = readdir(d));) {
		if (!isdigit((unsigned char)e->d_name[0]) || atoi(e->d_name) == dirfd(d))
			continue;
		n++;
		if (list && used + 300 < size) {
			char target[256];
			ssize_t l = readlinkat(dirfd(d), e->d_name, target, sizeof target - 1);
			target[l > 0 ? l : 0] = 0;
			used += (size_t)sprintf(list + used, " %.10s:%.255s", e->d_name, target);
		}
	}
	closedir(d);
	return n;
}

/* One that the kernel has reaped by itself, or another thread: /proc names it for an instant more. */
static int tap_is_gone(int child)
{
	siginfo_t info;
	return waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) != 0 && errno == ECHILD;
}

/* The caller's children, zombies included; their pids go to `list`. */
UNUSED static int tap_children(int *list, int max)
{
	DIR *d = opendir("/proc/self/task");
	if (!d)
		return -1;
	int n = 0;
	for (struct dirent *e; (e = readdir(d));) {
		char path[64];
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		snprintf(path, sizeof path, "/proc/self/task/%.20s/children", e->d_name);
		FILE *f = fopen(path, "re");
		if (!f)
			continue;
		for (int pid; fscanf(f, "%d", &pid) == 1;) {
			if (tap_is_gone(pid))
				continue;
			if (list && n < max)
				list[n] = pid;
			n++;
		}
		fclose(f);
	}
	closedir(d);
	return n;
}

static void tap_describe(int pid, const char *what)
{
	char path[64], cmd[512] = "", stat[512] = "";
	snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, cmd, sizeof cmd - 1);
	close(fd);
	for (ssize_t i = 0; i + 1 < n; i++)
		if (!cmd[i])
			cmd[i] = ' ';
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, stat, sizeof stat - 1);
	close(fd);
	char *state = strrchr(stat, ')');
	diag("%s: pid %d, state %c: %s", what, pid, state && state[1] ? state[2] : '?', cmd);
}

static void tap_case_process(const struct tap_case *c)
{
	char before[16384] = "", after[16384] = "";
	int kids[16];
	if (!(c->flags & TAP_COLD) && tap_warm)
		tap_warm();
	int had = tap_fds(before, sizeof before);
	c->run();
	if (tap_sweep)
		tap_sweep();
	int has = tap_fds(after, sizeof after);
	int slack = c->flags & TAP_COLD ? TAP_COLD_FDS : 0;
	int bad = 0;
	if (had < 0 || has < 0) {
		diag("cannot count descriptors");
		bad = 1;
	} else if (has > had + slack || has < had) {
		diag("descriptors: %d before, %d after", had, has);
		diag("before:%s", before);
		diag("after:%s", after);
		bad = 1;
	}
	int n = tap_children(kids, 16);
	for (int i = 0; i < n && i < 16; i++)
		tap_describe(kids[i], "child left");
	_exit(bad || n ? 1 : 0);
}

/* Reap, and after a grace period kill, whatever a case has left. Returns how many had to be killed. */
static int tap_reap_orphans(int grace_ms)
{
	int killed = 0, kids[64];
	long long end = now_ns() + grace_ms * 1000000LL;
	for (;;) {
		while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
			;
		int n = tap_children(kids, 64);
		if (n <= 0)
			return killed;
		if (now_ns() >= end)
			for (int i = 0; i < n && i < 64; i++) {
				tap_describe(kids[i], "process left");
				kill(kids[i], SIGKILL);
				killed++;
			}
		usleep(2000);
	}
}

static int tap_run(const struct tap_case *c, int number)
{
	memset(tap_shared, 0, sizeof *tap_shared);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		tap_case_process(c);
	}
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), status = 0, timed_out = 0;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int limit = (int)(c->seconds ? c->seconds : 60) * 1000 * tap_factor;
	long long end = now_ns() + limit * 1000000LL;
	int r;
	do {
		long long left = end - now_ns();
		r = poll(&p, 1, left > 0 ? (int)(left / 1000000) : 0);
	} while (r < 0 && errno == EINTR);
	if (r == 0) {
		timed_out = 1;
		tap_describe(pid, "time is up");
		kill(pid, SIGKILL);
	}
	close(fd);
	while ((r = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
		;
	if (r != pid) {
		diag("%s: how it ended is lost: errno %d", c->name, errno);
		status = 1 << 8;
	}
	int skipped = !timed_out && WIFEXITED(status) && WEXITSTATUS(status) == TAP_SKIPPED;
	int left = tap_reap_orphans(status && !skipped ? 0 : 10000 * tap_factor);
	const char *must = getenv("PROCFD_MUST_WORK");
	if (skipped) {
		int bad = must && !strcmp(must, "1") && !tap_shared->privilege;
		printf("%sok %d - %s # SKIP %s\n", bad ? "not " : "", number, c->name,
		       tap_shared->reason);
		fflush(stdout);
		return bad;
	}
	int bad = timed_out || status || left;
	if (timed_out)
		diag("%s: still not done after %d s", c->name, limit / 1000);
	else if (WIFSIGNALED(status))
		diag("%s: killed by signal %d", c->name, WTERMSIG(status));
	printf("%sok %d - %s\n", bad ? "not " : "", number, c->name);
	fflush(stdout);
	return bad;
}

/* With an argument, only the cases whose name contains it. */
UNUSED static int tap_main(int argc, char **argv, const struct tap_case *cases, int n)
{
	int bad = 0, number = 0, selected = 0;
	tap_shared = mmap(NULL, sizeof *tap_shared, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	/* While SIGCHLD is ignored, waitpid cannot tell how a child has ended: a case sets that for itself. */
	signal(SIGCHLD, SIG_DFL);
	/* Cases count descriptors from 0 to 2 on. */
	int null;
	while ((null = open("/dev/null", O_RDWR)) >= 0 && null <= STDERR_FILENO)
		;
	syscall(SYS_close_range, 3u, ~0u, 0u); /* a job server's descriptors, for one */
	for (int i = 0; i < n; i++)
		selected += argc < 2 || strstr(cases[i].name, argv[1]);
	printf("1..%d\n", selected);
	for (int i = 0; i < n; i++)
		if (argc < 2 || strstr(cases[i].name, argv[1]))
			bad += tap_run(&cases[i], ++number);
	if (bad)
		printf("# %d of %d failed\n", bad, selected);
	return bad ? 1 : 0;
}

#endif

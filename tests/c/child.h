/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a test program does when it is started as the child: `program --child MODE [args]`.
 * The modes report facts about themselves with raw system calls, so that nothing but the kernel
 * and the library under test decides what they say.
 */
#ifndef CHILD_H
#define CHILD_H

#include "tap.h"

#include <grp.h>
#include <procfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>

extern char **environ;

/* A mode that outlives its test by a bug ends by itself after this many seconds. */
#define CHILD_LIFE 120

static char facts_buf[262144];
static size_t facts_len;

__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(facts_buf + facts_len, sizeof facts_buf - facts_len, fmt, ap);
	va_end(ap);
	if (n > 0 && facts_len + (size_t)n < sizeof facts_buf)
		facts_len += (size_t)n;
}

static int say_flush(int fd)
{
	for (size_t at = 0; at < facts_len;) {
		ssize_t n = write(fd, facts_buf + at, facts_len - at);
		if (n <= 0)
			return -1;
		at += (size_t)n;
	}
	facts_len = 0;
	return 0;
}

/* One file as one line: newlines become ';', runs of blanks one blank. */
static void say_file(const char *key, const char *path)
{
	char buf[8192];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	ssize_t n = read(fd, buf, sizeof buf - 1);
	close(fd);
	buf[n > 0 ? n : 0] = 0;
	say("%s=", key);
	int blank = 1;
	for (char *p = buf; *p; p++) {
		if (*p == '\n') {
			say("%s", p[1] ? ";" : "");
			blank = 1;
		} else if (*p == ' ' || *p == '\t') {
			blank = blank ? blank : 2;
		} else {
			say("%s%c", blank == 2 ? " " : "", *p);
			blank = 0;
		}
	}
	say("\n");
}

static void say_link(const char *key, const char *path)
{
	char buf[4096];
	ssize_t n = readlink(path, buf, sizeof buf - 1);
	if (n >= 0) {
		buf[n] = 0;
		say("%s=%s\n", key, buf);
	}
}

static void say_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned char open_fd[8192] = { 0 };
	int top = 0;
	if (d) {
		for (struct dirent *e; (e = readdir(d));) {
			int n = atoi(e->d_name);
			if (!isdigit((unsigned char)e->d_name[0]) || n == dirfd(d) || n > 8191)
				continue;
			open_fd[n] = 1;
			top = n > top ? n : top;
		}
		closedir(d);
	} else {
		for (int n = 0; n < 8192; n++)
			if (fcntl(n, F_GETFD) >= 0)
				open_fd[n] = 1, top = n;
	}
	say("fds=");
	for (int n = 0, first = 1; n <= top; n++)
		if (open_fd[n])
			say("%s%d", first ? "" : " ", n), first = 0;
	say("\n");
}

static void say_signals(void)
{
	sigset_t set;
	unsigned long long blocked = 0, ignored = 0, caught = 0;
	sigprocmask(SIG_BLOCK, NULL, &set);
	for (int s = 1; s <= 64; s++) {
		/* The kernel's own structure: glibc hides 32 and 33. */
		struct { void *handler; unsigned long flags; void *restorer; unsigned long mask; } ksa;
		if (syscall(SYS_rt_sigaction, s, NULL, &ksa, 8) == 0) {
			if (ksa.handler == (void *)SIG_IGN)
				ignored |= 1ULL << (s - 1);
			else if (ksa.handler != (void *)SIG_DFL)
				caught |= 1ULL << (s - 1);
		}
	}
	syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &blocked, 8);
	say("blocked=%llx\nignored=%llx\ncaught=%llx\n", blocked, ignored, caught);
}

static void say_ids(void)
{
	uid_t r, e, s;
	gid_t list[128];
	getresuid(&r, &e, &s);
	say("uid=%u %u %u\n", r, e, s);
	getresgid(&r, &e, &s);
	say("gid=%u %u %u\n", r, e, s);
	int n = getgroups(128, list);
	say("groups=");
	for (int i = 0; i < n; i++)
		say("%s%u", i ? " " : "", list[i]);
	say("\npid=%d\nppid=%d\npgid=%d\nsid=%d\n", getpid(), getppid(), getpgrp(), getsid(0));
}

static void say_namespaces(void)
{
	static const char *const ns[] = { "mnt", "uts", "ipc", "pid", "net", "cgroup", "time", "user" };
	for (size_t i = 0; i < sizeof ns / sizeof *ns; i++) {
		char key[32], path[64];
		snprintf(key, sizeof key, "ns.%s", ns[i]);
		snprintf(path, sizeof path, "/proc/self/ns/%s", ns[i]);
		say_link(key, path);
	}
	say_file("uid_map", "/proc/self/uid_map");
	say_file("gid_map", "/proc/self/gid_map");
	say_file("setgroups", "/proc/self/setgroups");
}

/* Everything a process can say about itself, as key=value lines. */
static void say_facts(int argc, char **argv)
{
	char buf[4096];
	say_fds();
	say_signals();
	say_ids();
	say_namespaces();
	mode_t mask = umask(0);
	umask(mask);
	int pds = -1;
	prctl(PR_GET_PDEATHSIG, &pds);
	errno = 0;
	say("umask=%o\nnice=%d\nnnp=%d\ndumpable=%d\npdeathsig=%d\n", mask,
	    getpriority(PRIO_PROCESS, 0), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
	    prctl(PR_GET_DUMPABLE), pds);
	say("cwd=%s\n", getcwd(buf, sizeof buf) ? buf : "?");
	gethostname(buf, sizeof buf);
	say("hostname=%s\n", buf);
	say_link("exe", "/proc/self/exe");
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		struct rlimit l;
		if (getrlimit(i, &l) == 0)
			say("rlimit.%d=%llu %llu\n", i, (unsigned long long)l.rlim_cur,
			    (unsigned long long)l.rlim_max);
	}
	int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (tty >= 0) {
		say("tpgid=%d\ntty=%s\n", tcgetpgrp(tty), ttyname(tty) ? ttyname(tty) : "?");
		close(tty);
	}
	int n = 0;
	for (char **e = environ; *e; e++, n++)
		say("env.%s\n", *e);
	say("envc=%d\nargc=%d\n", n, argc);
	for (int i = 0; i < argc; i++)
		say("argv.%d=%.2000s\n", i, argv[i]);
}

static void child_on_signal(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	char buf[128];
	int n = snprintf(buf, sizeof buf, "sig=%d code=%d value=%llx pid=%d\n", sig, si->si_code,
			 (unsigned long long)(uintptr_t)si->si_value.sival_ptr, si->si_pid);
	ssize_t w = write(1, buf, (size_t)n);
	_exit(w == n ? 0 : 1);
}

__attribute__((noreturn)) static int child_forever(void)
{
	for (;;)
		pause();
}

/* What another process sees through an inherited procfd. */
static int child_use(int fd, const char *what)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int ready = poll(&p, 1, 0);
	say("state=%d\npoll=%d\nevents=%d\n", process_info(fd, PROC_INFO_STATE, 0, NULL, 0), ready,
	    p.revents);
	say("pid=%d\n", process_info(fd, PROC_INFO_PID, 0, NULL, 0));
	if (!strcmp(what, "kill"))
		say("kill=%d\n", process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0));
	if (!strcmp(what, "wait")) {
		struct procfd_wait w = { .timeout_ns = 20000000000ULL };
		int r = process_manage(fd, PROC_WAIT, 0, &w, sizeof w);
		say("wait=%d\nerrno=%d\nwhat=%u\nstatus=%d\n", r, r ? errno : 0, w.what, w.status);
	}
	return say_flush(1);
}

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif
#ifndef PR_SET_MEMORY_MERGE
#define PR_SET_MEMORY_MERGE 67
#define PR_GET_MEMORY_MERGE 68
#endif
#ifndef PR_SCHED_CORE
#define PR_SCHED_CORE 62
#endif

/* The core dump filter, and what the getters of prctl(2) say. */
static void memory_text(char text[64])
{
	char filter[16] = "";
	int f = open("/proc/self/coredump_filter", O_RDONLY | O_CLOEXEC);
	CHECK(f >= 0 && read(f, filter, sizeof filter - 1) > 0);
	close(f);
	snprintf(text, 64, "%lx %d %d %d\n", strtoul(filter, NULL, 16), prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0),
		 prctl(PR_GET_MEMORY_MERGE, 0, 0, 0, 0), prctl(PR_GET_MDWE, 0, 0, 0, 0));
}

static int tells_of_its_memory(void)
{
	char text[64];
	memory_text(text);
	return write(1, text, strlen(text)) < 0;
}

/* 0 for a process with a core scheduling cookie. */
static int asks_for_a_cookie(void)
{
	unsigned long cookie = 0;
	return prctl(PR_SCHED_CORE, 0, 0, 0, &cookie) || !cookie;
}

static int child_main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[2] : "";
	const char *arg = argc > 3 ? argv[3] : "0";
	int n = atoi(arg);
	alarm(CHILD_LIFE * (unsigned)tap_factor);
	if (!strcmp(mode, "exit"))
		return n;
	if (!strcmp(mode, "memory"))
		return tells_of_its_memory();
	if (!strcmp(mode, "cookie"))
		return asks_for_a_cookie();
	if (!strcmp(mode, "pause"))
		return child_forever();
	if (!strcmp(mode, "facts")) {
		alarm(0);
		say_facts(argc, argv);
		return say_flush(1) ? 3 : 0;
	}
	if (!strcmp(mode, "kill")) {
		signal(n, SIG_DFL);
		kill(getpid(), n);
		return child_forever();
	}
	if (!strcmp(mode, "ready")) { /* say so, then stay */
		dprintf(1, "ready %d\n", getpid());
		return child_forever();
	}
	if (!strcmp(mode, "gate")) { /* exit with a code at end of input */
		char c;
		while (read(0, &c, 1) > 0)
			;
		return n;
	}
	if (!strcmp(mode, "trap")) { /* say which signal came, and leave */
		struct sigaction sa = { .sa_sigaction = child_on_signal, .sa_flags = SA_SIGINFO };
		sigaction(n, &sa, NULL);
		dprintf(1, "ready %d\n", getpid());
		return child_forever();
	}
	if (!strcmp(mode, "family")) { /* a child of its own, in the same group */
		pid_t pid = fork();
		if (pid == 0)
			return child_forever();
		dprintf(1, "ready %d\n", pid);
		return child_forever();
	}
	if (!strcmp(mode, "stop")) {
		kill(getpid(), SIGSTOP);
		return n;
	}
	if (!strcmp(mode, "burn")) {
		struct rusage u;
		do
			getrusage(RUSAGE_SELF, &u);
		while (u.ru_utime.tv_sec * 1000L + u.ru_utime.tv_usec / 1000 < n);
		return 0;
	}
	if (!strcmp(mode, "setuid")) { /* change the uid, then stay */
		if (setresuid((uid_t)n, (uid_t)n, (uid_t)n))
			return 3;
		dprintf(1, "ready %d\n", getpid());
		return child_forever();
	}
	if (!strcmp(mode, "again")) { /* execute the program once more, with the rest */
		char self[4096];
		ssize_t l = readlink("/proc/self/exe", self, sizeof self - 1);
		self[l > 0 ? l : 0] = 0;
		argv[1] = argv[0];
		argv[2] = "--child";
		execv(self, argv + 1);
		return 3;
	}
	if (!strcmp(mode, "content")) { /* copy descriptor n to standard output */
		char buf[4096];
		for (ssize_t l; (l = read(n, buf, sizeof buf)) > 0;)
			if (write(1, buf, (size_t)l) != l)
				return 3;
		return 0;
	}
	if (!strcmp(mode, "use"))
		return child_use(n, argc > 4 ? argv[4] : "");
	dprintf(2, "# unknown child mode %s\n", mode);
	return 125;
}

#endif

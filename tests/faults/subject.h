/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The process that is tortured: it runs a scenario between two marks, then looks for what the fault
 * has left, and runs the scenario again, which must succeed.
 */
#ifndef SUBJECT_H
#define SUBJECT_H

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <procfd.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* System calls that no kernel has: the tracer sees them at the begin and the end of the scenario. */
#define MARK_BEGIN 0x7e5701
#define MARK_END 0x7e5702

/* A program that outlives its test by a bug ends by itself after this many seconds. */
#define PROGRAM_LIFE 60
#define PATIENCE_MS 5000
#define EXIT_CODE 23

struct report {
	int created; /* PROC_CREATE's result in the tortured pass */
	int error;   /* its errno */
	int opened;  /* process_open and the settings worked */
	unsigned stage;
	int ended;   /* wait's status of a program that ends by itself, or -1 */
	int fds;     /* open at the end */
	int done;    /* all checks were made */
	char message[PROCFD_ERROR_MESSAGE_MAX];
	char fault[256];
};

struct scenario {
	const char *name;
	uint64_t flags;   /* of process_open */
	int needs_root;
	int kill_on_close;
	int cold;         /* no start before, so that the watcher starts under torture */
	int (*configure)(int fd);
};

static char self_path[4096];
/* A fault of the subject's own, for the test of the test: "leak" or "unarmed". */
static const char *broken = "";

static int set(int fd, unsigned command, uint64_t arg, const void *data, size_t size)
{
	return process_config(fd, command, arg, (void *)data, size) < 0 ? -1 : 0;
}

static int no_more(int fd)
{
	(void)fd;
	return 0;
}

static int credentials(int fd)
{
	return set(fd, PROC_SET_GROUPS, 0, NULL, 0) || set(fd, PROC_SET_GID, 65534, NULL, 0) ||
	       set(fd, PROC_SET_UID, 65534, NULL, 0) || set(fd, PROC_SET_SESSION, 1, NULL, 0) ||
	       set(fd, PROC_SET_CWD, 0, "/", 0) || set(fd, PROC_SET_NO_NEW_PRIVS, 1, NULL, 0);
}

/* Root's two lines are written by the creator, a user's one line by the child. */
static int namespaces(int fd)
{
	struct procfd_idmap two[] = { { 0, 0, 1, 0 }, { 1, 1000, 1, 0 } };
	struct procfd_idmap u = { 0, getuid(), 1, 0 }, g = { 0, getgid(), 1, 0 };
	int root = geteuid() == 0;
	return set(fd, PROC_SET_FLAG, CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWNS, NULL, 0) ||
	       set(fd, PROC_SET_UID_MAP, 0, root ? two : &u, root ? sizeof two : sizeof u) ||
	       set(fd, PROC_SET_GID_MAP, 0, root ? two : &g, root ? sizeof two : sizeof g) ||
	       set(fd, PROC_SET_HOSTNAME, 0, "torture", 0);
}

static int built_in_init(int fd)
{
	return set(fd, PROC_SET_FLAG, CLONE_NEWPID | (geteuid() ? CLONE_NEWUSER : 0), NULL, 0) ||
	       set(fd, PROC_SET_INIT, 1, NULL, 0);
}

static const struct scenario scenarios[] = {
	{ "plain", PROCFD_NO_WATCH, 0, 0, 0, no_more },
	{ "close policy", PROCFD_NO_WATCH, 0, 1, 0, no_more },
	{ "credentials", PROCFD_NO_WATCH, 1, 1, 0, credentials },
	{ "namespaces with maps", PROCFD_NO_WATCH, 0, 1, 0, namespaces },
	{ "watcher", 0, 0, 0, 1, no_more },
	{ "built-in init", PROCFD_NO_WATCH, 0, 1, 0, built_in_init },
};
#define N_SCENARIOS ((int)(sizeof scenarios / sizeof *scenarios))

__attribute__((format(printf, 2, 3))) static void fault(struct report *r, const char *fmt, ...)
{
	va_list ap;
	if (r->fault[0])
		return;
	va_start(ap, fmt);
	vsnprintf(r->fault, sizeof r->fault, fmt, ap);
	va_end(ap);
}

/* What a start must leave as it is in the creator. */
struct own_state {
	sigset_t mask;
	int dumpable, nice;
	mode_t umask;
	uid_t uid;
	char cwd[1024];
};

static struct own_state own_state(void)
{
	struct own_state s;
	memset(&s, 0, sizeof s);
	sigprocmask(SIG_BLOCK, NULL, &s.mask);
	s.dumpable = prctl(PR_GET_DUMPABLE);
	s.nice = getpriority(PRIO_PROCESS, 0);
	s.umask = umask(0);
	umask(s.umask);
	s.uid = geteuid();
	if (!getcwd(s.cwd, sizeof s.cwd))
		s.cwd[0] = 0;
	return s;
}

static int open_descriptors(void)
{
	int n = 0;
	DIR *d = opendir("/proc/self/fd");
	for (struct dirent *e; d && (e = readdir(d));)
		n += e->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

/* A child that is not the watcher, or a zombie; 0 when there is none. */
static pid_t left_child(char *what, size_t size)
{
	char path[64], list[512], line[256];
	snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(list, 1, sizeof list - 1, f) : 0;
	if (f)
		fclose(f);
	list[n] = 0;
	for (char *p = list, *e; *p; p = e + strspn(e, " ")) {
		pid_t pid = (pid_t)strtol(p, &e, 10);
		if (e == p)
			break;
		snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
		f = fopen(path, "re");
		n = f ? fread(line, 1, sizeof line - 1, f) : 0;
		if (f)
			fclose(f);
		line[n] = 0;
		if (!strncmp(line, "procfd-watch", 12))
			continue;
		snprintf(what, size, "%s", n ? line : "zombie");
		return pid;
	}
	return 0;
}

/* What the library keeps for closed contexts goes at the next process_open. */
static void sweep(void)
{
	for (int i = 0; i < 2; i++) {
		int fd = process_open(PROCFD_NO_WATCH);
		if (fd >= 0)
			close(fd);
	}
}

static int has_ended(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int n;
	while ((n = poll(&p, 1, PATIENCE_MS)) < 0 && errno == EINTR)
		;
	return n == 1;
}

/* One start; what follows PROC_CREATE happens after the mark, without a fault. */
static void pass(const struct scenario *s, struct report *r, int tortured)
{
	const char *const argv[] = { "torture", "--program", s->kill_on_close ? "pause" : "exit", NULL };
	struct procfd_wait w = { .timeout_ns = PATIENCE_MS * 1000000ULL };
	struct procfd_error e;
	memset(r, 0, offsetof(struct report, fault));
	memset(&e, 0, sizeof e);
	r->ended = -1;
	r->created = -1;
	if (tortured)
		syscall(MARK_BEGIN);
	int fd = process_open(s->flags);
	int bad = fd < 0 || set(fd, PROC_SET_EXEC, 0, self_path, 0) ||
		  set(fd, PROC_SET_ARGV, 0, argv, 0) || s->configure(fd) ||
		  (s->kill_on_close && (!tortured || strcmp(broken, "unarmed")) &&
		   set(fd, PROC_SET_CLOSE, SIGKILL, NULL, 0));
	r->opened = !bad;
	if (!bad)
		r->created = process_config(fd, PROC_CREATE, 0, NULL, 0);
	r->error = r->created < 0 ? errno : 0;
	if (tortured)
		syscall(MARK_END);
	snprintf(r->message, sizeof r->message, "%s", r->created < 0 ? procfd_error_message() : "");
	if (fd < 0)
		return;
	if (r->created < 0 && !strcmp(broken, "leak"))
		open("/", O_RDONLY | O_CLOEXEC);
	if (r->created < 0) {
		if (process_info(fd, PROC_INFO_ERROR, 0, &e, sizeof e) == 0)
			r->stage = e.stage;
		if (r->opened && process_info(fd, PROC_INFO_STATE, 0, NULL, 0) != PROC_STATE_CONFIGURING)
			fault(r, "a context whose start failed is not configuring");
	} else if (s->kill_on_close) {
		int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
		if (pidfd < 0)
			fault(r, "no pidfd: errno %d", errno);
		close(fd);
		fd = -1;
		if (pidfd >= 0 && !has_ended(pidfd))
			fault(r, "an armed child outlives its last procfd");
		/* So that it is not in the way of what follows. */
		if (r->fault[0] && pidfd >= 0)
			syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
		close(pidfd);
	} else if (process_manage(fd, PROC_WAIT, 0, &w, sizeof w)) {
		fault(r, "PROC_WAIT: errno %d", errno);
	} else {
		r->ended = w.what == PROC_EXITED ? w.status : 1000 + w.status;
	}
	if (fd >= 0)
		close(fd);
}

/* The whole life of the subject. `go` has a byte when the tracer is there. */
static void subject(const struct scenario *s, struct report *r, int go)
{
	static struct report again;
	char c, what[256] = "";
	alarm(PROGRAM_LIFE);
	if (!s->cold)
		pass(s, &again, 0);
	else /* what the library keeps without a start */
		sweep();
	struct own_state before = own_state();
	if (read(go, &c, 1) != 1)
		_exit(1);
	pass(s, r, 1);
	struct own_state after = own_state();
	if (memcmp(&before, &after, sizeof before))
		fault(r, "the creator's mask, dumpable, nice, umask, uid or directory has changed");
	pass(s, &again, 0);
	if (again.fault[0])
		fault(r, "the next start: %.200s", again.fault);
	else if (again.created <= 0)
		fault(r, "the next start: errno %d, %.180s", again.error, again.message);
	else if (!s->kill_on_close && again.ended != EXIT_CODE)
		fault(r, "the next program ends with %d", again.ended);
	pid_t left = 1;
	for (int i = 0; left && i < PATIENCE_MS / 10; i++) {
		sweep();
		if ((left = left_child(what, sizeof what)))
			usleep(10000);
	}
	if (left)
		fault(r, "child %d is left: %.200s", left, what);
	r->fds = open_descriptors();
	r->done = 1;
	_exit(0);
}

static int program(const char *how)
{
	alarm(PROGRAM_LIFE);
	while (!strcmp(how, "pause"))
		pause();
	return EXIT_CODE;
}

#endif

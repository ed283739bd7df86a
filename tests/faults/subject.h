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
	int caller_killed;
};

/* How the program ends. */
enum ends { BY_ITSELF, BY_POLICY, BY_SECOND_SIGNAL };

/* A call that only one step of the child makes: its failure has to be told with this stage. */
struct told {
	long nr;
	unsigned stage;
};
#define ANY_STAGE UINT32_MAX

struct scenario {
	const char *name;
	uint64_t flags;     /* of process_open */
	int needs_root;
	enum ends ends;
	int cold;           /* no start before, so that the watcher starts under torture */
	int by_watcher;     /* the close policy is lost with the watcher */
	void (*prepare)(void); /* before the mark */
	int (*configure)(int fd);
	/* Opens, configures and starts; the usual way if NULL. Sets *fd and whether all before the start worked. */
	int (*start)(const struct scenario *s, int *fd, int *opened);
	/* What is tortured is not the start but this, afterwards. */
	void (*live)(int fd, struct report *r);
	struct told told[16];
};

static char self_path[4096];
/* Of the process that PROC_ATTACH takes. */
static int target_pidfd = -1;
static pid_t target;
/* A fault of the subject's own, for the test of the test: "leak" or "unarmed". */
static const char *broken = "";
static int is_tortured;
#define PATIENCE_MS (broken[0] ? 1000 : 5000)

static int set(int fd, unsigned command, uint64_t arg, const void *data, size_t size)
{
	return process_config(fd, command, arg, (void *)data, size) < 0 ? -1 : 0;
}

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

/* The file "name" of a directory in /proc, with a NUL; empty if it cannot be read. Returns its length. */
static size_t read_proc(char *to, size_t size, const char *directory, pid_t pid, const char *name)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%s%d/%s", directory, pid, name);
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(to, 1, size - 1, f) : 0;
	if (f)
		fclose(f);
	to[n] = 0;
	return n;
}

/* The children of this thread, one after the other: begin with an empty `list`; 0 behind the last. */
struct children {
	char list[1024], *next;
};

static pid_t next_child(struct children *c)
{
	char *from = c->next;
	if (!from) {
		read_proc(c->list, sizeof c->list, "self/task/", getpid(), "children");
		from = c->list;
	}
	pid_t pid = (pid_t)strtol(from, &c->next, 10);
	return c->next == from ? 0 : pid;
}

/* A child that is not the watcher, or a zombie; 0 when there is none. */
static pid_t left_child(char *what, size_t size)
{
	struct children children = { .next = NULL };
	char line[256];
	for (pid_t pid; (pid = next_child(&children));) {
		size_t n = read_proc(line, sizeof line, "", pid, "cmdline");
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

/* A process that is not the library's, and ends with its parent. */
static void make_target(void)
{
	int executed[2];
	char c;
	if (pipe2(executed, O_CLOEXEC))
		_exit(1);
	target = fork();
	if (target == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(self_path, "torture", "--program", "pause", (char *)NULL);
		_exit(1);
	}
	close(executed[1]);
	while (read(executed[0], &c, 1) < 0 && errno == EINTR)
		;
	close(executed[0]);
	target_pidfd = (int)syscall(SYS_pidfd_open, target, 0);
}

static void drop_target(struct report *r)
{
	struct pollfd p = { .fd = target_pidfd, .events = POLLIN };
	if (r->created < 0 && poll(&p, 1, 0) != 0)
		fault(r, "PROC_ATTACH fails, and the process is dead");
	syscall(SYS_pidfd_send_signal, target_pidfd, SIGKILL, NULL, 0);
	while (waitpid(target, NULL, 0) < 0 && errno == EINTR)
		;
	close(target_pidfd);
	target_pidfd = -1;
}

/* The last procfd goes, and the process with it. */
static void drop_armed(const struct scenario *s, int fd, struct report *r)
{
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	if (pidfd < 0)
		fault(r, "no pidfd: errno %d", errno);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	if (pidfd >= 0 && !r->caller_killed && !s->live && poll(&p, 1, 0) != 0)
		fault(r, "an armed child is dead before the close");
	close(fd);
	if (s->by_watcher && r->caller_killed)
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	if (pidfd >= 0 && !has_ended(pidfd))
		fault(r, "an armed child outlives its last procfd");
	/* So that it is not in the way of what follows. */
	if (r->fault[0] && pidfd >= 0)
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	close(pidfd);
}

static int configured(const struct scenario *s, int fd)
{
	struct procfd_close close = { .second_signal = SIGKILL, .delay_ns = 20000000 };
	const char *const argv[] = { "torture", "--program", s->ends == BY_ITSELF ? "exit" : "pause", NULL };
	if (set(fd, PROC_SET_EXEC, 0, self_path, 0) || set(fd, PROC_SET_ARGV, 0, argv, 0) || s->configure(fd))
		return -1;
	if (s->ends == BY_SECOND_SIGNAL)
		return set(fd, PROC_SET_SIGIGNORE, 1ULL << (SIGTERM - 1), NULL, 0) ||
		       set(fd, PROC_SET_CLOSE, SIGTERM, &close, sizeof close);
	if (s->ends == BY_ITSELF || (is_tortured && !strcmp(broken, "unarmed")))
		return 0;
	return set(fd, PROC_SET_CLOSE, SIGKILL, NULL, 0);
}

static int usual_start(const struct scenario *s, int *fd, int *opened)
{
	*fd = process_open(s->flags);
	*opened = *fd >= 0 && !configured(s, *fd);
	return *opened ? process_config(*fd, PROC_CREATE, 0, NULL, 0) : -1;
}

/* One start; what follows PROC_CREATE happens after the mark, without a fault. */
static void pass(const struct scenario *s, struct report *r, int tortured)
{
	struct procfd_wait w = { .timeout_ns = PATIENCE_MS * 1000000ULL };
	struct procfd_error e;
	int fd = -1, opened = 0, created;
	memset(r, 0, offsetof(struct report, fault));
	memset(&e, 0, sizeof e);
	r->ended = -1;
	is_tortured = tortured;
	if (s->prepare)
		s->prepare();
	if (tortured && !s->live)
		syscall(MARK_BEGIN);
	created = (s->start ? s->start : usual_start)(s, &fd, &opened);
	if (created == 0) { /* the child of a fork; the report is its parent's */
		alarm(PROGRAM_LIFE);
		while (s->ends != BY_ITSELF)
			pause();
		_exit(EXIT_CODE);
	}
	r->error = created < 0 ? errno : 0;
	if (tortured && !s->live)
		syscall(MARK_END);
	r->created = created;
	r->opened = opened;
	snprintf(r->message, sizeof r->message, "%s", created < 0 ? procfd_error_message() : "");
	if (s->live && created > 0) {
		if (tortured)
			syscall(MARK_BEGIN);
		s->live(fd, r);
		if (tortured)
			syscall(MARK_END);
	}
	if (created < 0 && !strcmp(broken, "leak"))
		open("/", O_RDONLY | O_CLOEXEC);
	if (created > 0 && s->ends != BY_ITSELF) {
		drop_armed(s, fd, r);
		fd = -1;
	} else if (created > 0 && process_manage(fd, PROC_WAIT, 0, &w, sizeof w)) {
		fault(r, "PROC_WAIT: errno %d", errno);
	} else if (created > 0) {
		r->ended = w.what == PROC_EXITED ? w.status : 1000 + w.status;
	} else if (fd >= 0) {
		if (process_info(fd, PROC_INFO_ERROR, 0, &e, sizeof e) == 0)
			r->stage = e.stage;
		if (opened && process_info(fd, PROC_INFO_STATE, 0, NULL, 0) != PROC_STATE_CONFIGURING)
			fault(r, "a context whose start failed is not configuring");
	}
	if (fd >= 0)
		close(fd);
	if (target_pidfd >= 0)
		drop_target(r);
}

/* The library keeps a descriptor of /proc from the first question that reads there: also from one that a fault causes. */
static void keep_proc(void)
{
	static struct procfd_info info;
	int own = (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (own >= 0) {
		process_info(own, PROC_INFO, PROC_FIELD_SIGNALS, &info, sizeof info);
		close(own);
	}
}

/* The whole life of the subject. `go` has a byte when the tracer is there. */
static void subject(const struct scenario *s, struct report *r, int go)
{
	static struct report again;
	char c, what[256] = "";
	alarm(PROGRAM_LIFE);
	keep_proc();
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
	else if (s->ends == BY_ITSELF && again.ended != EXIT_CODE)
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

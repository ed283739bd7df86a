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
	int procfd;
};

/* How the program ends. */
enum ends { BY_ITSELF, BY_POLICY, BY_SECOND_SIGNAL, BY_LIMIT };

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
	int by_watcher;     /* the close policy, or the time limit, is lost with the watcher */
	int needs_group;    /* a cgroup that this user may divide */
	int needs_landlock;
	int stays;          /* the process stays suspended without its creator */
	int forgets;        /* what is tortured closes the procfd of a process that nobody waits for */
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
/* The caller's end of what a setting has made. */
static int callers_end = -1;
/* What is tortured has closed the procfd. */
static int let_go;
/* A fault of the subject's own, for the test of the test: "leak" or "unarmed". */
static const char *broken = "";
static int is_tortured, is_live;
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

static int pidfd_of(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
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
static void make_process(uint64_t namespaces)
{
	int executed[2];
	char c;
	if (pipe2(executed, O_CLOEXEC))
		_exit(1);
	target = (pid_t)syscall(SYS_clone, namespaces | SIGCHLD, NULL, NULL, NULL, 0);
	if (target == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(self_path, "torture", "--program", "pause", (char *)NULL);
		_exit(1);
	}
	close(executed[1]);
	while (read(executed[0], &c, 1) < 0 && errno == EINTR)
		;
	close(executed[0]);
	target_pidfd = pidfd_of(target);
}

static void make_target(void)
{
	make_process(0);
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

#endif

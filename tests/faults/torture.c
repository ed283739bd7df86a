// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Each system call of a start fails once with each plausible errno, and is once the instant of a
 * SIGKILL: of its caller, and of the creator. ptrace(2) sees the calls of the creator, the child, the
 * watcher and the built-in init. After each, the start has failed with a stage or succeeded; no
 * process, zombie or descriptor is left; the next start works; an armed child is dead.
 *
 *     torture [--seconds N] [--seed N] [--impossible] [--break leak|unarmed] [--verbose] [SCENARIO]
 *
 * Without --seconds it goes through all points; with it, through as many as fit, in a random order,
 * each scenario with its share of the time. --break puts a fault into the subject, which must be found.
 * Reports TAP, a case for each scenario.
 */
#include "plausible.h"

#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>

#if !defined(__x86_64__)
int main(void)
{
	printf("1..0 # SKIP it changes the registers of x86_64\n");
	return 0;
}
#else

#define RUN_SECONDS 20
#define MAX_TASKS 32
#define MAX_POINTS 2000
#define MAX_NR 512

struct task {
	pid_t pid;
	unsigned short calls[MAX_NR]; /* by their number: a wait more or less shifts no other call */
	int pending; /* the errno to give it at the end of the call */
	int gone;
	int in_call, entries; /* whether its last call is not over; how many there were */
	int is_apart; /* its table is a copy from before the taking */
};

static struct task tasks[MAX_TASKS];
static int n_tasks, window, hit;
static struct point seen[MAX_POINTS];
static int n_seen;
static pid_t subject_pid;
static struct report *report;
static struct stat self_stat;
static volatile sig_atomic_t late;
static int verbose, left_by_killed;

static void on_alarm(int sig)
{
	(void)sig;
	late = 1;
}

static struct task *task_of(pid_t pid)
{
	for (int i = 0; i < n_tasks; i++)
		if (tasks[i].pid == pid && !tasks[i].gone)
			return &tasks[i];
	if (n_tasks == MAX_TASKS)
		return NULL;
	tasks[n_tasks] = (struct task){ .pid = pid };
	return &tasks[n_tasks++];
}

static int peek(pid_t pid, unsigned long from, void *to, size_t size)
{
	struct iovec local = { to, size }, remote = { (void *)from, size };
	return process_vm_readv(pid, &local, 1, &remote, 1, 0) == (ssize_t)size;
}

/* The numbers below 64 that a call uses. */
static uint64_t used_by(pid_t pid, const struct point *p)
{
	uint64_t used = 0;
	struct msghdr m;
	struct pollfd polled;
	char control[256];
	switch (p->nr) {
	case SYS_mmap:
		return bit(p->args[4]);
	case SYS_waitid:
		return p->args[0] == 3 /* P_PIDFD */ ? bit(p->args[1]) : 0;
	case SYS_epoll_ctl:
		return bit(p->args[0]) | bit(p->args[2]);
	case SYS_dup3: case SYS_pidfd_getfd:
		return bit(p->args[0]) | bit(p->args[1]);
	case SYS_ppoll:
		for (unsigned long i = 0; i < p->args[1] && i < 64; i++)
			if (peek(pid, p->args[0] + i * sizeof polled, &polled, sizeof polled))
				used |= bit((unsigned long)polled.fd);
		return used;
	case SYS_sendmsg:
		if (peek(pid, p->args[1], &m, sizeof m) && m.msg_controllen <= sizeof control &&
		    peek(pid, (unsigned long)m.msg_control, control, m.msg_controllen))
			for (size_t i = sizeof(struct cmsghdr); i + sizeof(int) <= m.msg_controllen; i += sizeof(int))
				used |= bit(*(unsigned *)(control + i));
		return used | bit(p->args[0]);
	case SYS_close: case SYS_fstat: case SYS_getsockopt: case SYS_setsockopt: case SYS_shutdown: case SYS_recvmsg:
	case SYS_sendto: case SYS_recvfrom: case SYS_fcntl: case SYS_ioctl: case SYS_read: case SYS_write:
	case SYS_pread64: case SYS_dup: case SYS_pidfd_send_signal: case SYS_openat: case SYS_setns: case SYS_epoll_pwait:
	case SYS_timerfd_gettime: case SYS_timerfd_settime: case SYS_fstatfs: case SYS_execveat: case SYS_readlinkat:
	case SYS_mkdirat: case SYS_unlinkat:
		return bit(p->args[0]);
	default:
		return 0;
	}
}

/* Whether a call proves only what a number is. */
static int is_proof(const struct point *p)
{
	return p->nr == SYS_fstat || p->nr == SYS_timerfd_gettime || p->nr == SYS_ppoll ||
	       (p->nr == SYS_getsockopt && p->args[1] == SOL_SOCKET) ||
	       (p->nr == SYS_fcntl && (p->args[1] == F_GETFD || p->args[1] == F_GETFL)) || (p->nr == SYS_ioctl && p->args[1] >> 8 == 0xc040ff) ||
	       (p->nr == SYS_waitid && (p->args[3] & WNOWAIT));
}

/* A file is armed by three calls, before which others may ask how it is armed. */
static int is_arming(const struct point *p)
{
	return p->nr == SYS_fcntl && p->args[1] != F_GETFD && p->args[1] != F_DUPFD_CLOEXEC;
}

/* The last call before the number was taken that used it, with the calls since that prove nothing; and the next one. */
static struct {
	int is_open; /* before the call of the library */
	int has_before, has_after, by_child, between, between_earlier, entry;
	int in_proof; /* the number was taken while another process was in the call that proves it */
	struct point earlier, before, after;
} use;

/* A call of a process that has the creator's table, or a copy of it from after the taking. */
static void seen_using(struct task *t, const struct __ptrace_syscall_info *info, int number, int is_taken)
{
	struct point now = { .task = (int)(t - tasks), .nr = (long)info->entry.nr };
	if (t->is_apart)
		return;
	for (int i = 0; i < 6; i++)
		now.args[i] = (unsigned long)info->entry.args[i];
	int uses = (used_by(t->pid, &now) & bit((unsigned long)number)) != 0;
	if (use.has_after)
		use.by_child |= uses && now.task > 0 && !is_proof(&now);
	else if (!uses) /* what another process does meanwhile is no step from a proof to a use */
		use.between += now.task == use.before.task && !is_proof(&now) && now.nr != SYS_rt_sigprocmask;
	else if (is_taken)
		use.after = now, use.has_after = 1;
	else
		use.earlier = use.before, use.between_earlier = use.between, use.before = now, use.has_before++,
		use.between = 0, use.entry = t->entries;
}

/* The number is taken now. A call of another process that has begun may not have come to it yet. */
static void taken_now(int by)
{
	const struct task *t = &tasks[use.before.task];
	if (!use.has_before || use.before.task == by || !t->in_call || t->entries != use.entry)
		return;
	/* The call at which it was taken has seen it already. */
	use.by_child |= use.has_after && use.after.task > 0 && !is_proof(&use.after);
	use.in_proof = is_proof(&use.before);
	use.after = use.before;
	use.has_after = 1;
	use.before = use.earlier;
	use.has_before--;
	use.between = use.between_earlier;
}

/*
 * What no proof can guard, which docs/reliability.md names: the number is taken
 * - before the library has asked what it has just opened;
 * - before it has opened the cgroup that it has just made, of the parent's;
 * - between the proof and the call that uses the number, with nothing but proofs of others in between;
 * - between the creator's proof of B or of a descriptor of the settings, and the child's use of it;
 * - between the calls that ask how B is armed, and arm it;
 * - once the start is over: B, by which the library sees the last close, or its own pidfd, by which it reaps then.
 * A pidfd of the same process is the same file: the library closes the one as the other.
 */
static const char *unguarded(void)
{
	if (taking->was_same && !strcmp(report->fault, FILE_CLOSED))
		return "the same file";
	int opens = use.before.nr == SYS_close || (use.before.nr == SYS_dup3 && (int)use.before.args[1] == taking->number);
	if (use.has_before ? opens : !use.is_open)
		return "before the first question";
	if (use.has_before && use.before.nr == SYS_mkdirat)
		return "before a new cgroup is opened";
	if (!use.has_after)
		return strstr(report->fault, ": zombie") ? "a kept number" : NULL;
	/* The child goes on arming it, whatever the creator does with the number meanwhile. */
	if (use.has_before && is_arming(&use.before) && (is_arming(&use.after) || use.by_child))
		return "while it is armed";
	/* The creator proves B, and may give it to the watcher before it clones the child. */
	int creator_is_done = use.before.task == 0 && (is_proof(&use.before) || use.before.nr == SYS_sendmsg);
	if ((use.by_child || (use.after.task > 0 && !is_proof(&use.after))) && creator_is_done)
		return "before the child uses it";
	if (use.in_proof)
		return "between proof and use";
	if (!use.has_before || is_proof(&use.after))
		return NULL;
	return is_proof(&use.before) && !use.between ? "between proof and use" : NULL;
}

static int is_one_byte(pid_t pid, unsigned long message)
{
	struct msghdr m;
	struct iovec v, local = { &m, sizeof m }, remote = { (void *)message, sizeof m };
	if (process_vm_readv(pid, &local, 1, &remote, 1, 0) != sizeof m || m.msg_controllen || m.msg_iovlen != 1)
		return 0;
	local = (struct iovec){ &v, sizeof v };
	remote = (struct iovec){ m.msg_iov, sizeof v };
	return process_vm_readv(pid, &local, 1, &remote, 1, 0) == sizeof v && v.iov_len == 1;
}

static void at_entry(struct task *t, const struct __ptrace_syscall_info *info, const struct point *p)
{
	long nr = (long)info->entry.nr;
	struct user_regs_struct regs;
	if (nr < 0 || nr >= MAX_NR)
		return;
	int index = (int)(t - tasks), nth = t->calls[nr]++;
	int is_it = !hit && p->how != NOTHING && p->task == index && p->nth == nth && p->nr == nr;
	if (p->how == TAKE_NUMBER)
		seen_using(t, info, p->number, hit || is_it);
	/* From here on it has a table of its own. */
	if (index > 0 && !hit && !is_it && nr == SYS_close_range && info->entry.args[2] & CLOSE_RANGE_UNSHARE)
		t->is_apart = 1;
	if (p->how == NOTHING && n_seen < MAX_POINTS) {
		struct point *at = &seen[n_seen++];
		*at = (struct point){ .task = index, .nth = nth, .nr = nr };
		for (int i = 0; i < 6; i++)
			at->args[i] = (unsigned long)info->entry.args[i];
		at->one_byte = nr == SYS_sendmsg && is_one_byte(t->pid, at->args[1]);
		if (taking->is_on) {
			at->open = open_numbers(subject_pid) & ~taking->keep;
			at->used = used_by(t->pid, at);
		}
	}
	if (!is_it)
		return;
	hit = 1;
	switch (p->how) {
	case FAIL_CALL:
		t->pending = p->err;
		if (nr == SYS_close) /* the number is free all the same */
			break;
		ptrace(PTRACE_GETREGS, t->pid, 0, &regs);
		regs.orig_rax = (unsigned long long)-1;
		ptrace(PTRACE_SETREGS, t->pid, 0, &regs);
		break;
	case KILL_CALLER:
		kill(t->pid, SIGKILL);
		break;
	case TAKE_NUMBER:
		taken_now(index);
		take_number(subject_pid, p->number, p->with);
		break;
	default:
		kill(subject_pid, SIGKILL);
	}
}

static void at_exit(struct task *t)
{
	struct user_regs_struct regs;
	if (!t->pending || ptrace(PTRACE_GETREGS, t->pid, 0, &regs))
		return;
	regs.rax = (unsigned long long)-t->pending;
	ptrace(PTRACE_SETREGS, t->pid, 0, &regs);
	t->pending = 0;
}

static int is_the_program(pid_t pid)
{
	char path[64];
	struct stat st;
	snprintf(path, sizeof path, "/proc/%d/exe", pid);
	return stat(path, &st) == 0 && st.st_dev == self_stat.st_dev && st.st_ino == self_stat.st_ino;
}

static void stopped(struct task *t, int status, const struct point *p)
{
	int sig = WSTOPSIG(status), event = status >> 16, pass = 0;
	unsigned long message;
	struct __ptrace_syscall_info info;
	if (event == PTRACE_EVENT_EXEC && t->pid != subject_pid && is_the_program(t->pid)) {
		ptrace(PTRACE_DETACH, t->pid, 0, 0);
		t->gone = 1;
		return;
	}
	if (event == PTRACE_EVENT_CLONE || event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK) {
		struct task *child = ptrace(PTRACE_GETEVENTMSG, t->pid, 0, &message) ? NULL : task_of((pid_t)message);
		if (child && event == PTRACE_EVENT_FORK && !hit)
			child->is_apart = 1;
	} else if (event == PTRACE_EVENT_STOP && sig != SIGTRAP) {
		ptrace(PTRACE_LISTEN, t->pid, 0, 0); /* a group stop */
		return;
	} else if (!event && sig == (SIGTRAP | 0x80)) {
		if (ptrace(PTRACE_GET_SYSCALL_INFO, t->pid, sizeof info, &info) > 0) {
			if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
				long nr = (long)info.entry.nr;
				t->in_call = 1;
				t->entries++;
				if (nr == MARK_BEGIN || nr == MARK_END)
					window = nr == MARK_BEGIN;
				if (nr == MARK_BEGIN && p->how == TAKE_NUMBER)
					use.is_open = (open_numbers(subject_pid) & bit((unsigned long)p->number)) != 0;
				if (window && nr != MARK_BEGIN)
					at_entry(t, &info, p);
			} else if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
				t->in_call = 0;
				at_exit(t);
			}
		}
	} else if (!event) {
		pass = sig;
	}
	ptrace(PTRACE_SYSCALL, t->pid, 0, pass);
}

/* Kill all that is left, and say what it was. */
static void clear_away(char *what, size_t size)
{
	char line[200];
	size_t at = 0;
	what[0] = 0;
	for (int round = 0; round < 50; round++) {
		struct children children = { .next = NULL };
		for (pid_t pid; (pid = next_child(&children));) {
			size_t n = read_proc(line, sizeof line, "", pid, "cmdline");
			for (size_t i = 0; i < n; i++)
				line[i] = line[i] ? line[i] : ' ';
			if (round == 0 && at + 1 < size)
				at += (size_t)snprintf(what + at, size - at, " %d (%.60s)", pid, line);
			kill(pid, SIGKILL);
		}
		for (int i = 0; i < n_tasks; i++)
			if (!tasks[i].gone)
				kill(tasks[i].pid, SIGKILL);
		for (int i = 0; i < 20; i++) {
			while (waitpid(-1, NULL, __WALL | WNOHANG) > 0)
				;
			if (waitpid(-1, NULL, __WALL | WNOHANG) < 0 && errno == ECHILD)
				return;
			usleep(1000);
		}
	}
}

/* One subject with one fault. Returns 0, or -1 with the reason in `why`. */
static int run_point(const struct scenario *s, const struct point *p, int fds, char *why, size_t size)
{
	static const struct itimerval limit = { { 1, 0 }, { RUN_SECONDS, 0 } }, none;
	int go[2], status = 0, how_it_ended = -1;
	char left[512];
	memset(report, 0, sizeof *report);
	memset(&taking->wanted, 0, sizeof *taking - offsetof(struct taking, wanted));
	report->caller_killed = p->how == KILL_CALLER;
	n_tasks = window = hit = 0;
	memset(&use, 0, sizeof use);
	late = 0;
	why[0] = 0;
	if (pipe2(go, O_CLOEXEC))
		return snprintf(why, size, "pipe2: errno %d", errno), -1;
	subject_pid = fork();
	if (subject_pid == 0) {
		close(go[1]);
		subject(s, report, go[0]);
	}
	close(go[0]);
	task_of(subject_pid);
	setitimer(ITIMER_REAL, &limit, NULL);
	long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
		       PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC;
	/* It has come to its read, so that what it started before is not traced. */
	char path[64], state[256];
	for (int ready = 0; !ready && !late;) {
		snprintf(path, sizeof path, "/proc/%d/syscall", subject_pid);
		FILE *f = fopen(path, "re");
		ready = f && fgets(state, sizeof state, f) && !strncmp(state, "0 ", 2) &&
			strtol(state + 2, NULL, 16) == go[0];
		if (f)
			fclose(f);
		if (!ready)
			usleep(100);
	}
	if (ptrace(PTRACE_SEIZE, subject_pid, 0, options) || ptrace(PTRACE_INTERRUPT, subject_pid, 0, 0)) {
		snprintf(why, size, "ptrace: errno %d", errno);
	} else {
		/* A byte before the first stop could let it run untraced. */
		waitpid(subject_pid, &status, __WALL);
		ptrace(PTRACE_SYSCALL, subject_pid, 0, 0);
		if (write(go[1], "g", 1) != 1)
			snprintf(why, size, "the subject has gone");
	}
	close(go[1]);
	while (!why[0]) {
		pid_t pid = waitpid(-1, &status, __WALL);
		if (pid < 0 && errno == ECHILD)
			break;
		if (pid < 0 && errno == EINTR && late) {
			clear_away(left, sizeof left);
			snprintf(why, size, "after %d s there is still%s", RUN_SECONDS, left);
			break;
		}
		if (pid < 0)
			continue;
		if (WIFSTOPPED(status)) {
			struct task *t = task_of(pid);
			if (t)
				stopped(t, status, p);
			continue;
		}
		if (pid == subject_pid) {
			how_it_ended = status;
			if (taking->taker > 0) /* it would wait for ever */
				kill(taking->taker, SIGKILL);
		}
		for (int i = 0; i < n_tasks; i++)
			if (tasks[i].pid == pid)
				tasks[i].gone = 1;
	}
	setitimer(ITIMER_REAL, &none, NULL);
	if (why[0]) {
		clear_away(left, sizeof left);
		return -1;
	}
	int creator_killed = hit && (p->how == KILL_CREATOR || (p->how == KILL_CALLER && p->task == 0));
	const struct report *r = report;
	int leaves = drop_leaves();
	if (creator_killed) { /* all has ended: that was the check */
		/* Before the watcher has a cgroup, and without a watcher, a killed creator leaves it. */
		left_by_killed += leaves;
		return 0;
	}
	unsigned want = p->how == FAIL_CALL && hit && p->task > 0 ? stage_of(s, p->nr) : PROC_STAGE_NONE;
	if (how_it_ended != 0 || !r->done)
		snprintf(why, size, "the creator ends with status %#x", how_it_ended);
	else if (r->fault[0])
		snprintf(why, size, "%s", r->fault);
	else if (p->how == TAKE_NUMBER && r->fds > fds + (p->with != CLOSED))
		snprintf(why, size, "%d descriptors are open, more than %d", r->fds, fds);
	else if (p->how != TAKE_NUMBER && r->fds != fds && fds >= 0)
		snprintf(why, size, "%d descriptors are open, not %d", r->fds, fds);
	else if (leaves)
		snprintf(why, size, "%d cgroups are left", leaves);
	else if (r->created < 0 && (!r->error || !r->message[0]))
		snprintf(why, size, "a failure without errno or message");
	else if (r->created < 0 && r->opened && r->stage == PROC_STAGE_NONE && p->how != TAKE_NUMBER)
		snprintf(why, size, "a failure without a stage: errno %d, %s", r->error, r->message);
	else if (r->created == 0)
		snprintf(why, size, "PROC_CREATE returns 0");
	else if (want && (r->created > 0 || (want != ANY_STAGE && r->stage != want) || r->error != p->err))
		snprintf(why, size, "wanted stage %u: result %d, stage %u, errno %d", want, r->created, r->stage,
			 r->error);
	else if (r->created > 0 && !taking->is_on && r->ended != expected_end(s) &&
		 !(p->how == KILL_CALLER && r->ended == 1000 + SIGKILL))
		snprintf(why, size, "the program ends with %d", r->ended);
	else if ((p->how == NOTHING || !hit) && r->created <= 0)
		snprintf(why, size, "without a fault: errno %d, %s", r->error, r->message);
	if (verbose && p->how != NOTHING)
		printf("# %s: task %d call %d nr %ld how %d errno %d: %s\n", s->name, p->task, p->nth, p->nr,
		       p->how, p->err, why[0] ? why : r->created > 0 ? "succeeds" : r->message);
	return why[0] ? -1 : 0;
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The points of a scenario in which a number is taken. */
static int taken_points(const struct scenario *s, struct point *points, int most)
{
	int n = 0;
	for (int i = 0; i < n_seen; i++)
		for (int number = 3; number < 64; number++) {
			/* What is asked of another process's procfd is its. */
			if (!(seen[i].open & bit((unsigned long)number)) || (s->live && number == report->procfd))
				continue;
			for (enum with with = CLOSED; with < N_WITH && n < most; with++) {
				points[n] = seen[i];
				points[n].how = TAKE_NUMBER;
				points[n].number = number;
				points[n].with = with;
				points[n++].err = i;
			}
		}
	return n;
}

/* All points of a scenario, and as many of them as the time allows. Returns how many failed. */
static int torture(const struct scenario *s, double seconds)
{
	static struct point points[32 * MAX_POINTS];
	static const struct point nothing;
	int n = 0, failed = 0, made = 0, missed = 0, kills = 0, stages = 0;
	char why[700];
	n_seen = left_by_killed = 0;
	if (run_point(s, &nothing, -1, why, sizeof why)) {
		printf("# %s: %s\n", s->name, why);
		return 1;
	}
	for (int i = 0; taking->is_on && verbose && i < n_seen; i++)
		printf("# call %d: process %d: %ld(%#lx, %#lx, %#lx)\n", i, seen[i].task, seen[i].nr, seen[i].args[0],
		       seen[i].args[1], seen[i].args[2]);
	int fds = report->fds, most = 0, n_calls = n_seen, excused = 0;
	if (taking->is_on)
		n = taken_points(s, points, sizeof points / sizeof *points);
	for (int i = 0; i < n_seen && !taking->is_on; i++) {
		struct point p = seen[i];
		most = p.task > most ? p.task : most;
		p.how = KILL_CREATOR;
		if (!s->stays) /* else it would wait for a creator that is dead */
			points[n++] = p;
		if (p.task > 0)
			p.how = KILL_CALLER, points[n++] = p;
		p.how = FAIL_CALL;
		for (const int *e = cannot_fail(s, &p) ? NULL : errnos_of(p.nr); e && *e; e++)
			p.err = *e, points[n++] = p;
	}
	for (int i = n - 1; seconds > 0 && i > 0; i--) {
		int j = rand() % (i + 1);
		struct point swap = points[i];
		points[i] = points[j];
		points[j] = swap;
	}
	double end = now() + seconds;
	for (int i = 0; i < n && (seconds <= 0 || now() < end); i++, made++) {
		int bad = run_point(s, &points[i], fds, why, sizeof why);
		missed += !hit;
		kills += hit && points[i].how != FAIL_CALL;
		stages += hit && report->created < 0 && report->stage;
		if (bad && points[i].how == TAKE_NUMBER) {
			const char *excuse = unguarded();
			excused += excuse != NULL;
			failed += !excuse;
			if (!excuse || verbose)
				printf("# %s: before call %d of process %d, its call %d of number %ld: number %d (%s, before %ld, after %ld, %d between): %s%s%s%s: %s\n",
				       s->name, points[i].err, points[i].task, points[i].nth, points[i].nr, points[i].number,
				       taking->was, use.has_before ? use.before.nr : -1, use.has_after ? use.after.nr : -1,
				       use.between, with_names[points[i].with], excuse ? " (" : "", excuse ? excuse : "",
				       excuse ? ")" : "", why);
		} else if (bad) {
			failed++;
			printf("# %s: process %d, its call %d of number %ld (%#lx, %#lx), %s %d: %s\n", s->name,
			       points[i].task, points[i].nth, points[i].nr, points[i].args[0], points[i].args[1],
			       points[i].how == FAIL_CALL     ? "fails with errno"
			       : points[i].how == KILL_CALLER ? "caller killed,"
							      : "creator killed,",
			       points[i].err, why);
		}
	}
	if (taking->is_on)
		printf("# %s: %d calls of %d processes, %d of %d numbers taken, %d not reached; %d unguarded, %d faults found\n",
		       s->name, n_calls, most + 1, made, n, missed, excused, failed);
	else
		printf("# %s: %d calls of %d processes, %d of %d faults, of them %d kills; %d failed with a stage, "
		       "%d not reached, %d cgroups left by killed creators, %d faults found\n",
		       s->name, n_calls, most + 1, made, n, kills, stages, missed, left_by_killed, failed);
	/* What life asks depends on what else runs. */
	if (!s->live && made >= 20 && missed * 4 > made) {
		printf("# %s: too many faults were not reached\n", s->name);
		failed++;
	}
	return failed;
}

/* Why a scenario is left out, or NULL. A name that is exactly one scenario's asks for no other. */
static const char *left_out(const struct scenario *s, const char *only)
{
	int exact = 0;
	for (int i = 0; only && i < N_SCENARIOS; i++)
		exact |= !strcmp(scenarios[i].name, only);
	if (only && (exact ? strcmp(s->name, only) != 0 : !strstr(s->name, only)))
		return "not asked for";
	if (s->needs_root && geteuid())
		return "needs root";
	if (s->needs_landlock && !has_landlock())
		return "no Landlock";
	return s->needs_group && !group[0] ? "no cgroup v2 that this user may divide" : NULL;
}

int main(int argc, char **argv)
{
	double seconds = 0;
	int numbers = 0;
	unsigned seed = (unsigned)time(NULL);
	const char *only = NULL;
	if (argc == 3 && !strcmp(argv[1], "--program"))
		return program(argv[2]);
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--seconds") && i + 1 < argc)
			seconds = atof(argv[++i]);
		else if (!strcmp(argv[i], "--seed") && i + 1 < argc)
			seed = (unsigned)strtoul(argv[++i], NULL, 10);
		else if (!strcmp(argv[i], "--break") && i + 1 < argc)
			broken = argv[++i];
		else if (!strcmp(argv[i], "--impossible"))
			impossible = 1;
		else if (!strcmp(argv[i], "--numbers"))
			numbers = 1;
		else if (!strcmp(argv[i], "--verbose"))
			verbose = 1;
		else
			only = argv[i];
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	ssize_t l = readlink("/proc/self/exe", self_path, sizeof self_path - 1);
	report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	taking = mmap(NULL, sizeof *taking, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct sigaction sa = { .sa_handler = on_alarm };
	if (l <= 0 || report == MAP_FAILED || taking == MAP_FAILED || stat("/proc/self/exe", &self_stat) ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1) || sigaction(SIGALRM, &sa, NULL)) {
		fprintf(stderr, "torture: errno %d\n", errno);
		return 1;
	}
	taking->is_on = numbers;
	srand(seed);
	make_group();
	printf("# seed %u\n1..%d\n", seed, N_SCENARIOS);
	int failed = 0;
	double end = now() + seconds;
	int left = 0;
	for (int i = 0; i < N_SCENARIOS; i++)
		left += !left_out(&scenarios[i], only);
	for (int i = 0; i < N_SCENARIOS; i++) {
		const struct scenario *s = &scenarios[i];
		const char *reason = left_out(s, only);
		if (reason) {
			printf("ok %d - %s # SKIP %s\n", i + 1, s->name, reason);
			continue;
		}
		double share = end - now() > 0.1 ? (end - now()) / left : 0.1;
		int bad = torture(s, seconds > 0 ? share : 0);
		printf("%sok %d - %s\n", bad ? "not " : "", i + 1, s->name);
		failed += bad;
		left--;
	}
	drop_group();
	return failed != 0;
}
#endif

// SPDX-License-Identifier: MIT OR Apache-2.0
/* process_manage on a process that runs: limits, scheduling, memory, and whom it refuses. */
#include "util.h"

#include <linux/ioprio.h>
#include <sys/uio.h>

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif
#ifndef MADV_COLD
#define MADV_COLD 20
#endif

static int manage(int fd, uint32_t cmd, uint64_t arg)
{
	return process_manage(fd, cmd, arg, NULL, 0);
}

static int paused(pid_t *pid)
{
	int fd = ctx();
	set_child(fd, "pause");
	*pid = create(fd);
	return fd;
}

/* ---- every command, with arguments that would do ---- */

struct command {
	uint32_t cmd;
	uint64_t arg;
	void *data;
	size_t size;
	int zombie; /* works on a zombie */
};

static struct procfd_prlimit any_limit;
static struct procfd_sched any_sched = { .policy = SCHED_OTHER, .nice = 1 };
static unsigned long any_mask = 1;
static struct procfd_madvise any_advice = { .advice = MADV_COLD };

static const struct command commands[] = {
	{ PROC_KILL_TREE, SIGKILL, NULL, 0, 1 },
	{ PROC_STOP, 0, NULL, 0, 1 },
	{ PROC_CONT, 0, NULL, 0, 1 },
	{ PROC_RESUME, 0, NULL, 0, 0 },
	{ PROC_SETNS, CLONE_NEWUTS, NULL, 0, 0 },
	{ PROC_RLIMIT, RLIMIT_CORE, &any_limit, sizeof any_limit, 0 },
	{ PROC_PRIORITY, 1, NULL, 0, 0 },
	{ PROC_SCHEDULER, 0, &any_sched, sizeof any_sched, 0 },
	{ PROC_AFFINITY, 0, &any_mask, sizeof any_mask, 0 },
	{ PROC_IOPRIO, IOPRIO_CLASS_BE << IOPRIO_CLASS_SHIFT | 4, NULL, 0, 0 },
	{ PROC_OOM_SCORE_ADJ, 1000, NULL, 0, 0 },
	{ PROC_MADVISE, 0, &any_advice, sizeof any_advice, 0 },
	{ PROC_MRELEASE, 0, NULL, 0, 0 },
};
#define COMMANDS (int)(sizeof commands / sizeof *commands)

static int run(int fd, const struct command *c)
{
	return process_manage(fd, c->cmd, c->arg, c->data, c->size);
}

#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448 /* musl 1.2.3 does not have it */
#endif

/* 5.15. */
static int has_mrelease(void)
{
	return syscall(SYS_process_mrelease, -1, 0) == -1 && errno != ENOSYS;
}

static void refused_with(int fd, const struct command *c, int err)
{
	errno = 0;
	int r = run(fd, c);
	if (c->cmd == PROC_MRELEASE && r == -1 && errno == ENOSYS && !has_mrelease())
		return;
	if (r != -1 || errno != err)
		FAIL("command %#x: %d, errno %d (%s); wanted %s", c->cmd, r, errno,
		     strerror(errno), strerror(err));
}

static void no_process_yet(void)
{
	int fd = ctx();
	set_child(fd, "pause");
	for (int i = 0; i < COMMANDS; i++)
		refused_with(fd, &commands[i], ESRCH);
	CHECK_EQ(state(fd), PROC_STATE_CONFIGURING);
	close(fd);
}

static void zombie_and_reaped(void)
{
	int fd = ctx();
	char path[64];
	set_child(fd, "exit", "0");
	pid_t pid = create(fd);
	snprintf(path, sizeof path, "/proc/%d", pid);
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0), dir = open(path, O_DIRECTORY | O_CLOEXEC);
	CHECK_ENDS(pidfd);
	int fds[] = { fd, pidfd, dir };
	for (int f = 0; f < 3; f++)
		for (int i = 0; i < COMMANDS; i++) {
			if (!commands[i].zombie)
				refused_with(fds[f], &commands[i], ESRCH);
			else if (run(fds[f], &commands[i]) < 0)
				FAIL("command %#x: errno %d", commands[i].cmd, errno);
		}
	expect_exit(fd, 0);
	for (int f = 0; f < 3; f++)
		for (int i = 0; i < COMMANDS; i++)
			refused_with(fds[f], &commands[i], ESRCH);
	close(dir);
	close(pidfd);
	close(fd);
}

/* Another process under the number of one that is reaped: not this one, and not touched. */
static void a_number_that_is_used_again(void)
{
	NEED_ROOT();
	char path[64];
	pid_t pid;
	int fd = paused(&pid), pidfd = sys_pidfd_open(pid);
	snprintf(path, sizeof path, "/proc/%d", pid);
	int dir = open(path, O_DIRECTORY | O_CLOEXEC), fds[] = { fd, pidfd, dir };
	kill_and_reap(pid);
	/* struct clone_args with set_tid (5.5) */
	uint64_t args[10] = { [4] = SIGCHLD, [8] = (uint64_t)(uintptr_t)&pid, [9] = 1 };
	pid_t again = (pid_t)syscall(SYS_clone3, args, sizeof args);
	if (again == 0) {
		alarm(CHILD_LIFE);
		for (;;)
			pause();
	}
	if (again < 0) {
		int err = errno;
		if (err != EEXIST && err != ENOSYS && err != EINVAL && err != EPERM && err != E2BIG)
			FAIL("clone3 of pid %d: errno %d", pid, err);
		SKIP("no process can be given a number here");
	}
	CHECK_EQ(again, pid);
	for (int f = 0; f < 3; f++)
		for (int i = 0; i < COMMANDS; i++)
			refused_with(fds[f], &commands[i], ESRCH);
	CHECK(!strchr("TZ", status_of(pid, "State")[0]));
	CHECK_EQ(getpriority(PRIO_PROCESS, (id_t)pid), getpriority(PRIO_PROCESS, 0));
	kill_and_reap(pid);
	close(dir);
	close(pidfd);
	close(fd);
}

static void no_such_descriptor(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), dir = open("/proc", O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < COMMANDS; i++) {
		refused_with(-1, &commands[i], EBADF);
		refused_with(9999, &commands[i], EBADF);
		refused_with(null, &commands[i], EINVAL);
		refused_with(dir, &commands[i], EINVAL);
	}
	close(null);
	close(dir);
}

/* PROC_MRELEASE asks no permission, only that the process is dying. */
static int denied(const struct command *c)
{
	return c->cmd == PROC_MRELEASE ? EINVAL : c->cmd == PROC_MADVISE ? EACCES : EPERM;
}

/* As another user than the process's: what the kernel refuses each command with. */
static void stranger(void *arg)
{
	int fd = *(int *)arg;
	CHECK(setsid() > 0); /* within a session anybody may send SIGCONT */
	if (geteuid() == 0)
		CHECK_EQ(setresuid(4321, 4321, 4321), 0);
	for (int i = 0; i < COMMANDS; i++)
		refused_with(fd, &commands[i], denied(&commands[i]));
	CHECK_EQ(state(fd), PROC_STATE_RUNNING);
}

static void of_another_user(void)
{
	NEED_ROOT();
	pid_t pid;
	int fd = paused(&pid), pidfd = sys_pidfd_open(pid);
	in_fork(stranger, &fd);
	in_fork(stranger, &pidfd);
	CHECK(!strchr("TZ", status_of(pid, "State")[0]));
	CHECK_EQ(getpriority(PRIO_PROCESS, (id_t)pid), getpriority(PRIO_PROCESS, 0));
	close(pidfd);
	finish(fd);
}

/* The init is root's, and to its own namespace nobody at all. */
static void the_init_of_the_system(void)
{
	become_nobody();
	int pidfd = sys_pidfd_open(1);
	for (int i = 0; i < COMMANDS; i++)
		refused_with(pidfd, &commands[i],
			     commands[i].cmd == PROC_KILL_TREE ? EINVAL : denied(&commands[i]));
	close(pidfd);
}

static void garbage(void)
{
	pid_t pid;
	int fd = paused(&pid);
	uint32_t no_arg[] = { PROC_STOP, PROC_CONT, PROC_RESUME, PROC_SCHEDULER, PROC_AFFINITY, PROC_MADVISE, PROC_MRELEASE };
	uint32_t no_data[] = { PROC_STOP, PROC_CONT, PROC_RESUME, PROC_SETNS, PROC_PRIORITY, PROC_IOPRIO,
			       PROC_OOM_SCORE_ADJ, PROC_CGROUP, PROC_MRELEASE };
	char byte[256] = { 0 };
	for (size_t i = 0; i < sizeof no_arg / sizeof *no_arg; i++)
		for (int c = 0; c < COMMANDS; c++)
			if (commands[c].cmd == no_arg[i]) {
				CHECK_ERR(process_manage(fd, no_arg[i], 1, commands[c].data, commands[c].size), EINVAL);
				CHECK_ERR(process_manage(fd, no_arg[i], 1ULL << 63, commands[c].data, commands[c].size), EINVAL);
			}
	for (size_t i = 0; i < sizeof no_data / sizeof *no_data; i++) {
		CHECK_ERR(process_manage(fd, no_data[i], 0, byte, sizeof byte), EINVAL);
		CHECK_ERR(process_manage(fd, no_data[i], 0, NULL, 1), EINVAL);
	}
	uint64_t bad_nice[] = { 20, 100, (uint64_t)-21, 1ULL << 32, 1ULL << 63, UINT64_MAX - 40 };
	for (size_t i = 0; i < sizeof bad_nice / sizeof *bad_nice; i++)
		CHECK_ERR(manage(fd, PROC_PRIORITY, bad_nice[i]), EINVAL);
	uint64_t bad_score[] = { 1001, (uint64_t)-1001, 1ULL << 40 };
	for (size_t i = 0; i < sizeof bad_score / sizeof *bad_score; i++)
		CHECK_ERR(manage(fd, PROC_OOM_SCORE_ADJ, bad_score[i]), EINVAL);
	CHECK_ERR(manage(fd, PROC_IOPRIO, IOPRIO_PRIO_VALUE(7, 0)), EINVAL);
	CHECK_ERR(manage(fd, PROC_IOPRIO, 1 << 16), EINVAL);
	CHECK_ERR(manage(fd, PROC_SETNS, 0), EINVAL);
	CHECK_ERR(manage(fd, PROC_SETNS, CLONE_VM), EINVAL);
	CHECK_ERR(manage(fd, PROC_SETNS, CLONE_NEWUTS | 1ULL << 40), EINVAL);
	CHECK_ERR(manage(fd, PROC_CGROUP, UINT64_MAX), EBADF);
	CHECK_ERR(manage(fd, PROC_CGROUP, 9999), EBADF);
	CHECK_ERR(manage(fd, PROC_CGROUP, (uint64_t)fd), EINVAL);
	/* limits */
	struct procfd_prlimit l = { 0 };
	CHECK_ERR(process_manage(fd, PROC_RLIMIT, 16, &l, sizeof l), EINVAL);
	CHECK_ERR(process_manage(fd, PROC_RLIMIT, 1ULL << 32, &l, sizeof l), EINVAL);
	CHECK_ERR(process_manage(fd, PROC_RLIMIT, 0, NULL, 0), EFAULT);
	CHECK_ERR(process_manage(fd, PROC_RLIMIT, 0, &l, 4), EINVAL);
	for (int bit = 1; bit < 64; bit++) {
		l = (struct procfd_prlimit){ .flags = 1ULL << bit };
		CHECK_ERR(process_manage(fd, PROC_RLIMIT, 0, &l, sizeof l), EINVAL);
	}
	l = (struct procfd_prlimit){ .flags = PROC_RLIMIT_SET, .soft = 2, .hard = 1 };
	CHECK_ERR(process_manage(fd, PROC_RLIMIT, RLIMIT_CORE, &l, sizeof l), EINVAL);
	/* scheduling */
	struct procfd_sched bad[] = {
		{ .policy = 4 }, { .policy = UINT32_MAX }, { .reserved = 1 }, { .flags = 1ULL << 40 },
		{ .nice = 20 }, { .nice = -21 }, { .policy = SCHED_FIFO }, { .policy = SCHED_FIFO, .priority = 100 },
		{ .policy = SCHED_OTHER, .priority = 1 }, { .policy = 6 /* deadline */ },
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK_ERR(process_manage(fd, PROC_SCHEDULER, 0, &bad[i], sizeof bad[i]), EINVAL);
	CHECK_ERR(process_manage(fd, PROC_SCHEDULER, 0, NULL, 0), EFAULT);
	CHECK_ERR(process_manage(fd, PROC_AFFINITY, 0, NULL, 0), EINVAL);
	CHECK_ERR(process_manage(fd, PROC_AFFINITY, 0, NULL, 8), EFAULT);
	CHECK_ERR(process_manage(fd, PROC_AFFINITY, 0, byte, sizeof byte), EINVAL);
	CHECK_ERR(process_manage(fd, PROC_AFFINITY, 0, byte, 1 << 20), E2BIG);
	/* memory */
	struct iovec iov = { (void *)4096, 4096 };
	struct procfd_madvise m = { .iov = &iov, .count = 1, .advice = MADV_DONTNEED };
	CHECK_ERR(process_manage(fd, PROC_MADVISE, 0, &m, sizeof m), EINVAL);
	m = (struct procfd_madvise){ .iov = &iov, .count = 1025, .advice = MADV_COLD };
	CHECK_ERR(process_manage(fd, PROC_MADVISE, 0, &m, sizeof m), EINVAL);
	m = (struct procfd_madvise){ .iov = NULL, .count = 1, .advice = MADV_COLD };
	CHECK_ERR(process_manage(fd, PROC_MADVISE, 0, &m, sizeof m), EFAULT);
	m = (struct procfd_madvise){ .iov = &iov, .count = 1, .advice = MADV_COLD, .reserved = 1 };
	CHECK_ERR(process_manage(fd, PROC_MADVISE, 0, &m, sizeof m), EINVAL);
	/* trees */
	struct procfd_kill_tree t = { .flags = 2 };
	CHECK_ERR(process_manage(fd, PROC_KILL_TREE, SIGKILL, &t, sizeof t), EINVAL);
	t.flags = PROC_TREE_CGROUP;
	CHECK_ERR(process_manage(fd, PROC_KILL_TREE, SIGTERM, &t, sizeof t), EINVAL);
	CHECK_ERR(process_manage(fd, PROC_KILL_TREE, SIGKILL, &t, 4), EINVAL);
	CHECK_ERR(manage(fd, PROC_KILL_TREE, 65), EINVAL);
	CHECK_ERR(manage(fd, PROC_KILL_TREE, (uint64_t)-1), EINVAL);
	CHECK_EQ(state(fd), PROC_STATE_RUNNING);
	CHECK(!strchr("TZ", status_of(pid, "State")[0]));
	finish(fd);
}

/* ---- what they do, through each kind of descriptor ---- */

static void limits(void)
{
	char path[64];
	pid_t pid;
	int fd = paused(&pid), pidfd = sys_pidfd_open(pid);
	snprintf(path, sizeof path, "/proc/%d", pid);
	int dir = open(path, O_DIRECTORY | O_CLOEXEC), fds[] = { fd, pidfd, dir };
	struct rlimit was, now;
	CHECK_EQ(prlimit(pid, RLIMIT_NOFILE, NULL, &was), 0);
	for (int i = 0; i < 3; i++) {
		struct procfd_prlimit l = { .soft = 1, .hard = 2 };
		CHECK_EQ(process_manage(fds[i], PROC_RLIMIT, RLIMIT_NOFILE, &l, sizeof l), 0);
		CHECK_EQ(l.old_soft, was.rlim_cur);
		CHECK_EQ(l.old_hard, was.rlim_max);
		l = (struct procfd_prlimit){ .flags = PROC_RLIMIT_SET, .soft = 100 + (unsigned)i, .hard = 200 };
		CHECK_EQ(process_manage(fds[i], PROC_RLIMIT, RLIMIT_NOFILE, &l, sizeof l), 0);
		CHECK_EQ(l.old_soft, was.rlim_cur);
		CHECK_EQ(prlimit(pid, RLIMIT_NOFILE, NULL, &now), 0);
		CHECK_EQ(now.rlim_cur, 100 + i);
		CHECK_EQ(now.rlim_max, 200);
		was = now;
	}
	struct procfd_prlimit core = { .flags = PROC_RLIMIT_SET, .soft = 0, .hard = UINT64_MAX };
	prlimit(pid, RLIMIT_CORE, NULL, &now);
	if (now.rlim_max == RLIM_INFINITY) {
		CHECK_EQ(process_manage(fd, PROC_RLIMIT, RLIMIT_CORE, &core, sizeof core), 0);
		CHECK_EQ(core.old_hard, UINT64_MAX);
	}
	close(dir);
	close(pidfd);
	finish(fd);
}

static void above_the_hard_limit(void)
{
	become_nobody();
	pid_t pid;
	int fd = paused(&pid);
	struct procfd_prlimit l = { .flags = PROC_RLIMIT_SET, .soft = 10, .hard = 10 };
	CHECK_EQ(process_manage(fd, PROC_RLIMIT, RLIMIT_NOFILE, &l, sizeof l), 0);
	l.hard = 20;
	CHECK_ERR(process_manage(fd, PROC_RLIMIT, RLIMIT_NOFILE, &l, sizeof l), EPERM);
	finish(fd);
}

#define THREADS 5

static void *thread_main(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void with_threads(void *arg)
{
	pthread_t t;
	for (int i = 1; i < THREADS; i++)
		CHECK_EQ(pthread_create(&t, NULL, thread_main, NULL), 0);
	CHECK_EQ(write(*(int *)arg, "r", 1), 1);
	for (;;)
		pause();
}

static int threads_of(pid_t pid, int *tids)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/task", pid);
	DIR *d = opendir(path);
	CHECK(d);
	int n = 0;
	for (struct dirent *e; (e = readdir(d));)
		if (isdigit((unsigned char)e->d_name[0]) && n < THREADS)
			tids[n++] = atoi(e->d_name);
	closedir(d);
	return n;
}

static pid_t threaded(int *tids)
{
	struct out p = make_pipe();
	char c;
	pid_t pid = fork_run(with_threads, &p.w);
	CHECK_EQ(read(p.r, &c, 1), 1);
	close(p.r);
	close(p.w);
	CHECK_EQ(threads_of(pid, tids), THREADS);
	return pid;
}

static void all_threads(void)
{
	int tids[THREADS];
	pid_t pid = threaded(tids);
	int pidfd = sys_pidfd_open(pid);
	unsigned long mask = 0, now;
	int nice = nicer(7);
	CHECK_EQ(manage(pidfd, PROC_PRIORITY, (uint64_t)nice), 0);
	CHECK_EQ(manage(pidfd, PROC_IOPRIO, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 6)), 0);
	cpu_set_t own;
	CHECK_EQ(sched_getaffinity(0, sizeof own, &own), 0);
	for (int i = 0; i < 64 && !mask; i++)
		if (CPU_ISSET(i, &own))
			mask = 1UL << i;
	CHECK_EQ(process_manage(pidfd, PROC_AFFINITY, 0, &mask, sizeof mask), 0);
	for (int i = 0; i < THREADS; i++) {
		CHECK_EQ(getpriority(PRIO_PROCESS, (id_t)tids[i]), nice);
		CHECK_EQ(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, tids[i]), IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 6));
		CHECK(syscall(SYS_sched_getaffinity, tids[i], sizeof now, &now) > 0);
		CHECK_EQ(now, mask);
	}
	struct procfd_sched s = { .policy = SCHED_BATCH, .nice = nicer(9), .flags = 1 /* RESET_ON_FORK */ };
	CHECK_EQ(process_manage(pidfd, PROC_SCHEDULER, 0, &s, sizeof s), 0);
	for (int i = 0; i < THREADS; i++) {
		CHECK_EQ(sched_getscheduler(tids[i]), SCHED_BATCH | SCHED_RESET_ON_FORK);
		CHECK_EQ(getpriority(PRIO_PROCESS, (id_t)tids[i]), s.nice);
	}
	kill_and_reap(pid);
	close(pidfd);
}

/* A negative nice value, in both widths of the argument; and real time. */
static void with_privilege(void)
{
	NEED_ROOT();
	pid_t pid;
	int fd = paused(&pid);
	CHECK_EQ(manage(fd, PROC_PRIORITY, (uint64_t)-5), 0);
	CHECK_EQ(getpriority(PRIO_PROCESS, (id_t)pid), -5);
	CHECK_EQ(manage(fd, PROC_PRIORITY, (uint32_t)-6), 0);
	CHECK_EQ(getpriority(PRIO_PROCESS, (id_t)pid), -6);
	struct procfd_sched s = { .policy = SCHED_RR, .priority = 3 };
	CHECK_EQ(process_manage(fd, PROC_SCHEDULER, 0, &s, sizeof s), 0);
	CHECK_EQ(sched_getscheduler(pid), SCHED_RR);
	finish(fd);
}

static void without_privilege(void)
{
	become_nobody();
	struct rlimit none = { 0, 0 };
	CHECK_EQ(setrlimit(RLIMIT_NICE, &none), 0);
	CHECK_EQ(setrlimit(RLIMIT_RTPRIO, &none), 0);
	pid_t pid;
	int fd = paused(&pid);
	int nice = nicer(3);
	CHECK_EQ(manage(fd, PROC_PRIORITY, (uint64_t)nice), 0);
	CHECK_ERR(manage(fd, PROC_PRIORITY, (uint64_t)-1), EACCES);
	CHECK_EQ(getpriority(PRIO_PROCESS, (id_t)pid), nice);
	struct procfd_sched s = { .policy = SCHED_RR, .priority = 3 };
	CHECK_ERR(process_manage(fd, PROC_SCHEDULER, 0, &s, sizeof s), EPERM);
	CHECK_ERR(manage(fd, PROC_IOPRIO, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_RT, 0)), EPERM);
	CHECK_EQ(manage(fd, PROC_OOM_SCORE_ADJ, 500), 0);
	CHECK_ERR(manage(fd, PROC_OOM_SCORE_ADJ, (uint64_t)-1000), EACCES);
	finish(fd);
}

static void one_thread(void)
{
	int tids[THREADS];
	pid_t pid = threaded(tids);
	int other = tids[0] == pid ? tids[1] : tids[0];
	int fd = (int)syscall(SYS_pidfd_open, other, PIDFD_THREAD);
	if (fd < 0 && errno == EINVAL) {
		kill_and_reap(pid);
		SKIP("no pidfds of threads (before 6.9)");
	}
	int start = nicer(0), first = nicer(5), second = nicer(6);
	CHECK_EQ(manage(fd, PROC_PRIORITY, (uint64_t)first), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(getpriority(PRIO_PROCESS, (id_t)tids[i]), tids[i] == other ? first : start);
	CHECK_ERR(manage(fd, PROC_KILL_TREE, SIGKILL), EINVAL);
	close(fd);
	fd = (int)syscall(SYS_pidfd_open, pid, PIDFD_THREAD);
	CHECK_EQ(manage(fd, PROC_PRIORITY, (uint64_t)second), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(getpriority(PRIO_PROCESS, (id_t)tids[i]),
				 tids[i] == other ? first : tids[i] == pid ? second : start);
	close(fd);
	kill_and_reap(pid);
}

static void *brief(void *arg)
{
	return arg;
}

static void *maker(void *arg)
{
	for (;;) {
		pthread_t t;
		if (pthread_create(&t, NULL, brief, NULL) == 0)
			pthread_join(t, NULL);
	}
	return arg;
}

static void make_threads(void *arg)
{
	pthread_t t;
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&t, NULL, maker, NULL), 0);
	CHECK_EQ(write(*(int *)arg, "r", 1), 1);
	maker(NULL);
}

/* Threads come and go all the time: in the end there is none that was missed. */
static void threads_that_come_and_go(void)
{
	struct out p = make_pipe();
	char c;
	pid_t pid = fork_run(make_threads, &p.w);
	CHECK_EQ(read(p.r, &c, 1), 1);
	int pidfd = sys_pidfd_open(pid);
	for (int round = nicer(1); round <= 19; round++) {
		int tids[THREADS];
		CHECK_EQ(manage(pidfd, PROC_PRIORITY, (uint64_t)round), 0);
		for (int n = threads_of(pid, tids), i = 0; i < n; i++) {
			errno = 0;
			int nice = getpriority(PRIO_PROCESS, (id_t)tids[i]);
			if (nice != round && errno != ESRCH)
				FAIL("thread %d has %d, not %d", tids[i], nice, round);
		}
	}
	kill_and_reap(pid);
	close(pidfd);
	close(p.r);
	close(p.w);
}

static long number_in(pid_t pid, const char *file)
{
	char path[64], buf[32] = "";
	snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0 && read(fd, buf, sizeof buf - 1) > 0);
	close(fd);
	return strtol(buf, NULL, 10);
}

static void oom_score_adj(void)
{
	pid_t pid;
	int fd = paused(&pid);
	CHECK_EQ(manage(fd, PROC_OOM_SCORE_ADJ, 321), 0);
	CHECK_EQ(number_in(pid, "oom_score_adj"), 321);
	CHECK_EQ(manage(fd, PROC_OOM_SCORE_ADJ, 1000), 0);
	CHECK_EQ(number_in(pid, "oom_score_adj"), 1000);
	finish(fd);
}

static void with_memory(void *arg)
{
	size_t len = 64 * page_size();
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	memset(p, 1, len);
	CHECK_EQ(write(*(int *)arg, &p, sizeof p), (ssize_t)sizeof p);
	for (;;)
		pause();
}

static void advice(void)
{
	struct out o = make_pipe();
	char *p;
	pid_t pid = fork_run(with_memory, &o.w);
	CHECK_EQ(read(o.r, &p, sizeof p), (ssize_t)sizeof p);
	int pidfd = sys_pidfd_open(pid);
	const size_t page = page_size();
	struct iovec iov[3] = { { p, page }, { p + 2 * page, 2 * page }, { p + 5, page } };
	struct procfd_madvise m = { .iov = iov, .count = 2, .advice = MADV_COLD };
	int r = process_manage(pidfd, PROC_MADVISE, 0, &m, sizeof m), err = errno;
	if (geteuid() == 0) {
		CHECK_EQ(r, 3 * (int)page);
		m.count = 3; /* as far as it went */
		CHECK_EQ(process_manage(pidfd, PROC_MADVISE, 0, &m, sizeof m), 3 * (int)page);
		m.iov = &iov[2];
		m.count = 1;
		CHECK_ERR(process_manage(pidfd, PROC_MADVISE, 0, &m, sizeof m), EINVAL);
		iov[2].iov_base = NULL;
		CHECK_ERR(process_manage(pidfd, PROC_MADVISE, 0, &m, sizeof m), ENOMEM);
		m.count = 0;
		CHECK_EQ(process_manage(pidfd, PROC_MADVISE, 0, &m, sizeof m), 0);
	} else {
		CHECK_EQ(r, -1);
		CHECK_EQ(err, EPERM);
	}
	kill_and_reap(pid);
	close(pidfd);
	close(o.r);
	close(o.w);
}

static void release(void)
{
	if (!has_mrelease())
		SKIP("no process_mrelease (before 5.15)");
	struct out o = make_pipe();
	char *p;
	pid_t pid = fork_run(with_memory, &o.w);
	CHECK_EQ(read(o.r, &p, sizeof p), (ssize_t)sizeof p);
	int pidfd = sys_pidfd_open(pid);
	CHECK_ERR(manage(pidfd, PROC_MRELEASE, 0), EINVAL);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	int r = manage(pidfd, PROC_MRELEASE, 0);
	if (r && errno != ESRCH && errno != EAGAIN) /* it may be quicker */
		FAIL("PROC_MRELEASE: errno %d", errno);
	kill_and_reap(pid);
	CHECK_ERR(manage(pidfd, PROC_MRELEASE, 0), ESRCH);
	close(pidfd);
	close(o.r);
	close(o.w);
}

static char state_of(pid_t pid)
{
	return status_of(pid, "State")[0];
}

static void stop_and_continue(void)
{
	char path[64];
	pid_t pid;
	int fd = paused(&pid), pidfd = sys_pidfd_open(pid);
	snprintf(path, sizeof path, "/proc/%d", pid);
	int dir = open(path, O_DIRECTORY | O_CLOEXEC), fds[] = { fd, pidfd, dir };
	for (int i = 0; i < 3; i++) {
		struct procfd_wait w = { 0 };
		CHECK_EQ(manage(fds[i], PROC_STOP, 0), 0);
		CHECK_EQ(process_manage(fd, PROC_WAIT, PROC_WAIT_STOPPED, &w, sizeof w), 0);
		CHECK_EQ(w.status, SIGSTOP);
		CHECK_EQ(state_of(pid), 'T');
		CHECK_EQ(manage(fds[i], PROC_CONT, 0), 0);
		CHECK_EQ(process_manage(fd, PROC_WAIT, PROC_WAIT_CONTINUED, &w, sizeof w), 0);
		CHECK(state_of(pid) != 'T');
	}
	close(dir);
	close(pidfd);
	finish(fd);
}

static void own(void *arg)
{
	(void)arg;
	int fd = open("/proc/self", O_DIRECTORY | O_CLOEXEC);
	struct procfd_prlimit l = { .flags = PROC_RLIMIT_SET, .soft = 64, .hard = 64 };
	CHECK_EQ(process_manage(fd, PROC_RLIMIT, RLIMIT_NOFILE, &l, sizeof l), 0);
	CHECK_EQ(sysconf(_SC_OPEN_MAX), 64);
	int nice = nicer(4);
	CHECK_EQ(manage(fd, PROC_PRIORITY, (uint64_t)nice), 0);
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), nice);
	CHECK_EQ(manage(fd, PROC_OOM_SCORE_ADJ, 700), 0);
	CHECK_EQ(number_in(getpid(), "oom_score_adj"), 700);
	CHECK_EQ(manage(fd, PROC_CONT, 0), 0);
	CHECK_EQ(manage(fd, PROC_KILL_TREE, 0), 1);
	manage(fd, PROC_KILL_TREE, SIGTERM);
}

static void the_caller_itself(void)
{
	pid_t pid = fork_run(own, NULL);
	expect_status(pid, SIGTERM);
}

/* Ids and capabilities are those of the namespace, the processes are the same. */
static void in_a_user_namespace(void *arg)
{
	int fd = *(int *)arg;
	if (unshare(CLONE_NEWUSER))
		_exit(errno == EPERM || errno == ENOSPC ? TAP_SKIPPED : 1);
	pid_t pid;
	int inside = paused(&pid);
	struct procfd_prlimit l = { .flags = PROC_RLIMIT_SET, .soft = 64, .hard = 64 };
	CHECK_EQ(process_manage(inside, PROC_RLIMIT, RLIMIT_NOFILE, &l, sizeof l), 0);
	int nice = nicer(4);
	CHECK_EQ(manage(inside, PROC_PRIORITY, (uint64_t)nice), 0);
	CHECK_EQ(manage(inside, PROC_OOM_SCORE_ADJ, 700), 0);
	CHECK_EQ(manage(inside, PROC_STOP, 0), 0);
	CHECK_EQ(manage(inside, PROC_CONT, 0), 0);
	CHECK_EQ(manage(inside, PROC_KILL_TREE, SIGKILL), 1);
	expect_killed(inside, SIGKILL);
	close(inside);
	/* The same user's outside: by the ids, not by capabilities, which do not reach there. */
	CHECK_EQ(manage(fd, PROC_PRIORITY, (uint64_t)nice), 0);
	CHECK_ERR(manage(fd, PROC_PRIORITY, (uint64_t)-4), EACCES);
	CHECK_ERR(manage(fd, PROC_SETNS, CLONE_NEWUTS), EPERM);
}

static void from_a_user_namespace(void)
{
	pid_t outside;
	int st, fd = paused(&outside);
	pid_t pid = fork_run(in_a_user_namespace, &fd);
	CHECK_EQ(waitpid(pid, &st, 0), pid);
	finish(fd);
	if (WIFEXITED(st) && WEXITSTATUS(st) == TAP_SKIPPED)
		SKIP("no user namespaces for this user");
	CHECK_EQ(st, 0);
}

/* /proc is that of the pid namespace outside: its numbers are not the caller's. */
static void inner(void *arg)
{
	(void)arg;
	pid_t pid;
	int fd = paused(&pid);
	struct procfd_prlimit l = { 0 };
	CHECK_EQ(process_manage(fd, PROC_RLIMIT, RLIMIT_NOFILE, &l, sizeof l), 0);
	CHECK_ERR(manage(fd, PROC_PRIORITY, 4), EOPNOTSUPP);
	CHECK_ERR(manage(fd, PROC_OOM_SCORE_ADJ, 4), EOPNOTSUPP);
	CHECK_ERR(manage(fd, PROC_KILL_TREE, SIGKILL), EOPNOTSUPP);
	CHECK_EQ(manage(fd, PROC_STOP, 0), 0);
	CHECK_EQ(manage(fd, PROC_CONT, 0), 0);
	finish(fd);
}

static void outer(void *arg)
{
	int fd = *(int *)arg;
	if (unshare(CLONE_NEWUSER | CLONE_NEWPID))
		_exit(errno == EPERM || errno == ENOSPC ? TAP_SKIPPED : 1);
	struct procfd_prlimit l = { 0 };
	CHECK_EQ(process_manage(fd, PROC_RLIMIT, RLIMIT_NOFILE, &l, sizeof l), 0);
	in_fork(inner, NULL);
}

static void with_a_foreign_proc(void)
{
	pid_t outside;
	int st, fd = paused(&outside);
	pid_t pid = fork_run(outer, &fd);
	CHECK_EQ(waitpid(pid, &st, 0), pid);
	finish(fd);
	if (WIFEXITED(st) && WEXITSTATUS(st) == TAP_SKIPPED)
		SKIP("no user namespaces for this user");
	CHECK_EQ(st, 0);
}

TAP_MAIN(CASE(no_process_yet), CASE(zombie_and_reaped), CASE(a_number_that_is_used_again),
	 CASE(no_such_descriptor), CASE(of_another_user),
	 CASE(the_init_of_the_system), CASE(garbage), CASE(limits), CASE(above_the_hard_limit),
	 CASE(all_threads), CASE(with_privilege), CASE(without_privilege), CASE(one_thread),
	 CASE(threads_that_come_and_go), CASE(oom_score_adj), CASE(advice), CASE(release),
	 CASE(stop_and_continue), CASE(the_caller_itself), CASE(from_a_user_namespace),
	 CASE(with_a_foreign_proc))

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Pids come again: a process ends and is reaped, and an unrelated one is made to get its pid
 * (ns_last_pid, in a pid namespace of the test's own). Its procfd, pidfd and close policy reach nobody.
 */
#include "attack.h"

#include <sys/mount.h>

/* A plain fork that gets this pid; it waits for its end. 0: another process was faster. */
static pid_t bystander(pid_t wanted)
{
	char text[16];
	int last = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
	if (last < 0)
		SKIP("no ns_last_pid");
	int n = snprintf(text, sizeof text, "%d", wanted - 1);
	CHECK_EQ(write(last, text, (size_t)n), n);
	close(last);
	pid_t pid = fork();
	if (pid == 0) {
		alarm(CHILD_LIFE);
		for (;;)
			pause();
	}
	CHECK(pid > 0);
	if (pid == wanted)
		return pid;
	kill_and_reap(pid);
	return 0;
}

#define NOT_THE_OTHER(call)                                                                        \
	do {                                                                                       \
		long got_ = (call);                                                                \
		if (got_ >= 0)                                                                     \
			FAIL("%s: %ld, for a process that was reaped", #call, got_);               \
	} while (0)

/* Each call that acts or asks. */
static void try_all(int fd, pid_t pid)
{
	static struct procfd_info info;
	struct procfd_prlimit limit = { .flags = PROC_RLIMIT_SET, .soft = 7, .hard = 7 };
	struct procfd_kill_tree tree = { 0 };
	struct procfd_sched batch = { .policy = SCHED_BATCH };
	unsigned long cpus = 1;
	char text[64];
	NOT_THE_OTHER(process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0));
	NOT_THE_OTHER(process_manage(fd, PROC_KILL_TREE, SIGKILL, &tree, sizeof tree));
	NOT_THE_OTHER(process_manage(fd, PROC_STOP, 0, NULL, 0));
	NOT_THE_OTHER(process_manage(fd, PROC_RLIMIT, RLIMIT_NOFILE, &limit, sizeof limit));
	NOT_THE_OTHER(process_manage(fd, PROC_PRIORITY, 19, NULL, 0));
	NOT_THE_OTHER(process_manage(fd, PROC_SCHEDULER, 0, &batch, sizeof batch));
	NOT_THE_OTHER(process_manage(fd, PROC_AFFINITY, 0, &cpus, sizeof cpus));
	NOT_THE_OTHER(process_manage(fd, PROC_OOM_SCORE_ADJ, 500, NULL, 0));
	NOT_THE_OTHER(process_manage(fd, PROC_GETFD, 0, NULL, 0));
	NOT_THE_OTHER(process_manage(fd, PROC_SETNS, CLONE_NEWUTS, NULL, 0));
	NOT_THE_OTHER(process_info(fd, PROC_INFO_PID, 0, NULL, 0));
	NOT_THE_OTHER(process_info(fd, PROC_INFO_EXE, 0, text, sizeof text));
	memset(&info, 0, sizeof info);
	if (process_info(fd, PROC_INFO, PROC_FIELD_IDS | PROC_FIELD_COMM | PROC_FIELD_MEMORY | PROC_FIELD_START, &info,
			 sizeof info) == 0 &&
	    info.mask & (PROC_FIELD_COMM | PROC_FIELD_MEMORY | PROC_FIELD_START))
		FAIL("PROC_INFO tells of pid %d what belongs to another process", pid);
}

static void check_untouched(pid_t pid)
{
	struct rlimit l;
	int status;
	CHECK_EQ(waitpid(pid, &status, WNOHANG | WUNTRACED), 0);
	CHECK_EQ(prlimit(pid, RLIMIT_NOFILE, NULL, &l), 0);
	CHECK(l.rlim_cur != 7);
	errno = 0;
	CHECK_EQ(getpriority(PRIO_PROCESS, (id_t)pid), getpriority(PRIO_PROCESS, 0));
	CHECK_EQ(sched_getscheduler(pid), SCHED_OTHER);
	kill_and_reap(pid);
}

/* `armed`: its last close signals; `attached`: by PROC_ATTACH. */
static int one_reuse(int armed, int attached, uint64_t flags)
{
	int fd = ctx_flags(flags), target = -1;
	pid_t pid;
	if (armed)
		SET(fd, PROC_SET_CLOSE, SIGKILL);
	if (attached) {
		pid = fork();
		if (pid == 0)
			for (;;)
				pause();
		target = sys_pidfd_open(pid);
		CHECK_EQ(process_config(fd, PROC_ATTACH, (uint64_t)target, NULL, 0), pid);
	} else {
		char path[PATH_MAX + 8];
		snprintf(path, sizeof path, "%s/tiny", tiny_folder());
		set_program(fd, path, "wait", (char *)NULL);
		pid = create(fd);
	}
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	CHECK(pidfd >= 0);
	/* The program reaps it by itself. */
	kill_and_reap(pid);
	pid_t other = bystander(pid);
	if (other) {
		try_all(fd, pid);
		try_all(pidfd, pid);
		struct procfd_wait w = { .timeout_ns = SECOND };
		if (process_manage(fd, PROC_WAIT, PROC_WAIT_NOHANG, &w, sizeof w) == 0)
			CHECK(w.what == PROC_KILLED && w.status == SIGKILL);
	}
	close(fd);
	close(pidfd);
	if (target >= 0)
		close(target);
	sweep();
	if (other)
		check_untouched(other);
	return other != 0;
}

static void reused(void *unused)
{
	(void)unused;
	int forced = 0, all = 0;
	CHECK_EQ(unshare(CLONE_NEWNS), 0);
	CHECK_EQ(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	CHECK_EQ(mount("proc", "/proc", "proc", 0, NULL), 0);
	long long end = now_ns() + (long long)(attack_seconds(0.7) * 1e9);
	for (; all < 8 || now_ns() < end; all++)
		forced += one_reuse(all & 1, all >> 1 & 1, all >> 2 & 1 ? 0 : PROCFD_NO_WATCH);
	diag("%d pids were used again, of %d", forced, all);
	CHECK(forced > all / 2);
	_exit(0);
}

static void of_a_process_that_was_reaped(void)
{
	NEED_ROOT();
	CHECK_EQ(unshare(CLONE_NEWPID), 0);
	in_fork(reused, NULL);
}

/* While one thread ends, reaps and replaces processes, others act on their procfds at the same time. */
static atomic_int shared_fd, racing;

/* The commands that the kernel has by pidfd. Those that it has by pid alone may reach another when they fail: docs/security.md. */
static void *act(void *unused)
{
	struct procfd_kill_tree tree = { 0 };
	while (atomic_load(&racing)) {
		int fd = atomic_load(&shared_fd);
		if (fd < 0)
			continue;
		process_manage(fd, PROC_SIGNAL, SIGSTOP, NULL, 0);
		process_manage(fd, PROC_KILL_TREE, SIGKILL, &tree, sizeof tree);
		process_manage(fd, PROC_SET_CLOSE, SIGKILL, NULL, 0);
		process_info(fd, PROC_INFO_PID, 0, NULL, 0);
	}
	return unused;
}

static void raced(void *unused)
{
	(void)unused;
	int forced = 0, all = 0;
	char path[PATH_MAX + 8];
	pthread_t t[2];
	CHECK_EQ(unshare(CLONE_NEWNS), 0);
	CHECK_EQ(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	CHECK_EQ(mount("proc", "/proc", "proc", 0, NULL), 0);
	snprintf(path, sizeof path, "%s/tiny", tiny_folder());
	atomic_store(&shared_fd, -1);
	atomic_store(&racing, 1);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, act, NULL), 0);
	/* One number, so that no thread acts on another context. */
	int fixed = fcntl(0, F_DUPFD_CLOEXEC, 200);
	close(fixed);
	long long end = now_ns() + (long long)(attack_seconds(0.7) * 1e9);
	for (; all < 8 || now_ns() < end; all++) {
		int fd = ctx_flags(PROCFD_NO_WATCH);
		set_program(fd, path, "wait", (char *)NULL);
		pid_t pid = create(fd);
		CHECK_EQ(dup3(fd, fixed, O_CLOEXEC), fixed);
		close(fd);
		atomic_store(&shared_fd, fixed);
		usleep(100);
		kill_and_reap(pid);
		pid_t other = bystander(pid);
		usleep(200);
		if (other)
			check_untouched(other);
		forced += other != 0;
	}
	atomic_store(&racing, 0);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
	diag("%d pids were used again under two threads that act, of %d", forced, all);
	CHECK(forced > all / 4);
	_exit(0);
}

static void while_others_act(void)
{
	NEED_ROOT();
	CHECK_EQ(unshare(CLONE_NEWPID), 0);
	in_fork(raced, NULL);
}

TAP_MAIN(SLOW(of_a_process_that_was_reaped, AND_LONGER), SLOW(while_others_act, AND_LONGER))

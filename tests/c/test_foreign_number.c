// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A pid namespace whose /proc belongs to another one: `unshare --pid` without `--mount-proc`, and sandboxes that
 * bind /proc. A number out of that /proc is another process's here. Each case has such another process, the
 * victim: clone3's set_tid gives it the number. Nothing that is meant for the target may reach it.
 *
 * Each case runs with PIDFD_GET_INFO and without it, as on a kernel before 6.13, where the number of a pidfd comes
 * from /proc alone.
 */
#include "filter.h"

#include <linux/ioprio.h>
#include <sys/mount.h>

struct clone3_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size;
};

static pid_t sleeper_with(pid_t number)
{
	struct clone3_args a = { .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&number, .set_tid_size = 1 };
	long pid = syscall(SYS_clone3, &a, number ? sizeof a : 64);
	if (pid == 0) {
		alarm(CHILD_LIFE);
		syscall(SYS_close_range, 3u, ~0u, 0u); /* it holds no procfd */
		child_forever();
	}
	return (pid_t)pid;
}

static pid_t victim_for(int pidfd)
{
	pid_t number = pid_in_fdinfo(pidfd), victim = sleeper_with(number);
	if (victim < 0)
		SKIP("clone3 with set_tid %d: %s", number, strerror(errno));
	CHECK_EQ(victim, number);
	return victim;
}

static pid_t target, victim;
static int target_fd, outer_fd; /* outer: a process that this namespace does not have */

/* As the init of a new pid namespace, which keeps the /proc of the old one. */
static void in_new_namespace(void (*what)(int old), int old)
{
	pid_t pid = fork();
	if (pid == 0) {
		outer_fd = sys_pidfd_open(getpid());
		CHECK_EQ(unshare(CLONE_NEWPID | CLONE_NEWNS), 0);
		CHECK_EQ(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
		pid_t init = fork();
		if (init == 0) {
			target = sleeper_with(0);
			CHECK(target > 0);
			target_fd = sys_pidfd_open(target);
			CHECK(target_fd >= 0);
			victim = victim_for(target_fd);
			if (old)
				without_get_info();
			what(old);
			_exit(0); /* and all others of the namespace */
		}
		int st;
		CHECK_EQ(waitpid(init, &st, 0), init);
		_exit(WIFEXITED(st) ? WEXITSTATUS(st) : 1);
	}
	int st;
	CHECK_EQ(waitpid(pid, &st, 0), pid);
	if (WIFEXITED(st) && WEXITSTATUS(st) == TAP_SKIPPED)
		_exit(TAP_SKIPPED);
	if (st)
		FAIL("%s PIDFD_GET_INFO: status %#x", old ? "without" : "with", st);
}

static void both_ways(void (*what)(int old))
{
	NEED_ROOT();
	if (has_get_info())
		in_new_namespace(what, 0);
	in_new_namespace(what, 1);
}

/* With PIDFD_GET_INFO the call works or there is no /proc for it; without, the number is not to be had. */
#define FOREIGN(call, old)                                                                     \
	do {                                                                                   \
		errno = 0;                                                                     \
		long long rc_ = (long long)(call);                                             \
		int e_ = errno;                                                                \
		if (old ? rc_ != -1 || e_ != EREMOTE : rc_ == -1 && e_ != EOPNOTSUPP && e_ != EREMOTE) \
			FAIL("%s: returned %lld, errno %d (%s)", #call, rc_, e_, strerror(e_)); \
	} while (0)

static void numbers_inner(int old)
{
	FOREIGN(process_info(target_fd, PROC_INFO_PID, 0, NULL, 0), old);
	if (!old)
		CHECK_EQ(process_info(target_fd, PROC_INFO_PID, 0, NULL, 0), target);
	for (int n = 0; n < 2; n++) {
		int fd = n ? target_fd : outer_fd;
		CHECK_ERR(process_info(fd, PROC_INFO_EXE, 0, NULL, 0), EREMOTE);
		CHECK_ERR(process_info(fd, PROC_INFO_THREADS, 0, NULL, 0), EREMOTE);
	}
	CHECK_ERR(process_info(outer_fd, PROC_INFO_PID, 0, NULL, 0), EREMOTE);
	struct procfd_info i = { 0 };
	CHECK_EQ(setpriority(PRIO_PROCESS, (id_t)victim, 3), 0);
	CHECK_EQ(syscall(SYS_ioprio_set, 1, victim, 2 << 13 | 6), 0);
	int r = process_info(target_fd, PROC_INFO, PROC_FIELD_IDS | PROC_FIELD_IOPRIO | PROC_FIELD_CPU, &i, sizeof i);
	CHECK_EQ(r, 0);
	if (old)
		CHECK_EQ(i.mask, 0);
	if (i.mask & PROC_FIELD_IOPRIO)
		CHECK(i.ioprio != (2 << 13 | 6));
	if (i.mask & PROC_FIELD_IDS)
		CHECK_EQ(i.pid, target);
}

static void numbers(void)
{
	both_ways(numbers_inner);
}

static void by_number_inner(int old)
{
	struct procfd_prlimit l = { .flags = PROC_RLIMIT_SET, .soft = 77, .hard = 88 };
	struct procfd_sched s = { .policy = SCHED_BATCH };
	unsigned long cpus = 1;
	struct rlimit v;
	int nice = getpriority(PRIO_PROCESS, (id_t)victim);
	FOREIGN(process_manage(target_fd, PROC_RLIMIT, RLIMIT_NOFILE, &l, sizeof l), old);
	FOREIGN(process_manage(target_fd, PROC_PRIORITY, 7, NULL, 0), old);
	FOREIGN(process_manage(target_fd, PROC_SCHEDULER, 0, &s, sizeof s), old);
	FOREIGN(process_manage(target_fd, PROC_AFFINITY, 0, &cpus, sizeof cpus), old);
	FOREIGN(process_manage(target_fd, PROC_IOPRIO, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0), NULL, 0), old);
	FOREIGN(process_manage(target_fd, PROC_OOM_SCORE_ADJ, 9, NULL, 0), old);
	FOREIGN(process_manage(target_fd, PROC_KILL_TREE, SIGKILL, NULL, 0), old);
	CHECK_EQ(prlimit(victim, RLIMIT_NOFILE, NULL, &v), 0);
	CHECK(v.rlim_cur != 77);
	CHECK_EQ(getpriority(PRIO_PROCESS, (id_t)victim), nice);
	CHECK_EQ(sched_getscheduler(victim), sched_getscheduler(0));
	CHECK(syscall(SYS_ioprio_get, 1, victim) >> 13 != IOPRIO_CLASS_IDLE);
	CHECK_EQ(waitpid(victim, NULL, WNOHANG), 0);
}

static void by_number(void)
{
	both_ways(by_number_inner);
}

static void attach_inner(int old)
{
	int fd = ctx_flags(PROCFD_NO_WATCH);
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	FOREIGN(process_config(fd, PROC_ATTACH, (uint64_t)target_fd, NULL, 0), old);
	close(fd);
	int victim_fd = sys_pidfd_open(victim);
	check_alive(victim_fd);
}

static void attach_with_a_close_policy(void)
{
	both_ways(attach_inner);
}

/* The number that PROC_CREATE returned is of this namespace, whatever /proc says. */
static void change_inner(int old)
{
	(void)old;
	int fd = ctx_flags(PROCFD_NO_WATCH);
	set_child(fd, "pause");
	SET(fd, PROC_SET_CLOSE, SIGTERM);
	pid_t pid = create(fd);
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	CHECK(pidfd >= 0);
	int other_fd = sys_pidfd_open(victim_for(pidfd));
	struct procfd_prlimit l = { .flags = PROC_RLIMIT_SET, .soft = 77, .hard = 88 };
	struct rlimit have;
	CHECK_EQ(process_info(fd, PROC_INFO_PID, 0, NULL, 0), pid);
	CHECK_EQ(process_manage(fd, PROC_RLIMIT, RLIMIT_NOFILE, &l, sizeof l), 0);
	CHECK_EQ(prlimit(pid, RLIMIT_NOFILE, NULL, &have), 0);
	CHECK_EQ(have.rlim_cur, 77);
	CHECK_EQ(process_manage(fd, PROC_SET_CLOSE, SIGKILL, NULL, 0), 0);
	close(fd);
	CHECK_ENDS(pidfd);
	check_alive(other_fd);
	close(pidfd);
	sweep();
}

static void a_process_of_its_own(void)
{
	both_ways(change_inner);
}

/* A map of two lines is written by the parent, by the number of the child. */
static void id_map_inner(int old)
{
	(void)old;
	int fd = ctx_flags(PROCFD_NO_WATCH);
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER);
	struct procfd_idmap map[] = { { .inside = 0, .outside = 0, .count = 1 }, { .inside = 1, .outside = 1000, .count = 1 } };
	CFG(fd, PROC_SET_UID_MAP, 0, map, sizeof map);
	CREATE_FAILS(fd, EREMOTE, PROC_STAGE_UID_MAP, -1);
	close(fd);
}

static void an_id_map(void)
{
	both_ways(id_map_inner);
}

/* The directory of a foreign process, mounted into a /proc of the caller's namespace: ".." leads to the right /proc,
 * and the number is a foreign one. */
static void forged_inner(int old)
{
	(void)old;
	char path[64], here[] = "/tmp/procfd-forged-XXXXXX";
	snprintf(path, sizeof path, "/proc/%d", pid_in_fdinfo(target_fd));
	int foreign = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(foreign >= 0);
	CHECK(mkdtemp(here));
	CHECK_EQ(mount("proc", here, "proc", 0, NULL), 0);
	char over[128], source[64];
	snprintf(over, sizeof over, "%s/%d", here, (int)target);
	snprintf(source, sizeof source, "/proc/self/fd/%d", foreign);
	CHECK_EQ(mount(source, over, NULL, MS_BIND, NULL), 0);
	int dir = open(over, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(dir >= 0);
	/* The plain forms of both, for comparison. */
	snprintf(over, sizeof over, "%s/%d", here, (int)getpid());
	int right = open(over, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK_EQ(process_manage(right, PROC_SIGNAL, 0, NULL, 0), 0);
	CHECK_ERR(process_manage(foreign, PROC_SIGNAL, SIGKILL, NULL, 0), EINVAL);
	int r = process_manage(dir, PROC_SIGNAL, SIGKILL, NULL, 0), e = errno;
	umount2(here, MNT_DETACH);
	rmdir(here);
	CHECK_EQ(r, -1);
	CHECK_EQ(e, EINVAL);
	int victim_fd = sys_pidfd_open(victim);
	check_alive(victim_fd);
}

static void a_directory_mounted_into_another_proc(void)
{
	both_ways(forged_inner);
}

TAP_MAIN(COLD(numbers), COLD(by_number), COLD(attach_with_a_close_policy), COLD(a_process_of_its_own),
	 COLD(an_id_map), COLD(a_directory_mounted_into_another_proc))

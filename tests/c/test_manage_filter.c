// SPDX-License-Identifier: MIT OR Apache-2.0
/* process_manage where a filter refuses what it would use: by another way, or a plain error. */
#include "filter.h"

#include <linux/ioprio.h>
#include <sys/uio.h>

/* Newer than the headers of some C libraries; the number is that of all architectures. */
#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448
#endif

static int manage(int fd, uint32_t cmd, uint64_t arg)
{
	return process_manage(fd, cmd, arg, NULL, 0);
}

/* A process with a child, in a group of their own. */
static int family(pid_t *pid)
{
	int fd = ctx();
	set_child(fd, "family");
	SET(fd, PROC_SET_PGROUP, 0);
	int r = create_with_output(fd, pid);
	read_ready(r);
	close(r);
	return fd;
}

static void new_calls(void *arg)
{
	int err = *(int *)arg;
	struct rule r[] = { { SYS_process_madvise, REFUSE(err) }, { SYS_process_mrelease, REFUSE(err) } };
	pid_t pid;
	int fd = family(&pid);
	filter(r, 2, 0);
	struct iovec iov = { (void *)4096, 4096 };
	struct procfd_madvise m = { .iov = &iov, .count = 1, .advice = 20 };
	CHECK_ERR(process_manage(fd, PROC_MADVISE, 0, &m, sizeof m), err);
	CHECK_ERR(manage(fd, PROC_MRELEASE, 0), err);
	CHECK_EQ(manage(fd, PROC_KILL_TREE, SIGKILL), 2);
	expect_killed(fd, SIGKILL);
	close(fd);
}

static void process_madvise_and_mrelease(void)
{
	int errs[] = { ENOSYS, EPERM };
	for (int i = 0; i < 2; i++)
		in_fork(new_calls, &errs[i]);
}

/* Without the ioctl of pidfds all that was asked of it comes out of /proc. */
static void old_kernel(void *arg)
{
	struct rule r[] = { { SYS_ioctl, REFUSE(*(int *)arg) } };
	pid_t pid;
	int fd = family(&pid);
	filter(r, 1, 0);
	struct procfd_prlimit l = { 0 };
	CHECK_EQ(process_manage(fd, PROC_RLIMIT, RLIMIT_CORE, &l, sizeof l), 0);
	int nice = nicer(3);
	CHECK_EQ(manage(fd, PROC_PRIORITY, (uint64_t)nice), 0);
	CHECK_EQ(getpriority(PRIO_PROCESS, (id_t)pid), nice);
	CHECK_EQ(manage(fd, PROC_OOM_SCORE_ADJ, 3), 0);
	CHECK_EQ(manage(fd, PROC_STOP, 0), 0);
	CHECK_EQ(manage(fd, PROC_CONT, 0), 0);
	CHECK_EQ(manage(fd, PROC_KILL_TREE, 0), 2);
	CHECK_EQ(manage(fd, PROC_KILL_TREE, SIGKILL), 2);
	expect_killed(fd, SIGKILL);
	CHECK_ERR(process_manage(fd, PROC_RLIMIT, RLIMIT_CORE, &l, sizeof l), ESRCH);
	CHECK_ERR(manage(fd, PROC_PRIORITY, 3), ESRCH);
	close(fd);
}

static void no_ioctl_of_pidfds(void)
{
	int errs[] = { ENOTTY, EPERM };
	for (int i = 0; i < 2; i++)
		in_fork(old_kernel, &errs[i]);
}

static void finish_both(int fd, pid_t pid)
{
	CHECK_EQ(kill(-pid, SIGKILL), 0);
	expect_killed(fd, SIGKILL);
	close(fd);
}

struct step {
	long nr;
	uint32_t cmd;
	uint64_t arg;
	void *data;
	size_t size;
};

static void limits_refused(void *arg)
{
	(void)arg;
	pid_t pid;
	int fd = family(&pid);
	refuse(SYS_prlimit64, ODD);
	CHECK_EQ(manage(fd, PROC_KILL_TREE, SIGKILL), 2);
	expect_killed(fd, SIGKILL);
	close(fd);
}

static void a_tree_without_limits(void)
{
	in_fork(limits_refused, NULL);
}

static struct procfd_prlimit limit;
static struct procfd_sched sched;
static unsigned long mask = 1;

static void one_step(void *arg)
{
	struct step *s = arg;
	pid_t pid;
	int fd = family(&pid);
	refuse(s->nr, ODD);
	CHECK_ERR(process_manage(fd, s->cmd, s->arg, s->data, s->size), ODD);
	CHECK_EQ(state(fd), PROC_STATE_RUNNING);
	finish_both(fd, pid);
}

static void the_errno_of_the_filter(void)
{
	struct step steps[] = {
		{ SYS_prlimit64, PROC_RLIMIT, RLIMIT_CORE, &limit, sizeof limit },
		{ SYS_setpriority, PROC_PRIORITY, 1, NULL, 0 },
		{ SYS_sched_setattr, PROC_SCHEDULER, 0, &sched, sizeof sched },
		{ SYS_sched_setaffinity, PROC_AFFINITY, 0, &mask, sizeof mask },
		{ SYS_ioprio_set, PROC_IOPRIO, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 4), NULL, 0 },
		{ SYS_setns, PROC_SETNS, CLONE_NEWUTS, NULL, 0 },
		{ SYS_pidfd_send_signal, PROC_STOP, 0, NULL, 0 },
		{ SYS_pidfd_send_signal, PROC_KILL_TREE, SIGKILL, NULL, 0 },
		{ SYS_getdents64, PROC_PRIORITY, 1, NULL, 0 },
		{ SYS_getdents64, PROC_KILL_TREE, SIGTERM, NULL, 0 },
	};
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		pid_t pid = fork_run(one_step, &steps[i]);
		int st;
		CHECK_EQ(waitpid(pid, &st, 0), pid);
		if (st)
			FAIL("command %#x without system call %ld: %#x", steps[i].cmd, steps[i].nr, st);
	}
}

/* A walk that fails on its way leaves nobody stopped. */
static void nobody_is_left_stopped(void *arg)
{
	(void)arg;
	pid_t pid;
	int fd = family(&pid);
	refuse(SYS_pidfd_open, ODD);
	CHECK_ERR(manage(fd, PROC_KILL_TREE, SIGTERM), ODD);
	long long end = now_ns() + FOREVER_MS * 1000000LL;
	while (status_of(pid, "State")[0] != 'S')
		if (now_ns() > end)
			FAIL("state %s", status_of(pid, "State"));
	CHECK_EQ(state(fd), PROC_STATE_RUNNING);
	finish_both(fd, pid);
}

static void a_walk_that_fails(void)
{
	in_fork(nobody_is_left_stopped, NULL);
}

TAP_MAIN(CASE(process_madvise_and_mrelease), CASE(no_ioctl_of_pidfds),
	 CASE(a_tree_without_limits), CASE(the_errno_of_the_filter),
	 CASE(a_walk_that_fails))

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What is started, and how: the scenarios of torture.c. */
#ifndef SCENARIOS_H
#define SCENARIOS_H

#include "configure.h"

/* No program: the child goes on in the creator's. */
static int start_fork(const struct scenario *s, int *fd, int *opened)
{
	*fd = process_open(s->flags);
	*opened = *fd >= 0 && !(s->ends == BY_POLICY && set(*fd, PROC_SET_CLOSE, SIGKILL, NULL, 0));
	return *opened ? create(*fd) : -1;
}

static int start_copy(const struct scenario *s, int *fd, int *opened)
{
	int from = process_open(s->flags);
	*fd = from >= 0 && !configured(s, from) ? process_config(from, PROC_COPY, 0, NULL, 0) : -1;
	int saved = errno;
	if (from >= 0)
		close(from);
	*opened = *fd >= 0;
	errno = saved;
	return *opened ? create(*fd) : -1;
}

static int start_attach(const struct scenario *s, int *fd, int *opened)
{
	struct procfd_close close = { .second_signal = SIGKILL, .delay_ns = 20000000 };
	int second = s->by_watcher;
	*fd = process_open(s->flags);
	*opened = *fd >= 0 && !set(*fd, PROC_SET_CLOSE, second ? SIGCONT : SIGKILL, second ? &close : NULL,
				   second ? sizeof close : 0);
	if (*opened && is_tortured && taking->is_on)
		syscall(MARK_BEGIN);
	return *opened ? process_config(*fd, PROC_ATTACH, (uint64_t)target_pidfd, NULL, 0) : -1;
}

/* It runs once PROC_RESUME lets it: also after a failure, which leaves it stopped. */
static int start_suspended(const struct scenario *s, int *fd, int *opened)
{
	int created = usual_start(s, fd, opened);
	for (int i = 0; created > 0 && process_manage(*fd, PROC_RESUME, 0, NULL, 0) && errno != ESRCH && i < 2; i++)
		;
	return created;
}

/* procfd_spawn leaves no procfd that could be asked for the stage. */
static int start_spawn(const struct scenario *s, int *fd, int *opened)
{
	const char *const argv[] = { self_path, "--program", "pause", NULL };
	int pipes[3] = { -1, -1, -1 };
	struct procfd_spawn o = { .flags = s->flags,
				  .pipes = pipes,
				  .close_signal = SIGKILL,
				  .cwd = "/",
				  .stdio = { PROCFD_STDIO_PIPE, PROCFD_STDIO_PIPE, PROCFD_STDIO_STDOUT } };
	if (is_tortured && taking->is_on)
		syscall(MARK_BEGIN);
	*fd = procfd_spawn(argv, &o, sizeof o);
	int saved = errno;
	if (is_tortured && taking->is_on)
		syscall(MARK_END);
	for (int i = 0; i < 3; i++)
		if (pipes[i] >= 0 && !(is_tortured && is_programs(pipes[i])))
			close(pipes[i]);
	*opened = 0;
	errno = saved;
	return *fd >= 0 ? 1 : -1;
}

#define EXPECT(call, good)                                                         \
	do {                                                                       \
		errno = 0;                                                         \
		long got_ = (call);                                                \
		if (got_ < 0 ? !errno || !procfd_error_message()[0] : !(good))     \
			fault(r, "%s: %ld, errno %d", #call, got_, errno);         \
	} while (0)

/* What a holder does with a process; its failures have an errno and a message, its answers are right. */
static void life(int fd, struct report *r)
{
	static struct procfd_info i;
	struct procfd_wait w = { .timeout_ns = PATIENCE_MS * 1000000ULL };
	struct procfd_prlimit limit = { 0 };
	struct procfd_kill_tree tree = { 0 };
	int pidfd = -1, got = -1, killed = -1;
	memset(&i, 0, sizeof i);
	EXPECT(process_info(fd, PROC_INFO_STATE, 0, NULL, 0), got_ == PROC_STATE_RUNNING);
	EXPECT(process_info(fd, PROC_INFO_PID, 0, NULL, 0), got_ == r->created);
	EXPECT(process_info(fd, PROC_INFO,
			    PROC_FIELD_IDS | PROC_FIELD_COMM | PROC_FIELD_MEMORY | PROC_FIELD_MEMORY_DETAIL |
				    PROC_FIELD_SIGNALS | PROC_FIELD_IO | PROC_FIELD_FDS | PROC_FIELD_USAGE |
				    PROC_FIELD_MOUNTS | PROC_FIELD_NAMESPACES | PROC_FIELD_OOM,
			    &i, sizeof i),
	       !(i.mask & PROC_FIELD_IDS) || (int)i.pid == r->created);
	EXPECT(pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0), 1);
	EXPECT(got = process_manage(fd, PROC_GETFD, 1, NULL, 0), 1);
	EXPECT(process_manage(fd, PROC_RLIMIT, RLIMIT_CORE, &limit, sizeof limit), 1);
	EXPECT(process_manage(fd, PROC_PRIORITY, 19, NULL, 0), 1);
	EXPECT(process_manage(fd, PROC_SET_CLOSE, SIGTERM, NULL, 0), 1);
	EXPECT(process_manage(fd, PROC_SET_CLOSE, SIGKILL, NULL, 0), 1);
	EXPECT(process_manage(fd, PROC_WAIT, PROC_WAIT_NOHANG, &w, sizeof w), 0);
	EXPECT(killed = process_manage(fd, PROC_KILL_TREE, SIGKILL, &tree, sizeof tree), got_ == 1);
	if (killed == 1)
		EXPECT(process_manage(fd, PROC_WAIT, 0, &w, sizeof w),
		       w.what == PROC_KILLED && w.status == SIGKILL);
	/* One that was taken is the program's. */
	if (pidfd >= 0 && !is_programs(pidfd))
		close(pidfd);
	if (got >= 0 && !is_programs(got))
		close(got);
}

/* The library reaps it. */
static void forget(int fd, struct report *r)
{
	(void)r;
	close(fd);
	let_go = 1;
	sweep();
}

#define ALONE PROCFD_NO_WATCH
#define EXEC_TOLD { SYS_execve, PROC_STAGE_EXEC }
#define MOUNTS_TOLD                                                                                        \
	{ SYS_fsopen, ANY_STAGE }, { SYS_fsmount, ANY_STAGE }, { SYS_open_tree, ANY_STAGE },               \
		{ SYS_move_mount, ANY_STAGE }, { SYS_mount_setattr, ANY_STAGE }, { SYS_mount, ANY_STAGE }, \
		{ SYS_pivot_root, PROC_STAGE_PIVOT_ROOT }

static const struct scenario scenarios[] = {
	{ .name = "plain", .flags = ALONE, .configure = no_more, .told = { EXEC_TOLD } },
	{ .name = "lean", .flags = PROCFD_PIDFD, .configure = no_more, .told = { EXEC_TOLD } },
	{ .name = "lean, fork form", .flags = PROCFD_PIDFD, .configure = no_more, .start = start_fork },
	{ .name = "close policy", .flags = ALONE, .ends = BY_POLICY, .configure = no_more, .told = { EXEC_TOLD } },
	{ .name = "credentials",
	  .flags = ALONE,
	  .needs_root = 1,
	  .ends = BY_POLICY,
	  .configure = credentials,
	  .told = { EXEC_TOLD,
		    { SYS_setresuid, PROC_STAGE_UID },
		    { SYS_setresgid, PROC_STAGE_GID },
		    { SYS_setgroups, PROC_STAGE_GROUPS },
		    { SYS_setsid, PROC_STAGE_SESSION },
		    { SYS_chdir, PROC_STAGE_CWD } } },
	{ .name = "namespaces with maps",
	  .flags = ALONE,
	  .ends = BY_POLICY,
	  .configure = namespaces,
	  .told = { EXEC_TOLD, { SYS_sethostname, PROC_STAGE_HOSTNAME } } },
	{ .name = "watcher", .cold = 1, .configure = no_more },
	{ .name = "watcher, second signal", .ends = BY_SECOND_SIGNAL, .by_watcher = 1, .configure = no_more },
	{ .name = "watcher, init of a namespace", .ends = BY_POLICY, .by_watcher = 1, .configure = pid_namespace },
	{ .name = "built-in init", .flags = ALONE, .ends = BY_POLICY, .configure = built_in_init },
	{ .name = "attach",
	  .flags = ALONE,
	  .ends = BY_POLICY,
	  .configure = no_more,
	  .prepare = make_target,
	  .start = start_attach },
	{ .name = "attach, second signal",
	  .ends = BY_SECOND_SIGNAL,
	  .by_watcher = 1,
	  .configure = no_more,
	  .prepare = make_target,
	  .start = start_attach },
	{ .name = "copy", .flags = ALONE, .ends = BY_POLICY, .configure = no_more, .start = start_copy,
	  .told = { EXEC_TOLD } },
	{ .name = "fork form", .flags = ALONE, .configure = no_more, .start = start_fork },
	{ .name = "fork form, close policy",
	  .flags = ALONE,
	  .ends = BY_POLICY,
	  .configure = no_more,
	  .start = start_fork },
	{ .name = "procfd_spawn with pipes", .flags = ALONE, .ends = BY_POLICY, .configure = no_more,
	  .start = start_spawn },
	{ .name = "descriptor actions",
	  .flags = ALONE,
	  .configure = descriptors,
	  .told = { EXEC_TOLD,
		    { SYS_openat, PROC_STAGE_FD },
		    { SYS_dup3, PROC_STAGE_FD },
		    { SYS_chdir, PROC_STAGE_CWD } } },
	{ .name = "mounts", .flags = ALONE, .ends = BY_POLICY, .configure = mounts, .told = { EXEC_TOLD, MOUNTS_TOLD } },
	{ .name = "mounts, new root",
	  .flags = ALONE,
	  .ends = BY_POLICY,
	  .configure = new_root,
	  .told = { EXEC_TOLD, MOUNTS_TOLD } },
	{ .name = "cgroup", .flags = ALONE, .needs_group = 1, .ends = BY_POLICY, .configure = in_cgroup,
	  .told = { EXEC_TOLD } },
	{ .name = "own cgroup", .flags = ALONE, .needs_group = 1, .ends = BY_POLICY, .configure = in_leaf,
	  .told = { EXEC_TOLD } },
	{ .name = "watcher, own cgroup", .needs_group = 1, .ends = BY_POLICY, .configure = in_leaf,
	  .told = { EXEC_TOLD } },
	{ .name = "suspended",
	  .flags = ALONE,
	  .stays = 1,
	  .configure = suspended,
	  .start = start_suspended,
	  .told = { EXEC_TOLD, { SYS_pipe2, PROC_STAGE_SUSPEND } } },
	{ .name = "suspended, close policy",
	  .flags = ALONE,
	  .ends = BY_POLICY,
	  .configure = suspended,
	  .told = { EXEC_TOLD, { SYS_pipe2, PROC_STAGE_SUSPEND } } },
	{ .name = "joined namespaces",
	  .flags = ALONE,
	  .ends = BY_POLICY,
	  .configure = joins,
	  .prepare = make_namespaces,
	  .told = { EXEC_TOLD, { SYS_setns, PROC_STAGE_JOIN }, { SYS_openat, PROC_STAGE_JOIN } } },
	{ .name = "joined pid namespace",
	  .flags = ALONE,
	  .ends = BY_POLICY,
	  .configure = joins_pid,
	  .prepare = make_pid_namespace,
	  .told = { EXEC_TOLD } },
	{ .name = "user",
	  .flags = ALONE,
	  .needs_root = 1,
	  .ends = BY_POLICY,
	  .configure = user,
	  .told = { EXEC_TOLD,
		    { SYS_setresuid, PROC_STAGE_UID },
		    { SYS_setresgid, PROC_STAGE_GID },
		    { SYS_setgroups, PROC_STAGE_GROUPS } } },
	{ .name = "terminal",
	  .flags = ALONE,
	  .ends = BY_POLICY,
	  .configure = terminal,
	  .told = { EXEC_TOLD, { SYS_setsid, PROC_STAGE_SESSION }, { SYS_ioctl, PROC_STAGE_CTTY } } },
	{ .name = "Landlock",
	  .flags = ALONE,
	  .needs_landlock = 1,
	  .ends = BY_POLICY,
	  .configure = landlock,
	  .told = { EXEC_TOLD,
		    { SYS_LANDLOCK_CREATE, PROC_STAGE_LANDLOCK },
		    { SYS_LANDLOCK_RULE, PROC_STAGE_LANDLOCK_RULE },
		    { SYS_LANDLOCK_RESTRICT, PROC_STAGE_LANDLOCK } } },
	{ .name = "seccomp listener",
	  .flags = ALONE,
	  .ends = BY_POLICY,
	  .configure = listener,
	  .told = { EXEC_TOLD, { SYS_seccomp, PROC_STAGE_SECCOMP }, { SYS_sendmsg, PROC_STAGE_SECCOMP } } },
	{ .name = "time limit", .ends = BY_LIMIT, .by_watcher = 1, .configure = time_limit },
	{ .name = "time limit, built-in init", .flags = ALONE, .ends = BY_LIMIT, .configure = init_with_time_limit },
	{ .name = "autoreap",
	 
	  .flags = ALONE | PROCFD_AUTOREAP,
	  .configure = no_more,
	  .live = forget,
	  .forgets = 1 },
	{ .name = "autoreap, close policy", .flags = ALONE | PROCFD_AUTOREAP, .ends = BY_POLICY, .configure = no_more,
	  .told = { EXEC_TOLD } },
	{ .name = "many settings",
	  .flags = ALONE,
	  .ends = BY_POLICY,
	  .configure = many_settings,
	  .told = { EXEC_TOLD,
		    { SYS_setpriority, PROC_STAGE_NICE },
		    { SYS_prlimit64, PROC_STAGE_RLIMIT },
		    { SYS_setpgid, PROC_STAGE_PGROUP },
		    { SYS_personality, PROC_STAGE_PERSONALITY },
		    { SYS_ioprio_set, PROC_STAGE_IOPRIO },
		    { SYS_sched_setaffinity, PROC_STAGE_AFFINITY },
		    { SYS_seccomp, PROC_STAGE_SECCOMP } } },
	{ .name = "life", .flags = ALONE, .ends = BY_POLICY, .configure = no_more, .live = life },
};
#define N_SCENARIOS ((int)(sizeof scenarios / sizeof *scenarios))

#endif

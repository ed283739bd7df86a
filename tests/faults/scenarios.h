/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What is started, and how: the scenarios of torture.c. */
#ifndef SCENARIOS_H
#define SCENARIOS_H

#include "subject.h"

#include <linux/filter.h>
#include <sys/mount.h>

/* The cgroup of the scenario; empty where there is none to be had. */
static char group[512];

static void make_group(void)
{
	char line[1024], root[256], point[256] = "";
	FILE *f = fopen("/proc/self/mountinfo", "re");
	while (f && !point[0] && fgets(line, sizeof line, f))
		if (!strstr(line, " - cgroup2 ") ||
		    sscanf(line, "%*d %*d %*s %255s %255s", root, point) != 2)
			point[0] = 0;
	if (f)
		fclose(f);
	snprintf(group, sizeof group, "%s/procfd-torture-%d", point, getpid());
	if (!point[0] || mkdir(group, 0755))
		group[0] = 0;
}

static void drop_group(void)
{
	for (int i = 0; group[0] && rmdir(group) && errno == EBUSY && i < 1000; i++)
		usleep(1000);
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
static int maps(int fd, uint64_t namespaces)
{
	struct procfd_idmap two[] = { { 0, 0, 1, 0 }, { 1, 1000, 1, 0 } };
	struct procfd_idmap u = { 0, getuid(), 1, 0 }, g = { 0, getgid(), 1, 0 };
	int root = geteuid() == 0;
	return set(fd, PROC_SET_FLAG, CLONE_NEWUSER | namespaces, NULL, 0) ||
	       set(fd, PROC_SET_UID_MAP, 0, root ? two : &u, root ? sizeof two : sizeof u) ||
	       set(fd, PROC_SET_GID_MAP, 0, root ? two : &g, root ? sizeof two : sizeof g);
}

static int namespaces(int fd)
{
	return maps(fd, CLONE_NEWUTS | CLONE_NEWNS) || set(fd, PROC_SET_HOSTNAME, 0, "torture", 0);
}

static int pid_namespace(int fd)
{
	return set(fd, PROC_SET_FLAG, CLONE_NEWPID | (geteuid() ? CLONE_NEWUSER : 0), NULL, 0);
}

static int built_in_init(int fd)
{
	return pid_namespace(fd) || set(fd, PROC_SET_INIT, 1, NULL, 0);
}

static int descriptors(int fd)
{
	struct procfd_open null = { "/dev/null", O_WRONLY, 0 }, file = { "/proc/self/status", O_RDONLY, 0 };
	struct procfd_dup up = { 1, 40 }, swap = { 40, 2 };
	struct procfd_range range = { 41, 60 };
	return set(fd, PROC_FD_NULL, 0, NULL, 0) || set(fd, PROC_FD_OPEN, 1, &null, sizeof null) ||
	       set(fd, PROC_FD_DUP, 0, &up, sizeof up) || set(fd, PROC_SET_CWD, 0, "/usr", 0) ||
	       set(fd, PROC_FD_OPEN, 50, &file, sizeof file) || set(fd, PROC_FD_DUP, 0, &swap, sizeof swap) ||
	       set(fd, PROC_FD_CLOSE_RANGE, 0, &range, sizeof range) || set(fd, PROC_FD_CLOSE, 39, NULL, 0) ||
	       set(fd, PROC_SET_UMASK, 027, NULL, 0);
}

static int add(int fd, uint64_t kind, const char *source, const char *target, uint64_t flags)
{
	struct procfd_mount m = { .source = source, .target = target, .flags = flags };
	if (kind == PROC_MOUNT_FILE) {
		m.content = "torture\n";
		m.content_size = 8;
	}
	return set(fd, PROC_MOUNT, kind, &m, sizeof m);
}

static int mounts(int fd)
{
	return maps(fd, CLONE_NEWNS) || set(fd, PROC_SET_PRIVATE_DEV, 1, NULL, 0) ||
	       add(fd, PROC_MOUNT_FILESYSTEM, "tmpfs", "/mnt", 0) ||
	       add(fd, PROC_MOUNT_DIRECTORY, NULL, "/mnt/a/b", 0) ||
	       add(fd, PROC_MOUNT_BIND, "/usr", "/mnt/a/b", PROC_MOUNT_RECURSIVE) ||
	       add(fd, PROC_MOUNT_FILE, NULL, "/mnt/file", PROC_MOUNT_CREATE) ||
	       set(fd, PROC_SET_READONLY_ROOT, 1, NULL, 0);
}

static int new_root(int fd)
{
	static char folder[sizeof self_path];
	snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(self_path, '/') - self_path), self_path);
	if (maps(fd, CLONE_NEWNS) || set(fd, PROC_SET_TMPFS_ROOT, 1, NULL, 0) ||
	    add(fd, PROC_MOUNT_BIND, folder, folder, PROC_MOUNT_CREATE))
		return -1;
	static const char *const system[] = { "/usr", "/lib", "/lib64", "/etc" };
	for (size_t i = 0; i < sizeof system / sizeof *system; i++) {
		struct stat st;
		char real[4096];
		/* /lib of a merged system is a link. */
		if (lstat(system[i], &st))
			continue;
		ssize_t n = S_ISLNK(st.st_mode) ? readlink(system[i], real, sizeof real - 1) : 0;
		real[n > 0 ? n : 0] = 0;
		if (n > 0 ? add(fd, PROC_MOUNT_SYMLINK, real, system[i], PROC_MOUNT_CREATE)
			  : add(fd, PROC_MOUNT_BIND, system[i], system[i], PROC_MOUNT_CREATE))
			return -1;
	}
	return 0;
}

static int in_cgroup(int fd)
{
	return set(fd, PROC_SET_CGROUP, 0, group, 0);
}

static int many_settings(int fd)
{
	static const struct sock_filter allow[] = { BPF_STMT(BPF_RET | BPF_K, 0x7fff0000U) };
	struct procfd_rlimit core = { 0, 0 };
	struct procfd_sched batch = { .policy = SCHED_BATCH };
	unsigned long cpus = 1;
	return set(fd, PROC_SET_NICE, 19, NULL, 0) || set(fd, PROC_SET_RLIMIT, RLIMIT_CORE, &core, sizeof core) ||
	       set(fd, PROC_SET_PGROUP, 0, NULL, 0) || set(fd, PROC_SET_TIMERSLACK, 60000, NULL, 0) ||
	       set(fd, PROC_SET_PERSONALITY, 0x40000, NULL, 0) || set(fd, PROC_SET_SUBREAPER, 1, NULL, 0) ||
	       set(fd, PROC_SET_IOPRIO, 3 << 13, NULL, 0) ||
	       set(fd, PROC_SET_SCHEDULER, 0, &batch, sizeof batch) ||
	       set(fd, PROC_SET_AFFINITY, 0, &cpus, sizeof cpus) ||
	       set(fd, PROC_SET_OOM_SCORE_ADJ, 500, NULL, 0) ||
	       set(fd, PROC_SET_SIGMASK, 1ULL << (SIGUSR1 - 1), NULL, 0) ||
	       set(fd, PROC_SET_SIGDEFAULT, 1ULL << (SIGPIPE - 1), NULL, 0) ||
	       set(fd, PROC_SET_NO_NEW_PRIVS, 1, NULL, 0) ||
	       set(fd, PROC_SET_SECCOMP, 0, allow, sizeof allow) ||
	       set(fd, PROC_SET_PDEATHSIG, SIGKILL, NULL, 0);
}

/* No program: the child goes on in the creator's. */
static int start_fork(const struct scenario *s, int *fd, int *opened)
{
	*fd = process_open(s->flags);
	*opened = *fd >= 0 && !(s->ends == BY_POLICY && set(*fd, PROC_SET_CLOSE, SIGKILL, NULL, 0));
	return *opened ? process_config(*fd, PROC_CREATE, 0, NULL, 0) : -1;
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
	return *opened ? process_config(*fd, PROC_CREATE, 0, NULL, 0) : -1;
}

static int start_attach(const struct scenario *s, int *fd, int *opened)
{
	struct procfd_close close = { .second_signal = SIGKILL, .delay_ns = 20000000 };
	int second = s->by_watcher;
	*fd = process_open(s->flags);
	*opened = *fd >= 0 && !set(*fd, PROC_SET_CLOSE, second ? SIGCONT : SIGKILL, second ? &close : NULL,
				   second ? sizeof close : 0);
	return *opened ? process_config(*fd, PROC_ATTACH, (uint64_t)target_pidfd, NULL, 0) : -1;
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
	*fd = procfd_spawn(argv, &o, sizeof o);
	int saved = errno;
	for (int i = 0; i < 3; i++)
		if (pipes[i] >= 0)
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
	if (pidfd >= 0)
		close(pidfd);
	if (got >= 0)
		close(got);
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
	{ .name = "cgroup", .flags = ALONE, .needs_root = 1, .ends = BY_POLICY, .configure = in_cgroup,
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

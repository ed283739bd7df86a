/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The settings of the scenarios. */
#ifndef CONFIGURE_H
#define CONFIGURE_H

#include "passes.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
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

/* Removes the cgroups that starts have left below it, and returns how many there were. */
static int drop_leaves(void)
{
	char path[1024];
	int n = 0;
	DIR *d = group[0] ? opendir(group) : NULL;
	for (struct dirent *e; d && (e = readdir(d));) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		n++;
		snprintf(path, sizeof path, "%s/%s", group, e->d_name);
		rmdir(path);
	}
	if (d)
		closedir(d);
	return n;
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

/* A cgroup of its own below that one. */
static int in_leaf(int fd)
{
	return in_cgroup(fd) || set(fd, PROC_SET_CGROUP_LEAF, 1, NULL, 0) ||
	       set(fd, PROC_SET_CGROUP_LIMIT, 0, "cgroup.max.depth=3", 0);
}

static int suspended(int fd)
{
	return set(fd, PROC_START_SUSPENDED, 1, NULL, 0);
}

static int time_limit(int fd)
{
	return set(fd, PROC_SET_TIME_LIMIT, 50000000, NULL, 0);
}

static int init_with_time_limit(int fd)
{
	return built_in_init(fd) || time_limit(fd);
}

static int user(int fd)
{
	return set(fd, PROC_SET_USER, 0, "nobody", 0);
}

static int terminal(int fd)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	callers_end = process_config(fd, PROC_SET_PTY, 0, &size, sizeof size);
	return callers_end < 0 ? -1 : 0;
}

static int listener(int fd)
{
	static const struct sock_filter of_swapoff[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_swapoff, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0x7fc00000U), /* SECCOMP_RET_USER_NOTIF */
		BPF_STMT(BPF_RET | BPF_K, 0x7fff0000U), /* SECCOMP_RET_ALLOW */
	};
	if (set(fd, PROC_SET_NO_NEW_PRIVS, 1, NULL, 0))
		return -1;
	callers_end = process_config(fd, PROC_SET_SECCOMP, 8 /* NEW_LISTENER */, (void *)of_swapoff, sizeof of_swapoff);
	return callers_end < 0 ? -1 : 0;
}

/* linux/landlock.h of this machine may be older. */
#define SYS_LANDLOCK_CREATE 444
#define SYS_LANDLOCK_RULE 445
#define SYS_LANDLOCK_RESTRICT 446

static int has_landlock(void)
{
	return syscall(SYS_LANDLOCK_CREATE, NULL, 0, 1 /* which version */) > 0;
}

/* It may read and execute all files, and write none. A rule for directories too has one for files as its substitute. */
static int landlock(int fd)
{
	struct procfd_landlock restricted = { .fs = 15 }; /* execute, write, read, list */
	return set(fd, PROC_SET_NO_NEW_PRIVS, 1, NULL, 0) ||
	       set(fd, PROC_SET_LANDLOCK, PROC_LANDLOCK_STRICT, &restricted, sizeof restricted) ||
	       set(fd, PROC_LANDLOCK_PATH, 5, "/", 0);
}

static uint64_t and_user(void)
{
	return geteuid() ? CLONE_NEWUSER : 0;
}

/* Of a process that is there: several by its pidfd, one by its path. */
static int joins(int fd)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/ns/cgroup", target);
	return set(fd, PROC_JOIN_FD, CLONE_NEWUTS | CLONE_NEWIPC | and_user(), &target_pidfd, sizeof target_pidfd) ||
	       set(fd, PROC_JOIN_PATH, CLONE_NEWCGROUP, path, 0);
}

static void make_namespaces(void)
{
	make_process(CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP | and_user());
}

static int joins_pid(int fd)
{
	return set(fd, PROC_JOIN_FD, CLONE_NEWPID | and_user(), &target_pidfd, sizeof target_pidfd);
}

static void make_pid_namespace(void)
{
	make_process(CLONE_NEWPID | and_user());
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

#endif

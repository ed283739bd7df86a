// SPDX-License-Identifier: MIT OR Apache-2.0
/* process_manage: into a process's namespaces, and a process into a cgroup. */
#include "cgroup.h"
#include "filter.h"

#include <sys/vfs.h>

static int manage(int fd, uint32_t cmd, uint64_t arg)
{
	return process_manage(fd, cmd, arg, NULL, 0);
}

/* ---- namespaces ---- */

/* A process in new namespaces, with a host name of its own. */
static int elsewhere(pid_t *pid)
{
	struct procfd_idmap u = { 0, geteuid(), 1, 0 }, g = { 0, getegid(), 1, 0 };
	int fd = ctx(), r;
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNS | CLONE_NEWNET);
	CFG(fd, PROC_SET_UID_MAP, 0, &u, sizeof u);
	CFG(fd, PROC_SET_GID_MAP, 0, &g, sizeof g);
	CFG(fd, PROC_SET_HOSTNAME, 0, "elsewhere", 0);
	set_child(fd, "ready");
	struct out o = set_output(fd);
	*pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	if (*pid < 0)
		SKIP("no user namespaces for this user");
	close(o.w);
	r = o.r;
	read_ready(r);
	close(r);
	return fd;
}

static const char *const files[] = { "user", "uts", "ipc", "mnt", "net", "pid", "cgroup", "time" };

static const char *ns_of(const char *who, const char *file)
{
	static char ring[2][64];
	static int next;
	char path[64], *to = ring[next++ & 1];
	snprintf(path, sizeof path, "/proc/%s/ns/%s", who, file);
	ssize_t n = readlink(path, to, 63);
	to[n > 0 ? n : 0] = 0;
	return to;
}

static void same_as(pid_t pid, const char *among)
{
	char who[16];
	snprintf(who, sizeof who, "%d", pid);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (strstr(among, files[i]))
			CHECK_STR(ns_of("thread-self", files[i]), ns_of(who, files[i]));
}

struct visit {
	int fd;
	pid_t pid;
};

static void visitor(void *arg)
{
	struct visit *v = arg;
	char name[64];
	CHECK_EQ(manage(v->fd, PROC_SETNS, CLONE_NEWUSER | CLONE_NEWUTS), 0);
	same_as(v->pid, "user uts");
	CHECK_EQ(gethostname(name, sizeof name), 0);
	CHECK_STR(name, "elsewhere");
	CHECK_EQ(manage(v->fd, PROC_SETNS, CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS), 0);
	same_as(v->pid, "user uts ipc mnt net");
	/* Nobody enters its own user namespace. */
	CHECK_ERR(manage(v->fd, PROC_SETNS, CLONE_NEWUSER), EINVAL);
	/* What the library knows of its user namespace it asks anew. */
	struct procfd_idmap u = { 0, 0, 1, 0 };
	int fd = ctx_flags(PROCFD_NO_WATCH);
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER);
	CFG(fd, PROC_SET_UID_MAP, 0, &u, sizeof u);
	FACT_IS(facts(fd), "uid", "0 0 0");
	close(fd);
}

static void a_visit(void)
{
	struct visit v;
	v.fd = elsewhere(&v.pid);
	in_fork(visitor, &v);
	struct visit by_pidfd = { sys_pidfd_open(v.pid), v.pid };
	in_fork(visitor, &by_pidfd);
	close(by_pidfd.fd);
	finish(v.fd);
}

static void *idle(void *arg)
{
	pause();
	return arg;
}

static void with_two_threads(void *arg)
{
	struct visit *v = arg;
	char was[64];
	pthread_t t;
	strcpy(was, ns_of("thread-self", "uts"));
	CHECK_EQ(pthread_create(&t, NULL, idle, NULL), 0);
	/* All or none: the user namespace is not for a process with threads, so neither is the other. */
	CHECK_ERR(manage(v->fd, PROC_SETNS, CLONE_NEWUSER | CLONE_NEWUTS), EINVAL);
	CHECK_STR(ns_of("thread-self", "uts"), was);
}

static void not_with_threads(void)
{
	struct visit v;
	v.fd = elsewhere(&v.pid);
	in_fork(with_two_threads, &v);
	finish(v.fd);
}

/* setns(2) before 5.8: one flag, and EINVAL for all else. */
static void old_setns(void)
{
	static const uint32_t one[] = { CLONE_NEWUSER, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWNS,
					CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWCGROUP, CLONE_NEWTIME };
	struct sock_filter f[16] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setns, 0, 10),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
	};
	for (int i = 0; i < 8; i++)
		f[3 + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, one[i], (uint8_t)(8 - i), 0);
	f[11] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, REFUSE(EINVAL));
	f[12] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog p = { .len = 13, .filter = f };
	CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p), 0);
}

static void by_files(void *arg)
{
	struct visit *v = arg;
	char name[64];
	old_setns();
	CHECK_ERR(syscall(SYS_setns, v->fd, CLONE_NEWUSER | CLONE_NEWUTS), EINVAL);
	CHECK_EQ(manage(v->fd, PROC_SETNS, CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS), 0);
	same_as(v->pid, "user uts ipc mnt net");
	CHECK_EQ(gethostname(name, sizeof name), 0);
	CHECK_STR(name, "elsewhere");
}

static void before_pidfds_were_taken(void)
{
	struct visit v;
	v.fd = elsewhere(&v.pid);
	in_fork(by_files, &v);
	finish(v.fd);
}

static void of_the_init(void)
{
	become_nobody();
	int init = sys_pidfd_open(1);
	CHECK_ERR(manage(init, PROC_SETNS, CLONE_NEWUTS | CLONE_NEWNET), EPERM);
	old_setns();
	CHECK_ERR(manage(init, PROC_SETNS, CLONE_NEWUTS | CLONE_NEWNET), EPERM);
	close(init);
}

static void children_into_a_pid_namespace(void)
{
	NEED_ROOT();
	int fd = ctx();
	SET(fd, PROC_SET_FLAG, CLONE_NEWPID);
	set_child(fd, "pause");
	create(fd);
	CHECK_EQ(manage(fd, PROC_SETNS, CLONE_NEWPID), 0);
	pid_t inside = fork();
	if (inside == 0)
		_exit(getpid() == 2 ? 0 : 1);
	expect_status(inside, 0);
	finish(fd);
}

/* ---- cgroups ---- */

/* A fresh cgroup, open; SKIP where there is none to be had. */
static int open_group(void)
{
	make_group();
	int fd = open(group, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CHECK(fd >= 0);
	return fd;
}

static void close_group(int fd)
{
	close(fd);
	drop_group();
}

static int is_in_group(pid_t pid)
{
	char path[64], line[1024];
	int in = 0;
	snprintf(path, sizeof path, "/proc/%d/cgroup", pid);
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof line, f))
		in |= !strncmp(line, "0::", 3) && strstr(line, strrchr(group, '/'));
	if (f)
		fclose(f);
	return in;
}

static void not_mine(void *arg)
{
	struct visit *v = arg;
	CHECK_EQ(setresuid(4321, 4321, 4321), 0);
	CHECK_ERR(manage(v->fd, PROC_CGROUP, (uint64_t)v->pid), EACCES);
}

static void into_a_cgroup(void)
{
	int cg = open_group(), v1 = open("/sys/fs/cgroup/cpu", O_DIRECTORY | O_CLOEXEC);
	int fd = ctx();
	set_child(fd, "pause");
	pid_t pid = create(fd);
	struct visit v = { fd, cg };
	in_fork(not_mine, &v);
	CHECK(!is_in_group(pid));
	CHECK_EQ(manage(fd, PROC_CGROUP, (uint64_t)cg), 0);
	CHECK(is_in_group(pid));
	if (v1 >= 0)
		CHECK_ERR(manage(fd, PROC_CGROUP, (uint64_t)v1), EINVAL);
	int file = openat(cg, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	CHECK_ERR(manage(fd, PROC_CGROUP, (uint64_t)file), EINVAL);
	close(file);
	close(v1);
	finish(fd);
	fd = ctx();
	set_child(fd, "pause");
	create(fd);
	int gone = fcntl(cg, F_DUPFD_CLOEXEC, 0);
	close_group(cg);
	errno = 0;
	CHECK_EQ(manage(fd, PROC_CGROUP, (uint64_t)gone), -1);
	CHECK(errno == ENOENT || errno == ENODEV);
	close(gone);
	finish(fd);
}

static void inside(void *arg)
{
	struct visit *v = arg;
	int caller = sys_pidfd_open(getpid());
	CHECK_EQ(manage(caller, PROC_CGROUP, (uint64_t)v->pid), 0);
	struct procfd_kill_tree t = { .flags = PROC_TREE_CGROUP };
	CHECK_ERR(process_manage(v->fd, PROC_KILL_TREE, SIGKILL, &t, sizeof t), EBUSY);
}

/* All of a cgroup, the orphan too, that no tree has. */
static void the_end_of_a_cgroup(void)
{
	int cg = open_group();
	int fd = ctx();
	set_child(fd, "gate");
	struct out gate = make_pipe();
	set_program(fd, "/bin/sh", "-c",
		    "read x; sleep 100 & (setsid sleep 100 &); echo ready $$; wait; sleep 100", (char *)NULL);
	set_dup(fd, gate.r, 0);
	pid_t pid;
	int r = create_with_output(fd, &pid);
	CHECK_EQ(manage(fd, PROC_CGROUP, (uint64_t)cg), 0);
	CHECK_EQ(write(gate.w, "\n", 1), 1);
	read_ready(r);
	struct visit v = { fd, cg };
	in_fork(inside, &v);
	struct procfd_kill_tree t = { .flags = PROC_TREE_CGROUP };
	int n = process_manage(fd, PROC_KILL_TREE, SIGKILL, &t, sizeof t);
	if (n < 0 && errno == EOPNOTSUPP && faccessat(cg, "cgroup.kill", F_OK, 0)) {
		process_manage(fd, PROC_KILL_TREE, SIGKILL, NULL, 0);
		SKIP("no cgroup.kill (before 5.14)");
	}
	CHECK_EQ(n, 0);
	CHECK_EQ(t.how, PROC_TREE_BY_CGROUP);
	expect_killed(fd, SIGKILL);
	CHECK_STR(slurp(r), "");
	close(r);
	close(gate.r);
	close(gate.w);
	close(fd);
	close_group(cg);
}

/* In the root of the hierarchy everybody is. */
static void the_callers_own_cgroup(void)
{
	int fd = ctx();
	set_child(fd, "pause");
	create(fd);
	struct procfd_kill_tree t = { .flags = PROC_TREE_CGROUP };
	errno = 0;
	CHECK_EQ(process_manage(fd, PROC_KILL_TREE, SIGKILL, &t, sizeof t), -1);
	CHECK(errno == EBUSY || errno == EOPNOTSUPP);
	finish(fd);
}

TAP_MAIN(CASE(a_visit), CASE(not_with_threads), CASE(before_pidfds_were_taken), CASE(of_the_init),
	 CASE(children_into_a_pid_namespace), CASE(into_a_cgroup), CASE(the_end_of_a_cgroup),
	 CASE(the_callers_own_cgroup))

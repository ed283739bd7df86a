// SPDX-License-Identifier: MIT OR Apache-2.0
/* Existing namespaces that a process joins: by descriptor, by pidfd, by path. */
#include "filter.h"
#include "util.h"

#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>

/* A process in new namespaces; its procfd, and its pid. */
static int holder(uint64_t flags, pid_t *pid)
{
	int fd = ctx();
	set_child(fd, "pause");
	SET(fd, PROC_SET_FLAG, flags | (geteuid() ? CLONE_NEWUSER : 0));
	*pid = create(fd);
	return fd;
}

static const char *link_of(pid_t pid, const char *kind)
{
	static char text[2][64];
	static int turn;
	char path[64], *to = text[turn = !turn];
	snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, kind);
	ssize_t n = readlink(path, to, 63);
	CHECK(n > 0);
	to[n] = 0;
	return to;
}

static void is_in(pid_t pid, pid_t other, const char *kind)
{
	CHECK_STR(link_of(pid, kind), link_of(other, kind));
	CHECK(strcmp(link_of(pid, kind), link_of(getpid(), kind)) != 0);
}

static int namespace(pid_t pid, const char *kind)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, kind);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	return fd;
}

static void join(int fd, uint64_t kinds, int at)
{
	CFG(fd, PROC_JOIN_FD, kinds, &at, sizeof at);
}

/* The caller's user namespace cannot be joined: root's holder has none of its own. */
static void join_user_too(int fd, pid_t of)
{
	if (geteuid()) {
		char path[64];
		snprintf(path, sizeof path, "/proc/%d/ns/user", of);
		CFG(fd, PROC_JOIN_PATH, CLONE_NEWUSER, path, 0);
	}
}

static void by_descriptor(void)
{
	need_user_namespaces();
	pid_t other;
	int held = holder(CLONE_NEWUTS | CLONE_NEWIPC, &other), fd = ctx();
	int uts = namespace(other, "uts"), ipc = namespace(other, "ipc");
	set_child(fd, "pause");
	/* The user namespace last: it is joined first all the same. */
	join(fd, CLONE_NEWUTS, uts);
	join(fd, CLONE_NEWIPC, ipc);
	join_user_too(fd, other);
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
	pid_t pid = create(fd);
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
	is_in(pid, other, "uts");
	is_in(pid, other, "ipc");
	/* The program does not get the descriptors. */
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, uts);
	CHECK_ERR(access(path, F_OK), ENOENT);
	finish(fd);
	close(uts);
	close(ipc);
	finish(held);
}

static void by_pidfd(void)
{
	need_user_namespaces();
	pid_t other;
	int held = holder(CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWNS, &other), fd = ctx();
	int pidfd = sys_pidfd_open(other);
	CHECK(pidfd >= 0);
	set_child(fd, "pause");
	join(fd, CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWNS, pidfd);
	pid_t pid = create(fd);
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
	is_in(pid, other, "user");
	is_in(pid, other, "uts");
	is_in(pid, other, "net");
	is_in(pid, other, "mnt");
	finish(fd);
	close(pidfd);
	finish(held);
}

static void by_path(void)
{
	need_user_namespaces();
	pid_t other;
	char path[64];
	int held = holder(CLONE_NEWNS | CLONE_NEWUTS, &other), fd = ctx();
	set_child(fd, "pause");
	/* From a mount namespace on, paths may lead elsewhere: it comes last. */
	snprintf(path, sizeof path, "/proc/%d/ns/mnt", other);
	CFG(fd, PROC_JOIN_PATH, CLONE_NEWNS, path, 0);
	snprintf(path, sizeof path, "/proc/%d/ns/uts", other);
	CFG(fd, PROC_JOIN_PATH, CLONE_NEWUTS, path, 0);
	join_user_too(fd, other);
	pid_t pid = create(fd);
	is_in(pid, other, "mnt");
	is_in(pid, other, "uts");
	finish(fd);
	finish(held);
}

/* The user namespace that a namespace belongs to, as link_of has it. */
static const char *owner_of(pid_t pid, const char *kind)
{
	static char text[64];
	int fd = namespace(pid, kind), user = ioctl(fd, NS_GET_USERNS);
	struct stat st;
	CHECK(user >= 0);
	CHECK_EQ(fstat(user, &st), 0);
	snprintf(text, sizeof text, "user:[%llu]", (unsigned long long)st.st_ino);
	close(user);
	close(fd);
	return text;
}

/* New namespaces beside a user namespace to join belong to that one: the child has the rights to use them. */
static void new_namespaces_there(void)
{
	need_user_namespaces();
	static const char *const kinds[] = { "mnt", "uts", "ipc", "net", "cgroup" };
	struct procfd_idmap u = { .outside = geteuid(), .count = 1 }, g = { .outside = getegid(), .count = 1 };
	int held = ctx();
	set_child(held, "pause");
	SET(held, PROC_SET_FLAG, CLONE_NEWUSER);
	CFG(held, PROC_SET_UID_MAP, 0, &u, sizeof u);
	CFG(held, PROC_SET_GID_MAP, 0, &g, sizeof g);
	pid_t other = create(held);
	int user = namespace(other, "user");
	enum { PLAIN, SLOW, FORK, WAYS };
	for (int way = PLAIN; way < WAYS; way++) {
		int fd = ctx();
		struct out o = make_pipe();
		join(fd, CLONE_NEWUSER, user);
		SET(fd, PROC_SET_FLAG, CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP);
		CFG(fd, PROC_SET_HOSTNAME, 0, "there", 0);
		CFG(fd, PROC_SET_SYSCTL, 0, "net.ipv4.ip_forward=1", 0);
		SET(fd, PROC_SET_READONLY_ROOT, 1);
		if (way == SLOW)
			SET(fd, PROC_SET_THP_DISABLE, 1);
		if (way != FORK)
			set_child(fd, "pause");
		pid_t pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
		if (pid == 0) {
			struct utsname name;
			if (uname(&name) || write(o.w, name.nodename, 5) != 5)
				_exit(1);
			for (;;)
				pause();
		}
		if (pid < 0)
			FAIL("way %d: %s", way, last_error(fd).message);
		is_in(pid, other, "user");
		for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
			CHECK(strcmp(link_of(pid, kinds[i]), link_of(getpid(), kinds[i])) != 0);
			CHECK_STR(owner_of(pid, kinds[i]), link_of(other, "user"));
		}
		if (way == FORK) {
			char name[6] = "";
			CHECK_EQ(read(o.r, name, 5), 5);
			CHECK_STR(name, "there");
		}
		CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
		finish(fd);
		close(o.r);
		close(o.w);
	}
	/* The clone would have made it the creator's. */
	int fd = ctx_flags(PROCFD_NO_WATCH);
	set_child(fd, "exit", "0");
	join(fd, CLONE_NEWUSER, user);
	SET(fd, PROC_SET_FLAG, CLONE_NEWUTS);
	refuse(SYS_unshare, ENOSPC);
	CREATE_FAILS(fd, ENOSPC, PROC_STAGE_NAMESPACES, 0);
	CHECK(strstr(last_error(fd).message, "make the namespaces UTS"));
	close(fd);
	close(user);
	finish(held);
}

static int is_child(pid_t pid)
{
	siginfo_t info = { 0 };
	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0;
}

/* No process is left of those that made the child. */
static void no_other_child(pid_t first, pid_t second)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	int fd = open(path, O_RDONLY | O_CLOEXEC), found;
	if (fd < 0)
		return;
	const char *text = slurp(fd);
	for (int n; sscanf(text, "%d%n", &found, &n) == 1; text += n)
		CHECK(found == first || found == second);
	close(fd);
}

/* The child is in the pid namespace, and the creator's child all the same: by descriptor, by pidfd, by path. */
static void pid_namespace(void)
{
	need_user_namespaces();
	pid_t other;
	int held = holder(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWTIME, &other);
	int pidfd = sys_pidfd_open(other), ns = namespace(other, "pid"), user = namespace(other, "user");
	char paths[2][64];
	snprintf(paths[0], sizeof paths[0], "/proc/%d/ns/pid", other);
	snprintf(paths[1], sizeof paths[1], "/proc/%d/ns/user", other);
	for (int way = 0; way < 5; way++) {
		int fd = ctx();
		set_child(fd, "pause");
		if (way == 0) {
			join(fd, CLONE_NEWPID, ns);
			join(fd, CLONE_NEWUSER, user);
		} else if (way == 1) {
			join(fd, CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWUTS, pidfd);
		} else if (way == 2) {
			CFG(fd, PROC_JOIN_PATH, CLONE_NEWPID, paths[0], 0);
			CFG(fd, PROC_JOIN_PATH, CLONE_NEWUSER, paths[1], 0);
		} else if (way == 3) {
			/* Without a copy of the table, and with a close policy. */
			join(fd, CLONE_NEWUSER | CLONE_NEWPID, pidfd);
			SET(fd, PROC_FD_INHERIT_ALL, 1);
			SET(fd, PROC_SET_CLOSE, SIGKILL);
		} else {
			/* In a copy of the memory, and started anew after a failure. */
			join(fd, CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWTIME, pidfd);
			CFG(fd, PROC_SET_CWD, 0, "/no/such/directory", 0);
			CREATE_FAILS(fd, ENOENT, PROC_STAGE_CWD, 0);
			no_other_child(other, 0);
			close(fd);
			fd = ctx();
			set_child(fd, "pause");
			join(fd, CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWTIME, pidfd);
		}
		pid_t pid = create(fd);
		CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
		is_in(pid, other, "pid");
		is_in(pid, other, "user");
		if (way == 1)
			is_in(pid, other, "uts");
		CHECK(is_child(pid));
		CHECK_EQ(atoi(status_of(pid, "PPid")), getpid());
		no_other_child(other, pid);
		if (way == 3) {
			struct pollfd ended = { .fd = sys_pidfd_open(pid), .events = POLLIN };
			close(fd);
			CHECK_EQ(poll(&ended, 1, FOREVER_MS), 1);
			CHECK_EQ(waitpid(pid, NULL, 0), pid);
			close(ended.fd);
		} else {
			finish(fd);
		}
	}
	/* Its status is the creator's to have, and a failure of it is told. */
	int fd = ctx();
	set_child(fd, "exit", "7");
	join(fd, CLONE_NEWUSER | CLONE_NEWPID, pidfd);
	create(fd);
	expect_exit(fd, 7);
	close(fd);
	fd = ctx();
	set_program(fd, "/no/such/program", (char *)NULL);
	join(fd, CLONE_NEWUSER | CLONE_NEWPID, pidfd);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, 0);
	no_other_child(other, 0);
	close(fd);
	if (geteuid() == 0) {
		fd = ctx();
		set_program(fd, "/no/such/program", (char *)NULL);
		CFG(fd, PROC_JOIN_PATH, CLONE_NEWNS, "/proc/self/ns/mnt", 0);
		CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, 0);
		CHECK(strstr(last_error(fd).message, "mount namespace that the child joins") != NULL);
		close(fd);
	}
	/* A namespace of another kind, told with its place in the list. */
	fd = ctx();
	set_child(fd, "exit", "0");
	CFG(fd, PROC_JOIN_PATH, CLONE_NEWUSER, paths[1], 0);
	join(fd, CLONE_NEWPID, user);
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_JOIN, 1);
	CHECK(strstr(last_error(fd).message, "PID of descriptor") != NULL);
	no_other_child(other, 0);
	close(fd);
	fd = ctx();
	set_child(fd, "exit", "0");
	CFG(fd, PROC_JOIN_PATH, CLONE_NEWPID, "/no/such/namespace", 0);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_JOIN, 0);
	close(fd);
	/* Its files in /proc are root's by then. Root joins the pid namespace without the user namespace. */
	for (int core = 0; core < 2; core++) {
		fd = ctx();
		set_child(fd, "exit", "0");
		join(fd, CLONE_NEWUSER | CLONE_NEWPID, pidfd);
		SET(fd, core ? PROC_SET_COREDUMP_FILTER : PROC_SET_OOM_SCORE_ADJ, core ? 0x1ff : 500);
		if (geteuid()) {
			CREATE_FAILS(fd, EACCES, core ? PROC_STAGE_COREDUMP_FILTER : PROC_STAGE_OOM_SCORE_ADJ, 0);
			CHECK(strstr(last_error(fd).message, "first joins the user namespace"));
		} else {
			create(fd);
			expect_exit(fd, 0);
		}
		close(fd);
	}
	/* A fork has no intermediate process. */
	fd = ctx();
	join(fd, CLONE_NEWPID, ns);
	CREATE_FAILS(fd, EOPNOTSUPP, PROC_STAGE_PLAN, -1);
	close(fd);
	/* Without clone3(2). */
	fd = ctx();
	set_child(fd, "exit", "0");
	join(fd, CLONE_NEWUSER | CLONE_NEWPID, pidfd);
	refuse(SYS_clone3, ENOSYS);
	CREATE_FAILS(fd, ENOSYS, PROC_STAGE_CLONE, 0);
	no_other_child(other, 0);
	close(fd);
	close(pidfd);
	close(ns);
	close(user);
	finish(held);
}

static void pid_namespace_without_init(void)
{
	need_user_namespaces();
	pid_t other;
	int held = holder(CLONE_NEWUSER | CLONE_NEWPID, &other), fd;
	int ns = namespace(other, "pid"), user = namespace(other, "user");
	finish(held);
	fd = ctx();
	set_child(fd, "exit", "0");
	join(fd, CLONE_NEWPID, ns);
	join(fd, CLONE_NEWUSER, user);
	CREATE_FAILS(fd, ENOMEM, PROC_STAGE_CLONE, 0);
	CHECK(strstr(last_error(fd).message, "init") != NULL);
	no_other_child(0, 0);
	close(fd);
	close(ns);
	close(user);
}

static void *starts_and_ends(void *arg)
{
	const int *fds = arg;
	for (int i = 0; i < 20; i++) {
		int fd = ctx();
		set_child(fd, "exit", "3");
		join(fd, CLONE_NEWUSER | CLONE_NEWPID, fds[0]);
		create(fd);
		expect_exit(fd, 3);
		close(fd);
	}
	return NULL;
}

/* Several threads at once, which start others too. */
static void pid_namespace_from_threads(void)
{
	need_user_namespaces();
	pid_t other;
	int held = holder(CLONE_NEWUSER | CLONE_NEWPID, &other), pidfd = sys_pidfd_open(other);
	pthread_t threads[3];
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, starts_and_ends, &pidfd), 0);
	for (int i = 0; i < 20; i++) {
		int fd = ctx();
		set_child(fd, "exit", "0");
		create(fd);
		expect_exit(fd, 0);
		close(fd);
	}
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
	close(pidfd);
	finish(held);
}

/* Kills the children of a process, but for two. */
static pid_t killer(pid_t of, pid_t but)
{
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid)
		return pid;
	char path[64], text[4096];
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", of, of);
	for (;;) {
		int fd = open(path, O_RDONLY | O_CLOEXEC), found, n;
		ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
		if (len < 0)
			_exit(0);
		close(fd);
		text[len] = 0;
		for (const char *at = text; sscanf(at, "%d%n", &found, &n) == 1; at += n)
			if (found != getpid() && found != but)
				kill(found, SIGKILL);
	}
}

/* Wherever the intermediate process or the child is killed: the start succeeds or fails, and nothing is left. */
static void killed_on_the_way(void)
{
	need_user_namespaces();
	/* The watcher would be killed as well. */
	int held = ctx_flags(PROCFD_NO_WATCH), failed = 0;
	set_child(held, "pause");
	SET(held, PROC_SET_FLAG, CLONE_NEWUSER | CLONE_NEWPID);
	pid_t other = create(held);
	int pidfd = sys_pidfd_open(other);
	pid_t by = killer(getpid(), other);
	for (int i = 0; i < 150; i++) {
		int fd = ctx_flags(PROCFD_NO_WATCH);
		set_child(fd, "exit", "0");
		join(fd, CLONE_NEWUSER | CLONE_NEWPID, pidfd);
		errno = 0;
		if (process_config(fd, PROC_CREATE, 0, NULL, 0) >= 0) {
			wait_end(fd);
		} else {
			CHECK_EQ(errno, ECHILD);
			uint32_t stage = last_error(fd).stage;
			CHECK(stage == PROC_STAGE_CLONE || stage == PROC_STAGE_CHILD_DIED);
			failed++;
		}
		close(fd);
	}
	CHECK_EQ(kill(by, SIGKILL), 0);
	CHECK_EQ(waitpid(by, NULL, 0), by);
	no_other_child(other, 0);
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
	close(pidfd);
	finish(held);
	if (!failed)
		SKIP("none was killed on its way");
}

/* A time namespace takes a process with a memory of its own. */
static void time_namespace(void)
{
	need_user_namespaces();
	if (access("/proc/self/ns/time", F_OK))
		SKIP("no time namespaces");
	pid_t other;
	int held = holder(CLONE_NEWUSER | CLONE_NEWTIME, &other);
	int ns = namespace(other, "time"), user = namespace(other, "user");
	int fd = ctx();
	set_child(fd, "pause");
	join(fd, CLONE_NEWTIME, ns);
	join(fd, CLONE_NEWUSER, user);
	pid_t pid = create(fd);
	is_in(pid, other, "time");
	is_in(pid, other, "user");
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
	finish(fd);
	/* A fork is such a process. */
	fd = ctx();
	join(fd, CLONE_NEWTIME, ns);
	join(fd, CLONE_NEWUSER, user);
	pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	if (pid == 0)
		for (;;)
			pause();
	CHECK(pid > 0);
	is_in(pid, other, "time");
	finish(fd);
	close(ns);
	close(user);
	finish(held);
}

/* The capabilities are those of the user namespace that it joins: as a set and for the steps that follow. */
static void all_capabilities_there(void)
{
	need_user_namespaces();
	const uint64_t net_raw = 1 << 13;
	pid_t other;
	int held = holder(CLONE_NEWUSER, &other), fd = ctx();
	int user = namespace(other, "user");
	set_child(fd, "pause");
	join(fd, CLONE_NEWUSER, user);
	SET(fd, PROC_SET_CAP_BOUNDING, net_raw);
	SET(fd, PROC_SET_CAP_AMBIENT, net_raw);
	pid_t pid = create(fd);
	is_in(pid, other, "user");
	CHECK_EQ(strtoull(status_of(pid, "CapBnd"), NULL, 16), net_raw);
	CHECK_EQ(strtoull(status_of(pid, "CapAmb"), NULL, 16), net_raw);
	CHECK_EQ(strtoull(status_of(pid, "CapEff"), NULL, 16), net_raw);
	finish(fd);
	close(user);
	finish(held);
}

/* A change of ids there, with a close policy: the ids are those of the namespace, and the creator stays dumpable. */
static void ids_there(void)
{
	need_user_namespaces();
	pid_t other;
	struct procfd_idmap map = { .inside = 7, .outside = geteuid(), .count = 1 };
	int held = ctx(), fd = ctx();
	set_child(held, "pause");
	SET(held, PROC_SET_FLAG, CLONE_NEWUSER);
	CFG(held, PROC_SET_UID_MAP, 0, &map, sizeof map);
	other = create(held);
	int user = namespace(other, "user");
	set_child(fd, "pause");
	join(fd, CLONE_NEWUSER, user);
	SET(fd, PROC_SET_UID, 7);
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	pid_t pid = create(fd);
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
	is_in(pid, other, "user");
	int pidfd = sys_pidfd_open(pid);
	CHECK(pidfd >= 0);
	close(fd);
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };
	CHECK_EQ(poll(&ended, 1, FOREVER_MS), 1);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	close(pidfd);

	/* An id that is not mapped there. */
	fd = ctx();
	set_child(fd, "exit", "0");
	join(fd, CLONE_NEWUSER, user);
	SET(fd, PROC_SET_UID, 8);
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_UID, 0);
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
	close(fd);
	close(user);
	finish(held);
}

static void failures(void)
{
	int fd = ctx(), none = -1, uts = namespace(getpid(), "uts"), null = open("/dev/null", O_RDONLY);
	CHECK_ERR(process_config(fd, PROC_JOIN_FD, 0, &uts, sizeof uts), EINVAL);
	CHECK_ERR(process_config(fd, PROC_JOIN_FD, 1, &uts, sizeof uts), EINVAL);
	CHECK_ERR(process_config(fd, PROC_JOIN_FD, CLONE_NEWUTS, NULL, 0), EFAULT);
	CHECK_ERR(process_config(fd, PROC_JOIN_FD, CLONE_NEWUTS, &none, sizeof none), EBADF);
	CHECK_ERR(process_config(fd, PROC_JOIN_PATH, CLONE_NEWUTS | CLONE_NEWIPC, "/x", 0), EINVAL);
	CHECK_ERR(process_config(fd, PROC_JOIN_PATH, CLONE_NEWUTS, "", 0), ENOENT);
	set_child(fd, "exit", "0");
	join(fd, CLONE_NEWIPC, null);
	CHECK_ERR(process_config(fd, PROC_JOIN_PATH, CLONE_NEWIPC, "/x", 0), EINVAL);
	/* /dev/null is no namespace. */
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_JOIN, 0);
	CHECK(strstr(last_error(fd).message, "IPC of descriptor") != NULL);
	SET(fd, PROC_SET_FLAG, CLONE_NEWIPC);
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_PLAN, -1);
	CHECK(strstr(last_error(fd).message, "IPC") != NULL);
	close(null);
	SET(fd, PROC_SET_FLAG, 0);
	CREATE_FAILS(fd, EBADF, PROC_STAGE_JOIN, 0);
	close(fd);

	fd = ctx();
	set_child(fd, "exit", "0");
	CFG(fd, PROC_JOIN_PATH, CLONE_NEWNET, "/proc/self/ns/uts", 0);
	CFG(fd, PROC_JOIN_PATH, CLONE_NEWUTS, "/no/such/namespace", 0);
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_JOIN, 0);
	CHECK(strstr(last_error(fd).message, "/proc/self/ns/uts") != NULL);
	close(fd);

	fd = ctx();
	set_child(fd, "exit", "0");
	CFG(fd, PROC_JOIN_PATH, CLONE_NEWUTS, "/no/such/namespace", 0);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_JOIN, 0);
	close(fd);

	/* Another process's namespace, and a filter: last, since it stays. */
	fd = ctx();
	set_child(fd, "exit", "0");
	join(fd, CLONE_NEWUTS, uts);
	refuse(SYS_setns, EPERM);
	CREATE_FAILS(fd, EPERM, PROC_STAGE_JOIN, 0);
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
	close(fd);
	close(uts);
}

TAP_MAIN(CASE(by_descriptor), CASE(by_pidfd), CASE(by_path), CASE(new_namespaces_there), CASE(pid_namespace),
	 CASE(pid_namespace_without_init), CASE(pid_namespace_from_threads), CASE(killed_on_the_way),
	 CASE(time_namespace), CASE(all_capabilities_there), CASE(ids_there), CASE(failures))

// SPDX-License-Identifier: MIT OR Apache-2.0
/* Namespaces: each CLONE_NEW* flag, chroot, host name, and what an ordinary user may do of it. */
#include "util.h"

#include <sys/stat.h>
#include <sys/utsname.h>

static const struct {
	uint64_t flag;
	const char *name;
} spaces[] = {
	{ CLONE_NEWNS, "mnt" },	  { CLONE_NEWUTS, "uts" },	 { CLONE_NEWIPC, "ipc" },
	{ CLONE_NEWPID, "pid" },  { CLONE_NEWNET, "net" },	 { CLONE_NEWCGROUP, "cgroup" },
	{ CLONE_NEWTIME, "time" }, { CLONE_NEWUSER, "user" },
};
#define N_SPACES (sizeof spaces / sizeof *spaces)
#define ALL_SPACES                                                                             \
	(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET |             \
	 CLONE_NEWCGROUP | CLONE_NEWTIME | CLONE_NEWUSER)

static uint64_t namespace_of(pid_t pid, const char *name)
{
	char path[64];
	struct stat st;
	snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, name);
	CHECK_EQ(stat(path, &st), 0);
	return st.st_ino;
}

/* Exactly the namespaces in `flags` are new. */
static void namespaces_are(pid_t pid, uint64_t flags)
{
	for (size_t i = 0; i < N_SPACES; i++) {
		int differs = namespace_of(pid, spaces[i].name) !=
			      namespace_of(getpid(), spaces[i].name);
		if (differs != !!(flags & spaces[i].flag))
			FAIL("flags %#llx: namespace %s is %s", (unsigned long long)flags,
			     spaces[i].name, differs ? "new" : "the caller's");
	}
}

static void starts_with(uint64_t flags)
{
	int fd = ctx();
	set_child(fd, "pause");
	SET(fd, PROC_SET_FLAG, flags);
	namespaces_are(create(fd), flags);
	finish(fd);
}

static void each_namespace_as_root(void)
{
	NEED_ROOT();
	for (size_t i = 0; i < N_SPACES; i++)
		starts_with(spaces[i].flag);
	starts_with(ALL_SPACES);
}

/* The kernel enters it late in the execution: PROC_CREATE returns after that. */
static void the_time_namespace_at_once(void)
{
	if (geteuid())
		need_user_namespaces();
	uint64_t own = namespace_of(getpid(), "time");
	for (int i = 0; i < 300; i++) {
		int fd = ctx_flags(PROCFD_NO_WATCH);
		set_child(fd, "pause");
		SET(fd, PROC_SET_FLAG, CLONE_NEWTIME | (geteuid() ? CLONE_NEWUSER : 0));
		if (namespace_of(create(fd), "time") == own)
			FAIL("start %d: still in the creator's time namespace", i);
		finish(fd);
	}
}

static void each_namespace_below_a_user_namespace(void)
{
	become_nobody();
	need_user_namespaces();
	for (size_t i = 0; i < N_SPACES; i++)
		starts_with(CLONE_NEWUSER | spaces[i].flag);
	starts_with(ALL_SPACES);
}

static void each_namespace_without_privilege(void)
{
	become_nobody();
	for (size_t i = 0; i + 1 < N_SPACES; i++) {
		int fd = ctx();
		set_child(fd, "exit", "0");
		SET(fd, PROC_SET_FLAG, spaces[i].flag);
		CREATE_FAILS(fd, EPERM, PROC_STAGE_CLONE, -1);
		SET(fd, PROC_SET_FLAG, 0); /* and without it, the same context works */
		create(fd);
		expect_exit(fd, 0);
		close(fd);
	}
}

static void flags_add_up_and_zero_clears(void)
{
	need_user_namespaces();
	int fd = ctx();
	set_child(fd, "pause");
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER);
	SET(fd, PROC_SET_FLAG, CLONE_NEWUTS);
	SET(fd, PROC_SET_FLAG, CLONE_NEWIPC);
	namespaces_are(create(fd), CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWIPC);
	finish(fd);
	fd = ctx();
	set_child(fd, "pause");
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER | CLONE_NEWPID);
	SET(fd, PROC_SET_FLAG, 0);
	namespaces_are(create(fd), 0);
	finish(fd);
}

static void other_flags_are_einval(void)
{
	uint64_t mine = 0;
	for (size_t i = 0; i < N_SPACES; i++)
		mine |= spaces[i].flag;
	int fd = ctx();
	for (int bit = 0; bit < 64; bit++) {
		uint64_t f = 1ULL << bit;
		if (f & mine)
			continue;
		CHECK_ERR(process_config(fd, PROC_SET_FLAG, f, NULL, 0), EINVAL);
		CHECK_ERR(process_config(fd, PROC_SET_FLAG, f | CLONE_NEWUTS, NULL, 0), EINVAL);
	}
	/* A refused flag leaves nothing behind. */
	set_child(fd, "pause");
	namespaces_are(create(fd), 0);
	finish(fd);
}

static void pid_namespace(void)
{
	need_user_namespaces();
	int fd = ctx();
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER | CLONE_NEWPID);
	set_child(fd, "facts");
	pid_t pid;
	int r = create_with_output(fd, &pid);
	const char *t = slurp(r);
	close(r);
	CHECK_EQ(fact_n(t, "pid"), 1);
	CHECK_EQ(fact_n(t, "ppid"), 0);
	CHECK(pid > 1);
	expect_exit(fd, 0);
	close(fd);
	fd = ctx(); /* the init of a namespace heeds a SIGKILL that comes from outside */
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER | CLONE_NEWPID);
	set_child(fd, "family");
	r = create_with_output(fd, &pid);
	read_line(r);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0), 0);
	expect_killed(fd, SIGKILL);
	CHECK_STR(slurp(r), ""); /* the rest of the namespace is gone as well */
	close(r);
	close(fd);
}

static void mount_namespace_is_private_to_unshare(void)
{
	need_user_namespaces();
	become_nobody();
	int fd = ctx();
	struct procfd_idmap u = { 0, getuid(), 1, 0 }, g = { 0, getgid(), 1, 0 };
	set_program(fd, "/bin/sh", "-c", "mount -t tmpfs none /mnt && touch /mnt/procfd-inside", NULL);
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER | CLONE_NEWNS);
	CFG(fd, PROC_SET_UID_MAP, 0, &u, sizeof u);
	CFG(fd, PROC_SET_GID_MAP, 0, &g, sizeof g);
	create(fd);
	expect_exit(fd, 0);
	CHECK(access("/mnt/procfd-inside", F_OK) != 0);
	close(fd);
}

/* ---- host name ---- */

static void host_name(void)
{
	need_user_namespaces();
	char before[256], longest[65];
	gethostname(before, sizeof before);
	memset(longest, 'h', 64);
	longest[64] = 0;
	const char *names[] = { "inside", longest, "a.b-c" };
	for (int i = 0; i < 3; i++) {
		int fd = ctx();
		SET(fd, PROC_SET_FLAG, CLONE_NEWUSER | CLONE_NEWUTS);
		CFG(fd, PROC_SET_HOSTNAME, 0, names[i], 0);
		FACT_IS(facts(fd), "hostname", names[i]);
		close(fd);
	}
	int fd = ctx();
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER | CLONE_NEWUTS);
	CFG(fd, PROC_SET_HOSTNAME, 0, "sized-name", 5);
	FACT_IS(facts(fd), "hostname", "sized");
	close(fd);
	char after[256];
	gethostname(after, sizeof after);
	CHECK_STR(after, before);
}

static void host_name_needs_its_namespace(void)
{
	need_user_namespaces();
	/* In a namespace of the case's own, should the library get it wrong. */
	CHECK_EQ(unshare(geteuid() == 0 ? CLONE_NEWUTS : CLONE_NEWUSER | CLONE_NEWUTS), 0);
	char before[256], after[256];
	gethostname(before, sizeof before);
	int fd = ctx();
	set_child(fd, "exit", "0");
	CFG(fd, PROC_SET_HOSTNAME, 0, "wrong", 0);
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_PLAN, -1);
	gethostname(after, sizeof after);
	CHECK_STR(after, before);
	SET(fd, PROC_SET_FLAG, CLONE_NEWUTS);
	FACT_IS(facts(fd), "hostname", "wrong");
	close(fd);
}

static void host_name_too_long(void)
{
	char name[66];
	memset(name, 'h', 65);
	name[65] = 0;
	int fd = ctx();
	CHECK_EQ(process_config(fd, PROC_SET_HOSTNAME, 0, name, 0), -1);
	CHECK(errno == EINVAL || errno == ENAMETOOLONG);
	CHECK_ERR(process_config(fd, PROC_SET_HOSTNAME, 0, NULL, 0), EFAULT);
	close(fd);
}

/* ---- root ---- */

static void root_by(int fd, const char *dir)
{
	struct stat want, got;
	CHECK_EQ(stat(dir, &want), 0);
	CFG(fd, PROC_SET_ROOT, 0, dir, 0);
	int pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	if (pid == 0) {
		char cwd[64];
		int ok = getcwd(cwd, sizeof cwd) && !strcmp(cwd, "/") &&
			 access("/marker", F_OK) == 0 && stat("/", &got) == 0 &&
			 got.st_ino == want.st_ino && stat("/..", &got) == 0 &&
			 got.st_ino == want.st_ino && access("marker", F_OK) == 0;
		_exit(ok ? 42 : 1);
	}
	CHECK(pid > 0);
	expect_exit(fd, 42);
	close(fd);
}

static char *make_root(void)
{
	char *dir = make_dir(), path[128];
	snprintf(path, sizeof path, "%s/marker", dir);
	write_file(path, "", 0644);
	return dir;
}

static void root_as_root(void)
{
	NEED_ROOT();
	char *dir = make_root();
	root_by(ctx(), dir);
	int fd = ctx(); /* the program and the directory actions are looked up inside */
	set_child(fd, "exit", "0");
	CFG(fd, PROC_SET_ROOT, 0, dir, 0);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, -1);
	close(fd);
	fd = ctx();
	set_child(fd, "exit", "0");
	CFG(fd, PROC_SET_ROOT, 0, dir, 0);
	CFG(fd, PROC_SET_CWD, 0, dir, 0);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_CWD, 0);
	close(fd);
	remove_tree(dir);
}

static void root_and_exec_as_root(void)
{
	NEED_ROOT();
	int fd = ctx();
	set_child(fd, "facts");
	CFG(fd, PROC_SET_ROOT, 0, "/", 0);
	FACT_IS(facts(fd), "cwd", "/");
	close(fd);
	char *dir = make_root();
	fd = ctx(); /* a descriptor from outside is a program inside: a script has no interpreter there */
	set_program(fd, "/marker", NULL);
	CFG(fd, PROC_SET_ROOT, 0, dir, 0);
	CREATE_FAILS(fd, EACCES, PROC_STAGE_EXEC, -1);
	close(fd);
	remove_tree(dir);
}

static void root_in_a_user_namespace(void)
{
	become_nobody();
	need_user_namespaces();
	char *dir = make_root();
	int fd = ctx();
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER);
	root_by(fd, dir);
	remove_tree(dir);
}

static void start_in_a_chroot(void *arg)
{
	(void)arg;
	CHECK_EQ(chroot("/dev"), 0);
	CHECK_EQ(chdir("/"), 0);
	int fd = ctx_flags(PROCFD_NO_WATCH);
	set_program(fd, "/sh", (char *)NULL);
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER);
	CREATE_FAILS(fd, EPERM, PROC_STAGE_CLONE, 0);
	CHECK(strstr(last_error(fd).message, "no user namespace from a chroot"));
	close(fd);
}

/* The kernel makes no user namespace for a process in a chroot. */
static void user_namespace_in_a_chroot(void)
{
	if (geteuid())
		SKIP("needs root");
	in_fork(start_in_a_chroot, NULL);
}

static void root_without_privilege(void)
{
	become_nobody();
	int fd = ctx();
	set_child(fd, "exit", "0");
	CFG(fd, PROC_SET_ROOT, 0, "/tmp", 0);
	CREATE_FAILS(fd, EPERM, PROC_STAGE_ROOT, -1);
	CHECK(strstr(last_error(fd).message, "/tmp"));
	close(fd);
}

static void root_that_is_not_there(void)
{
	NEED_ROOT();
	int fd = ctx();
	set_child(fd, "exit", "0");
	CFG(fd, PROC_SET_ROOT, 0, "/nonexistent/root", 0);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_ROOT, -1);
	CFG(fd, PROC_SET_ROOT, 0, "/etc/passwd", 0);
	CREATE_FAILS(fd, ENOTDIR, PROC_STAGE_ROOT, -1);
	close(fd);
}

/* ---- together ---- */

static void everything_together(void)
{
	become_nobody();
	need_user_namespaces();
	int fd = ctx(), in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct procfd_idmap u = { 0, getuid(), 1, 0 }, g = { 0, getgid(), 1, 0 };
	struct procfd_rlimit core = { 0, 0 };
	SET(fd, PROC_SET_FLAG, ALL_SPACES);
	CFG(fd, PROC_SET_UID_MAP, 0, &u, sizeof u);
	CFG(fd, PROC_SET_GID_MAP, 0, &g, sizeof g);
	CFG(fd, PROC_SET_HOSTNAME, 0, "all", 0);
	CFG(fd, PROC_SET_CWD, 0, "/usr", 0);
	set_dup(fd, in, 0);
	CFG(fd, PROC_SET_RLIMIT, RLIMIT_CORE, &core, sizeof core);
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	SET(fd, PROC_SET_SESSION, 1);
	SET(fd, PROC_SET_UMASK, 027);
	SET(fd, PROC_SET_NICE, nicer(3));
	SET(fd, PROC_SET_PDEATHSIG, SIGTERM);
	SET(fd, PROC_SET_UID, 0);
	SET(fd, PROC_SET_GID, 0);
	const char *t = facts(fd);
	CHECK_EQ(fact_n(t, "pid"), 1);
	CHECK_EQ(fact_n(t, "sid"), 1);
	FACT_IS(t, "uid", "0 0 0");
	FACT_IS(t, "gid", "0 0 0");
	FACT_IS(t, "hostname", "all");
	FACT_IS(t, "cwd", "/usr");
	FACT_IS(t, "nnp", "1");
	FACT_IS(t, "umask", "27");
	CHECK_EQ(fact_n(t, "nice"), nicer(3));
	FACT_IS(t, "pdeathsig", "15");
	FACT_IS(t, "fds", "0 1 2");
	close(fd);
	close(in);
}

TAP_MAIN(CASE(each_namespace_as_root), CASE(the_time_namespace_at_once), CASE(each_namespace_below_a_user_namespace),
	 CASE(each_namespace_without_privilege), CASE(flags_add_up_and_zero_clears),
	 CASE(other_flags_are_einval), CASE(pid_namespace),
	 CASE(mount_namespace_is_private_to_unshare), CASE(host_name),
	 CASE(host_name_needs_its_namespace), CASE(host_name_too_long), CASE(root_as_root),
	 CASE(root_and_exec_as_root), CASE(root_in_a_user_namespace),
	 CASE(user_namespace_in_a_chroot), CASE(root_without_privilege),
	 CASE(root_that_is_not_there), CASE(everything_together))

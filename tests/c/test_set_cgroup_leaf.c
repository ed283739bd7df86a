// SPDX-License-Identifier: MIT OR Apache-2.0
/* A new cgroup for a process: made, limited, killed as a whole, removed at the end. */
#include "cgroup.h"
#include "filter.h"
#include "watcher.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* The one cgroup below the group, by its name; "" for none. */
static const char *leaf(void)
{
	static char name[256];
	DIR *d = opendir(group);
	CHECK(d);
	name[0] = 0;
	for (struct dirent *e; (e = readdir(d));)
		if (e->d_type == DT_DIR && e->d_name[0] != '.') {
			if (name[0])
				FAIL("both %s and %s", name, e->d_name);
			snprintf(name, sizeof name, "%s", e->d_name);
		}
	closedir(d);
	return name;
}

static void no_leaf(void)
{
	CHECK_STR(leaf(), "");
}

/* The watcher removes it, in its time. */
static void leaf_goes(void)
{
	for (long long end = now_ns() + FOREVER_MS * 1000000LL; *leaf(); usleep(1000))
		if (now_ns() > end)
			FAIL("%s stays", leaf());
}

static void in_group(int fd)
{
	CFG(fd, PROC_SET_CGROUP, 0, group, 0);
}

static void limited(int fd, const char *limit)
{
	CFG(fd, PROC_SET_CGROUP_LIMIT, 0, limit, 0);
}

static void shell(int fd, const char *script)
{
	set_program(fd, "/bin/sh", "-c", script, (char *)NULL);
}

/* A script in which $d is the directory of its own cgroup. */
static const char *in_own(const char *then)
{
	static char script[1200];
	snprintf(script, sizeof script, "d=%s$(sed -n 's/^0:://p' /proc/self/cgroup); %s", mount_point, then);
	return script;
}

static void message_has(int fd, const char *text)
{
	struct procfd_error e = last_error(fd);
	if (!strstr(e.message, text))
		FAIL("\"%s\" has no \"%s\"", e.message, text);
}

static void made_and_removed(uint64_t flags, const char *name)
{
	char want[600];
	int fd = ctx_flags(flags);
	in_group(fd);
	CFG(fd, PROC_SET_CGROUP_LEAF, 1, name, 0);
	limited(fd, "cgroup.max.depth=3");
	shell(fd, in_own("cat \"$d/cgroup.max.depth\"; sed -n s/^0:://p /proc/self/cgroup"));
	int output = create_with_output(fd, NULL);
	snprintf(want, sizeof want, "3\n%s%s/%s", own, strrchr(group, '/'), name ? name : "procfd-");
	char *said = slurp(output);
	if (strncmp(said, want, strlen(want)))
		FAIL("\"%s\" does not begin with \"%s\"", said, want);
	close(output);
	expect_exit(fd, 0);
	no_leaf();
	close(fd);
}

static void a_leaf(void)
{
	make_group();
	made_and_removed(0, NULL);
	made_and_removed(PROCFD_NO_WATCH, NULL);
	made_and_removed(PROCFD_PIDFD, NULL);
	made_and_removed(0, "a name");
	made_and_removed(PROCFD_NO_WATCH, "a name");
	drop_group();
}

static void filtered(void *arg)
{
	refuse(SYS_clone3, *(int *)arg);
	made_and_removed(0, "name");
	made_and_removed(PROCFD_NO_WATCH, "name");
}

/* The child goes there itself. */
static void without_clone3(void)
{
	static int errnos[] = { ENOSYS, EPERM };
	make_group();
	for (int i = 0; i < 2; i++)
		in_fork(filtered, &errnos[i]);
	drop_group();
}

/* The context can start again, and a copy has a cgroup of its own. */
static void copies(void)
{
	make_group();
	int fd = ctx(), others[2];
	in_group(fd);
	SET(fd, PROC_SET_CGROUP_LEAF, 1);
	set_child(fd, "pause");
	for (int i = 0; i < 2; i++)
		CHECK((others[i] = process_config(fd, PROC_COPY, 0, NULL, 0)) >= 0);
	create(others[0]);
	char first[256];
	snprintf(first, sizeof first, "%s", leaf());
	CHECK(first[0]);
	finish(others[0]);
	create(others[1]);
	CHECK(strcmp(first, leaf()));
	finish(others[1]);
	no_leaf();
	close(fd);
	drop_group();
}

/* One that is taken back leaves nothing. */
static void taken_back(void)
{
	make_group();
	int fd = ctx();
	in_group(fd);
	limited(fd, "nonsense.max=1");
	SET(fd, PROC_SET_CGROUP_LEAF, 0);
	set_child(fd, "pause");
	create(fd);
	no_leaf();
	finish(fd);
	drop_group();
}

/* Closes the library's descriptors of a directory, as another thread may. */
static int close_all_of(const char *dir)
{
	char path[64], to[700];
	int closed = 0;
	for (int n = 3; n < 64; n++) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", n);
		ssize_t l = readlink(path, to, sizeof to - 1);
		to[l > 0 ? l : 0] = 0;
		closed += !strcmp(to, dir) && close(n) == 0;
	}
	return closed;
}

enum lost { PARENT, DIRECTORY, AND_MADE_AGAIN };

static void removed_with(void *arg)
{
	enum lost lost = *(enum lost *)arg;
	char path[600];
	siginfo_t info;
	int fd = ctx_flags(PROCFD_NO_WATCH);
	in_group(fd);
	CFG(fd, PROC_SET_CGROUP_LEAF, 1, "name", 0);
	set_child(fd, "pause");
	pid_t pid = create(fd);
	snprintf(path, sizeof path, "%s/name", group);
	CHECK_EQ(close_all_of(lost == PARENT ? group : path), 1);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	/* Since 6.19 it is busy until the process is reaped. */
	int again = lost == AND_MADE_AGAIN && rmdir(path) == 0;
	if (again)
		CHECK_EQ(mkdir(path, 0755), 0);
	expect_killed(fd, SIGKILL);
	close(fd);
	sweep();
	CHECK_STR(leaf(), again ? "name" : "");
	if (again)
		CHECK_EQ(rmdir(path), 0);
}

/* Its directory is found by the parent, and the parent by it. Another cgroup of that name is not its. */
static void numbers_that_are_lost(void)
{
	make_group();
	for (enum lost lost = PARENT; lost <= AND_MADE_AGAIN; lost++)
		in_fork(removed_with, &lost);
	drop_group();
}

static void values(void)
{
	static const char *const bad[] = { "", "=", "memory.max", "memory.max=", "max=1", "a/b.c=1", "cgroup.procs=1",
					   "cpus=0", "cpus=many", "cpus=-1" };
	int fd = ctx();
	char name[300];
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		CHECK_ERR(process_config(fd, PROC_SET_CGROUP_LIMIT, 0, bad[i], 0), EINVAL);
		message_has(fd, "cgroup limit");
	}
	CHECK_ERR(process_config(fd, PROC_SET_CGROUP_LIMIT, 1, "memory.max=1", 0), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_CGROUP_LIMIT, 0, NULL, 0), EFAULT);
	memset(name, 'n', sizeof name);
	name[256] = 0;
	CHECK_ERR(process_config(fd, PROC_SET_CGROUP_LEAF, 1, name, 0), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_CGROUP_LEAF, 1, "..", 0), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_CGROUP_LEAF, 1, "a/b", 0), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_CGROUP_LEAF, 0, "name", 0), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_CGROUP_LEAF, 2, NULL, 0), EINVAL);
	for (int i = 0; i < 256; i++)
		limited(fd, "memory.max=1");
	CHECK_ERR(process_config(fd, PROC_SET_CGROUP_LIMIT, 0, "memory.max=1", 0), E2BIG);
	close(fd);
}

/* Each failure names its step, and leaves no cgroup. */
static void failures(void)
{
	char taken[600];
	make_group();
	int fd = ctx();
	set_child(fd, "exit", "0");
	CFG(fd, PROC_SET_CGROUP_LEAF, 1, "name", 0);
	CFG(fd, PROC_SET_CGROUP, 0, "/procfd/is/not/there", 0);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_CGROUP, 0);
	in_group(fd);
	limited(fd, "cgroup.max.depth=3");
	limited(fd, "cgroup.max.depth=deep");
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_CGROUP_LIMIT, 1);
	message_has(fd, "set the cgroup limit cgroup.max.depth=deep: ");
	no_leaf();
	SET(fd, PROC_SET_CGROUP_LEAF, 0);
	limited(fd, "nonsense.max=1");
	CREATE_FAILS(fd, EOPNOTSUPP, PROC_STAGE_CGROUP_LIMIT, 0);
	message_has(fd, "nonsense.max=1 (cgroup.subtree_control: +nonsense): ");
	SET(fd, PROC_SET_CGROUP_LEAF, 0);
	limited(fd, "cgroup.max.nonsense=1");
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_CGROUP_LIMIT, 0);
	no_leaf();
	SET(fd, PROC_SET_CGROUP_LEAF, 0);
	CFG(fd, PROC_SET_CGROUP_LEAF, 1, "name", 0);
	snprintf(taken, sizeof taken, "%s/name", group);
	CHECK_EQ(mkdir(taken, 0755), 0);
	CREATE_FAILS(fd, EEXIST, PROC_STAGE_CGROUP_LEAF, 0);
	message_has(fd, "make the cgroup \"name\": ");
	CHECK_STR(leaf(), "name");
	CHECK_EQ(rmdir(taken), 0);
	/* A step of the child. */
	CFG(fd, PROC_SET_EXEC, 0, "/nonexistent", 0);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, 0);
	no_leaf();
	set_child(fd, "exit", "3");
	create(fd);
	expect_exit(fd, 3);
	close(fd);
	no_leaf();
	drop_group();
}

static void put_in(const char *dir, const char *file, const char *text)
{
	char path[700];
	snprintf(path, sizeof path, "%s/%s", dir, file);
	int f = open(path, O_WRONLY | O_CLOEXEC);
	if (f < 0 || write(f, text, strlen(text)) != (ssize_t)strlen(text))
		FAIL("%s to %s: errno %d", text, path, errno);
	close(f);
}

static const char *read_in(const char *dir, const char *file)
{
	static char text[1024];
	char path[700];
	snprintf(path, sizeof path, "%s/%s", dir, file);
	int f = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = f < 0 ? 0 : read(f, text, sizeof text - 1);
	close(f);
	text[n > 0 ? n : 0] = 0;
	return text;
}

/* Limits, each of a controller of its own, with what their files then say. */
static const struct limit {
	const char *controller, *file, *value, *says;
} limits[] = {
	{ "pids", "pids.max", "100", "100\n" },
	{ "cpu", "cpu.max", "50000 100000", "50000 100000\n" },
	{ "memory", "memory.max", "32M", "33554432\n" },
	{ "io", "io.weight", "77", "default 77\n" },
	{ "hugetlb", "hugetlb.2MB.max", "4194304", "4194304\n" },
};
#define LIMITS (sizeof limits / sizeof *limits)

/* Whether a cgroup below the group's parent can have the controller and its file. */
static int is_there(const struct limit *limit)
{
	char parent[400], word[32], path[700];
	snprintf(parent, sizeof parent, "%s", group);
	*strrchr(parent, '/') = 0;
	if (!strstr(read_in(parent, "cgroup.controllers"), limit->controller))
		return 0;
	if (!strstr(read_in(parent, "cgroup.subtree_control"), limit->controller)) {
		snprintf(path, sizeof path, "%s/cgroup.subtree_control", parent);
		snprintf(word, sizeof word, "+%s", limit->controller);
		int f = open(path, O_WRONLY | O_CLOEXEC);
		ssize_t n = f < 0 ? -1 : write(f, word, strlen(word));
		close(f);
		if (n < 0)
			return 0;
	}
	snprintf(path, sizeof path, "%s/%s", group, limit->file);
	return !access(path, F_OK);
}

/* The next limit that is there; NULL after the last. SKIP if there is none at all. */
static const struct limit *next_limit(const struct limit *after)
{
	const struct limit *next = after ? after + 1 : limits;
	while (next < limits + LIMITS && !is_there(next))
		next++;
	if (next < limits + LIMITS)
		return next;
	if (!after) {
		drop_group();
		SKIP("no cgroup v2 that this user may divide");
	}
	return NULL;
}

static void limit_to(int fd, const struct limit *limit)
{
	char text[100];
	snprintf(text, sizeof text, "%s=%s", limit->file, limit->value);
	limited(fd, text);
}

/* The library enables the controller; the file has the value. */
static void a_controller(void)
{
	make_group();
	for (const struct limit *limit = next_limit(NULL); limit; limit = next_limit(limit)) {
		char then[100];
		int fd = ctx();
		in_group(fd);
		limit_to(fd, limit);
		snprintf(then, sizeof then, "cat $d/%s", limit->file);
		shell(fd, in_own(then));
		int output = create_with_output(fd, NULL);
		const char *said = slurp(output);
		if (strcmp(said, limit->says))
			FAIL("%s: \"%s\"", limit->file, said);
		close(output);
		expect_exit(fd, 0);
		CHECK(strstr(read_in(group, "cgroup.subtree_control"), limit->controller));
		diag("%s", limit->file);
		no_leaf();
		close(fd);
	}
	drop_group();
}

/* A parent that has processes itself. */
static void in_the_parent(void *arg)
{
	const struct limit *limit = arg;
	put_in(group, "cgroup.procs", "0");
	int fd = ctx();
	set_child(fd, "pause");
	in_group(fd);
	limit_to(fd, limit);
	CREATE_FAILS(fd, EBUSY, PROC_STAGE_CGROUP_LIMIT, 0);
	message_has(fd, "cgroup.subtree_control");
	message_has(fd, "processes of its own");
	close(fd);
	/* With some controllers the kernel would let the parent have both, as a cgroup of threads. */
	CHECK(!strstr(read_in(group, "cgroup.subtree_control"), limit->controller));
	CHECK_STR(read_in(group, "cgroup.type"), "domain\n");
	/* The default is the cgroup beside it. */
	fd = ctx();
	set_child(fd, "pause");
	limit_to(fd, limit);
	CFG(fd, PROC_SET_CGROUP_LEAF, 1, "procfd-beside", 0);
	pid_t pid = create(fd);
	char path[64], want[500];
	snprintf(path, sizeof path, "/proc/%d", pid);
	snprintf(want, sizeof want, "0::%s/procfd-beside\n", own);
	if (!strstr(read_in(path, "cgroup"), want))
		FAIL("\"%s\" has no \"%s\"", read_in(path, "cgroup"), want);
	finish(fd);
}

static void a_parent_with_processes(void)
{
	make_group();
	for (const struct limit *limit = next_limit(NULL); limit; limit = next_limit(limit))
		in_fork(in_the_parent, (void *)(uintptr_t)limit);
	drop_group();
}

/* A cgroup for the service's own processes, below that of the service: it has no controllers itself. */
static void in_a_part(void *arg)
{
	const struct limit *limit = arg;
	char part[400], path[64], want[700];
	snprintf(part, sizeof part, "%s/part", group);
	CHECK_EQ(mkdir(part, 0755), 0);
	put_in(part, "cgroup.procs", "0");
	CHECK(!strstr(read_in(part, "cgroup.controllers"), limit->controller));
	int fd = ctx();
	set_child(fd, "pause");
	limit_to(fd, limit);
	CFG(fd, PROC_SET_CGROUP_LEAF, 1, "procfd-beside", 0);
	snprintf(path, sizeof path, "/proc/%d", create(fd));
	snprintf(want, sizeof want, "0::%s%s/procfd-beside\n", own, strrchr(group, '/'));
	if (!strstr(read_in(path, "cgroup"), want))
		FAIL("\"%s\" has no \"%s\"", read_in(path, "cgroup"), want);
	finish(fd);
}

static void a_part_without_controllers(void)
{
	make_group();
	for (const struct limit *limit = next_limit(NULL); limit; limit = next_limit(limit)) {
		char part[400];
		in_fork(in_a_part, (void *)(uintptr_t)limit);
		snprintf(part, sizeof part, "%s/part", group);
		drop_cgroup(part);
	}
	drop_group();
}

/* Somebody has made the parent a cgroup of threads: no process can start below it. */
static void below_threads(void *word)
{
	put_in(group, "cgroup.procs", "0");
	put_in(group, "cgroup.subtree_control", word);
	int fd = ctx();
	set_child(fd, "pause");
	in_group(fd);
	CFG(fd, PROC_SET_CGROUP_LEAF, 1, "name", 0);
	CREATE_FAILS(fd, EBUSY, PROC_STAGE_CGROUP_LEAF, 0);
	message_has(fd, "\"name\"");
	message_has(fd, "processes of its own");
	no_leaf();
	CFG(fd, PROC_SET_CGROUP_LEAF, 0, NULL, 0);
	close(fd);
}

static void a_parent_of_threads(void)
{
	make_group();
	if (!is_there(&limits[0])) {
		drop_group();
		SKIP("no pids controller in cgroup v2 here");
	}
	in_fork(below_threads, "+pids");
	drop_group();
}

/* What the limits are for. */
static void limits_hold(void)
{
	make_group();
	if (!is_there(&limits[0]) || !is_there(&limits[2])) {
		drop_group();
		SKIP("no pids and memory controllers in cgroup v2 here");
	}
	int fd = ctx();
	in_group(fd);
	limited(fd, "pids.max=1");
	/* dash ends with 2 where it cannot fork. */
	shell(fd, "exec 2>/dev/null; /bin/true; exit 0");
	create(fd);
	expect_exit(fd, 2);
	close(fd);
	fd = ctx();
	in_group(fd);
	limited(fd, "memory.max=16M");
	char swap[400];
	snprintf(swap, sizeof swap, "%s/memory.swap.max", group);
	if (!access(swap, F_OK))
		limited(fd, "memory.swap.max=0");
	shell(fd, "x=x; while :; do x=$x$x; done");
	create(fd);
	expect_killed(fd, SIGKILL);
	close(fd);
	no_leaf();
	drop_group();
}

/* A program that leaves a process behind in a session of its own. */
static int with_a_daemon(uint64_t flags, uint64_t close_signal)
{
	int fd = ctx_flags(flags);
	in_group(fd);
	SET(fd, PROC_SET_CGROUP_LEAF, 1);
	SET(fd, PROC_SET_CLOSE, close_signal);
	shell(fd, "setsid sh -c 'echo; sleep 1000' & read x; exit 5");
	struct out in = make_pipe();
	set_dup(fd, in.r, 0);
	int output = create_with_output(fd, NULL);
	/* The daemon runs. */
	CHECK_STR(read_line(output), "");
	close(in.r);
	close(output);
	int number = fcntl(in.w, F_DUPFD_CLOEXEC, 600);
	close(in.w);
	CHECK(number >= 0);
	CHECK_EQ(dup3(number, 500, O_CLOEXEC), 500);
	close(number);
	return fd;
}

static void the_tree(void)
{
	make_group();
	for (int i = 0; i < 2; i++) {
		struct procfd_kill_tree tree = { 0 };
		int fd = with_a_daemon(i ? PROCFD_NO_WATCH : 0, 0);
		if (i)
			close(500);
		if (i)
			expect_exit(fd, 5);
		CHECK_EQ(process_manage(fd, PROC_KILL_TREE, SIGKILL, &tree, sizeof tree), 0);
		CHECK_EQ(tree.how, PROC_TREE_BY_CGROUP);
		CHECK_EQ(tree.refused, 0);
		if (!i) {
			expect_killed(fd, SIGKILL);
			close(500);
		}
		for (long long end = now_ns() + FOREVER_MS * 1000000LL; *leaf(); sweep())
			CHECK(now_ns() < end);
		errno = 0;
		CHECK_ERR(process_manage(fd, PROC_KILL_TREE, SIGKILL, &tree, sizeof tree), ESRCH);
		close(fd);
	}
	drop_group();
}

/* The last close kills all, before and after the end of the program. */
static void the_close_policy(void)
{
	make_group();
	for (int i = 0; i < 2; i++) {
		int fd = with_a_daemon(0, SIGKILL);
		if (i) {
			close(500);
			expect_exit(fd, 5);
			CHECK_HUNG_UP(fd);
			CHECK(*leaf());
		}
		close(fd);
		leaf_goes();
		if (!i)
			close(500);
	}
	drop_group();
}

/* With a second signal. */
static void the_second_signal(void)
{
	make_group();
	struct procfd_close then = { .second_signal = SIGKILL, .delay_ns = 50000000 };
	int fd = ctx();
	in_group(fd);
	SET(fd, PROC_SET_CGROUP_LEAF, 1);
	CFG(fd, PROC_SET_CLOSE, SIGTERM, &then, sizeof then);
	shell(fd, "trap '' TERM; setsid sleep 1000 & sleep 1000");
	create(fd);
	close(fd);
	leaf_goes();
	drop_group();
}

/* What a program leaves behind keeps the cgroup as long. */
static void a_rest(void)
{
	make_group();
	int fd = with_a_daemon(0, 0);
	close(500);
	expect_exit(fd, 5);
	close(fd);
	CHECK(*leaf());
	char dir[600];
	snprintf(dir, sizeof dir, "%s/%s", group, leaf());
	int left = atoi(read_in(dir, "cgroup.procs"));
	CHECK(left > 0);
	/* The shell of the daemon, and its own child. */
	CHECK_EQ(kill(-left, SIGKILL), 0);
	leaf_goes();
	drop_group();
}

/* So do cgroups that the program makes below. */
static void divided(void)
{
	make_group();
	for (int i = 0; i < 2; i++) {
		int fd = ctx_flags(i ? PROCFD_NO_WATCH : 0);
		in_group(fd);
		SET(fd, PROC_SET_CGROUP_LEAF, 1);
		shell(fd, in_own("mkdir -p $d/a/b $d/c && echo 0 > $d/a/b/cgroup.procs"));
		create(fd);
		expect_exit(fd, 0);
		no_leaf();
		close(fd);
	}
	drop_group();
}

static void killed_creator(void *arg)
{
	(void)arg;
	int fd = ctx();
	in_group(fd);
	SET(fd, PROC_SET_CGROUP_LEAF, 1);
	shell(fd, "sleep 0.2");
	create(fd);
	raise(SIGKILL);
}

/* The watcher removes it after the creator's end. */
static void without_the_creator(void)
{
	make_group();
	expect_status(fork_run(killed_creator, NULL), SIGKILL);
	CHECK(*leaf());
	leaf_goes();
	drop_group();
}

/* Another watcher gets the cgroup too. */
static void another_watcher(void *arg)
{
	(void)arg;
	int fd = with_a_daemon(0, SIGKILL), other = ctx();
	kill_watcher();
	set_child(other, "exit", "0");
	create(other);
	expect_exit(other, 0);
	close(other);
	close(fd);
	leaf_goes();
	close(500);
}

static void after_the_watcher(void)
{
	make_group();
	in_fork(another_watcher, NULL);
	drop_group();
}

/* The watcher of one that has ended does not remove the next of the same name. */
static void the_same_name(void)
{
	make_group();
	for (int i = 0; i < 100; i++) {
		int fd = ctx();
		in_group(fd);
		CFG(fd, PROC_SET_CGROUP_LEAF, 1, "name", 0);
		set_child(fd, "exit", "0");
		create(fd);
		expect_exit(fd, 0);
		close(fd);
	}
	no_leaf();
	drop_group();
}

static void a_fork(void)
{
	make_group();
	int fd = ctx();
	in_group(fd);
	CFG(fd, PROC_SET_CGROUP_LEAF, 1, "forked", 0);
	int pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(strstr(read_in("/proc/self", "cgroup"), "/forked\n") ? 0 : 1);
	expect_exit(fd, 0);
	close(fd);
	no_leaf();
	drop_group();
}

/* The rest of the tests as another user, to whom the group is delegated. */
static void delegated(void *arg)
{
	(void)arg;
	char base[600];
	snprintf(base, sizeof base, "%s/base", group);
	become_nobody();
	int fd = ctx();
	CFG(fd, PROC_SET_CGROUP, 0, "..", 0);
	CFG(fd, PROC_SET_CGROUP_LEAF, 1, "leaf", 0);
	limited(fd, "cgroup.max.depth=2");
	shell(fd, in_own("setsid sleep 1000 & cat $d/cgroup.max.depth"));
	int output = create_with_output(fd, NULL);
	CHECK_STR(read_line(output), "2");
	expect_exit(fd, 0);
	char dir[600];
	snprintf(dir, sizeof dir, "%s/leaf", group);
	CHECK_EQ(access(dir, F_OK), 0);
	CHECK_EQ(process_manage(fd, PROC_KILL_TREE, SIGKILL, NULL, 0), 0);
	for (long long end = now_ns() + FOREVER_MS * 1000000LL; !access(dir, F_OK); usleep(1000))
		CHECK(now_ns() < end);
	close(output);
	close(fd);
	/* One that is not this user's. */
	fd = ctx();
	set_child(fd, "pause");
	CFG(fd, PROC_SET_CGROUP, 0, mount_point, 0);
	SET(fd, PROC_SET_CGROUP_LEAF, 1);
	CREATE_FAILS(fd, EACCES, PROC_STAGE_CGROUP_LEAF, 0);
	message_has(fd, "delegated");
	close(fd);
}

static void in_base(void *base)
{
	put_in(base, "cgroup.procs", "0");
	in_fork(delegated, NULL);
}

static void for_another_user(void)
{
	NEED_ROOT();
	char base[600], path[700];
	static const char *const files[] = { "", "/cgroup.procs", "/cgroup.subtree_control", "/base", "/base/cgroup.procs" };
	make_group();
	snprintf(base, sizeof base, "%s/base", group);
	CHECK_EQ(mkdir(base, 0755), 0);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		snprintf(path, sizeof path, "%s%s", group, files[i]);
		CHECK_EQ(chown(path, NOBODY, NOBODY), 0);
	}
	in_fork(in_base, base);
	for (long long end = now_ns() + FOREVER_MS * 1000000LL; rmdir(base); usleep(1000))
		CHECK(now_ns() < end);
	drop_group();
}

static void descriptors_to(rlim_t soft, const struct rlimit *full)
{
	struct rlimit low = { soft, full->rlim_max };
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
}

/* A start that finds no descriptor leaves no cgroup; nor does an end, once there are some again. */
static void without_descriptors(void)
{
	struct rlimit full;
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &full), 0);
	make_group();
	for (int i = 0; i < 2; i++) {
		int fd = ctx_flags(i ? 0 : PROCFD_NO_WATCH), refused = 0, pid = -1;
		in_group(fd);
		SET(fd, PROC_SET_CGROUP_LEAF, 1);
		set_child(fd, "exit", "5");
		int first = dup(0);
		close(first);
		for (rlim_t room = 0; pid < 0; room++) {
			descriptors_to((rlim_t)first + room, &full);
			pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
			int error = errno;
			descriptors_to(full.rlim_cur, &full);
			if (pid < 0) {
				CHECK_EQ(error, EMFILE);
				no_leaf();
				refused++;
			}
		}
		CHECK(refused > 3);
		/* Numbers that are open stay so. */
		struct procfd_wait w = { .timeout_ns = FOREVER_MS * 1000000ULL };
		descriptors_to(3, &full);
		int rc = process_manage(fd, PROC_WAIT, 0, &w, sizeof w);
		descriptors_to(full.rlim_cur, &full);
		CHECK_EQ(rc, 0);
		close(fd);
		close(ctx());
		if (i)
			leaf_goes();
		else
			no_leaf();
	}
	drop_group();
}

TAP_MAIN(CASE(a_leaf), CASE(without_clone3), CASE(copies), CASE(taken_back), CASE(numbers_that_are_lost),
	 CASE(values), CASE(failures), CASE(a_controller), CASE(a_parent_with_processes), CASE(a_part_without_controllers), CASE(a_parent_of_threads),
	 CASE(limits_hold), CASE(the_tree), CASE(the_close_policy), CASE(the_second_signal), CASE(a_rest), CASE(divided),
	 CASE(without_the_creator), CASE(after_the_watcher), CASE(the_same_name), CASE(a_fork),
	 CASE(without_descriptors), CASE(for_another_user))

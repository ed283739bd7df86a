// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Without memory there is ENOMEM, and no abort: each allocation of a scenario fails, alone and with all that follow.
 * What succeeds nevertheless is right, nothing stays behind, and the next scenario works.
 */
#include "util.h"

#include "kid.h"
#include "memory.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mount.h>

static char *many[2001];

static void make_many(void)
{
	for (int n = 0; n < 2000; n++)
		if (asprintf(&many[n], "NUMBER_%d=a string of some length", n) < 0)
			FAIL("asprintf");
}

/* Everything that can be set without privileges and goes together. */
static int configured(int big)
{
	int fd = opened(0);
	if (fd < 0)
		return -1;
	char *argv[] = { self_path, (char *)"--child", (char *)"exit", (char *)"0", NULL };
	char *env[] = { (char *)"A=1", (char *)"B=2", NULL };
	struct procfd_close c = { .second_signal = SIGKILL, .delay_ns = SECOND };
	struct procfd_range range = { .first = 500, .last = 510 };
	struct procfd_rlimit core = { 0, 0 };
	struct procfd_sched idle = { .policy = SCHED_BATCH };
	struct procfd_open o = { .path = "/dev/null", .flags = O_RDWR };
	struct procfd_dup d = { .source = 0, .target = 7 };
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	uint64_t none = 0;
	cpu_set_t cpus;
	CHECK_EQ(sched_getaffinity(0, sizeof cpus, &cpus), 0);
	const struct {
		uint32_t cmd;
		uint64_t arg;
		const void *data;
		size_t size;
	} all[] = {
		{ PROC_SET_CLOSE, SIGTERM, &c, sizeof c },
		{ PROC_SET_EXEC, 0, big ? "/bin/true" : self_path, 0 },
		{ PROC_SET_ARGV, 0, big ? many : argv, 0 },
		{ PROC_SET_ENV, 0, big ? many : env, 0 },
		{ PROC_SET_ENV_VAR, 0, "NEW=value", 0 },
		{ PROC_UNSET_ENV_VAR, 0, "A", 0 },
		{ PROC_SET_CWD, 0, "/", 0 },
		{ PROC_FD_DUP, 0, &d, sizeof d },
		{ PROC_FD_OPEN, 8, &o, sizeof o },
		{ PROC_FD_NULL, 9, NULL, 0 },
		{ PROC_FD_CLOSE, 9, NULL, 0 },
		{ PROC_FD_DATA, 12, "some bytes", 10 },
		{ PROC_FD_CLOSE_RANGE, 0, &range, sizeof range },
		{ PROC_FD_INHERIT, 1, NULL, 0 },
		{ PROC_SET_SIGMASK, 0, &none, sizeof none },
		{ PROC_SET_SIGDEFAULT, 0, &none, sizeof none },
		{ PROC_SET_SIGIGNORE, 0, &none, sizeof none },
		{ PROC_SET_SESSION, 1, NULL, 0 },
		{ PROC_SET_UMASK, 022, NULL, 0 },
		{ PROC_SET_RLIMIT, RLIMIT_CORE, &core, sizeof core },
		{ PROC_SET_TIMERSLACK, 50000, NULL, 0 },
		{ PROC_SET_SUBREAPER, 1, NULL, 0 },
		{ PROC_SET_SCHEDULER, 0, &idle, sizeof idle },
		{ PROC_SET_AFFINITY, 0, &cpus, sizeof cpus },
		{ PROC_SET_NO_NEW_PRIVS, 1, NULL, 0 },
		{ PROC_SET_SECCOMP, 0, &allow, sizeof allow },
		{ PROC_SET_PDEATHSIG, SIGKILL, NULL, 0 },
	};
	for (size_t n = 0; n < sizeof all / sizeof *all; n++)
		if (CONFIG(fd, all[n].cmd, all[n].arg, all[n].data, all[n].size) < 0)
			goto out;
	for (int n = 0; big && n < 400; n++) {
		o.path = "/dev/../dev/../dev/../dev/../dev/../dev/../dev/../dev/null";
		if (CONFIG(fd, PROC_FD_OPEN, 10, &o, sizeof o) < 0)
			goto out;
	}
	return fd;
out:
	close(fd);
	return -1;
}

static void open_and_close(void)
{
	static const uint64_t flags[] = { 0, PROCFD_NO_WATCH, PROCFD_AUTOREAP, PROCFD_PIDFD };
	for (int n = 0; n < 4; n++) {
		int fd = opened(flags[n]);
		if (fd < 0)
			return;
		close(fd);
	}
}

static void with_settings(int big)
{
	static char text[1 << 20];
	int fd = configured(big), copy;
	if (fd < 0)
		return;
	if (ASK(fd, PROC_INFO_PLAN, 0, text, sizeof text) < 0 ||
	    ASK(fd, PROC_INFO_PLAN, PROC_PLAN_JSON, text, sizeof text) < 0)
		goto out;
	CHECK(text[0] == '[');
	copy = (int)CONFIG(fd, PROC_COPY, 0, NULL, 0);
	if (copy < 0)
		goto out;
	if (creates(copy) >= 0) {
		struct procfd_wait w = { .timeout_ns = 20 * SECOND };
		if (MANAGE(copy, PROC_WAIT, 0, &w, sizeof w) >= 0)
			CHECK(big || (w.what == PROC_EXITED && w.status == 0));
	}
	over(copy);
out:
	close(fd);
}

static void settings_and_a_copy(void)
{
	with_settings(0);
}

static void large_settings(void)
{
	with_settings(1);
}

/* A program of this name, which waits. */
static int program_waits(uint64_t flags)
{
	char *argv[] = { self_path, (char *)"--child", (char *)"pause", NULL };
	int fd = opened(flags);
	if (fd < 0)
		return -1;
	if (CONFIG(fd, PROC_SET_EXEC, 0, self_path, 0) < 0 || CONFIG(fd, PROC_SET_ARGV, 0, argv, 0) < 0 ||
	    CONFIG(fd, PROC_SET_CLOSE, SIGKILL, NULL, 0) < 0 || creates(fd) < 0) {
		over(fd);
		return -1;
	}
	return fd;
}

static void manage(void)
{
	int fd = program_waits(0);
	if (fd < 0)
		return;
	struct procfd_prlimit l = { 0 };
	struct procfd_kill_tree tree = { 0 };
	struct procfd_sched batch = { .policy = SCHED_BATCH, .nice = nicer(1) };
	struct procfd_wait w = { .timeout_ns = 20 * SECOND };
	cpu_set_t cpus;
	CHECK_EQ(sched_getaffinity(0, sizeof cpus, &cpus), 0);
	int got = -1;
	if (MANAGE(fd, PROC_SIGNAL, 0, NULL, 0) < 0 || MANAGE(fd, PROC_STOP, 0, NULL, 0) < 0 ||
	    MANAGE(fd, PROC_CONT, 0, NULL, 0) < 0 || MANAGE(fd, PROC_RLIMIT, RLIMIT_CORE, &l, sizeof l) < 0 ||
	    MANAGE(fd, PROC_PRIORITY, nicer(1), NULL, 0) < 0 ||
	    MANAGE(fd, PROC_SCHEDULER, 0, &batch, sizeof batch) < 0 ||
	    MANAGE(fd, PROC_AFFINITY, 0, &cpus, sizeof cpus) < 0 || MANAGE(fd, PROC_IOPRIO, 3 << 13, NULL, 0) < 0 ||
	    MANAGE(fd, PROC_OOM_SCORE_ADJ, 1000, NULL, 0) < 0 || MANAGE(fd, PROC_SET_CLOSE, SIGKILL, NULL, 0) < 0 ||
	    (got = (int)MANAGE(fd, PROC_GETFD, 0, NULL, 0)) < 0 ||
	    MANAGE(fd, PROC_KILL_TREE, SIGKILL, &tree, sizeof tree) < 0 ||
	    MANAGE(fd, PROC_WAIT, 0, &w, sizeof w) < 0)
		;
	else
		CHECK(w.what == PROC_KILLED && w.status == SIGKILL);
	if (got >= 0)
		close(got);
	over(fd);
}

static void information(void)
{
	static const uint32_t lists[] = {
		PROC_INFO_EXE, PROC_INFO_CWD, PROC_INFO_ROOT, PROC_INFO_ARGV, PROC_INFO_ENVIRON, PROC_INFO_CGROUP,
		PROC_INFO_MAPS, PROC_INFO_AUXV, PROC_INFO_MOUNTS, PROC_INFO_CHILDREN, PROC_INFO_DESCENDANTS,
		PROC_INFO_GROUPS, PROC_INFO_AFFINITY, PROC_INFO_UID_MAP, PROC_INFO_GID_MAP, PROC_INFO_FDS,
	};
	static char text[1 << 20];
	static struct procfd_info all[4096];
	struct procfd_info i;
	/* Of this process: nothing may be denied. */
	int self = sys_pidfd_open(getpid()), fd = -1;
	CHECK(self >= 0);
	for (uint64_t bit = 1; bit <= EVERY_FIELD; bit <<= 1) {
		if (ASK(self, PROC_INFO, bit, &i, sizeof i) < 0)
			goto out;
		CHECK(i.mask == bit || i.mask == 0);
	}
	if (ASK(self, PROC_INFO, EVERY_FIELD, &i, sizeof i) < 0)
		goto out;
	for (size_t n = 0; n < sizeof lists / sizeof *lists; n++)
		if (ASK(self, lists[n], 0, text, sizeof text) < 0)
			goto out;
	if (ASK(self, PROC_INFO_THREADS, PROC_FIELD_COMM | PROC_FIELD_TIMES | PROC_FIELD_SIGNALS, text, sizeof text) < 0)
		goto out;
	struct procfd_snapshot s = { .scope = PROC_SNAPSHOT_ALL, .entries = all, .entry_size = sizeof *all,
				     .room = 4096, .flags = PROC_SNAPSHOT_KEEP };
	if (ASK(-1, PROC_SNAPSHOT, PROC_FIELD_COMM | PROC_FIELD_TIMES, &s, sizeof s) < 0)
		goto out;
	CHECK(s.total > 0);
	s.flags = PROC_SNAPSHOT_DROP;
	if (ASK(-1, PROC_SNAPSHOT, PROC_FIELD_COMM | PROC_FIELD_UMASK, &s, sizeof s) < 0)
		goto out;
	s.scope = PROC_SNAPSHOT_TREE;
	if (ASK(self, PROC_SNAPSHOT, PROC_FIELD_COMM, &s, sizeof s) < 0)
		goto out;
	s = (struct procfd_snapshot){ .scope = PROC_SNAPSHOT_LIST, .fds = &self, .fd_count = 1, .entries = all,
				      .entry_size = sizeof *all, .room = 1 };
	if (ASK(-1, PROC_SNAPSHOT, PROC_FIELD_COMM, &s, sizeof s) < 0)
		goto out;
	CHECK(all[0].error == 0 || (all[0].error == ENOMEM && memory.failed));
	fd = program_waits(0);
	if (fd < 0)
		goto out;
	struct procfd_change one = { .fd = fd, .want = PROC_CHANGE_START };
	struct procfd_changes changes = { .entries = &one, .entry_size = sizeof one, .count = 1,
					  .timeout_ns = 20 * SECOND };
	if (ASK(-1, PROC_CHANGES, 0, &changes, sizeof changes) >= 0)
		CHECK(one.changed == PROC_CHANGE_START);
out:
	if (fd >= 0)
		over(fd);
	memory.mode = MEMORY_FINE;
	s = (struct procfd_snapshot){ .scope = PROC_SNAPSHOT_ALL, .flags = PROC_SNAPSHOT_DROP };
	process_info(-1, PROC_SNAPSHOT, 0, &s, sizeof s);
	close(self);
}

static void opening(void)
{
	each_allocation(open_and_close, 100);
}

static void settings(void)
{
	each_allocation(settings_and_a_copy, 30);
}

static void settings_of_some_size(void)
{
	make_many();
	each_allocation(large_settings, 20);
}

static void managing(void)
{
	each_allocation(manage, 100);
}

static void asking(void)
{
	each_allocation(information, 20);
}

/* With memory for nothing, calls work until the reserve is half used; from then on they are ENOMEM. */
static void the_reserve(void)
{
	NEED_MEMORY();
	enum { MOST = 4000 };
	static int fds[MOST];
	struct rlimit l;
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &l), 0);
	int n = 0, most = (l.rlim_cur - 50) / 2 < MOST ? (int)(l.rlim_cur - 50) / 2 : MOST;
	struct procfd_info i;
	int self = sys_pidfd_open(getpid());
	memory.mode = MEMORY_EVER;
	memory.at = 0;
	while (n < most && (fds[n] = (int)IN(process_open(PROCFD_NO_WATCH))) >= 0)
		if (IN(process_config(fds[n++], PROC_SET_CWD, 0, "/usr/./././././././././././.", 0)) < 0)
			break;
	int err = errno;
	diag("%d contexts without memory", n);
	if (n == most)
		SKIP("too few descriptors to use the reserve up");
	CHECK_EQ(err, ENOMEM);
	CHECK(n > 100);
	CHECK(strstr(procfd_error_message(), "memory"));
	CHECK_ERR(IN(process_open(0)), ENOMEM);
	CHECK_ERR(IN(process_config(fds[0], PROC_SET_EXEC, 0, "/bin/true", 0)), ENOMEM);
	CHECK_ERR(IN(process_config(fds[0], PROC_CREATE, 0, NULL, 0)), ENOMEM);
	CHECK_ERR(IN(process_manage(self, PROC_SIGNAL, 0, NULL, 0)), ENOMEM);
	CHECK_ERR(IN(process_info(self, PROC_INFO, PROC_FIELD_COMM, &i, sizeof i)), ENOMEM);
	/* Those that are closed give back what they have, though there is no memory still. */
	for (int k = n / 4; k < n; k++)
		close(fds[k]);
	for (int tries = 0; IN(process_info(self, PROC_INFO, PROC_FIELD_COMM, &i, sizeof i)); tries++)
		CHECK(errno == ENOMEM && tries < 1000);
	memory.mode = MEMORY_FINE;
	CFG(fds[0], PROC_SET_EXEC, 0, "/bin/true", 0);
	create(fds[0]);
	expect_exit(fds[0], 0);
	for (int k = 0; k < n / 4; k++)
		close(fds[k]);
	close(self);
	for (int k = 0; k < n; k++)
		sweep();
}

TAP_MAIN(CASE(opening), CASE(settings), CASE(settings_of_some_size), CASE(managing), CASE(asking), CASE(the_reserve))

// SPDX-License-Identifier: MIT OR Apache-2.0
/* Credentials: user, group and supplementary ids, and what their change must not do to the caller. */
#include "util.h"

static void set_ids(int fd, uint32_t cmd, uint32_t r, uint32_t e, uint32_t s)
{
	struct procfd_ids i = { .real = r, .effective = e, .saved = s };
	CFG(fd, cmd, 0, &i, sizeof i);
}

static void all_ids_as_root(void)
{
	NEED_ROOT();
	gid_t groups[] = { 100, 200, 300 };
	int fd = ctx();
	/* In the order that would fail if it were taken literally. */
	SET(fd, PROC_SET_UID, 1234);
	SET(fd, PROC_SET_GID, 5678);
	CFG(fd, PROC_SET_GROUPS, 0, groups, sizeof groups);
	const char *t = facts(fd);
	FACT_IS(t, "uid", "1234 1234 1234");
	FACT_IS(t, "gid", "5678 5678 5678");
	FACT_IS(t, "groups", "100 200 300");
	CHECK_EQ(getuid(), 0);
	CHECK_EQ(getegid(), 0);
	close(fd);
}

static void no_groups_as_root(void)
{
	NEED_ROOT();
	gid_t some[] = { 7, 8 };
	CHECK_EQ(setgroups(2, some), 0);
	int fd = ctx();
	FACT_IS(facts(fd), "groups", "7 8");
	close(fd);
	fd = ctx();
	CFG(fd, PROC_SET_GROUPS, 0, NULL, 0);
	FACT_IS(facts(fd), "groups", "");
	close(fd);
	CHECK_EQ(getgroups(0, NULL), 2);
}

static void many_groups_as_root(void)
{
	NEED_ROOT();
	gid_t many[120];
	for (unsigned i = 0; i < 120; i++)
		many[i] = 1000 + i;
	int fd = ctx();
	CFG(fd, PROC_SET_GROUPS, 0, many, sizeof many);
	const char *t = facts(fd);
	CHECK(!strncmp(fact(t, "groups"), "1000 1001 ", 10));
	CHECK(strstr(fact(t, "groups"), " 1119"));
	close(fd);
}

static int fork_and_say(int fd)
{
	struct out o = make_pipe();
	int pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	if (pid == 0) {
		say_ids();
		say_flush(o.w);
		_exit(0);
	}
	CHECK(pid > 0);
	close(o.w);
	return o.r;
}

/* An exec copies the effective id to the saved one, so a forked child shows all three. */
static void three_ids_as_root(void)
{
	NEED_ROOT();
	int fd = ctx();
	set_ids(fd, PROC_SET_UID, 11, 12, 13);
	set_ids(fd, PROC_SET_GID, 21, 22, 23);
	int r = fork_and_say(fd);
	const char *t = slurp(r);
	FACT_IS(t, "uid", "11 12 13");
	FACT_IS(t, "gid", "21 22 23");
	close(r);
	expect_exit(fd, 0);
	close(fd);
	fd = ctx();
	set_ids(fd, PROC_SET_UID, UINT32_MAX, 12, UINT32_MAX);
	set_ids(fd, PROC_SET_GID, 21, UINT32_MAX, UINT32_MAX);
	r = fork_and_say(fd);
	t = slurp(r);
	FACT_IS(t, "uid", "0 12 0");
	FACT_IS(t, "gid", "21 0 0");
	close(r);
	expect_exit(fd, 0);
	close(fd);
	fd = ctx();
	set_ids(fd, PROC_SET_UID, 11, 12, 13);
	t = facts(fd);
	FACT_IS(t, "uid", "11 12 12");
	close(fd);
}

static void own_ids(void)
{
	become_nobody();
	int fd = ctx();
	SET(fd, PROC_SET_UID, getuid());
	SET(fd, PROC_SET_GID, getgid());
	const char *t = facts(fd);
	char want[64];
	snprintf(want, sizeof want, "%u %u %u", getuid(), getuid(), getuid());
	FACT_IS(t, "uid", want);
	close(fd);
}

static void other_ids_without_privilege(void)
{
	become_nobody();
	gid_t g[] = { 0 };
	int fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_UID, 0);
	CREATE_FAILS(fd, EPERM, PROC_STAGE_UID, -1);
	SET(fd, PROC_SET_GID, 0);
	CREATE_FAILS(fd, EPERM, PROC_STAGE_GID, -1);
	CFG(fd, PROC_SET_GROUPS, 0, g, sizeof g);
	CREATE_FAILS(fd, EPERM, PROC_STAGE_GROUPS, -1);
	CHECK_EQ(tap_children(NULL, 0), 0);
	close(fd);
}

static void bad_ids(void)
{
	struct procfd_ids i = { .reserved = 1 };
	gid_t g[] = { 1, 2 };
	int fd = ctx();
	CHECK_ERR(process_config(fd, PROC_SET_UID, 0, &i, sizeof i), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_GID, 0, &i, sizeof i), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_UID, 1ULL << 32, NULL, 0), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_GROUPS, 0, g, 5), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_GROUPS, 0, NULL, 8), EFAULT);
	close(fd);
}

/* A failure after some of the credentials were changed leaves the caller whole. */
static void failure_after_the_change(void)
{
	NEED_ROOT();
	int fd = ctx();
	SET(fd, PROC_SET_GID, 5);
	SET(fd, PROC_SET_UID, 6);
	CFG(fd, PROC_SET_EXEC, 0, "/nonexistent", 0);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, -1);
	CHECK_EQ(getuid(), 0);
	CHECK_EQ(getgid(), 0);
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
	close(fd);
	char *dir = make_dir(), path[128];
	snprintf(path, sizeof path, "%s/private", dir);
	write_file(path, "#!/bin/sh\nexit 0\n", 0700);
	fd = ctx(); /* the program is looked up with the new credentials */
	SET(fd, PROC_SET_UID, 6);
	CFG(fd, PROC_SET_EXEC, 0, path, 0);
	CREATE_FAILS(fd, EACCES, PROC_STAGE_EXEC, -1);
	close(fd);
	remove_tree(dir);
}

/* The creator waits in another way for a child in a session of its own, and for that of the built-in init. */
static void dumpable_comes_back(void)
{
	NEED_ROOT();
	for (int kind = 0; kind < 3; kind++) {
		int fd = ctx();
		set_program(fd, "/bin/true", (char *)NULL);
		SET(fd, PROC_SET_UID, NOBODY);
		if (kind == 1)
			SET(fd, PROC_SET_SESSION, 1);
		if (kind == 2) {
			SET(fd, PROC_SET_FLAG, CLONE_NEWPID);
			SET(fd, PROC_SET_INIT, 1);
		}
		CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
		create(fd);
		CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
		expect_exit(fd, 0);
		close(fd);
	}
}

static void dumpable_stays(void)
{
	for (int d = 1; d >= 0; d--) {
		CHECK_EQ(prctl(PR_SET_DUMPABLE, d), 0);
		for (int i = 0; i < 20; i++) {
			int fd = ctx();
			set_child(fd, "exit", "0");
			SET(fd, PROC_SET_UID, geteuid() == 0 ? 1234u : getuid());
			SET(fd, PROC_SET_GID, geteuid() == 0 ? 1234u : getgid());
			create(fd);
			CHECK_EQ(prctl(PR_GET_DUMPABLE), d);
			expect_exit(fd, 0);
			close(fd);
			CHECK_EQ(prctl(PR_GET_DUMPABLE), d);
		}
	}
	prctl(PR_SET_DUMPABLE, 1);
}

static void death_signal_survives_the_change(void)
{
	NEED_ROOT();
	int fd = ctx();
	SET(fd, PROC_SET_PDEATHSIG, SIGHUP);
	SET(fd, PROC_SET_UID, 1234);
	CHECK_EQ(fact_n(facts(fd), "pdeathsig"), SIGHUP);
	close(fd);
}

static void no_new_privs_with_ids(void)
{
	NEED_ROOT();
	int fd = ctx();
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	SET(fd, PROC_SET_UID, 1234);
	SET(fd, PROC_SET_GID, 1234);
	CFG(fd, PROC_SET_GROUPS, 0, NULL, 0);
	CFG(fd, PROC_SET_CWD, 0, "/", 0);
	const char *t = facts(fd);
	FACT_IS(t, "uid", "1234 1234 1234");
	FACT_IS(t, "nnp", "1");
	FACT_IS(t, "groups", "");
	close(fd);
}

/* setuid as glibc does it would wait for threads that the child does not have. */
static void *idle(void *arg)
{
	pthread_barrier_wait(arg);
	pthread_barrier_wait(arg);
	return NULL;
}

static void with_other_threads_about(void)
{
	pthread_barrier_t b;
	pthread_t t[8];
	pthread_barrier_init(&b, NULL, 9);
	for (int i = 0; i < 8; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, idle, &b), 0);
	pthread_barrier_wait(&b);
	for (int i = 0; i < 20; i++) {
		int fd = ctx();
		set_child(fd, "exit", "0");
		if (geteuid() == 0)
			CFG(fd, PROC_SET_GROUPS, 0, NULL, 0);
		SET(fd, PROC_SET_GID, geteuid() == 0 ? 77u : getgid());
		SET(fd, PROC_SET_UID, geteuid() == 0 ? 77u : getuid());
		create(fd);
		expect_exit(fd, 0);
		close(fd);
	}
	pthread_barrier_wait(&b);
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	pthread_barrier_destroy(&b);
}

/* Between the change of uid and the exec, processes of that user may stop the child. */
struct bully {
	atomic_int stop;
	int sent;
};

static void bully(void *arg)
{
	struct bully *b = arg;
	CHECK_EQ(setresuid(4321, 4321, 4321), 0);
	while (!atomic_load(&b->stop))
		b->sent += kill(-1, SIGSTOP) == 0;
}

static void a_stopped_child_does_not_hold_the_caller(void)
{
	NEED_ROOT();
	struct bully *b = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork_run(bully, b);
	int stopped = 0;
	/* A stop lasts a second, a start under stops ten at most. */
	long long end = now_ns() + 15 * (long long)SECOND;
	for (int i = 0; i < 300 && now_ns() < end; i++) {
		int fd = ctx();
		set_child(fd, "exit", "0");
		SET(fd, PROC_SET_UID, 4321);
		int child = process_config(fd, PROC_CREATE, 0, NULL, 0);
		if (child > 0) {
			process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0);
			wait_end(fd);
		} else {
			stopped++;
			CHECK(last_error(fd).message[0]);
			CHECK_EQ(tap_children(NULL, 0), 1);
		}
		close(fd);
	}
	atomic_store(&b->stop, 1);
	kill(pid, SIGCONT);
	kill_and_reap(pid);
	diag("%d stops sent, %d starts failed of them", b->sent, stopped);
	munmap(b, 4096);
}

TAP_MAIN(CASE(all_ids_as_root), CASE(no_groups_as_root), CASE(many_groups_as_root),
	 CASE(three_ids_as_root), CASE(own_ids), CASE(other_ids_without_privilege), CASE(bad_ids),
	 CASE(failure_after_the_change), COLD(dumpable_comes_back), CASE(dumpable_stays),
	 CASE(death_signal_survives_the_change), CASE(no_new_privs_with_ids),
	 CASE(with_other_threads_about), CASE(a_stopped_child_does_not_hold_the_caller))

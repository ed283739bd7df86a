// SPDX-License-Identifier: MIT OR Apache-2.0
/* PROC_COPY: one prepared configuration, many processes. */
#include "util.h"

static int copy_of(int fd)
{
	int c = process_config(fd, PROC_COPY, 0, NULL, 0);
	CHECK(c >= 0);
	CHECK_EQ(fcntl(c, F_GETFD), FD_CLOEXEC);
	return c;
}

static void many_from_one(void)
{
	int model = ctx();
	set_child(model, "exit", "17");
	SET(model, PROC_SET_CLOSE, SIGKILL);
	for (int i = 0; i < 30; i++) {
		int fd = copy_of(model);
		create(fd);
		expect_exit(fd, 17);
		close(fd);
		CHECK_EQ(state(model), PROC_STATE_CONFIGURING);
	}
	create(model);
	expect_exit(model, 17);
	close(model);
}

static void everything_is_copied(void)
{
	int model = ctx(), in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct procfd_rlimit l = { 123, 456 };
	char key[32];
	CFG(model, PROC_SET_ENV_VAR, 0, "PROCFD_TEST_A=copied", 0);
	CFG(model, PROC_SET_CWD, 0, "/usr", 0);
	SET(model, PROC_SET_UMASK, 031);
	SET(model, PROC_SET_NICE, nicer(4));
	SET(model, PROC_SET_NO_NEW_PRIVS, 1);
	SET(model, PROC_SET_SESSION, 1);
	SET(model, PROC_SET_SIGMASK, 1ULL << (SIGUSR1 - 1));
	SET(model, PROC_SET_SIGIGNORE, 1ULL << (SIGUSR2 - 1));
	SET(model, PROC_SET_PDEATHSIG, SIGTERM);
	CFG(model, PROC_SET_RLIMIT, RLIMIT_CPU, &l, sizeof l);
	set_dup(model, in, 33);
	int fd = copy_of(model);
	close(model);
	sweep();
	const char *t = facts(fd);
	FACT_IS(t, "env.PROCFD_TEST_A", "copied");
	FACT_IS(t, "cwd", "/usr");
	FACT_IS(t, "umask", "31");
	CHECK_EQ(fact_n(t, "nice"), nicer(4));
	FACT_IS(t, "nnp", "1");
	CHECK_EQ(fact_n(t, "sid"), fact_n(t, "pid"));
	CHECK_EQ(fact_x(t, "blocked"), 1ULL << (SIGUSR1 - 1));
	CHECK(fact_x(t, "ignored") & 1ULL << (SIGUSR2 - 1));
	FACT_IS(t, "pdeathsig", "15");
	FACT_IS(t, (snprintf(key, sizeof key, "rlimit.%d", RLIMIT_CPU), key), "123 456");
	FACT_IS(t, "fds", "0 1 2 33");
	close(fd);
	close(in);
}

static void they_are_independent(void)
{
	int a = ctx();
	set_child(a, "facts");
	SET(a, PROC_SET_UMASK, 011);
	int b = copy_of(a);
	SET(b, PROC_SET_UMASK, 022);
	SET(a, PROC_SET_NICE, nicer(5));
	const char *t = facts(a);
	FACT_IS(t, "umask", "11");
	CHECK_EQ(fact_n(t, "nice"), nicer(5));
	t = facts(b);
	FACT_IS(t, "umask", "22");
	CHECK_EQ(fact_n(t, "nice"), nicer(0));
	close(a);
	close(b);
}

static void the_policy_of_each_is_its_own(void)
{
	int model = ctx(), pidfd[3], fd[3];
	set_child(model, "pause");
	SET(model, PROC_SET_CLOSE, SIGTERM);
	for (int i = 0; i < 3; i++) {
		fd[i] = copy_of(model);
		pidfd[i] = sys_pidfd_open(create(fd[i]));
	}
	close(model);
	sweep();
	for (int i = 0; i < 3; i++) {
		for (int j = i; j < 3; j++)
			check_alive(pidfd[j]);
		close(fd[i]);
		CHECK_EQ(reap_pidfd(pidfd[i]), SIGTERM);
		close(pidfd[i]);
	}
}

static void a_copy_has_no_error_on_record(void)
{
	int a = ctx();
	CFG(a, PROC_SET_EXEC, 0, "/nonexistent", 0);
	CREATE_FAILS(a, ENOENT, PROC_STAGE_EXEC, -1);
	int b = copy_of(a);
	CHECK_EQ(last_error(b).stage, PROC_STAGE_NONE);
	CREATE_FAILS(b, ENOENT, PROC_STAGE_EXEC, -1);
	close(a);
	close(b);
}

static void bad_arguments(void)
{
	int fd = ctx();
	CHECK_ERR(process_config(fd, PROC_COPY, 1, NULL, 0), EINVAL);
	CHECK_ERR(process_config(fd, PROC_COPY, 1ULL << 63, NULL, 0), EINVAL);
	close(fd);
	int pidfd = sys_pidfd_open(getpid());
	CHECK_ERR(process_config(pidfd, PROC_COPY, 0, NULL, 0), EINVAL);
	close(pidfd);
}

static void a_copy_of_a_copy(void)
{
	int fd = ctx();
	set_child(fd, "exit", "3");
	for (int i = 0; i < 10; i++) {
		int next = copy_of(fd);
		close(fd);
		fd = next;
	}
	create(fd);
	expect_exit(fd, 3);
	close(fd);
}

static void at_the_descriptor_limit(void)
{
	struct rlimit l, low;
	int fd = ctx();
	set_child(fd, "exit", "0");
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &l), 0);
	low = l;
	int top = dup(0), before;
	close(top);
	for (int extra = 0; extra < 2; extra++) {
		low.rlim_cur = (rlim_t)(top + extra);
		CHECK_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
		before = tap_fds(NULL, 0);
		CHECK_ERR(process_config(fd, PROC_COPY, 0, NULL, 0), EMFILE);
		CHECK_EQ(tap_fds(NULL, 0), before);
	}
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &l), 0);
	close(copy_of(fd));
	close(fd);
}

TAP_MAIN(CASE(many_from_one), CASE(everything_is_copied), CASE(they_are_independent),
	 CASE(the_policy_of_each_is_its_own), CASE(a_copy_has_no_error_on_record),
	 CASE(bad_arguments), CASE(a_copy_of_a_copy), CASE(at_the_descriptor_limit))

// SPDX-License-Identifier: MIT OR Apache-2.0
/* The program by descriptor, and the environment. */
#include "util.h"

/* The dynamic loader may need this one to find the library. */
static const char *loader_path(void)
{
	static char var[PATH_MAX + 32];
	const char *v = getenv("LD_LIBRARY_PATH");
	snprintf(var, sizeof var, "LD_LIBRARY_PATH=%s", v ? v : "");
	return var;
}

static void by_descriptor(void)
{
	const char *argv[] = { "named", "--child", "facts", NULL };
	int prog = open(self_path, O_RDONLY | O_CLOEXEC), fd = ctx();
	SET(fd, PROC_SET_EXEC_FD, prog);
	CFG(fd, PROC_SET_ARGV, 0, argv, 0);
	int r = create_with_output(fd, NULL);
	char *t = slurp(r);
	FACT_IS(t, "argv.0", "named");
	FACT_IS(t, "exe", self_path);
	FACT_IS(t, "fds", "0 1 2"); /* the program's descriptor does not stay */
	close(r);
	expect_exit(fd, 0);
	close(fd);
	close(prog);
}

static void by_path_descriptor_and_memfd(void)
{
	const char *argv[] = { "x", "--child", "exit", "8", NULL };
	int progs[2] = { open(self_path, O_PATH | O_CLOEXEC),
			 (int)syscall(SYS_memfd_create, "program", 1u /* MFD_CLOEXEC */) };
	int in = open(self_path, O_RDONLY | O_CLOEXEC);
	char buf[65536];
	for (ssize_t n; (n = read(in, buf, sizeof buf)) > 0;)
		CHECK_EQ(write(progs[1], buf, (size_t)n), n);
	close(in);
	for (int i = 0; i < 2; i++) {
		int fd = ctx();
		SET(fd, PROC_SET_EXEC_FD, progs[i]);
		CFG(fd, PROC_SET_ARGV, 0, argv, 0);
		create(fd);
		expect_exit(fd, 8);
		close(fd);
		close(progs[i]);
	}
}

/* The descriptor is the caller's: what the child's list does to its number does not matter. */
static void descriptor_survives_the_list(void)
{
	const char *argv[] = { "x", "--child", "exit", "8", NULL };
	int prog = open(self_path, O_RDONLY | O_CLOEXEC);
	for (int how = 0; how < 4; how++) {
		struct procfd_range all = { 3, UINT32_MAX };
		int fd = ctx();
		SET(fd, PROC_SET_EXEC_FD, prog);
		CFG(fd, PROC_SET_ARGV, 0, argv, 0);
		if (how == 0)
			SET(fd, PROC_FD_NULL, prog);
		else if (how == 1)
			set_dup(fd, 0, prog);
		else if (how == 2)
			SET(fd, PROC_FD_CLOSE, prog);
		else
			CFG(fd, PROC_FD_CLOSE_RANGE, 0, &all, sizeof all);
		create(fd);
		expect_exit(fd, 8);
		close(fd);
	}
	close(prog);
}

static void descriptor_and_chdir(void)
{
	const char *argv[] = { "x", "--child", "exit", "8", NULL };
	int prog = open(self_path, O_RDONLY | O_CLOEXEC), fd = ctx();
	SET(fd, PROC_SET_EXEC_FD, prog);
	CFG(fd, PROC_SET_ARGV, 0, argv, 0);
	CFG(fd, PROC_SET_CWD, 0, "/", 0);
	create(fd);
	expect_exit(fd, 8);
	close(fd);
	close(prog);
}

static void bad_descriptors(void)
{
	const char *argv[] = { "x", NULL };
	int fd = ctx(), dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), null;
	CFG(fd, PROC_SET_ARGV, 0, argv, 0);
	/* Not open: found when it is set, or when it is used. */
	int closed = dup(dir), rc;
	close(closed);
	rc = process_config(fd, PROC_SET_EXEC_FD, (uint64_t)closed, NULL, 0);
	if (rc == 0)
		rc = process_config(fd, PROC_CREATE, 0, NULL, 0);
	CHECK_EQ(rc, -1);
	CHECK_EQ(errno, EBADF);
	SET(fd, PROC_SET_EXEC_FD, dir);
	CREATE_FAILS(fd, EACCES, PROC_STAGE_EXEC, -1);
	null = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	SET(fd, PROC_SET_EXEC_FD, null);
	CREATE_FAILS(fd, EACCES, PROC_STAGE_EXEC, -1);
	close(null);
	close(dir);
	close(fd);
}

static void script_by_descriptor(void)
{
	char *dir = make_dir(), path[128];
	const char *argv[] = { "script", NULL };
	snprintf(path, sizeof path, "%s/script", dir);
	write_file(path, "#!/bin/sh\nexit 17\n", 0755);
	int script = open(path, O_RDONLY | O_CLOEXEC), fd = ctx();
	SET(fd, PROC_SET_EXEC_FD, script);
	CFG(fd, PROC_SET_ARGV, 0, argv, 0);
	/* The interpreter opens /dev/fd/N, which close-on-exec has closed by then. */
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, -1);
	close(fd);
	fd = ctx();
	SET(fd, PROC_SET_EXEC_FD, script);
	CFG(fd, PROC_SET_ARGV, 0, argv, 0);
	SET(fd, PROC_FD_INHERIT, script);
	create(fd);
	expect_exit(fd, 17);
	close(fd);
	close(script);
	remove_tree(dir);
}

/* ---- environment ---- */

static void inherited(void)
{
	int fd = ctx();
	setenv("PROCFD_TEST_A", "set after process_open", 1);
	setenv("PROCFD_TEST_EMPTY", "", 1);
	int n = 0;
	for (char **e = environ; *e; e++)
		n++;
	const char *t = facts(fd);
	FACT_IS(t, "env.PROCFD_TEST_A", "set after process_open");
	CHECK(strstr(t, "env.PROCFD_TEST_EMPTY=\n"));
	CHECK_EQ(fact_n(t, "envc"), n);
	close(fd);
}

static void replaced(void)
{
	setenv("PROCFD_TEST_A", "caller", 1);
	const char *env[] = { loader_path(), "B=2", "C=", "D=a=b", NULL };
	int fd = ctx();
	CFG(fd, PROC_SET_ENV, 0, env, 0);
	const char *t = facts(fd);
	FACT_IS(t, "env.PROCFD_TEST_A", "");
	FACT_IS(t, "env.B", "2");
	CHECK(strstr(t, "env.C=\n"));
	FACT_IS(t, "env.D", "a=b");
	CHECK_EQ(fact_n(t, "envc"), 4);
	close(fd);
}

static void emptied(void)
{
	const char *env[] = { NULL };
	int fd = ctx();
	set_program(fd, "/usr/bin/env", (char *)NULL);
	CFG(fd, PROC_SET_ENV, 0, env, 0);
	int r = create_with_output(fd, NULL);
	CHECK_STR(slurp(r), "");
	close(r);
	expect_exit(fd, 0);
	close(fd);
}

static void set_on_top(void)
{
	setenv("PROCFD_TEST_A", "caller", 1);
	setenv("PROCFD_TEST_B", "caller", 1);
	int n = 0;
	for (char **e = environ; *e; e++)
		n++;
	int fd = ctx();
	CFG(fd, PROC_SET_ENV_VAR, 0, "PROCFD_TEST_A=first", 0);
	CFG(fd, PROC_SET_ENV_VAR, 0, "PROCFD_TEST_A=second", 0);
	CFG(fd, PROC_SET_ENV_VAR, 0, "PROCFD_TEST_NEW=x=y", 0);
	const char *t = facts(fd);
	FACT_IS(t, "env.PROCFD_TEST_A", "second");
	FACT_IS(t, "env.PROCFD_TEST_B", "caller");
	FACT_IS(t, "env.PROCFD_TEST_NEW", "x=y");
	CHECK_EQ(fact_n(t, "envc"), n + 1);
	CHECK_STR(getenv("PROCFD_TEST_A"), "caller");
	CHECK(!getenv("PROCFD_TEST_NEW"));
	close(fd);
}

static void unset_on_top(void)
{
	setenv("PROCFD_TEST_A", "caller", 1);
	setenv("PROCFD_TEST_AB", "stays", 1);
	int fd = ctx();
	CFG(fd, PROC_UNSET_ENV_VAR, 0, "PROCFD_TEST_A", 0);
	CFG(fd, PROC_UNSET_ENV_VAR, 0, "PROCFD_TEST_NEVER_THERE", 0);
	CFG(fd, PROC_SET_ENV_VAR, 0, "PROCFD_TEST_C=1", 0);
	CFG(fd, PROC_UNSET_ENV_VAR, 0, "PROCFD_TEST_C", 0);
	CFG(fd, PROC_UNSET_ENV_VAR, 0, "PROCFD_TEST_D", 0);
	CFG(fd, PROC_SET_ENV_VAR, 0, "PROCFD_TEST_D=back", 0);
	const char *t = facts(fd);
	CHECK(!strstr(t, "env.PROCFD_TEST_A="));
	FACT_IS(t, "env.PROCFD_TEST_AB", "stays");
	CHECK(!strstr(t, "env.PROCFD_TEST_C="));
	FACT_IS(t, "env.PROCFD_TEST_D", "back");
	close(fd);
}

static void set_on_top_of_a_replacement(void)
{
	setenv("PROCFD_TEST_A", "caller", 1);
	const char *env[] = { loader_path(), "B=2", "C=3", NULL };
	int fd = ctx();
	CFG(fd, PROC_SET_ENV, 0, env, 0);
	CFG(fd, PROC_SET_ENV_VAR, 0, "B=changed", 0);
	CFG(fd, PROC_UNSET_ENV_VAR, 0, "C", 0);
	CFG(fd, PROC_SET_ENV_VAR, 0, "E=5", 0);
	const char *t = facts(fd);
	FACT_IS(t, "env.B", "changed");
	FACT_IS(t, "env.E", "5");
	CHECK(!strstr(t, "env.C="));
	CHECK_EQ(fact_n(t, "envc"), 3);
	close(fd);
}

/* As execve(2) and posix_spawn(3) take them. */
static void strings_that_are_no_variables(void)
{
	const char *env[] = { "B=1", "no equals sign", "", "=x", NULL };
	for (int edited = 0; edited < 2; edited++) {
		int fd = ctx();
		CFG(fd, PROC_SET_ENV, 0, env, 0);
		if (edited)
			CFG(fd, PROC_SET_ENV_VAR, 0, "B=2", 0);
		const char *t = facts(fd);
		FACT_IS(t, "env.B", edited ? "2" : "1");
		CHECK_EQ(fact_n(t, "envc"), 4);
		CHECK(strstr(t, "env.no equals sign\n") && strstr(t, "env.\n") && strstr(t, "env.=x\n"));
		close(fd);
	}
}

static void bad_variables(void)
{
	int fd = ctx();
	CHECK_ERR(process_config(fd, PROC_SET_ENV_VAR, 0, "NAME", 0), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_ENV_VAR, 0, "", 0), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_ENV_VAR, 0, NULL, 0), EFAULT);
	CHECK_ERR(process_config(fd, PROC_UNSET_ENV_VAR, 0, NULL, 0), EFAULT);
	CHECK_ERR(process_config(fd, PROC_SET_ENV, 0, NULL, 0), EFAULT);
	CHECK_ERR(process_config(fd, PROC_SET_ENV_VAR, 0, "A=b\0c", 5), EINVAL);
	CHECK_EQ(last_error(fd).stage, PROC_STAGE_CONFIG);
	/* None of it stayed. */
	setenv("PROCFD_TEST_A", "caller", 1);
	FACT_IS(facts(fd), "env.PROCFD_TEST_A", "caller");
	close(fd);
}

static void a_string_with_a_size(void)
{
	int fd = ctx();
	CFG(fd, PROC_SET_ENV_VAR, 0, "PROCFD_TEST_A=one two", strlen("PROCFD_TEST_A=one"));
	CFG(fd, PROC_SET_ENV_VAR, 0, "PROCFD_TEST_B=b", sizeof "PROCFD_TEST_B=b");
	const char *t = facts(fd);
	FACT_IS(t, "env.PROCFD_TEST_A", "one");
	FACT_IS(t, "env.PROCFD_TEST_B", "b");
	close(fd);
}

static void a_large_environment(void)
{
	enum { N = 5000 };
	static char text[N][24];
	static const char *env[N + 2];
	for (int i = 0; i < N; i++) {
		sprintf(text[i], "VAR%d=%d", i, i);
		env[i] = text[i];
	}
	env[N] = loader_path();
	int fd = ctx();
	CFG(fd, PROC_SET_ENV, 0, env, 0);
	const char *t = facts(fd);
	CHECK_EQ(fact_n(t, "envc"), N + 1);
	FACT_IS(t, "env.VAR4999", "4999");
	close(fd);
}

TAP_MAIN(CASE(by_descriptor), CASE(by_path_descriptor_and_memfd),
	 CASE(descriptor_survives_the_list), CASE(descriptor_and_chdir), CASE(bad_descriptors),
	 CASE(script_by_descriptor), CASE(inherited), CASE(replaced), CASE(emptied),
	 CASE(set_on_top), CASE(unset_on_top), CASE(set_on_top_of_a_replacement),
	 CASE(strings_that_are_no_variables), CASE(bad_variables), CASE(a_string_with_a_size), CASE(a_large_environment))

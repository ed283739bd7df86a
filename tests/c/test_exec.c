// SPDX-License-Identifier: MIT OR Apache-2.0
/* The program: by path, by PATH search and by descriptor; its arguments and its environment. */
#include "util.h"

static void by_path(void)
{
	int fd = ctx();
	set_child(fd, "exit", "7");
	create(fd);
	expect_exit(fd, 7);
	close(fd);
}

static void argv_arrives(void)
{
	int fd = ctx();
	const char *argv[] = { "zeroth", "--child", "facts", "", "a b", "\n\xff", "-", NULL };
	CFG(fd, PROC_SET_EXEC, 0, self_path, 0);
	CFG(fd, PROC_SET_ARGV, 0, argv, 0);
	int r = create_with_output(fd, NULL);
	char *t = slurp(r);
	FACT_IS(t, "argc", "7");
	FACT_IS(t, "argv.0", "zeroth");
	CHECK(strstr(t, "argv.3=\n"));
	FACT_IS(t, "argv.4", "a b");
	CHECK(strstr(t, "argv.5=\n\xff\n"));
	FACT_IS(t, "argv.6", "-");
	FACT_IS(t, "exe", self_path);
	close(r);
	expect_exit(fd, 0);
	close(fd);
}

static void argv_is_copied_when_set(void)
{
	int fd = ctx();
	char mode[] = "exit", code[] = "5", path[PATH_MAX];
	char *argv[] = { path, (char[]){ "--child" }, mode, code, NULL };
	strcpy(path, self_path);
	CFG(fd, PROC_SET_EXEC, 0, path, 0);
	CFG(fd, PROC_SET_ARGV, 0, argv, 0);
	memset(path, 'x', 4);
	memset(mode, 'x', 4);
	code[0] = '9';
	argv[1] = NULL;
	create(fd);
	expect_exit(fd, 5);
	close(fd);
}

static void many_arguments(void)
{
	enum { N = 3000 };
	static const char *argv[N + 1] = { "x", "--child", "facts" };
	for (int i = 3; i < N; i++)
		argv[i] = "argument";
	int fd = ctx();
	CFG(fd, PROC_SET_EXEC, 0, self_path, 0);
	CFG(fd, PROC_SET_ARGV, 0, argv, 0);
	int r = create_with_output(fd, NULL);
	CHECK_EQ(fact_n(slurp(r), "argc"), N);
	close(r);
	expect_exit(fd, 0);
	close(fd);
}

static void an_argument_too_long(void)
{
	size_t n = 256 * 1024;
	char *big = malloc(n);
	memset(big, 'a', n - 1);
	big[n - 1] = 0;
	const char *argv[] = { "x", big, NULL };
	int fd = ctx();
	CFG(fd, PROC_SET_EXEC, 0, self_path, 0);
	/* The kernel's limit for one string, found as soon as it is seen. */
	CHECK_ERR(process_config(fd, PROC_SET_ARGV, 0, argv, 0), E2BIG);
	CHECK_EQ(last_error(fd).stage, PROC_STAGE_CONFIG);
	set_child(fd, "exit", "1");
	create(fd);
	expect_exit(fd, 1);
	close(fd);
	free(big);
}

static void arguments_too_long_together(void)
{
	enum { N = 40 }; /* below what any stack limit allows, above this one's */
	static const char *argv[N + 1];
	struct rlimit l = { 8 << 20, RLIM_INFINITY };
	getrlimit(RLIMIT_STACK, &l);
	l.rlim_cur = 8 << 20;
	CHECK_EQ(setrlimit(RLIMIT_STACK, &l), 0);
	char *big = malloc(100000);
	memset(big, 'a', 99999);
	big[99999] = 0;
	for (int i = 0; i < N; i++)
		argv[i] = big;
	int fd = ctx();
	CFG(fd, PROC_SET_EXEC, 0, self_path, 0);
	CFG(fd, PROC_SET_ARGV, 0, argv, 0);
	CREATE_FAILS(fd, E2BIG, PROC_STAGE_EXEC, -1);
	close(fd);
	free(big);
}

static void without_argv_the_path_is_argument_zero(void)
{
	/* An interpreter line shows what argv[0] was: the script's own name follows it. */
	char *dir = make_dir(), path[128], *end;
	snprintf(path, sizeof path, "%s/script", dir);
	char text[PATH_MAX + 64];
	snprintf(text, sizeof text, "#!/bin/sh\necho \"$0 $#\"\n");
	write_file(path, text, 0755);
	int fd = ctx();
	CFG(fd, PROC_SET_EXEC, 0, path, 0);
	int r = create_with_output(fd, NULL);
	char *line = read_line(r);
	CHECK((end = strrchr(line, ' ')));
	CHECK_STR(end, " 0");
	*end = 0;
	CHECK_STR(line, path);
	close(r);
	expect_exit(fd, 0);
	close(fd);
	remove_tree(dir);
}

static void argv_without_a_program(void)
{
	const char *argv[] = { "x", NULL };
	int fd = ctx();
	CFG(fd, PROC_SET_ARGV, 0, argv, 0);
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_PLAN, -1);
	close(fd);
}

static void descriptor_without_argv(void)
{
	int fd = ctx(), prog = open(self_path, O_RDONLY | O_CLOEXEC);
	SET(fd, PROC_SET_EXEC_FD, prog);
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_PLAN, -1);
	close(prog);
	close(fd);
}

static void empty_argv(void)
{
	/* As posix_spawn(3): the kernel makes one empty argument of it (5.18). */
	const char *argv[] = { NULL };
	int fd = ctx();
	CFG(fd, PROC_SET_EXEC, 0, "/bin/true", 0);
	CFG(fd, PROC_SET_ARGV, 0, argv, 0);
	create(fd);
	expect_exit(fd, 0);
	close(fd);
}

static void path_fails(const char *path, int err)
{
	int fd = ctx();
	CFG(fd, PROC_SET_EXEC, 0, path, 0);
	CREATE_FAILS(fd, err, PROC_STAGE_EXEC, -1);
	struct procfd_error e = last_error(fd);
	if (!strstr(e.message, path))
		FAIL("the message does not name %s: %s", path, e.message);
	CHECK_EQ(state(fd), PROC_STATE_CONFIGURING);
	close(fd);
}

static void path_errors(void)
{
	char *dir = make_dir(), file[128], sub[160], loop[128], text[128];
	snprintf(file, sizeof file, "%s/plain", dir);
	snprintf(sub, sizeof sub, "%s/below", file);
	snprintf(loop, sizeof loop, "%s/loop", dir);
	snprintf(text, sizeof text, "%s/text", dir);
	write_file(file, "x", 0644);
	write_file(text, "no program at all\n", 0755);
	CHECK_EQ(symlink(loop, loop), 0);
	path_fails("/nonexistent/program", ENOENT);
	path_fails(dir, EACCES);
	path_fails(file, EACCES);
	path_fails(sub, ENOTDIR);
	path_fails(loop, ELOOP);
	path_fails(text, ENOEXEC);
	char name[400] = "/tmp/";
	memset(name + 5, 'n', 300);
	path_fails(name, ENAMETOOLONG);
	remove_tree(dir);
}

static void relative_path_is_looked_up_after_the_directory(void)
{
	char *dir = make_dir(), path[128];
	snprintf(path, sizeof path, "%s/script", dir);
	write_file(path, "#!/bin/sh\nexit 21\n", 0755);
	int fd = ctx();
	CFG(fd, PROC_SET_EXEC, 0, "./script", 0);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, -1);
	CFG(fd, PROC_SET_CWD, 0, dir, 0);
	create(fd);
	expect_exit(fd, 21);
	close(fd);
	remove_tree(dir);
}

/* ---- PATH ---- */

static char *dirs[4], dir_text[4][64];

static void make_dirs(void)
{
	for (int i = 0; i < 4; i++)
		dirs[i] = strcpy(dir_text[i], make_dir());
}

static void remove_dirs(void)
{
	for (int i = 0; i < 4; i++)
		remove_tree(dirs[i]);
}

static void put(int dir, const char *name, int code, mode_t mode)
{
	char path[128], text[64];
	snprintf(path, sizeof path, "%s/%s", dirs[dir], name);
	snprintf(text, sizeof text, code < 0 ? "no program\n" : "#!/bin/sh\nexit %d\n", code);
	write_file(path, text, mode);
}

static void set_path(const char *fmt, ...)
{
	char buf[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(buf, sizeof buf, fmt, ap);
	va_end(ap);
	CHECK_EQ(setenv("PATH", buf, 1), 0);
}

static int search_for(const char *name)
{
	int fd = ctx();
	CFG(fd, PROC_SET_EXEC, PROC_EXEC_PATH, name, 0);
	return fd;
}

static void found(const char *name, int code)
{
	int fd = search_for(name);
	create(fd);
	expect_exit(fd, code);
	close(fd);
}

static void not_found(const char *name, int err, int index)
{
	int fd = search_for(name);
	CREATE_FAILS(fd, err, PROC_STAGE_EXEC, index);
	close(fd);
}

static void search_order(void)
{
	make_dirs();
	put(1, "prog", 11, 0755);
	put(2, "prog", 12, 0755);
	set_path("/nonexistent:%s/x/y:%s:%s:%s", dirs[0], dirs[0], dirs[1], dirs[2]);
	found("prog", 11);
	set_path("%s:%s", dirs[2], dirs[1]);
	found("prog", 12);
	not_found("missing", ENOENT, -1);
	/* A plain file where a directory should be is passed over. */
	set_path("%s/prog:%s", dirs[1], dirs[2]);
	found("prog", 12);
	remove_dirs();
}

/* The PATH of the environment that it gets: one variable, none, a whole environment; and that of the caller. */
static void search_in_its_own_path(void)
{
	char var[128], *env[] = { var, NULL };
	make_dirs();
	put(0, "prog", 10, 0755);
	put(1, "prog", 11, 0755);
	snprintf(var, sizeof var, "PATH=%s", dirs[1]);
	set_path("%s", dirs[0]);
	for (int i = 0; i < 5; i++) {
		int fd = search_for("prog"), want = i == 1 || i == 2 ? 11 : 10;
		SET(fd, PROC_SET_OWN_PATH, i != 4);
		if (i == 1 || i == 4)
			CFG(fd, PROC_SET_ENV_VAR, 0, var, 0);
		if (i == 2)
			CFG(fd, PROC_SET_ENV, 0, env, 0);
		if (i == 3)
			CFG(fd, PROC_UNSET_ENV_VAR, 0, "PATH", 0);
		if (i == 3)
			CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, -1);
		else
			expect_exit((create(fd), fd), want);
		close(fd);
	}
	/* The caller's is looked up at each start. */
	int fd = search_for("prog");
	SET(fd, PROC_SET_OWN_PATH, 1);
	set_path("%s", dirs[1]);
	create(fd);
	expect_exit(fd, 11);
	close(fd);
	remove_dirs();
}

static void search_remembers_eacces(void)
{
	make_dirs();
	put(0, "prog", 1, 0644);
	put(2, "prog", 12, 0755);
	set_path("%s:%s", dirs[0], dirs[1]);
	not_found("prog", EACCES, -1);
	set_path("%s:/nonexistent", dirs[0]);
	not_found("prog", EACCES, -1);
	set_path("%s:%s:%s", dirs[0], dirs[1], dirs[2]);
	found("prog", 12);
	remove_dirs();
}

static void search_stops_at_enoexec(void)
{
	make_dirs();
	put(1, "prog", -1, 0755);
	put(2, "prog", 12, 0755);
	set_path("%s:%s:%s", dirs[0], dirs[1], dirs[2]);
	not_found("prog", ENOEXEC, 1);
	remove_dirs();
}

static void a_slash_is_no_search(void)
{
	make_dirs();
	put(0, "prog", 3, 0755);
	set_path("%s", dirs[0]);
	not_found("./prog", ENOENT, -1);
	char path[128];
	snprintf(path, sizeof path, "%s/prog", dirs[0]);
	set_path("/nonexistent");
	found(path, 3);
	remove_dirs();
}

static void empty_entries_are_the_directory(void)
{
	make_dirs();
	put(3, "prog", 13, 0755);
	static const char *const paths[] = { ":/nonexistent", "/nonexistent:", "/a::/b", "" };
	for (int i = 0; i < 4; i++) {
		set_path("%s", paths[i]);
		int fd = search_for("prog");
		CFG(fd, PROC_SET_CWD, 0, dirs[3], 0);
		create(fd);
		expect_exit(fd, 13);
		close(fd);
	}
	remove_dirs();
}

static void without_path_the_usual_directories(void)
{
	CHECK_EQ(unsetenv("PATH"), 0);
	found("true", 0);
	found("false", 1);
}

static void the_search_uses_the_callers_path(void)
{
	make_dirs();
	put(0, "prog", 10, 0755);
	put(1, "prog", 11, 0755);
	set_path("%s", dirs[0]);
	char var[128];
	snprintf(var, sizeof var, "PATH=%s", dirs[1]);
	const char *env[] = { var, NULL };
	int fd = search_for("prog");
	CFG(fd, PROC_SET_ENV, 0, env, 0);
	create(fd);
	expect_exit(fd, 10);
	close(fd);
	fd = search_for("prog");
	CFG(fd, PROC_SET_ENV_VAR, 0, var, 0);
	create(fd);
	expect_exit(fd, 10);
	close(fd);
	remove_dirs();
}

static void a_long_path_variable(void)
{
	make_dirs();
	put(0, "prog", 4, 0755);
	static char path[100000];
	char *p = path;
	for (int i = 0; i < 3000; i++)
		p += sprintf(p, "/nonexistent/%d:", i);
	strcpy(p, dirs[0]);
	CHECK_EQ(setenv("PATH", path, 1), 0);
	found("prog", 4);
	not_found("absent", ENOENT, -1);
	remove_dirs();
}

/* ---- a program that is open for writing ---- */

struct writer {
	int program;
	const char *fifo;
};

/* Lets the child go on to its exec, and closes the program shortly after. */
static void *close_shortly(void *arg)
{
	struct writer *w = arg;
	int go = open(w->fifo, O_WRONLY | O_CLOEXEC);
	usleep(1500);
	close(w->program);
	close(go);
	return NULL;
}

static int copy_of_self(const char *path)
{
	int from = open(self_path, O_RDONLY | O_CLOEXEC);
	int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	CHECK(from >= 0 && to >= 0);
	char buf[65536];
	ssize_t n;
	while ((n = read(from, buf, sizeof buf)) > 0)
		CHECK_EQ(write(to, buf, (size_t)n), n);
	close(from);
	return to;
}

static void a_program_that_is_written(void)
{
	char dir[] = "/tmp/procfd-exec-XXXXXX", path[64], fifo[64];
	CHECK(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/program", dir);
	snprintf(fifo, sizeof fifo, "%s/fifo", dir);
	CHECK_EQ(mkfifo(fifo, 0600), 0);

	/* As long as it is open: an error, after a bounded time. */
	int w = copy_of_self(path), fd = ctx();
	set_program(fd, path, "--child", "exit", "5", (char *)NULL);
	CREATE_FAILS(fd, ETXTBSY, PROC_STAGE_EXEC, 0);
	close(w);
	create(fd);
	expect_exit(fd, 5);
	close(fd);

	/* Closed within a few milliseconds: no error. A busy machine may need another attempt. */
	int started = 0;
	for (long long end = now_ns() + FOREVER_MS * 1000000LL; !started && now_ns() < end;) {
		struct writer writer = { open(path, O_WRONLY | O_CLOEXEC), fifo };
		CHECK(writer.program >= 0);
		struct procfd_open held = { fifo, O_RDONLY, 0 };
		fd = ctx();
		set_program(fd, path, "--child", "exit", "6", (char *)NULL);
		CFG(fd, PROC_FD_OPEN, 9, &held, sizeof held);
		pthread_t thread;
		CHECK_EQ(pthread_create(&thread, NULL, close_shortly, &writer), 0);
		started = process_config(fd, PROC_CREATE, 0, NULL, 0) > 0;
		if (!started)
			CHECK_EQ(last_error(fd).saved_errno, ETXTBSY);
		pthread_join(thread, NULL);
		if (started)
			expect_exit(fd, 6);
		close(fd);
	}
	CHECK(started);
	unlink(path);
	unlink(fifo);
	rmdir(dir);
}

TAP_MAIN(CASE(by_path), CASE(argv_arrives), CASE(argv_is_copied_when_set), CASE(many_arguments),
	 CASE(an_argument_too_long), CASE(arguments_too_long_together), CASE(without_argv_the_path_is_argument_zero),
	 CASE(argv_without_a_program), CASE(descriptor_without_argv), CASE(empty_argv),
	 CASE(path_errors), CASE(relative_path_is_looked_up_after_the_directory),
	 CASE(search_order), CASE(search_in_its_own_path), CASE(search_remembers_eacces), CASE(search_stops_at_enoexec),
	 CASE(a_slash_is_no_search), CASE(empty_entries_are_the_directory),
	 CASE(without_path_the_usual_directories), CASE(the_search_uses_the_callers_path),
	 CASE(a_long_path_variable), CASE(a_program_that_is_written))

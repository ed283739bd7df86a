// SPDX-License-Identifier: MIT OR Apache-2.0
/* A failed PROC_CREATE: what is on record, and that nothing is left behind but another try. */
#include "util.h"

#include <pthread.h>

typedef void (*breaking)(int fd);

static void bad_path(int fd)
{
	CFG(fd, PROC_SET_EXEC, 0, "/nonexistent/program", 0);
}

static void bad_cwd(int fd)
{
	SET(fd, PROC_FD_NULL, 9);
	CFG(fd, PROC_SET_CWD, 0, "/nonexistent/dir", 0);
}

static void bad_open(int fd)
{
	struct procfd_open o = { "/nonexistent/file", O_RDONLY, 0 };
	SET(fd, PROC_FD_NULL, 9);
	SET(fd, PROC_FD_NULL, 10);
	CFG(fd, PROC_FD_OPEN, 0, &o, sizeof o);
}

static void bad_dup(int fd)
{
	set_dup(fd, 999, 3);
}

static void bad_group(int fd)
{
	SET(fd, PROC_SET_PGROUP, 1); /* of another session */
}

static void bad_terminal(int fd)
{
	SET(fd, PROC_SET_SESSION, 1);
	SET(fd, PROC_SET_CTTY, 0); /* standard input is /dev/null here */
}

static void bad_plan(int fd)
{
	struct procfd_idmap m = { 0, 0, 1, 0 };
	CFG(fd, PROC_SET_UID_MAP, 0, &m, sizeof m);
}

static void bad_flags(int fd)
{
	SET(fd, PROC_SET_FLAG, CLONE_NEWUTS);
}

static void bad_uid(int fd)
{
	SET(fd, PROC_SET_UID, 0);
}

static void bad_gid(int fd)
{
	SET(fd, PROC_SET_GID, 0);
}

static void bad_groups(int fd)
{
	gid_t g[] = { 0 };
	CFG(fd, PROC_SET_GROUPS, 0, g, sizeof g);
}

static void bad_root(int fd)
{
	CFG(fd, PROC_SET_ROOT, 0, "/usr", 0);
}

static const struct {
	breaking make;
	int err;
	uint32_t stage;
	int index;
	const char *text;
} table[] = {
	{ bad_path, ENOENT, PROC_STAGE_EXEC, -1, "/nonexistent/program" },
	{ bad_cwd, ENOENT, PROC_STAGE_CWD, 1, "/nonexistent/dir" },
	{ bad_open, ENOENT, PROC_STAGE_FD, 2,
	  "descriptor action 2: cannot open \"/nonexistent/file\" as descriptor 0" },
	{ bad_dup, EBADF, PROC_STAGE_FD, 0, "999 to 3: Bad file descriptor (the source is not open" },
	{ bad_group, EPERM, PROC_STAGE_PGROUP, -1, "" },
	{ bad_terminal, ENOTTY, PROC_STAGE_CTTY, -1, "" },
	{ bad_plan, EINVAL, PROC_STAGE_PLAN, -1, "CLONE_NEWUSER" },
	/* What only an ordinary user is refused. */
	{ bad_flags, EPERM, PROC_STAGE_CLONE, -1, "" },
	{ bad_uid, EPERM, PROC_STAGE_UID, -1, "" },
	{ bad_gid, EPERM, PROC_STAGE_GID, -1, "" },
	{ bad_groups, EPERM, PROC_STAGE_GROUPS, -1, "" },
	{ bad_root, EPERM, PROC_STAGE_ROOT, -1, "/usr" },
};
#define ROWS ((int)(sizeof table / sizeof *table))

static void null_input(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	CHECK_EQ(dup2(null, 0), 0);
	close(null);
}

static void each_step_is_reported(void)
{
	null_input();
	become_nobody();
	for (int i = 0; i < ROWS; i++) {
		int fd = ctx();
		set_child(fd, "exit", "0");
		table[i].make(fd);
		errno = 0;
		int rc = process_config(fd, PROC_CREATE, 0, NULL, 0), err = errno;
		struct procfd_error e = last_error(fd);
		if (rc != -1 || err != table[i].err || e.saved_errno != err ||
		    e.stage != table[i].stage ||
		    (table[i].index >= 0 && (int)e.index != table[i].index) || !e.message[0] ||
		    !strstr(e.message, table[i].text))
			FAIL("row %d: %d, errno %d; stage %u, index %u, errno %d: %s", i, rc, err,
			     e.stage, e.index, e.saved_errno, e.message);
		CHECK_EQ(state(fd), PROC_STATE_CONFIGURING);
		struct pollfd p = { .fd = fd, .events = POLLIN };
		CHECK_EQ(poll(&p, 1, 0), 0);
		/* The record stays until something else goes wrong or right. */
		CHECK_EQ(last_error(fd).stage, table[i].stage);
		CHECK_ERR(process_manage(fd, PROC_SIGNAL, 0, NULL, 0), ESRCH);
		close(fd);
	}
}

static void nothing_is_left(void)
{
	null_input();
	become_nobody();
	for (int policy = 0; policy < 2; policy++)
		for (int i = 0; i < ROWS; i++) {
			int fd = ctx();
			set_child(fd, "exit", "0");
			SET(fd, PROC_SET_CLOSE, policy ? SIGKILL : 0);
			table[i].make(fd);
			CHECK_EQ(process_config(fd, PROC_CREATE, 0, NULL, 0), -1);
			int before = tap_fds(NULL, 0);
			for (int n = 0; n < 20; n++)
				CHECK_EQ(process_config(fd, PROC_CREATE, 0, NULL, 0), -1);
			CHECK_EQ(tap_fds(NULL, 0), before);
			CHECK_EQ(tap_children(NULL, 0), 0);
			CHECK_ERR(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
			close(fd);
		}
}

static void a_second_try_works(void)
{
	int fd = ctx();
	char *dir = make_dir(), path[128];
	snprintf(path, sizeof path, "%s/later", dir);
	CFG(fd, PROC_SET_EXEC, 0, path, 0);
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, -1);
	write_file(path, "#!/bin/sh\nexit 19\n", 0644);
	CREATE_FAILS(fd, EACCES, PROC_STAGE_EXEC, -1);
	CHECK_EQ(chmod(path, 0755), 0);
	create(fd);
	CHECK_ERR(process_config(fd, PROC_CREATE, 0, NULL, 0), EBUSY);
	expect_exit(fd, 19);
	close(fd);
	remove_tree(dir);
}

static void no_signal_to_the_caller(void)
{
	sigset_t chld, pending;
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &chld, NULL), 0);
	int fd = ctx();
	CFG(fd, PROC_SET_EXEC, 0, "/nonexistent", 0);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, -1);
	/* SIGCHLD of a child that never was; it may be there, but no child may. */
	CHECK_EQ(sigpending(&pending), 0);
	CHECK_ERR(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
	close(fd);
}

static void arguments_are_reported_too(void)
{
	int fd = ctx();
	CHECK_ERR(process_config(fd, PROC_SET_FLAG, 1, NULL, 0), EINVAL);
	struct procfd_error e = last_error(fd);
	CHECK_EQ(e.stage, PROC_STAGE_CONFIG);
	CHECK_EQ(e.saved_errno, EINVAL);
	CHECK(e.message[0]);
	CHECK_ERR(process_config(fd, PROC_SET_EXEC, 0, NULL, 0), EFAULT);
	e = last_error(fd);
	CHECK_EQ(e.stage, PROC_STAGE_CONFIG);
	CHECK_EQ(e.saved_errno, EFAULT);
	close(fd);
}

static void long_operands_fit_the_message(void)
{
	char path[4000];
	memset(path, 0, sizeof path);
	for (int i = 0; i < 3990; i += 10)
		memcpy(path + i, "/directory", 10);
	int fd = ctx();
	CFG(fd, PROC_SET_EXEC, 0, path, 0);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, -1);
	CHECK(strlen(last_error(fd).message) > 100);
	CFG(fd, PROC_SET_EXEC, 0, "/tmp/\xff\xfe\x80 not utf-8\n", 0);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, -1);
	close(fd);
}

static void a_missing_interpreter_is_named(void)
{
	static const char line[] = "#!/no/such/interpreter\n";
	char path[] = "/tmp/procfd-script.XXXXXX";
	int file = mkstemp(path);
	CHECK(file >= 0);
	CHECK_EQ(write(file, line, sizeof line - 1), sizeof line - 1);
	CHECK_EQ(fchmod(file, 0755), 0);
	close(file);
	int fd = ctx();
	CFG(fd, PROC_SET_EXEC, 0, path, 0);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, -1);
	CHECK(strstr(last_error(fd).message, "its interpreter \"/no/such/interpreter\" does not exist"));
	unlink(path);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, -1);
	CHECK(!strstr(last_error(fd).message, "interpreter"));
	close(fd);
}

static void the_file_says_why(void)
{
	char path[] = "/tmp/procfd-file.XXXXXX";
	int file = mkstemp(path), fd = ctx();
	CHECK(file >= 0);
	close(file);
	CFG(fd, PROC_SET_EXEC, 0, path, 0);
	CREATE_FAILS(fd, EACCES, PROC_STAGE_EXEC, -1);
	CHECK(strstr(last_error(fd).message, "(the file is not executable: chmod +x)"));
	unlink(path);
	CFG(fd, PROC_SET_EXEC, 0, "/tmp", 0);
	CREATE_FAILS(fd, EACCES, PROC_STAGE_EXEC, -1);
	CHECK(strstr(last_error(fd).message, "(it is a directory)"));
	/* The same path below another root is another file. */
	CFG(fd, PROC_SET_ROOT, 0, "/", 0);
	if (geteuid() == 0) {
		CREATE_FAILS(fd, EACCES, PROC_STAGE_EXEC, -1);
		CHECK(!strstr(last_error(fd).message, "directory)"));
	}
	close(fd);
	fd = ctx();
	CFG(fd, PROC_SET_EXEC, 0, "true", 0);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, -1);
	CHECK(strstr(last_error(fd).message, "PROC_EXEC_PATH searches PATH"));
	CFG(fd, PROC_SET_EXEC, 0, "./true", 0);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, -1);
	CHECK(!strstr(last_error(fd).message, "PROC_EXEC_PATH"));
	close(fd);
}

static void too_many_processes(void)
{
	struct procfd_rlimit none = { 0, 0 };
	int fd, other;
	NEED_ROOT();
	/* The kernel compares the processes that the user has before the change. */
	other = ctx();
	set_child(other, "pause");
	CFG(other, PROC_SET_UID, 65534, NULL, 0);
	create(other);
	fd = ctx();
	CFG(fd, PROC_SET_EXEC, 0, "/bin/true", 0);
	CFG(fd, PROC_SET_RLIMIT, RLIMIT_NPROC, &none, sizeof none);
	CFG(fd, PROC_SET_UID, 65534, NULL, 0);
	CREATE_FAILS(fd, EAGAIN, PROC_STAGE_EXEC, -1);
	CHECK(strstr(last_error(fd).message, "(its user has more processes than RLIMIT_NPROC)"));
	close(fd);
	finish(other);
}

static void what_is_beyond_a_limit(void)
{
	static char word[140000];
	const char *argv[] = { "x", word, NULL };
	struct procfd_idmap map = { 0, 5, 0, 0 };
	int fd = ctx();
	memset(word, 'x', sizeof word - 1);
	CHECK_ERR(process_config(fd, PROC_SET_ARGV, 0, argv, 0), E2BIG);
	CHECK(strstr(last_error(fd).message, "131,071 bytes at most"));
	CHECK_ERR(process_config(fd, PROC_SET_CWD, 0, word, 0), ENAMETOOLONG);
	CHECK(strstr(last_error(fd).message, "more than 131,071 bytes"));
	word[5000] = 0;
	CHECK_ERR(process_config(fd, PROC_SET_CWD, 0, word, 0), ENAMETOOLONG);
	CHECK(strstr(last_error(fd).message, "there are 4095 at most"));
	CHECK_ERR(process_config(fd, PROC_SET_UID_MAP, 0, &map, sizeof map), EINVAL);
	CHECK(strstr(last_error(fd).message, "line 0 (0 5 0): a count of 0"));
	map.count = 2, map.outside = UINT32_MAX;
	CHECK_ERR(process_config(fd, PROC_SET_UID_MAP, 0, &map, sizeof map), EINVAL);
	CHECK(strstr(last_error(fd).message, "it goes beyond the last id"));
	CHECK_ERR(process_config(fd, PROC_UNSET_ENV_VAR, 0, "A=B", 0), EINVAL);
	CHECK(strstr(last_error(fd).message, "\"A=B\": a name with a \"=\" in it"));
	CHECK_ERR(process_config(fd, PROC_SET_ENV_VAR, 0, "NAME", 0), EINVAL);
	CHECK(strstr(last_error(fd).message, "\"NAME\": it is NAME=value"));
	close(fd);
}

static void record_sizes(void)
{
	struct {
		struct procfd_error e;
		unsigned char more[64];
	} big;
	int fd = ctx();
	CFG(fd, PROC_SET_EXEC, 0, "/nonexistent", 0);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, -1);
	memset(&big, 0x77, sizeof big);
	CHECK_EQ(process_info(fd, PROC_INFO_ERROR, 0, &big.e, 16), 0);
	CHECK_EQ(big.e.stage, PROC_STAGE_EXEC);
	CHECK_EQ(big.e.saved_errno, ENOENT);
	CHECK_EQ((unsigned char)big.e.message[0], 0x77);
	memset(&big, 0, sizeof big);
	CHECK_EQ(process_info(fd, PROC_INFO_ERROR, 0, &big, sizeof big), 0);
	CHECK_EQ(big.e.stage, PROC_STAGE_EXEC);
	CHECK_ERR(process_info(fd, PROC_INFO_ERROR, 0, NULL, sizeof big.e), EFAULT);
	CHECK_ERR(process_info(fd, PROC_INFO_ERROR, 0, &big.e, 2), EINVAL);
	CHECK_ERR(process_info(fd, PROC_INFO_ERROR, 1, &big.e, sizeof big.e), EINVAL);
	close(fd);
}

static void failures_of_one_do_not_touch_another(void)
{
	int a = ctx(), b = ctx();
	CFG(a, PROC_SET_EXEC, 0, "/nonexistent", 0);
	CFG(b, PROC_SET_EXEC, 0, "/etc/passwd", 0);
	CREATE_FAILS(a, ENOENT, PROC_STAGE_EXEC, -1);
	CHECK_EQ(last_error(b).stage, PROC_STAGE_NONE);
	CREATE_FAILS(b, EACCES, PROC_STAGE_EXEC, -1);
	CHECK_EQ(last_error(a).saved_errno, ENOENT);
	close(a);
	close(b);
}

#define SAYS(call, text)                                                                           \
	do {                                                                                       \
		errno = 0;                                                                         \
		CHECK_EQ((call), -1);                                                              \
		if (!strstr(procfd_error_message(), text))                                         \
			FAIL("\"%s\" does not say \"%s\"", procfd_error_message(), text);          \
	} while (0)

static void each_call_says_what_is_wrong(void)
{
	const char *argv[] = { "x", NULL };
	struct procfd_rlimit l = { 50, 100 };
	struct procfd_wait w = { 0 };
	int fd = ctx();
	SAYS(process_open(0x80), "not 0x80");
	SAYS(process_config(fd, PROC_SET_ARGV, 0, argv, sizeof argv),
	     "PROC_SET_ARGV takes size 0, not 16: the array ends with NULL");
	CHECK(strstr(last_error(fd).message, "PROC_SET_ARGV takes size 0"));
	SAYS(process_config(fd, PROC_SET_RLIMIT, RLIMIT_NOFILE, &l, 0),
	     "PROC_SET_RLIMIT takes size sizeof(struct procfd_rlimit), 16, not 0");
	SAYS(process_config(fd, PROC_SET_EXEC, 0, "/bin/true", 14), "PROC_SET_EXEC: the 14 bytes");
	SAYS(process_config(fd, PROC_SET_EXEC, 0, NULL, 0), "data is NULL");
	SAYS(process_config(fd, PROC_SIGNAL, SIGTERM, NULL, 0),
	     "PROC_SIGNAL is a command of process_manage(), not of process_config()");
	SAYS(process_manage(fd, PROC_SET_NICE, 1, NULL, 0),
	     "PROC_SET_NICE is a command of process_config(), not of process_manage()");
	SAYS(process_config(fd, PROC_SET_NICE, 99, NULL, 0), "PROC_SET_NICE: nice value 99 is not in -20 to 19");
	SAYS(process_config(fd, 0x1ff, 0, NULL, 0), "no such command");
	SAYS(process_manage(fd, PROC_WAIT, 0, &w, sizeof w), "PROC_WAIT: the process is not started yet");
	SAYS(process_manage(-1, PROC_WAIT, 0, &w, sizeof w), "PROC_WAIT: descriptor -1 is not open");
	SAYS(process_info(fd, PROC_INFO_PID, 1, NULL, 0), "PROC_INFO_PID takes arg 0, not 1");
	/* What another call has done does not show again. */
	CHECK_EQ(process_info(fd, PROC_INFO_STATE, 0, NULL, 0), PROC_STATE_CONFIGURING);
	CHECK_STR(procfd_error_message(), "");
	set_child(fd, "exit", "0");
	create(fd);
	SAYS(process_config(fd, PROC_SET_NICE, 3, NULL, 0), "is started already");
	SAYS(process_manage(fd, PROC_WAIT, 0, &w, 4), "sizeof(struct procfd_wait)");
	expect_exit(fd, 0);
	close(fd);
	fd = sys_pidfd_open(getppid());
	SAYS(process_manage(fd, PROC_SET_CLOSE, SIGTERM, NULL, 0), "is no procfd: pidfds and /proc/PID directories");
	SAYS(process_manage(fd, PROC_WAIT, PROC_WAIT_STOPPED | PROC_WAIT_NOHANG, &w, sizeof w),
	     "PROC_WAIT: the kernel reports stops and continuations to the parent only");
	close(fd);
}

static void without_proc(void *dir)
{
	int self = sys_pidfd_open(getpid());
	CHECK_EQ(chroot(dir), 0);
	SAYS(process_manage(self, PROC_KILL_TREE, 0, NULL, 0), "PROC_KILL_TREE: it needs /proc, which is not mounted");
	SAYS(process_manage(self, PROC_OOM_SCORE_ADJ, 9, NULL, 0), "it needs /proc");
	SAYS(process_info(self, PROC_INFO_EXE, 0, NULL, 0), "it needs /proc");
}

static void careless_arguments(void)
{
	static char word[3 << 20];
	const char *argv[] = { "x", word, NULL };
	struct procfd_change e[2] = { { .fd = -1, .want = PROC_CHANGE_EXIT }, { .fd = -1, .want = 0x80 } };
	struct procfd_changes c = { .entries = e, .entry_size = sizeof *e, .count = 2 };
	struct rlimit limit, few;
	int fd = ctx();
	memset(word, 'x', sizeof word - 1);
	SAYS(process_config(fd, PROC_ATTACH, (uint64_t)fd, NULL, 0), "has ended, or is not started yet");
	SAYS(process_config(fd, PROC_ATTACH, 0, NULL, 0), "it takes a pidfd, a procfd or a directory /proc/PID");
	SAYS(process_config(fd, PROC_SET_ARGV, 0, argv, 0), "PROC_SET_ARGV: one of the strings is too long");
	SAYS(process_info(-1, PROC_CHANGES, 0, &c, sizeof c), "PROC_CHANGES: entry 1: want 0x80 has bits beyond 0xf");
	c.entry_size = 12;
	SAYS(process_info(-1, PROC_CHANGES, 0, &c, sizeof c), "entry_size 12 is not that of an entry");
	c.entry_size = 8;
	SAYS(process_info(-1, PROC_CHANGES, 0, &c, sizeof c), "entry_size 8 has no place for the answer");
	c = (struct procfd_changes){ .entries = (char *)e + 1, .entry_size = sizeof *e, .count = 1 };
	SAYS(process_info(-1, PROC_CHANGES, 0, &c, sizeof c), "is not aligned to 8 bytes");
	c = (struct procfd_changes){ .entries = e, .entry_size = sizeof *e, .count = ~0ULL };
	SAYS(process_info(-1, PROC_CHANGES, 0, &c, sizeof c), "count 18446744073709551615 is too large");
	c.entries = NULL;
	SAYS(process_info(-1, PROC_CHANGES, 0, &c, sizeof c), "entries is no address, and count is 18446744073709551615");
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	few = (struct rlimit){ 0, limit.rlim_max };
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
	char text[128];
	snprintf(text, sizeof text, "process_open(): %s (RLIMIT_NOFILE is 0;", strerror(EMFILE));
	SAYS(process_open(0), text);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	close(fd);
}

static void no_proc(void)
{
	NEED_ROOT();
	char *dir = make_dir();
	in_fork(without_proc, dir);
	remove_tree(dir);
}

static void *of_another_thread(void *fd)
{
	CHECK_STR(procfd_error_message(), "");
	CHECK_EQ(process_config(*(int *)fd, 0x1fe, 0, NULL, 0), -1);
	CHECK(strstr(procfd_error_message(), "0x1fe"));
	return NULL;
}

static void each_thread_has_its_own(void)
{
	int fd = ctx();
	pthread_t thread;
	CHECK_EQ(process_config(fd, 0x1ff, 0, NULL, 0), -1);
	CHECK_EQ(pthread_create(&thread, NULL, of_another_thread, &fd), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK(strstr(procfd_error_message(), "0x1ff"));
	close(fd);
}

TAP_MAIN(CASE(each_call_says_what_is_wrong), CASE(careless_arguments), CASE(no_proc),
	 CASE(each_thread_has_its_own), CASE(each_step_is_reported), CASE(nothing_is_left), CASE(a_second_try_works),
	 CASE(no_signal_to_the_caller), CASE(arguments_are_reported_too),
	 CASE(long_operands_fit_the_message), CASE(a_missing_interpreter_is_named),
	 CASE(the_file_says_why), CASE(too_many_processes), CASE(what_is_beyond_a_limit),
	 CASE(record_sizes),
	 CASE(failures_of_one_do_not_touch_another))

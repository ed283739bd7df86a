// SPDX-License-Identifier: MIT OR Apache-2.0
/* The child's descriptors: closed by default, and the ordered list of actions. */
#include "util.h"

#include <sys/stat.h>

/* Open, and not close-on-exec: what a careless program has. */
static int leaky(void)
{
	int fd = open("/dev/null", O_RDWR);
	CHECK(fd >= 0);
	return fd;
}

static void set_open(int fd, int target, const char *path, uint64_t flags, uint64_t mode)
{
	struct procfd_open o = { .path = path, .flags = flags, .mode = mode };
	CFG(fd, PROC_FD_OPEN, (uint64_t)target, &o, sizeof o);
}

static void set_range(int fd, uint32_t first, uint32_t last)
{
	struct procfd_range r = { first, last };
	CFG(fd, PROC_FD_CLOSE_RANGE, 0, &r, sizeof r);
}

/* What the child has at descriptor n, read to its end. */
static char *content(int fd, int n)
{
	char num[16];
	snprintf(num, sizeof num, "%d", n);
	set_child(fd, "content", num);
	int r = create_with_output(fd, NULL);
	char *t = slurp(r);
	close(r);
	expect_exit(fd, 0);
	return t;
}

static int pipe_with(const char *text)
{
	struct out p = make_pipe();
	CHECK_EQ(write(p.w, text, strlen(text)), (ssize_t)strlen(text));
	close(p.w);
	return p.r;
}

static void closed_by_default(void)
{
	int held[50];
	for (int i = 0; i < 50; i++)
		held[i] = leaky();
	int fd = ctx();
	FACT_IS(facts(fd), "fds", "0 1 2");
	close(fd);
	for (int i = 0; i < 50; i++)
		close(held[i]);
}

static void closed_standard_descriptors_stay_closed(void)
{
	int fd = ctx();
	SET(fd, PROC_FD_CLOSE, 0);
	SET(fd, PROC_FD_CLOSE, 2);
	FACT_IS(facts(fd), "fds", "1");
	close(fd);
}

static void dup_to_numbers(void)
{
	int in = pipe_with("through"), fd = ctx();
	set_dup(fd, in, 0);
	set_dup(fd, 0, 200);
	set_dup(fd, in, 7);
	FACT_IS(facts(fd), "fds", "0 1 2 7 200");
	close(fd);
	fd = ctx();
	set_dup(fd, in, 9);
	CHECK_STR(content(fd, 9), "through");
	close(fd);
	close(in);
}

static void dup_takes_the_table_at_that_point(void)
{
	int a = pipe_with("a"), b = pipe_with("b"), fd = ctx();
	set_dup(fd, a, 100); /* exchange a and b */
	set_dup(fd, b, a);
	set_dup(fd, 100, b);
	set_dup(fd, b, 10);
	SET(fd, PROC_FD_CLOSE, 100);
	CHECK_STR(content(fd, 10), "a");
	close(fd);
	close(a);
	close(b);
}

static void dup_onto_itself_keeps_it(void)
{
	int in = pipe_with("same"), fd = ctx();
	set_dup(fd, in, in);
	CHECK_STR(content(fd, in), "same");
	close(fd);
	close(in);
}

static void dup_chain(void)
{
	int in = pipe_with("far"), fd = ctx();
	set_dup(fd, in, 100);
	for (int i = 100; i < 150; i++)
		set_dup(fd, i, i + 1);
	CHECK_STR(content(fd, 150), "far");
	close(fd);
	close(in);
}

static void open_for_reading_and_writing(void)
{
	char *dir = make_dir(), path[128], buf[32] = "";
	CHECK_EQ(chmod(dir, 0777), 0);
	snprintf(path, sizeof path, "%s/out", dir);
	umask(022);
	int fd = ctx();
	set_child(fd, "ready");
	set_open(fd, 1, path, O_WRONLY | O_CREAT | O_EXCL, 0640);
	set_open(fd, 0, "/dev/null", O_RDONLY, 0);
	pid_t pid = create(fd);
	int pidfd = sys_pidfd_open(pid);
	char link[PATH_MAX], proc[64];
	snprintf(proc, sizeof proc, "/proc/%d/fd/1", pid);
	ssize_t n = readlink(proc, link, sizeof link - 1);
	CHECK(n > 0);
	link[n] = 0;
	CHECK_STR(link, path);
	struct stat st;
	CHECK_EQ(stat(path, &st), 0);
	CHECK_EQ(st.st_mode & 07777, 0640);
	finish(fd);
	close(pidfd);
	fd = ctx(); /* the file is there now: O_EXCL fails, and is named */
	set_child(fd, "exit", "0");
	SET(fd, PROC_FD_NULL, 0);
	set_open(fd, 1, path, O_WRONLY | O_CREAT | O_EXCL, 0640);
	CREATE_FAILS(fd, EEXIST, PROC_STAGE_FD, 1);
	CHECK(strstr(last_error(fd).message, path));
	close(fd);
	int in = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	CHECK_EQ(write(in, "content", 7), 7);
	close(in);
	fd = ctx();
	set_open(fd, 44, path, O_RDONLY, 0);
	strcpy(buf, content(fd, 44));
	CHECK_STR(buf, "content");
	close(fd);
	remove_tree(dir);
}

static void open_is_relative_to_the_directory_at_that_point(void)
{
	char *dir = make_dir(), path[128];
	snprintf(path, sizeof path, "%s/here", dir);
	write_file(path, "found", 0644);
	int fd = ctx();
	CFG(fd, PROC_SET_CWD, 0, dir, 0);
	set_open(fd, 5, "here", O_RDONLY, 0);
	CFG(fd, PROC_SET_CWD, 0, "/", 0);
	CHECK_STR(content(fd, 5), "found");
	close(fd);
	fd = ctx(); /* the other way round, it is not there */
	set_child(fd, "exit", "0");
	CFG(fd, PROC_SET_CWD, 0, "/", 0);
	set_open(fd, 5, "here", O_RDONLY, 0);
	CFG(fd, PROC_SET_CWD, 0, dir, 0);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_FD, 1);
	close(fd);
	remove_tree(dir);
}

static void open_takes_a_copy_of_its_path(void)
{
	char path[] = "/dev/zero";
	int fd = ctx();
	set_child(fd, "pause");
	set_open(fd, 4, path, O_RDONLY, 0);
	memset(path, 'x', 5);
	create(fd);
	close(process_manage(fd, PROC_GETFD, 4, NULL, 0));
	finish(fd);
}

/* The program gets the descriptor all the same: that is what the action is for. */
static void open_with_cloexec(void)
{
	for (int target = 3; target < 60; target += 47) {
		char want[32];
		int fd = ctx();
		set_open(fd, target, "/dev/null", O_RDONLY | O_CLOEXEC, 0);
		snprintf(want, sizeof want, "0 1 2 %d", target);
		FACT_IS(facts(fd), "fds", want);
		close(fd);
	}
}

static void open_without_a_path(void)
{
	struct procfd_open o = { "/dev/null", O_RDONLY, 0 };
	int fd = ctx();
	o.path = NULL;
	o.flags = O_RDONLY;
	CHECK_ERR(process_config(fd, PROC_FD_OPEN, 0, &o, sizeof o), EFAULT);
	CHECK_ERR(process_config(fd, PROC_FD_OPEN, 0, NULL, 0), EFAULT);
	close(fd);
}

static void close_of_a_closed_one_is_no_error(void)
{
	int fd = ctx();
	SET(fd, PROC_FD_CLOSE, 999);
	SET(fd, PROC_FD_CLOSE, 0);
	SET(fd, PROC_FD_CLOSE, 0);
	FACT_IS(facts(fd), "fds", "1 2");
	close(fd);
}

static void dup_of_a_closed_one_fails(void)
{
	int in = leaky(), fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_FD_NULL, 5);
	SET(fd, PROC_FD_CLOSE, in);
	set_dup(fd, in, 6);
	SET(fd, PROC_FD_NULL, 7);
	CREATE_FAILS(fd, EBADF, PROC_STAGE_FD, 2);
	close(fd);
	close(in);
}

static void null_reads_and_writes(void)
{
	int fd = ctx();
	SET(fd, PROC_FD_NULL, 5);
	CHECK_STR(content(fd, 5), "");
	close(fd);
	fd = ctx();
	SET(fd, PROC_FD_NULL, 0);
	SET(fd, PROC_FD_NULL, 60);
	set_child(fd, "pause");
	create(fd);
	int got = process_manage(fd, PROC_GETFD, 60, NULL, 0);
	struct stat a, b;
	CHECK(got >= 0);
	CHECK_EQ(fstat(got, &a), 0);
	CHECK_EQ(stat("/dev/null", &b), 0);
	CHECK_EQ(a.st_rdev, b.st_rdev);
	CHECK_EQ(fcntl(got, F_GETFL) & O_ACCMODE, O_RDWR);
	close(got);
	finish(fd);
}

static void ranges(void)
{
	int fd = ctx();
	struct out o = set_output(fd);
	for (int i = 10; i < 20; i++)
		SET(fd, PROC_FD_NULL, i);
	set_range(fd, 12, 17);
	SET(fd, PROC_FD_NULL, 15);
	set_range(fd, 19, UINT32_MAX);
	FACT_IS(facts_into(fd, o), "fds", "0 1 2 10 11 15 18");
	close(fd);
	fd = ctx();
	set_range(fd, 0, UINT32_MAX);
	set_child(fd, "exit", "3");
	create(fd);
	expect_exit(fd, 3);
	close(fd);
	fd = ctx();
	struct procfd_range bad = { 5, 4 };
	CHECK_ERR(process_config(fd, PROC_FD_CLOSE_RANGE, 0, &bad, sizeof bad), EINVAL);
	CHECK_ERR(process_config(fd, PROC_FD_CLOSE_RANGE, 0, NULL, 0), EFAULT);
	close(fd);
}

static void inherit_by_number(void)
{
	int keep = leaky(), other = leaky(), cloexec = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	char want[64];
	int fd = ctx();
	SET(fd, PROC_FD_INHERIT, keep);
	SET(fd, PROC_FD_INHERIT, cloexec);
	snprintf(want, sizeof want, "0 1 2 %d %d", keep, cloexec);
	FACT_IS(facts(fd), "fds", want);
	CHECK_EQ(fcntl(cloexec, F_GETFD), FD_CLOEXEC); /* the caller's own is as it was */
	close(fd);
	fd = ctx();
	close(other); /* after the library has opened its own */
	set_child(fd, "exit", "0");
	SET(fd, PROC_FD_NULL, 30);
	SET(fd, PROC_FD_INHERIT, other);
	CREATE_FAILS(fd, EBADF, PROC_STAGE_FD, 1);
	close(fd);
	close(keep);
	close(cloexec);
}

static void inherit_all(void)
{
	int a = leaky(), b = open("/dev/zero", O_RDONLY | O_CLOEXEC), c = leaky(), d = leaky();
	char want[64];
	int fd = ctx();
	SET(fd, PROC_FD_INHERIT_ALL, 1);
	SET(fd, PROC_FD_CLOSE, d);
	SET(fd, PROC_SET_CLOSE, SIGKILL); /* none of the library's own goes along */
	snprintf(want, sizeof want, "0 1 2 %d %d", a, c);
	FACT_IS(facts(fd), "fds", want);
	close(fd);
	fd = ctx();
	SET(fd, PROC_FD_INHERIT_ALL, 1);
	SET(fd, PROC_FD_INHERIT_ALL, 0);
	SET(fd, PROC_FD_INHERIT, b);
	snprintf(want, sizeof want, "0 1 2 %d", b);
	FACT_IS(facts(fd), "fds", want);
	close(fd);
	fd = ctx();
	CHECK_ERR(process_config(fd, PROC_FD_INHERIT_ALL, 2, NULL, 0), EINVAL);
	close(fd);
	close(a);
	close(b);
	close(c);
	close(d);
}

static void many_open_descriptors(void)
{
	struct rlimit l;
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &l), 0);
	int limit = l.rlim_max < 8000 ? (int)l.rlim_max : 8000;
	struct rlimit mine = { (rlim_t)limit, l.rlim_max };
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &mine), 0);
	int held[8000], n = 0, last = limit - 20;
	int fd = ctx(), in = pipe_with("top");
	while (n < 8000 && (held[n] = open("/dev/null", O_RDONLY)) >= 0 && held[n] < last)
		n++;
	CHECK(n > 200);
	set_dup(fd, in, limit - 1);
	set_dup(fd, held[n - 1], 3);
	CHECK_STR(content(fd, limit - 1), "top");
	close(fd);
	fd = ctx();
	SET(fd, PROC_FD_INHERIT, held[n - 1]);
	char want[32];
	snprintf(want, sizeof want, "0 1 2 %d", held[n - 1]);
	FACT_IS(facts(fd), "fds", want);
	close(fd);
	for (int i = 0; i <= n && held[i] >= 0; i++)
		close(held[i]);
	close(in);
}

static void target_beyond_the_limit(void)
{
	struct rlimit l;
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &l), 0);
	int fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_FD_NULL, 20);
	set_dup(fd, 0, (int)l.rlim_cur);
	CREATE_FAILS(fd, EBADF, PROC_STAGE_FD, 1);
	close(fd);
}

static void directory_and_descriptor_actions_share_one_list(void)
{
	int closed = leaky(), dir = open("/usr", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(closed);
	int fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_FD_NULL, 10);		     /* 0 */
	CFG(fd, PROC_SET_CWD, 0, "/", 0);	     /* 1 */
	SET(fd, PROC_SET_CWD_FD, dir);		     /* 2 */
	set_dup(fd, dir, 40);			     /* 3 */
	SET(fd, PROC_FD_CLOSE, dir);		     /* 4 */
	SET(fd, PROC_SET_CWD_FD, dir);		     /* 5: closed by now */
	CREATE_FAILS(fd, EBADF, PROC_STAGE_CWD, 5);
	close(fd);
	fd = ctx();
	CFG(fd, PROC_SET_CWD, 0, "/", 0);
	set_dup(fd, dir, 40);
	SET(fd, PROC_SET_CWD_FD, 40); /* a number of the child's table */
	SET(fd, PROC_FD_CLOSE, 40);
	const char *t = facts(fd);
	FACT_IS(t, "cwd", "/usr");
	FACT_IS(t, "fds", "0 1 2");
	close(fd);
	fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_FD_CLOSE, 40);
	CFG(fd, PROC_SET_CWD, 0, "/nonexistent", 0);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_CWD, 1);
	CHECK(strstr(last_error(fd).message, "/nonexistent"));
	close(fd);
	close(dir);
}

/* Whatever numbers the library uses inside the child, the list may use them too. */
static void the_list_may_use_any_number(void)
{
	for (int bad = 0; bad < 2; bad++) {
		int fd = ctx();
		set_child(fd, "pause");
		SET(fd, PROC_SET_CLOSE, SIGTERM);
		for (int i = 3; i < 120; i++)
			set_dup(fd, 0, i);
		set_range(fd, 3, UINT32_MAX);
		for (int i = 3; i < 120; i++)
			SET(fd, PROC_FD_NULL, i);
		if (bad) {
			CFG(fd, PROC_SET_EXEC, 0, "/nonexistent", 0);
			CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, -1);
			close(fd);
			continue;
		}
		pid_t pid = create(fd);
		int pidfd = sys_pidfd_open(pid);
		close(fd);
		CHECK_EQ(reap_pidfd(pidfd), SIGTERM);
		close(pidfd);
	}
}

static void the_callers_table_is_untouched(void)
{
	int had[100], in = leaky(), fd = ctx();
	set_child(fd, "exit", "0");
	set_range(fd, 3, UINT32_MAX);
	for (int i = 3; i < 40; i++)
		SET(fd, PROC_FD_NULL, i);
	SET(fd, PROC_FD_CLOSE, 0);
	set_dup(fd, 5, 5);
	for (int i = 0; i < 100; i++)
		had[i] = fcntl(i, F_GETFD);
	create(fd);
	for (int i = 0; i < 100; i++)
		if (had[i] >= 0)
			CHECK_EQ(fcntl(i, F_GETFD), had[i]);
	expect_exit(fd, 0);
	close(in);
	close(fd);
}

/* A program that opens its missing streams by number does not hit the library's descriptors. */
static void the_librarys_own_are_above_the_streams(void)
{
	close(0);
	int fd = ctx();
	CHECK(fd > 2);
	set_child(fd, "exit", "0");
	create(fd);
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	CHECK(pidfd > 2);
	close(pidfd);
	CHECK_EQ(open("/dev/null", O_RDWR), 0);
	expect_exit(fd, 0);
	close(fd);
	fd = ctx();
	SET(fd, PROC_FD_INHERIT, 0);
	FACT_IS(facts(fd), "fds", "0 1 2");
	close(fd);
}

TAP_MAIN(CASE(closed_by_default), CASE(closed_standard_descriptors_stay_closed),
	 CASE(dup_to_numbers), CASE(dup_takes_the_table_at_that_point),
	 CASE(dup_onto_itself_keeps_it), CASE(dup_chain), CASE(open_for_reading_and_writing),
	 CASE(open_is_relative_to_the_directory_at_that_point), CASE(open_takes_a_copy_of_its_path),
	 CASE(open_with_cloexec), CASE(open_without_a_path), CASE(close_of_a_closed_one_is_no_error),
	 CASE(dup_of_a_closed_one_fails), CASE(null_reads_and_writes), CASE(ranges),
	 CASE(inherit_by_number), CASE(inherit_all), CASE(many_open_descriptors),
	 CASE(target_beyond_the_limit), CASE(directory_and_descriptor_actions_share_one_list),
	 CASE(the_list_may_use_any_number), CASE(the_callers_table_is_untouched),
	 CASE(the_librarys_own_are_above_the_streams))

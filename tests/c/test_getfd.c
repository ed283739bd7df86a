// SPDX-License-Identifier: MIT OR Apache-2.0
/* PROC_GETFD: a descriptor of the process, duplicated into the caller. */
#include "util.h"

#include <sys/stat.h>

static int with_pipe(struct out *p)
{
	*p = make_pipe();
	int fd = ctx();
	set_child(fd, "pause");
	set_dup(fd, p->r, 50);
	create(fd);
	return fd;
}

static void the_same_file(void)
{
	struct out p;
	int fd = with_pipe(&p);
	int got = process_manage(fd, PROC_GETFD, 50, NULL, 0);
	CHECK(got >= 0);
	CHECK_EQ(fcntl(got, F_GETFD), FD_CLOEXEC);
	struct stat a, b;
	CHECK_EQ(fstat(got, &a), 0);
	CHECK_EQ(fstat(p.r, &b), 0);
	CHECK_EQ(a.st_ino, b.st_ino);
	CHECK_EQ(write(p.w, "y", 1), 1);
	char c = 0;
	CHECK_EQ(read(got, &c, 1), 1);
	CHECK_EQ(c, 'y');
	close(got);
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	got = process_manage(pidfd, PROC_GETFD, 0, NULL, 0);
	CHECK(got >= 0);
	close(got);
	close(pidfd);
	close(p.r);
	close(p.w);
	finish(fd);
}

static void numbers_that_are_not_open(void)
{
	struct out p;
	int fd = with_pipe(&p);
	CHECK_ERR(process_manage(fd, PROC_GETFD, 51, NULL, 0), EBADF);
	CHECK_ERR(process_manage(fd, PROC_GETFD, INT_MAX, NULL, 0), EBADF);
	uint64_t bad[] = { 1ULL << 31, 1ULL << 32, (uint64_t)-1, (1ULL << 32) + 50 };
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(process_manage(fd, PROC_GETFD, bad[i], NULL, 0), -1);
		CHECK(errno == EBADF || errno == EINVAL);
	}
	close(p.r);
	close(p.w);
	finish(fd);
}

static void after_the_end(void)
{
	int fd = ctx();
	set_child(fd, "exit", "0");
	create(fd);
	expect_exit(fd, 0);
	CHECK_ERR(process_manage(fd, PROC_GETFD, 0, NULL, 0), ESRCH);
	close(fd);
}

static void without_permission(void)
{
	become_nobody();
	int pidfd = sys_pidfd_open(1);
	CHECK_ERR(process_manage(pidfd, PROC_GETFD, 0, NULL, 0), EPERM);
	close(pidfd);
}

static void at_the_descriptor_limit(void)
{
	struct out p;
	struct rlimit l, low;
	int fd = with_pipe(&p);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &l), 0);
	low = l;
	int top = dup(0);
	close(top);
	low.rlim_cur = (rlim_t)top;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
	for (int i = 0; i < 3; i++)
		CHECK_ERR(process_manage(fd, PROC_GETFD, 50, NULL, 0), EMFILE);
	/* Neither is there room to peek the pidfd, and nothing is lost by it. */
	CHECK_ERR(process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0), EMFILE);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &l), 0);
	int got = process_manage(fd, PROC_GETFD, 50, NULL, 0);
	CHECK(got >= 0);
	close(got);
	close(p.r);
	close(p.w);
	finish(fd);
}

TAP_MAIN(CASE(the_same_file), CASE(numbers_that_are_not_open), CASE(after_the_end),
	 CASE(without_permission), CASE(at_the_descriptor_limit))

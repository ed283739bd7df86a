// SPDX-License-Identifier: MIT OR Apache-2.0
/* The cgroup that a process starts in. */
#include "cgroup.h"
#include "filter.h"

#include <sys/mount.h>
#include <sys/wait.h>

/* Whether the text of /proc/PID/cgroup is of a process in the group. */
static void check_in_group(const char *text)
{
	char want[400];
	snprintf(want, sizeof want, "0::%s%s\n", own, strrchr(group, '/'));
	if (!strstr(text, want))
		FAIL("\"%s\" has no \"%s\"", text, want);
}

static void starts_in_group(int fd)
{
	set_program(fd, "/bin/cat", "/proc/self/cgroup", (char *)NULL);
	int output = create_with_output(fd, NULL);
	check_in_group(slurp(output));
	close(output);
	expect_exit(fd, 0);
	close(fd);
}

static void by_path(void)
{
	char path[400];
	make_group();
	/* As /proc/PID/cgroup has it, below the own one, and of the file system. */
	for (int i = 0; i < 3; i++) {
		int fd = ctx();
		if (i == 0)
			snprintf(path, sizeof path, "%s%s", own, strrchr(group, '/'));
		else
			snprintf(path, sizeof path, "%s", i == 1 ? strrchr(group, '/') + 1 : group);
		CFG(fd, PROC_SET_CGROUP, 0, path, 0);
		starts_in_group(fd);
	}
	drop_group();
}

static int by_descriptor(void)
{
	int cg = open(group, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = ctx();
	CHECK(cg >= 0);
	SET(fd, PROC_SET_CGROUP_FD, cg);
	starts_in_group(fd);
	close(cg);
	return 0;
}

static void by_the_clone(void)
{
	make_group();
	by_descriptor();
	drop_group();
}

static void filtered(void *arg)
{
	refuse(SYS_clone3, *(int *)arg);
	by_descriptor();
}

/* Where clone3 is refused, or is of 5.3 to 5.6, the child moves itself. */
static void without_clone3(void)
{
	static int errnos[] = { ENOSYS, EPERM, E2BIG };
	make_group();
	for (int i = 0; i < 3; i++)
		in_fork(filtered, &errnos[i]);
	drop_group();
}

/* With a fork. */
static void a_fork(void)
{
	make_group();
	int cg = open(group, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = ctx(), fds[2];
	CHECK(cg >= 0 && !pipe(fds));
	SET(fd, PROC_SET_CGROUP_FD, cg);
	int pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	CHECK(pid >= 0);
	if (pid == 0) {
		char text[1024];
		int f = open("/proc/self/cgroup", O_RDONLY);
		ssize_t n = read(f, text, sizeof text);
		_exit(n > 0 && write(fds[1], text, (size_t)n) == n ? 0 : 1);
	}
	close(fds[1]);
	check_in_group(slurp(fds[0]));
	close(fds[0]);
	expect_exit(fd, 0);
	close(fd);
	close(cg);
	drop_group();
}

/* The init too, where the kernel starts it there. */
static void the_built_in_init(void)
{
	NEED_ROOT();
	make_group();
	int cg = open(group, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = ctx_flags(PROCFD_NO_WATCH);
	SET(fd, PROC_SET_FLAG, CLONE_NEWPID);
	SET(fd, PROC_SET_INIT, 1);
	SET(fd, PROC_SET_CGROUP_FD, cg);
	starts_in_group(fd);
	close(cg);
	drop_group();
}

static void message_has(int fd, const char *text)
{
	struct procfd_error e = last_error(fd);
	if (!strstr(e.message, text))
		FAIL("\"%s\" has no \"%s\"", e.message, text);
}

static void no_such_cgroup(void)
{
	int fd = ctx(), dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	set_child(fd, "exit", "0");
	CHECK_ERR(process_config(fd, PROC_SET_CGROUP, 0, "", 0), ENOENT);
	CFG(fd, PROC_SET_CGROUP, 0, "/procfd/is/not/there", 0);
	errno = 0;
	CHECK_EQ(process_config(fd, PROC_CREATE, 0, NULL, 0), -1);
	CHECK(errno == ENOENT || errno == EOPNOTSUPP);
	CHECK_EQ(last_error(fd).stage, PROC_STAGE_CGROUP);
	message_has(fd, "start in the cgroup \"/procfd/is/not/there\": ");
	/* A directory of something else. */
	SET(fd, PROC_SET_CGROUP_FD, dir);
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_CGROUP, 0);
	close(dir);
	CREATE_FAILS(fd, EBADF, PROC_STAGE_CGROUP, 0);
	close(fd);
}

static void not_mine(void *arg)
{
	become_nobody();
	int fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_CGROUP_FD, *(int *)arg);
	CREATE_FAILS(fd, EACCES, PROC_STAGE_CGROUP, 0);
	message_has(fd, "cgroup.procs");
	close(fd);
}

static void of_another_user(void)
{
	NEED_ROOT();
	make_group();
	int cg = open(group, O_PATH | O_DIRECTORY | O_CLOEXEC);
	in_fork(not_mine, &cg);
	close(cg);
	drop_group();
}

TAP_MAIN(CASE(by_path), CASE(by_the_clone), CASE(without_clone3), CASE(a_fork), COLD(the_built_in_init),
	 CASE(no_such_cgroup), CASE(of_another_user))

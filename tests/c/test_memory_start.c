// SPDX-License-Identifier: MIT OR Apache-2.0
/* Starts without memory: each allocation of each kind of start fails; and a process that may have no more memory. */
#include "util.h"

#include "kid.h"
#include "memory.h"

#include <sys/mount.h>

static void start_program(uint64_t flags, int with_a_pipe)
{
	char *argv[] = { self_path, (char *)"--child", (char *)"exit", (char *)"7", NULL };
	int fd = opened(flags), pipe = -1;
	if (fd < 0)
		return;
	if (with_a_pipe && (pipe = (int)CONFIG(fd, PROC_FD_PIPE, PROC_PIPE_FROM_CHILD | 13, NULL, 0)) < 0)
		return over(fd);
	if (CONFIG(fd, PROC_SET_EXEC, 0, self_path, 0) >= 0 && CONFIG(fd, PROC_SET_ARGV, 0, argv, 0) >= 0 &&
	    creates(fd) >= 0) {
		struct procfd_wait w = { .timeout_ns = 20 * SECOND };
		if (MANAGE(fd, PROC_WAIT, 0, &w, sizeof w) >= 0)
			CHECK(w.what == PROC_EXITED && w.status == 7);
	}
	over(fd);
	if (pipe >= 0)
		close(pipe);
}

static void program(void)
{
	start_program(0, 1);
}

/* The descriptor becomes the pidfd. */
static void lean(void)
{
	start_program(PROCFD_PIDFD, 0);
}

static void found_in_path(void)
{
	int fd = opened(PROCFD_NO_WATCH);
	if (fd < 0)
		return;
	if (CONFIG(fd, PROC_SET_EXEC, PROC_EXEC_PATH, "true", 0) >= 0 &&
	    CONFIG(fd, PROC_SET_ENV_VAR, 0, "A=B", 0) >= 0)
		creates(fd);
	over(fd);
}

/* A failure of the program is ENOENT, or ENOMEM where it comes first. */
static void not_found(void)
{
	int fd = opened(PROCFD_NO_WATCH);
	if (fd < 0)
		return;
	if (CONFIG(fd, PROC_SET_EXEC, 0, "/does/not/exist", 0) >= 0) {
		long r = IN(process_config(fd, PROC_CREATE, 0, NULL, 0));
		struct procfd_error e;
		CHECK(r == -1 && (errno == ENOENT || (errno == ENOMEM && memory.failed)));
		if (!IN(process_info(fd, PROC_INFO_ERROR, 0, &e, sizeof e)))
			CHECK(e.saved_errno == ENOENT || e.saved_errno == ENOMEM);
	}
	over(fd);
}

static void fork_alone(void)
{
	int fd = opened(0);
	if (fd < 0)
		return;
	long pid = creates(fd);
	if (pid == 0)
		_exit(0);
	over(fd);
}

static int namespaces(uint64_t flags)
{
	int fd = opened(0);
	if (fd < 0)
		return -1;
	struct procfd_idmap map = { .inside = 0, .outside = geteuid(), .count = 1 };
	struct procfd_idmap group = { .inside = 0, .outside = getegid(), .count = 1 };
	if (CONFIG(fd, PROC_SET_FLAG, flags | CLONE_NEWUSER | CLONE_NEWUTS, NULL, 0) >= 0 &&
	    CONFIG(fd, PROC_SET_UID_MAP, 0, &map, sizeof map) >= 0 &&
	    CONFIG(fd, PROC_SET_GID_MAP, 0, &group, sizeof group) >= 0 &&
	    CONFIG(fd, PROC_SET_HOSTNAME, 0, "inside", 0) >= 0 && CONFIG(fd, PROC_SET_EXEC, 0, "/bin/true", 0) >= 0)
		return fd;
	over(fd);
	return -1;
}

static void mounts(void)
{
	struct procfd_mount m = { .target = "/tmp", .source = "tmpfs", .options = "size=1m,mode=700" };
	int fd = namespaces(CLONE_NEWNS);
	if (fd < 0)
		return;
	if (CONFIG(fd, PROC_MOUNT, PROC_MOUNT_FILESYSTEM, &m, sizeof m) >= 0 &&
	    CONFIG(fd, PROC_SET_PRIVATE_DEV, 1, NULL, 0) >= 0)
		creates(fd);
	over(fd);
}

static void landlock(void)
{
	struct procfd_landlock r = { .fs = 3, .net = 2 };
	uint32_t port = 80;
	int fd = opened(0);
	if (fd < 0)
		return;
	if (CONFIG(fd, PROC_SET_LANDLOCK, 0, &r, sizeof r) >= 0 && CONFIG(fd, PROC_LANDLOCK_PATH, 1, "/", 0) >= 0 &&
	    CONFIG(fd, PROC_LANDLOCK_PORT, 2, &port, sizeof port) >= 0 &&
	    CONFIG(fd, PROC_SET_NO_NEW_PRIVS, 1, NULL, 0) >= 0 &&
	    CONFIG(fd, PROC_SET_EXEC, 0, "/bin/true", 0) >= 0)
		creates(fd);
	over(fd);
}

static void built_in_init(void)
{
	int fd = namespaces(CLONE_NEWPID);
	if (fd < 0)
		return;
	if (CONFIG(fd, PROC_SET_INIT, 1, NULL, 0) >= 0 && CONFIG(fd, PROC_SET_CLOSE, SIGKILL, NULL, 0) >= 0)
		creates(fd);
	over(fd);
}

static void in_one_call(void)
{
	const char *argv[] = { "true", "a", "b", NULL };
	int pipes[3] = { -1, -1, -1 };
	struct procfd_spawn s = { .pipes = pipes, .close_signal = SIGKILL, .cwd = "/",
				  .stdio = { PROCFD_STDIO_PIPE, PROCFD_STDIO_PIPE, PROCFD_STDIO_NULL } };
	int fd = (int)MAY(procfd_spawn(argv, &s, sizeof s));
	if (fd >= 0) {
		close(pipes[0]);
		close(pipes[1]);
		over(fd);
	}
	CHECK(fd >= 0 || (pipes[0] == -1 && pipes[1] == -1));
}

static void attached(void)
{
	pid_t pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	CHECK(pid > 0);
	int fd = (int)MAY(process_open_pid(pid, 0));
	if (fd >= 0)
		close(fd);
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

static void programs(void) { each_allocation(program, 100); }
static void lean_programs(void) { each_allocation(lean, 100); }
static void programs_of_the_path(void) { each_allocation(found_in_path, 100); }
static void programs_that_are_not_there(void) { each_allocation(not_found, 100); }
static void forks(void) { each_allocation(fork_alone, 100); }
static void spawns(void) { each_allocation(in_one_call, 100); }
static void attachments(void) { each_allocation(attached, 100); }

static void new_mounts(void)
{
	NEED_UNSHARE(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWUTS);
	each_allocation(mounts, 60);
}

static void new_rulesets(void)
{
	each_allocation(landlock, 40);
}

static void new_pid_namespaces(void)
{
	NEED_UNSHARE(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWUTS);
	each_allocation(built_in_init, 60);
}

/* ---- RLIMIT_AS: malloc, and the mappings of the library, fail by themselves ---- */

static rlim_t mapped(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	CHECK(f && fscanf(f, "%ld", &pages) == 1);
	fclose(f);
	return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

/* Takes what malloc still has. */
static void use_up(void)
{
	for (size_t size = 1 << 20; size >= 16; size /= 2)
		while (malloc(size))
			;
}

/* A process with no more memory: the first use of the library, or after one. */
static void exhausted(int warm)
{
	if (warm)
		sweep();
	struct rlimit l = { mapped(), RLIM_INFINITY }, old;
	CHECK_EQ(getrlimit(RLIMIT_AS, &old), 0);
	l.rlim_max = old.rlim_max;
	CHECK_EQ(setrlimit(RLIMIT_AS, &l), 0);
	use_up();
	char *argv[] = { (char *)"true", NULL };
	int worked = 0, lacked = 0;
	for (int n = 0; n < 20; n++) {
		int fd = process_open(n % 2 ? PROCFD_NO_WATCH : 0);
		if (fd < 0) {
			CHECK_EQ(errno, ENOMEM);
			lacked++;
			continue;
		}
		int r = process_config(fd, PROC_SET_EXEC, 0, "/bin/true", 0);
		if (!r)
			r = process_config(fd, PROC_SET_ARGV, 0, argv, 0);
		if (!r)
			r = process_config(fd, PROC_CREATE, 0, NULL, 0);
		if (r < 0) {
			struct procfd_error e;
			CHECK_EQ(errno, ENOMEM);
			lacked++;
			if (!process_info(fd, PROC_INFO_ERROR, 0, &e, sizeof e) && e.stage)
				CHECK(e.saved_errno == ENOMEM && e.message[0]);
		} else {
			worked++;
			WAIT_IS(fd, PROC_EXITED, 0);
		}
		close(fd);
	}
	CHECK_EQ(setrlimit(RLIMIT_AS, &old), 0);
	diag("%s: %d starts worked, %d had no memory", warm ? "after a first use" : "first use", worked, lacked);
	int fd = ctx();
	CFG(fd, PROC_SET_EXEC, 0, "/bin/true", 0);
	create(fd);
	expect_exit(fd, 0);
	close(fd);
	if (!warm)
		CHECK(lacked > 0);
}

static void address_space(void)
{
	exhausted(1);
}

static void address_space_at_the_first_use(void)
{
	exhausted(0);
}

TAP_MAIN(CASE(programs), CASE(lean_programs), CASE(programs_of_the_path), CASE(programs_that_are_not_there), CASE(forks), CASE(spawns),
	 CASE(attachments), CASE(new_mounts), CASE(new_rulesets), COLD(new_pid_namespaces), CASE(address_space),
	 COLD(address_space_at_the_first_use))

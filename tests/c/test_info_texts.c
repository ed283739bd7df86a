/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* process_info: texts, and what processes that have ended or never had any say. */
#include "info.h"

#include <sched.h>
#include <sys/auxv.h>
#include <sys/mount.h>

/* ---- texts ---- */

static void texts_of_a_program(void)
{
	char *dir = make_dir(), out[PATH_MAX];
	const char *argv[] = { self_path, "--child", "ready", "", "a\nb c", NULL };
	const char *env[] = { "A=1", "B=x\ny", "EMPTY=", NULL };
	int fd = ctx();
	CFG(fd, PROC_SET_EXEC, 0, self_path, 0);
	CFG(fd, PROC_SET_ARGV, 0, argv, 0);
	CFG(fd, PROC_SET_ENV, 0, env, 0);
	CFG(fd, PROC_SET_CWD, 0, dir, 0);
	pid_t pid;
	int r = create_with_output(fd, &pid);
	read_ready(r);
	CHECK_STR(text_of(fd, PROC_INFO_EXE), self_path);
	CHECK(realpath(dir, out));
	CHECK_STR(text_of(fd, PROC_INFO_CWD), out);
	CHECK_STR(text_of(fd, PROC_INFO_ROOT), "/");

	char want[PATH_MAX + 64];
	int n = snprintf(want, sizeof want, "%s%c--child%cready%c%ca\nb c", self_path, 0, 0, 0, 0) + 1;
	CHECK_EQ(process_info(fd, PROC_INFO_ARGV, 0, big, sizeof big), n);
	CHECK(!memcmp(big, want, (size_t)n));
	n = (int)sizeof "A=1\0B=x\ny\0EMPTY=";
	CHECK_EQ(process_info(fd, PROC_INFO_ENVIRON, 0, big, sizeof big), n);
	CHECK(!memcmp(big, "A=1\0B=x\ny\0EMPTY=", (size_t)n));
	close(r);
	finish(fd);
	remove_tree(dir);
}

static void fills_what_fits(void)
{
	struct stay s = stay(NULL, NULL);
	int n = process_info(s.fd, PROC_INFO_EXE, 0, NULL, 0);
	CHECK_EQ(n, (int)strlen(self_path));
	for (size_t size = 0; size <= (size_t)n + 2; size++) {
		memset(big, 'x', (size_t)n + 8);
		CHECK_EQ(process_info(s.fd, PROC_INFO_EXE, 0, big, size), n);
		size_t filled = size < (size_t)n ? size : (size_t)n;
		CHECK(!memcmp(big, self_path, filled));
		CHECK_EQ(big[filled], size > (size_t)n ? 0 : 'x');
		CHECK_EQ(big[filled + 1], 'x');
	}
	stay_end(s);
}

static void an_environment_of_megabytes(void)
{
	static char value[100000];
	memset(value, 'v', sizeof value - 1);
	memcpy(value, "V=", 2);
	const char *env[] = { value, value, value, value, value, value, "END=1", NULL };
	int fd = ctx();
	set_child(fd, "pause");
	CFG(fd, PROC_SET_ENV, 0, env, 0);
	create(fd);
	int n = process_info(fd, PROC_INFO_ENVIRON, 0, big, sizeof big);
	CHECK_EQ(n, (int)(6 * sizeof value + sizeof "END=1"));
	for (int i = 0; i < 6; i++)
		CHECK_STR(big + (size_t)i * sizeof value, value);
	CHECK_STR(big + 6 * sizeof value, "END=1");
	/* And none at all. */
	finish(fd);
	fd = ctx();
	const char *none[] = { NULL };
	set_child(fd, "pause");
	CFG(fd, PROC_SET_ENV, 0, none, 0);
	create(fd);
	CHECK_EQ(process_info(fd, PROC_INFO_ENVIRON, 0, big, sizeof big), 0);
	finish(fd);
}

static void go_to(void *dir)
{
	CHECK_EQ(mkdir(dir, 0700), 0);
	CHECK_EQ(chdir(dir), 0);
}

static void odd_paths(void)
{
	char *dir = make_dir(), odd[PATH_MAX], real[PATH_MAX], gone[PATH_MAX + 16], copy[PATH_MAX];
	snprintf(odd, sizeof odd, "%s/a b\n(c) \\ \xff", dir);
	struct stay s = stay(go_to, odd);
	CHECK(realpath(odd, real));
	CHECK_STR(text_of(s.fd, PROC_INFO_CWD), real);
	CHECK_EQ(rmdir(odd), 0);
	snprintf(gone, sizeof gone, "%s (deleted)", real);
	CHECK_STR(text_of(s.fd, PROC_INFO_CWD), gone);
	stay_end(s);

	snprintf(copy, sizeof copy, "%s/program", dir);
	char command[3 * PATH_MAX];
	snprintf(command, sizeof command, "cp '%s' '%s'", self_path, copy);
	CHECK_EQ(system(command), 0);
	int fd = ctx();
	set_program(fd, copy, "--child", "pause", (char *)NULL);
	create(fd);
	CHECK_EQ(unlink(copy), 0);
	CHECK(strstr(text_of(fd, PROC_INFO_EXE), "/program (deleted)"));
	finish(fd);
	remove_tree(dir);
}

/*
 * execve(2) ends the sleep of vfork(2) some instants before the task has its new memory. A creator that the kernel
 * prefers to its child, on one processor, sees the memory of before.
 */
static void prefer_the_creator(void)
{
	cpu_set_t all, one;
	CPU_ZERO(&one);
	CHECK_EQ(sched_getaffinity(0, sizeof all, &all), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE && !CPU_COUNT(&one); cpu++)
		if (CPU_ISSET(cpu, &all))
			CPU_SET(cpu, &one);
	CHECK_EQ(sched_setaffinity(0, sizeof one, &one), 0);
	struct sched_param first = { .sched_priority = 1 };
	/* Without the privilege the scheduler decides. */
	(void)!sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first);
}

static void started_with(uint64_t flags, uint64_t session, const char *copy)
{
	static const char environment[] = "RIGHT=after";
	const char *argv[] = { copy, "--child", "pause", NULL }, *env[] = { environment, NULL };
	char args[PATH_MAX + 64];
	int n = snprintf(args, sizeof args, "%s%c--child%cpause", copy, 0, 0) + 1, fd = ctx_flags(flags);
	CFG(fd, PROC_SET_EXEC, 0, copy, 0);
	CFG(fd, PROC_SET_ARGV, 0, argv, 0);
	CFG(fd, PROC_SET_ENV, 0, env, 0);
	SET(fd, PROC_SET_SESSION, session);
	create(fd);
	CHECK_STR(text_of(fd, PROC_INFO_EXE), copy);
	CHECK_EQ(process_info(fd, PROC_INFO_ARGV, 0, big, sizeof big), n);
	CHECK(!memcmp(big, args, (size_t)n));
	CHECK_EQ(process_info(fd, PROC_INFO_ENVIRON, 0, big, sizeof big), (int)sizeof environment);
	CHECK(!memcmp(big, environment, sizeof environment));
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0), 0);
	expect_killed(fd, SIGKILL);
	close(fd);
}

static void asked_at_once(void *copy)
{
	prefer_the_creator();
	for (int i = 0; i < 30; i++) {
		started_with(i % 2 ? PROCFD_NO_WATCH : PROCFD_PIDFD, 0, copy);
		started_with(PROCFD_NO_WATCH, 1, copy);
	}
}

static void right_after_the_start(void)
{
	char *dir = make_dir(), path[PATH_MAX], copy[PATH_MAX + 16], command[3 * PATH_MAX];
	CHECK(realpath(dir, path));
	snprintf(copy, sizeof copy, "%s/program", path);
	snprintf(command, sizeof command, "cp '%s' '%s'", self_path, copy);
	CHECK_EQ(system(command), 0);
	in_fork(asked_at_once, copy);
	remove_tree(dir);
}

static void texts_of_the_kernel(void)
{
	static char file[1 << 20];
	struct stay s = stay(NULL, NULL);
	size_t n = file_of(s.pid, "mountinfo", file, sizeof file);
	CHECK_EQ(process_info(s.fd, PROC_INFO_MOUNTS, 0, big, sizeof big), (int)n);
	CHECK(!memcmp(big, file, n));

	/* Pairs of longs, as the kernel has them for a program of its own width. */
	n = file_of(s.pid, "auxv", file, sizeof file);
	CHECK_EQ(process_info(s.fd, PROC_INFO_AUXV, 0, big, sizeof big), (int)n);
	CHECK(!memcmp(big, file, n));
	const uint64_t *pair = (const void *)big;
	while (pair[0] != AT_PAGESZ)
		pair += 2;
	CHECK_EQ(pair[1], (uint64_t)sysconf(_SC_PAGESIZE));

	file_of(s.pid, "cgroup", file, sizeof file);
	char *line = !strncmp(file, "0::", 3) ? file : strstr(file, "\n0::");
	if (line) {
		line = strchr(line, '/');
		*strchr(line, '\n') = 0;
		CHECK_STR(text_of(s.fd, PROC_INFO_CGROUP), line);
	} else {
		CHECK_ERR(process_info(s.fd, PROC_INFO_CGROUP, 0, NULL, 0), ENODATA);
	}

	char path[64], label[256] = "";
	snprintf(path, sizeof path, "/proc/%d/attr/current", s.pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t l = fd >= 0 ? read(fd, label, sizeof label - 1) : -1;
	if (fd >= 0)
		close(fd);
	if (l > 0) {
		label[strcspn(label, "\n")] = 0;
		CHECK_STR(text_of(s.fd, PROC_INFO_LABEL), label);
	} else {
		CHECK_ERR(process_info(s.fd, PROC_INFO_LABEL, 0, NULL, 0), ENODATA);
	}

	/* It sleeps in pause(2), or is on its way there. */
	int r = process_info(s.fd, PROC_INFO_SYSCALL, 0, big, sizeof big);
	if (r < 0)
		CHECK(errno == ENODATA || errno == EPERM || errno == EACCES);
	else
		CHECK(!strchr(big, '\n') && big[0]);
	r = process_info(s.fd, PROC_INFO_WCHAN, 0, big, sizeof big);
	CHECK(r > 0 || errno == ENODATA);
	r = process_info(s.fd, PROC_INFO_STACK, 0, big, sizeof big);
	if (geteuid() == 0)
		CHECK(r > 0 || errno == ENODATA || errno == EACCES);
	else
		CHECK_EQ(r, -1);
	stay_end(s);
}

/* ---- what has ended, and what never had any ---- */

static void zombies(void)
{
	static const uint32_t none[] = { PROC_INFO_EXE, PROC_INFO_CWD, PROC_INFO_ROOT, PROC_INFO_ARGV,
					 PROC_INFO_ENVIRON, PROC_INFO_AUXV, PROC_INFO_MOUNTS, PROC_INFO_MAPS,
					 PROC_INFO_FDS };
	pid_t pid = fork();
	if (pid == 0)
		_exit(3);
	int fd = sys_pidfd_open(pid);
	CHECK_ENDS(fd);
	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		int r = process_info(fd, none[i], 0, big, sizeof big), err = errno;
		if (r != -1 || err != ENODATA)
			FAIL("0x%x: %d, errno %d (%s)", none[i], r, err, strerror(err));
	}
	struct procfd_thread t;
	CHECK_EQ(process_info(fd, PROC_INFO_THREADS, PROC_FIELD_STATE, &t, sizeof t), 1);
	CHECK_EQ(t.state, 'Z');
	CHECK(process_info(fd, PROC_INFO_GROUPS, 0, NULL, 0) >= 0);
	CHECK_EQ(process_info(fd, PROC_INFO_CHILDREN, 0, NULL, 0), 0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	for (uint32_t cmd = PROC_INFO_EXE; cmd <= PROC_INFO_MOUNTS; cmd++)
		CHECK_ERR(process_info(fd, cmd, 0, NULL, 0), ESRCH);
	CHECK_ERR(process_info(fd, PROC_INFO_FD_PATH, 0, NULL, 0), ESRCH);
	for (uint32_t cmd = PROC_INFO_THREADS; cmd <= PROC_INFO_FDS; cmd++)
		CHECK_ERR(process_info(fd, cmd, 0, NULL, 0), ESRCH);
	CHECK_ERR(process_info(fd, PROC_INFO_NSFD, CLONE_NEWUTS, NULL, 0), ESRCH);
	close(fd);
	fd = ctx();
	CHECK_ERR(process_info(fd, PROC_INFO_EXE, 0, NULL, 0), ESRCH);
	CHECK_ERR(process_info(fd, PROC_INFO_THREADS, 0, NULL, 0), ESRCH);
	close(fd);
}

static void kernel_threads(void)
{
	char name[64] = "";
	int file = open("/proc/2/comm", O_RDONLY | O_CLOEXEC);
	if (file >= 0 && read(file, name, sizeof name - 1) < 0)
		name[0] = 0;
	if (file >= 0)
		close(file);
	if (strcmp(name, "kthreadd\n"))
		SKIP("no kernel thread in this pid namespace");
	int fd = sys_pidfd_open(2);
	CHECK(fd >= 0);
	CHECK_ERR(process_info(fd, PROC_INFO_ARGV, 0, NULL, 0), ENODATA);
	CHECK_EQ(process_info(fd, PROC_INFO_THREADS, 0, NULL, 0), 1);
	CHECK(process_info(fd, PROC_INFO_CHILDREN, 0, NULL, 0) > 0);
	if (geteuid() == 0) {
		CHECK_ERR(process_info(fd, PROC_INFO_EXE, 0, NULL, 0), ENODATA);
		CHECK_ERR(process_info(fd, PROC_INFO_MAPS, 0, NULL, 0), ENODATA);
		CHECK_ERR(process_info(fd, PROC_INFO_ENVIRON, 0, NULL, 0), ENODATA);
		CHECK_STR(text_of(fd, PROC_INFO_CWD), "/");
	} else {
		CHECK_ERR(process_info(fd, PROC_INFO_EXE, 0, NULL, 0), EACCES);
		CHECK_ERR(process_info(fd, PROC_INFO_FDS, 0, NULL, 0), EACCES);
		CHECK_ERR(process_info(fd, PROC_INFO_NSFD, CLONE_NEWUTS, NULL, 0), EACCES);
	}
	close(fd);
}

static void asks_as_nobody(void *arg)
{
	int fd = *(int *)arg;
	CHECK_EQ(setresgid(NOBODY, NOBODY, NOBODY), 0);
	CHECK_EQ(setresuid(NOBODY, NOBODY, NOBODY), 0);
	static const uint32_t closed[] = { PROC_INFO_EXE, PROC_INFO_CWD, PROC_INFO_ROOT,
					   PROC_INFO_ENVIRON, PROC_INFO_MAPS, PROC_INFO_AUXV,
					   PROC_INFO_FDS };
	for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
		CHECK_ERR(process_info(fd, closed[i], 0, big, sizeof big), EACCES);
	CHECK_ERR(process_info(fd, PROC_INFO_FD_PATH, 0, NULL, 0), EACCES);
	CHECK_ERR(process_info(fd, PROC_INFO_NSFD, CLONE_NEWNET, NULL, 0), EACCES);
	CHECK(process_info(fd, PROC_INFO_ARGV, 0, NULL, 0) > 0);
	CHECK(process_info(fd, PROC_INFO_AFFINITY, 0, NULL, 0) > 0);
	struct procfd_thread t;
	CHECK_EQ(process_info(fd, PROC_INFO_THREADS, PROC_FIELD_COMM | PROC_FIELD_IO, &t, sizeof t), 1);
	CHECK_EQ(t.mask, PROC_FIELD_COMM | PROC_FIELD_IDS);
}

static void not_for_others(void)
{
	NEED_ROOT();
	struct stay s = stay(NULL, NULL);
	in_fork(asks_as_nobody, &s.fd);
	stay_end(s);
}

static void asks_where_it_is_hidden(void *arg)
{
	int fd = *(int *)arg;
	CHECK_EQ(unshare(CLONE_NEWNS), 0);
	CHECK_EQ(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	CHECK_EQ(mount("proc", "/proc", "proc", 0, "hidepid=2"), 0);
	CHECK_EQ(setgroups(0, NULL), 0);
	CHECK_EQ(setresgid(NOBODY, NOBODY, NOBODY), 0);
	CHECK_EQ(setresuid(NOBODY, NOBODY, NOBODY), 0);
	static const uint32_t closed[] = { PROC_INFO_EXE, PROC_INFO_ARGV, PROC_INFO_CGROUP,
					   PROC_INFO_THREADS, PROC_INFO_CHILDREN, PROC_INFO_GROUPS,
					   PROC_INFO_UID_MAP, PROC_INFO_FDS };
	for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
		CHECK_ERR(process_info(fd, closed[i], 0, big, sizeof big), EACCES);
}

static void hidden(void)
{
	NEED_ROOT();
	struct stay s = stay(NULL, NULL);
	in_fork(asks_where_it_is_hidden, &s.fd);
	stay_end(s);
}

static void asks_without_proc(void *arg)
{
	int fd = *(int *)arg;
	CHECK_EQ(unshare(CLONE_NEWNS), 0);
	CHECK_EQ(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	CHECK_EQ(mount("none", "/proc", "tmpfs", 0, NULL), 0);
	for (uint32_t cmd = PROC_INFO_EXE; cmd <= PROC_INFO_FD_PATH; cmd++)
		CHECK_ERR(process_info(fd, cmd, 0, big, sizeof big), ENOENT);
	CHECK_ERR(process_info(fd, PROC_INFO_THREADS, 0, NULL, 0), ENOENT);
	CHECK_ERR(process_info(fd, PROC_INFO_CHILDREN, 0, NULL, 0), ENOENT);
	CHECK_ERR(process_info(fd, PROC_INFO_FDS, 0, NULL, 0), ENOENT);
	CHECK(process_info(fd, PROC_INFO_AFFINITY, 0, NULL, 0) > 0);
}

static void without_proc(void)
{
	NEED_ROOT();
	struct stay s = stay(NULL, NULL);
	in_fork(asks_without_proc, &s.fd);
	stay_end(s);
}

TAP_MAIN(CASE(texts_of_a_program), CASE(fills_what_fits), CASE(an_environment_of_megabytes),
	 CASE(odd_paths), CASE(right_after_the_start), CASE(texts_of_the_kernel), CASE(zombies), CASE(kernel_threads),
	 CASE(not_for_others), CASE(hidden), CASE(without_proc))

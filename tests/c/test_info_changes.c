/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* process_info: texts and lists while they change. */
#include "info.h"

#define LETTERS 20000

static char **storm_argv;

/* Executes the program again, with the other letter in all it is given. */
static void *storm_on(void *unused)
{
	static char value[LETTERS];
	(void)unused;
	memset(value, storm_argv[2][2] == 'a' ? 'b' : 'a', sizeof value - 1);
	memcpy(value, "V=", 2);
	char *next[] = { storm_argv[0], storm_argv[1], value, value, NULL }, *env[] = { value, value, NULL };
	execve(storm_argv[0], next, env);
	_exit(127);
}

#ifndef __GLIBC__
/* musl gives a constructor no arguments. */
static int own_arguments(char ***argv)
{
	static char text[1 << 20], *found[8];
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC), n = 0, len = 0;
	for (ssize_t r; len < (int)sizeof text - 1 && (r = read(fd, text + len, sizeof text - 1 - (size_t)len)) > 0;)
		len += (int)r;
	close(fd);
	for (char *at = text; at < text + len && n < 7; at += strlen(at) + 1)
		found[n++] = at;
	*argv = found;
	return n;
}
#endif

/* Started with "--storm" it executes itself over and over; with "--storm-of-threads", every second time
 * from a thread whose leader has ended or is about to. */
__attribute__((constructor)) static void storm(int argc, char **argv)
{
#ifndef __GLIBC__
	argc = own_arguments(&argv);
#endif
	if (argc < 3 || strncmp(argv[1], "--storm", 7))
		return;
	storm_argv = argv;
	if (argv[1][7] && argv[2][2] == 'a') {
		pthread_t t;
		if (pthread_create(&t, NULL, storm_on, NULL))
			_exit(127);
		syscall(SYS_exit, 0);
	}
	storm_on(NULL);
}

/* One letter throughout, of the length it was given. */
static void of_one_program(const char *p, int n)
{
	CHECK_EQ(n, 2 * LETTERS);
	CHECK(p[2] == 'a' || p[2] == 'b');
	for (int i = 0; i < n; i++)
		if (i % LETTERS > 1 && p[i] != (i % LETTERS == LETTERS - 1 ? 0 : p[2]))
			FAIL("byte %d is %c, the first %c", i, p[i], p[2]);
}

static void executes_and_executes(const char *how)
{
	static const uint32_t asked[] = { PROC_INFO_ARGV, PROC_INFO_ENVIRON, PROC_INFO_MAPS, PROC_INFO_AUXV,
					  PROC_INFO_EXE, PROC_INFO_FDS };
	int fd = ctx(), answers = 0;
	set_program(fd, self_path, how, "V=b", (char *)NULL);
	create(fd);
	for (int i = 0; i < 600; i++) {
		uint32_t cmd = asked[i % 6];
		int n = process_info(fd, cmd, 0, big, sizeof big);
		/* Each answer is of one program; or there was none in all that haste. */
		if (n < 0) {
			/* The files of a leader that has ended are root's, even if that is told too late. */
			if (errno != EACCES || geteuid() == 0)
				CHECK_EQ(errno, EAGAIN);
			continue;
		}
		int skip = (int)(strlen(self_path) + 1 + strlen(how) + 1);
		if (cmd == PROC_INFO_ARGV && n > 2 * LETTERS)
			of_one_program(big + skip, n - skip), answers++;
		else if (cmd == PROC_INFO_ENVIRON && n > LETTERS)
			of_one_program(big, n), answers++;
		else if (cmd == PROC_INFO_MAPS)
			CHECK(maps_in(big, n, NULL, NULL) > 1);
		else if (cmd == PROC_INFO_EXE)
			CHECK_STR(big, self_path);
		else if (cmd == PROC_INFO_AUXV)
			CHECK(n > 64 && n % 16 == 0);
	}
	CHECK(answers > 0);
	finish(fd);
}

static void a_process_that_executes_and_executes(void)
{
	executes_and_executes("--storm");
}

static void threads_that_execute_and_execute(void)
{
	executes_and_executes("--storm-of-threads");
}

struct reader {
	int fd;
	int answers;
};

/* Asks until the process is reaped; none of the answers is of the next one with its number. */
static void *reads(void *arg)
{
	struct reader *r = arg;
	char cwd[256];
	struct procfd_thread t[4];
	for (;;) {
		int n = process_info(r->fd, PROC_INFO_CWD, 0, cwd, sizeof cwd);
		if (n >= 0)
			CHECK_STR(cwd, "/");
		else if (errno == ESRCH)
			return NULL;
		else
			CHECK_EQ(errno, ENODATA);
		int m = process_info(r->fd, PROC_INFO_THREADS, PROC_FIELD_COMM, t, sizeof t);
		if (m > 0)
			CHECK_STR(t[0].comm, "right");
		r->answers += n >= 0 && m > 0;
	}
}

static void is_right(void *unused)
{
	(void)unused;
	prctl(PR_SET_NAME, "right");
	CHECK_EQ(chdir("/"), 0);
}

static void a_number_that_is_used_again(void)
{
	NEED_ROOT();
	int reused = 0, answers = 0;
	for (int i = 0; i < 200; i++) {
		struct stay s = stay(is_right, NULL);
		struct reader r = { s.fd, 0 };
		pthread_t t;
		CHECK_EQ(pthread_create(&t, NULL, reads, &r), 0);
		if (i % 2)
			usleep(200);
		kill(s.pid, SIGKILL);
		CHECK_EQ(waitpid(s.pid, NULL, 0), s.pid);
		/* struct clone_args: exit_signal, set_tid, set_tid_size. */
		uint64_t args[10] = { [4] = SIGCHLD, [8] = (uintptr_t)&s.pid, [9] = 1 };
		pid_t pid = (pid_t)syscall(SYS_clone3, args, sizeof args);
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			prctl(PR_SET_NAME, "wrong");
			if (chdir("/proc"))
				_exit(1);
			for (;;)
				pause();
		}
		CHECK_EQ(pthread_join(t, NULL), 0);
		answers += r.answers;
		if (pid > 0) {
			reused++;
			kill(pid, SIGKILL);
			CHECK_EQ(waitpid(pid, NULL, 0), pid);
		} else if (errno == ENOSYS || errno == EPERM) {
			close(s.fd);
			SKIP("a pid cannot be chosen here: %s", strerror(errno));
		}
		close(s.fd);
	}
	CHECK(reused > 0 && answers > 0);
}

static void *exchange(void *arg)
{
	int *fds = arg;
	for (;;)
		for (int i = 0; i < 2; i++)
			dup2(fds[i], 200);
	return NULL;
}

static void a_descriptor_that_changes(void *dir)
{
	static int fds[2];
	pthread_t t;
	char a[PATH_MAX], b[PATH_MAX];
	snprintf(a, sizeof a, "%s/a", (char *)dir);
	snprintf(b, sizeof b, "%s/b", (char *)dir);
	write_file(a, "aaaa", 0600);
	write_file(b, "bbbb", 0600);
	fds[0] = open(a, O_RDONLY);
	fds[1] = open(b, O_RDWR | O_APPEND);
	CHECK_EQ(dup2(fds[0], 200), 200);
	CHECK_EQ(pthread_create(&t, NULL, exchange, fds), 0);
}

static void descriptors_that_change(void)
{
	char *dir = make_dir();
	struct stay s = stay(a_descriptor_that_changes, dir);
	int seen = 0;
	for (int i = 0; i < 300; i++) {
		int n = process_info(s.fd, PROC_INFO_FDS, 0, big, sizeof big);
		if (n < 0) {
			CHECK_EQ(errno, EAGAIN);
			continue;
		}
		const char *path;
		const struct procfd_fd *f = fd_in(big, n, 200, &path);
		if (!f)
			continue;
		seen++;
		if (path[strlen(path) - 1] == 'a')
			CHECK_EQ(f->flags & (O_ACCMODE | O_APPEND), O_RDONLY);
		else
			CHECK_EQ(f->flags & (O_ACCMODE | O_APPEND), O_RDWR | O_APPEND);
	}
	CHECK(seen > 0);
	stay_end(s);
	remove_tree(dir);
}

TAP_MAIN(CASE(a_process_that_executes_and_executes), CASE(threads_that_execute_and_execute),
	 CASE(a_number_that_is_used_again), CASE(descriptors_that_change))

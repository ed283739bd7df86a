/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Kill on close, and the descriptor itself, where something is in the way. */
#include "util.h"

#include <sys/stat.h>

/* A creator whose child blocks before it executes: it opens a FIFO that nobody reads. */
struct blocked {
	const char *fifo;
	int inherit_all;
	int pid_pipe;
};

static void *blocked_create(void *arg)
{
	struct blocked *b = arg;
	struct procfd_open o = { .path = b->fifo, .flags = O_WRONLY };
	int fd = ctx_flags(PROCFD_NO_WATCH), high = fcntl(1, F_DUPFD, 100);
	set_child(fd, "pause");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	if (b->inherit_all)
		SET(fd, PROC_FD_INHERIT_ALL, 1);
	else
		SET(fd, PROC_FD_INHERIT, high);
	CFG(fd, PROC_FD_OPEN, 9, &o, sizeof o);
	process_config(fd, PROC_CREATE, 0, NULL, 0);
	return NULL;
}

static void blocked_creator(void *arg)
{
	struct blocked *b = arg;
	pthread_t t;
	CHECK_EQ(pthread_create(&t, NULL, blocked_create, arg), 0);
	for (;;) { /* the child appears as a child of ours, whatever thread waits for it */
		int kids[4], n = tap_children(kids, 4);
		if (n == 1) {
			char path[64], text[64] = "";
			snprintf(path, sizeof path, "/proc/%d/wchan", kids[0]);
			int f = open(path, O_RDONLY | O_CLOEXEC);
			ssize_t l = f < 0 ? 0 : read(f, text, sizeof text - 1);
			if (f >= 0)
				close(f);
			if (l > 0 && strstr(text, "wait_for_partner")) {
				CHECK_EQ(write(b->pid_pipe, &kids[0], sizeof kids[0]), sizeof kids[0]);
				child_forever();
			}
			if (l <= 1 || geteuid() != 0) { /* not to be seen: a moment will do */
				usleep(200000);
				CHECK_EQ(write(b->pid_pipe, &kids[0], sizeof kids[0]), sizeof kids[0]);
				child_forever();
			}
		}
		usleep(1000);
	}
}

static void a_child_that_blocks_before_it_executes(void)
{
	for (int all = 0; all < 2; all++) {
		char fifo[PATH_MAX], *dir = make_dir();
		struct out p = make_pipe();
		struct blocked b = { .fifo = fifo, .inherit_all = all, .pid_pipe = p.w };
		int pid = 0;
		snprintf(fifo, sizeof fifo, "%s/fifo", dir);
		CHECK_EQ(mkfifo(fifo, 0600), 0);
		pid_t creator = fork_run(blocked_creator, &b);
		CHECK(ready_within(p.r, FOREVER_MS));
		CHECK_EQ(read(p.r, &pid, sizeof pid), sizeof pid);
		int pidfd = sys_pidfd_open(pid);
		CHECK(pidfd >= 0);
		kill_and_reap(creator);
		CHECK_ENDS(pidfd);
		close(pidfd);
		close(p.r);
		close(p.w);
		remove_tree(dir);
	}
}

static void *kill_the_child(void *arg)
{
	(void)arg;
	for (int kid;; usleep(1000))
		if (tap_children(&kid, 1) == 1) {
			kill(kid, SIGKILL);
			return NULL;
		}
}

/* Somebody kills the child between clone and exec: an error, nothing left, and the context is good
 * for another try. */
static void a_blocked_child_that_is_killed(void)
{
	for (int how = 0; how < 4; how++) {
		char path[PATH_MAX], *dir = make_dir();
		struct procfd_idmap m[] = { { 0, 0, 1, 0 }, { 1, 1000, 1, 0 } };
		struct procfd_open o = { .path = path, .flags = O_WRONLY };
		int fd = ctx(), before = tap_fds(NULL, 0);
		pthread_t t;
		snprintf(path, sizeof path, "%s/fifo", dir);
		CHECK_EQ(mkfifo(path, 0600), 0);
		set_child(fd, "exit", "5");
		CFG(fd, PROC_FD_OPEN, 9, &o, sizeof o);
		if (how & 1)
			SET(fd, PROC_SET_CLOSE, SIGKILL);
		if (how & 2 && geteuid() == 0) { /* maps that the creator writes: another way of waiting */
			SET(fd, PROC_SET_FLAG, CLONE_NEWUSER);
			CFG(fd, PROC_SET_UID_MAP, 0, m, sizeof m);
			CHECK_EQ(chmod(dir, 0777), 0);
		}
		CHECK_EQ(pthread_create(&t, NULL, kill_the_child, NULL), 0);
		CREATE_FAILS(fd, ECHILD, PROC_STAGE_CHILD_DIED, -1);
		pthread_join(t, NULL);
		CHECK(strstr(last_error(fd).message, "signal 9"));
		CHECK_ERR(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
		CHECK_EQ(state(fd), PROC_STATE_CONFIGURING);
		CHECK_EQ(tap_fds(NULL, 0), before);
		CHECK_EQ(unlink(path), 0);
		write_file(path, "", 0666);
		create(fd);
		expect_exit(fd, 5);
		close(fd);
		remove_tree(dir);
	}
}

/* The first child of a process that has unshared its pid namespace is its init. */
static void unshared(void *arg)
{
	int forks = *(int *)arg;
	if (unshare(CLONE_NEWPID | (geteuid() ? CLONE_NEWUSER : 0)))
		_exit(7);
	int fd = ctx_flags(PROCFD_NO_WATCH);
	if (!forks)
		set_child(fd, "pause");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	CREATE_FAILS(fd, EOPNOTSUPP, PROC_STAGE_ARM, -1);
}

static void an_unshared_pid_namespace(void)
{
	for (int forks = 0; forks < 2; forks++) {
		pid_t pid = fork_run(unshared, &forks);
		int st;
		CHECK_EQ(waitpid(pid, &st, 0), pid);
		if (WIFEXITED(st) && WEXITSTATUS(st) == 7)
			SKIP("no pid namespaces for this user");
		CHECK_EQ(st, 0);
	}
}

/* What a holder sets on the socket is set for all of them. */
static void socket_options_of_a_holder(void)
{
	static const int options[] = { SO_PEEK_OFF, SO_PASSCRED, SO_TIMESTAMP };
	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		int fd = ctx_flags(PROCFD_NO_WATCH), value = options[i] == SO_PEEK_OFF ? 0 : 1;
		set_child(fd, "pause");
		create(fd);
		CHECK_EQ(setsockopt(fd, SOL_SOCKET, options[i], &value, sizeof value), 0);
		/* By another holder, who has nothing but the socket. */
		for (int n = 0; n < 3; n++) {
			pid_t pid = fork();
			if (pid == 0)
				_exit(state(fd) == PROC_STATE_RUNNING ? 0 : 1);
			expect_status(pid, 0);
		}
		finish(fd);
	}
}

static void after_closefrom(void *arg)
{
	(void)arg;
	int fd = ctx_flags(PROCFD_NO_WATCH);
	set_child(fd, "exit", "0");
	if (fd > 3)
		CHECK_EQ(syscall(SYS_close_range, 3, fd - 1, 0), 0);
	CHECK_EQ(syscall(SYS_close_range, fd + 1, ~0u, 0), 0);
	int s[2], null[8], ep = epoll_create1(0);
	socket_pair(s);
	for (int i = 0; i < 8; i++)
		null[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, s[0], &ev), 0);
	CHECK_EQ(write(s[1], "x", 1), 1);
	errno = 0;
	CHECK_ERR(process_config(fd, PROC_CREATE, 0, NULL, 0), EBADF);
	for (int i = 0; i < 4; i++) {
		int other = ctx_flags(PROCFD_NO_WATCH);
		set_child(other, "exit", "3");
		create(other);
		expect_exit(other, 3);
		close(other);
	}
	/* Nothing of the program's was closed, read or taken. */
	for (int i = 0; i < 8; i++)
		CHECK(fcntl(null[i], F_GETFD) >= 0);
	CHECK_EQ(epoll_wait(ep, &ev, 1, 0), 1);
	CHECK(fcntl(s[0], F_GETFD) >= 0 && fcntl(s[1], F_GETFD) >= 0);
}

static void a_program_that_closes_everything(void) { in_fork(after_closefrom, NULL); }

TAP_MAIN(CASE(a_child_that_blocks_before_it_executes), CASE(a_blocked_child_that_is_killed),
	 CASE(an_unshared_pid_namespace), CASE(socket_options_of_a_holder), CASE(a_program_that_closes_everything))

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Other processes, sockets between them, and files: included by util.h. */
#ifndef OTHERS_H
#define OTHERS_H

/* Readable within the limit: a pidfd whose process has ended, a pipe with data. */
UNUSED static int ready_within(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int r;
	while ((r = poll(&p, 1, ms)) < 0 && errno == EINTR)
		;
	return r == 1 && (p.revents & (POLLIN | POLLHUP));
}

#define CHECK_ENDS(pidfd) CHECK(ready_within(pidfd, FOREVER_MS))

/* Still alive although everything that could have ended it has happened. The moment given to a
 * wrong signal can only make a wrong library fail, never a right one. */
UNUSED static void check_alive(int pidfd)
{
	CHECK(!ready_within(pidfd, 30));
	CHECK_EQ(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0), 0);
}

/* The only child sleeps: a start is in its middle, where the child opens a fifo. */
UNUSED static void until_the_child_sleeps(void)
{
	int kid;
	UNTIL(tap_children(&kid, 1) == 1 && status_of(kid, "State")[0] == 'S');
}

/* A forked process that runs f(arg) and exits with 0. */
UNUSED static pid_t fork_run(void (*f)(void *), void *arg)
{
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		alarm(CHILD_LIFE);
		f(arg);
		_exit(0);
	}
	return pid;
}

UNUSED static void expect_status(pid_t pid, int want)
{
	int st = -1;
	pid_t r;
	while ((r = waitpid(pid, &st, 0)) < 0 && errno == EINTR)
		;
	CHECK_EQ(r, pid);
	if (st != want)
		FAIL("process %d: wait status %#x, wanted %#x", pid, st, want);
}

/* Run f(arg) in a forked process, and let its failure be the caller's. */
UNUSED static void in_fork(void (*f)(void *), void *arg)
{
	expect_status(fork_run(f, arg), 0);
}

UNUSED static void need_user_namespaces(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(unshare(CLONE_NEWUSER) ? 1 : 0);
	int st;
	CHECK_EQ(waitpid(pid, &st, 0), pid);
	if (st)
		SKIP("no user namespaces for this user");
}

UNUSED static void kill_and_reap(pid_t pid)
{
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, NULL, __WALL), pid);
}

/* Collect an ended or ending child that only its pidfd can name. */
UNUSED static int reap_pidfd(int pidfd)
{
	siginfo_t si = { 0 };
	CHECK_ENDS(pidfd);
	CHECK_EQ(waitid((idtype_t)3 /* P_PIDFD */, (id_t)pidfd, &si, WEXITED | __WALL), 0);
	return si.si_status;
}

/* A started child with a close policy; its pidfd goes to *pidfd. */
UNUSED static int armed(uint64_t sig, int *pidfd)
{
	int fd = ctx();
	set_child(fd, "pause");
	SET(fd, PROC_SET_CLOSE, sig);
	*pidfd = sys_pidfd_open(create(fd));
	CHECK(*pidfd >= 0);
	return fd;
}

UNUSED static void ends_by(int pidfd, int sig)
{
	CHECK_EQ(reap_pidfd(pidfd), sig);
	close(pidfd);
}

/* Go on as an ordinary user; nothing to do when that is what the caller is. */
UNUSED static void become_nobody(void)
{
	if (geteuid() != 0)
		return;
	CHECK_EQ(syscall(SYS_setgroups, 0, NULL), 0);
	CHECK_EQ(setresgid(NOBODY, NOBODY, NOBODY), 0);
	CHECK_EQ(setresuid(NOBODY, NOBODY, NOBODY), 0);
	CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0);
}

UNUSED static ssize_t try_send_fds(int sock, const int *fds, int n, int flags)
{
	char byte = 'f';
	struct iovec iov = { &byte, 1 };
	union {
		char buf[CMSG_SPACE(sizeof(int) * 64)];
		struct cmsghdr align;
	} u;
	memset(&u, 0, sizeof u);
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = u.buf,
			    .msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)n) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)n);
	memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)n);
	return sendmsg(sock, &m, flags | MSG_NOSIGNAL);
}

UNUSED static void send_fds(int sock, const int *fds, int n)
{
	CHECK_EQ(try_send_fds(sock, fds, n, 0), 1);
}

UNUSED static void send_fd(int sock, int fd)
{
	send_fds(sock, &fd, 1);
}

UNUSED static int recv_fd(int sock)
{
	char byte;
	int fd = -1;
	struct iovec iov = { &byte, 1 };
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} u;
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = u.buf,
			    .msg_controllen = sizeof u.buf };
	CHECK_EQ(recvmsg(sock, &m, MSG_CMSG_CLOEXEC), 1);
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	CHECK(c && c->cmsg_type == SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(c), sizeof fd);
	return fd;
}

UNUSED static void socket_pair(int s[2])
{
	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s), 0);
}

/* A fresh directory for the case; remove_tree() it at the end. From here on the case has a umask under which
 * it can use what it makes. */
UNUSED static char *make_dir(void)
{
	static char path[64];
	const char *tmp = getenv("TMPDIR");
	umask(022);
	snprintf(path, sizeof path, "%.40s/procfd-XXXXXX", tmp && strlen(tmp) < 40 ? tmp : "/tmp");
	if (!mkdtemp(path)) {
		strcpy(path, "/tmp/procfd-XXXXXX");
		CHECK(mkdtemp(path));
	}
	CHECK_EQ(chmod(path, 0755), 0);
	return path;
}

UNUSED static void remove_tree(const char *path)
{
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));) {
		char p[PATH_MAX];
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		snprintf(p, sizeof p, "%s/%.255s", path, e->d_name);
		if (unlink(p))
			remove_tree(p);
	}
	if (d)
		closedir(d);
	rmdir(path);
}

UNUSED static void write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	CHECK_EQ(fchmod(fd, mode), 0);
	close(fd);
}

#endif

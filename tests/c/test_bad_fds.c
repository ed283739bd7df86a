// SPDX-License-Identifier: MIT OR Apache-2.0
/* Wrong descriptors, forged ones, and descriptors that another thread closes under the library. */
#include "filter.h"

#include <netinet/in.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

/* No call takes it for a process, and none blocks on it or reads from it. */
static void refused(int fd)
{
	struct procfd_info i;
	struct procfd_error e;
	struct procfd_wait w = { .timeout_ns = 1 };
	CHECK_ERR(process_config(fd, PROC_SET_UMASK, 0, NULL, 0), EINVAL);
	CHECK_ERR(process_config(fd, PROC_CREATE, 0, NULL, 0), EINVAL);
	CHECK_ERR(process_manage(fd, PROC_SIGNAL, 0, NULL, 0), EINVAL);
	CHECK_ERR(process_manage(fd, PROC_SIGNAL, SIGTERM, NULL, 0), EINVAL);
	CHECK_ERR(process_manage(fd, PROC_WAIT, 0, &w, sizeof w), EINVAL);
	CHECK_ERR(process_manage(fd, PROC_WAIT, PROC_WAIT_NOHANG, NULL, 0), EINVAL);
	CHECK_ERR(process_manage(fd, PROC_GETFD, 0, NULL, 0), EINVAL);
	CHECK_ERR(process_manage(fd, PROC_SET_CLOSE, SIGKILL, NULL, 0), EINVAL);
	CHECK_ERR(process_info(fd, PROC_INFO, PROC_FIELD_IDS, &i, sizeof i), EINVAL);
	CHECK_ERR(process_info(fd, PROC_INFO_STATE, 0, NULL, 0), EINVAL);
	CHECK_ERR(process_info(fd, PROC_INFO_PID, 0, NULL, 0), EINVAL);
	CHECK_ERR(process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0), EINVAL);
	CHECK_ERR(process_info(fd, PROC_INFO_ERROR, 0, &e, sizeof e), EINVAL);
}

static void other_kinds_of_files(void)
{
	sigset_t set;
	sigemptyset(&set);
	struct out p = make_pipe();
	char *dir = make_dir(), path[128];
	snprintf(path, sizeof path, "%s/file", dir);
	write_file(path, "content", 0644);
	int fds[] = {
		open(path, O_RDWR | O_CLOEXEC),
		open("/dev/null", O_RDWR | O_CLOEXEC),
		open(dir, O_DIRECTORY | O_CLOEXEC),
		open("/proc/self/status", O_RDONLY | O_CLOEXEC),
		open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC),
		p.r, p.w,
		eventfd(1, EFD_CLOEXEC),
		epoll_create1(EPOLL_CLOEXEC),
		timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC),
		signalfd(-1, &set, SFD_CLOEXEC),
		inotify_init1(IN_CLOEXEC),
		(int)syscall(SYS_memfd_create, "m", 1u),
	};
	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
		CHECK(fds[i] >= 0);
		refused(fds[i]);
		close(fds[i]);
	}
	int path_only = open(path, O_PATH | O_CLOEXEC); /* EBADF is what most calls say to it */
	CHECK_EQ(process_info(path_only, PROC_INFO_PID, 0, NULL, 0), -1);
	CHECK(errno == EBADF || errno == EINVAL);
	CHECK_EQ(process_config(path_only, PROC_CREATE, 0, NULL, 0), -1);
	CHECK(errno == EBADF || errno == EINVAL);
	close(path_only);
	remove_tree(dir);
}

static void plain_sockets(void)
{
	int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	for (int i = 0; i < 3; i++) {
		int s[2];
		CHECK_EQ(socketpair(AF_UNIX, types[i] | SOCK_CLOEXEC, 0, s), 0);
		refused(s[0]);
		CHECK_EQ(send(s[1], "hello", 5, 0), 5);
		refused(s[0]);
		char buf[16];
		CHECK_EQ(recv(s[0], buf, sizeof buf, MSG_DONTWAIT), 5); /* and it is still there */
		close(s[1]);
		refused(s[0]);
		close(s[0]);
		int u = socket(AF_UNIX, types[i] | SOCK_CLOEXEC, 0);
		refused(u);
		close(u);
	}
	int t = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (t >= 0) {
		refused(t);
		close(t);
	}
}

static void sockets_with_descriptors_queued(void)
{
	int s[2], pidfd = sys_pidfd_open(getpid()), fds[20];
	for (int i = 0; i < 20; i++)
		fds[i] = pidfd;
	socket_pair(s);
	int before = tap_fds(NULL, 0);
	send_fd(s[1], pidfd);
	refused(s[0]);
	send_fds(s[1], fds, 20);
	refused(s[0]);
	send_fds(s[1], fds, 3);
	refused(s[0]);
	CHECK_EQ(tap_fds(NULL, 0), before); /* nothing was received for good */
	close(s[0]);
	close(s[1]);
	close(pidfd);
}

/* What a start looks like, taken from a real one; then everything but the process is right. */
static void forged_messages(void)
{
	/* The mark is a socket option; copy it from a real one, whatever it is, by value. */
	int real = ctx();
	set_child(real, "pause");
	create(real);
	unsigned char message[256];
	ssize_t n = recv(real, message, sizeof message, MSG_PEEK | MSG_DONTWAIT);
	CHECK(n > 0);
	unsigned long long mark = 0;
	socklen_t len = sizeof mark;
	if (getsockopt(real, SOL_SOCKET, SO_MAX_PACING_RATE, &mark, &len))
		mark = 0;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	for (int kind = 0; kind < 6; kind++) {
		int s[2];
		socket_pair(s);
		setsockopt(s[0], SOL_SOCKET, SO_MAX_PACING_RATE, &mark, sizeof mark);
		switch (kind) {
		case 0: /* no descriptor */
			CHECK_EQ(send(s[1], message, (size_t)n, 0), n);
			break;
		case 1: /* too short */
			CHECK_EQ(send(s[1], message, 3, 0), 3);
			break;
		case 2: /* garbage with a descriptor */
			send_fd(s[1], null);
			break;
		case 3: /* too long */
			memset(message + n, 0, sizeof message - (size_t)n);
			CHECK_EQ(send(s[1], message, sizeof message, 0), (ssize_t)sizeof message);
			break;
		case 4: /* another version */
			message[n > 8 ? 7 : 0] ^= 0x40;
			CHECK_EQ(send(s[1], message, (size_t)n, 0), n);
			message[n > 8 ? 7 : 0] ^= 0x40;
			break;
		default: { /* a descriptor that is no pidfd */
			struct iovec iov = { message, (size_t)n };
			union {
				char buf[CMSG_SPACE(sizeof(int))];
				struct cmsghdr align;
			} u = { { 0 } };
			struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = u.buf,
					    .msg_controllen = sizeof u.buf };
			struct cmsghdr *c = CMSG_FIRSTHDR(&m);
			c->cmsg_level = SOL_SOCKET;
			c->cmsg_type = SCM_RIGHTS;
			c->cmsg_len = CMSG_LEN(sizeof(int));
			memcpy(CMSG_DATA(c), &null, sizeof null);
			CHECK_EQ(sendmsg(s[1], &m, 0), n);
		}
		}
		int before = tap_fds(NULL, 0);
		CHECK_EQ(process_manage(s[0], PROC_SIGNAL, SIGTERM, NULL, 0), -1);
		CHECK_EQ(process_info(s[0], PROC_INFO_PID, 0, NULL, 0), -1);
		CHECK_EQ(process_info(s[0], PROC_INFO_PIDFD, 0, NULL, 0), -1);
		CHECK_EQ(process_manage(s[0], PROC_WAIT, PROC_WAIT_NOHANG, NULL, 0), -1);
		CHECK_EQ(process_manage(s[0], PROC_SET_CLOSE, SIGKILL, NULL, 0), -1);
		CHECK_EQ(process_config(s[0], PROC_SET_UMASK, 0, NULL, 0), -1);
		CHECK_EQ(tap_fds(NULL, 0), before);
		close(s[0]);
		close(s[1]);
	}
	close(null);
	finish(real);
}

static void pidfds_are_not_configured(void)
{
	int pidfd = sys_pidfd_open(getpid()), dir = open("/proc/self", O_DIRECTORY | O_CLOEXEC);
	struct procfd_error e;
	for (int i = 0; i < 2; i++) {
		int fd = i ? dir : pidfd;
		CHECK_ERR(process_config(fd, PROC_SET_UMASK, 0, NULL, 0), EINVAL);
		CHECK_ERR(process_config(fd, PROC_CREATE, 0, NULL, 0), EINVAL);
		CHECK_ERR(process_info(fd, PROC_INFO_ERROR, 0, &e, sizeof e), EINVAL);
		close(fd);
	}
}

/* A holder may do what it likes with its end: the others get an answer, or an error, never a hang. */
static void a_holder_reads_the_queue_empty(void)
{
	int fd = ctx(), other;
	set_child(fd, "pause");
	pid_t pid = create(fd);
	other = dup(fd);
	char buf[256];
	while (recv(other, buf, sizeof buf, MSG_DONTWAIT) > 0)
		;
	struct procfd_wait w = { .timeout_ns = 1000 };
	process_info(fd, PROC_INFO_STATE, 0, NULL, 0);
	process_info(fd, PROC_INFO_PID, 0, NULL, 0);
	process_manage(fd, PROC_SIGNAL, 0, NULL, 0);
	process_manage(fd, PROC_WAIT, 0, &w, sizeof w);
	shutdown(other, SHUT_RDWR);
	process_info(fd, PROC_INFO_STATE, 0, NULL, 0);
	process_manage(fd, PROC_WAIT, 0, &w, sizeof w);
	close(other);
	close(fd);
	kill_and_reap(pid);
}

/* ---- closed by another thread ---- */

struct storm {
	atomic_int stop;
	int low, high;
};

static void *closer(void *arg)
{
	struct storm *s = arg;
	unsigned long long r = 88172645463325252ULL;
	while (!atomic_load(&s->stop)) {
		r ^= r << 13;
		r ^= r >> 7;
		r ^= r << 17;
		close(s->low + (int)(r % (unsigned)(s->high - s->low)));
		if (r % 64 == 0)
			sched_yield();
	}
	return NULL;
}

/* One attempt under the storm. Whatever it returns, a start that failed has left no process. */
static void one_start(int how, long *good, long *bad)
{
	int fd = process_open(how & 2 ? PROCFD_NO_WATCH : 0);
	if (fd < 0)
		return;
	const char *argv[] = { self_path, "--child", "pause", NULL };
	process_config(fd, PROC_SET_EXEC, 0, self_path, 0);
	process_config(fd, PROC_SET_ARGV, 0, argv, 0);
	if (how & 1)
		process_config(fd, PROC_SET_CLOSE, SIGKILL, NULL, 0);
	process_config(fd, PROC_FD_NULL, 5, NULL, 0);
	int pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	if (pid == 0)
		_exit(0); /* the program was lost with the context's number: a fork */
	struct procfd_wait w = { .timeout_ns = 1 };
	process_manage(fd, PROC_WAIT, 0, &w, sizeof w);
	process_info(fd, PROC_INFO_PID, 0, NULL, 0);
	if (pid > 0) {
		++*good;
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	} else {
		++*bad;
	}
	close(fd);
}

static void storm_process(void *arg)
{
	int how = *(int *)arg;
	struct storm s = { .low = 3, .high = 24 };
	pthread_t t;
	long good = 0, bad = 0;
	CHECK_EQ(pthread_create(&t, NULL, closer, &s), 0);
	long long end = now_ns() + 2 * (long long)SECOND;
	while (now_ns() < end)
		one_start(how, &good, &bad);
	atomic_store(&s.stop, 1);
	pthread_join(t, NULL);
	for (int i = 3; i < 64; i++)
		close(i);
	/* What a policy reaps at the next open is not a child that was left. */
	sweep();
	pid_t left = waitpid(-1, NULL, WNOHANG | __WALL);
	if (left >= 0) {
		int kids[8], n = tap_children(kids, 8);
		for (int i = 0; i < n && i < 8; i++)
			tap_describe(kids[i], "half-started");
		diag("%ld starts, %ld failures", good, bad);
		FAIL("a child was left");
	}
	CHECK_EQ(errno, ECHILD);
	diag("%ld starts, %ld failures", good, bad);
}

static void closed_under_the_library(void)
{
	for (int how = 0; how < 4; how++)
		in_fork(storm_process, &how);
}

struct waiter {
	int fd, done;
	atomic_int tid;
	struct procfd_wait w;
};

static void *waits(void *arg)
{
	struct waiter *w = arg;
	atomic_store(&w->tid, (int)syscall(SYS_gettid));
	w->done = process_manage(w->fd, PROC_WAIT, 0, &w->w, sizeof w->w);
	return NULL;
}

static int is_polling(int tid)
{
	char path[64], text[64] = "";
	snprintf(path, sizeof path, "/proc/self/task/%d/syscall", tid);
	FILE *f = fopen(path, "re");
	if (f && !fgets(text, sizeof text, f))
		text[0] = 0;
	if (f)
		fclose(f);
	return isdigit((unsigned char)text[0]) && atoi(text) == SYS_ppoll;
}

/* While a thread waits for a process, another child's pidfd comes to the number of the library's. */
static void wait_while_it_is_taken(int fd, pid_t pid)
{
	struct waiter w = { .fd = fd, .w.timeout_ns = FOREVER_MS * 1000000ULL };
	siginfo_t info = { .si_pid = 0 };
	pthread_t t;
	int taken = 0;
	pid_t other = fork();
	if (other == 0)
		_exit(7);
	int pidfd = sys_pidfd_open(other);
	CHECK_EQ(waitid(P_PID, (id_t)other, &info, WEXITED | WNOWAIT), 0);
	CHECK_EQ(pthread_create(&t, NULL, waits, &w), 0);
	while (!is_polling(atomic_load(&w.tid)))
		usleep(1000);
	for (int n = 3; n < 64; n++)
		if (n != fd && fcntl(n, F_GETFD) >= 0 && pid_in_fdinfo(n) == pid)
			taken += dup3(pidfd, n, O_CLOEXEC) == n;
	CHECK(taken > 0);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	pthread_join(t, NULL);
	CHECK_EQ(w.done, 0);
	CHECK_EQ(w.w.what, PROC_KILLED);
	CHECK_EQ(w.w.status, SIGKILL);
	info.si_pid = 0;
	CHECK_EQ(waitid(P_PID, (id_t)other, &info, WEXITED | WNOHANG | WNOWAIT), 0);
	CHECK_EQ(info.si_pid, other);
	CHECK_EQ(waitpid(other, NULL, 0), other);
}

static void opener_waits(void *arg)
{
	(void)arg;
	int fd = ctx_flags(PROCFD_NO_WATCH);
	set_child(fd, "pause");
	pid_t pid = create(fd);
	wait_while_it_is_taken(fd, pid);
}

struct held {
	int fd;
	pid_t pid;
};

static void holder_waits(void *arg)
{
	struct held *held = arg;
	wait_while_it_is_taken(held->fd, held->pid);
}

static void taken_during_a_wait(void)
{
	in_fork(opener_waits, NULL);
	struct held held = { .fd = ctx_flags(PROCFD_NO_WATCH) };
	set_child(held.fd, "pause");
	held.pid = create(held.fd);
	in_fork(holder_waits, &held);
	expect_killed(held.fd, SIGKILL);
	close(held.fd);
}

struct taker {
	int listener, null, taken;
};

/* While the child changes its directory: another file at each end to read from. */
static void *takes_the_pipe(void *arg)
{
	struct taker *t = arg;
	struct seccomp_notif asked = { .id = 0 };
	struct stat st;
	CHECK_EQ(ioctl(t->listener, SECCOMP_IOCTL_NOTIF_RECV, &asked), 0);
	for (int n = 3; n < 64; n++)
		if (fstat(n, &st) == 0 && S_ISFIFO(st.st_mode) && (fcntl(n, F_GETFL) & O_ACCMODE) == O_RDONLY) {
			CHECK_EQ(dup3(t->null, n, O_CLOEXEC), n);
			t->taken = n;
		}
	struct seccomp_notif_resp go = { .id = asked.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };
	CHECK_EQ(ioctl(t->listener, SECCOMP_IOCTL_NOTIF_SEND, &go), 0);
	return NULL;
}

static void spawn_with_a_pipe(void *arg)
{
	(void)arg;
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_chdir, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { .len = sizeof f / sizeof *f, .filter = f };
	int pipes[3];
	const char *argv[] = { "/bin/true", NULL };
	struct procfd_spawn options = {
		.cwd = "/", .stdio = { [1] = PROCFD_STDIO_PIPE }, .flags = PROCFD_PIDFD, .pipes = pipes
	};
	struct taker taker = { .null = open("/dev/null", O_RDONLY | O_CLOEXEC) };
	struct stat null, st;
	pthread_t t;
	/* The runner's own pipes are not the library's. */
	for (int n = 3; n < 64; n++)
		if (n != taker.null)
			close(n);
	CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	taker.listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &p);
	CHECK(taker.listener >= 0);
	CHECK_EQ(pthread_create(&t, NULL, takes_the_pipe, &taker), 0);
	int fd = procfd_spawn(argv, &options, sizeof options);
	CHECK(fd >= 0);
	pthread_join(t, NULL);
	CHECK(taker.taken > 0);
	CHECK_EQ(pipes[0], -1);
	CHECK_EQ(pipes[1], -1);
	CHECK_EQ(pipes[2], -1);
	CHECK_EQ(fstat(taker.null, &null), 0);
	CHECK_EQ(fstat(taker.taken, &st), 0);
	CHECK_EQ(st.st_rdev, null.st_rdev);
	CHECK_EQ(process_manage(fd, PROC_WAIT, 0, NULL, 0), 0);
	close(fd);
}

/* A pipe of procfd_spawn whose number another thread takes is not handed out, and not closed. */
static void a_pipe_that_is_taken(void)
{
	in_fork(spawn_with_a_pipe, NULL);
}

TAP_MAIN(CASE(other_kinds_of_files), CASE(plain_sockets), CASE(sockets_with_descriptors_queued),
	 CASE(forged_messages), CASE(pidfds_are_not_configured),
	 CASE(a_holder_reads_the_queue_empty), CASE(closed_under_the_library),
	 CASE(taken_during_a_wait), CASE(a_pipe_that_is_taken))

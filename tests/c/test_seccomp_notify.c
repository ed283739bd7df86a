// SPDX-License-Identifier: MIT OR Apache-2.0
/* A seccomp program that notifies: its descriptor, and what could wait for itself. */
#include "filter.h"
#include "util.h"

#ifndef SECCOMP_FILTER_FLAG_NEW_LISTENER
#define SECCOMP_FILTER_FLAG_NEW_LISTENER 8
#endif
#define WAIT_KILLABLE_RECV 32

#define LD_NR BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define ANSWER(answer) BPF_STMT(BPF_RET | BPF_K, answer)
#define IF_NR(nr, answer) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), ANSWER(answer)
#define NOTIFIES(nr) { LD_NR, IF_NR(nr, SECCOMP_RET_USER_NOTIF), ANSWER(SECCOMP_RET_ALLOW) }

/* What mkdir(1) calls. */
#ifdef SYS_mkdir
static struct sock_filter of_mkdir[] = {
	LD_NR, IF_NR(SYS_mkdir, SECCOMP_RET_USER_NOTIF), IF_NR(SYS_mkdirat, SECCOMP_RET_USER_NOTIF),
	ANSWER(SECCOMP_RET_ALLOW),
};
#else
static struct sock_filter of_mkdir[] = NOTIFIES(SYS_mkdirat);
#endif

/* The socket on which the descriptor comes. */
static int notify(int fd, uint64_t flags)
{
	int socket = process_config(fd, PROC_SET_SECCOMP, flags | SECCOMP_FILTER_FLAG_NEW_LISTENER, of_mkdir,
				    sizeof of_mkdir);
	CHECK(socket > 2);
	CHECK_EQ(fcntl(socket, F_GETFD), FD_CLOEXEC);
	return socket;
}

/* The next descriptor; -1 if there is none. */
static int listener(int socket, int flags)
{
	char byte, room[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room };
	ssize_t n = recvmsg(socket, &m, flags | MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n == 1 ? CMSG_FIRSTHDR(&m) : NULL;
	int fd = -1;
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof fd);
	return fd;
}

/* Answers the next call with an error, and returns the caller's pid. */
static pid_t answer(int fd, int error)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	CHECK_EQ(poll(&p, 1, FOREVER_MS), 1);
	CHECK(p.revents & POLLIN);
	struct seccomp_notif got = { 0 };
	CHECK_EQ(ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &got), 0);
	struct seccomp_notif_resp r = { .id = got.id, .error = -error };
	CHECK_EQ(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r), 0);
	return (pid_t)got.pid;
}

static void sets_mkdir(int fd)
{
	SET(fd, PROC_FD_NULL, 1);
	set_program(fd, "/bin/sh", "-c", "mkdir /tmp/procfd-notify 2>&1", (char *)NULL);
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
}

/* The supervisor gives mkdir(2) an errno that the kernel does not. */
static void a_supervisor_answers(void)
{
	for (int i = 0; i < 3; i++) {
		int fd = ctx_flags(i == 1 ? PROCFD_PIDFD : 0), socket;
		if (i == 2) {
			/* Whatever the list does with numbers. */
			struct procfd_range range = { 3, 500 };
			socket = notify(fd, 0);
			for (int n = 3; n < 40; n++)
				SET(fd, PROC_FD_NULL, n);
			CFG(fd, PROC_FD_CLOSE_RANGE, 0, &range, sizeof range);
		} else {
			socket = notify(fd, 0);
		}
		sets_mkdir(fd);
		int output = create_with_output(fd, NULL);
		int l = listener(socket, 0);
		CHECK(l >= 0);
		CHECK_EQ(fcntl(l, F_GETFD), FD_CLOEXEC);
		/* One start, one descriptor. */
		CHECK_EQ(listener(socket, MSG_DONTWAIT), -1);
		CHECK(answer(l, ODD) > 0);
		/* mkdir(1) may have another C library than this program. */
		const char *said = slurp(output);
		if (!strstr(said, strerror(ODD)) && !strstr(said, "RFS specific error"))
			FAIL("no \"%s\" in \"%s\"", strerror(ODD), said);
		close(output);
		expect_exit(fd, 1);
		close(l);
		close(socket);
		close(fd);
	}
	CHECK_EQ(access("/tmp/procfd-notify", F_OK), -1);
}

/* The process has neither the descriptor nor the socket. */
static void has_none_of_it(int fd)
{
	int socket = notify(fd, 0);
	set_program(fd, "/bin/ls", "/proc/self/fd", (char *)NULL);
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	int output = create_with_output(fd, NULL);
	CHECK_STR(slurp(output), "0\n1\n2\n3\n");
	close(output);
	expect_exit(fd, 0);
	int l = listener(socket, 0);
	struct pollfd p = { .fd = l, .events = POLLIN };
	/* Its last process has ended. */
	CHECK_EQ(poll(&p, 1, FOREVER_MS), 1);
	CHECK(p.revents & POLLHUP);
	close(l);
	/* The context has let its end go. */
	CHECK_EQ(listener(socket, 0), -1);
	close(socket);
	close(fd);
}

static void the_program_has_none_of_it(void)
{
	has_none_of_it(ctx());
	has_none_of_it(ctx_flags(PROCFD_PIDFD));
	/* In a copied table, where all that is not close-on-exec is inherited. */
	int fd = ctx();
	SET(fd, PROC_FD_INHERIT_ALL, 1);
	has_none_of_it(fd);
}

/* Copies share the socket: a descriptor for each start, in their order. */
static void copies(void)
{
	int fd = ctx(), socket = notify(fd, 0);
	sets_mkdir(fd);
	int copy = process_config(fd, PROC_COPY, 0, NULL, 0);
	CHECK(copy >= 0);
	pid_t pids[2] = { create(fd), create(copy) };
	(void)pids;
	for (int i = 0; i < 2; i++) {
		int l = listener(socket, 0);
		CHECK(l >= 0);
		answer(l, EPERM);
		expect_exit(i ? copy : fd, 1);
		close(l);
	}
	close(socket);
	close(fd);
	close(copy);
}

/* As the second of three, and as another user: the later ones are set after the descriptor is sent. */
static void among_others(void)
{
	struct sock_filter no_sendmsg[] = { LD_NR, IF_NR(SYS_sendmsg, REFUSE(EPERM)), ANSWER(SECCOMP_RET_ALLOW) };
	struct sock_filter all[] = { ANSWER(SECCOMP_RET_ALLOW) };
	int fd = ctx(), killable = 1;
	CFG(fd, PROC_SET_SECCOMP, 0, all, sizeof all);
	int socket = notify(fd, WAIT_KILLABLE_RECV);
	CFG(fd, PROC_SET_SECCOMP, 0, no_sendmsg, sizeof no_sendmsg);
	if (geteuid() == 0)
		SET(fd, PROC_SET_UID, 1234);
	sets_mkdir(fd);
	errno = 0;
	if (process_config(fd, PROC_CREATE, 0, NULL, 0) < 0) {
		/* Before 5.19. */
		CHECK_EQ(errno, EINVAL);
		CHECK_EQ(last_error(fd).stage, PROC_STAGE_SECCOMP);
		CHECK_EQ(last_error(fd).index, 1);
		killable = 0;
	}
	if (killable) {
		int l = listener(socket, 0);
		CHECK(l >= 0);
		answer(l, EPERM);
		expect_exit(fd, 1);
		close(l);
	}
	close(socket);
	close(fd);
}

/* A start that fails after the descriptor was sent: it hangs up at once, and the next start has one of its own. */
static void after_a_failure(void)
{
	int fd = ctx(), socket = notify(fd, 0);
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	CFG(fd, PROC_SET_EXEC, 0, "/nonexistent", 0);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, 0);
	sets_mkdir(fd);
	create(fd);
	int stale = listener(socket, 0), l = listener(socket, 0);
	struct pollfd p = { .fd = stale, .events = POLLIN };
	CHECK(stale >= 0 && l >= 0);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK(p.revents & POLLHUP);
	answer(l, EPERM);
	expect_exit(fd, 1);
	close(stale);
	close(l);
	close(socket);
	close(fd);
}

/* What the child still calls may not wait for the supervisor. */
static void no_start_waits_for_itself(void)
{
	static const struct {
		long nr;
		const char *name;
		int fails;
	} calls[] = {
		{ SYS_sendmsg, "sendmsg", 1 }, { SYS_rt_sigprocmask, "rt_sigprocmask", 1 },
		{ SYS_execve, "execve", 1 },   { SYS_exit, "exit", 1 },   { SYS_exit_group, "exit_group", 1 },
		{ SYS_nanosleep, "nanosleep", 1 }, { SYS_execveat, "execveat", 0 },
		{ SYS_seccomp, "seccomp", 0 }, { SYS_openat, "openat", 0 },
	};
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		struct sock_filter by_number[] = NOTIFIES((uint32_t)calls[i].nr);
		/* Only with an argument that the library does not look at. */
		struct sock_filter by_argument[] = {
			LD_NR,
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[i].nr, 0, 3),
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
			IF_NR(12345, SECCOMP_RET_USER_NOTIF),
			ANSWER(SECCOMP_RET_ALLOW),
		};
		struct {
			struct sock_filter *filter;
			size_t size;
		} programs[] = { { by_number, sizeof by_number }, { by_argument, sizeof by_argument } };
		for (int k = 0; k < 2; k++) {
			char text[128];
			int fd = ctx();
			int socket = process_config(fd, PROC_SET_SECCOMP, SECCOMP_FILTER_FLAG_NEW_LISTENER,
						    programs[k].filter, programs[k].size);
			CHECK(socket >= 0);
			set_program(fd, "/nonexistent", (char *)NULL);
			SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
			if (calls[i].fails) {
				CREATE_FAILS(fd, EDEADLK, PROC_STAGE_PLAN, -1);
				snprintf(text, sizeof text, "seccomp program 0, which may notify of %s(2)", calls[i].name);
				CHECK(strstr(last_error(fd).message, text));
			} else {
				CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, 0);
			}
			close(socket);
			close(fd);
		}
	}
}

static void failures(void)
{
	int fd = ctx();
	CHECK_ERR(process_config(fd, PROC_SET_SECCOMP, SECCOMP_FILTER_FLAG_NEW_LISTENER, of_mkdir, 12), EINVAL);
	int socket = notify(fd, 0);
	CHECK_ERR(process_config(fd, PROC_SET_SECCOMP, SECCOMP_FILTER_FLAG_NEW_LISTENER, of_mkdir, sizeof of_mkdir),
		  EBUSY);
	CHECK(strstr(last_error(fd).message, "a second seccomp program that notifies, after number 0"));
	CHECK_ERR(process_config(fd, PROC_SET_SECCOMP, SECCOMP_FILTER_FLAG_NEW_LISTENER | 1, of_mkdir, sizeof of_mkdir),
		  EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_SECCOMP, WAIT_KILLABLE_RECV, of_mkdir, sizeof of_mkdir), EINVAL);
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	/* A fork. */
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_PLAN, -1);
	CHECK(strstr(last_error(fd).message, "without a program to execute"));
	/* No supervisor. */
	sets_mkdir(fd);
	close(socket);
	CREATE_FAILS(fd, EPIPE, PROC_STAGE_SECCOMP, 0);
	CHECK(strstr(last_error(fd).message, "socket"));
	/* None, after it is dropped. */
	CFG(fd, PROC_SET_SECCOMP, 0, NULL, 0);
	set_child(fd, "exit", "0");
	create(fd);
	expect_exit(fd, 0);
	close(fd);
	/* A program before it that refuses the hand-over. */
	struct sock_filter no_sendmsg[] = { LD_NR, IF_NR(SYS_sendmsg, REFUSE(ODD)), ANSWER(SECCOMP_RET_ALLOW) };
	fd = ctx();
	CFG(fd, PROC_SET_SECCOMP, 0, no_sendmsg, sizeof no_sendmsg);
	socket = notify(fd, 0);
	sets_mkdir(fd);
	CREATE_FAILS(fd, ODD, PROC_STAGE_SECCOMP, 1);
	close(socket);
	close(fd);
}

/* Another thread forks and executes all the time: no child of it has the descriptor or the socket. */
static atomic_int stop;
static atomic_int leaks;

static void *forks(void *unused)
{
	while (!atomic_load(&stop)) {
		pid_t pid = fork();
		if (pid == 0) {
			/* Not "seccomp" alone: the output may be a file whose name has it. */
			const char *look = "ls -l /proc/self/fd | grep -q anon_inode:seccomp && exit 9; exit 0";
			execl("/bin/sh", "sh", "-c", look, (char *)NULL);
			_exit(127);
		}
		int status;
		if (pid > 0 && waitpid(pid, &status, 0) == pid && status)
			atomic_fetch_add(&leaks, 1);
	}
	return unused;
}

static void beside_forks(void)
{
	pthread_t t;
	atomic_store(&stop, 0);
	CHECK_EQ(pthread_create(&t, NULL, forks, NULL), 0);
	for (int i = 0; i < 20; i++) {
		int fd = ctx_flags(PROCFD_PIDFD), socket = notify(fd, 0);
		set_child(fd, "exit", "0");
		SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
		create(fd);
		int l = listener(socket, 0);
		CHECK(l >= 0);
		expect_exit(fd, 0);
		close(l);
		close(socket);
		close(fd);
	}
	atomic_store(&stop, 1);
	pthread_join(t, NULL);
	CHECK_EQ(atomic_load(&leaks), 0);
}

TAP_MAIN(CASE(a_supervisor_answers), CASE(the_program_has_none_of_it), CASE(copies), CASE(among_others),
	 CASE(after_a_failure), CASE(no_start_waits_for_itself), CASE(failures), CASE(beside_forks))

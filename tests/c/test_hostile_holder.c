/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a holder of another user can do to a received procfd by the socket's own means, and what it cannot. The
 * documents say the same: who holds a procfd with a close policy has power over the process (procfd(7)). */
#include "util.h"

#include <linux/filter.h>
#include <sys/ioctl.h>

enum { SO_AS_PROCFD = 47 /* SO_MAX_PACING_RATE */ };

/* The armed peer, out of the start message. */
static int peeked_peer(int fd)
{
	char header[16];
	struct iovec iov = { header, sizeof header };
	union {
		char buf[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} u;
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = u.buf, .msg_controllen = sizeof u.buf };
	CHECK_EQ(recvmsg(fd, &m, MSG_PEEK | MSG_DONTWAIT), (ssize_t)sizeof header);
	int fds[2];
	CHECK(CMSG_FIRSTHDR(&m) && CMSG_FIRSTHDR(&m)->cmsg_len == CMSG_LEN(sizeof fds));
	memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fds);
	close(fds[0]);
	return fds[1];
}

static void takes_the_message(int fd)
{
	char c;
	CHECK_EQ(recv(fd, &c, 1, MSG_DONTWAIT), 1);
}

static void takes_all(int fd)
{
	char c[64];
	while (recv(fd, c, sizeof c, MSG_DONTWAIT | MSG_TRUNC) > 0)
		;
}

static void changes_the_signal(int fd) { CHECK_EQ(fcntl(peeked_peer(fd), F_SETSIG, SIGUSR1), 0); }

static void disarms(int fd) { CHECK_EQ(fcntl(peeked_peer(fd), F_SETFL, 0), 0); }

static void changes_the_owner(int fd)
{
	struct f_owner_ex me = { F_OWNER_PID, getpid() };
	CHECK_EQ(fcntl(peeked_peer(fd), F_SETOWN_EX, &me), 0);
}

static void shuts_reading(int fd) { CHECK_EQ(shutdown(fd, SHUT_RD), 0); }
static void shuts_writing(int fd) { CHECK_EQ(shutdown(fd, SHUT_WR), 0); }
static void shuts_both(int fd) { CHECK_EQ(shutdown(fd, SHUT_RDWR), 0); }
static void shuts_the_peer(int fd) { CHECK_EQ(shutdown(peeked_peer(fd), SHUT_RDWR), 0); }

static void attaches_a_filter(int fd)
{
	struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = { 1, &drop };
	int off = 0;
	CHECK_ERR(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog), EPERM);
	CHECK_ERR(setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &off, sizeof off), EPERM);
}

static void option(int fd, int name, int value) { CHECK_EQ(setsockopt(fd, SOL_SOCKET, name, &value, sizeof value), 0); }
static void moves_the_peek(int fd) { option(fd, SO_PEEK_OFF, 7); }
static void asks_for_credentials(int fd) { option(fd, SO_PASSCRED, 1); }
/* Kernels that do not know these have nothing to ask. */
#define PASS_PIDFD 76 /* SO_PASSPIDFD, 6.5 */
#define PASS_RIGHTS 83 /* SO_PASSRIGHTS, 6.16 */
static int try_option(int fd, int name, int value) { return setsockopt(fd, SOL_SOCKET, name, &value, sizeof value); }
static void asks_for_pidfds(int fd) { try_option(fd, PASS_PIDFD, 1); }
static void takes_no_rights(int fd) { try_option(fd, PASS_RIGHTS, 0); }
static void asks_for_times(int fd) { option(fd, SO_TIMESTAMP, 1); }
static void shrinks_buffers(int fd) { option(fd, SO_RCVBUF, 1), option(fd, SO_SNDBUF, 1); }

static void unmarks(int fd)
{
	uint64_t rate = 1;
	CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_AS_PROCFD, &rate, sizeof rate), 0);
}

static void writes(int fd) { CHECK_ERR(send(fd, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL), EPIPE); }

static void sends_it_into_its_peer(int fd)
{
	CHECK_EQ(try_send_fds(fd, &fd, 1, MSG_DONTWAIT), -1);
	CHECK_EQ(errno, EPIPE);
}

/* A socket that holds itself is garbage once it is closed: the kernel collects it at the next close of any. */
static void sends_it_into_itself(int fd) { CHECK_EQ(try_send_fds(peeked_peer(fd), &fd, 1, MSG_DONTWAIT), 1); }

static void fills_the_queue(int fd)
{
	char big[1024] = { 0 };
	int b = peeked_peer(fd);
	while (send(b, big, sizeof big, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		;
}

static void fills_and_takes(int fd)
{
	fills_the_queue(fd);
	takes_all(fd);
}

static void sets_its_own_async(int fd)
{
	CHECK_EQ(fcntl(fd, F_SETOWN, getpid()), 0);
	CHECK_EQ(fcntl(fd, F_SETFL, O_ASYNC | O_NONBLOCK), 0);
}

static void binds(int fd)
{
	struct sockaddr name = { .sa_family = AF_UNIX };
	CHECK_EQ(bind(fd, &name, sizeof name.sa_family), 0);
	CHECK_EQ(connect(fd, &name, sizeof name.sa_family), -1);
}

static void signals(int fd)
{
	int may = process_manage(fd, PROC_SIGNAL, 0, NULL, 0) == 0;
	if (may) /* the same user: a pidfd gives that too */
		return;
	CHECK_EQ(errno, EPERM);
	CHECK_ERR(process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0), EPERM);
	CHECK_ERR(process_manage(fd, PROC_SET_CLOSE, SIGUSR1, NULL, 0), EPERM);
	CHECK_ERR(process_manage(fd, PROC_SET_CLOSE, 0, NULL, 0), EPERM);
}

static void configures(int fd) { CHECK_ERR(process_config(fd, PROC_CREATE, 0, NULL, 0), EPERM); }

static void keeps_the_peer(int fd)
{
	int b = peeked_peer(fd);
	if (fork() == 0) {
		close(fd);
		alarm(1);
		for (;;)
			pause();
	}
	close(b);
}

enum effect {
	NONE,	 /* the process runs on, and ends by the policy at the last close */
	ENDS,	 /* it is signalled at once */
	OTHER,	 /* another signal comes at the last close */
	DISARMED /* it outlives the last close */
};

static const struct action {
	const char *name;
	void (*act)(int fd);
	enum effect effect;
} actions[] = {
	{ "takes the message", takes_the_message, NONE },
	{ "takes all messages", takes_all, NONE },
	{ "F_SETSIG", changes_the_signal, OTHER },
	{ "F_SETFL 0", disarms, DISARMED },
	{ "F_SETOWN_EX", changes_the_owner, DISARMED },
	{ "SHUT_RD", shuts_reading, NONE },
	{ "SHUT_WR", shuts_writing, ENDS },
	{ "SHUT_RDWR", shuts_both, ENDS },
	{ "SHUT_RDWR of the peer", shuts_the_peer, NONE },
	{ "a filter", attaches_a_filter, NONE },
	{ "SO_PEEK_OFF", moves_the_peek, NONE },
	{ "SO_PASSCRED", asks_for_credentials, NONE },
	{ "SO_PASSPIDFD", asks_for_pidfds, NONE },
	{ "SO_PASSRIGHTS", takes_no_rights, NONE },
	{ "SO_TIMESTAMP", asks_for_times, NONE },
	{ "small buffers", shrinks_buffers, NONE },
	{ "no mark", unmarks, NONE },
	{ "writes", writes, NONE },
	{ "sends it into its peer", sends_it_into_its_peer, NONE },
	{ "sends it into itself", sends_it_into_itself, NONE },
	{ "fills the queue", fills_the_queue, NONE },
	{ "fills and empties the queue", fills_and_takes, ENDS },
	{ "O_ASYNC of its own", sets_its_own_async, NONE },
	{ "binds", binds, NONE },
	{ "signals", signals, NONE },
	{ "configures", configures, NONE },
	{ "keeps the peer", keeps_the_peer, NONE },
};

/* Another process, of another user where this one is root, receives the procfd, acts, and ends. */
static void held_by_another(int fd, void (*act)(int))
{
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		become_nobody();
		act(fd);
		_exit(0);
	}
	expect_status(pid, 0);
}

static void collect(void)
{
	int s[2];
	socket_pair(s);
	close(s[0]);
	close(s[1]);
}

static void actions_of_a_holder(void)
{
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
		const struct action *a = &actions[i];
		diag("%s", a->name);
		int fd = ctx_flags(PROCFD_NO_WATCH);
		set_child(fd, "pause");
		SET(fd, PROC_SET_CLOSE, SIGTERM);
		int pidfd = sys_pidfd_open(create(fd));
		held_by_another(fd, a->act);
		if (a->effect == ENDS) {
			CHECK_EQ(reap_pidfd(pidfd), SIGTERM);
		} else {
			check_alive(pidfd);
			/* The opener needs nothing of the queue. */
			CHECK_EQ(state(fd), PROC_STATE_RUNNING);
			sweep();
			CHECK_EQ(state(fd), PROC_STATE_RUNNING);
		}
		close(fd);
		collect();
		if (a->effect == NONE || a->effect == OTHER) {
			CHECK_EQ(reap_pidfd(pidfd), a->effect == OTHER ? SIGUSR1 : SIGTERM);
		} else if (a->effect == DISARMED) {
			check_alive(pidfd);
			CHECK_EQ(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0), 0);
			CHECK_EQ(reap_pidfd(pidfd), SIGKILL);
		}
		close(pidfd);
	}
}

/* The watcher and the built-in init do not take a shutdown for a close. */
static void shutdown_is_no_close(void)
{
	need_user_namespaces();
	for (int init = 0; init < 2; init++) {
		int fd = ctx_flags(init ? PROCFD_NO_WATCH : 0);
		SET(fd, PROC_SET_FLAG, CLONE_NEWPID | (geteuid() ? CLONE_NEWUSER : 0));
		SET(fd, PROC_SET_INIT, init);
		set_child(fd, "pause");
		SET(fd, PROC_SET_CLOSE, SIGKILL);
		int pidfd = sys_pidfd_open(create(fd));
		held_by_another(fd, shuts_both);
		check_alive(pidfd);
		CHECK_EQ(state(fd), PROC_STATE_RUNNING);
		close(fd);
		CHECK_ENDS(pidfd);
		close(pidfd);
	}
}

/* A message without a descriptor is a forgery, and not a lack of room. */
static void a_forged_message(void)
{
	int s[2];
	uint64_t mark = 0x70726f6366640001;
	char header[16] = "procfd\0\1";
	socket_pair(s);
	/* From here on a message says who sent it: the kernel gives the receiver a pidfd, in the room of the descriptor. */
	int with_pidfd = try_option(s[0], PASS_PIDFD, 1) == 0;
	if (setsockopt(s[0], SOL_SOCKET, SO_AS_PROCFD, &mark, sizeof mark))
		SKIP("no SO_MAX_PACING_RATE of 64 bits");
	CHECK_EQ(send(s[1], header, sizeof header, 0), (ssize_t)sizeof header);
	int before = tap_fds(NULL, 0);
	CHECK_ERR(process_info(s[0], PROC_INFO_STATE, 0, NULL, 0), EINVAL);
	CHECK_ERR(process_info(s[0], PROC_INFO_PIDFD, 0, NULL, 0), EINVAL);
	CHECK_EQ(tap_fds(NULL, 0), before);
	if (with_pidfd) {
		CHECK_EQ(try_option(s[0], PASS_PIDFD, 1), 0);
		CHECK_ERR(process_info(s[0], PROC_INFO_STATE, 0, NULL, 0), EINVAL);
		CHECK_EQ(tap_fds(NULL, 0), before);
	}
	close(s[0]);
	close(s[1]);
}

/* A holder has the procfd before the start: nothing can be put in flight to it, so nothing starts. */
static void no_rights_before_the_start(void)
{
	for (int watched = 0; watched < 2; watched++) {
		int fd = ctx_flags(watched ? 0 : PROCFD_NO_WATCH);
		if (try_option(fd, PASS_RIGHTS, 0))
			SKIP("no SO_PASSRIGHTS");
		set_child(fd, "pause");
		SET(fd, PROC_SET_CLOSE, SIGKILL);
		CREATE_FAILS(fd, EPERM, PROC_STAGE_PUBLISH, -1);
		CHECK_ERR(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
		CHECK_EQ(try_option(fd, PASS_RIGHTS, 1), 0);
		int pidfd = sys_pidfd_open(create(fd));
		close(fd);
		ends_by(pidfd, SIGKILL);
	}
}

/* A change of the policy opens two descriptors: with room for one it says EMFILE, and changes nothing. */
static void one_free_descriptor(void)
{
	int pidfd, fd = armed(SIGTERM, &pidfd), next = dup(0);
	struct rlimit was, few;
	close(next);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &was), 0);
	few = (struct rlimit){ (rlim_t)next + 1, was.rlim_max };
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
	CHECK_ERR(process_manage(fd, PROC_SET_CLOSE, SIGKILL, NULL, 0), EMFILE);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &was), 0);
	close(fd);
	ends_by(pidfd, SIGTERM);
}

TAP_MAIN(CASE(actions_of_a_holder), COLD(shutdown_is_no_close), CASE(a_forged_message),
	 COLD(no_rights_before_the_start), COLD(one_free_descriptor))

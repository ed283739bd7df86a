// SPDX-License-Identifier: MIT OR Apache-2.0
/* Kill on last close: who may hold the last descriptor, how it goes, and what has become of the child. */
#include "util.h"

/* ---- holders ---- */

static void the_only_descriptor(void)
{
	int pidfd, fd = armed(SIGKILL, &pidfd);
	check_alive(pidfd);
	close(fd);
	ends_by(pidfd, SIGKILL);
}

static void any_signal(void)
{
	static const int sigs[] = { SIGTERM, SIGHUP, SIGUSR1, SIGIO, 40, 64 };
	for (size_t i = 0; i < sizeof sigs / sizeof *sigs; i++) {
		char num[16];
		snprintf(num, sizeof num, "%d", sigs[i]);
		int fd = ctx();
		set_child(fd, "trap", num);
		SET(fd, PROC_SET_CLOSE, sigs[i]);
		pid_t pid;
		int r = create_with_output(fd, &pid), got = 0;
		read_ready(r);
		close(fd);
		CHECK_EQ(sscanf(read_line(r), "sig=%d", &got), 1);
		CHECK_EQ(got, sigs[i]);
		close(r);
		expect_status(pid, 0);
	}
}

static void the_last_of_several_dups(void)
{
	int pidfd, fds[5];
	fds[0] = armed(SIGKILL, &pidfd);
	for (int i = 1; i < 5; i++)
		fds[i] = fcntl(fds[i - 1], F_DUPFD_CLOEXEC, 50);
	for (int i = 0; i < 4; i++) {
		close(fds[i]);
		check_alive(pidfd);
	}
	close(fds[4]);
	ends_by(pidfd, SIGKILL);
}

static void dup_before_the_start(void)
{
	int fd = ctx(), early = dup(fd), pidfd;
	set_child(fd, "pause");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	pidfd = sys_pidfd_open(create(fd));
	close(fd);
	check_alive(pidfd);
	close(early);
	ends_by(pidfd, SIGKILL);
}

static void hold(void *arg)
{
	char c;
	int r = *(int *)arg;
	while (read(r, &c, 1) > 0)
		;
}

static void a_forked_holder_ends(void)
{
	for (int kind = 0; kind < 2; kind++) {
		struct out gate = make_pipe();
		int pidfd, fd = armed(SIGKILL, &pidfd);
		pid_t holder = fork();
		if (holder == 0) {
			close(gate.w);
			hold(&gate.r);
			_exit(0);
		}
		close(fd);
		check_alive(pidfd);
		if (kind == 0) { /* by its own exit, or by a signal */
			close(gate.w);
			expect_status(holder, 0);
		} else {
			kill_and_reap(holder);
			close(gate.w);
		}
		ends_by(pidfd, SIGKILL);
		close(gate.r);
	}
}

static void a_holder_by_exec_ends(void)
{
	int pidfd, fd = armed(SIGKILL, &pidfd), holder = ctx();
	set_child(holder, "pause");
	SET(holder, PROC_FD_INHERIT, fd);
	create(holder);
	close(fd);
	check_alive(pidfd);
	finish(holder);
	ends_by(pidfd, SIGKILL);
}

static void receive_and_hold(void *arg)
{
	int sock = *(int *)arg, fd = recv_fd(sock);
	CHECK_EQ(state(fd), PROC_STATE_RUNNING);
	CHECK_EQ(send(sock, "x", 1, MSG_NOSIGNAL), 1);
	pause();
}

static void a_holder_by_message_ends(void)
{
	char c;
	int s[2];
	socket_pair(s);
	pid_t holder = fork_run(receive_and_hold, &s[1]); /* forked before there was a descriptor */
	int pidfd, fd = armed(SIGKILL, &pidfd);
	send_fd(s[0], fd);
	CHECK_EQ(recv(s[0], &c, 1, 0), 1);
	close(fd);
	check_alive(pidfd);
	kill_and_reap(holder);
	ends_by(pidfd, SIGKILL);
	close(s[0]);
	close(s[1]);
}

/* ---- the creator goes ---- */

struct creation {
	int sock, exec_self;
};

/* In a process of its own: start a child, hand out its pidfd and a procfd, then do nothing. */
static void creator(void *arg)
{
	struct creation *c = arg;
	int fd = ctx(), fds[2];
	set_child(fd, "pause");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	fds[0] = sys_pidfd_open(create(fd));
	fds[1] = fd;
	send_fd(c->sock, fds[0]);
	send_fd(c->sock, fds[1]);
	if (c->exec_self)
		execl(self_path, self_path, "--child", "pause", NULL);
	pause();
}

static pid_t start_creator(struct creation *c, int s[2], int *pidfd, int *fd)
{
	socket_pair(s);
	c->sock = s[1];
	pid_t pid = fork_run(creator, c);
	*pidfd = recv_fd(s[0]);
	*fd = recv_fd(s[0]);
	return pid;
}

static void the_creator_is_killed(void)
{
	struct creation c = { 0 };
	int s[2], pidfd, fd;
	pid_t pid = start_creator(&c, s, &pidfd, &fd);
	close(fd);
	check_alive(pidfd);
	kill_and_reap(pid);
	CHECK_ENDS(pidfd);
	close(pidfd);
	close(s[0]);
	close(s[1]);
}

static void the_creator_is_killed_while_another_holds(void)
{
	struct creation c = { 0 };
	int s[2], pidfd, fd;
	pid_t pid = start_creator(&c, s, &pidfd, &fd);
	kill_and_reap(pid);
	/* The child has a new parent now, and goes on. */
	check_alive(pidfd);
	CHECK_EQ(state(fd), PROC_STATE_RUNNING);
	int copy = dup(fd);
	close(fd);
	check_alive(pidfd);
	close(copy);
	CHECK_ENDS(pidfd);
	close(pidfd);
	close(s[0]);
	close(s[1]);
}

static void the_creator_executes_another_program(void)
{
	struct creation c = { .exec_self = 1 };
	int s[2], pidfd, fd;
	pid_t pid = start_creator(&c, s, &pidfd, &fd);
	check_alive(pidfd);
	close(fd); /* the creator's own went with the exec, or goes with it */
	CHECK_ENDS(pidfd);
	kill_and_reap(pid);
	close(pidfd);
	close(s[0]);
	close(s[1]);
}

static void many_children_of_a_killed_creator(void *arg)
{
	int sock = *(int *)arg;
	for (int i = 0; i < 50; i++) {
		int pidfd;
		armed(SIGKILL, &pidfd);
		send_fd(sock, pidfd);
		close(pidfd);
	}
	pause();
}

static void a_killed_creator_takes_all_its_children(void)
{
	int s[2], pidfds[50];
	socket_pair(s);
	pid_t pid = fork_run(many_children_of_a_killed_creator, &s[1]);
	for (int i = 0; i < 50; i++)
		pidfds[i] = recv_fd(s[0]);
	check_alive(pidfds[0]);
	kill_and_reap(pid);
	for (int i = 0; i < 50; i++) {
		CHECK_ENDS(pidfds[i]);
		close(pidfds[i]);
	}
	close(s[0]);
	close(s[1]);
}

/* ---- in flight ---- */

static void sleeper(void *arg)
{
	(void)arg;
	pause();
}

static void in_flight_to_a_receiver_that_dies(void)
{
	int s[2], pidfd;
	socket_pair(s);
	pid_t receiver = fork_run(sleeper, NULL);
	int fd = armed(SIGKILL, &pidfd);
	send_fd(s[0], fd);
	close(fd);
	close(s[0]);
	close(s[1]);
	check_alive(pidfd); /* it lies in a queue that only the receiver has */
	kill_and_reap(receiver);
	ends_by(pidfd, SIGKILL);
}

static void in_flight_inside_a_socket_in_flight(void)
{
	int a[2], b[2], pidfd, fd = armed(SIGKILL, &pidfd);
	socket_pair(a);
	socket_pair(b);
	send_fd(a[0], fd);
	send_fd(b[0], a[1]);
	close(fd);
	close(a[0]);
	close(a[1]);
	check_alive(pidfd);
	close(b[1]);
	ends_by(pidfd, SIGKILL);
	close(b[0]);
}

static void unread_and_the_receiver_closes(void)
{
	int s[2], pidfd, fd = armed(SIGKILL, &pidfd);
	socket_pair(s);
	send_fd(s[0], fd);
	close(fd);
	check_alive(pidfd);
	close(s[1]);
	ends_by(pidfd, SIGKILL);
	close(s[0]);
}

static void taken_out_again(void)
{
	int s[2], pidfd, fd = armed(SIGKILL, &pidfd);
	socket_pair(s);
	send_fd(s[0], fd);
	close(fd);
	fd = recv_fd(s[1]);
	close(s[0]);
	close(s[1]);
	check_alive(pidfd);
	CHECK_EQ(state(fd), PROC_STATE_RUNNING);
	close(fd);
	ends_by(pidfd, SIGKILL);
}

/* ---- the child changes ---- */

static void a_reparented_child(void)
{
	struct creation c = { 0 };
	int s[2], pidfd, fd;
	pid_t child, pid = start_creator(&c, s, &pidfd, &fd);
	child = process_info(fd, PROC_INFO_PID, 0, NULL, 0);
	kill_and_reap(pid);
	CHECK(atoi(status_of(child, "PPid")) != pid);
	close(fd);
	CHECK_ENDS(pidfd);
	close(pidfd);
	close(s[0]);
	close(s[1]);
}

static void a_child_started_with_another_uid(void)
{
	NEED_ROOT();
	int fd = ctx(), pidfd;
	set_child(fd, "pause");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	SET(fd, PROC_SET_UID, 1234);
	SET(fd, PROC_SET_GID, 1234);
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	pidfd = sys_pidfd_open(create(fd));
	check_alive(pidfd);
	close(fd);
	ends_by(pidfd, SIGKILL);
}

static void a_child_that_changed_its_uid_itself(void)
{
	NEED_ROOT();
	int fd = ctx();
	set_child(fd, "setuid", "1234");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	int r = create_with_output(fd, NULL), pidfd = sys_pidfd_open(read_ready(r));
	close(r);
	close(fd);
	ends_by(pidfd, SIGKILL);
}

static void a_child_with_mapped_ids(void)
{
	become_nobody();
	int fd = ctx(), pidfd;
	struct procfd_idmap u = { 0, getuid(), 1, 0 };
	set_child(fd, "pause");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER);
	CFG(fd, PROC_SET_UID_MAP, 0, &u, sizeof u);
	int pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	if (pid < 0 && last_error(fd).stage == PROC_STAGE_CLONE)
		SKIP("no user namespaces for this user");
	CHECK(pid > 0);
	pidfd = sys_pidfd_open(pid);
	check_alive(pidfd);
	close(fd);
	ends_by(pidfd, SIGKILL);
}

static void a_child_that_executed_again(void)
{
	int fd = ctx();
	set_child(fd, "again", "again", "again", "ready");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	int r = create_with_output(fd, NULL), pidfd = sys_pidfd_open(read_ready(r));
	close(r);
	close(fd);
	ends_by(pidfd, SIGKILL);
}

static void a_stopped_child(void)
{
	int pidfd, fd = armed(SIGKILL, &pidfd);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGSTOP, NULL, 0), 0);
	close(fd);
	ends_by(pidfd, SIGKILL);
}

static void a_session_leader(void)
{
	int fd = ctx(), pidfd;
	set_child(fd, "pause");
	SET(fd, PROC_SET_SESSION, 1);
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	pidfd = sys_pidfd_open(create(fd));
	close(fd);
	ends_by(pidfd, SIGKILL);
}

/* Runs as the init of a new pid namespace. */
static void in_pid_namespace(void *arg)
{
	(void)arg;
	int pidfd, fd = armed(SIGKILL, &pidfd);
	check_alive(pidfd);
	int copy = dup(fd);
	close(fd);
	check_alive(pidfd);
	close(copy);
	ends_by(pidfd, SIGKILL);
}

static void an_ordinary_member_of_a_pid_namespace(void)
{
	if (unshare(CLONE_NEWPID | (geteuid() == 0 ? 0 : CLONE_NEWUSER)))
		SKIP("no pid namespaces for this user");
	in_fork(in_pid_namespace, NULL);
}

TAP_MAIN(CASE(the_only_descriptor), CASE(any_signal), CASE(the_last_of_several_dups),
	 CASE(dup_before_the_start), CASE(a_forked_holder_ends), CASE(a_holder_by_exec_ends),
	 CASE(a_holder_by_message_ends), CASE(the_creator_is_killed),
	 CASE(the_creator_is_killed_while_another_holds),
	 CASE(the_creator_executes_another_program), CASE(a_killed_creator_takes_all_its_children),
	 CASE(in_flight_to_a_receiver_that_dies), CASE(in_flight_inside_a_socket_in_flight),
	 CASE(unread_and_the_receiver_closes), CASE(taken_out_again), CASE(a_reparented_child),
	 CASE(a_child_started_with_another_uid), CASE(a_child_that_changed_its_uid_itself),
	 CASE(a_child_with_mapped_ids), CASE(a_child_that_executed_again), CASE(a_stopped_child),
	 CASE(a_session_leader), CASE(an_ordinary_member_of_a_pid_namespace))

// SPDX-License-Identifier: MIT OR Apache-2.0
/* Kill on last close: group scope, change and disarm, what must not fire it, what is refused. */
#include "util.h"

static int policy(int fd, uint64_t sig, uint32_t scope)
{
	struct procfd_close c = { .scope = scope };
	return process_manage(fd, PROC_SET_CLOSE, sig, &c, sizeof c);
}

/* ---- scope ---- */

static void set_scope(int fd, uint32_t scope)
{
	struct procfd_close c = { .scope = scope };
	CFG(fd, PROC_SET_CLOSE, SIGKILL, &c, sizeof c);
}

/* A leader and one more member of its group; the pidfds of both. */
static int family(int session, uint32_t scope, int *leader, int *member)
{
	int fd = ctx();
	pid_t pid;
	set_child(fd, "family");
	SET(fd, session ? PROC_SET_SESSION : PROC_SET_PGROUP, session);
	set_scope(fd, scope);
	int r = create_with_output(fd, &pid);
	*leader = sys_pidfd_open(pid);
	*member = sys_pidfd_open(read_ready(r));
	CHECK(*leader >= 0 && *member >= 0);
	close(r);
	return fd;
}

static void group_scope_takes_the_group(void)
{
	for (int session = 0; session < 2; session++) {
		int leader, member, fd = family(session, PROC_SCOPE_PGROUP, &leader, &member);
		check_alive(member);
		close(fd);
		ends_by(leader, SIGKILL);
		CHECK_ENDS(member);
		close(member);
	}
}

static void process_scope_leaves_the_group(void)
{
	int leader, member, fd = family(0, PROC_SCOPE_PROCESS, &leader, &member);
	close(fd);
	ends_by(leader, SIGKILL);
	check_alive(member);
	CHECK_EQ(syscall(SYS_pidfd_send_signal, member, SIGKILL, NULL, 0), 0);
	CHECK_ENDS(member);
	close(member);
}

static void group_scope_after_the_leader_has_gone(void)
{
	int leader, member, fd = family(0, PROC_SCOPE_PGROUP, &leader, &member);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0), 0);
	expect_killed(fd, SIGKILL);
	check_alive(member);
	close(fd);
	CHECK_ENDS(member);
	close(member);
	close(leader);
}

static void group_scope_needs_a_group_of_its_own(void)
{
	int fd = ctx();
	set_child(fd, "exit", "0");
	set_scope(fd, PROC_SCOPE_PGROUP);
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_PLAN, -1);
	CHECK_EQ(tap_children(NULL, 0), 0);
	set_scope(fd, PROC_SCOPE_PROCESS);
	create(fd);
	expect_exit(fd, 0);
	close(fd);
}

static void change_of_scope(void)
{
	int leader, member, fd = family(0, PROC_SCOPE_PROCESS, &leader, &member);
	CHECK_EQ(policy(fd, SIGKILL, PROC_SCOPE_PGROUP), 0);
	close(fd);
	ends_by(leader, SIGKILL);
	CHECK_ENDS(member);
	close(member);
}

static void bad_scopes(void)
{
	struct procfd_close c = { .scope = PROC_SCOPE_THREAD };
	int fd = ctx(), pidfd;
	CHECK_ERR(process_config(fd, PROC_SET_CLOSE, SIGKILL, &c, sizeof c), EINVAL);
	c.scope = 77;
	CHECK_ERR(process_config(fd, PROC_SET_CLOSE, SIGKILL, &c, sizeof c), EINVAL);
	c.scope = 0;
	c.delay_ns = 1; /* of no second signal */
	CHECK_ERR(process_config(fd, PROC_SET_CLOSE, SIGKILL, &c, sizeof c), EINVAL);
	close(fd);
	fd = armed(SIGKILL, &pidfd);
	CHECK_ERR(process_manage(fd, PROC_SET_CLOSE, SIGKILL, &c, sizeof c), EINVAL);
	c.delay_ns = 0;
	c.scope = PROC_SCOPE_THREAD;
	CHECK_ERR(process_manage(fd, PROC_SET_CLOSE, SIGKILL, &c, sizeof c), EINVAL);
	CHECK_ERR(process_manage(fd, PROC_SET_CLOSE, 65, NULL, 0), EINVAL);
	close(fd); /* none of it has changed the policy */
	ends_by(pidfd, SIGKILL);
}

/* ---- change and disarm ---- */

static void change_of_signal(void)
{
	int pidfd, fd = armed(SIGKILL, &pidfd);
	CHECK_EQ(process_manage(fd, PROC_SET_CLOSE, SIGTERM, NULL, 0), 0);
	check_alive(pidfd);
	CHECK_EQ(process_manage(fd, PROC_SET_CLOSE, SIGUSR2, NULL, 0), 0);
	close(fd);
	ends_by(pidfd, SIGUSR2);
}

static void disarm(void)
{
	int pidfd, fd = armed(SIGKILL, &pidfd);
	CHECK_EQ(process_manage(fd, PROC_SET_CLOSE, 0, NULL, 0), 0);
	close(fd);
	check_alive(pidfd);
	CHECK_EQ(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0), 0);
	ends_by(pidfd, SIGKILL);
}

static void arm_again(void)
{
	int pidfd, fd = armed(SIGKILL, &pidfd);
	for (int i = 0; i < 20; i++) {
		CHECK_EQ(process_manage(fd, PROC_SET_CLOSE, 0, NULL, 0), 0);
		CHECK_EQ(process_manage(fd, PROC_SET_CLOSE, SIGTERM, NULL, 0), 0);
	}
	int before = tap_fds(NULL, 0);
	CHECK_EQ(process_manage(fd, PROC_SET_CLOSE, SIGUSR1, NULL, 0), 0);
	CHECK_EQ(tap_fds(NULL, 0), before);
	check_alive(pidfd);
	close(fd);
	ends_by(pidfd, SIGUSR1);
}

static void changing(void *arg)
{
	int fd = *(int *)arg;
	CHECK_EQ(process_manage(fd, PROC_SET_CLOSE, SIGTERM, NULL, 0), 0);
}

static void change_by_another_holder(void)
{
	int pidfd, fd = armed(SIGKILL, &pidfd);
	in_fork(changing, &fd);
	check_alive(pidfd);
	close(fd);
	ends_by(pidfd, SIGTERM);
}

static void changing_by_a_stranger(void *arg)
{
	int fd = *(int *)arg;
	CHECK_EQ(setresuid(4321, 4321, 4321), 0);
	CHECK_ERR(process_manage(fd, PROC_SET_CLOSE, SIGTERM, NULL, 0), EPERM);
	CHECK_ERR(process_manage(fd, PROC_SET_CLOSE, 0, NULL, 0), EPERM);
}

static void change_needs_permission(void)
{
	NEED_ROOT();
	int pidfd, fd = armed(SIGKILL, &pidfd);
	in_fork(changing_by_a_stranger, &fd);
	close(fd);
	ends_by(pidfd, SIGKILL);
}

static void change_without_a_policy(void)
{
	int fd = ctx();
	set_child(fd, "pause");
	create(fd);
	CHECK_ERR(process_manage(fd, PROC_SET_CLOSE, SIGKILL, NULL, 0), EOPNOTSUPP);
	CHECK_ERR(process_manage(fd, PROC_SET_CLOSE, 0, NULL, 0), EOPNOTSUPP);
	finish(fd);
}

static void zero_takes_the_policy_back(void)
{
	int fd = ctx();
	set_child(fd, "pause");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	SET(fd, PROC_SET_CLOSE, 0);
	pid_t pid = create(fd);
	int pidfd = sys_pidfd_open(pid);
	CHECK_ERR(process_manage(fd, PROC_SET_CLOSE, SIGKILL, NULL, 0), EOPNOTSUPP);
	close(fd);
	check_alive(pidfd);
	kill_and_reap(pid);
	close(pidfd);
}

static void change_on_other_descriptors(void)
{
	int pidfd, fd = armed(SIGKILL, &pidfd);
	CHECK_EQ(process_manage(pidfd, PROC_SET_CLOSE, SIGTERM, NULL, 0), -1);
	CHECK(errno == EOPNOTSUPP || errno == EINVAL);
	close(fd);
	ends_by(pidfd, SIGKILL);
}

static void change_after_the_end(void)
{
	int pidfd, fd = armed(SIGKILL, &pidfd);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0), 0);
	expect_killed(fd, SIGKILL);
	CHECK_ERR(process_manage(fd, PROC_SET_CLOSE, SIGTERM, NULL, 0), ESRCH);
	close(fd);
	close(pidfd);
}

/* ---- what must not fire it ---- */

static void fill(int fd)
{
	char junk[256] = "garbage";
	int flags = fcntl(fd, F_GETFL);
	CHECK_EQ(fcntl(fd, F_SETFL, flags | O_NONBLOCK), 0);
	for (int i = 0; i < 5000 && send(fd, junk, sizeof junk, MSG_NOSIGNAL) > 0; i++)
		;
	CHECK_EQ(fcntl(fd, F_SETFL, flags), 0);
}

static void writing_does_not_fire(void)
{
	int pidfd, fd = armed(SIGKILL, &pidfd), other = dup(fd);
	ssize_t n = write(fd, "x", 1);
	CHECK(n == 1 || n == -1);
	check_alive(pidfd);
	fill(other);
	check_alive(pidfd);
	CHECK_EQ(state(fd), PROC_STATE_RUNNING);
	sweep();
	check_alive(pidfd);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, 0, NULL, 0), 0);
	close(other);
	check_alive(pidfd);
	close(fd);
	ends_by(pidfd, SIGKILL);
}

static void write_and_go(void *arg)
{
	int fd = *(int *)arg;
	(void)!write(fd, "x", 1);
	fill(fd);
}

static void a_writing_holder_does_not_fire(void)
{
	int pidfd, fd = armed(SIGKILL, &pidfd);
	in_fork(write_and_go, &fd);
	check_alive(pidfd);
	close(fd);
	ends_by(pidfd, SIGKILL);
}

static void writing_before_the_start(void)
{
	int fd = ctx();
	fill(fd);
	set_child(fd, "pause");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	int pidfd = sys_pidfd_open(create(fd));
	CHECK_EQ(state(fd), PROC_STATE_RUNNING);
	check_alive(pidfd);
	close(fd);
	ends_by(pidfd, SIGKILL);
}

static void asking_and_peeking_does_not_fire(void)
{
	int pidfd, fd = armed(SIGKILL, &pidfd);
	for (int i = 0; i < 200; i++) {
		close(process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0));
		CHECK_EQ(state(fd), PROC_STATE_RUNNING);
		CHECK_ERR(process_manage(fd, PROC_WAIT, PROC_WAIT_NOHANG, NULL, 0), EAGAIN);
	}
	check_alive(pidfd);
	CHECK_EQ(process_manage(fd, PROC_SET_CLOSE, SIGTERM, NULL, 0), 0);
	check_alive(pidfd);
	close(fd);
	ends_by(pidfd, SIGTERM);
}

static void an_epoll_is_no_holder(void)
{
	int pidfd, fd = armed(SIGKILL, &pidfd), ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev = { .events = EPOLLIN };
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev), 0);
	close(fd);
	ends_by(pidfd, SIGKILL);
	close(ep);
}

static void another_context_does_not_matter(void)
{
	int p1, p2, a = armed(SIGKILL, &p1), b = armed(SIGKILL, &p2);
	close(a);
	ends_by(p1, SIGKILL);
	check_alive(p2);
	sweep();
	check_alive(p2);
	close(b);
	ends_by(p2, SIGKILL);
}

static void an_ordinary_end(void)
{
	int fd = ctx();
	set_child(fd, "exit", "3");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	create(fd);
	expect_exit(fd, 3);
	expect_exit(fd, 3);
	close(fd);
}

static void the_child_is_reaped_after_the_last_close(void)
{
	for (int i = 0; i < 20; i++) {
		int pidfd, fd = armed(SIGKILL, &pidfd);
		close(fd);
		CHECK_ENDS(pidfd);
		close(pidfd);
		sweep();
		CHECK_EQ(tap_children(NULL, 0), 0);
	}
}

/* The init of a pid namespace is out of a fuse's reach: without the watcher and without the built-in
 * init the combination is refused. */
static void with_a_new_pid_namespace(void)
{
	int fd = ctx_flags(PROCFD_NO_WATCH);
	set_child(fd, "exit", "5");
	SET(fd, PROC_SET_FLAG, CLONE_NEWPID | (geteuid() == 0 ? 0 : CLONE_NEWUSER));
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	CREATE_FAILS(fd, EOPNOTSUPP, PROC_STAGE_PLAN, -1);
	CHECK_EQ(tap_children(NULL, 0), 0);
	SET(fd, PROC_SET_FLAG, 0);
	create(fd);
	expect_exit(fd, 5);
	close(fd);
}

TAP_MAIN(CASE(group_scope_takes_the_group), CASE(process_scope_leaves_the_group),
	 CASE(group_scope_after_the_leader_has_gone), CASE(group_scope_needs_a_group_of_its_own),
	 CASE(change_of_scope), CASE(bad_scopes), CASE(change_of_signal), CASE(disarm),
	 CASE(arm_again), CASE(change_by_another_holder), CASE(change_needs_permission),
	 CASE(change_without_a_policy), CASE(zero_takes_the_policy_back),
	 CASE(change_on_other_descriptors), CASE(change_after_the_end),
	 CASE(writing_does_not_fire), CASE(a_writing_holder_does_not_fire),
	 CASE(writing_before_the_start), CASE(asking_and_peeking_does_not_fire),
	 CASE(an_epoll_is_no_holder), CASE(another_context_does_not_matter), CASE(an_ordinary_end),
	 CASE(the_child_is_reaped_after_the_last_close), CASE(with_a_new_pid_namespace))

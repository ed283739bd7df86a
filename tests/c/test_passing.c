// SPDX-License-Identifier: MIT OR Apache-2.0
/* The descriptor dup'ed, inherited and passed, before and after the start. */
#include "util.h"

static void start_child(int fd, const char *mode, const char *arg)
{
	set_child(fd, mode, arg);
	create(fd);
}

static void dups_see_the_same(void)
{
	int fd = ctx(), early = dup(fd);
	start_child(fd, "pause", NULL);
	int late = dup(fd);
	int all[] = { fd, early, late };
	pid_t pid = process_info(fd, PROC_INFO_PID, 0, NULL, 0);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(state(all[i]), PROC_STATE_RUNNING);
		CHECK_EQ(process_info(all[i], PROC_INFO_PID, 0, NULL, 0), pid);
		CHECK(ready_within(all[i], 0));
	}
	CHECK_EQ(process_manage(early, PROC_SIGNAL, SIGTERM, NULL, 0), 0);
	expect_killed(late, SIGTERM);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(state(all[i]), PROC_STATE_EXITED);
		expect_killed(all[i], SIGTERM);
		close(all[i]);
	}
}

static void configuring_through_a_dup(void)
{
	int fd = ctx(), copy = dup(fd);
	SET(copy, PROC_SET_UMASK, 027);
	set_child(fd, "facts");
	int r = create_with_output(copy, NULL);
	FACT_IS(slurp(r), "umask", "27");
	close(r);
	expect_exit(fd, 0);
	CHECK_ERR(process_config(fd, PROC_SET_UMASK, 0, NULL, 0), EBUSY);
	close(fd);
	close(copy);
}

/* The original number is closed before the start; the dup is the context. */
static void the_first_descriptor_goes_before_the_start(void)
{
	int fd = ctx(), copy = fcntl(fd, F_DUPFD_CLOEXEC, 100);
	close(fd);
	sweep();
	start_child(copy, "exit", "8");
	expect_exit(copy, 8);
	close(copy);
}

/* Runs in the other process: sees it configuring, waits for the start by poll, then manages it. */
static void follow_from_before(void *arg)
{
	int sock = *(int *)arg, fd = recv_fd(sock);
	CHECK_EQ(state(fd), PROC_STATE_CONFIGURING);
	CHECK_ERR(process_manage(fd, PROC_SIGNAL, 0, NULL, 0), ESRCH);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_EQ(send(sock, "r", 1, MSG_NOSIGNAL), 1);
	CHECK_EQ(poll(&p, 1, FOREVER_MS), 1);
	CHECK_EQ(p.revents, POLLIN);
	CHECK_EQ(state(fd), PROC_STATE_RUNNING);
	int pid = process_info(fd, PROC_INFO_PID, 0, NULL, 0);
	CHECK(pid > 0);
	CHECK_ERR(process_config(fd, PROC_SET_UMASK, 0, NULL, 0), EPERM);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGUSR1, NULL, 0), 0);
	expect_killed(fd, SIGUSR1);
	CHECK_EQ(state(fd), PROC_STATE_EXITED);
	CHECK_EQ(send(sock, &pid, sizeof pid, MSG_NOSIGNAL), (ssize_t)sizeof pid);
}

static void passed_before_the_start(void)
{
	int s[2];
	socket_pair(s);
	pid_t other = fork_run(follow_from_before, &s[1]);
	char c;
	int told = 0, fd = ctx();
	send_fd(s[0], fd);
	CHECK_EQ(recv(s[0], &c, 1, 0), 1);
	start_child(fd, "pause", NULL);
	pid_t pid = process_info(fd, PROC_INFO_PID, 0, NULL, 0);
	expect_killed(fd, SIGUSR1);
	CHECK_EQ(recv(s[0], &told, sizeof told, 0), (ssize_t)sizeof told);
	CHECK_EQ(told, pid);
	expect_status(other, 0);
	close(fd);
	close(s[0]);
	close(s[1]);
}

static void receive_running(void *arg)
{
	int fd = recv_fd(*(int *)arg);
	CHECK_EQ(state(fd), PROC_STATE_RUNNING);
	for (int i = 0; i < 10; i++) { /* a look takes nothing away */
		int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
		CHECK(pidfd >= 0);
		CHECK_EQ(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0), 0);
		close(pidfd);
	}
	CHECK(ready_within(fd, 0));
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0), 0);
	expect_killed(fd, SIGKILL);
}

static void passed_after_the_start(void)
{
	int s[2];
	socket_pair(s);
	pid_t other = fork_run(receive_running, &s[1]);
	int fd = ctx();
	start_child(fd, "pause", NULL);
	send_fd(s[0], fd);
	expect_killed(fd, SIGKILL);
	expect_status(other, 0);
	close(fd);
	close(s[0]);
	close(s[1]);
}

static void passed_after_the_end(void)
{
	int s[2];
	socket_pair(s);
	int fd = ctx();
	start_child(fd, "exit", "14");
	expect_exit(fd, 14);
	send_fd(s[0], fd);
	close(fd);
	int again = recv_fd(s[1]);
	CHECK_EQ(state(again), PROC_STATE_EXITED);
	expect_exit(again, 14);
	close(again);
	close(s[0]);
	close(s[1]);
}

static void sender_gone_before_the_receipt(void)
{
	int s[2];
	socket_pair(s);
	pid_t creator = fork();
	if (creator == 0) {
		int fd = ctx();
		start_child(fd, "pause", NULL);
		send_fd(s[1], fd);
		_exit(0);
	}
	expect_status(creator, 0);
	int fd = recv_fd(s[0]);
	CHECK_EQ(state(fd), PROC_STATE_RUNNING);
	finish(fd);
	close(s[0]);
	close(s[1]);
}

static void creator_gone_before_the_start(void)
{
	int s[2];
	socket_pair(s);
	pid_t creator = fork();
	if (creator == 0) {
		int fd = ctx();
		set_child(fd, "exit", "0");
		send_fd(s[1], fd);
		_exit(0);
	}
	expect_status(creator, 0);
	int fd = recv_fd(s[0]);
	CHECK_EQ(state(fd), PROC_STATE_CONFIGURING); /* and that is what it stays */
	CHECK_ERR(process_manage(fd, PROC_SIGNAL, 0, NULL, 0), ESRCH);
	CHECK_ERR(process_info(fd, PROC_INFO_PID, 0, NULL, 0), ESRCH);
	CHECK_ERR(process_config(fd, PROC_CREATE, 0, NULL, 0), EPERM);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK(p.revents & POLLHUP);
	close(fd);
	close(s[0]);
	close(s[1]);
}

/* A program that was given the descriptor by inheritance, and knows only its number. */
static const char *used_by_exec(int fd, const char *what, int *holder)
{
	char num[16];
	snprintf(num, sizeof num, "%d", fd);
	*holder = ctx();
	set_child(*holder, "use", num, what);
	SET(*holder, PROC_FD_INHERIT, fd);
	int r = create_with_output(*holder, NULL);
	const char *t = slurp(r);
	close(r);
	expect_exit(*holder, 0);
	close(*holder);
	return t;
}

static void inherited_by_a_program(void)
{
	int fd = ctx(), holder;
	const char *t = used_by_exec(fd, "", &holder);
	FACT_IS(t, "state", "0");
	FACT_IS(t, "poll", "0");
	FACT_IS(t, "pid", "-1");
	start_child(fd, "pause", NULL);
	pid_t pid = process_info(fd, PROC_INFO_PID, 0, NULL, 0);
	t = used_by_exec(fd, "kill", &holder);
	FACT_IS(t, "state", "1");
	FACT_IS(t, "poll", "1");
	CHECK_EQ(fact_n(t, "pid"), pid);
	FACT_IS(t, "kill", "0");
	expect_killed(fd, SIGKILL);
	t = used_by_exec(fd, "wait", &holder);
	FACT_IS(t, "state", "2");
	FACT_IS(t, "wait", "0");
	CHECK_EQ(fact_n(t, "what"), PROC_KILLED);
	CHECK_EQ(fact_n(t, "status"), SIGKILL);
	close(fd);
}

static void a_child_holds_its_own(void)
{
	int fd = ctx();
	char num[16];
	snprintf(num, sizeof num, "%d", fd);
	set_child(fd, "pause");
	SET(fd, PROC_FD_INHERIT, fd);
	pid_t pid = create(fd);
	int got = process_manage(fd, PROC_GETFD, (uint64_t)fd, NULL, 0);
	CHECK(got >= 0);
	CHECK_EQ(state(got), PROC_STATE_RUNNING);
	CHECK_EQ(process_info(got, PROC_INFO_PID, 0, NULL, 0), pid);
	close(got);
	finish(fd);
}

/* ---- plain forks of the caller hold the procfd, and nothing else of the library's ---- */

static void close_and_stay(void *arg)
{
	close(*(int *)arg);
	pause();
}

static void a_forked_process_that_closed_it_holds_nothing(void)
{
	for (int start_first = 0; start_first < 2; start_first++) {
		int fd = ctx(), pidfd;
		pid_t forked = 0;
		set_child(fd, "pause");
		SET(fd, PROC_SET_CLOSE, SIGKILL);
		if (!start_first)
			forked = fork_run(close_and_stay, &fd);
		pidfd = sys_pidfd_open(create(fd));
		if (start_first)
			forked = fork_run(close_and_stay, &fd);
		while (1) { /* until it has closed its copy */
			char path[64];
			snprintf(path, sizeof path, "/proc/%d/fd/%d", forked, fd);
			if (access(path, F_OK))
				break;
			sched_yield();
		}
		check_alive(pidfd);
		close(fd);
		CHECK_EQ(reap_pidfd(pidfd), SIGKILL);
		close(pidfd);
		kill_and_reap(forked);
	}
}

struct forker {
	atomic_int stop, fd;
	int pids[2000];
	int n;
};

/* Forks as fast as it can; each child closes the procfd, if there was one, and stays. */
static void *forking(void *arg)
{
	struct forker *f = arg;
	while (!atomic_load(&f->stop) && f->n < 2000) {
		pid_t pid = fork();
		if (pid == 0) {
			for (int fd = 3; fd < 40; fd++) {
				int type = 0;
				socklen_t len = sizeof type;
				if (fd == atomic_load(&f->fd) ||
				    (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
				     process_info(fd, PROC_INFO_STATE, 0, NULL, 0) >= 0))
					close(fd);
			}
			for (;;)
				pause();
		}
		if (pid > 0)
			f->pids[f->n++] = pid;
		usleep(100);
	}
	return NULL;
}

static void forks_of_another_thread_hold_nothing(void)
{
	for (int i = 0; i < 40; i++) {
		static struct forker f;
		memset(&f, 0, sizeof f);
		pthread_t t;
		CHECK_EQ(pthread_create(&t, NULL, forking, &f), 0);
		int fd = ctx();
		atomic_store(&f.fd, fd);
		set_child(fd, "pause");
		SET(fd, PROC_SET_CLOSE, SIGKILL);
		int pidfd = sys_pidfd_open(create(fd));
		atomic_store(&f.stop, 1);
		pthread_join(t, NULL);
		close(fd);
		CHECK_EQ(reap_pidfd(pidfd), SIGKILL);
		close(pidfd);
		for (int j = 0; j < f.n; j++)
			kill_and_reap(f.pids[j]);
	}
}

TAP_MAIN(CASE(dups_see_the_same), CASE(configuring_through_a_dup),
	 CASE(the_first_descriptor_goes_before_the_start), CASE(passed_before_the_start),
	 CASE(passed_after_the_start), CASE(passed_after_the_end),
	 CASE(sender_gone_before_the_receipt), CASE(creator_gone_before_the_start),
	 CASE(inherited_by_a_program), CASE(a_child_holds_its_own),
	 CASE(a_forked_process_that_closed_it_holds_nothing),
	 CASE(forks_of_another_thread_hold_nothing))

// SPDX-License-Identifier: MIT OR Apache-2.0
/* PROC_SIGNAL: scopes, values, permissions, the dead. */
#include "util.h"

#define BIT(s) (1ULL << ((s) - 1))

static int sig_to(int fd, int sig, uint32_t scope, uint32_t flags, uint64_t value)
{
	struct procfd_signal s = { .scope = scope, .flags = flags, .value = value };
	return process_manage(fd, PROC_SIGNAL, (uint64_t)sig, &s, sizeof s);
}

static int paused(pid_t *pid)
{
	int fd = ctx();
	set_child(fd, "pause");
	*pid = create(fd);
	return fd;
}

static void plain(void)
{
	int sigs[] = { SIGTERM, SIGKILL, SIGUSR1, 40, 64 };
	for (int i = 0; i < 5; i++) {
		pid_t pid;
		int fd = paused(&pid);
		CHECK_EQ(process_manage(fd, PROC_SIGNAL, 0, NULL, 0), 0);
		CHECK_EQ(process_manage(fd, PROC_SIGNAL, (uint64_t)sigs[i], NULL, 0), 0);
		expect_killed(fd, sigs[i]);
		close(fd);
	}
}

/* A child that says what it got. */
static int trapping(const char *sig, int *out, pid_t *pid)
{
	int fd = ctx();
	set_child(fd, "trap", sig);
	*out = create_with_output(fd, pid);
	read_ready(*out);
	return fd;
}

static void what_the_receiver_sees(void)
{
	int out, sig, code, from;
	unsigned long long value;
	pid_t pid;
	int fd = trapping("10", &out, &pid);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, 10, NULL, 0), 0);
	CHECK_EQ(sscanf(read_line(out), "sig=%d code=%d value=%llx pid=%d", &sig, &code, &value, &from), 4);
	CHECK_EQ(sig, 10);
	CHECK_EQ(code, SI_USER);
	CHECK_EQ(from, getpid());
	close(out);
	expect_exit(fd, 0);
	close(fd);
}

static void with_a_value(void)
{
	uint64_t values[] = { 0, 1, 0x7fffffff, 0xdeadbeefcafef00dULL };
	uint32_t scopes[] = { PROC_SCOPE_PROCESS, PROC_SCOPE_THREAD };
	for (int i = 0; i < 8; i++) {
		int out, sig, code, from;
		unsigned long long value;
		pid_t pid;
		int fd = trapping("42", &out, &pid);
		CHECK_EQ(sig_to(fd, 42, scopes[i & 1], PROC_SIGNAL_VALUE, values[i / 2]), 0);
		CHECK_EQ(sscanf(read_line(out), "sig=%d code=%d value=%llx pid=%d", &sig, &code,
				&value, &from), 4);
		CHECK_EQ(sig, 42);
		CHECK_EQ(code, SI_QUEUE);
		CHECK_EQ(value, values[i / 2]);
		CHECK_EQ(from, getpid());
		close(out);
		expect_exit(fd, 0);
		close(fd);
	}
}

/* A blocked signal stays where it was sent to: at the thread, or at the process. */
static void thread_or_process(void)
{
	int fd = ctx();
	set_child(fd, "pause");
	SET(fd, PROC_SET_SIGMASK, BIT(SIGUSR1) | BIT(SIGUSR2));
	pid_t pid = create(fd);
	CHECK_EQ(sig_to(fd, SIGUSR1, PROC_SCOPE_THREAD, 0, 0), 0);
	CHECK_EQ(strtoull(status_of(pid, "SigPnd"), NULL, 16), BIT(SIGUSR1));
	CHECK_EQ(strtoull(status_of(pid, "ShdPnd"), NULL, 16), 0);
	CHECK_EQ(sig_to(fd, SIGUSR2, PROC_SCOPE_PROCESS, 0, 0), 0);
	CHECK_EQ(strtoull(status_of(pid, "SigPnd"), NULL, 16), BIT(SIGUSR1));
	CHECK_EQ(strtoull(status_of(pid, "ShdPnd"), NULL, 16), BIT(SIGUSR2));
	finish(fd);
}

static void group_scope(void)
{
	int fd = ctx();
	pid_t pid;
	set_child(fd, "family");
	SET(fd, PROC_SET_PGROUP, 0);
	int r = create_with_output(fd, &pid), member = sys_pidfd_open(read_ready(r));
	CHECK_EQ(sig_to(fd, 0, PROC_SCOPE_PGROUP, 0, 0), 0);
	check_alive(member);
	CHECK_EQ(sig_to(fd, SIGTERM, PROC_SCOPE_PGROUP, 0, 0), 0);
	expect_killed(fd, SIGTERM);
	CHECK_ENDS(member);
	CHECK_STR(slurp(r), ""); /* nobody holds the other end any more */
	close(r);
	close(member);
	close(fd);
}

static void bad_arguments(void)
{
	pid_t pid;
	int fd = paused(&pid);
	uint64_t bad[] = { 65, 66, 1000, 1ULL << 31, 1ULL << 32, 1ULL << 63, (uint64_t)-1 };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK_ERR(process_manage(fd, PROC_SIGNAL, bad[i], NULL, 0), EINVAL);
	CHECK_ERR(sig_to(fd, 0, 3, 0, 0), EINVAL);
	CHECK_ERR(sig_to(fd, 0, UINT32_MAX, 0, 0), EINVAL);
	for (int bit = 1; bit < 32; bit++)
		CHECK_ERR(sig_to(fd, 0, 0, 1u << bit, 0), EINVAL);
	struct procfd_signal s = { 0 };
	CHECK_ERR(process_manage(fd, PROC_SIGNAL, 0, &s, 3), EINVAL);
	CHECK_ERR(process_manage(fd, PROC_SIGNAL, 0, NULL, sizeof s), EFAULT);
	CHECK_ERR(process_manage(fd, PROC_SIGNAL, 0, &s, 5000), E2BIG);
	CHECK_ERR(process_manage(fd, PROC_WAIT, PROC_WAIT_NOHANG, NULL, 0), EAGAIN);
	finish(fd);
}

static void zombie_and_reaped(void)
{
	int fd = ctx();
	set_child(fd, "exit", "0");
	create(fd);
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	CHECK_ENDS(pidfd);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGTERM, NULL, 0), 0);
	CHECK_EQ(process_manage(pidfd, PROC_SIGNAL, 0, NULL, 0), 0);
	expect_exit(fd, 0);
	CHECK_ERR(process_manage(fd, PROC_SIGNAL, SIGTERM, NULL, 0), ESRCH);
	CHECK_ERR(process_manage(pidfd, PROC_SIGNAL, 0, NULL, 0), ESRCH);
	CHECK_ERR(sig_to(fd, SIGTERM, PROC_SCOPE_THREAD, 0, 0), ESRCH);
	close(pidfd);
	close(fd);
}

static void no_permission(void)
{
	become_nobody();
	int pidfd = sys_pidfd_open(1);
	CHECK_ERR(process_manage(pidfd, PROC_SIGNAL, SIGTERM, NULL, 0), EPERM);
	CHECK_ERR(process_manage(pidfd, PROC_SIGNAL, 0, NULL, 0), EPERM);
	CHECK_ERR(sig_to(pidfd, SIGTERM, PROC_SCOPE_THREAD, 0, 0), EPERM);
	CHECK_ERR(sig_to(pidfd, SIGTERM, 0, PROC_SIGNAL_VALUE, 1), EPERM);
	close(pidfd);
}

static void stranger(void *arg)
{
	int fd = *(int *)arg;
	CHECK_EQ(setresuid(4321, 4321, 4321), 0);
	CHECK_EQ(state(fd), PROC_STATE_RUNNING);
	CHECK_ERR(process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0), EPERM);
}

static void holding_is_no_permission(void)
{
	NEED_ROOT();
	pid_t pid;
	int fd = paused(&pid);
	in_fork(stranger, &fd);
	finish(fd);
}

static void on_other_descriptors(void)
{
	char path[64];
	pid_t pid;
	int fd = paused(&pid), pidfd = sys_pidfd_open(pid);
	snprintf(path, sizeof path, "/proc/%d", pid);
	int dir = open(path, O_DIRECTORY | O_CLOEXEC);
	CHECK_EQ(process_manage(dir, PROC_SIGNAL, 0, NULL, 0), 0);
	CHECK_EQ(process_manage(dir, PROC_SIGNAL, SIGSTOP, NULL, 0), 0);
	struct procfd_wait w = { 0 };
	CHECK_EQ(process_manage(fd, PROC_WAIT, PROC_WAIT_STOPPED, &w, sizeof w), 0);
	CHECK_EQ(process_manage(pidfd, PROC_SIGNAL, SIGCONT, NULL, 0), 0);
	CHECK_EQ(process_manage(fd, PROC_WAIT, PROC_WAIT_CONTINUED, &w, sizeof w), 0);
	CHECK_EQ(process_manage(pidfd, PROC_SIGNAL, SIGTERM, NULL, 0), 0);
	expect_killed(fd, SIGTERM);
	CHECK_ERR(process_manage(dir, PROC_SIGNAL, SIGTERM, NULL, 0), ESRCH);
	close(dir);
	close(pidfd);
	close(fd);
}

static void other_holder(void *arg)
{
	int fd = *(int *)arg;
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0), 0);
}

static void by_another_holder(void)
{
	pid_t pid;
	int fd = paused(&pid);
	in_fork(other_holder, &fd);
	expect_killed(fd, SIGKILL);
	close(fd);
}

static void longer_and_shorter_structures(void)
{
	struct {
		struct procfd_signal s;
		unsigned char more[32];
	} big;
	pid_t pid;
	int fd = paused(&pid);
	memset(&big, 0, sizeof big);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, 0, &big, sizeof big), 0);
	big.more[31] = 1;
	CHECK_ERR(process_manage(fd, PROC_SIGNAL, 0, &big, sizeof big), E2BIG);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, 0, &big, 4), 0);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, 0, &big, 8), 0);
	finish(fd);
}

TAP_MAIN(CASE(plain), CASE(what_the_receiver_sees), CASE(with_a_value), CASE(thread_or_process),
	 CASE(group_scope), CASE(bad_arguments), CASE(zombie_and_reaped), CASE(no_permission),
	 CASE(holding_is_no_permission), CASE(on_other_descriptors), CASE(by_another_holder),
	 CASE(longer_and_shorter_structures))

// SPDX-License-Identifier: MIT OR Apache-2.0
/* process_open, the three states, and what each of them refuses. */
#include "util.h"

#include "settings.h"

static int revents(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLPRI };
	CHECK(poll(&p, 1, 0) >= 0);
	return p.revents & ~POLLOUT;
}

static void open_gives_a_descriptor(void)
{
	int fd = ctx();
	CHECK(fd > 2);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	for (uint64_t f = 1; f <= (PROCFD_NO_WATCH | PROCFD_AUTOREAP | PROCFD_PIDFD); f++)
		if (~f & (PROCFD_AUTOREAP | PROCFD_PIDFD))
			close(ctx_flags(f));
		else
			CHECK_ERR(process_open(f), EOPNOTSUPP);
}

static void open_refuses_unknown_flags(void)
{
	for (int bit = 0; bit < 64; bit++) {
		uint64_t f = 1ULL << bit;
		if (f & (PROCFD_NO_WATCH | PROCFD_AUTOREAP | PROCFD_PIDFD))
			continue;
		CHECK_ERR(process_open(f), EINVAL);
		CHECK_ERR(process_open(f | PROCFD_NO_WATCH), EINVAL);
	}
}

static void many_opens_leave_nothing(void)
{
	int before = tap_fds(NULL, 0);
	for (int i = 0; i < 1000; i++)
		close(ctx());
	int held[50];
	for (int i = 0; i < 50; i++)
		held[i] = ctx();
	for (int i = 0; i < 50; i++)
		close(held[i]);
	sweep();
	CHECK_EQ(tap_fds(NULL, 0), before);
}

static void many_starts_leave_nothing(void)
{
	int before = tap_fds(NULL, 0);
	for (int i = 0; i < 300; i++) {
		int fd = ctx();
		set_child(fd, "exit", "4");
		if (i & 1)
			SET(fd, PROC_SET_CLOSE, SIGKILL);
		create(fd);
		expect_exit(fd, 4);
		close(fd);
	}
	sweep();
	CHECK_EQ(tap_fds(NULL, 0), before);
	CHECK_EQ(tap_children(NULL, 0), 0);
}

static void configuring(void)
{
	int fd = ctx(), copy = dup(fd);
	struct procfd_info info;
	struct procfd_wait w = { .timeout_ns = 1 };
	struct procfd_close c = { .scope = PROC_SCOPE_PROCESS };
	for (int i = 0; i < 2; i++, fd = copy) {
		CHECK_EQ(state(fd), PROC_STATE_CONFIGURING);
		CHECK_EQ(revents(fd), 0);
		CHECK_ERR(process_manage(fd, PROC_SIGNAL, 0, NULL, 0), ESRCH);
		CHECK_ERR(process_manage(fd, PROC_SIGNAL, SIGTERM, NULL, 0), ESRCH);
		CHECK_ERR(process_manage(fd, PROC_WAIT, 0, &w, sizeof w), ESRCH);
		CHECK_ERR(process_manage(fd, PROC_WAIT, PROC_WAIT_NOHANG, NULL, 0), ESRCH);
		CHECK_ERR(process_manage(fd, PROC_GETFD, 0, NULL, 0), ESRCH);
		CHECK_ERR(process_manage(fd, PROC_SET_CLOSE, 0, &c, sizeof c), ESRCH);
		CHECK_ERR(process_info(fd, PROC_INFO, PROC_FIELD_IDS, &info, sizeof info), ESRCH);
		CHECK_ERR(process_info(fd, PROC_INFO_PID, 0, NULL, 0), ESRCH);
		CHECK_ERR(process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0), ESRCH);
		struct procfd_error e = last_error(fd);
		CHECK_EQ(e.stage, PROC_STAGE_NONE);
		CHECK_EQ(e.saved_errno, 0);
		CHECK_STR(e.message, "");
		SET(fd, PROC_SET_UMASK, 022);
		CHECK_EQ(state(fd), PROC_STATE_CONFIGURING);
		CHECK_EQ(close(fd), 0);
	}
}

/* Every configuration command is refused once there is a process. */
static void config_is_busy(int fd)
{
	const char *argv[] = { "x", NULL };
	CHECK_ERR(process_config(fd, PROC_CREATE, 0, NULL, 0), EBUSY);
	CHECK_ERR(process_config(fd, PROC_SET_FLAG, CLONE_NEWUTS, NULL, 0), EBUSY);
	CHECK_ERR(process_config(fd, PROC_SET_CLOSE, SIGKILL, NULL, 0), EBUSY);
	CHECK_ERR(process_config(fd, PROC_SET_EXEC, 0, "/bin/true", 0), EBUSY);
	CHECK_ERR(process_config(fd, PROC_SET_EXEC_FD, 0, NULL, 0), EBUSY);
	CHECK_ERR(process_config(fd, PROC_SET_ARGV, 0, argv, 0), EBUSY);
	CHECK_ERR(process_config(fd, PROC_SET_CWD, 0, "/", 0), EBUSY);
	CHECK_ERR(process_config(fd, PROC_FD_NULL, 0, NULL, 0), EBUSY);
	CHECK_ERR(process_config(fd, PROC_SET_SESSION, 1, NULL, 0), EBUSY);
	CHECK_ERR(process_config(fd, PROC_SET_UMASK, 0, NULL, 0), EBUSY);
	int own = sys_pidfd_open(getpid());
	CHECK_ERR(process_config(fd, PROC_ATTACH, (uint64_t)own, NULL, 0), EBUSY);
	close(own);
}

static void running(void)
{
	int fd = ctx(), copy = dup(fd);
	set_child(fd, "pause");
	pid_t pid = create(fd);
	CHECK(pid > 0);
	for (int i = 0; i < 2; i++) {
		int f = i ? copy : fd;
		CHECK_EQ(state(f), PROC_STATE_RUNNING);
		CHECK_EQ(revents(f), POLLIN);
		CHECK_EQ(process_info(f, PROC_INFO_PID, 0, NULL, 0), pid);
		config_is_busy(f);
		CHECK_EQ(process_manage(f, PROC_SIGNAL, 0, NULL, 0), 0);
	}
	CHECK_EQ(revents(fd), POLLIN);
	int late = dup(copy);
	CHECK_EQ(state(late), PROC_STATE_RUNNING);
	close(fd);
	close(copy);
	finish(late);
}

static void exited(void)
{
	int fd = ctx(), copy = dup(fd);
	set_child(fd, "exit", "9");
	pid_t pid = create(fd);
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	CHECK(pidfd >= 0);
	CHECK_ENDS(pidfd);
	/* A zombie: still a process that a signal reaches. */
	CHECK_EQ(state(fd), PROC_STATE_EXITED);
	CHECK_EQ(state(copy), PROC_STATE_EXITED);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGTERM, NULL, 0), 0);
	CHECK_EQ(process_info(fd, PROC_INFO_PID, 0, NULL, 0), pid);
	config_is_busy(fd);
	expect_exit(copy, 9);
	/* Reaped. */
	CHECK_EQ(state(fd), PROC_STATE_EXITED);
	CHECK(revents(fd) & POLLIN);
	CHECK_ERR(process_manage(fd, PROC_SIGNAL, SIGTERM, NULL, 0), ESRCH);
	CHECK_ERR(process_manage(fd, PROC_SIGNAL, 0, NULL, 0), ESRCH);
	CHECK_ERR(process_info(fd, PROC_INFO_PID, 0, NULL, 0), ESRCH);
	config_is_busy(fd);
	expect_exit(fd, 9);
	expect_exit(copy, 9);
	close(pidfd);
	close(copy);
	close(fd);
}

static void plain_close_leaves_an_ordinary_child(void)
{
	int fd = ctx();
	set_child(fd, "exit", "3");
	pid_t pid = create(fd);
	close(fd);
	sweep();
	expect_status(pid, 3 << 8);
}

static void autoreap_collects_after_the_last_close(void)
{
	int fd = ctx_flags(PROCFD_AUTOREAP);
	set_child(fd, "exit", "0");
	pid_t pid = create(fd);
	int pidfd = sys_pidfd_open(pid);
	CHECK_ENDS(pidfd);
	sweep(); /* a procfd is still held: nothing is reaped behind it */
	CHECK_EQ(tap_children(NULL, 0), 1);
	close(fd);
	sweep();
	CHECK_EQ(tap_children(NULL, 0), 0);
	CHECK_ERR(waitpid(pid, NULL, 0), ECHILD);
	close(pidfd);
}

static void autoreap_of_a_child_that_outlives_its_procfd(void)
{
	struct out gate = make_pipe();
	int fd = ctx_flags(PROCFD_AUTOREAP);
	set_child(fd, "gate", "0");
	set_dup(fd, gate.r, 0);
	pid_t pid = create(fd);
	int pidfd = sys_pidfd_open(pid);
	close(fd);
	sweep();
	check_alive(pidfd);
	close(gate.w);
	CHECK_ENDS(pidfd);
	sweep();
	CHECK_EQ(tap_children(NULL, 0), 0);
	close(gate.r);
	close(pidfd);
}

static void config_in_a_forked_child(void *arg)
{
	int fd = *(int *)arg;
	struct procfd_error e;
	CHECK_ERR(process_config(fd, PROC_SET_UMASK, 0, NULL, 0), EPERM);
	CHECK_ERR(process_config(fd, PROC_CREATE, 0, NULL, 0), EPERM);
	CHECK_ERR(process_config(fd, PROC_COPY, 0, NULL, 0), EPERM);
	CHECK_ERR(process_config(fd, PROC_ATTACH, 0, NULL, 0), EPERM);
	CHECK_ERR(process_info(fd, PROC_INFO_ERROR, 0, &e, sizeof e), EPERM);
	CHECK_ERR(process_info(fd, PROC_INFO_PID, 0, NULL, 0), ESRCH);
	CHECK_ERR(process_manage(fd, PROC_SIGNAL, 0, NULL, 0), ESRCH);
	CHECK_EQ(state(fd), PROC_STATE_CONFIGURING);
	/* Its own contexts are its own. */
	int mine = ctx();
	set_child(mine, "exit", "6");
	create(mine);
	expect_exit(mine, 6);
}

static void configuration_belongs_to_the_opener(void)
{
	int fd = ctx();
	in_fork(config_in_a_forked_child, &fd);
	set_child(fd, "exit", "2");
	create(fd);
	expect_exit(fd, 2);
	close(fd);
}

static void closed_descriptors_are_ebadf(void)
{
	struct procfd_error e;
	int fd = ctx();
	close(fd);
	int bad[] = { fd, -1, INT_MAX, INT_MIN, -100 };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		CHECK_ERR(process_config(bad[i], PROC_SET_UMASK, 0, NULL, 0), EBADF);
		CHECK_ERR(process_config(bad[i], PROC_CREATE, 0, NULL, 0), EBADF);
		CHECK_ERR(process_manage(bad[i], PROC_SIGNAL, 0, NULL, 0), EBADF);
		CHECK_ERR(process_manage(bad[i], PROC_WAIT, 0, NULL, 0), EBADF);
		CHECK_ERR(process_info(bad[i], PROC_INFO_STATE, 0, NULL, 0), EBADF);
		CHECK_ERR(process_info(bad[i], PROC_INFO_ERROR, 0, &e, sizeof e), EBADF);
	}
}

static void unknown_commands_are_einval(void)
{
	int fd = ctx();
	static const uint32_t known[] = { CONFIG_COMMANDS };
	uint32_t bad[] = { 0, 1, 0x200, 0x201, 0x300, 0x305, 0xffffffff };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK_ERR(process_config(fd, bad[i], 0, NULL, 0), EINVAL);
	for (uint32_t cmd = 0xff; cmd <= 0x200; cmd++) {
		int is_known = 0;
		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			is_known |= known[i] == cmd;
		if (!is_known)
			CHECK_ERR(process_config(fd, cmd, 0, NULL, 0), EINVAL);
	}
	set_child(fd, "pause");
	create(fd);
	uint32_t manage[] = { 0, 0x100, 0x103, 0x2fe, 0x2ff, 0x300, 0x301, 0xffffffff };
	for (size_t i = 0; i < sizeof manage / sizeof *manage; i++)
		CHECK_ERR(process_manage(fd, manage[i], 0, NULL, 0), EINVAL);
	uint32_t info[] = { 0, 0x100, 0x200, 0x201, 0x30f, 0x3ff, 0xffffffff };
	for (size_t i = 0; i < sizeof info / sizeof *info; i++)
		CHECK_ERR(process_info(fd, info[i], 0, NULL, 0), EINVAL);
	finish(fd);
}

static void a_number_reused_is_another_context(void)
{
	umask(022);
	int fd = ctx();
	set_child(fd, "exit", "1");
	SET(fd, PROC_SET_UMASK, 0777);
	close(fd);
	int again = ctx();
	int moved = dup2(again, fd); /* whatever number it got, have it at the old one */
	CHECK_EQ(moved, fd);
	set_child(fd, "facts");
	FACT_IS(facts(fd), "umask", "22");
	if (again != fd)
		close(again);
	close(fd);
}

TAP_MAIN(CASE(open_gives_a_descriptor), CASE(open_refuses_unknown_flags),
	 CASE(many_opens_leave_nothing), CASE(many_starts_leave_nothing), CASE(configuring),
	 CASE(running), CASE(exited), CASE(plain_close_leaves_an_ordinary_child),
	 CASE(autoreap_collects_after_the_last_close),
	 CASE(autoreap_of_a_child_that_outlives_its_procfd),
	 CASE(configuration_belongs_to_the_opener), CASE(closed_descriptors_are_ebadf),
	 CASE(unknown_commands_are_einval), CASE(a_number_reused_is_another_context))

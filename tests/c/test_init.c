/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The built-in init of a pid namespace (PROC_SET_INIT). */
#include "filter.h"
#include "watcher.h"

/* Without the watcher, as root in a pid namespace, else with a user namespace around it. */
static int ctx_init(void)
{
	int fd = ctx_flags(PROCFD_NO_WATCH);
	SET(fd, PROC_SET_FLAG, CLONE_NEWPID | (geteuid() ? CLONE_NEWUSER : 0));
	SET(fd, PROC_SET_INIT, 1);
	return fd;
}

static void program_is_pid_two(void)
{
	int fd = ctx_init();
	const char *text = facts(fd);
	FACT_IS(text, "pid", "2");
	FACT_IS(text, "ppid", "1");
	FACT_IS(text, "fds", "0 1 2");
	close(fd);
}

static void status_is_mirrored(void)
{
	static const int codes[] = { 0, 1, 7, 127, 143, 255 };
	static const int signals[] = { SIGKILL, SIGTERM, SIGUSR1 };
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		char n[8];
		int fd = ctx_init();
		snprintf(n, sizeof n, "%d", codes[i]);
		set_child(fd, "exit", n);
		create(fd);
		expect_exit(fd, codes[i]);
		expect_exit(fd, codes[i]); /* and again */
		close(fd);
	}
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		char n[8];
		int fd = ctx_init();
		snprintf(n, sizeof n, "%d", signals[i]);
		set_child(fd, "kill", n);
		create(fd);
		expect_killed(fd, signals[i]);
		close(fd);
	}
}

static void signals_are_forwarded(void)
{
	int fd = ctx_init();
	set_child(fd, "trap", "10");
	int out = create_with_output(fd, NULL);
	read_ready(out);
	struct procfd_signal s = { .flags = PROC_SIGNAL_VALUE, .value = 0x1234 };
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGUSR1, &s, sizeof s), 0);
	char *line = read_line(out);
	if (strncmp(line, "sig=10 code=-1 value=1234", 25))
		FAIL("the program got: %s", line);
	expect_exit(fd, 0);
	close(out);
	close(fd);
}

static void orphans_are_reaped(void)
{
	int fd = ctx_init();
	/* The inner shell's child outlives it and ends as an orphan. Its number can be signalled until it is reaped. */
	set_program(fd, "/bin/sh", "-c",
		    "orphan=$(sh -c 'sleep 0.05 >/dev/null & echo $!');"
		    "while kill -0 $orphan 2>/dev/null; do sleep 0.01; done; exit 5", (char *)NULL);
	create(fd);
	expect_exit(fd, 5);
	close(fd);
}

static void close_ends_the_namespace(void)
{
	int fd = ctx_init();
	set_child(fd, "family");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	int out = create_with_output(fd, NULL), pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	read_ready(out);
	check_alive(pidfd);
	close(fd);
	reap_pidfd(pidfd);
	/* The grandchild held the pipe: its end says that it is gone too. */
	CHECK_STR(slurp(out), "");
	close(out);
	close(pidfd);
	sweep();
}

static void doomed(void *arg)
{
	int fd = ctx_init();
	set_child(fd, "pause");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	create(fd);
	send_fd(*(int *)arg, process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0));
	kill(getpid(), SIGKILL);
}

static void creator_killed(void)
{
	ends_after_its_creator(doomed);
}

static void graceful_close(void)
{
	int fd = ctx_init();
	struct procfd_close c = { .second_signal = SIGKILL, .delay_ns = 50000000 };
	set_child(fd, "pause");
	SET(fd, PROC_SET_SIGIGNORE, 1ULL << (SIGTERM - 1));
	CFG(fd, PROC_SET_CLOSE, SIGTERM, &c, sizeof c);
	create(fd);
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	close(fd);
	reap_pidfd(pidfd);
	close(pidfd);
	sweep();
}

static void without_a_policy_it_goes_on(void)
{
	int fd = ctx_init();
	set_child(fd, "pause");
	create(fd);
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	close(fd);
	check_alive(pidfd);
	CHECK_EQ(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0), 0);
	reap_pidfd(pidfd);
	close(pidfd);
}

static void failures(void)
{
	int fd = ctx_init();
	set_program(fd, "/nonexistent/program", (char *)NULL);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, 0);
	SET(fd, PROC_SET_FLAG, 0);
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_PLAN, -1);
	SET(fd, PROC_SET_FLAG, CLONE_NEWPID | (geteuid() ? CLONE_NEWUSER : 0));
	set_child(fd, "exit", "6");
	create(fd);
	expect_exit(fd, 6);
	CHECK_ERR(process_manage(fd, PROC_SET_CLOSE, SIGKILL, NULL, 0), EOPNOTSUPP);
	close(fd);
	fd = ctx_init();
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_PLAN, -1); /* no program */
	close(fd);
}

static void with_the_watcher(void)
{
	int fd = ctx();
	SET(fd, PROC_SET_FLAG, CLONE_NEWPID | (geteuid() ? CLONE_NEWUSER : 0));
	SET(fd, PROC_SET_INIT, 1);
	set_child(fd, "kill", "15");
	create(fd);
	CHECK_HUNG_UP(fd);
	expect_killed(fd, SIGTERM);
	close(fd);
}

/* The init leaves the creator's table first; the program still gets its terminal. */
static void program_has_a_terminal(void)
{
	char name[64];
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || grantpt(master) || unlockpt(master) || ptsname_r(master, name, sizeof name))
		SKIP("no pseudo terminals");
	int slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	CHECK(slave >= 0);
	int fd = ctx_init();
	SET(fd, PROC_SET_SESSION, 1);
	SET(fd, PROC_SET_CTTY, slave);
	SET(fd, PROC_SET_FOREGROUND, slave);
	const char *t = facts(fd);
	CHECK(strcmp(fact(t, "tty"), "") != 0);
	FACT_IS(t, "pid", "2");
	FACT_IS(t, "fds", "0 1 2");
	close(fd);
	close(slave);
	close(master);
}

/* Without a descriptor for its signals the init ends the program, and its status is true. */
static void init_without_descriptors(void)
{
	const struct rule no_file[] = { { SYS_signalfd4, REFUSE(ENFILE) } };
	int fd = ctx_init();
	set_child(fd, "pause");
	filter(no_file, 1, 0);
	create(fd);
	expect_killed(fd, SIGKILL);
	close(fd);
}

TAP_MAIN(COLD(program_is_pid_two), COLD(program_has_a_terminal), COLD(status_is_mirrored), COLD(signals_are_forwarded),
	 COLD(orphans_are_reaped), COLD(close_ends_the_namespace), COLD(creator_killed),
	 COLD(graceful_close), COLD(without_a_policy_it_goes_on), COLD(failures), COLD(with_the_watcher), COLD(init_without_descriptors))

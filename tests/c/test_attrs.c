// SPDX-License-Identifier: MIT OR Apache-2.0
/* Attributes: signals, session, group, terminal, umask, limits, nice, no_new_privs, death signals. */
#include "filter.h"
#include "util.h"

#include <sys/ioctl.h>

#define BIT(s) (1ULL << ((s) - 1))

static unsigned long long mask_now(void)
{
	unsigned long long m = 0;
	CHECK_EQ(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &m, 8), 0);
	return m;
}

static void signal_mask(void)
{
	int fd = ctx();
	SET(fd, PROC_SET_SIGMASK, BIT(SIGUSR1) | BIT(64) | BIT(SIGHUP));
	CHECK_EQ(fact_x(facts(fd), "blocked"), BIT(SIGUSR1) | BIT(64) | BIT(SIGHUP));
	close(fd);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGRTMAX);
	fd = ctx();
	CFG(fd, PROC_SET_SIGMASK, 0, &set, sizeof set);
	CHECK_EQ(fact_x(facts(fd), "blocked"), BIT(SIGUSR2) | BIT(64));
	close(fd);
}

static void signal_mask_is_the_callers_by_default(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigaddset(&set, SIGUSR1);
	CHECK_EQ(sigprocmask(SIG_SETMASK, &set, NULL), 0);
	int fd = ctx();
	CHECK_EQ(fact_x(facts(fd), "blocked"), BIT(SIGWINCH) | BIT(SIGUSR1));
	close(fd);
	fd = ctx();
	SET(fd, PROC_SET_SIGMASK, 0);
	CHECK_EQ(fact_x(facts(fd), "blocked"), 0);
	close(fd);
}

static void the_callers_mask_stays(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_EQ(sigprocmask(SIG_SETMASK, &set, NULL), 0);
	unsigned long long before = mask_now();
	int fd = ctx();
	CFG(fd, PROC_SET_EXEC, 0, "/nonexistent", 0);
	SET(fd, PROC_SET_SIGMASK, BIT(SIGUSR2));
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, -1);
	CHECK_EQ(mask_now(), before);
	set_child(fd, "exit", "0");
	create(fd);
	CHECK_EQ(mask_now(), before);
	expect_exit(fd, 0);
	close(fd);
}

static void handler(int sig)
{
	(void)sig;
}

static void signal_actions(void)
{
	signal(SIGINT, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, handler);
	int fd = ctx();
	const char *t = facts(fd);
	unsigned long long ign = fact_x(t, "ignored");
	CHECK((ign & BIT(SIGINT)) && (ign & BIT(SIGUSR1)));
	CHECK(!(ign & BIT(SIGUSR2)) && fact_x(t, "caught") == 0);
	close(fd);
	fd = ctx();
	SET(fd, PROC_SET_SIGDEFAULT, BIT(SIGINT));
	SET(fd, PROC_SET_SIGIGNORE, BIT(SIGHUP) | BIT(SIGRTMAX));
	ign = fact_x(facts(fd), "ignored");
	CHECK(!(ign & BIT(SIGINT)));
	CHECK((ign & BIT(SIGUSR1)) && (ign & BIT(SIGHUP)) && (ign & BIT(SIGRTMAX)));
	close(fd);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	fd = ctx();
	CFG(fd, PROC_SET_SIGDEFAULT, 0, &set, sizeof set);
	sigaddset(&set, SIGTERM);
	sigdelset(&set, SIGUSR1);
	CFG(fd, PROC_SET_SIGIGNORE, 0, &set, sizeof set);
	ign = fact_x(facts(fd), "ignored");
	CHECK(!(ign & BIT(SIGUSR1)) && (ign & BIT(SIGTERM)));
	close(fd);
	/* The caller's own dispositions are as they were. */
	struct sigaction sa;
	CHECK_EQ(sigaction(SIGINT, NULL, &sa), 0);
	CHECK(sa.sa_handler == SIG_IGN);
	CHECK_EQ(sigaction(SIGUSR2, NULL, &sa), 0);
	CHECK(sa.sa_handler == handler);
	CHECK_EQ(sigaction(SIGTERM, NULL, &sa), 0);
	CHECK(sa.sa_handler == SIG_DFL);
}

static void all_signals_default(void)
{
	for (int s = 1; s <= 64; s++)
		if (s != SIGKILL && s != SIGSTOP && s != SIGCHLD)
			signal(s, SIG_IGN);
	int fd = ctx();
	sigset_t all;
	sigfillset(&all); /* SIGKILL and SIGSTOP are in it */
	CFG(fd, PROC_SET_SIGDEFAULT, 0, &all, sizeof all);
	/* 32 and 33 are glibc's own: sigfillset leaves them out, and posix_spawn(3), as make uses it, may leave them
	 * ignored. */
	CHECK_EQ(fact_x(facts(fd), "ignored") & ~(3ULL << 31), 0);
	close(fd);
}

static void session(void)
{
	int fd = ctx();
	SET(fd, PROC_SET_SESSION, 1);
	const char *t = facts(fd);
	CHECK_EQ(fact_n(t, "sid"), fact_n(t, "pid"));
	CHECK_EQ(fact_n(t, "pgid"), fact_n(t, "pid"));
	close(fd);
	fd = ctx();
	SET(fd, PROC_SET_SESSION, 1);
	SET(fd, PROC_SET_SESSION, 0);
	t = facts(fd);
	CHECK_EQ(fact_n(t, "sid"), getsid(0));
	CHECK_EQ(fact_n(t, "pgid"), getpgrp());
	CHECK_EQ(fact_n(t, "ppid"), getpid());
	close(fd);
	fd = ctx();
	CHECK_ERR(process_config(fd, PROC_SET_SESSION, 2, NULL, 0), EINVAL);
	close(fd);
}

static void process_group(void)
{
	int leader = ctx(), fd = ctx();
	SET(leader, PROC_SET_PGROUP, 0);
	set_child(leader, "pause");
	pid_t group = create(leader);
	CHECK_EQ(getpgid(group), group);
	SET(fd, PROC_SET_PGROUP, group);
	const char *t = facts(fd);
	CHECK_EQ(fact_n(t, "pgid"), group);
	CHECK_EQ(fact_n(t, "sid"), getsid(0));
	close(fd);
	finish(leader);
	fd = ctx(); /* the group is gone */
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_PGROUP, group);
	CREATE_FAILS(fd, EPERM, PROC_STAGE_PGROUP, -1);
	close(fd);
}

static int open_pty(char *name, size_t size)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || grantpt(master) || unlockpt(master) || ptsname_r(master, name, size))
		SKIP("no pseudo terminals");
	return master;
}

static void controlling_terminal(void)
{
	char name[64];
	int master = open_pty(name, sizeof name);
	int slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	CHECK(slave >= 0);
	int fd = ctx();
	SET(fd, PROC_SET_SESSION, 1);
	SET(fd, PROC_SET_CTTY, slave);
	const char *t = facts(fd);
	CHECK(strcmp(fact(t, "tty"), "") != 0);
	CHECK_EQ(fact_n(t, "tpgid"), fact_n(t, "pid"));
	FACT_IS(t, "fds", "0 1 2");
	close(fd);
	/* The caller's number: what the list does to it does not matter. */
	fd = ctx();
	SET(fd, PROC_SET_CTTY, slave);
	SET(fd, PROC_FD_NULL, slave);
	SET(fd, PROC_FD_CLOSE, slave);
	SET(fd, PROC_SET_SESSION, 1);
	t = facts(fd);
	CHECK_EQ(fact_n(t, "tpgid"), fact_n(t, "pid"));
	close(fd);
	fd = ctx(); /* needs a session */
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_CTTY, slave);
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_PLAN, -1);
	close(fd);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_SESSION, 1);
	SET(fd, PROC_SET_CTTY, null);
	CREATE_FAILS(fd, ENOTTY, PROC_STAGE_CTTY, -1);
	close(fd);
	close(null);
	close(slave);
	close(master);
}

/* The case becomes the leader of a session with a terminal of its own, in a process that may. */
static void foreground_in_session(void *arg)
{
	(void)arg;
	char name[64];
	CHECK(setsid() > 0);
	int master = open_pty(name, sizeof name);
	int slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	CHECK(master >= 0 && slave >= 0);
	CHECK_EQ(ioctl(slave, TIOCSCTTY, 0), 0);
	CHECK_EQ(tcgetpgrp(slave), getpgrp());
	int fd = ctx();
	SET(fd, PROC_SET_FOREGROUND, slave);
	SET(fd, PROC_SET_PGROUP, 0);
	const char *t = facts(fd);
	CHECK_EQ(fact_n(t, "pgid"), fact_n(t, "pid"));
	CHECK_EQ(fact_n(t, "tpgid"), fact_n(t, "pid"));
	CHECK_EQ(fact_x(t, "blocked"), mask_now());
	close(fd);
	/* From the background as well: the SIGTTOU that a careless call earns does not stop it. */
	fd = ctx();
	SET(fd, PROC_SET_PGROUP, 0);
	SET(fd, PROC_SET_FOREGROUND, slave);
	t = facts(fd);
	CHECK_EQ(fact_n(t, "tpgid"), fact_n(t, "pid"));
	close(fd);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_PGROUP, 0);
	SET(fd, PROC_SET_FOREGROUND, null);
	CREATE_FAILS(fd, ENOTTY, PROC_STAGE_FOREGROUND, -1);
	close(fd);
	signal(SIGHUP, SIG_IGN);
	_exit(0);
}

static void foreground(void)
{
	char name[64];
	close(open_pty(name, sizeof name)); /* or skip */
	in_fork(foreground_in_session, NULL);
}

static void file_mode_mask(void)
{
	umask(022);
	int fd = ctx();
	FACT_IS(facts(fd), "umask", "22");
	close(fd);
	fd = ctx();
	SET(fd, PROC_SET_UMASK, 077);
	FACT_IS(facts(fd), "umask", "77");
	close(fd);
	fd = ctx();
	SET(fd, PROC_SET_UMASK, 0);
	FACT_IS(facts(fd), "umask", "0");
	close(fd);
	CHECK_EQ(umask(022), 022);
	fd = ctx();
	CHECK_ERR(process_config(fd, PROC_SET_UMASK, 010000, NULL, 0), EINVAL);
	close(fd);
}

static void set_limit(int fd, int resource, uint64_t soft, uint64_t hard)
{
	struct procfd_rlimit l = { soft, hard };
	CFG(fd, PROC_SET_RLIMIT, (uint64_t)resource, &l, sizeof l);
}

static void resource_limits(void)
{
	char key[32];
	int fd = ctx();
	set_limit(fd, RLIMIT_CORE, 0, 0);
	set_limit(fd, RLIMIT_CPU, 100, 200);
	set_limit(fd, RLIMIT_FSIZE, 1000, 2000);
	set_limit(fd, RLIMIT_FSIZE, 3000000, 4000000); /* the last one counts */
	const char *t = facts(fd);
	FACT_IS(t, (snprintf(key, sizeof key, "rlimit.%d", RLIMIT_CORE), key), "0 0");
	FACT_IS(t, (snprintf(key, sizeof key, "rlimit.%d", RLIMIT_CPU), key), "100 200");
	FACT_IS(t, (snprintf(key, sizeof key, "rlimit.%d", RLIMIT_FSIZE), key), "3000000 4000000");
	close(fd);
	struct rlimit mine;
	CHECK_EQ(getrlimit(RLIMIT_FSIZE, &mine), 0);
	CHECK(mine.rlim_cur != 3000000);
	if (mine.rlim_max == RLIM_INFINITY) {
		fd = ctx();
		set_limit(fd, RLIMIT_FSIZE, UINT64_MAX, UINT64_MAX);
		snprintf(key, sizeof key, "rlimit.%d", RLIMIT_FSIZE);
		FACT_IS(facts(fd), key, "18446744073709551615 18446744073709551615");
		close(fd);
	}
	struct procfd_rlimit bad = { 2, 1 };
	fd = ctx();
	CHECK_ERR(process_config(fd, PROC_SET_RLIMIT, RLIMIT_CPU, &bad, sizeof bad), EINVAL);
	bad.soft = 1;
	CHECK_ERR(process_config(fd, PROC_SET_RLIMIT, 999, &bad, sizeof bad), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_RLIMIT, RLIMIT_CPU, NULL, 0), EFAULT);
	close(fd);
}

static void raising_a_hard_limit(void)
{
	struct rlimit low = { 50, 60 };
	CHECK_EQ(setrlimit(RLIMIT_CPU, &low), 0);
	/* Root need not have the capability. */
	struct rlimit high = { 50, 70 };
	int root = geteuid() == 0 && setrlimit(RLIMIT_CPU, &high) == 0;
	CHECK_EQ(setrlimit(RLIMIT_CPU, &low), 0);
	for (int pass = 0; pass < 1 + root; pass++) {
		int fd = ctx();
		set_limit(fd, RLIMIT_CORE, 0, 0);
		set_limit(fd, RLIMIT_CPU, 50, 100);
		if (root && pass == 0) {
			char key[32];
			snprintf(key, sizeof key, "rlimit.%d", RLIMIT_CPU);
			FACT_IS(facts(fd), key, "50 100");
		} else {
			become_nobody();
			set_child(fd, "exit", "0");
			CREATE_FAILS(fd, EPERM, PROC_STAGE_RLIMIT, RLIMIT_CPU);
		}
		close(fd);
	}
}

static void nice_value(void)
{
	int fd = ctx();
	int start = getpriority(PRIO_PROCESS, 0), nice = nicer(7);
	SET(fd, PROC_SET_NICE, nice);
	CHECK_EQ(fact_n(facts(fd), "nice"), nice);
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), start);
	close(fd);
	fd = ctx();
	CHECK_ERR(process_config(fd, PROC_SET_NICE, 20, NULL, 0), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_NICE, (uint64_t)-21, NULL, 0), EINVAL);
	SET(fd, PROC_SET_NICE, -20);
	if (geteuid() == 0)
		CHECK_EQ(fact_n(facts(fd), "nice"), -20);
	close(fd);
	struct rlimit none = { 0, 0 };
	CHECK_EQ(setrlimit(RLIMIT_NICE, &none), 0);
	become_nobody();
	fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_NICE, -1);
	CREATE_FAILS(fd, EACCES, PROC_STAGE_NICE, -1);
	close(fd);
}

static void timer_slack(void)
{
	int own = prctl(PR_GET_TIMERSLACK), fd = ctx();
	set_program(fd, "/bin/cat", "/proc/self/timerslack_ns", (char *)NULL);
	SET(fd, PROC_SET_TIMERSLACK, 123456);
	int copy = process_config(fd, PROC_COPY, 0, NULL, 0), output = create_with_output(fd, NULL);
	CHECK_STR(slurp(output), "123456\n");
	close(output);
	CHECK_EQ(prctl(PR_GET_TIMERSLACK), own);
	/* 0 takes it back. */
	char inherited[32];
	snprintf(inherited, sizeof inherited, "%d\n", own);
	SET(copy, PROC_SET_TIMERSLACK, 0);
	output = create_with_output(copy, NULL);
	CHECK_STR(slurp(output), inherited);
	close(output);
	wait_end(fd);
	wait_end(copy);
	close(copy);
	close(fd);
	fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_TIMERSLACK, 2000000000);
	refuse_argument(SYS_prctl, 0, ~0U, PR_SET_TIMERSLACK, 1, EACCES);
	CREATE_FAILS(fd, EACCES, PROC_STAGE_TIMERSLACK, 0);
	struct procfd_error e = last_error(fd);
	CHECK(strstr(e.message, "set the timer slack 2000000000 ns: ") != NULL);
	close(fd);
}

static void no_new_privs(void)
{
	int fd = ctx();
	FACT_IS(facts(fd), "nnp", "0");
	close(fd);
	fd = ctx();
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	FACT_IS(facts(fd), "nnp", "1");
	close(fd);
	CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
	fd = ctx();
	CHECK_ERR(process_config(fd, PROC_SET_NO_NEW_PRIVS, 2, NULL, 0), EINVAL);
	close(fd);
}

static void parent_death_signal(void)
{
	int fd = ctx();
	SET(fd, PROC_SET_PDEATHSIG, SIGTERM);
	CHECK_EQ(fact_n(facts(fd), "pdeathsig"), SIGTERM);
	close(fd);
	fd = ctx();
	SET(fd, PROC_SET_PDEATHSIG, SIGTERM);
	SET(fd, PROC_SET_PDEATHSIG, 0);
	CHECK_EQ(fact_n(facts(fd), "pdeathsig"), 0);
	close(fd);
	fd = ctx();
	CHECK_ERR(process_config(fd, PROC_SET_PDEATHSIG, 65, NULL, 0), EINVAL);
	close(fd);
}

static void creator_that_dies(void *arg)
{
	int fd = ctx();
	set_child(fd, "pause");
	SET(fd, PROC_SET_PDEATHSIG, SIGKILL);
	create(fd);
	send_fd(*(int *)arg, process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0));
	pause();
}

static void parent_death_ends_the_child(void)
{
	int s[2];
	socket_pair(s);
	pid_t creator = fork_run(creator_that_dies, &s[1]);
	int pidfd = recv_fd(s[0]);
	check_alive(pidfd);
	kill_and_reap(creator);
	CHECK_ENDS(pidfd);
	close(pidfd);
	close(s[0]);
	close(s[1]);
}

static void bad_values(void)
{
	int fd = ctx();
	CHECK_ERR(process_config(fd, PROC_SET_EXIT_SIGNAL, 65, NULL, 0), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_EXIT_SIGNAL, 1000, NULL, 0), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_CLOSE, 65, NULL, 0), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_CLOSE, (uint64_t)-1, NULL, 0), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_PDEATHSIG, 1ULL << 32, NULL, 0), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_SESSION, 1ULL << 32, NULL, 0), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_PGROUP, 1ULL << 32, NULL, 0), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_PGROUP, (uint64_t)-5, NULL, 0), EINVAL);
	close(fd);
}

TAP_MAIN(CASE(signal_mask), CASE(signal_mask_is_the_callers_by_default),
	 CASE(the_callers_mask_stays), CASE(signal_actions), CASE(all_signals_default),
	 CASE(session), CASE(process_group), CASE(controlling_terminal), CASE(foreground),
	 CASE(file_mode_mask), CASE(resource_limits), CASE(raising_a_hard_limit), CASE(nice_value), CASE(timer_slack),
	 CASE(no_new_privs), CASE(parent_death_signal), CASE(parent_death_ends_the_child),
	 CASE(bad_values))

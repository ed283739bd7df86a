// SPDX-License-Identifier: MIT OR Apache-2.0
/* PROC_CREATE without a program: a fork that returns 0 in the child. */
#include "util.h"

#include <sys/stat.h>

/* Like create(), but 0 in the child is an answer. */
static int fork_by(int fd)
{
	int pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	if (pid < 0) {
		struct procfd_error e = last_error(fd);
		FAIL("stage %u: %s", e.stage, e.message);
	}
	if (pid == 0)
		alarm(CHILD_LIFE);
	return pid;
}

static void child_and_parent(void)
{
	struct out o = make_pipe();
	static int here = 1;
	int fd = ctx(), pid = fork_by(fd);
	if (pid == 0) {
		here = 2;
		dprintf(o.w, "%d %d %d", getpid(), getppid(), fcntl(fd, F_GETFD));
		_exit(here * 21);
	}
	close(o.w);
	int child, parent, held;
	CHECK_EQ(sscanf(slurp(o.r), "%d %d %d", &child, &parent, &held), 3);
	CHECK_EQ(child, pid);
	CHECK_EQ(parent, getpid());
	CHECK_EQ(held, -1); /* it does not hold its own procfd */
	CHECK_EQ(here, 1);
	expect_exit(fd, 42);
	close(o.r);
	close(fd);
}

static void descriptors_stay(void)
{
	struct out keep = make_pipe();
	int fd = ctx();
	if (fork_by(fd) == 0)
		_exit(write(keep.w, "k", 1) == 1 ? 0 : 1);
	char c;
	CHECK_EQ(read(keep.r, &c, 1), 1);
	expect_exit(fd, 0);
	close(keep.r);
	close(keep.w);
	close(fd);
}

static void the_library_works_in_the_child(void)
{
	int other = ctx(), fd = ctx();
	set_child(other, "exit", "0");
	if (fork_by(fd) == 0) {
		CHECK_ERR(process_config(other, PROC_CREATE, 0, NULL, 0), EPERM);
		CHECK_ERR(process_config(other, PROC_SET_UMASK, 0, NULL, 0), EPERM);
		CHECK_EQ(state(other), PROC_STATE_CONFIGURING);
		for (int i = 0; i < 3; i++) {
			int mine = ctx();
			set_child(mine, "exit", "12");
			SET(mine, PROC_SET_CLOSE, SIGKILL);
			create(mine);
			expect_exit(mine, 12);
			close(mine);
		}
		sweep();
		_exit(9);
	}
	expect_exit(fd, 9);
	create(other);
	expect_exit(other, 0);
	close(other);
	close(fd);
}

static void forks_within_forks(void)
{
	int fd = ctx();
	if (fork_by(fd) == 0) {
		int inner = ctx();
		if (fork_by(inner) == 0) {
			int innermost = ctx();
			if (fork_by(innermost) == 0)
				_exit(3);
			expect_exit(innermost, 3);
			_exit(2);
		}
		expect_exit(inner, 2);
		_exit(1);
	}
	expect_exit(fd, 1);
	close(fd);
}

static void attributes(void)
{
	struct out o = make_pipe();
	struct procfd_rlimit l = { 11, 22 };
	char key[32];
	int fd = ctx();
	SET(fd, PROC_SET_UMASK, 071);
	CFG(fd, PROC_SET_CWD, 0, "/usr", 0);
	SET(fd, PROC_SET_SESSION, 1);
	SET(fd, PROC_SET_NICE, nicer(2));
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	SET(fd, PROC_SET_SIGMASK, 1ULL << (SIGHUP - 1));
	SET(fd, PROC_SET_PDEATHSIG, SIGTERM);
	CFG(fd, PROC_SET_RLIMIT, RLIMIT_CPU, &l, sizeof l);
	SET(fd, PROC_FD_NULL, 90);
	if (fork_by(fd) == 0) {
		char *argv[] = { NULL };
		say("has90=%d\n", fcntl(90, F_GETFD));
		say_facts(0, argv);
		_exit(say_flush(o.w) ? 1 : 0);
	}
	close(o.w);
	const char *t = slurp(o.r);
	close(o.r);
	expect_exit(fd, 0);
	close(fd);
	FACT_IS(t, "umask", "71");
	FACT_IS(t, "cwd", "/usr");
	CHECK_EQ(fact_n(t, "nice"), nicer(2));
	FACT_IS(t, "nnp", "1");
	FACT_IS(t, "pdeathsig", "15");
	CHECK_EQ(fact_x(t, "blocked"), 1ULL << (SIGHUP - 1));
	CHECK_EQ(fact_n(t, "sid"), fact_n(t, "pid"));
	FACT_IS(t, (snprintf(key, sizeof key, "rlimit.%d", RLIMIT_CPU), key), "11 22");
	CHECK_EQ(fact_n(t, "has90"), 0);
}

static void mask_and_handlers_are_the_callers(void)
{
	sigset_t set, now;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK_EQ(sigprocmask(SIG_SETMASK, &set, NULL), 0);
	int fd = ctx();
	if (fork_by(fd) == 0) {
		sigprocmask(SIG_SETMASK, NULL, &now);
		_exit(sigismember(&now, SIGUSR2) && !sigismember(&now, SIGTERM) &&
		      !sigismember(&now, SIGUSR1) ? 0 : 1);
	}
	sigprocmask(SIG_SETMASK, NULL, &now);
	CHECK(sigismember(&now, SIGUSR2) && !sigismember(&now, SIGTERM));
	expect_exit(fd, 0);
	close(fd);
}

static void in_namespaces(void)
{
	struct procfd_idmap u = { 0, getuid(), 1, 0 }, g = { 0, getgid(), 1, 0 };
	struct out o = make_pipe();
	int fd = ctx();
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWUTS);
	CFG(fd, PROC_SET_UID_MAP, 0, &u, sizeof u);
	CFG(fd, PROC_SET_GID_MAP, 0, &g, sizeof g);
	CFG(fd, PROC_SET_HOSTNAME, 0, "forked", 0);
	int pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	if (pid == 0) {
		char name[65] = "";
		gethostname(name, sizeof name);
		dprintf(o.w, "%d %d %d %s", getpid(), getuid(), getgid(), name);
		_exit(0);
	}
	if (pid < 0 && last_error(fd).stage == PROC_STAGE_CLONE)
		SKIP("no user namespaces for this user");
	CHECK(pid > 1);
	close(o.w);
	CHECK_STR(slurp(o.r), "1 0 0 forked");
	close(o.r);
	expect_exit(fd, 0);
	close(fd);
}

static void several_map_lines_as_root(void)
{
	NEED_ROOT();
	struct procfd_idmap m[] = { { 0, 0, 1, 0 }, { 1, 1000, 5, 0 } };
	int fd = ctx();
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER);
	CFG(fd, PROC_SET_UID_MAP, 0, m, sizeof m);
	SET(fd, PROC_SET_UID, 3);
	if (fork_by(fd) == 0)
		_exit((int)getuid() + 10);
	expect_exit(fd, 13);
	close(fd);
}

/* The list of actions may use the numbers that the library takes for itself during the start. */
static void actions_at_any_number(void)
{
	int lowest = dup(0);
	close(lowest);
	for (int n = lowest; n < lowest + 12; n++) {
		int fd = ctx_flags(n & 1 ? 0 : PROCFD_NO_WATCH);
		SET(fd, PROC_FD_NULL, n);
		if (fork_by(fd) == 0) {
			struct stat st;
			_exit(fstat(n, &st) || !S_ISCHR(st.st_mode));
		}
		expect_exit(fd, 0);
		close(fd);
	}
	/* All of them closed. */
	int fd = ctx();
	struct procfd_range all = { .first = 0, .last = UINT32_MAX };
	CFG(fd, PROC_FD_CLOSE_RANGE, 0, &all, sizeof all);
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	if (fork_by(fd) == 0) {
		int open_ones = 0;
		for (int n = 0; n < 1024; n++)
			open_ones += fcntl(n, F_GETFD) >= 0;
		_exit(open_ones);
	}
	expect_exit(fd, 0);
	close(fd);
	/* Below 3, where the program has closed the standard ones. */
	int kept = fcntl(0, F_DUPFD_CLOEXEC, 100);
	fd = ctx();
	close(0);
	SET(fd, PROC_FD_NULL, 0);
	if (fork_by(fd) == 0) {
		struct stat st;
		_exit(fstat(0, &st) || !S_ISCHR(st.st_mode));
	}
	expect_exit(fd, 0);
	close(fd);
	CHECK_EQ(dup2(kept, 0), 0);
	close(kept);
}

/* The child fails at a step before it waits for its maps: the creator's word comes too late, or is left unread. */
static void failing_before_the_maps_as_root(void)
{
	if (geteuid())
		SKIP("needs root");
	need_user_namespaces();
	struct procfd_idmap m[] = { { 0, 0, 1, 0 }, { 1, 1000, 5, 0 } };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; i < 60; i++) {
		int fd = ctx();
		SET(fd, PROC_SET_FLAG, CLONE_NEWUSER);
		CFG(fd, PROC_SET_UID_MAP, 0, m, sizeof m);
		CFG(fd, PROC_SET_GID_MAP, 0, m, sizeof m);
		SET(fd, PROC_SET_SESSION, 1);
		SET(fd, PROC_SET_CTTY, null);
		CREATE_FAILS(fd, ENOTTY, PROC_STAGE_CTTY, 0);
		close(fd);
	}
	/* The maps themselves are refused: the child waits for them. */
	m[1].inside = 0;
	int fd = ctx();
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER);
	CFG(fd, PROC_SET_UID_MAP, 0, m, sizeof m);
	CFG(fd, PROC_SET_GID_MAP, 0, m, sizeof m);
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_UID_MAP, 0);
	close(fd);
	close(null);
}

static void a_close_policy(void)
{
	int fd = ctx();
	SET(fd, PROC_SET_CLOSE, SIGTERM);
	int pid = fork_by(fd);
	if (pid == 0)
		for (;;)
			pause();
	int pidfd = sys_pidfd_open(pid), copy = dup(fd);
	close(fd);
	check_alive(pidfd);
	close(copy);
	CHECK_EQ(reap_pidfd(pidfd), SIGTERM);
	close(pidfd);
}

static void a_policy_changed_and_disarmed(void)
{
	int fd = ctx();
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	int pid = fork_by(fd);
	if (pid == 0)
		for (;;)
			pause();
	int pidfd = sys_pidfd_open(pid);
	CHECK_EQ(process_manage(fd, PROC_SET_CLOSE, 0, NULL, 0), 0);
	CHECK_EQ(process_manage(fd, PROC_SET_CLOSE, SIGUSR1, NULL, 0), 0);
	close(fd);
	CHECK_EQ(reap_pidfd(pidfd), SIGUSR1);
	close(pidfd);
}

static void a_group_policy(void)
{
	struct procfd_close c = { .scope = PROC_SCOPE_PGROUP };
	struct out o = make_pipe();
	int fd = ctx();
	SET(fd, PROC_SET_PGROUP, 0);
	CFG(fd, PROC_SET_CLOSE, SIGKILL, &c, sizeof c);
	int pid = fork_by(fd);
	if (pid == 0) {
		pid_t member = fork();
		if (member)
			dprintf(o.w, "ready %d\n", member);
		for (;;)
			pause();
	}
	close(o.w);
	int member = sys_pidfd_open(read_ready(o.r)), pidfd = sys_pidfd_open(pid);
	close(fd);
	CHECK_EQ(reap_pidfd(pidfd), SIGKILL);
	CHECK_ENDS(member);
	close(member);
	close(pidfd);
	close(o.r);
}

/* A failing step: told to the parent, and the child never returns from the call. */
static void failing_steps(void)
{
	int me = getpid();
	for (int how = 0; how < 3; how++) {
		struct out o = make_pipe();
		int fd = ctx();
		if (how == 0)
			CFG(fd, PROC_SET_CWD, 0, "/nonexistent", 0);
		else if (how == 1)
			set_dup(fd, 999, 4);
		else
			SET(fd, PROC_SET_PGROUP, 1);
		if (how)
			SET(fd, PROC_SET_CLOSE, SIGKILL);
		int rc = process_config(fd, PROC_CREATE, 0, NULL, 0), err = errno;
		if (getpid() != me) {
			(void)!write(o.w, "came back", 9);
			_exit(1);
		}
		CHECK_EQ(rc, -1);
		CHECK_EQ(err, how == 0 ? ENOENT : how == 1 ? EBADF : EPERM);
		CHECK_EQ(last_error(fd).stage, how == 0 ? PROC_STAGE_CWD : how == 1 ? PROC_STAGE_FD :
								PROC_STAGE_PGROUP);
		close(o.w);
		CHECK_STR(slurp(o.r), "");
		CHECK_EQ(tap_children(NULL, 0), 0);
		close(o.r);
		close(fd);
	}
}

static void exit_signals(void)
{
	sigset_t set, pending;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGUSR1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	static const int sigs[] = { SIGUSR1, 0, SIGCHLD };
	for (int i = 0; i < 3; i++) {
		struct timespec none = { 0, 0 };
		while (sigtimedwait(&set, NULL, &none) > 0)
			;
		int fd = ctx();
		SET(fd, PROC_SET_EXIT_SIGNAL, sigs[i]);
		if (fork_by(fd) == 0)
			_exit(30 + i);
		expect_exit(fd, 30 + i); /* waited for, whatever the signal */
		CHECK_EQ(sigpending(&pending), 0);
		CHECK_EQ(sigismember(&pending, SIGUSR1), sigs[i] == SIGUSR1);
		CHECK_EQ(sigismember(&pending, SIGCHLD), sigs[i] == SIGCHLD);
		close(fd);
	}
}

/* The allocator's locks, held by other threads at the fork, are not held in the child. */
static atomic_int hammering;

static void *hammer(void *arg)
{
	(void)arg;
	while (atomic_load(&hammering)) {
		void *p[50];
		for (int i = 0; i < 50; i++)
			p[i] = malloc((size_t)i * 100 + 1);
		for (int i = 0; i < 50; i++)
			free(p[i]);
	}
	return NULL;
}

static void with_busy_threads(void)
{
#ifdef __SANITIZE_ADDRESS__
	SKIP("the runtime's allocator may be locked in a copy that fork(3) did not make");
#endif
	enum { FORKS = 100 };
	pthread_t t[3];
	atomic_store(&hammering, 1);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, hammer, NULL), 0);
	for (int i = 0; i < FORKS; i++) {
		int fd = ctx();
		if (fork_by(fd) == 0) {
			char *text = NULL;
			for (int j = 0; j < 20; j++) {
				text = malloc(5000);
				snprintf(text, 5000, "%d", j);
				if (j < 19)
					free(text);
			}
			_exit(atoi(text));
		}
		expect_exit(fd, 19);
		close(fd);
	}
	atomic_store(&hammering, 0);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
}

TAP_MAIN(CASE(child_and_parent), CASE(descriptors_stay), CASE(the_library_works_in_the_child),
	 CASE(forks_within_forks), CASE(attributes), CASE(mask_and_handlers_are_the_callers),
	 CASE(in_namespaces), CASE(several_map_lines_as_root), CASE(failing_before_the_maps_as_root),
	 CASE(actions_at_any_number), CASE(a_close_policy),
	 CASE(a_policy_changed_and_disarmed), CASE(a_group_policy), CASE(failing_steps),
	 CASE(exit_signals), CASE(with_busy_threads))

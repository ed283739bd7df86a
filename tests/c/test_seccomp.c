// SPDX-License-Identifier: MIT OR Apache-2.0
/* System calls that a filter refuses: the same results by another way, or a plain error. */
#include "util.h"
#include "filter.h"

/* ---- the same by another way ---- */

/* A fair part of what there is, in a few starts. */
static void the_usual_works(void)
{
	int held[30], in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	for (int i = 0; i < 30; i++)
		held[i] = open("/dev/null", O_RDWR);
	signal(SIGUSR1, SIG_IGN);
	int fd = ctx();
	SET(fd, PROC_SET_UMASK, 033);
	SET(fd, PROC_SET_SESSION, 1);
	SET(fd, PROC_SET_SIGMASK, 1ULL << (SIGHUP - 1));
	CFG(fd, PROC_SET_CWD, 0, "/usr", 0);
	set_dup(fd, in, 60);
	if (geteuid() == 0)
		SET(fd, PROC_SET_UID, 1234);
	const char *t = facts(fd);
	FACT_IS(t, "umask", "33");
	FACT_IS(t, "cwd", "/usr");
	FACT_IS(t, "fds", "0 1 2 60");
	CHECK_EQ(fact_n(t, "sid"), fact_n(t, "pid"));
	CHECK_EQ(fact_x(t, "blocked"), 1ULL << (SIGHUP - 1));
	CHECK(fact_x(t, "ignored") & 1ULL << (SIGUSR1 - 1));
	CHECK_EQ(fact_x(t, "caught"), 0);
	close(fd);
	fd = ctx(); /* a close policy */
	set_child(fd, "pause");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	create(fd);
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	check_alive(pidfd);
	close(fd);
	CHECK_EQ(reap_pidfd(pidfd), SIGKILL);
	close(pidfd);
	fd = ctx(); /* a failure, and a second try */
	CFG(fd, PROC_SET_EXEC, 0, "/nonexistent", 0);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, -1);
	CHECK_EQ(tap_children(NULL, 0), 0);
	set_child(fd, "pause");
	create(fd);
	CHECK_EQ(state(fd), PROC_STATE_RUNNING);
	struct procfd_wait w = { .timeout_ns = 1000 };
	CHECK_ERR(process_manage(fd, PROC_WAIT, 0, &w, sizeof w), ETIMEDOUT);
	finish(fd);
	for (int i = 0; i < 30; i++)
		close(held[i]);
	close(in);
	sweep();
}

static void usual_without_clone3(void *arg)
{
	refuse(SYS_clone3, *(int *)arg);
	the_usual_works();
}

static void clone3_refused(void)
{
	int errs[] = { ENOSYS, EPERM };
	for (int i = 0; i < 2; i++)
		in_fork(usual_without_clone3, &errs[i]);
}

static void clone3_refused_in_namespaces(void)
{
	need_user_namespaces();
	refuse(SYS_clone3, EPERM);
	struct procfd_idmap u = { 0, getuid(), 1, 0 }, g = { 0, getgid(), 1, 0 };
	int fd = ctx();
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWNS);
	CFG(fd, PROC_SET_UID_MAP, 0, &u, sizeof u);
	CFG(fd, PROC_SET_GID_MAP, 0, &g, sizeof g);
	CFG(fd, PROC_SET_HOSTNAME, 0, "filtered", 0);
	const char *t = facts(fd);
	CHECK_EQ(fact_n(t, "pid"), 1);
	FACT_IS(t, "uid", "0 0 0");
	FACT_IS(t, "hostname", "filtered");
	close(fd);
}

static atomic_int strange, stop;
static int own_pid;

static void handler(int sig)
{
	(void)sig;
	if ((int)syscall(SYS_getpid) != own_pid)
		atomic_store(&strange, 1);
}

static void *signal_the_group(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop)) {
		killpg(own_pid, SIGWINCH);
		usleep(20);
	}
	return NULL;
}

/* Without CLONE_CLEAR_SIGHAND the handlers have to go some other way. */
static void clone3_refused_with_handlers(void)
{
	struct sigaction sa = { 0 }, now;
	sa.sa_handler = handler;
	sa.sa_flags = SA_RESTART;
	own_pid = getpid();
	CHECK_EQ(getpgrp(), own_pid);
	CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	CHECK_EQ(sigaction(SIGWINCH, &sa, NULL), 0);
	signal(SIGTERM, SIG_IGN);
	pthread_t thread;
	CHECK_EQ(pthread_create(&thread, NULL, signal_the_group, NULL), 0);
	refuse(SYS_clone3, ENOSYS);
	for (int i = 0; i < 100; i++) {
		int fd = ctx();
		set_child(fd, "exit", "0");
		create(fd);
		struct procfd_wait w = { .timeout_ns = FOREVER_MS * 1000000ULL };
		while (process_manage(fd, PROC_WAIT, 0, &w, sizeof w))
			CHECK_EQ(errno, EINTR);
		close(fd);
	}
	atomic_store(&stop, 1);
	pthread_join(thread, NULL);
	CHECK(!atomic_load(&strange));
	int fd = ctx();
	const char *t = facts(fd);
	CHECK_EQ(fact_x(t, "caught"), 0);
	CHECK(fact_x(t, "ignored") & 1ULL << (SIGTERM - 1));
	close(fd);
	fd = ctx();
	SET(fd, PROC_SET_SIGDEFAULT, 1ULL << (SIGTERM - 1));
	CHECK(!(fact_x(facts(fd), "ignored") & 1ULL << (SIGTERM - 1)));
	close(fd);
	CHECK_EQ(sigaction(SIGUSR1, NULL, &now), 0);
	CHECK(now.sa_handler == handler);
	CHECK_EQ(sigaction(SIGWINCH, NULL, &now), 0);
	CHECK(now.sa_handler == handler);
}

/* The architectures that Linux got later have neither. */
#ifdef SYS_fork
#define OLD_FORKS { SYS_fork, REFUSE(EPERM) }, { SYS_vfork, REFUSE(EPERM) }
#else
#define OLD_FORKS
#endif

static void usual_without_copies(void *arg)
{
	struct rule r[] = { { SYS_clone3, REFUSE(*(int *)arg) }, OLD_FORKS };
	filter(r, sizeof r / sizeof *r, 1);
	the_usual_works();
}

static void never_a_copy_of_the_memory(void)
{
	int errs[] = { ENOSYS, EPERM };
	for (int i = 0; i < 2; i++)
		in_fork(usual_without_copies, &errs[i]);
}

static void no_way_to_clone_at_all(void)
{
	struct rule r[] = { { SYS_clone3, REFUSE(EPERM) },
			    { SYS_clone, REFUSE(EPERM) },
			    OLD_FORKS };
	int fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	filter(r, sizeof r / sizeof *r, 0);
	for (int i = 0; i < 3; i++)
		CREATE_FAILS(fd, EPERM, PROC_STAGE_CLONE, -1);
	CHECK_EQ(state(fd), PROC_STATE_CONFIGURING);
	close(fd);
}

static void without_close_range(void *arg)
{
	refuse(SYS_close_range, *(int *)arg);
	the_usual_works();
	struct procfd_range range = { 70, 80 };
	int fd = ctx();
	for (int n = 68; n < 84; n++)
		SET(fd, PROC_FD_NULL, n);
	CFG(fd, PROC_FD_CLOSE_RANGE, 0, &range, sizeof range);
	FACT_IS(facts(fd), "fds", "0 1 2 68 69 81 82 83");
	close(fd);
}

static void close_range_refused(void)
{
	int errs[] = { ENOSYS, EPERM };
	for (int i = 0; i < 2; i++)
		in_fork(without_close_range, &errs[i]);
}

static void clone3_and_close_range_refused(void)
{
	struct rule r[] = { { SYS_clone3, REFUSE(ENOSYS) }, { SYS_close_range, REFUSE(ENOSYS) } };
	filter(r, 2, 1);
	the_usual_works();
}

static void without_a_way_out_of_the_table(void *arg)
{
	int e = *(int *)arg;
	struct rule r[] = { { SYS_close_range, REFUSE(e) }, { SYS_unshare, REFUSE(e) } };
	int fd = ctx(), before;
	set_child(fd, "exit", "3");
	filter(r, 2, 0);
	before = tap_fds(NULL, 0);
	/* The watcher could not leave the table of this process, and says so. */
	for (int i = 0; i < 3; i++)
		CREATE_FAILS(fd, e, PROC_STAGE_WATCHER, -1);
	CHECK(strstr(last_error(fd).message, "descriptor table"));
	CHECK(strstr(last_error(fd).message, "PROCFD_NO_WATCH"));
	CHECK_EQ(state(fd), PROC_STATE_CONFIGURING);
	CHECK_EQ(tap_fds(NULL, 0), before);
	CHECK_ERR(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
	close(fd);
	/* Without it, the table is copied at the clone. */
	int open_here = open("/dev/null", O_RDWR);
	fd = ctx_flags(PROCFD_NO_WATCH);
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	const char *t = facts(fd);
	FACT_IS(t, "fds", "0 1 2");
	close(fd);
	close(open_here);
	fd = ctx_flags(PROCFD_NO_WATCH);
	CFG(fd, PROC_SET_EXEC, 0, "/nonexistent", 0);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, -1);
	CHECK_ERR(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
	close(fd);
}

static void close_range_and_unshare_refused(void)
{
	int errs[] = { ENOSYS, EPERM };
	for (int i = 0; i < 2; i++)
		in_fork(without_a_way_out_of_the_table, &errs[i]);
	/* With a watcher that started before the filter did. */
	struct rule r[] = { { SYS_close_range, REFUSE(EPERM) }, { SYS_unshare, REFUSE(EPERM) } };
	filter(r, 2, 0);
	the_usual_works();
}

/* ---- plain errors ---- */

static void pidfd_getfd_refused(void)
{
	int fd = ctx();
	set_child(fd, "pause");
	create(fd);
	refuse(SYS_pidfd_getfd, EPERM);
	CHECK_ERR(process_manage(fd, PROC_GETFD, 0, NULL, 0), EPERM);
	finish(fd);
	the_usual_works();
}

static void pidfd_ioctls_refused(void)
{
	int fd = ctx();
	set_child(fd, "pause");
	pid_t pid = create(fd);
	refuse(SYS_ioctl, ENOTTY);
	CHECK_EQ(process_info(fd, PROC_INFO_PID, 0, NULL, 0), pid);
	CHECK_EQ(state(fd), PROC_STATE_RUNNING);
	struct procfd_info i = { 0 };
	/* Out of /proc then. */
	CHECK_EQ(process_info(fd, PROC_INFO, PROC_FIELD_IDS | PROC_FIELD_CREDS, &i, sizeof i), 0);
	CHECK_EQ(i.mask, PROC_FIELD_IDS | PROC_FIELD_CREDS);
	CHECK_EQ(i.pid, pid);
	CHECK_EQ(i.ppid, getpid());
	CHECK_EQ(i.euid, geteuid());
	CHECK_EQ(i.fsgid, getegid());
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0), 0);
	expect_killed(fd, SIGKILL);
	CHECK_ERR(process_info(fd, PROC_INFO, PROC_FIELD_IDS, &i, sizeof i), ESRCH);
	CHECK_ERR(process_info(fd, PROC_INFO_PID, 0, NULL, 0), ESRCH);
	CHECK_EQ(state(fd), PROC_STATE_EXITED);
	close(fd);
}

static void a_refused_exec(void)
{
	int fd = ctx();
	set_child(fd, "exit", "0");
	struct rule r[] = { { SYS_execve, REFUSE(ODD) }, { SYS_execveat, REFUSE(ODD) } };
	filter(r, 2, 0);
	CREATE_FAILS(fd, ODD, PROC_STAGE_EXEC, -1);
	CHECK_EQ(tap_children(NULL, 0), 0);
	close(fd);
}

/* ---- each step of the child, refused ---- */

static void set_session(int fd)
{
	SET(fd, PROC_SET_SESSION, 1);
}

static void set_group(int fd)
{
	SET(fd, PROC_SET_PGROUP, 0);
}

static void set_cwd(int fd)
{
	CFG(fd, PROC_SET_CWD, 0, "/", 0);
}

static void set_cwd_fd(int fd)
{
	SET(fd, PROC_SET_CWD_FD, open("/", O_DIRECTORY | O_CLOEXEC));
}

static void set_nice(int fd)
{
	SET(fd, PROC_SET_NICE, nicer(1));
}

static void set_uid(int fd)
{
	SET(fd, PROC_SET_UID, getuid());
}

static void set_gid(int fd)
{
	SET(fd, PROC_SET_GID, getgid());
}

static void set_no_groups(int fd)
{
	CFG(fd, PROC_SET_GROUPS, 0, NULL, 0);
}

static void set_root(int fd)
{
	CFG(fd, PROC_SET_ROOT, 0, "/", 0);
}

static void set_null(int fd)
{
	SET(fd, PROC_FD_NULL, 9);
}

static void set_moved(int fd)
{
	set_dup(fd, 0, 9);
}

static void set_core(int fd)
{
	struct procfd_rlimit l = { 0, 0 };
	CFG(fd, PROC_SET_RLIMIT, RLIMIT_CORE, &l, sizeof l);
}

static const struct {
	long nr;
	void (*make)(int fd);
	uint32_t stage;
} steps[] = {
	{ SYS_setsid, set_session, PROC_STAGE_SESSION },
	{ SYS_setpgid, set_group, PROC_STAGE_PGROUP },
	{ SYS_chdir, set_cwd, PROC_STAGE_CWD },
	{ SYS_fchdir, set_cwd_fd, PROC_STAGE_CWD },
	{ SYS_setpriority, set_nice, PROC_STAGE_NICE },
	{ SYS_setresuid, set_uid, PROC_STAGE_UID },
	{ SYS_setresgid, set_gid, PROC_STAGE_GID },
	{ SYS_setgroups, set_no_groups, PROC_STAGE_GROUPS },
	{ SYS_chroot, set_root, PROC_STAGE_ROOT },
	{ SYS_openat, set_null, PROC_STAGE_FD },
	{ SYS_dup3, set_moved, PROC_STAGE_FD },
	{ SYS_prlimit64, set_core, PROC_STAGE_RLIMIT },
};

static void one_step(void *arg)
{
	int i = *(int *)arg, fd = ctx_flags(PROCFD_NO_WATCH); /* the watcher needs some of them itself */
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	steps[i].make(fd);
	refuse(steps[i].nr, ODD);
	for (int n = 0; n < 2; n++) {
		errno = 0;
		int rc = process_config(fd, PROC_CREATE, 0, NULL, 0), err = errno;
		struct procfd_error e = last_error(fd);
		if (rc != -1 || err != ODD || e.stage != steps[i].stage)
			FAIL("step %d: %d, errno %d, stage %u: %s", i, rc, err, e.stage, e.message);
	}
	CHECK_ERR(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
}

static void each_step_refused(void)
{
	for (int i = 0; i < (int)(sizeof steps / sizeof *steps); i++)
		in_fork(one_step, &i);
}

static void killed_in_a_step(void *arg)
{
	struct rule r = { SYS_setsid, *(int *)arg ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_KILL_THREAD };
	struct procfd_rlimit core = { 0, 0 };
	int fd = ctx_flags(PROCFD_NO_WATCH);
	set_child(fd, "exit", "5");
	CFG(fd, PROC_SET_RLIMIT, RLIMIT_CORE, &core, sizeof core);
	SET(fd, PROC_SET_SESSION, 1);
	filter(&r, 1, 0);
	int rc = process_config(fd, PROC_CREATE, 0, NULL, 0), err = errno;
	CHECK_EQ(rc, -1);
	struct procfd_error e = last_error(fd);
	CHECK_EQ(e.stage, PROC_STAGE_CHILD_DIED);
	CHECK_EQ(e.saved_errno, err);
	CHECK(e.message[0]);
	CHECK_ERR(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
	SET(fd, PROC_SET_SESSION, 0);
	create(fd);
	expect_exit(fd, 5);
	close(fd);
}

static void the_child_dies_in_a_step(void)
{
	for (int how = 0; how < 2; how++)
		in_fork(killed_in_a_step, &how);
}

TAP_MAIN(CASE(clone3_refused), CASE(clone3_refused_in_namespaces),
	 CASE(clone3_refused_with_handlers), CASE(never_a_copy_of_the_memory),
	 CASE(no_way_to_clone_at_all), CASE(close_range_refused),
	 CASE(clone3_and_close_range_refused), CASE(close_range_and_unshare_refused),
	 CASE(pidfd_getfd_refused),	 CASE(pidfd_ioctls_refused), CASE(a_refused_exec), CASE(each_step_refused),
	 CASE(the_child_dies_in_a_step))

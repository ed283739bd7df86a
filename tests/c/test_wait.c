// SPDX-License-Identifier: MIT OR Apache-2.0
/* PROC_WAIT by the parent: results, flags, timeouts, usage. */
#include "util.h"

#include <sys/ptrace.h>

static int start(const char *mode, const char *arg)
{
	int fd = ctx();
	set_child(fd, mode, arg);
	create(fd);
	return fd;
}

static int wait_flags(int fd, uint64_t flags, struct procfd_wait *w)
{
	memset(w, 0, sizeof *w);
	/* Stops have no timeout on every kernel. */
	if (!(flags & (PROC_WAIT_NOHANG | PROC_WAIT_STOPPED | PROC_WAIT_CONTINUED)))
		w->timeout_ns = FOREVER_MS * 1000000ULL;
	return process_manage(fd, PROC_WAIT, flags, w, sizeof *w);
}

static void ended(int fd)
{
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	CHECK(pidfd >= 0);
	CHECK_ENDS(pidfd);
	close(pidfd);
}

static void exit_codes(void)
{
	int codes[] = { 0, 1, 127, 128, 255 };
	for (int i = 0; i < 5; i++) {
		char num[16];
		snprintf(num, sizeof num, "%d", codes[i]);
		int fd = start("exit", num);
		expect_exit(fd, codes[i]);
		close(fd);
	}
}

static void signals(void)
{
	int sigs[] = { SIGKILL, SIGTERM, SIGHUP, 40, 64 };
	for (int i = 0; i < 5; i++) {
		char num[16];
		snprintf(num, sizeof num, "%d", sigs[i]);
		int fd = start("kill", num);
		expect_killed(fd, sigs[i]);
		close(fd);
	}
}

static void core_dump(void)
{
	struct rlimit l;
	CHECK_EQ(getrlimit(RLIMIT_CORE, &l), 0);
	char *dir = make_dir();
	int fd = ctx();
	struct procfd_rlimit core = { UINT64_MAX, UINT64_MAX };
	if (geteuid() != 0)
		core.soft = core.hard = l.rlim_max == RLIM_INFINITY ? UINT64_MAX : l.rlim_max;
	CFG(fd, PROC_SET_RLIMIT, RLIMIT_CORE, &core, sizeof core);
	CFG(fd, PROC_SET_CWD, 0, dir, 0);
	set_child(fd, "kill", "6");
	create(fd);
	struct procfd_wait w = wait_end(fd);
	CHECK_EQ(w.status, SIGABRT);
	CHECK(w.what == PROC_DUMPED || w.what == PROC_KILLED);
	close(fd);
	remove_tree(dir);
	if (w.what == PROC_KILLED)
		SKIP("no core dumps here");
}

static void nohang(void)
{
	struct procfd_wait w;
	struct out gate = make_pipe();
	int fd = ctx();
	set_child(fd, "gate", "4");
	set_dup(fd, gate.r, 0);
	create(fd);
	CHECK_ERR(wait_flags(fd, PROC_WAIT_NOHANG, &w), EAGAIN);
	CHECK_ERR(process_manage(fd, PROC_WAIT, PROC_WAIT_NOHANG, NULL, 0), EAGAIN);
	close(gate.w);
	ended(fd);
	CHECK_EQ(wait_flags(fd, PROC_WAIT_NOHANG, &w), 0);
	CHECK_EQ(w.what, PROC_EXITED);
	CHECK_EQ(w.status, 4);
	CHECK_EQ(wait_flags(fd, PROC_WAIT_NOHANG, &w), 0);
	CHECK_EQ(w.status, 4);
	close(gate.r);
	close(fd);
}

static void without_a_structure(void)
{
	int fd = start("exit", "3");
	CHECK_EQ(process_manage(fd, PROC_WAIT, 0, NULL, 0), 0);
	expect_exit(fd, 3);
	close(fd);
}

static void timeouts(void)
{
	int fd = start("pause", NULL);
	uint64_t limits[] = { 1, 999, 50000, 1000000, 30000000 };
	for (int i = 0; i < 5; i++) {
		struct procfd_wait w = { .timeout_ns = limits[i], .what = 77 };
		long long start_ns = now_ns();
		CHECK_ERR(process_manage(fd, PROC_WAIT, 0, &w, sizeof w), ETIMEDOUT);
		CHECK(now_ns() - start_ns >= (long long)limits[i]);
		CHECK_EQ(w.timeout_ns, limits[i]);
	}
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0), 0);
	struct procfd_wait w = { .timeout_ns = UINT64_MAX };
	CHECK_EQ(process_manage(fd, PROC_WAIT, 0, &w, sizeof w), 0);
	CHECK_EQ(w.status, SIGKILL);
	close(fd);
}

static void peek(void)
{
	struct procfd_wait w;
	int fd = start("exit", "6");
	pid_t pid = process_info(fd, PROC_INFO_PID, 0, NULL, 0);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(wait_flags(fd, PROC_WAIT_PEEK, &w), 0);
		CHECK_EQ(w.what, PROC_EXITED);
		CHECK_EQ(w.status, 6);
		CHECK_EQ(status_of(pid, "State")[0], 'Z');
		CHECK_EQ(process_info(fd, PROC_INFO_PID, 0, NULL, 0), pid);
	}
	CHECK_EQ(wait_flags(fd, PROC_WAIT_PEEK | PROC_WAIT_NOHANG, &w), 0);
	expect_exit(fd, 6);
	CHECK_ERR(waitpid(pid, NULL, 0), ECHILD);
	CHECK_EQ(wait_flags(fd, PROC_WAIT_PEEK, &w), 0);
	CHECK_EQ(w.status, 6);
	close(fd);
}

static void stopped_and_continued(void)
{
	struct procfd_wait w;
	int fd = start("stop", "5");
	CHECK_EQ(wait_flags(fd, PROC_WAIT_STOPPED | PROC_WAIT_PEEK, &w), 0);
	CHECK_EQ(w.what, PROC_STOPPED);
	CHECK_EQ(wait_flags(fd, PROC_WAIT_STOPPED, &w), 0);
	CHECK_EQ(w.what, PROC_STOPPED);
	CHECK_EQ(w.status, SIGSTOP);
	CHECK_EQ(state(fd), PROC_STATE_RUNNING);
	/* The stop has been taken; and without the flag it would not have counted. */
	CHECK_ERR(wait_flags(fd, PROC_WAIT_STOPPED | PROC_WAIT_NOHANG, &w), EAGAIN);
	CHECK_ERR(wait_flags(fd, PROC_WAIT_NOHANG, &w), EAGAIN);
	struct procfd_wait t = { .timeout_ns = 1000000 };
	CHECK_EQ(process_manage(fd, PROC_WAIT, PROC_WAIT_STOPPED, &t, sizeof t), -1);
	CHECK(errno == ETIMEDOUT || errno == EOPNOTSUPP);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGCONT, NULL, 0), 0);
	CHECK_EQ(wait_flags(fd, PROC_WAIT_CONTINUED, &w), 0);
	if (w.what == PROC_CONTINUED)
		CHECK_EQ(wait_flags(fd, 0, &w), 0);
	CHECK_EQ(w.what, PROC_EXITED);
	CHECK_EQ(w.status, 5);
	close(fd);
}

static void *stop_it(void *arg)
{
	int fd = *(int *)arg;
	process_manage(fd, PROC_SIGNAL, SIGSTOP, NULL, 0);
	return NULL;
}

/* A ptrace stop comes to a wait that asks for no stops, as to waitid(2), and its status has the event. */
static void traced_by_its_parent(void)
{
	struct procfd_wait w = { .timeout_ns = 0 };
	char text[128];
	int fd = start("pause", NULL), pid = process_info(fd, PROC_INFO_PID, 0, NULL, 0);
	CHECK_EQ(ptrace(PTRACE_SEIZE, pid, 0, 0), 0);
	CHECK_EQ(ptrace(PTRACE_INTERRUPT, pid, 0, 0), 0);
	CHECK_EQ(process_manage(fd, PROC_WAIT, 0, &w, sizeof w), 0);
	CHECK_EQ(w.what, PROC_STOPPED);
	CHECK_EQ(w.status, 0x8005);
	CHECK(procfd_status_text(&w, text, sizeof text) > 0);
	CHECK_STR(text, "stopped by SIGTRAP, ptrace event 128");
	CHECK_EQ(ptrace(PTRACE_DETACH, pid, 0, 0), 0);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0), 0);
	expect_killed(fd, SIGKILL);
	close(fd);
}

static void stopped_while_waiting(void)
{
	struct procfd_wait w;
	pthread_t t;
	int fd = start("pause", NULL);
	for (int i = 0; i < 10; i++) {
		CHECK_EQ(pthread_create(&t, NULL, stop_it, &fd), 0);
		CHECK_EQ(wait_flags(fd, PROC_WAIT_STOPPED, &w), 0);
		CHECK_EQ(w.what, PROC_STOPPED);
		pthread_join(t, NULL);
		CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGCONT, NULL, 0), 0);
		CHECK_EQ(wait_flags(fd, PROC_WAIT_CONTINUED | PROC_WAIT_STOPPED, &w), 0);
		CHECK_EQ(w.what, PROC_CONTINUED);
	}
	finish(fd);
}

static void usage(void)
{
	struct procfd_wait w;
	int fd = start("burn", "60");
	CHECK_EQ(wait_flags(fd, 0, &w), 0);
	CHECK(w.mask & PROC_WAIT_HAS_USAGE);
	CHECK(w.usage.utime_ns >= 60000000ULL && w.usage.utime_ns < 60 * SECOND);
	CHECK(w.usage.maxrss > 100000 && w.usage.maxrss < 1ULL << 32);
	CHECK(w.usage.minflt > 0);
	CHECK_EQ(w.usage.utime_ns % 1000, 0);
	struct procfd_wait again;
	CHECK_EQ(wait_flags(fd, 0, &again), 0);
	CHECK(!memcmp(&w, &again, sizeof w));
	CHECK_EQ(w.mask & ~PROC_WAIT_HAS_USAGE, 0);
	struct procfd_info i;
	CHECK_EQ(process_info(fd, PROC_INFO, PROC_FIELD_USAGE | PROC_FIELD_TIMES, &i, sizeof i), 0);
	CHECK_EQ(i.mask, PROC_FIELD_USAGE);
	CHECK(i.usage_known & PROC_USAGE_WITH_CHILDREN);
	CHECK(!memcmp(&i.usage, &w.usage, sizeof i.usage));
	close(fd);
}

static void usage_is_the_procfd_s(void)
{
	int fd = start("exit", "0");
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	struct procfd_wait w;
	CHECK_EQ(wait_flags(pidfd, 0, &w), 0);
	CHECK(w.mask & PROC_WAIT_HAS_USAGE);
	CHECK_EQ(wait_flags(pidfd, 0, &w), 0);
	CHECK_EQ(w.mask, 0);
	struct procfd_info i;
	CHECK_ERR(process_info(pidfd, PROC_INFO, PROC_FIELD_USAGE, &i, sizeof i), ESRCH);
	close(pidfd);
	close(fd);
}

static void somebody_else_reaped(void)
{
	struct procfd_wait w;
	int fd = start("exit", "12"), st;
	pid_t pid = process_info(fd, PROC_INFO_PID, 0, NULL, 0);
	CHECK_EQ(waitpid(pid, &st, 0), pid);
	CHECK_EQ(wait_flags(fd, 0, &w), 0);
	CHECK_EQ(w.what, PROC_EXITED);
	CHECK_EQ(w.status, 12);
	CHECK(!(w.mask & PROC_WAIT_HAS_USAGE));
	close(fd);
	fd = start("kill", "9");
	CHECK(wait(&st) > 0);
	expect_killed(fd, SIGKILL);
	close(fd);
}

static void sigchld_ignored(void)
{
	signal(SIGCHLD, SIG_IGN);
	int fd = start("exit", "13");
	expect_exit(fd, 13);
	expect_exit(fd, 13);
	close(fd);
	fd = start("kill", "15");
	expect_killed(fd, SIGTERM);
	close(fd);
	struct sigaction sa = { 0 };
	sa.sa_handler = SIG_DFL;
	sa.sa_flags = SA_NOCLDWAIT;
	CHECK_EQ(sigaction(SIGCHLD, &sa, NULL), 0);
	fd = start("exit", "14");
	ended(fd);
	expect_exit(fd, 14);
	close(fd);
}

static atomic_int caught;

static void on_signal(int sig)
{
	(void)sig;
	atomic_fetch_add(&caught, 1);
}

struct target {
	pthread_t thread;
	atomic_int stop;
};

static void *poke(void *arg)
{
	struct target *t = arg;
	while (!atomic_load(&t->stop)) {
		pthread_kill(t->thread, SIGUSR1);
		usleep(1000);
	}
	return NULL;
}

static void interrupted(void)
{
	for (int restart = 0; restart < 2; restart++) {
		struct sigaction sa = { 0 };
		sa.sa_handler = on_signal;
		sa.sa_flags = restart ? SA_RESTART : 0;
		CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
		struct target t = { .thread = pthread_self() };
		pthread_t p;
		int fd = start("pause", NULL);
		CHECK_EQ(pthread_create(&p, NULL, poke, &t), 0);
		struct procfd_wait w = { .timeout_ns = FOREVER_MS * 1000000ULL };
		CHECK_ERR(process_manage(fd, PROC_WAIT, 0, &w, sizeof w), EINTR);
		w.timeout_ns = 0;
		if (!restart) { /* without a limit it restarts, as waitid(2) does */
			CHECK_ERR(process_manage(fd, PROC_WAIT, 0, NULL, 0), EINTR);
			CHECK_ERR(process_manage(fd, PROC_WAIT, PROC_WAIT_STOPPED, &w, sizeof w), EINTR);
		}
		CHECK(atomic_load(&caught) > 0);
		atomic_store(&t.stop, 1);
		pthread_join(p, NULL);
		finish(fd);
	}
}

static void the_callers_sigchld_is_its_own(void)
{
	struct sigaction sa = { 0 }, now;
	sa.sa_handler = on_signal;
	sa.sa_flags = SA_RESTART | SA_NOCLDSTOP;
	CHECK_EQ(sigaction(SIGCHLD, &sa, NULL), 0);
	atomic_store(&caught, 0);
	int fd = start("exit", "0");
	ended(fd);
	while (!atomic_load(&caught)) /* the signal comes, as for any child */
		usleep(100);
	struct procfd_wait w;
	while (wait_flags(fd, 0, &w))
		CHECK_EQ(errno, EINTR);
	CHECK_EQ(sigaction(SIGCHLD, NULL, &now), 0);
	CHECK(now.sa_handler == on_signal);
	CHECK(now.sa_flags & SA_NOCLDSTOP);
	close(fd);
}

static void bad_arguments(void)
{
	struct procfd_wait w = { 0 };
	int fd = start("exit", "0");
	for (int bit = 4; bit < 64; bit++)
		CHECK_ERR(process_manage(fd, PROC_WAIT, 1ULL << bit, &w, sizeof w), EINVAL);
	CHECK_ERR(process_manage(fd, PROC_WAIT, 0, &w, 3), EINVAL);
	CHECK_ERR(process_manage(fd, PROC_WAIT, 0, &w, 1 << 20), E2BIG);
	CHECK_ERR(process_manage(fd, PROC_WAIT, 0, NULL, 8), EFAULT);
	expect_exit(fd, 0); /* none of that has taken the status */
	close(fd);
}

static void structure_sizes(void)
{
	int fd = start("exit", "9");
	struct {
		struct procfd_wait w;
		unsigned char more[64];
	} big;
	memset(&big, 0, sizeof big);
	CHECK_EQ(process_manage(fd, PROC_WAIT, PROC_WAIT_PEEK, &big, sizeof big), 0);
	CHECK_EQ(big.w.status, 9);
	for (size_t i = 0; i < sizeof big.more; i++)
		CHECK_EQ(big.more[i], 0);
	big.more[17] = 1;
	CHECK_ERR(process_manage(fd, PROC_WAIT, PROC_WAIT_PEEK, &big, sizeof big), E2BIG);
	struct {
		uint64_t timeout_ns;
		uint32_t what;
		int32_t status;
		unsigned char after[16];
	} small;
	memset(&small, 0xaa, sizeof small);
	small.timeout_ns = 0;
	CHECK_EQ(process_manage(fd, PROC_WAIT, 0, &small, 16), 0);
	CHECK_EQ(small.what, PROC_EXITED);
	CHECK_EQ(small.status, 9);
	for (int i = 0; i < 16; i++)
		CHECK_EQ(small.after[i], 0xaa);
	close(fd);
}

static void a_nonblocking_pidfd(void)
{
	int fd = ctx();
	set_child(fd, "pause");
	pid_t pid = create(fd);
	int pidfd = (int)syscall(SYS_pidfd_open, pid, O_NONBLOCK);
	if (pidfd < 0)
		SKIP("PIDFD_NONBLOCK: %s", strerror(errno));
	CHECK_ERR(process_manage(pidfd, PROC_WAIT, 0, NULL, 0), EAGAIN);
	struct procfd_wait w = { .timeout_ns = 1000000 };
	CHECK_ERR(process_manage(pidfd, PROC_WAIT, 0, &w, sizeof w), ETIMEDOUT);
	kill(pid, SIGKILL);
	expect_killed(pidfd, SIGKILL);
	close(pidfd);
	close(fd);
}

TAP_MAIN(CASE(a_nonblocking_pidfd), CASE(exit_codes), CASE(signals), CASE(core_dump), CASE(nohang),
	 CASE(without_a_structure), CASE(timeouts), CASE(peek), CASE(stopped_and_continued),
	 CASE(traced_by_its_parent), CASE(stopped_while_waiting), CASE(usage),
	 CASE(usage_is_the_procfd_s), CASE(somebody_else_reaped),
	 CASE(sigchld_ignored), CASE(interrupted), CASE(the_callers_sigchld_is_its_own),
	 CASE(bad_arguments), CASE(structure_sizes))

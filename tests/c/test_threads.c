// SPDX-License-Identifier: MIT OR Apache-2.0
/* Many threads at once: starts, waits, errors, handlers, and the dumpable flag. */
#include "util.h"

#define THREADS 8

struct worker {
	pthread_t thread;
	int number, rounds;
	int *shared_fd;
	int result;
};

static void run_threads(void *(*f)(void *), struct worker *w, int n, int rounds)
{
	for (int i = 0; i < n; i++) {
		w[i].number = i;
		w[i].rounds = rounds;
		CHECK_EQ(pthread_create(&w[i].thread, NULL, f, &w[i]), 0);
	}
	for (int i = 0; i < n; i++)
		pthread_join(w[i].thread, NULL);
}

static void *start_and_wait(void *arg)
{
	struct worker *w = arg;
	for (int i = 0; i < w->rounds; i++) {
		char num[16];
		int code = (w->number * 31 + i) % 256;
		snprintf(num, sizeof num, "%d", code);
		int fd = ctx();
		set_child(fd, "exit", num);
		if (i & 1)
			SET(fd, PROC_SET_CLOSE, SIGKILL);
		create(fd);
		expect_exit(fd, code);
		close(fd);
	}
	return NULL;
}

static void starting_and_waiting(void)
{
	struct worker w[THREADS] = { 0 };
	run_threads(start_and_wait, w, THREADS, 60);
}

static void *fail_and_start(void *arg)
{
	struct worker *w = arg;
	for (int i = 0; i < w->rounds; i++) {
		int fd = ctx();
		char path[64];
		snprintf(path, sizeof path, "/nonexistent/%d/%d", w->number, i);
		CFG(fd, PROC_SET_EXEC, 0, path, 0);
		CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, -1);
		if (!strstr(last_error(fd).message, path))
			FAIL("another thread's error: %s", last_error(fd).message);
		set_child(fd, "exit", "1");
		create(fd);
		expect_exit(fd, 1);
		close(fd);
	}
	return NULL;
}

static void errors_stay_with_their_context(void)
{
	struct worker w[THREADS] = { 0 };
	run_threads(fail_and_start, w, THREADS, 40);
}

static void *facts_of_own(void *arg)
{
	struct worker *w = arg;
	size_t room = 1 << 18;
	char *text = malloc(room);
	for (int i = 0; i < w->rounds; i++) {
		char env[64], want[80], fds[64], mask[32];
		int in = open("/dev/null", O_RDONLY | O_CLOEXEC), fd = ctx();
		snprintf(env, sizeof env, "PROCFD_TEST_N=%d.%d", w->number, i);
		snprintf(want, sizeof want, "env.%s\n", env);
		CFG(fd, PROC_SET_ENV_VAR, 0, env, 0);
		SET(fd, PROC_SET_UMASK, w->number);
		set_dup(fd, in, 800 + w->number);
		set_child(fd, "facts");
		struct out o = make_pipe();
		set_dup(fd, o.w, 1);
		create(fd);
		close(o.w);
		size_t n = 0;
		for (ssize_t l; (l = read(o.r, text + n, room - 1 - n)) > 0; n += (size_t)l)
			;
		text[n] = 0;
		close(o.r);
		expect_exit(fd, 0);
		snprintf(fds, sizeof fds, "fds=0 1 2 %d\n", 800 + w->number);
		snprintf(mask, sizeof mask, "\numask=%o\n", w->number);
		if (!strstr(text, want) || !strstr(text, fds) || !strstr(text, mask))
			FAIL("thread %d: wanted %s, %s, %s in:\n%.1500s", w->number, want, fds, mask, text);
		close(fd);
		close(in);
	}
	free(text);
	return NULL;
}

static void configurations_do_not_mix(void)
{
	struct worker w[THREADS] = { 0 };
	run_threads(facts_of_own, w, THREADS, 25);
}

static void *create_shared(void *arg)
{
	struct worker *w = arg;
	w->result = process_config(*w->shared_fd, PROC_CREATE, 0, NULL, 0);
	if (w->result < 0)
		w->result = -errno;
	return NULL;
}

static void one_context_starts_once(void)
{
	for (int round = 0; round < 30; round++) {
		struct worker w[THREADS] = { 0 };
		int fd = ctx(), started = 0;
		set_child(fd, "exit", "2");
		for (int i = 0; i < THREADS; i++)
			w[i].shared_fd = &fd;
		run_threads(create_shared, w, THREADS, 1);
		for (int i = 0; i < THREADS; i++) {
			if (w[i].result > 0)
				started++;
			else
				CHECK_EQ(w[i].result, -EBUSY);
		}
		CHECK_EQ(started, 1);
		expect_exit(fd, 2);
		close(fd);
	}
}

static void *configure_shared(void *arg)
{
	struct worker *w = arg;
	for (int i = 0; i < w->rounds; i++) {
		SET(*w->shared_fd, PROC_FD_CLOSE, 400 + w->number);
		CFG(*w->shared_fd, PROC_SET_ENV_VAR, 0, "A=b", 0);
		SET(*w->shared_fd, PROC_SET_UMASK, 022);
	}
	return NULL;
}

static void one_context_configured_by_all(void)
{
	struct worker w[THREADS] = { 0 };
	int fd = ctx();
	for (int i = 0; i < THREADS; i++)
		w[i].shared_fd = &fd;
	run_threads(configure_shared, w, THREADS, 300);
	set_child(fd, "exit", "3");
	create(fd);
	expect_exit(fd, 3);
	close(fd);
}

/* ---- handlers ---- */

static atomic_int strange, handled, stop;
static int own_pid;

/* The child shares the memory: had it run there, this would tell. */
static void on_signal(int sig)
{
	(void)sig;
	if ((int)syscall(SYS_getpid) != own_pid)
		atomic_store(&strange, 1);
	atomic_fetch_add(&handled, 1);
}

/* The signals to the group reach the child as well, before its exec and after it. */
static void *signal_the_group(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop)) {
		killpg(own_pid, SIGWINCH); /* both are ignored where nobody catches them */
		killpg(own_pid, SIGURG);
		kill(own_pid, SIGUSR1);
		kill(own_pid, SIGRTMIN);
		usleep(20);
	}
	return NULL;
}

static void no_handler_runs_in_the_child(void)
{
	struct sigaction sa = { 0 };
	sa.sa_handler = on_signal;
	sa.sa_flags = SA_RESTART;
	own_pid = getpid();
	CHECK_EQ(getpgrp(), own_pid); /* a group of the case's own */
	int sigs[] = { SIGWINCH, SIGURG, SIGUSR1, SIGRTMIN, SIGCHLD };
	for (size_t i = 0; i < sizeof sigs / sizeof *sigs; i++)
		CHECK_EQ(sigaction(sigs[i], &sa, NULL), 0);
	pthread_t t;
	CHECK_EQ(pthread_create(&t, NULL, signal_the_group, NULL), 0);
	for (int i = 0; i < 300; i++) {
		int fd = ctx();
		set_child(fd, "exit", "6");
		if (i & 1)
			SET(fd, PROC_SET_CLOSE, SIGKILL);
		if (i % 5 == 0 && geteuid() == 0)
			SET(fd, PROC_SET_UID, 1234);
		create(fd); /* and no EINTR either */
		struct procfd_wait w = { .timeout_ns = FOREVER_MS * 1000000ULL };
		while (process_manage(fd, PROC_WAIT, 0, &w, sizeof w))
			CHECK_EQ(errno, EINTR);
		CHECK_EQ(w.what, PROC_EXITED);
		CHECK_EQ(w.status, 6);
		close(fd);
	}
	atomic_store(&stop, 1);
	pthread_join(t, NULL);
	CHECK(atomic_load(&handled) > 0);
	CHECK(!atomic_load(&strange));
}

/* ---- dumpable ---- */

static void *change_ids(void *arg)
{
	struct worker *w = arg;
	for (int i = 0; i < w->rounds; i++) {
		int fd = ctx();
		set_child(fd, "exit", "0");
		if (geteuid() == 0) {
			CFG(fd, PROC_SET_GROUPS, 0, NULL, 0);
			SET(fd, PROC_SET_GID, 1000 + w->number);
			SET(fd, PROC_SET_UID, 1000 + w->number);
		} else {
			SET(fd, PROC_SET_GID, getgid());
			SET(fd, PROC_SET_UID, getuid());
		}
		if (i % 7 == 3) {
			CFG(fd, PROC_SET_EXEC, 0, "/nonexistent", 0);
			CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, -1);
		} else {
			create(fd);
			expect_exit(fd, 0);
		}
		close(fd);
	}
	return NULL;
}

static void dumpable_is_restored(void)
{
	for (int d = 1; d >= 0; d--) {
		struct worker w[THREADS] = { 0 };
		CHECK_EQ(prctl(PR_SET_DUMPABLE, d), 0);
		run_threads(change_ids, w, THREADS, 30);
		CHECK_EQ(prctl(PR_GET_DUMPABLE), d);
	}
	prctl(PR_SET_DUMPABLE, 1);
}

/* A creation with credentials that waits in the child, just before them, until the fifo has a writer. */
static void *held_creation(void *arg)
{
	struct procfd_open fifo = { arg, O_RDONLY, 0 };
	int fd = ctx_flags(PROCFD_NO_WATCH);
	set_child(fd, "exit", "0");
	CFG(fd, PROC_FD_OPEN, 9, &fifo, sizeof fifo);
	CFG(fd, PROC_SET_GROUPS, 0, NULL, 0);
	SET(fd, PROC_SET_GID, 1000);
	SET(fd, PROC_SET_UID, 1000);
	create(fd);
	expect_exit(fd, 0);
	close(fd);
	return NULL;
}

/* Dumpable after `change`, which another thread makes during such a creation. */
static int dumpable_after(void *(*change)(void *))
{
	char fifo[PATH_MAX], *dir = make_dir();
	snprintf(fifo, sizeof fifo, "%s/fifo", dir);
	CHECK_EQ(mkfifo(fifo, 0600), 0);
	CHECK_EQ(chmod(fifo, 0666), 0);
	CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0);
	pthread_t creator, other;
	CHECK_EQ(pthread_create(&creator, NULL, held_creation, fifo), 0);
	until_the_child_sleeps();
	CHECK_EQ(pthread_create(&other, NULL, change, NULL), 0);
	usleep(50000); /* a change of all threads waits for the creation; what follows holds either way */
	int w = open(fifo, O_WRONLY);
	CHECK(w >= 0);
	pthread_join(other, NULL);
	pthread_join(creator, NULL);
	close(w);
	int dumpable = prctl(PR_GET_DUMPABLE);
	CHECK_EQ(seteuid(0), 0);
	remove_tree(dir);
	return dumpable;
}

static void *nothing_changes(void *arg)
{
	return arg;
}

static void *gives_dumpable_up(void *arg)
{
	prctl(PR_SET_DUMPABLE, 0);
	return arg;
}

static void *changes_ids_of_one_thread(void *arg)
{
	syscall(SYS_setresuid, -1, 1001, -1);
	syscall(SYS_setresuid, -1, 0, -1);
	return arg;
}

static void *changes_ids(void *arg)
{
	/* glibc changes those of all threads: it waits for the creation. */
	CHECK_EQ(seteuid(1001), 0);
	return arg;
}

static void what_another_thread_gives_up(void *arg)
{
	(void)arg;
	CHECK_EQ(dumpable_after(nothing_changes), 1);
	CHECK(dumpable_after(gives_dumpable_up) != 1);
	CHECK(dumpable_after(changes_ids_of_one_thread) != 1);
	CHECK(dumpable_after(changes_ids) != 1);
}

static void dumpable_given_up_meanwhile_stays_so(void)
{
	if (geteuid() != 0)
		SKIP("needs root");
	in_fork(what_another_thread_gives_up, NULL);
}

/* ---- other arrangements ---- */

static void threads_with_small_stacks(void)
{
	pthread_attr_t a;
	pthread_attr_init(&a);
	CHECK_EQ(pthread_attr_setstacksize(&a, 128 * 1024), 0);
	struct worker w[4] = { 0 };
	for (int i = 0; i < 4; i++) {
		w[i].number = i;
		w[i].rounds = 10;
		CHECK_EQ(pthread_create(&w[i].thread, &a, start_and_wait, &w[i]), 0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(w[i].thread, NULL);
	pthread_attr_destroy(&a);
}

static void *start_and_leave(void *arg)
{
	struct worker *w = arg;
	int fd = ctx();
	set_child(fd, "pause");
	SET(fd, PROC_SET_CLOSE, SIGTERM);
	create(fd);
	w->result = fd;
	return NULL;
}

/* Neither the child nor its policy is tied to the thread. */
static void the_starting_thread_ends(void)
{
	struct worker w[THREADS] = { 0 };
	run_threads(start_and_leave, w, THREADS, 1);
	for (int i = 0; i < THREADS; i++) {
		int pidfd = process_info(w[i].result, PROC_INFO_PIDFD, 0, NULL, 0);
		check_alive(pidfd);
		close(w[i].result);
		CHECK_EQ(reap_pidfd(pidfd), SIGTERM);
		close(pidfd);
	}
}

static void *open_and_close(void *arg)
{
	struct worker *w = arg;
	for (int i = 0; i < w->rounds; i++) {
		int fd = ctx(), copy;
		set_child(fd, "exit", "0");
		SET(fd, PROC_SET_UMASK, 0);
		copy = process_config(fd, PROC_COPY, 0, NULL, 0);
		CHECK(copy >= 0);
		close(fd);
		CHECK_EQ(state(copy), PROC_STATE_CONFIGURING);
		close(copy);
	}
	return NULL;
}

static void opening_and_closing(void)
{
	struct worker w[THREADS] = { 0 };
	run_threads(open_and_close, w, THREADS, 500);
}

/* Sweeps in one thread, contexts dying in others. */
static void everything_at_once(void)
{
	struct worker w[THREADS] = { 0 };
	for (int i = 0; i < THREADS; i++) {
		w[i].number = i;
		w[i].rounds = i % 2 ? 30 : 300;
		CHECK_EQ(pthread_create(&w[i].thread, NULL,
					i % 2 ? start_and_wait : open_and_close, &w[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(w[i].thread, NULL);
}

TAP_MAIN(CASE(starting_and_waiting), CASE(errors_stay_with_their_context),
	 CASE(configurations_do_not_mix), CASE(one_context_starts_once),
	 CASE(one_context_configured_by_all), CASE(no_handler_runs_in_the_child),
	 CASE(dumpable_is_restored), CASE(dumpable_given_up_meanwhile_stays_so), CASE(threads_with_small_stacks),
	 CASE(the_starting_thread_ends), CASE(opening_and_closing), CASE(everything_at_once))

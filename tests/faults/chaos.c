/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * 32 threads start, wait for, signal and close processes at random, while others fork, execute and take numbers by
 * dup2(2). No status is wrong and nothing is left. Then others also close numbers that are not theirs: calls may fail,
 * but the program neither crashes nor hangs, no unrelated process is harmed, and starts work again afterwards.
 */
#include "attack.h"

#define WORKERS 32
#define BYSTANDERS 4
/* Below it are the numbers that are closed in the second part; above it the bystanders'. */
#define THEIRS 160

static atomic_int running, foreign;
static atomic_long started, waited, refused, closed;
static char tiny[PATH_MAX + 8];

static unsigned roll(unsigned *seed, unsigned n)
{
	return (unsigned)rand_r(seed) % n;
}

#define STRICT(cond)                                                              \
	do {                                                                      \
		if (!(cond) && !atomic_load(&foreign))                            \
			FAIL("%s (errno %d: %s)", #cond, errno, procfd_error_message()); \
	} while (0)

static void *work(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	while (atomic_load(&running)) {
		uint64_t flags = (roll(&seed, 2) ? PROCFD_NO_WATCH : 0) | (roll(&seed, 2) ? PROCFD_AUTOREAP : 0);
		int stays = (int)roll(&seed, 2), armed = (int)roll(&seed, 2);
		const char *argv[] = { "tiny", stays ? "wait" : NULL, NULL };
		struct procfd_wait w = { .timeout_ns = 20 * SECOND };
		int fd = process_open(flags);
		STRICT(fd >= 0);
		if (fd < 0)
			continue;
		int bad = process_config(fd, PROC_SET_EXEC, 0, tiny, 0) || process_config(fd, PROC_SET_ARGV, 0, argv, 0) ||
			  (armed && process_config(fd, PROC_SET_CLOSE, SIGKILL, NULL, 0));
		STRICT(!bad);
		int pid = bad ? -1 : process_config(fd, PROC_CREATE, 0, NULL, 0);
		STRICT(pid > 0);
		atomic_fetch_add(pid > 0 ? &started : &refused, 1);
		if (pid > 0 && !(armed && roll(&seed, 4) == 0)) { /* else it is closed, running */
			/* Among foreign closes the number may be a pidfd of this very process by now, as the library uses. */
			if (stays && atomic_load(&foreign))
				kill(pid, SIGKILL);
			else if (stays)
				STRICT(process_manage(fd, PROC_SIGNAL, SIGTERM, NULL, 0) == 0);
			int rc = process_manage(fd, PROC_WAIT, atomic_load(&foreign) ? PROC_WAIT_NOHANG : 0, &w, sizeof w);
			STRICT(rc == 0);
			STRICT(stays ? w.what == PROC_KILLED && w.status == SIGTERM : w.what == PROC_EXITED && w.status == 0);
			atomic_fetch_add(&waited, rc == 0);
		} else if (pid > 0 && atomic_load(&foreign)) {
			kill(pid, SIGKILL);
		}
		int rc = close(fd);
		STRICT(rc == 0);
	}
	return NULL;
}

/* Forks that end, forks that execute, and copies over numbers of its own. */
static void *fork_and_copy(void *arg)
{
	unsigned seed = 1000 + (unsigned)(uintptr_t)arg;
	int own = fcntl(0, F_DUPFD_CLOEXEC, THEIRS + 40);
	while (atomic_load(&running)) {
		pid_t pid = fork();
		if (pid == 0) {
			if (roll(&seed, 2))
				execl(tiny, "tiny", (char *)NULL);
			_exit(0);
		}
		if (pid > 0)
			while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
				;
		dup3(0, own, O_CLOEXEC);
		usleep(500);
	}
	close(own);
	return NULL;
}

/* A daemon's mistake: it closes whatever number there is, and puts /dev/null there now and then. */
static void *close_theirs(void *arg)
{
	unsigned seed = 2000 + (unsigned)(uintptr_t)arg;
	while (atomic_load(&running)) {
		int fd = 3 + (int)roll(&seed, THEIRS - 3);
		if (roll(&seed, 8) == 0)
			dup3(0, fd, O_CLOEXEC);
		else if (close(fd) == 0)
			atomic_fetch_add(&closed, 1);
		usleep(200);
	}
	return NULL;
}

static void run_threads(int with_foreign, double seconds)
{
	pthread_t t[WORKERS + 4];
	int n = 0;
	atomic_store(&foreign, with_foreign);
	atomic_store(&running, 1);
	for (; n < WORKERS; n++)
		CHECK_EQ(pthread_create(&t[n], NULL, work, (void *)(uintptr_t)n), 0);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&t[n++], NULL, fork_and_copy, (void *)(uintptr_t)i), 0);
	for (int i = 0; i < 2 && with_foreign; i++)
		CHECK_EQ(pthread_create(&t[n++], NULL, close_theirs, (void *)(uintptr_t)i), 0);
	usleep((useconds_t)(seconds * 1e6));
	atomic_store(&running, 0);
	for (int i = 0; i < n; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
}

static void report(void)
{
	diag("%ld starts, %ld waits, %ld refused, %ld numbers of others closed", atomic_load(&started), atomic_load(&waited),
	     atomic_load(&refused), atomic_load(&closed));
}

static void thirty_two_threads(void)
{
	snprintf(tiny, sizeof tiny, "%s/tiny", tiny_folder());
	run_threads(0, attack_seconds(1));
	report();
	CHECK(atomic_load(&started) > 0 && atomic_load(&refused) == 0);
	no_child_is_left();
}

/* In a process of its own, whose table is not fit for anything afterwards. */
static void foreign_numbers_closed(void *unused)
{
	(void)unused;
	int pidfds[BYSTANDERS];
	pid_t bystanders[BYSTANDERS];
	for (int i = 0; i < BYSTANDERS; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
		bystanders[i] = pid;
		int low = sys_pidfd_open(pid);
		pidfds[i] = fcntl(low, F_DUPFD_CLOEXEC, THEIRS + 1);
		CHECK(pidfds[i] > THEIRS);
		close(low);
	}
	run_threads(1, attack_seconds(1));
	report();
	for (int i = 0; i < BYSTANDERS; i++) {
		struct pollfd p = { .fd = pidfds[i], .events = POLLIN };
		CHECK_EQ(poll(&p, 1, 0), 0); /* alive */
	}
	/*
	 * A start whose own descriptors are closed under it may fail without its child's end: the number of its pidfd
	 * may be another's by then.
	 */
	int left[64], n, all = 0;
	usleep(200000);
	for (int rounds = 0; rounds < 2000 && (n = tap_children(left, 64)) > BYSTANDERS; rounds++) {
		for (int i = 0; i < n && i < 64; i++) {
			int is_bystander = 0;
			for (int j = 0; j < BYSTANDERS; j++)
				is_bystander |= bystanders[j] == left[i];
			if (!is_bystander) {
				kill(left[i], SIGKILL);
				all += waitpid(left[i], NULL, __WALL) == left[i];
			}
		}
	}
	diag("%d children were left, as zombies or running", all);
	/* It works again. */
	int fd = process_open(0);
	CHECK(fd >= 0);
	set_program(fd, tiny, (char *)NULL);
	create(fd);
	expect_exit(fd, 0);
	_exit(0);
}

static void numbers_of_others(void)
{
	int left[64], n, all = 0;
	snprintf(tiny, sizeof tiny, "%s/tiny", tiny_folder());
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	in_fork(foreign_numbers_closed, NULL);
	/*
	 * Nothing guards the instant between the proof of a number and its use: a process may be left, and a watcher that
	 * was given another watcher's socket.
	 */
	usleep(200000);
	while ((n = tap_children(left, 64)) > 0) {
		for (int i = 0; i < n && i < 64; i++) {
			kill(left[i], SIGKILL);
			all += waitpid(left[i], NULL, __WALL) == left[i];
		}
	}
	diag("%d processes were left by it", all);
}

TAP_MAIN(SLOW(thirty_two_threads, AND_LONGER), SLOW(numbers_of_others, AND_LONGER))

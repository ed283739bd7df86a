// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The status of a process after its creator has taken it: the same from each call, on each kernel. Each case runs
 * with PIDFD_GET_INFO and without it, as before 6.15, where the kernel keeps no status.
 */
#include "filter.h"

static struct out go;

static int gated(int status)
{
	char code[8];
	int fd = ctx();
	go = make_pipe();
	snprintf(code, sizeof code, "%d", status);
	set_child(fd, "gate", code);
	set_dup(fd, go.r, 0);
	create(fd);
	close(go.r);
	return fd;
}

static int wait_with(int fd, uint64_t flags, struct procfd_wait *w)
{
	*w = (struct procfd_wait){ .timeout_ns = FOREVER_MS * 1000000ULL };
	return process_manage(fd, PROC_WAIT, flags, w, sizeof *w);
}

/* All that tells the status says this one. */
static void all_say(int fd, uint32_t what, int32_t status, int taken)
{
	static const uint64_t flags[] = { PROC_WAIT_PEEK, PROC_WAIT_NOHANG, 0, PROC_WAIT_PEEK | PROC_WAIT_NOHANG,
					  PROC_WAIT_STOPPED, PROC_WAIT_CONTINUED | PROC_WAIT_PEEK };
	struct procfd_wait w;
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		if (!taken && !(flags[i] & PROC_WAIT_PEEK))
			continue;
		/* The end is there already: no waiting for stops, which would take io_uring's waitid (6.7). */
		if (wait_with(fd, flags[i], &w))
			FAIL("flags %#llx: %s", (unsigned long long)flags[i], strerror(errno));
		CHECK_EQ(w.what, what);
		CHECK_EQ(w.status, status);
		CHECK(w.mask & PROC_WAIT_HAS_USAGE);
		CHECK(w.usage.maxrss > 0);
	}
	struct procfd_info i;
	CHECK_EQ(process_info(fd, PROC_INFO, PROC_FIELD_EXIT | PROC_FIELD_USAGE | PROC_FIELD_COREDUMP, &i, sizeof i), 0);
	CHECK(i.mask & PROC_FIELD_EXIT);
	CHECK_EQ(i.exit_what, what);
	CHECK_EQ(i.exit_status, status);
	CHECK(i.mask & PROC_FIELD_USAGE);
	CHECK(i.mask & PROC_FIELD_COREDUMP);
	CHECK_EQ(i.coredump, what == PROC_DUMPED);
	struct procfd_change e = { .fd = fd, .want = PROC_CHANGE_EXIT };
	struct procfd_changes c = { .timeout_ns = FOREVER_MS * 1000000ULL, .entries = &e, .entry_size = sizeof e, .count = 1 };
	CHECK_EQ(process_info(-1, PROC_CHANGES, 0, &c, sizeof c), 1);
	CHECK_EQ(e.changed, PROC_CHANGE_EXIT);
	CHECK_EQ(e.error, 0);
	CHECK_EQ(e.what, what);
	CHECK_EQ(e.status, status);
	struct procfd_info entry;
	struct procfd_snapshot s = { .scope = PROC_SNAPSHOT_LIST, .fds = &fd, .fd_count = 1, .entries = &entry,
				     .entry_size = sizeof entry, .room = 1 };
	CHECK_EQ(process_info(-1, PROC_SNAPSHOT, PROC_FIELD_EXIT, &s, sizeof s), 1);
	CHECK(entry.mask & PROC_FIELD_EXIT && entry.exit_what == what && entry.exit_status == status);
}

static void exit_code(void)
{
	int fd = gated(42);
	close(go.w);
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	CHECK_ENDS(pidfd);
	close(pidfd);
	all_say(fd, PROC_EXITED, 42, 0);
	expect_exit(fd, 42);
	all_say(fd, PROC_EXITED, 42, 1);
	int copy = dup(fd);
	close(fd);
	all_say(copy, PROC_EXITED, 42, 1);
	close(copy);
}

static void a_signal(void)
{
	int fd = gated(0);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0), 0);
	expect_killed(fd, SIGKILL);
	close(go.w);
	all_say(fd, PROC_KILLED, SIGKILL, 1);
	close(fd);
}

/* Through a peek alone: then the child is reaped by waitpid, which leaves nothing for the library. */
static void a_peek(void)
{
	int fd = gated(7);
	struct procfd_wait w;
	close(go.w);
	CHECK_EQ(wait_with(fd, PROC_WAIT_PEEK, &w), 0);
	CHECK_EQ(w.status, 7);
	pid_t pid = process_info(fd, PROC_INFO_PID, 0, NULL, 0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	all_say(fd, PROC_EXITED, 7, 1);
	close(fd);
}

/* A peek leaves the child to be reaped, though its status is kept from then on. */
static void a_wait_after_a_peek_reaps(void)
{
	int fd = gated(7);
	struct procfd_wait w;
	close(go.w);
	pid_t pid = process_info(fd, PROC_INFO_PID, 0, NULL, 0);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(wait_with(fd, PROC_WAIT_PEEK, &w), 0);
		CHECK_EQ(w.status, 7);
	}
	siginfo_t si = { 0 };
	CHECK_EQ(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT), 0);
	CHECK_EQ(si.si_pid, pid);
	expect_exit(fd, 7);
	CHECK_ERR(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG), ECHILD);
	all_say(fd, PROC_EXITED, 7, 1);
	close(fd);
}

static void with_stops(void)
{
	int fd = gated(5);
	struct procfd_wait w;
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGSTOP, NULL, 0), 0);
	w = (struct procfd_wait){ 0 };
	CHECK_EQ(process_manage(fd, PROC_WAIT, PROC_WAIT_STOPPED, &w, sizeof w), 0);
	CHECK_EQ(w.what, PROC_STOPPED);
	w = (struct procfd_wait){ 0 };
	CHECK_ERR(process_manage(fd, PROC_WAIT, PROC_WAIT_STOPPED | PROC_WAIT_NOHANG, &w, sizeof w), EAGAIN);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGCONT, NULL, 0), 0);
	close(go.w);
	w = (struct procfd_wait){ 0 };
	CHECK_EQ(process_manage(fd, PROC_WAIT, PROC_WAIT_STOPPED, &w, sizeof w), 0);
	CHECK_EQ(w.what, PROC_EXITED);
	all_say(fd, PROC_EXITED, 5, 1);
	close(fd);
}

static void *waiter(void *arg)
{
	struct procfd_wait w;
	int fd = *(int *)arg;
	if (wait_with(fd, 0, &w))
		return (void *)(intptr_t)errno;
	return (void *)(intptr_t)(w.what == PROC_EXITED && w.status == 9 ? 0 : -1);
}

/* One of them takes the status, and the others get it too. */
static void many_threads_at_once(void)
{
	for (int round = 0; round < 100; round++) {
		pthread_t t[4];
		int fd = gated(9);
		for (int i = 0; i < 4; i++)
			CHECK_EQ(pthread_create(&t[i], NULL, waiter, &fd), 0);
		close(go.w);
		for (int i = 0; i < 4; i++) {
			void *bad;
			CHECK_EQ(pthread_join(t[i], &bad), 0);
			if (bad)
				FAIL("round %d, thread %d: %ld", round, i, (long)(intptr_t)bad);
		}
		close(fd);
	}
}

static void the_program_of_an_init(void)
{
	int fd = ctx_flags(PROCFD_NO_WATCH);
	SET(fd, PROC_SET_FLAG, CLONE_NEWPID | (geteuid() ? CLONE_NEWUSER : 0));
	SET(fd, PROC_SET_INIT, 1);
	set_child(fd, "kill", "15");
	create(fd);
	expect_killed(fd, SIGTERM);
	all_say(fd, PROC_KILLED, SIGTERM, 1);
	close(fd);
}

static void masked(void *what)
{
	without_get_info();
	((void (*)(void))what)();
	sweep();
}

static void plain(void *what)
{
	((void (*)(void))what)();
	sweep();
}

#define BOTH(name)                                    \
	static void both_##name(void)                 \
	{                                             \
		in_fork(plain, (void *)name);         \
		in_fork(masked, (void *)name);        \
	}

BOTH(exit_code)
BOTH(a_signal)
BOTH(a_peek)
BOTH(a_wait_after_a_peek_reaps)
BOTH(with_stops)
BOTH(many_threads_at_once)

static void init_both(void)
{
	if (geteuid())
		need_user_namespaces();
	in_fork(plain, (void *)the_program_of_an_init);
	in_fork(masked, (void *)the_program_of_an_init);
}

TAP_MAIN(COLD(both_exit_code), COLD(both_a_signal), COLD(both_a_peek), COLD(both_a_wait_after_a_peek_reaps),
	 COLD(both_with_stops),
	 COLD(both_many_threads_at_once), COLD(init_both))

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Thousands of processes, started, passed, polled and dropped by several threads: nothing is left. */
#include "watcher.h"

#define THREADS 4
#define ROUNDS 400

static int quick_or_pause(int fd, int i)
{
	int stays = i % 3 == 0;
	if (stays)
		set_child(fd, "pause");
	else
		set_program(fd, "/bin/true", (char *)NULL);
	return stays;
}

/* Each thread has its own mixture of flags, close policies and ways of letting go. */
static void *churn(void *arg)
{
	int self = (int)(intptr_t)arg, s[2];
	socket_pair(s);
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t flags = (i & 1 ? 0 : PROCFD_AUTOREAP) | (i % 5 == 4 ? PROCFD_NO_WATCH : 0);
		int fd = ctx_flags(flags), stays = quick_or_pause(fd, i + self);
		SET(fd, PROC_SET_CLOSE, SIGKILL);
		create(fd);
		switch (i % 4) {
		case 0: /* passed on, and dropped by the receiver */
			send_fd(s[0], fd);
			close(fd);
			fd = recv_fd(s[1]);
			break;
		case 1: /* left in a queue that nobody reads, until it goes with the thread */
			if (i % 16 == 1)
				send_fd(s[0], fd);
			break;
		case 2:
			if (stays)
				CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGTERM, NULL, 0), 0);
			if (!(flags & PROCFD_NO_WATCH))
				CHECK_HUNG_UP(fd);
			wait_end(fd);
			break;
		default:
			CHECK(process_info(fd, PROC_INFO_STATE, 0, NULL, 0) >= PROC_STATE_RUNNING);
		}
		CHECK_EQ(close(fd), 0);
		/* A second holder of what lies in the queue keeps the count of case 1 low. */
		if (i % 64 == 63)
			while (polled(s[1], POLLIN, 0) & POLLIN)
				close(recv_fd(s[1]));
	}
	close(s[0]);
	close(s[1]);
	return NULL;
}

static long resident_kib(void)
{
	return atol(status_of(getpid(), "VmRSS"));
}

static void round_of_threads(void)
{
	pthread_t t[THREADS];
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, churn, (void *)(intptr_t)i), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
}

/* No child is left, running or zombie, once the library has swept. */
static void check_no_children(void)
{
	int kids[4];
	for (int i = 0; i < 2000 && tap_children(kids, 4) > 0; i++) {
		struct timespec t = { 0, 5000000 };
		nanosleep(&t, NULL);
		sweep();
	}
	CHECK_EQ(tap_children(kids, 4), 0);
}

static void nothing_is_left(void)
{
	round_of_threads();
	check_no_children();
	long first = resident_kib();
	round_of_threads();
	check_no_children();
	long second = resident_kib();
	diag("%d processes; resident: %ld KiB after the first half, %ld KiB after the second",
	     2 * THREADS * ROUNDS, first, second);
	CHECK(second <= first + 512);
	/* Nothing is watched any more; the watcher itself stays for the next. */
	pid_t w = watcher();
	CHECK(atol(status_of(w, "VmRSS")) <= 200);
}

TAP_MAIN(SLOW(nothing_is_left, 110))

// SPDX-License-Identifier: MIT OR Apache-2.0
/* What the library keeps of contexts whose procfd is closed, and what it costs to let go of it. */
#include "filter.h"

/* The CPU time of this thread: a busy machine does not count. */
static long long cpu_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* The library's descriptors of `n` contexts are gone after no more than `calls` process_open. */
static int opens_until_gone(int want, int calls, long long *longest)
{
	for (int i = 1; i <= calls; i++) {
		long long began = cpu_ns();
		int fd = process_open(PROCFD_NO_WATCH);
		long long took = cpu_ns() - began;
		CHECK(fd >= 0);
		close(fd);
		if (took > *longest)
			*longest = took;
		if (i % 50 == 0 && tap_fds(NULL, 0) <= want)
			return i;
	}
	return -1;
}

static void closed_at_once(int n)
{
	struct rlimit l;
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &l), 0);
	if (l.rlim_max < (rlim_t)(2 * n + 200))
		SKIP("RLIMIT_NOFILE is too low");
	l.rlim_cur = l.rlim_max;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &l), 0);
	int before = tap_fds(NULL, 0), *fds = calloc((size_t)n, sizeof *fds);
	CHECK(fds);
	for (int i = 0; i < n; i++)
		CHECK((fds[i] = process_open(PROCFD_NO_WATCH)) >= 0);
	CHECK(tap_fds(NULL, 0) >= before + 2 * n - 8);
	for (int i = 0; i < n; i++)
		close(fds[i]);
	free(fds);
	long long longest = 0;
	/* Each call looks at 8 at least; the few that it leaves are the calls' own. */
	int calls = opens_until_gone(before + 8, n, &longest);
	CHECK(calls > 0);
	diag("%d procfds closed at once are let go of in at most %d calls; the longest process_open took %lld us of CPU time", n,
	     calls, longest / 1000);
}

static void many_closed_at_once(void)
{
	closed_at_once(6600);
}

static void without(long nr)
{
	refuse(nr, EPERM);
	closed_at_once(300);
}

static void without_ppoll(void *arg)
{
	(void)arg;
	without(SYS_ppoll);
}

static void without_epoll(void *arg)
{
	(void)arg;
	without(SYS_epoll_pwait);
}

#ifdef SYS_poll
static void without_both(void *arg)
{
	(void)arg;
	refuse(SYS_epoll_pwait, EPERM);
	without(SYS_ppoll);
}
#endif

static void where_a_filter_refuses_a_poll(void)
{
	in_fork(without_ppoll, NULL);
	in_fork(without_epoll, NULL);
#ifdef SYS_poll
	in_fork(without_both, NULL);
#endif
}

TAP_MAIN(CASE(many_closed_at_once), CASE(where_a_filter_refuses_a_poll))

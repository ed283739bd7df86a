/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* 100,000 starts one after the other, and as many processes at once as the limits allow: nothing grows or is lost. */
#include "attack.h"

static char tiny[PATH_MAX + 8];

static long resident_kib(void)
{
	return atol(status_of(getpid(), "VmRSS"));
}

static void start_and_end(int i)
{
	uint64_t flags = (i & 1 ? PROCFD_NO_WATCH : 0) | (i & 2 ? PROCFD_AUTOREAP : 0);
	int fd = ctx_flags(flags);
	set_program(fd, tiny, (char *)NULL);
	if (i & 4)
		SET(fd, PROC_SET_CLOSE, SIGKILL);
	create(fd);
	if (i % 16 != 15 || !(i & 4)) /* else it is dropped, running */
		expect_exit(fd, 0);
	CHECK_EQ(close(fd), 0);
}

static void one_after_the_other(void)
{
	int all = attack_count(1000, 100000);
	/* The library keeps a descriptor of /proc from the first question that reads there. */
	static struct procfd_info info;
	int own = sys_pidfd_open(getpid());
	CHECK(own >= 0);
	CHECK_EQ(process_info(own, PROC_INFO, PROC_FIELD_SIGNALS, &info, sizeof info), 0);
	close(own);
	snprintf(tiny, sizeof tiny, "%s/tiny", tiny_folder());
	for (int i = 0; i < all / 10; i++)
		start_and_end(i);
	no_child_is_left();
	long kib = resident_kib(), fds = descriptors_open();
	for (int i = all / 10; i < all; i++)
		start_and_end(i);
	no_child_is_left();
	diag("%d starts; resident after a tenth %ld KiB, at the end %ld KiB; descriptors %ld and %ld", all, kib,
	     resident_kib(), fds, descriptors_open());
	CHECK(resident_kib() <= kib + 256);
	CHECK_EQ(descriptors_open(), fds);
}

/* Starts until a limit refuses one. Each has the watcher and a close policy. */
static void at_once(void)
{
	int most = attack_count(300, 6000), n = 0, hung_up = 0;
	int *fds = calloc((size_t)most, sizeof *fds), *pidfds = calloc((size_t)most, sizeof *pidfds);
	CHECK(fds && pidfds);
	snprintf(tiny, sizeof tiny, "%s/tiny", tiny_folder());
	struct procfd_error e = { 0 };
	while (n < most) {
		int fd = process_open(0);
		if (fd < 0)
			break;
		set_program(fd, tiny, "wait", (char *)NULL);
		SET(fd, PROC_SET_CLOSE, SIGKILL);
		if (process_config(fd, PROC_CREATE, 0, NULL, 0) < 0) {
			e = last_error(fd);
			close(fd);
			break;
		}
		fds[n] = fd;
		pidfds[n] = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
		if (pidfds[n] < 0) {
			close(fd);
			break;
		}
		n++;
	}
	diag("%d at once%s%s", n, n < most ? ", then: " : "", n < most ? (e.stage ? e.message : "no more descriptors") : "");
	CHECK(n >= most || n >= 40);
	for (int i = 0; i < n; i++)
		CHECK_EQ(state(fds[i]), PROC_STATE_RUNNING);
	/* A third ends by itself, and its hang-up is told; the rest by the close. */
	for (int i = 0; i < n; i += 3)
		CHECK_EQ(process_manage(fds[i], PROC_SIGNAL, SIGTERM, NULL, 0), 0);
	for (int i = 0; i < n; i += 3) {
		struct pollfd p = { .fd = fds[i], .events = 0 };
		CHECK_EQ(poll(&p, 1, FOREVER_MS), 1);
		CHECK(p.revents & POLLHUP);
		hung_up++;
		expect_killed(fds[i], SIGTERM);
	}
	for (int i = 0; i < n; i++)
		CHECK_EQ(close(fds[i]), 0);
	for (int i = 0; i < n; i++) {
		CHECK(ready_within(pidfds[i], FOREVER_MS));
		close(pidfds[i]);
	}
	free(fds);
	free(pidfds);
	no_child_is_left();
	diag("%d ended by themselves and hung up, %d by the close", hung_up, n - hung_up);
	start_and_end(0);
	no_child_is_left();
}

TAP_MAIN(SLOW(one_after_the_other, 900), SLOW(at_once, AND_LONGER))

// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Profiles of container runtimes, old and new: which starts work where a filter refuses what they do not know, with
 * ENOSYS and with EPERM. docs/kernel-features.md has the same rows.
 */
#include "filter.h"

#define MAX 6

struct profile {
	const char *name;
	long refused[MAX];
	int watched; /* whether a start with the watcher works: else it fails at PROC_STAGE_WATCHER */
};

static const struct profile profiles[] = {
	{ "clone3", { SYS_clone3 }, 1 },
	{ "pidfd_open", { SYS_pidfd_open }, 1 },
	{ "close_range", { SYS_close_range }, 1 },
	{ "unshare", { SYS_unshare }, 1 },
	{ "pidfd_send_signal", { SYS_pidfd_send_signal }, 0 },
	{ "memfd_create", { SYS_memfd_create }, 0 },
	{ "execveat", { SYS_execveat }, 0 },
	{ "io_uring", { 425, 426, 427 }, 1 },
	{ "clone3, unshare", { SYS_clone3, SYS_unshare }, 1 },
	{ "clone3, pidfd_open, close_range", { SYS_clone3, SYS_pidfd_open, SYS_close_range }, 1 },
	{ "clone3, pidfd_open, close_range, unshare", { SYS_clone3, SYS_pidfd_open, SYS_close_range, SYS_unshare }, 0 },
	{ "all of them",
	  { SYS_clone3, SYS_pidfd_open, SYS_close_range, SYS_unshare, SYS_memfd_create, SYS_execveat }, 0 },
};
#define PROFILES (sizeof profiles / sizeof *profiles)

struct one {
	const struct profile *profile;
	int err;
};

static void start_under(const struct profile *p, int err, uint64_t flags)
{
	int fd = ctx_flags(flags);
	set_child(fd, "exit", "7");
	if (!(flags & PROCFD_NO_WATCH) && !p->watched) {
		CREATE_FAILS(fd, err, PROC_STAGE_WATCHER, -1);
		close(fd);
		return;
	}
	create(fd);
	if (!(flags & PROCFD_NO_WATCH)) {
		struct pollfd poller = { .fd = fd };
		CHECK_EQ(poll(&poller, 1, FOREVER_MS), 1);
		CHECK(poller.revents & POLLHUP);
	}
	expect_exit(fd, 7);
	expect_exit(fd, 7);
	close(fd);
}

/* The kernel carries a close policy out, with a watcher or without. */
static void kill_on_close(void)
{
	int fd = ctx_flags(PROCFD_NO_WATCH);
	set_child(fd, "pause");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	create(fd);
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	CHECK(pidfd >= 0);
	close(fd);
	CHECK_ENDS(pidfd);
	close(pidfd);
}

static void under(void *arg)
{
	const struct one *one = arg;
	struct rule rules[MAX];
	int n = 0;
	while (n < MAX && one->profile->refused[n]) {
		rules[n] = (struct rule){ one->profile->refused[n], REFUSE(one->err) };
		n++;
	}
	filter(rules, n, 0);
	start_under(one->profile, one->err, 0);
	start_under(one->profile, one->err, PROCFD_NO_WATCH);
	kill_on_close();
	sweep();
}

static void each(int err)
{
	int bad = 0;
	for (size_t i = 0; i < PROFILES; i++) {
		struct one one = { &profiles[i], err };
		pid_t pid = fork_run(under, &one);
		int st;
		CHECK_EQ(waitpid(pid, &st, 0), pid);
		if (st) {
			diag("without %s, errno %d: status %#x", profiles[i].name, err, st);
			bad = 1;
		}
	}
	CHECK(!bad);
}

static void refused_with_enosys(void)
{
	each(ENOSYS);
}

static void refused_with_eperm(void)
{
	each(EPERM);
}

TAP_MAIN(COLD(refused_with_enosys), COLD(refused_with_eperm))

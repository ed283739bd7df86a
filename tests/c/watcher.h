/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the tests of the watcher share: finding it, and seeing it gone. */
#ifndef WATCHER_H
#define WATCHER_H

#include "util.h"

/* The live watchers of a creator: how many, and the last one's pid. */
UNUSED static int watchers_of(pid_t creator, pid_t *found)
{
	char want[64], path[300], text[512];
	int n = 0;
	snprintf(want, sizeof want, "procfd-watch [for %d ", creator);
	DIR *d = opendir("/proc");
	for (struct dirent *e; (e = readdir(d));) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		snprintf(path, sizeof path, "/proc/%.20s/cmdline", e->d_name);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t l = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
		if (fd >= 0)
			close(fd);
		if (l <= 0) /* a zombie has none */
			continue;
		text[l] = 0;
		if (!strncmp(text, want, strlen(want))) {
			n++;
			if (found)
				*found = atoi(e->d_name);
		}
	}
	closedir(d);
	return n;
}

UNUSED static pid_t watcher(void)
{
	pid_t pid = -1;
	/* It takes its name after PROC_CREATE has returned. */
	for (long long end = now_ns() + FOREVER_MS * 1000000LL; watchers_of(getpid(), &pid) != 1;) {
		CHECK(now_ns() < end);
		usleep(1000);
	}
	return pid;
}

UNUSED static void kill_watcher(void)
{
	pid_t pid = watcher();
	int pidfd = sys_pidfd_open(pid);
	CHECK(pidfd >= 0);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_ENDS(pidfd);
	close(pidfd);
}

/* A procfd with a child that stays until it is killed. */
UNUSED static int staying(void)
{
	int fd = ctx();
	set_child(fd, "pause");
	create(fd);
	return fd;
}

/* `creator` sends a pidfd of its child through the socket it is given, and is killed. */
UNUSED static void ends_after_its_creator(void (*creator)(void *socket))
{
	int s[2];
	socket_pair(s);
	pid_t pid = fork_run(creator, &s[1]);
	int pidfd = recv_fd(s[0]);
	expect_status(pid, SIGKILL);
	CHECK_ENDS(pidfd);
	close(pidfd);
	close(s[0]);
	close(s[1]);
}

/* What poll says within the limit when asked for events. */
UNUSED static int polled(int fd, int events, int ms)
{
	struct pollfd p = { .fd = fd, .events = (short)events };
	int r;
	while ((r = poll(&p, 1, ms)) < 0 && errno == EINTR)
		;
	CHECK(r >= 0);
	return r ? p.revents : 0;
}

#define CHECK_HUNG_UP(fd) CHECK_EQ(polled(fd, 0, FOREVER_MS), POLLHUP)
#define CHECK_NOT_HUNG_UP(fd) CHECK_EQ(polled(fd, 0, 30), 0)

#endif

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A cgroup (v2) for the tests that need one. */
#ifndef CGROUP_H
#define CGROUP_H

#include "util.h"

static char mount_point[256], group[320], own[256];

/* A fresh cgroup below the own one; SKIP where there is none to be had. */
UNUSED static void make_group(void)
{
	char line[1024], root[256], rest[64];
	FILE *f = fopen("/proc/self/mountinfo", "re");
	CHECK(f);
	mount_point[0] = own[0] = 0;
	while (!mount_point[0] && fgets(line, sizeof line, f)) {
		char *dash = strstr(line, " - ");
		if (dash && sscanf(dash, " - %63s", rest) == 1 && !strcmp(rest, "cgroup2"))
			CHECK_EQ(sscanf(line, "%*d %*d %*s %255s %255s", root, mount_point), 2);
	}
	fclose(f);
	f = fopen("/proc/self/cgroup", "re");
	CHECK(f);
	while (fgets(line, sizeof line, f))
		if (!strncmp(line, "0::", 3))
			sscanf(line, "0::%255s", own);
	fclose(f);
	if (!mount_point[0])
		SKIP("no cgroup v2 is mounted");
	if (!own[1])
		own[0] = 0;
	snprintf(group, sizeof group, "%.200s%.60s/procfd-%d", mount_point, own, getpid());
	if (mkdir(group, 0755))
		SKIP("no cgroup v2 that this user may divide");
}

/* It is busy until the last process in it is reaped, a watcher too. */
UNUSED static void drop_cgroup(const char *path)
{
	long long end = now_ns() + FOREVER_MS * 1000000LL;
	while (rmdir(path))
		if (errno != EBUSY || now_ns() > end)
			FAIL("rmdir %s: errno %d", path, errno);
		else
			usleep(1000);
}

UNUSED static void drop_group(void)
{
	drop_cgroup(group);
}

#endif

// SPDX-License-Identifier: MIT OR Apache-2.0
/* libprocfd as C programs call it, and the bare system calls for the ids and the CPU time. */
#define _GNU_SOURCE
#include <procfd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#define SET                                                                                    \
	(PROC_FIELD_IDS | PROC_FIELD_STATE | PROC_FIELD_TIMES | PROC_FIELD_MEMORY | PROC_FIELD_COMM)
#define MANY 65536

/* struct pidfd_info of 6.13, and its mask for pid, credentials and cgroup. */
struct pidfd_info {
	unsigned long long mask, cgroupid;
	unsigned pid, tgid, ppid, ids[8], exit_code;
};
#define GET_INFO _IOWR(0xFF, 11, struct pidfd_info)

int bare_ids_cpu(int pidfd, int pid)
{
	struct pidfd_info info = { .mask = 7 };
	struct timespec ts;
	if (ioctl(pidfd, GET_INFO, &info) || clock_gettime(((~(clockid_t)pid) << 3) | 2, &ts))
		return -1;
	return info.pid == (unsigned)pid ? 0 : -1;
}

/* A procfd of this copy of the library, which is not the benchmark's own. */
int calls_attach(int pidfd)
{
	int fd = process_open(PROCFD_NO_WATCH);
	if (fd >= 0 && process_config(fd, PROC_ATTACH, (uint64_t)pidfd, NULL, 0) < 0)
		return -1;
	return fd;
}

int calls_ids_cpu(int fd)
{
	struct procfd_info info;
	if (process_info(fd, PROC_INFO, PROC_FIELD_IDS | PROC_FIELD_CPU, &info, sizeof info))
		return -1;
	return info.mask == (PROC_FIELD_IDS | PROC_FIELD_CPU) ? 0 : -1;
}

int calls_set(int fd)
{
	struct procfd_info info;
	if (process_info(fd, PROC_INFO, SET, &info, sizeof info))
		return -1;
	return info.mask == SET ? 0 : -1;
}

static struct procfd_info *entries;

/* `known` is how much of each entry the program wants: all of it, or what has the set. */
static int all(unsigned flags, size_t known)
{
	if (!entries && !(entries = malloc(MANY * sizeof *entries)))
		return -1;
	struct procfd_snapshot s = { .scope = PROC_SNAPSHOT_ALL, .flags = flags, .entries = entries,
				     .entry_size = known, .room = MANY };
	return process_info(-1, PROC_SNAPSHOT, SET, &s, sizeof s);
}

int calls_all(void)
{
	return all(0, sizeof *entries);
}

int calls_kept(void)
{
	return all(PROC_SNAPSHOT_KEEP, sizeof *entries);
}

int calls_drop(void)
{
	struct procfd_snapshot s = { .scope = PROC_SNAPSHOT_ALL, .flags = PROC_SNAPSHOT_DROP };
	free(entries);
	entries = NULL;
	return process_info(-1, PROC_SNAPSHOT, SET, &s, sizeof s);
}

// SPDX-License-Identifier: MIT OR Apache-2.0
/* libprocfd as C programs call it, and the bare system calls for the ids and the CPU time. */
#define _GNU_SOURCE
#include <procfd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

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

int bare_ids(int pidfd)
{
	struct pidfd_info info = { .mask = 7 };
	return ioctl(pidfd, GET_INFO, &info);
}

/* What the opener's answer takes: the proofs of its procfd and of the kept pidfd, the clock of the last pid, the ioctl. */
int floor_opener(int procfd, int pidfd)
{
	static int pid;
	struct pidfd_info info = { .mask = 7 };
	unsigned long long cookie;
	socklen_t len = sizeof cookie;
	struct stat st;
	struct timespec ts;
	if (getsockopt(procfd, SOL_SOCKET, SO_COOKIE, &cookie, &len) || syscall(SYS_fstat, pidfd, &st))
		return -1;
	clock_gettime(((~(clockid_t)pid) << 3) | 2, &ts);
	if (ioctl(pidfd, GET_INFO, &info))
		return -1;
	pid = (int)info.pid;
	return 0;
}

/* A receiver's: it takes the pidfd out of the message. */
int floor_received(int procfd)
{
	static int pid;
	struct pidfd_info info = { .mask = 7 };
	char header[16], room[CMSG_SPACE(sizeof(int))];
	struct iovec part = { header, sizeof header };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = room,
			    .msg_controllen = CMSG_LEN(sizeof(int)) }; /* the space has room for two */
	struct timespec ts;
	if (recvmsg(procfd, &m, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0 || !CMSG_FIRSTHDR(&m))
		return -1;
	int pidfd = *(int *)CMSG_DATA(CMSG_FIRSTHDR(&m));
	clock_gettime(((~(clockid_t)pid) << 3) | 2, &ts);
	int r = ioctl(pidfd, GET_INFO, &info);
	close(pidfd);
	pid = (int)info.pid;
	return r;
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

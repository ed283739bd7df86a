// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * What a C program does by itself for a ps-like set: open, read and close of /proc/PID/stat, the one
 * cheapest file that has it, and the values out of it. Its resident memory is off by some pages for each CPU. The
 * exact one is in statm, which the loops of both files read too.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct process {
	int pid, ppid;
	char state, comm[64];
	unsigned long long utime, stime, vsize, rss;
};

static struct process found[65536];

/* The fields behind the name by hand: sscanf would take longer than the kernel. */
static int parse(char *text, ssize_t len, struct process *to)
{
	text[len] = 0;
	char *open = strchr(text, '('), *close = strrchr(text, ')');
	if (!open || !close)
		return -1;
	size_t n = (size_t)(close - open - 1);
	n = n < sizeof to->comm ? n : sizeof to->comm - 1;
	memcpy(to->comm, open + 1, n);
	to->comm[n] = 0;
	to->pid = atoi(text);
	to->state = close[2];
	char *at = close + 4;
	for (int field = 4; field <= 24; field++) {
		int negative = *at == '-';
		unsigned long long value = 0;
		for (at += negative; *at >= '0' && *at <= '9'; at++)
			value = value * 10 + (unsigned long long)(*at - '0');
		at++;
		if (field == 4)
			to->ppid = (int)value;
		else if (field == 14)
			to->utime = value;
		else if (field == 15)
			to->stime = value;
		else if (field == 23)
			to->vsize = value;
		else if (field == 24)
			to->rss = value;
	}
	return 0;
}

static int take(const char *path, struct process *to)
{
	char text[2048];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t len = read(fd, text, sizeof text - 1);
	close(fd);
	return len > 0 ? parse(text, len, to) : -1;
}

static void sizes(char *text, ssize_t len, struct process *to)
{
	text[len] = 0;
	to->vsize = strtoull(text, &text, 10) * 4096;
	to->rss = strtoull(text, NULL, 10);
}

static int take_sizes(const char *path, struct process *to)
{
	char text[256];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t len = read(fd, text, sizeof text - 1);
	close(fd);
	if (len > 0)
		sizes(text, len, to);
	return len > 0 ? 0 : -1;
}

int loop_one(int pid)
{
	char path[32];
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	return take(path, found);
}

int loop_one_both(int pid)
{
	char path[32];
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	if (take(path, found))
		return -1;
	strcat(path, "m");
	return take_sizes(path, found);
}

/* As ps has it: the directory, and each number in it. */
static int all(int both)
{
	char path[300], *end;
	int n = 0;
	DIR *d = opendir("/proc");
	if (!d)
		return -1;
	for (struct dirent *e; (e = readdir(d));) {
		if (e->d_name[0] < '1' || e->d_name[0] > '9' || n == 65536)
			continue;
		end = stpcpy(stpcpy(stpcpy(path, "/proc/"), e->d_name), "/stat");
		if (take(path, &found[n]))
			continue;
		if (both) {
			strcpy(end, "m");
			if (take_sizes(path, &found[n]))
				continue;
		}
		n++;
	}
	closedir(d);
	return n;
}

int loop_all(void)
{
	return all(0);
}

int loop_all_both(void)
{
	return all(1);
}

/* The same with what was opened once: descriptors by pid, 0 for none. */
static int held[1 << 22], held_sizes[1 << 22];

/* Above half of what is allowed, so that half of it is free for those who compare. */
static int high(const char *path)
{
	struct rlimit limit;
	int fd = open(path, O_RDONLY | O_CLOEXEC), to = -1;
	if (fd > 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0)
		to = fcntl(fd, F_DUPFD_CLOEXEC, (int)(limit.rlim_cur / 2));
	if (to < 0)
		return fd;
	close(fd);
	return to;
}

static int again(int both)
{
	char path[300], text[2048];
	int n = 0;
	DIR *d = opendir("/proc");
	if (!d)
		return -1;
	for (struct dirent *e; (e = readdir(d)) && n < 65536;) {
		int pid = atoi(e->d_name);
		if (pid <= 0 || pid >= 1 << 22)
			continue;
		ssize_t len = held[pid] ? pread(held[pid], text, sizeof text - 1, 0) : -1;
		if (len <= 0) {
			if (held[pid])
				close(held[pid]);
			strcpy(stpcpy(stpcpy(path, "/proc/"), e->d_name), "/stat");
			int fd = high(path);
			held[pid] = fd > 0 ? fd : 0;
			len = fd > 0 ? pread(fd, text, sizeof text - 1, 0) : -1;
		}
		if (len <= 0 || parse(text, len, &found[n]))
			continue;
		if (both) {
			len = held_sizes[pid] ? pread(held_sizes[pid], text, 255, 0) : -1;
			if (len <= 0) {
				if (held_sizes[pid])
					close(held_sizes[pid]);
				strcpy(stpcpy(stpcpy(path, "/proc/"), e->d_name), "/statm");
				int fd = high(path);
				held_sizes[pid] = fd > 0 ? fd : 0;
				len = fd > 0 ? pread(fd, text, 255, 0) : -1;
			}
			if (len <= 0)
				continue;
			sizes(text, len, &found[n]);
		}
		n++;
	}
	closedir(d);
	return n;
}

int loop_held(void)
{
	return again(0);
}

int loop_held_both(void)
{
	return again(1);
}

/*
 * The system calls that the library makes, without the library: what its answers cost if its code cost nothing. /proc is
 * proved once for both files, and in a loop before and after 16 processes. `stat` is opened first and read last.
 */
static int root = -1;

static void prove(int fd)
{
	struct stat st;
	syscall(SYS_fstat, fd, &st);
}

static int both_of(const char *pid, struct process *to)
{
	char path[300], text[2048], more[256];
	strcpy(stpcpy(path, pid), "/stat");
	int fd = openat(root, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	strcat(path, "m");
	int fd2 = openat(root, path, O_RDONLY | O_CLOEXEC);
	ssize_t len2 = pread(fd2, more, sizeof more - 1, 0);
	close(fd2);
	ssize_t len = pread(fd, text, sizeof text - 1, 0);
	close(fd);
	if (len <= 0 || len2 <= 0 || parse(text, len, to))
		return -1;
	sizes(more, len2, to);
	return 0;
}

static int have_root(void)
{
	if (root < 0)
		root = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root;
}

int floor_one(int pid)
{
	char name[16];
	snprintf(name, sizeof name, "%d", pid);
	prove(have_root());
	return both_of(name, found);
}

int floor_all(void)
{
	int n = 0;
	have_root();
	DIR *d = fdopendir(openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (!d)
		return -1;
	for (struct dirent *e; (e = readdir(d)) && n < 65536;) {
		if (e->d_name[0] < '1' || e->d_name[0] > '9')
			continue;
		if (n % 16 == 0)
			prove(root);
		n += both_of(e->d_name, &found[n]) == 0;
	}
	closedir(d);
	return n;
}

/* What is held has a proof for each file. */
int floor_held(void)
{
	char text[2048];
	int n = 0;
	DIR *d = opendir("/proc");
	if (!d)
		return -1;
	for (struct dirent *e; (e = readdir(d)) && n < 65536;) {
		int pid = atoi(e->d_name);
		if (pid <= 0 || pid >= 1 << 22 || !held[pid] || !held_sizes[pid])
			continue;
		prove(held_sizes[pid]);
		ssize_t len = pread(held_sizes[pid], text, 255, 0);
		if (len <= 0)
			continue;
		sizes(text, len, &found[n]);
		prove(held[pid]);
		len = pread(held[pid], text, sizeof text - 1, 0);
		n += len > 0 && parse(text, len, &found[n]) == 0;
	}
	closedir(d);
	return n;
}

int loop_let_go(void)
{
	for (int pid = 0; pid < 1 << 22; pid++)
	{
		if (held[pid])
			close(held[pid]);
		if (held_sizes[pid])
			close(held_sizes[pid]);
		held[pid] = held_sizes[pid] = 0;
	}
	return 0;
}

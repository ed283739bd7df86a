/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* For the tests of texts, records and lists of process_info. */
#ifndef INFO_H
#define INFO_H

#include "util.h"

UNUSED static char big[1 << 22];

/* A text of a process, NUL-terminated; fails if there is none. */
UNUSED static char *text_of(int fd, uint32_t cmd)
{
	int n = process_info(fd, cmd, 0, big, sizeof big - 1);
	if (n < 0)
		FAIL("command 0x%x: errno %d (%s)", cmd, errno, strerror(errno));
	CHECK((size_t)n < sizeof big);
	CHECK_EQ(big[n], 0);
	return big;
}

/* What the kernel has in a file of a process. */
UNUSED static size_t file_of(pid_t pid, const char *name, char *to, size_t size)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	size_t n = 0;
	for (ssize_t l; (l = read(fd, to + n, size - 1 - n)) > 0;)
		n += (size_t)l;
	close(fd);
	to[n] = 0;
	return n;
}

/* A child of this process that does something and stays; its pidfd. It ends with its reader. */
struct stay {
	pid_t pid;
	int fd;
};

UNUSED static struct stay stay(void (*run)(void *), void *arg)
{
	struct out ready = make_pipe();
	struct stay s = { fork(), -1 };
	CHECK(s.pid >= 0);
	if (s.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ready.r);
		if (run)
			run(arg);
		if (write(ready.w, "r", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready.w);
	s.fd = sys_pidfd_open(s.pid);
	CHECK(s.fd >= 0);
	char c;
	if (read(ready.r, &c, 1) != 1)
		FAIL("the child did not get ready");
	close(ready.r);
	return s;
}

UNUSED static void stay_end(struct stay s)
{
	kill(s.pid, SIGKILL);
	CHECK_EQ(waitpid(s.pid, NULL, 0), s.pid);
	CHECK_ERR(process_info(s.fd, PROC_INFO_ARGV, 0, NULL, 0), ESRCH);
	close(s.fd);
}

/* Walks the records; how many there are. */
UNUSED static int maps_in(const char *records, int len, void (*each)(const struct procfd_map *, const char *, void *),
		   void *arg)
{
	int n = 0;
	for (int at = 0; at + 8 <= len; n++) {
		const struct procfd_map *m = (const void *)(records + at);
		if (m->size == 0)
			break;
		CHECK_EQ(m->size % 8, 0);
		CHECK_EQ(m->path_offset, sizeof *m);
		CHECK(m->path_offset + m->path_len < m->size);
		CHECK(at + (int)m->size <= len);
		const char *path = records + at + m->path_offset;
		CHECK_EQ(strlen(path), m->path_len);
		if (each)
			each(m, path, arg);
		at += (int)m->size;
	}
	return n;
}

UNUSED static const struct procfd_fd *fd_in(const char *records, int len, int number, const char **path)
{
	const struct procfd_fd *found = NULL;
	for (int at = 0, last = -1; at < len;) {
		const struct procfd_fd *f = (const void *)(records + at);
		CHECK(f->size && f->size % 8 == 0 && at + (int)f->size <= len);
		CHECK(f->fd > last);
		CHECK_EQ(strlen(records + at + f->path_offset), f->path_len);
		last = f->fd;
		if (f->fd == number) {
			found = f;
			*path = records + at + f->path_offset;
		}
		at += (int)f->size;
	}
	return found;
}

#endif

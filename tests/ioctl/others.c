/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * ioctls that are not ours, and ours on what is no process: one line for each, with what it
 * returned, errno and the data. The output is the same with the library preloaded and without. With
 * an argument, on open descriptors alone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/ioctl.h>
#include <linux/rtc.h>
#include <net/if.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* As long as the size in any request may say: sanitizers believe it. */
static unsigned char data[16384];

static void one(const char *name, int fd, unsigned long request)
{
	memset(data, 0x5a, sizeof data);
	errno = 0;
	int ret = ioctl(fd, request, data);
	int error = errno;
	unsigned sum = 0;
	for (size_t i = 0; i < sizeof data; i++)
		sum = sum * 31 + data[i];
	printf("%-10s %08lx %d %d %08x\n", name, request, ret, error, sum);
}

static void on_signal(int sig)
{
	int bytes = 0;
	(void)sig;
	/* Not among the functions POSIX lists for handlers, and done all the same. */
	if (ioctl(0, TIOCOUTQ, &bytes) == 0)
		bytes = 0;
}

int main(int argc, char **argv)
{
	/* On what each device knows, what it does not know, and what is ours. */
	static const unsigned long requests[] = {
		TCGETS, TIOCGWINSZ, TIOCGPGRP, FIONREAD, TIOCOUTQ, TIOCGPTN, TIOCGPTLCK, FIOCLEX, FIONCLEX,
		FIGETBSZ, FS_IOC_GETFLAGS, FS_IOC_GETVERSION, BLKGETSIZE64, RTC_RD_TIME, RTC_AIE_ON,
		SIOCGIFCONF, SIOCGIFINDEX, SIOCATMARK, _IO(0xff, 11), 0xffffffffUL, 0,
		_IO('p', 1), _IOW('p', 1, int), _IOW('p', 1, void *), _IO(0xd0, 1), _IO(0xd1, 0), _IO(0xd2, 0),
		_IO(0xd2, 1), _IO(0xd3, 1), _IO(0xd3, 0xff), _IO(0xd4, 0),
		_IOC(_IOC_WRITE, 0xd1, 3, 24), _IOC(_IOC_WRITE, 0xd2, 1, 24), _IOC(_IOC_WRITE, 0xd3, 0, 24),
		_IOC(_IOC_READ | _IOC_WRITE, 0xd3, 0, 104),
	};
	char byte = 'x';
	int tty = posix_openpt(O_RDWR | O_NOCTTY), s[2], p[2], file = open(argv[0], O_RDONLY);
	struct winsize size = { .ws_row = 33, .ws_col = 77 };

	if (tty < 0 || file < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, s) || pipe(p))
		return 1;
	if (ioctl(tty, TIOCSWINSZ, &size) || write(s[1], &byte, 1) != 1 || write(p[1], &byte, 1) != 1)
		return 1;
	const struct { const char *name; int fd; } on[] = {
		{ "tty", tty }, { "socket", s[0] }, { "inet", socket(AF_INET, SOCK_DGRAM, 0) }, { "pipe", p[0] },
		{ "file", file }, { "null", open("/dev/null", O_RDWR) }, { "dir", open("/", O_DIRECTORY) },
		{ "path", open("/", O_PATH) }, { "sys", open("/proc/sys", O_DIRECTORY) }, { "closed", 999 },
		{ "negative", -1 },
	};
	for (size_t f = 0; f < sizeof on / sizeof *on; f++)
		for (size_t r = 0; r < sizeof requests / sizeof *requests; r++)
			if (argc == 1 || fcntl(on[f].fd, F_GETFD) >= 0)
				one(on[f].name, on[f].fd, requests[r]);

	/* Without a third argument; and where little may be called. */
	errno = 0;
	printf("two %d", ioctl(p[0], FIOCLEX));
	printf(" %d\n", fcntl(p[0], F_GETFD));
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	fflush(stdout);
	pid_t pid = vfork();
	if (pid == 0) {
		int bytes = 0;
		_exit(ioctl(p[0], FIONREAD, &bytes) || bytes != 1);
	}
	int status = -1;
	waitpid(pid, &status, 0);
	printf("vfork %d\n", status);
	return 0;
}

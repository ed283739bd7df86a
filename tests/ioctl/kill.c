/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The proposal's snippet, with the proposal's own definition of the request and nothing of this
 * library: kill PID [SIGNAL].
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/ioctl.h>
#include <linux/types.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PROC_FD_SIGNAL _IOW('p', 1, __s32)

int main(int argc, char **argv)
{
	char path[64];
	int signal = argc > 2 ? atoi(argv[2]) : SIGKILL;

	snprintf(path, sizeof path, "/proc/%s", argc > 1 ? argv[1] : "");
	int fd = open(path, O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return 2;
	int ret = ioctl(fd, PROC_FD_SIGNAL, signal);
	printf("%d %s\n", ret, ret == 0 ? "0" : errno == ENOTTY ? "ENOTTY" : strerror(errno));
	close(fd);
	return 0;
}

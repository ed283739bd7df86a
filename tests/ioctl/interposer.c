/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Another library that interposes ioctl(): it says what it was given for the requests of type 'Z', hands
 * on the rest, and makes an ioctl from its constructor.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/ioctl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

int ioctl(int fd, unsigned long request, ...);

int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	va_start(ap, request);
	unsigned long arg = va_arg(ap, unsigned long);
	va_end(ap);
	if (_IOC_TYPE(request) == 'Z') {
		printf("other: %d %lx %lx\n", fd, request, arg);
		return 42;
	}
	int (*next)(int, unsigned long, ...) = NULL;
	*(void **)&next = dlsym(RTLD_NEXT, "ioctl");
	return next(fd, request, arg);
}

__attribute__((constructor)) static void early(void)
{
	/* EBADF, by whichever way there is so early. */
	if (ioctl(-1, 0, 0UL) != -1)
		_exit(99);
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a foreign ioctl costs by ioctl(), as the dynamic linker has bound it, against the C library's own:
 * a ratio, the smallest of each of many rounds taken in turn. A figure, not a test.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

typedef int ioctl_fn(int, unsigned long, ...);

static double round_of(ioctl_fn *call, int fd)
{
	struct timespec a, b;
	int bytes;
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < 20000; i++)
		call(fd, FIONREAD, &bytes);
	clock_gettime(CLOCK_MONOTONIC, &b);
	return ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / 20000;
}

int main(void)
{
	void *libc = dlopen("libc.so.6", RTLD_NOW);
	ioctl_fn *plain = NULL;
	int p[2];
	if (!libc || pipe(p))
		return 1;
	*(void **)&plain = dlsym(libc, "ioctl");
	if (!plain)
		return 1;
	double with = 1e12, without = 1e12;
	for (int i = 0; i < 200; i++) {
		double one = round_of(plain, p[0]), two = round_of(ioctl, p[0]);
		without = one < without ? one : without;
		with = two < with ? two : with;
	}
	printf("libc %.1f ns, ioctl() %.1f ns, %.1f ns more, ratio %.3f, %s\n", without, with, with - without,
	       with / without, plain == ioctl ? "not preloaded" : "preloaded");
	return 0;
}

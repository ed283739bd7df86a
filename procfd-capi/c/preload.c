/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * libprocfd-ioctl.so: preloaded, it makes ioctl() understand the requests of procfd_ioctl().
 *
 * A foreign request costs two comparisons and an indirect call. It goes to the next ioctl() in the search
 * order, not to the system call. Sanitizers and other libraries that interpose ioctl() see it as before.
 *
 * <sys/ioctl.h> is left out: musl's request is an int, glibc's an unsigned long. Both pass it in a
 * register of which the kernel, and this, take the low 32 bits.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <procfd.h>

int ioctl(int fd, unsigned long request, ...);

typedef int ioctl_fn(int, unsigned long, ...);

static ioctl_fn *next_ioctl;

/*
 * Here, not at the first call: that may come in a signal handler, in the child of a vfork or inside an
 * allocator, where dlsym() must not be called.
 */
__attribute__((constructor)) static void find_next(void)
{
	/* The detour by an object pointer is the one that POSIX gives for dlsym(). */
	ioctl_fn *found = NULL;
	*(void **)&found = dlsym(RTLD_NEXT, "ioctl");
	__atomic_store_n(&next_ioctl, found, __ATOMIC_RELEASE);
}

static int is_ours(uint32_t request)
{
	/* The type is 0xd0 to 0xd3. */
	return (request & 0xfc00) == PROCFD_IOC_ARG || request == PROC_FD_SIGNAL;
}

static int pass_on(int fd, unsigned long request, void *arg)
{
	ioctl_fn *next = __atomic_load_n(&next_ioctl, __ATOMIC_ACQUIRE);
	/* Constructors of other libraries may run before ours. */
	return next ? next(fd, request, arg) : (int)syscall(SYS_ioctl, fd, request, arg);
}

/* Kept out of the way of the rest, which needs no more than its arguments. */
__attribute__((noinline)) static int ours(int fd, unsigned long request, void *arg)
{
	int saved = errno;
	int done = procfd_ioctl(fd, request, arg);
	if (done != -1 || errno != ENOTTY)
		return done;
	/* No process: a device may have the same number for something of its own. */
	errno = saved;
	return pass_on(fd, request, arg);
}

__attribute__((visibility("default"))) int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;

	va_start(ap, request);
	void *arg = va_arg(ap, void *);
	va_end(ap);

	if (__builtin_expect(is_ours((uint32_t)request), 0))
		return ours(fd, request, arg);
	return pass_on(fd, request, arg);
}

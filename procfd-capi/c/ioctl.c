/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * procfd_ioctl, the one call of the library that is C-variadic, which stable Rust can call but not
 * define. What it does is in src/ioctl.rs.
 */
#include <stdarg.h>

#include <procfd.h>

int procfd_ioctl_fixed(int fd, unsigned long request, void *arg);

__attribute__((visibility("default"))) int procfd_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;

	/* As libc's ioctl() does: without a third argument this is whatever is in its place. */
	va_start(ap, request);
	void *arg = va_arg(ap, void *);
	va_end(ap);
	return procfd_ioctl_fixed(fd, request, arg);
}

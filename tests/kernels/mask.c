// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * mask VERSION PROGRAM [ARGS]: run a program on this kernel as if it were an older one, as far as a filter can
 * pretend: system calls that came later are ENOSYS, and so on for requests and flags. What a filter cannot see
 * (bits behind a pointer, files in /proc, what poll reports) stays as it is.
 *
 * Without privilege the program runs with no_new_privs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ERR(e) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (e))
#define LOAD(what) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, what))
#define IF(op, k, yes, no) BPF_JUMP(BPF_JMP | (op) | BPF_K, k, yes, no)

static struct sock_filter code[256];
static unsigned short length;

static void put(const struct sock_filter *f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		code[length++] = f[i];
}

#define PUT(...)                                                    \
	do {                                                        \
		const struct sock_filter f_[] = { __VA_ARGS__ };    \
		put(f_, sizeof f_ / sizeof *f_);                    \
	} while (0)

/* The accumulator holds the number of the call, before and after. */
static void argument(unsigned nr, size_t at, unsigned mask, unsigned value, int equal, unsigned err)
{
	PUT(IF(BPF_JEQ, nr, 0, 5), BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)at),
	    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask), IF(BPF_JEQ, value, equal ? 0 : 1, equal ? 1 : 0), ERR(err), LOAD(nr));
}

#define ARGUMENT(nr, n, ...) argument(nr, offsetof(struct seccomp_data, args[n]), __VA_ARGS__)

/* The last system call of each release, where that is not the one before (the numbers all architectures share). */
static const struct { int version, last; } calls[] = {
	{ 504, 435 }, { 506, 438 }, { 508, 439 }, { 510, 440 }, { 511, 441 }, { 512, 442 }, { 513, 446 }, { 514, 447 },
	{ 515, 448 }, { 516, 449 }, { 517, 450 }, { 605, 451 }, { 606, 453 }, { 607, 456 }, { 608, 461 }, { 610, 462 },
	{ 613, 466 }, { 615, 467 },
};

int main(int argc, char **argv)
{
	int major, minor;
	if (argc < 3 || sscanf(argv[1], "%d.%d", &major, &minor) != 2) {
		fprintf(stderr, "usage: mask VERSION PROGRAM [ARGS]\n");
		return 2;
	}
	int version = major * 100 + minor;
	unsigned last = 0;
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		if (calls[i].version <= version)
			last = (unsigned)calls[i].last;
	PUT(LOAD(nr));
	if (last)
		PUT(IF(BPF_JGT, last, 0, 1), ERR(ENOSYS));
	/* The ioctls of pidfds: PIDFD_GET_INFO, and those for namespaces. */
	if (version < 613)
		ARGUMENT(SYS_ioctl, 1, 0xffff, 0xff0b, 1, ENOTTY);
	if (version < 611)
		for (unsigned n = 1; n <= 10; n++)
			ARGUMENT(SYS_ioctl, 1, 0xffffffff, 0xff00 | n, 1, ENOTTY);
	/* PIDFD_THREAD, the scopes of signals. */
	if (version < 609) {
		ARGUMENT(SYS_pidfd_open, 1, 0200, 0200, 1, EINVAL);
		ARGUMENT(SYS_pidfd_send_signal, 3, 0xffffffff, 0, 0, EINVAL);
	}
	/* CLOSE_RANGE_CLOEXEC */
	if (version < 511)
		ARGUMENT(SYS_close_range, 2, 4, 4, 1, EINVAL);
	if (version < 510)
		ARGUMENT(SYS_pidfd_open, 1, 04000, 04000, 1, EINVAL);
	PUT(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	struct sock_fprog p = { .len = length, .filter = code };
	if (geteuid() && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return 2;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p)) {
		perror("seccomp");
		return 2;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}

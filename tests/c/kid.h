/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A forked child that takes one step each time its parent lets it, and asks the kernel for its own
 * state. Include after util.h.
 */
#ifndef KID_H
#define KID_H

#include <stddef.h>
#include <sys/stat.h>

/* All bits that there are. */
#define EVERY_FIELD ((PROC_FIELD_PERSONALITY << 1) - 1)

struct kid {
	int fd;
	pid_t pid;
	int told; /* what it says */
	int let;  /* its permission to go on */
};

/* In the kid. */
static int kid_out UNUSED = -1, kid_in UNUSED = -1;

UNUSED static struct kid kid_on(int fd, void (*run)(void))
{
	struct out said = make_pipe(), go = make_pipe();
	int pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	if (pid < 0) {
		struct procfd_error e = last_error(fd);
		FAIL("stage %u: %s", e.stage, e.message);
	}
	if (pid == 0) {
		alarm(CHILD_LIFE);
		close(said.r);
		close(go.w);
		kid_out = said.w;
		kid_in = go.r;
		run();
		_exit(0);
	}
	close(said.w);
	close(go.r);
	return (struct kid){ fd, pid, said.r, go.w };
}

UNUSED static struct kid kid(void (*run)(void))
{
	return kid_on(ctx(), run);
}

UNUSED static void tell_bytes(const void *what, size_t size)
{
	if (write(kid_out, what, size) != (ssize_t)size)
		_exit(99);
}

/* Say that it is done, and stay until it is let on. */
UNUSED static void stay(void)
{
	char c = 'k';
	tell_bytes(&c, 1);
	if (read(kid_in, &c, 1) != 1)
		_exit(98);
}

/* The same, with a structure or array first. */
#define TELL(what)                                                                             \
	do {                                                                                   \
		tell_bytes(&(what), sizeof(what));                                             \
		stay();                                                                        \
	} while (0)

UNUSED static void read_all(int fd, void *to, size_t size)
{
	for (size_t at = 0; at < size;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int r = poll(&p, 1, FOREVER_MS);
		if (r < 0 && errno == EINTR)
			continue;
		CHECK_EQ(r, 1);
		ssize_t n = read(fd, (char *)to + at, size - at);
		if (n <= 0)
			FAIL("the kid has gone");
		at += (size_t)n;
	}
}

/* What PROC_INFO answers; what it wrote is all its own. */
UNUSED static struct procfd_info some_of(int fd, uint64_t mask)
{
	struct procfd_info i;
	memset(&i, 0xa5, sizeof i);
	CHECK_EQ(process_info(fd, PROC_INFO, mask, &i, sizeof i), 0);
	if (i.mask & ~mask)
		FAIL("asked %#llx, got %#llx", (unsigned long long)mask, (unsigned long long)i.mask);
	CHECK_EQ(i.error, 0);
	/* Each field that was asked for is known, or has exactly one reason. */
	uint64_t all[] = { i.mask, i.denied, i.unsupported, i.gone, i.nothing }, seen = 0;
	for (int n = 0; n < 5; n++) {
		if (all[n] & seen || all[n] & ~mask)
			FAIL("asked %#llx: mask %#llx, denied %#llx, unsupported %#llx, gone %#llx, nothing %#llx",
			     (unsigned long long)mask, (unsigned long long)i.mask, (unsigned long long)i.denied,
			     (unsigned long long)i.unsupported, (unsigned long long)i.gone,
			     (unsigned long long)i.nothing);
		seen |= all[n];
	}
	if (seen != mask)
		FAIL("asked %#llx: no reason for %#llx", (unsigned long long)mask, (unsigned long long)(mask & ~seen));
	return i;
}

/* The same, and everything is known. */
#define ALL_OF(fd, want)                                                                       \
	({                                                                                     \
		struct procfd_info i_ = some_of(fd, want);                                     \
		if (i_.mask != (want))                                                         \
			FAIL("%s: missing %#llx", #want, (unsigned long long)((want) & ~i_.mask)); \
		i_;                                                                            \
	})

/* Nothing of it is known, and no value is given. */
#define NONE_OF(fd, want)                                                                      \
	do {                                                                                   \
		struct procfd_info i_ = some_of(fd, want);                                     \
		if (i_.mask)                                                                   \
			FAIL("%s: known %#llx", #want, (unsigned long long)i_.mask);           \
		for (size_t n_ = 0; n_ < offsetof(struct procfd_info, denied); n_++)           \
			if (((char *)&i_)[n_])                                                 \
				FAIL("%s: byte %zu is not 0", #want, n_);                      \
	} while (0)

UNUSED static int state_letter(int fd)
{
	struct procfd_info i = some_of(fd, PROC_FIELD_STATE);
	return i.mask ? (int)i.state : 0;
}

/* It has done what it was let to do, and sleeps in its read. */
UNUSED static void done(const struct kid *k)
{
	char c;
	read_all(k->told, &c, 1);
	CHECK_EQ(c, 'k');
	UNTIL(state_letter(k->fd) == 'S');
}

#define TOLD(k, to)                                                                            \
	do {                                                                                   \
		read_all((k)->told, &(to), sizeof(to));                                        \
		done(k);                                                                       \
	} while (0)

UNUSED static void let(const struct kid *k)
{
	CHECK_EQ(write(k->let, "g", 1), 1);
}

UNUSED static void gone(struct kid *k)
{
	close(k->told);
	close(k->let);
	finish(k->fd);
}

/* It has come to its end with 0. */
UNUSED static void ended(struct kid *k)
{
	expect_exit(k->fd, 0);
	close(k->told);
	close(k->let);
	close(k->fd);
}

/* The same, of one that may have no /proc to mount. */
UNUSED static void ended_or_skipped(struct kid *k)
{
	struct procfd_wait w = wait_end(k->fd);
	close(k->told);
	close(k->let);
	close(k->fd);
	if (w.what == PROC_EXITED && w.status == TAP_SKIPPED)
		SKIP("no /proc may be mounted here");
	CHECK(w.what == PROC_EXITED && w.status == 0);
}

/* Whether the caller could make these namespaces; an ordinary user needs a user namespace for it. */
UNUSED static int can_unshare(int flags)
{
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(unshare(flags | (geteuid() ? CLONE_NEWUSER : 0)) ? 1 : 0);
	int st;
	CHECK_EQ(waitpid(pid, &st, 0), pid);
	return st == 0;
}

#define NEED_UNSHARE(flags)                                                                    \
	do {                                                                                   \
		if (!can_unshare(flags))                                                       \
			SKIP("no such namespaces for this user");                              \
	} while (0)

/* In the kid. */
UNUSED static void new_namespaces(int flags)
{
	if (unshare(flags | (geteuid() ? CLONE_NEWUSER : 0)))
		_exit(97);
}

/* ---- measures ---- */

#define MIB (1ULL << 20)
#define TICK 10000000ULL

UNUSED static uint64_t clock_of(int id)
{
	struct timespec ts;
	CHECK_EQ(clock_gettime(id, &ts), 0);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

UNUSED static uint64_t ns_of(struct timeval tv)
{
	return (uint64_t)tv.tv_sec * SECOND + (uint64_t)tv.tv_usec * 1000;
}

#define BETWEEN(low, x, high)                                                                  \
	do {                                                                                   \
		unsigned long long lo_ = (low), x_ = (x), hi_ = (high);                        \
		if (x_ < lo_ || x_ > hi_)                                                      \
			FAIL("%s is %llu, wanted %s %llu to %s %llu", #x, x_, #low, lo_, #high, hi_); \
	} while (0)

/* Counters of pages may lag by some for each processor. */
#define LAG (8 * MIB)

/* Process CPU-time clocks of the caller: sampled user and system, sampled user. */
#define CLOCK_PROF ((clockid_t)-8)
#define CLOCK_VIRT ((clockid_t)-7)

UNUSED static void burn(void)
{
	struct rusage ru;
	do {
		for (volatile int n = 0; n < 100000; n++)
			;
		getrusage(RUSAGE_SELF, &ru);
	} while (ns_of(ru.ru_utime) + ns_of(ru.ru_stime) < 50000000 ||
		 clock_of(CLOCK_PROF) < 50000000);
}

UNUSED static char *fresh(size_t size, int how)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, how | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		_exit(96);
	madvise(p, size, MADV_NOHUGEPAGE);
	for (size_t n = 0; n < size; n += 4096)
		p[n] = 1;
	return p;
}

UNUSED static void run_stay(void)
{
	stay();
}

#endif

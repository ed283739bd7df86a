/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * malloc(3) and its family, which fail when the test says so: the n-th call, or all from the n-th on, made while
 * the library is in a call. Include after util.h.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <malloc.h>

enum memory_mode { MEMORY_FINE, MEMORY_ONCE, MEMORY_EVER };

static struct {
	enum memory_mode mode;
	long at;     /* which call fails, from 1 */
	long calls;  /* how many there were */
	long failed; /* how many failed */
	int inside;  /* the library is in a call */
	long living; /* allocations that were not freed yet */
} memory UNUSED;

#ifdef __GLIBC__
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static int memory_fails(void)
{
	if (!memory.inside)
		return 0;
	memory.calls++;
	int fails = (memory.mode == MEMORY_ONCE && memory.calls == memory.at) ||
		    (memory.mode == MEMORY_EVER && memory.calls >= memory.at);
	memory.failed += fails;
	if (fails)
		errno = ENOMEM;
	return fails;
}

static void *memory_new(void *p)
{
	memory.living += p != NULL;
	return p;
}

void *malloc(size_t size)
{
	return memory_fails() ? NULL : memory_new(__libc_malloc(size));
}

void *calloc(size_t n, size_t size)
{
	return memory_fails() ? NULL : memory_new(__libc_calloc(n, size));
}

void *realloc(void *p, size_t size)
{
	if (memory_fails())
		return NULL;
	void *q = __libc_realloc(p, size);
	memory.living += q && !p;
	return q;
}

void *memalign(size_t align, size_t size)
{
	return memory_fails() ? NULL : memory_new(__libc_memalign(align, size));
}

void *aligned_alloc(size_t align, size_t size)
{
	return memalign(align, size);
}

int posix_memalign(void **p, size_t align, size_t size)
{
	void *q = memalign(align, size);
	if (!q)
		return ENOMEM;
	*p = q;
	return 0;
}

void free(void *p)
{
	memory.living -= p != NULL;
	__libc_free(p);
}

#define NEED_MEMORY() ((void)0)
#else
#define NEED_MEMORY() SKIP("malloc cannot be replaced in this C library")
#endif

/* A call of the library: its allocations count. */
#define IN(call)                          \
	({                                \
		memory.inside = 1;        \
		long in_ = (long)(call);  \
		memory.inside = 0;        \
		in_;                      \
	})

/* A call that has memory enough or says that it has not. -1: the scenario need not go on. */
static long may_lack(long r, const char *call, int line)
{
	int err = errno;
	if (r >= 0)
		return r;
	if (err != ENOMEM || !memory.failed)
		FAIL("line %d: %s: errno %d (%s) after %ld of %ld allocations failed: %s", line, call, err,
		     strerror(err), memory.failed, memory.calls, procfd_error_message());
	return -1;
}

#define MAY(call) may_lack(IN(call), #call, __LINE__)
#define CONFIG(fd, cmd, arg, data, size) MAY(process_config(fd, cmd, (uint64_t)(arg), data, size))
#define MANAGE(fd, cmd, arg, data, size) MAY(process_manage(fd, cmd, (uint64_t)(arg), data, size))
#define ASK(fd, cmd, arg, data, size) MAY(process_info(fd, cmd, (uint64_t)(arg), data, size))

static int opened(uint64_t flags)
{
	return (int)MAY(process_open(flags));
}

/* The end of a process that was started; the context with it. */
static void over(int fd)
{
	memory.mode = MEMORY_FINE;
	if (process_info(fd, PROC_INFO_STATE, 0, NULL, 0) != PROC_STATE_CONFIGURING) {
		struct procfd_wait w = { .timeout_ns = 20 * SECOND };
		process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0);
		/* It may have been waited for: before 6.15 the kernel tells that once. */
		CHECK(!process_manage(fd, PROC_WAIT, 0, &w, sizeof w) || errno == ENODATA);
	}
	CHECK_EQ(close(fd), 0);
}

/* PROC_CREATE; a failure has its stage. */
static long creates(int fd)
{
	long pid = CONFIG(fd, PROC_CREATE, 0, NULL, 0);
	struct procfd_error e;
	if (pid < 0 && !IN(process_info(fd, PROC_INFO_ERROR, 0, &e, sizeof e)))
		if (e.saved_errno != ENOMEM || e.stage == PROC_STAGE_NONE || !e.message[0])
			FAIL("record: stage %u, errno %d: %s", e.stage, e.saved_errno, e.message);
	return pid;
}

/* The scenario again and again: each of its first allocations fails, and some of those that follow (all of them with
 * PROCFD_TEST_EVERY); alone, and with all behind it. */
UNUSED static void each_allocation(void (*scenario)(void), long first)
{
	NEED_MEMORY();
	long living = 0, calls = 0;
	for (int n = 0; n < 4; n++) {
		sweep();
		living = memory.living;
		memory.mode = MEMORY_FINE;
		memory.calls = memory.failed = 0;
		scenario();
		calls = memory.calls;
	}
	CHECK(calls > 0);
	long step = getenv("PROCFD_TEST_EVERY") || calls < 2 * first ? 1 : (calls - first) / first;
	for (int mode = MEMORY_ONCE; mode <= MEMORY_EVER; mode++)
		for (long at = 1; at <= calls + 3; at += at < first ? 1 : step) {
			memory.mode = (enum memory_mode)mode;
			memory.at = at;
			memory.calls = memory.failed = 0;
			scenario();
		}
	memory.mode = MEMORY_FINE;
	memory.failed = 0;
	scenario();
	sweep();
	diag("%ld allocations in the scenario; %ld live before all, %ld after", calls, living, memory.living);
	CHECK(memory.living <= living + 8);
}

#endif

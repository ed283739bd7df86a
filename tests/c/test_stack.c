/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How much of its thread's stack each call takes: procfd(7) gives the figures. */
#include "watcher.h"

#include "kid.h"

#define KIB 1024UL
#define STACK (256 * KIB)
#define PAINT 0xa5

/* What a start, a wait or a signal takes fits into the smallest stack that a thread may have. */
#define OF_A_START (10 * KIB)
#define OF_ALL (48 * KIB)

static int fd;
static struct procfd_info info;
static char text[1 << 16];

static void nothing(void) {}

static void opens(void)
{
	int other = process_open(0);
	CHECK(other >= 0 && close(other) == 0);
}

static void creates(void) { CHECK(process_config(fd, PROC_CREATE, 0, NULL, 0) > 0); }
static void does_not_create(void) { CHECK_EQ(process_config(fd, PROC_CREATE, 0, NULL, 0), -1); }

static void kills_and_waits(void)
{
	struct procfd_wait w = { .timeout_ns = FOREVER_MS * 1000000ULL };
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0), 0);
	CHECK_EQ(process_manage(fd, PROC_WAIT, 0, &w, sizeof w), 0);
}

static void asks_all(void)
{
	CHECK_EQ(process_info(fd, PROC_INFO, EVERY_FIELD, &info, sizeof info), 0);
}

static void asks_for_texts(void)
{
	static const uint32_t texts[] = { PROC_INFO_EXE, PROC_INFO_CWD, PROC_INFO_ARGV, PROC_INFO_ENVIRON,
					  PROC_INFO_CGROUP, PROC_INFO_MAPS, PROC_INFO_AUXV };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		CHECK(process_info(fd, texts[i], 0, text, sizeof text) > 0);
}

static void takes_a_snapshot(void)
{
	static struct procfd_info many[64];
	struct procfd_snapshot s = { .entries = many, .entry_size = sizeof *many, .room = 64 };
	CHECK(process_info(-1, PROC_SNAPSHOT, EVERY_FIELD, &s, sizeof s) >= 0);
}

static void looks_for_changes(void)
{
	struct procfd_change e = { .fd = fd, .want = PROC_CHANGE_EXIT };
	struct procfd_changes c = { .timeout_ns = 1, .entries = &e, .entry_size = sizeof e, .count = 1 };
	CHECK_ERR(process_info(-1, PROC_CHANGES, 0, &c, sizeof c), ETIMEDOUT);
}

static void signals_the_tree(void) { CHECK_EQ(process_manage(fd, PROC_KILL_TREE, 0, NULL, 0), 1); }

static void *call(void *arg)
{
	(*(void (**)(void))arg)();
	return NULL;
}

/* Bytes of the stack of a fresh thread that have been written. */
static size_t written(void (*what)(void))
{
	char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(stack != MAP_FAILED);
	memset(stack, PAINT, STACK);
	pthread_attr_t a;
	pthread_t t;
	pthread_attr_init(&a);
	CHECK_EQ(pthread_attr_setstack(&a, stack, STACK), 0);
	CHECK_EQ(pthread_create(&t, &a, call, &what), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
	pthread_attr_destroy(&a);
	size_t n = 0;
	while (n < STACK && (unsigned char)stack[n] == PAINT)
		n++;
	munmap(stack, STACK);
	return STACK - n;
}

static void at_most(size_t limit, const char *name, void (*what)(void))
{
	size_t own = written(nothing), all = written(what), took = all > own ? all - own : 0;
	diag("%s: %zu bytes", name, took);
	if (took > limit)
		FAIL("%s takes %zu bytes of the stack, and %zu are said", name, took, limit);
}

static void a_start(void)
{
	at_most(OF_A_START, "process_open", opens);
	for (int i = 0; i < 3; i++) {
		fd = ctx_flags(i == 0 ? PROCFD_PIDFD : 0);
		set_child(fd, "pause");
		if (i == 1)
			SET(fd, PROC_SET_CLOSE, SIGKILL);
		if (i == 2) {
			SET(fd, PROC_SET_FLAG, CLONE_NEWPID | (geteuid() ? CLONE_NEWUSER : 0));
			SET(fd, PROC_SET_INIT, 1);
		}
		at_most(OF_A_START, "PROC_CREATE", creates);
		at_most(OF_A_START, "PROC_SIGNAL and PROC_WAIT", kills_and_waits);
		close(fd);
	}
	fd = ctx();
	set_program(fd, "/no/such/program", (char *)NULL);
	at_most(OF_A_START, "PROC_CREATE, which fails", does_not_create);
	close(fd);
}

/* The watcher is started, too. */
static void a_first_start(void)
{
	fd = process_open(0);
	set_child(fd, "pause");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	at_most(OF_A_START, "the first PROC_CREATE", creates);
	at_most(OF_A_START, "PROC_SIGNAL and PROC_WAIT", kills_and_waits);
	close(fd);
}

static void questions(void)
{
	fd = ctx();
	set_child(fd, "pause");
	create(fd);
	at_most(OF_ALL, "PROC_INFO", asks_all);
	at_most(OF_ALL, "texts", asks_for_texts);
	at_most(OF_ALL, "PROC_SNAPSHOT", takes_a_snapshot);
	at_most(OF_ALL, "PROC_CHANGES", looks_for_changes);
	at_most(OF_ALL, "PROC_KILL_TREE", signals_the_tree);
	finish(fd);
}

TAP_MAIN(COLD(a_start), COLD(a_first_start), CASE(questions))

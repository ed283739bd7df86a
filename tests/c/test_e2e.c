// SPDX-License-Identifier: MIT OR Apache-2.0
/* The table of tests/e2e/cases through the C interface: one TAP test for each case. */
#define _GNU_SOURCE
#include "settings.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define WORDS 64
#define LINES 64

struct line {
	char *word[WORDS];
	int words;
};

struct test {
	const char *name;
	struct line line[LINES];
	int lines;
};

static char why[1024];

/* What is wrong goes into `why`. */
__attribute__((format(printf, 1, 2))) static int wrong(const char *format, ...)
{
	va_list list;
	va_start(list, format);
	vsnprintf(why, sizeof why, format, list);
	va_end(list);
	return -1;
}

static char *unescaped(char *text)
{
	char *to = text;
	for (const char *from = text; *from; from++) {
		if (*from != '\\') {
			*to++ = *from;
			continue;
		}
		switch (*++from) {
		case 'n': *to++ = '\n'; break;
		case 't': *to++ = '\t'; break;
		case '\\': *to++ = '\\'; break;
		case 'e': break;
		default: fprintf(stderr, "no such escape: \\%c\n", *from); exit(1);
		}
	}
	*to = 0;
	return text;
}

static int errno_named(const char *name)
{
	static const struct { const char *name; int value; } known[] = {
		{ "ENOENT", ENOENT }, { "EACCES", EACCES }, { "EPERM", EPERM },
		{ "EINVAL", EINVAL }, { "EEXIST", EEXIST },
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!strcmp(name, known[i].name))
			return known[i].value;
	fprintf(stderr, "no such errno in the runner: %s\n", name);
	exit(1);
}

static uint64_t namespace_named(const char *name)
{
	static const struct { const char *name; uint64_t flag; } known[] = {
		{ "user", 0x10000000 }, { "pid", 0x20000000 }, { "uts", 0x04000000 }, { "mount", 0x20000 },
		{ "net", 0x40000000 },
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!strcmp(name, known[i].name))
			return known[i].flag;
	fprintf(stderr, "no such namespace in the runner: %s\n", name);
	exit(1);
}

static uint64_t signals(const struct line *l)
{
	uint64_t set = 0;
	for (int i = 2; i < l->words; i++)
		set |= 1ULL << (atoi(l->word[i]) - 1);
	return set;
}

/* A setting of plain words; 1 if it is none. */
static int set_plain(int fd, const struct line *l)
{
	const char *first = l->words > 2 ? l->word[2] : "";
	size_t i = 0, count = sizeof plain_settings / sizeof *plain_settings;
	unsigned list[WORDS];

	while (i < count && strcmp(plain_settings[i].key, l->word[1]))
		i++;
	if (i == count)
		return 1;
	uint32_t command = plain_settings[i].command;
	switch (plain_settings[i].shape) {
	case SWITCH: return process_config(fd, command, 1, NULL, 0);
	case NUMBER: return process_config(fd, command, (uint64_t)strtoll(first, NULL, 10), NULL, 0);
	case SIGNALS: return process_config(fd, command, signals(l), NULL, 0);
	case STRING: return process_config(fd, command, 0, first, 0);
	case STRINGS: return process_config(fd, command, 0, &l->word[2], 0);
	case LIST:
		for (int k = 2; k < l->words; k++)
			list[k - 2] = (unsigned)atoi(l->word[k]);
		return process_config(fd, command, 0, list, sizeof *list * (size_t)(l->words - 2));
	}
	return 1;
}

/* A program by its bytes, in hexadecimal. */
static int set_seccomp(int fd, const char *text)
{
	unsigned char program[64];
	size_t size = 0;
	for (; text[2 * size] && size < sizeof program; size++)
		if (sscanf(text + 2 * size, "%2hhx", &program[size]) != 1)
			return -1;
	return process_config(fd, PROC_SET_SECCOMP, 0, program, size);
}

static int set(int fd, const struct line *l)
{
	int done = set_plain(fd, l);
	if (done != 1)
		return done;
	const char *key = l->word[1];
	char *const *v = &l->word[2];
	const char *first = l->words > 2 ? v[0] : "";
	uint64_t number = strtoull(first, NULL, 10);
	struct procfd_idmap self = { .count = 1 };

	if (!strcmp(key, "program"))
		return process_config(fd, PROC_SET_EXEC, 0, first, 0);
	if (!strcmp(key, "search"))
		return process_config(fd, PROC_SET_EXEC, PROC_EXEC_PATH, first, 0);
	if (!strcmp(key, "args"))
		return process_config(fd, PROC_SET_ARGV, 0, v, 0);
	if (!strcmp(key, "env"))
		return process_config(fd, PROC_SET_ENV, 0, v, 0);
	if (!strcmp(key, "env_set"))
		return process_config(fd, PROC_SET_ENV_VAR, 0, first, 0);
	if (!strcmp(key, "env_unset"))
		return process_config(fd, PROC_UNSET_ENV_VAR, 0, first, 0);
	if (!strcmp(key, "cwd"))
		return process_config(fd, PROC_SET_CWD, 0, first, 0);
	if (!strcmp(key, "dup")) {
		struct procfd_dup d = { .source = (int)number, .target = atoi(v[1]) };
		return process_config(fd, PROC_FD_DUP, 0, &d, sizeof d);
	}
	if (!strcmp(key, "open")) {
		struct procfd_open o = { .path = v[1], .flags = O_RDONLY };
		return process_config(fd, PROC_FD_OPEN, number, &o, sizeof o);
	}
	if (!strcmp(key, "null"))
		return process_config(fd, PROC_FD_NULL, number, NULL, 0);
	if (!strcmp(key, "data"))
		return process_config(fd, PROC_FD_DATA, number, v[1], strlen(v[1]));
	if (!strcmp(key, "close"))
		return process_config(fd, PROC_FD_CLOSE, number, NULL, 0);
	if (!strcmp(key, "close_range")) {
		struct procfd_range r = { .first = (unsigned)number, .last = (unsigned)atoi(v[1]) };
		return process_config(fd, PROC_FD_CLOSE_RANGE, 0, &r, sizeof r);
	}
	if (!strcmp(key, "time_limit"))
		return process_config(fd, PROC_SET_TIME_LIMIT, number * 1000000 * (unsigned)tap_factor, NULL, 0);
	if (!strcmp(key, "limit")) {
		struct procfd_rlimit r = { strtoull(v[1], NULL, 10), strtoull(v[2], NULL, 10) };
		return process_config(fd, PROC_SET_RLIMIT, number, &r, sizeof r);
	}
	if (!strcmp(key, "root"))
		return process_config(fd, PROC_SET_ROOT, 0, first, 0);
	if (!strcmp(key, "user"))
		return process_config(fd, PROC_SET_USER, 0, first, 0);
	if (!strcmp(key, "ioprio"))
		return process_config(fd, PROC_SET_IOPRIO, number << 13 | strtoull(v[1], NULL, 10), NULL, 0);
	if (!strcmp(key, "scheduler")) {
		struct procfd_sched s = { .policy = (unsigned)number };
		return process_config(fd, PROC_SET_SCHEDULER, 0, &s, sizeof s);
	}
	if (!strcmp(key, "affinity")) {
		uint64_t cpus = 1ULL << number;
		return process_config(fd, PROC_SET_AFFINITY, 0, &cpus, sizeof cpus);
	}
	if (!strcmp(key, "seccomp"))
		return set_seccomp(fd, first);
	if (!strcmp(key, "setgroups"))
		return process_config(fd, PROC_SET_SETGROUPS,
				      strcmp(first, "deny") ? PROC_SETGROUPS_ALLOW : PROC_SETGROUPS_DENY, NULL, 0);
	if (!strcmp(key, "sysctl")) {
		char text[200];
		snprintf(text, sizeof text, "%s=%s", first, v[1]);
		return process_config(fd, PROC_SET_SYSCTL, 0, text, 0);
	}
	if (!strcmp(key, "bind")) {
		struct procfd_mount m = { .source = first, .target = v[1], .flags = PROC_MOUNT_RECURSIVE };
		return process_config(fd, PROC_MOUNT, PROC_MOUNT_BIND, &m, sizeof m);
	}
	if (!strcmp(key, "pivot_root"))
		return process_config(fd, PROC_SET_PIVOT_ROOT, 0, first, 0);
	if (!strcmp(key, "mount_propagation"))
		return process_config(fd, PROC_SET_MOUNT_PROPAGATION,
				      strcmp(first, "shared") ? MS_PRIVATE : MS_SHARED, NULL, 0);
	if (!strcmp(key, "numa")) {
		uint64_t node = 1ULL << atoi(v[1]);
		return process_config(fd, PROC_SET_NUMA, number, &node, sizeof node);
	}
	if (!strcmp(key, "speculation")) {
		uint32_t control = (uint32_t)atoi(v[1]);
		return process_config(fd, PROC_SET_SPECULATION, number, &control, sizeof control);
	}
	if (!strcmp(key, "namespaces")) {
		uint64_t flags = 0;
		for (int i = 2; i < l->words; i++)
			flags |= namespace_named(l->word[i]);
		return process_config(fd, PROC_SET_FLAG, flags, NULL, 0);
	}
	if (!strcmp(key, "join_path"))
		return process_config(fd, PROC_JOIN_PATH, namespace_named(first), v[1], 0);
	if (!strcmp(key, "uid_map_self")) {
		self.outside = geteuid();
		return process_config(fd, PROC_SET_UID_MAP, 0, &self, sizeof self);
	}
	if (!strcmp(key, "gid_map_self")) {
		self.outside = getegid();
		return process_config(fd, PROC_SET_GID_MAP, 0, &self, sizeof self);
	}
	fprintf(stderr, "no such setting in the runner: %s\n", key);
	exit(1);
}

/* The process runs: what it writes, and how it ends. */
static int watch(int fd, int out, const struct test *t)
{
	const char *wanted = "";
	int signal = 0, what = 0, status = 0;
	for (int i = 0; i < t->lines; i++) {
		const struct line *l = &t->line[i];
		if (!strcmp(l->word[0], "output"))
			wanted = l->word[1];
		else if (!strcmp(l->word[0], "signal"))
			signal = atoi(l->word[1]);
		else if (!strcmp(l->word[0], "exited"))
			what = PROC_EXITED, status = atoi(l->word[1]);
		else if (!strcmp(l->word[0], "killed"))
			what = PROC_KILLED, status = atoi(l->word[1]);
	}
	char text[4096];
	size_t used = 0;
	for (;;) {
		struct pollfd p = { .fd = out, .events = POLLIN };
		if (poll(&p, 1, FOREVER_MS) != 1)
			return wrong("no more output after 20 s");
		ssize_t n = read(out, text + used, sizeof text - 1 - used);
		if (n <= 0)
			break;
		used += (size_t)n;
		if (signal && memchr(text, '\n', used)) {
			if (process_manage(fd, PROC_SIGNAL, (uint64_t)signal, NULL, 0))
				return wrong("PROC_SIGNAL: %s", strerror(errno));
			signal = 0;
		}
	}
	text[used] = 0;
	struct procfd_wait w = { .timeout_ns = FOREVER_MS * 1000000ULL };
	if (process_manage(fd, PROC_WAIT, 0, &w, sizeof w))
		return wrong("PROC_WAIT: %s", strerror(errno));
	if (strcmp(text, wanted))
		return wrong("it wrote \"%.400s\", not \"%.400s\"", text, wanted);
	if ((int)w.what != what || w.status != status)
		return wrong("it ended with %u, %d, not %d, %d", w.what, w.status, what, status);
	return 0;
}

static int fails(int fd, const struct line *l)
{
	int pid = process_config(fd, PROC_CREATE, 0, NULL, 0), saved = errno;
	struct procfd_error e;
	if (pid >= 0)
		return wrong("it started");
	if (process_info(fd, PROC_INFO_ERROR, 0, &e, sizeof e))
		return wrong("PROC_INFO_ERROR: %s", strerror(errno));
	if ((int)e.stage != atoi(l->word[1]) || saved != errno_named(l->word[2]) ||
	    e.saved_errno != saved || (int)e.index != atoi(l->word[3]))
		return wrong("stage %u, index %u, %s: %s", e.stage, e.index, strerror(saved), e.message);
	if (process_info(fd, PROC_INFO_STATE, 0, NULL, 0) != PROC_STATE_CONFIGURING)
		return wrong("it is not configuring after a failure");
	return 0;
}

static int file_has(const char *path, const char *text)
{
	static char all[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, all, sizeof all - 1);
	if (fd >= 0)
		close(fd);
	all[n > 0 ? n : 0] = 0;
	return strstr(all, text) != NULL;
}

/* In the full form, or with PROCFD_PIDFD: a case that sets what needs a procfd ends there. */
static int run(const struct test *t, uint64_t form)
{
	int fd = process_open(form), p[2], failed = 0, again = 0;
	if (fd < 0 || pipe2(p, O_CLOEXEC))
		return wrong("%s", strerror(errno));
	struct procfd_dup d = { .source = p[1], .target = 1 };
	if (process_config(fd, PROC_FD_DUP, 0, &d, sizeof d))
		return wrong("standard output: %s", strerror(errno));
	int bad = 0;
	for (int i = 0; i < t->lines && !bad; i++) {
		const struct line *l = &t->line[i];
		int then = !strcmp(l->word[0], "then");
		if (then || !strcmp(l->word[0], "set")) {
			again |= then;
			if (!set(fd, l))
				continue;
			if (form && errno == EOPNOTSUPP && strstr(procfd_error_message(), "with PROCFD_PIDFD")) {
				close(p[0]);
				close(p[1]);
				close(fd);
				return 0;
			}
			bad = wrong("%s: %s", l->word[1], strerror(errno));
		} else if (!strcmp(l->word[0], "fails")) {
			failed = 1;
			bad = fails(fd, l);
		}
	}
	if (!bad && (!failed || again)) {
		if (process_config(fd, PROC_CREATE, 0, NULL, 0) < 0) {
			struct procfd_error e = { 0 };
			process_info(fd, PROC_INFO_ERROR, 0, &e, sizeof e);
			bad = wrong("PROC_CREATE: %s", e.message);
		}
		close(p[1]);
		if (!bad)
			bad = watch(fd, p[0], t);
	} else {
		close(p[1]);
	}
	close(p[0]);
	close(fd);
	return bad;
}

/* The program runs where the tree may not be readable, so it has the table inside. */
__asm__(".section .rodata\n"
	"the_cases: .incbin \"tests/e2e/cases\"\n"
	".byte 0\n"
	".previous\n");
extern const char the_cases[];

static struct test *read_cases(int *count)
{
	struct test *tests = calloc(256, sizeof *tests), *t = NULL;
	char *left = strdup(the_cases);
	if (!tests || !left)
		exit(1);
	for (char *text; (text = strsep(&left, "\n"));) {
		if (!*text || *text == '#')
			continue;
		char *word = strsep(&text, "\t");
		if (!strcmp(word, "case") && *count < 256) {
			t = &tests[(*count)++];
			t->name = unescaped(text);
			continue;
		}
		if (!t || t->lines == LINES) {
			fprintf(stderr, "not in a case: %s\n", word);
			exit(1);
		}
		struct line *l = &t->line[t->lines++];
		for (; word && l->words < WORDS - 1; word = strsep(&text, "\t"))
			l->word[l->words++] = unescaped(word);
	}
	return tests;
}

int main(void)
{
	int count = 0, bad = 0;
	struct test *tests = read_cases(&count);
	/* What a child must not have. */
	if (open("/dev/null", O_RDONLY) < 0)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..%d\n", count);
	for (int i = 0; i < count; i++) {
		const struct test *t = &tests[i];
		const char *need = "", *text = "";
		for (int k = 0; k < t->lines; k++)
			if (!strcmp(t->line[k].word[0], "need"))
				need = t->line[k].word[1], text = t->line[k].words > 2 ? t->line[k].word[2] : "";
		if (*need == '!' ? !access(text, F_OK) : *need == '/' && !file_has(need, text)) {
			printf("ok %d - %s # SKIP %s is not so on this machine\n", i + 1, t->name,
			       *need == '!' ? text : need);
			continue;
		}
		if ((!strcmp(need, "root") && geteuid()) || (!strcmp(need, "user") && !geteuid())) {
			printf("ok %d - %s # SKIP needs %s\n", i + 1, t->name,
			       *need == 'r' ? "root" : "a user other than root");
			continue;
		}
		int failed = run(t, 0);
		if (failed)
			printf("# %s\n", why);
		if (run(t, PROCFD_PIDFD)) {
			printf("# with PROCFD_PIDFD: %s\n", why);
			failed = 1;
		}
		bad |= failed;
		printf("%sok %d - %s\n", failed ? "not " : "", i + 1, t->name);
	}
	return bad ? 1 : 0;
}

// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A rich configuration: prints the calls of its plan, one a line, then a line "start", and starts it.
 * tests/plan/run compares the first with what strace sees of the second.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <procfd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static int procfd;

static void set(uint32_t cmd, uint64_t arg, const void *data, size_t size)
{
	struct procfd_error error;

	if (process_config(procfd, cmd, arg, data, size) >= 0)
		return;
	process_info(procfd, PROC_INFO_ERROR, 0, &error, sizeof error);
	printf("%s\n", error.message);
	exit(1);
}

/* The names in the arrays "calls" of the JSON, one a line. */
static void print_calls(const char *json)
{
	for (const char *at = json; (at = strstr(at, "\"calls\":[")) != NULL;) {
		for (at += 9; *at != ']'; at++) {
			if (*at == ',')
				putchar('\n');
			else if (*at != '"')
				putchar(*at);
		}
		putchar('\n');
	}
}

int main(int argc, char **argv)
{
	static const char *arguments[] = { "true", NULL };
	struct procfd_rlimit core = { .soft = 0, .hard = 0 };
	struct procfd_dup dup = { .source = 7, .target = 1 };
	struct procfd_open open_null = { .path = "/dev/null", .flags = O_RDONLY };
	struct procfd_idmap map = { .inside = 0, .outside = geteuid(), .count = 1 };
	struct procfd_wait wait = { .timeout_ns = 0 };
	int rich = argc > 1 && !strcmp(argv[1], "rich");

	procfd = process_open(PROCFD_NO_WATCH);
	set(PROC_SET_EXEC, 0, "/bin/true", 0);
	set(PROC_SET_ARGV, 0, arguments, 0);
	if (rich) {
		int null = open("/dev/null", O_RDWR);

		if (dup2(null, 7) != 7)
			return 1;
		set(PROC_SET_FLAG, CLONE_NEWUSER | CLONE_NEWUTS, NULL, 0);
		set(PROC_SET_UID_MAP, 0, &map, sizeof map);
		set(PROC_SET_HOSTNAME, 0, "inside", 0);
		set(PROC_SET_SESSION, 1, NULL, 0);
		set(PROC_SET_SIGDEFAULT, 1ULL << (SIGPIPE - 1), NULL, 0);
		set(PROC_SET_NICE, 19, NULL, 0);
		set(PROC_SET_TIMERSLACK, 100000, NULL, 0);
		set(PROC_SET_PERSONALITY, 0x40000, NULL, 0);
		set(PROC_SET_RLIMIT, RLIMIT_CORE, &core, sizeof core);
		set(PROC_SET_UMASK, 027, NULL, 0);
		set(PROC_SET_CWD, 0, "/", 0);
		set(PROC_FD_DUP, 0, &dup, sizeof dup);
		set(PROC_FD_OPEN, 5, &open_null, sizeof open_null);
		set(PROC_SET_NO_NEW_PRIVS, 1, NULL, 0);
		set(PROC_SET_PDEATHSIG, SIGKILL, NULL, 0);
		set(PROC_SET_CLOSE, SIGKILL, NULL, 0);
	}

	int length = process_info(procfd, PROC_INFO_PLAN, PROC_PLAN_JSON, NULL, 0);
	char *json = length < 0 ? NULL : malloc((size_t)length + 1);

	if (!json || process_info(procfd, PROC_INFO_PLAN, PROC_PLAN_JSON, json, (size_t)length + 1) != length)
		return 1;
	print_calls(json);
	printf("start\n");
	fflush(stdout);
	set(PROC_CREATE, 0, NULL, 0);
	if (process_manage(procfd, PROC_WAIT, 0, &wait, sizeof wait) < 0)
		return 1;
	printf("%s %d\n", wait.what == PROC_EXITED ? "exited" : "killed", wait.status);
	free(json);
	return 0;
}

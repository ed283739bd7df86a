// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Starts /bin/true three times, with a getppid(2) in front of each call of the library and of the close.
 * tests/calls/run compares what strace sees of the third start with the list of its form.
 */
#define _GNU_SOURCE
#include <procfd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int checked(int result, const char *what)
{
	if (result < 0) {
		perror(what);
		exit(1);
	}
	return result;
}

static void stage(void)
{
	syscall(SYS_getppid);
}

static void start(uint64_t flags, int kill_on_close)
{
	static const char *arguments[] = { "true", NULL };
	struct procfd_wait wait = { .timeout_ns = 0 };
	int fd;

	stage();
	fd = checked(process_open(flags), "process_open");
	stage();
	checked(process_config(fd, PROC_SET_EXEC, 0, "/bin/true", 0), "PROC_SET_EXEC");
	stage();
	checked(process_config(fd, PROC_SET_ARGV, 0, arguments, 0), "PROC_SET_ARGV");
	if (kill_on_close) {
		stage();
		checked(process_config(fd, PROC_SET_CLOSE, SIGKILL, NULL, 0), "PROC_SET_CLOSE");
	}
	stage();
	checked(process_config(fd, PROC_CREATE, 0, NULL, 0), "PROC_CREATE");
	stage();
	checked(process_manage(fd, PROC_WAIT, 0, &wait, sizeof wait), "PROC_WAIT");
	stage();
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		uint64_t flags;
		int kill_on_close;
	} forms[] = {
		{ "full", PROCFD_NO_WATCH, 0 },
		{ "close", PROCFD_NO_WATCH, 1 },
	};

	for (size_t i = 0; argc > 1 && i < sizeof forms / sizeof *forms; i++) {
		if (strcmp(argv[1], forms[i].name))
			continue;
		for (int n = 0; n < 3; n++)
			start(forms[i].flags, forms[i].kill_on_close);
		stage();
		return 0;
	}
	fprintf(stderr, "no such form\n");
	return 2;
}

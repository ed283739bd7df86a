/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What valgrind lets a program do: configure contexts. With an argument it starts a program too. */
#include <procfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MUST(call)                                             \
	do {                                                   \
		if (!(call)) {                                 \
			perror(#call);                         \
			exit(1);                               \
		}                                              \
	} while (0)

int main(int argc, char **argv)
{
	(void)argv;
	const char *args[] = { "sh", "-c", "exit 0", NULL };
	struct procfd_error error;
	for (int i = 0; i < 3; i++) {
		int fd = process_open(PROCFD_NO_WATCH);
		MUST(fd >= 0);
		MUST(process_config(fd, PROC_SET_EXEC, 0, "/bin/sh", 0) == 0);
		MUST(process_config(fd, PROC_SET_ARGV, 0, args, 0) == 0);
		MUST(process_config(fd, PROC_SET_UMASK, 01000, NULL, 0) == -1);
		MUST(process_info(fd, PROC_INFO_ERROR, 0, &error, sizeof error) == 0 && error.message[0]);
		MUST(process_info(fd, PROC_INFO_STATE, 0, NULL, 0) == PROC_STATE_CONFIGURING);
		if (argc > 1)
			MUST(process_config(fd, PROC_CREATE, 0, NULL, 0) > 0);
		MUST(close(fd) == 0);
	}
	puts("done");
	return 0;
}

// SPDX-License-Identifier: MIT OR Apache-2.0
/* runner SECONDS UID LABEL FOLDER PROGRAM [ARGS]: run it as that user, in a session of its own, under a time limit;
 * say how it ended and what it left behind. Not part of the library: it must not need what it tests. */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000L + t.tv_nsec / 1000000;
}

static int kids(pid_t *list, int max)
{
	char path[64];
	int n = 0, pid;
	snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	FILE *f = fopen(path, "re");
	while (f && fscanf(f, "%d", &pid) == 1 && n < max)
		list[n++] = pid;
	if (f)
		fclose(f);
	return n;
}

int main(int argc, char **argv)
{
	if (argc < 6)
		return 2;
	long limit = atol(argv[1]) * 1000, begin = ms();
	uid_t uid = (uid_t)atoi(argv[2]);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	printf("@@ start %s\n", argv[3]);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		setsid();
		if (uid && (setgroups(0, NULL) || setgid(uid) || setuid(uid)))
			_exit(126);
		if (chdir(argv[4]))
			_exit(125);
		execv(argv[5], argv + 5);
		_exit(127);
	}
	int status = 0, done = 0, timed_out = 0, s, left = 0;
	pid_t list[256];
	long grace = 0;
	for (;;) {
		pid_t got;
		while ((got = waitpid(-1, &s, WNOHANG | __WALL)) > 0)
			if (got == pid) {
				status = s;
				done = 1;
				grace = ms() + 10000;
			}
		if (got < 0 && errno == ECHILD)
			break;
		if (!done && !timed_out && ms() - begin > limit) {
			timed_out = 1;
			kill(-pid, SIGKILL);
			kill(pid, SIGKILL);
		}
		if (done && ms() > grace) {
			int n = kids(list, 256);
			for (int i = 0; i < n; i++) {
				char path[64], comm[64] = "";
				snprintf(path, sizeof path, "/proc/%d/comm", (int)list[i]);
				FILE *f = fopen(path, "re");
				if (f) {
					if (fgets(comm, sizeof comm, f))
						comm[strcspn(comm, "\n")] = 0;
					fclose(f);
				}
				printf("@@ left %s %d %s\n", argv[3], (int)list[i], comm);
				kill(list[i], SIGKILL);
				left++;
			}
		}
		usleep(20000);
	}
	printf("@@ end %s %s %d left %d ms %ld\n", argv[3],
	       timed_out ? "timeout" : WIFSIGNALED(status) ? "signal" : "exit",
	       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), left, ms() - begin);
	return 0;
}

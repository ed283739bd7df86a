// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Somebody kills the child on its way into a program that does not exist. PROC_CREATE succeeds if and
 * only if the program has been executed, so it must never succeed.
 */
#include "util.h"

static atomic_int stop;

/* Kills every child of the process as soon as it can see it. */
static void *killer(void *arg)
{
	char path[64];
	pid_t creator = getpid();
	(void)arg;
	snprintf(path, sizeof path, "/proc/self/task/%d/children", creator);
	while (!atomic_load(&stop)) {
		char text[64];
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return (void *)1;
		ssize_t n = read(fd, text, sizeof text - 1);
		close(fd);
		if (n <= 0)
			continue;
		text[n] = 0;
		int pid = atoi(text);
		if (pid > 1)
			kill(pid, SIGKILL);
	}
	return NULL;
}

static void a_child_killed_before_its_exec_is_no_success(void)
{
	pthread_t thread;
	int created = 0, killed = 0, missing = 0;
	CHECK_EQ(pthread_create(&thread, NULL, killer, NULL), 0);
	for (int i = 0; i < 3000; i++) {
		int fd = process_open(PROCFD_NO_WATCH);
		CHECK(fd >= 0);
		CHECK_EQ(process_config(fd, PROC_SET_EXEC, 0, "/nonexistent/program", 0), 0);
		int pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
		if (pid >= 0)
			created++;
		else if (errno == ENOENT)
			missing++;
		else
			killed += errno == ECHILD;
		close(fd);
	}
	atomic_store(&stop, 1);
	void *failed;
	CHECK_EQ(pthread_join(thread, &failed), 0);
	CHECK(!failed);
	printf("# %d killed, %d not there\n", killed, missing);
	CHECK(killed > 0);
	CHECK_EQ(created, 0);
}

TAP_MAIN(SLOW(a_child_killed_before_its_exec_is_no_success, 100))

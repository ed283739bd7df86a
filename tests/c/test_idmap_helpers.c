// SPDX-License-Identifier: MIT OR Apache-2.0
/* newuidmap(1) as a program of the test's own: what it is started with, and what becomes of the child
 * that waits for its map when nobody writes it any more. */
#include "util.h"
#include "kid.h"

static char *folder;

/* What newuidmap has written into a file, or NULL while there is none. */
static char *told(const char *name)
{
	static char text[256];
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	ssize_t n = read(fd, text, sizeof text - 1);
	close(fd);
	CHECK(n >= 0);
	text[n] = 0;
	return text;
}

/* As an ordinary user, with a newuidmap that does this in the folder of the case. */
static void own_newuidmap(const char *body)
{
	become_nobody();
	need_user_namespaces();
	char path[PATH_MAX], text[1024], search[PATH_MAX];
	folder = make_dir();
	snprintf(text, sizeof text, "#!/bin/sh\ncd %s || exit 9\n%s\n", folder, body);
	snprintf(path, sizeof path, "%s/newuidmap", folder);
	write_file(path, text, 0755);
	snprintf(search, sizeof search, "%s:/usr/bin:/bin", folder);
	CHECK_EQ(setenv("PATH", search, 1), 0);
}

static int needs_newuidmap(void)
{
	struct procfd_idmap m[] = { { 0, getuid(), 1, 0 }, { 1, 100000, 10, 0 } };
	int fd = ctx_flags(PROCFD_NO_WATCH);
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER);
	CFG(fd, PROC_SET_UID_MAP, 0, m, sizeof m);
	return fd;
}

/* While the child waits all signals are blocked in the creator; not so in the helper. */
static void the_signal_mask_is_the_creators(void)
{
	sigset_t block;
	/* By the shell itself, which blocks signals for as long as it forks. */
	own_newuidmap("while read -r key value; do\n"
		      "	case $key in SigBlk:) echo $value >mask;; esac\n"
		      "done </proc/$$/status\n"
		      "exit 1");
	for (int blocked = 0; blocked < 2; blocked++) {
		int fd = needs_newuidmap();
		sigemptyset(&block);
		if (blocked) {
			sigaddset(&block, SIGUSR1);
			sigaddset(&block, SIGRTMAX);
		}
		CHECK_EQ(sigprocmask(SIG_SETMASK, &block, NULL), 0);
		CREATE_FAILS(fd, EPERM, PROC_STAGE_IDMAP_HELPER, -1);
		const char *mask = told("mask");
		CHECK(mask && *mask);
		CHECK_EQ(strtoull(mask, NULL, 16),
			 blocked ? 1ULL << (SIGUSR1 - 1) | 1ULL << (SIGRTMAX - 1) : 0);
		CHECK_ERR(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
		close(fd);
	}
	remove_tree(folder);
}

static void its_arguments_and_words(void)
{
	own_newuidmap("echo \"$#\" \"$2 $3 $4 $5 $6 $7\" >said; echo not today >&2; exit 1");
	char want[64];
	int fd = needs_newuidmap();
	CREATE_FAILS(fd, EPERM, PROC_STAGE_IDMAP_HELPER, -1);
	CHECK(strstr(last_error(fd).message, "not today"));
	snprintf(want, sizeof want, "7 0 %u 1 1 100000 10\n", getuid());
	CHECK_STR(told("said"), want);
	close(fd);
	remove_tree(folder);
}

static void creator(void *arg)
{
	(void)arg;
	process_config(needs_newuidmap(), PROC_CREATE, 0, NULL, 0);
}

/* The creator is killed while the child waits for its word to go on: the child does not wait for it. */
static void the_creator_dies_before_the_map_is_there(void)
{
	own_newuidmap("echo $1 >part && mv part child; read word <fifo; exit 0");
	char fifo[PATH_MAX];
	snprintf(fifo, sizeof fifo, "%s/fifo", folder);
	CHECK_EQ(mkfifo(fifo, 0600), 0);
	pid_t pid = fork_run(creator, NULL);
	UNTIL(told("child"));
	int child = atoi(told("child")), pidfd = sys_pidfd_open(child);
	CHECK(pidfd >= 0);
	check_alive(pidfd);
	kill_and_reap(pid);
	CHECK_ENDS(pidfd);
	close(pidfd);
	int word = open(fifo, O_WRONLY | O_CLOEXEC); /* lets the helper go */
	CHECK(word >= 0);
	close(word);
	remove_tree(folder);
}

TAP_MAIN(CASE(the_signal_mask_is_the_creators), CASE(its_arguments_and_words),
	 CASE(the_creator_dies_before_the_map_is_there))

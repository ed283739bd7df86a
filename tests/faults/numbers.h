/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Numbers that are taken: another thread of the subject closes a number of the library's, or puts a file of the
 * program's there. Nothing of the program's may be touched by that, and no other process.
 */
#ifndef NUMBERS_H
#define NUMBERS_H

#include "subject.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* The program's own files have these numbers and the next. */
#define OWN_NUMBERS 200

/* What comes to the number; `CLOSED` is nothing. */
enum with { CLOSED, LIVING, ZOMBIE, REAPED, CREATOR, PROCFD, PIPE, SOCKET, REGULAR, N_WITH };
static const char *const with_names[] = { "closed",	       "a running child's pidfd", "a zombie's pidfd",
					  "a reaped child's pidfd", "the creator's own pidfd", "another procfd",
					  "a pipe",	       "a socket",		  "a file" };

#define FILE_CLOSED "the program's file at a number was closed"

/* What the tracer and the process that takes have in common. */
struct taking {
	int is_on;
	uint32_t wanted; /* a futex: 1 until it is done */
	int number;
	enum with with;
	uint64_t keep; /* numbers below 64 that are not taken: they are not of what is tortured */
	pid_t taker;
	char was[64]; /* what it was before */
	int was_same; /* it was another descriptor of the program's file, as a pidfd of the same process is */
};
static struct taking *taking;

struct own {
	int fd, peer;
	struct stat stat;
};
static struct own own[N_WITH];
static pid_t living, zombie;

static int is_file(int fd, const struct stat *want)
{
	struct stat st;
	return fstat(fd, &st) == 0 && st.st_dev == want->st_dev && st.st_ino == want->st_ino;
}

static void futex(uint32_t *word, int operation, uint32_t value)
{
	syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

/* The tracer's side. */
static void take_number(pid_t subject, int number, enum with with)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/fd/%d", subject, number);
	ssize_t n = readlink(path, taking->was, sizeof taking->was - 1);
	taking->was[n > 0 ? n : 0] = 0;
	taking->number = number;
	taking->with = with;
	__atomic_store_n(&taking->wanted, 1, __ATOMIC_SEQ_CST);
	futex(&taking->wanted, FUTEX_WAKE, 1);
	while (__atomic_load_n(&taking->wanted, __ATOMIC_SEQ_CST))
		futex(&taking->wanted, FUTEX_WAIT, 1);
}

/* A process with the subject's table, which is no child of the subject. */
static void make_taker(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_FILES | CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, 0);
	if (pid != 0) {
		taking->taker = pid;
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(PROGRAM_LIFE);
	for (;;) {
		while (!__atomic_load_n(&taking->wanted, __ATOMIC_SEQ_CST))
			futex(&taking->wanted, FUTEX_WAIT, 0);
		taking->was_same = taking->with != CLOSED && is_file(taking->number, &own[taking->with].stat);
		if (taking->with == CLOSED)
			close(taking->number);
		else
			dup3(OWN_NUMBERS + (int)taking->with, taking->number, O_CLOEXEC);
		__atomic_store_n(&taking->wanted, 0, __ATOMIC_SEQ_CST);
		futex(&taking->wanted, FUTEX_WAKE, 1);
	}
}

static pid_t stranger(int ends)
{
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(PROGRAM_LIFE);
		while (!ends)
			pause();
		_exit(EXIT_CODE);
	}
	return pid;
}

/* It is where it is expected, with its peer behind all. */
static void own_is(enum with with, int fd, int peer)
{
	int at = OWN_NUMBERS + (int)with;
	dup3(fd, at, O_CLOEXEC);
	close(fd);
	own[with].fd = at;
	if (peer >= 0) {
		own[with].peer = fcntl(peer, F_DUPFD_CLOEXEC, OWN_NUMBERS + N_WITH);
		close(peer);
	}
	fstat(at, &own[with].stat);
}

static uint64_t bit(unsigned long number)
{
	return number > 2 && number < 64 ? 1ULL << number : 0;
}

/* The numbers below 64 that a process has open. */
static uint64_t open_numbers(pid_t pid)
{
	char path[64];
	uint64_t open = 0;
	snprintf(path, sizeof path, "/proc/%d/fd", pid);
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));)
		if (e->d_name[0] != '.' && (pid != getpid() || atoi(e->d_name) != dirfd(d)))
			open |= bit(strtoul(e->d_name, NULL, 10));
	if (d)
		closedir(d);
	return open;
}

static ino_t inode(int fd)
{
	struct stat st;
	return fstat(fd, &st) ? 0 : st.st_ino;
}

/* The library proves more where there are other threads. */
static void *idle(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return NULL;
}

static void make_own(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, idle, NULL);
	int ends[2];
	ino_t before[64];
	for (int i = 0; i < 64; i++)
		before[i] = inode(i);
	siginfo_t info;
	living = stranger(0);
	zombie = stranger(1);
	pid_t reaped = stranger(1);
	own_is(LIVING, pidfd_of(living), -1);
	own_is(ZOMBIE, pidfd_of(zombie), -1);
	own_is(REAPED, pidfd_of(reaped), -1);
	own_is(CREATOR, pidfd_of(getpid()), -1);
	waitid(P_PID, (id_t)zombie, &info, WEXITED | WNOWAIT);
	waitpid(reaped, NULL, 0);
	int fd = process_open(PROCFD_NO_WATCH);
	const char *const argv[] = { "torture", "--program", "pause", NULL };
	set(fd, PROC_SET_EXEC, 0, self_path, 0);
	set(fd, PROC_SET_ARGV, 0, argv, 0);
	set(fd, PROC_SET_CLOSE, SIGKILL, NULL, 0);
	process_config(fd, PROC_CREATE, 0, NULL, 0);
	own_is(PROCFD, fd, process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0));
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0)
		own_is(PIPE, ends[1], ends[0]);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0)
		own_is(SOCKET, ends[0], ends[1]);
	own_is(REGULAR, (int)syscall(SYS_memfd_create, "own", 1), -1);
	/* What the library has of the other procfd. */
	for (int i = 0; i < 64; i++)
		if (inode(i) != before[i])
			taking->keep |= bit((unsigned long)i);
}

/* Whether it is the number that was taken, with the program's file. A number that was closed may be given out again. */
static int is_programs(int fd)
{
	return fd == taking->number && taking->with != CLOSED && is_file(fd, &own[taking->with].stat);
}

/* The file that was put there is there, and nothing was done to it. */
static void check_taken(struct report *r)
{
	enum with with = taking->with;
	if (with == CLOSED || !taking->number)
		return;
	if (!is_file(taking->number, &own[with].stat))
		fault(r, FILE_CLOSED);
}

/* Nothing was done to the program's files, and to its processes. */
static void check_own(struct report *r)
{
	static const char *const states[] = { "the running child", "the procfd's process" };
	char byte[64];
	struct stat st;
	siginfo_t info = { .si_pid = 0 };
	int pidfds[] = { own[LIVING].fd, own[PROCFD].peer };
	for (int i = 0; i < 2; i++) {
		struct pollfd p = { .fd = pidfds[i], .events = POLLIN };
		if (poll(&p, 1, 0) != 0)
			fault(r, "%s is dead", states[i]);
	}
	if (waitid(P_PID, (id_t)zombie, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid != zombie)
		fault(r, "the zombie was reaped");
	if (read(own[PIPE].peer, byte, sizeof byte) >= 0 || errno != EAGAIN)
		fault(r, "the pipe was written, or closed");
	if (recv(own[SOCKET].peer, byte, sizeof byte, 0) >= 0 || errno != EAGAIN)
		fault(r, "the socket was written, shut or closed");
	if (send(own[SOCKET].peer, "x", 1, MSG_NOSIGNAL) != 1 || recv(own[SOCKET].fd, byte, sizeof byte, 0) != 1)
		fault(r, "the socket is shut, or has a filter");
	if (fstat(own[REGULAR].fd, &st) || st.st_size || lseek(own[REGULAR].fd, 0, SEEK_CUR))
		fault(r, "the file was written, or read");
	for (enum with i = LIVING; i < N_WITH; i++) {
		struct f_owner_ex owner = { 0, 0 };
		if (!is_file(own[i].fd, &own[i].stat))
			fault(r, "%s is not where it was", with_names[i]);
		if (i != PROCFD && (fcntl(own[i].fd, F_GETFL) & O_ASYNC ||
				    (fcntl(own[i].fd, F_GETOWN_EX, &owner) == 0 && owner.pid)))
			fault(r, "%s was armed", with_names[i]);
	}
	if (taking->number && is_file(taking->number, &own[taking->with].stat))
		close(taking->number);
	close(own[PROCFD].fd);
	if (!has_ended(own[PROCFD].peer))
		fault(r, "the other procfd's process outlives it");
	kill(living, SIGKILL);
	waitpid(living, NULL, 0);
	waitpid(zombie, NULL, 0);
	for (enum with i = LIVING; i < N_WITH; i++) {
		if (i != PROCFD)
			close(own[i].fd);
		if (own[i].peer > 0)
			close(own[i].peer);
	}
}

/* What is left of the tortured pass, whose descriptors may be others' by now. */
static void drop_any(const struct scenario *s, int fd, struct report *r)
{
	siginfo_t info = { .si_pid = 0 };
	int pidfd = -1, armed = r->created > 0 && (s->ends == BY_POLICY || s->ends == BY_SECOND_SIGNAL) && !s->live;
	check_taken(r);
	/* Ours, and not reaped: else the number may be another's. */
	if (r->created > 0 && waitid(P_PID, (id_t)r->created, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0)
		pidfd = pidfd_of(r->created);
	int asked = pidfd >= 0 && fd != taking->number ? process_info(fd, PROC_INFO_PID, 0, NULL, 0) : -1;
	if (asked > 0 && asked != r->created)
		fault(r, "the procfd stands for process %d, not %d", asked, r->created);
	if (fd >= 0 && fd != pidfd) /* the procfd was closed, and its number is free */
		close(fd);
	if (armed && pidfd >= 0 && fd != taking->number && !has_ended(pidfd))
		fault(r, "an armed child outlives its last procfd");
	if (pidfd >= 0) {
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
		waitpid(r->created, NULL, __WALL);
		close(pidfd);
	}
}

#endif

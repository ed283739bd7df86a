/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Random requests and arguments by procfd_ioctl, with memory as the contract asks for it. A pointer is
 * NULL, near NULL, or leads to readable and writable memory that ends in NUL and NULL. Every slot there
 * that a command may take for a pointer is one. No call may crash, hang, or return a value that is no answer.
 */
#include "util.h"
#include "settings.h"

#include <linux/ioctl.h>
#include <sys/time.h>

static uint64_t seed;

static uint64_t next(void)
{
	/* splitmix64 */
	uint64_t z = (seed += 0x9e3779b97f4a7c15ULL);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static unsigned below(unsigned n)
{
	return (unsigned)(next() % n);
}

static const unsigned commands[] = {
	CONFIG_COMMANDS, PROC_SIGNAL, PROC_WAIT, PROC_GETFD, PROC_INFO,
	PROC_INFO_STATE, PROC_INFO_PID, PROC_INFO_PIDFD, PROC_INFO_ERROR,
};

/* Signals to its group, and a change of the terminal's foreground group, would reach the test's caller. */
static int left_out(unsigned command)
{
	/* A fork goes on in this program, which asks for the time. */
	return command == PROC_SET_PGROUP || command == PROC_SET_FOREGROUND || command == PROC_SET_NO_TSC ||
	       command == PROC_SET_SECCOMP || command == PROC_MOUNT; /* which holds addresses */
}

#define SLOTS 64
static char strings[4][32];
static uint64_t memory[SLOTS + 1];
static struct { struct procfd_ioctl_arg arg; uint64_t tail[8]; } wrapped;

static uint64_t number(void)
{
	static const uint64_t some[] = { 0, 1, 2, 3, 9, 15, 19, 64, 65, 255, 0x10000000, 0x7fffffff,
					 0x80000000, 0xffffffff, 0x100000000, ~0ULL, ~0ULL - 4, 1ULL << 63 };
	unsigned kind = below(4);
	return kind == 0 ? next() : kind == 1 ? below(40) : some[below(sizeof some / sizeof *some)];
}

/* Names for children that may well be root, and open what they are told to with any flags: none leads to
 * anything that could be harmed. Every slot is a pointer to a string, or is NULL or near it: what is a structure of numbers to one command
 * is an array of strings to another. */
static void fill(void)
{
	for (int i = 0; i < 4; i++) {
		static const char *const texts[] = { "/dev/null", "", "A=b", ".", "x", "=", "no/such", "A" };
		snprintf(strings[i], sizeof strings[i], "%s", texts[below(8)]);
	}
	int end = (int)below(SLOTS + 1);
	for (int i = 0; i < SLOTS; i++) {
		unsigned kind = below(8);
		memory[i] = i >= end ? 0 : kind == 0 ? below(4096) : (uint64_t)(uintptr_t)strings[below(4)];
	}
	if (below(4) == 0) /* text that ends */
		memset(memory, 'a' + (int)below(26), below(SLOTS * 8));
	else if (below(2)) /* small numbers in 32 bits */
		for (int i = 0; i < SLOTS; i++)
			memory[i] = (uint64_t)below(70) << 32 | below(70);
	memory[SLOTS] = 0;
}

/* Text and numbers of 32 bits are no pointers to strings: these commands would follow them. */
static int follows_pointers(unsigned command)
{
	return command == PROC_SET_ARGV || command == PROC_SET_ENV || command == PROC_FD_OPEN;
}

static void fill_for(unsigned command)
{
	fill();
	if (!follows_pointers(command))
		return;
	int end = (int)below(SLOTS);
	for (int i = 0; i < SLOTS; i++)
		memory[i] = i >= end ? 0 : below(8) == 0 ? below(4096) : (uint64_t)(uintptr_t)strings[below(4)];
}

static void *argument_for(unsigned long request, unsigned command)
{
	fill_for(command);
	if (_IOC_DIR(request) == _IOC_NONE)
		return (void *)(uintptr_t)(below(2) ? 0 : number());
	if (below(16) == 0)
		return (void *)(uintptr_t)below(4096);
	memset(&wrapped, 0, sizeof wrapped);
	if (below(16) == 0)
		wrapped.tail[below(8)] = next();
	wrapped.arg.arg = below(2) ? 0 : number();
	unsigned kind = below(8);
	wrapped.arg.data = kind == 0 ? NULL : kind == 1 ? (void *)(uintptr_t)below(4096) : (void *)memory;
	/* A size that is not there is no valid memory either, but where the pointer is refused. */
	wrapped.arg.size = kind < 2 ? number() : below(3) == 0 ? 0 : below(SLOTS * 8 + 1);
	return &wrapped;
}

static unsigned long request_for(unsigned command)
{
	switch (below(16)) {
	case 0: return (uint32_t)next();
	case 1: return PROC_FD_SIGNAL;
	case 2: return PROCFD_IOC_OPEN;
	case 3: return _IOC(below(4), 0xd0 + below(5), 0xf0 + below(16), below(200));
	case 4: case 5: case 6: case 7: return PROCFD_IOC_ARG + command;
	case 8: return (PROCFD_IOC_DATA & ~(0x3fffU << 16)) + command + (below(sizeof wrapped + 1) << 16);
	default: return PROCFD_IOC_DATA + command;
	}
}

static int is_ours(unsigned long request)
{
	return (request & 0xfc00) == PROCFD_IOC_ARG;
}

/* The calls whose answer is a descriptor that was not there. */
static int opens(unsigned long request)
{
	unsigned command = request & 0x3ff;
	return request == PROCFD_IOC_OPEN ||
	       (is_ours(request) && (command == PROC_COPY || command == PROC_FD_PIPE || command == PROC_SET_PTY ||
				     command == PROC_GETFD || command == PROC_INFO_PIDFD));
}

static int fresh(void)
{
	int fd = ctx_flags(below(2) ? PROCFD_AUTOREAP : PROCFD_AUTOREAP | PROCFD_NO_WATCH);
	set_child(fd, "exit", "0");
	/* Signals to its group are not to reach the test's. */
	SET(fd, PROC_SET_PGROUP, 0);
	return fd;
}

static void interrupt(int sig)
{
	(void)sig;
}

static void fuzz(uint64_t from, int calls)
{
	pid_t self = getpid();
	seed = from;
	int root = open("/proc", O_DIRECTORY | O_CLOEXEC), null = open("/dev/null", O_RDWR | O_CLOEXEC), s[2];
	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s), 0);
	int fd = fresh(), answered = 0, started = 0;
	for (int i = 0; i < calls; i++) {
		if (below(24) == 0) {
			process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0);
			close(fd);
			fd = fresh();
		}
		unsigned command = commands[below(sizeof commands / sizeof *commands)];
		unsigned long request = request_for(command);
		if (below(10) == 0) /* so that there are processes too */
			request = PROCFD_IOC_ARG + (command = PROC_CREATE);
		/* A request that is all random may be of any command. */
		void *argument = argument_for(request, request & 0x3ff);
		unsigned on = below(20);
		int target = on == 0 ? root : on == 1 ? null : on == 2 ? s[0] : on == 3 ? 9999 : on == 4 ? -1 : fd;
		if (target == fd && is_ours(request) && left_out(request & 0x3ff))
			continue;
		int ret = procfd_ioctl(target, request, argument);
		if (getpid() != self)
			_exit(0); /* PROC_CREATE with the program taken away is a fork */
		if (ret < -1 || (ret == -1 && (errno <= 0 || errno > 200)))
			FAIL("seed %#llx, call %d: %#lx gave %d, errno %d", (unsigned long long)from, i, request,
			     ret, errno);
		answered += ret >= 0;
		started += ret > 0 && is_ours(request) && (request & 0x3ff) == PROC_CREATE;
		if (ret >= 0 && opens(request))
			CHECK_EQ(close(ret), 0);
	}
	diag("seed %#llx: %d calls, %d answered, %d processes started", (unsigned long long)from, calls, answered,
	     started);
	/* What is only ever refused is not tested. */
	CHECK(answered > calls / 20 && started > 50);
	process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0);
	int fds[] = { fd, root, null, s[0], s[1] };
	for (int i = 0; i < 5; i++)
		CHECK_EQ(close(fds[i]), 0);
	sweep();
}

/* In a process of its own, so that what a request may do to its caller ends with it. */
static void run(void *from)
{
	char *dir = make_dir();
	CHECK_EQ(chdir(dir), 0);
	/* Waits end by EINTR: a random signal may have stopped the one waited for. */
	struct sigaction sa = { .sa_handler = interrupt };
	struct itimerval often = { { 0, 20000 }, { 0, 20000 } };
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	fuzz((uint64_t)(uintptr_t)from, 8000);
	/* Whatever it still has for children. */
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	while (waitpid(-1, NULL, __WALL | WNOHANG) > 0)
		;
	remove_tree(dir);
}

static void random_requests(void)
{
	for (uint64_t i = 1; i <= 8; i++)
		in_fork(run, (void *)(uintptr_t)(0x70726f63ULL * i));
}

static void random_requests_of_a_random_seed(void)
{
	uint64_t from = (uint64_t)time(NULL) << 20 ^ (uint64_t)getpid();
	diag("seed %#llx", (unsigned long long)from);
	in_fork(run, (void *)(uintptr_t)from);
}

TAP_MAIN(SLOW(random_requests, 90), SLOW(random_requests_of_a_random_seed, 60))

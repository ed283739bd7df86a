// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Processes that come and go, of all the kinds that are hard to read. Never more than a few at once, each
 * for less than a second; all of them end with this one, which ends at the end of its input.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define AT_ONCE 20

static char self[4096];

static void rest(unsigned ms)
{
	struct timespec ts = { ms / 1000, (long)(ms % 1000) * 1000000 };
	nanosleep(&ts, NULL);
}

static void burn(unsigned ms)
{
	struct timespec a, b;
	clock_gettime(CLOCK_MONOTONIC, &a);
	do {
		for (int i = 0; i < 1000; i++)
			(void)syscall(SYS_getppid);
		clock_gettime(CLOCK_MONOTONIC, &b);
	} while ((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 < (long)ms);
}

static void *thread(void *arg)
{
	unsigned ms = (unsigned)(size_t)arg;
	prctl(PR_SET_NAME, "a thread");
	burn(ms / 20);
	rest(ms);
	return NULL;
}

static void threads(int n, unsigned ms)
{
	for (int i = 0; i < n; i++) {
		pthread_t t;
		if (pthread_create(&t, NULL, thread, (void *)(size_t)(ms + (unsigned)i * 20)) == 0)
			pthread_detach(t);
	}
}

static void on_signal(int sig)
{
	(void)sig;
}

static void signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	for (int s = SIGRTMIN; s < SIGRTMIN + 5; s++)
		sigaddset(&set, s);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGUSR2, on_signal);
	signal(SIGHUP, SIG_IGN);
	signal(SIGRTMAX, on_signal);
	kill(getpid(), SIGUSR1);
	for (int i = 0; i < 3; i++)
		syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGRTMIN + i);
}

static void credentials(void)
{
	gid_t groups[] = { 7, 5, 100000 };
	if (syscall(SYS_setgroups, 3, groups) == 0) {
		setfsgid(4);
		(void)!setresgid(1, 2, 3);
		(void)!setresuid(11, 12, 13);
		setfsuid(11);
	}
}

static void confined(void)
{
	struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
	struct sock_fprog filter = { .len = 1, .filter = code };
	struct rlimit limit = { 123, 4567 };
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = 0;
	limit.rlim_max = RLIM_INFINITY;
	setrlimit(RLIMIT_CORE, &limit);
	umask(0137);
	FILE *f = fopen("/proc/self/oom_score_adj", "we");
	if (f) {
		fputs("321", f);
		fclose(f);
	}
}

static void scheduled(void)
{
	struct sched_param param = { 0 };
	cpu_set_t set;
	(void)!nice(7);
	sched_setscheduler(0, SCHED_BATCH, &param);
	syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 5);
	if (sched_getaffinity(0, sizeof set, &set) == 0)
		for (int i = CPU_SETSIZE - 1; i >= 0; i--)
			if (CPU_ISSET(i, &set)) {
				CPU_ZERO(&set);
				CPU_SET(i, &set);
				break;
			}
	sched_setaffinity(0, sizeof set, &set);
}

static void real_time(void)
{
	struct sched_param param = { .sched_priority = 5 };
	sched_setscheduler(0, SCHED_FIFO, &param);
}

static void terminal(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || grantpt(master) || unlockpt(master))
		return;
	setsid();
	int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave >= 0)
		ioctl(slave, TIOCSCTTY, 0);
}

static void memory(unsigned ms)
{
	for (unsigned i = 0; i < ms / 10; i++) {
		size_t size = (size_t)(1 + rand() % 64) * 65536;
		char *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
				MAP_ANONYMOUS | (i % 2 ? MAP_SHARED : MAP_PRIVATE), -1, 0);
		if (at == MAP_FAILED)
			continue;
		memset(at, 1, size / 2);
		if (i % 3 == 0)
			mlock(at, 8192);
		rest(10);
		munmap(at, size);
	}
}

static void files(unsigned ms)
{
	char buf[1000];
	for (unsigned i = 0; i < ms / 10; i++) {
		int fd = open(self, O_RDONLY | (i % 2 ? O_CLOEXEC : 0));
		ssize_t n = read(fd, buf, sizeof buf);
		(void)n;
		rest(10);
		if (i % 3)
			close(fd);
	}
}

static void descriptors(void)
{
	int p[2];
	open("/dev/null", O_RDWR | O_APPEND);
	open("/proc/self", O_PATH | O_CLOEXEC);
	(void)!pipe2(p, O_NONBLOCK);
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		lseek(fd, 12345, SEEK_SET);
}

static void family(unsigned ms)
{
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			burn(30);
			_exit(3);
		}
		waitpid(pid, NULL, 0);
	}
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		rest(ms);
		_exit(0);
	}
	rest(ms);
}

static void inner_pid(unsigned ms)
{
	if (unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS))
		return;
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		rest(ms);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void traced(unsigned ms)
{
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGTRAP);
		_exit(0);
	}
	waitpid(pid, NULL, __WALL);
	rest(ms);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, __WALL);
}

static void title(char **argv, unsigned ms)
{
	size_t room = strlen(argv[0]);
	memset(argv[0], 'x', room);
	memcpy(argv[0], "a: b", 4);
	rest(ms);
}

static void again(const char *mode, unsigned ms)
{
	char text[16];
	sprintf(text, "%u", ms);
	char *const argv[] = { "a (b) c", (char *)mode, text, "", "x y\n", NULL };
	char *const env[] = { "A=", "B=1=2", "EMPTY", "LONG=0123456789012345678901234567890123456789", NULL };
	execve(self, argv, env);
	_exit(1);
}

static const char *const names[] = { "a b) R (x", "\n", ") S 1 2 3", "\xff\xfe", "(((", " " };

static void child(unsigned kind, unsigned ms)
{
	switch (kind) {
	case 0:
		prctl(PR_SET_NAME, names[ms % 6]);
		break;
	case 1:
		threads(3, ms);
		break;
	case 2: /* the leader ends, its threads go on */
		threads(2, ms);
		rest(ms / 4);
		syscall(SYS_exit, 0);
		break;
	case 3: /* a zombie, that nobody waits for while this one lives */
		if (fork() == 0)
			_exit((int)(ms % 200));
		break;
	case 4:
		raise(SIGSTOP);
		break;
	case 5:
		signals();
		break;
	case 6:
		memory(ms);
		return;
	case 7:
		again("rest", ms);
		break;
	case 8:
		again("title", ms);
		break;
	case 9:
		setsid();
		(void)!nice(3);
		break;
	case 10:
		credentials();
		break;
	case 11:
		confined();
		break;
	case 12:
		scheduled();
		break;
	case 13:
		terminal();
		break;
	case 14:
		inner_pid(ms);
		return;
	case 15:
		family(ms);
		return;
	case 16:
		files(ms);
		return;
	case 17:
		burn(ms / 2);
		return;
	case 18:
		traced(ms);
		return;
	case 19:
		descriptors();
		break;
	case 20:
		threads(2, ms);
		rest(ms / 4);
		again("rest", ms);
		break;
	case 21:
		real_time();
		break;
	case 22:
		abort();
	default: /* very short */
		_exit(0);
	}
	rest(ms);
}

#define KINDS 24

int main(int argc, char **argv)
{
	static struct {
		pid_t pid;
		long until;
	} slots[AT_ONCE];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	self[n > 0 ? n : 0] = 0;
	if (argc > 2) {
		unsigned ms = (unsigned)atoi(argv[2]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!strcmp(argv[1], "title"))
			title(argv, ms);
		else
			rest(ms);
		return 0;
	}
	struct pollfd input = { .fd = 0, .events = POLLIN };
	unsigned turn = 0;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	srand((unsigned)getpid());
	for (;;) {
		struct timespec now;
		clock_gettime(CLOCK_MONOTONIC, &now);
		long ms = now.tv_sec * 1000 + now.tv_nsec / 1000000;
		int over = poll(&input, 1, 5) > 0;
		for (int i = 0; i < AT_ONCE; i++) {
			if (slots[i].pid && (over || ms >= slots[i].until))
				kill(slots[i].pid, SIGKILL);
			if (!slots[i].pid && !over) {
				unsigned life = 50 + (unsigned)rand() % 600, kind = turn++ % KINDS;
				fflush(NULL);
				pid_t parent = getpid(), pid = fork();
				if (pid == 0) {
					prctl(PR_SET_PDEATHSIG, SIGKILL);
					if (getppid() != parent)
						_exit(1);
					srand(turn);
					child(kind, life);
					_exit(0);
				}
				slots[i].pid = pid > 0 ? pid : 0;
				slots[i].until = ms + (long)life + 100;
				break; /* one at a time: they start at different moments */
			}
		}
		/* Those that were killed, those that have ended, and what either has left. */
		for (pid_t pid; (pid = waitpid(-1, NULL, __WALL | (over ? 0 : WNOHANG))) > 0;)
			for (int i = 0; i < AT_ONCE; i++)
				if (slots[i].pid == pid)
					slots[i].pid = 0;
		if (over)
			return 0;
	}
}

// SPDX-License-Identifier: MIT OR Apache-2.0
/* What this kernel has, of what docs/kernel-features.md names and of what came later: one line each. It asks by
 * doing, not by the version. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif
#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448
#endif
#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#define SYS_io_uring_register 427
#endif
#define F_CLEAR_SIGHAND (1ULL << 32)
#define F_INTO_CGROUP (1ULL << 33)
#define F_AUTOREAP (1ULL << 34)
#define F_NNP (1ULL << 35)
#define F_AUTOKILL (1ULL << 36)
#define F_EMPTY_MNTNS (1ULL << 37)
#define PIDFS 0x50494446

struct args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};
struct info {
	uint64_t mask, cgroupid;
	uint32_t pid, tgid, ppid, ids[8];
	int32_t exit_code;
	uint32_t core[4];
	uint64_t supported;
};

static void say(const char *what, int yes, const char *more)
{
	printf("probe %-40s %-4s %s\n", what, yes ? "yes" : "no", more ? more : "");
	fflush(stdout);
}

static void answer(const char *what, long r)
{
	say(what, r >= 0, r >= 0 ? NULL : strerrorname_np(errno));
}

/* The child sleeps, or ends at once with `code` (>= 0). */
static pid_t make(uint64_t flags, int signal, int code, int *pidfd)
{
	int fd = -1;
	struct args a = { .flags = flags | CLONE_PIDFD, .pidfd = (uintptr_t)&fd, .exit_signal = (uint64_t)signal };
	long pid = syscall(SYS_clone3, &a, sizeof a);
	if (pid == 0) {
		if (code >= 0)
			_exit(code);
		for (;;)
			pause();
	}
	*pidfd = fd;
	return (pid_t)pid;
}

static int ended(int pidfd, int ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	return poll(&p, 1, ms) == 1 ? p.revents : 0;
}

int main(void)
{
	char text[200];
	int fd, st, status;
	pid_t child = make(0, SIGCHLD, -1, &fd);
	say("clone3", child > 0, child > 0 ? NULL : strerrorname_np(errno));
	if (child < 0) {
		child = fork();
		if (child == 0)
			for (;;)
				pause();
		fd = (int)syscall(SYS_pidfd_open, child, 0);
	}
	answer("pidfd_open", st = (int)syscall(SYS_pidfd_open, child, 0));
	close(st);
	answer("pidfd_open PIDFD_THREAD", st = (int)syscall(SYS_pidfd_open, child, O_EXCL));
	close(st);
	answer("pidfd_open(0, PIDFD_EMPTY 1)", st = (int)syscall(SYS_pidfd_open, 0, 1));
	answer("pidfd_send_signal", syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
	/* It leads no group: ESRCH is the answer of a kernel that knows the flag. */
	answer("PIDFD_SIGNAL_PROCESS_GROUP", syscall(SYS_pidfd_send_signal, fd, 0, NULL, 4) < 0 && errno != ESRCH ? -1 : 0);
	answer("pidfd_send_signal PIDFD_SELF", syscall(SYS_pidfd_send_signal, -10000, 0, NULL, 0));
	answer("pidfd_getfd", st = (int)syscall(SYS_pidfd_getfd, fd, 0, 0));
	close(st);
	struct statfs fs;
	struct stat sb;
	fstatfs(fd, &fs);
	fstat(fd, &sb);
	snprintf(text, sizeof text, "f_type %lx ino %llu", (unsigned long)fs.f_type, (unsigned long long)sb.st_ino);
	say("pidfs", fs.f_type == PIDFS, text);
	answer("PIDFD_GET_UTS_NAMESPACE", st = ioctl(fd, _IO(0xff, 10), 0));
	close(st);
	struct info in = { .mask = ~0ULL };
	long r = ioctl(fd, _IOWR(0xff, 11, char[64]), &in);
	answer("PIDFD_GET_INFO (64 bytes)", r);
	memset(&in, 0, sizeof in);
	in.mask = ~0ULL;
	r = ioctl(fd, _IOWR(0xff, 11, struct info), &in);
	snprintf(text, sizeof text, "mask %llx supported %llx", (unsigned long long)in.mask, (unsigned long long)in.supported);
	say("PIDFD_GET_INFO (88 bytes)", r == 0, r == 0 ? text : strerrorname_np(errno));
	answer("setns(pidfd)", setns(fd, CLONE_NEWUTS));
	answer("process_madvise MADV_COLD", syscall(SYS_process_madvise, fd, NULL, 0, MADV_COLD, 0));
	answer("process_mrelease", syscall(SYS_process_mrelease, fd, 0) == -1 && errno == ENOSYS ? -1 : 0);
	answer("close_range", syscall(SYS_close_range, 1000, 1001, 0));
	answer("close_range CLOSE_RANGE_UNSHARE", syscall(SYS_close_range, 1000, 1001, 2));
	answer("memfd_create MFD_EXEC", st = (int)syscall(SYS_memfd_create, "x", 0x10));
	close(st);
	char ring[256] = { 0 };
	answer("io_uring_setup", st = (int)syscall(SYS_io_uring_setup, 1, ring));
	if (st >= 0) {
		struct {
			uint8_t last, len;
			uint16_t resv;
			uint32_t resv2[3];
			struct {
				uint8_t op, resv;
				uint16_t flags;
				uint32_t resv2;
			} ops[64];
		} probe = { 0 };
		r = syscall(SYS_io_uring_register, st, 8, &probe, 64);
		snprintf(text, sizeof text, "last operation %d", probe.last);
		say("IORING_OP_WAITID (50)", r == 0 && probe.last >= 50 && (probe.ops[50].flags & 1), text);
		close(st);
	}
	snprintf(text, sizeof text, "/proc/self/fdinfo/%d", fd);
	FILE *f = fopen(text, "re");
	int ino = 0;
	while (f && fgets(text, sizeof text, f))
		ino |= !strncmp(text, "ino:", 4);
	say("ino in fdinfo", ino, NULL);
	say("cgroup.kill", access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0 &&
				   (mkdir("/sys/fs/cgroup/probe", 0755), access("/sys/fs/cgroup/probe/cgroup.kill", F_OK) == 0),
	    NULL);
	rmdir("/sys/fs/cgroup/probe");
	answer("sched core (PR_SCHED_CORE_GET)", prctl(62, 0, 0, 0, &in.supported));
	siginfo_t si;
	answer("waitid P_PIDFD", waitid(3, (id_t)fd, &si, WEXITED | WNOHANG));
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	snprintf(text, sizeof text, "revents %x", ended(fd, 0));
	say("POLLHUP on a reaped pidfd", ended(fd, 0) & POLLHUP, text);
	memset(&in, 0, sizeof in);
	in.mask = 8 | 32;
	r = ioctl(fd, _IOWR(0xff, 11, struct info), &in);
	snprintf(text, sizeof text, "mask %llx exit_code %x", (unsigned long long)in.mask, (unsigned)in.exit_code);
	say("PIDFD_INFO_EXIT after the reap", r == 0 && in.mask & 8, r == 0 ? text : strerrorname_np(errno));
	close(fd);

	/* What is said of a process that dumps core: alive, a zombie, reaped. */
	struct rlimit core = { 1 << 20, 1 << 20 };
	setrlimit(RLIMIT_CORE, &core);
	int go[2];
	pipe(go);
	child = fork();
	if (child == 0) {
		char c;
		read(go[0], &c, 1);
		abort();
	}
	fd = (int)syscall(SYS_pidfd_open, child, 0);
	for (int step = 0; step < 3; step++) {
		static const char *const when[] = { "COREDUMP, alive", "COREDUMP, a zombie", "COREDUMP, reaped" };
		if (step == 1) {
			write(go[1], "x", 1);
			ended(fd, 5000);
		} else if (step == 2) {
			waitpid(child, &status, 0);
		}
		memset(&in, 0, sizeof in);
		in.mask = 8 | 16 | 64;
		r = ioctl(fd, _IOWR(0xff, 11, struct info), &in);
		snprintf(text, sizeof text, "mask %llx coredump_mask %x signal %u exit_code %x%s", (unsigned long long)in.mask,
			 in.core[0], in.core[1], (unsigned)in.exit_code, step == 2 ? WCOREDUMP(status) ? " (wait: dumped)" : " (wait: not dumped)" : "");
		say(when[step], r == 0 && in.mask & 16, r == 0 ? text : strerrorname_np(errno));
	}
	close(fd);

	/* 7.1 */
	int was_root = geteuid() == 0;
	child = make(F_AUTOREAP, 0, 7, &fd);
	say("CLONE_AUTOREAP", child > 0, child > 0 ? NULL : strerrorname_np(errno));
	if (child > 0) {
		int events = ended(fd, 5000);
		usleep(50000);
		r = waitpid(child, &status, 0);
		int e = errno;
		memset(&in, 0, sizeof in);
		in.mask = 8;
		long g = ioctl(fd, _IOWR(0xff, 11, struct info), &in);
		snprintf(text, sizeof text, "poll %x, waitpid %ld %s, GET_INFO %ld mask %llx exit_code %x", events, r,
			 r < 0 ? strerrorname_np(e) : "", g, (unsigned long long)in.mask, (unsigned)in.exit_code);
		say("  its exit status", in.mask & 8, text);
		close(fd);
		child = make(F_AUTOREAP, SIGCHLD, 0, &fd);
		answer("  with an exit signal", child);
		if (child > 0)
			kill(child, SIGKILL);
	}
	child = make(F_NNP, SIGCHLD, -1, &fd);
	say("CLONE_NNP", child > 0, child > 0 ? NULL : strerrorname_np(errno));
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		close(fd);
	}
	for (int how = 0; how < 4; how++) {
		static const char *const names[] = { "AUTOKILL", "AUTOKILL|NNP", "AUTOKILL|AUTOREAP", "AUTOKILL|AUTOREAP|NNP" };
		uint64_t flags = F_AUTOKILL | (how & 1 ? F_NNP : 0) | (how & 2 ? F_AUTOREAP : 0);
		child = make(flags, how & 2 ? 0 : SIGCHLD, -1, &fd);
		say(names[how], child > 0, child > 0 ? (was_root ? "(root)" : "(not root)") : strerrorname_np(errno));
		if (child <= 0)
			continue;
		/* Another open file of the same process: does it hold the process? A copy? */
		int other = (int)syscall(SYS_pidfd_open, child, 0), copy = dup(fd);
		pid_t holder = fork();
		if (holder == 0) {
			close(other);
			usleep(400000);
			_exit(0);
		}
		close(fd);
		close(copy);
		say("  alive while another process has a copy", !ended(other, 100), NULL);
		snprintf(text, sizeof text, "revents %x", ended(other, 5000));
		say("  killed when the last copy is gone", ended(other, 0), text);
		memset(&in, 0, sizeof in);
		in.mask = 8;
		if (!(how & 2)) {
			pid_t got = waitpid(child, &status, 0);
			snprintf(text, sizeof text, "waitpid %s, status %x", got == child ? "has it" : "does not", status);
		} else {
			usleep(50000);
			ioctl(other, _IOWR(0xff, 11, struct info), &in);
			snprintf(text, sizeof text, "GET_INFO exit_code %x", (unsigned)in.exit_code);
		}
		say("  how it ended", 1, text);
		waitpid(holder, NULL, 0);
		close(other);
	}
	child = make(F_EMPTY_MNTNS | CLONE_NEWUSER, SIGCHLD, -1, &fd);
	say("CLONE_EMPTY_MNTNS|NEWUSER", child > 0, child > 0 ? NULL : strerrorname_np(errno));
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
	}
	return 0;
}

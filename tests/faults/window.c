/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A child takes the ids of a user and still has the memory and the descriptors of its creator, root. Until
 * it executes, that user attacks it: stops it, kills it, traces it, reads and writes its memory, takes its
 * descriptors. The search of a long PATH keeps that window open.
 */
#include "attack.h"

#include <sys/ptrace.h>
#include <sys/uio.h>

/* A user that has no other process. */
#define TARGET 60123
#define ATTACKERS 2
/* PROC_CREATE of a child that is stopped must come to an end. */
#define LONGEST_CREATE_MS 15000

enum kind { STOP, KILL, TRACE, MEMORY, DESCRIPTORS };

static struct {
	atomic_int ends;
	atomic_long seen, hits; /* processes of the target user; attacks on them that the kernel permitted */
	atomic_int breaches;
	ino_t secret_inode;
	atomic_int pids[ATTACKERS];
} *both;

static volatile uint64_t secret = 0x7365637265742121;
static int secret_fd;

static void breach(const char *how)
{
	atomic_fetch_add(&both->breaches, 1);
		diag("the target user %s", how);
}

static void trace(pid_t pid)
{
	int status;
	if (ptrace(PTRACE_SEIZE, pid, 0, 0))
		return;
	atomic_fetch_add(&both->hits, 1);
	if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) || waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
		return;
	errno = 0;
	if ((uint64_t)ptrace(PTRACE_PEEKDATA, pid, &secret, 0) == 0x7365637265742121 && !errno)
		breach("reads the creator's memory by ptrace");
	ptrace(PTRACE_DETACH, pid, 0, 0);
}

static void memory(pid_t pid)
{
	uint64_t got = 0, evil = 666;
	struct iovec to = { &got, sizeof got }, from = { (void *)&secret, sizeof secret };
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/mem", pid);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		atomic_fetch_add(&both->hits, 1);
		if (pread(fd, &got, sizeof got, (off_t)(uintptr_t)&secret) == sizeof got &&
		    got == 0x7365637265742121) {
			breach("reads the creator's memory by /proc/PID/mem");
			pwrite(fd, &evil, sizeof evil, (off_t)(uintptr_t)&secret);
		}
		close(fd);
	}
	if (process_vm_readv(pid, &to, 1, &from, 1, 0) == sizeof got && got == 0x7365637265742121)
		breach("reads the creator's memory by process_vm_readv");
}

static void descriptors(pid_t pid)
{
	struct stat st;
	int pidfd = sys_pidfd_open(pid), fd = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, secret_fd, 0);
	if (fd >= 0) {
		atomic_fetch_add(&both->hits, 1);
		if (fstat(fd, &st) == 0 && st.st_ino == both->secret_inode)
			breach("takes a descriptor of the creator's by pidfd_getfd");
		close(fd);
	}
	/* The first ones go to the program too. */
	if (pidfd >= 0 && (fd = (int)syscall(SYS_pidfd_getfd, pidfd, 0, 0)) >= 0) {
		atomic_fetch_add(&both->hits, 1);
		close(fd);
	}
	if (pidfd >= 0)
		close(pidfd);
}

static void run_on(int cpu)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	(void)sched_setaffinity(0, sizeof set, &set); /* there may be one processor only */
}

static int is_attacker(pid_t pid)
{
	for (int i = 0; i < ATTACKERS; i++)
		if (pid == getpid() || atomic_load(&both->pids[i]) == pid || !atomic_load(&both->pids[i]))
			return 1;
	return 0;
}

static void attacker(enum kind kind, int loadavg)
{
	char text[128];
	while (!atomic_load(&both->ends)) {
		ssize_t n = pread(loadavg, text, sizeof text - 1, 0);
		text[n > 0 ? n : 0] = 0;
		const char *last = strrchr(text, ' ');
		int newest = last ? atoi(last) : 0;
		for (int pid = newest - 2; pid <= newest + 2; pid++) {
			if (pid <= 1 || is_attacker(pid) || kill(pid, 0))
				continue;
			atomic_fetch_add(&both->seen, 1);
			switch (kind) {
			case STOP: atomic_fetch_add(&both->hits, kill(pid, SIGSTOP) == 0); break;
			case KILL: atomic_fetch_add(&both->hits, kill(pid, SIGKILL) == 0); break;
			case TRACE: trace(pid); break;
			case MEMORY: memory(pid); break;
			default: descriptors(pid);
			}
		}
	}
	_exit(0);
}

static void start_attackers(enum kind kind, pid_t *pids)
{
	for (int i = 0; i < ATTACKERS; i++) {
		pids[i] = fork();
		CHECK(pids[i] >= 0);
		if (pids[i])
			atomic_store(&both->pids[i], pids[i]);
		if (pids[i] == 0) {
			int loadavg = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
			/* What is found in another attacker is no secret. */
			secret = 0;
			close(secret_fd);
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (loadavg < 0 || setgroups(0, NULL) || setresgid(TARGET, TARGET, TARGET) ||
			    setresuid(TARGET, TARGET, TARGET))
				_exit(1);
			attacker(kind, loadavg);
		}
	}
}

static void attacked(enum kind kind)
{
	static char path[8192];
	pid_t attackers[ATTACKERS];
	struct stat st;
	long made = 0, started = 0, failed = 0, ended_by_kill = 0, longest = 0;
	NEED_ROOT();
	both = shared(sizeof *both);
	int low = memfd_create("secret", MFD_CLOEXEC);
	secret_fd = fcntl(low, F_DUPFD_CLOEXEC, 60);
	CHECK(secret_fd >= 60);
	close(low);
	CHECK_EQ(fstat(secret_fd, &st), 0);
	both->secret_inode = st.st_ino;
	for (int i = 0; i < 100; i++)
		snprintf(path + strlen(path), sizeof path - strlen(path), "/nonexistent/%d:", i);
	strcat(path, tiny_folder());
	CHECK_EQ(setenv("PATH", path, 1), 0);
	/*
	 * On a processor of their own they see more. On the other one the creator, when it wakes, displaces the
	 * child that has woken it before that has left the memory.
	 */
	run_on(1);
	start_attackers(kind, attackers);
	run_on(0);
	long long end = now_ns() + (long long)(attack_seconds(0.3) * 1e9);
	const char *only = getenv("WINDOW_ONLY"); /* 1: all programs exist; 0: none */
	while (now_ns() < end || made < (kind == STOP ? 3 : 20)) {
		int there = only ? made++, atoi(only) : made++ % 3 != 0;
		int fd = process_open(PROCFD_NO_WATCH);
		CHECK(fd >= 0);
		CFG(fd, PROC_SET_EXEC, PROC_EXEC_PATH, there ? "tiny" : "there-is-no-such-program", 0);
		SET(fd, PROC_SET_GROUPS, 0);
		SET(fd, PROC_SET_GID, TARGET);
		SET(fd, PROC_SET_UID, TARGET);
		long long before = now_ns();
		int pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
		long ms = (long)((now_ns() - before) / 1000000);
		longest = ms > longest ? ms : longest;
		if (pid < 0) {
			failed++;
			CHECK(last_error(fd).stage != PROC_STAGE_NONE);
			CHECK_EQ(process_info(fd, PROC_INFO_STATE, 0, NULL, 0), PROC_STATE_CONFIGURING);
		} else {
			struct procfd_wait w = { .timeout_ns = 10 * SECOND };
			if (!there)
				FAIL("a program that does not exist has pid %d", pid);
			started++;
			/* It may have been stopped after its exec, which is the right of its user. */
			if (kind == STOP)
				process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0);
			CHECK_EQ(process_manage(fd, PROC_WAIT, 0, &w, sizeof w), 0);
			ended_by_kill += w.what == PROC_KILLED;
			CHECK((w.what == PROC_EXITED && w.status == 0) ||
			      (w.what == PROC_KILLED && w.status == SIGKILL));
		}
		close(fd);
	}
	atomic_store(&both->ends, 1);
	for (int i = 0; i < ATTACKERS; i++)
		expect_status(attackers[i], 0);
	diag("%ld creations: %ld started, %ld failed, %ld killed afterwards, the longest took %ld ms; the attackers saw "
	     "%ld processes of their user, and %ld attacks were permitted",
	     made, started, failed, ended_by_kill, longest, atomic_load(&both->seen), atomic_load(&both->hits));
	CHECK_EQ(atomic_load(&both->breaches), 0);
	CHECK_EQ(secret, 0x7365637265742121);
	CHECK(longest < LONGEST_CREATE_MS);
	CHECK(atomic_load(&both->seen) > 0);
	/* A user who kills hits the window; who wants to see or take finds only what has executed. */
	CHECK(kind != KILL || only || failed > made / 3);
	no_child_is_left();
	close(secret_fd);
}

static void it_stops_the_child(void)
{
	attacked(STOP);
}

static void it_kills_the_child(void)
{
	attacked(KILL);
}

static void it_traces_the_child(void)
{
	attacked(TRACE);
}

static void it_reads_the_memory(void)
{
	attacked(MEMORY);
}

static void it_takes_descriptors(void)
{
	attacked(DESCRIPTORS);
}

TAP_MAIN(SLOW(it_stops_the_child, AND_LONGER), SLOW(it_kills_the_child, AND_LONGER),
	 SLOW(it_traces_the_child, AND_LONGER), SLOW(it_reads_the_memory, AND_LONGER),
	 SLOW(it_takes_descriptors, AND_LONGER))

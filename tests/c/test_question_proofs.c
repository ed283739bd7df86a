// SPDX-License-Identifier: MIT OR Apache-2.0
/* What proves the answer of a question that reads /proc, and how many system calls that leaves. */
#include "counted.h"
#include "filter.h"
#include "kid.h"

#include <pthread.h>
#include <signal.h>

/* What `stat` and `statm` answer together. */
#define BOTH                                                                                                  \
	(PROC_FIELD_IDS | PROC_FIELD_STATE | PROC_FIELD_TIMES | PROC_FIELD_COMM | PROC_FIELD_START | \
	 PROC_FIELD_THREADS | PROC_FIELD_MEMORY | PROC_FIELD_MEMORY_PARTS)
#define MANY 8192

static struct procfd_info *entries;

static int take(uint32_t flags, uint64_t mask)
{
	if (!entries) {
		entries = mmap(NULL, MANY * sizeof *entries, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		CHECK(entries != MAP_FAILED);
	}
	struct procfd_snapshot s = { .scope = PROC_SNAPSHOT_ALL, .flags = flags, .entries = entries,
				     .entry_size = sizeof *entries, .room = MANY };
	int n = process_info(-1, PROC_SNAPSHOT, mask, &s, sizeof s);
	CHECK(n > 0);
	return n;
}

static struct procfd_info entry(uint32_t flags, uint64_t mask, pid_t pid)
{
	int n = take(flags, mask);
	for (int i = 0; i < n; i++)
		if (entries[i].pid == (uint32_t)pid)
			return entries[i];
	FAIL("%d is not in the snapshot", pid);
}

static void drop(void)
{
	struct procfd_snapshot s = { .flags = PROC_SNAPSHOT_DROP };
	CHECK_EQ(process_info(-1, PROC_SNAPSHOT, BOTH, &s, sizeof s), 0);
}

static pid_t sleeper_with(pid_t number)
{
	struct {
		uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, size;
	} a = { .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&number, .size = 1 };
	long pid = syscall(SYS_clone3, &a, sizeof a);
	if (pid == 0) {
		alarm(CHILD_LIFE);
		child_forever();
	}
	return (pid_t)pid;
}

/* A directory of /proc is asked by the pid that it had at the last question. */
static void a_directory_whose_pid_is_anothers(void)
{
	NEED_ROOT();
	char path[32];
	pid_t first = fork();
	if (first == 0) {
		alarm(CHILD_LIFE);
		child_forever();
	}
	snprintf(path, sizeof path, "/proc/%d", first);
	int asked = open(path, O_DIRECTORY | O_CLOEXEC), fresh = open(path, O_DIRECTORY | O_CLOEXEC);
	CHECK(asked >= 0 && fresh >= 0);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(process_info(asked, PROC_INFO_PID, 0, NULL, 0), first);
		CHECK_EQ(state(asked), PROC_STATE_RUNNING);
	}
	kill_and_reap(first);
	CHECK_ERR(process_info(asked, PROC_INFO_PID, 0, NULL, 0), ESRCH);
	pid_t second = sleeper_with(first);
	if (second < 0)
		SKIP("clone3 with set_tid: %s", strerror(errno));
	CHECK_EQ(second, first);
	int of_second = open(path, O_DIRECTORY | O_CLOEXEC);
	struct procfd_info i;
	for (int round = 0; round < 3; round++) {
		/* The one that lives leaves its pid for the next question, on this number as well. */
		CHECK_EQ(process_info(of_second, PROC_INFO_PID, 0, NULL, 0), second);
		int kept = dup(asked);
		CHECK_EQ(dup3(of_second, asked, O_CLOEXEC), asked);
		CHECK_EQ(process_info(asked, PROC_INFO_PID, 0, NULL, 0), second);
		CHECK_EQ(dup3(kept, asked, O_CLOEXEC), asked);
		close(kept);
		int fds[] = { asked, fresh };
		for (int k = 0; k < 2; k++) {
			CHECK_ERR(process_info(fds[k], PROC_INFO_PID, 0, NULL, 0), ESRCH);
			CHECK_ERR(process_info(fds[k], PROC_INFO, BOTH, &i, sizeof i), ESRCH);
			CHECK_ERR(process_manage(fds[k], PROC_SIGNAL, SIGKILL, NULL, 0), ESRCH);
		}
	}
	kill_and_reap(second);
	close(asked);
	close(fresh);
	close(of_second);
}

/* A directory of a thread stands for no process, though its `stat` begins with a number. */
static void a_threads_directory(void)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/task/%d", getpid());
	int own = open("/proc/self", O_DIRECTORY | O_CLOEXEC), task = open("/proc/self/task", O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(process_info(own, PROC_INFO_PID, 0, NULL, 0), getpid());
		CHECK_ERR(process_info(task, PROC_INFO_PID, 0, NULL, 0), EINVAL);
		CHECK_EQ(dup3(task, own, O_CLOEXEC), own);
		CHECK_ERR(process_info(own, PROC_INFO_PID, 0, NULL, 0), EINVAL);
		close(own);
		own = open("/proc/self", O_DIRECTORY | O_CLOEXEC);
	}
	close(own);
	close(task);
}

/* The number of this process that is open as `path`. */
static int number_of(const char *path)
{
	char link[64], to[256];
	for (int fd = 3; fd < 8192; fd++) {
		snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
		ssize_t n = readlink(link, to, sizeof to - 1);
		if (n > 0 && (to[n] = 0, !strcmp(to, path)))
			return fd;
	}
	FAIL("%s is not open here", path);
}

static void run_small(void)
{
	stay();
}

static void run_large(void)
{
	void *at = mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	CHECK(at != MAP_FAILED);
	stay();
}

/* PROC_SNAPSHOT_KEEP holds two files of each process. The program puts the same file of another process there. */
static void replaced(void *arg)
{
	(void)arg;
	struct kid small = kid(run_small), large = kid(run_large);
	done(&small);
	done(&large);
	for (int round = 0; round < 2; round++)
		CHECK_EQ(entry(PROC_SNAPSHOT_KEEP, BOTH, small.pid).mask & BOTH, BOTH);
	struct procfd_info before = entry(PROC_SNAPSHOT_KEEP, BOTH, small.pid);
	CHECK(entry(PROC_SNAPSHOT_KEEP, BOTH, large.pid).mem_resident > before.mem_resident + (32 << 20));
	static const char *const files[] = { "stat", "statm" };
	for (int f = 0; f < 2; f++) {
		char held[64], others[64];
		snprintf(held, sizeof held, "/proc/%d/%s", small.pid, files[f]);
		snprintf(others, sizeof others, "/proc/%d/%s", large.pid, files[f]);
		int number = number_of(held), other = open(others, O_RDONLY | O_CLOEXEC);
		CHECK_EQ(dup3(other, number, O_CLOEXEC), number);
		close(other);
		for (int round = 0; round < 2; round++) {
			struct procfd_info i = entry(PROC_SNAPSHOT_KEEP, BOTH, small.pid);
			CHECK_EQ(i.mask & BOTH, BOTH);
			CHECK_EQ(i.mem_virtual, before.mem_virtual);
			CHECK_EQ(i.start_boot_ns, before.start_boot_ns);
			CHECK_EQ(i.ppid, getpid());
		}
		drop();
		/* It is the program's, and stays open. */
		char link[64], to[256] = "";
		snprintf(link, sizeof link, "/proc/self/fd/%d", number);
		CHECK(readlink(link, to, sizeof to - 1) > 0);
		CHECK_STR(to, others);
		entry(PROC_SNAPSHOT_KEEP, BOTH, small.pid);
	}
	drop();
	gone(&small);
	gone(&large);
}

static void held_files_that_the_program_replaces(void)
{
	in_fork(replaced, NULL);
}

static void *thread_stays(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void run_leader_ends(void)
{
	pthread_t t;
	if (pthread_create(&t, NULL, thread_stays, NULL))
		_exit(1);
	char c = 'k';
	tell_bytes(&c, 1);
	syscall(SYS_exit, 0);
}

static void same(const char *what, pid_t pid, int fd, uint64_t mask)
{
	struct procfd_info one = some_of(fd, mask);
	for (int keep = 0; keep < 3; keep++) {
		struct procfd_info many = entry(keep ? PROC_SNAPSHOT_KEEP : 0, mask, pid);
		if ((many.mask & mask) != one.mask || many.gone != one.gone || many.nothing != one.nothing ||
		    many.denied != one.denied || many.unsupported != one.unsupported)
			FAIL("%s: the snapshot has %#llx, gone %#llx, nothing %#llx; the question %#llx, %#llx, %#llx",
			     what, (unsigned long long)(many.mask & mask), (unsigned long long)many.gone,
			     (unsigned long long)many.nothing, (unsigned long long)one.mask,
			     (unsigned long long)one.gone, (unsigned long long)one.nothing);
		CHECK_EQ(many.state, one.state);
		CHECK_EQ(many.ppid, one.ppid);
		CHECK_EQ(many.threads, one.threads);
		CHECK_EQ(many.mem_virtual, one.mem_virtual);
		CHECK_EQ(many.mem_resident, one.mem_resident);
		CHECK_EQ(many.mem_data, one.mem_data);
		CHECK_EQ(many.start_boot_ns, one.start_boot_ns);
		CHECK_STR(many.comm, one.comm);
	}
	drop();
}

/* What a snapshot reads without a pidfd is what PROC_INFO answers. */
static void a_snapshot_answers_as_a_question(void)
{
	uint64_t masks[] = { BOTH, BOTH & ~PROC_FIELD_STATE, BOTH & ~(PROC_FIELD_MEMORY | PROC_FIELD_MEMORY_PARTS) };
	struct kid plain = kid(run_small), headless = kid(run_leader_ends);
	done(&plain);
	done(&headless);
	while (status_of(headless.pid, "State")[0] != 'Z')
		usleep(1000);
	pid_t zombie = fork();
	if (zombie == 0)
		_exit(0);
	CHECK_EQ(waitid(P_PID, (id_t)zombie, NULL, WEXITED | WNOWAIT), 0);
	int zombie_fd = sys_pidfd_open(zombie), kernel_fd = sys_pidfd_open(2);
	for (size_t m = 0; m < sizeof masks / sizeof *masks; m++) {
		same("a process", plain.pid, plain.fd, masks[m]);
		same("one whose leader has ended", headless.pid, headless.fd, masks[m]);
		same("a zombie", zombie, zombie_fd, masks[m]);
		if (kernel_fd >= 0 && (some_of(kernel_fd, PROC_FIELD_STATE).task_flags & 0x200000))
			same("a kernel thread", 2, kernel_fd, masks[m]);
	}
	struct procfd_info i = entry(0, BOTH, headless.pid);
	CHECK(i.state != 'Z' && i.mem_resident > 0);
	CHECK_EQ(waitpid(zombie, NULL, 0), zombie);
	close(zombie_fd);
	close(kernel_fd);
	kill(headless.pid, SIGKILL);
	finish(headless.fd);
	close(headless.told);
	close(headless.let);
	gone(&plain);
}

#define SHOWN (PROC_FIELD_IDS | PROC_FIELD_STATE | PROC_FIELD_TIMES | PROC_FIELD_MEMORY | PROC_FIELD_COMM)

static int asked_fd;
static uint32_t asked_flags;

static void ask(void)
{
	struct procfd_info i;
	if (process_info(asked_fd, PROC_INFO, SHOWN, &i, sizeof i))
		_exit(97);
}

static void ask_all(void)
{
	take(asked_flags, SHOWN);
}

/* One proof of /proc serves both files of a process, and in a snapshot those of 16 processes. A snapshot takes no pidfds.
 * What it keeps is proved file by file. */
static void how_many_calls(void)
{
	char path[32];
	if (!has_get_info())
		SKIP("no PIDFD_GET_INFO");
	pid_t pid = fork();
	if (pid == 0) {
		alarm(CHILD_LIFE);
		child_forever();
	}
	asked_fd = sys_pidfd_open(pid);
	int n = calls_of(ask);
	diag("a pidfd: %d", n);
	CHECK(n <= 8); /* fstat of /proc; open, read, close twice; ioctl */
	close(asked_fd);
	snprintf(path, sizeof path, "/proc/%d", pid);
	asked_fd = open(path, O_DIRECTORY | O_CLOEXEC);
	n = calls_of(ask);
	diag("/proc/PID: %d", n);
	CHECK(n <= 13); /* and fstat of both, pidfd_open, fstatat, close */
	close(asked_fd);
	for (asked_flags = 0; asked_flags <= PROC_SNAPSHOT_KEEP; asked_flags += PROC_SNAPSHOT_KEEP) {
		n = calls_of(ask_all);
		int processes = take(0, SHOWN);
		diag("a snapshot of %d processes%s: %d", processes, asked_flags ? ", kept" : "", n);
		/* Other programs start processes meanwhile; those whose leader has ended take more. */
		CHECK(n <= processes * (asked_flags ? 4 : 6) + processes / 16 + 200);
	}
	kill_and_reap(pid);
}

TAP_MAIN(CASE(a_directory_whose_pid_is_anothers), CASE(a_threads_directory),
	 CASE(held_files_that_the_program_replaces), CASE(a_snapshot_answers_as_a_question), CASE(how_many_calls))

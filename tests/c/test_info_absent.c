// SPDX-License-Identifier: MIT OR Apache-2.0
/* PROC_INFO where something cannot be known: absent, and never another process's. */
#include "util.h"

#include "kid.h"

#include <stddef.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#define PF_KTHREAD 0x200000

/* What the pidfd tells by itself. */
#define BY_PIDFD                                                                               \
	(PROC_FIELD_IDS | PROC_FIELD_CREDS | PROC_FIELD_CGROUP_ID | PROC_FIELD_EXIT |          \
	 PROC_FIELD_INODE | PROC_FIELD_DUMPABLE | PROC_FIELD_COREDUMP)
#define BY_NUMBER (EVERY_FIELD & ~BY_PIDFD)
/* Of those, what comes by system calls. */
#define BY_CALL                                                                                \
	(PROC_FIELD_CPU | PROC_FIELD_CPU_SPLIT | PROC_FIELD_IOPRIO | PROC_FIELD_CORE_SCHED |   \
	 PROC_FIELD_SECUREBITS | PROC_FIELD_USAGE)
#define OF_STAT                                                                                \
	(PROC_FIELD_STATE | PROC_FIELD_JOB | PROC_FIELD_START | PROC_FIELD_COMM |              \
	 PROC_FIELD_TIMES | PROC_FIELD_FAULTS | PROC_FIELD_SCHED | PROC_FIELD_THREADS)
#define OF_STATUS                                                                              \
	(PROC_FIELD_SIGNALS | PROC_FIELD_CAPS | PROC_FIELD_SECURITY | PROC_FIELD_TRACER |      \
	 PROC_FIELD_NS_PID)
#define OF_MEMORY                                                                              \
	(PROC_FIELD_MEMORY | PROC_FIELD_MEMORY_PARTS | PROC_FIELD_MEMORY_DETAIL |              \
	 PROC_FIELD_MEMORY_SET | PROC_FIELD_DUMPABLE | PROC_FIELD_COREDUMP_FILTER)

/* What the kernel tells of a task without a memory, from 7.2 on. */
static uint64_t told_from_7_2(uint64_t fields)
{
	struct utsname u;
	unsigned major = 0, minor = 0;
	CHECK_EQ(uname(&u), 0);
	CHECK_EQ(sscanf(u.release, "%u.%u", &major, &minor), 2);
	return major > 7 || (major == 7 && minor >= 2) ? fields : 0;
}

/* Every group by itself and all at once agree on what is absent. */
static void absent(int fd, uint64_t mask)
{
	CHECK_EQ(some_of(fd, EVERY_FIELD).mask & mask, 0);
	NONE_OF(fd, mask);
	for (uint64_t bit = 1; bit <= PROC_FIELD_PERSONALITY; bit <<= 1)
		if (mask & bit)
			NONE_OF(fd, bit);
}

static void a_kernel_thread(void)
{
	int fd = sys_pidfd_open(2);
	struct procfd_info i;
	if (fd < 0 || (i = some_of(fd, PROC_FIELD_STATE), !(i.task_flags & PF_KTHREAD)))
		SKIP("no kernel thread to be seen");
	uint64_t told = told_from_7_2(PROC_FIELD_DUMPABLE | PROC_FIELD_COREDUMP);
	absent(fd, (OF_MEMORY | PROC_FIELD_COREDUMP | PROC_FIELD_EXIT | PROC_FIELD_SECUREBITS) & ~told);
	i = ALL_OF(fd, OF_STAT | OF_STATUS | PROC_FIELD_IDS | told);
	CHECK_STR(i.comm, "kthreadd");
	CHECK(i.pid == 2 && i.ppid == 0 && i.sid == 0 && i.threads == 1 && i.tracer == 0);
	close(fd);
}

static void a_process_of_another_user(void)
{
	become_nobody();
	int fd = sys_pidfd_open(1);
	struct procfd_info i = ALL_OF(fd, PROC_FIELD_IDS | PROC_FIELD_CREDS);
	if (i.ruid == geteuid())
		SKIP("pid 1 is of this user");
	absent(fd, PROC_FIELD_IO | PROC_FIELD_FDS | PROC_FIELD_NAMESPACES | PROC_FIELD_MEMORY_SET |
			   PROC_FIELD_PERSONALITY | PROC_FIELD_TIMER_SLACK | PROC_FIELD_SECUREBITS |
			   PROC_FIELD_CORE_SCHED | PROC_FIELD_EXIT);
	i = ALL_OF(fd, OF_STAT | OF_STATUS | PROC_FIELD_MEMORY | PROC_FIELD_MEMORY_DETAIL |
			       PROC_FIELD_MEMORY_PARTS | PROC_FIELD_LIMITS | PROC_FIELD_UMASK);
	CHECK(i.ns_pid == 1 && i.mem_resident > 0 && i.threads > 0);
	i = ALL_OF(fd, PROC_FIELD_USAGE);
	CHECK(!(i.usage_known & (PROC_USAGE_BLOCKS | PROC_USAGE_WITH_CHILDREN)));
	CHECK(!i.usage.inblock && !i.usage.oublock);
	CHECK(i.usage_known & PROC_USAGE_MAXRSS && i.usage.maxrss > 0);
	close(fd);
}

static void a_zombie(void)
{
	struct kid k = kid(run_stay);
	int pidfd = process_info(k.fd, PROC_INFO_PIDFD, 0, NULL, 0);
	done(&k);
	let(&k);
	CHECK_ENDS(pidfd);
	uint64_t told = told_from_7_2(PROC_FIELD_DUMPABLE);
	absent(pidfd, (OF_MEMORY | PROC_FIELD_MOUNTS | PROC_FIELD_UMASK | PROC_FIELD_SECUREBITS) & ~told);
	struct procfd_info i = ALL_OF(pidfd, told | OF_STAT | OF_STATUS | PROC_FIELD_CPU | PROC_FIELD_IDS |
						     PROC_FIELD_EXIT | PROC_FIELD_USAGE |
						     PROC_FIELD_LIMITS | PROC_FIELD_COREDUMP);
	CHECK(i.state == 'Z' && i.pid == (uint32_t)k.pid && i.ppid == (uint32_t)getpid());
	CHECK(i.cpu_ns > 0 && i.exit_what == PROC_EXITED && !i.coredump);
	ended(&k);
	close(pidfd);
}

/* The inode, where the kernel has it (pidfs, 6.9). */
static uint64_t inode_field(void)
{
	int self = sys_pidfd_open(getpid());
	uint64_t has = some_of(self, PROC_FIELD_INODE).mask;
	close(self);
	return has;
}

/* Once it is reaped its number says nothing any more. A procfd has kept its usage. */
static void only_what_is_left(int fd, int dir, uint64_t kept)
{
	const uint64_t may = PROC_FIELD_EXIT | PROC_FIELD_INODE | PROC_FIELD_COREDUMP | kept;
	struct procfd_info i;
	if (!kept && !inode_field()) {
		/* Before 6.9 a pidfd of a reaped process says nothing at all. */
		CHECK_ERR(process_info(fd, PROC_INFO, EVERY_FIELD, &i, sizeof i), ESRCH);
	} else {
		i = some_of(fd, EVERY_FIELD);
		CHECK_EQ(i.mask & ~may, 0);
		CHECK(!i.pid && !i.state && !i.comm[0] && !i.start_boot_ns && !i.cpu_ns && !i.threads);
	}
	for (uint64_t bit = 1; bit <= PROC_FIELD_PERSONALITY; bit <<= 1) {
		struct procfd_info none;
		if ((BY_NUMBER | PROC_FIELD_IDS | PROC_FIELD_CREDS | PROC_FIELD_CGROUP_ID) & ~kept & bit)
			CHECK_ERR(process_info(fd, PROC_INFO, bit, &none, sizeof none), ESRCH);
		if (dir >= 0)
			CHECK_ERR(process_info(dir, PROC_INFO, bit, &none, sizeof none), ESRCH);
	}
	struct procfd_info none;
	CHECK_ERR(process_info(fd, PROC_INFO, BY_NUMBER & ~kept, &none, sizeof none), ESRCH);
}

static void a_reaped_process(void)
{
	char path[64];
	struct kid k = kid(run_stay);
	int pidfd = process_info(k.fd, PROC_INFO_PIDFD, 0, NULL, 0);
	snprintf(path, sizeof path, "/proc/%d", k.pid);
	int dir = open(path, O_DIRECTORY | O_CLOEXEC);
	done(&k);
	uint64_t has_inode = inode_field(), inode = some_of(k.fd, PROC_FIELD_INODE).inode;
	let(&k);
	expect_exit(k.fd, 0);
	only_what_is_left(k.fd, dir, PROC_FIELD_USAGE);
	only_what_is_left(pidfd, dir, 0);
	if (has_inode) {
		CHECK_EQ(some_of(pidfd, PROC_FIELD_INODE).inode, inode);
		struct procfd_info i = some_of(pidfd, PROC_FIELD_EXIT | PROC_FIELD_STATE | PROC_FIELD_INODE);
		if (i.mask & PROC_FIELD_EXIT)
			CHECK(i.exit_what == PROC_EXITED && i.exit_status == 0);
	}
	close(dir);
	close(pidfd);
	close(k.told);
	close(k.let);
	close(k.fd);
}

/* ---- the wrong /proc, or none ---- */

static struct procfd_snapshot everybody(void)
{
	return (struct procfd_snapshot){ .scope = PROC_SNAPSHOT_ALL };
}

/* Of itself, and of a process that it was given. */
static void nothing_by_proc(int given, int why)
{
	int self = sys_pidfd_open(getpid());
	absent(self, BY_NUMBER & ~BY_CALL);
	absent(given, BY_NUMBER & ~BY_CALL);
	ALL_OF(self, PROC_FIELD_IDS | PROC_FIELD_CREDS | PROC_FIELD_CPU | PROC_FIELD_IOPRIO);
	struct procfd_snapshot s = everybody();
	CHECK_ERR(process_info(-1, PROC_SNAPSHOT, PROC_FIELD_STATE, &s, sizeof s), why);
	close(self);
}

static void hidden_proc(void *arg)
{
	new_namespaces(CLONE_NEWNS);
	CHECK_EQ(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	CHECK_EQ(mount("none", "/proc", "tmpfs", 0, NULL), 0);
	nothing_by_proc(*(int *)arg, ENOENT);
	CHECK_EQ(umount2("/proc", MNT_DETACH), 0);
	ALL_OF(*(int *)arg, OF_STAT); /* it has not given up */
	/* From now on it has its own, whatever is mounted there. */
	CHECK_EQ(mount("none", "/proc", "tmpfs", 0, NULL), 0);
	ALL_OF(*(int *)arg, OF_STAT);
}

static void empty_root(void *arg)
{
	new_namespaces(CLONE_NEWNS);
	CHECK_EQ(chroot(getenv("KID_DIR")), 0);
	CHECK_EQ(chdir("/"), 0);
	nothing_by_proc(*(int *)arg, ENOENT);
}

static void no_proc(void)
{
	NEED_UNSHARE(CLONE_NEWNS);
	struct kid k = kid(run_stay);
	done(&k);
	in_fork(hidden_proc, &k.fd);
	char *dir = make_dir();
	setenv("KID_DIR", dir, 1);
	in_fork(empty_root, &k.fd);
	remove_tree(dir);
	gone(&k);
}

static int outer;

static void in_another_pid_namespace(void)
{
	/* Here 1 is the caller, and in the /proc that it sees it is another process. */
	CHECK_EQ(getpid(), 1);
	nothing_by_proc(outer, EREMOTE);
	/* A process that has no number here. */
	absent(outer, EVERY_FIELD & ~(PROC_FIELD_INODE | PROC_FIELD_EXIT));
	CHECK_EQ(process_info(outer, PROC_INFO_STATE, 0, NULL, 0), PROC_STATE_RUNNING);
}

static void proc_of_another_pid_namespace(void)
{
	NEED_UNSHARE(CLONE_NEWPID);
	outer = sys_pidfd_open(getpid());
	ALL_OF(outer, OF_STAT);
	int fd = ctx();
	SET(fd, PROC_SET_FLAG, CLONE_NEWPID | (geteuid() ? CLONE_NEWUSER : 0));
	struct kid k = kid_on(fd, in_another_pid_namespace);
	ended(&k);
	close(outer);
}

struct clone3_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
		set_tid_size, cgroup;
};

/* A fork that the C library does not hear of; with the number that is wanted, or any. */
static pid_t raw_fork(uint64_t flags, pid_t number, int *pidfd)
{
	struct clone3_args a = { .flags = flags, .exit_signal = SIGCHLD };
	if (number) {
		a.set_tid = (uint64_t)(uintptr_t)&number;
		a.set_tid_size = 1;
	}
	if (pidfd) {
		a.flags |= CLONE_PIDFD;
		a.pidfd = (uint64_t)(uintptr_t)pidfd;
	}
	return (pid_t)syscall(SYS_clone3, &a, sizeof a);
}

/* The /proc that the library has kept is of the namespace in which that was made. */
static void a_raw_fork_into_a_pid_namespace(void)
{
	NEED_UNSHARE(CLONE_NEWPID);
	outer = sys_pidfd_open(getpid());
	ALL_OF(outer, OF_STAT);
	pid_t pid = raw_fork(CLONE_NEWPID | (geteuid() ? CLONE_NEWUSER : 0), 0, NULL);
	CHECK(pid >= 0);
	if (pid == 0) {
		alarm(CHILD_LIFE);
		in_another_pid_namespace();
		_exit(0);
	}
	expect_status(pid, 0);
	close(outer);
}

static void as_nobody_with_hidepid(void *arg)
{
	(void)arg;
	new_namespaces(CLONE_NEWNS);
	CHECK_EQ(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	CHECK_EQ(mount("proc", "/proc", "proc", 0, "hidepid=invisible"), 0);
	become_nobody();
	int fd = sys_pidfd_open(1), self = sys_pidfd_open(getpid());
	ALL_OF(fd, PROC_FIELD_IDS | PROC_FIELD_CREDS);
	absent(fd, BY_NUMBER & ~BY_CALL);
	ALL_OF(self, OF_STAT | OF_STATUS);
	struct procfd_info e[64];
	struct procfd_snapshot s = { .scope = PROC_SNAPSHOT_ALL, .entries = e,
				     .entry_size = sizeof *e, .room = 64 };
	int n = process_info(-1, PROC_SNAPSHOT, PROC_FIELD_COMM, &s, sizeof s);
	CHECK(n >= 1);
	for (int i = 0; i < n; i++)
		CHECK(e[i].pid != 1);
}

static void hidepid(void)
{
	NEED_ROOT();
	NEED_UNSHARE(CLONE_NEWNS);
	in_fork(as_nobody_with_hidepid, NULL);
}

/* ---- sizes ---- */

#define LAST_OF(bit, field) { bit, offsetof(struct procfd_info, field) + sizeof((struct procfd_info){ 0 }.field) }

static const struct {
	uint64_t bit;
	size_t end;
} ends[] = {
	LAST_OF(PROC_FIELD_INODE, inode), LAST_OF(PROC_FIELD_CGROUP_ID, cgroup_id),
	LAST_OF(PROC_FIELD_IDS, ppid), LAST_OF(PROC_FIELD_CREDS, fsgid),
	LAST_OF(PROC_FIELD_STATE, task_flags), LAST_OF(PROC_FIELD_START, start_real_ns),
	LAST_OF(PROC_FIELD_MEMORY, mem_resident), LAST_OF(PROC_FIELD_COMM, comm),
	LAST_OF(PROC_FIELD_CPU, cpu_ns), LAST_OF(PROC_FIELD_THREADS, threads),
	LAST_OF(PROC_FIELD_JOB, tty), LAST_OF(PROC_FIELD_FAULTS, children_majflt),
	LAST_OF(PROC_FIELD_SCHED, processor), LAST_OF(PROC_FIELD_TRACER, tracer),
	LAST_OF(PROC_FIELD_TIMES, block_io_ns), LAST_OF(PROC_FIELD_SIGNALS, sig_queue_limit),
	LAST_OF(PROC_FIELD_SECURITY, seccomp_filters), LAST_OF(PROC_FIELD_OOM, oom_score),
	LAST_OF(PROC_FIELD_FDS, fd_limit), LAST_OF(PROC_FIELD_NAMESPACES, ns_uts_id),
	LAST_OF(PROC_FIELD_USAGE, usage), LAST_OF(PROC_FIELD_LIMITS, limits),
};

static void sizes(void)
{
	static unsigned char raw[5000];
	uint64_t asked = 0;
	struct procfd_info whole;
	for (size_t n = 0; n < sizeof ends / sizeof *ends; n++)
		asked |= ends[n].bit;
	struct kid k = kid(run_stay);
	done(&k);
	whole = ALL_OF(k.fd, asked);
	for (size_t size = 0; size < 8; size++)
		CHECK_ERR(process_info(k.fd, PROC_INFO, asked, raw, size), EINVAL);
	for (size_t size = 8; size <= sizeof whole + 40; size++) {
		unsigned char *at = raw + 1 + size % 7; /* of no alignment */
		uint64_t mask;
		memset(raw, 0x55, sizeof raw);
		CHECK_EQ(process_info(k.fd, PROC_INFO, asked, at, size), 0);
		CHECK(at[-1] == 0x55 && at[size] == 0x55);
		memcpy(&mask, at, 8);
		for (size_t n = 0; n < sizeof ends / sizeof *ends; n++)
			if (!!(mask & ends[n].bit) != (ends[n].end <= size))
				FAIL("size %zu: group %#llx, which ends at %zu, is %s", size,
				     (unsigned long long)ends[n].bit, ends[n].end,
				     mask & ends[n].bit ? "there" : "absent");
		for (size_t n = sizeof whole; n < size; n++)
			CHECK_EQ(at[n], 0);
	}
	CHECK_EQ(process_info(k.fd, PROC_INFO, asked, raw, 4096), 0);
	CHECK_ERR(process_info(k.fd, PROC_INFO, asked, raw, 4097), E2BIG);
	CHECK_ERR(process_info(k.fd, PROC_INFO, asked, raw, (size_t)-1), E2BIG);
	CHECK_ERR(process_info(k.fd, PROC_INFO, asked, NULL, sizeof whole), EFAULT);
	CHECK_ERR(process_info(k.fd, PROC_INFO, asked, (void *)8, sizeof whole), EFAULT);
	for (uint64_t bit = PROC_FIELD_PERSONALITY << 1; bit; bit <<= 1)
		CHECK_ERR(process_info(k.fd, PROC_INFO, asked | bit, raw, sizeof whole), EINVAL);
	/* Nothing asked is nothing told. */
	memset(raw, 0x55, sizeof raw);
	CHECK_EQ(process_info(k.fd, PROC_INFO, 0, raw, sizeof whole), 0);
	for (size_t n = 0; n < sizeof whole; n++)
		CHECK_EQ(raw[n], 0);
	int none = ctx();
	CHECK_ERR(process_info(none, PROC_INFO, asked, &whole, sizeof whole), ESRCH);
	close(none);
	gone(&k);
}

/* ---- never another's ---- */

#define LIVES 400

static int lives[LIVES];
static atomic_int latest = -1, stop_asking, wrong;

/* All fields of the latest, and of one before it. */
static void *thread_asks(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	while (!stop_asking) {
		int n = latest;
		if (n < 0)
			continue;
		if (seed++ % 3 == 0)
			n = (int)(seed * 7919u % (unsigned)(n + 1));
		struct procfd_info i;
		char want[16];
		uint64_t mask = seed & 1 ? EVERY_FIELD : OF_STAT | PROC_FIELD_UMASK | PROC_FIELD_IDS;
		snprintf(want, sizeof want, "life %d", n);
		int r = process_info(lives[n], PROC_INFO, mask, &i, sizeof i);
		if (r < 0) {
			if (errno != ESRCH) {
				wrong++;
				diag("errno %d", errno);
			}
			continue;
		}
		int bad = 0;
		if (i.mask & PROC_FIELD_COMM)
			bad |= strcmp(i.comm, want) != 0;
		if (i.mask & PROC_FIELD_IDS)
			bad |= i.ppid != (uint32_t)getpid() || i.pid == 0;
		if (i.mask & PROC_FIELD_THREADS)
			bad |= (i.threads != 1) << 2;
		if (i.mask & PROC_FIELD_JOB)
			bad |= (i.sid != (uint32_t)getsid(0)) << 3;
		if (i.mask & PROC_FIELD_UMASK)
			bad |= (i.umask != ((uint32_t)n & 0777)) << 4;
		if (i.mask & PROC_FIELD_SIGNALS)
			bad |= (i.sig_queue_limit == 0) << 5;
		if (i.mask & PROC_FIELD_LIMITS)
			bad |= (i.limits[RLIMIT_CORE].soft != 0) << 6;
		if (!bad)
			continue;
		wrong++;
		diag("asked \"%s\" for %#llx: %#x: pid %u, ppid %u, \"%s\", threads %u, "
				      "sid %u, umask %o, mask %#llx", want, (unsigned long long)mask, bad,
				      i.pid, i.ppid, i.comm, i.threads, i.sid, i.umask,
				      (unsigned long long)i.mask);
	}
	return NULL;
}

/* One process after another, each known by its name; with `number` all under the same. */
static void many_lives(pid_t number)
{
	struct rlimit none = { 0, 0 };
	pthread_t t[2];
	setrlimit(RLIMIT_CORE, &none);
	latest = -1;
	for (uintptr_t n = 0; n < 2; n++)
		CHECK_EQ(pthread_create(&t[n], NULL, thread_asks, (void *)n), 0);
	for (int n = 0; n < LIVES && !wrong; n++) {
		char name[16];
		snprintf(name, sizeof name, "life %d", n);
		prctl(PR_SET_NAME, name);
		umask((mode_t)n & 0777);
		pid_t pid = raw_fork(0, number, &lives[n]);
		CHECK(pid >= 0);
		if (pid == 0)
			for (;;)
				pause();
		CHECK(!number || pid == number);
		latest = n;
		usleep((useconds_t)(n * 37 % 1500));
		kill(pid, SIGKILL);
		CHECK_EQ(waitpid(pid, NULL, 0), pid);
	}
	stop_asking = 1;
	for (int n = 0; n < 2; n++)
		pthread_join(t[n], NULL);
	CHECK_EQ(wrong, 0);
	for (int n = 0; n <= latest; n++)
		close(lives[n]);
}

static void many_short_lives(void)
{
	many_lives(0);
}

/* In the init of a pid namespace, with its own /proc. */
static void own_proc(void)
{
	CHECK_EQ(getpid(), 1);
	CHECK_EQ(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	if (mount("proc", "/proc", "proc", 0, NULL))
		_exit(TAP_SKIPPED);
}

#define NUMBER 77

static pid_t second_life(const char *name, int *pidfd)
{
	prctl(PR_SET_NAME, name);
	pid_t pid = raw_fork(0, NUMBER, pidfd);
	CHECK_EQ(pid < 0 ? -errno : pid == 0 || pid == NUMBER, 1);
	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static struct procfd_info entry_of_number(uint64_t mask)
{
	struct procfd_info e[16], found = { 0 };
	struct procfd_snapshot s = { .scope = PROC_SNAPSHOT_ALL, .flags = PROC_SNAPSHOT_KEEP,
				     .entries = e, .entry_size = sizeof *e, .room = 16 };
	int n = process_info(-1, PROC_SNAPSHOT, mask, &s, sizeof s), seen = 0;
	CHECK(n >= 1);
	for (int i = 0; i < n; i++)
		if (e[i].pid == NUMBER)
			found = e[i], seen++;
	CHECK_EQ(seen, 1);
	return found;
}

static void recycled(void)
{
	own_proc();
	const uint64_t by_stat = OF_STAT | PROC_FIELD_MEMORY | PROC_FIELD_IDS,
		       by_more = by_stat | PROC_FIELD_UMASK | PROC_FIELD_CPU | inode_field();
	for (int kind = 0; kind < 2; kind++) {
		uint64_t mask = kind ? by_more : by_stat;
		int first, second;
		second_life("first", &first);
		int dir = open("/proc/77", O_DIRECTORY | O_CLOEXEC);
		struct procfd_info a = ALL_OF(first, mask), kept = entry_of_number(mask);
		CHECK_STR(a.comm, "first");
		CHECK_STR(kept.comm, "first");
		CHECK_EQ(kept.start_boot_ns, a.start_boot_ns);
		usleep(30000); /* another start by the clock's grain */
		kill(NUMBER, SIGKILL);
		CHECK_EQ(waitpid(NUMBER, NULL, 0), NUMBER);
		umask(033);
		second_life("second", &second);
		only_what_is_left(first, dir, 0);
		struct procfd_info b = ALL_OF(second, mask);
		CHECK_STR(b.comm, "second");
		CHECK(b.start_boot_ns > a.start_boot_ns);
		kept = entry_of_number(mask);
		CHECK_STR(kept.comm, "second");
		CHECK_EQ(kept.start_boot_ns, b.start_boot_ns);
		if (kind)
			CHECK(kept.inode == b.inode && (!b.inode || kept.inode != a.inode) && kept.umask == 033);
		only_what_is_left(first, dir, 0);
		kill(NUMBER, SIGKILL);
		CHECK_EQ(waitpid(NUMBER, NULL, 0), NUMBER);
		close(first);
		close(second);
		close(dir);
	}
	many_lives(NUMBER);
}

static void a_recycled_number(void)
{
	NEED_UNSHARE(CLONE_NEWPID | CLONE_NEWNS);
	int fd = ctx();
	SET(fd, PROC_SET_FLAG, CLONE_NEWPID | CLONE_NEWNS | (geteuid() ? CLONE_NEWUSER : 0));
	struct kid k = kid_on(fd, recycled);
	struct procfd_wait w = { .timeout_ns = 50 * SECOND };
	CHECK_EQ(process_manage(fd, PROC_WAIT, 0, &w, sizeof w), 0);
	close(k.told);
	close(k.let);
	close(fd);
	if (w.what == PROC_EXITED && w.status == TAP_SKIPPED)
		SKIP("no /proc may be mounted here");
	CHECK(w.what == PROC_EXITED && w.status == 0);
}

/* ---- it changes while it is asked ---- */

static void run_renames(void)
{
	stay();
	for (;;) {
		prctl(PR_SET_NAME, "aaaaaaaaaaaaaaa");
		prctl(PR_SET_NAME, ") ) ) ) ) ) ) )");
	}
}

static void a_name_that_changes(void)
{
	struct kid k = kid(run_renames);
	done(&k);
	let(&k);
	UNTIL(strchr("a)", ALL_OF(k.fd, PROC_FIELD_COMM).comm[0]));
	for (int n = 0; n < 20000; n++) {
		struct procfd_info i = ALL_OF(k.fd, PROC_FIELD_COMM | PROC_FIELD_JOB | PROC_FIELD_THREADS |
							    PROC_FIELD_STATE);
		CHECK(strspn(i.comm, "a )") == strlen(i.comm));
		CHECK(i.threads == 1 && i.sid == (uint32_t)getsid(0) && i.state == 'R');
	}
	gone(&k);
}

static void *thread_executes(void *left)
{
	char *argv[] = { (char *)"again", (char *)"--again", left, NULL };
	execv("/proc/self/exe", argv);
	_exit(89);
}

/* Executes itself, from another thread than the leading one, so many times. */
static int again(const char *count)
{
	static char left[16];
	int n = atoi(count);
	alarm(CHILD_LIFE);
	umask(0123);
	if (n == 0)
		for (;;)
			pause();
	snprintf(left, sizeof left, "%d", n - 1);
	pthread_t t;
	pthread_create(&t, NULL, thread_executes, left);
	for (;;)
		pause();
	return 0;
}

static void threads_that_execute(void)
{
	int fd = ctx();
	set_program(fd, self_path, "--again", "300", (char *)NULL);
	pid_t pid = create(fd);
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	const uint64_t inode = inode_field();
	struct procfd_info first = ALL_OF(fd, PROC_FIELD_IDS | inode | PROC_FIELD_START);
	for (int n = 0; n < 4000; n++) {
		uint64_t mask = n % 4 ? OF_STAT | PROC_FIELD_IDS | PROC_FIELD_EXIT | inode :
					EVERY_FIELD;
		struct procfd_info i = some_of(n & 8 ? fd : pidfd, mask);
		if (n % 4 ? (i.mask | PROC_FIELD_EXIT) != mask : !(i.mask & PROC_FIELD_STATE))
			FAIL("round %d: only %#llx", n, (unsigned long long)i.mask);
		if (i.pid != (uint32_t)pid || i.ppid != (uint32_t)getpid() || i.inode != first.inode ||
		    i.start_boot_ns != first.start_boot_ns || i.threads < 1 || i.threads > 2 ||
		    i.sid != (uint32_t)getsid(0) || i.state == 'Z' || i.state == 'X' || !i.comm[0] ||
		    i.mask & PROC_FIELD_EXIT)
			FAIL("round %d: pid %u, ppid %u, threads %u, sid %u, state %c, \"%s\", mask %#llx",
			     n, i.pid, i.ppid, i.threads, i.sid, (char)i.state, i.comm,
			     (unsigned long long)i.mask);
		if (i.mask & PROC_FIELD_NS_PID)
			CHECK_EQ(i.ns_pid, pid);
		if (i.mask & PROC_FIELD_NAMESPACES)
			CHECK(i.ns_mnt_id && i.ns_net_id && i.ns_user_id);
		if (i.mask & PROC_FIELD_SIGNALS)
			CHECK(i.sig_queue_limit);
	}
	close(pidfd);
	finish(fd);
}

int main(int argc, char **argv)
{
	static const struct tap_case cases[] = {
		CASE(a_kernel_thread), CASE(a_process_of_another_user), CASE(a_zombie),
		CASE(a_reaped_process), CASE(no_proc), CASE(proc_of_another_pid_namespace),
		CASE(a_raw_fork_into_a_pid_namespace), CASE(hidepid), CASE(sizes),
		CASE(many_short_lives), CASE(a_recycled_number), CASE(a_name_that_changes),
		CASE(threads_that_execute),
	};
	if (argc > 2 && !strcmp(argv[1], "--again"))
		return again(argv[2]);
	if (argc > 1 && !strcmp(argv[1], "--child"))
		return child_main(argc, argv);
	find_self();
	return tap_main(argc, argv, cases, (int)(sizeof cases / sizeof *cases));
}

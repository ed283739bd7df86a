// SPDX-License-Identifier: MIT OR Apache-2.0
/* Each field of PROC_INFO, against what the process was made to be or says of itself by a system call. */
#include "util.h"

#include "kid.h"

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#define MIB (1ULL << 20)
#define TICK 10000000ULL

static uint64_t clock_of(int id)
{
	struct timespec ts;
	CHECK_EQ(clock_gettime(id, &ts), 0);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

static uint64_t ns_of(struct timeval tv)
{
	return (uint64_t)tv.tv_sec * SECOND + (uint64_t)tv.tv_usec * 1000;
}

#define BETWEEN(low, x, high)                                                                  \
	do {                                                                                   \
		unsigned long long lo_ = (low), x_ = (x), hi_ = (high);                        \
		if (x_ < lo_ || x_ > hi_)                                                      \
			FAIL("%s is %llu, wanted %s %llu to %s %llu", #x, x_, #low, lo_, #high, hi_); \
	} while (0)

static void run_stay(void)
{
	stay();
}

/* ---- name and state ---- */

static const char *const names[] = {
	"plain", "a b", ") R 1 2 3 (", "x\ny", "((((", "))))", "", " ", "\n", "\\n\\", "\t\r",
	"fifteen bytes!!", "\xff\xfe\xc3\x28", ") Z 0 0 0 0 0 0", "State:\tZ\nPid:\t1",
};

static void run_names(void)
{
	for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
		prctl(PR_SET_NAME, names[n]);
		stay();
	}
}

static void comm(void)
{
	struct kid k = kid(run_names);
	for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
		char want[64] = "";
		memcpy(want, names[n], strnlen(names[n], 15));
		done(&k);
		struct procfd_info i = ALL_OF(k.fd, PROC_FIELD_COMM);
		if (memcmp(i.comm, want, sizeof want))
			FAIL("comm is \"%.64s\", wanted \"%s\"", i.comm, want);
		/* The name is no obstacle to what stands behind it. */
		i = ALL_OF(k.fd, PROC_FIELD_STATE | PROC_FIELD_JOB | PROC_FIELD_THREADS |
				 PROC_FIELD_UMASK | PROC_FIELD_NS_PID | PROC_FIELD_TRACER);
		CHECK_EQ(i.state, 'S');
		CHECK_EQ(i.sid, getsid(0));
		CHECK_EQ(i.threads, 1);
		CHECK_EQ(i.ns_pid, k.pid);
		CHECK_EQ(i.tracer, 0);
		let(&k);
	}
	ended(&k);
}

static void run_spin(void)
{
	stay();
	for (;;)
		__asm__ volatile("");
}

static void states(void)
{
	struct kid k = kid(run_spin);
	done(&k);
	CHECK_EQ(state_letter(k.fd), 'S');
	struct procfd_info i = ALL_OF(k.fd, PROC_FIELD_STATE);
	CHECK(i.task_flags & 0x40); /* PF_FORKNOEXEC */
	CHECK(!(i.task_flags & 0x200000));
	let(&k);
	UNTIL(state_letter(k.fd) == 'R');
	CHECK_EQ(kill(k.pid, SIGSTOP), 0);
	UNTIL(state_letter(k.fd) == 'T');
	CHECK_EQ(kill(k.pid, SIGCONT), 0);
	UNTIL(state_letter(k.fd) == 'R');
	CHECK_EQ(ptrace(PTRACE_SEIZE, k.pid, 0, 0), 0);
	CHECK_EQ(ALL_OF(k.fd, PROC_FIELD_TRACER).tracer, getpid());
	CHECK_EQ(ptrace(PTRACE_INTERRUPT, k.pid, 0, 0), 0);
	CHECK_EQ(waitpid(k.pid, NULL, __WALL), k.pid);
	CHECK_EQ(state_letter(k.fd), 't');
	CHECK_EQ(ptrace(PTRACE_DETACH, k.pid, 0, 0), 0);
	CHECK_EQ(ALL_OF(k.fd, PROC_FIELD_TRACER).tracer, 0);
	CHECK_EQ(kill(k.pid, SIGKILL), 0);
	int pidfd = process_info(k.fd, PROC_INFO_PIDFD, 0, NULL, 0);
	CHECK_ENDS(pidfd);
	CHECK_EQ(state_letter(k.fd), 'Z');
	/* It has left its namespaces, save for two. */
	i = some_of(k.fd, PROC_FIELD_NAMESPACES);
	int self = sys_pidfd_open(getpid());
	struct procfd_info own = some_of(self, PROC_FIELD_NAMESPACES);
	close(self);
	if (i.mask) {
		CHECK(i.ns_pid_id == own.ns_pid_id && i.ns_user_id == own.ns_user_id);
		CHECK(i.ns_mnt_id == 0 && i.ns_net_id == 0 && i.ns_time_id == 0);
	}
	close(pidfd);
	expect_killed(k.fd, SIGKILL);
	close(k.told);
	close(k.let);
	close(k.fd);
}

static void *thread_waits(void *arg)
{
	(void)arg;
	char c;
	while (read(kid_in, &c, 1) == 1)
		;
	_exit(0);
}

static void run_leader_exits(void)
{
	pthread_t t;
	stay();
	pthread_create(&t, NULL, thread_waits, NULL);
	pthread_exit(NULL);
}

static void a_leader_that_has_exited(void)
{
	/* What stands in the leader's own task alone, and goes with its memory and its files. */
	const uint64_t lost = PROC_FIELD_DUMPABLE | PROC_FIELD_COREDUMP |
			      PROC_FIELD_COREDUMP_FILTER | (geteuid() ? PROC_FIELD_IO : 0);
	struct kid k = kid(run_leader_exits);
	char path[64], text[256] = "";
	done(&k);
	struct procfd_info was = some_of(k.fd, EVERY_FIELD);
	uint64_t before = was.mask;
	let(&k);
	snprintf(path, sizeof path, "/proc/%d/task/%d/stat", k.pid, k.pid);
	UNTIL(({
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = read(fd, text, sizeof text - 1);
		close(fd);
		n > 0 && strstr(text, ") Z ");
	}));
	UNTIL(state_letter(k.fd) == 'S');
	struct procfd_info i = some_of(k.fd, EVERY_FIELD);
	if ((before & ~lost) & ~i.mask)
		FAIL("lost with the leader: %#llx", (unsigned long long)(before & ~i.mask));
	CHECK_EQ(i.state, 'S');
	CHECK_EQ(i.pid, k.pid);
	CHECK_EQ(i.ns_pid, k.pid);
	CHECK(i.mem_virtual > MIB && i.mem_resident > 4096 && i.mem_anon > 0);
	CHECK(i.fd_count >= 3 && i.mounts > 0 && i.ns_mnt_id > 0 && i.umask == (umask(022), 022U));
	CHECK(!(i.mask & PROC_FIELD_EXIT));
	/* The leader's own part in it counts still. */
	if (i.mask & PROC_FIELD_IO)
		CHECK(i.io_read_chars > was.io_read_chars && i.io_write_chars >= was.io_write_chars);
	CHECK(i.cpu_ns >= was.cpu_ns && i.minflt >= was.minflt && i.nvcsw >= was.nvcsw);
	/* One group at a time, as what is read for one must not lead the others. */
	for (uint64_t bit = 1; bit <= PROC_FIELD_PERSONALITY; bit <<= 1)
		if (before & bit & ~lost)
			ALL_OF(k.fd, bit);
	struct procfd_info ns = ALL_OF(k.fd, PROC_FIELD_NAMESPACES);
	CHECK(ns.ns_mnt_id == was.ns_mnt_id && ns.ns_net_id == was.ns_net_id);
	CHECK(i.ns_mnt_id == was.ns_mnt_id && i.ns_user_id == was.ns_user_id);
	CHECK_EQ(ALL_OF(k.fd, PROC_FIELD_MOUNTS).mounts, was.mounts);
	CHECK_EQ(ALL_OF(k.fd, PROC_FIELD_MEMORY_DETAIL).mem_private_data, i.mem_private_data);
	gone(&k);
}

/* ---- terminal, session, start ---- */

static void run_session(void)
{
	setsid();
	stay();
	int slave = open((const char *)getenv("KID_PTS"), O_RDWR | O_CLOEXEC | O_NOCTTY);
	ioctl(slave, TIOCSCTTY, 0);
	pid_t other = fork();
	if (other == 0) {
		setpgid(0, 0);
		for (;;)
			pause();
	}
	setpgid(other, other);
	signal(SIGTTOU, SIG_IGN);
	struct stat st;
	fstat(slave, &st);
	tcsetpgrp(slave, other);
	uint64_t truth[3] = { st.st_rdev, (uint64_t)tcgetpgrp(slave), (uint64_t)other };
	TELL(truth);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
}

static void job(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || grantpt(master) || unlockpt(master))
		SKIP("no terminals here");
	setenv("KID_PTS", ptsname(master), 1);
	struct kid k = kid(run_session), plain = kid(run_stay);
	done(&k);
	struct procfd_info i = ALL_OF(k.fd, PROC_FIELD_JOB);
	CHECK(i.pgid == (uint32_t)k.pid && i.sid == (uint32_t)k.pid && i.tty == 0 && i.tpgid == -1);
	let(&k);
	uint64_t truth[3];
	TOLD(&k, truth);
	i = ALL_OF(k.fd, PROC_FIELD_JOB);
	CHECK_EQ(i.tty, truth[0]);
	CHECK(i.tty != 0);
	CHECK_EQ(i.tpgid, truth[1]);
	CHECK_EQ(i.tpgid, truth[2]);
	done(&plain);
	i = ALL_OF(plain.fd, PROC_FIELD_JOB);
	CHECK_EQ(i.pgid, getpgid(plain.pid));
	CHECK_EQ(i.sid, getsid(plain.pid));
	gone(&plain);
	let(&k);
	ended(&k);
	close(master);
}

static void start(void)
{
	uint64_t before = clock_of(CLOCK_BOOTTIME);
	struct kid k = kid(run_stay);
	uint64_t after = clock_of(CLOCK_BOOTTIME);
	done(&k);
	uint64_t r1 = clock_of(CLOCK_REALTIME), b1 = clock_of(CLOCK_BOOTTIME);
	struct procfd_info i = ALL_OF(k.fd, PROC_FIELD_START);
	uint64_t b2 = clock_of(CLOCK_BOOTTIME), r2 = clock_of(CLOCK_REALTIME);
	BETWEEN(before - before % TICK, i.start_boot_ns, after);
	BETWEEN(r1 - b2, i.start_real_ns - i.start_boot_ns, r2 - b1);
	CHECK_EQ(ALL_OF(k.fd, PROC_FIELD_START).start_boot_ns, i.start_boot_ns);
	gone(&k);
}

/* ---- CPU time ---- */

/* Process CPU-time clocks of the caller: sampled user and system, sampled user. */
#define CLOCK_PROF ((clockid_t)-8)
#define CLOCK_VIRT ((clockid_t)-7)

static void burn(void)
{
	struct rusage ru;
	do {
		for (volatile int n = 0; n < 100000; n++)
			;
		getrusage(RUSAGE_SELF, &ru);
	} while (ns_of(ru.ru_utime) + ns_of(ru.ru_stime) < 50000000 ||
		 clock_of(CLOCK_PROF) < 50000000);
}

struct cpu {
	uint64_t exact, prof, virt, both;
};

static struct cpu own_cpu(void)
{
	struct rusage ru;
	getrusage(RUSAGE_SELF, &ru);
	return (struct cpu){ clock_of(CLOCK_PROCESS_CPUTIME_ID), clock_of(CLOCK_PROF),
			     clock_of(CLOCK_VIRT), ns_of(ru.ru_utime) + ns_of(ru.ru_stime) };
}

static void run_burn(void)
{
	struct cpu c;
	burn();
	c = own_cpu();
	TELL(c);
	c = own_cpu();
	TELL(c);
}

static void cpu_time(void)
{
	struct kid k = kid(run_burn);
	struct cpu low, high;
	TOLD(&k, low);
	struct procfd_info i = ALL_OF(k.fd, PROC_FIELD_TIMES | PROC_FIELD_CPU | PROC_FIELD_CPU_SPLIT);
	let(&k);
	TOLD(&k, high);
	BETWEEN(low.exact, i.cpu_ns, high.exact);
	BETWEEN(low.prof, i.cpu_user_ns + i.cpu_system_ns, high.prof);
	BETWEEN(low.virt, i.cpu_user_ns, high.virt);
	BETWEEN(low.both - 2 * TICK, i.user_ns + i.system_ns, high.both);
	CHECK(i.user_ns % TICK == 0 && i.system_ns % TICK == 0);
	CHECK(!i.children_user_ns && !i.children_system_ns && !i.guest_ns && !i.children_guest_ns);
	let(&k);
	ended(&k);
}

static void run_children(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		burn();
		_exit(0);
	}
	waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT);
	stay();
	waitpid(pid, NULL, 0);
	struct rusage ru;
	getrusage(RUSAGE_CHILDREN, &ru);
	uint64_t truth[4] = { ns_of(ru.ru_utime), ns_of(ru.ru_stime), (uint64_t)ru.ru_minflt,
			      (uint64_t)ru.ru_majflt };
	TELL(truth);
}

static void children_it_waited_for(void)
{
	struct kid k = kid(run_children);
	done(&k);
	struct procfd_info i = ALL_OF(k.fd, PROC_FIELD_TIMES | PROC_FIELD_FAULTS);
	CHECK(!i.children_user_ns && !i.children_system_ns && !i.children_minflt && !i.children_majflt);
	let(&k);
	uint64_t truth[4];
	TOLD(&k, truth);
	i = ALL_OF(k.fd, PROC_FIELD_TIMES | PROC_FIELD_FAULTS);
	CHECK_EQ(i.children_user_ns, truth[0] - truth[0] % TICK);
	CHECK_EQ(i.children_system_ns, truth[1] - truth[1] % TICK);
	CHECK(truth[0] + truth[1] >= 50000000);
	CHECK_EQ(i.children_minflt, truth[2]);
	CHECK_EQ(i.children_majflt, truth[3]);
	CHECK(truth[2] > 0);
	gone(&k);
}

/* ---- memory ---- */

static char *fresh(size_t size, int how)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, how | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		_exit(96);
	madvise(p, size, MADV_NOHUGEPAGE);
	for (size_t n = 0; n < size; n += 4096)
		p[n] = 1;
	return p;
}

static void run_faults(void)
{
	struct rusage ru;
	fresh(4 * MIB, MAP_PRIVATE);
	getrusage(RUSAGE_SELF, &ru);
	uint64_t truth[2] = { (uint64_t)ru.ru_minflt, (uint64_t)ru.ru_majflt };
	TELL(truth);
	getrusage(RUSAGE_SELF, &ru);
	truth[0] = (uint64_t)ru.ru_minflt;
	truth[1] = (uint64_t)ru.ru_majflt;
	TELL(truth);
}

static void faults(void)
{
	struct kid k = kid(run_faults);
	uint64_t low[2], high[2];
	TOLD(&k, low);
	struct procfd_info i = ALL_OF(k.fd, PROC_FIELD_FAULTS);
	let(&k);
	TOLD(&k, high);
	BETWEEN(low[0], i.minflt, high[0]);
	BETWEEN(low[1], i.majflt, high[1]);
	CHECK(i.minflt >= 1024);
	gone(&k);
}

static void run_memory(void)
{
	uint64_t page = 0;
	/* Whatever the first telling touches, it has touched. */
	TELL(page);
	char *p = fresh(64 * MIB, MAP_PRIVATE);
	TELL(page);
	munmap(p, 64 * MIB);
	TELL(page);
	fresh(8 * MIB, MAP_SHARED);
	TELL(page);
	p = mmap(NULL, 16 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	page = mlock(p, 16 * 4096) ? 0 : 16 * 4096;
	TELL(page);
}

/* Counters of pages may lag by some for each processor. */
#define LAG (4 * MIB)

static void memory(void)
{
	const uint64_t all = PROC_FIELD_MEMORY | PROC_FIELD_MEMORY_PARTS | PROC_FIELD_MEMORY_DETAIL;
	struct kid k = kid(run_memory);
	uint64_t told;
	TOLD(&k, told);
	struct procfd_info a = ALL_OF(k.fd, all);
	let(&k);
	TOLD(&k, told);
	struct procfd_info b = ALL_OF(k.fd, all);
	CHECK_EQ(b.mem_virtual - a.mem_virtual, 64 * MIB);
	CHECK_EQ(b.mem_private_data - a.mem_private_data, 64 * MIB);
	CHECK_EQ(b.mem_data - a.mem_data, 64 * MIB);
	CHECK_EQ(b.mem_data, b.mem_private_data + b.mem_stack);
	BETWEEN(64 * MIB - LAG, b.mem_resident - a.mem_resident, 64 * MIB + LAG);
	BETWEEN(64 * MIB - LAG, b.mem_anon + b.mem_swap - a.mem_anon, 64 * MIB + LAG);
	BETWEEN(b.mem_resident - LAG, b.mem_anon + b.mem_file + b.mem_shmem, b.mem_resident + LAG);
	BETWEEN(64 * MIB / 512, b.mem_page_tables - a.mem_page_tables, 64 * MIB / 256);
	CHECK(b.mem_stack >= 4096 && b.mem_lib > 0 && b.mem_pinned == 0 && b.mem_locked == 0);
	CHECK_EQ(b.mem_text, b.mem_exe);
	extern char __executable_start, etext;
	BETWEEN(4096, b.mem_text, (uint64_t)(&etext - &__executable_start) + 8192);
	let(&k);
	TOLD(&k, told);
	struct procfd_info c = ALL_OF(k.fd, all);
	CHECK_EQ(c.mem_virtual, a.mem_virtual);
	CHECK_EQ(c.mem_peak_virtual, b.mem_virtual);
	CHECK(c.mem_peak_resident + LAG >= b.mem_resident && c.mem_peak_resident >= 64 * MIB);
	CHECK(c.mem_resident + 32 * MIB < b.mem_resident);
	let(&k);
	TOLD(&k, told);
	struct procfd_info d = ALL_OF(k.fd, all);
	BETWEEN(8 * MIB - LAG, d.mem_shmem - c.mem_shmem, 8 * MIB + LAG);
	BETWEEN(8 * MIB - LAG, d.mem_shared - c.mem_shared, 8 * MIB + LAG);
	CHECK_EQ(d.mem_private_data, c.mem_private_data);
	let(&k);
	TOLD(&k, told);
	CHECK_EQ(ALL_OF(k.fd, all).mem_locked, told);
	gone(&k);
}

static void run_memory_set(void)
{
	fresh(16 * MIB, MAP_PRIVATE);
	stay();
	pid_t pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	stay();
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void memory_set(void)
{
	struct kid k = kid(run_memory_set);
	done(&k);
	struct procfd_info a = ALL_OF(k.fd, PROC_FIELD_MEMORY_SET | PROC_FIELD_MEMORY_DETAIL);
	if (a.mem_swapped)
		SKIP("this machine swaps right now");
	CHECK(a.mem_uss >= 16 * MIB);
	CHECK(a.mem_uss <= a.mem_pss);
	CHECK(a.mem_pss <= a.mem_peak_resident + LAG);
	CHECK(a.mem_swap_pss <= a.mem_swapped);
	let(&k);
	done(&k);
	/* With a copy of it each page is half its own. */
	struct procfd_info b = ALL_OF(k.fd, PROC_FIELD_MEMORY_SET);
	CHECK(b.mem_uss + 15 * MIB < a.mem_uss);
	BETWEEN(a.mem_pss / 4, b.mem_pss, a.mem_pss - 7 * MIB);
	let(&k);
	ended(&k);
}

/* ---- scheduling ---- */

static void run_sched(void)
{
	struct sched_param none = { 0 };
	nice(7);
	stay();
	sched_setscheduler(0, SCHED_BATCH, &none);
	stay();
	sched_setscheduler(0, SCHED_IDLE, &none);
	cpu_set_t all, one;
	sched_getaffinity(0, sizeof all, &all);
	uint64_t last = 0;
	for (uint64_t n = 0; n < CPU_SETSIZE; n++)
		if (CPU_ISSET(n, &all))
			last = n;
	CPU_ZERO(&one);
	CPU_SET(last, &one);
	sched_setaffinity(0, sizeof one, &one);
	TELL(last);
	struct sched_param ten = { .sched_priority = 10 };
	uint64_t got = sched_setscheduler(0, SCHED_FIFO, &ten) == 0;
	TELL(got);
}

static void scheduling(void)
{
	uint64_t told;
	struct kid k = kid(run_sched);
	done(&k);
	int base = getpriority(PRIO_PROCESS, 0);
	int want = base + 7 > 19 ? 19 : base + 7;
	struct procfd_info i = ALL_OF(k.fd, PROC_FIELD_SCHED);
	CHECK_EQ(i.nice, want);
	CHECK_EQ(i.priority, 20 + want);
	CHECK(i.policy == SCHED_OTHER && i.rt_priority == 0);
	let(&k);
	done(&k);
	i = ALL_OF(k.fd, PROC_FIELD_SCHED);
	CHECK(i.policy == SCHED_BATCH && i.nice == want);
	let(&k);
	TOLD(&k, told);
	i = ALL_OF(k.fd, PROC_FIELD_SCHED);
	CHECK_EQ(i.policy, SCHED_IDLE);
	CHECK_EQ(i.processor, told);
	let(&k);
	TOLD(&k, told);
	i = ALL_OF(k.fd, PROC_FIELD_SCHED);
	if (told)
		CHECK(i.policy == SCHED_FIFO && i.rt_priority == 10 && i.priority == -11);
	else
		CHECK(i.policy == SCHED_IDLE && i.rt_priority == 0);
	gone(&k);
}

static void *thread_sleeps(void *arg)
{
	char c;
	(void)arg;
	CHECK_EQ(read(kid_in, &c, 1), 1);
	return NULL;
}

static void run_threads(void)
{
	pthread_t t[3];
	for (int n = 0; n < 3; n++)
		pthread_create(&t[n], NULL, thread_sleeps, NULL);
	char c = 'k';
	tell_bytes(&c, 1);
	for (int n = 0; n < 3; n++)
		pthread_join(t[n], NULL);
	stay();
}

static void threads(void)
{
	struct kid k = kid(run_threads);
	done(&k);
	CHECK_EQ(ALL_OF(k.fd, PROC_FIELD_THREADS).threads, 4);
	for (int n = 0; n < 3; n++)
		let(&k);
	done(&k);
	UNTIL(ALL_OF(k.fd, PROC_FIELD_THREADS).threads == 1);
	gone(&k);
}

#define SWITCHERS 3
static struct rusage switched[SWITCHERS];
static atomic_int switchers_done;

static void *thread_switches(void *arg)
{
	for (int n = 0; n < 300; n++)
		usleep(1);
	getrusage(RUSAGE_THREAD, arg);
	switchers_done++;
	for (;;)
		pause();
	return NULL;
}

static void run_switches(void)
{
	pthread_t t;
	struct rusage ru;
	uint64_t sum[2] = { 0, 0 };
	for (int n = 0; n < SWITCHERS; n++)
		pthread_create(&t, NULL, thread_switches, &switched[n]);
	while (switchers_done < SWITCHERS)
		usleep(1000);
	getrusage(RUSAGE_THREAD, &ru);
	for (int n = 0; n < SWITCHERS; n++) {
		sum[0] += (uint64_t)switched[n].ru_nvcsw;
		sum[1] += (uint64_t)switched[n].ru_nivcsw;
	}
	sum[0] += (uint64_t)ru.ru_nvcsw;
	sum[1] += (uint64_t)ru.ru_nivcsw;
	TELL(sum);
	getrusage(RUSAGE_SELF, &ru);
	sum[0] = (uint64_t)ru.ru_nvcsw;
	sum[1] = (uint64_t)ru.ru_nivcsw;
	TELL(sum);
}

static void switches_and_run_delay_of_all_threads(void)
{
	struct kid k = kid(run_switches);
	uint64_t low[2], high[2];
	TOLD(&k, low);
	struct procfd_info i = ALL_OF(k.fd, PROC_FIELD_SWITCHES | PROC_FIELD_RUN_DELAY);
	let(&k);
	TOLD(&k, high);
	BETWEEN(low[0], i.nvcsw, high[0]);
	BETWEEN(low[1], i.nivcsw, high[1]);
	CHECK(low[0] >= SWITCHERS * 300);
	/* Each time it gave the processor up, it had been given one. */
	CHECK(i.run_slices >= low[0]);
	unsigned long long delay = 0, slices = 0;
	char path[64];
	UNTIL(state_letter(k.fd) == 'S');
	i = ALL_OF(k.fd, PROC_FIELD_RUN_DELAY);
	snprintf(path, sizeof path, "/proc/%d/task", k.pid);
	DIR *d = opendir(path);
	for (struct dirent *e; (e = readdir(d));) {
		char file[400];
		unsigned long long one[3];
		snprintf(file, sizeof file, "%s/%s/schedstat", path, e->d_name);
		FILE *f = e->d_name[0] == '.' ? NULL : fopen(file, "re");
		if (!f)
			continue;
		CHECK_EQ(fscanf(f, "%llu %llu %llu", one, one + 1, one + 2), 3);
		delay += one[1];
		slices += one[2];
		fclose(f);
	}
	closedir(d);
	CHECK_EQ(i.run_delay_ns, delay);
	CHECK_EQ(i.run_slices, slices);
	gone(&k);
}

/* ---- signals ---- */

static void handler(int sig)
{
	(void)sig;
}

static void run_signals(void)
{
	sigset_t set;
	struct rlimit l;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGRTMAX);
	sigaddset(&set, SIGRTMIN + 1);
	sigprocmask(SIG_SETMASK, &set, NULL);
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, handler);
	signal(SIGRTMAX, handler);
	getrlimit(RLIMIT_SIGPENDING, &l);
	l.rlim_cur = l.rlim_max < 1234 ? l.rlim_max : 1234;
	setrlimit(RLIMIT_SIGPENDING, &l);
	uint64_t truth[3] = { 0, 0, l.rlim_cur };
	for (int s = 1; s <= 64; s++) {
		struct { void *handler; unsigned long flags; void *restorer; unsigned long mask; } ksa;
		if (syscall(SYS_rt_sigaction, s, NULL, &ksa, 8) == 0 && ksa.handler)
			truth[ksa.handler != (void *)SIG_IGN] |= 1ULL << (s - 1);
	}
	TELL(truth);
	pthread_kill(pthread_self(), SIGUSR1);
	stay();
}

#define SIG(n) (1ULL << ((n) - 1))

static void signals(void)
{
	struct kid k = kid(run_signals);
	uint64_t truth[3];
	TOLD(&k, truth);
	struct procfd_info i = ALL_OF(k.fd, PROC_FIELD_SIGNALS);
	CHECK_EQ(i.sig_ignored, truth[0]);
	CHECK_EQ(i.sig_caught, truth[1]);
	CHECK_EQ(i.sig_queue_limit, truth[2]);
	CHECK(i.sig_ignored & SIG(SIGHUP));
	CHECK(i.sig_caught & SIG(64) && i.sig_caught & SIG(SIGTERM));
	CHECK_EQ(i.sig_blocked, SIG(SIGUSR1) | SIG(SIGUSR2) | SIG(64) | SIG(SIGRTMIN + 1));
	CHECK(!i.sig_pending_thread && !i.sig_pending_process);
	CHECK_EQ(kill(k.pid, SIGUSR2), 0);
	for (int n = 0; n < 3; n++)
		CHECK_EQ(sigqueue(k.pid, SIGRTMIN + 1, (union sigval){ .sival_int = n }), 0);
	CHECK_EQ(kill(k.pid, SIGRTMAX), 0);
	let(&k);
	done(&k);
	i = ALL_OF(k.fd, PROC_FIELD_SIGNALS);
	CHECK_EQ(i.sig_pending_process, SIG(SIGUSR2) | SIG(64) | SIG(SIGRTMIN + 1));
	CHECK_EQ(i.sig_pending_thread, SIG(SIGUSR1));
	CHECK(i.sig_queued >= 5); /* of the user: others may have some */
	gone(&k);
}

/* ---- privileges ---- */

struct sets {
	uint64_t inheritable, permitted, effective, bounding, ambient;
};

static struct sets own_caps(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];
	struct sets s = { 0 };
	syscall(SYS_capget, &h, d);
	s.inheritable = d[0].inheritable | (uint64_t)d[1].inheritable << 32;
	s.permitted = d[0].permitted | (uint64_t)d[1].permitted << 32;
	s.effective = d[0].effective | (uint64_t)d[1].effective << 32;
	for (int c = 0; c < 64; c++) {
		if (prctl(PR_CAPBSET_READ, c) == 1)
			s.bounding |= 1ULL << c;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, c, 0, 0) == 1)
			s.ambient |= 1ULL << c;
	}
	return s;
}

static void run_caps(void)
{
	struct sets s = own_caps();
	TELL(s);
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];
	prctl(PR_CAPBSET_DROP, CAP_MKNOD);
	syscall(SYS_capget, &h, d);
	d[0].permitted &= ~(1U << CAP_NET_RAW);
	d[0].effective &= ~(1U << CAP_NET_RAW | 1U << CAP_CHOWN);
	d[0].inheritable |= d[0].permitted & 1U << CAP_KILL;
	syscall(SYS_capset, &h, d);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0);
	s = own_caps();
	TELL(s);
	become_nobody();
	s = own_caps();
	TELL(s);
}

static void capabilities(void)
{
	struct kid k = kid(run_caps);
	for (int step = 0; step < 3; step++) {
		struct sets s;
		TOLD(&k, s);
		struct procfd_info i = ALL_OF(k.fd, PROC_FIELD_CAPS);
		CHECK_EQ(i.cap_inheritable, s.inheritable);
		CHECK_EQ(i.cap_permitted, s.permitted);
		CHECK_EQ(i.cap_effective, s.effective);
		CHECK_EQ(i.cap_bounding, s.bounding);
		CHECK_EQ(i.cap_ambient, s.ambient);
		if (geteuid() == 0 && step == 1)
			CHECK(i.cap_permitted != i.cap_effective && i.cap_inheritable && i.cap_ambient);
		if (step == 2)
			CHECK(!i.cap_effective);
		let(&k);
	}
	ended(&k);
}

static int filter_all_allowed(void)
{
	struct sock_filter f = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog p = { 1, &f };
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p);
}

static void run_security(void)
{
	uint64_t truth[2] = { (uint64_t)prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
			      (uint64_t)prctl(PR_GET_SECCOMP) };
	TELL(truth);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	stay();
	filter_all_allowed();
	filter_all_allowed();
	stay();
}

static void run_strict(void)
{
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	stay();
	for (;;)
		;
}

static void no_new_privs_and_seccomp(void)
{
	struct kid k = kid(run_security);
	uint64_t truth[2];
	TOLD(&k, truth);
	struct procfd_info a = ALL_OF(k.fd, PROC_FIELD_SECURITY), i;
	CHECK_EQ(a.no_new_privs, truth[0]);
	CHECK_EQ(a.seccomp, truth[1]);
	let(&k);
	done(&k);
	i = ALL_OF(k.fd, PROC_FIELD_SECURITY);
	CHECK(i.no_new_privs == 1 && i.seccomp == a.seccomp);
	let(&k);
	done(&k);
	i = ALL_OF(k.fd, PROC_FIELD_SECURITY);
	CHECK(i.no_new_privs == 1 && i.seccomp == 2);
	if (a.seccomp_filters != UINT32_MAX)
		CHECK_EQ(i.seccomp_filters, a.seccomp_filters + 2);
	gone(&k);
	if (a.seccomp == 0) {
		k = kid(run_strict);
		done(&k);
		CHECK_EQ(ALL_OF(k.fd, PROC_FIELD_SECURITY).seccomp, 1);
		gone(&k);
	}
}

static void run_settings(void)
{
	umask(0);
	prctl(PR_SET_DUMPABLE, 0);
	stay();
	umask(0751);
	prctl(PR_SET_DUMPABLE, 1);
	personality(ADDR_NO_RANDOMIZE | PER_LINUX32);
	int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);
	if (write(fd, "0x7b", 4) != 4)
		_exit(95);
	close(fd);
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (write(fd, "321", 3) != 3)
		_exit(94);
	close(fd);
	prctl(PR_SET_TIMERSLACK, 123456);
	syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 6);
	uint64_t truth[1] = { (uint64_t)personality(0xffffffff) };
	TELL(truth);
}

static int kernel_is_at_least(int major, int minor)
{
	struct utsname u;
	int a = 0, b = 0;
	CHECK_EQ(uname(&u), 0);
	CHECK_EQ(sscanf(u.release, "%d.%d", &a, &b), 2);
	return a > major || (a == major && b >= minor);
}

static void settings(void)
{
	struct kid k = kid(run_settings);
	done(&k);
	struct procfd_info i = some_of(k.fd, PROC_FIELD_UMASK | PROC_FIELD_DUMPABLE);
	CHECK(i.mask & PROC_FIELD_UMASK);
	CHECK_EQ(i.umask, 0);
	CHECK_EQ(i.dumpable, 0);
	if (kernel_is_at_least(6, 16))
		CHECK(i.mask & PROC_FIELD_DUMPABLE);
	let(&k);
	uint64_t truth[1];
	TOLD(&k, truth);
	CHECK_EQ(ALL_OF(k.fd, PROC_FIELD_UMASK).umask, 0751);
	i = some_of(k.fd, PROC_FIELD_DUMPABLE);
	if (kernel_is_at_least(6, 16))
		CHECK_EQ(i.mask, PROC_FIELD_DUMPABLE);
	CHECK_EQ(i.dumpable, i.mask ? 1 : 0);
	CHECK_EQ(ALL_OF(k.fd, PROC_FIELD_PERSONALITY).personality, truth[0]);
	CHECK(truth[0] & ADDR_NO_RANDOMIZE);
	CHECK_EQ(ALL_OF(k.fd, PROC_FIELD_COREDUMP_FILTER).coredump_filter, 0x7b);
	i = ALL_OF(k.fd, PROC_FIELD_OOM);
	CHECK_EQ(i.oom_score_adj, 321);
	BETWEEN(1, i.oom_score, 2000);
	CHECK_EQ(ALL_OF(k.fd, PROC_FIELD_IOPRIO).ioprio, 2 << 13 | 6);
	CHECK_EQ(syscall(SYS_ioprio_get, 1, k.pid), 2 << 13 | 6);
	if (geteuid() == 0)
		CHECK_EQ(ALL_OF(k.fd, PROC_FIELD_TIMER_SLACK).timer_slack_ns, 123456);
	else
		NONE_OF(k.fd, PROC_FIELD_TIMER_SLACK);
	gone(&k);
}

static void of_the_caller(void *arg)
{
	(void)arg;
	int self = sys_pidfd_open(getpid());
	if (geteuid() == 0)
		CHECK_EQ(prctl(PR_SET_SECUREBITS, 1 << 2 | 1 << 4), 0);
	CHECK_EQ(ALL_OF(self, PROC_FIELD_SECUREBITS).securebits, prctl(PR_GET_SECUREBITS));
	CHECK_EQ(prctl(PR_SET_TIMERSLACK, 777777), 0);
	CHECK_EQ(ALL_OF(self, PROC_FIELD_TIMER_SLACK).timer_slack_ns, 777777);
	struct kid k = kid(run_stay);
	done(&k);
	NONE_OF(k.fd, PROC_FIELD_SECUREBITS);
	gone(&k);
	struct rusage a, b;
	burn();
	getrusage(RUSAGE_SELF, &a);
	struct procfd_info i = ALL_OF(self, PROC_FIELD_USAGE);
	getrusage(RUSAGE_SELF, &b);
	CHECK_EQ(i.usage_known, PROC_USAGE_TIMES | PROC_USAGE_MAXRSS | PROC_USAGE_FAULTS |
				PROC_USAGE_BLOCKS | PROC_USAGE_SWITCHES);
	BETWEEN(ns_of(a.ru_utime), i.usage.utime_ns, ns_of(b.ru_utime));
	BETWEEN(ns_of(a.ru_stime), i.usage.stime_ns, ns_of(b.ru_stime));
	BETWEEN((uint64_t)a.ru_maxrss << 10, i.usage.maxrss, (uint64_t)b.ru_maxrss << 10);
	BETWEEN((uint64_t)a.ru_minflt, i.usage.minflt, (uint64_t)b.ru_minflt);
	BETWEEN((uint64_t)a.ru_majflt, i.usage.majflt, (uint64_t)b.ru_majflt);
	BETWEEN((uint64_t)a.ru_inblock, i.usage.inblock, (uint64_t)b.ru_inblock);
	BETWEEN((uint64_t)a.ru_oublock, i.usage.oublock, (uint64_t)b.ru_oublock);
	BETWEEN((uint64_t)a.ru_nvcsw, i.usage.nvcsw, (uint64_t)b.ru_nvcsw);
	BETWEEN((uint64_t)a.ru_nivcsw, i.usage.nivcsw, (uint64_t)b.ru_nivcsw);
	close(self);
}

static void the_caller_itself(void)
{
	in_fork(of_the_caller, NULL);
}

/* ---- usage of others ---- */

static void run_usage(void)
{
	struct rusage ru;
	fresh(8 * MIB, MAP_PRIVATE);
	burn();
	getrusage(RUSAGE_SELF, &ru);
	TELL(ru);
	getrusage(RUSAGE_SELF, &ru);
	TELL(ru);
	pid_t pid = fork();
	if (pid == 0) {
		burn();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void usage_of_a_child(void)
{
	const uint32_t live = PROC_USAGE_TIMES | PROC_USAGE_MAXRSS | PROC_USAGE_FAULTS |
			      PROC_USAGE_BLOCKS | PROC_USAGE_SWITCHES;
	struct kid k = kid(run_usage);
	struct rusage a, b, all;
	TOLD(&k, a);
	struct procfd_info i = ALL_OF(k.fd, PROC_FIELD_USAGE);
	let(&k);
	TOLD(&k, b);
	CHECK_EQ(i.usage_known, live);
	BETWEEN(ns_of(a.ru_utime) + ns_of(a.ru_stime) - 2 * TICK, i.usage.utime_ns + i.usage.stime_ns,
		ns_of(b.ru_utime) + ns_of(b.ru_stime));
	BETWEEN(((uint64_t)a.ru_maxrss << 10) - LAG, i.usage.maxrss, ((uint64_t)b.ru_maxrss << 10) + LAG);
	BETWEEN((uint64_t)a.ru_minflt, i.usage.minflt, (uint64_t)b.ru_minflt);
	BETWEEN((uint64_t)a.ru_inblock, i.usage.inblock, (uint64_t)b.ru_inblock);
	BETWEEN((uint64_t)a.ru_oublock, i.usage.oublock, (uint64_t)b.ru_oublock);
	BETWEEN((uint64_t)a.ru_nvcsw, i.usage.nvcsw, (uint64_t)b.ru_nvcsw);
	let(&k);
	int pidfd = process_info(k.fd, PROC_INFO_PIDFD, 0, NULL, 0);
	CHECK_ENDS(pidfd);
	i = ALL_OF(k.fd, PROC_FIELD_USAGE | PROC_FIELD_EXIT | PROC_FIELD_TIMES | PROC_FIELD_CPU);
	CHECK(i.exit_what == PROC_EXITED && i.exit_status == 0);
	CHECK_EQ(i.usage_known, live | PROC_USAGE_WITH_CHILDREN);
	siginfo_t si;
	CHECK_EQ(syscall(SYS_waitid, 3, pidfd, &si, WEXITED, &all), 0);
	CHECK_EQ(i.usage.utime_ns, ns_of(all.ru_utime));
	CHECK_EQ(i.usage.stime_ns, ns_of(all.ru_stime));
	CHECK_EQ(i.usage.maxrss, (uint64_t)all.ru_maxrss << 10);
	CHECK_EQ(i.usage.minflt, all.ru_minflt);
	CHECK_EQ(i.usage.majflt, all.ru_majflt);
	CHECK_EQ(i.usage.inblock, all.ru_inblock);
	CHECK_EQ(i.usage.oublock, all.ru_oublock);
	CHECK_EQ(i.usage.nvcsw, all.ru_nvcsw);
	CHECK_EQ(i.usage.nivcsw, all.ru_nivcsw);
	/* Without its children, which the usage counts in. */
	CHECK(i.cpu_ns + 50000000 <= i.usage.utime_ns + i.usage.stime_ns + 2000);
	close(pidfd);
	close(k.told);
	close(k.let);
	close(k.fd);
}

static void run_zombie(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		burn();
		_exit(33);
	}
	waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT);
	TELL(pid);
	struct rusage ru;
	wait4(pid, NULL, 0, &ru);
	TELL(ru);
}

static void usage_of_a_zombie_of_another_parent(void)
{
	struct kid k = kid(run_zombie);
	pid_t pid;
	TOLD(&k, pid);
	int pidfd = sys_pidfd_open(pid);
	CHECK(pidfd >= 0);
	struct procfd_info i = some_of(pidfd, PROC_FIELD_USAGE | PROC_FIELD_EXIT);
	CHECK(i.mask & PROC_FIELD_USAGE);
	CHECK((i.usage_known & (PROC_USAGE_TIMES | PROC_USAGE_FAULTS)) ==
	      (PROC_USAGE_TIMES | PROC_USAGE_FAULTS));
	CHECK(!(i.usage_known & (PROC_USAGE_MAXRSS | PROC_USAGE_WITH_CHILDREN)));
	CHECK_EQ(i.usage.maxrss, 0);
	if (i.mask & PROC_FIELD_EXIT)
		CHECK(i.exit_what == PROC_EXITED && i.exit_status == 33);
	struct rusage ru;
	let(&k);
	TOLD(&k, ru);
	CHECK_EQ(i.usage.minflt, ru.ru_minflt);
	CHECK_EQ(i.usage.majflt, ru.ru_majflt);
	CHECK_EQ(i.usage.utime_ns, ns_of(ru.ru_utime) - ns_of(ru.ru_utime) % TICK);
	CHECK_EQ(i.usage.stime_ns, ns_of(ru.ru_stime) - ns_of(ru.ru_stime) % TICK);
	close(pidfd);
	gone(&k);
}

/* ---- files, limits ---- */

static void run_io(void)
{
	char buf[4096], path[PATH_MAX];
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	snprintf(path, sizeof path, "%s/file", getenv("KID_DIR"));
	stay();
	for (int n = 0; n < 5; n++)
		CHECK_EQ(read(zero, buf, sizeof buf), sizeof buf);
	for (int n = 0; n < 3; n++)
		CHECK_EQ(write(null, buf, 1000), 1000);
	stay();
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	for (int n = 0; n < 4; n++)
		CHECK_EQ(write(fd, buf, sizeof buf), sizeof buf);
	struct rusage ru;
	getrusage(RUSAGE_SELF, &ru);
	uint64_t truth[2] = { (uint64_t)ru.ru_inblock * 512, (uint64_t)ru.ru_oublock * 512 };
	TELL(truth);
}

static void io_counters(void)
{
	char *dir = make_dir();
	setenv("KID_DIR", dir, 1);
	struct kid k = kid(run_io);
	done(&k);
	struct procfd_info a = ALL_OF(k.fd, PROC_FIELD_IO), b;
	let(&k);
	done(&k);
	b = ALL_OF(k.fd, PROC_FIELD_IO);
	/* And of the pipes: its permission, and that it is done. */
	CHECK_EQ(b.io_read_chars - a.io_read_chars, 5 * 4096 + 1);
	CHECK_EQ(b.io_read_calls - a.io_read_calls, 6);
	CHECK_EQ(b.io_write_chars - a.io_write_chars, 3 * 1000 + 1);
	CHECK_EQ(b.io_write_calls - a.io_write_calls, 4);
	let(&k);
	uint64_t truth[2];
	TOLD(&k, truth);
	b = ALL_OF(k.fd, PROC_FIELD_IO);
	CHECK_EQ(b.io_read_bytes, truth[0]);
	CHECK_EQ(b.io_write_bytes, truth[1]);
	gone(&k);
	remove_tree(dir);
}

static void run_limits(void)
{
	uint64_t truth[34];
	for (int r = 0; r < 16; r++) {
		struct rlimit l;
		getrlimit(r, &l);
		if (l.rlim_max == RLIM_INFINITY && r % 3)
			l = (struct rlimit){ (1ULL << 40) + (uint64_t)r, (1ULL << 41) + (uint64_t)r };
		else if (l.rlim_max != RLIM_INFINITY)
			l.rlim_cur = l.rlim_max / 2 + (uint64_t)r % (l.rlim_max / 4 + 1);
		setrlimit(r, &l);
	}
	dup2(kid_in, 300);
	for (int n = 0; n < 10; n++)
		dup(kid_in);
	for (int r = 0; r < 16; r++) {
		struct rlimit l;
		syscall(SYS_prlimit64, 0, r, NULL, &l);
		truth[2 * r] = l.rlim_cur;
		truth[2 * r + 1] = l.rlim_max;
	}
	truth[32] = 0;
	for (int fd = 0; fd < 4096; fd++)
		truth[32] += fcntl(fd, F_GETFD) >= 0;
	truth[33] = (uint64_t)getdtablesize();
	TELL(truth);
	syscall(SYS_close_range, 4U, (unsigned)(kid_in < kid_out ? kid_in : kid_out) - 1, 0U);
	close(300);
	truth[32] = 0;
	for (int fd = 0; fd < 4096; fd++)
		truth[32] += fcntl(fd, F_GETFD) >= 0;
	TELL(truth);
}

static void limits_and_descriptors(void)
{
	uint64_t truth[34];
	struct kid k = kid(run_limits);
	TOLD(&k, truth);
	struct procfd_info i = ALL_OF(k.fd, PROC_FIELD_LIMITS | PROC_FIELD_FDS);
	for (int r = 0; r < 16; r++)
		if (i.limits[r].soft != truth[2 * r] || i.limits[r].hard != truth[2 * r + 1])
			FAIL("limit %d: %llu %llu, wanted %llu %llu", r,
			     (unsigned long long)i.limits[r].soft, (unsigned long long)i.limits[r].hard,
			     (unsigned long long)truth[2 * r], (unsigned long long)truth[2 * r + 1]);
	CHECK_EQ(i.fd_limit, truth[2 * RLIMIT_NOFILE]);
	CHECK_EQ(i.fd_limit, truth[33]);
	CHECK_EQ(i.fd_count, truth[32]);
	BETWEEN(301, i.fd_table, 1 << 20);
	let(&k);
	TOLD(&k, truth);
	CHECK_EQ(ALL_OF(k.fd, PROC_FIELD_FDS).fd_count, truth[32]);
	gone(&k);
}

/* ---- namespaces ---- */

static const char *const kinds[10] = { "cgroup", "ipc", "mnt", "net", "pid", "pid_for_children",
				       "time", "time_for_children", "user", "uts" };

static void tell_namespaces(void)
{
	uint64_t truth[10] = { 0 };
	for (int n = 0; n < 10; n++) {
		char path[64];
		struct stat st;
		snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[n]);
		if (stat(path, &st) == 0)
			truth[n] = st.st_ino;
	}
	TELL(truth);
}

static void run_namespaces(void)
{
	tell_namespaces();
	new_namespaces(CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID |
		       CLONE_NEWUTS);
	tell_namespaces();
	if (unshare(CLONE_NEWTIME) && errno == EPERM)
		_exit(93);
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	tell_namespaces();
}

static void namespaces(void)
{
	NEED_UNSHARE(CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID |
		     CLONE_NEWUTS);
	struct kid k = kid(run_namespaces);
	uint64_t first[10] = { 0 };
	for (int step = 0; step < 3; step++) {
		uint64_t truth[10];
		TOLD(&k, truth);
		struct procfd_info i = ALL_OF(k.fd, PROC_FIELD_NAMESPACES);
		uint64_t got[10] = { i.ns_cgroup_id, i.ns_ipc_id, i.ns_mnt_id, i.ns_net_id,
				     i.ns_pid_id, i.ns_pid_for_children_id, i.ns_time_id,
				     i.ns_time_for_children_id, i.ns_user_id, i.ns_uts_id };
		for (int n = 0; n < 10; n++)
			if (got[n] != truth[n])
				FAIL("step %d: %s is %llu, wanted %llu", step, kinds[n],
				     (unsigned long long)got[n], (unsigned long long)truth[n]);
		if (step == 0)
			memcpy(first, truth, sizeof first);
		else
			CHECK(truth[1] != first[1] && truth[9] != first[9] && truth[4] == first[4]);
		if (step == 1)
			CHECK_EQ(truth[5], 0);
		let(&k);
	}
	ended(&k);
}

static void run_mounts(void)
{
	new_namespaces(CLONE_NEWNS);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		_exit(92);
	stay();
	for (int n = 0; n < 3; n++)
		if (mount("none", "/tmp", "tmpfs", 0, NULL))
			_exit(91);
	stay();
	umount2("/tmp", MNT_DETACH);
	stay();
}

static void mounts(void)
{
	NEED_UNSHARE(CLONE_NEWNS);
	struct kid k = kid(run_mounts);
	done(&k);
	uint32_t before = ALL_OF(k.fd, PROC_FIELD_MOUNTS).mounts;
	CHECK(before > 0);
	let(&k);
	done(&k);
	CHECK_EQ(ALL_OF(k.fd, PROC_FIELD_MOUNTS).mounts, before + 3);
	let(&k);
	done(&k);
	CHECK_EQ(ALL_OF(k.fd, PROC_FIELD_MOUNTS).mounts, before + 2);
	gone(&k);
}

static void run_inner(void)
{
	uint64_t truth[1] = { (uint64_t)getpid() };
	TELL(truth);
	/* A second child of the namespace, and a namespace in it. */
	int fd = ctx();
	SET(fd, PROC_SET_FLAG, CLONE_NEWPID);
	int s = atoi(getenv("KID_SOCKET")), pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	if (pid < 0)
		_exit(90);
	if (pid == 0)
		for (;;)
			pause();
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	send_fd(s, pidfd);
	truth[0] = (uint64_t)pid;
	TELL(truth);
}

static void in_pid_namespaces(void)
{
	NEED_UNSHARE(CLONE_NEWPID);
	int s[2], fd = ctx();
	char number[16];
	socket_pair(s);
	snprintf(number, sizeof number, "%d", s[1]);
	setenv("KID_SOCKET", number, 1);
	SET(fd, PROC_SET_FLAG, CLONE_NEWPID | (geteuid() ? CLONE_NEWUSER : 0));
	struct kid k = kid_on(fd, run_inner);
	uint64_t truth[1];
	TOLD(&k, truth);
	CHECK_EQ(truth[0], 1);
	struct procfd_info i = ALL_OF(fd, PROC_FIELD_NS_PID | PROC_FIELD_IDS);
	CHECK(i.ns_pid == 1 && i.ns_depth == 1 && i.pid == (uint32_t)k.pid);
	let(&k);
	int inner = recv_fd(s[0]);
	TOLD(&k, truth);
	CHECK(truth[0] > 1);
	i = ALL_OF(inner, PROC_FIELD_NS_PID | PROC_FIELD_IDS | PROC_FIELD_STATE);
	CHECK(i.ns_pid == 1 && i.ns_depth == 2 && i.ppid == (uint32_t)k.pid);
	int self = sys_pidfd_open(getpid());
	i = ALL_OF(self, PROC_FIELD_NS_PID);
	CHECK(i.ns_pid == (uint32_t)getpid() && i.ns_depth == 0);
	close(self);
	close(inner);
	close(s[0]);
	close(s[1]);
	gone(&k);
}

/* ---- what a kernel may lack ---- */

static void run_autogroup(void)
{
	setsid();
	int fd = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
	uint64_t is = fd >= 0;
	for (int n = 0; is && n < 5000; n++) {
		if (write(fd, "5", 1) == 1)
			break;
		is = errno == EAGAIN; /* only so many within a time */
		usleep(1000);
	}
	TELL(is);
}

static void autogroup(void)
{
	struct kid a = kid(run_autogroup), b = kid(run_autogroup);
	uint64_t is;
	TOLD(&a, is);
	TOLD(&b, is);
	struct procfd_info i = some_of(a.fd, PROC_FIELD_AUTOGROUP), j = some_of(b.fd, PROC_FIELD_AUTOGROUP);
	if (is) {
		CHECK(i.mask && j.mask);
		CHECK(i.autogroup_nice == 5 && j.autogroup_nice == 5);
		CHECK(i.autogroup && j.autogroup && i.autogroup != j.autogroup);
	} else {
		CHECK(!i.mask && !i.autogroup && !i.autogroup_nice);
	}
	gone(&a);
	gone(&b);
}

#ifndef PR_SCHED_CORE
#define PR_SCHED_CORE 62
#endif

static void run_core_sched(void)
{
	prctl(PR_SCHED_CORE, 1 /* CREATE */, 0, 1 /* the process */, 0);
	stay();
}

static void core_sched(void)
{
	struct kid k = kid(run_core_sched);
	done(&k);
	uint64_t cookie = 0;
	if (prctl(PR_SCHED_CORE, 0 /* GET */, k.pid, 0, &cookie))
		NONE_OF(k.fd, PROC_FIELD_CORE_SCHED);
	else
		CHECK_EQ(ALL_OF(k.fd, PROC_FIELD_CORE_SCHED).core_sched_cookie, cookie);
	gone(&k);
}

static void login(void)
{
	struct kid k = kid(run_stay);
	done(&k);
	char path[64], text[32] = "";
	snprintf(path, sizeof path, "/proc/%d/loginuid", k.pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
	close(fd);
	unsigned long uid = n > 0 ? strtoul(text, NULL, 10) : UINT32_MAX;
	if (uid == UINT32_MAX)
		NONE_OF(k.fd, PROC_FIELD_LOGIN);
	else
		CHECK_EQ(ALL_OF(k.fd, PROC_FIELD_LOGIN).loginuid, uid);
	gone(&k);
}

static void run_crash(void)
{
	struct rlimit l;
	getrlimit(RLIMIT_CORE, &l);
	l.rlim_cur = l.rlim_max;
	setrlimit(RLIMIT_CORE, &l);
	CHECK_EQ(chdir(getenv("KID_DIR")), 0);
	stay();
	signal(SIGABRT, SIG_DFL);
	raise(SIGABRT);
}

static void coredump(void)
{
	char *dir = make_dir();
	setenv("KID_DIR", dir, 1);
	struct kid k = kid(run_crash);
	done(&k);
	struct procfd_info i = some_of(k.fd, PROC_FIELD_COREDUMP);
	if (kernel_is_at_least(6, 16))
		CHECK(i.mask);
	CHECK(!i.coredump && !i.coredump_signal);
	let(&k);
	int pidfd = process_info(k.fd, PROC_INFO_PIDFD, 0, NULL, 0);
	CHECK_ENDS(pidfd);
	i = some_of(k.fd, PROC_FIELD_COREDUMP | PROC_FIELD_EXIT);
	siginfo_t si;
	CHECK_EQ(waitid(3, (id_t)pidfd, &si, WEXITED), 0);
	CHECK_EQ(si.si_status, SIGABRT);
	CHECK_EQ(i.exit_what, si.si_code == CLD_DUMPED ? PROC_DUMPED : PROC_KILLED);
	CHECK(i.mask & PROC_FIELD_COREDUMP);
	CHECK_EQ(i.coredump, si.si_code == CLD_DUMPED);
	CHECK(i.coredump_signal == 0 || (i.coredump_signal == SIGABRT && i.coredump));
	diag("the kernel says %s", si.si_code == CLD_DUMPED ? "dumped" : "not dumped");
	close(pidfd);
	close(k.told);
	close(k.let);
	close(k.fd);
	remove_tree(dir);
}

TAP_MAIN(CASE(comm), CASE(states), CASE(a_leader_that_has_exited), CASE(job), CASE(start),
	 CASE(cpu_time), CASE(children_it_waited_for), CASE(faults), CASE(memory), CASE(memory_set),
	 CASE(scheduling), CASE(threads), CASE(switches_and_run_delay_of_all_threads), CASE(signals),
	 CASE(capabilities), CASE(no_new_privs_and_seccomp), CASE(settings), CASE(the_caller_itself),
	 CASE(usage_of_a_child), CASE(usage_of_a_zombie_of_another_parent), CASE(io_counters),
	 CASE(limits_and_descriptors), CASE(namespaces), CASE(mounts), CASE(in_pid_namespaces),
	 CASE(autogroup), CASE(core_sched), CASE(login), CASE(coredump))

// SPDX-License-Identifier: MIT OR Apache-2.0
/* PROC_INFO: name, state, times and usage, each against what the process says of itself. */
#include "util.h"

#include "kid.h"

#include <sys/ioctl.h>
#include <sys/ptrace.h>

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
	mode_t own = umask(022);
	umask(own);
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
	CHECK(i.fd_count >= 3 && i.mounts > 0 && i.ns_mnt_id > 0);
	CHECK_EQ(i.umask, own);
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
	CHECK(i.policy == (uint32_t)sched_getscheduler(0) && i.rt_priority == 0);
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
	/* In the emulation a timer may have expired before its sleep begins. */
	CHECK(low[0] >= SWITCHERS * (tap_factor > 1 ? 1 : 300));
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

/* ---- usage ---- */

static void own_usage(void *arg)
{
	int self = sys_pidfd_open(getpid());
	(void)arg;
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

static void usage_of_the_caller_itself(void)
{
	in_fork(own_usage, NULL);
}

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

TAP_MAIN(CASE(comm), CASE(states), CASE(a_leader_that_has_exited), CASE(job), CASE(start),
	 CASE(cpu_time), CASE(children_it_waited_for), CASE(scheduling), CASE(threads),
	 CASE(switches_and_run_delay_of_all_threads), CASE(usage_of_the_caller_itself),
	 CASE(usage_of_a_child), CASE(usage_of_a_zombie_of_another_parent))

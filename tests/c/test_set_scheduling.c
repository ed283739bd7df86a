// SPDX-License-Identifier: MIT OR Apache-2.0
/* How the kernel schedules the process, its oom_score_adj, and what is of its memory. */
#include "filter.h"
#include "util.h"

#include <sys/wait.h>

/* The child, which waits, with the settings of the context. */
static pid_t waits(int fd)
{
	set_program(fd, "/bin/sleep", "60", (char *)NULL);
	return create(fd);
}

static void message_has(int fd, const char *text)
{
	struct procfd_error e = last_error(fd);
	if (!strstr(e.message, text))
		FAIL("\"%s\" has no \"%s\"", e.message, text);
}

/* ---- the policy ---- */

static void policies(void)
{
	const int own = sched_getscheduler(0);
	static const uint32_t all[] = { SCHED_OTHER, SCHED_BATCH, SCHED_IDLE };
	for (int i = 0; i < 3; i++) {
		struct procfd_sched s = { .policy = all[i] };
		int fd = ctx();
		CFG(fd, PROC_SET_SCHEDULER, 0, &s, sizeof s);
		pid_t pid = waits(fd);
		CHECK_EQ(sched_getscheduler(pid), (int)all[i]);
		CHECK_EQ(getpriority(PRIO_PROCESS, (id_t)pid), getpriority(PRIO_PROCESS, 0));
		finish(fd);
	}
	CHECK_EQ(sched_getscheduler(0), own);
}

static void policy_with_a_nice_value(void)
{
	for (int by_setting = 0; by_setting < 2; by_setting++) {
		struct procfd_sched s = { .policy = SCHED_BATCH, .flags = 1, .nice = by_setting ? 0 : 19 };
		int fd = ctx();
		/* Whichever comes first. */
		if (by_setting)
			SET(fd, PROC_SET_NICE, 19);
		CFG(fd, PROC_SET_SCHEDULER, 0, &s, sizeof s);
		pid_t pid = waits(fd);
		CHECK_EQ(sched_getscheduler(pid), SCHED_BATCH | SCHED_RESET_ON_FORK);
		CHECK_EQ(getpriority(PRIO_PROCESS, (id_t)pid), 19);
		finish(fd);
	}
}

static void real_time(void)
{
	struct procfd_sched s = { .policy = SCHED_FIFO, .flags = 1, .priority = 7 };
	struct sched_param param = { 0 };
	int fd = ctx();
	CFG(fd, PROC_SET_SCHEDULER, 0, &s, sizeof s);
	set_program(fd, "/bin/sleep", "60", (char *)NULL);
	if (geteuid() != 0) {
		CREATE_FAILS(fd, EPERM, PROC_STAGE_SCHEDULER, 0);
		message_has(fd, "set the scheduling policy to SCHED_FIFO, priority 7: ");
		message_has(fd, "RLIMIT_RTPRIO");
		close(fd);
		return;
	}
	int own = sched_getscheduler(0);
	errno = 0;
	int pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	if (pid < 0 && errno == EPERM && last_error(fd).stage == PROC_STAGE_SCHEDULER)
		SKIP("this cgroup has no real-time share");
	CHECK(pid > 0);
	CHECK_EQ(sched_getscheduler(pid), SCHED_FIFO | SCHED_RESET_ON_FORK);
	CHECK_EQ(sched_getparam(pid, &param), 0);
	CHECK_EQ(param.sched_priority, 7);
	CHECK_EQ(sched_getscheduler(0), own);
	finish(fd);
}

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

static void deadline(void)
{
	struct procfd_sched s = { .policy = SCHED_DEADLINE, .flags = 1, .runtime_ns = 2000000,
				  .deadline_ns = 20000000, .period_ns = 30000000 };
	int fd = ctx();
	CFG(fd, PROC_SET_SCHEDULER, 0, &s, sizeof s);
	set_program(fd, "/bin/sleep", "60", (char *)NULL);
	if (geteuid() != 0) {
		CREATE_FAILS(fd, EPERM, PROC_STAGE_SCHEDULER, 0);
		message_has(fd, "SCHED_DEADLINE, runtime 2ms, deadline 20ms, period 30ms: ");
		close(fd);
		return;
	}
	pid_t pid = create(fd);
	struct attr a = { 0 };
	CHECK_EQ(syscall(SYS_sched_getattr, pid, &a, sizeof a, 0), 0);
	CHECK_EQ(a.policy, SCHED_DEADLINE);
	CHECK_EQ(a.runtime, 2000000);
	CHECK_EQ(a.deadline, 20000000);
	CHECK_EQ(a.period, 30000000);
	finish(fd);
}

static void utilization_clamps(void)
{
	struct procfd_sched s = { .policy = SCHED_BATCH, .flags = 0x60, .util_min = 10, .util_max = 500 };
	int fd = ctx();
	CFG(fd, PROC_SET_SCHEDULER, 0, &s, sizeof s);
	set_program(fd, "/bin/sleep", "60", (char *)NULL);
	int pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	if (pid < 0) {
		CREATE_FAILS(fd, EOPNOTSUPP, PROC_STAGE_SCHEDULER, 0);
		message_has(fd, "SCHED_BATCH, utilization clamps 10 to 500: ");
		message_has(fd, "this kernel has no utilization clamps");
		close(fd);
		return;
	}
	struct attr a = { 0 };
	CHECK_EQ(syscall(SYS_sched_getattr, pid, &a, sizeof a, 0), 0);
	CHECK_EQ(a.policy, SCHED_BATCH);
	CHECK_EQ(a.util_min, 10);
	CHECK_EQ(a.util_max, 500);
	finish(fd);
}

static void the_policy_is_taken_back(void)
{
	struct procfd_sched s = { .policy = SCHED_IDLE };
	int fd = ctx();
	CFG(fd, PROC_SET_SCHEDULER, 0, &s, sizeof s);
	int copy = process_config(fd, PROC_COPY, 0, NULL, 0);
	CHECK(copy >= 0);
	CFG(fd, PROC_SET_SCHEDULER, 0, NULL, 0);
	CHECK_EQ(sched_getscheduler(waits(fd)), sched_getscheduler(0));
	CHECK_EQ(sched_getscheduler(waits(copy)), SCHED_IDLE);
	finish(fd);
	finish(copy);
}

static void bad_policies(void)
{
	static const struct {
		struct procfd_sched sched;
		const char *says;
	} bad[] = {
		{ { .policy = 4 }, "scheduling policy 4" },
		{ { .policy = SCHED_FIFO }, "SCHED_FIFO with priority 0; it takes 1 to 99" },
		{ { .policy = SCHED_BATCH, .priority = 1 }, "SCHED_BATCH with priority 1; it takes 0" },
		{ { .policy = SCHED_OTHER, .nice = 20 }, "there are -20 to 19" },
		{ { .policy = SCHED_OTHER, .flags = 0x80 }, "there are 0x7f" },
		{ { .policy = SCHED_DEADLINE, .runtime_ns = 3000, .deadline_ns = 2000 }, "runtime <= deadline" },
		{ { .policy = SCHED_OTHER, .flags = 0x20, .util_min = 1025 }, "there are 0 to 1024" },
		{ { .policy = SCHED_OTHER, .flags = 0x60, .util_min = 2, .util_max = 1 }, "clamps 2 to 1" },
	};
	int fd = ctx();
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		CHECK_ERR(process_config(fd, PROC_SET_SCHEDULER, 0, &bad[i].sched, sizeof bad[i].sched), EINVAL);
		message_has(fd, bad[i].says);
	}
	struct procfd_sched s = { .reserved = 1 };
	CHECK_ERR(process_config(fd, PROC_SET_SCHEDULER, 0, &s, sizeof s), EINVAL);
	s.reserved = 0;
	CHECK_ERR(process_config(fd, PROC_SET_SCHEDULER, 1, &s, sizeof s), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_SCHEDULER, 0, NULL, sizeof s), EFAULT);
	close(fd);
}

/* ---- the CPUs ---- */

static void cpus(void)
{
	cpu_set_t own, last, child;
	CHECK_EQ(sched_getaffinity(0, sizeof own, &own), 0);
	int cpu = CPU_SETSIZE - 1;
	while (!CPU_ISSET(cpu, &own))
		cpu--;
	CPU_ZERO(&last);
	CPU_SET(cpu, &last);
	int fd = ctx();
	CFG(fd, PROC_SET_AFFINITY, 0, &last, sizeof last);
	pid_t pid = waits(fd);
	CHECK_EQ(sched_getaffinity(pid, sizeof child, &child), 0);
	CHECK(CPU_EQUAL(&child, &last));
	CHECK_EQ(sched_getaffinity(0, sizeof child, &child), 0);
	CHECK(CPU_EQUAL(&child, &own));
	finish(fd);
}

static void bad_cpus(void)
{
	cpu_set_t set;
	char long_mask[1025] = { 1 };
	int fd = ctx();
	CPU_ZERO(&set);
	CHECK_ERR(process_config(fd, PROC_SET_AFFINITY, 0, &set, sizeof set), EINVAL);
	message_has(fd, "an affinity without a CPU");
	CHECK_ERR(process_config(fd, PROC_SET_AFFINITY, 0, long_mask, sizeof long_mask), E2BIG);
	CHECK_ERR(process_config(fd, PROC_SET_AFFINITY, 1, long_mask, 8), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_AFFINITY, 0, NULL, 8), EFAULT);
	/* CPUs that there are not: at most 8,191 in any kernel, and this machine has fewer than 1,000. */
	for (int cpu = 1000; cpu < 1003; cpu++)
		CPU_SET(cpu, &set);
	CFG(fd, PROC_SET_AFFINITY, 0, &set, sizeof set);
	set_child(fd, "exit", "0");
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_AFFINITY, 0);
	message_has(fd, "set the CPU affinity to CPUs 1000-1002: ");
	CFG(fd, PROC_SET_AFFINITY, 0, NULL, 0);
	create(fd);
	expect_exit(fd, 0);
	close(fd);
}

/* ---- oom_score_adj ---- */

static int own_oom_score_adj(void)
{
	char text[16] = "";
	int f = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
	CHECK(f >= 0 && read(f, text, sizeof text - 1) > 0);
	close(f);
	return atoi(text);
}

static void prints_oom_score_adj(int fd)
{
	set_program(fd, "/bin/cat", "/proc/self/oom_score_adj", (char *)NULL);
	SET(fd, PROC_SET_OOM_SCORE_ADJ, 876);
}

static void oom_score_adj(void)
{
	int own = own_oom_score_adj(), fd = ctx();
	prints_oom_score_adj(fd);
	CHECK_STR(printed(fd), "876\n");
	CHECK_EQ(own_oom_score_adj(), own);
	close(fd);
	fd = ctx();
	CHECK_ERR(process_config(fd, PROC_SET_OOM_SCORE_ADJ, 1001, NULL, 0), EINVAL);
	message_has(fd, "oom_score_adj 1001; there are -1000 to 1000");
	CHECK_ERR(process_config(fd, PROC_SET_OOM_SCORE_ADJ, (uint64_t)-1001, NULL, 0), EINVAL);
	close(fd);
}

/* The creator writes the maps, so that it does not sleep in vfork: the value would be its own too. */
static void oom_score_adj_with_maps_of_the_creator(void)
{
	NEED_ROOT();
	int own = own_oom_score_adj(), fd = ctx();
	struct procfd_idmap map = { 0, 0, 1000, 0 };
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER);
	CFG(fd, PROC_SET_UID_MAP, 0, &map, sizeof map);
	CFG(fd, PROC_SET_GID_MAP, 0, &map, sizeof map);
	prints_oom_score_adj(fd);
	CHECK_STR(printed(fd), "876\n");
	CHECK_EQ(own_oom_score_adj(), own);
	close(fd);
	/* A failure comes through as well, out of the other memory. */
	fd = ctx();
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER);
	CFG(fd, PROC_SET_UID_MAP, 0, &map, sizeof map);
	CFG(fd, PROC_SET_GID_MAP, 0, &map, sizeof map);
	prints_oom_score_adj(fd);
	CFG(fd, PROC_SET_CWD, 0, "/nowhere", 0);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_CWD, 0);
	CHECK_EQ(own_oom_score_adj(), own);
	close(fd);
}

/* The watcher has to know a close policy with a second signal before the program runs. */
static void oom_score_adj_with_the_watcher(void)
{
	int own = own_oom_score_adj(), fd = ctx();
	struct procfd_close then = { PROC_SCOPE_PROCESS, SIGKILL, SECOND };
	prints_oom_score_adj(fd);
	CFG(fd, PROC_SET_CLOSE, SIGTERM, &then, sizeof then);
	CHECK_STR(printed(fd), "876\n");
	CHECK_EQ(own_oom_score_adj(), own);
	close(fd);
}

static void oom_score_adj_of_the_built_in_init(void)
{
	NEED_ROOT();
	int own = own_oom_score_adj(), fd = ctx_flags(PROCFD_NO_WATCH);
	prints_oom_score_adj(fd);
	SET(fd, PROC_SET_FLAG, CLONE_NEWPID);
	SET(fd, PROC_SET_INIT, 1);
	CHECK_STR(printed(fd), "876\n");
	CHECK_EQ(own_oom_score_adj(), own);
	close(fd);
}

static void oom_score_adj_without_proc(void)
{
	int fd = ctx();
	prints_oom_score_adj(fd);
	/* Only the child opens for writing. */
	refuse_argument(SYS_openat, 2, O_ACCMODE, O_WRONLY, 1, ENOENT);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_OOM_SCORE_ADJ, 0);
	message_has(fd, "set oom_score_adj to 876: ");
	message_has(fd, "/proc");
	close(fd);
}

static void no_lower_oom_score_adj(void)
{
	if (geteuid() == 0)
		SKIP("needs a user other than root");
	int fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_OOM_SCORE_ADJ, -1000);
	CREATE_FAILS(fd, EACCES, PROC_STAGE_OOM_SCORE_ADJ, 0);
	message_has(fd, "CAP_SYS_RESOURCE");
	close(fd);
}

/* ---- what is of the memory itself ---- */

static const int of_memory[] = { PROC_SET_COREDUMP_FILTER, PROC_SET_THP_DISABLE, PROC_SET_MEMORY_MERGE,
				 PROC_SET_MDWE };

static void sets_memory(int fd)
{
	set_child(fd, "memory");
	for (unsigned i = 0; i < 4; i++)
		SET(fd, of_memory[i], i ? 1 : 0x15);
}

static void memory_is_the_program_s_alone(void)
{
	char own[64], now[64];
	memory_text(own);
	if (prctl(PR_GET_MEMORY_MERGE, 0, 0, 0, 0) < 0 || prctl(PR_GET_MDWE, 0, 0, 0, 0) < 0)
		SKIP("needs Linux 6.4 with KSM");
	int fd = ctx();
	sets_memory(fd);
	CHECK_STR(printed(fd), "15 1 1 1\n");
	memory_text(now);
	CHECK_STR(now, own);
	close(fd);
	/* Each alone, and taken back: nothing is left of it, in the program neither. */
	for (unsigned i = 1; i < 4; i++) {
		fd = ctx();
		sets_memory(fd);
		for (unsigned other = 1; other < 4; other++)
			if (other != i)
				SET(fd, of_memory[other], 0);
		char expected[64];
		snprintf(expected, sizeof expected, "15 %d %d %d\n", i == 1, i == 2, i == 3);
		CHECK_STR(printed(fd), expected);
		memory_text(now);
		CHECK_STR(now, own);
		close(fd);
	}
}

static void memory_with_the_built_in_init(void)
{
	NEED_ROOT();
	char own[64], now[64];
	memory_text(own);
	if (prctl(PR_GET_MEMORY_MERGE, 0, 0, 0, 0) < 0 || prctl(PR_GET_MDWE, 0, 0, 0, 0) < 0)
		SKIP("needs Linux 6.4 with KSM");
	int fd = ctx_flags(PROCFD_NO_WATCH);
	sets_memory(fd);
	SET(fd, PROC_SET_FLAG, CLONE_NEWPID);
	SET(fd, PROC_SET_INIT, 1);
	CHECK_STR(printed(fd), "15 1 1 1\n");
	memory_text(now);
	CHECK_STR(now, own);
	close(fd);
}

static void memory_that_fails(void)
{
	char own[64], now[64];
	memory_text(own);
	int fd = ctx();
	sets_memory(fd);
	CHECK_ERR(process_config(fd, PROC_SET_COREDUMP_FILTER, 0x200, NULL, 0), EINVAL);
	message_has(fd, "core dump filter 0x200; there are 0 to 0x1ff");
	close(fd);
	static const struct {
		int command, option, stage;
		const char *message;
	} all[] = {
		{ PROC_SET_THP_DISABLE, PR_SET_THP_DISABLE, PROC_STAGE_THP_DISABLE, "disable transparent huge pages: " },
		{ PROC_SET_MEMORY_MERGE, PR_SET_MEMORY_MERGE, PROC_STAGE_MEMORY_MERGE, "have equal pages merged: " },
		{ PROC_SET_MDWE, PR_SET_MDWE, PROC_STAGE_MDWE, "deny memory that is writable and executable: " },
		{ PROC_SET_CORE_SCHED, PR_SCHED_CORE, PROC_STAGE_CORE_SCHED, "make a core scheduling cookie: " },
	};
	for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
		fd = ctx_flags(PROCFD_NO_WATCH);
		set_child(fd, "exit", "0");
		SET(fd, all[i].command, 1);
		refuse_argument(SYS_prctl, 0, ~0U, (unsigned)all[i].option, 1, EACCES);
		CREATE_FAILS(fd, EACCES, (uint32_t)all[i].stage, 0);
		message_has(fd, all[i].message);
		close(fd);
	}
	memory_text(now);
	CHECK_STR(now, own);
}

static void no_coredump_filter_without_proc(void)
{
	int fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_COREDUMP_FILTER, 0x15);
	/* Only the child opens for writing. */
	refuse_argument(SYS_openat, 2, O_ACCMODE, O_WRONLY, 1, ENOENT);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_COREDUMP_FILTER, 0);
	message_has(fd, "set the core dump filter to 0x15: ");
	message_has(fd, "/proc");
	close(fd);
}

/* What the kernel says to a process that asks by itself is what a start has: a cookie, or the errno. */
static void a_cookie(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(prctl(PR_SCHED_CORE, 1, 0, 0, 0) ? errno : 0);
	int status, fd = ctx();
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	set_child(fd, "cookie");
	SET(fd, PROC_SET_CORE_SCHED, 1);
	if (status) {
		CREATE_FAILS(fd, WEXITSTATUS(status), PROC_STAGE_CORE_SCHED, 0);
		message_has(fd, "make a core scheduling cookie: ");
		SET(fd, PROC_SET_CORE_SCHED, 0);
		set_child(fd, "exit", "0");
	}
	create(fd);
	expect_exit(fd, 0);
	close(fd);
}

TAP_MAIN(CASE(policies), CASE(policy_with_a_nice_value), CASE(real_time), CASE(deadline), CASE(utilization_clamps),
	 CASE(the_policy_is_taken_back), CASE(bad_policies), CASE(cpus), CASE(bad_cpus), CASE(oom_score_adj),
	 CASE(oom_score_adj_with_maps_of_the_creator), CASE(oom_score_adj_with_the_watcher),
	 COLD(oom_score_adj_of_the_built_in_init), CASE(oom_score_adj_without_proc), CASE(no_lower_oom_score_adj),
	 CASE(memory_is_the_program_s_alone), COLD(memory_with_the_built_in_init), CASE(memory_that_fails),
	 CASE(no_coredump_filter_without_proc), CASE(a_cookie))

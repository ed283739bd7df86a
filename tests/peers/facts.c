// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * What libprocfd says of processes, as lines of JSON.
 *
 * Each line of input is a way and a pid:
 *   - pidfd 12
 *   - dir 12: a /proc directory
 *   - list 12: a snapshot of a list of one
 *   - apart 12: each group of fields by itself
 *   - texts 12: texts and lists
 *   - all 0: a snapshot of all
 * The answer is a line for each process, and an empty one. An absent group prints nothing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <procfd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct field {
	const char *name;
	uint64_t group;
	size_t at, size;
	int is_signed;
};

#define U(group, name)                                                                         \
	{ #name, PROC_FIELD_##group, offsetof(struct procfd_info, name),                       \
	  sizeof(((struct procfd_info *)0)->name), 0 },
#define S(group, name)                                                                         \
	{ #name, PROC_FIELD_##group, offsetof(struct procfd_info, name),                       \
	  sizeof(((struct procfd_info *)0)->name), 1 },

static const struct field fields[] = {
	U(INODE, inode) U(CGROUP_ID, cgroup_id) U(IDS, pid) U(IDS, tgid) U(IDS, ppid) U(CREDS, ruid)
	U(CREDS, rgid) U(CREDS, euid) U(CREDS, egid) U(CREDS, suid) U(CREDS, sgid) U(CREDS, fsuid)
	U(CREDS, fsgid) U(EXIT, exit_what) S(EXIT, exit_status) U(STATE, state) U(STATE, task_flags)
	U(START, start_boot_ns) U(START, start_real_ns) U(TIMES, user_ns) U(TIMES, system_ns)
	U(TIMES, children_user_ns) U(TIMES, children_system_ns) U(TIMES, guest_ns)
	U(TIMES, children_guest_ns) U(TIMES, block_io_ns) U(MEMORY, mem_virtual) U(MEMORY, mem_resident)
	U(CPU, cpu_ns) U(JOB, pgid) U(JOB, sid) S(JOB, tpgid) U(JOB, tty) U(THREADS, threads)
	U(FAULTS, minflt) U(FAULTS, majflt) U(FAULTS, children_minflt) U(FAULTS, children_majflt)
	S(SCHED, priority) S(SCHED, nice) U(SCHED, policy) U(SCHED, rt_priority) U(SCHED, processor)
	U(TRACER, tracer) U(CPU_SPLIT, cpu_user_ns) U(CPU_SPLIT, cpu_system_ns)
	U(MEMORY_PARTS, mem_shared) U(MEMORY_PARTS, mem_text) U(MEMORY_PARTS, mem_data)
	U(MEMORY_DETAIL, mem_peak_virtual) U(MEMORY_DETAIL, mem_peak_resident) U(MEMORY_DETAIL, mem_anon)
	U(MEMORY_DETAIL, mem_file) U(MEMORY_DETAIL, mem_shmem) U(MEMORY_DETAIL, mem_locked)
	U(MEMORY_DETAIL, mem_pinned) U(MEMORY_DETAIL, mem_private_data) U(MEMORY_DETAIL, mem_stack)
	U(MEMORY_DETAIL, mem_exe) U(MEMORY_DETAIL, mem_lib) U(MEMORY_DETAIL, mem_page_tables)
	U(MEMORY_DETAIL, mem_swap) U(SIGNALS, sig_pending_thread) U(SIGNALS, sig_pending_process)
	U(SIGNALS, sig_blocked) U(SIGNALS, sig_ignored) U(SIGNALS, sig_caught) U(SIGNALS, sig_queued)
	U(SIGNALS, sig_queue_limit) U(CAPS, cap_inheritable) U(CAPS, cap_permitted) U(CAPS, cap_effective)
	U(CAPS, cap_bounding) U(CAPS, cap_ambient) U(SECURITY, no_new_privs) U(SECURITY, seccomp)
	U(SECURITY, seccomp_filters) U(UMASK, umask) U(NS_PID, ns_pid) U(NS_PID, ns_depth)
	U(DUMPABLE, dumpable) U(COREDUMP, coredump) S(COREDUMP, coredump_signal) S(OOM, oom_score_adj)
	U(OOM, oom_score) U(LOGIN, loginuid) U(LOGIN, audit_session) S(AUTOGROUP, autogroup_nice)
	U(AUTOGROUP, autogroup) U(IO, io_read_chars) U(IO, io_write_chars) U(IO, io_read_calls)
	U(IO, io_write_calls) U(IO, io_read_bytes) U(IO, io_write_bytes) U(IO, io_cancelled_write_bytes)
	U(IOPRIO, ioprio) U(FDS, fd_count) U(FDS, fd_table) U(FDS, fd_limit) U(MOUNTS, mounts)
	U(CORE_SCHED, core_sched_cookie) U(NAMESPACES, ns_cgroup_id) U(NAMESPACES, ns_ipc_id)
	U(NAMESPACES, ns_mnt_id) U(NAMESPACES, ns_net_id) U(NAMESPACES, ns_pid_id)
	U(NAMESPACES, ns_pid_for_children_id) U(NAMESPACES, ns_time_id)
	U(NAMESPACES, ns_time_for_children_id) U(NAMESPACES, ns_user_id) U(NAMESPACES, ns_uts_id)
	U(MEMORY_SET, mem_pss) U(MEMORY_SET, mem_uss) U(MEMORY_SET, mem_swapped)
	U(MEMORY_SET, mem_swap_pss) U(SWITCHES, nvcsw) U(SWITCHES, nivcsw) U(RUN_DELAY, run_delay_ns)
	U(RUN_DELAY, run_slices) U(TIMER_SLACK, timer_slack_ns) U(COREDUMP_FILTER, coredump_filter)
	U(SECUREBITS, securebits) U(PERSONALITY, personality) U(USAGE, usage_known)
};

#define N (sizeof fields / sizeof *fields)

static uint64_t all_groups(void)
{
	uint64_t all = PROC_FIELD_COMM | PROC_FIELD_LIMITS;
	for (size_t i = 0; i < N; i++)
		all |= fields[i].group;
	return all;
}

static void hex(const char *name, const void *bytes, size_t n)
{
	printf(",\"%s\":\"", name);
	for (size_t i = 0; i < n; i++)
		printf("%02x", ((const unsigned char *)bytes)[i]);
	printf("\"");
}

/* With PROCFD_TRUTH_LIE, a list of names, what is said of those is one too much: to see it found. */
static unsigned lie(const char *name)
{
	const char *lies = getenv("PROCFD_TRUTH_LIE");
	const char *at = lies ? strstr(lies, name) : NULL;
	size_t n = strlen(name);
	return at && (at == lies || at[-1] == ',') && (at[n] == 0 || at[n] == ',');
}

static void put(const struct procfd_info *info)
{
	for (size_t i = 0; i < N; i++) {
		const char *at = (const char *)info + fields[i].at;
		if (!(info->mask & fields[i].group))
			continue;
		if (fields[i].size == 8)
			printf(",\"%s\":%llu", fields[i].name,
			       *(const unsigned long long *)at + lie(fields[i].name));
		else if (fields[i].is_signed)
			printf(",\"%s\":%d", fields[i].name, *(const int *)at + (int)lie(fields[i].name));
		else
			printf(",\"%s\":%u", fields[i].name, *(const unsigned *)at + lie(fields[i].name));
	}
	if (info->mask & PROC_FIELD_COMM && !lie("comm"))
		hex("comm", info->comm, strnlen(info->comm, sizeof info->comm));
	if (info->mask & PROC_FIELD_LIMITS)
		for (int i = 0; i < 16; i++)
			printf(",\"limit_%d\":[%llu,%llu]", i, (unsigned long long)info->limits[i].soft,
			       (unsigned long long)info->limits[i].hard);
}

static int descriptor(const char *way, int pid)
{
	char path[32];
	if (strcmp(way, "dir"))
		return (int)syscall(SYS_pidfd_open, pid, 0);
	snprintf(path, sizeof path, "/proc/%d", pid);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void one(const char *way, int pid)
{
	struct procfd_info info;
	int fd = descriptor(way, pid), got;
	printf("{\"asked\":%d", pid);
	if (fd < 0) {
		printf(",\"errno\":%d}\n", errno == ENOENT ? ESRCH : errno);
		return;
	}
	if (!strcmp(way, "apart")) {
		for (uint64_t bit = 1; bit <= all_groups(); bit <<= 1)
			if ((all_groups() & bit) &&
			    process_info(fd, PROC_INFO, bit, &info, sizeof info) == 0)
				put(&info);
		got = process_info(fd, PROC_INFO, PROC_FIELD_IDS, &info, sizeof info);
	} else if (!strcmp(way, "list")) {
		struct procfd_snapshot s = { .scope = PROC_SNAPSHOT_LIST, .fds = &fd, .fd_count = 1,
					     .entries = &info, .entry_size = sizeof info, .room = 1 };
		got = process_info(-1, PROC_SNAPSHOT, all_groups(), &s, sizeof s) == 1 ? 0 : -1;
		if (got == 0 && info.error) {
			errno = info.error;
			got = -1;
		}
		if (got == 0)
			put(&info);
	} else {
		got = process_info(fd, PROC_INFO, all_groups(), &info, sizeof info);
		if (got == 0)
			put(&info);
	}
	if (got)
		printf(",\"errno\":%d", errno);
	printf("}\n");
	close(fd);
}

static void all(void)
{
	static struct procfd_info entries[8192];
	struct procfd_snapshot s = { .scope = PROC_SNAPSHOT_ALL, .flags = PROC_SNAPSHOT_KEEP,
				     .entries = entries, .entry_size = sizeof *entries, .room = 8192 };
	int n = process_info(-1, PROC_SNAPSHOT,
			     PROC_FIELD_IDS | PROC_FIELD_JOB | PROC_FIELD_START | PROC_FIELD_COMM |
				     PROC_FIELD_TIMES | PROC_FIELD_SCHED,
			     &s, sizeof s);
	for (int i = 0; i < n; i++) {
		printf("{\"asked\":%u", entries[i].pid);
		put(&entries[i]);
		printf("}\n");
	}
}

static char buffer[1 << 22];

static int text(int fd, const char *name, unsigned command)
{
	int len = process_info(fd, command, 0, buffer, sizeof buffer);
	if (len < 0)
		return printf(",\"%s_errno\":%d", name, errno);
	hex(name, buffer, (size_t)len < sizeof buffer ? (size_t)len : sizeof buffer);
	return 0;
}

static void maps(int fd)
{
	int len = process_info(fd, PROC_INFO_MAPS, 0, buffer, sizeof buffer);
	if (len < 0 || (size_t)len > sizeof buffer)
		return;
	printf(",\"maps\":[");
	for (int at = 0, first = 1; at < len; first = 0) {
		struct procfd_map *m = (struct procfd_map *)(buffer + at);
		printf("%s[%llu,%llu,\"%c%c%c%c\"", first ? "" : ",", (unsigned long long)m->start,
		       (unsigned long long)m->end, m->flags & PROC_MAP_READ ? 'r' : '-',
		       m->flags & PROC_MAP_WRITE ? 'w' : '-', m->flags & PROC_MAP_EXEC ? 'x' : '-',
		       m->flags & PROC_MAP_SHARED ? 's' : 'p');
		printf(",\"");
		for (unsigned i = 0; i < m->path_len; i++)
			printf("%02x", (unsigned char)buffer[at + (int)(m->path_offset + i)]);
		printf("\"]");
		at += (int)m->size;
	}
	printf("]");
}

static void descriptors(int fd)
{
	int len = process_info(fd, PROC_INFO_FDS, 0, buffer, sizeof buffer);
	if (len < 0 || (size_t)len > sizeof buffer)
		return;
	printf(",\"fds\":[");
	for (int at = 0, first = 1; at < len; first = 0) {
		struct procfd_fd *d = (struct procfd_fd *)(buffer + at);
		printf("%s[%d,%u,%u,%lld,\"", first ? "" : ",", d->fd, d->kind, d->flags,
		       (long long)d->position);
		for (unsigned i = 0; i < d->path_len; i++)
			printf("%02x", (unsigned char)buffer[at + (int)(d->path_offset + i)]);
		printf("\"]");
		at += (int)d->size;
	}
	printf("]");
}

static void lists(int fd)
{
	static struct procfd_thread threads[4096];
	static struct procfd_ref children[8192];
	static gid_t groups[65536];
	unsigned char processors[1024];
	int n = process_info(fd, PROC_INFO_THREADS, PROC_FIELD_TIMES, threads, sizeof threads);
	if (n >= 0 && n <= 4096) {
		printf(",\"threads_list\":[");
		for (int i = 0; i < n; i++)
			printf("%s[%u,%llu,%llu]", i ? "," : "", threads[i].tid,
			       (unsigned long long)threads[i].user_ns,
			       (unsigned long long)threads[i].system_ns);
		printf("]");
	}
	n = process_info(fd, PROC_INFO_CHILDREN, 0, children, sizeof children);
	if (n >= 0 && n <= 8192) {
		printf(",\"children\":[");
		for (int i = 0; i < n; i++)
			printf("%s%u", i ? "," : "", children[i].pid);
		printf("]");
	}
	n = process_info(fd, PROC_INFO_GROUPS, 0, groups, sizeof groups);
	if (n >= 0 && n <= 65536) {
		printf(",\"groups\":[");
		for (int i = 0; i < n; i++)
			printf("%s%u", i ? "," : "", groups[i]);
		printf("]");
	}
	n = process_info(fd, PROC_INFO_AFFINITY, 0, processors, sizeof processors);
	if (n >= 0 && n <= (int)sizeof processors) {
		printf(",\"affinity\":[");
		for (int i = 0, first = 1; i < 8 * n; i++)
			if (processors[i / 8] & 1 << i % 8)
				printf("%s%d", first ? "" : ",", i), first = 0;
		printf("]");
	}
}

static void texts(int pid)
{
	int fd = descriptor("pidfd", pid);
	printf("{\"asked\":%d", pid);
	if (fd < 0) {
		printf(",\"errno\":%d}\n", errno);
		return;
	}
	text(fd, "exe", lie("exe") ? PROC_INFO_CWD : PROC_INFO_EXE);
	text(fd, "cwd", PROC_INFO_CWD);
	text(fd, "argv", PROC_INFO_ARGV);
	text(fd, "environ", PROC_INFO_ENVIRON);
	text(fd, "cgroup", PROC_INFO_CGROUP);
	text(fd, "wchan", PROC_INFO_WCHAN);
	maps(fd);
	descriptors(fd);
	lists(fd);
	if (process_info(fd, PROC_INFO_PID, 0, NULL, 0) < 0)
		printf(",\"errno\":%d", errno);
	printf("}\n");
	close(fd);
}

int main(void)
{
	char line[64], way[16];
	int pid;
	while (fgets(line, sizeof line, stdin) && sscanf(line, "%15s %d", way, &pid) == 2) {
		if (!strcmp(way, "all"))
			all();
		else if (!strcmp(way, "texts"))
			texts(pid);
		else
			one(way, pid);
		printf("\n");
		fflush(stdout);
	}
	return 0;
}

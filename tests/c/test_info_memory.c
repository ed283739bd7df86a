// SPDX-License-Identifier: MIT OR Apache-2.0
/* PROC_INFO: memory, I/O, limits and descriptors, each against what the process did or says of itself. */
#include "util.h"

#include "kid.h"

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
	fresh(32 * MIB, MAP_SHARED);
	TELL(page);
	const size_t some = 64 << 10;
	p = mmap(NULL, some, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	page = mlock(p, some) ? 0 : some;
	TELL(page);
}

#ifdef __aarch64__
#define LARGEST_PAGE 65536
#else
#define LARGEST_PAGE 4096
#endif

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
	CHECK(b.mem_stack >= page_size() && b.mem_lib > 0 && b.mem_pinned == 0 && b.mem_locked == 0);
	CHECK_EQ(b.mem_text, b.mem_exe);
	extern char __executable_start, etext;
	/* Segments are aligned to the largest page of the architecture. */
	BETWEEN(page_size(), b.mem_text, (uint64_t)(&etext - &__executable_start) + 2 * LARGEST_PAGE);
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
	BETWEEN(32 * MIB - LAG, d.mem_shmem - c.mem_shmem, 32 * MIB + LAG);
	BETWEEN(32 * MIB - LAG, d.mem_shared - c.mem_shared, 32 * MIB + LAG);
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

/* What statm says, which is exact, of processes that do nothing. In `stat` it lags behind. */
static void the_resident_size_is_exact(void)
{
	int fd[16], out;
	for (int i = 0; i < 16; i++) {
		fd[i] = ctx();
		set_child(fd[i], "ready");
		pid_t pid;
		out = create_with_output(fd[i], &pid);
		read_ready(out);
		close(out);
		long long end = now_ns() + FOREVER_MS * 1000000LL;
		while (status_of(pid, "State")[0] != 'S')
			CHECK(now_ns() < end);
		char path[64];
		unsigned long size, resident;
		snprintf(path, sizeof path, "/proc/%d/statm", pid);
		FILE *f = fopen(path, "re");
		CHECK(f && fscanf(f, "%lu %lu", &size, &resident) == 2);
		fclose(f);
		struct procfd_info info;
		CHECK_EQ(process_info(fd[i], PROC_INFO, PROC_FIELD_MEMORY, &info, sizeof info), 0);
		CHECK_EQ(info.mem_resident, resident * (unsigned long)sysconf(_SC_PAGESIZE));
		CHECK_EQ(info.mem_virtual, size * (unsigned long)sysconf(_SC_PAGESIZE));
	}
	for (int i = 0; i < 16; i++)
		finish(fd[i]);
}

TAP_MAIN(CASE(the_resident_size_is_exact), CASE(faults), CASE(memory), CASE(memory_set), CASE(io_counters),
	 CASE(limits_and_descriptors))

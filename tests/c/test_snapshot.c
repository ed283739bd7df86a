// SPDX-License-Identifier: MIT OR Apache-2.0
/* PROC_SNAPSHOT: the fields of many processes in one call. */
#include "util.h"

#include "kid.h"

#include <sys/stat.h>

/* What one read of /proc/PID/stat has, and what needs more than that. */
#define BY_STAT (PROC_FIELD_IDS | PROC_FIELD_COMM | PROC_FIELD_JOB | PROC_FIELD_THREADS | PROC_FIELD_STATE)
#define BY_MORE (BY_STAT | PROC_FIELD_CREDS | PROC_FIELD_UMASK)
/* More than a machine for tests has. */
#define MANY 8192

static struct procfd_info *entries;

static struct procfd_snapshot all_in(uint32_t scope, uint32_t flags)
{
	if (!entries) {
		entries = mmap(NULL, MANY * sizeof *entries, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		CHECK(entries != MAP_FAILED);
	}
	return (struct procfd_snapshot){ .scope = scope, .flags = flags, .entries = entries,
					 .entry_size = sizeof *entries, .room = MANY };
}

static int take(int fd, uint32_t scope, uint32_t flags, uint64_t mask)
{
	struct procfd_snapshot s = all_in(scope, flags);
	int n = process_info(fd, PROC_SNAPSHOT, mask, &s, sizeof s);
	CHECK(n >= 0);
	CHECK_EQ(s.total, n);
	return n;
}

static void drop(void)
{
	struct procfd_snapshot s = { .flags = PROC_SNAPSHOT_DROP };
	CHECK_EQ(process_info(-1, PROC_SNAPSHOT, BY_STAT, &s, sizeof s), 0);
}

static const struct procfd_info *find(int n, pid_t pid)
{
	const struct procfd_info *found = NULL;
	for (int i = 0; i < n; i++)
		if (entries[i].pid == (uint32_t)pid) {
			if (found)
				FAIL("%d is there twice", pid);
			found = &entries[i];
		}
	return found;
}

static int has(int n, pid_t pid)
{
	return find(n, pid) != NULL;
}

static void run_named(void)
{
	prctl(PR_SET_NAME, "a (kid)\n");
	stay();
}

static void all(void)
{
	struct kid k = kid(run_named);
	pid_t zombie = fork();
	if (zombie == 0)
		_exit(0);
	CHECK_EQ(waitid(P_PID, (id_t)zombie, NULL, WEXITED | WNOWAIT), 0);
	done(&k);
	for (int more = 0; more < 4; more++) {
		uint32_t flags = more & 2 ? PROC_SNAPSHOT_KEEP : 0;
		uint64_t mask = more & 1 ? BY_MORE : BY_STAT;
		int n = take(-1, PROC_SNAPSHOT_ALL, flags, mask);
		for (int i = 1; i < n; i++)
			CHECK(entries[i - 1].pid < entries[i].pid);
		CHECK(has(n, getpid()) && has(n, 1));
		const struct procfd_info *i = find(n, k.pid), *z = find(n, zombie);
		CHECK(i && z);
		if ((i->mask & mask) != mask)
			FAIL("missing %#llx", (unsigned long long)(mask & ~i->mask));
		CHECK(i->mask & (PROC_FIELD_START | PROC_FIELD_INODE));
		CHECK_STR(i->comm, "a (kid)\n");
		CHECK(i->ppid == (uint32_t)getpid() && i->tgid == i->pid && i->state == 'S');
		CHECK(i->threads == 1 && i->sid == (uint32_t)getsid(0) && i->error == 0);
		CHECK(z->state == 'Z' && z->ppid == (uint32_t)getpid());
		if (i->mask & PROC_FIELD_INODE) {
			struct stat st;
			int pidfd = sys_pidfd_open(k.pid);
			CHECK_EQ(fstat(pidfd, &st), 0);
			CHECK_EQ(i->inode, st.st_ino);
			close(pidfd);
		}
	}
	drop();
	CHECK_EQ(waitpid(zombie, NULL, 0), zombie);
	gone(&k);
}

/* What PROC_INFO says of one, the snapshot says of it. */
static void every_field(void)
{
	struct kid k = kid(run_named);
	done(&k);
	int n = take(-1, PROC_SNAPSHOT_ALL, 0, EVERY_FIELD);
	const struct procfd_info *i = find(n, k.pid);
	CHECK(i);
	struct procfd_info one = some_of(k.fd, EVERY_FIELD), many = *i;
	CHECK_EQ(many.mask, one.mask);
	/* Those that its being asked changes, or that other processes change. */
	one.mem_pss = many.mem_pss, one.mem_uss = many.mem_uss, one.oom_score = many.oom_score;
	one.start_real_ns = many.start_real_ns, one.sig_queued = many.sig_queued;
	CHECK(!memcmp(&one, &many, sizeof one));
	gone(&k);
}

static void list(void)
{
	char path[64];
	struct kid k = kid(run_named), dead = kid(run_named);
	done(&k);
	done(&dead);
	int dead_fd = process_info(dead.fd, PROC_INFO_PIDFD, 0, NULL, 0);
	let(&dead);
	ended(&dead);
	snprintf(path, sizeof path, "/proc/%d", k.pid);
	int dir = open(path, O_DIRECTORY | O_CLOEXEC), self = sys_pidfd_open(getpid());
	int none = ctx(), file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int fds[] = { self, dead_fd, dir, 999999, k.fd, -1, none, file, self };
	const struct { pid_t pid; int error; } want[] = {
		{ getpid(), 0 }, { 0, ESRCH }, { k.pid, 0 }, { 0, EBADF }, { k.pid, 0 },
		{ 0, EBADF }, { 0, ESRCH }, { 0, EINVAL }, { getpid(), 0 },
	};
	for (int more = 0; more < 2; more++) {
		struct procfd_snapshot s = all_in(PROC_SNAPSHOT_LIST, 0);
		s.fds = fds;
		s.fd_count = 9;
		memset(entries, 0x55, 10 * sizeof *entries);
		CHECK_EQ(process_info(-1, PROC_SNAPSHOT, more ? BY_MORE : BY_STAT, &s, sizeof s), 9);
		CHECK_EQ(s.total, 9);
		for (int i = 0; i < 9; i++) {
			struct procfd_info *e = &entries[i];
			if (more && i == 1 && e->mask) {
				/* The fields that are left are of no other process. */
				CHECK_EQ(e->mask, PROC_FIELD_INODE);
				CHECK(!e->pid && !e->error);
				continue;
			}
			if (e->pid != (uint32_t)want[i].pid || e->error != want[i].error || !e->mask != !e->pid)
				FAIL("entry %d: pid %u, error %d, mask %#llx", i, e->pid, e->error,
				     (unsigned long long)e->mask);
			if (e->error)
				CHECK(!e->mask && !e->comm[0] && !e->state);
		}
		CHECK_EQ((unsigned char)entries[9].comm[0], 0x55);
		s.room = 2;
		CHECK_EQ(process_info(-1, PROC_SNAPSHOT, BY_STAT, &s, sizeof s), 2);
		CHECK_EQ(s.total, 9);
		CHECK_EQ(entries[0].pid, getpid());
	}
	struct procfd_snapshot s = all_in(PROC_SNAPSHOT_LIST, 0);
	CHECK_EQ(process_info(-1, PROC_SNAPSHOT, BY_STAT, &s, sizeof s), 0);
	close(dead_fd);
	close(dir);
	close(self);
	close(none);
	close(file);
	gone(&k);
}

static void run_generations(void)
{
	pid_t pids[2];
	struct out o = make_pipe();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pids[0] = fork();
	if (pids[0] == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setsid();
		pids[1] = fork();
		if (pids[1] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
		if (write(o.w, &pids[1], sizeof pids[1]) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	if (read(o.r, &pids[1], sizeof pids[1]) != sizeof pids[1])
		_exit(1);
	TELL(pids);
	kill(pids[1], SIGKILL);
	kill(pids[0], SIGKILL);
	waitpid(pids[0], NULL, 0);
}

static void tree(void)
{
	pid_t pids[2];
	struct kid k = kid(run_generations), other = kid(run_named);
	TOLD(&k, pids);
	done(&other);
	for (int more = 0; more < 4; more++) {
		uint32_t flags = more & 2 ? PROC_SNAPSHOT_KEEP : 0;
		uint64_t mask = more & 1 ? BY_MORE : BY_STAT;
		int n = take(k.fd, PROC_SNAPSHOT_TREE, flags, mask);
		CHECK_EQ(n, 3);
		CHECK(entries[0].pid == (uint32_t)k.pid && entries[1].pid == (uint32_t)pids[0] &&
		      entries[2].pid == (uint32_t)pids[1]);
		CHECK(entries[2].sid == (uint32_t)pids[0] && entries[2].ppid == (uint32_t)pids[0]);
		int self = sys_pidfd_open(getpid());
		n = take(self, PROC_SNAPSHOT_TREE, flags, mask);
		CHECK(has(n, k.pid) && has(n, pids[1]) && has(n, other.pid) && !has(n, 1));
		CHECK(!has(n, getppid()));
		CHECK_EQ(entries[0].pid, getpid());
		close(self);
		CHECK_EQ(take(other.fd, PROC_SNAPSHOT_TREE, flags, mask), 1);
	}
	drop();
	let(&k);
	int pidfd = process_info(k.fd, PROC_INFO_PIDFD, 0, NULL, 0);
	ended(&k);
	struct procfd_snapshot s = all_in(PROC_SNAPSHOT_TREE, 0);
	CHECK_ERR(process_info(pidfd, PROC_SNAPSHOT, BY_STAT, &s, sizeof s), ESRCH);
	CHECK_ERR(process_info(-1, PROC_SNAPSHOT, BY_STAT, &s, sizeof s), EBADF);
	close(pidfd);
	/* The setsid'd one had the test's runner as its new parent, had it outlived its own. */
	gone(&other);
}

/* Where cgroup v2 is mounted; "" when it is not. */
static const char *cgroup2_mount(void)
{
	static char path[PATH_MAX];
	char line[4096], at[1024];
	FILE *f = fopen("/proc/self/mountinfo", "re");
	path[0] = 0;
	while (f && fgets(line, sizeof line, f))
		if (strstr(line, " - cgroup2 ") && sscanf(line, "%*d %*d %*s %*s %1023s", at) == 1)
			strcpy(path, at);
	if (f)
		fclose(f);
	return path;
}

static int enter(const char *dir, pid_t pid)
{
	char path[PATH_MAX + 32], text[16];
	snprintf(path, sizeof path, "%s/cgroup.procs", dir);
	int fd = open(path, O_WRONLY | O_CLOEXEC), n = sprintf(text, "%d", pid);
	int r = fd >= 0 && write(fd, text, (size_t)n) == n;
	close(fd);
	return r;
}

static void cgroup(void)
{
	char own[PATH_MAX + 64], below[PATH_MAX + 96];
	NEED_ROOT();
	if (!*cgroup2_mount())
		SKIP("no cgroup v2 is mounted");
	snprintf(own, sizeof own, "%s/procfd-test-%d", cgroup2_mount(), getpid());
	snprintf(below, sizeof below, "%s/below (deleted)", own);
	if (mkdir(own, 0755))
		SKIP("no cgroup may be made here");
	CHECK_EQ(mkdir(below, 0755), 0);
	struct kid a = kid(run_named), b = kid(run_named), c = kid(run_named);
	CHECK(enter(own, a.pid) && enter(below, b.pid));
	int dir = open(own, O_DIRECTORY | O_CLOEXEC), held = 0, n;
	for (int more = 0; more < 6; more++) {
		uint32_t keep = more & 2 ? PROC_SNAPSHOT_KEEP : 0;
		uint64_t mask = more & 1 ? BY_MORE : BY_STAT;
		n = take(dir, PROC_SNAPSHOT_CGROUP, keep, mask);
		CHECK(n == 1 && entries[0].pid == (uint32_t)a.pid);
		CHECK_EQ(entries[0].mask & mask, mask);
		n = take(dir, PROC_SNAPSHOT_CGROUP, keep | PROC_SNAPSHOT_BELOW, mask);
		CHECK(n == 2 && has(n, a.pid) && has(n, b.pid) && !has(n, c.pid));
		CHECK(entries[0].pid < entries[1].pid);
	}
	held = tap_fds(NULL, 0);
	take(dir, PROC_SNAPSHOT_CGROUP, PROC_SNAPSHOT_KEEP | PROC_SNAPSHOT_BELOW, BY_STAT);
	take(dir, PROC_SNAPSHOT_CGROUP, PROC_SNAPSHOT_KEEP | PROC_SNAPSHOT_BELOW, BY_STAT);
	CHECK_EQ(tap_fds(NULL, 0), held);
	drop();
	close(dir);
	int root = open(cgroup2_mount(), O_DIRECTORY | O_CLOEXEC), tmp = open("/tmp", O_DIRECTORY | O_CLOEXEC);
	n = take(root, PROC_SNAPSHOT_CGROUP, PROC_SNAPSHOT_BELOW, BY_STAT);
	CHECK(has(n, a.pid) && has(n, b.pid));
	struct procfd_snapshot s = all_in(PROC_SNAPSHOT_CGROUP, 0);
	CHECK_ERR(process_info(tmp, PROC_SNAPSHOT, BY_STAT, &s, sizeof s), ENOENT);
	CHECK_ERR(process_info(-1, PROC_SNAPSHOT, BY_STAT, &s, sizeof s), EBADF);
	close(root);
	close(tmp);
	gone(&a);
	gone(&b);
	gone(&c);
	UNTIL(rmdir(below) == 0);
	UNTIL(rmdir(own) == 0);
}

static void room_and_entry_sizes(void)
{
	static unsigned char raw[4096 * 9 + 16];
	unsigned char *at = raw + (8 - (uintptr_t)raw % 8);
	int n = take(-1, PROC_SNAPSHOT_ALL, 0, BY_STAT);
	struct procfd_snapshot s = { .scope = PROC_SNAPSHOT_ALL };
	CHECK_EQ(process_info(-1, PROC_SNAPSHOT, BY_STAT, &s, sizeof s), 0);
	CHECK(s.total >= 2 && s.total < (uint64_t)n + 1000);
	const uint64_t sizes[] = { 8, 16, 48, 128, sizeof(struct procfd_info), sizeof(struct procfd_info) + 8, 4096 };
	for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
		uint64_t size = sizes[k];
		memset(raw, 0x55, sizeof raw);
		s = (struct procfd_snapshot){ .entries = at, .entry_size = size, .room = 2 };
		CHECK_EQ(process_info(-1, PROC_SNAPSHOT, BY_STAT, &s, sizeof s), 2);
		CHECK(s.total > 2);
		struct procfd_info i[2] = { 0 };
		for (int e = 0; e < 2; e++)
			memcpy(&i[e], at + (uint64_t)e * size, size < sizeof *i ? size : sizeof *i);
		CHECK_EQ(!(i[0].mask & PROC_FIELD_IDS), size < 48);
		if (size >= 48)
			CHECK(i[0].pid == 1 && i[1].pid > 1);
		for (uint64_t b = sizeof *i; b < size; b++)
			CHECK(at[b] == 0 && at[size + b] == 0);
		CHECK_EQ(at[2 * size], 0x55);
		CHECK_EQ(at[-1], 0x55);
	}
}

#define BAD(field, value, err)                                                                 \
	do {                                                                                   \
		struct procfd_snapshot s_ = all_in(PROC_SNAPSHOT_ALL, 0);                      \
		s_.field = (value);                                                            \
		CHECK_ERR(process_info(-1, PROC_SNAPSHOT, BY_STAT, &s_, sizeof s_), err);      \
	} while (0)

static void bad_arguments(void)
{
	int fds[1] = { 0 }, self = sys_pidfd_open(getpid());
	struct procfd_snapshot s = all_in(PROC_SNAPSHOT_ALL, 0);
	for (int bit = 44; bit < 64; bit++)
		CHECK_ERR(process_info(-1, PROC_SNAPSHOT, 1ULL << bit, &s, sizeof s), EINVAL);
	CHECK_ERR(process_info(-1, PROC_SNAPSHOT, BY_STAT, NULL, sizeof s), EFAULT);
	CHECK_ERR(process_info(-1, PROC_SNAPSHOT, BY_STAT, NULL, 0), EFAULT);
	for (size_t n = 0; n < sizeof s; n++)
		CHECK_ERR(process_info(-1, PROC_SNAPSHOT, BY_STAT, &s, n), EINVAL);
	CHECK_ERR(process_info(self, PROC_SNAPSHOT, BY_STAT, &s, sizeof s), EINVAL);
	CHECK_ERR(process_info(0, PROC_SNAPSHOT, BY_STAT, &s, sizeof s), EINVAL);
	BAD(scope, 4, EINVAL);
	BAD(scope, UINT32_MAX, EINVAL);
	BAD(flags, 8, EINVAL);
	BAD(flags, PROC_SNAPSHOT_BELOW, EINVAL);
	BAD(flags, 1U << 31, EINVAL);
	BAD(fds, fds, EINVAL);
	BAD(fd_count, 1, EINVAL);
	BAD(entries, NULL, EFAULT);
	BAD(entries, (char *)entries + 4, EINVAL);
	BAD(entry_size, 0, EINVAL);
	BAD(entry_size, 4, EINVAL);
	BAD(entry_size, 12, EINVAL);
	BAD(entry_size, sizeof *entries + 1, EINVAL);
	BAD(entry_size, 4104, E2BIG);
	BAD(entry_size, 1ULL << 63, E2BIG);
	BAD(room, UINT64_MAX, E2BIG);
	s = all_in(PROC_SNAPSHOT_LIST, PROC_SNAPSHOT_KEEP);
	CHECK_ERR(process_info(-1, PROC_SNAPSHOT, BY_STAT, &s, sizeof s), EINVAL);
	s = all_in(PROC_SNAPSHOT_LIST, 0);
	s.fd_count = 1;
	CHECK_ERR(process_info(-1, PROC_SNAPSHOT, BY_STAT, &s, sizeof s), EFAULT);
	s.fds = fds;
	CHECK_ERR(process_info(self, PROC_SNAPSHOT, BY_STAT, &s, sizeof s), EINVAL);
	s.fd_count = UINT64_MAX;
	CHECK_ERR(process_info(-1, PROC_SNAPSHOT, BY_STAT, &s, sizeof s), E2BIG);
	s.fd_count = 1ULL << 40;
	CHECK_ERR(process_info(-1, PROC_SNAPSHOT, BY_STAT, &s, sizeof s), E2BIG);
	struct { struct procfd_snapshot s; uint64_t more; } longer = { all_in(PROC_SNAPSHOT_ALL, 0), 0 };
	CHECK(process_info(-1, PROC_SNAPSHOT, BY_STAT, &longer, sizeof longer) > 1);
	longer.more = 1;
	CHECK_ERR(process_info(-1, PROC_SNAPSHOT, BY_STAT, &longer, sizeof longer), E2BIG);
	close(self);
}

/* ---- what is kept ---- */

#define CROWD 100

static pid_t crowd[CROWD];

static void gather_crowd(void)
{
	for (int i = 0; i < CROWD; i++) {
		crowd[i] = fork();
		CHECK(crowd[i] >= 0);
		if (crowd[i] == 0) {
			alarm(CHILD_LIFE);
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
	}
}

static void disperse_crowd(void)
{
	for (int i = 0; i < CROWD; i++)
		kill_and_reap(crowd[i]);
}

static void set_nofile(rlim_t soft)
{
	struct rlimit l;
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &l), 0);
	l.rlim_cur = soft;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &l), 0);
}

/* How many more the program can open. */
static int can_open(void)
{
	int fds[1024], n = 0;
	while (n < 1024 && (fds[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		n++;
	for (int i = 0; i < n; i++)
		close(fds[i]);
	return n;
}

static int crowd_in(int n)
{
	int seen = 0;
	for (int i = 0; i < CROWD; i++)
		seen += has(n, crowd[i]);
	return seen;
}

static void kept_descriptors(void)
{
	int more = *(getenv("KID_MORE")) - '0', before = tap_fds(NULL, 0), taken[1024];
	uint64_t mask = more ? BY_MORE : BY_STAT;
	set_nofile(64);
	int room = can_open();
	for (int round = 0; round < 3; round++) {
		CHECK_EQ(crowd_in(take(-1, PROC_SNAPSHOT_ALL, PROC_SNAPSHOT_KEEP, mask)), CROWD);
		int kept = tap_fds(NULL, 0) - before;
		CHECK(kept > 0 && kept <= 32);
		CHECK(can_open() >= 25);
		CHECK_EQ(can_open(), room - kept);
	}
	drop();
	CHECK_EQ(tap_fds(NULL, 0), before);
	/* A program that has many open itself: nothing is taken from the rest. */
	for (int i = 0; i < 40; i++)
		taken[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	room = can_open();
	CHECK(room > 0);
	for (int round = 0; round < 2; round++) {
		CHECK_EQ(crowd_in(take(-1, PROC_SNAPSHOT_ALL, PROC_SNAPSHOT_KEEP, mask)), CROWD);
		CHECK_EQ(can_open(), room);
	}
	for (int i = 0; i < 40; i++)
		close(taken[i]);
	/* The program takes the rest when much is kept: what is kept makes way. */
	take(-1, PROC_SNAPSHOT_ALL, PROC_SNAPSHOT_KEEP, mask);
	CHECK(tap_fds(NULL, 0) - before > 8);
	int n = 0;
	while ((taken[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		n++;
	CHECK_EQ(errno, EMFILE);
	CHECK_EQ(crowd_in(take(-1, PROC_SNAPSHOT_ALL, PROC_SNAPSHOT_KEEP, mask)), CROWD);
	drop();
	/* Nothing left at all. */
	while ((taken[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		n++;
	struct procfd_snapshot s = all_in(PROC_SNAPSHOT_ALL, PROC_SNAPSHOT_KEEP);
	CHECK_ERR(process_info(-1, PROC_SNAPSHOT, mask, &s, sizeof s), EMFILE);
	/* It is not the process that lacks what cannot be read. */
	int self = taken[--n];
	close(self);
	CHECK_EQ(sys_pidfd_open(getpid()), self);
	struct procfd_info i;
	CHECK_ERR(process_info(self, PROC_INFO, PROC_FIELD_STATE, &i, sizeof i), EMFILE);
	CHECK_ERR(process_info(self, PROC_INFO, EVERY_FIELD, &i, sizeof i), EMFILE);
	ALL_OF(self, PROC_FIELD_IDS | PROC_FIELD_CREDS | PROC_FIELD_CPU | PROC_FIELD_INODE);
	close(self);
	if (more)
		CHECK_ERR(process_info(-1, PROC_SNAPSHOT, mask, &s, sizeof s), EMFILE);
	/* One whose leader has ended before others takes three: itself, its threads, and one of their files. */
	for (int i = 0; i < 2; i++)
		close(taken[--n]);
	CHECK_EQ(crowd_in(take(-1, PROC_SNAPSHOT_ALL, PROC_SNAPSHOT_KEEP, mask)), CROWD);
	CHECK_EQ(can_open(), 3);
	while (n)
		close(taken[--n]);
	/* A limit that is lowered. */
	set_nofile(1024);
	take(-1, PROC_SNAPSHOT_ALL, PROC_SNAPSHOT_KEEP, mask);
	CHECK(tap_fds(NULL, 0) - before > 64);
	set_nofile(64);
	take(-1, PROC_SNAPSHOT_ALL, PROC_SNAPSHOT_KEEP, mask);
	CHECK(tap_fds(NULL, 0) - before <= 32);
	drop();
	CHECK_EQ(tap_fds(NULL, 0), before);
}

static void keep_in_fork(void *arg)
{
	setenv("KID_MORE", arg, 1);
	gather_crowd();
	/* The kept /proc is not what is counted here. */
	take(-1, PROC_SNAPSHOT_ALL, 0, BY_MORE);
	kept_descriptors();
	disperse_crowd();
}

static void keep_by_stat(void)
{
	in_fork(keep_in_fork, "0");
}

static void keep_by_more(void)
{
	in_fork(keep_in_fork, "1");
}

/* All it has opened itself stays its own, whatever numbers others had before. */
static void own_files_stay(uint64_t mask)
{
	int fds[60];
	struct stat null, st;
	CHECK_EQ(stat("/dev/null", &null), 0);
	for (int i = 0; i < 60; i++)
		CHECK((fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0);
	for (int round = 0; round < 2; round++) {
		int n = take(-1, PROC_SNAPSHOT_ALL, PROC_SNAPSHOT_KEEP, mask);
		CHECK(has(n, getpid()) && has(n, getppid()));
	}
	drop();
	for (int i = 0; i < 60; i++) {
		CHECK_EQ(fstat(fds[i], &st), 0);
		CHECK_EQ(st.st_rdev, null.st_rdev);
		close(fds[i]);
	}
}

static void fork_while_kept(void)
{
	for (int more = 0; more < 2; more++) {
		uint64_t mask = more ? BY_MORE : BY_STAT;
		int before = tap_fds(NULL, 0);
		for (int raw = 0; raw < 2; raw++) {
			take(-1, PROC_SNAPSHOT_ALL, PROC_SNAPSHOT_KEEP, mask);
			int kept = tap_fds(NULL, 0);
			CHECK(kept > before);
			/* Also one that the C library does not hear of. */
			pid_t pid = raw ? (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) : fork();
			CHECK(pid >= 0);
			if (pid == 0) {
				alarm(CHILD_LIFE);
				own_files_stay(mask);
				_exit(0);
			}
			expect_status(pid, 0);
			CHECK_EQ(tap_fds(NULL, 0), kept);
			int n = take(-1, PROC_SNAPSHOT_ALL, PROC_SNAPSHOT_KEEP, mask);
			CHECK(has(n, getpid()) && !has(n, pid));
			own_files_stay(mask);
			drop();
			CHECK_EQ(tap_fds(NULL, 0), before);
		}
	}
}

/* ---- many at once ---- */

static atomic_int wrong, stop;
/* What the names of this program's processes begin with: the same program may run as another user. */
static char prefix[12];

static void *thread_snaps(void *arg)
{
	uint64_t turn = (uintptr_t)arg;
	struct procfd_info *own = malloc(4096 * sizeof *own);
	for (int round = 0; !stop && !wrong; round++) {
		struct procfd_snapshot s = { .scope = PROC_SNAPSHOT_ALL, .entries = own,
					     .entry_size = sizeof *own, .room = 4096,
					     .flags = (turn + (uint64_t)round) % 3 ? PROC_SNAPSHOT_KEEP : 0 };
		uint64_t mask = (turn + (uint64_t)round / 5) % 2 ? BY_MORE : BY_STAT;
		int n = process_info(-1, PROC_SNAPSHOT, mask, &s, sizeof s), self = 0;
		for (int i = 0; i < n; i++) {
			const struct procfd_info *e = &own[i];
			int mine = e->ppid == (uint32_t)getpid(), is_self = e->pid == (uint32_t)getpid(),
			    named = !is_self && !strncmp(e->comm, prefix, strlen(prefix));
			self += is_self;
			int bad = (i && own[i - 1].pid >= e->pid) || !(e->mask & PROC_FIELD_IDS) || !e->pid;
			if (e->mask & PROC_FIELD_COMM)
				bad |= (mine != named) << 1;
			if (named && e->mask & PROC_FIELD_JOB)
				bad |= (e->sid != (uint32_t)getsid(0)) << 2;
			if (named && e->mask & PROC_FIELD_THREADS)
				bad |= (e->threads != 1) << 3;
			if (named && e->mask & PROC_FIELD_UMASK)
				bad |= (e->umask != (uint32_t)atoi(e->comm + strlen(prefix))) << 4;
			if (bad) {
				wrong++;
				diag("%#x: pid %u, ppid %u, \"%s\", sid %u, threads %u, umask %u, mask %#llx",
				     bad, e->pid, e->ppid, e->comm, e->sid, e->threads, e->umask,
				     (unsigned long long)e->mask);
			}
		}
		if (n < 2 || self != 1) {
			wrong++;
			diag("%d entries, itself %d times, errno %d", n, self, errno);
		}
	}
	free(own);
	return NULL;
}

static void processes_come_and_go_under_two_threads(void)
{
	pthread_t t[2];
	snprintf(prefix, sizeof prefix, "p%x ", (unsigned)getpid());
	for (uintptr_t n = 0; n < 2; n++)
		CHECK_EQ(pthread_create(&t[n], NULL, thread_snaps, (void *)n), 0);
	for (int n = 0; n < 1500 && !wrong; n++) {
		char name[16];
		snprintf(name, sizeof name, "%s%d", prefix, n % 512);
		prctl(PR_SET_NAME, name);
		umask((mode_t)n % 512);
		pid_t pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			usleep((useconds_t)(n % 700));
			_exit(0);
		}
		CHECK_EQ(waitpid(pid, NULL, 0), pid);
	}
	stop = 1;
	for (int n = 0; n < 2; n++)
		pthread_join(t[n], NULL);
	CHECK_EQ(wrong, 0);
	drop();
}

TAP_MAIN(CASE(all), CASE(every_field), CASE(list), CASE(tree), CASE(cgroup),
	 CASE(room_and_entry_sizes), CASE(bad_arguments), CASE(keep_by_stat), CASE(keep_by_more),
	 CASE(fork_while_kept), CASE(processes_come_and_go_under_two_threads))

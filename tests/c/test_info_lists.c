/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* process_info: records and lists. */
#include "info.h"

#include <sys/sysmacros.h>

#define STACK (64 * 1024)

/* ---- mappings ---- */

static void map_odd_file(void *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	const size_t size = page_size();
	CHECK_EQ(ftruncate(fd, (off_t)(2 * size)), 0);
	CHECK(mmap(NULL, size, PROT_READ, MAP_SHARED, fd, (off_t)size) != MAP_FAILED);
	close(fd);
	unlink(path);
}

static void as_in_proc(const struct procfd_map *m, const char *path, void *arg)
{
	char **line = arg, want[PATH_MAX + 128], *end = strchr(*line, '\n');
	int n = snprintf(want, sizeof want, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", (long)m->start,
			 (long)m->end, m->flags & PROC_MAP_READ ? 'r' : '-',
			 m->flags & PROC_MAP_WRITE ? 'w' : '-', m->flags & PROC_MAP_EXEC ? 'x' : '-',
			 m->flags & PROC_MAP_SHARED ? 's' : 'p', (long)m->offset, major(m->device),
			 minor(m->device), (long)m->inode);
	CHECK(end);
	if (strncmp(*line, want, (size_t)n))
		FAIL("\"%.*s\", not \"%s\"", (int)(end - *line), *line, want);
	/* The name, which has its newline escaped there. */
	if (!strchr(path, '\n')) {
		size_t l = strlen(path);
		CHECK(end - *line >= (ptrdiff_t)l && !memcmp(end - l, path, l));
	}
	*line = end + 1;
}

static void find_odd(const struct procfd_map *m, const char *path, void *arg)
{
	if (strstr(path, "/odd\nname (deleted)")) {
		++*(int *)arg;
		CHECK_EQ(m->flags, PROC_MAP_READ | PROC_MAP_SHARED);
		CHECK_EQ(m->offset, page_size());
		CHECK_EQ(m->end - m->start, page_size());
	}
}

static void mappings(void)
{
	static char file[1 << 20];
	char *dir = make_dir(), odd[PATH_MAX], *line = file;
	snprintf(odd, sizeof odd, "%s/odd\nname", dir);
	struct stay s = stay(map_odd_file, odd);
	file_of(s.pid, "maps", file, sizeof file);
	int n = process_info(s.fd, PROC_INFO_MAPS, 0, NULL, 0);
	CHECK(n > 0);
	CHECK_EQ(process_info(s.fd, PROC_INFO_MAPS, 0, big, sizeof big), n);
	int count = maps_in(big, n, as_in_proc, &line), found = 0;
	CHECK_EQ(*line, 0);
	maps_in(big, n, find_odd, &found);
	CHECK_EQ(found, 1);
	/* Whole records, then an end, and nothing beyond the buffer. */
	for (int size = 0; size <= n + 16; size += 4) {
		memset(big, 'x', (size_t)n + 64);
		CHECK_EQ(process_info(s.fd, PROC_INFO_MAPS, 0, big, (size_t)size), n);
		int some = maps_in(big, size, NULL, NULL);
		CHECK(some <= count && (size < n || some == count));
		CHECK_EQ(big[size], 'x');
	}
	stay_end(s);
	remove_tree(dir);
}

/* ---- descriptors ---- */

enum { FILE_ = 800, DIR_, PIPE_, SOCKET_, NULL_, EVENT_, MEMFD_, LINK_, NS_ };

static void open_some(void *dir)
{
	char path[PATH_MAX];
	int p[2], s[2];
	CHECK_EQ(syscall(SYS_close_range, 3 + 64, ~0U, 0), 0);
	snprintf(path, sizeof path, "%s/f\nile", (char *)dir);
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND, 0600);
	CHECK_EQ(write(fd, "12345", 5), 5);
	CHECK(dup3(fd, FILE_, O_CLOEXEC) >= 0);
	CHECK(dup2(open(dir, O_RDONLY | O_DIRECTORY), DIR_) >= 0);
	CHECK_EQ(pipe(p), 0);
	CHECK(dup2(p[1], PIPE_) >= 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	CHECK(dup2(s[0], SOCKET_) >= 0);
	CHECK(dup2(open("/dev/null", O_WRONLY), NULL_) >= 0);
	CHECK(dup2(eventfd(0, EFD_NONBLOCK), EVENT_) >= 0);
	CHECK(dup2(memfd_create("m", 0), MEMFD_) >= 0);
	snprintf(path, sizeof path, "%s/link", (char *)dir);
	CHECK_EQ(symlink("nowhere", path), 0);
	CHECK(dup2(open(path, O_PATH | O_NOFOLLOW), LINK_) >= 0);
	CHECK(dup2(open("/proc/self/ns/uts", O_RDONLY), NS_) >= 0);
}

static void descriptors_of(int pidfd, pid_t pid)
{
	static const uint32_t kinds[] = {
		PROC_FD_KIND_FILE, PROC_FD_KIND_DIR, PROC_FD_KIND_PIPE, PROC_FD_KIND_SOCKET, PROC_FD_KIND_CHAR,
		PROC_FD_KIND_ANON, PROC_FD_KIND_FILE, PROC_FD_KIND_LINK, PROC_FD_KIND_ANON,
	};
	static char records[1 << 20];
	int n = process_info(pidfd, PROC_INFO_FDS, 0, records, sizeof records);
	CHECK(n > 0 && n <= (int)sizeof records);
	for (int number = FILE_; number <= NS_; number++) {
		const char *path = NULL;
		const struct procfd_fd *f = fd_in(records, n, number, &path);
		char link[64], want[PATH_MAX + 1];
		struct stat st;
		if (!f)
			FAIL("no descriptor %d", number);
		CHECK_EQ(f->kind, kinds[number - FILE_]);
		snprintf(link, sizeof link, "/proc/%d/fd/%d", pid, number);
		ssize_t l = readlink(link, want, sizeof want - 1);
		CHECK(l > 0);
		want[l] = 0;
		CHECK_STR(path, want);
			if (number != LINK_) {
			CHECK_EQ(stat(link, &st), 0);
			CHECK_EQ(f->inode, st.st_ino);
			CHECK_EQ(f->device, st.st_dev);
			CHECK_EQ(f->rdev, st.st_rdev);
		}
		CHECK_EQ(process_info(pidfd, PROC_INFO_FD_PATH, (uint64_t)number, big, sizeof big), (int)l);
		CHECK_STR(big, want);
		if (number == FILE_) {
			CHECK_EQ(f->position, 5);
			CHECK_EQ(f->flags & (O_ACCMODE | O_APPEND | O_CLOEXEC), O_RDWR | O_APPEND | O_CLOEXEC);
			CHECK(strstr(path, "/f\nile"));
		} else {
			CHECK_EQ(f->flags & O_CLOEXEC, 0);
		}
		if (number == EVENT_)
			CHECK(f->flags & O_NONBLOCK);
	}
	CHECK_ERR(process_info(pidfd, PROC_INFO_FD_PATH, 999, NULL, 0), EBADF);
	CHECK_ERR(process_info(pidfd, PROC_INFO_FD_PATH, 1ULL << 32, NULL, 0), EBADF);
}

static void descriptors(void)
{
	char *dir = make_dir();
	struct stay s = stay(open_some, dir);
	descriptors_of(s.fd, s.pid);
	stay_end(s);
	remove_tree(dir);
}

/* ---- threads ---- */

static void *thread_stays(void *name)
{
	prctl(PR_SET_NAME, name);
	for (;;)
		pause();
	return NULL;
}

static void start_thread(const char *name)
{
	pthread_attr_t attr;
	pthread_t t;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	CHECK_EQ(pthread_create(&t, &attr, thread_stays, (void *)name), 0);
}

static const char odd_name[] = "a) S 1 2\n\\ (b";

static void start_threads(void *unused)
{
	sigset_t set;
	(void)unused;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	prctl(PR_SET_NAME, "leader");
	start_thread(odd_name);
	start_thread("burner");
	/* They have their names and sleep. */
	char text[4096];
	for (int named = 0; named < 2;) {
		named = 0;
		DIR *d = opendir("/proc/self/task");
		for (struct dirent *e; (e = readdir(d));) {
			char path[300];
			snprintf(path, sizeof path, "/proc/self/task/%s/comm", e->d_name);
			int fd = open(path, O_RDONLY);
			ssize_t l = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
			close(fd);
			text[l > 0 ? l : 0] = 0;
			named += !strncmp(text, odd_name, strlen(odd_name)) || !strncmp(text, "burner", 6);
		}
		closedir(d);
	}
	for (volatile long i = 0; i < 20000000; i++)
		;
}

#define THREAD_FIELDS                                                                          \
	(PROC_FIELD_IDS | PROC_FIELD_STATE | PROC_FIELD_START | PROC_FIELD_COMM | PROC_FIELD_TIMES |  \
	 PROC_FIELD_FAULTS | PROC_FIELD_SCHED | PROC_FIELD_SWITCHES | PROC_FIELD_SIGNALS)

static void threads(void)
{
	struct procfd_thread t[8];
	struct procfd_info i;
	struct stay s = stay(start_threads, NULL);
	CHECK_EQ(process_info(s.fd, PROC_INFO_THREADS, 0, NULL, 0), 3);
	memset(t, 0xee, sizeof t);
	/* What is not of a thread is passed over. */
	CHECK_EQ(process_info(s.fd, PROC_INFO_THREADS, THREAD_FIELDS | PROC_FIELD_LIMITS | PROC_FIELD_CPU, t,
			      sizeof t), 3);
	CHECK_EQ(process_info(s.fd, PROC_INFO, PROC_FIELD_START | PROC_FIELD_SIGNALS, &i, sizeof i), 0);
	int odd = 0;
	for (int n = 0; n < 3; n++) {
		CHECK_EQ(t[n].mask & ~PROC_FIELD_CPU, THREAD_FIELDS);
		CHECK(n == 0 || t[n].tid > t[n - 1].tid);
		CHECK(t[n].state == 'S' || t[n].state == 'R');
		CHECK_EQ(t[n].priority, 20 + t[n].nice);
		CHECK_EQ(t[n].policy, (uint32_t)sched_getscheduler((pid_t)t[n].tid));
		CHECK(t[n].start_boot_ns >= i.start_boot_ns);
		odd += !strcmp(t[n].comm, odd_name);
	}
	CHECK_EQ(odd, 1);
	CHECK_EQ(t[0].tid, (uint32_t)s.pid);
	CHECK_STR(t[0].comm, "leader");
	CHECK_EQ(t[0].start_boot_ns, i.start_boot_ns);
	if (t[0].mask & PROC_FIELD_CPU)
		CHECK(t[0].cpu_ns > t[1].cpu_ns && t[0].cpu_ns > t[2].cpu_ns);
	/* The fourth is as it was. */
	CHECK_EQ(t[3].tid, 0xeeeeeeee);
	/* Two and a half. */
	memset(t, 0xee, sizeof t);
	CHECK_EQ(process_info(s.fd, PROC_INFO_THREADS, PROC_FIELD_COMM, t, 5 * sizeof *t / 2), 3);
	CHECK_EQ(t[1].mask, PROC_FIELD_COMM | PROC_FIELD_IDS);
	CHECK_EQ(t[1].start_boot_ns, 0);
	CHECK_EQ(t[2].tid, 0xeeeeeeee);
	CHECK_ERR(process_info(s.fd, PROC_INFO_THREADS, 1ULL << 63, NULL, 0), EINVAL);
	/* A signal for one of them. */
	CHECK_EQ(t[1].sig_pending, 0);
	CHECK_EQ(syscall(SYS_tgkill, s.pid, (pid_t)t[0].tid, SIGUSR2), 0);
	CHECK_EQ(process_info(s.fd, PROC_INFO_THREADS, PROC_FIELD_SIGNALS, t, sizeof t), 3);
	CHECK_EQ(t[0].sig_pending, 1u << (SIGUSR2 - 1));
	CHECK_EQ(t[0].sig_blocked, 1u << (SIGUSR2 - 1));
	CHECK_EQ(t[1].sig_pending, 0);
	stay_end(s);
}

static char *leader_dir;

static void *last_thread(void *ready)
{
	/* The leader's end shows in its state. */
	for (char text[512] = ""; !strstr(text, ") Z ");) {
		int fd = open("/proc/self/stat", O_RDONLY);
		ssize_t l = read(fd, text, sizeof text - 1);
		text[l > 0 ? l : 0] = 0;
		close(fd);
	}
	if (write(*(int *)ready, "r", 1) != 1)
		_exit(1);
	for (;;)
		pause();
	return NULL;
}

static void a_leader_that_has_ended(void)
{
	static struct out ready;
	leader_dir = make_dir();
	ready = make_pipe();
	pid_t pid = fork();
	if (pid == 0) {
		pthread_t t;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		CHECK_EQ(chdir(leader_dir), 0);
		open_some(leader_dir);
		CHECK_EQ(pthread_create(&t, NULL, last_thread, &ready.w), 0);
		syscall(SYS_exit, 0);
	}
	close(ready.w);
	int fd = sys_pidfd_open(pid);
	char c, real[PATH_MAX];
	if (read(ready.r, &c, 1) != 1)
		FAIL("no thread is left");
	close(ready.r);
	CHECK_STR(text_of(fd, PROC_INFO_EXE), self_path);
	CHECK(realpath(leader_dir, real));
	CHECK_STR(text_of(fd, PROC_INFO_CWD), real);
	CHECK_STR(text_of(fd, PROC_INFO_ROOT), "/");
	CHECK(strstr(text_of(fd, PROC_INFO_ARGV), "test_info_lists"));
	CHECK(process_info(fd, PROC_INFO_ENVIRON, 0, big, sizeof big) >= 0);
	CHECK(process_info(fd, PROC_INFO_AUXV, 0, big, sizeof big) > 0);
	CHECK(process_info(fd, PROC_INFO_MOUNTS, 0, big, sizeof big) > 0);
	int n = process_info(fd, PROC_INFO_MAPS, 0, big, sizeof big);
	CHECK(n > 0 && maps_in(big, n, NULL, NULL) > 3);
	int ns = process_info(fd, PROC_INFO_NSFD, CLONE_NEWUTS, NULL, 0);
	CHECK(ns >= 0);
	close(ns);
	n = process_info(fd, PROC_INFO_FDS, 0, big, sizeof big);
	const char *path;
	CHECK(n > 0 && fd_in(big, n, SOCKET_, &path));
	CHECK(process_info(fd, PROC_INFO_FD_PATH, FILE_, big, sizeof big) > 0);
	CHECK_ERR(process_info(fd, PROC_INFO_FD_PATH, 999, NULL, 0), EBADF);
	struct procfd_thread t[3];
	CHECK_EQ(process_info(fd, PROC_INFO_THREADS, PROC_FIELD_STATE, t, sizeof t), 2);
	CHECK_EQ(t[0].state, 'Z');
	CHECK(t[1].state == 'S' || t[1].state == 'R');
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	CHECK_ERR(process_info(fd, PROC_INFO_EXE, 0, NULL, 0), ESRCH);
	close(fd);
	remove_tree(leader_dir);
}

/* ---- families ---- */

static void fork_two(void *arg)
{
	int *depth = arg;
	if (*depth == 0)
		return;
	--*depth;
	for (int i = 0; i < 2; i++) {
		pid_t parent = getpid(), pid = fork();
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() != parent)
				_exit(0);
			fork_two(depth);
			for (;;)
				pause();
		}
	}
}

static int refs_of(int fd, uint32_t cmd, struct procfd_ref *refs, int room)
{
	int n = process_info(fd, cmd, 0, refs, (size_t)room * sizeof *refs);
	CHECK(n >= 0 && n <= room);
	return n;
}

static void families(void)
{
	struct procfd_ref refs[32], again[32];
	int depth = 2;
	struct stay s = stay(fork_two, &depth);
	/* The grandchildren are made by the children, in their own time. */
	while (process_info(s.fd, PROC_INFO_DESCENDANTS, 0, NULL, 0) < 6)
		usleep(1000);
	CHECK_EQ(refs_of(s.fd, PROC_INFO_DESCENDANTS, refs, 32), 6);
	for (int i = 0; i < 6; i++) {
		struct procfd_info info;
		struct stat st;
		int parent = -1, fd = sys_pidfd_open((pid_t)refs[i].pid);
		CHECK(fd >= 0);
		for (int j = 0; j < i; j++)
			if (refs[j].pid == refs[i].ppid)
				parent = j;
		CHECK_EQ(parent == -1, i < 2);
		if (i < 2)
			CHECK_EQ(refs[i].ppid, (uint32_t)s.pid);
		CHECK_EQ(process_info(fd, PROC_INFO, PROC_FIELD_START | PROC_FIELD_IDS, &info, sizeof info), 0);
		CHECK_EQ(info.start_boot_ns, refs[i].start_boot_ns);
		CHECK_EQ(info.ppid, refs[i].ppid);
		CHECK_EQ(fstat(fd, &st), 0);
		if (refs[i].inode)
			CHECK_EQ(refs[i].inode, st.st_ino);
		close(fd);
	}
	CHECK_EQ(refs_of(s.fd, PROC_INFO_CHILDREN, again, 32), 2);
	CHECK(!memcmp(again, refs, 2 * sizeof *refs));
	memset(again, 0, sizeof again);
	CHECK_EQ(process_info(s.fd, PROC_INFO_DESCENDANTS, 0, again, sizeof *again), 6);
	CHECK(!memcmp(again, refs, sizeof *refs) && again[1].pid == 0);
	stay_end(s);
}

/* ---- lists ---- */

static void take_groups(void *unused)
{
	(void)unused;
	static gid_t many[5000];
	for (int i = 0; i < 5000; i++)
		many[i] = (gid_t)(4294900000u + (unsigned)i);
	CHECK_EQ(setgroups(5000, many), 0);
}

static void groups(void)
{
	gid_t own[64], got[5001];
	int n = getgroups(64, own);
	struct stay s = stay(NULL, NULL);
	CHECK_EQ(process_info(s.fd, PROC_INFO_GROUPS, 0, got, sizeof got), n);
	CHECK(!memcmp(own, got, (size_t)n * sizeof *own));
	stay_end(s);
	NEED_ROOT();
	s = stay(take_groups, NULL);
	CHECK_EQ(process_info(s.fd, PROC_INFO_GROUPS, 0, got, sizeof got), 5000);
	for (int i = 0; i < 5000; i++)
		CHECK_EQ(got[i], 4294900000u + (unsigned)i);
	stay_end(s);
}

static void one_processor(void *cpu)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(*(int *)cpu, &set);
	CHECK_EQ(sched_setaffinity(0, sizeof set, &set), 0);
}

static void affinity(void)
{
	cpu_set_t own;
	unsigned char mask[1024];
	CHECK_EQ(sched_getaffinity(0, sizeof own, &own), 0);
	int last = -1;
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &own))
			last = i;
	struct stay s = stay(one_processor, &last);
	int n = process_info(s.fd, PROC_INFO_AFFINITY, 0, mask, sizeof mask);
	CHECK(n > last / 8);
	for (int i = 0; i < 8 * n; i++)
		CHECK_EQ(mask[i / 8] >> i % 8 & 1, i == last);
	stay_end(s);
}

static void id_maps(void)
{
	struct procfd_idmap map[8];
	struct stay s = stay(NULL, NULL);
	char text[512];
	unsigned inside, outside, count;
	file_of(s.pid, "uid_map", text, sizeof text);
	CHECK_EQ(sscanf(text, "%u %u %u", &inside, &outside, &count), 3);
	CHECK(process_info(s.fd, PROC_INFO_UID_MAP, 0, map, sizeof map) >= 1);
	CHECK_EQ(map[0].inside, inside);
	CHECK_EQ(map[0].outside, outside);
	CHECK_EQ(map[0].count, count);
	CHECK_EQ(map[0].reserved, 0);
	stay_end(s);
	NEED_ROOT();
	struct procfd_idmap uids[] = { { 0, 1000, 1, 0 }, { 1, 100000, 65536, 0 } };
	struct procfd_idmap gids[] = { { 0, 2000, 3, 0 } };
	int fd = ctx();
	set_child(fd, "pause");
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER);
	CFG(fd, PROC_SET_UID_MAP, 0, uids, sizeof uids);
	CFG(fd, PROC_SET_GID_MAP, 0, gids, sizeof gids);
	create(fd);
	CHECK_EQ(process_info(fd, PROC_INFO_UID_MAP, 0, map, sizeof map), 2);
	CHECK(!memcmp(map, uids, sizeof uids));
	CHECK_EQ(process_info(fd, PROC_INFO_GID_MAP, 0, map, sizeof map), 1);
	CHECK(!memcmp(map, gids, sizeof gids));
	finish(fd);
}

static void namespaces(void)
{
	static const struct {
		uint64_t flag;
		const char *name;
	} kinds[] = { { CLONE_NEWCGROUP, "cgroup" }, { CLONE_NEWIPC, "ipc" },	{ CLONE_NEWNS, "mnt" },
		      { CLONE_NEWNET, "net" },	     { CLONE_NEWPID, "pid" },	{ CLONE_NEWTIME, "time" },
		      { CLONE_NEWUSER, "user" },     { CLONE_NEWUTS, "uts" } };
	struct stay s = stay(NULL, NULL);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct stat a, b;
		char path[64];
		snprintf(path, sizeof path, "/proc/%d/ns/%s", s.pid, kinds[i].name);
		if (stat(path, &a) && errno == ENOENT)
			continue;
		int fd = process_info(s.fd, PROC_INFO_NSFD, kinds[i].flag, NULL, 0);
		if (fd < 0)
			FAIL("%s: %s", kinds[i].name, strerror(errno));
		CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
		CHECK_EQ(fstat(fd, &b), 0);
		CHECK_EQ(a.st_ino, b.st_ino);
		CHECK_EQ(a.st_dev, b.st_dev);
		close(fd);
	}
	CHECK_ERR(process_info(s.fd, PROC_INFO_NSFD, 0, NULL, 0), EINVAL);
	CHECK_ERR(process_info(s.fd, PROC_INFO_NSFD, CLONE_NEWUTS | CLONE_NEWNET, NULL, 0), EINVAL);
	CHECK_ERR(process_info(s.fd, PROC_INFO_NSFD, CLONE_VM, NULL, 0), EINVAL);
	CHECK_ERR(process_info(s.fd, PROC_INFO_NSFD, CLONE_NEWUTS, big, 8), EINVAL);
	stay_end(s);
}

static void in_a_pid_namespace(void)
{
	NEED_ROOT();
	int fd = ctx();
	set_child(fd, "family");
	SET(fd, PROC_SET_FLAG, CLONE_NEWPID);
	pid_t pid;
	int r = create_with_output(fd, &pid);
	read_ready(r);
	struct procfd_ref ref;
	CHECK_STR(text_of(fd, PROC_INFO_EXE), self_path);
	CHECK_EQ(process_info(fd, PROC_INFO_CHILDREN, 0, &ref, sizeof ref), 1);
	CHECK_EQ(ref.ppid, (uint32_t)pid);
	struct procfd_thread t;
	CHECK_EQ(process_info(fd, PROC_INFO_THREADS, 0, &t, sizeof t), 1);
	CHECK_EQ(t.tid, (uint32_t)pid);
	close(r);
	/* Whom the caller's namespace does not have. */
	struct stay s = stay(NULL, NULL);
	pid_t asker = fork();
	if (asker == 0) {
		CHECK_EQ(unshare(CLONE_NEWPID), 0);
		pid_t init = fork();
		if (init == 0) {
			CHECK_ERR(process_info(s.fd, PROC_INFO_EXE, 0, NULL, 0), EREMOTE);
			CHECK_ERR(process_info(s.fd, PROC_INFO_THREADS, 0, NULL, 0), EREMOTE);
			/* Its own, by a /proc of another namespace. */
			int own = sys_pidfd_open(getpid());
			CHECK_ERR(process_info(own, PROC_INFO_EXE, 0, NULL, 0), EREMOTE);
			CHECK_ERR(process_info(own, PROC_INFO_DESCENDANTS, 0, NULL, 0), EREMOTE);
			_exit(0);
		}
		int status;
		CHECK_EQ(waitpid(init, &status, 0), init);
		_exit(status != 0);
	}
	int status;
	CHECK_EQ(waitpid(asker, &status, 0), asker);
	CHECK_EQ(status, 0);
	stay_end(s);
	finish(fd);
}

/* ---- arguments ---- */

static void bad_arguments(void)
{
	struct stay s = stay(NULL, NULL);
	for (uint32_t cmd = PROC_INFO_EXE; cmd <= PROC_INFO_FDS; cmd++) {
		if (cmd > PROC_INFO_FD_PATH && cmd < PROC_INFO_THREADS) {
			CHECK_ERR(process_info(s.fd, cmd, 0, big, 64), EINVAL);
			continue;
		}
		CHECK_ERR(process_info(s.fd, cmd, 0, NULL, 64), EFAULT);
		CHECK_ERR(process_info(s.fd, cmd, 0, (void *)8, 64), EFAULT);
		CHECK_ERR(process_info(-1, cmd, 0, big, 64), EBADF);
		CHECK_ERR(process_info(0, cmd, 0, big, 64), EINVAL);
		if (cmd != PROC_INFO_FD_PATH && cmd != PROC_INFO_THREADS)
			CHECK_ERR(process_info(s.fd, cmd, 1ULL << 60, big, 64), EINVAL);
	}
	CHECK_ERR(process_info(s.fd, 0x329, 0, NULL, 0), EINVAL);
	CHECK_ERR(process_info(s.fd, 0x30f, 0, NULL, 0), EINVAL);
	stay_end(s);
}

static void by_any_descriptor(void)
{
	int fd = ctx();
	set_child(fd, "pause");
	char path[64];
	snprintf(path, sizeof path, "/proc/%d", create(fd));
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fds[] = { fd, pidfd, dir };
	for (int i = 0; i < 3; i++) {
		CHECK_STR(text_of(fds[i], PROC_INFO_EXE), self_path);
		CHECK_EQ(process_info(fds[i], PROC_INFO_THREADS, 0, NULL, 0), 1);
	}
	close(pidfd);
	close(dir);
	finish(fd);
}

TAP_MAIN(CASE(mappings), CASE(descriptors), CASE(threads), CASE(a_leader_that_has_ended),
	 CASE(families), CASE(groups), CASE(affinity), CASE(id_maps), CASE(namespaces),
	 CASE(in_a_pid_namespace), CASE(bad_arguments), CASE(by_any_descriptor))

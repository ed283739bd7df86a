// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The creator is killed with SIGKILL at random instants of PROC_CREATE: of a child with a close
 * policy nothing may be left. Whatever lives on comes down to the case, which is a subreaper.
 * PROCFD_KILL_SECONDS makes each case last that long instead of the few seconds it has by itself.
 */
#include "util.h"

enum { BEFORE, CREATING, CREATED, N_PHASES };

struct shared {
	atomic_int phase, go;
	atomic_llong begun, done;
};

typedef void (*setup)(int fd);

static char marker[64];

static unsigned long long random_state = 88172645463325252ULL;

static unsigned long long random_number(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void create_and_hold(struct shared *sh, setup more, uint64_t flags)
{
	int fd = process_open(flags);
	if (fd < 0)
		_exit(2);
	set_child(fd, "pause", marker);
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	if (more)
		more(fd);
	atomic_store(&sh->phase, CREATING);
	atomic_store(&sh->begun, now_ns());
	create(fd);
	atomic_store(&sh->done, now_ns());
	atomic_store(&sh->phase, CREATED);
	for (;;)
		pause();
}

/* Processes with the marker in their arguments, zombies not counted. */
static int marked(void)
{
	int n = 0;
	DIR *d = opendir("/proc");
	CHECK(d);
	for (struct dirent *e; (e = readdir(d));) {
		char path[64], cmd[4096];
		if (!isdigit((unsigned char)e->d_name[0]) || atoi(e->d_name) == getpid())
			continue;
		snprintf(path, sizeof path, "/proc/%.20s/cmdline", e->d_name);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t l = fd < 0 ? 0 : read(fd, cmd, sizeof cmd);
		if (fd >= 0)
			close(fd);
		if (l > 0 && memmem(cmd, (size_t)l, marker, strlen(marker)))
			n++, tap_describe(atoi(e->d_name), "survivor");
	}
	closedir(d);
	return n;
}

/* All children of the case end, by themselves, within the limit. */
static void all_end(void)
{
	long long end = now_ns() + FOREVER_MS * 1000000LL;
	for (int spins = 0;;) {
		pid_t r = waitpid(-1, NULL, WNOHANG | __WALL);
		if (r < 0) {
			CHECK_EQ(errno, ECHILD);
			return;
		}
		if (r > 0)
			continue;
		if (now_ns() > end) {
			int kids[16], n = tap_children(kids, 16);
			for (int i = 0; i < n && i < 16; i++)
				tap_describe(kids[i], "survivor");
			FAIL("a child outlived its creator");
		}
		if (++spins > 100)
			usleep(200);
	}
}

static void storm(setup more, uint64_t flags, double seconds)
{
	const char *longer = getenv("PROCFD_KILL_SECONDS");
	if (longer)
		seconds = atof(longer);
	struct shared *sh = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	long counts[N_PHASES] = { 0 }, rounds = 0;
	long long typical = 300000, end = now_ns() + (long long)(seconds * 1e9);
	snprintf(marker, sizeof marker, "procfd-marker-%d", getpid());
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	random_state ^= (unsigned long long)now_ns() | 1;
	/* On a slow or busy machine, until a kill has met each phase. */
	const long long limit = end + FOREVER_MS * 1000000LL;
	while (now_ns() < end || (!(counts[CREATING] && counts[CREATED]) && now_ns() < limit)) {
		memset(sh, 0, sizeof *sh);
		pid_t pid = fork();
		CHECK(pid >= 0);
		if (pid == 0)
			create_and_hold(sh, more, flags);
		while (atomic_load(&sh->phase) == BEFORE && waitpid(pid, NULL, WNOHANG) == 0)
			;
		/* Mostly within the call; at times well after it. */
		long long until = now_ns() + (long long)(random_number() % (unsigned long long)(typical * 5 / 4));
		while (now_ns() < until)
			;
		int phase = atomic_load(&sh->phase);
		CHECK(phase != BEFORE);
		kill(pid, SIGKILL);
		if (phase == CREATED) {
			long long took = atomic_load(&sh->done) - atomic_load(&sh->begun);
			typical = (typical * 15 + took) / 16;
		} else {
			/* So that the end of the call comes up too. */
			typical += typical / (counts[CREATED] ? 64 : 4);
		}
		counts[phase]++;
		rounds++;
		all_end();
	}
	CHECK_EQ(marked(), 0);
	diag("%ld kills: %ld within PROC_CREATE, %ld after it; it takes about %lld us", rounds,
	     counts[CREATING], counts[CREATED], typical / 1000);
	CHECK(counts[CREATING] > 0 && counts[CREATED] > 0);
	munmap(sh, 4096);
	prctl(PR_SET_CHILD_SUBREAPER, 0);
}

static void plain(void)
{
	storm(NULL, 0, 3);
}

static void plain_without_a_watcher(void)
{
	storm(NULL, PROCFD_NO_WATCH, 4);
}

static void group(int fd)
{
	struct procfd_close c = { .scope = PROC_SCOPE_PGROUP };
	SET(fd, PROC_SET_PGROUP, 0);
	CFG(fd, PROC_SET_CLOSE, SIGKILL, &c, sizeof c);
}

static void with_group_scope(void)
{
	storm(group, 0, 3);
}

static void long_list(int fd)
{
	for (int i = 3; i < 60; i++)
		SET(fd, PROC_FD_NULL, i);
	SET(fd, PROC_SET_SESSION, 1);
	SET(fd, PROC_SET_UMASK, 077);
	CFG(fd, PROC_SET_CWD, 0, "/", 0);
}

static void with_a_long_list(void)
{
	storm(long_list, PROCFD_NO_WATCH, 3);
}

static void ids(int fd)
{
	SET(fd, PROC_SET_UID, 1234);
	SET(fd, PROC_SET_GID, 1234);
	CFG(fd, PROC_SET_GROUPS, 0, NULL, 0);
}

static void with_another_uid(void)
{
	NEED_ROOT();
	storm(ids, PROCFD_NO_WATCH, 3);
}

static void one_line(int fd)
{
	struct procfd_idmap u = { 0, getuid(), 1, 0 }, g = { 0, getgid(), 1, 0 };
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER);
	CFG(fd, PROC_SET_UID_MAP, 0, &u, sizeof u);
	CFG(fd, PROC_SET_GID_MAP, 0, &g, sizeof g);
}

static void with_a_user_namespace(void)
{
	need_user_namespaces();
	storm(one_line, 0, 3);
}

/* Here the child waits for its creator, which has the maps to write. */
static void two_lines(int fd)
{
	struct procfd_idmap m[] = { { 0, 0, 1, 0 }, { 1, 1000, 1, 0 } };
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER);
	CFG(fd, PROC_SET_UID_MAP, 0, m, sizeof m);
	CFG(fd, PROC_SET_GID_MAP, 0, m, sizeof m);
}

static void with_maps_by_the_parent(void)
{
	NEED_ROOT();
	storm(two_lines, PROCFD_NO_WATCH, 3);
}

/* The watcher runs before, so that more of the kills fall where it matters. */
static void start_the_watcher(void)
{
	int fd = ctx();
	set_child(fd, "exit", "0");
	create(fd);
	expect_exit(fd, 0);
	close(fd);
}

/* No fuse reaches the init of a pid namespace: the watcher has the policy before the program can run. */
static void namespace_init(int fd)
{
	start_the_watcher();
	SET(fd, PROC_SET_FLAG, CLONE_NEWPID | (geteuid() ? CLONE_NEWUSER : 0));
}

static void of_the_init_of_a_pid_namespace(void)
{
	need_user_namespaces();
	storm(namespace_init, 0, 4);
}

static void built_in_init(int fd)
{
	SET(fd, PROC_SET_FLAG, CLONE_NEWPID | (geteuid() ? CLONE_NEWUSER : 0));
	SET(fd, PROC_SET_INIT, 1);
}

static void with_the_built_in_init(void)
{
	need_user_namespaces();
	storm(built_in_init, PROCFD_NO_WATCH, 3);
}

/* The first signal ends nothing; the second is the watcher's. */
static void second_signal(int fd)
{
	struct procfd_close c = { .second_signal = SIGKILL, .delay_ns = 5000000 };
	start_the_watcher();
	CFG(fd, PROC_SET_CLOSE, SIGURG, &c, sizeof c);
}

static void with_a_second_signal(void)
{
	storm(second_signal, 0, 4);
}

/* Another process holds the procfd before the start, and closes it after the creator's death. */
static void held_elsewhere(int fd)
{
	(void)fd;
	start_the_watcher();
	pid_t creator = getpid(), holder = fork();
	CHECK(holder >= 0);
	if (holder)
		return;
	while (getppid() == creator)
		usleep(500);
	usleep(500);
	_exit(0);
}

static void with_another_holder(void)
{
	storm(held_elsewhere, 0, 4);
}

TAP_MAIN(SLOW(of_the_init_of_a_pid_namespace, 100), SLOW(with_the_built_in_init, 100), SLOW(with_a_second_signal, 100),
	 SLOW(with_another_holder, 100), SLOW(plain, 100), SLOW(plain_without_a_watcher, 100), SLOW(with_group_scope, 100), SLOW(with_a_long_list, 100),
	 SLOW(with_another_uid, 100), SLOW(with_a_user_namespace, 100),
	 SLOW(with_maps_by_the_parent, 100))

// SPDX-License-Identifier: MIT OR Apache-2.0
/* Limits reached at every step: descriptors, memory, processes, descriptors in flight. */
#include "util.h"

static struct rlimit old_limit;

static void limit(int resource, rlim_t soft)
{
	struct rlimit l;
	CHECK_EQ(getrlimit(resource, &old_limit), 0);
	l = old_limit;
	l.rlim_cur = soft;
	CHECK_EQ(setrlimit(resource, &l), 0);
}

static void unlimit(int resource)
{
	CHECK_EQ(setrlimit(resource, &old_limit), 0);
}

static int lowest_free(void)
{
	int fd = fcntl(0, F_DUPFD_CLOEXEC, 3);
	CHECK(fd >= 3);
	close(fd);
	return fd;
}

typedef void (*setup)(int fd);

/* Raise the descriptor limit from "none free" until the whole life of a process works. */
static void raise_until_it_works(setup more)
{
	int base = lowest_free(), steps = 0;
	for (int free_fds = 0;; free_fds++, steps++) {
		CHECK(free_fds < 40);
		int before = tap_fds(NULL, 0);
		limit(RLIMIT_NOFILE, (rlim_t)(base + free_fds));
		errno = 0;
		int fd = process_open(0);
		if (fd < 0) {
			CHECK_EQ(errno, EMFILE);
			unlimit(RLIMIT_NOFILE);
			sweep();
			CHECK_EQ(tap_fds(NULL, 0), before);
			continue;
		}
		set_child(fd, "exit", "7");
		if (more)
			more(fd);
		errno = 0;
		int pid = process_config(fd, PROC_CREATE, 0, NULL, 0), err = errno;
		if (pid < 0) {
			struct procfd_error e = last_error(fd);
			/* The limit is also that of descriptors in flight, which other programs of this user have too. */
			if (err != EMFILE && err != ETOOMANYREFS)
				FAIL("with %d free: errno %d, stage %u: %s", free_fds, err, e.stage, e.message);
			CHECK_EQ(e.saved_errno, err);
			CHECK_EQ(state(fd), PROC_STATE_CONFIGURING);
			unlimit(RLIMIT_NOFILE);
			CHECK_EQ(tap_children(NULL, 0), 0);
			create(fd); /* with room, the same context works */
			expect_exit(fd, 7);
			close(fd);
			sweep();
			CHECK_EQ(tap_fds(NULL, 0), before);
			continue;
		}
		/* It runs: then there is room to wait for it, or a plain error until there is. */
		struct procfd_wait w = { .timeout_ns = FOREVER_MS * 1000000ULL };
		int rc = process_manage(fd, PROC_WAIT, 0, &w, sizeof w);
		if (rc < 0)
			CHECK_EQ(errno, EMFILE);
		unlimit(RLIMIT_NOFILE);
		expect_exit(fd, 7);
		close(fd);
		sweep();
		CHECK_EQ(tap_fds(NULL, 0), before);
		if (rc == 0)
			break;
	}
	CHECK(steps > 0);
}

static void descriptors_plain(void)
{
	raise_until_it_works(NULL);
}

static void policy(int fd)
{
	SET(fd, PROC_SET_CLOSE, SIGKILL);
}

static void descriptors_with_a_policy(void)
{
	raise_until_it_works(policy);
}

static void actions(int fd)
{
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	SET(fd, PROC_FD_CLOSE, 0);
	CFG(fd, PROC_SET_CWD, 0, "/", 0);
	SET(fd, PROC_SET_SESSION, 1);
	SET(fd, PROC_FD_NULL, 0);
}

static void descriptors_with_actions(void)
{
	raise_until_it_works(actions);
}

static void maps(int fd)
{
	struct procfd_idmap m = { 0, getuid(), 1, 0 };
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER);
	CFG(fd, PROC_SET_UID_MAP, 0, &m, sizeof m);
}

static void many_maps(int fd)
{
	struct procfd_idmap m[] = { { 0, 0, 1, 0 }, { 1, 1000, 1, 0 } };
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER);
	CFG(fd, PROC_SET_UID_MAP, 0, m, sizeof m);
}

static void descriptors_with_id_maps(void)
{
	need_user_namespaces();
	raise_until_it_works(maps);
	if (geteuid() == 0)
		raise_until_it_works(many_maps);
}

/* The first use of the library in a process, from no free descriptor upwards. */
static void first_use(void *arg)
{
	int free_fds = *(int *)arg, base = lowest_free();
	limit(RLIMIT_NOFILE, (rlim_t)(base + free_fds));
	int fd = process_open(0), rc = -1;
	if (fd < 0) {
		CHECK_EQ(errno, EMFILE);
		unlimit(RLIMIT_NOFILE);
		fd = ctx();
	}
	set_child(fd, "exit", "7");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	rc = process_config(fd, PROC_CREATE, 0, NULL, 0);
	if (rc < 0)
		CHECK_EQ(errno, EMFILE);
	unlimit(RLIMIT_NOFILE);
	if (rc < 0)
		create(fd);
	expect_exit(fd, 7);
	close(fd);
}

static void descriptors_at_the_first_use(void)
{
	for (int i = 0; i < 16; i++)
		in_fork(first_use, &i);
}

/* ---- memory ---- */

static long pages_now(void)
{
	char line[64];
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	CHECK(f && fgets(line, sizeof line, f) && sscanf(line, "%ld", &pages) == 1);
	fclose(f);
	return pages;
}

static void first_memory(void *arg)
{
	long pages = pages_now();
	int fd = ctx();
	set_child(fd, "exit", "0");
	struct procfd_rlimit none = { UINT64_MAX, UINT64_MAX };
	CFG(fd, PROC_SET_RLIMIT, RLIMIT_AS, &none, sizeof none);
	limit(RLIMIT_AS, (rlim_t)(pages + *(int *)arg) * page_size());
	int rc = process_config(fd, PROC_CREATE, 0, NULL, 0), err = errno;
	unlimit(RLIMIT_AS);
	if (rc < 0) {
		++*((int *)arg + 1);
		CHECK(err == ENOMEM || err == EAGAIN);
		struct procfd_error e = last_error(fd);
		CHECK_EQ(e.saved_errno, err);
		create(fd); /* with memory, it works */
	}
	expect_exit(fd, 0);
	close(fd);
}

/* No memory for the child's stack, which is made at the first start. */
static void memory_for_the_stack(void)
{
	int *q = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (q[0] = 0; q[0] < 120; q[0] += 4)
		in_fork(first_memory, q);
	CHECK(q[1] > 0); /* it did come to that */
	munmap(q, 4096);
}

static void memory_for_arguments(void)
{
	enum { N = 40 };
	static const char *argv[N + 1];
	char *big = malloc(100000);
	memset(big, 'a', 99999);
	big[99999] = 0;
	for (int i = 0; i < N; i++)
		argv[i] = big;
	int fd = ctx();
	limit(RLIMIT_AS, (rlim_t)(pages_now() + 100) * page_size());
	int rc = process_config(fd, PROC_SET_ARGV, 0, argv, 0), err = errno;
	unlimit(RLIMIT_AS);
	CHECK(rc == 0 || err == ENOMEM);
	set_child(fd, "exit", "0");
	create(fd);
	expect_exit(fd, 0);
	close(fd);
	free(big);
}

/* More and more memory, until the call has enough: before that ENOMEM, and never an abort. */
static void with_ever_more_memory(void (*one)(void *), int pages)
{
	struct {
		int pages, no_memory, enough;
	} *q = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(q != MAP_FAILED);
	for (int i = 0; i < 200 && !q->enough; i++, q->pages += pages)
		in_fork(one, q);
	CHECK(q->no_memory > 1); /* it did come to that */
	CHECK(q->enough);
	munmap(q, 4096);
}

static void memory_was(int *q, int rc, int err)
{
	if (rc < 0)
		CHECK_EQ(err, ENOMEM);
	++q[rc < 0 ? 1 : 2];
}

#define ARRAY 100000

static void many_changes(void *arg)
{
	static struct procfd_change entries[ARRAY];
	struct procfd_changes c = { .entries = (void *)entries, .entry_size = sizeof *entries, .count = ARRAY };
	for (int i = 0; i < ARRAY; i++)
		entries[i] = (struct procfd_change){ .fd = -1, .want = PROC_CHANGE_EXIT }; /* passed over */
	limit(RLIMIT_AS, (rlim_t)(pages_now() + *(int *)arg) * page_size());
	int rc = process_info(-1, PROC_CHANGES, PROC_WAIT_NOHANG, &c, sizeof c), err = errno;
	unlimit(RLIMIT_AS);
	memory_was(arg, err == EAGAIN ? 0 : rc, err);
}

static void memory_for_changes(void)
{
	with_ever_more_memory(many_changes, 200);
}

static void long_list(void *arg)
{
	static int fds[ARRAY];
	struct procfd_snapshot s = { .scope = PROC_SNAPSHOT_LIST, .fds = fds, .fd_count = ARRAY };
	memset(fds, 0xff, sizeof fds);
	limit(RLIMIT_AS, (rlim_t)(pages_now() + *(int *)arg) * page_size());
	int rc = process_info(-1, PROC_SNAPSHOT, PROC_FIELD_IDS, &s, sizeof s), err = errno;
	unlimit(RLIMIT_AS);
	memory_was(arg, rc, err);
}

static void memory_for_a_snapshot(void)
{
	with_ever_more_memory(long_list, 30);
}

static void many_arguments(void *arg)
{
	static const char *argv[ARRAY + 1];
	for (int i = 0; i < ARRAY; i++)
		argv[i] = "";
	int fd = ctx();
	limit(RLIMIT_AS, (rlim_t)(pages_now() + *(int *)arg) * page_size());
	int rc = process_config(fd, PROC_SET_ARGV, 0, argv, 0), err = errno;
	unlimit(RLIMIT_AS);
	memory_was(arg, rc, err);
	close(fd);
}

static void memory_for_many_arguments(void)
{
	with_ever_more_memory(many_arguments, 200);
}

static void map_lines(void *arg)
{
	static struct procfd_idmap m[60000];
	int fd = ctx();
	for (int i = 0; i < 60000; i++)
		m[i] = (struct procfd_idmap){ (unsigned)i, (unsigned)i, 1, 0 };
	limit(RLIMIT_AS, (rlim_t)(pages_now() + *(int *)arg) * page_size());
	int rc = process_config(fd, PROC_SET_UID_MAP, 0, m, sizeof m), err = errno;
	unlimit(RLIMIT_AS);
	memory_was(arg, err == E2BIG ? 0 : rc, err); /* too many for the kernel, once they are read */
	close(fd);
}

static void memory_for_id_maps(void)
{
	with_ever_more_memory(map_lines, 30);
}

/* ---- processes ---- */

/* A user of its own: these limits count over all processes of one, and not for who is privileged. */
static void become_user(uid_t uid)
{
	if (geteuid() != 0)
		return;
	CHECK_EQ(syscall(SYS_setgroups, 0, NULL), 0);
	CHECK_EQ(setresgid(uid, uid, uid), 0);
	CHECK_EQ(setresuid(uid, uid, uid), 0);
	CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0);
}

static void no_processes_left(void)
{
	become_user(54321);
	int fd = ctx();
	set_child(fd, "exit", "0");
	limit(RLIMIT_NPROC, 0);
	for (int i = 0; i < 10; i++)
		CREATE_FAILS(fd, EAGAIN, PROC_STAGE_CLONE, -1);
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	CREATE_FAILS(fd, EAGAIN, PROC_STAGE_CLONE, -1);
	unlimit(RLIMIT_NPROC);
	create(fd);
	expect_exit(fd, 0);
	close(fd);
}

/* ---- in flight ---- */

/* The kernel refuses to send while more than RLIMIT_NOFILE descriptors of the user are in flight. */
static int sends_at(rlim_t soft, const int *s)
{
	struct rlimit was, l;
	char byte;
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &was), 0);
	l = (struct rlimit){ soft, was.rlim_max };
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &l), 0);
	ssize_t sent = try_send_fds(s[1], &s[1], 1, MSG_DONTWAIT);
	int err = errno;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &was), 0);
	if (sent < 0)
		CHECK_EQ(err, ETOOMANYREFS);
	else
		CHECK_EQ(recv(s[0], &byte, 1, 0), 1); /* without room for the descriptor, which ends its flight */
	return sent == 1;
}

/* How many descriptors other programs of this user have in flight. */
static rlim_t others_in_flight(void)
{
	rlim_t low = 0, high = 1024;
	int s[2];
	socket_pair(s);
	while (low < high) {
		rlim_t middle = (low + high) / 2;
		if (sends_at(middle, s))
			high = middle;
		else
			low = middle + 1;
	}
	close(s[0]);
	close(s[1]);
	return low;
}

static void until_the_flight_is_full(void)
{
	int fds[400], s[2], fill[50], n = 0;
	rlim_t others = others_in_flight();
	diag("%d descriptors of other programs are in flight", (int)others);
	limit(RLIMIT_NOFILE, 300 + others);
	/* A process has more descriptors open than in flight: half of the limit is in flight already. */
	socket_pair(s);
	for (int i = 0; i < 50; i++)
		fill[i] = s[0];
	for (int i = 0; i < 3; i++)
		CHECK_EQ(try_send_fds(s[1], fill, 50, MSG_DONTWAIT), 1);
	int base = tap_fds(NULL, 0);
	for (; n < 400; n++) {
		fds[n] = ctx();
		set_child(fds[n], "pause");
		SET(fds[n], PROC_SET_CLOSE, SIGKILL);
		errno = 0;
		if (process_config(fds[n], PROC_CREATE, 0, NULL, 0) < 0)
			break;
	}
	diag("%d processes with a close policy, with room for 300", n);
	CHECK_EQ(errno, ETOOMANYREFS);
	CHECK(n > 25); /* the watcher may have taken nothing out of its queue yet: 3 more each */
	struct procfd_error e = last_error(fds[n]);
	CHECK_EQ(e.saved_errno, ETOOMANYREFS);
	CHECK(strstr(e.message, "RLIMIT_NOFILE"));
	CHECK_EQ(tap_children(NULL, 0), n);
	finish(fds[0]); /* one goes, another has room */
	sweep();
	/* What the watcher has not taken out of its queue yet is in flight too. */
	int pid = -1;
	for (int i = 0; i < 500 && pid < 0; i++) {
		pid = process_config(fds[n], PROC_CREATE, 0, NULL, 0);
		if (pid < 0)
			usleep(10000);
	}
	CHECK(pid > 0);
	finish(fds[n]);
	for (int i = 1; i < n; i++)
		finish(fds[i]);
	unlimit(RLIMIT_NOFILE);
	sweep();
	CHECK_EQ(tap_fds(NULL, 0), base);
	close(s[0]);
	close(s[1]);
}

static void too_many_in_flight(void)
{
	become_user(54322);
	until_the_flight_is_full();
}

/* All capabilities of a user namespace do not lift the limit: the kernel asks for them in the first. */
static void become_root_of_a_namespace(uid_t uid)
{
	char line[64];
	become_user(uid);
	snprintf(line, sizeof line, "0 %u 1", getuid());
	if (unshare(CLONE_NEWUSER))
		SKIP("no user namespaces for this user");
	int map = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
	CHECK_EQ(write(map, line, strlen(line)), (ssize_t)strlen(line));
	close(map);
	CHECK_EQ(geteuid(), 0);
}

static void too_many_as_root_of_a_namespace(void)
{
	become_root_of_a_namespace(54324);
	warm_up(); /* the first that the library sees of its user */
	until_the_flight_is_full();
}

/* It has seen root of the first namespace before, and is met by the limit at the publication. */
static void too_many_as_root_of_a_later_namespace(void)
{
	become_root_of_a_namespace(54325);
	until_the_flight_is_full();
}

static void in_flight_limit_reached_by_others(void)
{
	become_user(54323);
	/* Put the whole allowance in flight by hand, and see what the library says. */
	int s[2], fill[50], sent = 0;
	socket_pair(s);
	limit(RLIMIT_NOFILE, 256);
	for (int i = 0; i < 50; i++)
		fill[i] = s[0];
	int fd = ctx();
	set_child(fd, "exit", "0");
	for (int n = 50; n > 0;) {
		if (try_send_fds(s[1], fill, n, MSG_DONTWAIT) == 1)
			sent += n;
		else if (errno == ETOOMANYREFS)
			n /= 2;
		else
			break;
		if (sent > 5000)
			break;
	}
	for (int with = 0; with < 2; with++) {
		SET(fd, PROC_SET_CLOSE, with ? SIGKILL : 0);
		errno = 0;
		int rc = process_config(fd, PROC_CREATE, 0, NULL, 0), err = errno;
		struct procfd_error e = last_error(fd);
		CHECK_EQ(rc, -1);
		CHECK_EQ(err, ETOOMANYREFS);
		CHECK_EQ(e.saved_errno, ETOOMANYREFS);
		CHECK(e.stage == PROC_STAGE_PUBLISH || e.stage == PROC_STAGE_FUSE);
		CHECK(e.message[0]);
		CHECK_EQ(state(fd), PROC_STATE_CONFIGURING);
		CHECK_EQ(tap_children(NULL, 0), 0);
	}
	unlimit(RLIMIT_NOFILE);
	close(s[0]);
	close(s[1]);
	create(fd);
	expect_exit(fd, 0);
	close(fd);
}

/* The images of the watcher and of the built-in init are files, too. */
static void with_file_size(rlim_t soft, rlim_t hard)
{
	struct rlimit l = { soft, hard };
	int fd = ctx();
	set_child(fd, "exit", "7");
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	int init = ctx();
	set_child(init, "exit", "8");
	SET(init, PROC_SET_FLAG, CLONE_NEWPID | (geteuid() == 0 ? 0 : CLONE_NEWUSER));
	SET(init, PROC_SET_INIT, 1);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &l), 0);
	struct rlimit now = { soft, RLIM_INFINITY };
	/* With CAP_SYS_RESOURCE the hard limit is none either. */
	int lifts = setrlimit(RLIMIT_FSIZE, &now) == 0;
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &l), 0);
	if (hard == 0 && !lifts) {
		CREATE_FAILS(fd, EFBIG, PROC_STAGE_WATCHER, -1);
		CREATE_FAILS(init, EFBIG, PROC_STAGE_WATCHER, -1);
	} else {
		create(fd);
		expect_exit(fd, 7);
		create(init);
		expect_exit(init, 8);
	}
	CHECK_EQ(getrlimit(RLIMIT_FSIZE, &now), 0);
	CHECK_EQ(now.rlim_cur, soft);
	CHECK_EQ(now.rlim_max, hard);
	sigset_t pending;
	CHECK_EQ(sigpending(&pending), 0);
	CHECK(!sigismember(&pending, SIGXFSZ));
	close(fd);
	close(init);
}

static void file_size_soft(void *arg)
{
	(void)arg;
	struct rlimit l;
	CHECK_EQ(getrlimit(RLIMIT_FSIZE, &l), 0);
	with_file_size(0, l.rlim_max);
}

static void file_size_hard(void *arg)
{
	(void)arg;
	with_file_size(0, 0);
}

static void file_size_below_the_images(void)
{
	in_fork(file_size_soft, NULL);
	in_fork(file_size_hard, NULL);
}

TAP_MAIN(CASE(descriptors_plain), CASE(descriptors_with_a_policy), CASE(descriptors_with_actions),
	 CASE(descriptors_with_id_maps), COLD(descriptors_at_the_first_use),
	 COLD(memory_for_the_stack), CASE(memory_for_arguments), CASE(memory_for_changes),
	 CASE(memory_for_a_snapshot), CASE(memory_for_many_arguments), CASE(memory_for_id_maps),
	 CASE(no_processes_left), CASE(too_many_in_flight), COLD(too_many_as_root_of_a_namespace),
	 CASE(too_many_as_root_of_a_later_namespace), CASE(in_flight_limit_reached_by_others), CASE(file_size_below_the_images))

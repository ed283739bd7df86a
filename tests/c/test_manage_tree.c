// SPDX-License-Identifier: MIT OR Apache-2.0
/* PROC_KILL_TREE: whole trees, trees that grow meanwhile, and what is not in them. */
#include "util.h"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

/* What the processes of a tree have in common. */
struct shared {
	atomic_int made, ready, live;
	int pids[256];
};

static struct shared *share(void)
{
	struct shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(s != MAP_FAILED);
	return s;
}

static struct procfd_kill_tree kill_tree(int fd, int sig, int want)
{
	struct procfd_kill_tree t = { 0 };
	int n = process_manage(fd, PROC_KILL_TREE, (uint64_t)sig, &t, sizeof t);
	if (n < 0)
		FAIL("PROC_KILL_TREE: errno %d (%s)", errno, strerror(errno));
	CHECK_EQ(n, t.signalled);
	if (want >= 0)
		CHECK_EQ(n, want);
	return t;
}

/* No process holds the other end any more. */
static void check_all_gone(struct out *p)
{
	close(p->w);
	CHECK_STR(slurp(p->r), "");
	close(p->r);
}

static void forever(void)
{
	for (;;)
		pause();
}

static void wait_for(atomic_int *n, int want)
{
	for (long long end = now_ns() + FOREVER_MS * 1000000LL; atomic_load(n) < want; usleep(500))
		if (now_ns() > end)
			FAIL("%d of %d are there", atomic_load(n), want);
}

/* ---- still trees ---- */

struct shape {
	struct shared *s;
	int depth, width, sig; /* sig: ignored by all */
};

static void grow(void *arg)
{
	struct shape *h = arg;
	if (h->sig)
		signal(h->sig, SIG_IGN);
	for (int depth = h->depth, i = 0; depth && i < h->width; i++)
		if (fork() == 0) {
			alarm(CHILD_LIFE);
			depth = --h->depth;
			i = -1;
		}
	int at = atomic_fetch_add(&h->s->made, 1);
	h->s->pids[at] = getpid();
	atomic_fetch_add(&h->s->ready, 1);
	forever();
}

/* 1 + 3 + 9 + 27 */
#define WHOLE 40

static int tree(struct shape *h, pid_t *root)
{
	h->s = share();
	*root = fork_run(grow, h);
	wait_for(&h->s->ready, WHOLE);
	return sys_pidfd_open(*root);
}

static void a_tree(void)
{
	struct shape h = { .depth = 3, .width = 3 };
	struct out p = make_pipe();
	pid_t root;
	int pidfd = tree(&h, &root);
	CHECK_EQ(process_manage(pidfd, PROC_KILL_TREE, 0, NULL, 0), WHOLE);
	struct procfd_kill_tree t = kill_tree(pidfd, SIGKILL, WHOLE);
	CHECK_EQ(t.how, PROC_TREE_BY_WALK);
	CHECK_EQ(t.refused, 0);
	CHECK_EQ(reap_pidfd(pidfd), SIGKILL);
	check_all_gone(&p);
	CHECK_ERR(process_manage(pidfd, PROC_KILL_TREE, SIGKILL, NULL, 0), ESRCH);
	close(pidfd);
}

/* A branch only. */
static void a_branch(void)
{
	struct shape h = { .depth = 3, .width = 3 };
	pid_t root;
	int pidfd = tree(&h, &root), list[3];
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", root, root);
	FILE *f = fopen(path, "re");
	if (!f)
		SKIP("no /proc/PID/task/TID/children");
	CHECK_EQ(fscanf(f, "%d %d %d", &list[0], &list[1], &list[2]), 3);
	fclose(f);
	int branch = sys_pidfd_open(list[1]);
	kill_tree(branch, SIGKILL, 13);
	CHECK_ENDS(branch);
	kill_tree(pidfd, 0, WHOLE - 13);
	kill_tree(pidfd, SIGKILL, WHOLE - 13);
	CHECK_EQ(reap_pidfd(pidfd), SIGKILL);
	close(branch);
	close(pidfd);
}

static int count_state(struct shape *h, char state)
{
	int n = 0;
	for (int i = 0; i < WHOLE; i++)
		n += status_of(h->s->pids[i], "State")[0] == state;
	return n;
}

static void to_state(struct shape *h, char state, int want)
{
	long long end = now_ns() + FOREVER_MS * 1000000LL;
	for (int n; (n = count_state(h, state)) != want; usleep(1000))
		if (now_ns() > end)
			FAIL("%d processes in state %c, not %d", n, state, want);
}

static void stopped_and_continued(void)
{
	struct shape h = { .depth = 3, .width = 3 };
	pid_t root;
	int pidfd = tree(&h, &root);
	kill_tree(pidfd, SIGSTOP, WHOLE);
	CHECK_EQ(count_state(&h, 'T'), WHOLE); /* it has waited for that */
	kill_tree(pidfd, SIGCONT, WHOLE);
	to_state(&h, 'S', WHOLE);
	kill_tree(pidfd, SIGTSTP, WHOLE);
	to_state(&h, 'T', WHOLE);
	kill_tree(pidfd, SIGKILL, WHOLE);
	CHECK_EQ(reap_pidfd(pidfd), SIGKILL);
	close(pidfd);
}

/* Who was stopped stays so, with the signal pending; the others go on. */
static void another_signal(void)
{
	struct shape h = { .depth = 3, .width = 3, .sig = SIGTERM };
	pid_t root;
	int pidfd = tree(&h, &root);
	/* They come in any order: the sixth may be the root, which has to end below. */
	pid_t stopped = h.s->pids[h.s->pids[5] == root ? 6 : 5];
	kill(stopped, SIGSTOP);
	to_state(&h, 'T', 1);
	kill_tree(pidfd, SIGTERM, WHOLE);
	to_state(&h, 'S', WHOLE - 1);
	CHECK_EQ(status_of(stopped, "State")[0], 'T');
	kill_tree(pidfd, SIGUSR1, WHOLE); /* deadly to all but that one, as yet */
	CHECK_EQ(reap_pidfd(pidfd), SIGUSR1);
	CHECK_EQ(status_of(stopped, "State")[0], 'T');
	kill(stopped, SIGKILL);
	close(pidfd);
}

/* More processes than there may be descriptors. */
static void few_descriptors(void)
{
	struct shape h = { .depth = 3, .width = 3 };
	struct out p = make_pipe();
	pid_t root;
	int pidfd = tree(&h, &root);
	struct rlimit was, few = { 0 };
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &was), 0);
	for (int spare = 7; spare <= 30; spare += 23) {
		few = (struct rlimit){ (rlim_t)pidfd + 1 + (rlim_t)spare, was.rlim_max };
		CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
		kill_tree(pidfd, SIGSTOP, WHOLE);
		CHECK_EQ(count_state(&h, 'T'), WHOLE);
		kill_tree(pidfd, SIGCONT, WHOLE);
		to_state(&h, 'S', WHOLE);
	}
	few.rlim_cur = (rlim_t)pidfd + 1;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
	CHECK_ERR(process_manage(pidfd, PROC_KILL_TREE, SIGKILL, NULL, 0), EMFILE);
	few.rlim_cur += 9;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
	kill_tree(pidfd, SIGKILL, WHOLE);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &was), 0);
	CHECK_EQ(reap_pidfd(pidfd), SIGKILL);
	check_all_gone(&p);
	close(pidfd);
}

/* ---- trees that grow ---- */

#define AT_ONCE 60
#define ALTOGETHER 20000

/*
 * Forks as fast as it can, at most AT_ONCE at a time. Leaves end, so that there is always room; who has
 * children does not end before them, so that nobody leaves the tree.
 */
static void bomb(void *arg)
{
	struct shared *s = arg;
	int children = 0, born = 1;
	/* Emulated, on one processor: the caller has its turn between them. */
	if (tap_factor > 1)
		CHECK_EQ(setpriority(PRIO_PROCESS, 0, 19), 0);
	atomic_fetch_add(&s->ready, 1);
	for (unsigned turn = (unsigned)getpid();; turn = turn * 1103515245 + 12345) {
		if (atomic_fetch_add(&s->live, 1) < AT_ONCE && atomic_fetch_add(&s->made, 1) < ALTOGETHER) {
			pid_t pid = fork();
			if (pid == 0) {
				alarm(CHILD_LIFE);
				children = born = 0;
				continue;
			}
			children += pid > 0;
			if (pid < 0)
				atomic_fetch_sub(&s->live, 1);
		} else {
			atomic_fetch_sub(&s->live, 1);
		}
		while (children && waitpid(-1, NULL, WNOHANG) > 0)
			children--;
		if (!born && !children && turn >> 16 & 1) {
			atomic_fetch_sub(&s->live, 1);
			_exit(0);
		}
	}
}

static void *bomb_thread(void *arg)
{
	bomb(arg);
	return NULL;
}

static void bomb_of_threads(void *arg)
{
	pthread_t t;
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&t, NULL, bomb_thread, arg), 0);
	bomb(arg);
}

static void explode(void (*f)(void *), int rounds)
{
	int largest = 0;
	for (int round = 0; round < rounds; round++) {
		struct out p = make_pipe();
		struct shared *s = share();
		pid_t pid = fork_run(f, s);
		int pidfd = sys_pidfd_open(pid);
		wait_for(&s->made, 20 + round * 20);
		struct procfd_kill_tree t = kill_tree(pidfd, SIGKILL, -1);
		largest = (int)t.signalled > largest ? (int)t.signalled : largest;
		CHECK_EQ(t.refused, 0);
		CHECK_EQ(reap_pidfd(pidfd), SIGKILL);
		check_all_gone(&p);
		CHECK(atomic_load(&s->made) < ALTOGETHER); /* it was still at it */
		close(pidfd);
		munmap(s, sizeof *s);
	}
	CHECK(largest > 1);
	diag("the largest tree had %d processes", largest);
}

static void forking_as_fast_as_they_can(void)
{
	explode(bomb, 8);
}

static void threads_that_fork(void)
{
	explode(bomb_of_threads, 5);
}

#define MANY_PAGES (192u << 20)

/* Nearly all the time in the middle of a fork, which takes long: there is much memory to be shared. */
static void forks_slowly(void *arg)
{
	struct shared *s = arg;
	char *p = mmap(NULL, MANY_PAGES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	madvise(p, MANY_PAGES, MADV_NOHUGEPAGE);
	memset(p, 1, MANY_PAGES);
	for (;;) {
		pid_t pid = fork();
		if (pid == 0)
			forever();
		CHECK(pid > 0);
		atomic_fetch_add(&s->made, 1);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

/* A fork that a stop comes into the middle of is over, and what it has made is stopped, at the return. */
static void stopped_in_the_middle_of_a_fork(void)
{
	struct shared *s = share();
	pid_t pid = fork_run(forks_slowly, s);
	int pidfd = sys_pidfd_open(pid);
	for (int round = 0; round < 40; round++) {
		wait_for(&s->made, atomic_load(&s->made) + 1);
		usleep((unsigned)round * 50);
		kill_tree(pidfd, SIGSTOP, -1);
		/* In uninterruptible sleep it is not waited for without end. */
		CHECK(strchr("TD", status_of(pid, "State")[0]));
		kill_tree(pidfd, SIGCONT, -1);
	}
	kill_tree(pidfd, SIGKILL, -1);
	CHECK_EQ(reap_pidfd(pidfd), SIGKILL);
	close(pidfd);
}

/* The parent sleeps in the kernel, and cannot be stopped, until the child executes or ends. */
static void in_vfork(void *arg)
{
	if (vfork() == 0) {
		syscall(SYS_write, *(int *)arg, "r", 1);
		for (;;)
			syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
	}
}

static void the_parent_of_a_vfork(void)
{
	struct out ready = make_pipe(), p = make_pipe();
	char c;
	pid_t pid = fork_run(in_vfork, &ready.w);
	CHECK_EQ(read(ready.r, &c, 1), 1);
	int pidfd = sys_pidfd_open(pid);
	kill_tree(pidfd, SIGKILL, 2);
	CHECK_EQ(reap_pidfd(pidfd), SIGKILL);
	check_all_gone(&p);
	close(ready.r);
	close(ready.w);
	close(pidfd);
}

/* ---- what is in a tree, and what is not ---- */

struct lost {
	struct shared *s;
	int subreaper;
};

static void loses_one(void *arg)
{
	struct lost *l = arg;
	if (l->subreaper)
		CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	pid_t middle = fork();
	if (middle == 0) {
		pid_t orphan = fork();
		if (orphan == 0) {
			alarm(CHILD_LIFE);
			setsid();
			while (getppid() == l->s->pids[1])
				usleep(500);
			l->s->pids[0] = getpid();
			atomic_store(&l->s->ready, 1);
			forever();
		}
		_exit(0);
	}
	l->s->pids[1] = middle;
	CHECK_EQ(waitpid(middle, NULL, 0), middle);
	forever();
}

/* A double fork leaves the tree, unless there is somebody in it who takes orphans in. */
static void orphans(void)
{
	for (int subreaper = 0; subreaper < 2; subreaper++) {
		struct lost l = { share(), subreaper };
		pid_t pid = fork_run(loses_one, &l);
		int pidfd = sys_pidfd_open(pid);
		wait_for(&l.s->ready, 1);
		int orphan = sys_pidfd_open(l.s->pids[0]);
		kill_tree(pidfd, SIGKILL, 1 + subreaper);
		CHECK_EQ(reap_pidfd(pidfd), SIGKILL);
		if (!subreaper) {
			check_alive(orphan);
			kill_tree(orphan, SIGKILL, 1);
		}
		CHECK_ENDS(orphan);
		close(orphan);
		close(pidfd);
	}
}

static void kills_above_itself(void *arg)
{
	struct shared *s = arg;
	int parent = sys_pidfd_open(getpid());
	if (fork() == 0) {
		if (fork() == 0)
			forever();
		usleep(1000);
		atomic_store(&s->ready, 1);
		process_manage(parent, PROC_KILL_TREE, SIGKILL, NULL, 0);
		atomic_store(&s->ready, 2); /* it should not live to say so */
		forever();
	}
	forever();
}

static void the_caller_is_in_it(void)
{
	struct shared *s = share();
	struct out p = make_pipe();
	pid_t pid = fork_run(kills_above_itself, s);
	int pidfd = sys_pidfd_open(pid);
	CHECK_EQ(reap_pidfd(pidfd), SIGKILL);
	check_all_gone(&p);
	CHECK_EQ(atomic_load(&s->ready), 1);
	close(pidfd);
}

#define USER 4321

/* Of the user, but for the one in the middle. */
static void mixed(void *arg)
{
	struct shared *s = arg;
	if (fork() == 0) {
		alarm(CHILD_LIFE);
		if (fork() == 0) {
			alarm(CHILD_LIFE);
			CHECK_EQ(setresuid(USER, USER, USER), 0);
			atomic_fetch_add(&s->ready, 1);
			forever();
		}
		s->pids[0] = getpid();
		atomic_fetch_add(&s->ready, 1);
		forever();
	}
	CHECK_EQ(setresuid(USER, USER, USER), 0);
	atomic_fetch_add(&s->ready, 1);
	forever();
}

static void by_the_user(void *arg)
{
	int pidfd = *(int *)arg;
	CHECK_EQ(setresuid(USER, USER, USER), 0);
	struct procfd_kill_tree t = kill_tree(pidfd, 0, 2);
	CHECK_EQ(t.refused, 1);
	t = kill_tree(pidfd, SIGKILL, 2);
	CHECK_EQ(t.refused, 1);
	CHECK_EQ(t.how, PROC_TREE_BY_WALK);
}

static void of_several_users(void)
{
	NEED_ROOT();
	struct shared *s = share();
	pid_t pid = fork_run(mixed, s);
	int pidfd = sys_pidfd_open(pid);
	wait_for(&s->ready, 3);
	int other = sys_pidfd_open(s->pids[0]);
	in_fork(by_the_user, &pidfd);
	CHECK_EQ(reap_pidfd(pidfd), SIGKILL);
	check_alive(other);
	kill_tree(other, SIGKILL, 1);
	CHECK_ENDS(other);
	close(other);
	close(pidfd);
}

static void not_roots_of_a_tree(void)
{
	int init = sys_pidfd_open(1), thread = (int)syscall(SYS_pidfd_open, getpid(), PIDFD_THREAD);
	CHECK_ERR(process_manage(init, PROC_KILL_TREE, 0, NULL, 0), EINVAL);
	CHECK_ERR(process_manage(init, PROC_KILL_TREE, SIGKILL, NULL, 0), EINVAL);
	if (thread >= 0)
		CHECK_ERR(process_manage(thread, PROC_KILL_TREE, 0, NULL, 0), EINVAL);
	close(thread);
	close(init);
}

/* ---- pid namespaces ---- */

static int in_namespace(int init)
{
	int fd = ctx_flags(PROCFD_NO_WATCH);
	SET(fd, PROC_SET_FLAG, CLONE_NEWPID | (geteuid() ? CLONE_NEWUSER : 0));
	SET(fd, PROC_SET_INIT, init);
	return fd;
}

/* A child, and an orphan in a session of its own. */
#define SCRIPT "sleep 100 & (setsid sleep 100 &); echo ready $$; wait; sleep 100"

static void a_namespace(void)
{
	for (int init = 0; init < 2; init++) {
		int fd = in_namespace(init);
		set_program(fd, "/bin/sh", "-c", SCRIPT, (char *)NULL);
		int r = create_with_output(fd, NULL);
		read_ready(r);
		struct procfd_kill_tree t = kill_tree(fd, SIGKILL, 1);
		CHECK_EQ(t.how, PROC_TREE_BY_INIT);
		expect_killed(fd, SIGKILL);
		CHECK_STR(slurp(r), "");
		close(r);
		close(fd);
	}
}

/* All processes below one, by state. */
static int below(pid_t pid, char state)
{
	char path[64];
	int n = 0, child;
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
	FILE *f = fopen(path, "re");
	while (f && fscanf(f, "%d", &child) == 1)
		n += (status_of(child, "State")[0] == state) + below(child, state);
	if (f)
		fclose(f);
	return n;
}

static void to_below(pid_t pid, char state, int want)
{
	long long end = now_ns() + FOREVER_MS * 1000000LL;
	for (int n; (n = below(pid, state)) != want; usleep(1000))
		if (now_ns() > end)
			FAIL("%d processes in state %c, not %d", n, state, want);
}

static void stop_of_a_built_in_init(void)
{
	int fd = in_namespace(1);
	set_program(fd, "/bin/sh", "-c", SCRIPT, (char *)NULL);
	pid_t pid;
	int r = create_with_output(fd, &pid);
	read_ready(r);
	to_below(pid, 'S', 3);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(process_manage(fd, PROC_STOP, 0, NULL, 0), 0);
		CHECK_EQ(below(pid, 'T'), 3);
		/* The init goes on, and sleeps again when it has seen its children stop. */
		CHECK(strchr("SR", status_of(pid, "State")[0]));
		CHECK_EQ(process_manage(fd, PROC_CONT, 0, NULL, 0), 0);
		to_below(pid, 'S', 3);
	}
	/* What the init is sent it passes on, so the program is signalled once. */
	CHECK_EQ(process_manage(fd, PROC_KILL_TREE, SIGTERM, NULL, 0), 3);
	expect_killed(fd, SIGTERM);
	CHECK_STR(slurp(r), "");
	close(r);
	close(fd);
}

/* The close policy of a stopped namespace is carried out all the same. */
static void a_stopped_namespace_ends_with_its_procfd(void)
{
	int fd = in_namespace(1);
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	set_program(fd, "/bin/sh", "-c", SCRIPT, (char *)NULL);
	int r = create_with_output(fd, NULL), pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	read_ready(r);
	CHECK_EQ(process_manage(fd, PROC_STOP, 0, NULL, 0), 0);
	check_alive(pidfd);
	close(fd);
	CHECK_ENDS(pidfd);
	CHECK_STR(slurp(r), "");
	close(r);
	close(pidfd);
	sweep();
}

TAP_MAIN(CASE(a_tree), CASE(a_branch), CASE(stopped_and_continued), CASE(another_signal),
	 CASE(few_descriptors), CASE(forking_as_fast_as_they_can), CASE(threads_that_fork),
	 CASE(stopped_in_the_middle_of_a_fork),
	 CASE(the_parent_of_a_vfork), CASE(orphans), CASE(the_caller_is_in_it), CASE(of_several_users),
	 CASE(not_roots_of_a_tree), COLD(a_namespace), COLD(stop_of_a_built_in_init),
	 COLD(a_stopped_namespace_ends_with_its_procfd))

// SPDX-License-Identifier: MIT OR Apache-2.0
/* A limit for the time that a process runs, which holds though its creator has ended. */
#include "cgroup.h"
#include "filter.h"
#include "watcher.h"

#include <sys/wait.h>

/* An emulated machine takes as much longer to start a program. */
#define MS (1000000ULL * (unsigned)tap_factor)
/* Of a case that needs the program to get somewhere within its limit: a busy machine takes a longer one. */
#define LONGEST (10000 * MS)

/* The limit came before the program was ready: the case has another try, with a longer one. */
static void came_too_early(int fd, int output, uint64_t limit)
{
	if (limit > LONGEST)
		FAIL("the program did not get that far in %llu ms", (unsigned long long)(limit / MS));
	wait_end(fd);
	close(output);
	close(fd);
}

static void limited(int fd, uint64_t ns, int first, int second, uint64_t delay)
{
	struct procfd_time_limit limit = { .signal = (uint32_t)first,
					   .second_signal = (uint32_t)second,
					   .delay_ns = delay };
	CFG(fd, PROC_SET_TIME_LIMIT, ns, &limit, sizeof limit);
}

/* A short limit may end before the program runs, and the start with it: it has another try. */
static pid_t create_within(int fd)
{
	int pid;
	while ((pid = process_config(fd, PROC_CREATE, 0, NULL, 0)) < 0) {
		struct procfd_error e = last_error(fd);
		if (e.stage != PROC_STAGE_CHILD_DIED)
			FAIL("%s", e.message);
		CHECK(strstr(e.message, "its time limit"));
	}
	return pid;
}

/* The same with its standard output in a pipe, whose reading end it returns. */
static int create_within_output(int fd)
{
	struct out o = set_output(fd);
	create_within(fd);
	close(o.w);
	return o.r;
}

static void message_has(int fd, const char *text)
{
	struct procfd_error e = last_error(fd);
	if (!strstr(e.message, text))
		FAIL("\"%s\" has no \"%s\"", e.message, text);
}

static void ends_at_its_time(void)
{
	for (int i = 0; i < 2; i++) {
		long long start = now_ns();
		int fd = ctx();
		set_child(fd, "pause");
		if (i)
			limited(fd, 50 * MS, SIGTERM, 0, 0);
		else
			SET(fd, PROC_SET_TIME_LIMIT, 50 * MS);
		create_within(fd);
		expect_killed(fd, i ? SIGTERM : SIGKILL);
		CHECK(now_ns() - start >= (long long)(50 * MS));
		CHECK_HUNG_UP(fd);
		close(fd);
	}
}

/* One that ends before is not disturbed, and one without a limit runs on. */
static void in_time(void)
{
	int fd = ctx(), other = staying();
	set_child(fd, "exit", "4");
	limited(fd, 3600 * SECOND, SIGTERM, SIGKILL, 1);
	create_within(fd);
	expect_exit(fd, 4);
	close(fd);
	fd = ctx();
	set_child(fd, "pause");
	SET(fd, PROC_SET_TIME_LIMIT, 3600 * SECOND);
	SET(fd, PROC_SET_TIME_LIMIT, 0);
	create_within(fd);
	usleep(30000);
	CHECK_NOT_HUNG_UP(fd);
	CHECK_NOT_HUNG_UP(other);
	finish(fd);
	finish(other);
}

static void the_second_signal(void)
{
	for (uint64_t limit = 300 * MS;; limit *= 2) {
		int fd = ctx();
		set_program(fd, "/bin/sh", "-c", "trap 'echo got' TERM; while :; do sleep 0.05; done", (char *)NULL);
		limited(fd, limit, SIGTERM, SIGKILL, 2 * limit);
		int output = create_within_output(fd);
		if (strcmp(read_line(output), "got")) {
			came_too_early(fd, output, limit);
			continue;
		}
		expect_killed(fd, SIGKILL);
		close(output);
		close(fd);
		break;
	}
}

/* A stopped process ends too; SIGCONT follows the signal. */
static void stopped(void)
{
	for (int i = 0; i < 2; i++) {
		int fd = ctx();
		set_child(fd, "pause");
		limited(fd, 100 * MS, i ? SIGTERM : SIGKILL, 0, 0);
		SET(fd, PROC_START_SUSPENDED, i);
		create_within(fd);
		if (!i)
			CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGSTOP, NULL, 0), 0);
		expect_killed(fd, i ? SIGTERM : SIGKILL);
		close(fd);
	}
}

/* The last close ends nothing, and the limit holds. */
static void without_a_holder(void)
{
	int fd = ctx(), pidfd;
	long long start = now_ns();
	set_child(fd, "pause");
	SET(fd, PROC_SET_TIME_LIMIT, 200 * MS);
	pidfd = sys_pidfd_open(create_within(fd));
	close(fd);
	CHECK_ENDS(pidfd);
	CHECK(now_ns() - start >= (long long)(200 * MS));
	ends_by(pidfd, SIGKILL);
}

/* The earlier of close policy and limit counts. */
static void with_a_close_policy(void)
{
	for (int i = 0; i < 2; i++) {
		struct procfd_close then = { .second_signal = SIGUSR1, .delay_ns = i ? 30 * MS : 3600 * SECOND };
		int fd = ctx(), pidfd;
		long long start = now_ns();
		set_child(fd, "pause");
		limited(fd, i ? 3600 * SECOND : 100 * MS, SIGUSR2, 0, 0);
		CFG(fd, PROC_SET_CLOSE, SIGURG, &then, sizeof then);
		pidfd = sys_pidfd_open(create_within(fd));
		/* A change of the policy leaves the limit. */
		int changed = process_manage(fd, PROC_SET_CLOSE, SIGWINCH, &then, sizeof then);
		CHECK(changed == 0 || (!i && now_ns() - start >= (long long)(100 * MS)));
		close(fd);
		ends_by(pidfd, i ? SIGUSR1 : SIGUSR2);
	}
}

static void killed_creator(void *socket)
{
	int fd = ctx();
	set_child(fd, "pause");
	SET(fd, PROC_SET_TIME_LIMIT, 200 * MS);
	int pidfd = sys_pidfd_open(create_within(fd));
	send_fd(*(int *)socket, pidfd);
	raise(SIGKILL);
}

static void without_the_creator(void)
{
	ends_after_its_creator(killed_creator);
}

/* The next watcher keeps what is left of the time. */
static void after_the_watcher(void)
{
	long long start = now_ns();
	int fd = ctx();
	set_child(fd, "pause");
	SET(fd, PROC_SET_TIME_LIMIT, 300 * MS);
	create_within(fd);
	usleep(100000);
	kill_watcher();
	/* A call of the library. */
	close(ctx());
	expect_killed(fd, SIGKILL);
	long long took = now_ns() - start;
	CHECK(took >= (long long)(300 * MS));
	diag("%lld ms of 300", took / 1000000);
	close(fd);
}

/* One whose time has passed without a watcher ends at once. */
static void too_late(void)
{
	for (uint64_t limit = 100 * MS, done = 0; !done; limit *= 2) {
		long long end = now_ns() + (long long)limit;
		int fd = ctx();
		set_child(fd, "pause");
		SET(fd, PROC_SET_TIME_LIMIT, limit);
		create_within(fd);
		kill_watcher();
		done = now_ns() < end || limit > LONGEST;
		if (done) {
			usleep((useconds_t)(limit * 3 / 2 / 1000));
			CHECK_NOT_HUNG_UP(fd);
		}
		close(ctx());
		expect_killed(fd, SIGKILL);
		close(fd);
	}
}

/* Many, in another order than they were given. */
static void many(void)
{
	int fds[24];
	for (int i = 0; i < 24; i++) {
		fds[i] = ctx();
		set_child(fds[i], "pause");
		SET(fds[i], PROC_SET_TIME_LIMIT, (uint64_t)(1 + i * 7 % 24) * 20 * MS);
		create_within(fds[i]);
	}
	for (int i = 0; i < 24; i++) {
		expect_killed(fds[i], SIGKILL);
		close(fds[i]);
	}
}

static void a_fork(void)
{
	int fd = ctx();
	SET(fd, PROC_SET_TIME_LIMIT, 50 * MS);
	int pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	CHECK(pid >= 0);
	if (pid == 0)
		for (;;)
			pause();
	expect_killed(fd, SIGKILL);
	close(fd);
}

static void attached(void)
{
	int fd = ctx_flags(PROCFD_NO_WATCH), pidfd;
	set_child(fd, "pause");
	pidfd = sys_pidfd_open(create_within(fd));
	int refused = ctx_flags(PROCFD_NO_WATCH), other = ctx();
	SET(refused, PROC_SET_TIME_LIMIT, 50 * MS);
	CHECK_ERR(process_config(refused, PROC_ATTACH, (uint64_t)pidfd, NULL, 0), EOPNOTSUPP);
	SET(other, PROC_SET_TIME_LIMIT, 50 * MS);
	CHECK(process_config(other, PROC_ATTACH, (uint64_t)pidfd, NULL, 0) > 0);
	expect_killed(fd, SIGKILL);
	close(fd);
	close(pidfd);
	close(refused);
	close(other);
}

/* The built-in init holds it without a watcher, and its creator may be gone. */
static void of_the_init(int fd)
{
	if (geteuid()) {
		struct procfd_idmap map = { .inside = 0, .outside = geteuid(), .count = 1 };
		CFG(fd, PROC_SET_UID_MAP, 0, &map, sizeof map);
		map.outside = getegid();
		CFG(fd, PROC_SET_GID_MAP, 0, &map, sizeof map);
		SET(fd, PROC_SET_FLAG, CLONE_NEWUSER);
	}
	SET(fd, PROC_SET_FLAG, CLONE_NEWPID);
	SET(fd, PROC_SET_INIT, 1);
}

static void init_creator(void *socket)
{
	int fd = ctx_flags(PROCFD_NO_WATCH);
	set_child(fd, "pause");
	of_the_init(fd);
	SET(fd, PROC_SET_TIME_LIMIT, 200 * MS);
	int pidfd = sys_pidfd_open(create_within(fd));
	send_fd(*(int *)socket, pidfd);
	raise(SIGKILL);
}

static void the_built_in_init(void)
{
	need_user_namespaces();
	for (int i = 0; i < 3; i++) {
		int fd = ctx_flags(i == 2 ? 0 : PROCFD_NO_WATCH);
		if (i == 1) {
			SET(fd, PROC_SET_SIGIGNORE, 1ULL << (SIGTERM - 1));
			set_child(fd, "pause");
		} else {
			set_program(fd, "/bin/sh", "-c", "kill -STOP $$; sleep 1000", (char *)NULL);
		}
		of_the_init(fd);
		limited(fd, 100 * MS, i ? SIGTERM : SIGKILL, i == 1 ? SIGKILL : 0, i == 1 ? 100 * MS : 0);
		create_within(fd);
		expect_killed(fd, i == 2 ? SIGTERM : SIGKILL);
		close(fd);
	}
	ends_after_its_creator(init_creator);
}

/* The whole cgroup ends, also after the process itself. */
static void the_cgroup(void)
{
	make_group();
	uint64_t limit = 300 * MS;
	for (int i = 0; i < 2;) {
		int fd = ctx(), output;
		CFG(fd, PROC_SET_CGROUP, 0, group, 0);
		SET(fd, PROC_SET_CGROUP_LEAF, 1);
		SET(fd, PROC_SET_TIME_LIMIT, limit);
		set_program(fd, "/bin/sh", "-c",
			    i ? "setsid sleep 1000 & exit 3" : "setsid sleep 1000 & sleep 1000", (char *)NULL);
		output = create_within_output(fd);
		if (i && wait_end(fd).what == PROC_KILLED) {
			came_too_early(fd, output, limit);
			limit *= 2;
			continue;
		}
		if (i)
			expect_exit(fd, 3);
		/* Until the daemon has ended. */
		CHECK_STR(slurp(output), "");
		if (!i)
			expect_killed(fd, SIGKILL);
		close(output);
		close(fd);
		i++;
	}
	drop_group();
}

static void refusals(void)
{
	struct procfd_time_limit bad[] = { { .signal = 65 }, { .second_signal = 65, .delay_ns = 1 }, { .delay_ns = 1 } };
	int fd = ctx_flags(PROCFD_NO_WATCH), lean = ctx_flags(PROCFD_PIDFD);
	set_child(fd, "pause");
	for (int i = 0; i < 3; i++)
		CHECK_ERR(process_config(fd, PROC_SET_TIME_LIMIT, SECOND, &bad[i], sizeof bad[i]), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_TIME_LIMIT, 0, &bad[0], sizeof bad[0]), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_TIME_LIMIT, UINT64_MAX, NULL, 0), EINVAL);
	message_has(fd, "ten years");
	SET(fd, PROC_SET_TIME_LIMIT, SECOND);
	CREATE_FAILS(fd, EOPNOTSUPP, PROC_STAGE_PLAN, 0);
	message_has(fd, "PROCFD_NO_WATCH");
	message_has(fd, "built-in init");
	CHECK_ERR(process_config(lean, PROC_SET_TIME_LIMIT, SECOND, NULL, 0), EOPNOTSUPP);
	message_has(lean, "PROCFD_PIDFD");
	close(lean);
	close(fd);
}

TAP_MAIN(CASE(ends_at_its_time), CASE(in_time), CASE(the_second_signal), CASE(stopped), CASE(without_a_holder),
	 CASE(with_a_close_policy), CASE(without_the_creator), CASE(after_the_watcher), CASE(too_late), CASE(many),
	 CASE(a_fork), CASE(attached), COLD(the_built_in_init), CASE(the_cgroup), CASE(refusals))

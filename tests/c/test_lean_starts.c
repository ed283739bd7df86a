/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* PROCFD_PIDFD: forks, attachment, ioctls, procfd_spawn, threads and signals. */
#include "lean.h"

#include <sys/stat.h>

/* ---- other ways to start ---- */

static void without_a_program_it_forks(void)
{
	int before = settled(), fd = lean();
	struct out o = make_pipe();
	SET(fd, PROC_SET_UMASK, 022);
	int pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	if (pid == 0) {
		/* The child does not hold it. */
		char closed = fcntl(fd, F_GETFD) < 0 && errno == EBADF ? 'y' : 'n';
		int own = process_open(PROCFD_PIDFD);
		if (own != fd || write(o.w, &closed, 1) != 1)
			_exit(99);
		_exit(21);
	}
	CHECK(pid > 0);
	CHECK(is_pidfd_of(fd, pid));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(tap_fds(NULL, 0), before + 3);
	close(o.w);
	CHECK_STR(slurp(o.r), "y");
	CHECK_EQ(wait_by_kernel(fd), 21);
	close(o.r);
	close(fd);
	no_children();
}

static void a_fork_that_fails(void)
{
	int fd = lean();
	CFG(fd, PROC_SET_CWD, 0, "/nonexistent", 0);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_CWD, 0);
	no_children();
	CHECK_EQ(state(fd), PROC_STATE_CONFIGURING);
	close(fd);
}

static void attach_and_copy(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		alarm(CHILD_LIFE);
		child_forever();
	}
	int pidfd = sys_pidfd_open(pid), fd = lean(), null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CHECK_ERR(process_config(fd, PROC_ATTACH, null, NULL, 0), EINVAL);
	CHECK_EQ(last_error(fd).stage, PROC_STAGE_ATTACH);
	CHECK_ERR(process_config(fd, PROC_ATTACH, fd, NULL, 0), ESRCH);
	close(null);
	CHECK_EQ(process_config(fd, PROC_ATTACH, (uint64_t)pidfd, NULL, 0), pid);
	CHECK(is_pidfd_of(fd, pid));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	/* Of a procfd. */
	int full = ctx(), again = lean();
	CHECK_EQ(process_config(full, PROC_ATTACH, (uint64_t)fd, NULL, 0), pid);
	CHECK_EQ(process_config(again, PROC_ATTACH, (uint64_t)full, NULL, 0), pid);
	CHECK(is_pidfd_of(again, pid));
	close(full);
	close(again);
	close(pidfd);
	finish(fd);

	int model = lean(), before = settled();
	set_child(model, "exit", "17");
	for (int i = 0; i < 20; i++) {
		int copy = process_config(model, PROC_COPY, 0, NULL, 0);
		CHECK(copy >= 0);
		CHECK_EQ(tap_fds(NULL, 0), before + 1);
		CHECK(is_pidfd_of(copy, create(copy)));
		expect_exit(copy, 17);
		close(copy);
	}
	create(model);
	expect_exit(model, 17);
	close(model);
}

static void as_ioctl_requests(void)
{
	int root = open("/proc", O_DIRECTORY | O_CLOEXEC);
	int fd = procfd_ioctl(root, PROCFD_IOC_OPEN, (uint64_t)PROCFD_PIDFD);
	CHECK(fd >= 0);
	close(root);
	struct procfd_ioctl_arg exec = { .data = (void *)"/bin/true" };
	CHECK_ERR(procfd_ioctl(fd, PROCFD_IOC_ARG + PROC_SET_CLOSE, (unsigned long)SIGTERM), EOPNOTSUPP);
	CHECK_EQ(procfd_ioctl(fd, PROCFD_IOC_DATA + PROC_SET_EXEC, &exec), 0);
	CHECK_EQ(procfd_ioctl(fd, PROCFD_IOC_ARG + PROC_INFO_STATE, 0UL), PROC_STATE_CONFIGURING);
	int pid = procfd_ioctl(fd, PROCFD_IOC_ARG + PROC_CREATE, 0UL);
	CHECK(pid > 0 && is_pidfd_of(fd, pid));
	CHECK_EQ(procfd_ioctl(fd, PROCFD_IOC_ARG + PROC_WAIT, 0UL), 0);
	CHECK_ERR(procfd_ioctl(fd, PROCFD_IOC_ARG + PROC_CREATE, 0UL), ENOTTY);
	close(fd);
}

static void in_one_call(void)
{
	const char *const argv[] = { "sh", "-c", "read x; exit 3", NULL };
	int pipes[3], before = settled();
	struct procfd_spawn options = {
		.flags = PROCFD_PIDFD,
		.stdio = { PROCFD_STDIO_PIPE },
		.pipes = pipes,
	};
	int fd = procfd_spawn(argv, &options, sizeof options);
	CHECK(fd > 2);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(tap_fds(NULL, 0), before + 2);
	CHECK(is_pidfd_of(fd, process_info(fd, PROC_INFO_PID, 0, NULL, 0)));
	close(pipes[0]);
	CHECK_EQ(wait_by_kernel(fd), 3);
	close(fd);

	options.close_signal = SIGTERM;
	CHECK_ERR(procfd_spawn(argv, &options, sizeof options), EOPNOTSUPP);
	SAYS("a close policy, with PROCFD_PIDFD");
	options = (struct procfd_spawn){ .flags = PROCFD_PIDFD | PROCFD_AUTOREAP };
	CHECK_ERR(procfd_spawn(argv, &options, sizeof options), EOPNOTSUPP);
	CHECK_ERR(process_open_pid(getpid(), PROCFD_PIDFD | PROCFD_AUTOREAP), EOPNOTSUPP);
	fd = process_open_pid(getpid(), PROCFD_PIDFD);
	CHECK(is_pidfd_of(fd, getpid()));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	CHECK_EQ(tap_fds(NULL, 0), before);
	no_children();
}

static void the_child_does_not_have_it(void)
{
	int fd = lean();
	FACT_IS(facts(fd), "fds", "0 1 2");
	close(fd);
	fd = lean();
	SET(fd, PROC_FD_INHERIT_ALL, 1);
	struct out o = set_output(fd);
	fcntl(o.w, F_SETFD, FD_CLOEXEC);
	FACT_IS(facts_into(fd, o), "fds", "0 1 2");
	close(fd);
}

/* ---- threads ---- */

static void *start_many(void *arg)
{
	for (int i = 0; i < 60; i++) {
		char code[16];
		int want = ((int)(intptr_t)arg * 37 + i) % 256;
		snprintf(code, sizeof code, "%d", want);
		int left = lean(), fd = lean();
		set_child(fd, "exit", code);
		if (i % 3 == 0) {
			CFG(left, PROC_SET_EXEC, 0, "/nonexistent", 0);
			CREATE_FAILS(left, ENOENT, PROC_STAGE_EXEC, -1);
		}
		CHECK(is_pidfd_of(fd, create(fd)));
		close(left);
		CHECK_EQ(wait_by_kernel(fd), want);
		close(fd);
	}
	return NULL;
}

static void many_threads(void)
{
	pthread_t threads[8];
	for (int i = 0; i < 8; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, start_many, (void *)(intptr_t)i), 0);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	no_children();
}

static void *create_it(void *arg)
{
	return (void *)(intptr_t)process_config(*(int *)arg, PROC_CREATE, 0, NULL, 0);
}

/* All want to start the same one: one does. */
static void one_of_many_creates(void)
{
	for (int round = 0; round < 30; round++) {
		pthread_t threads[4];
		int fd = lean(), started = 0;
		set_child(fd, "exit", "0");
		for (int i = 0; i < 4; i++)
			CHECK_EQ(pthread_create(&threads[i], NULL, create_it, &fd), 0);
		for (int i = 0; i < 4; i++) {
			void *pid;
			pthread_join(threads[i], &pid);
			started += (intptr_t)pid > 0;
		}
		CHECK_EQ(started, 1);
		CHECK_EQ(wait_by_kernel(fd), 0);
		close(fd);
		no_children();
	}
}

/* ---- signals ---- */

static atomic_int *handled_by;

static void note_who(int sig)
{
	(void)sig;
	pid_t self = (pid_t)syscall(SYS_getpid);
	if (self == handled_by[0])
		handled_by[1]++;
	else
		handled_by[2]++;
}

/* The child of a start begins without the handlers of its creator, whose memory it has. A signal to both ends the
 * child, or comes before it or after. */
static void no_handler_runs_in_the_child(void)
{
	handled_by = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	handled_by[0] = getpid();
	struct sigaction note = { .sa_handler = note_who, .sa_flags = SA_RESTART };
	CHECK_EQ(sigaction(SIGUSR1, &note, NULL), 0);
	pid_t flood = fork();
	if (flood == 0) {
		signal(SIGUSR1, SIG_IGN);
		for (;;)
			kill(0, SIGUSR1);
	}
	int started = 0, ended = 0;
	for (int i = 0; i < 400; i++) {
		int fd = lean();
		set_child(fd, "exit", "0");
		if (process_config(fd, PROC_CREATE, 0, NULL, 0) > 0) {
			struct procfd_wait w = { 0 };
			while (process_manage(fd, PROC_WAIT, 0, &w, sizeof w))
				CHECK_EQ(errno, EINTR);
			CHECK(w.what == PROC_KILLED ? w.status == SIGUSR1 : w.status == 0);
			started++;
		} else {
			CHECK_EQ(errno, ECHILD);
			CHECK_EQ(last_error(fd).stage, PROC_STAGE_CHILD_DIED);
			CHECK_EQ(state(fd), PROC_STATE_CONFIGURING);
			ended++;
		}
		close(fd);
	}
	kill_and_reap(flood);
	diag("%d started, %d ended before; %d signals handled", started, ended, handled_by[1]);
	CHECK(handled_by[1] > 0);
	CHECK_EQ(handled_by[2], 0);
	no_children();
}

TAP_MAIN(CASE(without_a_program_it_forks), CASE(a_fork_that_fails), CASE(attach_and_copy),
	 CASE(as_ioctl_requests), CASE(in_one_call), CASE(the_child_does_not_have_it),
	 CASE(many_threads), CASE(one_of_many_creates), CASE(no_handler_runs_in_the_child))

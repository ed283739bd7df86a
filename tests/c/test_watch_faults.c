/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What keeps the watcher from starting is an error with a stage, and never a silent descriptor. */
#include "watcher.h"
#include "filter.h"
#include "kid.h"

#include <sys/ioctl.h>

/* It works, the exit is reported; or PROC_CREATE says why not and what to do. */
static void works_or_says_why(void)
{
	int fd = ctx();
	set_child(fd, "exit", "0");
	int pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	if (pid > 0) {
		CHECK_HUNG_UP(fd);
		expect_exit(fd, 0);
	} else {
		struct procfd_error e = last_error(fd);
		diag("%s", e.message);
		CHECK_EQ(e.stage, PROC_STAGE_WATCHER);
		CHECK(strstr(e.message, "PROCFD_NO_WATCH"));
		CHECK_EQ(state(fd), PROC_STATE_CONFIGURING);
	}
	close(fd);
	fd = ctx_flags(PROCFD_NO_WATCH);
	set_child(fd, "exit", "5");
	create(fd);
	expect_exit(fd, 5);
	close(fd);
}

static void no_watcher_without(int nr, int error)
{
	refuse(nr, error);
	int fd = ctx();
	set_child(fd, "exit", "0");
	CREATE_FAILS(fd, error, PROC_STAGE_WATCHER, -1);
	close(fd);
	works_or_says_why();
}

static void memfd_refused(void) { no_watcher_without(SYS_memfd_create, EPERM); }

static void execveat_refused(void) { no_watcher_without(SYS_execveat, EACCES); }

static void other_calls_refused(void)
{
	static const int calls[] = { SYS_clone3, SYS_close_range, SYS_epoll_create1, SYS_epoll_ctl,
				     SYS_shutdown, SYS_dup3, SYS_unshare, SYS_setsid, SYS_prctl,
				     SYS_signalfd4, SYS_pidfd_send_signal };
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		pid_t pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			alarm(30);
			int warm = ctx();
			close(warm);
			refuse(calls[i], calls[i] == SYS_clone3 ? ENOSYS : EPERM);
			int fd = ctx_flags(0);
			set_child(fd, "exit", "0");
			if (process_config(fd, PROC_CREATE, 0, NULL, 0) > 0) {
				CHECK_HUNG_UP(fd);
				expect_exit(fd, 0);
			} else if (!last_error(fd).message[0]) {
				FAIL("no message, call %d", calls[i]);
			}
			_exit(0);
		}
		int st;
		CHECK_EQ(waitpid(pid, &st, 0), pid);
		/* Without the sockets' or epoll's calls there is no context at all: that is an error too. */
		if (!WIFEXITED(st) || WEXITSTATUS(st) > 1)
			FAIL("call %d refused: wait status %#x", calls[i], st);
		if (WEXITSTATUS(st) == 1 && calls[i] != SYS_epoll_ctl)
			FAIL("call %d refused", calls[i]);
	}
}

/* Sees each sendmsg(2) of this process, and of the watcher it starts. */
static atomic_int listener = -1;

/* The first message of the creator that is as long as a request to the watcher (52 bytes) gets lost:
 * it seems to have been sent. */
static void *lose_the_first_request(void *arg)
{
	atomic_int *lost = arg;
	struct seccomp_notif req;
	while (atomic_load(&listener) < 0)
		usleep(100);
	while (memset(&req, 0, sizeof req), ioctl(atomic_load(&listener), SECCOMP_IOCTL_NOTIF_RECV, &req) == 0 ||
					    errno == EINTR || errno == ENOENT) {
		struct seccomp_notif_resp r = { .id = req.id,
						.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };
		if (!req.id)
			continue;
		if ((pid_t)req.pid == getpid() && !atomic_load(lost)) {
			const struct msghdr *m = (const void *)(uintptr_t)req.data.args[1];
			if (m->msg_iov->iov_len == 52) {
				r.flags = 0;
				r.val = 52;
				atomic_store(lost, 1);
			}
		}
		ioctl(atomic_load(&listener), SECCOMP_IOCTL_NOTIF_SEND, &r);
	}
	return NULL;
}

static void losing(void *arg)
{
	static atomic_int lost;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendmsg, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof code / sizeof *code, code };
	pthread_t t;
	(void)arg;
	int fd = ctx();
	set_child(fd, "exit", "6");
	CHECK_EQ(pthread_create(&t, NULL, lose_the_first_request, &lost), 0);
	CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	int l = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog);
	if (l < 0)
		_exit(errno == EINVAL || errno == EBUSY ? 7 : 1);
	atomic_store(&listener, l);
	int before = tap_fds(NULL, 0);
	CREATE_FAILS(fd, ETIMEDOUT, PROC_STAGE_WATCHER, -1);
	CHECK(atomic_load(&lost));
	CHECK(strstr(last_error(fd).message, "hear from the watcher"));
	UNTIL(watchers_of(getpid(), NULL) == 0);
	CHECK_EQ(tap_fds(NULL, 0), before);
	CHECK_EQ(tap_children(NULL, 0), 0);
	CHECK_EQ(state(fd), PROC_STATE_CONFIGURING);
	create(fd); /* the next one is heard */
	CHECK_HUNG_UP(fd);
	expect_exit(fd, 6);
	close(fd);
}

static void its_first_message_is_lost(void)
{
	pid_t pid = fork_run(losing, NULL);
	int st;
	CHECK_EQ(waitpid(pid, &st, 0), pid);
	if (WIFEXITED(st) && WEXITSTATUS(st) == 7)
		SKIP("no seccomp listener here");
	CHECK_EQ(st, 0);
}

static void no_new_privs(void)
{
	CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	int fd = ctx();
	set_child(fd, "exit", "0");
	create(fd);
	CHECK_HUNG_UP(fd);
	expect_exit(fd, 0);
	close(fd);
}

/* Whatever number the limit stops at, it is an error of this call, and there is nothing left. */
static void descriptor_limit(void)
{
	struct rlimit was, l;
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &was), 0);
	int top = dup(0), failed = 0;
	close(top);
	for (int n = top; n < top + 24; n++) {
		l = (struct rlimit){ (rlim_t)n, was.rlim_max };
		CHECK_EQ(setrlimit(RLIMIT_NOFILE, &l), 0);
		int fd = process_open(0), pid = -1;
		if (fd >= 0) {
			set_child(fd, "exit", "0");
			pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
			if (pid < 0) {
				/* The limit is also that of descriptors in flight, which other programs of this user have too. */
				CHECK(errno == EMFILE || errno == ETOOMANYREFS);
				CHECK(last_error(fd).message[0]);
			}
		} else {
			CHECK_EQ(errno, EMFILE);
		}
		CHECK_EQ(setrlimit(RLIMIT_NOFILE, &was), 0);
		if (pid > 0) {
			CHECK_HUNG_UP(fd);
			expect_exit(fd, 0);
		} else {
			failed++;
		}
		if (fd >= 0)
			close(fd);
	}
	CHECK(failed > 2 && failed < 24);
}

static void no_processes(void)
{
	NEED_ROOT(); /* to become a user of its own count */
	become_nobody();
	struct rlimit none = { 0, 0 };
	CHECK_EQ(setrlimit(RLIMIT_NPROC, &none), 0);
	int fd = ctx();
	set_child(fd, "exit", "0");
	CHECK_ERR(process_config(fd, PROC_CREATE, 0, NULL, 0), EAGAIN);
	struct procfd_error e = last_error(fd);
	CHECK(e.stage == PROC_STAGE_WATCHER || e.stage == PROC_STAGE_CLONE);
	close(fd);
}

/* The watcher starts from memory: it is the program that is not there. */
static void empty_root(void *dir)
{
	CHECK_EQ(chroot(dir), 0);
	CHECK_EQ(chdir("/"), 0);
	int fd = ctx();
	set_child(fd, "exit", "0");
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, 0);
}

static void in_empty_root(void)
{
	NEED_ROOT();
	char *dir = make_dir();
	in_fork(empty_root, dir);
	remove_tree(dir);
}

/* As the init of a pid namespace, which is given every orphan. */
static int namespace_init(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++) {
		int fd = ctx();
		set_child(fd, "exit", "0");
		create(fd);
		CHECK_HUNG_UP(fd);
		expect_exit(fd, 0);
		close(fd);
	}
	while (waitpid(-1, NULL, 0) > 0)
		;
	CHECK_EQ(errno, ECHILD);
	_exit(0);
}

static void creator_is_an_init(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	int flags = CLONE_NEWPID | (geteuid() ? CLONE_NEWUSER : 0) | SIGCHLD;
	pid_t pid = clone(namespace_init, stack + sizeof stack, flags, NULL);
	if (pid < 0 && errno == EPERM)
		SKIP("no user namespaces for this user");
	CHECK(pid > 0);
	expect_status(pid, 0);
}

/* Stopped for good: another takes over for the next process. */
static void stopped(void)
{
	int one = staying();
	pid_t w = watcher();
	CHECK_EQ(kill(w, SIGSTOP), 0);
	int two = staying(); /* room was promised before */
	CHECK_EQ(kill(w, SIGCONT), 0);
	CHECK_EQ(process_manage(two, PROC_SIGNAL, SIGKILL, NULL, 0), 0);
	CHECK_HUNG_UP(two);
	finish(one);
	expect_killed(two, SIGKILL);
	close(two);
}

/* The watcher's epoll takes no more entries (fs.epoll.max_user_watches): here a filter says so of the descriptor
 * that is its 4 (0 is the control socket, 1 the epoll, 2 the creator; then B and the pidfd, or B once more). A
 * policy that the watcher cannot carry out is an error. */
static void no_room_for_a_policy(void)
{
	for (int how = 0; how < 3; how++) {
		pid_t pid = fork();
		CHECK(pid >= 0);
		if (pid > 0) {
			int st;
			CHECK_EQ(waitpid(pid, &st, 0), pid);
			CHECK_EQ(st, 0);
			continue;
		}
		alarm(30);
		struct procfd_close c = { .second_signal = SIGKILL, .delay_ns = 1000000 };
		int fd = ctx();
		set_child(fd, "pause");
		if (how == 1)
			SET(fd, PROC_SET_FLAG, CLONE_NEWPID | (geteuid() ? CLONE_NEWUSER : 0));
		if (how == 0)
			CFG(fd, PROC_SET_CLOSE, SIGTERM, &c, sizeof c);
		else
			SET(fd, PROC_SET_CLOSE, SIGKILL);
		refuse_argument(SYS_epoll_ctl, 2, ~0U, 4, 1, ENOSPC);
		if (how < 2) {
			CREATE_FAILS(fd, ENOSPC, PROC_STAGE_WATCHER, -1);
			CHECK_EQ(tap_children(NULL, 0), 0);
			CHECK_EQ(state(fd), PROC_STATE_CONFIGURING);
			/* Without the policy there is nothing that the watcher could not do. */
			SET(fd, PROC_SET_CLOSE, 0);
			create(fd);
			finish(fd);
		} else { /* a change that fails leaves the policy of before */
			create(fd);
			int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
			CHECK_ERR(process_manage(fd, PROC_SET_CLOSE, SIGURG, &c, sizeof c), ENOSPC);
			close(fd);
			CHECK_EQ(reap_pidfd(pidfd), SIGKILL);
			close(pidfd);
		}
		_exit(0);
	}
}

TAP_MAIN(COLD(no_room_for_a_policy), COLD(memfd_refused), COLD(execveat_refused), COLD(other_calls_refused),
	 COLD(its_first_message_is_lost), COLD(no_new_privs), COLD(descriptor_limit), COLD(no_processes),
	 COLD(in_empty_root), COLD(creator_is_an_init), CASE(stopped))

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A call begins with what a number was at the last call, and is itself the proof. So the number may become any other
 * descriptor between two calls: each call is about what it is now. And how many system calls that leaves. */
#include "counted.h"
#include "filter.h"

#include <netinet/in.h>

/* The first four have a process. */
enum kind { OPENER, RECEIVED, PIDFD, DIRECTORY, UNSTARTED, PLACEHOLDER, FILES, PIPES, UDP, UNIX, CLOSED, KINDS };
enum op { IDS_CPU, NUMBER, SIGNAL, WAIT, STATE, AGAIN, OPS };
static const char *const kind_names[] = { "opener's procfd", "received procfd", "pidfd", "/proc/PID", "context",
					  "placeholder", "file", "pipe", "UDP socket", "Unix socket", "nothing" };
static const char *const op_names[] = { "PROC_INFO of ids and CPU time", "PROC_INFO_PID", "PROC_SIGNAL",
					"PROC_WAIT of a running process", "PROC_INFO_STATE",
					"PROC_WAIT of an ended process" };
enum { NUMBER_USED = 900 };

static int received[2], received_ended;
static pid_t received_pid[2];

static int started(const char *what, const char *arg, pid_t *pid)
{
	int fd = ctx_flags(PROCFD_NO_WATCH);
	set_child(fd, what, arg);
	SET(fd, PROC_SET_PDEATHSIG, SIGKILL);
	*pid = create(fd);
	return fd;
}

/* A process's descriptor of each kind, twice: of different processes. */
static int made(enum kind kind, int which, pid_t *pid)
{
	char path[32];
	int p[2], fd;
	*pid = 0;
	switch (kind) {
	case OPENER:
		return started("pause", NULL, pid);
	case RECEIVED:
		*pid = received_pid[which];
		return received[which];
	case PIDFD:
	case DIRECTORY:
		fd = started("pause", NULL, pid);
		snprintf(path, sizeof path, "/proc/%d", *pid);
		return kind == PIDFD ? process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0) :
				       open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	case UNSTARTED:
		return ctx_flags(PROCFD_NO_WATCH);
	case PLACEHOLDER:
		return ctx_flags(PROCFD_PIDFD);
	case FILES:
		return memfd_create("own", MFD_CLOEXEC);
	case PIPES:
		CHECK_EQ(pipe2(p, O_CLOEXEC), 0);
		return p[0];
	case UDP:
		return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	default:
		return -1;
	}
}

/* A socket of the program's own, with a message and a descriptor in its queue. */
static int with_a_message(void)
{
	int p[2], fd = memfd_create("sent", MFD_CLOEXEC);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p), 0);
	send_fd(p[1], fd);
	close(fd);
	return p[0];
}

static char run_state(pid_t pid)
{
	char path[64], text[512] = "";
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	FILE *f = fopen(path, "re");
	CHECK(f && fgets(text, sizeof text, f));
	fclose(f);
	char *end = strrchr(text, ')');
	CHECK(end);
	return end[2];
}

/* The result of a call: what it says of a process, and errno. */
static long long result(int fd, enum op op)
{
	struct procfd_info i = { 0 };
	struct procfd_wait w = { 0 };
	errno = 0;
	switch (op) {
	case IDS_CPU:
		if (process_info(fd, PROC_INFO, PROC_FIELD_IDS | PROC_FIELD_CPU, &i, sizeof i))
			return -1;
		return i.mask == (PROC_FIELD_IDS | PROC_FIELD_CPU) ? (long long)i.pid : -2;
	case NUMBER:
		return process_info(fd, PROC_INFO_PID, 0, NULL, 0);
	case SIGNAL:
		return process_manage(fd, PROC_SIGNAL, SIGSTOP, NULL, 0);
	case WAIT:
		return process_manage(fd, PROC_WAIT, PROC_WAIT_NOHANG, &w, sizeof w);
	case STATE:
		return state(fd);
	default:
		return process_manage(fd, PROC_WAIT, 0, &w, sizeof w);
	}
}

static void check(enum kind from, enum kind to, enum op op, pid_t pid, pid_t before)
{
	long long r = result(NUMBER_USED, op);
	int e = errno, want = to == CLOSED ? EBADF : to < UNSTARTED ? 0 : to <= PLACEHOLDER ? ESRCH : EINVAL;
	int right = want ? r == -1 && e == want : 0;
	if (!want && op == WAIT)
		right = r == -1 && e == EAGAIN;
	else if (!want && op == STATE)
		right = r == PROC_STATE_RUNNING;
	else if (!want && op == SIGNAL) {
		for (int ms = 0; r == 0 && run_state(pid) != 'T'; ms++) {
			CHECK(ms < FOREVER_MS);
			usleep(1000);
		}
		right = r == 0 && run_state(before) != 'T';
		kill(pid, SIGCONT);
	} else if (!want)
		right = r == pid;
	else if (op == STATE && to <= PLACEHOLDER)
		right = r == PROC_STATE_CONFIGURING;
	if (!right)
		FAIL("%s: %s became %s: returned %lld, errno %d (%s)", op_names[op], kind_names[from],
		     kind_names[to], r, e, strerror(e));
}

static void changes(void *arg)
{
	(void)arg;
	int fds[KINDS][2];
	pid_t pids[KINDS][2];
	for (int k = 0; k < KINDS; k++)
		for (int i = 0; i < 2; i++)
			fds[k][i] = made(k, i, &pids[k][i]);
	for (int from = 0; from < UNSTARTED; from++)
		for (int to = 0; to < KINDS; to++)
			for (int op = 0; op < AGAIN; op++) {
				CHECK_EQ(dup3(fds[from][0], NUMBER_USED, O_CLOEXEC), NUMBER_USED);
				for (int i = 0; i < 2; i++)
					CHECK_EQ(result(NUMBER_USED, IDS_CPU), pids[from][0]);
				if (to == UNIX)
					fds[to][1] = with_a_message();
				if (to == CLOSED)
					close(NUMBER_USED);
				else
					CHECK_EQ(dup3(fds[to][1], NUMBER_USED, O_CLOEXEC), NUMBER_USED);
				check(from, to, op, pids[to][1], pids[from][0]);
				if (to == UNIX) {
					close(recv_fd(fds[to][1])); /* its message is still there */
					close(fds[to][1]);
				}
			}
	for (int k = 0; k < UNSTARTED; k++)
		for (int i = 0; i < 2; i++)
			kill(pids[k][i], SIGKILL);
}

static void make_received(void)
{
	pid_t pid;
	for (int i = 0; i < 2; i++)
		received[i] = started("pause", NULL, &received_pid[i]);
	received_ended = started("exit", "7", &pid);
	expect_exit(received_ended, 7);
}

static void end_received(void)
{
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(process_manage(received[i], PROC_SIGNAL, SIGKILL, NULL, 0), 0);
		expect_killed(received[i], SIGKILL);
		close(received[i]);
	}
	close(received_ended);
}

static void a_number_becomes_another(void)
{
	make_received();
	in_fork(changes, NULL);
	end_received();
}

static enum kind handle;
static enum op operation;

static void once(void)
{
	static int fd = -1;
	pid_t pid;
	if (fd < 0 && operation != AGAIN)
		fd = made(handle, 0, &pid);
	if (fd < 0) {
		fd = handle == RECEIVED ? received_ended : started("exit", "7", &pid);
		if (handle == PIDFD)
			fd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	}
	if (operation == SIGNAL) {
		if (process_manage(fd, PROC_SIGNAL, 0, NULL, 0))
			_exit(96);
	} else if (result(fd, operation) == -1 && errno != EAGAIN)
		_exit(97);
}

/* The opener proves its procfd and the kept pidfd: 2 calls. A receiver takes the pidfd out of the procfd, and closes it:
 * 2 calls. The rest are the calls that do the work; PROC_INFO_STATE, whose poll proves nothing, has one more for a proof.
 * The received process is not the caller's child. */
static void how_many_calls(void)
{
	static const int most[OPS][3] = {
		[IDS_CPU] = { 4, 4, 2 }, [NUMBER] = { 3, 3, 1 }, [SIGNAL] = { 3, 3, 1 },
		[WAIT] = { 3, 5, 1 }, [STATE] = { 3, 4, 2 }, [AGAIN] = { 1, 5, 2 },
	};
	if (!has_get_info())
		SKIP("no PIDFD_GET_INFO");
	make_received();
	for (operation = 0; operation < OPS; operation++)
		for (handle = OPENER; handle <= PIDFD; handle++) {
			int n = calls_of(once);
			diag("%s, %s: %d", op_names[operation], kind_names[handle], n);
			if (n > most[operation][handle])
				FAIL("%s, %s: %d calls, at most %d are needed", op_names[operation],
				     kind_names[handle], n, most[operation][handle]);
		}
	end_received();
}

TAP_MAIN(CASE(a_number_becomes_another), CASE(how_many_calls))

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the subject does: a start before the torture, the tortured one, and one that must succeed. */
#ifndef PASSES_H
#define PASSES_H

#include "numbers.h"

static void drop_target(const struct scenario *s, struct report *r)
{
	struct pollfd p = { .fd = target_pidfd, .events = POLLIN };
	siginfo_t info = { .si_pid = 0 };
	waitid(P_PID, (id_t)target, &info, WEXITED | WNOHANG | WNOWAIT);
	/* To take the number of the procfd is its last close. */
	int closed = taking->is_on && taking->number == r->procfd;
	if (((r->created < 0 && !closed) || s->prepare != make_target) && poll(&p, 1, 0) != 0)
		fault(r, "a process that was there before is dead: signal %d, after %d, %.80s", info.si_status, r->error,
		      r->message);
	syscall(SYS_pidfd_send_signal, target_pidfd, SIGKILL, NULL, 0);
	/* The init of a pid namespace ends once all in it are reaped. */
	while (waitpid(target, NULL, WNOHANG) == 0) {
		sweep();
		usleep(100);
	}
	close(target_pidfd);
	target_pidfd = -1;
}

static int configured(const struct scenario *s, int fd)
{
	struct procfd_close close = { .second_signal = SIGKILL, .delay_ns = 20000000 };
	const char *const argv[] = { "torture", "--program", s->ends == BY_ITSELF ? "exit" : "pause", NULL };
	if (set(fd, PROC_SET_EXEC, 0, self_path, 0) || set(fd, PROC_SET_ARGV, 0, argv, 0) || s->configure(fd))
		return -1;
	if (s->ends == BY_SECOND_SIGNAL)
		return set(fd, PROC_SET_SIGIGNORE, 1ULL << (SIGTERM - 1), NULL, 0) ||
		       set(fd, PROC_SET_CLOSE, SIGTERM, &close, sizeof close);
	if (s->ends == BY_ITSELF || s->ends == BY_LIMIT || (is_tortured && !strcmp(broken, "unarmed")))
		return 0;
	return set(fd, PROC_SET_CLOSE, SIGKILL, NULL, 0);
}

/* Numbers are taken in PROC_CREATE alone. */
static int create(int fd)
{
	if (is_tortured && taking->is_on && !is_live)
		syscall(MARK_BEGIN);
	return process_config(fd, PROC_CREATE, 0, NULL, 0);
}

static int usual_start(const struct scenario *s, int *fd, int *opened)
{
	*fd = process_open(s->flags);
	*opened = *fd >= 0 && !configured(s, *fd);
	return *opened ? create(*fd) : -1;
}

/* One start; what follows PROC_CREATE happens after the mark, without a fault. */
static void pass(const struct scenario *s, struct report *r, int tortured)
{
	struct procfd_wait w = { .timeout_ns = PATIENCE_MS * 1000000ULL };
	struct procfd_error e;
	int fd = -1, opened = 0, created;
	memset(r, 0, offsetof(struct report, fault));
	memset(&e, 0, sizeof e);
	r->ended = -1;
	is_tortured = tortured;
	is_live = s->live != NULL;
	if (s->prepare)
		s->prepare();
	if (tortured)
		taking->keep |= bit((unsigned long)target_pidfd);
	if (tortured && !s->live && !taking->is_on)
		syscall(MARK_BEGIN);
	let_go = 0;
	created = (s->start ? s->start : usual_start)(s, &fd, &opened);
	if (created == 0) { /* the child of a fork; the report is its parent's */
		alarm(PROGRAM_LIFE);
		while (s->ends != BY_ITSELF)
			pause();
		_exit(EXIT_CODE);
	}
	r->error = created < 0 ? errno : 0;
	if (tortured && !s->live)
		syscall(MARK_END);
	r->created = created;
	r->opened = opened;
	if (tortured)
		r->procfd = fd;
	snprintf(r->message, sizeof r->message, "%s", created < 0 ? procfd_error_message() : "");
	if (s->live && created > 0) {
		if (tortured)
			syscall(MARK_BEGIN);
		s->live(fd, r);
		if (tortured)
			syscall(MARK_END);
	}
	if (tortured && taking->is_on) {
		drop_any(s, let_go ? -1 : fd, r);
		goto over;
	}
	if (created < 0 && !strcmp(broken, "leak"))
		open("/", O_RDONLY | O_CLOEXEC);
	if (created > 0 && s->ends == BY_LIMIT && r->caller_killed)
		kill(created, SIGKILL); /* the limit may be lost with the watcher */
	if (let_go) {
		fd = -1;
	} else if (created > 0 && s->ends != BY_ITSELF && s->ends != BY_LIMIT) {
		drop_armed(s, fd, r);
		fd = -1;
	} else if (created > 0 && process_manage(fd, PROC_WAIT, 0, &w, sizeof w)) {
		fault(r, "PROC_WAIT: errno %d", errno);
	} else if (created > 0) {
		r->ended = w.what == PROC_EXITED ? w.status : 1000 + w.status;
	} else if (fd >= 0) {
		if (process_info(fd, PROC_INFO_ERROR, 0, &e, sizeof e) == 0)
			r->stage = e.stage;
		if (opened && process_info(fd, PROC_INFO_STATE, 0, NULL, 0) != PROC_STATE_CONFIGURING)
			fault(r, "a context whose start failed is not configuring");
	}
	if (fd >= 0)
		close(fd);
over:
	if (callers_end >= 0)
		close(callers_end);
	callers_end = -1;
	if (target_pidfd >= 0)
		drop_target(s, r);
}

/* The library keeps a descriptor of /proc from the first question that reads there: also from one that a fault causes. */
static void keep_proc(void)
{
	static struct procfd_info info;
	int own = (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (own >= 0) {
		process_info(own, PROC_INFO, PROC_FIELD_SIGNALS, &info, sizeof info);
		close(own);
	}
}

/* What PROC_WAIT tells of a program that nothing disturbs; -1 where no wait is made. */
static int expected_end(const struct scenario *s)
{
	if (s->forgets)
		return -1;
	return s->ends == BY_ITSELF ? EXIT_CODE : s->ends == BY_LIMIT ? 1000 + SIGKILL : -1;
}

/* The whole life of the subject. `go` has a byte when the tracer is there. */
static void subject(const struct scenario *s, struct report *r, int go)
{
	static struct report again;
	char c, what[256] = "";
	alarm(PROGRAM_LIFE);
	keep_proc();
	if (!s->cold)
		pass(s, &again, 0);
	else /* what the library keeps without a start */
		sweep();
	struct own_state before = own_state();
	if (taking->is_on) {
		/* What the library has of the start before goes. */
		for (int i = 0; i < 1000 && (sweep(), left_child(what, sizeof what)); i++)
			usleep(1000);
		taking->keep = bit((unsigned long)go);
		make_own();
		make_taker();
	}
	if (read(go, &c, 1) != 1)
		_exit(1);
	pass(s, r, 1);
	struct own_state after = own_state();
	if (memcmp(&before, &after, sizeof before))
		fault(r, "the creator has changed: dumpable %d, nice %d, umask %o, uid %u, directory %.80s, %s mask",
		      after.dumpable, after.nice, after.umask, after.uid, after.cwd,
		      memcmp(&before.mask, &after.mask, sizeof before.mask) ? "another" : "the same");
	/* On a busy machine a time limit may be over before the program runs. */
	for (int i = 0; i < 5; i++) {
		pass(s, &again, 0);
		if (s->ends != BY_LIMIT || again.created > 0 || again.error != ECHILD)
			break;
	}
	if (again.fault[0])
		fault(r, "the next start: %.200s", again.fault);
	else if (again.created <= 0)
		fault(r, "the next start: errno %d, %.180s", again.error, again.message);
	else if (again.ended != expected_end(s))
		fault(r, "the next program ends with %d", again.ended);
	if (taking->is_on)
		check_own(r);
	pid_t left = 1;
	for (int i = 0; left && i < PATIENCE_MS / 10; i++) {
		sweep();
		if ((left = left_child(what, sizeof what)))
			usleep(10000);
	}
	if (left)
		fault(r, "child %d is left: %.200s", left, what);
	r->fds = open_descriptors();
	r->done = 1;
	_exit(0);
}

static int program(const char *how)
{
	alarm(PROGRAM_LIFE);
	while (!strcmp(how, "pause"))
		pause();
	return EXIT_CODE;
}

#endif

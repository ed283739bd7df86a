// SPDX-License-Identifier: MIT OR Apache-2.0
/* How a program starts: suspended before its first instruction. */
#include "filter.h"
#include "util.h"

#include <elf.h>
#include <sys/wait.h>

static int suspended(const char *script, int *output)
{
	int fd = ctx();
	set_program(fd, "/bin/sh", "-c", script, (char *)NULL);
	SET(fd, PROC_START_SUSPENDED, 1);
	*output = process_config(fd, PROC_FD_PIPE, PROC_PIPE_FROM_CHILD | 1, NULL, 0);
	CHECK(*output >= 0);
	return fd;
}

static int resume(int fd)
{
	return process_manage(fd, PROC_RESUME, 0, NULL, 0);
}

static char state_of(pid_t pid)
{
	return status_of(pid, "State")[0];
}

static uint64_t auxiliary(int fd, uint64_t type)
{
	static _Alignas(8) char buf[4096];
	int n = process_info(fd, PROC_INFO_AUXV, 0, buf, sizeof buf);
	CHECK(n > 0);
	for (uint64_t *pair = (uint64_t *)buf; (char *)pair < buf + n && pair[0]; pair += 2)
		if (pair[0] == type)
			return pair[1];
	return 0;
}

/* The address at which the first instruction is: the entry of the interpreter. */
static uint64_t entry_of(pid_t pid, int fd)
{
	Elf64_Ehdr header;
	uint64_t base = auxiliary(fd, AT_BASE);
	char path[64];
	if (base == 0)
		return auxiliary(fd, AT_ENTRY);
	snprintf(path, sizeof path, "/proc/%d/mem", pid);
	int mem = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(mem >= 0);
	CHECK_EQ(pread(mem, &header, sizeof header, (off_t)base), (ssize_t)sizeof header);
	close(mem);
	return base + header.e_entry;
}

static void before_the_first_instruction(void)
{
	int output, fd = suspended("echo ran; exit 3", &output);
	pid_t pid = create(fd);
	CHECK_EQ(state_of(pid), 'T');
	char exe[PATH_MAX] = { 0 }, path[64], want[PATH_MAX];
	snprintf(path, sizeof path, "/proc/%d/exe", pid);
	CHECK(readlink(path, exe, sizeof exe - 1) > 0);
	CHECK(realpath("/bin/sh", want) != NULL);
	CHECK_STR(exe, want);
	/* Where it goes on: the last word is the instruction pointer. */
	char text[512] = { 0 };
	CHECK(process_info(fd, PROC_INFO_SYSCALL, 0, text, sizeof text - 1) > 0);
	char *pc = strrchr(text, ' ');
	CHECK(pc != NULL);
	CHECK_EQ(strtoull(pc, NULL, 16), entry_of(pid, fd));
	struct pollfd p = { .fd = output, .events = POLLIN };
	CHECK_EQ(poll(&p, 1, 100), 0);
	CHECK_ERR(process_manage(fd, PROC_WAIT, PROC_WAIT_NOHANG, NULL, 0), EAGAIN);
	CHECK_EQ(resume(fd), 0);
	CHECK_STR(slurp(output), "ran\n");
	expect_exit(fd, 3);
	CHECK_ERR(resume(fd), ESRCH);
	close(output);
	close(fd);
}

/* The program has no descriptor more, and no signal pending or blocked. */
static void nothing_is_left_of_it(void)
{
	int fd = ctx(), output = process_config(fd, PROC_FD_PIPE, PROC_PIPE_FROM_CHILD | 1, NULL, 0);
	struct procfd_rlimit limit = { .soft = 5, .hard = 5 };
	CFG(fd, PROC_SET_RLIMIT, RLIMIT_NOFILE, &limit, sizeof limit);
	SET(fd, PROC_START_SUSPENDED, 1);
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	set_child(fd, "facts");
	create(fd);
	CHECK_EQ(resume(fd), 0);
	const char *text = slurp(output);
	FACT_IS(text, "fds", "0 1 2");
	expect_exit(fd, 0);
	close(output);
	close(fd);
}

static void no_wait_reports_the_stop(void)
{
	int output, fd = suspended("kill -STOP $$; exit 4", &output);
	struct procfd_wait w = { 0 };
	pid_t pid = create(fd);
	siginfo_t info = { 0 };
	CHECK_EQ(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOHANG | WNOWAIT), 0);
	CHECK_EQ(info.si_pid, 0);
	CHECK_ERR(process_manage(fd, PROC_WAIT, PROC_WAIT_STOPPED | PROC_WAIT_NOHANG, &w, sizeof w), EAGAIN);
	CHECK_EQ(resume(fd), 0);
	/* The next one is reported. */
	while (process_manage(fd, PROC_WAIT, PROC_WAIT_STOPPED | PROC_WAIT_NOHANG, &w, sizeof w) < 0)
		CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(w.what, PROC_STOPPED);
	CHECK_EQ(resume(fd), 0);
	expect_exit(fd, 4);
	close(output);
	close(fd);
}

static void resume_says_what_is_not_suspended(void)
{
	int fd = ctx();
	set_child(fd, "pause");
	CHECK_ERR(resume(fd), ESRCH);
	create(fd);
	CHECK_ERR(resume(fd), EALREADY);
	CHECK(strstr(procfd_error_message(), "not suspended") != NULL);
	CHECK_EQ(process_manage(fd, PROC_STOP, 0, NULL, 0), 0);
	while (resume(fd) < 0)
		CHECK_EQ(errno, EALREADY);
	finish(fd);
}

static void any_holder_resumes(void)
{
	int output, fd = suspended("exit 5", &output);
	create(fd);
	pid_t other = fork();
	if (other == 0)
		_exit(resume(fd) == 0 ? 0 : 1);
	int status;
	CHECK_EQ(waitpid(other, &status, 0), other);
	CHECK_EQ(status, 0);
	expect_exit(fd, 5);
	close(output);
	close(fd);
}

static void it_ends_suspended(void)
{
	int output, fd = suspended("exit 5", &output);
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	pid_t pid = create(fd);
	close(fd);
	CHECK_STR(slurp(output), "");
	close(output);
	/* The library reaps it once it has ended. */
	siginfo_t info;
	CHECK_EQ(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	sweep();
}

/* Signals that come meanwhile wait for the program; one that is blocked stays blocked. */
static void signals_meanwhile(void)
{
	int output, fd = suspended("exit 5", &output);
	create(fd);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGTERM, NULL, 0), 0);
	CHECK_EQ(resume(fd), 0);
	expect_killed(fd, SIGTERM);
	close(output);
	close(fd);
}

static void many(void)
{
	for (int i = 0; i < 100; i++) {
		int output, fd = suspended("echo ran", &output);
		pid_t pid = create(fd);
		CHECK_EQ(state_of(pid), 'T');
		CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0), 0);
		CHECK_STR(slurp(output), "");
		expect_killed(fd, SIGKILL);
		close(output);
		close(fd);
	}
}

/* It starts suspended, and goes on. */
static void is_suspended(int fd, int output)
{
	pid_t pid = create(fd);
	CHECK_EQ(state_of(pid), 'T');
	CHECK_EQ(resume(fd), 0);
	CHECK_STR(slurp(output), "ran\n");
	expect_exit(fd, 0);
	close(output);
	close(fd);
}

static void as_another_user(void)
{
	NEED_ROOT();
	int output, fd = suspended("echo ran", &output);
	SET(fd, PROC_SET_GID, NOBODY);
	SET(fd, PROC_SET_UID, NOBODY);
	is_suspended(fd, output);
}

static void in_a_user_namespace(void)
{
	int output, fd = suspended("echo ran", &output);
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER);
	is_suspended(fd, output);
}

static void refused(void)
{
	int fd = ctx();
	SET(fd, PROC_START_SUSPENDED, 1);
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_PLAN, -1);
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_FLAG, CLONE_NEWPID | CLONE_NEWUSER);
	CREATE_FAILS(fd, EOPNOTSUPP, PROC_STAGE_PLAN, -1);
	CHECK_ERR(process_config(fd, PROC_START_SUSPENDED, 2, NULL, 0), EINVAL);
	close(fd);
	fd = ctx();
	SET(fd, PROC_START_SUSPENDED, 1);
	set_program(fd, "/no/such", (char *)NULL);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, 0);
	set_child(fd, "exit", "0");
	refuse(SYS_pipe2, ODD);
	CREATE_FAILS(fd, ODD, PROC_STAGE_SUSPEND, 0);
	close(fd);
}

TAP_MAIN(CASE(before_the_first_instruction), CASE(nothing_is_left_of_it), CASE(no_wait_reports_the_stop),
	 CASE(resume_says_what_is_not_suspended), CASE(any_holder_resumes), CASE(it_ends_suspended),
	 CASE(signals_meanwhile), CASE(many), CASE(as_another_user), CASE(in_a_user_namespace), CASE(refused))

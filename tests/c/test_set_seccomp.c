// SPDX-License-Identifier: MIT OR Apache-2.0
/* Seccomp programs, the session keyring. */
#include "filter.h"
#include "others.h"
#include "util.h"

#include <linux/keyctl.h>
#include <sys/personality.h>

#define LD_NR BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define ANSWER(answer) BPF_STMT(BPF_RET | BPF_K, answer)
#define IF_NR(nr, answer) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), ANSWER(answer)

/* All but what the child does after its last program, and what this program does as the child. */
static struct sock_filter nearly_all[] = {
	LD_NR,
	IF_NR(SYS_rt_sigprocmask, SECCOMP_RET_ALLOW),
	IF_NR(SYS_execve, SECCOMP_RET_ALLOW),
	IF_NR(SYS_exit_group, SECCOMP_RET_ALLOW),
	ANSWER(SECCOMP_RET_KILL_PROCESS),
};

static struct sock_filter no_uname[] = {
	LD_NR, IF_NR(SYS_uname, REFUSE(ODD)), ANSWER(SECCOMP_RET_ALLOW),
};

static struct sock_filter no_sysinfo[] = {
	LD_NR, IF_NR(SYS_sysinfo, REFUSE(ODD)), ANSWER(SECCOMP_RET_ALLOW),
};

#define SECCOMP(fd, flags, f) CFG(fd, PROC_SET_SECCOMP, flags, f, sizeof f)

static const char *status_line(int fd, const char *pattern)
{
	set_program(fd, "/bin/grep", "-E", pattern, "/proc/self/status", (char *)NULL);
	return printed_and_closed(fd);
}

static void several_programs(void)
{
	int fd = ctx();
	SECCOMP(fd, SECCOMP_FILTER_FLAG_LOG, no_uname);
	SECCOMP(fd, 0, no_sysinfo);
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	CHECK_STR(status_line(fd, "^(Seccomp|NoNewPrivs|Seccomp_filters):"),
		  "NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t2\n");
	CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
	/* uname(1) fails. */
	fd = ctx();
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	SECCOMP(fd, 0, no_uname);
	set_program(fd, "/bin/uname", (char *)NULL);
	int output = create_with_output(fd, NULL);
	CHECK_STR(slurp(output), "");
	close(output);
	expect_exit(fd, 1);
	close(fd);
	/* None, after they are dropped. */
	fd = ctx();
	SECCOMP(fd, 0, no_uname);
	CFG(fd, PROC_SET_SECCOMP, 0, NULL, 0);
	CHECK_STR(status_line(fd, "^Seccomp:"), "Seccomp:\t0\n");
}

/* All settings and the close policy come before it. */
static void refuses_nearly_all(void)
{
	for (int order = 0; order < 2; order++) {
		int fd = ctx();
		set_child(fd, "exit", "0");
		if (order == 0)
			SECCOMP(fd, 0, nearly_all);
		SET(fd, PROC_SET_CLOSE, SIGKILL);
		SET(fd, PROC_SET_SIGMASK, 1 << (SIGUSR1 - 1));
		SET(fd, PROC_SET_PDEATHSIG, SIGTERM);
		SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
		CFG(fd, PROC_SET_CWD, 0, "/", 0);
		if (geteuid() == 0) {
			SET(fd, PROC_SET_UID, 1234);
			SET(fd, PROC_SET_CAP_AMBIENT, 1 << 10);
		}
		if (order == 1)
			SECCOMP(fd, 0, nearly_all);
		create(fd);
		/* The program's own start is what it kills. */
		expect_killed(fd, SIGSYS);
		close(fd);
		fd = ctx();
		SECCOMP(fd, 0, nearly_all);
		SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
		CFG(fd, PROC_SET_EXEC, 0, "/nonexistent", 0);
		CREATE_FAILS(fd, ENOENT, PROC_STAGE_EXEC, -1);
		close(fd);
	}
}

/* The child of a failed start ends, though its program leaves it no system call for that. */
static void refuses_even_the_end(void)
{
	static struct sock_filter none[] = { ANSWER(REFUSE(ODD)) };
	static struct sock_filter mask_alone[] = {
		LD_NR, IF_NR(SYS_rt_sigprocmask, SECCOMP_RET_ALLOW), ANSWER(REFUSE(ODD)),
	};
	static struct sock_filter no_end[] = {
		LD_NR, IF_NR(SYS_exit_group, REFUSE(EPERM)), IF_NR(SYS_exit, REFUSE(EPERM)), ANSWER(SECCOMP_RET_ALLOW),
	};
	struct procfd_rlimit core = { 0 };
	int root = geteuid() == 0;
	signal(SIGILL, SIG_IGN);
	for (int kind = 0; kind < 4; kind++) {
		int fd = ctx();
		set_child(fd, "exit", "0");
		SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
		CFG(fd, PROC_SET_RLIMIT, RLIMIT_CORE, &core, sizeof core);
		SET(fd, PROC_SET_CLOSE, SIGKILL);
		/* As before 5.16: the child has memory of its own. */
		if (kind == 3)
			CHECK(personality(UNAME26) >= 0);
		if (kind && root && kind < 3) {
			SET(fd, PROC_SET_FLAG, CLONE_NEWPID);
			SET(fd, PROC_SET_INIT, 1);
		}
		int other = process_config(fd, PROC_COPY, 0, NULL, 0), third = process_config(fd, PROC_COPY, 0, NULL, 0);
		SECCOMP(fd, 0, none);
		CREATE_FAILS(fd, ODD, PROC_STAGE_SIGMASK, -1);
		close(fd);
		SECCOMP(other, 0, mask_alone);
		CREATE_FAILS(other, ODD, PROC_STAGE_EXEC, -1);
		close(other);
		SECCOMP(third, 0, no_end);
		CFG(third, PROC_SET_EXEC, 0, "/nonexistent", 0);
		CREATE_FAILS(third, ENOENT, PROC_STAGE_EXEC, -1);
		close(third);
	}
	if (root) {
		/* The kernel does not protect an init from this signal. */
		int fd = ctx();
		set_child(fd, "exit", "0");
		SET(fd, PROC_SET_FLAG, CLONE_NEWPID);
		SECCOMP(fd, 0, mask_alone);
		CREATE_FAILS(fd, ODD, PROC_STAGE_EXEC, -1);
		close(fd);
	}
	/* A fork, which tells its failure by a call, ends too. */
	int fd = ctx();
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	SECCOMP(fd, 0, none);
	CHECK_EQ(process_config(fd, PROC_CREATE, 0, NULL, 0), -1);
	close(fd);
	several_programs();
	CHECK(personality(0) >= 0);
	signal(SIGILL, SIG_DFL);
}

static void with_rights(void)
{
	if (geteuid() != 0)
		SKIP("needs root");
	int fd = ctx();
	SECCOMP(fd, 0, no_uname);
	SET(fd, PROC_SET_UID, 1234);
	CHECK_STR(status_line(fd, "^(CapPrm|NoNewPrivs|Seccomp):"),
		  "CapPrm:\t0000000000000000\nNoNewPrivs:\t0\nSeccomp:\t2\n");
	/* A fork has none left either. */
	fd = ctx();
	SECCOMP(fd, 0, no_uname);
	SET(fd, PROC_SET_UID, 1234);
	if (create(fd) == 0)
		_exit(prctl(PR_GET_SECCOMP) == 2 && setuid(0) ? 0 : 1);
	expect_exit(fd, 0);
	close(fd);
}

static void failures(void)
{
	struct sock_filter no_return[] = { LD_NR };
	int fd = ctx();
	set_child(fd, "exit", "0");
	CHECK_ERR(process_config(fd, PROC_SET_SECCOMP, 0, no_uname, 12), EINVAL);
	CHECK(strstr(last_error(fd).message, "12 bytes"));
	CHECK_ERR(process_config(fd, PROC_SET_SECCOMP, 1 << 20, no_uname, sizeof no_uname), EINVAL);
	CHECK(strstr(last_error(fd).message, "0x100000"));
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	SECCOMP(fd, 0, no_uname);
	SECCOMP(fd, 0, no_return);
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_SECCOMP, 1);
	CHECK(strstr(last_error(fd).message, "1 of 1 instructions"));
	close(fd);
	become_nobody();
	fd = ctx();
	set_child(fd, "exit", "0");
	SECCOMP(fd, 0, no_uname);
	needs_no_new_privs(fd);
}

static void keyring(void)
{
	long own = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
	if (own < 0 && errno == ENOSYS) {
		int fd = ctx();
		set_child(fd, "exit", "0");
		CFG(fd, PROC_SET_KEYRING, 0, "", 0);
		CREATE_FAILS(fd, ENOSYS, PROC_STAGE_KEYRING, 0);
		CHECK(strstr(last_error(fd).message, "keyrings"));
		close(fd);
		SKIP("no keyrings in this kernel");
	}
	const char *names[] = { "", "procfd-test" };
	for (int i = 0; i < 2; i++) {
		int fd = ctx();
		CFG(fd, PROC_SET_KEYRING, 0, names[i], 0);
		if (create(fd) == 0) {
			char text[256] = { 0 };
			long id = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
			syscall(SYS_keyctl, KEYCTL_DESCRIBE, id, text, sizeof text - 1);
			_exit(id != own && strstr(text, i ? ";procfd-test" : ";_ses") ? 0 : 1);
		}
		expect_exit(fd, 0);
		close(fd);
		CHECK_EQ(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0), own);
	}
	int fd = ctx();
	set_child(fd, "exit", "0");
	CFG(fd, PROC_SET_KEYRING, 0, ".reserved", 0);
	CREATE_FAILS(fd, EPERM, PROC_STAGE_KEYRING, 0);
	CHECK(strstr(last_error(fd).message, ".reserved"));
	close(fd);
}

TAP_MAIN(CASE(several_programs), CASE(refuses_nearly_all), COLD(refuses_even_the_end), CASE(with_rights),
	 CASE(failures), CASE(keyring))

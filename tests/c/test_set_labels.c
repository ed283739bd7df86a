// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The labels of SELinux, AppArmor and Smack. Few machines have one of them: the kernel's own answer to a process that
 * writes the same by itself says what a start has to do.
 */
#include "filter.h"
#include "util.h"

#include <sys/wait.h>
#include <sys/xattr.h>

static const struct {
	uint32_t command;
	const char *module, *label, *file, *text;
	uint32_t attribute;
	uint64_t id;
} all[] = {
	{ PROC_SET_SELINUX_CONTEXT, "SELinux", "procfd_u:procfd_r:none_t:s0", "/proc/thread-self/attr/exec",
	  "procfd_u:procfd_r:none_t:s0", 101, 101 },
	{ PROC_SET_APPARMOR_PROFILE, "AppArmor", "procfd-none", "/proc/thread-self/attr/apparmor/exec",
	  "exec procfd-none", 101, 104 },
	{ PROC_SET_SMACK_LABEL, "Smack", "procfd-none", "/proc/thread-self/attr/smack/current", "procfd-none", 100, 102 },
};

#define COUNT ((int)(sizeof all / sizeof *all))

static int write_to(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	ssize_t n = write(fd, text, strlen(text));
	return n < 0 ? errno : 0;
}

static int by_the_file(int i)
{
	return write_to(all[i].file, all[i].text);
}

static int by_the_call(int i)
{
	struct {
		uint64_t id, flags, len, text_len;
		char text[64];
	} ctx = { .id = all[i].id, .len = 32 + strlen(all[i].text), .text_len = strlen(all[i].text) };
	memcpy(ctx.text, all[i].text, ctx.text_len);
	return syscall(460, all[i].attribute, &ctx, (uint32_t)ctx.len, 0) ? errno : 0;
}

/* What the kernel says to a child of this program: first to the call, then to a write. */
static int asked(int i)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(by_the_call(i) ? by_the_file(i) : 0);
	int status;
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

static void as_the_kernel_says(void)
{
	for (int i = 0; i < COUNT; i++) {
		int err = asked(i), fd = ctx();
		char text[128];
		set_child(fd, "exit", "0");
		CFG(fd, all[i].command, 0, all[i].label, 0);
		/* The execution itself may not know the label. */
		int pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
		struct procfd_error e = last_error(fd);
		if (err == 0) {
			CHECK(pid > 0 || e.stage == PROC_STAGE_EXEC);
			if (pid > 0)
				expect_exit(fd, 0);
			close(fd);
			continue;
		}
		CHECK_EQ(pid, -1);
		CHECK_EQ(e.stage, PROC_STAGE_LABEL);
		CHECK_EQ(e.index, i);
		CHECK_EQ(e.saved_errno, err);
		snprintf(text, sizeof text, "set the security label of %s to \"%s\": ", all[i].module, all[i].label);
		if (!strstr(e.message, text) || !strstr(e.message, "security module"))
			FAIL("%s", e.message);
		close(fd);
	}
}

/*
 * Filters stand in for a kernel with the module: the call alone is made where it works, and the file is written
 * where it does not.
 */
static void by_call_or_file(void)
{
	static const struct {
		int call, open;
		int fails;
	} kernels[] = {
		{ 0, ENOENT, 0 },        /* 6.8 with the module */
		{ ENOSYS, ENOENT, ENOENT }, /* before, and no module */
		{ ENOSYS, EXDEV, EXDEV },
		{ EOPNOTSUPP, EXDEV, EXDEV },
		{ EPERM, EXDEV, EXDEV },
		{ EACCES, 0, EACCES },   /* what the policy says is not tried twice */
	};
	for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++) {
		pid_t pid = fork();
		if (pid == 0) {
			int fd = ctx_flags(PROCFD_NO_WATCH);
			set_program(fd, "/bin/true", (char *)NULL);
			CFG(fd, PROC_SET_APPARMOR_PROFILE, 0, "procfd-none", 0);
			struct rule r = { 460, REFUSE(kernels[k].call) };
			filter(&r, 1, 0);
			/* Only the child opens for writing. */
			if (kernels[k].open)
				refuse_argument(SYS_openat, 2, O_ACCMODE, O_WRONLY, 1, kernels[k].open);
			if (kernels[k].fails)
				CREATE_FAILS(fd, kernels[k].fails, PROC_STAGE_LABEL, 1);
			else
				expect_exit((create(fd), fd), 0);
			_exit(0);
		}
		int status;
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		if (status)
			FAIL("kernel %zu", k);
	}
}

/* Whether a process of this user may write the text to the file. */
static int may_write(const char *file, const char *text)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(write_to(file, text));
	int status;
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return status == 0;
}

#define CURRENT "/proc/thread-self/attr/apparmor/current"

/* The profile of tests/kernels/apparmor, which the guests of scripts/kernels load. */
static void a_profile(void)
{
	if (!may_write(all[1].file, "exec procfd-test"))
		SKIP("no AppArmor profile procfd-test");
	for (int i = 0; i < 4; i++) {
		/* By the call of 6.8, and by the file; also with no_new_privs. */
		int fd = ctx(), output;
		set_program(fd, "/bin/sh", "-c", "cat " CURRENT "; (cat /etc/hostname) 2>/dev/null || echo denied; "
			    "cat /etc/passwd >/dev/null && echo allowed", (char *)NULL);
		CFG(fd, PROC_SET_APPARMOR_PROFILE, 0, "procfd-test", 0);
		SET(fd, PROC_SET_NO_NEW_PRIVS, i & 1);
		if (i == 2)
			refuse(460, ENOSYS);
		output = create_with_output(fd, NULL);
		CHECK_STR(slurp(output), "procfd-test (enforce)\ndenied\nallowed\n");
		close(output);
		expect_exit(fd, 0);
		close(fd);
	}
	int own = open(CURRENT, O_RDONLY | O_CLOEXEC), fd = ctx();
	CHECK_STR(slurp(own), "unconfined\n");
	close(own);
	set_program(fd, "/bin/cat", CURRENT, (char *)NULL);
	CFG(fd, PROC_SET_APPARMOR_PROFILE, 0, "unconfined", 0);
	int output = create_with_output(fd, NULL);
	CHECK_STR(slurp(output), "unconfined\n");
	close(output);
	expect_exit(fd, 0);
	close(fd);
	fd = ctx();
	set_program(fd, "/bin/true", (char *)NULL);
	CFG(fd, PROC_SET_APPARMOR_PROFILE, 0, "procfd-none", 0);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_LABEL, 1);
	close(fd);
}

/* What a program says of its label, and of a file that only others may read. */
static void labelled(int fd, const char *label_file, const char *secret, const char *want)
{
	char script[600];
	snprintf(script, sizeof script,
		 "tr -d '\\000\\n' < %s; echo; (cat %s) 2>&- || echo denied; read x < /etc/passwd && echo allowed",
		 label_file, secret);
	set_program(fd, "/bin/sh", "-c", script, (char *)NULL);
	int output = create_with_output(fd, NULL);
	CHECK_STR(slurp(output), want);
	close(output);
	expect_exit(fd, 0);
	close(fd);
}

#define DOMAIN(type) "procfd_u:procfd_r:" type ":s0"
#define SECRET "procfd_u:object_r:secret_t:s0"

/* The domains of tests/kernels/selinux.cil, which the guests of scripts/kernels --lsm selinux load. */
static void a_context(void)
{
	char secret[128], before[128], program[128];
	if (!may_write(all[0].file, DOMAIN("procfd_t")))
		SKIP("no SELinux domain procfd_t");
	char *dir = make_dir();
	snprintf(secret, sizeof secret, "%s/secret", dir);
	snprintf(program, sizeof program, "%s/program", dir);
	write_file(secret, "read\n", 0644);
	CHECK_EQ(setxattr(secret, "security.selinux", SECRET, sizeof SECRET, 0), 0);
	int own = open("/proc/thread-self/attr/current", O_RDONLY | O_CLOEXEC);
	strcpy(before, slurp(own));
	close(own);
	CHECK_STR(before, DOMAIN("base_t"));
	/* The execution refuses: a domain that is not bound, with no_new_privs; a file that is no entry point. */
	int fd = ctx();
	set_program(fd, "/bin/true", (char *)NULL);
	CFG(fd, PROC_SET_SELINUX_CONTEXT, 0, DOMAIN("free_t"), 0);
	expect_exit((create(fd), fd), 0);
	close(fd);
	fd = ctx();
	set_program(fd, "/bin/true", (char *)NULL);
	CFG(fd, PROC_SET_SELINUX_CONTEXT, 0, DOMAIN("free_t"), 0);
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	CREATE_FAILS(fd, EPERM, PROC_STAGE_EXEC, 0);
	close(fd);
	write_file(program, "#!/bin/sh\n", 0755);
	CHECK_EQ(setxattr(program, "security.selinux", SECRET, sizeof SECRET, 0), 0);
	fd = ctx();
	set_program(fd, program, (char *)NULL);
	CFG(fd, PROC_SET_SELINUX_CONTEXT, 0, DOMAIN("procfd_t"), 0);
	CREATE_FAILS(fd, EACCES, PROC_STAGE_EXEC, 0);
	close(fd);
	for (int i = 0; i < 4; i++) {
		/* By the call of 6.8, and by the file; also with no_new_privs, which keeps a bound domain. */
		fd = ctx();
		CFG(fd, PROC_SET_SELINUX_CONTEXT, 0, DOMAIN("procfd_t"), 0);
		SET(fd, PROC_SET_NO_NEW_PRIVS, i & 1);
		/* From here on no_new_privs holds for all. */
		if (i == 2)
			refuse(460, ENOSYS);
		labelled(fd, "/proc/self/attr/current", secret, DOMAIN("procfd_t") "\ndenied\nallowed\n");
	}
	/* The creator keeps its own, and the next start is without one. */
	fd = ctx();
	labelled(fd, "/proc/self/attr/current", secret, DOMAIN("base_t") "\nread\nallowed\n");
	own = open(all[0].file, O_RDONLY | O_CLOEXEC);
	CHECK_STR(slurp(own), "");
	close(own);
	remove_tree(dir);
}

/* CAP_MAC_OVERRIDE reads all. */
#define MAC_OVERRIDE 32

/* A kernel with Smack: scripts/kernels --lsm smack. */
static void a_label(void)
{
	char secret[128], before[128];
	/* The file is there too where another module has been chosen. */
	int own = open(all[2].file, O_RDONLY | O_CLOEXEC);
	if (own < 0 || read(own, before, sizeof before) < 0)
		SKIP("no Smack in this kernel");
	NEED_ROOT();
	char *dir = make_dir();
	snprintf(secret, sizeof secret, "%s/secret", dir);
	write_file(secret, "read\n", 0644);
	CHECK_EQ(setxattr(secret, "security.SMACK64", "procfd-secret", 13, 0), 0);
	memset(before, 0, sizeof before);
	CHECK(pread(own, before, sizeof before - 1, 0) > 0);
	close(own);
	for (int i = 0; i < 8; i++) {
		/* By the call of 6.8, and by the file; as another user, or without the capability. */
		int fd = ctx();
		CFG(fd, PROC_SET_SMACK_LABEL, 0, "procfd-test", 0);
		SET(fd, PROC_SET_NO_NEW_PRIVS, i & 1);
		if (i & 2)
			SET(fd, PROC_SET_UID, 65534);
		else
			SET(fd, PROC_SET_CAP_BOUNDING, (UINT64_C(1) << MAC_OVERRIDE) - 1);
		if (i == 4)
			refuse(460, ENOSYS);
		labelled(fd, "/proc/self/attr/smack/current", secret, "procfd-test\ndenied\nallowed\n");
	}
	own = open(all[2].file, O_RDONLY | O_CLOEXEC);
	CHECK_STR(slurp(own), before);
	close(own);
	int fd = ctx();
	set_program(fd, "/bin/true", (char *)NULL);
	CFG(fd, PROC_SET_SMACK_LABEL, 0, "-no", 0);
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_LABEL, 2);
	close(fd);
	remove_tree(dir);
}

static void bad_labels(void)
{
	char text[4096];
	memset(text, 'x', sizeof text);
	int fd = ctx();
	for (int i = 0; i < COUNT; i++) {
		CHECK_ERR(process_config(fd, all[i].command, 0, "", 0), EINVAL);
		CHECK(strstr(last_error(fd).message, "an empty "));
		CHECK_ERR(process_config(fd, all[i].command, 0, text, 4001), ENAMETOOLONG);
		CHECK(strstr(last_error(fd).message, all[i].module));
		CHECK_ERR(process_config(fd, all[i].command, 1, "x", 0), EINVAL);
		CHECK_ERR(process_config(fd, all[i].command, 0, NULL, 0), EFAULT);
	}
	close(fd);
}

TAP_MAIN(CASE(as_the_kernel_says), CASE(by_call_or_file), CASE(a_profile), CASE(a_context), CASE(a_label),
	 CASE(bad_labels))

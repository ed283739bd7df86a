// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The labels of SELinux, AppArmor and Smack. Few machines have one of them: the kernel's own answer to a process that
 * writes the same by itself says what a start has to do.
 */
#include "filter.h"
#include "util.h"

#include <sys/wait.h>

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

#define CURRENT "/proc/thread-self/attr/apparmor/current"

/* The profile of tests/kernels/apparmor, which the guests of scripts/kernels load. */
static void a_profile(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(write_to(all[1].file, "exec procfd-test"));
	int status;
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	if (status)
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

TAP_MAIN(CASE(as_the_kernel_says), CASE(by_call_or_file), CASE(a_profile), CASE(bad_labels))

// SPDX-License-Identifier: MIT OR Apache-2.0
/* The five sets of capabilities, keep-caps, securebits. */
#include "filter.h"
#include "others.h"
#include "util.h"

#include <linux/capability.h>
#include <linux/securebits.h>

#define BIND (1ULL << CAP_NET_BIND_SERVICE)
#define RAW (1ULL << CAP_NET_RAW)

/* A line of /proc/self/status, of the started program or of this process. */
static uint64_t cap_of(const char *status, const char *name)
{
	const char *at = strstr(status, name);
	CHECK(at != NULL);
	return strtoull(at + strlen(name), NULL, 16);
}

static const char *program_status(int fd)
{
	set_program(fd, "/bin/cat", "/proc/self/status", (char *)NULL);
	return printed_and_closed(fd);
}

static const char *own_status(void)
{
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	const char *text = slurp(fd);
	close(fd);
	return text;
}

static void need_root(void)
{
	if (geteuid() != 0 || prctl(PR_CAPBSET_READ, CAP_NET_RAW) != 1)
		SKIP("needs root");
}

static void bounding(void)
{
	need_root();
	char before[4096];
	snprintf(before, sizeof before, "%s", strstr(own_status(), "CapInh:"));
	int fd = ctx();
	SET(fd, PROC_SET_CAP_BOUNDING, BIND | RAW);
	const char *t = program_status(fd);
	CHECK_EQ(cap_of(t, "CapBnd:"), BIND | RAW);
	CHECK_EQ(cap_of(t, "CapPrm:"), BIND | RAW);
	CHECK_EQ(cap_of(t, "CapEff:"), BIND | RAW);
	/* The creator's are as they were. */
	CHECK_EQ(strncmp(before, strstr(own_status(), "CapInh:"), 5 * 24), 0);
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
}

static void ambient_of_a_new_user(void)
{
	need_root();
	int order[2][2] = { { 0, 1 }, { 1, 0 } };
	for (int n = 0; n < 2; n++) {
		int fd = ctx();
		for (int k = 0; k < 2; k++) {
			if (order[n][k])
				SET(fd, PROC_SET_CAP_AMBIENT, BIND);
			else
				SET(fd, PROC_SET_UID, 1234);
		}
		const char *t = program_status(fd);
		CHECK_EQ(cap_of(t, "CapAmb:"), BIND);
		CHECK_EQ(cap_of(t, "CapInh:"), BIND);
		CHECK_EQ(cap_of(t, "CapPrm:"), BIND);
		CHECK_EQ(cap_of(t, "CapEff:"), BIND);
		CHECK(strstr(t, "Uid:\t1234\t1234\t1234\t1234"));
		CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
		CHECK_EQ(prctl(PR_GET_KEEPCAPS), 0);
	}
}

static void all_together(void)
{
	need_root();
	int fd = ctx();
	SET(fd, PROC_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED);
	SET(fd, PROC_SET_CAP_EFFECTIVE, BIND);
	SET(fd, PROC_SET_CAP_AMBIENT, BIND);
	SET(fd, PROC_SET_CAP_BOUNDING, 0);
	SET(fd, PROC_SET_CAP_INHERITABLE, BIND | RAW);
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	SET(fd, PROC_SET_GID, 1234);
	SET(fd, PROC_SET_UID, 1234);
	SET(fd, PROC_SET_CAP_PERMITTED, BIND | RAW);
	CFG(fd, PROC_SET_GROUPS, 0, NULL, 0);
	const char *t = program_status(fd);
	CHECK_EQ(cap_of(t, "CapBnd:"), 0);
	CHECK_EQ(cap_of(t, "CapAmb:"), BIND);
	CHECK_EQ(cap_of(t, "CapInh:"), BIND | RAW);
	CHECK_EQ(cap_of(t, "CapPrm:"), BIND);
	CHECK_EQ(cap_of(t, "NoNewPrivs:"), 1);
}

/* A fork keeps what execve(2) would compute anew. */
static void a_fork(void)
{
	need_root();
	int fd = ctx();
	SET(fd, PROC_SET_CAP_PERMITTED, BIND | RAW);
	SET(fd, PROC_SET_CAP_EFFECTIVE, RAW);
	SET(fd, PROC_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP);
	SET(fd, PROC_SET_UID, 1234);
	if (create(fd) == 0) {
		const char *t = own_status();
		int good = cap_of(t, "CapPrm:") == (BIND | RAW) && cap_of(t, "CapEff:") == RAW &&
			   prctl(PR_GET_SECUREBITS) == SECBIT_NO_SETUID_FIXUP;
		_exit(good ? 0 : 1);
	}
	expect_exit(fd, 0);
	close(fd);
	fd = ctx();
	SET(fd, PROC_SET_KEEP_CAPS, 1);
	SET(fd, PROC_SET_UID, 1234);
	if (create(fd) == 0)
		_exit(cap_of(own_status(), "CapPrm:") & RAW && !prctl(PR_GET_KEEPCAPS) ? 0 : 1);
	expect_exit(fd, 0);
	close(fd);
	/* Without it nothing is kept, though the bounding set needs rights on the way. */
	fd = ctx();
	SET(fd, PROC_SET_CAP_BOUNDING, RAW);
	SET(fd, PROC_SET_UID, 1234);
	if (create(fd) == 0) {
		const char *t = own_status();
		_exit(cap_of(t, "CapPrm:") == 0 && cap_of(t, "CapEff:") == 0 && cap_of(t, "CapBnd:") == RAW ? 0 : 1);
	}
	expect_exit(fd, 0);
	close(fd);
}

static void in_a_user_namespace(void)
{
	need_user_namespaces();
	int fd = ctx();
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER);
	SET(fd, PROC_SET_CAP_BOUNDING, BIND);
	SET(fd, PROC_SET_CAP_AMBIENT, BIND);
	const char *t = program_status(fd);
	CHECK_EQ(cap_of(t, "CapBnd:"), BIND);
	CHECK_EQ(cap_of(t, "CapEff:"), BIND);
	CHECK_EQ(cap_of(t, "CapAmb:"), BIND);
}

/* A fork keeps what the execution of a program does not show. In a user namespace every user may set them. */
static void securebits_in_a_user_namespace(void)
{
	need_user_namespaces();
	int fd = ctx(), bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP;
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER);
	SET(fd, PROC_SET_SECUREBITS, bits);
	pid_t pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	if (pid == 0)
		_exit(prctl(PR_GET_SECUREBITS) != bits);
	CHECK(pid > 0);
	expect_exit(fd, 0);
	CHECK_EQ(prctl(PR_GET_SECUREBITS), 0);
	close(fd);
}

static void failures(void)
{
	int fd = ctx();
	set_child(fd, "exit", "0");
	/* No kernel has this one. */
	CHECK_ERR(process_config(fd, PROC_SET_CAP_AMBIENT, 1ULL << 62, NULL, 0), EINVAL);
	CHECK(strstr(last_error(fd).message, "capability 62"));
	CHECK_ERR(process_config(fd, PROC_SET_SECUREBITS, 1 << 20, NULL, 0), EINVAL);
	CHECK(strstr(last_error(fd).message, "0x100000"));
	SET(fd, PROC_SET_CAP_PERMITTED, BIND);
	SET(fd, PROC_SET_CAP_AMBIENT, BIND | RAW);
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_PLAN, -1);
	CHECK(strstr(last_error(fd).message, "net_raw in the ambient set but not in the permitted set"));
	close(fd);
}

static void without_rights(void)
{
	if (geteuid() == 0)
		become_nobody();
	int fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_CAP_BOUNDING, BIND);
	CREATE_FAILS(fd, EPERM, PROC_STAGE_BOUNDING, CAP_CHOWN);
	CHECK(strstr(last_error(fd).message, "chown") && strstr(last_error(fd).message, "CAP_SETPCAP"));
	close(fd);
	fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_CAP_AMBIENT, BIND);
	CREATE_FAILS(fd, EPERM, PROC_STAGE_CAPS, 0);
	CHECK(strstr(last_error(fd).message, "inheritable net_bind_service"));
	SET(fd, PROC_SET_CAP_INHERITABLE, BIND);
	CREATE_FAILS(fd, EPERM, PROC_STAGE_CAPS, 0);
	close(fd);
	fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_SECUREBITS, SECBIT_NOROOT);
	CREATE_FAILS(fd, EPERM, PROC_STAGE_SECUREBITS, 0);
	CHECK(strstr(last_error(fd).message, "0x1"));
	close(fd);
	fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_CAP_AMBIENT, 0);
	create(fd);
	expect_exit(fd, 0);
	close(fd);
}

TAP_MAIN(CASE(bounding), CASE(ambient_of_a_new_user), CASE(all_together), CASE(a_fork),
	 CASE(in_a_user_namespace), CASE(securebits_in_a_user_namespace), CASE(failures), CASE(without_rights))

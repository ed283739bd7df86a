// SPDX-License-Identifier: MIT OR Apache-2.0
/* The NUMA policy, and what the CPU may do ahead. */
#include "filter.h"
#include "util.h"

#include <linux/mempolicy.h>
#include <sys/prctl.h>

#ifndef MPOL_PREFERRED_MANY
#define MPOL_PREFERRED_MANY 5
#endif
#ifndef MPOL_F_NUMA_BALANCING
#define MPOL_F_NUMA_BALANCING (1 << 13)
#endif
#define WEIGHTED_INTERLEAVE 6
#ifndef PR_SPEC_L1D_FLUSH
#define PR_SPEC_L1D_FLUSH 2
#endif

static void message_has(int fd, const char *text)
{
	struct procfd_error e = last_error(fd);
	if (!strstr(e.message, text))
		FAIL("\"%s\" has no \"%s\"", e.message, text);
}

/* ---- NUMA ---- */

/* The mode with its flags, and the first 64 nodes; -1 where the kernel has no NUMA. */
static int policy(uint64_t *nodes)
{
	uint64_t mask[16] = { 0 };
	int mode = -1;
	if (syscall(SYS_get_mempolicy, &mode, mask, 1024, 0, 0))
		return -1;
	*nodes = mask[0];
	return mode;
}

static void need_numa(void)
{
	uint64_t nodes;
	if (policy(&nodes) < 0 && errno == ENOSYS)
		SKIP("this kernel has no NUMA");
	CHECK(policy(&nodes) >= 0);
}

/* Whether the kernel gives the policy to a process that asks by itself: older ones have fewer. */
static int is_known(int mode, uint64_t nodes)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(syscall(SYS_set_mempolicy, mode, &nodes, 65) ? 1 : 0);
	int status;
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return status == 0;
}

static void policies(void)
{
	need_numa();
	static const struct {
		int mode;
		uint64_t nodes;
		const char *shown;
	} all[] = {
		{ MPOL_PREFERRED, 1, "prefer:0" },
		{ MPOL_BIND, 1, "bind:0" },
		{ MPOL_BIND | MPOL_F_STATIC_NODES, 1, "bind=static:0" },
		{ MPOL_BIND | MPOL_F_NUMA_BALANCING, 1, "bind" },
		{ MPOL_INTERLEAVE, 1, "interleave:0" },
		{ MPOL_INTERLEAVE | MPOL_F_RELATIVE_NODES, 3, "interleave=relative:0" },
		{ MPOL_LOCAL, 0, "local" },
		{ MPOL_PREFERRED_MANY, 1, "prefer (many):0" },
		{ WEIGHTED_INTERLEAVE, 1, "weighted interleave:0" },
	};
	uint64_t own, now;
	int own_mode = policy(&own);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		if (!is_known(all[i].mode, all[i].nodes))
			continue;
		/* Short masks are as good: the kernel's words are filled up. */
		size_t size = all[i].nodes ? i % 8 + 1 : 0;
		int fd = ctx();
		CFG(fd, PROC_SET_NUMA, (uint64_t)all[i].mode, size ? &all[i].nodes : NULL, size);
		set_program(fd, "/bin/cat", "/proc/self/numa_maps", (char *)NULL);
		int output = create_with_output(fd, NULL);
		const char *text = slurp(output);
		close(output);
		expect_exit(fd, 0);
		close(fd);
		if (!strstr(text, all[i].shown))
			FAIL("%#x: no %s in %.300s", all[i].mode, all[i].shown, text);
		/* A fork, by the getter. */
		fd = ctx();
		CFG(fd, PROC_SET_NUMA, (uint64_t)all[i].mode, size ? &all[i].nodes : NULL, size);
		if (create(fd) == 0) {
			int mode = policy(&now);
			int wanted = all[i].mode & ~MPOL_F_NUMA_BALANCING;
			_exit((mode & ~MPOL_F_NUMA_BALANCING) != wanted || now & ~all[i].nodes);
		}
		expect_exit(fd, 0);
		close(fd);
		CHECK_EQ(policy(&now), own_mode);
		CHECK_EQ(now, own);
	}
}

/* The creator has a policy, and the process the system's. */
static void the_default_policy(void)
{
	need_numa();
	uint64_t node = 1, now;
	CHECK_EQ(syscall(SYS_set_mempolicy, MPOL_BIND, &node, 65), 0);
	for (int i = 0; i < 2; i++) {
		int fd = ctx();
		if (i)
			CFG(fd, PROC_SET_NUMA, MPOL_DEFAULT, NULL, 0);
		set_program(fd, "/bin/grep", "-c", "bind:0", "/proc/self/numa_maps", (char *)NULL);
		int output = create_with_output(fd, NULL);
		CHECK_EQ(strcmp(slurp(output), "0\n") == 0, i);
		close(output);
		wait_end(fd);
		close(fd);
		CHECK_EQ(policy(&now), MPOL_BIND);
	}
	CHECK_EQ(syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0), 0);
}

static void bad_policies(void)
{
	static const struct {
		uint64_t mode, nodes;
		const char *says;
	} bad[] = {
		{ 7, 1, "NUMA policy 0x7; there are 0 to 6, and flags 0xe000" },
		{ 1 << 12 | MPOL_BIND, 1, "NUMA policy 0x1002" },
		{ MPOL_BIND, 0, "MPOL_BIND without a node" },
		{ MPOL_DEFAULT, 1, "MPOL_DEFAULT with nodes or flags; it takes none" },
		{ MPOL_LOCAL | MPOL_F_STATIC_NODES, 0, "MPOL_LOCAL with nodes or flags" },
		{ MPOL_BIND | MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES, 1, "it takes one of them" },
		{ MPOL_PREFERRED | MPOL_F_STATIC_NODES, 0, "without a node" },
		{ MPOL_INTERLEAVE | MPOL_F_NUMA_BALANCING, 1, "MPOL_BIND and MPOL_PREFERRED_MANY take it" },
	};
	int fd = ctx();
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		CHECK_ERR(process_config(fd, PROC_SET_NUMA, bad[i].mode, &bad[i].nodes, 8), EINVAL);
		message_has(fd, bad[i].says);
	}
	char long_mask[129] = { 1 };
	CHECK_ERR(process_config(fd, PROC_SET_NUMA, MPOL_BIND, long_mask, sizeof long_mask), E2BIG);
	CHECK_ERR(process_config(fd, PROC_SET_NUMA, MPOL_BIND, NULL, 8), EFAULT);
	close(fd);
}

static void policies_that_fail(void)
{
	uint64_t nodes = 1ULL << 63 | 1ULL << 62;
	int fd = ctx();
	set_child(fd, "exit", "0");
	CFG(fd, PROC_SET_NUMA, MPOL_INTERLEAVE, &nodes, sizeof nodes);
	if (policy(&nodes) >= 0) {
		CREATE_FAILS(fd, EINVAL, PROC_STAGE_NUMA, 0);
		message_has(fd, "set the NUMA policy to MPOL_INTERLEAVE to nodes 62-63: ");
		message_has(fd, "none of these nodes");
	}
	/* A kernel without NUMA. */
	refuse(SYS_set_mempolicy, ENOSYS);
	CREATE_FAILS(fd, ENOSYS, PROC_STAGE_NUMA, 0);
	message_has(fd, "this kernel has no NUMA");
	close(fd);
	/* A context that does not ask for one does not notice. */
	fd = ctx();
	set_child(fd, "exit", "0");
	create(fd);
	expect_exit(fd, 0);
	close(fd);
}

/* ---- speculation ---- */

static const char *const features[] = { "store bypass", "indirect branches", "the L1D flush" };

static int control(int feature)
{
	return prctl(PR_GET_SPECULATION_CTRL, feature, 0, 0, 0);
}

static void set_control(int fd, int feature, uint32_t value)
{
	CFG(fd, PROC_SET_SPECULATION, (uint64_t)feature, &value, sizeof value);
}

/* What the kernel says to a process that asks by itself is what a start has. */
static int asked(int feature, unsigned value)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(prctl(PR_SET_SPECULATION_CTRL, feature, value, 0, 0) ? errno : 0);
	int status;
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

static void speculation(void)
{
	static const uint32_t values[] = { PR_SPEC_ENABLE, PR_SPEC_DISABLE, PR_SPEC_FORCE_DISABLE };
	for (int feature = 0; feature < 3; feature++) {
		for (int i = 0; i < 3; i++) {
			int own = control(feature), err = asked(feature, values[i]);
			int fd = ctx();
			set_control(fd, feature, values[i]);
			if (err) {
				char text[128];
				set_child(fd, "exit", "0");
				CREATE_FAILS(fd, err, PROC_STAGE_SPECULATION, feature);
				snprintf(text, sizeof text, "control the speculation of %s: ", features[feature]);
				message_has(fd, text);
				CFG(fd, PROC_SET_SPECULATION, (uint64_t)feature, NULL, 0);
				create(fd);
				expect_exit(fd, 0);
				close(fd);
				continue;
			}
			if (create(fd) == 0) {
				int now = control(feature);
				_exit(now > 0 && ((unsigned)now & ~(unsigned)PR_SPEC_PRCTL) == values[i] ? 0 : 1);
			}
			expect_exit(fd, 0);
			close(fd);
			CHECK_EQ(control(feature), own);
		}
	}
}

/* The program has it, too: the execution keeps it. */
static void the_program_has_the_control(void)
{
	if (asked(PR_SPEC_STORE_BYPASS, PR_SPEC_FORCE_DISABLE))
		SKIP("no control of the store bypass on this machine");
	int fd = ctx();
	set_control(fd, PR_SPEC_STORE_BYPASS, PR_SPEC_ENABLE);
	set_control(fd, PR_SPEC_STORE_BYPASS, PR_SPEC_FORCE_DISABLE);
	set_program(fd, "/bin/grep", "Speculation_Store_Bypass", "/proc/self/status", (char *)NULL);
	int output = create_with_output(fd, NULL);
	CHECK_STR(slurp(output), "Speculation_Store_Bypass:\tthread force mitigated\n");
	close(output);
	expect_exit(fd, 0);
	close(fd);
}

static void bad_controls(void)
{
	uint32_t value = PR_SPEC_DISABLE;
	int fd = ctx();
	set_child(fd, "exit", "0");
	CHECK_ERR(process_config(fd, PROC_SET_SPECULATION, 3, &value, sizeof value), EINVAL);
	message_has(fd, "speculation feature 3; there are 0 to 2");
	CHECK_ERR(process_config(fd, PROC_SET_SPECULATION, 0, &value, 2), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_SPECULATION, 0, NULL, 4), EFAULT);
	uint32_t two[2] = { PR_SPEC_DISABLE, PR_SPEC_DISABLE };
	CHECK_ERR(process_config(fd, PROC_SET_SPECULATION, 0, two, sizeof two), E2BIG);
	value = 3;
	CHECK_ERR(process_config(fd, PROC_SET_SPECULATION, 0, &value, sizeof value), EINVAL);
	message_has(fd, "speculation control 0x3; there are 2, 4 and 8");
	value = 16;
	CHECK_ERR(process_config(fd, PROC_SET_SPECULATION, 0, &value, sizeof value), EINVAL);
	message_has(fd, "PR_SPEC_DISABLE_NOEXEC");
	set_control(fd, PR_SPEC_INDIRECT_BRANCH, PR_SPEC_DISABLE);
	refuse_argument(SYS_prctl, 0, ~0U, PR_SET_SPECULATION_CTRL, 1, ENXIO);
	CREATE_FAILS(fd, ENXIO, PROC_STAGE_SPECULATION, PR_SPEC_INDIRECT_BRANCH);
	message_has(fd, "control the speculation of indirect branches: disabled: ");
	message_has(fd, "one setting of it for all processes");
	close(fd);
}

TAP_MAIN(CASE(policies), CASE(the_default_policy), CASE(bad_policies), CASE(policies_that_fail), CASE(speculation),
	 CASE(the_program_has_the_control), CASE(bad_controls))

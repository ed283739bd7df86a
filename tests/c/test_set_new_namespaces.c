// SPDX-License-Identifier: MIT OR Apache-2.0
/* What is set in new namespaces: clock offsets, kernel parameters, chosen pids; and a user by name. */
#include "filter.h"
#include "util.h"

#include <grp.h>
#include <pwd.h>
#include <sys/personality.h>
#include <time.h>

static uint64_t with_user(uint64_t flags)
{
	return flags | (geteuid() ? CLONE_NEWUSER : 0);
}

static void offset(int fd, int clock, int64_t seconds, long nanoseconds)
{
	struct timespec offset = { seconds, nanoseconds };
	CFG(fd, PROC_SET_TIME_OFFSET, (uint64_t)clock, &offset, sizeof offset);
}

static void time_offsets(void)
{
	need_user_namespaces();
	if (access("/proc/self/timens_offsets", F_OK))
		SKIP("no time namespaces");
	int fd = ctx();
	set_program(fd, "/bin/cat", "/proc/self/timens_offsets", (char *)NULL);
	SET(fd, PROC_SET_FLAG, with_user(CLONE_NEWTIME));
	offset(fd, CLOCK_BOOTTIME, 1000000, 7);
	offset(fd, CLOCK_MONOTONIC, 5, 0);
	/* The last one counts. */
	offset(fd, CLOCK_MONOTONIC, -1, 500000000);
	const char *text = printed_and_closed(fd);
	long long seconds, nanoseconds;
	CHECK_EQ(sscanf(text, "monotonic %lld %lld", &seconds, &nanoseconds), 2);
	CHECK_EQ(seconds * 1000000000 + nanoseconds, -500000000);
	const char *boottime = strstr(text, "boottime");
	CHECK(boottime != NULL);
	CHECK_EQ(sscanf(boottime, "boottime %lld %lld", &seconds, &nanoseconds), 2);
	CHECK_EQ(seconds, 1000000);
	CHECK_EQ(nanoseconds, 7);

	/* The program itself reads the clock that is ahead. */
	struct timespec own;
	CHECK_EQ(clock_gettime(CLOCK_BOOTTIME, &own), 0);
	fd = ctx();
	set_program(fd, "/bin/cat", "/proc/uptime", (char *)NULL);
	SET(fd, PROC_SET_FLAG, with_user(CLONE_NEWTIME));
	offset(fd, CLOCK_BOOTTIME, 1000000, 0);
	double uptime = atof(printed_and_closed(fd));
	if (uptime < (double)own.tv_sec + 1000000 || uptime >= (double)own.tv_sec + 1001000)
		FAIL("an uptime of %f, with %lld s here", uptime, (long long)own.tv_sec);

	/* In the new namespace as soon as there is a pid; the caller in none. */
	char now[64], of_child[64], path[64];
	ssize_t n = readlink("/proc/self/ns/time", now, 63), m;
	fd = ctx();
	set_child(fd, "pause");
	SET(fd, PROC_SET_FLAG, with_user(CLONE_NEWTIME));
	offset(fd, CLOCK_MONOTONIC, 77, 0);
	snprintf(path, sizeof path, "/proc/%d/ns/time", create(fd));
	m = readlink(path, of_child, 63);
	CHECK(n > 0 && m > 0);
	CHECK(n != m || memcmp(now, of_child, (size_t)n));
	m = readlink("/proc/self/ns/time_for_children", of_child, 63);
	CHECK(n == m && !memcmp(now, of_child, (size_t)n));
	finish(fd);
}

static void time_offsets_refused(void)
{
	struct timespec bad = { 0, 1000000000 }, good = { 1, 0 };
	int fd = ctx();
	CHECK_ERR(process_config(fd, PROC_SET_TIME_OFFSET, CLOCK_MONOTONIC, &bad, sizeof bad), EINVAL);
	bad.tv_nsec = -1;
	CHECK_ERR(process_config(fd, PROC_SET_TIME_OFFSET, CLOCK_MONOTONIC, &bad, sizeof bad), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_TIME_OFFSET, CLOCK_REALTIME, &good, sizeof good), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_TIME_OFFSET, CLOCK_MONOTONIC, &good, 8), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_TIME_OFFSET, CLOCK_MONOTONIC, NULL, 16), EFAULT);
	set_child(fd, "exit", "0");
	offset(fd, CLOCK_MONOTONIC, 1, 0);
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_PLAN, -1);
	CHECK(strstr(last_error(fd).message, "CLONE_NEWTIME") != NULL);
	close(fd);
	fd = ctx();
	SET(fd, PROC_SET_FLAG, CLONE_NEWTIME);
	offset(fd, CLOCK_MONOTONIC, 1, 0);
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_PLAN, -1);
	close(fd);
	need_user_namespaces();
	/* A clock below zero. */
	fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_FLAG, with_user(CLONE_NEWTIME));
	offset(fd, CLOCK_MONOTONIC, -1000000000, 0);
	CREATE_FAILS(fd, ERANGE, PROC_STAGE_TIME_OFFSETS, 0);
	CHECK(strstr(last_error(fd).message, "-1000000000") != NULL);
	close(fd);
	/* As before 6.2, where the program would stay outside. */
	fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_FLAG, with_user(CLONE_NEWTIME));
	offset(fd, CLOCK_MONOTONIC, 1, 0);
	int before = personality(0xffffffff);
	CHECK(personality((unsigned)before | UNAME26) >= 0);
	CREATE_FAILS(fd, ENOSYS, PROC_STAGE_PLAN, -1);
	CHECK(strstr(last_error(fd).message, "6.2") != NULL);
	CHECK(personality((unsigned)before) >= 0);
	close(fd);
}

static void sysctl(int fd, const char *text)
{
	CFG(fd, PROC_SET_SYSCTL, 0, text, 0);
}

static const char *own(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	const char *text = slurp(fd);
	close(fd);
	return text;
}

static void sysctls(void)
{
	need_user_namespaces();
	static const char ttl[] = "/proc/sys/net/ipv4/ip_default_ttl", forward[] = "/proc/sys/net/ipv4/ip_forward";
	char before[64];
	snprintf(before, sizeof before, "%s", own(ttl));
	int fd = ctx();
	set_program(fd, "/bin/cat", ttl, forward, "/proc/sys/user/max_pid_namespaces", (char *)NULL);
	sysctl(fd, "net.ipv4.ip_default_ttl=17");
	sysctl(fd, "net/ipv4/ip_forward=1");
	sysctl(fd, "net.ipv4.ip_default_ttl=33");
	sysctl(fd, "user.max_pid_namespaces=5");
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER | CLONE_NEWNET);
	CHECK_STR(printed_and_closed(fd), "33\n1\n5\n");
	CHECK_STR(own(ttl), before);
	if (geteuid() == 0) {
		snprintf(before, sizeof before, "%s", own("/proc/sys/kernel/shmmni"));
		fd = ctx();
		set_program(fd, "/bin/cat", "/proc/sys/kernel/shmmni", "/proc/sys/fs/mqueue/msg_max",
			    "/proc/sys/kernel/domainname", (char *)NULL);
		sysctl(fd, "kernel.shmmni=123");
		sysctl(fd, "fs.mqueue.msg_max=99");
		sysctl(fd, "kernel.domainname=inside=it");
		SET(fd, PROC_SET_FLAG, CLONE_NEWIPC | CLONE_NEWUTS);
		CHECK_STR(printed_and_closed(fd), "123\n99\ninside=it\n");
		CHECK_STR(own("/proc/sys/kernel/shmmni"), before);
	}
}

static void sysctls_refused(void)
{
	static const char *const wrong[] = {
		"net.ipv4.ip_forward", "=1", "net..ipv4=1", "net/../kernel/panic=1", "kernel.panic=1",
		"vm.swappiness=1", "/net/ipv4/ip_forward=1", "kernel.ns_last_pid=1", "kernel=1",
	};
	int fd = ctx();
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		CHECK_ERR(process_config(fd, PROC_SET_SYSCTL, 0, wrong[i], 0), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_SYSCTL, 0, NULL, 0), EFAULT);
	set_child(fd, "exit", "0");
	sysctl(fd, "net.ipv4.ip_forward=1");
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_PLAN, -1);
	CHECK(strstr(last_error(fd).message, "NET") != NULL);
	need_user_namespaces();
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER | CLONE_NEWNET);
	sysctl(fd, "net.ipv4.no_such_parameter=1");
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_SYSCTL, 1);
	CHECK(strstr(last_error(fd).message, "no_such_parameter") != NULL);
	close(fd);
	fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER | CLONE_NEWNET);
	sysctl(fd, "net.ipv4.ip_forward=many");
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_SYSCTL, 0);
	close(fd);
}

static void user(void)
{
	const struct passwd *found = getpwuid(NOBODY);
	if (!found)
		SKIP("no account for nobody");
	char name[64], number[16];
	snprintf(name, sizeof name, "%s", found->pw_name);
	snprintf(number, sizeof number, "%d", NOBODY);
	gid_t group = found->pw_gid;
	int fd = ctx();
	CHECK_ERR(process_config(fd, PROC_SET_USER, 0, "no-such-user-here", 0), ENOENT);
	CHECK_ERR(process_config(fd, PROC_SET_USER, 0, "", 0), ENOENT);
	CHECK_ERR(process_config(fd, PROC_SET_USER, 0, "3999999999", 0), ENOENT);
	CHECK_ERR(process_config(fd, PROC_SET_USER, 0, "99999999999", 0), ENOENT);
	CHECK_ERR(process_config(fd, PROC_SET_USER, 0, NULL, 0), EFAULT);
	close(fd);
	for (int i = 0; i < 2; i++) {
		fd = ctx();
		CFG(fd, PROC_SET_USER, 0, i ? number : name, 0);
		if (geteuid()) {
			set_child(fd, "exit", "0");
			CREATE_FAILS(fd, EPERM, PROC_STAGE_GROUPS, 0);
			close(fd);
			continue;
		}
		set_child(fd, "pause");
		pid_t pid = create(fd);
		char ids[64];
		snprintf(ids, sizeof ids, "%d\t%d\t%d\t%d", NOBODY, NOBODY, NOBODY, NOBODY);
		CHECK_STR(status_of(pid, "Uid"), ids);
		snprintf(ids, sizeof ids, "%u\t%u\t%u\t%u", group, group, group, group);
		CHECK_STR(status_of(pid, "Gid"), ids);
		gid_t list[256];
		int count = 256;
		CHECK(getgrouplist(name, group, list, &count) >= 0);
		const char *groups = status_of(pid, "Groups");
		int seen = 0, n;
		for (unsigned one; sscanf(groups, "%u%n", &one, &n) == 1; groups += n, seen++) {
			int known = 0;
			for (int k = 0; k < count; k++)
				known |= list[k] == one;
			CHECK(known);
		}
		CHECK_EQ(seen, count);
		finish(fd);
	}
}

static void chosen_pids(void)
{
	uint32_t pids[33] = { 1, 30000 };
	int fd = ctx();
	CHECK_ERR(process_config(fd, PROC_SET_TID, 0, pids, sizeof pids), E2BIG);
	CHECK_ERR(process_config(fd, PROC_SET_TID, 0, (uint32_t[]){ 0 }, 4), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_TID, 0, (uint32_t[]){ 1 << 22 }, 4), EINVAL);
	set_child(fd, "exit", "0");
	CFG(fd, PROC_SET_TID, 0, (uint32_t[]){ 2 }, 4);
	SET(fd, PROC_SET_FLAG, CLONE_NEWPID);
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_PLAN, -1);
	SET(fd, PROC_SET_FLAG, 0);
	/* The caller's own. */
	CFG(fd, PROC_SET_TID, 0, (uint32_t[]){ (uint32_t)getpid() }, 4);
	CREATE_FAILS(fd, geteuid() ? EPERM : EEXIST, PROC_STAGE_CLONE, 0);
	CHECK(strstr(last_error(fd).message, "pids") != NULL);
	CFG(fd, PROC_SET_TID, 0, NULL, 0);
	create(fd);
	expect_exit(fd, 0);
	close(fd);
	/* A number that was free a moment ago. */
	for (int i = 0; geteuid() == 0 && i < 5; i++) {
		pids[1] = 30000 + (uint32_t)i * 97;
		fd = ctx();
		set_child(fd, "pause");
		SET(fd, PROC_SET_FLAG, CLONE_NEWPID);
		CFG(fd, PROC_SET_TID, 0, pids, 8);
		int pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
		if (pid < 0) {
			CHECK_EQ(errno, EEXIST);
			close(fd);
			continue;
		}
		CHECK_EQ(pid, pids[1]);
		finish(fd);
		/* And a fork. */
		fd = ctx();
		CFG(fd, PROC_SET_TID, 0, &pids[1], 4);
		pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
		if (pid == 0)
			_exit(getpid() == (pid_t)pids[1] ? 4 : 5);
		CHECK(pid == (int)pids[1] || errno == EEXIST);
		if (pid > 0)
			expect_exit(fd, 4);
		close(fd);
		break;
	}
	/* A user has the right in a user namespace of its own: the namespaces around it are not. */
	if (geteuid()) {
		need_user_namespaces();
		fd = ctx();
		set_child(fd, "exit", "0");
		SET(fd, PROC_SET_FLAG, CLONE_NEWUSER | CLONE_NEWPID);
		CFG(fd, PROC_SET_TID, 0, (uint32_t[]){ 1 }, 4);
		create(fd);
		expect_exit(fd, 0);
		close(fd);
	}
}

TAP_MAIN(CASE(time_offsets), CASE(time_offsets_refused), CASE(sysctls), CASE(sysctls_refused), CASE(user),
	 CASE(chosen_pids))

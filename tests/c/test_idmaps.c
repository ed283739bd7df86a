// SPDX-License-Identifier: MIT OR Apache-2.0
/* Id maps of a new user namespace, the setgroups policy, newuidmap and newgidmap. */
#include "util.h"

#include <sys/mount.h>

static int user_ns(void)
{
	int fd = ctx();
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER);
	return fd;
}

#define UID_MAP(fd, ...) MAP(fd, PROC_SET_UID_MAP, __VA_ARGS__)
#define GID_MAP(fd, ...) MAP(fd, PROC_SET_GID_MAP, __VA_ARGS__)
#define MAP(fd, cmd, ...)                                                                      \
	do {                                                                                   \
		struct procfd_idmap m_[] = { __VA_ARGS__ };                                    \
		CFG(fd, cmd, 0, m_, sizeof m_);                                                \
	} while (0)
#define LINE(in, out, n) { (in), (out), (n), 0 }

static const char *map_line(unsigned in, unsigned out, unsigned n)
{
	static char ring[4][64];
	static int next;
	char *s = ring[next++ & 3];
	snprintf(s, 64, "%u %u %u", in, out, n);
	return s;
}

static void no_maps(void)
{
	need_user_namespaces();
	int fd = user_ns();
	const char *t = facts(fd);
	FACT_IS(t, "uid", "65534 65534 65534");
	FACT_IS(t, "uid_map", "");
	close(fd);
}

static void one_line_for_an_ordinary_user(void)
{
	become_nobody();
	need_user_namespaces();
	for (int order = 0; order < 2; order++) {
		int fd = ctx();
		if (order) /* said in the other order */
			GID_MAP(fd, LINE(0, getgid(), 1));
		UID_MAP(fd, LINE(0, getuid(), 1));
		if (!order)
			GID_MAP(fd, LINE(0, getgid(), 1));
		SET(fd, PROC_SET_FLAG, CLONE_NEWUSER);
		const char *t = facts(fd);
		FACT_IS(t, "uid", "0 0 0");
		FACT_IS(t, "gid", "0 0 0");
		FACT_IS(t, "uid_map", map_line(0, getuid(), 1));
		FACT_IS(t, "gid_map", map_line(0, getgid(), 1));
		FACT_IS(t, "setgroups", "deny");
		close(fd);
	}
}

static void only_the_uid_map(void)
{
	become_nobody();
	need_user_namespaces();
	int fd = user_ns();
	UID_MAP(fd, LINE(1000, getuid(), 1));
	const char *t = facts(fd);
	FACT_IS(t, "uid", "1000 1000 1000");
	FACT_IS(t, "gid", "65534 65534 65534");
	FACT_IS(t, "setgroups", "allow");
	close(fd);
	fd = user_ns();
	GID_MAP(fd, LINE(1000, getgid(), 1));
	t = facts(fd);
	FACT_IS(t, "uid", "65534 65534 65534");
	FACT_IS(t, "gid", "1000 1000 1000");
	close(fd);
}

/* An ordinary user's map that newuidmap would have to write. */
static void no_way_to_write_it(void)
{
	CHECK(errno == EPERM || (errno == ENOENT && access("/usr/bin/newuidmap", X_OK)));
}

static void somebody_elses_id(void)
{
	become_nobody();
	need_user_namespaces();
	int fd = user_ns();
	set_child(fd, "exit", "0");
	UID_MAP(fd, LINE(0, 12345, 1));
	errno = 0;
	CHECK_EQ(process_config(fd, PROC_CREATE, 0, NULL, 0), -1);
	struct procfd_error e = last_error(fd);
	CHECK(e.stage == PROC_STAGE_UID_MAP || e.stage == PROC_STAGE_IDMAP_HELPER);
	no_way_to_write_it();
	CHECK_EQ(tap_children(NULL, 0), 0);
	close(fd);
}

static void several_lines_as_root(void)
{
	NEED_ROOT();
	int fd = user_ns();
	UID_MAP(fd, LINE(0, 0, 1), LINE(1, 100000, 1000), LINE(5000, 300000, 65536));
	GID_MAP(fd, LINE(0, 0, 5), LINE(5, 200000, 10));
	const char *t = facts(fd);
	FACT_IS(t, "uid", "0 0 0");
	FACT_IS(t, "uid_map", "0 0 1;1 100000 1000;5000 300000 65536");
	FACT_IS(t, "gid_map", "0 0 5;5 200000 10");
	FACT_IS(t, "setgroups", "allow");
	close(fd);
}

static void several_lines_and_ids_as_root(void)
{
	NEED_ROOT();
	gid_t groups[] = { 6, 7 };
	int fd = user_ns();
	UID_MAP(fd, LINE(0, 100000, 100), LINE(500, 200000, 100));
	GID_MAP(fd, LINE(0, 100000, 100), LINE(500, 200000, 100));
	SET(fd, PROC_SET_UID, 501);
	SET(fd, PROC_SET_GID, 502);
	CFG(fd, PROC_SET_GROUPS, 0, groups, sizeof groups);
	const char *t = facts(fd);
	FACT_IS(t, "uid", "501 501 501");
	FACT_IS(t, "gid", "502 502 502");
	FACT_IS(t, "groups", "6 7");
	close(fd);
	fd = user_ns();
	set_child(fd, "pause");
	UID_MAP(fd, LINE(0, 100000, 100));
	GID_MAP(fd, LINE(0, 100000, 100));
	SET(fd, PROC_SET_UID, 3);
	SET(fd, PROC_SET_GID, 4);
	pid_t pid = create(fd);
	CHECK(!strncmp(status_of(pid, "Uid"), "100003\t100003", 13)); /* as the outside sees it */
	CHECK(!strncmp(status_of(pid, "Gid"), "100004\t100004", 13));
	finish(fd);
}

static void the_most_lines_as_root(void)
{
	NEED_ROOT();
	struct procfd_idmap m[341];
	for (unsigned i = 0; i < 341; i++)
		m[i] = (struct procfd_idmap)LINE(i * 2, i * 2, 1); /* all in a page */
	int fd = user_ns();
	CFG(fd, PROC_SET_UID_MAP, 0, m, 340 * sizeof *m);
	set_child(fd, "pause");
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/uid_map", create(fd));
	FILE *f = fopen(path, "re");
	unsigned in, out, n, lines = 0;
	while (fscanf(f, "%u %u %u", &in, &out, &n) == 3) {
		CHECK(in == lines * 2 && out == lines * 2 && n == 1);
		lines++;
	}
	CHECK_EQ(lines, 340);
	fclose(f);
	finish(fd);
	fd = user_ns();
	set_child(fd, "exit", "0");
	int rc = process_config(fd, PROC_SET_UID_MAP, 0, m, 341 * sizeof *m);
	if (rc == 0)
		rc = process_config(fd, PROC_CREATE, 0, NULL, 0);
	CHECK_EQ(rc, -1);
	CHECK(errno == EINVAL || errno == E2BIG);
	close(fd);
}

static void overlapping_lines(void)
{
	NEED_ROOT();
	int fd = user_ns();
	set_child(fd, "exit", "0");
	UID_MAP(fd, LINE(0, 0, 10), LINE(5, 100, 10));
	errno = 0;
	CHECK_EQ(process_config(fd, PROC_CREATE, 0, NULL, 0), -1);
	CHECK_EQ(errno, EINVAL);
	CHECK_EQ(last_error(fd).stage, PROC_STAGE_UID_MAP);
	CHECK_EQ(tap_children(NULL, 0), 0);
	UID_MAP(fd, LINE(0, 0, 10), LINE(10, 100, 10));
	GID_MAP(fd, LINE(0, 0, 10), LINE(5, 100, 10));
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_GID_MAP, -1);
	CHECK_EQ(tap_children(NULL, 0), 0);
	close(fd);
}

static void setgroups_policies_as_root(void)
{
	NEED_ROOT();
	static const struct {
		uint64_t policy;
		const char *want;
	} table[] = { { PROC_SETGROUPS_AUTO, "allow" },
		      { PROC_SETGROUPS_ALLOW, "allow" },
		      { PROC_SETGROUPS_DENY, "deny" } };
	for (int lines = 1; lines <= 2; lines++)
		for (int i = 0; i < 3; i++) {
			int fd = user_ns();
			if (lines == 1) {
				UID_MAP(fd, LINE(0, 0, 1));
				GID_MAP(fd, LINE(0, 0, 1));
			} else {
				UID_MAP(fd, LINE(0, 0, 1), LINE(1, 1000, 1));
				GID_MAP(fd, LINE(0, 0, 1), LINE(1, 1000, 1));
			}
			SET(fd, PROC_SET_SETGROUPS, table[i].policy);
			/* One line of the own id is the child's to write, which costs setgroups. */
			FACT_IS(facts(fd), "setgroups",
				lines == 1 && table[i].policy == PROC_SETGROUPS_AUTO ? "deny" : table[i].want);
			close(fd);
		}
}

static void setgroups_allow_for_an_ordinary_user(void)
{
	become_nobody();
	need_user_namespaces();
	int fd = user_ns();
	set_child(fd, "exit", "0");
	UID_MAP(fd, LINE(0, getuid(), 1));
	GID_MAP(fd, LINE(0, getgid(), 1));
	SET(fd, PROC_SET_SETGROUPS, PROC_SETGROUPS_ALLOW);
	errno = 0;
	CHECK_EQ(process_config(fd, PROC_CREATE, 0, NULL, 0), -1);
	CHECK_EQ(errno, EPERM);
	SET(fd, PROC_SET_SETGROUPS, PROC_SETGROUPS_DENY);
	create(fd);
	expect_exit(fd, 0);
	close(fd);
}

static void groups_with_setgroups_denied(void)
{
	become_nobody();
	need_user_namespaces();
	gid_t g[] = { 0 };
	int fd = user_ns();
	set_child(fd, "exit", "0");
	UID_MAP(fd, LINE(0, getuid(), 1));
	GID_MAP(fd, LINE(0, getgid(), 1));
	CFG(fd, PROC_SET_GROUPS, 0, g, sizeof g);
	CREATE_FAILS(fd, EPERM, PROC_STAGE_GROUPS, -1);
	close(fd);
}

static void refused_with(int fd, const char *words)
{
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_PLAN, -1);
	if (!strstr(last_error(fd).message, words))
		FAIL("\"%s\" has no \"%s\"", last_error(fd).message, words);
	close(fd);
}

/* Ids that the maps do not have are refused before anything is started, and the message names them. */
static void unmapped_ids(void)
{
	need_user_namespaces();
	struct procfd_ids ids = { .real = UINT32_MAX, .effective = UINT32_MAX, .saved = 4 };
	gid_t groups[] = { 0, 5 };
	for (int i = 0; i < 7; i++) {
		int fd = user_ns();
		set_child(fd, "exit", "0");
		if (i != 5)
			UID_MAP(fd, LINE(0, geteuid(), 1));
		if (i != 6)
			GID_MAP(fd, LINE(0, getegid(), 1));
		if (i == 0)
			SET(fd, PROC_SET_UID, 1);
		if (i == 1)
			CFG(fd, PROC_SET_UID, 0, &ids, sizeof ids);
		if (i == 2)
			SET(fd, PROC_SET_GID, 3);
		if (i == 3)
			CFG(fd, PROC_SET_GROUPS, 0, groups, sizeof groups);
		if (i == 4) {
			CFG(fd, PROC_SET_GROUPS, 0, groups, sizeof *groups);
			SET(fd, PROC_SET_SETGROUPS, PROC_SETGROUPS_DENY);
		}
		if (i == 5)
			SET(fd, PROC_SET_UID, 0);
		if (i == 6)
			SET(fd, PROC_SET_GID, 0);
		static const char *const words[] = { "user id 1,",  "user id 4,", "group id 3,", "group id 5,",
						     "setgroups(2)", "user id 0,", "group id 0," };
		refused_with(fd, words[i]);
	}
}

static void maps_without_a_user_namespace(void)
{
	int fd = ctx();
	set_child(fd, "exit", "0");
	UID_MAP(fd, LINE(0, getuid(), 1));
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_PLAN, -1);
	close(fd);
	fd = ctx();
	set_child(fd, "exit", "0");
	GID_MAP(fd, LINE(0, getgid(), 1));
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_PLAN, -1);
	close(fd);
}

static void bad_maps(void)
{
	struct procfd_idmap m = LINE(0, 0, 1);
	int fd = ctx();
	CHECK_ERR(process_config(fd, PROC_SET_UID_MAP, 0, NULL, sizeof m), EFAULT);
	CHECK_ERR(process_config(fd, PROC_SET_UID_MAP, 0, &m, sizeof m - 1), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_GID_MAP, 0, &m, sizeof m + 4), EINVAL);
	m.reserved = 1;
	CHECK_ERR(process_config(fd, PROC_SET_UID_MAP, 0, &m, sizeof m), EINVAL);
	m.reserved = 0;
	m.count = 0;
	CHECK_ERR(process_config(fd, PROC_SET_UID_MAP, 0, &m, sizeof m), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_SETGROUPS, 3, NULL, 0), EINVAL);
	close(fd);
}

/* ---- newuidmap and newgidmap ---- */

static const char *const helpers[] = { "/usr/bin/newuidmap", "/usr/bin/newgidmap" };

/* The subordinate ids of the case: the system's, or, as root, ones of its own in a mount
 * namespace of its own. Ends as an ordinary user. */
static void subordinate_ids(unsigned *uid, unsigned *gid)
{
	char dir[64], path[128], target[32];
	if (access(helpers[0], X_OK) || access(helpers[1], X_OK))
		SKIP("no newuidmap and newgidmap");
	if (geteuid() == 0) {
		if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
			SKIP("no mount namespaces");
		strcpy(dir, make_dir());
		for (int i = 0; i < 2; i++) {
			snprintf(path, sizeof path, "%s/sub", dir);
			snprintf(target, sizeof target, "/etc/sub%cid", "ug"[i]);
			write_file(path, "nobody:300000:65536\n65534:300000:65536\n", 0644);
			if (access(target, F_OK)) {
				remove_tree(dir);
				SKIP("no %s to mount over", target);
			}
			CHECK_EQ(mount(path, target, NULL, MS_BIND, NULL), 0);
			CHECK_EQ(unlink(path), 0);
		}
		remove_tree(dir);
		become_nobody();
		*uid = *gid = 300000;
		return;
	}
	for (int i = 0; i < 2; i++) {
		unsigned first = 0, count = 0, *to = i ? gid : uid;
		char line[256], name[64], num[16];
		const char *user = getenv("USER");
		snprintf(num, sizeof num, "%u", getuid());
		snprintf(target, sizeof target, "/etc/sub%cid", "ug"[i]);
		FILE *f = fopen(target, "re");
		*to = 0;
		while (f && fgets(line, sizeof line, f))
			if (sscanf(line, "%63[^:]:%u:%u", name, &first, &count) == 3 &&
			    (!strcmp(name, num) || (user && !strcmp(name, user))) && count >= 100)
				*to = first;
		if (f)
			fclose(f);
		if (!*to)
			SKIP("no subordinate ids for this user in %s", target);
	}
}

static void helper_maps_subordinate_ids(void)
{
	unsigned u, g;
	subordinate_ids(&u, &g);
	need_user_namespaces();
	char want[128];
	int fd = user_ns();
	UID_MAP(fd, LINE(0, getuid(), 1), LINE(1, u, 50));
	GID_MAP(fd, LINE(0, getgid(), 1), LINE(1, g, 40));
	const char *t = facts(fd);
	snprintf(want, sizeof want, "0 %u 1;1 %u 50", getuid(), u);
	FACT_IS(t, "uid_map", want);
	snprintf(want, sizeof want, "0 %u 1;1 %u 40", getgid(), g);
	FACT_IS(t, "gid_map", want);
	FACT_IS(t, "uid", "0 0 0");
	FACT_IS(t, "setgroups", "allow");
	close(fd);
	fd = user_ns(); /* and the child may become one of them */
	UID_MAP(fd, LINE(0, u, 10));
	GID_MAP(fd, LINE(0, g, 10));
	SET(fd, PROC_SET_UID, 5);
	SET(fd, PROC_SET_GID, 6);
	t = facts(fd);
	FACT_IS(t, "uid", "5 5 5");
	FACT_IS(t, "gid", "6 6 6");
	close(fd);
}

static void helper_with_a_close_policy(void)
{
	unsigned u, g;
	subordinate_ids(&u, &g);
	need_user_namespaces();
	int fd = user_ns();
	set_child(fd, "pause");
	UID_MAP(fd, LINE(0, getuid(), 1), LINE(1, u, 50));
	GID_MAP(fd, LINE(0, getgid(), 1), LINE(1, g, 50));
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	int pidfd = sys_pidfd_open(create(fd));
	check_alive(pidfd);
	close(fd);
	CHECK_EQ(reap_pidfd(pidfd), SIGKILL);
	close(pidfd);
}

static void helper_refuses_what_is_not_configured(void)
{
	unsigned u, g;
	subordinate_ids(&u, &g);
	need_user_namespaces();
	int fd = user_ns();
	set_child(fd, "exit", "0");
	UID_MAP(fd, LINE(0, getuid(), 1), LINE(1, 1000, 50));
	errno = 0;
	CHECK_EQ(process_config(fd, PROC_CREATE, 0, NULL, 0), -1);
	CHECK_EQ(errno, EPERM);
	CHECK_EQ(last_error(fd).stage, PROC_STAGE_IDMAP_HELPER);
	CHECK_EQ(tap_children(NULL, 0), 0);
	UID_MAP(fd, LINE(0, getuid(), 1));
	create(fd);
	expect_exit(fd, 0);
	close(fd);
}

static void several_lines_without_subordinate_ids(void)
{
	become_nobody();
	need_user_namespaces();
	int fd = user_ns();
	set_child(fd, "exit", "0");
	UID_MAP(fd, LINE(0, getuid(), 1), LINE(1, 77777777, 10));
	errno = 0;
	CHECK_EQ(process_config(fd, PROC_CREATE, 0, NULL, 0), -1);
	struct procfd_error e = last_error(fd);
	no_way_to_write_it();
	CHECK(e.stage == PROC_STAGE_IDMAP_HELPER || e.stage == PROC_STAGE_UID_MAP);
	CHECK_EQ(tap_children(NULL, 0), 0);
	close(fd);
}

TAP_MAIN(CASE(no_maps), CASE(one_line_for_an_ordinary_user), CASE(only_the_uid_map),
	 CASE(somebody_elses_id), CASE(several_lines_as_root), CASE(several_lines_and_ids_as_root),
	 CASE(the_most_lines_as_root), CASE(overlapping_lines), CASE(setgroups_policies_as_root),
	 CASE(setgroups_allow_for_an_ordinary_user), CASE(groups_with_setgroups_denied),
	 CASE(unmapped_ids), CASE(maps_without_a_user_namespace), CASE(bad_maps), CASE(helper_maps_subordinate_ids),
	 CASE(helper_with_a_close_policy), CASE(helper_refuses_what_is_not_configured),
	 CASE(several_lines_without_subordinate_ids))

// SPDX-License-Identifier: MIT OR Apache-2.0
/* Landlock: files, ports, scopes. */
#include "filter.h"
#include "kid.h"
#include "util.h"

#include <arpa/inet.h>
#include <netinet/in.h>

/* linux/landlock.h of this machine may be older. */
#define FS_EXECUTE (1ULL << 0)
#define FS_WRITE_FILE (1ULL << 1)
#define FS_READ_FILE (1ULL << 2)
#define FS_READ_DIR (1ULL << 3)
#define FS_MAKE_REG (1ULL << 8)
#define FS_TRUNCATE (1ULL << 14)
#define FS_ALL 0xffffULL
#define NET_BIND 1ULL
#define NET_CONNECT 2ULL
#define SCOPE_SOCKET 1ULL
#define SCOPE_SIGNAL 2ULL

/* The version of the running kernel; 0 without Landlock. What it lacks stays unrestricted. */
static int abi(void)
{
	long n = syscall(444 /* landlock_create_ruleset */, NULL, 0, 1);
	return n < 0 ? 0 : (int)n;
}

static char dir[] = "/tmp/procfd-landlock-XXXXXX";

static const char *in_dir(const char *name)
{
	static char paths[8][128];
	static int n;
	char *path = paths[n++ % 8];
	snprintf(path, 128, "%s/%s", dir, name);
	return path;
}

static void make_files(void)
{
	CHECK(mkdtemp(dir) != NULL);
	CHECK_EQ(chmod(dir, 0777), 0);
	const char *dirs[] = { "in", "out" };
	for (int i = 0; i < 2; i++) {
		char file[128];
		snprintf(file, sizeof file, "%s/%s/f", dir, dirs[i]);
		CHECK_EQ(mkdir(in_dir(dirs[i]), 0777), 0);
		CHECK_EQ(chmod(in_dir(dirs[i]), 0777), 0);
		int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
		CHECK(fd >= 0);
		CHECK_EQ(fchmod(fd, 0666), 0);
		close(fd);
	}
}

static void remove_files(void)
{
	const char *files[] = { "in/f", "in/new", "out/f", "out/new" };
	for (int i = 0; i < 4; i++)
		unlink(in_dir(files[i]));
	CHECK_EQ(rmdir(in_dir("in")), 0);
	CHECK_EQ(rmdir(in_dir("out")), 0);
	CHECK_EQ(rmdir(dir), 0);
}

#define RULESET(fd, ...)                                                                          \
	do {                                                                                      \
		struct procfd_landlock ruleset_ = { __VA_ARGS__ };                                \
		CFG(fd, PROC_SET_LANDLOCK, 0, &ruleset_, sizeof ruleset_);                        \
	} while (0)
#define PATH(fd, accesses, path) CFG(fd, PROC_LANDLOCK_PATH, accesses, (void *)(uintptr_t)(path), 0)

static void port(int fd, uint64_t accesses, uint32_t number)
{
	CFG(fd, PROC_LANDLOCK_PORT, accesses, &number, sizeof number);
}

/* 0, or why it may not be opened. */
static int opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0666);
	return fd < 0 ? errno : (close(fd), 0);
}

/* The child of a fork looks for itself. */
#define IN_CHILD(fd, expression)                                                                  \
	do {                                                                                      \
		if (create(fd) == 0)                                                              \
			_exit((expression) ? 0 : 1);                                              \
		expect_exit(fd, 0);                                                               \
		close(fd);                                                                        \
	} while (0)

static void files(void)
{
	int refused = abi() >= 1 ? EACCES : 0;
	make_files();
	/* In whatever order the calls come. */
	for (int order = 0; order < 3; order++) {
		int fd = ctx();
		if (order == 0)
			SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
		if (order != 1)
			PATH(fd, FS_READ_FILE | FS_READ_DIR, in_dir("in"));
		RULESET(fd, .fs = FS_ALL);
		if (order == 1)
			PATH(fd, FS_READ_FILE | FS_READ_DIR, in_dir("in"));
		/* A file: the accesses of directories are left out. */
		PATH(fd, FS_ALL, in_dir("out/f"));
		if (order != 0)
			SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
		IN_CHILD(fd, opens(in_dir("in/f"), O_RDONLY) == 0 && opens(in_dir("in"), O_RDONLY) == 0 &&
				     opens(in_dir("in/f"), O_WRONLY) == refused &&
				     opens(in_dir("in/new"), O_WRONLY | O_CREAT) == refused &&
				     opens(in_dir("out"), O_RDONLY) == refused &&
				     opens(in_dir("out/f"), O_RDWR | O_TRUNC) == 0 &&
				     opens(in_dir("out/new"), O_WRONLY | O_CREAT) == refused);
		/* The caller is as it was. */
		CHECK_EQ(opens(in_dir("in/f"), O_WRONLY), 0);
		CHECK_EQ(opens(in_dir("out"), O_RDONLY), 0);
		CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
	}
	int fd = ctx();
	RULESET(fd, .fs = FS_ALL);
	PATH(fd, FS_ALL, in_dir("in"));
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	IN_CHILD(fd, opens(in_dir("in/new"), O_RDWR | O_CREAT | O_TRUNC) == 0 &&
			     opens(in_dir("out/f"), O_RDWR) == refused);
	/* A copy has its own; what was dropped is gone. */
	fd = ctx();
	RULESET(fd, .fs = FS_ALL);
	PATH(fd, FS_ALL, in_dir("in"));
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	int copy = process_config(fd, PROC_COPY, 0, NULL, 0);
	CHECK(copy >= 0);
	CFG(fd, PROC_SET_LANDLOCK, 0, NULL, 0);
	IN_CHILD(fd, opens(in_dir("out/f"), O_RDWR) == 0);
	IN_CHILD(copy, opens(in_dir("out/f"), O_RDWR) == refused);
	remove_files();
}

static void programs(void)
{
	int fd = ctx();
	set_child(fd, "exit", "3");
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	RULESET(fd, .fs = FS_EXECUTE);
	if (abi() >= 1) {
		CREATE_FAILS(fd, EACCES, PROC_STAGE_EXEC, -1);
		CHECK(strstr(last_error(fd).message, "Landlock"));
	}
	PATH(fd, FS_EXECUTE, "/");
	create(fd);
	expect_exit(fd, 3);
	close(fd);
	/* The steps, without a start. */
	fd = ctx();
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	RULESET(fd, .fs = FS_ALL);
	PATH(fd, FS_ALL, "/nonexistent");
	char text[8192] = { 0 };
	CHECK(process_info(fd, PROC_INFO_PLAN, 0, text, sizeof text) > 0);
	if (abi() >= 1)
		CHECK(strstr(text, "add the Landlock rule for \"/nonexistent\": openat, landlock_add_rule, "
				   "or landlock_add_rule, close"));
	close(fd);
}

static int listener(struct sockaddr_in *at)
{
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof *at;
	*at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	CHECK_EQ(bind(s, (struct sockaddr *)at, size), 0);
	CHECK_EQ(listen(s, 8), 0);
	CHECK_EQ(getsockname(s, (struct sockaddr *)at, &size), 0);
	return s;
}

static int connects(const struct sockaddr_in *at)
{
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int e = connect(s, (const struct sockaddr *)at, sizeof *at) ? errno : 0;
	close(s);
	return e;
}

static int binds(in_port_t number)
{
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = number,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int e = bind(s, (struct sockaddr *)&at, sizeof at) ? errno : 0;
	close(s);
	return e;
}

static void ports(void)
{
	int refused = abi() >= 4 ? EACCES : 0;
	struct sockaddr_in a, b;
	int one = listener(&a), other = listener(&b);
	int fd = ctx();
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	RULESET(fd, .net = NET_BIND | NET_CONNECT);
	port(fd, NET_CONNECT, ntohs(a.sin_port));
	port(fd, NET_BIND, 0);
	IN_CHILD(fd, connects(&a) == 0 && connects(&b) == refused && binds(0) == 0 &&
			     (binds(b.sin_port) == (refused ? refused : EADDRINUSE)));
	CHECK_EQ(connects(&b), 0);
	close(one);
	close(other);
}

/* Signals out of it, while those of the creator, the close policy's among them, reach it. */
static void scopes(void)
{
	int refused = abi() >= 6 ? EPERM : 0;
	int fd = ctx();
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	RULESET(fd, .scoped = SCOPE_SIGNAL | SCOPE_SOCKET);
	int me = getpid();
	IN_CHILD(fd, (kill(me, 0) ? errno : 0) == refused && kill(getpid(), 0) == 0);
	for (int order = 0; order < 2; order++) {
		fd = ctx();
		if (order == 0)
			SET(fd, PROC_SET_CLOSE, SIGKILL);
		RULESET(fd, .fs = FS_WRITE_FILE, .scoped = SCOPE_SIGNAL | SCOPE_SOCKET);
		SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
		if (order == 1)
			SET(fd, PROC_SET_CLOSE, SIGKILL);
		set_child(fd, "pause");
		int pidfd = sys_pidfd_open(create(fd));
		check_alive(pidfd);
		close(fd);
		ends_by(pidfd, SIGKILL);
	}
}

static void bad_arguments(void)
{
	int fd = ctx();
	struct procfd_landlock r = { .fs = 1ULL << 40 };
	CHECK_ERR(process_config(fd, PROC_SET_LANDLOCK, 0, &r, sizeof r), EINVAL);
	CHECK(strstr(last_error(fd).message, "0x10000000000"));
	r = (struct procfd_landlock){ .net = 1 << 9 };
	CHECK_ERR(process_config(fd, PROC_SET_LANDLOCK, 0, &r, sizeof r), EINVAL);
	CHECK(strstr(last_error(fd).message, "0x200"));
	r = (struct procfd_landlock){ .scoped = 1 << 8 };
	CHECK_ERR(process_config(fd, PROC_SET_LANDLOCK, 0, &r, sizeof r), EINVAL);
	CHECK(strstr(last_error(fd).message, "scopes 0x100"));
	r = (struct procfd_landlock){ 0 };
	CHECK_ERR(process_config(fd, PROC_SET_LANDLOCK, 0, &r, sizeof r), EINVAL);
	CHECK(strstr(last_error(fd).message, "restricts nothing"));
	r.fs = FS_ALL;
	CHECK_ERR(process_config(fd, PROC_SET_LANDLOCK, 2, &r, sizeof r), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_LANDLOCK, PROC_LANDLOCK_STRICT, NULL, 0), EFAULT);
	CHECK_ERR(process_config(fd, PROC_LANDLOCK_PATH, 0, "/", 0), EINVAL);
	CHECK_ERR(process_config(fd, PROC_LANDLOCK_PATH, 1ULL << 50, "/", 0), EINVAL);
	CHECK_ERR(process_config(fd, PROC_LANDLOCK_PATH, FS_ALL, "", 0), ENOENT);
	uint32_t high = 65536;
	CHECK_ERR(process_config(fd, PROC_LANDLOCK_PORT, NET_BIND, &high, sizeof high), EINVAL);
	CHECK(strstr(last_error(fd).message, "65536"));
	high = 80;
	CHECK_ERR(process_config(fd, PROC_LANDLOCK_PORT, 4, &high, sizeof high), EINVAL);
	CHECK_ERR(process_config(fd, PROC_LANDLOCK_PORT, 0, &high, sizeof high), EINVAL);
	/* Shorter than the structure: the rest is 0. */
	CFG(fd, PROC_SET_LANDLOCK, 0, &r, sizeof r.fs);
	close(fd);
}

static void contradictions(void)
{
	int fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	PATH(fd, FS_READ_FILE | FS_EXECUTE, "/");
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_PLAN, -1);
	CHECK(strstr(last_error(fd).message, "PROC_SET_LANDLOCK"));
	RULESET(fd, .fs = FS_READ_FILE, .net = NET_BIND);
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_PLAN, -1);
	CHECK(strstr(last_error(fd).message, "\"/\" for EXECUTE"));
	RULESET(fd, .fs = FS_READ_FILE | FS_EXECUTE, .net = NET_BIND);
	port(fd, NET_CONNECT, 80);
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_PLAN, -1);
	CHECK(strstr(last_error(fd).message, "port 80 for CONNECT_TCP"));
	RULESET(fd, .fs = FS_READ_FILE | FS_EXECUTE, .net = NET_CONNECT);
	create(fd);
	expect_exit(fd, 0);
	close(fd);
	become_nobody();
	fd = ctx();
	set_child(fd, "exit", "0");
	RULESET(fd, .fs = FS_WRITE_FILE);
	needs_no_new_privs(fd);
}

static void failures(void)
{
	if (abi() < 1)
		SKIP("no Landlock in this kernel");
	int fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	RULESET(fd, .fs = FS_ALL);
	PATH(fd, FS_ALL, "/");
	PATH(fd, FS_ALL, "/nonexistent/file");
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_LANDLOCK_RULE, 1);
	CHECK(strstr(last_error(fd).message, "for \"/nonexistent/file\""));
	close(fd);
	fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	RULESET(fd, .fs = FS_ALL);
	PATH(fd, FS_MAKE_REG, "/dev/null");
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_LANDLOCK_RULE, 0);
	CHECK(strstr(last_error(fd).message, "no directory"));
	close(fd);
	/* It takes two descriptors. */
	for (unsigned most = 3; most <= 5; most++) {
		fd = ctx();
		set_child(fd, "exit", "0");
		SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
		RULESET(fd, .fs = FS_ALL);
		PATH(fd, FS_ALL, "/");
		struct procfd_rlimit limit = { most, most };
		CFG(fd, PROC_SET_RLIMIT, RLIMIT_NOFILE, &limit, sizeof limit);
		if (most == 5) {
			create(fd);
			expect_exit(fd, 0);
			close(fd);
			continue;
		}
		CREATE_FAILS(fd, EMFILE, most == 3 ? PROC_STAGE_LANDLOCK : PROC_STAGE_LANDLOCK_RULE, 0);
		CHECK(strstr(last_error(fd).message, "RLIMIT_NOFILE"));
		close(fd);
	}
	/* The sixteenth of this process is the last. */
	uint64_t attr[3] = { FS_MAKE_REG };
	CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	for (int i = 0; i < 16; i++) {
		int ruleset = (int)syscall(444, attr, 8, 0);
		CHECK_EQ(syscall(446 /* landlock_restrict_self */, ruleset, 0), 0);
		close(ruleset);
	}
	fd = ctx();
	set_child(fd, "exit", "0");
	RULESET(fd, .fs = FS_MAKE_REG);
	CREATE_FAILS(fd, E2BIG, PROC_STAGE_LANDLOCK, 0);
	CHECK(strstr(last_error(fd).message, "16 rulesets"));
	close(fd);
}

/* Without Landlock: nothing is restricted, unless that is an error. */
static void without_landlock(void)
{
	int before = abi();
	struct procfd_landlock r = { .fs = FS_WRITE_FILE };
	int kept = ctx();
	SET(kept, PROC_SET_NO_NEW_PRIVS, 1);
	CFG(kept, PROC_SET_LANDLOCK, PROC_LANDLOCK_STRICT, &r, sizeof r);
	if (before >= 1) {
		if (create(kept) == 0)
			_exit(opens("/dev/null", O_WRONLY) == EACCES ? 0 : 1);
		expect_exit(kept, 0);
	}
	close(kept);
	int fd = ctx();
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	RULESET(fd, .fs = FS_WRITE_FILE);
	PATH(fd, FS_WRITE_FILE, "/nonexistent");
	int copy = process_config(fd, PROC_COPY, 0, NULL, 0);
	CHECK(copy >= 0);
	CFG(copy, PROC_SET_LANDLOCK, PROC_LANDLOCK_STRICT, &r, sizeof r);
	if (before >= 1) /* prepared while the kernel has it */
		CREATE_FAILS(fd, ENOENT, PROC_STAGE_LANDLOCK_RULE, 0);
	refuse(444, ENOSYS);
	IN_CHILD(fd, opens("/dev/null", O_WRONLY) == 0);
	CREATE_FAILS(copy, EOPNOTSUPP, PROC_STAGE_PLAN, -1);
	CHECK(strstr(last_error(copy).message, "PROC_LANDLOCK_STRICT"));
	close(copy);
}

/* A filter of the creator that refuses only one of the later calls. */
static void under_filters(void)
{
	if (abi() < 1)
		SKIP("no Landlock in this kernel");
	int fd = ctx();
	set_child(fd, "exit", "0");
	RULESET(fd, .fs = FS_WRITE_FILE);
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	refuse(446, ODD);
	CREATE_FAILS(fd, ODD, PROC_STAGE_LANDLOCK, 0);
	PATH(fd, FS_WRITE_FILE, "/");
	refuse(445 /* landlock_add_rule */, EPERM);
	CREATE_FAILS(fd, EPERM, PROC_STAGE_LANDLOCK_RULE, 0);
	close(fd);
}

/* The setting's own program refuses what comes before it. */
static void before_seccomp(void)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 444, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 446, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	int refused = abi() >= 1 ? EACCES : 0;
	int fd = ctx();
	CFG(fd, PROC_SET_SECCOMP, 0, f, sizeof f);
	RULESET(fd, .fs = FS_WRITE_FILE);
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	IN_CHILD(fd, opens("/dev/null", O_WRONLY) == refused);
}

/* The rights last until it is done, and no longer; the paths are those of the new root. */
static void with_rights(void)
{
	if (geteuid() != 0)
		SKIP("needs root");
	int refused = abi() >= 1 ? EACCES : 0;
	make_files();
	for (int order = 0; order < 2; order++) {
		int fd = ctx();
		if (order == 0)
			SET(fd, PROC_SET_UID, 1234);
		RULESET(fd, .fs = FS_ALL);
		PATH(fd, FS_ALL, "/in");
		CFG(fd, PROC_SET_ROOT, 0, dir, 0);
		if (order == 1)
			SET(fd, PROC_SET_UID, 1234);
		IN_CHILD(fd, opens("/in/f", O_RDWR) == 0 && opens("/out/f", O_RDWR) == refused &&
				     prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0 && geteuid() == 1234 &&
				     setuid(0) == -1 && chroot("/") == -1);
	}
	/* As the new user, who may not go there. */
	CHECK_EQ(chmod(in_dir("in"), 0700), 0);
	int fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_UID, 1234);
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	RULESET(fd, .fs = FS_WRITE_FILE);
	PATH(fd, FS_WRITE_FILE, in_dir("in/f"));
	if (abi() >= 1)
		CREATE_FAILS(fd, EACCES, PROC_STAGE_LANDLOCK_RULE, 0);
	close(fd);
	remove_files();
}

/* In a user namespace its CAP_SYS_ADMIN is enough. */
static void in_user_namespace(void)
{
	int refused = abi() >= 1 ? EACCES : 0;
	become_nobody();
	NEED_UNSHARE(CLONE_NEWUSER);
	int fd = ctx();
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER);
	RULESET(fd, .fs = FS_WRITE_FILE);
	IN_CHILD(fd, opens("/dev/null", O_WRONLY) == refused && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
}

TAP_MAIN(CASE(files), CASE(programs), CASE(ports), CASE(scopes), CASE(bad_arguments), CASE(contradictions),
	 CASE(failures), CASE(without_landlock), CASE(under_filters), CASE(before_seccomp), CASE(with_rights),
	 CASE(in_user_namespace))

// SPDX-License-Identifier: MIT OR Apache-2.0
/* Landlock by rulesets that the caller has made. */
#include "filter.h"
#include "util.h"

#include <sys/prctl.h>

#define FS_WRITE_FILE (1ULL << 1)
#define FS_READ_DIR (1ULL << 3)
#define FS_MAKE_DIR (1ULL << 7)

static int ruleset(uint64_t fs)
{
	int fd = (int)syscall(444 /* landlock_create_ruleset */, &fs, sizeof fs, 0);
	if (fd < 0 && (errno == ENOSYS || errno == EOPNOTSUPP))
		SKIP("no Landlock in this kernel");
	CHECK(fd >= 0);
	return fd;
}

static void allow(int fd, uint64_t fs, const char *path)
{
	struct __attribute__((packed)) {
		uint64_t fs;
		int fd;
	} rule = { fs, open(path, O_PATH | O_CLOEXEC) };
	CHECK(rule.fd >= 0);
	CHECK_EQ(syscall(445 /* landlock_add_rule */, fd, 1, &rule, 0), 0);
	close(rule.fd);
}

static void add(int fd, int ruleset_fd)
{
	CFG(fd, PROC_LANDLOCK_FD, 0, &ruleset_fd, sizeof ruleset_fd);
}

static int opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? errno : (close(fd), 0);
}

static int highest(void)
{
	int fd = 1023;
	while (fcntl(fd, F_GETFD) < 0)
		fd--;
	return fd;
}

/* The call duplicates the descriptor, and the program has none of it. */
static void restricts(void)
{
	int r = ruleset(FS_WRITE_FILE);
	allow(r, FS_WRITE_FILE, "/dev/null");
	int fd = ctx();
	set_program(fd, "/bin/sh", "-c",
		    "echo x >/dev/null || exit 1; echo x 2>/dev/null >/dev/zero && exit 2; ls /proc/self/fd",
		    (char *)NULL);
	add(fd, r);
	close(r);
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	int copy = process_config(fd, PROC_COPY, 0, NULL, 0);
	CHECK(copy >= 0);
	int all[] = { fd, copy };
	for (int i = 0; i < 2; i++) {
		int output = create_with_output(all[i], NULL);
		/* The last is that of the directory. */
		CHECK_STR(slurp(output), "0\n1\n2\n3\n");
		close(output);
		expect_exit(all[i], 0);
		close(all[i]);
	}
	CHECK_EQ(opens("/dev/zero", O_WRONLY), 0);
	/* A fork has none of them either. */
	r = ruleset(FS_WRITE_FILE);
	fd = ctx();
	add(fd, r);
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	if (create(fd) == 0) {
		int own = 0;
		for (int n = 3; n < 1024; n++) {
			char path[64], link[64] = { 0 };
			snprintf(path, sizeof path, "/proc/self/fd/%d", n);
			own += readlink(path, link, sizeof link - 1) > 0 && strstr(link, "landlock") != NULL;
		}
		_exit(own == 1 && opens("/dev/zero", O_WRONLY) == EACCES ? 0 : 1);
	}
	expect_exit(fd, 0);
	close(fd);
	close(r);
}

/* With the child's own ruleset, in any order: what is allowed, all of them allow. */
static void several(void)
{
	for (int order = 0; order < 3; order++) {
		int a = ruleset(FS_READ_DIR), b = ruleset(FS_MAKE_DIR), fd = ctx();
		struct procfd_landlock own = { .fs = FS_WRITE_FILE };
		allow(a, FS_READ_DIR, "/dev");
		if (order != 0)
			CFG(fd, PROC_SET_LANDLOCK, 0, &own, sizeof own);
		add(fd, a);
		SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
		if (order == 0)
			CFG(fd, PROC_SET_LANDLOCK, 0, &own, sizeof own);
		add(fd, b);
		CFG(fd, PROC_LANDLOCK_PATH, FS_WRITE_FILE, "/dev/null", 0);
		close(a);
		close(b);
		if (order == 2) {
			/* All are dropped. */
			CFG(fd, PROC_SET_LANDLOCK, 0, NULL, 0);
			if (create(fd) == 0)
				_exit(opens("/", O_RDONLY) || opens("/dev/zero", O_WRONLY));
			expect_exit(fd, 0);
			close(fd);
			continue;
		}
		if (create(fd) == 0)
			_exit(opens("/", O_RDONLY) != EACCES || opens("/dev", O_RDONLY) != 0 ||
			      opens("/dev/zero", O_WRONLY) != EACCES || opens("/dev/null", O_WRONLY) != 0 ||
			      mkdir("/tmp/procfd-no", 0700) != -1 || errno != EACCES);
		expect_exit(fd, 0);
		close(fd);
	}
}

/* Whatever the list of actions does with numbers, the ruleset is there at the end. */
static void beside_actions(void)
{
	for (int when = 0; when < 2; when++) {
		int r = ruleset(FS_WRITE_FILE), fd = ctx(), null = open("/dev/null", O_RDWR | O_CLOEXEC);
		struct procfd_range range = { 3, 500 };
		if (when == 0)
			add(fd, r);
		for (int n = 3; n < 60; n++) {
			struct procfd_dup d = { null, n };
			if (n != null)
				CFG(fd, PROC_FD_DUP, 0, &d, sizeof d);
		}
		CFG(fd, PROC_FD_CLOSE_RANGE, 0, &range, sizeof range);
		for (int n = 3; n < 60; n++)
			SET(fd, PROC_FD_CLOSE, n);
		SET(fd, PROC_FD_NULL, 7);
		if (when == 1)
			add(fd, r);
		SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
		set_program(fd, "/bin/sh", "-c", "(echo x >/dev/zero) 2>&- && exit 2; ls /proc/self/fd",
			    (char *)NULL);
		int output = create_with_output(fd, NULL);
		CHECK_STR(slurp(output), "0\n1\n2\n3\n7\n");
		close(output);
		expect_exit(fd, 0);
		close(fd);
		close(r);
		close(null);
	}
}

static void failures(void)
{
	int r = ruleset(FS_WRITE_FILE), null = open("/dev/null", O_RDWR | O_CLOEXEC), bad = 999;
	int fd = ctx();
	set_child(fd, "exit", "0");
	CHECK_ERR(process_config(fd, PROC_LANDLOCK_FD, 0, &bad, sizeof bad), EBADF);
	CHECK(strstr(last_error(fd).message, "descriptor 999 as a Landlock ruleset"));
	CHECK_ERR(process_config(fd, PROC_LANDLOCK_FD, 8, &r, sizeof r), EINVAL);
	CHECK(strstr(last_error(fd).message, "flags 0x8 of Landlock; there are 0x7"));
	CHECK_ERR(process_config(fd, PROC_LANDLOCK_FD, 0, NULL, 4), EFAULT);
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	add(fd, r);
	add(fd, null);
	CREATE_FAILS(fd, EBADFD, PROC_STAGE_LANDLOCK_FD, 1);
	CHECK(strstr(last_error(fd).message, "number 1: "));
	CHECK(strstr(last_error(fd).message, "landlock_create_ruleset"));
	close(fd);
	/* Sixteen at most. */
	fd = ctx();
	set_child(fd, "exit", "0");
	for (int i = 0; i < 16; i++)
		add(fd, r);
	CHECK_ERR(process_config(fd, PROC_LANDLOCK_FD, 0, &r, sizeof r), E2BIG);
	close(fd);
	/* Flags are of 6.15. */
	fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	CFG(fd, PROC_LANDLOCK_FD, 2, &r, sizeof r);
	if (process_config(fd, PROC_CREATE, 0, NULL, 0) < 0) {
		CHECK_EQ(errno, EINVAL);
		CHECK_EQ(last_error(fd).stage, PROC_STAGE_LANDLOCK_FD);
		CHECK(strstr(last_error(fd).message, "number 0 with flags 0x2: "));
	} else {
		expect_exit(fd, 0);
	}
	close(fd);
	/* Without the right, before anything is started. */
	become_nobody();
	fd = ctx();
	set_child(fd, "exit", "0");
	add(fd, r);
	CREATE_FAILS(fd, EPERM, PROC_STAGE_PLAN, -1);
	CHECK(strstr(last_error(fd).message, "PROC_SET_NO_NEW_PRIVS"));
	close(fd);
	close(r);
	close(null);
}

/* The program closes the number of the context's copy: the start says so. */
static void a_closed_number(void)
{
	int r = ruleset(FS_WRITE_FILE), before = highest(), fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	add(fd, r);
	for (int n = before + 1; n < 1024; n++) {
		char path[64], link[64] = { 0 };
		snprintf(path, sizeof path, "/proc/self/fd/%d", n);
		if (readlink(path, link, sizeof link - 1) > 0 && strstr(link, "landlock"))
			close(n);
	}
	CREATE_FAILS(fd, EBADF, PROC_STAGE_LANDLOCK_FD, 0);
	close(fd);
	close(r);
}

TAP_MAIN(CASE(restricts), CASE(several), CASE(beside_actions), CASE(failures), CASE(a_closed_number))

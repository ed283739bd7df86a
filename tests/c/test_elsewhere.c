// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A path of the child begins elsewhere than one of the creator: in a mount namespace that the child joins, below a new
 * root, below a chroot. A step that finds nothing there says where it looked, and what to change.
 */
#include "util.h"

#include <elf.h>
#include <linux/landlock.h>
#include <sys/wait.h>

#define JOINED "the mount namespace that the child joins"

/* A process in a mount namespace of its own, whose root has a directory and nothing else. */
static int empty_root(pid_t *pid)
{
	int fd = ctx_flags(PROCFD_NO_WATCH);
	struct procfd_idmap u = { .outside = geteuid(), .count = 1 }, g = { .outside = getegid(), .count = 1 };
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER | CLONE_NEWNS);
	CFG(fd, PROC_SET_UID_MAP, 0, &u, sizeof u);
	CFG(fd, PROC_SET_GID_MAP, 0, &g, sizeof g);
	SET(fd, PROC_SET_TMPFS_ROOT, 1);
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	struct procfd_mount directory = { .target = "/there" };
	CFG(fd, PROC_MOUNT, PROC_MOUNT_DIRECTORY, &directory, sizeof directory);
	*pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	if (*pid == 0)
		for (;;)
			pause();
	CHECK(*pid > 0);
	return fd;
}

static int namespace_of(pid_t pid, const char *kind)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, kind);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	return fd;
}

static void join_fd(int fd, uint64_t kinds, int at)
{
	CFG(fd, PROC_JOIN_FD, kinds, &at, sizeof at);
}

/* What is joined, and by what. */
static int pidfd, mount_fd, user_fd;
static pid_t target;

enum way { BY_PIDFD, BY_DESCRIPTOR, BY_PATH, WAYS };

static int joining(enum way way)
{
	int fd = ctx_flags(PROCFD_NO_WATCH);
	char path[64];
	switch (way) {
	case BY_PIDFD:
		join_fd(fd, CLONE_NEWNS | CLONE_NEWUSER, pidfd);
		break;
	case BY_DESCRIPTOR:
		join_fd(fd, CLONE_NEWNS, mount_fd);
		join_fd(fd, CLONE_NEWUSER, user_fd);
		break;
	default:
		for (int user = 0; user < 2; user++) {
			snprintf(path, sizeof path, "/proc/%d/ns/%s", target, user ? "user" : "mnt");
			CFG(fd, PROC_JOIN_PATH, user ? CLONE_NEWUSER : CLONE_NEWNS, path, 0);
		}
	}
	return fd;
}

/* The start finds nothing; the context can be changed then. */
static void nothing_there(int fd, uint32_t stage, int err, const char *where, const char *advice)
{
	CREATE_FAILS(fd, err, stage, -1);
	struct procfd_error e = last_error(fd);
	if ((where && !strstr(e.message, where)) || (advice && !strstr(e.message, advice)))
		FAIL("%s: neither \"%s\" nor \"%s\"", e.message, where, advice);
	if (!where && strstr(e.message, "begin"))
		FAIL("%s: it begins where it says", e.message);
	CHECK_EQ(waitpid(-1, NULL, WNOHANG | __WALL), target ? 0 : -1);
	close(fd);
}

/* Whether it names a dynamic linker. */
static int is_dynamic(const char *path)
{
	Elf64_Ehdr head;
	Elf64_Phdr part;
	int fd = open(path, O_RDONLY | O_CLOEXEC), found = 0;
	CHECK_EQ(pread(fd, &head, sizeof head, 0), sizeof head);
	for (int i = 0; i < head.e_phnum; i++) {
		CHECK_EQ(pread(fd, &part, sizeof part, (off_t)(head.e_phoff + i * sizeof part)), sizeof part);
		found |= part.p_type == PT_INTERP;
	}
	close(fd);
	return found;
}

static int program_of(int fd, const char *path)
{
	set_program(fd, path, (char *)NULL);
	return fd;
}

static int program_by_descriptor(int fd, int program)
{
	const char *argv[] = { "program", NULL };
	SET(fd, PROC_SET_EXEC_FD, program);
	CFG(fd, PROC_SET_ARGV, 0, argv, 0);
	return fd;
}

static void in_a_joined_namespace(void)
{
	need_user_namespaces();
	int held = empty_root(&target), fd;
	pidfd = sys_pidfd_open(target);
	mount_fd = namespace_of(target, "mnt");
	user_fd = namespace_of(target, "user");
	for (enum way way = 0; way < WAYS; way++) {
		nothing_there(program_of(joining(way), "/bin/sh"), PROC_STAGE_EXEC, ENOENT,
			      "begin at the root of " JOINED, "PROC_SET_EXEC_FD");
		nothing_there(program_of(joining(way), "./sh"), PROC_STAGE_EXEC, ENOENT,
			      "begin at the root of " JOINED, "PROC_SET_EXEC_FD");

		/* A search in the creator's PATH, and in the program's. */
		for (int own = 0; own < 2; own++) {
			fd = joining(way);
			CFG(fd, PROC_SET_EXEC, PROC_EXEC_PATH, "sh", 0);
			CFG(fd, PROC_SET_ENV_VAR, 0, "PATH=/bin:/usr/bin", 0);
			SET(fd, PROC_SET_OWN_PATH, own);
			nothing_there(fd, PROC_STAGE_EXEC, ENOENT, "begin at the root of " JOINED, "PROC_SET_EXEC_FD");
		}

		fd = program_of(joining(way), "/bin/sh");
		CFG(fd, PROC_SET_CWD, 0, "/usr", 0);
		nothing_there(fd, PROC_STAGE_CWD, ENOENT, "begins at the root of " JOINED, "PROC_SET_CWD_FD");

		fd = program_of(joining(way), "/bin/sh");
		struct procfd_open passwd = { .path = "/etc/passwd" };
		CFG(fd, PROC_FD_OPEN, 0, &passwd, sizeof passwd);
		nothing_there(fd, PROC_STAGE_FD, ENOENT, "begins at the root of " JOINED, "PROC_FD_DUP");

		fd = program_of(joining(way), "/bin/sh");
		CFG(fd, PROC_SET_ROOT, 0, "/usr", 0);
		nothing_there(fd, PROC_STAGE_ROOT, ENOENT, "begins at the root of " JOINED, NULL);

		fd = program_of(joining(way), "/bin/sh");
		CFG(fd, PROC_SET_ROOT, 0, "/there", 0);
		nothing_there(fd, PROC_STAGE_EXEC, ENOENT, "begin at the root directory that the child sets in the mount namespace",
			      "PROC_SET_EXEC_FD");
	}

	/* By descriptor: this program is found, and its dynamic linker is not. A static program needs none. */
	int program = open(self_path, O_RDONLY | O_CLOEXEC);
	if (is_dynamic(self_path))
		nothing_there(program_by_descriptor(joining(BY_PIDFD), program), PROC_STAGE_EXEC, ENOENT,
			      "that of its interpreter begins at the root of " JOINED, "static");
	close(program);

	/* A directory of the creator's is where it was: no word of another beginning. */
	fd = program_of(joining(BY_PIDFD), "no/such/program");
	int here = open("/", O_PATH | O_CLOEXEC);
	SET(fd, PROC_SET_CWD_FD, here);
	nothing_there(fd, PROC_STAGE_EXEC, ENOENT, NULL, NULL);
	close(here);

	/* A path there: the directory is entered, and the relative path begins in it. */
	fd = program_of(joining(BY_PIDFD), "sh");
	CFG(fd, PROC_SET_CWD, 0, "there", 0);
	nothing_there(fd, PROC_STAGE_EXEC, ENOENT, "begin at the root of " JOINED, NULL);

	close(pidfd);
	close(mount_fd);
	close(user_fd);
	close(held);
	CHECK_EQ(waitpid(target, NULL, __WALL), target);
	target = 0;
}

static int new_root(void)
{
	int fd = ctx_flags(PROCFD_NO_WATCH);
	struct procfd_idmap u = { .outside = geteuid(), .count = 1 }, g = { .outside = getegid(), .count = 1 };
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER | CLONE_NEWNS);
	CFG(fd, PROC_SET_UID_MAP, 0, &u, sizeof u);
	CFG(fd, PROC_SET_GID_MAP, 0, &g, sizeof g);
	return fd;
}

static void below_a_new_root(void)
{
	need_user_namespaces();
	for (int tmpfs = 0; tmpfs < 2; tmpfs++) {
		int fd = program_of(new_root(), "/bin/sh");
		if (tmpfs)
			SET(fd, PROC_SET_TMPFS_ROOT, 1);
		else
			CFG(fd, PROC_SET_PIVOT_ROOT, 0, "/dev", 0);
		nothing_there(fd, PROC_STAGE_EXEC, ENOENT, "begin at the new root", "mount there");
	}

	int program = open(self_path, O_RDONLY | O_CLOEXEC);
	int fd = program_by_descriptor(new_root(), program);
	SET(fd, PROC_SET_TMPFS_ROOT, 1);
	if (is_dynamic(self_path))
		nothing_there(fd, PROC_STAGE_EXEC, ENOENT, "that of its interpreter begins at the new root", "static");
	else
		close(fd);
	close(program);

	fd = program_of(new_root(), "/bin/sh");
	SET(fd, PROC_SET_TMPFS_ROOT, 1);
	CFG(fd, PROC_SET_CWD, 0, "/usr", 0);
	nothing_there(fd, PROC_STAGE_CWD, ENOENT, "begins at the new root", "PROC_SET_CWD_FD");

	/* The creator's own root, read-only, has the creator's paths. */
	fd = program_of(new_root(), "/no/such/program");
	SET(fd, PROC_SET_READONLY_ROOT, 1);
	nothing_there(fd, PROC_STAGE_EXEC, ENOENT, NULL, NULL);
}

static void below_a_chroot(void)
{
	need_user_namespaces();
	int fd = program_of(new_root(), "/bin/sh");
	CFG(fd, PROC_SET_ROOT, 0, "/dev", 0);
	nothing_there(fd, PROC_STAGE_EXEC, ENOENT, "begin at the root directory that the child sets",
		      "PROC_SET_EXEC_FD");

	/* /dev/null is no directory. */
	fd = program_of(new_root(), "/null/sh");
	CFG(fd, PROC_SET_ROOT, 0, "/dev", 0);
	nothing_there(fd, PROC_STAGE_EXEC, ENOTDIR, "begin at the root directory that the child sets", NULL);

	/* The root itself is a path of the creator's. */
	fd = program_of(new_root(), "/bin/sh");
	CFG(fd, PROC_SET_ROOT, 0, "/no/such/directory", 0);
	nothing_there(fd, PROC_STAGE_ROOT, ENOENT, NULL, NULL);
}

static void a_landlock_rule(void)
{
	need_user_namespaces();
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 0)
		SKIP("no Landlock");
	int fd = program_of(new_root(), "/bin/sh");
	CFG(fd, PROC_SET_ROOT, 0, "/dev", 0);
	SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
	struct procfd_landlock reading = { .fs = LANDLOCK_ACCESS_FS_READ_FILE };
	CFG(fd, PROC_SET_LANDLOCK, 0, &reading, sizeof reading);
	CFG(fd, PROC_LANDLOCK_PATH, LANDLOCK_ACCESS_FS_READ_FILE, "/etc/passwd", 0);
	nothing_there(fd, PROC_STAGE_LANDLOCK_RULE, ENOENT, "begins at the root directory that the child sets",
		      "PROC_LANDLOCK_FD");
}

TAP_MAIN(CASE(in_a_joined_namespace), CASE(below_a_new_root), CASE(below_a_chroot), CASE(a_landlock_rule))

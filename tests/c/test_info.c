// SPDX-License-Identifier: MIT OR Apache-2.0
/* process_info: state, pid, pidfd, and the fields of PROC_INFO. */
#include "util.h"

#include <sys/stat.h>
#include <sys/vfs.h>

#define ALL_FIELDS                                                                             \
	(PROC_FIELD_IDS | PROC_FIELD_CREDS | PROC_FIELD_CGROUP_ID | PROC_FIELD_EXIT |          \
	 PROC_FIELD_INODE)

static int paused(pid_t *pid)
{
	int fd = ctx();
	set_child(fd, "pause");
	*pid = create(fd);
	return fd;
}

static struct procfd_info info_of(int fd, uint64_t mask)
{
	struct procfd_info i;
	memset(&i, 0, sizeof i);
	CHECK_EQ(process_info(fd, PROC_INFO, mask, &i, sizeof i), 0);
	CHECK_EQ(i.mask & ~mask, 0);
	CHECK_EQ(i.error, 0);
	return i;
}

static void pid_and_pidfd(void)
{
	pid_t pid;
	int fd = paused(&pid), pidfd;
	CHECK_EQ(process_info(fd, PROC_INFO_PID, 0, NULL, 0), pid);
	pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	CHECK(pidfd >= 0);
	CHECK_EQ(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
	struct stat a, b;
	int mine = sys_pidfd_open(pid);
	CHECK_EQ(fstat(pidfd, &a), 0);
	CHECK_EQ(fstat(mine, &b), 0);
	CHECK_EQ(a.st_ino, b.st_ino);
	CHECK_EQ(process_info(pidfd, PROC_INFO_PID, 0, NULL, 0), pid);
	int another = process_info(pidfd, PROC_INFO_PIDFD, 0, NULL, 0);
	CHECK(another >= 0 && another != pidfd);
	CHECK_EQ(process_info(another, PROC_INFO_PID, 0, NULL, 0), pid);
	close(another);
	close(mine);
	finish(fd);
	CHECK_ERR(process_info(pidfd, PROC_INFO_PID, 0, NULL, 0), ESRCH);
	close(pidfd);
}

static void states_of_a_pidfd(void)
{
	int fd = ctx();
	struct out gate = make_pipe();
	set_child(fd, "gate", "0");
	set_dup(fd, gate.r, 0);
	int pidfd = sys_pidfd_open(create(fd));
	CHECK_EQ(state(pidfd), PROC_STATE_RUNNING);
	close(gate.w);
	CHECK_ENDS(pidfd);
	CHECK_EQ(state(pidfd), PROC_STATE_EXITED);
	CHECK_EQ(state(fd), PROC_STATE_EXITED);
	expect_exit(fd, 0);
	CHECK_EQ(state(pidfd), PROC_STATE_EXITED);
	close(gate.r);
	close(pidfd);
	close(fd);
}

static void ids(void)
{
	pid_t pid;
	int fd = paused(&pid);
	struct procfd_info i = info_of(fd, PROC_FIELD_IDS);
	CHECK_EQ(i.mask, PROC_FIELD_IDS);
	CHECK_EQ(i.pid, pid);
	CHECK_EQ(i.tgid, pid);
	CHECK_EQ(i.ppid, getpid());
	CHECK_EQ(i.inode, 0);
	finish(fd);
}

static void credentials(void)
{
	pid_t pid;
	int fd = paused(&pid);
	struct procfd_info i = info_of(fd, PROC_FIELD_CREDS);
	CHECK_EQ(i.mask, PROC_FIELD_CREDS);
	CHECK(i.ruid == getuid() && i.euid == getuid() && i.suid == getuid() && i.fsuid == getuid());
	CHECK(i.rgid == getgid() && i.egid == getgid() && i.sgid == getgid() && i.fsgid == getgid());
	CHECK_EQ(i.pid, 0);
	finish(fd);
}

static void different_credentials_as_root(void)
{
	NEED_ROOT();
	struct procfd_ids u = { 11, 12, 13, 0 }, g = { 21, 22, 23, 0 };
	int fd = ctx();
	CFG(fd, PROC_SET_UID, 0, &u, sizeof u);
	CFG(fd, PROC_SET_GID, 0, &g, sizeof g);
	int pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	if (pid == 0)
		for (;;)
			pause();
	CHECK(pid > 0);
	struct procfd_info i = info_of(fd, PROC_FIELD_CREDS | PROC_FIELD_IDS);
	CHECK_EQ(i.pid, pid);
	CHECK(i.ruid == 11 && i.euid == 12 && i.suid == 13 && i.fsuid == 12);
	CHECK(i.rgid == 21 && i.egid == 22 && i.sgid == 23 && i.fsgid == 22);
	finish(fd);
}

/* Where cgroup v2 is mounted; "" when it is not. */
static const char *cgroup2_mount(void)
{
	static char path[PATH_MAX];
	char line[4096];
	FILE *f = fopen("/proc/self/mountinfo", "re");
	path[0] = 0;
	while (f && fgets(line, sizeof line, f)) {
		char at[1024];
		if (strstr(line, " - cgroup2 ") && sscanf(line, "%*d %*d %*s %*s %1023s", at) == 1)
			strcpy(path, at);
	}
	if (f)
		fclose(f);
	return path;
}

static void cgroup_id(void)
{
	char line[2048], path[8192] = "";
	const char *mount = cgroup2_mount();
	FILE *f = fopen("/proc/self/cgroup", "re");
	while (f && fgets(line, sizeof line, f))
		if (!strncmp(line, "0::", 3)) {
			line[strcspn(line, "\n")] = 0;
			snprintf(path, sizeof path, "%s%s", mount, line + 3);
		}
	if (f)
		fclose(f);
	struct stat st;
	if (!*mount || !*path || stat(path, &st))
		SKIP("no cgroup v2 to be seen");
	pid_t pid;
	int fd = paused(&pid);
	struct procfd_info i = info_of(fd, PROC_FIELD_CGROUP_ID);
	CHECK_EQ(i.mask, PROC_FIELD_CGROUP_ID);
	CHECK_EQ(i.cgroup_id, st.st_ino);
	finish(fd);
}

static void inode(void)
{
	pid_t pid;
	int fd = paused(&pid), pidfd = sys_pidfd_open(pid), fd2 = paused(&pid);
	struct stat st;
	CHECK_EQ(fstat(pidfd, &st), 0);
	struct procfd_info i = info_of(fd, PROC_FIELD_INODE);
	CHECK_EQ(i.mask, PROC_FIELD_INODE);
	CHECK_EQ(i.inode, st.st_ino);
	CHECK(info_of(fd2, PROC_FIELD_INODE).inode != i.inode);
	CHECK_EQ(info_of(pidfd, PROC_FIELD_INODE).inode, st.st_ino);
	close(pidfd);
	finish(fd);
	finish(fd2);
}

static void exit_field(void)
{
	pid_t pid;
	int fd = paused(&pid);
	struct procfd_info i = info_of(fd, PROC_FIELD_EXIT | PROC_FIELD_IDS);
	CHECK_EQ(i.mask, PROC_FIELD_IDS); /* it lives: there is none */
	CHECK_EQ(i.exit_what, 0);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGTERM, NULL, 0), 0);
	expect_killed(fd, SIGTERM);
	i = info_of(fd, PROC_FIELD_EXIT);
	CHECK_EQ(i.mask, PROC_FIELD_EXIT);
	CHECK_EQ(i.exit_what, PROC_KILLED);
	CHECK_EQ(i.exit_status, SIGTERM);
	close(fd);
	fd = ctx();
	set_child(fd, "exit", "77");
	create(fd);
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	expect_exit(fd, 77);
	i = info_of(pidfd, PROC_FIELD_EXIT);
	CHECK_EQ(i.exit_what, PROC_EXITED);
	CHECK_EQ(i.exit_status, 77);
	close(pidfd);
	close(fd);
}

static void all_fields_of_a_zombie(void)
{
	int fd = ctx();
	set_child(fd, "exit", "5");
	pid_t pid = create(fd);
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	CHECK_ENDS(pidfd);
	struct procfd_info i = info_of(fd, PROC_FIELD_IDS | PROC_FIELD_EXIT);
	CHECK(i.mask & PROC_FIELD_IDS);
	CHECK_EQ(i.pid, pid);
	if (i.mask & PROC_FIELD_EXIT) {
		CHECK_EQ(i.exit_what, PROC_EXITED);
		CHECK_EQ(i.exit_status, 5);
	}
	expect_exit(fd, 5);
	CHECK_ERR(process_info(fd, PROC_INFO, PROC_FIELD_IDS, &i, sizeof i), ESRCH);
	CHECK_ERR(process_info(fd, PROC_INFO, PROC_FIELD_CREDS, &i, sizeof i), ESRCH);
	CHECK_ERR(process_info(pidfd, PROC_INFO, PROC_FIELD_IDS, &i, sizeof i), ESRCH);
	close(pidfd);
	close(fd);
}

static void only_what_was_asked(void)
{
	pid_t pid;
	int fd = paused(&pid);
	struct procfd_info i;
	for (uint64_t mask = 1; mask <= ALL_FIELDS; mask++) {
		i = info_of(fd, mask);
		if (!(mask & PROC_FIELD_IDS))
			CHECK(!i.pid && !i.tgid && !i.ppid);
		if (!(mask & PROC_FIELD_INODE))
			CHECK_EQ(i.inode, 0);
		if (!(mask & PROC_FIELD_CGROUP_ID))
			CHECK_EQ(i.cgroup_id, 0);
	}
	memset(&i, 0xff, sizeof i); /* what was in it does not matter, and does not stay */
	CHECK_EQ(process_info(fd, PROC_INFO, PROC_FIELD_IDS, &i, sizeof i), 0);
	CHECK_EQ(i.mask, PROC_FIELD_IDS);
	CHECK_EQ(i.pid, pid);
	finish(fd);
}

static void bad_arguments(void)
{
	pid_t pid;
	int fd = paused(&pid);
	struct procfd_info i = { 0 };
	for (int bit = 0; bit < 64; bit++)
		if ((1ULL << bit) > PROC_FIELD_PERSONALITY)
			CHECK_ERR(process_info(fd, PROC_INFO, 1ULL << bit, &i, sizeof i), EINVAL);
	CHECK_ERR(process_info(fd, PROC_INFO, PROC_FIELD_IDS, NULL, sizeof i), EFAULT);
	CHECK_ERR(process_info(fd, PROC_INFO, PROC_FIELD_IDS, &i, 3), EINVAL);
	CHECK_ERR(process_info(fd, PROC_INFO, PROC_FIELD_IDS, &i, 4097), E2BIG);
	CHECK_ERR(process_info(fd, PROC_INFO_PID, 1, NULL, 0), EINVAL);
	CHECK_ERR(process_info(fd, PROC_INFO_STATE, 1, NULL, 0), EINVAL);
	CHECK_ERR(process_info(fd, PROC_INFO_PIDFD, 1, NULL, 0), EINVAL);
	finish(fd);
}

static void structure_sizes(void)
{
	pid_t pid;
	int fd = paused(&pid);
	unsigned char buf[sizeof(struct procfd_info) + 64];
	memset(buf, 0, sizeof buf);
	CHECK_EQ(process_info(fd, PROC_INFO, PROC_FIELD_IDS, buf, sizeof buf), 0);
	struct procfd_info i;
	memcpy(&i, buf, sizeof i);
	CHECK_EQ(i.pid, pid);
	memset(buf, 0x55, sizeof buf);
	CHECK_EQ(process_info(fd, PROC_INFO, PROC_FIELD_IDS, buf, 28), 0);
	memcpy(&i, buf, 28);
	CHECK_EQ(i.pid, pid);
	for (size_t n = 28; n < sizeof buf; n++)
		CHECK_EQ(buf[n], 0x55);
	finish(fd);
}

static void on_a_directory_of_proc(void)
{
	char path[64];
	pid_t pid;
	int fd = paused(&pid);
	snprintf(path, sizeof path, "/proc/%d", pid);
	int dir = open(path, O_DIRECTORY | O_CLOEXEC);
	CHECK_EQ(state(dir), PROC_STATE_RUNNING);
	CHECK_EQ(process_info(dir, PROC_INFO_PID, 0, NULL, 0), pid);
	CHECK_EQ(info_of(dir, PROC_FIELD_IDS).pid, pid);
	int pidfd = process_info(dir, PROC_INFO_PIDFD, 0, NULL, 0);
	CHECK(pidfd >= 0);
	CHECK_EQ(info_of(pidfd, PROC_FIELD_INODE).inode, info_of(fd, PROC_FIELD_INODE).inode);
	struct procfd_error e;
	CHECK_ERR(process_info(pidfd, PROC_INFO_ERROR, 0, &e, sizeof e), EINVAL);
	CHECK_ERR(process_info(dir, PROC_INFO_ERROR, 0, &e, sizeof e), EINVAL);
	finish(fd);
	CHECK_ERR(process_info(dir, PROC_INFO_PID, 0, NULL, 0), ESRCH);
	CHECK_ERR(process_info(dir, PROC_INFO, PROC_FIELD_IDS, path, sizeof path), ESRCH);
	close(pidfd);
	close(dir);
	int self = open("/proc/self", O_DIRECTORY | O_CLOEXEC);
	CHECK_EQ(process_info(self, PROC_INFO_PID, 0, NULL, 0), getpid());
	close(self);
}

static void other_directories(void)
{
	const char *paths[] = { "/proc", "/proc/sys", "/proc/self/task", "/proc/self/fd", "/", "/tmp" };
	for (int i = 0; i < 6; i++) {
		int fd = open(paths[i], O_DIRECTORY | O_CLOEXEC);
		CHECK(fd >= 0);
		CHECK_ERR(process_info(fd, PROC_INFO_PID, 0, NULL, 0), EINVAL);
		CHECK_ERR(process_manage(fd, PROC_SIGNAL, 0, NULL, 0), EINVAL);
		close(fd);
	}
}

/* Pids are those of the asking process. */
static void in_a_pid_namespace(void)
{
	int fd = ctx();
	set_child(fd, "pause");
	SET(fd, PROC_SET_FLAG, CLONE_NEWPID | (geteuid() == 0 ? 0 : CLONE_NEWUSER));
	int pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	if (pid < 0)
		SKIP("no pid namespaces for this user");
	CHECK_EQ(process_info(fd, PROC_INFO_PID, 0, NULL, 0), pid);
	CHECK_EQ(info_of(fd, PROC_FIELD_IDS).pid, pid);
	finish(fd);
}

static void anybody_may_ask(void)
{
	become_nobody();
	int pidfd = sys_pidfd_open(1);
	CHECK_EQ(process_info(pidfd, PROC_INFO_PID, 0, NULL, 0), 1);
	CHECK_EQ(state(pidfd), PROC_STATE_RUNNING);
	struct procfd_info i = info_of(pidfd, PROC_FIELD_IDS | PROC_FIELD_CREDS);
	CHECK_EQ(i.pid, 1);
	close(pidfd);
}

TAP_MAIN(CASE(pid_and_pidfd), CASE(states_of_a_pidfd), CASE(ids), CASE(credentials),
	 CASE(different_credentials_as_root), CASE(cgroup_id), CASE(inode), CASE(exit_field),
	 CASE(all_fields_of_a_zombie), CASE(only_what_was_asked), CASE(bad_arguments),
	 CASE(structure_sizes), CASE(on_a_directory_of_proc), CASE(other_directories),
	 CASE(in_a_pid_namespace), CASE(anybody_may_ask))

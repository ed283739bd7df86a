// SPDX-License-Identifier: MIT OR Apache-2.0
/* PROC_INFO: why a field is absent. That each has exactly one reason, some_of() checks everywhere. */
#include "filter.h"
#include "kid.h"

#include <sys/mount.h>

#define OF_TRACERS                                                                             \
	(PROC_FIELD_IO | PROC_FIELD_FDS | PROC_FIELD_NAMESPACES | PROC_FIELD_MEMORY_SET |      \
	 PROC_FIELD_PERSONALITY | PROC_FIELD_TIMER_SLACK)
#define OF_MEMORY (PROC_FIELD_MEMORY | PROC_FIELD_MEMORY_PARTS | PROC_FIELD_MEMORY_SET)

/* All of these for one reason: asked one by one, and with all others. */
#define BECAUSE(fd, fields, reason)                                                            \
	do {                                                                                   \
		for (uint64_t bit_ = 1; bit_ <= PROC_FIELD_PERSONALITY; bit_ <<= 1) {          \
			if (!((fields)&bit_))                                                  \
				continue;                                                      \
			struct procfd_info one_ = some_of(fd, bit_), all_ = some_of(fd, EVERY_FIELD); \
			if (one_.reason != bit_ || !(all_.reason & bit_))                      \
				FAIL("field %#llx is not %s: known %#llx, denied %#llx, unsupported %#llx, " \
				     "gone %#llx, nothing %#llx", (unsigned long long)bit_, #reason, \
				     (unsigned long long)one_.mask, (unsigned long long)one_.denied, \
				     (unsigned long long)one_.unsupported, (unsigned long long)one_.gone, \
				     (unsigned long long)one_.nothing);                        \
		}                                                                              \
	} while (0)

static void of_another_user(void)
{
	become_nobody();
	int fd = sys_pidfd_open(1);
	if (ALL_OF(fd, PROC_FIELD_CREDS).ruid == geteuid())
		SKIP("pid 1 is of this user");
	BECAUSE(fd, OF_TRACERS, denied);
	BECAUSE(fd, PROC_FIELD_EXIT, nothing);
	BECAUSE(fd, PROC_FIELD_SECUREBITS, unsupported);
	close(fd);
}

static void of_a_running_child(void)
{
	struct kid k = kid(run_stay);
	done(&k);
	struct procfd_info i = some_of(k.fd, EVERY_FIELD);
	CHECK_EQ(i.gone, 0);
	CHECK_EQ(i.denied & (OF_MEMORY | PROC_FIELD_IO | PROC_FIELD_FDS), 0);
	BECAUSE(k.fd, PROC_FIELD_EXIT, nothing);
	BECAUSE(k.fd, PROC_FIELD_SECUREBITS, unsupported);
	let(&k);
	ended(&k);
}

static void of_a_zombie(void)
{
	struct kid k = kid(run_stay);
	int pidfd = process_info(k.fd, PROC_INFO_PIDFD, 0, NULL, 0);
	done(&k);
	let(&k);
	CHECK_ENDS(pidfd);
	BECAUSE(pidfd, OF_MEMORY | PROC_FIELD_UMASK | PROC_FIELD_MOUNTS, gone);
	CHECK_EQ(some_of(pidfd, EVERY_FIELD).denied, 0);
	ended(&k);
	close(pidfd);
}

static void of_a_reaped_process(void)
{
	struct kid k = kid(run_stay);
	int pidfd = process_info(k.fd, PROC_INFO_PIDFD, 0, NULL, 0);
	done(&k);
	int has_inode = some_of(k.fd, PROC_FIELD_INODE).mask != 0;
	let(&k);
	expect_exit(k.fd, 0);
	/* The procfd has kept its usage, and the kernel the inode. */
	struct procfd_info i = some_of(k.fd, PROC_FIELD_USAGE | OF_MEMORY | PROC_FIELD_IDS);
	CHECK_EQ(i.mask, PROC_FIELD_USAGE);
	CHECK_EQ(i.gone, OF_MEMORY | PROC_FIELD_IDS);
	if (has_inode) {
		i = some_of(pidfd, PROC_FIELD_INODE | PROC_FIELD_COMM | PROC_FIELD_IO);
		CHECK_EQ(i.mask, PROC_FIELD_INODE);
		CHECK_EQ(i.gone, PROC_FIELD_COMM | PROC_FIELD_IO);
	}
	close(pidfd);
	close(k.told);
	close(k.let);
	close(k.fd);
}

static void of_a_kernel_thread(void)
{
	int fd = sys_pidfd_open(2);
	if (fd < 0 || !(some_of(fd, PROC_FIELD_STATE).task_flags & 0x200000))
		SKIP("no kernel thread to be seen");
	BECAUSE(fd, PROC_FIELD_MEMORY | PROC_FIELD_MEMORY_PARTS | PROC_FIELD_EXIT, nothing);
	if (geteuid()) {
		BECAUSE(fd, PROC_FIELD_IO | PROC_FIELD_NAMESPACES, denied);
	} else {
		BECAUSE(fd, PROC_FIELD_MEMORY_SET, nothing);
		CHECK_EQ(some_of(fd, EVERY_FIELD).denied, 0);
	}
	close(fd);
}

static void masked(void *arg)
{
	(void)arg;
	int fd = sys_pidfd_open(getpid());
	int knew = some_of(fd, PROC_FIELD_CGROUP_ID).mask != 0;
	without_get_info();
	BECAUSE(fd, PROC_FIELD_CGROUP_ID | PROC_FIELD_DUMPABLE | PROC_FIELD_COREDUMP, unsupported);
	ALL_OF(fd, PROC_FIELD_IDS | PROC_FIELD_CREDS | PROC_FIELD_COMM);
	if (!knew)
		diag("this kernel does not know it either");
	close(fd);
}

static void with_the_ioctl_refused(void)
{
	in_fork(masked, NULL);
}

static void calls_refused(void *arg)
{
	(void)arg;
	int fd = sys_pidfd_open(getpid());
	refuse(SYS_ioprio_get, ENOSYS);
	BECAUSE(fd, PROC_FIELD_IOPRIO, unsupported);
	close(fd);
}

static void calls_denied(void *arg)
{
	(void)arg;
	int fd = sys_pidfd_open(getpid());
	refuse(SYS_ioprio_get, EACCES);
	BECAUSE(fd, PROC_FIELD_IOPRIO, denied);
	close(fd);
}

static void with_a_call_refused(void)
{
	in_fork(calls_refused, NULL);
	in_fork(calls_denied, NULL);
}

/* The namespaces of a kid: its own mounts. */
static void run_without_proc(void)
{
	CHECK_EQ(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	CHECK_EQ(umount2("/proc", MNT_DETACH), 0);
	int fd = sys_pidfd_open(getpid());
	struct procfd_info i = some_of(fd, PROC_FIELD_COMM | PROC_FIELD_MEMORY | PROC_FIELD_INODE | PROC_FIELD_IO);
	CHECK_EQ(i.unsupported & ~PROC_FIELD_INODE, PROC_FIELD_COMM | PROC_FIELD_MEMORY | PROC_FIELD_IO);
	close(fd);
}

static void run_with_hidden(void)
{
	CHECK_EQ(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	if (mount("proc", "/proc", "proc", 0, "hidepid=2"))
		_exit(TAP_SKIPPED);
	become_nobody();
	int fd = sys_pidfd_open(1);
	CHECK(fd >= 0);
	BECAUSE(fd, PROC_FIELD_COMM | PROC_FIELD_MEMORY | PROC_FIELD_IO, denied);
	close(fd);
}

static void in_own_mounts(void (*run)(void), uint64_t more)
{
	int fd = ctx();
	SET(fd, PROC_SET_FLAG, CLONE_NEWNS | more);
	struct kid k = kid_on(fd, run);
	ended_or_skipped(&k);
}

static void without_proc(void)
{
	NEED_ROOT();
	in_own_mounts(run_without_proc, 0);
}

static void hidden(void)
{
	NEED_ROOT();
	in_own_mounts(run_with_hidden, 0);
}

/* A structure of an older caller has no room for the reasons. */
static void a_shorter_structure(void)
{
	struct procfd_info i;
	size_t old = offsetof(struct procfd_info, denied);
	int fd = sys_pidfd_open(getpid());
	memset(&i, 0x5a, sizeof i);
	CHECK_EQ(process_info(fd, PROC_INFO, PROC_FIELD_EXIT | PROC_FIELD_COMM, &i, old), 0);
	CHECK_EQ(i.mask, PROC_FIELD_COMM);
	CHECK(i.nothing == 0x5a5a5a5a5a5a5a5aULL && i.denied == 0x5a5a5a5a5a5a5a5aULL);
	close(fd);
}

static void in_a_snapshot(void)
{
	struct procfd_info e[2];
	int self = sys_pidfd_open(getpid());
	struct procfd_snapshot s = { .scope = PROC_SNAPSHOT_LIST, .fds = &self, .fd_count = 1, .entries = e,
				     .entry_size = sizeof *e, .room = 1 };
	CHECK_EQ(process_info(-1, PROC_SNAPSHOT, PROC_FIELD_COMM | PROC_FIELD_EXIT, &s, sizeof s), 1);
	CHECK(e[0].mask & PROC_FIELD_COMM && e[0].nothing == PROC_FIELD_EXIT && !e[0].denied && !e[0].gone);
	close(self);
}

TAP_MAIN(CASE(of_another_user), CASE(of_a_running_child), CASE(of_a_zombie), CASE(of_a_reaped_process),
	 CASE(of_a_kernel_thread), COLD(with_the_ioctl_refused), COLD(with_a_call_refused), CASE(without_proc),
	 CASE(hidden), CASE(a_shorter_structure), CASE(in_a_snapshot))

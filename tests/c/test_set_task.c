// SPDX-License-Identifier: MIT OR Apache-2.0
/* Attributes of the task: personality, time-stamp counter, subreaper, I/O priority; the domain name. */
#include "filter.h"
#include "util.h"

#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>

static void execution_domain(void)
{
	unsigned own = (unsigned)personality(0xffffffff);
	int fd = ctx();
	set_program(fd, "/bin/cat", "/proc/self/personality", (char *)NULL);
	SET(fd, PROC_SET_PERSONALITY, ADDR_NO_RANDOMIZE | SHORT_INODE);
	char want[16];
	snprintf(want, sizeof want, "%08x\n", ADDR_NO_RANDOMIZE | SHORT_INODE);
	CHECK_STR(printed(fd), want);
	CHECK_EQ((unsigned)personality(0xffffffff), own);
	close(fd);
	fd = ctx();
	CHECK_ERR(process_config(fd, PROC_SET_PERSONALITY, 0xffffffff, NULL, 0), EINVAL);
	CHECK_ERR(process_config(fd, PROC_SET_PERSONALITY, 1ULL << 32, NULL, 0), EINVAL);
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_PERSONALITY, ADDR_NO_RANDOMIZE);
	refuse(SYS_personality, EPERM);
	CREATE_FAILS(fd, EPERM, PROC_STAGE_PERSONALITY, 0);
	CHECK(strstr(last_error(fd).message, "0x40000") != NULL);
	close(fd);
}

/* In a fork, since glibc's dynamic linker reads the counter. */
static void time_stamp_counter(void)
{
#if defined(__x86_64__)
	int own = 0, tsc = 0;
	if (prctl(PR_GET_TSC, &own))
		SKIP("no PR_GET_TSC"); /* User Mode Linux */
	int fd = ctx();
	SET(fd, PROC_SET_NO_TSC, 1);
	int pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	if (pid == 0) {
		syscall(SYS_prctl, PR_GET_TSC, &tsc);
		syscall(SYS_exit_group, tsc);
	}
	CHECK(pid > 0);
	expect_exit(fd, PR_TSC_SIGSEGV);
	CHECK_EQ(prctl(PR_GET_TSC, &tsc), 0);
	CHECK_EQ(tsc, own);
	close(fd);
#else
	int fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_NO_TSC, 1);
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_TSC, 0);
	close(fd);
#endif
}

static void subreaper(void)
{
	int own = 1, fd = ctx();
	SET(fd, PROC_SET_SUBREAPER, 1);
	int pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	if (pid == 0) {
		/* A grandchild whose parent ends says who its parent is then. */
		int pipes[2], parent = 0, self = (int)syscall(SYS_getpid);
		if (pipe(pipes))
			_exit(101);
		if (fork() == 0) {
			int middle = (int)syscall(SYS_getpid);
			if (fork() == 0) {
				while ((parent = (int)syscall(SYS_getppid)) == middle)
					;
				_exit(write(pipes[1], &parent, sizeof parent) != sizeof parent);
			}
			_exit(0);
		}
		if (read(pipes[0], &parent, sizeof parent) != sizeof parent)
			_exit(102);
		while (wait(NULL) > 0)
			;
		_exit(parent == self ? 7 : 8);
	}
	CHECK(pid > 0);
	expect_exit(fd, 7);
	CHECK_EQ(prctl(PR_GET_CHILD_SUBREAPER, &own), 0);
	CHECK_EQ(own, 0);
	close(fd);
}

static void io_priority(void)
{
	long own = syscall(SYS_ioprio_get, 1, 0);
	struct procfd_info info = { 0 };
	int fd = ctx();
	set_program(fd, "/bin/sleep", "60", (char *)NULL);
	SET(fd, PROC_SET_IOPRIO, 3 << 13);
	create(fd);
	CHECK_EQ(process_info(fd, PROC_INFO, PROC_FIELD_IOPRIO, &info, sizeof info), 0);
	CHECK(info.mask & PROC_FIELD_IOPRIO);
	CHECK_EQ(info.ioprio, 3 << 13);
	CHECK_EQ(syscall(SYS_ioprio_get, 1, 0), own);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0), 0);
	wait_end(fd);
	close(fd);
	fd = ctx();
	CHECK_ERR(process_config(fd, PROC_SET_IOPRIO, 4 << 13, NULL, 0), EINVAL);
	CHECK(strstr(last_error(fd).message, "class 4; there are 0 to 3") != NULL);
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_IOPRIO, 2 << 13 | 4);
	refuse(SYS_ioprio_set, EPERM);
	CREATE_FAILS(fd, EPERM, PROC_STAGE_IOPRIO, 0);
	CHECK(strstr(last_error(fd).message, "class 2, level 4") != NULL);
	close(fd);
}

static void domain_name(void)
{
	struct utsname before, after;
	CHECK_EQ(uname(&before), 0);
	int fd = ctx();
	set_program(fd, "/bin/cat", "/proc/sys/kernel/domainname", (char *)NULL);
	CFG(fd, PROC_SET_DOMAINNAME, 0, "inside.example", 0);
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_PLAN, -1);
	SET(fd, PROC_SET_FLAG, CLONE_NEWUTS | (geteuid() ? CLONE_NEWUSER : 0));
	CHECK_STR(printed(fd), "inside.example\n");
	CHECK_EQ(uname(&after), 0);
	CHECK_STR(after.domainname, before.domainname);
	close(fd);
	char name[66];
	memset(name, 'd', 65);
	name[65] = 0;
	fd = ctx();
	CHECK_ERR(process_config(fd, PROC_SET_DOMAINNAME, 0, name, 0), ENAMETOOLONG);
	close(fd);
}

TAP_MAIN(CASE(execution_domain), CASE(time_stamp_counter), CASE(subreaper), CASE(io_priority), CASE(domain_name))

// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A program traced from its first instruction: it starts suspended, and the creator attaches to it. This is the way of
 * docs/configuration.md.
 */
#include "util.h"

#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#define OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL)

/* It takes an address or a number, as a pointer. */
static long trace(int request, pid_t pid, uintptr_t address, uintptr_t data)
{
	return syscall(SYS_ptrace, request, pid, address, data);
}

static void seize(pid_t pid, uintptr_t options)
{
	if (trace(PTRACE_SEIZE, pid, 0, options) && errno == EPERM)
		SKIP("this system does not permit ptrace(2)");
}

/* The stop of the start ends. The kernel does not call the process stopped any more, so PROC_RESUME is too late. */
static void goes_on(int fd)
{
	CHECK_ERR(process_manage(fd, PROC_RESUME, 0, NULL, 0), EALREADY);
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGCONT, NULL, 0), 0);
}

/* The status of the next stop, which each wait of the tracer takes. */
static int next_stop(pid_t pid)
{
	int status = 0;
	CHECK_EQ(waitpid(pid, &status, __WALL), pid);
	CHECK(WIFSTOPPED(status));
	return status;
}

static int is_event(int status, int event)
{
	return status >> 16 == event;
}

/* From the end of the execution on: each system call, up to the exit. Returns their number; first is the first one. */
static int calls_to_the_exit(pid_t pid, long *first)
{
	int calls = 0;
	for (;;) {
		CHECK_EQ(trace(PTRACE_SYSCALL, pid, 0, 0), 0);
		int status = next_stop(pid);
		if (is_event(status, PTRACE_EVENT_EXIT))
			return calls;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80))
			continue;
		struct ptrace_syscall_info {
			uint8_t op, pad[3];
			uint32_t arch;
			uint64_t ip, sp, nr, args[6];
		} info = { 0 };
		/* PTRACE_GET_SYSCALL_INFO, 5.3. */
		CHECK(trace(0x420e, pid, sizeof info, (uintptr_t)&info) > 0);
		if (info.op == 1 && calls++ == 0)
			*first = (long)info.nr;
	}
}

/* The tracer sees the program from its first instruction: no system call comes before, and none is missed. */
static void from_the_first_instruction(void)
{
	int fd = ctx();
	set_child(fd, "exit", "7");
	SET(fd, PROC_START_SUSPENDED, 1);
	pid_t pid = create(fd);
	seize(pid, OPTIONS);
	int status = next_stop(pid);
	CHECK(is_event(status, PTRACE_EVENT_STOP));
	CHECK_EQ(WSTOPSIG(status), SIGSTOP);
	/* It goes on under its tracer, not before. */
	goes_on(fd);
	long first = -1;
	int calls = calls_to_the_exit(pid, &first);
	CHECK(calls > 1);
	/* A dynamic linker asks for the break first; a static program of musl sets its thread pointer, others a tid. */
	CHECK(first != SYS_exit_group && first != SYS_execve);
	/* The status is for the library's wait again. */
	CHECK_EQ(trace(PTRACE_DETACH, pid, 0, 0), 0);
	expect_exit(fd, 7);
	close(fd);
}

/* As a debugger does it: a word of the program's code is changed before it runs. */
static void changes_its_first_instruction(void)
{
#ifdef __x86_64__
	int fd = ctx();
	set_child(fd, "exit", "7");
	SET(fd, PROC_START_SUSPENDED, 1);
	pid_t pid = create(fd);
	/* Without a stop at its exit, which the wait at the end would take. */
	seize(pid, PTRACE_O_EXITKILL);
	CHECK_EQ(WSTOPSIG(next_stop(pid)), SIGSTOP);
	struct user_regs_struct regs;
	struct iovec iov = { &regs, sizeof regs };
	CHECK_EQ(trace(PTRACE_GETREGSET, pid, NT_PRSTATUS, (uintptr_t)&iov), 0);
	/* int3. */
	CHECK_EQ(trace(PTRACE_POKETEXT, pid, regs.rip, 0xcc), 0);
	goes_on(fd);
	int status;
	do {
		CHECK_EQ(trace(PTRACE_CONT, pid, 0, 0), 0);
		status = next_stop(pid);
	} while (WSTOPSIG(status) != SIGTRAP || is_event(status, PTRACE_EVENT_STOP));
	struct user_regs_struct now;
	iov.iov_base = &now;
	CHECK_EQ(trace(PTRACE_GETREGSET, pid, NT_PRSTATUS, (uintptr_t)&iov), 0);
	CHECK_EQ(now.rip, regs.rip + 1);
	finish(fd);
#else
	SKIP("this check does not read such code");
#endif
}

/* While it is traced, a wait of its tracer's thread takes its stops: another thread, or waitpid(2), waits for its end. */
static void a_tracer_that_ends_kills_it(void)
{
	int fd = ctx();
	pid_t pid;
	set_program(fd, "/bin/sleep", "60", (char *)NULL);
	SET(fd, PROC_START_SUSPENDED, 1);
	pid = create(fd);
	pid_t tracer = fork();
	if (tracer == 0) {
		/* Any process that may trace can be the tracer. */
		if (trace(PTRACE_SEIZE, pid, 0, OPTIONS))
			_exit(errno == EPERM ? 77 : 1);
		_exit(0);
	}
	int status;
	CHECK_EQ(waitpid(tracer, &status, 0), tracer);
	if (WEXITSTATUS(status) == 77) {
		finish(fd);
		SKIP("this system does not permit ptrace(2)");
	}
	expect_killed(fd, SIGKILL);
	close(fd);
}

TAP_MAIN(CASE(from_the_first_instruction), CASE(changes_its_first_instruction), CASE(a_tracer_that_ends_kills_it))

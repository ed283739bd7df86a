/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Counts the system calls of a program, as strace -c does: the program is started suspended, before its first
 * instruction, and then traced.
 *
 *     cc calls.c $(pkg-config --cflags --libs procfd)
 *     ./a.out COMMAND [ARGUMENT]...
 */

#include <procfd.h>

#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

int main(int argc, char *argv[])
{
    int procfd = process_open(PROCFD_NO_WATCH), status = 0, calls = 0, entry = 1, pid;

    if (argc < 2 || procfd < 0)
        return 2;
    if (process_config(procfd, PROC_SET_EXEC, PROC_EXEC_PATH, argv[1], 0) < 0 ||
        process_config(procfd, PROC_SET_ARGV, 0, argv + 1, 0) < 0 ||
        process_config(procfd, PROC_SET_CLOSE, SIGKILL, NULL, 0) < 0 ||
        process_config(procfd, PROC_START_SUSPENDED, 1, NULL, 0) < 0 ||
        (pid = process_config(procfd, PROC_CREATE, 0, NULL, 0)) < 0) {
        fprintf(stderr, "%s\n", procfd_error_message());
        return 1;
    }
    if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACESYSGOOD) < 0 || waitpid(pid, &status, 0) != pid) {
        perror("ptrace");
        return 1;
    }
    /* PROC_RESUME is for a process without a tracer. */
    process_manage(procfd, PROC_SIGNAL, SIGCONT, NULL, 0);
    do {
        /* A stop without an event is a signal of its own, which it gets. */
        long signal = status >> 16 == 0 && WSTOPSIG(status) != (SIGTRAP | 0x80) ? WSTOPSIG(status) : 0;

        if (ptrace(PTRACE_SYSCALL, pid, NULL, signal) < 0 || waitpid(pid, &status, 0) != pid)
            return 1;
        if (WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80)) { /* into a call, or out of it */
            calls += entry;
            entry = !entry;
        }
    } while (WIFSTOPPED(status));
    printf("%d system calls, %s %d\n", calls, WIFEXITED(status) ? "exit code" : "signal",
           WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    return 0;
}

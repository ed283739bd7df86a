/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Runs each line of its input as a shell command, so many at once, and says how each ended. One
 * epoll over pidfds tells of the ends: no SIGCHLD, no thread, no wait for all children.
 *
 *     parallel [JOBS] < COMMANDS
 *
 * All commands, each with its process group, are killed when this program ends before them. Exits
 * with 1 if one failed.
 */

#define _GNU_SOURCE
#include <procfd.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define MOST 256

struct job {
    int procfd; /* -1: free */
    int pidfd;
    char *command;
};

static struct job jobs[MOST];

static void fail(const char *what)
{
    perror(what);
    exit(2);
}

/* What all commands have in common is configured once, in `base`, and copied. */
static int start(struct job *job, int base, int epoll, char *command)
{
    const char *argv[] = {"sh", "-c", command, NULL};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = job};
    struct procfd_error error;
    int procfd = process_config(base, PROC_COPY, 0, NULL, 0);

    if (procfd < 0)
        fail("PROC_COPY");
    if (process_config(procfd, PROC_SET_ARGV, 0, argv, 0) < 0 ||
        process_config(procfd, PROC_CREATE, 0, NULL, 0) < 0) {
        if (process_info(procfd, PROC_INFO_ERROR, 0, &error, sizeof error) == 0)
            printf("not started: %s: %s\n", command, error.message);
        close(procfd);
        free(command);
        return -1;
    }
    job->procfd = procfd;
    job->command = command;
    job->pidfd = process_info(procfd, PROC_INFO_PIDFD, 0, NULL, 0);
    if (job->pidfd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, job->pidfd, &event) < 0)
        fail("epoll_ctl");
    return 0;
}

/* The pidfd is readable, so this does not block. Returns whether the command succeeded. */
static int finish(struct job *job, int epoll)
{
    struct procfd_wait wait = {0};

    if (process_manage(job->pidfd, PROC_WAIT, PROC_WAIT_NOHANG, &wait, sizeof wait) < 0)
        fail("PROC_WAIT");
    if (wait.what == PROC_EXITED)
        printf("exit %d", wait.status);
    else
        printf("signal %d", wait.status);
    printf(" (%.0f ms of CPU time): %s\n", (double)(wait.usage.utime_ns + wait.usage.stime_ns) / 1e6, job->command);
    /* The procfd holds the same pidfd: an epoll entry would outlive this descriptor of it. */
    epoll_ctl(epoll, EPOLL_CTL_DEL, job->pidfd, NULL);
    close(job->pidfd);
    close(job->procfd);
    free(job->command);
    job->procfd = -1;
    return wait.what == PROC_EXITED && wait.status == 0;
}

int main(int argc, char **argv)
{
    int most = argc > 1 ? atoi(argv[1]) : (int)sysconf(_SC_NPROCESSORS_ONLN);
    int base = process_open(PROCFD_NO_WATCH), epoll = epoll_create1(EPOLL_CLOEXEC);
    int running = 0, more = 1, failures = 0;
    struct procfd_close group = {.scope = PROC_SCOPE_PGROUP};

    if (most < 1 || most > MOST) {
        fprintf(stderr, "usage: parallel [JOBS, 1 to %d] < COMMANDS\n", MOST);
        return 2;
    }
    if (base < 0 || epoll < 0)
        fail("parallel");
    /* Commands do not read the list of commands. */
    if (process_config(base, PROC_SET_EXEC, PROC_EXEC_PATH, "sh", 0) < 0 ||
        process_config(base, PROC_FD_NULL, 0, NULL, 0) < 0 ||
        process_config(base, PROC_SET_PGROUP, 0, NULL, 0) < 0 ||
        process_config(base, PROC_SET_CLOSE, SIGKILL, &group, sizeof group) < 0)
        fail("process_config");
    for (int i = 0; i < most; i++)
        jobs[i].procfd = -1;

    while (more || running > 0) {
        for (int i = 0; more && i < most; i++) {
            char *line = NULL;
            size_t size = 0;

            if (jobs[i].procfd >= 0)
                continue;
            if (getline(&line, &size, stdin) < 0) {
                free(line);
                more = 0;
                break;
            }
            line[strcspn(line, "\n")] = '\0';
            if (start(&jobs[i], base, epoll, line) == 0)
                running++;
            else
                failures++;
        }
        if (running > 0) {
            struct epoll_event events[16];
            int n = epoll_wait(epoll, events, 16, -1);

            if (n < 0 && errno != EINTR)
                fail("epoll_wait");
            for (int i = 0; i < n; i++) {
                failures += !finish(events[i].data.ptr, epoll);
                running--;
            }
        }
    }
    return failures > 0;
}

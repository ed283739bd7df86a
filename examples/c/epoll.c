/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * A single-threaded epoll loop over several processes: the procfds are added before the processes exist,
 * and tell their starts and their exits.
 *
 *     cc epoll.c $(pkg-config --cflags --libs procfd)
 */

#include <procfd.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define COUNT 4

static const char *const scripts[COUNT] = {"sleep 0.3; exit 3", "sleep 0.1", "kill -TERM $$", "exec sleep 0.2"};

__attribute__((noreturn)) static void stop(int procfd, const char *what)
{
    struct procfd_error error;

    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    if (procfd >= 0 && process_info(procfd, PROC_INFO_ERROR, 0, &error, sizeof error) == 0 && error.stage)
        fprintf(stderr, "%s\n", error.message);
    exit(1);
}

/* A context with the watcher (no PROCFD_NO_WATCH), for a process that does not outlive us. */
static int prepare(const char *script)
{
    const char *argv[] = {"sh", "-c", script, NULL};
    int procfd = process_open(0);

    if (procfd < 0 || process_config(procfd, PROC_SET_EXEC, PROC_EXEC_PATH, "sh", 0) < 0 ||
        process_config(procfd, PROC_SET_ARGV, 0, argv, 0) < 0 ||
        process_config(procfd, PROC_SET_CLOSE, 9 /* SIGKILL */, NULL, 0) < 0)
        stop(procfd, "prepare");
    return procfd;
}

static void print_end(int i, int procfd)
{
    struct procfd_wait wait = {.timeout_ns = 0};

    /* It has ended, so this does not block. */
    if (process_manage(procfd, PROC_WAIT, PROC_WAIT_NOHANG, &wait, sizeof wait) < 0)
        stop(procfd, "PROC_WAIT");
    printf("%d: %s %d\n", i, wait.what == PROC_EXITED ? "exit code" : "signal", wait.status);
}

int main(void)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC), procfds[COUNT], left = COUNT;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (epoll < 0)
        stop(-1, "epoll_create1");
    for (int i = 0; i < COUNT; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};

        procfds[i] = prepare(scripts[i]);
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, procfds[i], &event) < 0)
            stop(procfds[i], "epoll_ctl");
    }
    for (int i = 0; i < COUNT; i++)
        if (process_config(procfds[i], PROC_CREATE, 0, NULL, 0) < 0)
            stop(procfds[i], "PROC_CREATE");

    while (left > 0) {
        struct epoll_event events[COUNT];
        int n = epoll_wait(epoll, events, COUNT, -1);

        if (n < 0 && errno != EINTR)
            stop(-1, "epoll_wait");
        for (int e = 0; e < n; e++) {
            int i = (int)events[e].data.u32;

            if (events[e].events & EPOLLHUP) {
                print_end(i, procfds[i]);
                epoll_ctl(epoll, EPOLL_CTL_DEL, procfds[i], NULL);
                close(procfds[i]);
                left--;
            } else {
                /* A started procfd stays readable: a level-triggered epoll asks for no more than the
                 * hang-up from now on, which is reported unasked. (Or add it with EPOLLET.) */
                struct epoll_event hang_up = {.events = 0, .data.u32 = (uint32_t)i};

                printf("%d: started, pid %d\n", i, process_info(procfds[i], PROC_INFO_PID, 0, NULL, 0));
                if (epoll_ctl(epoll, EPOLL_CTL_MOD, procfds[i], &hang_up) < 0)
                    stop(procfds[i], "epoll_ctl");
            }
        }
    }
    close(epoll);
    return 0;
}

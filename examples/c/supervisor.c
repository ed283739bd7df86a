/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Keeps services running. Each is a shell command; one that fails is started again, after 0.1 s and then
 * twice as long each time, up to 5 s; one that exits with 0 is done. SIGTERM and SIGINT stop them all.
 *
 *     supervisor [-t SECONDS] COMMAND...
 *
 * To stop is SIGTERM to the service's process group, and SIGKILL after the SECONDS (5). That is its close
 * policy, so it is the same whether the supervisor lets go of it or is killed.
 */

#define _GNU_SOURCE
#include <procfd.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define MOST 64
#define FIRST_DELAY 100
#define LONGEST_DELAY 5000

struct service {
    const char *command;
    int procfd; /* -1: it does not run, or is being stopped */
    int pidfd;  /* -1: it does not run */
    int delay;  /* before the next start, ms */
    long start; /* when that is due, ms; 0: not at all */
};

static struct service services[MOST];
static int count, running, epoll;
static struct procfd_close policy = {.scope = PROC_SCOPE_PGROUP, .second_signal = SIGKILL};

static long now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void try_again(struct service *s)
{
    s->start = now() + s->delay;
    s->delay = s->delay * 2 < LONGEST_DELAY ? s->delay * 2 : LONGEST_DELAY;
}

static void start(struct service *s)
{
    const char *argv[] = {"sh", "-c", s->command, NULL};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = s};
    struct procfd_error error = {.message = "no descriptor"};
    int procfd = process_open(0);

    s->start = 0;
    if (procfd < 0 || process_config(procfd, PROC_SET_EXEC, PROC_EXEC_PATH, "sh", 0) < 0 ||
        process_config(procfd, PROC_SET_ARGV, 0, argv, 0) < 0 || process_config(procfd, PROC_FD_NULL, 0, NULL, 0) < 0 ||
        process_config(procfd, PROC_SET_PGROUP, 0, NULL, 0) < 0 || /* not the group that a terminal signals */
        process_config(procfd, PROC_SET_SIGMASK, 0, NULL, 0) < 0 ||
        process_config(procfd, PROC_SET_CLOSE, SIGTERM, &policy, sizeof policy) < 0 ||
        process_config(procfd, PROC_CREATE, 0, NULL, 0) < 0) {
        process_info(procfd, PROC_INFO_ERROR, 0, &error, sizeof error);
        printf("not started: %s: %s\n", s->command, error.message);
        if (procfd >= 0)
            close(procfd);
        try_again(s);
        return;
    }
    s->procfd = procfd;
    s->pidfd = process_info(procfd, PROC_INFO_PIDFD, 0, NULL, 0);
    if (s->pidfd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, s->pidfd, &event) < 0) {
        perror("supervisor");
        exit(1); /* which stops all that run */
    }
    running++;
    printf("started: %s: pid %d\n", s->command, process_info(procfd, PROC_INFO_PID, 0, NULL, 0));
}

/* The kernel sends the first signal now; the watcher the second, should it take that. */
static void stop(struct service *s)
{
    s->start = 0;
    if (s->procfd >= 0)
        close(s->procfd);
    s->procfd = -1;
}

/* The pidfd is readable, so this does not block. */
static void ended(struct service *s, int stopping)
{
    struct procfd_wait wait = {0};

    if (process_manage(s->pidfd, PROC_WAIT, PROC_WAIT_NOHANG, &wait, sizeof wait) < 0) {
        perror("PROC_WAIT");
        exit(1);
    }
    printf("%s: %s: %s %d\n", stopping ? "stopped" : "ended", s->command,
           wait.what == PROC_EXITED ? "exit code" : "signal", wait.status);
    /* The library holds the same open file: its entry would outlive this descriptor of it. */
    epoll_ctl(epoll, EPOLL_CTL_DEL, s->pidfd, NULL);
    close(s->pidfd);
    s->pidfd = -1;
    stop(s); /* the rest of its group */
    running--;
    if (!stopping && (wait.what != PROC_EXITED || wait.status != 0))
        try_again(s);
}

/* Starts what is due. Returns how long until more is, in ms; -1 for never. */
static int start_due(void)
{
    long soonest = -1;

    for (struct service *s = services; s < services + count; s++) {
        if (s->start && s->start <= now())
            start(s);
        if (s->start && (soonest < 0 || s->start < soonest))
            soonest = s->start;
    }
    if (soonest < 0)
        return -1;
    return soonest > now() ? (int)(soonest - now()) : 0;
}

int main(int argc, char **argv)
{
    struct epoll_event told = {.events = EPOLLIN, .data.ptr = NULL};
    double seconds = 5;
    int option, signals, stopping = 0;
    sigset_t set;

    while ((option = getopt(argc, argv, "+t:")) == 't')
        seconds = atof(optarg);
    if (option != -1 || optind == argc || argc - optind > MOST || !(seconds > 0 && seconds < 1e6)) {
        fprintf(stderr, "usage: supervisor [-t SECONDS] COMMAND...\n");
        return 2;
    }
    policy.delay_ns = (uint64_t)(seconds * 1e9);
    setvbuf(stdout, NULL, _IOLBF, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signals = signalfd(-1, &set, SFD_CLOEXEC);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (signals < 0 || epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, signals, &told) < 0) {
        perror("supervisor");
        return 1;
    }
    for (; optind < argc; optind++)
        services[count++] = (struct service){argv[optind], -1, -1, FIRST_DELAY, now()};

    for (;;) {
        struct epoll_event events[16];
        int left = start_due(), n;

        if (running == 0 && left < 0)
            return 0;
        n = epoll_wait(epoll, events, 16, left);
        for (int i = 0; i < n; i++) {
            struct signalfd_siginfo info;

            if (events[i].data.ptr) {
                ended(events[i].data.ptr, stopping);
            } else if (read(signals, &info, sizeof info) == sizeof info) {
                stopping = 1;
                for (struct service *s = services; s < services + count; s++)
                    stop(s);
            }
        }
    }
}

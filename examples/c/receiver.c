/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * A process receives a procfd over a socket (SCM_RIGHTS) before the start, and learns of the start and of
 * the end from it. The process that starts the program ends right after the start.
 *
 *     cc receiver.c $(pkg-config --cflags --libs procfd)
 */

#define _GNU_SOURCE
#include <procfd.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((noreturn)) static void stop(const char *what)
{
    fprintf(stderr, "[%d] %s: %s\n", getpid(), what, strerror(errno));
    exit(1);
}

static void send_descriptor(int socket, int fd)
{
    char control[CMSG_SPACE(sizeof fd)] = {0};
    struct iovec byte = {.iov_base = "p", .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &byte, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    if (sendmsg(socket, &message, MSG_NOSIGNAL) != 1)
        stop("sendmsg");
}

static int receive_descriptor(int socket)
{
    char control[CMSG_SPACE(sizeof(int))] = {0}, byte;
    struct iovec bytes = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header;
    int fd;

    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1)
        stop("recvmsg");
    header = CMSG_FIRSTHDR(&message);
    if (header == NULL || header->cmsg_type != SCM_RIGHTS) {
        errno = ENOMSG;
        stop("recvmsg");
    }
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

/* Opens a context, hands it over, starts it when told to, and ends. */
__attribute__((noreturn)) static void start_and_leave(int socket)
{
    const char *argv[] = {"sh", "-c", "sleep 0.3; exit 7", NULL};
    struct procfd_error error;
    int procfd = process_open(0);

    if (procfd < 0 || process_config(procfd, PROC_SET_EXEC, PROC_EXEC_PATH, "sh", 0) < 0 ||
        process_config(procfd, PROC_SET_ARGV, 0, argv, 0) < 0)
        stop("process_config");
    send_descriptor(socket, procfd);
    if (read(socket, &(char){0}, 1) != 1)
        stop("read");
    if (process_config(procfd, PROC_CREATE, 0, NULL, 0) < 0) {
        if (process_info(procfd, PROC_INFO_ERROR, 0, &error, sizeof error) == 0)
            fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
    printf("[%d] started it, and leave\n", getpid());
    exit(0);
}

int main(void)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET}; /* each change once */
    struct procfd_wait wait = {.timeout_ns = 0};
    int sockets[2], procfd, epoll = epoll_create1(EPOLL_CLOEXEC), started = 0;
    pid_t creator;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (epoll < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0 || (creator = fork()) < 0)
        stop("setting up");
    if (creator == 0)
        start_and_leave(sockets[1]);
    close(sockets[1]);

    procfd = receive_descriptor(sockets[0]);
    printf("[%d] received a procfd; state %d: no process yet\n", getpid(),
           process_info(procfd, PROC_INFO_STATE, 0, NULL, 0));
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, procfd, &event) < 0 || write(sockets[0], "g", 1) != 1)
        stop("epoll_ctl");

    for (;;) {
        if (epoll_wait(epoll, &event, 1, -1) < 0) {
            if (errno == EINTR)
                continue;
            stop("epoll_wait");
        }
        if (!started && process_info(procfd, PROC_INFO_STATE, 0, NULL, 0) == PROC_STATE_CONFIGURING) {
            /* A hang-up without a process: the creator ended before it started one. */
            if (event.events & EPOLLHUP)
                return 1;
            continue;
        }
        if (!started++)
            printf("[%d] EPOLLIN: it runs, pid %d\n", getpid(), process_info(procfd, PROC_INFO_PID, 0, NULL, 0));
        if (event.events & EPOLLHUP)
            break;
    }
    waitpid(creator, NULL, 0);
    if (process_manage(procfd, PROC_WAIT, 0, &wait, sizeof wait) == 0)
        printf("[%d] EPOLLHUP: it has ended, %s %d\n", getpid(), wait.what == PROC_EXITED ? "exit code" : "signal",
               wait.status);
    else if (errno == ENODATA) /* before Linux 6.15 only its parent learns how */
        printf("[%d] EPOLLHUP: it has ended\n", getpid());
    else
        stop("PROC_WAIT");
    return 0;
}

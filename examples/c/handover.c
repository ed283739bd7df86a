/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Hands a process to another program, which then is what keeps it alive, and learns how it ends.
 *
 *     handover keep SOCKET                            waits for a process, and ends with its status
 *     handover run SOCKET COMMAND [ARGUMENT]...       starts the command, hands it over, and ends
 *
 * The keeper has the descriptor before there is a process. Once it is started and "run" is gone, the last
 * procfd is the keeper's: if the keeper ends, the kernel kills the process.
 */

#define _GNU_SOURCE
#include <procfd.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

__attribute__((noreturn)) static void fail(const char *what, int procfd)
{
    struct procfd_error error;

    perror(what);
    if (process_info(procfd, PROC_INFO_ERROR, 0, &error, sizeof error) == 0 && error.stage != PROC_STAGE_NONE)
        fprintf(stderr, "%s\n", error.message);
    exit(125);
}

static int send_descriptor(int socket, int fd)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {0};
    struct iovec byte = {.iov_base = "p", .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &byte, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    return sendmsg(socket, &message, 0) == 1 ? 0 : -1;
}

static int receive_descriptor(int socket)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    char byte;
    struct iovec bytes = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header;
    int fd = -1;

    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1 && (header = CMSG_FIRSTHDR(&message)) != NULL)
        memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

static int keep(int listener)
{
    struct procfd_wait wait = {0};
    struct pollfd event = {.events = POLLIN};
    int socket = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    event.fd = receive_descriptor(socket);
    if (event.fd < 0)
        fail("keep", -1);
    close(socket);
    /* The start; or the hang-up, if the other side is gone without one. */
    if (poll(&event, 1, -1) != 1 || process_info(event.fd, PROC_INFO_STATE, 0, NULL, 0) == PROC_STATE_CONFIGURING) {
        fprintf(stderr, "keep: it was never started\n");
        return 125;
    }
    printf("started\n");
    event.events = 0; /* the hang-up is reported unasked */
    if (poll(&event, 1, -1) != 1 || process_manage(event.fd, PROC_WAIT, 0, &wait, sizeof wait) < 0)
        fail("PROC_WAIT", -1);
    printf("%s %d\n", wait.what == PROC_EXITED ? "exit code" : "signal", wait.status);
    return wait.what == PROC_EXITED ? wait.status : 128 + wait.status;
}

static int run(int socket, char **command)
{
    int procfd = process_open(0);

    if (procfd < 0 || process_config(procfd, PROC_SET_EXEC, PROC_EXEC_PATH, command[0], 0) < 0 ||
        process_config(procfd, PROC_SET_ARGV, 0, command, 0) < 0 ||
        process_config(procfd, PROC_SET_CLOSE, SIGKILL, NULL, 0) < 0)
        fail("process_config", procfd);
    if (send_descriptor(socket, procfd) < 0)
        fail("sendmsg", -1);
    if (process_config(procfd, PROC_CREATE, 0, NULL, 0) < 0)
        fail("PROC_CREATE", procfd);
    return 0;
}

int main(int argc, char **argv)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), keeps = argc == 3 && strcmp(argv[1], "keep") == 0;

    if ((!keeps && (argc < 4 || strcmp(argv[1], "run") != 0)) || strlen(argv[2]) >= sizeof address.sun_path) {
        fprintf(stderr, "usage: handover keep SOCKET, handover run SOCKET COMMAND [ARGUMENT]...\n");
        return 125;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    strcpy(address.sun_path, argv[2]);
    if (!keeps) {
        if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
            fail("connect", -1);
        return run(fd, argv + 3);
    }
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1) < 0)
        fail("bind", -1);
    return keep(fd);
}

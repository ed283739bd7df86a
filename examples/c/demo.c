/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * A guided tour of procfd: each step says what it shows, and what happened. Needs no privileges.
 *
 *     cc demo.c $(pkg-config --cflags --libs procfd)
 */

#define _GNU_SOURCE
#include <procfd.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#define MS 1000000ull /* nanoseconds in a millisecond */

static int step_number;

static void step(const char *title)
{
    printf("\n%d. %s\n", ++step_number, title);
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("   ", stdout);
    vprintf(format, args);
    putchar('\n');
    va_end(args);
}

/* The tour ends at the first thing that it did not expect. */
__attribute__((noreturn)) static void stop(const char *what)
{
    printf("   %s: %s\n", what, strerror(errno));
    exit(1);
}

/* The same for a call on a context, whose error record says more than errno. */
static int must(int procfd, const char *what, int result)
{
    struct procfd_error error;
    int saved = errno;

    if (result >= 0)
        return result;
    if (process_info(procfd, PROC_INFO_ERROR, 0, &error, sizeof error) == 0 && error.stage)
        printf("   %s\n", error.message);
    errno = saved;
    stop(what);
}

static const char *state_of(int fd)
{
    static const char *const names[] = {"configuring", "running", "exited"};
    int state = process_info(fd, PROC_INFO_STATE, 0, NULL, 0);

    return state < 0 || state > 2 ? strerror(errno) : names[state];
}

static void print_status(const char *who, const struct procfd_wait *wait)
{
    if (wait->what == PROC_EXITED)
        say("%s: it exited with code %d", who, wait->status);
    else
        say("%s: signal %d (%s) ended it", who, wait->status, strsignal(wait->status));
}

/* The event that epoll has for the procfd within the time, as text. A started procfd stays readable, so
 * from the start on a level-triggered epoll is asked for the hang-up alone, which it reports unasked. */
static const char *event_within(int epoll, int milliseconds)
{
    struct epoll_event event;

    switch (epoll_wait(epoll, &event, 1, milliseconds)) {
    case 0:
        return "nothing";
    case 1:
        return event.events == EPOLLIN ? "EPOLLIN" : event.events & EPOLLHUP ? "EPOLLHUP" : "?";
    default:
        stop("epoll_wait");
    }
}

static void print_lines(const char *text)
{
    const char *end;

    for (; (end = strchr(text, '\n')) != NULL; text = end + 1)
        printf("      | %.*s\n", (int)(end - text), text);
}

/* What the program writes, up to the line "ready". */
static void print_output(int pipe_end)
{
    char text[8192];
    size_t length = 0;
    ssize_t n;

    while ((n = read(pipe_end, text + length, sizeof text - 1 - length)) > 0) {
        char *ready;

        length += (size_t)n;
        text[length] = '\0';
        ready = strstr(text, "ready\n");
        if (ready != NULL) {
            *ready = '\0';
            break;
        }
    }
    text[length] = '\0';
    print_lines(text);
}

/* Whether a process has the caller's namespace of a kind, by /proc. */
static const char *whose_namespace(int pid, const char *kind)
{
    char path[64], own[64], its[64];
    ssize_t a, b;

    snprintf(path, sizeof path, "/proc/self/ns/%s", kind);
    a = readlink(path, own, sizeof own);
    snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, kind);
    b = readlink(path, its, sizeof its);
    if (a < 0 || b < 0)
        return "not to be seen";
    return a == b && memcmp(own, its, (size_t)a) == 0 ? "the caller's" : "its own";
}

/* What the process of the first steps runs. It mounts a /proc only where it is the first process of
 * a pid namespace, and with that in a mount namespace of its own. */
static const char look_around[] = "[ $$ = 1 ] && mount -t proc proc /proc 2>/dev/null\n"
                                  "echo \"id:        $(id)\"\n"
                                  "echo \"hostname:  $(hostname 2>/dev/null || uname -n)\"\n"
                                  "echo \"its pid:   $$\"\n"
                                  "echo \"uid_map:   $(echo $(cat /proc/self/uid_map))\"\n"
                                  "echo \"ls /proc:  $(ls /proc | grep -c '^[0-9]') processes\"\n"
                                  "for ns in user pid mnt uts net; do\n"
                                  "    echo \"namespace: $(readlink /proc/self/ns/$ns)\"\n"
                                  "done\n"
                                  "echo ready; read line; exit 7";

/* A context that runs a script with sh. */
static int script(const char *text)
{
    const char *argv[] = {"sh", "-c", text, NULL};
    int procfd = process_open(0);

    if (procfd < 0)
        stop("process_open");
    must(procfd, "PROC_SET_EXEC", process_config(procfd, PROC_SET_EXEC, PROC_EXEC_PATH, "sh", 0));
    must(procfd, "PROC_SET_ARGV", process_config(procfd, PROC_SET_ARGV, 0, argv, 0));
    return procfd;
}

static void connect_descriptor(int procfd, int source, int target)
{
    struct procfd_dup dup = {.source = source, .target = target};

    must(procfd, "PROC_FD_DUP", process_config(procfd, PROC_FD_DUP, 0, &dup, sizeof dup));
}

static void add_namespaces(int procfd)
{
    struct procfd_idmap uid_map = {.inside = 0, .outside = geteuid(), .count = 1};
    struct procfd_idmap gid_map = {.inside = 0, .outside = getegid(), .count = 1};

    must(procfd, "PROC_SET_FLAG",
         process_config(procfd, PROC_SET_FLAG, CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS, NULL, 0));
    must(procfd, "PROC_SET_UID_MAP", process_config(procfd, PROC_SET_UID_MAP, 0, &uid_map, sizeof uid_map));
    must(procfd, "PROC_SET_GID_MAP", process_config(procfd, PROC_SET_GID_MAP, 0, &gid_map, sizeof gid_map));
    must(procfd, "PROC_SET_HOSTNAME", process_config(procfd, PROC_SET_HOSTNAME, 0, "procfd-demo", 0));
}

static void show_failure(int procfd)
{
    struct procfd_error error;
    int result = process_config(procfd, PROC_CREATE, 0, NULL, 0);

    if (result >= 0) {
        say("it did not fail");
        exit(1);
    }
    say("PROC_CREATE = -1, errno %d (%s)", errno, strerror(errno));
    must(procfd, "PROC_INFO_ERROR", process_info(procfd, PROC_INFO_ERROR, 0, &error, sizeof error));
    say("PROC_INFO_ERROR: stage %u%s: %s", error.stage, error.stage == PROC_STAGE_EXEC ? " (PROC_STAGE_EXEC)" : "",
        error.message);
}

/* Whether PROC_CREATE failed because the system does not let this user make the namespaces; says why. */
static int is_refused(int procfd, int pid)
{
    struct procfd_error error;

    if (pid >= 0 || (errno != EPERM && errno != ENOSPC && errno != EINVAL && errno != EACCES))
        return 0;
    must(procfd, "PROC_INFO_ERROR", process_info(procfd, PROC_INFO_ERROR, 0, &error, sizeof error));
    say("this system does not let this user make the namespaces:");
    say("%s", error.message);
    return 1;
}

/* Steps 1 to 6: one process, from its configuration to its status. */
static void life_of_a_process(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    struct procfd_wait wait = {.timeout_ns = 0};
    struct procfd_info info;
    int to_child[2], from_child[2], epoll, procfd, pid, directory, inside = 1;
    const char *reported;
    char path[64];

    step("Open a context: a descriptor for a process that does not exist yet");
    procfd = script(look_around);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, procfd, &event) < 0)
        stop("epoll");
    say("process_open = %d; state: %s; epoll reports %s", procfd, state_of(procfd), event_within(epoll, 0));
    if (process_manage(procfd, PROC_SIGNAL, SIGTERM, NULL, 0) < 0)
        say("to signal it is an error: %s", strerror(errno));

    step("Configure it: sh, in new user, pid, mount and UTS namespaces");
    add_namespaces(procfd);
    if (pipe2(to_child, O_CLOEXEC) < 0 || pipe2(from_child, O_CLOEXEC) < 0)
        stop("pipe2");
    connect_descriptor(procfd, to_child[0], 0);
    connect_descriptor(procfd, from_child[1], 1);
    say("ids: uid %u and gid %u of the caller become uid 0 and gid 0 inside", geteuid(), getegid());
    say("host name: procfd-demo; descriptors 0 and 1 are pipes; all above 2 are closed");

    step("Start it with a mistake in it: the failing step, by name");
    must(procfd, "PROC_SET_EXEC", process_config(procfd, PROC_SET_EXEC, 0, "/no/such/shell", 0));
    show_failure(procfd);
    say("state: %s: nothing is left of the attempt, and the context is as it was", state_of(procfd));

    step("Correct the mistake, and start it");
    must(procfd, "PROC_SET_EXEC", process_config(procfd, PROC_SET_EXEC, PROC_EXEC_PATH, "sh", 0));
    pid = process_config(procfd, PROC_CREATE, 0, NULL, 0);
    if (is_refused(procfd, pid)) {
        say("so the tour goes on without them");
        inside = 0;
        close(procfd);
        procfd = script(look_around);
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, procfd, &event) < 0)
            stop("epoll");
        connect_descriptor(procfd, to_child[0], 0);
        connect_descriptor(procfd, from_child[1], 1);
        pid = process_config(procfd, PROC_CREATE, 0, NULL, 0);
    }
    must(procfd, "PROC_CREATE", pid);
    close(to_child[0]);
    close(from_child[1]);
    say("PROC_CREATE = %d, the pid; epoll reports %s on the procfd; state: %s", pid, event_within(epoll, 1000),
        state_of(procfd));
    event.events = 0;
    if (epoll_ctl(epoll, EPOLL_CTL_MOD, procfd, &event) < 0)
        stop("epoll_ctl");
    say("the program says:");
    print_output(from_child[0]);

    step("Ask about it");
    must(procfd, "PROC_INFO", process_info(procfd, PROC_INFO, PROC_FIELD_IDS | PROC_FIELD_CREDS | PROC_FIELD_CGROUP_ID |
                                           PROC_FIELD_INODE, &info, sizeof info));
    if (info.mask & PROC_FIELD_IDS)
        say("pid %u, parent %u (the caller is %d)", info.pid, info.ppid, getpid());
    if (info.mask & PROC_FIELD_CREDS)
        say("uid %u, gid %u%s", info.euid, info.egid, inside ? ": seen from here, what is 0 inside" : "");
    if (info.mask & PROC_FIELD_INODE)
        say("inode %llu: its name, given to no other process until reboot", (unsigned long long)info.inode);
    say("namespaces: user: %s; pid: %s; mount: %s; UTS: %s; network: %s", whose_namespace(pid, "user"),
        whose_namespace(pid, "pid"), whose_namespace(pid, "mnt"), whose_namespace(pid, "uts"),
        whose_namespace(pid, "net"));
    snprintf(path, sizeof path, "/proc/%d", pid);
    directory = open(path, O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        stop(path);
    say("the directory %s opened stands for it too: pid %d, state: %s", path,
        must(directory, "PROC_INFO_PID", process_info(directory, PROC_INFO_PID, 0, NULL, 0)), state_of(directory));
    close(directory);

    step("Wait for it: with a time limit, and by epoll");
    wait.timeout_ns = 50 * MS;
    if (process_manage(procfd, PROC_WAIT, 0, &wait, sizeof wait) == 0 || errno != ETIMEDOUT)
        stop("PROC_WAIT");
    say("for 50 ms: ETIMEDOUT: it waits for a line of input");
    if (write(to_child[1], "go\n", 3) != 3)
        stop("write");
    reported = event_within(epoll, 10000);
    say("after a line of input: epoll reports %s on the procfd; state: %s", reported, state_of(procfd));
    wait.timeout_ns = 10000 * MS;
    must(procfd, "PROC_WAIT", process_manage(procfd, PROC_WAIT, 0, &wait, sizeof wait));
    print_status("for 10 s", &wait);
    if (wait.mask & PROC_WAIT_HAS_USAGE)
        say("it used %.1f ms of CPU time and %llu KiB of memory",
            (double)(wait.usage.utime_ns + wait.usage.stime_ns) / 1e6, (unsigned long long)wait.usage.maxrss / 1024);
    if (process_manage(procfd, PROC_WAIT, 0, &wait, sizeof wait) == 0)
        print_status("again, now that it is reaped", &wait);
    else
        say("again, now that it is reaped: %s (kernels before 6.15 do not keep the status)", strerror(errno));
    say("state: %s", state_of(procfd));
    close(procfd);
    close(epoll);
    close(to_child[1]);
    close(from_child[0]);
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
    if (sendmsg(socket, &message, 0) != 1)
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

/* What the other process of step 7 does. */
__attribute__((noreturn)) static void follow(int socket)
{
    struct epoll_event event = {.events = EPOLLIN};
    struct procfd_wait wait = {.timeout_ns = 10000 * MS};
    int epoll = epoll_create1(EPOLL_CLOEXEC), received = receive_descriptor(socket);

    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, received, &event) < 0)
        stop("epoll");
    printf("   [%d] received a descriptor; state: %s; epoll reports %s\n", getpid(), state_of(received),
           event_within(epoll, 0));
    if (write(socket, "r", 1) != 1)
        stop("write");
    printf("   [%d] epoll reports %s: it runs; I am not its parent\n", getpid(), event_within(epoll, 10000));
    event.events = 0;
    if (epoll_ctl(epoll, EPOLL_CTL_MOD, received, &event) < 0)
        stop("epoll_ctl");
    printf("   [%d] epoll reports %s: it has ended\n", getpid(), event_within(epoll, 10000));
    if (process_manage(received, PROC_WAIT, 0, &wait, sizeof wait) == 0)
        printf("   [%d] waited for it: code %d\n", getpid(), wait.status);
    else /* before Linux 6.15 */
        printf("   [%d] how it ended only its parent is told: %s\n", getpid(), strerror(errno));
    exit(0);
}

/* Step 7. The other process is made by a context without a program: PROC_CREATE forks. */
static void pass_it_on(void)
{
    struct procfd_wait wait = {.timeout_ns = 10000 * MS};
    int sockets[2], helper, helper_pid, procfd, pid;

    step("Pass the procfd to another process before the start; it sees the start and the end");
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0)
        stop("socketpair");
    helper = process_open(0);
    if (helper < 0)
        stop("process_open");
    helper_pid = must(helper, "PROC_CREATE", process_config(helper, PROC_CREATE, 0, NULL, 0));
    if (helper_pid == 0) {
        close(sockets[0]);
        follow(sockets[1]);
    }
    close(sockets[1]);
    say("without a program PROC_CREATE forks: process %d is the other one", helper_pid);
    procfd = script("sleep 0.2; exit 42");
    send_descriptor(sockets[0], procfd);
    if (read(sockets[0], &(char){0}, 1) != 1)
        stop("read");
    pid = must(procfd, "PROC_CREATE", process_config(procfd, PROC_CREATE, 0, NULL, 0));
    say("started process %d, which will exit with code 42", pid);
    must(helper, "PROC_WAIT", process_manage(helper, PROC_WAIT, 0, &wait, sizeof wait));
    print_status("the other process", &wait);
    must(procfd, "PROC_WAIT", process_manage(procfd, PROC_WAIT, 0, &wait, sizeof wait));
    print_status("the parent's own wait", &wait);
    close(procfd);
    close(helper);
    close(sockets[0]);
}

/* Steps 8 and 9. */
static void kill_on_close(void)
{
    struct procfd_wait wait = {.timeout_ns = 100 * MS};
    int procfd = script("exec sleep 1000"), first, second, pidfd, pid, sockets[2], holder, holder_pid;

    step("Kill on last close: the process ends when nobody holds its procfd any more");
    must(procfd, "PROC_SET_CLOSE", process_config(procfd, PROC_SET_CLOSE, SIGKILL, NULL, 0));
    pid = must(procfd, "PROC_CREATE", process_config(procfd, PROC_CREATE, 0, NULL, 0));
    first = dup(procfd);
    second = dup(procfd);
    pidfd = must(procfd, "PROC_INFO_PIDFD", process_info(procfd, PROC_INFO_PIDFD, 0, NULL, 0));
    if (first < 0 || second < 0)
        stop("dup");
    say("process %d, sleeping, is held by descriptors %d, %d and %d", pid, procfd, first, second);
    close(procfd);
    if (process_manage(pidfd, PROC_WAIT, 0, &wait, sizeof wait) == 0)
        stop("PROC_WAIT");
    say("%d is closed; 100 ms later: %s", procfd, state_of(pidfd));
    close(first);
    if (process_manage(pidfd, PROC_WAIT, 0, &wait, sizeof wait) == 0)
        stop("PROC_WAIT");
    say("%d is closed; 100 ms later: %s", first, state_of(pidfd));
    close(second);
    wait.timeout_ns = 10000 * MS;
    must(pidfd, "PROC_WAIT", process_manage(pidfd, PROC_WAIT, 0, &wait, sizeof wait));
    printf("   %d, the last, is closed; ", second);
    printf("signal %d (%s) ended it. The pidfd that watched is no holder\n", wait.status, strsignal(wait.status));
    close(pidfd);

    step("The same when the last holder is killed");
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0)
        stop("socketpair");
    holder = process_open(0);
    if (holder < 0)
        stop("process_open");
    holder_pid = must(holder, "PROC_CREATE", process_config(holder, PROC_CREATE, 0, NULL, 0));
    if (holder_pid == 0) {
        receive_descriptor(sockets[1]);
        if (write(sockets[1], "k", 1) != 1)
            exit(1);
        for (;;)
            pause();
    }
    procfd = script("exec sleep 1000");
    must(procfd, "PROC_SET_CLOSE", process_config(procfd, PROC_SET_CLOSE, SIGKILL, NULL, 0));
    pid = must(procfd, "PROC_CREATE", process_config(procfd, PROC_CREATE, 0, NULL, 0));
    pidfd = must(procfd, "PROC_INFO_PIDFD", process_info(procfd, PROC_INFO_PIDFD, 0, NULL, 0));
    send_descriptor(sockets[0], procfd);
    close(procfd);
    if (read(sockets[0], &(char){0}, 1) != 1)
        stop("read");
    say("process %d is held by process %d alone; state: %s", pid, holder_pid, state_of(pidfd));
    must(holder, "PROC_SIGNAL", process_manage(holder, PROC_SIGNAL, SIGKILL, NULL, 0));
    must(holder, "PROC_WAIT", process_manage(holder, PROC_WAIT, 0, &wait, sizeof wait));
    print_status("the holder", &wait);
    must(pidfd, "PROC_WAIT", process_manage(pidfd, PROC_WAIT, 0, &wait, sizeof wait));
    print_status("the held process", &wait);
    close(pidfd);
    close(holder);
    close(sockets[0]);
    close(sockets[1]);
}

/* Step 10: a policy of two signals. */
static void end_on_close(void)
{
    struct procfd_close policy = {.second_signal = SIGKILL, .delay_ns = 300 * MS};
    struct procfd_wait wait = {.timeout_ns = 100 * MS};
    int output[2], procfd, pidfd, pid;

    step("A graceful close policy: SIGTERM, and SIGKILL after 300 ms");
    if (pipe2(output, O_CLOEXEC) < 0)
        stop("pipe2");
    procfd = script("trap 'echo SIGTERM, which I ignore' TERM; echo ready; while :; do sleep 0.05; done");
    connect_descriptor(procfd, output[1], 1);
    must(procfd, "PROC_SET_CLOSE", process_config(procfd, PROC_SET_CLOSE, SIGTERM, &policy, sizeof policy));
    pid = must(procfd, "PROC_CREATE", process_config(procfd, PROC_CREATE, 0, NULL, 0));
    close(output[1]);
    pidfd = must(procfd, "PROC_INFO_PIDFD", process_info(procfd, PROC_INFO_PIDFD, 0, NULL, 0));
    print_output(output[0]);
    close(procfd);
    if (process_manage(pidfd, PROC_WAIT, 0, &wait, sizeof wait) == 0)
        stop("PROC_WAIT");
    say("the procfd of process %d is closed; 100 ms later: %s; it says:", pid, state_of(pidfd));
    wait.timeout_ns = 10000 * MS;
    must(pidfd, "PROC_WAIT", process_manage(pidfd, PROC_WAIT, 0, &wait, sizeof wait));
    print_output(output[0]);
    print_status("and then", &wait);
    close(pidfd);
    close(output[0]);
}

/* Step 11: a whole pid namespace behind one descriptor. */
static void built_in_init(void)
{
    struct procfd_wait wait = {.timeout_ns = 10000 * MS};
    int output[2], procfd, pidfd, pid;

    step("A pid namespace with the built-in init: the last close ends all that runs in it");
    if (pipe2(output, O_CLOEXEC) < 0)
        stop("pipe2");
    procfd = script("for i in 1 2 3; do setsid sleep 1000 & done; echo \"I am pid $$, and started 3 more\";"
                    "echo ready; wait");
    connect_descriptor(procfd, output[1], 1);
    add_namespaces(procfd);
    must(procfd, "PROC_SET_INIT", process_config(procfd, PROC_SET_INIT, 1, NULL, 0));
    must(procfd, "PROC_SET_CLOSE", process_config(procfd, PROC_SET_CLOSE, SIGKILL, NULL, 0));
    pid = process_config(procfd, PROC_CREATE, 0, NULL, 0);
    if (is_refused(procfd, pid)) {
        close(procfd);
        close(output[0]);
        close(output[1]);
        return;
    }
    must(procfd, "PROC_CREATE", pid);
    close(output[1]);
    pidfd = must(procfd, "PROC_INFO_PIDFD", process_info(procfd, PROC_INFO_PIDFD, 0, NULL, 0));
    say("process %d is the init; the program says:", pid);
    print_output(output[0]);
    close(procfd);
    must(pidfd, "PROC_WAIT", process_manage(pidfd, PROC_WAIT, 0, &wait, sizeof wait));
    /* The end of the pipe: nobody holds its other side any more. */
    if (read(output[0], &(char){0}, 1) != 0)
        stop("read");
    say("the procfd is closed: the init has ended, and nothing is left of the namespace");
    close(pidfd);
    close(output[0]);
}

int main(void)
{
    struct utsname kernel;

    setvbuf(stdout, NULL, _IOLBF, 0);
    uname(&kernel);
    printf("procfd: a guided tour, by user %u on Linux %s\n", geteuid(), kernel.release);
    life_of_a_process();
    pass_it_on();
    kill_on_close();
    end_on_close();
    built_in_init();
    printf("\nDone.\n");
    return 0;
}

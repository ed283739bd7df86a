/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Runs a command with little to lose: new user, mount, network, IPC and UTS namespaces, where it is
 * nobody; no new privileges; limits of CPU time, memory and file size; nothing of the caller's open
 * descriptors but 0, 1 and 2; killed when this program ends.
 *
 *     sandbox COMMAND [ARGUMENT]...
 *
 * It sees the caller's files, with the caller's rights: docs/security.md says what is a boundary
 * and what is not.
 */

#define _GNU_SOURCE
#include <procfd.h>

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static int procfd;

static int set(uint32_t command, uint64_t arg, const void *data, size_t size)
{
    return process_config(procfd, command, arg, data, size);
}

static int limit(int resource, uint64_t most)
{
    struct procfd_rlimit both = {.soft = most, .hard = most};

    return set(PROC_SET_RLIMIT, (uint64_t)resource, &both, sizeof both);
}

static int configure(char **command)
{
    static const char *const environment[] = {"PATH=/usr/bin:/bin", "HOME=/", "LANG=C.UTF-8", NULL};
    struct procfd_idmap uid_map = {.inside = 65534, .outside = geteuid(), .count = 1};
    struct procfd_idmap gid_map = {.inside = 65534, .outside = getegid(), .count = 1};

    if (set(PROC_SET_EXEC, PROC_EXEC_PATH, command[0], 0) < 0 || set(PROC_SET_ARGV, 0, command, 0) < 0 ||
        set(PROC_SET_ENV, 0, environment, 0) < 0 ||
        set(PROC_SET_FLAG, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS, NULL, 0) < 0 ||
        set(PROC_SET_UID_MAP, 0, &uid_map, sizeof uid_map) < 0 ||
        set(PROC_SET_GID_MAP, 0, &gid_map, sizeof gid_map) < 0 || set(PROC_SET_HOSTNAME, 0, "sandbox", 0) < 0)
        return -1;
    if (limit(RLIMIT_CPU, 60) < 0 || limit(RLIMIT_AS, 4ull << 30) < 0 || limit(RLIMIT_FSIZE, 64 << 20) < 0 ||
        limit(RLIMIT_CORE, 0) < 0 || limit(RLIMIT_NOFILE, 256) < 0)
        return -1;
    /* A session of its own: no terminal to push input into. */
    if (set(PROC_SET_SESSION, 1, NULL, 0) < 0 || set(PROC_SET_NO_NEW_PRIVS, 1, NULL, 0) < 0 ||
        set(PROC_SET_UMASK, 077, NULL, 0) < 0 || set(PROC_SET_NICE, 19, NULL, 0) < 0)
        return -1;
    return set(PROC_SET_CLOSE, SIGKILL, NULL, 0);
}

int main(int argc, char **argv)
{
    struct procfd_wait wait = {0};
    struct procfd_error error;

    if (argc < 2) {
        fprintf(stderr, "usage: sandbox COMMAND [ARGUMENT]...\n");
        return 125;
    }
    procfd = process_open(PROCFD_NO_WATCH);
    if (procfd < 0) {
        perror("sandbox");
        return 125;
    }
    if (configure(argv + 1) < 0 || set(PROC_CREATE, 0, NULL, 0) < 0) {
        if (process_info(procfd, PROC_INFO_ERROR, 0, &error, sizeof error) == 0)
            fprintf(stderr, "sandbox: %s\n", error.message);
        return 125;
    }
    if (process_manage(procfd, PROC_WAIT, 0, &wait, sizeof wait) < 0) {
        perror("sandbox");
        return 125;
    }
    return wait.what == PROC_EXITED ? wait.status : 128 + wait.status;
}

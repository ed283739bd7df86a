/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * unshare(1): runs a command in new namespaces, and ends with its status.
 *
 *     unshare [-CTUimnpru] [-H HOSTNAME] COMMAND [ARGUMENT]...
 *
 * As unshare(1) has them: -C cgroup, -T time, -U user, -i IPC, -m mount, -n network, -p pid, -u UTS; -r is -U with the
 * caller as root. In a pid namespace the built-in init is pid 1 and the command pid 2.
 */
#define _GNU_SOURCE
#include <procfd.h>

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    static const char letters[] = "CTUimnpur";
    static const uint64_t flags[] = {CLONE_NEWCGROUP, CLONE_NEWTIME, CLONE_NEWUSER, CLONE_NEWIPC, CLONE_NEWNS,
                                     CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWUTS, CLONE_NEWUSER};
    struct procfd_idmap uid = {.outside = geteuid(), .count = 1}, gid = {.outside = getegid(), .count = 1};
    struct procfd_error error = {.message = "cannot open a procfd"};
    struct procfd_wait wait = {0};
    const char *hostname = NULL;
    uint64_t namespaces = 0;
    int option, as_root = 0, procfd = process_open(PROCFD_NO_WATCH);

    while ((option = getopt(argc, argv, "+CTUimnpurH:")) != -1) {
        const char *letter = strchr(letters, option);

        if (option == '?')
            return 125;
        if (option == 'H')
            hostname = optarg;
        else
            namespaces |= flags[letter - letters];
        as_root |= option == 'r';
    }
    if (optind == argc || procfd < 0 || process_config(procfd, PROC_SET_FLAG, namespaces, NULL, 0) < 0 ||
        (as_root && process_config(procfd, PROC_SET_UID_MAP, 0, &uid, sizeof uid) < 0) ||
        (as_root && process_config(procfd, PROC_SET_GID_MAP, 0, &gid, sizeof gid) < 0) ||
        (hostname && process_config(procfd, PROC_SET_HOSTNAME, 0, hostname, 0) < 0) ||
        process_config(procfd, PROC_SET_INIT, !!(namespaces & CLONE_NEWPID), NULL, 0) < 0 ||
        process_config(procfd, PROC_SET_EXEC, PROC_EXEC_PATH, argv[optind], 0) < 0 ||
        process_config(procfd, PROC_SET_ARGV, 0, argv + optind, 0) < 0 ||
        process_config(procfd, PROC_SET_CLOSE, SIGKILL, NULL, 0) < 0 ||
        process_config(procfd, PROC_CREATE, 0, NULL, 0) < 0 ||
        process_manage(procfd, PROC_WAIT, 0, &wait, sizeof wait) < 0) {
        process_info(procfd, PROC_INFO_ERROR, 0, &error, sizeof error);
        fprintf(stderr, "unshare: %s\n", optind == argc ? "no command" : error.message);
        return 125;
    }
    return wait.what == PROC_EXITED ? wait.status : 128 + wait.status;
}

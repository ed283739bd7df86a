/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Runs a build. The files are read-only except DIRECTORY (absolute). /tmp, /run and /dev are private. There are no
 * network, keys or capabilities; memory and descriptors are limited. All its processes end with this program.
 *     build_sandbox DIRECTORY COMMAND [ARGUMENT]... */
#define _GNU_SOURCE
#include <procfd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int p = process_open(PROCFD_NO_WATCH);
    const char *directory = argc > 2 ? argv[1] : "", *program = argc > 2 ? argv[2] : "";
    struct procfd_idmap uid = {geteuid(), geteuid(), 1, 0}, gid = {getegid(), getegid(), 1, 0};
    struct procfd_mount proc = {.source = "proc", .target = "/proc", .set = 1 /* MOUNT_ATTR_RDONLY */};
    struct procfd_mount sockets = {.source = "tmpfs", .target = "/run"};
    struct procfd_mount own = {.source = directory, .target = directory, .flags = PROC_MOUNT_RECURSIVE | PROC_MOUNT_CREATE};
    struct procfd_rlimit memory = {4ull << 30, 4ull << 30}, files = {1024, 1024};
    struct procfd_wait wait = {0};
    struct procfd_error error = {0};
    uint64_t spaces = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
#define SET(command, arg, data, size) process_config(p, command, arg, data, size) < 0
    if (SET(PROC_SET_EXEC, PROC_EXEC_PATH, program, 0) || SET(PROC_SET_ARGV, 0, argv + 2, 0) ||
        SET(PROC_SET_FLAG, spaces, 0, 0) || SET(PROC_SET_UID_MAP, 0, &uid, sizeof uid) ||
        SET(PROC_SET_GID_MAP, 0, &gid, sizeof gid) || SET(PROC_SET_INIT, 1, 0, 0) ||
        SET(PROC_SET_CLOSE, SIGKILL, 0, 0) || SET(PROC_SET_READONLY_ROOT, 1, 0, 0) ||
        SET(PROC_SET_PRIVATE_TMP, 1, 0, 0) || SET(PROC_SET_PRIVATE_DEV, 1, 0, 0) ||
        SET(PROC_MOUNT, PROC_MOUNT_FILESYSTEM, &proc, sizeof proc) || SET(PROC_SET_CAP_BOUNDING, 0, 0, 0) ||
        SET(PROC_MOUNT, PROC_MOUNT_FILESYSTEM, &sockets, sizeof sockets) || SET(PROC_SET_KEYRING, 0, "", 0) ||
        SET(PROC_MOUNT, PROC_MOUNT_BIND, &own, sizeof own) || SET(PROC_SET_CWD, 0, directory, 0) ||
        SET(PROC_SET_RLIMIT, RLIMIT_AS, &memory, sizeof memory) ||
        SET(PROC_SET_RLIMIT, RLIMIT_NOFILE, &files, sizeof files) || SET(PROC_SET_NO_NEW_PRIVS, 1, 0, 0) ||
        SET(PROC_SET_SESSION, 1, 0, 0) || SET(PROC_CREATE, 0, 0, 0) ||
        process_manage(p, PROC_WAIT, 0, &wait, sizeof wait) < 0)
        return process_info(p, PROC_INFO_ERROR, 0, &error, sizeof error), fprintf(stderr, "%s\n", error.message), 125;
    return wait.what == PROC_EXITED ? wait.status : 128 + wait.status;
}

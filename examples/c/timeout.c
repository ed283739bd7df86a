/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * timeout(1): runs a command for at most so many seconds, and ends with its status; 124 when the time was
 * over, 125 when something else failed, 126 and 127 when it could not be executed.
 *
 *     timeout SECONDS COMMAND [ARGUMENT]...
 *
 * The command is in a process group of its own, all of which is killed when this program ends, however it ends.
 */
#include <procfd.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static int failed(int procfd)
{
    struct procfd_error error = {.stage = PROC_STAGE_NONE};
    int code = errno == ENOENT ? 127 : errno == EACCES || errno == ENOEXEC ? 126 : 125;

    perror("timeout");
    if (process_info(procfd, PROC_INFO_ERROR, 0, &error, sizeof error) == 0 && error.stage != PROC_STAGE_NONE)
        fprintf(stderr, "timeout: %s\n", error.message);
    return code;
}

int main(int argc, char **argv)
{
    struct procfd_close group = {.scope = PROC_SCOPE_PGROUP};
    struct procfd_signal to_group = {.scope = PROC_SCOPE_PGROUP};
    struct procfd_wait wait = {0};
    char *end = NULL;
    double seconds = argc > 2 ? strtod(argv[1], &end) : 0;
    int procfd = process_open(PROCFD_NO_WATCH);

    if (argc < 3 || *end != '\0' || !(seconds > 0 && seconds < 1e9)) {
        fprintf(stderr, "usage: timeout SECONDS COMMAND [ARGUMENT]...\n");
        return 125;
    }
    if (procfd < 0 || process_config(procfd, PROC_SET_EXEC, PROC_EXEC_PATH, argv[2], 0) < 0 ||
        process_config(procfd, PROC_SET_ARGV, 0, argv + 2, 0) < 0 ||
        process_config(procfd, PROC_SET_PGROUP, 0, NULL, 0) < 0 ||
        process_config(procfd, PROC_SET_CLOSE, SIGKILL, &group, sizeof group) < 0 ||
        process_config(procfd, PROC_CREATE, 0, NULL, 0) < 0)
        return failed(procfd);
    wait.timeout_ns = (uint64_t)(seconds * 1e9) + 1; /* 0 would be no limit */
    if (process_manage(procfd, PROC_WAIT, 0, &wait, sizeof wait) == 0)
        return wait.what == PROC_EXITED ? wait.status : 128 + wait.status;
    if (errno != ETIMEDOUT)
        return failed(procfd);
    if (process_manage(procfd, PROC_SIGNAL, SIGTERM, &to_group, sizeof to_group) < 0)
        process_manage(procfd, PROC_SIGNAL, SIGTERM, NULL, 0); /* before Linux 6.9: no groups */
    wait.timeout_ns = 1000000000;
    process_manage(procfd, PROC_WAIT, 0, &wait, sizeof wait);
    return 124;
}

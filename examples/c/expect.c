/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Talks to a program at a terminal, as expect(1) does: waits for its prompt, answers, and reads on to its end.
 *
 *     cc expect.c $(pkg-config --cflags --libs procfd)
 *     ./a.out PROMPT ANSWER COMMAND [ARGUMENT]...
 */

#include <procfd.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static char seen[65536];
static size_t length;

/* Copies what the program writes, up to a text or to the end. */
static int read_until(int terminal, const char *text)
{
    while (text == NULL || strstr(seen, text) == NULL) {
        ssize_t got = read(terminal, seen + length, sizeof seen - 1 - length);

        if (got <= 0)
            return -1; /* EIO: no process has the terminal any more */
        fwrite(seen + length, 1, (size_t)got, stdout);
        length = text == NULL ? 0 : length + (size_t)got;
        seen[length] = '\0';
    }
    return 0;
}

int main(int argc, char *argv[])
{
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    struct procfd_wait wait = {.timeout_ns = 0};
    char status[64];
    int procfd, terminal;

    if (argc < 4)
        return 2;
    procfd = process_open(PROCFD_NO_WATCH);
    if (procfd < 0 || process_config(procfd, PROC_SET_EXEC, PROC_EXEC_PATH, argv[3], 0) < 0 ||
        process_config(procfd, PROC_SET_ARGV, 0, argv + 3, 0) < 0 ||
        process_config(procfd, PROC_SET_CLOSE, SIGKILL, NULL, 0) < 0 ||
        /* Its standard streams and controlling terminal; the call returns our end. */
        (terminal = process_config(procfd, PROC_SET_PTY, 0, &size, sizeof size)) < 0 ||
        process_config(procfd, PROC_CREATE, 0, NULL, 0) < 0) {
        fprintf(stderr, "%s\n", procfd_error_message());
        return 1;
    }
    if (read_until(terminal, argv[1]) == 0) {
        dprintf(terminal, "%s\n", argv[2]);
        length = 0;
        read_until(terminal, NULL);
    }
    if (process_manage(procfd, PROC_WAIT, 0, &wait, sizeof wait) < 0) {
        fprintf(stderr, "%s\n", procfd_error_message());
        return 1;
    }
    procfd_status_text(&wait, status, sizeof status);
    printf("%s\n", status);
    return 0;
}

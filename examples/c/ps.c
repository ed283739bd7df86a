/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * A small ps(1): all processes with one call, or those of a tree.
 *
 *     cc ps.c $(pkg-config --cflags --libs procfd)
 *     ./a.out [PID]
 */

#include <procfd.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define FIELDS (PROC_FIELD_STATE | PROC_FIELD_CREDS | PROC_FIELD_MEMORY | PROC_FIELD_TIMES | PROC_FIELD_COMM)

int main(int argc, char *argv[])
{
    struct procfd_snapshot all = {.scope = PROC_SNAPSHOT_ALL, .entry_size = sizeof(struct procfd_info)};
    int root = -1, count;

    if (argc > 1) {
        root = process_open_pid(atoi(argv[1]), PROCFD_PIDFD);
        all.scope = PROC_SNAPSHOT_TREE;
    }
    /* Room for all: the call says how many there are. */
    for (all.room = 256;; all.room = all.total + 64) {
        free(all.entries);
        all.entries = calloc(all.room, all.entry_size);
        count = root < 0 && argc > 1 ? -1 : process_info(root, PROC_SNAPSHOT, FIELDS, &all, sizeof all);
        if (count < 0 || all.entries == NULL) {
            fprintf(stderr, "%s\n", procfd_error_message());
            return 1;
        }
        if (all.total <= all.room)
            break;
    }
    printf("    PID    PPID    UID S   RSS/KiB   TIME/s COMMAND\n");
    for (int i = 0; i < count; i++) {
        const struct procfd_info *one = (const struct procfd_info *)all.entries + i;

        printf("%7" PRIu32 " %7" PRIu32, one->tgid, one->ppid);
        /* A field that is absent is not 0: a kernel thread has no memory. */
        if (one->mask & PROC_FIELD_CREDS)
            printf(" %6" PRIu32, one->euid);
        else
            printf("      -");
        printf(" %c", one->mask & PROC_FIELD_STATE ? (char)one->state : '-');
        if (one->mask & PROC_FIELD_MEMORY)
            printf(" %9" PRIu64, one->mem_resident / 1024);
        else
            printf("         -");
        printf(" %8.2f %s\n", (double)(one->user_ns + one->system_ns) / 1e9, one->comm);
    }
    free(all.entries);
    return 0;
}

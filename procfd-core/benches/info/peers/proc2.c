// SPDX-License-Identifier: MIT OR Apache-2.0
/* The same set by libproc2, of the items that it takes from /proc/PID/stat. */
#include <libproc2/pids.h>
#include <stdlib.h>

static enum pids_item items[] = { PIDS_ID_PID,      PIDS_ID_PPID, PIDS_STATE, PIDS_TICS_USER,
				  PIDS_TICS_SYSTEM, PIDS_VSIZE_BYTES, PIDS_RSS, PIDS_CMD };

static struct pids_info *info;

static int ready(void)
{
	return info ? 0 : procps_pids_new(&info, items, sizeof items / sizeof *items);
}

int proc2_one(int pid)
{
	unsigned wanted[1] = { (unsigned)pid };
	if (ready() < 0)
		return -1;
	struct pids_fetch *f = procps_pids_select(info, wanted, 1, PIDS_SELECT_PID);
	return f && f->counts->total == 1 ? 0 : -1;
}

int proc2_all(void)
{
	if (ready() < 0)
		return -1;
	struct pids_fetch *f = procps_pids_reap(info, PIDS_FETCH_TASKS_ONLY);
	return f ? f->counts->total : -1;
}

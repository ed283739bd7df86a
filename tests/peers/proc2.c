// SPDX-License-Identifier: MIT OR Apache-2.0
/* What libproc2 says of a process: each line of input is a pid, the answer a line of JSON, {} for none. */
#include <libproc2/pids.h>
#include <stdio.h>
#include <stdlib.h>

enum kind { INT, UINT, LONG, WIDE, CHARACTER, TEXT, TEXTS };

static const struct {
	enum pids_item item;
	const char *name;
	enum kind kind;
} wanted[] = {
#define W(item, kind) { PIDS_##item, #item, kind },
	W(AUTOGRP_ID, INT) W(AUTOGRP_NICE, INT) W(CGROUP_V, TEXTS) W(CMD, TEXT) W(CMDLINE_V, TEXTS)
	W(ENVIRON_V, TEXTS) W(EXE, TEXT) W(FLAGS, LONG) W(FLT_MAJ, LONG) W(FLT_MAJ_C, LONG) W(FLT_MIN, LONG)
	W(FLT_MIN_C, LONG) W(ID_EGID, UINT) W(ID_EUID, UINT) W(ID_FGID, UINT) W(ID_FUID, UINT)
	W(ID_LOGIN, INT) W(ID_PGRP, INT) W(ID_PID, INT) W(ID_PPID, INT) W(ID_RGID, UINT) W(ID_RUID, UINT)
	W(ID_SESSION, INT) W(ID_SGID, UINT) W(ID_SUID, UINT) W(ID_TGID, INT) W(ID_TPGID, INT)
	W(IO_READ_BYTES, LONG) W(IO_READ_CHARS, LONG) W(IO_READ_OPS, LONG) W(IO_WRITE_BYTES, LONG)
	W(IO_WRITE_CBYTES, LONG) W(IO_WRITE_CHARS, LONG) W(IO_WRITE_OPS, LONG) W(MEM_CODE_PGS, LONG)
	W(MEM_DATA_PGS, LONG) W(MEM_RES_PGS, LONG) W(MEM_SHR_PGS, LONG) W(MEM_VIRT_PGS, LONG) W(NICE, INT)
	W(NLWP, INT) W(NS_CGROUP, LONG) W(NS_IPC, LONG) W(NS_MNT, LONG) W(NS_NET, LONG) W(NS_PID, LONG)
	W(NS_TIME, LONG) W(NS_USER, LONG) W(NS_UTS, LONG) W(OOM_ADJ, INT) W(OOM_SCORE, INT)
	W(PRIORITY, INT) W(PRIORITY_RT, INT) W(PROCESSOR, INT) W(RSS, LONG) W(RSS_RLIM, LONG)
	W(SCHED_CLASS, INT) W(SIGBLOCKED, TEXT) W(SIGCATCH, TEXT) W(SIGIGNORE, TEXT) W(SIGNALS, TEXT)
	W(SIGPENDING, TEXT) W(SMAP_PRV_TOTAL, LONG) W(SMAP_PSS, LONG) W(SMAP_SWAP, LONG)
	W(SMAP_SWAP_PSS, LONG) W(STATE, CHARACTER) W(SUPGIDS, TEXT) W(TICS_BEGAN, WIDE) W(TICS_BLKIO, WIDE)
	W(TICS_GUEST, WIDE) W(TICS_GUEST_C, WIDE) W(TICS_SYSTEM, WIDE) W(TICS_SYSTEM_C, WIDE)
	W(TICS_USER, WIDE) W(TICS_USER_C, WIDE) W(TTY, INT) W(VM_DATA, LONG) W(VM_EXE, LONG) W(VM_LIB, LONG)
	W(VM_RSS_ANON, LONG) W(VM_RSS_FILE, LONG) W(VM_RSS_LOCKED, LONG) W(VM_RSS_SHARED, LONG)
	W(VM_SIZE, LONG) W(VM_STACK, LONG) W(VM_SWAP, LONG) W(VSIZE_BYTES, LONG) W(WCHAN_NAME, TEXT)
};

#define N (sizeof wanted / sizeof *wanted)

static void hex(const char *text)
{
	printf("\"");
	for (; text && *text; text++)
		printf("%02x", (unsigned char)*text);
	printf("\"");
}

static void put(int i, struct pids_stack *s)
{
	const struct pids_result *r = &s->head[i];
	printf("%s\"%s\":", i ? "," : "{", wanted[i].name);
	switch (wanted[i].kind) {
	case INT:
		printf("%d", r->result.s_int);
		break;
	case UINT:
		printf("%u", r->result.u_int);
		break;
	case LONG:
		printf("%lu", r->result.ul_int);
		break;
	case WIDE:
		printf("%llu", r->result.ull_int);
		break;
	case CHARACTER:
		printf("%d", r->result.s_ch);
		break;
	case TEXT:
		hex(r->result.str);
		break;
	case TEXTS:
		printf("[");
		for (char **at = r->result.strv; at && *at; at++) {
			if (at != r->result.strv)
				printf(",");
			hex(*at);
		}
		printf("]");
	}
}

int main(void)
{
	enum pids_item items[N];
	struct pids_info *info = NULL;
	char line[64];
	for (size_t i = 0; i < N; i++)
		items[i] = wanted[i].item;
	if (procps_pids_new(&info, items, N) < 0)
		return 1;
	while (fgets(line, sizeof line, stdin)) {
		unsigned pid[1] = { (unsigned)atoi(line) };
		struct pids_fetch *f = procps_pids_select(info, pid, 1, PIDS_SELECT_PID);
		if (!f || f->counts->total != 1)
			printf("{");
		else
			for (size_t i = 0; i < N; i++)
				put((int)i, f->stacks[0]);
		printf("}\n");
		fflush(stdout);
	}
	return 0;
}

// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Steps of the child that hardly anything but a filter makes fail: each names its stage and its words, and leaves no
 * process. test_seccomp.c has others; a setting that the kernel itself can refuse has its failure in its own program.
 */
#include "filter.h"

#include <sys/mount.h>

#define ANY UINT32_MAX
#define BIT(n) (1ULL << (n))

static const struct step {
	uint32_t command;
	uint64_t arg;
	const char *data;
	uint64_t flags; /* CLONE_NEW* */
	long nr;
	uint32_t argument; /* which one of the call has the value; ANY for every call */
	uint32_t mask, value;
	uint32_t stage;
	const char *words;
} steps[] = {
	{ PROC_SET_SIGDEFAULT, BIT(SIGUSR1 - 1), NULL, 0, SYS_rt_sigaction, ANY, 0, 0, PROC_STAGE_SIGNALS,
	  "set the action of a signal 10" },
	{ PROC_SET_SIGIGNORE, BIT(SIGUSR1 - 1), NULL, 0, SYS_rt_sigaction, ANY, 0, 0, PROC_STAGE_SIGNALS,
	  "set the action of a signal 10" },
	{ PROC_SET_UMASK, 027, NULL, 0, SYS_umask, ANY, 0, 0, PROC_STAGE_UMASK, "umask" },
	{ PROC_SET_SUBREAPER, 1, NULL, 0, SYS_prctl, 0, ~0U, PR_SET_CHILD_SUBREAPER, PROC_STAGE_SUBREAPER,
	  "subreaper" },
	{ PROC_SET_MCE_KILL, 1, NULL, 0, SYS_prctl, 0, ~0U, PR_MCE_KILL, PROC_STAGE_MCE_KILL,
	  "set the policy for memory failures" },
	{ PROC_SET_NO_NEW_PRIVS, 1, NULL, 0, SYS_prctl, 0, ~0U, PR_SET_NO_NEW_PRIVS, PROC_STAGE_NO_NEW_PRIVS,
	  "no_new_privs" },
	{ PROC_SET_PDEATHSIG, SIGTERM, NULL, 0, SYS_prctl, 0, ~0U, PR_SET_PDEATHSIG, PROC_STAGE_PDEATHSIG,
	  "parent-death signal" },
	{ PROC_SET_KEEP_CAPS, 1, NULL, 0, SYS_prctl, 0, ~0U, PR_SET_KEEPCAPS, PROC_STAGE_KEEP_CAPS,
	  "keep the capabilities" },
	{ PROC_SET_CAP_AMBIENT, BIT(10), NULL, CLONE_NEWUSER, SYS_prctl, 0, ~0U, PR_CAP_AMBIENT, PROC_STAGE_AMBIENT,
	  "set the ambient capabilities" },
	{ PROC_SET_CAP_PERMITTED, 0, NULL, CLONE_NEWUSER, SYS_capset, ANY, 0, 0, PROC_STAGE_CAPS,
	  "set the capabilities" },
	{ PROC_SET_CAP_EFFECTIVE, 0, NULL, CLONE_NEWUSER, SYS_capset, ANY, 0, 0, PROC_STAGE_CAPS,
	  "set the capabilities" },
	{ PROC_SET_SETGROUPS, PROC_SETGROUPS_DENY, NULL, CLONE_NEWUSER, SYS_openat, 2, O_ACCMODE, O_WRONLY,
	  PROC_STAGE_SETGROUPS, "setgroups" },
	{ PROC_SET_HOSTNAME, 0, "box", CLONE_NEWUSER | CLONE_NEWUTS, SYS_sethostname, ANY, 0, 0, PROC_STAGE_HOSTNAME,
	  "set the host name \"box\"" },
	{ PROC_SET_DOMAINNAME, 0, "box", CLONE_NEWUSER | CLONE_NEWUTS, SYS_setdomainname, ANY, 0, 0,
	  PROC_STAGE_DOMAINNAME, "domain name" },
	{ PROC_SET_MOUNT_PROPAGATION, MS_SLAVE, NULL, CLONE_NEWUSER | CLONE_NEWNS, SYS_mount, ANY, 0, 0,
	  PROC_STAGE_MOUNT_PROPAGATION, "set the propagation of the mounts" },
	{ PROC_SET_PRIVATE_TMP, 1, NULL, CLONE_NEWUSER | CLONE_NEWNS, SYS_fsopen, ANY, 0, 0, PROC_STAGE_PRIVATE_TMP,
	  "mount the private /tmp" },
	{ PROC_SET_PRIVATE_DEV, 1, NULL, CLONE_NEWUSER | CLONE_NEWNS, SYS_fsopen, ANY, 0, 0, PROC_STAGE_PRIVATE_DEV,
	  "mount the private /dev" },
	{ PROC_SET_TMPFS_ROOT, 1, NULL, CLONE_NEWUSER | CLONE_NEWNS, SYS_fsopen, ANY, 0, 0, PROC_STAGE_NEW_ROOT,
	  "make the new root (a tmpfs)" },
	{ PROC_SET_PIVOT_ROOT, 0, "/usr", CLONE_NEWUSER | CLONE_NEWNS, SYS_pivot_root, ANY, 0, 0,
	  PROC_STAGE_PIVOT_ROOT, "change to the new root \"/usr\"" },
};

static void refused(void *arg)
{
	const struct step *step = arg;
	int fd = ctx_flags(PROCFD_NO_WATCH); /* the watcher needs some of them itself */
	set_child(fd, "exit", "0");
	struct procfd_idmap u = { .outside = geteuid(), .count = 1 };
	if (step->flags)
		SET(fd, PROC_SET_FLAG, step->flags);
	if (step->flags & CLONE_NEWNS)
		CFG(fd, PROC_SET_UID_MAP, 0, &u, sizeof u);
	CFG(fd, step->command, step->arg, step->data, 0);
	if (step->command == PROC_SET_KEEP_CAPS) {
		/* Only a change of ids gives it something to do. */
		if (geteuid())
			return;
		SET(fd, PROC_SET_UID, NOBODY);
	}
	if (step->argument == ANY)
		refuse(step->nr, ODD);
	else
		refuse_argument(step->nr, step->argument, step->mask, step->value, 1, ODD);
	for (int n = 0; n < 2; n++) {
		errno = 0;
		int rc = process_config(fd, PROC_CREATE, 0, NULL, 0), err = errno;
		struct procfd_error e = last_error(fd);
		if (rc != -1 || err != ODD || e.saved_errno != ODD || e.stage != step->stage ||
		    !strstr(e.message, step->words))
			FAIL("command %#x: %d, errno %d, stage %u: %s", step->command, rc, err, e.stage, e.message);
	}
	CHECK_ERR(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
	close(fd);
}

static void each_step_refused(void)
{
	need_user_namespaces();
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		in_fork(refused, (void *)(uintptr_t)&steps[i]);
}

TAP_MAIN(CASE(each_step_refused))

// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Settings that do not go together are refused before anything is started, and the message names them.
 * tests/settings/run looks that each refusal of the core has a row here.
 */
#include "util.h"

#include <sched.h>

#define NEW_USER SET(fd, PROC_SET_FLAG, CLONE_NEWUSER)
#define PROGRAM CFG(fd, PROC_SET_EXEC, 0, "/bin/true", 0)

/* One pair: its name, and how it is made. */
#define PAIR(name, ...)                                                                                                \
	static void name(int fd)                                                                                       \
	{                                                                                                              \
		__VA_ARGS__;                                                                                           \
	}

static char *const words[] = { "x", NULL };
static struct procfd_idmap own_id = { .count = 1 };
static const struct timespec one_second = { .tv_sec = 1 };
static const struct procfd_landlock no_writing = { .fs = 2 };
/* BPF_RET | BPF_K, SECCOMP_RET_ALLOW: struct sock_filter. */
static const struct {
	uint16_t code;
	uint8_t jt, jf;
	uint32_t k;
} allow = { 6, 0, 0, 0x7fff0000 };

static void mount_root(int fd)
{
	SET(fd, PROC_SET_FLAG, CLONE_NEWNS);
	SET(fd, PROC_SET_READONLY_ROOT, 1);
}

PAIR(argv, CFG(fd, PROC_SET_ARGV, 0, words, 0))
PAIR(env, CFG(fd, PROC_SET_ENV_VAR, 0, "A=1", 0))
PAIR(fd_alone, SET(fd, PROC_SET_EXEC_FD, 0))
PAIR(init_alone, PROGRAM; SET(fd, PROC_SET_INIT, 1))
PAIR(init_fork, SET(fd, PROC_SET_FLAG, CLONE_NEWPID); SET(fd, PROC_SET_INIT, 1))
PAIR(group_of_mine, struct procfd_close close = { .scope = PROC_SCOPE_PGROUP }; PROGRAM;
     CFG(fd, PROC_SET_CLOSE, SIGKILL, &close, sizeof close))
PAIR(exit_signal, PROGRAM; SET(fd, PROC_SET_EXIT_SIGNAL, SIGUSR1))
PAIR(suspended_fork, SET(fd, PROC_START_SUSPENDED, 1))
PAIR(suspended_init, PROGRAM; SET(fd, PROC_START_SUSPENDED, 1); SET(fd, PROC_SET_FLAG, CLONE_NEWPID))
PAIR(session_and_group, PROGRAM; SET(fd, PROC_SET_SESSION, 1); SET(fd, PROC_SET_PGROUP, 1))
PAIR(terminal_alone, PROGRAM; SET(fd, PROC_SET_CTTY, 0))
PAIR(host_name, PROGRAM; CFG(fd, PROC_SET_HOSTNAME, 0, "x", 0))
PAIR(domain_name, PROGRAM; CFG(fd, PROC_SET_DOMAINNAME, 0, "x", 0))
PAIR(map_alone, PROGRAM; CFG(fd, PROC_SET_UID_MAP, 0, &own_id, sizeof own_id))
PAIR(unmapped_user, PROGRAM; NEW_USER; CFG(fd, PROC_SET_UID_MAP, 0, &own_id, sizeof own_id); SET(fd, PROC_SET_UID, 7))
PAIR(unmapped_group, PROGRAM; NEW_USER; CFG(fd, PROC_SET_UID_MAP, 0, &own_id, sizeof own_id); SET(fd, PROC_SET_GID, 0))
PAIR(denied_groups, PROGRAM; NEW_USER; CFG(fd, PROC_SET_GROUPS, 0, NULL, 0);
     SET(fd, PROC_SET_SETGROUPS, PROC_SETGROUPS_DENY))
PAIR(join_and_new, PROGRAM; SET(fd, PROC_SET_FLAG, CLONE_NEWUTS);
     CFG(fd, PROC_JOIN_PATH, CLONE_NEWUTS, "/proc/self/ns/uts", 0))
PAIR(join_pid_fork, CFG(fd, PROC_JOIN_PATH, CLONE_NEWPID, "/proc/self/ns/pid", 0))
PAIR(join_time_and_init, PROGRAM; CFG(fd, PROC_JOIN_PATH, CLONE_NEWTIME, "/proc/self/ns/time", 0);
     SET(fd, PROC_SET_FLAG, CLONE_NEWPID); SET(fd, PROC_SET_INIT, 1))
PAIR(offset_alone, PROGRAM; CFG(fd, PROC_SET_TIME_OFFSET, CLOCK_BOOTTIME, &one_second, sizeof one_second))
PAIR(offset_fork, SET(fd, PROC_SET_FLAG, CLONE_NEWTIME);
     CFG(fd, PROC_SET_TIME_OFFSET, CLOCK_BOOTTIME, &one_second, sizeof one_second))
PAIR(sysctl_alone, PROGRAM; CFG(fd, PROC_SET_SYSCTL, 0, "kernel.sem=1 2 3 4", 0))
PAIR(init_of_another_pid, PROGRAM; SET(fd, PROC_SET_FLAG, CLONE_NEWPID);
     CFG(fd, PROC_SET_TID, 0, (uint32_t[]){ 2 }, sizeof(uint32_t)))
PAIR(mount_alone, PROGRAM; SET(fd, PROC_SET_PRIVATE_TMP, 1))
PAIR(two_roots, PROGRAM; mount_root(fd); CFG(fd, PROC_SET_ROOT, 0, "/", 0))
PAIR(shared_root, PROGRAM; mount_root(fd); SET(fd, PROC_SET_MOUNT_PROPAGATION, 1 << 20))
PAIR(two_actions, PROGRAM; SET(fd, PROC_SET_SIGDEFAULT, 1); SET(fd, PROC_SET_SIGIGNORE, 1))
PAIR(effective_alone, PROGRAM; SET(fd, PROC_SET_CAP_EFFECTIVE, 1); SET(fd, PROC_SET_CAP_PERMITTED, 0))
PAIR(notify_fork, SET(fd, PROC_SET_NO_NEW_PRIVS, 1);
     CHECK_EQ(close(process_config(fd, PROC_SET_SECCOMP, 8, &allow, sizeof allow)), 0))
PAIR(rules_alone, PROGRAM; CFG(fd, PROC_LANDLOCK_PATH, 4, "/", 0))
PAIR(rule_of_more, PROGRAM; SET(fd, PROC_SET_NO_NEW_PRIVS, 1); CFG(fd, PROC_SET_LANDLOCK, 0, &no_writing, sizeof no_writing);
     CFG(fd, PROC_LANDLOCK_PATH, 4, "/", 0))
PAIR(landlock_alone, PROGRAM; CFG(fd, PROC_SET_LANDLOCK, 0, &no_writing, sizeof no_writing))
PAIR(seccomp_alone, PROGRAM; CFG(fd, PROC_SET_SECCOMP, 0, &allow, sizeof allow))

static const struct {
	void (*set)(int fd);
	int err;
	const char *words;
	/* Privilege makes it right. */
	int for_nobody;
} pairs[] = {
	{ argv, EINVAL, "arguments without a program", 0 },
	{ env, EINVAL, "an environment without a program", 0 },
	{ fd_alone, EINVAL, "a program by descriptor without arguments", 0 },
	{ init_alone, EINVAL, "a built-in init without a new pid namespace", 0 },
	{ init_fork, EINVAL, "a built-in init without a program", 0 },
	{ group_of_mine, EINVAL, "a close policy for the process group", 0 },
	{ exit_signal, EOPNOTSUPP, "an exit signal for a program", 0 },
	{ suspended_fork, EINVAL, "a suspended start without a program", 0 },
	{ suspended_init, EOPNOTSUPP, "a suspended start in a new pid namespace", 0 },
	{ session_and_group, EINVAL, "a new session and another process group", 0 },
	{ terminal_alone, EINVAL, "a controlling terminal without a new session", 0 },
	{ host_name, EINVAL, "a host name without a new UTS namespace", 0 },
	{ domain_name, EINVAL, "a domain name without a new UTS namespace", 0 },
	{ map_alone, EINVAL, "an id map or setgroups policy without a new user namespace", 0 },
	{ unmapped_user, EINVAL, "id map of the new user namespace does not have", 0 },
	{ unmapped_group, EINVAL, "id map of the new user namespace does not have", 0 },
	{ denied_groups, EINVAL, "supplementary groups, and a policy that denies", 0 },
	{ join_and_new, EINVAL, "a namespace to join and a new one of the same kind", 0 },
	{ join_pid_fork, EOPNOTSUPP, "a pid namespace to join without a program", 0 },
	{ join_time_and_init, EOPNOTSUPP, "a time namespace to join and the built-in init", 0 },
	{ offset_alone, EINVAL, "time offsets without a new time namespace", 0 },
	{ offset_fork, EINVAL, "time offsets without a program", 0 },
	{ sysctl_alone, EINVAL, " without a new namespace of its kind", 0 },
	{ init_of_another_pid, EINVAL, "in a new pid namespace (CLONE_NEWPID), whose first", 0 },
	{ mount_alone, EINVAL, "mounts without a new mount namespace", 0 },
	{ two_roots, EINVAL, "a new root by pivot_root and another by chroot", 0 },
	{ shared_root, EINVAL, "a new root with shared propagation", 0 },
	{ two_actions, EINVAL, "a signal that is both set to its default and ignored", 0 },
	{ effective_alone, EINVAL, "set but not in the ", 0 },
	{ notify_fork, EINVAL, "a seccomp program that notifies, without a program", 0 },
	{ rules_alone, EINVAL, "Landlock rules without a ruleset", 0 },
	{ rule_of_more, EINVAL, "a Landlock rule ", 0 },
	{ landlock_alone, EPERM, "a Landlock ruleset without CAP_SYS_ADMIN", 1 },
	{ seccomp_alone, EPERM, "a seccomp program without CAP_SYS_ADMIN", 1 },
};

static int children(void)
{
	char text[64];
	FILE *f = fopen("/proc/thread-self/children", "re");
	int n = f && fgets(text, sizeof text, f) ? atoi(text) : 0;
	if (f)
		fclose(f);
	return n;
}

static void refused(void)
{
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		if (pairs[i].for_nobody)
			become_nobody();
		int fd = ctx_flags(PROCFD_NO_WATCH);
		own_id.outside = geteuid();
		pairs[i].set(fd);
		CREATE_FAILS(fd, pairs[i].err, PROC_STAGE_PLAN, -1);
		const char *message = last_error(fd).message;
		if (!strstr(message, pairs[i].words))
			FAIL("\"%s\" has no \"%s\"", message, pairs[i].words);
		CHECK_EQ(children(), 0);
		CHECK_EQ(process_info(fd, PROC_INFO_STATE, 0, NULL, 0), PROC_STATE_CONFIGURING);
		close(fd);
	}
}

TAP_MAIN(CASE(refused))

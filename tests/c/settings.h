/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Made from procfd-core/src/settings.tsv by scripts/generate: change it there. */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <procfd.h>

/* Every command of process_config. */
#define CONFIG_COMMANDS \
	PROC_CREATE, PROC_SET_FLAG, PROC_SET_CLOSE, PROC_SET_EXEC, PROC_SET_EXEC_FD, PROC_SET_ARGV, \
	PROC_SET_ENV, PROC_SET_ENV_VAR, PROC_UNSET_ENV_VAR, PROC_SET_CWD, PROC_SET_CWD_FD, PROC_SET_ROOT, \
	PROC_ATTACH, PROC_COPY, PROC_FD_DUP, PROC_FD_OPEN, PROC_FD_CLOSE, PROC_FD_CLOSE_RANGE, PROC_FD_NULL, \
	PROC_FD_INHERIT, PROC_FD_INHERIT_ALL, PROC_SET_SIGMASK, PROC_SET_SIGDEFAULT, PROC_SET_SIGIGNORE, \
	PROC_SET_SESSION, PROC_SET_PGROUP, PROC_SET_CTTY, PROC_SET_FOREGROUND, PROC_SET_UID, PROC_SET_GID, \
	PROC_SET_GROUPS, PROC_SET_UMASK, PROC_SET_RLIMIT, PROC_SET_NICE, PROC_SET_TIMERSLACK, \
	PROC_SET_NO_NEW_PRIVS, PROC_SET_PDEATHSIG, PROC_SET_EXIT_SIGNAL, PROC_SET_UID_MAP, PROC_SET_GID_MAP, \
	PROC_SET_SETGROUPS, PROC_SET_HOSTNAME, PROC_SET_INIT

enum shape { LIST, NUMBER, SIGNALS, STRING, STRINGS, SWITCH };

/* The settings that tests/e2e/cases gives by their key and plain words. */
static const struct {
	const char *key;
	uint32_t command;
	enum shape shape;
} plain_settings[] = {
	{ "inherit_all", PROC_FD_INHERIT_ALL, SWITCH },
	{ "sigmask", PROC_SET_SIGMASK, SIGNALS },
	{ "sigdefault", PROC_SET_SIGDEFAULT, SIGNALS },
	{ "sigignore", PROC_SET_SIGIGNORE, SIGNALS },
	{ "session", PROC_SET_SESSION, SWITCH },
	{ "process_group", PROC_SET_PGROUP, NUMBER },
	{ "uid", PROC_SET_UID, NUMBER },
	{ "gid", PROC_SET_GID, NUMBER },
	{ "groups", PROC_SET_GROUPS, LIST },
	{ "umask", PROC_SET_UMASK, NUMBER },
	{ "nice", PROC_SET_NICE, NUMBER },
	{ "timer_slack", PROC_SET_TIMERSLACK, NUMBER },
	{ "no_new_privs", PROC_SET_NO_NEW_PRIVS, SWITCH },
	{ "pdeathsig", PROC_SET_PDEATHSIG, NUMBER },
	{ "hostname", PROC_SET_HOSTNAME, STRING },
	{ "init", PROC_SET_INIT, SWITCH },
};

#endif

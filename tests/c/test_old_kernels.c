// SPDX-License-Identifier: MIT OR Apache-2.0
/* What older kernels lack, taken away by filters: the errnos stay those that the documents name. */
#include "filter.h"

static int scoped(int fd, uint64_t scope)
{
	struct procfd_signal s = { .scope = (uint32_t)scope };
	return process_manage(fd, PROC_SIGNAL, SIGTERM, &s, sizeof s);
}

static const uint64_t scopes[] = { PROC_SCOPE_THREAD, PROC_SCOPE_PGROUP };

static void scopes_inner(void *arg)
{
	(void)arg;
	int fd = ctx(), init = geteuid() ? sys_pidfd_open(1) : -1;
	set_child(fd, "pause");
	create(fd);
	without_scopes();
	for (int i = 0; i < 2; i++) {
		CHECK_ERR(scoped(fd, scopes[i]), EOPNOTSUPP);
		if (init >= 0)
			CHECK_ERR(scoped(init, scopes[i]), EPERM);
	}
	CHECK_EQ(process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0), 0);
	expect_killed(fd, SIGKILL);
	for (int i = 0; i < 2; i++)
		CHECK_ERR(scoped(fd, scopes[i]), ESRCH);
	close(fd);
}

/* Before 6.9. */
static void signals_with_a_scope(void)
{
	in_fork(scopes_inner, NULL);
}

/* No descriptor is free: EMFILE, not an answer without the field. */
static void no_descriptor(void *arg)
{
	static const uint64_t fields[] = { PROC_FIELD_IDS, PROC_FIELD_CREDS, PROC_FIELD_STATE, PROC_FIELD_CPU };
	struct rlimit l = { 32, 32 };
	int warm = *(int *)arg, pidfd = sys_pidfd_open(getpid());
	struct procfd_info i;
	if (warm)
		CHECK_EQ(process_info(pidfd, PROC_INFO, PROC_FIELD_STATE, &i, sizeof i), 0);
	without_get_info();
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &l), 0);
	int first = open("/dev/null", O_RDONLY | O_CLOEXEC), last = first;
	for (int fd; (fd = dup(first)) >= 0;)
		last = fd;
	for (size_t n = 0; n < sizeof fields / sizeof *fields; n++)
		CHECK_ERR(process_info(pidfd, PROC_INFO, fields[n], &i, sizeof i), EMFILE);
	CHECK_ERR(process_info(pidfd, PROC_INFO_PID, 0, NULL, 0), EMFILE);
	struct procfd_prlimit p = { 0 };
	CHECK_ERR(process_manage(pidfd, PROC_RLIMIT, RLIMIT_CORE, &p, sizeof p), EMFILE);
	for (int fd = first; fd <= last; fd++)
		close(fd);
	CHECK_EQ(process_info(pidfd, PROC_INFO, PROC_FIELD_IDS, &i, sizeof i), 0);
	CHECK_EQ(i.pid, getpid());
	close(pidfd);
}

/* Before 6.13. */
static void questions_without_a_descriptor(void)
{
	for (int warm = 0; warm < 2; warm++)
		in_fork(no_descriptor, &warm);
}

TAP_MAIN(COLD(signals_with_a_scope), COLD(questions_without_a_descriptor))

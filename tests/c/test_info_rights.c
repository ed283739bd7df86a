// SPDX-License-Identifier: MIT OR Apache-2.0
/* PROC_INFO: signals, privileges, settings and namespaces, each against what the process says of itself. */
#include "util.h"

#include "kid.h"

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/utsname.h>

/* ---- signals ---- */

static void handler(int sig)
{
	(void)sig;
}

static void run_signals(void)
{
	sigset_t set;
	struct rlimit l;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGRTMAX);
	sigaddset(&set, SIGRTMIN + 1);
	sigprocmask(SIG_SETMASK, &set, NULL);
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, handler);
	signal(SIGRTMAX, handler);
	getrlimit(RLIMIT_SIGPENDING, &l);
	l.rlim_cur = l.rlim_max < 1234 ? l.rlim_max : 1234;
	setrlimit(RLIMIT_SIGPENDING, &l);
	uint64_t truth[3] = { 0, 0, l.rlim_cur };
	for (int s = 1; s <= 64; s++) {
		struct { void *handler; unsigned long flags; void *restorer; unsigned long mask; } ksa;
		if (syscall(SYS_rt_sigaction, s, NULL, &ksa, 8) == 0 && ksa.handler)
			truth[ksa.handler != (void *)SIG_IGN] |= 1ULL << (s - 1);
	}
	TELL(truth);
	pthread_kill(pthread_self(), SIGUSR1);
	stay();
}

#define SIG(n) (1ULL << ((n) - 1))

static void signals(void)
{
	struct kid k = kid(run_signals);
	uint64_t truth[3];
	TOLD(&k, truth);
	struct procfd_info i = ALL_OF(k.fd, PROC_FIELD_SIGNALS);
	CHECK_EQ(i.sig_ignored, truth[0]);
	CHECK_EQ(i.sig_caught, truth[1]);
	CHECK_EQ(i.sig_queue_limit, truth[2]);
	CHECK(i.sig_ignored & SIG(SIGHUP));
	CHECK(i.sig_caught & SIG(64) && i.sig_caught & SIG(SIGTERM));
	CHECK_EQ(i.sig_blocked, SIG(SIGUSR1) | SIG(SIGUSR2) | SIG(64) | SIG(SIGRTMIN + 1));
	CHECK(!i.sig_pending_thread && !i.sig_pending_process);
	CHECK_EQ(kill(k.pid, SIGUSR2), 0);
	for (int n = 0; n < 3; n++)
		CHECK_EQ(sigqueue(k.pid, SIGRTMIN + 1, (union sigval){ .sival_int = n }), 0);
	CHECK_EQ(kill(k.pid, SIGRTMAX), 0);
	let(&k);
	done(&k);
	i = ALL_OF(k.fd, PROC_FIELD_SIGNALS);
	CHECK_EQ(i.sig_pending_process, SIG(SIGUSR2) | SIG(64) | SIG(SIGRTMIN + 1));
	CHECK_EQ(i.sig_pending_thread, SIG(SIGUSR1));
	CHECK(i.sig_queued >= 5); /* of the user: others may have some */
	gone(&k);
}

/* ---- privileges ---- */

struct sets {
	uint64_t inheritable, permitted, effective, bounding, ambient;
};

static struct sets own_caps(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];
	struct sets s = { 0 };
	syscall(SYS_capget, &h, d);
	s.inheritable = d[0].inheritable | (uint64_t)d[1].inheritable << 32;
	s.permitted = d[0].permitted | (uint64_t)d[1].permitted << 32;
	s.effective = d[0].effective | (uint64_t)d[1].effective << 32;
	for (int c = 0; c < 64; c++) {
		if (prctl(PR_CAPBSET_READ, c) == 1)
			s.bounding |= 1ULL << c;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, c, 0, 0) == 1)
			s.ambient |= 1ULL << c;
	}
	return s;
}

static void run_caps(void)
{
	struct sets s = own_caps();
	TELL(s);
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];
	prctl(PR_CAPBSET_DROP, CAP_MKNOD);
	syscall(SYS_capget, &h, d);
	d[0].permitted &= ~(1U << CAP_NET_RAW);
	d[0].effective &= ~(1U << CAP_NET_RAW | 1U << CAP_CHOWN);
	d[0].inheritable |= d[0].permitted & 1U << CAP_KILL;
	syscall(SYS_capset, &h, d);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0);
	s = own_caps();
	TELL(s);
	become_nobody();
	s = own_caps();
	TELL(s);
}

static void capabilities(void)
{
	struct kid k = kid(run_caps);
	for (int step = 0; step < 3; step++) {
		struct sets s;
		TOLD(&k, s);
		struct procfd_info i = ALL_OF(k.fd, PROC_FIELD_CAPS);
		CHECK_EQ(i.cap_inheritable, s.inheritable);
		CHECK_EQ(i.cap_permitted, s.permitted);
		CHECK_EQ(i.cap_effective, s.effective);
		CHECK_EQ(i.cap_bounding, s.bounding);
		CHECK_EQ(i.cap_ambient, s.ambient);
		if (geteuid() == 0 && step == 1)
			CHECK(i.cap_permitted != i.cap_effective && i.cap_inheritable && i.cap_ambient);
		if (step == 2)
			CHECK(!i.cap_effective);
		let(&k);
	}
	ended(&k);
}

static int filter_all_allowed(void)
{
	struct sock_filter f = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog p = { 1, &f };
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p);
}

static void run_security(void)
{
	uint64_t truth[2] = { (uint64_t)prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
			      (uint64_t)prctl(PR_GET_SECCOMP) };
	TELL(truth);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	stay();
	filter_all_allowed();
	filter_all_allowed();
	stay();
}

static void run_strict(void)
{
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	stay();
	for (;;)
		;
}

static void no_new_privs_and_seccomp(void)
{
	struct kid k = kid(run_security);
	uint64_t truth[2];
	TOLD(&k, truth);
	struct procfd_info a = ALL_OF(k.fd, PROC_FIELD_SECURITY), i;
	CHECK_EQ(a.no_new_privs, truth[0]);
	CHECK_EQ(a.seccomp, truth[1]);
	let(&k);
	done(&k);
	i = ALL_OF(k.fd, PROC_FIELD_SECURITY);
	CHECK(i.no_new_privs == 1 && i.seccomp == a.seccomp);
	let(&k);
	done(&k);
	i = ALL_OF(k.fd, PROC_FIELD_SECURITY);
	CHECK(i.no_new_privs == 1 && i.seccomp == 2);
	if (a.seccomp_filters != UINT32_MAX)
		CHECK_EQ(i.seccomp_filters, a.seccomp_filters + 2);
	gone(&k);
	if (a.seccomp == 0) {
		k = kid(run_strict);
		done(&k);
		CHECK_EQ(ALL_OF(k.fd, PROC_FIELD_SECURITY).seccomp, 1);
		gone(&k);
	}
}

static int kernel_is_at_least(int major, int minor)
{
	struct utsname u;
	int a = 0, b = 0;
	CHECK_EQ(uname(&u), 0);
	CHECK_EQ(sscanf(u.release, "%d.%d", &a, &b), 2);
	return a > major || (a == major && b >= minor);
}

static void run_settings(void)
{
	umask(0);
	prctl(PR_SET_DUMPABLE, 0);
	stay();
	umask(0751);
	prctl(PR_SET_DUMPABLE, 1);
	personality(ADDR_NO_RANDOMIZE | PER_LINUX32);
	int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);
	if (write(fd, "0x7b", 4) != 4)
		_exit(95);
	close(fd);
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (write(fd, "321", 3) != 3)
		_exit(94);
	close(fd);
	prctl(PR_SET_TIMERSLACK, 123456);
	syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 6);
	uint64_t truth[1] = { (uint64_t)personality(0xffffffff) };
	TELL(truth);
}

static void settings(void)
{
	struct kid k = kid(run_settings);
	done(&k);
	struct procfd_info i = some_of(k.fd, PROC_FIELD_UMASK | PROC_FIELD_DUMPABLE);
	CHECK(i.mask & PROC_FIELD_UMASK);
	CHECK_EQ(i.umask, 0);
	CHECK_EQ(i.dumpable, 0);
	if (kernel_is_at_least(6, 16))
		CHECK(i.mask & PROC_FIELD_DUMPABLE);
	let(&k);
	uint64_t truth[1];
	TOLD(&k, truth);
	CHECK_EQ(ALL_OF(k.fd, PROC_FIELD_UMASK).umask, 0751);
	i = some_of(k.fd, PROC_FIELD_DUMPABLE);
	if (kernel_is_at_least(6, 16))
		CHECK_EQ(i.mask, PROC_FIELD_DUMPABLE);
	CHECK_EQ(i.dumpable, i.mask ? 1 : 0);
	CHECK_EQ(ALL_OF(k.fd, PROC_FIELD_PERSONALITY).personality, truth[0]);
	CHECK(truth[0] & ADDR_NO_RANDOMIZE);
	CHECK_EQ(ALL_OF(k.fd, PROC_FIELD_COREDUMP_FILTER).coredump_filter, 0x7b);
	i = ALL_OF(k.fd, PROC_FIELD_OOM);
	CHECK_EQ(i.oom_score_adj, 321);
	BETWEEN(1, i.oom_score, 2000);
	CHECK_EQ(ALL_OF(k.fd, PROC_FIELD_IOPRIO).ioprio, 2 << 13 | 6);
	CHECK_EQ(syscall(SYS_ioprio_get, 1, k.pid), 2 << 13 | 6);
	if (geteuid() == 0)
		CHECK_EQ(ALL_OF(k.fd, PROC_FIELD_TIMER_SLACK).timer_slack_ns, 123456);
	else
		NONE_OF(k.fd, PROC_FIELD_TIMER_SLACK);
	gone(&k);
}

static void of_the_caller(void *arg)
{
	(void)arg;
	int self = sys_pidfd_open(getpid());
	if (geteuid() == 0)
		CHECK_EQ(prctl(PR_SET_SECUREBITS, 1 << 2 | 1 << 4), 0);
	CHECK_EQ(ALL_OF(self, PROC_FIELD_SECUREBITS).securebits, prctl(PR_GET_SECUREBITS));
	CHECK_EQ(prctl(PR_SET_TIMERSLACK, 777777), 0);
	CHECK_EQ(ALL_OF(self, PROC_FIELD_TIMER_SLACK).timer_slack_ns, 777777);
	struct kid k = kid(run_stay);
	done(&k);
	NONE_OF(k.fd, PROC_FIELD_SECUREBITS);
	gone(&k);
	close(self);
}

static void the_caller_itself(void)
{
	in_fork(of_the_caller, NULL);
}

/* ---- namespaces ---- */

static const char *const kinds[10] = { "cgroup", "ipc", "mnt", "net", "pid", "pid_for_children",
				       "time", "time_for_children", "user", "uts" };

static void tell_namespaces(void)
{
	uint64_t truth[10] = { 0 };
	for (int n = 0; n < 10; n++) {
		char path[64];
		struct stat st;
		snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[n]);
		if (stat(path, &st) == 0)
			truth[n] = st.st_ino;
	}
	TELL(truth);
}

static void run_namespaces(void)
{
	tell_namespaces();
	new_namespaces(CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID |
		       CLONE_NEWUTS);
	tell_namespaces();
	if (unshare(CLONE_NEWTIME) && errno == EPERM)
		_exit(93);
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	tell_namespaces();
}

static void namespaces(void)
{
	NEED_UNSHARE(CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID |
		     CLONE_NEWUTS);
	struct kid k = kid(run_namespaces);
	uint64_t first[10] = { 0 };
	for (int step = 0; step < 3; step++) {
		uint64_t truth[10];
		TOLD(&k, truth);
		struct procfd_info i = ALL_OF(k.fd, PROC_FIELD_NAMESPACES);
		uint64_t got[10] = { i.ns_cgroup_id, i.ns_ipc_id, i.ns_mnt_id, i.ns_net_id,
				     i.ns_pid_id, i.ns_pid_for_children_id, i.ns_time_id,
				     i.ns_time_for_children_id, i.ns_user_id, i.ns_uts_id };
		for (int n = 0; n < 10; n++)
			if (got[n] != truth[n])
				FAIL("step %d: %s is %llu, wanted %llu", step, kinds[n],
				     (unsigned long long)got[n], (unsigned long long)truth[n]);
		if (step == 0)
			memcpy(first, truth, sizeof first);
		else
			CHECK(truth[1] != first[1] && truth[9] != first[9] && truth[4] == first[4]);
		/* A pid namespace without an init, which 7.x shows. */
		if (step == 1)
			CHECK(truth[5] != truth[4]);
		let(&k);
	}
	ended(&k);
}

static void run_mounts(void)
{
	new_namespaces(CLONE_NEWNS);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		_exit(92);
	stay();
	for (int n = 0; n < 3; n++)
		if (mount("none", "/tmp", "tmpfs", 0, NULL))
			_exit(91);
	stay();
	umount2("/tmp", MNT_DETACH);
	stay();
}

static void mounts(void)
{
	NEED_UNSHARE(CLONE_NEWNS);
	struct kid k = kid(run_mounts);
	done(&k);
	uint32_t before = ALL_OF(k.fd, PROC_FIELD_MOUNTS).mounts;
	CHECK(before > 0);
	let(&k);
	done(&k);
	CHECK_EQ(ALL_OF(k.fd, PROC_FIELD_MOUNTS).mounts, before + 3);
	let(&k);
	done(&k);
	CHECK_EQ(ALL_OF(k.fd, PROC_FIELD_MOUNTS).mounts, before + 2);
	gone(&k);
}

static void run_inner(void)
{
	uint64_t truth[1] = { (uint64_t)getpid() };
	TELL(truth);
	/* A second child of the namespace, and a namespace in it. */
	int fd = ctx();
	SET(fd, PROC_SET_FLAG, CLONE_NEWPID);
	int s = atoi(getenv("KID_SOCKET")), pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
	if (pid < 0)
		_exit(90);
	if (pid == 0)
		for (;;)
			pause();
	int pidfd = process_info(fd, PROC_INFO_PIDFD, 0, NULL, 0);
	send_fd(s, pidfd);
	truth[0] = (uint64_t)pid;
	TELL(truth);
}

static void in_pid_namespaces(void)
{
	NEED_UNSHARE(CLONE_NEWPID);
	int s[2], fd = ctx();
	char number[16];
	socket_pair(s);
	snprintf(number, sizeof number, "%d", s[1]);
	setenv("KID_SOCKET", number, 1);
	SET(fd, PROC_SET_FLAG, CLONE_NEWPID | (geteuid() ? CLONE_NEWUSER : 0));
	struct kid k = kid_on(fd, run_inner);
	uint64_t truth[1];
	TOLD(&k, truth);
	CHECK_EQ(truth[0], 1);
	struct procfd_info i = ALL_OF(fd, PROC_FIELD_NS_PID | PROC_FIELD_IDS);
	CHECK(i.ns_pid == 1 && i.ns_depth == 1 && i.pid == (uint32_t)k.pid);
	let(&k);
	int inner = recv_fd(s[0]);
	TOLD(&k, truth);
	CHECK(truth[0] > 1);
	i = ALL_OF(inner, PROC_FIELD_NS_PID | PROC_FIELD_IDS | PROC_FIELD_STATE);
	CHECK(i.ns_pid == 1 && i.ns_depth == 2 && i.ppid == (uint32_t)k.pid);
	int self = sys_pidfd_open(getpid());
	i = ALL_OF(self, PROC_FIELD_NS_PID);
	CHECK(i.ns_pid == (uint32_t)getpid() && i.ns_depth == 0);
	close(self);
	close(inner);
	close(s[0]);
	close(s[1]);
	gone(&k);
}

/* ---- what a kernel may lack ---- */

static void run_autogroup(void)
{
	setsid();
	int fd = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
	uint64_t is = fd >= 0;
	for (int n = 0; is && n < 5000; n++) {
		if (write(fd, "5", 1) == 1)
			break;
		is = errno == EAGAIN; /* only so many within a time */
		usleep(1000);
	}
	TELL(is);
}

static void autogroup(void)
{
	struct kid a = kid(run_autogroup), b = kid(run_autogroup);
	uint64_t is;
	TOLD(&a, is);
	TOLD(&b, is);
	struct procfd_info i = some_of(a.fd, PROC_FIELD_AUTOGROUP), j = some_of(b.fd, PROC_FIELD_AUTOGROUP);
	if (is) {
		CHECK(i.mask && j.mask);
		CHECK(i.autogroup_nice == 5 && j.autogroup_nice == 5);
		CHECK(i.autogroup && j.autogroup && i.autogroup != j.autogroup);
	} else {
		CHECK(!i.mask && !i.autogroup && !i.autogroup_nice);
	}
	gone(&a);
	gone(&b);
}

#ifndef PR_SCHED_CORE
#define PR_SCHED_CORE 62
#endif

static void run_core_sched(void)
{
	prctl(PR_SCHED_CORE, 1 /* CREATE */, 0, 1 /* the process */, 0);
	stay();
}

static void core_sched(void)
{
	struct kid k = kid(run_core_sched);
	done(&k);
	uint64_t cookie = 0;
	if (prctl(PR_SCHED_CORE, 0 /* GET */, k.pid, 0, &cookie))
		NONE_OF(k.fd, PROC_FIELD_CORE_SCHED);
	else
		CHECK_EQ(ALL_OF(k.fd, PROC_FIELD_CORE_SCHED).core_sched_cookie, cookie);
	gone(&k);
}

static void login(void)
{
	struct kid k = kid(run_stay);
	done(&k);
	char path[64], text[32] = "";
	snprintf(path, sizeof path, "/proc/%d/loginuid", k.pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
	close(fd);
	unsigned long uid = n > 0 ? strtoul(text, NULL, 10) : UINT32_MAX;
	if (uid == UINT32_MAX)
		NONE_OF(k.fd, PROC_FIELD_LOGIN);
	else
		CHECK_EQ(ALL_OF(k.fd, PROC_FIELD_LOGIN).loginuid, uid);
	gone(&k);
}

static void run_crash(void)
{
	struct rlimit l;
	getrlimit(RLIMIT_CORE, &l);
	l.rlim_cur = l.rlim_max;
	setrlimit(RLIMIT_CORE, &l);
	CHECK_EQ(chdir(getenv("KID_DIR")), 0);
	stay();
	signal(SIGABRT, SIG_DFL);
	raise(SIGABRT);
}

static void coredump(void)
{
	char *dir = make_dir();
	setenv("KID_DIR", dir, 1);
	struct kid k = kid(run_crash);
	done(&k);
	struct procfd_info i = some_of(k.fd, PROC_FIELD_COREDUMP);
	if (kernel_is_at_least(6, 16))
		CHECK(i.mask);
	CHECK(!i.coredump && !i.coredump_signal);
	let(&k);
	int pidfd = process_info(k.fd, PROC_INFO_PIDFD, 0, NULL, 0);
	CHECK_ENDS(pidfd);
	i = some_of(k.fd, PROC_FIELD_COREDUMP | PROC_FIELD_EXIT);
	siginfo_t si;
	CHECK_EQ(waitid(3, (id_t)pidfd, &si, WEXITED), 0);
	CHECK_EQ(si.si_status, SIGABRT);
	CHECK_EQ(i.exit_what, si.si_code == CLD_DUMPED ? PROC_DUMPED : PROC_KILLED);
	CHECK(i.mask & PROC_FIELD_COREDUMP);
	CHECK_EQ(i.coredump, si.si_code == CLD_DUMPED);
	CHECK(i.coredump_signal == 0 || (i.coredump_signal == SIGABRT && i.coredump));
	diag("the kernel says %s", si.si_code == CLD_DUMPED ? "dumped" : "not dumped");
	close(pidfd);
	close(k.told);
	close(k.let);
	close(k.fd);
	remove_tree(dir);
}

TAP_MAIN(CASE(signals), CASE(capabilities), CASE(no_new_privs_and_seccomp), CASE(settings),
	 CASE(the_caller_itself), CASE(namespaces), CASE(mounts), CASE(in_pid_namespaces),
	 CASE(autogroup), CASE(core_sched), CASE(login), CASE(coredump))

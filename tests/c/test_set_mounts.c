// SPDX-License-Identifier: MIT OR Apache-2.0
/* Mounts: each kind, as the child sees it; the new roots; what leaks to the caller (nothing); failures. */
#include "filter.h"
#include "util.h"

#include <sys/mount.h>
#include <sys/stat.h>

#define RDONLY 0x1
#define NOSUID 0x2
#define NOEXEC 0x8

static char dir[64]; /* of this test, with a file "in" that says "outside" */

static void make_source(void)
{
	strcpy(dir, "/var/tmp/procfd-mounts-XXXXXX");
	CHECK(mkdtemp(dir));
	CHECK_EQ(chmod(dir, 0755), 0);
	char path[128];
	snprintf(path, sizeof path, "%s/in", dir);
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	CHECK_EQ(write(fd, "outside\n", 8), 8);
	close(fd);
	snprintf(path, sizeof path, "%s/sub", dir);
	CHECK_EQ(mkdir(path, 0755), 0);
}

static void remove_source(void)
{
	char path[128];
	snprintf(path, sizeof path, "%s/in", dir);
	CHECK_EQ(unlink(path), 0);
	snprintf(path, sizeof path, "%s/sub", dir);
	CHECK_EQ(rmdir(path), 0);
	CHECK_EQ(rmdir(dir), 0);
}

static const char *in_dir(const char *name)
{
	static char ring[8][128];
	static int next;
	char *path = ring[next++ & 7];
	snprintf(path, sizeof ring[0], "%s/%s", dir, name);
	return path;
}

/* A context in new user and mount namespaces, mapped to root inside, that runs a shell script. */
static int shell(const char *script)
{
	int fd = ctx();
	set_program(fd, "/bin/sh", "-c", script, (char *)NULL);
	SET(fd, PROC_SET_FLAG, CLONE_NEWUSER | CLONE_NEWNS);
	struct procfd_idmap u = { .outside = geteuid(), .count = 1 }, g = { .outside = getegid(), .count = 1 };
	CFG(fd, PROC_SET_UID_MAP, 0, &u, sizeof u);
	CFG(fd, PROC_SET_GID_MAP, 0, &g, sizeof g);
	return fd;
}

static void add(int fd, uint64_t kind, struct procfd_mount mount)
{
	CFG(fd, PROC_MOUNT, kind, &mount, sizeof mount);
}

/* What the script says; the mounts of the caller are the same before and after. */
static void says(int fd, const char *wanted)
{
	static char before[262144];
	int mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	strcpy(before, slurp(mounts));
	close(mounts);
	int output = create_with_output(fd, NULL);
	CHECK_STR(slurp(output), wanted);
	close(output);
	expect_exit(fd, 0);
	close(fd);
	mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	CHECK_STR(slurp(mounts), before);
	close(mounts);
}

/* The bare system of a fresh root. */
static void system_of(int fd)
{
	static const char *const parts[] = { "/usr", "/bin", "/lib", "/lib64" };
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (!access(parts[i], F_OK))
			add(fd, PROC_MOUNT_BIND, (struct procfd_mount){ .source = parts[i], .target = parts[i],
				.set = RDONLY, .flags = PROC_MOUNT_RECURSIVE });
}

static void a_bind(void)
{
	make_source();
	int fd = shell("cat /mnt/in; touch /mnt/new && ls /mnt && rm /mnt/new");
	add(fd, PROC_MOUNT_BIND, (struct procfd_mount){ .source = dir, .target = "/mnt", .flags = PROC_MOUNT_RECURSIVE });
	says(fd, "outside\nin\nnew\nsub\n");
	remove_source();
}

static void a_read_only_bind(void)
{
	make_source();
	int fd = shell("cat /mnt/in; (: >/mnt/new) 2>/dev/null || echo read-only; "
		       "grep -c ' /mnt ro,nosuid,noexec' /proc/self/mountinfo");
	add(fd, PROC_MOUNT_BIND, (struct procfd_mount){ .source = dir, .target = "/mnt",
		.set = RDONLY | NOSUID | NOEXEC, .flags = PROC_MOUNT_RECURSIVE });
	says(fd, "outside\nread-only\n1\n");
	remove_source();
}

static void a_file_bind_in_a_fresh_root(void)
{
	make_source();
	int fd = shell("cat /a/b/c; ls /a /; umask");
	SET(fd, PROC_SET_TMPFS_ROOT, 1);
	SET(fd, PROC_SET_UMASK, 027);
	system_of(fd);
	add(fd, PROC_MOUNT_BIND, (struct procfd_mount){ .source = in_dir("in"), .target = "/a/b/c" });
	int output = create_with_output(fd, NULL);
	const char *text = slurp(output);
	CHECK(strstr(text, "outside\n") == text);
	CHECK(strstr(text, "/:\na\nbin\n") && strstr(text, "/a:\nb\n") && strstr(text, "0027\n"));
	CHECK(!strstr(text, "proc") && !strstr(text, "var"));
	close(output);
	expect_exit(fd, 0);
	close(fd);
	remove_source();
}

static void filesystems(void)
{
	int fd = shell("stat -f -c %T /mnt; stat -c %a /mnt; df -B1 --output=size /mnt | tail -1 | tr -d ' '; echo $$; "
		       "ls /proc | grep -c '^[0-9]'");
	SET(fd, PROC_SET_FLAG, CLONE_NEWPID);
	add(fd, PROC_MOUNT_FILESYSTEM, (struct procfd_mount){ .source = "tmpfs", .target = "/mnt",
		.options = "size=1048576", .mode = 0711 });
	add(fd, PROC_MOUNT_FILESYSTEM, (struct procfd_mount){ .source = "proc", .target = "/proc" });
	int output = create_with_output(fd, NULL);
	const char *text = slurp(output);
	close(output);
	/* The shell, ls and grep, whichever have begun. */
	CHECK(!strncmp(text, "tmpfs\n711\n1048576\n1\n", 20));
	CHECK(atoi(text + 20) >= 1 && atoi(text + 20) <= 4);
	expect_exit(fd, 0);
	close(fd);
}

static void mqueue_and_sysfs(void)
{
	int fd = shell("stat -f -c %T /mnt/q; ls /mnt/s/class/net");
	SET(fd, PROC_SET_FLAG, CLONE_NEWIPC | CLONE_NEWNET);
	add(fd, PROC_MOUNT_FILESYSTEM, (struct procfd_mount){ .source = "tmpfs", .target = "/mnt" });
	add(fd, PROC_MOUNT_FILESYSTEM, (struct procfd_mount){ .source = "mqueue", .target = "/mnt/q",
		.flags = PROC_MOUNT_CREATE });
	add(fd, PROC_MOUNT_FILESYSTEM, (struct procfd_mount){ .source = "sysfs", .target = "/mnt/s",
		.flags = PROC_MOUNT_CREATE });
	says(fd, "mqueue\nlo\n");
}

/* Terminals of its own, and the cgroup that it has as the root of its view. */
static void devpts_and_cgroup2(void)
{
	int fd = shell("stat -f -c %t /mnt/p /mnt/c; stat -c %a /mnt/p/ptmx; ls /mnt/p; ls /mnt/c/cgroup.procs");
	SET(fd, PROC_SET_FLAG, CLONE_NEWCGROUP);
	add(fd, PROC_MOUNT_FILESYSTEM, (struct procfd_mount){ .source = "tmpfs", .target = "/mnt" });
	add(fd, PROC_MOUNT_FILESYSTEM, (struct procfd_mount){ .source = "devpts", .target = "/mnt/p",
		.options = "ptmxmode=0666", .flags = PROC_MOUNT_CREATE });
	add(fd, PROC_MOUNT_FILESYSTEM, (struct procfd_mount){ .source = "cgroup2", .target = "/mnt/c",
		.flags = PROC_MOUNT_CREATE });
	says(fd, "1cd1\n63677270\n666\nptmx\n/mnt/c/cgroup.procs\n");
}

/* mount(2) looks for the file system before it looks at the options. A kernel may have it as a module, and no module. */
static int has_overlay(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		/* Without the capability the answer is EPERM before that. */
		if (geteuid() && unshare(CLONE_NEWUSER | CLONE_NEWNS))
			_exit(0);
		_exit(mount("none", "/", "overlay", 0, "no-such-option") && errno != ENODEV);
	}
	int status;
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return status != 0;
}

static void with_an_overlay(void)
{
	make_source();
	char options[512];
	snprintf(options, sizeof options, "lowerdir=%s,upperdir=/mnt/u,workdir=/mnt/w", dir);
	int fd = shell("");
	const char *argv[] = { "sh", "-c", "echo new >/mnt/o/in; cat /mnt/o/in /mnt/u/in \"$0\"", in_dir("in"), NULL };
	CFG(fd, PROC_SET_ARGV, 0, argv, 0);
	add(fd, PROC_MOUNT_FILESYSTEM, (struct procfd_mount){ .source = "tmpfs", .target = "/mnt" });
	add(fd, PROC_MOUNT_DIRECTORY, (struct procfd_mount){ .target = "/mnt/u" });
	add(fd, PROC_MOUNT_DIRECTORY, (struct procfd_mount){ .target = "/mnt/w" });
	add(fd, PROC_MOUNT_FILESYSTEM, (struct procfd_mount){ .source = "overlay", .target = "/mnt/o",
		.options = options, .flags = PROC_MOUNT_CREATE });
	says(fd, "new\nnew\noutside\n");
	remove_source();
}

static void an_overlay(void)
{
	if (!has_overlay())
		SKIP("no overlay in this kernel");
	with_an_overlay();
}

static void a_private_dev(void)
{
	int fd = shell("cd /dev; echo *; echo x >null && head -c 2 zero | wc -c; (echo x >full) 2>/dev/null || echo full; "
		       "readlink ptmx fd; stat -c %a shm pts/ptmx . ; ls pts");
	SET(fd, PROC_SET_PRIVATE_DEV, 1);
	says(fd, "core fd full null ptmx pts random shm stderr stdin stdout tty urandom zero\n"
		 "2\nfull\npts/ptmx\n/proc/self/fd\n1777\n666\n755\nptmx\n");
}

static void private_tmp_before_the_list(void)
{
	make_source();
	int fd = shell("ls /tmp; stat -c %a /tmp; pwd");
	CFG(fd, PROC_SET_CWD, 0, "/tmp", 0);
	add(fd, PROC_MOUNT_BIND, (struct procfd_mount){ .source = dir, .target = "/tmp/d",
		.flags = PROC_MOUNT_RECURSIVE | PROC_MOUNT_CREATE });
	SET(fd, PROC_SET_PRIVATE_TMP, 1);
	says(fd, "d\n1777\n/tmp\n");
	remove_source();
}

static void a_file_from_bytes(void)
{
	int fd = shell("cat /mnt/deep/f /etc/hostname; stat -c %a /mnt/deep/f; (echo x >/mnt/deep/f) 2>/dev/null || "
		       "echo read-only; test $(awk '$5 == \"/\"' /proc/self/mountinfo | wc -l) = 1 || echo left");
	add(fd, PROC_MOUNT_FILESYSTEM, (struct procfd_mount){ .source = "tmpfs", .target = "/mnt" });
	add(fd, PROC_MOUNT_FILE, (struct procfd_mount){ .target = "/mnt/deep/f", .content = "a\nb\n", .content_size = 4,
		.mode = 0640, .set = RDONLY, .flags = PROC_MOUNT_CREATE });
	add(fd, PROC_MOUNT_FILE, (struct procfd_mount){ .target = "/etc/hostname", .content = "box\n", .content_size = 4 });
	says(fd, "a\nb\nbox\n640\nread-only\n");
}

static void links_directories_moves(void)
{
	int fd = shell("readlink /mnt/l; stat -c %a /mnt/d /mnt/above/e; cat /mnt/above/e/f; ls /mnt/d; "
		       "grep -c ' /mnt/gone ' /proc/self/mountinfo; true");
	add(fd, PROC_MOUNT_FILESYSTEM, (struct procfd_mount){ .source = "tmpfs", .target = "/mnt" });
	add(fd, PROC_MOUNT_SYMLINK, (struct procfd_mount){ .source = "to/here", .target = "/mnt/l" });
	add(fd, PROC_MOUNT_DIRECTORY, (struct procfd_mount){ .target = "/mnt/d", .mode = 0700 });
	add(fd, PROC_MOUNT_DIRECTORY, (struct procfd_mount){ .target = "/mnt/d" });
	add(fd, PROC_MOUNT_FILESYSTEM, (struct procfd_mount){ .source = "tmpfs", .target = "/mnt/d", .mode = 0711 });
	add(fd, PROC_MOUNT_FILE, (struct procfd_mount){ .target = "/mnt/d/f", .content = "moved\n", .content_size = 6,
		.flags = PROC_MOUNT_CREATE });
	add(fd, PROC_MOUNT_DIRECTORY, (struct procfd_mount){ .target = "/mnt/above/e" });
	add(fd, PROC_MOUNT_MOVE, (struct procfd_mount){ .source = "/mnt/d", .target = "/mnt/above/e" });
	add(fd, PROC_MOUNT_FILESYSTEM, (struct procfd_mount){ .source = "tmpfs", .target = "/mnt/gone",
		.flags = PROC_MOUNT_CREATE });
	add(fd, PROC_MOUNT_UNMOUNT, (struct procfd_mount){ .target = "/mnt/gone" });
	says(fd, "to/here\n700\n711\nmoved\n0\n");
}

static void a_remount(void)
{
	int fd = shell("grep -o ' /mnt ro,nosuid[^ ]*' /proc/self/mountinfo; grep -c ' /mnt .*size=64k' /proc/self/mountinfo");
	add(fd, PROC_MOUNT_FILESYSTEM, (struct procfd_mount){ .source = "tmpfs", .target = "/mnt", .set = NOSUID });
	add(fd, PROC_MOUNT_REMOUNT, (struct procfd_mount){ .target = "/mnt", .set = RDONLY, .options = "size=64k" });
	says(fd, " /mnt ro,nosuid,relatime\n1\n");
}

static void propagation_of_the_tree(void)
{
	static const char *const script =
		"awk '{ k = \"private\"; for (i = 7; $i != \"-\"; i++) { split($i, p, \":\"); k = p[1] } n[k]++ } "
		"END { for (k in n) print k }' /proc/self/mountinfo";
	int fd = shell(script);
	SET(fd, PROC_SET_PRIVATE_TMP, 1);
	says(fd, "private\n");
	static const struct {
		uint64_t flag;
		const char *says;
	} kinds[] = { { MS_PRIVATE, "private\n" }, { MS_SHARED, "shared\n" }, { MS_UNBINDABLE, "unbindable\n" } };
	for (size_t i = 0; i < 3; i++) {
		fd = shell(script);
		SET(fd, PROC_SET_MOUNT_PROPAGATION, kinds[i].flag);
		says(fd, kinds[i].says);
	}
	fd = shell("grep ' /mnt ' /proc/self/mountinfo | grep -c shared:; grep ' /tmp ' /proc/self/mountinfo | grep -c shared: ; true");
	SET(fd, PROC_SET_PRIVATE_TMP, 1);
	add(fd, PROC_MOUNT_FILESYSTEM, (struct procfd_mount){ .source = "tmpfs", .target = "/mnt" });
	add(fd, PROC_MOUNT_PROPAGATION, (struct procfd_mount){ .target = "/mnt", .propagation = MS_SHARED });
	says(fd, "1\n0\n");
}

static void slave_of_shared(void *arg)
{
	(void)arg;
	CHECK_EQ(unshare(CLONE_NEWNS), 0);
	CHECK_EQ(mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL), 0);
	int fd = shell("cat /proc/self/mountinfo | grep -c shared:; grep -c master: /proc/self/mountinfo >/dev/null && echo slave");
	SET(fd, PROC_SET_MOUNT_PROPAGATION, MS_SLAVE);
	says(fd, "0\nslave\n");
	sweep();
}

static void slaves_of_the_creators(void)
{
	NEED_ROOT();
	in_fork(slave_of_shared, NULL);
}

static void a_read_only_root_with_exceptions(void)
{
	make_source();
	int fd = shell("pwd; (: >/var/tmp/x) 2>/dev/null || echo root; : >new && echo own; rm new; "
			       ": >/tmp/x && ls /tmp; grep -c ' / / ro' /proc/self/mountinfo");
	CFG(fd, PROC_SET_CWD, 0, dir, 0);
	/* In whatever order. */
	SET(fd, PROC_SET_PRIVATE_TMP, 1);
	add(fd, PROC_MOUNT_BIND, (struct procfd_mount){ .source = dir, .target = dir, .flags = PROC_MOUNT_RECURSIVE });
	SET(fd, PROC_SET_READONLY_ROOT, 1);
	char wanted[256];
	snprintf(wanted, sizeof wanted, "%s\nroot\nown\nx\n1\n", dir);
	says(fd, wanted);
	remove_source();
}

static void the_directory_stays(void)
{
	make_source();
	char before[PATH_MAX];
	CHECK(getcwd(before, sizeof before));
	CHECK_EQ(chdir(dir), 0);
	int fd = shell("pwd");
	SET(fd, PROC_SET_READONLY_ROOT, 1);
	char wanted[256];
	snprintf(wanted, sizeof wanted, "%s\n", dir);
	says(fd, wanted);
	/* A root without it. */
	fd = shell("pwd");
	SET(fd, PROC_SET_TMPFS_ROOT, 1);
	system_of(fd);
	int output = create_with_output(fd, NULL);
	CHECK_STR(slurp(output), "/\n");
	close(output);
	expect_exit(fd, 0);
	close(fd);
	CHECK_EQ(chdir(before), 0);
	remove_source();
}

static void pivot_to_a_directory(void)
{
	make_source();
	static const char *const parts[] = { "/usr", "/bin", "/lib", "/lib64" };
	int fd = shell("cat /in; ls -d /sub; test -e /var || echo gone");
	CFG(fd, PROC_SET_PIVOT_ROOT, 0, dir, 0);
	/* The mount points are made in the caller's directory. */
	for (size_t i = 0; i < 4; i++)
		if (!access(parts[i], F_OK))
			add(fd, PROC_MOUNT_BIND, (struct procfd_mount){ .source = parts[i], .target = parts[i],
				.flags = PROC_MOUNT_RECURSIVE | PROC_MOUNT_CREATE });
	says(fd, "outside\n/sub\ngone\n");
	for (size_t i = 0; i < 4; i++)
		rmdir(in_dir(parts[i] + 1));
	remove_source();
}

/* The caller's root inside each kind of new root is the caller's: it has /etc, and not the new root's /host. */
static void the_callers_root_in_a_new_one(void)
{
	static const char *const script =
		"for d in /host /again; do test -e $d/etc/passwd && ! test -e $d/host/etc && echo callers; "
		"grep -c \" $d/proc \" /proc/self/mountinfo; done";
	make_source();
	for (int i = 0; i < 3; i++) {
		int fd = shell(script);
		uint32_t create = PROC_MOUNT_CREATE | PROC_MOUNT_RECURSIVE;
		if (i == 0) {
			SET(fd, PROC_SET_TMPFS_ROOT, 1);
		} else if (i == 1) {
			CFG(fd, PROC_SET_PIVOT_ROOT, 0, dir, 0);
			add(fd, PROC_MOUNT_PROPAGATION, (struct procfd_mount){ .target = "/", .propagation = MS_PRIVATE });
		} else {
			SET(fd, PROC_SET_READONLY_ROOT, 1);
			add(fd, PROC_MOUNT_FILESYSTEM, (struct procfd_mount){ .source = "tmpfs", .target = "/mnt" });
		}
		if (i < 2) {
			static const char *const parts[] = { "/usr", "/bin", "/lib", "/lib64", "/proc" };
			for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
				if (!access(parts[p], F_OK))
					add(fd, PROC_MOUNT_BIND, (struct procfd_mount){ .source = parts[p],
						.target = parts[p], .flags = create });
		}
		const char *host = i == 2 ? "/mnt/host" : "/host", *again = i == 2 ? "/mnt/again" : "/again";
		add(fd, PROC_MOUNT_BIND, (struct procfd_mount){ .source = "/", .target = host, .flags = create });
		add(fd, PROC_MOUNT_BIND, (struct procfd_mount){ .source = "/proc/self/root", .target = again,
			.flags = create, .set = RDONLY });
		if (i == 2) {
			const char *argv[] = { "sh", "-c", "for d in /mnt/host /mnt/again; do "
				"test -e $d/etc/passwd && ! test -e $d/mnt/host && echo callers; "
				"grep -c \" $d/proc \" /proc/self/mountinfo; done", NULL };
			CFG(fd, PROC_SET_ARGV, 0, argv, 0);
		}
		says(fd, "callers\n1\ncallers\n1\n");
		static const char *const made[] = { "usr", "bin", "lib", "lib64", "proc", "host", "again" };
		for (size_t p = 0; i == 1 && p < sizeof made / sizeof *made; p++)
			rmdir(in_dir(made[p]));
	}
	if (!has_overlay()) {
		remove_source();
		return;
	}
	/* Layers. */
	int fd = shell("test -e /o/passwd && test -e /o/in && echo callers");
	SET(fd, PROC_SET_TMPFS_ROOT, 1);
	system_of(fd);
	char options[128];
	snprintf(options, sizeof options, "lowerdir=/etc:%s", dir);
	add(fd, PROC_MOUNT_FILESYSTEM, (struct procfd_mount){ .source = "overlay", .target = "/o", .options = options });
	says(fd, "callers\n");
	remove_source();
}

/* Also after an entry for which the child changes its directory. */
static void a_relative_source(void)
{
	make_source();
	char before[PATH_MAX];
	CHECK(getcwd(before, sizeof before));
	CHECK_EQ(chdir(dir), 0);
	int fd = shell("cat /mnt/in /mnt/sub/f");
	add(fd, PROC_MOUNT_PROPAGATION, (struct procfd_mount){ .target = "/", .propagation = MS_PRIVATE });
	add(fd, PROC_MOUNT_BIND, (struct procfd_mount){ .source = ".", .target = "/mnt", .flags = PROC_MOUNT_RECURSIVE });
	add(fd, PROC_MOUNT_FILE, (struct procfd_mount){ .target = "/mnt/sub/f", .content = "x\n", .content_size = 2,
		.flags = PROC_MOUNT_CREATE });
	says(fd, "outside\nx\n");
	CHECK_EQ(unlink("sub/f"), 0);
	CHECK_EQ(chdir(before), 0);
	remove_source();
}

static void as_nobody(void)
{
	NEED_ROOT();
	pid_t pid = fork();
	if (!pid) {
		if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
			_exit(2);
		prctl(PR_SET_DUMPABLE, 1);
		a_private_dev();
		a_read_only_root_with_exceptions();
		a_file_bind_in_a_fresh_root();
		a_file_from_bytes();
		_exit(0);
	}
	int status;
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

static void as_root_without_a_user_namespace(void)
{
	NEED_ROOT();
	make_source();
	int fd = ctx();
	set_program(fd, "/bin/sh", "-c", "cat /mnt/in; (: >/var/tmp/x) 2>/dev/null || echo read-only", (char *)NULL);
	SET(fd, PROC_SET_FLAG, CLONE_NEWNS);
	SET(fd, PROC_SET_READONLY_ROOT, 1);
	add(fd, PROC_MOUNT_BIND, (struct procfd_mount){ .source = dir, .target = "/mnt" });
	says(fd, "outside\nread-only\n");
	remove_source();
}

static void a_read_only_root_has_all(void)
{
	/* All but what the list has mounted. Of several at one place the last is on top. */
	int fd = shell("awk '{ at[$5] = $6 } END { for (p in at) if (at[p] !~ /^ro/) print p }' /proc/self/mountinfo");
	SET(fd, PROC_SET_READONLY_ROOT, 1);
	add(fd, PROC_MOUNT_FILESYSTEM, (struct procfd_mount){ .source = "tmpfs", .target = "/mnt" });
	says(fd, "/mnt\n");
	fd = shell("");
	add(fd, PROC_MOUNT_FILESYSTEM, (struct procfd_mount){ .source = "tmpfs", .target = "/mnt" });
	add(fd, PROC_MOUNT_DIRECTORY, (struct procfd_mount){ .target = "/mnt/a" });
	add(fd, PROC_MOUNT_FILESYSTEM, (struct procfd_mount){ .source = "tmpfs", .target = "/mnt/a", .set = NOSUID });
	add(fd, PROC_MOUNT_FILE, (struct procfd_mount){ .target = "/mnt/a/f", .content = "x", .content_size = 1,
		.flags = PROC_MOUNT_CREATE });
	add(fd, PROC_MOUNT_REMOUNT, (struct procfd_mount){ .target = "/mnt", .set = RDONLY,
		.flags = PROC_MOUNT_RECURSIVE });
	const char *argv[] = { "sh", "-c", "awk '$5 ~ \"^/mnt($|/a)\" { print $5, $6 }' /proc/self/mountinfo", NULL };
	CFG(fd, PROC_SET_ARGV, 0, argv, 0);
	says(fd, "/mnt ro,relatime\n/mnt/a ro,nosuid,relatime\n/mnt/a/f ro,nosuid,nodev,relatime\n");
}

static void each_kind(void)
{
	a_bind();
	a_read_only_bind();
	a_file_bind_in_a_fresh_root();
	filesystems();
	mqueue_and_sysfs();
	devpts_and_cgroup2();
	if (has_overlay())
		with_an_overlay();
	a_private_dev();
	private_tmp_before_the_list();
	a_file_from_bytes();
	links_directories_moves();
	a_remount();
	propagation_of_the_tree();
	a_read_only_root_with_exceptions();
	a_read_only_root_has_all();
	the_directory_stays();
	pivot_to_a_directory();
	the_callers_root_in_a_new_one();
	a_relative_source();
}

static void refuse_new_calls(int err)
{
	struct rule rules[] = { { SYS_open_tree, REFUSE(err) }, { SYS_move_mount, REFUSE(err) },
				{ SYS_fsopen, REFUSE(err) }, { SYS_fsmount, REFUSE(err) }, { SYS_fsconfig, REFUSE(err) },
				{ SYS_fspick, REFUSE(err) }, { SYS_mount_setattr, REFUSE(err) } };
	filter(rules, 7, 0);
}

/* Before 5.2, and under old container profiles. */
static void by_mount_alone(void)
{
	refuse_new_calls(ENOSYS);
	each_kind();
}

static void by_mount_where_a_profile_refuses(void)
{
	struct rule one = { SYS_openat2, REFUSE(EPERM) };
	filter(&one, 1, 0);
	refuse_new_calls(EPERM);
	each_kind();
}

/* 5.2 to 5.11. */
static void without_mount_setattr(void)
{
	refuse(SYS_mount_setattr, ENOSYS);
	each_kind();
}

struct refusal {
	long calls[4];
	int err;
};

static void under_refusal(void *arg)
{
	const struct refusal *refusal = arg;
	struct rule rules[4];
	int n = 0;
	for (; n < 4 && refusal->calls[n]; n++)
		rules[n] = (struct rule){ refusal->calls[n], REFUSE(refusal->err) };
	filter(rules, n, 0);
	a_read_only_bind();
	filesystems();
	a_private_dev();
	a_file_from_bytes();
	links_directories_moves();
	a_remount();
	a_read_only_root_with_exceptions();
	if (!geteuid())
		as_root_without_a_user_namespace();
	sweep();
}

/* What a profile refuses that knows some of the calls; as root it is told from a missing privilege in the caller. */
#define REFUSED(name, ...)                                                 \
	static void name(void)                                             \
	{                                                                  \
		struct refusal refusal = { { __VA_ARGS__ }, ENOSYS };      \
		in_fork(under_refusal, &refusal);                          \
		refusal.err = EPERM;                                       \
		in_fork(under_refusal, &refusal);                          \
	}

REFUSED(without_open_tree, SYS_open_tree)
REFUSED(without_move_mount, SYS_move_mount)
REFUSED(without_fsopen, SYS_fsopen)
REFUSED(without_fsmount, SYS_fsmount)
REFUSED(without_fsconfig, SYS_fsconfig)
REFUSED(without_fspick, SYS_fspick)
REFUSED(without_mount_setattr_alone, SYS_mount_setattr)
REFUSED(without_those_that_check_the_privilege, SYS_fsopen, SYS_fsmount, SYS_fspick, SYS_move_mount)

static void failures(void);

static void by_mount_alone_as_root(void)
{
	NEED_ROOT();
	refuse_new_calls(ENOSYS);
	as_root_without_a_user_namespace();
	int fd = shell("exit 0");
	int space = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	add(fd, PROC_MOUNT_BIND, (struct procfd_mount){ .source = "/usr", .target = "/mnt",
		.flags = PROC_MOUNT_IDMAP | PROC_MOUNT_RECURSIVE, .user_namespace = space });
	CREATE_FAILS(fd, ENOSYS, PROC_STAGE_PLAN, -1);
	CHECK(strstr(last_error(fd).message, "5.12"));
	close(space);
	close(fd);
	failures();
}

static void an_id_mapped_bind(void)
{
	NEED_ROOT();
	make_source();
	/* A user namespace whose 0 is 4321 outside. */
	int holder = ctx();
	set_child(holder, "pause");
	SET(holder, PROC_SET_FLAG, CLONE_NEWUSER);
	struct procfd_idmap map = { .inside = 0, .outside = 4321, .count = 10 };
	CFG(holder, PROC_SET_UID_MAP, 0, &map, sizeof map);
	CFG(holder, PROC_SET_GID_MAP, 0, &map, sizeof map);
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/ns/user", create(holder));
	int space = open(path, O_RDONLY | O_CLOEXEC), fd = ctx();
	CHECK(space >= 0);
	set_program(fd, "/bin/sh", "-c", "stat -c %u:%g /mnt/in; ls /proc/self/fd | wc -l", (char *)NULL);
	SET(fd, PROC_SET_FLAG, CLONE_NEWNS);
	add(fd, PROC_MOUNT_BIND, (struct procfd_mount){ .source = dir, .target = "/mnt",
		.flags = PROC_MOUNT_IDMAP, .user_namespace = space });
	int copy = process_config(fd, PROC_COPY, 0, NULL, 0);
	CHECK(copy >= 0);
	CHECK_STR(printed(fd), "4321:4321\n4\n");
	expect_exit(fd, 0);
	close(space);
	CREATE_FAILS(copy, EBADF, PROC_STAGE_MOUNT, 0);
	close(copy);
	close(fd);
	finish(holder);
	remove_source();
}

static void failures(void)
{
	int fd = shell("exit 0");
	add(fd, PROC_MOUNT_FILESYSTEM, (struct procfd_mount){ .source = "tmpfs", .target = "/mnt" });
	add(fd, PROC_MOUNT_BIND, (struct procfd_mount){ .source = "/nonexistent/a", .target = "/mnt" });
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_MOUNT_SOURCE, 1);
	CHECK(strstr(last_error(fd).message, "open the source of a mount \"/nonexistent/a\": ") != NULL);
	close(fd);
	fd = shell("exit 0");
	add(fd, PROC_MOUNT_FILESYSTEM, (struct procfd_mount){ .source = "tmpfs", .target = "/nonexistent/b" });
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_MOUNT_TARGET, 0);
	CHECK(strstr(last_error(fd).message, "/nonexistent/b") != NULL);
	close(fd);
	fd = shell("exit 0");
	add(fd, PROC_MOUNT_FILESYSTEM, (struct procfd_mount){ .source = "nosuchfs", .target = "/mnt" });
	CREATE_FAILS(fd, ENODEV, PROC_STAGE_MOUNT, 0);
	CHECK(strstr(last_error(fd).message, "(filesystem) \"nosuchfs\" at /mnt") != NULL);
	close(fd);
	fd = shell("exit 0");
	add(fd, PROC_MOUNT_FILESYSTEM, (struct procfd_mount){ .source = "tmpfs", .target = "/mnt", .options = "nosuch=1" });
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_MOUNT, 0);
	close(fd);
	fd = shell("exit 0");
	add(fd, PROC_MOUNT_UNMOUNT, (struct procfd_mount){ .target = "/mnt" });
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_MOUNT, 0);
	close(fd);
	fd = shell("exit 0");
	CFG(fd, PROC_SET_PIVOT_ROOT, 0, "/nonexistent", 0);
	CREATE_FAILS(fd, ENOENT, PROC_STAGE_NEW_ROOT, 0);
	close(fd);
}

static void a_filter_refuses(void)
{
	struct rule rules[] = { { SYS_openat2, REFUSE(ENOSYS) }, { SYS_pivot_root, REFUSE(ODD) } };
	int fd = shell("cat /mnt/in"), other = shell("exit 0");
	make_source();
	add(fd, PROC_MOUNT_BIND, (struct procfd_mount){ .source = dir, .target = "/mnt", .flags = PROC_MOUNT_RECURSIVE });
	SET(other, PROC_SET_READONLY_ROOT, 1);
	filter(rules, 2, 0);
	/* Without openat2(2) the way is openat(2). */
	says(fd, "outside\n");
	CREATE_FAILS(other, ODD, PROC_STAGE_PIVOT_ROOT, 0);
	close(other);
	remove_source();
}

static void contradictions(void)
{
	int fd = ctx();
	set_child(fd, "exit", "0");
	SET(fd, PROC_SET_PRIVATE_TMP, 1);
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_PLAN, 0);
	CHECK(strstr(last_error(fd).message, "CLONE_NEWNS") != NULL);
	SET(fd, PROC_SET_PRIVATE_TMP, 0);
	create(fd);
	expect_exit(fd, 0);
	close(fd);
	fd = shell("exit 0");
	CFG(fd, PROC_SET_ROOT, 0, "/", 0);
	SET(fd, PROC_SET_READONLY_ROOT, 1);
	CREATE_FAILS(fd, EINVAL, PROC_STAGE_PLAN, 0);
	CHECK_EQ(process_config(fd, PROC_SET_TMPFS_ROOT, 1, NULL, 0), -1);
	CHECK_EQ(errno, EINVAL);
	close(fd);
}

static void bad_values(void)
{
	int fd = ctx();
	static const struct {
		uint64_t kind;
		struct procfd_mount mount;
		int err;
	} cases[] = {
		{ 0, { .target = "/a" }, EINVAL },
		{ 11, { .target = "/a" }, EINVAL },
		{ PROC_MOUNT_BIND, { .target = "/a" }, EINVAL },
		{ PROC_MOUNT_BIND, { .source = "/a", .target = "a" }, EINVAL },
		{ PROC_MOUNT_BIND, { .source = "/a", .target = "/a/../b" }, EINVAL },
		{ PROC_MOUNT_BIND, { .source = "/a", .target = "/" }, EINVAL },
		{ PROC_MOUNT_BIND, { .source = "/a", .target = NULL }, EFAULT },
		{ PROC_MOUNT_BIND, { .source = "/a", .target = "/b", .mode = 1 }, EINVAL },
		{ PROC_MOUNT_BIND, { .source = "/a", .target = "/b", .flags = 8 }, EINVAL },
		{ PROC_MOUNT_BIND, { .source = "/a", .target = "/b", .set = 1, .clear = 1 }, EINVAL },
		{ PROC_MOUNT_BIND, { .source = "/a", .target = "/b", .set = 0x100000 }, EINVAL },
		{ PROC_MOUNT_BIND, { .source = "/a", .target = "/b", .user_namespace = 3 }, EINVAL },
		{ PROC_MOUNT_BIND, { .source = "/a", .target = "/b", .flags = PROC_MOUNT_IDMAP, .user_namespace = -1 }, EBADF },
		{ PROC_MOUNT_PROPAGATION, { .target = "/b", .propagation = 5 }, EINVAL },
		{ PROC_MOUNT_REMOUNT, { .target = "/b" }, EINVAL },
		{ PROC_MOUNT_UNMOUNT, { .target = "/b", .options = "a" }, EINVAL },
		{ PROC_MOUNT_FILE, { .target = "/b", .content = "", .content_size = (16 << 20) + 1 }, EFAULT },
	};
	for (size_t i = 0; i + 1 < sizeof cases / sizeof *cases; i++) {
		errno = 0;
		int r = process_config(fd, PROC_MOUNT, cases[i].kind, &cases[i].mount, sizeof cases[i].mount);
		if (r != -1 || errno != cases[i].err)
			FAIL("case %zu: %d, errno %d", i, r, errno);
	}
	CHECK_EQ(process_config(fd, PROC_SET_MOUNT_PROPAGATION, 3, NULL, 0), -1);
	CHECK_EQ(errno, EINVAL);
	close(fd);
}

TAP_MAIN(CASE(a_bind), CASE(a_read_only_bind), CASE(a_file_bind_in_a_fresh_root), CASE(filesystems),
	 CASE(mqueue_and_sysfs), CASE(devpts_and_cgroup2), CASE(an_overlay), CASE(a_private_dev), CASE(private_tmp_before_the_list),
	 CASE(a_file_from_bytes), CASE(links_directories_moves), CASE(a_remount), CASE(propagation_of_the_tree), CASE(slaves_of_the_creators),
	 CASE(a_read_only_root_with_exceptions), CASE(the_directory_stays), CASE(pivot_to_a_directory), CASE(the_callers_root_in_a_new_one),
	 CASE(a_relative_source),
	 CASE(as_nobody), CASE(as_root_without_a_user_namespace), CASE(a_read_only_root_has_all),
	 CASE(by_mount_alone), CASE(by_mount_where_a_profile_refuses), CASE(without_mount_setattr),
	 CASE(without_open_tree), CASE(without_move_mount), CASE(without_fsopen), CASE(without_fsmount),
	 CASE(without_fsconfig), CASE(without_fspick), CASE(without_mount_setattr_alone),
	 CASE(without_those_that_check_the_privilege),
	 CASE(by_mount_alone_as_root), CASE(an_id_mapped_bind), CASE(failures),
	 CASE(a_filter_refuses), CASE(contradictions), CASE(bad_values))

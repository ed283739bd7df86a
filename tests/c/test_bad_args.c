// SPDX-License-Identifier: MIT OR Apache-2.0
/* Bad arguments: strings, structures, sizes, bits that mean nothing, and random garbage. */
#include "util.h"
#include "settings.h"

static const uint32_t string_commands[] = { PROC_SET_EXEC, PROC_SET_CWD, PROC_SET_ROOT };

static void null_where_data_is_needed(void)
{
	uint32_t cmds[] = { PROC_SET_EXEC, PROC_SET_ARGV, PROC_SET_ENV, PROC_SET_ENV_VAR,
			    PROC_UNSET_ENV_VAR, PROC_SET_CWD, PROC_SET_ROOT, PROC_FD_DUP,
			    PROC_FD_OPEN, PROC_FD_CLOSE_RANGE, PROC_SET_RLIMIT, PROC_SET_HOSTNAME };
	int fd = ctx();
	for (size_t i = 0; i < sizeof cmds / sizeof *cmds; i++) {
		errno = 0;
		if (process_config(fd, cmds[i], 0, NULL, 0) != -1 || errno != EFAULT)
			FAIL("command %#x, no data: errno %d", cmds[i], errno);
		errno = 0;
		if (process_config(fd, cmds[i], 0, NULL, 8) != -1 || errno != EFAULT)
			if (cmds[i] != PROC_SET_ARGV && cmds[i] != PROC_SET_ENV)
				FAIL("command %#x, NULL of 8 bytes: errno %d", cmds[i], errno);
	}
	close(fd);
}

static void null_inside_arrays(void)
{
	/* The first NULL ends an array: an argument vector without strings is empty. */
	const char *none[] = { NULL, "after", NULL };
	int fd = ctx();
	CFG(fd, PROC_SET_ARGV, 0, none, 0);
	CFG(fd, PROC_SET_ENV, 0, none, 0);
	close(fd);
}

static void strings_too_long(void)
{
	char *text = malloc(1 << 20);
	memset(text, 'a', 1 << 20);
	text[(1 << 20) - 1] = 0;
	text[0] = '/';
	int fd = ctx();
	for (int i = 0; i < 3; i++) {
		CHECK_ERR(process_config(fd, string_commands[i], 0, text, 0), ENAMETOOLONG);
		CHECK_ERR(process_config(fd, string_commands[i], 0, text, 5000), ENAMETOOLONG);
		CHECK_ERR(process_config(fd, string_commands[i], 0, text, 1 << 20), ENAMETOOLONG);
		CHECK_ERR(process_config(fd, string_commands[i], 0, text, SIZE_MAX), ENAMETOOLONG);
		CHECK_ERR(process_config(fd, string_commands[i], 0, text, SIZE_MAX / 2), ENAMETOOLONG);
	}
	struct procfd_open o = { text, O_RDONLY, 0 };
	CHECK_ERR(process_config(fd, PROC_FD_OPEN, 0, &o, sizeof o), ENAMETOOLONG);
	text[PATH_MAX - 1] = 0; /* the longest there is, as a path of one name, is the kernel's matter */
	CFG(fd, PROC_SET_EXEC, 0, text, 0);
	CREATE_FAILS(fd, ENAMETOOLONG, PROC_STAGE_EXEC, -1);
	close(fd);
	free(text);
}

/* A string at the very end of what may be read: with a size nothing beyond it is touched. */
static void strings_at_the_end_of_memory(void)
{
	const size_t size = page_size();
	char *page = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK_EQ(mprotect(page + size, size, PROT_NONE), 0);
	int fd = ctx();
	char *s = page + size - 4;
	memcpy(s, "/usr", 4);
	CFG(fd, PROC_SET_CWD, 0, s, 4);
	s = page + size - 5;
	memcpy(s, "/usr", 5);
	CFG(fd, PROC_SET_CWD, 0, s, 0);
	CFG(fd, PROC_SET_CWD, 0, s, 5);
	const char **v = (const char **)(void *)(page + size - 2 * sizeof *v);
	v[0] = "argument";
	v[1] = NULL;
	CFG(fd, PROC_SET_ARGV, 0, v, 0);
	struct procfd_dup *d = (struct procfd_dup *)(void *)(page + size - sizeof *d);
	*d = (struct procfd_dup){ 0, 3 };
	CFG(fd, PROC_FD_DUP, 0, d, sizeof *d);
	uint32_t half = 1; /* a structure shorter than ours: the rest is zero, and is not read */
	memcpy(page + size - 4, &half, 4);
	CFG(fd, PROC_FD_DUP, 0, page + size - 4, 4);
	close(fd);
	munmap(page, 2 * size);
}

static void unaligned_structures(void)
{
	unsigned char buf[128];
	struct procfd_rlimit l = { 11, 22 };
	struct procfd_wait w = { 0 };
	char key[32];
	int fd = ctx();
	memcpy(buf + 3, &l, sizeof l);
	CFG(fd, PROC_SET_RLIMIT, RLIMIT_CPU, buf + 3, sizeof l);
	set_child(fd, "facts");
	int r = create_with_output(fd, NULL);
	snprintf(key, sizeof key, "rlimit.%d", RLIMIT_CPU);
	FACT_IS(slurp(r), key, "11 22");
	close(r);
	memset(buf, 0, sizeof buf);
	CHECK_EQ(process_manage(fd, PROC_WAIT, 0, buf + 1, 24), 0);
	memcpy(&w, buf + 1, 24);
	CHECK_EQ(w.what, PROC_EXITED);
	close(fd);
}

static void embedded_nul_and_empty(void)
{
	int fd = ctx();
	for (int i = 0; i < 3; i++) {
		uint32_t c = string_commands[i];
		CHECK_ERR(process_config(fd, c, 0, "/a\0b", 4), EINVAL);
		CHECK_ERR(process_config(fd, c, 0, "/ab\0\0", 5), EINVAL);
		CHECK_ERR(process_config(fd, c, 0, "", 0), ENOENT);
		CHECK_ERR(process_config(fd, c, 0, "", 1), ENOENT);
	}
	struct procfd_open o = { "", O_RDONLY, 0 };
	CHECK_ERR(process_config(fd, PROC_FD_OPEN, 0, &o, sizeof o), ENOENT);
	close(fd);
}

static void structure_sizes(void)
{
	static const struct {
		uint32_t cmd;
		uint64_t arg;
		size_t size;
	} table[] = {
		{ PROC_FD_DUP, 0, sizeof(struct procfd_dup) },
		{ PROC_FD_CLOSE_RANGE, 0, sizeof(struct procfd_range) },
		{ PROC_SET_RLIMIT, RLIMIT_CPU, sizeof(struct procfd_rlimit) },
		{ PROC_SET_UID, 0, sizeof(struct procfd_ids) },
		{ PROC_SET_GID, 0, sizeof(struct procfd_ids) },
		{ PROC_SET_CLOSE, SIGKILL, sizeof(struct procfd_close) },
		{ PROC_SET_TIME_LIMIT, 1, sizeof(struct procfd_time_limit) },
	};
	unsigned char *buf = calloc(1, 8192);
	int fd = ctx();
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		for (size_t n = 1; n < 4; n++)
			CHECK_ERR(process_config(fd, table[i].cmd, table[i].arg, buf, n), EINVAL);
		CFG(fd, table[i].cmd, table[i].arg, buf, table[i].size);
		CFG(fd, table[i].cmd, table[i].arg, buf, 4);
		CFG(fd, table[i].cmd, table[i].arg, buf, table[i].size + 1);
		CFG(fd, table[i].cmd, table[i].arg, buf, 4096);
		CHECK_ERR(process_config(fd, table[i].cmd, table[i].arg, buf, 4097), E2BIG);
		CHECK_ERR(process_config(fd, table[i].cmd, table[i].arg, buf, SIZE_MAX), E2BIG);
		buf[table[i].size] = 1;
		CHECK_ERR(process_config(fd, table[i].cmd, table[i].arg, buf, table[i].size + 1), E2BIG);
		buf[table[i].size] = 0;
		buf[4095] = 1;
		CHECK_ERR(process_config(fd, table[i].cmd, table[i].arg, buf, 4096), E2BIG);
		buf[4095] = 0;
	}
	close(fd);
	free(buf);
}

static void arguments_that_mean_nothing(void)
{
	const char *argv[] = { "x", NULL }, *env[] = { "A=1", NULL };
	struct procfd_dup d = { 0, 3 };
	struct procfd_range r = { 3, 4 };
	const struct {
		uint32_t cmd;
		const void *data;
		size_t size;
	} table[] = {
		{ PROC_CREATE, NULL, 0 }, { PROC_COPY, NULL, 0 }, { PROC_SET_ARGV, argv, 0 },
		{ PROC_SET_ENV, env, 0 }, { PROC_SET_ENV_VAR, "A=1", 0 },
		{ PROC_UNSET_ENV_VAR, "A", 0 }, { PROC_SET_CWD, "/", 0 }, { PROC_SET_ROOT, "/", 0 },
		{ PROC_SET_HOSTNAME, "h", 0 }, { PROC_FD_DUP, &d, sizeof d },
		{ PROC_FD_CLOSE_RANGE, &r, sizeof r },
	};
	int fd = ctx();
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		for (int bit = 0; bit < 64; bit += 9) {
			errno = 0;
			if (process_config(fd, table[i].cmd, 1ULL << bit, table[i].data,
					   table[i].size) != -1 || errno != EINVAL)
				FAIL("command %#x, arg bit %d: errno %d", table[i].cmd, bit, errno);
		}
	for (int bit = 1; bit < 64; bit++)
		CHECK_ERR(process_config(fd, PROC_SET_EXEC, 1ULL << bit, "/bin/true", 0), EINVAL);
	CHECK_EQ(state(fd), PROC_STATE_CONFIGURING);
	close(fd);
}

static void descriptor_numbers(void)
{
	uint32_t cmds[] = { PROC_SET_EXEC_FD, PROC_SET_CWD_FD, PROC_FD_CLOSE, PROC_FD_NULL,
			    PROC_FD_INHERIT, PROC_SET_CTTY, PROC_SET_FOREGROUND };
	uint64_t bad[] = { (uint64_t)-1, (uint64_t)-100, 1ULL << 31, 1ULL << 32, 1ULL << 63 };
	int fd = ctx();
	for (size_t i = 0; i < sizeof cmds / sizeof *cmds; i++)
		for (size_t j = 0; j < sizeof bad / sizeof *bad; j++) {
			int rc = process_config(fd, cmds[i], bad[j], NULL, 0);
			if (rc != -1 || (errno != EBADF && errno != EINVAL))
				FAIL("command %#x, descriptor %#llx: %d, errno %d", cmds[i],
				     (unsigned long long)bad[j], rc, errno);
		}
	struct procfd_dup d[] = { { -1, 3 }, { 3, -1 }, { INT_MIN, 0 }, { 0, INT_MIN } };
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(process_config(fd, PROC_FD_DUP, 0, &d[i], sizeof d[i]), -1);
		CHECK(errno == EBADF || errno == EINVAL);
	}
	close(fd);
}

static void long_lists(void)
{
	int fd = ctx();
	for (int i = 0; i < 20000; i++)
		SET(fd, PROC_FD_CLOSE, 500);
	set_child(fd, "exit", "3");
	create(fd);
	expect_exit(fd, 3);
	close(fd);
	fd = ctx(); /* a list without end is refused before memory is */
	int rc = 0;
	for (int i = 0; i < 200000 && rc == 0; i++)
		rc = process_config(fd, PROC_FD_CLOSE, 500, NULL, 0);
	CHECK(rc == 0 || errno == E2BIG || errno == ENOMEM);
	close(fd);
}

/* ---- garbage ---- */

static unsigned long long seed = 0x9e3779b97f4a7c15ULL;

static unsigned long long random_number(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static uint64_t random_arg(void)
{
	switch (random_number() % 6) {
	case 0:
		return 0;
	case 1:
		return random_number() % 70;
	case 2:
		return 1ULL << (random_number() % 64);
	case 3:
		return (uint64_t)-(random_number() % 70);
	default:
		return random_number();
	}
}

/* What leads on to other memory, so that no random bytes will do; and what is no setting. */
static int holds_pointers(uint32_t cmd)
{
	static const uint32_t some[] = { PROC_SET_ARGV, PROC_SET_ENV, PROC_FD_OPEN,   PROC_MOUNT,
					 PROC_CREATE,   PROC_ATTACH,  PROC_COPY,
					 /* A fork goes on in this program, which asks for the time. */
					 PROC_SET_NO_TSC };
	for (size_t i = 0; i < sizeof some / sizeof *some; i++)
		if (cmd == some[i])
			return 1;
	return 0;
}

/* Every command, and numbers that are none, with every kind of argument. */
static void random_calls(void)
{
	static const uint32_t commands[] = { CONFIG_COMMANDS };
	become_nobody();
	static unsigned char buf[8192];
	int fd = ctx(), me = getpid();
	set_child(fd, "exit", "0");
	for (int i = 0; i < 60000; i++) {
		uint32_t cmd = commands[random_number() % (sizeof commands / sizeof *commands)];
		if (random_number() % 8 == 0)
			cmd = 0x100 + (uint32_t)(random_number() % 0x60);
		if (holds_pointers(cmd))
			continue;
		for (int j = 0; j < 64; j++)
			buf[j] = random_number() % 3 ? (unsigned char)random_number() : 0;
		buf[sizeof buf - 1] = 0;
		size_t size = random_number() % 3 ? random_number() % 64 : random_number() % 8192;
		int rc = process_config(fd, cmd, random_arg(), random_number() % 4 ? buf : NULL, size);
		if (rc > 2 && (cmd == PROC_FD_PIPE || cmd == PROC_SET_PTY || cmd == PROC_SET_SECCOMP))
			close(rc);
		else
			CHECK(rc == 0 || (rc == -1 && errno > 0));
		if (i % 50 == 49) { /* start whatever has come of it */
			int pid = process_config(fd, PROC_CREATE, 0, NULL, 0);
			if (pid == 0 || getpid() != me)
				_exit(0);
			if (pid > 0) {
				process_manage(fd, PROC_SIGNAL, SIGKILL, NULL, 0);
				wait_end(fd);
			}
			close(fd);
			fd = ctx();
			set_child(fd, "exit", "0");
		}
	}
	close(fd);
	CHECK_EQ(tap_children(NULL, 0), 0);
}

static void random_questions(void)
{
	static unsigned char buf[8192];
	int fd = ctx();
	set_child(fd, "pause");
	create(fd);
	for (int i = 0; i < 30000; i++) {
		uint32_t cmd = 0x200 + (uint32_t)(random_number() % 3);
		uint64_t arg = random_arg();
		size_t size = random_number() % 64;
		for (int j = 0; j < 64; j++)
			buf[j] = random_number() % 3 ? (unsigned char)random_number() : 0;
		if (cmd == PROC_SIGNAL)
			arg |= 0x80; /* never a real one */
		if (cmd == PROC_WAIT)
			arg |= PROC_WAIT_NOHANG;
		int rc = process_manage(fd, cmd, arg, random_number() % 4 ? buf : NULL, size);
		if (cmd == PROC_GETFD && rc >= 0)
			close(rc);
		cmd = 0x2ff + (uint32_t)(random_number() % 8);
		rc = process_info(fd, cmd, arg, random_number() % 4 ? buf : NULL, size);
		if (cmd == PROC_INFO_PIDFD && rc >= 0)
			close(rc);
	}
	finish(fd);
}

TAP_MAIN(CASE(null_where_data_is_needed), CASE(null_inside_arrays), CASE(strings_too_long),
	 CASE(strings_at_the_end_of_memory), CASE(unaligned_structures),
	 CASE(embedded_nul_and_empty), CASE(structure_sizes), CASE(arguments_that_mean_nothing),
	 CASE(descriptor_numbers), CASE(long_lists), CASE(random_calls), CASE(random_questions))

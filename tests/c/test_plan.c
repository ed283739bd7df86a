// SPDX-License-Identifier: MIT OR Apache-2.0
/* PROC_INFO_PLAN: what it says, and when it says nothing. tests/plan compares it with the start. */
#include "util.h"

static void in_lines_and_as_json(void)
{
	char text[4096], cut[8];
	int fd = ctx();
	set_program(fd, "/bin/true", (char *)NULL);
	SET(fd, PROC_SET_UMASK, 027);
	int length = process_info(fd, PROC_INFO_PLAN, 0, text, sizeof text);
	CHECK(length > 0 && (size_t)length == strlen(text));
	CHECK(strstr(text, "set the umask 0o27: umask\n") != NULL);
	CHECK(strstr(text, "execute \"/bin/true\": execve\n") != NULL);
	/* The whole length, whatever fits. */
	CHECK_EQ(process_info(fd, PROC_INFO_PLAN, 0, NULL, 0), length);
	CHECK_EQ(process_info(fd, PROC_INFO_PLAN, 0, cut, sizeof cut), length);
	CHECK(!memcmp(cut, text, sizeof cut));
	length = process_info(fd, PROC_INFO_PLAN, PROC_PLAN_JSON, text, sizeof text);
	CHECK(length > 0 && text[0] == '[' && text[length - 1] == ']');
	CHECK(strstr(text, "\"what\":\"execute \\\"/bin/true\\\"\",\"calls\":[\"execve\"]}]") != NULL);
	/* Nothing was started, and the start comes. */
	CHECK_EQ(process_info(fd, PROC_INFO_STATE, 0, NULL, 0), PROC_STATE_CONFIGURING);
	create(fd);
	expect_exit(fd, 0);
	close(fd);
}

static void it_depends_on_what_is_set(void)
{
	char text[4096];
	int fd = ctx();
	set_program(fd, "/bin/true", (char *)NULL);
	CHECK(process_info(fd, PROC_INFO_PLAN, 0, text, sizeof text) > 0);
	CHECK(strstr(text, "arm the close policy") == NULL);
	SET(fd, PROC_SET_CLOSE, SIGKILL);
	CHECK(process_info(fd, PROC_INFO_PLAN, 0, text, sizeof text) > 0);
	CHECK(strstr(text, "arm the close policy") != NULL);
	close(fd);
}

static void refusals(void)
{
	char text[64];
	int fd = ctx();
	set_program(fd, "/bin/true", (char *)NULL);
	CHECK_ERR(process_info(fd, PROC_INFO_PLAN, 2, text, sizeof text), EINVAL);
	CFG(fd, PROC_SET_HOSTNAME, 0, "x", 0);
	CHECK_ERR(process_info(fd, PROC_INFO_PLAN, 0, text, sizeof text), EINVAL);
	CHECK_EQ(last_error(fd).stage, PROC_STAGE_PLAN);
	close(fd);
	fd = ctx();
	set_program(fd, "/bin/true", (char *)NULL);
	create(fd);
	CHECK_ERR(process_info(fd, PROC_INFO_PLAN, 0, text, sizeof text), EBUSY);
	expect_exit(fd, 0);
	close(fd);
	CHECK_ERR(process_info(-1, PROC_INFO_PLAN, 0, text, sizeof text), EBADF);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CHECK_ERR(process_info(fd, PROC_INFO_PLAN, 0, text, sizeof text), EINVAL);
	close(fd);
}

TAP_MAIN(CASE(in_lines_and_as_json), CASE(it_depends_on_what_is_set), CASE(refusals))

// SPDX-License-Identifier: MIT OR Apache-2.0
/* without UID PROGRAM [ARGS]: run it as that user where clone3(2) answers EINVAL to CLONE_PIDFD_AUTOKILL, as kernels
 * before 7.1 do. Needs root. A seccomp filter cannot read the flags: this process reads them for it. */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#define AUTOKILL 0x1000000000ull

static void die(const char *what)
{
	perror(what);
	_exit(124);
}

/* Sends FD (or -1: receives one) over the socket; returns it. */
static int passed(int socket, int fd)
{
	char byte = 0;
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec io = { &byte, 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	if (fd < 0) {
		if (recvmsg(socket, &m, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&m))
			die("recvmsg");
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
		return fd;
	}
	control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
	if (sendmsg(socket, &m, 0) != 1)
		die("sendmsg");
	return fd;
}

static void child(int socket, uid_t uid, char **argv)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { .len = sizeof code / sizeof *code, .filter = code };
	int listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
	if (listener < 0)
		die("seccomp");
	passed(socket, listener);
	close(listener);
	close(socket);
	if (uid && (setgroups(0, NULL) || setgid(uid) || setuid(uid)))
		die("setuid");
	execv(argv[0], argv);
	die(argv[0]);
}

/* Answers one call. */
static void answer(int listener)
{
	struct seccomp_notif call = { 0 };
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call))
		return;
	uint64_t flags = 0;
	struct iovec here = { &flags, sizeof flags }, there = { (void *)(uintptr_t)call.data.args[0], sizeof flags };
	struct seccomp_notif_resp response = { .id = call.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };
	/* What cannot be read has the kernel's own answer. */
	if (process_vm_readv((pid_t)call.pid, &here, 1, &there, 1, 0) == sizeof flags && (flags & AUTOKILL)) {
		response.flags = 0;
		response.error = -EINVAL;
	}
	/* The caller may have been killed meanwhile. */
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

int main(int argc, char **argv)
{
	int pair[2], status;
	if (argc < 3)
		return 2;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		die("socketpair");
	pid_t pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0)
		child(pair[1], (uid_t)atoi(argv[1]), argv + 2);
	close(pair[1]);
	struct pollfd p = { .fd = passed(pair[0], -1), .events = POLLIN };
	/* Until no process has the filter. */
	while (!(p.revents & POLLHUP)) {
		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			die("poll");
		if (p.revents & POLLIN)
			answer(p.fd);
	}
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

# SPDX-License-Identifier: MIT OR Apache-2.0
# Of strace -f: each descriptor below 3 that a call of the creator's table returns is moved by fcntl(F_DUPFD_CLOEXEC)
# and closed by the next calls of its thread. Between two calls named getppid. Says what is not so, and counts.
# A child shares the creator's table until it leaves it by close_range(CLOSE_RANGE_UNSHARE) or unshare(2).

function below(number) { return number ~ /^[0-9]+$/ && number + 0 < 3 }
function pend(thread, number) { pending[thread, number] = 1; waits[thread]++; seen++ }
function bad(why) { print why ": " $0; faults++ }

{ thread = $1; sub(/^[0-9]+ +/, "") }
NR == 1 { creator = thread }
/^getppid\(/ && thread == creator { inside = !inside }
!inside { next }
/ <unfinished \.\.\.>$/ { begun[thread] = $0; sub(/ <unfinished \.\.\.>$/, "", begun[thread]); next }
/^<\.\.\. [a-z0-9_]+ resumed>/ { rest = $0; sub(/^<\.\.\. [a-z0-9_]+ resumed>/, "", rest); $0 = begun[thread] rest }
/^(\+\+\+|---)/ || apart[thread] { next }
{
    call = $0; sub(/\(.*/, "", call)
    result = $0; sub(/.*\) += /, "", result); sub(/ .*/, "", result)
    first = $0; sub(/^[a-z0-9_]+\(/, "", first); sub(/[,)].*/, "", first)
}
(call == "close_range" && /UNSHARE/) || (call == "unshare" && /CLONE_FILES/) || call ~ /^execve/ { apart[thread] = 1 }
# A fork has a table of its own.
(call == "clone" || call == "clone3" || call == "vfork") && result ~ /^[0-9]+$/ && !/CLONE_FILES/ { apart[result] = 1 }
waits[thread] && call == "fcntl" && /F_DUPFD_CLOEXEC, [3-9]/ && pending[thread, first] { next }
waits[thread] && call == "close" && pending[thread, first] { delete pending[thread, first]; waits[thread]--; next }
waits[thread] { bad("a call before a descriptor below 3 has moved"); waits[thread] = 0; split("", pending) }
call == "socketpair" || call == "pipe2" {
    pair = $0; sub(/.*\[/, "", pair); sub(/\].*/, "", pair); split(pair, ends, ", ")
    for (i = 1; i <= 2; i++) if (result == "0" && below(ends[i])) pend(thread, ends[i])
    next
}
call == "recvmsg" && /SCM_RIGHTS/ {
    fds = $0; sub(/.*cmsg_data=\[/, "", fds); sub(/\].*/, "", fds); n = split(fds, ends, ", ")
    for (i = 1; i <= n; i++) if (below(ends[i])) pend(thread, ends[i])
    next
}
(call == "clone3" || call == "clone") && /CLONE_PIDFD/ && /=> \{/ {
    pidfd = $0; sub(/.*parent_tid=\[/, "", pidfd); sub(/.*pidfd=\[?/, "", pidfd); sub(/[\],}].*/, "", pidfd)
    if (below(pidfd)) pend(thread, pidfd)
    next
}
call ~ /^(openat|openat2|open|socket|accept|accept4|memfd_create|epoll_create1|timerfd_create|pidfd_open|pidfd_getfd|signalfd4|eventfd2|dup|dup3|fcntl|io_uring_setup|landlock_create_ruleset|fsopen|fsmount|open_tree|ioctl|getsockopt)$/ {
    made = result
    if (call == "fcntl" && !/F_DUPFD/) next
    if (call == "ioctl" && !/TIOCGPTPEER|_IOC_NONE, 0xff|_NAMESPACE/) next
    if (call == "getsockopt") { if (!/SO_PEERPIDFD/) next; made = $0; sub(/.*\[/, "", made); sub(/\].*/, "", made) }
    if (below(made)) pend(thread, made)
}
END { print seen + 0 " moved"; exit faults > 0 }

// SPDX-License-Identifier: MIT OR Apache-2.0
// Made by scripts/gen-header.py.
{
    layout!(procfd_close { scope, second_signal, delay_ns });
    layout!(procfd_dup { source, target });
    layout!(procfd_open { path, flags, mode });
    layout!(procfd_range { first, last });
    layout!(procfd_ids { real, effective, saved, reserved });
    layout!(procfd_rlimit { soft, hard });
    layout!(procfd_idmap { inside, outside, count, reserved });
    layout!(procfd_signal { scope, flags, value });
    layout!(procfd_kill_tree { flags, how, signalled, refused });
    layout!(procfd_prlimit { flags, soft, hard, old_soft, old_hard });
    layout!(procfd_sched { policy, reserved, flags, nice, priority, runtime_ns, deadline_ns, period_ns, util_min, util_max });
    layout!(procfd_madvise { iov, count, advice, reserved });
    layout!(procfd_rusage { utime_ns, stime_ns, maxrss, minflt, majflt, inblock, oublock, nvcsw, nivcsw });
    layout!(procfd_wait { timeout_ns, what, status, mask, usage });
    layout!(procfd_info { mask, inode, cgroup_id, pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid, exit_what, exit_status, reserved });
    layout!(procfd_error { stage, index, saved_errno, reserved, message });
    layout!(procfd_ioctl_arg { arg, data, size });
}

// SPDX-License-Identifier: MIT OR Apache-2.0
// Made by scripts/gen-header.py.
{
    layout!(procfd_spawn { flags, program, env, cwd, pipes, close_signal, stdio, fds, reserved, input, input_size });
    layout!(procfd_rusage { utime_ns, stime_ns, maxrss, minflt, majflt, inblock, oublock, nvcsw, nivcsw });
    layout!(procfd_wait { timeout_ns, what, status, mask, usage });
    layout!(procfd_close { scope, second_signal, delay_ns });
    layout!(procfd_time_limit { signal, second_signal, delay_ns });
    layout!(procfd_dup { source, target });
    layout!(procfd_open { path, flags, mode });
    layout!(procfd_range { first, last });
    layout!(procfd_ids { real, effective, saved, reserved });
    layout!(procfd_rlimit { soft, hard });
    layout!(procfd_idmap { inside, outside, count, reserved });
    layout!(procfd_landlock { fs, net, scoped });
    layout!(procfd_mount { source, target, options, content, content_size, set, clear, flags, propagation, mode, user_namespace });
    layout!(procfd_signal { scope, flags, value });
    layout!(procfd_kill_tree { flags, how, signalled, refused });
    layout!(procfd_prlimit { flags, soft, hard, old_soft, old_hard });
    layout!(procfd_sched { policy, reserved, flags, nice, priority, runtime_ns, deadline_ns, period_ns, util_min, util_max });
    layout!(procfd_madvise { iov, count, advice, reserved });
    layout!(procfd_info { mask, inode, cgroup_id, pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid, exit_what, exit_status, error, state, task_flags, start_boot_ns, start_real_ns, user_ns, system_ns, children_user_ns, children_system_ns, mem_virtual, mem_resident, comm, cpu_ns, pgid, sid, tpgid, threads, tty, minflt, majflt, children_minflt, children_majflt, priority, nice, policy, rt_priority, processor, tracer, guest_ns, children_guest_ns, block_io_ns, cpu_user_ns, cpu_system_ns, mem_shared, mem_text, mem_data, mem_peak_virtual, mem_peak_resident, mem_anon, mem_file, mem_shmem, mem_locked, mem_pinned, mem_private_data, mem_stack, mem_exe, mem_lib, mem_page_tables, mem_swap, sig_pending_thread, sig_pending_process, sig_blocked, sig_ignored, sig_caught, sig_queued, sig_queue_limit, cap_inheritable, cap_permitted, cap_effective, cap_bounding, cap_ambient, no_new_privs, seccomp, seccomp_filters, umask, ns_pid, ns_depth, dumpable, coredump, coredump_signal, oom_score_adj, oom_score, loginuid, audit_session, autogroup_nice, autogroup, io_read_chars, io_write_chars, io_read_calls, io_write_calls, io_read_bytes, io_write_bytes, io_cancelled_write_bytes, ioprio, fd_count, fd_table, mounts, fd_limit, core_sched_cookie, ns_cgroup_id, ns_ipc_id, ns_mnt_id, ns_net_id, ns_pid_id, ns_pid_for_children_id, ns_time_id, ns_time_for_children_id, ns_user_id, ns_uts_id, mem_pss, mem_uss, mem_swapped, mem_swap_pss, nvcsw, nivcsw, run_delay_ns, run_slices, timer_slack_ns, coredump_filter, securebits, personality, usage_known, usage, limits, denied, unsupported, gone, nothing });
    layout!(procfd_snapshot { scope, flags, fds, fd_count, entries, entry_size, room, total });
    layout!(procfd_change { fd, want, changed, what, status, error });
    layout!(procfd_changes { timeout_ns, entries, entry_size, count });
    layout!(procfd_error { stage, index, saved_errno, reserved, message });
    layout!(procfd_ioctl_arg { arg, data, size });
    layout!(procfd_map { size, flags, start, end, offset, inode, device, path_offset, path_len });
    layout!(procfd_fd { size, fd, kind, flags, position, inode, device, rdev, path_offset, path_len });
    layout!(procfd_ref { pid, ppid, start_boot_ns, inode });
    layout!(procfd_thread { mask, start_boot_ns, user_ns, system_ns, guest_ns, block_io_ns, cpu_ns, run_delay_ns, slices, nvcsw, nivcsw, minflt, majflt, sig_pending, sig_blocked, rchar, wchar, syscr, syscw, read_bytes, write_bytes, cancelled_write_bytes, tid, state, kernel_flags, priority, nice, policy, rt_priority, processor, ioprio, reserved, comm, spare });
}

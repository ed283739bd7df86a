// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

use super::*;
use crate::child::When;

/// The calls of the child, or why there are none.
fn outcome(settings: &Settings) -> Result<String, String> {
    let prepared = settings.prepare().map_err(|e| e.to_string())?;
    let all =
        [When::FUSE, When::HAS_FUSE, When::GO, When::CLOSES, When::COPIED, When::NEW_USER, When::CGROUP];
    let all = all.into_iter().fold(When::SHARED_MEMORY, When::and);
    Ok(format!("{:?}", prepared.list.outline(all)))
}

#[test]
fn families_that_nothing_was_set_of_change_nothing() {
    let changes: &[fn(&mut Settings) -> Set] = &[
        |_| Ok(()),
        |s| s.set_program(Program::Path(c"/bin/true".into())),
        |s| s.set_program(Program::Fd(9)),
        |s| s.set_argv(vec![c"x".into()]),
        |s| s.add_dup(1, 7),
        |s| s.set_inherit_all(true),
        |s| s.set_close(Some((libc::SIGKILL, Scope::Process, None))),
        |s| s.set_close(Some((libc::SIGTERM, Scope::ProcessGroup, None))),
        |s| s.set_init(true),
        |s| s.set_suspended(true),
        |s| s.set_mask(5),
        |s| s.set_default_signals(9),
        |s| s.add_pty(WindowSize::default()).map(drop),
        |s| s.set_umask(0o22),
        |s| s.set_root(c"/".into()),
        |s| s.set_session(true),
        |s| s.set_group(0),
        |s| s.set_ctty(0),
        |s| s.set_uid(Ids::all(5)),
        |s| s.set_groups(vec![7]),
        |s| s.set_rlimit(libc::RLIMIT_NOFILE, 9, 9),
        |s| s.set_rlimit(libc::RLIMIT_CORE, 0, 0),
        |s| s.set_nice(3),
        |s| s.set_timer_slack(5),
        |s| s.set_cgroup_fd(9),
        |s| s.set_scheduler(Some(Scheduler { policy: libc::SCHED_BATCH as u32, ..Scheduler::default() })),
        |s| s.set_affinity(Some(vec![1])),
        |s| s.set_numa(0, Vec::new()),
        |s| s.set_oom_score_adj(5),
        |s| s.set_thp_disable(true),
        |s| s.set_keep_caps(true),
        |s| s.set_cap_effective(1),
        |s| s.set_cap_bounding(1),
        |s| s.set_no_new_privs(true),
        |s| s.set_pdeathsig(9),
        |s| s.set_keyring(c"x".into()),
        |s| s.add_seccomp(vec![0x0006, 0x7fff_0000], 0),
        |s| s.set_landlock(Some(Landlock::new())),
        |s| s.set_apparmor_profile(c"x".into()),
        |s| s.set_private_tmp(true),
        |s| s.set_tmpfs_root(true),
        |s| s.add_namespaces(Namespaces::USER.bits()),
        |s| s.add_namespaces(Namespaces::PID.bits()),
        |s| s.add_namespaces((Namespaces::MOUNT | Namespaces::TIME | Namespaces::UTS).bits()),
        |s| s.set_uid_map(vec![IdMap { inside: 0, outside: 0, count: 1 }]),
        |s| s.set_hostname(b"x".to_vec()),
        |s| s.add_join_fd(Namespaces::USER.bits(), 9),
        |s| s.add_join_fd(Namespaces::PID.bits(), 9),
        |s| s.set_time_offset(1, 5, 0),
        |s| s.add_sysctl(c"kernel.shmmax=1".into()),
        |s| s.set_tid(vec![77]),
        |s| s.set_no_tsc(true),
        |s| s.set_subreaper(true),
        |s| s.set_ioprio(0),
        |s| s.set_speculation(0, None),
    ];
    let mut compared = 0;
    for first in changes {
        for second in changes {
            let mut settings = Settings::default();
            settings.change(|s| s.set_program(Program::Path(c"/bin/true".into()))).unwrap();
            if settings.change(first).is_err() || settings.change(second).is_err() {
                continue;
            }
            let mut all = settings.clone();
            all.change(|s| {
                s.make(Families::all());
                Ok(())
            })
            .unwrap();
            assert_eq!(outcome(&settings), outcome(&all));
            compared += 1;
        }
    }
    assert!(compared > 40 * 40, "{compared}");
}

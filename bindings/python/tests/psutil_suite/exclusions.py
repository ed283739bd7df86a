# SPDX-License-Identifier: MIT OR Apache-2.0
"""Tests of psutil that say nothing about procfd: what is in the name, and why."""

MOCKED = "replaces what psutil itself reads or calls, which procfd does not"
IDENTITY = "is about the identity that psutil keeps for a pid; a descriptor needs none"
WORDS = "is about the words of psutil's own messages"
REAPED = "waits until a process is reaped; a wait of procfd is for its end"
STATUS = "wants no status of what is not a child; procfd has it from Linux 6.15 on"
GROUPED = "adds up the mappings of a file, with the sizes of smaps"

LOAD = "gives a start 2 seconds, which a busy machine may exceed"
ROUNDED = "compares with ps, which has the time of the boot in whole seconds"
NO_PSUTIL = "starts an interpreter that does not have psutil"

EXCLUDED = {
    r"::test_(send_signal|cmdline(_spaces)?|cwd|exe|threads|terminal|parse_smaps)_mocked": MOCKED,
    r"::test_(parent|children)_mocked_ctime": IDENTITY,
    r"::test_cpu_percent_numcpus_none|::test_cmdline_mixed_separators": MOCKED,
    r"::test_as_dict$|::test_oneshot(_twice)?$|::test_pidfd_open_(race|errors)": MOCKED,
    r"::test_zombie_process_(is_running|status)_w_exc": MOCKED,
    r"::test_issue_(1014|2418)|::test_(net_connections|open_files)_enametoolong": MOCKED,
    r"::test_open_files_(fd|file)_gone|::test_readlink_path_deleted_mocked": MOCKED,
    r"::test_(stat|status)_file_parsing|::test_name_long_cmdline_(ad|nsp)_exc": MOCKED,
    r"test_posix.py.*::test_name_long": MOCKED,
    r"::test_reused_pid": IDENTITY,
    r"test_process.py.*::test_create_time": LOAD,
    r"test_posix.py.*::test_create_time": ROUNDED,
    r"::test_multi_sockets_procs": NO_PSUTIL,
    r"::test_wait_errors": WORDS,
    r"::test_wait_zombie|::test_rlimit_zombie|::test_zombie_process$": REAPED,
    r"::test_wait_non_children": STATUS,
    r"::test_memory_maps$|::test_parse_smaps_vs_memory_maps": GROUPED,
}

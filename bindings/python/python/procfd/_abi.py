# SPDX-License-Identifier: MIT OR Apache-2.0
# Made from include/procfd.h by scripts/gen-python-abi.py: change it there.
"""The constants and structures of procfd.h."""

from __future__ import annotations

import ctypes
from typing import Any, ClassVar


class Structure(ctypes.Structure):
    """A structure of the header, which shows its members."""

    _fields_: ClassVar[Any] = []

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name, *_ in self._fields_)
        return f"{type(self).__name__}({', '.join(shown)})"


PROCFD_NO_WATCH = 0x1
PROCFD_AUTOREAP = 0x2
PROCFD_PIDFD = 0x4
PROC_CREATE = 0x100
PROC_SET_FLAG = 0x101
PROC_SET_CLOSE = 0x102
PROC_SET_TIME_LIMIT = 0x1AF
PROC_SET_EXEC = 0x103
PROC_SET_OWN_PATH = 0x1B0
PROC_SET_EXEC_FD = 0x104
PROC_SET_ARGV = 0x105
PROC_SET_ENV = 0x106
PROC_SET_ENV_VAR = 0x107
PROC_UNSET_ENV_VAR = 0x108
PROC_SET_CWD = 0x109
PROC_SET_CWD_FD = 0x10A
PROC_SET_ROOT = 0x10B
PROC_ATTACH = 0x10C
PROC_COPY = 0x10D
PROC_FD_DUP = 0x120
PROC_FD_OPEN = 0x121
PROC_FD_CLOSE = 0x122
PROC_FD_CLOSE_RANGE = 0x123
PROC_FD_NULL = 0x124
PROC_FD_INHERIT = 0x125
PROC_FD_INHERIT_ALL = 0x126
PROC_FD_PIPE = 0x127
PROC_FD_DATA = 0x128
PROC_FD_PIPE_SIZE = 0x129
PROC_SET_SIGMASK = 0x140
PROC_SET_SIGDEFAULT = 0x141
PROC_SET_SIGIGNORE = 0x142
PROC_SET_SESSION = 0x143
PROC_SET_PGROUP = 0x144
PROC_SET_CTTY = 0x145
PROC_SET_FOREGROUND = 0x146
PROC_SET_PTY = 0x1CD
PROC_START_SUSPENDED = 0x1CC
PROC_SET_UID = 0x147
PROC_SET_GID = 0x148
PROC_SET_GROUPS = 0x149
PROC_SET_USER = 0x1D0
PROC_SET_UMASK = 0x14A
PROC_SET_RLIMIT = 0x14B
PROC_SET_NICE = 0x14C
PROC_SET_TIMERSLACK = 0x155
PROC_SET_PERSONALITY = 0x1C1
PROC_SET_NO_TSC = 0x1C2
PROC_SET_SUBREAPER = 0x1C3
PROC_SET_IOPRIO = 0x1C4
PROC_SET_MCE_KILL = 0x19F
PROC_SET_SPECULATION = 0x1AC
PROC_SET_SCHEDULER = 0x1A0
PROC_SET_AFFINITY = 0x1A1
PROC_SET_OOM_SCORE_ADJ = 0x1A2
PROC_SET_CGROUP = 0x1A3
PROC_SET_CGROUP_FD = 0x1A4
PROC_SET_CGROUP_LEAF = 0x1AD
PROC_SET_CGROUP_LIMIT = 0x1AE
PROC_SET_COREDUMP_FILTER = 0x1A6
PROC_SET_THP_DISABLE = 0x1A7
PROC_SET_MEMORY_MERGE = 0x1A8
PROC_SET_MDWE = 0x1A9
PROC_SET_CORE_SCHED = 0x1AA
PROC_SET_NUMA = 0x1AB
PROC_SET_NO_NEW_PRIVS = 0x14D
PROC_SET_CAP_BOUNDING = 0x180
PROC_SET_CAP_PERMITTED = 0x181
PROC_SET_CAP_EFFECTIVE = 0x182
PROC_SET_CAP_INHERITABLE = 0x183
PROC_SET_CAP_AMBIENT = 0x184
PROC_SET_KEEP_CAPS = 0x185
PROC_SET_SECUREBITS = 0x186
PROC_SET_SECCOMP = 0x188
PROC_SET_KEYRING = 0x189
PROC_SET_SELINUX_CONTEXT = 0x18E
PROC_SET_APPARMOR_PROFILE = 0x18F
PROC_SET_SMACK_LABEL = 0x190
PROC_SET_LANDLOCK = 0x18A
PROC_LANDLOCK_PATH = 0x18B
PROC_LANDLOCK_PORT = 0x18C
PROC_LANDLOCK_FD = 0x18D
PROC_SET_PDEATHSIG = 0x14E
PROC_SET_EXIT_SIGNAL = 0x14F
PROC_SET_UID_MAP = 0x150
PROC_SET_GID_MAP = 0x151
PROC_SET_SETGROUPS = 0x152
PROC_SET_HOSTNAME = 0x153
PROC_SET_DOMAINNAME = 0x1C0
PROC_JOIN_FD = 0x1C8
PROC_JOIN_PATH = 0x1C9
PROC_SET_TIME_OFFSET = 0x1CA
PROC_SET_SYSCTL = 0x1CB
PROC_SET_TID = 0x1D1
PROC_SET_INIT = 0x154
PROC_MOUNT = 0x160
PROC_SET_PIVOT_ROOT = 0x161
PROC_SET_TMPFS_ROOT = 0x162
PROC_SET_READONLY_ROOT = 0x163
PROC_SET_PRIVATE_TMP = 0x164
PROC_SET_PRIVATE_DEV = 0x165
PROC_SET_MOUNT_PROPAGATION = 0x166
PROC_EXEC_PATH = 0x1
PROC_PIPE_TO_CHILD = 0x100000000
PROC_PIPE_FROM_CHILD = 0x200000000
PROC_SETGROUPS_AUTO = 0
PROC_SETGROUPS_ALLOW = 1
PROC_SETGROUPS_DENY = 2
PROC_LANDLOCK_STRICT = 0x1
PROC_MOUNT_BIND = 1
PROC_MOUNT_FILESYSTEM = 2
PROC_MOUNT_DEV = 3
PROC_MOUNT_FILE = 4
PROC_MOUNT_SYMLINK = 5
PROC_MOUNT_DIRECTORY = 6
PROC_MOUNT_REMOUNT = 7
PROC_MOUNT_MOVE = 8
PROC_MOUNT_UNMOUNT = 9
PROC_MOUNT_PROPAGATION = 10
PROC_MOUNT_RECURSIVE = 0x1
PROC_MOUNT_CREATE = 0x2
PROC_MOUNT_IDMAP = 0x4
PROC_SIGNAL = 0x200
PROC_WAIT = 0x201
PROC_GETFD = 0x202
PROC_KILL_TREE = 0x203
PROC_STOP = 0x204
PROC_CONT = 0x205
PROC_SETNS = 0x206
PROC_RLIMIT = 0x207
PROC_PRIORITY = 0x208
PROC_SCHEDULER = 0x209
PROC_AFFINITY = 0x20A
PROC_IOPRIO = 0x20B
PROC_OOM_SCORE_ADJ = 0x20C
PROC_CGROUP = 0x20D
PROC_MADVISE = 0x20E
PROC_MRELEASE = 0x20F
PROC_RESUME = 0x210
PROC_TREE_CGROUP = 0x1
PROC_TREE_BY_WALK = 1
PROC_TREE_BY_INIT = 2
PROC_TREE_BY_CGROUP = 3
PROC_RLIMIT_SET = 0x1
PROC_WAIT_NOHANG = 0x1
PROC_WAIT_PEEK = 0x2
PROC_WAIT_STOPPED = 0x4
PROC_WAIT_CONTINUED = 0x8
PROC_EXITED = 1
PROC_KILLED = 2
PROC_DUMPED = 3
PROC_STOPPED = 4
PROC_CONTINUED = 5
PROC_WAIT_HAS_USAGE = 0x1
PROC_SCOPE_PROCESS = 0
PROC_SCOPE_THREAD = 1
PROC_SCOPE_PGROUP = 2
PROC_SIGNAL_VALUE = 0x1
PROC_INFO = 0x300
PROC_INFO_STATE = 0x301
PROC_INFO_PID = 0x302
PROC_INFO_PIDFD = 0x303
PROC_INFO_ERROR = 0x304
PROC_INFO_PLAN = 0x305
PROC_PLAN_JSON = 1
PROC_STATE_CONFIGURING = 0
PROC_STATE_RUNNING = 1
PROC_STATE_EXITED = 2
PROCFD_ERROR_MESSAGE_MAX = 496
PROC_STAGE_NONE = 0
PROC_STAGE_CONFIG = 1
PROC_STAGE_PLAN = 2
PROC_STAGE_STACK = 3
PROC_STAGE_FUSE = 4
PROC_STAGE_CLONE = 5
PROC_STAGE_PUBLISH = 6
PROC_STAGE_CHILD_DIED = 7
PROC_STAGE_WATCHER = 8
PROC_STAGE_ATTACH = 9
PROC_STAGE_IDMAP_HELPER = 10
PROC_STAGE_SIGNALS = 32
PROC_STAGE_NICE = 33
PROC_STAGE_RLIMIT = 34
PROC_STAGE_SESSION = 35
PROC_STAGE_PGROUP = 36
PROC_STAGE_CTTY = 37
PROC_STAGE_FOREGROUND = 38
PROC_STAGE_ARM = 39
PROC_STAGE_FD_TABLE = 40
PROC_STAGE_SETGROUPS = 41
PROC_STAGE_UID_MAP = 42
PROC_STAGE_GID_MAP = 43
PROC_STAGE_HOSTNAME = 44
PROC_STAGE_ROOT = 45
PROC_STAGE_CWD = 46
PROC_STAGE_FD = 47
PROC_STAGE_UMASK = 48
PROC_STAGE_GROUPS = 49
PROC_STAGE_GID = 50
PROC_STAGE_UID = 51
PROC_STAGE_NO_NEW_PRIVS = 52
PROC_STAGE_PDEATHSIG = 53
PROC_STAGE_SIGMASK = 54
PROC_STAGE_EXEC = 55
PROC_STAGE_INIT = 56
PROC_STAGE_TIMERSLACK = 57
PROC_STAGE_DOMAINNAME = 112
PROC_STAGE_PERSONALITY = 113
PROC_STAGE_TSC = 114
PROC_STAGE_SUBREAPER = 115
PROC_STAGE_IOPRIO = 116
PROC_STAGE_SUSPEND = 119
PROC_STAGE_JOIN = 118
PROC_STAGE_NAMESPACES = 109
PROC_STAGE_TIME_OFFSETS = 122
PROC_STAGE_SYSCTL = 123
PROC_STAGE_MOUNT_PROPAGATION = 64
PROC_STAGE_NEW_ROOT = 65
PROC_STAGE_MOUNT_SOURCE = 66
PROC_STAGE_MOUNT_TARGET = 67
PROC_STAGE_MOUNT = 68
PROC_STAGE_PIVOT_ROOT = 69
PROC_STAGE_PRIVATE_TMP = 70
PROC_STAGE_PRIVATE_DEV = 71
PROC_STAGE_SCHEDULER = 96
PROC_STAGE_AFFINITY = 97
PROC_STAGE_OOM_SCORE_ADJ = 98
PROC_STAGE_KEEP_CAPS = 80
PROC_STAGE_CAPS = 81
PROC_STAGE_BOUNDING = 82
PROC_STAGE_AMBIENT = 83
PROC_STAGE_SECUREBITS = 84
PROC_STAGE_CGROUP = 99
PROC_STAGE_CGROUP_LEAF = 107
PROC_STAGE_CGROUP_LIMIT = 108
PROC_STAGE_COREDUMP_FILTER = 100
PROC_STAGE_THP_DISABLE = 101
PROC_STAGE_MEMORY_MERGE = 102
PROC_STAGE_MDWE = 103
PROC_STAGE_CORE_SCHED = 104
PROC_STAGE_NUMA = 105
PROC_STAGE_SPECULATION = 106
PROC_STAGE_SECCOMP = 85
PROC_STAGE_KEYRING = 86
PROC_STAGE_LANDLOCK = 87
PROC_STAGE_LANDLOCK_RULE = 88
PROC_STAGE_LANDLOCK_FD = 91
PROC_STAGE_LABEL = 92
PROC_STAGE_MCE_KILL = 95
PROC_CHANGES = 0x331
PROC_CHANGE_START = 0x1
PROC_CHANGE_STOP = 0x2
PROC_CHANGE_CONTINUE = 0x4
PROC_CHANGE_EXIT = 0x8
PROC_FIELD_IDS = 0x1
PROC_FIELD_CREDS = 0x2
PROC_FIELD_CGROUP_ID = 0x4
PROC_FIELD_EXIT = 0x8
PROC_FIELD_INODE = 0x10
PROC_FIELD_STATE = 0x20
PROC_FIELD_JOB = 0x40
PROC_FIELD_START = 0x80
PROC_FIELD_COMM = 0x100
PROC_FIELD_TIMES = 0x200
PROC_FIELD_MEMORY = 0x400
PROC_FIELD_FAULTS = 0x800
PROC_FIELD_SCHED = 0x1000
PROC_FIELD_THREADS = 0x2000
PROC_FIELD_CPU = 0x4000
PROC_FIELD_CPU_SPLIT = 0x8000
PROC_FIELD_MEMORY_PARTS = 0x10000
PROC_FIELD_MEMORY_DETAIL = 0x20000
PROC_FIELD_SIGNALS = 0x40000
PROC_FIELD_CAPS = 0x80000
PROC_FIELD_SECURITY = 0x100000
PROC_FIELD_TRACER = 0x200000
PROC_FIELD_UMASK = 0x400000
PROC_FIELD_NS_PID = 0x800000
PROC_FIELD_DUMPABLE = 0x1000000
PROC_FIELD_COREDUMP = 0x2000000
PROC_FIELD_IO = 0x4000000
PROC_FIELD_OOM = 0x8000000
PROC_FIELD_LOGIN = 0x10000000
PROC_FIELD_AUTOGROUP = 0x20000000
PROC_FIELD_IOPRIO = 0x40000000
PROC_FIELD_CORE_SCHED = 0x80000000
PROC_FIELD_FDS = 0x100000000
PROC_FIELD_NAMESPACES = 0x200000000
PROC_FIELD_LIMITS = 0x400000000
PROC_FIELD_MOUNTS = 0x800000000
PROC_FIELD_MEMORY_SET = 0x1000000000
PROC_FIELD_SWITCHES = 0x2000000000
PROC_FIELD_RUN_DELAY = 0x4000000000
PROC_FIELD_USAGE = 0x8000000000
PROC_FIELD_COREDUMP_FILTER = 0x10000000000
PROC_FIELD_TIMER_SLACK = 0x20000000000
PROC_FIELD_SECUREBITS = 0x40000000000
PROC_FIELD_PERSONALITY = 0x80000000000
PROC_USAGE_TIMES = 0x1
PROC_USAGE_MAXRSS = 0x2
PROC_USAGE_FAULTS = 0x4
PROC_USAGE_BLOCKS = 0x8
PROC_USAGE_SWITCHES = 0x10
PROC_USAGE_WITH_CHILDREN = 0x20
PROC_SNAPSHOT = 0x330
PROC_SNAPSHOT_ALL = 0
PROC_SNAPSHOT_LIST = 1
PROC_SNAPSHOT_TREE = 2
PROC_SNAPSHOT_CGROUP = 3
PROC_SNAPSHOT_KEEP = 0x1
PROC_SNAPSHOT_DROP = 0x2
PROC_SNAPSHOT_BELOW = 0x4
PROC_INFO_EXE = 0x310
PROC_INFO_CWD = 0x311
PROC_INFO_ROOT = 0x312
PROC_INFO_ARGV = 0x313
PROC_INFO_ENVIRON = 0x314
PROC_INFO_CGROUP = 0x315
PROC_INFO_MAPS = 0x316
PROC_INFO_AUXV = 0x317
PROC_INFO_WCHAN = 0x318
PROC_INFO_LABEL = 0x319
PROC_INFO_SYSCALL = 0x31A
PROC_INFO_STACK = 0x31B
PROC_INFO_MOUNTS = 0x31C
PROC_INFO_FD_PATH = 0x31D
PROC_INFO_THREADS = 0x320
PROC_INFO_CHILDREN = 0x321
PROC_INFO_DESCENDANTS = 0x322
PROC_INFO_GROUPS = 0x323
PROC_INFO_AFFINITY = 0x324
PROC_INFO_UID_MAP = 0x325
PROC_INFO_GID_MAP = 0x326
PROC_INFO_FDS = 0x327
PROC_INFO_NSFD = 0x328
PROC_MAP_READ = 0x1
PROC_MAP_WRITE = 0x2
PROC_MAP_EXEC = 0x4
PROC_MAP_SHARED = 0x8
PROC_FD_KIND_UNKNOWN = 0
PROC_FD_KIND_FILE = 1
PROC_FD_KIND_DIR = 2
PROC_FD_KIND_PIPE = 3
PROC_FD_KIND_SOCKET = 4
PROC_FD_KIND_CHAR = 5
PROC_FD_KIND_BLOCK = 6
PROC_FD_KIND_LINK = 7
PROC_FD_KIND_ANON = 8
PROCFD_IOC_ARG = 0xD000
PROCFD_IOC_DATA = 0x4018D000
PROCFD_IOC_OPEN = 0xD001
PROC_FD_SIGNAL = 0x40047001
PROCFD_STDIO_INHERIT = 0
PROCFD_STDIO_PIPE = 1
PROCFD_STDIO_NULL = 2
PROCFD_STDIO_FD = 3
PROCFD_STDIO_STDOUT = 4
PROCFD_STDIO_DATA = 5


class procfd_spawn(Structure):
    """struct procfd_spawn."""

    flags: int
    program: bytes | None
    env: int | None
    cwd: bytes | None
    pipes: int | None
    close_signal: int
    stdio: ctypes.Array[Any]
    fds: ctypes.Array[Any]
    reserved: int
    input: int | None
    input_size: int

    _fields_: ClassVar[Any] = (
        ("flags", ctypes.c_uint64),
        ("program", ctypes.c_char_p),
        ("env", ctypes.c_void_p),
        ("cwd", ctypes.c_char_p),
        ("pipes", ctypes.c_void_p),
        ("close_signal", ctypes.c_uint32),
        ("stdio", ctypes.c_uint32 * 3),
        ("fds", ctypes.c_int32 * 3),
        ("reserved", ctypes.c_uint32),
        ("input", ctypes.c_void_p),
        ("input_size", ctypes.c_size_t),
    )


class procfd_rusage(Structure):
    """struct procfd_rusage."""

    utime_ns: int
    stime_ns: int
    maxrss: int
    minflt: int
    majflt: int
    inblock: int
    oublock: int
    nvcsw: int
    nivcsw: int

    _fields_: ClassVar[Any] = (
        ("utime_ns", ctypes.c_uint64),
        ("stime_ns", ctypes.c_uint64),
        ("maxrss", ctypes.c_uint64),
        ("minflt", ctypes.c_uint64),
        ("majflt", ctypes.c_uint64),
        ("inblock", ctypes.c_uint64),
        ("oublock", ctypes.c_uint64),
        ("nvcsw", ctypes.c_uint64),
        ("nivcsw", ctypes.c_uint64),
    )


class procfd_wait(Structure):
    """struct procfd_wait."""

    timeout_ns: int
    what: int
    status: int
    mask: int
    usage: procfd_rusage

    _fields_: ClassVar[Any] = (
        ("timeout_ns", ctypes.c_uint64),
        ("what", ctypes.c_uint32),
        ("status", ctypes.c_int32),
        ("mask", ctypes.c_uint64),
        ("usage", procfd_rusage),
    )


class procfd_close(Structure):
    """struct procfd_close."""

    scope: int
    second_signal: int
    delay_ns: int

    _fields_: ClassVar[Any] = (
        ("scope", ctypes.c_uint32),
        ("second_signal", ctypes.c_uint32),
        ("delay_ns", ctypes.c_uint64),
    )


class procfd_time_limit(Structure):
    """struct procfd_time_limit."""

    signal: int
    second_signal: int
    delay_ns: int

    _fields_: ClassVar[Any] = (
        ("signal", ctypes.c_uint32),
        ("second_signal", ctypes.c_uint32),
        ("delay_ns", ctypes.c_uint64),
    )


class procfd_dup(Structure):
    """struct procfd_dup."""

    source: int
    target: int

    _fields_: ClassVar[Any] = (
        ("source", ctypes.c_int32),
        ("target", ctypes.c_int32),
    )


class procfd_open(Structure):
    """struct procfd_open."""

    path: bytes | None
    flags: int
    mode: int

    _fields_: ClassVar[Any] = (
        ("path", ctypes.c_char_p),
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
    )


class procfd_range(Structure):
    """struct procfd_range."""

    first: int
    last: int

    _fields_: ClassVar[Any] = (
        ("first", ctypes.c_uint32),
        ("last", ctypes.c_uint32),
    )


class procfd_ids(Structure):
    """struct procfd_ids."""

    real: int
    effective: int
    saved: int
    reserved: int

    _fields_: ClassVar[Any] = (
        ("real", ctypes.c_uint32),
        ("effective", ctypes.c_uint32),
        ("saved", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
    )


class procfd_rlimit(Structure):
    """struct procfd_rlimit."""

    soft: int
    hard: int

    _fields_: ClassVar[Any] = (
        ("soft", ctypes.c_uint64),
        ("hard", ctypes.c_uint64),
    )


class procfd_idmap(Structure):
    """struct procfd_idmap."""

    inside: int
    outside: int
    count: int
    reserved: int

    _fields_: ClassVar[Any] = (
        ("inside", ctypes.c_uint32),
        ("outside", ctypes.c_uint32),
        ("count", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
    )


class procfd_landlock(Structure):
    """struct procfd_landlock."""

    fs: int
    net: int
    scoped: int

    _fields_: ClassVar[Any] = (
        ("fs", ctypes.c_uint64),
        ("net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class procfd_mount(Structure):
    """struct procfd_mount."""

    source: bytes | None
    target: bytes | None
    options: bytes | None
    content: int | None
    content_size: int
    set: int
    clear: int
    flags: int
    propagation: int
    mode: int
    user_namespace: int

    _fields_: ClassVar[Any] = (
        ("source", ctypes.c_char_p),
        ("target", ctypes.c_char_p),
        ("options", ctypes.c_char_p),
        ("content", ctypes.c_void_p),
        ("content_size", ctypes.c_uint64),
        ("set", ctypes.c_uint64),
        ("clear", ctypes.c_uint64),
        ("flags", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("mode", ctypes.c_uint32),
        ("user_namespace", ctypes.c_int32),
    )


class procfd_signal(Structure):
    """struct procfd_signal."""

    scope: int
    flags: int
    value: int

    _fields_: ClassVar[Any] = (
        ("scope", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("value", ctypes.c_uint64),
    )


class procfd_kill_tree(Structure):
    """struct procfd_kill_tree."""

    flags: int
    how: int
    signalled: int
    refused: int

    _fields_: ClassVar[Any] = (
        ("flags", ctypes.c_uint32),
        ("how", ctypes.c_uint32),
        ("signalled", ctypes.c_uint32),
        ("refused", ctypes.c_uint32),
    )


class procfd_prlimit(Structure):
    """struct procfd_prlimit."""

    flags: int
    soft: int
    hard: int
    old_soft: int
    old_hard: int

    _fields_: ClassVar[Any] = (
        ("flags", ctypes.c_uint64),
        ("soft", ctypes.c_uint64),
        ("hard", ctypes.c_uint64),
        ("old_soft", ctypes.c_uint64),
        ("old_hard", ctypes.c_uint64),
    )


class procfd_sched(Structure):
    """struct procfd_sched."""

    policy: int
    reserved: int
    flags: int
    nice: int
    priority: int
    runtime_ns: int
    deadline_ns: int
    period_ns: int
    util_min: int
    util_max: int

    _fields_: ClassVar[Any] = (
        ("policy", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime_ns", ctypes.c_uint64),
        ("deadline_ns", ctypes.c_uint64),
        ("period_ns", ctypes.c_uint64),
        ("util_min", ctypes.c_uint32),
        ("util_max", ctypes.c_uint32),
    )


class procfd_madvise(Structure):
    """struct procfd_madvise."""

    iov: int | None
    count: int
    advice: int
    reserved: int

    _fields_: ClassVar[Any] = (
        ("iov", ctypes.c_void_p),
        ("count", ctypes.c_uint64),
        ("advice", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
    )


class procfd_info(Structure):
    """struct procfd_info."""

    mask: int
    inode: int
    cgroup_id: int
    pid: int
    tgid: int
    ppid: int
    ruid: int
    rgid: int
    euid: int
    egid: int
    suid: int
    sgid: int
    fsuid: int
    fsgid: int
    exit_what: int
    exit_status: int
    error: int
    state: int
    task_flags: int
    start_boot_ns: int
    start_real_ns: int
    user_ns: int
    system_ns: int
    children_user_ns: int
    children_system_ns: int
    mem_virtual: int
    mem_resident: int
    comm: bytes
    cpu_ns: int
    pgid: int
    sid: int
    tpgid: int
    threads: int
    tty: int
    minflt: int
    majflt: int
    children_minflt: int
    children_majflt: int
    priority: int
    nice: int
    policy: int
    rt_priority: int
    processor: int
    tracer: int
    guest_ns: int
    children_guest_ns: int
    block_io_ns: int
    cpu_user_ns: int
    cpu_system_ns: int
    mem_shared: int
    mem_text: int
    mem_data: int
    mem_peak_virtual: int
    mem_peak_resident: int
    mem_anon: int
    mem_file: int
    mem_shmem: int
    mem_locked: int
    mem_pinned: int
    mem_private_data: int
    mem_stack: int
    mem_exe: int
    mem_lib: int
    mem_page_tables: int
    mem_swap: int
    sig_pending_thread: int
    sig_pending_process: int
    sig_blocked: int
    sig_ignored: int
    sig_caught: int
    sig_queued: int
    sig_queue_limit: int
    cap_inheritable: int
    cap_permitted: int
    cap_effective: int
    cap_bounding: int
    cap_ambient: int
    no_new_privs: int
    seccomp: int
    seccomp_filters: int
    umask: int
    ns_pid: int
    ns_depth: int
    dumpable: int
    coredump: int
    coredump_signal: int
    oom_score_adj: int
    oom_score: int
    loginuid: int
    audit_session: int
    autogroup_nice: int
    autogroup: int
    io_read_chars: int
    io_write_chars: int
    io_read_calls: int
    io_write_calls: int
    io_read_bytes: int
    io_write_bytes: int
    io_cancelled_write_bytes: int
    ioprio: int
    fd_count: int
    fd_table: int
    mounts: int
    fd_limit: int
    core_sched_cookie: int
    ns_cgroup_id: int
    ns_ipc_id: int
    ns_mnt_id: int
    ns_net_id: int
    ns_pid_id: int
    ns_pid_for_children_id: int
    ns_time_id: int
    ns_time_for_children_id: int
    ns_user_id: int
    ns_uts_id: int
    mem_pss: int
    mem_uss: int
    mem_swapped: int
    mem_swap_pss: int
    nvcsw: int
    nivcsw: int
    run_delay_ns: int
    run_slices: int
    timer_slack_ns: int
    coredump_filter: int
    securebits: int
    personality: int
    usage_known: int
    usage: procfd_rusage
    limits: ctypes.Array[Any]
    denied: int
    unsupported: int
    gone: int
    nothing: int

    _fields_: ClassVar[Any] = (
        ("mask", ctypes.c_uint64),
        ("inode", ctypes.c_uint64),
        ("cgroup_id", ctypes.c_uint64),
        ("pid", ctypes.c_uint32),
        ("tgid", ctypes.c_uint32),
        ("ppid", ctypes.c_uint32),
        ("ruid", ctypes.c_uint32),
        ("rgid", ctypes.c_uint32),
        ("euid", ctypes.c_uint32),
        ("egid", ctypes.c_uint32),
        ("suid", ctypes.c_uint32),
        ("sgid", ctypes.c_uint32),
        ("fsuid", ctypes.c_uint32),
        ("fsgid", ctypes.c_uint32),
        ("exit_what", ctypes.c_uint32),
        ("exit_status", ctypes.c_int32),
        ("error", ctypes.c_int32),
        ("state", ctypes.c_uint32),
        ("task_flags", ctypes.c_uint32),
        ("start_boot_ns", ctypes.c_uint64),
        ("start_real_ns", ctypes.c_uint64),
        ("user_ns", ctypes.c_uint64),
        ("system_ns", ctypes.c_uint64),
        ("children_user_ns", ctypes.c_uint64),
        ("children_system_ns", ctypes.c_uint64),
        ("mem_virtual", ctypes.c_uint64),
        ("mem_resident", ctypes.c_uint64),
        ("comm", ctypes.c_char * 64),
        ("cpu_ns", ctypes.c_uint64),
        ("pgid", ctypes.c_uint32),
        ("sid", ctypes.c_uint32),
        ("tpgid", ctypes.c_int32),
        ("threads", ctypes.c_uint32),
        ("tty", ctypes.c_uint64),
        ("minflt", ctypes.c_uint64),
        ("majflt", ctypes.c_uint64),
        ("children_minflt", ctypes.c_uint64),
        ("children_majflt", ctypes.c_uint64),
        ("priority", ctypes.c_int32),
        ("nice", ctypes.c_int32),
        ("policy", ctypes.c_uint32),
        ("rt_priority", ctypes.c_uint32),
        ("processor", ctypes.c_uint32),
        ("tracer", ctypes.c_uint32),
        ("guest_ns", ctypes.c_uint64),
        ("children_guest_ns", ctypes.c_uint64),
        ("block_io_ns", ctypes.c_uint64),
        ("cpu_user_ns", ctypes.c_uint64),
        ("cpu_system_ns", ctypes.c_uint64),
        ("mem_shared", ctypes.c_uint64),
        ("mem_text", ctypes.c_uint64),
        ("mem_data", ctypes.c_uint64),
        ("mem_peak_virtual", ctypes.c_uint64),
        ("mem_peak_resident", ctypes.c_uint64),
        ("mem_anon", ctypes.c_uint64),
        ("mem_file", ctypes.c_uint64),
        ("mem_shmem", ctypes.c_uint64),
        ("mem_locked", ctypes.c_uint64),
        ("mem_pinned", ctypes.c_uint64),
        ("mem_private_data", ctypes.c_uint64),
        ("mem_stack", ctypes.c_uint64),
        ("mem_exe", ctypes.c_uint64),
        ("mem_lib", ctypes.c_uint64),
        ("mem_page_tables", ctypes.c_uint64),
        ("mem_swap", ctypes.c_uint64),
        ("sig_pending_thread", ctypes.c_uint64),
        ("sig_pending_process", ctypes.c_uint64),
        ("sig_blocked", ctypes.c_uint64),
        ("sig_ignored", ctypes.c_uint64),
        ("sig_caught", ctypes.c_uint64),
        ("sig_queued", ctypes.c_uint64),
        ("sig_queue_limit", ctypes.c_uint64),
        ("cap_inheritable", ctypes.c_uint64),
        ("cap_permitted", ctypes.c_uint64),
        ("cap_effective", ctypes.c_uint64),
        ("cap_bounding", ctypes.c_uint64),
        ("cap_ambient", ctypes.c_uint64),
        ("no_new_privs", ctypes.c_uint32),
        ("seccomp", ctypes.c_uint32),
        ("seccomp_filters", ctypes.c_uint32),
        ("umask", ctypes.c_uint32),
        ("ns_pid", ctypes.c_uint32),
        ("ns_depth", ctypes.c_uint32),
        ("dumpable", ctypes.c_uint32),
        ("coredump", ctypes.c_uint32),
        ("coredump_signal", ctypes.c_int32),
        ("oom_score_adj", ctypes.c_int32),
        ("oom_score", ctypes.c_uint32),
        ("loginuid", ctypes.c_uint32),
        ("audit_session", ctypes.c_uint32),
        ("autogroup_nice", ctypes.c_int32),
        ("autogroup", ctypes.c_uint64),
        ("io_read_chars", ctypes.c_uint64),
        ("io_write_chars", ctypes.c_uint64),
        ("io_read_calls", ctypes.c_uint64),
        ("io_write_calls", ctypes.c_uint64),
        ("io_read_bytes", ctypes.c_uint64),
        ("io_write_bytes", ctypes.c_uint64),
        ("io_cancelled_write_bytes", ctypes.c_uint64),
        ("ioprio", ctypes.c_uint32),
        ("fd_count", ctypes.c_uint32),
        ("fd_table", ctypes.c_uint32),
        ("mounts", ctypes.c_uint32),
        ("fd_limit", ctypes.c_uint64),
        ("core_sched_cookie", ctypes.c_uint64),
        ("ns_cgroup_id", ctypes.c_uint64),
        ("ns_ipc_id", ctypes.c_uint64),
        ("ns_mnt_id", ctypes.c_uint64),
        ("ns_net_id", ctypes.c_uint64),
        ("ns_pid_id", ctypes.c_uint64),
        ("ns_pid_for_children_id", ctypes.c_uint64),
        ("ns_time_id", ctypes.c_uint64),
        ("ns_time_for_children_id", ctypes.c_uint64),
        ("ns_user_id", ctypes.c_uint64),
        ("ns_uts_id", ctypes.c_uint64),
        ("mem_pss", ctypes.c_uint64),
        ("mem_uss", ctypes.c_uint64),
        ("mem_swapped", ctypes.c_uint64),
        ("mem_swap_pss", ctypes.c_uint64),
        ("nvcsw", ctypes.c_uint64),
        ("nivcsw", ctypes.c_uint64),
        ("run_delay_ns", ctypes.c_uint64),
        ("run_slices", ctypes.c_uint64),
        ("timer_slack_ns", ctypes.c_uint64),
        ("coredump_filter", ctypes.c_uint32),
        ("securebits", ctypes.c_uint32),
        ("personality", ctypes.c_uint32),
        ("usage_known", ctypes.c_uint32),
        ("usage", procfd_rusage),
        ("limits", procfd_rlimit * 16),
        ("denied", ctypes.c_uint64),
        ("unsupported", ctypes.c_uint64),
        ("gone", ctypes.c_uint64),
        ("nothing", ctypes.c_uint64),
    )


class procfd_snapshot(Structure):
    """struct procfd_snapshot."""

    scope: int
    flags: int
    fds: int | None
    fd_count: int
    entries: int | None
    entry_size: int
    room: int
    total: int

    _fields_: ClassVar[Any] = (
        ("scope", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("fds", ctypes.c_void_p),
        ("fd_count", ctypes.c_uint64),
        ("entries", ctypes.c_void_p),
        ("entry_size", ctypes.c_uint64),
        ("room", ctypes.c_uint64),
        ("total", ctypes.c_uint64),
    )


class procfd_change(Structure):
    """struct procfd_change."""

    fd: int
    want: int
    changed: int
    what: int
    status: int
    error: int

    _fields_: ClassVar[Any] = (
        ("fd", ctypes.c_int32),
        ("want", ctypes.c_uint32),
        ("changed", ctypes.c_uint32),
        ("what", ctypes.c_uint32),
        ("status", ctypes.c_int32),
        ("error", ctypes.c_int32),
    )


class procfd_changes(Structure):
    """struct procfd_changes."""

    timeout_ns: int
    entries: int | None
    entry_size: int
    count: int

    _fields_: ClassVar[Any] = (
        ("timeout_ns", ctypes.c_uint64),
        ("entries", ctypes.c_void_p),
        ("entry_size", ctypes.c_uint64),
        ("count", ctypes.c_uint64),
    )


class procfd_error(Structure):
    """struct procfd_error."""

    stage: int
    index: int
    saved_errno: int
    reserved: int
    message: bytes

    _fields_: ClassVar[Any] = (
        ("stage", ctypes.c_uint32),
        ("index", ctypes.c_uint32),
        ("saved_errno", ctypes.c_int),
        ("reserved", ctypes.c_uint32),
        ("message", ctypes.c_char * PROCFD_ERROR_MESSAGE_MAX),
    )


class procfd_ioctl_arg(Structure):
    """struct procfd_ioctl_arg."""

    arg: int
    data: int | None
    size: int

    _fields_: ClassVar[Any] = (
        ("arg", ctypes.c_uint64),
        ("data", ctypes.c_void_p),
        ("size", ctypes.c_size_t),
    )


class procfd_map(Structure):
    """struct procfd_map."""

    size: int
    flags: int
    start: int
    end: int
    offset: int
    inode: int
    device: int
    path_offset: int
    path_len: int

    _fields_: ClassVar[Any] = (
        ("size", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("start", ctypes.c_uint64),
        ("end", ctypes.c_uint64),
        ("offset", ctypes.c_uint64),
        ("inode", ctypes.c_uint64),
        ("device", ctypes.c_uint64),
        ("path_offset", ctypes.c_uint32),
        ("path_len", ctypes.c_uint32),
    )


class procfd_fd(Structure):
    """struct procfd_fd."""

    size: int
    fd: int
    kind: int
    flags: int
    position: int
    inode: int
    device: int
    rdev: int
    path_offset: int
    path_len: int

    _fields_: ClassVar[Any] = (
        ("size", ctypes.c_uint32),
        ("fd", ctypes.c_int32),
        ("kind", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("position", ctypes.c_int64),
        ("inode", ctypes.c_uint64),
        ("device", ctypes.c_uint64),
        ("rdev", ctypes.c_uint64),
        ("path_offset", ctypes.c_uint32),
        ("path_len", ctypes.c_uint32),
    )


class procfd_ref(Structure):
    """struct procfd_ref."""

    pid: int
    ppid: int
    start_boot_ns: int
    inode: int

    _fields_: ClassVar[Any] = (
        ("pid", ctypes.c_uint32),
        ("ppid", ctypes.c_uint32),
        ("start_boot_ns", ctypes.c_uint64),
        ("inode", ctypes.c_uint64),
    )


class procfd_thread(Structure):
    """struct procfd_thread."""

    mask: int
    start_boot_ns: int
    user_ns: int
    system_ns: int
    guest_ns: int
    block_io_ns: int
    cpu_ns: int
    run_delay_ns: int
    slices: int
    nvcsw: int
    nivcsw: int
    minflt: int
    majflt: int
    sig_pending: int
    sig_blocked: int
    rchar: int
    wchar: int
    syscr: int
    syscw: int
    read_bytes: int
    write_bytes: int
    cancelled_write_bytes: int
    tid: int
    state: int
    kernel_flags: int
    priority: int
    nice: int
    policy: int
    rt_priority: int
    processor: int
    ioprio: int
    reserved: int
    comm: bytes
    spare: ctypes.Array[Any]

    _fields_: ClassVar[Any] = (
        ("mask", ctypes.c_uint64),
        ("start_boot_ns", ctypes.c_uint64),
        ("user_ns", ctypes.c_uint64),
        ("system_ns", ctypes.c_uint64),
        ("guest_ns", ctypes.c_uint64),
        ("block_io_ns", ctypes.c_uint64),
        ("cpu_ns", ctypes.c_uint64),
        ("run_delay_ns", ctypes.c_uint64),
        ("slices", ctypes.c_uint64),
        ("nvcsw", ctypes.c_uint64),
        ("nivcsw", ctypes.c_uint64),
        ("minflt", ctypes.c_uint64),
        ("majflt", ctypes.c_uint64),
        ("sig_pending", ctypes.c_uint64),
        ("sig_blocked", ctypes.c_uint64),
        ("rchar", ctypes.c_uint64),
        ("wchar", ctypes.c_uint64),
        ("syscr", ctypes.c_uint64),
        ("syscw", ctypes.c_uint64),
        ("read_bytes", ctypes.c_uint64),
        ("write_bytes", ctypes.c_uint64),
        ("cancelled_write_bytes", ctypes.c_uint64),
        ("tid", ctypes.c_uint32),
        ("state", ctypes.c_uint32),
        ("kernel_flags", ctypes.c_uint32),
        ("priority", ctypes.c_int32),
        ("nice", ctypes.c_int32),
        ("policy", ctypes.c_uint32),
        ("rt_priority", ctypes.c_uint32),
        ("processor", ctypes.c_uint32),
        ("ioprio", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
        ("comm", ctypes.c_char * 64),
        ("spare", ctypes.c_uint64 * 7),
    )

# SPDX-License-Identifier: MIT OR Apache-2.0
"""Mounts, capabilities, seccomp, scheduling and cgroups: keywords, as the program sees them."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import pathlib
import platform
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import procfd
import pytest
from conftest import run

CHOWN, KILL, NET_RAW = 0, 5, 13


def own_mounts() -> dict[str, Any]:
    """A mount namespace, which a user namespace allows to every user."""
    return {
        "namespaces": ["user", "mount"],
        "uid_map": [(0, os.geteuid(), 1)],
        "gid_map": [(0, os.getegid(), 1)],
    }


def sh(script: str, **settings: Any) -> str:
    """The output of a shell script that succeeds."""
    code, output = run("sh", "-c", script, **settings)
    assert code == 0
    return output.strip()


def status(name: str, **settings: Any) -> int:
    """A mask or number of the program's own /proc/self/status."""
    code, output = run("cat", "/proc/self/status", **settings)
    assert code == 0
    (line,) = (line for line in output.splitlines() if line.startswith(name + ":"))
    return int(line.partition(":")[2], 16)


def python(code: str, **settings: Any) -> str:
    status, output = run(sys.executable, "-c", code, **settings)
    assert status == 0
    return output.strip()


def options(target: pathlib.Path, **settings: Any) -> set[str]:
    """The mount options of what is on top at `target`."""
    lines = sh("cat /proc/self/mountinfo", **settings).splitlines()
    found = [line.split()[5] for line in lines if line.split()[4] == str(target)]
    return set(found[-1].split(","))


@pytest.fixture
def target(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path.resolve() / "target"
    path.mkdir()
    return path


def test_a_bind_mount_is_read_only(target: pathlib.Path, tmp_path: pathlib.Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "file").write_text("bound")
    script = f"cat {target}/file; ! touch {target}/other 2>/dev/null"
    mounts: list[Any] = [
        ("bind", source, target, {"ro": True}),
        {"type": "bind", "source": source, "target": os.fsencode(target), "ro": True},
    ]
    for mount in mounts:
        assert sh(script, mounts=[mount], **own_mounts()) == "bound"
    # Neither the caller's mounts nor the source have changed.
    assert not list(target.iterdir())
    assert [path.name for path in source.iterdir()] == ["file"]


def test_the_attributes_of_a_mount(target: pathlib.Path) -> None:
    wanted = {"ro", "nosuid", "nodev", "noexec"}
    mount = ("tmpfs", target, dict.fromkeys(wanted, True))
    assert options(target, mounts=[mount], **own_mounts()) >= wanted
    writable = ("tmpfs", target, {"nodev": None})
    assert "rw" in options(target, mounts=[writable], **own_mounts())
    again = ("remount", target, {"ro": False, "nosuid": True})
    assert {"rw", "nosuid"} <= options(target, mounts=[mount, again], **own_mounts())


def test_mounts_are_made_in_order(target: pathlib.Path) -> None:
    mounts = [
        ("tmpfs", target, {"size": 1 << 20, "mode": 0o750}),
        ("directory", target / "made"),
        ("file", "text\n", target / "made/file", {"create": True}),
        ("file", b"\xff", target / "bytes", {"create": True}),
        ("symlink", "made/file", target / "link"),
        ("tmpfs", target / "made/deep/er", {"create": True}),
    ]
    script = f"cat {target}/link; stat -c %a {target}; stat -f -c %T {target}/made/deep/er; "
    script += f"od -An -tx1 {target}/bytes"
    assert sh(script, mounts=mounts, **own_mounts()).split() == ["text", "750", "tmpfs", "ff"]
    assert not list(target.iterdir())


def test_options_of_a_filesystem(target: pathlib.Path) -> None:
    mount = ("filesystem", "tmpfs", target, {"options": {"nr_inodes": 7}})
    assert sh(f"stat -f -c %c {target}", mounts=[mount], **own_mounts()) == "7"


def test_a_new_root_with_the_mounts_beneath(target: pathlib.Path) -> None:
    parts = [path for path in ("/usr", "/bin", "/lib", "/lib64") if os.path.isdir(path)]
    mounts: list[Any] = [("rbind", path, path, {"create": True}) for path in parts]
    output = sh("pwd; ls /", pivot_root=target, mounts=mounts, **own_mounts())
    assert output.split() == ["/", *sorted(path[1:] for path in parts)]


def test_private_directories() -> None:
    marker = pathlib.Path("/tmp") / f"procfd-confinement-{os.getpid()}"
    marker.touch()
    try:
        code, output = run("/bin/ls", "-A", "/tmp", private_tmp=True, **own_mounts())
        assert (code, output) == (0, "")
        assert marker.name in sh("ls -A /tmp", **own_mounts())
        refused = sh("touch /etc/procfd-no 2>&1 || echo refused", ro_root=True, **own_mounts())
        assert "refused" in refused
    finally:
        marker.unlink()


def test_the_propagation_of_all_mounts() -> None:
    def tags(**settings: Any) -> list[str]:
        lines = sh("cat /proc/self/mountinfo", **settings, **own_mounts()).splitlines()
        (root,) = (line.split() for line in lines if line.split()[4] == "/")
        return [tag.partition(":")[0] for tag in root[6 : root.index("-")]]

    assert "shared" in tags(mount_propagation="shared")
    assert not tags(mount_propagation="private")
    assert tags(mount_propagation="unbindable") == ["unbindable"]


def test_a_mount_that_fails_is_named(target: pathlib.Path) -> None:
    mounts: list[Any] = [("tmpfs", target), ("bind", "/nonexistent", target)]
    with pytest.raises(FileNotFoundError) as raised:
        run("true", mounts=mounts, **own_mounts())
    assert isinstance(raised.value, procfd.Error)
    assert (raised.value.stage, raised.value.index) == (procfd.Stage.MOUNT_SOURCE, 1)


@pytest.mark.parametrize(
    ("mount", "error"),
    [
        ("tmpfs", TypeError),
        (("tmpfs",), ValueError),
        (("tmpfs", "/a", "/b", {}), ValueError),
        (("bind", "/a"), ValueError),
        (("tmpsf", "/a"), ValueError),
        (("tmpfs", "/a", {"readonly": True}), TypeError),
        (("tmpfs", "/a\0b"), ValueError),
        (("overlay", "/a"), ValueError),
        (("overlay", "/a", {"lower": "/b", "upper": "/c"}), ValueError),
        (("propagation", "public", "/"), ValueError),
        ({"target": "/a"}, ValueError),
        ({"type": "bind", "target": "/a"}, ValueError),
        ({"type": "tmpfs", "source": "/b", "target": "/a"}, ValueError),
        ({"type": "tmpfs"}, ValueError),
    ],
    ids=repr,
)
def test_what_is_no_mount(mount: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        procfd.Context("/bin/true", namespaces=["user", "mount"], mounts=[mount])


def test_capabilities_by_name_number_and_in_one_string(root: None) -> None:
    both = 1 << CHOWN | 1 << KILL
    for given in (["chown", "CAP_KILL"], [CHOWN, KILL], "chown,kill", ["chown", KILL]):
        assert status("CapBnd", cap_bounding=given) == both
    assert status("CapBnd", cap_bounding="none") == 0
    assert status("CapBnd", cap_bounding="all") == status("CapBnd")


def test_an_ambient_capability_outlives_the_change_of_the_user(root: None) -> None:
    settings: dict[str, Any] = {"uid": 65534, "gid": 65534, "groups": [], "keep_caps": True}
    sets = {"cap_permitted": ["chown"], "cap_inheritable": ["chown"], "cap_ambient": ["chown"]}
    assert status("CapEff", **settings, **sets) == 1 << CHOWN
    assert status("CapEff", **settings) == 0


def test_every_user_may_give_capabilities_up() -> None:
    settings = own_mounts() | {"namespaces": "user"}
    assert status("CapBnd", cap_bounding=["net_raw"], **settings) == 1 << NET_RAW


@pytest.mark.parametrize("given", [["chwon"], "chown,no_such", [64], [-1], [1.5]], ids=repr)
def test_what_is_no_capability(given: Any) -> None:
    with pytest.raises((ValueError, TypeError, OverflowError)):
        procfd.Context("/bin/true", cap_bounding=given)


def test_securebits(root: None) -> None:
    code = "import ctypes; print(ctypes.CDLL(None).prctl(27))"
    names = ["noroot", "SECBIT_NOROOT_LOCKED"]
    assert python(code, securebits=names) == "3"
    assert python(code, securebits=1) == "1"
    for wrong in ("noroot", ["no such bit"]):
        with pytest.raises((TypeError, ValueError)):
            procfd.Context("/bin/true", securebits=wrong)


def refusing(call: int, error: int) -> bytes:
    """A filter (struct sock_filter) that answers one system call with an errno."""
    load, equal, answer = 0x20, 0x15, 0x06
    instructions = [
        (load, 0, 0, 0),
        (equal, 0, 1, call),
        (answer, 0, 0, 0x0005_0000 | error),
        (answer, 0, 0, 0x7FFF_0000),
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="system call numbers of x86-64")
def test_seccomp_filters() -> None:
    getppid, getpgid = 110, 121
    code = (
        "import ctypes\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        f"for call in {getppid}, {getpgid}:\n"
        "    print(ctypes.get_errno() if libc.syscall(call, 0) < 0 else 0)\n"
    )
    one, other = refusing(getppid, errno.EXDEV), refusing(getpgid, errno.EDOM)
    assert python(code).split() == ["0", "0"]
    settings: dict[str, Any] = {"no_new_privs": True}
    assert python(code, seccomp=one, **settings).split() == [str(errno.EXDEV), "0"]
    both = [str(errno.EXDEV), str(errno.EDOM)]
    assert python(code, seccomp=[one, other], **settings).split() == both
    assert status("Seccomp", seccomp=one, **settings) == 2


@pytest.mark.skipif(platform.machine() != "x86_64", reason="system call numbers of x86-64")
def test_the_status_of_what_an_exception_ends() -> None:
    """As before Linux 6.15, where the kernel tells the status of a child once."""
    load, equal, masked, answer = 0x20, 0x15, 0x54, 0x06
    # ioctl(PIDFD_GET_INFO), of any size, is ENOTTY.
    instructions = [
        (load, 0, 0, 0),
        (equal, 0, 4, 16),
        (load, 0, 0, 24),
        (masked, 0, 0, 0xFFFF),
        (equal, 0, 1, 0xFF0B),
        (answer, 0, 0, 0x0005_0000 | errno.ENOTTY),
        (answer, 0, 0, 0x7FFF_0000),
    ]
    code = (
        "import os, procfd\n"
        "popen = procfd.Popen(['sh', '-c', 'exit 3'], stdin=procfd.PIPE, kill_on_close=True)\n"
        "os.waitid(os.P_PID, popen.pid, os.WEXITED | os.WNOWAIT)\n"
        "try:\n"
        "    with popen:\n"
        "        raise KeyError\n"
        "except KeyError:\n"
        "    print(popen.returncode)\n"
    )
    filter = b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)
    assert python(code, seccomp=filter, no_new_privs=True) == "3"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="system call numbers of x86-64")
def test_a_seccomp_filter_that_notifies() -> None:
    def bpf(*instructions: tuple[int, int, int, int]) -> bytes:
        return b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)

    # mkdir(2) is 83: SECCOMP_RET_USER_NOTIF; else SECCOMP_RET_ALLOW.
    notify = bpf((0x20, 0, 0, 0), (0x15, 0, 1, 83), (6, 0, 0, 0x7FC00000), (6, 0, 0, 0x7FFF0000))
    context = procfd.Context(
        sys.executable,
        ["python", "-c", "import os\ntry: os.mkdir('/tmp/no')\nexcept OSError as e: exit(e.errno)"],
        no_new_privs=True,
    )
    with socket.socket(fileno=context.seccomp_notify(notify)) as hands_over:
        process = context.create()
        assert process is not None
        _, (listener,), _, _ = socket.recv_fds(hands_over, 1, 1)
        try:
            request = bytearray(80)
            fcntl.ioctl(listener, 0xC0502100, request)
            answer = bytearray(
                struct.pack("=QqiI", *struct.unpack_from("=Q", request), 0, -errno.EXDEV, 0)
            )
            fcntl.ioctl(listener, 0xC0182101, answer)
        finally:
            os.close(listener)
        assert process.wait().code == errno.EXDEV
    # What the start itself calls would wait for itself: execve(2) is 59.
    context = procfd.Context("/bin/true", no_new_privs=True)
    of_execve = bpf((0x20, 0, 0, 0), (0x15, 0, 1, 59), (6, 0, 0, 0x7FC00000), (6, 0, 0, 0x7FFF0000))
    os.close(context.seccomp_notify(of_execve))
    with pytest.raises(OSError, match="may notify of execve") as caught:
        context.create()
    assert caught.value.errno == errno.EDEADLK


@pytest.mark.parametrize(
    ("given", "error"),
    [(b"", ValueError), (b"1234567", ValueError), ("text", TypeError), ([1], TypeError)],
    ids=repr,
)
def test_what_is_no_filter(given: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        procfd.Context("/bin/true", no_new_privs=True, seccomp=given)


@pytest.fixture
def places(tmp_path: pathlib.Path) -> list[pathlib.Path]:
    """Two directories with a file each."""
    all_of_it = [tmp_path / "one", tmp_path / "two"]
    for place in all_of_it:
        place.mkdir()
        (place / "file").write_text("text")
    return all_of_it


TRIES = (
    "import os, sys\n"
    "for path in sys.argv[1:]:\n"
    "    for flags in os.O_RDONLY, os.O_WRONLY:\n"
    "        try:\n"
    "            os.close(os.open(path + '/file', flags))\n"
    "            print('yes')\n"
    "        except PermissionError:\n"
    "            print('no')\n"
)


def tries(places: list[pathlib.Path], **settings: Any) -> list[str]:
    """Whether the file of each place may be read, then written."""
    names = [str(place) for place in places]
    code, output = run(sys.executable, "-c", TRIES, *names, no_new_privs=True, **settings)
    assert code == 0
    return output.split()


def test_landlock_leaves_paths(places: list[pathlib.Path]) -> None:
    one, two = places
    assert tries(places) == ["yes", "yes", "yes", "yes"]
    # Without a key for it reading stays unrestricted.
    assert tries(places, landlock={"write": [one]}) == ["yes", "yes", "yes", "no"]
    others = [sys.prefix, sys.base_prefix, "/usr", "/lib", "/lib64", "/bin", "/etc", "/dev"]
    readable = [path for path in others if os.path.exists(path)]
    rules: Any = {"read": [*readable, one], "write": [two / "file"], "ioctl": [], "execute": ["/"]}
    assert tries(places, landlock=rules) == ["yes", "no", "no", "yes"]
    # Another one replaces it.
    with procfd.Context("/bin/true", landlock=rules, no_new_privs=True) as context:
        context.configure(landlock={"scope": ["signal"]})
        assert not any("rule" in step["what"] for step in context.explain())
        context.configure(landlock={"connect": [443], "scope": ["signal"], "strict": True})
        what = [step["what"] for step in context.explain()]
        assert "add the Landlock rule for port 443" in what


def test_landlock_names_what_is_missing(places: list[pathlib.Path]) -> None:
    missing = places[0] / "missing"
    with pytest.raises(FileNotFoundError, match="missing") as caught:
        run("true", landlock={"write": [places[0], missing]}, no_new_privs=True)
    error: Any = caught.value
    assert (error.stage, error.index) == (procfd.Stage.LANDLOCK_RULE, 1)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"reads": []}, TypeError),
        ({"read": "/usr"}, TypeError),
        ({"scope": "signal"}, TypeError),
        ({"scope": ["signals"]}, ValueError),
        ({"connect": [65536]}, OverflowError),
        (["/usr"], TypeError),
    ],
    ids=repr,
)
def test_what_is_no_ruleset(given: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        procfd.Context("/bin/true", no_new_privs=True, landlock=given)


SCHEDULER = "import os; print(os.sched_getscheduler(0), os.sched_getparam(0).sched_priority)"


@pytest.mark.parametrize(
    "given", ["batch", "SCHED_BATCH", os.SCHED_BATCH, {"policy": "batch"}, {"policy": 3}], ids=repr
)
def test_a_scheduling_policy(given: Any) -> None:
    assert python(SCHEDULER, scheduler=given) == f"{os.SCHED_BATCH} 0"


def test_the_parameters_of_a_policy(root: None) -> None:
    for given in ("fifo:7", {"policy": "fifo", "priority": 7}):
        assert python(SCHEDULER, scheduler=given) == f"{os.SCHED_FIFO} 7"
    nice: Any = {"policy": "other", "nice": 6}
    assert python("import os; print(os.nice(0))", scheduler=nice) == "6"


@pytest.mark.parametrize(
    "given", ["bathc", "fifo:x", {"priority": 1}, {"policy": "fifo", "nonsense": 1}], ids=repr
)
def test_what_is_no_policy(given: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        procfd.Context("/bin/true", scheduler=given)


def test_the_affinity_as_numbers_and_as_a_list_of_ranges() -> None:
    code = "import os; print(sorted(os.sched_getaffinity(0)))"
    own = sorted(os.sched_getaffinity(0))
    assert python(code, affinity=own[:1]) == str(own[:1])
    assert python(code, affinity=str(own[-1])) == str(own[-1:])
    ranges = ",".join(f"{cpu}-{cpu}" for cpu in own)
    assert python(code, affinity=ranges) == str(own)
    for wrong in ("3-1", "x", "0-99999", ""):
        with pytest.raises(ValueError, match="affinity"):
            procfd.Context("/bin/true", affinity=wrong)


@pytest.mark.parametrize(
    ("keyword", "module"),
    [("selinux_context", "SELinux"), ("apparmor_profile", "AppArmor"), ("smack_label", "Smack")],
)
def test_the_label_of_a_module(keyword: str, module: str) -> None:
    with pytest.raises(ValueError, match="empty"):
        procfd.Context("/bin/true", **{keyword: ""})  # type: ignore[arg-type]
    with pytest.raises(OSError, match=f"the security label of {module} to .procfd-none.") as caught:
        procfd.Context("/bin/true", **{keyword: "procfd-none"}).create()  # type: ignore[arg-type]
    assert caught.value.stage == procfd.Stage.LABEL  # type: ignore[attr-defined]


def test_a_landlock_ruleset_of_ones_own() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    write_file = ctypes.c_uint64(1 << 1)
    ruleset = libc.syscall(444, ctypes.byref(write_file), 8, 0)
    if ruleset < 0:
        pytest.skip("no Landlock in this kernel")
    with open(ruleset, "rb", buffering=0) as file:
        code = "(echo x >/dev/zero) 2>&- || echo refused"
        assert sh(code, no_new_privs=True, landlock_fds=[file]) == "refused"
        assert sh(code, no_new_privs=True, landlock_fds=[file.fileno()]) == "refused"
    with pytest.raises(OSError):
        procfd.Context("/bin/true", landlock_fds=[999])


def numa_maps(**settings: Any) -> str:
    try:
        return sh("head -1 /proc/self/numa_maps", **settings).split()[1]
    except AssertionError:
        pytest.skip("this kernel has no NUMA")


def test_the_numa_policy() -> None:
    assert numa_maps() == "default"
    assert numa_maps(numa="bind:0") == "bind:0"
    assert numa_maps(numa="interleave=static:0-1") == "interleave=static:0"
    assert numa_maps(numa="local") == "local"
    wrongs = ("bin:0", "bind=sttic:0", "bind:", "bind:x", "bind", "local:0", "bind:1024")
    for wrong in wrongs:
        with pytest.raises((ValueError, OSError)):
            procfd.Context("/bin/true", numa=wrong)
    with pytest.raises(OSError) as caught:
        procfd.Context("/bin/true", numa="bind:63").create()
    assert caught.value.stage == procfd.Stage.NUMA  # type: ignore[attr-defined]


def test_the_speculation() -> None:
    own = sh("grep Speculation_Store_Bypass /proc/self/status || :")
    if "thread" not in own or "force" in own:
        pytest.skip("no control of the store bypass on this machine")
    both: list[Any] = [{"store_bypass": "force_disable"}, "store_bypass=force_disable"]
    for given in both:
        seen = sh("grep Speculation_Store_Bypass /proc/self/status", speculation=given)
        assert seen.endswith("thread force mitigated")
    wrongs: list[Any] = [
        "store_bypass",
        "bypass=disable",
        {"store_bypass": "off"},
        "",
        {"l1d_flush": 1},
    ]
    for wrong in wrongs:
        with pytest.raises((ValueError, TypeError)):
            procfd.Context("/bin/true", speculation=wrong)


def test_the_io_priority_and_the_oom_score() -> None:
    code = "import ctypes; print(ctypes.CDLL(None).syscall(252, 1, 0))"
    if platform.machine() == "x86_64":
        assert int(python(code, ioprio=(2, 5))) == 2 << 13 | 5
    assert sh("cat /proc/self/oom_score_adj", oom_score_adj=900) == "900"


@pytest.fixture
def cgroup(root: None) -> Iterator[pathlib.Path]:
    """A new cgroup."""
    mounts = (line.split() for line in pathlib.Path("/proc/mounts").read_text().splitlines())
    top = next((mount[1] for mount in mounts if mount[2] == "cgroup2"), None)
    if top is None:
        pytest.skip("no cgroup2 is mounted")
    directory = pathlib.Path(top) / f"procfd-test-{os.getpid()}"
    try:
        directory.mkdir()
    except OSError as e:
        pytest.skip(f"no cgroup can be made: {e}")
    yield directory
    directory.rmdir()


def test_the_cgroup_by_path_and_descriptor(cgroup: pathlib.Path) -> None:
    fd = os.open(cgroup, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for given in (cgroup, os.fsencode(cgroup), fd):
            lines = sh("cat /proc/self/cgroup", cgroup=given).splitlines()
            (own,) = (line for line in lines if line.startswith("0::"))
            assert own.endswith("/" + cgroup.name)
    finally:
        os.close(fd)


def test_a_cgroup_of_its_own(cgroup: pathlib.Path) -> None:
    settings: Any = {"cgroup": cgroup, "cgroup_limits": {"cgroup.max.depth": 3}}
    lines = sh("cat /proc/self/cgroup", **settings).splitlines()
    (own,) = (line for line in lines if line.startswith("0::"))
    assert f"/{cgroup.name}/procfd-" in own
    own = sh("cat /proc/self/cgroup", cgroup_leaf="by-name", **settings)
    assert f"/{cgroup.name}/by-name" in own
    assert not [entry for entry in cgroup.iterdir() if entry.is_dir()]
    with pytest.raises(procfd.Error, match=r"max\.depth=deep") as raised:
        run("true", cgroup=cgroup, cgroup_limits={"cgroup.max.depth": "deep"})
    assert raised.value.stage == procfd.Stage.CGROUP_LIMIT
    with pytest.raises(procfd.Error, match=r"not 0\.01 to"):
        run("true", cgroup_limits={"cpus": 0})


def test_the_command_line_has_limits(cgroup: pathlib.Path) -> None:
    command = [sys.executable, "-m", "procfd", "run", "--cgroup", str(cgroup)]
    told = subprocess.run(
        [*command, "--cgroup-limit", "cgroup.max.depth=3", "--explain", "true"], capture_output=True
    )
    assert b"set the cgroup limit cgroup.max.depth=3: openat, write, close" in told.stdout
    options = ["--memory", "100M", "--cpus", "0.5", "--pids", "20", "--explain", "true"]
    shown = subprocess.run([*command, *options], capture_output=True, text=True)
    for limit in "memory.max=100M", "cpu.max=50000 100000", "pids.max=20":
        assert f"set the cgroup limit {limit}: " in shown.stdout
    shown = subprocess.run(
        [*command, "--cgroup-leaf", "cat", "/proc/self/cgroup"], capture_output=True, text=True
    )
    assert f"/{cgroup.name}/procfd-" in shown.stdout


def test_a_cgroup_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError) as raised:
        run("true", cgroup="/sys/fs/cgroup/nonexistent")
    assert isinstance(raised.value, procfd.Error)


def test_namespaces_to_join() -> None:
    holder = procfd.spawn(
        "sleep",
        ["sleep", "60"],
        search=True,
        namespaces=["user", "uts", "ipc"],
        uid_map=[(0, os.geteuid(), 1)],
    )
    try:
        pid, fd = holder.pid, os.pidfd_open(holder.pid)
        kinds = ("user", "uts", "ipc")
        wanted = [os.readlink(f"/proc/{pid}/ns/{kind}") for kind in kinds]
        paths = [(kind, pathlib.Path(f"/proc/{pid}/ns/{kind}")) for kind in reversed(kinds)]
        code = f"import os; print(*(os.readlink(f'/proc/self/ns/{{kind}}') for kind in {kinds}))"
        for join in ([(kinds, fd)], paths, [("user", paths[2][1]), (("uts", "ipc"), fd)]):
            assert python(code, join=join).split() == wanted
        # The descriptor is still the caller's, and the program does not get it.
        os.close(fd)
    finally:
        holder.kill()
        holder.wait()
    for wrong in ([("box", "/x")], [("uts", "")], ["uts"], [("uts", "/x"), ("uts", "/y")], 1):
        with pytest.raises((ValueError, TypeError, OSError)):
            run("true", join=wrong)
    with pytest.raises(FileNotFoundError) as failed:
        run("true", join=[("uts", "/no/such/namespace")])
    assert failed.value.stage == procfd.Stage.JOIN  # type: ignore[attr-defined]


def test_a_pid_namespace_to_join() -> None:
    holder = procfd.spawn(
        "sleep",
        ["sleep", "60"],
        search=True,
        namespaces=["user", "pid"],
        uid_map=[(0, os.geteuid(), 1)],
    )
    try:
        fd = os.pidfd_open(holder.pid)
        wanted = os.readlink(f"/proc/{holder.pid}/ns/pid")
        assert sh("readlink /proc/self/ns/pid", join=[(("user", "pid"), fd)]) == wanted
        assert int(sh("echo $$", join=[(("user", "pid"), fd)])) < os.getpid()
        os.close(fd)
    finally:
        holder.kill()
        holder.wait()


def test_the_clocks_of_a_time_namespace() -> None:
    settings: dict[str, Any] = {
        "namespaces": ["user", "time"],
        "time_offsets": {"monotonic": -0.25, "boottime": 1000},
    }
    lines = sh("cat /proc/self/timens_offsets", **settings).splitlines()
    offsets = {clock: int(s) + int(ns) / 1e9 for clock, s, ns in map(str.split, lines)}
    assert offsets == {"monotonic": -0.25, "boottime": 1000.0}
    for wrong in ({"realtime": 1}, {"monotonic": "1"}, {"monotonic": 1e300}, 1):
        with pytest.raises((ValueError, TypeError)):
            run("true", namespaces="time", time_offsets=wrong)


def test_kernel_parameters_of_a_network_namespace() -> None:
    sysctls = {"net.ipv4.ip_default_ttl": 33, "net/ipv4/ip_forward": "1"}
    path = "/proc/sys/net/ipv4/"
    script = f"cat {path}ip_default_ttl {path}ip_forward"
    assert sh(script, namespaces=["user", "net"], sysctls=sysctls).split() == ["33", "1"]
    with pytest.raises(ValueError, match=r"kernel\.panic"):
        run("true", sysctls={"kernel.panic": 1})
    with pytest.raises(OSError, match="NET"):
        run("true", sysctls=sysctls)


def test_a_chosen_pid() -> None:
    assert sh("echo $$", namespaces=["user", "pid"], set_tid=[1]) == "1"
    with pytest.raises(ValueError):
        run("true", set_tid=[0])

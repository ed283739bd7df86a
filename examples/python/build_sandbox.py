#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs a build. The files are read-only except DIRECTORY. /tmp, /run and /dev are private. It has
no network, keys or capabilities. Memory and descriptors have limits. All ends with this program.

    build_sandbox.py DIRECTORY COMMAND [ARGUMENT]...
"""

import os
import sys

import procfd

if len(sys.argv) < 3:
    sys.exit("usage: build_sandbox.py DIRECTORY COMMAND [ARGUMENT]...")
own = os.path.realpath(sys.argv[1])
writable = ("rbind", own, own, {"create": True})
try:
    with procfd.spawn(
        sys.argv[2:],
        namespaces=["user", "pid", "mount", "net", "ipc", "uts"],
        uid_map=[(os.geteuid(), os.geteuid(), 1)],
        gid_map=[(os.getegid(), os.getegid(), 1)],
        init=True,
        kill_on_close=True,
        ro_root=True,
        private_tmp=True,
        private_dev=True,
        mounts=[("proc", "/proc", {"ro": True}), ("tmpfs", "/run"), writable],
        cwd=own,
        limits={"as": 4 << 30, "nofile": 1024},
        no_new_privs=True,
        cap_bounding=[],
        session_keyring="",
        session=True,
    ) as process:
        status = process.wait().returncode
except procfd.Error as error:
    sys.exit(f"build_sandbox.py: {error}")
sys.exit(status if status >= 0 else 128 - status)

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs a build. The files are read-only except DIRECTORY. /tmp and /dev are private, there is no
network, memory and descriptors are limited. All its processes end with this program.

    build_sandbox.py DIRECTORY COMMAND [ARGUMENT]...
"""

import os
import resource
import sys

import procfd

if len(sys.argv) < 3:
    sys.exit("usage: build_sandbox.py DIRECTORY COMMAND [ARGUMENT]...")
directory = os.path.realpath(sys.argv[1])
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
        mounts=[("proc", "/proc"), ("rbind", directory, directory, {"create": True})],
        cwd=directory,
        limits={resource.RLIMIT_AS: 4 << 30, resource.RLIMIT_NOFILE: 1024},
        no_new_privs=True,
        session=True,
    ) as process:
        status = process.wait().returncode
except procfd.Error as error:
    sys.exit(f"build_sandbox.py: {error}")
sys.exit(status if status >= 0 else 128 - status)

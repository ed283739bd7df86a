# SPDX-License-Identifier: MIT OR Apache-2.0
"""The sockets of a process, out of the tables of its network namespace."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple


class Address(NamedTuple):
    """An end of a connection."""

    ip: str
    port: int


class Connection(NamedTuple):
    """A socket; the addresses of AF_UNIX are paths."""

    fd: int
    family: socket.AddressFamily
    type: socket.SocketKind
    laddr: Address | str | tuple[()]
    raddr: Address | str | tuple[()]
    status: str


_TCP_STATES = (
    *("NONE", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT"),
    *("CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING"),
)
_TCP4 = ("tcp", socket.AF_INET, socket.SOCK_STREAM)
_TCP6 = ("tcp6", socket.AF_INET6, socket.SOCK_STREAM)
_UDP4 = ("udp", socket.AF_INET, socket.SOCK_DGRAM)
_UDP6 = ("udp6", socket.AF_INET6, socket.SOCK_DGRAM)
_UNIX = ("unix", socket.AF_UNIX, socket.SOCK_STREAM)
_KINDS = {
    "all": (_TCP4, _TCP6, _UDP4, _UDP6, _UNIX),
    "inet": (_TCP4, _TCP6, _UDP4, _UDP6),
    "inet4": (_TCP4, _UDP4),
    "inet6": (_TCP6, _UDP6),
    "tcp": (_TCP4, _TCP6),
    "tcp4": (_TCP4,),
    "tcp6": (_TCP6,),
    "udp": (_UDP4, _UDP6),
    "udp4": (_UDP4,),
    "udp6": (_UDP6,),
    "unix": (_UNIX,),
}


def check(kind: str) -> None:
    """Refuse a kind of connection that is none."""
    if kind not in _KINDS:
        known = ", ".join(_KINDS)
        raise ValueError(f"net_connections: there is no kind {kind!r}; there are: {known}")


def connections(folder: int, kind: str, by_inode: dict[int, list[int]]) -> Iterator[Connection]:
    """Those of the inodes, by the /proc directory of the process; each with its descriptor."""
    for table, family, sort in _KINDS[kind]:
        with contextlib.suppress(FileNotFoundError):
            fd = os.open(f"net/{table}", os.O_RDONLY, dir_fd=folder)
            with open(fd, encoding="utf-8", errors="surrogateescape") as lines:
                next(lines, None)
                read = _unix if family == socket.AF_UNIX else _inet
                yield from read(lines, family, sort, by_inode)


def _address(text: str, family: int) -> Address | tuple[()]:
    """An address of /proc/net/tcp: words of the machine's byte order in hexadecimal."""
    ip, port = text.split(":")
    if int(port, 16) == 0:
        return ()
    raw = bytes.fromhex(ip)
    if sys.byteorder == "little":
        raw = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    return Address(socket.inet_ntop(family, raw), int(port, 16))


def _inet(
    lines: Iterable[str], family: Any, sort: Any, by_inode: dict[int, list[int]]
) -> Iterator[Connection]:
    for line in lines:
        words = line.split()
        for fd in by_inode.get(int(words[9]), ()):
            stream = sort == socket.SOCK_STREAM
            status = _TCP_STATES[int(words[3], 16)] if stream else "NONE"
            ours, theirs = _address(words[1], family), _address(words[2], family)
            yield Connection(fd, family, sort, ours, theirs, status)


def _unix(
    lines: Iterable[str], family: Any, _: Any, by_inode: dict[int, list[int]]
) -> Iterator[Connection]:
    for line in lines:
        fields = line.split(None, 7)
        path = fields[7].rstrip("\n") if len(fields) > 7 else ""
        for fd in by_inode.get(int(fields[6]), ()):
            sort = socket.SocketKind(int(fields[4], 16))
            yield Connection(fd, family, sort, path, "", "NONE")

# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash disable=SC2034
# TAP, and what the tests of the packages share. Sourced in the root of the tree.

count=0
failed=0
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
soversion=$(sed -n 's/^SOFULL *:= *//p' Makefile)
work=$(mktemp -d "${TMPDIR:-/tmp}/procfd-packages.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
# The settings of an enclosing make are not for the builds of the packages.
unset MAKEFLAGS MFLAGS MAKELEVEL CARGO_TARGET_DIR DESTDIR PREFIX LIBDIR CFLAGS LDFLAGS

report() { # status, name
    count=$((count + 1))
    if [[ $1 -eq 0 ]]; then
        echo "ok $count - $2"
    else
        failed=$((failed + 1))
        echo "not ok $count - $2"
        tail -n "${SHOWN_LINES:-60}" "$work/log" | sed 's/^/# /'
    fi
}

check() { # name, command...
    local what=$1 status=0
    shift
    ("$@") >"$work/log" 2>&1 </dev/null || status=$?
    report "$status" "$what"
    return "$status"
}

finish() {
    echo "1..$count"
    exit $((failed > 0))
}

skip_all() { # what, reason
    if [[ ${PROCFD_MUST_WORK-} == 1 ]]; then
        echo "not ok 1 - $1: $2"
        echo "1..1"
        exit 1
    fi
    echo "ok 1 - $1 # SKIP $2"
    echo "1..1"
    exit 0
}

need() { # command=package...: installed, or installed now, or all is skipped
    local pair packages=()
    for pair in "$@"; do
        command -v "${pair%%=*}" >/dev/null 2>&1 || packages+=("${pair#*=}")
    done
    [[ ${#packages[@]} -gt 0 ]] || return 0
    if [[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null 2>&1; then
        export DEBIAN_FRONTEND=noninteractive
        local install=(timeout -k 10 300 apt-get install -y -q --no-install-recommends "${packages[@]}")
        "${install[@]}" >"$work/log" 2>&1 </dev/null && return 0
        timeout -k 10 120 apt-get update -q >"$work/log" 2>&1 </dev/null || true
        "${install[@]}" >"$work/log" 2>&1 </dev/null && return 0
    fi
    skip_all "the packages" "not installed: ${packages[*]}"
}

# What is expected is read from the tarball: the tree may change while its packages are built.
tree=$work/tree/procfd-$version

tarballs() { # into $work/dist
    timeout -s KILL 200 scripts/dist "$work/dist" || return
    mkdir "$work/tree"
    tar --extract --file "$work/dist/procfd-$version.tar.gz" --directory "$work/tree"
}

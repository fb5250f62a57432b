# memrec: everything is built into build/. `make help` lists the targets.

CC      ?= gcc
CFLAGS  ?= -O2 -g
WARN     = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
CPPFLAGS += -D_GNU_SOURCE -Iformat
ALL_CFLAGS = -std=gnu11 $(WARN) $(CFLAGS)
B       ?= build
PREFIX  ?= /usr/local
PACKAGES = gcc make pkg-config libc6-dev liblz4-dev libmsgpack-dev libunwind-dev libjansson-dev zlib1g-dev
TEST_PACKAGES = bats jq lz4 python3 python3-venv procps util-linux
PAGE_TEST_PACKAGES = chromium

# A tool is one .c in filters/ or render/ named mem*.c, and what lies in a folder of its name.
TOOLS    = $(basename $(notdir $(wildcard filters/mem*.c render/mem*.c)))
LIB      = $B/libmemtrace.a
LIB_OBJ  = $(patsubst %.c,$B/obj/%.o,$(wildcard format/*.c))
REC_OBJ  = $(patsubst %.c,$B/obj/%.o,$(wildcard record/*.c))
AGENT_SRC = $(wildcard record/agent/*.c)
AGENT_OBJ = $(patsubst %.c,$B/obj/%.o,$(AGENT_SRC))
AGENT    = $B/lib/memrec/libmemrec.so
LIBS     = -llz4 -lmsgpackc -ljansson -lz -lm
UNITS    = $(patsubst tests/unit/%.c,$B/tests/%,$(wildcard tests/unit/*.c))

all: $(if $(wildcard record/memrec.c),$B/bin/memrec $(AGENT)) $(addprefix $B/bin/,$(TOOLS))

$B/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(CFLAGS_$(subst /,_,$*)) -MMD -MP -c -o $@ $<

$(LIB): $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

.SECONDEXPANSION:
TOOL_OBJ = $(patsubst %.c,$B/obj/%.o,$(wildcard filters/$(1).c render/$(1).c filters/$(1)/*.c render/$(1)/*.c)) \
           $(patsubst %,$B/obj/%.asset.o,$(wildcard filters/$(1)/*.js filters/$(1)/*.css filters/$(1)/*.html render/$(1)/*.js render/$(1)/*.css render/$(1)/*.html))
$(addprefix $B/bin/,$(TOOLS)): $B/bin/%: $$(call TOOL_OBJ,$$*) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIB) -Wl,--as-needed $(LIBS)

# A page's text files become bytes in the program: _binary_NAME_start, _binary_NAME_end.
$B/obj/%.asset.o: %
	@mkdir -p $(@D)
	cd $(dir $<) && $(LD) -r -b binary -z noexecstack -o $(abspath $@) $(notdir $<)

$B/bin/memrec: $(REC_OBJ) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $(REC_OBJ) $(LIB) -Wl,--as-needed $(LIBS)

# The agent lives in other people's processes: nothing exported but the hooks, nothing linked but libc.
$(AGENT_OBJ): CFLAGS_EXTRA = -fPIC -fvisibility=hidden -ftls-model=initial-exec -fno-exceptions -fno-plt -fno-math-errno
$(AGENT_OBJ): $B/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(CFLAGS_EXTRA) -MMD -MP -c -o $@ $<
$(AGENT): $(AGENT_OBJ) record/agent/exports.map
	@mkdir -p $(@D)
	$(CC) -shared $(LDFLAGS) -Wl,--version-script=record/agent/exports.map -Wl,--exclude-libs,ALL -Wl,-z,now -Wl,-soname,libmemrec.so -o $@ $(AGENT_OBJ)

$B/tests/%: tests/unit/%.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Irecord -Irecord/agent $(ALL_CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(UNIT_OBJ_$*) $(LIB) -Wl,--as-needed $(LIBS)

-include tests/*/rules.mk
-include $(LIB_OBJ:.o=.d) $(REC_OBJ:.o=.d) $(AGENT_OBJ:.o=.d)

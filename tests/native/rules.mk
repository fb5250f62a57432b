# The agent's walker alone, for tests: compared with libunwind at each allocation.
NATIVE_PARTS = $(addprefix record/agent/,native/cfi.c native/clock.c native/modules.c thread_states.c nodes.c libc.c loaded.c object.c)
NATIVE_DEPS  = tests/native/harness.c tests/lib/alone.h $(NATIVE_PARTS) $(wildcard record/agent/native/native.[ch] record/agent/*.h record/agent/*/*.h record/wire.h)

$B/tests/cfi: tests/unit/cfi.c record/agent/native/cfi.c record/agent/native/cfi.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(AGENT_INC) -Irecord/agent/native $(ALL_CFLAGS) $(LDFLAGS) -o $@ tests/unit/cfi.c record/agent/native/cfi.c record/agent/loaded.c record/agent/memory.c record/agent/libc.c record/agent/object.c

$B/tests/addresses: tests/unit/addresses.c record/collect/addresses.c record/collect/addresses.h $(LIB) tests/unit/check.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Irecord/collect $(ALL_CFLAGS) $(LDFLAGS) -o $@ tests/unit/addresses.c record/collect/addresses.c $(LIB)

$B/tests/recent_stacks: tests/unit/recent_stacks.c record/collect/recent_stacks.c record/collect/recent_stacks.h $(LIB) tests/unit/check.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Irecord/collect $(ALL_CFLAGS) $(LDFLAGS) -o $@ tests/unit/recent_stacks.c record/collect/recent_stacks.c $(LIB)

$B/tests/nodes: tests/unit/nodes.c record/agent/nodes.c record/agent/memory.c record/agent/nodes.h record/agent/agent.h record/wire.h tests/unit/check.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(AGENT_INC) $(ALL_CFLAGS) $(LDFLAGS) -pthread -o $@ tests/unit/nodes.c record/agent/nodes.c record/agent/memory.c record/agent/libc.c record/agent/object.c

$B/tests/native-verify.so: $(NATIVE_DEPS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(AGENT_INC) $(ALL_CFLAGS) -DNATIVE_VERIFY -fPIC -fvisibility=hidden -ftls-model=initial-exec -fno-plt -shared \
		$(LDFLAGS) -o $@ tests/native/harness.c $(NATIVE_PARTS) -lunwind
TEST_FILES += $B/tests/native-verify.so

# The whole agent, comparing cached walks with fresh ones; in its own tree with memrec, which looks for it there.
$B/tests/verify/lib/memrec/libmemrec.so: $(AGENT_SRC) $(wildcard record/agent/*.h record/agent/*/*.h record/wire.h) record/agent/exports.map
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(AGENT_INC) $(ALL_CFLAGS) -DNATIVE_VERIFY -fPIC -fvisibility=hidden -ftls-model=initial-exec -fno-exceptions -fno-plt -fno-math-errno \
		-shared $(LDFLAGS) -Wl,-Bsymbolic-functions -Wl,--version-script=record/agent/exports.map -Wl,-z,now -o $@ $(AGENT_SRC)
$B/tests/verify/bin/memrec: $B/bin/memrec
	@mkdir -p $(@D)
	@cp $< $@
TEST_FILES += $B/tests/verify/lib/memrec/libmemrec.so $B/tests/verify/bin/memrec

# The readers of debug information, compared with libdw.
DEBUG_UNITS = $B/tests/linetable $B/tests/entries
$(DEBUG_UNITS): $B/tests/%: tests/unit/%.c record/symbols/%.c record/symbols/%.h record/symbols/sections.c record/symbols/sections.h record/symbols/cursor.h tests/unit/objects.h tests/unit/check.h $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Irecord/symbols $(ALL_CFLAGS) $(LDFLAGS) -o $@ tests/unit/$*.c record/symbols/$*.c record/symbols/sections.c $(LIB) -ldw -lelf

# The agent's walker alone, for tests: compared with libunwind's at each allocation.
NATIVE_PARTS = $(addprefix record/agent/,cfi.c modules.c claims.c nodes.c)
NATIVE_DEPS  = tests/native/harness.c tests/lib/alone.h $(NATIVE_PARTS) $(wildcard record/agent/native.[ch] record/agent/*.h record/wire.h)

$B/tests/cfi: tests/unit/cfi.c record/agent/cfi.c record/agent/cfi.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Irecord/agent $(ALL_CFLAGS) $(LDFLAGS) -o $@ tests/unit/cfi.c record/agent/cfi.c

$B/tests/native-verify.so: $(NATIVE_DEPS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -DNATIVE_VERIFY -fPIC -fvisibility=hidden -ftls-model=initial-exec -fno-plt -shared \
		$(LDFLAGS) -o $@ tests/native/harness.c $(NATIVE_PARTS) -lunwind
TEST_FILES += $B/tests/native-verify.so

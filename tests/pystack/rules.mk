# The agent's Python part alone: verifying each capture for tests, and plain for the bench.
PYSTACK_PARTS = $(addprefix record/agent/,object.c thread_states.c nodes.c python/pylayout.c python/pycode.c python/pycollector.c python/lastwalk.c python/pytext.c python/pyreference.c) record/collect/pylines.c
PYSTACK_DEPS  = tests/pystack/harness.c $(PYSTACK_PARTS) $(wildcard record/agent/python/py*.[ch] record/agent/nodes.h record/agent/object.[ch] record/agent/python/lastwalk.[ch] record/agent/python/proofs.h record/agent/thread_states.[ch] record/collect/pylines.h tests/lib/alone.h)
PYSTACK_CC    = $(CC) $(CPPFLAGS) $(AGENT_INC) $(ALL_CFLAGS) -fPIC -fvisibility=hidden -ftls-model=initial-exec -fno-plt -shared $(LDFLAGS)

$B/tests/pystack-verify.so: $(PYSTACK_DEPS)
	@mkdir -p $(@D)
	$(PYSTACK_CC) -DPYSTACK_VERIFY -o $@ tests/pystack/harness.c $(PYSTACK_PARTS)
$B/tests/pystack-bench.so: $(PYSTACK_DEPS)
	@mkdir -p $(@D)
	$(PYSTACK_CC) -o $@ tests/pystack/harness.c $(PYSTACK_PARTS)
$B/tests/pylayout: tests/unit/pylayout.c record/agent/python/pylayout.c record/agent/object.c record/agent/object.h record/agent/python/pylayout.h record/agent/python/pytables.h tests/unit/check.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(AGENT_INC) -Irecord/agent/python $(ALL_CFLAGS) -Itests/unit $(LDFLAGS) -o $@ tests/unit/pylayout.c record/agent/python/pylayout.c record/agent/object.c
$B/tests/pylines: tests/unit/pylines.c record/collect/pylines.c record/collect/pylines.h tests/unit/check.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Irecord -Irecord/collect $(ALL_CFLAGS) -Itests/unit $(LDFLAGS) -o $@ tests/unit/pylines.c record/collect/pylines.c
$B/tests/pystack-embed: tests/pystack/embed.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< -ldl

# make tsan: both sides of the ring in one process. The recorder's own code, except that the test handles the records.
TSAN_SRC = tests/tsan/ring.c $(filter-out $(addprefix record/collect/,records.c traced.c mappings.c),$(wildcard record/collect/*.c record/symbols/*.c)) $(wildcard format/*.c) record/agent/sampler.c
$B/tsan/ring: $(TSAN_SRC) $(wildcard record/*.h record/*/*.h format/*.h)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(REC_INC) -std=gnu11 -g -O1 -fsanitize=thread -o $@ $(TSAN_SRC) -Wl,--as-needed $(LIBS) $(REC_LIBS)

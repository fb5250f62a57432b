# Both sides of memrec --sample in one program.
$B/tests/sampler: tests/unit/sampler.c record/agent/sampler.c record/collect/samples.c record/agent/sampler.h record/collect/samples.h record/wire.h $(LIB) tests/unit/check.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(AGENT_INC) $(ALL_CFLAGS) $(LDFLAGS) -pthread -o $@ tests/unit/sampler.c record/agent/sampler.c record/collect/samples.c $(LIB) -lm

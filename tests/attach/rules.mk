# Programs to attach to.
$B/tests/attach-target: tests/attach/target.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< -ldl -lpthread

TEST_FILES += $B/tests/attach-target

# A unit of the recorder.
$B/tests/cgroup: tests/unit/cgroup.c record/cgroup.c record/cgroup.h record/collect/procfs.c tests/unit/check.h $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(REC_INC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ tests/unit/cgroup.c record/cgroup.c record/collect/procfs.c $(LIB) -Wl,--as-needed $(LIBS)
$B/tests/thread: tests/unit/thread.c record/inject/thread.c record/inject/thread.h tests/unit/check.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(REC_INC) -Irecord/inject $(ALL_CFLAGS) $(LDFLAGS) -o $@ tests/unit/thread.c record/inject/thread.c

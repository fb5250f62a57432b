# Programs to attach to.
$B/tests/attach-target: tests/attach/target.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< -ldl -lpthread

TEST_FILES += $B/tests/attach-target

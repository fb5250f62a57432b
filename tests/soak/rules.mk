# A program that counts its allocations until it is killed (make soak, faults.bats).
$B/tests/counting: tests/soak/counting.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< -lpthread

TEST_FILES += $B/tests/counting

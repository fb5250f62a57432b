# The program that counts what it allocates, to be killed (make soak, faults.bats).
$B/tests/counting: tests/soak/counting.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< -lpthread

TEST_FILES += $B/tests/counting

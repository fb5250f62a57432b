CENSUS_SRC = $(wildcard record/census/*.c)
$B/tests/census: tests/unit/census.c $(CENSUS_SRC) $(wildcard record/census/*.h) tests/unit/check.h $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Irecord/census $(ALL_CFLAGS) $(LDFLAGS) -o $@ tests/unit/census.c $(CENSUS_SRC) $(LIB) -Wl,--as-needed $(LIBS)

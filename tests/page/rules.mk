# memflame's table of points, alone.
$B/tests/points: tests/unit/points.c render/memflame/points.c render/memflame/points.h $(LIB) tests/unit/check.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Irender/memflame $(ALL_CFLAGS) $(LDFLAGS) -o $@ tests/unit/points.c render/memflame/points.c $(LIB)

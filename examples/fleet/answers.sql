-- 1. What was never freed: memleak
SELECT sum(bytes) AS bytes, sum(allocations) AS allocations FROM blocks WHERE fate = 'leaked';

-- 2. By line and allocator: memtable --leaks
SELECT function, file, line, allocator, sum(bytes) AS bytes, sum(allocations) AS n
FROM blocks WHERE fate = 'leaked' GROUP BY function, file, line, allocator;

-- 3. All allocations by line and allocator: memtable --total
SELECT function, file, line, allocator, sum(bytes) AS bytes, sum(allocations) AS n
FROM blocks GROUP BY function, file, line, allocator;

-- 4. All allocations by span: memtable --total --by span
SELECT coalesce(span, '[no span]') AS span, allocator, sum(bytes) AS bytes, sum(allocations) AS n
FROM blocks GROUP BY coalesce(span, '[no span]'), allocator;

-- 5. What was never freed, by thread: memtable --leaks --split-threads
SELECT pid, tid, sum(bytes) AS bytes, sum(allocations) AS n FROM blocks WHERE fate = 'leaked' GROUP BY pid, tid;

-- 6. Live at the end, by package: memgrow --by package
SELECT coalesce(package, '[none]') AS package, sum(bytes) AS bytes, sum(allocations) AS n
FROM blocks WHERE fate = 'leaked' GROUP BY package;

-- 7. Live at the end, by process: memgrow --by process
SELECT pid, sum(bytes) AS bytes, sum(allocations) AS n FROM blocks WHERE fate = 'leaked' GROUP BY pid;

-- 8. Large blocks that were never freed: memgrep --min-size 1000 | memleak
SELECT sum(bytes) AS bytes, sum(allocations) AS n FROM blocks WHERE size >= 1000 AND fate = 'leaked';

-- 9. All small blocks of malloc: memgrep --allocator malloc --max-size 100 | memtable --total
SELECT sum(bytes) AS bytes, sum(allocations) AS n FROM blocks WHERE allocator = 'malloc' AND size <= 100;

-- 10. Made from 200 to 400 ms after the beginning, and live then: memslice --begin 200ms --end 400ms | memleak
SELECT sum(bytes) AS bytes, sum(allocations) AS n
FROM blocks WHERE born_ms >= 200 AND born_ms < 400 AND (died_ms IS NULL OR died_ms >= 400)

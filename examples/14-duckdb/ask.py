import duckdb

print(duckdb.sql("""
    SELECT function, line, sum(allocations)::INT AS blocks, sum(size)::INT AS bytes
    FROM 'places.csv' WHERE file LIKE '%orders.py' AND allocator = 'calloc'
    GROUP BY ALL ORDER BY bytes DESC
"""))
print(duckdb.sql("""
    SELECT size, count(*) AS blocks, sum(size)::INT AS bytes
    FROM read_json('events.json', format = 'newline_delimited', ignore_errors = true, columns = {event: 'VARCHAR', size: 'BIGINT'})
    WHERE event = 'alloc' AND size IN (1033, 2033, 4033)
    GROUP BY size ORDER BY size
"""))

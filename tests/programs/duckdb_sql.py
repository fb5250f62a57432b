# needs: duckdb
import duckdb
print(duckdb.sql("select i % 5 k, sum(i) s from range(100000) t(i) group by k order by k").fetchall())

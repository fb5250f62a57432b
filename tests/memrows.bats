# memrows: a row for each block; sums over rows are the answers of the other commands.

load lib/common
load lib/traces

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	trace > t.lz4 <<-END
	{"event":"header","command":["app"],"start_ns":1700000000000000000}
	{"event":"process","pid":7,"info":{"command":["python3","app.py"],"python":"3.11.2"}}
	{"event":"thread","pid":7,"tid":8,"name":"worker"}
	alloc 1 1000 main@app.py:3;load@app.py:41 pid=7 tid=7 time_ms=5
	{"event":"span","pid":7,"tid":8,"time_ms":6,"begins":true,"name":"request"}
	alloc 2 300 main@app.py:3;read@libx.so pid=7 tid=8 time_ms=7 allocator=mmap weight=2
	{"event":"span","pid":7,"tid":8,"time_ms":8,"begins":false,"name":"request"}
	resize 2 100 pid=7 tid=8 time_ms=20
	free 1 pid=7 tid=7 time_ms=65
	alloc 3 10 - pid=7 tid=7 time_ms=70
	alloc 4 20 - pid=7 tid=7 time_ms=70
	{"event":"process","pid":7,"time_ms":80,"info":{"finalizing":1}}
	free 3 pid=7 tid=7 time_ms=81
	alloc 5 30 - pid=7 tid=7 time_ms=81
	exit 7
	END
}

# Prints columns of CSV on standard input, by name, joined by '|'.
columns() { # NAME...
	python3 -c 'import csv, sys
for row in csv.DictReader(sys.stdin):
	print("|".join(row[name] for name in sys.argv[1:]))' "$@"
}

random_trace() { # SEED
	python3 "$TESTS/lib/gen_trace.py" --events 3000 --seed "$1" --processes 2 --threads 3 --weights --unknown --spans --mappings --finalizing |
		memcat --from-json
}

# Print bytes and allocations by function, file, line and allocator: added up over rows; memtable's.
sums() { # CONDITION
	python3 -c 'import collections, csv, sys
sums = collections.Counter()
for row in csv.DictReader(sys.stdin):
	if eval(sys.argv[1], row):
		key = row["function"], row["file"], row["line"] or "0", row["allocator"]
		sums[key + ("bytes",)] += int(row["bytes"])
		sums[key + ("n",)] += int(row["allocations"])
for row in sorted("|".join(key + (str(sums[key + ("bytes",)]), str(sums[key + ("n",)]))) for key in {k[:4] for k in sums} if sums[key + ("n",)]):
	print(row)' "$1"
}

table() { # memtable's OPTION... TRACE
	memtable --csv "$@" | python3 -c 'import csv, sys
for row in sorted("|".join(r[k] for k in ("function", "file", "line", "allocator", "size", "allocations")) for r in csv.DictReader(sys.stdin)):
	print(row)'
}

@test "a row for each block when it ends: sizes, times, fate" {
	memrows t.lz4 | columns size allocations bytes born_ms died_ms lifetime_ms fate freed > got
	cat > want <<-END
	200|0|400|7|20|13|freed|true
	1000|1|1000|5|65|60|freed|true
	10|1|10|70|||leaked|true
	100|2|200|7|||leaked|false
	20|1|20|70|||leaked|false
	30|1|30|81|81|0|shutdown|false
	END
	diff got want
}

@test "what each block belongs to: time, host, process, thread, span, package, place and stack" {
	memrows t.lz4 | columns born allocator host pid process tid thread span package function file line stack_id stack > got
	cat > want <<-END
	2023-11-14 22:13:20.007|mmap|$(uname -n)|7|python3 app.py|8|worker|request|app|read|libx.so||3|main (app.py:3);read [libx.so]
	2023-11-14 22:13:20.005|malloc|$(uname -n)|7|python3 app.py|7|||app|load|app.py|41|2|main (app.py:3);load (app.py:41)
	END
	head -2 got | diff - want
}

@test "JSON lines have the same rows as CSV" {
	random_trace 1 > r.lz4
	for by in block stack; do
		memrows --json --by $by r.lz4 | python3 -c 'import json, sys
for line in sys.stdin:
	print("|".join("" if v is None else str(v).lower() if isinstance(v, bool) else str(v) for v in json.loads(line).values()))' > json
		memrows --by $by r.lz4 | python3 -c 'import csv, sys
for row in list(csv.reader(sys.stdin))[1:]:
	print("|".join(row))' > csv
		[ -s csv ]
		cmp json csv
	done
}

@test "--texts: rows and texts, joined, are the same rows" {
	random_trace 2 > r.lz4
	memrows r.lz4 > whole
	memrows --texts texts r.lz4 > rows
	[ "$(wc -c < rows)" -lt "$(($(wc -c < whole) / 2))" ]
	python3 - <<-'END'
	import csv
	texts = {t["place"]: t for t in csv.DictReader(open("texts"))}
	whole, rows = list(csv.DictReader(open("whole"))), list(csv.DictReader(open("rows")))
	assert len(whole) == len(rows) > 100
	for a, b in zip(whole, rows):
	    b = {**b, **texts[b["place"]]}
	    assert all(b[k] == v for k, v in a.items() if k != "born"), (a, b)
	END
}

@test "sums over rows equal memleak's, memtable's and mempeak's answers: ten random traces" {
	for seed in 1 2 3 4 5 6 7 8 9 10; do
		random_trace $seed > r.lz4
		memrows r.lz4 > rows
		diff <(sums 'fate == "leaked"' < rows) <(memleak r.lz4 | table)
		diff <(sums 'not died_ms' < rows) <(memleak r.lz4 | table)
		diff <(sums 'freed == "false" and fate != "exec"' < rows) <(memleak --to-the-end r.lz4 | table)
		diff <(sums 'True' < rows) <(table --total r.lz4)
		diff <(mempeak r.lz4 | memrows | sums 'True') <(table r.lz4)
		diff <(memtemp r.lz4 | memrows | sums 'not died_ms and not fate') <(memtemp r.lz4 | table)
		diff <(memrows --by stack r.lz4 | sums 'True') <(table --total r.lz4)
		diff <(memrows --by stack r.lz4 | sed '1s/allocations,bytes,leaked_allocations,leaked_bytes/a,b,allocations,bytes/' | sums 'int(allocations)') \
			<(memleak r.lz4 | table)
	done
}

@test "two traces joined: each with its own time; blocks of the first end with it" {
	{ cat t.lz4; printf '%s\n' '{"event":"header","command":["b"],"start_ns":1700000100000000000}' 'alloc 1 7 x@b.py:1 time_ms=1' | trace; } > both.lz4
	[ "$(memrows both.lz4 | columns size born fate | tail -1)" = "7|2023-11-14 22:15:00.001|leaked" ]
	[ "$(memrows both.lz4 | wc -l)" -eq 8 ]
	[ "$(memrows --by stack both.lz4 | columns function bytes | tail -1)" = "x|7" ]
}

@test "a trace that executes another program, and one that is cut off" {
	printf '%s\n' '{"event":"process","pid":7}' 'alloc 1 5 a@a.py:1 pid=7 tid=7' '{"event":"exit","pid":7,"time_ms":3,"info":{"reason":"exec"}}' \
		'alloc 2 6 a@a.py:1 pid=7 tid=7' cut | trace > cut.lz4
	run --separate-stderr memrows cut.lz4
	[ "$status" -eq 1 ]
	[ "$(columns size died_ms fate <<< "$output")" = $'5|3|exec\n6||leaked' ]
}

@test "memory does not grow with the number of rows" {
	[ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer's own memory would be measured"
	few=$("$TESTS/../${B:-build}/tests/lib/bigtrace" 100000 1000 500 | peak_memory memrows)
	many=$("$TESTS/../${B:-build}/tests/lib/bigtrace" 1000000 1000 500 | peak_memory memrows)
	[ "$many" -lt $((few + 4000)) ]
}

@test "stacks longer than any buffer" {
	deep=$(python3 -c 'print(";".join("f%d@%s.py:1" % (i, "x" * 300) for i in range(400)))')
	printf '%s\n' "alloc 1 10 $deep" "alloc 2 10 main@a.py:1" "alloc 3 10 $deep" | trace > deep.lz4
	python3 - <<-'END'
	import csv, subprocess, sys
	csv.field_size_limit(1 << 30)
	rows = list(csv.DictReader(subprocess.check_output(["memrows", "deep.lz4"]).decode().splitlines()))
	assert [len(r["stack"].split(";")) for r in rows] == [400, 1, 400], rows
	END
	for n in 1000 3000; do	# rows that end anywhere in a buffer
		"$TESTS/../${B:-build}/tests/lib/bigtrace" $n 10 > b.lz4
		[ "$(memrows b.lz4 | awk -F, 'NR > 1 && NF < 20' | wc -l)" -eq 0 ]
	done
}

peak_memory() { # COMMAND: prints kilobytes
	/usr/bin/time -f %M -o memory "$@" > /dev/null
	cat memory
}

# Needs pyarrow, pandas, polars and DuckDB: make dataframes.
dataframes() {
	PYTHONPATH=$TESTS/../record/python "${MEMREC_DATAFRAMES:-$TESTS/../build/dataframes}/bin/python" "$@"
}

need_dataframes() {
	[ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer cannot record, and the Python package needs the agent"
	dataframes -c 'import pyarrow, pandas, polars, duckdb' 2> /dev/null || skip "without pandas, polars, DuckDB: make dataframes"
}

@test "Parquet from a pipe: after Ctrl-C the rest of the trace is in it; a second Ctrl-C ends it" {
	need_dataframes
	random_trace 3 > r.lz4
	dataframes -m memrec rows --parquet r.lz4 > want.parquet
	export -f dataframes
	python3 "$TESTS/lib/ctrl_c.py" --feed r.lz4 1 memrows 'dataframes -m memrec rows --parquet > got.parquet'
	dataframes -c '
import pyarrow.parquet as pq
assert pq.read_table("got.parquet").to_pylist() == pq.read_table("want.parquet").to_pylist()'
	run -130 python3 "$TESTS/lib/ctrl_c.py" --feed r.lz4 2 memrows 'dataframes -m memrec rows --parquet > got.parquet'
}

@test "Parquet and Arrow: the same rows, in small row groups too; pandas, polars and DuckDB read the right types" {
	need_dataframes
	random_trace 3 > r.lz4
	memrows r.lz4 > rows.csv
	dataframes -m memrec rows --parquet --row-group 100 -o r.parquet r.lz4
	dataframes -m memrec rows --arrow < r.lz4 > r.arrow
	mempeak r.lz4 | dataframes -m memrec rows --parquet --by stack > stacks.parquet
	dataframes - <<-'END'
	import csv, datetime, duckdb, pandas, polars, pyarrow as pa, pyarrow.parquet as pq
	file = pq.ParquetFile("r.parquet")
	assert file.num_row_groups > 5
	rows = file.read().to_pylist()
	assert pa.ipc.open_stream("r.arrow").read_all().to_pylist() == rows
	def text(v):
	    return ("" if v is None else str(v).lower() if isinstance(v, bool) else str(v) if not isinstance(v, datetime.datetime)
	            else v.strftime("%Y-%m-%d %H:%M:%S.") + "%03d" % (v.microsecond // 1000))
	assert [{k: text(v) for k, v in row.items()} for row in rows] == \
	    [dict(sorted(r.items(), key=lambda kv: list(rows[0]).index(kv[0]))) for r in csv.DictReader(open("rows.csv"))]
	numbers = ["size", "allocations", "bytes", "born_ms", "died_ms", "lifetime_ms", "pid", "tid", "line", "stack_id"]
	texts = ["fate", "allocator", "host", "process", "thread", "span", "package", "function", "file", "stack"]
	p = pandas.read_parquet("r.parquet", dtype_backend="pyarrow").dtypes
	assert all(str(p[n]) == "int64[pyarrow]" for n in numbers) and all("dictionary" in str(p[n]) for n in texts), p
	assert "timestamp" in str(p["born"]) and str(p["freed"]) == "bool[pyarrow]"
	s = polars.read_parquet("r.parquet").schema
	assert all(s[n] == polars.Int64 for n in numbers) and all(s[n] == polars.Categorical for n in texts), s
	assert s["born"] == polars.Datetime("ms", "UTC") and s["freed"] == polars.Boolean
	d = {name: kind for name, kind, *_ in duckdb.sql("DESCRIBE FROM 'r.parquet'").fetchall()}
	assert all(d[n] == "BIGINT" for n in numbers) and all(d[n] == "VARCHAR" for n in texts), d
	assert d["born"] == "TIMESTAMP WITH TIME ZONE" and d["freed"] == "BOOLEAN"
	assert sum(pq.read_table("stacks.parquet")["bytes"].to_pylist()) == \
	    int(__import__("json").loads(__import__("subprocess").check_output(["memtable", "--json", "r.lz4"]))["total_bytes"])
	END
}

@test "DuckDB's obvious queries give memleak's and memtable's answers: ten random traces" {
	need_dataframes
	for seed in 1 2 3 4 5 6 7 8 9 10; do
		random_trace $seed > r.lz4
		dataframes -m memrec rows --parquet -o r.parquet r.lz4
		memleak r.lz4 | table > leaks
		table --total r.lz4 > total
		dataframes - <<-'END'
		import duckdb
		for where, want in ("fate = 'leaked'", "leaks"), ("died_ms IS NULL", "leaks"), ("true", "total"):
		    got = duckdb.sql(f"""SELECT coalesce(function, ''), coalesce(file, ''), coalesce(line, 0), allocator, sum(bytes)::VARCHAR,
		                         sum(allocations)::VARCHAR FROM 'r.parquet' WHERE {where} GROUP BY ALL HAVING sum(allocations) > 0""")
		    lines = sorted("|".join(map(str, row)) + "\n" for row in got.fetchall())
		    assert lines and lines == open(want).readlines(), (want, lines)
		END
	done
}

@test "Parquet of no blocks, of a trace that is cut off, of none; without pyarrow one line" {
	run env PYTHONPATH="$TESTS/../record/python" /usr/bin/python3 -S -m memrec rows --parquet t.lz4
	[ "$status" -eq 1 ]
	[ "$output" = "memrec: Parquet and Arrow are written by pyarrow, which this Python does not have: pip install 'memrec[rows]'" ]
	need_dataframes
	printf '{"event":"end"}\n' | memcat --from-json | dataframes -m memrec rows --parquet > none.parquet
	dataframes -c 'import pyarrow.parquet as p; t = p.read_table("none.parquet"); assert t.num_rows == 0 and "stack" in t.column_names'
	printf '%s\n' 'alloc 1 5 a@a.py:1' cut | trace > cut.lz4
	status=0
	dataframes -m memrec rows --parquet -o cut.parquet cut.lz4 2> err || status=$?
	[ "$status" -eq 1 ]
	[ "$(wc -l < err)" -eq 1 ]
	dataframes -c 'import pyarrow.parquet as p; assert p.read_table("cut.parquet").num_rows == 1'
	run dataframes -m memrec rows --parquet -o x.parquet nowhere.lz4
	[ "$status" -eq 1 ]
	[[ "$output" == "memrows: nowhere.lz4: "* ]]
	[ ! -e x.parquet ]
}

@test "usage errors: an unknown row, two formats, Parquet without Python" {
	run -2 memrows --by line t.lz4
	[ "${lines[0]}" = "memrows: --by: 'line' is not block or stack" ]
	run -2 memrows --json --csv t.lz4
	run -2 memrows --parquet t.lz4
	[ "${lines[0]}" = "memrows: Parquet and Arrow are written by 'python3 -m memrec rows' (it needs pyarrow)" ]
	run -1 memrows --texts nowhere/x t.lz4
	[[ "${lines[0]}" == "memrows: nowhere/x: cannot be created: "* ]]
}

# memtable: a row for each place that allocates.

load lib/common
load lib/traces
load lib/every

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	trace > t.lz4 <<-END
	{"event":"thread","pid":7,"tid":1,"name":"main"}
	{"event":"thread","pid":7,"tid":2,"name":"worker"}
	alloc 1 100 main@app.py:3;load@app.py:41 pid=7 tid=1
	alloc 2 200 other@app.py:3;load@app.py:41 pid=7 tid=2
	alloc 3 1000 main@app.py:3;load@app.py:42 pid=7 tid=1
	alloc 4 50 main@app.py:3;load@app.py:41 allocator=calloc tid=1
	alloc 5 5 - tid=3
	alloc 6 4 main@app.py:3;run@libx.so tid=3 weight=3
	END
}

# awk's integers may have 32 bits.
sum() {
	python3 -c 'import sys; print(sum(int(line.rsplit(" ", 1)[1]) for line in sys.stdin))'
}

@test "a row for each place and allocator, whatever the callers, the largest first; they add up to the total" {
	run memtable t.lz4
	[ "$output" = 'app: alive at the high-water mark
       Size    Allocations  Allocator  Thread     Location
    1.000kB              1  malloc     main (1)   load at app.py:42
       300B              2  malloc     2 threads  load at app.py:41
        50B              1  calloc     main (1)   load at app.py:41
        12B              3  malloc     3          run at [libx.so]
         5B              1  malloc     3          [unknown]
Total: 1.367kB in 8 allocations, 5 rows' ]
}

@test "--split-threads: a row for each thread" {
	run bash -o pipefail -c 'memtable --split-threads t.lz4 | grep :41'
	[ "$output" = '       200B              1  malloc     worker (2)  load at app.py:41
       100B              1  malloc     main (1)    load at app.py:41
        50B              1  calloc     main (1)    load at app.py:41' ]
}

@test "with several processes, threads are shown with their process's number" {
	printf 'alloc 1 1 a@a.py:1 pid=7 tid=7\nalloc 2 2 b@a.py:1 pid=8 tid=8\n' | trace > two.lz4
	run bash -o pipefail -c 'memtable two.lz4 | grep malloc'
	[[ "${lines[0]}" == *" 8/8 "* ]]
	[[ "${lines[1]}" == *" 7/7 "* ]]
}

@test "--csv: every field, quoted if necessary" {
	run memtable --csv t.lz4
	[ "$output" = 'size,allocations,allocator,threads,pid,tid,thread,function,file,line,language
1000,1,malloc,1,7,1,main,load,app.py,42,python
300,2,malloc,2,,,,load,app.py,41,python
50,1,calloc,1,7,1,main,load,app.py,41,python
12,3,malloc,1,7,3,,run,libx.so,0,native
5,1,malloc,1,7,3,,,,0,' ]
	printf '{"event":"function","function":1,"name":"a\\"b,c","file":"x\\ny.py"}\n{"event":"frame","frame":1,"function":1,"line":2}\n{"event":"stack","stack":1,"parent":0,"frame":1}\n{"event":"alloc","id":1,"size":1,"stack":1}\n' | trace > odd.lz4
	memtable --csv odd.lz4 > out.csv
	[ "$(python3 -c 'import csv; print(list(csv.DictReader(open("out.csv")))[0]["function"])')" = 'a"b,c' ]
}

@test "--json: every field, and all threads" {
	run bash -o pipefail -c 'memtable --json t.lz4 | jq -c ".title, .total_bytes, .total_allocations, .total_rows, .rows[1]"'
	[ "$output" = '"alive at the high-water mark"
1367
8
5
{"size":300,"allocations":2,"allocator":"malloc","function":"load","file":"app.py","line":41,"language":"python","threads":[{"pid":7,"tid":1,"name":"main"},{"pid":7,"tid":2,"name":"worker"}]}' ]
	run -2 memtable --json --csv t.lz4
}

@test "--sort count, --rows" {
	run memtable --sort count --rows 2 --csv t.lz4
	[ "${#lines[@]}" -eq 3 ]
	[[ "${lines[1]}" == "12,3,"* ]]
	run -2 memtable --sort colour t.lz4
}

@test "--leaks and --total, and filtered traces by their titles" {
	printf 'alloc 1 100 a@a.py:1\nfree 1\nalloc 1 7 b@a.py:2\n' | trace > t.lz4
	[ "$(memtable --leaks --csv t.lz4 | tail -n +2 | cut -d, -f1)" = 7 ]
	[ "$(memtable --total --csv t.lz4 | tail -n +2 | cut -d, -f1 | paste -sd ' ')" = "100 7" ]
	run bash -o pipefail -c 'memtemp t.lz4 | memtable'
	[ "${lines[0]}" = "app: temporary allocations" ]
	[[ "${lines[2]}" == *"100B"*"a at a.py:1" ]]
}

@test "on random traces the sums agree with memfold" {
	for seed in 1 2 3; do
		python3 "$TESTS/lib/gen_trace.py" --events 5000 --seed $seed --processes 2 --weights | memcat --from-json > r.lz4
		for what in "" --leaks --total; do
			want=$(memfold $what r.lz4 | sum)
			[ "$(memtable $what --json r.lz4 | jq '[.rows[].size] | add')" = "$want" ]
			[ "$(memtable $what --split-threads --csv r.lz4 | python3 -c 'import csv, sys; print(sum(int(r["size"]) for r in csv.DictReader(sys.stdin)))')" = "$want" ]
		done
	done
}

@test "on a terminal: colours, as many rows and columns as fit; not in a pipe" {
	for i in $(seq 60); do echo "alloc $i $((i == 60 ? 99999 : i * 100)) a_function_of_a_rather_long_name_$i@a_file_in_a_rather_deep_folder_$i.py:1"; done | trace > many.lz4
	run script -qec 'stty rows 30 columns 100; memtable many.lz4' /dev/null
	[[ "$output" == *$'\033[3'* ]]
	[[ "$output" == *"35 more rows"* ]]
	[ "$(printf '%s\n' "${lines[@]}" | tr -d '\r' | sed 's/\x1b\[[0-9;]*m//g' | python3 -c 'import sys; print(max(len(line.rstrip("\n")) for line in sys.stdin.buffer.read().decode().split("\n")))')" -le 100 ]
	run memtable many.lz4
	[ "${#lines[@]}" -eq 63 ]
	[[ "$output" != *$'\033'* ]]
}

@test "with one thread there is no column for threads; on a terminal of 80 columns no line is wider" {
	printf 'alloc %d %d a_function_with_a_long_name@/usr/lib/python3/dist-packages/a_module.py:1234\n' 1 1000 2 2000 | trace > one.lz4
	run memtable one.lz4
	[ "${lines[1]}" = '       Size    Allocations  Allocator  Location' ]
	for trace in one.lz4 t.lz4; do
		script -qec "stty cols 80 rows 24; memtable '$trace'" /dev/null | tr -d '\r' | sed 's/\x1b\[[0-9;]*m//g' > shown
		grep -q Location shown
		[ "$(LC_ALL=C.UTF-8 wc -L < shown)" -le 80 ]
	done
}

@test "--every: what is live after each interval of the trace's time, and at its end" {
	every_reports memtable
}

@test "--every: reports come while the program runs, from a pipe and from the file" {
	every_reports_come memtable
}

@test "--by span: a row for each span of the allocating thread, or of all threads" {
	trace > s.lz4 <<-END
	alloc 1 1 main@app.py:3 pid=1 tid=1
	{"event":"span","name":"script","begins":true,"pid":1,"tid":0}
	alloc 2 2 main@app.py:3 pid=1 tid=1
	{"event":"span","name":"GET /order","begins":true,"pid":1,"tid":1}
	alloc 3 40 main@app.py:4 pid=1 tid=1
	alloc 4 80 main@app.py:5 pid=1 tid=2
	alloc 5 100 main@app.py:6 pid=1 tid=1
	{"event":"span","name":"all","begins":true,"pid":1,"tid":0}
	alloc 6 1000 main@app.py:7 pid=1 tid=2
	alloc 7 2000 main@app.py:8 pid=1 tid=1
	{"event":"span","name":"GET /order","begins":false,"pid":1,"tid":1}
	alloc 8 4000 main@app.py:8 pid=1 tid=1
	END
	[ "$(memtable --by span --json s.lz4 | jq -c '.rows[] | [.function, .size, .allocations]' | paste -sd ' ')" = \
		'["all",5000,2] ["GET /order",2140,3] ["[no span]",83,3]' ]
	memtable --by span s.lz4 | grep -q '  GET /order$'
	[ "$(memtable --by span --csv s.lz4 | cut -d, -f1,8 | sed -n '2,3p' | paste -sd ' ')" = "5000,all 2140,GET /order" ]
	[ "$(memtable --by line --json s.lz4)" = "$(memtable --json s.lz4)" ]
	run -2 memtable --by thread s.lz4
	[[ "$output" == "memtable: --by: 'thread' is not line, span or type"* ]]
}

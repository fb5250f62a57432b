# The filters' answers compared with the definitions, in any order of the filters.

load lib/common
load lib/traces

# The contents of a trace in any order: one line per allocation, with everything except its id.
content() {
	python3 "$TESTS/lib/content.py"
}

@test "on sixty random traces, temporary, leaked and peak allocations, slices and matches agree with the definitions" {
	run python3 "$TESTS/lib/answers.py" 2001 2060
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *" answers of 60 traces agree" ]]
}

@test "splitting a trace by process before or after a filter gives the same result" {
	for seed in 1 2 3; do
		python3 "$TESTS/lib/gen_trace.py" --events 4000 --seed $seed --processes 3 --threads 3 --live 200 --weights | memcat --from-json > t.lz4
		memsplit-pid -f -o '%p.lz4' t.lz4
		for filter in "memtemp -t 2" memleak "memleak --tail 5ms" "memgrep -f load" "memslice -b 2ms -e 6ms" "memslice --alive -b 3ms"; do
			$filter t.lz4 > whole.lz4
			memsplit-pid -f -o 'whole.%p.lz4' whole.lz4
			for pid in 1000 1100 1200; do
				diff <(content < whole.$pid.lz4) <($filter $pid.lz4 | content)
			done
		done
		# Each process's trace has the counts of its skipped allocations.
		memgrep -s 64 t.lz4 | memsplit-pid -f -o 'large.%p.lz4'
		for pid in 1000 1100 1200; do
			diff <(memtemp -t 3 large.$pid.lz4 | content) <(memtemp -t 3 $pid.lz4 | memgrep -s 64 | content)
		done
	done
}

@test "memgrep before or after memtemp or memleak gives the same result" {
	python3 "$TESTS/lib/gen_trace.py" --events 20000 --seed 9 --processes 2 --threads 3 --live 200 | memcat --from-json > t.lz4
	for grep in "-f main" "-v -s 100" "-T 1" "-I -F module" "-a malloc"; do
		for filter in "memtemp -t 0" "memtemp" "memtemp -t 5" memleak; do
			diff <(memgrep $grep t.lz4 | $filter | content) <($filter t.lz4 | memgrep $grep | content)
		done
	done
}

@test "two conditions at once equal one after the other" {
	python3 "$TESTS/lib/gen_trace.py" --events 5000 --seed 4 | memcat --from-json > t.lz4
	diff <(memgrep -s 100 -a malloc t.lz4 | content) <(memgrep -s 100 t.lz4 | memgrep -a malloc | content)
	diff <(memgrep -s 100 -a malloc t.lz4 | memtemp -t 3 | content) <(memgrep -s 100 t.lz4 | memgrep -a malloc | memtemp -t 3 | content)
}

@test "every report after every filter prints the filter's title and the same sum" {
	python3 "$TESTS/lib/gen_trace.py" --events 5000 --seed 5 --live 300 | memcat --from-json > t.lz4
	while IFS='|' read -r filter title; do
		$filter t.lz4 > f.lz4
		want=$(memfold f.lz4 | python3 -c 'import sys; print(sum(int(line.rsplit(" ", 1)[1]) for line in sys.stdin))')
		[ "$want" -gt 0 ]
		for report in memsummary memtable memtree; do
			[ "$($report f.lz4 | head -1)" = "python3 'my script.py' --n=3: $title" ]
			[ "$($report --json f.lz4 | jq .total_bytes)" = "$want" ]
			[ "$($report --json f.lz4 | jq -r .title)" = "$title" ]
		done
		[ "$(memdiff --json /dev/null f.lz4 | jq -r '.after.title, .after.total' | paste -sd '|')" = "$title|$want" ]
		memstats f.lz4 | head -1 | grep -qF "${title/#alive at the high-water mark; /all allocations; }"
	done <<-END
		memtemp -t 2|temporary allocations, freed after at most 2 others
		memleak --tail 1ms|never freed, ignoring the last 1ms
		mempeak|alive at the high-water mark
		memgrep -s 64|alive at the high-water mark; only at least 64
		memslice -b 2ms|alive at the high-water mark; made from 2ms
	END
	run bash -o pipefail -c 'memgrep -s 16 t.lz4 | memtemp | memslice --end 7ms | memtable | head -1'
	[ "$output" = "python3 'my script.py' --n=3: temporary allocations; only at least 16; made up to 7ms" ]
}

@test "contradictory options are a usage error in one line" {
	printf 'alloc 1 100 main@a.py:1 time_ms=10\nfree 1 time_ms=100\n' | trace > t.lz4
	for report in memsummary memtable memtree memfold memflame "memdiff t.lz4"; do
		run -2 --separate-stderr bash -c "$report -l -t t.lz4 > out"
		[[ "${stderr_lines[0]}" == *": give only one of --leaks and --total" ]]
		[ ! -s out ]
		[[ $report == memflame ]] || $report -l -l t.lz4 > /dev/null
	done
	run -2 memgrep -s 10 -S 5 t.lz4
	run -2 memgrep -I -s 10 t.lz4
	for window in "-b 90% -e 10%" "-b 50% -e 50%" "-b 2s -e 1500ms" "-b 50% -e 20ms" "-b 90ms -e 10%"; do
		run -2 --separate-stderr bash -c "memslice $window t.lz4 > out"
		[[ "${stderr_lines[0]}" == "memslice: --begin "*" is not before --end "* ]]
		[ ! -s out ]
	done
	memslice -b 50ms -e 90% t.lz4 > /dev/null
	memslice -b 10% -e 50ms t.lz4 > /dev/null
	memslice -b 0 -e 10% t.lz4 > /dev/null
}

@test "memgrep PATTERN, as with grep: the message shows the right command" {
	printf 'alloc 1 100 main@a.py:1\n' | trace > t.lz4
	run -1 --separate-stderr memgrep main t.lz4
	[ "$stderr" = "memgrep: main: cannot open: No such file or directory (to find functions of that name: memgrep -f 'main')" ]
	run -1 --separate-stderr memgrep -f main nowhere.lz4
	[[ "$stderr" != *"-f"* ]]
}

@test "memsplit-pid --list shows each process's parent, peak, allocations and command" {
	trace > t.lz4 <<-'END'
	{"event":"process","pid":7,"info":{"ppid":3,"command":["python3","my app.py","-x"],"executable":"/usr/bin/python3.11"}}
	{"event":"process","pid":8,"info":{"ppid":7,"executable":"/usr/bin/true"}}
	alloc 1 1000 pid=7
	alloc 2 20 pid=8
	alloc 3 1 pid=9 weight=5
	alloc 4 600 pid=7
	resize 1 100 pid=7
	free 2 pid=8
	alloc 2 10 pid=8 allocator=mmap_file
	alloc 5 30 pid=8
	{"event":"process","pid":8,"info":{"finalizing":1}}
	alloc 6 700 pid=8
	exit 8
	alloc 7 1 pid=8
	END
	run memsplit-pid --list t.lz4
	[ "$(sort <<< "$output")" = "trace.7.lz4	3	1.600kB	2	python3 'my app.py' -x
trace.8.2.lz4	0	1B	1	
trace.8.lz4	7	30B	3	/usr/bin/true
trace.9.lz4	0	5B	5	" ]
	# As each trace's own statistics say.
	[ "$(memstats --json trace.8.lz4 | jq -c '[.metadata.peak_memory, .total_num_allocations]')" = "[30,3]" ]
	[ "$(memstats --json trace.7.lz4 | jq -c '[.metadata.peak_memory, .total_num_allocations]')" = "[1600,2]" ]
}

@test "every report distinguishes native and Python frames" {
	{
		printf '{"event":"function","function":1,"lang":"python","name":"main","file":"app.py","line":1,"module":""}\n'
		printf '{"event":"function","function":2,"lang":"native","name":"work","file":"work.c","line":1,"module":"lib.so"}\n'
		printf '{"event":"function","function":3,"lang":"native","name":"alloc","file":"","line":0,"module":"lib.so"}\n'
		printf '{"event":"frame","frame":%d,"function":%d,"line":7}\n' 1 1 2 2 3 3
		printf '{"event":"stack","stack":%d,"parent":%d,"frame":%d}\n' 1 0 1 2 1 2 3 2 3
		printf '{"event":"alloc","id":%d,"size":%d00,"stack":%d}\n' 1 3 1 2 2 2 3 1 3
	} | trace > t.lz4
	[ "$(memfold t.lz4 | tail -1)" = 'main (app.py:7);work [work.c:7];alloc [lib.so] 100' ]
	[ "$(memfold --by function t.lz4 | tail -1)" = 'main (app.py);work [work.c];alloc [lib.so] 100' ]
	[ "$(memdiff /dev/null t.lz4 | tail -1)" = 'main (app.py:7);work [work.c:7];alloc [lib.so] 0 100' ]
	for row in 'main at app.py:7' 'work at [work.c:7]' 'alloc at [lib.so]'; do
		memtable t.lz4 | grep -qF "$row"
		memsummary t.lz4 | grep -qF "${row/:7/}"
	done
	for row in 'main (app.py:7)' 'work [work.c:7]' 'alloc [lib.so]'; do
		memtree t.lz4 | grep -qF "$row"
	done
	[ "$(memtable --json t.lz4 | jq -c '[.rows[].language]')" = '["python","native","native"]' ]
	[ "$(memtable --csv t.lz4 | cut -d, -f11 | paste -sd ' ')" = 'language python native native' ]
	[ "$(memsummary --json t.lz4 | jq -r '.locations[] | .function, .language' | paste -sd ' ')" = 'main python work native alloc native' ]
	[ "$(memtree --json t.lz4 | jq -r '.calls[] | .function, .language' | paste -sd ' ')" = 'main python work native alloc native' ]
}

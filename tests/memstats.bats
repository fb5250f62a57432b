# memstats: statistics of a trace.

load lib/common
load lib/traces

figure() { # JQ-EXPRESSION [OPTION...]
	memstats --json "${@:2}" t.lz4 | jq -c "$1"
}

@test "totals, frees, leaks, the high-water mark and its time" {
	trace > t.lz4 <<-END
	alloc 1 1000 a@a.py:1 time_ms=5
	alloc 2 500 b@a.py:2 time_ms=9
	free 1 time_ms=20
	alloc 3 1 a@a.py:1 time_ms=31
	END
	[ "$(figure '[.total_num_allocations, .total_bytes_allocated, .total_frees, .leaked_bytes, .leaked_allocations, .metadata.peak_memory, .peak_allocations, .peak_time_ms, .duration_ms]')" = "[3,1501,1,501,2,1500,2,9,31]" ]
	run memstats t.lz4
	[[ "$output" == *"Total allocations:        3"* ]]
	[[ "$output" == *"Total memory allocated:   1.501kB"* ]]
	[[ "$output" == *"Peak memory usage:        1.500kB in 2 allocations, after 0.009 s"* ]]
	[[ "$output" == *"Never freed:              501B in 2 allocations"* ]]
}

@test "the histogram's bins are memray's" {
	# The result of memray 1.20's get_histogram_databins() for these sizes; its last bin ends one below the largest.
	printf 'alloc %d %d\n' 1 0 2 1 3 2 4 3 5 10 6 100 7 1000 8 1000 9 4096 10 65536 11 1048576 12 3000000 | trace > t.lz4
	python3 - > want <<-'END'
	import json, math
	from collections import Counter
	data = Counter([0, 1, 2, 3, 10, 100, 1000, 1000, 4096, 65536, 1048576, 3000000])
	bins = 10
	low, high = math.log(min(filter(None, data))), math.log(max(data))
	step = (high - low) / bins
	ends = [int(math.exp(low + step * (i + 1))) for i in range(bins)]
	ends[-1] = max(data)
	counts = Counter()
	for size, n in data.items():
	    counts[min(int((math.log(size) - low) // step), bins - 1) if size else 0] += n
	print(json.dumps([[0 if i == 0 else ends[i - 1], ends[i] - (i < bins - 1), counts[i]] for i in range(bins)], separators=(",", ":")))
	END
	[ "$(figure '[.allocation_size_histogram[] | [.min_bytes, .max_bytes, .count]]')" = "$(cat want)" ]
}

@test "histograms of one size, of size 1, of size 0, and of nothing" {
	printf 'alloc 1 64\nalloc 2 64\n' | trace > t.lz4
	[ "$(figure '[.allocation_size_histogram[].count] | add, length')" = "2
10" ]
	printf 'alloc 1 1\n' | trace > t.lz4
	[ "$(figure '[.allocation_size_histogram[].count] | add')" = 1 ]
	printf 'alloc 1 0\n' | trace > t.lz4
	[ "$(figure '.allocation_size_histogram')" = "[]" ]
	printf '' | trace > t.lz4
	[ "$(figure '[.total_num_allocations, .allocation_size_histogram]')" = "[0,[]]" ]
	run memstats t.lz4
	[ "$status" -eq 0 ]
	[[ "$output" == *"<no data for histogram>"* ]]
}

@test "the longest bar has 25 characters, the shortest is visible" {
	{ printf 'alloc %d 100\n' $(seq 1 100); echo 'alloc 101 9000'; } | trace > t.lz4
	run memstats t.lz4
	[ "$(grep -o '▇*' <<< "$output" | sort -u)" = "▇
▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇" ]
}

@test "allocators have memray's names, the most used first" {
	printf 'alloc 1 1 - allocator=mmap\nalloc 2 1 - allocator=pymalloc_calloc\nalloc 3 1 - allocator=mmap weight=4\n' | trace > t.lz4
	[ "$(figure .allocator_type_distribution)" = '{"MMAP":5,"PYMALLOC_CALLOC":1}' ]
}

@test "places are the innermost Python lines, or the innermost frames if there are none; -n of them" {
	trace > t.lz4 <<-END
	alloc 1 1000 main@/x/a.py:1;load@/x/a.py:2;malloc@libc.so
	alloc 2 10 main@/x/a.py:1
	alloc 3 10 main@/x/a.py:1
	alloc 4 5 start@libc.so;malloc@libc.so
	alloc 5 1
	END
	[ "$(figure '[.top_allocations_by_size[] | .location, .size]')" = '["load:/x/a.py:2",1000,"main:/x/a.py:1",20,"malloc:libc.so:0",5,"[unknown]",1]' ]
	[ "$(figure '[.top_allocations_by_count[] | .location, .count]' -n 1)" = '["main:/x/a.py:1",2]' ]
}

@test "a module is the nearest package outside the standard library" {
	trace > t.lz4 <<-END
	alloc 1 100 <module>@/srv/app/run.py:1;go@/srv/app/pkg/sub/x.py:2;loads@/usr/lib/python3.11/json/__init__.py:3
	alloc 2 50 <module>@/srv/app/run.py:1;get@/usr/lib/python3/dist-packages/requests/api.py:2
	alloc 3 20 <module>@/srv/app/run.py:9;<lambda>@/venv/lib/python3.12/site-packages/six.py:2;malloc@libc.so
	alloc 4 7 loads@/usr/lib/python3.11/json/__init__.py:3
	alloc 5 3 <module>@/srv/app/run.py:9
	END
	[ "$(figure '[.top_modules_by_allocation_size[] | .module, .total_bytes, .num_allocations]')" = '["pkg",100,1,"requests",50,1,"six",20,1,"<root>",7,1,"run",3,1]' ]
}

@test "frozen modules belong to the standard library" {
	trace > t.lz4 <<-'END'
	{"event":"header"}
	{"event":"function","function":1,"name":"_find","file":"<frozen importlib._bootstrap>"}
	{"event":"frame","frame":1,"function":1,"line":5}
	{"event":"stack","stack":1,"parent":0,"frame":1}
	{"event":"alloc","id":1,"size":9,"stack":1}
	END
	[ "$(figure '.top_modules_by_allocation_size[0].module')" = '"<root>"' ]
}

@test "processes, threads, resident memory and losses are printed" {
	trace > t.lz4 <<-'END'
	{"event":"header","start_ns":1700000000123000000,"command":["python3","x y.py"],"options":{"native":true}}
	{"event":"process","pid":5,"info":{"python":"3.11.2"},"time_ms":0}
	{"event":"rss","pid":5,"size":1000,"time_ms":1}
	{"event":"rss","pid":6,"size":500,"time_ms":2}
	{"event":"exit","pid":6,"info":{"recorder_bytes":3000000},"time_ms":2}
	{"event":"rss","pid":5,"size":1400,"time_ms":3}
	alloc 1 1 - pid=5 tid=5
	alloc 2 1 - pid=5 tid=9
	alloc 3 1 - pid=6 tid=6
	{"event":"lost","count":17,"reason":"x"}
	END
	[ "$(figure '[.processes, .threads, .peak_rss, .recorder_bytes, .lost_events, .metadata.pid, .metadata.python_version, .metadata.has_native_traces, .metadata.command_line]')" = '[2,3,1500,3000000,17,5,"3.11.2",true,"python3 '"'x y.py'"'"]' ]
	TZ=UTC run memstats t.lz4
	[[ "$output" == *"Recorded:                 2023-11-14 22:13:20.123"* ]]
	[[ "$output" == *"The recorder's:           3.000MB more, in the recorded processes"* ]]
	[[ "$output" == *"Lost events:              17"* ]]
}

@test "joined traces: sums, and a note that each has its own high-water mark" {
	printf 'alloc 1 10 -\nfree 1\n' | trace > one.lz4
	cat one.lz4 one.lz4 > t.lz4
	[ "$(figure '[.total_num_allocations, .metadata.peak_memory, .traces, .leaked_bytes]')" = "[2,20,2,0]" ]
	run memstats t.lz4
	[[ "$output" == *"20B in 2 allocations, the sum of 2 traces, each at its own peak"* ]]
}

@test "on twenty random traces the figures agree with the definitions" {
	local failed=()
	for seed in $(seq 20); do
		python3 "$TESTS/lib/gen_trace.py" --events 1000 --finalizing --seed "$seed" --live 200 --processes $((seed % 3 + 1)) --weights --unknown --mappings | memcat --from-json > t.lz4
		memstats --json t.lz4 | jq -cS '{total_num_allocations, total_bytes_allocated, total_frees, leaked_bytes, leaked_allocations, threads, allocator_type_distribution, peak_memory: .metadata.peak_memory}' > got
		memcat --json t.lz4 | python3 "$TESTS/lib/oracle.py" stats | jq -cS 'del(.empty)' > want
		cmp -s got want || failed+=("$seed")
	done
	echo "differ: ${failed[*]}"
	[ ${#failed[@]} -eq 0 ]
}

@test "at the end: heap and resident before the last process ends, and what is more" {
	trace > t.lz4 <<-'END'
	{"event":"rss","pid":7,"size":5000,"time_ms":1}
	{"event":"rss","pid":8,"size":1000,"time_ms":1}
	alloc 1 100 pid=7 time_ms=1
	alloc 2 900 pid=8 time_ms=2
	{"event":"exit","pid":8,"info":{"code":0},"time_ms":10}
	alloc 3 50 pid=7 time_ms=12
	{"event":"rss","pid":7,"size":6000,"time_ms":13}
	{"event":"process","pid":7,"info":{"finalizing":1},"time_ms":20}
	free 1 pid=7 time_ms=21
	{"event":"rss","pid":7,"size":4000,"time_ms":22}
	{"event":"exit","pid":7,"info":{"code":0},"time_ms":23}
	END
	memstats t.lz4 | grep -Fx 'At the end:               heap 150B, resident 6.000kB: 5.850kB more'
	[ "$(memstats --json t.lz4 | jq -c '[.end_heap, .end_rss]')" = '[150,6000]' ]
	# A trace that ends before it: its last values.
	printf '{"event":"rss","pid":7,"size":300,"time_ms":1}\nalloc 1 100 pid=7\nalloc 2 7 pid=7\nfree 1 pid=7\n' | trace > u.lz4
	[ "$(memstats --json u.lz4 | jq -c '[.end_heap, .end_rss]')" = '[7,300]' ]
}

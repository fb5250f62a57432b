# mem2pprof: a profile for pprof, with the same numbers as our own reports.

load lib/common
load lib/traces

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	trace > t.lz4 <<-END
	{"event":"process","pid":7,"info":{"command":["python3","app.py"]}}
	{"event":"thread","pid":7,"tid":8,"name":"worker"}
	alloc 1 1000 main@app.py:3;load@app.py:41 pid=7 tid=7 time_ms=0
	alloc 2 500 main@app.py:3;load@app.py:41 pid=7 tid=8 time_ms=1
	{"event":"span","pid":7,"tid":8,"time_ms":2,"begins":true,"name":"request"}
	alloc 3 300 main@app.py:3;read@libx.so pid=7 tid=8 time_ms=2 allocator=mmap weight=2
	{"event":"span","pid":7,"tid":8,"time_ms":2,"begins":false,"name":"request"}
	free 1 pid=7 tid=7 time_ms=3
	alloc 4 200 - pid=7 tid=7 time_ms=1500
	free 4 pid=7 tid=7 time_ms=1500
	END
}

profile() {
	mem2pprof "$@" > t.pb.gz && python3 "$TESTS/lib/pprof.py" t.pb.gz > samples
}

@test "a sample for each stack, thread, span and allocator: all allocations, and those at the high-water mark" {
	profile t.lz4
	jq -e '.types == {alloc_objects: "count", alloc_space: "bytes", inuse_objects: "count", inuse_space: "bytes"} and
		.default == "inuse_space"' <(head -1 samples)
	jq -sce '.[1:] | sort_by(.values.alloc_space)' samples > sorted
	jq -ce '. == [
	{stack: ["[unknown]@:0"],
		values: {alloc_objects: 1, alloc_space: 200, inuse_objects: 0, inuse_space: 0},
		labels: {pid: 7, process: "python3 app.py", tid: 7, allocator: "malloc"}},
	{stack: ["main@app.py:3", "load@app.py:41"],
		values: {alloc_objects: 1, alloc_space: 500, inuse_objects: 1, inuse_space: 500},
		labels: {pid: 7, process: "python3 app.py", tid: 8, thread: "worker", allocator: "malloc"}},
	{stack: ["main@app.py:3", "read@libx.so:0"],
		values: {alloc_objects: 2, alloc_space: 600, inuse_objects: 2, inuse_space: 600},
		labels: {pid: 7, process: "python3 app.py", tid: 8, thread: "worker", allocator: "mmap", span: "request"}},
	{stack: ["main@app.py:3", "load@app.py:41"],
		values: {alloc_objects: 1, alloc_space: 1000, inuse_objects: 1, inuse_space: 1000},
		labels: {pid: 7, process: "python3 app.py", tid: 7, allocator: "malloc"}}]' sorted
}

@test "the profile has the title, command, host, stages, mappings and time" {
	memgrep --min-size 1 t.lz4 | profile
	jq -e '.comments[0] == "alive at the high-water mark; only at least 1" and (.comments | index("command: app") != null) and
		(.comments[-1] | startswith("through: memgrep ")) and .mappings == ["app", "libx.so"] and .duration_nanos == 1500000000' <(head -1 samples)
}

@test "after a filter with an answer there are two values, whose sums are the answer" {
	memleak t.lz4 | profile
	jq -e '.types == {objects: "count", space: "bytes"} and .default == "space" and .comments[0] == "never freed"' <(head -1 samples)
	[ "$(jq -s '[.[1:][].values.space] | add' samples)" = 1100 ]
	memtemp t.lz4 | profile
	[ "$(jq -s '[.[1:][].values.space] | add' samples)" = 1200 ]
}

@test "--sizes: a sample and a label for each size" {
	profile --sizes t.lz4
	[ "$(jq -sc '[.[1:][].labels.bytes] | sort' samples)" = '[200,300,500,1000]' ]
	printf 'alloc 1 10 main@a.py:1\nalloc 2 20 main@a.py:1\nalloc 3 10 main@a.py:1\n' | trace | profile --sizes
	[ "$(jq -c '[.labels.bytes, .values.inuse_objects]' <(tail -n +2 samples) | sort)" = $'[10,2]\n[20,1]' ]
}

@test "functions have the same numbers as in memsummary: ten random traces" {
	for seed in 1 2 3 4 5 6 7 8 9 10; do
		python3 "$TESTS/lib/gen_trace.py" --events 3000 --seed $seed --processes 2 --threads 3 --weights --unknown --spans --mappings |
			memcat --from-json > r.lz4
		mem2pprof r.lz4 > r.pb.gz
		for type in inuse_space alloc_space; do
			python3 "$TESTS/lib/pprof.py" r.pb.gz --functions $type > theirs
			memsummary --json $([ $type = inuse_space ] || echo --total) r.lz4 |
				jq -r '.locations[] | select(.total_bytes > 0) | "\(.own_bytes) \(.total_bytes) \(.function) \(.file | if . == "[unknown]" then "" else . end)"' > ours
			[ -s ours ]
			LC_ALL=C cmp <(sort theirs) <(sort ours)
		done
	done
}

@test "pprof reads it and shows the same totals" {
	pprof=$TESTS/../build/pprof/pprof
	[ -x "$pprof" ] || pprof=$(command -v pprof) || skip "no pprof: make pprof"
	for seed in 1 2 3 4 5 6 7 8 9 10; do
		python3 "$TESTS/lib/gen_trace.py" --events 3000 --seed $seed --processes 2 --threads 3 --spans | memcat --from-json > r.lz4
		mem2pprof r.lz4 > r.pb.gz
		for type in alloc_space inuse_space; do
			total=$(memsummary --json $([ $type = inuse_space ] || echo --total) r.lz4 | jq .total_bytes)
			"$pprof" -top -unit=B -sample_index=$type r.pb.gz > top
			[ "$(sed -n 's/.*of \([0-9]*\)B total.*/\1/p' top)" = "$total" ]
		done
	done
}

@test "no allocations: a profile without samples; text that is not UTF-8 is escaped" {
	printf '{"event":"end"}\n' | memcat --from-json | profile
	[ "$(wc -l < samples)" -eq 1 ]
	printf 'alloc 1 10 ma\\u001bin@a.py:1\n' | trace | profile
	grep -qF 'ma\\x1bin@a.py:1' samples
}

@test "-o FILE; a profile is not written to a terminal" {
	mem2pprof -o out.pb.gz t.lz4
	mem2pprof t.lz4 | cmp - out.pb.gz
	run script -qec "mem2pprof t.lz4" /dev/null
	[ "$status" -eq 2 ]
	[[ "$output" == *"a profile is binary: append '> FILE', or use -o FILE"* ]]
}

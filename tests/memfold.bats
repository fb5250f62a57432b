# memfold: the memory of each stack, as lines for flame graphs.

load lib/common
load lib/traces

@test "the high-water mark is folded: only blocks alive then, not earlier or later ones" {
	trace > t.lz4 <<-END
	alloc 1 100 main@app.py:3;load@app.py:41
	alloc 2 50 main@app.py:3;load@app.py:42
	free 1
	alloc 1 60 main@app.py:9
	END
	run memfold t.lz4
	[ "$output" = "main (app.py:3);load (app.py:41) 100
main (app.py:3);load (app.py:42) 50" ]
}

@test "of two equal high-water marks the last one counts" {
	trace > t.lz4 <<-END
	alloc 1 100 first@app.py:1
	free 1
	alloc 1 100 second@app.py:2
	free 1
	END
	run memfold t.lz4
	[ "$output" = "second (app.py:2) 100" ]
}

@test "--leaks folds memory never freed, --total everything" {
	trace > t.lz4 <<-END
	alloc 1 100 a@app.py:1
	free 1
	alloc 1 7 b@app.py:2
	END
	run memfold --leaks t.lz4
	[ "$output" = "b (app.py:2) 7" ]
	run memfold --total t.lz4
	[ "$output" = "a (app.py:1) 100
b (app.py:2) 7" ]
}

@test "--count counts allocations, including empty ones; rows of zero are left out" {
	trace > t.lz4 <<-END
	alloc 1 0 empty@app.py:1
	alloc 2 5 full@app.py:2
	alloc 3 5 full@app.py:2
	END
	run memfold --count t.lz4
	[ "$output" = "empty (app.py:1) 1
full (app.py:2) 2" ]
	run memfold t.lz4
	[ "$output" = "full (app.py:2) 10" ]
}

@test "an allocation with a weight counts that many times, in bytes too" {
	trace > t.lz4 <<-END
	alloc 1 10 a@app.py:1 weight=4096
	alloc 2 1 a@app.py:1
	END
	run memfold t.lz4
	[ "$output" = "a (app.py:1) 40961" ]
	run memfold --count t.lz4
	[ "$output" = "a (app.py:1) 4097" ]
}

@test "lines of one caller are adjacent, callees sorted by name, whatever the order of events" {
	trace > t.lz4 <<-END
	alloc 1 1 main@a.py:1;zebra@a.py:2
	alloc 2 2 other@a.py:9
	alloc 3 3 main@a.py:1;ant@a.py:3;deep@a.py:4
	alloc 4 4 main@a.py:1
	alloc 5 5 main@a.py:1;ant@a.py:3
	END
	run memfold t.lz4
	[ "$output" = "main (a.py:1) 4
main (a.py:1);ant (a.py:3) 5
main (a.py:1);ant (a.py:3);deep (a.py:4) 3
main (a.py:1);zebra (a.py:2) 1
other (a.py:9) 2" ]
}

@test "allocations without a stack are [unknown]; unknown parts of a frame are left out" {
	trace > t.lz4 <<-END
	alloc 1 1 -
	alloc 2 2 nofile
	alloc 3 3 noline@x.py
	alloc 4 4 main@x.py:1;malloc@libc.so
	END
	run memfold t.lz4
	[ "$output" = "[unknown] 1
main (x.py:1);malloc [libc.so] 4
nofile 2
noline (x.py) 3" ]
}

@test "characters that would break a line or a frame are written \\xHH" {
	trace > t.lz4 <<-'END'
	{"event":"header"}
	{"event":"function","function":1,"name":"a;b\\c\nd\u001b[31m","file":"dir;x/é.py","line":1}
	{"event":"frame","frame":1,"function":1,"line":5}
	{"event":"stack","stack":1,"parent":0,"frame":1}
	{"event":"alloc","id":1,"size":9,"stack":1}
	END
	run memfold t.lz4
	[ "$output" = 'a\x3bb\x5cc\x0ad\x1b[31m (dir\x3bx/é.py:5) 9' ]
}

@test "--by=function merges lines, --by=file merges functions and consecutive calls in one file" {
	trace > t.lz4 <<-END
	alloc 1 1 main@a.py:1;f@a.py:2;g@b.py:1
	alloc 2 2 main@a.py:7;f@a.py:3;g@b.py:2
	alloc 3 4 main@a.py:7
	END
	run memfold --by=function t.lz4
	[ "$output" = "main (a.py) 4
main (a.py);f (a.py);g (b.py) 3" ]
	run memfold --by file t.lz4
	[ "$output" = "a.py 4
a.py;b.py 3" ]
	run -2 memfold --by=colour t.lz4
	[[ "${lines[0]}" == *"'colour' is not line, function or file" ]]
}

@test "a mapping that shrinks counts less from then on" {
	trace > t.lz4 <<-END
	alloc 1 100 map@a.py:1 allocator=mmap
	resize 1 30
	alloc 2 60 b@a.py:2
	END
	run memfold t.lz4
	[ "$output" = "map (a.py:1) 100" ]
	run memfold --leaks t.lz4
	[ "$output" = "b (a.py:2) 60
map (a.py:1) 30" ]
}

@test "when a process ends, its memory no longer counts, but was never freed" {
	trace > t.lz4 <<-END
	alloc 1 100 child@a.py:1 pid=7
	exit 7
	alloc 2 60 parent@a.py:2 pid=6
	alloc 3 50 parent@a.py:2 pid=6
	END
	run memfold t.lz4
	[ "$output" = "parent (a.py:2) 110" ]
	run memfold --leaks t.lz4
	[ "$output" = "child (a.py:1) 100
parent (a.py:2) 110" ]
}

@test "when a process ends, the memory of other processes stays" {
	trace > t.lz4 <<-END
	alloc 1 100 child@a.py:1 pid=7
	alloc 2 60 parent@a.py:2 pid=6
	exit 7
	alloc 3 120 parent@a.py:3 pid=6
	free 2
	END
	run memfold t.lz4
	[ "$output" = "parent (a.py:2) 60
parent (a.py:3) 120" ]
	run memfold --leaks t.lz4
	[ "$output" = "child (a.py:1) 100
parent (a.py:3) 120" ]
	run bash -o pipefail -c 'memstats --json t.lz4 | jq -c "[.metadata.peak_memory, .leaked_bytes, .total_frees]"'
	[ "$output" = "[180,220,1]" ]
}

@test "joined traces are added up, each at its own high-water mark; their numbers are unrelated" {
	printf 'alloc 1 10 a@a.py:1\nfree 1\n' | trace > one.lz4
	printf 'alloc 1 5 b@b.py:1\nalloc 2 6 a@a.py:1\n' | trace > two.lz4
	run memfold one.lz4 two.lz4
	[ "$output" = "a (a.py:1) 16
b (b.py:1) 5" ]
	run bash -o pipefail -c 'cat one.lz4 two.lz4 | memfold'
	[ "$output" = "a (a.py:1) 16
b (b.py:1) 5" ]
	run memfold --leaks one.lz4 two.lz4
	[ "$output" = "a (a.py:1) 6
b (b.py:1) 5" ]
}

@test "a filter's answer is summed up, though its ids recur without frees" {
	for filter in memtemp memleak mempeak; do
		{ filtered_header $filter; echo 'alloc 1 10 a@a.py:1 pid=7'; echo 'alloc 1 20 a@a.py:1 pid=7'; echo 'exit 7'; echo 'alloc 2 1 a@a.py:1 pid=8'; } | trace > t.lz4
		for option in "" --leaks --total; do
			run memfold $option t.lz4
			[ "$output" = "a (a.py:1) 31" ]
		done
	done
}

@test "thirty random traces are folded according to the definitions" {
	local failed=()
	for seed in $(seq 30); do
		python3 "$TESTS/lib/gen_trace.py" --events 700 --finalizing --seed "$seed" --live $((seed * 10)) --processes $((seed % 3 + 1)) --weights --lost --unknown --mappings > j
		memcat --from-json j > t.lz4
		memcat --json t.lz4 > j
		for what in peak leaks total; do
			for unit in bytes count; do
				options=$([ $what = peak ] || echo --$what; [ $unit = bytes ] || echo --count)
				memfold $options t.lz4 | LC_ALL=C sort > got
				python3 "$TESTS/lib/oracle.py" fold $what $unit < j | LC_ALL=C sort > want
				cmp -s got want || failed+=("$seed:$what:$unit")
			done
		done
	done
	echo "differ: ${failed[*]}"
	[ ${#failed[@]} -eq 0 ]
}

@test "memory use depends on the live blocks, not on the length of the trace" {
	[ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer's own memory would be measured"
	# 3 million events, 1000 alive: an array of all of them would be 24 MB or more.
	"$TESTS/../${B:-build}/tests/lib/bigtrace" 3000000 1000 200 > big.lz4
	ulimit -v 30000
	memfold big.lz4 > folded
	[ "$(wc -l < folded)" -gt 10 ]
}

@test "--by-process: each stack is below its process, and the sum is the same" {
	python3 "$TESTS/lib/gen_trace.py" --events 5000 --seed 5 --processes 3 | memcat --from-json > t.lz4
	for what in --total --leaks; do
		[ "$(memfold $what t.lz4 | awk '{ n += $NF } END { print n }')" = "$(memfold -P $what t.lz4 | awk '{ n += $NF } END { print n }')" ]
		[ "$(memfold -P $what t.lz4 | grep -vc '^\[process [0-9]*\];')" -eq 0 ]
		for pid in $(memcat --json t.lz4 | jq 'select(.event == "process") | .pid' | sort -u); do
			cmp <(memfold -P $what t.lz4 | sed -n "s/^\[process $pid\];//p") <(memgrep --pid $pid t.lz4 | memfold $what)
		done
	done
}

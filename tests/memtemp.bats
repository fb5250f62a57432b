# memtemp: temporary allocations, exactly as memray defines them.

load lib/common
load lib/traces

# Prints the remaining sizes, in order.
left() { # MEMTEMP-OPTION... TRACE
	memtemp "$@" | memcat --json | jq -r 'select(.event == "alloc") | .size' | paste -sd ' '
}

@test "a block freed by its thread after at most N other allocations is temporary; frees do not count" {
	trace > t.lz4 <<-END
	alloc 1 10 a@a.py:1
	free 1
	alloc 2 20 a@a.py:1
	alloc 3 30 a@a.py:1
	free 2
	free 3
	alloc 4 40 a@a.py:1
	alloc 5 50 a@a.py:1
	alloc 6 60 a@a.py:1
	free 6
	free 5
	free 4
	END
	[ "$(left -t 0 t.lz4)" = "10 30 60" ]
	[ "$(left t.lz4)" = "10 20 30 60 50" ]
	[ "$(left --threshold 2 t.lz4)" = "10 20 30 60 50 40" ]
}

@test "memray's own example: A, B freed, C freed, A freed, with N = 1: B and C" {
	trace > t.lz4 <<-END
	alloc 1 1 a@a.py:1
	alloc 2 2 a@a.py:1
	free 2
	alloc 3 3 a@a.py:1
	free 3
	free 1
	END
	[ "$(left t.lz4)" = "2 3" ]
}

@test "B + 1 allocations freed last first, with N = B - 1: B are temporary" {
	for b in 1 2 5 10; do
		{
			for i in $(seq $((b + 1))); do echo "alloc $i 7 a@a.py:1"; done
			for i in $(seq $((b + 1)) -1 1); do echo "free $i"; done
		} | trace > t.lz4
		[ "$(left -t $((b - 1)) t.lz4 | wc -w)" -eq "$b" ]
	done
}

@test "only allocations by the same thread of the same process count" {
	trace > t.lz4 <<-END
	alloc 1 1 a@a.py:1 tid=1
	alloc 2 2 a@a.py:1 tid=2
	alloc 3 3 a@a.py:1 tid=2
	alloc 4 4 a@a.py:1 pid=9 tid=1
	free 1 pid=0 tid=1
	END
	[ "$(left -t 0 t.lz4)" = "1" ]
}

@test "a block freed by another thread is never temporary, nor is the next block with its id" {
	trace > t.lz4 <<-END
	alloc 1 1 a@a.py:1 tid=1
	free 1 tid=2
	alloc 1 2 a@a.py:1 tid=2
	free 1 tid=1
	END
	[ "$(left -t 5 t.lz4)" = "" ]
}

@test "a mapping unmapped in parts is not temporary" {
	trace > t.lz4 <<-END
	alloc 1 100 a@a.py:1 allocator=mmap
	resize 1 50
	free 1
	END
	[ "$(left -t 5 t.lz4)" = "" ]
}

@test "a temporary allocation keeps its time, thread, stack, allocator and weight; its id is new" {
	trace > t.lz4 <<-END
	alloc 7 10 a@a.py:1 pid=3 tid=4 time_ms=5 weight=6 allocator=calloc
	free 7 time_ms=9
	alloc 7 20 b@b.py:1 time_ms=10
	free 7
	END
	run bash -o pipefail -c 'memtemp t.lz4 | memcat --json | grep \"event\":\"alloc'
	[ "${lines[0]}" = '{"event":"alloc","id":1,"size":10,"allocator":"calloc","stack":1,"pid":3,"tid":4,"time_ms":5,"weight":6}' ]
	[[ "${lines[1]}" == '{"event":"alloc","id":2,"size":20,'*'"stack":2,'*'"time_ms":10}' ]]
}

@test "allocations left out by an earlier filter count: the order of the two does not matter" {
	trace > t.lz4 <<-END
	alloc 1 100 a@a.py:1
	alloc 2 1 a@a.py:1
	alloc 3 2 a@a.py:1
	free 1
	END
	run bash -o pipefail -c 'memgrep -s 100 t.lz4 | memtemp | memcat --json | grep -c \"event\":\"alloc'
	[ "$output" = 0 ]
	run bash -o pipefail -c 'memgrep -s 100 t.lz4 | memtemp -t 2 | memcat --json | grep -c \"event\":\"alloc'
	[ "$output" = 1 ]
}

@test "each of several joined traces starts afresh" {
	printf 'alloc 1 1 a@a.py:1\n' | trace > one.lz4
	printf 'free 1\nalloc 1 2 a@a.py:1\nfree 1\n' | trace > two.lz4
	[ "$(left one.lz4 two.lz4)" = 2 ]
}

@test "the title describes the answer" {
	printf 'alloc 1 1 a@a.py:1\nfree 1\n' | trace > t.lz4
	run bash -o pipefail -c 'memtemp -t 3 t.lz4 | memsummary'
	[ "${lines[0]}" = "app: temporary allocations, freed after at most 3 others" ]
}

@test "a program of known temporary allocations, in four threads: exact at every threshold" {
	[ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer cannot record"
	cc -O1 -pthread -o temporary "$TESTS/truth/temporary.c"
	memrec -o t.lz4 -- ./temporary
	for n in 0 1 2 5; do
		memtemp -t $n t.lz4 | memcat --json | jq 'select(.event == "alloc" and .size >= 70000) | .size' | sort | uniq -c |
			awk '{ print $2, $1 }' > got
		for k in $(seq 0 $n); do echo "$((70000 + k)) 200"; done > want
		diff got want
	done
}

@test "a list that grows by appending is temporary at every threshold, one made at once is not" {
	[ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer cannot record"
	grown=$(memrec -o t.lz4 -- python3 "$TESTS/truth/growth.py" 2>&1)
	[ "$grown" -gt 50 ]
	for n in 0 1 2 5; do
		[ "$(memtemp -t $n t.lz4 | memgrep -I -f '^grow$' | memcat --json | grep -c '"event":"alloc"')" = "$grown" ]
		[ "$(memtemp -t $n t.lz4 | memgrep -I -f '^multiply$' | memcat --json | grep -c '"event":"alloc"')" = 0 ]
	done
}

@test "memory use depends on the windows of the threads, not on the length of the trace" {
	[ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer's own memory would be measured"
	"$TESTS/../${B:-build}/tests/lib/bigtrace" 3000000 1000 200 > big.lz4
	ulimit -v 30000
	memtemp -t 5 big.lz4 > out
	[ "$(memcat --json out | grep -c '"event":"alloc"')" -gt 100000 ]
}

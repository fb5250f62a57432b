# mempeak: allocations alive at the high-water mark.

load lib/common
load lib/traces

left() {
	mempeak "$@" | memcat --json | jq -r 'select(.event == "alloc") | .size' | paste -sd ' '
}

@test "allocations alive at the last moment of the maximum, in the order they were made" {
	trace > t.lz4 <<-END
	alloc 1 10 a@a.py:1
	alloc 2 20 a@a.py:1
	free 1
	alloc 3 30 a@a.py:1
	free 2
	alloc 1 20 b@a.py:1
	free 3
	alloc 3 5 b@a.py:1
	free 1
	END
	[ "$(left t.lz4)" = "30 20" ]
}

@test "the last of equal maxima counts; an empty block freed at it is left out" {
	printf 'alloc 1 10 a@a.py:1\nfree 1\nalloc 2 10 b@a.py:1\nalloc 3 0 c@a.py:1\nalloc 4 0 d@a.py:1\nfree 3\nfree 2\n' | trace > t.lz4
	[ "$(left t.lz4)" = "10 0" ]
	run memfold --count <(mempeak t.lz4)
	[ "$output" = "b (a.py:1) 1
d (a.py:1) 1" ]
}

@test "a mapping has the size it had at that moment" {
	printf 'alloc 1 100 a@a.py:1 allocator=mmap\nresize 1 70\nalloc 2 31 a@a.py:1\nresize 1 20\nresize 1 10\n' | trace > t.lz4
	[ "$(left t.lz4)" = "70 31" ]
	printf 'alloc 1 100 a@a.py:1 allocator=mmap\nalloc 2 5 a@a.py:1\nresize 1 20\nalloc 3 99 a@a.py:1\n' | trace > t.lz4
	[ "$(left t.lz4 | tr ' ' '\n' | sort -n | paste -sd ' ')" = "5 20 99" ]
}

@test "a process's blocks end with it" {
	printf 'alloc 1 100 a@a.py:1 pid=7\nexit 7\nalloc 2 60 a@a.py:1 pid=6\nalloc 3 50 a@a.py:1 pid=6\n' | trace > t.lz4
	[ "$(left t.lz4)" = "60 50" ]
}

@test "a process's blocks end all at once: its empty blocks are also alive at the maximum" {
	printf 'alloc 1 0 a@a.py:1 pid=7\nalloc 2 100 a@a.py:1 pid=7\nalloc 3 0 a@a.py:1 pid=7\nexit 7\n' | trace > t.lz4
	[ "$(left t.lz4)" = "0 100 0" ]
	[ "$(memfold --count t.lz4)" = "a (a.py:1) 3" ]
}

@test "the end of a process is written after its blocks" {
	printf 'alloc 1 100 a@a.py:1 pid=7\n{"event":"exit","pid":7,"info":{"status":3},"time_ms":5}\nalloc 2 60 a@a.py:1 pid=6\n' | trace > t.lz4
	run bash -o pipefail -c 'mempeak t.lz4 | memcat --json | tail -n 3 | jq -c "[.event, .pid, .size, .info, .time_ms]"'
	[ "$output" = '["alloc",7,100,null,0]
["exit",7,null,{"status":3},5]
["end",null,null,null,5]' ]
}

@test "each of several joined traces has its own high-water mark" {
	printf 'alloc 1 10 a@a.py:1\nfree 1\n' | trace > one.lz4
	printf 'alloc 1 5 b@b.py:1\nalloc 2 6 a@a.py:1\n' | trace > two.lz4
	[ "$(left one.lz4 two.lz4)" = "10 5 6" ]
	run bash -o pipefail -c 'mempeak one.lz4 two.lz4 | memfold'
	[ "$output" = "$(memfold one.lz4 two.lz4)" ]
}

@test "folding the answer gives the same as folding the trace" {
	for seed in 1 2 3 4 5; do
		python3 "$TESTS/lib/gen_trace.py" --events 5000 --finalizing --seed $seed --processes 2 --live 300 --weights | memcat --from-json > t.lz4
		diff <(memfold t.lz4) <(mempeak t.lz4 | memfold)
		diff <(memfold --count t.lz4) <(mempeak t.lz4 | memfold --count)
	done
}

@test "memory use depends on the live blocks, not on the length of the trace" {
	[ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer's own memory would be measured"
	"$TESTS/../${B:-build}/tests/lib/bigtrace" 3000000 1000 200 > big.lz4
	ulimit -v 30000
	mempeak big.lz4 > out
}

@test "what an interpreter makes while it shuts down is not at the mark, in any report; each process for itself" {
	trace > t.lz4 <<-END
	alloc 1 60 work@a.py:1 pid=1 tid=1 time_ms=1
	{"event":"process","pid":1,"info":{"finalizing":1},"time_ms":2}
	alloc 2 500 ends@a.py:9 pid=1 tid=1 time_ms=3
	alloc 3 40 work@a.py:2 pid=2 tid=2 time_ms=4
	resize 2 400 pid=1 tid=1 time_ms=5
	free 2 pid=1 tid=1 time_ms=6
	alloc 2 300 ends@a.py:9 pid=1 tid=1 time_ms=7
	{"event":"exit","pid":1,"info":{"code":0},"time_ms":8}
	alloc 4 50 again@a.py:3 pid=1 tid=1 time_ms=9
	END
	[ "$(left t.lz4)" = "60 40" ]
	[ "$(memfold t.lz4)" = "work (a.py:1) 60
work (a.py:2) 40" ]
	[ "$(memstats --json t.lz4 | jq -c '[.metadata.peak_memory, .total_bytes_allocated]')" = "[100,950]" ]
	[ "$(memtime t.lz4 | cut -f 2 | sort -n | tail -1)" = 100 ]
	[ "$(memsummary --json t.lz4 | jq -c '[.total_bytes, .total_allocations]')" = "[100,2]" ]
	# All of it is among all allocations; what was live when the shutdown began is leaked.
	[ "$(memtable --total --json t.lz4 | jq .total_bytes)" = 950 ]
	[ "$(memfold --leaks t.lz4 | awk '{ n += $NF } END { print n }')" = 150 ]
}

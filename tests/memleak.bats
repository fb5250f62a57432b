# memleak: allocations that were never freed.

load lib/common
load lib/traces

left() { # MEMLEAK-OPTION... TRACE
	memleak "$@" | memcat --json | jq -r 'select(.event == "alloc") | .size' | paste -sd ' '
}

@test "allocations open at the end are kept in the order they were made, with their last size" {
	trace > t.lz4 <<-END
	alloc 5 10 a@a.py:1 time_ms=1 tid=7
	alloc 2 20 a@a.py:1
	alloc 3 30 a@a.py:1 time_ms=3 allocator=mmap
	free 2
	alloc 2 40 b@a.py:1 time_ms=9 weight=5
	resize 3 12
	END
	run bash -o pipefail -c 'memleak t.lz4 | memcat --json | grep -E "\"event\":\"(alloc|free|resize)"'
	[ "$output" = '{"event":"alloc","id":1,"size":10,"allocator":"malloc","stack":1,"pid":0,"tid":7,"time_ms":1}
{"event":"alloc","id":2,"size":12,"allocator":"mmap","stack":1,"pid":0,"tid":7,"time_ms":3}
{"event":"alloc","id":3,"size":40,"allocator":"malloc","stack":2,"pid":0,"tid":7,"time_ms":9,"weight":5}' ]
}

@test "--tail ignores recent allocations: those of a time, or of a part of the process's time" {
	trace > t.lz4 <<-END
	{"event":"process","pid":1,"time_ms":0}
	alloc 1 1 a@a.py:1 pid=1 time_ms=0
	alloc 2 2 a@a.py:1 time_ms=899
	alloc 3 3 a@a.py:1 time_ms=900
	alloc 4 4 a@a.py:1 time_ms=1000
	END
	[ "$(left t.lz4)" = "1 2 3 4" ]
	[ "$(left --tail 10% t.lz4)" = "1 2" ]
	[ "$(left --tail 101ms t.lz4)" = "1" ]
	[ "$(left --tail 5s t.lz4)" = "" ]
	[ "$(left --tail 0 t.lz4)" = "1 2 3 4" ]
	run -2 memleak --tail soon t.lz4
	[[ "${lines[0]}" == *"--tail: 'soon' is not a time"* ]]
}

@test "each process has its own tail, counted from its own beginning" {
	trace > t.lz4 <<-END
	{"event":"process","pid":1,"time_ms":0}
	{"event":"process","pid":2,"time_ms":500}
	alloc 1 1 a@a.py:1 pid=1 time_ms=590
	alloc 2 2 a@a.py:1 pid=2 time_ms=585
	alloc 3 3 a@a.py:1 pid=2 time_ms=592
	{"event":"exit","pid":2,"time_ms":600}
	alloc 4 4 a@a.py:1 pid=1 time_ms=1000
	END
	[ "$(left --tail 10% t.lz4)" = "2 1" ]
}

@test "a process that ends leaks its blocks; one that executes another program does not" {
	trace > t.lz4 <<-END
	alloc 1 1 a@a.py:1 pid=1
	alloc 2 2 a@a.py:1 pid=2
	{"event":"exit","pid":1,"info":{"reason":"exec"}}
	alloc 1 3 a@a.py:1 pid=1
	{"event":"exit","pid":1,"info":{"reason":"ended","status":0}}
	END
	[ "$(left t.lz4)" = "3 2" ]
	run memfold --leaks t.lz4
	[ "$output" = "a (a.py:1) 5" ]
	[ "$(memstats --json t.lz4 | jq .leaked_bytes)" = 5 ]
}

@test "in a trace that was cut off, blocks open at the cut are kept, and the cut is reported" {
	printf 'alloc 1 10 a@a.py:1\nalloc 2 20 a@a.py:1\nfree 1\ncut\n' | trace > t.lz4
	run -1 --separate-stderr memleak t.lz4
	[[ "$stderr" == *"cut off"* ]]
	run bash -c 'memleak t.lz4 2> /dev/null | memsummary 2> /dev/null'
	[[ "$output" == *"Total: 20B in 1 allocation at 1 location"* ]]
	[[ "$output" == "app: never freed"* ]]
}

@test "the note about arenas is printed once with --verbose, if the trace has Python and arenas" {
	process='{"event":"process","pid":1,"info":{"python":"3.11.2"}}'
	printf '%s\nalloc 1 1 a@a.py:1\n' "$process" | trace > arenas.lz4
	run --separate-stderr bash -c 'memleak -v arenas.lz4 > /dev/null'
	[ "$(grep -c arenas <<< "$stderr")" -eq 1 ]
	run --separate-stderr bash -c 'memleak arenas.lz4 > /dev/null'
	[ "$stderr" = "" ]
	{ echo '{"event":"header","options":{"python_allocators":true}}'; echo "$process"; } | trace > objects.lz4
	run --separate-stderr bash -c 'memleak -v objects.lz4 > /dev/null'
	[ "$stderr" = "" ]
	printf 'alloc 1 1 a@a.py:1\n' | trace > other.lz4
	run --separate-stderr bash -c 'memleak -v other.lz4 > /dev/null'
	[ "$stderr" = "" ]
	run script -qec 'memleak arenas.lz4 | cat > /dev/null' /dev/null
	[[ "$output" == *"arenas"* ]]
}

@test "a recorded program: blocks it kept and blocks it freed" {
	[ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer cannot record"
	cat > leaks.py <<-'END'
		import ctypes
		libc = ctypes.CDLL(None)
		libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
		def leak():
		    for i in range(30): libc.malloc(ctypes.c_size_t(777000 + i))
		def clean():
		    for i in range(30): libc.free(libc.malloc(ctypes.c_size_t(888000 + i)))
		leak(); clean()
	END
	memrec -o t.lz4 -- python3 leaks.py
	memleak t.lz4 > leaks.lz4
	[ "$(memgrep -s 777000 -S 777029 leaks.lz4 | memtable --json | jq '.total_allocations')" = 30 ]
	[ "$(memgrep -I -f '^leak$' -s 777000 leaks.lz4 | memtable --json | jq '.total_bytes')" = 23310435 ]
	[ "$(memgrep -s 888000 -S 888029 leaks.lz4 | memtable --json | jq '.total_allocations')" = 0 ]
}

@test "memory use depends on the live blocks, not on the length of the trace" {
	[ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer's own memory would be measured"
	"$TESTS/../${B:-build}/tests/lib/bigtrace" 3000000 1000 200 > big.lz4
	ulimit -v 30000
	memleak big.lz4 > out
}

@test "blocks live when a Python interpreter begins to shut down have leaked, even if it frees them then" {
	[ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer cannot record"
	cat > grows.py <<-'END'
		import atexit
		cache = {}
		def handler(i): cache[i] = bytearray(20000)
		for i in range(100): handler(i)
		atexit.register(lambda: [cache.pop(i) for i in range(30)])
	END
	memrec -o t.lz4 -- python3 grows.py
	[ "$(memleak t.lz4 | memcat --json | grep -c '"size":20001,')" -eq 70 ]
	[ "$(memleak --to-the-end t.lz4 | memcat --json | grep -c '"size":20001,')" -eq 0 ]
	[ "$(memfold --leaks --count t.lz4 | grep 'handler (' | awk '{ n += $NF } END { print n }')" -ge 70 ]
	# three ways to the same number
	leaked=$(memleak t.lz4 | memfold | awk '{ n += $NF } END { print n }')
	[ "$(memfold --leaks t.lz4 | awk '{ n += $NF } END { print n }')" = "$leaked" ]
	[ "$(memstats --json t.lz4 | jq .leaked_bytes)" = "$leaked" ]
}

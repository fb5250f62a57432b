# memslice: allocations of a window of time, or of spans.

load lib/common
load lib/traces

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	trace > t.lz4 <<-END
	alloc 1 1 a@a.py:1 time_ms=0
	alloc 2 2 a@a.py:1 time_ms=100
	alloc 3 3 a@a.py:1 time_ms=499
	free 1 time_ms=500
	alloc 4 4 a@a.py:1 time_ms=500
	free 4 time_ms=600
	alloc 4 5 a@a.py:1 time_ms=700
	alloc 5 6 a@a.py:1 time_ms=800
	free 2 time_ms=900
	free 4 time_ms=1000
	END
}

left() { # MEMSLICE-OPTION...
	memslice "$@" | memcat --json | jq -r 'select(.event == "alloc") | .size' | paste -sd ' '
}

leaked() {
	memslice "$@" | memleak | memcat --json | jq -r 'select(.event == "alloc") | .size' | paste -sd ' '
}

@test "allocations from --begin on and before --end" {
	[ "$(left t.lz4)" = "1 2 3 4 5 6" ]
	[ "$(left --begin 500ms t.lz4)" = "4 5 6" ]
	[ "$(left --end .5 t.lz4)" = "1 2 3" ]
	[ "$(left -b 0.1s -e 700ms t.lz4)" = "2 3 4" ]
	[ "$(left -b 2s t.lz4)" = "" ]
}

@test "percentages of a file's duration; 100% is after the last event" {
	[ "$(left --begin 50% t.lz4)" = "4 5 6" ]
	[ "$(left --begin 10% --end 50% t.lz4)" = "2 3" ]
	[ "$(left --end 100% < t.lz4)" = "1 2 3 4 5 6" ]
	[ "$(left --begin 80% --end 0.9s t.lz4)" = "6" ]
}

@test "each of several joined traces has its own duration" {
	printf 'alloc 1 7 - time_ms=0\nalloc 2 8 - time_ms=10\n' | trace > short.lz4
	[ "$(left --begin 50% t.lz4 short.lz4)" = "4 5 6 8" ]
	cat t.lz4 short.lz4 > both.lz4
	[ "$(left --begin 50% both.lz4)" = "4 5 6 8" ]
}

@test "a percentage of a pipe is a usage error that says what to do" {
	run -2 bash -c 'cat t.lz4 | memslice --begin 10%'
	[[ "${lines[0]}" == *"a percentage needs the length"*"or give seconds" ]]
	run -2 memslice --begin 10% <(cat t.lz4)
	run -2 memslice --begin 101% t.lz4
	run -2 memslice --end never t.lz4
}

@test "only frees in the window: blocks alive at its end are not freed" {
	[ "$(leaked t.lz4)" = "3 6" ]
	[ "$(leaked -b 500ms -e 900ms t.lz4)" = "5 6" ]
	[ "$(leaked -e 500ms t.lz4)" = "1 2 3" ]
}

@test "--alive adds the blocks alive at the beginning, with their frees and resizes" {
	[ "$(left --alive -b 500ms t.lz4)" = "1 2 3 4 5 6" ]
	[ "$(left --alive -b 501ms t.lz4)" = "2 3 4 5 6" ]
	[ "$(leaked --alive -b 501ms t.lz4)" = "3 6" ]
	[ "$(left --alive -b 5s t.lz4)" = "3 6" ]
	[ "$(left --alive -b 650ms -e 700ms t.lz4)" = "2 3" ]
	run bash -o pipefail -c 'memslice --alive -b 650ms t.lz4 | memcat --json | jq -c "select(.event == \"alloc\" or .event == \"skipped\") | [.event, .size, .count, .time_ms]"'
	[ "$output" = '["alloc",2,null,100]
["alloc",3,null,499]
["skipped",null,2,650]
["alloc",5,null,700]
["alloc",6,null,800]' ]
}

@test "--alive: what the program held stays the program's when its interpreter was shutting down already" {
	trace > t.lz4 <<-END
	alloc 1 60 work@a.py:1 pid=1 tid=1 time_ms=1
	{"event":"process","pid":1,"info":{"finalizing":1},"time_ms":2}
	alloc 2 500 ends@a.py:9 pid=1 tid=1 time_ms=6
	free 2 pid=1 tid=1 time_ms=7
	END
	for begin in 1ms 2ms 3ms 6ms; do
		run -0 bash -o pipefail -c "memslice --alive -b $begin t.lz4 | memfold"
		[ "$output" = "work (a.py:1) 60" ]
	done
}

@test "blocks of a process that has ended are not alive" {
	printf 'alloc 1 1 - pid=7 time_ms=1\nalloc 2 2 - pid=8\n{"event":"exit","pid":7,"time_ms":5}\nalloc 3 3 - pid=8 time_ms=9\n' | trace > t.lz4
	[ "$(left --alive -b 8ms t.lz4)" = "2 3" ]
	[ "$(left --alive -b 3ms t.lz4)" = "1 2 3" ]
}

@test "after memtemp, where times go back, each allocation's own time counts" {
	printf 'alloc 1 1 - time_ms=1\nalloc 2 2 - time_ms=5\nfree 2 time_ms=6\nfree 1 time_ms=9\n' | trace > t.lz4
	[ "$(memtemp t.lz4 | left -b 0.004)" = 2 ]
	[ "$(memtemp t.lz4 | left -e 0.004)" = 1 ]
}

@test "memray's temporal leaks: allocations made in the window and not freed by its end" {
	[ "$(memslice -b 50% -e 95% t.lz4 | memleak | memtable --json | jq .total_bytes)" = 11 ]
}

@test "a missing file is reported once" {
	run -1 memslice -b 10% nowhere.lz4
	[ "${#lines[@]}" -eq 1 ]
	[[ "$output" == "memslice: nowhere.lz4: "* ]]
}

# Spans of all threads: two of "load" and one of "save" in process 1, one of "load" without an end in process 2.
spans() {
	trace <<-END
	alloc 1 1 - pid=1 tid=1 time_ms=0
	{"event":"span","name":"load","begins":false,"pid":1,"tid":0,"time_ms":1}
	alloc 2 2 - pid=1 tid=1 time_ms=1
	{"event":"span","name":"load","begins":true,"pid":1,"tid":0,"time_ms":2}
	alloc 3 4 - pid=1 tid=1 time_ms=2
	alloc 4 8 - pid=1 tid=9 time_ms=3
	{"event":"span","name":"save","begins":true,"pid":1,"tid":0,"time_ms":3}
	alloc 9 1024 - pid=2 tid=2 time_ms=3
	free 3 pid=1 tid=1 time_ms=3
	free 1 pid=1 tid=1 time_ms=3
	{"event":"span","name":"load","begins":false,"pid":1,"tid":0,"time_ms":4}
	alloc 3 16 - pid=1 tid=1 time_ms=5
	free 4 pid=1 tid=9 time_ms=6
	alloc 4 32 - pid=1 tid=1 time_ms=7
	{"event":"span","name":"load","begins":true,"pid":2,"tid":0,"time_ms":7}
	alloc 10 2048 - pid=2 tid=2 time_ms=7
	{"event":"span","name":"load","begins":true,"pid":1,"tid":0,"time_ms":8}
	alloc 5 64 - pid=1 tid=1 time_ms=8
	alloc 6 128 - pid=1 tid=1 time_ms=8
	free 4 pid=1 tid=1 time_ms=9
	{"event":"span","name":"load","begins":false,"pid":1,"tid":0,"time_ms":9}
	free 5 pid=1 tid=1 time_ms=10
	free 6 pid=1 tid=1 time_ms=10
	alloc 5 256 - pid=1 tid=1 time_ms=10
	END
}

@test "--span: allocations by all threads within the spans of the name, separately for each process" {
	spans > s.lz4
	[ "$(left --span load s.lz4)" = "4 8 2048 64 128" ]
	[ "$(left -s save s.lz4)" = "16 32 64 128 256" ]
	[ "$(left --span load -b 3ms -e 8ms s.lz4)" = "8 2048" ]
}

@test "--span: a block freed after a span is open at its end, and freed when the next one begins" {
	spans > s.lz4
	[ "$(leaked --span load s.lz4)" = "2048 64 128" ]
	run bash -o pipefail -c 'memslice --span load s.lz4 | memcat --json | jq -c "select(.event == \"alloc\" or .event == \"free\" or .event == \"skipped\") | [.event, .id, .size, .count, .pid, .time_ms]"'
	[ "$output" = '["skipped",null,null,2,1,2]
["alloc",1,4,null,1,2]
["alloc",2,8,null,1,3]
["free",1,null,null,1,3]
["skipped",null,null,1,2,7]
["alloc",3,2048,null,2,7]
["free",2,null,null,1,8]
["skipped",null,null,2,1,8]
["alloc",4,64,null,1,8]
["alloc",5,128,null,1,8]' ]
}

@test "--span: nested and overlapping spans are one; the rows of spans pass" {
	trace > n.lz4 <<-END
	{"event":"span","name":"a","begins":true,"pid":1,"tid":0}
	{"event":"span","name":"a","begins":true,"pid":1,"tid":0}
	alloc 1 1 - pid=1 tid=1
	{"event":"span","name":"a","begins":false,"pid":1,"tid":0}
	alloc 2 2 - pid=1 tid=1
	{"event":"span","name":"a","begins":false,"pid":1,"tid":0}
	{"event":"span","name":"a","begins":false,"pid":1,"tid":0}
	alloc 3 4 - pid=1 tid=1
	{"event":"span","name":"a","begins":true,"pid":1,"tid":0}
	alloc 4 8 - pid=1 tid=1
	{"event":"exit","pid":1,"info":{}}
	alloc 5 16 - pid=1 tid=1
	END
	[ "$(left --span a n.lz4)" = "1 2 8" ]
	memslice --span a n.lz4 | memslice --span a > twice.lz4
	[ "$(left twice.lz4)" = "1 2 8" ]
}

@test "--span: of a span that belongs to a thread, what that thread allocates, whatever others do" {
	trace > own.lz4 <<-END
	{"event":"span","name":"a","begins":true,"pid":1,"tid":1}
	alloc 1 1 - pid=1 tid=1
	alloc 2 2 - pid=1 tid=2
	{"event":"span","name":"a","begins":true,"pid":1,"tid":2}
	alloc 3 4 - pid=1 tid=2
	{"event":"span","name":"a","begins":false,"pid":1,"tid":1}
	alloc 4 8 - pid=1 tid=1
	alloc 5 16 - pid=1 tid=2
	free 1 pid=1 tid=1
	{"event":"span","name":"a","begins":false,"pid":1,"tid":2}
	{"event":"span","name":"a","begins":false,"pid":1,"tid":2}
	alloc 6 32 - pid=1 tid=2
	{"event":"span","name":"a","begins":true,"pid":1,"tid":2}
	alloc 7 64 - pid=1 tid=1
	alloc 8 128 - pid=2 tid=2
	alloc 9 256 - pid=1 tid=2
	{"event":"exit","pid":1,"info":{}}
	alloc 10 512 - pid=1 tid=2
	END
	[ "$(left --span a own.lz4)" = "1 4 16 256" ]
}

@test "--span: an unknown name gives no allocations, and a message lists the existing names" {
	spans > s.lz4
	run -1 --separate-stderr bash -c 'memslice --span laod s.lz4 > none.lz4'
	[ "$stderr" = "memslice: the trace has no span 'laod', only load, save" ]
	[ "$(left none.lz4)" = "" ]
	run -1 --separate-stderr bash -c 'memslice --span x t.lz4 > none.lz4'
	[ "$stderr" = "memslice: the trace has no span 'x', nor any other" ]
	run -2 memslice --span load --alive s.lz4
	run -2 memslice --span load --span save s.lz4
	# Leaks come at the end of the trace, after all spans.
	run -1 bash -c 'memleak s.lz4 | memslice --span load | memcat > /dev/null'
	[[ "${lines[0]}" == "memslice: --span: the filter before has moved allocations out of their spans: put memslice --span before it" ]]
}

@test "--span: memtemp finds the same allocations after it as in the whole trace" {
	python3 "$TESTS/lib/gen_trace.py" --events 40000 --seed 5 | awk 'NR == 60 || NR == 30000 { print "{\"event\":\"span\",\"name\":\"m\",\"begins\":" (NR == 60 ? "true" : "false") ",\"pid\":1000,\"tid\":0}" } { print }' |
		memcat --from-json > g.lz4
	memtemp -t 3 g.lz4 | memcat --json | jq -r 'select(.event == "alloc") | "\(.size) \(.stack) \(.time_ms)"' > all
	memslice --span m g.lz4 | memtemp -t 3 | memcat --json | jq -r 'select(.event == "alloc") | "\(.size) \(.stack) \(.time_ms)"' > some
	[ "$(wc -l < some)" -gt 3000 ]
	[ "$(comm -13 <(sort all) <(sort some) | wc -l)" -eq 0 ]
}

# memslice: a window of time.

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

@test "from --begin on and before --end" {
	[ "$(left t.lz4)" = "1 2 3 4 5 6" ]
	[ "$(left --begin 500ms t.lz4)" = "4 5 6" ]
	[ "$(left --end .5 t.lz4)" = "1 2 3" ]
	[ "$(left -b 0.1s -e 700ms t.lz4)" = "2 3 4" ]
	[ "$(left -b 2s t.lz4)" = "" ]
}

@test "a part of the whole, which a file tells; 100% is behind the last event" {
	[ "$(left --begin 50% t.lz4)" = "4 5 6" ]
	[ "$(left --begin 10% --end 50% t.lz4)" = "2 3" ]
	[ "$(left --end 100% < t.lz4)" = "1 2 3 4 5 6" ]
	[ "$(left --begin 80% --end 0.9s t.lz4)" = "6" ]
}

@test "joined traces have each their own length" {
	printf 'alloc 1 7 - time_ms=0\nalloc 2 8 - time_ms=10\n' | trace > short.lz4
	[ "$(left --begin 50% t.lz4 short.lz4)" = "4 5 6 8" ]
	cat t.lz4 short.lz4 > both.lz4
	[ "$(left --begin 50% both.lz4)" = "4 5 6 8" ]
}

@test "a percent of a pipe is misuse, and what to do is said" {
	run -2 bash -c 'cat t.lz4 | memslice --begin 10%'
	[[ "${lines[0]}" == *"a percent needs the length"*"or give seconds" ]]
	run -2 memslice --begin 10% <(cat t.lz4)
	run -2 memslice --begin 101% t.lz4
	run -2 memslice --end never t.lz4
}

@test "frees in the window only: what is alive at its end is not freed" {
	[ "$(leaked t.lz4)" = "3 6" ]
	[ "$(leaked -b 500ms -e 900ms t.lz4)" = "5 6" ]
	[ "$(leaked -e 500ms t.lz4)" = "1 2 3" ]
}

@test "--alive: what was alive at the beginning, too, and what becomes of it" {
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

@test "what a process held that has ended is not alive" {
	printf 'alloc 1 1 - pid=7 time_ms=1\nalloc 2 2 - pid=8\n{"event":"exit","pid":7,"time_ms":5}\nalloc 3 3 - pid=8 time_ms=9\n' | trace > t.lz4
	[ "$(left --alive -b 8ms t.lz4)" = "2 3" ]
	[ "$(left --alive -b 3ms t.lz4)" = "1 2 3" ]
}

@test "behind memtemp, where times go back, each has its own" {
	printf 'alloc 1 1 - time_ms=1\nalloc 2 2 - time_ms=5\nfree 2 time_ms=6\nfree 1 time_ms=9\n' | trace > t.lz4
	[ "$(memtemp t.lz4 | left -b 0.004)" = 2 ]
	[ "$(memtemp t.lz4 | left -e 0.004)" = 1 ]
}

@test "memray's temporal leaks: made in the window and not freed by its end" {
	[ "$(memslice -b 50% -e 95% t.lz4 | memleak | memtable --json | jq .total_bytes)" = 11 ]
}

@test "a file that is not there is said once" {
	run -1 memslice -b 10% nowhere.lz4
	[ "${#lines[@]}" -eq 1 ]
	[[ "$output" == "memslice: nowhere.lz4: "* ]]
}

# memage: allocations by lifetime.

load lib/common
load lib/traces

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	trace > t.lz4 <<-END
	alloc 1 1 a@a.py:1 pid=7 time_ms=0
	alloc 2 2 a@a.py:1 pid=7 time_ms=100
	free 1 pid=7 time_ms=500
	alloc 3 3 a@a.py:1 pid=7 time_ms=600
	free 3 pid=7 tid=9 time_ms=600
	alloc 4 4 a@a.py:1 pid=7 time_ms=700
	alloc 5 5 a@a.py:1 pid=8 time_ms=800
	{"event":"exit","pid":7,"info":{"code":0},"time_ms":1100}
	alloc 6 6 a@a.py:1 pid=8 time_ms=61000
	free 5 pid=8 time_ms=62000
	END
}

left() { # MEMAGE-OPTION...: sizes, each where its allocation ended
	memage "$@" | memcat --json | jq -r 'select(.event == "alloc") | .size' | paste -sd ' '
}

@test "--min-age and --max-age include the limit; milliseconds, seconds, minutes" {
	[ "$(left --min-age 0 t.lz4)" = "1 3 2 4 5 6" ]
	[ "$(left --min-age 500ms t.lz4)" = "1 2 5 6" ]
	[ "$(left --min-age .501 t.lz4)" = "2 5 6" ]
	[ "$(left -a 1min t.lz4)" = "5" ]
	[ "$(left --max-age 0 t.lz4)" = "3" ]
	[ "$(left -A 500ms t.lz4)" = "1 3 4" ]
	[ "$(left --min-age 400ms --max-age 1s t.lz4)" = "1 2 4 6" ]
	[ "$(left --min-age 2min t.lz4)" = "" ]
}

@test "an allocation never freed lived until its process, or the trace, ended, even one cut off" {
	[ "$(left --min-age 1s --max-age 1s t.lz4)" = "2 6" ]
	printf 'alloc 1 1\nalloc 2 2 time_ms=30\n{"event":"rss","pid":0,"size":1,"time_ms":50}\ncut\n' | trace > cut.lz4
	memage --min-age 50ms cut.lz4 > out.lz4 2> err || [ $? -eq 1 ]
	[[ "$(cat err)" == "memage: cut.lz4: cut off "* ]]
	[ "$(memcat --json out.lz4 2> err | jq -c 'select(.event == "alloc") | .size')" = 1 ]
}

@test "a live id given again ends the old one" {
	printf 'alloc 1 1 - time_ms=0\nalloc 1 2 - time_ms=10\nfree 1 time_ms=100\n' | trace > t.lz4
	[ "$(left --max-age 10ms t.lz4)" = 1 ]
	[ "$(left --min-age 11ms t.lz4)" = 2 ]
}

@test "of a partly unmapped mapping the remainder is kept; a resize that grows is not an event" {
	printf 'alloc 1 100\nresize 1 40 time_ms=5\nresize 1 70 time_ms=6\nfree 1 time_ms=9\n' | trace > t.lz4
	[ "$(left --min-age 9ms t.lz4)" = 40 ]
	[ "$(left --max-age 8ms t.lz4)" = "" ]
}

@test "an allocation keeps everything except its id; nothing is freed" {
	memage --min-age 500ms t.lz4 | memcat --json > got
	run jq -c 'select(.event == "alloc") | [.id, .pid, .time_ms, .stack]' got
	[ "$output" = "[1,7,0,1]
[2,7,100,1]
[3,8,800,1]
[4,8,61000,1]" ]
	not grep -q '"event":"free"' got
	[ "$(grep -c '"event":"exit"' got)" = 1 ]
}

@test "each of several joined traces starts afresh" {
	printf 'alloc 1 7 - time_ms=0\nalloc 2 8 - time_ms=20\n' | trace > short.lz4
	[ "$(left --min-age 10ms --max-age 100ms short.lz4 short.lz4)" = "7 7" ]
	cat short.lz4 t.lz4 > both.lz4
	[ "$(left --min-age 1min both.lz4)" = 5 ]
}

@test "reports add up everything in the output, and the title names the ages" {
	run bash -o pipefail -c 'memage --min-age 400ms --max-age 1s t.lz4 | memsummary'
	[ "${lines[0]}" = "app: lived at least 400ms, at most 1s" ]
	[ "${lines[-1]}" = "Total: 13B in 4 allocations at 1 location" ]
	run bash -o pipefail -c 'memage t.lz4 | memsummary'
	[ "${lines[0]}" = "app: all allocations" ]
	[ "${lines[-1]}" = "Total: 21B in 6 allocations at 1 location" ]
}

@test "percentages and contradictory ages are usage errors" {
	run -2 memage --max-age 10% t.lz4
	[ "${lines[0]}" = "memage: --max-age: '10%' is not a time (examples: 500ms, 2s, 1.5min)" ]
	run -2 memage --min-age 2s --max-age 1999ms t.lz4
	[ "${lines[0]}" = "memage: --min-age is larger than --max-age: nothing can match" ]
}

@test "on random traces the result agrees with the definition" {
	cat > ages.py <<-'END'
	import os, sys
	sys.path.insert(0, os.environ["TESTS"] + "/lib")
	import answers

	for seed in range(3001, 3016):
	    c = answers.Comparison(seed)
	    last = c.oracle.last
	    for least, most in ((0, last), (2, last), (0, 3), (1, 10), (last // 2, last)):
	        command = "memage --min-age %dms --max-age %dms" % (least, most)
	        want = [b.at() for b in c.oracle.blocks if least <= (b.end[1] if b.end else last) - b.time <= most]
	        c.same(command, [b.born() for b in c.filtered(command).blocks], want)
	    print(c.done, *c.wrong)
	END
	run python3 ages.py
	echo "$output"
	[ "$(sort -u <<< "$output")" = 5 ]
	[ "${#lines[@]}" -eq 15 ]
}

# The stages in a header: the words for a trace's numbers, and whether they are an answer already.

load lib/common
load lib/traces

# Two processes; one exits before the other allocates: 100B in 1 at the high-water mark, 200B in 2 as an answer.
two_processes() { # as filtered_header
	filtered_header "$@"
	echo 'alloc 1 100 main@a.py:3 pid=1 tid=1 time_ms=1'
	echo 'exit 1'
	echo 'alloc 2 100 main@a.py:3 pid=2 tid=2 time_ms=3'
}

title() { # [TRACE...]
	memsummary --json "$@" | jq -r .title
}

@test "a stage marks an answer, whatever the name of its program" {
	for program in memtemp memage someoneelses; do
		two_processes $program '' '"title":"brief ones","answer":true' | trace > t.lz4
		[ "$(memsummary t.lz4 | tail -1)" = "Total: 200B in 2 allocations at 1 location" ]
		[ "$(memstats --json t.lz4 | jq -c '[.metadata.peak_memory, .leaked_bytes]')" = "[200,200]" ]
		[ "$(memtime t.lz4 | tail -1 | cut -f 2)" = 200 ]
		[ "$(title t.lz4)" = "brief ones" ]
		two_processes $program '' '"title":"brief ones"' | trace > t.lz4
		[ "$(memsummary t.lz4 | tail -1)" = "Total: 100B in 1 allocation at 1 location" ]
		[ "$(memtime t.lz4 | tail -1 | cut -f 2)" = 100 ]
		[ "$(title t.lz4)" = "alive at the high-water mark; brief ones" ]
	done
}

@test "in an answer nothing ends, whichever filter comes next: not by an id that recurs, an exit, or a shutdown of Python" {
	{
		filtered_header memx '' '"title":"brief ones","answer":true'
		echo '{"event":"process","pid":1,"info":{"python":"3.11"},"time_ms":0}'
		echo 'alloc 1 100 main@a.py:3 pid=1 time_ms=1'
		echo '{"event":"process","pid":1,"info":{"finalizing":1},"time_ms":2}'
		echo 'alloc 1 30 main@a.py:3 pid=1 time_ms=3'
		echo 'free 1 pid=1 time_ms=4'
		echo '{"event":"exit","pid":1,"info":{"reason":"exec"},"time_ms":5}'
		echo 'alloc 2 7 main@a.py:3 pid=1 time_ms=6'
	} | trace > t.lz4
	for filter in memleak mempeak "memslice --alive -b 6ms" memgrep memmerge "memgrep -s 7"; do
		$filter t.lz4 > f.lz4
		[ "$(memsummary f.lz4 | tail -1)" = "Total: 137B in 3 allocations at 1 location" ] || { echo "$filter: $(memsummary f.lz4)"; return 1; }
		[ "$(memstats --json f.lz4 | jq .leaked_bytes)" = 137 ]
	done
}

@test "an answer without words of its own gets a title from the program and its arguments" {
	two_processes memx '"-n","7"' '"answer":true' | trace > t.lz4
	[ "$(title t.lz4)" = "filtered by memx -n 7" ]
	two_processes memx '' '"answer":true,"title":""' | trace > t.lz4
	[ "$(title t.lz4)" = "all allocations" ]
	two_processes memx '' '"answer":1,"title":7' | trace > t.lz4
	[ "$(title t.lz4)" = "alive at the high-water mark; filtered by memx" ]
}

@test "filters older than these words are known by name; others are shown with their arguments" {
	while IFS='|' read -r program args title; do
		two_processes "$program" "$args" | trace > t.lz4
		[ "$(title t.lz4)" = "$title" ]
	done <<-'END'
		memtemp||temporary allocations
		memtemp|"-t","3"|temporary allocations (memtemp -t 3)
		memleak|"--tail","10%"|never freed (memleak --tail 10%)
		mempeak||alive at the high-water mark
		memmerge||alive at the high-water mark
		memsplit-pid|"-o","%p"|alive at the high-water mark; one process
		memgrep|"-s","1 kB"|alive at the high-water mark; filtered by memgrep -s '1 kB'
		someoneelses|"-x","y z"|alive at the high-water mark; filtered by someoneelses -x 'y z'
	END
	for program in memtemp memleak mempeak; do
		two_processes $program | trace > t.lz4
		[ "$(memsummary t.lz4 | tail -1)" = "Total: 200B in 2 allocations at 1 location" ]
	done
}

@test "a title describes the options in words, however they were written, the last one if repeated" {
	{
		echo '{"event":"span","name":"load","begins":true,"pid":0,"tid":0,"time_ms":0}'
		echo 'alloc 1 100 main@a.py:3;load@a.py:5 time_ms=1'
		echo 'alloc 2 200 main@a.py:3 time_ms=100'
	} | trace > t.lz4
	while IFS='|' read -r filter title; do
		bash -c "$filter" < t.lz4 > f.lz4
		[ "$(title f.lz4)" = "$title" ] || { echo "$filter: $(title f.lz4)"; return 1; }
	done <<-'END'
		memtemp|temporary allocations
		memtemp --thr=3|temporary allocations, freed after at most 3 others
		mempeak|alive at the high-water mark
		memleak -t 10%|never freed, ignoring the last 10%
		memleak -vt10%|never freed, ignoring the last 10%
		memleak --ta=2s -e|never freed, ignoring the last 2s, even at Python's shutdown
		memgrep|alive at the high-water mark
		memgrep -if "it's x" '--file=a b'|alive at the high-water mark; only functions 'it's x', files 'a b'
		memgrep -v -m lib.so -I|alive at the high-water mark; without modules 'lib.so', innermost
		memgrep -s 1 -s 50 -a malloc -p 0 -t 0|alive at the high-water mark; only at least 50, by malloc, process 0, thread 0
		memgrep -f 100%|alive at the high-water mark; only functions '100%'
		memslice|alive at the high-water mark
		memslice -b 50% --end=75% -a|alive at the high-water mark; made from 50%, up to 75%, or alive before
		memslice --span load|alive at the high-water mark; made within span 'load'
		memslice --begin 0 --span load|alive at the high-water mark; made from 0, within span 'load'
		memmerge|alive at the high-water mark
	END
	[ "$(memgrep -s 150 t.lz4 | memleak | title)" = "never freed; only at least 150" ]
	memsplit-pid -o '%p.lz4' t.lz4
	[ "$(title 0.lz4)" = "alive at the high-water mark; one process" ]
}

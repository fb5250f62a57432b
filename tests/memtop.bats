# memtop: live memory, on a terminal that tests/lib/screen.py emulates.

load lib/common
load lib/traces

# Runs memtop with steps on a terminal of 100 columns and 24 lines.
on_screen() { # STEP... -- COMMAND...
	run python3 "$TESTS/lib/screen.py" 100x24 "$@"
}

some() {
	trace <<-'END'
	{"event":"process","pid":7,"info":{"command":["python3","app.py"]}}
	{"event":"rss","pid":7,"size":40960,"time_ms":1}
	alloc 1 1000 main@/srv/app.py:1;load@/srv/app.py:5 pid=7 tid=7 time_ms=100
	alloc 2 300 main@/srv/app.py:1;load@/srv/app.py:5;parse@/srv/parse.py:9 pid=7 tid=8 time_ms=200
	alloc 3 20 main@/srv/app.py:2 pid=7 tid=7 time_ms=1000
	alloc 4 9000 main@/srv/app.py:3 pid=7 tid=7 time_ms=2000
	free 4 pid=7 time_ms=3000
	END
}

@test "without a terminal: the last picture, by line, function, package, process, thread; sorted" {
	some > t.lz4
	[ "$(memtop t.lz4)" = 'app: live memory
       Own      Total      Blocks      Growth  By line, sorted by own
   1.000kB    1.300kB           1     1.000kB  load at /srv/app.py:5
      300B       300B           1        300B  parse at /srv/parse.py:9
       20B        20B           1         20B  main at /srv/app.py:2
        0B    1.300kB           0          0B  main at /srv/app.py:1' ] || { memtop t.lz4; return 1; }
	rows() { memtop "$@" t.lz4 | tail -n +3 | sed 's/^ *//' | tr -s ' ' | paste -sd '|'; }
	[ "$(rows --by function --sort total)" = '20B 1.320kB 1 20B main at /srv/app.py|1.000kB 1.300kB 1 1.000kB load at /srv/app.py|300B 300B 1 300B parse at /srv/parse.py' ]
	[ "$(rows --by process)" = '1.320kB 1.320kB 3 1.320kB process 7' ]
	[ "$(rows --by thread --sort count)" = '1.020kB 1.020kB 2 1.020kB 7/7 |300B 300B 1 300B 7/8 ' ]
	# Nothing is live after the program has ended: the peak is shown.
	{ some | memcat --json | grep -v '^{"event":"end"'; echo '{"event":"exit","pid":7,"info":{"code":0},"time_ms":4000}'; echo '{"event":"end"}'; } | memcat --from-json > ended.lz4
	[ "$(memtop ended.lz4 | sed -n '1p;3p' | tr -s ' ')" = 'app: live memory, at the high-water mark
 9.000kB 9.000kB 1 9.000kB main at /srv/app.py:3' ]
	run -2 memtop --by file t.lz4
	run -2 memtop --sort size t.lz4
	run -2 memtop --speed 0 t.lz4
}

@test "own bytes and blocks equal memgrow's, by line, function, package and process, on random traces" {
	for seed in 1 2 3; do
		python3 "$TESTS/lib/gen_trace.py" --events 4000 --seed $seed --processes 2 --threads 3 --weights | memcat --from-json | memleak > t.lz4
		for by in line function package process; do
			memgrow --warm-up 0 --by $by --json t.lz4 | python3 -c '
import json, sys
def size(n):
    return "%dB" % n if n < 1000 else "%.3fkB" % (n / 1000) if n < 1e6 else "%.3fMB" % (n / 1e6)
for r in json.load(sys.stdin)["rows"]:
    print(size(r["size"]), r["allocations"])' | sort > want
			memtop --by $by t.lz4 | awk 'NR > 2 && $3 > 0 && $1 != "0B" { gsub(",", "", $3); print $1, $3 }' | sort > got
			[ -s want ]
			diff want got
		done
	done
}

@test "on the screen: numbers, the course, rows; keys sort, group, search, open the calls, quit" {
	some > t.lz4
	on_screen wait=ended show 'keys=<enter>' 'wait=Calls to load' show 'keys=<esc>' 'wait=By line' keys=bt 'wait=By function, sorted by total' keys=/PARSE 'wait=/PARSE_' 'gone=main at' 'keys=<enter>' 'wait=.1 rows' 'keys=<esc>' 'wait=main at' keys='?' 'wait=choose a row' keys=q -- memtop t.lz4
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"ended, 3.0s: heap 1.320kB, resident 40.960kB, peak 10.320kB, 1 process"* ]]
	[[ "$output" == *"load at /srv/app.py:5"*"q quit"* ]]
	[[ "$output" == *"100.0%"*"main (/srv/app.py:1)"*"100.0%"*"  load (/srv/app.py:5)"* ]]
	[[ "$output" == *"▁"* || "$output" == *"█"* ]]
}

@test "private, proportional and swapped memory of all processes has a line, where the trace has it" {
	{ some | memcat --json | grep -v '"event":"end"'
	  echo '{"event":"memory","pid":7,"info":{"private":100000,"shared":900000,"proportional":550000,"swap":4096},"time_ms":3500}'
	  echo '{"event":"process","pid":8,"info":{"command":["python3","app.py"]},"time_ms":3500}'
	  echo '{"event":"memory","pid":8,"info":{"private":200000,"shared":900000,"proportional":450000,"swap":0},"time_ms":3600}'
	  echo '{"event":"end"}'; } | memcat --from-json > t.lz4
	on_screen wait=ended show keys=q -- memtop t.lz4
	echo "$output"
	[[ "$output" == *"2 processes"*$'\n'"of all processes: private 300.000kB, proportional 1.000MB, swap 4.096kB"*$'\n'*". resident"*"By line"* ]]
	{ memcat --json t.lz4 | grep -v '"event":"end"'; echo '{"event":"exit","pid":8,"info":{"code":0},"time_ms":4000}'; echo '{"event":"end"}'; } | memcat --from-json > u.lz4
	on_screen wait=ended show keys=q -- memtop u.lz4
	[[ "$output" == *"private 100.000kB, proportional 550.000kB, swap 4.096kB"* ]]
	some > v.lz4
	on_screen wait=ended show keys=q -- memtop v.lz4
	[[ "$output" != *proportional* ]]
}

@test "p shows the high-water mark; the arrows move the row; eighty columns are enough" {
	some > t.lz4
	run python3 "$TESTS/lib/screen.py" 80x20 wait=ended keys=p 'wait=at peak' 'wait=main at /srv/app.py:3' show 'keys=<down><enter>' 'wait=Calls to load' keys=q -- memtop t.lz4
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"   9.000kB    9.000kB"* ]]
}

@test "live: from a pipe while the program runs; a mark; after Ctrl-C the last picture remains" {
	[ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer cannot record"
	cat > app.py <<-'END'
		import time
		kept = []
		def first(): return [bytearray(100_000)]
		def later(): kept.append(bytearray(10_000))
		held = first()
		while True:
		    later()
		    time.sleep(.005)
	END
	on_screen 'wait=live.*heap' 'wait=later at' keys=g show keys=m 'wait=  0B  first' 'wait=later' interrupt wait=ended keys=q -- sh -c 'trap : INT; memrec -- python3 app.py 2> err | memtop'
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"1 process, "* ]]
}

@test "live: a file that is still being written, paused and not" {
	[ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer cannot record"
	cat > app.py <<-'END'
		import time
		kept = []
		for i in range(400):
		    kept.append(bytearray(10_000))
		    time.sleep(.005)
	END
	memrec -o t.lz4 -- python3 app.py 3>&- &
	for _ in $(seq 100); do [ "$(stat -c %s t.lz4 2> /dev/null || echo 0)" -gt 1000 ] && break; sleep 0.05; done
	on_screen wait=live 'keys= ' wait=paused 'keys= ' wait=ended keys=q -- memtop t.lz4
	echo "$output"
	[ "$status" -eq 0 ]
	wait
}

@test "--speed replays a finished trace" {
	some > t.lz4
	begun=$(date +%s%N)
	on_screen wait=live wait=ended keys=q -- memtop --speed 2 t.lz4
	[ "$status" -eq 0 ]
	took=$((($(date +%s%N) - begun) / 1000000))
	[ $took -ge 900 ] && [ $took -le 15000 ]
}

@test "an unknown terminal type: one line" {
	some > t.lz4
	run script -qec 'TERM=nonesuch memtop t.lz4' /dev/null
	[[ "$output" == *"memtop: memtop cannot draw on a terminal with TERM=nonesuch"* ]]
}

@test "names from a trace cannot control the terminal" {
	printf '%s\n' '{"event":"header","command":["a\u001b[31mb"]}' '{"event":"function","function":1,"lang":"python","name":"x\u001b[2Jy","file":"f\u0007.py","module":""}' '{"event":"frame","frame":1,"function":1,"line":3}' '{"event":"stack","stack":1,"parent":0,"frame":1}' '{"event":"alloc","id":1,"size":5,"stack":1}' '{"event":"end"}' | memcat --from-json > t.lz4
	on_screen wait=ended 'wait=x.x1b.2Jy at f.x07.py:3' 'keys=<enter>' 'wait=Calls to' show keys=q -- memtop t.lz4
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" != *$'\033'* ]]
}

# memtime: heap and resident memory over time.

load lib/common
load lib/traces

@test "each line has the maximum of its interval; pauses draw no slope" {
	trace > t.lz4 <<-'END'
	{"event":"rss","pid":7,"size":4096,"time_ms":1}
	alloc 1 100 pid=7 time_ms=3
	alloc 2 900 pid=7 time_ms=4
	free 2 pid=7 time_ms=5
	alloc 3 50 pid=7 time_ms=12
	{"event":"rss","pid":7,"size":8192,"time_ms":13}
	alloc 4 10 pid=7 weight=2 time_ms=58
	resize 3 20 pid=7 time_ms=59
	free 1 pid=7 time_ms=70
	END
	[ "$(memtime t.lz4)" = '# seconds	heap	rss	private	proportional	swap
0.000	1000	4096	0	0	0
0.010	150	8192	0	0	0
0.040	150	8192	0	0	0
0.050	170	8192	0	0	0
0.060	140	8192	0	0	0
0.070	140	8192	0	0	0' ] || { memtime t.lz4; return 1; }
	[ "$(memtime --every 1s t.lz4 | tail -n +2)" = '0.000	1000	8192	0	0	0' ]
	[ "$(memtime --every 30ms < t.lz4 | tail -n +2)" = '0.000	1000	8192	0	0	0
0.030	170	8192	0	0	0
0.060	140	8192	0	0	0' ]
	run -2 memtime --every 10% t.lz4
	run -2 memtime --every 0 t.lz4
}

@test "processes are added up, and their memory ends with them" {
	trace > t.lz4 <<-'END'
	{"event":"rss","pid":7,"size":1000,"time_ms":0}
	{"event":"rss","pid":8,"size":500,"time_ms":0}
	alloc 1 100 pid=7 time_ms=1
	alloc 2 30 pid=8 time_ms=2
	{"event":"exit","pid":7,"info":{"code":0},"time_ms":20}
	alloc 3 1 pid=8 time_ms=30
	END
	[ "$(memtime t.lz4 | tail -n +2)" = '0.000	130	1500	0	0	0
0.010	130	1500	0	0	0
0.020	130	1500	0	0	0
0.030	31	500	0	0	0' ] || { memtime t.lz4; return 1; }
}

@test "joined traces start afresh, separated by two empty lines" {
	printf 'alloc 1 5 time_ms=100\n' | trace > t.lz4
	[ "$(cat t.lz4 t.lz4 | memtime | tail -n +2)" = '0.100	5	0	0	0	0


0.100	5	0	0	0	0' ]
}

@test "after a filter that answers nothing is freed, and times may go back" {
	printf 'alloc 1 5 time_ms=10\nalloc 2 7 time_ms=20\nfree 2 time_ms=30\nfree 1 time_ms=40\nalloc 3 9 time_ms=50\n' | trace > t.lz4
	[ "$(memtemp -t 5 t.lz4 | memtime | tail -n +2)" = '0.020	12	0	0	0	0' ]
	[ "$(memleak t.lz4 | memtime | tail -n +2)" = '0.050	9	0	0	0	0' ]
}

@test "on random traces the highest line is the high-water mark, at any interval" {
	for seed in 1 2 3; do
		python3 "$TESTS/lib/gen_trace.py" --events 5000 --seed $seed | memcat --from-json > t.lz4
		want=$(memstats --json t.lz4 | jq .metadata.peak_memory)
		for every in 1ms 7ms 1h; do
			[ "$(memtime --every $every t.lz4 | cut -f2 | sort -n | tail -1)" = "$want" ]
		done
	done
}

@test "--csv and --json: the same numbers" {
	printf 'alloc 1 5 time_ms=100\nalloc 2 7 time_ms=1200\n{"event":"rss","pid":0,"size":4096,"time_ms":1300}\n' | trace > t.lz4
	[ "$(memtime --every 1s --csv t.lz4)" = 'seconds,heap,rss,private,proportional,swap
0.000,5,0,0,0,0
1.000,12,4096,0,0,0' ]
	[ "$(cat t.lz4 t.lz4 | memtime --every 1s --csv | wc -l)" = 5 ]
	[ "$(memtime --every 1s --json t.lz4 | jq -c '[.title, .command, .rows]')" = '["heap and resident memory","app",[{"time_ms":0,"heap":5,"rss":0,"private":0,"proportional":0,"swap":0},{"time_ms":1000,"heap":12,"rss":4096,"private":0,"proportional":0,"swap":0}]]' ]
	[ "$(memleak t.lz4 | memtime --json | jq -r .title)" = "never freed" ]
	run -2 memtime --csv --json t.lz4
}

# Two processes that share 900 bytes, and each has some of its own.
two_processes() {
	trace <<-'END'
	alloc 1 100 pid=7 time_ms=1
	{"event":"rss","pid":7,"size":1000,"time_ms":2}
	{"event":"rss","pid":8,"size":1200,"time_ms":2}
	{"event":"memory","pid":7,"info":{"private":100,"shared":900,"proportional":550,"swap":0},"time_ms":3}
	{"event":"memory","pid":8,"info":{"private":300,"shared":900,"proportional":750,"swap":40},"time_ms":4}
	alloc 2 30 pid=8 time_ms=12
	{"event":"memory","pid":8,"info":{"private":600,"shared":600,"proportional":900,"swap":40},"time_ms":13}
	alloc 3 5 pid=8 time_ms=33
	{"event":"exit","pid":7,"info":{"code":0},"time_ms":34}
	END
}

@test "private, proportional and swap of all processes are added up, as the system divides them" {
	two_processes > t.lz4
	[ "$(memtime t.lz4 | tail -n +2)" = '0.000	100	2200	400	1300	40
0.010	130	2200	700	1450	40
0.020	130	2200	700	1450	40
0.030	135	2200	700	1450	40' ] || { memtime t.lz4; return 1; }
	[ "$(memgrep --pid 8 t.lz4 | memtime | tail -1)" = '0.030	35	1200	600	900	40' ]
	[ "$(memslice --begin 0ms --end 10ms t.lz4 | memtime | tail -1 | cut -f4-)" = '400	1300	40' ]
}

@test "--by process: a line for each process in which something happened" {
	two_processes > t.lz4
	[ "$(memtime --by process t.lz4)" = '# seconds	pid	heap	rss	private	proportional	swap
0.000	7	100	1000	100	550	0
0.000	8	0	1200	300	750	40
0.010	8	30	1200	600	900	40
0.020	8	30	1200	600	900	40
0.020	7	100	1000	100	550	0
0.030	8	35	1200	600	900	40
0.030	7	100	1000	100	550	0' ] || { memtime --by process t.lz4; return 1; }
	[ "$(memtime --by process --csv t.lz4 | sed -n 2p)" = 0.000,7,100,1000,100,550,0 ]
	memtime --by process --json t.lz4 | jq -e '.rows[1] == {"time_ms":0,"pid":8,"heap":0,"rss":1200,"private":300,"proportional":750,"swap":40}'
	run -2 memtime --by thread t.lz4
}

@test "of an attached process, the heap counts from the attach on, and that is said" {
	printf '%s\n' '{"event":"process","pid":7,"info":{"attached":1},"time_ms":0}' 'alloc 1 100 pid=7 time_ms=1' | trace > t.lz4
	[ "$(memtime t.lz4 | sed -n 2p)" = '# process 7: heap counts from the attach on; resident sizes include earlier memory' ]
	[ "$(memtime --csv t.lz4 | wc -l)" = 2 ]
	[ "$(memtime --json t.lz4 | jq .attached)" = 1 ]
	[ "$(cat t.lz4 t.lz4 | memstats --json | jq .attached)" = 1 ]
	memstats t.lz4 | grep -Fx 'Attached:                 heap counts from the attach on;'
}

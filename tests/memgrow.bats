# memgrow: growth, rate and age by place, with a verdict.

load lib/common
load lib/traces

# Prints lines of a trace with a leak, a cache, garbage and a steady place, from 0 to 60 s; the leak is 1000 B a second.
planted() {
	awk 'BEGIN {
		leak = 1; cache = 1000; garbage = 2000; queue = 3000
		print "alloc 9000 500000 main@app.py:1;load@app.py:5 time_ms=0"
		for (s = 0; s <= 60; s++) {
			t = " time_ms=" s * 1000
			print "alloc " leak++ " 1000 main@app.py:1;leak@app.py:10" t
			if (s < 25) print "alloc " cache++ " 2000 main@app.py:1;cache@app.py:20" t
			print "alloc " garbage " 3000 main@app.py:1;cycle@app.py:30" t
			if (++garbage % 7 == 0) for (i = garbage - 7; i < garbage; i++) if (i >= 2000) print "free " i t
			print "alloc " queue++ " 4000 main@app.py:1;queue@app.py:40" t
			if (s >= 3) print "free " queue - 4 t
		}
	}'
}

word_of() { # FUNCTION FILE
	jq -r --arg f "$1" '.rows[] | select(.function == $f) | .word' "$2"
}

@test "a known leak, cache, garbage and steady place; by line, as text" {
	planted | trace > t.lz4
	memgrow --every 1s --warm-up 5s t.lz4 > text
	cat text
	[ "$(sed -n 1,2p text)" = 'app: growth of live memory
From 5.0s to 1m00s, in 55 intervals of 1.0s' ]
	[ "$(grep 'leak at' text | tr -s ' ')" = ' 56.000kB 61.090kB 56 61 61.000kB 55/55 1m00s 30.0s leak leak at app.py:10' ]
	[ "$(sed -n 4p text | awk '{print $NF}')" = app.py:10 ]
	[ "$(grep 'cache at' text | tr -s ' ')" = ' 40.000kB 43.636kB 20 22 50.000kB 20/55 1m00s 48.0s cache cache at app.py:20' ]
	[ "$(awk '/cycle at/ {print $9}' text)" = garbage ]
	[ "$(grep 'queue at' text | tr -s ' ')" = ' 0B 0B 0 0 12.000kB 0/55 2.0s 1.0s steady queue at app.py:40' ]
	[ "$(awk '/load at/ {print $9}' text)" = steady ]
	[[ "$(tail -2 text | head -1)" == 'Total: '*' live, grown by '* ]]
}

@test "JSON and CSV: bytes, counts, the course" {
	planted | trace > t.lz4
	memgrow --every 1s --warm-up 0 --json t.lz4 > json
	[ "$(jq -c '[.title, .command, .by, .begin_ms, .end_ms, .interval_ms, .intervals, .total_rows]' json)" = '["growth of live memory","app","line",0,60000,1000,60,5]' ]
	[ "$(jq -c '.rows[0] | [.word, .growth, .growth_allocations, .growth_per_minute, .size, .allocations, .low, .high, .grew, .oldest_ms, .median_ms, .function, .file, .line, .language]' json)" = \
		'["leak",61000,61,61000,61000,61,0,61000,60,60000,30000,"leak","app.py",10,"python"]' ]
	# The last sample is at the end, the others at the beginning of each second.
	[ "$(jq -c '.rows[0].course' json)" = "$(seq 0 60 | jq -cs 'map(if . < 60 then . * 1000 else 61000 end)')" ]
	[ "$(jq -c '.total | [.growth, .size, .allocations]' json)" = "$(jq -c '[(.rows | map(.growth) | add), (.rows | map(.size) | add), (.rows | map(.allocations) | add)]' json)" ]
	memgrow --every 1s --warm-up 0 --csv t.lz4 > csv
	[ "$(head -1 csv)" = growth,growth_allocations,growth_per_minute,allocations_per_minute,size,allocations,low,high,grew,intervals,oldest_ms,median_ms,word,name,file,line,pid ]
	[ "$(sed -n 2p csv)" = '61000,61,61000,61.000,61000,61,0,61000,60,60,60000,30000,leak,leak,app.py,10,0' ]
	[ "$(wc -l < csv)" = 6 ]
	[ "$(memgrow --rows 2 --csv t.lz4 | wc -l)" = 3 ]
}

@test "by function, package, process and span" {
	trace > t.lz4 <<-'END'
	{"event":"process","pid":7,"info":{"command":["python3","one.py"]}}
	{"event":"process","pid":8,"info":{"command":["python3","two.py"]}}
	alloc 1 100 <module>@/srv/app/main.py:1;work@/srv/app/shop/cart.py:5 pid=7 tid=7 time_ms=1
	alloc 2 200 <module>@/srv/app/main.py:1;work@/srv/app/shop/cart.py:6;copy@/usr/lib/python3.11/copy.py:9 pid=7 tid=7 time_ms=2
	{"event":"span","name":"/order","begins":true,"pid":8,"tid":8,"time_ms":2}
	alloc 3 400 <module>@/srv/app/main.py:1;zeros@/usr/lib/python3/dist-packages/numpy/core.py:7;fill@numpy.so pid=8 tid=8 time_ms=3
	alloc 4 800 <module>@/srv/app/main.py:1 pid=8 tid=9 time_ms=3
	{"event":"span","name":"inner","begins":true,"pid":8,"tid":8,"time_ms":3}
	alloc 5 1600 - pid=8 tid=8 time_ms=4
	{"event":"span","name":"/order","begins":false,"pid":8,"tid":8,"time_ms":5}
	alloc 6 3200 - pid=8 tid=8 time_ms=6
	{"event":"span","name":"inner","begins":false,"pid":8,"tid":8,"time_ms":7}
	alloc 7 6400 - pid=8 tid=8 time_ms=8
	END
	rows() { memgrow --warm-up 0 --by "$1" --json t.lz4 | jq -r ".rows | sort_by(.size)[] | \"\(.size) \($2)\""; }
	[ "$(rows line '.function):\(.line')" = '100 work:5
200 copy:9
400 zeros:7
800 <module>:1
11200 :0' ]
	[ "$(rows function .function)" = '100 work
200 copy
400 zeros
800 <module>
11200 ' ]
	[ "$(rows package .package)" = '300 shop
400 numpy
800 main
11200 [none]' ]
	[ "$(rows process '.pid) \(.command')" = '300 7 python3 one.py
12400 8 python3 two.py' ]
	[ "$(rows span .span)" = '400 /order
4800 inner
7500 [no span]' ]
	run memgrow --warm-up 0 --by process t.lz4
	[[ "$output" == *" 8 python3 two.py"* ]]
	run -2 memgrow --by thread t.lz4
	[[ "$output" == *"--by: 'thread' is not line, function, package, process or span"* ]]
	run -2 memgrow --warm-up -3 t.lz4
	run -2 memgrow --every 0 t.lz4
	run -2 memgrow --csv --json t.lz4
}

@test "native frames count for the Python line that called them, or are shown in brackets" {
	trace > t.lz4 <<-'END'
	alloc 1 100 main@app.py:3;PyList_New@python.so;malloc@libc.so time_ms=1
	alloc 2 50 start@libx.so;grow@liby.so time_ms=2
	END
	run memgrow --warm-up 0 t.lz4
	[[ "$output" == *"main at app.py:3"* ]]
	[[ "$output" == *"grow at [liby.so]"* ]]
}

@test "after a filter: the same rows; after an answer: the allocations of the answer" {
	planted | trace > t.lz4
	memgrow --every 1s --json t.lz4 | jq -c '.rows[] | select(.function == "leak") | del(.word)' > whole
	memgrep -f leak t.lz4 | memgrow --every 1s --json > filtered.json
	jq -c '.rows[] | del(.word)' filtered.json | diff - whole
	[ "$(jq -r .title filtered.json)" = "growth of live memory; only functions 'leak'" ]
	memleak t.lz4 | memgrow --every 1s --warm-up 0 --json > leaked.json
	[ "$(jq -r .title leaked.json)" = "never freed" ]
	[ "$(jq -c '.rows[] | select(.function == "leak") | [.size, .growth, .grew, .oldest_ms, .median_ms, .word]' leaked.json)" = '[61000,61000,60,60000,30000,"leak"]' ]
	[ "$(word_of cache leaked.json)" = cache ]
	memslice --begin 20s --end 40s t.lz4 | memgrow --warm-up 0 --json > slice.json
	[ "$(jq -c '[.begin_ms, .end_ms]' slice.json)" = '[20000,39000]' ]
	[ "$(word_of leak slice.json)" = leak ]
}

@test "the end of the only process, or the shutdown of its interpreter, does not end its memory" {
	{
		planted
		echo '{"event":"process","pid":0,"info":{"finalizing":1},"time_ms":61000}'
		for i in $(seq 1 61); do echo "free $i time_ms=62000"; done
		echo '{"event":"exit","pid":0,"info":{"code":0},"time_ms":90000}'
	} | trace > t.lz4
	memgrow --every 1s --json t.lz4 > json
	[ "$(jq .end_ms json)" = 60000 ]
	[ "$(jq -c '.rows[] | select(.function == "leak") | [.size, .word]' json)" = '[61000,"leak"]' ]
}

@test "the memory of a worker that ends while others continue is gone; that of the last ones is not" {
	{
		for s in $(seq 0 40); do
			echo "alloc $((s + 1)) 10 work@a.py:1 pid=7 time_ms=$((s * 1000))"
			[ $s -lt 20 ] && echo "alloc $((s + 101)) 10 work@a.py:2 pid=8 time_ms=$((s * 1000))"
			[ $s = 20 ] && echo '{"event":"exit","pid":8,"info":{"code":0},"time_ms":20000}'
		done
		echo '{"event":"exit","pid":7,"info":{"signal":2},"time_ms":40100}'
	} | trace > t.lz4
	memgrow --every 1s --warm-up 0 --json t.lz4 > json
	[ "$(jq -c '.rows[] | select(.line == 1) | [.size, .word]' json)" = '[410,"leak"]' ]
	[ "$(jq -c '.rows[] | select(.line == 2) | [.size, .high, .word]' json)" = '[0,200,"garbage"]' ]
}

@test "joined parts of a recording are one course, other traces follow one another" {
	part() { # START_NS FROM TO
		echo "{\"event\":\"header\",\"command\":[\"app\"],\"start_ns\":$1}"
		for s in $(seq 0 "$3"); do
			t=$s; [ "$s" -lt "$2" ] && t=$2
			echo "alloc $((s + 1)) 10 main@a.py:1 time_ms=$((t * 1000))"
		done
	}
	part 5 0 20 | trace > one.lz4
	part 5 20 40 | trace > two.lz4
	part 6 0 20 | trace > other.lz4
	[ "$(memgrow -w 0 --json one.lz4 two.lz4 | jq -c '[.end_ms, .rows[0].size, .rows[0].high, .rows[0].word]')" = '[40000,410,410,"leak"]' ]
	[ "$(memgrow -w 0 --json one.lz4 other.lz4 | jq -c '[.end_ms, .rows[0].size]')" = '[40000,210]' ]
}

@test "a real program: each place has its word, from a file being written, from a pipe, and afterwards" {
	[ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer cannot record"
	memrec -o t.lz4 -- python3 "$TESTS/../examples/growing.py" 800 3>&- &
	recorder=$!
	# As soon as enough has grown; long before the end.
	until memgrow --json t.lz4 > growing.json 2> /dev/null && [ "$(word_of remember growing.json)" = leak ]; do
		kill -0 $recorder
		sleep 0.2
	done
	wait $recorder
	memgrow --json t.lz4 > file.json
	memcat t.lz4 | memgrow --json > pipe.json
	diff file.json pipe.json
	[ "$(word_of remember growing.json)" = leak ]
	[ "$(jq .end_ms growing.json)" -lt "$(jq .end_ms file.json)" ]
	[ "$(word_of remember file.json)" = leak ]
	[ "$(word_of price file.json)" = cache ]
	[ "$(word_of Connection.__init__ file.json)" = garbage ]
	[ "$(word_of deliver file.json)" = steady ]
	# 800 orders: 800 blocks, and the list of them
	[ "$(jq '.rows[0].function' file.json)" = '"remember"' ]
	[ "$(jq '.rows[0].allocations' file.json)" = 801 ]
	[ "$(jq '.rows[0].size' file.json)" -ge 16000800 ]
	[ "$(jq '.rows[0].size' file.json)" -lt 16020800 ]
}

@test "on a terminal: bars, as many rows and columns as fit" {
	planted | trace > t.lz4
	for columns in 80 140; do
		run script -qec "stty rows 12 cols $columns; memgrow t.lz4" /dev/null
		[[ "$output" == *"▃▄▅▆▇█"* ]]
		[[ "$output" == *"leak"*"leak at app.py:10"* ]]
		while IFS= read -r line; do
			line=$(sed 's/\x1b\[[0-9]*m//g; s/\r//' <<< "$line")
			[ ${#line} -le $columns ] || [[ "$line" == leak* || "$line" == Total* ]] || { echo "${#line}: $line"; return 1; }
		done <<< "$output"
	done
	[[ "$(NO_COLOR=1 script -qec 'memgrow t.lz4' /dev/null)" != *$'\033'* ]]
}

@test "memory use depends on the live blocks, not on the length of the trace" {
	big_trace > big.lz4
	for n in 1 2 3 4; do cat big.lz4; done > four.lz4
	/usr/bin/time -f %M -o one memgrow big.lz4 > /dev/null
	/usr/bin/time -f %M -o many memgrow four.lz4 > /dev/null
	[ "$(cat many)" -lt $(($(cat one) + 4000)) ]
}

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
	[ "$(grep 'leak at' text | tr -s ' ')" = ' 56.000kB 61.090kB 56 61 61.000kB 55/55 1m00s 30.0s - leak leak at app.py:10' ]
	[ "$(sed -n 4p text | awk '{print $NF}')" = app.py:10 ]
	[ "$(grep 'cache at' text | tr -s ' ')" = ' 40.000kB 43.636kB 20 22 50.000kB 20/55 1m00s 48.0s - cache cache at app.py:20' ]
	[ "$(awk '/cycle at/ {print $10}' text)" = garbage ]
	[ "$(grep 'queue at' text | tr -s ' ')" = ' 0B 0B 0 0 12.000kB 0/55 2.0s 1.0s - steady queue at app.py:40' ]
	[ "$(awk '/load at/ {print $10}' text)" = steady ]
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
	[ "$(head -1 csv)" = growth,growth_allocations,growth_per_minute,allocations_per_minute,size,allocations,low,high,grew,intervals,oldest_ms,median_ms,word,name,file,line,pid,freed,collected ]
	[ "$(sed -n 2p csv)" = '61000,61,61000,61.000,61000,61,0,61000,60,60,60000,30000,leak,leak,app.py,10,0,0,' ]
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

@test "what the collector of cycles frees: by its thread, until it no longer does" {
	collection() { echo "{\"event\":\"collection\",\"pid\":$1,\"tid\":$2,\"time_ms\":$3,\"begins\":$4}"; }
	part() {
		echo '{"event":"process","pid":7,"info":{"command":["one"],"collections":1}}'
		echo '{"event":"process","pid":8,"info":{"command":["two"]}}'
		for i in 1 2 3 4 5 6 7; do echo "alloc $i 100 main@a.py:$((i % 2 + 1)) pid=7 tid=7 time_ms=1"; done
		echo "alloc 8 1000 main@a.py:8 pid=8 tid=7 time_ms=1"
		echo "alloc 9 1000 main@a.py:9 pid=7 tid=7 time_ms=1"
	}
	{
		part
		collection 7 7 2 true
		echo "free 1 pid=7 tid=7 time_ms=2"
		echo "free 3 pid=7 tid=9 time_ms=2"	# another thread
		echo "free 8 pid=8 tid=7 time_ms=2"	# another process
		collection 7 7 3 false
		echo "free 5 pid=7 tid=7 time_ms=3"
		collection 7 7 4 true
		echo "free 7 pid=7 tid=7 time_ms=4"
		echo "free 2 pid=7 tid=7 time_ms=4"
	} | trace > t.lz4
	collected() { jq -r '.rows | sort_by(.line)[] | "\(.line) \(.freed) \(.collected)"' | paste -sd ,; }
	[ "$(memgrow -w 0 --json t.lz4 | collected)" = '1 100 100,2 400 200,8 1000 0,9 0 0' ]
	[ "$(memgrow -w 0 --csv t.lz4 | awk -F, 'NR > 1 { print $16, $18, $19 }' | sort | paste -sd ,)" = '1 100 100,2 400 200,8 1000 0,9 0 0' ]
	[ "$(memgrow -w 0 t.lz4 | awk '/a.py/ { sub(/.*:/, "", $NF); print $NF, $9 }' | sort | paste -sd ,)" = '1 100%,2 50%,8 0%,9 -' ]
	# The row passes through filters, and through text.
	[ "$(memcat --json t.lz4 | memcat --from-json | memgrep --min-size 1 | memslice --begin 0s | memgrow -w 0 --json | collected)" = '1 100 100,2 400 200,8 1000 0,9 0 0' ]
	# Another trace begins with none; and where no process has such rows, nothing is said.
	{ part; echo "free 1 pid=7 tid=7 time_ms=5"; } | trace > u.lz4
	cat t.lz4 u.lz4 | memgrow -w 0 --json > joined.json
	[ "$(jq -c '.total | [.freed, .collected]' joined.json)" = '[1600,300]' ]
	{ part | sed 's/,"collections":1//'; echo "free 1 pid=7 tid=7 time_ms=5"; } | trace > v.lz4
	[ "$(memgrow -w 0 --json v.lz4 | jq -c '.rows[] | select(.line == 2) | [.freed, .collected]')" = '[100,null]' ]
	[ "$(memgrow -w 0 v.lz4 | awk '/a.py:2/ { print $9 }')" = - ]
}

# Cycles that only the collector ends; one of two objects in a cycle; none. On another thread, a queue, all the while.
cycles_program() {
	cat > cycles.py <<-'END'
		import collections, gc, sys, threading, time
		class Node: pass
		def cycle():
		    node = Node()
		    node.me, node.data = node, bytearray(50_000)
		def half(i):
		    node = Node()
		    node.data = bytearray(30_000)
		    if i % 2: node.me = node
		def queue(q):
		    q.append(bytearray(40_000))
		def serve(q):
		    while not done:
		        queue(q)
		        time.sleep(.001)
		done = []
		time.sleep(float(sys.argv[1]))
		gc.disable()
		thread = threading.Thread(target=serve, args=(collections.deque(maxlen=3),))
		thread.start()
		for i in range(60):
		    cycle()
		    half(i)
		    if i % 10 == 9: gc.collect()
		    time.sleep(.004)
		done.append(1)
		thread.join()
	END
}

# Checks what memgrow says of that program's trace. A collection also empties free lists, with a few blocks of the queue in them.
check_cycles() { # TRACE
	memgrow -w 0 --every 1ms --by function --json "$1" | jq -c '[.rows[] | select(.file | endswith("cycles.py")) | {(.function): [.freed, .collected]}] | add' > said
	cat said
	jq -e '.cycle[0] > 2900000 and .cycle[0] == .cycle[1] and .half[0] > 1700000 and (.half[1] * 2 / .half[0] | . > 0.98 and . < 1.02) and
		.queue[0] > 1000000 and .queue[1] < '"${2:-2000}" said
}

@test "planted cycles: exactly what the collector freed, on every Python, launched and attached, with its allocators and without, and sampled" {
	[ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer cannot record"
	cycles_program
	for python in $(all_pythons); do
		echo "$python"
		for options in "" -A; do
			memrec -f $options -o t.lz4 -- "$python" cycles.py 0
			# Without a global lock the other thread runs, and frees, meanwhile.
			check_cycles t.lz4 "$([[ $python != *t ]] || echo 1000000)"
		done
	done
	python3 cycles.py .5 3>&- &
	memrec -o a.lz4 -p $!
	check_cycles a.lz4
	memrec -A --sample 1kB -o s.lz4 -- python3 cycles.py 0
	check_cycles s.lz4
}

@test "a file of several that begins while the collector runs says so" {
	[ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer cannot record"
	# The callback runs, and waits, while the collector takes a cycle apart.
	cat > slow.py <<-'END'
		import gc, time, weakref
		class Node: pass
		refs = []
		def slowly(ref): time.sleep(.02)
		def cycle(i):
		    node = Node()
		    node.me, node.data, node.code = node, bytearray(50_000), compile(str(i), "f", "eval")
		    refs.append(weakref.ref(node.code, slowly))
		gc.collect()
		gc.disable()
		for i in range(60): cycle(i)
		gc.collect()
	END
	memrec -o t.lz4 --rotate 200ms -- /usr/bin/python3 slow.py
	within=0
	for file in t.0*.lz4; do
		memcat --json "$file" | grep -m 1 -E '"event":"(free|collection)"' > first || continue
		grep -q collection first || continue
		memgrow -w 0 --every 1ms --by function --json "$file" | jq -c '.rows[] | select(.function == "cycle") | [.freed, .collected]' > said
		cat said
		jq -e '.[0] == .[1]' said
		# The last file may begin after the last of them.
		jq -e '.[0] == 0' said || within=$((within + 1))
	done
	[ $within -ge 2 ]
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

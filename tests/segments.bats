# Bounded recording: --rotate, --last, --begin-at, --until, --mark. Each file can be read alone.

load lib/common
load lib/told

started=()
teardown() {
	kill_started
}

# A program that keeps 10 known blocks from its beginning, and then a block of 30,000 B every 5 ms.
setup_file() {
	cat > "$BATS_FILE_TMPDIR/app.py" <<-'END'
		import sys, time
		def early(): return list(map(bytearray, [100_000] * 10))
		def late(): kept.append(bytearray(30_000))
		def passing(): bytearray(50_000)
		first, kept = early(), []
		for i in range(int(sys.argv[1])):
		    late()
		    passing()
		    time.sleep(.005)
	END
}

# Prints the last file in which the script had not ended when it began: on a busy machine the interpreter shuts down for long.
last_of_script() { # FILE...
	local last=
	for file; do
		memcat --json "$file" | grep -q '"event":"span".*"name":"script"' && last=$file
	done
	echo "$last"
}

# Prints the files that began before the interpreter had freed everything.
with_blocks() { # FILE...
	for file; do
		memtable --json "$file" | jq -e '.rows[] | select(.function == "early" and .size > 99000)' > /dev/null && echo "$file"
	done
	return 0
}

@test "--rotate: every file is complete and begins with the live blocks and their stacks; together they are one course" {
	memrec -o t.lz4 --rotate 400ms -- python3 "$BATS_FILE_TMPDIR/app.py" 400
	[ ! -e t.lz4 ]
	[ "$(ls t.0*.lz4 | wc -l)" -ge 4 ]
	files=$(with_blocks t.0*.lz4)
	last=$(tail -1 <<< "$files")
	blocks=0
	for file in $files; do
		memcat "$file" > /dev/null
		[ "$(memtable --json "$file" | jq '[.rows[] | select(.function == "early" and .size > 99000) | .allocations] | add' )" -ge 10 ]
		memfold "$file" | grep -q '<module> (.*app.py:5);early (.*app.py:2)'
		now=$(memtable --json "$file" | jq '[.rows[] | select(.function == "late" and .size > 29000) | .allocations] | add // 0')
		[ "$now" -ge "$blocks" ]
		blocks=$now
	done
	[ "$blocks" -ge 400 ]
	# The last file alone and all of them give the same result for the end.
	[ "$(memgrow --json "$last" | jq -c '[.rows[] | select(.function == "late")][0] | [.size, .allocations, .oldest_ms]')" = \
		"$(memgrow --json t.0*.lz4 | jq -c '[.rows[] | select(.function == "late")][0] | [.size, .allocations, .oldest_ms]')" ] || {
		# in all of them together, blocks listed again keep their times
		memgrow --json "$last" | jq -c '[.rows[] | select(.function == "late")][0] | del(.course)'
		memgrow --json t.0*.lz4 | jq -c '[.rows[] | select(.function == "late")][0] | del(.course)'
		return 1
	}
	[ "$(memgrow --json t.0*.lz4 | jq -r '[.rows[] | select(.function == "late")][0] | .word')" = leak ]
	[ "$(memgrow --warm-up 0 --json t.0*.lz4 | jq .begin_ms)" -lt 400 ]
	# Their live blocks have existed since the beginning.
	[ "$(memtime --every 1ms "$last" | sed -n 2p | cut -f2)" -gt 1000000 ]
	[ "$(lz4 -dcq "$last" | python3 -c 'import msgpack, sys; print(next(iter(msgpack.Unpacker(sys.stdin.buffer, strict_map_key=False)))["begin_ms"])')" -ge 1600 ]
}

@test "--last TIME keeps the newest files; blocks older than the window are included with their stacks" {
	memrec -o t.lz4 --last 800ms -- python3 "$BATS_FILE_TMPDIR/app.py" 500
	[ ! -e t.000001.lz4 ]
	[ "$(ls t.0*.lz4 | wc -l)" -le 6 ]
	for file in $(with_blocks t.0*.lz4); do
		memcat "$file" > /dev/null
		memfold "$file" | grep -q 'early (.*app.py:2)'
	done
	# At least the window, and no file that ended before it.
	memgrow --warm-up 0 --json t.0*.lz4 > json
	[ "$(jq '.end_ms - .begin_ms' json)" -ge 700 ]
	end_of() { memcat --json "$1" | jq -s 'map(.time_ms // 0) | max'; }
	[ $(($(end_of "$(ls t.0*.lz4 | head -1)") + 800)) -gt "$(end_of "$(ls t.0*.lz4 | tail -1)")" ]
	last=$(with_blocks t.0*.lz4 | tail -1)
	[ "$(memtable --leaks --json "$last" | jq '[.rows[] | select(.function == "late" and .size > 29000) | .allocations] | add')" -ge 500 ]
}

@test "--last SIZE limits the size on the disk at any time" {
	cat > load.py <<-'END'
		import random
		kept = []
		for i in range(25000):
		    kept.append([bytes(random.randrange(600, 4000)) for j in range(40)])
		    del kept[random.randrange(len(kept))]
		    if i < 5: kept.append([])
	END
	memrec -o t.lz4 --last 1MiB -- python3 load.py &
	recorder=$!
	most=0
	while kill -0 $recorder 2> /dev/null; do
		size=$(cat t.0*.lz4 2> /dev/null | wc -c)
		[ "$size" -gt $most ] && most=$size
		sleep 0.02
	done
	wait $recorder
	[ ! -e t.000001.lz4 ]
	[ $most -le 1200000 ]
	[ $most -ge 400000 ]
	for file in t.0*.lz4; do
		memcat "$file" > /dev/null
	done
}

# Records a program onto a disk of 800 kB, with these options; sets last, the newest file. The first one must have made room.
record_to_small_disk() { # OPTION...
	unshare -rm true 2> /dev/null || skip "no namespaces to be had here"
	mkdir disk
	cat > load.py <<-'END'
		import random
		kept = []
		def remember(): kept.append([bytes(random.randrange(600, 4000)) for j in range(40)])
		for i in range(25000):
		    remember()
		    del kept[random.randrange(len(kept))]
		    if i < 5: kept.append([])
	END
	run unshare -rm bash -c 'mount -t tmpfs -o size=800k none disk && memrec -o disk/t.lz4 "$@" -- python3 load.py; status=$?; cp disk/* .; exit $status' - "$@"
	echo "$output"
	[ "$status" -eq 0 ]
	[ ! -e t.000001.lz4 ]
	last=$(ls t.0*.lz4 | tail -1)
	memcat "$last" > /dev/null
}

@test "the disk is full: the oldest files are deleted, the newest are kept" {
	record_to_small_disk --rotate 256kB
	[ "$(memstats --json "$last" | jq .metadata.end_time 2> /dev/null)" != "" ]
	for file in t.0*.lz4; do
		memtable "$file" 2> err > /dev/null || grep -q 'cut off' err
	done
}

@test "the disk is full long before a file would end: the newest are kept, from small files" {
	record_to_small_disk --last 1h
	[ "$(ls t.0*.lz4 | wc -l)" -ge 2 ]
	# The end of the program is there.
	memcat --json "$last" | grep -q '"event":"exit"'
}

@test "--begin-at and --until: only that part, with the blocks live at its beginning" {
	memrec -o t.lz4 --begin-at 'HEAP>8MB' --until 'HEAP>12MB' -- python3 "$BATS_FILE_TMPDIR/app.py" 500
	memcat t.lz4 > /dev/null
	memtime --every 1ms t.lz4 > time
	[ "$(sed -n 2p time | cut -f2)" -gt 7900000 ]
	[ "$(tail -1 time | cut -f2)" -lt 12200000 ]
	memfold t.lz4 | grep -q 'early (.*app.py:2)'

	memrec --begin-at 300ms --until 600ms -- python3 "$BATS_FILE_TMPDIR/app.py" 200 > t2.lz4
	memtime t2.lz4 > time
	[ "$(sed -n 2p time | cut -f1 | tr -d .)" -ge 290 ]
	[ "$(tail -1 time | cut -f1 | tr -d .)" -le 1500 ]

	memrec -o t3.lz4 --until 'RSS>16MB' -- python3 "$BATS_FILE_TMPDIR/app.py" 500
	[ "$(memstats --json t3.lz4 | jq -r '.metadata.peak_rss // 16000000')" -lt 18000000 ]
	memcat t3.lz4 > /dev/null

	memrec -o t5.lz4 --begin-at 'RSS>16MB' -- python3 "$BATS_FILE_TMPDIR/app.py" 500
	memtime --every 1ms t5.lz4 > time
	[ "$(awk 'NR > 1 && $3 > 0 { print $3; exit }' time)" -ge 16000000 ]
	memfold t5.lz4 | grep -q 'early (.*app.py:2)'

	run -3 memrec -v -o t4.lz4 --begin-at 'RSS>900GB' -- sh -c 'exit 3'
	[[ "$output" == *"memrec: nothing was recorded: --begin-at RSS>900GB was never reached" ]]
	[ ! -e t4.lz4 ]
}

@test "attached: --until ends the recording, and the process continues; a mark begins another file" {
	start_told python3 "$TESTS/attach/known.py"
	memrec -o u.lz4 --until 300ms -p "$pid" 2> err
	memcat u.lz4 > /dev/null
	tell work done

	memrec -v -o t.lz4 --rotate 1h -p "$pid" 2> err 3>&- 7>&- &
	recorder=$!
	started+=("$recorder")
	wait_for 'recording process' err
	tell work done
	memrec --mark $recorder
	sleep 0.3
	tell work done
	sleep 0.3
	kill -INT $recorder
	wait $recorder
	[ "$(ls t.0*.lz4)" = "t.000001.lz4
t.000002.lz4" ]
	[ "$(memcat --json t.000001.lz4 | grep -c '"event":"span","pid":[0-9]*,"tid":[0-9]*,"time_ms":[0-9]*,"begins":\(1\|0\|true\|false\),"name":"mark"')" = 2 ] ||
		[ "$(memcat --json t.000001.lz4 | grep '"span"' | grep -c '"mark"')" = 2 ]
	grep -q 'next: memgrow t.\*.lz4' err

	run -1 memrec --mark $$
	[ "$output" = "memrec: process $$ is not a memrec: give the PID of the memrec that records (pgrep -x memrec)" ]
}

@test "older files of the same name are not mixed with new ones; usage errors" {
	memrec -o t.lz4 --rotate 1h -- true
	[ -e t.000001.lz4 ]
	touch t.000009.lz4
	run -1 memrec -o t.lz4 --last 1min -- true
	[ "$output" = "memrec: t.000001.lz4: file exists: choose another name, or overwrite it with -f" ]
	memrec -f -o t.lz4 --last 1min -- true
	[ "$(ls t.*.lz4)" = t.000001.lz4 ]
	for wrong in "--last 10m -o x" "--last 10%" "--last 0 -o x" "--last 500MB" "--rotate 5" "--last 9kB -o x" "--begin-at 5MB" "--begin-at LOAD>2" "--until RSS>x" "--begin-at 2s --until 1s" "--mark x"; do
		run -2 memrec $wrong -- true < /dev/null
	done
}

@test "many processes: each file has the live ones, with their names and modules" {
	cat > many.py <<-'END'
		import os, time
		def child(n):
		    kept = []
		    for i in range(100):
		        kept.append(bytearray(9000 + n))
		        time.sleep(.005)
		    os._exit(0)
		for n in range(3):
		    if os.fork() == 0: child(n)
		time.sleep(.3)
		for n in range(3): os.wait()
		time.sleep(.3)
	END
	memrec -F -o t.lz4 --rotate 250ms -- python3 many.py
	for file in t.0*.lz4; do
		memcat "$file" > /dev/null
	done
	first=$(ls t.0*.lz4 | sed -n 2p) last=$(ls t.0*.lz4 | tail -1)
	[ "$(memsplit-pid --list "$first" | grep -c many.py)" -ge 3 ] || memsplit-pid -f -o '%p.lz4' --list "$first"
	# The children have ended.
	[ "$(memgrow --by process --warm-up 0 --json "$last" | jq '[.rows[] | select(.size > 0)] | length')" = 1 ]
}

@test "each file has the phase it begins in, and the blocks of the script are in its span" {
	memrec -f -o t.lz4 --rotate 300ms -- python3 "$BATS_FILE_TMPDIR/app.py" 200
	local checked=0
	for file in t.0*.lz4; do
		# On a busy machine the first file may end before the script begins, or soon after.
		memcat --json "$file" > rows
		grep -q '"event":"span".*"name":"script"' rows || continue
		memslice --span script "$file" | memtable --json > script.json
		[ "$file" != t.000001.lz4 ] || grep -q '"function":"late"' script.json || continue
		checked=$((checked + 1))
		[ "$(jq '[.rows[] | select(.function == "early" and .size > 99000) | .allocations] | add' script.json)" = 10 ]
		# What the start left is not in it.
		[ "$(jq .total_bytes script.json)" -lt "$(memtable --json "$file" | jq '.total_bytes - 300000')" ]
	done
	[ "$checked" -ge 3 ]
	[ "$(memcat --json "$(last_of_script t.0*.lz4)" | jq -r 'select(.event == "span" and .begins) | .name' | paste -sd ' ')" = "script shutdown" ]
}

@test "blocks made in the millisecond in which the script begins are on the right side of it" {
	mkdir site
	# The recorder's clock stands still while it is stopped.
	cat > site/sitecustomize.py <<-'END'
		import os, signal, subprocess
		recorder = os.getppid()
		subprocess.Popen(["sh", "-c", "sleep .4; kill -CONT %d" % recorder])
		os.kill(recorder, signal.SIGSTOP)
		def before(): return bytearray(1_000_000)
		kept = before()
	END
	PYTHONPATH=$PWD/site memrec -f -o t.lz4 --rotate 300ms -- python3 "$BATS_FILE_TMPDIR/app.py" 200
	last=$(last_of_script t.0*.lz4)
	memtable --json "$last" | jq -e '[.rows[] | select(.function == "before" and .size > 999000)] | length == 1'
	memslice --span script "$last" | memtable --json > script.json
	jq -e '[.rows[] | select(.function == "before")] | length == 0' script.json
	[ "$(jq '[.rows[] | select(.function == "early" and .size > 99000) | .allocations] | add' script.json)" = 10 ]
}

# The phases of a Python process: start-up, script, shutdown; and the labels of allocations without a Python frame.

load lib/common

# Prints the recorder's spans of each process in order, "start-up script shutdown", with their ends in between.
spans() { # TRACE
	memcat --json "$1" | jq -r 'select(.event == "span" and .tid == 0) | (if .begins then "" else "/" end) + .name' | paste -sd ' '
}

# Prints sizes of 100000 and more, with the first and the last function of each stack.
large() { # TRACE
	memcat --json "$1" | python3 -c '
import json, sys
functions, frames, stacks = {}, {}, {0: []}
for e in map(json.loads, sys.stdin):
    if e["event"] == "function": functions[e["function"]] = e["name"]
    if e["event"] == "frame": frames[e["frame"]] = functions[e["function"]]
    if e["event"] == "stack": stacks[e["stack"]] = stacks[e["parent"]] + [frames[e["frame"]]]
    if e["event"] == "alloc" and e["size"] in map(int, sys.argv[1:]): print(e["size"], *stacks[e["stack"]][-1:])
' "${@:2}"
}

make_script() {
	mkdir -p site package
	# Code run by site belongs to start-up, atexit functions to the script.
	echo 'early = bytes(100000)' > site/sitecustomize.py
	cat > script.py <<-'END'
		import atexit, sys, threading
		class Late:
		    def __del__(self): self.last = bytes(40000000)
		kept = bytes(200000)
		thread = threading.Thread(target=lambda: bytes(300000))
		thread.start()
		thread.join()
		atexit.register(lambda: bytes(400000))
		sys.modules["late"] = Late()
	END
	cp script.py package/__main__.py
	rm -rf package/__pycache__
}

@test "every Python marks start-up, script and shutdown, however its script is run; the script's blocks are in its span" {
	make_script
	for python in $(pythons); do
		for how in script.py package "-m package" "-m script"; do
			PYTHONPATH=site:. memrec -f -o t.lz4 -- $python $how
			echo "$python $how: $(spans t.lz4)"
			[ "$(spans t.lz4)" = "start-up /start-up script /script shutdown" ]
			memslice --span script t.lz4 > s.lz4
			# bytes(n) takes n + 33 in every version; bytearray(n) does not
			run large s.lz4 100033 200033 300033 400033 40000033
			[ "$output" = "200033 <module>
300033 <lambda>
400033 <lambda>" ]
			[ "$(memslice --span start-up t.lz4 | memcat --json | grep -cE '"size":(100033|200033),')" = 1 ]
			[ "$(memslice --span shutdown t.lz4 | memcat --json | grep -c '"size":40000033,')" = 1 ]
			# The shutdown's blocks are not at the mark, though they are the largest.
			[ "$(memsummary --json t.lz4 | jq '.total_bytes < 40000000')" = true ]
			[ "$(memslice --span shutdown t.lz4 | memsummary --json | jq '.total_bytes > 40000000')" = true ]
		done
		PYTHONPATH=site memrec -f -o t.lz4 -- $python -c 'x = bytes(200000)'
		[ "$(spans t.lz4)" = "start-up /start-up script /script shutdown" ]
		[ "$(memslice --span script t.lz4 | memcat --json | grep -c '"size":200033,')" = 1 ]
		echo 'x = bytes(200000)' | memrec -f -o t.lz4 -- $python
		[ "$(spans t.lz4)" = "start-up /start-up script /script shutdown" ]
	done
}

@test "the high-water mark of a worker is in its work, not in the shutdown of its interpreter" {
	cat > worker_peak.py <<-'END'
		import os, sys, asyncio, logging, socket	# the parent imports, as gunicorn's master does

		def handle():
		    return sum(len(bytearray(6000)) for _ in range(50))

		pid = os.fork()
		if not pid:
		    handle()
		    sys.exit(0)
		os.waitpid(pid, 0)
	END
	memrec -F -f -o t.lz4 -- /usr/bin/python3 worker_peak.py
	# A process forked from a script is in the script phase from its beginning.
	worker=$(memcat --json t.lz4 | jq -r 'select(.event == "span" and .name == "script" and .begins) | .pid' | tail -1)
	memsplit-pid t.lz4
	[ "$(spans trace.$worker.lz4)" = "script /script shutdown" ]
	memsummary --json trace.$worker.lz4 > summary
	[ "$(jq '[.locations[] | select(.function == "handle")][0].total_bytes' summary)" = 6001 ]
	[ "$(jq '.total_bytes < 7000' summary)" = true ]
	[ "$(mempeak trace.$worker.lz4 | memfold | awk '/;handle / { n += $NF } END { print n }')" = 6001 ]
}

@test "an attached program and a Tracker's are in the script phase; a program without Python has no phases" {
	python3 -c '
import time
print("ready", flush=True)
for i in range(40): x = bytearray(500000); time.sleep(0.05)' > said &
	until grep -q ready said; do sleep 0.05; done
	memrec -p $! -d 500ms -f -o t.lz4
	kill $!
	[ "$(spans t.lz4)" = script ]
	memslice --span script t.lz4 | memcat --json | grep -q '"size":500001,'
	PYTHONPATH=$TESTS/../record/python python3 -c '
import memrec
with memrec.Tracker("block.lz4"), memrec.span("mine"): x = bytes(3000000)'
	[ "$(spans block.lz4)" = script ]
	[ "$(memcat --json block.lz4 | jq -r 'select(.event == "span") | .name' | head -1)" = script ]
	memrec -f -o t.lz4 -- sh -c 'echo $((1 + 1))' > /dev/null
	[ -z "$(spans t.lz4)" ]
	[ "$(memfold t.lz4 | sed 's/ [0-9]*$//')" = "[no Python frame]" ]
}

@test "allocations without a frame have a label for their origin" {
	cat > threads.c <<-'END'
		#include <pthread.h>
		#include <stdlib.h>
		void *volatile kept;
		static void *work(void *arg) { kept = malloc(777777); return arg; }
		void run(void) { pthread_t t; pthread_create(&t, NULL, work, NULL); pthread_join(t, NULL); }
	END
	cc -shared -fPIC -o threads.so threads.c -lpthread
	echo 'import ctypes; ctypes.CDLL("./threads.so").run()' > script.py
	memrec -f -o t.lz4 -- /usr/bin/python3 script.py
	# A thread unknown to Python is not labelled as one of Python's.
	[ "$(large t.lz4 777777)" = "777777 [no Python frame]" ]
	memfold --total t.lz4 | grep -q '^\[interpreter start-up\] '
	memfold --total t.lz4 | grep -q '^\[interpreter shutdown\] '
	run ! grep -q '\[unknown\]' <(memfold --total t.lz4)
	run ! grep -q '\[interpreter' <(memslice --span script t.lz4 | memfold --total)
}

@test "an arena is below the line that needed it, and reports print the size of arenas" {
	echo 'x = [object() for i in range(300000)]' > script.py
	for python in $(pythons); do
		PYTHONMALLOC= memrec -f -o t.lz4 -- $python script.py
		memslice --span script t.lz4 > s.lz4
		bytes=$(memfold s.lz4 | awk '/;\[pymalloc arena\] / { n += $NF } END { print n }')
		echo "$python: $bytes"
		# 16 bytes each, in whole arenas, less the room left in the previous arena
		[ "$bytes" -ge 3700000 ]
		[ "$bytes" -le 6300000 ]
		size=$(awk "BEGIN { printf \"%.3fMB\", $bytes / 1000000 }")
		memfold s.lz4 | grep -E ';\[pymalloc arena\] ' | grep -qE 'script.py:1\);'
		for report in memsummary memtable memtree; do
			[ "$($report s.lz4 | tail -1)" = "$size are arenas; record with -A to see the objects in them" ]
		done
		[ "$(memstats --json s.lz4 | jq .arena_bytes)" -ge "$bytes" ]
		memstats s.lz4 | grep -qE '^Arenas: +[0-9.]+MB; record with -A to see the objects in them$'
		memstats s.lz4 | grep -qE '<(module|listcomp)>:.*script.py:1 -> '
		memrec -A -f -o t.lz4 -- $python script.py
		run ! grep -q 'arena' <(memsummary t.lz4)
	done
}

# Prints size and functions of each allocation.
allocations() { # TRACE
	memcat --json "$1" | python3 -c '
import json, sys
functions, frames, stacks = {}, {}, {0: ()}
for e in map(json.loads, sys.stdin):
    if e["event"] == "function": functions[e["function"]] = e["name"]
    if e["event"] == "frame": frames[e["frame"]] = functions[e["function"]], e["line"]
    if e["event"] == "stack": stacks[e["stack"]] = stacks[e["parent"]] + (frames[e["frame"]],)
    if e["event"] == "alloc": print(e["size"], *stacks[e["stack"]])
'
}

@test "--from-script records what the script allocates and defines no more than that uses, with every Python" {
	make_script
	local python how whole part
	for python in $(pythons); do
		for how in script.py "-m package" "-m script"; do
			PYTHONPATH=site:. memrec --from-script -f -o t.lz4 -- $python $how
			echo "$python $how: $(spans t.lz4)"
			[ "$(spans t.lz4)" = "start-up /start-up script /script shutdown" ]
			run large t.lz4 100033 200033 300033 400033 40000033
			[ "${output/Late.}" = "200033 <module>
300033 <lambda>
400033 <lambda>
40000033 __del__" ]
			[ "$(memcat --json t.lz4 | jq 'select(.event == "exit") | .info.unknown_frees')" = null ]
		done
	done
}

@test "--from-script: the same allocations and stacks as the part of a whole recording, also of C functions" {
	cat > script.py <<-'END'
		def make(n):
		    return [bytes(n + i) for i in range(40)]
		kept = make(1000)
		again = sorted(make(2000))
	END
	local options
	for options in "" -A -n "-n -A"; do
		PYTHONHASHSEED=0 memrec $options -f -o whole.lz4 -- /usr/bin/python3 script.py
		PYTHONHASHSEED=0 memrec $options --from-script -f -o part.lz4 -- /usr/bin/python3 script.py
		memslice --begin 0 --span script whole.lz4 > s.lz4
		memslice --span script part.lz4 > p.lz4
		diff <(allocations s.lz4) <(allocations p.lz4)
		[ "$(allocations p.lz4 | wc -l)" -ge 80 ]
		# Most of the trace of a small script is the interpreter's start.
		echo "$options: $(stat -c %s part.lz4) of $(stat -c %s whole.lz4) bytes"
		[ $(($(stat -c %s part.lz4) * 2)) -lt "$(stat -c %s whole.lz4)" ]
		# The text of its lines is there.
		memcat --json part.lz4 > p.json; grep '"event":"source"' p.json || echo none; grep -q 'return .bytes(n' p.json
	done
}

@test "--from-script with forks, other programs and parts of a recording" {
	run memrec -v --from-script -f -o t.lz4 -- true
	[ "${lines[1]}" = "memrec: no Python script began, so nothing was recorded; next: memsummary t.lz4" ]
	cat > script.py <<-'END'
		import os, sys
		kept = bytes(200000)
		if os.fork() == 0:
		    kept = bytes(300000)
		    os.execv(sys.executable, [sys.executable, "-c", "x = bytes(500000)"])
		os.wait()
	END
	memrec -F --from-script -f -o t.lz4 -- sh -c '/usr/bin/python3 script.py; true'
	run large t.lz4 200033 300033 500033
	[ "$output" = "200033 <module>
300033 <module>
500033 <module>" ]
	run -0 grep -c interpreter <(memfold --total t.lz4)
	memrec --from-script --begin-at 'HEAP>250kB' -f -o t.lz4 -- /usr/bin/python3 -c 'x = bytes(200000); y = bytes(300000)'
	run large t.lz4 200033 300033
	[ "$output" = "200033 <module>
300033 <module>" ]
}

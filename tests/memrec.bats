# memrec: the recording, the program, and the trace when something dies.

load lib/common

check_blocks() { # PYTHON
	local more	# additional bytes of a bytearray: a zero, from 3.15 on also the head of a bytes object
	more=$("$1" -c 'import sys; print(33 if sys.version_info >= (3, 15) else 1)')
	memrec -f -o t.lz4 -- "$1" "$TESTS/truth/blocks.py" && memcat --json t.lz4 | python3 "$TESTS/truth/check_blocks.py" "$more"
}

@test "known blocks on known lines are recorded exactly, with every Python" {
	local failed=()
	for python in $(pythons); do
		run_strict check_blocks "$python"
		[ "$status" -eq 0 ] || { echo "$python: $output"; failed+=("$python"); }
	done
	[ ${#failed[@]} -eq 0 ]
}

@test "each function of the C library is recorded exactly: failed calls, parts of mappings, without Python" {
	cc -O0 -fno-builtin -w -o calls "$TESTS/truth/calls.c"
	memrec -o t.lz4 -- ./calls
	memcat --json t.lz4 | python3 "$TESTS/truth/check_calls.py"
}

@test "the trace on standard output is clean: the program's output goes to standard error" {
	memrec -- python3 -c 'print("hello")' > t.lz4 2> err
	grep -qx hello err
	memcat t.lz4 > copy
	! grep -qa hello copy || memcat --header t.lz4 | grep -q hello	# only the command line contains it
}

@test "with -o the program keeps its standard output" {
	run --separate-stderr memrec -o t.lz4 -- python3 -c 'print("hello")'
	[ "$output" = hello ]
	memcat t.lz4 > /dev/null
}

@test "the program keeps its standard input" {
	run bash -c 'echo hi | memrec -o t.lz4 -- cat'
	[ "$output" = hi ]
}

@test "memrec exits with the program's status" {
	run -3 memrec -o t.lz4 -- sh -c 'exit 3'
	run -143 memrec -f -o t.lz4 -- sh -c 'kill -TERM $$'
	run -137 memrec -f -o t.lz4 -- sh -c 'kill -KILL $$'
	memcat t.lz4 > /dev/null
}

@test "a program that cannot be started: 127 or 126, one line, and no file" {
	run -127 memrec -o t.lz4 -- /nowhere/program
	[ "$output" = "memrec: /nowhere/program: No such file or directory" ]
	[ ! -e t.lz4 ]
	touch plain
	run -127 memrec -o t.lz4 -- plain
	[[ "$output" == "memrec: plain: not found in PATH; "*"memrec -o t.lz4 -- python3 plain" ]]
	run -126 memrec -o t.lz4 -- ./plain
	[ "$output" = "memrec: ./plain: Permission denied" ]
	[ ! -e t.lz4 ]
	run -127 bash -c 'memrec -- /nowhere/program > t.lz4'
	[ ! -s t.lz4 ]
}

@test "a program that cannot be started does not overwrite an old trace, even with -f" {
	echo old > t.lz4
	run -127 memrec -f -o t.lz4 -- /nowhere/program
	[ "$(cat t.lz4)" = old ]
}

@test "usage errors are reported in one line, with status 2" {
	run -2 memrec
	[ "${#lines[@]}" -eq 2 ] # what, and "Try"
	run -2 memrec --nonsense -- true
	run -2 script -qec 'memrec -- true' /dev/null
	[[ "$output" == *"a trace is binary"* ]]
}

@test "a file that exists is not overwritten without -f" {
	echo old > t.lz4
	run -1 memrec -o t.lz4 -- true
	[[ "$output" == "memrec: t.lz4: file exists"*"-f" ]]
	[ "$(cat t.lz4)" = old ]
	memrec -f -o t.lz4 -- true
	memcat t.lz4 > /dev/null
}

@test "an output that cannot be opened is reported in one line" {
	run -1 memrec -o /nowhere/t.lz4 -- true
	[ "$output" = "memrec: /nowhere/t.lz4: No such file or directory" ]
}

@test "a full disk is reported; the program runs to its end" {
	run -125 bash -c 'memrec -- python3 -c "
x = [bytearray(i % 5000 + 600) for i in range(100000)]
open(\"done\", \"w\").close()" > /dev/full'
	[ -e done ]
	[[ "$output" == *"No space left on device"* ]]
	[ "$(grep -c memrec: <<< "$output")" -eq 1 ]
}

@test "a reader that closes the pipe does not disturb the program" {
	run bash -c 'memrec -- python3 -c "
x = [bytearray(i % 5000 + 600) for i in range(300000)]
open(\"done\", \"w\").close()" | head -c 100 > /dev/null; echo "${PIPESTATUS[0]}"'
	[ "$output" = 0 ]
	[ -e done ]
}

@test "a killed program: every allocation it had finished is in the trace" {
	# It counts in a shared file mapping, after each block; then it kills itself.
	cat > counted.py <<-'END'
		import mmap, os, signal, struct
		f = open("count", "w+b"); f.truncate(4096); m = mmap.mmap(f.fileno(), 4096)
		keep = []
		for i in range(200000):
		    keep.append(bytearray(700 + i % 3))
		    if len(keep) > 1000: keep.clear()
		    struct.pack_into("q", m, 0, i + 1)
		    if i == 123456: os.kill(os.getpid(), signal.SIGKILL)
	END
	run -137 memrec -o t.lz4 -- python3 counted.py
	counted=$(od -An -tu8 -N8 count | tr -d ' ')
	recorded=$(memcat --json t.lz4 | jq -c 'select(.event == "alloc" and .size >= 701 and .size <= 703)' | wc -l)
	[ "$counted" -eq 123457 ]
	[ "$recorded" -ge "$counted" ]
	memcat --json t.lz4 | grep -q '"event":"exit",.*"signal":9'
}

@test "if memrec is killed, the program continues, and everything written can be read" {
	cat > long.py <<-'END'
		import time
		for i in range(30):
		    x = [bytearray(j % 5000 + 600) for j in range(20000)]
		open("done", "w").close()
	END
	memrec -o t.lz4 -- python3 long.py &
	local recorder=$!
	for _ in $(seq 100); do [ "$(stat -c %s t.lz4 2>/dev/null || echo 0)" -gt 10000 ] && break; sleep 0.05; done
	kill -KILL $recorder
	wait $recorder || true
	for _ in $(seq 200); do [ -e done ] && break; sleep 0.1; done
	[ -e done ]
	run -1 --separate-stderr memcat t.lz4
	[[ "$stderr" == *"cut off"* ]]
}

@test "signals sent to memrec reach the program, which can handle them" {
	cat > handles.py <<-'END'
		import os, signal, sys, time
		signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
		open("ready", "w").close()
		while True: time.sleep(0.05)
	END
	memrec -o t.lz4 -- python3 handles.py &
	local recorder=$!
	for _ in $(seq 100); do [ -e ready ] && break; sleep 0.05; done
	kill -TERM $recorder
	local status=0
	wait $recorder || status=$?
	[ $status -eq 7 ]
	memcat t.lz4 > /dev/null
}

@test "a program that executes another one stays recorded" {
	memrec -o t.lz4 -- sh -c 'exec python3 -c "x = bytearray(12345678)"'
	memcat --json t.lz4 | grep -q '"size":12345679'
	[ "$(memcat --json t.lz4 | grep -c '"event":"exit"')" -eq 2 ]
}

@test "children are neither recorded nor disturbed" {
	cat > parent.py <<-'END'
		import os, subprocess, sys
		if os.fork() == 0:
		    x = bytearray(22222222)
		    os._exit(0)
		os.wait()
		out = subprocess.check_output([sys.executable, "-c", "import os; x = bytearray(33333333); print(os.environ.get('LD_PRELOAD'), os.environ.get('MEMREC_AGENT'))"])
		assert out == b"None None\n", out
		x = bytearray(11111111)
	END
	memrec -o t.lz4 -- python3 parent.py
	run bash -c 'memcat --json t.lz4 | grep -oE "\"size\":(1111111|2222222|3333333)[0-9]"'
	[ "$output" = '"size":11111112' ]
}

@test "no descriptor of memrec stays open in the program" {
	run memrec -o t.lz4 -- python3 -c 'import os; print(sorted(os.listdir("/proc/self/fd")))'
	plain=$(python3 -c 'import os; print(sorted(os.listdir("/proc/self/fd")))')
	[ "$output" = "$plain" ]
}

@test "allocations are recorded by thread, with the threads' names in the kernel" {
	cat > threads.py <<-'END'
		import ctypes, threading
		prctl = ctypes.CDLL(None).prctl
		def work(n):
		    prctl(15, b"worker-%d" % n, 0, 0, 0)
		    x = bytearray(1000000 + n)
		    import time; time.sleep(1.2)
		ts = [threading.Thread(target=work, args=(n,)) for n in range(4)]
		[t.start() for t in ts]; [t.join() for t in ts]
	END
	memrec -o t.lz4 -- python3 threads.py
	memcat --json t.lz4 > t.json
	for n in 0 1 2 3; do
		tid=$(jq "select(.event == \"alloc\" and .size == 100000$((n + 1))) | .tid" t.json)
		[ -n "$tid" ]
		[ "$(jq -r "select(.event == \"thread\" and .tid == $tid) | .name" t.json | tail -n 1)" = "worker-$n" ]
	done
}

@test "resident memory is sampled as it grows" {
	memrec -o t.lz4 -- python3 -c '
import time
x = []
for i in range(10):
    x.append(bytearray(b"1") * 10000000); time.sleep(0.03)'
	run bash -c 'memcat --json t.lz4 | jq -s "[.[] | select(.event == \"rss\") | .size] | (length >= 8) and (max - min > 90000000)"'
	[ "$output" = true ]
}

@test "resident memory is the program's: without the recorder's, which is given apart" {
	cat > stacks.py <<-'END'
		import random
		choices = random.Random(1)
		def f(n, keep): # many different stacks, so that the recorder's tables grow
		    if n == 0: keep.append(bytearray(1000))
		    elif choices.random() < .5: f(n - 1, keep)
		    else: f(n - 1, keep)
		keep = []
		for _ in range(30000): f(30, keep)
		import time; time.sleep(.3)
		print([int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")][0])
	END
	plain=$(python3 stacks.py)
	hwm=$(memrec -n -A -o t.lz4 -- python3 stacks.py)
	read -r rss own < <(memstats --json t.lz4 | jq -r '"\(.metadata.peak_rss // .peak_rss) \(.metadata.recorder_bytes // .recorder_bytes)"')
	echo "plain $plain, recorded $hwm = $rss + $own"
	[ "$own" -gt 8000000 ]
	awk -v p="$plain" -v r="$rss" 'BEGIN { exit !(r > .93 * p && r < 1.07 * p) }'
}

@test "a paused memrec makes the program wait, and loses nothing" {
	cc -O1 -x c -o many - <<-'END'
		#include <stdlib.h>
		int main(void) { for (int i = 0; i < 500000; i++) { void *volatile p = malloc(77777); free(p); } return 0; }
	END
	memrec -o t.lz4 -- ./many &
	local recorder=$!
	sleep 0.02
	kill -STOP $recorder; sleep 0.5; kill -CONT $recorder
	wait $recorder
	[ "$(memcat --json t.lz4 | grep -c '"size":77777,')" -eq 500000 ]
}

@test "the user's own preloaded library stays preloaded" {
	cc -O1 -shared -fPIC -x c -o mine.so - <<-'END'
		int the_answer(void) { return 42; }
	END
	LD_PRELOAD=$PWD/mine.so run memrec -o t.lz4 -- python3 -c 'import ctypes; print(ctypes.CDLL(None).the_answer())'
	[ "$output" = 42 ]
}

@test "a static program runs, and a message says that it is not recorded" {
	cc -O1 -static -x c -o static - <<< 'int main(void) { return 5; }'
	run -5 memrec -o t.lz4 -- ./static
	[[ "$output" == *"nothing was recorded"* ]]
	memcat t.lz4 > /dev/null
}

missed() { # COMMAND...: what memrec -v says after its first line, without the next command
	memrec -v -f -o t.lz4 -- "$@" 2>&1 > /dev/null | grep -v ' events, peak ' | sed 's/; next: memsummary t\.lz4$//'
}

@test "after the recording it is said which processes are not in it, and whether there was a Python" {
	[ -z "$(missed python3 -c 'x = 1')" ]
	[ "$(missed sh -c 'python3 -c 1; true')" = "memrec: no Python was seen; 1 child process was not recorded: --follow-fork" ]
	[ "$(missed sh -c 'echo $((1 + 1))')" = "memrec: no Python was seen (--native records C functions)" ]
	run missed python3 -c '
import os, subprocess, sys
for i in range(2): subprocess.run(["true"])
try: subprocess.run(["/nowhere/nothing"])
except FileNotFoundError: pass
os.system("true")
os.popen("true").close()
os.waitpid(os.posix_spawn("/bin/true", ["true"], os.environ), 0)
if os.fork() == 0:
    x = bytearray(100000)
    os.execvp("true", ["true"])
os.wait()'
	# The program that is not there had a process of its own, too.
	[ "$output" = "memrec: 7 child processes were not recorded: --follow-fork" ]
	run missed true
	memrec -v -F -f -o t.lz4 -- sh -c 'python3 -c 1; true' 2>&1 | grep -v ' events, peak ' > said || true
	[ ! -s said ]
}

@test "the last line has the next command, for the file that the trace went to" {
	python=/usr/bin/python3
	figures='memrec: [0-9,]+ events, peak [0-9.]+[kMG]?B, trace [0-9.]+[kMG]?B'
	run memrec -v -o o.lz4 -- $python -c 'x = 1'
	[[ "$output" =~ ^$figures\;\ next:\ memsummary\ o.lz4$ ]]
	run bash -c 'memrec -v -- python3 -c "x = 1" > here.lz4'
	[[ "$output" =~ ^$figures\;\ next:\ memsummary\ here.lz4$ ]]
	mkdir folder
	run bash -c 'cd folder && memrec -v -- python3 -c "x = 1" > ../there.lz4'
	[[ "$output" =~ ^$figures\;\ next:\ memsummary\ "$PWD"/there.lz4$ ]]
	run bash -c 'memrec -v -- python3 -c "x = 1" | memcat > /dev/null'
	[[ "$output" =~ ^$figures$ ]]
	run memrec -v -f -o o.lz4 -- sh -c 'python3 -c 1; true'
	[[ "${lines[0]}" =~ ^$figures$ ]]
	[ "${lines[1]}" = "memrec: no Python was seen; 1 child process was not recorded: --follow-fork; next: memsummary o.lz4" ]
}

@test "stopped early: a line says so and why, if the recording ended before its program" {
	python=/usr/bin/python3
	big='x = [bytearray(i % 5000 + 600) for i in range(100000)]'
	run bash -c 'memrec -v -- /usr/bin/python3 -c "$1" > /dev/full' bash "$big"
	[ "${lines[2]}" = "memrec: stopped early, as the trace could not be written" ]
	run bash -c 'memrec -v -- /usr/bin/python3 -c "$1" | head -c 1' bash "$big"
	[[ "$output" == *"memrec: stopped early, as the reader of the trace ended" ]]
	run memrec -v -f -o t.lz4 --until HEAP\>9MB -- $python -c "$big"
	[ "${lines[1]}" = "memrec: stopped at --until; next: memsummary t.lz4" ]

	# The program ends, its child is still recorded.
	mkfifo child
	memrec -v -F -f -o t.lz4 -- $python -c '
import os, time
if os.fork() == 0:
    x = bytearray(100000)
    open("child", "w").write("%d" % os.getpid())
    time.sleep(60)' 2> err 3>&- &
	recorder=$!
	child=$(cat child)
	while kill -0 "$(ps --ppid $recorder -o pid=,comm= | awk -v child="$child" '$1 != child { print $1 }')" 2> /dev/null; do sleep 0.05; done
	kill -INT $recorder
	wait $recorder
	kill "$child"
	grep -q '^memrec: stopped early by a signal; next: memsummary t.lz4$' err
}

@test "a program in a network namespace of its own cannot be recorded: it runs, and a line says why" {
	unshare -n true 2> /dev/null || skip "namespaces cannot be made here"
	line="memrec: 1 program ran in another network namespace, where no recorder can be reached: start memrec there"
	[ "$(missed unshare -n python3 -c 'x = 1')" = "$line" ]
	memrec -v -F -f -o t.lz4 -- sh -c 'unshare -n python3 -c "print(7)"; true' > out 2> err
	[ "$(cat out)" = 7 ]
	grep -qxF "$line; next: memsummary t.lz4" err
	[ -z "$(missed unshare -m python3 -c 'x = 1')" ]
	unshare -n memrec -f -o t.lz4 -- python3 -c 'kept = bytearray(54320)'
	[ "$(memcat --json t.lz4 | grep -c '"size":54321')" = 1 ]
}

@test "a script without python3, and subcommands of memray: the message is the line to type" {
	echo 'print(1)' > script.py
	run -126 memrec -o t.lz4 ./script.py a 'b c'
	[ "$output" = "memrec: ./script.py: not executable; put python3 before it: memrec -o t.lz4 -- python3 ./script.py a 'b c'" ]
	run -127 memrec -n -o t.lz4 -- script.py
	[ "$output" = "memrec: script.py: not found in PATH; to run the file of that name: memrec -n -o t.lz4 -- python3 script.py" ]
	chmod +x script.py
	run -126 memrec -o t.lz4 ./script.py
	[ "$output" = "memrec: ./script.py: without a #! line a shell would run it; put python3 before it: memrec -o t.lz4 -- python3 ./script.py" ]
	sed -i '1i#!/usr/bin/python3' script.py
	run -0 memrec -o t.lz4 ./script.py
	[ "$output" = 1 ]
	rm t.lz4
	mkdir folder
	run -126 memrec -o t.lz4 ./folder
	[ "$output" = "memrec: ./folder: is a directory" ]
	local typed
	while IFS='>' read -r typed line; do
		run -127 --separate-stderr memrec $typed
		echo "$typed: $stderr"
		[ "$stderr" = "memrec: $(sed 's/-n //; s/ .*//' <<< "$typed"): no such command, and memrec has no subcommands:$line" ]
	done <<-'END'
		run -fo t.lz4 script.py 1 -o x> memrec -fo t.lz4 -- python3 script.py 1 -o x
		-n run -m http.server 80> memrec -n -- python3 -m http.server 80
		run> memrec -- python3 SCRIPT
		attach 1234> memrec --pid 1234
		attach -o t.lz4 --duration 5 1234> memrec -o t.lz4 --duration 5 --pid 1234
		attach 1234 -n> memrec -n --pid 1234
		attach> memrec --pid PID
		flamegraph -o out.html t.lz4> memflame -o out.html t.lz4
		stats t.lz4> memstats t.lz4
	END
	# On a terminal, where the trace has no place to go, too: that comes second.
	run -127 script -qec 'memrec -n script.py' /dev/null
	[[ "$output" == "memrec: script.py: not found in PATH; to run the file of that name: memrec -n -o trace.lz4 -- python3 script.py"* ]]
	[ ! -e t.lz4 ]
}

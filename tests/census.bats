# memrec --census and memrec.census(): what each live block is, compared with what the interpreter itself says.

load lib/common

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	[ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer cannot record"
}

types() { # TRACE
	memcat --json "$1" | python3 "$TESTS/census/count_types.py"
}

count() { # TYPE
	awk -v type="$1" '{ n = $1; $1 = $2 = ""; sub(/^ +/, ""); if ($0 == type) print n }' types
}

truth() { # PYTHON
	PYTHONPATH=$TESTS/../record/python memrec -A -f -o t.lz4 -- "$1" -W ignore "$TESTS/census/objects.py" 5 > expected &&
		memcat --json t.lz4 | python3 "$TESTS/census/check_objects.py" expected
}

@test "every object that the interpreter knows has its type, and none another" {
	local failed=()
	for python in $(all_pythons); do
		run_strict truth "$python"
		echo "$python: $output"
		[ "$status" -eq 0 ] || failed+=("$python")
	done
	[ ${#failed[@]} -eq 0 ]
}

@test "--census: when the script ends, before the interpreter takes anything apart" {
	cat > script.py <<-'END'
		import atexit, sys
		class Request:
		    def __init__(self, i): self.i = i
		def late(): kept.extend(Request(i) for i in range(500))
		kept = [Request(i) for i in range(1000)]
		gone = [Request(i) for i in range(70)]
		del gone
		atexit.register(late)
		sys.exit(3)
	END
	for python in $(all_pythons); do
		run -3 memrec -A --census -f -o t.lz4 -- "$python" script.py
		memcat --json t.lz4 | grep '^{"event":"census"' > census
		[ "$(wc -l < census)" = 1 ]
		[ "$(jq -r .info.moment census)" = 'script end' ]
		[ "$(jq .info.typed census)" = 1 ]
		types t.lz4 > types
		echo "$python"
		[ "$(count __main__.Request)" = 1500 ]
	done
}

@test "without the option there is no census" {
	memrec -A -o t.lz4 -- python3 -c 'kept = [[]]'
	run -1 grep -E '^\{"event":"(census|blocks)"' <(memcat --json t.lz4)
}

@test "without Python's allocators, blocks of more than 512 bytes have types" {
	memrec --census -o t.lz4 -- python3 -c 'kept = [bytes(5000 + i) for i in range(200)]'
	types t.lz4 > types
	[ "$(count bytes)" -ge 200 ]
}

@test "the program does not see its copy: not by wait, by a signal, by an open pipe, nor at exit" {
	cat > script.py <<-'END'
		import atexit, os, signal, sys, time
		import memrec
		signal.signal(signal.SIGCHLD, lambda *args: print("a signal came"))
		atexit.register(print, "at exit")
		child = os.fork()
		if child == 0:
		    os._exit(7)
		read, write = os.pipe()
		for i in range(3):
		    assert memrec.census()
		os.close(write)
		assert os.read(read, 1) == b""
		print(os.wait()[0] == child)
		try:
		    os.wait()
		except ChildProcessError:
		    print("no child")
	END
	PYTHONPATH=$TESTS/../record/python memrec -A --census -o t.lz4 -- python3 script.py > out
	[ "$(sort out)" = "$(printf '%s\n' True 'a signal came' 'at exit' 'no child')" ]
	[ "$(memcat --json t.lz4 | grep -c '^{"event":"census"')" = 4 ]
	run -1 pgrep -f "$BATS_TEST_TMPDIR/script.py"
}

@test "the copy ends when memrec is killed" {
	cat > script.py <<-'END'
		import os, signal, sys
		import memrec
		memrec_pid = os.getppid()
		os.kill(memrec_pid, signal.SIGSTOP)
		assert memrec.census()
		children = "/proc/self/task/%d/children" % os.getpid()
		copy = int(open(children).read())
		os.kill(memrec_pid, signal.SIGKILL)
		while open("/proc/%d/stat" % copy).read().rsplit(")", 1)[1].split()[0] != "Z":
		    pass
		os.write(1, b"it ended\n")
	END
	mkfifo end
	PYTHONPATH=$TESTS/../record/python memrec -o t.lz4 -- python3 script.py > end 2> /dev/null &
	[ "$(cat end)" = 'it ended' ]
}

service() { # starts a program that makes 300 objects for each line it reads; sets P
	cat > service.py <<-'END'
		import sys
		class Request:
		    def __init__(self, i): self.i = i
		kept = [Request(i) for i in range(100)]
		print("ready", flush=True)
		for line in sys.stdin:
		    kept += [Request(i) for i in range(300)]
		    print("made", flush=True)
	END
	mkfifo in out
	"$1" service.py < in > out &
	P=$!
	exec 5> in 6< out
	read -r -u 6 ready
}

attach() { # starts memrec; sets M
	memrec -A --census -v -f -p "$P" -o t.lz4 2> log &
	M=$!
	until grep -q 'recording process' log; do kill -0 "$M"; sleep .01; done
	echo go >&5
	read -r -u 6 made
}

moments() {
	{ memcat --json t.lz4 2> /dev/null || true; } | jq -r 'select(.event == "census") | "\(.info.moment) \(.info.typed) \(.info.pause_us > 0)"'
}

@test "attached: a census when the recording ends, and at each mark" {
	for python in $(all_pythons); do
		rm -f in out
		service "$python"
		attach
		memrec --mark "$M"
		until [ "$(moments)" = 'request 1 true' ]; do kill -0 "$M"; sleep .05; done
		echo go >&5
		read -r -u 6 made
		kill -INT "$M"
		wait "$M"
		echo "$python $(moments)"
		[ "$(moments)" = $'request 1 true\ndetach 1 true' ]
		types t.lz4 > types
		[ "$(count __main__.Request)" = 600 ]
		exec 5>&- 6<&-
		wait "$P"
	done
}

@test "launched: a census at each mark, while the program allocates" {
	cat > busy.py <<-'END'
		import os, time
		class Request:
		    def __init__(self, i): self.i = i
		kept = [Request(i) for i in range(100)]
		open("ready", "w").close()
		while not os.path.exists("stop"):
		    [bytes(600) for i in range(500)]
		    time.sleep(.01)
		os._exit(0)
	END
	memrec -A --census -f -o t.lz4 -- /usr/bin/python3 busy.py &
	M=$!
	until [ -e ready ]; do kill -0 "$M"; sleep .01; done
	memrec --mark "$M"
	# Not by moments(), which reads to the end: a busy program's trace may grow faster than jq reads.
	until memcat --json t.lz4 2> /dev/null | grep -q '"event":"census"'; do kill -0 "$M"; sleep .1; done
	touch stop
	wait "$M"
	memcat --json t.lz4 | grep '"event":"census"' > censuses
	[ "$(jq -r '"\(.info.moment) \(.info.typed) \(.info.pause_us > 0)"' censuses)" = 'request 1 true' ]
	types t.lz4 > types
	[ "$(count __main__.Request)" = 100 ]
}

@test "memrec.census() where nothing is recorded" {
	[ "$(PYTHONPATH=$TESTS/../record/python python3 -c 'import memrec; print(memrec.census())')" = False ]
}

@test "within memrec.Tracker" {
	cat > script.py <<-'END'
		import memrec
		class Request: pass
		with memrec.Tracker("t.lz4", trace_python_allocators=True):
		    kept = [Request() for i in range(300)]
		    memrec.census()
	END
	PYTHONPATH=$TESTS/../record/python python3 script.py
	types t.lz4 > types
	[ "$(count __main__.Request)" = 300 ]
}

@test "merged and divided again, each process's blocks keep their types; anonymized ones have other names" {
	cat > script.py <<-'END'
		import os, sys
		class Request: pass
		class Answer: pass
		child = os.fork()
		kept = [Request() for i in range(400)] if child else [Answer() for i in range(600)]
		if child:
		    os.waitpid(child, 0)
	END
	memrec -A -F --census -o t.lz4 -- python3 script.py
	types_of() { # CLASS FILE...
		for file in "${@:2}"; do
			types "$file" > types
			count "__main__.$1"
		done
	}
	memsplit-pid -o part.%n.lz4 t.lz4
	[ "$(types_of Request part.*.lz4)$(types_of Answer part.*.lz4)" = 400600 ]
	memmerge part.*.lz4 > merged.lz4
	mkdir again
	(cd again && memsplit-pid -o part.%n.lz4 ../merged.lz4)
	[ "$(types_of Request again/part.*.lz4)$(types_of Answer again/part.*.lz4)" = 400600 ]
	memcat --anonymize t.lz4 > anonymous.lz4
	run -1 grep -c 'Request\|Answer' <(memcat --json anonymous.lz4)
	types anonymous.lz4 > types
	grep -qE '^(400|600) ' types
}

# Odd threads and odd ends: the program must end as it does without memrec, and its allocations must be in the trace.

load lib/common

setup_file() {
	cc -O0 -shared -fPIC -o "$BATS_FILE_TMPDIR/loops.so" "$BATS_TEST_DIRNAME/odd/loops.c" -lpthread
}

# Calls FUNCTION PYTHON [OPTION] for every Python, with and without its allocators traced.
on_every_python() {
	local failed=()
	for python in $(pythons); do
		for option in --verbose --trace-python-allocators; do
			run timeout 60 bash -c "$1 $python $option"
			[ "$status" -eq 0 ] || { echo "$python $option: $status: $output"; failed+=("$python"); }
		done
	done
	[ ${#failed[@]} -eq 0 ]
}

@test "threads unknown to Python have no Python stack, others have theirs: GIL released, signal handlers, asyncio" {
	odd() {
		memrec "$2" -f -o t.lz4 -- "$1" "$TESTS/odd/threads.py" "$BATS_FILE_TMPDIR/loops.so" &&
			memcat --json t.lz4 | grep -vE '"event":"alloc".*"size":[0-9]{1,5},' |
			python3 "$TESTS/odd/check_threads.py"
	}
	export -f odd
	on_every_python odd
}

# CPython may crash here by itself (3.10 does, once in 300 runs without memrec), so one crash of three runs in the
# interpreter's own code is allowed. The trace must be whole each time.
@test "daemon threads that allocate while the interpreter shuts down, forks from threads, atexit: no crash, nothing cut off" {
	odd() {
		local status deaths=0
		for _ in 1 2 3; do
			memrec "$2" -f -o t.lz4 -- "$1" "$TESTS/odd/finalize.py" "$BATS_FILE_TMPDIR/loops.so" > out 2> err
			status=$?
			memcat t.lz4 > copy.lz4 || return
			[ "$status" -ne 0 ] || [ "$(cat out)" != over ] || continue
			deaths=$((deaths + 1))
			echo "status $status: $(cat err)"
			[ "$status" -eq 139 ] && [ $deaths -eq 1 ] && grep -q '^crash in .*python' err || return 1
		done
	}
	export -f odd
	on_every_python odd
}

@test "however the program ends, the status is its own, and the trace is whole" {
	odd() {
		local code
		for code in 'sys.exit(3)' 'os._exit(4)' 'raise ValueError' 'os.abort()' 'os.kill(os.getpid(), 15)' 'sys.exit("text")'; do
			"$1" -c "import os, sys; x = [bytes(1000) for i in range(1000)]; $code" 2> err
			local plain=$?
			memrec "$2" -f -o t.lz4 -- "$1" -c "import os, sys; x = [bytes(1000) for i in range(1000)]; $code" 2> err
			[ $? -eq $plain ] || { echo "$code: $plain without us"; return 1; }
			[ "$(memcat --json t.lz4 | grep -cE '"size":10(33|49),')" -ge 1000 ] || { echo "$code: lost"; return 1; }
		done
	}
	export -f odd
	on_every_python odd
}

@test "sub-interpreters are recorded, and end cleanly" {
	cat > sub.py <<-'END'
		import sys, threading
		if sys.version_info < (3, 13): import _xxsubinterpreters as I
		else: import _interpreters as I
		code = """
		def deep(n): return deep(n - 1) if n else [bytes(910000) for _ in range(10)]
		deep(20)
		"""
		def run():
		    i = I.create(); I.run_string(i, code); I.destroy(i)
		run()
		t = threading.Thread(target=run); t.start(); t.join()
		print("over")
	END
	odd() {
		[ "$(memrec "$2" -f -o t.lz4 -- "$1" sub.py 2> err)" = over ] && [ "$(memcat --json t.lz4 | grep -c '"size":910033,')" -eq 20 ]
	}
	export -f odd
	on_every_python odd
}

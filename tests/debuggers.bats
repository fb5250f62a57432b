# Debuggers used together with memrec: attaching, leaving, saving and reading a core, during a recording and afterwards.

load lib/common
load lib/told

teardown() {
	kill_started
}

# Always ends, even if gdb hangs. Without gdb's own start files and downloads.
debug() { # ARG...
	timeout -k 1 60 gdb -nx -batch -iex 'set debuginfod enabled off' "$@" < /dev/null > gdb.out 2> gdb.err 3>&- 7>&-
}

# gdb attaches and leaves, gcore saves a core, gdb reads it: each shows the program's stack.
check_debuggers() { # WHEN
	debug -p "$pid" -ex 'info sharedlibrary' -ex bt -ex detach || { echo "$1: attach"; return 1; }
	grep -q '^#[0-9].* in ' gdb.out || { echo "$1: no stack"; return 1; }
	cp gdb.out objects
	debug -p "$pid" -ex "gcore core.$1" || { echo "$1: gcore"; return 1; }
	debug "$program" "core.$1" -ex bt || { echo "$1: core"; return 1; }
	grep -q '^#[0-9].* in ' gdb.out || { echo "$1: no stack in the core"; return 1; }
	rm "core.$1"
	tell work done
}

# Starts a program that waits for orders to work.
start_program() { # COMMAND...
	start_told "$@"
	program=$(readlink "/proc/$pid/exe")
}

agent() {
	readlink -f "$(dirname "$(command -v memrec)")/../lib/memrec/libmemrec.so"
}

@test "gdb and gcore work before, during and after memrec -p, and show the agent's file name" {
	start_program python3 "$TESTS/attach/known.py"
	check_debuggers before
	for _ in 1 2; do
		attach
		check_debuggers during
		grep -q "Yes .* $(agent)\$" objects
		detach
		[ "$(memcat --json t.lz4 | grep -c '"size":777777,')" -eq 200 ]
		check_debuggers after
		grep -q "Yes .* $(agent)\$" objects
	done
}

@test "the program cannot open the agent's file name as another file either" {
	cat > names.py <<-'END'
		import ctypes, sys
		class Info(ctypes.Structure):
		    _fields_ = [("address", ctypes.c_size_t), ("name", ctypes.c_char_p)]
		@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Info), ctypes.c_size_t, ctypes.c_void_p)
		def each(info, size, data):
		    print(info.contents.name.decode(), flush=True)
		    return 0
		print("ready", flush=True)
		for line in sys.stdin:
		    ctypes.CDLL(None).dl_iterate_phdr(each, None)
		    print("done", flush=True)
	END
	start_program python3 names.py
	memrec -o t.lz4 -p "$pid" --duration 0.1 3>&- 7>&-
	tell names done
	grep -qxF "$(agent)" out
	[ "$(grep -c '^/proc' out)" -eq 0 ]
	[ "$(grep -c 'libmemrec' out)" -eq 1 ]
}

@test "gdb and gcore work before, during and after a Tracker" {
	cat > tracked.py <<-'END'
		import sys
		import memrec
		tracker = None
		print("ready", flush=True)
		for line in sys.stdin:
		    if line == "begin\n":
		        tracker = memrec.Tracker("t.lz4", overwrite=True)
		        tracker.__enter__()
		    elif line == "end\n":
		        tracker.__exit__(None, None, None)
		    else:
		        blocks = [bytes(777777 - 33) for _ in range(200)]
		    print("done", flush=True)
	END
	PYTHONPATH=$TESTS/../record/python start_program python3 tracked.py
	check_debuggers before
	for _ in 1 2; do
		tell begin done
		check_debuggers during
		grep -q "Yes .*libmemrec.so\$" objects
		tell end done
		check_debuggers after
		[ "$(memcat --json t.lz4 | grep -c '"size":777777,')" -eq 200 ]
	done
}

@test "gdb and gcore work on a program that memrec started" {
	start_program memrec -o t.lz4 -- python3 "$TESTS/attach/known.py"
	local recorder=$pid
	pid=$(tr -d ' ' < "/proc/$recorder/task/$recorder/children")
	started+=("$pid")
	program=$(readlink "/proc/$pid/exe")
	check_debuggers during
	grep -q "Yes .* $(agent)\$" objects
	exec 7>&-
	wait $recorder
	[ "$(memcat --json t.lz4 | grep -c '"size":777777,')" -eq 200 ]
}

# Built by clang: without a warning, and recording like the build by gcc.

load lib/common
load lib/told

setup_file() {
	load lib/common
	command -v clang > /dev/null || return 0
	make -s -j2 -C "$TESTS/.." clang > "$BATS_FILE_TMPDIR/log" 2>&1 3>&-
	export CLANG_STATUS=$?
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	[ -n "${CLANG_STATUS:-}" ] || skip "no clang here"
	PATH=$TESTS/../build/clang/bin:$PATH
}

@test "clang builds everything without a warning" {
	cat "$BATS_FILE_TMPDIR/log"
	[ "$CLANG_STATUS" -eq 0 ]
	[ ! -s "$BATS_FILE_TMPDIR/log" ]
}

teardown() {
	kill_started
}

blocks() { # TRACE: of known.py's
	memcat --json "$1" | grep -c '"size":777777,'
}

record_known() { # OPTION...
	echo work | memrec -f -o t.lz4 "$@" -- python3 "$TESTS/attach/known.py" > out
	grep -q done out
	memcat t.lz4 > /dev/null
}

@test "an agent compiled by clang records a program, Python's allocators, C functions, children" {
	record_known
	[ "$(blocks t.lz4)" -eq 200 ]
	record_known --trace-python-allocators
	[ "$(blocks t.lz4)" -eq 200 ]
	record_known --native
	[ "$(blocks t.lz4)" -eq 200 ]
	[ "$(memcat --json t.lz4 | grep -c '"lang":"native"')" -gt 0 ]
	cat > forks.py <<-'END'
		import os
		for _ in range(3):
		    if os.fork() == 0:
		        block = bytes(777777 - 33)
		        os._exit(0)
		    os.wait()
	END
	memrec --follow-fork -f -o t.lz4 -- python3 forks.py
	[ "$(blocks t.lz4)" -eq 3 ]
}

@test "an agent compiled by clang can be attached twice and removed" {
	start_told python3 "$TESTS/attach/known.py"
	for _ in 1 2; do
		attach
		tell work done
		detach
		[ "$(blocks t.lz4)" -eq 200 ]
	done
	exec 7>&-
	wait "$pid"
}

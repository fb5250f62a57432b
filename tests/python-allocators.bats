# memrec --trace-python-allocators: every small object, counted by construction.

load lib/common

objects() { # PYTHON MODE [PYTHON OPTION...]
	memrec --trace-python-allocators -f -o t.lz4 -- "$1" "${@:3}" "$TESTS/pymem/objects.py" "$2" > expected &&
		memcat --json t.lz4 | python3 "$TESTS/pymem/check_objects.py" expected with
}

# Free-threaded builds always use mimalloc, and exit if told to use malloc.
is_free_threaded() { # PYTHON
	PYTHONMALLOC= "$1" -c 'import sys; sys.exit("t" not in sys.abiflags)'
}

on_every_python() { # MODE [PYTHON OPTION...]
	local failed=()
	for python in $(all_pythons); do
		[ "${PYTHONMALLOC:-}" != malloc ] || ! is_free_threaded "$python" || continue
		run_strict objects "$python" "$@"
		[ "$status" -eq 0 ] || { echo "$python: $output"; failed+=("$python"); }
	done
	[ ${#failed[@]} -eq 0 ]
}

@test "N small objects made on a line are N allocations there" {
	on_every_python plain
}

@test "without the option none of them is recorded" {
	local failed=()
	for python in $(pythons); do
		# In a debug build blocks are larger than requested.
		[ -z "$(PYTHONMALLOC= "$python" -c 'import sys; print(sys.abiflags)')" ] || continue
		memrec -f -o t.lz4 -- "$python" "$TESTS/pymem/objects.py" plain > expected
		run bash -c 'memcat --json t.lz4 | python3 "$TESTS/pymem/check_objects.py" expected without'
		[ "$status" -eq 0 ] || { echo "$python: $output"; failed+=("$python"); }
	done
	[ ${#failed[@]} -eq 0 ]
}

pythons_with_mimalloc() {
	for python in $(all_pythons); do
		! PYTHONMALLOC=mimalloc "$python" -c '' 2> /dev/null || printf '%s\n' "$python"
	done
}

@test "if Python uses mimalloc, its objects are recorded without the option, and its reservations are not" {
	[ -n "$(pythons_with_mimalloc)" ] || skip "no Python with mimalloc"
	for python in $(pythons_with_mimalloc); do
		echo "$python"
		PYTHONMALLOC=mimalloc memrec -f -o t.lz4 -- "$python" "$TESTS/pymem/objects.py" plain > expected
		memcat --json t.lz4 | python3 "$TESTS/pymem/check_objects.py" expected with
		[ "$(memstats --json t.lz4 | jq .metadata.peak_memory)" -lt 20000000 ]
	done
}

@test "mimalloc in a running program: its allocations from then on" {
	[ -n "$(pythons_with_mimalloc)" ] || skip "no Python with mimalloc"
	for python in $(pythons_with_mimalloc); do
		echo "$python"
		PYTHONPATH=$TESTS/../record/python PYTHONMALLOC=mimalloc "$python" - > size <<-'END'
			import memrec, sys
			with memrec.Tracker("t.lz4", overwrite=True):
			    kept = [bytes(n) for n in [1000] * 3000]
			print(sys.getsizeof(kept[0]))
		END
		memcat --json t.lz4 > t.json
		[ "$(grep -c '"event":"alloc".*"size":'"$(cat size)," t.json)" -eq 3000 ]
	done
}

@test "PYTHONMALLOC=malloc: the same counts" {
	PYTHONMALLOC=malloc on_every_python plain
}

@test "PYTHONMALLOC=debug: the same counts, and the requested sizes" {
	PYTHONMALLOC=debug on_every_python plain
}

@test "-X dev: the same counts" {
	on_every_python plain -X dev
}

@test "tracemalloc started and stopped during the recording: the same counts" {
	on_every_python tracemalloc
}

@test "-X tracemalloc, stopped by the program: the same counts" {
	on_every_python tracemalloc -X tracemalloc
}

@test "nothing is counted twice: a large object is one allocation" {
	memrec --trace-python-allocators -o t.lz4 -- python3 -c 'x = bytes(7654321)'
	run bash -c 'memcat --json t.lz4 | grep -c "\"size\":76543[0-9][0-9],"'
	[ "$output" = 1 ]
}

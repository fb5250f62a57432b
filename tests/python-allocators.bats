# memrec --trace-python-allocators: every small object, counted by construction.

load lib/common

objects() { # PYTHON MODE [PYTHON OPTION...]
	memrec --trace-python-allocators -f -o t.lz4 -- "$1" "${@:3}" "$TESTS/pymem/objects.py" "$2" > expected &&
		memcat --json t.lz4 | python3 "$TESTS/pymem/check_objects.py" expected with
}

on_every_python() { # MODE [PYTHON OPTION...]
	local failed=()
	for python in $(pythons); do
		run objects "$python" "$@"
		[ "$status" -eq 0 ] || { echo "$python: $output"; failed+=("$python"); }
	done
	[ ${#failed[@]} -eq 0 ]
}

@test "N small objects on a line are N allocations there" {
	on_every_python plain
}

@test "without the option there is none of them" {
	local failed=()
	for python in $(pythons); do
		memrec -f -o t.lz4 -- "$python" "$TESTS/pymem/objects.py" plain > expected
		run bash -c 'memcat --json t.lz4 | python3 "$TESTS/pymem/check_objects.py" expected without'
		[ "$status" -eq 0 ] || { echo "$python: $output"; failed+=("$python"); }
	done
	[ ${#failed[@]} -eq 0 ]
}

@test "PYTHONMALLOC=malloc: the same counts" {
	PYTHONMALLOC=malloc on_every_python plain
}

@test "PYTHONMALLOC=debug: the same counts, and the sizes that were asked for" {
	PYTHONMALLOC=debug on_every_python plain
}

@test "-X dev: the same counts" {
	on_every_python plain -X dev
}

@test "tracemalloc started and stopped under us: the same counts" {
	on_every_python tracemalloc
}

@test "-X tracemalloc, stopped by the program: the same counts" {
	on_every_python tracemalloc -X tracemalloc
}

@test "nothing is counted twice: a large object is one allocation" {
	memrec --trace-python-allocators -o t.lz4 -- python3 -c 'x = bytearray(7654321)'
	run bash -c 'memcat --json t.lz4 | grep -c "\"size\":765432[0-9],"'
	[ "$output" = 1 ]
}

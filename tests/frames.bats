# Recorded stacks, compared with inspect.stack() at each allocation.

load lib/common

same_frames() { # PYTHON [OPTION...]
	memrec "${@:2}" -f -o t.lz4 -- $(plain_blocks "$1") "$1" "$TESTS/frames/frames.py" notes &&
		big_ones | python3 "$TESTS/frames/check_frames.py" notes
}

# Only definitions, and allocations of at least a million bytes: there are too many others.
big_ones() {
	memcat --json t.lz4 | grep -vE '"event":"alloc".*"size":[0-9]{1,6},'
}

@test "stacks equal those of inspect.stack(): generators, coroutines, threads, 10,000 deep, exec, under a profiler and a tracer" {
	local failed=()
	for python in $(all_pythons); do
		run_strict same_frames "$python"
		[ "$status" -eq 0 ] || { echo "$python: $output"; failed+=("$python"); }
	done
	[ ${#failed[@]} -eq 0 ]
}

@test "the same when every small allocation walks the stack" {
	local failed=()
	for python in $(all_pythons); do
		run_strict same_frames "$python" --trace-python-allocators
		[ "$status" -eq 0 ] || { echo "$python: $output"; failed+=("$python"); }
	done
	[ ${#failed[@]} -eq 0 ]
}

@test "a stack that differs from the noted one is detected (the check can fail)" {
	same_frames /usr/bin/python3
	sed -i '0,/"calls"/s//"called"/' notes
	export -f big_ones
	run -1 bash -c 'big_ones | python3 "$TESTS/frames/check_frames.py" notes'
}

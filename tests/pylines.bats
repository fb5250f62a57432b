# Line tables: the line of each instruction agrees with Python.

load lib/common

setup_file() {
	make -s -C "$BATS_TEST_DIRNAME/.." B=build build/tests/pystack-bench.so
}

@test "every instruction in a part of each Python's standard library has the line that Python computes" {
	local python wrong=0 n=0
	for python in $(pythons); do
		run env LD_PRELOAD="$BATS_TEST_DIRNAME/../build/tests/pystack-bench.so" PYTHONDONTWRITEBYTECODE=1 "$python" "$TESTS/pystack/lines_test.py"
		[ "$status" -eq 0 ] || { echo "$python: $output"; wrong=1; }
		n=$((n + 1))
	done
	[ $n -gt 0 ] && return $wrong
}

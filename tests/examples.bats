# The tour in examples/: each step prints what its file says.

load lib/common

@test "every step of the tour prints what is expected" {
	command -v jq > /dev/null || skip "no jq"
	run "$TESTS/../examples/check"
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq "$(ls -d "$TESTS"/../examples/[0-9]* | wc -l)" ]
}

@test "a step that prints something else is told, with what differs" {
	cp -r "$TESTS/../examples" "$TESTS/../record" .
	echo "something else" > examples/08-leak/expected
	B=$(cd "$TESTS/.." && realpath "${B:-build}") run examples/check 08-leak
	[ "$status" -eq 1 ]
	[[ "$output" == *"08-leak: differs"*"-something else"*"+answer line 8: 500 blocks, 516500 B"* ]]
}

@test "each step is on the tour's list, with what it shows" {
	for step in "$TESTS"/../examples/[0-9]*; do
		grep -q "^| \[${step##*/}\]" "$TESTS/../examples/README.md"
		[ -x "$step/run" ]
		[ "$(grep -cv '^#' "$step/run")" -le 20 ]
	done
}

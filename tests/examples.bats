# The tour in examples/: the commands of each step print what its README shows.

load lib/common

@test "every step of the tour prints what its README shows" {
	command -v jq > /dev/null || skip "no jq"
	# README.md's output is that of Python 3.11 and newer: before, a large frame was a block of its own.
	steps=$(cd "$TESTS/../examples" && ls -d [0-9]*)
	! /usr/bin/python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || steps+=" README.md"
	run "$TESTS/../examples/check" --offline $steps
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq "$(wc -w <<< "$steps")" ]
	[ "$(grep -vc ': as expected$' <<< "$output")" -eq "$(grep -lE -- '-m pip ' "$TESTS"/../examples/*/README.md | wc -l)" ]
}

@test "a step that prints something else is reported, with what differs" {
	cp -r "$TESTS/../examples" "$TESTS/../record" .
	sed -i 's/  516.500kB/something else/' examples/08-leak/README.md
	B=$(cd "$TESTS/.." && realpath "${B:-build}") run -1 examples/check 08-leak
	[[ "$output" == *"08-leak: differs"*"-something else"*"+  516.500kB"* ]]
	# A command in the middle of a pipe, too
	sed -i 's/memleak trace.lz4 | memgrep/memleak trace.lz4 | memgrep --no-such-option/' examples/08-leak/README.md
	B=$(cd "$TESTS/.." && realpath "${B:-build}") run -1 examples/check 08-leak
	[[ "$output" == *"unknown or ambiguous option '--no-such-option'"* ]]
}

@test "each step is on the tour's list, has up to 20 lines of commands, and the pictures it shows, which are small" {
	for step in "$TESTS"/../examples/[0-9]*; do
		echo "${step##*/}"
		grep -qF "](${step##*/}/README.md)" "$TESTS/../examples/README.md"
		lines=$(sed -n '/^```sh$/,/^```$/p' "$step/README.md" | grep -vc '^```')
		[ "$lines" -ge 2 ] && [ "$lines" -le 20 ]
		for picture in $(grep -oE '\([a-z/-]+\.svg\)' "$step/README.md" | tr -d '()'); do
			[ "$(stat -c %s "$step/$picture")" -lt 60000 ]
			# Paths of whoever made the picture are not in it.
			[ -z "$(grep -oE '\(/[^):]*' "$step/$picture" | grep -vE '^\(/(home/user|usr/lib)/')" ]
			xmllint --noout "$step/$picture" 2> /dev/null || python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$step/$picture"
		done
	done
}

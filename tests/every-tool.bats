# Rules for every command in build/bin: options, bad input, full disks, closed pipes, cut-off traces.
#
# Each test loops over the commands and names those that fail. Commands whose usage takes a trace are readers;
# readers that write a trace to standard output are filters.

load lib/common
load lib/traces

setup_file() {
	BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR setup
	big_trace > "$BATS_FILE_TMPDIR/big.lz4"
	python3 "$TESTS/lib/gen_trace.py" --events 30000 --seed 3 --processes 2 --unknown --spans | memcat --from-json > "$BATS_FILE_TMPDIR/real.lz4"
	for tool in $(readers); do
		[ "$("$tool" < "$BATS_FILE_TMPDIR/real.lz4" | head -c 4 | od -An -tx1)" = " 04 22 4d 18" ] && echo "$tool"
	done > "$BATS_FILE_TMPDIR/filters"
	[ "$(wc -l < "$BATS_FILE_TMPDIR/filters")" -gt 5 ]
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	BIG=$BATS_FILE_TMPDIR/big.lz4 REAL=$BATS_FILE_TMPDIR/real.lz4
	problems=()
}

all() {
	ls "${MEMREC_BIN:-$TESTS/../build/bin}"
}

# The commands that read a trace on standard input and end at its end.
readers() {
	for tool in $(all); do
		"$tool" --help | grep -qE '^Usage: .* \[(TRACE\.\.\.|FILE)\]$' && echo "$tool"
	done
	return 0
}

# The readers whose standard output is a trace, found once in setup_file().
filters() {
	cat "$BATS_FILE_TMPDIR/filters"
}

# Runs a reader on standard input. If it writes files, prints their bytes.
use() { # TOOL
	case $1 in
	memsplit-pid)
		rm -rf split && mkdir split
		memsplit-pid -o 'split/%p.lz4' || return
		cat split/*
		;;
	*) "$1" ;;
	esac
}

# Whether two outputs are equal. LZ4 blocks may differ, as output is flushed when the input pauses.
same() {
	cmp <(lz4 -dcfq "$1") <(lz4 -dcfq "$2")
}

problem() {
	problems+=("$*")
}

no_problems() {
	printf '%s\n' "${problems[@]}"
	[ ${#problems[@]} -eq 0 ]
}

# Checks that TOOL printed one line on standard error (in err) that begins with its name, and ended with STATUS.
one_line() { # TOOL EXPECTED-STATUS STATUS WHAT
	[ "$3" -eq "$2" ] || problem "$1: $4: status $3"
	[ "$(wc -l < err)" -eq 1 ] || problem "$1: $4: $(wc -l < err) lines: $(head -c 300 err)"
	[[ "$(head -1 err)" == "$1: "* ]] || problem "$1: $4: says '$(head -1 err)'"
}

@test "--help exits 0 and prints the name, the usage and every option" {
	for tool in $(all); do
		run "$tool" -h
		short=$output
		run "$tool" --help
		[ "$status" -eq 0 ] || problem "$tool: status $status"
		[ "$short" = "$output" ] || problem "$tool: -h is not --help: $short"
		for line in "${lines[@]}"; do
			[ ${#line} -le 80 ] || [[ "$line" == "  $tool "* ]] || problem "$tool: a line of ${#line} columns: $line"
		done
		[[ "${lines[0]}" == "$tool - "* ]] || problem "$tool: ${lines[0]}"
		[[ "$output" == *"Usage: $tool [OPTION...]"*--help*--version* ]] || problem "$tool: usage"
	done
	no_problems
}

@test "--version prints name and version" {
	for tool in $(all); do
		run "$tool" --version
		[ "$status" -eq 0 ] && [[ "$output" =~ ^$tool\ [0-9]+\.[0-9]+\.[0-9]+\ \(memrec\)$ ]] || problem "$tool: $output"
	done
	no_problems
}

@test "an unknown option is a usage error: one line, a hint at --help, exit 2" {
	for tool in $(all); do
		run --separate-stderr "$tool" --no-such-option
		[ "$status" -eq 2 ] || problem "$tool: status $status"
		[ -z "$output" ] || problem "$tool: prints $output"
		[ "$stderr" = "$tool: unknown or ambiguous option '--no-such-option'
Try '$tool --help'." ] || problem "$tool: $stderr"
	done
	no_problems
}

@test "--help and --version fail on a full disk" {
	for tool in $(all); do
		for option in --help --version; do
			status=0
			"$tool" $option > /dev/full 2> err || status=$?
			one_line "$tool" 1 $status $option
		done
	done
	no_problems
}

@test "without operands at a terminal, commands print a hint and do not wait" {
	for tool in $(readers); do
		[ "$tool" = memsplit-pid ] && continue	# misses its -o first
		run timeout 5 script -qec "$tool | cat; exit \${PIPESTATUS[0]}" /dev/null
		[[ "$output" == *"standard input is a terminal"*"Try '$tool --help'."* ]] || problem "$tool: $output"
	done
	no_problems
}

# Except memflame: empty folded lines come from an empty trace, and it makes a page that says so.
@test "empty input: exit 1, one line" {
	for tool in $(readers | grep -vx memflame); do
		status=0
		use "$tool" < /dev/null > out 2> err || status=$?
		one_line "$tool" 1 $status empty
	done
	no_problems
}

@test "a missing file: exit 1, one line that names it" {
	for tool in $(readers); do
		[ "$tool" = memsplit-pid ] && continue
		status=0
		"$tool" nowhere.lz4 < /dev/null > out 2> err || status=$?
		one_line "$tool" 1 $status missing
		grep -q 'nowhere.lz4: .*No such file or directory' err || problem "$tool: $(cat err)"
	done
	no_problems
}

@test "garbage: exit 1, one line" {
	python3 -c 'import random, sys; random.seed(5); sys.stdout.buffer.write(bytes(random.randrange(256) for i in range(70000)))' > noise
	{ head -c 7 "$REAL"; cat noise; } > bad_frame
	printf '\x80' > empty_map
	echo 'this is no trace' > text
	{ lz4 -dc "$REAL" | head -c 3000; cat noise; } > bad_rows
	for tool in $(readers); do
		for input in noise bad_frame empty_map text bad_rows; do
			status=0
			use "$tool" < $input > out 2> err || status=$?
			one_line "$tool" 1 $status $input
		done
	done
	no_problems
}

@test "a capture file of memray is recognized, bare and compressed" {
	printf 'memray\0\15\0\0\0\xf0\7\13\3\0\0\0' > capture.bin
	lz4 -q capture.bin capture.bin.lz4
	for tool in $(readers); do
		for input in capture.bin capture.bin.lz4; do
			status=0
			use "$tool" < $input > out 2> err || status=$?
			one_line "$tool" 1 $status $input
			grep -q 'a capture file of memray' err || problem "$tool: $(cat err)"
		done
	done
	no_problems
}

@test "a trace of a newer major version is refused with a reason" {
	lz4 -dc "$REAL" | python3 -c 'import re, sys; d = sys.stdin.buffer.read(); d, n = re.subn(rb"version\x92\x01.", b"version\x92\x02\x00", d, 1); assert n; sys.stdout.buffer.write(d)' > newer
	for tool in $(readers); do
		status=0
		use "$tool" < newer > out 2> err || status=$?
		one_line "$tool" 1 $status newer
		grep -q 'version 2.0 is newer' err || problem "$tool: $(cat err)"
	done
	no_problems
}

# Each in a terminal of its own, as the foreground process group, waiting for the second half of its input.
@test "Ctrl-C while reading a pipe: the rest of the input is still used; a second Ctrl-C ends the command" {
	lz4 -dc "$REAL" > bare
	memcat --json bare > bare.json
	for tool in $(readers); do
		use "$tool" < bare > want
		command=$tool
		[ "$tool" != memsplit-pid ] || command="rm split/*; exec $tool -o split/%p.lz4"
		python3 "$TESTS/lib/ctrl_c.py" --feed bare 1 "$tool" "$command > got" || problem "$tool: status $?"
		[ "$tool" != memsplit-pid ] || cat split/* > got
		same want got || problem "$tool: other output after Ctrl-C"
		status=0
		python3 "$TESTS/lib/ctrl_c.py" --feed bare 2 "$tool" "$command > got" || status=$?
		[ $status -eq 130 ] || problem "$tool: the second Ctrl-C: status $status"
	done
	python3 "$TESTS/lib/ctrl_c.py" --feed bare.json 1 memcat "memcat --from-json > got" || problem "memcat --from-json: status $?"
	cmp <(memcat got --json) bare.json || problem "memcat --from-json"
	memdiff bare - < bare > want
	python3 "$TESTS/lib/ctrl_c.py" --feed bare 1 memdiff "memdiff bare - > got" || problem "memdiff: status $?"
	same want got || problem memdiff
	no_problems
}

@test "compressed or bare, from a file or a pipe, at once or byte by byte: the same rows" {
	lz4 -dc "$BIG" > bare
	python3 "$TESTS/lib/gen_trace.py" --events 1500 | memcat --from-json > small
	lz4 -dc small > small_bare
	[ "$(stat -c %s bare)" -gt 500000 ]
	for tool in $(readers); do
		use "$tool" < "$BIG" | cat > want
		[ -s want ] || problem "$tool: nothing"
		use "$tool" < bare | cat > got
		same want got || problem "$tool: bare"
		python3 "$TESTS/lib/feed.py" 4093 < "$BIG" | use "$tool" | cat > got
		same want got || problem "$tool: by 4093 bytes"
		use "$tool" < small | cat > want
		for input in small small_bare; do
			python3 "$TESTS/lib/feed.py" 1 < "$input" | use "$tool" | cat > got
			same want got || problem "$tool: byte by byte"
		done
	done
	no_problems
}

@test "a full disk is reported: exit 1, one line" {
	for tool in $(readers); do
		[ "$tool" = memsplit-pid ] && continue
		for input in "$REAL" "$BIG"; do
			status=0
			"$tool" < "$input" > /dev/full 2> err || status=$?
			one_line "$tool" 1 $status "$(basename "$input")"
			grep -q 'No space left on device' err || problem "$tool: $(cat err)"
		done
	done
	no_problems
}

@test "a closed pipe ends a tool quietly, even if SIGPIPE was ignored" {
	for tool in $(readers); do
		[ "$tool" = memsplit-pid ] && continue
		bash -c "$tool < '$BIG' 2> err | head -c 1 > first; echo \${PIPESTATUS[0]}" > status
		grep -qx -e 0 -e 141 status || problem "$tool: status $(cat status)"
		[ ! -s err ] || problem "$tool: says $(cat err)"
		(trap '' PIPE && bash -c "$tool < '$BIG' 2> err | head -c 1 > first")
		[ ! -s err ] || problem "$tool: with SIGPIPE ignored says $(cat err)"
	done
	no_problems
}

@test "no trace is written to a terminal: one line shows a pipe to append" {
	for tool in $(filters); do
		status=0
		script -qec "$tool < '$REAL' 2> err" /dev/null > out || status=$?
		one_line "$tool" 2 $status terminal
		grep -q "a trace is binary: append '| memsummary' or '> FILE'" err || problem "$tool: $(cat err)"
		[ "$(wc -c < out)" -lt 10 ] || problem "$tool: wrote $(wc -c < out) bytes to the terminal"
	done
	no_problems
}

@test "filters pass on rows of unknown kinds" {
	memcat --json "$REAL" | grep '"event":"other"' > want
	[ "$(wc -l < want)" -gt 50 ]
	for tool in $(filters); do
		"$tool" < "$REAL" | memcat --json | grep '"event":"other"' > got
		cmp want got || problem "$tool"
	done
	no_problems
}

@test "a filter's output is a complete trace whose header names the filter" {
	for tool in $(filters); do
		"$tool" < "$REAL" > out.lz4 || problem "$tool: status $?"
		memcat out.lz4 > /dev/null || problem "$tool: output is not whole"
		[ "$tool" = memcat ] || [ "$tool" = memmerge ] ||
			memcat --header out.lz4 | jq -e --arg tool "$tool" '.provenance[-1].program == $tool' > /dev/null || problem "$tool: is not in the header"
	done
	no_problems
}

@test "a filter describes its output: words for a title, and whether it is an answer, without frees" {
	for tool in $(filters | grep -vx memcat); do
		"$tool" < "$REAL" > out.lz4
		memcat --json out.lz4 | jq -rn 'reduce inputs as $e ({}; .[$e.event] += 1) | .free // 0' > frees
		answers=$([ "$(cat frees)" -gt 0 ] && echo false || echo true)
		memcat --header out.lz4 | jq -e --argjson answers "$answers" '.provenance[-1] | (.title | type == "string") and (.answer // false) == $answers' > /dev/null ||
			problem "$tool: $(cat frees) frees, $(memcat --header out.lz4 | jq -c '.provenance[-1]')"
	done
	no_problems
}

@test "a trace cut anywhere: exit 1, one line, and everything before the cut is used" {
	memcat --json "$REAL" > whole
	run python3 "$TESTS/lib/cuts.py" 200 "$REAL" --whole whole memcat --json
	[ ${#lines[@]} -eq 1 ] || problem "memcat: $output"
	# If only the last byte is missing, nearly everything is used.
	[ "${lines[-1]#longest: }" -gt $(($(stat -c %s whole) / 2)) ] || problem "memcat: ${lines[-1]}"
	mkdir -p split
	for tool in $(readers); do
		arguments=()
		[ "$tool" != memsplit-pid ] || arguments=(-f -o 'split/%p.lz4')
		run python3 "$TESTS/lib/cuts.py" 15 "$REAL" "$tool" "${arguments[@]}"
		[ ${#lines[@]} -eq 1 ] || problem "$tool: $output"
		[ "$output" != "longest: 0" ] || [ -n "$(ls split)" ] || problem "$tool: nothing was used"
	done
	no_problems
}

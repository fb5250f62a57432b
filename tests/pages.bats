# The manual pages: each command has one that agrees with --help, and its examples work.

load lib/common
load lib/traces

pages() {
	ls "$TESTS"/../{filters,render,record}/*.1 2> /dev/null
}

# Prints the lines of a page's EXAMPLES between .EX and .EE, as a reader sees and pastes them.
examples() { # PAGE
	awk '/^\.SH/ { here = $2 ~ /EXAMPLES/ } /^\.EX/ { in_example = here; next } /^\.EE/ { in_example = 0 } in_example' "$1" |
		sed 's/\\-/-/g; s/\\e/\\/g; s/\\(aq/'\''/g; s/\\(dq/"/g; s/\\&//g' |
		awk '/\\$/ { sub(/\\$/, ""); printf "%s", $0; next } { print }'
}

@test "every command has a page" {
	local missing=()
	for command in "${MEMREC_BIN:-$TESTS/../build/bin}"/*; do
		name=${command##*/}
		pages | grep -q "/$name\.1$" || missing+=("$name")
	done
	echo "no page: ${missing[*]}"
	[ ${#missing[@]} -eq 0 ]
}

@test "the README lists every command with its summary (make readme)" {
	"$TESTS/readme-commands" > want
	sed -n '/^<!-- commands/,/^<!-- end/p' "$TESTS/../README.md" > got
	diff got want
}

@test "a page's NAME agrees with --help" {
	local wrong=()
	for page in $(pages); do
		name=$(basename "$page" .1)
		summary=$(awk '/^\.SH NAME/ { getline; print; exit }' "$page" | sed 's/\\-/-/g')
		[ "$summary" = "$("$name" --help | sed '/^$/,$d' | xargs -d '\n' | tr -s ' ')" ] || wrong+=("$name")
	done
	echo "differ: ${wrong[*]}"
	[ ${#wrong[@]} -eq 0 ]
}

@test "no page gives a groff warning, as written and as installed" {
	command -v groff > /dev/null || skip "no groff"
	for page in "$TESTS"/../*/*.[157] "$TESTS"/../build/man/man?/*; do
		groff -ww -man -Tutf8 -z "$page" 2>> warnings
	done
	cat warnings
	[ ! -s warnings ]
	printf 'caf\303\251 \\[nosuch]\n' > bad.1
	[ -n "$(groff -ww -man -Tutf8 -z bad.1 2>&1)" ]
}

@test "a page has its sections, in their order" {
	local wrong=()
	for page in $(pages); do
		sections=$(sed -n 's/^\.SH *//p; s/^\.\\" OPTIONS$/OPTIONS/p' "$page" | tr -d '"' | uniq | paste -sd ' ')
		[[ "$sections" == "NAME SYNOPSIS DESCRIPTION"*"OPTIONS"*"EXAMPLES"*"SEE ALSO"* ]] || wrong+=("$(basename "$page"): $sections")
		[[ "$page" == */record/* || "$sections" == *"MEMORY"*"EXIT STATUS"* ]] || wrong+=("$(basename "$page"): no MEMORY or no EXIT STATUS")
	done
	printf '%s\n' "${wrong[@]}"
	[ ${#wrong[@]} -eq 0 ]
}

@test "the rendered page has each option of --help once, below one heading" {
	local wrong=()
	for page in $(pages); do
		name=$(basename "$page" .1)
		rendered=$TESTS/../build/man/man1/$name.1
		[ "$(grep -c '^\.SH OPTIONS' "$rendered")" = 1 ] || wrong+=("$name: heading")
		grep -q '^\.\\" OPTIONS' "$rendered" && wrong+=("$name: marker left")
		"$name" --help | sed -n '/^Options:/,/^$/s/^ .*--\([a-z0-9-]*\).*/\1/p' > options
		[ -s options ] || wrong+=("$name: no options")
		while read -r option; do
			escaped=${option//-/\\\\-}
			[ "$(grep -cE '^\\fB.*\\-\\-'"$escaped"'\\fR' "$rendered")" = 1 ] || wrong+=("$name: --$option")
		done < options
	done
	printf '%s\n' "${wrong[@]}"
	[ ${#wrong[@]} -eq 0 ]
}

@test "the overview names every command" {
	local missing=()
	for page in $(pages); do
		name=$(basename "$page" .1)
		sed 's/\\-/-/g' "$TESTS/../record/memrec.7" | grep -qE "^\.BR .*\b$name\b.*\(1\)" || missing+=("$name")
	done
	echo "missing: ${missing[*]}"
	[ ${#missing[@]} -eq 0 ]
}

@test "the examples of all pages work unchanged" {
	printf 'x = [bytearray(1000) for i in range(1000)]\n' > script.py
	trace > t.lz4 <<-END
	{"event":"span","name":"load","begins":true,"pid":0,"tid":0,"time_ms":0}
	{"event":"span","name":"script","begins":true,"pid":0,"tid":0,"time_ms":0}
	alloc 1 3000000 main@script.py:3;load@words.py:41 time_ms=1
	alloc 2 50 main@script.py:3;load@words.py:42 tid=7 time_ms=2
	{"event":"census","pid":0,"time_ms":1000,"info":{"moment":"request","typed":1}}
	{"event":"blocks","pid":0,"time_ms":1000,"info":{"types":["dict"],"blocks":[65552,1,1]}}
	free 2 time_ms=1500
	alloc 2 60 main@script.py:9 time_ms=2500
	{"event":"census","pid":0,"time_ms":2500,"info":{"moment":"script end","typed":1}}
	{"event":"blocks","pid":0,"time_ms":2500,"info":{"types":["dict","app.Request"],"blocks":[65552,1,1,4194304,1,2]}}
	{"event":"blocks","pid":0,"time_ms":2500,"info":{"names":["x"],"references":[65552,1,4194304,2]}}
	{"event":"pages","pid":0,"time_ms":2500,"info":{"mapping":"heap","start":65536,"resident":[0,1100]}}
	END
	for name in trace old new before after a b; do
		cp t.lz4 $name.lz4
	done
	local failed=() line ran=0
	for page in $(pages) "$TESTS/../record/memrec.7"; do
		while IFS= read -r line; do
			# Examples that need another machine, another process or a terminal are not run here (git bisect: by ci.bats).
			[[ "$line" =~ ^ssh\ |\ -p\ |--pid|^git\ bisect ]] && continue
			ran=$((ran + 1))
			status=0
			timeout 20 bash -o pipefail -c "$line" > out 2>&1 < /dev/null || status=$?
			# head ends its pipe quietly
			[ $status -eq 0 ] || [ $status -eq 141 ] || failed+=("$(basename "$page"): $line: status $status, $(tail -1 out)")
		done < <(examples "$page")
	done
	printf '%s\n' "${failed[@]}"
	[ ${#failed[@]} -eq 0 ]
	[ $ran -gt 5 ]
}

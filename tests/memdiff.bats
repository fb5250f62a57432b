# memdiff: growth and shrinkage between two inputs.

load lib/common
load lib/traces

# The folded lines alone, without the comments that name the inputs.
memdiff() {
	local status=0
	command memdiff "$@" > lines.out || status=$?
	grep -v '^# \(before\|after\): ' lines.out || true
	return $status
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	printf 'alloc 1 100 main@a.py:1;load@a.py:2\nalloc 2 50 main@a.py:1;old@a.py:3\nalloc 3 7 same@a.py:9\n' | trace > a.lz4
	printf 'alloc 1 160 main@a.py:1;load@a.py:2\nalloc 2 30 main@a.py:1;new@a.py:4\nalloc 3 7 same@a.py:9\n' | trace > b.lz4
	memfold a.lz4 > a.folded
	memfold b.lz4 > b.folded
	want='main (a.py:1);load (a.py:2) 100 160
main (a.py:1);new (a.py:4) 0 30
main (a.py:1);old (a.py:3) 50 0
same (a.py:9) 7 7'
}

@test "folded lines with two numbers, from traces and folded lines alike, in any mixture" {
	for before in a.lz4 a.folded; do
		for after in b.lz4 b.folded; do
			run memdiff $before $after
			[ "$output" = "$want" ]
		done
	done
}

@test "comments name the inputs, and the numbers of a trace" {
	run command memdiff a.lz4 b.folded
	[ "${lines[0]}" = '# before: "a.lz4" alive at the high-water mark' ]
	[ "${lines[1]}" = '# after: "b.folded"' ]
	[ "${lines[2]}" = 'main (a.py:1);load (a.py:2) 100 160' ]
	cp a.lz4 $'odd "1\n\033'
	command memdiff --leaks - $'odd "1\n\033' < b.lz4 > got
	[ "$(head -2 got)" = $'# before: "standard input" never freed\n# after: "odd \\x221\\x0a\\x1b" never freed' ]
	# Folded lines with comments are read as ever.
	[ "$({ head -2 got; cat a.folded; } | memdiff - b.lz4)" = "$want" ]
}

@test "from pipes and standard input, compressed or not" {
	[ "$(memdiff <(memfold a.lz4) <(cat b.lz4))" = "$want" ]
	[ "$(memdiff <(lz4 -dc a.lz4) <(memcat b.lz4))" = "$want" ]
	[ "$(memfold a.lz4 | memdiff - b.lz4)" = "$want" ]
	[ "$(memdiff a.folded - < b.lz4)" = "$want" ]
	run -2 memdiff - -
	run -2 memdiff a.lz4
	run -2 memdiff a.lz4 b.lz4 a.lz4
}

@test "--table: locations that changed, the largest change first; stacks with the same innermost call are one row" {
	printf 'alloc 4 8 other@a.py:7;load@a.py:2\n' > more
	{ printf 'alloc 1 100 main@a.py:1;load@a.py:2\nalloc 2 50 main@a.py:1;old@a.py:3\nalloc 3 7 same@a.py:9\n'; cat more; } | trace > c.lz4
	run memdiff --table c.lz4 b.lz4
	[ "$output" = 'c.lz4 to b.lz4: alive at the high-water mark
        Change       Before        After  Location
          +52B         108B         160B  load (a.py:2)
          -50B          50B           0B  old (a.py:3)
          +30B           0B          30B  new (a.py:4)
Total: +32B, from 165B to 197B
3 locations changed: growth 82B, shrinkage 50B' ]
	[ "$(memdiff --table <(memfold c.lz4) b.folded | tail -n +2)" = "$(memdiff --table c.lz4 b.lz4 | tail -n +2)" ]
	run -2 memdiff --json --stacks a.lz4 b.lz4
	run -2 memdiff --folded --rows 3 a.lz4 b.lz4
}

@test "--stacks: a table of whole stacks" {
	run memdiff --stacks a.lz4 b.lz4
	[ "$output" = 'a.lz4 to b.lz4: alive at the high-water mark
        Change       Before        After  Stack
          +60B         100B         160B  main (a.py:1);load (a.py:2)
          -50B          50B           0B  main (a.py:1);old (a.py:3)
          +30B           0B          30B  main (a.py:1);new (a.py:4)
Total: +40B, from 157B to 197B
3 stacks changed: growth 90B, shrinkage 50B' ]
	run memdiff --table --rows 1 a.folded b.folded
	[ "${#lines[@]}" -eq 5 ]
}

@test "--json: all stacks, outermost first" {
	run bash -o pipefail -c 'memdiff --json a.lz4 b.folded | jq -c ".before, .after, .unit, .stacks[]"'
	[ "${lines[0]}" = '{"name":"a.lz4","title":"alive at the high-water mark","total":157}' ]
	[ "${lines[1]}" = '{"name":"b.folded","total":197}' ]
	[ "${lines[4]}" = '{"before":50,"after":0,"change":-50,"stack":["main (a.py:1)","old (a.py:3)"]}' ]
	[ "${#lines[@]}" -eq 7 ]
}

@test "--by=function, --count, --leaks, --total agree with memfold's" {
	printf 'alloc 1 10 f@a.py:1\nfree 1\nalloc 2 4 f@a.py:1\n' | trace > c.lz4
	printf 'alloc 1 10 f@a.py:8\nalloc 2 9 g@a.py:1\nfree 2\n' | trace > d.lz4
	for options in "--by=function" "--by file --count" "--leaks" "--total --count" "--total --by function"; do
		run memdiff $options c.lz4 d.lz4
		[ "$output" = "$(memdiff <(memfold $options c.lz4) <(memfold $options d.lz4))" ]
	done
	[ "$(memdiff --by=function --leaks c.lz4 d.lz4)" = "f (a.py) 4 10" ]
	run -2 memdiff --by=colour c.lz4 d.lz4
}

@test "equal stacks add up; equal numbers are not a change" {
	printf 'x;y 1\nx;y 2\nx 3\n' > one
	printf 'x 3\nx;y 3\n' > two
	[ "$(memdiff one two)" = "x 3 3
x;y 3 3" ]
	run memdiff --table one two
	[ "${lines[2]}" = "Total: 0B, from 6B to 6B" ]
	[ "${lines[3]}" = "0 locations changed: growth 0B, shrinkage 0B" ]
	[ "$(memdiff /dev/null two)" = "x 0 3
x;y 0 3" ]
}

@test "a bad line is named, everything before it is used, exit 1" {
	printf 'x 3\ny;z\nw 4\n' > bad
	run -1 --separate-stderr memdiff bad /dev/null
	[ "$output" = "x 3 0" ]
	[ "$stderr" = "memdiff: bad: line 2: no number from 0 to 2^64-1 at its end: 'y;z'; everything before that is used" ]
	for line in 'x -3' 'x 3.5.1' 'x 3e5' 'x .5' 'x 99999999999999999999' 'x 18446744073709551615.5' 'x 3 '; do
		run -1 --separate-stderr memdiff <(echo "$line") /dev/null
		[ -z "$output" ]
		[[ "$stderr" == *"line 1: no number from 0 to 2^64-1 at its end: '$line'; folded lines are 'main;load;parse 4096'" ]]
	done
	run -1 --separate-stderr memdiff <(printf 'x 18446744073709551615\ny 1\n') /dev/null
	[ "$output" = "x 18446744073709551615 0" ]
	[[ "$stderr" == *"line 2: the sum of the numbers goes beyond 2^64-1 here: 'y 1'"* ]]
}

@test "folded lines of other programs: numbers alone, comments, tabs, decimals, a byte order mark, CR LF" {
	printf '\xef\xbb\xbfa;b 1\r\na;b\t\t2\r\n\r\n# austin: 3.7.0\n#\tnote 3\n# mode: 4\n 5\n6\na 1.5\na 1.49\na 2.\n#f;g 7' > odd
	run memdiff odd /dev/null
	[ "$output" = "#	note 3 0
#f;g 7 0
[no stack] 11 0
a 5 0
a;b 3 0" ]
}

@test "lines longer than any buffer, from a file and from a pipe" {
	python3 -c 'print("\n".join(";".join(chr(97 + i) * 300000 for i in range(n)) + " 3" for n in (1, 5, 1)))' > long
	want=$(python3 -c 'print("\n".join(";".join(chr(97 + i) * 300000 for i in range(n)) + f" {v} 0" for n, v in ((1, 6), (5, 3))))' | md5sum)
	[ "$(memdiff long /dev/null | md5sum)" = "$want" ]
	[ "$(cat long | memdiff - /dev/null | md5sum)" = "$want" ]
}

@test "traces and text are distinguished even if they arrive byte by byte" {
	for input in a.lz4 a.folded <(lz4 -dc a.lz4); do
		python3 "$TESTS/lib/feed.py" 1 < $input | memdiff - b.lz4 > got
		[ "$(cat got)" = "$want" ]
	done
	[ "$({ head -c 1 a.lz4; sleep 0.2; tail -c +2 a.lz4; } | memdiff - b.lz4)" = "$want" ]
	# One text begins with the first byte of a large map, the other with that of a skippable LZ4 frame.
	[ "$(echo 'ߐ;b 3' | memdiff - /dev/null)" = 'ߐ;b 3 0' ]
	[ "$(echo 'P 3' | memdiff - /dev/null)" = 'P 3 0' ]
	[ "$(printf '_ 3' | memdiff - /dev/null)" = '_ 3 0' ]
}

@test "a trace that is cut off, and a missing file" {
	head -c -20 a.lz4 > cut.lz4
	run -1 --separate-stderr memdiff cut.lz4 b.lz4
	[[ "$stderr" == *"cut off"* ]]
	run -1 memdiff nowhere.lz4 b.lz4
	[ "${#lines[@]}" -eq 1 ]
	run -1 memdiff . b.lz4
	[[ "$output" == *"is a directory"* ]]
}

@test "a full disk is reported" {
	run -1 bash -c 'memdiff a.lz4 b.lz4 > /dev/full'
	[[ "$output" == *"No space left"* ]]
}

@test "on a terminal it prints the table, in colour, unless --folded is given" {
	run script -qec 'memdiff a.lz4 b.lz4' /dev/null
	[[ "$output" == *"Change"*$'\033[31m'* ]]
	run script -qec 'memdiff --folded a.lz4 b.lz4' /dev/null
	[[ "$output" != *"Change"* ]]
}

@test "on random traces both sides agree with memfold" {
	for seed in 1 2 3; do
		python3 "$TESTS/lib/gen_trace.py" --events 3000 --seed $seed | memcat --from-json > x.lz4
		python3 "$TESTS/lib/gen_trace.py" --events 3000 --seed $((seed + 50)) | memcat --from-json > y.lz4
		memdiff x.lz4 y.lz4 > d
		diff <(memfold x.lz4) <(awk '$(NF-1) > 0 { sub(/ [0-9]+$/, ""); print }' d)
		diff <(memfold y.lz4) <(awk '$NF > 0 { n = $NF; sub(/ [0-9]+ [0-9]+$/, ""); print $0, n }' d)
	done
}

@test "--markdown: totals and the largest changes as a table, names as code" {
	run memdiff --markdown a.lz4 b.lz4
	[ "$output" = '`a.lz4` (alive at the high-water mark) to `b.lz4` (alive at the high-water mark)

| Change | | Before | After | Location |
|---:|---:|---:|---:|---|
| +40B | +25.5 % | 157B | 197B | **all memory** |
| +60B | +60.0 % | 100B | 160B | `load (a.py:2)` |
| -50B | -100.0 % | 50B | 0B | `old (a.py:3)` |
| +30B | new | 0B | 30B | `new (a.py:4)` |' ]
	[ "$(memdiff --markdown --rows 1 a.lz4 b.lz4 | tail -n 2)" = $'\n2 more locations changed.' ]
	[ "$(memdiff --markdown --stacks --count a.lz4 b.lz4 | tail -n +6)" = '| -1 | -100.0 % | 1 | 0 | `main (a.py:1);old (a.py:3)` |
| +1 | new | 0 | 1 | `main (a.py:1);new (a.py:4)` |' ]
	run -2 memdiff --markdown --json a.lz4 b.lz4
}

@test "--markdown: no name can end its cell or its code" {
	printf 'alloc 1 10 a|b`c@x.py:1\nalloc 2 5 `q\\u001b@y.py:2\n' | trace > odd.lz4
	printf '{"event":"end"}\n' | memcat --from-json > none.lz4
	[ "$(memdiff --markdown none.lz4 odd.lz4 | tail -n 2)" = '| +10B | new | 0B | 10B | ``a\|b`c (x.py:1)`` |
| +5B | new | 0B | 5B | `` `q\x1b (y.py:2) `` |' ]
}

@test "--fail-if: exit status 3 over a limit, and the same output" {
	memdiff a.lz4 b.lz4 > want
	exits() { # STATUS MEMDIFF-ARGUMENT...
		local want=$1 status=0
		shift
		memdiff "$@" > got 2> err || status=$?
		[ $status -eq "$want" ]
	}
	exits 0 --fail-if 'peak > +25.5%' a.lz4 b.lz4
	exits 3 --fail-if 'peak > +25.4%' a.lz4 b.lz4
	cmp got want
	[ "$(cat err)" = "memdiff: over the limit 'peak > +25.4%': 157B before, 197B after" ]
	exits 0 -f 'peak > +40' a.lz4 b.lz4
	exits 3 -f 'peak>+39' a.lz4 b.lz4
	exits 0 -f 'peak > 197' a.lz4 b.lz4
	exits 3 -f 'peak > 1GB' -f 'peak > 196B' a.lz4 b.lz4
	exits 0 -f 'peak > +0%' b.lz4 a.lz4
	exits 0 -f 'peak > +0%' a.lz4 a.lz4
	exits 3 --leaks -f 'leaks > +0' a.lz4 b.lz4
	exits 3 --total --count -f 'total > 2' a.lz4 b.lz4
	printf '{"event":"end"}\n' | memcat --from-json > none.lz4
	exits 3 -f 'peak > +1000%' none.lz4 a.lz4
	memcat a.lz4 | head -c 200 > cut.lz4
	exits 1 -f 'peak > +0' cut.lz4 b.lz4
	for bad in 'leaks > +5%' 'peak > 5%' 'peak < 5' 'peak > +5x' 'peak' '> 5' 'peak > +-5%' ''; do
		exits 2 -f "$bad" a.lz4 b.lz4
	done
}

# A trace with two censuses of process 7 and one of process 8.
two_censuses() {
	trace <<-'END'
	alloc 1 100 a@a.py:1 pid=7 tid=7
	alloc 2 50 a@a.py:1
	alloc 3 7 b@a.py:2 pid=8 tid=8
	{"event":"census","pid":7,"time_ms":1,"info":{"typed":1}}
	{"event":"blocks","pid":7,"time_ms":1,"info":{"types":["app.Request","dict"],"blocks":[4096,1,1,64,1,2]}}
	{"event":"census","pid":8,"time_ms":1,"info":{"typed":1}}
	{"event":"blocks","pid":8,"time_ms":1,"info":{"types":["list"],"blocks":[4096,3,1]}}
	free 2 pid=7 tid=7
	alloc 4 1000 a@a.py:1
	alloc 5 20 a@a.py:1
	{"event":"census","pid":7,"time_ms":2,"info":{"typed":1}}
	{"event":"blocks","pid":7,"time_ms":2,"info":{"types":["app.Request"],"blocks":[4096,1,1,64,3,1,64,1,0]}}
	END
}

@test "--by type: the last censuses of two traces, or the first and the last of one" {
	two_censuses > t.lz4
	run memdiff --by type --table t.lz4
	[ "$output" = 't.lz4 (alive at the first census) to t.lz4 (alive at the last census)
        Change       Before        After  Type
      +1.000kB         100B      1.100kB  app.Request
          -50B          50B           0B  dict
          +20B           0B          20B  [type not known]
Total: +970B, from 157B to 1.127kB
3 types changed: growth 1.020kB, shrinkage 50B' ]
	[ "$(memdiff --by type --count t.lz4)" = '[type not known] 0 1
app.Request 1 2
dict 1 0
list 1 1' ]
	memgrep --census 1 t.lz4 > first.lz4
	[ "$(memdiff --by type first.lz4 t.lz4)" = "$(memdiff --by type t.lz4)" ]
	[ "$(memdiff --by type t.lz4 t.lz4)" = '[type not known] 20 20
app.Request 1100 1100
list 7 7' ]
	[ "$(memdiff --by type --json - < t.lz4 | jq -c '[.before.total, .after.total, .stacks[0]]')" = \
		'[157,1127,{"before":100,"after":1100,"change":1000,"stack":["app.Request"]}]' ]
	[ "$(memdiff --by type --markdown t.lz4 | sed -n 3p)" = '| Change | | Before | After | Type |' ]
	run -3 --separate-stderr memdiff --by type --fail-if 'census > +900' t.lz4
	run -2 memdiff --by type --fail-if 'peak > +5%' t.lz4
	run -2 memdiff --by type --leaks t.lz4
	run -2 memdiff t.lz4
}

@test "--by type without two censuses: one line says so" {
	two_censuses | memgrep --census 1 > one.lz4
	run -1 memdiff --by type one.lz4
	[[ $output == 'memdiff: one.lz4 has one census: call memrec.census() earlier in the program, too, or give another trace' ]]
	run -1 memdiff --by type a.lz4 b.lz4
	[[ $output == "memdiff: a.lz4 has no census: record it with 'memrec --census'"* ]]
	run -1 memdiff --by type a.folded one.lz4
	[[ $output == 'memdiff: a.folded is no trace: types are compared by the censuses of traces' ]]
	two_censuses | memleak > leaks.lz4
	run -1 memdiff --by type leaks.lz4 leaks.lz4
}

@test "--by type, recorded: what a program gains between two censuses" {
	[ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer cannot record"
	cat > app.py <<-'END'
		import memrec
		class Request:
		    def __init__(self, i):
		        self.body = bytes(2000 + i)
		kept = [Request(i) for i in range(300)]
		memrec.census()
		kept.extend(Request(i) for i in range(1000))
		gone = kept[:100]
		del kept[:200], gone[:]
	END
	PYTHONPATH=$TESTS/../record/python memrec -A --census -f -o t.lz4 -- python3 app.py
	memdiff --by type --count t.lz4 > got
	grep -qx '__main__.Request 300 1100' got
	[ "$(awk '$1 == "bytes" { print $3 - $2 }' got)" -ge 700 ]
}

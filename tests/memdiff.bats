# memdiff: what grew and what shrank.

load lib/common
load lib/traces

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

@test "from pipes and standard input, compressed or not" {
	[ "$(memdiff <(memfold a.lz4) <(cat b.lz4))" = "$want" ]
	[ "$(memdiff <(lz4 -dc a.lz4) <(memcat b.lz4))" = "$want" ]
	[ "$(memfold a.lz4 | memdiff - b.lz4)" = "$want" ]
	[ "$(memdiff a.folded - < b.lz4)" = "$want" ]
	run -2 memdiff - -
	run -2 memdiff a.lz4
	run -2 memdiff a.lz4 b.lz4 a.lz4
}

@test "--table: locations that changed, the most first; stacks that end alike are one" {
	printf 'alloc 4 8 other@a.py:7;load@a.py:2\n' > more
	{ printf 'alloc 1 100 main@a.py:1;load@a.py:2\nalloc 2 50 main@a.py:1;old@a.py:3\nalloc 3 7 same@a.py:9\n'; cat more; } | trace > c.lz4
	run memdiff --table c.lz4 b.lz4
	[ "$output" = 'c.lz4 (alive at the high-water mark) to b.lz4 (alive at the high-water mark)
        Change       Before        After  Location
          +52B         108B         160B  load (a.py:2)
          -50B          50B           0B  old (a.py:3)
          +30B           0B          30B  new (a.py:4)
Total: +32B, from 165B to 197B; growth 82B, shrinkage 50B, 3 locations changed' ]
	[ "$(memdiff --table <(memfold c.lz4) b.folded | tail -n +2)" = "$(memdiff --table c.lz4 b.lz4 | tail -n +2)" ]
	run -2 memdiff --json --stacks a.lz4 b.lz4
	run -2 memdiff --folded --rows 3 a.lz4 b.lz4
}

@test "--stacks: a table of whole stacks" {
	run memdiff --stacks a.lz4 b.lz4
	[ "$output" = 'a.lz4 (alive at the high-water mark) to b.lz4 (alive at the high-water mark)
        Change       Before        After  Stack
          +60B         100B         160B  main (a.py:1);load (a.py:2)
          -50B          50B           0B  main (a.py:1);old (a.py:3)
          +30B           0B          30B  main (a.py:1);new (a.py:4)
Total: +40B, from 157B to 197B; growth 90B, shrinkage 50B, 3 stacks changed' ]
	run memdiff --table --rows 1 a.folded b.folded
	[ "${#lines[@]}" -eq 4 ]
}

@test "--json: all stacks, outermost first" {
	run bash -o pipefail -c 'memdiff --json a.lz4 b.folded | jq -c ".before, .after, .unit, .stacks[]"'
	[ "${lines[0]}" = '{"name":"a.lz4","title":"alive at the high-water mark","total":157}' ]
	[ "${lines[1]}" = '{"name":"b.folded","total":197}' ]
	[ "${lines[4]}" = '{"before":50,"after":0,"change":-50,"stack":["main (a.py:1)","old (a.py:3)"]}' ]
	[ "${#lines[@]}" -eq 7 ]
}

@test "--by=function, --count, --leaks, --total are memfold's" {
	printf 'alloc 1 10 f@a.py:1\nfree 1\nalloc 2 4 f@a.py:1\n' | trace > c.lz4
	printf 'alloc 1 10 f@a.py:8\nalloc 2 9 g@a.py:1\nfree 2\n' | trace > d.lz4
	for options in "--by=function" "--by file --count" "--leaks" "--total --count" "--total --by function"; do
		run memdiff $options c.lz4 d.lz4
		[ "$output" = "$(memdiff <(memfold $options c.lz4) <(memfold $options d.lz4))" ]
	done
	[ "$(memdiff --by=function --leaks c.lz4 d.lz4)" = "f (a.py) 4 10" ]
	run -2 memdiff --by=colour c.lz4 d.lz4
}

@test "equal stacks add up; what is equal is no change" {
	printf 'x;y 1\nx;y 2\nx 3\n' > one
	printf 'x 3\nx;y 3\n' > two
	[ "$(memdiff one two)" = "x 3 3
x;y 3 3" ]
	run memdiff --table one two
	[ "${lines[2]}" = "Total: 0B, from 6B to 6B; growth 0B, shrinkage 0B, 0 locations changed" ]
	[ "$(memdiff /dev/null two)" = "x 0 3
x;y 0 3" ]
}

@test "a line that is none: it is named, what came before it is used, exit 1" {
	printf 'x 3\ny;z\nw 4\n' > bad
	run -1 --separate-stderr memdiff bad bad
	[ "$output" = "x 3 3" ]
	[[ "${stderr_lines[0]}" == "memdiff: bad: line 2 is neither a folded stack"* ]]
	for line in 'x -3' 'x 3.5' 'x 99999999999999999999' ' 3' 'x 3 '; do
		run -1 memdiff <(echo "$line") /dev/null
	done
}

@test "a trace that is cut off, a file that is not there" {
	head -c -20 a.lz4 > cut.lz4
	run -1 --separate-stderr memdiff cut.lz4 b.lz4
	[[ "$stderr" == *"cut off"* ]]
	run -1 memdiff nowhere.lz4 b.lz4
	[ "${#lines[@]}" -eq 1 ]
	run -1 memdiff . b.lz4
	[[ "$output" == *"it is a folder"* ]]
}

@test "a full disk is told" {
	run -1 bash -c 'memdiff a.lz4 b.lz4 > /dev/full'
	[[ "$output" == *"No space left"* ]]
}

@test "on a terminal it is the table, with colours; --folded is not" {
	run script -qec 'memdiff a.lz4 b.lz4' /dev/null
	[[ "$output" == *"Change"*$'\033[31m'* ]]
	run script -qec 'memdiff --folded a.lz4 b.lz4' /dev/null
	[[ "$output" != *"Change"* ]]
}

@test "the two sides of random traces are memfold's" {
	for seed in 1 2 3; do
		python3 "$TESTS/lib/gen_trace.py" --events 3000 --seed $seed | memcat --from-json > x.lz4
		python3 "$TESTS/lib/gen_trace.py" --events 3000 --seed $((seed + 50)) | memcat --from-json > y.lz4
		memdiff x.lz4 y.lz4 > d
		diff <(memfold x.lz4) <(awk '$(NF-1) > 0 { sub(/ [0-9]+$/, ""); print }' d)
		diff <(memfold y.lz4) <(awk '$NF > 0 { n = $NF; sub(/ [0-9]+ [0-9]+$/, ""); print $0, n }' d)
	done
}

# A trace file that is still being written: everything up to its present end is a complete trace.

load lib/common
load lib/traces
load lib/told

started=()
teardown() {
	kill_started
}

# Waits until the file has N bytes.
wait_for_size() { # FILE N
	for _ in $(seq 400); do
		[ "$(stat -c %s "$1" 2> /dev/null || echo 0)" -ge "$2" ] && return
		sleep 0.05
	done
	return 1
}

@test "while memrec records: exit 0, and one line that says so; a filter's output is complete" {
	start_told python3 "$TESTS/attach/known.py"
	attach
	tell work done
	sleep 0.5
	run -0 --separate-stderr memtable t.lz4
	[ "$stderr" = "memtable: t.lz4: still being recorded; everything up to now is used" ]
	[[ "$output" == *"known.py"* ]]
	run -0 bash -o pipefail -c 'memgrep -f work t.lz4 2> grep.err | memleak 2> leak.err | memsummary 2> summary.err'
	[ "$(cat grep.err)" = "memgrep: t.lz4: still being recorded; everything up to now is used" ]
	[ ! -s leak.err ] && [ ! -s summary.err ]
	run -0 bash -c 'memcat t.lz4 > copy.lz4'
	memcat copy.lz4 > /dev/null
	detach
	run -0 --separate-stderr memtable t.lz4
	[ -z "$stderr" ]
}

@test "the same for memrec > file; if memrec is killed, the trace is cut off" {
	memrec -- python3 -c 'import time; x = [bytearray(i) for i in range(30000)]; time.sleep(60)' > t.lz4 3>&- &
	recorder=$!
	started+=("$recorder")
	wait_for_size t.lz4 10000
	run -0 --separate-stderr memstats t.lz4
	[ "$stderr" = "memstats: t.lz4: still being recorded; everything up to now is used" ]
	program=$(pgrep -P $recorder)
	started+=("$program")
	kill -KILL $recorder
	wait $recorder || true
	run -1 --separate-stderr memstats t.lz4
	[[ "$stderr" == "memstats: t.lz4: cut off after "* ]]
}

@test "every command, wherever the file ends, and after a filter" {
	python3 "$TESTS/lib/gen_trace.py" --events 30000 --seed 8 | memcat --from-json > whole.lz4
	lz4 -dcq whole.lz4 > whole
	for whole in whole.lz4 whole; do
		size=$(stat -c %s $whole)
		for n in $((size / 3)) $((size / 2 + 1)) $((size - 9)); do
			head -c $n $whole > t.lz4
			for tool in memtable memsummary memtree memstats memtime memgrow memfold memflame; do
				run -0 --separate-stderr python3 "$TESTS/lib/written.py" t.lz4 $tool t.lz4
				[ "$stderr" = "$tool: t.lz4: still being written; everything up to now is used" ] || { echo "$stderr"; return 1; }
				[ -n "$output" ]
				run -1 --separate-stderr $tool t.lz4
				[[ "$stderr" == "$tool: t.lz4: cut off after "* ]]
			done
			for tool in memcat memgrep memslice memleak memtemp memage mempeak memmerge; do
				python3 "$TESTS/lib/written.py" t.lz4 $tool t.lz4 > out.lz4 2> err
				[ "$(cat err)" = "$tool: t.lz4: still being written; everything up to now is used" ] || { cat err; return 1; }
				memcat out.lz4 > /dev/null
			done
		done
	done
	# Damage is still reported: bytes that no row begins with, more of them than what is left of any row here.
	{ head -c $((size / 2)) whole; printf '\xc1%.0s' {1..4096}; } > t.lz4
	run -1 --separate-stderr python3 "$TESTS/lib/written.py" t.lz4 memtable t.lz4
	[[ "$stderr" == *"damaged at byte"* ]]
}

@test "a file with nothing in it yet: one line that says what to do" {
	: > t.lz4
	run -1 --separate-stderr python3 "$TESTS/lib/written.py" t.lz4 memtable t.lz4
	[ "$stderr" = "memtable: t.lz4: nothing has been written to it yet: try again in a moment" ]
}

@test "memflame's page says that the trace is still being recorded" {
	big_trace > big.lz4
	head -c $(($(stat -c %s big.lz4) / 2)) big.lz4 > t.lz4
	python3 "$TESTS/lib/written.py" t.lz4 memflame t.lz4 > page.html
	grep -q 'still being written' page.html
}

@test "the command's other files are still read" {
	printf 'alloc 1 5 main@a.py:1\n' | trace > a.lz4
	printf 'alloc 1 7 main@a.py:1\ncut\n' | trace > b.lz4
	run -0 python3 "$TESTS/lib/written.py" b.lz4 memtable a.lz4 b.lz4 a.lz4
	[[ "$output" == *"Total: 17B in 3 allocations"* ]]
}

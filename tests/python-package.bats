# The Python package memrec: the context manager, reading, python -m memrec; with every Python.

load lib/common

# Runs the tests of a class in tests/python with each Python, and prints the skipped ones.
tested() { # MODULE.CLASS
	local python failed=0
	cp "$TESTS"/python/*.py .
	while read -r python; do
		PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$TESTS/../record/python:. timeout 280 "$python" -W default -W error::ResourceWarning -m unittest -v "$1" > log 2>&1 ||
			{ echo "$python: $1"; cat log; failed=1; }
		grep -E "skipped '" log | sed "s|^|# $python: |" >&3 || true
	done < <(pythons)
	return $failed
}

@test "the tour's seventh step: temporary allocations of the block's function, by bytes and count" {
	PYTHONPATH=$TESTS/../record/python /usr/bin/python3 "$TESTS/../examples/tracker.py"
	expected=$(/usr/bin/python3 - <<-'END'
		import sys
		sizes, last = [], 0
		numbers = []
		for n in 1000000, 500000:
		    numbers, last = [], sys.getsizeof([])
		    for i in range(n):
		        numbers.append(i)
		        if sys.getsizeof(numbers) != last:
		            last = sys.getsizeof(numbers)
		            sizes.append(last - sys.getsizeof([]))
		    sizes.pop()		# the last block is not freed in the with block
		sizes = [s for s in sizes if s > 512]
		print(sum(sizes), len(sizes))
	END
	)
	run bash -o pipefail -c "memcat out.lz4 | memtemp | memsummary --json | jq -r '.locations[] | select(.function == \"load\") | \"\(.total_bytes) \(.allocations)\"'"
	[ "$output" = "$expected" ]
	run bash -o pipefail -c 'memcat out.lz4 | memtemp | memsummary'
	[[ "$output" == *load\ at*examples/tracker.py* ]]
	whole=$(memtable --total --json out.lz4 | jq .total_bytes)
	second=$(memslice --span second out.lz4 | memtable --total --json | jq .total_bytes)
	[ "$second" -gt 0 ] && [ "$second" -lt "$whole" ]
}

@test "a block's trace: a million appends by function, bytes and count, nothing from before" { tested tracker_test.Content; }
@test "threads that run when the block opens and closes" { tested tracker_test.Threads; }
@test "to a file, a descriptor, a command; overwriting; full disks" { tested tracker_test.Destinations; }
@test "nested use, second use, and a missing agent are refused" { tested tracker_test.Refusals; }
@test "however a block or its process ends, the trace is whole" { tested processes_test.Ends; }
@test "forks in a block, followed and not" { tested processes_test.Forks; }
@test "block after block leaves no descriptors, mappings, processes" { tested processes_test.Leftovers; }

@test "1,000 blocks in a row" {
	PYTHONS=/usr/bin/python3 MEMREC_TEST_BLOCKS=1000 MEMREC_TEST_FIGURES=$PWD/figures tested processes_test.Leftovers.test_block_after_block
	grep -q ': 1000 blocks' figures
	sed 's/^/# /' figures >&3
}

@test "a block in a process that memrec records, or is attached to, is a span of its trace" { tested spans_test.Recorded; }
@test "spans within a block, and without a recording" { tested spans_test.Spans; }
@test "asyncio, greenlets, gevent" { tested spans_test.Asynchronous; }
@test "traces read in Python" { tested reading_test.Reading; }
@test "censuses as rows in Python: blocks with address, size, type and stack; types; holders" { tested census_test.Census; }
@test "limit_leaked_objects: the objects that a block made and left" { tested objects_test.Objects; }
@test "python -m memrec" { tested reading_test.Module; }

# memrec --sample: which blocks are recorded, what reports make of them, and that a sampled block's free is never missed.

load lib/common
load lib/traces
load lib/told

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

teardown() {
	kill_started
}

blocks() { # builds the program
	cc -O1 -fno-builtin -pthread -o blocks "$TESTS/sampling/blocks.c"
}

# ---------------------------------------------------------------- estimates

@test "with a hundred seeds, what is kept and all that was allocated are known within three standard errors" {
	blocks
	./blocks mix > truth
	for seed in $(seq 100); do
		memrec --sample 32KiB --seed "$seed" -f -o t.lz4 -- ./blocks mix > /dev/null
		for what in --leaks --total; do
			memgrep --allocator malloc,realloc t.lz4 | memtable $what --json | jq -c --arg what "$what" \
				'[$what, .total_bytes, .total_bytes_error, .total_allocations, .total_allocations_error]'
		done
	done > estimates
	python3 - <<-'END'
		import json
		truth = [int(n) for n in open("truth").read().split()]
		beyond, off = 0, {}
		for line in open("estimates"):
		    what, *numbers = json.loads(line)
		    for i in 0, 1:
		        z = (numbers[2 * i] - truth[i + (2 if what == "--total" else 0)]) / numbers[2 * i + 1]
		        off.setdefault((what, i), []).append(z)
		        beyond += abs(z) > 3
		for which, z in off.items():
		    print(which, "mean %.2f, most %.2f" % (sum(z) / len(z), max(map(abs, z))))
		    assert len(z) == 100 and abs(sum(z) / len(z)) < .4, which
		assert beyond <= 4, beyond	# of 400
	END
}

@test "Python's own blocks, too, which its allocators pass on to one another when they grow and shrink" {
	export PYTHONHASHSEED=0
	grown() { memgrep --file growing.py t.lz4 | memtable --total --json | jq -c '[.total_bytes, .total_allocations, .total_bytes_error, .total_allocations_error]'; }
	memrec -A -f -o t.lz4 -- /usr/bin/python3 "$TESTS/sampling/growing.py"
	grown > truth
	for seed in $(seq 60); do
		memrec -A --sample 16KiB --seed "$seed" -f -o t.lz4 -- /usr/bin/python3 "$TESTS/sampling/growing.py"
		grown
	done > estimates
	python3 - <<-'END'
		import json
		truth = json.load(open("truth"))
		rows = [json.loads(line) for line in open("estimates")]
		assert len(rows) == 60
		for i in 0, 1:
		    off = [(row[i] - truth[i]) / row[i + 2] for row in rows]
		    print("mean %.2f, most %.2f" % (sum(off) / 60, max(map(abs, off))))
		    assert abs(sum(off) / 60) < .5 and sum(abs(z) > 3 for z in off) <= 2
	END
}

@test "the same seed gives the same sample, another one another" {
	blocks
	local n=0
	for seed in 1 1 2; do
		n=$((n + 1))
		memrec --sample 64KiB --seed $seed -f -o t.lz4 -- ./blocks mix > /dev/null
		memcat --json t.lz4 | jq -c 'select(.event == "alloc") | [.allocator, .size, .weight]' > rows.$n
	done
	[ "$(wc -l < rows.1)" -gt 1000 ]
	cmp rows.1 rows.2
	not cmp -s rows.1 rows.3
}

# Two places of a sampled trace, whose standard errors follow from the definition.
sampled() {
	trace <<-END
		{"event":"header","command":["app"],"options":{"python_allocators":true,"sample":524288}}
		alloc 1 1000 main@app.py:3;load@app.py:41 weight=5 pid=7 tid=7
		alloc 2 300 main@app.py:3;keep@app.py:50 weight=3 pid=7 tid=7
		alloc 3 4000000 main@app.py:3;load@app.py:42 weight=1 pid=7 tid=7
		free 1 time_ms=20 pid=7 tid=7
		alloc 4 100 main@app.py:3;keep@app.py:51 weight=2 time_ms=30 pid=7 tid=7
	END
}

@test "every report says that it estimates, and how well" {
	sampled > t.lz4
	# 1000^2 * 20 + 300^2 * 6, of which the root is 4532; 5 * 4 + 3 * 2
	for report in memtable memsummary memtree; do
		run $report t.lz4
		[[ "$output" == "app: alive at the high-water mark; sampled, 1 in 512 KiB"$'\n'* ]]
		[[ "$output" == *"Total: 4.006MB ± 4.532kB in 9 ± 5 allocations"* ]]
		[ "$($report --json t.lz4 | jq -c '[.sample, .total_bytes, .total_bytes_error, .total_allocations_error]')" = "[524288,4005900,4532,5]" ]
	done
	# 300^2 * 6 + 100^2 * 2 never freed; all allocations
	[ "$(memtable --leaks --json t.lz4 | jq -c '[.total_bytes, .total_bytes_error, .total_allocations_error]')" = "[4001100,748,3]" ]
	[ "$(memtable --total --json t.lz4 | jq -c '[.total_bytes, .total_bytes_error, .total_allocations_error]')" = "[4006100,4534,5]" ]
	memstats t.lz4 > stats
	grep -qx 'Total allocations:        11 ± 5' stats
	grep -qx 'Total memory allocated:   4.006MB ± 4.534kB' stats
	grep -q '^Peak memory usage:        4.006MB ± 4.532kB in 9 ± 5 allocations,' stats
	[ "$(memstats --json t.lz4 | jq -c '[.sample, .peak_memory_error, .total_bytes_error]')" = "[524288,4532,4534]" ]
	[ "$(memtime t.lz4 | sed -n '1p;2p;$p' | tr '\n' ' ')" = "# seconds	heap	rss	private	proportional	swap	heap_error 0.000	4005900	0	0	0	0	4532 0.030	4001100	0	0	0	0	748 " ]
	[ "$(memtime --json t.lz4 | jq -c '.rows[-1].heap_error')" = 748 ]
	[[ "$(memgrow t.lz4)" == *"sampled, 1 in 512 KiB"*"Total: 4.001MB ± 748B live"* ]]
	[ "$(memgrow --json t.lz4 | jq .live_bytes_error)" = 748 ]
	[[ "$(mem2speedscope t.lz4 | jq -r .name)" == *"sampled, 1 in 512 KiB: 4.006MB ± 4.532kB in"* ]]
	mem2pprof t.lz4 | zcat | grep -qa "in use: 4.006MB ± 4.532kB in"
	[[ "$(memdiff --table t.lz4 t.lz4)" == *"sampled, 1 in 512 KiB: 4.006MB ± 4.532kB in"* ]]
}

@test "memtop says so too" {
	sampled > t.lz4
	run python3 "$TESTS/lib/screen.py" 140x20 wait=ended show keys=q -- memtop t.lz4
	[[ "$output" == *"sampled, 1 in 512 KiB"*"heap 4.001MB ± 748B"* ]]
}

@test "filters keep the weights, and the standard errors are those of what is left" {
	sampled > t.lz4
	[ "$(memgrep --function keep t.lz4 | memtable --json | jq -c '[.title, .total_bytes, .total_bytes_error]')" = \
		'["alive at the high-water mark; only functions '"'keep'"'; sampled, 1 in 512 KiB",1100,748]' ]
	[ "$(memleak t.lz4 | memtable --json | jq -c '[.total_bytes, .total_bytes_error]')" = "[4001100,748]" ]
	[ "$(mempeak t.lz4 | memtable --json | jq -c '[.total_bytes, .total_bytes_error]')" = "[4005900,4532]" ]
	[ "$(memcat --json t.lz4 | memcat --from-json | memtable --json | jq -c '[.sample, .total_bytes_error]')" = "[524288,4532]" ]
	memcat --anonymize t.lz4 | memtable | grep -q "sampled, 1 in 512 KiB"
}

@test "without --sample no report has a standard error" {
	trace <<-END > t.lz4
		alloc 1 1000 main@app.py:3 weight=5
	END
	for report in memtable memsummary memtree memstats memtime memgrow mem2speedscope; do
		echo $report
		for form in "" $([ $report = mem2speedscope ] || echo --json); do
			run $report $form t.lz4
			[ "$status" -eq 0 ]
			[[ "$output" != *±* && "$output" != *"sampled, 1"* && "$output" != *_error* && "$output" != *'"sample":'* ]]
		done
	done
}

@test "sizes from 1 to 1TiB, and a seed only with them" {
	run -2 memrec --sample 0 -o t.lz4 -- true
	[[ "$output" == "memrec: --sample: '0' is not a size from 1 to 1TiB, such as 512KiB"* ]]
	run -2 memrec --sample 2TiB -o t.lz4 -- true
	run -2 memrec --seed 1 -o t.lz4 -- true
	[[ "$output" == "memrec: --seed needs --sample"* ]]
	memrec --sample 1TiB -o t.lz4 -- true
	[ "$(memcat --header t.lz4 | jq .options.sample)" = $((1 << 40)) ]
}

# ---------------------------------------------------------------- one byte: practically every block is sampled

@test "with a sample of one byte, each function of the C library is recorded exactly" {
	cc -O0 -fno-builtin -w -o calls "$TESTS/truth/calls.c"
	memrec --sample 1 -o t.lz4 -- ./calls
	memcat --json t.lz4 | python3 "$TESTS/truth/check_calls.py"
}

objects() { # PYTHON MODE [PYTHON OPTION...]
	memrec -A --sample 1 -f -o t.lz4 -- "$1" "${@:3}" "$TESTS/pymem/objects.py" "$2" > expected &&
		memcat --json t.lz4 > t.json && env -u PYTHONMALLOC python3 "$TESTS/pymem/check_objects.py" expected with < t.json &&
		[ "$(never_freed)" -lt "$(($(unsampled_never_freed "$@") + 30))" ]
}

never_freed() {
	memstats --json t.lz4 | jq .leaked_allocations
}

unsampled_never_freed() { # PYTHON MODE [PYTHON OPTION...]
	memrec -A -f -o whole.lz4 -- "$1" "${@:3}" "$TESTS/pymem/objects.py" "$2" > /dev/null
	memstats --json whole.lz4 | jq .leaked_allocations
}

@test "the objects of every Python too, and each free" {
	local failed=()
	for python in $(all_pythons); do
		run_strict objects "$python" plain
		[ "$status" -eq 0 ] || { echo "$python: $output"; failed+=("$python"); }
	done
	[ ${#failed[@]} -eq 0 ]
}

@test "also with another allocator than pymalloc, with the debug hooks and under tracemalloc" {
	for python in $(pythons | sed -n '1p;$p'); do
		for allocator in malloc debug; do
			echo "$python $allocator"
			PYTHONMALLOC=$allocator objects "$python" plain
		done
		objects "$python" plain -X dev
		objects "$python" tracemalloc
		objects "$python" tracemalloc -X tracemalloc
		! PYTHONMALLOC=mimalloc "$python" -c '' 2> /dev/null || PYTHONMALLOC=mimalloc objects "$python" plain
	done
}

@test "threads that free and resize each other's blocks: each sampled block is freed" {
	blocks
	for size in 1 1KiB 20KiB 512KiB; do
		memrec --sample $size -f -o t.lz4 -- ./blocks threads
		memgrep --min-size 7001 --max-size 7999 t.lz4 > own.lz4
		[ "$(memstats --json own.lz4 | jq '.total_num_allocations > 0')" = true ]
		[ "$(memstats --json own.lz4 | jq .leaked_allocations)" = 0 ]
	done
	[ "$(memgrep --min-size 7001 --max-size 7999 t.lz4 | memcat --json | grep -c '"alloc"')" -lt 20000 ]
}

@test "a forked child has a sample of its own, and what it inherited is not in it" {
	blocks
	memrec --sample 1 --follow-fork -o t.lz4 -- ./blocks fork
	memcat --json t.lz4 | jq -s -r '.[] | select(.event == "alloc" and .size > 7000 and .size < 8100) | "\(.pid) \(.size)"' > rows
	[ "$(wc -l < rows)" = 103 ]
	[ "$(cut -d' ' -f1 rows | sort -u | wc -l)" = 2 ]
	[ "$(grep -c ' 8001$' rows)" = 3 ]
	[ "$(memstats --json t.lz4 | jq .unknown_frees)" = 0 ]
}

@test "with --native the sampled stacks have C functions" {
	memrec --native -A --sample 4KiB --seed 1 -o t.lz4 -- /usr/bin/python3 -c 'import json; x = [json.loads("[1, 2, 3]") for i in range(20000)]'
	memtree --all -t t.lz4 | grep -q json.loads\\\|scanner\\\|_json
	memcat --json t.lz4 | grep -q '"lang":"native"'
}

@test "the frees of small objects pass no hook, where Python's allocator permits" {
	for python in $(pythons); do
		"$python" -c 'import ctypes' 2> /dev/null || continue
		echo "$python"
		run --separate-stderr memrec -A --sample 1MB -f -o t.lz4 -- "$python" "$TESTS/sampling/hooked.py"
		[ "$output" = $'raw malloc calloc realloc free\nmem malloc calloc realloc\nobj malloc calloc realloc' ]
	done
	PYTHONMALLOC=debug run --separate-stderr memrec -A --sample 1MB -f -o t.lz4 -- /usr/bin/python3 "$TESTS/sampling/hooked.py"
	[ "$output" = $'raw malloc calloc realloc free\nmem malloc calloc realloc free\nobj malloc calloc realloc free' ]
}

@test "arenas are not counted in addition to the objects" {
	memrec -A --sample 1 -o t.lz4 -- /usr/bin/python3 -c 'x = [object() for i in range(300000)]'
	[ "$(memgrep --function 'pymalloc arena' t.lz4 | memstats --json | jq .total_num_allocations)" = 0 ]
	memrec --sample 1 -f -o t.lz4 -- /usr/bin/python3 -c 'x = [object() for i in range(300000)]'
	[ "$(memgrep --function 'pymalloc arena' t.lz4 | memstats --json | jq '.total_num_allocations > 0')" = true ]
}

# ---------------------------------------------------------------- attached, and from inside

can_attach() {
	sleep 60 &
	local pid=$! status=0
	memrec -o probe.lz4 -p $pid -d 0.01 2> why || status=1
	kill $pid
	[ $status = 0 ] || ! grep -Eq 'ptrace_scope|forbids' why || skip "$(cat why)"
}

@test "attached again and again, at different rates: each recording has its own rate from its beginning" {
	can_attach
	for python in $(pythons | sed -n '1p;$p'); do
		rm -f in
		start_told "$python" "$TESTS/attach/known.py"
		for size in 1 1GiB 1 1TiB 1; do
			echo "$python $size"
			attach -A --sample $size
			tell work done
			detach
			[ "$size" = 1TiB ] || [ "$size" = 1GiB ] ||
				[ "$(memcat --json t.lz4 | grep -c '"size":777777,.*"allocator":"pymalloc_')" -eq 200 ]
		done
		attach -A	# without sampling afterwards
		tell work done
		detach
		[ "$(memcat --json t.lz4 | grep -c '"size":777777,.*"allocator":"pymalloc_')" -eq 200 ]
		[ "$(memcat --json t.lz4 | grep -c '"event":"alloc".*"weight"')" -eq 0 ]
		kill $pid
	done
}

@test "memrec.Tracker takes a sample too" {
	PYTHONPATH=$TESTS/../record/python /usr/bin/python3 - <<-'END'
		import memrec
		with memrec.Tracker("t.lz4", sample="4KiB", trace_python_allocators=True):
		    kept = [bytes(100) for i in range(100000)]
		try:
		    with memrec.Tracker("u.lz4", sample="none"):
		        pass
		except RuntimeError as e:
		    assert "--sample" in str(e), e
		else:
		    raise SystemExit("accepted")
	END
	memgrep --min-size 133 --max-size 133 t.lz4 | memtable -t --json | jq -e '.sample == 4096 and ((.total_bytes - 13300000) | fabs) < 5 * .total_bytes_error and .total_bytes_error > 100000' > /dev/null
}

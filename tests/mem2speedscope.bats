# mem2speedscope: a file for speedscope, with the same numbers as our own reports.

load lib/common
load lib/traces

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	trace > t.lz4 <<-END
	{"event":"process","pid":7,"info":{"command":["python3","app.py"]}}
	{"event":"thread","pid":7,"tid":8,"name":"worker"}
	alloc 1 1000 main@app.py:3;load@app.py:41 pid=7 tid=7
	alloc 2 500 main@app.py:3 pid=7 tid=8
	alloc 3 300 main@app.py:3;read@libx.so pid=9 tid=9 weight=2
	alloc 4 50 - pid=9 tid=9
	free 4 pid=9 tid=9
	alloc 5 40 main@app.py:3 pid=7 tid=7
	END
}

# Prints each sample of the file as a text, and its weight.
samples() {
	jq -c '.shared.frames as $f | .profiles[] |
		[.name, .unit, .endValue, ([[.samples, .weights] | transpose[] |
			"\(.[0] | map($f[.] | "\(.name)@\(.file)\(if .line then ":\(.line)" else "" end)") | join(";")) \(.[1])"] | sort)]'
}

@test "two profiles, of bytes and of allocations; frames have name, file and line" {
	mem2speedscope --total t.lz4 > out
	jq -e '.["$schema"] == "https://www.speedscope.app/file-format-schema.json" and .name == "app: all allocations" and
		.activeProfileIndex == 0 and ([.profiles[].type] == ["sampled", "sampled"]) and ([.profiles[].startValue] == [0, 0])' out
	samples < out > got
	cat > want <<-END
	["bytes","bytes",2190,["[unknown]@null 50","main@app.py:3 540","main@app.py:3;load@app.py:41 1000","main@app.py:3;read@libx.so 600"]]
	["allocations","none",6,["[unknown]@null 1","main@app.py:3 2","main@app.py:3;load@app.py:41 1","main@app.py:3;read@libx.so 2"]]
	END
	diff got want
}

@test "--by thread, --by process: two profiles for each, the largest first" {
	mem2speedscope --by thread t.lz4 | jq -c '[.profiles[] | select(.unit == "bytes") | [.name, .endValue]]' > got
	echo '[["bytes: 7/7",1000],["bytes: 9/9",650],["bytes: worker 7/8",500]]' | diff got -
	mem2speedscope --total --by process t.lz4 | jq -c '[.profiles[] | [.name, .endValue]]' > got
	echo '[["bytes: 7 python3 app.py",1540],["allocations: 7 python3 app.py",3],["bytes: 9",650],["allocations: 9",3]]' | diff got -
	run mem2speedscope --by line t.lz4
	[ "$status" -eq 2 ]
	[ "${lines[0]}" = "mem2speedscope: --by: 'line' is not thread or process" ]
}

@test "totals equal memsummary's: ten random traces; the parts add up to them" {
	for seed in 1 2 3 4 5 6 7 8 9 10; do
		python3 "$TESTS/lib/gen_trace.py" --events 2000 --seed $seed --processes 2 --threads 3 --weights --unknown --mappings |
			memcat --from-json > r.lz4
		for what in "" --leaks --total; do
			memsummary --json $what r.lz4 | jq -c '[.total_bytes, .total_allocations]' > want
			for by in "" --by=thread --by=process; do
				mem2speedscope $what $by r.lz4 > out
				jq -ce 'all(.profiles[]; .endValue == ([.weights[], 0] | add) and (.samples | length) == (.weights | length))' out
				jq -c '[([.profiles[] | select(.unit == "bytes").endValue] | add), ([.profiles[] | select(.unit != "bytes").endValue, 0] | add)]' out |
					diff - want
			done
		done
	done
}

@test "no allocations: one empty profile; -o FILE" {
	printf '{"event":"end"}\n' | memcat --from-json | mem2speedscope -o out
	jq -e '.shared.frames == [] and .profiles[0].endValue == 0 and (.profiles | length) == 1' out
}

@test "nothing is written to a terminal, but -o FILE is" {
	echo 'alloc 1 10 main@a.py:1' | trace > t.lz4
	run script -qec "mem2speedscope t.lz4" /dev/null
	[ "$status" -eq 2 ]
	[[ "$output" == *"the output is a file for speedscope: append '> FILE', or use -o FILE"* ]]
	script -qec "mem2speedscope -o out t.lz4" /dev/null
	mem2speedscope t.lz4 | cmp - out
}

@test "speedscope's own importer reads the same numbers: ten random traces" {
	speedscope=$TESTS/../build/speedscope/node_modules/speedscope
	command -v node > /dev/null && [ -d "$speedscope" ] || skip "no speedscope: make speedscope"
	for seed in 1 2 3 4 5 6 7 8 9 10; do
		python3 "$TESTS/lib/gen_trace.py" --events 2000 --seed $seed --processes 2 --threads 3 --weights --unknown --mappings |
			memcat --from-json > r.lz4
		for what in "" --leaks --total; do
			mem2speedscope $what r.lz4 > r.json
			node "$TESTS/lib/speedscope_import.js" "$speedscope" r.json > imported
			memsummary --json $what r.lz4 > summary
			jq -c '[.total_bytes, .total_allocations]' summary | diff - <(jq -sc 'map(.total)' imported)
			jq -r '.locations[] | select(.own_bytes > 0) | "\(.function)|\(.file)|\(.own_bytes)"' summary | sed 's/|\[unknown\]|/||/' | LC_ALL=C sort > ours
			jq -sr '.[0].functions | group_by([.[0], .[1]])[] | "\(.[0][0])|\(.[0][1])|\(map(.[3]) | add)"' imported |
				grep -v '|0$' | LC_ALL=C sort | diff ours -
		done
	done
}

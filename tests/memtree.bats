# memtree: the call tree as text.

load lib/common
load lib/traces

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	trace > t.lz4 <<-END
	alloc 1 1500000 main@app.py:3;run@app.py:9;load@app.py:41
	alloc 2 600000 main@app.py:3;run@app.py:9;parse@app.py:57;inner@app.py:60
	alloc 3 400000 main@app.py:3;run@app.py:9;parse@app.py:57
	alloc 4 500000 start@app.py:1
	END
}

@test "callees below their caller, the biggest first; a chain is one step" {
	run memtree t.lz4
	[ "$output" = 'app: alive at the high-water mark
 Percent        Size   Allocations  Call
 100.00%     3.000MB             4  [total]
  83.33%     2.500MB             3  ├─ main (app.py:3)
                                    │  run (app.py:9)
  50.00%     1.500MB             1  │  ├─ load (app.py:41)
  33.33%     1.000MB             2  │  └─ parse (app.py:57)
  20.00%   600.000kB             1  │     └─ inner (app.py:60)
  16.67%   500.000kB             1  └─ start (app.py:1)' ]
}

@test "a caller that allocates itself does not continue a chain" {
	printf 'alloc 1 10 main@a.py:1\nalloc 2 20 main@a.py:1;f@a.py:2;g@a.py:3\n' | trace > own.lz4
	run bash -o pipefail -c 'memtree own.lz4 | tail -n 3'
	[ "$output" = ' 100.00%         30B             2  └─ main (a.py:1)
  66.67%         20B             1     └─ f (a.py:2)
                                          g (a.py:3)' ]
}

@test "--depth limits the steps, and shows the number of calls below" {
	run bash -o pipefail -c 'memtree --depth 1 t.lz4 | tail -n +4'
	[ "$output" = '  83.33%     2.500MB             3  ├─ main (app.py:3)
                                    │  run (app.py:9)  [+3]
  16.67%   500.000kB             1  └─ start (app.py:1)' ]
}

@test "--path expands only the biggest path" {
	run bash -o pipefail -c 'memtree --path t.lz4 | tail -n 4'
	[ "$output" = '                                    │  run (app.py:9)
  50.00%     1.500MB             1  │  ├─ load (app.py:41)
  33.33%     1.000MB             2  │  └─ parse (app.py:57)  [+1]
  16.67%   500.000kB             1  └─ start (app.py:1)' ]
	run -2 memtree --path --all t.lz4
}

@test "--biggest: only calls that lead to the N biggest stacks; the numbers cover everything, the rest is reported" {
	run bash -o pipefail -c 'memtree --biggest 2 t.lz4 | tail -n +3'
	[ "$output" = ' 100.00%     3.000MB             4  [total]
  83.33%     2.500MB             3  └─ main (app.py:3)
                                       run (app.py:9)
  50.00%     1.500MB             1     ├─ load (app.py:41)
  33.33%     1.000MB             2     └─ parse (app.py:57)
  20.00%   600.000kB             1        └─ inner (app.py:60)
Left out: 900.000kB in 2 allocations on 2 stacks, not among the biggest (--biggest)' ]
}

@test "--json: the same order, with own numbers" {
	run bash -o pipefail -c 'memtree --json t.lz4 | jq -c ".total_bytes, (.calls[] | [.depth, .function, .line, .bytes, .own_bytes, .own_allocations])"'
	[ "$output" = '3000000
[1,"main",3,2500000,0,0]
[2,"run",9,2500000,0,0]
[3,"load",41,1500000,1500000,1]
[3,"parse",57,1000000,400000,1]
[4,"inner",60,600000,600000,1]
[1,"start",1,500000,500000,1]' ]
}

@test "allocations without a stack are a call; an empty trace has an empty tree" {
	printf 'alloc 1 10 -\n' | trace > unknown.lz4
	run bash -o pipefail -c 'memtree unknown.lz4 | tail -n 1'
	[ "$output" = ' 100.00%         10B             1  └─ [unknown]' ]
	trace < /dev/null > nothing.lz4
	run bash -o pipefail -c 'memtree nothing.lz4 | tail -n 1'
	[ "$output" = '   0.00%          0B             0  [total]' ]
	[ "$(memtree --json nothing.lz4 | jq '.calls | length')" = 0 ]
}

@test "on random traces own numbers add up to the total, and agree with memfold" {
	for seed in 1 2 3; do
		python3 "$TESTS/lib/gen_trace.py" --events 5000 --seed $seed --weights | memcat --from-json > r.lz4
		for what in "" --leaks --total; do
			[ "$(memtree $what --json r.lz4 | jq '([.calls[].own_bytes] | add) == .total_bytes and ([.calls[].own_allocations] | add) == .total_allocations and ([.calls[] | select(.depth == 1) | .bytes] | add) == .total_bytes')" = true ]
			diff <(memtree $what --json r.lz4 | jq '.calls[] | select(.own_bytes > 0) | .own_bytes' | sort -n) <(memfold $what r.lz4 | awk '{ print $NF }' | sort -n)
		done
	done
}

@test "a stack of ten thousand frames makes a tree" {
	python3 - <<-'END' | memcat --from-json > deep.lz4
		print('{"event":"header"}\n{"event":"function","function":1,"name":"f","file":"f.py"}\n{"event":"frame","frame":1,"function":1,"line":1}')
		for i in range(1, 10001):
		    print('{"event":"stack","stack":%d,"parent":%d,"frame":1}' % (i, i - 1))
		print('{"event":"alloc","id":1,"size":5,"stack":10000}\n{"event":"end"}')
	END
	[ "$(memtree deep.lz4 | grep -c 'f (f.py:1)')" = 10000 ]
}

@test "on a terminal: colours, the biggest path, lines that fit" {
	run script -qec 'stty rows 30 columns 80; memtree t.lz4' /dev/null
	[[ "$output" == *$'\033[31m'*"[+1]"* ]]
	run script -qec 'memtree --all t.lz4' /dev/null
	[[ "$output" == *"inner"* ]]
	run memtree t.lz4
	[[ "$output" != *$'\033'* ]]
}

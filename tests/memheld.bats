# memheld: who holds memory, and how much is let go with it.

load lib/common
load lib/traces

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

# Blocks 1 to 9 at 100, 200, …: a module 1 with a dict 2 (keys 3): x is a list 4 (items 5) of two objects 6 and 7, which share 8.
# 9 and 10 hold each other. 11 is held by nothing, and holds 12. References of 5 come before their block's row.
heap() {
	for id in 1 2 3 4 5 6 7 8 9 10 11 12; do
		echo "alloc $id $((id * 1000)) main@app.py:3;make@app.py:$id pid=7 tid=7"
	done
	cat <<-'END'
	{"event":"census","pid":7,"time_ms":1,"info":{"moment":"script end","typed":1}}
	{"event":"blocks","pid":7,"time_ms":1,"info":{"names":["app","x"],"references":[100,1,100,2,100,1,100,0,100,1,100,4,100,1,100,0,100,2,100,1,100,3,100,1,200,0,100,1,100,0,200,1,100,0,100,1,-100,0,100,1,100,0]}}
	{"event":"blocks","pid":7,"time_ms":1,"info":{"root":"libc.so.6","names":[],"references":[0,1,800,0]}}
	{"event":"blocks","pid":7,"time_ms":1,"info":{"types":["module","dict","dict [keys]","list","list [items]","app.Request","bytes","Node"],"blocks":[100,1,1,100,1,2,100,1,3,100,1,4,100,1,5,100,1,6,100,1,6,100,1,7,100,1,8,100,1,8,100,1,8,100,1,7]}}
	END
}

rows() { # [OPTION...]
	memheld --json "$@" t.lz4 | jq -r '.rows[] | "\(.retained) \(.objects) \(.own) \(.path) \(.line)"'
}

@test "of a type: what its objects retain, and the shortest path to them, whatever comes first in the trace" {
	heap | trace > t.lz4
	# 8 is held by 6, 7 and a variable of libc: nobody retains it
	[ "$(rows --type '^app.Request$')" = '13000 2 13000 module app -> x (list) -> […] (app.Request) 6' ]
	[ "$(rows --type '^list$')" = '22000 1 4000 module app -> x (list) 4' ]
	[ "$(rows --type '^bytes$')" = '12000 1 12000 no known holder -> Node -> bytes 12
8000 1 8000 module app -> x (list) -> […] (app.Request) -> bytes 8' ]
	[ "$(rows --function '^make$' --type dict)" = '27000 1 2000 module app -> dict 2' ]
}

@test "cycles that no root reaches, and what nothing refers to" {
	heap | trace > t.lz4
	[ "$(rows --type '^Node$')" = '23000 1 11000 no known holder -> Node 11
19000 2 19000 (not reachable from a root) 9' ]
	[ "$(memheld --json t.lz4 | jq -c '[.unreachable_objects, .unreachable_bytes]')" = '[2,19000]' ]
	memheld t.lz4 | grep -qx '2 objects, 19.000kB, hold one another, and no root reaches them: garbage'
}

@test "without options: where memory accumulates" {
	heap | trace > t.lz4
	# of the module's 28 kB the list has 22, and of these no object three quarters
	run memheld --rows 2 t.lz4
	[ "$output" = 'app: who holds memory at the last census
 Retained    Objects        Own  Path
 23.000kB          1   11.000kB  no known holder -> Node, allocated at make at app.py:11
 22.000kB          1    4.000kB  module app -> x (list), allocated at make at app.py:4
1 more rows (-r 3 shows all)
2 objects, 19.000kB, hold one another, and no root reaches them: garbage' ]
}

@test "dominators and paths agree with their definitions on random graphs" {
	cat > random_graph.py <<-'END'
		import json, random, subprocess, sys
		for seed in range(60):
		    random.seed(seed)
		    n = random.randint(1, 30)
		    edges = [(random.randrange(n), random.randrange(n)) for i in range(random.randint(0, 3 * n))]
		    roots = [random.randrange(n) for i in range(random.randint(1, 3))]
		    held = {to for _, to in edges} | set(roots)
		    all_roots = set(roots) | {v for v in range(n) if v not in held}
		    def reach(without):
		        seen, todo = set(), [v for v in all_roots if v != without]
		        while todo:
		            v = todo.pop()
		            if v not in seen:
		                seen.add(v)
		                todo += [b for a, b in edges if a == v and b != without]
		        return seen
		    reached = reach(None)
		    want = {v: sum(v2 + 1 for v2 in reached - reach(v)) for v in reached}
		    lines = [{"event": "header", "command": ["app"]}]
		    lines += [{"event": "alloc", "id": v + 1, "size": v + 1, "pid": 7, "tid": 7, "stack": 0} for v in range(n)]
		    lines += [{"event": "census", "pid": 7, "time_ms": 0, "info": {}}]
		    numbers, last = [], 0
		    for a, b in edges:
		        numbers += [16 * (a + 1) - last, 1, 16 * (b - a), 0]
		        last = 16 * (a + 1)
		    lines += [{"event": "blocks", "pid": 7, "time_ms": 0, "info": {"names": [], "references": numbers}}]
		    numbers = []
		    for b in roots:
		        numbers += [0, 1, 16 * (b + 1), 0]
		    lines += [{"event": "blocks", "pid": 7, "time_ms": 0, "info": {"root": "lib", "names": [], "references": numbers}}]
		    lines += [{"event": "blocks", "pid": 7, "time_ms": 0, "info": {"types": ["t%d" % v for v in range(n)],
		              "blocks": [x for v in range(n) for x in (16, 1, v + 1)]}}]
		    lines += [{"event": "end"}]
		    text = "".join(json.dumps(line) + "\n" for line in lines)
		    trace = subprocess.run(["memcat", "--from-json"], input=text.encode(), stdout=subprocess.PIPE, check=True).stdout
		    got = {}
		    for v in range(n):
		        out = subprocess.run(["memheld", "--json", "--type", "^t%d$" % v], input=trace, stdout=subprocess.PIPE, check=True).stdout
		        row = json.loads(out)["rows"][0]
		        if "not reachable" not in row["path"]:
		            got[v] = row["retained"]
		    assert got == want, (seed, edges, roots, got, want)
	END
	python3 random_graph.py
}

@test "a damaged or hostile census neither crashes nor hangs; without references one line says so" {
	printf '%s\n' 'alloc 1 1 a@a.py:1 pid=7' '{"event":"census","pid":7,"time_ms":1,"info":{}}' \
		'{"event":"blocks","pid":7,"time_ms":1,"info":{"names":["a",5],"references":[1,2,3,4,5,-6,7]}}' \
		'{"event":"blocks","pid":7,"time_ms":1,"info":{"names":[],"references":[1,4294967295,0,0,1,9223372036854775807,1]}}' \
		'{"event":"blocks","pid":7,"time_ms":1,"info":{"root":3,"references":{}}}' \
		'{"event":"blocks","pid":7,"time_ms":1,"info":{"types":["module"],"blocks":[1,1,1,0,0,1]}}' | trace > t.lz4
	run timeout 20 memheld t.lz4
	[ "$status" -eq 0 ]
	printf 'alloc 1 1 a@a.py:1\n' | trace > none.lz4
	run memheld none.lz4
	[ "${lines[1]}" = "There is no census with references: record one with 'memrec --references'." ]
	[ "$(memheld --json none.lz4 | jq -c '[.references, .rows]')" = '[0,[]]' ]
	run -2 memheld --type '(' none.lz4
}

# Each hunt is one program with a leak, and ends with one command, whose first row is the holder.
hunt() { # PYTHON NAME PATTERN OPTION...
	memrec -A --references -f -o t.lz4 -- "$1" "$TESTS/hunts/$2.py"
	local first
	first=$(memheld --json --rows 1 "${@:4}" t.lz4 | jq -r '.rows[0] | "\(.objects) \(.path)"')
	echo "$1 $2: $first"
	[[ $first =~ $3 ]]
}

@test "hunts: a cache on a method, tracebacks kept, tasks in a set, a reference too many, a cycle" {
	[ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer cannot record"
	for python in $(all_pythons); do
		hunt "$python" lru_cache '^[0-9]+ module __main__ -> Repo \(type\) -> size \(functools._lru_cache_wrapper\)'
		hunt "$python" tracebacks '^1 module __main__ -> FAILED \(list\)$'
		hunt "$python" tracebacks '^1[0-9][0-9] .* -> FAILED \(list\) -> .* \(ValueError\) -> traceback -> .*frame -> ' --type '^bytes$'
		hunt "$python" tasks '^1 module __main__ -> TASKS \(set\)$'
		hunt "$python" incref '^[0-9]+ no known holder -> __main__.Link' --type '^bytes$'
		hunt "$python" cycle '^[0-9]+ \(not reachable from a root\)$' --type '^bytes$'
	done
}

@test "references survive filters that number blocks anew; anonymized ones have other names" {
	[ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer cannot record"
	memrec -A --references -o t.lz4 -- python3 "$TESTS/hunts/tasks.py"
	whole=$(memheld --json --rows 1 --type '^bytes$' t.lz4 | jq -c '.rows[0] | [.objects, .path]')
	[[ $whole == '[100,"module __main__ -> TASKS (set)'* ]]
	memsplit-pid -f -o part.%n.lz4 t.lz4
	memmerge part.1.lz4 > merged.lz4
	[ "$(memheld --json --rows 1 --type '^bytes$' merged.lz4 | jq -c '.rows[0] | [.objects, .path]')" = "$whole" ]
	run -1 grep -c 'TASKS' <(memcat --anonymize t.lz4 | memcat --json)
}

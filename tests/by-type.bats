# --by type, memfold --types and memgrep --type: what a census found alive.

load lib/common
load lib/traces

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	# Block 1 is freed before the census, 5 comes after it, 2 shrinks, and the first census of the process is void.
	trace > t.lz4 <<-'END'
	alloc 1 100 main@app.py:3;load@app.py:41 pid=7 tid=7
	alloc 2 200 main@app.py:3;load@app.py:41
	{"event":"census","pid":7,"time_ms":1,"info":{"moment":"request","typed":1}}
	{"event":"blocks","pid":7,"time_ms":1,"info":{"types":["old"],"blocks":[4096,1,1,4096,1,1]}}
	alloc 3 1000 main@app.py:3;load@app.py:41
	alloc 4 50 main@app.py:3
	alloc 6 7 -
	resize 2 150
	free 1
	{"event":"census","pid":7,"time_ms":2,"info":{"moment":"script end","typed":1}}
	{"event":"blocks","pid":7,"time_ms":2,"info":{"types":["app.Request","dict"],"blocks":[4096,2,1,64,1,1,64,1,2]}}
	{"event":"blocks","pid":7,"time_ms":2,"info":{"types":["dict"],"blocks":[65536,6,0]}}
	alloc 5 999999 main@app.py:3
	free 3
	END
}

@test "memtable --by type: a row for each place and type" {
	run memtable --by type t.lz4
	[ "$output" = 'app: alive at the last census
       Size    Allocations  Type              Location
    1.150kB              2  app.Request       load at app.py:41
        50B              1  dict              main at app.py:3
         7B              1  [type not known]  [unknown]
Total: 1.207kB in 4 allocations, 3 rows' ]
	[ "$(memtable --by type --csv t.lz4 | head -2)" = 'size,allocations,type,threads,pid,tid,thread,function,file,line,language
1150,2,app.Request,1,7,7,,load,app.py,41,python' ]
	[ "$(memtable --by type --json t.lz4 | jq -r '.rows[] | "\(.type) \(.size) \(.function)"')" = 'app.Request 1150 load
dict 50 main
 7 ' ]
}

@test "memsummary --by type: a row for each type" {
	[ "$(memsummary --by type --json t.lz4 | jq -r '.locations[] | "\(.function) \(.total_bytes) \(.own_bytes) \(.allocations)"')" = \
		'app.Request 1150 1150 2
dict 50 50 1
[type not known] 7 7 1' ]
}

@test "memtree --by type and memfold --types: the type is below the frame that allocated" {
	run memfold --types t.lz4
	[ "$output" = '[unknown];[type not known] 7
main (app.py:3);[dict] 50
main (app.py:3);load (app.py:41);[app.Request] 1150' ]
	[ "$(memtree --by type --json t.lz4 | jq -r '.calls[] | "\(.depth) \(.function) \(.bytes)"')" = '1 main 1200
2 load 1150
3 [app.Request] 1150
2 [dict] 50
1  7
2 [type not known] 7' ]
}

@test "the title says when the census was taken" {
	memcat --json t.lz4 | grep -v '"moment":"request"\|"old"' | memcat --from-json > one.lz4
	run memtable --by type one.lz4
	[ "${lines[0]}" = 'app: alive at the end of the script' ]
}

@test "memgrep --type: what the last census found alive of these types, with its census; an answer" {
	run memgrep --type Request t.lz4
	memgrep --type Request t.lz4 > requests.lz4
	run memtable requests.lz4
	[ "$output" = "app: alive at the last census, only types 'Request'
       Size    Allocations  Allocator  Location
    1.150kB              2  malloc     load at app.py:41
Total: 1.150kB in 2 allocations, 1 row" ]
	[ "$(memfold --types requests.lz4)" = 'main (app.py:3);load (app.py:41);[app.Request] 1150' ]
	[ "$(memgrep --type '^dict$' t.lz4 | memfold)" = 'main (app.py:3) 50' ]
	[ "$(memgrep --type '^$' t.lz4 | memfold)" = '[unknown] 7' ]
}

@test "memgrep --census: another census than the last" {
	[ "$(memgrep --census 1 t.lz4 | memfold --types)" = 'main (app.py:3);load (app.py:41);[old] 300' ]
	[ "$(memgrep --census 2 t.lz4 | memfold --types)" = "$(memfold --types t.lz4)" ]
	[ "$(memgrep --census 1 --type old --min-size 150 t.lz4 | memfold)" = 'main (app.py:3);load (app.py:41) 200' ]
	[ "$(memgrep --census 1 t.lz4 | memsummary --by type | head -1)" = 'app: alive at a census, only census 1' ]
	[ "$(memgrep --census 3 t.lz4 | memfold)" = '' ]
	run -1 memfold --types <(memgrep --census 3 t.lz4)
	run -2 memgrep --census 0 t.lz4
	# each process and each trace has censuses of its own
	printf '%s\n' 'alloc 1 10 a@a.py:1 pid=7' 'alloc 2 20 a@a.py:1 pid=8' \
		'{"event":"census","pid":7,"time_ms":1,"info":{}}' '{"event":"blocks","pid":7,"time_ms":1,"info":{"types":["x"],"blocks":[1,1,1]}}' \
		'{"event":"census","pid":8,"time_ms":1,"info":{}}' '{"event":"blocks","pid":8,"time_ms":1,"info":{"types":["y"],"blocks":[1,2,1]}}' |
		trace > two.lz4
	[ "$(cat two.lz4 t.lz4 | memgrep --census 1 | memsummary --by type --json | jq -c '[.locations[] | [.function, .total_bytes]]')" = \
		'[["old",300],["y",20],["x",10]]' ]
	[ "$(cat two.lz4 t.lz4 | memgrep --census 2 | memfold)" = "$(memgrep --census 2 t.lz4 | memfold)" ]
}

@test "memgrep --type beside other conditions, inverted, and twice" {
	[ "$(memgrep --type Request --min-size 1000 t.lz4 | memfold)" = 'main (app.py:3);load (app.py:41) 1000' ]
	[ "$(memgrep --type Request --min-size 1000 t.lz4 | memgrep --type app | memfold)" = 'main (app.py:3);load (app.py:41) 1000' ]
	[ "$(memgrep -v --type Request t.lz4 | memfold)" = '[unknown] 7
main (app.py:3) 50' ]
	[ "$(memgrep --type . --pid 8 t.lz4 | memfold)" = '' ]
}

@test "each trace and each process has its own census" {
	printf '%s\n' 'alloc 1 10 a@a.py:1 pid=7' 'alloc 2 20 a@a.py:1 pid=8' \
		'{"event":"census","pid":7,"time_ms":1,"info":{}}' '{"event":"blocks","pid":7,"time_ms":1,"info":{"types":["x"],"blocks":[1,1,1,1,1,1]}}' \
		'{"event":"census","pid":8,"time_ms":1,"info":{}}' '{"event":"blocks","pid":8,"time_ms":1,"info":{"types":["y"],"blocks":[1,2,1]}}' |
		trace > two.lz4
	cat two.lz4 t.lz4 two.lz4 > all.lz4
	[ "$(memsummary --by type --json all.lz4 | jq -c '[.locations[] | [.function, .total_bytes]]')" = \
		'[["app.Request",1150],["dict",50],["y",40],["x",20],["[type not known]",7]]' ]
	[ "$(memgrep --type '^[xy]$' all.lz4 | memsummary --by type --json | jq -c '[.locations[] | [.function, .total_bytes]]')" = \
		'[["y",40],["x",20]]' ]
}

@test "after memslice a block's type is its own" {
	# Within the span, ids are given anew; a window ends before its census, whose ids are others' by then.
	trace > spans.lz4 <<-'END'
	alloc 1 1 a@a.py:1 pid=7 tid=7
	{"event":"span","pid":7,"tid":7,"time_ms":5,"begins":true,"name":"s"}
	alloc 2 20 a@a.py:1 time_ms=5
	alloc 3 30 a@a.py:1 time_ms=6
	{"event":"span","pid":7,"tid":7,"time_ms":6,"begins":false,"name":"s"}
	free 2 time_ms=20
	alloc 2 500 a@a.py:1 time_ms=20
	{"event":"census","pid":7,"time_ms":20,"info":{}}
	{"event":"blocks","pid":7,"time_ms":20,"info":{"types":["one","new","three"],"blocks":[1,1,1,1,1,2,1,1,3]}}
	END
	[ "$(memslice --span s spans.lz4 | memfold --types)" = 'a (a.py:1);[three] 30' ]
	[ "$(memslice --begin 6ms spans.lz4 | memfold --types)" = 'a (a.py:1);[new] 500
a (a.py:1);[three] 30' ]
	memslice --end 10ms spans.lz4 > window.lz4
	run -1 memfold --types window.lz4
	[[ $output == *'window.lz4 has no census: record it with '* ]]
}

@test "without a census, after a filter that drops frees, and beside --leaks: one line says why not" {
	printf 'alloc 1 1 a@a.py:1\n' | trace > none.lz4
	for tool in 'memtable --by type' 'memsummary --by type' 'memtree --by type' 'memfold --types' 'memgrep --type x'; do
		run -1 --separate-stderr $tool none.lz4
		echo "$tool: $stderr"
		[[ $stderr == *"none.lz4 has no census: record it with 'memrec --census'"* ]]
	done
	memleak t.lz4 > leaks.lz4
	run -1 memtable --by type leaks.lz4
	[[ $output == *'none of the blocks in its census is there: filters that leave out frees'* ]]
	for tool in 'memtable --by type' 'memsummary --by type' 'memtree --by type' 'memfold --types'; do
		run -2 $tool --leaks t.lz4
		[[ $output == *'give no --leaks or --total with it'* ]]
	done
	run -2 memtable --by type --every 1s t.lz4
	run -2 memsummary --by type --every 1s t.lz4
}

@test "recorded: the objects that a script keeps, with the place that made them" {
	[ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer cannot record"
	cat > app.py <<-'END'
		class Request:
		    def __init__(self, i):
		        self.body = bytes(2000 + i)
		kept = []
		def remember(i):
		    kept.append(Request(i))
		for i in range(1000):
		    remember(i)
	END
	memrec -A --census -f -o t.lz4 -- python3 app.py
	[ "$(memslice --span script t.lz4 | memtable --by type --json |
		jq -r '.rows[] | select(.type == "bytes" and .line == 3) | .allocations')" = 1000 ]
	[ "$(memgrep --type '^__main__[.]Request$' t.lz4 | memtable --json | jq -c '.rows[] | [.function, .line, .allocations]')" = \
		'["remember",6,1000]' ]
}

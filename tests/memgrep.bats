# memgrep: conditions on allocations, which keep their frees.

load lib/common
load lib/traces

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	trace > t.lz4 <<-END
	{"event":"thread","pid":1,"tid":10,"name":"main"}
	{"event":"thread","pid":1,"tid":11,"name":"worker-1"}
	{"event":"thread","pid":2,"tid":20,"name":"main"}
	alloc 1 10 main@app.py:1;load@util.py:2 pid=1 tid=10
	alloc 2 200 main@app.py:1;Load.run@app.py:7 pid=1 tid=11 allocator=mmap
	alloc 3 3000 main@app.py:1;load@util.py:3;malloc@libx.so pid=2 tid=20 allocator=calloc
	alloc 4 40000 - pid=2 tid=20
	resize 2 100
	free 1
	free 3
	END
}

# Prints the remaining sizes in order, and the numbers of frees and resizes.
left() { # MEMGREP-OPTION...
	memgrep "$@" | memcat --json | jq -r 'select(.event == "alloc") | .size' | paste -sd ' '
}

@test "functions, files and modules by regular expressions, anywhere in the stack" {
	[ "$(left -f '^load$' t.lz4)" = "10 3000" ]
	[ "$(left --function oad t.lz4)" = "10 200 3000" ]
	[ "$(left --file 'util\.py' t.lz4)" = "10 3000" ]
	[ "$(left --module '^libx' t.lz4)" = "3000" ]
	[ "$(left -f 'main|malloc' t.lz4)" = "10 200 3000" ]
	[ "$(left -f nothing t.lz4)" = "" ]
	[ "$(left -f '' t.lz4)" = "10 200 3000" ]
}

@test "--innermost: the function that allocates" {
	[ "$(left --innermost --file app.py t.lz4)" = "200" ]
	[ "$(left -I -f '^load$' t.lz4)" = "10" ]
}

@test "conditions on frames must hold together for one frame, others for the allocation" {
	[ "$(left -f load --file util t.lz4)" = "10 3000" ]
	[ "$(left -f main --file util t.lz4)" = "" ]
	[ "$(left -f load --min-size 100 t.lz4)" = "3000" ]
	[ "$(left -f load --pid 1 --max-size 1k t.lz4)" = "10" ]
}

@test "--ignore-case applies to each expression" {
	[ "$(left -i -f '^LOAD' t.lz4)" = "10 200 3000" ]
	[ "$(left -f '^LOAD' t.lz4)" = "" ]
}

@test "sizes have units and include the limits" {
	[ "$(left -s 200 -S 3kB t.lz4)" = "200 3000" ]
	[ "$(left --min-size 3001 t.lz4)" = "40000" ]
	[ "$(left --max-size 199 t.lz4)" = "10" ]
}

@test "allocators, processes, threads by number and by name" {
	[ "$(left -a mmap,calloc t.lz4)" = "200 3000" ]
	[ "$(left --pid 2 t.lz4)" = "3000 40000" ]
	[ "$(left --tid 11 t.lz4)" = "200" ]
	[ "$(left --thread '^worker' t.lz4)" = "200" ]
	[ "$(left --thread main t.lz4)" = "10 3000 40000" ]
}

@test "--thread matches the name that the thread has at that moment" {
	printf '{"event":"thread","pid":1,"tid":1,"name":"a"}\nalloc 1 1 - pid=1 tid=1\n{"event":"thread","pid":1,"tid":1,"name":"b"}\nalloc 2 2 -\n' | trace > t.lz4
	[ "$(left -T a t.lz4)" = 1 ]
	[ "$(left -T b t.lz4)" = 2 ]
}

@test "frees and resizes are kept or dropped together with their allocation" {
	count() { memcat --json | grep -cE "\"event\":\"($1)\""; }
	[ "$(memgrep -S 10 t.lz4 | count 'alloc|free|resize')" = 2 ]
	[ "$(memgrep -a mmap t.lz4 | count 'alloc|free|resize')" = 2 ]
	[ "$(memgrep -s 40000 t.lz4 | count 'alloc|free|resize')" = 1 ]
}

@test "--invert keeps the others: together they are the whole trace" {
	for condition in '-f ^load$' '-I --file app' '--pid 2' '--min-size 100 --pid 2' '-a mmap' '-T main'; do
		with=$(left $condition t.lz4) without=$(left -v $condition t.lz4)
		[ "$(echo $with $without | tr ' ' '\n' | sort -n | paste -sd ' ')" = "10 200 3000 40000" ]
	done
}

@test "--pid leaves out rows about other processes, also with --invert" {
	printf '{"event":"process","pid":1}\n{"event":"process","pid":2}\n{"event":"rss","pid":1,"size":5}\n{"event":"rss","pid":2,"size":6}\nalloc 1 1 - pid=1\n' | trace > t.lz4
	told() { memcat --json | jq -r 'select(.event == "process" or .event == "rss") | .pid' | paste -sd ' '; }
	[ "$(memgrep --pid 1 t.lz4 | told)" = "1 1" ]
	[ "$(memgrep -v --pid 1 t.lz4 | told)" = "2 2" ]
	[ "$(memgrep -v --pid 1 --min-size 3 t.lz4 | told)" = "1 2 1 2" ]
	[ "$(memgrep --min-size 3 t.lz4 | told)" = "1 2 1 2" ]
}

@test "the number of allocations left out is passed on for each thread" {
	run bash -o pipefail -c 'memgrep -s 3000 t.lz4 | memcat --json | grep -E "\"event\":\"(alloc|free|skipped)" | grep -v 40000'
	[ "${#lines[@]}" -eq 2 ]	# no allocation of thread 20 is left out
	printf 'alloc 1 9 -\nalloc 2 1 -\nalloc 3 1 - tid=7\nalloc 4 1 - tid=0\nfree 1\n' | trace > t.lz4
	run bash -o pipefail -c 'memgrep -s 9 t.lz4 | memcat --json | grep -E "\"event\":\"(alloc|free|skipped)"'
	[ "${lines[1]}" = '{"event":"skipped","count":2,"pid":0,"tid":0,"time_ms":0}' ]
	[ "${#lines[@]}" -eq 3 ]
}

@test "invalid regular expressions, allocators and sizes are usage errors" {
	run -2 memgrep -f '(' t.lz4
	[[ "${lines[0]}" == "memgrep: --function: '(': "* ]]
	run -2 memgrep -a malloc,foo t.lz4
	[[ "${lines[0]}" == "memgrep: --allocator: unknown allocator 'foo'"* ]]
	run -2 memgrep -s big t.lz4
}

@test "memory use is proportional to the ids and threads in use" {
	[ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer's own memory would be measured"
	for i in $(seq 0 99); do echo "alloc $((i * 42949672)) 1 - tid=$i"; done | trace > t.lz4
	ulimit -v 40000
	[ "$(left -s 1 t.lz4 | wc -w)" = 100 ]
}

# memsummary: the memory of each function, alone and with its callees.

load lib/common
load lib/traces
load lib/every

# Prints memsummary's rows as "location total own count"; its columns contain no blanks.
rows() {
	memsummary "$@" | sed '1,2d;$d' | awk '{ n = NF; print $1, $2, $3, $(n-4), $(n-2), $n }'
}

@test "a caller's total includes its callees' memory and allocations, each has its own" {
	trace > t.lz4 <<-END
	alloc 1 1000 main@a.py:1;load@a.py:2
	alloc 2 500 main@a.py:1;save@b.py:3
	alloc 3 20 main@a.py:9
	END
	run rows t.lz4
	[ "$output" = "main at a.py 1.520kB 20B 3
load at a.py 1.000kB 1.000kB 1
save at b.py 500B 500B 1" ]
}

@test "a function that calls itself is counted once, whatever its lines" {
	trace > t.lz4 <<-END
	alloc 1 100 walk@a.py:1;walk@a.py:2;walk@a.py:3
	alloc 2 10 walk@a.py:1;visit@a.py:7;walk@a.py:2;visit@a.py:7
	END
	run rows t.lz4
	[ "$output" = "walk at a.py 110B 100B 2
visit at a.py 10B 10B 1" ]
}

@test "functions of one name in two files have two rows" {
	trace > t.lz4 <<-END
	alloc 1 100 f@a.py:1
	alloc 2 10 f@b.py:1
	END
	run rows t.lz4
	[ "$output" = "f at a.py 100B 100B 1
f at b.py 10B 10B 1" ]
}

@test "nothing is dropped: small rows after 95 % of the bytes are printed, and totals are complete" {
	trace > t.lz4 <<-END
	alloc 1 96000000 main@a.py:1;big@a.py:2
	alloc 2 3000000 main@a.py:1;middle@a.py:3
	alloc 3 2000000 main@a.py:1;small@a.py:4
	END
	run rows t.lz4
	[ "$output" = "main at a.py 101.000MB 0B 3
big at a.py 96.000MB 96.000MB 1
middle at a.py 3.000MB 3.000MB 1
small at a.py 2.000MB 2.000MB 1" ]
}

@test "the title describes the numbers, the last line gives their totals" {
	printf 'alloc 1 100 a@a.py:1\nalloc 2 1 b@a.py:1\n' | trace > t.lz4
	run memsummary t.lz4
	[ "${lines[0]}" = "app: alive at the high-water mark" ]
	[ "${lines[-1]}" = "Total: 101B in 2 allocations at 2 locations" ]
	run memsummary --leaks t.lz4
	[ "${lines[0]}" = "app: never freed" ]
	run memsummary --total t.lz4
	[ "${lines[0]}" = "app: all allocations" ]
}

@test "--sort by own memory and by count, by number or by name; anything else is a usage error" {
	trace > t.lz4 <<-END
	alloc 1 1000 main@a.py:1;big@a.py:2
	alloc 2 10 main@a.py:1;often@a.py:3
	alloc 3 10 main@a.py:1;often@a.py:3
	END
	for column in own 3 4; do
		run memsummary -s $column -r 1 t.lz4
		[[ "${lines[1]}" == *"<Own Memory>"* ]]
		[[ "${lines[2]}" == "big at a.py"* ]]
	done
	for column in count 5; do
		run memsummary --sort=$column t.lz4
		[[ "${lines[1]}" == *"<Allocation Count>"* ]]
		[[ "${lines[3]}" == "often at a.py"* ]]
	done
	run memsummary -s 6 t.lz4
	[ "$status" -eq 2 ]
}

@test "--rows limits the rows, not the totals" {
	printf 'alloc %d 10 f%d@a.py:1\n' $(seq 60 | sed 's/.*/& &/') | trace > t.lz4
	run memsummary t.lz4
	[ ${#lines[@]} -eq 63 ]
	run memsummary -r 5 t.lz4
	[ ${#lines[@]} -eq 8 ]
	[ "${lines[-1]}" = "Total: 600B in 60 allocations at 60 locations" ]
	run memsummary --rows=0 t.lz4
	[ "$status" -eq 2 ]
}

@test "on a terminal: as many rows as fit, cut to its width, coloured; NO_COLOR is respected" {
	printf 'alloc %d 10 f%d@/a/rather/long/path/to/a/file/which/does/not/fit/into/the/column/a.py:1\n' $(seq 60 | sed 's/.*/& &/') | trace > t.lz4
	run script -qec "stty rows 20 cols 100; memsummary t.lz4" /dev/null
	[ ${#lines[@]} -eq 19 ]
	[[ "${lines[-2]}" == "45 more rows (-r 60 shows all)"* ]]
	[[ "${lines[2]}" == *…* ]]
	for line in "${lines[@]}"; do
		line=${line%$'\r'}
		[ ${#line} -le 100 ]
	done
	printf 'alloc 1 10 f@a.py:1\n' | trace > t.lz4
	run script -qec "memsummary t.lz4" /dev/null
	[[ "$output" == *$'\033[31m'*100.00%* ]]
	NO_COLOR=1 run script -qec "memsummary t.lz4" /dev/null
	[[ "$output" != *$'\033'* ]]
	run memsummary t.lz4
	[[ "$output" != *$'\033'* ]]
}

@test "names cannot control the terminal" {
	trace > t.lz4 <<-'END'
	{"event":"header","command":["a\u001b[2Jb"]}
	{"event":"function","function":1,"name":"x\u001b[31m\ny","file":"é\u009b.py"}
	{"event":"frame","frame":1,"function":1,"line":5}
	{"event":"stack","stack":1,"parent":0,"frame":1}
	{"event":"alloc","id":1,"size":9,"stack":1}
	END
	run memsummary t.lz4
	[[ "${lines[0]}" == "'a\\x1b[2Jb': "* ]]
	[[ "${lines[2]}" == 'x\x1b[31m\x0ay at é\xc2\x9b.py'* ]]
}

@test "--json is one valid object with the same numbers" {
	trace > t.lz4 <<-END
	alloc 1 1000 main@a.py:1;load@a.py:2
	alloc 2 5 -
	END
	run bash -o pipefail -c 'memsummary --json t.lz4 | jq -c .'
	[ "$status" -eq 0 ]
	[ "$output" = '{"title":"alive at the high-water mark","command":"app","total_bytes":1005,"total_allocations":2,"total_locations":3,"locations":[{"function":"load","file":"a.py","language":"python","total_bytes":1000,"own_bytes":1000,"allocations":1},{"function":"main","file":"a.py","language":"python","total_bytes":1000,"own_bytes":0,"allocations":1},{"function":"[unknown]","file":"[unknown]","language":"","total_bytes":5,"own_bytes":5,"allocations":1}]}' ]
}

@test "a trace without allocations has no rows, and says so in its totals" {
	printf '' | trace > t.lz4
	run memsummary t.lz4
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = "Total: 0B in 0 allocations at 0 locations" ]
}

@test "twenty random traces are summed up according to the definitions" {
	local failed=()
	for seed in $(seq 20); do
		python3 "$TESTS/lib/gen_trace.py" --events 700 --finalizing --seed "$seed" --live 200 --processes $((seed % 2 + 1)) --weights --unknown --mappings | memcat --from-json > t.lz4
		memcat --json t.lz4 > j
		for what in peak leaks total; do
			memsummary --json $([ $what = peak ] || echo --$what) t.lz4 |
				jq -r '.locations[] | "\(.function)|\(.file)|\(.total_bytes)|\(.own_bytes)|\(.allocations)"' | LC_ALL=C sort > got
			python3 "$TESTS/lib/oracle.py" summary $what < j | LC_ALL=C sort > want
			cmp -s got want || failed+=("$seed:$what")
		done
	done
	echo "differ: ${failed[*]}"
	[ ${#failed[@]} -eq 0 ]
}

@test "on a terminal of 80, 100 or 200 columns no line is wider" {
	printf 'alloc %d %d a_function_with_a_long_name@/usr/lib/python3/dist-packages/a_module.py:1234\n' 1 1000 2 2000 | trace > long.lz4
	for columns in 80 100 200; do
		script -qec "stty cols $columns rows 24; memsummary long.lz4" /dev/null | tr -d '\r' | sed 's/\x1b\[[0-9;]*m//g' > shown
		grep -q a_func shown
		[ "$(LC_ALL=C.UTF-8 wc -L < shown)" -le $columns ]
	done
}

@test "on a terminal the numbers take no more than they need, and the locations get the rest" {
	printf 'alloc 1 1000 Table.rows.key@/srv/app/table.py:1\nalloc 2 2000 Table.rows.get@/srv/app/table.py:1\n' | trace > t.lz4
	NO_COLOR=1 script -qec "stty cols 80 rows 24; memsummary t.lz4" /dev/null | tr -d '\r' > shown
	[ "$(sed -n 2,4p shown)" = "\
Location                             <Total>        %      Own        %  Count
Table.rows.get at /srv/app/table.py  2.000kB   66.67%  2.000kB   66.67%      1
Table.rows.key at /srv/app/table.py  1.000kB   33.33%  1.000kB   33.33%      1" ]
}

@test "--every: what is live after each interval of the trace's time, and at its end" {
	every_reports memsummary
}

@test "--every: reports come while the program runs, from a pipe and from the file" {
	every_reports_come memsummary
}

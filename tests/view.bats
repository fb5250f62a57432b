# How the text reports show stacks: imports hidden, C frames in their Python line, by file or package; on terminals of any width.

load lib/common
load lib/traces

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	trace > t.lz4 <<-'END'
	alloc 1 100 main@/srv/app.py:3;_find_and_load@/usr/lib/python3.11/importlib/_bootstrap.py:9;exec_module@/usr/lib/python3.11/importlib/_bootstrap_external.py:7;<module>@/usr/lib/python3.11/site-packages/numpy/core.py:1
	alloc 2 20 main@/srv/app.py:4;load@/srv/app.py:41;read@libc.so
	alloc 3 3 start@python3.so;run@python3.so;main@/srv/app.py:5;work@lib.so;alloc@libc.so
	alloc 4 4000 start@python3.so;run@python3.so
	alloc 5 50000 _find_and_load@/usr/lib/python3.11/importlib/_bootstrap.py:9;_load@/usr/lib/python3.11/importlib/_bootstrap.py:8
	alloc 6 600000 main@/srv/app.py:6;load@/srv/app.py:42;back@/usr/lib/python3.11/site-packages/numpy/core.py:7;load@/srv/app.py:41
	END
}

rows() { # OPTION...: "function file total own" of memsummary
	memsummary --json "$@" t.lz4 | jq -r '.locations[] | "\(.function) \(.file) \(.total_bytes) \(.own_bytes)"' | sort
}

@test "without options, and with --imports=show, everything is there; each view keeps the sum" {
	[ "$(rows)" = "$(rows --imports=show)" ]
	rows | grep -q '^_find_and_load /usr/lib/python3.11/importlib/_bootstrap.py 50100 0$'
	for options in --imports=hide --python "--by file" "--by package" "--imports=hide --python --by file"; do
		for report in memsummary memtree; do
			[ "$($report --json $options t.lz4 | jq .total_bytes)" = 654123 ]
		done
	done
	[ "$(memtree --json --python --imports=hide t.lz4 | jq '[.calls[] | .own_bytes] | add')" = 654123 ]
	[ "$(memsummary --json --python --by package t.lz4 | jq '[.locations[] | .own_bytes] | add')" = 654123 ]
	[ "$(memtable --json --python --imports=hide t.lz4 | jq .total_bytes)" = 654123 ]
}

@test "--imports=hide: what is beneath belongs to the importer; a stack of nothing else keeps its innermost frame" {
	[ "$(rows --imports=hide | grep import)" = "_load /usr/lib/python3.11/importlib/_bootstrap.py 50000 50000" ]
	memtree --json --imports=hide t.lz4 | jq -e '[.calls[] | .function] | index("main") as $i | .[$i + 1:] | index("<module>") != null'
	# Where the import system's own code allocates, its caller's line is shown.
	trace > i.lz4 <<< 'alloc 1 7 main@/srv/app.py:3;_find_and_load@/usr/lib/python3.11/importlib/_bootstrap.py:9'
	[ "$(memtable --json --imports=hide i.lz4 | jq -c '[.rows[] | .function, .line]')" = '["main",3]' ]
	[ "$(memtable --json i.lz4 | jq -c '[.rows[] | .function, .line]')" = '["_find_and_load",9]' ]
}

@test "--python: C functions are in the line that calls them, and those that run the interpreter are gone" {
	[ "$(rows --python | grep -c '\.so ')" = 2 ]
	rows --python | grep -q '^run python3.so 4000 4000$'
	rows --python | grep -q '^main /srv/app.py 600123 3$'
	rows --python | grep -q '^load /srv/app.py 600020 600020$'
	[ "$(memtable --json --python t.lz4 | jq -c '[.rows[] | select(.line == 41 or .line == 5) | [.function, .size]] | sort')" = '[["load",600020],["main",3]]' ]
}

@test "--by file and --by package: each counts once in a stack, whoever calls whom" {
	rows --by file | grep -q '^/srv/app.py  600123 600000$'
	rows --by package | grep -q '^app  600123 600000$'
	rows --by package | grep -q '^numpy  600100 100$'
	run memsummary --by package t.lz4
	[[ "$output" == *$'\n'"app  "* ]]
	run -2 memsummary --by color t.lz4
	[[ "$output" == *"--by: 'color' is not function, file, package or type"* ]]
	run -2 memtree --imports=no t.lz4
	[[ "$output" == *"--imports: 'no' is neither hide nor show"* ]]
}

# What a command prints on a terminal of so many columns, without colours.
on_terminal() { # COLUMNS COMMAND
	script -qec "stty rows 50 cols $1; NO_COLOR=1 $2" /dev/null | tr -d '\r'
}

@test "on a terminal of 80, 100 and 200 columns every report fits, hides imports, and cuts paths at a slash" {
	local folders=/srv/company/project/source/package/subpackage report
	local reports=(memsummary memtable "memtree --all" memtree memstats memgrow memtime "memsummary --python --by file" "memdiff imports.lz4"
		"memheld census.lz4 --type . #" "memheld census.lz4 #" "memfrag census.lz4 #" "memtable --by type census.lz4 #"
		"memsummary --by type census.lz4 #")
	printf 'alloc %d 1000 main@/srv/app.py:3;handler_of_requests_number_%d@'$folders'/module_%d.py:1%d\n' $(seq 20 | sed 's/.*/& & & &/') | trace > long.lz4
	printf 'alloc 1 1000 main@/srv/app.py:3;_find_and_load@/usr/lib/python3.11/importlib/_bootstrap.py:9;<module>@/srv/b.py:1\n' | trace > imports.lz4
	printf 'alloc 1 1000 main@/srv/app.py:3\nfree 1\n' | trace > freed.lz4
	trace > pids.lz4 <<-'END'
		{"event":"process","pid":7,"info":{"ppid":3,"command":["python3","/srv/company/project/source/package/application_of_the_company.py"]}}
		alloc 1 1000 pid=7
	END
	trace > census.lz4 <<-END
		alloc 1 1000 main@/srv/app.py:3;handler_of_requests@$folders/module_1.py:11 pid=7 tid=7
		alloc 2 2000 main@/srv/app.py:3;handler_of_requests_with_a_long_name@$folders/module_2.py:12 pid=7 tid=7
		alloc 3 3000 main@/srv/app.py:3;handler_of_requests@$folders/module_3.py:13 pid=7 tid=7
		{"event":"census","pid":7,"time_ms":1,"info":{"moment":"script end","typed":1}}
		{"event":"blocks","pid":7,"time_ms":1,"info":{"names":["company.project.package","requests_that_wait"],"references":[65636,1,100,1,100,1,100,2,100,0,100,0]}}
		{"event":"blocks","pid":7,"time_ms":1,"info":{"types":["module","company.project.package.Requests","company.project.package.RequestWithALongName"],"blocks":[65636,1,1,100,1,2,100,1,3]}}
		{"event":"pages","pid":7,"time_ms":1,"info":{"mapping":"heap","start":65536,"resident":[0,3]}}
	END
	for columns in 80 100 200; do
		for report in "${reports[@]}"; do
			on_terminal $columns "$report long.lz4" > out
			[ -s out ]
			awk -v most=$columns '{ gsub(/[^\001-\177]+/, "x"); gsub(/\t/, "        ") } length($0) > most { print length($0) ": " $0; bad = 1 } END { exit bad }' out
			run ! grep -E "…[^/]*\.py|Try '|There is no" out
		done
		on_terminal $columns "memsummary long.lz4" > out
		grep -qE '…/(.*/)?module_[0-9]+\.py' out || [ $columns = 200 ]
		for report in memsummary memtree; do
			run ! grep -q _find_and_load <(on_terminal $columns "$report imports.lz4")
			grep -q _find_and_load <(on_terminal $columns "$report --imports=show imports.lz4")
		done
		on_terminal $columns "memsplit-pid -f --list pids.lz4" > out
		[ "$(head -1 out | xargs)" = "Trace Parent Peak Allocations Command" ]
		grep -qE '^trace.7.lz4 +3 +1.000kB +1  python3 ' out
		awk -v most=$columns '{ gsub(/…/, "x") } length($0) > most { print; bad = 1 } END { exit bad || NR != 2 }' out
		# A screen of its own: the terminal emulator would put what is too wide over the last column.
		python3 "$TESTS/lib/screen.py" ${columns}x24 wait=ended show keys=q -- memtop long.lz4 > out
		grep -q '/module_1*[0-9]\.py:1[0-9]*$' out
		python3 "$TESTS/lib/screen.py" ${columns}x24 wait=ended show keys=q -- memtop freed.lz4 > out
		grep -q '  Growth  By line, sorted by own, at peak$' out
		# A page or a profile does not go to a terminal; one line says where to.
		for report in memflame mem2pprof; do
			on_terminal $columns "$report long.lz4" > out
			grep -q "append '> " out
			awk 'length($0) > 80 { print; bad = 1 } END { exit bad || NR > 2 }' out
		done
	done
}

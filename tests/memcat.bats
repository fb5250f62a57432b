# memcat: checks, joins and compresses traces; converts a trace to text and back.

load lib/common
load lib/traces

# A trace of about N events (default 1000), with the generator's other options.
make_trace() { # FILE [EVENTS [OPTION...]]
	local file=$1 events=${2:-1000}
	shift; shift || true
	python3 "$TESTS/lib/gen_trace.py" --events "$events" "$@" | memcat --from-json > "$file"
}

rows() { # FILE
	lz4 -dc "$1"
}

@test "a copy has the same rows as the original, byte for byte" {
	make_trace t.lz4 300000 --processes 3 --weights --lost --unknown --spans
	[ "$(rows t.lz4 | wc -c)" -gt 2200000 ]	# enough for syncs
	memcat t.lz4 > copy.lz4
	cmp t.lz4 copy.lz4
	memcat t.lz4 | lz4 -dc | cmp - <(rows t.lz4)
}

@test "converting to text and back gives the same file" {
	make_trace t.lz4 300000 --processes 2 --weights --lost --unknown --spans
	memcat --json t.lz4 | memcat --from-json > back.lz4
	cmp t.lz4 back.lz4
}

@test "every kind of row converts to text and back" {
	"$TESTS/../${B:-build}/tests/stream" --every-kind > t.lz4
	memcat --json t.lz4 > t.json
	[ "$(jq -r .event t.json | sort | uniq -c | sort -rn | head -1 | awk '{ print $1 }')" -eq 2 ]
	run -1 grep '"other"' t.json
	memcat --from-json t.json | cmp - t.lz4
}

@test "text has absolute values, one JSON object per event" {
	cat > t.json <<-'EOF'
	{"event":"process","pid":5,"info":{"ppid":1,"python":"3.11.2"},"time_ms":0}
	{"event":"thread","tid":6,"name":"main \"thread\"\n","pid":5,"time_ms":0}
	{"event":"function","function":1,"lang":"python","name":"été","file":"a.py","line":3,"module":""}
	{"event":"function","function":2,"lang":"native","name":"f","file":"","line":0,"module":"libf.so"}
	{"event":"frame","frame":1,"function":1,"line":4}
	{"event":"stack","stack":1,"parent":0,"frame":1}
	{"event":"alloc","id":7,"size":64,"allocator":"calloc","stack":1,"pid":5,"tid":6,"time_ms":2}
	{"event":"alloc","id":2,"size":8,"allocator":27,"stack":0,"pid":5,"tid":6,"time_ms":2,"weight":5}
	{"event":"resize","id":2,"size":4,"pid":5,"tid":6,"time_ms":2}
	{"event":"free","id":7,"pid":5,"tid":9,"time_ms":3}
	{"event":"rss","size":4096,"pid":5,"time_ms":3}
	{"event":"lost","count":2,"reason":"why","pid":5,"time_ms":3}
	{"event":"other","row":[200,"x",null,true,-1,1.5,{"k":[]},{"$bin":"00ff"},{"$ext":[-1,"ab"]},{"$uint":"18446744073709551615"},{"$float32":"0.100000001"},{"$float64":"-inf"}]}
	{"event":"exit","pid":5,"info":{"code":0},"time_ms":3}
	{"event":"end","allocs":2,"frees":1,"time_ms":3}
	EOF
	memcat --from-json t.json | memcat --json > back.json
	head -n 1 back.json | jq -e '.event == "header" and .format == "memtrace"'
	tail -n +2 back.json | diff t.json -
}

@test "numbers up to 2^64-1 survive the conversion" {
	printf '%s\n' '{"event":"alloc","id":4294967295,"size":{"$uint":"18446744073709551615"},"weight":9223372036854775807,"time_ms":9223372036854775807}' \
		'{"event":"free","id":0,"time_ms":0}' '{"event":"end"}' | memcat --from-json | memcat --json > t.json
	grep -q '"id":4294967295,"size":{"$uint":"18446744073709551615"},.*"time_ms":9223372036854775807,"weight":9223372036854775807}' t.json
	grep -q '"free","id":0,"pid":0,"tid":0,"time_ms":0' t.json
}

@test "a line without pid, tid or time takes them from the line before" {
	printf '%s\n' '{"event":"header","command":["a","b c"],"options":{"native":true}}' \
		'{"event":"alloc","id":1,"size":1,"pid":3,"tid":4,"time_ms":5}' '{"event":"free","id":1}' '{"event":"end"}' |
		memcat --from-json > t.lz4
	memcat --json t.lz4 | grep -qx '{"event":"free","id":1,"pid":3,"tid":4,"time_ms":5}'
	memcat --header t.lz4 | jq -e '.command == ["a", "b c"] and .options.native and (.options.follow_fork | not)'
}

@test "a bad line is named" {
	run -1 --separate-stderr memcat --from-json <<< '{"event":"alloc","id":1'
	[[ $stderr == "memcat: standard input:1: not JSON: "* ]]
	printf '%s\n' '{"event":"end"}' '' '{"event":"nonsense"}' > t.json
	run -1 --separate-stderr memcat --from-json t.json
	[ "$stderr" = 'memcat: t.json:3: "nonsense" is not an event' ]
	for line in '{"event":"alloc","id":1}=alloc without "size"' \
		'{"event":"alloc","id":-1,"size":1}="id" is not a whole number from 0 to 4294967295' \
		'{"event":"alloc","id":1,"size":1.5}="size" is not a whole number from 0 to 18446744073709551615' \
		'{"event":"alloc","id":1,"size":1,"allocator":"nose"}="allocator" is neither a known name nor a number from 1 to 31' \
		'{"event":"other","row":{}}="row" is not an array' \
		'{"event":"function","function":1,"name":1}="name" is not text' \
		'{"event":"process","info":[]}="info" is not an object' \
		'[]=not an object with an "event"'; do
		run -1 --separate-stderr memcat --from-json <<< "${line%%=*}"
		[ "$stderr" = "memcat: standard input:1: ${line#*=}" ]
	done
}

@test "text without an end event makes a trace that is cut off" {
	make_trace t.lz4 100 --unfinished
	run -1 --separate-stderr memcat --json t.lz4
	[[ $stderr == "memcat: t.lz4: cut off after "*" bytes: its end is missing; everything before that is used" ]]
	[ "$(jq -r .event <<< "$output" | grep -cE '^(alloc|free)$')" -eq 100 ]
}

@test "joined traces keep their headers, and cat joins them too" {
	make_trace a.lz4 500 --seed 1
	make_trace b.lz4 700 --seed 2
	memcat a.lz4 b.lz4 > ab.lz4
	cat a.lz4 b.lz4 | memcat --json > cat.json
	memcat --json ab.lz4 | cmp - cat.json
	[ "$(grep -c '^{"event":"header"' cat.json)" -eq 2 ]
	[ "$(grep -c '^{"event":"end"' cat.json)" -eq 2 ]
	memcat --json a.lz4 - < b.lz4 | cmp - cat.json
}

@test "--header prints the first trace's header as one JSON object" {
	make_trace a.lz4 10
	memcat --header a.lz4 a.lz4 > h.json
	jq -e '.format == "memtrace" and .version[0] == 1 and .kinds["0"] == ["free", "live+"] and .kinds["63"][0] == "end"' h.json
	[ "$(jq -s length h.json)" -eq 1 ]
}

@test "output is compressed into a file, stored into a pipe, or as the options say" {
	make_trace t.lz4 20000
	memcat t.lz4 > file.lz4
	memcat t.lz4 | cat > pipe.lz4
	memcat -u t.lz4 > u.lz4
	memcat --compress t.lz4 | cat > z.lz4
	[ "$(stat -c %s file.lz4)" -lt "$(stat -c %s pipe.lz4)" ]
	cmp file.lz4 z.lz4
	cmp pipe.lz4 u.lz4
	for f in file pipe; do rows $f.lz4 | cmp - <(rows t.lz4); done
	rows t.lz4 | memcat > bare.lz4		# bare MessagePack is read too
	cmp bare.lz4 file.lz4
}

@test "a copy does not change the header" {
	make_trace t.lz4 10
	memcat t.lz4 | memcat --header | jq -e '.provenance == []'
}

@test "memory does not grow with the trace" {
	make_trace small.lz4 1000
	make_trace big.lz4 500000 --live 100000
	for args in '' --json; do
		small=$(/usr/bin/time -f %M memcat $args small.lz4 2>&1 > /dev/null) || skip "no /usr/bin/time"
		big=$(/usr/bin/time -f %M memcat $args big.lz4 2>&1 > /dev/null)
		[ "$big" -lt $((small + 1024)) ]
	done
}

@test "only one of --json, --from-json and --header" {
	run -2 memcat --json --header t.lz4
	[[ ${lines[0]} == "memcat: give only one of --json, --from-json and --header" ]]
}

@test "a failed write is reported once" {
	make_trace t.lz4 50000
	run -1 --separate-stderr bash -c 'memcat t.lz4 > /dev/full'
	[ "$stderr" = "memcat: standard output: cannot write: No space left on device" ]
	run -1 --separate-stderr bash -c 'memcat --json t.lz4 > /dev/full'
	[ "${#stderr_lines[@]}" -eq 1 ]
	run -1 --separate-stderr bash -c 'memcat --json t.lz4 | memcat --from-json > /dev/full'
	[ "$stderr" = "memcat: standard output: cannot write: No space left on device" ]
}

@test "a closed pipe ends it quietly" {
	make_trace t.lz4 200000
	for args in '' --json; do
		run --separate-stderr bash -c "memcat $args t.lz4 | head -c 10 | wc -c"
		[ "$output" -eq 10 ]
		[ -z "$stderr" ]
	done
}

@test "output is flushed while the input pauses" {
	python3 "$TESTS/lib/gen_trace.py" --events 200 --unfinished > t.json
	mkfifo live
	memcat --from-json t.json | lz4 -dc > t.rows
	(head -c -20 t.rows; sleep 3; tail -c 20 t.rows) > live &
	memcat live > copy.lz4 2> /dev/null &
	copier=$!
	sleep 1.5
	[ "$(stat -c %s copy.lz4)" -gt 100 ] || { echo "nothing was passed on"; false; }
	wait $copier || true
	run ! memcat --json copy.lz4
	[ "$(grep -c '"event":"alloc"' <<< "$output")" -gt 0 ]
}

@test "--anonymize leaves no text of the program in the trace, the same text is the same word, and all figures stay" {
	trace > t.lz4 <<-'END'
		{"event":"header","command":["/home/secretuser/secretapp.py","--password=hunter2"],"host":"secrethost","options":{"native":true},"provenance":[{"program":"memgrep","version":"1","args":["--function","secretmain"],"title":"only secretmain"}],"secretkey":"secretvalue"}
		{"event":"process","pid":7,"info":{"command":["/home/secretuser/secretapp.py","secretword"],"executable":"/opt/secretpy/bin/python3.11","python":"3.11.2","secretkey":["secretlist",{"secretdeep":1}],"module":"/usr/lib/libsecret.so.6","build_id":"deadbeef"}}
		{"event":"thread","pid":7,"tid":8,"name":"secretthread"}
		{"event":"span","pid":7,"tid":8,"begins":true,"name":"secretspan","time_ms":1}
		{"event":"span","pid":7,"tid":8,"begins":false,"name":"secretspan","time_ms":2}
		{"event":"span","pid":7,"tid":8,"begins":true,"name":"script","time_ms":2}
		alloc 1 100 secretmain@/home/secretuser/secretapp.py:3;<module>@/home/secretuser/other.py:4 pid=7 tid=8
		alloc 2 200 secretmain@/home/secretuser/secretapp.py:9;secretcall@/usr/lib/libsecret.so pid=7 tid=8
		{"event":"lost","count":2,"reason":"secretreason","pid":7}
		{"event":"other","row":[200,"secretrow"]}
		exit 7
	END
	memcat --anonymize t.lz4 > a.lz4
	memcat --json a.lz4 > a.json
	run -1 grep -aiE 'secret|hunter|deadbeef|/opt|/usr|libs|other' a.json
	lz4 -dc a.lz4 > a.mp
	run -1 grep -aiE 'secret|hunter|deadbeef|/opt|/usr|libs' a.mp
	grep -q '"python":"3.11.2"' a.json
	grep -q '"name":"<module>"' a.json
	grep -q '"begins":true,"name":"script"' a.json
	# The program of the command line is the file of the function, and both files are in one folder.
	local app folder
	app=$(jq -r 'select(.event == "process") | .info.command[0]' a.json)
	[[ $app == /p*/p*/p*.py ]]
	folder=${app%/*}
	[ "$(jq -r 'select(.event == "function") | .file' a.json | grep -c "^$app\$")" = 1 ]
	[ "$(jq -r 'select(.event == "function") | .file' a.json | grep -c "^$folder/")" = 2 ]
	[ "$(jq -r 'select(.event == "function" and .lang == "native") | .module' a.json | grep -c '\.so$')" = 1 ]
	[ "$(memfold a.lz4 | sed 's/.* //' | sort)" = "$(memfold t.lz4 | sed 's/.* //' | sort)" ]
	[ "$(memstats --json a.lz4 | jq -c .total_num_allocations)" = "$(memstats --json t.lz4 | jq -c .total_num_allocations)" ]
	# Again, it is the same; of several traces each is anonymous.
	memcat --anonymize t.lz4 > b.lz4
	cmp a.lz4 b.lz4
	memcat --anonymize t.lz4 t.lz4 > two.lz4
	run -1 grep -aiE 'secret' two.lz4
	[ "$(memcat --json two.lz4 | grep -c '"event":"header"')" = 2 ]
}

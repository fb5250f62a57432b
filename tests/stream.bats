# The stream: the reader in the specification, and other programs that read traces.

load lib/common

setup_file() {
	export MSGPACK_PYTHON=
	local venv="$BATS_TEST_DIRNAME/../build/venv"
	if /usr/bin/python3 -c 'import msgpack' 2> /dev/null; then
		MSGPACK_PYTHON=/usr/bin/python3
	elif "$venv/bin/python" -c 'import msgpack' 2> /dev/null ||
		{ /usr/bin/python3 -m venv "$venv" && "$venv/bin/pip" install -q msgpack; } > /dev/null 2>&1; then
		MSGPACK_PYTHON=$venv/bin/python
	fi
}

# Prints the reader in memtrace(5)'s EXAMPLE, unchanged.
page_reader() {
	sed -n '/^import json, msgpack, sys$/,/^\.EE$/p' "$TESTS/../format/memtrace.5" | sed '$d; s/\\-/-/g'
}

@test "the page's reader in Python agrees with memcat --json on every event" {
	[ -n "$MSGPACK_PYTHON" ] || skip "no Python package msgpack (python3-msgpack, or PyPI within reach)"
	page_reader > reader.py
	[ "$(wc -l < reader.py)" -lt 30 ]
	python3 "$TESTS/lib/gen_trace.py" --events 250000 --processes 3 --weights --lost --unknown |
		memcat --from-json > t.lz4
	python3 "$TESTS/lib/gen_trace.py" --events 300 --seed 2 | memcat --from-json >> t.lz4
	[ "$(lz4 -dc t.lz4 | wc -c)" -gt 1500000 ]	# enough for a sync
	lz4 -dc t.lz4 | "$MSGPACK_PYTHON" reader.py > theirs
	memcat --json t.lz4 > ours
	python3 - <<-'EOF'
	import json
	LANGS = {"python": 1, "native": 2}
	theirs = open("theirs", encoding="utf-8")
	compared = 0
	for line in open("ours", encoding="utf-8"):
	    ours = json.loads(line)
	    event = ours.pop("event")
	    if event == "header":
	        continue
	    name, fields = json.loads(next(theirs))
	    if event == "other":
	        assert name == "other", name
	        continue
	    assert name == (ours.pop("allocator") if event == "alloc" else event), (name, line)
	    if event in ("free", "resize"):
	        fields["id"] = fields["live"]
	    for key, value in ours.items():
	        value = LANGS[value] if key == "lang" else value
	        assert fields[key] == value, (fields, line)
	    compared += 1
	assert next(theirs, None) is None
	assert compared > 250000
	EOF
}

@test "the page lists the kinds and fields of the header" {
	printf '{"event":"end"}\n' | memcat --from-json | memcat --header |
		jq -r '.kinds | to_entries[] | select((.key | tonumber) == 0 or (.key | tonumber) > 31) |
			"\(.key) \(.value[0]): \(.value[1:] | join(" "))"' > header
	sed 's/^\.B //; s/\\f[BRI]//g' "$TESTS/../format/memtrace.5" > page
	[ "$(wc -l < header)" -ge 17 ]
	while read -r line; do
		grep -qF "$line" page || { echo "not in the page: $line"; false; }
	done < header
	printf '{"event":"end"}\n' | memcat --from-json | memcat --header |
		jq -r '.kinds | to_entries[] | select((.key | tonumber) > 0 and (.key | tonumber) < 32) | "\(.key) \(.value[0])"' > allocators
	[ "$(wc -l < allocators)" -ge 18 ]
	tr '\n' ' ' < page > flat
	while read -r line; do
		grep -qE "$line[,.]" flat || { echo "not in the page: $line"; false; }
	done < allocators
}

@test "lz4 itself decompresses every trace, compressed or stored" {
	python3 "$TESTS/lib/gen_trace.py" --events 50000 | memcat --from-json > t.lz4
	lz4 -t t.lz4
	memcat t.lz4 | lz4 -t
	lz4 -dc t.lz4 | lz4 -9 -B7 -BD | memcat | lz4 -dc | cmp - <(lz4 -dc t.lz4)	# and any frame is read
}

@test "lz4 reads traces that were joined, each with several blocks" {
	python3 "$TESTS/lib/gen_trace.py" --events 30000 | memcat --from-json > t.lz4
	memcat -u t.lz4 > u.lz4
	cat t.lz4 u.lz4 t.lz4 | lz4 -dc > rows
	[ "$(wc -c < rows)" -eq $((3 * $(lz4 -dc t.lz4 | wc -c))) ]
}

@test "a row longer than any buffer passes" {
	python3 -c 'import json; print(json.dumps({"event": "process", "pid": 1, "info": {"long": "x" * 3000000}})); print(json.dumps({"event": "end"}))' > t.json
	memcat --from-json t.json > t.lz4
	memcat --json t.lz4 | jq -se 'map(select(.event == "process"))[0].info.long | length == 3000000'
	memcat t.lz4 | lz4 -dc | cmp - <(lz4 -dc t.lz4)
	python3 -c 'import json; print(json.dumps({"event": "process", "pid": 1, "info": {"long": "x" * 17000000}}))' > t.json
	run -1 memcat --from-json t.json
	[ "$output" = "memcat: t.json:1: too large, or nested too deeply, for a trace" ]
}

@test "an empty file, something else, a directory, a missing file: one line each" {
	run -1 memcat < /dev/null
	[ "$output" = "memcat: standard input: empty: no trace" ]
	echo "hello, world" > x.txt
	run -1 memcat x.txt
	[ "$output" = "memcat: x.txt: not a memory trace (memtrace): it does not begin with a header" ]
	lz4 -q x.txt x.lz4
	run -1 memcat x.lz4
	[ "$output" = "memcat: x.lz4: not a memory trace (memtrace): it does not begin with a header" ]
	run -1 memcat .
	[[ $output == "memcat: .: read error"*"Is a directory" ]]
	run -1 memcat nowhere.lz4
	[ "$output" = "memcat: nowhere.lz4: cannot open: No such file or directory" ]
}

@test "a trace of a newer major version is refused in one line" {
	printf '{"event":"header","format":"memtrace","version":[1,7],"kinds":{}}\n{"event":"end"}\n' | memcat --from-json > minor.lz4
	memcat minor.lz4 > /dev/null
	lz4 -dc minor.lz4 | sed 's/version\x92\x01\x07/version\x92\x02\x00/' > t.memtrace
	run -1 memcat t.memtrace
	[ "$output" = "memcat: t.memtrace: memtrace version 2.0 is newer than this program supports (1.x): use a newer memrec" ]
}

@test "a damaged file does not stop the files after it" {
	python3 "$TESTS/lib/gen_trace.py" --events 3000 | memcat --from-json | cat > a.lz4	# stored
	head -c -50 a.lz4 > cut.lz4
	run -1 --separate-stderr memcat --json a.lz4 cut.lz4 nowhere.lz4 a.lz4
	[ "$(grep -c '"event":"end"' <<< "$output")" -eq 2 ]
	[ "${#stderr_lines[@]}" -eq 2 ]
	[[ ${stderr_lines[0]} == "memcat: cut.lz4: cut off after $(stat -c %s cut.lz4) bytes; everything before that is used" ]]
	[[ ${stderr_lines[1]} == "memcat: nowhere.lz4: cannot open: "* ]]
}

# mem2pprof --every and --push: a profile for each part of the time, in a folder or on a server.

load lib/common
load lib/traces

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	# Three seconds, of which the second has no event.
	trace > t.lz4 <<-END
	{"event":"process","pid":7,"info":{"command":["python3","/srv/shop.py"]}}
	alloc 1 1000 main@app.py:3;load@app.py:41 pid=7 tid=7 time_ms=100
	alloc 2 500 main@app.py:3 pid=7 tid=7 time_ms=200
	free 2 pid=7 tid=7 time_ms=900
	alloc 3 300 main@app.py:5 pid=7 tid=7 time_ms=2100
	free 1 pid=7 tid=7 time_ms=2200
	alloc 4 40 main@app.py:3 pid=7 tid=7 time_ms=2300
	END
}

teardown() {
	[ -z "$server" ] || kill "$server"
}

serve() { # STATUS...
	mkdir -p got
	python3 "$TESTS/lib/push_server.py" got "$@" 3>&- &
	server=$!
	timeout 60 sh -c 'until [ -e got/port ]; do sleep .05; done'
	url=http://127.0.0.1:$(cat got/port)
}

# "inuse_space alloc_space alloc_objects" of a profile, summed
sums() {
	python3 "$TESTS/lib/pprof.py" "$1" | tail -n +2 |
		jq -sc '[([.[].values.inuse_space] | add), ([.[].values.alloc_space] | add), ([.[].values.alloc_objects] | add)]'
}

@test "--every: what each part allocated, and what lived at its end" {
	mem2pprof --every 1s -o profiles t.lz4
	set -- profiles/*
	[ $# = 2 ]
	[ "$(sums "$1")" = '[1000,1500,2]' ]
	[ "$(sums "$2")" = '[340,340,2]' ]
	python3 "$TESTS/lib/pprof.py" "$2" | head -1 | jq -e '.duration_nanos == 300000000'
	[[ ${1##*/} =~ ^([0-9]+)-([0-9]+).pb.gz$ ]]
	[ $((BASH_REMATCH[2] - BASH_REMATCH[1])) = 2000 ]
}

@test "--every: parts of random traces have every allocation once, and live what memsummary --every says" {
	for seed in 1 2 3; do
		python3 "$TESTS/lib/gen_trace.py" --events 3000 --events-per-ms 2 --seed $seed --processes 2 --threads 3 --weights --unknown --spans |
			memcat --from-json > r.lz4
		mem2pprof --every 100ms -o r$seed r.lz4
		for file in r$seed/*; do sums "$file"; done > parts
		[ "$(wc -l < parts)" -gt 5 ]
		[ "$(jq -s '[.[][1] // 0] | add' parts)" = "$(memsummary --total --json r.lz4 | jq .total_bytes)" ]
		# memsummary shows nothing at the end if nothing lives.
		[ "$(jq -sc '[.[][0] // 0] | if .[-1] == 0 then .[:-1] else . end' parts)" = \
			"$(memsummary --json --every 100ms r.lz4 | jq -sc 'map(.total_bytes)')" ]
	done
}

@test "--push to Pyroscope: a form with the profile and its types; name, labels and period in the URL" {
	serve 200
	mem2pprof --every 1s --push "$url/ingest?tenant=a" --name 'shop{env=prod}' --header 'X-Scope-OrgID: me' t.lz4
	[ "$(wc -l < got/requests)" = 2 ]
	jq -se '.[0] | .path == "/ingest" and .query.tenant == "a" and .query.name == "shop{env=prod}" and .query.format == "pprof" and
		.headers["X-Scope-OrgID"] == "me" and (.files.profile | length) > 0 and .types.inuse_space.units == "bytes" and
		.files.sample_type_config == "sample_type_config.json"' got/requests
	jq -se 'map(.query | (.until | tonumber) - (.from | tonumber)) | .[0] >= 2 and .[1] >= 1' got/requests
	[ "$(sums got/1.pb.gz)" = '[1000,1500,2]' ]
	[ "$(sums got/2.pb.gz)" = '[340,340,2]' ]
}

@test "--push elsewhere: the profile is the body; a header from a file" {
	serve 201
	echo 'Authorization: Bearer secret' > secret
	mem2pprof --every 1s --push "$url/profiles" --header @secret t.lz4
	jq -se 'length == 2 and .[0].path == "/profiles" and .[0].headers.Authorization == "Bearer secret" and
		.[0].headers["Content-Type"] == "application/octet-stream"' got/requests
	[ "$(sums got/1.pb.gz)" = '[1000,1500,2]' ]
}

@test "the name is that of the script, if none is given" {
	serve 200
	mem2pprof --every 1s --push "$url/ingest" t.lz4
	[ "$(jq -r .query.name got/requests | sort -u)" = "$(memcat --json t.lz4 | jq -r 'select(.event == "header").command[0]')" ]
	[ -z "${MEMREC_ASAN:-}" ] || return 0	# the sanitizer cannot record
	echo 'x = bytearray(100000)' > shop.py
	memrec -- python3 ./shop.py 2> /dev/null | mem2pprof --every 10s --push "$url/ingest"
	[ "$(tail -1 got/requests | jq -r .query.name)" = shop.py ]
}

@test "a profile that fails is sent again, in order; the messages say so once" {
	serve 503 429 200
	mem2pprof --every 1s --push "$url/ingest" t.lz4 2> err
	[ "$(jq -r .status got/requests | tr '\n' ' ')" = '503 429 200 200 ' ]
	[ "$(sums got/3.pb.gz)" = '[1000,1500,2]' ]
	[ "$(sums got/4.pb.gz)" = '[340,340,2]' ]
	[ "$(cat err)" = "mem2pprof: cannot send profiles to $url/ingest, will try again: the server answered with status 503
mem2pprof: profiles are sent to $url/ingest again" ]
}

@test "a profile that is refused is discarded: exit status 1, and the others are sent" {
	serve 400 200
	status=0
	mem2pprof --every 1s --push "$url/ingest" t.lz4 2> err || status=$?
	[ $status = 1 ]
	[ "$(wc -l < got/requests)" = 2 ]
	[ "$(cat err)" = "mem2pprof: $url/ingest refused a profile, which is discarded: the server answered with status 400" ]
}

@test "without a server the queue keeps the profiles, and the next command sends them" {
	status=0
	mem2pprof --every 1s --push http://me:secret@127.0.0.1:1/ingest --name shop --queue waiting t.lz4 2> err || status=$?
	[ $status = 1 ]
	[ "$(ls waiting | wc -l)" = 2 ]
	grep -q '^mem2pprof: cannot send profiles to http://127.0.0.1:1/ingest, will try again: curl: (7) ' err
	grep -qx 'mem2pprof: 2 profiles were not sent to http://127.0.0.1:1/ingest: --queue waiting sends them with the next ones' err
	serve 200
	printf 'alloc 9 9 main@b.py:1 time_ms=1\n' | trace | mem2pprof --every 1s --push "$url/ingest" --name other --queue waiting
	[ "$(jq -r .query.name got/requests | sort | tr '\n' ' ')" = 'other shop shop ' ]
	[ -z "$(ls waiting)" ]
}

@test "a full queue discards its oldest profiles and says so" {
	status=0
	mem2pprof --every 1s --push http://127.0.0.1:1/ingest --queue waiting --queue-size 1 t.lz4 2> err || status=$?
	[ $status = 1 ]
	[ "$(ls waiting | wc -l)" = 1 ]
	[ "$(sums waiting/*)" = '[340,340,2]' ]
	grep -qx 'mem2pprof: the queue waiting is full: its oldest profiles are discarded' err
}

@test "a slow server does not hold up the reader" {
	serve held
	python3 "$TESTS/lib/gen_trace.py" --events 60000 --events-per-ms 20 | memcat --from-json | cat > big.lz4
	[ "$(wc -c < big.lz4)" -gt 400000 ]		# more than fits into the pipe and the reader's buffers
	# The server answers only once everything has been read.
	{ cat big.lz4; touch got/go; } | timeout 25 mem2pprof --every 1s --push "$url/ingest"
	[ "$(wc -l < got/requests)" -ge 3 ]
}

@test "what cannot work is refused before anything is read" {
	run mem2pprof --push http://x/ingest t.lz4
	[ "$status" = 2 ]
	[[ $output == *"--push needs --every"* ]]
	run mem2pprof --every 1s t.lz4
	[ "$status" = 2 ]
	run mem2pprof --every 1s --push localhost t.lz4
	[ "$status" = 2 ]
	[[ $output == *"'localhost' is not a URL"* ]]
	run mem2pprof --every 1s --push http://x --header @absent t.lz4
	[ "$status" = 2 ]
	run env PATH=/nowhere "$(command -v mem2pprof)" --every 1s --push http://x t.lz4
	[ "$status" = 1 ]
	[[ $output == *"cannot run curl"* ]]
	mkdir q
	exec 9< q
	flock 9
	run mem2pprof --every 1s --push http://127.0.0.1:1/ingest --queue q t.lz4
	[ "$status" = 1 ]
	[[ $output == *"in use by another mem2pprof"* ]]
}

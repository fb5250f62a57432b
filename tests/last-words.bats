# What memrec prints when its program is killed, or runs out of memory.

load lib/common

CGROUP=/sys/fs/cgroup
teardown() {
	for folder in "$CGROUP/memory/memrec-test" "$CGROUP/memrec-test"; do
		[ ! -d "$folder" ] || rmdir "$folder" || true
	done
}

# A memory cgroup of 100 MB for the rest of this test, in $folder; skips where there is none to be had.
limit_memory() {
	folder=$CGROUP/memory/memrec-test file=memory.limit_in_bytes
	[ -d "$CGROUP/memory" ] || { folder=$CGROUP/memrec-test file=memory.max; echo +memory > "$CGROUP/cgroup.subtree_control"; } 2> /dev/null || true
	mkdir "$folder" 2> /dev/null && echo 100000000 2> /dev/null > "$folder/$file" || skip "no cgroup to be had here"
	[ -e "$folder/memory.swap.max" ] && echo 0 > "$folder/memory.swap.max"
	return 0
}

# The rest of the command line, in that cgroup.
within() {
	bash -c 'echo $$ > "$0/cgroup.procs" && exec "$@"' "$folder" "$@"
}

hungry() {
	cat > hungry.py <<-'END'
		import sys, time
		kept = []
		def load(): kept.append(bytearray(1_000_000))
		def early(): return [bytearray(3_000_000)]
		def temporary(): bytearray(500_000)
		first = early()
		try:
		    for i in range(300):
		        load()
		        temporary()
		        time.sleep(.002)
		        if len(sys.argv) > 1 and i >= int(sys.argv[1]): sys.exit(4)
		finally:
		    pass
	END
}

@test "killed by SIGKILL: five lines, the places by what is live, the next command; the status stays" {
	cat > killed.py <<-'END'
		import os
		def load(): return [bytearray(1_000_000) for i in range(20)]
		def small(): return bytearray(50_000)
		x, y = load(), small()
		os.kill(os.getpid(), 9)
	END
	run -137 memrec -o t.lz4 -- python3 killed.py
	echo "$output"
	[ "${#lines[@]}" = 5 ]
	[[ "${lines[0]}" =~ ^memrec:\ python3\ killed.py\ \(process\ [0-9]+\)\ was\ killed\ by\ SIGKILL ]]
	[[ "${lines[1]}" =~ ^memrec:\ limit\ .*\;\ resident\ [0-9.]+MB,\ live\ in\ the\ heap\ and\ mappings\ [0-9.]+MB$ ]]
	[[ "${lines[2]}" =~ ^memrec:\ live:\ 20\.00[0-9]MB\ .*killed.py:2\; ]]
	[[ "${lines[3]}" =~ ^memrec:\ growth\ in\ the\ last\ [0-9]+.*:\ 20\.00[0-9]MB\ .*killed.py:2 ]]
	[ "${lines[4]}" = "memrec: next: memgrow t.lz4, or memflame t.lz4 > out.html" ]
	memcat t.lz4 > /dev/null
	# Into a file of the shell, and into a pipe.
	run -137 --separate-stderr bash -c 'memrec -- python3 killed.py > u.lz4'
	[[ "${stderr_lines[2]}" =~ ^memrec:\ live:\ 20\.00[0-9]MB ]]
	run bash -c 'memrec -- python3 killed.py 2> err | cat > v.lz4; cat err'
	[[ "$output" == *"where its memory was is in the trace, which went elsewhere"* ]]
}

@test "--oom-report: also the page, only if the program died of that" {
	printf 'import os\ndef load(): return [bytearray(1_000_000) for i in range(20)]\nx = load()\nos.kill(os.getpid(), 9)\n' > killed.py
	run -137 memrec -o t.lz4 --oom-report page.html -- python3 killed.py
	echo "$output"
	[ "${#lines[@]}" = 5 ]
	[ "${lines[4]}" = "memrec: next: memgrow t.lz4, or open page.html" ]
	memflame t.lz4 | cmp - page.html
	[ "$(ls)" = $'killed.py\npage.html\nt.lz4' ]
	# An old page is not overwritten, unless asked for; no page where the program ended well, or nothing could be written.
	run -1 memrec -o u.lz4 --oom-report page.html -- true
	[ "$output" = "memrec: page.html: file exists: choose another name, or overwrite it with -f" ]
	[ ! -e u.lz4 ]
	rm page.html
	memrec -o u.lz4 --oom-report page.html -- python3 -c pass
	[ ! -e page.html ]
	run -1 memrec -f -o t.lz4 --oom-report none/page.html -- python3 killed.py
	[ "$output" = "memrec: none/page.html: No such file or directory" ]
	run -2 bash -o pipefail -c 'memrec --oom-report page.html -- true | cat'
	[ "${#lines[@]}" -ge 1 ]
	bash -c 'memrec --oom-report page.html -- python3 killed.py > v.lz4' || [ $? = 137 ]
	[ -s page.html ]
	# Of a service in several files: of the newest one.
	run -137 memrec -f -o s.lz4 --rotate 5MB --oom-report page.html -- python3 killed.py
	[ "${lines[4]}" = "memrec: next: memgrow s.000001.lz4, or open page.html" ]
}

@test "other ends print nothing of that" {
	for code in "pass" "import sys; sys.exit(3)" "import os; os.kill(os.getpid(), 15)"; do
		run memrec -f -o t.lz4 -- python3 -c "$code"
		[ -z "$output" ]
	done
}

@test "killed by its memory cgroup: that, the limit, the planted function; nothing committed is lost" {
	limit_memory
	hungry
	run -137 within memrec -o t.lz4 -- python3 hungry.py
	echo "$output"
	[ "${#lines[@]}" = 5 ]
	[[ "${lines[0]}" == "memrec: python3 hungry.py (process "*") was killed by the kernel: no memory is left in its cgroup" ]]
	[[ "${lines[1]}" == "memrec: limit 100.0"*"MB; resident "* || "${lines[1]}" == "memrec: limit 99.9"* ]]
	[[ "${lines[2]}" =~ ^memrec:\ live:\ [789][0-9]\.[0-9]+MB\ load\ at\ .*hungry.py:3\; ]]
	[[ "${lines[2]}" == *"3.000MB early at "* ]]
	[[ "${lines[3]}" =~ load\ at\ .*hungry.py:3 ]]
	memcat t.lz4 > /dev/null
}

@test "it fails by itself near the limit: the same" {
	limit_memory
	hungry
	run -4 within memrec -o t.lz4 -- python3 hungry.py 82
	echo "$output"
	[[ "${lines[0]}" == "memrec: python3 hungry.py (process "*") failed with status 4 near the limit of its memory" ]]
	[[ "${lines[2]}" =~ ^memrec:\ live:\ 83\.[0-9]+MB\ load\ at\ .*hungry.py:3\; ]]
}

@test "attached: killed by its memory cgroup" {
	limit_memory
	hungry
	sed -i '1a time.sleep(2)' hungry.py
	bash -c 'echo $$ > "$0/cgroup.procs" && exec "$@"' "$folder" python3 hungry.py 3>&- &
	pid=$!
	sleep 0.7
	run memrec -o t.lz4 -p $pid
	echo "$output"
	[[ "$output" == *" was killed by the kernel: no memory is left in its cgroup"*"MB load at "*"hungry.py:4"* ]]
}

@test "several files: all that is kept is read" {
	cat > killed.py <<-'END'
		import os, time
		kept = []
		def load(): kept.append(bytearray(100_000))
		for i in range(100):
		    load()
		    time.sleep(.01)
		os.kill(os.getpid(), 9)
	END
	run -137 memrec -o t.lz4 --last 400ms -- python3 killed.py
	echo "$output"
	[[ "${lines[2]}" =~ ^memrec:\ live:\ 10\.00[0-9]MB\ load\ at ]]
	[[ "${lines[4]}" =~ next:\ memgrow\ t\.0000[0-9]+\.lz4 ]]
}

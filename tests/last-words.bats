# What memrec prints when its program is killed, or runs out of memory.

load lib/common

CGROUP=/sys/fs/cgroup
teardown() {
	for folder in "$CGROUP/memory/memrec-test" "$CGROUP/memrec-test"; do
		[ ! -d "$folder" ] || rmdir "$folder" || true
	done
	for pid in ${gunicorn:-} ${recorder:-} $(cat pids 2> /dev/null); do
		kill -9 "$pid" 2> /dev/null || true
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

# ---------------------------------------------------------------- a worker whose master lives

# A master with two workers, of which one keeps 20 MB, then waits; the master lives until there is a file `told`.
master() {
	cat > master.py <<-'END'
		import os, signal, sys, time
		def load(): return [bytearray(1_000_000) for i in range(20)]
		def other(): return [bytearray(1_000_000) for i in range(7)]
		def worker(work):
		    pid = os.fork()
		    if not pid:
		        kept = work()
		        open("ready.%d" % os.getpid(), "w")
		        time.sleep(60)
		    while not os.path.exists("ready.%d" % pid):
		        time.sleep(.01)
		    return pid
		first, second = worker(load), worker(other)
		print(os.getpid(), first, second, flush=True)
		while not os.path.exists("die"):
		    time.sleep(.01)
		os.kill(first, int(sys.argv[1]))
		sys.argv[2:] and os.waitid(os.P_PID, first, os.WEXITED) or os.waitpid(first, 0)
		while not os.path.exists("told"):
		    time.sleep(.01)
		os.kill(second, signal.SIGTERM)
		os.waitpid(second, 0)
	END
}

lines_about() { # PID: waits until the five lines about it are in `err`
	for i in $(seq 300); do
		! grep -q "^memrec: next: memgrep --pid $1 " err || break
		sleep .1
	done
	cat err
	grep -v 'memrec: recording\|has .* child' err > five
	[ "$(wc -l < five)" = 5 ]
	[[ "$(sed -n 1p five)" =~ ^memrec:\ .*\(process\ $1\)\ was\ killed\ by\ SIGKILL ]]
	[[ "$(sed -n 2p five)" =~ ^memrec:\ limit\ .*\;\ resident\ [0-9.]+MB,\ live\ in\ the\ heap\ and\ mappings\ [0-9.]+MB$ ]]
}

@test "a worker is killed and its master lives: five lines about the worker alone, and the recording goes on" {
	master
	touch die
	for how in "" waitid; do
		for parts in "-o t.lz4" "-o t.lz4 --last 1min"; do
			rm -f told ready.* pids err
			memrec -f --follow-fork $parts -- /usr/bin/python3 master.py 9 $how > pids 2> err 3>&- &
			recorder=$!
			until [ -s pids ]; do kill -0 $recorder; sleep .05; done
			read -r of first second < pids
			lines_about "$first"
			[[ "$(sed -n 1p five)" == "memrec: /usr/bin/python3 master.py 9"* ]]
			[[ "$(sed -n 3p five)" =~ ^memrec:\ live:\ 20\.00[0-9]MB\ load.*\ at\ .*master.py:2 ]]
			[[ "$(sed -n 3,4p five)" != *other* ]]
			kill -0 $recorder
			touch told
			wait $recorder
			[ "$(wc -l < err)" = 5 ]
			file=$(ls t*.lz4 | tail -1)
			[ "$(memstats --json "$file" | jq .total_num_allocations)" -gt 20 ]
			memgrep --pid "$second" "$file" | memtable --total | grep -q '7.0.*other'
			rm -f t*.lz4
		done
	done
}

@test "a worker is killed by its memory cgroup, and its master lives: that, and the planted function" {
	limit_memory
	hungry
	cat > master.py <<-'END'
		import os, subprocess, sys, time
		child = subprocess.Popen([sys.executable, "hungry.py"])
		print(os.getpid(), child.pid, child.pid, flush=True)
		child.wait()
		while not os.path.exists("told"): time.sleep(.01)
	END
	within memrec --follow-fork -o t.lz4 -- /usr/bin/python3 master.py > pids 2> err 3>&- &
	recorder=$!
	until [ -s pids ]; do kill -0 $recorder; sleep .05; done
	read -r of first second < pids
	for i in $(seq 300); do ! grep -q "^memrec: next: " err || break; sleep .1; done
	cat err
	[ "$(wc -l < err)" = 5 ]
	[[ "$(sed -n 1p err)" == "memrec: "*" hungry.py (process $first) was killed by the kernel: no memory is left in its cgroup" ]]
	[[ "$(sed -n 3p err)" =~ ^memrec:\ live:\ [6789][0-9]\.[0-9]+MB\ load\ at\ .*hungry.py:3\; ]]
	touch told
	wait $recorder
	[ "$(wc -l < err)" = 5 ]
}

@test "a worker that ends otherwise is not reported" {
	master
	touch die told
	memrec --follow-fork -o t.lz4 -- /usr/bin/python3 master.py 15 > pids 2> err
	[ ! -s err ]
}

@test "a worker of gunicorn, attached to, is killed: the same" {
	command -v gunicorn > /dev/null || skip "no gunicorn"
	cat > app.py <<-'END'
		import os
		kept = []
		def remember(): kept.append(bytearray(1_000_000))
		def app(environ, start):
		    remember()
		    start("200 OK", [])
		    return [b"%d" % os.getpid()]
	END
	gunicorn -b unix:g.sock -w 2 app:app 2> log 3>&- &
	gunicorn=$!
	until [ -S g.sock ] && [ "$(grep -c 'Booting worker' log)" = 2 ]; do kill -0 $gunicorn; sleep .1; done
	memrec --follow-fork -o t.lz4 -p $gunicorn 2> err 3>&- &
	recorder=$!
	until [ "$(memcat --json t.lz4 2> /dev/null | jq -r 'select(.event == "process").pid' | sort -u | wc -l)" = 3 ]; do
		kill -0 $recorder
		sleep .1
	done
	for i in $(seq 30); do curl -s --unix-socket g.sock http://x/; echo; done > served
	pid=$(sort served | uniq -c | sort -n | tail -1 | sed 's/.* //')
	n=$(grep -c "^$pid$" served)
	kill -9 "$pid"
	lines_about "$pid"
	[[ "$(sed -n 3p five)" =~ ^memrec:\ live:\ $n\.0[0-9]*MB\ remember\ at\ .*app.py:3 ]]
	curl -s --unix-socket g.sock http://x/
	kill -0 $recorder
	kill -INT $recorder
	wait $recorder
}

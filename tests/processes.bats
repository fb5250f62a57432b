# Processes: children by fork, exec and spawn, followed or not; one trace split and merged; sudden deaths.

load lib/common

# In a terminal of its own.
@test "Ctrl-C ends a server and its workers in a pipeline, and each trace is whole, including their shutdown" {
	cat > server.py <<-'END'
		import os, signal, sys, time
		def end(sig, frame):
		    global last
		    last = bytearray(1999999 + n)
		    raise SystemExit
		signal.signal(signal.SIGINT, end)
		ready, say_ready = os.pipe()
		for n in 1, 2, 3, 0:
		    if n and os.fork() == 0: break
		x = bytearray(999999 + n)
		if n:
		    os.write(say_ready, b".")
		    while True: time.sleep(100)
		for worker in range(3): os.read(ready, 1)
		print("serving", file=sys.stderr, flush=True)
		try:
		    while True: time.sleep(100)
		finally:
		    for worker in range(3): os.wait()
	END
	python3 "$TESTS/lib/ctrl_c.py" --when-said serving 1 memsplit-pid 'memrec -F -- python3 server.py | memsplit-pid' 2> err
	[ "$(ls trace.*.lz4 | wc -l)" -eq 4 ]
	for trace in trace.*.lz4; do
		memcat --json "$trace" > rows
		grep -q '"event":"exit"' rows
		grep -oE '"size":[12]00000[0-9],' rows
	done | sort > sizes
	[ "$(tr -d '\n' < sizes)" = '"size":1000000,"size":1000001,"size":1000002,"size":1000003,"size":2000000,"size":2000001,"size":2000002,"size":2000003,' ]
}

totals() { # TRACE
	memstats --json "$1" | jq -c '[.total_num_allocations, .total_bytes_allocated]'
}

@test "children by fork, spawn, forkserver, subprocess and system() are followed, each allocation once" {
	cat > many.py <<-'END'
		import multiprocessing as mp, os, subprocess, sys
		def work(n):
		    x = bytearray(1000000 + n)
		if __name__ == "__main__":
		    for method in "fork", "spawn", "forkserver":
		        with mp.get_context(method).Pool(2) as pool: pool.map(work, range(4))
		    python = sys.executable
		    subprocess.run([python, "-c", "x = bytearray(2000000)"], check=True)
		    subprocess.run([python, "-c", "x = bytearray(3000000)"], env={}, check=True)
		    os.system(python + " -c 'x = bytearray(4000000)'")
		    if os.fork() == 0: os.execv(python, [python, "-c", "x = bytearray(5000000)"])
		    os.wait()
		    os.waitpid(os.posix_spawn(python, [python, "-c", "x = bytearray(6000000)"], {}), 0)
		    x = bytearray(7000000)
	END
	memrec --follow-fork -o t.lz4 -- /usr/bin/python3 many.py
	run bash -c 'memcat --json t.lz4 | grep -oE "\"size\":[1-7]00000[0-9]," | sort | uniq -c | tr -d " \n"'
	[ "$output" = '3"size":1000001,3"size":1000002,3"size":1000003,3"size":1000004,1"size":2000001,1"size":3000001,1"size":4000001,1"size":5000001,1"size":6000001,1"size":7000001,' ]
	[ "$(memcat --json t.lz4 | grep '"event":"process"' | grep -c '"ppid"')" -eq "$(memcat --json t.lz4 | grep -c '"event":"exit"')" ]
}

@test "a burst of children from a threaded parent: exact counts" {
	cat > burst.c <<-'END'
		#include <pthread.h>
		#include <stdlib.h>
		#include <sys/wait.h>
		#include <unistd.h>
		static volatile int stop;
		static void *churn(void *a) { while (!stop) { void *volatile p = malloc(100); free(p); usleep(10); } return a; }
		int main(void)
		{
			pthread_t t[3];
			for (int i = 0; i < 3; i++) pthread_create(&t[i], 0, churn, 0);
			for (int i = 0; i < 200; i++) {
				pid_t p = fork();
				int status;
				if (p == 0) { for (int k = 0; k < 10; k++) { void *volatile q = malloc(50000 + k); (void)q; } _exit(i % 7); }
				if (waitpid(p, &status, 0) != p || WEXITSTATUS(status) != i % 7) return 9;
			}
			stop = 1;
			for (int i = 0; i < 3; i++) pthread_join(t[i], 0);
			return 0;
		}
	END
	cc -O1 -w -o burst burst.c -lpthread
	memrec --follow-fork -o t.lz4 -- ./burst
	[ "$(memcat --json t.lz4 | grep -c '"size":5000[0-9],')" -eq 2000 ]
	[ "$(memcat --json t.lz4 | grep -c '"event":"exit"')" -eq 201 ]
}

@test "children that begin at the same moment are all recorded" {
	cat > kids.py <<-'END'
		import subprocess, sys
		kids = [subprocess.Popen([sys.executable, "-S", "-c", "import time; x = bytearray(4000000); time.sleep(0.2)"]) for _ in range(12)]
		for kid in kids: kid.wait()
	END
	for _ in 1 2 3; do
		memrec --follow-fork -f -o t.lz4 -- /usr/bin/python3 kids.py
		[ "$(memcat --json t.lz4 | grep -c '"size":4000001,')" -eq 12 ]
	done
}

@test "blocks that a child inherited are not counted in it; the number of its frees of them is recorded" {
	cat > inherit.py <<-'END'
		import os
		x = [bytearray(100000 + n) for n in range(10)]
		if os.fork() == 0:
		    x.clear()
		    y = bytearray(200000)
		    os._exit(0)
		os.wait()
	END
	memrec --follow-fork -o t.lz4 -- /usr/bin/python3 inherit.py
	memsplit-pid -o 'part.%n.lz4' t.lz4
	[ "$(ls part.*.lz4 | wc -l)" -eq 2 ]
	child=$(grep -l . part.*.lz4 | while read -r f; do memcat --json "$f" | grep -q '"size":200001,' && echo "$f"; done)
	[ "$(memcat --json "$child" | grep -c '"size":10000[0-9],')" -eq 0 ]
	[ "$(memcat --json "$child" | jq 'select(.event == "exit") | .info.unknown_frees')" -ge 10 ]
	memstats "$child" | grep -q "Frees of unknown blocks"
}

@test "split and merged, the totals of every stack are the same" {
	cat > two.py <<-'END'
		import os, sys
		def mine(n): return [bytearray(5000 + i) for i in range(n)]
		if os.fork() == 0:
		    x = mine(300); os._exit(0)
		x = mine(200); os.wait()
	END
	memrec --follow-fork -o t.lz4 -- /usr/bin/python3 two.py
	memsplit-pid -o 'part.%p.lz4' t.lz4
	[ "$(ls part.*.lz4 | wc -l)" -eq 2 ]
	memmerge part.*.lz4 > merged.lz4
	[ "$(totals t.lz4)" = "$(totals merged.lz4)" ]
	cmp <(memfold --total t.lz4 | sort) <(memfold --total merged.lz4 | sort)
	cmp <(memfold --leaks t.lz4 | sort) <(memfold --leaks merged.lz4 | sort)
	# and the parts add up
	cmp <(memcat part.*.lz4 | memfold --total | sort) <(memfold --total t.lz4 | sort)
}

@test "memsplit-pid: a name without %p is refused, files are not overwritten without -f, a cut-off trace stays cut off" {
	memrec -o t.lz4 -- /usr/bin/python3 -c pass
	run -2 memsplit-pid -o name.lz4 t.lz4
	memsplit-pid t.lz4
	run -1 memsplit-pid t.lz4
	[[ "$output" == *"file exists"*"-f" ]]
	memcat -u t.lz4 > bare.lz4
	head -c $(($(stat -c %s bare.lz4) * 3 / 4)) bare.lz4 > cut.lz4
	run -1 memsplit-pid -f -o 'cut.%p.lz4' cut.lz4
	run -1 bash -c 'memcat cut.[0-9]*.lz4 > /dev/null'
	[[ "$output" == *"cut off"* ]]
}

@test "gunicorn with five workers: each request is in its worker, and each worker has one exit" {
	command -v gunicorn > /dev/null && command -v curl > /dev/null || skip "no gunicorn or no curl"
	cat > app.py <<-'END'
		def handler():
		    return bytearray(123456)
		def app(environ, start_response):
		    start_response("200 OK", [("Content-Type", "text/plain")])
		    return [b"%d\n" % len(handler())]
	END
	local port=$((20000 + RANDOM % 20000)) option recorder
	for option in --follow-fork --verbose; do
		memrec -f -o g.lz4 $option -- /usr/bin/python3 /usr/bin/gunicorn -w 5 -b 127.0.0.1:$port -p master.pid app:app 2> log &
		recorder=$!
		for _ in $(seq 200); do curl -s -o /dev/null http://127.0.0.1:$port/ && break; sleep 0.1; done
		for _ in $(seq 199); do [ "$(curl -s http://127.0.0.1:$port/)" = 123456 ]; done
		kill -TERM "$(cat master.pid)"
		wait $recorder
		if [ $option = --follow-fork ]; then
			[ "$(memcat --json g.lz4 | grep -c '"size":123457,')" -eq 200 ]
			[ "$(memcat --json g.lz4 | grep -c '"event":"exit"')" -eq 6 ]
			memsplit-pid -o 'g.%p.lz4' g.lz4
			[ "$(ls g.[0-9]*.lz4 | wc -l)" -eq 6 ]
			for part in g.[0-9]*.lz4; do memsummary "$part" > /dev/null; done
		else
			[ "$(memcat --json g.lz4 | grep -c '"size":123457,')" -eq 0 ]
			[ "$(memcat --json g.lz4 | grep -c '"event":"exit"')" -eq 1 ]
		fi
	done
}

@test "a worker, the parent or memrec killed at any moment: no finished work is lost, and no other process is harmed" {
	cat > family.py <<-'END'
		import os, sys, time
		for n in range(3):
		    if os.fork() == 0:
		        for i in range(400):
		            x = bytearray(70000)
		            time.sleep(0.001)
		        open("done.%d" % n, "w").close()
		        os._exit(0)
		for i in range(400):
		    x = bytearray(70000)
		    time.sleep(0.001)
		try:
		    while True: os.wait()
		except ChildProcessError: pass
	END
	local round victim recorder
	for round in 1 2 3 4 5 6; do
		rm -f done.* k.lz4
		memrec --follow-fork -o k.lz4 -- /usr/bin/python3 family.py 2> log &
		recorder=$!
		sleep "0.$((2 + round))"
		local parent=$(pgrep -P $recorder | head -1)
		case $((round % 3)) in
		0) victim=$(pgrep -P "$parent" | head -1) ;;
		1) victim=$parent ;;
		2) victim=$recorder ;;
		esac
		kill -KILL "$victim" || continue
		wait $recorder || true
		if [ "$victim" = $recorder ]; then
			for _ in $(seq 100); do [ "$(ls done.* 2> /dev/null | wc -l)" -eq 3 ] && break; sleep 0.1; done
			[ "$(ls done.* | wc -l)" -eq 3 ]
			run -1 memcat -u k.lz4
		else
			memcat k.lz4 > /dev/null
			[ "$(ls done.* | wc -l)" -ge 2 ]
		fi
	done
}

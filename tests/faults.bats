# Faults: failures, hostile input and exhausted resources cost an answer at most, and never silently. The table is in README.md.

load lib/common
load lib/traces

# A trace whose every text has characters that a terminal obeys: ESC, OSC, DEL, CSI and OSC of U+0080 to U+009F, bidirectional
# overrides and isolates.
obeyed_trace() {
	python3 - > obeyed.json <<-'END'
		import json
		text = "\x1b]0;taken\x07\x1b[31mred\x9b31mC1\r\nnew\u202ereversed\u2066\u2028line\x7fdel\x9c\u200f."
		for event in [
		    {"event": "header", "command": [text, text], "host": text},
		    {"event": "process", "pid": 1, "info": {"command": [text], "executable": text, text: text}},
		    {"event": "thread", "pid": 1, "tid": 1, "name": text},
		    {"event": "function", "function": 1, "name": text, "file": text, "line": 3, "module": text},
		    {"event": "frame", "frame": 1, "function": 1, "line": 4},
		    {"event": "stack", "stack": 1, "parent": 0, "frame": 1},
		    {"event": "alloc", "id": 1, "size": 1000, "stack": 1, "pid": 1, "tid": 1, "time_ms": 2},
		    {"event": "span", "name": text, "begins": True, "pid": 1, "tid": 1, "time_ms": 2},
		    {"event": "span", "name": text, "begins": False, "pid": 1, "tid": 1, "time_ms": 3},
		    {"event": "lost", "count": 2, "reason": text, "pid": 1},
		    {"event": "exit", "pid": 1, "info": {"reason": text}},
		    {"event": "end"}]:
		    print(json.dumps(event))
	END
	memcat --from-json obeyed.json > obeyed.lz4
}

# Checks that standard input has no characters that a terminal obeys, except newlines.
only_shown() {
	python3 -c '
import sys, unicodedata
text = sys.stdin.buffer.read().decode()	# fails if it is not valid UTF-8
bad = sorted({"U+%04X" % ord(c) for c in text if c not in "\n\t" and
              (unicodedata.category(c) in ("Cc", "Zl", "Zp") or unicodedata.bidirectional(c) in
               ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI") or c in "\u200e\u200f\u061c")})
assert not bad, bad
assert text'
}

@test "no text from a trace controls a terminal, whichever command prints it" {
	obeyed_trace
	local command
	for command in "memcat --json" "memcat --header" memfold "memfold --by-process" "memtable --csv" "memtable --json" memtable \
		"memsummary --json" memsummary "memtree --json" memtree "memstats --json" memstats "memsplit-pid -f --list" \
		"memdiff --folded obeyed.lz4" "memdiff --json obeyed.lz4"; do
		$command obeyed.lz4 2>&1 | only_shown || { echo "$command"; return 1; }
	done
	memslice --span nosuch obeyed.lz4 2>&1 > /dev/null | only_shown
}

@test "nor do another program's folded lines, a file name, or a message about them" {
	printf 'main;\033[31mred\302\233m\342\200\256 5\n' > new.folded
	printf 'main;x 5\n' > old.folded
	memdiff --folded old.folded new.folded > out
	only_shown < out
	[ "$(grep -c 'main;\\x1b\[31mred\\xc2\\x9bm\\xe2\\x80\\xae 0 5' out)" = 1 ]
	run memcat $'nosuch\033[31m\302\233m\342\200\256\233'
	[[ "$output" == "memcat: nosuch?[31m?m??: "* ]]
}

@test "JSON with such characters escaped is the same trace" {
	obeyed_trace
	memcat --json obeyed.lz4 > out.json
	memcat --from-json out.json > again.lz4
	cmp again.lz4 obeyed.lz4
	[ "$(memcat --header obeyed.lz4 | jq -r ".command[0]" | head -c 5 | od -An -c | tr -d ' ')" = '033]0;t' ]
}

@test "a new trace is readable only by its owner; an existing file keeps its mode" {
	umask 022
	memrec -o t.lz4 -- true
	touch old.lz4
	chmod 644 old.lz4
	memrec -f -o old.lz4 -- true
	memsplit-pid -o 'part.%n.lz4' t.lz4
	[ "$(stat -c %a t.lz4 old.lz4 part.1.lz4 | paste -sd ' ')" = "600 644 600" ]
}

@test "a regular expression with many parentheses is a usage error, not a crash" {
	printf 'alloc 1 10 main@a.py:1\n' | trace > t.lz4
	run -2 memgrep --function "$(printf '(%.0s' {1..60000})$(printf ')%.0s' {1..60000})" t.lz4
	[ "${lines[0]}" = "memgrep: --function: parentheses are nested more than 250 deep" ]
	run -2 memheld --type "$(printf '(%.0s' {1..60000})" t.lz4
	[ "${lines[0]}" = "memheld: --type: parentheses are nested more than 250 deep" ]
	memgrep --function "$(printf '(%.0s' {1..250})$(printf ')%.0s' {1..250})" t.lz4 > /dev/null
	memgrep --function "$(printf '\\(%.0s' {1..300})" t.lz4 > /dev/null
}

@test "sums that overflow 64 bits are reported as wrong" {
	trace > t.lz4 <<-END
		alloc 1 0 main@a.py:1
		{"event":"alloc","id":2,"size":{"\$uint":"18446744073709551615"},"pid":1}
		alloc 3 12 main@a.py:1
	END
	local command
	for command in memtable memsummary memfold memtime memstats memtree mempeak; do
		run -1 --separate-stderr $command t.lz4
		[ "$stderr" = "$command: the sizes or weights in the trace add up to more than 2^64-1: the numbers are wrong" ] ||
			{ echo "$command: $stderr"; return 1; }
	done
}

@test "growth of more than 2^63 bytes has its sign and its size; a rate beyond 64 bits is reported as wrong" {
	trace > t.lz4 <<-END
		alloc 1 100 main@a.py:1 time_ms=0
		alloc 2 7784420435153298308 main@a.py:1 time_ms=300
		alloc 3 3892210217576629762 main@a.py:1 time_ms=900
		alloc 4 100 main@a.py:1 time_ms=1000
	END
	run -0 memtop t.lz4
	[[ "${lines[2]}" =~ ^' '*11\.677EB\ +11\.677EB\ +4\ +11\.677EB\ +main ]]
	run -1 --separate-stderr memgrow t.lz4
	[[ "$output" == *"live, grown by 11.677EB, 18.447EB per minute"* ]]
	[ "$stderr" = 'memgrow: the sizes or weights in the trace add up to more than 2^64-1: the numbers are wrong' ]
	[[ "$(memgrow --json t.lz4)" == *'"growth":11676630652729928'* ]]
}

# ---- followed processes

count() { # SIZE [TRACE]
	memcat --json "${2:-t.lz4}" | grep -c "\"size\":$1," || true
}

@test "--follow-fork: a daemon is recorded to its end, even if it had allocated nothing when its parents ended" {
	cat > daemon.py <<-'END'
		import os
		if os.fork(): os._exit(0)
		os.setsid()
		if os.fork(): os._exit(0)
		kept = [bytearray(54320) for i in range(100)]
		os._exit(7)
	END
	for _ in $(seq 10); do
		memrec --follow-fork -f -o t.lz4 -- /usr/bin/python3 daemon.py
		[ "$(count 54321)" = 100 ]
		[ "$(memcat --json t.lz4 | grep -c '"event":"exit".*"code":7')" = 1 ]
	done
	memrec --follow-fork -f -o t.lz4 -- sh -c '(sleep 0.3; exec /usr/bin/python3 -c "kept = [bytearray(54320) for i in range(100)]") & exit 3' || status=$?
	[ "$status" = 3 ]
	[ "$(count 54321)" = 100 ]
}

@test "--follow-fork: gunicorn --daemon is recorded until it is ended" {
	command -v gunicorn > /dev/null || skip "no gunicorn"
	cat > app.py <<-'END'
		kept = []
		def app(environ, start_response):
		    kept.append(bytearray(54320))
		    start_response("200 OK", [])
		    return [b"well"]
	END
	memrec --follow-fork -o t.lz4 -- gunicorn --daemon --pid "$PWD/pid" --bind "unix:$PWD/socket" --workers 1 app:app 3>&- &
	local memrec=$! answer=
	for _ in $(seq 300); do
		answer=$(curl --silent --unix-socket socket http://localhost/) && break
		sleep 0.1
	done
	kill "$(cat pid)"
	wait $memrec
	[ "$answer" = well ]
	[ "$(count 54321)" = 1 ]
}

@test "--follow-fork: memrec does not wait for children that it inherited at exec" {
	sh -c 'sleep 600 > /dev/null 2>&1 3>&- & echo $! > sleeping; exec memrec --follow-fork -o t.lz4 -- /usr/bin/python3 -c "kept = [bytearray(54320)]"'
	kill "$(cat sleeping)"	# it has not ended
	[ "$(count 54321)" = 1 ]
}

# ---- descriptors

@test "memrec raises its own descriptor limit to the maximum; the program keeps its limit" {
	ulimit -S -n 32
	cat > many.py <<-'END'
		import os, resource
		assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 32
		release, go = os.pipe()
		for i in range(30):
		    if os.fork() == 0:
		        os.close(go)
		        os.read(release, 1)
		        kept = [bytearray(54320) for i in range(10)]
		        os._exit(0)
		os.close(go)
		assert all(os.wait()[1] == 0 for i in range(30))
	END
	memrec --follow-fork -o t.lz4 -- /usr/bin/python3 many.py 2> err
	[ "$(count 54321)" = 300 ]
	[ ! -s err ]
}

@test "a process that cannot be accepted continues with unchanged signals, and one line says why" {
	cat > unaccepted.py <<-'END'
		import os, resource, signal, sys
		kept = [bytearray(65430) for i in range(10)]
		memrec = os.getppid()
		# Not one more descriptor, not even the one that memrec reserves for this.
		used = 1 + max(map(int, os.listdir("/proc/%d/fd" % memrec)))
		for limit in used, 3:
		    resource.prlimit(memrec, resource.RLIMIT_NOFILE, (limit, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
		    for i in range(10):
		        if os.fork() == 0:
		            kept = [bytearray(54320) for i in range(10)]
		            os._exit(len(signal.pthread_sigmask(signal.SIG_BLOCK, [])))
		        assert os.wait()[1] == 0
		kept = [bytearray(76540) for i in range(10)]
	END
	memrec --follow-fork -o t.lz4 -- /usr/bin/python3 unaccepted.py 2> err
	[ "$(count 65431)" = 10 ]
	[ "$(count 76541)" = 10 ]
	[ "$(count 54321)" -le 100 ]
	[ "$(grep -c 'cannot accept its connection: Too many open files' err)" = 1 ]
	memcat t.lz4 > copy.lz4
}

@test "a process with few free descriptors keeps them; a line says that it is not recorded" {
	cat > few.c <<-'END'
		#include <stdio.h>
		#include <stdlib.h>
		#include <sys/resource.h>
		#include <sys/wait.h>
		#include <unistd.h>
		static int left(void)
		{
			int n = 0, fd[64];
			while (n < 64 && (fd[n] = dup(0)) >= 0)
				n++;
			for (int i = 0; i < n; i++)
				close(fd[i]);
			return n;
		}
		int main(int argc, char **argv)
		{
			(void)argc;
			setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 32, 32 });
			while (left() > atoi(argv[1]))
				dup(0);
			if (fork() == 0) {
				for (int i = 0; i < 1000; i++)
					free(malloc(4321));
				_exit(left());
			}
			int status;
			wait(&status);
			return WEXITSTATUS(status);
		}
	END
	cc -O0 -o few few.c
	local free
	for free in 0 1 2 3 4; do
		run memrec --follow-fork -f -o t.lz4 -- ./few $free
		[ "$status" = $free ]
		[ "$(count 4321)" = $((free < 3 ? 0 : 1000)) ]
		[ $free = 0 ] || [ $free -ge 3 ] || [[ "$output" == *"fewer than 3 free file descriptors"* ]]
	done
}

@test "--native: loaded objects hold no descriptors" {
	seq 40 | while read -r i; do
		echo "#include <stdlib.h>
			void *keep_$i(void) { void *p = malloc(54321); __asm__ volatile(\"\" : : \"r\"(p) : \"memory\"); return p; }" > m.c
		cc -g -shared -fPIC -o m$i.so m.c
	done
	ulimit -n 36
	memrec --native --follow-fork -o t.lz4 -- /usr/bin/python3 -c '
import ctypes, os
for i in range(1, 41):
    library = ctypes.CDLL("./m%d.so" % i)
    getattr(library, "keep_%d" % i)()
if os.fork() == 0:
    kept = [bytearray(65430)]
    os._exit(0)
assert os.wait()[1] == 0' 2> err
	[ "$(memcat --json t.lz4 | grep -c '"name":"keep_')" = 40 ]
	[ "$(count 65431)" = 1 ]
	[ ! -s err ]
}

# ---- memory

@test "out of memory: a command exits with 1 and a message; never a crash or a wrong answer" {
	[ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer owns malloc"
	cc -shared -fPIC -o failmalloc.so "$TESTS/faults/failmalloc.c"
	trace > t.lz4 <<-END
		{"event":"process","pid":1,"info":{"command":["app","-v"],"executable":"/bin/app"}}
		{"event":"thread","pid":1,"tid":1,"name":"main"}
		alloc 1 1000 main@app.py:1;load@app.py:2 pid=1 tid=1
		{"event":"span","name":"load","begins":true,"pid":1,"tid":1,"time_ms":2}
		alloc 2 1000 main@app.py:1;run@x.so pid=1 tid=1 time_ms=20
		free 2
		{"event":"span","name":"load","begins":false,"pid":1,"tid":1,"time_ms":30}
		{"event":"rss","size":4096,"pid":1}
		exit 1
	END
	memcat --json t.lz4 > t.json
	memfold t.lz4 > t.folded
	local command failed=0
	while read -r command; do
		/usr/bin/python3 "$TESTS/faults/enomem.py" "$PWD/failmalloc.so" 60 $command || { echo "^ $command"; failed=1; }
	done <<-END
		memcat t.lz4
		memcat --json t.lz4
		memcat --header t.lz4
		memcat --from-json t.json
		memfold --by-process t.lz4
		memflame t.lz4
		memflame t.folded
		memdiff --json t.lz4 t.folded
		memtemp t.lz4
		memleak t.lz4
		mempeak t.lz4
		memage --min 1ms t.lz4
		memslice --span load t.lz4
		memgrep --function . t.lz4
		memmerge t.lz4 t.lz4
		memsplit-pid --force --list t.lz4
		memstats --json t.lz4
		memsummary t.lz4
		memtable t.lz4
		memtime t.lz4
		memtree t.lz4
	END
	[ $failed = 0 ]
}

@test "out of memory: memrec lets the program continue, passes its status, and prints a message" {
	[ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer owns malloc"
	cat > works.py <<-'END'
		import os, sys
		kept = [bytearray(2000) for i in range(200000)]
		for i in range(3):
		    if os.fork() == 0:
		        more = [bytearray(2000) for i in range(1000)]
		        os._exit(0)
		    assert os.wait()[1] == 0
		open("done", "w").close()
		sys.exit(7)
	END
	run -7 sh -c 'ulimit -S -v 16000; exec memrec --follow-fork -o t.lz4 -- sh -c "ulimit -S -v unlimited; exec /usr/bin/python3 works.py"'
	[ -e done ]
	[ "$output" = "memrec: out of memory; the program continues unrecorded" ]
	run -1 memcat t.lz4
}

# ---- signals

@test "any terminating signal ends an attached memrec cleanly: the trace is whole and the program continues" {
	/usr/bin/python3 -c '
import time
open("ready", "w").close()
while True:
    kept = [bytearray(54320) for i in range(10)]
    time.sleep(0.01)' 3>&- &
	local program=$! signal memrec
	for _ in $(seq 200); do [ ! -e ready ] || break; sleep 0.05; done
	for signal in USR1 USR2 ALRM HUP; do
		rm -f err		# the last round's file also has the line, until this memrec's shell has opened it
		memrec --verbose -f -o t.lz4 --pid $program 2> err 3>&- &
		memrec=$!
		for _ in $(seq 200); do ! grep -qs 'recording process' err || break; sleep 0.05; done
		kill -$signal $memrec
		wait $memrec || { echo "$signal: $? $(cat err)"; kill $program; return 1; }
		memcat t.lz4 > copy.lz4
	done
	kill $program
}

# ---- long stops

@test "memrec stopped for more than 65 s: what the program did before it waited has the time before the stop" {
	cat > long.py <<-'END'
		import os, signal, time
		memrec = os.getppid()
		def on():
		    time.sleep(67)
		    os.kill(memrec, signal.SIGCONT)
		if os.fork() == 0:    # it must not be held up: it goes on unrecorded
		    on()
		    os._exit(0)
		time.sleep(0.5)
		os.kill(memrec, signal.SIGSTOP)
		kept = [bytes(5432) for i in range(100000)]
		os.wait()
	END
	memrec -o t.lz4 -- /usr/bin/python3 long.py
	memcat --json t.lz4 | grep '"size":5465,' > blocks
	[ "$(wc -l < blocks)" = 100000 ]
	# The ring holds 65,536; of the others none was made before memrec went on.
	[ "$(grep -oE '"time_ms":[0-9]+' blocks | awk -F: '$2 < 20000' | wc -l)" -gt 60000 ]
	[ "$(grep -oE '"time_ms":[0-9]+' blocks | awk -F: '$2 >= 20000 && $2 < 67000' | wc -l)" = 0 ]
	[ "$(grep -oE '"time_ms":[0-9]+' blocks | awk -F: '$2 >= 67000' | wc -l)" -gt 30000 ]
}

# ---- kills

@test "killed at random moments, the program, memrec or both: all that was committed is in the trace" {
	run python3 "$TESTS/soak/kills.py" "$TESTS/../${B:-build}/tests/counting" 3
	[ "$status" = 0 ] || { echo "$output"; return 1; }
	[ "${#lines[@]}" = 4 ]
}

# ---- reasons

@test "memrec under memrec: the inner one records" {
	memrec -o outer.lz4 -- memrec -o inner.lz4 -- /usr/bin/python3 -c 'kept = [bytearray(54320)]'
	[ "$(count 54321 inner.lz4)" = 1 ]
	[ "$(count 54321 outer.lz4)" = 0 ]
}

@test "a process that gets no shared memory: the reason is the true one" {
	(ulimit -f 100; trap '' XFSZ; memrec -f -o t.lz4 -- /bin/true) 2> err || true
	grep -q 'cannot create shared memory' err
	[ "$(grep -c 'static, or set-user-ID' err)" = 0 ]
}

@test "a limit of file sizes (ulimit -f) that forbids shared memory is named, not a signal; a soft limit does not count" {
	set -o pipefail
	(ulimit -f 0; memrec -o t.lz4 -- /bin/true) 2>&1 | cat > err && false # root may raise it: then the trace cannot be written
	[ -s err ]
	grep -qE 'cannot create shared memory: the limit of file sizes|File too large' err
	(ulimit -S -f 100; memrec -- /usr/bin/python3 -c 'bytearray(54320)') 2> err | cat > t.lz4
	[ ! -s err ]
	[ "$(count 54321 t.lz4)" = 1 ]
}

@test "as the first process of a pid namespace, memrec reaps the orphans" {
	unshare -pf --mount-proc true 2> /dev/null || skip "namespaces cannot be made here"
	unshare -pf --mount-proc memrec -o t.lz4 -- sh -c '(sleep .1 &); (sh -c "exit 3" &); sleep .6; grep -h State /proc/[0-9]*/status' > states
	[ -s states ]
	[ "$(grep -c zombie states)" = 0 ]
}

# A command, in which the kernel refuses a system call.
refusing() { # NUMBER COMMAND...
	cat > refusing.c <<-'END'
		#include <errno.h>
		#include <linux/filter.h>
		#include <linux/seccomp.h>
		#include <stdlib.h>
		#include <sys/prctl.h>
		#include <unistd.h>
		int main(int argc, char **argv)
		{
			struct sock_filter f[] = {
				BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
				BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, argc > 2 ? atoi(argv[1]) : 0, 0, 1),
				BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
				BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
			};
			struct sock_fprog p = { 4, f };
			if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, 2, &p) < 0)
				return 99;
			execvp(argv[2], argv + 2);
			return 98;
		}
	END
	cc -o refusing refusing.c
	./refusing "$@"
}

@test "attaching where process_vm_readv or process_vm_writev is forbidden: that is the reason given" {
	sleep 100 3>&- &
	local program=$! call
	for call in 310 311; do
		run -1 refusing $call memrec -f -o t.lz4 --duration 1s -p $program
		[[ "$output" == *"process $program: memrec may not access its memory: Operation not permitted"* ]] || { echo "$call: $output"; kill $program; return 1; }
	done
	kill $program
}

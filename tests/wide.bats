# Traces of many processes: the cost is not quadratic in their number.

load lib/common

# Prints a trace of 100,000 processes. wave: all begin before any ends; row: one after another, beside one with many blocks.
wide_trace() { # wave|row
	python3 - "$1" <<-'END' | memcat --from-json
		import json, sys
		def put(event, **fields):
		    sys.stdout.write(json.dumps(dict({"event": event}, **fields)) + "\n")
		def begin(i):
		    put("process", pid=i, info={"command": ["app", str(i)]})
		    for k in range(3):
		        put("alloc", id=3 * i + k, size=100 + k, stack=1, pid=i, tid=i, time_ms=i)
		    put("free", id=3 * i, pid=i, tid=i)
		    put("rss", pid=i, size=4096)
		def end(i):
		    put("exit", pid=i, info={"code": 0})
		many = range(1000, 101000)
		put("header", command=["app"])
		put("function", function=1, lang="python", name="main", file="a.py")
		put("frame", frame=1, function=1, line=1)
		put("stack", stack=1, parent=0, frame=1)
		if sys.argv[1] == "row":
		    put("process", pid=1, info={"command": ["app"]})
		    for k in range(100000):
		        put("alloc", id=400000 + k, size=10, stack=1, pid=1, tid=1, time_ms=1)
		for i in many:
		    begin(i)
		    if sys.argv[1] == "row":
		        end(i)
		if sys.argv[1] == "wave":
		    for i in many:
		        end(i)
		put("end")
	END
}

@test "100,000 processes: each command takes less than 3 s of processor time" {
	[ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer takes time"
	local kind command spent
	for kind in wave row; do
		wide_trace $kind > $kind.lz4
		[ "$(memcat --json $kind.lz4 | grep -c '"event":"exit"')" = 100000 ]
		for command in "$(dirname "$(command -v memcat)")"/mem*; do
			case ${command##*/} in memrec | memsplit-pid | memtop) continue ;; esac
			TIMEFORMAT='%U %S'
			set -- $kind.lz4
			[ "${command##*/}" != memdiff ] || set -- $kind.lz4 $kind.lz4
			spent=$({ time "$command" "$@" > out 2> err; } 2>&1) || { cat err; return 1; }
			awk '{ exit $1 + $2 >= 3 }' <<< "$spent" || { echo "$kind: ${command##*/} took $spent"; return 1; }
		done
	done
}

@test "memsplit-pid: a reused pid gets another file; other processes are not mixed up" {
	python3 - <<-'END' | memcat --from-json > t.lz4
		import json
		def put(event, **fields):
		    print(json.dumps(dict({"event": event}, **fields)))
		put("header", command=["app"])
		for i in range(300):    # five processes at a time, which end in another order than they began
		    put("process", pid=i % 50, info={"command": ["app", str(i)]})
		    put("alloc", id=i, size=1000 + i, pid=i % 50, tid=1)
		    if i % 5 == 4:
		        for k in (2, 0, 4, 1, 3):
		            put("exit", pid=(i - k) % 50, info={"code": 0})
		put("end")
	END
	memsplit-pid -o 'part.%p.lz4' t.lz4
	[ "$(ls part.*.lz4 | wc -l)" = 300 ]
	local n
	for n in 0 7 49; do
		[ "$(memcat --json part.$n.lz4 | grep -o '"size":[0-9]*')" = "\"size\":$((1000 + n))" ]
		[ "$(memcat --json part.$n.6.lz4 | grep -o '"size":[0-9]*')" = "\"size\":$((1250 + n))" ]
		memcat --json part.$n.6.lz4 | tail -1 | grep -q '"event":"end"'
	done
}

# Builds a program that loads ./got.so so often, or ./got.so and ./other.so by turns.
loader() { # [CFLAG...]: for the objects
	cat > load.c <<-'END'
		#include <dlfcn.h>
		#include <stdlib.h>
		int main(int argc, char **argv)
		{
			for (int i = 0; i < atoi(argv[1]); i++) {
				void *library = dlopen(argc > 2 && i % 2 ? "./other.so" : "./got.so", RTLD_NOW);
				void *(*get)(void) = library ? (void *(*)(void))dlsym(library, "get") : NULL;
				if (!get)
					return 1;
				free(get());
				dlclose(library);
			}
			return 0;
		}
	END
	cat > got.c <<-'END'
		#include <stdlib.h>
		void *get(void) { void *p = malloc(4321); __asm__ volatile("" : : "r"(p) : "memory"); return p; }
	END
	cc -O1 -o load load.c -ldl
	cc -O1 -shared -fPIC "$@" -o got.so got.c
	sed 's/4321/54321/' got.c > other.c
	cc -O1 -shared -fPIC "$@" -o other.so other.c
}

@test "--native: an object that is loaded 1000 times has one row for each load, and the others stay known" {
	loader
	memrec --native -o t.lz4 -- ./load 1000
	memcat --json t.lz4 > t.json
	[ "$(grep '"event":"process"' t.json | grep -c 'got\.so"')" = 1000 ]
	[ "$(grep '"event":"process"' t.json | grep '"module"' | grep -vc 'got\.so"')" -le 5 ]
	[ "$(memfold t.lz4 | grep -c ';get$\|;get ' )" -ge 1 ]
	[ "$(grep -c '"size":4321,' t.json)" = 1000 ]
}

# Prints the most memory that memrec has used, in KB, and the recorder's part in the program.
weight() { # COMMAND...
	/usr/bin/time -f %M -o most memrec --native -f -o t.lz4 -- "$@"
	echo "$(($(< most) + $(memcat --json t.lz4 | jq 'select(.event == "exit") | .info.recorder_bytes') / 1024))"
}

@test "--native: the recorder's memory does not grow with the number of objects that are loaded and unloaded" {
	[ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer takes memory"
	local flag turns few many
	for flag in --build-id=sha1 --build-id=none; do
		loader -Wl,$flag
		for turns in "" turns; do
			few=$(weight ./load 10000 $turns)
			many=$(weight ./load 40000 $turns)
			echo "$flag $turns: $few KB, then $many KB"
			[ "$many" -lt $((few + 4096)) ]
			[ "$many" -lt 30000 ]
			[ "$(memcat --json t.lz4 | grep '"event":"process"' | grep -c '/\(got\|other\)\.so"')" = 40000 ]
		done
	done
}

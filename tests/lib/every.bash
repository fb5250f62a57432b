# What memsummary and memtable have in common: --every. `load lib/every`.

# Three blocks in a trace of 5.2 s; the reports' times, and their totals in several ways.
every_reports() { # TOOL
	printf 'alloc 1 100 main@a.py:1 time_ms=100\nalloc 2 50 main@a.py:2 time_ms=1500\nfree 1 time_ms=1900\nalloc 3 7 main@a.py:3 time_ms=5200\n' | trace > t.lz4
	[ "$("$1" --every 1s t.lz4 | grep -E '^(app|Total)' | cut -d' ' -f1-4)" = 'app: live after 1.0s
Total: 100B in 1
app: live after 5.0s
Total: 50B in 1
app: live after 5.2s
Total: 57B in 2' ] || return
	[ "$("$1" --every 1s --json t.lz4 | jq .total_bytes | paste -sd ' ')" = '100 50 57' ] || return
	[ "$("$1" --every 2s --total --json t.lz4 | jq .total_bytes | paste -sd ' ')" = '150 157' ] || return
	[ "$(memgrep -F a.py t.lz4 | "$1" --every 1min | head -1)" = "app: live after 5.2s; only files 'a.py'" ] || return
	run -2 "$1" --every 0 t.lz4
}

reports_in() { # FILE
	grep -c 'live after' "$1" || true
}

# Waits until a command's reports are there while the program that is recorded still runs, then lets that end.
reports_come() { # FILE
	for _ in $(seq 600); do
		[ "$(reports_in "$1")" -lt 2 ] || break
		sleep .05
	done
	[ ! -e done ] && [ "$(reports_in "$1")" -ge 2 ] || return
	touch stop
}

# Reports come while the program runs: from a pipe, and from the file that is being written.
every_reports_come() { # TOOL
	[ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer cannot record"
	cat > app.py <<-'END'
		import os, time
		kept = []
		while not os.path.exists("stop"):
		    kept.append(bytearray(20_000))
		    time.sleep(.01)
		open("done", "w").close()
	END
	memrec -- python3 app.py 3>&- | "$1" --every 100ms > out &
	reports_come out || return
	wait || return
	rm stop done
	memrec -o growing.lz4 -- python3 app.py 3>&- &
	until [ -s growing.lz4 ]; do sleep .05; done
	"$1" --every 100ms growing.lz4 > out 3>&- &
	reports_come out || return
	wait
}

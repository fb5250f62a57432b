# How the system divides the memory of processes: private, shared, proportional, swap.

load lib/common
load lib/traces

# Three workers that have 40 MB of their parent's; each writes to 10 MB of it once told to. Their own view of it, in kB, is in 1.own, …
service() {
	cat > workers.py <<-'END'
		import os, sys, time
		def own():
		    with open("/proc/self/smaps_rollup") as f:
		        kb = {line.split(":")[0]: int(line.split()[1]) for line in f if line.endswith(" kB\n")}
		    return kb["Private_Clean"] + kb["Private_Dirty"]
		def until(name):
		    while not os.path.exists(name): time.sleep(.02)
		blocks = [bytearray(1000) for _ in range(40000)]
		for n in 1, 2, 3:
		    if os.fork() == 0:
		        until("write")
		        for block in blocks[:10000]: block[0] = 1
		        with open(f"{n}.tmp", "w") as f: print(own(), file=f)
		        os.rename(f"{n}.tmp", f"{n}.own")
		        until("end")
		        os._exit(0)
		for n in 1, 2, 3: os.wait()
	END
	memrec -F -o t.lz4 -- /usr/bin/python3 workers.py &
	MEMREC=$!
}

# Waits, at most half a minute, until a command succeeds.
eventually() { # COMMAND...
	for _ in {1..600}; do
		if "$@"; then return; fi
		sleep .05
	done
	return 1
}

all_sampled() {
	[ "$(memcat --json t.lz4 2> /dev/null | jq -r 'select(.event == "memory").pid' | sort -u | wc -l)" -eq 4 ]
}

# Waits until a condition about the last line of memtime holds; columns: $2 heap, $3 rss, $4 private, $5 proportional.
until_sampled() { # CONDITION
	eventually eval "memtime --every 1s t.lz4 2> /dev/null | tail -1 | awk '!($1) { exit 1 }'" || { memtime --every 1s t.lz4; return 1; }
}

end_service() {
	touch write end
	wait "$MEMREC" || true
}

@test "forked workers: the proportional sum has shared pages once, and private grows as they are written to" {
	service
	until_sampled '$3 > 160e6 && $5 > 40e6 && $5 < 90e6'
	touch write
	until_sampled '$4 > 30e6 && $5 > 70e6 && $5 < 120e6'
	eventually eval '[ -e 1.own ] && [ -e 2.own ] && [ -e 3.own ]'
	# The private sizes are the kernel's, up to the recorder's share.
	until_sampled "\$4 > $(cat 1.own 2.own 3.own | awk '{ n += $1 } END { print n * 1000 }')"
	eventually all_sampled
	end_service
	memstats t.lz4 > stats
	grep -E '^  proportional: +[0-9.]+MB, with shared pages counted once$' stats
	[ "$(memstats --json t.lz4 | jq '.peak_rss > 2 * .peak_private and .peak_private > 30e6 and .peak_proportional < 130e6')" = true ]
	[ "$(memtime --by process --csv t.lz4 | tail -n +2 | cut -d, -f2 | sort -u | wc -l)" -eq 4 ]
}

@test "an attached process is said to be so, a launched one is not" {
	python3 -c 'import sys, time; print(flush=True); [bytearray(1000) for _ in range(99)]; time.sleep(999)' > started &
	program=$!
	eventually [ -s started ]
	memrec -p $program -d 200ms -o t.lz4
	kill $program
	[ "$(memtime t.lz4 | sed -n 2p)" = "# process $program: heap counts from the attach on; resident sizes include earlier memory" ]
	memtime t.lz4 | tail -1 | awk '$4 < 1e6 || $5 < $4 { exit 1 }'
	memrec -o u.lz4 -- python3 -c pass
	[ "$(memtime u.lz4 | grep -c '^# ')" -eq 1 ]
	[ "$(memstats --json u.lz4 | jq .attached)" -eq 0 ]
}

@test "where the system does not let us see it, there are only resident sizes" {
	[ "$(id -u)" -eq 0 ] || skip "needs root, to become a user who may not look"
	chmod 711 . # this test's folder must not matter
	cat > private.py <<-'END'
		import ctypes, time
		ctypes.CDLL(None).prctl(4, 0) # PR_SET_DUMPABLE
		x = [b"x" * 1000000 for _ in range(30)]
		time.sleep(.3)
	END
	chmod 644 private.py
	setpriv --reuid=65534 --regid=65534 --clear-groups env "PATH=$PATH" memrec -- /usr/bin/python3 - < private.py > t.lz4
	memstats --json t.lz4 | jq -e '.peak_rss > 30e6 and .peak_private < 20e6'
}

# memfrag: what keeps pages resident. And memstats' verdict.

load lib/common
load lib/traces

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

# The heap begins at page 16 (65536): 3 pages, one that is not resident, 6 pages. Blocks are on its first, third and fifth page.
heap() {
	cat <<-'END'
	alloc 1 100 main@app.py:3;load@app.py:41 pid=7 tid=7
	alloc 2 200 main@app.py:3;load@app.py:41
	alloc 3 50 main@app.py:3
	alloc 4 5000 main@app.py:9
	{"event":"census","pid":7,"time_ms":1,"info":{"moment":"request","typed":1}}
	{"event":"blocks","pid":7,"time_ms":1,"info":{"types":["x"],"blocks":[65552,1,1,200,1,1,8192,1,1,8192,1,1]}}
	{"event":"pages","pid":7,"time_ms":1,"info":{"mapping":"heap","start":65536,"resident":[0,3,1,6]}}
	END
}

area() { # NAME: resident live free longest between
	jq -r --arg name "$1" '.processes[0].areas[] | select(.area == $name) | "\(.resident) \(.live) \(.free) \(.longest) \(.between)"' out.json
}

place() { # LINE: pins free_held pages alone live blocks
	jq -r --argjson line "$1" '.processes[0].places[] | select(.line == $line) | "\(.pins) \(.free_held) \(.pages) \(.alone) \(.live) \(.blocks)"' out.json
}

@test "pages under blocks, free ones before them, and the gaps between; the end of the heap is pinned by none" {
	# 1 and 2 on page 16; 3 (73944) on page 18; 4 (82136) on pages 20 and 21, of which 19 is not resident, 22 to 25 are free
	heap | trace > t.lz4
	memfrag --json t.lz4 > out.json
	# resident 9 pages; live 100 + 200 + 50 + 5000; free: page 17, and 22 to 25 after
	[ "$(area 'C library, first heap')" = "$((9 * 4096)) 5350 $((5 * 4096)) $((4 * 4096)) $((4 * 4096 - 5350))" ]
	[ "$(place 41)" = "4096 0 4096 4096 300 2" ]
	[ "$(place 3)" = "8192 4096 4096 4096 50 1" ]
	[ "$(place 9)" = "8192 0 8192 8192 5000 1" ]
	[ "$(jq '.processes[0].malloc_trim' out.json)" = $((5 * 4096)) ]
}

@test "a page on which two places have blocks counts for both, and is neither's alone; rows add up to the total" {
	trace > t.lz4 <<-'END'
	alloc 1 100 a@a.py:1 pid=7 tid=7
	alloc 2 100 b@a.py:2
	alloc 3 9000 c@a.py:3
	{"event":"census","pid":7,"time_ms":1,"info":{}}
	{"event":"blocks","pid":7,"time_ms":1,"info":{"types":[],"blocks":[65536,1,0,100,1,0,100,1,0]}}
	{"event":"pages","pid":7,"time_ms":1,"info":{"mapping":"anonymous","start":65536,"resident":[0,3]}}
	{"event":"pages","pid":7,"time_ms":1,"info":{"mapping":"anonymous","start":77824,"resident":[2,1]}}
	{"event":"pages","pid":7,"time_ms":1,"info":{"mapping":"stack","start":1048576,"resident":[0,2]}}
	END
	memfrag --json t.lz4 > out.json
	[ "$(place 1)" = "4096 0 4096 0 100 1" ]
	[ "$(place 2)" = "4096 0 4096 0 100 1" ]
	# 65736 to 74736: pages 16 to 18; the fourth page continues the mapping and is held for its last block
	[ "$(place 3)" = "16384 4096 12288 8192 9000 1" ]
	[ "$(area 'no blocks')" = "8192 0 0 0 0" ]
	[ "$(jq -c '[.processes[0].total.resident, ([.processes[0].areas[].resident] | add)]' out.json)" = '[24576,24576]' ]
}

@test "areas by the addresses that the allocators give" {
	trace > t.lz4 <<-'END'
	alloc 1 100 a@a.py:1 pid=7 tid=7
	alloc 2 200000 b@a.py:2
	alloc 3 8192 c@a.py:3
	alloc 4 512 d@a.py:4
	alloc 5 600 e@a.py:5
	{"event":"census","pid":7,"time_ms":1,"info":{}}
	{"event":"blocks","pid":7,"time_ms":1,"info":{"types":[],"blocks":[67109000,1,0,67104648,1,0,409584,1,0,12288,1,0,4096,1,0]}}
	{"event":"pages","pid":7,"time_ms":1,"info":{"mapping":"anonymous","start":67108864,"resident":[0,1]}}
	{"event":"pages","pid":7,"time_ms":1,"info":{"mapping":"anonymous","start":134213632,"resident":[0,1,0,1000]}}
	END
	memfrag --json t.lz4 > out.json
	jq -c '.processes[0].areas[]' out.json
	[ "$(jq -r '.processes[0].areas[] | "\(.area) \(.live)"' out.json)" = "C library, thread heaps 100
C library, large blocks 200000
Python's arenas 512
mappings 8192
other blocks 600" ]
}

@test "the last census of each process counts; a damaged one neither crashes nor hangs" {
	{
		heap
		printf '%s\n' '{"event":"census","pid":7,"time_ms":2,"info":{}}' \
			'{"event":"blocks","pid":7,"time_ms":2,"info":{"types":[],"blocks":[65552,1,0]}}' \
			'{"event":"pages","pid":7,"time_ms":2,"info":{"mapping":"heap","start":65536,"resident":[0,1]}}'
	} | trace > t.lz4
	memfrag --json t.lz4 > out.json
	[ "$(jq '.processes | length' out.json)" = 1 ]
	[ "$(jq '.processes[0].total.resident' out.json)" = 4096 ]
	trace > odd.lz4 <<-'END'
	alloc 1 9223372036854775807 a@a.py:1 pid=7 tid=7
	alloc 2 9223372036854775807 b@a.py:2
	{"event":"census","pid":7,"time_ms":1,"info":{}}
	{"event":"blocks","pid":7,"time_ms":1,"info":{"types":[],"blocks":[1,1,0,1,1,0]}}
	{"event":"pages","pid":7,"time_ms":1,"info":{"mapping":"heap","start":0,"resident":[0,4503599627370495,0,1,5]}}
	{"event":"pages","pid":7,"time_ms":1,"info":{"mapping":"heap","start":4096,"resident":[1,1125899906842624]}}
	{"event":"pages","pid":8,"time_ms":1,"info":{"mapping":5,"start":-1,"resident":{}}}
	END
	run timeout 20 memfrag odd.lz4
	[ "$status" -ne 124 ] && [ "$status" -lt 128 ]
}

@test "without a census, or with one of an older memrec, one line says so" {
	printf 'alloc 1 1 a@a.py:1\n' | trace > none.lz4
	run memfrag none.lz4
	[ "${lines[1]}" = "There is no census: record one with 'memrec --census', or call memrec.census() in the program." ]
	[ "$(memfrag --json none.lz4 | jq -c .processes)" = '[]' ]
	heap | grep -v pages | trace > old.lz4
	run memfrag old.lz4
	[ "${lines[1]}" = 'The census has no pages: an older memrec recorded it.' ]
}

@test "the fragmentation program: the place, and its pages as the system counts them; what malloc_trim returns" {
	[ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer cannot record"
	cat > app.py <<-'END'
		import ctypes, re, struct
		import memrec
		def ingest(n):
		    kept = []
		    for i in range(n):
		        pages.append(bytes(16000))
		        kept.append(bytes(700))
		    return kept
		def resident(begin, end):
		    with open("/proc/self/pagemap", "rb") as f:
		        f.seek(begin // 4096 * 8)
		        n = end // 4096 - begin // 4096 + 1
		        return sum(entry >> 63 for entry in struct.unpack("%dQ" % n, f.read(8 * n)))
		def anonymous():
		    return int(re.search(r"RssAnon:\s+(\d+)", open("/proc/self/status").read())[1]) * 1024
		pages = []
		index = ingest(6252)
		del pages
		low, high = min(map(id, index)), max(map(id, index))
		memrec.census()
		truth, before = resident(low, high), anonymous()
		ctypes.CDLL(None).malloc_trim(0)
		print(truth * 4096, before - anonymous())
	END
	PYTHONPATH=$TESTS/../record/python memrec -A -o t.lz4 -- python3 app.py > truth
	read -r pages trimmed < truth
	memfrag --json t.lz4 > out.json
	jq -c '.processes[0].places[0]' out.json
	cat truth
	jq -e --argjson pages "$pages" --argjson trimmed "$trimmed" '.processes[0] |
		(.places[0] | .function == "ingest" and .blocks >= 6252 and (.pins - $pages | fabs) < 0.05 * $pages) and
		(.malloc_trim - $trimmed | fabs) < 0.05 * $trimmed' out.json
	[ "$(memstats --json t.lz4 | jq -r .verdict)" = fragmentation ]
	memstats t.lz4 | grep -A1 '^Verdict: *fragmentation: .* of .* resident are free but held;$' | grep 'malloc_trim(0) would return'
}

@test "memstats: the allocator's cache, memory in use, and no verdict without a census" {
	[ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer cannot record"
	# Once the large block is freed, glibc takes blocks of that size from its heap and keeps twice as much at its end.
	memrec -A --census -o cache.lz4 -- python3 -c 'big = bytes(30_000_000); del big; small = [bytes(100_000) for i in range(500)]; del small'
	[ "$(memstats --json cache.lz4 | jq -r .verdict)" = "allocator's cache" ]
	memrec -A --census -o used.lz4 -- python3 -c 'kept = [bytes(10_000) for i in range(5000)]'
	[ "$(memstats --json used.lz4 | jq -r .verdict)" = 'in use' ]
	memrec -o none.lz4 -- python3 -c pass
	[ "$(memstats --json none.lz4 | jq -r .verdict)" = null ]
	memrec --sample=64KiB --census -o sampled.lz4 -- python3 -c 'kept = [bytes(10_000) for i in range(5000)]'
	[ "$(memstats --json sampled.lz4 | jq -r .verdict)" = 'not known' ]
}

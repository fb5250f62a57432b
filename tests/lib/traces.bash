# Making traces from text.

# Makes a trace from short lines on standard input, and writes it to standard output:
#
#     alloc ID SIZE [STACK] [KEY=VALUE...]	STACK: main@app.py:3;load@app.py:41, outermost first; - = not known
#     free ID [KEY=VALUE...]
#     resize ID SIZE [KEY=VALUE...]
#     exit PID
#     cut					no end: the program was killed
#     {"event":…}				any line of memcat --json
#
# Frames of functions in .so files are native. KEY=VALUE: pid=, tid=, time_ms=, weight=, allocator=.
trace() {
	trace_lines | memcat --from-json
}

trace_lines() {
	awk '
	function quoted(s) { gsub(/\\/, "\\\\", s); gsub(/"/, "\\\"", s); return "\"" s "\"" }
	function frame_of(text,    name, file, line, native) {
		if (text in frames) return frames[text]
		name = text; sub(/@.*/, "", name)
		file = text; if (!sub(/^[^@]*@/, "", file)) file = ""
		line = 0; if (match(file, /:[0-9]+$/)) { line = substr(file, RSTART + 1); file = substr(file, 1, RSTART - 1) }
		native = file ~ /\.so$/
		if (!((name, file) in functions)) {
			functions[name, file] = ++n_functions
			printf "{\"event\":\"function\",\"function\":%d,\"lang\":%s,\"name\":%s,\"file\":%s,\"module\":%s}\n", n_functions,
				native ? "\"native\"" : "\"python\"", quoted(name), native ? "\"\"" : quoted(file), native ? quoted(file) : "\"\""
		}
		frames[text] = ++n_frames
		printf "{\"event\":\"frame\",\"frame\":%d,\"function\":%d,\"line\":%d}\n", n_frames, functions[name, file], line
		return n_frames
	}
	function stack_of(text,    n, parts, i, parent, path, frame) {
		if (text == "" || text == "-") return 0
		n = split(text, parts, ";")
		parent = 0
		for (i = 1; i <= n; i++) {
			path = path ";" parts[i]
			if (!(path in stacks)) {
				frame = frame_of(parts[i])
				stacks[path] = ++n_stacks
				printf "{\"event\":\"stack\",\"stack\":%d,\"parent\":%d,\"frame\":%d}\n", n_stacks, parent, frame
			}
			parent = stacks[path]
		}
		return parent
	}
	function more(from,    i, p, out) {
		for (i = from; i <= NF; i++) {
			p = index($i, "=")
			out = out ",\"" substr($i, 1, p - 1) "\":" (substr($i, p + 1) ~ /^[0-9]+$/ ? substr($i, p + 1) : quoted(substr($i, p + 1)))
		}
		return out
	}
	/^$/ || /^#/ { next }
	!begun && !/"event":"header"/ { print "{\"event\":\"header\",\"command\":[\"app\"]}" }
	{ begun = 1 }
	/^\{/ { if (/"event":"header"/) { delete functions; delete frames; delete stacks; n_functions = n_frames = n_stacks = 0 } print; next }
	$1 == "alloc" { s = stack_of($4 ~ /=/ && $4 !~ /@/ ? "" : $4)
		printf "{\"event\":\"alloc\",\"id\":%s,\"size\":%s,\"stack\":%d%s}\n", $2, $3, s, more($4 ~ /=/ && $4 !~ /@/ ? 4 : 5); next }
	$1 == "free" { printf "{\"event\":\"free\",\"id\":%s%s}\n", $2, more(3); next }
	$1 == "resize" { printf "{\"event\":\"resize\",\"id\":%s,\"size\":%s%s}\n", $2, $3, more(4); next }
	$1 == "exit" { printf "{\"event\":\"exit\",\"pid\":%s,\"info\":{\"code\":0}}\n", $2; next }
	$1 == "cut" { cut = 1; next }
	{ print "trace: no such line: " $0 > "/dev/stderr"; exit 1 }
	END { if (!begun) print "{\"event\":\"header\",\"command\":[\"app\"]}"; if (!cut) print "{\"event\":\"end\"}" }'
}

# Writes a trace of 200,000 events, which is larger than any buffer.
big_trace() {
	"$TESTS/../${B:-build}/tests/lib/bigtrace" 200000 5000 300
}

# Prints the header of a trace after a filter: filtered_header PROGRAM ['"ARG","ARG"' ['"KEY":VALUE,…' of its stage]]
filtered_header() {
	printf '{"event":"header","format":"memtrace","version":[1,0],"kinds":{},"command":["app"],"provenance":[{"program":"memrec","version":"0.1.0","args":[]},{"program":"%s","version":"0.1.0","args":[%s]%s}]}\n' "$1" "${2-}" "${3:+,$3}"
}

# Prints a trace of three lines of /srv/app.py: line 10 in main, which has this source code, and in load line 3, and line 4
# without source code.
three_lines() { # SOURCE, as in JSON: line 9, line 10 and those that follow
	{
		cat <<-'END'
			{"event":"function","function":1,"lang":"python","name":"main","file":"/srv/app.py"}
			{"event":"function","function":2,"lang":"python","name":"load","file":"/srv/app.py"}
			{"event":"frame","frame":1,"function":1,"line":10}
		END
		printf '{"event":"source","file":"/srv/app.py","line":10,"before":1,"text":"%s"}\n' "$1"
		cat <<-'END'
			{"event":"frame","frame":2,"function":2,"line":3}
			{"event":"source","file":"/srv/app.py","line":3,"before":0,"text":"    return read()"}
			{"event":"frame","frame":3,"function":2,"line":4}
			{"event":"stack","stack":1,"frame":1}
			{"event":"stack","stack":2,"parent":1,"frame":2}
			{"event":"stack","stack":3,"parent":1,"frame":3}
			{"event":"alloc","id":1,"size":1000,"allocator":"malloc","stack":2,"pid":1,"tid":1,"time_ms":0}
			{"event":"alloc","id":2,"size":500,"allocator":"malloc","stack":3}
			{"event":"alloc","id":3,"size":100,"allocator":"malloc","stack":1}
			{"event":"end"}
		END
	} | memcat --from-json
}

# memflame: the page, its numbers, and its behaviour in a browser (tests/page/selftest.js)

load lib/common
load lib/page
load lib/traces

setup() {
  cd "$BATS_TEST_TMPDIR" || return 1
  cp "$TESTS/page/small.folded" .
}

# ---------------------------------------------------------------- the file

@test "a page is one document without any reference to another" {
  memflame small.folded >page.html
  run -1 grep -E 'https?://|src=|href=|url\(|@import' page.html
  grep -q "Content-Security-Policy.*default-src 'none'" page.html
  [ "$(tail -1 page.html)" = "</html>" ]
  # Nothing moves by itself, so there is nothing to reduce.
  run -1 grep -E 'transition:|animation:|@keyframes' page.html
}

@test "the scripts of a page stay below 110 kB" {
  memflame small.folded >page.html
  [ "$(sed -n '/^<script>$/,/<\/script>$/p' page.html | wc -c)" -lt 110000 ]
}

@test "the same input gives the same bytes, by name and by pipe" {
  memflame small.folded >a.html
  memflame <small.folded >b.html
  cat small.folded | memflame - >c.html
  memflame <(cat small.folded) >d.html
  cmp a.html b.html && cmp a.html c.html && cmp a.html d.html
}

@test "without scripts the page has a table of the places with the most memory" {
  memflame small.folded >page.html
  sed -n '/<noscript>/,/<\/noscript>/p' page.html >noscript.html
  grep -q '<td>360B</td><td>60.00</td><td>work (/srv/lib.py:3)</td>' noscript.html
  grep -q '<p>600B in all' noscript.html
  [ "$(grep -c '<td>' noscript.html)" -eq 4 ]
}

@test "an empty input gives a page that says so" {
  memflame </dev/null >page.html
  printf '\n\n' | memflame | cmp - page.html
  browse page.html '{"total": 0, "suites": ["empty"]}'
  all_passed 1
}

@test "a bad line is named, and the page shows everything before it" {
  for bad in 'a;b' 'a;b ' 'a;b 12x' 'a;b -3'; do
    printf 'a;b 1\n%s\na;b 5\n' "$bad" >bad.folded
    run -1 --separate-stderr memflame bad.folded
    [ "${lines[-1]}" = "</html>" ]
    [[ "$output" == *"<p>1B in all"* ]]
    [[ "$stderr" == "memflame: bad.folded: line 2: "*"'$bad'; everything before that is used" ]]
    [ "${#stderr_lines[@]}" -eq 1 ]
  done
}

@test "if the first line is bad, the input is not folded lines, and no page is written" {
  run -1 --separate-stderr memflame < <(printf 'this is text\na;b 1\n')
  [ -z "$output" ]
  [ "$stderr" = "memflame: standard input: line 1: no number from 0 to 2^64-1 at its end: 'this is text'; folded lines are 'main;load;parse 4096'" ]
}

@test "folded lines of other programs: py-spy's without a stack, austin's comments, tabs, decimals, a mark" {
  printf '\xef\xbb\xbf# austin: 3.7.0\n# interval: 1000\n\nmain (a.py:1);f (a.py:2) 12.5\nmain (a.py:1)\t7\n 5\n# duration: 3000\n' >odd.folded
  memflame odd.folded >page.html
  sed -n '/<noscript>/,/<\/noscript>/p' page.html >noscript.html
  grep -q '<p>25B in all' noscript.html
  [ "$(grep '<td>' noscript.html | sed 's/<[^>]*>/ /g' | awk '{ print $1, $3, $4 }')" = "13B f (a.py:2)
7B main (a.py:1)
5B [no stack]" ]
}

@test "a frame that ends in a number does not turn a file into a difference" {
  printf 'main;worker 12 5\nmain;other 7\n' | memflame >page.html
  grep -q '<title>memory by call stack</title>' page.html
  grep -q '<p>12B in all' page.html
  grep -q '<td>worker 12</td>' page.html
  printf 'a;b 10.5 12\n 3 4\n# 1 2\n' | memflame | grep -q '<p>14B before, 16B after'
}

@test "garbage is not echoed to the terminal" {
  run -1 --separate-stderr memflame < <(printf 'x\033[31m\001;y')
  [[ "$stderr" == *"line 1: no number"*"'x?[31m?;y'; folded lines are 'main;load;parse 4096'" ]]
}

@test "sums up to 2^53 are exact, larger ones are refused" {
  echo 'a;b 9007199254740992' | memflame >page.html
  browse page.html '{"total": 9007199254740992, "suites": ["any"]}'
  all_passed 17
  run -1 memflame < <(echo 'a 9007199254740993')
  [[ "$output" == "memflame: standard input: line 1: the sum of the numbers goes beyond 2^53"* ]]
  run -1 --separate-stderr memflame < <(printf 'a 9007199254740992\nb 1\n')
  [[ "$output" == *"<p>9.007PB in all"* ]]
  [[ "$stderr" == "memflame: standard input: line 2: the sum of the numbers goes beyond 2^53"*"'b 1'; everything before that is used" ]]
}

@test "usage errors and bad data have different exit statuses" {
  run -2 memflame --leaks small.folded
  run -2 memflame --leaks --total small.folded
  run -2 memflame small.folded small.folded
  run -2 memflame --title '' small.folded
  python3 "$TESTS/lib/gen_trace.py" --events 100 | memcat --from-json >t.lz4
  run -2 memflame --unit bytes t.lz4
  run -1 memflame nowhere.folded
  [[ "$output" == "memflame: nowhere.folded: cannot open: No such file or directory" ]]
}

@test "a full disk is reported, a closed pipe ends quietly" {
  run -1 bash -c 'memflame small.folded >/dev/full'
  [[ "$output" == *"No space left on device"* ]]
  run bash -o pipefail -c 'memflame small.folded | head -c 10 >/dev/null'
  [ -z "$output" ]
}

# ---------------------------------------------------------------- in a browser

@test "numbers, views, search, mouse and keys on a page of known sums" {
  memflame small.folded >page.html
  browse page.html "{\"total\": $(total small.folded), \"suites\": [\"any\", \"small\", \"keys\", \"accessible\"]}"
  all_passed 30
}

@test "in dark mode, and on a narrow screen" {
  memflame small.folded >page.html
  browse page.html '{"total": 600, "suites": ["dark", "any", "keys"]}' --force-dark-mode --blink-settings=preferredColorScheme=0 --window-size=600,700
  all_passed 18
}

@test "a program's page keeps its total in every view" {
  python3 "$TESTS/page/gen.py" program >program.folded
  memflame program.folded >page.html
  browse page.html "{\"total\": $(total program.folded), \"suites\": [\"any\", \"accessible\"]}"
  all_passed 18
}

@test "the page distinguishes native and Python frames, from a trace and from folded lines" {
  printf 'alloc 1 100 main@app.py:1;work@/usr/lib/libwork.so;back@app.py:9;alloc@libwork.so\nalloc 2 100 main@app.py:1;main@app.py:2\n' | trace >t.lz4
  for page in "memflame t.lz4" "memfold t.lz4 | memflame"; do
    bash -o pipefail -c "$page" >page.html
    browse page.html '{"total": 200, "suites": ["native"], "native": ["work", "alloc"], "python": ["main", "back"]}'
    all_passed 1
  done
}

@test "Python only at first, without start-up rows and the import machinery's C functions" {
  python=/usr/bin/python3.11
  interpreter() { sed 's/"lang":"python","name":"\([^"]*\)","file":"\(.usr.bin.python3.11\)","module":""/"lang":"native","name":"\1","file":"","module":"\2"/'; }
  trace_lines <<END | interpreter | memcat --from-json >mixed.lz4
alloc 1 100 _start@$python;main@/srv/app.py:1;work@/srv/libwork.so;_find_and_load@/usr/lib/python3.11/importlib/_bootstrap.py:9;<module>@/srv/mod.py:3
alloc 2 60 _start@$python;main@/srv/app.py:1;_PyEval_Vector@$python;load@/srv/app.py:7
alloc 3 40 _start@$python;main@/srv/app.py:1;PyImport_ImportModuleLevelObject@$python;dlopen@/usr/lib/libc.so
END
  memflame mixed.lz4 >page.html
  browse page.html '{"total": 200, "suites": ["python_only", "any"]}'
  all_passed 22
}

@test "memory: not more than the manual says" {
  [ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer needs more"
  read -r of_folded of_trace < <(sed -n 's/^For each node of the call tree [0-9]* to \([0-9]*\) bytes for folded lines, and [0-9]* to \([0-9]*\) for a trace;.*/\1 \2/p' "$TESTS/../render/memflame.1")
  python3 "$TESTS/page/gen.py" random 300000 >nodes.folded
  python3 "$TESTS/page/gen.py" timed 300000 | memcat --from-json >nodes.lz4
  # Above the 6 MB of any page. Half as many intervals as nodes, a tenth as many allocations at once.
  [ "$(python3 "$TESTS/lib/peak_rss.py" memflame nodes.folded)" -lt $((6000 + 300 * of_folded)) ]
  [ "$(python3 "$TESTS/lib/peak_rss.py" memflame nodes.lz4)" -lt $((6000 + 300 * of_trace + 150 * 72 + 30 * 110)) ]
}

@test "README's first page is made from a trace" {
  [ "$(grep -om 1 'memflame [^>]*>' "$TESTS/../README.md")" = "memflame trace.lz4 >" ]
}

@test "memdiff's lines: growth and shrinkage in two colours" {
  cat >diff.folded <<'END'
main (/srv/app.py:1);load (/srv/app.py:10) 100 160
main (/srv/app.py:1);old (/srv/app.py:20) 50 0
main (/srv/app.py:1);new (/srv/app.py:30) 0 30
main (/srv/app.py:1);less (/srv/app.py:40) 40 10
same (/srv/app.py:50) 7 7
END
  memflame diff.folded >page.html
  memflame <diff.folded | cmp - page.html
  browse page.html '{"total": 287, "suites": ["any", "difference", "accessible"]}'
  all_passed 26
  # As memdiff names its inputs; markup in a name stays text.
  { printf '%s\n' '# before: "old <b>1.lz4" alive at the high-water mark' '# after: "new.lz4" alive at the high-water mark'; cat diff.folded; } >named.folded
  memflame named.folded >named.html
  browse named.html '{"total": 287, "inputs": ["old <b>1.lz4", "new.lz4"], "suites": ["any", "difference"]}'
  all_passed 25
  grep -q '<title>old &lt;b&gt;1.lz4 to new.lz4: alive at the high-water mark, before and after</title>' named.html
  memflame --svg named.folded | grep -q '>alive at the high-water mark, before and after: 197B before, 207B after · old &lt;b&gt;1.lz4 to new.lz4</text>'
  grep -q '<title>memory by call stack, before and after</title>' page.html
  sed -n '/<noscript>/,/<\/noscript>/p' page.html >noscript.html
  grep -q '<p>197B before, 207B after' noscript.html
  [ "$(grep '<td>' noscript.html | sed 's/<[^>]*>/ /g' | awk '{ print $1, $2, $3, $4 }')" = "+60B 100B 160B load
-50B 50B 0B old
+30B 0B 30B new
-30B 40B 10B less" ]
}

@test "a difference of two traces keeps both totals" {
  for seed in 1 2; do
    python3 "$TESTS/lib/gen_trace.py" --events 20000 --finalizing --seed $seed | memcat --from-json >$seed.lz4
  done
  memdiff 1.lz4 2.lz4 >diff.folded
  memflame --title 'before and after the fix' --unit samples diff.folded >page.html
  larger=$(awk '/^#/ { next } { n += $NF > $(NF-1) ? $NF : $(NF-1) } END { printf "%.0f", n }' diff.folded)
  browse page.html "{\"total\": $larger, \"suites\": [\"any\"]}"
  all_passed 17
  grep -q '<title>1.lz4 to 2.lz4: before and after the fix</title>' page.html
  memdiff 1.lz4 2.lz4 | memflame | grep -q "<p>$(memfold 1.lz4 | awk '{ n += $NF } END { printf "%.3fMB", n / 1e6 }') before"
  memdiff /dev/null /dev/null | memflame | grep -q '<p>0B in all'
}

@test "a difference with a bad line" {
  for bad in 'a;b' 'a;b 1 x' 'a;b 1 -2'; do
    printf 'a;b 1 2\n%s\n' "$bad" >bad.folded
    run -1 --separate-stderr memflame bad.folded
    [[ "$output" == *"<p>1B before, 2B after"* ]]
    [[ "$stderr" == "memflame: bad.folded: line 2: no number "* ]]
  done
  # Far after the part that showed it to be a difference.
  { yes 'a;b 1 2' | head -n 200000; echo 'a;b 3'; } >bad.folded
  run -1 --separate-stderr memflame bad.folded
  [[ "$stderr" == "memflame: bad.folded: line 200001: one number only, where the lines before have two"* ]]
  run -1 memflame < <(echo 'a 9007199254740992 1')
  [[ "$output" == *"beyond 2^53"* ]]
}

@test "lines with a common beginning" {
  printf '%s\n' 'ab;c 1' 'abc;d 2' 'ab 4' 'ab;c;d 8' 'ab;cd 16' 'abc;c 16' >prefixes.folded
  memflame prefixes.folded >page.html
  browse page.html "{\"total\": $(total prefixes.folded), \"suites\": [\"prefixes\"]}"
  all_passed 1
}

@test "a stack of 8000 frames" {
  python3 "$TESTS/page/gen.py" deep 8000 | memflame >page.html
  browse page.html '{"total": 4096, "depth": 8000, "suites": ["deep", "cut"]}'
  all_passed 3
}

@test "a large page draws the same graph before the rest has been read and after" {
  python3 "$TESTS/page/gen.py" mixed 25000 | memflame >page.html
  browse page.html '{"suites": ["first"], "boxes": 5000}'
  all_passed 3
  python3 "$TESTS/page/gen.py" timed 25000 | memcat --from-json | memflame >page.html
  browse page.html '{"suites": ["first"], "boxes": 5000}'
  all_passed 3
  # Threads, processes and allocators are hidden frames, too.
  python3 "$TESTS/lib/gen_trace.py" --events 100000 --stacks 20000 --functions 300 --processes 2 --mappings | memcat --from-json | memflame >page.html
  browse page.html '{"suites": ["first"], "boxes": 50}'
  all_passed 3
}

@test "no first view: of small pages, of differences, where a link shows something else, on wide screens" {
  python3 "$TESTS/page/gen.py" random 30000 >random.folded
  first() { sed -n 's/^<script type="text\/plain" id="first">\(.*\)<\/script>$/\1/p' "$1"; }
  memflame small.folded >page.html
  [ -z "$(first page.html)" ]
  memflame --inverted random.folded >page.html
  [ -z "$(first page.html)" ]
  memdiff random.folded random.folded | memflame >page.html
  grep -q "before, .* after" page.html
  [ -z "$(first page.html)" ]
  memflame random.folded >page.html
  [ -n "$(first page.html)" ]
  browse page.html '{"suites": ["whole_first"]}' --window-size=2600,800
  all_passed 1
  sed '/id="data">/s/[A-Z]\{3\}/!!/3' page.html >damaged.html
  browse damaged.html '{"suites": ["no_whole"]}'
  all_passed 1
}

@test "100000 siblings" {
  python3 "$TESTS/page/gen.py" wide 100000 | memflame >page.html
  browse page.html '{"total": 10000000, "siblings": 100000, "suites": ["wide", "thin"]}'
  all_passed 3
}

# Names and places that once failed; 2,000 letters of template arguments.
faults() {
  local arguments
  arguments=$(printf 'std::pair<int, long>, %.0s' {1..100})
  cat <<END
<module> (/srv/a.py:9);run (/srv/a.py:1) 3000
<module> (/srv/a.py:9);run (/srv/b.py:2);one (/venv/lib/python3.11/site-packages/numpy/core/one.py:5) 5000
<module> (/srv/a.py:9);two (/venv/lib/python3.11/site-packages/numpy/core/two.py:6) 4000
<module> (/srv/a.py:9);x (/venv/lib/python3.11/site-packages/pandas/x.py:6) 3000
<module> (/srv/a.py:9);<module> (/usr/lib/python3.11/json/__init__.py:1);decode (/usr/lib/python3.11/json/decoder.py:3) 2000
<module> (/srv/a.py:9);pybind11::cpp_function::initialize<$arguments>(int) 7000
END
  printf '<module> (/srv/a.py:9);\u202edirt\u2066y (/srv/b.py:7) 1000\n'
}

@test "source code of the trace: as labels, in the details, found; --no-source leaves it out" {
  three_lines '# <b>first</b>\n    main, \"all\"\u202e\n    if x:\n\t    tab' >t.lz4
  memflame t.lz4 >page.html
  browse page.html '{"total": 1600, "suites": ["source", "any"]}'
  all_passed 20
  memflame --no-source t.lz4 >without.html
  memcat --json t.lz4 | grep -v '"event":"source"' | memcat --from-json | memflame >never.html
  cmp without.html never.html
}

@test "former faults: help, long names, namesakes, overrides, colours, endless regular expressions" {
  faults >faults.folded
  memflame faults.folded >page.html
  browse page.html "{\"total\": $(total faults.folded), \"suites\": [\"faults\", \"any\"]}"
  all_passed 28
  # Without scripts, too.
  sed -n '/<noscript>/,/<\/noscript>/p' page.html | grep -q 'u202edirt'
}

@test "at a zoom of 400 % the graph keeps its height" {
  memflame small.folded >page.html
  browse page.html '{"total": 600, "suites": ["small_screen"]}' --window-size=320,256
  all_passed 1
}

@test "labels are text: markup, escapes, other scripts, invalid UTF-8, brackets" {
  {
    echo '</script><script>evil=1</script> (</noscript><img src=x onerror=evil=1>.py:1);<b class=evil>bold</b> 10'
    echo 'semi\x3bcolon;back\x5cslash;line\x0aend 20'
    echo '日本語の関数 (/srv/файл.py:3);🐍🐍🐍;ﷺ 30'
    printf 'bad\377\376utf 40\n'
    echo 'operator()(int) (a b (copy).cpp:7);f(int (*)(int)) 50'
    echo ';;no names 60'
    echo '@DATA@;&lt;__proto__;constructor;-->;]]> 70'
  } >hostile.folded
  memflame --title '</title><script>evil=1</script>"&' hostile.folded >page.html
  run -1 grep -E '<img|<script>evil|<b class' page.html
  browse page.html '{"total": 280, "title": "</title><script>evil=1<\/script>\"&", "suites": ["any", "hostile"], "names":
    ["<\/script><script>evil=1<\/script>", "semi;colon", "back\\slash", "line\\x0aend", "日本語の関数", "🐍🐍🐍", "operator()(int)",
     "f(int (*)(int))", "[no name]", "@DATA@", "&lt", "__proto__", "bad\ufffd\ufffdutf"]}'
  all_passed 17
}

@test "one node; a unit; open inverted" {
  echo 'alone 7' | memflame --unit samples --inverted --title 'CPU' >page.html
  grep -q '<p>7 in all' page.html
  browse page.html '{"total": 7, "suites": ["any"]}'
  all_passed 17
  grep -q '7 samples' dom.html
  grep -q 'data-view="inverted" aria-pressed="true"' dom.html
}

@test "a trace: the sums of memfold, in bytes and allocations, and the title of its stages" {
  python3 "$TESTS/lib/gen_trace.py" --events 20000 --seed 7 | memcat --from-json >t.lz4
  for what in "" --leaks --total; do
    # shellcheck disable=SC2086 # an empty option must not be a word
    memfold $what t.lz4 >bytes.folded && memfold $what --count t.lz4 >count.folded
    # shellcheck disable=SC2086
    memflame $what t.lz4 >page.html
    case $what in
    --leaks) title="never freed" ;;
    --total) title="all allocations" ;;
    *) title="alive at the high-water mark" ;;
    esac
    browse page.html "{\"total\": $(total bytes.folded), \"allocations\": $(total count.folded), \"title\": \"$title\", \"command\": \"python3 'my script.py' --n=3\", \"suites\": [\"trace\"]}"
    all_passed 1
  done
}

@test "--no-cmdline: no command line in the page, nor in the names of processes" {
  python3 "$TESTS/lib/gen_trace.py" --events 5000 --seed 7 --processes 2 | memcat --from-json >t.lz4
  memfold t.lz4 >bytes.folded && memfold --count t.lz4 >count.folded
  memflame --no-cmdline t.lz4 >page.html
  run -1 grep script.py page.html
  browse page.html "{\"total\": $(total bytes.folded), \"allocations\": $(total count.folded), \"title\": \"alive at the high-water mark\", \"command\": \"\", \"suites\": [\"trace\"]}"
  all_passed 1
  memflame --no-cmdline --svg t.lz4 >page.svg
  run -1 grep script.py page.svg
}

@test "processes are named by their commands, also below many folders" {
  folders=/srv$(printf '/company%.0s' $(seq 20))
  trace >t.lz4 <<END
{"event":"process","pid":7,"info":{"command":["$folders/bin/python3.11","$folders/bin/gunicorn","-w","3"]}}
{"event":"process","pid":8,"info":{"command":["worker","$(printf 'ä%.0s' $(seq 300))"]}}
alloc 1 100 main@app.py:1 pid=7
alloc 2 50 main@app.py:1 pid=8
END
  memflame t.lz4 >page.html
  browse page.html "{\"suites\": [\"labels\"], \"labels\": \"[process 7: gunicorn -w 3]; [process 8: worker '$(printf 'ä%.0s' $(seq 246))]\"}"
  all_passed 1
}

@test "packages as boxes around their functions" {
  cat >packages.folded <<'END'
main (/srv/app.py:1);array (/v/lib/python3.11/site-packages/numpy/core.py:5);call (/v/lib/python3.11/site-packages/numpy/sub.py:6) 100
main (/srv/app.py:1);array (/v/lib/python3.11/site-packages/numpy/core.py:5);back (/srv/app.py:9) 30
main (/srv/app.py:1);load (/usr/lib/python3.11/json/decoder.py:3) 50
other (/srv/b.py:2) 20
END
  memflame packages.folded >page.html
  browse page.html '{"total": 200, "suites": ["packages", "any"]}'
  all_passed 25
}

# answer CHANGES BYTES-FOLDED COUNT-FOLDED: prints {changes, bytes, count, lines}
answer() {
  jq -n --argjson changes "$1" --argjson bytes "$(total "$2")" --argjson count "$(total "$3")" \
    --argjson lines "$(awk '$NF > 0 { print $NF }' "$2" | sort -n | jq -sc .)" '{$changes, $bytes, $count, $lines}'
}

# answer_of CHANGES MEMFOLD-OPTION FILTER...: the same for the filters' output from t.lz4
answer_of() {
  local changes=$1 what=$2
  shift 2
  bash -o pipefail -c "cat t.lz4 $* | memfold $what" >bytes.folded
  bash -o pipefail -c "cat t.lz4 $* | memfold $what --count" >count.folded
  answer "$changes" bytes.folded count.folded
}

@test "phases: the interpreter's start is one box, and a chip leaves what the script allocated" {
  [ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer cannot record"
  printf 'import threading\nx = bytearray(3000000)\nt = threading.Thread(target=lambda: bytearray(2000000))\nt.start()\nt.join()\n' >script.py
  memrec -f -o t.lz4 -- python3 script.py
  memfold t.lz4 >peak.folded
  memslice --span script t.lz4 | memfold --total >made.folded
  script=$(memcat --json t.lz4 | python3 "$TESTS/lib/script_at_peak.py")
  memflame t.lz4 >page.html
  browse page.html "{\"total\": $(total peak.folded), \"script\": $script, \"made\": $(total made.folded), \"suites\": [\"phases\"]}"
  all_passed 3
}

@test "phases: in the answer of a filter, which comes after the program's end, the script's blocks are still the script's" {
  [ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer cannot record"
  printf 'import time\ntime.sleep(.01)\nkept = [bytes(3000000)]\ntime.sleep(.01)\n' >script.py
  memrec -f -o t.lz4 -- python3 script.py
  for answer in "memleak t.lz4" "mempeak t.lz4" "memage --min-age 1ms t.lz4" "memslice --span script t.lz4 | memleak" "memleak t.lz4 | memgrep --min-size 1MB"; do
    bash -o pipefail -c "$answer | memgrep --min-size 1MB --max-size 3100000 | memflame --svg" | grep -o '<title>[^<]*' >titles
    echo "$answer: $(paste -sd ';' titles)"
    run ! grep -q shutdown titles
    [ "$(sed -n 2p titles)" = "<title>$(echo '<module> ('"$PWD"'/script.py:3)' | sed 's/</\&lt;/; s/>/\&gt;/')" ]
  done
}

@test "time: any moment and any range agree with memfold, memslice, memleak and memtemp" {
  for seed in 3 4; do
    python3 "$TESTS/lib/gen_trace.py" --events 20000 --finalizing --seed $seed --processes 2 --threads 2 --events-per-ms 90 --spans --weights --lost | memcat --from-json >t.lz4
    {
      answer_of '{}' ''
      answer_of '{"mode":"leaked"}' --leaks
      answer_of '{"mode":"made"}' --total
      answer_of '{"mode":"temporary"}' '' '| memtemp'
      for range in 0-50 37-120 120-121 60-400; do
        from=${range%-*} to=${range#*-}
        answer_of "{\"mode\":\"leaked\",\"from\":\"$from\",\"to\":\"$to\"}" '' "| memslice -b ${from}ms -e ${to}ms | memleak"
        answer_of "{\"mode\":\"made\",\"from\":\"$from\",\"to\":\"$to\"}" --total "| memslice -b ${from}ms -e ${to}ms"
        answer_of "{\"mode\":\"temporary\",\"from\":\"$from\",\"to\":\"$to\"}" '' "| memtemp | memslice -b ${from}ms -e ${to}ms"
      done
      # The maximum within a window, including memory from before, which --alive writes first.
      answer_of '{"from":"40","to":"90"}' '' '| memslice --alive -b 40ms -e 90ms'
    } | jq -sc . >answers.json
    # How the system divides the memory of both, after all else.
    { memcat --json t.lz4 | grep -v '"event":"end"'
      for pid in $(memcat --json t.lz4 | jq -r 'select(.event == "process").pid' | sort -u | head -1); do
        echo '{"event":"memory","pid":'"$pid"',"info":{"private":100000000,"shared":1,"proportional":200000000,"swap":3000000},"time_ms":'"$(memcat --json t.lz4 | jq -s '[.[].time_ms // 0] | max')"'}'
      done
      echo '{"event":"end"}'; } | memcat --from-json >with.lz4
    mv with.lz4 t.lz4
    memflame t.lz4 >page.html
    memfold t.lz4 >peak.folded
    memtime --every 1ms t.lz4 | awk '!/^#/ { printf "[%s,%s,%s]\n", $1, $2, $3 }' | jq -sc . >curve.json
    jq -n --slurpfile answers answers.json --slurpfile curve curve.json --argjson total "$(total peak.folded)" \
      '{$total, suites: ["time"], answers: $answers[0], curve: $curve[0], facts: ["peak ", "ran 0.", "each recorded", "Python and C", "peak private 100.000MB", "peak proportional 200.000MB", "peak swap 3.000MB"], warnings: "17 events were lost: the ring was full"}' >expect.json
    browse page.html "$(cat expect.json)"
    all_passed 22
  done
}

@test "--svg: a picture with the same sums, without hidden frames, names as text" {
  memflame --svg small.folded >small.svg
  python3 -c 'import sys, xml.dom.minidom as m; print(*[t.firstChild.data.replace("\n", " ") for t in m.parse(sys.argv[1]).getElementsByTagName("title")], sep="\n")' small.svg >titles
  grep -qx 'all 600B, 100.00 %' titles
  grep -qx 'work (/srv/lib.py:3) 360B, 60.00 %' titles
  grep -qx 'load (/srv/app.py:10) 125B, 20.83 %' titles
  run -1 grep -E '_find_and_load|malloc' titles
  run -1 grep -E '<script|href' small.svg
  grep -q '>work</text>' small.svg
  printf '%s\n' '<b class="evil">&;a 10' >hostile.folded
  memflame --svg --title '</text><script>' hostile.folded | python3 -c 'import sys, xml.dom.minidom as m; d = m.parse(sys.stdin); assert not d.getElementsByTagName("script") and not d.getElementsByTagName("b")'
  printf '%s\n' 'a;b 100 160' 'a;c 50 0' | memflame --svg >diff.svg
  grep -q '^100B before, 160B after</title>' diff.svg
  memflame --svg </dev/null | grep -q '</svg>'
  memflame --svg --width 300 --title "$(printf 'a long title %.0s' $(seq 9))" small.folded >narrow.svg
  python3 - <<'END'
import xml.dom.minidom
svg = xml.dom.minidom.parse("narrow.svg").documentElement
assert svg.getAttribute("width") == "300", svg.getAttribute("width")
assert all(float(r.getAttribute("x")) + float(r.getAttribute("width")) <= 300.01 for r in svg.getElementsByTagName("rect")[1:])
heading = "".join(n.data for n in svg.getElementsByTagName("text")[0].childNodes)
assert heading.startswith("a long title ") and "…: " in heading and len(heading) * 7.2 <= 300, heading
END
  run -2 memflame --width 300 small.folded
  run -2 memflame --svg --width 1 small.folded
}

@test "the view can be saved as SVG, CSV and folded lines, and printed whole" {
  memflame small.folded >page.html
  browse page.html '{"total": 600, "suites": ["saved"]}'
  all_passed 4
}

@test "the tables of functions and of the tree agree with the graph" {
  memflame small.folded >page.html
  browse page.html '{"total": 600, "suites": ["tables"]}'
  all_passed 3
}

@test "traces and folded lines are distinguished, however they arrive" {
  python3 "$TESTS/lib/gen_trace.py" --events 2000 --seed 7 | memcat --from-json >t.lz4
  memflame t.lz4 >page.html
  memflame <t.lz4 | cmp - page.html
  memflame <(cat t.lz4) | cmp - page.html
  lz4 -dcq t.lz4 | memflame | cmp - page.html
  { head -c 1 t.lz4; sleep 0.2; tail -c +2 t.lz4; } | memflame | cmp - page.html
  # Text whose first byte could begin a large msgpack map.
  echo 'ߐ;b 3' | memflame | grep -q '<p>3B in all'
}

@test "a damaged trace gives a page of everything before the damage, which says so" {
  python3 "$TESTS/lib/gen_trace.py" --events 20000 --seed 7 | memcat --from-json --uncompressed >t.lz4
  head -c 60000 t.lz4 >cut.lz4
  run -1 --separate-stderr memflame cut.lz4
  [[ "$stderr" == *"cut.lz4: cut off"* ]]
  [ "${lines[-1]}" = "</html>" ]
  # Visible in the page, and without scripts.
  [[ "$output" == *"<p><strong>The trace is incomplete: cut.lz4: cut off after "* ]]
  printf '%s\n' "$output" >page.html
  browse page.html '{"suites": ["warned"], "warning": "The trace is incomplete: cut.lz4: cut off"}'
  all_passed 1
}

@test "a hundred thousand nodes: the file is small, and is drawn" {
  python3 "$TESTS/page/gen.py" random 100000 >random.folded
  memflame random.folded >page.html
  [ "$(stat -c %s page.html)" -lt 700000 ]
  browse page.html "{\"total\": $(total random.folded), \"suites\": [\"any\"]}"
  all_passed 17
}

@test "-o writes the page to a file; a file that cannot be written is named" {
	echo 'main;work 10' | memflame > page.html
	echo 'main;work 10' | memflame -o other.html
	cmp page.html other.html
	run -1 memflame -o nowhere/page.html <<< 'main;work 10'
	[ "$output" = "memflame: nowhere/page.html: No such file or directory" ]
}

@test "mouse, wheel, fingers, and the menu of a box" {
  memflame small.folded >page.html
  browse page.html '{"total": 600, "suites": ["gestures"]}'
  all_passed 9
}

@test "forced colours keep pressed buttons and the colours of the legend" {
  printf '%s\n' 'own (/srv/a.py:1) 10' 'x (/v/site-packages/numpy/x.py:1) 5' 'y (/v/site-packages/pandas/x.py:1) 4' >two.folded
  memflame two.folded >page.html
  browse page.html '{"total": 19, "suites": ["forced"]}' --force-high-contrast
  all_passed 1
}

@test "a link names functions: it opens the same view in the page of another recording" {
  { echo 'aaa (/srv/new.py:1);main (/srv/app.py:1) 1000'; sed 's/io.py:5/io.py:6/; s/ 100$/ 7000/' small.folded; } >later.folded
  memflame later.folded >page.html
  browse page.html '{"suites": ["linked"], "links": [["#zoom=main/load", "load", 7025], ["#zoom=main/load~2/read", "read", 50],
    ["#view=sandwich&focus=read%20(/srv/io.py)", "read", 7050], ["#zoom=main/gone/read", "main", 14335],
    ["#view=sandwich&focus=gone%20(/srv/io.py)", "all", 15400], ["#view=inverted&zoom=work/main", "main", 7200]]}'
  all_passed 6
}

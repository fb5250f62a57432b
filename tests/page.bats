# The figures on memflame's pages against the definitions; Firefox; accessibility. See tests/page.

load lib/common
load lib/page

# small.folded: memory by call stack, of known sums
setup() {
  cd "$BATS_TEST_TMPDIR" || return 1
  cp "$TESTS/page/small.folded" .
}

@test "on 400 random traces, every moment and range, the curve and the table of functions agree with the definitions" {
  echo 'main;work 10' | memflame >page.html
  for first in 1 101 201 301; do
    python3 "$TESTS/lib/page_answers.py" $first $((first + 99)) >cases.json
    browse page.html @cases.json
    all_passed 3
    [ "$(jq .figures.cases result.json)" -eq 100 ]
    [ "$(jq .figures.questions result.json)" -eq 2400 ]
  done
}

@test "Firefox draws the page, and passes the same checks as Chromium" {
  memflame small.folded >page.html
  browse_firefox page.html '{"total": 600, "suites": ["any", "small", "keys", "accessible", "tables", "saved"]}'
  all_passed 40
  [ "$(stat -c %s screen.png)" -gt 10000 ]
  python3 "$TESTS/lib/page_answers.py" 500 519 >cases.json
  browse_firefox page.html @cases.json
  all_passed 3
}

@test "axe-core finds no obstacle, in any tab, menu or theme" {
  axe=$(axe_core) || true
  [ -s "$axe" ] || skip "no axe-core: make axe"
  python3 "$TESTS/lib/gen_trace.py" --events 20000 --seed 3 --processes 2 --threads 2 --spans --lost | memcat --from-json >t.lz4
  memflame t.lz4 >page.html
  { printf '<script>'; cat "$axe"; printf '</script>\n'; } >>page.html
  browse page.html '{"suites": ["axe"]}'
  all_passed 22
}

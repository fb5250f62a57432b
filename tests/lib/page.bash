# Pages of memflame in a browser: `load lib/page`.

# Prints the sum of the numbers in folded lines, computed by another program.
total() {
  awk '{ s += $NF } END { printf "%.0f", s }' "$1"
}

# test_page PAGE EXPECT: prints a page with the suites in EXPECT, JSON or @FILE, added.
test_page() {
  cat "$1"
  printf '<script>const EXPECT = '
  if [[ $2 == @* ]]; then cat "${2#@}"; else printf '%s' "$2"; fi
  printf ';</script>\n<script>\n'
  cat "$TESTS/page/selftest.js" "$TESTS"/page/suites/*.js
  echo '</script>'
}

# axe_core: prints the path of axe-core, which `make axe` installs; skips if it is not there.
axe_core() {
  local file=$TESTS/../${B:-build}/axe/node_modules/axe-core/axe.min.js
  [[ ${B:-} != /* ]] || file=$B/axe/node_modules/axe-core/axe.min.js
  [ -e "$file" ] || skip "no axe-core: make axe"
  echo "$file"
}

# browse PAGE EXPECT [CHROMIUM OPTION...]: runs the suites in EXPECT in a browser without network; writes result.json.
browse() {
  local page=$1 expect=$2
  shift 2
  command -v chromium >/dev/null || skip "no chromium to open the page in"
  test_page "$page" "$expect" >opened.html
  timeout 60 chromium --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
    --user-data-dir="$BATS_TEST_TMPDIR/profile" --host-resolver-rules="MAP * ~NOTFOUND" --window-size=1400,800 \
    --virtual-time-budget=20000 "$@" --dump-dom "file://$PWD/opened.html" >dom.html 2>browser.err || return
  # Text in a script element is serialised unchanged, without entities.
  sed -n 's/.*<script type="text\/plain" id="selftest">\(.*\)<\/script>.*/\1/p' dom.html >result.json
  [ -s result.json ] || { echo "no result; the browser said:"; tail -5 browser.err; return 1; }
}

# all_passed N: all checks passed, and there were at least N.
all_passed() {
  jq -r '.failed[]' result.json
  [ "$(jq '.failed | length' result.json)" -eq 0 ] && [ "$(jq '.passed | length' result.json)" -ge "$1" ]
}


# browse_firefox PAGE EXPECT: the same in Firefox; writes result.json and screen.png.
browse_firefox() {
  command -v firefox-esr >/dev/null || skip "no firefox-esr to open the page in"
  test_page "$1" "$2" >opened.html
  HOME=$BATS_TEST_TMPDIR python3 "$TESTS/page/firefox.py" opened.html screen.png >result.json
}

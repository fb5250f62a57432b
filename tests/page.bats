# The figures on memflame's pages against the definitions; Firefox; accessibility. See tests/page.

load lib/common
load lib/page

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

# examples/fleet: rows of many traces; SQL engines give the answers that are known, and equal ones.

load lib/common

FLEET=$BATS_TEST_DIRNAME/../examples/fleet

with_dataframes() {
	"${MEMREC_DATAFRAMES:-$TESTS/../build/dataframes}/bin/python" "$@"
}

# Prints the sum of the numbers modulo 7.
residues() { # NUMBER...
	local n sum=0
	for n; do
		sum=$((sum + n % 7))
	done
	echo $sum
}

# Without an engine: the rows themselves, by the definition.
@test "the fleet's rows: every run leaks what was planted" {
	"$FLEET/make" fleet 30
	[ "$(find fleet -name blocks.csv | wc -l)" -eq 30 ]
	python3 - > got <<-'END'
	import collections, csv, glob
	leaked = collections.Counter()
	for path in glob.glob("fleet/*/*/*/blocks.csv"):
	    version = path.split("version=")[1].split("/")[0]
	    for row in csv.DictReader(open(path)):
	        if row["fate"] == "leaked":
	            leaked[version, row["function"]] += int(row["bytes"])
	for (version, function), n in sorted(leaked.items()):
	    print(version, function, n)
	END
	# Runs 0 to 7 and 24 to 29 have release v1.0; run 14 exports.
	old=$((20 * (14 * 1000 + $(residues 0 1 2 3 4 5 6 7 24 25 26 27 28 29))))
	new=$((20 * (16 * 1000 + $(residues 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23))))
	printf 'v1.0 open_session %d\nv1.1 export %d\nv1.1 open_session %d\nv1.1 put %d\n' $old $((20 * 50000)) $new $((20 * 16 * 4000)) | diff got -
}

@test "DuckDB finds the growing places, the regression and the worst hour" {
	with_dataframes -c 'import duckdb' 2> /dev/null || skip "without DuckDB: make dataframes"
	"$FLEET/make" fleet 48
	with_dataframes "$FLEET/ask" fleet > duckdb
	printf -- "-- %s\n" "Places that grow, over machines and releases" "Regressions: bytes leaked in a run, in the old and in the new release" \
		"The worst hour" | diff <(grep ^-- duckdb) -
	[ "$(sed -n 2p duckdb)" = $'v1.1\tput\tshop/cache.py\t7\t2\t2560000' ]
	[ "$(sed -n '/Regressions/{n;p}' duckdb)" = $'put\tshop/cache.py\t7\t0\t80000' ]
	[ "$(sed -n '/worst hour/{n;p}' duckdb)" = $'2025-12-01 14:00:00\t1100030' ]
}

@test "Spark on one machine gives DuckDB's answers" {
	with_dataframes -c 'import duckdb, pyspark' 2> /dev/null || skip "without DuckDB and pyspark: make dataframes, pip install pyspark"
	command -v java > /dev/null || skip "Spark needs Java"
	"$FLEET/make" fleet 48
	with_dataframes "$FLEET/ask" fleet > duckdb
	with_dataframes "$FLEET/ask" fleet spark 2> err > spark || { cat err; false; }
	diff duckdb spark
}

# The rows of three random traces; what the commands say of these; the lines of an answer, in any order.
ten_questions() {
	local run
	for run in 1 2 3; do
		mkdir -p rows/machine=m/version=v/run=$run
		python3 "$TESTS/lib/gen_trace.py" --events 2000 --seed $run --processes 2 --threads 3 --weights --spans |
			awk '{ gsub(/"time_ms": [0-9]+/, "\"time_ms\": " int(NR / 4)) } 1' | memcat --from-json > $run.lz4
		memrows $run.lz4 > rows/machine=m/version=v/run=$run/blocks.csv
	done
	python3 "$TESTS/lib/fleet_answers.py" 1.lz4 2.lz4 3.lz4 > answers
}

any_order() { # FILE
	awk '/^--/ { question = $2 } { print question "\t" $0 }' "$1" | LC_ALL=C sort
}

@test "DuckDB gives the ten answers of our own commands" {
	with_dataframes -c 'import duckdb' 2> /dev/null || skip "without DuckDB: make dataframes"
	ten_questions
	with_dataframes "$FLEET/ask" rows duckdb "$FLEET/answers.sql" > duckdb
	[ "$(grep -c ^-- duckdb)" -eq 10 ]
	diff <(any_order answers) <(any_order duckdb)
}

@test "Spark gives the ten answers of our own commands" {
	with_dataframes -c 'import pyspark' 2> /dev/null || skip "without pyspark: make dataframes SPARK=pyspark"
	command -v java > /dev/null || skip "Spark needs Java"
	ten_questions
	with_dataframes "$FLEET/ask" rows spark "$FLEET/answers.sql" 2> err > spark || { cat err; false; }
	diff <(any_order answers) <(any_order spark)
}

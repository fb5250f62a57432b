# The services in examples/services/: each fault is found in two commands.

load lib/common

check_service() { # NAME
	command -v jq > /dev/null || skip "no jq"
	B=$(cd "$TESTS/.." && realpath "${B:-build}") run "$TESTS/../examples/services/check" "$1"
	echo "$output"
	[[ "$output" != "$1: skipped: "* ]] || skip "${output#*skipped: }"
	[ "$output" = "$1: as expected" ]
	[ "$status" -eq 0 ]
}

@test "gunicorn and Flask: the function that remembers every order, in each worker" {
	check_service gunicorn-flask
}

@test "uvicorn: the tasks whose results are kept" {
	check_service uvicorn
}

@test "Celery: the worker's function whose texts are kept" {
	check_service celery
}

@test "Celery with a real broker, redis" {
	command -v redis-server > /dev/null || skip "no redis-server"
	redis-server --port 0 --unixsocket "$PWD/redis.sock" --save "" --dir . > redis.log 3>&- &
	redis=$!
	until [ -S redis.sock ]; do kill -0 $redis; sleep .05; done
	BROKER="redis+socket://$PWD/redis.sock" check_service celery
}

teardown() {
	[ -z "${redis:-}" ] || kill "$redis"
}

@test "a pool that copies on write: private memory grows where the heap does not" {
	check_service copy-on-write
}

@test "a websocket server: sessions that wait for the collector of cycles, not a leak" {
	check_service websocket
}

@test "a service that prints something else is reported, and one whose packages cannot be installed is skipped" {
	mkdir examples
	cp -r "$TESTS/../examples/services" examples
	build=$(cd "$TESTS/.." && realpath "${B:-build}")
	printf '#!/bin/sh\necho found\n' > examples/services/uvicorn/run
	B=$build run examples/services/check uvicorn
	[ "$status" -eq 1 ]
	[[ "$output" == *"uvicorn: differs"*"-leak fetch app.py"*"+found"* ]]
	cp "$TESTS/../examples/services/uvicorn/run" examples/services/uvicorn
	B=$build VENV=$PWD/venv PIP_INDEX_URL=http://127.0.0.1:9/ PIP_RETRIES=0 PIP_NO_CACHE_DIR=1 run examples/services/check uvicorn
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == "uvicorn: skipped: cannot install "* ]]
}

@test "the guide has each service, and the place that its run finds" {
	cd "$TESTS/../examples/services"
	for service in */run; do
		service=${service%/run}
		grep -q "^## .*($service)$" README.md
		[ $service = copy-on-write ] || grep -qE " +$(cut -d' ' -f1 $service/expected | head -1) +$(cut -d' ' -f2 $service/expected | head -1) at $(cut -d' ' -f3 $service/expected | head -1):[0-9]+$" README.md
	done
}

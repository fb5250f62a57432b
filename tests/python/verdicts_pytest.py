"""Tests with limits, to compare memray's and memrec's verdicts. Some fail on purpose."""
import json
import mmap
import threading

import pytest

MB = 1 << 20
AROUND = [0.5, 0.99, 1.01, 2]		# sizes of the memory of each test at its peak


def limits(peak):
    return pytest.mark.parametrize("limit", [pytest.param(None, marks=pytest.mark.limit_memory("%d B" % (peak * share)), id=str(share))
                                             for share in AROUND])


@limits(8 * MB)
def test_one_block(limit):
    bytearray(8 * MB)


@limits(8 * MB)
def test_blocks_that_live_together(limit):
    kept = [bytearray(MB) for _ in range(8)]
    kept.clear()
    bytearray(5 * MB)


@limits(8 * MB)
def test_one_after_the_other(limit):
    for i in range(50):
        bytearray(8 * MB)


@limits(9 * MB)
def test_a_mapping(limit):
    with mmap.mmap(-1, 9 * MB):
        pass


@limits(6 * MB)
def test_a_part_is_freed(limit):
    kept = [bytearray(MB) for _ in range(6)]
    del kept[2:]
    kept += [bytearray(MB) for _ in range(4)]


def grown(n):
    kept = []
    for i in range(n):
        kept.append(None)
    return kept


@limits(8448728)
def test_a_list_that_grows(limit):
    grown(1000000)


@limits(7 * MB)
def test_a_thread(limit):
    t = threading.Thread(target=bytearray, args=(7 * MB,))
    t.start()
    t.join()


@pytest.mark.parametrize("n", [1, 6])
@pytest.mark.limit_memory("5 MB", current_thread_only=True)
def test_the_current_thread_only(n):
    t = threading.Thread(target=bytearray, args=(7 * MB,))
    t.start()
    t.join()
    bytearray(n * MB)


@pytest.mark.parametrize("n", [10, 400000])
@pytest.mark.limit_memory("4 MB")
def test_json(n):
    json.loads(json.dumps(list(range(n))))


kept = []


@pytest.mark.parametrize("size", [1000, 100000, 300000])
@pytest.mark.limit_leaks("1 MB")
def test_leaks(size):
    for i in range(6):
        kept.append(bytearray(size))
        bytearray(3 * MB)


@pytest.mark.limit_leaks("1 MB", filter_fn=lambda stack: "eat" not in [f.function.split(".")[-1] for f in stack.frames])
@pytest.mark.parametrize("known", [True, False])
def test_known_leaks(known):
    def eat(n):
        kept.append(bytearray(n))
    eat(3 * MB)
    if not known:
        kept.append(bytearray(3 * MB))


@limits(4 * MB)
def test_a_test_that_fails_anyway(limit):
    bytearray(4 * MB)
    assert not "this"

"""Three tests with limits; one of them is too generous with memory."""
import pytest

kept = []


@pytest.mark.limit_memory("2 MB")
def test_small():
    assert len(bytes(1_000_000)) == 1_000_000


@pytest.mark.limit_memory("2 MB")
def test_large():
    assert len(bytes(3_000_000)) == 3_000_000


@pytest.mark.limit_leaks("100 kB")
def test_leak():
    kept.append(bytes(500_000))

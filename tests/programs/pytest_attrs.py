# needs: pytest attrs
import contextlib, io, pytest
open("test_a.py", "w").write("import attrs, pytest\n@attrs.define\nclass A:\n    x: int = 0\n@pytest.mark.parametrize('i', range(100))\ndef test(i):\n    assert A(i) == A(i) and A(i) != A(i + 1)\n")
with contextlib.redirect_stdout(io.StringIO()) as out:
    status = pytest.main(["-q", "-p", "no:cacheprovider", "test_a.py"])
print(int(status), "100 passed" in out.getvalue())

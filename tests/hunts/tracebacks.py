# An exception keeps its traceback, that the frame, and the frame its variables.
FAILED = []
def parse(i):
    text = bytes(30_000)
    raise ValueError(i)
for i in range(100):
    try:
        parse(i)
    except ValueError as e:
        FAILED.append(e)

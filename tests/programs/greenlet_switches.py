# needs: greenlet
# holds: 5000000 in hold
from greenlet import greenlet
held = []
def hold(n):
    held.append(bytearray(n))
def run(i):
    while True:
        hold(1000)
        i = main.switch(i * 2)
main = greenlet.getcurrent()
all_ = [greenlet(run) for _ in range(500)]
print(sum(g.switch(i) for r in range(10) for i, g in enumerate(all_)))

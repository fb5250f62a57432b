"""Orders of three customers, whose blocks have sizes of their own."""


def book(n):
    for i in range(n):
        orders.append(bytes(1000))


def scan(n):
    for i in range(n):
        orders.append(bytes(2000))


def index(n):
    for i in range(n):
        orders.append(bytes(4000))


orders = []
book(300)
scan(200)
index(100)

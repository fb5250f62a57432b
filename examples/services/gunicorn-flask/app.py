"""A shop. Each order is remembered, and no one forgets it."""
from flask import Flask

app = Flask(__name__)
orders = []


def remember(number):
    orders.append({"number": number, "receipt": bytearray(20_000)})


@app.route("/order/<int:number>")
def order(number):
    remember(number)
    return "thank you\n"

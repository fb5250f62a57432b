"""A small web service that keeps a part of each answer."""
from flask import Flask, jsonify

app = Flask(__name__)
kept = {}


@app.route("/<int:n>")
def index(n):
    rows = [{"id": i, "text": "x" * (i % 100)} for i in range(n)]
    kept[len(kept)] = rows[: n // 4]
    return jsonify(rows)

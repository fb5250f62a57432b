# needs: flask
from flask import Flask, request, render_template_string
app = Flask(__name__)
@app.route("/<name>")
def hello(name):
    return render_template_string("hi {{ n }} {{ q }}", n=name, q=request.args.get("q"))
c = app.test_client()
print(sum(len(c.get("/n%d?q=1" % i).data) for i in range(200)), c.get("/").status_code)

#!/usr/bin/env python3
"""A server that receives profiles: push_server.py FOLDER STATUS...

Listens on a free port, which it writes to FOLDER/port. Answers the requests with these statuses in turn, the last one from then
on ("held": 200, once there is FOLDER/go). Each request becomes a line of JSON in FOLDER/requests: path, query, headers, status, and
the parts of a form (name, file name); the profile in it becomes FOLDER/1.pb.gz, 2.pb.gz, … by the number of the request.
"""
import email.parser
import email.policy
import http.server
import json
import os
import sys
import time
import urllib.parse

folder, statuses = sys.argv[1], sys.argv[2:]
n = 0


def parts_of(content_type, body):
    head = ("Content-Type: %s\r\n\r\n" % content_type).encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    return {p.get_param("name", header="content-disposition"): (p.get_filename(), p.get_payload(decode=True))
            for p in message.iter_parts()}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        global n
        n += 1
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = statuses[min(n, len(statuses)) - 1]
        while status == "held" and not os.path.exists(os.path.join(folder, "go")):
            time.sleep(0.05)
        url = urllib.parse.urlsplit(self.path)
        kind = self.headers["Content-Type"]
        parts = parts_of(kind, body) if kind.startswith("multipart/form-data") else {"profile": (None, body)}
        with open(os.path.join(folder, "%d.pb.gz" % n), "wb") as out:
            out.write(parts["profile"][1])
        line = {"path": url.path, "query": dict(urllib.parse.parse_qsl(url.query)), "headers": dict(self.headers), "status": status,
                "files": {name: file for name, (file, _) in parts.items()}}
        if "sample_type_config" in parts:
            line["types"] = json.loads(parts["sample_type_config"][1])
        with open(os.path.join(folder, "requests"), "a") as out:
            out.write(json.dumps(line) + "\n")
        self.send_response(200 if status == "held" else int(status))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
with open(os.path.join(folder, "port.new"), "w") as out:
    out.write(str(server.server_port))
os.rename(os.path.join(folder, "port.new"), os.path.join(folder, "port"))
server.serve_forever()

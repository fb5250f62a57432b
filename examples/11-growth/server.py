"""A web server that keeps a session for each request, and 120 pages; it writes its port to a file."""
import http.server

sessions, pages = [], {}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        remember()
        page = render(int(self.path[1:]) % 120)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *arguments):
        pass


def remember():
    sessions.append(bytes(20_000))


def render(n):
    draft = bytes(50_000)
    if n not in pages:
        pages[n] = bytes(len(draft) // 5)
    return pages[n]


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
with open("port", "w") as f:
    f.write(str(server.server_port))
for request in range(400):
    server.handle_request()

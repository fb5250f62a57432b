# needs: scrapy
import http.server, threading
import scrapy
from scrapy.crawler import CrawlerProcess
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        self.wfile.write(b"<a href='/%d'>n</a>" % (int(self.path[1:] or 0) + 1))
    def log_message(self, *a): pass
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
threading.Thread(target=s.serve_forever, daemon=True).start()
seen = []
class Spider(scrapy.Spider):
    name = "s"
    start_urls = ["http://127.0.0.1:%d/0" % s.server_port]
    def parse(self, response):
        seen.append(response.url)
        if len(seen) < 20:
            yield response.follow(response.css("a")[0], self.parse)
p = CrawlerProcess({"LOG_ENABLED": False, "TELNETCONSOLE_ENABLED": False})
p.crawl(Spider)
p.start()
print(len(seen))

"""A server as there are many: it reads its variables once, at the start, and knows nothing of reloads or ConfigMaps."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GREETING = os.environ["GREETING"]
TIMES = int(os.environ.get("TIMES", "1"))


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = " ".join([GREETING] * TIMES).encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("", 8080), Handler).serve_forever()

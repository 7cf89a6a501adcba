"""Stands for Traefik, Envoy and others that watch their own files: it looks each second, takes over what it can read, and says nothing of what it cannot.

router.py FILE serves; router.py --check FILE only checks. The file maps paths to addresses: {"/": "https://one.example/"}.
"""

import json
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def load(path):
    with open(path) as file:
        routes = json.load(file)
    for route, target in routes.items():
        if not route.startswith("/") or not target.startswith("https://"):
            sys.exit(f"{path}: {route} → {target}: a path and an https address are expected")
    return routes


class Router(BaseHTTPRequestHandler):
    routes = {}

    def do_GET(self):
        self.send_response(302 if self.path in self.routes else 404)
        self.send_header("Location", self.routes.get(self.path, ""))
        self.send_header("Content-Length", "0")
        self.end_headers()


def watch(path):
    while True:
        try:
            Router.routes = load(path)
        except (SystemExit, OSError, ValueError):
            pass  # the old routes stay, and nobody is told
        time.sleep(1)


if sys.argv[1] == "--check":
    load(sys.argv[2])
else:
    server = ThreadingHTTPServer(("", 8080), Router)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    threading.Thread(target=watch, args=[sys.argv[1]], daemon=True).start()
    server.serve_forever()

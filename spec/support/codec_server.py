"""A codec server on the Python SDK: what temporal.codec.remote talks to.

usage: codec_server.py [CERTIFICATE KEY]      of PEM files: then by TLS
The codec is `reverse` of payload_codecs.
Says `listening on PORT`, then one line of JSON for each request: path, headers, count.
A path /TROUBLE/encode makes trouble first: short, garbage, html, secret (401 without the right
Authorization), slow (never answers), hangup, or a status such as 503.
"""

import asyncio
import http.server
import json
import ssl
import sys
import time

from google.protobuf import json_format
from temporalio.api.common.v1 import Payloads

from payload_codecs import Reverse

CODEC = Reverse()
WORK = {"encode": CODEC.encode, "decode": CODEC.decode}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        *before, what = self.path.strip("/").split("/")
        trouble = before[-1] if before else ""
        payloads = json_format.Parse(body, Payloads()).payloads
        print(json.dumps({"path": self.path, "count": len(payloads),
                          "headers": {name.lower(): value for name, value in self.headers.items()}}),
              flush=True)
        if trouble == "slow":
            time.sleep(3600)
        elif trouble == "hangup":
            self.close_connection = True
        elif trouble.isdigit():
            self.answer(int(trouble), "text/plain", b"" if trouble == "204" else b"out of\norder")
        elif trouble == "secret" and self.headers.get("Authorization") != "Bearer secret":
            self.answer(401, "text/plain", b"no entry")
        elif trouble == "garbage":
            self.answer(200, "application/json", b'{"payloads": [')
        elif trouble == "html":
            self.answer(200, "text/html", b'"<html>"')
        else:
            done = asyncio.run(WORK[what](list(payloads)))
            if trouble == "short":
                done = done[1:]
            message = json_format.MessageToJson(Payloads(payloads=done))
            self.answer(200, "application/json", message.encode())

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


server = Server(("127.0.0.1", 0), Handler)
if len(sys.argv) > 1:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*sys.argv[1:3])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(f"listening on {server.server_port}", flush=True)
server.serve_forever()

"""A TLS server that demands a client certificate and resets each connection that has none.

usage: certificate_wanted.py CERTIFICATE KEY AUTHORITY VERSION     VERSION is 1.2 or 1.3
"""

import socket
import ssl
import struct
import sys
import threading

certificate, key, authority, version = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
context.load_verify_locations(authority)
context.verify_mode = ssl.CERT_REQUIRED
context.set_alpn_protocols(["h2"])
context.maximum_version = context.minimum_version = (
    ssl.TLSVersion.TLSv1_2 if version == "1.2" else ssl.TLSVersion.TLSv1_3)
listener = socket.create_server(("127.0.0.1", 0))
print("listening on", listener.getsockname()[1], flush=True)


def serve(client):
    secure = context.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
    secure.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    try:
        secure.do_handshake()
    except (OSError, ssl.SSLError):
        pass
    secure.close()


while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

"""Listens on a Unix socket and passes each connection on to a port of this machine.

usage: unix_relay.py PATH PORT     a PATH that begins with @ is a name of Linux' abstract namespace
"""

import os
import socket
import sys
import threading

path, port = sys.argv[1], int(sys.argv[2])
listener = socket.socket(socket.AF_UNIX)
listener.bind("\0" + path[1:] if path.startswith("@") else path)
listener.listen(64)
if not path.startswith("@"):
    os.chmod(path, 0o777)
print("listening", flush=True)


def move(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


while True:
    client = listener.accept()[0]
    server = socket.create_connection(("127.0.0.1", port))
    for one, other in ((client, server), (server, client)):
        threading.Thread(target=move, args=(one, other), daemon=True).start()

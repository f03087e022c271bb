"""Asks an HTTP server for one path, over and over, and says how that went.

usage: http_load.py PORT PATH [--connections N] [--seconds S | --requests N] [--keepalive]
       [--abort SECONDS] [--host HOST]
Goes on until S seconds are over, N requests are done, or SIGTERM.
Prints one line of JSON when all have ended: requests, statuses (status -> count), errors (reason ->
count; a request without an answer), p50, p99 and most (seconds of an answer). Without --keepalive
each request has a connection of its own, so that a server that reloads may close them all. With
--abort the client hangs up that soon after it has asked.
"""

import argparse
import asyncio
import collections
import json
import signal
import time


class Load:
    def __init__(self, options):
        self.options = options
        self.statuses = collections.Counter()
        self.errors = collections.Counter()
        self.times = []
        self.left = options.requests or float("inf")
        self.until = time.monotonic() + (options.seconds or 3600)
        closing = "" if options.keepalive else "Connection: close\r\n"
        self.request = (f"GET {options.path} HTTP/1.1\r\nHost: {options.host}\r\n"
                        f"{closing}\r\n").encode()

    async def ask(self, stream):
        reader, writer = stream
        writer.write(self.request)
        if self.options.abort is not None:
            await asyncio.sleep(self.options.abort)
            return None
        head = await reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line[15:])
            elif line.startswith(b"transfer-encoding:"):
                length = None
        if length is None:
            while True:
                size = int(await reader.readuntil(b"\r\n"), 16)
                await reader.readexactly(size + 2)
                if size == 0:
                    break
        else:
            await reader.readexactly(length)
        return head[9:12].decode()

    async def connection(self):
        stream = None
        while self.left > 0 and time.monotonic() < self.until:
            self.left -= 1
            began = time.monotonic()
            try:
                if stream is None:
                    stream = await asyncio.open_connection(self.options.host, self.options.port)
                status = await asyncio.wait_for(self.ask(stream), 60)
                if status:
                    self.statuses[status] += 1
                    self.times.append(time.monotonic() - began)
            except (OSError, EOFError, asyncio.TimeoutError, ValueError) as error:
                self.errors[f"{type(error).__name__}: {error}"[:80]] += 1
                status = None
            if status is None or not self.options.keepalive:
                if stream:
                    stream[1].close()
                stream = None
        if stream:
            stream[1].close()

    def stop(self):
        self.until = 0

    async def run(self):
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.stop)
        await asyncio.gather(*(self.connection() for _ in range(self.options.connections)))
        times = sorted(self.times) or [0]
        print(json.dumps({
            "requests": len(self.times) + sum(self.errors.values()),
            "statuses": self.statuses, "errors": self.errors,
            "p50": times[len(times) // 2], "p99": times[len(times) * 99 // 100],
            "most": times[-1],
        }), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--requests", type=int)
    parser.add_argument("--keepalive", action="store_true")
    parser.add_argument("--abort", type=float)
    asyncio.run(Load(parser.parse_args()).run())


main()

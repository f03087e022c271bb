"""Child processes that cannot outlive the program that started them, and the Temporal dev server.

Used by tools/demo and tools/run_tests, and run by itself for a private server of one test:
  processes.py [--namespace NS] [--port N] [--ui] [--log FILE] [--program FILE]
    [server start-dev flags ...]
prints `ready address=... port=... http_port=... namespace=... pid=...` and ends the server on
SIGTERM. Single threaded on purpose: Linux ties PDEATHSIG to the thread that forked.
"""

import argparse
import ctypes
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
TEMPORAL = ROOT / ".deps" / "venv" / "bin" / "temporal"
OLDER_TEMPORAL = ROOT / ".deps" / "older" / "bin" / "temporal"
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)

# Without these a test of many calls measures the server's rate limiters.
UNLIMITED = (
    "frontend.rps",
    "frontend.namespaceRPS",
    "frontend.namespaceRPS.visibility",
    "frontend.persistenceMaxQPS",
    "frontend.persistenceNamespaceMaxQPS",
    "history.rps",
    "history.persistenceMaxQPS",
    "history.persistenceNamespaceMaxQPS",
    "matching.rps",
    "matching.persistenceMaxQPS",
    "matching.persistenceNamespaceMaxQPS",
)


def unlimited_flags():
    return [flag for key in UNLIMITED for flag in ("--dynamic-config-value", f"{key}=1000000")]


def start(command, own_group=True, **options):
    """Popen, but the child is killed when this process dies, however it dies.

    own_group keeps the terminal's Ctrl-C from the child: the starter ends it in its own order.
    """
    parent = os.getpid()

    def tie_to_parent():
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        start_new_session=own_group,
        preexec_fn=tie_to_parent,
        **options,
    )


def stop(process, grace=5.0):
    """SIGTERM, then SIGKILL after the grace period; 0 kills at once."""
    if process is None or process.poll() is not None:
        return
    if grace > 0:
        process.terminate()
        try:
            process.wait(grace)
            return
        except subprocess.TimeoutExpired:
            pass
    process.kill()
    process.wait()


def end_on_signals():
    """SIGTERM and SIGHUP become an exception too, so that `finally` blocks run.

    SIGINT does so by itself, but not in what a shell has started in the background.
    """

    def leave(number, frame):
        raise SystemExit(128 + number)

    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGHUP, leave)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class DevServer:
    """One `temporal server start-dev`, in memory unless the flags say otherwise."""

    def __init__(self, namespace="default", port=None, ui=False, log=None, program=TEMPORAL,
                 flags=()):
        self.namespace, self.fixed_port, self.ui, self.program = namespace, port, ui, program
        self.log = pathlib.Path(log or os.devnull)
        self.flags = list(flags)
        self.process = None

    def start(self, deadline=60.0):
        self.begin(deadline)
        while not self.is_ready():
            time.sleep(0.02)
        return self

    def begin(self, deadline=60.0):
        """Starts it, without waiting until it is ready."""
        self.end, self.attempts = time.monotonic() + deadline, 20
        self.ready = False
        self._spawn()

    def is_ready(self):
        """Raises when it has ended, or is not ready within the deadline.

        Ports may be taken between the look and the start, so that is tried again.
        """
        if self.ready or self._answers():
            self.ready = True
            return True
        ended = self.process.poll() is not None
        if not ended and time.monotonic() < self.end:
            return False
        text = self.log.read_text(errors="replace") if self.log.is_file() else ""
        self.attempts -= 1
        if not ended or self.attempts == 0 or "address already in use" not in text:
            self.stop()
            raise RuntimeError(f"the Temporal server did not start; the end of {self.log}:\n"
                               + "\n".join(text.splitlines()[-10:]))
        if self.fixed_port:
            time.sleep(0.05)
        self._spawn()
        return False

    def _spawn(self):
        self.port = self.fixed_port or free_port()
        self.http_port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        command = [self.program, "server", "start-dev", "--ip", "127.0.0.1", "--port", self.port,
                   "--http-port", self.http_port, "--log-level", "warn"]
        if self.namespace != "default":
            command += ["--namespace", self.namespace]
        if self.ui:
            self.ui_port = free_port()
            command += ["--ui-port", self.ui_port, "--ui-disable-news-fetch"]
        else:
            command += ["--headless"]
        # The CLI reads and writes a folder of the user's, and TEMPORAL_* variables: not here.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TEMPORAL_")}
        environment["XDG_CONFIG_HOME"] = str(ROOT / ".deps" / "config")
        with open(self.log, "wb") as log:
            self.process = start(command + self.flags, stdout=log, stderr=log, env=environment)

    def _answers(self):
        """Ready is when an RPC that needs history answers, from our own child."""
        url = f"http://127.0.0.1:{self.http_port}/api/v1/namespaces/{self.namespace}/workflows/none"
        try:
            urllib.request.urlopen(url, timeout=5).read()
        except urllib.error.HTTPError as answer:
            try:
                message = json.load(answer).get("message", "")
            except ValueError:
                message = ""
            return (answer.code == 404 and "workflow not found" in message
                    and self.process.poll() is None)
        except OSError:
            pass
        return False

    def stop(self, grace=0.0):
        stop(self.process, grace)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--namespace", default="default")
    parser.add_argument("--port", type=int)
    parser.add_argument("--ui", action="store_true")
    parser.add_argument("--log")
    parser.add_argument("--program", default=TEMPORAL)
    arguments, flags = parser.parse_known_args()
    end_on_signals()
    server = DevServer(flags=flags, **vars(arguments))
    try:
        server.start()
        print(f"ready address={server.address} port={server.port} http_port={server.http_port}"
              f" namespace={server.namespace} pid={server.process.pid}", flush=True)
        sys.exit(server.process.wait())
    finally:
        server.stop(grace=5.0)


if __name__ == "__main__":
    main()

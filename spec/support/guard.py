"""Runs one command for a spec and sees to it that nothing of it outlives the test run.

usage: guard.py WATCHED_PID DIRECTORY COMMAND [ARGUMENT ...]
DIRECTORY gets `out` and `err` (the command's output), `pid`, and at the end `status`
("exit N" or "signal N"). When the watched process ends, the command's process group is killed.
"""

import ctypes
import os
import pathlib
import select
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1


def main():
    watched, directory, command = int(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
    # Away from the terminal's Ctrl-C and from whoever kills the group of the watched process.
    os.setsid()
    try:
        watched_fd = os.pidfd_open(watched)
    except ProcessLookupError:
        return
    libc = ctypes.CDLL(None)

    def put(name, text):
        new = directory / (name + ".new")
        new.write_text(text)
        new.rename(directory / name)

    def prepare():
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    with open(directory / "out", "wb") as out, open(directory / "err", "wb") as err:
        try:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                     start_new_session=True, preexec_fn=prepare)
        except OSError as error:
            err.write(str(error).encode())
            put("status", "exit 127")
            return
    put("pid", str(child.pid))
    child_fd = os.pidfd_open(child.pid)
    ready, _, _ = select.select([watched_fd, child_fd], [], [])
    if child_fd not in ready:
        os.killpg(child.pid, signal.SIGKILL)
    code = child.wait()
    try:
        os.killpg(child.pid, signal.SIGKILL)  # whatever it left in its group
    except ProcessLookupError:
        pass
    put("status", f"signal {-code}" if code < 0 else f"exit {code}")


main()

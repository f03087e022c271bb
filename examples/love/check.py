"""Lets the game play by itself in a display of its own, Xvfb, and takes its picture.

usage: check.py PICTURE.png        the server and examples/love/worker.py run already
Prints what the game printed; fails when the shop did not sell, or a frame waited for it.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import processes  # noqa: E402

SECONDS = 10   # of play
PURCHASE = 1.0  # seconds that a purchase takes

SHOULD_SAY = (r"^lantern\tlantern for 12 gold$", r"^map\tmap for 8 gold$",
              r"^dragon egg\tsold out$", r"^\d+ frames, [\d.]+ a second",
              r"^temporal\.poll took [\d.]+ us")


def start_display():
    """Xvfb says the number of the display once it is ready."""
    reader, writer = os.pipe()
    xvfb = processes.start(["Xvfb", "-displayfd", writer, "-screen", "0", "1024x768x24",
                            "-nolisten", "tcp"],
                           pass_fds=(writer,), stderr=subprocess.DEVNULL)
    os.close(writer)
    with os.fdopen(reader) as lines:
        number = lines.readline().strip()
    if not number:
        sys.exit(f"Xvfb did not start: it ended with {xvfb.wait()}")
    return xvfb, ":" + number


def play(display, picture, folder):
    """The lines that the game prints."""
    environment = dict(os.environ, DISPLAY=display, LIBGL_ALWAYS_SOFTWARE="1",
                       XDG_DATA_HOME=folder, XDG_RUNTIME_DIR=folder,
                       TEMPORAL_GAME_SECONDS=str(SECONDS), TEMPORAL_GAME_PICTURE=picture)
    game = processes.start(["love", ROOT / "examples/love"], env=environment, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        output, _ = game.communicate(timeout=SECONDS + 60)
    except subprocess.TimeoutExpired:
        sys.exit("the game does not end")
    finally:
        processes.stop(game, grace=0)
    print(output, end="", flush=True)
    if game.returncode:
        sys.exit(f"the game ended with {game.returncode}")
    return output


def judge(output, picture):
    for pattern in SHOULD_SAY:
        if not re.search(pattern, output, re.MULTILINE):
            sys.exit(f"the game did not print {pattern}")
    longest = float(re.search(r"the longest took ([\d.]+) ms", output)[1]) / 1000
    if longest >= PURCHASE:
        sys.exit(f"a frame took {longest} s: did it wait for a purchase?")
    if not pathlib.Path(picture).read_bytes().startswith(b"\x89PNG"):
        sys.exit(f"{picture} is no picture")


def main():
    picture = os.path.abspath(sys.argv[1])
    pathlib.Path(picture).unlink(missing_ok=True)
    processes.end_on_signals()
    xvfb, display = start_display()
    try:
        with tempfile.TemporaryDirectory(prefix="love-") as folder:
            judge(play(display, picture, folder), picture)
    finally:
        processes.stop(xvfb)


main()

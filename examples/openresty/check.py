"""Drives the page of the order service in headless Chromium, and takes its picture.

usage: check.py URL PICTURE.png        the service and its worker run already
Prints what the page said, step by step; fails when it does not say what it should in time.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time


class Browser:
    """Chromium's own protocol, over a pair of pipes: JSON, each ended by a NUL."""

    def __init__(self):
        to_browser, self.output = os.pipe()
        self.input, from_browser = os.pipe()
        self.folder = tempfile.mkdtemp(prefix="chromium-")

        def place():  # it reads descriptor 3 and writes 4
            first, second = os.dup(to_browser), os.dup(from_browser)
            os.dup2(first, 3)
            os.dup2(second, 4)

        self.process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
             "--disable-dev-shm-usage", "--disable-background-networking",
             "--remote-debugging-pipe", f"--user-data-dir={self.folder}", "--window-size=760,680",
             "about:blank"],
            preexec_fn=place, close_fds=False, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.serial = 0
        self.rest = b""
        self.session = None
        target = next(t for t in self.call("Target.getTargets")["targetInfos"]
                      if t["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=target["targetId"],
                                 flatten=True)["sessionId"]

    def call(self, method, **parameters):
        self.serial += 1
        message = {"id": self.serial, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.output, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self.rest:
                data = os.read(self.input, 1 << 20)
                if not data:
                    raise RuntimeError("chromium has ended")
                self.rest += data
            text, self.rest = self.rest.split(b"\0", 1)
            answer = json.loads(text)
            if answer.get("id") == self.serial:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def run(self, script):
        return self.call("Runtime.evaluate", expression=script)["result"].get("value")

    def wait_for(self, what, script, seconds=15):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.run(script):
                print(f"{what}: {self.run(SAYS)}", flush=True)
                return
            time.sleep(0.05)
        sys.exit(f"waited {seconds} s in vain for: {what}; the page says: {self.run(SAYS)}")

    def picture(self, path):
        data = self.call("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def close(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


SAYS = "document.getElementById('text').textContent"


def main():
    url, path = sys.argv[1:]
    browser = Browser()
    try:
        browser.call("Page.navigate", url=url)
        browser.wait_for("loaded", "!!document.getElementById('give-up')")
        browser.run("document.getElementById('express').click()")
        browser.wait_for("express", f"{SAYS} === 'done: 1 x tea'")
        browser.run("document.getElementById('buy').click()")
        browser.wait_for("ordered", "document.getElementById('bar').value > 0")
        browser.wait_for("to confirm", "!document.getElementById('confirm').disabled")
        browser.picture(path.replace(".png", "-waiting.png"))
        browser.run("document.getElementById('confirm').click()")
        browser.wait_for("confirmed", f"{SAYS} === 'done: 2 x tea'")
        browser.picture(path)
        browser.run("document.getElementById('buy').click()")
        browser.wait_for("ordered again", "!document.getElementById('give-up').disabled")
        browser.run("document.getElementById('give-up').click()")
        browser.wait_for("given up", "document.getElementById('text').className === 'error'")
    finally:
        browser.close()


main()

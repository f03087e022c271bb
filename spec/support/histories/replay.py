"""Replays histories with Python's replayer, and the workflows of operations, messages and runs.

usage: replay.py FILE ...
Prints a line for each file: `history NAME`, and `replayed` or why not.
"""

import asyncio
import logging
import os
import pathlib
import sys

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from worker import WORKFLOWS


async def main() -> None:
    logging.disable(logging.CRITICAL)
    replayer = Replayer(workflows=WORKFLOWS, workflow_runner=UnsandboxedWorkflowRunner())
    for path in map(pathlib.Path, sys.argv[1:]):
        history = WorkflowHistory.from_json("replayed", path.read_text("utf-8"))
        try:
            await replayer.replay_workflow(history)
            print("history", path.stem, "replayed", flush=True)
        except Exception as err:
            print("history", path.stem, str(err).replace("\n", " "), flush=True)


asyncio.run(main())
# At once: the SDK's threads do not always survive the interpreter's end.
sys.stdout.flush()
os._exit(0)

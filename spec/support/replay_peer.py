"""Replays a history that was written here, with the Python SDK's replayer.

usage: replay_peer.py WORKFLOW_ID FILE
The file is JSON text of a temporal.api.history.v1.History. Prints `replayed N`, N events.
"""

import asyncio
import os
import pathlib
import sys

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from workflows import look  # noqa: E402


async def main() -> None:
    workflow_id, path = sys.argv[1:3]
    history = WorkflowHistory.from_json(workflow_id, pathlib.Path(path).read_text("utf-8"))
    replayer = Replayer(workflows=look.WORKFLOWS,
                        workflow_runner=UnsandboxedWorkflowRunner())
    await replayer.replay_workflow(history)
    print("replayed", len(history.events))


asyncio.run(main())
# At once: the SDK's threads do not always survive the interpreter's end.
sys.stdout.flush()
os._exit(0)

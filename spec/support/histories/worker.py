"""The workflow worker of the recorders in Python.

usage: worker.py ADDRESS NAMESPACE TASK_QUEUE [TYPE it does not know]
"""

import asyncio
import signal
import sys

from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

import messages
import operations
import runs

WORKFLOWS = operations.WORKFLOWS + messages.WORKFLOWS + runs.WORKFLOWS


async def main() -> None:
    address, namespace, queue = sys.argv[1:4]
    client = await Client.connect(address, namespace=namespace)
    known = [each for each in WORKFLOWS
             if each.__temporal_workflow_definition.name not in sys.argv[4:]]
    async with Worker(client, task_queue=queue, workflows=known,
                      workflow_runner=UnsandboxedWorkflowRunner()):
        stopped = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
        print("ready", flush=True)
        await stopped.wait()


if __name__ == "__main__":
    asyncio.run(main())

"""The workflow worker of the recorders in Python.

usage: worker.py ADDRESS NAMESPACE TASK_QUEUE [batched] [TYPE it does not know]
`batched`: with flag 2, as the SDK will have it: a step is told all at once.
"""

import asyncio
import signal
import sys

from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from temporalio.worker._workflow_instance import _WorkflowLogicFlag

import local_activities
import messages
import operations
import runs
import scenarios

BATCHED = _WorkflowLogicFlag.PROCESS_WORKFLOW_ACTIVATION_JOBS_AS_SINGLE_BATCH
WORKFLOWS = (operations.WORKFLOWS + messages.WORKFLOWS + runs.WORKFLOWS
             + local_activities.WORKFLOWS)


async def main() -> None:
    address, namespace, queue = sys.argv[1:4]
    client = await Client.connect(address, namespace=namespace)
    known = [each for each in WORKFLOWS
             if each.__temporal_workflow_definition.name not in sys.argv[4:]]
    worker = Worker(client, task_queue=queue, workflows=known, activities=scenarios.ACTIVITIES,
                    workflow_runner=UnsandboxedWorkflowRunner())
    if "batched" in sys.argv[4:]:
        worker._set_default_workflow_logic_flag(BATCHED, enabled=True)
    async with worker:
        stopped = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
        print("ready", flush=True)
        await stopped.wait()


if __name__ == "__main__":
    asyncio.run(main())

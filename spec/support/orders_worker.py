"""The workflow of examples/hello.lua, for any version of Lua.

usage: orders_worker.py        until Ctrl-C
TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE say where; the task queue is "orders".
"""

import asyncio
import os

from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import Worker


@workflow.defn
class YourWorkflowDefinition:
    @workflow.run
    async def run(self, order: dict) -> str:
        return f"ordered {order['amount']}"


async def main() -> None:
    client = await Client.connect(
        os.environ.get("TEMPORAL_ADDRESS") or "localhost:7233",
        namespace=os.environ.get("TEMPORAL_NAMESPACE") or "default",
    )
    async with Worker(client, task_queue="orders", workflows=[YourWorkflowDefinition]):
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass

"""The worker of the examples, in Python: the workflows that the Lua programs start.

usage: .deps/venv/bin/python examples/worker.py        until Ctrl-C
TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE say where; the task queue is "orders".
"""

import asyncio
import os

from temporalio import workflow
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker


@workflow.defn
class YourWorkflowDefinition:
    @workflow.run
    async def run(self, order: dict) -> str:
        return f"ordered {order['amount']}"


@workflow.defn
class ShipOrder:
    """Shipping fails because the payment did."""

    @workflow.run
    async def run(self, order: dict) -> str:
        payment = ApplicationError("card declined", {"amount": order["amount"]}, type="Payment")
        raise ApplicationError("cannot ship", type="Shipping", non_retryable=True) from payment


@workflow.defn
class Square:
    @workflow.run
    async def run(self, number: int) -> int:
        return number * number


async def main() -> None:
    client = await Client.connect(
        os.environ.get("TEMPORAL_ADDRESS") or "localhost:7233",
        namespace=os.environ.get("TEMPORAL_NAMESPACE") or "default",
    )
    workflows = [YourWorkflowDefinition, ShipOrder, Square]
    async with Worker(client, task_queue="orders", workflows=workflows):
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass

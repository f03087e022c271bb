"""The shop of examples/love: a purchase takes a while, and not everything is to be had.

usage: .deps/venv/bin/python examples/love/worker.py        until Ctrl-C
TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE say where; the task queue is "shop".
"""

import asyncio
import os
from datetime import timedelta

from temporalio import workflow
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

SOLD_OUT = {"dragon egg"}


@workflow.defn
class Purchase:
    @workflow.run
    async def run(self, order: dict) -> str:
        await workflow.sleep(timedelta(seconds=1))
        if order["item"] in SOLD_OUT:
            raise ApplicationError("sold out", type="SoldOut", non_retryable=True)
        return f"{order['item']} for {order['price']} gold"


async def main() -> None:
    client = await Client.connect(
        os.environ.get("TEMPORAL_ADDRESS") or "localhost:7233",
        namespace=os.environ.get("TEMPORAL_NAMESPACE") or "default",
    )
    async with Worker(client, task_queue="shop", workflows=[Purchase]):
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass

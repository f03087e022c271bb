"""The worker of the order service: what happens to an order.

usage: .deps/venv/bin/python examples/openresty/worker.py        until Ctrl-C
TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE say where; the task queue is "shop".
"""

import asyncio
import os
from datetime import timedelta

from temporalio import workflow
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

STEPS = ["received", "reserved", "packed", "waiting for your confirmation", "done", "given up"]


@workflow.defn
class ShopOrder:
    """Reserves, packs, and waits until the customer confirms, a quarter of an hour at most."""

    def __init__(self) -> None:
        self.step = 0
        self.receipt = ""
        self.given_up = False

    @workflow.run
    async def run(self, order: dict) -> str:
        for _ in range(2):
            if not order["express"]:
                await workflow.sleep(1.5)
            self.step += 1
        if not order["express"]:
            self.step = 3
            await workflow.wait_condition(lambda: self.step == 4 or self.given_up,
                                          timeout=timedelta(minutes=15))
        if self.given_up:
            self.step = 5
            raise ApplicationError("the order was given up", type="GivenUp", non_retryable=True)
        self.step = 4
        self.receipt = f"{order['amount']} x {order['item']}"
        return self.receipt

    @workflow.query
    def progress(self) -> dict:
        return {"step": self.step, "of": 4, "text": STEPS[self.step], "receipt": self.receipt}

    @workflow.update
    async def confirm(self) -> str:
        self.step = 4
        await workflow.wait_condition(lambda: self.receipt != "")
        return self.receipt

    @confirm.validator
    def may_confirm(self) -> None:
        if self.step != 3:
            raise ApplicationError("nothing waits for a confirmation")

    @workflow.signal
    def give_up(self) -> None:
        self.given_up = True


async def main() -> None:
    client = await Client.connect(os.environ.get("TEMPORAL_ADDRESS", "localhost:7233"),
                                  namespace=os.environ.get("TEMPORAL_NAMESPACE", "default"))
    async with Worker(client, task_queue="shop", workflows=[ShopOrder]):
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass

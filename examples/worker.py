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


@workflow.defn
class Cart:
    """Takes items by signal until it is cancelled, and tells how many there are."""

    def __init__(self) -> None:
        self.items: dict[str, int] = {}

    @workflow.run
    async def run(self, customer: str) -> str:
        try:
            await workflow.wait_condition(lambda: False)
        except asyncio.CancelledError:
            pass
        return f"{customer}: {self.count()} items"

    @workflow.signal
    def add_item(self, name: str, count: int) -> None:
        self.items[name] = self.items.get(name, 0) + count

    @workflow.query
    def count(self, name: str | None = None) -> int:
        return sum(self.items.values()) if name is None else self.items.get(name, 0)


@workflow.defn
class Account:
    """Answers every update with the balance; a transfer waits for the signal `approve`."""

    def __init__(self) -> None:
        self.balance = 0
        self.approved = 0
        self.closed = False

    @workflow.run
    async def run(self) -> int:
        await workflow.wait_condition(lambda: self.closed)
        return self.balance

    @workflow.update
    def deposit(self, amount: int) -> int:
        self.balance += amount
        return self.balance

    @deposit.validator
    def check_deposit(self, amount: int) -> None:
        if amount <= 0:
            raise ApplicationError("a deposit must be positive", type="BadAmount")

    @workflow.update
    async def transfer(self, amount: int) -> int:
        await workflow.wait_condition(lambda: self.approved > 0)
        self.approved -= 1
        self.balance -= amount
        return self.balance

    @workflow.signal
    def approve(self) -> None:
        self.approved += 1

    @workflow.signal
    def close(self) -> None:
        self.closed = True


async def main() -> None:
    client = await Client.connect(
        os.environ.get("TEMPORAL_ADDRESS") or "localhost:7233",
        namespace=os.environ.get("TEMPORAL_NAMESPACE") or "default",
    )
    workflows = [YourWorkflowDefinition, ShipOrder, Square, Cart, Account]
    async with Worker(client, task_queue="orders", workflows=workflows):
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass

"""Workflows that take signals, queries and updates, and show what became of them."""

import asyncio
import base64
from collections.abc import Sequence

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError


def shown(payload) -> dict:
    return {
        "metadata": {key: value.decode("latin-1") for key, value in payload.metadata.items()},
        "data": base64.b64encode(payload.data).decode(),
    }


@workflow.defn(name="Inbox")
class Inbox:
    """Keeps what it is told, until the signal `finish`; a cancel is its end too."""

    def __init__(self) -> None:
        self.signals: list = []
        self.finished = False
        self.gates: set = set()
        self.arguments: list = []

    @workflow.run
    async def run(self, *arguments) -> dict:
        self.arguments = list(arguments)
        await workflow.wait_condition(lambda: self.finished)
        return {"arguments": self.arguments, "signals": self.signals}

    @workflow.signal(name="finish")
    def finish(self) -> None:
        self.finished = True

    @workflow.signal(name="open")
    def open_gate(self, name: str) -> None:
        self.gates.add(name)

    @workflow.signal(name="continue")
    def continue_as_new(self) -> None:
        workflow.continue_as_new(args=self.arguments)

    @workflow.signal(dynamic=True)
    def any_signal(self, name: str, values: Sequence[RawValue]) -> None:
        self.signals.append({"name": name, "values": [shown(v.payload) for v in values]})

    @workflow.query(name="signals")
    def get_signals(self) -> list:
        return self.signals

    @workflow.query(name="echo")
    def echo_query(self, value: RawValue = None) -> RawValue | None:
        return value

    @workflow.query(name="nothing")
    def nothing(self) -> None:
        return None

    @workflow.query(name="one")
    def one(self, value: str) -> str:
        return value

    @workflow.query(name="raises")
    def raises(self) -> None:
        raise ApplicationError("no answer today", "a detail", type="NoAnswer")

    @workflow.query(name="big")
    def big(self, size: int) -> str:
        return "x" * size

    @workflow.update(name="echo")
    def echo(self, value: RawValue = None) -> RawValue | None:
        return value

    @workflow.update(name="count")
    def count(self, *values) -> int:
        self.signals.append({"name": "count", "values": list(values)})
        return len(values)

    @workflow.update(name="gate")
    async def gate(self, name: str) -> str:
        """Accepted at once; completed after the signal `open`."""
        await workflow.wait_condition(lambda: name in self.gates)
        return "through " + name

    @workflow.update(name="sleep")
    async def sleep(self, seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    @workflow.update(name="positive")
    def positive(self, number: int) -> int:
        return number * 2

    @positive.validator
    def check_positive(self, number: int) -> None:
        if number <= 0:
            raise ApplicationError("must be positive", number, type="NotPositive")

    @workflow.update(name="fails")
    def fails(self, message: str) -> None:
        cause = ApplicationError("the cause", type="Cause")
        raise ApplicationError(message, {"a": 1}, type="Broken", non_retryable=True) from cause


@workflow.defn(name="Stuck")
class Stuck:
    """Its tasks fail, from the first one on."""

    @workflow.run
    async def run(self) -> None:
        raise RuntimeError("this worker has a bug")

    @workflow.update(name="touch")
    def touch(self) -> None:
        pass

    @workflow.query(name="state")
    def state(self) -> str:
        return "stuck"


@workflow.defn(name="Closing")
class Closing:
    """Completes or fails at once, and can be asked afterwards."""

    @workflow.run
    async def run(self, fail: bool = False) -> str:
        if fail:
            raise ApplicationError("told to fail", non_retryable=True)
        return "done"

    @workflow.query(name="state")
    def state(self) -> str:
        return "known"


WORKFLOWS = [Inbox, Stuck, Closing]
ACTIVITIES: list = []

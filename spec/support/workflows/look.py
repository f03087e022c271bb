"""Workflows that have something to show: pending work, and long histories."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RetryPolicy

HOUR = timedelta(hours=1)


@activity.defn(name="LookBeat")
async def look_beat(text: str) -> None:
    """Heartbeats and fails, again and again."""
    activity.heartbeat(text, {"n": 9007199254740993})
    raise RuntimeError("not yet: " + text)


@workflow.defn(name="LookPending")
class LookPending:
    """An activity that keeps failing and a child that waits, until the signal `finish`."""

    def __init__(self) -> None:
        self.finished = False

    @workflow.run
    async def run(self, text: str) -> str:
        task = asyncio.ensure_future(workflow.execute_activity(
            "LookBeat", text, activity_id="beat", start_to_close_timeout=HOUR,
            retry_policy=RetryPolicy(initial_interval=HOUR, maximum_interval=HOUR,
                                     maximum_attempts=7)))
        await workflow.start_child_workflow(
            "Wait", id=workflow.info().workflow_id + "/child",
            parent_close_policy=workflow.ParentClosePolicy.TERMINATE)
        await workflow.wait_condition(lambda: self.finished)
        task.cancel()
        return text

    @workflow.signal(name="finish")
    def finish(self) -> None:
        self.finished = True


@workflow.defn(name="LookLong")
class LookLong:
    """A workflow task for each timer: five events a turn."""

    def __init__(self) -> None:
        self.notes: list = []

    @workflow.run
    async def run(self, turns: int) -> int:
        for _ in range(turns):
            await asyncio.sleep(0.001)
        return len(self.notes)

    @workflow.signal(name="note")
    def note(self, text: str) -> None:
        self.notes.append(text)


WORKFLOWS = [LookPending, LookLong]
ACTIVITIES = [look_beat]

"""What the recorders share: the list of scenarios, and the activities that all of them call.

A scenario is a coroutine `fn(t)`: `t.start(...)` starts a workflow, `t.paused()` is a time without
a workflow worker, `t.keep(handle)` has a history written.
"""

import asyncio
from datetime import timedelta

from temporalio import activity
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

SECOND = timedelta(seconds=1)
ONCE = RetryPolicy(maximum_attempts=1)
# The activities are Python's, whoever runs the workflow.
ACTIVITY_QUEUE = "histories-activities"
OPTIONS = {"task_queue": ACTIVITY_QUEUE, "start_to_close_timeout": 60 * SECOND}

SCENARIOS = {}


def scenario(fn):
    SCENARIOS[fn.__name__] = fn
    return fn


def plain(name, *args, **options):
    """A workflow that runs to its end by itself, whatever that end is."""

    async def run(t):
        handle = await t.start(name, *args, **options)
        await t.ended(handle)
        await t.keep(handle)

    SCENARIOS[options.pop("as_name", name)] = run


@activity.defn(name="Double")
async def double(n):
    return 2 * n


@activity.defn(name="Note")
async def note(*values):
    return None


@activity.defn(name="Fail")
async def fail(message):
    raise ApplicationError(message, {"a": 1}, type="Broken", non_retryable=True)


@activity.defn(name="Flaky")
async def flaky(attempts):
    if activity.info().attempt < attempts:
        raise ApplicationError("not yet", type="NotYet")
    return activity.info().attempt


@activity.defn(name="Sleep")
async def sleep(seconds):
    await asyncio.sleep(seconds)
    return seconds


@activity.defn(name="Slow")
async def slow():
    """Until it is canceled, which it says."""
    try:
        while True:
            activity.heartbeat("working")
            await asyncio.sleep(0.1)
    except asyncio.CancelledError:
        raise


@activity.defn(name="Stubborn")
async def stubborn():
    """Until it is canceled, and completes then."""
    try:
        while True:
            activity.heartbeat("working")
            await asyncio.sleep(0.1)
    except asyncio.CancelledError:
        return "done all the same"


@activity.defn(name="Patient")
async def patient():
    """A local one has no heartbeats, and hears of its cancellation without them."""
    await asyncio.sleep(20)


ACTIVITIES = [patient, double, note, fail, flaky, sleep, slow, stubborn]

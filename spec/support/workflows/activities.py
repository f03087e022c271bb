"""Workflows whose activity somebody else finishes, and activities that no workflow runs."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RawValue, RetryPolicy
from temporalio.exceptions import ApplicationError

SECOND = timedelta(seconds=1)


@workflow.defn(name="OneActivity")
class OneActivity:
    """Runs the activity `one` on the task queue given; its result or failure is the workflow's."""

    @workflow.run
    async def run(self, name: str, task_queue: str, arg: RawValue, attempts: int = 1) -> RawValue:
        return await workflow.execute_activity(
            name, arg, activity_id="one", task_queue=task_queue, result_type=RawValue,
            start_to_close_timeout=60 * SECOND, heartbeat_timeout=30 * SECOND,
            retry_policy=RetryPolicy(maximum_attempts=attempts, initial_interval=0.05 * SECOND),
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED)


@activity.defn(name="LaterActivity")
async def later_activity(_: RawValue = None) -> None:
    """Its worker is done with it; somebody else completes it."""
    activity.raise_complete_async()


@activity.defn(name="EchoActivity")
async def echo_activity(value: RawValue) -> RawValue:
    return value


@activity.defn(name="BadActivity")
async def bad_activity(message: str) -> None:
    activity.heartbeat("halfway", 2)
    raise ApplicationError(message, {"card": 7}, type="Declined", non_retryable=True) \
        from ApplicationError("no money", type="Bank")


@activity.defn(name="BeatActivity")
async def beat_activity() -> None:
    """Heartbeats until it is canceled."""
    while True:
        activity.heartbeat("still here")
        await asyncio.sleep(0.1)


@activity.defn(name="TellActivity")
async def tell_activity(arg: RawValue) -> dict:
    """What the worker was told: the headers are not shown by the Python SDK's info."""
    info = activity.info()
    return {
        "activity_id": info.activity_id,
        "activity_type": info.activity_type,
        "attempt": info.attempt,
        "task_queue": info.task_queue,
        "priority": info.priority.priority_key,
        "heartbeat_timeout": info.heartbeat_timeout and info.heartbeat_timeout.total_seconds(),
        "encoding": arg.payload.metadata["encoding"].decode(),
    }


WORKFLOWS = [OneActivity]
ACTIVITIES = [later_activity, echo_activity, bad_activity, beat_activity, tell_activity]

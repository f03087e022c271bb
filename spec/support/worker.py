"""The Python worker of the specs: workflows and activities that show what a client can meet.

usage: worker.py ADDRESS NAMESPACE TASK_QUEUE
Prints `ready` once a workflow of its own has run to its end, so every part of the way works.
Runs until it is killed. Workflows run unsandboxed: they are started thousands of times.
"""

import asyncio
import base64
import importlib
import pathlib
import pkgutil
import sys
from collections.abc import Sequence
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RawValue, RetryPolicy
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

ONCE = RetryPolicy(maximum_attempts=1)
SECOND = timedelta(seconds=1)


def error_from(message, options=None):
    """{type, details, non_retryable, category, next_retry_delay, cause={message, ...}}"""
    options = options or {}
    delay = options.get("next_retry_delay")
    error = ApplicationError(
        message,
        *options.get("details", []),
        type=options.get("type"),
        non_retryable=options.get("non_retryable", False),
        category=ApplicationErrorCategory[options.get("category", "unspecified").upper()],
        next_retry_delay=timedelta(seconds=delay) if delay else None,
    )
    cause = options.get("cause")
    if cause:
        error.__cause__ = error_from(cause.get("message", ""), cause)
    return error


@activity.defn(name="FailActivity")
async def fail_activity(message: str, options: dict | None = None) -> None:
    raise error_from(message, options)


@activity.defn(name="SlowActivity")
async def slow_activity(heartbeat: str) -> None:
    activity.heartbeat(heartbeat)
    await asyncio.sleep(3600)


@workflow.defn(name="Echo")
class Echo:
    """The argument's payload, byte for byte."""

    @workflow.run
    async def run(self, value: RawValue = None) -> RawValue | None:
        return value


@workflow.defn(dynamic=True)
class Arguments:
    """What arrived, for any other name: a list of {metadata={...}, data=base64}."""

    @workflow.run
    async def run(self, values: Sequence[RawValue]) -> list:
        return [shown(value.payload) for value in values]


def shown(payload) -> dict:
    return {
        "metadata": {key: value.decode("latin-1") for key, value in payload.metadata.items()},
        "data": base64.b64encode(payload.data).decode(),
    }


@workflow.defn(name="Greeting")
class Greeting:
    @workflow.run
    async def run(self, name: str) -> str:
        return f"Hello, {name}!"


@workflow.defn(name="Fail")
class Fail:
    @workflow.run
    async def run(self, message: str, options: dict | None = None) -> None:
        raise error_from(message, options)


@workflow.defn(name="ActivityFail")
class ActivityFail:
    @workflow.run
    async def run(self, message: str, options: dict | None = None) -> None:
        await workflow.execute_activity(
            "FailActivity", args=[message, options], activity_id="failing",
            start_to_close_timeout=60 * SECOND, retry_policy=ONCE)


@workflow.defn(name="ActivityTimeout")
class ActivityTimeout:
    """An activity that heartbeats once with the given text and then says no more."""

    @workflow.run
    async def run(self, heartbeat: str) -> None:
        await workflow.execute_activity(
            "SlowActivity", heartbeat, activity_id="slow", start_to_close_timeout=60 * SECOND,
            heartbeat_timeout=1.5 * SECOND, retry_policy=ONCE)


@workflow.defn(name="ChildFail")
class ChildFail:
    @workflow.run
    async def run(self, message: str, options: dict | None = None) -> None:
        await workflow.execute_child_workflow(
            "Fail", args=[message, options], id=workflow.info().workflow_id + "/child",
            retry_policy=ONCE)


@workflow.defn(name="Sleep")
class Sleep:
    @workflow.run
    async def run(self, seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds


@workflow.defn(name="Wait")
class Wait:
    """Until the signal `finish`, whose argument is the result; a cancel makes it canceled."""

    def __init__(self) -> None:
        self.values: list = []

    @workflow.run
    async def run(self) -> RawValue | None:
        await workflow.wait_condition(lambda: len(self.values) > 0)
        return self.values[0]

    @workflow.signal(name="finish")
    def finish(self, value: RawValue = None) -> None:
        self.values.append(value)


@workflow.defn(name="CleanUp")
class CleanUp:
    """Waits for its cancel, and completes all the same."""

    @workflow.run
    async def run(self) -> str:
        try:
            await workflow.wait_condition(lambda: False)
        except asyncio.CancelledError:
            pass
        return "cleaned up"


@workflow.defn(name="RetryUntil")
class RetryUntil:
    """Fails before the given attempt; then the result is the attempt's number."""

    @workflow.run
    async def run(self, attempt: int) -> int:
        now = workflow.info().attempt
        if now < attempt:
            raise error_from(f"attempt {now}", {"type": "TooEarly"})
        return now


@workflow.defn(name="ContinueAsNew")
class ContinueAsNew:
    """Continues as new the given number of times; the result is that number."""

    @workflow.run
    async def run(self, times: int, done: int = 0) -> int:
        if done < times:
            workflow.continue_as_new(args=[times, done + 1])
        return done


@workflow.defn(name="CronCount")
class CronCount:
    """The result of the run before it, plus one. Fails at the run given, if any."""

    @workflow.run
    async def run(self, fail_at: int = 0) -> int:
        count = 1
        if workflow.has_last_completion_result():
            count = workflow.get_last_completion_result(int) + 1
        if count == fail_at:
            raise error_from(f"run {count}")
        return count


@workflow.defn(name="BigResult")
class BigResult:
    @workflow.run
    async def run(self, size: int) -> str:
        return "x" * size


@workflow.defn(name="Info")
class Info:
    """What the worker was told about its execution: durations in seconds, payloads as shown."""

    @workflow.run
    async def run(self) -> dict:
        info = workflow.info()
        retry, priority = info.retry_policy, info.priority
        return {
            "workflow_id": info.workflow_id,
            "run_id": info.run_id,
            "first_execution_run_id": info.first_execution_run_id,
            "workflow_type": info.workflow_type,
            "namespace": info.namespace,
            "task_queue": info.task_queue,
            "attempt": info.attempt,
            "cron_schedule": info.cron_schedule,
            "execution_timeout": seconds(info.execution_timeout),
            "run_timeout": seconds(info.run_timeout),
            "task_timeout": seconds(info.task_timeout),
            "retry_policy": retry and {
                "initial_interval": seconds(retry.initial_interval),
                "backoff_coefficient": retry.backoff_coefficient,
                "maximum_interval": seconds(retry.maximum_interval),
                "maximum_attempts": retry.maximum_attempts,
                "non_retryable_error_types": list(retry.non_retryable_error_types or []),
            },
            "priority": {
                "key": priority.priority_key,
                "fairness_key": priority.fairness_key,
                "fairness_weight": priority.fairness_weight,
            },
            "memo": {key: shown(value) for key, value in info.raw_memo.items()},
            "headers": {key: shown(value) for key, value in info.headers.items()},
            "search_attributes": {
                pair.key.name: str(pair.value) for pair in info.typed_search_attributes
            },
        }


def seconds(duration):
    return duration and duration.total_seconds()


# More of them, by noun: every module of workflows/ has its lists WORKFLOWS and ACTIVITIES.
MORE = [importlib.import_module("workflows." + module.name)
        for module in pkgutil.iter_modules([str(pathlib.Path(__file__).parent / "workflows")])]

WORKFLOWS = [Echo, Arguments, Greeting, Fail, ActivityFail, ActivityTimeout, ChildFail, Sleep,
             Wait, CleanUp, RetryUntil, ContinueAsNew, CronCount, BigResult, Info]
WORKFLOWS += [each for module in MORE for each in module.WORKFLOWS]
ACTIVITIES = [fail_activity, slow_activity]
ACTIVITIES += [each for module in MORE for each in module.ACTIVITIES]


async def main() -> None:
    address, namespace, task_queue = sys.argv[1:4]
    client = await Client.connect(address, namespace=namespace)
    async with Worker(
        client,
        task_queue=task_queue,
        workflows=WORKFLOWS,
        activities=ACTIVITIES,
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_cached_workflows=5000,
    ):
        await client.execute_workflow("Echo", "ready", id="worker-ready", task_queue=task_queue)
        print("ready", flush=True)
        await asyncio.Event().wait()


asyncio.run(main())

"""Workflows with local activities."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, FailureError, is_cancelled_exception
from temporalio.workflow import ActivityCancellationType

from scenarios import ONCE, OPTIONS, SECOND, plain, scenario

LOCAL = {"start_to_close_timeout": 60 * SECOND}


@workflow.defn(name="LocalSequence")
class LocalSequence:
    """Local and other activities in turn: they share their numbers."""

    @workflow.run
    async def run(self, n: int) -> int:
        n = await workflow.execute_local_activity("Double", n, **LOCAL)
        n = await workflow.execute_activity("Double", n, **OPTIONS)
        n = await workflow.execute_local_activity("Double", n, **LOCAL)
        await asyncio.sleep(0.01)
        n = await workflow.execute_local_activity("Double", n, **LOCAL)
        return await workflow.execute_activity("Double", n, **OPTIONS)


plain("LocalSequence", 1)


@workflow.defn(name="LocalParallel")
class LocalParallel:
    """What each leads to has an id of its own."""

    @workflow.run
    async def run(self) -> list:
        async def work(name, seconds):
            await workflow.execute_local_activity("Sleep", seconds, **LOCAL)
            await workflow.execute_activity("Note", activity_id="after " + name, **OPTIONS)
            return name

        return list(await asyncio.gather(work("a", 0.4), work("b", 0.1), work("c", 0.25)))


plain("LocalParallel")


@workflow.defn(name="LocalFailing")
class LocalFailing:
    @workflow.run
    async def run(self) -> list:
        seen = []
        try:
            await workflow.execute_local_activity("Fail", "no luck", **LOCAL)
        except FailureError:
            seen.append("failed")
        seen.append(await workflow.execute_local_activity(
            "Flaky", 3, retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=10)),
            **LOCAL))
        try:
            await workflow.execute_local_activity(
                "Sleep", 30, start_to_close_timeout=0.3 * SECOND, retry_policy=ONCE)
        except FailureError:  # in the SDK's replay it is not the activity's error, as it was
            seen.append("timed out")
        await asyncio.sleep(0.01)
        return seen


plain("LocalFailing")


@workflow.defn(name="LocalBackoff")
class LocalBackoff:
    """Delays that are timers."""

    @workflow.run
    async def run(self) -> list:
        first = await workflow.execute_local_activity(
            "Flaky", 3, local_retry_threshold=timedelta(milliseconds=100),
            retry_policy=RetryPolicy(initial_interval=0.5 * SECOND, backoff_coefficient=1),
            **LOCAL)
        second = await workflow.execute_activity("Double", first, **OPTIONS)
        return [first, second]


plain("LocalBackoff")


@workflow.defn(name="LocalLong")
class LocalLong:
    """Tasks that are kept alive, and a signal between them."""

    def __init__(self) -> None:
        self.told = 0

    @workflow.run
    async def run(self, seconds: float) -> int:
        async def listen():
            await workflow.wait_condition(lambda: self.told > 0)
            await workflow.execute_activity("Note", activity_id="after the signal", **OPTIONS)

        listening = asyncio.create_task(listen())
        await workflow.execute_local_activity("Sleep", seconds, **LOCAL)
        await workflow.execute_activity("Note", activity_id="after the activity", **OPTIONS)
        await workflow.execute_local_activity("Double", 1, **LOCAL)
        await listening
        return self.told

    @workflow.signal(name="tell")
    async def tell(self) -> None:
        self.told += 1
        await workflow.execute_local_activity("Double", self.told, **LOCAL)
        await workflow.execute_activity("Note", activity_id="in the handler", **OPTIONS)


@scenario
async def LocalHeartbeats(t):
    handle = await t.start("LocalLong", 9, task_timeout=4 * SECOND)
    await asyncio.sleep(12)
    await handle.signal("tell")
    await t.ended(handle)
    await t.keep(handle)


@scenario
async def LocalHeartbeatsAndSignal(t):
    handle = await t.start("LocalLong", 9, task_timeout=4 * SECOND)
    await asyncio.sleep(5)
    await handle.signal("tell")
    await t.ended(handle)
    await t.keep(handle)


CANCELLATION = {
    "try_cancel": ActivityCancellationType.TRY_CANCEL,
    "wait": ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    "abandon": ActivityCancellationType.ABANDON,
}


@workflow.defn(name="LocalCancel")
class LocalCancel:
    """One local activity that is canceled when another one is over."""

    @workflow.run
    async def run(self, how: str) -> str:
        long = workflow.start_local_activity(
            "Patient", cancellation_type=CANCELLATION[how], retry_policy=ONCE, **LOCAL)
        await workflow.execute_local_activity("Sleep", 0.2, **LOCAL)
        long.cancel()
        try:
            result = await long
        except ActivityError as err:
            result = "canceled" if is_cancelled_exception(err) else "failed"
        await asyncio.sleep(0.01)
        return result


plain("LocalCancel", "try_cancel", as_name="LocalCancelTry")
plain("LocalCancel", "wait", as_name="LocalCancelWait")
plain("LocalCancel", "abandon", as_name="LocalCancelAbandon")


@workflow.defn(name="LocalPatched")
class LocalPatched:
    @workflow.run
    async def run(self) -> int:
        await workflow.execute_local_activity("Double", 1, **LOCAL)
        if workflow.patched("local"):
            await workflow.execute_local_activity("Double", 2, **LOCAL)
        workflow.upsert_memo({"note": "between"})
        return await workflow.execute_local_activity("Double", 3, **LOCAL)


plain("LocalPatched")

WORKFLOWS = [LocalSequence, LocalParallel, LocalFailing, LocalBackoff, LocalLong, LocalCancel,
             LocalPatched]

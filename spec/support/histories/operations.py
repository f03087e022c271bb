"""Workflows that wait for activities, timers, children and other workflows."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import (ActivityError, ApplicationError, ChildWorkflowError,
                                   is_cancelled_exception)
from temporalio.workflow import (ActivityCancellationType, ChildWorkflowCancellationType,
                                 ParentClosePolicy)

from scenarios import ACTIVITY_QUEUE, ONCE, OPTIONS, SECOND, plain, scenario

HEARTBEATS = {"heartbeat_timeout": 5 * SECOND, "retry_policy": ONCE}


@workflow.defn(name="Values")
class Values:
    @workflow.run
    async def run(self, a=None, b=None, c=None, d=None, e=None) -> list:
        return [a, b, c, d, e]


plain("Values", None, True, 1.5, "text", {"list": [1, 2, {"x": "y"}], "none": None})


@workflow.defn(name="Sequence")
class Sequence:
    @workflow.run
    async def run(self, n: int) -> int:
        for _ in range(3):
            n = await workflow.execute_activity("Double", n, **OPTIONS)
            await asyncio.sleep(0.01)
        return n


plain("Sequence", 1)


@workflow.defn(name="Parallel")
class Parallel:
    @workflow.run
    async def run(self, n: int) -> int:
        return sum(await asyncio.gather(*[
            workflow.execute_activity("Double", i, **OPTIONS) for i in range(n)]))


plain("Parallel", 8)


@workflow.defn(name="Options")
class Options:
    """All that may be said of an activity and a timer, which no replay compares."""

    @workflow.run
    async def run(self) -> list:
        first = await workflow.execute_activity(
            "Double", 1, activity_id="mine", summary="what it is for",
            schedule_to_close_timeout=50 * SECOND, schedule_to_start_timeout=40 * SECOND,
            start_to_close_timeout=30 * SECOND, heartbeat_timeout=20 * SECOND,
            retry_policy=RetryPolicy(initial_interval=SECOND, maximum_attempts=3),
            task_queue=ACTIVITY_QUEUE, priority=Priority(priority_key=2))
        await workflow.sleep(0.01, summary="a nap")
        second = await workflow.execute_activity("Double", 2, **OPTIONS)
        return [first, second]


plain("Options")


@workflow.defn(name="Failing")
class Failing:
    @workflow.run
    async def run(self) -> list:
        seen = []
        try:
            await workflow.execute_activity("Fail", "no luck", **OPTIONS)
        except ActivityError as err:
            seen.append(err.cause.message)
        seen.append(await workflow.execute_activity(
            "Flaky", 2, retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=10)),
            **OPTIONS))
        try:
            await workflow.execute_activity(
                "Sleep", 30, task_queue=ACTIVITY_QUEUE, start_to_close_timeout=0.5 * SECOND,
                retry_policy=ONCE)
        except ActivityError as err:
            seen.append(type(err.cause).__name__)
        return seen


plain("Failing")


@workflow.defn(name="FailsByActivity")
class FailsByActivity:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity("Fail", "no luck", **OPTIONS)


plain("FailsByActivity")


@workflow.defn(name="Fails")
class Fails:
    @workflow.run
    async def run(self) -> None:
        await asyncio.sleep(0.01)
        raise ApplicationError("sold out", 3, type="SoldOut")


plain("Fails")

CANCELLATION = {
    "try_cancel": ActivityCancellationType.TRY_CANCEL,
    "wait": ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    "abandon": ActivityCancellationType.ABANDON,
}


@workflow.defn(name="CancelActivity")
class CancelActivity:
    @workflow.run
    async def run(self, how: str, name: str) -> str:
        handle = workflow.start_activity(
            name, cancellation_type=CANCELLATION[how], **OPTIONS, **HEARTBEATS)
        await asyncio.sleep(1)
        handle.cancel()
        try:
            result = await handle
        except ActivityError as err:
            result = "canceled" if is_cancelled_exception(err) else "failed"
        await asyncio.sleep(0.01)
        return result


plain("CancelActivity", "try_cancel", "Slow", as_name="CancelActivityTry")
plain("CancelActivity", "wait", "Slow", as_name="CancelActivityWait")
plain("CancelActivity", "wait", "Stubborn", as_name="CancelActivityStubborn")
plain("CancelActivity", "abandon", "Slow", as_name="CancelActivityAbandon")


@workflow.defn(name="CancelAtOnce")
class CancelAtOnce:
    """An activity and a timer that were never sent; what comes next has the next number."""

    @workflow.run
    async def run(self) -> int:
        handle = workflow.start_activity("Double", 1, **OPTIONS)
        handle.cancel()
        try:
            await handle
        except (ActivityError, asyncio.CancelledError):
            pass
        nap = asyncio.create_task(asyncio.sleep(3600))
        await asyncio.sleep(0)
        nap.cancel()
        await asyncio.wait([nap])
        await asyncio.sleep(0.01)
        return await workflow.execute_activity("Double", 2, **OPTIONS)


plain("CancelAtOnce")


@workflow.defn(name="Timers")
class Timers:
    @workflow.run
    async def run(self) -> str:
        await asyncio.sleep(0.01)
        long = asyncio.create_task(asyncio.sleep(3600))
        short = asyncio.create_task(asyncio.sleep(0.01))
        done, _ = await asyncio.wait([long, short], return_when=asyncio.FIRST_COMPLETED)
        long.cancel()
        await asyncio.wait([long])
        await asyncio.sleep(0.02)
        return "short" if short in done else "long"


plain("Timers")


@workflow.defn(name="TimerOrActivity")
class TimerOrActivity:
    """A time limit around an activity, which it keeps, and one it does not."""

    @workflow.run
    async def run(self) -> list:
        first = await asyncio.wait_for(
            workflow.execute_activity("Double", 1, **OPTIONS), 3600)
        handle = workflow.start_activity("Slow", **OPTIONS, **HEARTBEATS)
        nap = asyncio.create_task(asyncio.sleep(0.1))
        done, _ = await asyncio.wait([handle, nap], return_when=asyncio.FIRST_COMPLETED)
        handle.cancel()
        try:
            await handle
        except ActivityError:
            pass
        return [first, nap in done]


plain("TimerOrActivity")


# Children.


@workflow.defn(name="Child")
class Child:
    def __init__(self) -> None:
        self.said: list = []

    @workflow.run
    async def run(self, how: str) -> str:
        if how == "fail":
            raise ApplicationError("the child failed", type="ChildBroken")
        if how == "value":
            return "a value"
        if how == "clean up":
            try:
                await workflow.wait_condition(lambda: False)
            except asyncio.CancelledError:
                await asyncio.sleep(0.5)
                return "cleaned up"
        await workflow.wait_condition(lambda: len(self.said) > 0)
        return self.said[0]

    @workflow.signal(name="say")
    def say(self, what: str) -> None:
        self.said.append(what)


@workflow.defn(name="Parent")
class Parent:
    @workflow.run
    async def run(self, prefix: str) -> list:
        seen = [await workflow.execute_child_workflow("Child", "value", id=prefix + "-1")]
        try:
            await workflow.execute_child_workflow("Child", "fail", id=prefix + "-2")
        except ChildWorkflowError as err:
            seen.append(err.cause.message)
        child = await workflow.start_child_workflow("Child", "wait", id=prefix + "-3")
        await child.signal("say", "hello")
        seen.append(await child)
        both = await asyncio.gather(
            workflow.execute_child_workflow("Child", "value", id=prefix + "-4"),
            workflow.execute_child_workflow("Child", "value", id=prefix + "-5"))
        return seen + list(both)


@scenario
async def Children(t):
    handle = await t.start("Parent", t.id("child"))
    await t.ended(handle)
    await t.keep(handle)


@workflow.defn(name="TakenId")
class TakenId:
    @workflow.run
    async def run(self, taken: str) -> str:
        try:
            await workflow.start_child_workflow("Child", "wait", id=taken)
        except Exception as err:
            await asyncio.sleep(0.01)
            return type(err).__name__
        return "started"


@scenario
async def ChildExists(t):
    taken = await t.start("Child", "wait")
    handle = await t.start("TakenId", taken.id)
    await t.ended(handle)
    await t.keep(handle)
    await taken.terminate()


CHILD_CANCELLATION = {
    "completed": ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    "requested": ChildWorkflowCancellationType.WAIT_CANCELLATION_REQUESTED,
    "try": ChildWorkflowCancellationType.TRY_CANCEL,
    "abandon": ChildWorkflowCancellationType.ABANDON,
}


@workflow.defn(name="CancelChild")
class CancelChild:
    @workflow.run
    async def run(self, how: str, what: str, id: str) -> str:
        child = await workflow.start_child_workflow(
            "Child", what, id=id, cancellation_type=CHILD_CANCELLATION[how])
        child.cancel()
        try:
            result = await child
        except ChildWorkflowError as err:
            result = type(err.cause).__name__
        await asyncio.sleep(0.01)
        return result


def cancel_child(name, how, what):
    async def run(t):
        handle = await t.start("CancelChild", how, what, t.id("child"))
        await t.ended(handle)
        await t.keep(handle)

    run.__name__ = name
    scenario(run)


cancel_child("CancelChildCompleted", "completed", "wait")
cancel_child("CancelChildCleanUp", "completed", "clean up")
cancel_child("CancelChildRequested", "requested", "clean up")
cancel_child("CancelChildTry", "try", "wait")
cancel_child("CancelChildAbandon", "abandon", "wait")


@workflow.defn(name="ClosePolicies")
class ClosePolicies:
    @workflow.run
    async def run(self, prefix: str) -> str:
        for number, policy in enumerate([ParentClosePolicy.TERMINATE, ParentClosePolicy.ABANDON,
                                         ParentClosePolicy.REQUEST_CANCEL]):
            await workflow.start_child_workflow(
                "Child", "wait", id=f"{prefix}-{number}", parent_close_policy=policy)
        return "left them"


@scenario
async def ChildClosePolicies(t):
    prefix = t.id("child")
    handle = await t.start("ClosePolicies", prefix)
    await t.ended(handle)
    await t.keep(handle)
    await t.client.get_workflow_handle(prefix + "-1").terminate()


@workflow.defn(name="Externals")
class Externals:
    @workflow.run
    async def run(self, first: str, second: str) -> list:
        seen = []
        await workflow.get_external_workflow_handle(first).signal("say", "from outside")
        await workflow.get_external_workflow_handle(second).cancel()
        try:
            await workflow.get_external_workflow_handle(first + "-none").signal("say", 1)
        except Exception as err:
            seen.append(type(err).__name__)
        try:
            await workflow.get_external_workflow_handle(first + "-none").cancel()
        except Exception as err:
            seen.append(type(err).__name__)
        return seen


@scenario
async def ExternalWorkflows(t):
    first, second = await t.start("Child", "wait"), await t.start("Child", "wait")
    handle = await t.start("Externals", first.id, second.id)
    await t.ended(handle)
    await t.keep(handle)


WORKFLOWS = [Values, Sequence, Parallel, Options, Failing, FailsByActivity, Fails,
             CancelActivity, CancelAtOnce, Timers, TimerOrActivity, Child, Parent, TakenId,
             CancelChild, ClosePolicies, Externals]

"""Workflows that have a worker in another language do the work."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RawValue, RetryPolicy
from temporalio.exceptions import ActivityError, ChildWorkflowError

SECOND = timedelta(seconds=1)


def chain(error) -> list:
    """What an error and its causes say."""
    seen = []
    while error is not None:
        seen.append([type(error).__name__, getattr(error, "type", None), str(error),
                     list(getattr(error, "details", ()))])
        error = error.__cause__
    return seen


@workflow.defn(name="ChildElsewhere")
class ChildElsewhere:
    """The result of a child on another task queue, as its payload came."""

    @workflow.run
    async def run(self, name: str, task_queue: str, value: RawValue) -> RawValue:
        return await workflow.execute_child_workflow(
            name, value, task_queue=task_queue, result_type=RawValue, memo={"of": "Python"},
            id=workflow.info().workflow_id + "/child")


@workflow.defn(name="FailureElsewhere")
class FailureElsewhere:
    """How an activity and a child on another task queue fail."""

    @workflow.run
    async def run(self, activity: str, child: str, task_queue: str) -> list:
        seen = []
        try:
            await workflow.execute_activity(
                activity, task_queue=task_queue, start_to_close_timeout=60 * SECOND,
                retry_policy=RetryPolicy(maximum_attempts=1))
        except ActivityError as error:
            seen.append(chain(error))
        try:
            await workflow.execute_child_workflow(child, task_queue=task_queue)
        except ChildWorkflowError as error:
            seen.append(chain(error))
        return seen


@workflow.defn(name="TalkElsewhere")
class TalkElsewhere:
    """Signals a child and a workflow that is none, and cancels another child."""

    @workflow.run
    async def run(self, name: str, task_queue: str, other: str) -> list:
        child = await workflow.start_child_workflow(name, task_queue=task_queue)
        await child.signal("tell", args=["from the parent", {"n": 1}])
        await workflow.get_external_workflow_handle(other).signal("tell", "from outside")
        told = await child
        doomed = await workflow.start_child_workflow(
            name, task_queue=task_queue,
            cancellation_type=workflow.ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED)
        doomed.cancel()
        try:
            await doomed
        except (ChildWorkflowError, asyncio.CancelledError) as error:
            return [told, [each[0] for each in chain(error)]]
        return [told, []]


WORKFLOWS = [ChildElsewhere, FailureElsewhere, TalkElsewhere]
ACTIVITIES: list = []

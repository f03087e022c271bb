"""Workflows that are canceled, reset, repeated, changed; tasks, and what a run says of itself."""

import asyncio

from temporalio import workflow
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import ResetReapplyExcludeType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.common import RetryPolicy, SearchAttributeKey
from temporalio.exceptions import ActivityError, ApplicationError

from scenarios import OPTIONS, SECOND, plain, scenario


@workflow.defn(name="CleansUp")
class CleansUp:
    @workflow.run
    async def run(self, ends: str) -> str:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await workflow.execute_activity("Note", "cleaning up", **OPTIONS)
            await asyncio.sleep(0.01)
            if ends == "raise":
                raise
        return "cleaned up"


@scenario
async def CancelCleanUp(t):
    await canceled(t, "value")


@scenario
async def CancelRaised(t):
    await canceled(t, "raise")


async def canceled(t, ends):
    handle = await t.start("CleansUp", ends)
    await t.until(handle, "EVENT_TYPE_TIMER_STARTED", 1)
    await handle.cancel()
    await t.ended(handle)
    await t.keep(handle)


@workflow.defn(name="CanceledWork")
class CanceledWork:
    """All that was under way is canceled with the run."""

    @workflow.run
    async def run(self) -> None:
        await asyncio.gather(
            workflow.execute_activity("Slow", heartbeat_timeout=5 * SECOND, **OPTIONS),
            asyncio.sleep(3600))


@scenario
async def CancelWork(t):
    handle = await t.start("CanceledWork")
    await t.until(handle, "EVENT_TYPE_TIMER_STARTED", 1)
    await handle.cancel()
    await t.ended(handle)
    await t.keep(handle)


@workflow.defn(name="CanceledBetween")
class CanceledBetween:
    @workflow.run
    async def run(self, seconds: float) -> str:
        try:
            await workflow.execute_activity("Sleep", seconds, activity_id="first", **OPTIONS)
            await workflow.execute_activity("Note", activity_id="second", **OPTIONS)
            return "done"
        except (ActivityError, asyncio.CancelledError):
            await workflow.execute_activity("Note", activity_id="after", **OPTIONS)
            return "canceled"


async def canceled_between(t, first):
    handle = await t.start("CanceledBetween", 2 if first else 0.3)
    await t.until(handle, "EVENT_TYPE_ACTIVITY_TASK_SCHEDULED", 1)
    async with t.paused():
        if first:
            await handle.cancel()
        await t.until(handle, "EVENT_TYPE_ACTIVITY_TASK_COMPLETED", 1)
        if not first:
            await handle.cancel()
    await t.ended(handle)
    await t.keep(handle)


@scenario
async def CancelThenActivity(t):
    await canceled_between(t, True)


@scenario
async def ActivityThenCancel(t):
    await canceled_between(t, False)


@scenario
async def ActivityThenCancelBatched(t):
    async with t.batched():
        await canceled_between(t, False)


@scenario
async def CancelBeforeMain(t):
    async with t.paused():
        handle = await t.start("CleansUp", "value")
        await handle.cancel()
    await t.ended(handle)
    await t.keep(handle)


@workflow.defn(name="Countdown")
class Countdown:
    @workflow.run
    async def run(self, n: int, sum: int = 0) -> int:
        await asyncio.sleep(0.01)
        if n > 0:
            workflow.continue_as_new(args=[n - 1, sum + n])
        return sum


@scenario
async def ContinueAsNew(t):
    handle = await t.start("Countdown", 1)
    first = handle.first_execution_run_id
    result = await handle.result()
    assert result == 1, result
    await t.keep(t.client.get_workflow_handle(handle.id, run_id=first))
    await t.keep(t.client.get_workflow_handle(handle.id), "ContinueAsNewLast")


@workflow.defn(name="Patched")
class Patched:
    @workflow.run
    async def run(self) -> list:
        seen = []
        if workflow.patched("change"):
            await workflow.execute_activity("Note", "patched", **OPTIONS)
            seen.append("new")
        else:
            await asyncio.sleep(0.01)
        workflow.deprecate_patch("old")
        await asyncio.sleep(0.01)
        if workflow.patched("change"):
            await workflow.execute_activity("Note", "patched again", **OPTIONS)
        if workflow.patched("another"):
            await workflow.execute_activity("Note", "another", **OPTIONS)
        return seen


plain("Patched")


@workflow.defn(name="Unpatched")
class Unpatched:
    """Recorded without a patch that the twin has, and with one that is deprecated there."""

    @workflow.run
    async def run(self) -> None:
        await asyncio.sleep(0.01)
        if workflow.patched("kept"):
            await workflow.execute_activity("Note", "kept", **OPTIONS)
        await asyncio.sleep(0.01)


plain("Unpatched")


@workflow.defn(name="Attributes")
class Attributes:
    @workflow.run
    async def run(self) -> None:
        workflow.upsert_search_attributes([
            SearchAttributeKey.for_keyword("CustomKeyword").value_set("one"),
            SearchAttributeKey.for_int("CustomInt").value_set(3)])
        workflow.upsert_memo({"note": "first", "list": [1, 2]})
        await asyncio.sleep(0.01)
        workflow.upsert_memo({"note": None})
        workflow.upsert_search_attributes([
            SearchAttributeKey.for_keyword("CustomKeyword").value_unset()])


plain("Attributes")


@workflow.defn(name="Tasks")
class Tasks:
    """Tasks that begin in their turn, wait for each other, and share what they have."""

    def __init__(self) -> None:
        self.order: list = []

    @workflow.run
    async def run(self) -> list:
        async def work(name, count):
            for i in range(count):
                await workflow.execute_activity("Note", activity_id=f"{name}-{i}", **OPTIONS)
            self.order.append(name)
            return name

        async def starter():
            inner = asyncio.create_task(work("inner", 1))
            await workflow.execute_activity("Note", activity_id="starter", **OPTIONS)
            await inner

        tasks = [asyncio.create_task(work("a", 2)), asyncio.create_task(starter()),
                 asyncio.create_task(work("b", 1))]
        await workflow.execute_activity("Note", activity_id="main", **OPTIONS)
        await asyncio.wait(tasks)
        lock = asyncio.Lock()

        async def locked(name):
            async with lock:
                await workflow.execute_activity("Note", activity_id="locked " + name, **OPTIONS)

        await asyncio.gather(locked("x"), locked("y"), locked("z"))
        return sorted(self.order)


plain("Tasks")


@workflow.defn(name="Random")
class Random:
    @workflow.run
    async def run(self) -> bool:
        first = str(workflow.uuid4())
        await workflow.execute_activity("Note", args=[first, workflow.random().random()], **OPTIONS)
        await asyncio.sleep(0.01)
        second = str(workflow.uuid4())
        await workflow.execute_activity(
            "Note", args=[second, workflow.random().randint(1, 6)], **OPTIONS)
        return first != second


plain("Random")


@workflow.defn(name="Resettable")
class Resettable:
    def __init__(self) -> None:
        self.total = 0
        self.closed = False

    @workflow.run
    async def run(self) -> int:
        await workflow.execute_activity("Note", str(workflow.uuid4()), **OPTIONS)
        await asyncio.sleep(0.01)
        await workflow.execute_activity("Note", str(workflow.uuid4()), **OPTIONS)
        await workflow.wait_condition(lambda: self.closed and workflow.all_handlers_finished())
        return self.total

    @workflow.update(name="add")
    async def add(self, n: int) -> int:
        self.total += n
        await workflow.execute_activity("Note", n, **OPTIONS)
        return self.total

    @workflow.signal(name="close")
    def close(self) -> None:
        self.closed = True


async def reset(t, reapply):
    handle = await t.start("Resettable")
    await handle.execute_update("add", 1)
    await t.until(handle, "EVENT_TYPE_ACTIVITY_TASK_COMPLETED", 3)
    await handle.execute_update("add", 2)
    await handle.signal("close")
    await t.ended(handle)
    events = (await handle.fetch_history()).events
    completed = [event.event_id for event in events if event.event_type == 7]
    excluded = [] if reapply else [
        ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_SIGNAL,
        ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_UPDATE]
    answer = await t.client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=t.client.namespace, reason="to see", request_id=t.id("reset"),
            workflow_execution=WorkflowExecution(
                workflow_id=handle.id, run_id=handle.first_execution_run_id),
            workflow_task_finish_event_id=completed[2],
            reset_reapply_exclude_types=excluded))
    fresh = t.client.get_workflow_handle(handle.id, run_id=answer.run_id)
    if not reapply:
        await fresh.signal("close")
    await t.ended(fresh)
    await t.keep(fresh)


@scenario
async def Reset(t):
    await reset(t, False)


@scenario
async def ResetReapplied(t):
    await reset(t, True)


@workflow.defn(name="Cron")
class Cron:
    @workflow.run
    async def run(self) -> int:
        await workflow.execute_activity("Note", "tick", **OPTIONS)
        return 1


@scenario
async def CronRuns(t):
    handle = await t.start("Cron", cron_schedule="@every 1s")
    run = t.client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)
    await t.ended(run, follow_runs=False)
    await t.keep(run)
    second = await t.next_run(run)
    await t.ended(second, follow_runs=False)
    await t.keep(second, "CronRunsSecond")
    await t.client.get_workflow_handle(handle.id).terminate()


@workflow.defn(name="Retried")
class Retried:
    @workflow.run
    async def run(self) -> int:
        await asyncio.sleep(0.01)
        if workflow.info().attempt < 2:
            raise ApplicationError("too early", type="TooEarly")
        return workflow.info().attempt


@scenario
async def RetriedRuns(t):
    handle = await t.start("Retried", retry_policy=RetryPolicy(
        initial_interval=0.01 * SECOND, maximum_attempts=2))
    run = t.client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)
    await t.ended(handle)
    await t.keep(run)
    await t.keep(t.client.get_workflow_handle(handle.id), "RetriedRunsSecond")


@workflow.defn(name="TimesOut")
class TimesOut:
    @workflow.run
    async def run(self) -> None:
        await asyncio.sleep(3600)


@scenario
async def RunTimedOut(t):
    handle = await t.start("TimesOut", run_timeout=1 * SECOND)
    await t.ended(handle)
    await t.keep(handle)


@scenario
async def TaskFailed(t):
    """Tasks that failed, since nobody knew the type, and then went on."""
    await t.without("Countdown")
    handle = await t.start("Countdown", 0)
    await t.until(handle, "EVENT_TYPE_WORKFLOW_TASK_FAILED", 1)
    await t.without(None)
    await t.ended(handle)
    await t.keep(handle)


@scenario
async def TaskTimedOut(t):
    """A worker that died with a task, and with a run in its cache."""
    handle = await t.start("Sequence", 1, task_timeout=1 * SECOND)
    await t.until(handle, "EVENT_TYPE_WORKFLOW_TASK_COMPLETED", 2)
    await t.kill()
    await t.ended(handle)
    await t.keep(handle)


WORKFLOWS = [CleansUp, CanceledWork, CanceledBetween, Countdown, Patched, Unpatched, Attributes, Tasks, Random,
             Resettable, Cron, Retried, TimesOut]

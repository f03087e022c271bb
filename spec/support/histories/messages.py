"""Workflows with signals, queries, updates and conditions."""

import asyncio
from collections.abc import Sequence

from temporalio import workflow
from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateStage
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from scenarios import OPTIONS, scenario


@workflow.defn(name="Collect")
class Collect:
    """Collects what it is told until it has enough, then passes it on in one activity for each."""

    def __init__(self) -> None:
        self.items: list = []

    @workflow.run
    async def run(self, enough: int, notes: bool = False) -> list:
        await workflow.wait_condition(lambda: len(self.items) >= enough)
        if notes:
            for item in list(self.items):
                await workflow.execute_activity("Note", item, **OPTIONS)
        return self.items

    @workflow.signal(name="add")
    def add(self, item) -> None:
        self.items.append(item)

    @workflow.query(name="items")
    def get(self) -> list:
        return self.items


@scenario
async def SignalLate(t):
    handle = await t.start("Collect", 2, True)
    for item in "ab":
        await asyncio.sleep(0.3)
        await handle.signal("add", item)
    await t.ended(handle)
    await t.keep(handle)


@scenario
async def SignalWithStart(t):
    handle = await t.start("Collect", 1, True, start_signal="add", start_signal_args=["first"])
    await t.ended(handle)
    await t.keep(handle)


@scenario
async def SignalsEarly(t):
    async with t.paused():
        handle = await t.start("Collect", 3, True)
        for item in "abc":
            await handle.signal("add", item)
    await t.ended(handle)
    await t.keep(handle)


@scenario
async def Signals300(t):
    handle = await t.start("Collect", 300)
    for i in range(0, 300, 20):
        await asyncio.gather(*[handle.signal("add", i + k) for k in range(20)])
    await t.ended(handle)
    await t.keep(handle)


@scenario
async def Queries(t):
    handle = await t.start("Collect", 2)
    for item in "ab":
        await handle.query("items")
        await handle.signal("add", item)
    await t.ended(handle)
    await t.keep(handle)


@scenario
async def OpenRun(t):
    """A run that waits, and is told something nobody has taken yet."""
    handle = await t.start("Collect", 2, True)
    await handle.query("items")
    await t.keep(handle)
    await handle.terminate()


@scenario
async def Terminated(t):
    handle = await t.start("Collect", 2)
    await handle.query("items")
    await handle.terminate("enough")
    await t.keep(handle)


@workflow.defn(name="Handlers")
class Handlers:
    """Handlers that wait: each does an activity; the main function waits for them all."""

    def __init__(self) -> None:
        self.closed = False
        self.sum = 0

    @workflow.run
    async def run(self) -> int:
        await workflow.execute_activity("Note", "begun", **OPTIONS)
        await workflow.wait_condition(
            lambda: self.closed and workflow.all_handlers_finished())
        return self.sum

    @workflow.signal(name="add")
    async def add(self, n: int) -> None:
        self.sum += await workflow.execute_activity(
            "Double", n, activity_id=f"double-{n}", **OPTIONS)
        await asyncio.sleep(0.01)
        await workflow.execute_activity("Note", n, activity_id=f"note-{n}", **OPTIONS)

    @workflow.signal(name="close")
    def close(self) -> None:
        self.closed = True


@scenario
async def SignalHandlers(t):
    async with t.paused():
        handle = await t.start("Handlers")
        for n in (1, 2, 3):
            await handle.signal("add", n)
    await asyncio.sleep(0.5)
    for n in (4, 5):
        await handle.signal("add", n)
    await handle.signal("close")
    await t.ended(handle)
    await t.keep(handle)


@workflow.defn(name="Both")
class Both:
    """A signal and an activity's end in one task: which of them goes first shows in commands."""

    def __init__(self) -> None:
        self.told = False

    @workflow.run
    async def run(self) -> str:
        async def work():
            await workflow.execute_activity("Sleep", 0.2, **OPTIONS)
            await workflow.execute_activity("Note", activity_id="after the activity", **OPTIONS)

        async def listen():
            await workflow.wait_condition(lambda: self.told)
            await workflow.execute_activity("Note", activity_id="after the signal", **OPTIONS)
            await asyncio.sleep(0.01)

        await asyncio.gather(work(), listen())
        return "both"

    @workflow.signal(name="tell")
    async def tell(self) -> None:
        self.told = True
        await workflow.execute_activity("Note", activity_id="in the handler", **OPTIONS)


@scenario
async def SignalAndActivity(t):
    handle = await t.start("Both")
    await t.until(handle, "EVENT_TYPE_ACTIVITY_TASK_SCHEDULED", 1)
    async with t.paused():
        await t.until(handle, "EVENT_TYPE_ACTIVITY_TASK_COMPLETED", 1)
        await handle.signal("tell")
    await t.ended(handle)
    await t.keep(handle)


@scenario
async def SignalAndActivityBatched(t):
    async with t.batched():
        await SignalAndActivity(t)


@workflow.defn(name="Everything")
class Everything:
    """All that can come in one task: what each leads to has an id of its own."""

    def __init__(self) -> None:
        self.told: list = []

    @workflow.run
    async def run(self) -> int:
        async def after(name, awaitable):
            await awaitable
            await note("after " + name)

        await asyncio.gather(
            after("b", workflow.execute_activity("Sleep", 0.4, activity_id="b", **OPTIONS)),
            after("a", workflow.execute_activity("Sleep", 0.1, activity_id="a", **OPTIONS)),
            after("timer", asyncio.sleep(0.2)),
            after("two", workflow.wait_condition(lambda: len(self.told) >= 2)),
            after("one", workflow.wait_condition(lambda: len(self.told) >= 1)))
        await workflow.wait_condition(
            lambda: len(self.told) == 3 and workflow.all_handlers_finished())
        return len(self.told)

    @workflow.signal(name="tell")
    async def tell(self, what: str) -> None:
        self.told.append(what)
        await note("told " + what)

    @workflow.update(name="change")
    async def change(self, what: str) -> str:
        self.told.append(what)
        await note("changed " + what)
        return what


async def note(id):
    await workflow.execute_activity("Note", activity_id=id, **OPTIONS)


@scenario
async def EverythingAtOnce(t):
    handle = await t.start("Everything")
    await t.until(handle, "EVENT_TYPE_TIMER_STARTED", 1)
    async with t.paused():
        await handle.signal("tell", "first")
        await t.until(handle, "EVENT_TYPE_ACTIVITY_TASK_COMPLETED", 2)
        await t.until(handle, "EVENT_TYPE_TIMER_FIRED", 1)
        await handle.signal("tell", "second")
        change = asyncio.create_task(handle.execute_update("change", "third", id="third"))
        await asyncio.sleep(1)
    await change
    await t.ended(handle)
    await t.keep(handle)


@scenario
async def EverythingAtOnceBatched(t):
    async with t.batched():
        await EverythingAtOnce(t)


@workflow.defn(name="Account")
class Account:
    def __init__(self) -> None:
        self.total = 0
        self.closed = False

    @workflow.run
    async def run(self) -> int:
        await workflow.execute_activity("Note", "opened", **OPTIONS)
        await workflow.wait_condition(lambda: self.closed and workflow.all_handlers_finished())
        return self.total

    @workflow.update(name="add")
    def add(self, n: int) -> int:
        self.total += n
        return self.total

    @add.validator
    def check(self, n: int) -> None:
        if n <= 0:
            raise ApplicationError("nothing to add", type="Empty")

    @workflow.update(name="add_slowly")
    async def add_slowly(self, n: int) -> int:
        self.total += await workflow.execute_activity(
            "Double", n, activity_id=f"double-{n}", **OPTIONS)
        await asyncio.sleep(0.01)
        return self.total

    @workflow.update(name="fail")
    async def fail(self) -> None:
        await asyncio.sleep(0.01)
        raise ApplicationError("no", type="No")

    @workflow.signal(name="close")
    def close(self) -> None:
        self.closed = True


async def close(t, handle):
    await handle.signal("close")
    await t.ended(handle)
    await t.keep(handle)


async def failing(awaitable):
    try:
        await awaitable
    except WorkflowUpdateFailedError:
        return True
    raise AssertionError("it did not fail")


@scenario
async def Updates(t):
    handle = await t.start("Account")
    assert await handle.execute_update("add", 1) == 1
    await failing(handle.execute_update("add", 0))
    assert await handle.execute_update("add_slowly", 2) == 5
    await failing(handle.execute_update("add", -1))
    await failing(handle.execute_update("fail"))
    await close(t, handle)


@scenario
async def UpdatesRejected(t):
    handle = await t.start("Account")
    for n in range(-4, 1):
        await failing(handle.execute_update("add", n))
    await close(t, handle)


@scenario
async def UpdatesAtOnce(t):
    handle = await t.start("Account")
    await handle.execute_update("add", 1)
    async with t.paused():
        starts = [asyncio.create_task(handle.execute_update(name, n, id=f"update-{n}"))
                  for n, name in enumerate(["add_slowly", "add", "add_slowly", "add"], 1)]
        await asyncio.sleep(1)
        await handle.signal("close")
    await asyncio.gather(*starts)
    await t.ended(handle)
    await t.keep(handle)


@scenario
async def UpdateBeforeMain(t):
    async with t.paused():
        handle = await t.start("Account")
        started = asyncio.create_task(handle.execute_update("add_slowly", 3, id="early"))
        await asyncio.sleep(1)
    await started
    await close(t, handle)


@scenario
async def UpdateAccepted(t):
    """Its outcome comes in a later task than its acceptance."""
    handle = await t.start("Account")
    started = await handle.start_update(
        "add_slowly", 1, wait_for_stage=WorkflowUpdateStage.ACCEPTED)
    await handle.signal("close")
    await started.result()
    await t.ended(handle)
    await t.keep(handle)


@workflow.defn(name="Conditions")
class Conditions:
    def __init__(self) -> None:
        self.steps: list = []

    @workflow.run
    async def run(self) -> list:
        async def waiter(name, fn):
            await workflow.wait_condition(fn)
            self.steps.append(name)
            await workflow.execute_activity("Note", activity_id=name, **OPTIONS)

        await workflow.wait_condition(lambda: True)
        await workflow.wait_condition(lambda: True, timeout=10)
        first = workflow.start_activity("Double", 1, **OPTIONS)
        try:
            await workflow.wait_condition(lambda: False, timeout=0.1)
        except asyncio.TimeoutError:
            self.steps.append("timeout")
        await first
        tasks = [
            asyncio.create_task(waiter("third", lambda: len(self.steps) >= 3)),
            asyncio.create_task(waiter("first", lambda: len(self.steps) >= 1)),
            asyncio.create_task(waiter("second", lambda: len(self.steps) >= 2)),
        ]
        await asyncio.gather(*tasks)
        await workflow.wait_condition(lambda: len(self.steps) == 4, timeout=100)
        await workflow.wait_condition(lambda: "go" in self.steps, timeout=100)
        await workflow.execute_activity("Note", "end", **OPTIONS)
        return self.steps

    @workflow.signal(name="go")
    def go(self) -> None:
        self.steps.append("go")


@scenario
async def ConditionsOfAllKinds(t):
    handle = await t.start("Conditions")
    await t.until(handle, "EVENT_TYPE_TIMER_STARTED", 2)
    await handle.signal("go")
    await t.ended(handle)
    await t.keep(handle)


@workflow.defn(name="Dynamic")
class Dynamic:
    def __init__(self) -> None:
        self.seen: list = []

    @workflow.run
    async def run(self) -> list:
        await workflow.wait_condition(lambda: len(self.seen) >= 2)
        for name in self.seen:
            await workflow.execute_activity("Note", name, **OPTIONS)
        return self.seen

    @workflow.signal(dynamic=True)
    def any(self, name: str, args: Sequence[RawValue]) -> None:
        self.seen.append(name)

    @workflow.update(dynamic=True)
    async def change(self, name: str, args: Sequence[RawValue]) -> str:
        await asyncio.sleep(0.01)
        self.seen.append(name)
        return name


@scenario
async def DynamicHandlers(t):
    handle = await t.start("Dynamic")
    await handle.signal("one", 1)
    await handle.execute_update("two", 2)
    await t.ended(handle)
    await t.keep(handle)


WORKFLOWS = [Collect, Handlers, Both, Everything, Account, Conditions, Dynamic]

"""Records a history of every scenario, with a workflow worker in Python or in Lua.

usage: record.py python|lua|own [SCENARIO ...]
Writes spec/histories/LANGUAGE/NAME.json; `own`: workflows that only Lua has. Starts a dev server of its own. The files are kept for
ever: record new scenarios, or, by their names, those that have changed.
"""

import asyncio
import contextlib
import importlib
import os
import pathlib
import re
import subprocess
import sys
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools"))
import processes  # noqa: E402
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError  # noqa: E402
from temporalio.worker import Worker  # noqa: E402

import scenarios  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
PATIENCE = 60
ATTRIBUTES = ("CustomKeyword=Keyword", "CustomInt=Int")


class Recorder:
    """What a scenario is given."""

    def __init__(self, language, server, client, queue):
        self.language, self.server, self.client, self.queue = language, server, client, queue
        self.worker, self.unknown, self.last = None, [], None

    async def start_worker(self):
        if self.language == "python":
            command = [sys.executable, HERE / "worker.py"]
        else:
            command = [os.environ.get("LUA", "lua5.4"), HERE / "worker.lua"]
        command += [self.server.address, self.client.namespace, self.queue, *self.unknown]
        self.worker = processes.start(command, stdout=subprocess.PIPE, cwd=ROOT)
        line = await asyncio.to_thread(self.worker.stdout.readline)
        assert line == b"ready\n", line

    async def stop_worker(self):
        await asyncio.to_thread(processes.stop, self.worker, 10.0)

    @contextlib.asynccontextmanager
    async def paused(self):
        await self.stop_worker()
        yield
        await self.start_worker()

    async def kill(self):
        self.worker.kill()
        self.worker.wait()
        await self.start_worker()

    async def without(self, name):
        """Another worker, which does not know a type."""
        await self.stop_worker()
        self.unknown = [name] if name else []
        await self.start_worker()

    @contextlib.asynccontextmanager
    async def batched(self):
        """A worker that tells a step all at once; ours does so always."""
        if self.language == "python":
            await self.without("batched")
        yield
        await self.without(None)

    async def show_last(self):
        """The events of the workflow that a scenario has failed with."""
        if self.last:
            for event in (await self.last.fetch_history()).events:
                print("   ", event.event_id, event_name(event), flush=True)

    def id(self, what):
        return f"{what}-{uuid.uuid4()}"

    async def start(self, name, *args, **options):
        self.last = await self.client.start_workflow(
            name, args=args, id=self.id(name), task_queue=self.queue, **options)
        return self.last

    async def ended(self, handle, follow_runs=True):
        try:
            return await asyncio.wait_for(handle.result(follow_runs=follow_runs), PATIENCE)
        except WorkflowFailureError as err:
            return err
        except Exception as err:
            if "continued" in str(err).lower():
                return err
            raise

    async def until(self, handle, kind, count):
        """Until the history has so many events of a type."""
        end = time.monotonic() + PATIENCE
        while True:
            events = (await handle.fetch_history()).events
            names = [event_name(event) for event in events]
            if names.count(kind) >= count:
                return
            if time.monotonic() > end:
                raise TimeoutError(f"no {count} of {kind} in {names}")
            await asyncio.sleep(0.02)

    async def next_run(self, handle):
        events = (await handle.fetch_history()).events
        closed = events[-1]
        which = closed.WhichOneof("attributes")
        return self.client.get_workflow_handle(
            handle.id, run_id=getattr(closed, which).new_execution_run_id)

    async def keep(self, handle, name=None):
        history = await handle.fetch_history()
        path = ROOT / "spec" / "histories" / self.language / f"{name or self.name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(without_traces(history.to_json()) + "\n")
        print(f"{path.stem:28} {len(history.events):4} events", flush=True)


def without_traces(text):
    """Traces name folders of this machine."""
    return re.sub(r'"stackTrace": "(?:[^"\\]|\\.)*"', '"stackTrace": ""', text)


def event_name(event):
    from temporalio.api.enums.v1 import EventType
    return EventType.Name(event.event_type)


async def record(language, names):
    server = processes.DevServer(flags=[
        flag for each in ATTRIBUTES for flag in ("--search-attribute", each)])
    server.start()
    try:
        client = await Client.connect(server.address)
        async with Worker(client, task_queue=scenarios.ACTIVITY_QUEUE,
                          activities=scenarios.ACTIVITIES):
            failed = []
            recorder = Recorder(language, server, client, "histories")
            await recorder.start_worker()
            for name in names or scenarios.SCENARIOS:
                recorder.name = name
                try:
                    await scenarios.SCENARIOS[name](recorder)
                except Exception as err:
                    failed.append(name)
                    await recorder.show_last()
                    print(f"{name} failed: {err!r}", flush=True)
            await recorder.stop_worker()
            return failed
    finally:
        server.stop()


if __name__ == "__main__":
    processes.end_on_signals()
    for module in (["own"] if sys.argv[1] == "own" else
                   ["messages", "operations", "runs", "local_activities"]):
        importlib.import_module(module)
    failures = asyncio.run(record(sys.argv[1], sys.argv[2:]))
    sys.stdout.flush()
    os._exit(1 if failures else 0)

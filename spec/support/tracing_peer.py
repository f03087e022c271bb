"""A worker with the Python SDK's own OpenTelemetry interceptor, for tracing_spec.lua.

usage: tracing_peer.py ADDRESS NAMESPACE TASK_QUEUE
Prints `ready`, then a line for each span that ends:
span NAME TRACE_ID PARENT_SPAN_ID [link TRACE_ID SPAN_ID]      (PARENT_SPAN_ID none: a root)
"""

import asyncio
import sys

from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from temporalio import workflow
from temporalio.client import Client
from temporalio.contrib.opentelemetry import TracingInterceptor
from temporalio.worker import UnsandboxedWorkflowRunner, Worker


class Printer(SpanProcessor):
    def on_end(self, span) -> None:
        line = ["span", span.name, f"{span.context.trace_id:032x}",
                f"{span.parent.span_id:016x}" if span.parent else "none"]
        for link in span.links:
            line += ["link", f"{link.context.trace_id:032x}", f"{link.context.span_id:016x}"]
        print(*line, flush=True)


@workflow.defn(name="YourWorkflowDefinition")
class Order:
    @workflow.run
    async def run(self, order: dict) -> str:
        return f"ordered {order['amount']}"


@workflow.defn(name="Traced")
class Traced:
    """Runs until the signal `finish`."""

    def __init__(self) -> None:
        self.finished = False

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: self.finished)
        return "finished"

    @workflow.signal(name="finish")
    def finish(self) -> None:
        self.finished = True

    @workflow.query(name="state")
    def state(self) -> bool:
        return self.finished

    @workflow.update(name="add")
    def add(self, number: int) -> int:
        return number + 1


async def main() -> None:
    address, namespace, task_queue = sys.argv[1:4]
    provider = TracerProvider()
    provider.add_span_processor(Printer())
    client = await Client.connect(address, namespace=namespace)
    async with Worker(
        client,
        task_queue=task_queue,
        workflows=[Order, Traced],
        interceptors=[TracingInterceptor(provider.get_tracer("spec"))],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        print("ready", flush=True)
        await asyncio.Event().wait()


asyncio.run(main())

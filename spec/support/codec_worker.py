"""A Python worker with a payload codec, codec headers and encoded failure attributes.

usage: codec_worker.py ADDRESS NAMESPACE TASK_QUEUE CODEC      one of payload_codecs.CODECS
Prints `ready`. Without knowing the codec nobody reads what it writes.
"""

import asyncio
import sys
from collections.abc import Sequence
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client, HeaderCodecBehavior
from temporalio.common import RawValue, RetryPolicy
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from payload_codecs import CODECS

ONCE = RetryPolicy(maximum_attempts=1)


@workflow.defn(dynamic=True)
class Arguments:
    """The arguments as a list, for any other name."""

    @workflow.run
    async def run(self, values: Sequence[RawValue]) -> list:
        convert = workflow.payload_converter().from_payload
        return [convert(value.payload) for value in values]


@workflow.defn(name="Seen")
class Seen:
    """Memo and header as the workflow sees them."""

    @workflow.run
    async def run(self) -> dict:
        convert = workflow.payload_converter().from_payload
        headers = workflow.info().headers
        return {
            "memo": {name: workflow.memo_value(name) for name in workflow.info().raw_memo},
            "header": {name: convert(payload) for name, payload in headers.items()},
        }


@workflow.defn(name="Fail")
class Fail:
    @workflow.run
    async def run(self, message: str, *details) -> None:
        cause = ApplicationError(message + ", because", type="Cause")
        raise ApplicationError(message, *details, type="Secret", non_retryable=True) from cause


@activity.defn(name="Shout")
async def shout(text: str, times: int = 1) -> list:
    if times < 0:
        raise ApplicationError("no " + text, text, {"times": times}, type="Shy")
    return [text.upper()] * times


@workflow.defn(name="AskLua")
class AskLua:
    """An activity and a child of another task queue: what they came to, and how they fail."""

    @workflow.run
    async def run(self, queue: str, value: RawValue) -> list:
        seen = [await workflow.execute_activity(
            "Back", value, task_queue=queue, start_to_close_timeout=timedelta(seconds=60))]
        child = await workflow.start_child_workflow(
            "Child", value, task_queue=queue, memo={"note": "kept secret"})
        await child.signal("go", "signal secret")
        seen.append(await child)
        try:
            await workflow.execute_activity(
                "Broken", "a secret", task_queue=queue, retry_policy=ONCE,
                start_to_close_timeout=timedelta(seconds=60))
        except ActivityError as error:
            seen.append([error.cause.message, error.cause.type, list(error.cause.details)])
        return seen


@activity.defn(name="Later")
async def later() -> None:
    activity.raise_complete_async()


@workflow.defn(name="Ask")
class Ask:
    """What an activity that somebody else completes ended with."""

    @workflow.run
    async def run(self):
        try:
            return await workflow.execute_activity(
                "Later", activity_id="later", start_to_close_timeout=timedelta(seconds=30),
                retry_policy=ONCE)
        except ActivityError as error:
            cause = error.cause
            return {
                "message": cause.message,
                "type": getattr(cause, "type", None),
                "details": list(getattr(cause, "details", ())),
                "stack_trace": cause.failure.stack_trace,
                "cause": cause.cause and cause.cause.message,
            }


async def main() -> None:
    address, namespace, task_queue, codec = sys.argv[1:5]
    client = await Client.connect(
        address,
        namespace=namespace,
        data_converter=DataConverter(
            payload_codec=CODECS[codec](),
            failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
        ),
        header_codec_behavior=HeaderCodecBehavior.CODEC,
    )
    async with Worker(
        client,
        task_queue=task_queue,
        workflows=[Arguments, Seen, Fail, Ask, AskLua],
        activities=[later, shout],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        print("ready", flush=True)
        await asyncio.Event().wait()


asyncio.run(main())

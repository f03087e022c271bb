"""Workflows whose arguments and results are protobuf messages."""

import temporalio.api.common.v1 as common
import temporalio.api.taskqueue.v1 as taskqueue
from temporalio import workflow
from temporalio.common import RawValue
from temporalio.converter import BinaryProtoPayloadConverter


@workflow.defn(name="ProtoEcho")
class ProtoEcho:
    """The same message, as the SDK writes it."""

    @workflow.run
    async def run(self, execution: common.WorkflowExecution) -> common.WorkflowExecution:
        return execution


@workflow.defn(name="ProtoSeen")
class ProtoSeen:
    """What the SDK read, as text of Python's own."""

    @workflow.run
    async def run(
        self, execution: common.WorkflowExecution, retry: common.RetryPolicy,
        queue: taskqueue.TaskQueue, payloads: common.Payloads,
    ) -> list:
        return [
            execution.workflow_id, retry.initial_interval.ToMilliseconds(),
            retry.backoff_coefficient, list(retry.non_retryable_error_types), queue.kind,
            [[p.metadata["encoding"].decode(), p.data.hex()] for p in payloads.payloads],
        ]


@workflow.defn(name="ProtoBinary")
class ProtoBinary:
    """A retry policy in binary/protobuf."""

    @workflow.run
    async def run(self, attempts: int) -> RawValue:
        message = common.RetryPolicy(maximum_attempts=attempts)
        return RawValue(BinaryProtoPayloadConverter().to_payload(message))


WORKFLOWS = [ProtoEcho, ProtoSeen, ProtoBinary]
ACTIVITIES: list = []

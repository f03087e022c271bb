"""The Python client doing what parity_spec.lua does in Lua.

usage: parity_peer.py ADDRESS NAMESPACE TASK_QUEUE FILE
Reads FILE as it grows: one JSON object a line, {"op": name, ...}. Prints `ready` when it is
connected, and for each request a line `answer {"value": ...}` or `answer {"error": {"kind": ...}}`,
in the words of the Lua client. Bytes travel as {"$bytes": hex}.
"""

import asyncio
import json
import os
import sys
import traceback
from datetime import timedelta

import temporalio.client as tc
import temporalio.common as common
import temporalio.exceptions as te
from temporalio.api.enums.v1 import EventType
from temporalio.converter import PayloadConverter
from temporalio.service import RPCError

import parity_peer_schedule as schedules
from parity_peer_values import attributes, decoded, encoded, short, stamp, typed_attributes


def failure(error):
    """The error's class and what it says, as Lua names them; its causes under it."""
    form = {}
    if isinstance(error, tc.WorkflowFailureError):
        form = {"kind": "workflow_failed"}
    elif isinstance(error, tc.ActivityFailureError):
        form = {"kind": "activity_failed"}
    elif isinstance(error, tc.WorkflowUpdateFailedError):
        form = {"kind": "update_failed"}
    elif isinstance(error, te.ApplicationError):
        form = {"kind": "application", "message": error.message, "type": error.type or None,
                "non_retryable": error.non_retryable, "details": encoded(list(error.details)),
                "category": short(error.category) if error.category else None,
                "next_retry_delay": error.next_retry_delay
                and error.next_retry_delay.total_seconds()}
    elif isinstance(error, te.CancelledError):
        form = {"kind": "canceled", "details": encoded(list(error.details))}
    elif isinstance(error, te.TerminatedError):
        form = {"kind": "terminated", "reason": error.message,
                "details": encoded(list(error.details))}
    elif isinstance(error, te.TimeoutError):
        form = {"kind": "timed_out", "timeout_type": short(error.type),
                "last_heartbeat_details": encoded(list(error.last_heartbeat_details))}
    elif isinstance(error, te.ActivityError):
        form = {"kind": "activity", "activity_type": error.activity_type,
                "activity_id": error.activity_id, "retry_state": short(error.retry_state)}
    elif isinstance(error, te.ChildWorkflowError):
        form = {"kind": "child_workflow", "workflow_type": error.workflow_type,
                "workflow_id": error.workflow_id, "namespace": error.namespace,
                "retry_state": short(error.retry_state)}
    elif isinstance(error, te.ServerError):
        form = {"kind": "server", "message": error.message}
    elif isinstance(error, te.WorkflowAlreadyStartedError):
        form = {"kind": "already_started", "workflow_id": error.workflow_id}
    elif isinstance(error, te.ActivityAlreadyStartedError):
        form = {"kind": "already_started", "activity_id": error.activity_id}
    elif isinstance(error, tc.ScheduleAlreadyRunningError):
        return {"kind": "already_started"}
    elif isinstance(error, tc.WorkflowContinuedAsNewError):
        return {"kind": "continued_as_new"}
    elif isinstance(error, tc.WorkflowQueryFailedError):
        return {"kind": "query_failed", "message": error.message}
    elif isinstance(error, tc.WorkflowQueryRejectedError):
        return {"kind": "query_rejected", "status": short(error.status)}
    elif isinstance(error, tc.AsyncActivityCancelledError):
        return {"kind": "activity_canceled"}
    elif isinstance(error, tc.RPCTimeoutOrCancelledError):
        return {"kind": "timeout"}
    elif isinstance(error, RPCError):
        return {"kind": error.status.name.lower(), "message": error.message}
    elif isinstance(error, ValueError):
        return {"kind": "misuse"}
    elif isinstance(error, te.FailureError):
        form = {"kind": type(error).__name__, "message": error.message}
    else:
        return {"kind": "python", "message": repr(error)}
    cause = error.__cause__
    if cause is not None and not isinstance(cause, RPCError):
        form["cause"] = failure(cause)
    return {name: value for name, value in form.items() if value is not None}


def seconds(value):
    return None if value is None else timedelta(seconds=value)


def retry_policy(given):
    if not given:
        return None
    return common.RetryPolicy(
        initial_interval=seconds(given.get("initial_interval", 1)),
        backoff_coefficient=given.get("backoff_coefficient", 2.0),
        maximum_interval=seconds(given.get("maximum_interval")),
        maximum_attempts=given.get("maximum_attempts", 0),
        non_retryable_error_types=given.get("non_retryable_error_types"))


def priority(given):
    return common.Priority(given.get("key"), given.get("fairness_key"),
                           given.get("fairness_weight")) if given else common.Priority.default


def start_options(given):
    """The start options of a request, as the Python client takes them."""
    options = {name: given[name] for name in
               ("id", "task_queue", "cron_schedule", "static_summary", "static_details")
               if name in given}
    for name in ("execution_timeout", "run_timeout", "task_timeout", "start_delay"):
        if name in given:
            options[name] = seconds(given[name])
    if "id_reuse_policy" in given:
        options["id_reuse_policy"] = common.WorkflowIDReusePolicy[
            given["id_reuse_policy"].upper()]
    if "id_conflict_policy" in given:
        options["id_conflict_policy"] = common.WorkflowIDConflictPolicy[
            given["id_conflict_policy"].upper()]
    if "retry_policy" in given:
        options["retry_policy"] = retry_policy(given["retry_policy"])
    if "memo" in given:
        options["memo"] = decoded(given["memo"])
    if "search_attributes" in given:
        options["search_attributes"] = typed_attributes(given["search_attributes"])
    if "priority" in given:
        options["priority"] = priority(given["priority"])
    return options


class Headers(tc.Interceptor):
    """Sends the headers of the request in hand: the Python client has no option for them."""

    fields: dict = {}

    def intercept_client(self, next):
        return HeadersOutbound(next)


class HeadersOutbound(tc.OutboundInterceptor):
    def add(self, message):
        convert = PayloadConverter.default.to_payload
        message.headers = {**message.headers,
                           **{name: convert(value) for name, value in Headers.fields.items()}}
        return message

    async def start_workflow(self, input):
        return await self.next.start_workflow(self.add(input))

    async def signal_workflow(self, input):
        return await self.next.signal_workflow(self.add(input))

    async def query_workflow(self, input):
        return await self.next.query_workflow(self.add(input))

    async def start_workflow_update(self, input):
        return await self.next.start_workflow_update(self.add(input))


class Operations:
    """One method for each `op`; what it returns is the outcome's value."""

    def __init__(self, client, task_queue):
        self.client = client
        self.task_queue = task_queue
        self.schedules = schedules.Operations(client, task_queue, start_options)

    def handle(self, r):
        return self.client.get_workflow_handle(
            r["id"], run_id=r.get("run_id"),
            first_execution_run_id=r.get("first_execution_run_id"))

    def options(self, r):
        given = {"id": r["id"], "task_queue": self.task_queue, **r.get("options", {})}
        return start_options(given)

    def args(self, r):
        return [decoded(value) for value in r.get("args", [])]

    # Starting, and results.

    async def start(self, r):
        handle = await self.client.start_workflow(
            r["workflow"], args=self.args(r), **self.options(r))
        if r.get("get"):
            return encoded(await handle.result())
        return {"id": handle.id, "run_id": handle.first_execution_run_id}

    async def get(self, r):
        return encoded(await self.handle(r).result(follow_runs=r.get("follow_runs", True)))

    async def signal_with_start(self, r):
        handle = await self.client.start_workflow(
            r["workflow"], args=self.args(r), start_signal=r["signal"],
            start_signal_args=[decoded(v) for v in r.get("signal_args", [])], **self.options(r))
        return {"id": handle.id, "run_id": handle.result_run_id}

    async def update_with_start(self, r):
        operation = tc.WithStartWorkflowOperation(
            r["workflow"], args=self.args(r), **self.options(r))
        value = await self.client.execute_update_with_start_workflow(
            r["name"], args=[decoded(v) for v in r.get("update_args", [])], id=r.get("update_id"),
            start_workflow_operation=operation)
        return {"value": encoded(value),
                "run_id": (await operation.workflow_handle()).first_execution_run_id}

    # Messages.

    async def signal(self, r):
        await self.handle(r).signal(r["name"], args=self.args(r))
        return True

    async def query(self, r):
        reject = r.get("reject")
        return encoded(await self.handle(r).query(
            r["name"], args=self.args(r),
            reject_condition=common.QueryRejectCondition[reject.upper()] if reject else None))

    async def update(self, r):
        return encoded(await self.handle(r).execute_update(
            r["name"], args=self.args(r), id=r.get("update_id"),
            rpc_timeout=seconds(r.get("timeout"))))

    async def start_update(self, r):
        update = await self.handle(r).start_update(
            r["name"], args=self.args(r), id=r.get("update_id"),
            wait_for_stage=tc.WorkflowUpdateStage[r.get("wait", "accepted").upper()])
        return {"id": update.id, "workflow_id": update.workflow_id,
                "run_id": update.workflow_run_id}

    async def get_update(self, r):
        update = self.handle(r).get_update_handle(r["update_id"])
        return encoded(await update.result(rpc_timeout=seconds(r.get("timeout"))))

    async def cancel(self, r):
        await self.handle(r).cancel()
        return True

    async def terminate(self, r):
        await self.handle(r).terminate(*self.args(r), reason=r.get("reason"))
        return True

    # What there is to see.

    @staticmethod
    async def execution(found):
        return {
            "id": found.id,
            "run_id": found.run_id,
            "workflow_type": found.workflow_type,
            "task_queue": found.task_queue,
            "status": short(found.status),
            "start_time": stamp(found.start_time),
            "execution_time": stamp(found.execution_time),
            "close_time": stamp(found.close_time),
            "parent": found.parent_id and {"id": found.parent_id, "run_id": found.parent_run_id},
            "root": found.root_id and {"id": found.root_id, "run_id": found.root_run_id},
            "memo": encoded(await found.memo()),
            "search_attributes": attributes(found.typed_search_attributes),
            "history_length": found.history_length,
        }

    async def describe(self, r):
        found = await self.handle(r).describe()
        config, info = found.raw_description.execution_config, found.raw_info
        pending = found.raw_description.pending_activities
        return {
            **await self.execution(found),
            "static_summary": await found.static_summary(),
            "static_details": await found.static_details(),
            "execution_timeout": config.workflow_execution_timeout.ToSeconds(),
            "run_timeout": config.workflow_run_timeout.ToSeconds(),
            "task_timeout": config.default_workflow_task_timeout.ToSeconds(),
            "first_execution_run_id": info.first_run_id,
            "priority": [info.priority.priority_key, info.priority.fairness_key,
                         info.priority.fairness_weight],
            "pending_activities": [[p.activity_id, p.activity_type.name, p.attempt,
                                    p.last_failure.message] for p in pending],
            "pending_children": [[p.workflow_id, p.workflow_type_name]
                                 for p in found.raw_description.pending_children],
        }

    async def list(self, r):
        found = self.client.list_workflows(r["query"], limit=r.get("limit"),
                                           page_size=r.get("page_size", 1000))
        return [await self.execution(item) async for item in found]

    async def count(self, r):
        counted = await self.client.count_workflows(r["query"])
        return {"count": counted.count,
                "groups": [{"values": encoded(list(g.group_values)), "count": g.count}
                           for g in counted.groups]}

    async def history(self, r):
        kinds = tc.WorkflowHistoryEventFilterType
        events = self.handle(r).fetch_history_events(
            wait_new_event=r.get("wait", False), page_size=r.get("page_size"),
            event_filter_type=kinds.CLOSE_EVENT if r.get("filter") == "close"
            else kinds.ALL_EVENT)
        return [[e.event_id, EventType.Name(e.event_type)] async for e in events]

    async def history_json(self, r):
        return (await self.handle(r).fetch_history()).to_json_dict()

    # Activities.

    def async_activity(self, r):
        if "task_token" in r:
            return self.client.get_async_activity_handle(
                task_token=decoded(r["task_token"]))
        return self.client.get_async_activity_handle(
            workflow_id=r["id"], run_id=r.get("run_id"), activity_id=r["activity_id"])

    async def complete_activity(self, r):
        await self.async_activity(r).complete(*self.args(r))
        return True

    async def fail_activity(self, r):
        error = te.ApplicationError(
            r["message"], *[decoded(v) for v in r.get("details", [])], type=r.get("type"),
            non_retryable=r.get("non_retryable", False))
        if "cause" in r:
            error.__cause__ = te.ApplicationError(r["cause"], type="Cause")
        await self.async_activity(r).fail(
            error, last_heartbeat_details=[decoded(v) for v in r.get("heartbeat", [])])
        return True

    async def heartbeat_activity(self, r):
        await self.async_activity(r).heartbeat(*self.args(r))
        return True

    async def report_canceled_activity(self, r):
        await self.async_activity(r).report_cancellation(*self.args(r))
        return True

    def activity(self, r):
        return self.client.get_activity_handle(r["id"], run_id=r.get("run_id"))

    async def execute_activity(self, r):
        given = r.get("options", {})
        options = {name: seconds(given[name]) for name in given if name.endswith("_timeout")}
        if "id_reuse_policy" in given:
            options["id_reuse_policy"] = common.ActivityIDReusePolicy[
                given["id_reuse_policy"].upper()]
        if "id_conflict_policy" in given:
            options["id_conflict_policy"] = common.ActivityIDConflictPolicy[
                given["id_conflict_policy"].upper()]
        if "search_attributes" in given:
            options["search_attributes"] = typed_attributes(given["search_attributes"])
        if "static_summary" in given:
            options["summary"] = given["static_summary"]
        handle = await self.client.start_activity(
            r["activity"], args=self.args(r), id=r["id"],
            task_queue=given.get("task_queue", self.task_queue),
            retry_policy=retry_policy(given.get("retry_policy")),
            priority=priority(given.get("priority")), **options)
        if r.get("get", True):
            return encoded(await handle.result())
        return {"id": handle.id, "run_id": handle.run_id}

    async def get_activity(self, r):
        return encoded(await self.activity(r).result())

    async def cancel_activity(self, r):
        await self.activity(r).cancel(reason=r.get("reason"))
        return True

    async def terminate_activity(self, r):
        await self.activity(r).terminate(reason=r.get("reason"))
        return True

    async def describe_activity(self, r):
        found = await self.activity(r).describe()
        return {
            "id": found.activity_id, "run_id": found.activity_run_id,
            "activity_type": found.activity_type, "task_queue": found.task_queue,
            "status": short(found.status), "attempt": found.attempt,
            "schedule_time": stamp(found.schedule_time), "close_time": stamp(found.close_time),
            "search_attributes": attributes(found.typed_search_attributes),
        }

    async def list_activities(self, r):
        return sorted([[f.activity_id, f.activity_type, short(f.status)]
                       async for f in self.client.list_activities(r["query"])])

    async def count_activities(self, r):
        counted = await self.client.count_activities(r["query"])
        return {"count": counted.count,
                "groups": [{"values": encoded(list(g.group_values)), "count": g.count}
                           for g in counted.groups]}

    async def perform(self, r):
        name = r["op"]
        method = getattr(self.schedules if name.startswith("schedule_") else self, name)
        Headers.fields = r.get("header", {})
        try:
            return {"value": await method(r)}
        except (AttributeError, KeyError, NameError, TypeError):
            traceback.print_exc()  # of this program, or a value Python refuses
            return {"error": {"kind": "python", "message": traceback.format_exc()[-300:]}}
        except Exception as error:
            return {"error": failure(error)}


async def main():
    address, namespace, task_queue, path = sys.argv[1:5]
    client = await tc.Client.connect(address, namespace=namespace, interceptors=[Headers()])
    operations = Operations(client, task_queue)
    print("ready", flush=True)
    with open(path, "rb") as requests:
        line = b""
        while True:
            line += requests.readline()
            if not line.endswith(b"\n"):
                await asyncio.sleep(0.001)
                continue
            request, line = json.loads(line), b""
            if request["op"] == "end":
                break
            print("answer " + json.dumps(await operations.perform(request)), flush=True)


asyncio.run(main())
sys.stdout.flush()
os._exit(0)  # the bridge's threads may outlive the interpreter

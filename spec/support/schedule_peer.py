"""Schedules as the Python client sees and makes them, for schedule_spec.lua.

usage: schedule_peer.py ADDRESS NAMESPACE describe ID ...   one line of JSON for each
       schedule_peer.py ADDRESS NAMESPACE create PREFIX     makes its own, one line for each
"""

import asyncio
import json
import os
import sys
from datetime import datetime, timedelta, timezone

from temporalio.client import (
    Client, Schedule, ScheduleActionStartWorkflow, ScheduleCalendarSpec, ScheduleIntervalSpec,
    ScheduleOverlapPolicy, SchedulePolicy, ScheduleRange, ScheduleSpec, ScheduleState)
from temporalio.common import (
    Priority, RetryPolicy, SearchAttributeKey, SearchAttributePair, TypedSearchAttributes)

FIELDS = ("second", "minute", "hour", "day_of_month", "month", "year", "day_of_week")


def seconds(value):
    if isinstance(value, datetime):
        return value.timestamp()
    return value and value.total_seconds()


def calendar(value):
    shown = {name: [[r.start, r.end, r.step] for r in getattr(value, name)] for name in FIELDS}
    return {**shown, "comment": value.comment or ""}


def attributes(typed):
    values = {pair.key.name: pair.value for pair in typed}
    return {name: seconds(value) if isinstance(value, datetime) else value
            for name, value in values.items()}


async def decoded(client, payload):
    return None if payload is None else (await client.data_converter.decode([payload]))[0]


async def describe_action(client, action):
    retry = action.retry_policy
    return {
        "workflow": action.workflow,
        "args": await client.data_converter.decode(action.args),
        "id": action.id,
        "task_queue": action.task_queue,
        "timeouts": [seconds(action.execution_timeout) or 0, seconds(action.run_timeout) or 0,
                     seconds(action.task_timeout) or 0],
        "retry": retry and [seconds(retry.initial_interval), retry.backoff_coefficient,
                            seconds(retry.maximum_interval) or 0, retry.maximum_attempts,
                            list(retry.non_retryable_error_types or [])],
        "memo": {k: await decoded(client, v) for k, v in (action.memo or {}).items()},
        "headers": {k: await decoded(client, v) for k, v in (action.headers or {}).items()},
        "search_attributes": attributes(action.typed_search_attributes),
        "summary": await summary(client, action.static_summary),
        "details": await summary(client, action.static_details),
        "priority": [action.priority.priority_key or 0, action.priority.fairness_key or "",
                     action.priority.fairness_weight or 0],
    }


async def summary(client, payload):
    return await decoded(client, payload) if payload is not None and payload.metadata else ""


async def describe(client, schedule_id):
    handle = client.get_schedule_handle(schedule_id)
    description = await handle.describe()
    schedule, info = description.schedule, description.info
    spec, policy, state = schedule.spec, schedule.policy, schedule.state
    return {
        "id": description.id,
        "calendars": [calendar(c) for c in spec.calendars],
        "intervals": [[seconds(i.every), seconds(i.offset) or 0] for i in spec.intervals],
        "cron": list(spec.cron_expressions),
        "skip": [calendar(c) for c in spec.skip],
        "bounds": [seconds(spec.start_at) or 0, seconds(spec.end_at) or 0],
        "jitter": seconds(spec.jitter) or 0,
        "timezone": spec.time_zone_name or "",
        "action": await describe_action(client, schedule.action),
        "overlap": policy.overlap.name.lower(),
        "catchup_window": seconds(policy.catchup_window),
        "pause_on_failure": policy.pause_on_failure,
        "state": [state.paused, state.note or "", state.limited_actions, state.remaining_actions],
        "memo": await description.memo(),
        "search_attributes": attributes(description.typed_search_attributes),
        "info": [info.num_actions, info.num_actions_missed_catchup_window,
                 info.num_actions_skipped_overlap],
        "running": [a.workflow_id for a in info.running_actions],
        "recent": [[seconds(a.scheduled_at), a.action.workflow_id] for a in info.recent_actions],
        "next": [seconds(t) for t in info.next_action_times],
    }


def schedules(prefix):
    plain = ScheduleActionStartWorkflow("Order", id="wf", task_queue="nobody")
    yield prefix + "-plain", Schedule(action=plain, spec=ScheduleSpec()), {}
    full = ScheduleActionStartWorkflow(
        "Order", args=["ü", None, {"a": [1, 2.5]}, None], id="wf-full", task_queue="nobody",
        execution_timeout=timedelta(hours=2), run_timeout=timedelta(seconds=90.25),
        task_timeout=timedelta(seconds=5), memo={"m": {"x": 1}},
        retry_policy=RetryPolicy(initial_interval=timedelta(seconds=2), maximum_attempts=7,
                                 non_retryable_error_types=["Bad"]),
        typed_search_attributes=TypedSearchAttributes([
            SearchAttributePair(SearchAttributeKey.for_text("CustomText"), "some words"),
            SearchAttributePair(SearchAttributeKey.for_float("CustomDouble"), 2.0),
            SearchAttributePair(SearchAttributeKey.for_datetime("CustomDatetime"),
                                datetime(2026, 1, 2, 3, 4, 5, 678901, timezone.utc)),
        ]),
        static_summary="a summary", static_details="some\ndetails",
        priority=Priority(priority_key=2, fairness_key="f", fairness_weight=1.5))
    yield prefix + "-full", Schedule(
        action=full,
        spec=ScheduleSpec(
            calendars=[ScheduleCalendarSpec(hour=[ScheduleRange(8, 18, 2)], minute=[
                ScheduleRange(0), ScheduleRange(30)], year=[ScheduleRange(2027, 2030)],
                day_of_week=[ScheduleRange(1, 5)], comment="office")],
            intervals=[ScheduleIntervalSpec(timedelta(hours=1), timedelta(minutes=7))],
            cron_expressions=["0 12 * * MON-WED", "@every 2h/10m"],
            skip=[ScheduleCalendarSpec(month=[ScheduleRange(12)], day_of_month=[
                ScheduleRange(24, 26)])],
            start_at=datetime(2026, 12, 1, tzinfo=timezone.utc),
            end_at=datetime(2031, 1, 1, tzinfo=timezone.utc),
            jitter=timedelta(seconds=2.5), time_zone_name="Europe/Berlin"),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.BUFFER_ALL,
                              catchup_window=timedelta(minutes=10), pause_on_failure=True),
        state=ScheduleState(note="from Python", paused=True, limited_actions=True,
                            remaining_actions=4),
    ), {
        "memo": {"owner": "Ada"},
        "search_attributes": TypedSearchAttributes([
            SearchAttributePair(SearchAttributeKey.for_keyword("CustomKeyword"), "k"),
            SearchAttributePair(SearchAttributeKey.for_text("CustomText"), "free text"),
            SearchAttributePair(SearchAttributeKey.for_int("CustomInt"), 7),
            SearchAttributePair(SearchAttributeKey.for_bool("CustomBool"), True),
            SearchAttributePair(SearchAttributeKey.for_keyword_list("CustomKeywordList"),
                                ["a", "b"]),
        ]),
    }


async def main():
    address, namespace, command, *rest = sys.argv[1:]
    client = await Client.connect(address, namespace=namespace)
    if command == "create":
        for schedule_id, schedule, more in schedules(rest[0]):
            await client.create_schedule(schedule_id, schedule, **more)
            print(json.dumps(await describe(client, schedule_id)), flush=True)
    else:
        for schedule_id in rest:
            print(json.dumps(await describe(client, schedule_id)), flush=True)


asyncio.run(main())
sys.stdout.flush()
os._exit(0)  # the bridge's threads may outlive the interpreter

"""Starts a workflow with all that can be told of one, and prints how the Python client sees it.

usage: describe_peer.py ADDRESS NAMESPACE TASK_QUEUE
One JSON object: id, query, count, groups, describe, list, history; names as in Lua.
"""

import asyncio
import json
import os
import sys
import uuid
from datetime import datetime, timedelta, timezone

from temporalio.client import Client
from temporalio.common import (Priority, SearchAttributeKey, SearchAttributePair,
                               TypedSearchAttributes)

KEYWORD = SearchAttributeKey.for_keyword("CustomKeyword")
ATTRIBUTES = {
    KEYWORD: "schlüssel-" + str(uuid.uuid4()),
    SearchAttributeKey.for_int("CustomInt"): -42,
    SearchAttributeKey.for_float("CustomDouble"): 3.0,
    SearchAttributeKey.for_bool("CustomBool"): False,
    SearchAttributeKey.for_datetime("CustomDatetime"):
        datetime(2026, 2, 28, 12, 30, 15, 250000, timezone(timedelta(hours=2))),
    SearchAttributeKey.for_keyword_list("CustomKeywordList"): ["ä", "b"],
}


def plain(value):
    return value.timestamp() if isinstance(value, datetime) else value


def common(found):
    return {
        "id": found.id,
        "run_id": found.run_id,
        "workflow_type": found.workflow_type,
        "task_queue": found.task_queue,
        "status": found.status.name.lower(),
        "start_time": plain(found.start_time),
        "execution_time": plain(found.execution_time),
        "search_attributes": {pair.key.name: plain(pair.value)
                              for pair in found.typed_search_attributes},
    }


async def main() -> None:
    address, namespace, task_queue = sys.argv[1:4]
    client = await Client.connect(address, namespace=namespace)
    handle = await client.start_workflow(
        "Order", "grüße", id="python-" + str(uuid.uuid4()), task_queue=task_queue,
        memo={"text": "größe", "n": 9007199254740993, "list": [1, 2.5, None, {"a": []}]},
        search_attributes=TypedSearchAttributes(
            [SearchAttributePair(key, value) for key, value in ATTRIBUTES.items()]),
        static_summary="**Überblick**", static_details="many\nlines",
        priority=Priority(priority_key=3, fairness_key="mieter", fairness_weight=0.5))
    query = f"CustomKeyword = '{ATTRIBUTES[KEYWORD]}'"
    while (await client.count_workflows(query)).count == 0:
        await asyncio.sleep(0.01)
    found = await handle.describe()
    listed = [item async for item in client.list_workflows(query)]
    counted = await client.count_workflows(query + " GROUP BY ExecutionStatus")
    history = await handle.fetch_history()
    priority = found.raw_description.workflow_execution_info.priority
    print(json.dumps({
        "id": handle.id,
        "query": query,
        "count": counted.count,
        "groups": [{"values": group.group_values, "count": group.count}
                   for group in counted.groups],
        "describe": {
            **common(found),
            "memo": await found.memo(),
            "history_length": found.history_length,
            "static_summary": await found.static_summary(),
            "static_details": await found.static_details(),
            "priority": {"key": priority.priority_key, "fairness_key": priority.fairness_key,
                         "fairness_weight": priority.fairness_weight},
        },
        "list": {**common(listed[0]), "memo": await listed[0].memo()},
        "history": "EVENT_TYPE_WORKFLOW_EXECUTION_STARTED"
                   if history.events[0].event_type == 1 else None,
    }))


asyncio.run(main())
# At once: the SDK's threads do not always survive the interpreter's end.
sys.stdout.flush()
os._exit(0)

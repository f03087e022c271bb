"""The schedule operations of parity_peer.py."""

from datetime import datetime, timedelta, timezone

from temporalio.client import (
    Schedule, ScheduleActionStartWorkflow, ScheduleBackfill, ScheduleCalendarSpec,
    ScheduleIntervalSpec, ScheduleOverlapPolicy, SchedulePolicy, ScheduleRange, ScheduleSpec,
    ScheduleState, ScheduleUpdate)

from temporalio.common import TypedSearchAttributes

from parity_peer_values import attributes, decoded, encoded, stamp, typed_attributes

FIELDS = ("second", "minute", "hour", "day_of_month", "month", "year", "day_of_week")


def seconds(value):
    return None if value is None else timedelta(seconds=value)


def moment(value):
    return None if value is None else datetime.fromtimestamp(value, timezone.utc)


def calendar(given):
    ranges = {name: [ScheduleRange(*each) for each in given[name]]
              for name in FIELDS if name in given}
    return ScheduleCalendarSpec(**ranges, comment=given.get("comment"))


def spec(given):
    return ScheduleSpec(
        calendars=[calendar(each) for each in given.get("calendars", [])],
        intervals=[ScheduleIntervalSpec(seconds(each["every"]), seconds(each.get("offset")))
                   for each in given.get("intervals", [])],
        cron_expressions=given.get("cron", []),
        skip=[calendar(each) for each in given.get("skip", [])],
        start_at=moment(given.get("start_at")), end_at=moment(given.get("end_at")),
        jitter=seconds(given.get("jitter")), time_zone_name=given.get("timezone"))


def shown_calendar(each):
    shown = {name: [[r.start, r.end, r.step] for r in getattr(each, name)] for name in FIELDS}
    return {**shown, "comment": each.comment or ""}


def shown_spec(found):
    return {
        "calendars": [shown_calendar(each) for each in found.calendars],
        "intervals": [[each.every.total_seconds(),
                       each.offset.total_seconds() if each.offset else 0.0]
                      for each in found.intervals],
        "cron": list(found.cron_expressions),
        "skip": [shown_calendar(each) for each in found.skip],
        "start_at": stamp(found.start_at), "end_at": stamp(found.end_at),
        "jitter": found.jitter.total_seconds() if found.jitter else 0.0,
        "timezone": found.time_zone_name or "",
    }


class Operations:
    def __init__(self, client, task_queue, start_options):
        self.client = client
        self.task_queue = task_queue
        self.start_options = start_options

    def handle(self, r):
        return self.client.get_schedule_handle(r["id"])

    def schedule(self, given, schedule_id):
        given_action = given["action"]
        options = self.start_options({
            "id": schedule_id, "task_queue": self.task_queue,
            **{name: value for name, value in given_action.items()
               if name not in ("workflow", "args")}})
        options["typed_search_attributes"] = options.pop("search_attributes",
                                                         TypedSearchAttributes([]))
        action = ScheduleActionStartWorkflow(
            given_action["workflow"], args=decoded(given_action.get("args", [])), **options)
        return Schedule(
            action=action, spec=spec(given.get("spec", {})),
            policy=SchedulePolicy(
                overlap=ScheduleOverlapPolicy[given.get("overlap", "skip").upper()],
                catchup_window=seconds(given.get("catchup_window", 365 * 86400)),
                pause_on_failure=given.get("pause_on_failure", False)),
            state=ScheduleState(
                note=given.get("note"), paused=given.get("paused", False),
                limited_actions="limit" in given, remaining_actions=given.get("limit", 0)))

    @staticmethod
    def backfills(given):
        return [ScheduleBackfill(
            start_at=moment(each["start_at"]), end_at=moment(each["end_at"]),
            overlap=ScheduleOverlapPolicy[each["overlap"].upper()] if "overlap" in each else None)
            for each in given]

    async def schedule_create(self, r):
        given, more = r["schedule"], {}
        if "memo" in given:
            more["memo"] = decoded(given["memo"])
        if "search_attributes" in given:
            more["search_attributes"] = typed_attributes(given["search_attributes"])
        handle = await self.client.create_schedule(
            r["id"], self.schedule(given, r["id"]),
            trigger_immediately=given.get("trigger_immediately", False),
            backfill=self.backfills(given.get("backfill", [])), **more)
        return {"id": handle.id}

    async def schedule_describe(self, r):
        found = await self.handle(r).describe()
        schedule, info = found.schedule, found.info
        action, state = schedule.action, schedule.state
        decode = self.client.data_converter.decode
        return {
            "id": found.id,
            "spec": shown_spec(schedule.spec),
            "action": {
                "workflow": action.workflow, "id": action.id, "task_queue": action.task_queue,
                "args": encoded(await decode(action.args)),
                "memo": {name: encoded((await decode([value]))[0])
                         for name, value in (action.memo or {}).items()},
                "search_attributes": attributes(action.typed_search_attributes),
                "execution_timeout": action.execution_timeout
                and action.execution_timeout.total_seconds(),
            },
            "overlap": schedule.policy.overlap.name.lower(),
            "catchup_window": schedule.policy.catchup_window.total_seconds(),
            "pause_on_failure": schedule.policy.pause_on_failure,
            "paused": state.paused, "note": state.note or None,
            "limit": state.remaining_actions if state.limited_actions else None,
            "memo": encoded(await found.memo()),
            "search_attributes": attributes(found.typed_search_attributes),
            "info": {
                "num_actions": info.num_actions,
                "missed_catchup_window": info.num_actions_missed_catchup_window,
                "overlap_skipped": info.num_actions_skipped_overlap,
                "next_action_times": [stamp(each) for each in info.next_action_times],
                "recent": [stamp(each.scheduled_at) for each in info.recent_actions],
            },
        }

    async def schedule_list(self, r):
        found = await self.client.list_schedules(r["query"])
        return sorted([[each.id, each.schedule.state.paused, each.schedule.state.note or "",
                        each.schedule.action.workflow, encoded(await each.memo()),
                        attributes(each.typed_search_attributes)] async for each in found])

    async def schedule_pause(self, r):
        await self.handle(r).pause(**({"note": r["note"]} if "note" in r else {}))
        return True

    async def schedule_unpause(self, r):
        await self.handle(r).unpause(**({"note": r["note"]} if "note" in r else {}))
        return True

    async def schedule_trigger(self, r):
        await self.handle(r).trigger(
            overlap=ScheduleOverlapPolicy[r["overlap"].upper()] if "overlap" in r else None)
        return True

    async def schedule_backfill(self, r):
        await self.handle(r).backfill(*self.backfills(r["backfill"]))
        return True

    async def schedule_update(self, r):
        def change(update):
            schedule = update.description.schedule
            if "note" in r:
                schedule.state.note = r["note"]
            if "every" in r:
                schedule.spec.intervals = [ScheduleIntervalSpec(seconds(r["every"]))]
            return None if r.get("stop") else ScheduleUpdate(schedule)
        await self.handle(r).update(change)
        return True

    async def schedule_delete(self, r):
        await self.handle(r).delete()
        return True

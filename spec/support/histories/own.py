"""What happens to the workflows of own.lua."""

from scenarios import plain, scenario

for name in "SideEffects", "Scopes", "Waits", "Semaphores", "OwnIds", "ChildAtOnce", "OwnFailure":
    plain(name)


@scenario
async def Mixed(t):
    handle = await t.start("Mixed")
    await handle.signal("tell", "first")
    await t.until(handle, "EVENT_TYPE_ACTIVITY_TASK_SCHEDULED", 2)
    async with t.paused():
        await handle.signal("tell", "second")
    await t.ended(handle)
    await t.keep(handle)

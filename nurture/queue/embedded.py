"""The bell inside one process: timers, and a ring that wakes one of them early. It knows no table and keeps nothing."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

Action = Callable[[], Awaitable[object]]
log = structlog.get_logger()


@dataclass(slots=True)
class Timer:
    """One repeated action. It never overlaps itself; any number of rings while it runs make one more run."""

    name: str
    seconds: float
    action: Action
    rung: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self.rung.clear()
            try:
                await self.action()
            except Exception:
                log.exception("job failed; it runs again at its next turn", job=self.name)
            await first_of(self.rung, stop, seconds=self.seconds)


async def first_of(*events: asyncio.Event, seconds: float | None) -> None:
    """Return when one of the events is set, or after so many seconds."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


class EmbeddedBell:
    """Rings reach this process alone; work that another process leaves in the tables is found by the timers."""

    def __init__(self) -> None:
        self._timers: dict[str, Timer] = {}

    def every(self, name: str, seconds: float, action: Action) -> None:
        """Run `action` at the start of wait(), then every so many seconds and at every ring of `name`."""
        self._timers[name] = Timer(name, seconds, action)

    async def ring(self, name: str) -> None:
        """Wake `name` now; a name that nobody waits for here is no error."""
        if name in self._timers:
            self._timers[name].rung.set()

    async def wait(self, stop: asyncio.Event) -> None:
        """Run all timers until `stop` is set and the actions under way have ended. Cancelled: the actions are cancelled too."""
        tasks = [asyncio.create_task(timer.run(stop), name=timer.name) for timer in self._timers.values()]
        try:
            await asyncio.gather(*tasks, stop.wait())
        finally:
            for task in tasks:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        """Nothing is held open."""

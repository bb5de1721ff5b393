"""The clock of the worker's machine, held against one that only goes forward."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from nurture.bootstrap import App
from nurture.store.workspace import halt, load_workspace

CLOCK_OFF = timedelta(minutes=2)
log = structlog.get_logger("nurture.worker")


@dataclass(slots=True)
class ClockWatch:
    """Holds the wall clock against one that only goes forward; a jump stops everything, since windows and gaps would be wrong.

    Told once: after `nurture resume` the new time counts. A clock that comes back to where it was has been set right, which is no jump:
    whoever sets it and resumes at once would be halted again.
    """

    wall: datetime
    steady: float
    told: timedelta = timedelta(0)

    def _strayed(self, wall: datetime, steady: float) -> timedelta:
        return (wall - self.wall) - timedelta(seconds=steady - self.steady)

    def off(self, wall: datetime, steady: float) -> bool:
        """It has jumped, and nobody was told yet. Asked before every claim: by a wrong clock windows are missed and letters expire."""
        strayed = self._strayed(wall, steady)
        return abs(strayed) >= CLOCK_OFF and abs(strayed - self.told) >= CLOCK_OFF

    def jumped(self, wall: datetime, steady: float) -> str | None:
        off = self._strayed(wall, steady)
        if abs(off) < CLOCK_OFF:
            self.told = timedelta(0)
        if not self.off(wall, steady):
            return None
        self.told = off
        return f"the clock of this machine jumped by {int(off.total_seconds())} s; set it right, then run `nurture resume`"


async def clock_holds(app: App, watch: ClockWatch) -> bool:
    """Asked before anything is done by the time of day: False when the clock has jumped, until it is set right or somebody resumes."""
    jump = watch.jumped(app.clock(), steady_clock())
    if jump is None:
        if not watch.told:
            return True
        async with app.db.read() as tx:
            return (await load_workspace(tx)).halted is None
    async with app.db.write() as tx:
        await halt(tx, jump)
    log.error("halted", reason=jump)
    return False


def steady_clock() -> float:
    """Seconds that go on while the machine sleeps, where the system has such a clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()

"""`nurture serve --demo`: an installation of its own, filled with invented people and the months they have behind them."""

import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nurture.bootstrap import App

PEOPLE = 1_000
MONTHS = 3
_BAR = 30


async def furnish(app: "App") -> None:
    """Fill an empty installation, once; the next start finds it there and goes on living from where it stopped."""
    from nurture.simulation import history  # noqa: PLC0415 - heavy, and only the demonstration needs it

    began = time.monotonic()
    screen = sys.stdout.isatty()

    def progress(day: int, of: int) -> None:
        if day == 1:
            _say(f"Inventing {PEOPLE:,} people and letting them live through {MONTHS} months of letters. This happens once.\n")
        if screen:
            _say("\r" + line(day, of, time.monotonic() - began) + "   ")
        elif day * 10 // of > (day - 1) * 10 // of:  # a log wants ten lines, not a hundred
            _say(line(day, of, time.monotonic() - began) + "\n")

    if await history.furnish(app, people=PEOPLE, months=MONTHS, progress=progress):
        _say("\n" * screen + f"Done in {time.monotonic() - began:.0f} seconds.\n")


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def line(day: int, of: int, spent: float) -> str:
    """`[#####.....] day 31 of 124, about 40 s left`, after `spent` seconds."""
    full = _BAR * day // of
    left = spent / day * (of - day)
    return f"[{'#' * full}{'.' * (_BAR - full)}] day {day} of {of}, about {left:.0f} s left"

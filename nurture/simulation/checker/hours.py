"""Windows on the person's wall clock. Wall-clock time is read off the zone's own rules, so gaps and folds need no case of their own."""

from calendar import isleap
from collections.abc import Iterator
from datetime import datetime, time, timedelta

from nurture.simulation.checker.reading import House, LetterText, Sent, Window

_TEN_TO_NOON = (time(10), time(12))
DEFAULTS: dict[str, Window] = {
    "sales": ((frozenset({2, 3}), *_TEN_TO_NOON),),
    "long": ((frozenset({4}), *_TEN_TO_NOON),),
    "short": ((frozenset({0, 1}), *_TEN_TO_NOON),),
    "other": ((frozenset({1, 2, 3}), *_TEN_TO_NOON),),
    "greeting": ((frozenset(range(7)), time(9), time(18)),),
}
NOW_LASTS = timedelta(hours=1)


def window_key(kind: str, size: str) -> str:
    if kind in ("sales", "greeting"):
        return kind
    if size == "long":
        return "long"
    return "short" if kind == "useful" else "other"


def window_of(house: House, letter: LetterText) -> Window:
    """The letter's own window, else its source's, else the workspace's, else the rule's."""
    key = window_key(letter.kind, letter.size)
    if letter.window is not None:
        return letter.window
    return house.source(letter).windows.get(key) or house.windows.get(key) or DEFAULTS[key]


def _quiet(house: House, moment: time) -> bool:
    start, end = house.quiet
    return start <= moment < end if start <= end else moment >= start or moment < end


def _in_year(day: str, year: int) -> str:
    """29 February is kept on the 28th in years that have none."""
    return "02-28" if day == "02-29" and not isleap(year) else day


def broken_hours(house: House, sent: Sent, start: datetime | None) -> Iterator[tuple[str, str]]:
    """(rule, message) for a letter outside its window, in quiet hours, on a blackout date, or on a greeting's wrong day."""
    local, letter = sent.local, sent.text
    if letter is None or letter.kind == "service":
        return
    if {local.date().isoformat(), local.strftime("%m-%d")} & house.blackout:
        yield "blackout", f"{local.date()} is a blackout date"
    if letter.kind == "greeting" and letter.day and letter.day[0].isdigit() and local.strftime("%m-%d") != _in_year(letter.day, local.year):
        yield "window", f"a greeting of {letter.day} left on {local.date()}"
    window = window_of(house, letter)
    clock = local.time().replace(fold=0)
    if not isinstance(window, str):
        if not any(local.weekday() in days and first <= clock < last for days, first, last in window):
            yield "window", f"{local:%a %H:%M:%S} is outside the window of {window_key(letter.kind, letter.size)} letters"
    elif _quiet(house, clock):
        lifted = window == "now" and (start is None or timedelta(0) <= sent.at - start < NOW_LASTS)
        if not lifted:
            yield "quiet", f"{local:%H:%M:%S} is in quiet hours"

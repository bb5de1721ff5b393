"""Windows on the person's wall clock. Wall-clock time is read off the zone's own rules, so gaps and folds need no case of their own."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from nurture.simulation.checker.dates import greeting_day, occasion
from nurture.simulation.checker.reading import House, LetterText, Window
from nurture.simulation.checker.rows import Facts, Sent

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


def in_quiet(house: House, moment: time) -> bool:
    start, end = house.quiet
    return start <= moment < end if start <= end else moment >= start or moment < end


def blacked_out(house: House, sent_on: datetime) -> bool:
    return bool({sent_on.date().isoformat(), sent_on.strftime("%m-%d")} & house.blackout)


def broken_hours(house: House, sent: Sent, facts: Facts, start: datetime | None) -> Iterator[tuple[str, str]]:
    """(rule, message) for a letter outside its window, in quiet hours, on a blackout date, or on a greeting's wrong day."""
    letter = sent.text
    if letter is None or letter.kind == "service":
        return
    if blacked_out(house, sent.local):
        yield "blackout", f"{sent.day} is a blackout date"
    if letter.kind == "greeting" and letter.day:
        yield from _greeting(letter.day, sent, facts)
    if not _in_hour_named(house, sent, start):
        yield from _window(house, letter, sent, start)


def _greeting(written: str, sent: Sent, facts: Facts) -> Iterator[tuple[str, str]]:
    day = greeting_day(written, facts.fields, sent.day.year)
    if day is None and facts.told:
        yield "greeting", f"this person's {written} is not known"
    if day is not None and day != sent.local.strftime("%m-%d"):
        yield "greeting", f"a greeting of {day} left on {sent.day}"


def _in_hour_named(house: House, sent: Sent, start: datetime | None) -> bool:
    """A schedule that names an hour is itself the window, for as long as the house may be late."""
    source = house.source(sent.text) if sent.text else None
    if source is None or source.schedule[0] not in ("at", "cron"):
        return False
    opened = occasion(house, source, sent, start)
    return isinstance(opened, datetime) and opened <= sent.at < opened + house.lateness


def _window(house: House, letter: LetterText, sent: Sent, start: datetime | None) -> Iterator[tuple[str, str]]:
    window = window_of(house, letter)
    clock = sent.local.time().replace(fold=0)
    if not isinstance(window, str):
        if not any(sent.local.weekday() in days and first <= clock < last for days, first, last in window):
            yield "window", f"{sent.local:%a %H:%M:%S} is outside the window of {window_key(letter.kind, letter.size)} letters"
    elif in_quiet(house, clock):
        lifted = window == "now" and (start is None or timedelta(0) <= sent.at - start < NOW_LASTS)
        if not lifted:
            yield "quiet", f"{sent.local:%H:%M:%S} is in quiet hours"

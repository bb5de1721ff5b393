"""The rhythm of a sequence: does its cycle keep the cadence, will every window open, does every letter find its place?

Source: "at least two letters a week, so the cycle takes two weeks. Constancy is the key word. Never rarer than monthly."
"""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

from nurture.domain.documents import Policy, Sequence
from nurture.domain.letters import Cadence, Letter
from nurture.domain.lint.calendar import START, open_days, walk
from nurture.domain.lint.findings import Finding, Known, warn, wrong
from nurture.domain.lint.promises import lint_promises
from nurture.domain.mix import OUTSIDE
from nurture.domain.pacing import DAYS_OF
from nurture.domain.scalars import Delay
from nurture.domain.words import Kind

Way = list[tuple[Letter, int]]
_LONGEST_SILENCE = 31  # days
_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def lint_sequence(sequence: Sequence, policy: Policy, known: Known) -> list[Finding]:
    """Findings about the sequence itself; its letters are looked at one by one elsewhere."""
    found = [*lint_promises(sequence, policy, known), *_greetings(sequence, policy), *_opens(sequence, policy)]
    return found if any(f.level == "error" for f in found) else [*found, *_rhythm(sequence, policy), *_against_pace(sequence, policy)]


def _greetings(sequence: Sequence, policy: Policy) -> Iterator[Finding]:
    for index, letter in enumerate(sequence.letters):
        path = ("letters", index)
        if letter.kind is Kind.GREETING and letter.day is None:
            yield warn(path, "greeting-without-day", f"the greeting {letter.id} has no day", "Add `day: birthday` or `day: 12-31`.")
        if letter.day in policy.blackout:
            message = f"the greeting {letter.id} is for {letter.day}, and the policy sends nothing on that day"
            yield warn((*path, "day"), "unreachable-window", message, "Take the day out of `blackout`, or greet on the day before.")
        if letter.window == "now" and index > 0 and letter.after != Delay():
            message = "`now` lasts an hour after a person's own act; later it is the same as `any`"
            yield warn((*path, "window"), "now-too-late", message, "Write `window: any`, or `after: 0s` beside it.")


def _opens(sequence: Sequence, policy: Policy) -> Iterator[Finding]:
    for index, letter in enumerate(sequence.letters):
        if letter.kind not in OUTSIDE and not open_days(sequence, letter, policy):
            advice = "Quiet hours cover the whole day; write a `window` out."
            yield wrong(("letters", index), "never-opens", f"no window ever opens for {letter.id}", advice)


def _rhythm(sequence: Sequence, policy: Policy) -> Iterator[Finding]:
    cadence, way = sequence.cadence, walk(sequence, policy)
    if cadence and (floor := _floor(cadence, policy)):
        yield floor
        return
    if way is None:
        yield warn(("letters",), "unreachable-window", *_no_place(policy))
        return
    thin = _thin(way, cadence) if cadence else None
    if thin is None:
        yield from _rare(sequence, way)
    elif cadence is not None:
        without = sequence.model_copy(update={"letters": tuple(x.model_copy(update={"after": None}) for x in sequence.letters)})
        freely = walk(without, policy)
        slow = [i for i, x in enumerate(sequence.letters) if x.after is not None and x.kind not in OUTSIDE]
        if slow and freely and _thin(freely, cadence) is None:
            message = f"`after: {sequence.letters[slow[0]].after}` replaces the cadence, so {cadence} is not kept ({cadence.per} {thin})"
            advice = "Leave `after` out where the cadence is to decide, or leave `cadence` out."
            yield warn(("letters", slow[0], "after"), "after-against-cadence", message, advice)
        else:
            advice = "Alternate short and long letters (short, long, short, sales keeps two a week), or lower the cadence."
            yield warn(("cadence",), "cycle-length", _cycle(sequence, way, cadence, thin, policy), advice)


def _floor(cadence: Cadence, policy: Policy) -> Finding | None:
    """A cadence that the workspace's own limits never let come true."""
    if cadence.per == "week" and cadence.count > policy.cap:
        message = f"the cadence wants {cadence}, the workspace's cap allows {policy.cap} on seven days"
        return warn(("cadence",), "floor", message, f"Write `cadence: {policy.cap} per week`, or raise `cap` in the policy.")
    length = timedelta(days=DAYS_OF[cadence.per])
    if policy.gap * (cadence.count - 1) >= length:
        message = f"the cadence wants {cadence}, but the gap between two letters is {policy.gap.total_seconds() / 3600:g} h"
        return warn(("cadence",), "floor", message, "Lower the cadence, or shorten `gap` in the policy.")
    return None


def _no_place(policy: Policy) -> tuple[str, str]:
    message = "a letter of this sequence finds no place within a year: windows, cap and gap leave none"
    return message, f"Look at its window, and at `cap: {policy.cap}` and `gap` in the policy."


def _unit(day: int, cadence: Cadence) -> int:
    """Weeks or calendar months since the start."""
    if cadence.per == "week":
        return day // 7
    here = START + timedelta(days=day)
    return (here.year - START.year) * 12 + here.month - START.month


def _thin(way: Way, cadence: Cadence) -> int | None:
    """The first week or month (from 1), before the last, that carries fewer letters than promised."""
    if not way:
        return None
    carried = Counter(_unit(day, cadence) for _, day in way)
    return next((n + 1 for n in range(_unit(way[-1][1], cadence)) if carried[n] < cadence.count), None)


def _cycle(sequence: Sequence, way: Way, cadence: Cadence, thin: int, policy: Policy) -> str:
    """`three long letters, one Friday window: 21 days`."""
    days = (way[-1][1] // 7 + 1) * 7
    crowded = _crowded(sequence, way, policy)
    return f"{crowded}: the cycle takes {days} days, and {cadence.per} {thin} carries less than {cadence}"


def _crowded(sequence: Sequence, way: Way, policy: Policy) -> str:
    """The letters that crowd one window, in words."""
    groups: dict[frozenset[int], list[Letter]] = {}
    for letter, _ in way:
        groups.setdefault(open_days(sequence, letter, policy), []).append(letter)
    days, letters = max(groups.items(), key=lambda item: len(item[1]) / len(item[0]))
    if len(days) == 7:
        return f"{_count(len(way))} letters in this order"
    looks = {letter.size.value if letter.kind is not Kind.SALES else "sales" for letter in letters}
    word = f" {looks.pop()}" if len(looks) == 1 else ""
    windows = " or ".join(_DAY_NAMES[d] for d in sorted(days))
    noun = "letter" if len(letters) == 1 else "letters"
    each = "one " if len(days) == 1 else "windows on " if len(days) > 1 else ""
    return f"{_count(len(letters))}{word} {noun}, {each}{windows}{' window' if len(days) == 1 else ''}"


def _count(number: int) -> str:
    return _NUMBERS[number] if number < len(_NUMBERS) else str(number)


def _rare(sequence: Sequence, way: Way) -> Iterator[Finding]:
    """One long pause may be a promise kept ("in half a year"); two make a rhythm that is rarer than monthly."""
    pauses = [(later, day - before) for (_, before), (later, day) in pairwise(way) if day - before > _LONGEST_SILENCE]
    if len(pauses) > 1:
        index = sequence.letters.index(pauses[0][0])
        message = f"{pauses[0][1]} days of silence before {pauses[0][0].id}, and {len(pauses)} such pauses: people forget who writes"
        yield warn(("letters", index), "rarer-than-monthly", message, "Write at least once a month; a short useful letter is enough.")


def _against_pace(sequence: Sequence, policy: Policy) -> Iterator[Finding]:
    """The cadence against the workspace's pace: its fastest season, and the floor of the whole year."""
    cadence, pace = sequence.cadence, policy.pace
    if cadence is None or pace is None:
        return
    own = cadence.count / DAYS_OF[cadence.per]
    mosts = [pace.most, *(season.most for season in pace.season)]
    most = max((m for m in mosts if m is not None), key=lambda c: c.count / DAYS_OF[c.per], default=None)
    if pace.most is not None and most is not None and own > most.count / DAYS_OF[most.per]:
        message = f"the cadence wants {cadence}, the policy's pace allows at most {most} of everything"
        yield warn(("cadence",), "over-pace", message, f"Write `cadence: {most}`, or raise `most` in the policy.")
    if pace.floor is not None and own < pace.floor.count / DAYS_OF[pace.floor.per]:
        message = f"the cadence of {cadence} is rarer than the policy's floor of {pace.floor}"
        yield warn(("cadence",), "floor", message, f"Write `cadence: {pace.floor}`, or lower `floor` in the policy.")

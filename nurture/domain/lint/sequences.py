"""A sequence as a whole: can every offer be earned, do its promises agree, does its cycle keep the cadence, will every window open?"""

from collections.abc import Iterator

from nurture.domain.documents import Policy, Sequence
from nurture.domain.letters import Letter
from nurture.domain.lint.findings import Finding, warn, wrong
from nurture.domain.mixes import Ratio, Thirds
from nurture.domain.pacing import DAYS_OF
from nurture.domain.scalars import Delay
from nurture.domain.windows import hours_of
from nurture.domain.words import Kind

_MIXED = (Kind.USEFUL, Kind.NEWS, Kind.ABOUT, Kind.SALES)
_SEARCH_WEEKS = 60


def lint_sequence(sequence: Sequence, policy: Policy) -> list[Finding]:
    """Findings about the sequence itself; its letters are looked at one by one elsewhere."""
    alone = [*_promises(sequence), *_earned(sequence), *_inhale(sequence), *_greetings(sequence)]
    return [*alone, *_cycle(sequence, policy), *_pace(sequence, policy)]


def _promises(sequence: Sequence) -> Iterator[Finding]:
    thirds = [p for p in sequence.promises if isinstance(p, Thirds)]
    ratios = [p for p in sequence.promises if isinstance(p, Ratio)]
    if len({frozenset(frozenset(g) for g in t.groups) for t in thirds}) > 1:
        message = "two different thirds exclude each other: both would choose the next letter"
        yield wrong(("mix",), "contradicting-promises", message, "Keep one of them.")
    if len(ratios) > 1:
        strictest = max(ratios, key=lambda r: r.useful)
        yield warn(("mix",), "redundant-promise", f"{strictest} already keeps the other ratio", f"Write `mix: {strictest}` alone.")
    for ratio in ratios:
        selling = [t for t in thirds if any(Kind.SALES in g for g in t.groups)]
        if selling and ratio.useful > 2:
            message = f"thirds wants every third letter to sell, {ratio} allows every {ratio.useful + 1}th at most"
            yield warn(
                ("mix",), "contradicting-promises", message, "The stricter holds, so the thirds will not come out; keep one of them."
            )


def _earned(sequence: Sequence) -> Iterator[Finding]:
    """Sales letters that this sequence's own useful letters never pay for."""
    letters = [x for x in sequence.letters if x.kind in _MIXED]
    useful = sum(1 for x in letters if x.kind is Kind.USEFUL)
    sales = [x for x in letters if x.kind is Kind.SALES]
    for ratio in (p for p in sequence.promises if isinstance(p, Ratio)):
        for number, letter in enumerate(sales, start=1):
            if number * ratio.useful > useful:
                yield _unearned(sequence, letter, number * ratio.useful - useful, str(ratio))
    if any(isinstance(p, Thirds) for p in sequence.promises):
        others = len(letters) - len(sales)
        for number, letter in enumerate(sales, start=1):
            if number * 2 > others:
                yield _unearned(sequence, letter, number * 2 - others, "thirds")


def _unearned(sequence: Sequence, letter: Letter, short: int, promise: str) -> Finding:
    path = ("letters", sequence.letters.index(letter))
    letters = "letter" if short == 1 else "letters"
    if sequence.repay == "wait":
        message = f"the offer {letter.id} is never reached: {promise} wants {short} more useful {letters} than the sequence has"
        return warn(path, "unearned-sales", message, f"Add {short} useful {letters}, or write `repay: library` and fill the library.")
    message = f"the offer {letter.id} is not earned here: {promise} wants {short} more useful {letters}"
    return warn(
        path, "unearned-sales", message, f"Add {short} useful {letters}; otherwise the library has to give them before this offer leaves."
    )


def _inhale(sequence: Sequence) -> Iterator[Finding]:
    ratio = next((p for p in sequence.promises if isinstance(p, Ratio)), None)
    useful = [x for x in sequence.letters if x.kind is Kind.USEFUL]
    if ratio and len(useful) >= ratio.useful and not any(x.kind is Kind.SALES for x in sequence.letters):
        message = f"you only inhale: {len(useful)} useful letters and no offer, though {ratio} makes one due after {ratio.useful}"
        yield warn(("letters",), "only-inhaling", message, "Add a sales letter that leans on what was given, or leave `mix` out.")


def _greetings(sequence: Sequence) -> Iterator[Finding]:
    for index, letter in enumerate(sequence.letters):
        if letter.kind is Kind.GREETING and letter.day is None:
            yield warn(
                ("letters", index), "greeting-without-day", f"the greeting {letter.id} has no day", "Add `day: birthday` or `day: 12-31`."
            )
        if letter.day == "02-29":
            yield warn(("letters", index, "day"), "leap-day", "02-29 comes in leap years only", "Write 02-28 or 03-01.")
        if letter.window == "now" and index > 0 and letter.after != Delay():
            message = "`now` lasts an hour after a person's own act; later it is the same as `any`"
            yield warn(("letters", index, "window"), "now-too-late", message, "Write `window: any`, or `after: 0s` beside it.")


def open_days(sequence: Sequence, letter: Letter, policy: Policy) -> frozenset[int]:
    """Weekdays (Monday 0) on which a letter of this sequence may leave."""
    return frozenset(day.number for span in hours_of(letter, sequence.windows, policy).spans for day in span.days)


def walk(sequence: Sequence, policy: Policy) -> list[tuple[Letter, int]] | None:
    """(letter, day) of one way through the sequence, day 0 a Monday, for a person whom nothing else reaches; None when it never ends.

    In the order written, by windows, cadence or `after`, gap in whole days and cap; conditions are taken for true.
    """
    if sequence.cadence is None:
        return None
    way: list[tuple[Letter, int]] = []
    day = -1
    for letter in (x for x in sequence.letters if x.kind in _MIXED and x.about is None):
        days = open_days(sequence, letter, policy)
        earliest = day + 1 if way else 0
        if letter.after is not None:
            earliest = max(earliest, (day if way else 0) + letter.after.dates + letter.after.elapsed.days)
        found = next(
            (d for d in range(earliest, earliest + 7 * _SEARCH_WEEKS) if d % 7 in days and _room(way, d, sequence, policy, letter)), None
        )
        if found is None:
            return None
        way.append((letter, found))
        day = found
    return way


def _room(way: list[tuple[Letter, int]], day: int, sequence: Sequence, policy: Policy, letter: Letter) -> bool:
    if sum(1 for _, d in way if d > day - 7) >= policy.cap:
        return False
    if sequence.cadence is None or letter.after is not None:
        return True
    length = DAYS_OF[sequence.cadence.per]
    return sum(1 for _, d in way if d // length == day // length) < sequence.cadence.count


def _cycle(sequence: Sequence, policy: Policy) -> Iterator[Finding]:
    for index, letter in enumerate(sequence.letters):
        if letter.kind in _MIXED and not open_days(sequence, letter, policy):
            yield wrong(
                ("letters", index),
                "never-opens",
                f"no window ever opens for {letter.id}",
                "Quiet hours cover the whole day; write a `window` out.",
            )
    cadence, way = sequence.cadence, walk(sequence, policy)
    if cadence is None or not way:
        return
    if cadence.per == "week" and cadence.count > policy.cap:
        message = f"the cadence wants {cadence}, the workspace's cap allows {policy.cap} on seven days"
        yield warn(("cadence",), "floor", message, f"Write `cadence: {policy.cap} per week`, or raise `cap` in the policy.")
        return
    length = DAYS_OF[cadence.per]
    last = way[-1][1] // length
    thin = [n for n in range(last) if sum(1 for _, d in way if d // length == n) < cadence.count]
    if thin:
        days = (last + 1) * length
        narrow = _narrow(sequence, way, policy)
        message = f"the cycle takes {days} days: {narrow}, so {cadence.per} {thin[0] + 1} carries less than {cadence}"
        yield warn(
            ("cadence",),
            "cycle-length",
            message,
            "Alternate short and long letters (short, long, short, sales keeps two a week), or lower the cadence.",
        )


_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _narrow(sequence: Sequence, way: list[tuple[Letter, int]], policy: Policy) -> str:
    """The letters that crowd one window, in words."""
    by_days: dict[frozenset[int], int] = {}
    for letter, _ in way:
        days = open_days(sequence, letter, policy)
        by_days[days] = by_days.get(days, 0) + 1
    days, count = max(by_days.items(), key=lambda item: item[1] / len(item[0]))
    names = " or ".join(_DAY_NAMES[d] for d in sorted(days))
    return f"{count} letter{'s' if count > 1 else ''} can leave only on {names}" if len(days) < 7 else f"{count} letters in this order"


def _pace(sequence: Sequence, policy: Policy) -> Iterator[Finding]:
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

"""The weekly digest to the marketer: what it says. All figures come in; the words and their order are made here."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from nurture.domain.reports import Report
from nurture.domain.shares import wilson
from nurture.domain.words import Engagement, Kind


@dataclass(frozen=True, slots=True)
class Hot:
    """Who turned hot. `did`: why, in the words of the move."""

    subscriber_id: int
    name: str
    email: str
    did: str


@dataclass(frozen=True, slots=True)
class Best:
    """A letter of the last two weeks: how many got it, and how many of these answered by their own hand."""

    title: str
    accepted: int
    answered: int


@dataclass(frozen=True, slots=True)
class Seen:
    """All that a digest is made from. `ahead`: letters by date of the next 14 days, `reached`: people with any letter there; None where
    nobody looked. `hot_people` counts all, `hot` names the first; `proposals`: the first of them as
    sentences, `proposed`: how many are open; `folders`: by campaign, for which date its folder holds no letter.
    """

    report: Report
    hot: Sequence[Hot] = ()
    hot_people: int = 0
    best: Sequence[Best] = ()
    ahead: Mapping[date, Mapping[Kind, int]] | None = None
    reached: int = 0
    dry: str | None = None
    offers_due: int = 0
    tasks: int = 0
    replies: int = 0
    proposals: Sequence[str] = ()
    proposed: int = 0
    troubles: Sequence[str] = ()
    folders: Mapping[str, str] = field(default_factory=dict)


KINDS = {Kind.USEFUL: "Useful", Kind.NEWS: "News", Kind.ABOUT: "About us", Kind.SALES: "Offers"}
CLASSES = {
    Engagement.FAN: "Fans", Engagement.ACTIVE: "Active", Engagement.PASSIVE: "Passive", Engagement.NEW: "New",
    Engagement.UNOBSERVABLE: "Cannot tell",
}  # fmt: skip
AHEAD = timedelta(days=14)


def best_of(letters: Iterable[Best], most: int = 3) -> list[Best]:
    """The letters that surely did best: by the lower end of what their share of answers may be, so that 1 of 1 does not win."""
    answered = [b for b in letters if b.answered and b.accepted]
    return sorted(answered, key=lambda b: (-wilson(b.answered, b.accepted)[0], b.title))[:most]


def empty_days(ahead: Mapping[date, Mapping[Kind, int]], first: date) -> list[date]:
    """Weekdays of the next two weeks on which nothing is planned for anybody."""
    days = [first + timedelta(days=n) for n in range(AHEAD.days)]
    return [day for day in days if day.weekday() < 5 and not sum(ahead.get(day, {}).values())]


def write_digest(seen: Seen, now: datetime, zone: ZoneInfo, base_url: str) -> dict[str, Any]:
    """What the letter's template sees: sentences and small tables, in the order in which they are to be read."""
    today = now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    base, todo = base_url.rstrip("/"), _todo(seen, today)
    return {
        "week": _week(monday), "url": base, "lead": _lead(seen, monday),
        "todo": [{"text": text, "url": base + path} for text, path in todo],
        "classes": _classes(seen.report, monday), "mix": _mix(seen, monday, today), "promise": seen.report.mix.workspace.promise or "",
        "best": [{"title": b.title, "line": _did(b)} for b in seen.best],
        "hot": [{"name": h.name or h.email, "url": f"{base}/people/{h.subscriber_id}", "did": h.did} for h in seen.hot],
        "more_hot": max(0, seen.hot_people - len(seen.hot)), "proposals": list(seen.proposals), "hygiene_url": f"{base}/hygiene",
        "subject": _subject(seen, monday), "preheader": todo[0][0] if todo else "Nothing waits for you.",
    }  # fmt: skip


def _did(letter: Best) -> str:
    return f"{letter.answered:,} of {letter.accepted:,} clicked or answered ({letter.answered / letter.accepted:.0%})"


def _week(monday: date) -> str:
    first, last = monday - timedelta(days=7), monday - timedelta(days=1)
    begin = f"{first.day}" if first.month == last.month else f"{first.day} {first:%B}"
    return f"{begin} to {last.day} {last:%B %Y}"


def _subject(seen: Seen, monday: date) -> str:
    told = []
    if seen.troubles:
        told.append("something keeps letters back")
    if seen.hot_people:
        told.append(f"{seen.hot_people:,} turned hot")
    if seen.replies:
        told.append(f"{seen.replies:,} {_plural(seen.replies, 'reply waits', 'replies wait')}")
    return f"Your letters, {_week(monday)}" + (f": {', '.join(told[:2])}" if told else "")


def _lead(seen: Seen, monday: date) -> str:
    people, before = seen.report.composition.people, _then(seen.report, monday)
    said = f"{people:,} {_plural(people, 'person gets', 'people get')} your letters"
    if before:
        change = people - sum(before.values())
        said += f", {abs(change):,} {'more' if change > 0 else 'fewer'} than a week ago" if change else ", as many as a week ago"
    sent = seen.report.letters.get("days_7", 0)
    return f"{said}. {sent:,} {_plural(sent, 'letter', 'letters')} left in the last seven days."


def _then(report: Report, monday: date) -> Mapping[Engagement, int]:
    """The composition that the weekly run of a week ago wrote; empty where there was none."""
    year, week, _ = (monday - timedelta(days=7)).isocalendar()
    return next((w.people for w in report.composition.weeks if w.week == f"{year}-W{week:02}"), {})


def _classes(report: Report, monday: date) -> list[dict[str, str]]:
    now, before = report.composition.now, _then(report, monday)
    return [
        {"name": name, "people": f"{now.get(e, 0):,}", "change": _change(now.get(e, 0), before.get(e, 0)) if before else ""}
        for e, name in CLASSES.items()
    ]


def _change(now: int, before: int) -> str:
    return f"{now - before:+,}" if now != before else "="


def _mix(seen: Seen, monday: date, today: date) -> list[dict[str, str]]:
    """By kind: what left in the week that is over, and what the next seven days hold."""
    left = next((counts for week, counts in seen.report.weekly if week == monday - timedelta(days=7)), {})
    coming: Counter[str] = Counter()
    for day, counts in (seen.ahead or {}).items():
        if today <= day < today + timedelta(days=7):
            coming.update({kind.value: n for kind, n in counts.items()})
    return [{"name": name, "left": f"{left.get(k.value, 0):,}", "coming": f"{coming[k.value]:,}"} for k, name in KINDS.items()]


def _todo(seen: Seen, today: date) -> list[tuple[str, str]]:
    """(what to do, where), the most pressing first."""
    told = [(f"Letters are kept back - {words}", "/") for words in seen.troubles[:2]]
    if seen.replies:
        told.append((f"Answer {seen.replies:,} {_plural(seen.replies, 'reply', 'replies')} on the desk", "/replies"))
    if seen.hot_people:
        told.append((f"Speak to the {seen.hot_people:,} who turned hot; they want to buy now", "/people"))
    if seen.tasks:
        told.append((f"{seen.tasks:,} {_plural(seen.tasks, 'task is', 'tasks are')} open", "/"))
    if seen.offers_due:
        told.append((f"Write an offer: one is due to {seen.offers_due:,}, and none is planned. You only inhale", "/pace"))
    if seen.dry:
        told.append((f"Write a useful letter for the library: {seen.dry}", "/pace"))
    told += [(f"Thin days ahead for {campaign}: {words}", f"/campaigns/{campaign}") for campaign, words in seen.folders.items()]
    if seen.ahead is not None and seen.report.composition.people:
        told += _thin(seen, seen.ahead, today)
    if seen.proposed:
        told.append((f"Decide about {seen.proposed:,} {_plural(seen.proposed, 'proposal', 'proposals')} of the hygiene", "/hygiene"))
    return told


def _thin(seen: Seen, ahead: Mapping[date, Mapping[Kind, int]], today: date) -> list[tuple[str, str]]:
    silent, empty = seen.report.composition.people - seen.reached, empty_days(ahead, today)
    told = []
    if silent > 0:
        told.append((f"Plan letters: {silent:,} {_plural(silent, 'person hears', 'people hear')} nothing in the next two weeks", "/ahead"))
    elif empty:
        days = ", ".join(f"{day:%a} {day.day}" for day in empty[:4]) + (" and more" if len(empty) > 4 else "")
        told.append((f"Thin days ahead: nothing leaves on {days}", "/ahead"))
    return told


def _plural(number: int, one: str, many: str) -> str:
    return one if number == 1 else many

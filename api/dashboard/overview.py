"""What the overview shows, made from a report: charts and the sentences beside them. A report is kept for some seconds, so that a busy
page asks the database once."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from api.dashboard import words
from nurture.domain.heat import HeatMap
from nurture.domain.reports import Delivered, Report
from nurture.domain.shares import USUAL, verdict
from nurture.domain.words import Engagement, ZoneSource
from nurture.render import charts
from nurture.render.charts import Part, Series
from nurture.services.reporting import report

if TYPE_CHECKING:
    from nurture.bootstrap import App

T = TypeVar("T")
FRESH = timedelta(seconds=15)
RESTS = 20  # a report that took three seconds is kept for a minute: reporting takes a twentieth of one core at most
AUDITED, TIMED = 2_000, 50_000
PANEL, PAGE, NARROW = 620, 1010, 350
LAYERS = (Engagement.FAN, Engagement.ACTIVE, Engagement.PASSIVE, Engagement.NEW, Engagement.UNOBSERVABLE)
KINDS = ("useful", "news", "about", "sales", "greeting", "service")


@dataclass(slots=True)
class Latest(Generic[T]):
    """The newest report of this process, by what `ask` gives; asked again when it is old, which it is after `least` at the soonest. Many
    visitors at once cause one question.
    """

    ask: Callable[["App", datetime], Awaitable[T]]
    least: timedelta = FRESH
    found: tuple[datetime, T] | None = None
    keep: timedelta = FRESH
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def get(self, app: "App") -> T:
        async with self.lock:
            now = app.clock()
            if self.found is None or not timedelta(0) <= now - self.found[0] < self.keep:
                began = time.perf_counter()
                self.found = now, await self.ask(app, now)
                self.keep = max(self.least, RESTS * timedelta(seconds=time.perf_counter() - began))
            return self.found[1]

    def forget(self) -> None:
        """What was found holds no longer: the next visitor asks anew."""
        self.found = None


async def newest(app: "App", now: datetime) -> Report:
    """The report as pages show it: a part of the letters is looked at one by one."""
    return await report(app.db, now, AUDITED, TIMED)


@dataclass(frozen=True, slots=True)
class Chart:
    """The same chart twice: for a desk and for a phone, where text must not shrink with the picture. `names`: the colours in it."""

    wide: str
    narrow: str
    names: tuple[str, ...]


def draw_twice(draw: Callable[..., str], labels: Sequence[str], series: Sequence[Series], title: str, width: int, height: int) -> Chart:
    """`width` is that of the place on a desk, so that letters in the picture are as large as those beside it."""
    wide = draw(labels, series, title=title, width=width, height=height)
    narrow = draw(labels, series, title=title, width=NARROW, height=210)
    return Chart(wide, narrow, tuple(dict.fromkeys(s.name for s in series if any(s.values))))


def composition_chart(found: Report) -> Chart | None:
    """People by class, week by week, up to today."""
    weeks = [(words.week_start(w.week), w) for w in found.composition.weeks]
    labels = [words.short_day(start) if start else w.week for start, w in weeks] + ["now"]
    people = [w.people for _, w in weeks] + [found.composition.now]
    if not found.composition.people and not weeks:
        return None
    series = [Series(e.value, words.ENGAGEMENT[e][0], [p.get(e, 0) for p in people]) for e in LAYERS]
    title = f"People in your list by class over {len(weeks)} weeks, {found.composition.people} now"
    return draw_twice(charts.stacked_area, labels, series, title, PANEL, 300)


def shares_chart(found: Report) -> Chart | None:
    """Active people and fans in percent of those judged, week by week; None before there are three weeks to tell of."""
    weeks = [(w.week, w.people) for w in found.composition.weeks] + [("now", found.composition.now)]
    judged = [(label, p, sum(p.get(e, 0) for e in USUAL)) for label, p in weeks]
    judged = [(label, p, total) for label, p, total in judged if total * 5 >= sum(p.values()) > 0]  # a handful says nothing
    if len(judged) < 4:
        return None
    starts = [(label, words.week_start(label)) for label, _, _ in judged]
    labels = [words.short_day(start) if start else label for label, start in starts]
    names = (Engagement.ACTIVE, Engagement.FAN)
    series = [Series(e.value, words.ENGAGEMENT[e][0], [100 * p.get(e, 0) / total for _, p, total in judged]) for e in names]
    title = "Active people and fans, in percent of those judged, week by week"
    return draw_twice(charts.lines, labels, series, title, PANEL, 170)


def weekly_chart(found: Report) -> Chart | None:
    """Letters delivered in each calendar week, by kind."""
    if not found.weekly:
        return None
    labels = [words.short_day(week) for week, _ in found.weekly]
    series = [Series(k, words.KINDS[k][0], [c.get(k, 0) for _, c in found.weekly]) for k in KINDS]
    series = [s for s in series if any(s.values)]
    title = "Letters delivered each week, by kind"
    return draw_twice(charts.stacked_bars, labels, series, title, PAGE, 240)


def coming_chart(found: Report) -> Chart | None:
    """The next letter of each person, by day; those not yet written into the ledger are drawn lighter."""
    days = found.coming.days
    if not any(d.planned or d.expected for d in days):
        return None
    series = []
    for kind in KINDS:
        for faint in (False, True):
            values = [(d.expected if faint else d.planned).get(kind, 0) for d in days]
            if any(values):
                series.append(Series(kind, words.KINDS[kind][0] + (" expected" if faint else ""), values, faint))
    title = "Letters coming in the next 14 days, by the reader's own date"
    labels = [f"{d.day:%a} {d.day.day}" for d in days]
    return draw_twice(charts.stacked_bars, labels, series, title, PAGE, 220)


def benchmark_rows(found: Report) -> list[dict[str, Any]]:
    """passive, active, fans: a bar each, with a mark where it usually ends, and a sentence."""
    rows = []
    for line in found.benchmark:
        name, meaning = words.ENGAGEMENT[line.engagement]
        sure = (line.low, line.high) if line.people else None
        title = f"{name}: {line.share:.1%}, surely between {line.low:.1%} and {line.high:.1%}, usual {line.usual:.0%}"
        rows.append({
            "name": line.engagement.value, "label": name, "meaning": meaning,
            "people": line.people, "share": line.share, "usual": line.usual,
            "chart": charts.against_usual(line.engagement.value, line.share, line.usual, sure, title=title),
        })  # fmt: skip
    return rows


def mix_row(line: Delivered) -> dict[str, Any]:
    """One line of the mix: promise, bar and counts of the last 90 days; a shorter stretch would cut cycles in two and look unkept."""
    counts = line.days_90
    parts = [Part(k, words.KINDS[k][0], n) for k, n in counts.items() if n]
    total = sum(counts.values())
    return {
        "title": line.title, "promise": line.promise, "means": promise_words(line.promise), "total": total, "parts": parts,
        "sign": promise_sign(line.promise), "campaign": line.lane.startswith("campaign:"),
        "chart": charts.share_bar(parts, title=f"{line.title}: " + (", ".join(f"{p.label} {p.value}" for p in parts) or "no letters")),
    }  # fmt: skip


def promise_words(promise: str | None) -> str:
    """What a mix promises, in words."""
    if not promise:
        return "promises nothing of its own; your workspace's promise holds"
    if promise.startswith("thirds"):
        return "a third each of " + promise.removeprefix("thirds ").replace("+", " and ").replace(" / ", ", ")
    if promise == "none":
        return "no promise"
    first = promise.split(",")[0].strip()
    count = first.partition(":")[0]
    return f"at least {count} useful letters before each offer" if count.isdigit() else promise


def promise_sign(promise: str | None) -> str:
    """The promise as a mark: `3 : 1`, `thirds`."""
    if not promise or promise == "none":
        return ""
    return "thirds" if promise.startswith("thirds") else promise.split(",")[0].replace(":", " : ")


def hour_rows(found: Report) -> list[dict[str, Any]]:
    """For each kind: the hours of the reader's clock at which letters left, and how many inside their window."""
    rows = []
    for kind, kept in found.windows.kinds.items():
        counts = found.windows.hours[kind]
        title = f"{words.KINDS[kind][0]}: letters by the hour of the reader's clock"
        rows.append({
            "name": kind, "label": words.KINDS[kind][0], "letters": kept.letters, "inside": kept.inside, "share": kept.share,
            "chart": charts.hour_strip(kind, counts, title=title),
        })  # fmt: skip
    return rows


def heat_chart(found: HeatMap, what: str) -> Chart | None:
    """When people act, weekday by hour of their own clock; None before anybody did."""
    busiest = found.busiest()
    if busiest is None:
        return None
    rows = [(day[:3], counts) for day, counts in zip(words.WEEKDAYS, found.acts, strict=True)]
    told = [[_heat_words(found, day, hour) for hour in range(24)] for day in range(7)]
    title = f"{what}: {charts.number(found.total)} acts by weekday and hour; most on {_hour_words(*busiest)}"
    return Chart(charts.heat_map(rows, told, title=title, width=PAGE), charts.heat_map(rows, told, title=title, width=NARROW), ())


def _hour_words(day: int, hour: int) -> str:
    return f"{words.WEEKDAYS[day]}, {hour}:00 to {hour + 1}:00"


def _heat_words(found: HeatMap, day: int, hour: int) -> str:
    """`Tuesday, 10:00 to 11:00: 34 acts; 210 letters came, 12% answered within three days`."""
    letters, rate = found.letters[day][hour], found.rate(day, hour)
    came = "" if rate is None else f"; {charts.number(letters)} letters came, {rate:.0%} answered within three days"
    return f"{_hour_words(day, hour)}: {charts.number(found.acts[day][hour])} acts{came}"


def heat_rows(found: Report) -> list[dict[str, Any]]:
    """A map for each sequence, where there is more than one."""
    titles = {line.lane: line.title for line in found.mix.lanes}
    lanes = found.hours.lanes if len(found.hours.lanes) > 1 else {}
    return [
        {"title": titles.get(lane, lane.partition(":")[2]), "chart": heat_chart(kept, titles.get(lane, lane)), "total": kept.total}
        for lane, kept in lanes.items()
    ]


def heat_table(found: HeatMap) -> list[tuple[str, str]]:
    """The map in words, for those who do not see it: each weekday with its strongest hours."""
    table = []
    for day, counts in zip(words.WEEKDAYS, found.acts, strict=True):
        best = sorted((h for h in range(24) if counts[h]), key=lambda h: (-counts[h], h))[:3]
        table.append((day, ", ".join(f"{h}:00 ({charts.number(counts[h])})" for h in best) or "nothing"))
    return table


def zone_parts(found: Report) -> list[Part]:
    return [Part(f"zone-{z.value}", words.ZONES[z.value], found.windows.zones[z]) for z in ZoneSource if found.windows.zones.get(z)]


def unsure_share(parts: Sequence[Part]) -> float:
    total = sum(p.value for p in parts)
    return sum(p.value for p in parts if p.name in ("zone-guessed", "zone-default")) / total if total else 0.0


def inside_share(found: Report) -> float | None:
    """Of all letters with hours of their own, the share handed over inside them."""
    letters = sum(p.letters for p in found.windows.kinds.values())
    return sum(p.inside for p in found.windows.kinds.values()) / letters if letters else None


def context(found: Report, zone: str, now: datetime) -> dict[str, Any]:
    """All that the overview's template needs."""
    people, zones = found.composition.people, zone_parts(found)
    passive = found.composition.now.get(Engagement.PASSIVE)
    sure = 1 - unsure_share(zones)
    return {
        "report": found, "people": people, "zone": zone, "now": now,
        "composition": composition_chart(found),
        "benchmark": benchmark_rows(found), "verdict": verdict(found.benchmark), "shares": shares_chart(found),
        "weekly": weekly_chart(found), "coming": coming_chart(found),
        "total_coming": sum(sum(d.planned.values()) + sum(d.expected.values()) for d in found.coming.days),
        "mixes": [mix_row(line) for line in found.mix.lanes if any(line.days_90.values()) or line.promise],
        "everything": mix_row(found.mix.workspace),
        "hours": hour_rows(found), "inside": inside_share(found),
        "timed": sum(p.letters for p in found.windows.kinds.values()), "timed_most": TIMED,
        "heat": heat_chart(found.hours.map, "When people act"), "heats": heat_rows(found), "heat_table": heat_table(found.hours.map),
        "zones": zones, "zone_chart": charts.donut(zones, title="Where time zones come from", middle=f"{sure:.0%}"), "unsure": 1 - sure,
        "answering": found.letters.get("answering_28", 0) / people if people else None,
        "ripening": found.composition.ripening / passive if passive else None,
    }  # fmt: skip

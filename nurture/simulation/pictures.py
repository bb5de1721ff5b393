"""A simulation as pictures: small SVG files that stand by themselves, drawn like those of the dashboard, with a heading and a legend."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from html import escape
from pathlib import Path

from nurture.domain.words import Engagement, Kind
from nurture.render import charts
from nurture.render.charts import COLOURS, Series
from nurture.simulation.world import Simulated

LAYERS = (Engagement.UNOBSERVABLE, Engagement.NEW, Engagement.PASSIVE, Engagement.ACTIVE, Engagement.FAN)
WIDTH, HEIGHT, HEAD = 720, 260, 52
_HOUR = timedelta(hours=1)


def draw(simulated: Simulated) -> dict[str, str]:
    """SVG by file name: people by class over the weeks, letters in each hour of the time, letters by the hour on the reader's clock."""
    return {"composition.svg": _composition(simulated), "load.svg": _load(simulated), "hours.svg": _hours(simulated)}


def draw_into(folder: Path, simulated: Simulated) -> list[Path]:
    """Write the pictures, the folder too if need be; returns the files. Raises OSError where that cannot be."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, svg in draw(simulated).items():
        (folder / name).write_text(svg, encoding="utf-8")
        written.append(folder / name)
    return written


def _composition(simulated: Simulated) -> str:
    weeks = simulated.composition
    sundays = [simulated.start + timedelta(weeks=n + 1, days=-1) for n in range(len(weeks))]
    series = [Series(e.value, e.value.title(), [w[e.value] for w in weeks]) for e in LAYERS]
    series = [s for s in series if any(s.values)]
    title = f"People by class at the end of each week, {simulated.count} at first"
    return _framed(charts.stacked_area([_date(day) for day in sundays], series, title=title, width=WIDTH, height=HEIGHT), title, series)


def _load(simulated: Simulated) -> str:
    """Every hour from the first to the last that had letters, the empty ones too."""
    letters = {datetime.fromisoformat(row["hour"]): row["letters"] for row in simulated.load}
    first, last = min(letters, default=simulated.start), max(letters, default=simulated.start)
    hours = [first + n * _HOUR for n in range((last - first) // _HOUR + 1)]
    line = Series("useful", "Letters", [letters.get(h, 0) for h in hours])
    title = f"Letters accepted in each hour (UTC), {max(line.values):,.0f} at most"
    labels = [_date(h) for h in hours[:-1]] + [""]  # the last one would stand on the one before it
    return _framed(charts.lines(labels, [line], title=title, width=WIDTH, height=HEIGHT), title, [])


def _hours(simulated: Simulated) -> str:
    counts = Counter((datetime.fromisoformat(d["local"]).hour, d["kind"]) for d in simulated.deliveries)
    kinds = [k for k in Kind if any(kind == k.value for _, kind in counts)]
    series = [Series(k.value, k.value.title(), [counts[h, k.value] for h in range(24)]) for k in kinds]
    title = "Letters by the hour on the reader's clock"
    return _framed(charts.stacked_bars([str(h) for h in range(24)], series, title=title, width=WIDTH, height=HEIGHT), title, series)


def _date(day: datetime) -> str:
    return f"{day.day} {day:%b}"


def _framed(chart: str, title: str, series: Sequence[Series]) -> str:
    """The chart under its heading and the names of its colours, on white."""
    legend, x = [], 38
    for layer in series:
        legend.append(f'<rect x="{x}" y="30" width="10" height="10" fill="{COLOURS[layer.name]}"/>')
        legend.append(f'<text x="{x + 15}" y="39" font-size="12">{escape(layer.label)}</text>')
        x += 30 + 7 * len(layer.label)
    inner = chart.replace("<svg ", f'<svg y="{HEAD}" width="{WIDTH}" height="{HEIGHT}" ', 1)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT + HEAD}" width="{WIDTH}" height="{HEIGHT + HEAD}" '
        f'font-family="sans-serif" fill="#333"><rect width="100%" height="100%" fill="#fff"/>'
        f'<text x="38" y="20" font-size="15">{escape(title)}</text>{"".join(legend)}{inner}</svg>\n'
    )

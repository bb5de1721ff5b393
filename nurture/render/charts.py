"""Charts as SVG text: pure functions, data in, markup out. No script, no style attribute, no outside resource.

Colours come from the page's style sheet by class (`c-passive`); the `fill` written beside it is what a reader without the sheet sees.
Every chart says what it shows in its `<title>` and in the label that a screen reader speaks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from math import cos, log10, pi, sin

COLOURS = {
    "passive": "#cfc8b8", "active": "#6fae94", "fan": "#1f6b57", "new": "#9fc0d6", "unobservable": "#b9b6c4",
    "useful": "#4f9a80", "news": "#6f9fc8", "about": "#d9b45b", "sales": "#d97b5f", "greeting": "#a58bc0", "service": "#a8a8a0",
}  # fmt: skip
_FALLBACK = "#9aa5a0"
_LEFT, _RIGHT, _TOP, _BOTTOM = 38, 8, 10, 24


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of a chart. `name` picks the colour, `values` has one number for each label; `faint` draws it as a mere expectation."""

    name: str
    label: str
    values: Sequence[float]
    faint: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One slice of a whole."""

    name: str
    label: str
    value: float


def number(value: float) -> str:
    """`1,234`; one decimal where the value has one."""
    return f"{value:,.0f}" if abs(value - round(value)) < 0.05 else f"{value:,.1f}"


def brief(value: float) -> str:
    """A number for a narrow place: `9,999`, `12k`, `1.2M`."""
    return number(value) if value < 10_000 else f"{value / 1000:.0f}k" if value < 999_500 else f"{value / 1_000_000:.1f}M"


def _n(value: float) -> str:
    """A coordinate: one decimal at most."""
    return f"{value:.1f}".removesuffix(".0")


def _paint(name: str, faint: bool = False) -> str:
    safe = "".join(c if c.isalnum() or c in "-_" else "-" for c in name)
    return f'class="c-{safe}{" faint" if faint else ""}" fill="{COLOURS.get(name, _FALLBACK)}"'


def _svg(width: float, height: float, title: str, body: str, kind: str, stretch: bool = False) -> str:
    ratio = ' preserveAspectRatio="none"' if stretch else ""
    return (
        f'<svg class="chart {kind}" viewBox="0 0 {_n(width)} {_n(height)}" role="img" aria-label="{escape(title)}"{ratio} '
        f'xmlns="http://www.w3.org/2000/svg"><title>{escape(title)}</title>{body}</svg>'
    )


def ceiling(value: float) -> float:
    """The round number at or over `value` at which an axis ends: 1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8 and their tens; never under 4."""
    if value <= 4:
        return 4
    ten = 10.0 ** int(log10(value))
    return next(step * ten for step in (1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10) if step * ten >= value)


def _axes(labels: Sequence[str], places: Sequence[float], top: float, width: float, height: float) -> str:
    """Four quiet lines with numbers, and as many labels below as fit."""
    low, high = height - _BOTTOM, _TOP
    out = []
    for part in range(5):
        y = low - (low - high) * part / 4
        out.append(f'<line class="grid" x1="{_LEFT}" x2="{_n(width - _RIGHT)}" y1="{_n(y)}" y2="{_n(y)}" stroke="#8884" stroke-width="1"/>')
        if part % 2 == 0:
            out.append(
                f'<text class="axis" x="{_LEFT - 6}" y="{_n(y + 4)}" text-anchor="end" font-size="11">{number(top * part / 4)}</text>'
            )
    longest = max((len(x) for x in labels), default=1)
    every = max(1, -(-len(labels) * int(longest * 6.6 + 14) // max(1, int(width - _LEFT - _RIGHT))))
    for place, (label, x) in enumerate(zip(labels, places, strict=True)):
        if (len(labels) - 1 - place) % every == 0:
            anchor = "end" if x > width - 30 else "middle"
            out.append(f'<text class="axis" x="{_n(x)}" y="{_n(height - 7)}" text-anchor="{anchor}" font-size="11">{escape(label)}</text>')
    return "".join(out)


def stacked_area(labels: Sequence[str], series: Sequence[Series], *, title: str, width: float = 720, height: float = 260) -> str:
    """Layers over time, the first at the bottom. With a single label the layers become bars."""
    if len(labels) < 2:
        return stacked_bars(labels, series, title=title, width=width, height=height)
    totals = [sum(s.values[i] for s in series) for i in range(len(labels))]
    top, low, high = ceiling(max(totals)), height - _BOTTOM, _TOP
    places = [_LEFT + (width - _LEFT - _RIGHT) * i / (len(labels) - 1) for i in range(len(labels))]

    def y(value: float) -> str:
        return _n(low - (low - high) * value / top)

    body, floor = [_axes(labels, places, top, width, height)], [0.0] * len(labels)
    for layer in series:
        roof = [f + v for f, v in zip(floor, layer.values, strict=True)]
        over = " ".join(f"{_n(x)},{y(v)}" for x, v in zip(places, roof, strict=True))
        under = " ".join(f"{_n(x)},{y(v)}" for x, v in reversed(list(zip(places, floor, strict=True))))
        told = f"{layer.label}: {number(layer.values[0])} then, {number(layer.values[-1])} now"
        body.append(f'<polygon {_paint(layer.name)} points="{over} {under}"><title>{escape(told)}</title></polygon>')
        floor = roof
    step = (width - _LEFT - _RIGHT) / (len(labels) - 1)
    for i, (label, x) in enumerate(zip(labels, places, strict=True)):  # a whole column answers the pointer
        told = f"{label}: " + ", ".join(f"{s.label.lower()} {number(s.values[i])}" for s in reversed(series) if s.values[i])
        body.append(
            f'<rect class="hit" x="{_n(x - step / 2)}" y="{_n(high)}" width="{_n(step)}" height="{_n(low - high)}" fill="transparent">'
            f"<title>{escape(told)}</title></rect>"
        )
    return _svg(width, height, title, "".join(body), "area")


def stacked_bars(labels: Sequence[str], series: Sequence[Series], *, title: str, width: float = 720, height: float = 220) -> str:
    """One column for each label, the first series at the bottom."""
    totals = [sum(s.values[i] for s in series) for i in range(len(labels))]
    top, low, high = ceiling(max(totals, default=0)), height - _BOTTOM, _TOP
    step = (width - _LEFT - _RIGHT) / max(1, len(labels))
    bar = min(step * 0.62, 34)
    places = [_LEFT + step * (i + 0.5) for i in range(len(labels))]
    body = [_axes(labels, places, top, width, height)]
    for i, (label, x) in enumerate(zip(labels, places, strict=True)):
        floor, pieces = low, []
        for layer in series:
            tall = (low - high) * layer.values[i] / top
            if tall > 0:
                floor -= tall
                pieces.append(
                    f'<rect {_paint(layer.name, layer.faint)} x="{_n(x - bar / 2)}" y="{_n(floor)}" width="{_n(bar)}" height="{_n(tall)}"/>'
                )
        told = f"{label}: " + (", ".join(f"{s.label.lower()} {number(s.values[i])}" for s in series if s.values[i]) or "nothing")
        body.append(f"<g><title>{escape(told)}</title>{''.join(pieces)}</g>")
    return _svg(width, height, title, "".join(body), "bars")


def lines(labels: Sequence[str], series: Sequence[Series], *, title: str, width: float = 720, height: float = 200) -> str:
    """One line for each series; a single point is drawn as a dot."""
    top = ceiling(max((v for s in series for v in s.values), default=0))
    low, high = height - _BOTTOM, _TOP
    room = width - _LEFT - _RIGHT
    places = [_LEFT + (room * i / (len(labels) - 1) if len(labels) > 1 else room / 2) for i in range(len(labels))]
    body = [_axes(labels, places, top, width, height)]
    for line in series:
        points = [(x, low - (low - high) * v / top) for x, v in zip(places, line.values, strict=True)]
        colour, told = COLOURS.get(line.name, _FALLBACK), escape(f"{line.label}: {', '.join(number(v) for v in line.values)}")
        path = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
        body.append(
            f'<polyline class="l-{escape(line.name)}" fill="none" stroke="{colour}" stroke-width="2.5" points="{path}">'
            f"<title>{told}</title></polyline>"
        )
        if points:
            body.append(f'<circle {_paint(line.name)} cx="{_n(points[-1][0])}" cy="{_n(points[-1][1])}" r="3.5"/>')
    return _svg(width, height, title, "".join(body), "lines")


def banded(labels: Sequence[str], series: Sequence[Series], *, title: str, width: float = 720, height: float = 200) -> str:
    """A measured line in its confidence band, in percent: the line, the band's lower and upper edge, and dashed lines beside."""
    line, low_edge, high_edge, *beside = series
    top = ceiling(max((v for s in series for v in s.values), default=0))
    low, room = height - _BOTTOM, width - _LEFT - _RIGHT
    places = [_LEFT + room * i / max(1, len(labels) - 1) for i in range(len(labels))]

    def path(values: Sequence[float]) -> list[str]:
        return [f"{_n(x)},{_n(low - (low - _TOP) * v / top)}" for x, v in zip(places, values, strict=True)]

    edge = " ".join([*path(high_edge.values), *reversed(path(low_edge.values))])
    told = escape(f"{line.label}: surely inside this band")
    body = [_axes(labels, places, top, width, height)]
    body.append(f'<polygon {_paint(line.name)} fill-opacity="0.25" points="{edge}"><title>{told}</title></polygon>')
    for one, dashes in ((line, ""), *((b, ' stroke-dasharray="5 5"') for b in beside)):
        colour, said = COLOURS.get(one.name, _FALLBACK), escape(f"{one.label}: {', '.join(number(v) for v in one.values)}")
        body.append(
            f'<polyline class="l-{escape(one.name)}" fill="none" stroke="{colour}" stroke-width="2.5"{dashes} '
            f'points="{" ".join(path(one.values))}"><title>{said}</title></polyline>'
        )
    return _svg(width, height, title, "".join(body), "lines")


def share_bar(parts: Sequence[Part], *, title: str) -> str:
    """A whole and its parts as one horizontal bar without text; it stretches to its box."""
    total = sum(p.value for p in parts)
    body, x = ['<rect class="track" width="1000" height="10" fill="#8882"/>'], 0.0
    for part in parts:
        wide = 1000 * part.value / total if total else 0
        if wide:
            told = f"{part.label}: {number(part.value)} ({part.value / total:.0%})"
            body.append(f'<rect {_paint(part.name)} x="{_n(x)}" width="{_n(wide)}" height="10"><title>{escape(told)}</title></rect>')
        x += wide
    return _svg(1000, 10, title, "".join(body), "share", stretch=True)


def against_usual(name: str, share: float, usual: float, sure: tuple[float, float] | None = None, *, title: str) -> str:
    """One share (0..1) as a bar, a mark where it usually ends, a thin line over where it surely ends; the scale shows small shares."""
    far = max(share, usual, sure[1] if sure else 0.0)
    scale = 1.0 if far > 0.5 else 0.5 if far > 0.2 else 0.2
    error = _error(sure, scale) if sure else ""
    return _svg(
        1000, 14, title,
        '<rect class="track" y="3" width="1000" height="8" rx="0" fill="#8882"/>'
        f'<rect {_paint(name)} y="3" width="{_n(min(1.0, share / scale) * 1000)}" height="8"/>'
        f'<rect class="usual" x="{_n(usual / scale * 1000 - 2)}" width="4" height="14" fill="#444"/>' + error,
        "usual-bar", stretch=True,
    )  # fmt: skip


def _error(sure: tuple[float, float], scale: float) -> str:
    """A thin line over where a share surely ends."""
    low, high = (min(1.0, value / scale) * 1000 for value in sure)
    return "".join(
        f'<rect class="error" x="{_n(x)}" y="{y}" width="{_n(max(wide, 2))}" height="{tall}" fill="#222"/>'
        for x, y, wide, tall in ((low, 6, high - low, 2), (low - 1, 4, 2, 6), (high - 1, 4, 2, 6))
    )  # fmt: skip


def sure_bar(name: str, share: float, sure: tuple[float, float], *, title: str) -> str:
    """One share of a whole (0..1) as a bar, with a thin line over where it surely ends."""
    track = '<rect class="track" y="3" width="1000" height="8" fill="#8882"/>'
    bar = f'<rect {_paint(name)} y="3" width="{_n(share * 1000)}" height="8"/>'
    return _svg(1000, 14, title, track + bar + _error(sure, 1), "usual-bar", stretch=True)


def donut(parts: Sequence[Part], *, title: str, middle: str = "") -> str:
    """A ring of parts, from the top clockwise, with a short word in the middle."""
    total = sum(p.value for p in parts)
    body = ['<circle class="ring" cx="60" cy="60" r="46" fill="none" stroke="#8882" stroke-width="15"/>']
    turned = 0.0
    for part in parts:
        share = part.value / total if total else 0.0
        if share:
            told = escape(f"{part.label}: {number(part.value)} ({share:.0%})")
            colour = f'class="l-{escape(part.name)}" stroke="{COLOURS.get(part.name, _FALLBACK)}"'
            if share > 0.9999:
                body.append(f'<circle {colour} cx="60" cy="60" r="46" fill="none" stroke-width="15"><title>{told}</title></circle>')
            else:
                body.append(f'<path {colour} fill="none" stroke-width="15" d="{_arc(turned, turned + share)}"><title>{told}</title></path>')
        turned += share
    body.append(f'<text class="middle" x="60" y="66" text-anchor="middle" font-size="20">{escape(middle)}</text>')
    return _svg(120, 120, title, "".join(body), "donut")


def _arc(start: float, end: float) -> str:
    (x1, y1), (x2, y2) = ((60 + 46 * sin(2 * pi * t), 60 - 46 * cos(2 * pi * t)) for t in (start, end))
    return f"M{_n(x1)} {_n(y1)}A46 46 0 {1 if end - start > 0.5 else 0} 1 {_n(x2)} {_n(y2)}"


def hour_strip(name: str, counts: Sequence[int], *, title: str) -> str:
    """The 24 hours of a day, each the stronger the more letters left in it."""
    most = max(counts, default=0)
    cell, body = 40.0, []
    for hour, count in enumerate(counts):
        x = hour * cell
        body.append(f'<rect class="track" x="{_n(x)}" width="{_n(cell - 3)}" height="30" rx="4" fill="#8882"/>')
        if count:
            strength = 0.35 + 0.65 * count / most
            told = f"{hour}:00 to {hour + 1}:00: {number(count)}"
            body.append(
                f'<rect {_paint(name)} fill-opacity="{strength:.2f}" x="{_n(x)}" width="{_n(cell - 3)}" height="30" rx="4">'
                f"<title>{escape(told)}</title></rect>"
            )
    return _svg(24 * cell - 3, 30, title, "".join(body), "hours", stretch=True)


def heat_map(rows: Sequence[tuple[str, Sequence[int]]], told: Sequence[Sequence[str]], *, title: str, width: float = 720) -> str:
    """A row for each label, a column for each hour: the stronger, the more. `told` is what a cell says to the pointer."""
    left, top, tall = 38.0, 2.0, 26.0
    cell = (width - left) / max((len(counts) for _, counts in rows), default=1)
    most = max((n for _, counts in rows for n in counts), default=0)
    body = []
    for line, (label, counts) in enumerate(rows):
        y = top + line * tall
        body.append(f'<text class="axis" x="{_n(left - 6)}" y="{_n(y + 17)}" text-anchor="end" font-size="11">{escape(label)}</text>')
        for hour, count in enumerate(counts):
            box = f'x="{_n(left + hour * cell)}" y="{_n(y)}" width="{_n(cell - 2)}" height="{_n(tall - 2)}" rx="3"'
            strength = 0.12 + 0.88 * count / most if count else 0.0
            paint = f'class="heat" fill="#1f6b57" fill-opacity="{strength:.2f}"' if count else 'class="track" fill="#8882"'
            body.append(f"<rect {paint} {box}><title>{escape(told[line][hour])}</title></rect>")
    base = top + len(rows) * tall
    for hour in range(0, 25, 6):
        anchor = "start" if hour == 0 else "end" if hour == 24 else "middle"
        x = left + hour * cell
        body.append(f'<text class="axis" x="{_n(x)}" y="{_n(base + 12)}" text-anchor="{anchor}" font-size="11">{hour}</text>')
    return _svg(width, base + 18, title, "".join(body), "heat-map")


def month_grid(days: Sequence[tuple[date, Sequence[Part]]], *, title: str, width: float = 720, height: float = 76) -> str:
    """A calendar: a row for each week, a cell for each day of `days` (without gap), in it a stack as high as the day is full.
    `height` is that of a cell.
    """
    gap, top, words = 4.0, 20.0, 36.0
    cell = (width - 6 * gap) / 7
    most = max((sum(p.value for p in parts) for _, parts in days), default=0)
    body = [
        f'<text class="axis" x="{_n(column * (cell + gap) + 2)}" y="12" font-size="11">{name}</text>'
        for column, name in enumerate(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))
    ]
    before = days[0][0].weekday() if days else 0
    for place, (day, parts) in enumerate(days, before):
        x, y = place % 7 * (cell + gap), top + place // 7 * (height + gap)
        total, month = sum(p.value for p in parts), f" {day:%b}" if day.day == 1 or place == before else ""
        box = f'x="{_n(x)}" y="{_n(y)}" width="{_n(cell)}" height="{_n(height)}" rx="6" fill="#8882"'
        pieces = [
            f'<rect class="track{"" if total else " faint"}" {box}/>',
            f'<text class="axis" x="{_n(x + 6)}" y="{_n(y + 15)}" font-size="11">{day.day}{month}</text>',
        ]
        if total:
            pieces.append(f'<text class="count" x="{_n(x + 6)}" y="{_n(y + 30)}" font-size="12">{brief(total)}</text>')
        floor = y + height - 3
        for part in (p for p in parts if p.value):
            tall = max(0.6, (height - words - 3) * part.value / most)  # one letter is seen too
            floor -= tall
            pieces.append(f'<rect {_paint(part.name)} x="{_n(x + 4)}" y="{_n(floor)}" width="{_n(cell - 8)}" height="{tall:.1f}"/>')
        told = ", ".join(f"{p.label.lower()} {number(p.value)}" for p in parts if p.value) or "nothing"
        body.append(f"<g><title>{escape(f'{day:%a} {day.day} {day:%b}: {told}')}</title>{''.join(pieces)}</g>")
    weeks = -(-(before + len(days)) // 7)
    return _svg(width, top + weeks * (height + gap), title, "".join(body), "month")

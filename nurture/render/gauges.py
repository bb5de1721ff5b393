"""A gauge as SVG: how far a share is from the line that warns and the line that stops. Pure, like the charts (charts.py)."""

from html import escape

_WIDE, _TALL = 320, 34
_BAR = 12


def gauge_bar(rate: float, least: float, warn: float, stop: float, *, title: str) -> str:
    """`rate`: the share as it is; `least`: what it is at least. The whole length is twice the line that stops."""
    whole = stop * 2

    def x(share: float) -> str:
        return f"{min(share / whole, 1) * _WIDE:.1f}".removesuffix(".0")

    level = "sales" if least > stop else "about" if rate > warn else "active"
    marks = "".join(
        f'<line class="grid" x1="{x(at)}" x2="{x(at)}" y1="0" y2="18" stroke="#888" stroke-width="1.5"/>'
        f'<text class="axis" x="{x(at)}" y="31" text-anchor="middle" font-size="11">{word} {at:.1%}</text>'
        for at, word in ((warn, "warns"), (stop, "stops"))
    )
    return (
        f'<svg class="chart gauge" viewBox="0 0 {_WIDE} {_TALL}" role="img" aria-label="{escape(title)}" xmlns="http://www.w3.org/2000/svg">'
        f"<title>{escape(title)}</title>"
        f'<rect class="track" x="0" y="3" width="{_WIDE}" height="{_BAR}" rx="6" fill="#8882"/>'
        f'<rect class="c-{level}" x="0" y="3" width="{x(rate)}" height="{_BAR}" rx="6" fill="#6fae94"/>{marks}</svg>'
    )

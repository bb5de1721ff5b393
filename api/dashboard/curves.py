"""The list's own curves on the overview: interest after so many months, and first purchases; measured at most once an hour."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from api.dashboard.overview import FRESH, RESTS, Chart, draw_twice
from nurture.domain.curves import FIELD_LEFT, FIELD_MONTHS, Curves, Point, said_of_decay, said_of_purchase
from nurture.render import charts
from nurture.render.charts import Series
from nurture.services.measuring import measure

if TYPE_CHECKING:
    from nurture.bootstrap import App

HOUR = timedelta(hours=1)
_WIDE = 460


@dataclass(slots=True)
class Measured:
    """The newest curves of this process. They move by the week; only a list too young to be measured is looked at more often."""

    found: Curves | None = None
    until: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def get(self, app: "App") -> Curves:
        async with self.lock:
            began = time.monotonic()
            if self.found is None or began >= self.until:
                self.found = await measure(app.db, app.clock())
                soon = max(FRESH.total_seconds(), RESTS * (time.monotonic() - began))
                self.until = began + (max(soon, HOUR.total_seconds()) if self.found.decay.enough else soon)
            return self.found


def _banded(points: Sequence[Point], name: str, label: str, title: str, beside: Sequence[Series] = ()) -> Chart:
    line, low, high = (Series(name, label, [100 * getattr(p, which) for p in points]) for which in ("share", "low", "high"))
    return draw_twice(charts.banded, [str(p.month) for p in points], [line, low, high, *beside], title, _WIDE, 220)


def curves_context(curves: Curves) -> dict[str, Any]:
    """What the overview's template needs of them."""
    decay, first = curves.decay, curves.first_purchase
    usual = Series("usual", "What the field reports", [100 * FIELD_LEFT ** (p.month / FIELD_MONTHS) for p in decay.points])
    shown = "Percent of those who answered that still show a sign, by months since their first answer"
    bought = "Percent of those who joined that have bought, by months since joining"
    return {
        "decay": _banded(decay.points, "active", "Still showing a sign", shown, [usual]) if decay.enough else None,
        "decay_said": said_of_decay(decay),
        "first_purchase": _banded(first.points, "fan", "Have bought", bought) if first.enough else None,
        "purchase_said": said_of_purchase(first),
    }

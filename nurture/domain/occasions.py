"""Occasions of a campaign: nominal local dates, when each begins for a reader, and the hour that a schedule may name.

An occasion is a *date* as calendars everywhere show it: it opens where the day begins first, at UTC+14, and closes with the last zone.
A schedule that names an hour is itself the window; `weekly` and `now` only open the occasion.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from nurture.domain.documents import At, Campaign, Weekly
from nurture.domain.windows import Opening, instant_of

FIRST_ZONE = timedelta(hours=14)  # of all zones the one in which each date begins first
LAST_ZONE = timedelta(hours=12)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Occasion:
    """`at`: the hour that the schedule names, None where it names none. `wall`: the zone whose wall clock the schedule means, None for the
    reader's own. `moment`: when a campaign with `schedule: now` was started, or a letter was sent again (`resend`). `chosen`: the variant
    of all who take no part in its test, None while that is not decided.
    """

    nominal: date
    at: time | None = None
    wall: ZoneInfo | None = None
    moment: datetime | None = None
    resend: bool = False
    chosen: str | None = None

    @property
    def opens_at(self) -> datetime:
        """When it opens anywhere: the people of its segment are taken in then."""
        return self.moment or datetime.combine(self.nominal, time(0), UTC) - FIRST_ZONE

    def begins(self, reader: ZoneInfo) -> datetime:
        """When it begins for a reader in this zone: the letter leaves no earlier."""
        return self.moment or instant_of(self.nominal, self.at or time(0), self.wall or reader)

    def hour(self, reader: ZoneInfo, lateness: timedelta) -> Opening | None:
        """The window that a schedule with an hour is: from that minute for `lateness`. None where it names no hour."""
        if self.at is None:
            return None
        opens = self.begins(reader)
        return Opening(opens.astimezone(reader).date(), opens, opens + lateness)

    @property
    def hour_in_words(self) -> str:
        """`10:00` on the reader's clock, `10:00 Europe/Berlin` on a named one; empty where the schedule names no hour."""
        return f"{self.at:%H:%M}{f' {self.wall.key}' if self.wall else ''}" if self.at else ""

    def is_over(self, now: datetime, lateness: timedelta) -> bool:
        """Whether its date - with an hour, that hour and its lateness - has passed in every zone."""
        ends = datetime.combine(self.nominal, self.at or time(0), UTC) + LAST_ZONE
        return self.moment is None and now >= ends + (lateness if self.at else _DAY)


def occasions_after(campaign: Campaign, last: date | None, started: datetime, workspace: ZoneInfo) -> Iterator[Occasion]:
    """The occasions of `now`, `at` and `weekly` after the nominal date `last`, oldest first; none before the day of the start.

    A calendar rule in cron's words is read by its own library, above this floor.
    """
    wall = workspace if isinstance(campaign.schedule, At | Weekly) and campaign.schedule.zone == "workspace" else None
    today = started.astimezone(workspace).date()
    match campaign.schedule:
        case "now":
            if last is None:
                yield Occasion(today, moment=started)
        case At(at=written):
            day, at = date.fromisoformat(written[:10]), time.fromisoformat(written[11:])
            if last is None or last < day:
                yield Occasion(day, at, wall)
        case Weekly(weekly=weekday):
            day = max(today, last + _DAY) if last else today
            day += timedelta(days=(weekday.number - day.weekday()) % 7)
            while True:
                yield Occasion(day, None, wall)
                day += 7 * _DAY

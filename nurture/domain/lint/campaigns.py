"""A campaign: do its hour, its day, its segment and its end make sense for the kind of letter it sends?

Source: "selling letters must arrive on Wednesday or Thursday; most is opened Tuesday to Thursday, ten to twelve. Refusers belong to the
best seller, few at a time. Passive people are cleaned by an offer with a plain way out."
"""

from collections.abc import Iterator
from datetime import date, time, timedelta
from typing import Any, NamedTuple

from nurture.domain.conditions import All, AnyOf, HasEngagement, HasFlag, HasTemperature
from nurture.domain.documents import At, Campaign, Cron, Policy, Weekly
from nurture.domain.letters import Letter, Span, Weekday
from nurture.domain.lint.findings import Finding, Known, warn, wrong
from nurture.domain.lint.promises import lint_repayment
from nurture.domain.scalars import format_duration
from nurture.domain.windows import blacked_out, describe, hours_of, quiet_spans
from nurture.domain.words import Engagement, Flag, Kind, Temperature

_WEEKEND = (5, 6)
_DAYS = tuple(Weekday)
_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_CRON_DAYS = {name: number for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}


def lint_campaign(campaign: Campaign, policy: Policy, known: Known) -> list[Finding]:
    """The letters of a folder are linted when they are drawn; of these campaigns only the calendar can be looked at."""
    letter = campaign.letter
    if letter is None:
        return [*_blackout(campaign, policy), *_hour(campaign, policy)]
    if letter.kind is Kind.SERVICE:
        message = "a service letter to a whole segment goes around mix, cap and windows"
        return [warn(("letter", "kind"), "service-to-many", message, "Call it what it is: useful, news, about or sales.")]
    own = _Own(campaign, letter, policy)
    return [
        *_window(own),
        *_blackout(campaign, policy),
        *_day(own),
        *_hour(campaign, policy),
        *_until(own),
        *_trial(campaign),
        *_segment(campaign, known),
        *lint_repayment(campaign, policy, known),
    ]


class _Own(NamedTuple):
    """A campaign whose letter is written out, under its policy."""

    campaign: Campaign
    letter: Letter
    policy: Policy

    @property
    def spans(self) -> tuple[Span, ...]:
        return hours_of(self.letter, self.campaign.windows, self.policy).spans

    @property
    def days(self) -> list[int]:
        return sorted({day.number for span in self.spans for day in span.days})

    @property
    def called(self) -> str:
        long = self.letter.size.value == "long" and self.letter.kind is not Kind.SALES
        return f"{'long' if long else self.letter.kind.value} letters"

    @property
    def when(self) -> str:
        return describe(self.spans)


def _window(own: _Own) -> Iterator[Finding]:
    if not own.days:
        advice = "Quiet hours cover the whole day; write a `window` out."
        yield wrong(("letter",), "never-opens", f"no window ever opens for {own.letter.id}", advice)


def _blackout(campaign: Campaign, policy: Policy) -> Iterator[Finding]:
    schedule = campaign.schedule
    if isinstance(schedule, At) and (day := _date(schedule)) and blacked_out(day, policy):
        message = f"{day} is a blackout date of the policy: nothing leaves then"
        yield warn(("schedule", "at"), "unreachable-window", message, "Choose another date, or take it out of `blackout`.")


def _date(schedule: At) -> date | None:
    try:
        return date.fromisoformat(schedule.at[:10])
    except ValueError:
        return None


def _day(own: _Own) -> Iterator[Finding]:
    """A sales letter outside its days, any other on a weekend; where the author wrote the window out, those are the days."""
    days, kind = own.days, own.letter.kind
    match own.campaign.schedule:
        case Weekly(weekly=weekly) if days and weekly.number not in days:
            goes = next(d for d in range(weekly.number, weekly.number + 8) if d % 7 in days)
            opens, day = _NAMES[weekly.number], goes % 7
            message = f"it opens on {opens}, but {own.called} leave {own.when}: it goes on {_NAMES[day]}"
            advice = f"Write `weekly: {_DAYS[day].value}`, or give the letter a `window`."
            yield warn(("schedule", "weekly"), "schedule-day", message, advice)
        case At() | Cron() as schedule:
            key = "at" if isinstance(schedule, At) else "cron"
            odd = [d for d in _scheduled_days(schedule) if d not in days and (kind is Kind.SALES or d in _WEEKEND)]
            if odd and days:
                message = f"{own.called} on a {_NAMES[odd[0]]}; they are read {own.when}"
                yield warn(("schedule", key), "schedule-day", message, "Choose one of those days; an hour that you name is kept as it is.")


def _scheduled_days(schedule: At | Cron) -> list[int]:
    if isinstance(schedule, At):
        day = _date(schedule)
        return [day.weekday()] if day else []
    return _cron_days(schedule.cron.split(" ")[4])


def _cron_days(field: str) -> list[int]:
    """Weekdays (Monday 0) that a cron line names in plain words; empty where it names none."""
    days: set[int] = set()
    for part in field.lower().split(","):
        ends = [_CRON_DAYS.get(end, int(end) if end.isdecimal() and len(end) == 1 else -1) for end in part.split("-")]
        if len(ends) > 2 or any(not 0 <= end <= 7 for end in ends):
            return []
        days.update((end - 1) % 7 for end in range(ends[0], ends[-1] + 1))
    return sorted(days)


def _hour(campaign: Campaign, policy: Policy) -> Iterator[Finding]:
    """An hour that is named is itself the window, so nothing else keeps it out of the night."""
    schedule = campaign.schedule
    if isinstance(schedule, At):
        key, hour, minute = "at", schedule.at[11:13], schedule.at[14:16]
    elif isinstance(schedule, Cron):
        key, (minute, hour) = "cron", schedule.cron.split(" ")[:2]
    else:
        return
    if not (hour.isdecimal() and minute.isdecimal() and int(hour) < 24 and int(minute) < 60):
        return
    moment, awake = time(int(hour), int(minute)), quiet_spans(policy.quiet_hours)
    if awake and not any(span.from_ <= moment < span.until for span in awake):
        quiet = f"{policy.quiet_hours.from_:%H:%M} to {policy.quiet_hours.until:%H:%M}"
        message = f"{moment:%H:%M} lies in the quiet hours ({quiet}), and an hour that is named is kept"
        yield warn(("schedule", key), "at-night", message, "Most letters are read between ten and twelve: 10:00.")


def _until(own: _Own) -> Iterator[Finding]:
    campaign = own.campaign
    weekly = isinstance(campaign.schedule, Weekly)
    if weekly and campaign.until > timedelta(days=7):
        message = "it comes every week, so a letter older than seven days gives way to the next"
        yield warn(("until",), "until-against-schedule", message, "Leave `until` out.")
    days = own.days
    if days and (weekly or campaign.schedule == "now"):
        longest = max((later - day) % 7 or 7 for day, later in zip(days, [*days[1:], days[0]], strict=True))
        if campaign.until < timedelta(days=1) and longest > 1:
            message = f"it waits for its window ({own.when}) longer than `until` lets it"
            yield warn(("until",), "until-against-schedule", message, "Write `until: 7d`, or a schedule with its hour: {at: ...}.")


def _trial(campaign: Campaign) -> Iterator[Finding]:
    trial = campaign.trial
    if trial.then and trial.within >= campaign.until:
        waits, most = format_duration(trial.within), format_duration(campaign.until)
        message = f"the rest waits {waits} for the winner, and no letter waits longer than {most}"
        yield warn(("test",), "test-against-until", message, "Write a shorter `within`, or a longer `until`.")


def _segment(campaign: Campaign, known: Known) -> Iterator[Finding]:
    where = known.questions.get(campaign.segment)
    if campaign.kind is not Kind.SALES or where is None:
        return
    if _asks(where, Temperature.REFUSER):
        message = f"an offer to {campaign.segment}, who said no"
        advice = "Refusers belong to your best seller, few at a time; send them something useful, or write to each."
        yield warn(("segment",), "segment-against-kind", message, advice)
    elif _asks(where, Engagement.PASSIVE) or _asks(where, Flag.LOST):
        message = f"an offer to {campaign.segment}, who hardly open anything"
        advice = "Make it a `cleanup`: it tries a few first, stops by itself when people complain, and shows the way out."
        yield warn(("segment",), "segment-against-kind", message, advice)


def _asks(condition: Any, word: object) -> bool:
    """Whether everybody in a segment is of this class, flag or temperature."""
    match condition:
        case All():
            return any(_asks(part, word) for part in condition.all)
        case AnyOf():
            return bool(condition.any) and all(_asks(part, word) for part in condition.any)
        case HasEngagement():
            return condition.engagement is word
        case HasFlag():
            return condition.flag is word
        case HasTemperature():
            return condition.temperature is word
    return False

"""The policy: who writes and from where, hours that open, dates that exist, promises that agree."""

from collections.abc import Iterator
from datetime import date

from nurture.domain.documents import Policy
from nurture.domain.lint.findings import Finding, warn
from nurture.domain.lint.promises import contradictions
from nurture.domain.windows import quiet_spans

_LEAP_YEAR = 2024


def lint_policy(policy: Policy) -> Iterator[Finding]:
    yield from contradictions(policy.mix, ("mix",))
    if policy.sender is None:
        advice = "Add `sender: {name: Anna, address: anna@example.com}`."
        yield warn((), "no-sender", "the policy names no sender, so nothing but `test` leaves over a real relay", advice)
    if not policy.postal_address:
        advice = "Add `postal_address: ...`; the law of most countries asks for it in every letter."
        yield warn((), "no-postal-address", "the policy has no postal address, so nothing but `test` leaves over a real relay", advice)
    if not quiet_spans(policy.quiet_hours):
        yield warn(
            ("quiet_hours",),
            "quiet-all-day",
            "quiet hours cover the whole day, so `any` never opens",
            'Write {from: "21:00", until: "8:00"}.',
        )
    for index, day in enumerate(policy.blackout):
        if not _is_day(day):
            yield warn(
                ("blackout", index), "no-such-day", f"{day} is no day of the calendar", "Write 2026-12-31 or, for every year, 01-01."
            )


def _is_day(day: str) -> bool:
    try:
        date.fromisoformat(day if len(day) == 10 else f"{_LEAP_YEAR}-{day}")
    except ValueError:
        return False
    return True

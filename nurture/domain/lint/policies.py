"""The policy with its pace: who writes and from where, hours that open, promises that agree; and dates that do not exist."""

from collections.abc import Iterator

from nurture.domain.dates import is_day
from nurture.domain.documents import AnyDocument, Policy, Sequence
from nurture.domain.lint.findings import Finding, Known, Path, warn
from nurture.domain.lint.promises import contradictions
from nurture.domain.lint.references import placed_letters
from nurture.domain.pace_report import dry_words
from nurture.domain.paces import Pace, Season
from nurture.domain.pacing import DAYS_OF
from nurture.domain.windows import quiet_spans


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
        yield from _no_such_day(day, ("blackout", index))
    if policy.pace is not None:
        yield from _pace(policy.pace, policy.cap)


def _no_such_day(day: str, path: Path) -> Iterator[Finding]:
    if day[:1].isdigit() and not is_day(day):
        yield warn(path, "no-such-day", f"{day} is no day of the calendar", "Write 2026-12-31 or, for every year, 01-01.")


def _pace(pace: Pace, cap: int) -> Iterator[Finding]:
    for index, season in enumerate(pace.season):
        for key, day in (("from", season.from_), ("until", season.until)):
            yield from _no_such_day(day, ("pace", "season", index, key))
    for index, burst in enumerate(pace.bursts):
        yield from _no_such_day(burst.about, ("pace", "bursts", index, "about"))
    places: list[tuple[Path, Pace | Season]] = [(("pace",), pace)]
    places += [(("pace", "season", index), season) for index, season in enumerate(pace.season)]
    for path, part in places:
        if part.floor is not None and part.floor.count * 7 > cap * DAYS_OF[part.floor.per]:
            message = f"the floor wants {part.floor}, the cap allows {cap} on seven days"
            yield warn((*path, "floor"), "floor", message, "Lower `floor`, or raise `cap`.")


def lint_about(document: AnyDocument) -> Iterator[Finding]:
    """Letters about a date."""
    for path, letter in placed_letters(document):
        if letter.about is None:
            continue
        yield from _no_such_day(letter.about.date, (*path, "about", "date"))
        if not isinstance(document, Sequence):
            message = "`about` is read in sequences only"
            advice = "A campaign has its `schedule`; put other letters into a sequence, or leave `about` out."
            yield warn((*path, "about"), "about-outside-sequence", message, advice)


def lint_dry(sequence: Sequence, known: Known) -> Iterator[Finding]:
    """People who wait for useful letters while the library holds nothing for them."""
    words = dry_words((known.dry or {}).get(sequence.name, 0), len(known.library or ()))
    if words and sequence.repay == "library":
        yield warn((), "dry-library", words, "Write a library letter (`letter: <name>`, `kind: useful`), or another useful one here.")

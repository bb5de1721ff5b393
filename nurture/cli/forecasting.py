"""`nurture forecast`: who gets what at which local minute in the weeks ahead; with FILES, what these drafts would change."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nurture.cli.session import opened, print_json, run

if TYPE_CHECKING:
    from nurture.domain.calendars import Ahead, Calendar, Effect

Files = Annotated[list[Path] | None, typer.Argument(help="Drafts to look at; without any, what is stored goes on.", metavar="[FILES]")]
For = Annotated[str | None, typer.Option("--for", metavar="EMAIL", help="One person's weeks, letter by letter.")]
Days = Annotated[int, typer.Option(min=1, max=366, help="How far to look.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON value: deliveries, held, composition; with FILES before, after, letters.")]
_BAR = 40
_SKIPPED = {
    "stale": "that would wait too long",
    "superseded": "overtaken by the next occasion",
    "condition": "whose condition does not hold",
    "missed": "past their date",
    "had": "had from the library",
    "declined": "declined by the reader",
}


def register(app: typer.Typer) -> None:
    """Add forecast."""

    @app.command("forecast")
    def forecast_command(files: Files = None, email: For = None, days: Days = 30, json: Json = False) -> None:
        """Look ahead by the planner's own rules. Nothing is stored; it comes true as long as nobody answers, leaves or edits."""
        if files and email:
            raise typer.BadParameter("--for looks at one person, FILES at all; give one of them", param_hint="--for")
        raise typer.Exit(run(_effect(files, days, as_json=json) if files else _forecast(email, days, as_json=json)))


async def _forecast(email: str | None, days: int, *, as_json: bool) -> int:
    from datetime import timedelta  # noqa: PLC0415

    from nurture.domain.calendars import Calendar, delivery_rows, held_rows  # noqa: PLC0415 - heavy imports only where they are used
    from nurture.domain.errors import ErrorKind, NurtureError  # noqa: PLC0415
    from nurture.services import forecasting  # noqa: PLC0415
    from nurture.services.explaining import look_up  # noqa: PLC0415

    calendar = Calendar()
    rows: list[dict[str, Any]] = []
    held: list[dict[str, Any]] = []
    async with opened() as app:
        person = await look_up(app.db, email) if email else None
        if email and person is None:
            raise NurtureError(f"nobody here has the address {email}; look at the list with: nurture export", ErrorKind.MISSING)
        now, cap = app.clock(), (await forecasting.policy(app.db)).cap
        people, rate, warm_up = [person] if person else None, app.settings.smtp_rate, app.settings.warm_up
        async for ahead in forecasting.forecast(app.db, now, timedelta(days=days), people, rate, warm_up=warm_up):
            calendar.add(ahead, cap)
            if as_json:
                rows += delivery_rows(ahead)
                held += held_rows(ahead)
            elif email:
                for line in _person(ahead):
                    typer.echo(line)
        year, week, _ = now.isocalendar()
        classes = {"week": f"{year}-W{week:02}"} | await forecasting.composition(app.db)
    if as_json:
        print_json({"deliveries": rows, "held": held, "composition": [classes]})
    elif not email:
        for line in _calendar(calendar, days):
            typer.echo(line)
    elif not calendar.people and not calendar.held:
        typer.echo(f"Nothing lies ahead of {email} in the next {days} days; ask why with: nurture why {email}")
    return 0


async def _effect(files: list[Path], days: int, *, as_json: bool) -> int:
    import sys  # noqa: PLC0415
    from datetime import timedelta  # noqa: PLC0415

    from nurture.definitions.loading import load_files  # noqa: PLC0415
    from nurture.domain.calendars import effect_json  # noqa: PLC0415
    from nurture.services.forecasting import effect  # noqa: PLC0415

    loaded = load_files(files)
    for fault in loaded.faults:
        sys.stderr.write(fault.render(loaded.sources.get(fault.file, "")) + "\n")
    if loaded.errors:
        sys.stderr.write("Nothing was forecast.\n")
        return 1
    async with opened() as app:
        rate, warm_up = app.settings.smtp_rate, app.settings.warm_up
        found = await effect(app.db, [p.document for p in loaded.documents], app.clock(), timedelta(days=days), rate, warm_up=warm_up)
    if as_json:
        print_json(effect_json(found))
        return 0
    for line in _effect_lines(found, days):
        typer.echo(line)
    return 0


def _person(ahead: "Ahead") -> Iterator[str]:
    yield f"{ahead.email}, on the clock of {ahead.zone.key}"
    for letter in ahead.foresight.letters:
        yield f"  {letter.at.astimezone(ahead.zone):%a %d %b %Y %H:%M}  {letter.kind.value:8} {letter.letter}: {letter.reason}"
    for wait in ahead.foresight.held:
        yield f"  held: {wait.letter}: {wait.reason}" + (f" (until {wait.until:%Y-%m-%d})" if wait.until else "")
    for said, times in Counter(f"{skip.letter}: {skip.reason}" for skip in ahead.foresight.skips).items():
        yield f"  skipped: {said}" + (f" ({times} times)" if times > 1 else "")


def _calendar(calendar: "Calendar", days: int) -> Iterator[str]:
    if not calendar.days:
        yield f"No letter leaves in the next {days} days. Enrol people, or start a campaign."
        return
    yield f"{calendar.kinds.total():,} letters to {calendar.people:,} people in the next {days} days, by the reader's own date"
    most = max(counts.total() for counts in calendar.days.values())
    for day, counts in sorted(calendar.days.items()):
        words = ", ".join(f"{count:,} {kind.value}" for kind, count in sorted(counts.items()))
        yield f"  {day:%a %d %b}  {counts.total():>8,}  {'#' * max(1, counts.total() * _BAR // most):{_BAR}}  {words}"
    yield from (f"Held at the end: {people:,} people; {reason}" for reason, people in calendar.held.most_common(5))
    if calendar.skipped:
        words = ", ".join(f"{count:,} {_SKIPPED.get(outcome, outcome)}" for outcome, count in calendar.skipped.most_common())
        yield f"Letters that will never leave: {words}. See whose with: nurture forecast --for EMAIL"


def _effect_lines(effect: "Effect", days: int) -> Iterator[str]:
    yield f"The next {days} days without and with these drafts"
    yield f"  {'':26}{'without':>10}{'with':>10}"
    kinds = sorted({*effect.before.kinds, *effect.after.kinds})
    for title, before, after in (
        ("letters", effect.before.kinds.total(), effect.after.kinds.total()),
        *((f"  {kind.value}", effect.before.kinds[kind], effect.after.kinds[kind]) for kind in kinds),
        ("people with letters", effect.before.people, effect.after.people),
        ("offers held by a mix", effect.before.held.total(), effect.after.held.total()),
        ("weeks filled to the cap", effect.before.full_weeks, effect.after.full_weeks),
    ):
        yield f"  {title:26}{before:>10,}{after:>10,}"
    yield (
        f"  Of the letters planned today {effect.later:,} leave later, {effect.earlier:,} earlier, {effect.dropped:,} not in this time; "
        f"{effect.added:,} are new."
    )

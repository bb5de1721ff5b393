"""`nurture report`: the list against what is usual, the mix kept, the hours kept, how interest decays and when people buy first."""

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

import typer

from nurture.cli.session import opened, print_json, run

if TYPE_CHECKING:
    from nurture.domain.curves import Curves, Point
    from nurture.domain.pace_report import Floor, PaceReport
    from nurture.domain.reports import Delivered, Report

_BAR = 24
_WIDE = 110
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SHADES = "·░▒▓█"


def register(app: typer.Typer) -> None:
    """Add `report` with `report questions` and `report referrals`."""

    group = typer.Typer(invoke_without_command=True)

    @group.callback()
    def report_command(
        context: typer.Context,
        json: bool = typer.Option(
            False, "--json", help="One JSON value: composition, benchmark, mix, windows, hours, pace, decay, first_purchase."
        ),
    ) -> None:
        """Who is in the list, mix, hours and pace kept. The classes stand against 80/17/3."""
        if context.invoked_subcommand is None:
            run(_report(as_json=json))

    @group.command("questions")
    def questions(json: bool = typer.Option(False, "--json", help="Machine output.")) -> None:
        """Every question with how many people answered; one of them: nurture questions result NAME."""
        from nurture.cli.questions import tell_all  # noqa: PLC0415 - only where it is used

        run(tell_all(as_json=json))

    @group.command("referrals")
    def referrals(json: bool = typer.Option(False, "--json", help="Machine output.")) -> None:
        """Who brings people: constant, rare, never; and what became of whom they brought."""
        run(_referrals(as_json=json))

    app.add_typer(group, name="report")


async def _report(*, as_json: bool) -> None:
    from nurture.domain import curves, pace_report  # noqa: PLC0415 - heavy imports only where they are used
    from nurture.domain.reports import to_json  # noqa: PLC0415
    from nurture.services.measuring import measure  # noqa: PLC0415
    from nurture.services.mixing import offers_due  # noqa: PLC0415
    from nurture.services.pacing import pace  # noqa: PLC0415
    from nurture.services.reporting import report  # noqa: PLC0415

    async with opened() as app:
        found, due, kept = await report(app.db, app.clock()), await offers_due(app.db), await pace(app.db, app.clock())
        measured = await measure(app.db, app.clock())
    if as_json:
        whole = to_json(found)
        print_json(whole | {"mix": whole["mix"] | {"offer_due": due}, "pace": pace_report.to_json(kept)} | curves.to_json(measured))
        return
    told = [*lines(found)]
    if found.composition.people:
        told += [*_offer_lines(due), "", *pace_lines(kept), *curve_lines(measured)]
    for line in told:
        typer.echo(line)


async def _referrals(*, as_json: bool) -> None:
    from nurture.services.recommending import recommendations  # noqa: PLC0415

    async with opened() as app:
        found = await recommendations(app.db, app.clock())
    if as_json:
        print_json(found.to_json())
        return
    typer.echo("Recommenders: " + ", ".join(f"{people:,} {word}" for word, people in found.standings.items()))
    typer.echo(f"By their links {found.asked:,} asked for the letters and {found.joined:,} joined.")
    if found.joined:
        typer.echo("What became of them: " + ", ".join(f"{n:,} {word}" for word, n in (*found.statuses.items(), *found.engagement.items())))
    for line in found.recommenders:
        typer.echo(f"  {line.people:>5,}  {line.standing.value:9} {line.last_at:%Y-%m-%d}  {line.email}")


def _bar(share: float) -> str:
    full = round(share * _BAR)
    return "█" * full + "·" * (_BAR - full)


def lines(report: "Report") -> Iterator[str]:
    """The report as text, a line each."""
    from nurture.domain.shares import verdict  # noqa: PLC0415 - heavy imports only where they are used

    composition = report.composition
    yield f"Report of {report.at:%Y-%m-%d %H:%M} UTC"
    yield ""
    yield f"People: {composition.people:,} subscribed" + "".join(
        f", {number:,} {status.value}" for status, number in composition.statuses.items() if number and status.value != "subscribed"
    )
    if not composition.people:
        yield "  Nobody is in the list yet. Bring people in with: nurture import FILE"
        return
    judged = sum(b.people for b in report.benchmark)
    yield f"  {'':14}{'people':>8}{'share':>9}{'surely within':>18}{'usual':>8}"
    for line in report.benchmark:
        sure = f"{line.low:.1%} - {line.high:.1%}" if judged else ""
        yield f"  {line.engagement.value:14}{line.people:>8,}{line.share:>9.1%}{sure:>18}{line.usual:>8.0%}  {_bar(line.share)}"
    for beside in (e for e in composition.now if e not in [b.engagement for b in report.benchmark]):
        yield f"  {beside.value:14}{composition.now[beside]:>8,}{'':>9}{'':>18}{'':>8}  not part of the comparison"
    yield f"  {verdict(report.benchmark)}"
    if judged:
        yield f"  {composition.ripening:,} of the passive are ripening: they give small signs of life. About a quarter is usual."
    yield ""
    yield from _mix_lines(report)
    yield ""
    yield from _window_lines(report)
    yield ""
    yield from _hours_lines(report)


def curve_lines(curves: "Curves") -> Iterator[str]:
    """How interest decays and when people buy first: a sentence each, and the curve at every third month."""
    from nurture.domain.curves import said_of_decay, said_of_purchase  # noqa: PLC0415

    yield ""
    yield "Interest: of those who ever answered, who still shows a sign so many months later"
    yield from wrap(said_of_decay(curves.decay), 108, initial_indent="  ", subsequent_indent="  ")
    yield from _points(curves.decay.points if curves.decay.enough else ())
    yield ""
    yield "First purchase: from joining"
    yield from wrap(said_of_purchase(curves.first_purchase), 108, initial_indent="  ", subsequent_indent="  ")
    yield from _points(curves.first_purchase.points if curves.first_purchase.enough else ())


def _points(points: "Sequence[Point]") -> Iterator[str]:
    for point in points:
        if point.month % 3 == 0 and point.month:
            sure = f"{point.low:.1%} - {point.high:.1%}"
            yield f"  {point.month:>3} months{point.share:>10.1%}{sure:>18}  {_bar(point.share)}"


def _mix_lines(report: "Report") -> Iterator[str]:
    yield "Mix: letters delivered in the last 28 / 90 days"
    yield f"  {'':30}{'promise':>10}{'useful':>13}{'news':>13}{'about':>13}{'sales':>13}"
    for line in (*report.mix.lanes, report.mix.workspace):
        yield _mix_line(line)
    wrong = len(report.mix.unearned)
    yield f"  Sales letters that left before they were earned: {wrong} of {report.mix.checked:,} checked" + (
        " - the promise is kept." if not wrong else "."
    )


def _mix_line(line: "Delivered") -> str:
    cells = "".join(f"{f'{line.days_28[k]:,} / {line.days_90[k]:,}':>13}" for k in line.days_90)
    title = line.title if len(line.title) <= 29 else line.title[:28] + "…"
    promise = (line.promise or "-").split(" ")[0]
    return f"  {title:30}{promise:>10}{cells}"


def _window_lines(report: "Report") -> Iterator[str]:
    yield "Hours: letters of the last 28 days handed over inside their window, by the reader's own clock"
    if not report.windows.kinds:
        yield "  No letter has left yet."
    for kind, kept in report.windows.kinds.items():
        yield f"  {kind:14}{kept.inside:>8,} of {kept.letters:,} ({kept.share or 0:.1%}), most at {_peak(report.windows.hours, kind)}"
    known = sum(report.windows.zones.values())
    unsure = sum(n for z, n in report.windows.zones.items() if z.value in ("guessed", "default"))
    if known:
        yield f"  Time zones: {known - unsure:,} known, {unsure:,} guessed or taken from the workspace ({unsure / known:.0%})"


def _hours_lines(report: "Report") -> Iterator[str]:
    """The heat map in characters, an hour each: the darker, the more acts."""
    found = report.hours.map
    yield "Own acts of the last 90 days by the reader's clock (opened, clicked or answered: the first on each letter)"
    busiest = found.busiest()
    if busiest is None:
        yield "  Nobody has acted yet."
        return
    most = found.acts[busiest[0]][busiest[1]]
    yield "       0     6     12    18    24"
    for day, counts in zip(_DAYS, found.acts, strict=True):
        yield f"  {day}  {''.join(_SHADES[-(-(len(_SHADES) - 1) * n // most)] for n in counts)}  {sum(counts):,}"
    rate = found.rate(*busiest)
    came = "" if rate is None else f"; of the letters that came then {rate:.0%} were answered within three days"
    yield f"  Most on {_DAYS[busiest[0]]} at {busiest[1]}-{busiest[1] + 1} o'clock: {most:,}{came}"
    yield from wrap(f"Personal hour: {report.hours.lift.verdict}", 108, subsequent_indent="  ")


def _peak(hours: Mapping[str, tuple[int, ...]], kind: str) -> str:
    counts = hours[kind]
    hour = counts.index(max(counts))
    return f"{hour}-{hour + 1} o'clock"


def _offer_lines(due: Mapping[str, int]) -> Iterator[str]:
    """You only inhale: where enough was given and no offer is planned."""
    for source, people in due.items():
        if people:
            where = "everything together" if source == "workspace" else source.partition(":")[2]
            yield f"  You only inhale ({where}): an offer is due to {people:,}, and none is planned."


def pace_lines(report: "PaceReport") -> Iterator[str]:
    """Floors and the library as text, a line each."""
    yield "Pace: people who heard less than promised in the last complete week or month"
    if not report.floors:
        yield "  No running sequence has a cadence, and the policy's pace has no floor."
    for floor in report.floors:
        yield from _floor_lines(floor)
    if report.library.warning:
        yield f"  Library: {report.library.warning}. Write another one."
    elif report.library.owed:
        least = min(report.library.left)
        yield f"  Library: {report.library.owed:,} are owed useful letters; each has {least} or more left of {report.library.letters}."


def _floor_lines(floor: "Floor") -> Iterator[str]:
    from nurture.domain.pace_report import REASONS  # noqa: PLC0415

    title = floor.title if len(floor.title) <= 29 else floor.title[:28] + "…"
    yield f"  {title:30}{floor.promised:>12}  {floor.under:,} of {floor.people:,} under it, {floor.first:%d %b} to {floor.last:%d %b}"
    for reason, people in floor.reasons.items():
        yield _with_names(f"    {people:,} {REASONS.get(reason, reason)}", [n.email for n in floor.names if n.reason == reason], people)


def _with_names(words: str, names: Sequence[str], people: int) -> str:
    """As many names as fit the line."""
    shown = words
    for number, name in enumerate(names, start=1):
        longer = shown + (": " if number == 1 else ", ") + name
        if len(longer) + len(", ...") > _WIDE:
            return shown + (", ..." if number > 1 else "")
        shown = longer
    return shown + (", ..." if names and people > len(names) else "")

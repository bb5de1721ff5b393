"""`nurture report`: the list against what is usual, the mix kept, the hours kept."""

from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import TYPE_CHECKING

import typer

from nurture.cli.session import opened, print_json, run

if TYPE_CHECKING:
    from nurture.domain.reports import Delivered, Report

_BAR = 24
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SHADES = "·░▒▓█"


def register(app: typer.Typer) -> None:
    """Add `report`."""

    @app.command("report")
    def report_command(
        json: bool = typer.Option(False, "--json", help="One JSON value: composition, benchmark, mix, windows, hours."),
    ) -> None:
        """Who is in the list, the mix and the hours kept. The classes stand against 80/17/3."""
        run(_report(as_json=json))


async def _report(*, as_json: bool) -> None:
    from nurture.domain.reports import to_json  # noqa: PLC0415 - heavy imports only where they are used
    from nurture.services.reporting import report  # noqa: PLC0415

    async with opened() as app:
        found = await report(app.db, app.clock())
    if as_json:
        print_json(to_json(found))
        return
    for line in lines(found):
        typer.echo(line)


def _bar(share: float) -> str:
    full = round(share * _BAR)
    return "█" * full + "·" * (_BAR - full)


def lines(report: "Report") -> Iterator[str]:
    """The report as text, a line each."""
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
    yield f"  {'':14}{'people':>8}{'share':>9}{'usual':>8}"
    for line in report.benchmark:
        yield f"  {line.engagement.value:14}{line.people:>8,}{line.share:>9.1%}{line.usual:>8.0%}  {_bar(line.share)}"
    for beside in (e for e in composition.now if e not in [b.engagement for b in report.benchmark]):
        yield f"  {beside.value:14}{composition.now[beside]:>8,}{'':>9}{'':>8}  not part of the comparison"
    if judged:
        yield f"  {composition.ripening:,} of the passive are ripening: they give small signs of life. About a quarter is usual."
    yield ""
    yield from _mix_lines(report)
    yield ""
    yield from _window_lines(report)
    yield ""
    yield from _hours_lines(report)


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

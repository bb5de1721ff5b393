"""`nurture init`: a folder to begin with: a policy and a sequence, ready to be changed."""

from pathlib import Path
from typing import Annotated

import typer

_PLAIN = ("policy.yaml", "welcome.yaml")


def register(app: typer.Typer) -> None:
    """Add `init`."""

    @app.command("init")
    def init_command(
        folder: Annotated[Path, typer.Argument(help="Where to write; made if it is not there.")] = Path(),
        trade: Annotated[str | None, typer.Option("--trade", help="One of: " + ", ".join(trades()) + ".", metavar="NAME")] = None,
    ) -> None:
        """Write a policy and a sequence to begin with. Nothing is stored or sent, and no file is written over."""
        for path in begin(folder, trade):
            typer.echo(f"{path} is written.")
        example = f"{trade}.yaml" if trade else _PLAIN[0]
        typer.echo(f"Change sender and postal address in {folder / example}, and the letters; then: nurture lint {folder}")


def trades() -> list[str]:
    """The trades that have a policy and a sequence of their own."""
    from nurture.shipped import shipped  # noqa: PLC0415 - as all imports of commands

    return sorted(p.stem for p in shipped("trades").glob("*.yaml"))


def begin(folder: Path, trade: str | None) -> list[Path]:
    """Copy the trade's file, or the plain policy and the welcome; all or nothing."""
    from nurture.domain.advice import did_you_mean  # noqa: PLC0415
    from nurture.domain.errors import NurtureError  # noqa: PLC0415
    from nurture.shipped import shipped  # noqa: PLC0415

    if trade is not None and trade not in trades():
        raise NurtureError(f'There is no trade "{trade}"{did_you_mean(trade, trades()) or "."} Choose one of: {", ".join(trades())}.')
    sources = [shipped("trades") / f"{trade}.yaml"] if trade else [shipped("sequences") / name for name in _PLAIN]
    there = [folder / s.name for s in sources if (folder / s.name).exists()]
    if there:
        raise NurtureError(f"{there[0]} is there already and is not written over; move it away, or name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for source in sources:
        target = folder / source.name
        target.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
        written.append(target)
    return written

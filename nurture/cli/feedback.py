"""`nurture feedback` and `judge`: what Nurture would make of raw mails and of hits, with the rules that run in production; no database."""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zlib import crc32

import typer

if TYPE_CHECKING:
    from datetime import datetime

    from nurture.domain.evidence import Hit

Mails = Annotated[list[Path], typer.Argument(help="Raw mails (RFC 5322), or folders of them.", metavar="FILES")]
Hits = Annotated[Path, typer.Argument(help="One JSON object a line; - reads standard input.", metavar="HITS.jsonl")]
Json = Annotated[bool, typer.Option("--json", help="One JSON value, a list, instead of an object a line.")]
PAGES = {"leave": "leave", "unsubscribe": "leave", "preferences": "preferences", "archive": "archive"}
TRAPS = ("trap", "honeypot")
OPENS = (None, "", "open", "pixel")


def register(app: typer.Typer) -> None:
    app.command("feedback")(feedback)
    app.command("judge")(judge)


def feedback(files: Mails, json: Json = False) -> None:
    """Say what raw mails are: a bounce (of whom, is the address dead), a complaint, a reply, an automatic answer. Nothing is stored.

    A line for each file and recipient: file, kind, recipient, hard, suppress, reason.
    """
    _print(list(_read_mails(files)), as_list=json)


def _read_mails(files: list[Path]) -> Iterator[dict[str, Any]]:
    from nurture.domain.feedback import hear  # noqa: PLC0415 - only this command needs it
    from nurture.mail.inbound.opening import LARGEST  # noqa: PLC0415
    from nurture.mail.inbound.reading import read_mail  # noqa: PLC0415

    for file in [f for path in files for f in _files(path)]:
        with file.open("rb") as mail:
            found = hear(read_mail(mail.read(LARGEST)))
        for heard in found:
            yield {
                "file": str(file), "kind": heard.kind.value, "recipient": heard.recipient, "hard": heard.hard, "suppress": heard.suppress,
                "reason": heard.reason,
            }  # fmt: skip


def _files(path: Path) -> list[Path]:
    from nurture.domain.errors import ErrorKind, NurtureError  # noqa: PLC0415

    found = sorted(f for f in path.rglob("*") if f.is_file()) if path.is_dir() else [path]
    if not path.exists():
        raise NurtureError(f"there is no {path}; name files with raw mails, or a folder of them.", ErrorKind.MISSING)
    return found


def judge(hits: Hits, json: Json = False) -> None:
    """Say who made hits: a person, a machine, or nobody can tell. Hits of one delivery are judged together, as in production.

    Each line in has: delivery, link (a number; `leave`, `preferences`, `archive` for the letter's own pages; `trap` for a link that people
    cannot see; none for the picture), method, agent, ip, at and accepted_at (seconds), headers. Each line out has evidence and reason too.
    """
    from nurture.domain.evidence import judge_all  # noqa: PLC0415 - only this command needs it

    rows = list(_rows(hits))
    by_delivery: dict[Any, list[int]] = defaultdict(list)
    for n, row in enumerate(rows):
        by_delivery[str(row.get("delivery"))].append(n)
    for places in by_delivery.values():
        accepted = next((rows[n]["accepted_at"] for n in places if rows[n].get("accepted_at") is not None), None)
        verdicts = judge_all([_hit(rows[n], hits, n) for n in places], None if accepted is None else _moment(accepted, hits, places[0]))
        for n, verdict in zip(places, verdicts, strict=True):
            rows[n] |= {"evidence": verdict.evidence.value, "reason": verdict.reason}
    _print(rows, as_list=json)


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    from nurture.domain.errors import ErrorKind, NurtureError  # noqa: PLC0415

    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NurtureError(f"{file} cannot be read as UTF-8 text; name a file with one JSON object a line.", ErrorKind.MISSING) from error
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise NurtureError(f"{file}, line {number}: this is not JSON; write one object a line.") from error
        if not isinstance(row, dict) or "at" not in row:
            raise NurtureError(f"{file}, line {number}: a hit is an object with at least `delivery` and `at`.")
        yield row


def _hit(row: dict[str, Any], file: Path, number: int) -> "Hit":
    from nurture.domain.evidence import Hit, asks_ahead  # noqa: PLC0415

    link = row.get("link")
    headers = {str(name).lower(): str(value) for name, value in (row.get("headers") or {}).items()}
    page = PAGES.get(link) if isinstance(link, str) else None
    trap = bool(row.get("trap")) or link in TRAPS
    known = isinstance(link, int) or page is not None or trap or link in OPENS
    return Hit(
        _moment(row["at"], file, number), str(row.get("method") or "GET").upper(),
        link if isinstance(link, int) else None if known else crc32(str(link).encode()), page if not trap else None,
        str(row.get("agent") or headers.get("user-agent", "")), str(row.get("ip") or ""), asks_ahead(headers), trap,
    )  # fmt: skip


def _moment(seconds: object, file: Path, number: int) -> "datetime":
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415

    from nurture.domain.errors import NurtureError  # noqa: PLC0415

    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=float(str(seconds)))
    except (ValueError, OverflowError) as error:
        raise NurtureError(f"{file}, hit {number + 1}: {seconds!r} is no moment; write seconds, for instance 1764250000.25.") from error


def _print(rows: list[dict[str, Any]], *, as_list: bool) -> None:
    from nurture.cli.session import print_json  # noqa: PLC0415

    if as_list:
        print_json(rows)
    else:
        sys.stdout.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)

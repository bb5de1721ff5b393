"""`ledger.mark`: database id, last claim number and last hand-off, beside the data, written after the commit they tell of.

So it is never ahead of a database that only crashed; a database behind its mark is a restored backup and starts halted. The claim's
number alone would not tell a backup that was made between a claim and the hand-off of its last letter.
"""

import contextlib
import json
import os
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

NAME = "ledger.mark"


@dataclass(frozen=True, slots=True)
class Handed:
    """A row that was handed over: the fence it had, and when. It never has an older fence, nor with that fence an older moment."""

    row: int
    fence: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Mark:
    identity: bytes
    claims: int
    handed: Handed | None = None


def read_mark(folder: Path) -> Mark | None:
    """The mark, None when there is none or it cannot be read (then there is nothing to hold the database against)."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        raw = json.loads((folder / NAME).read_text())
        handed = raw.get("handed")
        last = Handed(int(handed["row"]), int(handed["fence"]), datetime.fromisoformat(handed["at"])) if handed else None
        return Mark(bytes.fromhex(raw["database"]), int(raw["claims"]), last)
    return None


def write_mark(folder: Path, mark: Mark) -> None:
    """Replace the mark in one step; several processes, and the hands of each, may write it at once."""
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / f"{NAME}.{os.getpid()}.{threading.get_ident()}"
    told: dict[str, object] = {"database": mark.identity.hex(), "claims": mark.claims}
    if mark.handed:
        told["handed"] = {"row": mark.handed.row, "fence": mark.handed.fence, "at": mark.handed.at.isoformat()}
    scratch.write_text(json.dumps(told))
    scratch.replace(folder / NAME)


def behind(mark: Mark | None, identity: bytes, claims: int, stands: Handed | None = None) -> str | None:
    """Why this database must not send yet: it knows less than the mark of the same database; None when all is well.

    `stands`: the row that the mark names, as this database has it; None: it has no such row, or never handed it over.
    """
    if mark is None or mark.identity != identity:
        return None
    after = "it is a restored backup. Letters it does not know of may have left; run `nurture resume` when that is acceptable"
    if mark.claims > claims:
        return f"this database stands at claim {claims}, but letters were handed over up to claim {mark.claims}: {after}"
    if mark.handed and (stands is None or (stands.fence, stands.at) < (mark.handed.fence, mark.handed.at)):
        return f"letters were handed over at {mark.handed.at.isoformat(timespec='seconds')} that this database holds for waiting: {after}"
    return None

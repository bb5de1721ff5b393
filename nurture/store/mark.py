"""`ledger.mark`: database id and last claim number, beside the data, written after the commit it tells of.

So it is never ahead of a database that only crashed; a database behind its mark is a restored backup and starts halted.
"""

import contextlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

NAME = "ledger.mark"


@dataclass(frozen=True, slots=True)
class Mark:
    identity: bytes
    claims: int


def read_mark(folder: Path) -> Mark | None:
    """The mark, None when there is none or it cannot be read (then there is nothing to hold the database against)."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        raw = json.loads((folder / NAME).read_text())
        return Mark(bytes.fromhex(raw["database"]), int(raw["claims"]))
    return None


def write_mark(folder: Path, mark: Mark) -> None:
    """Replace the mark in one step; several processes may share the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / f"{NAME}.{os.getpid()}-{secrets.token_hex(4)}"  # containers may share the folder, and all be number 1
    scratch.write_text(json.dumps({"database": mark.identity.hex(), "claims": mark.claims}))
    scratch.replace(folder / NAME)


def behind(folder: Path, identity: bytes, claims: int) -> str | None:
    """Why this database must not send yet: it knows fewer claims than the mark of the same database; None when all is well."""
    mark = read_mark(folder)
    if mark is None or mark.identity != identity or mark.claims <= claims:
        return None
    return (
        f"this database stands at claim {claims}, but letters were handed over up to claim {mark.claims}: it is a restored backup. "
        "Letters it does not know of may have left; run `nurture resume` when that is acceptable"
    )

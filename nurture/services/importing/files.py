"""The file as bytes: what it is, how it is encoded, and who it is - so that a second run knows it again."""

import codecs
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from nurture.domain.errors import NurtureError

_PIECE = 1 << 20
_LOST = re.compile("[\udc80-\udcff]")
_FOREIGN = re.compile("[^\x00-\x7f\udc80-\udcff]")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NOT_CSV = {
    b"PK\x03\x04": "a zip archive or a spreadsheet",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet",
    b"\x1f\x8b": "a gzip archive",
    b"%PDF": "a PDF",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """`digest` tells this file from any other; bytes that are no text in `encoding` are read as lone surrogates (UTF-8) or replaced."""

    path: Path
    size: int
    encoding: str
    digest: str

    def open(self) -> TextIO:
        errors = "surrogateescape" if self.encoding.startswith("utf-8") else "replace"
        return self.path.open(encoding=self.encoding, errors=errors, newline="")


def inspect(path: Path, told: Iterable[str] = ()) -> Facts:
    """Read the file once, in pieces. `told`: what else makes this import another one. Raises NurtureError with advice."""
    digest = hashlib.blake2b("\0".join(told).encode(), digest_size=20)
    size, lost, foreign = 0, 0, 0
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    head = b""
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                head = head or piece[:4096]
                size += len(piece)
                digest.update(piece)
                if not piece.isascii() or decoder.getstate()[0]:
                    text = decoder.decode(piece)
                    lost += len(_LOST.findall(text))
                    foreign += len(_FOREIGN.findall(text))
    except OSError as error:
        raise NurtureError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from error
    _check(path, head)
    return Facts(path, size, _encoding(head, lost, foreign), digest.hexdigest())


def _check(path: Path, head: bytes) -> None:
    if not head.strip():
        raise NurtureError(f"{path} is empty; it needs a first line that names the columns, such as email,name")
    for mark, what in _NOT_CSV.items():
        if head.startswith(mark):
            raise NurtureError(f"{path} is {what}, not a CSV file; unpack it or save it as CSV (UTF-8) first")


def _encoding(head: bytes, lost: int, foreign: int) -> str:
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    nul = head[:200].count(0)
    if nul * 3 > len(head[:200]):  # every other byte: UTF-16 that lost its mark
        return "utf-16-le" if head[1:2] == b"\0" else "utf-16-be"
    # A few broken bytes in a file that is UTF-8 otherwise are bad rows; many with nothing else are the old Western code page.
    return "utf-8" if lost <= foreign else "cp1252"

"""errors.csv: line, reason and row of all that was refused. It appears with the first error and goes on where a broken-off run left it."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from nurture.domain.cells import guard
from nurture.domain.errors import NurtureError
from nurture.services.importing.batches import Refused

_HEADER = b"line,reason,row\r\n"


class ErrorsFile:
    """`size`: bytes written so far, of this and earlier runs; 0 while the file is not there. Without a path nothing is written."""

    def __init__(self, path: Path | None, source: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self.size = 0
        if path is None or not path.exists():
            return
        if path.resolve() == source.resolve():
            raise NurtureError(f"{path} is the file being imported; name another one for the errors with --errors")
        with path.open("rb") as old:
            ours = old.read(len(_HEADER)) == _HEADER
        if not ours:
            raise NurtureError(f"{path} is there already and holds something else; name another file for the errors with --errors")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file:
            self._file.close()
        elif kind is None and self._path is not None and self._path.exists() and not self.size:
            self._path.unlink()  # the errors of an earlier import, while this one had none

    def go_on(self, size: int, errors: Sequence[Refused]) -> None:
        """After a broken-off run: cut back to what was committed; a list that is gone begins with the `errors` still known."""
        if self._path is None or not size:
            return
        if self._path.exists() and self._path.stat().st_size >= size:
            self._file = self._path.open("r+b")
            self._file.truncate(size)
            self._file.seek(size)
            self.size = size
        else:
            self.write(errors)

    def write(self, errors: Sequence[Refused]) -> int:
        """Add the rows; returns the size the file then has."""
        if self._path is None or not errors:
            return self.size
        if self._file is None:
            self._file = self._path.open("wb")
            self.size = self._file.write(_HEADER)
        text = io.StringIO()
        csv.writer(text).writerows((e.line, guard(e.reason), guard(e.raw.rstrip("\r\n"))) for e in errors)
        self.size += self._file.write(text.getvalue().encode("utf-8", "backslashreplace"))
        self._file.flush()
        return self.size

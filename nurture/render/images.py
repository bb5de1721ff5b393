"""Pictures that lie beside a letter: read once at apply, served under `/media/<hash of their bytes>`."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from nurture.domain.errors import ErrorKind, NurtureError

_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp"}
MAX_BYTES = 2_000_000


@dataclass(frozen=True, slots=True)
class Image:
    """A picture of a letter: its media type and its bytes."""

    type: str
    data: bytes


def load_image(folder: Path | None, src: str, where: str) -> tuple[str, Image]:
    """The picture `src`, named relative to the letter's folder, with its hash. Raises NurtureError with advice."""
    if folder is None:
        raise NurtureError(f"{where}: the picture {src!r} has no host; write https://..., or use a template folder that holds the file.")
    path = (folder / unquote(src)).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise NurtureError(f"{where}: the picture {src!r} lies outside the letter's folder; copy it there.")
    kind = _TYPES.get(path.suffix.lower())
    if kind is None:
        raise NurtureError(f"{where}: {src!r} is not a picture that mail clients show; use png, jpg, gif or webp.")
    if not path.is_file():
        raise NurtureError(f"{where}: there is no picture {src!r} in the letter's folder; add it.", ErrorKind.MISSING)
    data = path.read_bytes()
    if len(data) > MAX_BYTES:
        raise NurtureError(f"{where}: the picture {src!r} is bigger than 2 MB; make it smaller.", ErrorKind.TOO_LARGE)
    return hashlib.sha256(data).hexdigest()[:40], Image(kind, data)

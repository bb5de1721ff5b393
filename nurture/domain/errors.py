"""What can go wrong, said once. An error carries a *kind*; only `api/errors.py` knows HTTP numbers, only the CLI knows exit codes."""

from enum import StrEnum


class ErrorKind(StrEnum):
    INVALID = "invalid"
    MISSING = "missing"
    CONFLICT = "conflict"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    UNAVAILABLE = "unavailable"
    NOT_YET = "not_yet"


class NurtureError(Exception):
    """One clear sentence for the user: what, where, what to do."""

    def __init__(self, message: str, kind: ErrorKind = ErrorKind.INVALID) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind

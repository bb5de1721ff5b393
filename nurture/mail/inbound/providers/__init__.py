"""What mail providers tell by webhook, each in a file of its own: whether the call is theirs, and what it says in our words.

`read(call, secret)` -> told events; raises Refused where the signature, the password or the form is wrong. Providers try again for hours
with the first moment still in the call, so an old moment is no reason to refuse: an event counts once, by its id. One in the future is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from nurture.domain.feedback import Heard
from nurture.domain.people import read_stranger

AHEAD = timedelta(minutes=5)
OLDEST = timedelta(days=4)
MOST_EVENTS = 2_000


class Refused(Exception):  # noqa: N818 - an answer: this call is not to be believed
    """Why a call is not taken in; the words are for the log, not for the caller."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it came. `headers`: lower-case names. `fetch`: gets a small file from an https address of the provider."""

    headers: Mapping[str, str]
    body: bytes
    now: datetime
    fetch: Callable[[str], bytes]

    def json(self) -> Any:
        try:
            return read_stranger(self.body)
        except ValueError as error:
            raise Refused("the body is not JSON") from error


@dataclass(frozen=True, slots=True)
class Told:
    """One event. `id`: the provider's own name for it; `message_ids`: of the letter, as far as the provider kept ours."""

    id: str
    heard: Heard
    message_ids: tuple[str, ...] = ()


def check_moment(call: Call, seconds: object) -> None:
    """Raises Refused for a moment in the future, or one so old that no provider would still try."""
    try:
        at = datetime.fromtimestamp(float(str(seconds)), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Refused("the call names no moment") from error
    if at > call.now + AHEAD or at < call.now - OLDEST:
        raise Refused(f"the call is of {at.isoformat()}")


def text(row: Mapping[str, Any], *names: str) -> str:
    """The first of these fields that holds words or a number."""
    for name in names:
        value = row.get(name)
        if isinstance(value, str | int | float) and str(value):
            return str(value)[:4000]
    return ""


def message_id(value: str) -> tuple[str, ...]:
    """`<a@b>` from `a@b` or `<a@b>`; nothing from nothing."""
    bare = value.strip().strip("<>")
    return (f"<{bare}>",) if "@" in bare else ()

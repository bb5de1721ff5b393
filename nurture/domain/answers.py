"""What an answer of the relay means: for the row, for the person, for the letter, for a domain, for the relay. One pure, readable function.

"5xx means the address is dead" is wrong two times in three; so a code alone decides little. Silence and acceptance are told here, every
refusal by the tables in answer_table.py.
"""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

from nurture.domain.answer_table import NOT_NOW, OPENING, REFUSED, RELAY_AGAIN, Level, RejectedClass, Row, Verdict
from nurture.domain.envelopes import Phase, Reply
from nurture.domain.words import State

__all__ = ["BACK_OFF", "GIVE_UP_AFTER", "Level", "RejectedClass", "Verdict", "back_off", "judge"]

BACK_OFF = tuple(timedelta(seconds=s) for s in (30, 120, 300, 900, 1800, 3600))
GIVE_UP_AFTER = timedelta(hours=72)
_ACCEPTED = Verdict(State.ACCEPTED, "accepted")


def judge(reply: Reply, attempts: int, first_try: datetime | None, now: datetime) -> Verdict:
    """What becomes of the row. `attempts`: counted tries before this one; `first_try`: when the first was (None: this is it)."""
    if reply.code is not None and 200 <= reply.code < 300 and reply.phase is Phase.BODY:
        return _ACCEPTED
    row = _row(reply)
    if row is None:
        verdict = _odd(reply)
    else:
        reason = f"{row.means}: {_short(reply.text)}"
        verdict = Verdict(
            row.state, reason, row.level, row.kind, row.suppress, row.soft, None, row.slows,
            counts_attempt=not (row.free or row.mend), trips=row.mend,
        )  # fmt: skip
    if verdict.state is not State.DEFERRED:
        return verdict
    if first_try is not None and now - first_try >= GIVE_UP_AFTER:
        return replace(verdict, reason=f"expired after 72 hours: {verdict.reason}")
    wait = back_off(reply.delivery, attempts)
    return replace(verdict, retry_after=max(wait, RELAY_AGAIN if row.mend else row.least) if row else wait)


def _row(reply: Reply) -> Row | None:
    """The line of the table that fits; None for what is no refusal."""
    if reply.code is None or not 400 <= reply.code < 600:
        return None
    return next(row for row in (NOT_NOW if reply.code < 500 else REFUSED) if row.fits(reply))


def _odd(reply: Reply) -> Verdict:
    """Silence, by how far the conversation had come; and codes that mean nothing where they were said."""
    if reply.code is not None:
        return Verdict(State.DEFERRED, f"the relay answered {reply.code}, which means nothing here", Level.RELAY)
    if reply.phase is Phase.BODY:
        return Verdict(State.UNKNOWN, "no answer after the body: the relay may have the letter")
    if reply.phase in OPENING:
        return Verdict(State.DEFERRED, f"no session with the relay: {_short(reply.text)}", Level.RELAY, counts_attempt=False)
    return Verdict(State.DEFERRED, f"the line was lost before the body: {_short(reply.text)}", Level.RELAY)


def back_off(delivery: int, attempts: int) -> timedelta:
    """30 s, 2, 5, 15, 30, 60 min, then always 60; each row a fifth earlier or later, always the same for the same row and try."""
    base = BACK_OFF[min(attempts, len(BACK_OFF) - 1)]
    digest = hashlib.blake2b(f"{delivery}:{attempts}".encode(), digest_size=4).digest()
    return base * (0.8 + 0.4 * int.from_bytes(digest, "big") / 2**32)


def _short(text: str) -> str:
    return " ".join(text.split())[:200] or "no words"

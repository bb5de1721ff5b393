"""What an answer of the relay means: for the row, for the person, for the letter, for the relay. One pure, readable function.

"5xx means the address is dead" is wrong two times in three; so a code alone decides little. Read from the top: silence, acceptance, the
relay's own troubles, what is wrong with the letter, what is wrong with the address, and then whatever is left: a refusal for now (4xx) or
for good (5xx).
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from nurture.domain.envelopes import Phase, Reply
from nurture.domain.words import State

BACK_OFF = tuple(timedelta(seconds=s) for s in (30, 120, 300, 900, 1800, 3600))
GREYLIST_LEAST = timedelta(minutes=5)
RELAY_AGAIN = timedelta(minutes=15)
GIVE_UP_AFTER = timedelta(hours=72)


class Level(StrEnum):
    """Whose affair an answer is: only the person's may touch the person; a letter's pauses its lane, the relay's pauses sending."""

    PERSON = "person"
    LETTER = "letter"
    RELAY = "relay"


class RejectedClass(StrEnum):
    NO_SUCH_ADDRESS = "no_such_address"
    FULL = "full"
    DISABLED = "disabled"
    NO_SMTPUTF8 = "no_smtputf8"
    POLICY = "policy"
    CONTENT = "content"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`suppress`: this address is dead. `soft`: three of these over seven days are as much. `slows`: the relay asks for less at a time.

    A `deferred` row is tried again after `retry_after`; None there says that its 72 hours are over: it fails as expired.
    `counts_attempt` False: the try was nobody's fault and does not lengthen the next wait.
    """

    state: State
    reason: str
    level: Level | None = None
    rejected_class: RejectedClass | None = None
    suppress: bool = False
    soft: bool = False
    retry_after: timedelta | None = None
    slows: bool = False
    counts_attempt: bool = True


_OPENING = (Phase.CONNECT, Phase.TLS, Phase.AUTH)
_DEAD = {"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.4.4"}
_SENDER_FAULT = {
    "5.1.7", "5.1.8", "5.7.8", "5.7.9", "5.7.10", "5.7.11", "5.7.20", "5.7.21", "5.7.22", "5.7.23", "5.7.24", "5.7.25", "5.7.26", "5.7.27",
    "5.7.28", "5.7.29", "5.7.30", "5.7.31", "5.7.32", "5.7.509", "5.7.515", "5.7.606", "5.7.708", "5.7.750",
}  # fmt: skip
_SENDER_FAULT_LATER = {"4.7.23", "4.7.24", "4.7.25", "4.7.26", "4.7.27", "4.7.28", "4.7.29", "4.7.30", "4.7.31", "4.7.32", "4.7.650"}
_AUTH_CODES = {530, 534, 535, 538}
_SIZE = {"5.3.4", "5.2.3"}


def _any(*words: str) -> re.Pattern[str]:
    return re.compile("|".join(words), re.IGNORECASE)


_GREYLISTED = _any("gr[ea]y-?list", "try again (?:in|later after)", "deferred.{0,20}first time")
_SENDER_WORDS = _any(
    r"\bSPF\b", r"\bDKIM\b", r"\bDMARC\b", "spamhaus", "block ?list", "black ?list", r"\bD?RBL\b",
    "relay(?:ing)? (?:access )?(?:denied|not)",
    "unable to relay", "poor reputation", "reverse dns", r"\bPTR\b", "authentication required", "sender (?:address )?rejected",
)  # fmt: skip
_NO_ONE = _any(
    "user unknown", "unknown (?:user|recipient|mailbox|local)", "no such (?:user|mailbox|recipient|address|person|local)",
    "(?:user|recipient|mailbox|address|account).{0,60}(?:does not|doesn't|not) exist",
    "(?:user|recipient|mailbox|account).{0,40}(?:not found|not known)", "no mailbox here",
    "invalid (?:recipient|mailbox)", "not our customer",
)  # fmt: skip
_FULL = _any(
    "mailbox (?:is )?full", "over ?quota", "quota exceeded", "exceeded.{0,20}(?:quota|storage)", "insufficient.{0,20}(?:space|quota)"
)
_DISABLED = _any("(?:account|mailbox|user).{0,40}(?:disabled|inactive|suspended|deactivated|locked)")
_SPAM = _any(r"\bspam\b", "junk", "content (?:rejected|filter)", "virus", "phish", "message (?:rejected|refused|blocked)")


def judge(reply: Reply, attempts: int, first_try: datetime | None, now: datetime) -> Verdict:
    """What becomes of the row. `attempts`: counted tries before this one; `first_try`: when the first was (None: this is it)."""
    if reply.code is None:
        verdict = _silence(reply)
    elif 200 <= reply.code < 300:
        verdict = _accepted(reply)
    elif 400 <= reply.code < 500:
        verdict = _not_now(reply)
    elif 500 <= reply.code < 600:
        verdict = _refused(reply)
    else:
        verdict = Verdict(State.DEFERRED, f"the relay answered {reply.code}, which means nothing here", Level.RELAY)
    if verdict.state is not State.DEFERRED:
        return verdict
    if first_try is not None and now - first_try >= GIVE_UP_AFTER:
        return _with_retry(verdict, None)
    return _with_retry(verdict, _wait(reply, verdict, attempts))


def _with_retry(verdict: Verdict, wait: timedelta | None) -> Verdict:
    reason = verdict.reason if wait is not None else f"expired after 72 hours: {verdict.reason}"
    return Verdict(
        verdict.state,
        reason,
        verdict.level,
        verdict.rejected_class,
        verdict.suppress,
        verdict.soft,
        wait,
        verdict.slows,
        verdict.counts_attempt,
    )


def back_off(delivery: int, attempts: int) -> timedelta:
    """30 s, 2, 5, 15, 30, 60 min, then always 60; each row a fifth earlier or later, always the same for the same row and try."""
    base = BACK_OFF[min(attempts, len(BACK_OFF) - 1)]
    digest = hashlib.blake2b(f"{delivery}:{attempts}".encode(), digest_size=4).digest()
    return base * (0.8 + 0.4 * int.from_bytes(digest, "big") / 2**32)


def _wait(reply: Reply, verdict: Verdict, attempts: int) -> timedelta:
    wait = back_off(reply.delivery, attempts)
    if reply.code is not None and reply.code >= 500:
        return max(wait, RELAY_AGAIN)  # somebody has to mend something first
    return max(wait, GREYLIST_LEAST) if verdict.reason == _GREY else wait


_GREY = "greylisted: come again later"


def _silence(reply: Reply) -> Verdict:
    if reply.phase is Phase.BODY:
        return Verdict(State.UNKNOWN, "no answer after the body: the relay may have the letter")
    if reply.phase in _OPENING:
        return Verdict(State.DEFERRED, f"no session with the relay: {_short(reply.text)}", Level.RELAY, counts_attempt=False)
    return Verdict(State.DEFERRED, f"the line was lost before the body: {_short(reply.text)}", Level.RELAY)


def _accepted(reply: Reply) -> Verdict:
    if reply.phase is Phase.BODY:
        return Verdict(State.ACCEPTED, "accepted")
    return Verdict(State.DEFERRED, f"the relay answered {reply.code} in the middle of the conversation", Level.RELAY)


def _not_now(reply: Reply) -> Verdict:
    said = _short(reply.text)
    enhanced = reply.enhanced or ""
    if reply.code in (421, 454):
        return Verdict(State.DEFERRED, f"the relay asks to slow down: {said}", Level.RELAY, slows=True, counts_attempt=False)
    if reply.phase in _OPENING:
        return Verdict(State.DEFERRED, f"the relay opens no session: {said}", Level.RELAY, slows=True, counts_attempt=False)
    if enhanced in _SENDER_FAULT_LATER:
        return Verdict(State.DEFERRED, f"the sending domain is not trusted: {said}", Level.RELAY, slows=True, counts_attempt=False)
    if _GREYLISTED.search(reply.text):
        return Verdict(State.DEFERRED, _GREY, Level.PERSON)
    if enhanced.startswith("4.7."):
        return Verdict(State.DEFERRED, f"the relay holds back: {said}", Level.RELAY, slows=True)
    level = Level.RELAY if reply.phase is Phase.MAIL else Level.PERSON if reply.phase is Phase.RCPT else None
    return Verdict(State.DEFERRED, f"not now: {said}", level)


def _refused(reply: Reply) -> Verdict:  # noqa: PLR0911 - a table read from the top, one row each
    said = _short(reply.text)
    enhanced, text = reply.enhanced or "", reply.text
    if enhanced == "5.6.7":
        return Verdict(State.REJECTED, f"the relay takes no such address: {said}", Level.PERSON, RejectedClass.NO_SMTPUTF8)
    if _is_size(reply):
        return Verdict(State.DEFERRED, f"the letter is too big for the relay: {said}", Level.LETTER, RejectedClass.CONTENT)
    if _is_sender_fault(reply):
        return Verdict(State.DEFERRED, f"the relay refuses this sender: {said}", Level.RELAY, RejectedClass.POLICY, counts_attempt=False)
    if enhanced in _DEAD or (not enhanced and reply.phase is Phase.RCPT and _NO_ONE.search(text)):
        return Verdict(State.REJECTED, f"no such address: {said}", Level.PERSON, RejectedClass.NO_SUCH_ADDRESS, suppress=True)
    if enhanced == "5.2.2" or (_FULL.search(text) and not enhanced.startswith("5.7")):
        return Verdict(State.REJECTED, f"the mailbox is full: {said}", Level.PERSON, RejectedClass.FULL, soft=True)
    if enhanced == "5.2.1" or (_DISABLED.search(text) and not enhanced.startswith("5.7")):
        return Verdict(State.REJECTED, f"the mailbox is disabled: {said}", Level.PERSON, RejectedClass.DISABLED, soft=True)
    if reply.phase is Phase.RCPT:
        kind = RejectedClass.POLICY if enhanced.startswith("5.7") else RejectedClass.REFUSED
        return Verdict(State.REJECTED, f"refused for this address: {said}", Level.PERSON, kind)
    kind = RejectedClass.POLICY if enhanced.startswith("5.7") and not _SPAM.search(text) else RejectedClass.CONTENT
    return Verdict(State.REJECTED, f"the letter was refused: {said}", Level.LETTER, kind)


def _is_size(reply: Reply) -> bool:
    if reply.enhanced in _SIZE:
        return True
    return reply.code == 552 and reply.enhanced is None and reply.phase is not Phase.RCPT and not _FULL.search(reply.text)


def _is_sender_fault(reply: Reply) -> bool:
    """AUTH, MAIL FROM and everything about the sending domain or host: mending it is the operator's, never the person's."""
    if reply.phase in (*_OPENING, Phase.MAIL) or reply.code in _AUTH_CODES or reply.enhanced in _SENDER_FAULT:
        return True
    return not (reply.enhanced or "5.7").startswith(("5.1", "5.2", "5.4")) and bool(_SENDER_WORDS.search(reply.text))


def _short(text: str) -> str:
    return " ".join(text.split())[:200] or "no words"

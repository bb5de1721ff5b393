"""What a mail that came back means: a bounce, a complaint, somebody's own words, an automatic answer, a proof of arrival, or nothing.

A person is suppressed for two things alone: their address is dead, said in words that mean it, or they complained. Everything a relay
holds against the sender, the letter, the size, the time of day is a bounce all the same, and suppresses nobody. An automatic answer is
never a bounce, and never a reply (RFC 3834 2).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from nurture.domain.answers import judge
from nurture.domain.envelopes import Phase, Reply
from nurture.domain.refusal_words import Refusal, refusal_in
from nurture.domain.words import State


class HeardKind(StrEnum):
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    REPLY = "reply"
    AUTO_REPLY = "auto_reply"
    DELIVERED = "delivered"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Failure:
    """What a report says of one recipient. `status`: enhanced code (RFC 3463) or empty; `words`: all that was said about it.

    `final` False: the relay goes on trying. `after_data`: refused with the letter at hand, so its content may be what was refused.
    """

    recipient: str
    action: str = "failed"
    status: str = ""
    words: str = ""
    after_data: bool = False

    @property
    def final(self) -> bool:
        return self.action not in ("delayed", "delivered", "relayed", "expanded")


@dataclass(frozen=True, slots=True)
class Incoming:
    """A mail as read: `failures` of a bounce, `complaint` (the type that a feedback report names), what stands in its head, its own words.

    `text` is what its writer wrote, without what they quote. `from_daemon`: sent by a mail system, not by a person. `answers`: Message-IDs
    that it refers to; `addressed`: to whom it was sent.
    """

    sender: str = ""
    subject: str = ""
    text: str = ""
    failures: tuple[Failure, ...] = ()
    complaint: str | None = None
    recipients: tuple[str, ...] = ()
    automatic: str | None = None
    listed: bool = False
    from_daemon: bool = False
    answers: tuple[str, ...] = ()
    addressed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Heard:
    """One finding about one person. `hard`: this address is dead. `suppress`: nothing more goes there."""

    kind: HeardKind
    recipient: str
    reason: str
    hard: bool = False
    suppress: bool = False
    soft: bool = False
    leaves: bool = False


_ARF_COMPLAINTS = {"abuse", "opt-out", "opt-out-list", "fraud", "complaint", "unsubscribe", "miscategorized"}
_CODE = re.compile(r"(?<![\d.])([245]\d\d)(?=[ \-](?:\D|\d\.\d))")
_ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_SUBJECT = re.compile(r"^[ \t>]{0,60}(?:subject|betreff|тема|temat|objet|asunto)[ \t]{0,9}:.*$", re.IGNORECASE | re.MULTILINE)
_VAGUE = {"5.1.0", "5.2.0", "5.3.0", "5.4.0", "5.5.0", "5.6.0", "5.7.0", "5.7.1", "5.4.1", "5.4.7", "4.4.7", "5.5.4", "5.3.5", "5.5.1"}
_NOT_THE_ADDRESS = (Refusal.SENDER, Refusal.CONTENT, Refusal.SIZE, Refusal.FULL)
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)


def hear(mail: Incoming) -> tuple[Heard, ...]:
    """Every finding of one mail, one for each person it tells of; a mail that tells of nobody gives one without a recipient."""
    if mail.complaint is not None:
        return tuple(complaint(mail.complaint, r) for r in mail.recipients or ("",))
    if mail.failures:
        return tuple(judge_failure(f) for f in mail.failures)
    if mail.automatic:
        return (Heard(HeardKind.AUTO_REPLY, mail.sender, mail.automatic),)
    if mail.from_daemon:
        return (Heard(HeardKind.OTHER, "", "from a mail system, about nobody that it names"),)
    if mail.listed or not mail.sender:
        return (Heard(HeardKind.OTHER, mail.sender, "a mailing, not an answer"),)
    leaves = wants_to_leave(mail.text, mail.subject)
    return (Heard(HeardKind.REPLY, mail.sender, "asks to leave" if leaves else "a person's own words", leaves=leaves),)


def complaint(kind: str, recipient: str) -> Heard:
    """RFC 5965: only `abuse` and its like are about a person's wish; `not-spam` and `auth-failure` are not."""
    if kind in _ARF_COMPLAINTS:
        return Heard(HeardKind.COMPLAINT, recipient, f"reported as {kind}", suppress=True)
    return Heard(HeardKind.OTHER, recipient, f"a feedback report of the type {kind}, about nobody's wish")


def judge_failure(failure: Failure, *, dead: bool = False) -> Heard:
    """What one recipient's line of a report means. `dead`: whoever reports it says by a word of its own that nobody has this address,
    which counts where the relay's words say nothing else.
    """
    heard = _judged(failure)
    if dead and heard.kind is HeardKind.BOUNCE and failure.final and not heard.suppress and _says_nothing(failure, heard):
        reason = f"no such address, says the provider: {_short(failure.words)}"
        return Heard(HeardKind.BOUNCE, heard.recipient, reason, hard=True, suppress=True)
    return heard


def _says_nothing(failure: Failure, heard: Heard) -> bool:
    return not heard.soft and refusal_in(failure.words) is None and (_enhanced(failure) is None or _says_little(_enhanced(failure) or ""))


def _judged(failure: Failure) -> Heard:
    if failure.action in ("delivered", "relayed", "expanded"):
        return Heard(HeardKind.DELIVERED, failure.recipient, failure.action)
    if not failure.final:
        return Heard(HeardKind.BOUNCE, failure.recipient, f"delayed: {_short(failure.words)}")
    words = _SUBJECT.sub("", failure.words)
    enhanced = _enhanced(failure)
    said = refusal_in(words)
    if enhanced is None or _says_little(enhanced):
        return _in_words(failure, said)
    phase = Phase.BODY if failure.after_data else Phase.RCPT
    verdict = judge(Reply(0, phase, _code(failure, enhanced), enhanced, words, ""), 0, None, _NEVER)
    line = next((one for one in words.splitlines() if enhanced in one), words)
    if verdict.suppress and (against := refusal_in(line)) and against[0] in _NOT_THE_ADDRESS:
        return _in_words(failure, against)  # a filter that hides behind the code of an unknown address
    if verdict.state is not State.REJECTED or not (verdict.suppress or verdict.soft):
        return Heard(HeardKind.BOUNCE, failure.recipient, _reason(verdict.reason, said))
    reason = f"{'no such address' if verdict.suppress else 'not now'}: {enhanced} {_short(said[1] if said else line)}"
    return Heard(HeardKind.BOUNCE, failure.recipient, reason, verdict.suppress, verdict.suppress, verdict.soft)


def _says_little(enhanced: str) -> bool:
    """Codes that systems write for everything: the words decide. `5.7.1` stands for any policy, and for unknown recipients too."""
    return enhanced in _VAGUE or enhanced[2:] in ("0.0", "0.1")


def _in_words(failure: Failure, said: tuple[Refusal, str] | None) -> Heard:
    """What the words say; nobody is suppressed for words that say nothing, and a failure whose cause nobody tells is hard all the same."""
    passing = (failure.status or "5").startswith("4")
    if said is None:
        return Heard(HeardKind.BOUNCE, failure.recipient, f"returned, and no reason understood: {_short(failure.words)}", hard=not passing)
    refusal, line = said
    dead = refusal is Refusal.DEAD and not failure.after_data and not passing
    return Heard(HeardKind.BOUNCE, failure.recipient, f"{refusal}: {_short(line)}", dead, dead, refusal in (Refusal.FULL, Refusal.DISABLED))


def _reason(reason: str, said: tuple[Refusal, str] | None) -> str:
    return f"{reason.partition(':')[0]}: {_short(said[1])}" if said else reason


def _enhanced(failure: Failure) -> str | None:
    """The most telling of the codes at hand: a remote server's own before the reporter's, a particular one before `5.0.0`."""
    told = [*_ENHANCED.findall(failure.words), failure.status]
    told = [code for code in told if code and code[0] in "45"]
    telling = [code for code in told if not code.endswith(".0.0")]
    return str(telling[0]) if telling else None


def _code(failure: Failure, enhanced: str | None) -> int:
    """The reply code: as said, else the class of the enhanced one. A report that gave up on a 4xx stays a 4xx."""
    for code in _CODE.findall(failure.words):
        if code[0] in "45":
            return int(code)
    return 450 if (enhanced or failure.status or "5").startswith("4") else 550


_LEAVE = re.compile(
    r"^\W*(?:please\s+|пожалуйста,?\s+|prosz[eę]\s+|bitte\s+)?(?:"
    r"delete(?: me)?|stop|unsubscribe(?: me)?|remove(?: me)?|opt[ -]?out|cancel"
    r"|отпи(?:сать(?:ся)?|ска|сываюсь|ши(?:те)?)(?: меня)?|удалите(?: меня)?|стоп"
    r"|rezygnuj[eę]|wypisz(?:cie)?(?: mnie)?|wypisuj[eę] si[eę]|usu[nń](?:cie)? mnie"
    r"|abmelden|abbestellen|austragen|l[oö]schen"
    r")\b\W*(?:please|me|from|this|your|the|list|mailing|now|пожалуйста|меня|из|рассылки|mnie|z|listy|bitte|mich|\W)*$",
    re.IGNORECASE,
)


def wants_to_leave(text: str, subject: str = "") -> bool:
    """Whether a reply says, in its first line or its subject, nothing but that its writer wants no more letters."""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    if len(first) <= 80 and _LEAVE.match(first):
        return True
    own = re.sub(r"^\s*(?:(?:re|aw|odp|fwd?)\s*:\s*)+", "", subject, flags=re.IGNORECASE)
    return not first and len(subject) == len(own) and bool(_LEAVE.match(own))


def _short(text: str) -> str:
    return " ".join(text.split())[:200] or "no words"

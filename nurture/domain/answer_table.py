"""The answers of relays and receivers as two tables, 4xx and 5xx, read from the top: the first row that fits tells what an answer means.

A row says what it means and what becomes of the letter; what has to fit (phases, codes, enhanced codes, where `5.7.` stands for all of
them, words); and what follows. What is not written fits everything. The words are those of Gmail, Outlook and Exchange, Yahoo, Postfix,
Exim, Sendmail, GMX, mail.ru, Yandex, iCloud, Orange and of relays for hire; tests/domain/test_real_answers.py holds each against its row.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from nurture.domain.envelopes import Phase, Reply
from nurture.domain.refusal_words import DISABLED, FULL, NO_ONE, RELAYING, SPAM, TOO_BIG, UNTRUSTED, any_of
from nurture.domain.words import State


class Level(StrEnum):
    """Whose affair an answer is.

    Only the person's may touch the person. A letter's pauses its lane; a domain's slows or rests that recipient domain; the relay's
    slows the relay, or rests it while another takes over.
    """

    PERSON = "person"
    LETTER = "letter"
    DOMAIN = "domain"
    RELAY = "relay"


class RejectedClass(StrEnum):
    NO_SUCH_ADDRESS = "no_such_address"
    FULL = "full"
    DISABLED = "disabled"
    NO_SMTPUTF8 = "no_smtputf8"
    POLICY = "policy"
    CONTENT = "content"
    REFUSED = "refused"


GREYLIST_LEAST = timedelta(minutes=5)
RELAY_AGAIN = timedelta(minutes=15)  # somebody has to mend something first


@dataclass(frozen=True, slots=True)
class Verdict:
    """`suppress`: this address is dead. `soft`: three of these over seven days are as much. `slows`: less at a time is asked for.

    A `deferred` row is tried again after `retry_after`; None there says that its 72 hours are over: it fails as expired.
    `counts_attempt` False: the try was nobody's fault and does not lengthen the next wait. `trips`: several of these in a row rest the
    relay, or the domain.
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
    trips: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `unless`: words that take the row back. `free`: burns no try. `least`: a next try comes no sooner. `mend`:
    somebody has to mend something first; it burns no try, the next comes in a quarter of an hour, and several rest who says so.
    """

    means: str
    state: State
    level: Level | None = None
    kind: RejectedClass | None = None
    phases: Collection[Phase] = ()
    codes: Collection[int] = ()
    enhanced: Collection[str] = ()
    words: re.Pattern[str] | None = None
    also: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None
    suppress: bool = False
    soft: bool = False
    slows: bool = False
    free: bool = False
    mend: bool = False
    least: timedelta = timedelta(0)

    def fits(self, reply: Reply) -> bool:
        if (self.phases and reply.phase not in self.phases) or (self.codes and reply.code not in self.codes):
            return False
        if self.enhanced and not _among(reply.enhanced or NONE, self.enhanced):
            return False
        if not all(wanted.search(reply.text) for wanted in (self.words, self.also) if wanted):
            return False
        return not (self.unless and self.unless.search(reply.text))


NONE = "none"  # in the column of enhanced codes: the answer has none


def _among(enhanced: str, wanted: Collection[str]) -> bool:
    return enhanced in wanted or enhanced[:4] in wanted


P, S, L, K = Phase, State, Level, RejectedClass
OPENING = (P.CONNECT, P.TLS, P.AUTH)
BEFORE_THE_PERSON = (*OPENING, P.MAIL)
ABOUT_THE_PERSON = (P.RCPT, P.DATA, P.BODY)

_DEAD = ("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.4.4")
_SENDER = (
    "5.1.7", "5.1.8", "5.7.8", "5.7.9", "5.7.10", "5.7.11", "5.7.20", "5.7.21", "5.7.22", "5.7.23", "5.7.24", "5.7.25", "5.7.26", "5.7.27",
    "5.7.28", "5.7.29", "5.7.30", "5.7.31", "5.7.32", "5.7.64", "5.7.501", "5.7.502", "5.7.503", "5.7.509", "5.7.511", "5.7.515",
    "5.7.705", "5.7.708", "5.7.750", "5.2.252", *(f"5.7.{n}" for n in range(606, 650)),
)  # fmt: skip
_SENDER_LATER = ("4.1.8", "4.7.23", "4.7.24", "4.7.25", "4.7.26", "4.7.27", "4.7.29", "4.7.30", "4.7.31", "4.7.32")
_GREY = any_of("gr[ea]y-?list", "deferred.{0,20}first time", "try again (?:in|later after) (?:\\d|a few|some)")
_QUOTA = any_of(
    r"daily.{0,40}(?:quota|limit)", r"sending (?:limit|quota).{0,20}exceeded", r"maximum credits", r"send limit exceeded",
    r"exceeded the max(?:imum)? (?:emails|defers|messages)", r"sending paused", r"relay limit exceeded",
)  # fmt: skip
_SENDER_WORDS = any_of(UNTRUSTED.pattern, r"address is not (?:yet )?verified", r"not (?:yet )?activated", "sandbox")
_OWN_GUESTS = any_of(
    r"RESOLVER\.RST", "only accepts? (?:messages|mail) from", "not authori[sz]ed to send to (?:the|this) (?:recipient|group)",
)  # fmt: skip
_RECEIVERS = any_of(
    r"\bgsmtp\b", "google", "yahoo", r"\bTSS?\d\d\b", r"\b4\.16\.\d+", "outlook", "hotmail", r"\bRP-00\d", r"\(S\d{3,}\)", r"\(AS\d+\)",
    "icloud", "comcast", r"OFR\d", "free\\.fr", r"\bgmx\b", "mail\\.ru", "yandex", r"\brecipient domain", "t-online",
)  # fmt: skip
_MUCH = any_of(
    "unusual rate", "unexpected volume", "user complaints", "rate.?limit", "exceeded the rate", "too (?:many|much)",
    "too (?:fast|quickly)", "throttl", "slow down", "(?:temporarily|permanently) deferred", "server busy", "try again later",
)  # fmt: skip
_ONE_BUSY = any_of(
    r"receiving (?:e?mail|messages) (?:too quickly|at a rate)", "exceeded (?:the|their) limit for the number of messages", "hourly",
)  # fmt: skip
_OURS = any_of("your (?:account|mailbox)", "sender")
_NO_POLICY = ("5.0.", "5.1.", "5.2.", "5.3.", "5.4.", "5.5.", NONE)
_MAYBE_NO_ONE = any_of(r"mailbox (?:is )?unavailable", r"recipient address rejected: access denied")

NOT_NOW: tuple[Row, ...] = (  # 4xx: nobody is blamed for good, and some answers ask for less at a time
    Row("the relay does not let us relay", S.DEFERRED, L.RELAY, K.POLICY, words=RELAYING, mend=True),
    Row("the relay's own quota is used up", S.DEFERRED, L.RELAY, words=_QUOTA, mend=True),
    Row("greylisted: come again later", S.DEFERRED, L.PERSON, words=_GREY, phases=ABOUT_THE_PERSON, least=GREYLIST_LEAST),
    Row("the mailbox gets too much at once", S.DEFERRED, L.PERSON, words=_ONE_BUSY, phases=ABOUT_THE_PERSON, least=GREYLIST_LEAST),
    Row("the receiver takes less for now", S.DEFERRED, L.DOMAIN, enhanced=("4.7.28", "4.7.650", "4.7.651"), slows=True, free=True),
    Row("the sending domain is not trusted", S.DEFERRED, L.RELAY, enhanced=_SENDER_LATER, slows=True, free=True),
    Row("the receiver takes less for now", S.DEFERRED, L.DOMAIN, words=_RECEIVERS, also=_MUCH, phases=(P.MAIL, *ABOUT_THE_PERSON),
        slows=True, free=True),
    Row("the relay asks to slow down", S.DEFERRED, L.RELAY, codes=(421, 454), slows=True, free=True),
    Row("the relay opens no session", S.DEFERRED, L.RELAY, phases=OPENING, slows=True, free=True),
    Row("the relay asks to slow down", S.DEFERRED, L.RELAY, words=any_of("thread limit", "concurrent connections", "too many connections"),
        slows=True, free=True),
    Row("the relay holds back", S.DEFERRED, L.RELAY, enhanced=("4.7.",), slows=True),
    Row("the relay has no room", S.DEFERRED, L.RELAY, codes=(452,), enhanced=("4.3.1",)),
    Row("not now", S.DEFERRED, L.RELAY, phases=(P.MAIL,)),
    Row("not now", S.DEFERRED, L.PERSON, phases=(P.RCPT,)),
    Row("not now", S.DEFERRED),
)  # fmt: skip

REFUSED: tuple[Row, ...] = (  # 5xx, of which two in three are not about the person
    Row("the relay takes no such address", S.REJECTED, L.PERSON, K.NO_SMTPUTF8, enhanced=("5.6.7",)),
    Row("the letter is too big for the relay", S.DEFERRED, L.LETTER, K.CONTENT, enhanced=("5.3.4",), least=RELAY_AGAIN),
    Row("the letter is too big for the relay", S.DEFERRED, L.LETTER, K.CONTENT, codes=(523, 552), enhanced=(NONE,),
        phases=(P.MAIL, P.DATA, P.BODY), words=TOO_BIG, unless=FULL, least=RELAY_AGAIN),
    Row("the letter is too big for this mailbox", S.REJECTED, L.LETTER, K.CONTENT, enhanced=("5.2.3",)),
    Row("the relay refuses this sender", S.DEFERRED, L.RELAY, K.POLICY, phases=BEFORE_THE_PERSON, mend=True),
    Row("the relay refuses this sender", S.DEFERRED, L.RELAY, K.POLICY, codes=(525, 530, 534, 535, 538), mend=True),
    Row("the mailbox gets too much at once", S.DEFERRED, L.PERSON, words=_ONE_BUSY, phases=ABOUT_THE_PERSON, least=GREYLIST_LEAST),
    Row("the receiver takes no letters from strangers", S.REJECTED, L.PERSON, K.POLICY, words=_OWN_GUESTS),
    Row("this sender is refused", S.DEFERRED, L.RELAY, K.POLICY, enhanced=_SENDER, mend=True),
    Row("the relay does not let us relay", S.DEFERRED, L.RELAY, K.POLICY, words=RELAYING, mend=True),
    Row("the relay's own quota is used up", S.DEFERRED, L.RELAY, K.POLICY, words=_QUOTA, unless=FULL, mend=True),
    Row("no such address", S.REJECTED, L.PERSON, K.NO_SUCH_ADDRESS, enhanced=_DEAD, unless=any_of("sender address rejected"),
        suppress=True),
    Row("the mailbox is full", S.REJECTED, L.PERSON, K.FULL, enhanced=("5.2.2",), soft=True),
    Row("the mailbox is disabled", S.REJECTED, L.PERSON, K.DISABLED, enhanced=("5.2.1",), soft=True),
    Row("this sender is refused", S.DEFERRED, L.RELAY, K.POLICY, words=_SENDER_WORDS, mend=True),
    Row("the receiver takes less for now", S.DEFERRED, L.DOMAIN, words=any_of("unusual rate", "too many connections", "rate.?limit"),
        slows=True, free=True, least=RELAY_AGAIN),
    Row("the mailbox is disabled", S.REJECTED, L.PERSON, K.DISABLED, words=DISABLED, phases=ABOUT_THE_PERSON,
        enhanced=_NO_POLICY, unless=_OURS, soft=True),
    Row("no such address", S.REJECTED, L.PERSON, K.NO_SUCH_ADDRESS, phases=ABOUT_THE_PERSON, words=NO_ONE,
        enhanced=(*_NO_POLICY, "5.7.1"), suppress=True),
    Row("the mailbox is full", S.REJECTED, L.PERSON, K.FULL, words=FULL, unless=SPAM, enhanced=_NO_POLICY, soft=True),
    Row("the mailbox is unavailable", S.REJECTED, L.PERSON, K.DISABLED, words=_MAYBE_NO_ONE, phases=ABOUT_THE_PERSON, soft=True),
    Row("refused for this address", S.REJECTED, L.PERSON, K.POLICY, phases=(P.RCPT,), enhanced=("5.7.",)),
    Row("refused for this address", S.REJECTED, L.PERSON, K.REFUSED, phases=(P.RCPT,)),
    Row("the letter was refused", S.REJECTED, L.LETTER, K.CONTENT, words=SPAM),
    Row("the letter was refused", S.REJECTED, L.LETTER, K.POLICY, enhanced=("5.7.",)),
    Row("the letter was refused", S.REJECTED, L.LETTER, K.CONTENT),
)  # fmt: skip

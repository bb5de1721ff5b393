"""The table of answers: (phase, code, enhanced, text) -> what becomes of the row, and whose affair it is."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.answers import BACK_OFF, Level, RejectedClass, Verdict, back_off, judge
from nurture.domain.envelopes import Phase, Reply
from nurture.domain.words import State

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
P, S, L, R = Phase, State, Level, RejectedClass


def say(phase: Phase, code: int | None, words: str = "", attempts: int = 0, first_try: datetime | None = None) -> Verdict:
    head = words.split(" ", maxsplit=1)[0]
    enhanced = head if head[:1] in "245" and head.count(".") == 2 else None
    return judge(Reply(7, phase, code, enhanced, words, "relay"), attempts, first_try, NOW)


TABLE = [
    # the happy end, and silence
    (P.BODY, 250, "2.0.0 queued", S.ACCEPTED, None, None),
    (P.BODY, None, "timed out", S.UNKNOWN, None, None),
    (P.CONNECT, None, "refused", S.DEFERRED, L.RELAY, None),
    (P.TLS, None, "lost", S.DEFERRED, L.RELAY, None),
    (P.AUTH, None, "lost", S.DEFERRED, L.RELAY, None),
    (P.MAIL, None, "lost", S.DEFERRED, L.RELAY, None),
    (P.RCPT, None, "lost", S.DEFERRED, L.RELAY, None),
    (P.DATA, None, "lost", S.DEFERRED, L.RELAY, None),
    (P.RCPT, 250, "odd", S.DEFERRED, L.RELAY, None),
    (P.DATA, 354, "odd", S.DEFERRED, L.RELAY, None),
    # the relay, its door and the sender: never the person
    (P.CONNECT, 554, "no service", S.DEFERRED, L.RELAY, R.POLICY),
    (P.TLS, 530, "5.7.10 no STARTTLS", S.DEFERRED, L.RELAY, R.POLICY),
    (P.AUTH, 535, "5.7.8 bad credentials", S.DEFERRED, L.RELAY, R.POLICY),
    (P.AUTH, 454, "4.7.0 later", S.DEFERRED, L.RELAY, None),
    (P.MAIL, 550, "5.1.8 bad sender domain", S.DEFERRED, L.RELAY, R.POLICY),
    (P.MAIL, 530, "5.7.0 Authentication required", S.DEFERRED, L.RELAY, R.POLICY),
    (P.MAIL, 451, "4.3.0 trouble", S.DEFERRED, L.RELAY, None),
    (P.RCPT, 530, "5.7.0 Must issue a STARTTLS command first", S.DEFERRED, L.RELAY, R.POLICY),
    (P.RCPT, 554, "5.7.1 <b@x.org>: Relay access denied", S.DEFERRED, L.RELAY, R.POLICY),
    (P.RCPT, 550, "5.7.1 blocked using zen.spamhaus.org", S.DEFERRED, L.RELAY, R.POLICY),
    (P.BODY, 550, "5.7.26 Unauthenticated email from example.com", S.DEFERRED, L.RELAY, R.POLICY),
    (P.BODY, 550, "5.7.515 Access denied, sending domain does not meet the required level", S.DEFERRED, L.RELAY, R.POLICY),
    (P.BODY, 550, "5.7.25 no PTR", S.DEFERRED, L.RELAY, R.POLICY),
    (P.BODY, 550, "5.7.29 no TLS", S.DEFERRED, L.RELAY, R.POLICY),
    (P.BODY, 554, "message refused by DMARC policy", S.DEFERRED, L.RELAY, R.POLICY),
    (P.BODY, 421, "4.7.26 unauthenticated", S.DEFERRED, L.RELAY, None),
    (P.BODY, 451, "4.7.26 unauthenticated", S.DEFERRED, L.RELAY, None),
    # the letter
    (P.DATA, 552, "5.3.4 the letter has 900 bytes", S.DEFERRED, L.LETTER, R.CONTENT),
    (P.MAIL, 552, "Message size exceeds fixed limit", S.DEFERRED, L.LETTER, R.CONTENT),
    (P.BODY, 552, "5.2.3 too long", S.REJECTED, L.LETTER, R.CONTENT),
    (P.BODY, 554, "5.6.0 malformed", S.REJECTED, L.LETTER, R.CONTENT),
    (P.BODY, 554, "5.7.1 Message rejected as spam", S.REJECTED, L.LETTER, R.CONTENT),
    (P.BODY, 554, "5.7.1 not allowed", S.REJECTED, L.LETTER, R.POLICY),
    # the address
    (P.RCPT, 550, "5.1.1 user unknown", S.REJECTED, L.PERSON, R.NO_SUCH_ADDRESS),
    (P.BODY, 550, "5.1.1 user unknown", S.REJECTED, L.PERSON, R.NO_SUCH_ADDRESS),
    (P.RCPT, 550, "5.1.2 bad domain", S.REJECTED, L.PERSON, R.NO_SUCH_ADDRESS),
    (P.RCPT, 553, "5.1.3 bad syntax", S.REJECTED, L.PERSON, R.NO_SUCH_ADDRESS),
    (P.RCPT, 550, "5.1.6 moved", S.REJECTED, L.PERSON, R.NO_SUCH_ADDRESS),
    (P.RCPT, 556, "5.1.10 Null MX", S.REJECTED, L.PERSON, R.NO_SUCH_ADDRESS),
    (P.RCPT, 550, "5.4.4 unable to route", S.REJECTED, L.PERSON, R.NO_SUCH_ADDRESS),
    (P.RCPT, 550, "No such user here", S.REJECTED, L.PERSON, R.NO_SUCH_ADDRESS),
    (P.RCPT, 550, "The recipient address <x@y> does not exist", S.REJECTED, L.PERSON, R.NO_SUCH_ADDRESS),
    (P.RCPT, 552, "5.2.2 mailbox full", S.REJECTED, L.PERSON, R.FULL),
    (P.RCPT, 552, "Mailbox full", S.REJECTED, L.PERSON, R.FULL),
    (P.BODY, 552, "5.2.2 over quota", S.REJECTED, L.PERSON, R.FULL),
    (P.RCPT, 550, "5.2.1 mailbox disabled", S.REJECTED, L.PERSON, R.DISABLED),
    (P.RCPT, 550, "this account has been suspended", S.REJECTED, L.PERSON, R.DISABLED),
    (P.RCPT, 553, "5.6.7 no SMTPUTF8", S.REJECTED, L.PERSON, R.NO_SMTPUTF8),
    (P.RCPT, 550, "Requested action not taken: mailbox unavailable", S.REJECTED, L.PERSON, R.DISABLED),
    (P.RCPT, 550, "5.7.1 you may not write to this person", S.REJECTED, L.PERSON, R.POLICY),
    # for now
    (P.RCPT, 451, "4.7.1 Greylisted, see postgrey", S.DEFERRED, L.PERSON, None),
    (P.RCPT, 450, "4.2.0 Greylisting in action", S.DEFERRED, L.PERSON, None),
    (P.RCPT, 452, "4.2.2 mailbox full", S.DEFERRED, L.PERSON, None),
    (P.BODY, 451, "4.3.0 local trouble", S.DEFERRED, None, None),
    (P.RCPT, 421, "4.7.28 unusual rate", S.DEFERRED, L.DOMAIN, None),
    (P.BODY, 451, "4.7.500 server busy", S.DEFERRED, L.RELAY, None),
]


@pytest.mark.parametrize(("phase", "code", "words", "state", "level", "kind"), TABLE)
def test_the_table(phase: Phase, code: int | None, words: str, state: State, level: Level | None, kind: RejectedClass | None) -> None:
    verdict = say(phase, code, words)
    assert (verdict.state, verdict.level, verdict.rejected_class) == (state, level, kind)
    assert verdict.suppress == (kind is R.NO_SUCH_ADDRESS)
    assert verdict.soft == (kind in (R.FULL, R.DISABLED))
    assert (verdict.retry_after is not None) == (state is S.DEFERRED)
    assert verdict.reason


@pytest.mark.parametrize(
    ("phase", "code", "words", "slows", "counts"),
    [
        (P.RCPT, 421, "too much", True, False),
        (P.BODY, 454, "4.7.0 throttled", True, False),
        (P.BODY, 451, "4.7.500 busy", True, True),
        (P.RCPT, 451, "4.7.1 greylisted", False, True),
        (P.RCPT, 450, "4.2.1 later", False, True),
        (P.CONNECT, None, "refused", False, False),
        (P.MAIL, None, "lost", False, True),
        (P.AUTH, 535, "5.7.8 bad", False, False),
        (P.BODY, 250, "ok", False, True),
    ],
)
def test_who_slows_and_what_burns_a_try(phase: Phase, code: int | None, words: str, slows: bool, counts: bool) -> None:
    verdict = say(phase, code, words)
    assert (verdict.slows, verdict.counts_attempt) == (slows, counts)


def test_waiting_grows_with_jitter_and_is_the_same_for_the_same_row() -> None:
    for attempt, base in enumerate(BACK_OFF):
        waits = {back_off(row, attempt) for row in range(200)}
        assert len(waits) > 190
        assert all(base * 0.8 <= wait <= base * 1.2 for wait in waits)
    assert back_off(1, 50) <= timedelta(minutes=72)
    assert say(P.RCPT, 450, "4.2.0 x", attempts=3) == say(P.RCPT, 450, "4.2.0 x", attempts=3)


def test_greylisting_waits_five_minutes_at_least() -> None:
    wait = say(P.RCPT, 451, "4.7.1 greylisted").retry_after
    assert wait is not None
    assert wait >= timedelta(minutes=5)


def test_after_72_hours_a_deferred_letter_expires_but_nothing_else_does() -> None:
    old = NOW - timedelta(hours=72)
    assert say(P.RCPT, 450, "4.2.0 x", 9, old).retry_after is None
    assert say(P.RCPT, 450, "4.2.0 x", 9, old).reason.startswith("expired after 72 hours")
    assert say(P.RCPT, 450, "4.2.0 x", 9, old + timedelta(seconds=1)).retry_after is not None
    assert say(P.BODY, 250, "ok", 9, old).state is S.ACCEPTED
    assert say(P.BODY, None, "silent", 9, old).state is S.UNKNOWN


@given(
    st.sampled_from(Phase),
    st.none() | st.integers(-1, 700),
    st.none() | st.sampled_from(["5.1.1", "5.7.26", "4.7.1", "9.9.9"]),
    st.text(),
    st.integers(0, 99),
)
def test_every_answer_is_judged(phase: Phase, code: int | None, enhanced: str | None, text: str, attempts: int) -> None:
    verdict = judge(Reply(1, phase, code, enhanced, text, "r"), attempts, None, NOW)
    assert verdict.state in (S.ACCEPTED, S.DEFERRED, S.REJECTED, S.UNKNOWN)
    assert (verdict.state is S.UNKNOWN) == (phase is P.BODY and code is None)
    if verdict.suppress:
        assert verdict.level is L.PERSON
        assert code is not None
        assert code >= 500
    if phase in (P.CONNECT, P.TLS, P.AUTH):
        assert not verdict.suppress


@pytest.mark.parametrize(
    ("code", "state", "slow"),
    [
        (199, S.DEFERRED, False), (200, S.ACCEPTED, False), (299, S.ACCEPTED, False), (300, S.DEFERRED, False), (399, S.DEFERRED, False),
        (420, S.DEFERRED, False), (421, S.DEFERRED, True), (499, S.DEFERRED, False),
        (500, S.REJECTED, False), (599, S.REJECTED, False), (600, S.DEFERRED, False),
    ],
)  # fmt: skip
def test_the_hundreds_decide_where_nothing_else_is_said(code: int, state: State, slow: bool) -> None:
    verdict = say(P.BODY, code, "well")
    assert (verdict.state, verdict.slows) == (state, slow)
    nothing = code in (199, 300, 399, 600)
    assert ("means nothing here" in verdict.reason) is nothing
    assert verdict.level is (L.RELAY if nothing or slow else L.LETTER if code >= 500 else None)


@pytest.mark.parametrize("code", [530, 534, 535, 538])
def test_codes_of_authentication_are_the_relays_in_every_phase(code: int) -> None:
    for phase in (P.RCPT, P.DATA, P.BODY):
        assert say(phase, code, "no").level is L.RELAY
    assert say(P.RCPT, code + 1, "no").level is L.PERSON or code == 534


def test_the_waits_are_those_of_the_documents() -> None:
    assert [wait.total_seconds() for wait in BACK_OFF] == [30, 120, 300, 900, 1800, 3600]
    for attempt, base in enumerate([*BACK_OFF, BACK_OFF[-1]]):
        wait = say(P.RCPT, 450, "4.2.0 x", attempts=attempt).retry_after
        assert wait is not None
        assert base * 0.8 <= wait <= base * 1.2


def test_what_somebody_has_to_mend_is_not_asked_again_for_a_quarter_of_an_hour() -> None:
    assert say(P.MAIL, 550, "5.1.8 bad sender domain").retry_after == timedelta(minutes=15)
    assert say(P.DATA, 552, "5.3.4 too big").retry_after == timedelta(minutes=15)
    assert (say(P.MAIL, 550, "5.1.8 bad sender domain", attempts=5).retry_after or timedelta(0)) > timedelta(minutes=15)
    assert (say(P.MAIL, 451, "4.3.0 trouble").retry_after or timedelta(0)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("phase", "words", "kind"),
    [
        (P.RCPT, "user unknown", R.NO_SUCH_ADDRESS),
        (P.RCPT, "5.0.0 user unknown", R.NO_SUCH_ADDRESS),  # a class that says nothing
        (P.RCPT, "5.7.1 No such user!", R.NO_SUCH_ADDRESS),  # 5.7.1 stands for any policy, and for unknown people too
        (P.RCPT, "5.7.1 mailbox full", R.POLICY),
        (P.RCPT, "5.7.1 account suspended", R.POLICY),  # whose?
        (P.RCPT, "your account has been suspended", R.REFUSED),
        (P.BODY, "user unknown", R.NO_SUCH_ADDRESS),  # there are receivers who look for the person when they have the letter
        (P.RCPT, "5.2.2 nothing", R.FULL),
        (P.RCPT, "5.2.1 nothing", R.DISABLED),
        (P.BODY, "account suspended", R.DISABLED),
    ],
)
def test_words_decide_only_where_the_class_is_silent(phase: Phase, words: str, kind: RejectedClass) -> None:
    assert say(phase, 550, words).rejected_class is kind


def test_what_the_relay_said_is_told_in_short() -> None:
    assert say(P.BODY, 451, "a\n  b " + "c" * 300).reason == "not now: a b " + "c" * 196
    assert say(P.BODY, 451, "").reason == "not now: no words"

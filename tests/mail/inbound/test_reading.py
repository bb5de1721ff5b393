"""Mails that come back, written here as the systems of the field write them: what each is taken for, of whom, and who is suppressed."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nurture.domain.feedback import Heard, HeardKind, hear
from nurture.mail.inbound.opening import open_mail
from nurture.mail.inbound.reading import read_mail
from tests.support.returned import AWAY, DAEMON, dsn, prose, reply, report


def one(raw: bytes) -> Heard:
    (heard,) = hear(read_mail(raw))
    return heard


DEAD = {
    "postfix": dsn("failed", "5.1.1", "550 5.1.1 <mia@example.org>: Recipient address rejected: User unknown in virtual mailbox table"),
    "gmail": dsn("failed", "5.1.1", "550-5.1.1 The email account that you tried to reach does not exist. Please try\n 550 5.1.1 double-checking"),
    "exchange online": dsn("failed", "5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"),
    "a vague code and clear words": dsn("failed", "5.0.0", "550 unknown user mia@example.org"),
    "5.7.1 and clear words": dsn("failed", "5.7.1", "550 5.7.1 <mia@example.org>... No such user here"),
    "host unknown": dsn("failed", "5.1.2", "550 Host unknown (Name server: example.org: host not found)"),
    "qmail": prose("Hi. This is the qmail-send program at mx.example.net.\n\n<mia@example.org>:\nSorry, no mailbox here by that name. (#5.1.1)\n"),
    "exchange of old": prose("Your message\n\n  To: mia@example.org\n\ndid not reach the following recipient(s):\n\nmia@example.org on Fri, 20 Jul 2001"
                             " 11:08:59 -0700\n    The recipient name is not recognized\n", "Undeliverable: Five questions"),
    "domino": prose("Your message\n\nwas not delivered to:\n  mia@example.org\n\nbecause:\n  User mia (mia@example.org) not listed in Domino Directory\n"),
    "russian": prose("Письмо не может быть доставлено:\n\n  <mia@example.org>\n  550 пользователь не найден\n", "Mail failure."),
    "german": prose("Ihre Nachricht konnte nicht zugestellt werden:\n\n<mia@example.org>: Empfänger unbekannt\n", "Unzustellbar: Fragen"),
    "polish": prose("Nie można dostarczyć wiadomości:\n\n<mia@example.org>: użytkownik nie istnieje\n", "Zwrot: pytania"),
    "french": prose("Le message n'a pas pu être délivré.\n\n<mia@example.org>:\nL'adresse n'existe pas.\n", "Delivery failure"),
}  # fmt: skip
ALIVE = {
    "full": dsn("failed", "5.2.2", "552 5.2.2 mailbox full"),
    "full by words": prose("<mia@example.org>:\nThis person's account is exceeding their quota.\n"),
    "disabled": dsn("failed", "5.2.1", "550 5.2.1 The email account that you tried to reach is disabled"),
    "dmarc": dsn("failed", "5.7.26", "550-5.7.26 This mail is unauthenticated, which poses a security risk"),
    "microsoft": dsn("failed", "5.7.515", "550 5.7.515 Access denied, sending domain doesn't meet the required authentication level"),
    "block list behind 5.1.1": dsn("failed", "5.1.1", "550 5.1.1 <mia@example.org>: host blocked using zen.spamhaus.org"),
    "spam": dsn("failed", "5.0.0", "554 Message rejected as spam by content scanner"),
    "size": dsn("failed", "5.3.4", "552 5.3.4 Message size exceeds fixed limit"),
    "gave up": dsn("failed", "4.4.7", "451 4.4.1 connection timed out, delivery expired"),
    "refused with the letter at hand": dsn("failed", "5.0.0", "550 Unknown user mia (in reply to end of DATA command)"),
    "relay denied": dsn("failed", "5.7.1", "554 5.7.1 <mia@example.org>: Relay access denied"),
    "no reason": prose("I'm afraid I wasn't able to deliver your message.\n\n<mia@example.org>:\n"),
}  # fmt: skip


@pytest.mark.parametrize("raw", DEAD.values(), ids=DEAD)
def test_a_dead_address_is_found_and_suppressed(raw: bytes) -> None:
    heard = one(raw)
    assert (heard.kind, heard.recipient, heard.hard, heard.suppress) == (HeardKind.BOUNCE, "mia@example.org", True, True), heard.reason


@pytest.mark.parametrize("raw", ALIVE.values(), ids=ALIVE)
def test_a_refusal_for_any_other_cause_suppresses_nobody(raw: bytes) -> None:
    heard = one(raw)
    assert (heard.kind, heard.recipient, heard.suppress) == (HeardKind.BOUNCE, "mia@example.org", False), heard.reason


@pytest.mark.parametrize("name", ["full", "full by words", "disabled"])
def test_full_and_disabled_boxes_are_soft(name: str) -> None:
    assert one(ALIVE[name]).soft
    assert not one(ALIVE[name]).hard


@pytest.mark.parametrize(("action", "kind"), [("delayed", "bounce"), ("delivered", "delivered"), ("relayed", "delivered"), ("expanded", "delivered")])
def test_a_report_of_something_else_than_failure(action: str, kind: str) -> None:
    heard = one(dsn(action, "4.0.0" if action == "delayed" else "2.0.0", "250 ok, user unknown"))
    assert (heard.kind, heard.hard, heard.suppress) == (kind, False, False)


def test_a_delay_in_words_is_no_failure() -> None:
    heard = one(prose("Your message has not yet been delivered to:\n\n  mia@example.org\n\nDelivery attempts will continue. User unknown yet.\n",
                      "Warning: message delayed 24 hours"))  # fmt: skip
    assert (heard.kind, heard.hard, heard.suppress) == (HeardKind.BOUNCE, False, False)


def test_each_recipient_of_a_report_has_a_verdict_of_its_own() -> None:
    more = "\nFinal-Recipient: rfc822; tom@example.org\nAction: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 5.2.2 mailbox full\n"
    found = {h.recipient: h.suppress for h in hear(read_mail(dsn("failed", "5.1.1", "550 5.1.1 user unknown", more=more)))}
    assert found == {"mia@example.org": True, "tom@example.org": False}
    words = "The following addresses failed:\n\n<mia@example.org>:\n550 no such user\n\n<tom@example.org>:\nmailbox is full\n"
    assert {h.recipient: h.suppress for h in hear(read_mail(prose(words)))} == found


def test_an_address_that_is_only_mentioned_is_not_suppressed() -> None:
    text = "<mia@example.org>: No matches to name server query\n\n" + "filler\n" * 6 + "If mike@example.org fails, try michael@example.org instead.\n"
    assert {h.recipient for h in hear(read_mail(prose(text))) if h.suppress} == {"mia@example.org"}


@pytest.mark.parametrize("kind", ["abuse", "opt-out", "fraud"])
def test_a_complaint_suppresses(kind: str) -> None:
    heard = one(report(kind))
    assert (heard.kind, heard.recipient, heard.suppress, heard.hard) == (HeardKind.COMPLAINT, "mia@example.org", True, False)


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure"])
def test_a_feedback_report_about_nobodys_wish_does_not(kind: str) -> None:
    heard = one(report(kind))
    assert (heard.kind, heard.suppress) == (HeardKind.OTHER, False)


def test_several_complaints_in_one_report_count_once_each() -> None:
    told = "Original-Rcpt-To: <mia@example.org>\nOriginal-Rcpt-To: <tom@example.org>\nRemoval-Recipient: MIA@example.org\n"
    assert [h.recipient for h in hear(read_mail(report("abuse", told)))] == ["mia@example.org", "tom@example.org"]


def test_a_complaint_that_names_nobody_is_about_whom_the_letter_was_for() -> None:
    assert one(report("abuse", "")).recipient == "mia@example.org"


@pytest.mark.parametrize("raw", AWAY.values(), ids=AWAY)
def test_an_answering_machine_is_neither_a_reply_nor_a_bounce(raw: bytes) -> None:
    heard = one(raw)
    assert (heard.kind, heard.recipient, heard.suppress) == (HeardKind.AUTO_REPLY, "mia@example.org", False)


REPLIES = {
    "plain": reply("Thank you, how much is the roof?"),
    "about a bounce": reply("My friend says: user unknown, mailbox not found. Can you help?", "", "Re: Undelivered Mail Returned to Sender"),
    "html": b"From: mia@example.org\nContent-Type: text/html\nSubject: Re: hi\n\n<p>Good <b>letter</b></p>",
}


@pytest.mark.parametrize("raw", REPLIES.values(), ids=REPLIES)
def test_a_person_is_heard(raw: bytes) -> None:
    heard = one(raw)
    assert (heard.kind, heard.recipient, heard.suppress, heard.leaves) == (HeardKind.REPLY, "mia@example.org", False, False)


@pytest.mark.parametrize("word", ["STOP", "delete", "Unsubscribe me, please.", "Отписаться", "отпишите меня", "Rezygnuję", "wypisz mnie", "Abmelden", "remove me from the list"])
def test_a_leave_word_leaves(word: str) -> None:
    assert one(reply(f"{word}\n\nOn Monday Anna wrote:\n> Five questions\n")).leaves
    assert one(reply("", "", word)).leaves


@pytest.mark.parametrize("text", ["Stop by our shop, we would love to see you!", "Do not delete my data, please", "I will not unsubscribe", "> STOP\nI like it"])
def test_a_word_in_a_sentence_does_not_leave(text: str) -> None:
    assert not one(reply(text)).leaves


def test_a_newsletter_is_nothing() -> None:
    assert one(reply("News!", "List-Id: <news.example.org>\n", "News")).kind is HeardKind.OTHER


def test_a_receipt_is_an_automatic_answer() -> None:
    raw = reply("--b\nContent-Type: text/plain\n\nRead.\n--b\nContent-Type: message/disposition-notification\n\nDisposition: manual-action; displayed\n--b--",
                "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n", "Read: Five questions")  # fmt: skip
    assert one(raw).kind is HeardKind.AUTO_REPLY


HOSTILE = {
    "parts": b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\n\nx\n" * 50_000,
    "nested": b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(5_000)),
    "comments": b"From: " + b"(" * 100_000 + b"\n\nx",
    "dashes": DAEMON.encode() + b"Subject: failure notice\n\n" + b"-" * 250_000,
    "tabs": DAEMON.encode() + b"Subject: failure notice\n\n" + b"\t" * 250_000 + b"x",
    "at signs": DAEMON.encode() + b"Subject: failure notice\n\n" + b"a@" * 120_000,
    "tags": DAEMON.encode() + b"Content-Type: text/html\nSubject: failure notice\n\n" + b"<div>" * 50_000,
    "charset": b"Content-Type: text/plain; charset=punycode\nSubject: =?rot13?b?!!!?=\n\n" + b"\xff" * 100_000,
    "base64": b"Subject: =?utf-8?b?a?=\nContent-Transfer-Encoding: base64\n\n" + b"=" * 100_000,
    "nothing": b"",
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_hostile_mail_costs_little_and_raises_nothing(raw: bytes) -> None:
    start = time.process_time()
    assert not any(h.suppress for h in hear(read_mail(raw)))
    assert time.process_time() - start < 1  # of work in this process; a careless reading takes minutes


@pytest.mark.parametrize("charset", ["unicode_escape", "raw-unicode-escape", "utf-7"])
def test_what_no_database_keeps_is_no_charset(charset: str) -> None:
    """Lone surrogates, which these make, cannot be written as UTF-8: such a letter would come again for ever."""
    mail = read_mail(reply(r"\ud800 +2AA-", f"Content-Type: text/plain; charset={charset}\n", rf"=?{charset}?q?\ud800_+2AA-?="))
    assert (mail.subject, mail.text) == (r"\ud800 +2AA-", r"\ud800 +2AA-")


def test_depth_and_parts_are_bounded() -> None:
    assert len(open_mail(HOSTILE["parts"]).parts) <= 50
    assert all(part.depth <= 8 for part in open_mail(HOSTILE["nested"]).parts)


SEEDS = [*DEAD.values(), *ALIVE.values(), *AWAY.values(), report("abuse")]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=12), st.integers(0, 60)), max_size=12))
def test_broken_mails_raise_nothing(seed: bytes, cuts: list[tuple[float, bytes, int]]) -> None:
    raw = bytearray(seed)
    for where, put, drop in cuts:
        at = int(where * len(raw))
        raw[at : at + drop] = put
    for heard in hear(read_mail(bytes(raw))):
        assert not heard.suppress or heard.kind in (HeardKind.BOUNCE, HeardKind.COMPLAINT)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=3_000))
def test_any_bytes_raise_nothing(raw: bytes) -> None:
    hear(read_mail(raw))

"""Which headers stand on which letter, and what no name, subject or body can do to them: on the bytes that a real server received."""

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from functools import lru_cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.documents import Policy, Sender
from nurture.domain.envelopes import Envelope
from nurture.domain.letterbook import LetterBook
from nurture.domain.readers import Reader
from nurture.domain.tokens import TokenKey
from nurture.domain.words import Kind
from nurture.mail.plan import dot_stuffed
from nurture.mail.relay import SmtpRelay
from nurture.render.headers import address_header, text_header
from nurture.render.rendering import prepare
from nurture.services.sending.desk import Prepared
from nurture.services.sending.rules import SendingRules
from nurture.services.sending.writing import Outgoing, Unwritable, Writer
from nurture.store.claims import Claimed
from tests.support.letters import POSTAL, compiled
from tests.support.naughty import NAUGHTY
from tests.support.smtp import SmtpSink

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
STRICT = policy.SMTP.clone(raise_on_defect=True)
ON_EVERY_LETTER = ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Feedback-ID")
ON_ALL_BUT_SERVICE = ("List-Id", "List-Unsubscribe", "List-Unsubscribe-Post")
NEVER = ("Cc", "Bcc", "Sender", "Precedence", "Auto-Submitted", "In-Reply-To", "References", "Return-Path", "X-Evil")
SMUGGLED = "\r\n.\r\nMAIL FROM:<evil@example.com>\r\nRCPT TO:<x@example.com>\r\nDATA\r\nBcc: evil@example.com\r\n\r\nHi"


@lru_cache
def prepared(body: str, kind: Kind) -> Prepared:
    letter = compiled(body, kind=kind.value, subject="For {{ name }}", preheader="{{ name }}")
    return Prepared("roofing-school/x", prepare(letter.content, letter.links))


def written(
    words: str = "Bob", kind: Kind = Kind.USEFUL, people: int = 1, body: str = "Hello {{ name }}, [go](https://example.com/)",
    sender: str = "anna@example.com",
) -> list[Envelope]:  # fmt: skip
    """Letters of one kind through the writer of the sending path, for people of that name; the subject says it too."""
    book = LetterBook(Policy(sender=Sender(name="Anna", address=sender), postal_address=POSTAL), {})
    writer = Writer.of(SendingRules("https://news.example.com"), book, TokenKey.derive("a secret of thirty-two characters and more"), NOW)
    rows = [
        Claimed(
            id=n, fence=1, subscriber_id=n, version_id=1, lane_id=1, kind=kind, message_id=f"<letter-{n}@example.com>", attempts=0,
            first_try_at=None, closes_at=None, payload=None,
        ) for n in range(1, people + 1)
    ]  # fmt: skip
    readers = {n: Reader(n, f"bob{n}@example.org", words, fields={"x": words}) for n in range(1, people + 1)}
    lane = "service" if kind is Kind.SERVICE else "sequence:roofing-school"
    ready = list(writer.write(rows, lane, {1: prepared(body, kind)}, readers, NOW))
    assert not [written for written in ready if isinstance(written, Unwritable)]
    return [outgoing.envelope for outgoing in ready if isinstance(outgoing, Outgoing)]


def strictly(raw: bytes) -> EmailMessage:
    assert raw.count(b"\r\n") == raw.count(b"\n") == raw.count(b"\r")
    parsed = message_from_bytes(raw, EmailMessage, policy=STRICT)
    assert [part.defects for part in parsed.walk()] == [[], [], []]
    return parsed


@pytest.mark.parametrize("kind", Kind)
def test_the_headers_of_every_kind(kind: Kind) -> None:
    one, other = (strictly(envelope.message) for envelope in written(kind=kind, people=2))
    for name in ON_EVERY_LETTER:
        assert len(one.get_all(name, [])) == 1, name
    for name in ON_ALL_BUT_SERVICE:
        assert len(one.get_all(name, [])) == (kind is not Kind.SERVICE), name
    assert [name for name in NEVER if name in one] == []
    assert parsedate_to_datetime(one["Date"]) == NOW
    assert not re.match(r"(?i)(re|fwd?):", one["Subject"])
    feedback = one["Feedback-ID"].split(":")
    assert len(feedback) <= 4
    assert 5 <= len(feedback[-1]) <= 15
    assert one["Feedback-ID"] == other["Feedback-ID"]
    assert one["Message-ID"] != other["Message-ID"]


def test_the_two_ways_out_are_on_one_line_each() -> None:
    (envelope,) = written()
    head = envelope.message.partition(b"\r\n\r\n")[0].split(b"\r\n")
    (unsubscribe,) = [line for line in head if line.startswith(b"List-Unsubscribe:")]
    assert re.fullmatch(
        rb"List-Unsubscribe: <https://news\.example\.com/u/[A-Za-z0-9_-]{44}>, <mailto:anna@example\.com\?subject=unsubscribe>", unsubscribe
    )
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in head


@pytest.mark.parametrize("sender", ["anna@example.com", "änna@example.com"])
def test_what_is_called_clean_is_ascii_and_needs_no_mending(sender: str) -> None:
    for envelope in [envelope for words in NAUGHTY for envelope in written(words, sender=sender)]:
        assert envelope.clean == envelope.message.isascii() == sender.isascii()
        assert dot_stuffed(envelope.message) == envelope.message + b".\r\n"


async def test_naughty_names_and_subjects_arrive_as_they_left(smtp_sink: SmtpSink) -> None:
    relay = SmtpRelay(smtp_sink.url)
    sent = [envelope for words in NAUGHTY for envelope in written(words)]
    for envelope in sent:
        assert (await relay.deliver(envelope)).code == 250
    await relay.close()
    assert [letter.raw for letter in smtp_sink.letters] == [envelope.message for envelope in sent]
    for letter, words in zip(smtp_sink.letters, NAUGHTY, strict=True):
        parsed = strictly(letter.raw)
        assert letter.recipient == "bob1@example.org"
        assert [name for name in NEVER if name in parsed] == []
        assert parsed["To"].addresses[0].addr_spec == "bob1@example.org"
        assert parsed["From"].addresses[0].addr_spec == "anna@example.com"
        for line in letter.raw.partition(b"\r\n\r\n")[0].split(b"\r\n"):
            assert len(line) <= 76 or line.startswith((b"List-Unsubscribe:", b"Content-Type:"))
            assert all(len(word) <= 75 for word in re.findall(rb"=\?.*?\?=", line))
        if words.isprintable() and "=?" not in words:
            assert re.sub(r"\s+", " ", parsed["Subject"]) == re.sub(r"\s+", " ", f"For {words}").strip()


@pytest.mark.parametrize("words", [".", "\n.\n", "\r.\r", "\r\n.\n", "\n.\r\n", SMUGGLED])
async def test_no_words_and_no_body_end_the_conversation(smtp_sink: SmtpSink, words: str) -> None:
    relay = SmtpRelay(smtp_sink.url)
    bodies = (f"Hello\n\n{words}\n\n{{{{ fields.x }}}}\n\nend", f"{{% set x = name %}}{{{{ x }}}}{words}", "<pre>\n.\n..\n</pre>\n\n.")
    sent = [envelope for body in bodies for kind in (Kind.USEFUL, Kind.SERVICE) for envelope in written(words, kind, body=body)]
    for envelope in sent:
        assert (await relay.deliver(envelope)).code == 250
    await relay.close()
    assert [letter.raw for letter in smtp_sink.letters] == [envelope.message for envelope in sent]
    assert {letter.recipient for letter in smtp_sink.letters} == {"bob1@example.org"}
    assert not any("evil" in command.lower() for command in smtp_sink.commands)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80), st.from_regex(r"[a-z0-9+_'-]{1,30}(\.[a-z0-9]{1,5})?@[a-z]{1,20}\.org", fullmatch=True))
def test_plain_names_come_back_from_a_strict_parser(name: str, address: str) -> None:
    raw = address_header("To", name, address)
    assert all(len(line) <= 75 or " " not in line.strip() for line in raw.decode().split("\r\n"))
    (found,) = message_from_bytes(raw + b"\r\n", EmailMessage, policy=STRICT)["To"].addresses
    assert found.addr_spec == address
    assert found.display_name == re.sub(" +", " ", name).strip()


@given(st.text(st.characters(min_codepoint=32, max_codepoint=0x2000), max_size=120))
def test_subjects_come_back_from_a_strict_parser(subject: str) -> None:
    raw = text_header("Subject", subject)
    assert all(len(line) <= 75 for line in raw.decode().split("\r\n"))
    found = str(message_from_bytes(raw + b"\r\n", EmailMessage, policy=STRICT)["Subject"])
    assert re.sub(r"\s+", " ", found).strip() == re.sub(r"\s+", " ", re.sub("[\x7f-\x9f]", " ", subject)).strip()

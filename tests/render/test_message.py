"""The bytes that leave, judged as a stranger would: by the raw lines, and by a strict parser."""

import quopri
import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nurture.domain.documents import Sender
from nurture.domain.envelopes import Envelope
from nurture.domain.errors import NurtureError
from nurture.mail.plan import dot_stuffed
from nurture.mail.relay import SmtpRelay
from nurture.render.message import quoted_printable
from nurture.render.rendering import Rendered
from tests.support.letters import a_reader, compiled, message, written
from tests.support.naughty import NAUGHTY
from tests.support.smtp import SmtpSink

STRICT = policy.SMTP.clone(raise_on_defect=True)
ONCE = (
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Id",
    "Feedback-ID",
)


def a_rendered(subject: str = "Five questions", html: str = "<p>Hi</p>", text: str = "Hi", token: str = "t" * 44) -> Rendered:
    return Rendered(subject, html, text, f"https://news.example.com/u/{token}")


def strictly(raw: bytes) -> EmailMessage:
    """The message, parsed by one that raises at every defect, after the raw lines were looked at."""
    assert raw.count(b"\r\n") == raw.count(b"\n") == raw.count(b"\r")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\x00" not in raw
    assert dot_stuffed(raw) == raw + b".\r\n", "clean, as its envelope promises"
    parsed = message_from_bytes(raw, EmailMessage, policy=STRICT)
    for name in ONCE:
        assert len(parsed.get_all(name, [])) <= 1, name
    for part in parsed.walk():
        assert part.defects == []
    return parsed


def raw_header(raw: bytes, name: str) -> bytes:
    """The one header as it stands on the wire, folds and all."""
    head = raw.partition(b"\r\n\r\n")[0] + b"\r\n"
    found = re.findall(rb"(?m)^" + name.encode() + rb": (?:.*\r\n(?:[ \t].*\r\n)*)", head)
    assert len(found) == 1
    return bytes(found[0])


def display_name(raw: bytes) -> str:
    """The name in To, by the older decoder: Python's newer one puts a space between adjacent encoded words of a phrase (RFC 2047 6.2)."""
    value = raw_header(raw, "To").decode().removeprefix("To: ").replace("\r\n", "").rpartition("<")[0].strip()
    words = (
        str(make_header(decode_header(value)))
        if "=?" in value
        else re.sub(r"\\(.)", r"\1", value[1:-1] if value.startswith('"') else value)
    )
    return re.sub(r"\s+", " ", words).strip()


@pytest.mark.parametrize("length", [40, 120, 400])
async def test_list_unsubscribe_on_the_wire(smtp_sink: SmtpSink, length: int) -> None:
    token = "aZ0-_" * (length // 5)
    relay = SmtpRelay(smtp_sink.url)
    sent = message(a_rendered("Пять вопросов о крыше, прежде чем покупать её: ¿наконец?" * 3, token=token))
    assert (await relay.deliver(Envelope(1, "anna@example.com", "bob@example.org", sent, "<1@example.com>"))).code == 250
    await relay.close()
    raw = smtp_sink.letters[0].raw
    assert raw == sent
    assert (
        raw_header(raw, "List-Unsubscribe")
        == f"List-Unsubscribe: <https://news.example.com/u/{token}>, <mailto:leave@example.com>\r\n".encode()
    )
    assert raw_header(raw, "List-Unsubscribe-Post") == b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    assert raw_header(raw, "Message-ID") == b"Message-ID: <abc@example.com>\r\n"
    assert raw_header(raw, "List-Id") == b"List-Id: <school.example.com>\r\n"
    assert raw_header(raw, "Feedback-ID") == b"Feedback-ID: school:useful:sequence:examplecom\r\n"
    subject = raw_header(raw, "Subject")
    assert all(len(line) <= 75 for line in subject.rstrip(b"\r\n").split(b"\r\n"))
    assert all(len(word) <= 75 for word in re.findall(rb"=\?.*?\?=", subject))
    assert strictly(raw)["Subject"] == "Пять вопросов о крыше, прежде чем покупать её: ¿наконец?" * 3


def test_all_headers_stand_once_and_the_date_is_given() -> None:
    parsed = strictly(message(a_rendered(), sender=Sender(name="Anna", address="anna@example.com", reply_to="office@example.com")))
    assert all(len(parsed.get_all(name, [])) == 1 for name in (*ONCE, "Reply-To"))
    assert parsedate_to_datetime(parsed["Date"]) == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert (parsed["From"], parsed["To"], parsed["Reply-To"]) == ("Anna <anna@example.com>", "Bob <bob@example.org>", "office@example.com")


def test_both_parts_come_back_as_written() -> None:
    rendered = a_rendered(html="<p>Grüße = ja</p>\n.\n" + "x" * 500 + "\n", text="Zeile  \n\nEnde – ‘so’\n.. \n")
    parsed = strictly(message(rendered))
    kinds = [part.get_content_type() for part in parsed.iter_parts()]
    assert kinds == ["text/plain", "text/html"]
    text, html = (part.get_content() for part in parsed.iter_parts())
    assert (text.replace("\r\n", "\n"), html.replace("\r\n", "\n")) == (rendered.text, rendered.html)


def test_a_service_letter_has_no_leave_headers() -> None:
    rendered = written(compiled("Your receipt", kind="service"))
    raw = message(rendered, list_id="", feedback_id=None)
    parsed = strictly(raw)
    assert [name for name in parsed if name.lower().startswith(("list-", "feedback"))] == []


def test_a_mailto_that_would_make_the_line_too_long_is_left_out() -> None:
    raw = message(a_rendered(token="t" * 920))
    assert b"mailto" not in raw_header(raw, "List-Unsubscribe")
    strictly(raw)
    with pytest.raises(NurtureError, match="List-Unsubscribe"):
        message(a_rendered(token="t" * 1000))


def test_the_same_delivery_makes_the_same_bytes() -> None:
    assert message(a_rendered()) == message(a_rendered())
    assert message(a_rendered(), message_id="<other@example.com>") != message(a_rendered())


@pytest.mark.parametrize("words", NAUGHTY)
def test_naughty_words_as_names_and_subjects(words: str) -> None:
    raw = message(
        a_rendered(subject=words, html=words, text=words),
        to_name=words,
        sender=Sender.model_construct(name=words, address="a@example.com", reply_to=None),
    )
    parsed = strictly(raw)
    assert "bcc" not in parsed
    assert "x-evil" not in parsed
    assert parsed["To"].addresses[0].addr_spec == "bob@example.org"
    assert parsed["From"].addresses[0].addr_spec == "a@example.com"
    for name in ("Subject", "To", "From"):
        assert all(len(line) <= 76 for line in raw_header(raw, name).rstrip(b"\r\n").split(b"\r\n")), name
    shown = re.sub("[\x00-\x1f\x7f-\x9f\u2028\u2029 ]+", " ", words.encode("utf-8", "replace").decode()).strip()
    assert re.sub(r"\s+", " ", str(parsed["Subject"])).strip() == re.sub(r"\s+", " ", shown)
    assert display_name(raw) == re.sub(r"\s+", " ", shown[:300]).strip()


@pytest.mark.parametrize("words", NAUGHTY)
def test_naughty_words_through_a_whole_letter(words: str) -> None:
    letter = compiled(
        "Hello {{ first_name }}, {{ fields.x }} [go](https://example.com/?n={{ first_name }})", subject="For {{ first_name }}"
    )
    reader = a_reader(first_name=words, name=words, fields={"x": words})
    rendered = written(letter, reader)
    parsed = strictly(message(rendered, to_name=words))
    assert parsed["Subject"].startswith("For")
    assert "<script>" not in rendered.html
    assert rendered.html.count("/c/click-token/0") == 1
    assert "49" not in rendered.text


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-Nurture-Delivery", "12\r\nBcc: evil@example.com"), ("X-Wörds", "x"), ("Subject", "twice"), ("X-A B", "x"), ("X:", "x"), ("", "x")],
)
def test_own_headers_never_break_out(name: str, value: str) -> None:
    try:
        raw = message(a_rendered(), headers=[(name, value)])
    except NurtureError:
        assert name != "X-Nurture-Delivery"
        return
    parsed = strictly(raw)
    assert "bcc" not in parsed
    assert parsed[name] == "12 Bcc: evil@example.com"


def test_what_signs_sees_the_header_block_and_the_body_as_they_leave() -> None:
    seen: list[tuple[bytes, bytes]] = []

    def sign(head: bytes, body: bytes) -> bytes:
        seen.append((head, body))
        return b"DKIM-Signature: v=1;\r\n b=abc\r\n"

    raw = message(a_rendered("Пять вопросов"), sign=sign)
    assert seen == [(unsigned.partition(b"\r\n\r\n")[0] + b"\r\n", unsigned.partition(b"\r\n\r\n")[2]) for unsigned in [message(a_rendered("Пять вопросов"))]]
    assert raw == b"DKIM-Signature: v=1;\r\n b=abc\r\n" + seen[0][0] + b"\r\n" + seen[0][1]
    assert strictly(raw)["DKIM-Signature"] == "v=1; b=abc"


def test_own_headers_of_identifiers_are_not_folded() -> None:
    raw = message(a_rendered(), headers=[("X-Idempotency-Key", "k" * 300), ("Auto-Submitted", "auto-generated"), ("X-Note", "grün")])
    assert raw_header(raw, "X-Idempotency-Key") == b"X-Idempotency-Key: " + b"k" * 300 + b"\r\n"
    assert strictly(raw)["X-Note"] == "grün"


@pytest.mark.parametrize(
    "address", ["", "nobody", "a@x>\r\nRCPT TO:<evil@x.org", "a b@x.org", "a@", "@x.org", "a" * 65 + "@x.org", "a@" + "x" * 300]
)
def test_an_address_that_cannot_be_mailed_is_refused(address: str) -> None:
    with pytest.raises(NurtureError, match="address"):
        message(a_rendered(), to=address)


@pytest.mark.parametrize("message_id", ["abc@example.com", "<abc>", "<a b@x>", "<a@x>\r\nX: y", ""])
def test_a_message_id_that_is_none_is_refused(message_id: str) -> None:
    with pytest.raises(NurtureError, match="Message-ID"):
        message(a_rendered(), message_id=message_id)


def test_an_address_beyond_ascii() -> None:
    raw = message(a_rendered(), to="анна@пример.рф", to_name="Анна")
    assert "<анна@xn--e1afmkfd.xn--p1ai>".encode() in raw_header(raw, "To")
    assert b"xn--e1afmkfd" in message(a_rendered(), to="bob@пример.рф")


@pytest.mark.parametrize("list_id", ["roofing school.example.com", "a\r\nX: y.example.com", "<x.example.com>", "школа.example.com"])
def test_list_id_keeps_its_grammar(list_id: str) -> None:
    raw = message(a_rendered(), list_id=list_id)
    assert re.fullmatch(rb"List-Id: <[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*>\r\n", raw_header(raw, "List-Id"))


@example("x" * 75 + " \n")
@example("x" * 74 + "\t\n.\n")
@example("." + "x" * 73 + " \n")
@example("x" * 73 + "   \t\t  y  \n")
@given(st.text() | st.text(alphabet=" .=\r\n\tä€😀-a", max_size=400))
def test_quoted_printable_is_what_a_plain_decoder_reads(text: str) -> None:
    encoded = quoted_printable(text)
    assert encoded.isascii()
    lines = encoded.split(b"\r\n")
    assert b"  " not in encoded
    assert b"\t" not in encoded, "nothing that relaxed DKIM would change"
    assert all(len(line) <= 76 and not line.startswith(b".") and not line.endswith((b" ", b"\t")) for line in lines)
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    expected = re.sub("\r\n|\r|\x85|\u2028|\u2029", "\n", text).encode("utf-8", "replace")
    assert quopri.decodestring(encoded).replace(b"\r\n", b"\n") == expected


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_subject_and_name_parse_strictly(subject: str, name: str) -> None:
    strictly(message(a_rendered(subject=subject), to_name=name))

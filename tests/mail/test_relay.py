"""The relay against a real SMTP server: what leaves, what comes back, and in which phase a line was lost."""

import asyncio
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from nurture.domain.envelopes import Envelope, Phase
from nurture.domain.errors import NurtureError
from nurture.mail.plan import dot_stuffed
from nurture.mail.relay import SmtpRelay
from nurture.mail.relay_address import RelayAddress
from tests.support.smtp import DROP, SILENT, SinkMaker, SmtpSink, make_authority

BODY = b"From: a@example.com\r\nTo: b@example.com\r\nSubject: s\r\n\r\nHello\r\n"


def envelope(delivery: int = 1, recipient: str = "bob@example.org", message: bytes = BODY) -> Envelope:
    return Envelope(delivery, "anna@example.com", recipient, message, f"<{delivery}@example.com>")


def relay_to(sink: SmtpSink, **options: object) -> SmtpRelay:
    times = {"connect_timeout": 5.0, "command_timeout": 5.0, "dot_timeout": 5.0} | options
    return SmtpRelay(sink.url, **{"verify": sink.context or True} | times)  # type: ignore[arg-type]


async def test_letters_share_a_session_and_arrive_byte_for_byte(smtp_sink: SmtpSink) -> None:
    relay = relay_to(smtp_sink)
    replies = [await relay.deliver(envelope(n)) for n in range(5)]
    await relay.close()
    assert [(r.delivery, r.phase, r.code, r.enhanced) for r in replies] == [(n, Phase.BODY, 250, "2.0.0") for n in range(5)]
    assert smtp_sink.sessions == 1
    assert [letter.raw for letter in smtp_sink.letters] == [BODY] * 5
    assert smtp_sink.letters[0].sender == "anna@example.com"


async def test_never_more_sessions_than_asked_for(smtp_sink: SmtpSink) -> None:
    relay = relay_to(smtp_sink, connections=3)
    replies = await asyncio.gather(*(relay.deliver(envelope(n, f"p{n}@example.org")) for n in range(40)))
    await relay.close()
    assert all(r.code == 250 for r in replies)
    assert smtp_sink.sessions <= 3
    assert set(smtp_sink.count().values()) == {1}
    assert len(smtp_sink.letters) == 40


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_tls_and_sign_in(smtp_sinks: SinkMaker, tls: str) -> None:
    sink = smtp_sinks(tls, "anna", "geheim")
    relay = relay_to(sink)
    reply = await relay.deliver(envelope())
    await relay.close()
    assert reply.code == 250
    assert (sink.letters[0].encrypted, sink.letters[0].user) == (True, "anna")


async def test_no_certificate_no_letter(smtp_sinks: SinkMaker) -> None:
    sink = smtp_sinks("starttls", "anna", "geheim")
    relay = relay_to(sink, verify=True)  # does not know the self-made authority
    reply = await relay.deliver(envelope())
    assert (reply.phase, reply.code, reply.enhanced) == (Phase.TLS, 530, "5.7.10")
    assert "certificate" in reply.text
    assert sink.at_dot == []
    assert b"AUTH" not in sink.wire


async def test_a_certificate_for_another_host_is_refused(smtp_sinks: SinkMaker, tmp_path: Path) -> None:
    sink = smtp_sinks("tls", authority=make_authority(tmp_path / "other", host="elsewhere.test"))
    reply = await relay_to(sink).deliver(envelope())
    assert (reply.phase, reply.code) == (Phase.TLS, 530)
    assert sink.at_dot == []


async def test_an_expired_certificate_is_refused_unless_checking_is_off(smtp_sinks: SinkMaker, tmp_path: Path) -> None:
    sink = smtp_sinks("starttls", authority=make_authority(tmp_path / "old", valid=timedelta(days=-1)))
    assert (await relay_to(sink).deliver(envelope())).phase is Phase.TLS
    unchecked = relay_to(sink, verify=False)
    assert (await unchecked.deliver(envelope())).code == 250
    await unchecked.close()


async def test_without_starttls_nothing_is_said_in_clear(smtp_sink: SmtpSink) -> None:
    relay = SmtpRelay(f"smtp://anna:geheim@127.0.0.1:{smtp_sink.port}?tls=starttls", connect_timeout=5)
    reply = await relay.deliver(envelope())
    assert (reply.phase, reply.code) == (Phase.TLS, 530)
    assert "STARTTLS" in reply.text
    assert all(word not in bytes(smtp_sink.wire) for word in (b"AUTH", b"MAIL", b"geheim", b"Hello"))


async def test_a_wrong_password_is_an_answer_in_auth(smtp_sinks: SinkMaker) -> None:
    sink = smtp_sinks("starttls", "anna", "geheim")
    sink.password = "other"  # what the server wants is read when asked
    reply = await SmtpRelay(
        f"smtp://anna:geheim@127.0.0.1:{sink.port}?tls=starttls", verify=sink.context or True, connect_timeout=5
    ).deliver(envelope())
    assert (reply.phase, reply.code, reply.enhanced) == (Phase.AUTH, 535, "5.7.8")


async def test_a_server_without_auth_is_the_operators_affair(smtp_sink: SmtpSink) -> None:
    reply = await SmtpRelay(f"smtp://anna:geheim@127.0.0.1:{smtp_sink.port}?tls=none", connect_timeout=5).deliver(envelope())
    assert (reply.phase, reply.code) == (Phase.AUTH, 530)
    assert smtp_sink.at_dot == []


@pytest.mark.parametrize(
    ("phase", "expected"),
    [
        ("connect", Phase.CONNECT),
        ("ehlo", Phase.CONNECT),
        ("mail", Phase.MAIL),
        ("rcpt", Phase.RCPT),
        ("data", Phase.DATA),
        ("dot", Phase.BODY),
    ],
)
@pytest.mark.parametrize("answer", ["421 4.3.2 going down", "451 4.7.1 later", "550 5.1.1 no such user", "554 5.7.1 no"])
async def test_every_answer_is_definite_and_the_next_letter_goes_on(smtp_sink: SmtpSink, phase: str, expected: Phase, answer: str) -> None:
    smtp_sink.script(phase, answer, times=1)
    relay = relay_to(smtp_sink)
    reply = await relay.deliver(envelope(1))
    after = await relay.deliver(envelope(2))
    await relay.close()
    assert (reply.phase, reply.code, reply.enhanced) == (expected, int(answer[:3]), answer.split()[1])
    assert after.code == 250


@pytest.mark.parametrize("fault", [DROP, SILENT])
@pytest.mark.parametrize(
    ("phase", "expected"),
    [
        ("connect", Phase.CONNECT),
        ("ehlo", Phase.CONNECT),
        ("mail", Phase.MAIL),
        ("rcpt", Phase.RCPT),
        ("data", Phase.DATA),
        ("dot", Phase.BODY),
    ],
)
async def test_a_lost_or_silent_line_tells_its_phase(smtp_sink: SmtpSink, phase: str, expected: Phase, fault: str) -> None:
    smtp_sink.script(phase, fault, times=1)
    relay = relay_to(smtp_sink, connect_timeout=0.3, command_timeout=0.3, dot_timeout=0.3)
    reply = await relay.deliver(envelope(1))
    after = await relay.deliver(envelope(2))
    await relay.close()
    assert (reply.phase, reply.code) == (expected, None)
    assert len(smtp_sink.at_dot) == (2 if phase == "dot" else 1)  # only after the dot does the server have the letter all the same
    assert after.code == 250


async def test_the_words_of_an_answer_can_be_stored(smtp_sink: SmtpSink) -> None:
    smtp_sink.script("rcpt", "550-5.1.1 no\x00 \x1b[31m such\r\n550 5.1.1 user \x7f" + "y" * 5000, times=1)
    relay = relay_to(smtp_sink)
    reply = await relay.deliver(envelope())
    await relay.close()
    assert reply.enhanced == "5.1.1"
    assert len(reply.text) <= 1000
    assert reply.text.isprintable()


async def test_garbage_after_the_body_is_no_answer(smtp_sink: SmtpSink) -> None:
    smtp_sink.script("dot", "what?", times=1)
    relay = relay_to(smtp_sink)
    reply = await relay.deliver(envelope())
    assert (reply.phase, reply.code) == (Phase.BODY, None)
    assert (await relay.deliver(envelope(2))).code == 250
    await relay.close()


async def test_nobody_listens(smtp_sink: SmtpSink) -> None:
    reply = await SmtpRelay("smtp://127.0.0.1:1?tls=none", connect_timeout=2).deliver(envelope())
    assert (reply.phase, reply.code) == (Phase.CONNECT, None)


async def test_an_old_session_that_the_relay_left_costs_nothing(smtp_sink: SmtpSink) -> None:
    relay = relay_to(smtp_sink)
    assert (await relay.deliver(envelope(1))).code == 250
    smtp_sink.script("mail", "421 4.4.2 idle too long", times=1)
    assert (await relay.deliver(envelope(2))).code == 250
    smtp_sink.script("mail", DROP, times=1)
    assert (await relay.deliver(envelope(3))).code == 250
    await relay.close()
    assert smtp_sink.sessions == 3
    assert len(smtp_sink.letters) == 3


async def test_a_refused_recipient_harms_no_other(smtp_sink: SmtpSink) -> None:
    smtp_sink.script("rcpt", "550 5.1.1 user unknown", recipient="dead@example.org")
    relay = relay_to(smtp_sink)
    replies = await asyncio.gather(
        *(relay.deliver(envelope(n, "dead@example.org" if n % 3 == 0 else f"p{n}@example.org")) for n in range(12))
    )
    await relay.close()
    assert [r.code for r in replies] == [550 if n % 3 == 0 else 250 for n in range(12)]
    assert smtp_sink.commands.count("rset") >= 1
    assert smtp_sink.sessions <= 4


async def test_an_address_beyond_ascii_needs_smtputf8(smtp_sinks: SinkMaker) -> None:
    without = relay_to(smtp_sinks(smtputf8=False))
    reply = await without.deliver(envelope(1, "анна@example.org"))
    assert (reply.phase, reply.code, reply.enhanced) == (Phase.RCPT, 553, "5.6.7")
    assert (await without.deliver(envelope(2))).code == 250
    await without.close()
    sink = smtp_sinks(smtputf8=True)
    able = relay_to(sink)
    assert (await able.deliver(envelope(3, "анна@example.org"))).code == 250
    assert (await able.deliver(envelope(4, "bob@пример.рф"))).code == 250
    await able.close()
    assert sink.letters[0].recipient == "анна@example.org"
    assert "SMTPUTF8" in sink.letters[0].options
    assert sink.letters[1].recipient == "bob@xn--e1afmkfd.xn--p1ai"
    assert "SMTPUTF8" not in sink.letters[1].options


async def test_size_is_honoured_before_anything_is_said(smtp_sinks: SinkMaker) -> None:
    sink = smtp_sinks(size=2000)
    relay = relay_to(sink)
    reply = await relay.deliver(envelope(1, message=BODY + b"x" * 70 + b"\r\n" * 1000))
    assert (reply.code, reply.enhanced) == (552, "5.3.4")
    assert not [c for c in sink.commands if c.startswith("mail")]
    assert (await relay.deliver(envelope(2))).code == 250
    await relay.close()
    assert f"SIZE={len(BODY)}" in sink.letters[0].options


@pytest.mark.parametrize(
    "address",
    [
        "a@x>\r\nRCPT TO:<evil@example.org",
        "a@x.org\r\nDATA",
        "a b@x.org",
        "a@x.org\x00",
        "<a@x.org>",
        "nobody",
        "@x.org",
        "a@",
        "a@x.org\u2028b",
        "a" * 260 + "@x.org",
    ],
)
@pytest.mark.parametrize("place", ["sender", "recipient"])
async def test_envelope_injection_stops_before_the_socket(smtp_sink: SmtpSink, address: str, place: str) -> None:
    relay = relay_to(smtp_sink)
    addresses = {"sender": "anna@example.com", "recipient": "bob@example.org"} | {place: address}
    reply = await relay.deliver(Envelope(1, addresses["sender"], addresses["recipient"], BODY, "<1@x>"))
    assert (reply.code, reply.enhanced) == (553, "5.1.3")
    assert reply.phase is (Phase.MAIL if place == "sender" else Phase.RCPT)
    assert smtp_sink.sessions == 0


SMUGGLED = b"MAIL FROM:<evil@example.com>\r\nRCPT TO:<victim@example.org>\r\nDATA\r\nSubject: smuggled\r\n\r\nboo"


@pytest.mark.parametrize("end", [b"\n.\n", b"\r.\r", b"\r\n.\n", b"\n.\r\n", b"\r\n.\r", b"\r.\r\n", b"\r\n.\r\n", b"\n\n.\r\r\n"])
async def test_no_body_ends_the_conversation(smtp_sink: SmtpSink, end: bytes) -> None:
    relay = relay_to(smtp_sink)
    assert (await relay.deliver(envelope(1, message=BODY + b"text" + end + SMUGGLED + end))).code == 250
    assert (await relay.deliver(envelope(2))).code == 250
    await relay.close()
    assert len(smtp_sink.at_dot) == 2
    assert {letter.recipient for letter in smtp_sink.at_dot} == {"bob@example.org"}
    wire = bytes(smtp_sink.wire)
    assert wire.count(b"\r\n") == wire.count(b"\n") == wire.count(b"\r")


async def test_dots_are_stuffed_and_come_back_whole(smtp_sink: SmtpSink) -> None:
    message = b"Subject: s\r\n\r\n.\r\n..\r\n.hidden\r\nend."
    relay = relay_to(smtp_sink)
    assert (await relay.deliver(envelope(1, message=message))).code == 250
    await relay.close()
    assert smtp_sink.letters[0].raw == message + b"\r\n"


def test_dot_stuffing_of_the_very_first_line() -> None:
    assert dot_stuffed(b".a\r\n.") == b"..a\r\n..\r\n.\r\n"
    assert dot_stuffed(b"") == b"\r\n.\r\n"


def test_lone_line_ends_are_mended_also_where_there_are_as_many_of_both() -> None:
    assert dot_stuffed(b"a\n.\nb\r\rc\r\n") == b"a\r\n..\r\nb\r\n\r\nc\r\n.\r\n"


async def test_a_letter_that_came_too_late_is_not_written(smtp_sink: SmtpSink) -> None:
    relay = relay_to(smtp_sink)
    reply = await relay.deliver(envelope(), may_write=lambda: False)
    assert (reply.phase, reply.code, reply.text) == (Phase.CONNECT, None, "not written in time")
    assert not [c for c in smtp_sink.commands if c.startswith("mail")]
    assert (await relay.deliver(envelope(2))).code == 250
    await relay.close()


async def test_a_lease_that_ended_in_the_middle_leaves_no_body(smtp_sink: SmtpSink) -> None:
    relay = relay_to(smtp_sink)
    reply = await relay.deliver(envelope(), may_finish=lambda: False)
    assert (reply.phase, reply.code, reply.text) == (Phase.DATA, None, "not written in time")
    assert (await relay.deliver(envelope(2))).code == 250
    assert len(smtp_sink.at_dot) == 1
    await relay.close()


async def test_a_cancelled_letter_leaves_no_half_said_session(smtp_sink: SmtpSink) -> None:
    smtp_sink.script("dot", SILENT, times=1)
    relay = relay_to(smtp_sink, connections=1)
    task = asyncio.create_task(relay.deliver(envelope(1)))
    while not smtp_sink.at_dot:  # noqa: ASYNC110 - the server lives in another thread
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await relay.deliver(envelope(2))).code == 250
    await relay.close()
    assert smtp_sink.sessions == 2


@pytest.mark.parametrize(
    ("url", "host", "port", "tls", "user"),
    [
        ("smtp://u:p%40ss@mail.example.com", "mail.example.com", 587, "starttls", "u"),
        ("smtp://mail.example.com?tls=none", "mail.example.com", 25, "none", None),
        ("smtps://mail.example.com", "mail.example.com", 465, "tls", None),
        ("smtp://mail.example.com:2525?tls=tls", "mail.example.com", 2525, "tls", None),
    ],
)
def test_relay_urls(url: str, host: str, port: int, tls: str, user: str | None) -> None:
    address = RelayAddress.read(url)
    assert (address.host, address.port, address.tls, address.username) == (host, port, tls, user)


@pytest.mark.parametrize(
    "url", ["mail.example.com", "http://x", "smtp://", "smtp://u:secret@x?tls=maybe", "smtp://x:port", "smtp://u:secret@x?tsl=tls"]
)
def test_relay_urls_that_are_refused_never_show_the_password(url: str) -> None:
    with pytest.raises(NurtureError, match="write it as smtp://") as caught:
        RelayAddress.read(url)
    assert "secret" not in str(caught.value)


def test_signs_that_a_url_cannot_hold_are_written_with_per_cent() -> None:
    address = RelayAddress.read("smtp://anna%40example.com:p%40ss%3Aw%2Ford@mail.example.com")
    assert (address.username, address.password) == ("anna@example.com", "p@ss:w/ord")


def test_an_address_hides_its_password() -> None:
    assert "secret" not in repr(RelayAddress.read("smtp://u:secret@x"))


async def test_the_letter_parses_strictly(smtp_sink: SmtpSink) -> None:
    relay = relay_to(smtp_sink)
    await relay.deliver(envelope())
    await relay.close()
    assert message_from_bytes(smtp_sink.letters[0].raw, policy=policy.SMTP.clone(raise_on_defect=True))["Subject"] == "s"

"""DKIM signatures, judged by an independent verifier: whatever stands in a letter, and whatever is done to it on its way."""

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dkim.canonicalization import Relaxed
from hypothesis import given, settings
from hypothesis import strategies as st

from nurture.bootstrap import open_app
from nurture.domain.documents import Sender
from nurture.mail.dkim import OPEN_WHERE_ABSENT, SIGNED, canonical_body, signer
from nurture.mail.dkim_keys import KeyFolder
from nurture.mail.relay import SmtpRelay
from nurture.render.rendering import Rendered
from nurture.services.sending import SendingRules
from nurture.settings import Settings
from nurture.store.database import Database
from nurture.store.outbox import plan_rows
from nurture.worker import ClockWatch, Hand, steady_clock
from tests.support.letters import compiled, message, written
from tests.support.naughty import NAUGHTY
from tests.support.outbox_rows import planned
from tests.support.sending import BASE, prepare, send
from tests.support.signatures import ED, RSA, key_folder, verdicts
from tests.support.smtp import SmtpSink

NOW = datetime(2026, 3, 2, 9, 0, 30, tzinfo=UTC)
BOTH = signer([ED, RSA], NOW)
SENDER = Sender(name="Anna", address="anna@example.com", reply_to="answers@example.com")


def a_signed(subject: str = "Five questions", **more: object) -> bytes:
    letter = Rendered(subject, "<p>Hi</p>", "Hi", "https://news.example.com/u/" + "t" * 44)
    return message(letter, **({"sender": SENDER, "sign": BOTH} | more))


def joined(head: bytes, body: bytes) -> bytes:
    """Signed and on the wire, where every letter ends with a line end (RFC 5321 4.1.1.4)."""
    return BOTH(head, body) + head + b"\r\n" + body + (b"" if body.endswith(b"\r\n") or not body else b"\r\n")


@pytest.mark.parametrize("subject", NAUGHTY, ids=lambda s: ascii(s)[:20])
def test_both_signatures_hold_over_naughty_words(subject: str) -> None:
    sender = Sender.model_construct(name=subject, address="anna@example.com", reply_to=None)
    assert verdicts(a_signed(subject, sender=sender, to_name=subject)) == [True, True]


def test_a_whole_letter_verifies_with_each_kind_of_key_alone() -> None:
    rendered = written(compiled("Hello {{ first_name }},\n\n" + "a long word list  with   gaps. " * 300))
    for key in (RSA, ED):
        assert verdicts(message(rendered, sign=signer([key], NOW)), [key]) == [True]
        assert verdicts(message(rendered, sign=signer([key], NOW)), []) == [False]


def test_the_rsa_signature_stands_on_top_and_says_what_it_must() -> None:
    first, second = re.findall(rb"(?m)^DKIM-Signature: (.*(?:\r\n .*)*)\r\n", a_signed())
    assert (b"a=rsa-sha256" in first, b"a=ed25519-sha256" in second) == (True, True)
    tags = dict(part.strip().split(b"=", 1) for part in first.replace(b"\r\n ", b"").split(b";"))
    assert (tags[b"c"], tags[b"d"], tags[b"s"], tags[b"t"]) == (b"relaxed/relaxed", b"example.com", b"s2026a", b"1772442030")
    assert tags.keys() == {b"v", b"a", b"c", b"d", b"s", b"t", b"h", b"bh", b"b"}  # no l=, so that nothing can be appended
    listed = tags[b"h"].split(b":")
    assert {name: listed.count(name) for name in listed} == dict.fromkeys(SIGNED, 2) | {b"content-transfer-encoding": 1}
    assert max(map(len, (first + b"\r\n" + second).split(b"\r\n"))) <= 78


PRESENT = [name for name in SIGNED if name != b"content-transfer-encoding"]


def lines_of(raw: bytes, name: bytes) -> bytes:
    found = re.findall(rb"(?im)^" + name + rb":.*\r\n(?:[ \t].*\r\n)*", raw.partition(b"\r\n\r\n")[0] + b"\r\n")
    assert len(found) == 1, name
    return bytes(found[0])


@pytest.mark.parametrize("name", PRESENT, ids=bytes.decode)
def test_no_signed_header_can_be_changed_taken_away_or_put_beside(name: bytes) -> None:
    raw = a_signed()
    line = lines_of(raw, name)
    assert verdicts(raw) == [True, True]
    assert verdicts(raw.replace(line, line.replace(b":", b": x", 1), 1)) == [False, False]
    assert verdicts(raw.replace(line, b"", 1)) == [False, False]
    assert verdicts(name.title() + b": another\r\n" + raw) == [False, False]
    assert verdicts(raw.replace(line, line + name + b": another\r\n", 1)) == [False, False]


def test_an_absent_header_can_be_added_only_where_a_list_may_add_it() -> None:
    raw = a_signed(sender=SENDER.model_copy(update={"reply_to": None}), list_id="", unsubscribe_url=None, feedback_id=None)
    for name in SIGNED:
        if name not in {line.split(b":")[0].lower() for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n")}:
            assert verdicts(name.title() + b": x\r\n" + raw) == [name in OPEN_WHERE_ABSENT] * 2, name
    assert verdicts(b"Received: from a by b\r\nX-Spam: no\r\n" + raw) == [True, True]


@pytest.mark.parametrize("change", [lambda b: b + b"more\r\n", lambda b: b.replace(b"Hi", b"Ho", 1), lambda b: b[: len(b) // 2], lambda _: b""])
def test_no_body_can_be_changed(change: object) -> None:
    head, _, body = a_signed().partition(b"\r\n\r\n")
    assert verdicts(head + b"\r\n\r\n" + change(body)) == [False, False]  # type: ignore[operator]


HEAD = b"From: a@example.com\r\nTo: b@example.org\r\nSubject: s\r\nDate: Mon, 02 Mar 2026 09:00:00 +0000\r\nMessage-ID: <a@b>\r\n"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\r\n", b"\r\n\r\n\r\n", b"x", b"x\r\n", b"x\r\n\r\n\r\n\r\n", b"x \t \r\n\t\r\n", b" \r\n", b"\t\t", b" x  y\t\tz \r\n", b".\r\n..\r\n", b"  \r\n  x  \r\n ",
        "grün, 田中さん  und  mehr\r\n".encode(), b"\xff\xfe\x00\r\n",
    ],
)  # fmt: skip
def test_odd_bodies(body: bytes) -> None:
    assert verdicts(joined(HEAD, body)) == [True, True]


def test_white_space_may_change_on_the_way_as_relaxed_allows() -> None:
    raw = joined(HEAD + b"Reply-To: Anna\r\n <a@example.com>\r\n", b"one  two \r\nthree\r\n\r\n")
    assert verdicts(raw.replace(b"Anna\r\n <a", b"Anna   \t<a")) == [True, True]
    assert verdicts(raw.replace(b"one  two \r\n", b"one two\r\n") + b"\r\n\r\n") == [True, True]
    assert verdicts(raw.replace(b"Subject: s", b"SUBJECT:\t s  ")) == [True, True]


def test_of_several_headers_with_one_name_all_are_signed_from_below() -> None:
    raw = joined(HEAD + b"List-Id: <one>\r\nX-A: 1\r\nList-Id: <two>\r\n", b"x\r\n")
    assert verdicts(raw) == [True, True]
    assert verdicts(raw.replace(b"<one>", b"<two>")) == [False, False]
    assert verdicts(raw.replace(b"<two>", b"<one>")) == [False, False]


WORDS = st.text(st.sampled_from("ab =.:;\té\u2028\xa0"), max_size=30)
LINES = st.lists(WORDS.map(str.encode), max_size=8)


@given(LINES)
def test_the_canonical_body_is_that_of_the_other_library(lines: list[bytes]) -> None:
    body = b"".join(line + b"\r\n" for line in lines)
    assert canonical_body(body) == (Relaxed.canonicalize_body(body) if body else b"")


@settings(max_examples=40, deadline=None)
@given(WORDS, st.lists(st.tuples(st.sampled_from(["Subject", "reply-to", "LIST-ID", "X-Other"]), LINES), max_size=4), LINES)
def test_any_letter_verifies(name: str, fields: list[tuple[str, list[bytes]]], lines: list[bytes]) -> None:
    folded = [label.encode() + b":" + b"\r\n\t ".join([b"x", *(line for line in value if line.strip(b" \t"))]) + b"\r\n" for label, value in fields]
    head = b"From:" + name.encode() + b" <a@example.com>\r\n" + b"".join(folded)
    assert verdicts(joined(head, b"\r\n".join(lines))) == [True, True]


async def test_the_worker_signs_as_the_settings_say(smtp_sink: SmtpSink, tmp_path: Path) -> None:
    key_folder(tmp_path / "keys", ED)
    settings = Settings(data_dir=tmp_path / "data", smtp_url=smtp_sink.url, base_url=BASE, dkim_dir=tmp_path / "keys")
    async with open_app(settings, lambda: NOW) as app:
        await prepare(app.db)
        await Hand(app, "others", asyncio.Event(), ClockWatch(NOW, steady_clock())).send()
    assert [verdicts(received.raw, [ED]) for received in smtp_sink.letters] == [[True]]


async def test_what_comes_out_of_a_real_server_verifies(sqlite_db: Database, smtp_sink: SmtpSink, tmp_path: Path) -> None:
    """The whole path: rows, letters, dot-stuffing, the wire. A second sweep uses the new selector, without a restart."""
    folder = KeyFolder(tmp_path / "dkim")
    keys = [folder.make("example.com", "s2026a", "rsa"), folder.make("example.com", "s2026b", "ed25519")]
    relay = SmtpRelay(smtp_sink.url)
    lease, letter, people = await prepare(sqlite_db, people=3)
    rules = SendingRules(BASE, signer=folder.signer)
    for occasion, selectors in (("2", ["s2026a"]), ("3", ["s2026a", "s2026b"])):
        folder.use("example.com", selectors)
        smtp_sink.clear()
        assert (await send(sqlite_db, relay, lease, rules=rules)).accepted == len(smtp_sink.letters) == 3
        assert [verdicts(received.raw, keys) for received in smtp_sink.letters] == [[True] * len(selectors)] * 3
        async with sqlite_db.write() as tx:
            await plan_rows(tx, [planned(letter, person, occasion=occasion) for person in people])
    await relay.close()

"""What `doctor` makes of facts that are hard to bring about on a loopback."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest

from nurture.domain.documents import Policy
from nurture.domain.examination.facts import DatabaseFacts, Page, RelayFacts
from nurture.domain.examination.house import (
    judge_base_url,
    judge_clock,
    judge_database,
    judge_disk,
    judge_policy,
    judge_secrets,
    judge_zones,
)
from nurture.domain.examination.relay import greeting_date, judge_relay
from nurture.domain.findings import Finding, to_json
from nurture.domain.tokens import TokenKey, proof

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


@pytest.mark.parametrize(
    ("facts", "level", "words"),
    [
        (DatabaseFacts("PostgreSQL", (16, 3), DURABLE), "ok", "PostgreSQL 16.3 answers, newest schema, fsync=on"),
        (DatabaseFacts("PostgreSQL", (13, 9), DURABLE), "fail", "needs 14 or newer"),
        (DatabaseFacts("PostgreSQL", (14, 0), DURABLE | {"synchronous_commit": "off"}), "fail", "synchronous_commit=off"),
        (DatabaseFacts("PostgreSQL", (14, 0), DURABLE, newest_schema=False), "fail", "db upgrade"),
        (DatabaseFacts("SQLite", (3, 45, 1), {"journal_mode": "wal", "synchronous": "full"}), "ok", "SQLite 3.45.1"),
        (DatabaseFacts("SQLite", (3, 34, 9), {}), "fail", "needs 3.35"),
        (DatabaseFacts("SQLite", (3, 45), {"journal_mode": "delete", "synchronous": "off"}), "fail", "journal_mode=delete, synchronous=off"),
    ],
)
def test_databases(facts: DatabaseFacts, level: str, words: str) -> None:
    found = judge_database(facts)
    assert (found.level, words in found.words) == (level, True), found


def policy(**more: Any) -> Policy:
    given = {"policy": "default", "sender": {"name": "Anna", "address": "anna@example.com"}, "postal_address": "1 Main Street"} | more
    return Policy.model_validate({key: value for key, value in given.items() if value is not None})


@pytest.mark.parametrize(
    ("one", "captures", "level", "words"),
    [
        (policy(), False, "ok", "anna@example.com"),
        (policy(postal_address=None), False, "fail", "no postal_address"),
        (policy(sender=None), True, "warn", "no sender"),
        (policy(sender={"name": "A", "address": "a@GMail.com"}), False, "fail", "only gmail.com may send"),
    ],
)
def test_policies(one: Policy, captures: bool, level: str, words: str) -> None:
    found = judge_policy(one, captures=captures)
    assert (found.level, words in found.words) == (level, True), found


RIGHT = Page(200, b'{"status": "live", "proof": "p1"}')


@pytest.mark.parametrize(
    ("url", "page", "captures", "level", "words"),
    [
        ("https://news.example.com", RIGHT, False, "ok", "leads to this service"),
        ("http://news.example.com", RIGHT, False, "fail", "one-click leaving"),
        ("http://news.example.com", RIGHT, True, "fail", "one-click leaving"),
        ("http://10.1.2.3:8000", RIGHT, False, "fail", "only this machine"),
        ("http://localhost:8000", RIGHT, True, "ok", "leads to this service"),
        ("https://[::1]:8000", RIGHT, False, "fail", "only this machine"),
        ("https://news.example.com", Page(trouble="refused"), False, "fail", "does not answer (refused)"),
        ("http://localhost:8000", Page(trouble="refused"), True, "warn", "does not answer (refused)"),
        ("https://news.example.com", Page(301, location="https://www.example.com/"), False, "fail", "sends readers on to https://www.example.com/"),
        ("https://news.example.com", Page(200, b"<html>"), False, "fail", "something else answers (200)"),
        ("https://news.example.com", Page(200, b"[1]"), False, "fail", "something else answers (200)"),
        ("https://news.example.com", Page(502, b'{"proof": "p1"}'), False, "fail", "something else answers (502)"),
        ("https://news.example.com", Page(200, b'{"proof": "p3"}'), False, "fail", "another NURTURE_SECRET_KEY"),
        ("https://news.example.com", Page(200, b'{"proof": "p2"}'), False, "ok", "leads to this service"),
    ],
)
def test_base_urls(url: str, page: Page, captures: bool, level: str, words: str) -> None:
    found = judge_base_url(url, page, ["p1", "p2"], captures=captures)
    assert (found.level, words in found.words) == (level, True), found


@pytest.mark.parametrize(("off", "level"), [(0, "ok"), (9, "ok"), (-9, "ok"), (11, "warn"), (-11, "warn"), (119, "warn"), (121, "fail"), (-3600, "fail")])
def test_clocks(off: int, level: str) -> None:
    before, after = NOW, NOW + timedelta(seconds=30)  # a slow answer is no wrong clock
    edge = after if off > 0 else before
    assert judge_clock("the relay", edge + timedelta(seconds=off), before, after).level == level
    assert judge_clock("the relay", NOW + timedelta(seconds=15), before, after).level == "ok"


def test_time_zones() -> None:
    assert judge_zones().level == "ok"

    def older(name: str) -> tzinfo:
        return timezone(timedelta(hours=6)) if name == "Asia/Almaty" else ZoneInfo(name)

    def empty(name: str) -> tzinfo:
        raise ZoneInfoNotFoundError(name)

    assert judge_zones(older) == Finding("time zones", "warn", "The time zone data are older than 2024a (see Asia/Almaty); renew tzdata.")
    assert judge_zones(empty).level == "fail"


def test_disk_and_secrets() -> None:
    assert [judge_disk(free, "data").level for free in (5_000_000_000, 999_000_000, 99_000_000, 0)] == ["ok", "warn", "fail", "fail"]
    assert [judge_secrets([("a", mode)]).level for mode in (0o600, 0o640, 0o644, 0o604)] == ["ok", "ok", "warn", "warn"]
    assert judge_secrets([]).level == "ok"


FACTS = {"name": "smtp.example.com:587", "host": "smtp.example.com", "mode": "starttls", "tls": "TLSv1.3", "addresses": ("9.9.9.9",)}
OFFERS = {"PIPELINING": "", "8BITMIME": "", "SMTPUTF8": "", "SIZE": "30000000"}


@pytest.mark.parametrize(
    ("more", "level", "words"),
    [
        ({}, "ok", "answers, TLSv1.3."),
        ({"certificate_until": NOW + timedelta(days=60), "user": "anna"}, "ok", "certificate until 2026-05-01, signed in as anna"),
        ({"certificate_until": NOW + timedelta(days=3)}, "warn", "ends on 2026-03-05"),
        ({"certificate_until": NOW - timedelta(days=3), "verified": False}, "warn", "ended on 2026-02-27"),
        ({"tls": "TLSv1.1"}, "warn", "only TLSv1.1"),
        ({"mode": "none", "tls": ""}, "warn", "cross the net in the clear"),
        ({"mode": "none", "tls": "", "addresses": ("10.0.0.1",)}, "ok", "without TLS"),
        ({"mode": "none", "tls": "", "user": "anna"}, "fail", "password"),
        ({"trouble": "554\nno\r\nentry", "step": "hello"}, "fail", 'broke off: "554 no entry"'),
    ],
)
def test_relays(more: dict[str, Any], level: str, words: str) -> None:
    found = judge_relay(RelayFacts(**(FACTS | {"offers": OFFERS} | more)), NOW)[0]
    assert (found.level, words in found.words) == (level, True), found


@pytest.mark.parametrize(
    ("offers", "level", "words"),
    [
        (OFFERS, "ok", "offers PIPELINING, 8BITMIME, SMTPUTF8, SIZE."),
        (OFFERS | {"SIZE": ""}, "ok", "SIZE."),
        (OFFERS | {"SIZE": "0"}, "ok", "SIZE."),  # no limit, RFC 1870 3
        (OFFERS | {"SIZE": "500000"}, "warn", "at most 500,000 bytes"),
        ({k: v for k, v in OFFERS.items() if k != "SMTPUTF8"}, "ok", "it offers no SMTPUTF8"),
        ({}, "warn", "no PIPELINING"),
    ],
)
def test_what_relays_offer(offers: dict[str, str], level: str, words: str) -> None:
    found = judge_relay(RelayFacts(**(FACTS | {"offers": offers})), NOW)[1]  # type: ignore[arg-type]
    assert (found.level, words in found.words) == (level, True), found


@pytest.mark.parametrize(
    ("greeting", "date"),
    [
        ("mx.example ESMTP Exim 4.96 Mon, 02 Mar 2026 10:00:00 +0100", NOW),
        ("mx.example ESMTP 2 Mar 2026 09:00:00 +0000 ready", NOW),
        ("mx.example ESMTP 99 Foo 2026 09:00:00 +0000", None),
        ("mx.example ESMTP Postfix", None),
        ("", None),
    ],
)
def test_the_hour_in_a_greeting(greeting: str, date: datetime | None) -> None:
    assert greeting_date(RelayFacts(**(FACTS | {"greeting": greeting}))) == date  # type: ignore[arg-type]


def test_a_proof_is_no_signature() -> None:
    """Whoever asks the service for proofs learns nothing that a token could be made of."""
    key, payload = TokenKey.derive("a secret"), "12345678901234567"
    assert proof(payload, key) != hashlib.blake2b(payload.encode(), digest_size=16, key=key.secret).hexdigest()
    assert proof(payload, key) != proof(payload, TokenKey.derive("another"))


def test_the_machine_output() -> None:
    found = [Finding("a", "ok", "Well."), Finding("b", "warn", "Hm.")]
    assert to_json(found) == {"ok": True, "findings": [{"check": "a", "level": "ok", "message": "Well."}, {"check": "b", "level": "warn", "message": "Hm."}]}
    assert to_json([*found, Finding("c", "fail", "No.")])["ok"] is False

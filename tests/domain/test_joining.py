"""Who is asked to confirm, whom an old link brings back, and the letters of four languages."""

from datetime import timedelta

import pytest

from nurture.domain.joining import AGAIN_AFTER, confirm_occasion, confirming_letter, form_of, may_confirm, should_ask
from nurture.domain.words import Status
from tests.support.people import NOW

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("status", "asked"),
    [(None, True), (Status.PENDING, True), (Status.UNSUBSCRIBED, True), (Status.ARCHIVED, True), (Status.SUBSCRIBED, False), (Status.BOUNCED, False), (Status.COMPLAINED, False)],
)
def test_who_is_asked(status: Status | None, asked: bool) -> None:
    assert should_ask(status, None, NOW) is asked
    assert should_ask(status, NOW - AGAIN_AFTER, NOW) is asked
    assert not should_ask(status, NOW - AGAIN_AFTER + timedelta(seconds=1), NOW)


def test_whom_a_link_makes_subscribed() -> None:
    assert may_confirm(Status.PENDING, NOW, None)
    assert may_confirm(Status.UNSUBSCRIBED, NOW, NOW + HOUR)
    assert not may_confirm(Status.UNSUBSCRIBED, NOW, NOW - HOUR)
    assert not may_confirm(Status.UNSUBSCRIBED, NOW, None)
    for gone in (Status.BOUNCED, Status.COMPLAINED):
        assert not may_confirm(gone, NOW, NOW + HOUR)


@pytest.mark.parametrize("language", ["en", "de", "pl", "ru", "xx"])
def test_the_letter_asks_with_one_link(language: str) -> None:
    subject, body = confirming_letter(language, "Roofs {{ secret }} [x](http://evil.example)")
    assert body.count("({{ confirm_url }})") == 1
    assert "secret" in subject
    assert "{{ secret" not in subject + body
    assert "[x](" not in body


def test_the_occasion_tells_the_form() -> None:
    assert confirm_occasion("web-site", "abc") == "confirm:web-site:abc"
    assert form_of("confirm:web-site:abc") == "web-site"

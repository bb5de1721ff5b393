"""Constant, rare, never; one mailbox by two names; the words to pass on."""

from datetime import UTC, datetime, timedelta

import pytest

from nurture.domain.documents import Policy
from nurture.domain.recommending import Recommend, Recommending, forward_text, same_mailbox, standing, words_of

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ((), "never"), ((5000,), "rare"), ((1, 2), "rare"),
        ((1, 1.1, 1.9), "rare"), ((0.5, 0.6, 0.7, 0.8), "rare"),  # one evening
        ((1, 40, 364), "constant"), ((1, 40, 366), "rare"), ((40, 41, 70), "constant"), ((40, 41, 69.9), "rare"), ((2, 40), "rare"),
    ],
)  # fmt: skip
def test_a_habit_is_no_single_evening(days: tuple[float, ...], said: str) -> None:
    moments = [NOW - timedelta(days=d) for d in days]
    assert standing(moments, NOW) is Recommending(said)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("anna@example.com", True), ("anna+roof@example.com", True), ("an.na@example.com", False), ("anna@example.org", False),
        ("anne@example.com", False), ("+@example.com", False),
    ],
)  # fmt: skip
def test_one_mailbox_by_two_names(other: str, same: bool) -> None:
    assert same_mailbox("anna@example.com", other) is same_mailbox(other, "anna@example.com") is same


def test_gmail_has_no_dots() -> None:
    assert same_mailbox("an.na@gmail.com", "anna+x@googlemail.com")
    assert not same_mailbox("anna@gmail.com", "anna@example.com")
    assert not same_mailbox("+anna@example.com", "+bert@example.com")  # nothing stands before it


def test_the_words_to_pass_on() -> None:
    assert forward_text("Read {link} too", "https://a/b") == "Read https://a/b too"
    assert forward_text("Read them", "https://a/b") == "Read them https://a/b"
    assert "{link}" in words_of(Recommend(form="site"), "de-AT")
    assert words_of(Recommend(form="site"), "de-AT") != words_of(Recommend(form="site"), "xx") == words_of(Recommend(form="site"), "en")
    assert words_of(Recommend(form="site", text="Mine"), "de") == "Mine"


def test_a_recommendation_leads_to_a_form_that_there_is() -> None:
    with pytest.raises(ValueError, match="recommend leads to the form 'site', which the policy does not have"):
        Policy.model_validate({"policy": "default", "recommend": {"form": "site"}})

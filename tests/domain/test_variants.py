"""Who gets which variant, and who is held out: always the same ones, in the shares that were asked for."""

from collections import Counter
from typing import Any

import pytest
from pydantic import ValidationError

from nurture.domain.documents import Campaign, variants_of
from nurture.domain.variants import held_out, variant_for
from tests.support.programme import letter

PEOPLE = range(1, 20_001)


def campaign(**more: Any) -> Campaign:
    return Campaign.model_validate({"campaign": "spring", "segment": "all", "letter": letter("one", "news")} | more)


def test_variants_fall_in_equal_shares_and_stay() -> None:
    drawn = [variant_for("spring", "2026-03-03", p, 4, 1.0) for p in PEOPLE]
    assert drawn == [variant_for("spring", "2026-03-03", p, 4, 1.0) for p in PEOPLE]
    counts = Counter(drawn)
    assert set(counts) == set("abcd")
    assert all(abs(n - 5_000) < 250 for n in counts.values())
    other = [variant_for("spring", "2026-03-10", p, 4, 1.0) for p in PEOPLE]
    same = sum(a == b for a, b in zip(drawn, other, strict=True))
    assert abs(same - 5_000) < 250, "every occasion draws anew"


def test_a_share_takes_part_and_the_others_wait() -> None:
    drawn = Counter(variant_for("spring", "2026-03-03", p, 2, 0.2) for p in PEOPLE)
    assert abs(drawn[None] - 16_000) < 300
    assert abs(drawn["a"] - drawn["b"]) < 300


def test_a_holdout_is_stable_and_grows_with_its_share() -> None:
    five, ten = ({p for p in PEOPLE if held_out("spring", p, share)} for share in (0.05, 0.10))
    assert abs(len(five) - 1_000) < 120
    assert five < ten
    assert not any(held_out("spring", p, 0.0) for p in PEOPLE)
    assert len(five & {p for p in PEOPLE if held_out("autumn", p, 0.05)}) < 100, "each campaign holds out others"


def test_a_variant_says_only_what_differs() -> None:
    written = campaign(letter=letter("one", "news") | {"preheader": "p"}, variants=[{"subject": "two"}, {"template": "letters/recipe"}])
    (b, second), (c, third) = variants_of(written)
    assert (b, second.subject, second.body, second.preheader) == ("b", "two", "b", "p")
    assert (c, third.subject, third.body, third.template) == ("c", "one", None, "letters/recipe")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"variants": [{}]}, "says what differs"),
        ({"variants": [{"body": "x", "template": "letters/recipe"}]}, "`body` or `template`"),
        ({"variants": [{"subject": "x"}] * 4}, "at most 3"),
        ({"test": {"share": "20%", "then": "winner"}}, "`test` compares `variants`"),
        ({"variants": [{"subject": "x"}], "test": {"share": "20%"}}, "`then: winner` is for a test"),
        ({"variants": [{"subject": "x"}], "test": {"then": "winner"}}, "`then: winner` is for a test"),
        ({"variants": [{"subject": "x"}], "feed": "https://example.com/f"}, "without a feed"),
        ({"letters": "library"}, "and not both"),
        ({"letter": None}, "needs `letter`"),
        ({"letter": None, "letters": "library", "feed": "https://example.com/f"}, "`feed` fills the `letter`"),
        ({"letter": None, "letters": {"folder": "../secrets"}}, "string"),
        ({"feed": "ftp://example.com/f"}, "not the address of a feed"),
        ({"feed": "https://user:pass@example.com/f"}, "not the address of a feed"),
        ({"holdout": "60%"}, "at most half"),
    ],
)
def test_what_makes_no_sense_is_refused(more: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says.replace("(", "\\(")):
        campaign(**more)

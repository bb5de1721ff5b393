"""Sorting replies: words of four languages, and what wins where a reply says several things."""

import pytest

from nurture.domain.replies import Sort, sort_reply

SAID = [
    ("How much is the roof?", Sort.QUESTION), ("Thank you, a wonderful letter", Sort.PRAISE), ("Thanks! But what does it cost?", Sort.QUESTION),
    ("You idiots, who gave you my address?", Sort.RUDE), ("I moved to Rome.", Sort.OTHER), ("Спасибо, очень полезно", Sort.PRAISE),
    ("Подскажите, сколько стоит крыша", Sort.QUESTION), ("Достали уже", Sort.RUDE), ("Dziękuję, świetny list", Sort.PRAISE),
    ("Ile kosztuje dach", Sort.QUESTION), ("Danke, sehr hilfreich", Sort.PRAISE), ("Wie viel kostet das", Sort.QUESTION), ("", Sort.OTHER),
]  # fmt: skip


@pytest.mark.parametrize(("text", "sort"), SAID)
def test_sorts(text: str, sort: Sort) -> None:
    assert sort_reply(text, leaves=False) is sort
    assert sort_reply(text, leaves=True) is Sort.LEAVE

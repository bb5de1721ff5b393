"""The verdict on variants: no false winner however often one looks, a real difference found, and an honest sentence in between."""

import random
from datetime import UTC, datetime, timedelta

from nurture.domain.trials import ALPHA, Verdict, judge

TEN = datetime(2026, 3, 3, 10, tzinfo=UTC)
Letters = dict[str, list[tuple[datetime, int]]]


def a_list(seed: int, people: int, rates: dict[str, float]) -> tuple[Letters, list[tuple[datetime, str]]]:
    """Letters that leave over two hours, each to a variant by chance; answers that come over the next hours."""
    chance = random.Random(f"list {seed}")
    names, left, answers = sorted(rates), {name: dict[datetime, int]() for name in rates}, []
    for _ in range(people):
        name, at = names[chance.randrange(len(names))], TEN + timedelta(minutes=chance.randrange(120))
        left[name][at] = left[name].get(at, 0) + 1
        if chance.random() < rates[name]:
            answers.append((at + timedelta(minutes=1 + chance.expovariate(1 / 300)), name))
    return {name: sorted(moments.items()) for name, moments in left.items()}, sorted(answers)


def winner(seed: int, people: int, **rates: float) -> str | None:
    return judge(*a_list(seed, people, rates)).winner


def looks(letters: Letters, answers: list[tuple[datetime, str]]) -> list[Verdict]:
    """As somebody would see it who looks after every answer."""
    return [judge({k: [m for m in v if m[0] <= at] for k, v in letters.items()}, answers[: n + 1]) for n, (at, _) in enumerate(answers)]


def test_equal_letters_on_a_thousand_lists_name_a_winner_at_most_five_in_a_hundred() -> None:
    """The evidence of a list is the highest that any look would have seen: this counts those who stop at the first good moment."""
    false = sum(winner(seed, 500, a=0.06, b=0.06) is not None for seed in range(1_000))
    assert false <= ALPHA * 1_000
    assert false > 0, "a test that never says anything proves nothing"


def test_three_equal_letters_name_no_more_winners_than_two() -> None:
    assert sum(winner(seed, 600, a=0.06, b=0.06, c=0.06) is not None for seed in range(300)) <= ALPHA * 300


def test_a_real_difference_is_found_and_never_the_wrong_way() -> None:
    """The power as docs/concepts.md tells it, with some room for chance."""
    found = [winner(seed, 1_000, a=0.05, b=0.10) for seed in range(100)]
    assert 50 <= found.count("b") <= 80
    assert found.count("a") == 0
    clear = [winner(seed, 2_000, a=0.05, b=0.12) for seed in range(40)]
    assert clear.count("b") >= 38


def test_looking_after_every_answer_sees_what_one_late_look_sees() -> None:
    letters, answers = a_list(3, 800, {"a": 0.04, "b": 0.12})
    seen = looks(letters, answers)
    first = next(n for n, verdict in enumerate(seen) if verdict.winner)
    assert {verdict.winner for verdict in seen[first:]} == {"b"}, "evidence once reached stays"
    assert seen[-1].evidence == judge(letters, answers).evidence


def test_the_sentence_says_how_far_it_is() -> None:
    letters, _ = a_list(1, 60, {"a": 0.1, "b": 0.1})
    assert judge(letters, []).sentence == "Not enough data: 0 answers so far, and no difference shows with fewer than 10."
    more = judge(*a_list(1, 600, {"a": 0.1, "b": 0.1}))
    assert more.winner is None
    assert more.sentence.startswith("Not enough data: the evidence is ")
    assert more.sentence.endswith(" to 1, and 20 to 1 make a winner.")
    clear = judge(*a_list(1, 2_000, {"a": 0.05, "b": 0.2}))
    assert clear.sentence.startswith("Variant b is better: the evidence is ")


def test_who_is_not_asked_tells_nothing() -> None:
    """Answers while only one variant has left say nothing about the other, however many they are."""
    letters: Letters = {"a": [(TEN, 500)], "b": [(TEN + timedelta(days=1), 500)]}
    early = [(TEN + timedelta(minutes=n), "a") for n in range(1, 200)]
    assert judge(letters, early).evidence == 1.0
    assert judge({"a": [(TEN, 5)]}, []).winner is None


def test_the_names_make_no_difference() -> None:
    letters, answers = a_list(7, 900, {"a": 0.05, "b": 0.11})
    swap = {"a": "b", "b": "a"}
    other = judge({swap[k]: v for k, v in letters.items()}, [(at, swap[name]) for at, name in answers])
    this = judge(letters, answers)
    assert swap.get(this.winner or "") == other.winner
    assert abs(this.evidence - other.evidence) < 1e-6 * this.evidence

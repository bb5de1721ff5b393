"""The checker knows whose turn it was, when the library may step in, and who is stuck; each is broken on purpose."""

from datetime import timedelta

import pytest

from nurture.simulation.checker import check
from tests.support.judged import BODY, START, anytime, row, rules, sequence

END = START + timedelta(weeks=8)
WATCHED = {"start": START, "end": END}
FAQ = {"letter": "faq", "kind": "useful", "window": "any", **BODY}


def days(*letters: str, first: int = 2, step: int = 3, of: str = "s") -> list[dict]:
    """One letter each third day of March 2026, at noon; `useful-1` names its kind."""
    return [row(f"{of}/{x}", f"2026-03-{first + step * n:02} 12:00", x.split("-")[0]) for n, x in enumerate(letters)]


class TestOrder:
    def test_as_written(self):
        document = sequence(anytime(1), anytime(2), anytime(3))
        assert rules(days("useful-1", "useful-2", "useful-3"), document) == set()
        assert rules(days("useful-2", "useful-1", "useful-3"), document) == {"order"}

    def test_useful_letters_pass_a_held_one_and_no_other_does_before_them(self):
        document = sequence(anytime(1), anytime(1, "sales"), anytime(1, "news"), anytime(2), mix="2:1")
        assert rules(days("useful-1", "useful-2", "sales-1", "news-1"), document) == set()
        assert rules(days("useful-1", "news-1", "useful-2", "sales-1"), document) == {"order"}
        assert rules(days("useful-1", "useful-2", "news-1", "sales-1"), document, {"policy": "default", "mix": "1:1"}) == {"order"}

    def test_where_letters_may_be_skipped_nobody_can_tell(self):
        document = sequence(anytime(1, only_if={"tag": "x"}), anytime(2), anytime(3))
        assert rules(days("useful-2", "useful-3", "useful-1"), document) == set()

    def test_thirds_take_the_group_least_present_then_longest_ago_then_as_written(self):
        kinds = ("useful", "news", "sales")
        document = sequence(*(anytime(n, k) for k in kinds for n in range(3)), mix="thirds")
        good = ["useful-0", "news-0", "sales-0", "useful-1", "news-1", "sales-1", "useful-2", "news-2", "sales-2"]
        assert rules(days(*good), document) == set()
        assert rules(days("useful-0", "news-0", "useful-1", *good[2:3]), document) == {"order"}
        assert rules(days("news-0", "useful-0", "sales-0"), document) == {"order"}
        assert rules(days("useful-1", "news-0"), document) == {"order"}

    def test_after_a_letter_out_of_turn_the_next_turns_are_counted_from_what_was_sent(self):
        kinds = ("useful", "news", "sales")
        document = sequence(*(anytime(n, k) for k in kinds for n in range(3)), mix="thirds")
        twice = check(days("useful-0", "useful-1", "news-0", "sales-0", "news-1"), [document])
        assert [(v.rule, v.letter) for v in twice] == [("order", "s/useful-1")]  # then news stood least in the last eight
        late = check(days("news-0", "useful-0", "sales-0", "news-1"), [document])
        assert [(v.rule, v.letter) for v in late] == [("order", "s/news-0")]  # then news was sent longest ago

    def test_a_held_group_is_left_out_of_the_comparison(self):
        document = sequence(*(anytime(n, k) for k in ("useful", "news", "sales") for n in range(3)), mix=["thirds", "3:1"])
        assert rules(days("useful-0", "news-0", "useful-1", "news-1", "useful-2", "sales-0"), document) == set()
        assert rules(days("useful-0", "news-0", "sales-0"), document) == {"mix", "order"}


class TestLibrary:
    SHORT = sequence(anytime(1), anytime(1, "sales"), mix="2:1")

    def lent(self, letter: str = "faq/faq", kind: str = "useful", way: str = "s") -> dict:
        return row(letter, "2026-03-05 12:00", kind) | {"sequence": way}

    def test_repays_for_a_sales_letter_that_is_due_and_unearned(self):
        sent = [*days("useful-1"), self.lent(), row("s/sales-1", "2026-03-10 12:00", "sales")]
        assert rules(sent, self.SHORT, FAQ, {"policy": "default", "mix": "none"}) == set()

    def test_lends_only_useful_letters(self):
        talk = {"letter": "talk", "kind": "news", "window": "any", **BODY}
        assert rules([*days("useful-1"), self.lent("talk/talk", "news")], self.SHORT, talk) == {"library"}

    def test_lends_nothing_to_one_who_waits(self):
        assert rules([*days("useful-1"), self.lent()], {**self.SHORT, "repay": "wait"}, FAQ) == {"library"}
        campaign = {"campaign": "c", "segment": "x", "letter": anytime(1, "sales") | BODY}
        assert rules([self.lent(way="c")], campaign, FAQ) == {"library"}
        assert rules([self.lent(way="c")], {**campaign, "repay": "library"}, FAQ) == set()

    def test_lends_nothing_where_nothing_is_owed(self):
        for none_left in (sequence(anytime(1), anytime(2)), sequence(anytime(1))):
            assert rules([*days("useful-1"), self.lent()], none_left, FAQ) == {"library"}
        earned = sequence(anytime(1), anytime(1, "sales"), mix="1:1")
        assert rules([*days("useful-1"), self.lent()], earned, FAQ, {"policy": "default", "mix": "1:1"}) == {"library"}

    def test_its_own_letters_go_before(self):
        document = sequence(anytime(1), anytime(2), anytime(1, "sales"), mix="3:1")
        assert rules([*days("useful-1"), self.lent()], document, FAQ) == {"library"}

    def test_never_the_same_twice_nor_a_letter_of_another_sequence(self):
        again = self.lent() | {"at": "2026-03-10T11:00:00+00:00", "local": "2026-03-10T12:00:00+01:00"}
        assert "once" in rules([*days("useful-1"), self.lent(), again], self.SHORT, FAQ)
        other = {**sequence(anytime(9)), "sequence": "other"}
        assert rules([*days("useful-1"), self.lent("other/useful-9")], self.SHORT, other) == {"library"}
        lending = {**sequence(anytime(9, evergreen=True)), "sequence": "other"}
        assert rules([*days("useful-1"), self.lent("other/useful-9")], self.SHORT, lending) == set()


class TestStuck:
    def test_a_letter_that_could_have_gone_for_weeks(self):
        document = sequence(anytime(1), anytime(2))
        assert rules(days("useful-1"), document, **WATCHED) == {"stuck"}
        assert rules(days("useful-1", "useful-2"), document, **WATCHED) == set()
        assert rules(days("useful-1"), document) == set()

    def test_not_before_two_weeks_have_passed(self):
        document = sequence(anytime(1), anytime(2))
        assert rules(days("useful-1"), document, start=START, end=START + timedelta(days=16)) == set()

    @pytest.mark.parametrize(
        ("more", "second"),
        [
            ({"cadence": "1 per month"}, {}), ({}, {"after": "6w"}), ({"exit_on": ["purchase"]}, {}), ({}, {"only_if": {"tag": "x"}}),
            ({}, {"window": [{"days": ["mon"], "from": "0:00", "until": "1:00"}]}),
        ],
    )  # fmt: skip
    def test_no_rule_that_may_have_kept_it_is_forgotten(self, more, second):
        document = sequence(anytime(1), anytime(2, **second), **more)
        mondays = {"policy": "default", "blackout": ["03-09", "03-16", "2026-03-23", "2026-03-30", "04-06"]}
        watched = {"start": START, "end": START + timedelta(days=43)}
        assert rules(days("useful-1"), document, mondays, **watched) == set()
        assert rules(days("useful-1"), sequence(anytime(1), anytime(2)), mondays, **watched) == {"stuck"}

    def test_held_sales_letters_are_no_fault_and_earned_ones_are(self):
        document = sequence(anytime(1), anytime(1, "sales"), mix="2:1")
        house = {"policy": "default", "mix": "none"}
        assert rules(days("useful-1"), document, house, **WATCHED) == set()
        assert rules(days("useful-1"), {**document, "mix": "1:1"}, house, **WATCHED) == {"stuck"}

    def test_other_letters_may_fill_the_room(self):
        """Three a week of another sequence leave no place under the cap; two do."""
        busy = sequence(*(anytime(n) for n in range(18)))
        slow = {**sequence(anytime(9)), "sequence": "slow"}
        dates = [START + timedelta(weeks=w, days=d) for w in range(6) for d in (0, 2, 4)]
        full = [row(f"s/useful-{n}", f"{day:%Y-%m-%d} 12:00") for n, day in enumerate(dates)]
        watched = {"start": START, "end": START + timedelta(weeks=6)}
        assert rules(full, busy, slow, **watched) == set()
        assert rules(full, busy, slow, {"policy": "default", "cap": 4}, **watched) == {"stuck"}

    def test_a_letter_each_day_leaves_no_gap(self):
        daily = sequence(*(anytime(n) for n in range(42)))
        slow = {**sequence(anytime(9)), "sequence": "slow"}
        sent = [row(f"s/useful-{n}", f"{START + timedelta(days=n):%Y-%m-%d} 12:00") for n in range(42)]
        watched = {"start": START, "end": START + timedelta(weeks=6)}
        assert rules(sent, daily, slow, {"policy": "default", "cap": 21}, **watched) == set()
        assert rules(sent, daily, slow, {"policy": "default", "cap": 21, "gap": "1h"}, **watched) == set()
        assert rules(sent[:21], daily, slow, {"policy": "default", "cap": 21}, **watched) >= {"stuck"}


def test_only_sales_letters_are_held_by_a_mix():
    document = sequence(anytime(1), anytime(1, "sales"))
    held = [{"email": "a@example.com", "letter": "s/sales-1", "until": None, "reason": "sales held"}]
    assert rules([], document, held=held) == set()
    assert rules([], document, held=[held[0] | {"letter": "s/useful-1"}]) == {"held"}
    assert rules([], document, held=[held[0] | {"letter": "s/nothing"}]) == {"held"}

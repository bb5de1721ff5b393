"""Invented people are calibrated to what small lists report, and the same seed makes the same people do the same."""

from collections import Counter
from datetime import timedelta
from random import Random

import pytest

from nurture.domain.words import Kind
from nurture.simulation.behaviour import RATES, Act, Temper, Type, draw_temper, faded, mood, react

DAY = timedelta(days=1)


def lived(people: int, letters: int, seed: int = 1) -> list[tuple[Temper, list[Counter[Act]]]]:
    """`people` tempers and what each did after each of `letters` letters, every fourth a sale; machines are left out."""
    rng = Random(seed)
    found = []
    for _ in range(people):
        drawn = draw_temper(rng)
        temper = Temper(drawn.type, drawn.keenness)
        kinds = [Kind.SALES if n % 4 == 3 else Kind.USEFUL for n in range(letters)]
        found.append((temper, [Counter(r.act for r in react(temper, k, 2, 1.0, rng) if not r.machine) for k in kinds]))
    return found


def test_types_stand_eighty_to_seventeen_to_three():
    rng = Random(3)
    types = Counter(draw_temper(rng).type for _ in range(20_000))
    passive = types[Type.PASSIVE] + types[Type.RIPENING]
    assert passive / 20_000 == pytest.approx(0.80, abs=0.01)
    assert types[Type.ACTIVE] / 20_000 == pytest.approx(0.17, abs=0.01)
    assert types[Type.FAN] / 20_000 == pytest.approx(0.03, abs=0.005)
    assert types[Type.RIPENING] / passive == pytest.approx(0.25, abs=0.02)


def test_five_to_fifteen_of_a_hundred_react_to_a_letter():
    done = lived(3_000, 8)
    reacted = sum(1 for _, acts in done for a in acts if a[Act.CLICK] or a[Act.REPLY])
    assert 0.05 <= reacted / (3_000 * 8) <= 0.15


def test_about_three_of_a_hundred_buy_in_a_season():
    done = lived(4_000, 24)
    buyers = sum(1 for _, acts in done if any(a[Act.BUY] for a in acts))
    assert 0.02 <= buyers / 4_000 <= 0.04


def test_ripening_people_look_at_the_site_and_wake_after_months():
    rng = Random(8)
    ripening = next(t for t in (draw_temper(rng) for _ in range(100)) if t.type is Type.RIPENING)
    assert ripening.wakes is not None
    assert timedelta(days=60) <= ripening.wakes <= timedelta(days=548)
    asleep, interest = mood(ripening, ripening.wakes - DAY)
    assert (asleep.type, interest) == (Type.RIPENING, 1)
    awake, interest = mood(ripening, ripening.wakes)
    assert (awake.type, interest) == (Type.ACTIVE, 1)
    assert mood(ripening, ripening.wakes + timedelta(days=548))[1] == pytest.approx(1 / 8)
    assert any(r.act is Act.VISIT for _ in range(300) for r in react(ripening, Kind.USEFUL, 1, 1.0, rng))
    assert mood(Temper(Type.PASSIVE), timedelta(days=900))[0].type is Type.PASSIVE


def test_some_leave_some_ask_for_less_and_some_mailboxes_die():
    rng = Random(11)
    acts = Counter(r.act for _ in range(20_000) for r in react(Temper(Type.PASSIVE), Kind.USEFUL, 1, 1.0, rng))
    assert 0.0005 < acts[Act.LEAVE] / 20_000 < 0.002
    assert {Act.BOUNCE, Act.LESS, Act.USEFUL, Act.PAUSE} & acts.keys() >= {Act.BOUNCE, Act.LESS}
    assert acts[Act.LESS] + acts[Act.USEFUL] + acts[Act.PAUSE] < acts[Act.LEAVE]


def test_only_sales_letters_sell():
    rng, fan = Random(5), Temper(Type.FAN)
    assert not any(r.act is Act.BUY for _ in range(2_000) for r in react(fan, Kind.USEFUL, 1, 1.0, rng))
    assert any(r.act is Act.BUY for _ in range(2_000) for r in react(fan, Kind.SALES, 1, 1.0, rng))


def test_interest_of_the_active_falls_to_an_eighth_in_eighteen_months():
    active = Temper(Type.ACTIVE)
    assert faded(active, timedelta(0)) == 1
    assert faded(active, timedelta(days=548)) == pytest.approx(1 / 8)
    assert faded(Temper(Type.FAN), timedelta(days=548)) == 1
    rng = Random(2)
    late = sum(r.act is Act.CLICK for _ in range(4_000) for r in react(active, Kind.USEFUL, 1, 1 / 8, rng))
    assert late / 4_000 == pytest.approx(RATES[Type.ACTIVE].click / 8, abs=0.01)


def test_acts_come_in_order_and_after_the_letter():
    rng = Random(9)
    for _ in range(500):
        acts = react(Temper(Type.FAN, scanned=True, proxy=True), Kind.SALES, 3, 1.0, rng)
        assert [a.after for a in acts] == sorted(a.after for a in acts)
        assert all(timedelta(0) < a.after < 5 * DAY for a in acts)


def test_a_scanner_clicks_every_link_within_seconds_and_a_proxy_opens_for_people_who_never_look():
    rng = Random(4)
    scanned = react(Temper(Type.PASSIVE, keenness=0, scanned=True), Kind.USEFUL, 4, 1.0, rng)
    assert [a.link for a in scanned if a.act is Act.CLICK] == [0, 1, 2, 3, None]
    assert scanned[-1].page == "leave"
    assert all(a.machine and a.after - scanned[0].after <= timedelta(seconds=2) for a in scanned if a.act is Act.CLICK)
    proxied = react(Temper(Type.PASSIVE, keenness=0, proxy=True), Kind.USEFUL, 4, 1.0, rng)
    assert [a.agent for a in proxied if a.act is Act.OPEN] == ["Mozilla/5.0"]


def test_a_letter_without_links_is_not_clicked():
    rng = Random(4)
    assert not any(a.link is not None for _ in range(300) for a in react(Temper(Type.FAN, scanned=True), Kind.USEFUL, 0, 1.0, rng))


def test_the_same_seed_makes_the_same_life():
    assert lived(50, 8, seed=7) == lived(50, 8, seed=7) != lived(50, 8, seed=8)

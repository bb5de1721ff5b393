"""A list whose truth is known: hundreds of readers with a peak at eleven and half as many with one of their own, or none at all."""

import random
from collections import defaultdict
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from nurture.domain.documents import Policy, Sequence
from nurture.domain.lift import Arm, Lift, lift
from nurture.domain.plans import Person, Way
from nurture.domain.rhythm import HOURS, Pulls, Tally, Timing, count_act, credited_at, learn_pulls, rhythm_of, teaches
from nurture.domain.timing import earliest
from nurture.domain.windows import hours_of

UTC_ZONE, POLICY, WEEK = ZoneInfo("UTC"), Policy(), timedelta(days=7)
START = datetime(2026, 1, 5, 7, tzinfo=UTC)
DOCUMENT = Sequence.model_validate({
    "sequence": "s", "letters": [{"id": "a", "kind": "useful", "subject": "s", "body": "b",
                                  "window": [{"days": ["mon"], "from": "9:00", "until": "18:00"}]}],
})  # fmt: skip
LETTER = DOCUMENT.letters[0]
RULES = hours_of(LETTER, DOCUMENT.windows, POLICY)


class World:
    """Weekly letters through the production's timing; answers by the truth: likely at a person's peak, rare elsewhere."""

    def __init__(self, seed: int, people: int, peaked: bool) -> None:
        self.dice = random.Random(seed)
        self.acts = [b""] * people
        self.rates = [self.dice.choices((0.05, 0.3, 0.6), (0.5, 0.35, 0.15))[0] for _ in range(people)]
        own = [11 if self.dice.random() < 0.67 else self.dice.randrange(9, 18) for _ in range(people)]
        self.peaks = own if peaked else [None] * people
        self.letters, self.answers, self.delays = [0] * HOURS, [0] * HOURS, [0] * HOURS
        self.sent: dict[Timing, list[tuple[int, int, bool]]] = defaultdict(list)  # (person, hour, answered)

    def live(self, weeks: int) -> None:
        pulls: Pulls | None = None
        for week in range(weeks):
            now = START + week * WEEK
            for person in range(len(self.acts)):
                self._letter(person, f"s/{week}", now, pulls)
            tally = Tally(self.letters, self.answers)
            pulls = learn_pulls(tally, {"sequence:s": tally}, self.delays)

    def _letter(self, person: int, key: str, now: datetime, pulls: Pulls | None) -> None:
        reader = Person(person, UTC_ZONE, rhythm=rhythm_of(self.acts[person], pulls))
        slot = earliest(reader, Way(1, DOCUMENT, 1, now), key, LETTER, RULES, POLICY, now)
        assert slot
        assert time(9) <= slot.due.time() < time(18)
        peak = self.peaks[person]
        chance = self.rates[person] if peak in (None, slot.due.hour) else self.rates[person] / 3
        answered = self.dice.random() < chance
        if slot.timing:
            self.sent[slot.timing].append((person, slot.due.hour, answered))
        if not teaches(slot.timing, now, slot.due):
            return
        self.letters[slot.due.hour] += 1
        if answered:
            seconds = 20 + min(self.dice.lognormvariate(8.0, 1.4), 3 * 86_400)
            spoken = credited_at(slot.due + timedelta(seconds=seconds), slot.due).hour
            self.acts[person] = count_act(self.acts[person], spoken)
            self.answers[spoken] += 1
            self.delays[(spoken - slot.due.hour) % HOURS] += 1

    def lift(self) -> Lift:
        return lift(self._arm(Timing.LEARNED), self._arm(Timing.RANDOM))

    def _arm(self, timing: Timing) -> Arm:
        people: dict[int, list[bool]] = defaultdict(list)
        for person, _, answered in self.sent[timing]:
            people[person].append(answered)
        sums = [(len(a), sum(a)) for a in people.values()]
        return Arm(len(sums), sum(n for n, _ in sums), sum(r for _, r in sums), sum(r * r for _, r in sums), sum(n * n for n, _ in sums),
                   sum(n * r for n, r in sums))  # fmt: skip


def test_hours_move_towards_the_true_peak_and_the_lift_is_found() -> None:
    world = World(2, people=500, peaked=True)
    world.live(26)
    off = [abs(hour - (world.peaks[person] or 0)) for person, hour, _ in world.sent[Timing.LEARNED]]
    at_random = [abs(hour - (world.peaks[person] or 0)) for person, hour, _ in world.sent[Timing.RANDOM]]
    assert len(off) > 500
    assert sum(d == 0 for d in off) / len(off) > 0.4  # by chance it would be one in nine
    assert sum(off) / len(off) < 0.6 * sum(at_random) / len(at_random)
    found = world.lift()
    assert found.low is not None
    assert 0 < found.low < (found.difference or 0)


def test_where_no_hour_is_better_no_lift_is_claimed() -> None:
    """In 95 of 100 worlds like these the interval covers 0 (measured over 185 of them); here in all but one of a few."""
    told = []
    for seed in range(4):
        world = World(seed, people=300, peaked=False)
        world.live(24)
        found = world.lift()
        if found.low is not None and found.high is not None:
            told.append(found.low <= 0 <= found.high)
    assert len(told) >= 3
    assert sum(not covered for covered in told) <= 1

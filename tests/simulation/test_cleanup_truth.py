"""A simulated cleanup of a list whose truth is known: who is asleep, who would come back, who complains.

5,000 people here, and 5,000 of whom 3 % complain; 100,000 in soak.
"""

import time
from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from nurture.domain.cleanup.words import CleanupState
from nurture.store.database import Database
from tests.support.cleanup_truth import Lived, live_through

SEVERAL_HOURS = 3600


def judge(lived: Lived, number: int) -> None:
    """What must hold of every cleanup that went through."""
    sheet, groups, truth = lived.sheet, lived.groups, lived.truth
    assert sheet.state is CleanupState.FINISHED, sheet.moves
    members = {person for person, *_ in lived.members}
    assert members == groups["passive"], "all who sleep, and nobody exempt"
    exempt = set.union(*(groups[name] for name in ("ripening", "customer", "refuser", "useful", "paused", "active", "fan")))
    assert not {x.subscriber_id for x in lived.heard} & exempt, "nobody exempt is touched, nor the active and the fans"
    assert sheet.run is not None
    assert sum(sheet.run.exempt.values()) == sum(len(groups[name]) for name in ("ripening", "customer", "refuser", "useful", "paused"))
    verdicts = Counter((part, verdict) for _, part, verdict in lived.members)
    assert sum(verdicts.values()) == sheet.people == sum(sheet.table["all"].values()) == len(groups["passive"]), "the totals add up exactly"
    assert all(verdict for _, _, verdict in lived.members), "everybody has a verdict"
    words = {"returns": "revived", "leaves": "left", "complains": "complained", "bounces": "bounced"}
    for person, part, verdict in lived.members:
        fate = truth.fates.get(person, ("sleeps", 0))[0] if part == "offers" else "sleeps"
        assert verdict == words.get(fate, "silent"), (person, part, fate, verdict)
    before, after = sheet.before, sheet.after
    assert after["passive_share"] < before["passive_share"]
    assert after["response_rate"] > before["response_rate"]
    assert after["letters_a_year"] <= before["letters_a_year"]
    awake = {word: before["composition"].get(word, 0) for word in ("active", "fan")}
    assert after["composition"]["fan"] == awake["fan"]
    assert after["composition"]["active"] >= awake["active"]
    revived = sheet.against["revived"]
    assert revived is not None
    assert revived.shown, "what it brought is told from chance"
    _rules(lived)
    assert before["people"] == number


def _rules(lived: Lived) -> None:
    """By the letters alone: one a local date, 10 to 12, never on a Sunday, in order, none after an answer."""
    own: dict[int, list[tuple[datetime, str]]] = {}
    for letter in lived.heard:
        local = letter.at.astimezone(ZoneInfo(letter.zone))
        assert 10 <= local.hour < 12, local
        assert local.weekday() < 6, local
        own.setdefault(letter.subscriber_id, []).append((local, letter.letter))
    for person, letters in own.items():
        letters.sort()
        dates = [at.date() for at, _ in letters]
        assert len(set(dates)) == len(dates), "two letters on one local date"
        names = [name for _, name in letters]
        assert names == sorted(names, key=("spring/day-1", "spring/day-2", "spring/day-3", "spring/closing").index)
        fate, offers = lived.truth.fates.get(person, ("sleeps", 0))
        if fate != "sleeps":
            assert len(names) == offers, "no further offer after an answer, a leaving, a complaint or a bounce"
        else:
            assert len(names) == 4


async def test_the_verdicts_are_the_truth(memory_db: Database) -> None:
    judge(await live_through(memory_db, 5_000, complains=0.0004, weeks=4), 5_000)


async def test_an_offer_with_three_per_cent_complaints_is_stopped_at_the_canary_or_the_first_step(memory_db: Database) -> None:
    lived = await live_through(memory_db, 5_000, complains=0.03, weeks=2)
    sheet = lived.sheet
    assert sheet.state is CleanupState.STOPPED
    assert sheet.run is not None
    assert sheet.run.step <= 1
    stop = sheet.moves[-1]
    assert "complaints" in stop.reason
    assert not [x for x in lived.heard if x.at > stop.at], "no further offer leaves after the stop"
    reached = {x.subscriber_id for x in lived.heard}
    assert len(reached) <= sheet.run.draw.steps[1], "the harm is bounded"
    assert sum(sheet.table["all"].values()) == len(lived.groups["passive"])
    assert not sheet.table["all"]["open"]
    assert lived.truth.complained <= 12


@pytest.mark.soak
@pytest.mark.timeout(SEVERAL_HOURS)
async def test_a_hundred_thousand(memory_db: Database) -> None:
    began = time.process_time()
    lived = await live_through(memory_db, 100_000, complains=0.0004, weeks=4)
    judge(lived, 100_000)
    print(f"\n100,000 people, {len(lived.heard)} letters: {time.process_time() - began:.0f} s of CPU; {dict(lived.sheet.table['all'])}")

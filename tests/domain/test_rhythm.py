"""A person's own hours: the bytes they are kept in, how little data is shrunk, and that no preference leads out of a window."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.documents import Policy, Sequence
from nurture.domain.plans import Person, Way
from nurture.domain.rhythm import (
    BOUND,
    HOURS,
    LEAST_ACTS,
    Pulls,
    Rhythm,
    Tally,
    Timing,
    count_act,
    credited_at,
    favourite,
    hour_parts,
    in_control,
    is_free,
    learn_pulls,
    rhythm_of,
    teaches,
)  # fmt: skip
from nurture.domain.timing import earliest
from nurture.domain.windows import hours_of
from tests.domain.test_windows import HARD_ZONES

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
EVEN = Pulls((1 / HOURS,) * HOURS, (1.0,) * HOURS)
counts_of_a_day = st.lists(st.integers(0, 200), min_size=HOURS, max_size=HOURS)


def packed(**hours: int) -> bytes:
    """`packed(h10=7)`: seven acts at ten."""
    return bytes(hours.get(f"h{hour}", 0) for hour in range(HOURS))


def test_the_bytes_of_acts_are_fixed_for_ever() -> None:
    once = count_act(b"", 0)
    assert once.hex() == "01" + "00" * 23
    assert count_act(once, 23).hex() == "01" + "00" * 22 + "01"
    assert count_act(packed(h10=40, h11=18, h12=0), 11) == packed(h10=40, h11=19)
    assert count_act(packed(h10=40, h11=19), 12) == packed(h10=20, h11=9)  # sixty: all are halved, a single act is forgotten


@given(st.lists(st.integers(0, 23), max_size=300))
def test_counts_never_overflow_and_follow_a_new_habit(hours: list[int]) -> None:
    acts = b""
    for hour in hours:
        acts = count_act(acts, hour)
    assert len(acts) in (0, HOURS)
    assert sum(acts) < 60
    for _ in range(120):
        acts = count_act(acts, 7)
    assert acts[7] == max(acts)


def test_a_prompt_act_speaks_for_the_arrival_and_a_late_one_for_itself() -> None:
    assert credited_at(NOON + 59 * MINUTE, NOON) == NOON
    assert credited_at(NOON + 60 * MINUTE, NOON) == NOON + 60 * MINUTE


@pytest.mark.parametrize(("timing", "minutes", "taught"), [(None, 30, True), ("random", 300, False), ("learned", 300, False), (None, 29, False)])
def test_only_letters_whose_hour_was_left_to_chance_teach(timing: str | None, minutes: int, taught: bool) -> None:
    assert teaches(timing, NOON, NOON + minutes * MINUTE) is taught


def test_a_tenth_is_kept_random_and_a_fifth_of_all_letters_is_free() -> None:
    people = range(1, 5001)
    assert 0.085 < sum(map(in_control, people)) / 5000 < 0.115
    for some in (filter(in_control, people), [p for p in people if not in_control(p)]):
        free = [is_free(p, f"school/{n}") for p in some for n in range(3)]
        assert 0.17 < sum(free) / len(free) < 0.23
    assert [p for p in range(1, 60) if in_control(p)] == [4, 6, 14, 17, 50, 52]  # for ever


def test_many_letters_at_an_hour_are_no_preference_for_it() -> None:
    letters, acts = [0] * HOURS, [0] * HOURS
    letters[10], letters[11] = 9000, 1000
    acts[10], acts[11] = 900, 100
    same = learn_pulls(Tally(letters, acts), {}, [1000] + [0] * 23)
    assert same.everybody[10] == pytest.approx(same.everybody[11], rel=0.1)
    acts[11] = 300
    more = learn_pulls(Tally(letters, acts), {}, [1000] + [0] * 23)
    assert more.everybody[11] > 1.8 * more.everybody[10]


@given(counts_of_a_day, counts_of_a_day, counts_of_a_day)
def test_pulls_are_shrunk_and_average_to_one(letters: list[int], acts: list[int], delays: list[int]) -> None:
    found = learn_pulls(Tally(letters, acts), {"a": Tally(letters, [0] * HOURS), "b": Tally(letters, acts)}, delays)
    assert sum(found.expected) == pytest.approx(1)
    assert sum(e * p for e, p in zip(found.expected, found.everybody, strict=True)) == pytest.approx(1)
    assert all(0 < p < float("inf") for p in (*found.everybody, *found.groups["a"], *found.groups["b"]))
    total = sum(e * p for e, p in zip(found.expected, found.everybody, strict=True))
    assert found.groups["a"] == pytest.approx([p / total for p in found.everybody])  # a silent group is as everybody is


@given(counts_of_a_day, st.lists(st.integers(0, 23), min_size=2, max_size=9, unique=True))
def test_one_who_never_acted_is_as_their_group(acts: list[int], hours: list[int]) -> None:
    pulls = learn_pulls(Tally([1] * HOURS, acts), {"school": Tally([1] * HOURS, acts)}, [0] * HOURS)
    found = favourite(b"", pulls, "school", hours)
    assert found.hour == max(hours, key=lambda h: (round(pulls.groups["school"][h], 12), -hours.index(h)))
    assert found == favourite(bytes(HOURS), pulls, "school", hours)


def test_own_acts_outweigh_the_group_little_by_little() -> None:
    pull = tuple(2.0 if hour == 10 else 0.95 for hour in range(HOURS))
    pulls = Pulls(EVEN.expected, pull)
    hours = range(9, 18)
    shares = [favourite(packed(h16=n), pulls, "", hours) for n in (0, 1, 4, 12)]
    assert [f.hour for f in shares] == [10, 16, 16, 16]
    assert favourite(packed(h16=12), pulls, "", hours).sure > favourite(packed(h16=4), pulls, "", hours).sure > BOUND
    assert favourite(packed(h10=2, h16=2), pulls, "", hours).hour == 10


def test_too_few_acts_move_nobody() -> None:
    assert rhythm_of(packed(h11=LEAST_ACTS - 1), EVEN) is None
    assert rhythm_of(packed(h11=LEAST_ACTS), None) is None
    assert rhythm_of(packed(h11=LEAST_ACTS), EVEN)
    tied = Rhythm(packed(h10=5, h11=5), EVEN)
    assert tied.part("", NOON.replace(hour=10), NOON, ZoneInfo("UTC")) is None
    assert Rhythm(packed(h11=9), EVEN).part("", NOON.replace(hour=11), NOON, ZoneInfo("UTC")) is None  # nothing to choose from


@given(st.sampled_from(HARD_ZONES), st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)), st.integers(1, 1600))
def test_parts_lie_in_the_opening_each_in_its_own_hour(zone: str, opens: datetime, minutes: int) -> None:
    start = opens.replace(tzinfo=UTC, microsecond=0)
    end = start + minutes * MINUTE
    for hour, (low, high) in hour_parts(start, end, ZoneInfo(zone)).items():
        assert start <= low < high <= end
        assert timedelta(minutes=10) <= high - low <= timedelta(hours=1)
        assert low.astimezone(ZoneInfo(zone)).hour == hour


spans = st.tuples(st.sets(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), min_size=1), st.integers(0, 22), st.integers(0, 59),
                  st.integers(1, 900))  # fmt: skip


@given(
    st.sampled_from(HARD_ZONES), st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 1)), spans, counts_of_a_day,
    st.integers(1, 500), st.integers(0, 50),
)  # fmt: skip
def test_no_preference_leads_out_of_a_window(
    zone: str, naive: datetime, span: tuple[set[str], int, int, int], acts: list[int], person: int, number: int
) -> None:
    days, hour, minute, length = span
    end = min(hour * 60 + minute + length, 23 * 60 + 59)
    if end <= hour * 60 + minute:
        return
    window = [{"days": sorted(days), "from": f"{hour:02}:{minute:02}", "until": f"{end // 60:02}:{end % 60:02}"}]
    document = Sequence.model_validate(
        {"sequence": "s", "letters": [{"id": "a", "kind": "useful", "subject": "s", "body": "b", "window": window}]}
    )
    now = naive.replace(tzinfo=UTC)
    rhythm = Rhythm(bytes(acts), learn_pulls(Tally(acts, acts), {}, [0] * HOURS))
    way, letter = Way(1, document, 1, now), document.letters[0]
    key, hours = f"s/{number}", hours_of(letter, document.windows, Policy())
    slot = earliest(Person(person, ZoneInfo(zone), rhythm=rhythm), way, key, letter, hours, Policy(), now)
    plain = earliest(Person(person, ZoneInfo(zone)), way, key, letter, hours, Policy(), now)
    assert slot
    assert plain
    local = slot.due.astimezone(ZoneInfo(zone))
    assert slot.due <= slot.closes - timedelta(seconds=10)
    assert time(hour, minute) <= local.time() < time(end // 60, end % 60)
    assert (slot.day, slot.closes) == (plain.day, plain.closes)  # only the moment inside the opening is another
    if in_control(person) or is_free(person, key):
        assert slot.due == plain.due
    assert slot.timing in (None, Timing.RANDOM if in_control(person) else Timing.LEARNED)


def test_a_letter_whose_window_has_begun_belongs_to_no_arm() -> None:
    document = Sequence.model_validate({
        "sequence": "s", "letters": [{"id": "a", "kind": "useful", "subject": "s", "body": "b",
                                      "window": [{"days": ["mon"], "from": "9:00", "until": "18:00"}]}],
    })  # fmt: skip
    monday, letter = date(2026, 3, 2), document.letters[0]
    person = next(p for p in range(1, 99) if not in_control(p) and not is_free(p, "s/a"))
    rhythm = Rhythm(packed(h14=20), EVEN)
    found = []
    for hour, minute in ((8, 0), (9, 1), (15, 30)):
        now = datetime.combine(monday, time(hour, minute), UTC)
        hours = hours_of(letter, document.windows, Policy())
        slot = earliest(Person(person, ZoneInfo("UTC"), rhythm=rhythm), Way(1, document, 1, now), "s/a", letter, hours, Policy(), now)
        assert slot
        found.append((slot.due.hour, slot.timing))
    assert found == [(14, Timing.LEARNED), (14, None), (15, None)]

"""The forecast is what really happens as long as nobody answers: the same rules, asked again and again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nurture.domain.documents import Campaign, LibraryLetter, Policy, Sequence
from nurture.domain.forecasting import Foresight, foresee
from nurture.domain.letters import Windows
from nurture.domain.plans import OpenRow, Person, Shelf, Way
from nurture.domain.words import Kind, State
from tests.domain.test_planning_properties import cases
from tests.support.one_life import Case, Life

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
ME = Person(7, ZoneInfo("Europe/Berlin"))


def sequence(*kinds: str, **more: object) -> Sequence:
    letters = [{"id": f"l{n}", "kind": k, "subject": "s", "body": "b"} for n, k in enumerate(kinds)]
    return Sequence.model_validate({"sequence": "school", "cadence": "2 per week", "letters": letters} | more)


def ahead(document: Sequence, days: int = 30, shelf: Shelf = Shelf(), row: OpenRow | None = None) -> Foresight:
    return foresee(ME, (Way(1, document, 1, MONDAY),), shelf, Policy(), MONDAY, MONDAY + days * DAY, row=row)


def test_each_letter_has_its_local_minute_and_its_reason() -> None:
    seen = ahead(sequence("useful", "useful", "useful", "sales"))
    assert [x.letter for x in seen.letters] == ["school/l0", "school/l1", "school/l2", "school/l3"]
    assert [f"{x.at.astimezone(ME.zone):%a}" for x in seen.letters] == ["Mon", "Tue", "Mon", "Wed"]
    assert all(10 <= x.at.astimezone(ME.zone).hour < 12 for x in seen.letters)
    assert seen.letters[3].reason.startswith("sales letter earned by the letters before it")
    assert seen.letters[0].lane == "sequence:school"


def test_it_ends_where_it_is_told_to_end() -> None:
    assert len(ahead(sequence("useful", "useful", "useful", "sales"), days=5).letters) == 2


def test_what_is_held_at_the_end_says_until_when() -> None:
    seen = ahead(sequence("useful", "sales", repay="wait"), days=10)
    assert [(w.letter, w.reason) for w in seen.held] == [("school/l1", "sales held by 3:1: 2 useful letters due first")]
    later = ahead(sequence("useful", "sales", repay="wait"), days=40)
    assert [(s.letter, s.outcome) for s in later.skips] == [("school/l1", "stale")]


def test_the_library_repays_each_letter_once() -> None:
    books = [LibraryLetter.model_validate({"letter": f"book{n}", "kind": "useful", "subject": "s", "body": "b"}) for n in range(2)]
    shelf = Shelf(tuple((f"{b.id}/{b.id}", b, Windows()) for b in books))
    seen = ahead(sequence("useful", "sales"), shelf=shelf)
    assert [x.letter for x in seen.letters] == ["school/l0", "book0/book0", "book1/book1", "school/l1"]
    assert [x.kind for x in seen.letters][-1] is Kind.SALES


def test_a_row_that_is_written_goes_when_it_says_and_one_on_its_way_is_taken_as_arrived() -> None:
    due = MONDAY + timedelta(minutes=30)
    row = OpenRow(9, "school/l0", "1", State.PENDING, due, MONDAY + timedelta(hours=2), 1)
    assert ahead(sequence("useful", "useful"), row=row).letters[0].at == due
    sending = ahead(sequence("useful", "useful"), row=row._replace(state=State.SENDING))
    assert (sending.letters[0].letter, sending.letters[0].at) == ("school/l0", MONDAY)
    assert len(sending.letters) == 2


def test_occasions_to_come_join_when_they_open() -> None:
    letter = {"id": "one", "kind": "news", "subject": "s", "body": "b"}
    weekly = Campaign.model_validate({"campaign": "news", "segment": "all", "schedule": {"weekly": "tue"}, "letter": letter})
    life = Life(Case((), (), Policy(), "Europe/Berlin", MONDAY, 4, campaigns=((weekly, 0),)))
    seen = foresee(ME, (), Shelf(), Policy(), MONDAY, MONDAY + 28 * DAY, to_come=life.ahead)
    assert [f"{x.at:%a %d}" for x in seen.letters] == ["Tue 03", "Tue 10", "Tue 17", "Tue 24"]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases(), st.integers(5, 40))
def test_it_foresees_exactly_what_the_planner_will_do(case: Case, days: int) -> None:
    """Every letter accepted, nobody acting: any forecast equals the life that follows."""
    quiet = replace(case, outcomes=("accepted",), pause=None, glances=(0,), joins=())
    life = Life(quiet)
    begin, to_come, until = tuple(life.ways), tuple(life.ahead), quiet.start + days * DAY
    seen = foresee(life.person(), begin, life.shelf, quiet.policy, quiet.start, until, to_come=to_come)
    life.live(lambda _life, _plan: None)
    assert [(x.letter, x.at) for x in seen.letters] == [(h.send.letter, h.at) for h in life.handed if h.at < until]

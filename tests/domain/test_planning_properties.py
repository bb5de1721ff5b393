"""Planning under random programmes: one person lives for weeks, the independent checker and these invariants judge what left and what waits."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, example, given, note, settings
from hypothesis import strategies as st

from nurture.domain.documents import Campaign, LibraryLetter, Policy, Sequence
from nurture.domain.mixes import Ratio, Thirds
from nurture.domain.planning import HORIZON
from nurture.domain.plans import Plan
from nurture.domain.timing import cap_of
from nurture.domain.words import Frequency, Kind, Kinds
from nurture.simulation.checker import check
from tests.domain.test_windows import HARD_ZONES
from tests.support.one_life import HOLDS, Case, Handed, Life

STARTS = [datetime(2026, month, day, tzinfo=UTC) for month, day in ((2, 12), (3, 1), (3, 20), (9, 10), (10, 1), (10, 22), (12, 20))]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = timedelta(days=1)
COUNTED = ("accepted", "bounced", "held")

mixes = st.sampled_from([
    "3:1", "3:1", "1:1", "2:1", "thirds", {"thirds": ["news", "useful", ["about", "sales"]]}, {"thirds": ["sales", ["useful", "news"], "about"]},
    "none", ["3:1", "thirds"], ["1:1", "2:1"], "1:1",
])  # fmt: skip


@st.composite
def spans(draw: st.DrawFn) -> list[dict[str, Any]]:
    start = draw(st.sampled_from([(0, 0), (1, 30), (2, 15), (9, 0), (10, 0), (22, 30)]))
    until = draw(st.sampled_from([(2, 45), (3, 30), (10, 30), (12, 0), (23, 15), (24, 0)]).filter(lambda u: u > start))
    days = draw(st.sets(st.sampled_from(DAYS), min_size=1, max_size=4))
    return [{"days": sorted(days, key=DAYS.index), "from": f"{start[0]}:{start[1]:02}", "until": f"{until[0]}:{until[1]:02}"}]


PACES = [
    {"most": "2 per month"}, {"most": "1 per week", "bursts": [{"about": "03-08", "days": [-7, 0, 7]}]},
    {"most": "3 per month", "season": [{"from": "10-15", "until": "03-15", "most": "1 per week"}]},
]  # fmt: skip
windows = st.one_of(st.none(), st.none(), st.just("any"), st.just("now"), spans())


@st.composite
def letters(draw: st.DrawFn, number: int) -> dict[str, Any]:
    kind = draw(st.sampled_from(["useful", "useful", "useful", "sales", "sales", "news", "about", "greeting"]))
    written: dict[str, Any] = {"id": f"l{number}", "kind": kind, "subject": "s", "body": "b", "window": draw(windows)}
    written["size"] = draw(st.sampled_from(["short", "short", "long"]))
    written["after"] = draw(st.sampled_from([None, None, None, "0s", "36h", "3d", "10d", "60d"]))
    written["only_if"] = draw(st.sampled_from([None, None, None, {"tag": HOLDS}, {"tag": "no"}]))
    if kind != "greeting" and written["after"] is None:
        about = {"date": draw(st.sampled_from(["03-08", "2026-03-20", "10-25", "02-29", "birthday", "renewal"])), "days": draw(st.sampled_from([-7, 0, 7]))}
        written["about"] = draw(st.sampled_from([None, None, None, about]))
    if kind == "useful":
        written["evergreen"] = draw(st.booleans())
    if kind == "greeting":
        written["day"] = draw(st.sampled_from([None, "03-29", "03-08", "10-25", "11-01", "01-01", "02-29", "birthday"]))
    return written


@st.composite
def sequences(draw: st.DrawFn, name: str) -> Sequence:
    return Sequence.model_validate({
        "sequence": name,
        "mix": draw(st.one_of(mixes, st.none())),
        "cadence": draw(st.sampled_from([None, "1 per week", "2 per week", "2 per month"])),
        "priority": draw(st.sampled_from([10, 50, 50, 90])),
        "repay": draw(st.sampled_from(["library", "wait"])),
        "stale_after": draw(st.sampled_from(["21d", "21d", "5d"])),
        "windows": {key: draw(windows) for key in draw(st.sets(st.sampled_from(["sales", "long", "short", "other", "greeting"]), max_size=2))},
        "letters": [draw(letters(n)) for n in range(draw(st.integers(3, 8)))],
    })


@st.composite
def campaigns(draw: st.DrawFn, name: str) -> tuple[Campaign, int]:
    written = draw(letters(0)) | {"day": None, "after": None, "evergreen": False}
    campaign = {
        "campaign": name, "segment": "all", "letter": {k: v for k, v in written.items() if v is not None},
        "schedule": draw(st.one_of(st.just("now"), st.sampled_from(DAYS).map(lambda d: {"weekly": d}))),
        "priority": draw(st.sampled_from([60, 60, 10, 90])), "until": draw(st.sampled_from(["7d", "7d", "2d", "30d"])),
        "repay": draw(st.sampled_from(["wait", "wait", "library"])),
    }  # fmt: skip
    return Campaign.model_validate(campaign), draw(st.sampled_from([0, 0, 30, 200, 700]))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    books = [
        LibraryLetter.model_validate({"letter": f"book{n}", "kind": draw(st.sampled_from(["useful", "useful", "news"])), "subject": "s", "body": "b"})
        for n in range(draw(st.integers(0, 2)))
    ]
    policy = Policy.model_validate({
        "cap": draw(st.sampled_from([3, 3, 1, 2, 7])),
        "gap": draw(st.sampled_from(["20h", "20h", "6h", "0s"])),
        "mix": draw(mixes),
        "blackout": draw(st.sampled_from([(), ("03-29", "11-01"), ("2026-10-25",)])),
        "pace": draw(st.sampled_from([None, None, *PACES])),
        "quiet_hours": draw(st.sampled_from([{"from": "21:00", "until": "8:00"}, {"from": "1:00", "until": "5:00"}])),
    })
    return Case(
        sequences=tuple(draw(sequences(f"s{n}")) for n in range(draw(st.integers(1, 3)))),
        library=tuple(books),
        policy=policy,
        zone=draw(st.sampled_from(HARD_ZONES)),
        start=draw(st.sampled_from(STARTS)) + timedelta(minutes=draw(st.integers(0, 4 * 1440))),
        weeks=draw(st.integers(8, 12)),
        kinds=draw(st.sampled_from([Kinds.ALL, Kinds.ALL, Kinds.ALL, Kinds.USEFUL])),
        frequency=draw(st.sampled_from([Frequency.NORMAL, Frequency.NORMAL, Frequency.LESS])),
        pause=draw(st.one_of(st.none(), st.none(), st.tuples(st.integers(0, 30), st.integers(1, 40)))),
        outcomes=tuple(draw(st.lists(st.sampled_from(["accepted"] * 6 + ["rejected", "held", "bounced"]), min_size=1, max_size=5))),
        glances=tuple(draw(st.lists(st.sampled_from([0, 0, 5, 90, 700]), min_size=1, max_size=3))),
        own_hour=draw(st.booleans()),
        joins=tuple(draw(st.lists(st.sampled_from([0, 0, 6, 30, 200]), max_size=3))),
        campaigns=tuple(draw(campaigns(f"c{n}")) for n in range(draw(st.integers(0, 2)))),
    )


def judge_plan(life: Life, plan: Plan) -> None:
    """Every decision has its reason; only sales letters wait for their mix; everybody is looked at again."""
    under_way = {w.enrolment_id for w in life.ways} - {d.enrolment_id for d in plan.done}
    for decision in (*plan.waits, *plan.skips, *plan.done, *((plan.send,) if plan.send else ())):
        assert decision.reason
        assert decision.rule
    for wait in plan.waits:
        if wait.rule == "mix":
            assert wait.letter
            assert life.letters[wait.letter].kind is Kind.SALES, wait
            way = next(w for w in life.ways if w.enrolment_id == wait.enrolment_id)
            begins = max(life.now, way.occasion.begins(life.zone)) if way.occasion else life.now
            assert wait.until
            assert life.person().paused_until or wait.until <= begins + way.source.stale_after
        assert wait.until is not None, wait
        assert wait.until >= life.now, wait
    for skip in plan.skips:
        assert life.letters[skip.letter].kind is Kind.SALES or skip.outcome != "stale" or skip.letter.startswith("c")
    told = {w.enrolment_id for w in plan.waits} | ({plan.send.enrolment_id} if plan.send else set())
    assert told >= under_way or plan.keep
    if under_way:
        assert plan.send or plan.keep or plan.look_at, plan
    if plan.look_at:
        assert plan.look_at > life.now
    if plan.send:
        assert life.now <= plan.send.due_at <= life.now + HORIZON
        assert plan.send.due_at + timedelta(seconds=10) <= plan.send.closes_at


def judge_letters(life: Life) -> None:
    seen: set[tuple[str, str]] = set()
    arrived: list[Handed] = []
    cap = cap_of(life.person(), life.case.policy)
    for handed in life.handed:
        occasion = (handed.send.letter, handed.send.occasion)
        assert occasion not in seen
        seen.add(occasion)
        if handed.letter.kind is Kind.SALES:
            assert_earned(handed, arrived, life.case.policy)
            assert life.case.kinds is Kinds.ALL
        assert all(handed.at - before.at >= life.case.policy.gap for before in arrived)
        assert sum(handed.day - before.day < 7 * DAY for before in arrived) < cap
        if handed.outcome in COUNTED:
            arrived.append(handed)


def assert_earned(sales: Handed, arrived: list[Handed], policy: Policy) -> None:
    useful = others = 0
    for before in arrived:
        if before.letter.kind is Kind.SALES:
            useful = others = 0
        elif before.outcome == "accepted" and before.letter.kind is not Kind.GREETING:
            useful += before.letter.kind is Kind.USEFUL
            others += 1
    own = [p for w in sales.ways for p in w.source.promises]
    promises = [*own, *policy.mix] if sales.send.lane.startswith("campaign:") else own or list(policy.mix)
    assert useful >= max((p.useful for p in promises if isinstance(p, Ratio)), default=0)
    assert others >= (2 if any(isinstance(p, Thirds) for p in promises) else 0)


def paused_beside_a_campaign() -> Case:
    """The time of a pause is not the campaign's: its letter leaves more than its 30 days after it was started."""
    useful = {"kind": "useful", "subject": "s", "body": "b"}
    letters = [{"id": "l0", **useful}, {"id": "l1", **useful}, {"id": "l2", "after": "0s", "window": "any", **useful}]
    campaign = {"campaign": "c0", "segment": "all", "until": "30d", "letter": {"id": "l0", **useful}}
    return Case(
        (Sequence.model_validate({"sequence": "s0", "priority": 10, "letters": letters}),), (), Policy.model_validate({"cap": 1}),
        "Australia/Lord_Howe", datetime(2026, 2, 12, 12, 43, tzinfo=UTC), 8, pause=(16, 14), own_hour=False,
        campaigns=((Campaign.model_validate(campaign), 0),),
    )  # fmt: skip


def repaid_after_a_greeting() -> Case:
    """A greeting of no day passes the held offer in its turn, though no mix counts it; then the library repays."""
    text = {"subject": "s", "body": "b"}
    useful, sales, greeting = ({"kind": kind, **text} for kind in ("useful", "sales", "greeting"))
    sequences = [
        {"sequence": "s0", "letters": [{"id": "l0", **useful}, {"id": "l1", **useful}, {"id": "l2", "after": "0s", **useful}]},
        {"sequence": "s1", "letters": [{"id": "l0", **useful}, {"id": "l1", "after": "0s", **sales}, {"id": "l2", **greeting}]},
    ]
    return Case(
        tuple(Sequence.model_validate({"mix": "3:1", "priority": 10, **s}) for s in sequences),
        (LibraryLetter.model_validate({"letter": "book0", **useful}),), Policy(), "Australia/Lord_Howe", datetime(2026, 2, 12, tzinfo=UTC), 8,
        own_hour=False,
    )  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
@example(paused_beside_a_campaign())
@example(repaid_after_a_greeting())
def test_a_life_keeps_every_rule_and_never_gets_stuck(case: Case) -> None:
    note(str(case))
    life = Life(case)
    life.live(judge_plan)
    judge_letters(life)
    later = any(case.joins)  # the checker takes all for enrolled, and campaigns for started, from the start
    unknown = (("mix", "thirds") if later else ()) + (("until",) if any(hours for _, hours in case.campaigns) else ())
    unknown += ("library", "order") if set(case.outcomes) != {"accepted"} else ()  # what bounced or got lost earned nothing, and does not show
    start = None if later else case.start
    found = [v for v in check(life.rows(), life.documents(), start=start, people=life.people()) if v.rule not in unknown]
    assert not found, "\n".join(map(str, found))

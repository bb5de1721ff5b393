"""Planning one person: which letter is next, when, and why; what is skipped, what waits, what is done."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta

from nurture.domain.capacity import Load
from nurture.domain.cleanup import offering
from nurture.domain.cleanup.courses import Course
from nurture.domain.delivery import HORIZON
from nurture.domain.documents import Campaign, Policy, lane_name
from nurture.domain.documents import Sequence as SequenceDocument
from nurture.domain.mix import Earned, leaving_out, promises_on, sales_earned
from nurture.domain.mixes import Promise
from nurture.domain.pacing import cap_places
from nurture.domain.plans import Done, OpenRow, Person, Plan, Send, Shelf, Skip, Wait, Way, keyed
from nurture.domain.remembering import by_identity
from nurture.domain.rivals import Timed, choose, in_words, wait_for, what_kept
from nurture.domain.timing import Slot, cap_of, earliest, has_its_hour_ahead, on_its_date, one_a_date
from nurture.domain.turns import LOOK_AGAIN, Ahead, Book, Turn, deadline, library_candidates, skipped, turn_of
from nurture.domain.windows import Hours, hours_of, instant_of, openings
from nurture.domain.words import Kind, State

_REPLACEABLE = (State.PENDING, State.DEFERRED)


def plan_person(
    person: Person, ways: tuple[Way, ...], shelf: Shelf, policy: Policy, now: datetime, row: OpenRow | None = None,
    load: Load | None = None,
) -> Plan:  # fmt: skip
    """Decide for one person. `row` is their open delivery: a claimed, sending or unknown one is waited for, others may be kept or
    outranked. `load`: what the relay has to carry already, None where nothing bounds it.
    """
    if row is not None and row.state not in _REPLACEABLE:
        return Plan(waits=tuple(Wait(w.enrolment_id, None, None, f"{row.letter} is on its way", "one at a time") for w in ways))
    left = [Done(w.enrolment_id, f"left by {w.exit}", "exit") for w in ways if w.exit]
    if left:
        ways = tuple(w for w in ways if not w.exit)
    if person.cleaned_by is not None:
        return _plan_cleaned(person, ways, left, shelf, policy, now, row, load)
    ways = tuple(w for w in ways if not isinstance(w.source, Course))
    passed, ways = _superseded(person, ways, policy, now)
    ahead = Ahead(
        lambda way: _coming(person, way, ways, shelf, policy, now),
        lambda way, book: _leaves(person, way, book, policy, now, way.source.stale_after) is not None,
    )
    turns = [(w, turn_of(person, w, shelf, _earned(person, w, ways, policy), now, ahead)) for w in ways]
    timed, stuck = _time(person, turns, policy, now, row, load)
    postponed: dict[int, datetime] = {}
    if passed or any(w.occasion for w in ways):
        late = [t for t in timed if t.candidate.way.occasion and _too_late(person, t)]
        timed = [t for t in timed if t not in late]
        turns += passed + [(t.candidate.way, _given_up(t)) for t in late]
        postponed = {t.candidate.way.enrolment_id: t.slot.due for t in timed if t.candidate.way.occasion and t.slot.rule == "capacity"}
    near = _about_to_open(person, ways, shelf, policy, now, ahead) if timed and shelf.coming else []
    chosen = choose(person, timed + near, policy, now)
    standing = [t.wait for _, t in turns if t.wait] + stuck
    deadlines = [w.until for w in standing if w.until]
    waits = standing + [wait_for(t, chosen) for t in timed if t is not chosen]
    if chosen is not None and chosen in near:
        deadlines.append(chosen.candidate.way.enrolled_at)
        chosen = None
    return _plan(chosen, waits, deadlines, turns, left, row, now, postponed)


def _plan_cleaned(
    person: Person, ways: tuple[Way, ...], left: list[Done], shelf: Shelf, policy: Policy, now: datetime, row: OpenRow | None,
    load: Load | None,
) -> Plan:  # fmt: skip
    """While a cleanup has the person nothing but its own letters is planned; everything else waits, and its clocks stand still."""
    own = [w for w in ways if isinstance(w.source, Course)][:1]
    turns = [(w, offering.offer(person, w, shelf)) for w in own]
    timed, stuck = _time(person, turns, policy, now, row, load)
    if timed and (event := offering.after_event(timed[0])):
        turns, timed = [(own[0], offering.over(own[0], event))], []
    waits = offering.set_aside(tuple(w for w in ways if w not in own), person.cleaned_by or "") + [t.wait for _, t in turns if t.wait]
    return _plan(timed[0] if timed else None, waits + stuck, [], turns, left, row, now, {})


def _about_to_open(person: Person, ways: tuple[Way, ...], shelf: Shelf, policy: Policy, now: datetime, ahead: Ahead) -> list[Timed]:
    """The letters of campaigns that open within the horizon: they keep their place from letters that would shut them out."""
    near = [w for w in shelf.coming if now < w.enrolled_at <= now + HORIZON]
    turns = [(w, turn_of(person, w, shelf, _earned(person, w, ways, policy), now, ahead)) for w in near]
    return _time(person, turns, policy, now, None, None)[0]


def _earned(person: Person, way: Way, ways: tuple[Way, ...], policy: Policy) -> Earned:
    """Whether this way's next sales letter is earned by every promise the person is under; a doubtful letter's own row does not hold it."""
    if len(ways) == 1 and not person.bound:
        promises = _alone(way.source, policy) if not isinstance(way.source, Course) else ()
    else:
        promises = promises_on([person.bound, *(w.source.promises for w in ways)], policy.mix, campaign=way.occasion is not None)
    if person.doubts:
        past = {p.letter for p in way.history}
        key = next((key for key, letter in keyed(way.source) if letter.kind is Kind.SALES and key not in past), "")
        person = leaving_out(person, key)
    return sales_earned(promises, person.useful_since_sales, person.others_since_sales)


@by_identity(1024)
def _alone(source: SequenceDocument | Campaign, policy: Policy) -> tuple[Promise, ...]:
    return promises_on([source.promises], policy.mix, campaign=isinstance(source, Campaign))


def _superseded(person: Person, ways: tuple[Way, ...], policy: Policy, now: datetime) -> tuple[list[tuple[Way, Turn]], tuple[Way, ...]]:
    """A campaign's letter that has not left when its next occasion opens is skipped; and the ways that go on.

    The next date opens at UTC+14: a letter whose named hour is still ahead for this reader goes at that hour all the same, or no daily
    campaign would ever reach the west.
    """
    if not any(w.occasion for w in ways):
        return [], ways
    newest: dict[str, int] = {}
    for way in ways:
        if way.occasion:
            newest[way.source.name] = max(way.number, newest.get(way.source.name, way.number))  # a resend's is below zero
    older = [w for w in ways if w.occasion and not w.history and w.number < newest[w.source.name]]
    over = [w for w in older if not has_its_hour_ahead(person, w, policy, now)]
    reason = "the campaign's next occasion has opened"
    return [(w, _given_up_way(w, "superseded", reason)) for w in over], tuple(w for w in ways if w not in over)


def _given_up_way(way: Way, outcome: str, reason: str) -> Turn:
    skips = [Skip(way.enrolment_id, key, letter.kind, outcome, reason, outcome) for key, letter in keyed(way.source)]
    return Turn((), tuple(skips), Done(way.enrolment_id, reason, outcome))


def _too_late(person: Person, timed: Timed) -> bool:
    """Whether a campaign's letter could leave only after it has waited as long as it is to; what the relay cannot carry is not counted."""
    end = deadline(person, timed.candidate.way)
    return end is not None and not timed.row and timed.slot.due > end and timed.slot.rule != "capacity"


def _given_up(timed: Timed) -> Turn:
    patience = f"longer than its {timed.candidate.way.source.stale_after.days} days"
    return _given_up_way(timed.candidate.way, "stale", f"{what_kept(timed.slot)}, until {timed.slot.day}: {patience}")


def _coming(person: Person, way: Way, ways: tuple[Way, ...], shelf: Shelf, policy: Policy, now: datetime) -> datetime | None:
    """When a useful letter of another way, or of the library on its behalf, may leave, if that is within `stale_after`."""
    moments = []
    for other in (*ways, *shelf.coming):
        if other is way:
            continue
        past = {p.letter for p in other.history}
        unsent = [(key, letter, other.source.windows) for key, letter in keyed(other.source) if key not in past]
        useful = [e for e in unsent if e[1].kind is Kind.USEFUL and skipped(person, other, shelf, e[1], e[0]) is None]
        if other.source.repay == "library" and any(x.kind is Kind.SALES for _, x, _ in unsent):
            useful += library_candidates(person, other, shelf)
        found = (_leaves(person, other, book, policy, now, way.source.stale_after) for book in useful)
        moments += [moment for moment in found if moment]
    return min(moments, default=None)


def _leaves(person: Person, way: Way, book: Book, policy: Policy, now: datetime, within: timedelta) -> datetime | None:
    """When this letter may leave on that way, where that is soon enough."""
    key, letter, windows = book
    slot = earliest(person, way, key, letter, hours_of(letter, windows, policy), policy, now)
    return slot.due if slot and slot.due <= now + within else None


def _time(
    person: Person, turns: list[tuple[Way, Turn]], policy: Policy, now: datetime, row: OpenRow | None, load: Load | None
) -> tuple[list[Timed], list[Wait]]:
    """A moment for every candidate; the open row keeps its own."""
    timed: list[Timed] = []
    stuck: list[Wait] = []
    for way, turn in turns:
        for c in turn.candidates:
            hours = hours_of(c.letter, c.windows, policy)
            same = row is not None and (row.letter, row.occasion) == (c.key, c.occasion) and on_its_date(person, way, c.letter, row.due_at)
            if row and same and _fits(row, way, hours, person, policy):
                closes = row.closes_at or row.due_at + HORIZON
                timed.append(Timed(c, Slot(row.due_at, closes, row.due_at.astimezone(person.zone).date(), "window"), row=True))
                continue
            seen = person if isinstance(way.source, Course) else leaving_out(person, c.key)
            slot = earliest(seen, way, c.key, c.letter, hours, policy, now, only_day=c.day, load=load)
            if slot:
                timed.append(Timed(c, slot, hours.name))
            elif c.letter.about is not None:
                stuck.append(Wait(way.enrolment_id, c.key, now + LOOK_AGAIN, f"{c.reason}; no window is left in its dates", "about"))
            elif c.day is None:
                stuck.append(Wait(way.enrolment_id, c.key, now + LOOK_AGAIN, "no window of this letter opens in 400 days", "window"))
            else:
                over = instant_of(c.day + timedelta(days=1), time(0), person.zone)
                stuck.append(Wait(way.enrolment_id, c.key, over, f"{c.day} leaves no hour for this greeting", "greeting"))
    return timed, stuck


def _fits(row: OpenRow, way: Way, hours: Hours, person: Person, policy: Policy) -> bool:
    """Whether the moment written still lies in the letter's hours, which an edit may have moved, and under the cap, which the person may
    have lowered by asking for less. A deferred row keeps its next try.
    """
    day = row.due_at.astimezone(person.zone).date()
    if isinstance(way.source, Course):
        if not one_a_date(person, day):
            return False
    elif cap_places(day, [e.day for e in person.entries if e.delivery != row.delivery_id], cap_of(person, policy)) < 1:
        return False
    if row.state is State.DEFERRED or hours.now:
        return True
    named = way.occasion.hour(person.zone, policy.lateness) if way.occasion else None
    if named and named.opens <= row.due_at < named.closes:
        return True
    opening = next(openings(hours, person.zone, policy, row.due_at), None)
    return opening is not None and opening.opens <= row.due_at


def _plan(
    chosen: Timed | None,
    waits: list[Wait],
    deadlines: list[datetime],
    turns: list[tuple[Way, Turn]],
    left: list[Done],
    row: OpenRow | None,
    now: datetime,
    postponed: Mapping[int, datetime],
) -> Plan:
    """`deadlines`: when the waits that no letter's own moment ends are looked at again. `postponed`: campaign letters that the relay can
    carry only then; their patience runs from there.
    """
    skips, done, stale = list[Skip](), left, list[tuple[int, datetime | None]]()
    for way, turn in turns:
        skips += turn.skips
        if turn.done:
            done.append(turn.done)
        since = postponed.get(way.enrolment_id, way.stale_since if way.occasion else turn.stale_since)
        if since != way.stale_since:
            stale.append((way.enrolment_id, since))
    if chosen and chosen.row:
        return Plan(None, True, None, None, tuple(waits), tuple(skips), tuple(done), tuple(stale))
    final = row is not None and _over(row, skips, done)
    outrank, cancel = (row.delivery_id if row and not final else None), (row.delivery_id if row and final else None)
    if chosen and chosen.slot.due <= now + HORIZON:
        c, slot = chosen.candidate, chosen.slot
        send = Send(
            c.way.enrolment_id,
            c.key,
            c.occasion,
            c.letter.kind,
            slot.due,
            slot.closes,
            lane_name(c.way.source),
            in_words(chosen),
            c.rule,
            slot.timing,
            c.variant,
        )
        return Plan(send, False, outrank, cancel, tuple(waits), tuple(skips), tuple(done), tuple(stale))
    if chosen:
        waits.append(wait_for(chosen, None))
        full = chosen.slot.rule == "capacity"  # all who wait for that window are looked at together, so that the order can be fair
        deadlines.append((chosen.slot.closes if full else chosen.slot.due) - HORIZON)
    look = min((max(d, now + timedelta(minutes=1)) for d in deadlines), default=None)
    return Plan(None, False, outrank, cancel, tuple(waits), tuple(skips), tuple(done), tuple(stale), look)


def _over(row: OpenRow, skips: list[Skip], done: list[Done]) -> bool:
    """Whether the open row's letter will never be this person's next again: its way has ended, or it was skipped."""
    skipped_now = any((s.enrolment_id, s.letter) == (row.enrolment_id, row.letter) for s in skips)
    return skipped_now or any(d.enrolment_id == row.enrolment_id for d in done)

"""Whose turn it is in one way through a sequence: mix and order, declined letters, conditions, held sales letters and what repays them."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import NamedTuple

from nurture.domain.cleanup.courses import Course
from nurture.domain.dates import next_yearly
from nurture.domain.delivery import LIBRARY_OCCASION, campaign_occasion, enrolment_occasion, greeting_occasion, letter_name
from nurture.domain.documents import Campaign, Sequence
from nurture.domain.letters import Letter, Windows
from nurture.domain.mix import Earned, in_order, thirds_of
from nurture.domain.plans import Done, Person, Shelf, Skip, Wait, Way, keyed
from nurture.domain.remembering import by_identity
from nurture.domain.timing import dates_of
from nurture.domain.variants import variant_for
from nurture.domain.words import Kind, Kinds

DECLINED_BY_USEFUL = (Kind.SALES, Kind.NEWS, Kind.ABOUT)
_NEAR = timedelta(days=2)  # a greeting is written at most 36 hours ahead
LOOK_AGAIN = timedelta(days=1)  # a wait that no moment of its own ends
Book = tuple[str, Letter, Windows]


class Ahead(NamedTuple):
    """Asked where a sales letter is held: when another way's useful letter may leave; whether a library letter may leave in time."""

    coming: Callable[[Way], datetime | None]
    in_time: Callable[[Way, Book], bool]


class Candidate(NamedTuple):
    """A letter that may be next for the person. `day`: a greeting's date."""

    way: Way
    key: str
    occasion: str
    letter: Letter
    windows: Windows
    reason: str
    rule: str
    day: date | None = None
    variant: str | None = None


class Turn(NamedTuple):
    """What one way offers now: at most one letter in order and the greetings whose day is near; what it skips, or that it is done or
    waits.
    """

    candidates: tuple[Candidate, ...] = ()
    skips: tuple[Skip, ...] = ()
    done: Done | None = None
    wait: Wait | None = None
    stale_since: datetime | None = None


def declined(person: Person, way: Way, letter: Letter) -> str | None:
    """Why the person does not want this letter, or None. Declined letters are skipped, never held."""
    if person.kinds is Kinds.USEFUL and letter.kind in DECLINED_BY_USEFUL:
        return "only useful letters are wanted"
    topic = letter.topic or way.source.topic
    return f"the topic {topic} was left" if topic in person.declined_topics else None


Entries = tuple[tuple[str, Letter], ...]


class _Book(NamedTuple):
    """A sequence's letters with their keys, told apart once: those with a turn in the order, greetings of a day, letters about a date."""

    in_turn: Entries
    yearly: Entries
    about: Entries
    thirds: bool


@by_identity(1024)
def _book_of(source: Sequence | Campaign | Course) -> _Book:
    yearly = tuple(e for e in keyed(source) if e[1].kind is Kind.GREETING and e[1].day is not None)
    about = tuple(e for e in keyed(source) if e[1].about is not None)
    apart = {key for key, _ in yearly + about}
    return _Book(tuple(e for e in keyed(source) if e[0] not in apart), yearly, about, thirds_of(source.promises) is not None)


def turn_of(person: Person, way: Way, shelf: Shelf, earned: Earned, now: datetime, ahead: Ahead) -> Turn:
    """The turn of one way through a sequence, or through an occasion of a campaign."""
    if isinstance(way.source, Campaign):
        if way.source.drawn == "library":
            return _from_library(person, way, shelf, ahead)
        if way.source.variants and way.occasion and _variant(person, way) is None and not way.history:
            return _untried(way, now)
    book = _book_of(way.source)
    past = {p.letter for p in way.history}
    dated = _dated(person, way, shelf, [e for e in book.about if e[0] not in past], earned, now) if book.about else _NOTHING
    rest = [*dated.held, *(e for e in book.in_turn if e[0] not in past)] if past or dated.held else list(book.in_turn)
    if way.occasion and past and any(key.startswith(f"{way.source.name}/") for key in past):
        rest = []  # an edit that gives the letter another id must not send the occasion twice
    beside = (_greetings(person, way, book.yearly, shelf, now) if book.yearly else ()) + dated.candidates
    skips = list(dated.skips)
    while rest:
        entry = _whose_turn(person, way, rest, book, earned)
        key, letter = entry
        skip = skipped(person, way, shelf, letter, key)
        if skip is None and letter.kind is Kind.SALES and not earned.allowed:
            turn = _held(person, way, shelf, letter, earned, now, ahead)
            if turn.candidates or turn.wait:
                return Turn(turn.candidates + beside, tuple(skips), None, turn.wait, turn.stale_since)
            skip = turn.skips[0]
        if skip is None:
            reason = _order_reason(way, rest[0][1], letter, earned)
            mine = Candidate(way, key, _occasion(way), letter, way.source.windows, reason, "order", variant=_variant(person, way))
            return Turn((mine, *beside), tuple(skips))
        skips.append(skip)
        rest = [e for e in rest if e is not entry]
    if beside or book.yearly:
        wait = None if beside else Wait(way.enrolment_id, None, now + LOOK_AGAIN, "only yearly greetings are left", "greeting")
        return Turn(beside, tuple(skips), None, wait)
    skips += dated.undated
    return Turn((), tuple(skips), Done(way.enrolment_id, "every letter is sent or skipped", "done"))


def _whose_turn(person: Person, way: Way, rest: list[tuple[str, Letter]], book: _Book, earned: Earned) -> tuple[str, Letter]:
    """The unsent letter to try next. A sales letter that the person declines is skipped, never held."""
    first = rest[0]
    if not book.thirds and (earned.allowed or first[1].kind is not Kind.SALES):
        return first
    if first[1].kind is Kind.SALES and declined(person, way, first[1]):
        return first
    sent = [p.kind for p in way.sent if p.kind is not Kind.GREETING]
    chosen = in_order([letter for _, letter in rest], sent, way.source.promises, not earned.allowed)[0]
    return next(entry for entry in rest if entry[1] is chosen)


class _Dated(NamedTuple):
    """Letters about a date: those that may be next at their time, offers whose time has come unearned, what is skipped, and the skips of
    those without a date, which count only when nothing else is left.
    """

    candidates: tuple[Candidate, ...] = ()
    held: tuple[tuple[str, Letter], ...] = ()
    skips: tuple[Skip, ...] = ()
    undated: tuple[Skip, ...] = ()


_NOTHING = _Dated()


def _dated(person: Person, way: Way, shelf: Shelf, letters: Iterable[tuple[str, Letter]], earned: Earned, now: datetime) -> _Dated:
    """They stand beside the order, so that no other letter waits for their date. Their condition is asked when it is near; once over,
    they are skipped.
    """
    candidates: list[Candidate] = []
    held: list[tuple[str, Letter]] = []
    skips: list[Skip] = []
    undated: list[Skip] = []
    today = now.astimezone(person.zone).date()
    for key, letter in letters:
        dates = dates_of(person, way, letter)
        if dates is None or letter.about is None:
            why = f"the person has no date in {letter.about.date if letter.about else ''}"
            undated.append(Skip(way.enrolment_id, key, letter.kind, "condition", why, "about"))
            continue
        near = dates[0] - today <= _NEAR
        over = f"its dates, {dates[0]} to {dates[1]}, are over"
        missed = Skip(way.enrolment_id, key, letter.kind, "missed", over, "about") if today > dates[1] else None
        skip = missed or (skipped(person, way, shelf, letter, key) if near else None)
        if skip:
            skips.append(skip)
        elif near and letter.kind is Kind.SALES and not earned.allowed:
            held.append((key, letter))
        else:
            reason = f"about {dates[0] - timedelta(days=letter.about.days)}"
            candidates.append(Candidate(way, key, _occasion(way), letter, way.source.windows, reason, "about"))
    return _Dated(tuple(candidates), tuple(held), tuple(skips), tuple(undated))


def _occasion(way: Way) -> str:
    return campaign_occasion(way.occasion.nominal, way.occasion.resend) if way.occasion else enrolment_occasion(way.number)


def _variant(person: Person, way: Way) -> str | None:
    """The variant of the letter that this person gets; None where there are none, or where the test is to decide first."""
    campaign = way.source
    if not isinstance(campaign, Campaign) or not campaign.variants or way.occasion is None:
        return None
    arms, share = len(campaign.variants) + 1, campaign.trial.share
    return variant_for(campaign.name, _occasion(way), person.subscriber_id, arms, share) or way.occasion.chosen


def _untried(way: Way, now: datetime) -> Turn:
    """One who takes no part in the test waits for what it says."""
    assert isinstance(way.source, Campaign)  # noqa: S101 - only campaigns have variants
    until = max(way.enrolled_at + way.source.trial.within, now + LOOK_AGAIN)
    reason = "the variants are tried on others first, and the better one goes to the rest"
    return Turn(wait=Wait(way.enrolment_id, keyed(way.source)[0][0], until, reason, "test"))


def _from_library(person: Person, way: Way, shelf: Shelf, ahead: Ahead) -> Turn:
    """The next library letter that this person never had, once for this occasion."""
    if way.sent:
        return Turn(done=Done(way.enrolment_id, "every letter is sent or skipped", "done"))
    books = library_candidates(person, way, shelf)
    name, letter, windows = next((b for b in books if ahead.in_time(way, b)), books[0]) if books else ("", None, None)
    if letter is None or windows is None:
        return Turn(done=Done(way.enrolment_id, "the library holds no useful letter that this person never had", "library"))
    reason = f"library letter of campaign {way.source.name}" + (f" of {way.occasion.nominal}" if way.occasion else "")
    return Turn((Candidate(way, name, LIBRARY_OCCASION, letter, windows, reason, "library"),))


def _order_reason(way: Way, first: Letter, letter: Letter, earned: Earned) -> str:
    if first.kind is Kind.SALES and letter is not first and not earned.allowed:
        return f"passes {first.id}: {earned.reason}"
    if letter.kind is Kind.SALES:
        return "sales letter earned by the letters before it"
    if way.occasion:
        return f"campaign {way.source.name} of {way.occasion.nominal}"
    return f"letter {len(way.sent) + 1} of {way.source.name}"


def skipped(person: Person, way: Way, shelf: Shelf, letter: Letter, key: str) -> Skip | None:
    """`only_if` is asked now that the letter's turn has come."""
    why = declined(person, way, letter)
    if why:
        return Skip(way.enrolment_id, key, letter.kind, "declined", why, "declined")
    if letter.only_if is not None and key not in shelf.holds:
        return Skip(way.enrolment_id, key, letter.kind, "condition", "its condition does not hold for this person", "condition")
    if letter.evergreen and key in shelf.had and way.number == 1:  # on a second way it was meant to come again
        return Skip(way.enrolment_id, key, letter.kind, "had", "the person had it from the library", "library")
    return None


def library_candidates(person: Person, way: Way, shelf: Shelf) -> list[Book]:
    """Useful library letters the person never had and does not decline, as written."""
    return [
        (key, letter, windows)
        for key, letter, windows in shelf.letters
        if letter.kind is Kind.USEFUL
        and key not in shelf.had
        and declined(person, way, letter) is None
        and (letter.only_if is None or key in shelf.holds)
        and not any(p.letter == key for p in way.history)
    ]


def _held(person: Person, way: Way, shelf: Shelf, letter: Letter, earned: Earned, now: datetime, ahead: Ahead) -> Turn:
    """A sales letter due but unearned, with nothing left in its sequence to pass it: the library repays, or it waits, or it is stale."""
    key = letter_name(way.source.name, letter.id)
    if way.source.repay == "library":
        shelfed = [book for book in library_candidates(person, way, shelf) if ahead.in_time(way, book)]
        if shelfed:
            name, book, windows = shelfed[0]
            reason = f"repays for {letter.id}: {earned.reason}"
            return Turn((Candidate(way, name, LIBRARY_OCCASION, book, windows, reason, "repay"),))
    paused = person.paused_until if person.paused_until and person.paused_until > now else None
    end = deadline(person, way)
    moment = paused or ahead.coming(way)
    if moment and (end is None or now < end):
        until = max(moment, now + LOOK_AGAIN)
        clock = _stopped(way, now, paused) if paused and end is None else None
        return Turn(wait=Wait(way.enrolment_id, key, min(until, end or until), earned.reason, "mix"), stale_since=clock)
    since = None if end else way.stale_since or now
    until = end or (since or now) + way.source.stale_after
    if now >= until:
        reason = f"{earned.reason}, and none came in {way.source.stale_after.days} days"
        return Turn(skips=(Skip(way.enrolment_id, key, letter.kind, "stale", reason, "stale"),))
    return Turn(wait=Wait(way.enrolment_id, key, until, earned.reason, "mix"), stale_since=since)


def _stopped(way: Way, now: datetime, paused_until: datetime) -> datetime | None:
    """The clock of a held letter stands still while the person pauses: it is put forward by what is left of the pause."""
    since = way.stale_since
    return since + (paused_until - now) if since is not None and since <= now else since


def deadline(person: Person, way: Way) -> datetime | None:
    """Until when a campaign's letter waits; a pause of the person does not count, nor what the relay could not carry. None: no end."""
    if way.occasion is None:
        return None
    begins = (way.occasion.begins(person.zone), person.paused_until or way.enrolled_at, way.stale_since or way.enrolled_at)
    return max(begins) + way.source.stale_after


def _greetings(
    person: Person, way: Way, yearly: Iterable[tuple[str, Letter]], shelf: Shelf, now: datetime
) -> tuple[Candidate, ...]:
    """Yearly greetings whose next day is known; outside the mix, once on each date. Their condition is asked when the day is near."""
    found = []
    today = now.astimezone(person.zone).date()
    for key, letter in yearly:
        if declined(person, way, letter):
            continue
        day = next_yearly(str(letter.day), person.fields, today)
        if day and (_greeted(way, key, day) or (day - today <= _NEAR and skipped(person, way, shelf, letter, key))):
            day = next_yearly(str(letter.day), person.fields, day + timedelta(days=1))
        if day and not _greeted(way, key, day):
            found.append(Candidate(way, key, greeting_occasion(day), letter, way.source.windows, f"greeting of {day}", "greeting", day))
    return tuple(found)


def _greeted(way: Way, key: str, day: date) -> bool:
    return any(p.letter == key and p.day == day for p in way.history)

"""One person lives through sequences by the planner's rules alone: no database, no clock; what a sender would write, this writes in memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from nurture.domain.documents import Campaign, LibraryLetter, Policy, Sequence
from nurture.domain.folding import EventFact, LetterFact, fold
from nurture.domain.forecasting import carry_out
from nurture.domain.letters import Letter, Windows
from nurture.domain.occasions import occasions_after
from nurture.domain.planning import plan_person
from nurture.domain.plans import OpenRow, Past, Person, Plan, Send, Shelf, Way, next_of_each
from nurture.domain.standing import Standing
from nurture.domain.words import EventType, Evidence, Frequency, Kinds, State

HALF_LIFE = timedelta(days=180)
HOLDS = "yes"  # `only_if: {tag: yes}` holds, any other tag does not
MOST_LOOKS = 600


@dataclass(frozen=True)
class Case:
    """What one life is made of. `outcomes` are taken in turn: accepted, rejected, held, bounced. `joins`: hours until each sequence begins;
    `campaigns`: each with the hours until it is started.
    """

    sequences: tuple[Sequence, ...]
    library: tuple[LibraryLetter, ...]
    policy: Policy
    zone: str
    start: datetime
    weeks: int
    kinds: Kinds = Kinds.ALL
    frequency: Frequency = Frequency.NORMAL
    pause: tuple[int, int] | None = None
    outcomes: tuple[str, ...] = ("accepted",)
    glances: tuple[int, ...] = (0,)
    own_hour: bool = True
    joins: tuple[int, ...] = ()
    campaigns: tuple[tuple[Campaign, int], ...] = ()

    def __str__(self) -> str:
        """As it would be written, for a counter-example."""
        rest = {name: getattr(self, name) for name in ("zone", "start", "weeks", "kinds", "frequency", "pause", "outcomes", "glances", "own_hour", "joins")}
        rest["hours"] = [hours for _, hours in self.campaigns]
        documents = (self.policy, *self.sequences, *(c for c, _ in self.campaigns), *self.library)
        return "\n".join([*(d.model_dump_json(by_alias=True, exclude_defaults=True) for d in documents), str(rest)])


@dataclass(frozen=True)
class Handed:
    """A letter that was handed to the relay, how that ended, and which ways were under way then."""

    send: Send
    letter: Letter
    outcome: str
    at: datetime
    day: Any
    ways: tuple[Way, ...]


@dataclass
class Life:
    case: Case
    now: datetime = field(init=False)
    standing: Standing = field(default_factory=lambda: Standing(1))
    ways: list[Way] = field(default_factory=list)
    ahead: list[Way] = field(default_factory=list)
    row: OpenRow | None = None
    send: Send | None = None
    handed: list[Handed] = field(default_factory=list)
    plans: list[tuple[datetime, Plan]] = field(default_factory=list)
    looks: int = 0

    def __post_init__(self) -> None:
        self.now = self.case.start
        hours = [*self.case.joins, *(0 for _ in self.case.sequences)]
        self.ahead = [self._way(n, s, self.now + timedelta(hours=h)) for n, (s, h) in enumerate(zip(self.case.sequences, hours, strict=False), 1)]
        self.ahead += [w for n, (c, h) in enumerate(self.case.campaigns, 1) for w in self._occasions(100 * n, c, self.now + timedelta(hours=h))]
        self._join()
        shelf = [(f"{x.id}/{x.id}", x, Windows()) for x in self.case.library]
        shelf += [(f"{s.name}/{x.id}", x, s.windows) for s in self.case.sequences for x in s.letters if x.evergreen]
        self.letters: dict[str, Letter] = {key: letter for key, letter, _ in shelf}
        sources = (*self.case.sequences, *(c for c, _ in self.case.campaigns))
        self.letters |= {f"{s.name}/{x.id}": x for s in sources for x in s.letters}
        self.shelf = Shelf(tuple(shelf), frozenset(k for k, x in self.letters.items() if x.only_if and HOLDS in str(x.only_if)))

    def _way(self, number: int, sequence: Sequence, at: datetime) -> Way:
        return Way(number, sequence, 1, at, at + timedelta(hours=1) if self.case.own_hour else None)

    def _occasions(self, number: int, campaign: Campaign, started: datetime) -> Iterator[Way]:
        end = self.case.start + timedelta(weeks=self.case.weeks)
        for n, occasion in enumerate(occasions_after(campaign, None, started, ZoneInfo(self.case.policy.timezone)), 1):
            if occasion.opens_at >= end:
                return
            yield Way(number + n, campaign, n, max(started, occasion.opens_at), occasion=occasion)

    def _join(self) -> None:
        self.ways += [w for w in self.ahead if w.enrolled_at <= self.now]
        self.ahead = [w for w in self.ahead if w.enrolled_at > self.now]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.case.zone)

    def person(self) -> Person:
        s, (begin, until) = self.standing, self._pause()
        return Person(
            1, self.zone, s.recent, s.useful_since_sales, s.others_since_sales, self.case.kinds, self.case.frequency,
            paused_until=until if begin <= self.now < until else None,
        )  # fmt: skip

    def live(self, judge: Callable[["Life", Plan], None]) -> "Life":
        """To the end of the weeks or of all ways. `judge` sees every plan before it is carried out."""
        end = self.case.start + timedelta(weeks=self.case.weeks)
        while (self.ways or self.ahead) and self.now < end:
            look = self.look(judge) if self.ways else None
            begin = min([*(w.enrolled_at for w in self.ahead), *self._pause_ahead()], default=end)
            then = self.row.due_at if self.row else look or end
            if begin <= then:
                self.row = None if begin in self._pause_ahead() else self.row  # what waits is cancelled when a pause begins
                self.now = begin
                self._join()
            elif self.row:
                self._glance(judge)
                self._hand_off()
            else:
                self.now = then
        return self

    def _pause_ahead(self) -> list[datetime]:
        begin = self._pause()[0]
        return [begin] if begin > self.now else []

    def _pause(self) -> tuple[datetime, datetime]:
        """From when until when; an empty span at the start where there is none."""
        day, days = self.case.pause or (0, 0)
        begin = self.case.start + timedelta(days=day)
        return begin, begin + timedelta(days=days)

    def look(self, judge: Callable[["Life", Plan], None]) -> datetime | None:
        """Plan and carry out, again where fewer ways bind; returns when to look again."""
        while True:
            self.looks += 1
            assert self.looks < MOST_LOOKS, f"looked {self.looks} times"
            plan = plan_person(self.person(), tuple(self.ways), self._shelf(), self.case.policy, self.now, self.row)
            assert plan == plan_person(self.person(), tuple(self.ways), self._shelf(), self.case.policy, self.now, self.row)
            self.plans.append((self.now, plan))
            judge(self, plan)
            over = {d.enrolment_id for d in plan.done}
            self._carry_out(plan)
            if not over or not self.ways:
                return plan.look_at

    def _carry_out(self, plan: Plan) -> None:
        self.ways = list(carry_out(self.ways, plan, self.now, self.person()))
        if plan.outrank or plan.cancel or plan.send:
            self.row = None
        if plan.send:
            s = self.send = plan.send
            self.row = OpenRow(len(self.handed) + 1, s.letter, s.occasion, State.PENDING, s.due_at, s.closes_at, s.enrolment_id)

    def _shelf(self) -> Shelf:
        kept = {key for key, _, _ in self.shelf.letters}
        coming = next_of_each(sorted(self.ahead, key=lambda w: w.enrolled_at))
        return replace(self.shelf, had=frozenset(h.send.letter for h in self.handed if h.send.letter in kept), coming=coming)

    def _glance(self, judge: Callable[["Life", Plan], None]) -> None:
        """Something else makes the planner look before the letter is due: another letter may take its place."""
        for _ in range(3):
            row = self.row
            assert row
            minutes = self.case.glances[self.looks % len(self.case.glances)]
            before = self.plans[-1][0] + timedelta(minutes=minutes)
            if not minutes or before >= row.due_at:
                break
            self.now = before
            self.look(judge)
            if self.row is None:
                return
        if self.row:
            self.now = self.row.due_at

    def _hand_off(self) -> None:
        if self.row is None or self.send is None:
            return
        send, number = self.send, len(self.handed)
        outcome = self.case.outcomes[number % len(self.case.outcomes)]
        day, letter = self.now.astimezone(self.zone).date(), self.letters[send.letter]
        self.handed.append(Handed(send, letter, outcome, self.now, day, tuple(self.ways)))
        facts = [] if outcome == "rejected" else [LetterFact(number + 1, self.now, day, letter.kind, uncertain=outcome == "held")]
        bounce = EventFact(EventType.BOUNCED, self.now, Evidence.UNKNOWN, number + 1, letter.kind, "hard", hard=True)
        self.standing = fold(self.standing, facts, [bounce] if outcome == "bounced" else [], HALF_LIFE)
        word = "sent" if outcome in ("accepted", "bounced") else outcome
        for n, way in enumerate(self.ways):
            if way.enrolment_id == send.enrolment_id:
                self.ways[n] = way._replace(history=(*way.history, Past(send.letter, letter.kind, word, day, self.now)))
        self.row = None

    def rows(self) -> list[dict[str, Any]]:
        """What was accepted, as the checker reads it."""
        names = {w.enrolment_id: w.source.name for h in self.handed for w in h.ways}
        return [
            {
                "email": "a@example.com", "timezone": self.case.zone, "sequence": names[h.send.enrolment_id], "letter": h.send.letter,
                "kind": h.letter.kind.value, "size": h.letter.size.value, "at": h.at.astimezone(UTC).isoformat(),
                "local": h.at.astimezone(self.zone).isoformat(),
            }
            for h in self.handed
            if h.outcome in ("accepted", "bounced")
        ]  # fmt: skip

    def people(self) -> list[dict[str, Any]]:
        """The person's wishes, as the checker reads them."""
        if self.case.pause is None:
            return []
        begin, until = self._pause()
        deed = {"act": "pause", "at": begin.isoformat(), "until": until.isoformat()}
        return [{"email": "a@example.com", "deeds": [deed], "zones": [{"at": None, "timezone": self.case.zone}]}]

    def documents(self) -> list[dict[str, Any]]:
        """As JSON. Letters that were skipped or did not arrive are marked conditional: they prove nothing to the checker."""
        gone = {s.letter for _, p in self.plans for s in p.skips} | {h.send.letter for h in self.handed if h.outcome in ("rejected", "held")}
        written = [d.model_dump(mode="json", by_alias=True, exclude_none=True) for d in (self.case.policy, *self.case.sequences, *(c for c, _ in self.case.campaigns), *self.case.library)]
        for document in written:
            for letter in document.get("letters", ()):
                if f"{document['sequence']}/{letter['id']}" in gone:
                    letter["only_if"] = {"tag": "skipped"}
        return written



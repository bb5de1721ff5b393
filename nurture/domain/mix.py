"""The promised mix: when a sales letter is earned, and in which order the others come.

A mix *holds* only sales letters; of the other kinds it only chooses the order, so nothing else ever waits on it. A sales letter goes when
every promise the person is under allows it, counted over all they accepted from everywhere.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from nurture.domain.letters import Letter
from nurture.domain.mixes import NoPromise, Promise, Ratio, Thirds
from nurture.domain.plans import Person
from nurture.domain.standing import Entry, Mark
from nurture.domain.words import Kind

LAST = 8  # thirds compare the groups over this many of the sequence's last letters
OUTSIDE = (Kind.GREETING, Kind.SERVICE)


class Earned(NamedTuple):
    """Whether a sales letter may go now; where it may not, the promise that holds it longest and how many letters must come first."""

    holds: Promise | None = None
    missing: int = 0

    @property
    def allowed(self) -> bool:
        return self.holds is None

    @property
    def reason(self) -> str:
        if self.holds is None:
            return "earned"
        one, more = _WANTED[type(self.holds)]
        return f"sales held by {self.holds}: {self.missing} {more if self.missing > 1 else one} due first"


_EARNED = Earned()
_WANTED: dict[type, tuple[str, str]] = {
    Ratio: ("useful letter", "useful letters"), Thirds: ("letter that sells nothing", "letters that sell nothing"),
}  # fmt: skip


def promises_on(ways: Iterable[Sequence[Promise]], workspace: Sequence[Promise], campaign: bool = False) -> tuple[Promise, ...]:
    """Every promise a person is under: those of their sequences; the workspace's for campaigns and where no sequence promises anything."""
    own = [p for promises in ways for p in promises if not isinstance(p, NoPromise)]
    if campaign or not own:
        own += [p for p in workspace if not isinstance(p, NoPromise)]
    return tuple(dict.fromkeys(own))


def sales_earned(promises: Iterable[Promise], useful_since: int, others_since: int) -> Earned:
    """`N:1` wants N useful since the last sales letter, also before the first; thirds want two non-sales ones between."""
    holds, most = None, 0
    for promise in promises:
        if isinstance(promise, Ratio):
            missing = promise.useful - useful_since
        elif isinstance(promise, Thirds):
            missing = 2 - others_since
        else:
            continue
        if missing > most:
            holds, most = promise, missing
    return Earned(holds, most) if holds else _EARNED


def offer_asks(promises: Iterable[Promise]) -> tuple[tuple[str, int], ...]:
    """What makes an offer due, as (what was given since the last one, how many): giving goes both ways. Empty where nothing is promised."""
    asked: dict[str, int] = {}
    for promise in promises:
        if isinstance(promise, Ratio):
            asked["useful"] = max(asked.get("useful", 0), promise.useful)
        elif isinstance(promise, Thirds) and any(Kind.SALES in group for group in promise.groups):
            asked["others"] = 2
    return tuple(asked.items())


def counts_since_sales(entries: Sequence[Entry]) -> tuple[int, int] | None:
    """(useful, non-sales) certain letters since the last sales letter in `entries`; None when it lies further back than they reach.

    An uncertain sales letter counts as sent, an uncertain or bounced useful one does not count: doubt counts against the person's inbox,
    never for us.
    """
    useful = others = 0
    for entry in reversed(entries):
        if entry.kind is Kind.SALES:
            return useful, others
        if entry.kind in OUTSIDE or entry.marks & (Mark.UNCERTAIN | Mark.BOUNCED):
            continue
        useful += entry.kind is Kind.USEFUL
        others += 1
    return None


def leaving_out(person: Person, key: str) -> Person:
    """The person as a doubtful letter sees them: its own row never counts against itself, in mix, gap and cap."""
    if key not in person.doubts:
        return person
    entries = tuple(e for e in person.entries if e.delivery != person.doubts[key])
    certain = [e for e in entries if e.kind not in OUTSIDE and not e.marks & (Mark.UNCERTAIN | Mark.BOUNCED)]
    all_of_them = sum(e.kind is Kind.USEFUL for e in certain), len(certain)
    useful, others = counts_since_sales(entries) or all_of_them
    return person._replace(entries=entries, useful_since_sales=useful, others_since_sales=others)


def thirds_of(promises: Iterable[Promise]) -> Thirds | None:
    return next((p for p in promises if isinstance(p, Thirds)), None)


def in_order(letters: Sequence[Letter], sent: Sequence[Kind], promises: Sequence[Promise], sales_held: bool) -> list[Letter]:
    """The unsent letters in the order they should be tried. `sent`: kinds of the sequence's letters so far, oldest first.

    Held sales letters stand last (they are due but unearned); with thirds the group least present in the last eight comes first, ties to
    the group sent longest ago, then as written; otherwise as written, later useful letters passing a held one first, then other kinds.
    """
    held = [x for x in letters if x.kind is Kind.SALES] if sales_held else []
    free = [x for x in letters if x.kind is not Kind.SALES] if sales_held else list(letters)
    thirds = thirds_of(promises)
    if thirds and free:
        groups = [g for g in thirds.groups if any(x.kind in g for x in free)]
        if groups:
            best = min(groups, key=lambda g: (_present(g, sent[-LAST:]), _last_sent(g, sent), thirds.groups.index(g)))
            free.sort(key=lambda x: x.kind not in best)
    elif held and letters[0].kind is Kind.SALES:
        free.sort(key=lambda x: x.kind is not Kind.USEFUL)
    return free + held


def _present(group: tuple[Kind, ...], kinds: Sequence[Kind]) -> int:
    return sum(kind in group for kind in kinds)


def _last_sent(group: tuple[Kind, ...], kinds: Sequence[Kind]) -> int:
    """The place of the group's last letter; -1 when it never had one."""
    return max((place for place, kind in enumerate(kinds) if kind in group), default=-1)

"""Before a cleanup starts: who is in and who is out and why, when what would leave, and how that stands against a normal week."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from nurture.domain.cleanup.audience import sort
from nurture.domain.cleanup.courses import OWN_WINDOWS
from nurture.domain.cleanup.sampling import Draw, draw, rank
from nurture.domain.cleanup.steps import STEP_NAMES
from nurture.domain.cleanup.timetable import Timetable, timetable
from nurture.domain.cleanup.words import EXEMPT_WORDS, Exempt, Part
from nurture.domain.documents import Cleanup, Policy, letters_of
from nurture.domain.windows import hours_of, openings
from nurture.services.cleaning.starting import stored_cleanup
from nurture.store import cleanup_members as members
from nurture.store.cleanup_figures import LETTERS_OF, workspace_figures
from nurture.store.database import Database
from nurture.store.documents import load_policy
from nurture.store.subscribers import addresses

CHUNK = 2000
NAMED = 100  # people named one by one


@dataclass(frozen=True, slots=True)
class Named:
    """One person: in, with the part and the step they would come in, or out with the reason."""

    email: str
    part: str | None
    step: str | None
    exempt: str | None


@dataclass(frozen=True, slots=True)
class Preflight:
    """`exempt`: people left alone, by reason. `normal_week`: letters of an ordinary week; `warnings`: what to think of before it starts."""

    name: str
    document: Cleanup
    state: str
    draw: Draw
    repermission: int
    exempt: dict[Exempt, int]
    table: Timetable
    normal_week: float
    warnings: list[str]
    named: list[Named] = field(default_factory=list)


async def preflight(db: Database, name: str, now: datetime, *, named: int = NAMED) -> Preflight:
    """Nothing is stored and nobody is written to. `named`: how many people are listed one by one."""
    async with db.read() as tx:
        stored, document = await stored_cleanup(tx, name)
        policy = await load_policy(tx)
        figures = await workspace_figures(tx, now)
    return await rehearse(db, document, policy, now, state=stored.state, cleanup_id=stored.id, figures=figures, named=named)


async def rehearse(
    db: Database, document: Cleanup, policy: Policy, now: datetime, *, state: str, cleanup_id: int | None, figures: dict[str, Any],
    named: int = NAMED,
) -> Preflight:  # fmt: skip
    """The same for a document that need not be stored."""
    exempt: Counter[Exempt] = Counter()
    offered: list[tuple[int, int, str]] = []
    unseen: list[tuple[int, str]] = []
    out: list[tuple[int, Exempt]] = []
    after = 0
    while True:
        async with db.read() as tx:
            found = await members.facts(tx, cleanup_id, document.tag, after=after, limit=CHUNK)
            zones = await members.zones_of(tx, [f.subscriber_id for f in found])
        for person in found:
            part, reason = sort(document, person, now)
            zone = zones.get(person.subscriber_id) or policy.timezone
            if part is Part.OFFERS:
                offered.append((rank(document.name, person.subscriber_id), person.subscriber_id, zone))
            elif part is Part.REPERMISSION:
                unseen.append((person.subscriber_id, zone))
            elif reason is not None:
                exempt[reason] += 1
                if len(out) < named:
                    out.append((person.subscriber_id, reason))
        if len(found) < CHUNK:
            break
        after = found[-1].subscriber_id
    offered.sort()
    cut = draw(len(offered), document.holdout, document.canary)
    treated, steps, begins = offered[cut.held :], [], 0
    for reached in cut.steps:
        steps.append(Counter(zone for _, _, zone in treated[begins:reached]))
        begins = reached
    hours = hours_of(document.offers[0], OWN_WINDOWS, policy)
    closing = document.closes_after if document.silent == "archive" and document.closing else None
    plan = timetable(
        steps, Counter(zone for _, zone in unseen), len(document.offers), lambda zone, since: openings(hours, zone, policy, since), now,
        event=document.event, closes_after=closing,
    )  # fmt: skip
    normal = figures["letters_90"] / (LETTERS_OF / timedelta(days=7))
    result = Preflight(
        document.name, document, state, cut, len(unseen), dict(exempt), plan, normal, _warnings(document, cut, plan, len(unseen))
    )  # fmt: skip
    result.named.extend(await _named(db, cut, offered, unseen, out, named))
    return result


def _warnings(document: Cleanup, cut: Draw, plan: Timetable, unseen: int) -> list[str]:
    found = []
    if not cut.treated and not unseen:
        found.append("nobody is in the audience: it would finish at once")
    if cut.treated and not cut.held:
        found.append("without a holdout nobody will know what the cleanup did")
    if not cut.steps[0] and cut.treated:
        found.append("without a canary everybody of the first step gets the first offer before anything is known")
    if plan.cut_short:
        found.append(f"{plan.cut_short} offers would be too late for the event of {document.event}; start earlier or write fewer offers")
    if any("//example.com/" in f"{letter.body}{letter.call_to_action}" for letter in letters_of(document)):
        found.append("its letters lead to example.com, so these are still the words of an example; write your own")
    if document.silent == "archive" and document.closing is None:
        found.append("silent people are archived without a last letter; write `closing`")
    return found


async def _named(
    db: Database, cut: Draw, offered: list[tuple[int, int, str]], unseen: list[tuple[int, str]], out: list[tuple[int, Exempt]], named: int
) -> list[Named]:  # fmt: skip
    told: list[tuple[int, str | None, str | None, str | None]] = []
    for place, (_, person, _) in enumerate(offered[:named]):
        if place < cut.held:
            told.append((person, Part.HOLDOUT.value, None, None))
        else:
            step = next(n for n, reached in enumerate(cut.steps) if place - cut.held < reached)
            told.append((person, Part.OFFERS.value, STEP_NAMES[step], None))
    told += [(person, Part.REPERMISSION.value, STEP_NAMES[-1], None) for person, _ in unseen[:named]]
    told += [(person, None, None, EXEMPT_WORDS[reason]) for person, reason in out]
    async with db.read() as tx:
        emails = await addresses(tx, [person for person, *_ in told])
    return [Named(emails.get(person, ""), *rest) for person, *rest in told]


def to_json(found: Preflight) -> dict[str, Any]:
    """What the command line and the API give out."""
    table = found.table
    return {
        "name": found.name, "state": found.state, "audience": found.draw.held + found.draw.treated + found.repermission,
        "offers": found.draw.treated, "holdout": found.draw.held, "repermission": found.repermission,
        "exempt": {reason.value: count for reason, count in found.exempt.items()},
        "steps": [
            {"name": s.name, "people": s.people, "begins": s.begins.isoformat(), "first": _iso(s.first), "last": _iso(s.last)}
            for s in table.steps
        ],
        "letters": [{"date": day.isoformat(), "letters": table.letters[day]} for day in sorted(table.letters)],
        "cut_short": table.cut_short, "settles": _iso(table.settles), "closes": _iso(table.closes),
        "load": {
            "letters": sum(table.letters.values()), "busiest_week": table.busiest_week, "normal_week": round(found.normal_week, 1),
            "times": round(table.busiest_week / found.normal_week, 2) if found.normal_week else None,
        },
        "warnings": found.warnings,
        "people": [{"email": n.email, "part": n.part, "step": n.step, "exempt": n.exempt} for n in found.named],
    }  # fmt: skip


def _iso(value: Any) -> str | None:
    return value.isoformat() if value is not None else None

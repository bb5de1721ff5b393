"""Results: what each occasion of a campaign brought, the newest first."""

from datetime import datetime
from typing import Any

from nurture.domain.documents import Campaign
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.outcomes import Against, Outcome
from nurture.domain.trials import Verdict
from nurture.services.campaigning.judging import verdict_of
from nurture.store.campaign_results import against_holdout, turnout_of
from nurture.store.database import Connection, Database
from nurture.store.documents import load_document
from nurture.store.occasions import OccasionRow, occasions_of
from nurture.store.readers import plain_subject

MOST = 12


async def results(db: Database, name: str, now: datetime, most: int = MOST) -> list[Outcome]:
    """The newest occasions that have begun, resends among them. Raises MISSING for an unknown name."""
    async with db.read() as tx:
        stored = await load_document(tx, "campaign", name)
        if stored is None or not isinstance(stored.document, Campaign):
            raise NurtureError(f"There is no campaign {name!r}; look at the names with: nurture campaign list", ErrorKind.MISSING)
        begun = [row for row in await occasions_of(tx, stored.id) if row.opens_at <= now]
        return [await _outcome(tx, row, stored.document, now) for row in begun[:most]]


async def _outcome(tx: Connection, row: OccasionRow, campaign: Campaign, now: datetime) -> Outcome:
    turnout = await turnout_of(tx, row, now)
    verdict = await verdict_of(tx, row, campaign, now) if campaign.variants and row.number > 0 else None
    outcome = campaign.trial.outcome if campaign.trial.outcome != "clicked" else "purchase"
    against = await against_holdout(tx, row, outcome) if turnout.held_out else None
    return Outcome(
        row.nominal, row.resend, _called(row, campaign), row.opens_at, row.ended_at is not None, turnout, row.note or "", verdict,
        row.winner, against,
    )  # fmt: skip


def _called(row: OccasionRow, campaign: Campaign) -> str:
    if row.letter:
        return str(row.letter.get("title") or plain_subject(row.letter["subject"]) or row.letter["id"])
    if campaign.letter is None:
        return "from the library" if campaign.drawn == "library" else ""
    return campaign.letter.title or plain_subject(campaign.letter.subject) or campaign.letter.id


def to_json(name: str, found: list[Outcome]) -> dict[str, Any]:
    """`{campaign, occasions: [...]}`: as it is printed and answered."""
    return {"campaign": name, "occasions": [_occasion(outcome) for outcome in found]}


def _occasion(outcome: Outcome) -> dict[str, Any]:
    t = outcome.turnout
    return {
        "date": outcome.nominal.isoformat(), "resend": outcome.resend, "letter": outcome.letter,
        "opened_at": outcome.opened_at.isoformat(), "ended": outcome.ended, "note": outcome.note,
        "people": t.taken_in, "sent": t.accepted, "open": t.open, "waiting": t.waiting, "without": t.without, "held_out": t.held_out,
        "answers": t.answered, "left": t.left, "complained": t.complained, "bounced": t.bounced,
        "test": _test(outcome.verdict, outcome.winner), "holdout": _holdout(outcome.against),
    }  # fmt: skip


def _test(verdict: Verdict | None, winner: str | None) -> dict[str, Any] | None:
    if verdict is None:
        return None
    variants = [{"name": a.name, "sent": a.letters, "answered": a.answered, "rate": a.rate} for a in verdict.arms]
    return {
        "variants": variants, "winner": verdict.winner, "sent_to_rest": winner, "evidence": min(verdict.evidence, 1e9),
        "needed": verdict.needed, "verdict": verdict.sentence,
    }  # fmt: skip


def _holdout(against: Against | None) -> dict[str, Any] | None:
    if against is None:
        return None
    lift = against.lift
    return {
        "outcome": against.outcome, "mailed": against.mailed, "mailed_did": against.mailed_did, "held_out": against.held_out,
        "held_out_did": against.held_out_did, "difference": lift.difference, "low": lift.low, "high": lift.high,
        "verdict": against.sentence,
    }  # fmt: skip

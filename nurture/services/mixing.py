"""Planned against delivered: the mix of one person, and those to whom much was given and no offer is planned."""

from datetime import datetime, timedelta

from nurture.domain.delivery import letter_name
from nurture.domain.documents import Sequence
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.mix import offer_asks
from nurture.domain.person_mix import WORKSPACE, PersonMix, mix_of
from nurture.domain.reports import MIX_KINDS
from nurture.domain.words import Kind, Kinds
from nurture.store import timeline
from nurture.store.database import Connection, Database
from nurture.store.enrolments import EnrolmentRow, active_of
from nurture.store.owed import count_offers_due
from nurture.store.programme import Programme, load_programme

LONG, SHORT = timedelta(days=90), timedelta(days=28)


async def person_mix(db: Database, subscriber_id: int, now: datetime) -> PersonMix:
    """Raises MISSING when there is nobody."""
    async with db.read() as tx:
        return await load_mix(tx, subscriber_id, now, await load_programme(db, tx))


async def load_mix(tx: Connection, subscriber_id: int, now: datetime, programme: Programme) -> PersonMix:
    row = await timeline.load_person(tx, subscriber_id)
    if row is None:
        raise NurtureError(f"there is no subscriber {subscriber_id}; look one up with /api/v1/subscribers?email=", ErrorKind.MISSING)
    ways = (await active_of(tx, [subscriber_id])).get(subscriber_id, [])
    sources = [(w, programme.source(w.sequence_id, w.version)) for w in ways]
    known = [(w, found[0], found[1]) for w, found in sources if found and isinstance(found[0], Sequence)]
    own = [(f"sequence:{sequence.name}", sequence.promises) for _, sequence, _ in known]
    offers = [key for way, sequence, runs in known if runs for key in _offers(way, sequence)]
    counts = (row["useful_since_sales"] or 0, row["others_since_sales"] or 0)
    kinds = await timeline.count_kinds(tx, subscriber_id, now - SHORT, now - LONG)
    delivered = ({k.value: kinds.get(k.value, (0, 0))[0] for k in MIX_KINDS}, {k.value: kinds.get(k.value, (0, 0))[1] for k in MIX_KINDS})
    return mix_of(own, programme.policy.mix, counts, Kinds(row["kinds"]), offers, delivered)


def _offers(way: EnrolmentRow, sequence: Sequence) -> list[str]:
    """The sequence's offers that are neither sent nor skipped."""
    past = {step["letter"] for step in way.history}
    return [key for x in sequence.letters if x.kind is Kind.SALES and (key := letter_name(sequence.name, x.id)) not in past]


async def offers_due(db: Database) -> dict[str, int]:
    """People to whom an offer is due while none is planned ("you only inhale"): by `sequence:<name>`, and `workspace` for everybody."""
    async with db.read() as tx:
        programme = await load_programme(db, tx)
        running = {key: sequence for key, (sequence, runs) in programme.sequences.items() if runs}
        asks = {key: offer_asks(sequence.promises or programme.policy.mix) for key, sequence in running.items()}
        asks[0] = offer_asks(programme.policy.mix)
        offers = {key: sum(x.kind is Kind.SALES for x in sequence.letters) for key, sequence in running.items()}
        found = await count_offers_due(tx, {key: asked for key, asked in asks.items() if asked}, {k: n for k, n in offers.items() if n})
    return {f"sequence:{running[key].name}" if key else WORKSPACE: people for key, people in sorted(found.items())}

"""The desk where a proposal of the weekly hygiene is taken on: what the API, the dashboard and the command line do in the same way."""

import json
from dataclasses import replace
from datetime import datetime

from nurture.bootstrap import App
from nurture.definitions.loading import load_files, load_text
from nurture.domain.cleanup.words import CleanupState
from nurture.domain.documents import Cleanup
from nurture.domain.hygiene import CLEANED, ProposalKind, ProposalState
from nurture.services.defining import apply, is_taken
from nurture.services.proposing import Told, accept, look_at
from nurture.shipped import shipped
from nurture.store.database import Connection
from nurture.store.documents import load_documents

EXAMPLE = "cleanup-offer.yaml"
_TITLES = {ProposalKind.LOST: "No sign of life in 18 months", ProposalKind.FADING: "Interest that fades"}


async def take_on(app: App, proposal_id: int, by: str) -> Told:
    """Do what the proposal says. Lost and fading people join a draft cleanup, which is made where there is none; nothing is started.

    Killed in between it leaves a draft without some of its people; the proposal stays open, and accepting it again goes on.
    """
    now = app.clock()
    found = await look_at(app.db, proposal_id)
    named = await _draft(app, found.kind, now) if found.kind in CLEANED and found.state is ProposalState.OPEN else ""
    told = await accept(app.db, proposal_id, by, now, named)
    await app.bell.ring("plan")
    return replace(told, cleanup=named)


async def _draft(app: App, kind: ProposalKind, now: datetime) -> str:
    """The name of the draft for people of this kind, which is their tag too: the newest there is, or a new one of this week."""
    async with app.db.read() as tx:
        stored = [(s, s.document) for s in await load_documents(tx, "cleanup") if isinstance(s.document, Cleanup)]
        waiting = [s for s, d in stored if s.state == CleanupState.DRAFT and d.tag == d.name and d.name.startswith(f"{kind.value}-")]
        if waiting:
            return max(waiting, key=lambda s: s.id).name
        name = await _free(tx, kind, now)
    plain = [(s.id, d) for s, d in stored if d.event is None]
    words = max(plain, key=lambda found: found[0])[1] if plain else _example()
    written = words.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    written |= {"document": "cleanup", "cleanup": name, "title": _TITLES[kind], "audience": CLEANED[kind], "tag": name}
    await apply(app.db, load_text(json.dumps(written), name, "cleanup").documents, now, templates=app.templates)
    return name


def _example() -> Cleanup:
    (placed,) = load_files([shipped("sequences") / EXAMPLE]).documents
    assert isinstance(placed.document, Cleanup)  # noqa: S101 - a shipped file, which the tests load
    return placed.document


async def _free(tx: Connection, kind: ProposalKind, now: datetime) -> str:
    """`lost-2026-w10`; with `-2` and so on where that is taken."""
    year, week, _ = now.isocalendar()
    name = f"{kind.value}-{year}-w{week:02}"
    free, number = name, 1
    while await is_taken(tx, free):
        number += 1
        free = f"{name}-{number}"
    return free

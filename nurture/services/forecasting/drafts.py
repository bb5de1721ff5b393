"""Drafts laid over the programme: what would be in force if they were applied, and the campaigns among them started."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from nurture.domain.delivery import letter_name
from nurture.domain.documents import AnyDocument, Campaign, LibraryLetter, Policy, Segment
from nurture.domain.documents import Sequence as SequenceDocument
from nurture.domain.letters import Letter, Windows
from nurture.domain.questions import with_segments
from nurture.services.forecasting.courses import Course
from nurture.store.database import Connection, Database
from nurture.store.documents import LetterRow
from nurture.store.occasions import to_come
from nurture.store.programme import Programme, asks_fields, evergreen, load_programme

Book = tuple[str, Letter, Windows]


async def lay_over(db: Database, tx: Connection, documents: Iterable[AnyDocument], now: datetime) -> Course:
    """The course of the programme with these documents in force. Segments count first: the others and what is stored may name them.

    Raises NurtureError where a document names a segment that is nowhere.
    """
    drafts = {d.name: d.where for d in documents if isinstance(d, Segment)}
    programme = await load_programme(db, tx, drafts)
    programme = replace(programme, policy=next((d for d in documents if isinstance(d, Policy)), programme.policy))
    drafted: list[tuple[int, SequenceDocument | Campaign]] = []
    for number, document in enumerate(documents, 1):
        match document:
            case SequenceDocument():
                asked = with_segments(document, programme.segments)
                known = programme.sequence_id(document.name)
                if known is None:
                    drafted.append((-number, asked))
                    programme = replace(programme, sequences={**programme.sequences, -number: (asked, True)})
                else:
                    programme = programme.with_edit(known, asked)
                programme = replace(programme, asks_fields=programme.asks_fields or asks_fields(asked))
                programme = _shelved(programme, letter_name(document.name, ""), evergreen(asked))
            case Campaign():
                asking = with_segments(document, programme.segments)
                running = next((key for key, (c, _) in programme.campaigns.items() if c.name == document.name), None)
                if running is None:
                    drafted.append((-number, asking))
                else:
                    programme = _edited(programme, running, asking, now)
            case LibraryLetter():
                key = letter_name(document.id, document.id)
                programme = _shelved(programme, key, [(key, with_segments(document, programme.segments), Windows())])
    return Course(programme, tuple(drafted))


def _shelved(programme: Programme, beginning: str, books: list[Book]) -> Programme:
    """The library with these letters where their older versions stand. A letter that is not stored has an id that nobody has had."""
    new = {key: (key, letter, windows) for key, letter, windows in books}
    kept = [new.pop(key, book) for book in programme.shelf for key in (book[0],) if key in new or not key.startswith(beginning)]
    shelf = (*kept, *new.values())
    unknown = [(key, letter) for key, letter, _ in shelf if key not in programme.letters]
    rows = {key: LetterRow(-len(programme.letters) - n, key, letter.kind, 0) for n, (key, letter) in enumerate(unknown, 1)}
    return replace(programme, shelf=shelf, letters={**programme.letters, **rows})


def _edited(programme: Programme, key: int, campaign: Campaign, now: datetime) -> Programme:
    """A started campaign as it would go on, with the occasion that its new schedule has next."""
    coming = dict(programme.coming)
    if key in coming and campaign.schedule != "now":
        number, occasion = coming.pop(key)
        past = [o.nominal for (other, n), o in programme.occasions.items() if other == key and n < number]
        follows = next(to_come(campaign, max(past, default=None), min(occasion.opens_at, now), programme.policy), None)
        if follows is not None:
            coming[key] = number, follows
    campaigns = {**programme.campaigns, key: (campaign, programme.campaigns[key][1])}
    return replace(programme, campaigns=campaigns, coming=coming)

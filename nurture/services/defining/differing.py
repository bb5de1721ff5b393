"""Diff: what applying these documents would change, and what an edit does to people under way. Nothing is stored.

They are asked for by the planner's own rules, each person twice, a chunk at a time; of very many only an even share.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nurture.definitions.comparing import compare, compare_courses, compare_occasions
from nurture.definitions.loading import Placed
from nurture.domain.conditions import Condition
from nurture.domain.documents import Campaign, Policy, Segment, document_name, document_type
from nurture.domain.documents import Sequence as SequenceDocument
from nurture.domain.edits import Edit, Weighing, outlook
from nurture.domain.questions import expand, with_segments
from nurture.store.audiences import count_audience
from nurture.store.cohorts import load_cohort
from nurture.store.conditions import matching_query
from nurture.store.database import Connection, Database
from nurture.store.documents import Change, StoredDocument, load_document, load_policy
from nurture.store.ledger import pieces
from nurture.store.occasions import occasions_of
from nurture.store.programme import Programme, load_programme
from nurture.store.segments import load_questions
from nurture.store.versions import count_finished, count_pinned, people_under_way

MOST_LOOKED_AT = 5_000
_CHUNK = 500
_SPAN = timedelta(days=30)  # a next letter further off counts as none


@dataclass(frozen=True, slots=True)
class Difference:
    """What applying one document would do. The three counts and `edit` are those of sequences; `says`: what the edit of a sequence or
    running campaign does to people under way, in words.
    """

    type: str
    name: str
    change: Change
    changes: tuple[str, ...] = ()
    matching: int = 0
    would_enrol: int = 0
    under_way: int = 0
    edit: Edit | None = None
    says: tuple[str, ...] = ()


async def diff(db: Database, documents: Sequence[Placed], now: datetime, most: int = MOST_LOOKED_AT) -> list[Difference]:
    """What `apply` would change, document by document, in the order given. `most`: how many people under way are looked at."""
    found: list[Difference] = []
    async with db.read() as tx:
        zone = _zone(documents) or (await load_policy(tx)).timezone
        questions = await load_questions(tx) | {p.document.name: p.document.where for p in documents if isinstance(p.document, Segment)}
        edited: list[tuple[int, StoredDocument, SequenceDocument]] = []
        for placed in documents:
            document = placed.document
            word, name = document_type(document), document_name(document)
            old = await load_document(tx, word, name)
            changes = tuple(compare(old.document, document)) if old else ()
            change: Change = "created" if old is None else "changed" if changes else "unchanged"
            difference = Difference(word, name, change, changes)
            if isinstance(document, SequenceDocument):
                query = matching_query(expand(document.audience, questions), now, zone) if document.audience is not None else None
                count = await count_audience(tx, old.id if old else None, query)
                difference = replace(difference, matching=count.matching, would_enrol=count.enrollable, under_way=count.under_way)
                if old and changes:
                    edited.append((len(found), old, document))
            if isinstance(document, Campaign) and old and isinstance(old.document, Campaign) and old.state == "running" and changes:
                difference = replace(difference, says=await _opened(tx, old.id, old.document, document))
            found.append(difference)
        if edited:
            programmes = _laid_over(await load_programme(db, tx), documents, questions)
            for place, old, document in edited:
                edit = await _edit(tx, *programmes, old, document, now, most)
                found[place] = replace(found[place], edit=edit, says=tuple(compare_courses(edit, document)))
    return found


async def _opened(tx: Connection, campaign_id: int, old: Campaign, new: Campaign) -> tuple[str, ...]:
    """What an edit does to those who are in an occasion that has opened."""
    people, _ = await people_under_way(tx, campaign_id, 1)
    opened = [row.nominal for row in await occasions_of(tx, campaign_id) if row.filled_at is not None]
    return tuple(compare_occasions(old, new, people, opened[0] if opened else None))


def _zone(documents: Iterable[Placed]) -> str | None:
    return next((p.document.timezone for p in documents if isinstance(p.document, Policy)), None)


def _laid_over(stored: Programme, documents: Iterable[Placed], questions: Mapping[str, Condition]) -> tuple[Programme, Programme]:
    """The programme before and after. What stands still counts as running in both, so that an edit can be judged before it is let go."""
    before, after = stored, stored
    for placed in documents:
        document = placed.document
        if isinstance(document, Policy):
            after = replace(after, policy=document)
        elif isinstance(document, SequenceDocument) and (key := stored.sequence_id(document.name)) is not None:
            before = replace(before, sequences={**before.sequences, key: (before.sequences[key][0], True)})
            after = after.with_edit(key, with_segments(document, questions))
    return before, after


async def _edit(
    tx: Connection, before: Programme, after: Programme, old: StoredDocument, document: SequenceDocument, now: datetime, most: int
) -> Edit:
    assert isinstance(old.document, SequenceDocument)  # noqa: S101 - it is the document of this name and type
    weighing = Weighing(old.document, document)
    people, ids = await people_under_way(tx, old.id, most)
    for chunk in pieces(ids, _CHUNK):
        cohorts = [await load_cohort(tx, programme, chunk, now, everybody=True) for programme in (before, after)]
        for old_member, member in zip(*(cohort.members for cohort in cohorts), strict=True):
            views = [
                outlook(document.name, m.person, m.ways, m.shelf, m.row, programme.policy, now, now + _SPAN)
                for m, programme in ((old_member, before), (member, after))
            ]
            if views[0] and views[1]:
                weighing.weigh(views[0], views[1], member.row)
    pinned = (await count_pinned(tx)).get(old.id, 0)
    return weighing.edit(people, len(ids), await count_finished(tx, old.id), pinned)

"""A small list with months behind it, put straight into the tables: for reports and pages, which read rows and do not care who wrote them."""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select

from nurture.domain.documents import Policy, Sequence
from nurture.domain.words import Kind
from nurture.store.database import Database
from nurture.store.documents import ensure_lane, save_document, save_letter_version
from nurture.store.tables import METADATA
from tests.support.outbox_rows import of_state
from tests.support.people import NOW, add_people
from tests.support.programme import add_event

SEQUENCE = {
    "sequence": "roof-school", "title": "Choose a roof once in your life", "mix": "3:1", "cadence": "2 per week",
    "letters": [
        {"id": "questions", "kind": "useful", "subject": "{{ first_name }}, five questions", "body": "Hello", "title": "Five questions"},
        {"id": "thirty-years", "kind": "useful", "size": "long", "subject": "Thirty years", "body": "Hello", "title": "Thirty years"},
        {"id": "quote", "kind": "useful", "subject": "Read a quote", "body": "Hello", "title": "Read a quote"},
        {"id": "offer", "kind": "sales", "subject": "An offer", "body": "Hello", "title": "The offer"},
    ],
}  # fmt: skip
POLICY = {"policy": "default", "timezone": "Europe/Berlin", "sender": {"name": "Anna", "address": "anna@example.com"}}
LETTER = """<body style="margin:0;background:#eef1ee"><table role="presentation" width="100%"><tr><td align="center"><table width="560" style="max-width:100%;
background:#fff;font:16px/1.6 sans-serif"><tr><td style="padding:32px"><h1>Hello {{ first_name | default('there') }}</h1><p>Five questions to ask before
anybody climbs your roof.</p><p><a href="https://example.com/go">Read them</a></p><p><a href="{{ unsubscribe_url }}">Leave</a></p></td></tr></table></td></tr></table>"""
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Tokyo", "America/Sao_Paulo")
HOUR_OF = {"questions": (0, 10), "thirty-years": (4, 10), "quote": (0, 11), "offer": (2, 10)}  # weekday, hour of the window
CLASSES = ("passive",) * 8 + ("active",) * 2 + ("fan", "new", "unobservable")


def local(day: date, hour: int, minute: int, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(zone)).astimezone(UTC)


async def prepare(db: Database, now: datetime = NOW) -> tuple[dict[str, tuple[int, int]], int, int]:
    """Store policy, sequence, letters and lane long ago: ({letter id: (letter, version)}, sequence id, lane id)."""
    long_ago = now - timedelta(days=400)
    async with db.write() as tx:
        await save_document(tx, Policy.model_validate(POLICY), "live", long_ago)
        saved = await save_document(tx, Sequence.model_validate(SEQUENCE), "live", long_ago)
        lane = await ensure_lane(tx, "sequence:roof-school", 50)
        letters = {}
        for letter in SEQUENCE["letters"]:
            content = {
                "subject": letter["subject"], "preheader": "", "html": LETTER, "text": "Hello {{ unsubscribe_url }}", "kind": letter["kind"],
                "size": letter.get("size", "short"), "call_to_action": None, "title": letter["title"],
            }  # fmt: skip
            version = await save_letter_version(tx, f"roof-school/{letter['id']}", Kind(letter["kind"]), content, [], long_ago)
            table = METADATA.tables["letters"]
            found = (await tx.execute(select(table.c.id).where(table.c.name == f"roof-school/{letter['id']}"))).scalar_one()
            letters[letter["id"]] = (found, version)
    return letters, saved.id, lane


def delivery(person: int, letter: tuple[int, int], lane: int, kind: str, zone: str, at: datetime, **columns: Any) -> dict[str, Any]:
    """An accepted delivery handed over at `at`; `columns` change it, and its moments follow the state."""
    occasion, state = columns.pop("occasion", "1"), columns.get("state", "accepted")
    return {
        "letter_id": letter[0], "version_id": letter[1], "subscriber_id": person, "occasion": occasion, "lane_id": lane, "enrolment_id": None,
        "kind": kind, "variant": None, "message_id": f"<{person}.{letter[0]}.{occasion}@example.com>", "state": "accepted", "fence": 1,
        "worker_id": None, "due_at": at, "closes_at": at + timedelta(hours=1), "attempts": 1, "first_try_at": at, "dup_risk": 0, "folded": 1,
        "zone": zone, "local_day": at.astimezone(ZoneInfo(zone)).date(), "created_at": at - timedelta(hours=20), "claimed_at": at,
        "handed_at": at, "reason": "next in roof-school", "rule": "mix", "outcome": None, "code": 250,
        "enhanced": "2.0.0", "answer": "queued", "relay": "capture", "payload": None,
    } | of_state(state, at) | {"folded": 1} | columns  # fmt: skip


async def fill(db: Database, people: int = 65, weeks: int = 10, now: datetime = NOW, seed: int = 1) -> list[int]:
    """People of every class over five zones with `weeks` of letters, events, moves, weekly compositions and waiting decisions."""
    rng = random.Random(seed)
    letters, sequence, lane = await prepare(db, now)
    ids: list[int] = []
    monday = (now - timedelta(days=now.weekday())).date()
    for number in range(people):
        ids += await add_people(
            db, f"reader{number:03}@example.com", first_name=f"Reader{number}", name=f"Reader{number} Example", source="fair",
            timezone=ZONES[number % len(ZONES)] if number % 7 else None, zone_source="import" if number % 7 else "default",
            now=now - timedelta(days=7 * weeks),
        )  # fmt: skip
    rows, events, moves, ways = [], [], [], []
    for number, person in enumerate(ids):
        zone = ZONES[number % len(ZONES)] if number % 7 else "Europe/Berlin"
        for week in range(weeks // 2):
            start = monday - timedelta(weeks=2 * (weeks // 2 - week))
            for place, name in enumerate(("questions", "thirty-years", "quote", "offer")):
                weekday, hour = HOUR_OF[name]
                at = local(start + timedelta(days=weekday + 7 * (place // 2)), hour, rng.randrange(50), zone)
                rows.append(delivery(person, letters[name], lane, "sales" if name == "offer" else "useful", zone, at, occasion=str(week + 1)))
                if rng.random() < 0.2:
                    events.append({"subscriber_id": person, "type": rng.choice(("opened", "clicked")), "at": at + timedelta(hours=2)})
        moves.append({"subscriber_id": person, "what": "engagement", "old": "new", "new": CLASSES[number % len(CLASSES)],
                      "reason": "no answer in 16 letters", "at": now - timedelta(days=8)})  # fmt: skip
        until = local(monday + timedelta(days=2), 10, 0, zone)
        ways.append({
            "sequence_id": sequence, "subscriber_id": person, "number": 1, "state": "active", "by": "audience", "enrolled_at": now - timedelta(weeks=weeks),
            "now_until": None, "ended_at": None, "end_reason": None, "stale_since": None, "history": [],
            "decision": {"at": now.isoformat(), "letter": "roof-school/offer", "decision": "wait", "rule": "mix", "until": until.isoformat(),
                         "reason": "sales held by 3:1: 2 useful letters due first"},
        })  # fmt: skip
    shared = {"delivery_id": None, "link": None, "url": None, "name": None, "value": None, "currency": None, "ip": None, "agent": None,
              "evidence": "human", "reason": "", "rule_version": 1, "folded": 1, "detail": None}  # fmt: skip
    async with db.write() as tx:
        await tx.execute(insert(METADATA.tables["deliveries"]), rows)
        await tx.execute(insert(METADATA.tables["events"]), [shared | e | {"uid": f"e{n}", "settles_at": e["at"]} for n, e in enumerate(events)])
        await tx.execute(insert(METADATA.tables["moves"]), moves)
        await tx.execute(insert(METADATA.tables["enrolments"]), ways)
        standings = METADATA.tables["standings"]
        for number, person in enumerate(ids):
            flags = 1 if CLASSES[number % len(CLASSES)] == "passive" and number % 4 == 0 else 0
            change = standings.update().where(standings.c.subscriber_id == person)
            await tx.execute(change.values(engagement=CLASSES[number % len(CLASSES)], flags=flags, received=2 * weeks))
        compositions = []
        for back in range(weeks, 0, -1):
            iso = (monday - timedelta(weeks=back)).isocalendar()
            share = people * (weeks - back) // weeks
            counts = {"new": people - share, "passive": share * 8 // 10, "active": share * 2 // 10, "fan": share // 20, "unobservable": 1}
            compositions += [{"week": f"{iso.year}-W{iso.week:02}", "engagement": e, "people": n} for e, n in counts.items()]
        await tx.execute(insert(METADATA.tables["compositions"]), compositions)
    return ids


async def act_on(db: Database, letters: int, after: timedelta = timedelta(hours=2)) -> None:
    """A click of the reader's own hand on so many of the accepted letters, the newest first."""
    table = METADATA.tables["deliveries"].c
    async with db.read() as tx:
        newest = select(table.id, table.subscriber_id, table.accepted_at).where(table.state == "accepted").order_by(table.accepted_at.desc())
        rows = list(await tx.execute(newest.limit(letters)))
    for row in rows:
        await add_event(db, row.subscriber_id, "clicked", row.accepted_at + after, delivery_id=row.id)

"""An outbox full of one realistic letter: a layout, a first name, ten tracked links, each row for another person."""

from datetime import datetime, timedelta

from nurture.definitions.loading import load_text
from nurture.services.defining import apply
from nurture.shipped import shipped
from nurture.store.database import Database
from nurture.store.documents import letter_catalogue
from nurture.store.outbox import plan_rows
from nurture.store.programme import load_programme
from nurture.store.schema import migrate
from nurture.store.subscribers import add
from nurture.store.workspace import ensure_workspace
from tests.support.outbox_rows import IDENTITY, planned

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Tokyo", "Africa/Nairobi", "America/Bogota", "Australia/Sydney")
LINKS = 10
AT_ONCE = 10_000
_POLICY = 'policy: default\nsender: {name: Anna Slate, address: anna@example.com}\npostal_address: "12 Slate Lane, 10115 Berlin"\n'
_WORDS = (
    "A roof rarely fails all at once: first a slate slips, then the felt below it stays wet for a winter, and only in the third year does the "
    "stain come through the ceiling, which is when most people look up for the first time."
)


def documents(body_bytes: int) -> str:
    """Policy and a sequence of one letter whose body has about so many bytes, ten links among them."""
    paragraphs = []
    for n in range(LINKS):
        words = (f"{_WORDS} " * (1 + body_bytes // LINKS // len(_WORDS)))[: body_bytes // LINKS]
        paragraphs.append(f"{words}. See [part {n}](https://example.com/roofs/{n}?from=school) of our notes.")
    greeting = "Good morning, {{ first_name | default('friend') }},"
    body = "\n\n    ".join([greeting, *paragraphs])
    return f"""{_POLICY}---
sequence: school
topic: roofs
letters:
  - id: one
    kind: useful
    subject: "{{{{ first_name | default('Hello') }}}}, five questions about your roof"
    call_to_action: https://example.com/roofs/0?from=school
    body: |
      {body.replace(chr(10) + "    ", chr(10) + "      ")}
"""


async def fill(db: Database, letters: int, body_bytes: int, now: datetime) -> None:
    """Migrate, apply the documents, add the people, plan a row for each of them, due since a minute."""
    await migrate(db)
    async with db.write() as tx:
        await ensure_workspace(tx, now, IDENTITY)
    loaded = load_text(documents(body_bytes))
    assert not loaded.errors, [f.message for f in loaded.faults]
    await apply(db, list(loaded.documents), now, templates=shipped("templates"))
    async with db.read() as tx:
        letter = (await letter_catalogue(tx))["school/one"]
        lane = (await load_programme(db, tx)).lanes["sequence:school"]
    row = {"letter_id": letter.id, "version_id": letter.version_id, "lane_id": lane, "kind": "useful", "occasion": "1"}
    for start in range(0, letters, AT_ONCE):
        people = [
            {"email": f"p{n}@example.com", "name": f"Person {n}", "first_name": f"Name{n}", "timezone": ZONES[n % len(ZONES)],
             "status_at": now, "joined_at": now - timedelta(days=n % 300), "changed_at": now}
            for n in range(start, min(letters, start + AT_ONCE))
        ]  # fmt: skip
        async with db.write() as tx:
            ids = await add(tx, people)
            await plan_rows(tx, [planned(row, i, due=now - timedelta(minutes=1), closes=now + timedelta(hours=6)) for i in ids])

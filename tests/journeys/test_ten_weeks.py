"""A weekly campaign over ten weeks, out of a folder, with restarts, three changes to and from summer time, and a clock that steps: ten letters
for everybody, none twice, none late.

The worker's own jobs, a real SMTP server, both databases; only the clock is the test's.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email import policy as mail_policy
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from nurture.bootstrap import App, open_app
from nurture.definitions.loading import load_text
from nurture.queue.embedded import EmbeddedBell
from nurture.services.campaigning import start
from nurture.services.campaigning.results import results
from nurture.services.defining import apply
from nurture.services.proving import prove
from nurture.services.reaping import Watcher
from nurture.settings import Settings
from nurture.shipped import shipped
from nurture.store.agenda import next_look
from nurture.store.chronicle import opens_next
from nurture.store.documents import document_ids
from nurture.store.ledger import deliveries
from nurture.store.occasions import coming_occasion, take_in
from nurture.store.standings import look_now
from nurture.store.workspace import load_workspace
from nurture.worker import ClockWatch, Hand, Work, accept_past, steady_clock
from tests.api.conftest import Clock
from tests.support.people import add_people
from tests.support.programme import rows_of
from tests.support.smtp import SmtpSink

WEEKS = 10
BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)  # summer time begins on 8 March in New York and on the 29th in Berlin, and ends on 5 April in Auckland
ZONES = ("Europe/Berlin", "America/New_York", "Pacific/Auckland")
TUESDAYS = [date(2026, 3, 3) + timedelta(days=7 * n) for n in range(WEEKS)]
FILES = """policy: default
sender: {name: Anna, address: anna@example.com}
postal_address: 1 Main Street, Town
timezone: Europe/Berlin
---
segment: readers
where: {tag: reader}
---
campaign: weekly
segment: readers
schedule: {weekly: tue}
letters: {folder: letters/weekly}
"""


class House:
    """One run of the service after the other over the same database."""

    def __init__(self, settings: Settings, templates: Path) -> None:
        self.settings, self.templates, self.clock, self.stop = settings, templates, Clock(BEGIN), asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[App]:
        async with open_app(self.settings, self.clock) as app:
            object.__setattr__(app, "templates", self.templates)
            yield app

    def jobs(self, app: App, watch: ClockWatch | None = None) -> tuple[Work, Hand]:
        kept = watch or ClockWatch(self.clock(), steady_clock())
        work = Work(app, self.stop, EmbeddedBell(), Watcher(self.settings.lease_silence), kept, None)
        return work, Hand(app, "others", self.stop, kept)

    async def sweep(self, app: App, watch: ClockWatch | None = None, *, crash: bool = False) -> None:
        """The jobs as the worker runs them; after a crash nobody hands back what was claimed."""
        work, hand = self.jobs(app, watch)
        await work.draw()
        await work.plan()
        await hand.send()
        await work.tidy()
        if not crash:
            await hand.retire()

    async def live(self, app: App, until: datetime) -> None:
        """From one due moment to the next."""
        for _ in range(1_000):
            async with app.db.read() as tx:
                due = (await tx.execute(select(func.min(deliveries.c.due_at)).where(deliveries.c.state.in_(("pending", "deferred"))))).scalar()
                found = [m for m in (due, await next_look(tx), await opens_next(tx), self.clock.now + timedelta(days=3)) if m]
            moment = max(min(found), self.clock.now + timedelta(minutes=1))
            if moment >= until:
                self.clock.now = until
                return
            self.clock.now = moment
            await self.sweep(app)
        raise AssertionError("time does not pass")


async def test_ten_weeks(db_url: str, tmp_path: Path, smtp_sink: SmtpSink) -> None:
    templates = tmp_path / "templates"
    (templates / "letters" / "weekly").mkdir(parents=True)
    (templates / "letters" / "_layout").symlink_to(shipped("templates") / "letters" / "_layout")
    for n, day in enumerate(TUESDAYS, 1):
        text = f"letter: issue-{n}\nkind: news\nsubject: Issue {n} of {day}\ncall_to_action: reply\nbody: Hello\n"
        (templates / "letters" / "weekly" / f"{day}-issue.yaml").write_text(text)
    settings = Settings(data_dir=tmp_path / "data", database_url=db_url, secret_key="a secret of the tests", smtp_url=smtp_sink.url)
    house = House(settings, templates)

    async with house.running() as app:
        await apply(app.db, load_text(FILES).documents, BEGIN, templates=templates)
        people = [
            person for zone in ZONES
            for person in await add_people(app.db, f"{zone.split('/')[1].lower()}@example.com", tags=("reader",), timezone=zone)
        ]  # fmt: skip
        await start(app.db, "weekly", BEGIN)
        await house.live(app, datetime(2026, 3, 16, 10, tzinfo=UTC))

        # Killed between two transactions: the third letter is drawn, and half of the people are in.
        work, _ = house.jobs(app)
        await work.draw()
        async with app.db.write() as tx:
            [campaign] = (await document_ids(tx, "campaign")).values()
            row = await coming_occasion(tx, campaign)
            assert row
            assert row.letter
            await take_in(tx, row, people[:2], house.clock.now)
            await look_now(tx, people[:2], house.clock.now)

    async with house.running() as app:
        await house.sweep(app, crash=True)
        (templates / "letters" / "weekly" / f"{TUESDAYS[2]}-issue.yaml").unlink()  # what was drawn is kept
        await house.live(app, datetime(2026, 4, 13, 12, tzinfo=UTC))

    async with house.running() as app:
        # The machine's clock steps into Tuesday's window, as after a dead battery: nothing may leave by it.
        before, watch = len(smtp_sink.letters), ClockWatch(house.clock(), steady_clock())
        right = house.clock.now
        house.clock.now = datetime(2026, 4, 14, 8, 30, tzinfo=UTC)
        await house.sweep(app, watch)
        await house.sweep(app)
        async with app.db.read() as tx:
            assert (reason := (await load_workspace(tx)).halted)
        assert "the clock of this machine jumped by" in reason
        assert len(smtp_sink.letters) == before
        house.clock.now = right + timedelta(minutes=20)
        await house.sweep(app)
        assert len(smtp_sink.letters) == before, "set right, and still waiting for somebody to say so"
        await accept_past(app)
        await house.live(app, datetime(2026, 5, 7, 12, tzinfo=UTC))
        told = await results(app.db, "weekly", house.clock.now)
        proof = await prove(app.db, house.clock.now)
        rows = await rows_of(app.db, "occasion", "subscriber_id", "state")

    assert [(o.nominal, o.turnout.taken_in, o.turnout.accepted) for o in reversed(told)] == [(day, 3, 3) for day in TUESDAYS]
    assert len(rows) == len(set(rows)) == 3 * WEEKS
    assert {state for _, _, state in rows} == {"accepted"}
    assert proof.safe
    got: dict[str, list[tuple[int, datetime]]] = {}
    for received in smtp_sink.letters:
        message = message_from_bytes(received.raw, policy=mail_policy.default)
        issue = re.fullmatch(r"Issue (\d+) of .*", str(message["Subject"]))
        assert issue
        got.setdefault(received.recipient, []).append((int(issue[1]), message["Date"].datetime))
    assert len(got) == len(ZONES)
    for zone in ZONES:
        letters = got[f"{zone.split('/')[1].lower()}@example.com"]
        assert [issue for issue, _ in letters] == list(range(1, WEEKS + 1)), zone
        for issue, at in letters:
            local = at.astimezone(ZoneInfo(zone))
            assert local.date() == TUESDAYS[issue - 1], (zone, issue, local)
            assert 10 <= local.hour < 12, (zone, issue, local)

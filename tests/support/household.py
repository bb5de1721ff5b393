"""One installation under faults: its people and letters, its settings, and the audit that holds its ledger against the far side's."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from nurture.definitions.loading import load_text
from nurture.services.defining import apply
from nurture.services.enrolling import enrol
from nurture.shipped import shipped
from nurture.store.database import Database, connect
from nurture.store.ledger import deliveries
from nurture.store.workspace import ensure_workspace, load_workspace
from tests.support.outbox_rows import IDENTITY, the_rows
from tests.support.people import add_people
from tests.support.scripted_sink import ScriptedSink
from tests.support.worker_process import QUICK, Crew, Worker

ENDED = {"accepted", "rejected", "failed", "cancelled", "held"}
IN_FLIGHT = int(QUICK["NURTURE_IN_FLIGHT"])
POLICY = """
policy: default
sender: {{name: Anna, address: anna@example.com}}
postal_address: 1 Main Street, Town
mix: none
gap: 1s
cap: 9
quiet_hours: {{from: "{quiet}", until: "{loud}"}}
"""
SEQUENCE = """
---
sequence: school{lane}
mix: none
letters:
"""
LETTER = """
  - id: letter{n}
    kind: useful
    window: any
    after: 0s
    subject: "Letter {n} of the school"
    call_to_action: reply
    body: |
      Hello {{{{ first_name }}}}. {words}
"""


class Houses(list["Household"]):
    """Installations that live side by side."""

    async def each(self, live: Callable[["Household"], Coroutine[Any, Any, None]]) -> None:
        """The same life in every one; the first that fails ends the others."""
        async with asyncio.TaskGroup() as lives:
            for house in self:
                lives.create_task(live(house), name=house.url)


@dataclass
class Household:
    """`fill` makes everything that is due; `worker` starts a process; `until` waits; `audit` judges."""

    url: str
    sink: ScriptedSink
    folder: Path
    crew: Crew
    more: dict[str, str] = field(default_factory=dict)
    people: list[int] = field(default_factory=list)
    letters: int = 1

    def __post_init__(self) -> None:
        self.db: Database = connect(self.url)
        self.log = self.folder / "worker.log"

    @property
    def settings(self) -> dict[str, str]:
        own = {"NURTURE_DATA_DIR": str(self.folder), "NURTURE_DATABASE_URL": self.url, "NURTURE_SMTP_URL": self.sink.url}
        return QUICK | own | self.more

    @property
    def sqlite(self) -> bool:
        return self.url.startswith("sqlite")

    def worker(self, **more: Any) -> Worker:
        return self.crew(self.settings, self.log, **more)

    async def end(self, worker: Worker, seconds: float = 30) -> int:
        """Wait for its end, while others live on; its exit code."""
        await self.until(lambda: worker.code() is not None, seconds)
        return worker.code() or 0

    async def stop(self, *workers: Worker) -> None:
        """In an orderly way."""
        for worker in workers:
            worker.signal(signal.SIGTERM)
        for worker in workers:
            assert await self.end(worker) == 0, self.told()

    async def fill(self, people: int, letters: int = 1, lanes: int = 1, words: str = "A few words.") -> None:
        """So many people, shared among sequences of so many letters that may leave at any hour. The planner does the rest."""
        now = datetime.now(UTC)
        quiet = now + timedelta(hours=12)  # letters may leave "any" time, so the quiet minute is kept far from the test
        text = POLICY.format(quiet=f"{quiet:%H:%M}", loud=f"{quiet + timedelta(minutes=1):%H:%M}")
        school = "".join(LETTER.format(n=n, words=words) for n in range(letters))
        text += "".join(SEQUENCE.format(lane=lane) + school for lane in range(lanes))
        loaded = load_text(text)
        assert not loaded.errors, loaded.errors
        async with self.db.write() as tx:
            await ensure_workspace(tx, now, IDENTITY)
        await apply(self.db, loaded.documents, now, templates=shipped("templates"))
        self.people = await add_people(self.db, *[f"p{n}@example.com" for n in range(people)], now=now, first_name="Ann")
        self.letters = letters
        for lane in range(lanes):
            await enrol(self.db, f"school{lane}", self.people[lane::lanes], now, "hand")

    async def rows(self) -> list[Any]:
        return await the_rows(self.db)

    async def states(self) -> Counter[str]:
        async with self.db.read() as tx:
            found = await tx.execute(select(deliveries.c.state, func.count()).group_by(deliveries.c.state))
            return Counter(dict(found.all()))

    async def finished(self) -> bool:
        states = await self.states()
        return states.total() == len(self.people) * self.letters and states.keys() <= ENDED

    async def halted(self) -> str | None:
        """Why nothing is planned or sent."""
        async with self.db.read() as tx:
            return (await load_workspace(tx)).halted

    async def all_waiting(self) -> bool:
        """Every letter is planned, and some have been tried in vain."""
        rows = await self.rows()
        return len(rows) == len(self.people) and {"deferred"} <= {row.state for row in rows} <= {"pending", "deferred"}

    async def nothing_in_hand(self) -> bool:
        return not (await self.states()).keys() & {"claimed", "sending"}

    def reaped(self) -> bool:
        """Some worker has lost its lease to a watcher."""
        return any("reaped" in line for line in self.told().splitlines())

    def told(self) -> str:
        """The end of the workers' log, without the tracebacks."""
        log = self.log.read_text() if self.log.exists() else ""
        return "\n".join([line for line in log.splitlines() if line.startswith("20")][-200:])

    async def until(self, found: Callable[[], Any], seconds: float = 60) -> None:
        """`found` may be a coroutine function."""
        end = time.monotonic() + seconds
        while True:
            answer = found()
            if await answer if asyncio.iscoroutine(answer) else answer:
                return
            assert time.monotonic() < end, f"{await self.states()}, at the dot: {len(self.sink.at_dot)}\n{self.told()}"
            await asyncio.sleep(0.05)

    async def audit(self, kills: int, policy: str = "retry_once") -> Counter[str]:
        """Hold the ledger against the far side after so many kills: nothing lost, nothing unknown, repeats within the promise and listed.

        Returns how often which Message-ID was taken more than once.
        """
        rows = {row.message_id: row for row in await self.rows()}
        taken = self.sink.taken
        assert len(rows) == len(self.people) * self.letters, "a letter was never planned"
        assert {row.state for row in rows.values()} <= {"accepted", "held"}
        assert not set(taken) - set(rows), "a letter came under a Message-ID that the ledger does not know"
        lost = [row.id for row in rows.values() if not taken[row.message_id] and row.state != "held"]
        assert not lost, f"{len(lost)} letters never came and are not listed"
        repeated = Counter({word: times - 1 for word, times in taken.items() if times > 1})
        assert repeated.total() <= kills * IN_FLIGHT
        for word, times in repeated.items():
            assert rows[word].dup_risk >= times, f"a repeat that nobody was told of: {rows[word]}"
        if policy == "hold":
            assert not repeated
        bodies: dict[str, set[str]] = {}
        for letter in self.sink.at_dot:
            bodies.setdefault(letter.id, set()).add(letter.to)
        assert all(len(people) == 1 for people in bodies.values()), "one Message-ID for two people"
        return repeated

    async def close(self) -> None:
        await self.db.close()

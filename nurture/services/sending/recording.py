"""Results into the ledger, in one commit with what follows from them: bounces, a paused lane, a slower or resting relay or domain."""

import asyncio
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.answers import Level, Verdict
from nurture.domain.envelopes import Reply
from nurture.domain.words import State
from nurture.services.sending.desk import Desk
from nurture.services.sending.gate import Change, Heard, write_changes
from nurture.services.sending.rules import SendingRules, Sent
from nurture.services.sending.wire import Ended
from nurture.store.bounces import Bounce, note_bounces
from nurture.store.database import Database
from nurture.store.giving_way import in_pieces
from nurture.store.lanes import pause_lane
from nurture.store.results import Answers, Result, record, record_accepted, release

RETRIES = (0.05, 0.2, 0.5, 1, 2, 5, 10, 20, 20)  # seconds; about a minute, then the rows are left to the reaper
ANSWER = 500  # characters of the relay's words that a row keeps
PIECE = 32  # results of letters that are put into words at a stretch
log = structlog.get_logger()


@dataclass(slots=True)
class Clerk:
    db: Database
    rules: SendingRules
    desk: Desk
    sent: Sent

    async def record(self, batch: list[Ended]) -> None:
        """Commit a batch. A database that is away is waited for, and meanwhile nothing more is handed over."""
        taken = all(map(_taken, batch))  # as nearly always; what follows is counted once, however often the commit is tried
        judged = [ended for ended in batch if ended.verdict]
        stopped = [] if taken and not self.desk.errors else self._lane_faults(judged)
        changes = [] if taken and not self.desk.gate.alert else self._throttles(judged)
        for wait in (*RETRIES, None):
            try:
                await (self._commit_taken(batch) if taken and not changes else self._commit(batch, stopped, changes))
                sys.audit("nurture.recorded")
                break
            except (SQLAlchemyError, DBAPIError, OSError) as error:
                if wait is None:
                    raise
                log.warning("results cannot be recorded yet", error=str(error), letters=len(batch))
                await asyncio.sleep(wait)
        self.sent.counts.update({State.ACCEPTED.value: len(batch)} if taken else Counter(_word(ended) for ended in batch))

    async def _commit_taken(self, batch: list[Ended]) -> None:
        answers: Answers = defaultdict(list)
        async for piece in in_pieces(batch, PIECE):
            for letter, reply, verdict, at in piece:
                if reply and verdict:
                    words = (reply.text or verdict.reason)[:ANSWER]
                    answers[reply.code, reply.enhanced, reply.relay, 1].append((letter.row.id, at, words))
        sys.audit("nurture.recording")
        await record_accepted(self.db, answers)

    async def _commit(self, batch: list[Ended], stopped: list[tuple[int, str]], changes: list[Change]) -> None:
        async with self.db.write() as tx:
            await self._write(tx, batch)
            for lane_id, reason in stopped:
                await pause_lane(tx, lane_id, reason)
            await write_changes(tx, changes, batch[-1].at)
            sys.audit("nurture.recording")

    async def _write(self, tx: AsyncConnection, batch: list[Ended]) -> None:
        await record(tx, [self._result(e, e.verdict, e.reply) for e in batch if e.verdict and e.reply])
        await release(tx, [(e.letter.row.id, e.letter.row.fence) for e in batch if not e.verdict])
        bounced = [_bounce(e, e.verdict) for e in batch if e.verdict and (e.verdict.suppress or e.verdict.soft)]
        await note_bounces(tx, bounced, batch[-1].at)

    def _result(self, ended: Ended, verdict: Verdict, reply: Reply) -> Result:
        row, due = ended.letter.row, None
        if verdict.state is State.DEFERRED:
            due = _within(ended.at + verdict.retry_after, row.closes_at) if verdict.retry_after else ended.at
        elif verdict.state is State.UNKNOWN:
            due = ended.at + self.rules.unknown_grace
        outcome = verdict.rejected_class.value if verdict.state is State.REJECTED and verdict.rejected_class else None
        return Result(
            row.id, row.fence, verdict.state, ended.at, code=reply.code, enhanced=reply.enhanced,
            answer=(reply.text or verdict.reason)[:ANSWER], relay=reply.relay, outcome=outcome, due_at=due,
            counts_attempt=verdict.counts_attempt,
        )  # fmt: skip

    def _lane_faults(self, judged: list[Ended]) -> list[tuple[int, str]]:
        """Lanes to pause: a letter too big for the relay at once, one that is refused for its content after several in a row."""
        found: list[tuple[int, str]] = []
        for ended in judged:
            verdict, lane = ended.verdict, ended.letter.row.lane_id
            if verdict is None or verdict.level is not Level.LETTER:
                if verdict and verdict.state is State.ACCEPTED:
                    self.desk.errors.pop((lane, "refused"), None)
                continue
            self.desk.errors[lane, "refused"] += 1
            if verdict.state is State.DEFERRED or self.desk.errors[lane, "refused"] >= self.rules.render_errors:
                found.append((lane, f"relay: {verdict.reason}; change the letter, then resume"))
        return found

    def _throttles(self, judged: list[Ended]) -> list[Change]:
        """What these answers ask of the relay and of recipient domains."""
        if not judged:
            return []
        heard = [_heard(e, e.verdict, e.reply) for e in judged if e.verdict and e.reply]
        return self.desk.gate.hear(heard, self.desk.pace, judged[-1].at)


def _taken(ended: Ended) -> bool:
    return ended.verdict is not None and ended.verdict.state is State.ACCEPTED


def _word(ended: Ended) -> str:
    return ended.verdict.state.value if ended.verdict else "returned"


def _within(due: datetime, closes_at: datetime | None) -> datetime:
    """A try after the window's end is asked for at its end, so that a claim finds the row and moves it to the next window."""
    return due if closes_at is None else min(due, closes_at)


def _heard(ended: Ended, verdict: Verdict, reply: Reply) -> Heard:
    return Heard(reply.relay, ended.letter.envelope.recipient.rpartition("@")[2].lower(), reply.phase, verdict)


def _bounce(ended: Ended, verdict: Verdict) -> Bounce:
    row = ended.letter.row
    return Bounce(f"smtp:{row.id}:{row.fence}", row.id, row.subscriber_id, verdict.suppress, verdict.reason, ended.at)

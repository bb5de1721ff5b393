"""What happens around answers: one is kept, and its letter of advice follows; the result is told to all who took part."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from nurture.bootstrap import App
from nurture.domain.asking import Question
from nurture.domain.delivery import letter_name
from nurture.domain.draws import entry_code
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.evidence import Judged
from nurture.domain.words import Evidence, Status
from nurture.services.answering import Answered, answer
from nurture.services.drawing import Shown, show_draw
from nurture.services.polling import Result, result
from nurture.services.serving import queue_service_letter
from nurture.store.answers import mailed_already
from nurture.store.documents import load_policy

LINE = '{"answer": '


@dataclass(frozen=True, slots=True)
class Sent:
    """A form as it came in: whose letter, what was filled in, who seems to have sent it, when. `uid` is made on receipt."""

    uid: str
    version: int
    subscriber: int
    delivery: int
    given: Mapping[str, str]
    verdict: Judged
    at: datetime

    def to_line(self) -> str:
        """One line of the spool; it begins with LINE."""
        verdict = [self.verdict.evidence.value, self.verdict.reason, self.verdict.rule_version]
        ids = [self.version, self.subscriber, self.delivery]
        return json.dumps({"answer": self.uid, "ids": ids, "given": dict(self.given), "verdict": verdict, "at": self.at.timestamp()})

    @classmethod
    def from_line(cls, line: str) -> "Sent":
        """Raises ValueError or KeyError for a line that to_line() did not write."""
        row = json.loads(line)
        version, subscriber, delivery = row["ids"]
        evidence, reason, rule = row["verdict"]
        verdict = Judged(Evidence(evidence), reason, rule)
        return cls(row["answer"], version, subscriber, delivery, row["given"], verdict, datetime.fromtimestamp(row["at"], UTC))


async def keep_answer(app: App, sent: Sent) -> Answered | None:
    """Keep it and let its advice follow; doing both again changes nothing. As services/answering.answer."""
    now = app.clock()
    done = await answer(
        app.db, uid=f"answer:{sent.uid}", version=sent.version, subscriber=sent.subscriber, delivery=sent.delivery or None,
        given=sent.given, verdict=sent.verdict, at=sent.at, now=now,
    )  # fmt: skip
    if done is None or not done.counted:
        return done
    if done.advice is not None:
        question = done.asked.question.spoken(done.asked.locale)
        band = question.band(done.score or 0)
        data = {"score": done.score, "most": question.scores[1], "band": band.text if band else "", "question": question.heading}
        await queue_service_letter(
            app.db, subscriber_id=sent.subscriber, occasion=done.occasion, now=now, templates=app.templates, letter=done.advice, data=data
        )
        await app.bell.ring("send")
    await app.bell.ring("plan")
    return done


async def announce(app: App, name: str) -> int:
    """Mail the result letter to everybody who answered and still gets letters, once each; how many are new on their way.

    Raises NurtureError where the question has no result letter, is still open, or has a draw that is not made yet.
    """
    found, now = await result(app.db, name), app.clock()
    question = found.question
    if question.result is None:
        raise NurtureError(f"the question {name} has no result letter; write it under `result`", ErrorKind.CONFLICT)
    async with app.db.read() as tx:
        zone = (await load_policy(tx)).timezone
    if question.closes is not None and not question.is_closed(zone, now):
        raise NurtureError(f"{name} takes answers until {question.closes}; tell the result when it is closed", ErrorKind.CONFLICT)
    drawn = await show_draw(app.db, name) if question.draw else None
    if question.draw and (drawn is None or drawn.drawn_at is None):
        raise NurtureError(f"the draw of {name} is not made yet; run: nurture questions draw {name}", ErrorKind.CONFLICT)
    letter = letter_name(name, question.result.id)
    occasion = f"result:{name}" if question.closes else f"result:{name}:{now:%Y-%m}"
    async with app.db.read() as tx:
        already = await mailed_already(tx, letter, occasion)
    sent = 0
    for one in reversed(found.said):
        if one.status != Status.SUBSCRIBED.value or one.subscriber_id in already:
            continue
        entry = entry_code(drawn.commitment, one.subscriber_id) if drawn else ""
        own = {"entry": entry, "won": any(entry == winner for winner, _ in drawn.winners) if drawn else False}
        await queue_service_letter(
            app.db, subscriber_id=one.subscriber_id, occasion=occasion, now=now, templates=app.templates, letter=letter,
            data=_result_data(app, question.spoken(one.locale), found, drawn) | own,
        )  # fmt: skip
        sent += 1
    await app.bell.ring("send")
    return sent


def _result_data(app: App, question: Question, found: Result, drawn: Shown | None) -> dict[str, object]:
    """What the result letter sees under `data`; winners by the name that they allowed, else by their number."""
    counted = found.tally
    texts = question.outcomes
    lines = [{"text": texts.get(line.id, line.text), "people": line.people, "share": f"{line.share:.0%}"} for line in counted.lines]
    mean = f"{counted.mean.value:.1f}" if counted.mean else ""
    told: dict[str, object] = {"question": question.heading, "people": counted.people, "lines": lines, "mean": mean}
    if drawn is None:
        return told
    winners = [named or entry for entry, named in drawn.winners]
    page = f"{app.settings.base_url.rstrip('/')}/draws/{question.name}"
    prize = question.draw.prize if question.draw else drawn.prize
    return told | {"prize": prize, "winners": winners, "seed": drawn.seed, "commitment": drawn.commitment, "draw_url": page}

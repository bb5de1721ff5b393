"""What happens around an answer: it is kept, and the letter of advice that belongs to it follows."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from nurture.bootstrap import App
from nurture.domain.evidence import Judged
from nurture.domain.words import Evidence
from nurture.services.answering import Answered, answer
from nurture.services.serving import queue_service_letter

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
        question = done.asked.question
        data = {"score": done.score, "most": question.scores[1], "band": done.band.text if done.band else "", "question": question.heading}
        await queue_service_letter(
            app.db, subscriber_id=sent.subscriber, occasion=done.occasion, now=now, templates=app.templates, letter=done.advice, data=data
        )
        await app.bell.ring("send")
    await app.bell.ring("plan")
    return done

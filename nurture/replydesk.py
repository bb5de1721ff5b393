"""What a helper does with a reply: each step is one of the house's services, and then the reply leaves the desk."""

from nurture.bootstrap import App
from nurture.domain.desk import Ready, ready_answer
from nurture.domain.errors import NurtureError
from nurture.domain.replies import ReplyState
from nurture.services.leaving import leave
from nurture.services.people import get_person
from nurture.services.replying import end_reply, open_reply
from nurture.services.serving import queue_service_letter
from nurture.store.documents import load_policy
from nurture.store.replies import ReplyLine

LONGEST_ANSWER = 20_000


async def answer_reply(app: App, reply_id: int, body: str, by: str) -> ReplyLine:
    """Answer with a service letter (Markdown): outside mix and caps, at once, also to one who left. `reply_id` makes it leave once.

    Raises NurtureError where the reply is not open, where nobody of the list wrote it, or where the words make no letter.
    """
    if not body.strip():
        raise NurtureError("the answer is empty; write a sentence, or close the reply")
    if len(body) > LONGEST_ANSWER:
        raise NurtureError(f"the answer has more than {LONGEST_ANSWER:,} characters; shorten it")
    line = await open_reply(app.db, reply_id)
    if line.subscriber_id is None:
        raise NurtureError(f"{line.sender} is not in the list; answer from your own mailbox, then close the reply")
    subject = line.subject if line.subject.lower().startswith("re:") else f"Re: {line.subject or 'your letter'}"
    queued = await queue_service_letter(
        app.db, subscriber_id=line.subscriber_id, occasion=f"reply-{reply_id}", now=app.clock(), templates=app.templates,
        subject=_plain(subject), body=_plain(body),
    )  # fmt: skip
    await app.bell.ring("send")
    return await end_reply(app.db, reply_id, ReplyState.ANSWERED, by, app.clock(), queued.id)


async def answer_ready(app: App, reply_id: int, ready: Ready, by: str) -> ReplyLine:
    """Answer with the words that lie ready for a rude reply or for praise, in the writer's language; raises as answer_reply does."""
    line = await open_reply(app.db, reply_id)
    async with app.db.read() as tx:
        policy = await load_policy(tx)
    person = await get_person(app.db, line.subscriber_id) if line.subscriber_id is not None else None
    words = ready_answer(policy.desk, ready, (person.locale if person else None) or policy.locale)
    return await answer_reply(app, reply_id, words, by)


async def close_reply(app: App, reply_id: int, by: str) -> ReplyLine:
    """Nothing is to be done; raises NurtureError where it is not open."""
    await open_reply(app.db, reply_id)
    return await end_reply(app.db, reply_id, ReplyState.CLOSED, by, app.clock())


async def ban_sender(app: App, reply_id: int, by: str) -> ReplyLine:
    """No further letter to whoever wrote this; raises NurtureError where it is not open, or nobody of the list wrote it."""
    line = await open_reply(app.db, reply_id)
    if line.subscriber_id is None:
        raise NurtureError(f"{line.sender} is not in the list and gets no letters; close the reply")
    await leave(app.db, line.subscriber_id, delivery_id=line.delivery_id, now=app.clock(), how="banned")
    return await end_reply(app.db, reply_id, ReplyState.BANNED, by, app.clock())


def _plain(text: str) -> str:
    """A person's words in a letter are words: braces of theirs are no merge fields."""
    return text.replace("{{", "{ {").replace("{%", "{ %").replace("{#", "{ #")

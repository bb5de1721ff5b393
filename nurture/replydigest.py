"""What people wrote back, for the author: a service letter a day or a week, with the questions, the praise and what waits on the desk."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from nurture.bootstrap import App
from nurture.domain.desk import digest_period, span
from nurture.domain.replies import ReplyState, Sort
from nurture.mail.address import normalise
from nurture.services.serving import WORDS, queue_service_letter
from nurture.store import jobs, replies
from nurture.store.documents import letter_catalogue, load_policy
from nurture.store.house import ensure_house
from nurture.store.replies import ReplyLine
from nurture.store.service_rows import find_service_row

JOB = "reply digest"
NAMED, QUOTED = 200, 400  # replies of one digest, characters of each
PARTS = {
    Sort.QUESTION: "Questions", Sort.PRAISE: "Praise", Sort.OTHER: "Other words", Sort.RUDE: "Rude words", Sort.LEAVE: "Asked to leave",
}  # fmt: skip
SUBJECT = "{{ data.subject | default('Your readers wrote') }}"
BODY = """
{% if data.parts %}{% for part in data.parts %}
## {{ part.title }}

{% for line in part.lines %}
**{{ line.who }}**, {{ line.day }}{% if line.state %} ({{ line.state }}){% endif %}:

> {{ line.said }}

{% endfor %}{% endfor %}{% else %}
Nobody has written since the last digest.
{% endif %}

{{ data.waiting }}

[Open the reply desk]({{ data.desk }})
"""


async def send_reply_digest(app: App) -> bool:
    """Queue the digest of the period that is due, once, by whichever process comes first; whether a letter is on its way.

    Where nobody wrote and nothing waits, none leaves. A run that was broken off is done again: the row of the period is there once.
    """
    now = app.clock()
    async with app.db.read() as tx:
        policy = await load_policy(tx)
    zone, sender = ZoneInfo(policy.timezone), policy.sender
    period = digest_period(policy.desk, now, zone)
    to = policy.desk.to or (sender and (sender.reply_to or sender.address))
    if period is None or not to:
        return False
    async with app.db.write() as tx:
        if not await jobs.claim(tx, JOB, period, now):
            return False
    try:
        sent = await _send(app, now, normalise(to), period, zone)
    except BaseException:
        async with app.db.write() as tx:
            await jobs.release(tx, JOB, period)
        raise
    async with app.db.write() as tx:
        await jobs.finish(tx, JOB, period, app.clock(), {"letters": int(sent)})
    return sent


async def _send(app: App, now: datetime, to: str, period: str, zone: ZoneInfo) -> bool:
    occasion = f"reply-digest:{period}"
    async with app.db.read() as tx:
        desk = (await load_policy(tx)).desk
        since = await jobs.last_begun(tx, JOB, period) or now - span(desk)
        new, waiting = await replies.replies_since(tx, since, NAMED), await replies.count_open(tx)
        oldest = await replies.oldest_open(tx)
    if not new and not waiting:
        return False
    async with app.db.write() as tx:
        person = await ensure_house(tx, to, now)
        known = (await letter_catalogue(tx)).get(WORDS)
        if known and await find_service_row(tx, known.id, person, occasion) is not None:
            return True  # by a run that died before it could say so
    data = digest_data(new, sum(waiting.values()), oldest, now, zone) | {"desk": f"{app.settings.base_url.rstrip('/')}/replies"}
    await queue_service_letter(
        app.db, subscriber_id=person, occasion=occasion, now=now, templates=app.templates, subject=SUBJECT,
        body=BODY, data=data,
    )  # fmt: skip
    await app.bell.ring("send")
    return True


def digest_data(new: list[ReplyLine], waiting: int, oldest: datetime | None, now: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """What the letter says: the new replies by pile, and what waits since when."""
    parts = [{"title": title, "lines": [_line(r, zone) for r in new if r.sort == sort]} for sort, title in PARTS.items()]
    days = (now - oldest).days if oldest else 0
    longest = "since today" if not days else "since yesterday" if days == 1 else f"for {days} days"
    replied = f"{len(new)} {'reply' if len(new) == 1 else 'replies'}"
    return {
        "subject": f"Your readers wrote: {replied}, {waiting} waiting",
        "parts": [part for part in parts if part["lines"]],
        "waiting": f"{waiting} on the desk, the oldest {longest}." if waiting else "Nothing waits on the desk.",
    }


def _line(reply: ReplyLine, zone: ZoneInfo) -> dict[str, str]:
    words = " ".join((reply.text or reply.subject).split())
    return {
        "who": reply.sender, "day": f"{reply.at.astimezone(zone):%Y-%m-%d}", "state": "" if reply.state == ReplyState.OPEN else reply.state,
        "said": words if len(words) <= QUOTED else words[:QUOTED].rsplit(" ", 1)[0] + "…",
    }  # fmt: skip

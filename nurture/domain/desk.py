"""What the policy says of the reply desk: answers that lie ready for a helper, and how often the author hears what people wrote."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints

from nurture.domain.letters import Document, Weekday
from nurture.domain.scalars import TimeOfDay

Address = Annotated[str, StringConstraints(pattern=r"^[^@\s<>\"]+@[^@\s<>\"]+$", max_length=254)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5_000)]


class Ready(StrEnum):
    """`polite`: to one who was rude. `thanks`: to praise."""

    POLITE = "polite"
    THANKS = "thanks"


class Desk(Document):
    """`digest`: how often the author gets what people wrote, from `at` on, workspace time, weekly on `day`. `to`: the sender's own address
    for replies unless told. `polite`, `thanks`: ready answers, Markdown; ours in the reader's language unless told.
    """

    digest: Literal["daily", "weekly", "none"] = "none"
    day: Weekday = Weekday.MON
    at: TimeOfDay = time(7)
    to: Address | None = None
    polite: Words | None = Field(default=None)
    thanks: Words | None = Field(default=None)


_READY: Mapping[Ready, Mapping[str, tuple[str, ...]]] = {
    Ready.POLITE: {
        "en": (
            "Hello,",
            (
                "thank you for saying so plainly what you think. I am sorry that our letters annoyed you; that is the last "
                "thing they are for. Every letter has a link at its end by which you leave with one press, and nothing comes "
                "any more."
            ),
            "I wish you a good day.",
        ),
        "de": (
            "Guten Tag,",
            (
                "danke, dass Sie so deutlich sagen, was Sie denken. Es tut mir leid, dass unsere Briefe Sie geärgert haben; das"
                " ist das Letzte, was sie sollen. Am Ende jedes Briefes steht ein Link, mit dem Sie durch einen Klick "
                "abbestellen, und es kommt nichts mehr."
            ),
            "Ich wünsche Ihnen einen guten Tag.",
        ),
        "pl": (
            "Dzień dobry,",
            (
                "dziękuję za szczerą opinię. Przykro mi, że nasze listy sprawiły przykrość; nie po to powstają. Na końcu "
                "każdego listu jest odnośnik, którym jednym naciśnięciem można zrezygnować, i nic więcej nie przyjdzie."
            ),
            "Życzę dobrego dnia.",
        ),
        "ru": (
            "Здравствуйте!",
            (
                "Спасибо, что прямо сказали, что думаете. Мне жаль, что наши письма вас рассердили: они совсем не для этого. В "
                "конце каждого письма есть ссылка, по которой можно отписаться одним нажатием, и больше ничего не придёт."
            ),
            "Всего вам доброго.",
        ),
    },
    Ready.THANKS: {
        "en": (
            "Hello,",
            (
                "thank you for these kind words: they are the best pay for our work. If somebody you know could use our letters"
                " too, pass one on to them."
            ),
            "All the best.",
        ),
        "de": (
            "Guten Tag,",
            (
                "vielen Dank für die freundlichen Worte: sie sind der schönste Lohn für unsere Arbeit. Wenn jemand, den Sie "
                "kennen, unsere Briefe auch brauchen kann, geben Sie gern einen weiter."
            ),
            "Alles Gute.",
        ),
        "pl": (
            "Dzień dobry,",
            (
                "serdecznie dziękuję za miłe słowa: to najlepsza zapłata za naszą pracę. Jeśli komuś ze znajomych też przydadzą"
                " się nasze listy, proszę przekazać jeden dalej."
            ),
            "Wszystkiego dobrego.",
        ),
        "ru": (
            "Здравствуйте!",
            (
                "Спасибо за добрые слова: это лучшая награда за нашу работу. Если кому-то из ваших знакомых наши письма тоже "
                "пригодятся, перешлите им одно."
            ),
            "Всего вам доброго.",
        ),
    },
}


def ready_answer(desk: Desk, ready: Ready, locale: str) -> str:
    """The answer that lies ready, Markdown: the policy's, else ours in this language, else in English."""
    own = desk.polite if ready is Ready.POLITE else desk.thanks
    return own or "\n\n".join(_READY[ready].get(locale.split("-", maxsplit=1)[0].lower(), _READY[ready]["en"]))


def digest_period(desk: Desk, now: datetime, zone: ZoneInfo) -> str | None:
    """The period whose digest is due, `2026-03-02` or `2026-W10`; None while none is. One that is late still comes within its period."""
    local = now.astimezone(zone)
    if desk.digest == "daily":
        return local.date().isoformat() if local.time() >= desk.at else None
    if desk.digest == "none" or (local.weekday(), local.time()) < (desk.day.number, desk.at):
        return None
    year, week, _ = local.isocalendar()
    return f"{year}-W{week:02}"


def span(desk: Desk) -> timedelta:
    """How far back the first digest looks; each later one goes on where the last one ended."""
    return timedelta(days=1 if desk.digest == "daily" else 7)

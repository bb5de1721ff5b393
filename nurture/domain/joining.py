"""Joining by a form: what a wish to join leads to for each standing a person may have, and the confirming letter in four languages."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from nurture.domain.words import Status

AGAIN_AFTER = timedelta(hours=1)  # opt-in letters to one address: at most one in this time, whoever asks
CONFIRM_OCCASION = "confirm:"


def confirm_occasion(form: str, stamp: str) -> str:
    """The occasion of a confirming letter, which tells for which form it asks."""
    return f"{CONFIRM_OCCASION}{form}:{stamp}"


def form_of(occasion: str) -> str:
    return occasion.removeprefix(CONFIRM_OCCASION).rpartition(":")[0]


def should_ask(status: Status | None, last_asked: datetime | None, now: datetime) -> bool:
    """Whether a confirming letter goes out; the page says the same whatever is decided.

    Double opt-in, begun afresh for one who left: their status stays until they confirm. An address that bounced or complained gets nothing.
    """
    if status in (Status.SUBSCRIBED, Status.BOUNCED, Status.COMPLAINED):
        return False
    return last_asked is None or now - last_asked >= AGAIN_AFTER


def may_confirm(status: Status, status_at: datetime, asked_at: datetime | None) -> bool:
    """A link confirms what was asked for after the last change for the worse: an old letter brings back nobody who left since."""
    if status is Status.PENDING:
        return True
    return status in (Status.UNSUBSCRIBED, Status.ARCHIVED) and asked_at is not None and asked_at >= status_at


_SUBJECTS: Mapping[str, str] = {
    "en": "Please confirm: {title}",
    "de": "Bitte bestätigen: {title}",
    "pl": "Prosimy o potwierdzenie: {title}",
    "ru": "Подтвердите, пожалуйста: {title}",
}
_BODIES: Mapping[str, tuple[str, str, str, str]] = {
    "en": (
        "Hello!",
        "Somebody, you we hope, asked for these letters with this address: {title}.",
        "Yes, I want them",
        "Nothing will come without that press. If it was not you, do nothing.",
    ),
    "de": (
        "Guten Tag!",
        "Jemand, hoffentlich Sie, hat mit dieser Adresse um diese Briefe gebeten: {title}.",
        "Ja, ich möchte sie",
        "Ohne diesen Klick kommt nichts. Wenn Sie es nicht waren, tun Sie nichts.",
    ),
    "pl": (
        "Dzień dobry!",
        "Ktoś, mamy nadzieję, że Ty, poprosił na ten adres o te listy: {title}.",
        "Tak, chcę je dostawać",
        "Bez tego naciśnięcia nic nie przyjdzie. Jeśli to nie Ty, nic nie rób.",
    ),
    "ru": (
        "Здравствуйте!",
        "Кто-то, надеемся, что вы, попросил на этот адрес эти письма: {title}.",
        "Да, я хочу их получать",
        "Без этого нажатия ничего не придёт. Если это были не вы, ничего не делайте.",
    ),
}


def confirming_letter(language: str, title: str) -> tuple[str, str]:
    """(subject, Markdown body) of the letter that asks for the confirmation; English where the language is not one of ours."""
    spoken = language if language in _BODIES else "en"
    plain = title.replace("{", "(").replace("}", ")").replace("[", "(").replace("]", ")")
    hello, asked, press, otherwise = _BODIES[spoken]
    body = f"{hello}\n\n{asked.format(title=plain)}\n\n[{press}]({{{{ confirm_url }}}})\n\n{otherwise}"
    return _SUBJECTS[spoken].format(title=plain), body

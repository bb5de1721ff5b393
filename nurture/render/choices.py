"""The button that a cleanup's letter carries whatever its author wrote: the way out of an offer, the way to stay of a last letter."""

import re
from typing import Literal

Choice = Literal["leave", "stay"]
_URL: dict[Choice, str] = {"leave": "unsubscribe_url", "stay": "stay_url"}
_WORDS: dict[Choice, dict[str, str]] = {
    "leave": {
        "de": "Kein Interesse? Hier abbestellen", "pl": "To nie dla Ciebie? Zrezygnuj", "ru": "Не интересно? Отпишитесь здесь",
        "en": "Not interested? Leave these letters",
    },
    "stay": {
        "de": "Ja, ich möchte weiter lesen", "pl": "Tak, chcę nadal otrzymywać listy", "ru": "Да, оставьте меня в списке",
        "en": "Yes, keep my subscription",
    },
}  # fmt: skip
_STYLE = (
    "display:inline-block;padding:14px 30px;border:2px solid #a3341f;border-radius:8px;background-color:#ffffff;color:#a3341f;"
    "font-size:17px;line-height:24px;font-weight:700;text-decoration:none"
)


def _said(choice: Choice) -> str:
    words = _WORDS[choice]
    others = "".join(
        f"{{% {'if' if n == 0 else 'elif'} locale.startswith('{code}') %}}{words[code]}" for n, code in enumerate(("de", "pl", "ru"))
    )
    return f"{others}{{% else %}}{words['en']}{{% endif %}}"


def in_html(choice: Choice, plain: str) -> str:
    """The button as Jinja. A letter that has the way to stay already (`plain`: its source) gets no second one."""
    if choice == "stay" and _URL[choice] in plain:
        return ""
    return f'<p class="choice" style="margin:32px 0 8px 0"><a href="{{{{ {_URL[choice]} }}}}" style="{_STYLE}">{_said(choice)}</a></p>\n'


def in_text(choice: Choice, plain: str) -> str:
    """The same for a text part that its author wrote."""
    return "" if choice == "stay" and _URL[choice] in plain else f"\n\n{_said(choice)}: {{{{ {_URL[choice]} }}}}\n"


def placed(document: str, button: str) -> str:
    """Behind the words of the letter."""
    if not re.search(r"<html[\s>]", document, re.IGNORECASE):
        return document + button
    return re.sub(r"</body\s*>|\Z", lambda end: button + end[0], document, count=1, flags=re.IGNORECASE)

"""The words of the pages that a subscriber sees: one file for each language, the same keys in each (tested)."""

from collections.abc import Mapping

from api.public.words import de, en, pl, ru

LANGUAGES = ("en", "de", "pl", "ru")
OWN_NAMES = {"en": "English", "de": "Deutsch", "pl": "Polski", "ru": "Русский"}
WORDS: Mapping[str, Mapping[str, str]] = {"en": en.WORDS, "de": de.WORDS, "pl": pl.WORDS, "ru": ru.WORDS}


def language(*wishes: str | None) -> str:
    """The first of our languages among locales and Accept-Language lists, in the order given; English when none is."""
    for wish in wishes:
        parts = [part.strip().split(";") for part in (wish or "").split(",")]
        ranked = sorted(parts, key=lambda p: -_quality(p))
        for part in ranked:
            short = part[0].strip().lower().replace("_", "-").split("-")[0]
            if short in LANGUAGES and _quality(part) > 0:
                return short
    return "en"


def _quality(part: list[str]) -> float:
    for option in part[1:]:
        name, _, value = option.strip().partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0

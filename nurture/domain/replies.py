"""What sort of reply a person wrote: it decides which pile of the reply desk it lies on. A guess for sorting, never a verdict."""

import re
from enum import StrEnum


class Sort(StrEnum):
    LEAVE = "leave"
    RUDE = "rude"
    QUESTION = "question"
    PRAISE = "praise"
    OTHER = "other"


class ReplyState(StrEnum):
    OPEN = "open"
    ANSWERED = "answered"
    CLOSED = "closed"
    BANNED = "banned"


_RUDE = re.compile(
    r"\b(?:fuck\w*|shit\w*|bastards?|assholes?|idiots?|morons?|go to hell|screw you|scumbags?|piss off|crap)\b"
    r"|\b(?:дура?к\w*|идиот\w*|сволоч\w*|дебил\w*|мудак\w*|козл\w*|пош[её]л(?:и)? (?:ты|вы|на)|заколебали|достали|задолбали)\b"
    r"|\b(?:kurw\w*|spierdal\w*|debil\w*|idiot\w*|wypierdal\w*|dupek)\b"
    r"|\b(?:arsch\w*|scheiß\w*|schei(?:ss|ß)e|idioten?|verpiss\w*|wichser)\b",
    re.IGNORECASE,
)
_QUESTION = re.compile(
    r"\?|^\W*(?:how|what|when|where|who|why|which|can|could|do|does|is|are|would|will)\b"
    r"|\b(?:подскажите|сколько|можно ли|как|когда|где|почему)\b|\b(?:czy|ile|kiedy|gdzie|jak)\b|\b(?:wie viel|können sie|wann|wo|warum)\b",
    re.IGNORECASE,
)
_PRAISE = re.compile(
    r"\b(?:thank(?:s| you)|great|wonderful|love (?:it|your|this)|excellent|well done|helpful|awesome)\b"
    r"|спасибо|благодар|отлично|прекрасн|полезн"
    r"|\b(?:dzi[eę]kuj\w*|świetn\w*|wspania\w*|super)\b|\b(?:danke|toll|großartig|hilfreich|wunderbar)\b",
    re.IGNORECASE,
)


def sort_reply(text: str, *, leaves: bool) -> Sort:
    """Leave words before everything, rude words before a question, a question before praise: what needs an answer is not lost in thanks."""
    if leaves:
        return Sort.LEAVE
    for sort, words in ((Sort.RUDE, _RUDE), (Sort.QUESTION, _QUESTION), (Sort.PRAISE, _PRAISE)):
        if words.search(text[:4000]):
            return sort
    return Sort.OTHER

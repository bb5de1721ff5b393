"""Questions to the name system as values. A rule that asks is a generator: it yields a Question, is sent an Answer, returns a finding."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question:
    name: str
    type: Literal["TXT", "A", "AAAA", "MX"]


@dataclass(frozen=True, slots=True)
class Answer:
    """`values`: texts with their strings joined, addresses, or names of mail servers, best first. `trouble`: why there is no answer."""

    values: tuple[str, ...] = ()
    trouble: str = ""


Inquiry: TypeAlias = Generator[Question, Answer, T]


class Unanswered(Exception):  # noqa: N818 - an answer that did not come, not a fault of ours
    """The name system gave no answer, so that nothing can be told. The message is a sentence."""

    def __init__(self, question: Question, trouble: str) -> None:
        asked = f"The question for {question.type} of {question.name}"
        super().__init__(f"{asked} was not answered ({trouble}); receivers may get no answer either.")


def ask(question: Question) -> Inquiry[Answer]:
    """One question; raises Unanswered where no answer came. No such record is an answer."""
    answer = yield question
    if answer.trouble:
        raise Unanswered(question, answer.trouble)
    return answer


def read_tags(record: str) -> dict[str, str] | None:
    """`a=b; c=d` (RFC 6376 3.2) with names in lower case; None where it is no such list or a name stands twice."""
    found: dict[str, str] = {}
    for part in record.split(";"):
        name, equals, value = part.partition("=")
        name = name.strip().lower()
        if not part.strip():
            continue
        if not equals or not name or name in found:
            return None
        found[name] = value.strip()
    return found

"""Saved questions inside questions: `{segment: readers}` is answered by what the segment asks, however deep; circles are refused."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, cast

from nurture.domain.conditions import All, AnyOf, Condition, InSegment, Not
from nurture.domain.documents import Campaign, LibraryLetter, Sequence
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.letters import Letter

Questions = Mapping[str, Condition]
Asking = TypeVar("Asking", bound=Sequence | Campaign | LibraryLetter)


def leaves(condition: Condition) -> Iterator[Condition]:
    """The single questions of a condition, in the order written."""
    match condition:
        case All(all=parts) | AnyOf(any=parts):
            for part in parts:
                yield from leaves(part)
        case Not():
            yield from leaves(condition.not_)
        case _:
            yield condition


def segments_in(condition: Condition) -> tuple[str, ...]:
    """The segments that it names, each once."""
    return tuple(dict.fromkeys(leaf.segment for leaf in leaves(condition) if isinstance(leaf, InSegment)))


def expand(condition: Condition, segments: Questions, inside: tuple[str, ...] = ()) -> Condition:
    """The same question with every segment's own question in its place.

    Raises NurtureError where a segment is not there, or leads back to itself.
    """
    match condition:
        case InSegment(segment=name):
            if name in inside:
                raise NurtureError(f"the segment {name!r} asks for itself ({' -> '.join([*inside, name])}); take one of them out")
            if name not in segments:
                raise NurtureError(f"there is no segment {name!r}; apply its file first", ErrorKind.MISSING)
            return expand(segments[name], segments, (*inside, name))
        case All(all=parts) if segments_in(condition):
            return All(all=tuple(expand(part, segments, inside) for part in parts))
        case AnyOf(any=parts) if segments_in(condition):
            return AnyOf(any=tuple(expand(part, segments, inside) for part in parts))
        case Not() if segments_in(condition):
            return Not.model_validate({"not": expand(condition.not_, segments, inside)})
    return condition


def circle_of(name: str, segments: Questions, inside: tuple[str, ...] = ()) -> tuple[str, ...] | None:
    """The way on which a segment leads back to itself, such as ("a", "b", "a"); None where it does not."""
    way = (*inside, name)
    for named in segments_in(segments[name]) if name in segments else ():
        if named == way[0]:
            return (*way, named)
        if named not in way and (found := circle_of(named, segments, way)):
            return found
    return None


def with_segments(document: Asking, segments: Questions) -> Asking:
    """A document as it is run: every question of its own and of its letters expanded."""
    changed: dict[str, Any] = {}
    own: object = document  # which it is; its own type stays what the caller gave
    for key in ("audience", "goal", "exit_if", "only_if"):
        asked = getattr(document, key, None)
        if asked is not None and segments_in(asked):
            changed[key] = expand(asked, segments)
    if isinstance(own, Sequence):
        changed["letters"] = tuple(_letter(x, segments) for x in own.letters)
    elif isinstance(own, Campaign) and own.letter is not None:
        changed["letter"] = _letter(own.letter, segments)
    return cast("Asking", document.model_copy(update=changed)) if changed else document


def _letter(letter: Letter, segments: Questions) -> Letter:
    if letter.only_if is None or not segments_in(letter.only_if):
        return letter
    return letter.model_copy(update={"only_if": expand(letter.only_if, segments)})

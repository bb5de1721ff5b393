"""A mix as it is written: `3:1`, `thirds`, `{thirds: [news, useful, about]}`, `none`, or a list of promises."""

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from nurture.domain.words import Kind

_RATIO = re.compile(r"(\d{1,2}):1")
_GROUPABLE = (Kind.USEFUL, Kind.NEWS, Kind.ABOUT, Kind.SALES)
DEFAULT_GROUPS = ((Kind.USEFUL,), (Kind.ABOUT, Kind.NEWS), (Kind.SALES,))


@dataclass(frozen=True, slots=True)
class Ratio:
    """`N:1`: at least N useful letters since the last sales letter, also before the first."""

    useful: int

    def __str__(self) -> str:
        return f"{self.useful}:1"


@dataclass(frozen=True, slots=True)
class Thirds:
    """Three groups of kinds; the sequence takes from the group least present in its last eight letters."""

    groups: tuple[tuple[Kind, ...], ...] = DEFAULT_GROUPS

    def __str__(self) -> str:
        return "thirds " + " / ".join("+".join(g) for g in self.groups)


@dataclass(frozen=True, slots=True)
class NoPromise:
    """`none`: the sequence promises nothing; it counts only if the workspace says `none` too."""

    def __str__(self) -> str:
        return "none"


Promise = Ratio | Thirds | NoPromise
_ADVICE = "write 3:1, thirds, {thirds: [useful, about, sales]}, none, or a list of these"


def _parse_kind(value: object) -> Kind:
    if value in [k.value for k in _GROUPABLE]:
        return Kind(str(value))
    raise ValueError(f"{value!r} cannot stand in thirds; use useful, news, about, sales")


def _parse_thirds(groups: Any) -> Thirds:
    if not isinstance(groups, list | tuple) or len(groups) != 3:
        raise ValueError("thirds takes exactly three groups, such as [news, useful, about]")
    parsed = tuple(tuple(_parse_kind(k) for k in g) if isinstance(g, list | tuple) else (_parse_kind(g),) for g in groups)
    kinds = [k for g in parsed for k in g]
    if len(set(kinds)) != len(kinds) or not all(parsed):
        raise ValueError("each kind stands in one group of thirds only, and no group is empty")
    return Thirds(parsed)


def parse_promise(value: Any) -> Promise:
    if isinstance(value, Ratio | Thirds | NoPromise):
        return value
    if value == "thirds":
        return Thirds()
    if value == "none":
        return NoPromise()
    if isinstance(value, dict) and list(value) == ["thirds"]:
        return _parse_thirds(value["thirds"])
    found = _RATIO.fullmatch(value.strip()) if isinstance(value, str) else None
    if found and int(found[1]) > 0:
        return Ratio(int(found[1]))
    raise ValueError(f"{value!r} is not a mix; {_ADVICE}")


def parse_mix(value: Any) -> tuple[Promise, ...]:
    """One promise or a list of them -> a tuple. Raises ValueError with advice."""
    if isinstance(value, list | tuple):
        if not value:
            raise ValueError(f"an empty mix promises nothing; {_ADVICE}")
        return tuple(parse_promise(v) for v in value)
    return (parse_promise(value),)


def _write_promise(promise: Promise) -> Any:
    if isinstance(promise, Ratio):
        return str(promise)
    if isinstance(promise, NoPromise):
        return "none"
    if promise.groups == DEFAULT_GROUPS:
        return "thirds"
    return {"thirds": [[k.value for k in g] if len(g) > 1 else g[0].value for g in promise.groups]}


def write_mix(mix: tuple[Promise, ...]) -> Any:
    """The inverse of `parse_mix`: the shortest form that reads back the same."""
    written = [_write_promise(p) for p in mix]
    return written[0] if len(written) == 1 else written


Mix = Annotated[
    tuple[Promise, ...],
    PlainValidator(parse_mix),
    PlainSerializer(write_mix),
    WithJsonSchema({
        "anyOf": [
            {"type": "string", "pattern": "^(\\d{1,2}:1|thirds|none)$"},
            {"type": "object", "properties": {"thirds": {"type": "array", "minItems": 3, "maxItems": 3}}},
            {"type": "array"},
        ],
        "examples": ["3:1", "thirds"],
    }),
]

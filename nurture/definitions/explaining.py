"""What pydantic found, in the words of an author: one sentence, the place in the file, what to write instead."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from nurture.definitions.faults import Fault, Path, Tree
from nurture.definitions.keys import keys_of, models_at
from nurture.domain.advice import did_you_mean, nearest
from nurture.domain.conditions import CONDITION_WORDS
from nurture.domain.entries import GOAL_WORDS
from nurture.domain.rules import CAUSE_WORDS

_WINDOW_KEYS = frozenset({"window", "sales", "long", "short", "other", "greeting"})
_WINDOW = 'Write any, now, or a list such as [{days: [wed, thu], from: "10:00", until: "12:00"}].'
_SCHEDULE = 'Write now, {weekly: tue}, {at: "2026-03-10 10:00"} or {cron: "0 10 * * 2"}.'
_CONDITION = "Write one of " + ", ".join(CONDITION_WORDS) + "; for example {tag: roof}."
_PATTERNS = {
    "^[a-z0-9][a-z0-9._-]{0,79}$": "Use small letters, digits, dots and dashes, at most 80: five-questions.",
    "^letters/": "Write letters/<folder>, the folder under templates/: letters/five-questions.",
    "^https?://": "Write one address without a user in it: https://example.com/hook.",
    "@": "Write one plain address: anna@example.com.",
    r"^\d{4}-": 'Write the date and the hour: "2026-03-10 10:00".',
    r"^\S+( \S+){4}$": 'Write five fields - minute, hour, day, month, weekday: "0 10 * * 2".',
}  # fmt: skip
_TOLD_APART = frozenset({*CONDITION_WORDS, *CAUSE_WORDS, *GOAL_WORDS})  # branches that the value itself tells, by its first word or nature
_SHAPES = {
    "str": "a text", "string": "a text", "int": "a whole number", "float": "a number", "bool": "true or false",
    "tuple": "a list", "list": "a list", "dict": "a mapping of key: value", "model": "a mapping of key: value",
}  # fmt: skip

_BOUNDS = {
    "greater_than_equal": ("small", "ge", "at least"), "less_than_equal": ("large", "le", "at most"),
    "greater_than": ("small", "gt", "more than"), "less_than": ("large", "lt", "less than"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Found:
    """One pydantic error, set on the document: `path` is where it is, `branch` the names of union branches passed on the way."""

    path: Path
    branch: tuple[str, ...]
    union: Path  # the value that the first branch name spoke of
    error: Any


def explain(error: ValidationError, model: type[BaseModel], tree: Tree, file: str) -> list[Fault]:
    """Every fault once, in the order of the file."""
    found = [_located(e, tree.value) for e in error.errors(include_url=False)]
    faults: dict[Fault, None] = {}
    asked: set[Path] = set()
    for one in _without_echoes(found, tree.value):
        field = next((s for s in reversed(one.union) if isinstance(s, str)), "")
        value = _value(tree.value, one.union)
        if one.branch and not _right_branch(one, field, value):
            continue
        if one.branch and _whole_value_wrong(field, value):
            if one.union not in asked:
                asked.add(one.union)
                faults[_union_fault(field, one.union, value, tree, file)] = None
            continue
        fault = _fault(one, model, tree, file)
        if fault is not None:
            faults[fault] = None
    return list(faults)


def _located(error: Any, data: Any) -> _Found:
    """Walk the loc over the data; names of union branches, of condition words and of causes are passed over."""
    loc = [step for step in error["loc"] if step != "[key]"]
    missing = [loc.pop()] if error["type"] == "missing" else []
    path, skipped = _match(tuple(loc), data, {}, 0, ())
    names = [loc[i] for i in skipped if isinstance(loc[i], str)]
    branch = tuple(n for n in names if n not in _TOLD_APART)
    before = path
    if branch:
        first = next(i for i in skipped if loc[i] == branch[0])
        before, _ = _match(tuple(loc[:first]), data, {}, 0, ())
    return _Found(path + tuple(missing), branch, before, error)


def _match(loc: tuple[Any, ...], data: Any, seen: dict[Any, Any], at: int, path: Path) -> tuple[Path, tuple[int, ...]]:
    """The longest path through `data` that takes steps of `loc` in order, the last one if it can; and which steps were passed over."""
    if at == len(loc):
        return path, ()
    if (at, path) in seen:
        found: tuple[Path, tuple[int, ...]] = seen[at, path]
        return found
    step, here = loc[at], _value(data, path)
    rest, passed = _match(loc, data, seen, at + 1, path)
    best = (rest, (at, *passed))
    steps_in = (isinstance(here, dict) and step in here) or (isinstance(here, list) and isinstance(step, int) and step < len(here))
    if steps_in:
        taken = _match(loc, data, seen, at + 1, (*path, step))
        last = len(loc) - 1
        if (last not in taken[1], len(taken[0])) >= (last not in best[1], len(best[0])):
            best = taken
    seen[at, path] = best
    return best


def _value(data: Any, path: Path) -> Any:
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _without_echoes(found: list[_Found], data: Any) -> list[_Found]:
    """A list whose items are faulty is also reported as too short: that echo is dropped."""
    return [
        one
        for one in found
        if not (one.error["type"] == "too_short" and _value(data, one.path))
    ]  # fmt: skip


def _right_branch(one: _Found, field: str, value: Any) -> bool:
    """Of a union's branches only the one that the author meant is worth a word."""
    name = one.branch[0]
    if field == "schedule" and isinstance(value, dict):
        meant = next((n for n in ("At", "Weekly", "Cron") if n.lower() in value), None)
        return meant is None or name == meant
    if field in _WINDOW_KEYS and isinstance(value, list):
        return name.startswith("tuple")
    return True


def _whole_value_wrong(field: str, value: Any) -> bool:
    if field == "schedule" and isinstance(value, dict):
        return not any(n in value for n in ("at", "weekly", "cron"))
    return not (field in _WINDOW_KEYS and isinstance(value, list)) and not (field == "schedule" and isinstance(value, dict))


def _union_fault(field: str, path: Path, value: Any, tree: Tree, file: str) -> Fault:
    place = tree.at(path)
    if field == "schedule":
        return Fault(file, place.line, place.column, "value", "error", f"{shown(value)} is not a schedule", _SCHEDULE)
    if field in _WINDOW_KEYS:
        return Fault(file, place.line, place.column, "value", "error", f"{shown(value)} is not a window", _WINDOW)
    return Fault(
        file, place.line, place.column, "type", "error", f"{shown(value)} cannot stand here", "Write a text, a number, true or false."
    )


def _fault(one: _Found, model: type[BaseModel], tree: Tree, file: str) -> Fault | None:
    error, kind, path = one.error, one.error["type"], one.path
    place = tree.at(path)
    value = _value(tree.value, path)
    if kind == "extra_forbidden":
        return _unknown_key(path, model, tree, file)
    if kind == "missing":
        if tree.incomplete:
            return None
        whose = "a " + (model.__name__.lower() if len(path) == 1 else _noun(path[:-1]))
        advice = f"Add the line `{path[-1]}: ...`."
        return Fault(file, place.key_line, place.key_column, "missing-key", "error", f'{whose} needs the key "{path[-1]}"', advice)
    if kind == "condition":
        return _condition(path, value, tree, file)
    message, advice = _sentence(kind, error.get("ctx", {}), path, value)
    at_key = not isinstance(value, str | int | float | bool)
    line, column = (place.key_line, place.key_column) if at_key else (place.line, place.column)
    return Fault(file, line, column, "type" if kind.endswith("_type") else "value", "error", message, advice)


def _noun(path: Path) -> str:
    """What stands at a path, in a word: an item of `letters` is a letter."""
    word = next((s for s in reversed(path) if isinstance(s, str)), "document")
    return {"letters": "letter", "offers": "offer", "window": "window", "windows": "window"}.get(word, f"{word}")


def _unknown_key(path: Path, model: type[BaseModel], tree: Tree, file: str) -> Fault:
    key, around = str(path[-1]), _value(tree.value, path[:-1])
    known = sorted({k for m in models_at(model, path[:-1], around) for k in keys_of(m)})
    place = tree.at(path)
    near = nearest(key, [k for k in known if not (isinstance(around, dict) and k in around)]) or nearest(key, known)
    outer = next((k for k in keys_of(model) if k == key), None) if len(path) > 1 else None
    if outer:
        advice = f"It belongs to the {model.__name__.lower()} itself: take it out to the left."
    else:
        advice = (f'Did you mean "{near}"? ' if near else "") + "Known here: " + ", ".join(known) + "."
    return Fault(file, place.key_line, place.key_column, "unknown-key", "error", f'the key "{key}" is not known here', advice)


def _condition(path: Path, value: Any, tree: Tree, file: str) -> Fault:
    place = tree.at(path)
    word = next(iter(value)) if isinstance(value, dict) and value else None
    if word is None:
        return Fault(file, place.line, place.column, "condition", "error", f"{shown(value)} is not a condition", _CONDITION)
    inner = tree.at((*path, word))
    near = nearest(word, CONDITION_WORDS)
    advice = f'Write "{near}".' if near else _CONDITION
    message = f'"{word}" is not a word of conditions' + did_you_mean(word, CONDITION_WORDS)
    return Fault(file, inner.key_line, inner.key_column, "condition", "error", message, advice)


def _sentence(kind: str, ctx: Mapping[str, Any], path: Path, value: Any) -> tuple[str, str]:
    """(message, advice) of an error of type or value."""
    key = next((s for s in reversed(path) if isinstance(s, str)), "this")
    if kind == "value_error":
        return _own_words(str(ctx["error"]))
    if kind in ("enum", "literal_error"):
        words = re.findall(r"'([^']*)'", ctx["expected"])
        return f"{shown(value)} is not a word for {key}{did_you_mean(str(value), words)}", "Write " + _one_of(words) + "."
    if kind == "string_pattern_mismatch":
        advice = next((text for start, text in _PATTERNS.items() if start in ctx["pattern"]), "See docs/yaml.md.")
        return f"{shown(value)} cannot stand for {key}", advice
    if kind in _BOUNDS:
        word, name, limit = _BOUNDS[kind]
        return f"{shown(value)} is too {word} for {key}", f"Write a number of {limit} {ctx[name]}."
    return _wrong_length(kind, ctx, key) or _wrong_type(kind, key, value)


def _own_words(sentence: str) -> tuple[str, str]:
    """The domain writes `what is wrong; what to do`."""
    message, _, advice = sentence.partition("; ")
    return message, f"{advice[:1].upper()}{advice[1:]}." if advice else "See docs/yaml.md for examples."


def _wrong_length(kind: str, ctx: Mapping[str, Any], key: str) -> tuple[str, str] | None:
    if kind in ("string_too_short", "too_short"):
        return f"{key} is empty", f"Write at least {ctx['min_length']}" + (" character." if kind.startswith("string") else " of them.")
    if kind in ("string_too_long", "too_long"):
        return f"{key} is too long", f"Keep it to at most {ctx['max_length']}."
    return None


def _wrong_type(kind: str, key: str, value: Any) -> tuple[str, str]:
    shape = _SHAPES.get(kind.partition("_")[0], "another kind of value")
    if value is None:
        return f"{key} is empty", f"Write {shape}, or leave the line out."
    quotes = ', such as "5" in quotes' if shape == "a text" and isinstance(value, int | float | bool) else ""
    return f"{key} is {_what(value)}, but it must be {shape}", f"Write {shape}{quotes}."


def _one_of(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]


def _what(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    names = {str: "a text", int: "a number", float: "a number", list: "a list", dict: "a mapping"}
    return names.get(type(value), "empty")


def shown(value: Any) -> str:
    """A value as it may be quoted in a sentence: short."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        return "this mapping" if isinstance(value, dict) else "this list"
    text = str(value).replace("\n", " ")
    return f'"{text[:60]}..."' if len(text) > 60 else f'"{text}"'

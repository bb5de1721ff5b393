"""What the models cannot say by themselves: faults that hide behind other faults, broken templates, dates and schedules that never come."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from cronsim import CronSim, CronSimError
from pydantic import BaseModel

from nurture.definitions.faults import Fault, FormRule, Path, Tree, walk
from nurture.definitions.merging import OF_FEEDS, check_text

_PYTHON_KEYS = {"from_": "from", "not_": "not", "is_": "is", "in_": "in", "if_": "if", "drawn": "letters"}
_LETTER_LISTS = ("letters", "offers")
_LETTER_KEYS = ("letter", "repermission", "closing", "result")
_TEXTS = ("subject", "preheader", "body", "call_to_action")
_EVERY_YEAR = 2024  # a leap year, so that 02-29 is a day


def check_form(data: dict[str, Any], model: type[BaseModel], tree: Tree, file: str) -> list[Fault]:
    """Faults that pydantic leaves unsaid while another fault stands in the same mapping."""
    faults: list[Fault] = []

    def say(path: Path, rule: FormRule, message: str, advice: str) -> None:
        place = tree.at(path)
        faults.append(Fault(file, place.key_line, place.key_column, rule, "error", message, advice))

    for path, value in walk(data):
        key = path[-1] if path else None
        if key in _PYTHON_KEYS and path[:1] != ("topics",):
            say(path, "unknown-key", f'the key "{key}" is not known here', f'Write "{_PYTHON_KEYS[str(key)]}".')
        if key in _LETTER_LISTS and len(path) == 1 and isinstance(value, list):
            _check_ids(path, value, say)
    own = next(iter(model.model_fields.values())).alias
    plain = "id" if own == "letter" else "name"
    if own in data and plain in data:
        say((plain,), "unknown-key", f'the name stands twice: as "{own}" and as "{plain}"', f'Leave "{plain}" out.')
    for path, letter in letters_in(data):
        if isinstance(letter, dict) and not tree.incomplete and not (letter.get("body") or letter.get("template")):
            say(
                path,
                "value",
                "a letter needs `body` (Markdown) or `template` (letters/<folder>), and not both",
                "Add the lines `body: |` and the text, indented.",
            )
    return faults


def _check_ids(path: Path, letters: list[Any], say: Callable[[Path, FormRule, str, str], None]) -> None:
    seen: set[str] = set()
    for index, letter in enumerate(letters):
        letter_id = letter.get("id") if isinstance(letter, dict) else None
        if isinstance(letter_id, str) and letter_id in seen:
            say(
                (*path, index, "id"),
                "duplicate-id",
                f'the letter id "{letter_id}" stands twice',
                "Give each letter its own id, and keep it for ever.",
            )
        if isinstance(letter_id, str):
            seen.add(letter_id)


def letters_in(data: dict[str, Any]) -> list[tuple[Path, Any]]:
    """Every letter of a document as plain data, with its path."""
    found: list[tuple[Path, Any]] = []
    for key in _LETTER_LISTS:
        if isinstance(data.get(key), list):
            found += [((key, index), letter) for index, letter in enumerate(data[key])]
    found += [((key,), data[key]) for key in _LETTER_KEYS if isinstance(data.get(key), dict)]
    bands = data.get("bands") if isinstance(data.get("bands"), list) else []
    found += [(("bands", n, "letter"), b["letter"]) for n, b in enumerate(bands or []) if isinstance(b, dict) and "letter" in b]
    if isinstance(data.get("letter"), str):
        found.append(((), data))
    return found


def check_document(data: dict[str, Any], tree: Tree, file: str) -> list[Fault]:
    """Templates in subject, preheader and body; days and schedules that can never come."""
    faults: list[Fault] = []
    more = OF_FEEDS if "feed" in data else frozenset()
    for path, letter in [*letters_in(data), *_variants_in(data)]:
        if not isinstance(letter, dict):
            continue
        for key in _TEXTS:
            text = letter.get(key)
            if isinstance(text, str):
                faults += _text_faults(text, (*path, key), tree, file, more)
        faults += _day(letter.get("day"), (*path, "day"), tree, file)
    if isinstance(data.get("schedule"), dict):
        faults += _schedule(data["schedule"], tree, file)
    return faults


def _variants_in(data: dict[str, Any]) -> list[tuple[Path, Any]]:
    """What each variant says of its own: a part of a letter, which needs no `body`."""
    variants = data.get("variants")
    return [(("variants", index), variant) for index, variant in enumerate(variants)] if isinstance(variants, list) else []


def _text_faults(text: str, path: Path, tree: Tree, file: str, more: frozenset[str]) -> list[Fault]:
    place = tree.at(path)
    faults = []
    for remark in check_text(text, more):
        line, column = place.inside(remark.line, remark.column)
        faults.append(Fault(file, line, column, remark.rule, remark.level, remark.message, remark.advice))
    return faults


def _day(day: object, path: Path, tree: Tree, file: str) -> list[Fault]:
    if not isinstance(day, str) or len(day) != 5 or day[2] != "-":
        return []
    try:
        date(_EVERY_YEAR, int(day[:2]), int(day[3:]))
    except ValueError:
        place = tree.at(path)
        message = f'"{day}" is no day of any year, so this letter would never leave'
        return [Fault(file, place.line, place.column, "never-opens", "error", message, "Write month and day: 12-31.")]
    return []


def _schedule(schedule: dict[str, Any], tree: Tree, file: str) -> list[Fault]:
    if isinstance(schedule.get("at"), str) and len(schedule["at"]) == 16:  # another form is the model's to refuse
        place = tree.at(("schedule", "at"))
        try:
            datetime.strptime(schedule["at"], "%Y-%m-%d %H:%M")  # noqa: DTZ007 - a wall-clock moment, its zone is the reader's
        except ValueError:
            message = f'"{schedule["at"]}" is no moment of the calendar'
            return [Fault(file, place.line, place.column, "never-opens", "error", message, 'Write date and hour: "2026-03-10 10:00".')]
    if isinstance(schedule.get("cron"), str) and schedule["cron"].count(" ") == 4:
        place = tree.at(("schedule", "cron"))
        try:
            next(CronSim(schedule["cron"], datetime(_EVERY_YEAR, 1, 1)))  # noqa: DTZ001 - only whether it comes at all
        except (CronSimError, StopIteration):
            message = f'"{schedule["cron"]}" never comes'
            return [
                Fault(
                    file,
                    place.line,
                    place.column,
                    "never-opens",
                    "error",
                    message,
                    'Write minute, hour, day, month, weekday: "0 10 * * 2".',
                )
            ]
    return []

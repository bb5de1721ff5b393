"""What changed between two versions of a document, in a marketer's words."""

import json
from typing import Any

from nurture.domain.documents import AnyDocument, letters_of
from nurture.domain.letters import Letter

_LETTER_KEYS = frozenset({"letters", "offers", "letter", "repermission", "closing"})


def compare(old: AnyDocument, new: AnyDocument) -> list[str]:
    """Sentences, one for each change; empty when nothing changed. Both documents are of one type and name."""
    before, after = _plain(old), _plain(new)
    own = list(type(new).model_fields.values())[0].alias  # noqa: RUF015 - the first key is the name
    single = own == "letter"  # a library letter is one letter itself
    changed = [] if single else _values(before, after, _LETTER_KEYS)
    if single:
        return _values(before, after, frozenset())
    return changed + _letters(letters_of(old), letters_of(new))


def _plain(value: Any) -> dict[str, Any]:
    plain: dict[str, Any] = value.model_dump(mode="json", by_alias=True, exclude_none=True)
    return plain


def _values(before: dict[str, Any], after: dict[str, Any], without: frozenset[str]) -> list[str]:
    said = []
    for key in dict.fromkeys([*before, *after]):
        old, new = before.get(key), after.get(key)
        if key in without or old == new:
            continue
        if key == "body":
            said.append(_body(str(old or ""), str(new or "")))
        elif key not in after:
            said.append(f"{key} {_shown(old)} taken out")
        elif key not in before:
            said.append(f"{key} {_shown(new)} added")
        else:
            said.append(f"{key}: {_shown(old)} -> {_shown(new)}")
    return said


def _body(old: str, new: str) -> str:
    gone, come = set(old.splitlines()) - set(new.splitlines()), set(new.splitlines()) - set(old.splitlines())
    return f"the text changed ({len(come)} new line{'s' if len(come) != 1 else ''}, {len(gone)} gone)"


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f'"{text[:60]}..."' if len(text) > 60 else f'"{text}"' if isinstance(value, str) and " " in text else text or "empty"


def _letters(old: tuple[Letter, ...], new: tuple[Letter, ...]) -> list[str]:
    before, after = {x.id: x for x in old}, {x.id: x for x in new}
    said = [f"letter {i} taken out" for i in before if i not in after]
    for index, letter in enumerate(new):
        if letter.id not in before:
            place = f"after {new[index - 1].id}" if index else "at the beginning"
            said.append(f"letter {letter.id} ({letter.kind.value}, {letter.size.value}) added {place}")
        else:
            said += [f"letter {letter.id}: {change}" for change in _values(_plain(before[letter.id]), _plain(letter), frozenset())]
    if [i for i in before if i in after] != [i for i in after if i in before]:
        said.append("the letters stand in another order: " + ", ".join(after))
    return said

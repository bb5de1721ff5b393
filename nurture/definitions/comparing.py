"""What changed between two versions of a document, in a marketer's words."""

import json
from datetime import date
from typing import Any

from nurture.domain.documents import AnyDocument, Campaign, Sequence, letters_of
from nurture.domain.edits import AddedLetter, Edit
from nurture.domain.letters import Letter

_LETTER_KEYS = frozenset({"letters", "offers", "letter", "repermission", "closing", "result"})


def compare(old: AnyDocument, new: AnyDocument) -> list[str]:
    """Sentences, one for each change; empty when nothing changed. Both documents are of one type and name."""
    before, after = _plain(old), _plain(new)
    own = list(type(new).model_fields.values())[0].alias  # noqa: RUF015 - the first key is the name
    single = own == "letter"  # a library letter is one letter itself
    apart = _LETTER_KEYS - {"letters"} if isinstance(new, Campaign) else _LETTER_KEYS  # there it says where they come from
    changed = [] if single else _values(before, after, apart)
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


def compare_occasions(old: Campaign, new: Campaign, people: int, opened: date | None) -> list[str]:
    """What the edit does to `people` who are in an occasion that has opened, the newest of `opened`; a sentence each."""
    if not people or opened is None:
        return ["nobody is in an occasion of it now"]
    said = [f"{people} are in the occasion of {opened:%a %d %b %Y} and stay in it"]
    if old.schedule != new.schedule:
        said.append("they keep the hour it opened with; the new schedule holds from the next occasion on")
    if old.segment != new.segment:
        said.append("the new segment is asked when the next occasion opens")
    if old.frozen or new.frozen:
        said.append("they keep the letter that it drew")
    elif (old.letter, old.variants) != (new.letter, new.variants):
        said.append("whoever of them has not had the letter gets the new words")
    if (old.windows, old.topic, old.until) != (new.windows, new.topic, new.until):
        said.append("whoever of them has not had the letter is planned anew")
    return said


def compare_courses(edit: Edit, new: Sequence) -> list[str]:
    """What the edit does to people under way, a sentence each; only the first where nobody is."""
    about = "about " if edit.looked_at < edit.people else ""
    said = [_rule(edit)]
    if edit.people and new.state == "draft":
        said.append("they get nothing while it is a draft; what follows counts from the day it is live again")
    said += [_added(letter, about) for letter in edit.added]
    for gone in edit.removed:
        still = f"letter {gone.id} taken out: {about}{gone.still_get} under way have not had it and still get it, in its last words"
        lost = f"letter {gone.id} taken out: {about}{gone.lose} under way have not had it and will not get it"
        said.append(still if edit.rule == "pin" else lost)
    if not edit.people:
        return said
    counts = (
        (edit.retimed, f"are re-timed: {edit.sooner} get their next letter sooner, {edit.later} later"),
        (edit.another_next, "get another letter next"),
        (edit.finish, "finish at once, as nothing is left for them"),
    )
    said += [f"{about}{number} {words}" for number, words in counts if number]
    if edit.taken_back:
        said.append(f"{about}{edit.taken_back} letters that were written already are taken back")
    if not any((edit.retimed, edit.another_next, edit.finish, edit.taken_back)):
        said.append("nobody under way gets their next letter at another time")
    if about:
        said.append(f"reckoned up from {edit.looked_at} of the {edit.people} people under way")
    return said


def _rule(edit: Edit) -> str:
    pinned = f" ({edit.pinned_before} of them are on older versions)" if edit.pinned_before else ""
    if not edit.people:
        return f"on_edit: {edit.rule} - nobody is under way"
    if edit.rule == "pin":
        return f"on_edit: pin - {edit.people} under way finish the version they are on{pinned}; newcomers get the new one"
    return f"on_edit: migrate - {edit.people} under way go on in the new version{pinned}"


def _added(letter: AddedLetter, about: str) -> str:
    parts = []
    if letter.get:
        late = f" ({about}{letter.out_of_order} of them after a letter that stands behind it)" if letter.out_of_order else ""
        parts.append(f"{about}{letter.get} under way will get it{late}")
    if letter.without:
        parts.append(f"{about}{letter.without} under way will not see it")
    if letter.unwanted:
        parts.append(f"{about}{letter.unwanted} under way declined it, or its condition or date does not hold for them now")
    if letter.finished:
        parts.append(f"{letter.finished} have finished and will not see it")
    return f"letter {letter.id}, step {letter.step}: " + ("; ".join(parts) or "nobody under way is concerned")

"""Documents for a crowd: sequences and campaigns of short letters that lint has nothing to say against but brevity."""

from collections.abc import Sequence
from typing import Any

from nurture.definitions.loading import Placed, load_text


def letter(name: str, kind: str, size: str = "short", **more: Any) -> str:
    """One line of YAML; every letter has one link."""
    keys = {"id": name, "kind": kind, "size": size} | more
    rest = "".join(f"{k}: {v}, " for k, v in keys.items())
    subject = "{{ first_name | default('Hello') }}, a word"
    return f'{{{rest}subject: "{subject}", call_to_action: "https://example.com/{name}", body: "Hello, see [it](https://example.com/{name})."}}'


def sequence(name: str, kinds: Sequence[str], **more: Any) -> str:
    """Letters of these kinds in order (`long` is a long useful one); `more` are keys of the document."""
    told = [letter(f"{k}-{n}", "useful" if k == "long" else k, "long" if k == "long" else "short") for n, k in enumerate(kinds)]
    head = "".join(f"{k}: {v}\n" for k, v in more.items())
    return f"sequence: {name}\n{head}letters:\n" + "".join(f"  - {x}\n" for x in told)


def campaign(name: str, schedule: str, kind: str, segment: str = "everybody", **more: Any) -> str:
    head = "".join(f"{k}: {v}\n" for k, v in more.items())
    return f"campaign: {name}\nsegment: {segment}\nschedule: {schedule}\n{head}letter: {letter('one', kind)}\n"


def documents(*texts: str) -> Sequence[Placed]:
    loaded = load_text("\n---\n".join(texts))
    assert not loaded.errors, [f.message for f in loaded.faults]
    return loaded.documents

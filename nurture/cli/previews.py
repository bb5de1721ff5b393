"""`nurture classify --preview POLICY` in words: a small matrix, the composition before and after, the first people of each move."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nurture.domain.documents import Policy
    from nurture.domain.previews import Preview

NAMED = 20


def read_policy(file: Path) -> "Policy":
    """The policy of a file: a policy document, or only its `engagement:` part. Raises NurtureError with the first fault and its line."""
    from nurture.definitions.faults import Refused  # noqa: PLC0415 - heavy imports only where they are used
    from nurture.definitions.loading import load_text  # noqa: PLC0415
    from nurture.domain.documents import Policy  # noqa: PLC0415
    from nurture.domain.errors import ErrorKind, NurtureError  # noqa: PLC0415

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NurtureError(f"{file} cannot be read as UTF-8 text; name a YAML file with a policy document.", ErrorKind.MISSING) from error
    loaded = load_text(text, str(file), "policy")
    if loaded.errors:
        raise Refused(loaded.errors)
    policies = [placed.document for placed in loaded.documents if isinstance(placed.document, Policy)]
    if len(policies) != 1:
        raise NurtureError(f"{file} holds {len(policies)} documents; leave one policy in it.")
    return policies[0]


def lines(preview: "Preview", name: str) -> Iterator[str]:
    """The preview as text, a line each."""
    from nurture.domain.shares import benchmark, verdict  # noqa: PLC0415
    from nurture.domain.words import Engagement  # noqa: PLC0415

    people, moving = sum(preview.now.values()), sum(preview.counts.values())
    if not moving:
        yield f"Under {name} all of {people:,} people stay where they are, or go where they go anyway."
        return
    yield f"Under {name} {moving:,} of {people:,} people would stand in another class. Nothing was changed."
    yield ""
    yield f"  {'from / to':14}" + "".join(f"{e.value:>14}" for e in Engagement)
    for old in Engagement:
        if any(preview.counts[old, new] for new in Engagement):
            cells = (f"{preview.counts[old, new]:,}" if preview.counts[old, new] else "·" for new in Engagement)
            yield f"  {old.value:14}" + "".join(f"{cell:>14}" for cell in cells)
    yield ""
    then = preview.then
    yield f"  {'':14}{'now':>18}{'then':>18}{'usual':>10}"
    for before, after in zip(benchmark(preview.now), benchmark(then), strict=True):
        counts = "".join(f"{f'{line.people:,} ({line.share:.1%})':>18}" for line in (before, after))
        yield f"  {before.engagement.value:14}{counts}{before.usual:>10.0%}"
    for beside in (Engagement.NEW, Engagement.UNOBSERVABLE):
        yield f"  {beside.value:14}{preview.now[beside]:>18,}{then[beside]:>18,}"
    yield f"  Then: {verdict(benchmark(then))}"
    for (old, new), number in sorted(preview.counts.items()):
        yield ""
        yield f"{old.value} to {new.value}: {number:,}"
        named = [s for s in preview.shifts if (s.old, s.new) == (old, new)][:NAMED]
        yield from (f"  {s.email:34} {s.reason}" for s in named)
        if number > len(named):
            yield f"  and {number - len(named):,} more; --json names all"
    yield ""
    yield "Rises come at once; a fall takes two weekly runs at least six days apart."

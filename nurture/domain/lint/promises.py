"""What a sequence promises, and whether its letters can keep it: contradictions, offers that nothing earns, gifts without an offer.

Source: "inhale, exhale: three letters with something useful, the fourth with a concrete offer that leans on them."
"""

from collections.abc import Iterator
from collections.abc import Sequence as Letters

from nurture.domain.documents import Campaign, Policy, Sequence
from nurture.domain.letters import Letter
from nurture.domain.lint.findings import Finding, Known, Path, warn, wrong
from nurture.domain.mix import OUTSIDE, promises_on
from nurture.domain.mixes import NoPromise, Promise, Ratio, Thirds
from nurture.domain.words import Kind


def lint_promises(sequence: Sequence, policy: Policy, known: Known) -> list[Finding]:
    """Findings about the mix of one sequence."""
    return [
        *contradictions(sequence.mix or (), ("mix",)),
        *_against_workspace(sequence, policy),
        *_earned(sequence, policy, known),
        *_inhale(sequence),
    ]


def contradictions(mix: Letters[Promise], path: Path) -> Iterator[Finding]:
    """Promises of one mix that exclude or swallow each other."""
    thirds = [p for p in mix if isinstance(p, Thirds)]
    ratios = [p for p in mix if isinstance(p, Ratio)]
    if len({frozenset(frozenset(g) for g in t.groups) for t in thirds}) > 1:
        message = "two different thirds exclude each other: both would choose the next letter"
        yield wrong(path, "contradicting-promises", message, "Keep one of them.")
    if len(ratios) > 1:
        strictest = max(ratios, key=lambda r: r.useful)
        yield warn(path, "redundant-promise", f"{strictest} already keeps the other ratio", f"Write `mix: {strictest}` alone.")
    strict = max((r.useful for r in ratios), default=0)
    if strict > 2 and any(sells_by_thirds(t) for t in thirds):
        message = f"thirds wants every third letter to sell, {strict}:1 allows every {strict + 1}th at most"
        yield warn(path, "contradicting-promises", message, "The stricter holds, so the thirds will not come out; keep one of them.")


def sells_by_thirds(promise: Promise) -> bool:
    return isinstance(promise, Thirds) and any(Kind.SALES in group for group in promise.groups)


def _against_workspace(sequence: Sequence, policy: Policy) -> Iterator[Finding]:
    """`none` counts only where the workspace says none too."""
    says_none = any(isinstance(p, NoPromise) for p in sequence.mix or ())
    workspace = [p for p in policy.mix if not isinstance(p, NoPromise)]
    if says_none and workspace and any(x.kind is Kind.SALES for x in sequence.letters):
        shown = ", ".join(map(str, workspace))
        message = f"`mix: none` promises nothing, so the workspace's {shown} holds for its offers"
        advice = f"Write `mix: {workspace[0]}` and mean it, or write `mix: none` in the policy too."
        yield warn(("mix",), "contradicting-promises", message, advice)


def lacking(letters: Letters[Letter], promises: Letters[Promise]) -> tuple[int, list[Letter], str] | None:
    """(how many more useful letters all offers need, the offers that these letters do not earn, the promise they break); None: all earned.

    Later useful letters pass a held offer, so what counts is the whole, not the place.
    """
    counted = [x for x in letters if x.kind not in OUTSIDE]
    useful = sum(x.kind is Kind.USEFUL for x in counted)
    sales = [x for x in counted if x.kind is Kind.SALES]
    others = len(counted) - len(sales)
    worst: tuple[int, list[Letter], str] | None = None
    for promise in promises:
        each, given = (promise.useful, useful) if isinstance(promise, Ratio) else (2, others)
        unearned = [x for number, x in enumerate(sales, start=1) if number * each > given]
        short = len(sales) * each - given
        if unearned and (worst is None or short > worst[0]):
            worst = short, unearned, "thirds" if isinstance(promise, Thirds) else str(promise)
    return worst


def _earned(sequence: Sequence, policy: Policy, known: Known) -> Iterator[Finding]:
    """Offers that the sequence's own letters never pay for; what the library can bring is no fault."""
    found = lacking(sequence.letters, promises_on([sequence.promises], policy.mix))
    if found is None:
        return
    short, unearned, promise = found
    if not sequence.promises:
        promise = f"the workspace's {promise}"
    path = ("letters", sequence.letters.index(unearned[0]))
    names = ", ".join(x.id for x in unearned)
    offers = f"the offer {names} is" if len(unearned) == 1 else f"the offers {names} are"
    more = f"{short} more useful letter" + ("" if short == 1 else "s")
    if sequence.repay == "wait":
        message = f"{offers} never reached: {promise} wants {more} than the sequence has"
        yield warn(path, "unearned-sales", message, f"Add {more}, or write `repay: library` and fill the library.")
    elif known.library is None:
        message = f"{offers} not earned here: {promise} wants {more}"
        yield warn(path, "unearned-sales", message, f"Add {more}; otherwise the library has to give them before this offer leaves.")
    elif (held := len(_shelf(sequence.name, known))) < short:
        message = f"{offers} never reached: {promise} wants {more}, and the library holds {held}"
        yield warn(path, "dry-library", message, f"Add {short - held} to the library (`letter: ...`, `kind: useful`), or to this sequence.")


def _shelf(sequence: str, known: Known) -> list[str]:
    """What the library has beside the evergreen letters of this sequence, which are counted already."""
    return [name for name in known.library or () if not name.startswith(f"{sequence}/")]


def lint_repayment(campaign: Campaign, policy: Policy, known: Known) -> Iterator[Finding]:
    """A campaign that counts on a library which is empty."""
    promised = [p for p in policy.mix if not isinstance(p, NoPromise)]
    if campaign.kind is Kind.SALES and campaign.repay == "library" and promised and known.library is not None and not known.library:
        message = "`repay: library`, and the library holds no useful letter"
        yield warn(("repay",), "dry-library", message, "Fill it (`letter: ...`, `kind: useful`), or write `repay: wait`.")


def _inhale(sequence: Sequence) -> Iterator[Finding]:
    ratio = next((p for p in sequence.promises if isinstance(p, Ratio)), None)
    useful = [x for x in sequence.letters if x.kind is Kind.USEFUL]
    if ratio and len(useful) >= ratio.useful and not any(x.kind is Kind.SALES for x in sequence.letters):
        message = f"you only inhale: {len(useful)} useful letters and no offer, though {ratio} makes one due after {ratio.useful}"
        yield warn(("letters",), "only-inhaling", message, "Add a sales letter that leans on what was given, or leave `mix` out.")

"""DMARC (RFC 9989, which replaces RFC 7489): the record that holds for a sender, found by walking up the name, and what aligns with it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nurture.domain.dns.questions import Inquiry, Question, Unanswered, ask, read_tags
from nurture.domain.findings import Finding

WALK = 8  # 4.10: a longer name is shortened, so that no walk asks more often
_VERSION = re.compile(r"v\s*=\s*DMARC1\s*(;|$)")
_POLICIES = ("none", "quarantine", "reject")
_GONE = ("pct", "rf", "ri")  # appendix C
_URI = re.compile(r"[a-z][a-z0-9+.-]*:\S+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DmarcRecord:
    """The one valid record of `domain`."""

    domain: str
    tags: dict[str, str]

    @property
    def reports(self) -> bool:
        return any(_URI.fullmatch(uri.strip()) for uri in self.tags.get("rua", "").split(","))

    def policy(self, author: str) -> str | None:
        """What is asked for letters of `author` (4.10.1): none where the record is faulty but wants reports, None where it is void."""
        faulty = any(self.tags.get(tag, default).lower() not in _POLICIES for tag, default in (("p", ""), ("sp", "none"), ("np", "none")))
        if faulty:
            return "none" if self.reports else None
        below = self.tags.get("sp") if author != self.domain else None
        return (below or self.tags["p"]).lower()


@dataclass(frozen=True, slots=True)
class Walked:
    """All records above and at `start`, the longest name first. `several`: names whose records cancel each other out."""

    start: str
    records: tuple[DmarcRecord, ...]
    several: tuple[str, ...] = ()

    @property
    def organisation(self) -> str:
        """The organisational domain (4.10.2)."""
        for record in self.records:
            if record.tags.get("psd", "").lower() == "n":
                return record.domain
            if record.tags.get("psd", "").lower() == "y" and record.domain != self.start:
                return ".".join(self.start.split(".")[-record.domain.count(".") - 2 :])
        return self.records[-1].domain if self.records else self.start

    @property
    def policy(self) -> DmarcRecord | None:
        """The record that holds: the author's, else the organisation's, else the public suffix's (4.10.1)."""
        by_name = {record.domain: record for record in self.records}
        suffix = self.records[-1] if self.records and self.records[-1].tags.get("psd", "").lower() == "y" else None
        return by_name.get(self.start) or by_name.get(self.organisation) or suffix


def names_to_ask(domain: str) -> list[str]:
    """The domain, then its parents up to the top; from eight labels on, the second name has seven (4.10)."""
    labels = domain.split(".")
    rest = labels[1:] if len(labels) < WALK else labels[-WALK + 1 :]
    return [domain, *(".".join(rest[start:]) for start in range(len(rest)))]


def walk(domain: str) -> Inquiry[Walked]:
    """The walk of 4.10. Raises Unanswered."""
    found: list[DmarcRecord] = []
    several: list[str] = []
    for name in names_to_ask(domain):
        texts = [text for text in (yield from ask(Question(f"_dmarc.{name}", "TXT"))).values if _VERSION.match(text)]
        tags = read_tags(texts[0]) if len(texts) == 1 else None
        several += [name] if len(texts) > 1 else []
        if tags is None:
            continue
        found.append(DmarcRecord(name, tags))
        if tags.get("psd", "").lower() in ("y", "n"):
            break
    return Walked(domain, tuple(found), tuple(several))


def examine_dmarc(author: str, signing: Sequence[str], mail_from: str) -> Inquiry[list[Finding]]:
    """The record for letters From `author`, and whether the domains that sign (`d=`) and the one in MAIL FROM align with it."""
    try:
        walked = yield from walk(author)
        record = _record(walked)
        if walked.policy is None or walked.policy.policy(author) is None:
            return [record]
        dkim = yield from _aligned(walked, signing, walked.policy.tags.get("adkim", "r").lower())
        spf = yield from _aligned(walked, [mail_from], walked.policy.tags.get("aspf", "r").lower())
    except Unanswered as silence:
        return [Finding("DMARC", "fail", str(silence))]
    if signing and not dkim:
        rule = f"the DMARC record of {walked.policy.domain}"
        words = f"The signature of {signing[0]} does not align with {author} under {rule}; sign with a key of {author}."
        return [record, Finding("DMARC alignment", "fail", words)]
    which = " and ".join(word for word, holds in (("DKIM", dkim), ("SPF", spf)) if holds)
    if dkim or spf:
        level, words = ("ok", "") if dkim else ("warn", "; only a signature survives forwarding, make a key with `nurture dkim new`")
        return [record, Finding("DMARC alignment", "ok" if level == "ok" else "warn", f"Letters From {author} align by {which}{words}.")]
    return [record, Finding("DMARC alignment", "fail", f"Nothing aligns with {author}: sign with a key of it, or send from it.")]


def _record(walked: Walked) -> Finding:
    """The first thing that is wrong with the record that holds, or that it is well."""
    author, record = walked.start, walked.policy
    if author in walked.several:
        return Finding("DMARC", "fail", f"_dmarc.{author} has several DMARC records, and receivers take none; leave one.")
    if record is None:
        publish = f'publish TXT "v=DMARC1; p=none; rua=mailto:you@{author}" to begin with'
        return Finding("DMARC", "fail", f"No DMARC record stands at _dmarc.{author} or above it; {publish}.")
    where, policy = f"_dmarc.{record.domain}", record.policy(author)
    if policy is None:
        words = f"{where} has no valid p= (none, quarantine, reject), so it counts for nothing; write p=none to begin with."
        return Finding("DMARC", "fail", words)
    if doubt := next(_doubts(record, policy), ""):
        return Finding("DMARC", "warn", f"{where} {doubt}.")
    return Finding("DMARC", "ok", f"{where} asks for {policy}.")


def _doubts(record: DmarcRecord, policy: str) -> Iterator[str]:
    if record.tags.get("p", "").lower() not in _POLICIES:
        yield "has no valid p=, so receivers take p=none, and older ones nothing; write p=none"
    if gone := [tag for tag in _GONE if tag in record.tags]:
        instead = "; to try a policy out, write t=y" if "pct" in gone else ""
        yield f"has {', '.join(gone)}, which RFC 9989 took out; delete it{instead}"
    if record.tags.get("t", "n").lower() == "y":
        yield f"says t=y, so receivers act one step milder than p={policy}; take it out when you are sure"
    if not record.reports:
        yield "wants no reports; add rua=mailto:... to hear who sends in your name"


def _aligned(author: Walked, domains: Sequence[str], mode: str) -> Inquiry[bool]:
    """Whether one of `domains` aligns with the author: the same name when strict, the same organisation when relaxed (5.1)."""
    for domain in domains:
        if domain == author.start:
            return True
        if mode != "s" and (yield from walk(domain)).organisation == author.organisation:
            return True
    return False

"""The record of a DKIM key (RFC 6376 3.6.1, RFC 8463): what to publish, and whether what is published is it."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from nurture.domain.dns.questions import Inquiry, Question, Unanswered, ask, read_tags
from nurture.domain.findings import Finding

STRING = 255  # RFC 1035 3.3: a character-string has one byte for its length
WISE_BITS = 2048
_PUBLISH = "publish the record that `nurture dkim show` prints"


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """The public half: DER for RSA, the bare 32 bytes for Ed25519."""

    domain: str
    selector: str
    kind: Literal["rsa", "ed25519"]
    public: bytes
    bits: int

    @property
    def name(self) -> str:
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def text(self) -> str:
        return f"v=DKIM1; k={self.kind}; p={base64.b64encode(self.public).decode()}"

    @property
    def strings(self) -> list[str]:
        """The text in pieces that a TXT record holds; receivers join them with nothing between."""
        return [self.text[start : start + STRING] for start in range(0, len(self.text), STRING)]

    @property
    def zone_line(self) -> str:
        """As it stands in a zone file."""
        return self.name + ". IN TXT ( " + " ".join(f'"{piece}"' for piece in self.strings) + " )"


def examine_key(key: PublishedKey, *, signs: bool) -> Inquiry[Finding]:
    """Whether receivers find this key. One that does not sign yet may wait for its record; one that signs may not."""
    check = f"DKIM {key.selector}"
    try:
        records = (yield from ask(Question(key.name, "TXT"))).values
    except Unanswered as silence:
        return Finding(check, "fail" if signs else "warn", str(silence))
    if not records:
        told = "Letters are signed with a key that nobody can look up" if signs else "This key does not sign yet and is not published"
        return Finding(check, "fail" if signs else "warn", f"{told}: publish the TXT record {key.name} that `nurture dkim show` prints.")
    fault = next(_faults(records, key), "")
    if fault:
        return Finding(check, "fail" if signs else "warn", f"At {key.name} {fault}.")
    if key.bits < WISE_BITS and key.kind == "rsa":
        return Finding(check, "warn", f"The key {key.selector} has {key.bits} bits; make one of {WISE_BITS} with `nurture dkim new`.")
    tags = read_tags(records[0]) or {}
    if "y" in tags.get("t", "").split(":"):
        return Finding(check, "warn", f"{key.name} says t=y, it is only tried out; take that out so that receivers count it.")
    return Finding(check, "ok", f"{key.name} holds the {key.kind} key that {'signs' if signs else 'waits for `nurture dkim use`'}.")


def _faults(records: Sequence[str], key: PublishedKey) -> Iterator[str]:
    """What keeps a receiver from verifying with these records; nothing where the record is ours and usable."""
    if len(records) > 1:
        yield "several TXT records stand, and receivers take none; leave one"
    tags = read_tags(records[0])
    if tags is None or tags.get("v", "DKIM1") != "DKIM1" or "p" not in tags:
        yield f"stands no DKIM key record; {_PUBLISH}"
        return
    if "v" in tags and not records[0].strip().startswith("v"):
        yield "the record does not begin with v=DKIM1; put that first"
    if not tags["p"]:
        yield "p= is empty, so this key is revoked; take another selector with `nurture dkim new`"
    if tags.get("k", "rsa") != key.kind:
        yield f"k={tags.get('k', 'rsa')} is published, but the key is {key.kind}; {_PUBLISH}"
    if "sha256" not in tags.get("h", "sha256").split(":") or not {"*", "email"} & set(tags.get("s", "*").split(":")):
        yield "h= or s= shuts out mail signed with sha256; take them out"
    try:
        public = base64.b64decode("".join(tags["p"].split()), validate=True)
    except ValueError:
        yield f"p= is not base64, perhaps cut when it was pasted; {_PUBLISH}, in pieces as printed"
    else:
        if public != key.public:
            yield f"another key is published than the one here; {_PUBLISH}, or sign with the key that fits"

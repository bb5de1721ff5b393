"""What an address tells: who may be one person under two spellings, and which domain was meant by a typing error. Proposals, never acts."""

from collections.abc import Iterable, Iterator, Mapping

# What people type for the big mail services; kept short: every line is a domain that serves nobody's mail, or a squatter's.
TYPED: Mapping[str, str] = {
    wrong: right
    for right, wrongs in {
        "gmail.com": "gmial.com gamil.com gmai.com gmal.com gmil.com gnail.com gmail.co gmail.con gmail.cm gmaill.com gmail.om gmali.com",
        "googlemail.com": "googelmail.com googlemail.con",
        "hotmail.com": "hotmial.com hotmal.com hotmil.com hotamil.com hotmai.com hotmail.con hotmail.co hotmaill.com",
        "yahoo.com": "yaho.com yahooo.com yhoo.com yahoo.con yahoo.co yhaoo.com",
        "outlook.com": "outlok.com outloo.com outlook.con outllok.com",
        "icloud.com": "iclud.com icoud.com icloud.con icloud.co",
        "web.de": "wbe.de web.d", "gmx.de": "gmx.d gxm.de gmc.de", "gmx.net": "gmx.ne gxm.net", "t-online.de": "t-onlin.de tonline.de",
        "wp.pl": "wp.l", "onet.pl": "oner.pl onet.l", "interia.pl": "interria.pl",
        "mail.ru": "mial.ru mail.r meil.ru", "yandex.ru": "yndex.ru yandx.ru yandex.r yadnex.ru", "rambler.ru": "ramler.ru",
    }.items()
    for wrong in wrongs.split()
}  # fmt: skip
# One letter away from a big one, and somebody's own.
GENUINE = frozenset([
    "ymail.com", "email.com", "mail.com", "fastmail.com", "gmx.com", "gmx.at", "gmx.ch", "aol.com", "aol.de", "hotmail.de", "inbox.ru",
])  # fmt: skip
_COMMON_ENDS = ("com", "net", "org")
FREQUENT = 20  # people that make a domain one that others may have meant
TIMES = 20  # and so many times as many as have the rare one
_SHORTEST = 5  # letters of a name: two short ones are easily one letter apart by right
SCHEME = 5  # more people than this under one key are a scheme of addresses (events+17@...), no single person


def domain_of(email: str) -> str:
    return email.rpartition("@")[2]


def meant(domains: Mapping[str, int]) -> dict[str, str]:
    """Mistyped domain -> the one that was meant, of a list's own domains with their people (normalised: lower case, A-labels).

    By the kept table, or one slip of the finger (a letter left out, doubled, changed, or two swapped) from a domain that many others have.
    """
    found = {wrong: TYPED[wrong] for wrong in domains if wrong in TYPED}
    index: dict[str, set[str]] = {}
    for frequent in (d for d, people in domains.items() if people >= FREQUENT and d not in TYPED):
        for left in _shortened(frequent):
            index.setdefault(left, set()).add(frequent)
    for rare, people in domains.items():
        if rare in found or rare in GENUINE:
            continue
        near = {f for left in _shortened(rare) for f in index.get(left, ()) if f != rare}
        likely = [f for f in near if domains[f] >= TIMES * people and _slip(rare, f)]
        if likely:
            found[rare] = max(likely, key=lambda f: (domains[f], f))
    return found


def _slip(rare: str, frequent: str) -> bool:
    """Whether the rare domain is the frequent one with one slip, where that can hardly be somebody's own."""
    name, _, end = rare.rpartition(".")
    other, _, wanted = frequent.rpartition(".")
    if name == other:  # firma.de and firma.be are two firms; firma.con is nobody's
        return wanted in _COMMON_ENDS and len(end) != 2 and end not in _COMMON_ENDS and one_slip(end, wanted)
    return end == wanted and len(other) >= _SHORTEST and one_slip(name, other)


def one_slip(a: str, b: str) -> bool:
    """Whether one letter was left out, put in, changed, or two neighbours swapped (Damerau's four errors, once).

    Source: F. J. Damerau, A technique for computer detection and correction of spelling errors (1964).
    """
    if a == b or abs(len(a) - len(b)) > 1:
        return False
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    if len(a) == len(b):
        swapped = a[start + 1 : start + 2] + a[start : start + 1] + a[start + 2 :]
        return a[start + 1 :] == b[start + 1 :] or swapped == b[start:]
    longer, shorter = (a, b) if len(a) > len(b) else (b, a)
    return longer[start + 1 :] == shorter[start:]


def _shortened(domain: str) -> Iterator[str]:
    """The domain, and it without each of its letters: what is one slip apart shares one of these."""
    yield domain
    for i in range(len(domain)):
        yield domain[:i] + domain[i + 1 :]


_DOTLESS = ("gmail.com", "googlemail.com")  # dots in the name mean nothing there


def person_keys(email: str, name: str = "") -> Iterator[tuple[str, str]]:
    """(key, why) for each way in which another address may be the same person's: equal keys are one person, as far as one can tell.

    A part after `+` is the reader's own label; Gmail knows no dots; elsewhere dots count, unless both carry the same full name.
    """
    local, _, domain = email.rpartition("@")
    domain = TYPED.get(domain, domain)
    bare = local.partition("+")[0] or local
    if domain in _DOTLESS:
        yield f"{bare.replace('.', '')}@gmail.com", "one mailbox under several spellings"
        return
    yield f"{bare}@{domain}", "one mailbox under several spellings"
    full = " ".join(name.casefold().split())
    if " " in full:
        yield f"{bare.replace('.', '')}@{domain}|{full}", "the same name, and addresses that differ by dots"


def same_people(rows: Iterable[tuple[int, str, str]]) -> dict[tuple[int, ...], str]:
    """Ids that may be one person -> why, of (id, address, name); sorted ids, each group once."""
    by_key: dict[str, tuple[str, set[int]]] = {}
    for number, email, name in rows:
        for key, why in person_keys(email, name):
            by_key.setdefault(key, (why, set()))[1].add(number)
    found: dict[tuple[int, ...], str] = {}
    for why, ids in by_key.values():
        if 1 < len(ids) <= SCHEME:
            found.setdefault(tuple(sorted(ids)), why)
    return found

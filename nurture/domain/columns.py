"""What each column of a CSV file means: our own headers, those of two other systems, and any other by hand.

A target is a word: an own column (`email`, `tags`, ...), `birthday` for the field whose day greetings read, `text:<name>` for a free
field kept as written, `typed:<name>` for one of our own export whose JSON type is true, or an empty string for a column that is left out.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from nurture.domain.advice import did_you_mean
from nurture.domain.errors import NurtureError
from nurture.domain.words import Status

Dialect = Literal["nurture", "mailchimp", "listmonk"]
MOST_COLUMNS = 1_000
OWN = (
    "email", "name", "first_name", "patronymic", "last_name", "timezone", "zone_source", "locale", "country", "tags", "topics", "fields",
    "source", "status", "status_at", "joined_at", "frequency", "kinds", "tracking", "paused_until",
)  # fmt: skip
_COMPUTED = ("id", "engagement", "temperature", "changed_at")  # of our own making: nobody can bring them along
_SAME = {
    "email": ("e_mail", "mail", "email_address", "e_mail_address", "e_mail_adresse", "email_adresse", "почта", "адрес_электронной_почты"),
    "first_name": ("firstname", "fname", "given_name", "vorname", "имя", "imię"),
    "last_name": ("lastname", "lname", "surname", "family_name", "nachname", "фамилия", "nazwisko"),
    "patronymic": ("отчество",),
    "name": ("full_name", "fullname"),
    "timezone": ("time_zone", "tz", "zeitzone", "часовой_пояс"),
    "birthday": ("birth_date", "birthdate", "date_of_birth", "geburtstag", "geburtsdatum", "день_рождения", "дата_рождения"),
    "country": ("country_code",),
    "tags": ("tag",),
}
_SYNONYMS = {other: own for own, others in _SAME.items() for other in others}
_MAILCHIMP = {
    "email_address": "email", "first_name": "first_name", "last_name": "last_name", "tags": "tags", "timezone": "timezone",
    "gmtoff": "gmtoff", "dstoff": "dstoff", "cc": "country", "birthday": "birthday",
    "optin_time": "optin_time", "optin_ip": "optin_ip", "confirm_time": "confirm_time", "confirm_ip": "confirm_ip",
    "unsub_time": "status_at", "clean_time": "status_at", "unsub_campaign_id": "", "clean_campaign_id": "",
    "leid": "", "euid": "", "latitude": "", "longitude": "", "last_changed": "",
}  # fmt: skip
_MAILCHIMP_SIGNS = {"member_rating", "optin_time", "confirm_time", "leid", "euid", "last_changed"}
_LISTMONK = {
    "uuid": "", "email": "email", "name": "name", "attributes": "fields", "status": "status", "created_at": "joined_at", "updated_at": "",
}  # fmt: skip
_WORDS: dict[str, Status] = {s.value: s for s in Status}
STATUS_WORDS: dict[Dialect, Mapping[str, Status]] = {
    "nurture": _WORDS,
    "mailchimp": _WORDS | {"cleaned": Status.BOUNCED},
    "listmonk": _WORDS | {"enabled": Status.SUBSCRIBED, "blocklisted": Status.UNSUBSCRIBED, "disabled": Status.UNSUBSCRIBED},
}


@dataclass(frozen=True, slots=True)
class Plan:
    """`targets`: one for each column. `implied`: the status of every row of a file that lists only people who are gone."""

    dialect: Dialect
    header: tuple[str, ...]
    targets: tuple[str, ...]
    implied: Status | None = None


def plan_columns(header: Sequence[str], chosen: Mapping[str, str] | None = None) -> Plan:
    """What the columns of this header mean; `chosen` maps a column by hand. Raises NurtureError with what to write."""
    names = tuple(name if name.startswith("fields.") else " ".join(name.split()) for name in header)
    _check(names)
    by_hand = _by_hand(names, chosen or {})
    dialect = _dialect(names)
    computed = _COMPUTED if "engagement" in {_key(name) for name in names} else ()  # elsewhere `id` is somebody's customer number
    targets = [by_hand[name.lower()] if name.lower() in by_hand else _target(name, dialect, computed) for name in names]
    if "email" not in targets:
        listed = ", ".join(name for name in names if name)
        likely = next((name for name in names if "mail" in name.lower()), "COLUMN")
        raise NurtureError(f'no column is known to hold the address; name it with --map "{likely}=email" (the columns are: {listed[:500]})')
    return Plan(dialect, names, _told_apart(names, targets), _implied(names, dialect))


def _check(names: tuple[str, ...]) -> None:
    if len(names) > MOST_COLUMNS:
        raise NurtureError(f"the file has {len(names):,} columns; at most {MOST_COLUMNS:,} are read. Is the delimiter right?")
    address = next((name for name in names if "@" in name), None)
    if address:
        raise NurtureError(f"the first line must name the columns, but it holds {address!r}; put a line such as email,name above it")


def _key(name: str) -> str:
    return name.lower().replace(" ", "_").replace("-", "_")


def _dialect(names: tuple[str, ...]) -> Dialect:
    keys = {_key(name) for name in names}
    if "email_address" in keys and keys & (_MAILCHIMP_SIGNS | {"unsub_time", "clean_time"}):
        return "mailchimp"
    return "listmonk" if {"email", "attributes"} <= keys else "nurture"


def _target(name: str, dialect: Dialect, computed: Collection[str]) -> str:
    key = _key(name)
    foreign = {"mailchimp": _MAILCHIMP, "listmonk": _LISTMONK}.get(dialect, {})
    if key in foreign:
        return foreign[key]
    if name.startswith("fields."):
        return "typed:" + name.removeprefix("fields.")
    if key in OWN or key == "birthday":
        return key
    if not name or (dialect == "nurture" and key in computed):
        return ""
    return _SYNONYMS.get(key) or "text:" + name


def _by_hand(names: tuple[str, ...], chosen: Mapping[str, str]) -> dict[str, str]:
    known = {name.lower() for name in names}
    found: dict[str, str] = {}
    for column, target in chosen.items():
        key = " ".join(column.split()).lower()
        if key not in known:
            raise NurtureError(f"--map names the column {column!r}, which the file has not{did_you_mean(column, names)}")
        wanted = target.strip()
        if wanted in ("", "-"):
            found[key] = ""
        elif wanted in OWN or wanted == "birthday":
            found[key] = wanted
        elif not wanted.startswith("fields.") and (near := _mistyped(wanted)):
            raise NurtureError(f'--map knows no {wanted!r} - did you mean "{near}"? A field of your own is written fields.{wanted}')
        else:
            found[key] = "text:" + wanted.removeprefix("fields.")
    return found


def _mistyped(word: str) -> str | None:
    """The own column that a word for a free field is one slip away from."""
    near = get_close_matches(word.lower(), OWN, n=1, cutoff=0.85)
    return near[0] if near else None


def _told_apart(names: tuple[str, ...], targets: Sequence[str]) -> tuple[str, ...]:
    """Two columns of one meaning: an own one is refused, a free field gets a number, so that nothing is lost unseen."""
    seen: dict[str, int] = {}
    apart = []
    for name, target in zip(names, targets, strict=True):
        seen[target] = seen.get(target, 0) + 1
        if target and seen[target] > 1:
            if not target.startswith(("text:", "typed:")):
                raise NurtureError(f'two columns hold the {target}; leave one out with --map "{name}=-" or rename it in the file')
            target = f"{target} {seen[target]}"  # noqa: PLW2901 - the loop's own word for this column
        apart.append(target)
    return tuple(apart)


def _implied(names: tuple[str, ...], dialect: Dialect) -> Status | None:
    keys = {_key(name) for name in names}
    if dialect != "mailchimp":
        return None
    return Status.BOUNCED if "clean_time" in keys else Status.UNSUBSCRIBED if "unsub_time" in keys else None

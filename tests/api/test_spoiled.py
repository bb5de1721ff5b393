"""Documents and requests that are right but for one place or three, and questions about what was stored of them: never an internal error.

What only fits the schema (test_schema.py) is refused nearly always; this gets behind the doors, into what is stored and what is made of it.
"""

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
import yaml

from tests.api.test_schema import Served

CALLS = 5_000
ROOT = Path(__file__).parents[2]
V1 = "/api/v1"
SPOILERS: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, 10**30, 1.5, 1e308, "", " ", "a", "A" * 300, "x" * 5_000, "\0", "\ud800", "é", "\u2028", "{{", "{{ x", "{{ 1/0 }}",
    "{% for %}", "{{ first_name.x.y }}", "%s", "../..", "1d", "0s", "100w", "99999999999d", "10:00", "25:00", "24:00", "0001-01-01", "9999-12-31", "2026-02-30", "2026-12-31",
    "9999-12-31 23:59", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "now", "never", "always", "any", "none", "reader", "workspace", "roof",
    "p0@example.com", "a@b", "https://example.com/x", "javascript:1", "* * * * *", "0 0 31 2 *", "60 * * * *", "5%", "100%", "101%", "-1%", "3:1", "0:0", "thirds", [], {}, [[]],
    [None], {"a": None}, ["x"] * 50, {"tag": "roof"}, {"engagement": "active"}, {"flag": "fading"}, {"all": []}, {"not": {}}, {"any": [{"not": {"temperature": "hot"}}]},
    {"field": "x", "gt": "y"}, {"did": "clicked", "within": "36500d", "at_least": 10**20}, {"date": "birthday", "within": "0s"}, {"joined": "within 36500d"}, {"received": "x"},
    {"in_sequence": "x"}, "Pacific/Kiritimati", "Etc/GMT+12",
)  # fmt: skip
KEYS = ("x", "mix", "cadence", "letters", "where", "windows", "after", "window", "only_if", "day", "schedule", "state", "audience", "re_entry", "until", "variants", "closes", "quiz", "\ud800")
ANSWERS = {"email": "p0@example.com", "for": "p0@example.com", "limit": "3", "days": "20", "state": "open"}
REQUESTS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("POST", "/subscribers", {"email": "mia@example.com", "name": "Mia", "tags": ["roof"], "fields": {"city": "Rome", "birthday": "1980-02-29"}, "topics": {"roofs": True}, "timezone": "Europe/Berlin", "locale": "de"}),
    ("PATCH", "/subscribers/1", {"name": "Bo", "tags": ["x"], "fields": {"a": 1}, "timezone": "Europe/Berlin"}),
    ("POST", "/subscribers/1/resubscribe", {"wording": "yes", "source": "phone"}),
    ("POST", "/events", {"email": "p0@example.com", "type": "converted", "name": "purchase", "value": 5, "at": "2026-03-01T00:00:00Z", "id": "e1"}),
    ("POST", "/send", {"email": "p1@example.com", "subject": "Hi {{ first_name }}", "body": "Hello [x](https://example.com) {{ data.a }}", "data": {"a": "b"}}),
    ("POST", "/keys", {"name": "k", "scopes": ["send"]}), ("POST", "/webhooks", {"url": "https://93.184.215.14/x", "types": ["email.clicked"]}),
)  # fmt: skip


def shipped() -> list[dict[str, Any]]:
    files = sorted([*(ROOT / "sequences").glob("*.yaml"), *(ROOT / "trades").glob("*.yaml")])
    found = [d for file in files for d in yaml.safe_load_all(file.read_text()) if isinstance(d, dict)]
    return [json.loads(json.dumps(d, default=str)) for d in found]


def kind_of(document: dict[str, Any]) -> str:
    return str(next(iter(document)))


def spoiled(right: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """One to three places of it changed, added or taken away."""
    made = copy.deepcopy(right)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        box, key = chance.choice([*_places(made), (made, None)])
        if key is None:
            made[chance.choice(KEYS)] = copy.deepcopy(chance.choice(SPOILERS))
            continue
        match chance.randrange(10):
            case 0 if isinstance(box, dict):
                box[chance.choice(KEYS)] = copy.deepcopy(chance.choice(SPOILERS))
            case 1 if box:
                del box[key]
            case 2 if isinstance(box[key], str):
                box[key] += str(chance.choice(SPOILERS))
            case _:
                box[key] = copy.deepcopy(chance.choice(SPOILERS))
    return made


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from _places(value[key])


class House:
    """A furnished house, and what may be asked of it."""

    def __init__(self, served: Served, client: httpx2.Client, chance: random.Random) -> None:
        self._client, self._chance = client, chance
        self._documents = shipped()
        paths: Any = served.schema["paths"]
        self._looks = [(path, about) for path, verbs in paths.items() if (about := verbs.get("get"))]
        self.codes: dict[int, int] = {}
        for document in [d for _ in range(3) for d in self._documents]:  # some ask for others
            self.call(*self._stored_at(document), document)

    def _stored_at(self, document: dict[str, Any]) -> tuple[str, str]:
        kind = kind_of(document)
        return ("PUT", "/policy") if kind == "policy" else ("POST", f"/{kind}s")

    def call(self, method: str, path: str, body: Any = None) -> None:
        sent = {} if body is None else {"content": json.dumps(body), "headers": {"Content-Type": "application/json"}}
        answer = self._client.request(method, path, **sent)
        self.codes[answer.status_code] = self.codes.get(answer.status_code, 0) + 1
        assert answer.status_code < 500, f"{method} {path} {json.dumps(body)[:3_000]}: {answer.text}"

    def good(self) -> int:
        return sum(number for code, number in self.codes.items() if code < 300)

    def store(self) -> None:
        document = self._chance.choice(self._documents)
        method, path = self._stored_at(document)
        if self._chance.random() < 0.2:
            method, path = "POST", self._chance.choice(["/sequences/diff", "/forecast/drafts", "/reports/composition/preview"])
        self.call(method, path, spoiled(document, self._chance))

    def ask(self) -> None:
        method, path, body = self._chance.choice(REQUESTS)
        self.call(method, path, spoiled(body, self._chance))

    def look(self) -> None:
        path, about = self._chance.choice(self._looks)
        kind = path.removeprefix(f"{V1}/").partition("/")[0].removesuffix("s")
        names = [str(d[kind]) for d in self._documents if kind_of(d) == kind] or ["asking"]
        asked = [p["name"] for p in about.get("parameters", []) if p["in"] == "query" and self._chance.random() < 0.5]
        given = {name: ANSWERS.get(name, "") if self._chance.random() < 0.6 else str(self._chance.choice(SPOILERS)) for name in asked}
        query = "&".join(f"{name}={quote(value.encode('utf-8', 'surrogatepass'))}" for name, value in given.items())
        where = path.removeprefix(V1).replace("{id}", str(self._chance.randint(1, 4))).replace("{name}", self._chance.choice(names))
        self.call("GET", f"{where}?{query}")


@pytest.mark.soak
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_nearly_right_is_never_an_internal_error(db_url: str, seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    with Served(tmp_path, db_url) as served, httpx2.Client(base_url=served.url + V1, headers={"Authorization": f"Bearer {served.key}"}, timeout=60) as client:
        house = House(served, client, chance)
        assert house.good() > 60  # most of what is shipped, again and again
        for _ in range(CALLS):
            chance.choice((house.store, house.look, house.store, house.ask))()
        assert house.good() > 60 + CALLS // 8
        print(f"seed {seed}: {sorted(house.codes.items())}")

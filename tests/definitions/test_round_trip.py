"""Every document dumps - as JSON and as YAML - and loads back equal; the schema accepts what the loader accepts."""

import json
from typing import Any

import jsonschema_rs
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nurture.definitions.loading import load_text
from nurture.definitions.schema import json_schema
from nurture.domain.documents import DOCUMENT_TYPES, AnyDocument, document_type

slugs = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,10}", fullmatch=True)
words = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="{}%#*|"), min_size=1, max_size=12)
texts = st.one_of(
    words,
    st.sampled_from(["10:00", "3:1", "NO", "null", "true", "01", "1e3", "- a", "# b", "a: b", "{{ first_name | default('x') }}", "ü\nß"]),
)
durations = st.sampled_from(["0s", "45m", "36h", "7d", "2w"])
delays = st.sampled_from(["0s", "36h", "48h", "7d", "2w"])
times = st.sampled_from([("00:00", "24:00"), ("8:00", "9:30"), ("10:00", "12:00")])
days = st.lists(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), min_size=1, max_size=3)
spans = st.builds(lambda d, t: {"days": d, "from": t[0], "until": t[1]}, days, times)
windows = st.one_of(st.sampled_from(["any", "now"]), st.lists(spans, min_size=1, max_size=2))
window_sets = st.fixed_dictionaries({}, optional=dict.fromkeys(("sales", "long", "short", "other", "greeting"), windows))
scalars = st.one_of(texts, st.booleans(), st.integers(-(10**9), 10**9), st.floats(-1e6, 1e6, width=32))
kinds = ["useful", "news", "about", "sales"]
mixes = st.one_of(
    st.sampled_from(["3:1", "12:1", "thirds", "none"]),
    st.just({"thirds": ["news", "useful", ["about", "sales"]]}),
    st.just(["3:1", "thirds"]),
)
comparisons = st.one_of(
    st.builds(lambda v: {"is": v}, scalars), st.builds(lambda v: {"in": v}, st.lists(scalars, max_size=3)), st.builds(lambda v: {"gt": v}, scalars),
    st.builds(lambda v: {"exists": v}, st.booleans()), st.builds(lambda v: {"contains": v}, texts),
)  # fmt: skip
plain_conditions = st.one_of(
    st.builds(lambda v: {"tag": v}, texts), st.builds(lambda v: {"topic": v}, texts), st.builds(lambda c: {"field": "country"} | c, comparisons),
    st.builds(lambda v: {"engagement": v}, st.sampled_from(["new", "fan"])), st.builds(lambda v: {"status": v}, st.sampled_from(["subscribed"])),
    st.builds(lambda v: {"flag": v}, st.sampled_from(["lost"])), st.builds(lambda v: {"temperature": v}, st.sampled_from(["hot"])),
    st.builds(lambda v: {"source": v}, texts), st.builds(lambda w: {"did": "clicked", "kind": "sales", "at_least": 2, "within": w}, durations),
    st.builds(lambda v: {"received": v}, texts), st.builds(lambda v: {"in_sequence": v}, texts), st.builds(lambda v: {"segment": v}, texts),
    st.builds(lambda w: {"joined": f"within {w}"}, durations), st.builds(lambda w: {"date": "birthday", "within": w}, durations),
)  # fmt: skip
conditions = st.recursive(
    plain_conditions,
    lambda inner: st.one_of(
        st.builds(lambda c: {"all": c}, st.lists(inner, max_size=3)),
        st.builds(lambda c: {"any": c}, st.lists(inner, max_size=3)),
        st.builds(lambda c: {"not": c}, inner),
    ),
    max_leaves=4,
)


@st.composite
def letters(draw: Any, name: str = "id") -> dict[str, Any]:
    kind = draw(st.sampled_from([*kinds, "greeting"]))
    letter = {name: draw(slugs), "kind": kind, "subject": draw(words)}
    letter |= draw(st.sampled_from([{"body": "Hello\n\nyou"}, {"body": "a"}, {"template": "letters/recipe"}]))
    optional = {
        "size": st.sampled_from(["short", "long"]),
        "title": texts,
        "preheader": words,
        "call_to_action": st.sampled_from(["reply", "https://e.com/a?b=c", "tel:+49 30 1", {"question": "q1"}]),
        "topic": words,
        "after": delays,
        "window": windows,
        "only_if": conditions,
        "evergreen": st.booleans(),
        "archive": st.booleans(),
    }
    letter |= draw(st.fixed_dictionaries({}, optional=optional))
    if kind == "greeting" and draw(st.booleans()):
        letter["day"] = draw(st.sampled_from(["birthday", "12-31"]))
    elif kind != "greeting" and "after" not in letter:
        letter["about"] = draw(st.sampled_from([{"date": "09-15", "days": -7}, {"date": "2026-09-15"}, {"date": "birthday", "yearly": True}]))
    return letter


def of_a_cleanup(letter: dict[str, Any]) -> dict[str, Any]:
    """One that leaves on its turn: a cleanup's letters have no dates and no conditions of their own."""
    kept = {key: value for key, value in letter.items() if key not in ("about", "after", "only_if", "day")}
    return kept | {"kind": "sales" if letter["kind"] == "greeting" else letter["kind"]}


offers = st.lists(letters().map(of_a_cleanup), min_size=1, max_size=3, unique_by=lambda x: x["id"])
many = st.lists(letters(), min_size=1, max_size=3, unique_by=lambda x: x["id"])
common = {"title": texts}
documents = st.one_of(
    st.fixed_dictionaries(
        {"sequence": slugs, "letters": many},
        optional=common | {"state": st.sampled_from(["live", "draft"]), "audience": conditions, "topic": words, "mix": mixes, "cadence": st.sampled_from(["2 per week", "1 per month"]), "exit_on": st.lists(words, max_size=2), "goal": st.one_of(slugs, conditions), "exit_if": conditions, "re_entry": st.sampled_from(["never", "always", "after 180d"]), "priority": st.integers(0, 100), "repay": st.sampled_from(["library", "wait"]), "stale_after": durations, "windows": window_sets},
    ),
    st.fixed_dictionaries({"segment": slugs, "where": conditions}, optional=common),
    st.fixed_dictionaries(
        {"campaign": slugs, "segment": slugs, "letter": letters()},
        optional=common | {"schedule": st.sampled_from(["now", {"weekly": "tue"}, {"at": "2026-03-10 10:00", "zone": "workspace"}, {"cron": "0 10 * * 2"}]), "until": durations, "windows": window_sets, "priority": st.integers(0, 100)},
    ),
    st.fixed_dictionaries({"cleanup": slugs, "offers": offers}, optional=common | {"audience": st.sampled_from(["passive", "fading", "both"]), "holdout": st.sampled_from(["0%", "12.5%", 0.1]), "canary": st.sampled_from(["1%"]), "silent": st.sampled_from(["archive", "keep"]), "closing": letters().map(of_a_cleanup).map(lambda x: x | {"id": "closing.of.all"}), "event": st.just("2026-04-10"), "closes_after": durations}),
    st.fixed_dictionaries(
        {"rule": slugs, "when": st.sampled_from([{"moved": "flag", "to": "lost"}, {"moved": "temperature", "from": "hot"}, {"did": "clicked", "kind": "sales"}, {"stage": "done", "sequence": "s"}]), "then": st.lists(st.sampled_from([{"enter": "s"}, {"leave": "s"}, {"tag": "x"}, {"untag": "x"}, {"task": "Call {{ name }}"}, {"webhook": "https://e.com/hook"}]), min_size=1, max_size=3)},
        optional=common | {"if": conditions, "once": st.sampled_from(["per event", "per person"]), "state": st.sampled_from(["live", "draft"])},
    ),
    letters("letter"),
    st.fixed_dictionaries({"policy": st.just("default")}, optional={"sender": st.just({"name": "Anna", "address": "a@b.c"}), "postal_address": texts, "timezone": st.sampled_from(["Europe/Berlin", "UTC"]), "topics": st.dictionaries(slugs, words, max_size=2), "mix": mixes, "cap": st.integers(1, 21), "gap": durations, "tracking": st.sampled_from(["none", "aggregate"]), "quiet_hours": st.just({"from": "22:00", "until": "7:00"}), "blackout": st.just(["2026-12-31", "01-01"]), "pace": st.sampled_from([{"floor": "1 per month"}, {"most": "2 per week", "season": [{"from": "11-01", "until": "02-28", "floor": "2 per month"}], "bursts": [{"about": "2026-09-15", "days": [-7, 0, 7]}]}]), "windows": window_sets, "engagement": st.just({"active_days": "60d", "active_open_share": 0.3})}),
)  # fmt: skip


class Quoting(yaml.SafeDumper):
    """Texts in quotes: a YAML 1.1 writer leaves `0E0` bare, which YAML 1.2 reads as a number."""


Quoting.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


def dumped(document: AnyDocument) -> dict[str, Any]:
    return document.model_dump(mode="json", by_alias=True, exclude_none=True)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(documents)
def test_a_document_loads_back_equal_from_json_and_from_yaml(written):
    model = next(m for w, m in DOCUMENT_TYPES.items() if isinstance(written.get(w), str) and (w != "segment" or "where" in written))
    document = model.model_validate(written)
    plain = dumped(document)
    for text, file in (
        (json.dumps({"document": document_type(document)} | plain, ensure_ascii=False), "a.json"),
        (json.dumps(plain), "b.json"),
        (yaml.dump(plain, Dumper=Quoting, sort_keys=False, allow_unicode=True), "c.yaml"),
    ):
        loaded = load_text(text, file)
        assert loaded.errors == (), "\n".join(f.render(text) for f in loaded.errors)
        assert [p.document for p in loaded.documents] == [document]


def test_the_schema_knows_every_document_and_its_keys():
    schema = json_schema()
    assert [case["if"]["required"] for case in schema["allOf"]] == [[word] for word in DOCUMENT_TYPES]
    for case, model in zip(schema["allOf"], DOCUMENT_TYPES.values(), strict=True):
        definition = schema["$defs"][case["then"]["$ref"].rsplit("/", 1)[-1]]
        assert set(definition["properties"]) == {f.alias or n for n, f in model.model_fields.items()} | {"document"}
        assert definition["additionalProperties"] is False
    assert json.loads(json.dumps(schema)) == schema


def test_the_schema_refuses_and_accepts_as_the_loader_does():
    validator = jsonschema_rs.validator_for(json_schema())
    good = {"segment": "a", "where": {"all": [{"tag": "x"}, {"not": {"engagement": "passive"}}]}}
    assert validator.is_valid(good)
    assert not validator.is_valid(good | {"wher": 1})
    assert not validator.is_valid({"where": {"tag": "x"}})
    assert validator.is_valid({"campaign": "c", "segment": "s", "letter": {"id": "a", "kind": "news", "subject": "s", "body": "b"}})

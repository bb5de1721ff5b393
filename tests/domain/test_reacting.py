"""Which rule answers what, in which words; saved questions inside questions; which addresses a webhook may go to."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from nurture.domain.conditions import Did, HasTag
from nurture.domain.documents import Segment, Sequence
from nurture.domain.errors import NurtureError
from nurture.domain.lint import Known, lint
from nurture.domain.questions import circle_of, expand, with_segments
from nurture.domain.reacting import Event, Move, Step, circling, fill_task, reason_for
from nurture.domain.rules import Rule
from nurture.domain.webhooks import RETRIES, headers_for, next_try, read_types, refused_address
from nurture.domain.words import EventType, Kind

AT = datetime(2026, 3, 3, 10, tzinfo=UTC)


def rule(when: dict, **more: object) -> Rule:
    return Rule.model_validate({"rule": "r", "when": when, "then": [{"tag": "x"}]} | more)


def moved(what: str, old: str, new: str) -> Move:
    return Move(1, 7, AT, what, old, new)


@pytest.mark.parametrize(("when", "cause", "reason"), [
    ({"moved": "temperature"}, moved("temperature", "cold", "hot"), "became hot (was cold) on Tue 3 Mar 2026"),
    ({"moved": "temperature", "to": "hot", "from": "cold"}, moved("temperature", "cold", "hot"), "became hot (was cold) on Tue 3 Mar 2026"),
    ({"moved": "temperature", "from": "warm"}, moved("temperature", "cold", "hot"), None),
    ({"moved": "engagement"}, moved("temperature", "cold", "hot"), None),
    ({"moved": "flag", "to": "ripening"}, moved("flags", "", "fading, ripening"), "is ripening since Tue 3 Mar 2026"),
    ({"moved": "flag", "to": "ripening"}, moved("flags", "ripening", "fading, ripening"), None),
    ({"moved": "flag", "from": "lost"}, moved("flags", "lost", ""), "is no longer lost since Tue 3 Mar 2026"),
    ({"moved": "flag"}, moved("flags", "lost", "fading"), "is fading, is no longer lost since Tue 3 Mar 2026"),
    ({"moved": "flag", "to": "lost"}, moved("engagement", "new", "passive"), None),
    ({"stage": "done", "sequence": "s"}, Step(5, 7, AT, "done", "s"), "finished s on Tue 3 Mar 2026"),
    ({"stage": "done", "sequence": "s"}, Step(5, 7, AT, "done", "other"), None),
    ({"stage": "goal", "sequence": "s"}, Step(5, 7, AT, "done", "s"), None),
    ({"did": "clicked", "kind": "sales"}, Event(3, 7, AT, EventType.CLICKED, True, "s/offer", Kind.SALES), "clicked in s/offer on Tue 3 Mar 2026"),
    ({"did": "converted", "name": "lead"}, Event(3, 7, AT, EventType.CONVERTED, True, name="lead"), "converted lead on Tue 3 Mar 2026"),
    ({"did": "clicked"}, Event(3, 7, AT, EventType.CLICKED, False), None),
    ({"did": "clicked"}, Event(3, 7, AT, EventType.OPENED, True), None),
    ({"did": "clicked", "letter": "s/other"}, Event(3, 7, AT, EventType.CLICKED, True, "s/offer"), None),
])  # fmt: skip
def test_a_rule_answers_what_it_waits_for_and_says_why(when, cause, reason):
    assert reason_for(rule(when), cause) == reason


def test_causes_have_keys_that_tell_them_apart():
    keys = [moved("flags", "", "lost").key, Event(1, 7, AT, EventType.LEFT, True).key, Step(1, 7, AT, "entered", "s").key, Step(1, 7, AT, "goal", "s").key]
    assert keys == ["move:1", "event:1", "entered:1", "ended:1"]


@pytest.mark.parametrize("broken", [
    {"when": {"moved": "temperature", "to": "boiling"}}, {"when": {"moved": "flag", "from": "lost", "to": "fading"}}, {"when": {}},
    {"then": []}, {"then": [{}]}, {"then": [{"tag": "a", "untag": "b"}]}, {"then": [{"task": "Call {{ nmae }}"}]},
    {"then": [{"webhook": "ftp://e.com"}]}, {"then": [{"webhook": "https://user:pass@e.com/"}]}, {"then": [{"webhook": "https://10.0.0.1/x"}]}, {"then": [{"webhook": "https://[fec0::1]/x"}]}, {"then": [{"tag": " a"}]}, {"once": "daily"},
])  # fmt: skip
def test_what_cannot_be_a_rule_is_refused(broken):
    with pytest.raises(ValidationError):
        rule(**{"when": {"did": "clicked"}} | broken)


def test_a_task_speaks_of_the_person_and_leaves_empty_what_nobody_knows():
    text = fill_task("Call {{name}} at {{ fields.phone }},{{ fields.none }} today", {"name": "Mia {{ email }}"}, {"phone": 30})
    assert text == "Call Mia {{ email }} at 30, today"


def test_a_stage_rule_acts_three_times_a_day_for_a_person_and_no_more():
    assert [circling(n) is None for n in range(5)] == [True, True, True, False, False]


def test_segments_are_written_out_however_deep_and_circles_refused():
    questions = {
        "a": Segment.model_validate({"segment": "a", "where": {"not": {"segment": "b"}}}).where,
        "b": Segment.model_validate({"segment": "b", "where": {"any": [{"tag": "x"}, {"segment": "c"}]}}).where,
        "c": HasTag(tag="y"),
    }
    way = Sequence.model_validate({
        "sequence": "s", "audience": {"segment": "a"}, "goal": "lead",
        "letters": [{"id": "l", "kind": "useful", "subject": "s", "body": "b", "only_if": {"segment": "c"}}],
    })  # fmt: skip
    run = with_segments(way, questions)
    assert run.audience.model_dump(by_alias=True) == {"not": {"any": ({"tag": "x"}, {"tag": "y"})}}
    assert run.letters[0].only_if == HasTag(tag="y")
    assert run.goal == Did(did=EventType.CONVERTED, name="lead")
    assert circle_of("a", questions) is None
    circle = questions | {"c": Segment.model_validate({"segment": "c", "where": {"segment": "a"}}).where}
    assert circle_of("a", circle) == ("a", "b", "c", "a")
    with pytest.raises(NurtureError, match="asks for itself"):
        expand(way.audience, circle)
    with pytest.raises(NurtureError, match="no segment"):
        expand(way.audience, {})


def test_lint_knows_segments_circles_and_the_names_of_rules():
    known = Known(segments=frozenset({"a"}), sequences=frozenset({"s"}), letters=frozenset(), questions={"a": HasTag(tag="x")})
    segment = Segment.model_validate({"segment": "a", "where": {"all": [{"segment": "a"}, {"segment": "zz"}]}})
    assert {(f.rule, f.level) for f in lint(segment, known)} == {("unknown-segment", "error"), ("segment-circle", "error")}
    faulty = rule({"stage": "done", "sequence": "x"}, **{"if": {"segment": "zz"}, "then": [{"enter": "y"}, {"leave": "s"}, {"webhook": "http://e.com"}]})
    found = {(f.path, f.rule) for f in lint(faulty, known)}
    assert found == {
        (("when", "sequence"), "unknown-sequence"), (("if", "segment"), "unknown-segment"), (("then", 0, "enter"), "unknown-sequence"),
        (("then", 2, "webhook"), "plain-webhook"),
    }  # fmt: skip


def test_the_signature_is_that_of_the_published_example():
    """The vector that the libraries of Standard Webhooks test themselves against."""
    at = datetime.fromtimestamp(1614265330, UTC)
    made = headers_for(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, '{"test": 2432232314}')
    assert made == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }  # fmt: skip
    with pytest.raises(NurtureError):
        headers_for(["whsec_c2hvcnQ="], "msg_1", at, "{}")


@pytest.mark.parametrize("address", [
    "127.0.0.1", "::1", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "240.0.0.1",
    "fe80::1", "fd00::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "2002:a00:1::", "64:ff9b:1::1", "64:ff9b::a00:1", "::", "ff02::1", "192.0.2.1", "fec0::1",
    "ff0e::1", "::7f00:1", "4000::1", "2002:7f00:1::1", "64:ff9b::7f00:1", "2001:0:4136:e378:8000:63bf:80ff:fffe",
])  # fmt: skip
def test_no_webhook_goes_to_a_machine_inside(address):
    assert refused_address(address, loopback=False)


def test_the_open_internet_is_called_and_this_machine_only_where_it_is_allowed():
    assert refused_address("93.184.215.14", loopback=False) is None
    assert refused_address("2606:4700::1111", loopback=False) is None
    here = ("127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "2002:a00:1::1")
    assert [refused_address(a, loopback=True) is None for a in here] == [True] * 3 + [False] * 5


@pytest.mark.parametrize("address", ["::ffff:93.184.215.14", "64:ff9b::5db8:d70e", "2002:5db8:d70e::1", "2001:0:4136:e378:8000:63bf:a247:28f1"])
def test_what_wraps_an_address_is_judged_by_what_it_wraps(address):
    """Mapped, NAT64 (a machine with IPv6 alone reaches everybody so), 6to4, Teredo: here a machine of the open internet."""
    assert refused_address(address, loopback=False) is None


def test_tries_are_bounded():
    assert [next_try(n) for n in (1, 2, 3)] == [timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30)]
    assert next_try(len(RETRIES)) == timedelta(hours=24)
    assert next_try(len(RETRIES) + 1) is None


def test_event_names_are_known_or_refused_with_advice():
    assert read_types(["email.clicked", "email.clicked"]) == ["email.clicked"]
    assert len(read_types(["*"])) == 20
    with pytest.raises(NurtureError, match=r"did you mean \"email.clicked\""):
        read_types(["email.click"])
    with pytest.raises(NurtureError, match="at least one"):
        read_types([])

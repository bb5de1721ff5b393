"""The traces of docs/concepts.md ("who made a hit"), one row each: hits of one delivery and the verdict on every one."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.evidence import Hit, asks_ahead, judge, judge_all

ACCEPTED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
GOOGLE = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"


def at(seconds: float, link: int | None = 0, agent: str = CHROME, ip: str = "198.51.100.7", **more: object) -> Hit:
    return Hit(ACCEPTED + timedelta(seconds=seconds), link=link, agent=agent, ip=ip, **more)  # type: ignore[arg-type]


HOUR = 3600
BURST = [at(45 + n * 0.05, n) for n in range(7)]
TRACES = {
    "one click, hours later": ([at(4 * HOUR)], "H"),
    "seven links in 300 ms": (BURST, "MMMMMMM"),
    "a gateway, then the person's phone": ([*BURST, at(3 * HOUR, 2, PHONE, "203.0.113.9")], "MMMMMMMH"),
    "HEAD and GET of one link": ([at(90, method="HEAD"), at(91)], "MM"),
    "HEAD of the picture": ([at(HOUR, None, method="HEAD")], "M"),
    "HEAD, and a late GET alone": ([at(90, method="HEAD"), at(2 * HOUR)], "MH"),
    "the first click 3 s after acceptance": ([at(3)], "M"),
    "a click before acceptance was written down": ([at(-0.5)], "M"),
    "a click 3 s after the open, 2 min after acceptance": ([at(117, None), at(120)], "HH"),
    "two tabs opened 1.5 s apart": ([at(2 * HOUR, 0), at(2 * HOUR + 1.5, 1)], "HH"),
    "a privacy proxy, then a click": ([at(5, None, "Mozilla/5.0", "17.58.1.1"), at(HOUR)], "UH"),
    "a hidden link and three others": ([at(60, 9, trap=True), at(61, 0), at(62.5, 1), at(75, 2)], "MMMM"),
    "forwarded, clicked by others": ([at(HOUR), at(2 * HOUR, 0, PHONE, "203.0.113.1"), at(3 * HOUR, 0, PHONE, "203.0.113.2")], "HHH"),
    "prefetch": ([at(HOUR, prefetch=True)], "M"),
    "a look at the leave page alone": ([at(HOUR, None, page="leave")], "M"),
    "a link and the leave page within 2 s": ([at(HOUR, 0), at(HOUR + 1, None, page="leave")], "MM"),
    "a human click withdrawn by a burst": ([at(HOUR, 0), *(at(HOUR + 300 + n / 10, n) for n in range(3))], "MMMM"),
    "a click of yesterday stands": ([at(HOUR, 0), *(at(26 * HOUR + n / 10, n) for n in range(3))], "HMMM"),
    "Google's proxy at once": ([at(2, None, GOOGLE)], "U"),
    "Google's proxy later": ([at(10, None, GOOGLE)], "H"),
    "Yahoo's proxy": ([at(HOUR, None, "YahooMailProxy; https://help.yahoo.com/")], "U"),
    "an ordinary client opens": ([at(HOUR, None)], "H"),
    "an open within 10 s: only of clicks that tells a machine": ([at(4, None)], "U"),
    "a scanner by name": ([at(HOUR, 0, "Barracuda Sentinel (EE)")], "M"),
    "a library by name": ([at(HOUR, 0, "Go-http-client/2.0")], "M"),
    "no agent": ([at(HOUR, 0, "")], "U"),
    "a filter's network": ([at(HOUR, 0, CHROME, "40.94.3.3")], "M"),
}


@pytest.mark.parametrize("name", TRACES)
def test_traces(name: str) -> None:
    hits, expected = TRACES[name]
    assert "".join(j.evidence[0].upper() for j in judge_all(hits, ACCEPTED)) == expected


def test_a_hidden_link_is_told_as_such() -> None:
    hits = [at(HOUR, 9, trap=True), at(HOUR + 20)]
    assert [j.reason for j in judge_all(hits, ACCEPTED)] == ["followed a link that people cannot see", "beside a link that people cannot see"]


def test_one_office_behind_one_address_are_forty_people() -> None:
    for person in range(40):
        hit = at(HOUR + person / 8)
        assert judge(hit, [hit], ACCEPTED).evidence == "human"


def test_forwarded_letters_are_marked_shared() -> None:
    hits, _ = TRACES["forwarded, clicked by others"]
    assert judge_all(hits, ACCEPTED)[0].reason.startswith("shared")
    assert not judge_all(hits[:2], ACCEPTED)[0].reason.startswith("shared")


def test_ten_seconds_is_late_enough() -> None:
    assert judge(at(9.999), [], ACCEPTED).evidence == "machine"
    assert judge(at(10), [], ACCEPTED).evidence == "human"
    assert judge(at(0), [], None).evidence == "human"


BEFORE, AFTER = 600, 600.2  # ten minutes before a burst begins, and ten after its 0.2 seconds


def beside_a_burst(hit: Hit) -> str:
    """The verdict on one hit of a delivery whose three links one source fetched, from 300 s to 300.2 s after the hour."""
    return judge_all([hit, *(at(HOUR + 300 + n / 10, n) for n in range(3))], ACCEPTED)[0].evidence


@pytest.mark.parametrize(
    ("hit", "evidence"),
    [
        (at(HOUR + 300 - BEFORE, 7, PHONE, "203.0.113.9"), "machine"),  # clicks of the ten minutes before are withdrawn, from anywhere
        (at(HOUR + 300 - BEFORE - 0.1, 7), "human"),
        (at(HOUR + 300 + AFTER, 7), "machine"),  # and ten minutes after, from the same place
        (at(HOUR + 300 + AFTER + 0.1, 7), "human"),
        (at(HOUR + 400, 7, PHONE, "203.0.113.9"), "human"),
        (at(HOUR + 300.1, 7, PHONE, "203.0.113.9"), "machine"),
        (at(HOUR + 300.1, None), "machine"),  # opens only fall with their source
        (at(HOUR + 300.1, None, PHONE, "203.0.113.9"), "human"),
        (at(HOUR + 290, None, PHONE, "203.0.113.9"), "human"),
        (at(HOUR + 290, None), "machine"),
    ],
)
def test_what_a_burst_tells_of_the_hits_around_it(hit: Hit, evidence: str) -> None:
    assert beside_a_burst(hit) == evidence


@pytest.mark.parametrize(("apart", "verdicts"), [(1.0, "MMM"), (1.01, "HHH")])
def test_three_links_within_two_seconds_are_a_burst(apart: float, verdicts: str) -> None:
    found = judge_all([at(HOUR + n * apart, n) for n in range(3)], ACCEPTED)
    assert "".join(j.evidence[0].upper() for j in found) == verdicts
    again = judge_all([at(HOUR + n / 10, 0) for n in range(5)], ACCEPTED)
    assert {j.evidence for j in again} == {"human"}, "one link five times is one link"


def test_a_burst_begins_with_its_first_link() -> None:
    hits = [at(HOUR), at(HOUR + 3, 1), at(HOUR + 4, 2), at(HOUR + 5, 3), at(HOUR + 5 + 600, 4), at(HOUR + 5.1 + 600, 4)]
    assert "".join(j.evidence[0].upper() for j in judge_all(hits, ACCEPTED)) == "MMMMMH"
    assert judge_all(hits, ACCEPTED)[1].reason == "several links within 2 s"


@pytest.mark.parametrize(("apart", "evidence"), [(30, "machine"), (30.1, "human")])
def test_a_trap_reaches_thirty_seconds_to_both_sides(apart: float, evidence: str) -> None:
    for seconds in (HOUR - apart, HOUR + apart):
        assert judge(at(seconds, 1), [at(HOUR, 9, trap=True)], ACCEPTED).evidence == evidence


@pytest.mark.parametrize(
    ("hit", "evidence"),
    [(at(HOUR + 10, 1), "machine"), (at(HOUR + 10.1, 1), "human"), (at(HOUR - 10, 1), "machine"), (at(HOUR, 2), "human"), (at(HOUR, None), "human")],
)
def test_a_head_request_reaches_ten_seconds_and_its_own_link(hit: Hit, evidence: str) -> None:
    assert judge(hit, [at(HOUR, 1, method="HEAD")], ACCEPTED).evidence == evidence


@pytest.mark.parametrize(
    ("hit", "words"),
    [
        (at(HOUR, None, "Mozilla/5.0"), "Apple"),
        (at(HOUR, None, " Mozilla/5.0 "), "Apple"),
        (at(HOUR, None, "YahooMailProxy; crawler"), "Yahoo"),  # a proxy's name stands before a scanner's
        (at(9.9, None, GOOGLE), "Google, within 10 s"),
        (at(10, None, GOOGLE), "Google's picture proxy"),
        (at(HOUR, None, ""), "no agent"),
        (at(9.9, None, ""), "within 10 s of acceptance"),
        (at(HOUR, None, "curl/8"), "names itself: curl/"),
        (at(HOUR, 0, "YahooMailProxy; crawler"), "names itself: crawler"),
        (at(HOUR, 0, CHROME, "2a01:111:f400::1"), "network of mail filters"),
        (at(HOUR, 0, CHROME, "no address"), "an ordinary click"),
    ],
)
def test_the_reason_of_one_request_alone(hit: Hit, words: str) -> None:
    assert words in judge(hit, [], ACCEPTED).reason


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        ("40.92.0.1", "40.91.255.255"), ("40.95.255.255", "40.96.0.1"), ("40.107.0.1", "40.108.0.1"), ("52.103.255.1", "52.104.0.1"), ("104.47.127.1", "104.47.128.1"),
        ("2a01:111:f400::1", "2a01:111:f401::1"), ("2a01:111:f403::1", "2a01:111:f404::1"), ("64.235.159.1", "64.235.160.1"), ("209.222.95.1", "209.222.96.1"),
    ],
)  # fmt: skip
def test_networks_of_mail_filters_as_they_are_published(inside: str, outside: str) -> None:
    assert [judge(at(HOUR, 0, CHROME, ip), [], ACCEPTED).evidence for ip in (inside, outside)] == ["machine", "human"]


@pytest.mark.parametrize(
    ("headers", "ahead"),
    [
        ({"sec-purpose": "prefetch;prerender"}, True), ({"x-moz": "prefetch"}, True), ({"purpose": "preview"}, True),
        ({"purpose": "reading"}, False), ({"accept": "prefetch"}, False), ({}, False),
    ],
)  # fmt: skip
def test_prefetch_headers(headers: dict[str, str], ahead: bool) -> None:
    assert asks_ahead(headers) is ahead


hits = st.builds(
    lambda s, link, page, agent, method: Hit(ACCEPTED + timedelta(seconds=s), method, None if page else link, page, agent, "198.51.100.1"),
    st.floats(-5, 5000), st.none() | st.integers(0, 5), st.sampled_from([None, None, None, "leave"]),
    st.sampled_from([CHROME, PHONE, GOOGLE, "Mozilla/5.0", "curl/8"]), st.sampled_from(["GET", "GET", "HEAD"]),
)  # fmt: skip


@given(st.lists(hits, max_size=12), st.lists(hits, max_size=6))
def test_later_hits_never_make_a_machine_human(earlier: list[Hit], later: list[Hit]) -> None:
    """Evidence against a person only grows: more hits may withdraw a human verdict, none gives one back."""
    before = judge_all(earlier, ACCEPTED)
    after = judge_all(earlier + later, ACCEPTED)
    for old, new in zip(before, after[: len(before)], strict=True):
        assert new.evidence == old.evidence or new.evidence == "machine"

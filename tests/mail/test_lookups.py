"""What the resolver makes of answers from a real name server on loopback, and of where one is said to be."""

from pathlib import Path

import dns.resolver
import pytest

from nurture.domain.dns.questions import Answer, Question
from nurture.domain.errors import NurtureError
from nurture.mail.lookups import Resolver
from tests.support.names import NameServer


async def test_long_answers_come_by_tcp(name_server: NameServer) -> None:
    long = ["x" * 700, "y" * 700, "v=spf1 -all"]
    name_server.publish({"example.com": {"TXT": long}})
    answer = await Resolver(name_server.place).ask(Question("example.com", "TXT"))
    assert sorted(answer.values) == sorted(long)
    assert name_server.asked == ["TXT example.com"] * 2
    name_server.publish({"example.org": {"TXT": ["x" * 250, "y" * 250, "z" * 250]}})
    resolver = Resolver(name_server.place)
    assert [len((await resolver.ask(Question("example.org", "TXT"))).values) for _ in range(2)] == [3, 3]
    assert name_server.asked[2:] == ["TXT example.org"]  # up to 1232 bytes go in one piece, and what was asked is kept


async def test_mail_servers_come_in_the_order_of_their_preference(name_server: NameServer) -> None:
    """However the name server shuffles them; of fifty the best is hardly ever the first by luck."""
    name_server.publish({"example.com": {"MX": [f"{n} MX{n}.example.com." for n in range(100, 50, -1)]}})
    answer = await Resolver(name_server.place).ask(Question("example.com", "MX"))
    assert answer.values == tuple(f"mx{n}.example.com" for n in range(51, 101))


@pytest.mark.parametrize("place", ["", "example.com", "1.2.3.4:x", "[::1", "1.2.3", "127.0.0.1:53:53"])
def test_a_name_server_is_an_address(place: str) -> None:
    with pytest.raises(NurtureError, match="NURTURE_DNS_SERVER"):
        Resolver(place)


@pytest.mark.parametrize(
    ("records", "answer"),
    [
        ({"TXT": ["v=spf1 -all"]}, Answer()),  # of a name that has records of other kinds alone
        ({"A": ["192.0.2.7", "192.0.2.8"]}, Answer(("192.0.2.7", "192.0.2.8"))),
        ({"SERVFAIL": []}, Answer(trouble="SERVFAIL")),
        ({"YXDOMAIN": []}, Answer(trouble="The DNS query name is too long after DNAME substitution.")),
    ],
)
async def test_what_a_name_server_may_answer(name_server: NameServer, records: dict[str, list[str]], answer: Answer) -> None:
    name_server.publish({"example.com": records})
    found = await Resolver(name_server.place).ask(Question("example.com", "A"))
    assert (sorted(found.values), found.trouble) == (list(answer.values), answer.trouble)


async def test_a_text_that_is_no_utf8_is_read_all_the_same(name_server: NameServer) -> None:
    name_server.publish({"example.com": {"TXT": ["gr\udcfc\udcdfe"]}})
    assert (await Resolver(name_server.place).ask(Question("example.com", "TXT"))).values == ("gr\ufffd\ufffde",)


async def test_a_machine_that_knows_no_name_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The library's own reading, of a file that is not there."""
    read = dns.resolver.BaseResolver.read_resolv_conf
    monkeypatch.setattr(dns.resolver.BaseResolver, "read_resolv_conf", lambda self, _: read(self, str(tmp_path / "resolv.conf")))
    assert "set NURTURE_DNS_SERVER" in (await Resolver().ask(Question("example.com", "TXT"))).trouble


@pytest.mark.parametrize(
    ("place", "host", "port"),
    [("127.0.0.1", "127.0.0.1", 53), (" 127.0.0.1:5353 ", "127.0.0.1", 5353), ("::1", "::1", 53), ("[::1]", "::1", 53), ("[::1]:5353", "::1", 5353)],
)
def test_where_a_name_server_is(place: str, host: str, port: int) -> None:
    resolver = Resolver(place)._resolver
    assert (resolver.nameservers, resolver.port) == ([host], port)


async def test_odd_names_are_names_without_records(name_server: NameServer) -> None:
    resolver = Resolver(name_server.place)
    for name in ("a..b", "x" * 64 + ".example", ".".join(["abcdefghi"] * 30)):
        assert (await resolver.ask(Question(name, "TXT"))).values == ()

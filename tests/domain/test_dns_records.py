"""SPF, DKIM and DMARC as rules: every finding from a zone that deserves it. tests/services asks a real name server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.dns.dkim import examine_key
from nurture.domain.dns.dmarc import examine_dmarc, names_to_ask, walk
from nurture.domain.dns.mail_servers import examine_mail_servers
from nurture.domain.dns.questions import read_tags
from nurture.domain.dns.spf import RelayPlace, examine_spf
from nurture.mail.dkim_keys import published
from tests.support.signatures import ED, RSA
from tests.support.zones import answered, said, zone

HOSTS = {f"h{n}.example": {"A": ["192.0.2.7"]} for n in range(20)}


def spf(record: str, relay: RelayPlace | None = None, **more: object) -> dict[str, tuple[str, str]]:
    findings, _ = answered(examine_spf("example.com", relay), zone(**{"example.com": record}) | HOSTS | more)  # type: ignore[arg-type,operator]
    return said(findings)


@pytest.mark.parametrize(
    ("record", "level", "words"),
    [
        ("v=spf1 include:_spf.relay.example -all", "ok", "one SPF record, 1 of 10 look-ups, ending in -all"),
        ("V=SPF1 IP4:192.0.2.1 ~ALL", "ok", "0 of 10 look-ups, ending in ~all"),
        ("v=spf1 redirect=_spf.relay.example", "ok", "1 of 10 look-ups, ending in ~all"),
        ("v=spf1 a:h1.example/24//64 mx exists:%{i}.x.example -all", "ok", "3 of 10"),
        ("v=spf1 -all include:nowhere.example", "ok", "0 of 10"),  # what stands behind `all` is never read
        ("v=spf1 unknown=modifier ip6:2001:db8::1 -all", "ok", "0 of 10"),
        ("v=spf1 ip4:192.0.2.1", "warn", "does not say who may not send"),
        ("v=spf1 ip4:192.0.2.1 ?all", "warn", "does not say who may not send"),
        ("v=spf1 ptr -all", "warn", "uses ptr"),
        ("v=spf1 +all", "fail", "whole world"),
        ("v=spf1 all", "fail", "whole world"),
        ("v=spf10 -all", "fail", "example.com has no SPF record; publish TXT example.com"),
        ("v=spf1 ipv4:192.0.2.1 -all", "fail", "'ipv4:192.0.2.1', which is no SPF term"),
        ("v=spf1 ip4:192.0.2.300 -all", "fail", "no address or network"),
        ("v=spf1 ip4:2001:db8::1 -all", "fail", "write ip6: before it"),
        ("v=spf1 a:h1.example/33 -all", "fail", "a:h1.example/33, whose network is longer than an address"),
        ("v=spf1 -all; -all", "fail", "which is no SPF term"),
        ("v=spf1 include: -all", "fail", "include of nothing"),
        ("v=spf1 include:nowhere.example -all", "fail", "nowhere.example has no SPF record, but example.com includes it; take it out there"),
        ("v=spf1 include:example.com -all", "fail", "includes itself"),
        ("v=spf1 " + " ".join(f"a:h{n}.example" for n in range(10)) + " -all", "ok", "10 of 10"),
        ("v=spf1 " + " ".join(f"a:h{n}.example" for n in range(11)) + " -all", "fail", "needs 11 of 10 look-ups"),
        ("v=spf1 a:no1.example a:no2.example -all", "ok", "2 of 10"),
        ("v=spf1 a:no1.example a:no2.example mx:no3.example -all", "fail", "3 names in the SPF record of example.com do not exist"),
    ],
)
def test_spf(record: str, level: str, words: str) -> None:
    found = spf(record, **{"mx1.example.com": {"A": ["192.0.2.1"]}, "mx2.example.com": {"A": ["192.0.2.2"]}})["SPF"]
    assert (found[0], words in found[1]) == (level, True), found
    assert found[1].endswith(".")


def test_spf_with_many_mail_servers_or_two_records_or_no_answer() -> None:
    many = {"MX": [f"{n} mx{n}.example.net." for n in range(11)]}
    assert "11 mail servers" in spf("v=spf1 mx:many.example -all", **{"many.example": many})["SPF"][1]
    two = answered(examine_spf("example.com"), {"example.com": {"TXT": ["v=spf1 -all", "v=spf1 ~all"]}})[0]
    assert said(two)["SPF"] == ("fail", "Receivers get no SPF result: example.com has 2 SPF records, and receivers take none; join them into one.")
    away = answered(examine_spf("example.com"), {"example.com": {"SERVFAIL": []}})[0]
    assert said(away)["SPF"][0] == "fail"
    assert "TXT of example.com was not answered (SERVFAIL)" in said(away)["SPF"][1]


def test_a_ring_of_includes_ends() -> None:
    ring = {f"r{n}.example": {"TXT": [f"v=spf1 include:r{n + 1}.example -all"]} for n in range(99)}
    findings, asked = answered(examine_spf("r0.example"), ring)
    assert "more than 30 times" in said(findings)["SPF"][1]
    assert len(asked) < 40


@pytest.mark.parametrize(
    ("relay", "level"),
    [
        (RelayPlace("smtp.relay.example", ("198.51.100.1",)), "ok"),  # its provider is included
        (RelayPlace("mail.other.example", ("192.0.2.9",)), "ok"),  # its address is permitted
        (RelayPlace("mail.other.example", ("2001:db8::9", "203.0.113.9")), "ok"),
        (RelayPlace("email-smtp.eu-west-1.amazonaws.com", ("9.9.9.9",)), "warn"),
        (RelayPlace("mail.other.example", ("9.9.9.9",)), "warn"),
        (RelayPlace("localhost", ("127.0.0.1",)), "warn"),
    ],
)
def test_the_relay_is_in_the_spf_record(relay: RelayPlace, level: str) -> None:
    assert spf("v=spf1 include:_spf.relay.example -all", relay)["SPF relay"][0] == level


def test_a_provider_may_have_another_name_for_its_record() -> None:
    amazon = {"amazonses.com": {"TXT": ["v=spf1 -all"]}}
    found = spf("v=spf1 include:amazonses.com -all", RelayPlace("email-smtp.eu-west-1.amazonaws.com", ("9.9.9.9",)), **amazon)
    assert found["SPF relay"][0] == "ok"
    assert "own network" in spf("v=spf1 -all", RelayPlace("localhost", ("127.0.0.1",)))["SPF relay"][1]
    assert "SPF relay" not in spf("v=spf1 +all", RelayPlace("localhost", ()))
    refused = spf("v=spf1 -ip4:192.0.2.0/24 -all", RelayPlace("mail.other.example", ("192.0.2.9",)))
    assert refused["SPF relay"][0] == "warn"


@given(st.text(st.sampled_from("v=spf1 +-~?al:inc/ude.mxptr4%{}26;"), max_size=60))
def test_any_spf_record_ends_in_findings(words: str) -> None:
    findings, asked = answered(examine_spf("example.com", RelayPlace("a.b", ("192.0.2.1",))), zone(**{"example.com": {"TXT": [f"v=spf1 {words}"], "A": ["192.0.2.1"]}}))
    assert findings
    assert all(finding.words.endswith(".") for finding in findings)
    assert len(asked) < 400


KEY = published(RSA)
TEXT = KEY.text


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([], "nobody can look up"),
        ([TEXT, TEXT], "several TXT records"),
        (["some text"], "no DKIM key record"),
        ([TEXT.replace("DKIM1", "DKIM2")], "no DKIM key record"),
        ([f"k=rsa; v=DKIM1; p={TEXT.rpartition('=')[2]}"], "does not begin with v=DKIM1"),
        (["v=DKIM1; k=rsa; p="], "revoked"),
        ([published(ED).text], "k=ed25519 is published, but the key is rsa"),
        ([TEXT.replace("k=rsa", "k=rsa; h=sha1")], "shuts out"),
        ([TEXT.replace("k=rsa", "k=rsa; s=tlsrpt")], "shuts out"),
        ([TEXT[:-5]], "is not base64"),
        ([TEXT.replace("MII", "MIJ", 1)], "another key is published"),
        ([f"{TEXT}; p=x"], "no DKIM key record"),
    ],
)
def test_dkim_records_that_are_not_the_key(records: list[str], words: str) -> None:
    for signs, level in ((True, "fail"), (False, "warn")):
        finding, _ = answered(examine_key(KEY, signs=signs), {KEY.name: {"TXT": records}})
        assert finding.level == level
        assert words in finding.words or (not records and "not published" in finding.words)


@pytest.mark.parametrize("record", [TEXT, TEXT.removeprefix("v=DKIM1; "), TEXT.replace("p=", "p= ").replace("AQE", "AQ E", 1), TEXT + ";", TEXT.replace("; ", ";")])
def test_dkim_records_that_are_the_key(record: str) -> None:
    finding, _ = answered(examine_key(KEY, signs=True), {KEY.name: {"TXT": [record]}})
    assert finding.level == "ok", finding.words


def test_dkim_doubts() -> None:
    tried, _ = answered(examine_key(KEY, signs=True), {KEY.name: {"TXT": [TEXT.replace("k=rsa", "k=rsa; t=y:s")]}})
    assert (tried.level, "t=y" in tried.words) == ("warn", True)
    away, _ = answered(examine_key(KEY, signs=True), {KEY.name: {"SERVFAIL": []}})
    assert (away.level, "SERVFAIL" in away.words) == ("fail", True)


def dmarc(records: dict[str, str], author: str = "example.com", signing: tuple[str, ...] = ("example.com",), mail_from: str = "") -> dict[str, tuple[str, str]]:
    zone = {f"_dmarc.{name}": {"TXT": [record]} for name, record in records.items()}
    return said(answered(examine_dmarc(author, signing, mail_from or author), zone)[0])


@pytest.mark.parametrize(
    ("record", "level", "words"),
    [
        ("v=DMARC1; p=reject; rua=mailto:a@b.c", "ok", "asks for reject"),
        ("v=DMARC1;rua=mailto:a@b.c;p=none", "ok", "asks for none"),
        ("v = DMARC1 ; p = quarantine ; rua = mailto:a@b.c", "ok", "asks for quarantine"),
        ("v=DMARC1; p=none", "warn", "wants no reports"),
        ("v=DMARC1; p=none; rua=nonsense", "warn", "wants no reports"),
        ("v=DMARC1; p=none; pct=50; rua=mailto:a@b.c", "warn", "pct, which RFC 9989 took out; delete it; to try a policy out, write t=y"),
        ("v=DMARC1; p=none; rf=afrf; ri=86400; rua=mailto:a@b.c", "warn", "rf, ri, which RFC 9989 took out"),
        ("v=DMARC1; p=reject; t=y; rua=mailto:a@b.c", "warn", "one step milder than p=reject"),
        ("v=DMARC1; rua=mailto:a@b.c", "warn", "no valid p=, so receivers take p=none"),
        ("v=DMARC1; p=monitor; rua=mailto:a@b.c", "warn", "no valid p=, so receivers take p=none"),
        ("v=DMARC1;", "fail", "counts for nothing"),
        ("v=DMARC1; p=nothing", "fail", "counts for nothing"),
        ("v=dmarc1; p=none", "fail", "No DMARC record stands at _dmarc.example.com or above it"),
        ("p=none; v=DMARC1", "fail", "No DMARC record"),
        ("v=DMARC1; p=none; p=reject", "fail", "No DMARC record"),
    ],
)
def test_dmarc(record: str, level: str, words: str) -> None:
    found = dmarc({"example.com": record})
    assert (found["DMARC"][0], words in found["DMARC"][1]) == (level, True), found
    assert ("DMARC alignment" in found) == (level != "fail")


def test_several_dmarc_records_cancel_each_other() -> None:
    zone = {"_dmarc.example.com": {"TXT": ["v=DMARC1; p=none", "v=DMARC1; p=reject"]}}
    assert "several" in said(answered(examine_dmarc("example.com", (), "example.com"), zone)[0])["DMARC"][1]


REPORT = "rua=mailto:a@b.c"


@pytest.mark.parametrize(
    ("records", "author", "organisation", "policy"),
    [
        ({"example.com": "p=reject"}, "example.com", "example.com", "reject"),
        ({"example.com": "p=reject"}, "a.mail.example.com", "example.com", "reject"),
        ({"example.com": "p=reject; sp=none"}, "news.example.com", "example.com", "none"),
        ({"example.com": "p=reject", "mail.example.com": "p=none"}, "a.mail.example.com", "example.com", "reject"),  # the highest, not the nearest
        ({"example.com": "p=reject", "a.mail.example.com": "p=none"}, "a.mail.example.com", "example.com", "none"),
        ({"example.com": "p=reject", "mail.example.com": "p=none; psd=n"}, "a.mail.example.com", "mail.example.com", "none"),
        ({"com": "p=reject; psd=y"}, "a.mail.example.com", "example.com", "reject"),
        ({"com": "p=reject; psd=y", "example.com": "p=none"}, "a.example.com", "example.com", "none"),
        ({"mail.example.com": "p=none; psd=y"}, "mail.example.com", "mail.example.com", "none"),
        ({}, "a.example.com", "a.example.com", None),
    ],
)
def test_the_walk_up_the_name(records: dict[str, str], author: str, organisation: str, policy: str | None) -> None:
    zone = {f"_dmarc.{name}": {"TXT": [f"v=DMARC1; {record}; {REPORT}"]} for name, record in records.items()}
    walked, _ = answered(walk(author), zone)
    assert walked.organisation == organisation
    assert (walked.policy.policy(author) if walked.policy else None) == policy


def test_the_walk_ends_where_an_organisation_declares_itself() -> None:
    zone = {"_dmarc.mail.example.com": {"TXT": [f"v=DMARC1; p=none; psd=n; {REPORT}"]}}
    assert answered(walk("a.mail.example.com"), zone)[1] == ["TXT _dmarc.a.mail.example.com", "TXT _dmarc.mail.example.com"]


def test_a_long_name_is_asked_for_eight_times_as_the_rfc_shows() -> None:
    assert names_to_ask("a.b.c.d.e.f.g.h.i.j.mail.example.com") == [
        "a.b.c.d.e.f.g.h.i.j.mail.example.com", "g.h.i.j.mail.example.com", "h.i.j.mail.example.com", "i.j.mail.example.com", "j.mail.example.com",
        "mail.example.com", "example.com", "com",
    ]  # fmt: skip
    assert names_to_ask("mail.example.com") == ["mail.example.com", "example.com", "com"]


@given(st.lists(st.from_regex(r"[a-z]{1,3}", fullmatch=True), min_size=1, max_size=20))
def test_no_walk_asks_more_than_eight_times(labels: list[str]) -> None:
    domain = ".".join(labels)
    _, asked = answered(walk(domain), {})
    assert len(asked) == min(len(labels), 8)
    assert asked[0] == f"TXT _dmarc.{domain}"


@pytest.mark.parametrize(
    ("tags", "author", "signing", "mail_from", "level", "words"),
    [
        ("", "example.com", ("example.com",), "example.com", "ok", "by DKIM and SPF"),
        ("", "news.example.com", ("example.com",), "news.example.com", "ok", "by DKIM and SPF"),
        ("adkim=s; ", "news.example.com", ("example.com",), "news.example.com", "fail", "does not align"),
        ("adkim=s; ", "example.com", ("example.com",), "example.com", "ok", "by DKIM and SPF"),
        ("aspf=s; ", "example.com", ("example.com",), "bounces.example.com", "ok", "by DKIM."),
        ("", "example.com", (), "example.com", "warn", "by SPF; only a signature survives forwarding"),
        ("", "example.com", (), "relay.example", "fail", "Nothing aligns"),
        ("", "example.com", ("relay.example",), "example.com", "fail", "does not align"),
    ],
)
def test_alignment(tags: str, author: str, signing: tuple[str, ...], mail_from: str, level: str, words: str) -> None:
    found = dmarc({"example.com": f"v=DMARC1; p=none; {tags}{REPORT}"}, author, signing, mail_from)["DMARC alignment"]
    assert (found[0], words in found[1]) == (level, True), found


def test_a_subdomain_that_is_its_own_organisation_does_not_align_with_its_parent() -> None:
    records = {"example.com": f"v=DMARC1; p=none; {REPORT}", "news.example.com": f"v=DMARC1; p=none; psd=n; {REPORT}"}
    assert dmarc(records, "news.example.com")["DMARC alignment"][0] == "fail"
    assert dmarc(records, "news.example.com", ("news.example.com",))["DMARC alignment"][0] == "ok"


@pytest.mark.parametrize(
    ("records", "level", "words"),
    [
        ({"MX": ["5 mx1.example.com."]}, "ok", "go to mx1.example.com"),
        ({"MX": ["0 ."]}, "fail", "takes no mail"),
        ({"A": ["192.0.2.1"]}, "warn", "no MX"),
        ({"AAAA": ["2001:db8::1"]}, "warn", "no MX"),
        ({}, "fail", "neither MX nor address"),
        ({"SERVFAIL": []}, "fail", "was not answered"),
    ],
)
def test_the_senders_domain_takes_answers(records: dict[str, list[str]], level: str, words: str) -> None:
    finding, _ = answered(examine_mail_servers("example.com"), {"example.com": records})
    assert (finding.level, words in finding.words) == (level, True)


def test_lists_of_tags() -> None:
    assert read_tags("v=DKIM1; P = a=b ;; ") == {"v": "DKIM1", "p": "a=b"}
    assert read_tags("v") is None
    assert read_tags("=x") is None
    assert read_tags("a=1; A=2") is None

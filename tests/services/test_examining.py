"""`nurture doctor` against real servers on loopback: a name server with ill zones, relays, a web server, both databases, Redis."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from api.app import create_app
from nurture.bootstrap import App
from nurture.domain.documents import Policy
from nurture.domain.tokens import TokenKey
from nurture.mail.dkim_keys import KeyFolder
from nurture.mail.lookups import Resolver
from nurture.mail.relay_address import RelayAddress
from nurture.services.examining import Installation, examine, examine_sending
from nurture.services.examining.sending_domain import examine_domain
from nurture.store.database import Database
from nurture.store.documents import save_document
from nurture.store.workspace import ensure_workspace, halt
from tests.support.desk import open_desk
from tests.support.names import NameServer
from tests.support.people import NOW
from tests.support.sending import POLICY
from tests.support.servers import RedisServer
from tests.support.signatures import ED, RSA, key_folder
from tests.support.smtp import SinkMaker, make_authority
from tests.support.zones import DMARC, said, zone

RELAY = RelayAddress.read("smtp://smtp.relay.example:587")


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    return key_folder(tmp_path / "dkim", RSA, ED)


async def examined(server: NameServer, folder: KeyFolder, sender: str = "anna@example.com") -> dict[str, tuple[str, str]]:
    return said(await examine_domain(Resolver(server.place), sender, [RELAY], folder))


ILL: dict[str, tuple[dict[str, Any], set[str]]] = {
    "no SPF": ({"example.com": {"TXT": ["site-verification=1"]}}, {"SPF"}),
    "two SPF": ({"example.com": {"TXT": ["v=spf1 -all", "v=spf1 include:_spf.relay.example -all"]}}, {"SPF"}),
    "eleven look-ups": ({"_spf.relay.example": "v=spf1 " + "a:mx1.example.com " * 10 + "-all", "mx1.example.com": {"A": ["192.0.2.1"]}}, {"SPF"}),
    "an include of nothing": ({"_spf.relay.example": None}, {"SPF"}),
    "three void look-ups": ({"_spf.relay.example": "v=spf1 a:x.example a:y.example mx:z.example -all"}, {"SPF"}),
    "another relay": ({"example.com": "v=spf1 ip4:203.0.113.1 -all"}, {"SPF relay"}),
    "no DKIM record": ({"s2026a._domainkey.example.com": None}, {"DKIM s2026a"}),
    "another DKIM key": ({"s2026a-ed._domainkey.example.com": "v=DKIM1; k=ed25519; p=" + "A" * 43 + "="}, {"DKIM s2026a-ed"}),
    "a revoked key": ({"s2026a._domainkey.example.com": "v=DKIM1; p="}, {"DKIM s2026a"}),
    "no DMARC": ({"_dmarc.example.com": None}, {"DMARC"}),
    "p missing": ({"_dmarc.example.com": "v=DMARC1"}, {"DMARC"}),
    "two DMARC": ({"_dmarc.example.com": {"TXT": [DMARC, "v=DMARC1; p=none"]}}, {"DMARC"}),
    "tags of old": ({"_dmarc.example.com": f"{DMARC}; pct=20"}, {"DMARC"}),
    "no MX": ({"example.com": {"MX": ["0 ."]}}, {"MX"}),
    "a dead server": ({"_dmarc.example.com": {"SERVFAIL": []}}, {"DMARC"}),
}


async def test_a_domain_that_is_well(name_server: NameServer, folder: KeyFolder) -> None:
    name_server.publish(zone())
    found = await examined(name_server, folder)
    assert {check: level for check, (level, _) in found.items()} == dict.fromkeys(
        ["MX", "SPF", "SPF relay", "DKIM s2026a", "DKIM s2026a-ed", "DMARC", "DMARC alignment"], "ok"
    )
    assert "mx1.example.com" in found["MX"][1]  # the lowest preference
    assert len(name_server.asked) == len(set(name_server.asked))  # nothing is asked twice


@pytest.mark.parametrize("illness", ILL)
async def test_each_illness_is_found_and_nothing_else(name_server: NameServer, folder: KeyFolder, illness: str) -> None:
    changes, ill = ILL[illness]
    name_server.publish(zone(**changes))
    found = await examined(name_server, folder)
    assert {check for check, (level, _) in found.items() if level != "ok"} == ill, found
    assert all(words.endswith(".") and "\n" not in words for _, words in found.values())


async def test_a_sender_below_the_domain_is_found_by_the_walk(name_server: NameServer, folder: KeyFolder) -> None:
    below = {"news.example.com": {"TXT": ["v=spf1 include:_spf.relay.example -all"], "MX": ["5 mx1.example.com."]}}
    name_server.publish(zone() | below)
    found = await examined(name_server, folder, "anna@News.Example.com")
    assert {level for level, _ in found.values()} == {"ok"}
    assert "TXT _dmarc.news.example.com" in name_server.asked
    name_server.publish({"_dmarc.example.com": {"TXT": [f"{DMARC}; adkim=s"]}})
    assert (await examined(name_server, folder, "anna@news.example.com"))["DMARC alignment"][0] == "fail"


async def test_letters_whose_bounces_go_to_another_domain(name_server: NameServer, folder: KeyFolder) -> None:
    async def found(domain: str) -> list[tuple[str, str, str]]:
        findings = await examine_domain(Resolver(name_server.place), "anna@example.com", [RELAY], folder, domain)
        return [(f.check, f.level, f.words) for f in findings if f.check in ("MX", "SPF", "DMARC alignment")]

    name_server.publish(zone() | {"b.example.com": {"TXT": ["v=spf1 include:_spf.relay.example -all"], "MX": ["5 b.example.com."]}})
    assert [(check, level) for check, level, _ in await found("b.example.com")] == [("MX", "ok"), ("MX", "ok"), ("SPF", "ok"), ("DMARC alignment", "ok")]
    assert "align by DKIM and SPF" in (await found("b.example.com"))[-1][2]
    name_server.publish({"bounces.example": {"MX": ["5 b.example.com."]}})
    assert [(check, level) for check, level, _ in await found("bounces.example")] == [("MX", "ok"), ("MX", "ok"), ("SPF", "fail"), ("DMARC alignment", "ok")]
    assert "align by DKIM." in (await found("bounces.example"))[-1][2]


async def test_keys_that_do_not_sign_yet_are_only_a_warning(name_server: NameServer, tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path / "dkim")
    folder.make("example.com", "next", "ed25519")
    name_server.publish(zone())
    found = await examined(name_server, folder)
    assert found["DKIM next"] == (
        "warn", "This key does not sign yet and is not published: publish the TXT record next._domainkey.example.com that `nurture dkim show` prints."
    )  # fmt: skip
    assert "Nurture signs nothing for example.com" in found["DKIM"][1]
    (folder.path / "next._domainkey.example.com.pem").write_text("broken")
    assert (await examined(name_server, folder))["DKIM"][0] == "fail"


async def test_a_name_server_that_is_not_there(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        resolver = Resolver(f"127.0.0.1:{silent.getsockname()[1]}")
        resolver._resolver.lifetime = 0.3
        found = said(await examine_domain(resolver, "anna@example.com", [RELAY], KeyFolder(tmp_path / "dkim")))
    assert {check for check, (level, _) in found.items() if level == "fail"} == {"MX", "SPF", "DMARC"}
    assert all("not answered (no answer within 6 s)" in words for level, words in found.values() if level == "fail")


# The whole examination


@pytest.fixture
async def place(sqlite_db: Database, tmp_path: Path, name_server: NameServer) -> Installation:
    return await installed(sqlite_db, tmp_path, name_server)


async def installed(db: Database, tmp_path: Path, name_server: NameServer) -> Installation:
    async with db.write() as tx:
        await ensure_workspace(tx, NOW, b"0" * 16)
        await save_document(tx, Policy.model_validate(POLICY), "live", NOW)
    url = db.engine.url.render_as_string(hide_password=False).replace("+aiosqlite", "").replace("+asyncpg", "")
    name_server.publish(zone())
    return Installation(url, tmp_path, "http://127.0.0.1:9", [TokenKey.derive("a secret")], [], KeyFolder(tmp_path / "dkim"), Resolver(name_server.place))


async def checked(place: Installation, **more: Any) -> dict[str, tuple[str, str]]:
    return said(await examine(replace(place, **more), lambda: datetime.now(UTC)))


async def test_a_quiet_installation(db: Database, tmp_path: Path, name_server: NameServer) -> None:
    found = await checked(await installed(db, tmp_path, name_server))
    if db.sqlite:
        assert found["database"] == ("ok", found["database"][1])
        assert "synchronous=full" in found["database"][1]
    else:  # the throw-away server runs without fsync
        assert found["database"][0] == "fail"
        assert "fsync=off" in found["database"][1]
        assert found["clock"][0] == "ok"
    assert {check: found[check][0] for check in ("policy", "secrets", "time zones", "disk")} == dict.fromkeys(("policy", "secrets", "time zones", "disk"), "ok")
    assert (found["relay"][0], found["base URL"][0]) == ("warn", "warn")
    assert found["SPF"][0] == "ok"


async def test_of_sending_alone_only_the_net_is_asked_and_not_for_long(place: Installation) -> None:
    found = said(await examine_sending(place, "anna@example.com", lambda: datetime.now(UTC)))
    assert {"base URL", "relay", "SPF", "DMARC"} <= found.keys()
    assert found.keys().isdisjoint({"database", "policy", "disk", "secrets"})
    assert found["SPF"][0] == "ok"

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        mute = RelayAddress.read(f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}?tls=none")
        slow = await examine_sending(replace(place, relays=[mute]), "anna@example.com", lambda: datetime.now(UTC), limit=0.3)
    assert said(slow).keys() == {"network"}
    assert "within 0.3 s" in slow[0].words


async def test_what_ails_the_database(db: Database, tmp_path: Path, name_server: NameServer) -> None:
    place = await installed(db, tmp_path, name_server)
    async with db.write() as tx:
        await halt(tx, "the clock jumped")
        await save_document(tx, Policy.model_validate({"policy": "default"}), "live", NOW + timedelta(days=1))
    found = await checked(place, relays=[RelayAddress.read("smtp://127.0.0.1:9?tls=none")])
    assert found["halted"] == ("warn", "Nothing is planned or sent: the clock jumped.")
    assert found["policy"][0] == "fail"
    assert "no sender and no postal_address" in found["policy"][1]
    assert found["DNS"][0] == "warn"
    async with db.write() as tx:
        await tx.exec_driver_sql("ALTER TABLE workspace RENAME TO gone")
    found = await checked(place)
    assert (found["database"][0], "answers with an error" in found["database"][1]) == ("fail", True)
    async with db.write() as tx:
        await tx.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    assert "db upgrade" in (await checked(place))["database"][1]
    async with db.write() as tx:
        await tx.exec_driver_sql("DROP TABLE alembic_version")
    assert "db upgrade" in (await checked(place))["database"][1]


async def test_no_database(place: Installation, tmp_path: Path) -> None:
    found = await checked(place, database_url=f"sqlite:///{tmp_path}/none/nurture.db")
    assert found["database"][0] == "fail"
    assert not (tmp_path / "none").exists()
    (tmp_path / "junk.db").write_bytes(b"this is no database, whatever its name says" * 40)
    found = await checked(place, database_url=f"sqlite:///{tmp_path}/junk.db")
    assert (found["database"][0], "not a database" in found["database"][1]) == ("fail", True)
    found = await checked(place, database_url="postgresql://nurture:hush@127.0.0.1:9/nurture")
    assert (found["database"][0], "hush" in str(found)) == ("fail", False)
    assert found["disk"][0] == "ok"  # the rest is examined all the same


@pytest.mark.redis
async def test_redis(place: Installation, redis_server: RedisServer) -> None:
    assert (await checked(place, redis_url=redis_server.url))["redis"] == ("ok", "Redis answers.")
    found = await checked(place, redis_url="redis://127.0.0.1:9/0")
    assert (found["redis"][0], "NURTURE_REDIS_URL" in found["redis"][1]) == ("fail", True)


async def test_secrets_that_everybody_can_read(place: Installation, tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("x")
    (tmp_path / "secret.key").chmod(0o644)
    assert (await checked(place))["secrets"] == ("warn", f"Every user of this machine can read {tmp_path}/secret.key; run chmod o= on it.")
    (tmp_path / "secret.key").chmod(0o640)
    assert (await checked(place))["secrets"][0] == "ok"


# Relays


async def relay_found(place: Installation, sinks: SinkMaker, url: str | None = None, verify: Any = True, **options: Any) -> dict[str, tuple[str, str]]:
    sink = sinks(**options)
    address = RelayAddress.read(url.format(port=sink.port) if url else sink.url)
    found = await checked(place, relays=[address], verify=verify if verify is not None else sink.context)
    return {check.replace(f"{address.host}:{address.port}", "it"): one for check, one in found.items() if check.startswith("relay")}


async def test_a_relay_that_is_well(place: Installation, smtp_sinks: SinkMaker) -> None:
    found = await relay_found(place, smtp_sinks, verify=None, tls="starttls", username="anna", password="hush")
    assert found["relay it"][0] == "warn", found  # the certificate of the tests lives two days
    assert "ends on" in found["relay it"][1]
    assert "hush" not in str(found)
    assert found["relay it offers"][0] == "warn"
    assert "no PIPELINING, so each letter waits" in found["relay it offers"][1]


async def test_a_relay_with_a_certificate_for_long(place: Installation, smtp_sinks: SinkMaker, tmp_path: Path) -> None:
    authority = make_authority(tmp_path / "long", valid=timedelta(days=90))
    found = await relay_found(place, smtp_sinks, verify=None, tls="tls", authority=authority)
    assert found["relay it"][0] == "ok"
    assert "TLSv1.3, certificate until 20" in found["relay it"][1]
    found = await relay_found(place, smtp_sinks, verify=False, tls="tls", authority=authority)
    assert "Nobody checks" in found["relay it"][1]


@pytest.mark.parametrize(
    ("options", "url", "level", "words"),
    [
        ({"tls": "starttls"}, None, "fail", "certificate is not trusted"),
        ({"tls": "tls"}, None, "fail", "certificate is not trusted"),
        ({}, "smtp://127.0.0.1:{port}?tls=starttls", "fail", "offers no STARTTLS"),
        ({"username": "anna", "password": "right"}, "smtp://anna:wrong@127.0.0.1:{port}?tls=none", "fail", "did not let us in"),
        ({"username": "anna", "password": "right"}, None, "fail", "travels in the clear"),
        ({}, "smtp://anna:right@127.0.0.1:{port}?tls=none", "fail", "did not let us in"),
        ({}, "smtp://127.0.0.1:9?tls=none", "fail", "cannot be reached"),
        ({}, "smtp://nowhere.invalid:{port}?tls=none", "fail", "leads to no address"),
        ({}, None, "ok", "answers, without TLS"),
    ],
)
async def test_what_ails_a_relay(
    place: Installation, smtp_sinks: SinkMaker, options: dict[str, Any], url: str | None, level: str, words: str
) -> None:
    found = await relay_found(place, smtp_sinks, url, **options)
    assert (found["relay it"][0], words in found["relay it"][1]) == (level, True), found
    assert "wrong" not in str(found)


async def test_a_relay_that_does_not_take_our_sender(place: Installation, smtp_sinks: SinkMaker) -> None:
    sink = smtp_sinks()
    sink.script("mail", "553 5.7.1 sender not allowed")
    found = await checked(place, relays=[RelayAddress.read(sink.url)])
    name = f"relay 127.0.0.1:{sink.port}"
    assert found[f"{name} sender"][0] == "fail"
    assert "553 5.7.1 sender not allowed" in found[f"{name} sender"][1]
    assert "mail FROM:<anna@example.com>" in sink.commands
    assert sink.letters == []


async def test_a_relay_that_knows_the_hour(place: Installation, smtp_sinks: SinkMaker) -> None:
    sink = smtp_sinks()
    sink.script("connect", "220 sink.test ESMTP Mon, 2 Mar 2026 09:00:00 +0000")
    found = await checked(place, relays=[RelayAddress.read(sink.url)])
    assert found["clock"][0] == "fail"
    assert f"the relay 127.0.0.1:{sink.port} differ by" in found["clock"][1]
    sink.clear()
    sink.script("connect", f"220 sink.test ESMTP {datetime.now(UTC):%a, %d %b %Y %H:%M:%S} +0000")
    assert (await checked(place, relays=[RelayAddress.read(sink.url)]))["clock"][0] in ("ok", "warn")


# The base URL


@pytest.fixture
async def served(sqlite_db: Database, tmp_path: Path) -> AsyncIterator[tuple[str, App]]:
    """The service itself on loopback."""
    app = open_desk(sqlite_db, tmp_path / "data")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(create_app(app), log_level="error", access_log=False, lifespan="on"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110 - uvicorn offers a flag to look at, no event to wait for
            await asyncio.sleep(0.02)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", app
        server.should_exit = True
        await serving


async def test_the_base_url_leads_to_this_very_service(place: Installation, served: tuple[str, App]) -> None:
    url, app = served
    found = await checked(place, base_url=url, keys=app.keys)
    assert found["base URL"] == ("ok", f"{url} leads to this service.")
    assert found["clock"][0] == "ok"
    assert "another NURTURE_SECRET_KEY" in (await checked(place, base_url=url))["base URL"][1]
    assert "something else answers (404)" in (await checked(place, base_url=f"{url}/elsewhere"))["base URL"][1]
    local = await checked(place, base_url=url, keys=app.keys, relays=[RelayAddress.read("smtp://127.0.0.1:9?tls=none")])
    assert (local["base URL"][0], "only this machine can open" in local["base URL"][1]) == ("fail", True)


async def test_a_stranger_at_the_base_url(place: Installation, tmp_path: Path) -> None:
    program = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(tmp_path)]
    server = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL)
    assert server.stdout
    port = (await server.stdout.readline()).split(b"port ")[1].split()[0].decode()
    try:
        (tmp_path / "health").mkdir()
        (tmp_path / "health" / "live").write_text('{"status": "live"}')
        assert "something else answers (200)" in (await checked(place, base_url=f"http://127.0.0.1:{port}"))["base URL"][1]
        (tmp_path / "health" / "live").unlink()
        (tmp_path / "health" / "live").mkdir()
        assert "sends readers on to /health/live/" in (await checked(place, base_url=f"http://127.0.0.1:{port}"))["base URL"][1]
        assert "wrong version number" in (await checked(place, base_url=f"https://127.0.0.1:{port}"))["base URL"][1].lower()
    finally:
        server.terminate()
        await server.wait()

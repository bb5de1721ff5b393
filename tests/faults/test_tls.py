"""A relay whose encryption fails: nothing is said in clear, nobody is blamed, everything waits with a sentence, and leaves once it is mended."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from nurture.store.ledger import deliveries
from tests.support.household import Household
from tests.support.scripted_sink import FarSide, ScriptedSink
from tests.support.smtp import make_authority

HARMLESS = ("EHLO", "HELO", "STARTTLS", "QUIT")
FAULTS: dict[str, dict[str, Any]] = {
    "no STARTTLS": {"tls": "none"},
    "no answer to STARTTLS": {"tls": "starttls", "fault": "silent"},
    "no handshake": {"tls": "starttls", "fault": "clear"},
    "an expired certificate": {"tls": "starttls", "valid": timedelta(days=-1)},
    "a certificate for another host": {"tls": "starttls", "host": "other.test"},
    "only old TLS": {"tls": "starttls", "newest_tls": "TLSv1_1"},
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("db_url", ["sqlite"], indirect=True)
async def test_no_letter_and_no_password_in_clear(house: Household, far_side: FarSide, fault: str) -> None:
    options = dict(FAULTS[fault])
    strikes = options.pop("fault", None)
    authority = make_authority(house.folder / "ca", options.pop("host", "localhost"), options.pop("valid", timedelta(days=2)))
    pair = [str(authority.certificate.with_name(name)) for name in ("server.pem", "server.key")]
    broken = far_side(auth=True, certificate=pair, **options)
    if strikes:
        broken.script("tls", strikes)
    house.more |= {
        "NURTURE_SMTP_URL": f"smtp://user:password@localhost:{broken.port}?tls=starttls", "SSL_CERT_FILE": str(authority.certificate),
        "NURTURE_SMTP_CONNECT_TIMEOUT": "1s",
    }  # fmt: skip
    await house.fill(people=5)
    worker = house.worker()
    await house.until(house.all_waiting)
    await house.stop(worker)
    clear = [line for line in broken.tell()["commands"] if not line.startswith("tls ")]
    assert clear, "it was asked"
    assert all(line.split(" ")[0] in HARMLESS for line in clear), clear
    assert not broken.at_dot
    assert not [row.id for row in await house.rows() if row.attempts or row.dup_risk], "the try was no letter's fault"
    assert {row.state for row in await house.rows()} <= {"pending", "deferred"}
    assert [row for row in await house.rows() if row.answer], "there is a sentence to read"

    mended = trusted(house, far_side)
    async with house.db.write() as tx:
        await tx.execute(update(deliveries).where(deliveries.c.state == "deferred").values(due_at=datetime.now(UTC)))
    await all_under_tls(house, mended)


def trusted(house: Household, far_side: FarSide) -> ScriptedSink:
    """A relay as it should be, and the settings that lead there."""
    good = make_authority(house.folder / "good")
    pair = [str(good.certificate.with_name(name)) for name in ("server.pem", "server.key")]
    sink = far_side(tls="starttls", auth=True, certificate=pair)
    house.more |= {"NURTURE_SMTP_URL": f"smtp://user:password@localhost:{sink.port}?tls=starttls", "SSL_CERT_FILE": str(good.certificate)}
    return sink


async def all_under_tls(house: Household, sink: ScriptedSink) -> None:
    again = house.worker()
    if await house.halted():
        assert house.worker(arguments=["resume"]).wait() == 0
    await house.until(house.finished)
    await house.stop(again)
    assert set(sink.people.values()) == {1}
    assert len(sink.people) == len(house.people)
    assert all(line.startswith("tls ") or line.split(" ")[0] in HARMLESS for line in sink.tell()["commands"])


@pytest.mark.parametrize("db_url", ["sqlite"], indirect=True)
async def test_words_in_clear_behind_the_220_answer_nothing(house: Household, far_side: FarSide) -> None:
    """Somebody between us and the relay adds an answer of their own to that of STARTTLS: under TLS it must not count as one."""
    sink = trusted(house, far_side)
    sink.script("tls", "inject")
    await house.fill(people=5)
    await all_under_tls(house, sink)

"""The LMTP door before anything is done with a mail: what it offers, and that a mail comes in as it was sent."""

import asyncio
import smtplib

import pytest

from nurture.domain.errors import NurtureError
from nurture.mail.lmtp import LARGEST, listen, read_listen
from tests.support.servers import free_port

RAW = "From: Jürgen <jürgen@example.org>\r\nSubject: Grüße\r\n\r\n.\r\n..two\r\nnot ended".encode() + b" \xff\x00\r\n"


async def test_a_mail_comes_in_byte_for_byte_and_none_that_is_too_large() -> None:
    port, came = free_port(), list[tuple[bytes, str]]()

    async def deliver(raw: bytes, to: str) -> bool:
        came.append((raw, to))
        return True

    def talk() -> tuple[str, int]:
        with smtplib.LMTP("127.0.0.1", port) as client:
            client.sendmail("jürgen@example.org", ["möwe@example.com"], RAW, mail_options=["SMTPUTF8"])
            return client.esmtp_features["size"], client.mail("", [f"SIZE={LARGEST + 1}"])[0]

    server = await listen(f"127.0.0.1:{port}", deliver)
    try:
        assert await asyncio.to_thread(talk) == (str(LARGEST), 552)
    finally:
        server.close()
        await server.wait_closed()
    assert came == [(RAW, "möwe@example.com")]


def test_where_the_door_is() -> None:
    assert read_listen("[::1]:2424") == ("::1", 2424)
    assert read_listen(":1") == ("127.0.0.1", 1)
    assert read_listen("0.0.0.0:65535") == ("0.0.0.0", 65535)
    for wrong in ("2424", "host:", "host:x", "host:0", "host:65536", "host:70000"):
        with pytest.raises(NurtureError, match="NURTURE_LMTP_LISTEN"):
            read_listen(wrong)

"""The look that `nurture doctor` takes at a relay, where the relay is an odd one."""

from pathlib import Path

from nurture.mail.probe import look
from nurture.mail.relay_address import RelayAddress
from tests.support.far_end import Far, FarEnd, far_end
from tests.support.smtp import make_authority


def address_of(end: FarEnd, tls: str = "none") -> RelayAddress:
    return RelayAddress.read(f"smtp://127.0.0.1:{end.port}?tls={tls}")


async def test_what_counts_is_what_a_relay_offers_once_the_line_is_safe(tmp_path: Path) -> None:
    """What it said in the clear may be anybody's word (RFC 3207 4.2)."""
    authority = make_authority(tmp_path)

    async def script(far: Far) -> None:
        await far.greet("STARTTLS", "SIZE 1000")
        await far.encrypt(authority.server)
        await far.hello("PIPELINING", "SIZE 30000000")
        assert await far.line() == "QUIT"
        far.say("221 2.0.0 bye")

    async with far_end(script) as end:
        facts = await look(address_of(end, "starttls"), None, verify=authority.context)
    assert (facts.trouble, facts.tls) == ("", "TLSv1.3")
    assert facts.offers == {"PIPELINING": "", "SIZE": "30000000"}

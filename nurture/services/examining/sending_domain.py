"""What the DNS says of the domain that letters come from: SPF, DKIM, DMARC, and that answers arrive."""

import asyncio
import socket
from collections.abc import Sequence

from nurture.domain.dns.dkim import examine_key
from nurture.domain.dns.dmarc import examine_dmarc
from nurture.domain.dns.mail_servers import examine_mail_servers
from nurture.domain.dns.questions import Question
from nurture.domain.dns.spf import RelayPlace, examine_spf
from nurture.domain.errors import NurtureError
from nurture.domain.findings import Finding
from nurture.mail.dkim_keys import KeyFolder, host_name, published
from nurture.mail.lookups import Resolver
from nurture.mail.relay_address import RelayAddress


async def examine_domain(
    resolver: Resolver, sender: str | None, relays: Sequence[RelayAddress], dkim: KeyFolder, bounce_domain: str | None = None
) -> list[Finding]:
    """`sender`: the address in From; None where the policy names none yet, and then there is nothing to ask. `bounce_domain`: the one in
    MAIL FROM, where it is not the sender's.
    """
    if sender is None:
        return [Finding("DNS", "warn", "Without a sender in the policy there is no domain to ask the DNS for.")]
    try:
        domain = host_name(sender.rpartition("@")[2])
        mail_from = host_name(bounce_domain) if bounce_domain else domain
        keys = dkim.serving(domain)
    except NurtureError as error:
        return [Finding("DKIM", "fail", error.message)]
    found = [await resolver.follow(examine_mail_servers(name)) for name in dict.fromkeys((domain, mail_from))]
    places: list[RelayPlace | None] = [await _place(resolver, relay) for relay in relays]
    for number, place in enumerate(places or [None]):
        findings = await resolver.follow(examine_spf(mail_from, place))
        found += findings[1:] if number else findings
    if not any(signs for _, signs in keys):
        words = f"Nurture signs nothing for {domain}; make a key with `nurture dkim new`, unless your relay signs with d={domain}."
        found.append(Finding("DKIM", "warn", words))
    found += [await resolver.follow(examine_key(published(key), signs=signs)) for key, signs in keys]
    signing = sorted({key.domain for key, signs in keys if signs})
    return [*found, *await resolver.follow(examine_dmarc(domain, signing, mail_from))]


async def _place(resolver: Resolver, relay: RelayAddress) -> RelayPlace:
    """Its addresses by the name system; a name that only this machine knows is asked for here."""
    known = [*(await resolver.ask(Question(relay.host, "A"))).values, *(await resolver.ask(Question(relay.host, "AAAA"))).values]
    if known:
        return RelayPlace(relay.host, tuple(known))
    try:
        found = await asyncio.get_running_loop().getaddrinfo(relay.host, relay.port, type=socket.SOCK_STREAM)
    except OSError:
        return RelayPlace(relay.host)  # that it has no address is told where it is reached for
    return RelayPlace(relay.host, tuple(dict.fromkeys(str(info[4][0]).partition("%")[0] for info in found)))

"""How often one address may knock: counted in this process, in memory that does not grow."""

import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, IPv6Network, ip_address


def household(address: str) -> str:
    """Who is counted: an IPv4 address, or the /64 of an IPv6 one, since whoever has one address of it has them all (RFC 4291 2.5.1)."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or IPv6Network((int(found) >> 64 << 64, 64)))
    return str(found)


class Limit:
    """`take(who)`: True while `who` stays under `most` in `seconds`; 0: always. The window begins anew once it is over."""

    def __init__(self, most: int, seconds: float, keep: int = 20_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._seconds, self._keep, self._clock = most, seconds, keep, clock
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def take(self, who: str) -> bool:
        if not self._most:
            return True
        now = self._clock()
        begun, count = self._seen.get(who, (now, 0))
        if now - begun >= self._seconds:
            begun, count = now, 0
        self._seen[who] = (begun, count + 1)
        self._seen.move_to_end(who)
        while len(self._seen) > self._keep:
            self._seen.popitem(last=False)
        return count < self._most

"""How often one address may knock: counted in this process, in memory that does not grow."""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

AN_HOUR = 3600.0  # seconds


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


def household(ip: str) -> str:
    """Who is counted as one: an IPv4 address, or the /64 that any line of IPv6 is given whole (RFC 6177); words stay as they are."""
    try:
        found = ipaddress.ip_address(ip.partition("%")[0])
    except ValueError:
        return ip
    if isinstance(found, ipaddress.IPv6Address):
        return str(found.ipv4_mapped or ipaddress.IPv6Network((found, 64), strict=False).network_address)
    return ip

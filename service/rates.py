"""Rates: how often a key or an address may ask, counted in memory that is bounded.

    "60/minute" -> Rates -> spend("key:…") -> nothing, or RateLimited with the seconds to wait

The arithmetic is the library's, fixed windows. Its own store in memory starts a thread for each
count and keeps all addresses that it meets; ours keeps the latest.
"""

import ipaddress
import math
import time
from collections import OrderedDict

from limits import RateLimitItem, parse_many
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from service.errors import RateLimited

MAX_COUNTED = 50_000
"""Keys and addresses counted at once; some 300 bytes each. The one not seen longest goes first."""

WRONG_KEYS = "10/minute"
"""Wrong keys that one address may try."""

_IPV6_PREFIX = 64
"""A subscriber has at least so many addresses of IPv6 (RFC 6177), and may use them all."""


class LatestCounts(Storage):
    """Counts of windows, of the latest `MAX_COUNTED` callers. For one thread, the event loop's."""

    STORAGE_SCHEME = None

    def __init__(self, max_counted: int = MAX_COUNTED) -> None:
        super().__init__()
        self._max_counted = max_counted
        self._windows: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._windows)

    @property
    def base_exceptions(self) -> type[Exception]:
        """What the library would wrap; nothing is raised here."""
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count, in a window of `expiry` seconds that begins with the first time."""
        count, ends_at_s = self._windows.pop(key, (0, 0.0))
        now_s = time.time()
        if ends_at_s <= now_s:
            count, ends_at_s = 0, now_s + expiry
        self._windows[key] = (count + amount, ends_at_s)
        if len(self._windows) > self._max_counted:
            self._windows.popitem(last=False)
        return count + amount

    def get(self, key: str) -> int:
        """The count of the window."""
        count, ends_at_s = self._windows.get(key, (0, 0.0))
        return count if ends_at_s > time.time() else 0

    def get_expiry(self, key: str) -> float:
        """When the window ends, in seconds since 1970."""
        return self._windows.get(key, (0, time.time()))[1]

    def check(self) -> bool:
        """It is always there."""
        return True

    def reset(self) -> int:
        """Forget all."""
        forgotten = len(self._windows)
        self._windows.clear()
        return forgotten

    def clear(self, key: str) -> None:
        """Forget one."""
        self._windows.pop(key, None)


class Rates:
    """What each caller may spend."""

    def __init__(self, allowed: str, *, max_counted: int = MAX_COUNTED) -> None:
        """Allow so much, such as "60/minute" or "5/second;1000/hour"; nothing is limited by "".

        Raises:
            ValueError: `allowed` is not written so.
        """
        self._items: list[RateLimitItem] = parse_many(allowed) if allowed else []
        self._counts = LatestCounts(max_counted)
        self._windows = FixedWindowRateLimiter(self._counts)

    def spend(self, who: str) -> None:
        """Count one request.

        Raises:
            RateLimited: `who` has spent what is allowed.
        """
        for item in self._items:
            if not self._windows.hit(item, who):
                ends_at_s = self._windows.get_window_stats(item, who).reset_time
                wait_s = max(1, math.ceil(ends_at_s - time.time()))
                raise RateLimited(f"more than {item} were made; wait {wait_s} s", wait_s)


def counted_address(address: str) -> str:
    """The address as it is counted: of IPv6 the network that one subscriber has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed.packed, _IPV6_PREFIX), strict=False))

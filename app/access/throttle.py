"""Wrong passwords are slowed down: by who is guessed at, by where from, and by both together."""

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

FORGOTTEN = 900.0  # seconds after the last wrong password
REMEMBERED = 10_000  # names and addresses


@dataclass(frozen=True)
class Limit:
    """``free`` wrong passwords at once; then 1, 2, 4 ... seconds up to ``longest``."""

    free: int
    longest: float  # seconds


# One person mistypes; one computer is shared by several; a name can be guessed at from many
# computers, but must not be locked for its owner by that.
BOTH, ADDRESS, NAME = Limit(5, 900), Limit(20, 900), Limit(20, 30)


@dataclass
class Failures:
    count: int = 0
    last: float = 0.0
    wait_until: float = 0.0


class Throttle:
    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, ...], Failures] = OrderedDict()

    def wait(self, name: str, address: str) -> float:
        """Seconds until another password may be tried; 0 where one may be now."""
        now = self._clock()
        with self._lock:
            known = (self._known.get(key) for key, _ in limits(name, address))
            return max(0.0, *(one.wait_until - now if one else 0.0 for one in known))

    def failed(self, name: str, address: str) -> None:
        """Count a wrong password, or one that is about to be looked at."""
        now = self._clock()
        with self._lock:
            for key, limit in limits(name, address):
                one = self._known.setdefault(key, Failures())
                if now - one.last > FORGOTTEN:
                    one.count = 0
                one.count, one.last = one.count + 1, now
                over = one.count - limit.free
                if over >= 0:
                    one.wait_until = now + min(limit.longest, 2.0 ** min(over, 20))
                self._known.move_to_end(key)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)

    def passed(self, name: str, address: str) -> None:
        """Take back the failure that was counted before the password was looked at.

        What was mistyped for this name is forgotten; what else came from this address still counts.
        """
        with self._lock:
            for key, limit in limits(name, address):
                if limit is not ADDRESS:
                    self._known.pop(key, None)
                elif key in self._known:
                    self._known[key].count -= 1
                    self._known[key].wait_until = 0.0


def limits(name: str, address: str) -> tuple[tuple[tuple[str, ...], Limit], ...]:
    name, network = name[:64], network_of(address)
    return (("both", name, network), BOTH), (("address", network), ADDRESS), (("name", name), NAME)


def network_of(address: str) -> str:
    """One computer has whole networks of IPv6 addresses; they count as one."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if found.version == 6:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)

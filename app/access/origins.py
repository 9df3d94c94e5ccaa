"""Under which names the page is served, and by which way requests must come."""

import ipaddress

from starlette.requests import Request

from app.settings import ANY, LOOPBACK, Settings


class Origins:
    def __init__(self, settings: Settings):
        self.scheme = "https" if settings.encrypted else "http"
        self.hosts = hosts_of(settings)
        self.proxy = settings.proxy

    def host_is_ours(self, request: Request) -> bool:
        return request.headers.get("host", "").lower() in self.hosts

    def from_our_page(self, request: Request) -> bool:
        origin = request.headers.get("origin")
        site = request.headers.get("sec-fetch-site")
        if site is not None and site not in ("same-origin", "none"):
            return False
        if origin is None:
            return site is not None
        return origin == f"{self.scheme}://{request.headers.get('host', '').lower()}"

    def by_the_right_way(self, request: Request) -> bool:
        """Where there is a proxy, nobody else may come."""
        peer = request.client.host if request.client else ""
        return self.proxy is None or same_address(peer, self.proxy)

    def address(self, request: Request) -> str:
        """Where a request comes from: the peer, or who the proxy says it speaks for.

        A browser can write what it likes into the header; the last word is the proxy's own.
        """
        peer = request.client.host if request.client else ""
        if self.proxy is None:
            return peer
        told = request.headers.getlist("x-forwarded-for")
        last = ",".join(told).rpartition(",")[2].strip()
        return last if is_address(last) else peer


def hosts_of(settings: Settings) -> frozenset[str]:
    """What the Host of a request may be, as browsers write it: a usual port is left out."""
    names = list(settings.names)
    if settings.proxy is None:
        on_this = ("localhost", "127.0.0.1", "[::1]")
        if settings.host in LOOPBACK:
            names += on_this
        elif settings.host not in ANY:
            names.append(bracketed(settings.host))
        usual = 443 if settings.encrypted else 80
        with_port = {f"{name}:{settings.port}" for name in names}
        return frozenset(with_port | (set(names) if settings.port == usual else set()))
    return frozenset(names)


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def same_address(one: str, other: str) -> bool:
    try:
        return ipaddress.ip_address(one) == ipaddress.ip_address(other)
    except ValueError:
        return False

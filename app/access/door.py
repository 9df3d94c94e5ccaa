"""Who stands behind a request: a browser without users, a person where there are users."""

import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request

from app.access import passwords
from app.access.logins import Logins
from app.access.throttle import Throttle
from app.access.users import User, Users
from app.settings import Settings

BROWSER = re.compile(r"[\w-]{20,64}")
WRONG = "The name or the password is not right."
POLLS = re.compile(r"/api/(jobs/[^/]+|account)|/gradio_api/heartbeat/\w+")


@dataclass(frozen=True)
class Who:
    """``owner`` is what everything of this person or browser is kept under; None: nobody yet."""

    owner: str | None
    user: User | None = None
    token: str | None = None


class TooManyAttempts(Exception):
    """``seconds`` until the next one is looked at."""

    def __init__(self, seconds: float):
        super().__init__()
        self.seconds = max(1, round(seconds + 0.499))


class Door:
    """Whether there are users is settled at the start; ``users`` is None without them."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic):
        # Cookies know no ports; with the port in the name, two programs stay apart.
        self.browser_cookie = f"xreal_session_{settings.port}"
        secure = settings.encrypted
        self.login_cookie = f"{'__Host-' if secure else ''}xreal_login_{settings.port}"
        self.attributes = f"Path=/; HttpOnly; SameSite=Strict{'; Secure' if secure else ''}"
        users = Users(settings.users)
        self.users = users if users.all() else None
        self.logins = Logins(users, clock)
        self.throttle = Throttle(clock)
        if self.users is not None:
            passwords.nobody()

    def who(self, request: Request) -> Who:
        if self.users is None:
            value = request.cookies.get(self.browser_cookie, "")
            return Who(value if BROWSER.fullmatch(value) else None)
        token = request.cookies.get(self.login_cookie)
        active = request.method == "POST" or not POLLS.fullmatch(request.url.path)
        user = self.logins.user(token, active=active)
        return Who(None) if user is None else Who(user.owner, user, token)

    def visit(self, who: Who) -> str | None:
        """The cookie to set where a page is opened; without users each visit begins a year."""
        if self.users is not None:
            return None
        own = who.owner or secrets.token_urlsafe(24)
        return f"{self.browser_cookie}={own}; Max-Age={365 * 86_400}; {self.attributes}"

    def check(self, name: str, password: str, address: str) -> User | None:
        """The user with this name and password. Raises TooManyAttempts before any work is done."""
        assert self.users is not None
        wait = self.throttle.wait(name, address)
        if wait > 0:
            raise TooManyAttempts(wait)
        # Counted before it is known, so that many at once do not all come through.
        self.throttle.failed(name, address)
        user = self.users.named(name)
        if not passwords.matches(password, user.hash if user else None):
            return None
        self.throttle.passed(name, address)
        return user

    def entered(self, user: User) -> str:
        """The cookie of a new login; it goes when the browser is closed."""
        return f"{self.login_cookie}={self.logins.begin(user)}; {self.attributes}"

    def left(self) -> str:
        return f"{self.login_cookie}=; Max-Age=0; {self.attributes}"

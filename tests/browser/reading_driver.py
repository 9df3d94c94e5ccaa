"""A reader at work in a real browser, by keyboard; the room's policy forbids evaluating texts, so
everything waits for what is on the page."""

import re
from typing import Any

PATIENCE = 120_000  # ms; for a slow machine, not a claim


class ReaderAt:
    """One tab with the reading room open. Script errors are collected in ``faults``."""

    def __init__(self, page: Any, url: str) -> None:
        self.page = page
        self.url = url
        self.faults: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.faults.append(str(error)))

    def open(self) -> None:
        self.page.goto(self.url)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def enter(self, code: str) -> None:
        self.page.locator("#code").wait_for()
        self.page.keyboard.type(code)
        self.press("Enter")

    def begin(self, code: str) -> None:
        """From the code to the first case, without the mouse."""
        self.open()
        self.enter(code)
        self.page.locator("#agree").wait_for()
        self.press("Space", "Enter")
        self.page.locator("#squares").wait_for()
        self.press("Space", "Enter")
        self.page.get_by_role("heading", name="How to read").first.wait_for()
        self.press("Enter")
        self.case()

    def case(self) -> None:
        """Wait for a case that can be answered."""
        self.page.locator("body[data-stage=trial] fieldset:enabled").first.wait_for()

    @property
    def position(self) -> str:
        return self.page.locator("#position").inner_text()

    def at(self, text: str) -> None:
        """Wait until the bar says where the reader is."""
        self.page.locator("#position", has_text=re.compile(rf"^{re.escape(text)}\b")).wait_for()

    def says(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for()

    def saved(self) -> None:
        """Wait until the server has acknowledged all that was answered."""
        self.page.locator("#saved", has_text=re.compile("^Saved [0-9]")).wait_for()

    def not_saved(self) -> None:
        self.page.locator("#saved", has_text="Not saved yet").wait_for()

    def chosen(self) -> list[str]:
        """The names of the answers that are chosen now."""
        found = self.page.locator("fieldset input[type=radio]:checked").all()
        return [str(one.get_attribute("aria-label")) for one in found]

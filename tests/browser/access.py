"""What assistive software is told of a page, and whether a person can read it: for the tests."""

from pathlib import Path
from typing import Any

SCRIPT = (Path(__file__).parent / "access.js").read_text("utf-8")


def contrast(page: Any) -> list[str]:
    """Texts that do not stand out from their ground, with their ratios."""
    page.evaluate(SCRIPT)
    return page.evaluate("access.contrast('body')")


def small(page: Any, side: int) -> list[str]:
    """What can be pressed and is smaller than ``side`` px."""
    page.evaluate(SCRIPT)
    return page.evaluate("access.small", side)


def outside(page: Any) -> list[str]:
    """What can be pressed but cannot be brought onto the screen."""
    page.evaluate(SCRIPT)
    return page.evaluate("access.outside()")


def untold(page: Any) -> list[str]:
    """Controls of the request panel and the bar without a word when the pointer rests on them."""
    page.evaluate(SCRIPT)
    return page.evaluate("access.untold()")


def nodes(page: Any) -> list[dict[str, Any]]:
    """The accessibility tree as the browser gives it to assistive software, ignored nodes left."""
    session = page.context.new_cdp_session(page)
    tree = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    return [node for node in tree if not node.get("ignored")]


def role(node: dict[str, Any]) -> str:
    return str(node.get("role", {}).get("value", ""))


def name(node: dict[str, Any]) -> str:
    return str(node.get("name", {}).get("value", "")).strip()


def is_focusable(node: dict[str, Any]) -> bool:
    told = {p["name"]: p["value"].get("value") for p in node.get("properties", [])}
    return bool(told.get("focusable"))


def unnamed(page: Any) -> list[str]:
    """Roles of what can be focused but says no name."""
    places = {"RootWebArea", "generic", "none", "dialog", "listbox", "scrollbar", "group"}
    return [
        f"{role(node)} {node.get('description', {}).get('value', '')}"
        for node in nodes(page)
        if is_focusable(node) and role(node) not in places and not name(node)
    ]


def missing(page: Any, wanted: dict[str, list[str]]) -> list[str]:
    """Of the names by role those that no visible element of the page has, as substrings."""
    return [
        f"{kind}: {one}"
        for kind, names in wanted.items()
        for one in names
        if not any(page.get_by_role(kind, name=one).all())
    ]

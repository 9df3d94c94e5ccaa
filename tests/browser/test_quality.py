"""The quality that a page begins with is that of its models, until a person chooses."""

from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.app.fake_engine import FakeEngine
from tests.app.served import serving
from tests.browser.test_edit_page import READY


class Slow(FakeEngine):
    """Models that nobody would wait for at standard, as published ones on a processor."""

    def defaults(self, verb, quality=None):
        return replace(super().defaults(verb, quality), quality=quality or "draft")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory):
    with serving(Slow(), tmp_path_factory.mktemp("data")) as running:
        yield running.url


def test_a_draft_is_what_slow_models_begin_with_and_a_choice_stays(url: str, page: Any) -> None:
    page.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    page.goto(url)
    page.wait_for_function(READY)
    details = page.locator("#details > button")
    expect(details).to_contain_text("Details: Draft, 10 steps")

    details.click()
    expect(page.get_by_role("radio", name="Draft")).to_be_checked()
    with page.expect_response(lambda answer: "/gradio_api/" in answer.url):
        page.get_by_role("radio", name="Standard").click()
    expect(details).to_contain_text("Details: Standard, 20 steps")

    details.click()
    expect(page.get_by_role("radio", name="Standard")).to_be_hidden()
    expect(details).to_contain_text("Details: Standard, 20 steps")
    page.reload()
    page.wait_for_function(READY)
    expect(details).to_contain_text("Details: Standard, 20 steps")

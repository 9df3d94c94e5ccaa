import logging
import stat

import pytest

from app import messages
from engine.errors import InvalidRequest


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "logs" / "page.log"
    loggers = [logging.getLogger(name) for name in ("app", "engine")]
    before = [list(logger.handlers) for logger in loggers]
    messages.log_to(path)
    yield path
    for logger, handlers in zip(loggers, before, strict=True):
        logger.handlers = handlers


def fault():
    name = "DOE^JOHN 123456.png"
    raise ValueError(f"cannot read '/home/ward/{name}' of {name!r}")


def test_what_a_person_can_act_on_is_shown_as_it_stands():
    assert messages.sentence(InvalidRequest("The region is empty.")) == "The region is empty."


def test_a_fault_of_ours_shows_a_number_and_logs_no_names(log):
    try:
        fault()
    except ValueError as error:
        said = messages.sentence(error)

    written = log.read_text()
    incident = said.rsplit(" ", 1)[1].rstrip(".")
    assert incident in written and "ValueError" in written and "in fault" in written
    for secret in ("DOE", "JOHN", "123456", "ward"):
        assert secret not in written and secret not in said


def test_the_log_can_be_read_by_its_owner_only(log):
    assert stat.S_IMODE(log.stat().st_mode) == 0o600

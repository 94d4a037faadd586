"""Log lines: one JSON object each, whoever writes them."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from app.core.config import Settings
from app.observability.logging import access_log, configure_logging
from app.request_context import REQUEST


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Restore the process's set-up after each test."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
def in_request() -> Iterator[None]:
    token = REQUEST.set({"request_id": "r-1", "trace_id": "t-1"})
    yield
    REQUEST.reset(token)


def settings(**changes: Any) -> Settings:
    values: dict[str, Any] = {"ENVIRONMENT": "staging", **changes}
    return Settings(**values)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_structlog_and_the_standard_library_end_alike(capsys: pytest.CaptureFixture[str], in_request: None) -> None:
    configure_logging(settings())
    structlog.get_logger("app").info("ours", count=1)
    logging.getLogger("uvicorn.error").warning("theirs %d", 2)
    ours, theirs = lines(capsys)
    assert (ours["event"], ours["level"], ours["count"]) == ("ours", "info", 1)
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("theirs 2", "warning", "uvicorn.error")
    for line in (ours, theirs):
        assert (line["request_id"], line["trace_id"]) == ("r-1", "t-1")
        assert line["timestamp"].endswith("Z")


def test_uvicorn_writes_no_access_line_of_its_own() -> None:
    configure_logging(settings())
    assert not logging.getLogger("uvicorn.access").hasHandlers()


def test_outside_of_a_request_there_is_no_id(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(settings())
    structlog.get_logger("app").info("x")
    assert "request_id" not in lines(capsys)[0]


def test_an_exception_is_part_of_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(settings())
    try:
        raise ZeroDivisionError("why")
    except ZeroDivisionError:
        structlog.get_logger("app").exception("failed")
        logging.getLogger("other").exception("failed too")
    for line in lines(capsys):
        assert line["exception"][0]["exc_type"] == "ZeroDivisionError"


def test_a_traceback_holds_no_values(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(settings())
    password = "hidden-word"
    try:
        raise ValueError(len(password))
    except ValueError:
        structlog.get_logger("app").exception("failed")
    assert "hidden-word" not in capsys.readouterr().out


def test_what_is_no_json_is_written_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(settings())
    structlog.get_logger("app").info("x", what={1, 2}, error=ValueError("y"))
    assert lines(capsys)[0]["error"] == "y"


def test_the_level_is_a_setting(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(settings(log_level="WARNING"))
    structlog.get_logger("app").info("no")
    logging.getLogger("x").info("no")
    structlog.get_logger("app").warning("yes")
    assert [line["event"] for line in lines(capsys)] == ["yes"]
    assert access_log(settings(log_level="WARNING")) is None


def test_text_on_a_developers_machine(capsys: pytest.CaptureFixture[str]) -> None:
    local = settings(ENVIRONMENT="local")
    configure_logging(local)
    write = access_log(local)
    assert write is not None
    write({"method": "GET", "path": "/x", "route": "", "status": 200, "duration_ms": 1.5, "client": None})
    assert "GET /x -> 200" in capsys.readouterr().out


def test_a_path_cannot_forge_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    write = access_log(settings())
    assert write is not None
    path = '/a\n{"event":"forged"}'
    write({"method": "GET", "path": path, "route": "", "status": 200, "duration_ms": 1.5, "client": None})
    (line,) = lines(capsys)
    assert line["event"] == "request"

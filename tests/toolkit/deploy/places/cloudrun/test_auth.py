"""Credentials of Google, and answers that refuse them."""

import sys

import pytest

from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.cloudrun import errors
from toolkit.deploy.places.cloudrun.auth import TOKEN, Tokens


def test_missing_package_is_one_line_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN, raising=False)
    monkeypatch.setitem(sys.modules, "google.auth", None)
    with pytest.raises(Failed) as failed:
        Tokens().access()
    assert failed.value.failure.code == "GOOGLE_AUTH_MISSING"
    assert failed.value.failure.hint == '.venv/bin/uv add --dev "google-auth[requests]"'
    assert failed.value.failure.evidence == ()


def test_token_of_gcloud_needs_no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, "given")
    monkeypatch.setitem(sys.modules, "google.auth", None)
    assert Tokens().access() == "given"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "GOOGLE_NOT_LOGGED_IN"),
        (403, "GOOGLE_DENIED"),
        (404, "GOOGLE_NOT_FOUND"),
        (429, "THROTTLED"),
        (503, "GOOGLE_UNAVAILABLE"),
        (400, "GOOGLE_REFUSED"),
    ],
)
def test_answers(status: int, code: str) -> None:
    text = '{"error": {"code": 1, "message": "the reason", "status": "X"}}'
    failure = errors.failure(status, text, "service shop").failure
    assert failure.code == code
    assert failure.evidence == ("the reason",)
    assert failure.hint


def test_answer_in_another_form_is_shown() -> None:
    assert errors.message_of("<html>proxy</html>") == "<html>proxy</html>"
    assert errors.message_of("") == "no reason given"

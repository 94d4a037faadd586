"""The required form of every error response (RFC 9457)."""

from typing import Any

from httpx2 import Response

MEMBERS = {"type", "title", "status", "instance", "code", "request_id"}


def assert_problem(response: Response, status: int, code: str | None = None) -> dict[str, Any]:
    """The body of a problem with this status (and code)."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem.keys() >= MEMBERS
    assert problem["status"] == status
    assert problem["request_id"] == response.headers["X-Request-ID"]
    assert code is None or problem["code"] == code
    return problem

"""Request headers in the OpenAPI document.

FastAPI takes 6 us a request for each header that it reads itself. So dependencies read them from the request, and say
here which ones, with `@reads(IF_MATCH)`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from fastapi.dependencies.models import Dependant

Parameter = dict[str, Any]
Dependency = TypeVar("Dependency", bound=Callable[..., Any])

LONGEST_KEY = 255


def _header(name: str, description: str, **schema: Any) -> Parameter:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string", **schema},
    }


IF_MATCH = _header(
    "If-Match",
    "`ETag` of the version that the change is meant for; another version is left alone (412).",
    examples=['"1"'],
)
IF_NONE_MATCH = _header(
    "If-None-Match", "`ETag` of the version at hand; while it is the current one, the answer is 304.", examples=['"1"']
)
IDEMPOTENCY_KEY = _header(
    "Idempotency-Key",
    "A key of the client's choice, such as a UUID: a retry with the same key and body gets the first answer again.",
    minLength=1,
    maxLength=LONGEST_KEY,
    examples=["5f3c8f5a-7d1e-4c1b-9a53-2f1f0f8f7a11"],
)

_READ: dict[Callable[..., Any], tuple[Parameter, ...]] = {}


def reads(*parameters: Parameter) -> Callable[[Dependency], Dependency]:
    """Mark a dependency or an endpoint with the headers that it reads from the request."""

    def mark(dependency: Dependency) -> Dependency:
        _READ[dependency] = parameters
        return dependency

    return mark


def headers_read_by(dependant: Dependant) -> list[Parameter]:
    """Return the marked headers of an endpoint and of all of its dependencies."""
    found = list(_READ.get(dependant.call, ())) if dependant.call is not None else []
    for inner in dependant.dependencies:
        found += headers_read_by(inner)
    return found

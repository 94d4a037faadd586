"""Hooks for schemathesis: what is well-formed and refused all the same, as the problem's codes say.

A cursor, ETag or key may be the wrong one, and a decimal in a string may be out of its bounds.
"""

from typing import Any

import orjson
import schemathesis
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import Failure
from schemathesis.openapi.checks import RejectedPositiveData

WRONG_BUT_WELL_FORMED = frozenset(
    {
        *("invalid_cursor", "precondition_failed", "idempotency_key_reused"),
        # % if cookiecutter.auth == "accounts"
        *("invalid_grant", "token_used", "password_weak", "unknown_role"),
        # % endif
    }
)
OUT_OF_BOUNDS = frozenset({"greater_than", "greater_than_equal", "less_than", "less_than_equal"})


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case, response: Response) -> bool:
    """Drop "valid data should have been accepted" for the values that only the service can judge."""
    if not isinstance(failure, RejectedPositiveData):
        return True
    problem = _problem(response)
    return problem.get("code") not in WRONG_BUT_WELL_FORMED and not _is_out_of_bounds(problem, case.body)


def _is_out_of_bounds(problem: dict[str, Any], body: object) -> bool:
    """Return True if every fault is a bound of a member sent as a string: JSON Schema has no bounds for those."""
    faults = problem.get("errors", [])
    return bool(faults) and all(
        fault["code"] in OUT_OF_BOUNDS
        and isinstance(body, dict)
        and isinstance(body.get(fault.get("pointer", "").removeprefix("#/")), str)
        for fault in faults
    )


def _problem(response: Response) -> dict[str, Any]:
    try:
        content = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return {}
    return content if isinstance(content, dict) else {}

"""Hooks for schemathesis: a well-formed cursor, ETag or key may be the wrong one, and the problem's code says so."""

import orjson
import schemathesis
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import Failure
from schemathesis.openapi.checks import RejectedPositiveData

WRONG_BUT_WELL_FORMED = frozenset({"invalid_cursor", "precondition_failed", "idempotency_key_reused"})


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case, response: Response) -> bool:
    """Drop "valid data should have been accepted" for the values that only the service can judge."""
    return not isinstance(failure, RejectedPositiveData) or _code(response) not in WRONG_BUT_WELL_FORMED


def _code(response: Response) -> object:
    try:
        content = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None
    return content.get("code") if isinstance(content, dict) else None

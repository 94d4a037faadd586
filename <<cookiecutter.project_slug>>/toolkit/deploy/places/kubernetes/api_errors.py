"""Conversion of the API's remaining exceptions to Failed, so that users see no traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from toolkit.deploy.outcomes import fail
from toolkit.deploy.places.kubernetes.client import FieldConflict
from toolkit.deploy.places.kubernetes.retry import NotFound, WriteConflict

AGAIN = "run the same command again: it starts from the current state"


@contextmanager
def named() -> Iterator[None]:
    """Convert exceptions. Raises Failed NOT_FOUND, DRIFT or CONFLICT for changes between a plan and its apply."""
    try:
        yield
    except NotFound as error:
        hint = f"if the namespace was deleted, create it and its Secret again; then {AGAIN}"
        raise fail("NOT_FOUND", f"an object of the cluster does not exist: {error}", hint=hint) from None
    except FieldConflict as error:
        hint = "add that change to the repository, or pass --correct-drift to overwrite it"
        raise fail("DRIFT", f"{error.item} was changed by another manager", *map(str, error.found), hint=hint) from None
    except WriteConflict as error:
        body = error.args[0] if error.args else {}
        message = str(body.get("message", "")) if isinstance(body, dict) else str(body)
        raise fail("CONFLICT", "an object was changed concurrently", message, hint=AGAIN) from None

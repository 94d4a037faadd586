"""Strings in exactly one form, as in the OpenAPI document.

In lax mode Pydantic accepts "0" as a date (a Unix time), "1_000" as a number and "on" as true.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable

from pydantic import BeforeValidator


def _formed(form: str, example: str) -> Callable[[object], object]:
    pattern = re.compile(form, re.ASCII)

    def check(value: object) -> object:
        if isinstance(value, str) and not pattern.fullmatch(value):
            raise ValueError(f"must have the form {example}")
        return value

    return check


def _string(check: Callable[[object], object]) -> BeforeValidator:
    """Check a JSON value, which must be a string; a Python value comes from the code and passes."""

    def check_string(value: object) -> object:
        if not isinstance(value, (str, dt.date, uuid.UUID)):
            raise ValueError("must be a string")
        return check(value)

    return BeforeValidator(check_string)


def _number(value: object) -> object:
    if isinstance(value, (str, bool)):
        raise ValueError("must be a number")
    return value


# In JSON.
NUMBER = BeforeValidator(_number)
DATE = _string(_formed(r"\d{4}-\d\d-\d\d", "2026-01-31"))
# RFC 3339, 5.6.
MOMENT = _string(
    _formed(
        r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)",
        "2026-01-31T12:00:00Z or 2026-01-31T12:00:00+01:00",
    )
)
UUID = _string(_formed(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", "01890a5d-ac96-774b-bcce-b302099a8057"))

# In a query all values are strings.
WHOLE = BeforeValidator(_formed(r"-?\d{1,20}(\.0+)?", "12"))
NUMERAL = BeforeValidator(_formed(r"-?\d{1,400}(\.\d{1,400})?([Ee][+-]?\d{1,3})?", "12.50"))
BOOLEAN = BeforeValidator(_formed(r"[Tt]rue|[Ff]alse", "true or false"))

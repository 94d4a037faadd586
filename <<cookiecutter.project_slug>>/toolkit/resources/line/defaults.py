"""The default of a field: validation for its type, and its canonical text."""

import datetime as dt
import re
import uuid

from toolkit.resources.line.errors import quote
from toolkit.resources.line.model import NUMBERS, Field, scaled
from toolkit.resources.line.numbers import NumberError, column_number

# A longer text is content, not a default, and would not fit into a line of generated code.
TEXT_LENGTH = 64

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)


class DefaultError(ValueError):
    """The text is not a valid default of the field; the message says what is."""


def canonical(field: Field, text: str) -> str:
    """Return the canonical form of a default: 1.50 -> 1.5, TRUE is invalid, datetimes in UTC. Raises DefaultError."""
    if field.type in ("ref", "json"):
        reason = "a reference to a particular row" if field.type == "ref" else "a document"
        raise DefaultError(
            f"`{field.type}` takes no default ({reason} belongs in code); remove it, or write `?` to allow null"
        )
    maker = {"bool": _bool, "date": _date, "datetime": _datetime, "uuid": _uuid, "enum": _enum}.get(field.type)
    if field.type in NUMBERS:
        maker = _number
    return (maker or _text)(field, text)


def _number(field: Field, text: str) -> str:
    try:
        plain = column_number(field.type, text, field.scale or 0, field.precision)
    except NumberError as error:
        raise DefaultError(f"the default {error}{_flag_hint(text)}") from error
    scale = len(plain.partition(".")[2])
    for check in field.checks:
        common = max(scale, len(check.number.partition(".")[2]))
        value, bound = scaled(plain, common), scaled(check.number, common)
        holds = {">": value > bound, ">=": value >= bound, "<": value < bound, "<=": value <= bound}[check.operator]
        if not holds:
            raise DefaultError(
                f"the default {plain} violates the field's own check `{check}`; expected a value that satisfies it"
            )
    return plain


def _bool(_: Field, text: str) -> str:
    if text not in ("true", "false"):
        raise DefaultError(f"the default {quote(text)} is not a bool; expected true or false{_flag_hint(text)}")
    return text


def _date(_: Field, text: str) -> str:
    try:
        if _DATE.fullmatch(text):
            return dt.date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise DefaultError(f"the default {quote(text)} is not a date; expected one such as 2026-01-31{_flag_hint(text)}")


def _datetime(_: Field, text: str) -> str:
    if text == "now":
        return text
    try:
        if _DATETIME.fullmatch(text):
            moment = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
            return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError):
        pass
    message = "expected `now`, or a moment with its zone such as 2026-01-31T12:00:00Z"
    raise DefaultError(f"the default {quote(text)} is not a datetime; {message}{_flag_hint(text)}")


def _uuid(_: Field, text: str) -> str:
    if re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text):
        return str(uuid.UUID(text))
    form = "00000000-0000-0000-0000-000000000000"
    raise DefaultError(f"the default {quote(text)} is not a uuid; expected the form {form}{_flag_hint(text)}")


def _enum(field: Field, text: str) -> str:
    if text in field.values:
        return text
    raise DefaultError(
        f"the default {quote(text)} is invalid; expected one of {', '.join(field.values)}{_flag_hint(text)}"
    )


def _text(field: Field, text: str) -> str:
    if not text.isprintable():
        raise DefaultError("the default has a control or other invisible character; expected printable ones")
    least, most = field.min_length, min(field.max_length or TEXT_LENGTH, TEXT_LENGTH)
    if not least <= len(text) <= most:
        raise DefaultError(f"the default has {len(text)} characters; expected {least} to {most}")
    return text


def _flag_hint(text: str) -> str:
    return "; `?` and `!` go before the default" if text.endswith(("?", "!")) else ""

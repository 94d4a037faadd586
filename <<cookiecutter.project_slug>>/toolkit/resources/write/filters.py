"""From the data model to Python and SQL text: the filters of the resource's templates. Pure."""

import json
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from toolkit.resources.line.model import INTEGERS, Check, Field
from toolkit.resources.line.names import camel

EXAMPLES = {
    "float": "1.5",
    "bool": "True",
    "date": '"2026-01-31"',
    "datetime": '"2026-01-31T12:00:00Z"',
    "uuid": '"01890a5d-ac96-774b-bcce-b302099a8057"',
    "ref": '"01890a5d-ac96-774b-bcce-b302099a8057"',
    "json": '{"key": "value"}',
}

EXAMPLE_LENGTH = 60
PIECE_LENGTH = 100


def python(text: str) -> str:
    """Return a string literal in the formatter's style: with the quotes that need fewer escapes."""
    literal = json.dumps(text, ensure_ascii=False)
    if text.count('"') <= text.count("'"):
        return literal
    inner = literal[1:-1].replace('\\"', '"').replace("'", "\\'")
    return f"'{inner}'"


def pieces(text: str) -> str:
    """A string literal in parts, divided between words: ruff joins what fits a line, and divides nothing."""
    parts = textwrap.wrap(text, PIECE_LENGTH, break_long_words=False, break_on_hyphens=False, drop_whitespace=False)
    return " ".join(map(python, parts))


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def together(names: Sequence[str]) -> str:
    """Return names for a sentence: `a`, `b` and `c`."""
    quoted = [f"`{name}`" for name in names]
    return f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def sql_check(check: Check) -> str:
    return f"{check.operator} {check.number}"


def bound(check: Check) -> str:
    """Return an argument of pydantic.Field; a fraction is a Decimal, because no float is exactly 0.1."""
    number = f'decimal.Decimal("{check.number}")' if "." in check.number else check.number
    return f"{check.keyword}={number}"


def whole_bounds(field: Field) -> str:
    """Return the arguments of pydantic.Field that keep an integer within its checks and its column."""
    name = "INT" if field.type == "int" else "BIGINT"
    lower = bound(field.lower) if field.lower else f"ge=base.{name}_MIN"
    upper = bound(field.upper) if field.upper else f"le=base.{name}_MAX"
    return f"{lower}, {upper}"


def number_bounds(field: Field) -> str:
    return "".join(f"{bound(check)}, " for check in field.checks)


def sql_default(field: Field) -> str:
    return "sa.func.now()" if field.default == "now" and field.type == "datetime" else python(field.default or "")


def python_default(field: Field) -> str:
    """Return the default as an expression of the field's Python type."""
    text = field.default or ""
    if field.type in ("int", "bigint", "float"):
        return text
    if field.type == "bool":
        return text.capitalize()
    form = {
        "decimal": "decimal.Decimal({})",
        "date": "dt.date.fromisoformat({})",
        "datetime": "dt.datetime.fromisoformat({})",
        "uuid": "uuid.UUID({})",
    }.get(field.type, "{}")
    return form.format(python(text))


def example(field: Field, number: int = 0) -> str:
    """Return a valid value as a JSON literal in Python. Each `number` (0 to 9) gives a unique field another value."""
    if field.type == "enum":
        return python(field.values[number % len(field.values)])
    if field.type in ("str", "text"):
        text = python(example_text(field, number))
        # A long one is written as an expression, to fit into the line.
        return f'{text}.ljust({field.min_length}, "x")' if field.min_length > len(text) - 2 else text
    if field.type in INTEGERS or field.type == "decimal":
        return example_number(field, number)
    if field.type in ("uuid", "date") and number:
        return EXAMPLES[field.type][:-2] + f'{number}"'
    if field.type == "float":
        return example_float(field, number)
    return EXAMPLES[field.type]


def example_text(field: Field, number: int) -> str:
    stem = f"A {field.name.replace('_', ' ')}"
    text = f"{stem} {number}" if number else stem
    most = field.max_length or 255
    text = text if len(text) <= most else f"{number}" if number or most < 2 else text[:most]
    return text if field.min_length > EXAMPLE_LENGTH else text.ljust(field.min_length, "x")


def example_number(field: Field, number: int) -> str:
    low, high = field.span or (0, 0)
    scale = field.scale or 0
    wish = 10**scale * 10 - (1 if scale else 0)  # 9.99, or 10 for a whole number
    value = min(max(wish if low <= wish <= high else low, low) + number, high)
    return python(plain(value, scale)) if field.type == "decimal" else str(value)


def plain(value: int, scale: int) -> str:
    """Return a count of last places as text: plain(150, 2) == "1.50". Exact, unlike a Decimal of 38 digits."""
    digits = str(abs(value)).rjust(scale + 1, "0")
    text = f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits
    return f"-{text}" if value < 0 else text


def decimal_span(field: Field) -> list[str]:
    """Return least and greatest value and the step, as Python strings."""
    low, high = field.span or (0, 0)
    scale = field.scale or 0
    return [python(plain(number, scale)) for number in (low, high, 1)]


def float_span(field: Field) -> list[str]:
    low, high = (float(check.number) if check else None for check in (field.lower, field.upper))
    low = low if low is not None else (high - 1000 if high is not None else 0.0)
    high = high if high is not None else low + 1000
    return [repr(low + (high - low) / 4), repr(high - (high - low) / 4)]


def example_float(field: Field, number: int) -> str:
    low, high = (float(check.number) if check else None for check in (field.lower, field.upper))
    if low is not None and high is not None:
        return repr(low + (high - low) * (number + 1) / 12)
    if low is not None:
        return repr(low + 1.5 + number)
    return repr(high - 1.5 - number) if high is not None else repr(1.5 + number)


def digit(field: Field, place: int) -> str:
    """Return the expression of a value by the number `row`, of which it is the digit at a place value."""
    index = f"row // {place} % {field.capacity}" if place > 1 else f"row % {field.capacity}"
    if field.type == "bool":
        return f"{index} == 1"
    if field.type == "enum":
        return f"({', '.join(map(python, field.values))})[{index}]"
    low = (field.span or (0, 0))[0]
    return f"{low} + {index}" if low else index


FILTERS: Mapping[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        camel,
        python,
        pieces,
        lines,
        together,
        sql_check,
        bound,
        whole_bounds,
        number_bounds,
        sql_default,
        python_default,
        decimal_span,
        digit,
        float_span,
        example,
    )
}

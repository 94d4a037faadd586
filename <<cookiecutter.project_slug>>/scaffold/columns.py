"""From a field as written to a column: its type's arguments, checks and default, each refused where it makes no sense."""

import difflib
import re
from collections.abc import Callable, Mapping
from functools import partial

from . import names
from .defaults import DefaultError, canonical
from .faults import quote
from .model import INDEX_LENGTH, NUMBERS, TYPES, Check, Field, Names
from .numeric import NumberError, check_number
from .syntax import RawField, Word

Report = Callable[[int, str], None]

MAX_LENGTH = 65_536
MAX_PRECISION = 38
ENUM_VALUES, ENUM_LENGTH = 50, 40
# A unique column with fewer possible values than this is full before it is of use.
UNIQUE_VALUES = 100

_ALIASES = {
    **dict.fromkeys(("string", "varchar", "char", "email", "url", "slug", "character"), "str"),
    **dict.fromkeys(("integer", "smallint", "number", "serial"), "int"),
    **dict.fromkeys(("long", "bigserial"), "bigint"),
    **dict.fromkeys(("money", "numeric"), "decimal(12,2)"),
    **dict.fromkeys(("double", "real"), "float"),
    **dict.fromkeys(("timestamp", "timestamptz", "time"), "datetime"),
    **dict.fromkeys(("jsonb", "dict", "list", "object", "array"), "json"),
    **dict.fromkeys(("fk", "reference", "references", "foreign_key", "foreignkey"), "ref(resource)"),
    **dict.fromkeys(("choice", "choices", "literal"), "enum(a|b)"),
    "guid": "uuid",
    "boolean": "bool",
}
_FORMS = {"decimal": "`decimal(10,2)`", "enum": "`enum(a|b)`", "ref": "`ref(resource)`"}


def build(raw: RawField, resources: Mapping[str, Names], report: Report) -> Field | None:
    """The column for a field, or None where its type is not known; `report(offset, message)` takes each fault.

    `resources` holds every resource that a reference may point to.
    """
    faults = _Counter(report)
    if raw.type.text not in TYPES:
        faults(raw.type.offset, unknown(raw.type.text))
        return None
    arguments = _arguments(raw, resources, faults)
    nullable, unique = _flags(raw, faults)
    checks = _checks(raw, arguments.get("scale", 0), faults)
    field = Field(column_name(raw), raw.type.text, nullable, unique, None, checks, **arguments)
    if faults.count:
        return field
    _contradictions(raw, field, faults)
    if unique:
        _uniqueness(raw, field, faults)
    if faults.count or raw.default is None:
        return field
    try:
        return Field(field.name, field.type, nullable, unique, canonical(field, raw.default.text), checks, **arguments)
    except DefaultError as error:
        faults(raw.default.offset, str(error))
    return field


def column_name(raw: RawField) -> str:
    """The column: `product:ref(product)` is kept as product_id."""
    name = raw.name.text
    return f"{name}_id" if raw.type.text == "ref" and not name.endswith("_id") else name


def unknown(given: str) -> str:
    """The message for an unknown type, with the nearest known one."""
    lower = given.lower()
    near = (
        lower if lower in TYPES else _ALIASES.get(lower) or next(iter(difflib.get_close_matches(lower, TYPES, 1)), "")
    )
    hint = f"; did you mean `{near}`?" if near else ""
    return f"{quote(given)} is no type; expected one of {', '.join(TYPES)}{hint}"


class _Counter:
    def __init__(self, report: Report) -> None:
        self.count = 0
        self._report = report

    def __call__(self, offset: int, message: str) -> None:
        self.count += 1
        self._report(offset, message)


def _arguments(raw: RawField, resources: Mapping[str, Names], report: Report) -> dict:
    given, type_ = raw.arguments, raw.type.text
    if type_ == "str":
        return _lengths(given, report) if given else {"max_length": 255}
    reader = {"decimal": _digits, "enum": _values, "ref": partial(_reference, resources)}.get(type_)
    if reader is None:
        if given:
            way = "; a text with bounds is `str(1..100)`" if type_ == "text" else ""
            report(given.offset - 1, f"`{type_}` takes nothing in parentheses, found {quote(given.text)}{way}")
        return {}
    if given is None:
        report(raw.type.offset, f"`{type_}` alone says too little; expected {_FORMS[type_]}")
        return {}
    return reader(given, report)


def _lengths(given: Word, report: Report) -> dict:
    found = re.fullmatch(r"\s*([0-9]{0,9})\s*\.\.\s*([0-9]{1,9})\s*", given.text)
    if not found:
        alone = re.fullmatch(r"\s*([0-9]{1,9})\s*", given.text)
        way = f"; did you mean `str(..{alone[1]})`?" if alone else ""
        report(
            given.offset,
            f"{quote(given.text)} is no pair of lengths; expected `(min..max)` or `(..max)`, as in `str(1..100)`{way}",
        )
        return {}
    low, high = int(found[1] or 0), int(found[2])
    if not 1 <= high <= MAX_LENGTH:
        report(
            given.offset, f"the greatest length is {high}; expected 1 to {MAX_LENGTH}, and `text` for what is longer"
        )
    elif low > high:
        report(given.offset, f"the lengths are reversed: {low} is more than {high}; expected `({high}..{low})`")
    return {"min_length": low, "max_length": high}


def _digits(given: Word, report: Report) -> dict:
    found = re.fullmatch(r"\s*([0-9]{1,9})\s*,\s*([0-9]{1,9})\s*", given.text)
    if not found:
        report(
            given.offset,
            f"{quote(given.text)} is no precision and scale; expected all digits and decimal places, `decimal(10,2)`",
        )
        return {}
    precision, scale = int(found[1]), int(found[2])
    if not 1 <= precision <= MAX_PRECISION:
        report(given.offset, f"the precision is {precision} digits; expected 1 to {MAX_PRECISION}")
    elif scale > precision:
        report(
            given.offset,
            f"{scale} decimal places do not fit {precision} digits in all; did you mean `({scale},{precision})`?",
        )
    return {"precision": precision, "scale": scale}


def _values(given: Word, report: Report) -> dict:
    values: list[str] = []
    offset = given.offset
    for part in given.text.split("|"):
        value, place = part.strip(), offset + len(part) - len(part.lstrip())
        offset += len(part) + 1
        if not re.fullmatch(r"[A-Za-z0-9_-]+", value):
            place = min(place, given.offset + len(given.text))
            report(
                place,
                f"{quote(value)} is no value of an enum; expected letters a-z and A-Z, digits, `_` and `-`, as in `enum(a|b)`",
            )
        elif len(value) > ENUM_LENGTH:
            report(place, f"the value has {len(value)} characters; expected at most {ENUM_LENGTH}")
        elif value in values:
            report(place, f"the value `{value}` is there twice; drop one")
        values.append(value)
    if not 2 <= len(values) <= ENUM_VALUES:
        many = "1 value" if len(values) == 1 else f"{len(values)} values"
        report(given.offset, f"the enum has {many}; expected 2 to {ENUM_VALUES}, and `str` where the values are open")
    return {"values": tuple(values)}


def _reference(resources: Mapping[str, Names], given: Word, report: Report) -> dict:
    name = given.text.strip()
    if name in resources:
        return {"ref": resources[name]}
    near = next(iter(difflib.get_close_matches(name, resources, 1)), "")
    way = f"did you mean `{near}`?" if near else "write that resource too, in the same text or before"
    there = f"; there is {', '.join(sorted(resources))}" if resources else ""
    report(given.offset, f"there is no resource {quote(name)} to refer to{there}; {way}")
    return {}


def _flags(raw: RawField, report: Report) -> tuple[bool, bool]:
    signs = [flag.text for flag in raw.flags]
    for index, flag in enumerate(raw.flags):
        if flag.text in signs[:index]:
            report(flag.offset, f"`{flag.text}` is there twice; drop one")
    return "?" in signs, "!" in signs


def _checks(raw: RawField, scale: int, report: Report) -> tuple[Check, ...]:
    type_ = raw.type.text
    checks: list[Check] = []
    for operator, number in raw.checks:
        if type_ not in NUMBERS:
            way = "the length of a text is bounded by `str(1..100)`" if type_ in ("str", "text") else "drop it"
            report(
                operator.offset,
                f"{quote(operator.text + number.text)} is a bound for numbers and `{type_}` is none; {way}",
            )
            continue
        if any(check.operator[0] == operator.text[0] for check in checks):
            side = "from below" if operator.text[0] == ">" else "from above"
            report(
                operator.offset, f"{quote(operator.text + number.text)} is a second bound {side}; keep the narrower one"
            )
            continue
        try:
            checks.append(Check(operator.text, check_number(type_, number.text, scale)))
        except NumberError as error:
            report(operator.offset, f"{quote(operator.text + number.text)}: {error}")
    return tuple(checks)


def _contradictions(raw: RawField, field: Field, report: Report) -> None:
    low, high = field.span or (0, 0)
    empty = low > high
    if field.type == "float" and field.lower and field.upper:
        least, most = float(field.lower.number), float(field.upper.number)
        empty = least > most or (
            least == most and "".join(check.operator for check in field.checks) not in (">=<=", "<=>=")
        )
    if empty:
        bounds = " and ".join(f"`{check}`" for check in field.checks)
        message = f"no `{field.type}` is {bounds}; expected bounds that leave a value, such as `>=0<=10`"
        report(raw.checks[0][0].offset if raw.checks else raw.type.offset, message)


def _uniqueness(raw: RawField, field: Field, report: Report) -> None:
    offset = next(flag.offset for flag in raw.flags if flag.text == "!")
    if field.type in ("text", "json") or (field.max_length or 0) > INDEX_LENGTH:
        report(
            offset,
            f"`!` needs an index, whose entries hold {INDEX_LENGTH} characters; expected `str(..{INDEX_LENGTH})` or shorter",
        )
    elif raw.default is not None:
        report(
            offset, "a unique field with a default lets one row leave it out and no second; drop the `!` or the default"
        )
    elif (count := _capacity(field)) < UNIQUE_VALUES:
        message = (
            f"`!` would allow {count} rows in all, as the field has no more values; drop the `!` or widen the field"
        )
        report(offset, message)


def _capacity(field: Field) -> int:
    if field.span:
        return field.span[1] - field.span[0] + 1
    if field.type == "bool":
        return 2
    if field.type == "str":
        return 36 ** min(field.max_length or 1, 6)
    return len(field.values) or UNIQUE_VALUES


def name_fault(name: str, what: str) -> str | None:
    """Why a name is not legal and what is, or None."""
    if names.NAME.fullmatch(name):
        return None
    made = names.suggestion(name)
    way = f"; did you mean `{made}`?" if made else ""
    return f"{quote(name)} is no name for a {what}; expected {names.NAME_RULE}{way}"

"""The type of a field: its name, and its arguments in parentheses."""

import difflib
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypedDict, get_args

from toolkit.resources.line.errors import clipped, quote
from toolkit.resources.line.field import TYPES, OnDelete
from toolkit.resources.line.resource_names import Names
from toolkit.resources.line.syntax import RawField, Word

# Called with the offset and the message of a fault.
Report = Callable[[int, str], None]

STR_LENGTH, MAX_LENGTH = 255, 65_536
MAX_PRECISION = 38
ENUM_VALUES, ENUM_LENGTH = 50, 40

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
_ACTIONS: Mapping[str, OnDelete] = {action: action for action in get_args(OnDelete)}
_ACTION_ALIASES = {
    **dict.fromkeys(("set_null", "setnull", "nullify", "none", "set null"), "null"),
    **dict.fromkeys(("delete", "delete_all", "all"), "cascade"),
    **dict.fromkeys(("protect", "no_action", "no action", "refuse", "deny"), "restrict"),
}
_FORMS = {"decimal": "`decimal(10,2)`", "enum": "`enum(a|b)`", "ref": "`ref(resource)`"}


class Arguments(TypedDict, total=False):
    """Keywords of `model.Field` from the parentheses."""

    min_length: int
    max_length: int
    precision: int
    scale: int
    values: tuple[str, ...]
    ref: Names
    on_delete: OnDelete


def unknown(given: str) -> str:
    """Return the message for an unknown type, with the nearest known one."""
    lower = given.lower()
    near = (
        lower if lower in TYPES else _ALIASES.get(lower) or next(iter(difflib.get_close_matches(lower, TYPES, 1)), "")
    )
    hint = f"; did you mean `{near}`?" if near else "."
    return f"unknown type {quote(given)}{hint} Types: {', '.join(TYPES)}"


def arguments_of(raw: RawField, resources: Mapping[str, Names], report: Report) -> Arguments:
    """Return the arguments of a field; faults are passed to `report`."""
    given, type_ = raw.arguments, raw.type.text
    if type_ == "str":
        return _lengths(given, report) if given else {"max_length": STR_LENGTH}
    reader = {"decimal": _digits, "enum": _values, "ref": partial(_reference, resources)}.get(type_)
    if reader is None:
        if given:
            way = "; a text with bounds is `str(1..100)`" if type_ == "text" else ""
            report(given.offset - 1, f"`{type_}` takes no arguments, found {quote(given.text)}{way}")
        return {}
    if given is None:
        report(raw.type.offset, f"`{type_}` requires arguments; expected {_FORMS[type_]}")
        return {}
    return reader(given, report)


def _lengths(given: Word, report: Report) -> Arguments:
    found = re.fullmatch(r"\s*([0-9]{0,9})\s*\.\.\s*([0-9]{1,9})\s*", given.text)
    if not found:
        alone = re.fullmatch(r"\s*([0-9]{1,9})\s*", given.text)
        way = f"; did you mean `str(..{alone[1]})`?" if alone else ""
        report(
            given.offset,
            f"{quote(given.text)} is not a length range; expected `(min..max)` or `(..max)`, as in `str(1..100)`{way}",
        )
        return {}
    low, high = int(found[1] or 0), int(found[2])
    if not 1 <= high <= MAX_LENGTH:
        report(given.offset, f"the maximum length is {high}; expected 1 to {MAX_LENGTH}, or `text` for longer values")
    elif low > high:
        report(given.offset, f"the lengths are reversed: {low} is more than {high}; expected `({high}..{low})`")
    return {"min_length": low, "max_length": high}


def _digits(given: Word, report: Report) -> Arguments:
    found = re.fullmatch(r"\s*([0-9]{1,9})\s*,\s*([0-9]{1,9})\s*", given.text)
    if not found:
        report(
            given.offset,
            f"{quote(given.text)} is not a precision and scale; expected digits and decimal places, `decimal(10,2)`",
        )
        return {}
    precision, scale = int(found[1]), int(found[2])
    if not 1 <= precision <= MAX_PRECISION:
        report(given.offset, f"the precision is {precision} digits; expected 1 to {MAX_PRECISION}")
    elif scale > precision:
        report(
            given.offset,
            f"{scale} decimal places do not fit into {precision} digits; did you mean `({scale},{precision})`?",
        )
    return {"precision": precision, "scale": scale}


def _values(given: Word, report: Report) -> Arguments:
    values: list[str] = []
    offset = given.offset
    for part in given.text.split("|"):
        value, place = part.strip(), offset + len(part) - len(part.lstrip())
        offset += len(part) + 1
        if not re.fullmatch(r"[A-Za-z0-9_-]+", value):
            place = min(place, given.offset + len(given.text))
            report(
                place,
                f"{quote(value)} is not a valid enum value; expected letters, digits, `_` and `-`, as in `enum(a|b)`",
            )
        elif len(value) > ENUM_LENGTH:
            report(place, f"the value has {len(value)} characters; expected at most {ENUM_LENGTH}")
        elif value in values:
            report(place, f"duplicate value `{value}`; remove one")
        values.append(value)
    if not 2 <= len(values) <= ENUM_VALUES:
        many = "1 value" if len(values) == 1 else f"{len(values)} values"
        report(given.offset, f"the enum has {many}; expected 2 to {ENUM_VALUES}, or `str` for an open set of values")
    return {"values": tuple(values)}


def _reference(resources: Mapping[str, Names], given: Word, report: Report) -> Arguments:
    text, comma, rest = given.text.partition(",")
    name = text.strip()
    place = given.offset + len(text) + 1 + len(rest) - len(rest.lstrip())
    action = _action(Word(rest.strip(), place), report) if comma else "restrict"
    if name in resources:
        return {"ref": resources[name], "on_delete": action}
    near = next(iter(difflib.get_close_matches(name, resources, 1)), "")
    way = f"did you mean {quote(near)}?" if near else "add that resource too, in the same text or before"
    some = ", ".join([*map(clipped, sorted(resources)[:8]), *(["..."] if len(resources) > 8 else [])])
    there = f"; resources: {some}" if resources else ""
    report(given.offset, f"unknown resource {quote(name)}{there}; {way}")
    return {}


def _action(given: Word, report: Report) -> OnDelete:
    """Return what a delete of the referred row does."""
    if given.text in _ACTIONS:
        return _ACTIONS[given.text]
    lower = given.text.lower()
    near = _ACTION_ALIASES.get(lower) or next(iter(difflib.get_close_matches(lower, _ACTIONS, 1)), "")
    hint = f"; did you mean `{near}`?" if near else "."
    report(given.offset, f"unknown action on delete {quote(given.text)}{hint} Actions: {', '.join(_ACTIONS)}")
    return "restrict"

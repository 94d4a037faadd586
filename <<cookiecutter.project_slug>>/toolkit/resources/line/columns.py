"""From a field as written to a column: type, arguments, checks and default, each validated."""

from collections.abc import Mapping

from toolkit.resources.line.arguments import Report, arguments_of, unknown
from toolkit.resources.line.defaults import DefaultError, canonical
from toolkit.resources.line.errors import quote
from toolkit.resources.line.field import INDEX_LENGTH, MANY, NUMBERS, TYPES, Check, Field
from toolkit.resources.line.numbers import NumberError, check_number
from toolkit.resources.line.resource_names import Names
from toolkit.resources.line.syntax import RawField


def build(raw: RawField, resources: Mapping[str, Names], report: Report) -> Field | None:
    """Return the column for a field, or None for an unknown type; each fault is passed to `report(offset, message)`.

    `resources` holds every resource that a reference may point to.
    """
    faults = _Counter(report)
    if raw.type.text not in TYPES:
        faults(raw.type.offset, unknown(raw.type.text))
        return None
    arguments = arguments_of(raw, resources, faults)
    nullable, unique = _flags(raw, faults)
    checks = _checks(raw, arguments.get("scale", 0), faults)
    field = Field(column_name(raw), raw.type.text, nullable, unique, None, checks, **arguments)
    if faults.count:
        return field
    if field.on_delete == "null" and not nullable:
        faults(raw.type.offset, f"`null` requires a nullable field; write `?` after it, as in `{_optional(raw)}`")
    _contradictions(raw, field, faults)
    if unique and not faults.count:
        _uniqueness(raw, field, faults)
    if faults.count or raw.default is None:
        return field
    try:
        return Field(field.name, field.type, nullable, unique, canonical(field, raw.default.text), checks, **arguments)
    except DefaultError as error:
        faults(raw.default.offset, str(error))
    return field


def column_name(raw: RawField) -> str:
    """Return the column's name: `product:ref(product)` is stored as product_id."""
    name = raw.name.text
    return f"{name}_id" if raw.type.text == "ref" and not name.endswith("_id") else name


def _optional(raw: RawField) -> str:
    return f"{raw.name.text}:ref({raw.target}, null)?"


class _Counter:
    def __init__(self, report: Report) -> None:
        self.count = 0
        self._report = report

    def __call__(self, offset: int, message: str) -> None:
        self.count += 1
        self._report(offset, message)


def _flags(raw: RawField, report: Report) -> tuple[bool, bool]:
    signs = [flag.text for flag in raw.flags]
    for index, flag in enumerate(raw.flags):
        if flag.text in signs[:index]:
            report(flag.offset, f"duplicate `{flag.text}`; remove one")
    return "?" in signs, "!" in signs


def _checks(raw: RawField, scale: int, report: Report) -> tuple[Check, ...]:
    type_ = raw.type.text
    checks: list[Check] = []
    for operator, number in raw.checks:
        if type_ not in NUMBERS:
            way = "write the length of a text as `str(1..100)`" if type_ in ("str", "text") else "remove it"
            report(
                operator.offset,
                f"{quote(operator.text + number.text)} is a bound for numbers, which `{type_}` is not; {way}",
            )
            continue
        if any(check.operator[0] == operator.text[0] for check in checks):
            side = "lower" if operator.text[0] == ">" else "upper"
            report(
                operator.offset, f"{quote(operator.text + number.text)} is a second {side} bound; keep the narrower one"
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
        message = f"no `{field.type}` is {bounds}; expected bounds that allow a value, such as `>=0<=10`"
        report(raw.checks[0][0].offset if raw.checks else raw.type.offset, message)


def _uniqueness(raw: RawField, field: Field, report: Report) -> None:
    offset = next(flag.offset for flag in raw.flags if flag.text == "!")
    if field.type in ("text", "json") or (field.max_length or 0) > INDEX_LENGTH:
        report(
            offset,
            f"this is too long for an index entry, which `!` requires; expected `str(..{INDEX_LENGTH})` or shorter",
        )
    elif raw.default is not None:
        report(offset, "only one row could use the default of a unique field; remove the `!` or the default")
    elif (count := field.capacity) < MANY:
        message = f"`!` would allow only {count}, one for each value of the field; remove the `!` or widen the field"
        report(offset, message)

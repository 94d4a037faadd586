"""From the groups of a resource as written to those of the model: `unique(a, b)` and `index(a, b)`, each validated."""

import difflib
import math
from collections.abc import Callable, Mapping

from toolkit.resources.line.columns import column_name
from toolkit.resources.line.errors import clipped, quote
from toolkit.resources.line.field import INDEX_BYTES, INDEX_LENGTH, MANY, Field
from toolkit.resources.line.model import Group
from toolkit.resources.line.names import IDENTIFIER_LIMIT, SUBJECT_LENGTH
from toolkit.resources.line.words import RawGroup, RawResource, Word

KINDS = ("unique", "index")
# Called with the offset, the subject and the message of a fault.
Report = Callable[[int, str, str], None]


def build(raw: RawResource, stem: str, fields: Mapping[str, Field], report: Report) -> tuple[Group, ...]:
    """Return the valid groups of a resource; each fault is passed to `report`. `fields` are its valid ones.

    `stem` is `Resource.index_stem`.
    """
    made: list[Group] = []
    room = INDEX_BYTES - (SUBJECT_LENGTH if raw.owners else 0)
    for written in raw.groups:
        kind = written.kind
        if kind.text not in KINDS:
            report(kind.offset, kind.text, _unknown_kind(kind.text))
            continue
        columns = _columns(raw, written, fields, report)
        if columns is None:
            continue
        group = Group(columns, kind.text == "unique")
        if message := fault(group, stem, fields, made, room):
            report(kind.offset, kind.text, message)
        else:
            made.append(group)
    return tuple(made)


def fault(group: Group, stem: str, fields: Mapping[str, Field], others: list[Group], room: int = INDEX_BYTES) -> str:
    """Return why a group of these fields is invalid beside others, or an empty string. `room` is that of its values."""
    chosen = [fields[name] for name in group.fields]
    message = _storage(group, stem, chosen, room) or _repeats(group, others, chosen)
    return _capacity(group, fields, others) if group.unique and not message else message


def _unknown_kind(given: str) -> str:
    near = next(iter(difflib.get_close_matches(given.lower(), KINDS, 1)), "")
    if near:
        return f"unknown entry {quote(given)}; did you mean {quote(f'{near}(a, b)')}?"
    ways = "only `unique(a, b)` and `index(a, b)` have none"
    return f"the field {quote(given)} has no type; expected `name:type`, as in `name:str`; {ways}"


def _columns(
    raw: RawResource, written: RawGroup, fields: Mapping[str, Field], report: Report
) -> tuple[str, ...] | None:
    """Return the columns that a group names by field or by column; None if one of them has a fault."""
    kind = written.kind.text
    given = [member for member in written.members if member.text]
    if len(given) < 2:
        report(written.kind.offset, kind, _too_few(kind, given, raw))
        return None
    columns = {part.name.text: column_name(part) for part in raw.fields}
    columns |= {column: column for column in columns.values()}
    found: list[str] = []
    complete = True
    for member in written.members:
        column = columns.get(member.text)
        if column is None and not raw.broken:
            report(member.offset, kind, _unknown_field(member.text, raw))
        elif column in found:
            report(member.offset, kind, f"duplicate field {quote(member.text)}; remove one")
        if column is None or column in found or column not in fields:
            complete = False
        else:
            found.append(column)
    return tuple(found) if complete else None


def _too_few(kind: str, given: list[Word], raw: RawResource) -> str:
    message = f"`{kind}` requires two or more fields, with a comma between them, as in `{kind}(a, b)`"
    part = next((part for part in raw.fields if given and given[0].text in (part.name.text, column_name(part))), None)
    if part is None:
        return message
    if kind == "unique":
        return f"{message}; for one field, remove this and write `!` after its type, as in {quote(f'{part.source}!')}"
    return f"{message}; a required field or a reference has an index; for another field, add one to the model"


def _unknown_field(given: str, raw: RawResource) -> str:
    names = [part.name.text for part in raw.fields]
    near = next(iter(difflib.get_close_matches(given, names, 1)), "")
    if near:
        return f"unknown field {quote(given)}; did you mean {quote(near)}?"
    some = ", ".join([*map(clipped, names[:8]), *(["..."] if len(names) > 8 else [])])
    return f"unknown field {quote(given)}; expected fields of this resource with a comma between them: {some}"


def _storage(group: Group, stem: str, chosen: list[Field], room: int) -> str:
    """Return why PostgreSQL cannot store such an index, or an empty string."""
    for field in chosen:
        if field.type in ("text", "json"):
            way = f"use `str(..{INDEX_LENGTH})`" if field.type == "text" else "remove it from the group"
            return f"{quote(field.name)} is `{field.type}`, which may be too long for an index entry; {way}"
    if (size := sum(field.index_bytes for field in chosen)) > room:
        return (
            f"the values of {_listed(group.fields)} may have {size} bytes together; expected at most {room}, "
            "because an index entry has no more room; shorten the longest field"
        )
    name = group.name(stem)
    if len(name) > IDENTIFIER_LIMIT:
        way = "shorten a field, or add the constraint to the model under a name of your own"
        return (
            f"its name {quote(name)} would have {len(name)} characters; expected at most {IDENTIFIER_LIMIT}, "
            f"because PostgreSQL truncates names; {way}"
        )
    return ""


def _repeats(group: Group, others: list[Group], chosen: list[Field]) -> str:
    """Return which other constraint or index makes this one superfluous, or an empty string."""
    for other in others:
        if other.fields == group.fields and other.unique != group.unique:
            unique, index = (group, other) if group.unique else (other, group)
            return f"{quote(str(unique))} has an index; remove {quote(str(index))}"
        if other == group:
            return f"duplicate {quote(str(group))}; remove one"
        less, more = sorted((other, group), key=lambda each: len(each.fields))
        if group.unique and other.unique and set(less.fields) <= set(more.fields):
            return f"{quote(str(less))} implies {quote(str(more))}; remove one"
    alone = next((field.name for field in chosen if field.unique), None)
    if group.unique and alone:
        return f"{quote(alone)} is unique alone (`!`), which implies it; remove this, or the `!`"
    return ""


def _capacity(group: Group, fields: Mapping[str, Field], others: list[Group]) -> str:
    """Return why too few rows fit a unique group, or why tests cannot create them; or an empty string."""
    if all(fields[name].has_default for name in group.fields):
        return f"only one row could use the defaults of {_listed(group.fields)}; remove one of the defaults"
    if any(fields[name].distinct for name in group.fields):
        return ""
    count = math.prod(fields[name].capacity for name in group.fields if fields[name].countable)
    if count < MANY:
        way = "add a reference or a larger field, or widen one"
        return f"{_listed(group.fields)} have only {count} combinations; {way}"
    small = [other for other in others if other.unique and not any(fields[name].distinct for name in other.fields)]
    if shared := [name for other in small for name in other.fields if name in group.fields]:
        way = "widen one of the fields, or add the constraint to the model under a name of your own"
        return f"{quote(shared[0])} is in another `unique` whose fields have fewer than {MANY} values each; {way}"
    return ""


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(map(quote, names[:-1])) + f" and {quote(names[-1])}"

"""Names that would be the same, or too long, in one of their places: the reasons why they are refused. Pure."""

from collections.abc import Iterable, Mapping

from toolkit.resources.line import names
from toolkit.resources.line.columns import column_name
from toolkit.resources.line.errors import quote
from toolkit.resources.line.resource_names import Names
from toolkit.resources.line.words import RawField, RawResource


def names_of(raw: RawResource) -> Names:
    """Return the names of a resource as written."""
    name = raw.name.text
    return Names(name, raw.plural.text if raw.plural else names.plural(name))


def clash(own: Names, other: Names, where: str) -> str | None:
    """Return why two resources cannot both be, or None; `where` says where the other one is."""
    if own.name == other.name:
        return f"the resource {quote(own.name)} {where}; {_change(where)}"
    if own.plural == other.plural:
        return f"the plural {quote(own.plural)} belongs to {quote(other.name)}, which {where}; {other_plural(own.name)}"
    if own.name == other.plural or own.plural == other.name:
        pair = f"{quote(f'{own.name}/{own.plural}')} and {quote(f'{other.name}/{other.plural}')}"
        return f"{pair} share a name and are easily confused; {other_plural(own.name)}"
    if own.class_name == other.class_name:
        return f"{quote(own.name)} and {quote(other.name)} would both be the class {own.class_name}; rename one"
    return None


def _change(where: str) -> str:
    if "text" in where:
        return "remove or rename one"
    return "to change it, use the task `resource.change`; to add another, choose another name"


def other_plural(name: str) -> str:
    """Return the advice to choose another plural."""
    return f"expected another plural, as in {quote(f'{name}/{name}_list')}"


def twin(name: str, fields: Iterable[str]) -> str:
    """Return a field that differs only in an underscore before a digit: line_1 and line1 would share a type's name."""
    return next((other for other in fields if other != name and names.camel(other) == names.camel(name)), "")


def table_limit(raw: RawResource) -> int:
    """Return the most characters of a resource's table."""
    return names.OWNED_TABLE_LIMIT if raw.owners else names.TABLE_LIMIT


def too_long(raw: RawResource, part: RawField, targets: Mapping[str, Names]) -> str:
    """Return why a column's name is too long for the names of its index and constraints, or an empty string.

    Also empty if a table's name is itself too long, which is a fault of that resource.
    """
    table, name = names_of(raw).plural, column_name(part)
    target = targets.get(part.target)
    tables = (table, target.plural) if target else (table,)
    if len(table) > table_limit(raw) or any(len(each) > names.TABLE_LIMIT for each in tables):
        return ""
    affixes = names.COLUMN_AFFIXES + (len(f"{names.OWNER_COLUMN}_") if raw.owners else 0)
    if target:
        affixes = max(affixes, names.REFERENCE_AFFIXES + len(target.plural))
        both = names.IDENTIFIER_LIMIT - names.REFERENCE_AFFIXES - names.SHORTEST_REFERENCE
        if len(table) + len(target.plural) > both:
            pair = " and ".join(f"{quote(each)} ({len(each)} characters)" for each in tables)
            reason = f"PostgreSQL truncates a foreign key's name, which contains both, at {names.IDENTIFIER_LIMIT}"
            return f"the tables {pair} leave no room for a column; expected at most {both} in total, because {reason}"
    room = names.IDENTIFIER_LIMIT - affixes - len(table)
    if len(name) <= room:
        return ""
    reason = f"PostgreSQL truncates an index's name, which contains the table's, at {names.IDENTIFIER_LIMIT}"
    return f"{quote(name)} has {len(name)} characters; expected at most {room}, because {reason}"

"""Names of tables and their indexes, which PostgreSQL keeps in one namespace for a whole schema. Pure."""

from collections.abc import Iterator

from toolkit.resources.line.errors import quote
from toolkit.resources.line.model import Resource


def relations(resource: Resource) -> Iterator[tuple[str, str]]:
    """Yield each name used by a resource's table (naming convention: app/db/base.py), and its owner."""
    table, stem = resource.table, resource.index_stem
    yield table, f"the table of {quote(resource.name)}"
    yield f"pk_{table}", f"the primary key of {quote(resource.name)}"
    yield from ((f"ix_{each}_created_at_id", f"an index of {quote(resource.name)}") for each in {table: 0, stem: 0})
    for field in resource.fields:
        of = f"{quote(field.name)} of {quote(resource.name)}"
        if field.unique:
            yield f"uq_{stem}_{field.name}", f"the unique constraint on {of}"
        elif field.sortable and not field.nullable:
            yield f"ix_{stem}_{field.name}_id", f"the index on {of}"
        if field.ref:
            yield f"ix_{table}_{field.name}", f"the index on {of}"
    for group in resource.groups:
        yield group.name(stem), f"{quote(str(group))} of {quote(resource.name)}"


def taken(resource: Resource, others: dict[str, str]) -> str:
    """Return why the names of a resource clash with `others` (name -> owner), or nothing. Adds its own to them."""
    for name, what in relations(resource):
        if owner := others.get(name):
            return f"PostgreSQL would have two relations {quote(name)}: {owner}, and {what}; rename one"
        others[name] = what
    return ""

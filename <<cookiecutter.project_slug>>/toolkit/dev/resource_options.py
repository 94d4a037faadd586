"""Options of the tasks `resource.*`, and what the writer of revisions has to know because of them. Pure."""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from toolkit.dev.migrations.intents import Intents
from toolkit.resources.line import names
from toolkit.resources.line.errors import nearest, quote
from toolkit.resources.line.model import Field, Resource

_QUALIFIED = re.compile(r"(?P<resource>\w+)\.(?P<field>\w+)(?P<rest>[:=].*)", re.DOTALL)
_MAP = re.compile(r":([^=]+)=(.+)", re.DOTALL)


class OptionError(ValueError):
    """An option is invalid; the message has its form."""


@dataclass(frozen=True)
class Given:
    """Options as they are given to `resource.sync`; the other tasks make them.

    `renames`: `OLD[/PLURAL]=NEW` for a resource, `RESOURCE.OLD=NEW` for a field. `backfills`: `RESOURCE.FIELD=SQL`.
    `maps`: `RESOURCE.FIELD:OLD=NEW`. RESOURCE is the new name of a renamed one.
    """

    renames: Sequence[str] = ()
    backfills: Sequence[str] = ()
    maps: Sequence[str] = ()

    def __str__(self) -> str:
        parts = (("rename", self.renames), ("backfill", self.backfills), ("map", self.maps))
        return "".join(f" --{option} {shlex.quote(text)}" for option, texts in parts for text in texts)


NONE = Given()


def qualified(resource: str, texts: Iterable[str]) -> tuple[str, ...]:
    """Return options of one resource as those of a service: FIELD=SQL as RESOURCE.FIELD=SQL."""
    return tuple(f"{resource}.{text}" for text in texts)


def renamed_resources(given: Given) -> dict[str, str]:
    """Return old to new name of each renamed resource. Raises OptionError."""
    renamed = {}
    for text in given.renames:
        old, equals, new = text.partition("=")
        if not equals or not old or not new:
            raise OptionError(f"--rename {quote(text)} is invalid; expected RESOURCE.OLD=NEW for a field, or OLD=NEW")
        if "." not in old:
            renamed[old.partition("/")[0]] = new
    return renamed


def intents(before: Iterable[Resource], after: Iterable[Resource], given: Given) -> Intents:
    """Return what the options say about the change between two sets of resources. Raises OptionError."""
    reader = _Reader(
        {part.name: part for part in before}, {part.name: part for part in after}, renamed_resources(given)
    )
    of_fields = [text for text in given.renames if "." in text.partition("=")[0]]
    return Intents(
        renamed_columns=dict(reader.renamed(text) for text in of_fields),
        renamed_tables=dict(reader.tables(text for text in given.renames if text not in of_fields)),
        backfills=dict(reader.backfill(text) for text in given.backfills),
        value_maps=reader.maps(given.maps),
    )


def unmapped(before: Iterable[Resource], after: Iterable[Resource], given: Given, meant: Intents) -> Iterator[str]:
    """Yield a note for each enum that loses values which existing rows may have, and which no --map replaces."""
    reader = _Reader({part.name: part for part in before}, {}, renamed_resources(given))
    for resource in after:
        former = {part.name: part for part in reader._former(resource).fields}
        earlier = {new: old for (table, old), new in meant.renamed_columns.items() if table == resource.table}
        for part in resource.fields:
            column = (resource.table, part.name)
            old = former.get(earlier.get(part.name, part.name), part)
            lost = set(old.values) - set(part.values) - set(meant.value_maps.get(column, {}))
            if part.type == "enum" and lost:
                maps = " ".join(f"--map {'.'.join(column)}:{value}={part.values[0]}" for value in sorted(lost))
                values = " or ".join(map(quote, sorted(lost)))
                yield (
                    f"the contract revision stops while rows of {resource.table} have {values}; to replace them, run "
                    f'`python3 tasks.py migrate.new "map {part.name}" {maps}`'
                )


Column = tuple[str, str]


@dataclass(frozen=True)
class _Reader:
    before: Mapping[str, Resource]
    after: Mapping[str, Resource]
    renamed_names: Mapping[str, str] = field(default_factory=dict)

    def tables(self, texts: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Return old and new table of each renamed resource; its former line is unknown once it was replaced."""
        for text in texts:
            head, _, new = text.partition("=")
            old, _, plural = head.partition("/")
            if new not in self.after or old in self.after:
                raise OptionError(
                    f"--rename {text} is invalid; expected the name of a former resource and one of today's"
                )
            known = self.before.get(old)
            table = known.table if known else plural or names.plural(old)
            if table != self.after[new].table:
                yield table, self.after[new].table

    def renamed(self, text: str) -> tuple[Column, str]:
        """Return a renamed column; the former name is not checked once its line was replaced."""
        resource, name, rest = self._parts("rename", text, "RESOURCE.OLD=NEW")
        new = self._field(resource, rest[1:], text).name
        former = self._former(resource)
        if former == resource and name not in {part.name for part in resource.fields}:
            return (resource.table, name), new
        return (resource.table, self._field(former, name, text).name), new

    def backfill(self, text: str) -> tuple[Column, str]:
        resource, name, rest = self._parts("backfill", text, "FIELD=SQL")
        return (resource.table, self._field(resource, name, text).name), rest[1:]

    def maps(self, texts: Iterable[str]) -> dict[Column, dict[str, str]]:
        found: dict[Column, dict[str, str]] = {}
        for text in texts:
            resource, name, rest = self._parts("map", text, "FIELD:old=new")
            column, values = self._field(resource, name, text), _MAP.fullmatch(rest)
            if not values:
                raise OptionError(f"--map {quote(text)} is invalid; expected FIELD:old=new")
            if column.type == "enum" and values[2] not in column.values:
                near = nearest(values[2], column.values)
                raise OptionError(f"--map {quote(text)}: {quote(column.name)} has no value {quote(values[2])}{near}")
            if values[1] in column.values:
                raise OptionError(f"--map {quote(text)}: {quote(values[1])} is still a value; remove it from the line")
            found.setdefault((resource.table, column.name), {})[values[1]] = values[2]
        return found

    def _parts(self, option: str, text: str, form: str) -> tuple[Resource, str, str]:
        found = _QUALIFIED.fullmatch(text)
        if not found:
            raise OptionError(f"--{option} {quote(text)} is invalid; expected {form}")
        resource = self.after.get(found["resource"])
        if resource is None:
            near = nearest(found["resource"], self.after)
            raise OptionError(f"--{option} {quote(text)}: unknown resource {quote(found['resource'])}{near}")
        return resource, found["field"], found["rest"]

    def _former(self, resource: Resource) -> Resource:
        former = {new: old for old, new in self.renamed_names.items()}
        return self.before.get(former.get(resource.name, resource.name), resource)

    def _field(self, resource: Resource, name: str, text: str) -> Field:
        for part in resource.columns:
            if part.name in (name, f"{name}_id" if part.ref else name):
                return part
        known = [part.name for part in resource.columns]
        way = f"{nearest(name, known)} Fields: {', '.join(known)}"
        raise OptionError(f"{quote(text)}: {quote(resource.name)} has no field {quote(name)}{way}")

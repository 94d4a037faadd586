"""Parser of resource lines: `product: name:str(1..100) price:decimal(10,2)>0; order: product:ref(product)`.

The grammar is in `syntax`, the rules of a column in `columns`; here are the rules between fields and between resources.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from toolkit.resources.line import groups, names, owners
from toolkit.resources.line.clashes import clash, names_of, other_plural, table_limit, too_long, twin
from toolkit.resources.line.columns import build, column_name
from toolkit.resources.line.errors import Fault, ResourceErrors, quote
from toolkit.resources.line.model import Field, Names, Resource
from toolkit.resources.line.relations import taken
from toolkit.resources.line.syntax import RawField, RawResource, Reader, Word

__all__ = ["Fault", "ResourceErrors", "parse"]


def parse(text: str, known: Iterable[Resource] = ()) -> tuple[Resource, ...]:
    """Return the resources of a text, in order. Raises ResourceErrors with every fault of the text.

    `known` are the existing resources: `ref()` may also point to them, and the text must not define them again.
    """
    return _Parser(text, tuple(known)).parse()


class _Parser:
    def __init__(self, text: str, known: tuple[Resource, ...]) -> None:
        self.text = text
        self.known = known
        self.faults: list[Fault] = []

    def parse(self) -> tuple[Resource, ...]:
        reader = Reader(self.text)
        written = list(reader.resources())
        self.faults += reader.faults
        targets = {resource.name: Names(resource.name, resource.plural) for resource in self.known}
        targets |= {raw.name.text: names_of(raw) for raw in written if names.NAME.fullmatch(raw.name.text)}
        self._unique_resources(written)
        self.faults += owners.faults(written, {resource.name for resource in self.known if resource.owner})
        resources = tuple(self._resource(raw, targets) for raw in written)
        self._cycles(written, targets)
        if not self.faults:
            self._relations(written, resources)
        if self.faults:
            raise ResourceErrors(self.text, self.faults)
        return resources

    def _resource(self, raw: RawResource, targets: Mapping[str, Names]) -> Resource:
        self._resource_name(raw)
        name = raw.name.text
        if not raw.fields and not raw.broken:
            self._fault(
                raw.name,
                name,
                "",
                f"the resource {quote(name)} has no field; expected at least one, as in {quote(f'{name}: title:str')}",
            )
        fields: dict[str, Field] = {}
        for part in raw.fields:
            if not self._field_name(raw, part, fields, targets):
                continue
            field = build(
                part, targets, lambda offset, message, part=part: self._at(offset, name, part.name.text, message)
            )
            if field is None:
                continue
            if field.ref and field.ref.name == name and not field.nullable:
                way = "write `?` after it, or no first row can be created"
                self._fault(part.type, name, part.name.text, f"a reference to its own resource must be nullable; {way}")
            fields[field.name] = field
        self._filters(raw, fields)
        made = Resource(name, names_of(raw).plural, tuple(fields.values()), raw.line, owner=bool(raw.owners))
        together = groups.build(
            raw, made.index_stem, fields, lambda offset, kind, text: self._at(offset, name, kind, text)
        )
        return replace(made, groups=together)

    def _resource_name(self, raw: RawResource) -> None:
        name = raw.name.text
        if message := names.fault(name, "resource"):
            self._fault(raw.name, name, "", message)
            return
        if raw.plural and (message := names.fault(raw.plural.text, "plural")):
            self._fault(raw.plural, name, "", message)
            return
        plural = names_of(raw).plural
        place = raw.plural or raw.name
        if plural == name:
            self._fault(place, name, "", f"the plural equals the name; {other_plural(name)}")
        elif reason := names.RESERVED_PLURALS.get(plural):
            self._fault(place, name, "", f"the plural {quote(plural)} is reserved: {reason}; {other_plural(name)}")
        elif plural.startswith(names.RESERVED_PLURAL_PREFIX):
            reason = "names that begin with `pg_` belong to PostgreSQL"
            self._fault(place, name, "", f"the plural {quote(plural)} is reserved: {reason}; {other_plural(name)}")
        elif max(len(name), len(plural)) > (most := table_limit(raw)):
            long = f"the name {quote(name)}" if len(name) > most else f"the plural {quote(plural)}"
            length = len(name) if len(name) > most else len(plural)
            message = f"{long} has {length} characters; expected at most {most}"
            self._fault(
                place, name, "", f"{message}, because PostgreSQL truncates index names at {names.IDENTIFIER_LIMIT}"
            )

    def _unique_resources(self, written: list[RawResource]) -> None:
        taken: list[tuple[Names, str]] = [(resource, "already exists") for resource in self.known]
        for raw in written:
            own = names_of(raw)
            for other, where in taken:
                if message := clash(own, other, where):
                    self._fault(raw.name, own.name, "", message)
                    break
            taken.append((own, "is already in this text"))

    def _field_name(
        self, raw: RawResource, part: RawField, fields: Mapping[str, Field], targets: Mapping[str, Names]
    ) -> bool:
        given, name = part.name.text, column_name(part)
        message = names.fault(given, "field")
        reserved = {**names.RESERVED_FIELDS, **(names.RESERVED_OWNED_FIELDS if raw.owners else {})}
        if not message and (reason := reserved.get(name)):
            way = f"remove the field, or choose another name such as {quote(f'{raw.name.text}_{given}')}"
            message = f"the name {quote(name)} is reserved: {reason}; {way}"
        if not message and given.startswith(names.RESERVED_FIELD_PREFIXES):
            message = (
                f"{quote(given)} is reserved: `model_dump` and `model_validate` are prefixes of Pydantic; rename it"
            )
        if not message and (other := twin(name, fields)):
            message = (
                f"{quote(name)} and {quote(other)} differ only in an underscore and are easily confused; rename one"
            )
        if not message and name in fields:
            kept = f" (a reference is stored as {quote(name)})" if name != given or fields[name].ref else ""
            message = f"duplicate field {quote(name)}{kept}; remove or rename one"
        if message:
            self._fault(part.name, raw.name.text, given, message)
            return False
        if room := too_long(raw, part, targets):
            self._fault(part.name, raw.name.text, given, room)
        return True

    def _filters(self, raw: RawResource, fields: Mapping[str, Field]) -> None:
        """Check that each query parameter is either a field's own value or another field's bound."""
        bounds = {bound: field.name for field in fields.values() for bound in field.ranges}
        for part in raw.fields:
            if other := bounds.get(column_name(part)):
                name = quote(part.name.text)
                message = f"{name} is already the query parameter for a bound of {quote(other)}; rename one of the two"
                self._fault(part.name, raw.name.text, part.name.text, message)

    def _relations(self, written: list[RawResource], resources: Iterable[Resource]) -> None:
        others: dict[str, str] = {}
        for resource in self.known:
            taken(resource, others)
        for raw, resource in zip(written, resources, strict=True):
            if message := taken(resource, others):
                self._fault(raw.name, resource.name, "", message)

    def _cycles(self, written: list[RawResource], targets: Mapping[str, Names]) -> None:
        arrows = {raw.name.text: tuple(_references(raw, targets)) for raw in written}
        done: set[str] = set()
        for raw in written:
            for part, path in _closing(raw.name.text, arrows, (), done):
                circle = " -> ".join(path)
                way = "remove one of the references, or make the relation a separate resource"
                message = f"circular references: {circle}; no first row could be created; {way}"
                self._fault(part.type, path[-2], part.name.text, message)

    def _fault(self, word: Word, resource: str, field: str, message: str) -> None:
        self._at(word.offset, resource, field, message)

    def _at(self, offset: int, resource: str, field: str, message: str) -> None:
        self.faults.append(Fault(offset + 1, resource, field, message))


Arrows = Mapping[str, tuple[tuple[RawField, str], ...]]


def _closing(
    name: str, arrows: Arrows, path: tuple[str, ...], done: set[str]
) -> Iterator[tuple[RawField, tuple[str, ...]]]:
    """Yield each reference that closes a cycle, with the cycle; a reference to its own resource is not one."""
    if name in done or name not in arrows:
        return
    for part, target in arrows[name]:
        if target in path:
            yield part, (*path[path.index(target) :], name, target)
        elif target != name:
            yield from _closing(target, arrows, (*path, name), done)
    done.add(name)


def _references(raw: RawResource, targets: Mapping[str, Names]) -> Iterator[tuple[RawField, str]]:
    for part in raw.fields:
        if part.target in targets:
            yield part, part.target

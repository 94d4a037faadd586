"""The parser on texts that nobody thought of."""

import keyword
import sys
import types
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, get_args

import pydantic
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.crud.base import COMPARISONS, Crud, table_of
from app.db.base import Base
from app.schemas.base import PageQuery
from toolkit.resources.line import names, relations
from toolkit.resources.line.field import INDEX_BYTES, INTEGERS, NUMBERS, TYPES, Check, Field, OnDelete
from toolkit.resources.line.groups import fault
from toolkit.resources.line.model import Group, Resource
from toolkit.resources.line.parser import ResourceErrors, parse
from toolkit.resources.line.resource_names import Names
from toolkit.resources.write import generator

NAME = st.from_regex(r"[a-z][a-z0-9]{0,6}(_[a-z0-9]{1,4}){0,2}", fullmatch=True)
# Words that something on the way from a line to the database, and back to the client, has a meaning of its own for.
HOSTILE = sorted(
    {
        name
        for name in (
            *keyword.kwlist,
            *keyword.softkwlist,
            *names.RESERVED_ATTRIBUTES,
            *names.RESERVED_QUERY,
            *names.SQL_KEYWORDS,
            *names.RESERVED_MODULES,
            *(each for each in dir(pydantic.BaseModel) if not each.startswith("_")),
            *dir(PageQuery),
            *dir(Base),
            *("offset", "client", "changes", "body", "create", "items", "next", "page_limit", "filter_a", "after_0"),
            *("no_such_field", "unknown", "router", "service", "query", "request", "data", "columns", "keys", "values"),
            *("owner", "owner_id", "owned", "caller"),
        )
        if names.NAME.fullmatch(name)
    }
)
FIELD_NAME = (NAME | st.sampled_from(HOSTILE) | st.sampled_from(HOSTILE).map(lambda name: f"{name}_gte")).filter(
    lambda name: name not in names.RESERVED_FIELDS and not name.startswith(names.RESERVED_FIELD_PREFIXES)
)
PRINTABLE = st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" "), max_size=20)
PIECES = (
    *("product", "p", "a", ":", ": ", ";", " ", "\n", "str", "int", "decimal", "enum", "ref", "(", ")", "..", ",", "|"),
    *("unique", "index(a, b)", "unique(a,b)", "cascade", ", null", "owner", " owner "),
    *("1", "10", "0.5", "-", ">", ">=", "<", "=", "?", "!", '"', "\\", "\x00", "é", "\u2028", "/", "9" * 5000),
)


def number(type_: str, value: int, scale: int) -> str:
    """The plain text of a count of last places."""
    if type_ in INTEGERS or scale == 0:
        return str(value)
    digits = str(abs(value)).rjust(scale + 1, "0")
    plain = f"{digits[:-scale]}.{digits[-scale:]}".rstrip("0").rstrip(".")
    return f"-{plain}" if value < 0 else plain


@st.composite
def numbers(draw: st.DrawFn, name: str, type_: str) -> Field:
    precision = draw(st.integers(4, 38)) if type_ == "decimal" else None
    scale = draw(st.integers(0, precision)) if precision else None
    places = 3 if type_ == "float" else scale or 0
    low, high = INTEGERS.get(type_, (-(10 ** (precision or 9)) + 1, 10 ** (precision or 9) - 1))
    least, value, most = sorted(draw(st.tuples(*[st.integers(low, high)] * 3)))
    checks = [
        Check(draw(st.sampled_from((">", ">="))) if least < value else ">=", number(type_, least, places)),
        Check(draw(st.sampled_from(("<", "<="))) if most > value else "<=", number(type_, most, places)),
    ]
    checks = draw(st.permutations(draw(st.lists(st.sampled_from(checks), unique=True))))
    default = number(type_, value, places) if draw(st.booleans()) else None
    return Field(name, type_, draw(st.booleans()), False, default, tuple(checks), precision=precision, scale=scale)


@st.composite
def fields(draw: st.DrawFn, name: str, target: Names, types: tuple[str, ...] = ()) -> Field:
    type_ = draw(st.sampled_from(types or TYPES))
    if type_ in NUMBERS:
        return draw(numbers(name, type_))
    nullable, unique = draw(st.booleans()), draw(st.booleans()) and type_ not in ("text", "bool", "json", "enum")
    low, high = sorted(draw(st.tuples(st.integers(2, 512), st.integers(2, 512)))) if type_ == "str" else (0, None)
    values = st.lists(st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True), min_size=2, max_size=50, unique=True)
    chosen = tuple(draw(values)) if type_ == "enum" else ()
    defaults = {
        "str": PRINTABLE.map(lambda text: text.ljust(low, "x")[:high]).filter(lambda text: len(text) <= 64),
        "text": PRINTABLE,
        "bool": st.sampled_from(("true", "false")),
        "date": st.dates().map(str),
        "datetime": st.just("now") | st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
        "uuid": st.uuids().map(str),
        "enum": st.sampled_from(chosen) if chosen else st.nothing(),
    }
    wanted = type_ in defaults and not unique and low <= 64 and draw(st.booleans())
    default = draw(defaults[type_]) if wanted else None
    ref = target if type_ == "ref" else None
    kept = f"{name}_id" if ref and not name.endswith("_id") else name
    actions = [action for action in get_args(OnDelete) if nullable or action != "null"]
    action: OnDelete = draw(st.sampled_from(actions)) if ref else "restrict"
    return Field(kept, type_, nullable, unique, default, (), low, high, None, None, chosen, ref, action)


@st.composite
def groups(draw: st.DrawFn, resource: Resource) -> tuple[Group, ...]:
    """Valid groups of some of the columns."""
    columns = {field.name: field for field in resource.fields}
    room = INDEX_BYTES - (names.SUBJECT_LENGTH if resource.owner else 0)
    made: list[Group] = []
    wanted = st.lists(st.sampled_from(sorted(columns)), min_size=2, max_size=4, unique=True)
    for chosen in draw(st.lists(wanted, max_size=3)) if len(columns) > 1 else ():
        group = Group(tuple(chosen), draw(st.booleans()))
        if not fault(group, resource.index_stem, columns, made, room):
            made.append(group)
    return tuple(made)


@st.composite
def resources(draw: st.DrawFn) -> Resource:
    name = draw(NAME | st.sampled_from(HOSTILE).filter(lambda name: len(name) <= names.TABLE_LIMIT - 2))
    given_plural = draw(st.none() | NAME)
    target = Names("target_of_all", "targets_of_all")
    columns = [draw(fields(part, target)) for part in draw(st.lists(FIELD_NAME, min_size=1, max_size=5, unique=True))]
    made = Resource(name, given_plural or names.plural(name), tuple(columns), owner=draw(st.booleans()))
    return replace(made, groups=draw(groups(made)))


def written(field: Field) -> str:
    """The field as a person might write it."""
    arguments = ""
    if field.type == "str":
        arguments = f"({field.min_length or ''}..{field.max_length})"
    elif field.type == "decimal":
        arguments = f"({field.precision},{field.scale})"
    elif field.type == "enum":
        arguments = f"({'|'.join(field.values)})"
    elif field.ref:
        action = "" if field.on_delete == "restrict" else f", {field.on_delete}"
        arguments = f"({field.ref.name}{action})"
    flags = "".join(map(str, field.checks)) + "?" * field.nullable + "!" * field.unique
    quoted = "" if field.default is None else field.default.replace("\\", "\\\\").replace('"', '\\"')
    return f"{field.name}:{field.type}{arguments}{flags}" + (f'="{quoted}"' if field.default is not None else "")


def line_of(resource: Resource) -> str:
    """The resource as a person might write it, its first group before the fields."""
    entries = [str(group).replace(",", ", ") for group in resource.groups]
    entries[1:1] = map(written, resource.fields)
    entries[2:2] = ["owner"] * resource.owner
    return f"{resource.name}/{resource.plural}: {' '.join(entries)}"


def distinct(resource: Resource) -> bool:
    """Return True if the names alone are valid."""
    columns = [field.name for field in resource.fields]
    known = dict(relations.relations(Resource("target_of_all", "targets_of_all", (Field("a", "int"),))))
    return (
        not (resource.owner and {names.OWNER, names.OWNER_COLUMN} & set(columns))
        and len(resource.plural) <= (names.OWNED_TABLE_LIMIT if resource.owner else names.TABLE_LIMIT)
        and not any(bound in columns for field in resource.fields for bound in field.ranges)
        and not resource.plural.startswith(names.RESERVED_PLURAL_PREFIX)
        and not relations.taken(resource, known)
        and len({names.camel(name) for name in columns}) == len(columns)
        and resource.plural != resource.name
        and resource.plural not in names.RESERVED_PLURALS
        and not {"target_of_all", "targets_of_all"} & {resource.name, resource.plural}
    )


@settings(max_examples=300)
@given(resources().filter(distinct))
def test_what_is_written_is_parsed_to_the_same(resource: Resource) -> None:
    text = line_of(resource)
    known = (Resource("target_of_all", "targets_of_all", (Field("a", "int"),)),)
    (parsed,) = parse(text, known)
    assert parsed == resource
    assert parse(parsed.line, known) == (resource,), "the line that is kept means the same"
    assert "\n" not in parsed.line


def check_faults(text: str) -> None:
    try:
        parsed, errors = parse(text), None
    except ResourceErrors as raised:
        parsed, errors = (), raised
    assert all(name.isidentifier() and not keyword.iskeyword(name) for name in python_names(parsed))
    assert bool(parsed) is (errors is None)
    if errors:
        assert errors.faults
        assert all(1 <= fault.position <= max(1, len(text)) for fault in errors.faults)
        assert len(str(errors)) < 600 * len(errors.faults) + 100, "what was given is cut short in a message"


def python_names(parsed: tuple[Resource, ...]) -> list[str]:
    columns = [field.attribute for resource in parsed for field in resource.fields]
    return columns + [
        name for resource in parsed for name in (resource.module, resource.plural_module, resource.class_name)
    ]


@settings(max_examples=500)
@given(st.text(max_size=200))
@example("p: a:ref(p)?;" * 2)
@example(f"a{2000 * '9'}: b:ref(c)")
def test_any_text_is_parsed_or_refused_with_places(text: str) -> None:
    check_faults(text)


@settings(max_examples=1500)
@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_any_order_of_its_signs_is_parsed_or_refused_with_places(text: str) -> None:
    check_faults(text)


@settings(max_examples=300)
@given(resources().filter(distinct), st.data())
def test_a_broken_line_is_parsed_or_refused_with_places(resource: Resource, data: st.DataObject) -> None:
    text = line_of(resource)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 5)))
    check_faults(text[:start] + data.draw(st.sampled_from(PIECES)) + text[end:])


@contextmanager
def imported(files: dict[str, str]) -> Iterator[dict[str, types.ModuleType]]:
    """The generated modules by their paths, imported under the names that they know each other by."""
    made: dict[str, types.ModuleType] = {}
    kept = dict(sys.modules)
    tables = set(Base.metadata.tables)
    try:
        for path in sorted(files, key=lambda path: ("/models/" not in path, "/schemas/" not in path, path)):
            name = path.removesuffix(".py").replace("/", ".")
            made[path] = sys.modules[name] = types.ModuleType(name)
            if parent := sys.modules.get(name.rpartition(".")[0]):
                setattr(parent, name.rpartition(".")[2], made[path])
            exec(compile(files[path], path, "exec"), made[path].__dict__)  # noqa: S102 - what we have made
        yield made
    finally:
        for name in set(sys.modules) - set(kept):
            del sys.modules[name]
        for name in set(Base.metadata.tables) - tables:
            Base.metadata.remove(Base.metadata.tables[name])
        Base.registry.dispose()


@settings(max_examples=40, deadline=None)
@given(resources().filter(distinct))
@example(Resource("tup", "tuple", (Field("offset", "int"), Field("limit", "int"), Field("cursor", "str"))))
@example(
    Resource("client", "client_list", (Field("client", "str", unique=True), Field("sort", "enum", values=("a", "b"))))
)
@example(
    Resource(
        "unique",
        "index",
        (Field("unique", "int"), Field("index", "int"), Field("from", "date")),
        groups=(Group(("unique", "index"), True), Group(("from", "index"), False)),
    )
)
def test_what_is_generated_works_under_any_legal_name(resource: Resource) -> None:
    """Imports without a warning, takes its own examples, and filters each column by its own parameters."""
    target = Resource("target_of_all", "targets_of_all", (Field("a", "int"),))
    rendered = dict(generator.render((target, resource), {"answers": {"auth": "jwt"}, "service": {}}))
    layers = ("app/models/", "app/schemas/", "tests/unit/")
    files = {path: text for path, text in rendered.items() if path.startswith(layers)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with imported(files) as modules:
            schemas = modules[f"app/schemas/{resource.module}.py"]
            model = getattr(modules[f"app/models/{resource.module}.py"], resource.class_name)
            test = modules[f"tests/unit/resources/test_{resource.module}.py"]
            test.test_create_takes_legal_values()
            test.test_update_takes_legal_values()
            test.test_unknown_members_are_refused()
            create, query = (getattr(schemas, f"{resource.class_name}{kind}") for kind in ("Create", "Query"))
            written = create.model_validate(test.LEGAL).model_dump(by_alias=True)
            assert set(written) == {field.name for field in resource.fields}
            crud = Queries(table_of(model))
            stored = {str(part.name) for part in (*crud.table.constraints, *crud.table.indexes)}
            assert stored >= {group.name(resource.index_stem) for group in resource.groups}
            assert columns_of(crud, query) == {
                **{field.filter_name: (field.name, "_") for field in resource.fields if field.filterable},
                **{bound: (field.name, bound[-4:]) for field in resource.fields for bound in field.ranges},
                **{column.name: (column.name, "_") for column in resource.owner_columns},
            }
            for path in set(rendered) - set(files):
                compile(rendered[path], path, "exec")


class Queries(Crud):
    knows_caller = True


def columns_of(crud: Crud, query: Any) -> dict[str, tuple[str, str]]:
    """Return the filters of a list: parameter -> column, and the suffix of the comparison."""
    found: dict[str, tuple[str, str]] = {}
    for name, field in query.model_fields.items():
        if name not in PageQuery.model_fields and name != "sort":
            parameter = field.alias or name
            condition: Any = crud._condition(parameter)
            compared = next(suffix for suffix, compare in COMPARISONS.items() if compare is condition.operator)
            found[parameter] = (condition.left.name, compared)
    return found


def test_a_list_of_routers_is_imported_with_any_plural() -> None:
    """app/resources.py imports the modules of endpoints by name: none may hide what it uses itself."""
    parsed = tuple(parse(f"r{number}/{name}: a:int")[0] for number, name in enumerate(("tuple", "import")))
    text = dict(generator.render(parsed, {"answers": {"auth": "jwt"}, "service": {}}))["app/resources.py"]
    package = types.ModuleType("app.api.v1.endpoints")
    for resource in parsed:
        module = types.ModuleType(resource.plural_module)
        module.router = resource.name  # type: ignore[attr-defined]
        setattr(package, resource.plural_module, module)
    kept = sys.modules.get("app.api.v1.endpoints")
    sys.modules["app.api.v1.endpoints"] = package
    try:
        scope: dict[str, Any] = {}
        exec(compile(text, "resources", "exec"), scope)  # noqa: S102 - what we have made
    finally:
        del sys.modules["app.api.v1.endpoints"]
        if kept:
            sys.modules["app.api.v1.endpoints"] = kept
    assert scope["ROUTERS"] == ("r0", "r1")

"""Names that are words of Python, SQL or the service itself: each works, or is refused with the reason."""

import builtins
import keyword
import warnings
from typing import Any

import pydantic
import pytest
from sqlalchemy.orm import DeclarativeBase

from tests.support.template import SERVICE
from toolkit.resources.line import names
from toolkit.resources.line.model import Field
from toolkit.resources.line.parser import ResourceErrors, parse

HOSTILE_RESOURCES = (
    "order",
    "user",
    "group",
    "table",
    "class",
    "import",
    "async",
    "metadata",
    "model",
    "health",
    "base",
)
HOSTILE_FIELDS = (
    "type",
    "select",
    "copy",
    "json",
    "schema",
    "from",
    "import",
    "class",
    "user",
    "limit",
    "sort",
    "metadata",
)


@pytest.mark.parametrize(
    ("name", "plural"),
    [
        ("product", "products"),
        ("category", "categories"),
        ("day", "days"),
        ("order_key", "order_keys"),
        ("address", "addresses"),
        ("box", "boxes"),
        ("batch", "batches"),
        ("dish", "dishes"),
        ("y", "ys"),
        ("a_y", "a_ys"),
    ],
)
def test_plural(name: str, plural: str) -> None:
    assert names.plural(name) == plural


@pytest.mark.parametrize(
    ("name", "module", "class_name", "url"),
    [
        ("order", "order", "Order", "orders"),
        ("order_item", "order_item", "OrderItem", "order-items"),
        ("class", "class_", "Class", "classes"),
        ("import", "import_", "Import", "imports"),
        ("base", "base_", "BaseRecord", "bases"),
        ("model", "model", "ModelRecord", "models"),
        ("none", "none", "NoneRecord", "nones"),
        ("health", "health", "Health", "healths"),
        ("timeout_error", "timeout_error", "TimeoutErrorRecord", "timeout-errors"),
    ],
)
def test_names_of_a_resource(name: str, module: str, class_name: str, url: str) -> None:
    (resource,) = parse(f"{name}: a:int")
    assert (resource.module, resource.class_name, resource.url) == (module, class_name, url)


def test_names_of_a_plural() -> None:
    (resource,) = parse("person/import: a:int")
    assert (resource.plural_module, resource.table, resource.url) == ("import_", "import", "import")


@pytest.mark.parametrize(
    ("name", "attribute", "filter_name", "filter_attribute", "sql_name"),
    [
        ("price", "price", "price", "price", "price"),
        ("type", "type", "type", "type", "type"),
        ("from", "from_", "from", "from_", '"from"'),
        ("copy", "copy_", "copy", "copy_", "copy"),
        ("json", "json_", "json", "json_", '"json"'),
        ("limit", "limit", "limit_", "limit_", '"limit"'),
        ("user", "user", "user", "user", '"user"'),
        ("metadata", "metadata_", "metadata", "metadata_", "metadata"),
    ],
)
def test_names_of_a_field(name: str, attribute: str, filter_name: str, filter_attribute: str, sql_name: str) -> None:
    field = Field(name, "int")
    found = (field.attribute, field.filter_name, field.filter_attribute, field.sql_name)
    assert found == (attribute, filter_name, filter_attribute, sql_name)
    assert field.aliased is (name != attribute)


def test_no_attribute_hides_one_of_pydantic() -> None:
    inherited = [name for name in dir(pydantic.BaseModel) if names.NAME.fullmatch(name)]
    kept = [name for name in inherited if not name.startswith(names.RESERVED_FIELD_PREFIXES)]
    fields: Any = {
        names.attribute(name): (int, pydantic.Field(alias=name)) for name in (*kept, *keyword.kwlist) if name.islower()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = pydantic.create_model("Model", **fields)
    assert not set(model.model_fields) & set(dir(pydantic.BaseModel))


def test_no_attribute_hides_one_of_sqlalchemy() -> None:
    inherited = [name for name in dir(type("Base", (DeclarativeBase,), {})) if names.NAME.fullmatch(name)]
    assert inherited
    assert all(names.attribute(name) != name for name in inherited)


def test_no_class_hides_one_of_python() -> None:
    classes = [name for name in dir(builtins) if name[0].isupper() and "_" not in name]
    assert set(classes) <= names.RESERVED_CLASSES


def test_no_module_of_the_service_is_overwritten() -> None:
    """A module beside those of the resources has to be among the reserved names."""
    for layer in ("models", "schemas", "crud", "services"):
        # A resource `user` is refused where the service has this module (authentication.py).
        own = {path.stem for path in (SERVICE / "app" / layer).glob("*.py")} - {"__init__", "user"}
        assert own <= names.RESERVED_MODULES, layer
    endpoints = {path.stem for path in (SERVICE / "app/api/v1/endpoints").glob("*.py") if path.stem != "__init__"}
    assert endpoints <= set(names.RESERVED_PLURALS)


@pytest.mark.parametrize("resource", HOSTILE_RESOURCES)
def test_hostile_resources_work(resource: str) -> None:
    (parsed,) = parse(f"{resource}: a:int")
    assert parsed.module.isidentifier()
    assert not keyword.iskeyword(parsed.module)


@pytest.mark.parametrize("field", HOSTILE_FIELDS)
def test_hostile_fields_work(field: str) -> None:
    (parsed,) = parse(f"r: {field}:int")
    assert parsed.fields[0].name == field
    assert not keyword.iskeyword(parsed.fields[0].attribute)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("r: price:int price_gte:int", "`price_gte` is already the query parameter for a bound of `price`"),
        ("r: due_lte:json due:date", "`due_lte` is already the query parameter for a bound of `due`"),
        ("r: owner_lte:int owner:ref(r)? owner_id_gte:int", None),
        ("r: price:float price_gte:int", None),
        ("r: limit:int limit_lte:int", "`limit_lte` is already the query parameter for a bound of `limit`"),
        ("r/pg_class: a:int", "the plural `pg_class` is reserved: names that begin with `pg_` belong to PostgreSQL"),
        ("order: items_name:int; orders_item: name:int", "two relations `ix_orders_items_name_id`"),
        ("pk_order: a:int; order: a:int", "two relations `pk_orders`"),
        ("order: items:str! ; orders_item: a:int", None),
    ],
)
def test_names_that_would_clash_later_are_refused(text: str, said: str | None) -> None:
    if said is None:
        parse(text)
        return
    with pytest.raises(ResourceErrors) as caught:
        parse(text)
    assert said in str(caught.value)
    assert "rename one" in str(caught.value) or "expected another plural" in str(caught.value)


def test_a_text_that_is_too_long_for_a_query_is_no_filter() -> None:
    (resource,) = parse("r: a:str(1001..2000) b:str(1000..2000)")
    assert [field.filterable for field in resource.fields] == [False, True]

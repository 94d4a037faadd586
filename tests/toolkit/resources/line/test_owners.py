"""The word `owner` in a resource line, and what it changes in names and indexes."""

import pytest

from toolkit.resources.line.model import Group, Resource
from toolkit.resources.line.owners import without_subjects
from toolkit.resources.line.parser import ResourceErrors, parse
from toolkit.resources.line.relations import relations


def faults_of(text: str, known: tuple[Resource, ...] = ()) -> list[tuple[int, str, str]]:
    with pytest.raises(ResourceErrors) as raised:
        parse(text, known)
    return [(fault.position, fault.subject, fault.message) for fault in raised.value.faults]


@pytest.mark.parametrize(
    ("text", "owner", "line"),
    [
        ("order: owner number:str", True, "order: owner number:str"),
        ("order:  number:str\n owner ;", True, "order: number:str owner"),
        ("order: number:str owner", True, "order: number:str owner"),
        ("order: number:str", False, "order: number:str"),
        ("order: owner:str", False, "order: owner:str"),
        ("order: owner: str", False, "order: owner:str"),
    ],
)
def test_owner(text: str, owner: bool, line: str) -> None:
    (resource,) = parse(text)
    assert (resource.owner, resource.line) == (owner, line)
    assert parse(resource.line) == (resource,)
    assert [column.name for column in resource.owner_columns] == (["owner_id"] if owner else [])


def test_indexes_and_unique_values_begin_with_the_owner() -> None:
    (resource,) = parse("order: owner number:str! total:int row:uuid unique(total, row)")
    assert resource.groups == (Group(("total", "row"), True),)
    assert {name for name, _ in relations(resource)} == {
        "orders",
        "pk_orders",
        "ix_orders_created_at_id",
        "ix_orders_owner_id_created_at_id",
        "uq_orders_owner_id_number",
        "ix_orders_owner_id_total_id",
        "ix_orders_owner_id_row_id",
        "uq_orders_owner_id_total_row",
    }


LONG = "x" * 38


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("o: owner a:int owner", [(16, "o.owner", "duplicate `owner`; remove one")]),
        ("o: owner owner:str", [(10, "o.owner", "the name `owner` is reserved: the resource has an owner")]),
        ("o: owner_id:uuid owner", [(4, "o.owner_id", "the name `owner_id` is reserved: every resource with `owner`")]),
        ("p: a:int; o: owner owner:ref(p)", [(20, "o.owner", "the name `owner_id` is reserved")]),
        ("o: owner", [(1, "o", "the resource `o` has no field")]),
        ("o: owners a:int", [(4, "o.owners", "the field `owners` has no type")]),
        ("o: owner a:int; i: o:ref(o)", [(22, "i.o", "`o` has an owner, and rows that anyone sees would show which")]),
        (f"o/{LONG}: owner a:int", [(3, "o", f"the plural `{LONG}` has 38 characters; expected at most 37")]),
        (
            "o: owner a:str(..512) b:str(..149) unique(a, b)",
            [(36, "o.unique", "the values of `a` and `b` may have 2660 bytes together; expected at most 2425")],
        ),
    ],
)
def test_faults(text: str, expected: list[tuple[int, str, str]]) -> None:
    found = faults_of(text)
    assert [fault[:2] for fault in found] == [fault[:2] for fault in expected]
    for (_, _, message), (_, _, beginning) in zip(found, expected, strict=True):
        assert message.startswith(beginning)


def test_without_owner_the_same_limits_are_wider() -> None:
    assert parse(f"o/{LONG}: a:int; p: a:str(..512) b:str(..149) unique(a, b)")


def test_a_reference_to_a_known_resource_with_an_owner() -> None:
    known = parse("order: owner a:int")
    assert parse("item: owner order:ref(order)", known)
    [(position, subject, _)] = faults_of("item: order:ref(order)", known)
    assert (position, subject) == (13, "item.order")


@pytest.mark.parametrize(
    ("text", "auth", "reason"),
    [
        ("a: x:int", "none", ""),
        ("a: owner x:int", "jwt", ""),
        ("a: owner x:int", "accounts", ""),
        ("a: owner x:int", "none", "`a` has `owner`, which is the subject of a token, but auth is `none`; remove"),
        ("a: owner x:int; b: owner x:int", "none", "`a`, `b` have `owner`"),
    ],
)
def test_an_owner_needs_tokens(text: str, auth: str, reason: str) -> None:
    found = without_subjects(parse(text), auth)
    assert bool(found) is bool(reason)
    assert found.startswith(reason)

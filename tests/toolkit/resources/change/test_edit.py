"""The change expression: from one line to the next, or all of its faults with their places."""

import pytest

from toolkit.resources.change.edit import UnknownResourceError, edit
from toolkit.resources.line.parser import ResourceErrors

LINES = (
    "customer: name:str",
    "order: total:int legacy:str? status:enum(new|paid|lost)=new customer:ref(customer)",
)


@pytest.mark.parametrize(
    ("change", "fields", "renamed"),
    [
        ("+sku:str(..40)?", "total:int legacy:str? {status} {customer} sku:str(..40)?", {}),
        ("-legacy", "total:int {status} {customer}", {}),
        ("-customer", "total:int legacy:str? {status}", {}),
        ("-customer_id", "total:int legacy:str? {status}", {}),
        ("total:decimal(12,2)>0=1", "total:decimal(12,2)>0=1 legacy:str? {status} {customer}", {}),
        ("total->amount", "amount:int legacy:str? {status} {customer}", {"total": "amount"}),
        ("total -> amount", "amount:int legacy:str? {status} {customer}", {"total": "amount"}),
        ("total->amount:bigint", "amount:bigint legacy:str? {status} {customer}", {"total": "amount"}),
        ("customer->client", "total:int legacy:str? {status} client:ref(customer)", {"customer_id": "client_id"}),
        (
            "status:enum(+refunded -lost)",
            "total:int legacy:str? status:enum(new|paid|refunded)=new {customer}",
            {},
        ),
        (
            "status->state:enum(-lost, +a)",
            "total:int legacy:str? state:enum(new|paid|a)=new {customer}",
            {"status": "state"},
        ),
        ("status:enum(-|0)", "total:int legacy:str? status:enum(-|0) {customer}", {}),
        ("status:enum(-a|-b)=-a", "total:int legacy:str? status:enum(-a|-b)=-a {customer}", {}),
        ('+note:str="a b" -legacy', 'total:int {status} {customer} note:str="a b"', {}),
        ("legacy:text  \n total:bigint", "total:bigint legacy:text {status} {customer}", {}),
    ],
)
def test_change(change: str, fields: str, renamed: dict[str, str]) -> None:
    edited = edit(LINES, "order", change)
    wanted = fields.format(status="status:enum(new|paid|lost)=new", customer="customer:ref(customer)")
    assert edited.line == f"order: {wanted}"
    assert edited.lines == (LINES[0], edited.line)
    assert edited.renamed == renamed


def test_the_plural_stays() -> None:
    assert edit(["person/people: name:str"], "person", "+age:int").line == "person/people: name:str age:int"


GROUPED = ["a: x:int y:int z:int unique(x, y) index(y, z)"]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("+unique(z, x)", "a: x:int y:int z:int unique(x,y) index(y,z) unique(z,x)"),
        ("+owner", "a: owner x:int y:int z:int unique(x,y) index(y,z)"),
        ("+owner -unique(x, y) +w:int", "a: owner x:int y:int z:int w:int index(y,z)"),
        ("-unique(x, y)", "a: x:int y:int z:int index(y,z)"),
        ("-index(y,z) -z", "a: x:int y:int unique(x,y)"),
        ("y->b", "a: x:int b:int z:int unique(x,b) index(b,z)"),
    ],
)
def test_groups(change: str, line: str) -> None:
    assert edit(GROUPED, "a", change).line == line


@pytest.mark.parametrize(
    ("change", "position", "message"),
    [
        ("-unique(y, x)", 2, "`a` has no `unique(y, x)`; it has `unique(x,y)`, `index(y,z)`"),
        ("+x2:int +unique(x, w)", 10, "w"),
        ("-y +z2:int", 1, "the changed line would be invalid: "),
    ],
)
def test_fault_of_a_group(change: str, position: int, message: str) -> None:
    with pytest.raises(ResourceErrors) as raised:
        edit(GROUPED, "a", change)
    fault = raised.value.faults[0]
    assert message in fault.message
    assert fault.position == position


@pytest.mark.parametrize(
    ("change", "position", "message"),
    [
        ("", 1, "no change is given"),
        ("sku", 1, "`sku` is not a change; expected `+field:type`"),
        ("-lgacy", 2, "`order` has no field `lgacy`; did you mean `legacy`?"),
        ("qty:int", 1, "no field `qty`; to add it, write `+qty:int`."),
        ("+total:int", 2, "already has a field `total`; to redefine it, write `total:type`"),
        ("-legacy +legacy:str", 10, "`legacy` is changed twice"),
        ("total->legacy", 8, "already has a field `legacy`"),
        ("+sku:strr(4)", 6, "unknown type `strr`; did you mean `str`?"),
        ("-legacy +sku:str(1..", 17, "this `(` is not closed"),
        ("+sku", 2, "the field `sku` has no type"),
        ("total:decimal(10,20)", 15, "20 decimal places do not fit"),
        ("total->amount:int>=x", 18, "`>=x`"),
        ("+product:ref(product)", 14, "unknown resource `product`"),
        ("status:enum(-new)", 1, "the default `new` is invalid"),
        ("status:enum(+a)?", 16, "found `?`, but `enum(+a -b)` keeps"),
        ("status:enum(+a b)", 16, "`b` has no sign; expected `+b`"),
        ("status:enum(+paid)", 13, "already has the value `paid`"),
        ("status:enum(-pad)", 13, "has no value `pad`; did you mean `paid`?"),
        ("total:enum(+a)", 1, "`total` is not an enum"),
        ("-total -legacy -status -customer", 1, "the resource `order` has no field"),
    ],
)
def test_fault(change: str, position: int, message: str) -> None:
    with pytest.raises(ResourceErrors) as raised:
        edit(LINES, "order", change)
    (fault,) = raised.value.faults
    assert message in fault.message
    assert (fault.position, fault.resource) == (position, "order")


def test_every_fault_is_reported_at_once() -> None:
    with pytest.raises(ResourceErrors, match="The change has 2 faults:"):
        edit(LINES, "order", "-a -b")


def test_a_circle_through_other_lines_is_refused() -> None:
    with pytest.raises(ResourceErrors, match="circular references: customer -> order -> customer"):
        edit(LINES, "customer", "+order:ref(order)")


def test_an_unknown_resource_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownResourceError, match=r"unknown resource `ordr`; did you mean `order`\? Resources: cust"):
        edit(LINES, "ordr", "-legacy")


@pytest.mark.parametrize(
    ("line", "change", "wanted"),
    [
        ("a: owner x:int", "-owner", "a: x:int"),
        ("a: x:int owner", "-owner +y:int", "a: x:int y:int"),
        ("a: x:int owner y:int", "-x", "a: owner y:int"),
        ("a: owner:str x:int", "-owner", "a: x:int"),
        ("a: owner:str x:int", "owner->name +owner", "a: owner name:str x:int"),
        ("a: owner:str x:int", "-owner +owner", "a: owner x:int"),
    ],
)
def test_owner(line: str, change: str, wanted: str) -> None:
    assert edit([line], "a", change).line == wanted


@pytest.mark.parametrize(
    ("line", "change", "position", "message"),
    [
        ("a: owner x:int", "+owner", 1, "`a` already has `owner`; remove this"),
        ("a: x:int", "-owner", 2, "`a` has no field `owner`. Fields: x"),
        ("a: x:int", "+owner -owner", 8, "`+owner` is changed twice; write one change for each field"),
        ("a: owner:str", "+owner", 1, "the changed line would be invalid: the name `owner` is reserved"),
        ("a: x:int; b: a:ref(a)", "+owner", 1, "the changed line would be invalid: `a` has an owner"),
    ],
)
def test_fault_of_an_owner(line: str, change: str, position: int, message: str) -> None:
    with pytest.raises(ResourceErrors) as raised:
        edit(line.split("; "), "a", change)
    [fault] = raised.value.faults
    assert (fault.position, fault.message[: len(message)]) == (position, message)

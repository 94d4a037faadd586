"""The set of resource lines: one is removed, or gets another name."""

import pytest

from toolkit.resources.change.edit import UnknownResourceError
from toolkit.resources.change.lines import LineError, renamed, without

LINES = ["product: name:str", "order: product:ref(product) second:ref(product,cascade)? parent:ref(order)?"]


def test_a_line_is_removed() -> None:
    assert without(LINES, "order") == LINES[:1]
    with pytest.raises(UnknownResourceError, match="unknown resource `ordr`; did you mean `order`"):
        without(LINES, "ordr")


def test_a_resource_that_another_refers_to_stays() -> None:
    with pytest.raises(LineError) as raised:
        without(LINES, "product")
    assert str(raised.value) == (
        "`product` cannot be removed: `order.product_id`, `order.second_id` refers to it; remove that first: "
        'python3 tasks.py resource.change order "-product_id -second_id"'
    )


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        (
            "product",
            "item",
            ["item: name:str", "order: product:ref(item) second:ref(item,cascade)? parent:ref(order)?"],
        ),
        (
            "order",
            "purchase/buys",
            [LINES[0], "purchase/buys: product:ref(product) second:ref(product,cascade)? parent:ref(purchase)?"],
        ),
    ],
)
def test_references_follow_a_new_name(old: str, new: str, lines: list[str]) -> None:
    assert renamed(LINES, old, new) == lines


def test_a_written_plural_goes_with_the_former_name() -> None:
    assert renamed(["person/people: name:str"], "person", "user") == ["user: name:str"]


@pytest.mark.parametrize(
    ("new", "message"), [("order", "already"), ("a-b", "not a valid name"), ("x/metrics", "reserved"), ("", "resource")]
)
def test_an_invalid_name_is_refused(new: str, message: str) -> None:
    with pytest.raises(LineError, match=message):
        renamed(LINES, "product", new)

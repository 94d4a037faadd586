"""Decimals in JSON: what the document says is what is taken."""

import json
import re
from decimal import Decimal
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from app.schemas.decimals import Exact

PRICE = TypeAdapter(Annotated[Decimal, Exact(gt=0, precision=10, scale=2)])
RATIO = TypeAdapter(Annotated[Decimal, Exact(ge=-1, le=1, precision=5, scale=4)])


@pytest.mark.parametrize("value", ["9.99", "0.01", "99999999.99", "7", 7, 7.0, 1.15, 0.07, 99999999.99])
def test_taken(value: object) -> None:
    assert PRICE.validate_json(json.dumps(value)) == Decimal(str(value))


@pytest.mark.parametrize("value", ["0", "0.00", "-1", "100000000", "1.999", "1e2", " 5", "1_0", "", "NaN", "Infinity"])
def test_refused_as_a_string(value: str) -> None:
    test_refused(value)


@pytest.mark.parametrize("value", [0, -1, 1.999, 1e9, True, None, []])
def test_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        PRICE.validate_json(json.dumps(value))


def test_what_the_document_says() -> None:
    text, number = PRICE.json_schema()["anyOf"]
    assert number == {"type": "number", "minimum": 0.01, "maximum": 99999999.99, "multipleOf": 0.01}
    assert text == {"type": "string", "format": "decimal", "pattern": r"^-?(?:0|[1-9][0-9]{0,7})(?:\.[0-9]{1,2})?$"}
    # An answer holds it as a string only: a float would not be exact.
    assert PRICE.json_schema(mode="serialization") == text


@pytest.mark.parametrize(("precision", "scale"), [(3, 0), (3, 1), (3, 2), (3, 3), (38, 20)])
@given(data=st.data())
def test_every_string_of_the_form_is_taken(precision: int, scale: int, data: st.DataObject) -> None:
    """A column without a rule that bounds it."""
    column = TypeAdapter(Annotated[Decimal, Exact(precision=precision, scale=scale)])
    form = column.json_schema()["anyOf"][0]["pattern"].strip("^$")
    text = data.draw(st.from_regex(form, fullmatch=True))
    assert column.validate_python(text) == Decimal(text)


@pytest.mark.parametrize(
    ("exact", "least", "greatest"),
    [
        (Exact(precision=3, scale=1), -99.9, 99.9),
        (Exact(precision=3, scale=0), -999, 999),
        (Exact(precision=4, scale=1, gt=Decimal("-10.5"), lt=Decimal("99.5")), -10.4, 99.4),
        (Exact(precision=4, scale=1, ge=Decimal("0.25"), le=Decimal("2.55")), 0.3, 2.5),
        # Of more digits than a float keeps, a number has 15.
        (Exact(precision=15, scale=2), -9999999999999.99, 9999999999999.99),
        (Exact(precision=16, scale=2), -9999999999999.99, 9999999999999.99),
        (Exact(precision=38, scale=0), -999999999999999, 999999999999999),
        (Exact(precision=38, scale=38), -0.9999999, 0.9999999),
        (Exact(precision=38, scale=20, gt=Decimal("0.1"), le=10**17), 0.1000001, 99999999.9999999),
    ],
)
def test_bounds(exact: Exact, least: float, greatest: float) -> None:
    number = TypeAdapter(Annotated[Decimal, exact]).json_schema()["anyOf"][1]
    assert (number["minimum"], number["maximum"]) == (least, greatest)


@given(st.integers(-10_000, 10_000))
def test_every_number_of_the_step_is_taken_as_a_float_too(number: int) -> None:
    assert RATIO.validate_json(json.dumps(number / 10_000)) == Decimal(number).scaleb(-4)


EXTREME = (Exact(precision=38, scale=0), Exact(precision=38, scale=38), Exact(precision=30, scale=12))


@pytest.mark.parametrize("exact", EXTREME, ids=str)
def test_the_extremes_are_taken_as_strings(exact: Exact) -> None:
    adapter = TypeAdapter(Annotated[Decimal, exact])
    [text, number] = adapter.json_schema()["anyOf"]
    greatest = str(10**exact.precision - 1)
    if exact.scale:
        greatest = f"{greatest[: -exact.scale] or '0'}.{greatest[-exact.scale :]}"
    for value in (greatest, f"-{greatest}"):
        assert re.fullmatch(text["pattern"], value)
        assert format(adapter.validate_json(json.dumps(value)), "f") == value
    for value in (number["minimum"], number["maximum"], number["multipleOf"], 0):
        assert adapter.validate_json(json.dumps(value)) == Decimal(str(value))
    beyond = number["maximum"] + number["multipleOf"]
    with pytest.raises(ValidationError, match=r"send it as a string|digits|less than"):
        adapter.validate_json(json.dumps(beyond))
    assert not re.fullmatch(text["pattern"], f"1{greatest}")


@pytest.mark.parametrize("value", [10**38 - 1, 1e38, 10**15, 1e-8, 0.123456789])
def test_a_number_that_may_have_lost_digits_is_refused_with_a_way(value: float) -> None:
    """The reader of JSON has rounded what it gives: the last digits would be anybody's guess."""
    with pytest.raises(ValidationError, match="has more than 15 digits; send it as a string"):
        TypeAdapter(Annotated[Decimal, Exact(precision=38, scale=20)]).validate_python(value)


def test_no_number_where_all_values_have_too_many_digits() -> None:
    schema = TypeAdapter(Annotated[Decimal, Exact(precision=38, scale=0, ge=10**20)]).json_schema()
    assert schema.keys() == {"type", "format", "pattern"}

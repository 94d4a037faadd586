"""Values that must be unique: within their bounds, and as many as there can be before one comes again."""

from decimal import Decimal

import pytest

from tests.support import unique


@pytest.mark.parametrize(
    ("low", "high", "step", "count"),
    [
        ("0.01", "0.10", "0.01", 10),
        ("-2", "2", "1", 5),
        ("0.000000000000000001", "99999999999999999999.999999999999999999", "0.000000000000000001", 50),
        ("0.00", "999999999999999999999999999999999999.99", "0.01", 50),
    ],
)
def test_decimals(low: str, high: str, step: str, count: int) -> None:
    values = [unique.decimal(low, high, step) for _ in range(count)]
    assert len(set(values)) == count
    assert all(Decimal(low) <= Decimal(value) <= Decimal(high) for value in values)
    assert all("E" not in value for value in values)


def test_the_others() -> None:
    assert {unique.whole(3, 7) for _ in range(5)} == {3, 4, 5, 6, 7}
    assert len({unique.date() for _ in range(100)}) == 100
    assert len({unique.moment() for _ in range(100)}) == 100
    texts = {unique.text(2, 4) for _ in range(100)}
    assert len(texts) == 100
    assert {len(text) for text in texts} == {4}
    assert all(0 <= unique.number(0, 1) < 1 for _ in range(100))

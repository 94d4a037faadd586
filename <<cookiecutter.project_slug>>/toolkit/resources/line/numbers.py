"""Numbers as text, so that nothing rounds them: the range of a column, and their plain form."""

import re

from toolkit.resources.line.errors import quote
from toolkit.resources.line.model import INTEGERS, scaled

_NUMBER = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?")


class NumberError(ValueError):
    """The text is not a number, or not one that the column can hold; the message says which."""


def check_number(type_: str, text: str, scale: int) -> str:
    """Return the plain form of a bound: 007 -> 7, -0.50 -> -0.5. Raises NumberError.

    A bound of a decimal may lie outside the column's digits (`<1000` on three digits) but not between its values.
    """
    return _plain(type_, text, scale)


def column_number(type_: str, text: str, scale: int, precision: int | None) -> str:
    """Return the plain form of a value of the column. Raises NumberError."""
    plain = _plain(type_, text, scale)
    if precision is not None and abs(scaled(plain, scale)) >= 10**precision:
        raise NumberError(
            f"{plain} has more than {precision - scale} digits before the point; expected at most that many"
        )
    return plain


def _plain(type_: str, text: str, scale: int) -> str:
    found = _NUMBER.fullmatch(text)
    if not found:
        if not text:
            raise NumberError("the number is missing; expected one, as in `>=0`")
        raise NumberError(
            f"{quote(text)} is not a number; expected digits with an optional `-` and point, such as 0, -5 or 0.99"
        )
    sign, whole, fraction = found[1], found[2].lstrip("0") or "0", (found[3] or "").rstrip("0")
    if len(whole) + len(fraction) > 60:
        raise NumberError("the number has more than 60 digits; expected fewer")
    plain = f"{whole}.{fraction}" if fraction else whole
    plain = f"-{plain}" if sign and plain != "0" else plain
    if type_ in INTEGERS:
        low, high = INTEGERS[type_]
        if fraction:
            raise NumberError(f"{plain} is not an integer, which `{type_}` requires")
        if not low <= int(plain) <= high:
            way = "; use `bigint` for larger numbers" if type_ == "int" else ""
            raise NumberError(f"{plain} is out of range for `{type_}`; expected {low} to {high}{way}")
    if type_ == "decimal" and len(fraction) > scale:
        places = "no decimal places" if scale == 0 else f"at most {scale} decimal places"
        raise NumberError(f"{plain} has {len(fraction)} decimal places; expected {places}")
    return plain

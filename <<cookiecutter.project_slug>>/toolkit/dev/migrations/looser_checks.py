"""Comparison of CHECKs: does a new one accept every row that the old one did? For the forms of resource lines. Pure."""

from __future__ import annotations

import re
from decimal import Decimal

_BOUND = re.compile(
    r"(?P<what>.+?) (?P<operator>>=|<=|>|<) \(?'?(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)'?\)?(?:::[\w ]+)?"
)
_VALUES = re.compile(r"(?P<what>.+?) = ANY \(.*ARRAY\[(?P<values>.*)\].*\)")
_ONE_VALUE = re.compile(r"(?P<what>.+?) = (?P<values>'(?:[^']|'')*')::[\w ]+")
_TEXT = re.compile(r"'((?:[^']|'')*)'")


def is_looser(wanted: str | None, found: str | None) -> bool:
    """Compare two definitions of pg_get_constraintdef. False if it cannot be determined."""
    if wanted is None or found is None:
        return wanted is None
    before = [_atom(part) for part in _parts(found)]
    return all(any(_implies(old, new) for old in before) for new in map(_atom, _parts(wanted)))


def _parts(definition: str) -> list[str]:
    inner = re.sub(r" NOT VALID$", "", definition).removeprefix("CHECK ")
    return [stripped(part) for part in stripped(inner).split(" AND ")]


def stripped(text: str) -> str:
    """Return the text without its outer parentheses."""
    text = text.strip()
    while text.startswith("(") and text.endswith(")") and _closes_last(text):
        text = text[1:-1]
    return text


def _closes_last(text: str) -> bool:
    depth = 0
    for position, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth == 0:
            return position == len(text) - 1
    return False


_Atom = tuple[str, str, Decimal | frozenset[str] | None]


def _atom(text: str) -> _Atom:
    """Return (what, operator, limit), ("what", "in", values), or the text itself if it has neither form."""
    if match := _VALUES.fullmatch(text) or _ONE_VALUE.fullmatch(text):
        return match["what"], "in", frozenset(_TEXT.findall(match["values"]))
    if match := _BOUND.fullmatch(text):
        return match["what"], match["operator"], Decimal(match["number"])
    return text, "", None


def _implies(old: _Atom, new: _Atom) -> bool:
    if old == new:
        return True
    if old[0] != new[0]:
        return False
    if isinstance(old[2], frozenset) and isinstance(new[2], frozenset):
        return old[2] <= new[2]
    if not isinstance(old[2], Decimal) or not isinstance(new[2], Decimal) or old[1][0] != new[1][0]:
        return False
    below = old[2] > new[2] if old[1][0] == ">" else old[2] < new[2]
    return below or (old[2] == new[2] and len(new[1]) >= len(old[1]))

"""Values added to an enum and removed from it, `status:enum(+refunded -lost)`. Pure."""

import re
from collections.abc import Callable

from toolkit.resources.line.errors import nearest, quote

# A value may begin with `-`: `enum(-|0)` has all values of an enum, which are two or more.
EXTENSION = re.compile(r"(\w+):enum\(\s*(?=\+|-[^|]*\))([^()]*)\)(.*)", re.DOTALL)
_ENUM = re.compile(r"enum\(([^()]*)\)(.*)", re.DOTALL)
# Called with the offset, the field and the message of a fault.
Report = Callable[[int, str, str], None]


def extended(type_: str, name: str, item: str, offset: int, report: Report) -> str:
    """Return the type with the values of an item (which matches EXTENSION); its other properties stay.

    Empty if the type is no enum, or the item changes more than values; each fault is passed to `report`.
    """
    found = EXTENSION.fullmatch(item)
    assert found  # noqa: S101 - the callers have matched it
    old = _ENUM.fullmatch(type_)
    if not old:
        report(offset, name, f"{quote(name)} is not an enum; to make it one, write all of its values: `enum(a|b)`")
        return ""
    if found[3]:
        message = "`enum(+a -b)` keeps `?` and the default; to change these too, write all values: `enum(a|b)`"
        report(offset + found.start(3), name, f"found {quote(found[3])}, but {message}")
        return ""
    values = old[1].split("|")
    for word in re.finditer(r"[^\s|,]+", found[2]):
        if message := _applied(values, word[0], name):
            report(offset + found.start(2) + word.start(), name, message)
    return f"enum({'|'.join(values)}){old[2]}"


def _applied(values: list[str], word: str, name: str) -> str:
    """Add or remove one value; return why that is impossible, or an empty string."""
    sign, value = word[0], word[1:]
    if sign == "+" and value not in values:
        values.append(value)
    elif sign == "-" and value in values:
        values.remove(value)
    elif sign == "+":
        return f"{quote(name)} already has the value {quote(value)}; remove it here"
    elif sign == "-":
        return f"{quote(name)} has no value {quote(value)}{nearest(value, values)} Values: {', '.join(values)}"
    else:
        return f"{quote(word)} has no sign; expected `+{word}` to add it, or `-{word}` to remove it"
    return ""

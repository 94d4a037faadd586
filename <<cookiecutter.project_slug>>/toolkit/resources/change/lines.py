"""Changes to the set of resource lines: one is removed, or gets another name. Pure."""

import re
from collections.abc import Sequence

from toolkit.resources.change.edit import find
from toolkit.resources.line.errors import ResourceErrors, quote
from toolkit.resources.line.parser import parse


class LineError(ValueError):
    """The change is impossible; the message has the reason and the next step."""


def without(lines: Sequence[str], name: str) -> list[str]:
    """Return the lines without a resource. Raises UnknownResourceError, or LineError while another refers to it."""
    index, _ = find(lines, name)
    for resource in parse(";\n".join(lines)):
        fields = [part.name for part in resource.references if part.ref and part.ref.name == name]
        if fields and resource.name != name:
            command = f'python3 tasks.py resource.change {resource.name} "{" ".join(f"-{field}" for field in fields)}"'
            where = ", ".join(quote(f"{resource.name}.{field}") for field in fields)
            raise LineError(f"{quote(name)} cannot be removed: {where} refers to it; remove that first: {command}")
    return [*lines[:index], *lines[index + 1 :]]


def renamed(lines: Sequence[str], old: str, new: str) -> list[str]:
    """Return the lines with another name, `name` or `name/plural`, for a resource; references follow.

    Raises UnknownResourceError, or LineError for an invalid or existing name.
    """
    index, raw = find(lines, old)
    name = new.partition("/")[0]
    head = f"{old}/{raw.plural.text}" if raw.plural else old
    target = re.compile(rf"(:\s*ref\(\s*){re.escape(old)}(?=\s*[,)])")
    changed = [target.sub(rf"\g<1>{name}", line) for line in lines]
    changed[index] = f"{new}{changed[index].strip().removeprefix(head)}"
    try:
        parse(";\n".join(changed))
    except ResourceErrors as errors:
        raise LineError(f"{quote(old)} cannot be renamed to {quote(new)}: {errors.faults[0].message}") from None
    return changed

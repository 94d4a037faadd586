"""Arguments of the command line, as invoke takes them. Pure."""

import re
from collections.abc import Sequence

_REMOVES = re.compile(r"-[A-Za-z_]\w")


def read(arguments: Sequence[str]) -> list[str]:
    """Return the arguments; invoke would take the change `-legacy` of `resource.change` for options.

    A change may begin with a space, and then it is none. A field with a name of one letter needs that space.
    """
    given = list(arguments)
    if "resource.change" not in given:
        return given
    first = given.index("resource.change") + 1
    return given[:first] + [f" {text}" if _REMOVES.match(text) else text for text in given[first:]]

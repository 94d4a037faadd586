"""Arguments of the command line, as invoke takes them. Pure."""

import re
from collections.abc import Sequence

_REMOVES = re.compile(r"-[A-Za-z_]\w")
_REMOVES_ONE_LETTER = re.compile(r"-[a-z]")
# Options of `resource.change` with a text that is neither the resource nor the change.
_WITH_VALUE = ("-b", "--backfill", "-m", "--map")


def read(arguments: Sequence[str]) -> list[str]:
    """Return the arguments; invoke would take the change `-legacy` of `resource.change` for options.

    A change that begins with a space is none. `-a` may be an option too: it is the change if it is the first of its
    kind after the resource's name, and no other argument is the change.
    """
    given = list(arguments)
    if "resource.change" not in given:
        return given
    first = given.index("resource.change") + 1
    own = [f" {text}" if _REMOVES.match(text) else text for text in given[first:]]
    if (change := _one_letter(own)) is not None:
        own[change] = f" {own[change]}"
    return given[:first] + own


def _one_letter(own: Sequence[str]) -> int | None:
    """Return the position of a change such as `-a`, or None."""
    values = {number for number, option in enumerate(own[:-1], 1) if option in _WITH_VALUE and own[number][:1] != "-"}
    words = [number for number, text in enumerate(own) if text[:1] != "-" and number not in values]
    if len(words) != 1 or any(text.startswith("--edit=") for text in own):
        return None
    after = range(words[0] + 1, len(own))
    found = (number for number in after if _REMOVES_ONE_LETTER.fullmatch(own[number]) and number + 1 not in values)
    return next(found, None)

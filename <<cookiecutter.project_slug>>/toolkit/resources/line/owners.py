"""The word `owner` in a resource line: the rows belong to the caller who created them. Its rules. Pure."""

from collections.abc import Collection, Iterable, Iterator

from toolkit.resources.line.errors import Fault, quote
from toolkit.resources.line.model import Resource
from toolkit.resources.line.words import RawResource


def faults(written: Iterable[RawResource], known: Collection[str]) -> Iterator[Fault]:
    """Yield a fault for each repeated `owner`, and for each reference to an owned resource from one that is not.

    `known` are the existing resources with an owner.
    """
    written = list(written)
    owned = {*known, *(raw.name.text for raw in written if raw.owners)}
    for raw in written:
        name = raw.name.text
        for again in raw.owners[1:]:
            yield Fault(again.word.offset + 1, name, "owner", "duplicate `owner`; remove one")
        for part in () if raw.owners else raw.fields:
            if part.target in owned:
                message = (
                    f"{quote(part.target)} has an owner, and rows that anyone sees would show which of its rows exist; "
                    f"write `owner` in {quote(name)} too, or remove the reference"
                )
                yield Fault(part.type.offset + 1, name, part.name.text, message)


def without_subjects(resources: Iterable[Resource], auth: str) -> str:
    """Return why resources with an owner are impossible with this answer to `auth`, or an empty string."""
    owned = [quote(resource.name) for resource in resources if resource.owner]
    if not owned or auth != "none":
        return ""
    verb = "has" if len(owned) == 1 else "have"
    return (
        f"{', '.join(owned)} {verb} `owner`, which is the subject of a token, but auth is `none`; remove the word "
        "`owner`, or choose an auth with tokens, such as `jwt`"
    )

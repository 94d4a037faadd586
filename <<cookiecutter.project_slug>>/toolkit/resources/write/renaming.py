"""The owner's edits in the files of a resource that gets another name. Pure, but for the search for other mentions."""

import difflib
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from toolkit.resources.line.model import Names

_PACKAGES = r"(?<=\bapp\.models\.)|(?<=\bapp\.schemas\.)|(?<=\bapp\.crud\.)|(?<=\bapp\.services\.)"


def carry(found: str, base: str, now: str, old: Names, new: Names) -> tuple[str, str]:
    """Return the owner's file and the generator's former one, as they would be under the new name.

    Lines that the generator wrote are what it writes `now`; in the owner's own, only names that the generator has made
    (classes, `order_crud`) are replaced, because `order` may mean something else there.
    """
    wanted = now if base.count("\n") == now.count("\n") else _everywhere(base, old, new)
    ours, theirs = found.splitlines(keepends=True), base.splitlines(keepends=True)
    replaced = wanted.splitlines(keepends=True)
    carried = []
    for tag, start, end, base_start, base_end in difflib.SequenceMatcher(None, ours, theirs, False).get_opcodes():
        carried += (
            replaced[base_start:base_end] if tag == "equal" else [_names(line, old, new) for line in ours[start:end]]
        )
    return "".join(carried), wanted


def mentions(root: Path, old: Names, generated: Collection[str]) -> Iterator[str]:
    """Return `path:line` of each use of the former names in the owner's own modules."""
    for folder in ("app", "tests"):
        for path in sorted((root / folder).rglob("*.py")):
            relative = path.relative_to(root).as_posix()
            if relative in generated:
                continue
            for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
                if _pattern(old).search(line):
                    yield f"{relative}:{number}"


def _pattern(names: Names) -> re.Pattern[str]:
    own = rf"\b{names.module}(?=_crud\b|_factory\b)|(?:{_PACKAGES}){names.module}\b"
    return re.compile(rf"(?P<kind>{_class(names)})|{own}")


def _class(names: Names) -> str:
    return rf"\b{names.class_name}(?=[A-Z]|\b)|(?<=Of){names.class_name}\b"


def _names(text: str, old: Names, new: Names) -> str:
    return _pattern(old).sub(lambda found: new.class_name if found["kind"] else new.module, text)


def _everywhere(text: str, old: Names, new: Names) -> str:
    forms = {
        old.plural_title.lower(): new.plural_title.lower(),
        old.plural_title: new.plural_title,
        old.noun: new.noun,
        old.url: new.url,
        old.plural_module: new.plural_module,
        old.module: new.module,
        old.plural: new.plural,
        old.name: new.name,
    }
    either = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
    pattern = rf"(?P<kind>{_class(old)})|(?<![A-Za-z0-9])(?:{either})(?![A-Za-z0-9])"
    return re.sub(pattern, lambda found: new.class_name if found["kind"] else forms[found[0]], text)

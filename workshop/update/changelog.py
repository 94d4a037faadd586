"""News of CHANGELOG.md since a version, or since an older text of it. Pure."""

from __future__ import annotations

import re

_HEADING = re.compile(r"^## \[?(?P<version>[^\]\s]+)\]?", re.M)
_BLOCK = re.compile(r"^(?:##.*|- .*(?:\n(?!- |#).+)*)", re.M)


def since(text: str, version: str) -> str:
    """Return the sections above that of `version`; all of them if it has none."""
    headings = list(_HEADING.finditer(text))
    start = headings[0].start() if headings else len(text)
    end = next((heading.start() for heading in headings if heading["version"] == version), len(text))
    return text[start:end].strip()


def added(older: str, text: str) -> str:
    """Return the entries of `text` that `older` lacks, under their headings; empty without any."""
    known = set(_BLOCK.findall(older))
    found: list[str] = []
    headings: list[str] = []
    for block in _BLOCK.findall(text):
        if block.startswith("## "):
            headings = [block]
        elif block.startswith("#"):
            headings = [*(heading for heading in headings if heading.startswith("## ")), block]
        elif block not in known:
            found += [*(f"\n{heading}\n" for heading in headings), block]
            headings = []
    return re.sub(r"\n{3,}", "\n\n", "\n".join(found)).strip()

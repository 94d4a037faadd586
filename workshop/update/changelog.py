"""The sections of CHANGELOG.md that are newer than a version. Pure."""

from __future__ import annotations

import re

_HEADING = re.compile(r"^## \[?(?P<version>[^\]\s]+)\]?", re.M)


def since(text: str, version: str) -> str:
    """Return the sections above that of `version`; all of them if it has none."""
    headings = list(_HEADING.finditer(text))
    start = headings[0].start() if headings else len(text)
    end = next((heading.start() for heading in headings if heading["version"] == version), len(text))
    return text[start:end].strip()

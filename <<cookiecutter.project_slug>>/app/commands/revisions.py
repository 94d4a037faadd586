"""`python -m app revisions`: the revisions in alembic/versions of the working directory, as JSON.

`revisions` has each one after those that it builds on, with all its `ancestors`; `heads` those without a successor.
`error` is a line when they are invalid: `revisions` is then empty, unless there are several heads.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.db.revisions import RevisionError, load

VERSIONS = Path("alembic") / "versions"


def main(_: Sequence[str]) -> int:
    json.dump(graph(VERSIONS), sys.stdout)
    return 0


def graph(versions: Path) -> dict[str, Any]:
    try:
        found = load(versions)
    except RevisionError as error:
        return {"revisions": [], "heads": [], "error": str(error)}
    listed = [
        {
            "id": revision.id,
            "path": revision.path.as_posix(),
            "parents": revision.parents,
            "depends_on": revision.depends_on,
            "labels": revision.labels,
            "message": revision.message,
            "marker": revision.marker,
            "contract_of": revision.contract_of,
            "ancestors": sorted(found.ancestors([revision.id])),
        }
        for revision in (found.known[id_] for id_ in found.ordered)
    ]
    error = found.several_heads() if len(found.heads) > 1 else ""
    return {"revisions": listed, "heads": found.heads, "error": error}

"""The revisions in alembic/versions and their dependencies: the one reader for app, toolkit and lint.

Standard library only, and no revision is imported (`ast`): the app uses it at start without loading Alembic (0.3 s),
the toolkit without loading the app.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

MERGE = "python3 tasks.py migrate.merge"
_NAMES = ("revision", "down_revision", "depends_on", "branch_labels")
_MARKER = re.compile(r"^#\s*deploy:\s*(additive|destructive|contract)\b(.*)", re.M)


class RevisionError(Exception):
    """The revisions are invalid. The message is one line: the fault, its place, and the next step."""


@dataclass(frozen=True)
class Revision:
    """`parents` are its down_revision, several for a merge. `marker`: `# deploy: additive|destructive|contract` in it.

    `contract_of`: the ids after `contract`, the expand revisions whose old form this one removes.
    """

    id: str
    path: Path
    parents: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    message: str = ""
    marker: str = ""
    contract_of: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Return the file's name for messages."""
        return "/".join(self.path.parts[-3:])


@dataclass(frozen=True)
class Revisions:
    """All revisions by id, every parent among them."""

    known: Mapping[str, Revision]

    @cached_property
    def heads(self) -> tuple[str, ...]:
        """Return the revisions that no other builds on, as Alembic counts them (`depends_on` does not count)."""
        parents = {parent for revision in self.known.values() for parent in revision.parents}
        return tuple(sorted(set(self.known) - parents))

    @property
    def head(self) -> str:
        """Return the newest revision; empty without any. Raises RevisionError when there are several."""
        if len(self.heads) > 1:
            raise RevisionError(self.several_heads())
        return self.heads[0] if self.heads else ""

    def several_heads(self) -> str:
        named = " and ".join(
            f"{head} ({self.known[head].message or self.known[head].path.name})" for head in self.heads
        )
        count = {2: "two", 3: "three"}.get(len(self.heads), str(len(self.heads)))
        return f"alembic/versions has {count} heads: {named}. Merge them: `{MERGE}`"

    def ancestors(self, ids: Iterable[str]) -> frozenset[str]:
        """Return everything that these revisions build on or depend on, without them; unknown ids have no ancestors."""
        found: set[str] = set()
        todo = [above for id_ in ids for above in self._above(id_)]
        while todo:
            if (id_ := todo.pop()) not in found:
                found.add(id_)
                todo += self._above(id_)
        return frozenset(found)

    def between(self, present: Iterable[str], wanted: str) -> tuple[Revision, ...]:
        """Return the revisions of an upgrade from `present` to `wanted`, each after those it builds on."""
        present = tuple(present)
        missing = (self.ancestors([wanted]) | {wanted}) - self.ancestors(present) - set(present)
        return tuple(self.known[id_] for id_ in self.ordered if id_ in missing)

    @cached_property
    def ordered(self) -> tuple[str, ...]:
        """Return all ids, each after those it builds on; otherwise by file name. Raises RevisionError for a cycle."""
        done: dict[str, None] = {}
        left = [revision.id for revision in sorted(self.known.values(), key=lambda revision: revision.path.name)]
        while left:
            ready = [id_ for id_ in left if all(above in done for above in self._above(id_))]
            if not ready:
                raise RevisionError(
                    f"circular down_revision or depends_on among {', '.join(left)}; correct one of them"
                )
            done |= dict.fromkeys(ready)
            left = [id_ for id_ in left if id_ not in done]
        return tuple(done)

    def _above(self, id_: str) -> list[str]:
        revision = self.known.get(id_)
        if revision is None:
            return []
        labelled = {label: other.id for other in self.known.values() for label in other.labels}
        return [*revision.parents, *(labelled.get(name, name) for name in revision.depends_on)]


def load(versions: Path) -> Revisions:
    """Read every file of the folder.

    Raises RevisionError for a file that is not valid Python, an id used twice, a parent without a file, or a cycle.
    """
    known: dict[str, Revision] = {}
    for path in sorted(versions.glob("*.py")):
        revision = read(path)
        if revision is None:
            continue
        if twin := known.get(revision.id):
            raise RevisionError(
                f"{twin.place} and {revision.place} have the same revision id {revision.id}; delete or renumber one"
            )
        known[revision.id] = revision
    found = Revisions(known)
    for revision in known.values():
        for above in found._above(revision.id):
            if above not in known:
                raise RevisionError(
                    f"{revision.place} builds on revision {above}, which has no file in alembic/versions; "
                    "restore that file (`git log --all -- alembic/versions`), or correct down_revision"
                )
    _ = found.ordered
    for revision in known.values():
        _check_contract(found, revision)
    return found


def _check_contract(found: Revisions, revision: Revision) -> None:
    """Check the ids of a contract revision. Raises RevisionError unless each is a revision that it builds on."""
    line = f"{revision.place}: `# deploy: contract`"
    if revision.marker == "contract" and not revision.contract_of:
        raise RevisionError(f"{line} names no expand revision; write its id there, as in `# deploy: contract a1b2c3`")
    for id_ in revision.contract_of:
        if id_ not in found.known:
            raise RevisionError(
                f"{line} names revision {id_}, which has no file in alembic/versions; correct the id, or restore that "
                "file (`git log --all -- alembic/versions`)"
            )
        if id_ not in found.ancestors([revision.id]):
            raise RevisionError(f"{line} names revision {id_}, which {revision.id} does not build on; correct the id")


def read(path: Path) -> Revision | None:
    """Return the revision in a file; None for a file without one. Raises RevisionError for invalid Python."""
    text = path.read_text("utf-8")
    try:
        tree = ast.parse(text, str(path))
    except SyntaxError as error:
        place = "/".join(path.parts[-3:])
        conflict = re.search(r"^(<{7}|>{7}) ", text, re.M)
        what = "has unresolved conflict markers of a git merge" if conflict else f"is not valid Python: {error.msg}"
        raise RevisionError(f"{place}:{error.lineno} {what}; correct the file") from None
    values = {
        target.id: _strings(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and target.id in _NAMES
    }
    if not values.get("revision"):
        return None
    marker, ids = found.groups() if (found := _MARKER.search(text)) else ("", "")
    return Revision(
        values["revision"][0],
        path,
        values.get("down_revision", ()),
        values.get("depends_on", ()),
        values.get("branch_labels", ()),
        (ast.get_docstring(tree) or "").partition("\n")[0].strip(),
        marker,
        tuple(re.findall(r"\w+", ids)) if marker == "contract" else (),
    )


def _strings(node: ast.expr) -> tuple[str, ...]:
    """Return the text of a constant, or the texts of a tuple, list or set of them; nothing for None."""
    parts = node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]
    return tuple(part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str))

"""The base of the merge: what the service's own version of the template makes of today's resource lines.

It is a commit on the branch `template`. Without it a resource that was added or changed later would be new on both
sides, and every difference in it a conflict.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from workshop.update import service
from workshop.update.git import Repository, UpdateError

BRANCH = "template"
MANIFESTS = (".generated.json", "scaffold/manifest.json")  # today's place, and that of the first services
# The generator of the service as it was: it lies in the branch itself.
ADD = """
import sys
from pathlib import Path
sys.path.insert(0, ".")
try:
    from toolkit.resources.write import generator
except ImportError:
    from scaffold import generator
generator.add(sys.argv[1], Path.cwd())
"""


def start(repository: Repository, found: service.Service) -> str:
    """Return the template's newest commit that the service records as its origin; empty when this clone has none.

    The tip of the branch `template` is not always it: another clone may have updated the service, or a merge from here
    was aborted.
    """
    for tip in _tips(repository):
        for commit in repository.read("rev-list", "--first-parent", tip).splitlines():
            if service.at(repository, commit).same_origin(found):
                return commit
    return ""


def latest(repository: Repository) -> str:
    """Return the tip of the branch `template`, whatever it was made from; empty when this clone has none."""
    return next(iter(_tips(repository)), "")


def _tips(repository: Repository) -> list[str]:
    branches = [commit for name in (BRANCH, f"origin/{BRANCH}") if (commit := repository.commit_of(name))]
    merged = repository.read("rev-list", "--max-count=1", "--grep=^Template version ", "--grep=^Answers ", "HEAD")
    return [*branches, *merged.splitlines(), *_first_commits(repository)]


def _first_commits(repository: Repository) -> list[str]:
    """Return the service's first commit, which the template made, unless the history is cut off."""
    if repository.read("rev-parse", "--is-shallow-repository") == "true":
        return []
    roots = repository.read("rev-list", "--max-parents=0", "HEAD").splitlines()
    return [root for root in roots if service.FILE in repository.files(root)]


@contextmanager
def checked_out(repository: Repository, commit: str) -> Iterator[Repository]:
    """A worktree of a commit, removed afterwards."""
    with TemporaryDirectory(prefix="template-") as folder:
        place = Path(folder, "worktree")
        repository.run("worktree", "add", "--quiet", "--detach", str(place), commit)
        try:
            yield Repository(place)
        finally:
            repository.run("worktree", "remove", "--force", str(place))


def with_lines(tree: Repository, lines: tuple[str, ...]) -> str:
    """Write today's resources with the service's own generator, and return the commit. Raises UpdateError."""
    known = service.read(tree.folder).lines
    if any(line not in lines for line in known):  # changed or removed: an older generator can only add
        _remove_generated(tree.folder)
        file = tree.folder / service.FILE
        file.write_text(service.without_lines(file.read_text(encoding="utf-8")), encoding="utf-8")
        known = ()
    missing = [line for line in lines if line not in known]
    if missing:
        command = [sys.executable, "-B", "-c", ADD, "; ".join(missing)]
        done = subprocess.run(command, cwd=tree.folder, check=False, capture_output=True, text=True)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise UpdateError(f"the service's own generator could not write today's resources: {reason}")
    return commit_all(tree, "Record today's resources as the template made them")


def _remove_generated(folder: Path) -> None:
    """Remove every file of the resources, and the manifest that lists them."""
    for manifest in (folder / name for name in MANIFESTS):
        if manifest.exists():
            for name in (*json.loads(manifest.read_text(encoding="utf-8"))["files"], manifest):
                (folder / name).unlink(missing_ok=True)


def commit_all(tree: Repository, message: str) -> str:
    """Commit everything in the worktree, when something has changed. Returns the commit."""
    tree.run("add", "--all", "--force", ".")
    if tree.read("status", "--porcelain"):
        tree.run("commit", "--quiet", "--no-verify", "-m", message)
    return tree.read("rev-parse", "HEAD")

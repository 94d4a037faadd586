"""The base of the merge: what the service's own version of the template makes of today's resource lines.

It is a commit on the branch `template`. Without it a resource that was added later would be new on both sides, and
every difference in it a conflict.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from workshop.update import service
from workshop.update.git import Repository, UpdateError

BRANCH = "template"
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


def start(repository: Repository) -> str:
    """The commit of the branch `template`, made again from the history where a clone lacks it. Empty when it cannot."""
    for name in (BRANCH, f"origin/{BRANCH}"):
        if commit := repository.commit_of(name):
            return commit
    if repository.read("rev-parse", "--is-shallow-repository") == "true":
        return ""
    roots = repository.read("rev-list", "--max-parents=0", "HEAD").splitlines()
    return next((root for root in roots if service.FILE in repository.files(root)), "")


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
    """Add the resources that the service has got since, and return the commit. Raises UpdateError."""
    known = service.read(tree.folder).lines
    missing = [line for line in lines if line not in known]
    if missing:
        command = [sys.executable, "-B", "-c", ADD, "; ".join(missing)]
        done = subprocess.run(command, cwd=tree.folder, check=False, capture_output=True, text=True)
        if done.returncode:
            reason = done.stderr.strip().splitlines()[-1]
            raise UpdateError(f"the service's own generator could not write today's resources: {reason}")
    return commit_all(tree, "Record today's resources as the template made them")


def commit_all(tree: Repository, message: str) -> str:
    """Commit everything in the worktree, when something has changed. Returns the commit."""
    tree.run("add", "--all", "--force", ".")
    if tree.read("status", "--porcelain"):
        tree.run("commit", "--quiet", "--no-verify", "-m", message)
    return tree.read("rev-parse", "HEAD")

"""Creation of the service's git repository. Standard library only: the template's hook runs this."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Literal

# Without the user's signing and hooks, which are meant for the user's own commits.
OURS = ("commit.gpgsign=false", "core.hooksPath=/dev/null", "core.excludesFile=/dev/null", "core.autocrlf=false")
# Files that the machine may have been unable to create when the service was generated
MADE_LATER = ("uv.lock", "alembic/versions/*.py", "docs/openapi.json")


class Unable(Exception):
    """Git cannot do it on this machine; `remedy` is the command that fixes that."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.remedy = remedy


def commit_generated(project: Path, message: str) -> tuple[Literal["ok", "changed"], str]:
    """Commit everything if there is no commit yet, and create the branch `template` there.

    While `template` still equals `main`, files created later (the lock, the first revision) are added in a second
    commit, and `template` moves to it. Raises Unable.
    """
    if not shutil.which("git"):
        raise Unable("git is not installed")
    if not (project / ".git").exists():
        _git(project, "init", "--quiet", "--initial-branch", "main")
    head = _read(project, "rev-parse", "--verify", "--quiet", "HEAD")
    if head and (head != _read(project, "rev-parse", "--verify", "--quiet", "template") or not _unborn_files(project)):
        return "ok", f"at {head[:7]}"
    if not knows_who(project):
        raise Unable(
            "git has no user name and email",
            "git config --global user.name YOU && git config --global user.email YOU@EXAMPLE.COM",
        )
    _git(project, "add", "--", *(_unborn_files(project) if head else ["."]))
    _git(project, "commit", "--quiet", "--no-verify", "-m", "Add the lock file and first revision" if head else message)
    _git(project, "branch", "--force", "template")
    return "changed", f"main and template at {_read(project, 'rev-parse', '--short', 'HEAD')}{_surroundings(project)}"


def restore(project: Path, folder: str) -> None:
    """Restore deleted files of a folder from git. Raises Unable."""
    if (project / ".git").exists() and _read(project, "ls-files", "--", folder):
        _git(project, "checkout", "--quiet", "--", folder)


def knows_who(folder: Path) -> bool:
    """Return True if git has a configured user; its guess from the machine's name does not count."""
    return bool(_read(folder, "-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT"))


def _unborn_files(project: Path) -> list[str]:
    missing = [name for name in MADE_LATER if not _read(project, "ls-files", "--", name)]
    found = _read(project, "ls-files", "--others", "--exclude-standard", "--", *missing) if missing else ""
    return found.splitlines()


def _surroundings(project: Path) -> str:
    outer = _read(project.parent, "rev-parse", "--show-toplevel")
    if not outer or _read(project.parent, "check-ignore", str(project)):
        return ""
    return f"; it is inside the repository {outer}: add it there as a submodule, or remove its .git"


def _git(project: Path, *arguments: str) -> None:
    done = _run(project, arguments)
    if done.returncode:
        raise Unable(f"git {arguments[0]}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")


def _read(project: Path, *arguments: str) -> str:
    """Return git's output, or nothing when it fails."""
    done = _run(project, arguments)
    return "" if done.returncode else done.stdout.strip()


def _run(project: Path, arguments: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    options = [part for setting in OURS for part in ("-c", setting)]
    # GIT_DIR and similar variables, set while another repository's hook runs, would redirect every call to it.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or "_AUTHOR_" in name}
    kept |= {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("GIT_COMMITTER_", "GIT_CONFIG_", "GIT_SSL"))
    }
    command = ["git", *options, *arguments]
    return subprocess.run(command, cwd=project, env=kept, check=False, capture_output=True, text=True)

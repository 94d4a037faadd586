"""Git, as an update needs it: without the user's hooks and signatures, and with errors in one line."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

OPTIONS = (
    *("commit.gpgsign=false", "core.hooksPath=/dev/null", "core.autocrlf=false", "advice.detachedHead=false"),
    "merge.directoryRenames=false",  # a file that the owner added stays where it is
)


class UpdateError(Exception):
    """The update was refused or failed. The message has the fault and the next step."""


@dataclass(frozen=True)
class Repository:
    """A working tree."""

    folder: Path

    def run(self, *arguments: str, allowed: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
        """Run git here. Raises UpdateError with git's last line for an exit code that is not allowed."""
        options = [part for setting in OPTIONS for part in ("-c", setting)]
        # GIT_DIR and its like, set while another repository's hook runs, would point every call there.
        dropped = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
        environment = {name: value for name, value in os.environ.items() if name not in dropped}
        done = subprocess.run(
            ["git", *options, *arguments],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode not in allowed:
            lines = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
            raise UpdateError(f"git {arguments[0]} failed in {self.folder}: {lines[-1]}")
        return done

    def read(self, *arguments: str) -> str:
        """Return git's output, stripped. Raises UpdateError."""
        return self.run(*arguments).stdout.strip()

    def commit_of(self, name: str) -> str:
        """The commit that a name stands for; empty when there is none."""
        return self.run("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", allowed=(0, 1, 128)).stdout.strip()

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Return True if `newer` contains `older`."""
        return self.run("merge-base", "--is-ancestor", older, newer, allowed=(0, 1)).returncode == 0

    def files(self, commit: str = "HEAD") -> list[str]:
        """The paths of all files of a commit."""
        return [name for name in self.run("ls-tree", "-r", "-z", "--name-only", commit).stdout.split("\0") if name]

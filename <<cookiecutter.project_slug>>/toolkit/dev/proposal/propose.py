"""Update the service on a branch, push it, and open the pull request; nothing when the template has nothing new."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from toolkit.dev import template_update
from toolkit.dev.proposal import forge

BRANCH = "template-update"
MOVED_ON, CONFLICTS = 2, 3  # exit codes of the template's task `update`
NEXT = (("setup",), ("migrate.new", "Update the template"), ("openapi",), ("format",))
WHO = ("Template update", "template-update@localhost")
IDENTITY = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in zip(("NAME", "EMAIL"), WHO, strict=True)
}


class ProposalError(Exception):
    """The branch could not be proposed; the message has the reason and the next step."""


@dataclass(frozen=True)
class Checkout:
    """The service's folder, and the variables of its child processes."""

    folder: Path
    variables: dict[str, str]

    def ask(self, *command: str, stdin: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a program and return what it printed. Raises ProposalError when it is not installed."""
        try:
            return subprocess.run(
                command,
                cwd=cwd or self.folder,
                env=self.variables,
                input=stdin,
                check=False,
                capture_output=True,
                text=True,
            )
        except FileNotFoundError:
            raise ProposalError(f"{command[0]} is not installed; install it, then run this again.") from None

    def run(self, *command: str, stdin: str = "") -> str:
        """Run a program and return its output, stripped. Raises ProposalError when it fails."""
        done = self.ask(*command, stdin=stdin)
        if done.returncode:
            lines = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
            raise ProposalError(f"{' '.join(command[:3])} failed: {lines[-1]}")
        return done.stdout.strip()

    def task(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a task of a folder's own tasks.py."""
        return self.ask(sys.executable, "tasks.py", *arguments, cwd=folder)


def run(project: Path, *, to: str, address: str) -> int:
    """Propose the template's changes. Returns 0 when done or nothing is new, 1 on a fault, 3 for conflicts."""
    try:
        return _propose(Checkout(project, {**os.environ, **IDENTITY, **forge.credentials(os.environ)}), to, address)
    except ProposalError as error:
        print(f"Not proposed: {error}", file=sys.stderr)
        return 1


def _propose(checkout: Checkout, to: str, address: str) -> int:
    own = forge.find(_ci(checkout.folder), os.environ)
    if own is None:
        raise ProposalError(
            'this service has no pipeline (ci = "none" in service.toml); run `template.update` instead.'
        )
    origin = address or template_update.recorded_address(checkout.folder)
    clone = template_update.fetch(checkout.folder, origin, to, checkout.variables)
    checked = checkout.task(clone, "update", str(checkout.folder), "--check")
    print(checked.stdout + checked.stderr, end="", flush=True)
    if checked.returncode != MOVED_ON:
        return checked.returncode
    if forge.is_pipeline(os.environ) and not os.environ.get(forge.TOKEN):
        mark = "::warning::" if own.name == "github" else ""
        print(f"\n{mark}The template has moved on. Set {forge.TOKEN} for a pull request (README.md, Pipeline).")
        return 0
    here = checkout.run("git", "branch", "--show-current")
    target = forge.target(os.environ, here)
    checkout.run("git", "fetch", "--quiet", own.remote, "+refs/heads/*:refs/remotes/origin/*")
    there = _proposed(checkout)
    version = checkout.run("git", "-C", str(clone), "describe", "--tags", "--always")
    if there and _has(checkout, there, checkout.run("git", "-C", str(clone), "rev-parse", "HEAD")):
        print(f"{BRANCH} has this already.")
        return 0
    with _on_branch(checkout, here):
        code, failed = _updated(checkout, clone)
        if code:
            return code
        title, text = forge.describe(version, checked.stdout, failed)
        request = forge.Request(BRANCH, target, title, text)
        # Nothing that was pushed since the fetch above is overwritten.
        lease = f"--force-with-lease=refs/heads/{BRANCH}:{there}"
        push = ("git", "push", "--quiet", lease, *own.push_options(request), own.remote, f"HEAD:refs/heads/{BRANCH}")
        checkout.run(*push)
        print(own.open(request, checkout.run))
    return 0


def _ci(project: Path) -> str:
    content = tomllib.loads((project / "service.toml").read_text(encoding="utf-8"))
    return str(content["answers"].get("ci", "none"))


def _proposed(checkout: Checkout) -> str:
    """Return the commit of the proposed branch, empty without one. Raises ProposalError when it has others' commits."""
    reference = f"refs/remotes/origin/{BRANCH}"
    if checkout.ask("git", "rev-parse", "--verify", "--quiet", reference).returncode:
        return ""
    authors = checkout.run("git", "log", "--first-parent", "--format=%ce", f"HEAD..{reference}").splitlines()
    if others := sorted(set(authors) - {WHO[1]}):
        raise ProposalError(f"{BRANCH} has commits of {', '.join(others)}; merge it or delete it, then run this again.")
    return checkout.run("git", "rev-parse", reference)


def _has(checkout: Checkout, branch: str, commit: str) -> bool:
    """Return True if the branch was made from this commit of the template and from all that is checked out here."""
    content = tomllib.loads(checkout.run("git", "show", f"{branch}:service.toml"))
    contains = checkout.ask("git", "merge-base", "--is-ancestor", "HEAD", branch).returncode == 0
    return contains and content["service"].get("template_commit") == commit


def _updated(checkout: Checkout, clone: Path) -> tuple[int, list[str]]:
    """Merge and regenerate on the current branch. Returns the exit code, and the commands that failed afterwards."""
    done = checkout.task(clone, "update", str(checkout.folder))
    print(done.stdout + done.stderr, end="", flush=True)
    if done.returncode == CONFLICTS:
        checkout.run("git", "merge", "--abort")
        print(
            "\nThere are conflicts, so nothing is proposed: resolve them in a checkout on a laptop.\n"
            "  python3 tasks.py template.update",
            file=sys.stderr,
        )
    if done.returncode:
        return done.returncode, []
    failed = []
    for arguments in NEXT:
        after = checkout.task(checkout.folder, *arguments)
        if after.returncode:
            print(after.stdout + after.stderr, end="", flush=True)
            failed.append(shlex.join(("python3", "tasks.py", *arguments)))
    checkout.run("git", "add", "--all")
    if checkout.run("git", "status", "--porcelain"):
        checkout.run(
            "git", "commit", "--quiet", "--no-verify", "-m", "Follow the template: lock, revision, API document"
        )
    return 0, failed


@contextmanager
def _on_branch(checkout: Checkout, here: str) -> Iterator[None]:
    """Be on the branch of the proposal, and then where the checkout was before."""
    commit = checkout.run("git", "rev-parse", "HEAD")
    checkout.run("git", "switch", "--quiet", "--force-create", BRANCH)
    try:
        yield
    finally:
        checkout.run("git", "switch", "--quiet", *((here,) if here else ("--detach", commit)))

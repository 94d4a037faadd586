"""The service's commands as typed values: `python -m app COMMAND` in its folder (see README.md)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from toolkit.dev import subprocesses

MERGE = "python3 tasks.py migrate.merge"


class ServiceError(Exception):
    """A command of the service failed. The message is one line: the fault, and if possible the next step."""


class RevisionError(ServiceError):
    """The revisions are invalid."""


@dataclass(frozen=True)
class Revision:
    """A file of alembic/versions. `marker`: `# deploy: additive|destructive|contract` in it.

    `contract_of`: the expand revisions whose old form it removes.
    """

    id: str
    path: Path
    place: str  # as it is named in messages
    message: str = ""
    marker: str = ""
    ancestors: frozenset[str] = frozenset()
    contract_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Revisions:
    """All revisions by id, each after those that it builds on. `error`: why there is no single head, in one line."""

    known: Mapping[str, Revision]
    heads: tuple[str, ...] = ()
    error: str = ""

    @property
    def head(self) -> str:
        """Return the newest revision; empty without any. Raises RevisionError when there are several."""
        if len(self.heads) > 1:
            raise RevisionError(self.error)
        return self.heads[0] if self.heads else ""

    @cached_property
    def ordered(self) -> tuple[Revision, ...]:
        return tuple(self.known.values())

    def ancestors(self, ids: Iterable[str]) -> frozenset[str]:
        """Return everything that these revisions build on; unknown ids have no ancestors."""
        return frozenset[str]().union(*(self.known[id_].ancestors for id_ in ids if id_ in self.known))

    def between(self, present: Iterable[str], wanted: str) -> tuple[Revision, ...]:
        """Return the revisions of an upgrade from `present` to `wanted`, each after those it builds on."""
        present = tuple(present)
        missing = (self.ancestors([wanted]) | {wanted}) - self.ancestors(present) - set(present)
        return tuple(revision for revision in self.ordered if revision.id in missing)


@dataclass(frozen=True)
class Problem:
    """One refused setting: `kind` is one of toolkit/README.md, `text` a sentence about it."""

    setting: str
    kind: str
    text: str


@dataclass(frozen=True)
class Verdict:
    """The service's check of settings."""

    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Example:
    """A body for a POST to `path`; each of `references` needs the id from a POST to its own path."""

    name: str
    path: str
    body: Mapping[str, object]
    references: Mapping[str, str]


def command(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "app", name, *arguments]


def run(project: Path, name: str, *arguments: str) -> int:
    """Run a command with this terminal's input and output; return its exit code."""
    return subprocesses.run(command(name, *arguments), cwd=project)


def revisions(project: Path) -> Revisions:
    """Return the revisions. Raises RevisionError for invalid files, ServiceError when the service's code fails."""
    told = json.loads(_output(project, "revisions"))
    if told["error"] and not told["heads"]:
        raise RevisionError(told["error"])
    known = {
        item["id"]: Revision(
            item["id"],
            project / item["path"],
            item["path"],
            item["message"],
            item["marker"],
            frozenset(item["ancestors"]),
            tuple(item["contract_of"]),
        )
        for item in told["revisions"]
    }
    return Revisions(known, tuple(told["heads"]), told["error"])


def question(
    settings: Mapping[str, str], secrets: Mapping[str, str], hidden: Iterable[str] = (), *, development: bool = False
) -> str:
    """The input of `check`."""
    asked = {"settings": dict(settings), "secrets": dict(secrets), "hidden": list(hidden), "development": development}
    return json.dumps(asked)


def verdict(answer: str) -> Verdict:
    """The output of `check`."""
    told = json.loads(answer)
    problems = tuple(Problem(item["setting"], item["kind"], item["text"]) for item in told["problems"])
    return Verdict(problems, tuple(told["notes"]))


def examples(project: Path) -> tuple[Example, ...]:
    """Return one example of each resource; referenced ones come first. Raises ServiceError."""
    told = json.loads(_output(project, "example"))
    return tuple(Example(item["name"], item["path"], item["body"], item["references"]) for item in told)


def openapi(project: Path) -> str:
    """Return the document as JSON. Raises ServiceError."""
    return _output(project, "openapi")


def database_url(project: Path) -> str:
    """Return the address of the database for migrations, for libpq and asyncpg. Raises ServiceError."""
    return _output(project, "database-url").strip()


def token(project: Path) -> str:
    """Return a token for development with every scope. Raises ServiceError."""
    return _output(project, "token", "--all").splitlines()[-1]


def _output(project: Path, name: str, *arguments: str) -> str:
    done = subprocess.run(
        command(name, *arguments),
        cwd=project,
        check=False,
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise ServiceError(f"`python -m app {name}` ended with {done.returncode}: {' '.join(lines[-3:])}")
    return done.stdout

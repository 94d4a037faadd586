"""Jinja filters for cookiecutter.json and the rendered files; one of them rejects invalid answers.

Cookiecutter has no hook that can reject answers before it writes: a failing pre_gen hook leaves a traceback, and by
then a slug of `../../x` has escaped the output folder. A filter used by the last private variable runs after the last
answer and before the first file. The versions of Python and cookiecutter are checked when the extension is loaded,
which is when code of this repository first runs.
"""

from __future__ import annotations  # an old Python must reach the message that it is too old

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import cookiecutter
from click import ClickException, UsageError
from jinja2 import Environment
from jinja2.ext import Extension

TEMPLATE = Path(__file__).resolve().parent
NEEDED = (2, 7, 1)
SERVICE = TEMPLATE / "<<cookiecutter.project_slug>>"


class Answers(Extension):
    """Adds the filters `escaped`, `parsed`, `checked`, and what the template is: `template_*`."""

    def __init__(self, environment: Environment) -> None:
        refuse_old_programs()
        super().__init__(environment)
        environment.filters |= {
            "escaped": escaped,
            "parsed": parsed,
            "checked": checked,
            "template_version": template_version,
            "template_commit": lambda _: template_commit(TEMPLATE),
            "template_address": lambda _: template_address(TEMPLATE),
            "template_folder": lambda _: str(TEMPLATE),
        }


def refuse_old_programs() -> None:
    """Check the versions. Raises click.ClickException, one line, for a Python or a cookiecutter that is too old."""
    if sys.version_info < (3, 11):  # noqa: UP036  # it is cookiecutter's Python, which is not checked elsewhere
        raise ClickException(f"Python 3.11 or newer is required; cookiecutter runs on {sys.version.split()[0]}.")
    found = tuple(int(number) for number in re.findall(r"\d+", cookiecutter.__version__)[:3])
    if found < NEEDED:
        needed = ".".join(map(str, NEEDED))
        way = f'Upgrade it (`pip install "cookiecutter>={needed}"`), or run .venv/bin/cookiecutter of a clone'
        raise ClickException(f"Cookiecutter {needed} or newer is required; this is {cookiecutter.__version__}. {way}.")


def escaped(text: str) -> str:
    """Return the text escaped for a double-quoted string in TOML, YAML or JSON."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def parsed(text: str) -> Sequence[Any]:
    """Return the resources of a text, parsed by the service's own parser (toolkit.resources.line.model.Resource)."""
    return _module("toolkit.resources.line.parser").parse(text)


def checked(answers: Mapping[str, str]) -> str:
    """Return "yes" for valid answers. Raises click.UsageError with every fault: cookiecutter exits with code 2."""
    given = {name: value for name, value in answers.items() if not name.startswith("_")}
    if faults := _module("hooks.answers").check_answers(given):
        listed = "\n".join(f"  - {fault}" for fault in faults)
        raise UsageError(f"Invalid answers; nothing was written:\n{listed}")
    return "yes"


def template_version(_: str) -> str:
    found = re.search(r'^version = "(.+)"', (TEMPLATE / "pyproject.toml").read_text(), re.MULTILINE)
    return found[1] if found else "unknown"


def template_commit(folder: Path) -> str:
    """Return the commit of the template's folder; empty with uncommitted changes.

    An archive of a commit (a zip of GitHub's or GitLab's) has no git, but git has written the commit into a file of it.
    """
    if not (folder / ".git").exists():
        archived = folder / ".git_archival.txt"
        found = re.search("[0-9a-f]{40}", archived.read_text()) if archived.exists() else None
        return found[0] if found else ""
    commit = _git(folder, "rev-parse", "HEAD")
    return "" if _git(folder, "status", "--porcelain", "--untracked-files=no") else commit


def template_address(folder: Path) -> str:
    """Return the template's origin, without a password; its own folder for a checkout without a remote."""
    if not _git(folder, "rev-parse", "HEAD"):
        return ""
    address = _git(folder, "config", "--get", "remote.origin.url") or str(folder)
    return re.sub(r"(?<=://)[^/@]*@", "", address)


def _git(folder: Path, *arguments: str) -> str:
    """Return git's output for the repository whose top is this folder; nothing without git."""
    command = ["git", "-C", str(folder), *arguments]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    if not (folder / ".git").exists() or not shutil.which("git"):
        return ""
    return subprocess.run(command, env=kept, check=False, capture_output=True, text=True).stdout.strip()  # noqa: S603


def _module(name: str) -> Any:
    """Import a module of the template or the service, without compiled files in the folder that is copied next."""
    compiled, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    kept_path = list(sys.path)
    sys.path[:0] = [str(SERVICE), str(TEMPLATE)]
    try:
        return import_module(name)
    finally:
        sys.path[:] = kept_path
        sys.dont_write_bytecode = compiled

"""Facts from a service: its answers, its resource lines, and the template that it was generated from."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from toolkit.resources.write import service_file
from workshop.update.git import Repository, UpdateError

FILE = "service.toml"
MANIFEST = ".generated.json"
_ORIGIN = re.compile(r"^(template_\w+) = .*$", re.M)


@dataclass(frozen=True)
class Service:
    """`commit` is that of the template; empty where it was not recorded."""

    answers: Mapping[str, str]
    lines: tuple[str, ...]
    version: str = ""
    commit: str = ""

    def same_origin(self, other: Service) -> bool:
        """Return True if both were made from the same answers by the same version of the template."""
        return (self.version, self.commit, self.answers) == (other.version, other.commit, other.answers)


def read(project: Path) -> Service:
    """Raises UpdateError when the folder holds no service of this template."""
    path = project / FILE
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UpdateError(f"{path} cannot be read: {error.strerror}. Name the folder of a service.") from None
    except ValueError as error:
        raise UpdateError(f"{path} is not valid TOML: {error}. Correct it, or get it back with git.") from None
    found = parse(content)
    return replace(found, lines=_generated_lines(project / MANIFEST) or found.lines)


def _generated_lines(manifest: Path) -> tuple[str, ...]:
    """Return the lines that the files were generated from: those of service.toml may have been edited since."""
    try:
        lines = json.loads(manifest.read_text(encoding="utf-8")).get("lines", [])
    except (OSError, ValueError, AttributeError):
        return ()
    return tuple(lines) if isinstance(lines, list) and all(isinstance(line, str) for line in lines) else ()


def at(repository: Repository, commit: str) -> Service:
    """Return the service as of a commit; one without answers when that commit has no readable service.toml."""
    shown = repository.run("show", f"{commit}:{FILE}", allowed=(0, 128)).stdout
    try:
        return parse(tomllib.loads(shown))
    except (UpdateError, ValueError):
        return Service({}, ())


def parse(content: Mapping[str, object]) -> Service:
    """The service from its file's content. Raises UpdateError."""
    answers, resources, own = (content.get(name) for name in ("answers", "resources", "service"))
    if not isinstance(answers, dict) or not isinstance(resources, dict) or not isinstance(own, dict):
        raise UpdateError(f"{FILE} lacks [service], [answers] or [resources]; get it back with git.")
    lines = resources.get("lines", [])
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise UpdateError(f"[resources] lines in {FILE} is not a list of texts; write one text for each resource.")
    given = {str(name): str(value) for name, value in answers.items() if name != "resources"}
    return Service(given, tuple(lines), str(own.get("template_version", "")), str(own.get("template_commit", "")))


def without_lines(text: str) -> str:
    """Return the text of a service.toml without its resource lines. Pure. Raises UpdateError."""
    try:
        return service_file.ServiceFile(text, tomllib.loads(text)).with_lines(())
    except ValueError as error:
        raise UpdateError(str(error)) from None


def with_origin(text: str, recorded: str) -> str:
    """Return the text of a service.toml with the `template_` lines of another one, where that has them. Pure."""
    lines = {line[1]: line[0] for line in _ORIGIN.finditer(recorded)}
    return _ORIGIN.sub(lambda line: lines.get(line[1], line[0]), text)

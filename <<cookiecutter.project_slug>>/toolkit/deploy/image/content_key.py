"""The content of an image, and its key. Same key: same image, independent of the builder."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from toolkit.deploy.outcomes import fail

# Increment when the scope of the key changes: images with keys of the old rules are then rebuilt.
KEY_VERSION = "2"
# Part of a tag: 64 bits are enough for the images of one repository.
KEY_LENGTH = 16
TARGET = "production"
# Read by the container's shell, for which a carriage return is part of the preceding word.
SHELL_SCRIPT = "entrypoint.sh"
_ARGUMENT = re.compile(r"^ARG\s+(\w+)=(\S*)", re.M | re.I)
_FROM = re.compile(r"^FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", re.M | re.I)
_VARIABLE = re.compile(r"\$\{(\w+)\}|\$(\w+)")


def files(project: Path) -> list[str]:
    """Return the build context as sent to the daemon: sorted paths below `project`, filtered by `.dockerignore`."""
    from docker.utils.build import exclude_paths

    patterns = (project / ".dockerignore").read_text("utf-8").splitlines()
    wanted = [line.strip() for line in patterns if line.strip() and not line.lstrip().startswith("#")]
    # Docker always adds the Dockerfile and the ignore file; both are in the key.
    found = exclude_paths(str(project), wanted, dockerfile="Dockerfile")
    return sorted(path for path in found if (project / path).is_symlink() or (project / path).is_file())


def check_line_endings(project: Path) -> None:
    """Check line ends. Raises Failed LINE_ENDINGS for a shell script with CRLF (`core.autocrlf=true`)."""
    path = project / SHELL_SCRIPT
    if path.is_file() and b"\r\n" in path.read_bytes():
        raise fail(
            "LINE_ENDINGS",
            f"{SHELL_SCRIPT} has Windows line endings (CRLF), which the container's shell cannot read",
            hint=f"sed -i 's/\\r$//' {SHELL_SCRIPT} (.gitattributes keeps LF in new checkouts)",
        )


def bases(dockerfile: str, arguments: Mapping[str, str]) -> list[str]:
    """Return the base images of a Dockerfile, without its own stages. Pure."""
    head, _, _ = dockerfile.partition("\nFROM ")
    values = {**dict(_ARGUMENT.findall(head)), **arguments}
    stages: set[str] = set()
    named = []
    for image, stage in _FROM.findall(dockerfile):
        filled = _VARIABLE.sub(lambda match: values.get(match[1] or match[2], ""), image)
        if filled.lower() not in stages and filled != "scratch" and filled not in named:
            named.append(filled)
        stages.add(stage.lower())
    return named


def key(
    project: Path,
    base_digest: Callable[[str], str],
    *,
    platforms: Sequence[str],
    arguments: Mapping[str, str] | None = None,
    target: str = TARGET,
) -> str:
    """Return a SHA-256 over everything that determines the image's content, shortened to a tag.

    The commit is not part of it: a commit that changes only documents has the same image.
    """
    arguments = arguments or {}
    digest = hashlib.sha256()

    def add(*parts: str | bytes) -> None:
        for part in parts:
            content = part if isinstance(part, bytes) else part.encode("utf-8", "surrogateescape")
            digest.update(len(content).to_bytes(8, "big") + content)

    add(KEY_VERSION, target, *sorted(platforms), *(f"{name}={arguments[name]}" for name in sorted(arguments)))
    for image in bases((project / "Dockerfile").read_text("utf-8"), arguments):
        add("base", base_digest(image))
    for name in files(project):
        path = project / name
        if path.is_symlink():
            add("link", name, str(path.readlink()))
        else:
            add("program" if path.stat().st_mode & 0o100 else "file", name, path.read_bytes())
    return digest.hexdigest()[:KEY_LENGTH]

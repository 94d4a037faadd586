"""Contents of a Markdown document: links, and code blocks with marks for the tests.

A mark is a comment on the line before the block: `<!-- test: serves -->`. Shell blocks without one are run unchanged;
`needs X` names a part that the block requires. `file PATH` is the expected content of that file, `patch` a diff.
"""

import itertools
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FENCE = re.compile(
    r"(?:^<!-- test: (?P<mark>[^>]*?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_TASK = re.compile(r"(?:python3 tasks\.py|\binvoke)\s+(?P<task>[a-z][\w.-]*)(?P<rest>[^`\n]*)")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, its mark (empty: none) and its line number."""

    language: str
    text: str
    mark: str
    line: int


@dataclass(frozen=True)
class Call:
    """A task named in a document, with the long options that follow it."""

    task: str
    options: tuple[str, ...]


def blocks(document: Path) -> list[Block]:
    text = document.read_text(encoding="utf-8")
    return [
        Block(found["language"], found["text"], found["mark"] or "", text.count("\n", 0, found.start()) + 1)
        for found in _FENCE.finditer(text)
    ]


def pages(folder: Path) -> list[Path]:
    """Return the documents of a repository: this one, or a service."""
    first = [folder / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    return [*(page for page in first if page.is_file()), *sorted((folder / "docs").glob("*.md"))]


def shell_blocks(document: Path) -> list[Block]:
    return [block for block in blocks(document) if block.language in ("sh", "bash", "console", "shell")]


def write(folder: Path, block: Block) -> list[str]:
    """Write the file or apply the diff of a block, unchanged, and return the names of the files.

    Raises subprocess.CalledProcessError for a diff that does not apply.
    """
    if block.mark.startswith("file "):
        name = block.mark.removeprefix("file ")
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(block.text)
        return [name]
    if block.mark == "patch":
        subprocess.run(["git", "apply", "-"], cwd=folder, check=True, input=block.text, text=True)
        return re.findall(r"^\+\+\+ b/(.+)$", block.text, re.MULTILINE)
    return []


def replace_block(document: Path, mark: str, text: str) -> None:
    """Put another text into the block with this mark. Raises ValueError when there is none."""
    old = next((block for block in blocks(document) if block.mark == mark), None)
    if old is None:
        raise ValueError(f"{document} has no block `{mark}`")
    document.write_text(document.read_text("utf-8").replace(old.text, text, 1), encoding="utf-8")


def calls(document: Path) -> Iterator[Call]:
    """Return every invoke task that the document names, in blocks and in sentences."""
    for found in _TASK.finditer(document.read_text(encoding="utf-8")):
        yield Call(found["task"], tuple(re.findall(r"(?<= )--[a-z][a-z-]*", found["rest"])))


def tree(text: str) -> Iterator[str]:
    """Yield the paths of a tree of folders: two spaces a level, names with a dot or a slash, then what they are."""
    folders: list[str] = []
    for line in text.splitlines():
        level = (len(line) - len(line.lstrip())) // 2
        for name in itertools.takewhile(lambda word: re.search(r"[./]", word), re.split(r" {2,}", line.strip())):
            folders[level:] = [name.rstrip("/")]
            yield "/".join(folders)


def pictures(document: Path) -> list[Path]:
    """The files of the pictures that the document shows or links to."""
    found = re.findall(r"\]\(([^)\s]+\.svg)\)", document.read_text(encoding="utf-8"))
    return [(document.parent / target).resolve() for target in found]


def broken_links(document: Path) -> list[str]:
    """Return links to missing files or headings; web addresses are not requested."""
    text = _FENCE.sub("", document.read_text(encoding="utf-8"))
    return [found["target"] for found in _LINK.finditer(text) if not _resolves(document, found["target"])]


def _resolves(document: Path, target: str) -> bool:
    if re.match(r"[a-z][a-z+.-]*:", target):
        return True
    name, _, anchor = target.partition("#")
    path = (document.parent / name) if name else document
    if not path.exists():
        return False
    return not anchor or path.suffix != ".md" or anchor in anchors(path)


def anchors(document: Path) -> set[str]:
    """Return the anchors of the headings, as GitHub and GitLab generate them."""
    text = _FENCE.sub("", document.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(text)}


def task_names(listing: str) -> set[str]:
    """Return every name in `invoke --list --list-format=json`; a default task has its collection's name, too."""

    def walk(node: dict[str, Any], prefix: str) -> set[str]:
        names = {f"{prefix}{task['name']}" for task in node["tasks"]}
        names |= {f"{prefix}{alias}" for task in node["tasks"] for alias in task["aliases"]}
        for below in node["collections"]:
            names |= {f"{prefix}{below['name']}"} | walk(below, f"{prefix}{below['name']}.")
        return names

    return walk(json.loads(listing), "")

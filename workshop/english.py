"""The plain English lint: the worst phrases of an earlier, translated-sounding style stay out of the repository."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

# Phrase -> a better one. A pattern matches in code, comments, messages and documents alike.
TICS = {
    r"\banew\b": "again",
    r"\bfor ever\b": "forever, or indefinitely",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\blame duck\b": "connection draining",
    r"\bis(n't| not) there\b": "does not exist, or is missing",
    r"\b(is|are) there already\b": "already exists",
    r"\bis there twice\b": "duplicate ...",
    r"\bwants? (a|an|the|more|no) ": "requires",
    r"\b(is|are) told (of|to|by|that|so)\b": "receives, or is notified",
    r"\bas (it|they) should( be)?\b": "valid, unchanged, as expected",
    r"\b(in|out)side of\b": "inside, outside",
    r"\bsomebody else\b": "another deploy, another user",
    r"\b(put|puts|putting) (things|it|them) back\b": "roll back",
    r"\bwithout a word\b": "silently",
    r"\bcan(not)? be had\b": "is (un)available",
    r"\bgo(es)? round\b": "circular",
    r"\b(is|are) no (type|JSON|TOML|number|text|name for|list of|part of)\b": "is not a ...",
}
DOCSTRING = re.compile(r'"""(What|How|Where|Who|Whoever|Whether|Why|Nobody|Somebody)\b')
MATCHER = re.compile("|".join(f"(?:{pattern.lower()})" for pattern in TICS))

# Where a phrase is meant, or quoted: file name (or folder) -> why.
EXCEPTIONS = {
    "english.py": "lists the phrases",
    "test_plain_english.py": "has examples of them",
    "decisions.md": "append-only; earlier entries keep their words",
    "LICENSE": "legal text",
}
SUFFIXES = {".py", ".md", ".yml", ".yaml", ".j2", ".toml", ".sh", ".mako", ".example", ".json", ".ini", ""}


def faults(text: str, *, python: bool = True) -> Iterator[tuple[int, str]]:
    """Yield the line number and the text of each fault."""
    for found in MATCHER.finditer(text.lower()):
        yield text.count("\n", 0, found.start()) + 1, found[0]
    if python:
        for found in DOCSTRING.finditer(text):
            yield text.count("\n", 0, found.start()) + 1, found[0]


def sources(root: Path) -> Iterator[Path]:
    """Yield the text files of the repository and the template that are tracked, or would be."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        path = root / name
        if path.suffix in SUFFIXES and path.name not in EXCEPTIONS and path.is_file():
            yield path


def check(root: Path) -> list[str]:
    """Return each fault of the text in `root` as `FILE:LINE: 'PHRASE'`."""
    return [
        f"{path.relative_to(root)}:{line}: {phrase!r}"
        for path in sources(root)
        for line, phrase in faults(path.read_text(encoding="utf-8"), python=path.suffix in {".py", ".j2", ".mako"})
    ]


def lint(root: Path) -> None:
    """Print each fault. Raises SystemExit when there is one."""
    print("plain English, in every tracked file:", flush=True)
    if found := check(root):
        raise SystemExit(
            "\n".join([*found, f"{len(found)} phrases to reword; TICS in workshop/english.py has better ones"])
        )

"""Text of the repository is plain English: the worst phrases of an earlier, translated-sounding style stay out."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

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
    "test_plain_english.py": "lists the phrases",
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


def sources() -> Iterator[Path]:
    """Yield the tracked text files of the repository and the template."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if path.suffix in SUFFIXES and path.name not in EXCEPTIONS and path.is_file():
            yield path


def test_tracked_text_has_no_tics() -> None:
    read = {path: path.read_text(encoding="utf-8") for path in sources()}
    assert len(read) > 300
    found = [
        f"{path.relative_to(ROOT)}:{line}: {phrase!r}"
        for path, text in read.items()
        for line, phrase in faults(text, python=path.suffix in {".py", ".j2", ".mako"})
    ]
    assert found == [], f"{len(found)} phrases to reword (TICS in this file has better ones):\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("the file is written anew", "anew"),
        ("a retry that waits for ever", "for ever"),
        ("the column\nis there already", "is there already"),
        ("The answer is told to nobody, as it should be.", "is told to"),
        ('def f():\n    """Whether it fits."""', '"""Whether'),
        ('"""What the service does."""', '"""What'),
    ],
)
def test_a_tic_is_found(text: str, phrase: str) -> None:
    assert phrase in [found for _, found in faults(text)]


def test_a_fault_has_its_line() -> None:
    assert list(faults("fine\nfine\nmended\n")) == [(3, "mended")]


def test_plain_sentences_have_no_faults() -> None:
    text = '"""Return the rows. Raises NotFound."""\nTimeout: retry in a moment. The recommended way is there.\n'
    assert list(faults(text)) == []


def test_exceptions_exist() -> None:
    names = set(
        subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    )
    assert [name for name in EXCEPTIONS if not any(Path(each).name == name for each in names)] == []

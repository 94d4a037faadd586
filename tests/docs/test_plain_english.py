"""Text of the repository is plain English: the phrases that `lint` refuses, and those that it accepts."""

import subprocess
from pathlib import Path

import pytest

from workshop.english import EXCEPTIONS, check, faults, lint, sources

ROOT = Path(__file__).resolve().parents[2]


def test_tracked_text_has_no_tics() -> None:
    assert len(list(sources(ROOT))) > 300
    assert check(ROOT) == []


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


def test_the_lint_names_file_and_line_of_a_new_file(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / "new.py").write_text('"""Fine."""\n\n\ndef f():\n    """What it does."""\n')
    with pytest.raises(SystemExit) as ended:
        lint(tmp_path)
    assert str(ended.value.code).splitlines()[0] == 'new.py:5: \'"""What\''

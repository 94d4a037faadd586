"""The three-way merge of generated files, also where git sees a conflict that is none."""

import pytest

from toolkit.resources.write.marks import has_marks
from toolkit.resources.write.merge import merge

BASE = "class A:\n    x: int\n    y: int\n"
METHOD = "\n    def f(self):\n        return 1\n"


@pytest.mark.parametrize(
    ("ours", "theirs", "wanted"),
    [
        (BASE + METHOD, BASE + "    z: int\n", BASE + "    z: int\n" + METHOD),
        (BASE + METHOD, BASE.replace("y: int", "y: str"), BASE.replace("y: int", "y: str") + METHOD),
        (BASE + METHOD, BASE.replace("    y: int\n", ""), "class A:\n    x: int\n" + METHOD),
        (BASE.replace("y: int", "y: str"), BASE + "    z: int\n", BASE.replace("y: int", "y: str") + "    z: int\n"),
        ("# own\n" + BASE, BASE.replace("class A", "class B"), "# own\n" + BASE.replace("class A", "class B")),
        (BASE.replace("class A", "class C"), "# now\n" + BASE, "# now\n" + BASE.replace("class A", "class C")),
        (BASE + "    z: int\n", BASE + "    z: int\n", BASE + "    z: int\n"),
        (
            (BASE + METHOD).replace("\n", "\r\n"),
            BASE + "    z: int\n",
            (BASE + "    z: int\n" + METHOD).replace("\n", "\r\n"),
        ),
        ("\udcff" + BASE, BASE + "    z: int\n", "\udcff" + BASE + "    z: int\n"),
    ],
)
def test_clean(ours: str, theirs: str, wanted: str) -> None:
    merged = merge(ours, BASE, theirs)
    assert (merged.text, merged.conflicts) == (wanted, 0)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (BASE.replace("y: int", "y: str"), BASE.replace("y: int", "y: float")),
        (BASE.replace("y: int", "y: str") + METHOD, BASE.replace("    y: int\n", "")),
    ],
)
def test_conflict(ours: str, theirs: str) -> None:
    merged = merge(ours, BASE, theirs)
    assert merged.conflicts == 1
    assert has_marks(merged.text)
    assert "y: str" in merged.text


@pytest.mark.parametrize("text", ["=======\n", "a\n=======\n>>>>>>> b\n", "'<<<<<<< x'\n"])
def test_other_lines_are_no_marks(text: str) -> None:
    assert not has_marks(text)

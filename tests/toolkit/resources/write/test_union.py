"""The union of the resource lines of two branches."""

import pytest

from toolkit.resources.write.union import AmbiguousError, union

A, B, C = "a: x:int", "b: x:int", "c: x:int"


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "wanted"),
    [
        ([A], [A, B], [A, C], [A, B, C]),
        ([A, B], [A], [A, B, C], [A, C]),
        ([A, B], [A, B], [B], [B]),
        ([A], ["a: y:int"], [A, B], ["a: y:int", B]),
        ([A], [A], ["a:  x:int "], [A]),
        ([], [A], [A], [A]),
        ([A], [], [], []),
        (None, [A, B], [A, C], [A, B, C]),
        (None, [A], [A, B], [A, B]),
        ([A], ["a: x:int y:int"], ["a: x:int z:str?"], ["a: x:int y:int z:str?"]),
        (["a: x:int y:int"], ["a: x:bigint y:int z:int"], ["a: x:int"], ["a: x:bigint z:int"]),
        ([A], ["a: owner x:int"], ["a: x:int y:int"], ["a: owner x:int y:int"]),
        (["a: owner x:int"], [A], ["a: owner x:int y:int"], ["a: x:int y:int"]),
        ([A], ["a: x:int y:int unique(x, y)"], ["a/as: x:int z:int"], ["a/as: x:int y:int unique(x,y) z:int"]),
    ],
)
def test_union(base: list[str] | None, ours: list[str], theirs: list[str], wanted: list[str]) -> None:
    assert union(base, ours, theirs) == wanted


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "what"),
    [
        ([A], ["a: x:str"], ["a: x:date"], "`a.x`:\n  x:str\n  x:date"),
        ([A], ["a: x:int y:int"], ["a: x:int y:str"], "`a.y`:\n  y:int\n  y:str"),
        (["a: x:int y:int"], ["a: x:int"], ["a: x:int y:str"], "`a.y`:\n  removed\n  y:str"),
        ([A], [], ["a: z:int"], "the line of `a`:\n  removed\n  a: z:int"),
        (None, ["a: y:int"], ["a: z:int"], "the line of `a`"),
        ([], [A], ["a: z:int"], "the line of `a`"),
        ([A], ["a/b: x:int y:int"], ["a/c: x:int"], "the name of `a`"),
    ],
)
def test_what_both_changed_is_refused(base: list[str] | None, ours: list[str], theirs: list[str], what: str) -> None:
    with pytest.raises(AmbiguousError) as raised:
        union(base, ours, theirs)
    assert str(raised.value).startswith(f"both sides of the git merge changed {what}")

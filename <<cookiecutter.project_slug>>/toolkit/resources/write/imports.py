"""Tidies the imports of rendered Python: unused names go, the rest stands in the order of `ruff check --select I`.

A template may so import whatever one of its resources needs, in any order, as long as every group (standard library,
others, the service's own) stands by itself.
"""

import ast
import re
from collections.abc import Iterator

WIDTH = 120

_Import = ast.Import | ast.ImportFrom


def tidy(text: str) -> str:
    """The text with its imports at the top in order. Raises SyntaxError when it is no Python."""
    tree = ast.parse(text)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    lines = text.splitlines()
    for group in reversed(list(_groups(tree, lines))):
        first, last = group[0].lineno - 1, group[-1].end_lineno
        kept = sorted(_kept(group, used), key=lambda pair: _statement_key(*pair))
        lines[first:last] = [line for node, names in kept for line in _statement(node, names)]
    return "\n".join(_evened(lines)) + "\n"


def _groups(tree: ast.Module, lines: list[str]) -> Iterator[list[_Import]]:
    """Imports on lines that follow one another; one with a comment is left alone."""
    group: list[_Import] = []
    for node in tree.body:
        if group and (not isinstance(node, _Import) or node.lineno != (group[-1].end_lineno or 0) + 1):
            yield group
            group = []
        if isinstance(node, _Import) and not any("#" in line for line in lines[node.lineno - 1 : node.end_lineno]):
            group.append(node)
    if group:
        yield group


def _kept(group: list[_Import], used: set[str]) -> Iterator[tuple[_Import, list[ast.alias]]]:
    for node in group:
        names = [name for name in node.names if (name.asname or name.name.partition(".")[0]) in used]
        # A name with another one (`as`) has a statement of its own.
        together = [] if isinstance(node, ast.Import) else [name for name in names if not name.asname]
        if together:
            yield node, sorted(together, key=_name_key)
        yield from ((node, [name]) for name in names if name not in together)


def _statement(node: _Import, names: list[ast.alias]) -> list[str]:
    parts = [f"{name.name} as {name.asname}" if name.asname else name.name for name in names]
    if isinstance(node, ast.Import):
        return [f"import {', '.join(parts)}"]
    start = f"from {'.' * node.level}{node.module or ''} import "
    line = start + ", ".join(parts)
    if len(line) <= WIDTH and (node.lineno == node.end_lineno or names[0].asname):
        return [line]
    return [f"{start}(", *(f"    {part}," for part in parts), ")"]


def _statement_key(node: _Import, names: list[ast.alias]) -> tuple[object, ...]:
    if isinstance(node, ast.Import):
        return 0, 0, _natural(names[0].name.lower()), ()
    return 1, -node.level, _natural((node.module or "").lower()), _name_key(names[0])


def _name_key(name: ast.alias) -> tuple[object, ...]:
    """Constants, then classes, then the rest."""
    kind = 0 if name.name.isupper() and len(name.name) > 1 else 1 if name.name[0].isupper() else 2
    return kind, _natural(name.name.lower()), name.name


def _natural(text: str) -> list[tuple[int, int | str]]:
    """item2 before item10."""
    parts = re.findall(r"([0-9]+)|([^0-9])", text)
    return [(0, int(number)) if number else (1, sign) for number, sign in parts]


def _evened(lines: list[str]) -> Iterator[str]:
    """One empty line at most between two groups of imports, however many of them have gone, and before the first."""
    places = [index for index, line in enumerate(lines) if re.match(r"(?:import|from) ", line)]
    end = places[-1] if places else next((index for index, line in enumerate(lines) if not line), 0)
    for index, line in enumerate(lines):
        if line or index > end or (index and lines[index - 1]):
            yield line

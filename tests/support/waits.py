"""Limits of waits in the source of tests: a slow machine must not meet one by accident."""

import ast
from collections.abc import Iterator

LEAST_SECONDS = 60
MEANT = "# is to run out"  # on a line whose limit the test wants to see met
WAITS = ("wait", "join", "communicate", "timeout", "until", "wait_for")


def short(source: str) -> Iterator[int]:
    """Return lines with a fixed limit of less than a minute, except in `pytest.raises(TimeoutError)`."""
    tree, lines = ast.parse(source), source.splitlines()
    meant = {line for node in ast.walk(tree) if _expects_a_timeout(node) for line in _lines(node)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or node.lineno in meant or not any(map(_is_short, _limits(node))):
            continue
        if MEANT not in " ".join(lines[number - 1] for number in _lines(node)):
            yield node.lineno


def _limits(call: ast.Call) -> Iterator[ast.expr]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    yield from (keyword.value for keyword in call.keywords if keyword.arg in ("timeout", "seconds"))
    if name in WAITS:
        yield from call.args


def _is_short(limit: ast.expr) -> bool:
    value = limit.value if isinstance(limit, ast.Constant) else None
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < LEAST_SECONDS


def _expects_a_timeout(node: ast.AST) -> bool:
    return isinstance(node, ast.With | ast.AsyncWith) and any(
        "raises(TimeoutError)" in ast.unparse(item.context_expr) for item in node.items
    )


def _lines(node: ast.AST) -> range:
    first = getattr(node, "lineno", 0)
    return range(first, (getattr(node, "end_lineno", None) or first) + 1)

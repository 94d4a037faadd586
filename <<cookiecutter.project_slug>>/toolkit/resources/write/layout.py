"""Lays out rendered Python as `ruff format` would, so that a template may write one line for each thing.

A line that is too long is split at its outermost brackets; `imports` sees to the imports. Only the shapes that the
templates make are dealt with; the tests compare with ruff itself.
"""

import ast
import re
from collections.abc import Iterator

from toolkit.resources.write import imports

WIDTH = imports.WIDTH
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'')
_LONE_STRING = re.compile(rf"({_STRING.pattern})(,?)")


def arrange(text: str) -> str:
    """The text of a module, tidied. Raises SyntaxError when it is no Python."""
    text = imports.tidy(text)
    inside = _inside_of_strings(ast.parse(text))
    parts: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if number in inside:
            parts.append(line)
        elif line:
            # Two empty lines at most, and one within a body.
            while parts[-3:] == ["", "", ""] or (line[0] == " " and parts[-2:] == ["", ""]):
                parts.pop()
            parts += fold(line)
        else:
            parts.append("")
    return "\n".join(parts).rstrip("\n") + "\n"


def fold(line: str) -> list[str]:
    """A line, or the lines it becomes where it is too long."""
    pairs = _outer_pairs(line)
    if len(line) <= WIDTH or not pairs or line.lstrip().startswith(("#", '"""')):
        return [line]
    is_def = bool(re.match(r"\s*(?:async )?def ", line))
    opening, closing = pairs[0] if is_def else pairs[-1]
    if value := _lone_value(line, closing):
        return [f"{line[: -len(value)]}(", f"{_indent(line)}    {value}", f"{_indent(line)})"]
    inner, indent = line[opening + 1 : closing], _indent(line) + "    "
    elements = _elements(inner)
    lone_parameter = is_def and len(elements) == 1
    if len(indent + inner) <= WIDTH and not inner.endswith(",") and not lone_parameter:
        middle = [indent + inner]
    else:
        middle = [part for element in elements for part in _element(f"{indent}{element},")]
    return [line[: opening + 1], *middle, indent[4:] + line[closing:]]


def _element(line: str) -> list[str]:
    """An argument on its own line; a text that is too long for it goes on below, divided between words."""
    found = _LONE_STRING.fullmatch(line.strip())
    if len(line) <= WIDTH or not found:
        return fold(line)
    indent, quote = _indent(line), found[1][0]
    parts, rest = [], found[1][1:-1]
    room = WIDTH - len(indent) - 3
    while len(rest) > room and " " in rest[1:room]:
        cut = rest.rindex(" ", 1, room) + 1
        parts.append(rest[:cut])
        rest = rest[cut:]
    parts.append(rest)
    return [f"{indent}{quote}{part}{quote}" for part in parts[:-1]] + [f"{indent}{quote}{parts[-1]}{quote}{found[2]}"]


def _lone_value(line: str, closing: int) -> str:
    """The value that follows the last bracket, where brackets around it alone do: `x: Literal["a", "b"] = "a"`."""
    _, assigned, value = line[closing:].partition("] = ")
    return value if assigned and len(line) - len(value) < WIDTH else ""


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _outer_pairs(line: str) -> list[tuple[int, int]]:
    """Where the outermost brackets with something in them open and close; nothing when the line is but a part."""
    pairs, open_at = [], []
    for index, sign in _code(line):
        if sign in _PAIRS:
            open_at.append(index)
        elif sign in _PAIRS.values():
            if not open_at or _PAIRS[line[open_at[-1]]] != sign:
                return []
            start = open_at.pop()
            if not open_at and index > start + 1:
                pairs.append((start, index))
    return [] if open_at else pairs


def _elements(inner: str) -> list[str]:
    elements, depth, start = [], 0, 0
    for index, sign in _code(inner):
        depth += (sign in _PAIRS) - (sign in _PAIRS.values())
        if sign == "," and not depth:
            elements.append(inner[start:index].strip())
            start = index + 1
    return [element for element in (*elements, inner[start:].strip()) if element]


def _code(text: str) -> Iterator[tuple[int, str]]:
    """The signs outside of strings, with their places."""
    index = 0
    while index < len(text):
        found = _STRING.match(text, index)
        if found:
            index = found.end()
            continue
        yield index, text[index]
        index += 1


def _inside_of_strings(tree: ast.AST) -> set[int]:
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.Constant | ast.JoinedStr))
    return {
        line
        for node in nodes
        for line in range(node.lineno, (node.end_lineno or 0) + 1)
        if node.end_lineno != node.lineno
    }

"""Keys set in the text of an inventory; its comments, order and every other line stay. Pure.

PyYAML writes no comments, so the text is edited where its parser says that a value begins and ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

import yaml
from yaml.nodes import CollectionNode, MappingNode, Node, SequenceNode

from toolkit.deploy.infrastructure.outputs import Keys
from toolkit.deploy.outcomes import fail

WIDE = 10**6
INDENT = 2


def with_keys(text: str, environment: str, keys: Keys) -> str:
    """Return the text with these keys in the block of the environment. Raises Failed INVENTORY_LAYOUT.

    A key that has the value already is left as it is written; new keys are put at the top of the block.
    """
    before = yaml.safe_load(text)
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    found = next((pair for pair in root.value if pair[0].value == environment), None)
    if found is None:
        _refuse(environment, "the file has no such block")
    heading, block = found
    present = before[environment] or {}
    wanted = {key: value for key, value in keys.items() if key not in present or present[key] != value}
    if not wanted:
        return text
    if isinstance(block, MappingNode) and block.flow_style:
        _refuse(environment, "the block is written in braces")
    edits = _replacements(environment, block, wanted, text)
    new = [key for key in wanted if key not in present]
    column = block.start_mark.column if isinstance(block, MappingNode) else INDENT
    if new:
        line = text.find("\n", heading.end_mark.index)
        at = len(text) if line < 0 else line + 1
        added = "".join(f"{' ' * column}{_pair(key, wanted[key])}\n" for key in new)
        edits.append((at, at, added if line >= 0 else f"\n{added}"))
    for start, end, replacement in sorted(edits, reverse=True):
        text = text[:start] + replacement + text[end:]
    if yaml.safe_load(text) != {**before, environment: {**present, **wanted}}:
        _refuse(environment, "its layout is unusual")
    return text


def _replacements(environment: str, block: Node, wanted: Keys, text: str) -> list[tuple[int, int, str]]:
    """Return (start, end, text) for each key that is present with another value."""
    edits: list[tuple[int, int, str]] = []
    for key, value in block.value if isinstance(block, MappingNode) else ():
        if key.value in wanted:
            if value.start_mark.index < key.end_mark.index:  # an alias has the place of its anchor
                _refuse(environment, f"the value of `{key.value}` is an alias")
            start = key.start_mark.index
            end = start + len(text[start : _end(value)].rstrip())  # the last line of a folded text ends its value
            edits.append((start, end, _pair(key.value, wanted[key.value])))
    return edits


def _end(node: Node) -> int:
    """Return the index after the last character; a block collection itself ends at the next token."""
    if not isinstance(node, CollectionNode) or node.flow_style or not node.value:
        return node.end_mark.index
    last = node.value[-1]
    return _end(last if isinstance(node, SequenceNode) else last[1])


def _pair(key: str, value: object) -> str:
    shown = yaml.safe_dump(
        {key: value}, default_flow_style=isinstance(value, (Mapping, list)), width=WIDE, sort_keys=False
    )
    text = str(shown).strip()
    return text[1:-1] if text.startswith("{") else text


def _refuse(environment: str, reason: str) -> NoReturn:
    hint = f"write `{environment}:` as a block with one key a line, as the template does"
    raise fail("INVENTORY_LAYOUT", f"`{environment}` in deploy/inventory.yaml cannot be edited", reason, hint=hint)

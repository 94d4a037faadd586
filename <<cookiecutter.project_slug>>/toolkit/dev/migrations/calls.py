"""Calls of `app.db.expand` as operations of a revision."""

from __future__ import annotations

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops

IMPORT = "from app.db import expand"


class Call(ops.MigrateOperation):
    """A call for `upgrade` with the one that reverts it; an empty text is no call."""

    def __init__(self, text: str, back: str = "") -> None:
        self.text, self.back = text, back

    def reverse(self) -> ops.MigrateOperation:
        return Call(self.back, self.text)


def call(function: str, *arguments: object, **named: object) -> str:
    """Return the Python text of a call; named arguments without a value are left out."""
    given = [*map(repr, arguments), *(f"{name}={value!r}" for name, value in named.items() if value or value is False)]
    return f"expand.{function}({', '.join(given)})"


@renderers.dispatch_for(Call)
def _render(context: AutogenContext, op: Call) -> list[str]:
    if not op.text:
        return []
    context.imports.add(IMPORT)
    return [op.text]

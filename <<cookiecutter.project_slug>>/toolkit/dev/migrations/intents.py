"""Facts about a change that models and revisions do not show: what was renamed, and where values come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Intents:
    """Names are those of tables and columns; all SQL is an expression over a row of the table.

    `renamed_columns`: (table, old) to new. `renamed_tables`: old to new; the other fields name a renamed table by its
    new name. `backfills`: (table, column) to the value of existing rows. `value_maps`: (table, column) to the
    replacement of each removed value.
    """

    renamed_columns: Mapping[tuple[str, str], str] = field(default_factory=dict)
    renamed_tables: Mapping[str, str] = field(default_factory=dict)
    backfills: Mapping[tuple[str, str], str] = field(default_factory=dict)
    value_maps: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)


NONE = Intents()

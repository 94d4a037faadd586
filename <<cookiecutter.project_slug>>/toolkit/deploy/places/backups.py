"""Backups of a database that the toolkit runs: the protocol `Backups`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from toolkit.deploy.outcomes import Plan


@dataclass(frozen=True)
class Backup:
    """A complete backup, which has been restored once as a check."""

    number: int
    at: str  # 2026-11-26T14:40:00+00:00
    size: int  # bytes
    checksum: str  # SHA-256 of its file
    schema: str  # head of the migrations; empty without any
    reason: str


class Backups(Protocol):
    """Backups of one environment. Members raise Failed."""

    def listed(self) -> list[Backup]:
        """Return the complete backups, the oldest first."""
        ...

    def make(self, reason: str) -> Backup:
        """Back up, check the backup by restoring it beside the database, and delete the oldest ones.

        Raises Failed BACKUP_FAILED, DISK_FULL, NO_DATABASE.
        """
        ...

    def restoration(self, number: int) -> tuple[Backup, Plan]:
        """Return the backup and what `restore` changes. Raises Failed NO_BACKUP, NO_DATABASE."""
        ...

    def restore(self, backup: Backup) -> str:
        """Replace the database with the backup. Returns a summary.

        Raises Failed BACKUP_BROKEN for an incomplete or changed file, before the database is touched.
        """
        ...

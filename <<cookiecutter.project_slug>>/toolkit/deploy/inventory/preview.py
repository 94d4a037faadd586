"""Previews: short-lived environments of a branch, made from a permanent one."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from toolkit.deploy.inventory.names import fitted
from toolkit.deploy.inventory.pod_keys import Block
from toolkit.deploy.inventory.resources import Count
from toolkit.deploy.outcomes import fail

PLACEHOLDER = "{name}"
# Leaves room for the service's name in that of the namespace, and for a domain behind it.
LONGEST = 30


class Preview(Block):
    """`host`: its address, `{name}.preview.example.com`. `days`: how long it stays after its last deploy."""

    host: str | None = None
    days: Count = 3
    database_image: str = Field("postgres:18", min_length=1)

    @field_validator("host")
    @classmethod
    def _has_the_name(cls, value: str | None) -> str | None:
        if value is not None and PLACEHOLDER not in value:
            raise ValueError(f"{value} has no {PLACEHOLDER}: every preview would have the same address")
        return value


def name_of(branch: str) -> str:
    """Return a branch in the form of a host name, `feature-add-x` for `feature/Add_x`. Raises Failed PREVIEW_NAME."""
    name = re.sub(r"[^a-z0-9]+", "-", branch.lower()).strip("-")
    if not name:
        hint = "python3 tasks.py preview my-branch"
        raise fail("PREVIEW_NAME", f"{branch!r} has no letter or digit for a name", hint=hint)
    return fitted(name, limit=LONGEST)


def scope_of(service: str, name: str) -> str:
    """Return the namespace, or the project on a machine."""
    return fitted(f"{service}-preview-{name}")

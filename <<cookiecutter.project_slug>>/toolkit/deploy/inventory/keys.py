"""The keys of a model, for explanations and for keys that are given one by one."""

from __future__ import annotations

from typing import Any, get_args, get_origin

from pydantic import BaseModel

from toolkit.deploy.inventory.pod_keys import Block


def known_keys(model: type[BaseModel]) -> dict[str, Any]:
    return {name: field.default for name, field in model.model_fields.items()}


def block_of(model: type[BaseModel], key: str) -> type[Block] | None:
    """Return the block of a key of `model`, `Resources` for "resources"; None for a plain value."""
    found = model.model_fields.get(key)
    choices = (found.annotation, *get_args(found.annotation)) if found else ()
    return next((choice for choice in choices if isinstance(choice, type) and issubclass(choice, Block)), None)


def is_map(model: type[BaseModel], key: str) -> bool:
    """Return True if a key of `model` is a map of texts with free names, which may contain dots."""
    found = model.model_fields.get(key)
    return found is not None and get_origin(found.annotation) is dict and block_of(model, key) is None

"""Lines on the faults of an environment: the key, what is wrong, and the source that set it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from toolkit.deploy.inventory.merge import VARIABLES, Layers
from toolkit.deploy.inventory.variables import PREFIX
from toolkit.deploy.outcomes import nearest


def fault_line(fault: Any, model: type[Any], place: str) -> str:
    path = ".".join(str(part) for part in fault["loc"])
    if fault["type"] != "extra_forbidden":
        return f"{path or 'environment'}: {fault['msg'].removeprefix('Value error, ')}"
    from toolkit.deploy.inventory.models import all_keys

    if len(fault["loc"]) == 1 and path in all_keys():
        return f"{path}: not a key of place {place}"
    close = nearest(str(fault["loc"][-1]), _siblings(fault["loc"], model))
    return f"{path}: unknown key" + (f"; did you mean {close}?" if close else "")


def origin(loc: Sequence[Any], given: Layers) -> str:
    """Return the last layer that set the key at `loc`, in brackets; empty if none did."""
    for origin, values in reversed(given):
        inside: Any = values
        for part in loc:
            if not isinstance(inside, Mapping) or part not in inside:
                break
            inside = inside[part]
        else:
            return f" [{PREFIX + '__'.join(map(str, loc)).upper() if origin == VARIABLES else origin}]"
    return ""


def _siblings(loc: Sequence[Any], model: Any) -> list[str]:
    """Return the known keys at the place of an unknown one."""
    from toolkit.deploy.inventory.keys import block_of

    for part in loc[:-1]:
        model = block_of(model, str(part)) or model
    return list(model.model_fields)

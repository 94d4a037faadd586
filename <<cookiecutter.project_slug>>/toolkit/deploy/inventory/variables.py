"""Keys of an environment from `DEPLOY_*` variables. Other tools use this prefix too."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

PREFIX = "DEPLOY_"
# Variables of the toolkit itself, not keys of an environment.
OTHER_VARIABLES = frozenset({"DEPLOY_SMOKE_TOKEN", "DEPLOY_RUN_URL"})


def keys_given(variables: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return each variable for a key of an environment, with the key's path; other variables are left out."""
    known = _settable()
    return [(variable, ".".join(path)) for variable, path in _paths(variables) if path[0] in known]


def near_misses(variables: Mapping[str, str] = os.environ) -> list[str]:
    """Return a warning for each ignored variable that is close to the name of a key."""
    known = _settable()
    found = []
    for variable, (first, *rest) in _paths(variables):
        if first not in known and (close := get_close_matches(first, sorted(known), n=1, cutoff=0.8)):
            meant = PREFIX + "__".join([close[0], *rest]).upper()
            found.append(f"{variable} is ignored: it is not a key of the inventory; did you mean {meant}?")
    return found


def _settable() -> set[str]:
    from toolkit.deploy.inventory.models import all_keys

    return set(all_keys()) - {"name"}


def _paths(variables: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    """Return each variable with the prefix, and the parts of its path."""
    from toolkit.deploy.inventory import keys, models

    for name in sorted(variables):
        if name.startswith(PREFIX) and name not in OTHER_VARIABLES:
            first, *rest = name.removeprefix(PREFIX).split("__")
            # Keys are lower case; below them are names of others, such as settings.LOG_LEVEL.
            path, model = [first.lower()], models.block_of(first.lower())
            for part in rest:
                path.append(part.lower() if model else part)
                model = keys.block_of(model, part.lower()) if model else None
            yield name, path

"""Environments: loaded from inventory.yaml, merged, validated, and explained.

Precedence, lowest first: defaults < `all` < the environment < `DEPLOY_*` variables < `-e key=value`. A dot (in a
variable: two underscores) reaches into a block: `-e resources.memory_limit=64Mi`, `DEPLOY_RESOURCES__MEMORY_LIMIT`.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.deploy.inventory.faults import fault_line, origin
from toolkit.deploy.inventory.merge import VARIABLES, Layers, merge
from toolkit.deploy.inventory.names import APP_LIMIT, SERVICE_LIMIT, fitted, namespace
from toolkit.deploy.inventory.pairs import as_blocks, from_pairs
from toolkit.deploy.inventory.variables import keys_given
from toolkit.deploy.outcomes import fail, nearest

FILE = Path("deploy", "inventory.yaml")
DEFAULT = "kubernetes"  # the place of an environment that names none


@dataclass(frozen=True)
class Facts:
    """Facts about the service, from the checkout (service.toml)."""

    name: str
    title: str
    image: str
    driver: str = "manifests"
    resources: tuple[str, ...] = ()

    def defaults(self, environment: str, place: str = DEFAULT) -> dict[str, Any]:
        """Return the defaults of an inventory that follow from the service's name."""
        scope = namespace(self.name, environment)
        of_place = {
            "kubernetes": {"driver": self.driver, "namespace": scope, "secret": {"name": self.name}},
            "machine": {"project": scope, "secret": {"from_env": ["DATABASE_URL"]}},
            "ecs": {
                "service": scope,
                "family": scope,
                "log_group": f"/ecs/{scope}",
                "secret": {"store": "aws", "keys": {"DATABASE_URL": f"{scope}/database-url"}},
            },
            "cloudrun": {"driver": "admin-api", "service": fitted(scope, limit=SERVICE_LIMIT)},
            "containerapps": {"app": fitted(scope, limit=APP_LIMIT)},
            "instances": {"container_group": fitted(scope), "secret": {"from_env": ["DATABASE_URL"]}},
        }
        return {
            **of_place.get(place, {}),
            "repository": self.image,
            "settings": {"ENVIRONMENT": environment if environment in ("staging", "production") else "production"},
        }


def facts(project: Path) -> Facts:
    """Read service.toml. Raises Failed SERVICE_FILE_INVALID."""
    path = project / "service.toml"
    try:
        content = tomllib.loads(path.read_text("utf-8"))
        service = content["service"]
        lines = tuple(content.get("resources", {}).get("lines", ()))
        name, driver = service["name"], content.get("answers", {}).get("driver", "manifests")
        return Facts(name, service.get("title", name), service.get("image", name), driver, lines)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        said = f"{type(error).__name__}: {error}"
        hint = "correct that line, or restore the file from git"
        raise fail("SERVICE_FILE_INVALID", f"{path} cannot be used", said, hint=hint) from None


def load(project: Path, name: str, extra: Sequence[str] = (), variables: Mapping[str, str] = os.environ) -> Any:
    """Return the `Environment` called `name`. Raises Failed (INVENTORY_*) with all of its faults."""
    given = layers(project, name, extra, variables)
    return validate(name, merge(given), given)


def explain(project: Path, name: str, extra: Sequence[str] = (), variables: Mapping[str, str] = os.environ) -> str:
    """Return every key with its value and origin."""
    from toolkit.deploy.inventory.keys import known_keys

    given = layers(project, name, extra, variables)
    environment = validate(name, merge(given), given)
    rows = []
    for key in known_keys(type(environment)):
        source = next((origin for origin, values in reversed(given) if key in values), "default")
        rows.append(f"{key:<26} {_shown(getattr(environment, key)):<48} {source}")
    return "\n".join(rows)


def names(project: Path) -> list[str]:
    """Return the names of the environments."""
    return [key for key in _read(project / FILE) if key != "all"]


def layers(project: Path, name: str, extra: Sequence[str], variables: Mapping[str, str]) -> Layers:
    """Return the sources, lowest first, each with its name."""
    path = project / FILE
    content = _read(path)
    known = names(project)
    if name in ("local", "dev"):
        raise fail(
            "INVENTORY_LOCAL",
            "a deploy to this machine is not supported",
            hint="run it in Compose: `python3 tasks.py up`",
        )
    if name not in known:
        close = nearest(name, known)
        raise fail(
            "INVENTORY_UNKNOWN_ENVIRONMENT",
            f"{path.name} has no environment {name!r}",
            f"it has: {', '.join(known) or 'none'}",
            hint=f"did you mean {close}?" if close else f"add it to {path}",
        )
    where = path.relative_to(project)
    below, given = (
        content.get("all") or {},
        (
            (f"{where} {name}", content[name] or {}),
            (VARIABLES, as_blocks((path, variables[name]) for name, path in keys_given(variables))),
            ("-e", from_pairs(extra)),
        ),
    )
    place = str(merge(((f"{where} all", below), *given)).get("place", DEFAULT))
    return ("service.toml", facts(project).defaults(name, place)), (f"{where} all", _of_place(below, place)), *given


def _of_place(values: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    """Leave out keys that only other places have: `all` serves environments of every place. Pure."""
    from toolkit.deploy.inventory.models import MODELS, all_keys

    foreign = all_keys() - set(MODELS[place].model_fields) if place in MODELS else frozenset()
    return {key: value for key, value in values.items() if key not in foreign}


def validate(name: str, values: Mapping[str, Any], given: Layers = ()) -> Any:
    """Validate. Raises Failed INVENTORY_INVALID with a line for each fault; an unknown key gets the nearest known name.

    `given` are the layers of `values`: each fault names its layer.
    """
    from pydantic import ValidationError

    from toolkit.deploy.inventory.models import MODELS

    place = str(values.get("place", DEFAULT))
    if place not in MODELS:
        close = nearest(place, list(MODELS))
        raise fail(
            "INVENTORY_INVALID",
            f"the environment {name!r} is not valid",
            f"place: unknown place {place!r}; it is one of {', '.join(MODELS)}{origin(['place'], given)}",
            hint=f"write  place: {close or DEFAULT}",
        )
    model = MODELS[place]
    try:
        return model.model_validate({**values, "name": name})
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        faults = tuple(fault_line(fault, model, place) + origin(fault["loc"], given) for fault in found)
        raise fail(
            "INVENTORY_INVALID",
            f"the environment {name!r} is not valid",
            *faults,
            hint="correct each key where it was set; docs/inventory.md lists every key",
        ) from None


def _read(path: Path) -> dict[str, Any]:
    import yaml

    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        raise fail("INVENTORY_MISSING", f"{path} does not exist", hint="restore it from git") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise fail("INVENTORY_SYNTAX", f"{path} is not YAML", str(error), hint="correct that line") from None
    if not isinstance(content, dict) or not all(isinstance(value, dict | None) for value in content.values()):
        raise fail(
            "INVENTORY_SYNTAX", f"{path} requires `all:` and one block for each environment", hint="see its head"
        )
    return content


def _shown(value: Any) -> str:
    return str(value.model_dump(exclude_defaults=True) if hasattr(value, "model_dump") else value)

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

from toolkit.deploy.inventory.names import APP_LIMIT, SERVICE_LIMIT, fitted, namespace
from toolkit.deploy.inventory.variables import PREFIX, keys_given
from toolkit.deploy.outcomes import fail, nearest

FILE = Path("deploy", "inventory.yaml")
VARIABLES = "environment"
DEFAULT = "kubernetes"  # the place of an environment that names none
Layers = Sequence[tuple[str, Mapping[str, Any]]]


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
    from toolkit.deploy.inventory.schema import known_keys

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
            (VARIABLES, _nested((path, variables[name]) for name, path in keys_given(variables))),
            ("-e", _from_pairs(extra)),
        ),
    )
    place = str(merge(((f"{where} all", below), *given)).get("place", DEFAULT))
    return ("service.toml", facts(project).defaults(name, place)), (f"{where} all", _of_place(below, place)), *given


def _of_place(values: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    """Leave out keys that only other places have: `all` serves environments of every place. Pure."""
    from toolkit.deploy.inventory.models import MODELS, all_keys

    foreign = all_keys() - set(MODELS[place].model_fields) if place in MODELS else frozenset()
    return {key: value for key, value in values.items() if key not in foreign}


def merge(given: Layers) -> dict[str, Any]:
    """Merge the layers: later ones override earlier ones, key by key inside blocks. Null removes a block."""
    merged: dict[str, Any] = {}
    for _, values in given:
        _merge_into(merged, values)
    return merged


def _merge_into(below: dict[str, Any], above: Mapping[str, Any]) -> None:
    for key, value in above.items():
        if isinstance(value, Mapping):
            kept = below.get(key)
            # The three sources of a Secret exclude each other: a later one replaces the block.
            block = dict(kept) if isinstance(kept, Mapping) and key != "secret" else {}
            _merge_into(block, value)
            below[key] = block
        else:
            below[key] = value


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
            f"place: unknown place {place!r}; it is one of {', '.join(MODELS)}{_origin(['place'], given)}",
            hint=f"write  place: {close or DEFAULT}",
        )
    model = MODELS[place]
    try:
        return model.model_validate({**values, "name": name})
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        faults = tuple(_fault(fault, model, place) + _origin(fault["loc"], given) for fault in found)
        raise fail(
            "INVENTORY_INVALID",
            f"the environment {name!r} is not valid",
            *faults,
            hint="correct each key where it was set; docs/inventory.md lists every key",
        ) from None


def _fault(fault: Any, model: type[Any], place: str) -> str:
    path = ".".join(str(part) for part in fault["loc"])
    if fault["type"] != "extra_forbidden":
        return f"{path or 'environment'}: {fault['msg'].removeprefix('Value error, ')}"
    from toolkit.deploy.inventory.models import all_keys

    if len(fault["loc"]) == 1 and path in all_keys():
        return f"{path}: not a key of place {place}"
    close = nearest(str(fault["loc"][-1]), _siblings(fault["loc"], model))
    return f"{path}: unknown key" + (f"; did you mean {close}?" if close else "")


def _origin(loc: Sequence[Any], given: Layers) -> str:
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
    from toolkit.deploy.inventory.schema import block_of

    for part in loc[:-1]:
        model = block_of(model, str(part)) or model
    return list(model.model_fields)


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


def _from_pairs(pairs: Sequence[str]) -> dict[str, Any]:
    for pair in pairs:
        if "=" not in pair:
            raise fail("INVENTORY_INVALID", f"-e {pair}: expected key=value", hint="for example -e replicas=3")
    return _nested(tuple(pair.split("=", 1)) for pair in pairs)  # type: ignore[misc]


def _nested(pairs: Any) -> dict[str, Any]:
    import yaml

    nested: dict[str, Any] = {}
    for path, text in pairs:
        *blocks, key = _parts(path)
        inside = nested
        for block in blocks:
            inside = inside.setdefault(block, {})
            if not isinstance(inside, dict):
                message = f"{path}: {block} already has a value, and cannot also be a block"
                raise fail("INVENTORY_INVALID", message, hint=f"remove `{block}=...` or `{path}=...`")
        try:
            inside[key] = yaml.safe_load(text) if text else text
        except yaml.YAMLError:
            inside[key] = text
    return nested


def _parts(path: str) -> list[str]:
    """Return the parts of a dotted path. The rest after a map is one key, with its dots: `labels.example.com/team`."""
    from toolkit.deploy.inventory import models, schema

    parts, inside = path.split("."), None
    for place, part in enumerate(parts[:-1], 1):
        if schema.is_map(inside, part) if inside else models.is_map(part):
            return [*parts[:place], ".".join(parts[place:])]
        inside = (schema.block_of(inside, part) if inside else models.block_of(part)) or inside
    return parts


def _shown(value: Any) -> str:
    return str(value.model_dump(exclude_defaults=True) if hasattr(value, "model_dump") else value)

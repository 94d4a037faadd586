"""Keys of an environment for its pods. Objects are written as in Kubernetes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from toolkit.deploy.outcomes import nearest

# RFC 1123 labels: valid names in Kubernetes.
Name = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]


def _text(value: object) -> object:
    """Return numbers as text, and JSON's two surrogate escapes of a character such as U+1F4A1 as that character."""
    if isinstance(value, str):
        try:
            return value.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise ValueError("the text is not valid UTF-8") from None
    return str(value) if isinstance(value, int | float) else value


Text = Annotated[str, BeforeValidator(_text)]
# Names of containers and volumes in every pod of the service.
OWN_CONTAINERS, OWN_VOLUMES, OWN_PATHS = frozenset({"app", "migrate"}), frozenset({"tmp"}), frozenset({"/tmp"})  # noqa: S108
# Selectors and the toolkit's own lists depend on these.
OWN_LABELS = frozenset(
    {"app.kubernetes.io/name", "app.kubernetes.io/managed-by"}
    | {f"deploy/{name}" for name in ("process", "record", "run", "service")}
)
_QUALIFIED = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")


class Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def spelled(model: str) -> BeforeValidator:
    """Validate an object by its model in the Kubernetes client, for example V1Toleration; it stays a plain dict."""

    def check(value: object) -> dict[str, Any]:
        from kubernetes.client import models

        if not isinstance(value, Mapping):
            raise ValueError(f"expected the fields of a {model.removeprefix('V1')}, written as in Kubernetes")
        known: type[BaseModel] = getattr(models, model)
        try:
            return known.model_validate(value).model_dump(mode="json", by_alias=True, exclude_unset=True)
        except ValidationError as error:
            raise ValueError("; ".join(_faults(known, error))) from None

    return BeforeValidator(check)


def _faults(model: type[BaseModel], error: ValidationError) -> Iterator[str]:
    known = [str(field.serialization_alias or name) for name, field in model.model_fields.items()]
    for fault in error.errors(include_url=False, include_input=False):
        path = ".".join(str(part) for part in fault["loc"])
        if fault["type"] != "extra_forbidden":
            yield f"{path}: {fault['msg']}"
            continue
        close = nearest(path, known) if len(fault["loc"]) == 1 else ""
        yield f"{path}: unknown field" + (f"; did you mean {close}?" if close else "")


def _labels(value: dict[str, str]) -> dict[str, str]:
    for key, text in _annotations(value).items():
        if key in OWN_LABELS:
            raise ValueError(f"{key} is set by the toolkit; choose another key")
        if not _VALUE.fullmatch(text):
            raise ValueError(f"{key}: {text!r} is not a valid value (at most 63 letters, digits, `-`, `_` and `.`)")
    return value


def _annotations(value: dict[str, str]) -> dict[str, str]:
    for key in value:
        if not _QUALIFIED.fullmatch(key):
            raise ValueError(f"{key!r} is not a valid key: expected NAME or DOMAIN/NAME")
    return value


Labels = Annotated[dict[str, Text], AfterValidator(_labels)]
Annotations = Annotated[dict[str, Text], AfterValidator(_annotations)]


class PodKeys(Block):
    """Scheduling and additions of the pods. The migration's pod has all of them except `topology_spread`."""

    labels: Labels = {}
    annotations: Annotations = {}
    service_annotations: Annotations = {}
    service_account_annotations: Annotations = {}
    pull_secrets: tuple[Name, ...] = ()
    node_selector: dict[str, Text] = {}
    tolerations: tuple[Annotated[dict[str, Any], spelled("V1Toleration")], ...] = ()
    affinity: Annotated[dict[str, Any], spelled("V1Affinity")] | None = None
    priority_class: Name | None = None
    topology_spread: tuple[Annotated[dict[str, Any], spelled("V1TopologySpreadConstraint")], ...] | None = None
    env_from: tuple[Annotated[dict[str, Any], spelled("V1EnvFromSource")], ...] = ()
    volumes: tuple[Annotated[dict[str, Any], spelled("V1Volume")], ...] = ()
    volume_mounts: tuple[Annotated[dict[str, Any], spelled("V1VolumeMount")], ...] = ()
    sidecars: tuple[Annotated[dict[str, Any], spelled("V1Container")], ...] = ()

    @model_validator(mode="after")
    def _names_fit(self) -> PodKeys:
        faults = [
            *_taken("sidecars", [item["name"] for item in self.sidecars], OWN_CONTAINERS),
            *_taken("volumes", [item["name"] for item in self.volumes], OWN_VOLUMES),
            *_taken("volume_mounts", [item["mountPath"] for item in self.volume_mounts], OWN_PATHS),
        ]
        known = {*OWN_VOLUMES, *(item["name"] for item in self.volumes)}
        mounts = [*self.volume_mounts, *(mount for item in self.sidecars for mount in item.get("volumeMounts", ()))]
        faults += [f"volume {name} does not exist" for name in sorted({item["name"] for item in mounts} - known)]
        if faults:
            raise ValueError("; ".join(faults))
        return self


def _taken(key: str, names: Sequence[str], own: frozenset[str]) -> Iterator[str]:
    for name in dict.fromkeys(names):
        if name in own:
            yield f"{key}: {name} is used by the service itself"
        elif names.count(name) > 1:
            yield f"{key}: duplicate {name}"

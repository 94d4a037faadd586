"""The release driver `manifests`: k8s/*.yaml.j2 rendered with the inventory's values, applied by server-side apply."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Change, Plan, fail
from toolkit.deploy.places.kubernetes import apply as applying
from toolkit.deploy.places.kubernetes import replace_jobs
from toolkit.deploy.places.kubernetes.labels import LABEL
from toolkit.deploy.places.kubernetes.leftovers import api_of, leftovers
from toolkit.deploy.places.kubernetes.naming import with_migration_named
from toolkit.deploy.places.kubernetes.objects import Object, checked, diff, identity, ordered
from toolkit.deploy.places.kubernetes.template_values import template_values

if TYPE_CHECKING:
    from pathlib import Path

    import jinja2

    from toolkit.deploy.places.kubernetes.place import KubernetesPlace
    from toolkit.deploy.records import ReleaseRecord
    from toolkit.deploy.spec import ReleaseSpec

manager = "deploy"


def render(project: Path, release: ReleaseSpec) -> list[Object]:
    """Return every object of the release, in the order of the apply. Raises Failed MANIFEST_INVALID."""
    import jinja2
    import yaml

    environment = _templates(project / "k8s")
    values, objects = template_values(release), []
    for name in environment.list_templates(filter_func=lambda found: found.endswith(".yaml.j2")):
        try:
            text = environment.get_template(name).render(values)
            objects += checked(yaml.safe_load_all(text), f"k8s/{name}")
        except (jinja2.TemplateError, yaml.YAMLError) as error:
            raise fail(
                "MANIFEST_INVALID", f"k8s/{name} cannot be rendered", str(error), hint="correct the template"
            ) from None
    for item in objects:  # so that a later release without the object removes it
        item["metadata"]["labels"] = {LABEL: release.service, **(item["metadata"].get("labels") or {})}
    return ordered(with_migration_named(objects, release.service))


@cache
def _templates(folder: Path) -> jinja2.Environment:
    """Return Jinja's environment, cached: a play renders twice, and compiling the templates takes most of the time."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - YAML, not HTML
        keep_trailing_newline=True,
    )
    environment.policies["json.dumps_kwargs"] = {"sort_keys": True}
    environment.filters["tojson"] = _json
    return environment


def _json(value: object) -> str:
    """Return plain JSON, which is YAML; Jinja's own filter escapes for HTML."""
    import json

    return json.dumps(value, sort_keys=True, ensure_ascii=False)


@dataclass(frozen=True)
class Compared:
    """Observe each object by a dry run, and the objects of earlier releases that this one drops."""

    looks: tuple[applying.Look, ...]
    leftovers: tuple[Object, ...]

    def plan(self) -> Plan:
        """Raises Failed DRIFT."""
        gone = tuple(Change("delete", identity(item), diff(item, None)) for item in self.leftovers)
        return Plan((*applying.changes(self.looks), *gone), note=applying.removals(self.looks))


def require() -> str:
    return ""


def observe(place: KubernetesPlace, wanted: list[Object]) -> Compared:
    looks = applying.look(place.cluster, wanted, manager, force=place.correct_drift)
    gone = [] if place.namespace_missing else leftovers(place.cluster, place.service, wanted)
    return Compared(tuple(looks), tuple(gone))


def apply(place: KubernetesPlace, _spec: ReleaseSpec, wanted: list[Object], planned: Plan) -> None:
    """Apply only the objects in the plan."""
    named = {identity(item): item for item in wanted}
    for change in planned.changes:
        if change.action == "delete":
            kind, _, name = change.what.partition("/")
            place.cluster.delete(api_of(kind), kind, name)
        else:
            force, autoscale = place.correct_drift, place.environment.autoscale
            least = autoscale.min if autoscale else None
            replace_jobs.make_way(place.cluster, named[change.what], manager)
            applying.apply(place.cluster, named[change.what], manager, force=force, least=least)


def undo(place: KubernetesPlace, record: ReleaseRecord) -> None:
    """Apply the objects of a recorded release again, overriding later changes; prune all others."""
    for item in ordered(record.objects):
        replace_jobs.make_way(place.cluster, item, manager)
        applying.apply(place.cluster, item, manager, force=True)
    for item in leftovers(place.cluster, place.service, record.objects):
        place.cluster.delete(item["apiVersion"], item["kind"], item["metadata"]["name"])


def recover(_: KubernetesPlace, __: ReleaseRecord | None) -> str:
    return ""  # an apply of objects leaves nothing half-way that the next one does not see

"""The release driver `manifests`: k8s/*.yaml.j2 rendered with the inventory's values, applied by server-side apply."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Change, Plan, fail
from toolkit.deploy.places.kubernetes import apply as applying
from toolkit.deploy.places.kubernetes import replace_jobs
from toolkit.deploy.places.kubernetes.naming import with_migration_named
from toolkit.deploy.places.kubernetes.objects import Object, checked, diff, identity, ordered
from toolkit.deploy.release.spec import LABEL

if TYPE_CHECKING:
    from pathlib import Path

    import jinja2

    from toolkit.deploy.release.history import Record
    from toolkit.deploy.release.spec import Release
    from toolkit.deploy.release.state import Target

manager = "deploy"


def render(project: Path, release: Release) -> list[Object]:
    """Return every object of the release, in the order of the apply. Raises Failed MANIFEST_INVALID."""
    import jinja2
    import yaml

    environment = _templates(project / "k8s")
    values, objects = release.values(), []
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


def observe(target: Target, wanted: list[Object]) -> tuple[list[applying.Look], list[Object]]:
    """Observe each object by a dry run, and the objects of earlier releases that this one drops."""
    seen = applying.look(target.cluster, wanted, manager, force=target.options.correct_drift)
    return seen, [] if target.namespace_missing else applying.leftovers(target.cluster, target.facts.name, wanted)


def plan(_: Target, seen: tuple[list[applying.Look], list[Object]]) -> Plan:
    """Raises Failed DRIFT."""
    looks, leftovers = seen
    gone = tuple(Change("delete", identity(item), diff(item, None)) for item in leftovers)
    return Plan((*applying.changes(looks), *gone), note=applying.removals(looks))


def apply(target: Target, wanted: list[Object], planned: Plan) -> None:
    """Apply only the objects in the plan."""
    named = {identity(item): item for item in wanted}
    for change in planned.changes:
        if change.action == "delete":
            kind, _, name = change.what.partition("/")
            target.cluster.delete(applying.PRUNED[kind], kind, name)
        else:
            force, autoscale = target.options.correct_drift, target.environment.autoscale
            least = autoscale.min if autoscale else None
            replace_jobs.make_way(target.cluster, named[change.what], manager)
            applying.apply(target.cluster, named[change.what], manager, force=force, least=least)


def undo(target: Target, record: Record) -> None:
    """Apply the objects of a recorded release again, overriding later changes; prune all others."""
    for item in ordered(record.objects):
        replace_jobs.make_way(target.cluster, item, manager)
        applying.apply(target.cluster, item, manager, force=True)
    for item in applying.leftovers(target.cluster, target.facts.name, record.objects):
        target.cluster.delete(item["apiVersion"], item["kind"], item["metadata"]["name"])

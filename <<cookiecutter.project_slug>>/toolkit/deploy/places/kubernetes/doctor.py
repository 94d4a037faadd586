"""The lines of `doctor` that only the cluster can answer."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed, Plan
from toolkit.deploy.places.kubernetes import (
    admission,
    connect,
    external_secret,
    namespaces,
    processes,
    quota_room,
    quotas,
    secrets,
    sources,
    unready,
)
from toolkit.deploy.places.kubernetes import permissions as lacking_permissions
from toolkit.deploy.places.kubernetes.pod_failures import condition, is_ready
from toolkit.deploy.places.kubernetes.pods import look
from toolkit.deploy.places.kubernetes.prerequisites import namespace_of
from toolkit.deploy.places.kubernetes.retry import NotFound
from toolkit.deploy.places.values import Finding
from toolkit.deploy.spec import secrets_from

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.place import KubernetesPlace
    from toolkit.deploy.spec import ReleaseSpec

SKEW_SECONDS = 5


def checks(place: KubernetesPlace, spec: Callable[[], ReleaseSpec]) -> Mapping[str, Callable[[], Finding]]:
    """By name, in the order in which they are asked."""
    asked: dict[str, Callable[[], Finding]] = {
        "namespace": lambda: namespace(place),
        "permissions": lambda: permissions(place),
        "secret": lambda: secret(place),
        "database": lambda: database(place),
        **({"processes": lambda: further_processes(place)} if place.environment.processes else {}),
        "quota": lambda: quota(place, spec),
        "clock": lambda: clock(place),
    }
    return {name: partial(_found, check) for name, check in asked.items()}


def _found(check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except NotFound as error:
        return Finding(False, str(error), "create the namespace")


def context(place: KubernetesPlace) -> Finding:
    configuration = place.cluster.client.configuration
    connect.check_pin(place.environment, configuration.host, connect.fingerprint(configuration))
    return Finding(True, f"{configuration.host} is {place.environment.name}, Kubernetes {place.cluster.version()}")


def namespace(place: KubernetesPlace) -> Finding:
    """In one that is being deleted nothing else is worth a look."""
    env = place.environment
    place.namespace_missing = True  # in effect: its contents are being deleted
    try:
        namespaces.refuse_terminating(place.cluster)
    except Failed as error:
        if error.failure.code != namespaces.CODE:
            raise
        ended = error.failure
        summary = f"{ended.code}: {ended.message}"
        return Finding(False, summary, ended.hint, lines=ended.evidence, ends="the namespace is being deleted")
    place.namespace_missing = namespace_of(place) is None
    if not place.namespace_missing:
        return Finding(True, f"{env.namespace} exists")
    if env.create_namespace and not env.secret.name:
        return Finding(True, f"{env.namespace} does not exist; a deploy creates it", skipped=True)
    return Finding(False, f"{env.namespace} does not exist", f"kubectl create namespace {env.namespace}")


def permissions(place: KubernetesPlace) -> Finding:
    missing = lacking_permissions.denied(place.cluster, place.environment)
    if missing and place.namespace_missing:
        return Finding(True, "roles can be granted once the namespace exists", skipped=True)
    if missing:
        hint = f"ask for a Role in {place.environment.namespace} with: {', '.join(missing)}"
        return Finding(False, f"missing: {', '.join(missing)}", hint)
    everywhere = ", in every namespace" if place.namespace_missing else ""
    return Finding(
        True, f"all {len(lacking_permissions.permissions(place.environment))} that a deploy needs{everywhere}"
    )


def secret(place: KubernetesPlace) -> Finding:
    env = place.environment
    if env.secret.name:
        secrets.require_keys(env, sources.secret_of(env, sources.read(place)))
        return Finding(True, f"Secret {env.secret.name} has {', '.join(env.secret.keys)}")
    if env.secret.from_env:
        secrets_from(env, os.environ)
        return Finding(True, f"{', '.join(env.secret.from_env)} from your environment")
    if env.secret.store:
        found = secrets_from(env, os.environ)
        return Finding(True, f"{', '.join(found)} from the store {env.secret.store}")
    source, live = external_secret.of(place)
    if source is None or live is None:
        return Finding(True, "created by external-secrets in the first deploy")
    owner = place.cluster.get(external_secret.API, external_secret.KIND, source.name) or {}
    if condition(owner, "Ready").get("status") == "False":
        hint = f"kubectl -n {env.namespace} describe externalsecret {source.name}"
        summary = f"external-secrets cannot read the newest values of Secret {source.name}"
        return Finding(False, summary, hint, lines=tuple(external_secret.told(place, owner)))
    return Finding(True, f"Secret {source.name}, written by external-secrets")


def database(place: KubernetesPlace) -> Finding:
    """Check the database from the service's view: its /ready shows whether it is reached, and its log why not."""
    view = look(place.cluster, place.service, events=False) if not place.namespace_missing else None
    if view is None or view.deployment is None:
        return Finding(True, "nothing is deployed yet", skipped=True)
    again = f"python3 tasks.py deploy {place.environment.name}"
    if sources.stale(view.deployment, sources.mark(sources.read(place))):
        return Finding(False, "the Secret has changed since the pods started; a deploy replaces them", again)
    if cause := unready.cause(place, view.pods):
        hints = (*secrets.change_secret(place.environment, ["DATABASE_URL"]), again)
        summary = f"{cause.pod} is not ready: {cause.reason}"
        if cause.refused:
            return Finding(False, summary, lines=(cause.advice,), hints=hints)
        return Finding(False, summary, f"python3 tasks.py logs --env {place.environment.name}")
    answer = place.cluster.proxy(place.service, place.environment.port, "/ready")
    if isinstance(answer, Mapping) and answer.get("schema") and all(map(is_ready, view.pods)):
        return Finding(True, f"reached from the pods, schema at {answer['schema']}")
    summary = f"{sum(map(is_ready, view.pods))} of {len(view.pods)} pods are ready"
    return Finding(False, summary, f"python3 tasks.py logs --env {place.environment.name}")


def further_processes(place: KubernetesPlace) -> Finding:
    """Check workers, and the last run of each scheduled command."""
    found = () if place.namespace_missing else processes.states(place)
    failed = [process for process in found if not process.ok]
    if not found:
        return Finding(True, "nothing is deployed yet", skipped=True)
    if failed:
        hint = f"python3 tasks.py logs --env {place.environment.name}"
        lines = tuple(f"{process.name}: {process.summary}" for process in failed)
        return Finding(False, f"{len(failed)} of {len(found)} processes failed", hint, lines=lines)
    return Finding(True, ", ".join(f"{process.name} {process.summary}" for process in found))


def quota(place: KubernetesPlace, spec_of: Callable[[], ReleaseSpec]) -> Finding:
    """Check the quotas for one more pod and the objects of a release, and the admission of the pods."""
    if place.namespace_missing:
        return Finding(True, "quotas can be checked once the namespace exists", skipped=True)
    spec = spec_of()
    pods = list(quotas.shortages(place.environment, place.cluster.list("v1", "ResourceQuota")))
    short = [*pods, *quota_room.shortages(place, spec, migrates=True, release=Plan(deferred="unknown"))]
    if short:
        return Finding(False, "; ".join(short), "raise the quota, lower `resources`, or remove unused objects")
    if refused := admission.pods_refused(place.cluster, place.objects(spec)):
        raise refused
    return Finding(True, "quotas allow a roll-out, and its pods are admitted")


def clock(place: KubernetesPlace) -> Finding:
    date = place.cluster.server_date()
    if not date:
        return Finding(True, "the API server sends no time", skipped=True)
    skew = abs(parsedate_to_datetime(date).timestamp() - time.time())
    return Finding(skew < SKEW_SECONDS, f"{skew:.0f} s from the API server's", "set this machine's clock (NTP)")

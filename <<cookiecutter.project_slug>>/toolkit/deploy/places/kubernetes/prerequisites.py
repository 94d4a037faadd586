"""Requirements of a deploy, read before any change: namespace, permissions, Secret, admission."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Change, Failed, Plan, fail
from toolkit.deploy.places.kubernetes import admission, permissions, ports, references, secrets, sources
from toolkit.deploy.places.kubernetes.environment import environment_of

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.objects import Object
    from toolkit.deploy.places.kubernetes.place import KubernetesPlace
    from toolkit.deploy.places.values import Variables
    from toolkit.deploy.spec import ReleaseSpec


@dataclass(frozen=True)
class KubernetesPrerequisites:
    """`lacking`: permissions that this user does not have; then the rest was not looked at."""

    place: str
    spec: ReleaseSpec
    namespace_missing: bool
    lacking: tuple[str, ...]
    content: sources.Found
    variables: Variables
    refused: Failed | None

    @property
    def denied(self) -> bool:
        return bool(self.lacking)

    def plan(self) -> Plan:
        """Raises Failed FORBIDDEN, NO_NAMESPACE, SECRET_*, EGRESS."""
        env = environment_of(self.spec)
        if self.lacking:
            raise fail(
                "FORBIDDEN",
                f"this user lacks permissions for a deploy to {env.namespace}",
                *self.lacking,
                hint=f"ask for a Role in {env.namespace} with these permissions",
            )
        if self.namespace_missing and not env.create_namespace:
            raise fail(
                "NO_NAMESPACE",
                f"namespace {env.namespace} does not exist",
                hint=f"kubectl create namespace {env.namespace}",
            )
        secret = sources.secret_of(env, self.content)
        secrets.require_keys(env, secret, namespace_missing=self.namespace_missing)
        ports.check(env, {**env.settings, **self.spec.secrets})
        create = (Change("create", f"Namespace/{env.namespace}"),) if self.namespace_missing else ()
        return Plan(create, note=self.place)


def read(place: KubernetesPlace, spec: ReleaseSpec, *, rollback: bool) -> KubernetesPrerequisites:
    """Raises Failed REFERENCE_MISSING. A rollback brings objects with which its release has served."""
    env = place.environment
    place.namespace_missing = missing = namespace_of(place) is None
    lacking = tuple(permissions.denied(place.cluster, env))
    if not missing and not lacking and not rollback:
        references.check(place.cluster, env)
    content = {} if lacking else sources.read(place)
    variables = sources.variables_of(place.service, env, content)
    unasked = lacking or missing
    refused = None if unasked else admission.pods_refused(place.cluster, place.objects(spec))
    return KubernetesPrerequisites(place.name, spec, missing, lacking, content, variables, refused)


def create_namespace(place: KubernetesPlace) -> str:
    name = place.environment.namespace
    place.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    place.namespace_missing = False
    return f"namespace {name} created"


def namespace_of(place: KubernetesPlace) -> Object | None:
    """Return True if the namespace exists. A user with rights only inside it may not read it: then it does."""
    try:
        return place.cluster.get("v1", "Namespace", place.environment.namespace)
    except Failed as error:
        if error.failure.code != "FORBIDDEN":
            raise
        return {"metadata": {"name": place.environment.namespace}}

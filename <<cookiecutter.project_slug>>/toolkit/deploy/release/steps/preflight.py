"""The first step: all checks before any change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolkit.deploy.outcomes import Change, Failed, Outcome, Plan, fail
from toolkit.deploy.places.kubernetes import admission, references, sources
from toolkit.deploy.places.kubernetes.naming import migration_in
from toolkit.deploy.places.kubernetes.quota_room import NO_DIGEST
from toolkit.deploy.release import checks, commits, migrations, ports, settings
from toolkit.deploy.release.steps import smoke

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.objects import Object
    from toolkit.deploy.release.state import Target


class Preflight:
    """The preflight step: lints, namespace, Secret, settings, permissions."""

    name, undoable, before_lock = "preflight", False, True

    def observe(self, target: Target) -> Any:
        if require := getattr(target.driver, "require", None):
            require()
        if not target.environment.image and not target.digest:  # else the head is in the image's own label
            migrations.head(target.project)
        objects = target.rendered_for(NO_DIGEST)
        migration_in(objects, target.facts.name)
        checks.check(target.environment, objects)
        smoke.require_caller(target)
        namespace = namespace_of(target)
        target.namespace_missing = namespace is None
        denied = checks.denied(target.cluster, target.environment)
        if namespace is not None and not denied and not target.fixed_objects:
            references.check(target.cluster, target.environment)
        found = {} if denied else sources.read(target)
        target.mark = sources.mark(found)
        # A rollback uses settings with which its release has served, and the check belongs to other code.
        judged = None if denied or target.fixed_objects else settings.judged(target, found)
        unasked = denied or namespace is None
        refused = None if unasked else admission.pods_refused(target.cluster, objects)
        return namespace, found, denied, judged, refused

    def plan(self, target: Target, seen: Any) -> Plan:
        """Plan. Raises Failed FORBIDDEN, NO_NAMESPACE, SECRET_*, EGRESS, SETTINGS_REFUSED.

        Also raises the refusals by admission.
        """
        namespace, found, denied, judged, refused = seen
        env = target.environment
        if env.clean_checkout and not target.fixed_objects:
            commits.require_clean(target.checkout)
        if denied:
            raise fail(
                "FORBIDDEN",
                f"this user lacks permissions for a deploy to {env.namespace}",
                *denied,
                hint=f"ask for a Role in {env.namespace} with these permissions",
            )
        if namespace is None and not env.create_namespace:
            raise fail(
                "NO_NAMESPACE",
                f"namespace {env.namespace} does not exist",
                hint=f"kubectl create namespace {env.namespace}",
            )
        checks.secret_keys(env, sources.secret_of(env, found), namespace_missing=namespace is None)
        ports.check(env, {**env.settings, **{name: target.variables.get(name, "") for name in env.secret.from_env}})
        if judged and judged[1].problems:
            raise settings.refusal(env, *judged)
        if refused:
            raise refused
        notes = judged[1].notes if judged else ()
        note = "; ".join((f"{target.cluster.client.configuration.host} {env.namespace}", *notes))
        create = (Change("create", f"Namespace/{env.namespace}"),) if namespace is None else ()
        return Plan(create, note=note)

    def apply(self, target: Target, plan: Plan) -> Outcome:
        name = target.environment.namespace
        target.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        target.namespace_missing = False
        return Outcome(summary=f"namespace {name} created")


def namespace_of(target: Target) -> Object | None:
    """Return True if the namespace exists. A user with rights only inside it may not read it: then it does."""
    try:
        return target.cluster.get("v1", "Namespace", target.environment.namespace)
    except Failed as error:
        if error.failure.code != "FORBIDDEN":
            raise
        return {"metadata": {"name": target.environment.namespace}}

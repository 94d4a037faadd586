"""The first step: what can be known before anything is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy import lint, ports, smoke
from deploy.model import Change, Failed, Outcome, Plan, fail

if TYPE_CHECKING:
    from deploy.objects import Object
    from deploy.target import Target

# Before the image is known, the objects are judged with this in its place.
NO_DIGEST = "sha256:" + "0" * 64


class Preflight:
    """What can be known before anything is touched: lints, the namespace, the Secret's keys, permissions."""

    name, undoable, before_lock = "preflight", False, True

    def observe(self, target: Target) -> Any:
        lint.check(target.environment, target.rendered_for(NO_DIGEST))
        smoke.require_caller(target)
        namespace = _namespace(target)
        target.namespace_missing = namespace is None
        secret = target.environment.secret
        live = target.cluster.get("v1", "Secret", secret.name) if secret.name else None
        return namespace, live, lint.denied(target.cluster, target.environment)

    def plan(self, target: Target, seen: Any) -> Plan:
        """Raises Failed NO_NAMESPACE, SECRET_MISSING, SECRET_KEY_MISSING, FORBIDDEN."""
        namespace, secret, denied = seen
        env = target.environment
        if denied:
            raise fail(
                "FORBIDDEN",
                f"you may not do what a deploy does in {env.namespace}",
                *denied,
                hint="`python3 tasks.py doctor ENV`",
            )
        if namespace is None and not env.create_namespace:
            raise fail(
                "NO_NAMESPACE",
                f"there is no namespace {env.namespace}",
                hint=f"kubectl create namespace {env.namespace}",
            )
        lint.secret_keys(env, secret)
        ports.check(env, {**env.settings, **{name: target.variables.get(name, "") for name in env.secret.from_env}})
        if namespace is None:
            return Plan((Change("create", f"Namespace/{env.namespace}"),))
        return Plan(note=f"{target.cluster.client.configuration.host} {env.namespace}")

    def apply(self, target: Target, plan: Plan) -> Outcome:
        name = target.environment.namespace
        target.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        target.namespace_missing = False
        return Outcome(summary=f"namespace {name} made")


def _namespace(target: Target) -> Object | None:
    """Whoever may work in a namespace alone may not read it: then it is there."""
    try:
        return target.cluster.get("v1", "Namespace", target.environment.namespace)
    except Failed as error:
        if error.failure.code != "FORBIDDEN":
            raise
        return {"metadata": {"name": target.environment.namespace}}

"""Refusals by the API server, admission, or a quota: a code and the next step, from the message. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """One refusal. `passing`: a controller's retry may succeed. `retried`: so may the same request, within seconds."""

    code: str
    title: str
    hint: str
    passing: bool = False
    retried: bool = False


# The first match counts. The patterns match Kubernetes' own admission plugins, unchanged since 1.20.
RULES: tuple[tuple[re.Pattern[str], Refusal], ...] = tuple(
    (re.compile(pattern, re.I), refusal)
    for pattern, refusal in (
        (
            r"because it is being terminated|NamespaceTerminating",
            Refusal(
                "NAMESPACE_TERMINATING",
                "the namespace is being deleted",
                "wait until `kubectl get namespace` no longer lists it, then deploy again",
            ),
        ),
        (
            r"failed calling webhook|failed to call webhook",
            Refusal(
                "WEBHOOK_UNAVAILABLE",
                "an admission webhook does not answer, so the API server refuses the object",
                "restore the webhook's service, or ask a cluster administrator to remove the webhook or to exclude "
                "this namespace: `kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations`",
                passing=True,
                retried=True,
            ),
        ),
        (
            r"does not support dry run",
            Refusal(
                "WEBHOOK_WITHOUT_DRY_RUN",
                "an admission webhook does not support dry runs, which every deploy starts with",
                "ask its operator to set `sideEffects: None` in the webhook's configuration",
            ),
        ),
        (
            r"admission webhook .* denied the request|ValidatingAdmissionPolicy .* denied request",
            Refusal(
                "ADMISSION_DENIED",
                "an admission policy of the cluster denied the object",
                "correct the field named above in the manifests or in deploy/inventory.yaml, or request an exception",
            ),
        ),
        (
            r"violates PodSecurity",
            Refusal(
                "POD_SECURITY",
                "the namespace's pod security level does not allow the pod",
                "correct the security context that the message names, or lower the namespace's "
                "`pod-security.kubernetes.io/enforce` label",
            ),
        ),
        (
            r"failed quota: .* must specify",
            Refusal(
                "QUOTA",
                "a quota of the namespace requires a value that the pod does not set",
                "set it under `resources` in deploy/inventory.yaml (`cpu_limit`, `memory_limit`, ...), or add a "
                "LimitRange with a default",
            ),
        ),
        (
            r"exceeded quota",
            Refusal(
                "QUOTA",
                "the namespace's quota is used up",
                "raise the quota or remove what is no longer needed: `kubectl describe resourcequota`; a rollout "
                "needs one pod more",
                passing=True,
            ),
        ),
        (
            r"(maximum|minimum) \S+ usage per|max limit to request ratio per",
            Refusal(
                "LIMIT_RANGE",
                "a LimitRange of the namespace does not allow these resources",
                "correct `resources` in deploy/inventory.yaml: `kubectl describe limitrange` shows the bounds",
            ),
        ),
        (
            r"not yet ready to handle request",
            Refusal(
                "API_SERVER_STARTING",
                "the API server is starting and does not admit objects yet",
                "wait a moment, then run the same command again",
                passing=True,
                retried=True,
            ),
        ),
        (
            r"error looking up service account",
            Refusal(
                "SERVICE_ACCOUNT_MISSING",
                "the pod's service account does not exist",
                "run the deploy again: it creates the account",
                passing=True,
            ),
        ),
    )
)


# A 403 with any other message comes from admission: the caller has the permission, the object is refused.
NO_PERMISSION = re.compile(r"\bcannot \w+ (resource|path)\b|attempting to grant RBAC|cannot impersonate", re.I)
UNKNOWN_ADMISSION = Refusal(
    "ADMISSION_DENIED",
    "admission refused the object",
    "correct the field named above in the manifests or in deploy/inventory.yaml, or ask a cluster administrator",
)


def refusal_in(words: str) -> Refusal | None:
    """Return the known cause in a message of the API server or a controller; None for any other message."""
    return next((refusal for pattern, refusal in RULES if pattern.search(words)), None)

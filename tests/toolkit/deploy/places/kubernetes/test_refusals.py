"""The words of Kubernetes 1.34, as they came from a cluster, and the code and hint that they get."""

import pytest

from toolkit.deploy.places.kubernetes.refusals import NO_PERMISSION, refusal_in

MESSAGES = {
    "NAMESPACE_TERMINATING": [
        'configmaps "x" is forbidden: unable to create new content in namespace a because it is being terminated',
    ],
    "WEBHOOK_UNAVAILABLE": [
        'Internal error occurred: failed calling webhook "w.example.com": failed to call webhook: Post '
        '"https://w.a.svc:443/?timeout=10s": no endpoints available for service "w"',
        'Internal error occurred: failed calling webhook "w.example.com": failed to call webhook: Post '
        '"https://w.a.svc:443/?timeout=10s": context deadline exceeded',
    ],
    "WEBHOOK_WITHOUT_DRY_RUN": ['admission webhook "w.example.com" does not support dry run'],
    "ADMISSION_DENIED": [
        'admission webhook "validation.gatekeeper.sh" denied the request: [must-have-owner] label owner is missing',
        "deployments.apps \"x\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
    ],
    "POD_SECURITY": ['pods "x" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true'],
    "QUOTA": [
        'pods "x" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2',
        'pods "x" is forbidden: failed quota: q: must specify limits.cpu for: migrate',
    ],
    "LIMIT_RANGE": ['pods "x" is forbidden: maximum memory usage per Container is 64Mi, but limit is 256Mi'],
    "SERVICE_ACCOUNT_MISSING": [
        'pods "x" is forbidden: error looking up service account a/x: serviceaccount "x" not found'
    ],
}


@pytest.mark.parametrize(("code", "words"), [(code, words) for code, said in MESSAGES.items() for words in said])
def test_a_known_refusal_has_a_code_and_a_next_step(code: str, words: str) -> None:
    found = refusal_in(words)
    assert found is not None
    assert found.code == code
    assert found.hint
    assert "doctor" not in found.hint
    assert not NO_PERMISSION.search(words)


def test_a_missing_permission_is_none_of_them() -> None:
    words = 'pods is forbidden: User "ada" cannot create resource "pods" in API group "" in the namespace "a"'
    assert refusal_in(words) is None
    assert NO_PERMISSION.search(words)

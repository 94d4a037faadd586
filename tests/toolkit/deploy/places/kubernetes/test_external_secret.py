"""A deploy and the External Secrets operator: it waits for the Secret of this ExternalSecret, and names a refusal."""

import base64
from types import SimpleNamespace
from typing import Any

import pytest

from toolkit.deploy.inventory.schema import KubernetesEnvironment
from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.kubernetes import external_secret
from toolkit.deploy.places.kubernetes.template_values import secret_name
from toolkit.deploy.spec import ReleaseSpec

EVENT = "error processing spec.data[0] (key: a/b), err: Secret does not exist"


def environment(versions: dict[str, str] | None = None, **keys: Any) -> KubernetesEnvironment:
    external = {"store": "vault", "keys": {"DATABASE_URL": "a/b"}, "versions": versions or {}}
    base = {"name": "staging", "namespace": "n", "repository": "registry.example/lamps"}
    return KubernetesEnvironment.model_validate({**base, "secret": {"external": external}, **keys})


def secret(**values: str) -> dict[str, Any]:
    data = {name: base64.b64encode(value.encode()).decode() for name, value in values.items()}
    return {"kind": "Secret", "metadata": {"name": "s", "uid": "1"}, "data": data}


class Operator:
    """external-secrets as a deploy sees it: each question takes it one answer further: its generation, the Secret."""

    def __init__(self, *answers: tuple[int, dict[str, Any] | None], said: str = "") -> None:
        self.answers, self.said = list(answers), said
        self.generation = 0

    def get(self, _: str, kind: str, name: str) -> dict[str, Any] | None:
        if kind == "ExternalSecret":
            conditions = [{"type": "Ready", "status": "False", "message": self.said}] if self.said else []
            status = {"conditions": conditions, "syncedResourceVersion": f"{self.generation}-abc"}
            return {"metadata": {"name": name, "generation": 2, "uid": "u"}, "status": status}
        self.generation, live = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return live

    def list(self, _: str, kind: str, selector: str = "", fields: str = "") -> list[dict[str, Any]]:
        return [{"lastTimestamp": "2", "message": EVENT}, {"lastTimestamp": "1", "message": "not ready"}]


def deploying(operator: Operator, seconds: int) -> Any:
    return SimpleNamespace(
        cluster=operator,
        environment=environment(graces={"config": seconds}),
        service="lamps",
        namespace_missing=False,
        report=SimpleNamespace(progress=lambda *_: None),
    )


def test_a_deploy_waits_until_the_operator_has_written_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external_secret, "POLL_SECONDS", 0.0)
    of_before, complete = (1, secret(DATABASE_URL="old")), (2, secret(DATABASE_URL="new"))
    operator = Operator((0, None), of_before, (2, secret(OTHER="x")), complete)
    external_secret.await_written(deploying(operator, 60))
    assert operator.answers == [complete], "every answer before was waited for"


@pytest.mark.parametrize("seconds", [0, 60])
def test_an_operator_that_does_not_write_it_is_named(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    monkeypatch.setattr(external_secret, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(external_secret, "REFUSED_SECONDS", 0.0 if seconds else 60.0)
    with pytest.raises(Failed) as caught:
        external_secret.await_written(deploying(Operator((1, None), said="could not get secret data"), seconds))
    assert caught.value.failure.code == "SECRET_NOT_WRITTEN"
    assert caught.value.failure.evidence == ("could not get secret data", EVENT)
    assert "describe externalsecret lamps-external" in caught.value.failure.hint


def test_each_choice_of_versions_has_a_secret_of_its_own() -> None:
    def name(**versions: str) -> str:
        return secret_name(ReleaseSpec("lamps", environment(versions), "sha256:0"))

    assert name() == "lamps-external"
    assert name(DATABASE_URL="uuid/1") == name(DATABASE_URL="uuid/1")
    assert len({name(), name(DATABASE_URL="uuid/1"), name(DATABASE_URL="uuid/2")}) == 3


def test_a_version_of_no_key_is_refused() -> None:
    with pytest.raises(ValueError, match="versions: OTHER is not one of `keys`"):
        environment({"OTHER": "1"})

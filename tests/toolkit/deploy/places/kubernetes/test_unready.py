"""Reasons of pods that are not ready because of their database."""

import asyncio
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
import structlog
from fastapi import FastAPI

from app.api.v1.endpoints import health
from app.db.connecting import NotConnected
from app.lifecycle import Lifecycle
from toolkit.deploy.places.kubernetes import unready

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.place import KubernetesPlace


REFUSED = json.dumps({"event": unready.EVENT, "reason": "no (28P01)", "advice": "correct it", "refused": True})


class Refused(OSError):
    sqlstate = "28P01"


class Database:
    async def schema_heads(self) -> str:
        raise NotConnected(Refused("password authentication failed"))


def test_the_line_that_the_service_logs_is_the_one_that_is_read() -> None:
    """Both ends: were the words changed on one side alone, this would be red."""
    app = FastAPI()
    app.state.database = Database()
    with structlog.testing.capture_logs() as logged, pytest.raises(Exception, match="rejected the password"):
        asyncio.run(health._schema(app, Lifecycle()))
    lines = [json.dumps(entry) for entry in logged]
    found = unready.read("pod-1", ["no JSON", *lines, '{"event":"request"}'])
    assert found is not None
    assert found.refused
    assert found.reason == "PostgreSQL rejected the password (28P01)"
    assert "DATABASE_URL" in found.advice


@pytest.mark.parametrize("lines", [[], ["starting up"], ['{"event":"request"}', "[1]"]])
def test_other_logs_say_nothing_of_the_database(lines: list[Any]) -> None:
    assert unready.read("pod-1", lines) is None


def pod(*, ready: bool) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": str(ready)}]
    return {"metadata": {"name": "pod-1"}, "status": {"conditions": conditions}}


def test_a_refusal_that_lasts_is_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock is the test's own; the logs are what a cluster would give."""
    now, lines = [100.0], [REFUSED]
    monkeypatch.setattr(unready.time, "monotonic", lambda: now[0])
    # A user who may not ask the pods, and reads their logs.
    cluster = SimpleNamespace(proxy=lambda *_, **__: None, logs=lambda *_, **__: lines)
    watch = unready.Watch(
        cast("KubernetesPlace", SimpleNamespace(cluster=cluster, environment=SimpleNamespace(port=8000)))
    )

    def after(seconds: float, *pods: dict[str, Any]) -> unready.Sign | None:
        now[0] += seconds
        return watch.sign(pods)

    assert after(0, pod(ready=False)) is None
    assert after(unready.REFUSED_SECONDS, pod(ready=True), pod(ready=False)) is None
    found = after(unready.ASK_SECONDS, pod(ready=False))
    assert found is not None
    assert found.code == "DATABASE_REFUSED"
    assert "no (28P01)" in found.message
    lines[:] = [REFUSED.replace("true", "false")]  # an outage, which may pass
    assert after(60, pod(ready=False)) is None
    lines[:] = [REFUSED]
    assert after(60, pod(ready=False)) is None

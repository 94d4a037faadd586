"""Previews on Kubernetes: a namespace with a PostgreSQL, labelled so that nothing else is ever deleted."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from toolkit.deploy.outcomes import Exit, fail
from toolkit.deploy.places.kubernetes.pod_failures import condition
from toolkit.deploy.places.kubernetes.prerequisites import namespace_of

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.objects import Object
    from toolkit.deploy.places.kubernetes.place import KubernetesPlace

LABEL, NAME, EXPIRES = "deploy/preview", "deploy/preview-name", "deploy/expires"
MANAGER, DATABASE = "deploy-preview", "preview-database"
REMOVAL_SECONDS, POLL_SECONDS = 300, 1.0
PASSWORD, URL = "PASSWORD", "DATABASE_URL"  # keys of the Secrets


class KubernetesPreviews:
    """`name`: the preview's; the place's namespace is its own."""

    def __init__(self, place: KubernetesPlace, name: str) -> None:
        self.place, self.name = place, name

    def prepare(self, until: datetime, given: Mapping[str, str]) -> str:
        """Raises Failed NOT_A_PREVIEW, DATABASE_NOT_READY."""
        cluster, env = self.place.cluster, self.place.environment
        live = namespace_of(self.place)
        if live is not None:
            self._require_preview(live)
        cluster.apply(namespace(env.namespace, self.place.service, self.name, until), manager=MANAGER, force=True)
        self.place.namespace_missing = False
        kept = cluster.get("v1", "Secret", DATABASE)
        password = base64.b64decode(kept["data"][PASSWORD]).decode() if kept else secrets.token_urlsafe(24)
        objects = database(self.place.service, env.preview.database_image, password)
        url = f"postgresql://postgres:{password}@{DATABASE}:5432/{self.place.service}"
        for item in (*objects, _object("v1", "Secret", env.secret.name or "", data=_encoded({**given, URL: url}))):
            cluster.apply(item, manager=MANAGER, force=True)
        self._await_database()
        return f"namespace {env.namespace}, with a database of its own, until {until.isoformat(timespec='minutes')}"

    def address(self) -> str:
        env = self.place.environment
        if env.gateway:
            return f"http://{env.gateway.host}"
        if env.ingress:
            return f"{'https' if env.ingress.tls_secret else 'http'}://{env.ingress.host}{env.ingress.path}"
        service, port = self.place.service, env.port
        return f"kubectl --namespace {env.namespace} port-forward service/{service} 8080:{port}"

    def remove(self) -> bool:
        """Raises Failed NOT_A_PREVIEW, REMOVAL_TIMEOUT."""
        cluster, name = self.place.cluster, self.place.environment.namespace
        live = namespace_of(self.place)
        if live is None:
            return False
        self._require_preview(live)
        cluster.delete("v1", "Namespace", name)
        deadline = time.monotonic() + REMOVAL_SECONDS
        while time.monotonic() < deadline:
            if cluster.get("v1", "Namespace", name) is None:
                return True
            self.place.report.progress("remove", f"namespace {name}")
            time.sleep(POLL_SECONDS)
        hint = f"`kubectl get namespace {name} -o yaml` shows what blocks it"
        raise fail("REMOVAL_TIMEOUT", f"namespace {name} was not deleted in time", hint=hint, exit=Exit.TIMEOUT)

    def all(self) -> Sequence[tuple[str, datetime]]:
        found = self.place.cluster.list("v1", "Namespace", f"{LABEL}={self.place.service}")
        return [
            (item["metadata"]["labels"][NAME], datetime.fromisoformat(item["metadata"]["annotations"][EXPIRES]))
            for item in found
            if not item["metadata"].get("deletionTimestamp")
        ]

    def _require_preview(self, live: Object) -> None:
        if (live["metadata"].get("labels") or {}).get(LABEL) != self.place.service:
            name = live["metadata"]["name"]
            hint = "choose another name for the preview"
            raise fail("NOT_A_PREVIEW", f"namespace {name} is not a preview of {self.place.service}", hint=hint)

    def _await_database(self) -> None:
        deadline = time.monotonic() + self.place.environment.rollout_seconds
        while time.monotonic() < deadline:
            live = self.place.cluster.get("apps/v1", "Deployment", DATABASE) or {}
            if condition(live, "Available").get("status") == "True":
                return
            self.place.report.progress("database", "starting")
            time.sleep(POLL_SECONDS)
        namespace = self.place.environment.namespace
        hint = f"kubectl --namespace {namespace} describe pods -l app.kubernetes.io/name={DATABASE}"
        raise fail("DATABASE_NOT_READY", "the preview's database does not become ready", hint=hint)


def namespace(name: str, service: str, preview: str, until: datetime) -> Object:
    """Pure."""
    metadata = {
        "name": name,
        "labels": {LABEL: service, NAME: preview},
        "annotations": {EXPIRES: until.astimezone(UTC).isoformat(timespec="seconds")},
    }
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def database(service: str, image: str, password: str) -> list[Object]:
    """Return the database and its password. Its data lives as long as its pod. Pure."""
    selector = {"app.kubernetes.io/name": DATABASE}
    container: dict[str, Any] = {
        "name": "postgres",
        "image": image,
        "env": [
            {"name": "POSTGRES_DB", "value": service},
            {"name": "POSTGRES_PASSWORD", "valueFrom": {"secretKeyRef": {"name": DATABASE, "key": PASSWORD}}},
        ],
        "readinessProbe": {"exec": {"command": ["pg_isready", "-U", "postgres"]}, "periodSeconds": 2},
        "resources": {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}},
    }
    template = {
        "metadata": {"labels": selector},
        "spec": {"automountServiceAccountToken": False, "containers": [container]},
    }
    spec = {
        "replicas": 1,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": selector},
        "template": template,
    }
    return [
        _object("v1", "Secret", DATABASE, data=_encoded({PASSWORD: password})),
        _object("v1", "Service", DATABASE, spec={"selector": selector, "ports": [{"port": 5432}]}),
        _object("apps/v1", "Deployment", DATABASE, spec=spec),
    ]


def _object(api: str, kind: str, name: str, **content: Any) -> Object:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, **content}


def _encoded(values: Mapping[str, str]) -> dict[str, str]:
    return {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}

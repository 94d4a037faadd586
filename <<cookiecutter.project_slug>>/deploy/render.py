"""`deploy ENV --render DIR`: the same objects as files, for `kubectl apply -k DIR` and GitOps."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from deploy import inventory, registry
from deploy.model import fail
from deploy.objects import Object
from deploy.release import Release, driver_of, secrets_from


def write(project: Path, name: str, folder: Path, extra: Sequence[str]) -> list[str]:
    """One file for each object and a kustomization.yaml that lists them; no Secret is written (its values would be).

    Raises Failed NO_IMAGE without an image by digest: what is built has its digest only then.
    """
    import yaml

    environment = inventory.load(project, name, extra)
    if not environment.image:
        raise fail(
            "NO_IMAGE",
            "rendering needs the image by digest",
            hint="-e image=sha256:... (`python3 tasks.py push` prints it)",
        )
    digest = (
        environment.image
        if environment.image.startswith("sha256:")
        else registry.resolve(environment.repository, environment.image)
    )
    replicas = None if environment.autoscale else environment.replicas
    facts = inventory.facts(project)
    release = Release(facts.name, environment, digest, secrets_from(environment, os.environ), replicas)
    objects = driver_of(environment).render(project, release)
    folder.mkdir(parents=True, exist_ok=True)
    written = [
        _file(folder, item, yaml.safe_dump(item, sort_keys=False)) for item in objects if item["kind"] != "Secret"
    ]
    kustomization = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": written}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization, sort_keys=False))
    left = [item["metadata"]["name"] for item in objects if item["kind"] == "Secret"]
    told = [f"{len(written)} objects in {folder}; apply them with: kubectl apply -k {folder}"]
    return told + [
        f"Secret {secret} was left out: its values have no place in a file. Make it in the cluster." for secret in left
    ]


def _file(folder: Path, item: Object, text: str) -> str:
    name = f"{item['kind'].lower()}-{item['metadata']['name']}.yaml"
    (folder / name).write_text(text)
    return name

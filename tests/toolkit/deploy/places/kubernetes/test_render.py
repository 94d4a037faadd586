"""`deploy --render DIR`: the folder holds what its kustomization.yaml lists, and whatever belongs to someone else."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.kubernetes import render


def item(kind: str, name: str, **content: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **content}


def written(folder: Path, *objects: dict[str, Any]) -> set[str]:
    render.replace(folder, render.texts(objects))
    return {path.name for path in folder.iterdir()}


def listed(folder: Path) -> set[str]:
    return set(yaml.safe_load((folder / render.KUSTOMIZATION).read_text())["resources"])


def test_files_of_an_earlier_run_are_removed(tmp_path: Path) -> None:
    written(tmp_path, item("Job", "lamps-migrate-1"), item("Service", "lamps"))
    found = written(tmp_path, item("Job", "lamps-migrate-2"), item("Service", "lamps"))
    assert found == {"job-lamps-migrate-2.yaml", "service-lamps.yaml", render.KUSTOMIZATION}
    assert listed(tmp_path) == found - {render.KUSTOMIZATION}


def test_files_of_others_are_kept(tmp_path: Path) -> None:
    (tmp_path / "notes.yaml").write_text("mine: true\n")
    assert "notes.yaml" in written(tmp_path, item("Service", "lamps"))
    assert listed(tmp_path) == {"service-lamps.yaml"}


def test_a_kustomization_of_others_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / render.KUSTOMIZATION).write_text("resources: [base]\n")
    with pytest.raises(Failed) as caught:
        written(tmp_path, item("Service", "lamps"))
    assert caught.value.failure.code == "RENDER_FOLDER"
    assert [path.name for path in tmp_path.iterdir()] == [render.KUSTOMIZATION]


def test_a_file_holds_the_object(tmp_path: Path) -> None:
    one = item("ConfigMap", "lamps-1", data={"A": "yes", "B": "💡"})
    written(tmp_path, one)
    assert yaml.safe_load((tmp_path / "configmap-lamps-1.yaml").read_text("utf-8")) == one

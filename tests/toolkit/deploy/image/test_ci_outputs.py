"""Outputs between the steps of a pipeline."""

from pathlib import Path

import pytest

from toolkit.deploy.image import ci_outputs


def test_values_go_to_the_file_that_the_pipeline_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "github"))
    monkeypatch.delenv("PIPELINE_OUTPUT", raising=False)
    ci_outputs.tell(image="docker.io/example/shop:1")
    ci_outputs.tell(digest="sha256:1")
    assert (tmp_path / "github").read_text() == "image=docker.io/example/shop:1\ndigest=sha256:1\n"

    monkeypatch.setenv("PIPELINE_OUTPUT", str(tmp_path / "other"))
    ci_outputs.tell(digest="sha256:2")
    assert (tmp_path / "other").read_text() == "digest=sha256:2\n"


def test_outside_a_pipeline_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ci_outputs.FILES:
        monkeypatch.delenv(name, raising=False)
    ci_outputs.tell(digest="sha256:1")

"""The configuration of what watches fits together: every name in one file is there in the other.

Prometheus' files are judged by Prometheus itself (test_alerts.py). The other programs are not on a test machine: their
files are read, and held to what they refer to.
"""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from tests.support.bakery import Bakery


@pytest.fixture(scope="module")
def service(bakery: Bakery) -> Path:
    return bakery.bake()


@pytest.fixture(scope="module")
def compose(service: Path) -> dict[str, Any]:
    return yaml.safe_load((service / "docker-compose.yml").read_text())["services"]


def read(service: Path, name: str) -> Any:
    return yaml.safe_load((service / "observability" / name).read_text())


def test_every_file_is_mounted(service: Path, compose: dict[str, Any]) -> None:
    mounted = [str(volume).partition(":")[0] for one in compose.values() for volume in one.get("volumes", ())]
    sources = [service / name for name in mounted if name.startswith("./observability")]
    assert all(source.exists() for source in sources)
    for path in (path for path in (service / "observability").rglob("*") if path.is_file()):
        assert any(source == path or source in path.parents for source in sources), f"nobody reads {path.name}"


def test_prometheus_scrapes_the_service(service: Path, compose: dict[str, Any]) -> None:
    (job,) = read(service, "prometheus/prometheus.yml")["scrape_configs"]
    (target,) = job["static_configs"][0]["targets"]
    host, _, port = target.partition(":")
    assert host in compose
    assert str(compose[host]["environment"]["PORT"] if "environment" in compose[host] else 8000) == port


def test_the_collector_has_what_its_pipelines_name(service: Path, compose: dict[str, Any]) -> None:
    settings = read(service, "otel-collector.yml")
    for name, pipeline in settings["service"]["pipelines"].items():
        for kind, members in pipeline.items():
            assert set(members) <= settings[kind].keys(), f"{name} names {kind} that are not there"
    assert set(settings["service"]["extensions"]) <= settings["extensions"].keys()
    for exporter in settings["exporters"].values():
        assert urlsplit(exporter["endpoint"]).hostname in compose


def test_grafana_knows_its_sources(service: Path, compose: dict[str, Any]) -> None:
    sources = read(service, "grafana/provisioning/datasources/datasources.yml")["datasources"]
    assert {urlsplit(source["url"]).hostname for source in sources} <= compose.keys()
    provisioned = {source["uid"] for source in sources} | {"-- Grafana --"}
    (provider,) = read(service, "grafana/provisioning/dashboards/dashboards.yml")["providers"]
    assert any(provider["options"]["path"] in volume for volume in compose["grafana"]["volumes"])
    for path in (service / "observability" / "grafana" / "dashboards").glob("*.json"):
        board = json.loads(path.read_text())
        assert set(re.findall(r'"uid": "([^"]+)"', path.read_text())) <= provisioned | {board["uid"]}
        numbers = [panel["id"] for panel in board["panels"]]
        assert len(numbers) == len(set(numbers))
        for panel in board["panels"]:
            place = panel["gridPos"]
            assert place["x"] + place["w"] <= 24, panel["title"]


def test_dashboard_marks_deploys(service: Path) -> None:
    (path,) = (service / "observability" / "grafana" / "dashboards").glob("*.json")
    marks = [
        mark for mark in json.loads(path.read_text())["annotations"]["list"] if "target_info" in mark.get("expr", "")
    ]
    assert len(marks) == 1
    assert marks[0]["enable"]


def test_the_shipper_reads_this_project_and_writes_to_loki(service: Path, compose: dict[str, Any]) -> None:
    text = (service / "observability" / "shipper.alloy").read_text()
    defined = set(re.findall(r'^(\w+(?:\.\w+)*) "(\w+)" \{', text, re.MULTILINE))
    names = {f"{component}.{label}" for component, label in defined}
    used = set(re.findall(r"((?:discovery|loki)\.\w+\.\w+)\.(?:targets|output|receiver)", text))
    assert used <= names
    project = yaml.safe_load((service / "docker-compose.yml").read_text())["name"]
    assert f"com.docker.compose.project={project}" in text
    assert urlsplit(re.findall(r'url = "([^"]+)"', text)[0]).hostname in compose
    assert text.count("{") == text.count("}")


def test_loki_keeps_its_data_on_the_volume(service: Path, compose: dict[str, Any]) -> None:
    settings = read(service, "loki.yml")
    inside = [volume.split(":")[1] for volume in compose["loki"]["volumes"] if not volume.startswith(".")]
    assert settings["common"]["path_prefix"] in inside
    assert settings["compactor"]["working_directory"].startswith(settings["common"]["path_prefix"])
    assert settings["schema_config"]["configs"][-1]["schema"] == "v13"

"""`build` and `push` on a real engine and registry: what they make, and what they leave alone."""

import json
import re
import subprocess
import uuid
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion, _res
from jsonschema_rs import Validator, validator_for

from tests.image.conftest import Checkout, docker, environment, set_image
from tests.support.bakery import Bakery
from tests.support.stage import REGISTRY
from toolkit.deploy.image import buildx, content_key

MOST_MEGABYTES = 90
LABEL = "org.opencontainers.image"


def built(said: str) -> tuple[str, str]:
    """Status and tag of the line on the image."""
    line = re.findall(r"^(ok|changed) +image +(\S+)", said, re.M)[-1]
    return line[0], line[1]


def images(path: str) -> list[str]:
    return sorted(docker("image", "ls", "--quiet", "--no-trunc", "--filter", f"reference={path}").split())


@pytest.mark.drill(minutes=1)
def test_nothing_is_built_or_pushed_twice(checkout: Checkout, own_registry_path: str) -> None:
    cold = checkout.ok("build")
    status, tag = built(cold.out)
    assert status == "changed"
    assert tag.startswith(f"{own_registry_path}:")
    assert images(own_registry_path) == [docker("image", "inspect", "--format", "{{.Id}}", tag)]

    again = checkout.ok("build")
    assert built(again.out) == ("ok", tag)
    assert "nothing built" in again.out

    path = checkout.folder / "app" / "resources.py"
    path.write_text(path.read_text() + "# one line more\n")
    before = images(own_registry_path)
    assert "would build" in checkout.ok("build", "--check").out
    assert images(own_registry_path) == before
    changed = checkout.ok("build")
    assert built(changed.out)[1] != tag

    pushed = checkout.ok("push")
    digest = re.findall(r"sha256:[0-9a-f]{64}", pushed.out)[-1]
    second = checkout.ok("push")
    assert "nothing pushed" in second.out
    assert digest in second.out
    assert digest in docker("buildx", "imagetools", "inspect", f"{own_registry_path}@{digest}")
    print(
        f"\nbuild: cold {cold.seconds:.1f} s, a line changed {changed.seconds:.1f} s, unchanged {again.seconds:.1f} s; "
        f"push {pushed.seconds:.1f} s, again {second.seconds:.1f} s"
    )


def test_layers_made_ahead_are_used_and_leave_no_image(checkout: Checkout, own_registry_path: str) -> None:
    """Build layers as a deploy does before its first check; without that, the same layer is missing."""
    checkout.ok("build")
    path = checkout.folder / "app" / "resources.py"
    command = buildx.command(buildx.Build(checkout.folder, "ahead", content_key.TARGET))[1:]
    held = set(docker("image", "ls", "--all", "--quiet").split())
    cached = {}
    for ahead in (True, False):
        path.write_text(path.read_text() + f"# {uuid.uuid4()}\n")
        if ahead:
            docker(*command)
            assert set(docker("image", "ls", "--all", "--quiet").split()) == held
        said = docker(*command)
        cached[ahead] = bool(re.search(r"COPY --from=code .*\n#\d+ CACHED", said))
    assert cached == {True: True, False: False}


def test_documents_and_times_of_files_change_no_image(checkout: Checkout, own_registry_path: str) -> None:
    tag = built(checkout.ok("build").out)[1]
    (checkout.folder / "README.md").write_text("Other words.\n")
    (checkout.folder / "tests" / "new.py").write_text("")
    for path in (checkout.folder / "app").rglob("*.py"):
        path.touch()
    assert built(checkout.ok("build").out) == ("ok", tag)


@pytest.mark.drill
def test_the_modes_of_a_checkout_are_not_those_of_the_image(
    checkout: Checkout, own_registry_path: str, tmp_path: Path
) -> None:
    """A clone with umask 077: its image has the name that every checkout gives it, so it has to be the same image."""
    strict = Checkout(tmp_path / "clone", checkout.environment, checkout.variables)
    command = ["sh", "-c", 'umask 077 && git clone -q "$0" "$1"', str(checkout.folder), str(strict.folder)]
    subprocess.run(command, check=True)
    assert (strict.folder / "app" / "main.py").stat().st_mode & 0o077 == 0
    set_image(strict, own_registry_path)
    tag = built(strict.ok("build").out)[1]
    assert built(checkout.ok("build").out) == ("ok", tag)
    script = ("--user", "10001", "--entrypoint", "python", tag, "-c", "import app.main, alembic.config")
    docker("run", "--rm", "--env", "ENVIRONMENT=local", *script)
    assert _find(tag, "/service", "-not", "-perm", "-444") == []
    assert _find(tag, "/service", "-perm", "/6022") == []


def test_labels_say_where_it_comes_from(checkout: Checkout, own_registry_path: str) -> None:
    checkout.git("remote", "add", "origin", "https://ada:token@git.example.com/ada/shop.git")
    checkout.git("commit", "--all", "--message", "An image of its own")
    clean = _labels(built(checkout.ok("build").out)[1])
    assert clean[f"{LABEL}.revision"] == checkout.git("rev-parse", "HEAD")
    assert clean[f"{LABEL}.source"] == "https://git.example.com/ada/shop"
    assert clean[f"{LABEL}.version"] == "0.1.0"
    assert clean[f"{LABEL}.title"] == "shop"
    revision = next((checkout.folder / "alembic" / "versions").glob("*_initial.py"))
    assert f'revision: str = "{clean["service.schema-head"]}"' in revision.read_text().replace("'", '"')

    path = checkout.folder / "app" / "resources.py"
    path.write_text(path.read_text() + "# not committed\n")
    dirty = _labels(built(checkout.ok("build").out)[1])
    assert dirty[f"{LABEL}.revision"] == f"{clean[f'{LABEL}.revision']}-dirty"


def _labels(tag: str) -> dict[str, str]:
    labels: dict[str, str] = json.loads(docker("image", "inspect", "--format", "{{json .Config.Labels}}", tag))
    return labels


@pytest.mark.drill
@pytest.mark.parametrize("auth", ["jwt", "none"])
def test_the_size_that_it_adds_to_its_base(auth: str, bakery: Bakery, engine: None) -> None:
    service = bakery.bake(project_name="Shop", auth=auth, registry=f"{REGISTRY}/test-image")
    tag = built(Checkout(service, environment(bakery)).ok("build").out)[1]
    added = (_bytes(tag) - _bytes(_base(tag))) / 1e6
    print(f"\nauth={auth}: the image adds {added:.1f} MB to its base")
    assert added <= MOST_MEGABYTES


def _bytes(tag: str) -> int:
    return sum(int(line) for line in docker("history", "--human=false", "--format", "{{.Size}}", tag).splitlines())


def _base(tag: str) -> str:
    script = "import sys; print('python:%d.%d-slim' % sys.version_info[:2])"
    return docker("run", "--rm", "--entrypoint", "python", tag, "-c", script)


def test_nothing_but_the_service_is_in_it(image: str) -> None:
    """No compiler, no tools, no cache, no tests; every module of the service compiled, and writable for nobody."""
    sources = _find(image, "/service/app", "-name", "*.py")
    assert len(_find(image, "/service/app", "-name", "*.pyc")) == len(sources) > 20
    names = {path.split("/")[2] for path in _find(image, "/service", "-mindepth", "1")}
    assert names == {"alembic", "alembic.ini", "app", "entrypoint.sh", "service.toml"}
    assert _find(image, "/opt/venv", "-type", "d", "-name", "tests") == []
    assert _find(image, "/opt/venv", "/service", "-perm", "/022", "-not", "-type", "l") == []
    programs = {path.rpartition("/")[2] for path in _find(image, "/opt/venv/bin", "/usr/bin", "/usr/local/bin")}
    assert "alembic" in programs
    assert not programs & {"gcc", "cc", "make", "ld", "strip", "uv", "git", "pytest", "ruff"}


def _find(image: str, *arguments: str) -> list[str]:
    return docker("run", "--rm", "--entrypoint", "find", image, *arguments).splitlines()


INSTALLED = """
from importlib.metadata import distributions
for found in distributions():
    if "/opt/venv" in str(found.locate_file("")):
        print(found.name, found.version)
"""


def test_the_sbom_is_valid_and_lists_what_is_installed(checkout: Checkout, own_registry_path: str) -> None:
    tag = built(checkout.ok("build", "--sbom").out)[1]
    document = json.loads((checkout.folder / "sbom.cdx.json").read_text())
    assert [str(fault) for fault in _cyclonedx().iter_errors(document)] == []
    listed = {f"{_normal(item['name'])} {item['version']}" for item in document["components"]}
    said = docker("run", "--rm", "--entrypoint", "python", tag, "-c", INSTALLED).splitlines()
    installed = {f"{_normal(name)} {version}" for name, version in (line.split(" ") for line in said)}
    assert len(installed) > 20
    assert installed <= listed


def _cyclonedx() -> Validator:
    """CycloneDX's own schema; its library would take minutes for the hashes of all wheels, this one milliseconds."""
    others = {"spdx": _res.SPDX_JSON, "jsf": _res.JSF}

    def retrieve(address: str) -> Any:
        return json.loads(Path(next(path for name, path in others.items() if name in address)).read_text())

    schema = json.loads(Path(str(_res.BOM_JSON_STRICT[SchemaVersion.V1_5])).read_text())
    return validator_for(schema, retriever=retrieve)


def _normal(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_platforms_that_the_builder_lacks_are_refused_before_anything(
    checkout: Checkout, own_registry_path: str
) -> None:
    ended = checkout.task("build", "--platform", "linux/riscv128")
    assert ended.code != 0
    assert "PLATFORM_UNSUPPORTED" in ended.out
    assert images(own_registry_path) == []

"""A registry on the deployer's machine alone: the host gets the layers that it lacks through the SSH connection."""

import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.machines import MachineStage, free_port
from tests.support.stage import run, until

pytestmark = pytest.mark.drill(minutes=4)
Stop = Callable[[], None]


@contextmanager
def registry(folder: Path) -> Iterator[tuple[str, Stop]]:
    """An address on this machine that no other machine reaches, and what stops it."""
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("docker-registry is not installed")
    address = f"127.0.0.1:{free_port()}"
    config = folder / "registry.yml"
    config.write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {folder / 'data'}}}}}\nhttp: {{addr: '{address}'}}\n"
    )
    child = subprocess.Popen([program, "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: answers(address), 60, "the registry")
        yield address, child.kill
    finally:
        child.kill()
        child.wait()


def answers(address: str) -> bool:
    with suppress(OSError):
        return urllib.request.urlopen(f"http://{address}/v2/", timeout=60).status == 200
    return False


def test_layers_come_through_the_connection_and_rollback_needs_no_registry(actor: MachineStage, tmp_path: Path) -> None:
    with registry(tmp_path) as (address, stop), actor.fresh() as fresh:
        for name in ("v1", "v2"):
            source, target = f"{actor.images.repository}@{actor.images[name]}", f"{address}/shop:{name}"
            run("docker", "pull", "-q", source)
            run("docker", "tag", source, target)
            run("docker", "push", "-q", target)
        stage = replace(fresh, images=replace(actor.images, repository=f"{address}/shop"))
        for name in ("v1", "v2"):
            ended = stage.deploy(name)
            assert ended.code == 0, ended
            assert stage.served() == stage.images[name]
        assert not answers_on(stage, address)  # the way back is closed again
        stop()
        began = time.monotonic()
        ended = stage.task("rollback")
        print(f"rollback without a registry: {time.monotonic() - began:.1f} s")
        assert ended.code == 0, ended
        assert stage.served() == stage.images["v1"]


def answers_on(stage: MachineStage, address: str) -> bool:
    return "yes" in stage.hosts[0].run(f"curl -fsm 5 http://{address}/v2/ >/dev/null && echo yes || true")

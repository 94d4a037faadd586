"""A deploy compared with manual steps: `docker buildx build --push`, `kubectl apply`, `kubectl rollout status`.

Each half of a round releases a change, into its own namespace on the cluster of KUBECONFIG.
"""

from __future__ import annotations

import json
import os
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import generation
from bench.figures import Figure, interleaved, ratios
from bench.table import Row
from tests.support.stage import REGISTRY, Images, Stage, namespace, run, until
from tests.support.variants import available as missing

__all__ = ["missing", "rows"]

# Seconds for which a finished roll-out must stay healthy. Manual steps have no such wait, so it is subtracted.
HOLD = 4.0
SETTINGS = ("drain_seconds=4", "graceful_seconds=6", f"hold_seconds={HOLD:.0f}", "probes.live_period=2")


def rows(scratch: Path, rounds: int) -> list[Row]:
    """Seconds of a deploy without its hold, against the three commands. Needs a cluster: see `missing`."""
    repository = f"{REGISTRY}/bench-{uuid.uuid4().hex[:8]}"
    service = generation.bake(scratch / "deploys", auth="none", registry=repository).folder
    with _stage(service, repository) as toolkit, _stage(service, repository) as hand:
        objects = _rendered(hand, scratch / "objects")

        def compared(change: Callable[[Path], None]) -> tuple[list[float], list[float]]:
            def prepare() -> None:
                change(service)
                _settle(toolkit, hand)

            ours, theirs = interleaved(
                rounds,
                [
                    lambda: _timed(prepare, lambda: _deploy(toolkit)) - HOLD,
                    lambda: _timed(prepare, lambda: _by_hand(hand, objects)),
                ],
            )
            return ours, theirs

        code, dependencies = compared(_change_code), compared(_change_dependencies)
    return [_row("other code", code), _row("other dependencies", dependencies)]


def _row(what: str, measured: tuple[list[float], list[float]]) -> Row:
    ours, theirs = measured
    name = f"deploy of {what} without its hold / by hand: s"
    return Row(name, Figure.of(ours), Figure.of(theirs), ratios(ours, theirs), most=1.10)


@contextmanager
def _stage(service: Path, repository: str) -> Iterator[Stage]:
    """A namespace with a database, for the service."""
    with namespace(f"bench-{uuid.uuid4().hex[:8]}") as name:
        image = f"{repository}/{service.name}"
        # Python may keep its compiled files, as usual.
        variables = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        made = Stage(name, service, Images(image), variables, (*SETTINGS, "secret.name=shop"))
        _deploy(made)
        yield made


def _deploy(stage: Stage) -> None:
    ended = stage.task("deploy", "--yes", seconds=600)
    if ended.code:
        raise RuntimeError(f"The deploy failed: {ended}")


def _by_hand(stage: Stage, objects: Path) -> None:
    told = objects.parent / "metadata.json"
    tag = f"{stage.images.repository}:{uuid.uuid4().hex[:8]}"
    build = ("docker", "buildx", "build", "--push", "--quiet", "--target", "production", "--tag", tag)
    run(*build, "--metadata-file", str(told), str(stage.project), seconds=600)
    digest = json.loads(told.read_text())["containerimage.digest"]
    for path in objects.glob("*.yaml"):
        path.write_text(re.sub("sha256:[0-9a-f]{64}", digest, path.read_text()))
    # The schema is unchanged, so the migration's Job has nothing to do, here or in a deploy.
    files = [f"--filename={path}" for path in objects.glob("*.yaml") if not path.name.startswith(("job", "kust"))]
    stage.kubectl("apply", "--server-side", "--field-manager=deploy", *files)
    stage.kubectl("rollout", "status", f"deployment/{stage.project.name}")


def _rendered(stage: Stage, folder: Path) -> Path:
    """Write the objects as files, as for a manual deploy."""
    live = stage.get("deployment", stage.project.name)
    digest = live["spec"]["template"]["spec"]["containers"][0]["image"].rpartition("@")[2]
    stage.task("deploy", "--render", str(folder), image=digest)
    return folder


def _change_code(service: Path) -> None:
    with (service / "app" / "main.py").open("a") as code:
        code.write(f"# {uuid.uuid4()}\n")


def _change_dependencies(service: Path) -> None:
    """Make the layer of dependencies rebuild, as after a change of the lock file."""
    path = service / "Dockerfile"
    path.write_text(re.sub(r"( AS builder\n)(ENV ROUND=.*\n)?", rf"\1ENV ROUND={uuid.uuid4()}\n", path.read_text()))


def _settle(*stages: Stage) -> None:
    """Wait until the pods of the previous half are gone: their shutdown slows down the next half."""
    until(lambda: not any(_leaves(pod) for stage in stages for pod in stage.get("pods")["items"]), 60, "old pods gone")


def _leaves(pod: dict[str, Any]) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def _timed(prepare: Callable[[], None], release: Callable[[], None]) -> float:
    prepare()
    began = time.perf_counter()
    release()
    return time.perf_counter() - began

"""The picture of a deploy that fails and is rolled back, on a real cluster."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import yaml

from tests.support import variants
from tests.support.bakery import Bakery
from tests.support.stage import Stage
from workshop.pictures import terminal

COMMAND = "python3 tasks.py deploy staging --yes"
# Less memory than the service needs to start.
MISTAKE = ("resources.memory_request=32Mi", "resources.memory_limit=48Mi")
FAILED = 3  # the previous release serves
REGISTRY, SERVER = "registry.example.com", "https://staging.example.com:6443"


def missing() -> str:
    """Return why this machine cannot run a deploy; empty if it can."""
    return variants.available()


def record(root: Path, folder: Path) -> str:
    """Release a service in its own namespace, then again with a mistake. Return the output.

    Raises SystemExit when the first release fails, or the second does not.
    """
    bakery = Bakery(root, folder / "bakery")
    made = bakery.bake(project_name="Shop")
    (folder / "images").mkdir()
    project = folder / "shop"
    shutil.copytree(made, project, symlinks=True)
    actor = Stage("", project, variants.build(made, folder / "images"), bakery.environment)
    with actor.fresh("picture") as stage:
        return of(stage)


def of(stage: Stage) -> str:
    """Run both deploys on a stage whose checkout may be changed."""
    ended = stage.deploy("v1")
    if ended.code:
        raise SystemExit(f"The first release failed: {ended}")
    own = (f"namespace={stage.namespace}", f"server={stage.server}", f"repository={stage.images.repository}")
    pairs = [*own, "service_type=NodePort", *stage.settings, *MISTAKE]
    write_inventory(stage.project / "deploy" / "inventory.yaml", pairs)
    command = [str(stage.project / ".venv" / "bin" / "python"), "tasks.py", "deploy", "staging", "--yes"]
    code, screen = terminal.record(command, stage.project, stage.environment)
    if code != FAILED:
        raise SystemExit(f"The release with a mistake ended with {code}, not {FAILED}:\n{terminal.plain(screen)}")
    return shown(stage, screen)


def write_inventory(path: Path, pairs: Sequence[str]) -> None:
    """Set keys of `staging`, such as `drain_seconds=4` or `probes.live_period=2`."""
    inventory = yaml.safe_load(path.read_text())
    for key, value in (pair.split("=", 1) for pair in pairs):
        *path_of_key, last = key.split(".", 1)
        at = inventory["staging"]
        for name in path_of_key:
            at = at.setdefault(name, {})
        at[last] = yaml.safe_load(value)
    path.write_text(yaml.safe_dump(inventory))


def shown(stage: Stage, screen: str) -> str:
    """Return the same without names of this machine: its registry, its API server, its folders."""
    text = screen.replace(stage.images.repository, f"{REGISTRY}/shop").replace(stage.server, SERVER)
    text = text.replace(stage.namespace, "shop-staging").replace(f"{stage.project}/", "")
    return f"$ {COMMAND}\n{text.strip()}\n"

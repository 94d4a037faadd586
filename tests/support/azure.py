"""A stage on Azure's APIs of this machine: `deploy(...)` runs the real tasks in the service's folder."""

import json
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.arm import Azure
from tests.support.arm_values import Image
from tests.support.azure_apis import azure_apis, pushed, serve
from tests.support.processes import under_way
from tests.support.stage import Ended

SUBSCRIPTION, GROUP, APP, ACCOUNT = "0a1b2c3d-0000-4000-8000-00000000beef", "shop-staging", "shop", "histshop"
QUICK = ("hold_seconds=1", "lease_seconds=8", "rollout_seconds=20")
SECRET = "shop-vault/database-url"
MISSING = "sha256:" + "0" * 64


@cache
def public_key() -> str:
    """Return the key of an identity provider, which signs nothing here."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return json.dumps(key.public_bytes(serialization.Encoding.PEM, form).decode())


@dataclass
class AzureStage:
    """One resource group. `packages`: a folder with azure-identity; empty for a machine without it."""

    project: Path
    environment: dict[str, str]
    packages: str
    azure: Azure = field(default_factory=lambda: Azure(SUBSCRIPTION, GROUP))
    apis: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    settings: tuple[str, ...] = QUICK
    name: str = "staging"

    @contextmanager
    def fresh(self) -> Iterator[Self]:
        """This stage with an Azure of its own: an environment, a secret, and the images of `add`."""
        with tempfile.TemporaryDirectory() as folder:
            azure = Azure(SUBSCRIPTION, GROUP)
            azure.secrets[SECRET] = ["a" * 32]
            with azure_apis(azure, Path(folder)) as apis:
                made = replace(self, azure=azure, apis=apis, digests={})
                made.add("v1")
                made.add("v2")
                yield made

    def add(self, name: str, **given: Any) -> str:
        """Push an image that behaves so. Returns its digest."""
        image = Image(given.pop("schema", self.schema), **given)
        self.digests[name] = pushed(self.azure.registry, f"{name} {given}", image.schema)
        self.azure.images[self.digests[name]] = image
        return self.digests[name]

    @property
    def schema(self) -> str:
        """The newest revision of the checkout's database schema."""
        (path,) = (self.project / "alembic" / "versions").glob("*_initial.py")
        return path.name.split("_")[1]

    @property
    def keys(self) -> Sequence[str]:
        return (
            "place=containerapps",
            f"subscription={SUBSCRIPTION}",
            f"resource_group={GROUP}",
            "environment=apps",
            f"app={APP}",
            f"history_account={ACCOUNT}",
            f"repository={self.apis['REGISTRY']}/shop",
            f"secret={{store: azure, keys: {{DATABASE_URL: {SECRET}}}}}",
            f"settings.JWT_KEY={public_key()}",
            "settings.JWT_ISSUER=https://identity/",
            "settings.JWT_AUDIENCE=shop",
            *self.settings,
        )

    def command(self, task: str, *arguments: str, image: str = "") -> list[str]:
        given = (*self.keys, *((f"image={self.digests.get(image, MISSING)}",) if image else ()))
        python = str(self.project / ".venv" / "bin" / "python")
        name = ("--env", self.name) if task == "logs" else (self.name,)
        return [python, "tasks.py", task, *name, *(part for pair in given for part in ("-e", pair)), *arguments]

    @property
    def variables(self) -> dict[str, str]:
        return {**self.environment, **self.apis, "PYTHONPATH": self.packages}

    def task(self, task: str, *arguments: str, image: str = "", stdin: str = "", **env: str) -> Ended:
        began = time.monotonic()
        done = subprocess.run(
            self.command(task, *arguments, image=image),
            cwd=self.project,
            env={**self.variables, **env},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        return Ended(done.returncode, done.stdout + done.stderr, time.monotonic() - began)

    def deploy(self, image: str = "v1", *arguments: str, **env: str) -> Ended:
        return self.task("deploy", "--yes", *arguments, image=image, **env)

    @contextmanager
    def deploying(self, image: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A deploy that is under way; killed at the end if it still runs."""
        command = self.command("deploy", "--yes", *arguments, image=image)
        with under_way(command, self.project, self.variables) as child:
            yield child

    @contextmanager
    def stopping(self, write: str) -> Iterator[threading.Event]:
        """Set the event when a write has been made (`NAME#2`: the second one); its answer comes late."""
        reached, seen = threading.Event(), Counter[str]()
        name, _, number = write.partition("#")

        def stop(made: str) -> None:
            seen[made] += 1
            if made == name and seen[made] == int(number or 1):
                reached.set()
                time.sleep(2)

        self.azure.on_write = stop
        try:
            yield reached
        finally:
            self.azure.on_write = lambda _: None

    @contextmanager
    def clients(self) -> Iterator[Counter[int]]:
        """Requests of clients all the time; the count of each status."""
        seen, end = Counter[int](), threading.Event()

        def ask() -> None:
            while not end.wait(0.02):  # is to run out
                seen[serve(self.azure, APP, "", "/products")[0]] += 1

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        try:
            yield seen
        finally:
            end.set()
            thread.join()

    def traffic(self) -> dict[str, int]:
        """The shares, by digest."""
        found = self.azure.apps[APP]["properties"]["configuration"]["ingress"]["traffic"]
        revisions = self.azure.revisions[APP]
        return {
            revisions[item["revisionName"]].template["containers"][0]["image"].rpartition("@")[2]: item["weight"]
            for item in found
        }

    def active(self) -> list[str]:
        return sorted(name for name, revision in self.azure.revisions[APP].items() if revision.active)

    @contextmanager
    def rotated(self) -> Iterator[None]:
        """A new version of the secret: it may name another database, so that the next deploy migrates."""
        versions = self.azure.secrets[SECRET]
        self.azure.secrets[SECRET] = [*versions, f"{len(versions):032x}"]
        try:
            yield
        finally:
            self.azure.secrets[SECRET] = versions

    def take_lock(self, holder: str) -> None:
        """Write another holder into the lock, as a deployer does whose clock has waited long enough."""
        lock = {"holder": holder, "seconds": 8, "since": "now", "renewed": "now"}
        self.azure.blobs.put(f"/history/{APP}/lock", json.dumps(lock).encode(), "", "")

    def history(self) -> list[dict[str, Any]]:
        ended = self.task("history", "--json")
        assert ended.code == 0, ended
        return [json.loads(line) for line in ended.out.splitlines()]


def only(digest: str) -> dict[str, int]:
    return {digest: 100}

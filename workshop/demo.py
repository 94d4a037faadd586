"""The task `demo`: generate a service, create a product and read it, on this machine only."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from toolkit.dev import bootstrap, git_start, ports, serve, subprocesses
from toolkit.dev.postgres import run as postgres

# The demo's commit is temporary: git on this machine may have no configured user.
NOBODY = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Demo"), ("EMAIL", "demo@example.com"))
}
PRODUCT = {"name": "Espresso machine", "description": "Two groups, 11 litres", "price": "2490.00", "stock": 3}


def run(root: Path, *, once: bool) -> None:
    """Bake into `.demo`, serve, create and read a product; keep serving until Ctrl-C, or stop at once."""
    began = time.monotonic()
    folder = root / ".demo"
    folder.mkdir(exist_ok=True)
    with _alone(folder):
        service = bake(root, folder)
        baked = time.monotonic() - began
        port = ports.next_free(serve.HOST, 8000)
        with _serving(service, port) as running:
            _use(service, running, f"http://{serve.HOST}:{port}")
            print(
                f"\nService generated in {baked:.1f} s, product created in {time.monotonic() - began:.1f} s: {service}",
                flush=True,
            )
            if not once:
                print("The service is running; press Ctrl-C to stop it.", flush=True)
                running.wait()


@contextmanager
def serving(root: Path) -> Iterator[str]:
    """Serve what the last demo has made. Yields its address. Raises SystemExit when it does not start."""
    folder = root / ".demo"
    with _alone(folder):
        port = ports.next_free(serve.HOST, 8000)
        with _serving(_made(folder), port) as running:
            address = f"http://{serve.HOST}:{port}"
            if fault := serve.fault_of_start(running, f"{address}/health"):
                raise SystemExit(f"{fault} See the output above.")
            yield address


def _made(folder: Path) -> Path:
    return next(path.parent for path in folder.glob("*/service.toml"))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Allow one demo at a time: the next one removes the folder of the last."""
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit("A demo is already running; stop it first (Ctrl-C in its terminal).") from None
        yield


def bake(root: Path, folder: Path) -> Path:
    """Generate a service with the default answers in `folder`, without the user's own settings."""
    for old in folder.iterdir():
        if (old / "service.toml").is_file():
            postgres.forget(old)
            shutil.rmtree(old)
    settings = folder / "cookiecutter.json"
    places = {"cookiecutters_dir": str(folder / "templates"), "replay_dir": str(folder / "replay")}
    settings.write_text(json.dumps(places))  # JSON is YAML
    command = [sys.executable, "-m", "cookiecutter", str(root), "--no-input", "--output-dir", str(folder)]
    environment = os.environ if git_start.knows_who(folder) else {**os.environ, **NOBODY}
    if subprocesses.run([*command, "--config-file", str(settings)], env=environment):
        raise SystemExit("The service could not be generated; see the output above.")
    return _made(folder)


@contextmanager
def _serving(service: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run the service's own `dev`, and stop it at the end like Ctrl-C."""
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "POSTGRES_SERVER")}
    command = [sys.executable, "tasks.py", "dev", "--port", str(port), "--fresh"]
    child = subprocess.Popen(command, cwd=service, env=environment, preexec_fn=subprocesses.die_with_parent)
    try:
        yield child
    finally:
        subprocesses.stop(child)


def _use(service: Path, running: subprocess.Popen[bytes], address: str) -> None:
    """Create a product and read it back. Raises SystemExit when the service does not come up."""
    command = [str(bootstrap.python_of(service)), "tasks.py", "token", "--all"]
    token = subprocess.run(command, cwd=service, check=True, capture_output=True, text=True).stdout.split()[-1]
    if fault := serve.fault_of_start(running, f"{address}/health"):
        raise SystemExit(f"{fault} See the output above.")
    created, location = _call("POST", f"{address}/api/v1/products", token, PRODUCT)
    print(f"created  POST /api/v1/products   {created['id']}")
    read, _ = _call("GET", address + location, token)
    if read != created:
        raise SystemExit(f"The product read differs from the one created:\n  {read}\n  {created}")
    print(f"read     GET {location}   {read['name']}, {read['price']}")
    print(
        f'\n  try      curl -H "Authorization: Bearer $(cd {service} && python3 tasks.py token --all | tail -1)"',
        end="",
    )
    print(f" {address}/api/v1/products\n  docs     {address}/docs", flush=True)


def _call(method: str, url: str, token: str, body: Mapping[str, Any] | None = None) -> tuple[dict[str, Any], str]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    content = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, content, headers, method=method)  # noqa: S310  # http, our own
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
        return json.load(response), response.headers.get("Location", "")

"""Linters of pipelines that are no Python packages."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from toolkit.deploy.verify.checkout import ACTIONLINT


def actionlint() -> str:
    """The program: on PATH, as it was built here before, or built by Go now. Raises LookupError with the reason."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "microservice-scaffolder" / "bin"
    found = shutil.which("actionlint", path=f"{os.environ.get('PATH', os.defpath)}{os.pathsep}{cache}")
    if found:
        return found
    go = shutil.which("go")
    if not go:
        raise LookupError("neither actionlint nor Go, which could build it, is installed")
    cache.mkdir(parents=True, exist_ok=True)
    command = [go, "install", ACTIONLINT]
    done = subprocess.run(
        command, env={**os.environ, "GOBIN": str(cache)}, check=False, capture_output=True, text=True, timeout=300
    )
    if done.returncode:
        raise LookupError(f"Go could not build actionlint: {done.stderr.strip().splitlines()[-1:]}")
    return str(cache / "actionlint")


def zizmor() -> str:
    return str(Path(sys.executable).parent / "zizmor")


def complaints(program: str, folder: Path, *arguments: str) -> str:
    """Return a linter's findings in a folder; empty without any."""
    done = subprocess.run([program, *arguments], cwd=folder, check=False, capture_output=True, text=True, timeout=120)
    return done.stdout + done.stderr if done.returncode else ""

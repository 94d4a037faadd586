"""A service whose toolkit has nothing of the service's to import, or is a wheel."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.template import SERVICE

NAME = "fastapi-service-toolkit"


def empty_tests(service: Path) -> None:
    shutil.rmtree(service / "tests")
    (service / "tests").mkdir()


def build_wheel(folder: Path) -> Path:
    """The toolkit's wheel, built from its folder."""
    source = folder / "source"
    shutil.copytree(SERVICE / "toolkit", source, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder / "wheels")]
    subprocess.run(command, cwd=source, check=True, capture_output=True, text=True)
    return next((folder / "wheels").glob("*.whl"))


def use_wheel(service: Path, wheel: Path) -> str:
    """Replace the folder by its wheel, as toolkit/README.md says; the value of UV_FIND_LINKS, which is the index."""
    shutil.rmtree(service / "toolkit")
    path = service / "pyproject.toml"
    line = f'    "{NAME}=={wheel.name.split("-")[1]}",\n'
    path.write_text(path.read_text().replace("dev = [\n", f"dev = [\n{line}", 1))
    return str(wheel.parent)

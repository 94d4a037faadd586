"""Where this repository and the service in it are."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVICE = ROOT / "<<cookiecutter.project_slug>>"

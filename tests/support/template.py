"""Paths of this repository and of the service in it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVICE = ROOT / "<<cookiecutter.project_slug>>"

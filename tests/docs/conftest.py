"""Fixtures for the tests of documents: the service's modules, and shells without this environment."""

import sys
from pathlib import Path

SERVICE = Path(__file__).resolve().parents[2] / "<<cookiecutter.project_slug>>"
# At the end, as the service has a package `tests` too.
sys.path.append(str(SERVICE))

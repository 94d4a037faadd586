"""Jinja filters for cookiecutter.json and the rendered files; one of them refuses bad answers.

Cookiecutter has no hook that can refuse before it writes: a failing pre_gen hook leaves a traceback, and a slug of
`../../x` has by then left the output folder. A filter used by the last private variable runs after the last answer
and before the first file.
"""

import json
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from click import UsageError
from jinja2 import Environment
from jinja2.ext import Extension

if TYPE_CHECKING:
    from scaffold.model import Resource

TEMPLATE = Path(__file__).resolve().parent
SERVICE = TEMPLATE / "<<cookiecutter.project_slug>>"


class Answers(Extension):
    """Adds the filters `escaped`, `checked`, `parsed`, `template_version` and `template_folder`."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.filters |= {
            "escaped": escaped,
            "checked": checked,
            "parsed": parsed,
            "template_version": template_version,
            "template_folder": lambda _: str(TEMPLATE),
        }


def escaped(text: str) -> str:
    """Text for between the double quotes of TOML, YAML or JSON."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def template_version(_: str) -> str:
    return tomllib.loads((TEMPLATE / "pyproject.toml").read_text())["project"]["version"]


def checked(answers: Mapping[str, str]) -> str:
    """ "yes" for good answers. Raises click.UsageError with every fault: cookiecutter ends with exit code 2."""
    faults = _faults({name: value for name, value in answers.items() if not name.startswith("_")})
    if faults:
        listed = "\n".join(f"  - {fault}" for fault in faults)
        raise UsageError(f"These answers can't make a service, and nothing was written:\n{listed}")
    return "yes"


def parsed(line: str) -> "tuple[Resource, ...]":
    """The resources of a line, for documents that show one of them as the example."""
    with _service_on_path():
        from scaffold.parser import parse
    return parse(line)


def _faults(answers: Mapping[str, str]) -> list[str]:
    with _service_on_path():
        from scaffold.answers import check_answers
    return check_answers(answers)


@contextmanager
def _service_on_path() -> Iterator[None]:
    """The service's own parser judges; importing it leaves no compiled files in the folder that is copied next."""
    kept, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    sys.path.insert(0, str(SERVICE))
    try:
        yield
    finally:
        sys.path.remove(str(SERVICE))
        sys.dont_write_bytecode = kept

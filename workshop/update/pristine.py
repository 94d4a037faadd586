"""A pristine service: what this template makes of answers and resource lines, without environment, lock or git."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from workshop.update.git import UpdateError

TEMPLATE = Path(__file__).resolve().parents[2]


def make(answers: Mapping[str, str], lines: Sequence[str], output: Path) -> Path:
    """Write the service into `output` and return its folder. Questions without an answer take their defaults.

    Raises UpdateError with the template's words for answers or lines that it refuses.
    """
    from click import ClickException
    from cookiecutter.exceptions import CookiecutterException
    from cookiecutter.main import cookiecutter

    from hooks import options
    from toolkit.resources.line.parser import ResourceErrors
    from toolkit.resources.write import generator

    resources = "; ".join(lines)
    try:
        folder = cookiecutter(
            str(TEMPLATE),
            no_input=True,
            extra_context={**answers, "resources": resources},
            output_dir=str(output),
            default_config=True,
            accept_hooks=False,
        )
    except (ClickException, CookiecutterException, ValueError) as error:
        raise UpdateError(f"the template refused the answers: {error}") from None
    project = Path(folder)
    options.remove_strays(project)
    options.remove_sample(project)
    chosen = {**defaults(), **answers}
    options.apply_files(project, chosen)
    options.apply_regions(project, chosen)
    try:
        generator.add(resources, project)
    except (ResourceErrors, generator.GeneratorError) as error:
        raise UpdateError(f"the template refused the resource lines of service.toml: {error}") from None
    return project


def questions() -> list[str]:
    """Return the names of the template's questions."""
    return [name for name in _questions_file() if not name.startswith("_")]


def defaults() -> dict[str, str]:
    """Return the default of every question that has choices."""
    content = _questions_file()
    return {name: value[0] for name, value in content.items() if isinstance(value, list) and not name.startswith("_")}


def _questions_file() -> dict[str, object]:
    return json.loads((TEMPLATE / "cookiecutter.json").read_text(encoding="utf-8"))


def main() -> int:
    """`python -m workshop.update.pristine SERVICE OUTPUT` in a checkout of the template.

    Writes what this commit makes of the service into OUTPUT, and prints the folder. A newer template asks an older one.
    """
    sys.path.insert(0, str(TEMPLATE / "<<cookiecutter.project_slug>>"))  # as tasks.py does
    from workshop.update import service

    found = service.read(Path(sys.argv[1]))
    print(make(found.answers, found.lines, Path(sys.argv[2])))
    return 0


if __name__ == "__main__":
    sys.exit(main())

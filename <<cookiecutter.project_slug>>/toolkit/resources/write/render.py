"""Renders the templates: every generated file of a set of resources."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from toolkit.resources.line.model import Resource
from toolkit.resources.write.change import GeneratorError
from toolkit.resources.write.filters import FILTERS

TEMPLATES = Path(__file__).parents[1] / "templates"


def render(
    resources: tuple[Resource, ...], context: Mapping[str, Any], templates: Path = TEMPLATES
) -> Iterator[tuple[str, str]]:
    """Return path and text of every generated file, from every template.

    A template whose path has a placeholder (`[module]`) is rendered for each resource, one without (`resources.py.j2`)
    once; a file that ends only in `.j2` (`macros.j2`) is imported by other templates. A file without text is left out.
    """
    for target in targets(templates):
        template = _environment(templates).get_template(f"{target}.j2")
        for resource in resources if "[" in target else (None,):
            path = place(target, resource) if resource else target
            own = {"resource": resource} if resource else {}
            try:
                text = template.render(context, resources=resources, **own)
            except TemplateError as error:
                message = f"nothing was written: the template {target}.j2 fails for {path}: {error}"
                raise GeneratorError(message) from error
            if text.strip():
                yield path, text


def targets(templates: Path = TEMPLATES) -> list[str]:
    """Return the path of each template's file, with its placeholders."""
    names = _environment(templates).list_templates(extensions=["j2"])
    found = [name.removesuffix(".j2") for name in sorted(names)]
    return [target for target in found if "." in target.rpartition("/")[2]]


def place(target: str, resource: Resource) -> str:
    """Return the path of a resource's file."""
    for placeholder in ("name", "plural", "module", "plural_module"):
        target = target.replace(f"[{placeholder}]", getattr(resource, placeholder))
    return target


@cache
def _environment(templates: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(templates, encoding="utf-8"),
        variable_start_string="<<",
        variable_end_string=">>",
        block_start_string="<%",
        block_end_string="%>",
        comment_start_string="<#",
        comment_end_string="#>",
        line_statement_prefix="# %",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - Python, not HTML; the parser accepts only valid names
    )
    environment.filters |= FILTERS
    return environment

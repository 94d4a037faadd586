"""The documents of this repository are true: links lead somewhere, tables have what the code has."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

import extensions
from workshop import documents

ROOT = Path(__file__).resolve().parents[2]
PAGES = documents.pages(ROOT)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    assert documents.broken_links(page) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One\n[good](#one) [gone](#two) [file](nothing.md) [web](https://example.com)\n")
    assert documents.broken_links(page) == ["#two", "nothing.md"]


def test_the_table_of_questions_is_that_of_the_template() -> None:
    questions = json.loads((ROOT / "cookiecutter.json").read_text())
    table = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    asked = {name: value for name, value in questions.items() if not name.startswith("_")}
    assert [name for name, *_ in table] == list(asked)
    for name, default, text in table:
        value = asked[name]
        if isinstance(value, list):
            assert default == value[0]
            assert all(choice in text for choice in value) or "3.11 to 3.14" in text
        elif "cookiecutter" not in value and name != "resources":
            assert default == value


def test_the_changelog_begins_with_the_version_of_the_template() -> None:
    versions = re.findall(r"^## \[(\S+)\] - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert versions[0] == extensions.template_version("")
    assert versions == sorted(set(versions), key=lambda version: [int(n) for n in version.split(".")], reverse=True)


def test_the_line_at_the_top_is_the_default() -> None:
    default = json.loads((ROOT / "cookiecutter.json").read_text())["resources"]
    assert f"    {default}\n" in (ROOT / "README.md").read_text()


def test_the_grammar_is_the_parsers() -> None:
    """The same types, in the same order, as the parser knows them."""
    from toolkit.resources.line import field, model

    readme = (ROOT / "README.md").read_text()
    grammar = readme[readme.index("type      :=") : readme.index("check     :=")]
    assert tuple(re.findall(r"(?::=|\|) +(\w+)", re.sub(r"\[.*?\]", "", grammar))) == model.TYPES
    actions = readme[readme.index("ref(resource[,") :].partition("]")[0]
    assert set(re.findall(r"[, |]+(\w+)", actions)) == set(get_args(field.OnDelete))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_task_and_option_that_a_page_names_is_there(page: Path) -> None:
    own = _tasks(ROOT)
    services = _tasks(ROOT / "<<cookiecutter.project_slug>>")
    for call in documents.calls(page):
        assert call.task in own or call.task in services, f"{page.name} names the task {call.task}"
        known = own.get(call.task, set()) | services.get(call.task, set())
        assert set(call.options) <= known, f"{page.name} names {call}"


def _tasks(folder: Path) -> dict[str, set[str]]:
    """The tasks of a task file, each with its long options; asked in a process of its own, as a user would."""
    script = (
        "import json, sys\n"
        "sys.path.insert(0, '.')\n"
        "from toolkit.dev import bootstrap\n"
        "bootstrap.enter = lambda *_, **__: None\n"
        "import tasks\n"
        "found = {name: [f for a in tasks.namespace[name].get_arguments() for f in a.names]"
        " for name in tasks.namespace.task_names}\n"
        "found |= {alias: found[name] for name, aliases in tasks.namespace.task_names.items() for alias in aliases}\n"
        "print(json.dumps(found))\n"
    )
    environment = {"PYTHONPATH": f"{folder}:{ROOT / '<<cookiecutter.project_slug>>'}", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    return {task: {f"--{name}" for name in names} | {"--help"} for task, names in json.loads(done.stdout).items()}


def test_the_tasks_of_a_listing() -> None:
    unit = {"name": "unit", "aliases": []}
    below = {"name": "test", "tasks": [{"name": "all", "aliases": []}, unit], "collections": []}
    listing = json.dumps({"name": None, "tasks": [{"name": "up", "aliases": ["u"]}], "collections": [below]})
    assert documents.task_names(listing) == {"up", "u", "test", "test.all", "test.unit"}

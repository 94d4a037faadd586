"""Lines, files and settings for which nothing is written."""

import sys
from pathlib import Path

import pytest

from tests.support.generating import PRODUCT, SERVICE, files, statuses
from toolkit.resources.line.parser import ResourceErrors
from toolkit.resources.write import generator, manifest
from toolkit.resources.write.generator import GeneratorError


def test_a_foreign_file_is_not_overwritten(root: Path, templates: Path) -> None:
    (root / "docs").mkdir()
    (root / "docs/product.md").write_text("# Ours\n")
    before = files(root)
    with pytest.raises(GeneratorError, match=r"nothing was written(.|\n)*docs/product.md"):
        generator.add(PRODUCT, root, templates=templates)
    assert files(root) == before


def test_another_line_for_the_same_name_is_refused(root: Path, templates: Path) -> None:
    generator.add(PRODUCT, root, templates=templates)
    before = files(root)
    with pytest.raises(ResourceErrors) as raised:
        generator.add("order: a:int; product: name:str", root, templates=templates)
    (fault,) = raised.value.faults
    assert (fault.position, fault.resource) == (15, "product")
    assert f"it already exists as `{PRODUCT}`" in fault.message
    assert "resource.change product" in fault.message
    assert files(root) == before


def test_without_ruff_nothing_is_written_unless_that_is_allowed(
    root: Path, templates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (templates / "app/models/[module].py.j2").write_text("import os\nX = [1,2]\n")
    before = files(root)
    with monkeypatch.context() as without:
        without.setattr(sys, "executable", str(root / "python"))
        with pytest.raises(GeneratorError, match="nothing was written: ruff, which formats"):
            generator.add(PRODUCT, root, templates=templates)
        assert files(root) == before
        generator.add(PRODUCT, root, unformatted=True, templates=templates)
    assert (root / "app/models/product.py").read_text() == "import os\nX = [1,2]\n"
    # Formatted meanwhile, it is what the generator makes: nobody has edited it.
    (root / "app/models/product.py").write_text("X = [1, 2]\n")
    assert statuses(generator.add(PRODUCT, root, templates=templates))["app/models/product.py"] == "ok"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[resources\n", "is not valid TOML"),
        ("[service]\n", "no `lines = [...]` below"),
        ('[resources]\nlines = "x"\n', "not a list of strings"),
        ("[resources]\nlines = [1]\n", "not a list of strings"),
        ("resources = { lines = [] }\n", "no `lines = [...]` below"),
        ('[resources]\nlines = ["p: a:strng"]\n', "unknown type `strng`"),
        ("[resources]\nlines = []\n", "'dict object' has no attribute 'auth'"),
    ],
)
def test_a_damaged_service_file_is_refused(root: Path, templates: Path, text: str, words: str) -> None:
    (root / "service.toml").write_text(text)
    with pytest.raises(GeneratorError) as raised:
        generator.add(PRODUCT, root, templates=templates)
    assert words in str(raised.value)
    assert list(files(root)) == ["service.toml"]


def test_no_service_and_no_manifest(root: Path, templates: Path, tmp_path: Path) -> None:
    with pytest.raises(GeneratorError, match="run this in the service's own folder"):
        generator.add(PRODUCT, tmp_path, templates=templates)
    (root / manifest.PATH).write_text("<<<<<<< ours\n")
    with pytest.raises(GeneratorError, match="git checkout"):
        generator.add(PRODUCT, root, templates=templates)


def test_a_folder_in_the_way(root: Path, templates: Path) -> None:
    (root / "docs/product.md").mkdir(parents=True)
    with pytest.raises(GeneratorError, match="nothing was written"):
        generator.add(PRODUCT, root, templates=templates)


def test_what_ruff_says_of_its_settings_is_passed_on(root: Path, templates: Path) -> None:
    (root / "pyproject.toml").write_text("[tool.ruff]\nline-length = 'wide'\n")
    before = files(root)
    with pytest.raises(GeneratorError, match=r"ruff failed on the rendered files\n(.|\n)*line-length"):
        generator.add(PRODUCT, root, templates=templates)
    assert files(root) == before


def test_conflict_marks_of_a_git_merge_are_refused(root: Path, templates: Path) -> None:
    generator.add(PRODUCT, root, templates=templates)
    (root / "app/models/product.py").write_text("<<<<<<< HEAD\na\n=======\nb\n>>>>>>> other\n")
    before = files(root)
    with pytest.raises(GeneratorError, match=r"unresolved +app/models/product.py"):
        generator.add("third: a:int", root, templates=templates)
    assert files(root) == before


def test_an_owner_without_tokens_is_refused(root: Path, templates: Path) -> None:
    (root / "service.toml").write_text(SERVICE.replace('auth = "jwt"', 'auth = "none"'))
    before = files(root)
    with pytest.raises(GeneratorError, match=r"nothing was written: `order` has `owner`, .* but auth is `none`"):
        generator.add("order: owner number:str", root, templates=templates)
    assert files(root) == before

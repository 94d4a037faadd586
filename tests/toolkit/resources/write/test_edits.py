"""Files that their owner has edited or deleted, and files that follow the lines."""

import json
from pathlib import Path

import pytest

from tests.support.generating import PRODUCT, files, statuses
from toolkit.resources.write import generator, manifest, service_file


def test_an_edited_file_is_kept(root: Path, templates: Path) -> None:
    generator.add(PRODUCT, root, templates=templates)
    edited = root / "app/models/product.py"
    edited.write_text("mine\n")
    (templates / "app/models/[module].py.j2").write_text('NAME = "<< resource.name >>"\nNEW = True\n')
    changes = generator.add("order: a:int", root, templates=templates)
    assert statuses(changes)["app/models/product.py"] == "edited"
    assert statuses(changes)["app/resources.py"] == "update"
    assert edited.read_text() == "mine\n"
    assert "kept" in str(next(change for change in changes if change.status == "edited"))
    again = generator.add("order: a:int", root, templates=templates)
    assert statuses(again)["app/models/product.py"] == "edited", "and it still is by the next run"


def test_an_unedited_file_follows_the_template(root: Path, templates: Path) -> None:
    generator.add(PRODUCT, root, templates=templates)
    (templates / "docs/[name].md.j2").write_text("# New\n")
    changes = generator.add(PRODUCT, root, templates=templates)
    assert statuses(changes)["docs/product.md"] == "update"
    assert (root / "docs/product.md").read_text() == "# New\n"
    assert set(statuses(generator.add(PRODUCT, root, templates=templates)).values()) == {"ok"}


def test_line_ends_are_no_edit(root: Path, templates: Path) -> None:
    generator.add(PRODUCT, root, templates=templates)
    path = root / "app/models/product.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert statuses(generator.add(PRODUCT, root, templates=templates))["app/models/product.py"] == "ok"


def test_a_deleted_file_is_not_made_again(root: Path, templates: Path) -> None:
    generator.add(PRODUCT, root, templates=templates)
    (root / "docs/product.md").unlink()
    for _ in range(2):
        changes = generator.add(PRODUCT, root, templates=templates)
        assert statuses(changes)["docs/product.md"] == "deleted"
        assert not (root / "docs/product.md").exists()
    recorded = dict(manifest.read(root).files)
    del recorded["docs/product.md"]
    (root / manifest.PATH).write_text(manifest.text(recorded, ()))
    assert statuses(generator.add(PRODUCT, root, templates=templates))["docs/product.md"] == "create"


CLASS = "class << resource.class_name >>:\n# % for field in resource.fields\n    << field.name >>: int\n# % endfor\n"


@pytest.fixture
def edited(root: Path, templates: Path) -> Path:
    """The module of a resource with a method of its owner's."""
    (templates / "app" / "models" / "[module].py.j2").write_text(CLASS)
    generator.add("product: a:int b:int; other: z:int", root, templates=templates)
    module = root / "app" / "models" / "product.py"
    module.write_text(module.read_text() + "\n    def own(self) -> int:\n        return self.a\n")
    return module


def test_a_change_is_merged_with_the_owners_edits(edited: Path, root: Path, templates: Path) -> None:
    lines = ["product: a:int c:int d:int", "other: z:int"]
    changes = generator.prepare(root, lines, templates=templates)
    assert statuses(changes)["app/models/product.py"] == "merge"
    generator.write(changes, root)
    wanted = "class Product:\n    a: int\n    c: int\n    d: int\n\n    def own(self) -> int:\n        return self.a\n"
    assert edited.read_text() == wanted
    assert manifest.read(root).lines == tuple(lines)
    again = generator.prepare(root, lines, templates=templates)
    assert not [change for change in again if change.writes]


def test_without_the_former_lines_an_edited_file_is_kept(edited: Path, root: Path, templates: Path) -> None:
    """The control: it is the manifest's lines that make the merge possible."""
    recorded = json.loads((root / manifest.PATH).read_text())
    (root / manifest.PATH).write_text(json.dumps({"files": recorded["files"]}))
    service_toml = root / "service.toml"
    service_toml.write_text(service_toml.read_text().replace("a:int b:int", "a:int c:int"))
    lines = service_file.read(root).lines
    assert statuses(generator.prepare(root, lines, templates=templates))["app/models/product.py"] == "edited"


def test_the_same_lines_in_both_are_a_conflict(edited: Path, root: Path, templates: Path) -> None:
    edited.write_text(edited.read_text().replace("b: int", "b: float"))
    lines = ["product: a:int", "other: z:int"]
    (change,) = (each for each in generator.prepare(root, lines, templates=templates) if each.status == "conflict")
    assert "<<<<<<< your file\n    b: float" in change.content
    assert not change.writes


def test_what_fails_after_the_files_undoes_them(edited: Path, root: Path, templates: Path) -> None:
    before = files(root)
    changes = generator.prepare(root, ["product: a:int c:int", "new: a:int"], removes=True, templates=templates)

    def fail() -> None:
        with generator.written(changes, root):
            assert files(root) != before
            (root / "alembic" / "versions").mkdir(parents=True)
            (root / "alembic" / "versions" / "half.py").write_text("")
            raise SystemExit

    with pytest.raises(SystemExit):
        fail()
    assert files(root) == before


OWNED = 'OWNED = "<< resources | selectattr("owner") | map(attribute="name") | join >>"\n'


@pytest.fixture
def with_owners(templates: Path) -> Path:
    """Templates with a file that only resources with an owner need."""
    (templates / "app/owned.py.j2").write_text(f'<% if resources | selectattr("owner") | list %>\n{OWNED}<% endif %>\n')
    return templates


def test_what_owners_need_comes_with_the_first_and_goes_with_the_last(root: Path, with_owners: Path) -> None:
    generator.add("product: name:str", root, templates=with_owners)
    assert "app/owned.py" not in files(root)
    generator.add("order: owner number:str", root, templates=with_owners)
    assert files(root)["app/owned.py"] == 'OWNED = "order"\n'
    changes = generator.prepare(root, ["product: name:str", "order: number:str"], templates=with_owners)
    assert statuses(changes)["app/owned.py"] == "remove"
    generator.write(changes, root)
    assert "app/owned.py" not in files(root)
    assert "app/owned.py" not in json.loads(files(root)[".generated.json"])["files"]


def test_what_owners_needed_stays_with_edits(root: Path, with_owners: Path) -> None:
    generator.add("order: owner number:str", root, templates=with_owners)
    (root / "app/owned.py").write_text("ours\n")
    changes = generator.prepare(root, ["order: number:str"], templates=with_owners)
    assert statuses(changes)["app/owned.py"] == "orphan"
